/* What the parts of elaborate that make a network's graph share. */
#ifndef NETC_DSL_ELABORATE_BODY_H
#define NETC_DSL_ELABORATE_BODY_H

#include "dsl/elaborate_common.h"

enum { NET_MOST_LAYERS_DEEP = 64, NET_MOST_DATA_INPUTS = 64, NET_MOST_NODES = 1 << 16 };

/* What an expression of a body stands for. */
typedef struct {
  bool tensor;
  net_value_id value;
  net_constant constant; /* if no tensor */
  net_loc loc;
} net_operand;

/* A name that a body gives. */
typedef struct {
  net_name name;
  net_value_id value; /* NET_NONE: a constant, which the scope has */
  net_loc loc;
} net_binding;

/* The inside of a network or of one use of a layer. */
typedef struct net_expansion net_expansion;
struct net_expansion {
  net_elaborator *e;
  net_graph *graph;
  const char *prefix; /* "dense_2." */
  const net_expansion *outer; /* within a layer: what uses it */
  net_name layer;             /* which layer */
  net_scope constants;
  uint32_t depth;
  net_loc use;                   /* of the outermost layer; NET_NOWHERE in the network itself */
  NET_VEC(net_binding) bindings; /* the last of a name is meant */
  NET_VEC(struct {
    net_name kind;
    uint32_t count;
  })
  counters;                      /* unlabelled nodes so far, by operator or layer */
  NET_VEC(net_ident) node_names; /* labels and numbered names given so far */
};

/* elaborate_network.c */
/* dense_2: the label, or kind_k. The same path twice is an error. */
bool net_expansion_name(net_expansion *b, net_ident label, net_name kind, net_loc loc, net_name *path);
void net_expansion_bind(net_expansion *b, net_ident name, const net_operand *value);
/* Whether the name is, at this point of the body, a tensor's. */
bool net_expansion_tensor(const net_expansion *b, net_name name, net_value_id *value);
/* result: of a layer; outputs: of a network, which may give several. */
bool net_expansion_run(net_expansion *b, const net_body *text, net_operand *result, net_value_ids *outputs);
/* The shape behind a parameter's colon. */
bool net_expansion_shape(net_elaborator *e, const net_scope *scope, const net_param *p, net_shape *shape);
static inline net_operand net_operand_of(net_value_id value, net_loc loc) {
  return (net_operand){.tensor = true, .value = value, .loc = loc};
}

/* elaborate_expression.c */
bool net_expansion_evaluate(net_expansion *b, const net_expr *expr, net_operand *out);
/* Whether an expression is a tensor, without making it: a bound name, or anything built on one. */
bool net_expansion_is_tensor(const net_expansion *b, const net_expr *expr);

/* elaborate_operator.c */
/* Adds a node as a user writes it; gives its first output. */
bool net_expansion_node(net_expansion *b, const char *op, net_ident label, net_loc loc,
                        const net_value_id *inputs, uint32_t count, const net_attribute *attributes,
                        uint32_t attribute_count, net_operand *out);
bool net_expansion_operator(net_expansion *b, const net_op *op, net_ident label, const net_operand *flow,
                            const net_args *args, net_loc loc, net_operand *out);

/* elaborate_layer.c */
/* A call by name, of an operator or a layer; flow: what flows in, or NULL. */
bool net_expansion_call(net_expansion *b, net_ident name, net_ident label, const net_operand *flow,
                        const net_args *args, net_loc loc, net_operand *out);

#endif
