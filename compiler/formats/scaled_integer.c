/* scaled_integer: s · (q − z) with q an integer of w bits; step and zero point by calibration. */
#include "formats/families.h"

#include <float.h>
#include <math.h>

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  if (!fm_in_range(n, spec, "a width", spec->width, 2, 32, loc)) return false;
  if (spec->rescale != NET_RESCALE_POWER_OF_TWO || spec->ste != NET_STE_LEARNED_STEP) return true;
  net_error(n, loc,
            "%s cannot learn its steps and keep them powers of two: write ste = clipped with rescale = "
            "power_of_two",
            net_formats[spec->family].name);
  return false;
}

/* The next power of two that is not smaller; all are normal numbers. */
static double power_above(double step) {
  int exponent;
  double part = frexp(step, &exponent);
  if (part == 0.5) exponent--;
  return ldexp(1, exponent < FLT_MIN_EXP   ? FLT_MIN_EXP - 1
                  : exponent < FLT_MAX_EXP ? exponent
                                           : FLT_MAX_EXP - 1);
}

void net_format_scale(const net_format_spec *spec, float from, float to, float *scale, int32_t *zero) {
  double low, high, step;
  net_format_steps(spec, &low, &high);
  double a = fmin(from, 0), b = fmax(to, 0); /* 0 is always a value */
  bool affine = spec->scheme == NET_SCALE_AFFINE;
  if (affine) step = (b - a) / (high - low);
  else step = spec->is_unsigned ? b / high : fmax(-a, b) / high;
  if (spec->rescale == NET_RESCALE_POWER_OF_TWO && step > 0) step = power_above(step);
  *scale = (float)fmin(fmax(step, FLT_MIN), FLT_MAX);
  if (step == 0) *scale = 1; /* all are 0 */
  *zero = affine ? (int32_t)fmin(fmax(rint(low - a / *scale), low), fmin(high, INT32_MAX)) : 0;
}

/* MASE's scale_integer finds its scale on the fly, for each row along the last dimension. */
static bool dynamic(const net_format_spec *spec, const net_format_tensor *x) {
  return spec->mase && !x->calibration;
}

static void block(const net_format_spec *spec, const net_format_tensor *x, net_shape *block) {
  const net_shape *shape = x->shape;
  *block = (net_shape){.rank = shape->rank};
  for (uint32_t i = 0; i < shape->rank; i++) block->dim[i] = dynamic(spec, x) ? 1 : UINT32_MAX;
  if (!shape->rank) return;
  if (dynamic(spec, x)) block->dim[shape->rank - 1] = UINT32_MAX;
  else if (x->calibration && x->calibration->count > 1 && shape->rank > x->batched)
    block->dim[x->batched] = 1;
}

/* In a part of MASE's, `scale` is steps per unit. */
static void set_range(net_format_part *part) {
  double low, high;
  net_format_steps(part->spec, &low, &high);
  float from = (float)(low - part->zero), to = (float)(high - part->zero);
  part->low = part->mase ? from / part->scale : part->step * from;
  part->high = part->mase ? to / part->scale : part->step * to;
}

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  part->mase = dynamic(part->spec, x);
  part->step = 1;
  if (part->mase) {
    part->scale = (float)ldexp(1, part->spec->width - 1) / (fm_parts_maximum(parts) + 1e-9f);
  } else if (x->calibration) {
    part->step = fm_step(x, parts);
    part->zero = fm_zero(x, parts);
  }
  set_range(part);
}

static float placed(const net_format_part *part, double q) {
  double low, high;
  net_format_steps(part->spec, &low, &high);
  q = fmin(fmax(q + part->zero, low), high) - part->zero;
  return fm_clip(part->mase ? (float)q / part->scale : part->step * (float)q, FLT_MAX);
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  return placed(part, rintf(part->mase ? x * part->scale : x / part->step));
}

static float wide(const net_format_part *part, double x) {
  return placed(part, rint(part->mase ? x * part->scale : x / part->step));
}

static float term(const net_format_part *part, float x) {
  double low, high;
  net_format_steps(part->spec, &low, &high);
  float v = x / part->step, from = (float)(low - part->zero), to = (float)(high - part->zero);
  return v <= from ? from : v >= to ? to : rintf(v) - v;
}

static bool holds(const net_format_part *part, const fm_parts *parts) {
  for (uint64_t i = 0, at; fm_parts_next(parts, &i, &at);)
    if (value(part, parts->x->values[at], NAN) != parts->x->values[at]) return false;
  return true;
}

/* MASE's scale was 2^(w−1) over the largest magnitude, which became −2^(w−1) or 2^(w−1) − 1 steps. */
static void fit(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  prepare(x, parts, part);
  part->mase = dynamic(part->spec, x);
  float maximum = fm_parts_maximum(parts);
  if (!part->mase || maximum == 0) return;
  for (int less = 0; less < 2; less++) {
    part->scale = (float)(ldexp(1, part->spec->width - 1) - less) / maximum;
    for (int k = 0; k < 3; k++) part->scale = nextafterf(part->scale, 0);
    for (int k = 0; k < 7; k++, part->scale = nextafterf(part->scale, INFINITY))
      if (holds(part, parts)) return;
  }
}

const net_format_family fm_scaled_integer = {
    .complete = complete,
    .width = fm_width,
    .block = block,
    .prepare = prepare,
    .fit = fit,
    .value = value,
    .wide = wide,
    .term = term,
    .emitter = &fm_scaled_integer_emitter,
    .reach = fm_reach_double};
