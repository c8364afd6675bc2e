/* Ranges of sum, mean, max, softmax and log_softmax. */
#include "ops/range.h"
#include "ops/reduction.h"

/* The finest grid among the elements of each group; the group's extent. */
static uint32_t reduce_grids(const net_ranging *call) {
  bool reduced[NET_MAX_RANK];
  const net_value *x = ops_ranged_in(call, 0);
  uint64_t from = ops_elements(x), to = ops_elements(ops_ranged_out(call, 0));
  uint32_t extent = reduction_axes(call->graph, call->node, 0, reduced);
  net_shape kept = reduction_kept(x->shape, reduced);
  for (uint64_t i = 0; i < to; i++) call->output_grids[0][i] = INT32_MAX;
  for (uint64_t i = 0; i < from; i++) {
    int *grid = &call->output_grids[0][ops_project(&x->shape, &kept, i)];
    *grid = ops_grid_sum(*grid, call->grids[0][i]);
  }
  return extent;
}

static void set_bounds(const net_ranging *call) {
  uint64_t count = ops_elements(ops_ranged_out(call, 0));
  const double *lo = ops_interpret_bounds(call, OPS_LOW), *hi = ops_interpret_bounds(call, OPS_HIGH);
  for (uint64_t i = 0; i < count; i++) call->outputs[0][i] = ops_interval(lo[i], hi[i]);
}

static void set_terms(const net_ranging *call) {
  const double *terms = ops_interpret_bounds(call, OPS_MOST);
  memcpy(call->terms[0], terms, ops_elements(ops_ranged_out(call, 0)) * sizeof *terms);
}

void max_range(const net_ranging *call) {
  reduce_grids(call);
  set_bounds(call);
}

void sum_range(const net_ranging *call) {
  reduce_grids(call);
  set_bounds(call);
  set_terms(call);
}

void mean_range(const net_ranging *call) {
  uint64_t count = ops_elements(ops_ranged_out(call, 0));
  int shift;
  bool power = frexp(reduce_grids(call), &shift) == 0.5; /* 2^(shift − 1) elements */
  for (uint64_t i = 0; i < count; i++) {
    int *grid = &call->output_grids[0][i];
    *grid = power && *grid != NET_NO_GRID ? *grid - (shift - 1) : NET_NO_GRID;
  }
  set_bounds(call);
  set_terms(call);
}

/* ---- softmax: y_i = 1 / Σ_k exp(x_k − x_i) ---- */

/* log Σ_k exp(x_k − x_i) at its least (the others low, x_i high) or its most. */
static double log_sum(const net_range *x, uint64_t step, uint64_t extent, uint64_t i, bool most) {
  double largest = 0, sum = 0;
  for (int pass = 0; pass < 2; pass++)
    for (uint64_t k = 0; k < extent; k++) {
      net_range other = x[k * step], own = x[i * step];
      double d = k == i ? 0 : most ? other.hi - own.lo : other.lo - own.hi;
      if (isnan(d)) d = most ? INFINITY : -INFINITY;
      if (!pass) largest = fmax(largest, d);
      else if (isfinite(largest)) sum += exp(d - largest);
    }
  return isinf(largest) ? INFINITY : largest + log(sum);
}

static void softmax(const net_ranging *call, bool logarithm) {
  const net_value *x = ops_ranged_in(call, 0);
  ops_split s = ops_split_at(&x->shape, ops_node_axis(call->graph, call->node, 0));
  for (uint64_t line = 0; line < s.outer * s.inner; line++) {
    uint64_t start = line / s.inner * s.extent * s.inner + line % s.inner;
    for (uint64_t i = 0; i < s.extent; i++) {
      double lo = -log_sum(call->inputs[0] + start, s.inner, s.extent, i, true);
      double hi = -log_sum(call->inputs[0] + start, s.inner, s.extent, i, false);
      call->outputs[0][start + i * s.inner] = logarithm ? (net_range){lo, hi} : (net_range){exp(lo), exp(hi)};
    }
  }
}

void softmax_range(const net_ranging *call) { softmax(call, false); }
void log_softmax_range(const net_ranging *call) { softmax(call, true); }
