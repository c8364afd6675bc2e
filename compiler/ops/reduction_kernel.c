/* Kernels of reduction.c. */
#include "ops/kernel.h"
#include "ops/reduction.h"

/* Axes of a reduction of one input: each element's place, the axes summed, the place of the result. */
typedef struct {
  ops_place at, summed, kept, result;
  uint32_t extent;
} reduction;

static reduction reduction_of(lp_function *f, const net_graph *graph, net_node_id node, uint32_t input) {
  bool reduced[NET_MAX_RANK];
  net_shape shape = ops_input(graph, node, input)->shape;
  reduction r = {.extent = reduction_axes(graph, node, input, reduced), .at = ops_axes(f, &shape, "ijklmn")};
  bool keep = net_node_bool(graph, node, "keep");
  r.kept = r.at;
  for (uint32_t i = 0; i < shape.rank; i++) {
    if (reduced[i]) {
      r.summed.at[r.summed.count++] = r.at.at[i];
      r.kept.at[i] = lp_int(f, 0);
    }
    if (keep || !reduced[i]) r.result.at[r.result.count++] = r.kept.at[i];
  }
  return r;
}

static void store(lp_function *f, const net_graph *graph, net_node_id node, const reduction *r,
                  lp_expr value) {
  ops_store(f, ops_out_buffer(f, graph, node, 0), &r->result, value);
}

void sum_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  reduction r = reduction_of(f, graph, node, 0);
  store(f, graph, node, &r, ops_sum(f, &r.summed, false, ops_load_in(f, graph, node, 0, &r.at)));
}

void mean_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  reduction r = reduction_of(f, graph, node, 0);
  lp_expr sum = ops_sum(f, &r.summed, false, ops_load_in(f, graph, node, 0, &r.at));
  store(f, graph, node, &r, lp_quotient(f, sum, lp_real(f, r.extent)));
}

/* max drops a NaN on one of its sides; a NaN must reach the loss: add the NaNs, if any, to the maximum. */
void max_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  reduction r = reduction_of(f, graph, node, 0);
  lp_expr x = ops_load_in(f, graph, node, 0, &r.at);
  lp_expr nan = lp_select(f, lp_op2(f, LP_ne, x, x), x, lp_real(f, 0));
  lp_expr maximum = ops_reduce(f, LP_MAXIMUM, &r.summed, false, x);
  store(f, graph, node, &r, lp_addition(f, maximum, ops_sum(f, &r.summed, false, nan)));
}

void max_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  reduction r = reduction_of(f, graph, node, 1);
  const net_value *y = ops_input(graph, node, 2);
  lp_expr at_top = lp_op2(f, LP_eq, ops_load_in(f, graph, node, 1, &r.at),
                          ops_load(f, ops_in_buffer(f, graph, node, 2), &r.result));
  lp_expr one = lp_select(f, at_top, lp_real(f, 1), lp_real(f, 0));
  lp_buffer ties = lp_temporary(f, "ties", NET_F32, y->shape, y->batched);
  ops_store(f, ties, &r.result, ops_sum(f, &r.summed, false, one));
  lp_expr share =
      lp_quotient(f, ops_load(f, ops_in_buffer(f, graph, node, 0), &r.result), ops_load(f, ties, &r.result));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &r.at, lp_product(f, one, share));
}

void sum_squares_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  ops_place at = ops_axes(f, &ops_input(graph, node, 0)->shape, "ijklmn");
  lp_expr x = ops_load_in(f, graph, node, 0, &at);
  ops_store(f, ops_out_buffer(f, graph, node, 0), &(ops_place){0},
            ops_sum(f, &at, false, lp_product(f, x, x)));
}

void clip_factor_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  lp_expr norm = lp_op1(f, LP_sqrt, ops_load_scalar(f, graph, node, 0));
  lp_expr factor =
      lp_quotient(f, lp_real(f, net_node_real(graph, node, "max")), lp_addition(f, norm, lp_real(f, 1e-6)));
  lp_expr one = lp_real(f, 1), above = lp_op2(f, LP_gt, factor, one); /* NaN stays */
  ops_store(f, ops_out_buffer(f, graph, node, 0), &(ops_place){0}, lp_select(f, above, one, factor));
}
