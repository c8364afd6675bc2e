/* mse, mae, huber, bce_with_logits: loss = Σ_n s_n · mean over features of ℓ(prediction, target) / Σ_n s_n,
 * where a sample's weight s_n is 1 if there is none. */
#include "ops/kernel.h"
#include <math.h>

enum { PREDICTION, TARGET, SAMPLE_WEIGHT };
enum { LOSS, WEIGHT_SUM };

/* One row is ℓ, dℓ/dprediction, and both as expressions. */
typedef struct {
  const char *name;
  double (*value)(double p, double t, double delta);
  double (*gradient)(double p, double t, double delta);
  lp_expr (*kernel)(lp_function *f, lp_expr p, lp_expr t, double delta);
  lp_expr (*gradient_kernel)(lp_function *f, lp_expr p, lp_expr t, double delta);
} loss;

static double mse(double p, double t, double delta) { return (void)delta, (p - t) * (p - t); }
static double mse_gradient(double p, double t, double delta) { return (void)delta, 2 * (p - t); }

static lp_expr mse_kernel(lp_function *f, lp_expr p, lp_expr t, double delta) {
  (void)delta;
  return lp_product(f, lp_difference(f, p, t), lp_difference(f, p, t));
}

static lp_expr mse_gradient_kernel(lp_function *f, lp_expr p, lp_expr t, double delta) {
  (void)delta;
  return lp_product(f, lp_real(f, 2), lp_difference(f, p, t));
}

static double mae(double p, double t, double delta) { return (void)delta, fabs(p - t); }
static double mae_gradient(double p, double t, double delta) { return (void)delta, (p > t) - (p < t); }

static lp_expr mae_kernel(lp_function *f, lp_expr p, lp_expr t, double delta) {
  (void)delta;
  return lp_op1(f, LP_abs, lp_difference(f, p, t));
}

static lp_expr mae_gradient_kernel(lp_function *f, lp_expr p, lp_expr t, double delta) {
  (void)delta;
  lp_expr below = lp_select(f, lp_op2(f, LP_lt, p, t), lp_real(f, -1), lp_real(f, 0));
  return lp_select(f, lp_op2(f, LP_gt, p, t), lp_real(f, 1), below);
}

static double huber(double p, double t, double delta) {
  double d = fabs(p - t);
  return d <= delta ? 0.5 * d * d : delta * (d - 0.5 * delta);
}

static double huber_gradient(double p, double t, double delta) {
  double d = p - t;
  return d > delta ? delta : d < -delta ? -delta : d;
}

static lp_expr huber_kernel(lp_function *f, lp_expr p, lp_expr t, double delta) {
  lp_expr d = lp_op1(f, LP_abs, lp_difference(f, p, t)), limit = lp_real(f, delta);
  lp_expr near = lp_product(f, lp_real(f, 0.5), lp_product(f, d, d));
  lp_expr far = lp_product(f, limit, lp_difference(f, d, lp_real(f, 0.5 * delta)));
  return lp_select(f, lp_op2(f, LP_le, d, limit), near, far);
}

static lp_expr huber_gradient_kernel(lp_function *f, lp_expr p, lp_expr t, double delta) {
  lp_expr d = lp_difference(f, p, t), high = lp_real(f, delta), low = lp_real(f, -delta);
  return lp_select(f, lp_op2(f, LP_gt, d, high), high, lp_select(f, lp_op2(f, LP_lt, d, low), low, d));
}

/* −t·log σ(p) − (1 − t)·log(1 − σ(p)) without overflow */
static double bce(double p, double t, double delta) {
  (void)delta;
  return (p > 0 ? p : 0) - p * t + log1p(exp(-fabs(p)));
}

static double bce_gradient(double p, double t, double delta) { return (void)delta, 1 / (1 + exp(-p)) - t; }

static lp_expr bce_kernel(lp_function *f, lp_expr p, lp_expr t, double delta) {
  (void)delta;
  lp_expr tail = lp_op1(f, LP_exp, lp_op1(f, LP_neg, lp_op1(f, LP_abs, p)));
  lp_expr line = lp_difference(f, lp_op2(f, LP_max, p, lp_real(f, 0)), lp_product(f, p, t));
  return lp_addition(f, line, lp_op1(f, LP_log1p, tail));
}

static lp_expr bce_gradient_kernel(lp_function *f, lp_expr p, lp_expr t, double delta) {
  (void)delta;
  return lp_difference(f, lp_op1(f, LP_sigmoid, p), t);
}

#define ALL(f) f, f##_gradient, f##_kernel, f##_gradient_kernel
static const loss losses[] = {
    {"mse", ALL(mse)}, {"mae", ALL(mae)}, {"huber", ALL(huber)}, {"bce_with_logits", ALL(bce)}};

/* The row of a node of operator NAME or NAME_gradient. */
static const loss *loss_of(const net_graph *graph, net_node_id node) {
  const char *name = net_node_op(graph, node)->name;
  const loss *row = losses;
  while (strncmp(name, row->name, strlen(row->name))) row++;
  return row;
}

static double delta_of(const net_graph *graph, net_node_id node) {
  return loss_of(graph, node)->value == huber ? net_node_real(graph, node, "delta") : 0;
}

/* ---- graph ---- */

static bool inputs_fit(net_graph *graph, net_node_id node) {
  if (!ops_require_f32(graph, node) || !ops_require_batched(graph, node, PREDICTION) ||
      !ops_require_same(graph, node, PREDICTION, TARGET))
    return false;
  if (loss_of(graph, node)->value == huber && !ops_require_real(graph, node, "delta", 0, INFINITY, true))
    return false;
  const net_value *weight = ops_input(graph, node, SAMPLE_WEIGHT);
  net_value_id id = net_node_input(graph, node, SAMPLE_WEIGHT);
  if (!weight || (weight->batched && !weight->shape.rank)) return true;
  return ops_refuse(graph, node, id, "needs one weight for each sample, but %s", ops_describe(graph, id));
}

