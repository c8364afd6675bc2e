/* The graph: values and nodes in SSA form, topologically ordered, with annotations.
 *
 * Everything is an id into the graph's arrays, so graphs copy, print and compare cheaply. A pass never edits
 * the graph it was given: it builds a new one (net_graph_copy to start from). The text form parses back.
 *
 * Ids ascend: nodes stand in topological order, their outputs in the order of the nodes, and every input of a
 * node has a smaller id than its outputs. Passes append, or build anew in order. */
#ifndef NETC_GRAPH_GRAPH_H
#define NETC_GRAPH_GRAPH_H

#include "support/netc.h"
#include "support/tensor.h"

typedef uint32_t net_value_id, net_node_id, net_format_id;
#define NET_NONE UINT32_MAX
enum { NET_FORMAT_FLOAT32 = 0 }; /* format id of plain binary32 */

typedef enum {
  NET_VALUE_INPUT,     /* a network's input: batched */
  NET_VALUE_TARGET,    /* what a loss compares with: batched; u32 class numbers (rank 0) or f32 */
  NET_VALUE_WEIGHT,    /* sample weights: batched, rank 0 */
  NET_VALUE_PARAMETER, /* trained */
  NET_VALUE_STATISTIC, /* kept and updated by nodes, not by gradients (running_mean) */
  NET_VALUE_STATE,     /* the optimiser's (momentum) */
  NET_VALUE_SCALAR,    /* given by the runtime for each step: learning rate, bias corrections */
  NET_VALUE_CONSTANT,  /* data known at compile time */
  NET_VALUE_RESULT,    /* output of a node */
} net_value_kind;

typedef enum { NET_INIT_FILL, NET_INIT_UNIFORM, NET_INIT_NORMAL } net_init_kind;
typedef struct {
  net_init_kind kind;
  double value; /* fill with value; U(−value, value); N(0, value²) */
} net_init;

/* Closed interval of what a value can be; lo > hi: not known. */
typedef struct {
  double lo, hi;
} net_range;
#define NET_RANGE_UNKNOWN ((net_range){1, -1})

/* What the runtime gives for a NET_VALUE_SCALAR (runtime/step.h has the formulas). */
typedef enum { NET_SCALAR_RATE, NET_SCALAR_CORRECTION1, NET_SCALAR_CORRECTION2 } net_scalar_kind;

typedef struct net_value {
  net_name name; /* unique in the graph: NODE.PARAMETER for parameters; results: NODE (first), NODE.OUTPUT */
  net_value_kind kind;
  net_type type;   /* NET_F32; NET_U32: class numbers; NET_F64: exact sums, and integers: results, constants;
                      inputs   may be codes */
  net_shape shape; /* without the batch */
  bool batched;    /* one for each sample */
  net_format_id format;
  net_range range;
  net_node_id def; /* of results: the node; else NET_NONE */
  net_loc loc;
  net_init init;          /* parameters, statistics, state */
  bool frozen;            /* parameters */
  uint32_t group;         /* parameters: learning-rate group */
  net_scalar_kind scalar; /* scalars */
  double beta;            /* scalars: of the corrections */
  uint32_t column;        /* inputs, targets: index among the inputs, the targets */
  const void *data;       /* constants: elements of the type, row-major, in the arena */
} net_value;

/* What a node costs at batch 1, filled in by net_graph_cost. See graph/cost.h. */
typedef struct {
  double computations, backward; /* a multiply-add counts 1; backward: of its gradients */
  double flops, bitops;          /* flops: computations on float data, else 0 */
} net_cost;

typedef enum {
  NET_ATTRIBUTE_INT,
  NET_ATTRIBUTE_REAL,
  NET_ATTRIBUTE_BOOL,
  NET_ATTRIBUTE_TEXT,
  NET_ATTRIBUTE_INTS,
} net_attribute_kind;
typedef struct {
  net_name key;
  net_attribute_kind kind;
  int64_t integer; /* INT, BOOL */
  double real;
  net_name text;
  net_shape ints; /* INTS: axes, a shape (−1 as UINT32_MAX) */
} net_attribute;

