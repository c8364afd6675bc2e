/* A batch-norm behind a linear, folded into its weight and bias: with a = scale / √(running_var + ε) for each
 * channel, the first axis,
 *   fold_weight: y = x·a          fold_bias: y = (x − running_mean)·a + shift
 * computed in double and rounded once. They cost nothing: what is deployed holds their results. */
#include "ops/kernel.h"
#include "ops/range.h"

enum { X, SCALE, WEIGHT_VAR };      /* fold_weight: x, scale?, running_var */
enum { SHIFT = 2, MEAN, BIAS_VAR }; /* fold_bias: x?, scale?, shift?, running_mean, running_var */

/* ---- graph ---- */

static bool fits(net_graph *graph, net_node_id node, uint32_t first, uint32_t last, uint32_t channels) {
  for (uint32_t i = first; i <= last; i++)
    if (!ops_require_unbatched(graph, node, i, ops_vector(channels))) return false;
  return ops_require_real(graph, node, "epsilon", 0, INFINITY, true);
}

bool fold_weight_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_f32(graph, node) || !ops_require_rank(graph, node, X, 1)) return false;
  const net_value *x = ops_input(graph, node, X);
  if (!ops_require_unbatched(graph, node, X, x->shape)) return false;
  return fits(graph, node, SCALE, WEIGHT_VAR, x->shape.dim[0]) && ops_result_like(graph, node, 0, X);
}

bool fold_bias_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_f32(graph, node) || !ops_require_rank(graph, node, BIAS_VAR, 1)) return false;
  uint32_t channels = ops_input(graph, node, BIAS_VAR)->shape.dim[0];
  return fits(graph, node, X, BIAS_VAR, channels) && ops_result_like(graph, node, 0, BIAS_VAR);
}

/* What becomes of the weight and the bias of the linear in front of a batch-norm. */
bool batch_norm_fold(net_folding *f) {
  enum { NORM_SCALE = 1, NORM_SHIFT, NORM_MEAN, NORM_VAR };
  const net_value_id *norm = f->inputs;
  net_attribute epsilon =
      net_attribute_real(f->graph->n, "epsilon", net_node_real(f->from, f->node, "epsilon"));
  net_value_id weight = net_folding_call(f, "fold_weight", "folded_weight",
                                         OPS_VALUES(f->weight, norm[NORM_SCALE], norm[NORM_VAR]),
                                         OPS_ATTRIBUTES(epsilon));
  if (weight == NET_NONE) return false;
  f->bias = net_folding_call(
      f, "fold_bias", "folded_bias",
      OPS_VALUES(f->bias, norm[NORM_SCALE], norm[NORM_SHIFT], norm[NORM_MEAN], norm[NORM_VAR]),
      OPS_ATTRIBUTES(epsilon));
  f->weight = weight;
  return f->bias != NET_NONE;
}

/* dx = dy·a; dscale = Σ over later axes of dy·(what a multiplies)/√(running_var + ε); statistics have none.
 */
static bool gradient(net_gradient *g, uint32_t variance, const char *op, const net_value_id *bare,
                     uint32_t count) {
  netc *n = g->graph->n;
  net_value_id dy = g->dy[0], scale = net_node_input(g->graph, g->node, SCALE);
  net_attribute epsilon = net_attribute_real(n, "epsilon", net_node_real(g->graph, g->node, "epsilon"));
  if (g->wanted[X]) {
    g->dx[X] = net_gradient_call(g, "fold_weight", "x_gradient",
                                 OPS_VALUES(dy, scale, net_node_input(g->graph, g->node, variance)),
                                 OPS_ATTRIBUTES(epsilon));
    if (g->dx[X] == NET_NONE) return false;
  }
  if (!g->wanted[SCALE]) return true;
  net_value_id plain = net_gradient_call(g, op, "unscaled", bare, count, OPS_ATTRIBUTES(epsilon));
  net_value_id product = plain == NET_NONE ? NET_NONE
                                           : net_gradient_call(g, "mul", "scale_product",
                                                               OPS_VALUES(dy, plain), OPS_NO_ATTRIBUTES);
  if (product == NET_NONE) return false;
  net_shape later = {0};
  for (uint32_t i = 1; i < g->graph->values.at[product].shape.rank; i++) later.dim[later.rank++] = i;
  g->dx[SCALE] = !later.rank ? product
                             : net_gradient_call(g, "sum", "scale_gradient", OPS_VALUES(product),
                                                 OPS_ATTRIBUTES(net_attribute_ints(n, "axes", later)));
  return g->dx[SCALE] != NET_NONE;
}

bool fold_weight_gradient(net_gradient *g) {
  net_value_id x = net_node_input(g->graph, g->node, X),
               variance = net_node_input(g->graph, g->node, WEIGHT_VAR);
  return gradient(g, WEIGHT_VAR, "fold_weight", OPS_VALUES(x, NET_NONE, variance));
}

