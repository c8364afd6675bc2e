/* Formats that a profile completes, and what sums of integers need. */
#include "passes/quantize.h"

#include <math.h>

const char *net_quantize_tensor_text(netc *n, net_name node, net_tensor_role role, uint32_t input) {
  const char *text = net_arena_format(&n->arena, "%s.%s", net_text(n, node), net_tensor_role_names[role]);
  return input ? net_arena_format(&n->arena, "%s_%u", text, input + 1) : text;
}

const net_calibrated *net_quantize_calibrated(const net_quantization *quantization, net_name node,
                                              net_tensor_role role, uint32_t input) {
  for (uint32_t i = 0; i < quantization->calibrated_count; i++) {
    const net_calibrated *c = &quantization->calibrated[i];
    if (net_name_same(c->node, node) && c->tensor == role && c->input == input) return c;
  }
  return NULL;
}

net_format_id net_quantize_signed(netc *n, net_format_id asked, const net_ranges *ranges,
                                  net_value_id value) {
  net_format_spec spec = *net_format_at(n, asked);
  if (!spec.auto_sign) return asked;
  spec.auto_sign = false;
  spec.is_unsigned = spec.overflow != NET_SYMMETRIC && ranges->values[value].lo >= 0;
  return net_format_intern(n, &spec);
}

/* A learned step is no power of two: its format stays open. */
net_format_id net_quantize_resolved(netc *n, net_format_id asked, const net_calibrated *calibrated) {
  net_format_spec spec = *net_format_at(n, asked);
  if (spec.fraction != NET_FORMAT_AUTO || spec.ste == NET_STE_LEARNED_STEP || !calibrated ||
      calibrated->count != 1)
    return asked;
  spec.fraction = -ilogbf(calibrated->steps[0]);
  spec.per = NET_PER_TENSOR;
  return net_format_intern(n, &spec);
}

net_format_id net_quantize_made(netc *n, net_format_id asked) {
  net_format_spec spec = *net_format_at(n, asked);
  spec.auto_sign = false;
  spec.per = NET_PER_TENSOR;
  if (spec.ste == NET_STE_LEARNED_STEP) spec.ste = NET_STE_CLIPPED;
  return net_format_intern(n, &spec);
}

double net_quantize_first_step(const netc *n, net_format_id format, const net_value *value) {
  const net_format_spec *spec = net_format_at(n, format);
  bool point = net_format_has_point(spec), parameter = value->kind == NET_VALUE_PARAMETER;
  if (point && spec->fraction != NET_FORMAT_AUTO) return ldexp(1, -spec->fraction);
  double low, high, normal = sqrt(2 / M_PI), mean = normal; /* of |N(0, 1)| */
  if (parameter && value->init.kind == NET_INIT_FILL) mean = fabs(value->init.value);
  if (parameter && value->init.kind == NET_INIT_UNIFORM) mean = value->init.value / 2;
  if (parameter && value->init.kind == NET_INIT_NORMAL) mean = value->init.value * normal;
  net_format_steps(spec, &low, &high);
  return mean > 0 ? 2 * mean / sqrt(high) : ldexp(1, -spec->width / 2); /* all zeros: a format's standard */
}

/* ---- sums of integers ---- */

/* Whether all values are whole multiples of powers of two; their largest magnitude in such steps. */
static bool is_integer(const netc *n, quantize_grid grid, double *largest) {
  const net_format_spec *spec = net_format_at(n, grid.format);
  net_format_grid of = net_format_grid_of(spec);
  double low, high;
  int exponent;
  *largest = 0;
  if (of == NET_GRID_NONE) return false;
  net_format_steps(spec, &low, &high);
  *largest = fmax(-low, high);
  if (of == NET_GRID_POINT) return spec->ste != NET_STE_LEARNED_STEP;
  if (of == NET_GRID_ONES) return true;
  for (uint32_t c = 0; grid.steps && c < grid.steps->count; c++) {
    double zero = grid.steps->zeros ? grid.steps->zeros[c] : 0;
    *largest = fmax(*largest, fmax(zero - low, high - zero));
    if (frexp((double)grid.steps->steps[c], &exponent) != 0.5) return false;
  }
  return grid.steps;
}

/* Whether steps are those of calibration, and not the format's own. */
static bool has_steps(const netc *n, quantize_grid grid) {
  const net_format_spec *spec = net_format_at(n, grid.format);
  net_format_grid of = net_format_grid_of(spec);
  return grid.steps && (of == NET_GRID_STEPS || (of == NET_GRID_POINT && spec->fraction == NET_FORMAT_AUTO));
}

/* The step of a channel is 2^−fraction. */
static int fraction_of(const netc *n, quantize_grid grid, uint32_t channel) {
  const net_format_spec *spec = net_format_at(n, grid.format);
  if (has_steps(n, grid)) return -ilogbf(grid.steps->steps[grid.steps->count > 1 ? channel : 0]);
  return spec->fraction == NET_FORMAT_AUTO ? spec->width / 2 : spec->fraction;
}

static uint32_t channels_of(const netc *n, quantize_grid grid) {
  return has_steps(n, grid) ? grid.steps->count : 1;
}

bool net_quantize_sum_needs_wide(const netc *n, quantize_grid a, quantize_grid b) {
  double largest_a, largest_b;
  if (!is_integer(n, a, &largest_a) || !is_integer(n, b, &largest_b)) return false;
  int finest = INT32_MIN, coarsest_a = INT32_MAX, coarsest_b = INT32_MAX;
  for (uint32_t c = 0; c < channels_of(n, a) || c < channels_of(n, b); c++) {
    int fa = c < channels_of(n, a) ? fraction_of(n, a, c) : coarsest_a;
    int fb = c < channels_of(n, b) ? fraction_of(n, b, c) : coarsest_b;
    if (fa < coarsest_a) coarsest_a = fa;
    if (fb < coarsest_b) coarsest_b = fb;
    if (fa > finest) finest = fa;
    if (fb > finest) finest = fb;
  }
  return ldexp(largest_a, finest - coarsest_a) + ldexp(largest_b, finest - coarsest_b) >= 0x1p24;
}

bool net_quantize_needs_wide(const netc *n, double count, quantize_grid x, quantize_grid weight,
                             quantize_grid bias, bool has_bias) {
  double largest_x, largest_w, largest_b = 0;
  if (!is_integer(n, x, &largest_x) || !is_integer(n, weight, &largest_w)) return false;
  if (has_bias && !is_integer(n, bias, &largest_b)) return false;
  int finest = INT32_MIN, coarsest = INT32_MAX; /* of x, whose channels are summed over */
  for (uint32_t c = 0; c < channels_of(n, x); c++) {
    int f = fraction_of(n, x, c);
    if (f > finest) finest = f;
    if (f < coarsest) coarsest = f;
  }
  uint32_t channels = channels_of(n, weight);
  if (has_bias && channels_of(n, bias) > channels) channels = channels_of(n, bias);
  for (uint32_t c = 0; c < channels; c++) {
    int fw = fraction_of(n, weight, c), fb = has_bias ? fraction_of(n, bias, c) : INT32_MIN;
    int grid = finest + fw > fb ? finest + fw : fb;
    double bound = ldexp(count * largest_x * largest_w, grid - coarsest - fw);
    if (has_bias) bound += ldexp(largest_b, grid - fb);
    if (bound >= 0x1p24) return true;
  }
  return false;
}
