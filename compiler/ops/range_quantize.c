/* Ranges of quantisers: what their formats make of what comes in, and the grids of their steps. */
#include "ops/integer.h"
#include "ops/range.h"

#include <float.h>

enum { X, STEP, ZERO };

/* The numbers of an input if all are known; NULL: absent, or some are not. */
static const double *known(const net_ranging *call, uint32_t input, uint64_t *count) {
  const net_value *value = ops_ranged_in(call, input);
  *count = value ? ops_elements(value) : 0;
  double *numbers = NET_NEW_ARRAY(call->arena, double, *count + 1);
  for (uint64_t i = 0; i < *count; i++) {
    net_range x = call->inputs[input][i];
    if (x.lo != x.hi) return NULL;
    numbers[i] = x.lo;
  }
  return value ? numbers : NULL;
}

/* False: there are steps or zero points, but who knows which. */
static bool calibrate(const net_ranging *call, net_calibration *calibration) {
  uint64_t steps, zeros;
  const double *step = known(call, STEP, &steps), *zero = known(call, ZERO, &zeros);
  float *scale = NET_NEW_ARRAY(call->arena, float, steps + 1);
  int32_t *points = NET_NEW_ARRAY(call->arena, int32_t, steps + 1);
  for (uint64_t i = 0; step && i < steps; i++) {
    scale[i] = (float)step[i];
    if (zero) points[i] = (int32_t)zero[zeros == steps ? i : 0];
  }
  *calibration = (net_calibration){scale, zero ? points : NULL, (uint32_t)steps};
  return (step || !steps) && (zero || !zeros);
}

/* The exponent of a power of two, or no grid. */
static int exponent_of(double step) {
  int exponent;
  return frexp(step, &exponent) == 0.5 ? exponent - 1 : NET_NO_GRID;
}

/* Of a number that is known: more steps than binary32 tells apart, it lies on a coarser grid. */
static int grid_at(net_range x, int step) {
  int exponent;
  if (step == NET_NO_GRID || x.lo != x.hi || fabs(x.lo) <= ldexp(1, step + FLT_MANT_DIG)) return step;
  int64_t m = (int64_t)ldexp(frexp(x.lo, &exponent), FLT_MANT_DIG);
  int own = exponent - FLT_MANT_DIG + __builtin_ctzll((unsigned long long)m);
  return own > step ? own : step;
}

/* A sum of scaled integers may be rounded to the other side of a tie in integers: another step. */
static void widen(const net_ranging *call, const net_format_spec *spec, const net_format_tensor *x) {
  uint64_t count = net_shape_elements(x->shape);
  double *from = NET_NEW_ARRAY(call->arena, double, count), *to = NET_NEW_ARRAY(call->arena, double, count);
  float *low = NET_NEW_ARRAY(call->arena, float, count), *high = NET_NEW_ARRAY(call->arena, float, count);
  bool any = false;
  for (uint64_t i = 0; i < count; i++) {
    double unit = call->output_units[0][i], of = call->units[X][i];
    bool other = unit > 0 && of > 0 && !(ops_unit_is_power(unit) && ops_unit_is_power(of));
    any |= other;
    net_range y = call->outputs[0][i];
    from[i] = y.lo - (other ? unit : 0), to[i] = y.hi + (other ? unit : 0);
  }
  if (!any) return;
  net_format_range(spec, x, from, to, low, high);
  for (uint64_t i = 0; i < count; i++) call->outputs[0][i] = ops_interval(low[i], high[i]);
}

void quantize_range(const net_ranging *call) {
  const net_value *y = ops_ranged_out(call, 0);
  const net_format_spec *spec = net_format_at(call->graph->n, y->format);
  net_calibration calibration;
  if (!calibrate(call, &calibration)) return;
  uint64_t count = ops_elements(y);
  double *from = NET_NEW_ARRAY(call->arena, double, count), *to = NET_NEW_ARRAY(call->arena, double, count);
  float *low = NET_NEW_ARRAY(call->arena, float, count), *high = NET_NEW_ARRAY(call->arena, float, count);
  for (uint64_t i = 0; i < count; i++) from[i] = call->inputs[X][i].lo, to[i] = call->inputs[X][i].hi;
  net_format_tensor x = {.shape = &y->shape, .calibration = calibration.count ? &calibration : NULL};
  net_format_range(spec, &x, from, to, low, high);
  uint64_t inner = y->shape.rank ? count / y->shape.dim[0] : count;
  ops_format_units(spec, &y->shape, x.calibration, call->output_units[0]);
  for (uint64_t i = 0; i < count; i++) {
    call->outputs[0][i] = ops_interval(low[i], high[i]);
    uint64_t channel = calibration.count > 1 ? i / inner : 0;
    int step = calibration.count ? exponent_of(calibration.scale[channel]) : ops_format_grid(spec);
    call->output_grids[0][i] = grid_at(call->outputs[0][i], step);
  }
  widen(call, spec, &x);
}
