/* What the operator families share: reading a node, refusing it, setting its outputs, indexing. */
#ifndef NETC_OPS_COMMON_H
#define NETC_OPS_COMMON_H

#include "graph/cost.h"
#include "graph/operator.h"
#include "ops/families.h"

/* ---- shape functions ---- */

/* The value of an input, NULL when absent. It moves when the graph grows: do not keep it. */
const net_value *ops_input(const net_graph *graph, net_node_id node, uint32_t index);
const net_value *ops_output(const net_graph *graph, net_node_id node, uint32_t index);

/* Reports "OP 'NODE' MESSAGE" at the node's place and gives false; a note says where the value blamed comes
 * from (NET_NONE: none is). */
bool ops_refuse(net_graph *graph, net_node_id node, net_value_id blamed, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* "'c1' is f32[4, 14, 14]" */
const char *ops_describe(const net_graph *graph, net_value_id value);

/* Sets an output's type, shape and batching; refuses more elements than netc indexes. */
bool ops_result(net_graph *graph, net_node_id node, uint32_t output, net_type type, net_shape shape,
                bool batched);
/* the same for an f32 output that has the shape and batching of an input */
bool ops_result_like(net_graph *graph, net_node_id node, uint32_t output, uint32_t input);

bool ops_require_f32(net_graph *graph, net_node_id node);                     /* every input that is there */
bool ops_require_f32_but(net_graph *graph, net_node_id node, uint32_t input); /* all but one */
bool ops_require_one_type(net_graph *graph, net_node_id node); /* all f32, or all of one integer type */
bool ops_require_rank(net_graph *graph, net_node_id node, uint32_t input, uint32_t rank); /* at least */
bool ops_require_batched(net_graph *graph, net_node_id node, uint32_t input);
bool ops_require_same(net_graph *graph, net_node_id node, uint32_t a, uint32_t b); /* shape and batching */
/* If that input is there, it must have this shape and belong to no sample. */
bool ops_require_unbatched(net_graph *graph, net_node_id node, uint32_t input, net_shape shape);
/* The real attribute must lie in [lo, hi] (open: in (lo, hi)); NaN never does. */
bool ops_require_real(net_graph *graph, net_node_id node, const char *key, double lo, double hi, bool open);

/* Axis `axis` (negative: from the end) of the input, checked against its rank. */
bool ops_axis(net_graph *graph, net_node_id node, uint32_t input, int64_t axis, uint32_t *out);

/* ---- shapes ---- */

static inline net_shape ops_scalar(void) { return (net_shape){0}; }
static inline net_shape ops_vector(uint32_t n) { return (net_shape){1, {n}}; }
static inline uint64_t ops_elements(const net_value *value) { return net_shape_elements(&value->shape); }
net_shape ops_leading(net_shape shape, uint32_t rank);        /* its first axes */
net_shape ops_trailing(net_shape shape, uint32_t rank);       /* its last axes */
bool ops_broadcast(net_shape a, net_shape b, net_shape *out); /* as numpy; false: they do not fit */
/* Whether part can be broadcast to full. */
bool ops_broadcasts_to(net_shape part, net_shape full);
/* Place in part, which can be broadcast to full, of what lies at a row-major place in full. */
uint64_t ops_project(const net_shape *full, const net_shape *part, uint64_t index);

/* A shape around one axis: elements lie at (outer · extent + k) · inner + i. */
typedef struct {
  uint64_t outer, extent, inner;
} ops_split;
ops_split ops_split_at(const net_shape *shape, uint32_t axis);

/* ---- interpret ---- */

static inline const net_value *ops_in(const net_interpretation *call, uint32_t index) {
  return ops_input(call->graph, call->node, index);
}
static inline const net_value *ops_out(const net_interpretation *call, uint32_t index) {
  return ops_output(call->graph, call->node, index);
}
static inline uint64_t ops_rows(const net_interpretation *call, const net_value *value) {
  return value->batched ? call->count : 1;
}
/* elements of all rows */
static inline uint64_t ops_total(const net_interpretation *call, const net_value *value) {
  return ops_rows(call, value) * ops_elements(value);
}
/* The axis of an attribute, as an index from the front; the shape function has checked it. */
uint32_t ops_node_axis(const net_graph *graph, net_node_id node, uint32_t input);

/* ---- gradient ---- */

#define OPS_LIST(type, ...)                                                                                  \
  (const type[]){__VA_ARGS__}, (uint32_t)(sizeof((const type[]){__VA_ARGS__}) / sizeof(type))
#define OPS_VALUES(...) OPS_LIST(net_value_id, __VA_ARGS__)
#define OPS_ATTRIBUTES(...) OPS_LIST(net_attribute, __VA_ARGS__)
#define OPS_NO_ATTRIBUTES NULL, 0

/* dx[input] = dy summed to the input's shape and batching (broadcasting undone). */
bool ops_gradient_reduced(net_gradient *g, uint32_t input, net_value_id dy, const char *suffix);

#endif
