/* What an operator is: a row of ops/ops.def. Graph and passes know operators only through these rows. */
#ifndef NETC_GRAPH_OPERATOR_H
#define NETC_GRAPH_OPERATOR_H

#include "formats/formats.h"
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

/* Where numbers become codes (formats' integers), and codes numbers. */
typedef enum {
  OP_NO_BORDER,
  OP_TO_BORDER,  /* of numbers, and may stand between an input and where it becomes codes */
  OP_TO_CODES,   /* of numbers; in the format that the attribute `format` names */
  OP_FROM_CODES, /* of its first input */
} net_op_border;

/* Inputs, outputs and attributes are declared in small strings, which also serve documentation:
 *   inputs      "x, weight: parameter, bias: parameter?, mean: statistic"   a ? makes it optional, "xs..."
 *               any number of them (last only)
 *   outputs     "y, mean: observes running_mean, inverse"   observes: what that statistic follows in
 *               training; "new: alias parameter": written in place of that input (class UPDATE only);
 *               "y: keeps x": each element, out of training, is that of x or 0; "y: rounds x": that of
 *               x in the format of y
 *   attributes  "features: int, bias: bool = true, axes: ints = [0, 1]"   in the order of positional
 *               arguments; one without a default must be given; kinds int, real, bool, text, ints */
typedef struct net_op_field {
  const char *name;
  char kind[12]; /* inputs: "data", "parameter", "statistic", "state", "scalar", "target", "weight",
                    "constant"; outputs: "data", "alias", "observes", "keeps",
                    "rounds"; or an attribute's kind */
  bool optional, variadic, has_default;
  const char *default_text;
  uint32_t input; /* outputs of kinds other than "data": index of that input */
} net_op_field;

/* How differentiate asks an operator for its gradient. */
typedef struct net_gradient {
  net_graph *graph;       /* being built: forward nodes are in it already */
  net_node_id node;       /* the forward node */
  const net_value_id *dy; /* per output: gradient of the loss, or NET_NONE */
  net_value_id *dx;       /* per input: to be set where wanted (else left NET_NONE) */
  const bool *wanted;     /* per input: whether anything before it is trained */
  double scale;           /* losses: factor of this loss in the total (dy[0] is then NET_NONE); others: 1 */
} net_gradient;

/* Adds a backward node named NODE.SUFFIX after the forward node, at its place, and gives its first output
 * (NET_NONE: reported). A gradient is f32 and has the shape and batching of what it is the gradient of. */
net_value_id net_gradient_call(net_gradient *gradient, const char *op, const char *suffix,
                               const net_value_id *inputs, uint32_t input_count,
                               const net_attribute *attributes, uint32_t attribute_count);

/* How fold_batch_norm asks an operator what weight and bias the contraction in front of it gets instead. */
typedef struct net_folding {
  net_graph *graph; /* being built */
  const net_graph *from;
  net_node_id node, contraction; /* in from */
  const net_value_id *inputs;    /* of the node, in the graph being built; NET_NONE: absent */
  net_value_id weight, bias;     /* the contraction's, in the graph being built; to be replaced */
} net_folding;

/* Adds a node named CONTRACTION.SUFFIX and gives its output (NET_NONE: reported). */
net_value_id net_folding_call(net_folding *folding, const char *op, const char *suffix,
                              const net_value_id *inputs, uint32_t input_count,
                              const net_attribute *attributes, uint32_t attribute_count);

/* What the interpreter hands an operator: elements in double, exactly representable in binary32 but for those
 * of type f64; batched tensors have count rows. An operator writes outputs in double; the interpreter rounds
 * those of type f32 once. */
typedef struct net_interpretation {
  const net_graph *graph;
  net_node_id node;
  uint32_t count;              /* samples */
  const double *const *inputs; /* NULL: absent */
  double *const *outputs;
  uint32_t step, key[2]; /* of random draws */
  net_arena *arena;      /* scratch, freed after the call */
} net_interpretation;