bool regression_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return inputs_fit(graph, node) && ops_result(graph, node, LOSS, NET_F32, ops_scalar(), false) &&
         ops_result(graph, node, WEIGHT_SUM, NET_F32, ops_scalar(), false);
}

/* prediction, target, sample_weight?, weight_sum → dprediction */
bool regression_gradient_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return inputs_fit(graph, node) && ops_require_unbatched(graph, node, 3, ops_scalar()) &&
         ops_result_like(graph, node, 0, PREDICTION);
}

bool regression_gradient(net_gradient *g) {
  netc *n = g->graph->n;
  const loss *row = loss_of(g->graph, g->node);
  net_value_id inputs[] = {
      net_node_input(g->graph, g->node, PREDICTION), net_node_input(g->graph, g->node, TARGET),
      net_node_input(g->graph, g->node, SAMPLE_WEIGHT), net_node_output(g->graph, g->node, WEIGHT_SUM)};
  net_attribute attributes[] = {net_attribute_real(n, "scale", g->scale),
                                net_attribute_real(n, "delta", delta_of(g->graph, g->node))};
  const char *op = net_arena_format(&n->arena, "%s_gradient", row->name);
  g->dx[PREDICTION] =
      net_gradient_call(g, op, "prediction_gradient", inputs, 4, attributes, row->value == huber ? 2 : 1);
  return g->dx[PREDICTION] != NET_NONE;
}

/* ---- interpret ---- */

static double sample_weight(const net_interpretation *call, uint64_t row) {
  return call->inputs[SAMPLE_WEIGHT] ? call->inputs[SAMPLE_WEIGHT][row] : 1;
}

void regression_interpret(const net_interpretation *call) {
  const loss *row = loss_of(call->graph, call->node);
  double delta = delta_of(call->graph, call->node), total = 0, weight_sum = 0;
  uint64_t features = ops_elements(ops_in(call, PREDICTION));
  for (uint64_t n = 0; n < call->count; n++) {
    const double *p = call->inputs[PREDICTION] + n * features, *t = call->inputs[TARGET] + n * features;
    double sum = 0;
    for (uint64_t i = 0; i < features; i++) sum += row->value(p[i], t[i], delta);
    total += sample_weight(call, n) * sum / (double)features;
    weight_sum += sample_weight(call, n);
  }
  call->outputs[LOSS][0] = total / weight_sum;
  call->outputs[WEIGHT_SUM][0] = weight_sum;
}

void regression_gradient_interpret(const net_interpretation *call) {
  const loss *row = loss_of(call->graph, call->node);
  double delta = delta_of(call->graph, call->node), scale = net_node_real(call->graph, call->node, "scale");
  uint64_t features = ops_elements(ops_in(call, PREDICTION));
  for (uint64_t i = 0; i < call->count * features; i++)
    call->outputs[0][i] = scale * sample_weight(call, i / features) *
                          row->gradient(call->inputs[PREDICTION][i], call->inputs[TARGET][i], delta) /
                          ((double)features * call->inputs[3][0]);
}

/* ---- kernels ---- */

void regression_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_shape *shape = &ops_input(graph, node, PREDICTION)->shape;
  ops_place at = ops_axes(f, shape, "ijklmn"), none = {0};
  lp_expr p = ops_load_in(f, graph, node, PREDICTION, &at), t = ops_load_in(f, graph, node, TARGET, &at);
  lp_expr each = loss_of(graph, node)->kernel(f, p, t, delta_of(graph, node)), weight_sum = lp_samples(f);
  lp_expr mean =
      lp_product(f, ops_sum(f, &at, false, each), lp_real(f, 1.0 / (double)net_shape_elements(shape)));
  if (ops_input(graph, node, SAMPLE_WEIGHT)) {
    lp_expr weight = ops_load_in(f, graph, node, SAMPLE_WEIGHT, &none);
    mean = lp_product(f, mean, weight);
    weight_sum = ops_sum(f, &none, true, weight);
  }
  lp_buffer term = lp_temporary(f, "term", NET_F32, ops_scalar(), true);
  lp_buffer weights = ops_out_buffer(f, graph, node, WEIGHT_SUM);
  ops_store(f, term, &none, mean);
  ops_store(f, weights, &none, weight_sum);
  ops_store(f, ops_out_buffer(f, graph, node, LOSS), &none,
            lp_quotient(f, ops_sum(f, &none, true, ops_load(f, term, &none)), ops_load(f, weights, &none)));
}

void regression_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_shape *shape = &ops_input(graph, node, PREDICTION)->shape;
  ops_place at = ops_axes(f, shape, "ijklmn"), none = {0};
  lp_expr p = ops_load_in(f, graph, node, PREDICTION, &at), t = ops_load_in(f, graph, node, TARGET, &at);
  bool weighted = ops_input(graph, node, SAMPLE_WEIGHT) != NULL;
  double scale = net_node_real(graph, node, "scale") / (double)net_shape_elements(shape);
  lp_expr factor = lp_quotient(f, lp_real(f, scale), lp_samples(f));
  if (weighted)
    factor = lp_product(f, ops_kept_quotient(f, scale, ops_load_scalar(f, graph, node, 3)),
                        ops_load_in(f, graph, node, SAMPLE_WEIGHT, &none));
  lp_expr slope = loss_of(graph, node)->gradient_kernel(f, p, t, delta_of(graph, node));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, lp_product(f, slope, factor));
}
