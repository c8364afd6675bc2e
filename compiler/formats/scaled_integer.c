/* scaled_integer: s · (q − z) with q an integer of w bits; step and zero point by calibration. */
#include "formats/families.h"

#include <float.h>
#include <math.h>

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return fm_in_range(n, spec, "a width", spec->width, 2, 32, loc);
}

static double lowest(const net_format_spec *spec) {
  return spec->is_unsigned ? 0 : -ldexp(1, spec->width - 1);
}
static double highest(const net_format_spec *spec) {
  return ldexp(1, spec->is_unsigned ? spec->width : spec->width - 1) - 1;
}

void net_format_scale(const net_format_spec *spec, float from, float to, float *scale, int32_t *zero) {
  double low = lowest(spec), high = highest(spec), step;
  double a = fmin(from, 0), b = fmax(to, 0); /* 0 is always a value */
  bool affine = spec->scheme == NET_SCALE_AFFINE;
  if (affine) step = (b - a) / (high - low);
  else step = spec->is_unsigned ? b / high : fmax(-a, b) / high;
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
static void set_range(const net_format_part *part, float *low, float *high) {
  double from = lowest(part->spec) - part->zero, to = highest(part->spec) - part->zero;
  *low = part->mase ? (float)from / part->scale : part->scale * (float)from;
  *high = part->mase ? (float)to / part->scale : part->scale * (float)to;
}

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  part->mase = dynamic(part->spec, x);
  part->scale = 1;
  if (part->mase) {
    part->scale = (float)ldexp(1, part->spec->width - 1) / (fm_parts_maximum(parts) + 1e-9f);
  } else if (x->calibration) {
    uint64_t channels, channel = fm_parts_channel(parts, &channels);
    if (x->calibration->count < 2) channel = 0;
    part->scale = x->calibration->scale[channel];
    part->zero = x->calibration->zero ? x->calibration->zero[channel] : 0;
  }
  set_range(part, &part->low, &part->high);
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  double q = rintf(part->mase ? x * part->scale : x / part->scale) + (double)part->zero;
  q = fmin(fmax(q, lowest(part->spec)), highest(part->spec)) - part->zero;
  return fm_clip(part->mase ? (float)q / part->scale : part->scale * (float)q, FLT_MAX);
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
    .reach = fm_reach_double};