/* How range analysis asks an operator what its results can be, when every element of one sample's inputs lies
 * in an interval of its own. Bounds need not be rounded: what is added to those of inexact operators (ulps)
 * is far more than double loses. */
typedef struct net_ranging {
  const net_graph *graph;
  net_node_id node;
  net_arena *arena;               /* scratch */
  const net_range *const *inputs; /* by element; NULL: absent. What is not known is [−∞, ∞] */
  const int *const *grids;        /* by element: it is a multiple of 2^grid; NET_NO_GRID: who knows */
  const double *const *units;     /* by element: in integers it is a whole number of them; 0: it is none */
  net_range *const *outputs;      /* to be set; [−∞, ∞] on entry */
  int *const *output_grids;       /* NET_NO_GRID on entry */
  double *const *output_units;    /* 0 on entry */
  double *const *terms; /* magnitude of the terms that may cancel in an element (see ulps); 0 on entry */
} net_ranging;
enum { NET_NO_GRID = INT32_MIN };

/* How the oracle on integers (interpret/integer.h) asks an operator for its first result. Elements as the
 * interpreter has them; each is q · unit, zero points taken off. */
typedef struct net_integer_tensor {
  const int64_t *q;
  const double *units; /* of each element of a sample */
  const float *floats; /* what is not quantised yet: q is NULL then */
} net_integer_tensor;
typedef struct net_integer_call {
  const net_graph *graph;
  net_node_id node;
  uint32_t count;                   /* samples */
  net_arena *arena;                 /* scratch */
  const net_integer_tensor *inputs; /* absent ones are all NULL */
  int64_t *q;                       /* the result, to be set */
  double *units;                    /* to be set */
  bool too_wide;                    /* to be set: some element has more than 63 bits */
  bool unlike; /* to be set: numbers with units that no integers bring together are summed */
} net_integer_call;

/* A value as integers, its codes: each element is (q − zero) · unit. */
typedef struct net_code {
  net_value_id value;  /* in the graph being built; NET_NONE: it has none */
  const double *units; /* of each element of a sample; NULL: it has none */
  int32_t zero;
  double most; /* how large q − zero can be; 0: as large as its type has it */
} net_code;

/* How lower_integer asks an operator for nodes on codes. Every data input has codes, but for a quantiser's,
 * and range analysis has found the first result to be exact, on a grid. */
typedef struct net_lowering {
  net_graph *graph; /* being built; NULL: only whether a quantiser of numbers has codes, and of which units */
  const net_graph *from;
  net_node_id node; /* in from */
  net_arena *arena; /* lives as long as units do */
  const net_code *inputs;
  const net_value_id
      *numbers; /* by input: as numbers, in the graph being built; data: NET_NONE if there are codes */
  const net_range *const *input_range;   /* by input, by element, of numbers */
  const net_range *range;                /* of the first result */
  net_code output;                       /* to be set; NET_NONE on entry, and left so: it stays in numbers */
} net_lowering;

/* How the quantise pass asks an operator for a node of its own name that looks results up in a table, whose
 * input and result have integer formats. */
typedef struct net_tabling {
  net_graph *graph; /* being built */
  const net_graph *from;
  net_node_id node;  /* in from */
  net_loc loc;       /* of the rule */
  net_arena *arena;  /* scratch */
  net_value_id x;    /* in the graph being built */
  int64_t low, high; /* codes of x, zero point taken off */
  double x_unit, y_unit;
  net_format_id y_format;
  const net_calibration *y_steps; /* of the result's format; NULL: its own */
  int32_t y_zero;
  uint32_t entries; /* at most */
  net_node_id made;
} net_tabling;

#define NET_ABSENT UINT32_MAX

