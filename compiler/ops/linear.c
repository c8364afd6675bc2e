/* linear: y[…, o] = bias[o] + Σ_i weight[o, i] · x[…, i], on the last axis.
 *
 * wide: for operands on integer grids whose sums have more steps than binary32 has; y is then f64 and holds
 * the exact sum (to 2^53 steps), and a quantiser behind rounds it, once. Its gradient is f32 all the same: as
 * the gradient of what it is rounded to, straight through. */
#include "ops/common.h"
#include <math.h>

enum { X, WEIGHT, BIAS };

static net_shape with_last(net_shape shape, uint32_t last) {
  shape.dim[shape.rank - 1] = last;
  return shape;
}

static uint32_t last(const net_value *value) { return value->shape.dim[value->shape.rank - 1]; }

static bool features_fit(net_graph *graph, net_node_id node, int64_t *features) {
  *features = net_node_int(graph, node, "features");
  if (*features >= 1 && *features <= INT32_MAX) return true;
  return ops_refuse(graph, node, NET_NONE, "needs at least 1 and at most %d features, not %lld", INT32_MAX,
                    (long long)*features);
}

bool linear_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  int64_t features;
  if (!ops_require_f32(graph, node) || !ops_require_rank(graph, node, X, 1) ||
      !features_fit(graph, node, &features))
    return false;
  const net_value *x = ops_input(graph, node, X), *weight = ops_input(graph, node, WEIGHT);
  uint32_t out = (uint32_t)features, in = last(x);
  if (weight->batched || !net_shape_same(&weight->shape, &(net_shape){2, {out, in}})) {
    net_value_id blamed = net_node_input(graph, node, WEIGHT);
    return ops_refuse(graph, node, blamed, "needs a weight f32[%u, %u], since %s, but %s", out, in,
                      ops_describe(graph, net_node_input(graph, node, X)), ops_describe(graph, blamed));
  }
  return ops_require_unbatched(graph, node, BIAS, ops_vector(out)) &&
         ops_result(graph, node, 0, net_node_bool(graph, node, "wide") ? NET_F64 : NET_F32,
                    with_last(x->shape, out), x->batched);
}

/* PyTorch's kaiming_uniform(a = √5) for the weight is U(±1/√in), as is its rule for the bias. */
bool linear_parameter(netc *n, const net_graph *graph, const net_value_id *inputs,
                      const net_attribute *attributes, uint32_t attribute_count, uint32_t input, net_loc loc,
                      net_shape *shape, net_init *init) {
  (void)attribute_count;
  int64_t features = attributes[0].integer;
  const net_value *x = net_graph_value_at(graph, inputs[X]);
  if (!x->shape.rank) {
    net_error(n, loc, "linear needs at least 1 axis, but %s", ops_describe(graph, inputs[X]));
    return false;
  }
  if (features < 1 || (double)features * last(x) > INT32_MAX) {
    net_error(n, loc,
              "linear with %lld features needs a weight [%lld, %u], which must have from 1 to %d elements",
              (long long)features, (long long)features, last(x), INT32_MAX);
    return false;
  }
  *shape = input == WEIGHT ? (net_shape){2, {(uint32_t)features, last(x)}} : ops_vector((uint32_t)features);
  if (input == BIAS && !attributes[1].integer) shape->rank = NET_ABSENT;
  *init = (net_init){NET_INIT_UNIFORM, 1 / sqrt(last(x))};
  return true;
}

bool linear_gradient(net_gradient *g) {
  net_value_id x = net_node_input(g->graph, g->node, X), weight = net_node_input(g->graph, g->node, WEIGHT);
  net_value_id dy = g->dy[0];
  if (g->wanted[X]) {
    g->dx[X] = net_gradient_call(g, "linear_input_gradient", "x_gradient", OPS_VALUES(dy, weight),
                                 OPS_NO_ATTRIBUTES);
    if (g->dx[X] == NET_NONE) return false;
  }
  if (g->wanted[WEIGHT]) {
    g->dx[WEIGHT] = net_gradient_call(g, "linear_weight_gradient", "weight_gradient", OPS_VALUES(dy, x),
                                      OPS_NO_ATTRIBUTES);
    if (g->dx[WEIGHT] == NET_NONE) return false;
  }
  bool bias = net_node_input(g->graph, g->node, BIAS) != NET_NONE && g->wanted[BIAS];
  return !bias || ops_gradient_reduced(g, BIAS, dy, "bias_gradient");
}

