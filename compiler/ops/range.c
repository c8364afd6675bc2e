#include "ops/range.h"

static double product(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

net_range ops_times(net_range a, net_range b) {
  double p = product(a.lo, b.lo), q = product(a.lo, b.hi), r = product(a.hi, b.lo), s = product(a.hi, b.hi);
  return (net_range){fmin(fmin(p, q), fmin(r, s)), fmax(fmax(p, q), fmax(r, s))};
}

int ops_format_grid(const net_format_spec *spec) {
  net_format_grid grid = net_format_grid_of(spec);
  if (grid == NET_GRID_ONES) return 0;
  if (grid != NET_GRID_POINT) return NET_NO_GRID; /* steps are what calibration says */
  return -(spec->fraction == NET_FORMAT_AUTO ? spec->width / 2 : spec->fraction);
}

static double bound_of(const net_ranging *call, uint32_t input, uint64_t i, ops_bound bound) {
  net_range x = call->inputs[input][i];
  switch (bound) {
  case OPS_LOW: return x.lo;
  case OPS_HIGH: return x.hi;
  case OPS_MOST: return ops_most(x);
  case OPS_UNIT: return call->units[input][i];
  default: return call->grids[input][i];
  }
}

double *ops_interpret_bounds(const net_ranging *call, ops_bound bound) {
  const net_node *node = net_graph_at(call->graph, call->node);
  const double **inputs = NET_NEW_ARRAY(call->arena, const double *, node->input_count + 1);
  double **outputs = NET_NEW_ARRAY(call->arena, double *, node->output_count + 1);
  for (uint32_t k = 0; k < node->input_count; k++) {
    if (!call->inputs[k]) continue;
    uint64_t count = ops_elements(ops_ranged_in(call, k));
    double *x = NET_NEW_ARRAY(call->arena, double, count);
    for (uint64_t i = 0; i < count; i++) x[i] = bound_of(call, k, i, bound);
    inputs[k] = x;
  }
  for (uint32_t k = 0; k < node->output_count; k++)
    outputs[k] = NET_NEW_ARRAY(call->arena, double, ops_elements(ops_ranged_out(call, k)));
  net_node_op(call->graph, call->node)
      ->interpret(&(net_interpretation){.arena = call->arena,
                                        .graph = call->graph,
                                        .node = call->node,
                                        .count = 1,
                                        .inputs = inputs,
                                        .outputs = outputs});
  return outputs[0];
}