/* What a tensor is to the node that a rule of formats is about. */
typedef enum {
  NET_TENSOR_INPUT, /* every data input */
  NET_TENSOR_WEIGHT,
  NET_TENSOR_BIAS,
  NET_TENSOR_OUTPUT,
  NET_TENSOR_ACCUMULATOR,
  NET_TENSORS
} net_tensor_role;

typedef struct net_node {
  net_name name;        /* path: "dense_2.batch_norm_1" */
  net_name owner;       /* quantisers: the node whose tensor they quantise; others: id 0 */
  net_tensor_role role; /* quantisers: which tensor. Those of accumulator and output stand right behind their
                           owner, in this order */
  uint16_t op;          /* row of netc.ops */
  uint16_t input_count, output_count, attribute_count;
  uint32_t first_input;      /* in edges; an absent optional input is NET_NONE */
  net_value_id first_output; /* outputs are consecutive values */
  uint32_t first_attribute;
  uint32_t first_layer; /* in layers: the user's layers that it comes from, innermost first */
  uint16_t layer_count;
  net_cost cost;
  net_loc loc; /* where the node was written */
  net_loc use; /* inside user layers: where the outermost one is called; else NET_NOWHERE */
} net_node;

typedef NET_VEC(net_value_id) net_value_ids;

typedef struct net_graph {
  netc *n;
  net_arena *arena;
  net_name name;
  net_loc loc;
  NET_VEC(net_value) values;
  NET_VEC(net_node) nodes;
  NET_VEC(net_value_id) edges;
  NET_VEC(net_attribute) attributes;
  NET_VEC(net_name) layers;
  net_value_ids outputs;  /* of the network, in order */
  net_value_ids losses;   /* training and evaluation graphs: [0] the total loss, [1] weight sum, [2] correct
                             count (left out when no target is a class number) */
  net_value_ids observed; /* values that metrics look at (logits), in the order of the losses */
} net_graph;

net_graph *net_graph_new(netc *n, net_arena *arena, net_name name, net_loc loc);
net_graph *net_graph_copy(net_arena *arena, const net_graph *graph);

/* A value of its own (not a node's result); all but the arguments is to be filled in by the caller. */
net_value_id net_graph_value(net_graph *graph, net_value_kind kind, net_name name, net_type type,
                             net_shape shape, bool batched, net_loc loc);

/* Adds a node: creates its outputs and runs the operator's shape function. Attributes left out take the
 * operator's defaults. Gives NET_NONE after reporting when shapes do not fit. */
net_node_id net_graph_node(net_graph *graph, const char *op, net_name name, const net_value_id *inputs,
                           uint32_t input_count, const net_attribute *attributes, uint32_t attribute_count,
                           net_loc loc);
/* A node as a user's call makes it: given the data inputs only, creates the parameters and statistics that
 * the operator takes (NODE.INPUT). Gives NET_NONE after reporting. */
net_node_id net_graph_layer(net_graph *graph, const char *op, net_name name, const net_value_id *data,
                            uint32_t data_count, const net_attribute *attributes, uint32_t attribute_count,
                            net_loc loc);
/* As net_graph_node, for internal use: makes the name fresh (after the operator when it is empty), has no
 * place, and gives the first output. */
net_value_id net_graph_call(net_graph *graph, const char *op, net_name name, const net_value_id *inputs,
                            uint32_t input_count, const net_attribute *attributes, uint32_t attribute_count);
/* For passes that build a graph from parts of another: a value that is no result; a node with its outputs.
 * map: per value of the old graph its id in the new one; the outputs' are set. */
net_value_id net_graph_clone_value(net_graph *to, const net_graph *from, net_value_id value);
net_node_id net_graph_clone_node(net_graph *to, const net_graph *from, net_node_id node, net_value_id *map);
/* base, or base.2, base.3, …: the first that neither a value nor a node has yet */
net_name net_graph_fresh_name(const net_graph *graph, const char *base);

net_attribute net_attribute_int(netc *n, const char *key, int64_t value);
net_attribute net_attribute_real(netc *n, const char *key, double value);
net_attribute net_attribute_bool(netc *n, const char *key, bool value);
net_attribute net_attribute_text(netc *n, const char *key, const char *value);
net_attribute net_attribute_ints(netc *n, const char *key, net_shape value);