typedef struct net_op {
  const char *name;
  net_op_class class;
  bool user;        /* may be called from a .net file */
  const char *kind; /* as fx names a user's call: "call_module", "call_function", "call_method" */
  const char *inputs, *outputs, *attributes;
  /* Checks inputs and attributes (reporting at the node's place), sets the outputs' type, shape, batched. */
  bool (*shape)(netc *n, net_graph *graph, net_node_id node);
  /* Shape and initial values of the parameter, statistic or state that is the given input, for a call on the
   * data inputs that are set already (inputs: value ids, NET_NONE where to be created). An optional one that
   * the attributes switch off (bias = false) gets shape->rank = NET_ABSENT. NULL: takes none. False: reported
   * at loc. The attributes are all the declared ones, in order, defaults filled in. */
  bool (*parameter)(netc *n, const net_graph *graph, const net_value_id *inputs,
                    const net_attribute *attributes, uint32_t attribute_count, uint32_t input, net_loc loc,
                    net_shape *shape, net_init *init);
  bool (*gradient)(net_gradient *gradient); /* NULL: no gradient flows */
  /* Sets computations, backward and bitops, mostly by a helper of graph/cost.h. NULL: costs nothing. */
  void (*cost)(const net_graph *graph, net_node_id node, net_cost *cost);
  void (*interpret)(const net_interpretation *call);
  void (*kernel)(struct lp_function *function, const net_graph *graph, net_node_id node); /* → loops */
  void (*range)(const net_ranging *call); /* NULL: results can be anything */
  void (*integers)(net_integer_call *call); /* exact, on integers; NULL: it has no rule there */
  bool (*lower)(net_lowering *lowering);    /* → nodes on codes. False: reported. NULL: it has none */
  /* What the node multiplies and adds in formats of its own (net_node_made_format), from what its inputs hold
   * (NULL: absent): as many numbers as each of them has. NULL: it makes none. */
  void (*made)(const net_graph *graph, net_node_id node, const float *const *inputs, net_tensor_role role,
               float *values);
  bool (*fold)(net_folding *folding); /* NULL: it is not to be had of a contraction in front of it */
  /* Adds a node whose first output is the result; NET_NONE: reported. NULL: it has no tables. */
  net_node_id (*table)(net_tabling *tabling);
  net_op_border border;
  bool product;      /* of its inputs, element by element */
  bool weighted_sum; /* of its inputs, times the attribute `factor` if it has one */
  double ulps; /* how far compiled float results may lie from the interpreter's (DESIGN: numerics) */
} net_op;

/* Declared fields of a row, parsed; in the arena. */
uint32_t net_op_inputs(netc *n, const net_op *op, const net_op_field **fields);
uint32_t net_op_outputs(netc *n, const net_op *op, const net_op_field **fields);
uint32_t net_op_attributes(netc *n, const net_op *op, const net_op_field **fields);
const net_op *net_op_find(const netc *n, const char *name, uint16_t *row); /* NULL: no such operator */

/* What an input is to rules of formats: weight and bias by their names, input for data; else NET_TENSORS. */
net_tensor_role net_op_input_role(const net_op_field *input);

/* "sigmoid, tanh and softmax": what tables there are of. In the arena. */
const char *net_table_operators(netc *n);

net_attribute_kind net_op_attribute_kind(const net_op_field *attribute);
/* Whether passes set attributes of that name, not people. */
bool net_op_is_internal(const char *attribute);

/* Whether a value of that kind can be such an input: a parameter may be computed (quantised) or constant. */
bool net_op_accepts(const net_op_field *input, net_value_kind kind);

/* The attributes of a call, completed: all declared ones in their order, those not given from their defaults
 * (*complete is in the arena). Unknown, repeated, missing ones and wrong kinds are reported at loc; an int
 * given for a real is converted. */
bool net_op_complete(netc *n, net_arena *arena, const net_op *op, const net_attribute *given, uint32_t count,
                     net_loc loc, const net_attribute **complete, uint32_t *complete_count);

#endif
