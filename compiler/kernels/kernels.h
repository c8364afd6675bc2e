/* From a graph to loops: lower (nodes → statements), then schedule (statements → nests). */
#ifndef NETC_KERNELS_KERNELS_H
#define NETC_KERNELS_KERNELS_H

#include "graph/graph.h"
#include "loops/loops.h"

/* Values that are not batched are padded to whole vectors of so many elements. */
enum { KN_PAD = 16 };

/* What the scheduler knows of a target. */
typedef struct {
  uint32_t lanes;     /* f32 lanes of a vector: 16, 8, 4, 1 */
  uint32_t registers; /* vector registers */
  bool dot4;          /* four products of bytes are one instruction */
} kn_machine;

/* Where the values that outlive a call lie: the same for every function of a network. */
typedef struct {
  net_name name;
  size_t offset; /* in floats, a multiple of 16 */
} kn_variable;

typedef struct {
  const kn_variable *variables;
  uint32_t variable_count;
  const net_name *columns; /* inputs, targets, sample weights by name, in the order of rt_step.columns */
  uint32_t column_count;
  const net_name *scalars; /* NET_VALUE_SCALAR values by name, in the order of rt_step.scalars */
  uint32_t scalar_count;
  const net_value_id *outputs; /* values of this graph, written to rt_step.outputs in order */
  uint32_t output_count;
} kn_bindings;

/* Statements of every node, gathers of the columns in front and outputs behind. NULL: reported. */
lp_function *kn_lower(netc *n, net_arena *arena, const net_graph *graph, const kn_bindings *bindings,
                      net_name name, uint32_t batch, bool masked);

typedef struct {
  bool unfused; /* every statement a nest of its own, every value in memory: for node-by-node comparison */
  bool single;  /* one sample (a batch of 1, not masked): lanes along features, values are plain [elements] */
  bool compact; /* … on one lane: weights of few bits are packed wherever that takes less with its code */
  bool ahead;   /* who calls knows the rows of the next call (rt_step.ahead) */
} kn_options;

/* Chooses layouts, groups statements, makes nests, places buffers. False: reported. */
bool kn_schedule(lp_function *f, const kn_machine *machine, const kn_options *options);

#endif
