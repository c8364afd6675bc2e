/* dropout: y = x / (1 − p) with probability 1 − p, else 0; in inference y = x. The gradient draws the
 * same again. */
#include "ops/random.h"

bool dropout_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return ops_require_f32(graph, node) && ops_require_real(graph, node, "p", 0, 1, false) &&
         ops_result_like(graph, node, 0, 0);
}

bool dropout_gradient(net_gradient *g) {
  if (!net_node_bool(g->graph, g->node, "training")) {
    g->dx[0] = g->dy[0];
    return true;
  }
  net_attribute p = *net_node_attribute(g->graph, g->node, "p");
  net_attribute stream = *net_node_attribute(g->graph, g->node, "stream");
  g->dx[0] =
      net_gradient_call(g, "dropout_gradient", "x_gradient", OPS_VALUES(g->dy[0]), OPS_ATTRIBUTES(p, stream));
  return g->dx[0] != NET_NONE;
}

static double kept_scale(const net_graph *graph, net_node_id node) {
  double p = net_node_real(graph, node, "p");
  return p < 1 ? 1 / (1 - p) : 0;
}

static void drop(const net_interpretation *call) {
  const net_value *x = ops_in(call, 0);
  float p = (float)net_node_real(call->graph, call->node, "p");
  uint64_t total = ops_total(call, x);
  double scale = kept_scale(call->graph, call->node);
  float *draws = NET_NEW_ARRAY(call->arena, float, total + 1);
  ops_draw(call, x, draws);
  for (uint64_t i = 0; i < total; i++) call->outputs[0][i] = draws[i] >= p ? call->inputs[0][i] * scale : 0;
}

void dropout_interpret(const net_interpretation *call) {
  if (net_node_bool(call->graph, call->node, "training"))
    drop(call);
  else
    memcpy(call->outputs[0], call->inputs[0], ops_total(call, ops_in(call, 0)) * sizeof(double));
}

void dropout_gradient_interpret(const net_interpretation *call) { drop(call); }

/* ---- kernel ---- */

static void drop_kernel(lp_function *f, const net_graph *graph, net_node_id node, bool training) {
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr y = ops_load_in(f, graph, node, 0, &at);
  if (training) {
    lp_expr drawn = ops_drawn(f, graph, node, ops_input(graph, node, 0), &at);
    lp_expr kept = lp_op2(f, LP_ge, drawn, lp_real(f, net_node_real(graph, node, "p")));
    y = lp_select(f, kept, lp_product(f, y, lp_real(f, kept_scale(graph, node))), lp_real(f, 0));
  }
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, y);
}

void dropout_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  drop_kernel(f, graph, node, net_node_bool(graph, node, "training"));
}

void dropout_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  drop_kernel(f, graph, node, true);
}
