/* layer_norm: y = (x − mean) · inverse · weight + bias over the last `dims` axes, inverse = 1/√(variance +
 * ε), mean and biased variance those of the group: the trailing axes at one place of the leading ones. */
#include "ops/common.h"
#include <math.h>

enum { X, WEIGHT, BIAS };
enum { Y, MEAN, INVERSE };

static bool dims_fit(net_graph *graph, net_node_id node, uint32_t input, uint32_t *dims) {
  int64_t value = net_node_int(graph, node, "dims");
  net_value_id x = net_node_input(graph, node, input);
  *dims = (uint32_t)value;
  if (value >= 1 && value <= net_graph_value_at(graph, x)->shape.rank) return true;
  return ops_refuse(graph, node, x, "cannot normalise over the last %lld axes: %s", (long long)value,
                    ops_describe(graph, x));
}

static net_shape groups(net_shape shape, uint32_t dims) { return ops_leading(shape, shape.rank - dims); }

bool layer_norm_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  uint32_t dims;
  if (!ops_require_f32(graph, node) || !dims_fit(graph, node, X, &dims) ||
      !ops_require_real(graph, node, "epsilon", 0, INFINITY, true))
    return false;
  const net_value *x = ops_input(graph, node, X);
  net_shape each = ops_trailing(x->shape, dims), group = groups(x->shape, dims);
  bool batched = x->batched;
  if (!ops_require_unbatched(graph, node, WEIGHT, each) || !ops_require_unbatched(graph, node, BIAS, each))
    return false;
  if ((ops_input(graph, node, WEIGHT) == NULL) != (ops_input(graph, node, BIAS) == NULL))
    return ops_refuse(graph, node, NET_NONE, "needs both weight and bias, or neither");
  return ops_result_like(graph, node, Y, X) && ops_result(graph, node, MEAN, NET_F32, group, batched) &&
         ops_result(graph, node, INVERSE, NET_F32, group, batched);
}

bool layer_norm_parameter(netc *n, const net_graph *graph, const net_value_id *inputs,
                          const net_attribute *attributes, uint32_t attribute_count, uint32_t input,
                          net_loc loc, net_shape *shape, net_init *init) {
  (void)attribute_count;
  const net_value *x = net_graph_value_at(graph, inputs[X]);
  int64_t dims = attributes[0].integer;
  if (dims < 1 || dims > x->shape.rank) {
    net_error(n, loc, "layer_norm cannot normalise over the last %lld axes: %s", (long long)dims,
              ops_describe(graph, inputs[X]));
    return false;
  }
  *shape = ops_trailing(x->shape, (uint32_t)dims);
  if (!attributes[1].integer) shape->rank = NET_ABSENT;
  *init = (net_init){NET_INIT_FILL, input == WEIGHT};
  return true;
}

bool layer_norm_gradient(net_gradient *g) {
  net_value_id inputs[] = {
      g->dy[Y], net_node_input(g->graph, g->node, X), net_node_input(g->graph, g->node, WEIGHT),
      net_node_output(g->graph, g->node, MEAN), net_node_output(g->graph, g->node, INVERSE)};
  net_attribute dims = *net_node_attribute(g->graph, g->node, "dims");
  net_value_id dx = net_gradient_call(g, "layer_norm_gradient", "gradient", inputs, 5, &dims, 1);
  if (dx == NET_NONE) return false;
  if (g->wanted[X]) g->dx[X] = dx;
  if (inputs[2] == NET_NONE) return true;
  if (g->wanted[WEIGHT]) g->dx[WEIGHT] = dx + 1;
  if (g->wanted[BIAS]) g->dx[BIAS] = dx + 2;
  return true;
}