void linear_cost(const net_graph *graph, net_node_id node, net_cost *cost) {
  double in = last(ops_input(graph, node, X)), out = (double)ops_elements(ops_output(graph, node, 0));
  net_cost_contraction(graph, node, in * out, net_node_input(graph, node, WEIGHT),
                       net_node_input(graph, node, BIAS), cost);
}

void linear_interpret(const net_interpretation *call) {
  const double *x = call->inputs[X], *weight = call->inputs[WEIGHT], *bias = call->inputs[BIAS];
  uint64_t in = last(ops_in(call, X)), out = last(ops_out(call, 0));
  uint64_t rows = ops_total(call, ops_in(call, X)) / in;
  double *y = call->outputs[0];
  for (uint64_t row = 0; row < rows; row++)
    for (uint64_t o = 0; o < out; o++) {
      double sum = bias ? bias[o] : 0;
      for (uint64_t i = 0; i < in; i++) sum += weight[o * in + i] * x[row * in + i];
      y[row * out + o] = sum;
    }
}

/* ---- dx[…, i] = Σ_o weight[o, i] · dy[…, o] ---- */

bool linear_input_gradient_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_f32(graph, node) || !ops_require_rank(graph, node, 0, 1) ||
      !ops_require_rank(graph, node, 1, 2))
    return false;
  const net_value *dy = ops_input(graph, node, 0), *weight = ops_input(graph, node, 1);
  return ops_require_unbatched(graph, node, 1, (net_shape){2, {last(dy), last(weight)}}) &&
         ops_result(graph, node, 0, NET_F32, with_last(dy->shape, last(weight)), dy->batched);
}

void linear_input_gradient_cost(const net_graph *graph, net_node_id node, net_cost *cost) {
  double out = last(ops_input(graph, node, 0)), in = (double)ops_elements(ops_output(graph, node, 0));
  net_cost_contraction(graph, node, in * out, net_node_input(graph, node, 1), NET_NONE, cost);
}

void linear_input_gradient_interpret(const net_interpretation *call) {
  const double *dy = call->inputs[0], *weight = call->inputs[1];
  uint64_t out = last(ops_in(call, 0)), in = last(ops_out(call, 0));
  uint64_t rows = ops_total(call, ops_in(call, 0)) / out;
  for (uint64_t row = 0; row < rows; row++)
    for (uint64_t i = 0; i < in; i++) {
      double sum = 0;
      for (uint64_t o = 0; o < out; o++) sum += weight[o * in + i] * dy[row * out + o];
      call->outputs[0][row * in + i] = sum;
    }
}

/* ---- dweight[o, i] = Σ over samples and leading axes of dy[…, o] · x[…, i] ---- */

bool linear_weight_gradient_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_f32(graph, node) || !ops_require_rank(graph, node, 0, 1)) return false;
  const net_value *dy = ops_input(graph, node, 0), *x = ops_input(graph, node, 1);
  net_shape wanted = x->shape.rank ? with_last(dy->shape, last(x)) : dy->shape;
  if (dy->batched != x->batched || !net_shape_same(&wanted, &x->shape))
    return ops_refuse(graph, node, net_node_input(graph, node, 1), "needs equal leading axes, but %s and %s",
                      ops_describe(graph, net_node_input(graph, node, 0)),
                      ops_describe(graph, net_node_input(graph, node, 1)));
  return ops_result(graph, node, 0, NET_F32, (net_shape){2, {last(dy), last(x)}}, false);
}

void linear_weight_gradient_cost(const net_graph *graph, net_node_id node, net_cost *cost) {
  double out = (double)ops_elements(ops_input(graph, node, 0)), in = last(ops_input(graph, node, 1));
  net_cost_contraction(graph, node, in * out, net_node_input(graph, node, 1), NET_NONE, cost);
}

void linear_weight_gradient_interpret(const net_interpretation *call) {
  const double *dy = call->inputs[0], *x = call->inputs[1];
  uint64_t out = last(ops_in(call, 0)), in = last(ops_in(call, 1));
  uint64_t rows = ops_total(call, ops_in(call, 0)) / out;
  for (uint64_t o = 0; o < out; o++)
    for (uint64_t i = 0; i < in; i++) {
      double sum = 0;
      for (uint64_t row = 0; row < rows; row++) sum += dy[row * out + o] * x[row * in + i];
      call->outputs[0][o * in + i] = sum;
    }
}
