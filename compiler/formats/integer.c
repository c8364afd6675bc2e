/* integer (fixed point): q / 2^f with q an integer of w bits. */
#include "formats/families.h"

#include <math.h>

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  spec->family = NET_FORMAT_integer;
  if (!fm_in_range(n, spec, "a width", spec->width, 1, 32, loc)) return false;
  if (spec->fraction == NET_FORMAT_UNSET) spec->fraction = spec->width / 2;
  if (spec->fraction != NET_FORMAT_AUTO &&
      !fm_in_range(n, spec, "a fraction", spec->fraction, FM_LEAST_FRACTION, FM_MOST_FRACTION, loc))
    return false;
  if (spec->overflow != NET_SYMMETRIC || (!spec->is_unsigned && spec->width > 1)) return true;
  net_error(n, loc, "overflow = symmetric leaves out the lowest value, which %s; use saturate",
            spec->is_unsigned ? "is 0 in unsigned integers" : "is all that 1 bit has besides 0");
  return false;
}

/* ap_fixed(W, I) of the FPGA tools: I bits before the point. */
static bool complete_ap_fixed(netc *n, net_format_spec *spec, net_loc loc) {
  if (!fm_in_range(n, spec, "a width", spec->width, 1, 32, loc)) return false;
  int32_t integer = spec->fraction; /* where the argument was put */
  if (!fm_in_range(n, spec, "an integer part", integer, spec->width - FM_MOST_FRACTION,
                   spec->width - FM_LEAST_FRACTION, loc))
    return false;
  spec->fraction = spec->width - integer;
  return complete(n, spec, loc);
}

/* Parts are channels only where calibration gives each its step. */
static void block(const net_format_spec *spec, const net_format_tensor *x, net_shape *block) {
  const net_shape *shape = x->shape;
  *block = (net_shape){.rank = shape->rank};
  for (uint32_t i = 0; i < shape->rank; i++) block->dim[i] = UINT32_MAX;
  bool channels = spec->per == NET_PER_CHANNEL && x->calibration && x->calibration->count > 1;
  if (channels && shape->rank > x->batched) block->dim[x->batched] = 1;
}

/* Steps come from calibration or are learned: they multiply, and their reciprocal is rounded once. */
static bool stepped(const net_format_spec *spec) {
  return spec->fraction == NET_FORMAT_AUTO || spec->ste == NET_STE_LEARNED_STEP;
}

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  const net_format_spec *spec = part->spec;
  int fraction =
      spec->fraction == NET_FORMAT_AUTO ? spec->width / 2 : spec->fraction; /* until it is calibrated */
  part->step = fm_power(-fraction);
  if (x->calibration && stepped(spec)) part->step = fm_step(x, parts);
  part->scale = 1 / part->step;
  double low, high;
  net_format_steps(spec, &low, &high);
  part->low = (float)low * part->step;
  part->high = (float)high * part->step;
}

double fm_rounded(net_rounding rounding, double x) {
  double whole = floor(x);
  switch (rounding) {
  case NET_ROUND_HALF_EVEN: return rint(x);
  case NET_ROUND_HALF_UP: return x - whole >= 0.5 ? whole + 1 : whole; /* x + 0.5 would round */
  case NET_ROUND_FLOOR: return whole;
  case NET_ROUND_ZERO: return trunc(x);
  }
  return x;
}

/* Modulo 2^w, into the range. Exact but for the last rounding, which only widths beyond 24 see. */
static float wrapped(const net_format_spec *spec, double q) {
  double size = ldexp(1, spec->width), low = spec->is_unsigned ? 0 : -size / 2, y = fmod(q, size);
  return (float)(y < low ? y + size : y >= low + size ? y - size : y);
}

static float saturated(const net_format_spec *spec, double q) {
  double low, high;
  net_format_steps(spec, &low, &high);
  return q < (float)low ? (float)low : q > (float)high ? (float)high : (float)q;
}

/* q is whole. Where its product overflows, x is a multiple of 2^w steps anyway. */
static float placed(const net_format_part *part, double x, double q) {
  bool wrap = part->spec->overflow == NET_WRAP && isfinite(x);
  if (wrap && isinf(q)) return 0;
  return (wrap ? wrapped(part->spec, q) : saturated(part->spec, q)) * part->step;
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  return placed(part, x, fm_rounded(part->spec->rounding, x * part->scale));
}

static float wide(const net_format_part *part, double x) {
  return placed(part, x, fm_rounded(part->spec->rounding, x * part->scale));
}

static float term(const net_format_part *part, float x) {
  double low, high;
  net_format_steps(part->spec, &low, &high);
  float v = x * part->scale;
  if (v <= (float)low) return (float)low;
  return v >= (float)high ? (float)high : (float)fm_rounded(part->spec->rounding, v) - v;
}

const net_format_family fm_integer = {.complete = complete,
                                      .width = fm_width,
                                      .block = block,
                                      .prepare = prepare,
                                      .value = value,
                                      .wide = wide,
                                      .term = term,
                                      .emitter = &fm_integer_emitter};
const net_format_family fm_ap_fixed = {
    .complete = complete_ap_fixed, .width = fm_width, .block = block, .prepare = prepare, .value = value,
    .emitter = &fm_integer_emitter};
