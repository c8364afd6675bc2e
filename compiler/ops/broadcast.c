/* expand broadcasts a value to a shape and all samples, reduce_to sums it back: each the other's gradient. */
#include "ops/kernel.h"

static net_shape wanted_shape(const net_graph *graph, net_node_id node) {
  return net_node_attribute(graph, node, "shape")->ints;
}

bool reduce_to_shape(netc *n, net_graph *graph, net_node_id node) {
  net_shape shape = wanted_shape(graph, node);
  bool batched = net_node_bool(graph, node, "batched");
  if (!ops_require_f32(graph, node)) return false;
  const net_value *x = ops_input(graph, node, 0);
  if (!ops_broadcasts_to(shape, x->shape) || (batched && !x->batched))
    return ops_refuse(graph, node, net_node_input(graph, node, 0), "cannot sum to %s%s: %s",
                      net_shape_text(&n->arena, &shape), batched ? " for each sample" : "",
                      ops_describe(graph, net_node_input(graph, node, 0)));
  return ops_result(graph, node, 0, NET_F32, shape, batched);
}

bool expand_shape(netc *n, net_graph *graph, net_node_id node) {
  net_shape shape = wanted_shape(graph, node);
  bool batched = net_node_bool(graph, node, "batched");
  if (!ops_require_f32(graph, node)) return false;
  const net_value *x = ops_input(graph, node, 0);
  if (!ops_broadcasts_to(x->shape, shape) || (x->batched && !batched))
    return ops_refuse(graph, node, net_node_input(graph, node, 0), "cannot broadcast to %s%s: %s",
                      net_shape_text(&n->arena, &shape), batched ? "" : " for all samples",
                      ops_describe(graph, net_node_input(graph, node, 0)));
  return ops_result(graph, node, 0, NET_F32, shape, batched);
}

static bool opposite(net_gradient *g, const char *op) {
  netc *n = g->graph->n;
  const net_value *x = ops_input(g->graph, g->node, 0);
  g->dx[0] = net_gradient_call(
      g, op, "x_gradient", OPS_VALUES(g->dy[0]),
      OPS_ATTRIBUTES(net_attribute_ints(n, "shape", x->shape), net_attribute_bool(n, "batched", x->batched)));
  return g->dx[0] != NET_NONE;
}

bool reduce_to_gradient(net_gradient *g) { return opposite(g, "expand"); }
bool expand_gradient(net_gradient *g) { return opposite(g, "reduce_to"); }

void reduce_to_interpret(const net_interpretation *call) {
  const net_value *x = ops_in(call, 0), *y = ops_out(call, 0);
  uint64_t from = ops_elements(x), to = ops_elements(y);
  memset(call->outputs[0], 0, ops_total(call, y) * sizeof(double));
  for (uint64_t row = 0; row < ops_rows(call, x); row++)
    for (uint64_t i = 0; i < from; i++)
      call->outputs[0][(y->batched ? row * to : 0) + ops_project(&x->shape, &y->shape, i)] +=
          call->inputs[0][row * from + i];
}

void expand_interpret(const net_interpretation *call) {
  const net_value *x = ops_in(call, 0), *y = ops_out(call, 0);
  uint64_t from = ops_elements(x), to = ops_elements(y);
  for (uint64_t row = 0; row < ops_rows(call, y); row++)
    for (uint64_t i = 0; i < to; i++)
      call->outputs[0][row * to + i] =
          call->inputs[0][(x->batched ? row * from : 0) + ops_project(&y->shape, &x->shape, i)];
}

void reduce_to_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_value *x = ops_input(graph, node, 0), *y = ops_output(graph, node, 0);
  ops_place at = ops_axes(f, &x->shape, "ijklmn"), kept = ops_project_place(f, &at, &y->shape), summed = at;
  for (uint32_t i = 1; i <= y->shape.rank; i++) /* from the end: an axis that stays is not summed */
    if (y->shape.dim[y->shape.rank - i] != 1) summed.at[x->shape.rank - i] = lp_int(f, 0);
  lp_expr sum = ops_sum(f, &summed, x->batched && !y->batched, ops_load_in(f, graph, node, 0, &at));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &kept, sum);
}

void expand_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, ops_load_in(f, graph, node, 0, &at));
}