/* dy, x, weight?, mean, inverse → dx, dweight, dbias; the last two are [] and 0 without a weight. */
bool layer_norm_gradient_shape(netc *n, net_graph *graph, net_node_id node) {
  uint32_t dims;
  if (!ops_require_f32(graph, node) || !ops_require_same(graph, node, 0, 1) ||
      !dims_fit(graph, node, 1, &dims))
    return false;
  const net_value *x = ops_input(graph, node, 1);
  net_shape each = ops_trailing(x->shape, dims), group = groups(x->shape, dims);
  for (uint32_t i = 3; i <= 4; i++)
    if (!net_shape_same(&ops_input(graph, node, i)->shape, &group) ||
        ops_input(graph, node, i)->batched != x->batched)
      return ops_refuse(graph, node, net_node_input(graph, node, i), "needs f32%s for each group, but %s",
                        net_shape_text(&n->arena, &group),
                        ops_describe(graph, net_node_input(graph, node, i)));
  if (!ops_require_unbatched(graph, node, 2, each)) return false;
  if (!ops_input(graph, node, 2)) each = ops_scalar();
  return ops_result_like(graph, node, 0, 1) && ops_result(graph, node, 1, NET_F32, each, false) &&
         ops_result(graph, node, 2, NET_F32, each, false);
}

void layer_norm_cost(const net_graph *graph, net_node_id node, net_cost *cost) {
  net_cost_normalisation(graph, node, 5, (double)ops_elements(ops_input(graph, node, 0)), cost);
}

/* ---- interpret ---- */

static uint64_t group_size(const net_interpretation *call, const net_value *x) {
  net_shape each = ops_trailing(x->shape, (uint32_t)net_node_int(call->graph, call->node, "dims"));
  return net_shape_elements(&each);
}

void layer_norm_interpret(const net_interpretation *call) {
  const double *weight = call->inputs[WEIGHT], *bias = call->inputs[BIAS];
  double epsilon = net_node_real(call->graph, call->node, "epsilon");
  uint64_t size = group_size(call, ops_in(call, X)), count = ops_total(call, ops_in(call, X)) / size;
  for (uint64_t group = 0; group < count; group++) {
    const double *x = call->inputs[X] + group * size;
    double *y = call->outputs[Y] + group * size, mean = 0, squares = 0;
    for (uint64_t i = 0; i < size; i++) mean += x[i];
    mean /= (double)size;
    for (uint64_t i = 0; i < size; i++) squares += (x[i] - mean) * (x[i] - mean);
    double inverse = 1 / sqrt(squares / (double)size + epsilon);
    for (uint64_t i = 0; i < size; i++) {
      y[i] = (x[i] - mean) * inverse;
      if (weight) y[i] = y[i] * weight[i] + bias[i];
    }
    call->outputs[MEAN][group] = mean;
    call->outputs[INVERSE][group] = inverse;
  }
}

/* With x̂ = (x − mean)·inverse and g = dy·weight: dx = inverse·(g − mean(g) − x̂·mean(g·x̂)) within a group;
 * dweight = Σ dy·x̂ and dbias = Σ dy over groups. */
void layer_norm_gradient_interpret(const net_interpretation *call) {
  const double *weight = call->inputs[2];
  uint64_t size = group_size(call, ops_in(call, 1)), count = ops_total(call, ops_in(call, 1)) / size;
  double *dweight = call->outputs[1], *dbias = call->outputs[2];
  memset(dweight, 0, (weight ? size : 1) * sizeof *dweight);
  memset(dbias, 0, (weight ? size : 1) * sizeof *dbias);
  for (uint64_t group = 0; group < count; group++) {
    const double *dy = call->inputs[0] + group * size, *x = call->inputs[1] + group * size;
    double mean = call->inputs[3][group], inverse = call->inputs[4][group], sum = 0, slope = 0;
    for (uint64_t i = 0; i < size; i++) {
      double normal = (x[i] - mean) * inverse, g = weight ? dy[i] * weight[i] : dy[i];
      sum += g;
      slope += g * normal;
      if (!weight) continue;
      dweight[i] += dy[i] * normal;
      dbias[i] += dy[i];
    }
    for (uint64_t i = 0; i < size; i++) {
      double normal = (x[i] - mean) * inverse, g = weight ? dy[i] * weight[i] : dy[i];
      call->outputs[0][group * size + i] = inverse * (g - sum / (double)size - normal * slope / (double)size);
    }
  }
}
