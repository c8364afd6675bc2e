/* What operators on codes share: values held as integers, q for unit · (q − zero), units and zero points
 * being constants. Only lower_integer makes these operators; their kernels know nothing but integers. */
#ifndef NETC_OPS_CODE_H
#define NETC_OPS_CODE_H

#include "formats/rescale.h"
#include "ops/kernel.h"
#include "ops/range.h"

static inline bool ops_is_code(net_type type) {
  return type != NET_F32 && type != NET_F64 && type != NET_BOOL;
}
net_range ops_code_ends(net_type type); /* what it can hold */

bool ops_require_codes(net_graph *graph, net_node_id node, uint32_t first,
                       uint32_t last); /* those that are there */
/* A constant that can be broadcast to the shape, of that type. */
bool ops_require_spread(net_graph *graph, net_node_id node, uint32_t input, net_type type, net_shape full);
const char *ops_rounding_name(net_rounding rounding); /* as the attribute `rounding` has it */
/* What the attribute says; false: no such rounding, then half_even. */
bool ops_rounding_of(const net_graph *graph, net_node_id node, net_rounding *rounding);
/* The type that an attribute names ("i8"): an integer type; reports others. */
bool ops_code_type(net_graph *graph, net_node_id node, const char *key, net_type *type);
/* i32 or i64, by the attribute `bits`. */
net_type ops_sum_type(const net_graph *graph, net_node_id node);
bool ops_require_sum(net_graph *graph, net_node_id node); /* … which must be 32 or 64 */

/* Interpreting: an element of a row as an integer, of a value that is broadcast to the result. */
int64_t ops_code_at(const net_interpretation *call, uint32_t input, uint64_t row, uint64_t at);
/* q modulo 2^32 or 2^64, as the type has it. */
double ops_code_wrapped(net_type type, uint64_t q);
/* Ranges: an interval of integers as the type holds it, or all of the type where it wraps. */
net_range ops_code_range(net_type type, net_range q);
net_range ops_range_at(const net_ranging *call, uint32_t input, uint64_t at); /* as ops_code_at */
void ops_code_grid(const net_ranging *call);                                  /* results are whole numbers */

/* Kernels: an input converted, at a place or where it is broadcast from. */
lp_expr ops_load_as(lp_function *f, const net_graph *graph, net_node_id node, uint32_t input, net_type type,
                    const ops_place *at);
static inline lp_expr ops_whole(lp_function *f, net_type type, int64_t value) {
  return lp_constant(f, type, 0, value);
}

#endif
