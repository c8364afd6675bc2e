/* sum, mean and max over feature axes; what clips gradients by their norm. */
#include "ops/reduction.h"
#include <math.h>

/* ---- axes ---- */

uint32_t reduction_axes(const net_graph *graph, net_node_id node, uint32_t input, bool *reduced) {
  net_shape axes = net_node_attribute(graph, node, "axes")->ints;
  net_shape shape = ops_input(graph, node, input)->shape;
  uint32_t extent = 1;
  for (uint32_t i = 0; i < NET_MAX_RANK; i++) reduced[i] = !axes.rank;
  for (uint32_t i = 0; i < axes.rank; i++) {
    int32_t axis = (int32_t)axes.dim[i];
    reduced[axis < 0 ? axis + (int32_t)shape.rank : axis] = true;
  }
  for (uint32_t i = 0; i < shape.rank; i++) extent *= reduced[i] ? shape.dim[i] : 1;
  return extent;
}

net_shape reduction_kept(net_shape shape, const bool *reduced) {
  for (uint32_t i = 0; i < shape.rank; i++)
    if (reduced[i]) shape.dim[i] = 1;
  return shape;
}

static net_shape dropped(net_shape shape, const bool *reduced) {
  net_shape out = {0};
  for (uint32_t i = 0; i < shape.rank; i++)
    if (!reduced[i]) out.dim[out.rank++] = shape.dim[i];
  return out;
}

static bool axes_fit(net_graph *graph, net_node_id node, uint32_t input) {
  net_shape axes = net_node_attribute(graph, node, "axes")->ints;
  uint32_t axis, seen = 0;
  for (uint32_t i = 0; i < axes.rank; i++) {
    if (!ops_axis(graph, node, input, (int32_t)axes.dim[i], &axis)) return false;
    if (seen >> axis & 1) return ops_refuse(graph, node, NET_NONE, "names axis %u twice in axes", axis);
    seen |= 1u << axis;
  }
  return true;
}

/* Result of reducing the input, as the attributes keep and drop axes. */
static net_shape reduced_shape(const net_graph *graph, net_node_id node, uint32_t input) {
  bool reduced[NET_MAX_RANK];
  reduction_axes(graph, node, input, reduced);
  net_shape shape = ops_input(graph, node, input)->shape;
  return net_node_bool(graph, node, "keep") ? reduction_kept(shape, reduced) : dropped(shape, reduced);
}

bool reduction_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_f32(graph, node) || !axes_fit(graph, node, 0)) return false;
  return ops_result(graph, node, 0, NET_F32, reduced_shape(graph, node, 0),
                    ops_input(graph, node, 0)->batched);
}

/* ---- gradients ---- */

/* dx = dy broadcast along the axes that were reduced */
static bool spread(net_gradient *g, net_value_id dy) {
  netc *n = g->graph->n;
  const net_value *x = ops_input(g->graph, g->node, 0);
  net_shape shape = x->shape;
  bool batched = x->batched, reduced[NET_MAX_RANK];
  reduction_axes(g->graph, g->node, 0, reduced);
  net_shape kept = reduction_kept(shape, reduced);
  if (!net_shape_same(&net_graph_value_at(g->graph, dy)->shape, &kept))
    dy = net_gradient_call(g, "reshape", "y_kept", OPS_VALUES(dy),
                           OPS_ATTRIBUTES(net_attribute_ints(n, "shape", kept)));
  if (dy == NET_NONE) return false;
  g->dx[0] = net_gradient_call(
      g, "expand", "x_gradient", OPS_VALUES(dy),
      OPS_ATTRIBUTES(net_attribute_ints(n, "shape", shape), net_attribute_bool(n, "batched", batched)));
  return g->dx[0] != NET_NONE;
}

bool sum_gradient(net_gradient *g) { return spread(g, g->dy[0]); }

bool mean_gradient(net_gradient *g) {
  bool reduced[NET_MAX_RANK];
  double factor = 1.0 / reduction_axes(g->graph, g->node, 0, reduced);
  net_attribute attribute = net_attribute_real(g->graph->n, "factor", factor);
  net_value_id share = net_gradient_call(g, "scale", "y_share", OPS_VALUES(g->dy[0]), &attribute, 1);
  return share != NET_NONE && spread(g, share);
}

bool max_gradient(net_gradient *g) {
  const net_graph *graph = g->graph;
  net_value_id x = net_node_input(graph, g->node, 0), y = net_node_output(graph, g->node, 0);
  net_attribute axes = *net_node_attribute(graph, g->node, "axes");
  net_attribute keep = *net_node_attribute(graph, g->node, "keep");
  g->dx[0] = net_gradient_call(g, "max_gradient", "x_gradient", OPS_VALUES(g->dy[0], x, y),
                               OPS_ATTRIBUTES(axes, keep));
  return g->dx[0] != NET_NONE;
}

