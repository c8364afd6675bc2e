/* What an operator is: a row of ops/ops.def. Graph and passes know operators only through these rows. */
#ifndef NETC_GRAPH_OPERATOR_H
#define NETC_GRAPH_OPERATOR_H

#include "graph/graph.h"

struct lp_function; /* loops/loops.h */

/* Fusion, scheduling and reports look only at the class. */
typedef enum {
  OP_ELEMENTWISE,
  OP_CONTRACTION,
  OP_REDUCTION, /* over features or over the batch, normalisations included */
  OP_MOVEMENT,
  OP_LOSS,
  OP_UPDATE, /* writes variables: runs only after the loss has been found finite */
  OP_CLASSES
} net_op_class;

/* Inputs, outputs and attributes are declared in small strings, which also serve documentation:
 *   inputs      "x, weight: parameter, bias: parameter?, mean: statistic"   a ? makes it optional, "xs..." any
 *                number of them (last only)
 *   outputs     "y, saved_mean, saved_inverse"
 *   attributes  "features: int, bias: bool = true, axis: int = -1"   in the order of positional arguments; one
 *                without a default must be given; kinds int, real, bool, text, ints */
typedef struct net_op_field {
  const char *name;
  char kind[12]; /* "data", "parameter", "statistic", "state"; or an attribute's kind */
  bool optional, variadic, has_default;
  const char *default_text;
} net_op_field;

/* How differentiate asks an operator for its gradient. */
typedef struct net_gradient {
  net_graph *graph;       /* being built: forward nodes are in it already */
  net_node_id node;       /* the forward node */
  const net_value_id *dy; /* per output: gradient of the loss, or NET_NONE */
  net_value_id *dx;       /* per input: to be set where wanted (else left NET_NONE) */
  const bool *wanted;     /* per input: whether anything before it is trained */
} net_gradient;

/* What the interpreter hands an operator: elements in double, exactly representable in binary32; batched
 * tensors have count rows. An operator writes outputs in double; the interpreter rounds them once. */
typedef struct net_interpretation {
  const net_graph *graph;
  net_node_id node;
  uint32_t count;             /* samples */
  const double *const *inputs; /* NULL: absent */
  double *const *outputs;
  uint32_t step, key[2]; /* of random draws */
} net_interpretation;

typedef struct net_op {
  const char *name;
  net_op_class class;
  bool user;             /* may be called from a .net file */
  const char *kind;      /* as fx names the node of a user's call: "call_module", "call_function", "call_method" */
  const char *inputs, *outputs, *attributes;
  /* Checks inputs and attributes (reporting at the node's place) and sets the outputs' type, shape, batched. */
  bool (*shape)(netc *n, net_graph *graph, net_node_id node);
  /* Shape and initial values of the parameter or statistic that is the given input, for a call on the data inputs
   * that are set already (inputs: value ids, NET_NONE where to be created). NULL: takes none. False: reported. */
  bool (*parameter)(netc *n, const net_graph *graph, const net_value_id *inputs, const net_attribute *attributes,
                    uint32_t attribute_count, uint32_t input, net_loc loc, net_shape *shape, net_init *init);
  bool (*gradient)(net_gradient *gradient); /* NULL: no gradient flows */
  void (*cost)(const net_graph *graph, net_node_id node, net_cost *cost);
  void (*interpret)(const net_interpretation *call);
  void (*kernel)(struct lp_function *function, const net_graph *graph, net_node_id node); /* → loops */
  double ulps; /* how far compiled float results may lie from the interpreter's (per operator; DESIGN: numerics) */
} net_op;

/* Declared fields of a row, parsed; in the arena. */
uint32_t net_op_inputs(netc *n, const net_op *op, const net_op_field **fields);
uint32_t net_op_outputs(netc *n, const net_op *op, const net_op_field **fields);
uint32_t net_op_attributes(netc *n, const net_op *op, const net_op_field **fields);
const net_op *net_op_find(const netc *n, const char *name, uint16_t *row); /* NULL: no such operator */

#endif
