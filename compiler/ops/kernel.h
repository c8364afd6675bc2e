/* What kernels share. A kernel writes form 1 of the loop IR: statements over named axes, one axis for each
 * dimension of a value (constant 0 for a dimension of 1), the batch axis in front if the value is batched. */
#ifndef NETC_OPS_KERNEL_H
#define NETC_OPS_KERNEL_H

#include "loops/loops.h"
#include "ops/common.h"

/* Indices of one sample of a value: count = its rank. */
typedef struct {
  uint32_t count;
  lp_expr at[NET_MAX_RANK];
} ops_place;

/* New axes for a shape, named by the letters given ("ijklmn" for all ranks there are). */
ops_place ops_axes(lp_function *f, const net_shape *shape, const char *letters);
ops_place ops_leading_place(const ops_place *place, uint32_t count);
ops_place ops_trailing_place(const ops_place *place, uint32_t count);
/* Where in a shape that can be broadcast to the place's lies what is at the place. */
ops_place ops_project_place(lp_function *f, const ops_place *place, const net_shape *part);
/* The place with axis `axis` at another index. */
ops_place ops_place_with(const ops_place *place, uint32_t axis, lp_expr index);
/* row-major number of the place within one sample, i32 */
lp_expr ops_flat(lp_function *f, const ops_place *place, const net_shape *shape);

lp_expr ops_load(lp_function *f, lp_buffer buffer, const ops_place *place);
void ops_store(lp_function *f, lp_buffer buffer, const ops_place *place, lp_expr value);
static inline lp_buffer ops_in_buffer(const lp_function *f, const net_graph *graph, net_node_id node,
                                      uint32_t input) {
  return f->value_buffer[net_node_input(graph, node, input)];
}
static inline lp_buffer ops_out_buffer(const lp_function *f, const net_graph *graph, net_node_id node,
                                       uint32_t output) {
  return f->value_buffer[net_node_output(graph, node, output)];
}
/* an input at a place; at rank 0; at a place it is broadcast to */
lp_expr ops_load_in(lp_function *f, const net_graph *graph, net_node_id node, uint32_t input,
                    const ops_place *place);
lp_expr ops_load_scalar(lp_function *f, const net_graph *graph, net_node_id node, uint32_t input);

/* a / b, kept in a scalar of its own so that it is divided once */
lp_expr ops_kept_quotient(lp_function *f, double a, lp_expr b);

/* Σ body over the axes of a place (constants among its indices left out), and over the batch if asked. */
lp_expr ops_sum(lp_function *f, const ops_place *axes, bool batch, lp_expr body);
lp_expr ops_reduce(lp_function *f, lp_combine combine, const ops_place *axes, bool batch, lp_expr body);

#endif