/* dy, x, y → dx: dy shared evenly among the elements that equal the maximum, as torch.amax does */
bool max_gradient_shape(netc *n, net_graph *graph, net_node_id node) {
  if (!ops_require_f32(graph, node) || !axes_fit(graph, node, 1) || !ops_require_same(graph, node, 0, 2))
    return false;
  net_shape shape = reduced_shape(graph, node, 1);
  const net_value *y = ops_input(graph, node, 2);
  if (!net_shape_same(&shape, &y->shape) || ops_input(graph, node, 1)->batched != y->batched)
    return ops_refuse(graph, node, net_node_input(graph, node, 2), "needs the maxima, %s, but %s",
                      net_shape_text(&n->arena, &shape), ops_describe(graph, net_node_input(graph, node, 2)));
  return ops_result_like(graph, node, 0, 1);
}

/* ---- interpret ---- */

/* y = start, then y = combine(y, x) for each x of its group */
static uint32_t fold(const net_interpretation *call, double start, double (*combine)(double, double)) {
  bool reduced[NET_MAX_RANK];
  const net_value *x = ops_in(call, 0), *y = ops_out(call, 0);
  uint32_t extent = reduction_axes(call->graph, call->node, 0, reduced);
  net_shape kept = reduction_kept(x->shape, reduced);
  uint64_t from = ops_elements(x), to = ops_elements(y), total = ops_total(call, y);
  for (uint64_t i = 0; i < total; i++) call->outputs[0][i] = start;
  for (uint64_t row = 0; row < ops_rows(call, x); row++)
    for (uint64_t i = 0; i < from; i++) {
      double *at = &call->outputs[0][row * to + ops_project(&x->shape, &kept, i)];
      *at = combine(*at, call->inputs[0][row * from + i]);
    }
  return extent;
}

static double add(double a, double b) { return a + b; }
static double larger(double a, double b) { return b > a || isnan(b) ? b : a; }

void sum_interpret(const net_interpretation *call) { fold(call, 0, add); }
void max_interpret(const net_interpretation *call) { fold(call, -INFINITY, larger); }

void mean_interpret(const net_interpretation *call) {
  uint32_t extent = fold(call, 0, add);
  uint64_t total = ops_total(call, ops_out(call, 0));
  for (uint64_t i = 0; i < total; i++) call->outputs[0][i] /= extent;
}

void max_gradient_interpret(const net_interpretation *call) {
  bool reduced[NET_MAX_RANK];
  const double *dy = call->inputs[0], *x = call->inputs[1], *y = call->inputs[2];
  const net_value *from = ops_in(call, 1), *to = ops_in(call, 2);
  reduction_axes(call->graph, call->node, 1, reduced);
  net_shape kept = reduction_kept(from->shape, reduced);
  uint64_t count = ops_elements(from), groups = ops_elements(to);
  for (uint64_t row = 0; row < ops_rows(call, from); row++, x += count, y += groups, dy += groups) {
    double *dx = call->outputs[0] + row * count;
    memset(dx, 0, groups * sizeof *dx);
    /* dx[group] first counts ties; from the end on, since no element lies before its group's number */
    for (uint64_t i = 0; i < count; i++) {
      uint64_t group = ops_project(&from->shape, &kept, i);
      dx[group] += x[i] == y[group];
    }
    for (uint64_t i = count; i-- > 0;) {
      uint64_t group = ops_project(&from->shape, &kept, i);
      dx[i] = (x[i] == y[group]) * (dy[group] / dx[group]);
    }
  }
}

/* ---- norm of gradients: Σ x², and min(1, max / (√total + 1e-6)) as clip_grad_norm_ has it ---- */

bool sum_squares_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return ops_require_f32(graph, node) &&
         ops_require_unbatched(graph, node, 0, ops_input(graph, node, 0)->shape) &&
         ops_result(graph, node, 0, NET_F32, ops_scalar(), false);
}

void sum_squares_interpret(const net_interpretation *call) {
  double sum = 0;
  for (uint64_t i = 0; i < ops_elements(ops_in(call, 0)); i++) sum += call->inputs[0][i] * call->inputs[0][i];
  call->outputs[0][0] = sum;
}

bool clip_factor_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return ops_require_f32(graph, node) && ops_require_real(graph, node, "max", 0, INFINITY, true) &&
         ops_require_unbatched(graph, node, 0, ops_scalar()) &&
         ops_result(graph, node, 0, NET_F32, ops_scalar(), false);
}

void clip_factor_interpret(const net_interpretation *call) {
  double factor = net_node_real(call->graph, call->node, "max") / (sqrt(call->inputs[0][0]) + 1e-6);
  call->outputs[0][0] = factor > 1 ? 1 : factor; /* NaN stays */
}
