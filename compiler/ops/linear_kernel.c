/* Kernels of linear.c: one statement each. */
#include "ops/kernel.h"

enum { X, WEIGHT, BIAS };

/* The weight in double: once, not for each of its uses. */
static lp_buffer widened(lp_function *f, const net_graph *graph, net_node_id node) {
  net_shape shape = ops_input(graph, node, WEIGHT)->shape;
  lp_buffer wide = lp_temporary(f, "wide", NET_F64, shape, false);
  ops_place at = ops_axes(f, &shape, "oi");
  ops_store(f, wide, &at, lp_convert(f, NET_F64, ops_load_in(f, graph, node, WEIGHT, &at)));
  return wide;
}

void linear_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  bool wide = net_node_bool(graph, node, "wide");
  net_type type = wide ? NET_F64 : NET_F32;
  const net_shape *in = &ops_input(graph, node, X)->shape, *out = &ops_output(graph, node, 0)->shape;
  uint32_t last = in->rank - 1;
  ops_place to = ops_axes(f, out, "ojklmn");
  ops_place inner = ops_axes(f, &(net_shape){1, {in->dim[last]}}, "i");
  ops_place from = ops_place_with(&to, last, inner.at[0]);
  ops_place weight = {2, {to.at[last], inner.at[0]}}, bias = {1, {to.at[last]}};
  lp_buffer weights = wide ? widened(f, graph, node) : ops_in_buffer(f, graph, node, WEIGHT);
  lp_expr x = lp_convert(f, type, ops_load(f, ops_in_buffer(f, graph, node, X), &from));
  lp_expr y = ops_sum(f, &inner, false, lp_product(f, ops_load(f, weights, &weight), x));
  if (ops_input(graph, node, BIAS)) {
    lp_expr b = ops_load(f, ops_in_buffer(f, graph, node, BIAS), &bias);
    y = lp_addition(f, lp_convert(f, type, b), y);
  }
  ops_store(f, ops_out_buffer(f, graph, node, 0), &to, y);
}

void linear_input_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_shape *dy = &ops_input(graph, node, 0)->shape, *dx = &ops_output(graph, node, 0)->shape;
  uint32_t last = dy->rank - 1;
  ops_place to = ops_axes(f, dx, "ijklmn"), outer = ops_axes(f, &(net_shape){1, {dy->dim[last]}}, "o");
  ops_place from = ops_place_with(&to, last, outer.at[0]), weight = {2, {outer.at[0], to.at[last]}};
  lp_expr product = lp_product(f, ops_load(f, ops_in_buffer(f, graph, node, 1), &weight),
                               ops_load(f, ops_in_buffer(f, graph, node, 0), &from));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &to, ops_sum(f, &outer, false, product));
}

void linear_weight_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_value *dy = ops_input(graph, node, 0), *x = ops_input(graph, node, 1);
  uint32_t last = dy->shape.rank - 1;
  ops_place to = ops_axes(f, &ops_output(graph, node, 0)->shape, "oi");
  net_shape leading = ops_leading(dy->shape, last);
  ops_place rows = ops_axes(f, &leading, "jklmn"), from_dy = rows, from_x = rows;
  from_dy.at[from_dy.count++] = to.at[0];
  from_x.at[from_x.count++] = to.at[1];
  lp_expr product = lp_product(f, ops_load(f, ops_in_buffer(f, graph, node, 0), &from_dy),
                               ops_load(f, ops_in_buffer(f, graph, node, 1), &from_x));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &to, ops_sum(f, &rows, x->batched, product));
}