bool fold_bias_gradient(net_gradient *g) {
  net_value_id x = net_node_input(g->graph, g->node, X), mean = net_node_input(g->graph, g->node, MEAN);
  net_value_id variance = net_node_input(g->graph, g->node, BIAS_VAR);
  if (g->wanted[SHIFT]) g->dx[SHIFT] = g->dy[0];
  return gradient(g, BIAS_VAR, "fold_bias", OPS_VALUES(x, NET_NONE, NET_NONE, mean, variance));
}

/* ---- interpret ---- */

static double factor(const net_interpretation *call, uint32_t variance, uint64_t channel) {
  double scale = call->inputs[SCALE] ? call->inputs[SCALE][channel] : 1;
  return scale / sqrt(call->inputs[variance][channel] + net_node_real(call->graph, call->node, "epsilon"));
}

void fold_weight_interpret(const net_interpretation *call) {
  uint64_t count = ops_elements(ops_out(call, 0)), inner = count / ops_out(call, 0)->shape.dim[0];
  for (uint64_t i = 0; i < count; i++)
    call->outputs[0][i] = call->inputs[X][i] * factor(call, WEIGHT_VAR, i / inner);
}

void fold_bias_interpret(const net_interpretation *call) {
  for (uint64_t c = 0; c < ops_elements(ops_out(call, 0)); c++) {
    double x = call->inputs[X] ? call->inputs[X][c] : 0,
           shift = call->inputs[SHIFT] ? call->inputs[SHIFT][c] : 0;
    call->outputs[0][c] = (x - call->inputs[MEAN][c]) * factor(call, BIAS_VAR, c) + shift;
  }
}

/* ---- ranges ---- */

static net_range factor_range(const net_ranging *call, uint32_t variance, uint64_t channel) {
  double epsilon = net_node_real(call->graph, call->node, "epsilon");
  net_range v = call->inputs[variance][channel];
  net_range inverse = {1 / sqrt(fmax(v.hi, 0) + epsilon), 1 / sqrt(fmax(v.lo, 0) + epsilon)};
  return call->inputs[SCALE] ? ops_times(call->inputs[SCALE][channel], inverse) : inverse;
}

void fold_weight_range(const net_ranging *call) {
  uint64_t count = ops_elements(ops_ranged_out(call, 0)),
           inner = count / ops_ranged_out(call, 0)->shape.dim[0];
  for (uint64_t i = 0; i < count; i++)
    call->outputs[0][i] = ops_times(call->inputs[X][i], factor_range(call, WEIGHT_VAR, i / inner));
}

void fold_bias_range(const net_ranging *call) {
  const net_range none = {0, 0};
  for (uint64_t c = 0; c < ops_elements(ops_ranged_out(call, 0)); c++) {
    net_range x = call->inputs[X] ? call->inputs[X][c] : none,
              shift = call->inputs[SHIFT] ? call->inputs[SHIFT][c] : none;
    net_range a = factor_range(call, BIAS_VAR, c), away = ops_minus(x, call->inputs[MEAN][c]);
    call->outputs[0][c] = ops_plus(ops_times(away, a), shift);
    call->terms[0][c] = ops_most(away) * ops_most(a) + ops_most(shift);
  }
}

/* ---- kernels ---- */

static lp_expr load64(lp_function *f, const net_graph *graph, net_node_id node, uint32_t input,
                      const ops_place *at, double absent) {
  if (!ops_input(graph, node, input)) return lp_constant(f, NET_F64, absent, 0);
  return lp_convert(f, NET_F64, ops_load_in(f, graph, node, input, at));
}

/* a, kept for each channel: later axes only multiply. */
static lp_expr kept_factor(lp_function *f, const net_graph *graph, net_node_id node, uint32_t variance,
                           const ops_place *channel) {
  lp_expr epsilon = lp_constant(f, NET_F64, net_node_real(graph, node, "epsilon"), 0);
  lp_expr root = lp_op1(f, LP_sqrt, lp_addition(f, load64(f, graph, node, variance, channel, 1), epsilon));
  lp_expr a = lp_quotient(f, load64(f, graph, node, SCALE, channel, 1), root);
  net_shape channels = ops_input(graph, node, variance)->shape;
  lp_buffer kept = lp_temporary(f, "factor", NET_F64, channels, false);
  ops_store(f, kept, channel, a);
  return ops_load(f, kept, channel);
}

void fold_weight_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  ops_place at = ops_axes(f, &ops_input(graph, node, X)->shape, "cijklm"),
            channel = ops_leading_place(&at, 1);
  lp_expr a = kept_factor(f, graph, node, WEIGHT_VAR, &channel);
  lp_expr y = lp_product(f, load64(f, graph, node, X, &at, 0), a);
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, lp_convert(f, NET_F32, y));
}

void fold_bias_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  ops_place at = ops_axes(f, &ops_input(graph, node, BIAS_VAR)->shape, "c");
  lp_expr a = kept_factor(f, graph, node, BIAS_VAR, &at);
  lp_expr away = lp_difference(f, load64(f, graph, node, X, &at, 0), load64(f, graph, node, MEAN, &at, 0));
  lp_expr y = lp_addition(f, lp_product(f, away, a), load64(f, graph, node, SHIFT, &at, 0));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, lp_convert(f, NET_F32, y));
}
