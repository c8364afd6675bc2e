/* Kernels of softmax.c. */
#include "ops/softmax.h"

softmax_lines softmax_lines_of(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_value *x = ops_input(graph, node, 0);
  uint32_t axis = ops_node_axis(graph, node, 0);
  softmax_lines l = {.at = ops_axes(f, &x->shape, "ijklmn"), .batched = x->batched};
  for (uint32_t i = 0; i < x->shape.rank; i++)
    if (i == axis)
      l.along.at[l.along.count++] = l.at.at[i];
    else {
      l.line.at[l.line.count++] = l.at.at[i];
      l.line_shape.dim[l.line_shape.rank++] = x->shape.dim[i];
    }
  return l;
}

lp_buffer softmax_line_temporary(lp_function *f, const softmax_lines *l, const char *name, lp_expr value) {
  lp_buffer buffer = lp_temporary(f, name, lp_expr_at(f, value)->type, l->line_shape, l->batched);
  ops_store(f, buffer, &l->line, value);
  return buffer;
}

/* x − max x, element by element */
static lp_expr shifted(lp_function *f, const net_graph *graph, net_node_id node, const softmax_lines *l) {
  lp_expr x = ops_load_in(f, graph, node, 0, &l->at);
  lp_buffer maximum = softmax_line_temporary(f, l, "maximum", ops_reduce(f, LP_MAXIMUM, &l->along, false, x));
  return lp_difference(f, x, ops_load(f, maximum, &l->line));
}

void softmax_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_value *x = ops_input(graph, node, 0);
  softmax_lines l = softmax_lines_of(f, graph, node);
  lp_buffer exponential = lp_temporary(f, "exponential", NET_F32, x->shape, x->batched);
  ops_store(f, exponential, &l.at, lp_op1(f, LP_exp, shifted(f, graph, node, &l)));
  lp_expr e = ops_load(f, exponential, &l.at);
  lp_expr inverse = lp_quotient(f, lp_real(f, 1), ops_sum(f, &l.along, false, e));
  lp_buffer scale = softmax_line_temporary(f, &l, "scale", inverse);
  ops_store(f, ops_out_buffer(f, graph, node, 0), &l.at, lp_product(f, e, ops_load(f, scale, &l.line)));
}

void log_softmax_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  softmax_lines l = softmax_lines_of(f, graph, node);
  lp_expr x = shifted(f, graph, node, &l);
  lp_expr sum = ops_sum(f, &l.along, false, lp_op1(f, LP_exp, x));
  lp_buffer logarithm = softmax_line_temporary(f, &l, "logarithm", lp_op1(f, LP_log, sum));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &l.at,
            lp_difference(f, x, ops_load(f, logarithm, &l.line)));
}

void softmax_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  softmax_lines l = softmax_lines_of(f, graph, node);
  lp_expr dy = ops_load_in(f, graph, node, 0, &l.at), y = ops_load_in(f, graph, node, 1, &l.at);
  lp_buffer sum = softmax_line_temporary(f, &l, "sum", ops_sum(f, &l.along, false, lp_product(f, dy, y)));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &l.at,
            lp_product(f, y, lp_difference(f, dy, ops_load(f, sum, &l.line))));
}

void log_softmax_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  softmax_lines l = softmax_lines_of(f, graph, node);
  lp_expr dy = ops_load_in(f, graph, node, 0, &l.at), y = ops_load_in(f, graph, node, 1, &l.at);
  lp_buffer sum = softmax_line_temporary(f, &l, "sum", ops_sum(f, &l.along, false, dy));
  lp_expr share = lp_product(f, lp_op1(f, LP_exp, y), ops_load(f, sum, &l.line));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &l.at, lp_difference(f, dy, share));
}