bool net_attribute_same(const net_attribute *a, const net_attribute *b);

static inline const net_node *net_graph_at(const net_graph *graph, net_node_id node) {
  return &graph->nodes.at[node];
}
static inline const net_value *net_graph_value_at(const net_graph *graph, net_value_id value) {
  return &graph->values.at[value];
}
const struct net_op *net_node_op(const net_graph *graph, net_node_id node);
net_value_id net_node_input(const net_graph *graph, net_node_id node, uint32_t index); /* NET_NONE: absent */
net_value_id net_node_output(const net_graph *graph, net_node_id node, uint32_t index);
/* The value that output is written over (an update's), or NET_NONE. */
net_value_id net_node_alias(const net_graph *graph, net_node_id node, uint32_t output);
/* The attribute of that key; NULL: the operator declares none. */
net_attribute *net_node_find_attribute(const net_graph *graph, net_node_id node, const char *key);
/* The same where it is declared; every declared attribute is there once the node is built (faults
 * otherwise). */
const net_attribute *net_node_attribute(const net_graph *graph, net_node_id node, const char *key);
int64_t net_node_int(const net_graph *graph, net_node_id node, const char *key);
double net_node_real(const net_graph *graph, net_node_id node, const char *key);
bool net_node_bool(const net_graph *graph, net_node_id node, const char *key);

/* The layers of the user that a node comes from, innermost first. */
void net_graph_set_layers(net_graph *graph, net_node_id node, const net_name *layers, uint32_t count);
static inline net_name net_node_layer(const net_graph *graph, net_node_id node, uint32_t index) {
  return graph->layers.at[graph->nodes.at[node].first_layer + index];
}

/* ---- quantisers (quantizers.c) ---- */

/* "weight", …: by role */
extern const char *const net_tensor_role_names[NET_TENSORS];
/* The role of a node's input: weight and bias by their names, input for data; NET_TENSORS: no number format
 * is for it (statistics, targets). */
net_tensor_role net_node_role(const net_graph *graph, net_node_id node, uint32_t input);
/* What others see of a value: of a node's first result, what its own accumulator and output quantisers make
 * of it. Losses, metrics, outputs mean this. */
net_value_id net_graph_seen(const net_graph *graph, net_value_id value);
/* What a value is before all quantisers: a parameter, an input, a node's own result. */
net_value_id net_graph_plain(const net_graph *graph, net_value_id value);
/* The quantiser of a node's input (by its index) or of its accumulator or output; NET_NONE: none. */
net_node_id net_node_input_quantizer(const net_graph *graph, net_node_id node, uint32_t input);
net_node_id net_node_result_quantizer(const net_graph *graph, net_node_id node, net_tensor_role role);
/* The attribute with the format of a tensor that the node makes itself when it runs, as batch_norm makes its
 * weight and bias of parameters and statistics; NULL: it makes none of that role. */
net_attribute *net_node_made_format(const net_graph *graph, net_node_id node, net_tensor_role role);
/* The format of a tensor as the node takes or gives it. input: the first of that role. NET_FORMAT_FLOAT32
 * where there is none. */
net_format_id net_node_format(const net_graph *graph, net_node_id node, net_tensor_role role);
static inline bool net_node_is_quantizer(const net_graph *graph, net_node_id node) {
  return graph->nodes.at[node].owner.id != 0;
}

net_node_id net_graph_find(const net_graph *graph, net_name name);        /* node of that path, or NET_NONE */
net_value_id net_graph_find_value(const net_graph *graph, net_name name); /* or NET_NONE */
/* elements of all parameters, frozen ones too */
uint64_t net_graph_parameters(const net_graph *graph);
/* Checks every invariant stated here; reports faults. */
bool net_graph_verify(netc *n, const net_graph *graph);
/* Text: see graph/README.md for its grammar. */
void net_graph_print(FILE *to, const net_graph *graph);
net_graph *net_graph_parse(netc *n, net_arena *arena, const char *path, const char *text, size_t length);

#endif
