/* Kernels of layer_norm.c. */
#include "ops/kernel.h"

enum { X, WEIGHT, BIAS };
enum { Y, MEAN, INVERSE };

/* Places of an element, of its group (leading axes), within it (trailing axes); 1 / elements of a group. */
typedef struct {
  ops_place at, group, within;
  net_shape group_shape;
  bool batched;
  lp_expr share;
} groups;

static groups groups_of(lp_function *f, const net_graph *graph, net_node_id node, const net_value *x) {
  uint32_t dims = (uint32_t)net_node_int(graph, node, "dims");
  net_shape each = ops_trailing(x->shape, dims);
  groups g = {.at = ops_axes(f, &x->shape, "ijklmn"), .batched = x->batched};
  g.group = ops_leading_place(&g.at, x->shape.rank - dims);
  g.within = ops_trailing_place(&g.at, dims);
  g.group_shape = ops_leading(x->shape, x->shape.rank - dims);
  g.share = lp_real(f, 1.0 / (double)net_shape_elements(&each));
  return g;
}

/* Stores a value for each group and gives it back, loaded. */
static lp_expr kept(lp_function *f, const groups *g, lp_buffer buffer, lp_expr value) {
  ops_store(f, buffer, &g->group, value);
  return ops_load(f, buffer, &g->group);
}

static lp_expr group_mean(lp_function *f, const groups *g, lp_expr value) {
  return lp_product(f, ops_sum(f, &g->within, false, value), g->share);
}

void layer_norm_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  groups g = groups_of(f, graph, node, ops_input(graph, node, X));
  lp_expr x = ops_load_in(f, graph, node, X, &g.at);
  lp_expr epsilon = lp_real(f, net_node_real(graph, node, "epsilon"));
  lp_expr mean = kept(f, &g, ops_out_buffer(f, graph, node, MEAN), group_mean(f, &g, x));
  lp_expr away = lp_difference(f, x, mean), variance = group_mean(f, &g, lp_product(f, away, away));
  lp_expr root = lp_op1(f, LP_sqrt, lp_addition(f, variance, epsilon));
  lp_expr inverse = kept(f, &g, ops_out_buffer(f, graph, node, INVERSE), lp_quotient(f, lp_real(f, 1), root));
  lp_expr y = lp_product(f, away, inverse);
  if (ops_input(graph, node, WEIGHT)) y = lp_product(f, y, ops_load_in(f, graph, node, WEIGHT, &g.within));
  if (ops_input(graph, node, BIAS)) y = lp_addition(f, y, ops_load_in(f, graph, node, BIAS, &g.within));
  ops_store(f, ops_out_buffer(f, graph, node, Y), &g.at, y);
}

void layer_norm_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  groups g = groups_of(f, graph, node, ops_input(graph, node, 1));
  lp_expr dy = ops_load_in(f, graph, node, 0, &g.at), x = ops_load_in(f, graph, node, 1, &g.at);
  lp_expr mean = ops_load_in(f, graph, node, 3, &g.group), inverse = ops_load_in(f, graph, node, 4, &g.group);
  lp_expr normal = lp_product(f, lp_difference(f, x, mean), inverse), weighted = dy;
  lp_buffer dweight = ops_out_buffer(f, graph, node, 1), dbias = ops_out_buffer(f, graph, node, 2);
  if (ops_input(graph, node, 2)) {
    weighted = lp_product(f, dy, ops_load_in(f, graph, node, 2, &g.within));
    ops_store(f, dweight, &g.within, ops_sum(f, &g.group, g.batched, lp_product(f, dy, normal)));
    ops_store(f, dbias, &g.within, ops_sum(f, &g.group, g.batched, dy));
  } else {
    ops_store(f, dweight, &(ops_place){0}, lp_real(f, 0));
    ops_store(f, dbias, &(ops_place){0}, lp_real(f, 0));
  }
  lp_expr sum =
      kept(f, &g, lp_temporary(f, "sum", NET_F32, g.group_shape, g.batched), group_mean(f, &g, weighted));
  lp_expr slope = kept(f, &g, lp_temporary(f, "slope", NET_F32, g.group_shape, g.batched),
                       group_mean(f, &g, lp_product(f, weighted, normal)));
  lp_expr dx = lp_difference(f, lp_difference(f, weighted, sum), lp_product(f, normal, slope));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &g.at, lp_product(f, dx, inverse));
}
