/* The formats of OCP Microscaling Formats (MX) v1.0: elements times a block's power of two, 2^−127 to 2^127.
 */
#include "formats/emit.h"

#include <float.h>
#include <math.h>

/* Elements as the specification's tables 2 to 5 have them; the largest exponent of e4m3 and e5m2 is that of
 * their normal numbers, NaN and infinities left out. */
static const struct {
  int width, exponent, mantissa, highest;
  float low, high;
} elements[] = {
    [NET_FORMAT_mxfp8_e4m3] = {8, 4, 3, 8, -448, 448}, [NET_FORMAT_mxfp8_e5m2] = {8, 5, 2, 15, -57344, 57344},
    [NET_FORMAT_mxfp6_e3m2] = {6, 3, 2, 4, -28, 28},   [NET_FORMAT_mxfp6_e2m3] = {6, 2, 3, 2, -7.5f, 7.5f},
    [NET_FORMAT_mxfp4] = {4, 2, 1, 2, -6, 6},          [NET_FORMAT_mxint8] = {8, 0, 6, 0, -2, 127 / 64.f},
};

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return (void)n, (void)spec, (void)loc, true;
}

static double width(const net_format_spec *spec) { return elements[spec->family].width; }

static int bias(const net_format_spec *spec) {
  int exponent = elements[spec->family].exponent;
  return exponent ? (1 << (exponent - 1)) - 1 : 0;
}

/* MASE's floats use the codes of NaN and infinities for values too. */
static bool as_mase(const net_format_spec *spec) { return spec->mase && elements[spec->family].exponent; }

static int highest(const net_format_spec *spec) {
  if (!as_mase(spec)) return elements[spec->family].highest;
  return (1 << elements[spec->family].exponent) - 1 - bias(spec);
}

fm_mx_element fm_mx_element_of(const net_format_spec *spec) {
  uint16_t family = spec->family;
  fm_mx_element e = {
      elements[family].exponent, elements[family].mantissa, bias(spec), highest(spec), as_mase(spec),
      elements[family].low,      elements[family].high};
  if (e.mase) e.high = fm_largest_float(e.mantissa, e.highest), e.low = -e.high;
  return e;
}

static void share(net_format_part *part, int exponent) {
  uint16_t family = part->spec->family;
  part->exponent = fm_clamp(exponent, -127, 127);
  part->low = ldexpf(elements[family].low, part->exponent);
  part->high = ldexpf(elements[family].high, part->exponent);
  if (isinf(part->low)) part->low = -part->high; /* −2 · 2^127 */
  if (as_mase(part->spec))
    fm_set_limit(part,
                 ldexpf(fm_largest_float(elements[family].mantissa, highest(part->spec)), part->exponent));
}

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  part->mase = as_mase(part->spec);
  int exponent = fm_floor_log2(fm_parts_scale(parts), part->mase);
  share(part, (exponent < 127 ? exponent : 127) - highest(part->spec)); /* MASE's may be 128 */
}

static void fit(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  float from, to;
  fm_parts_range(parts, &from, &to);
  share(part, fm_floor_log2(fm_parts_scale(parts), false) - highest(part->spec) - 1);
  while (part->exponent < 127 && (from < part->low || to > part->high)) share(part, part->exponent + 1);
}

/* MASE's rounding: of a mantissa cut to 15 bits, whose carry into the exponent is an OR, so that it is lost
 * where the exponent's code is odd. */
static float mase_element(int exponent_bits, int mantissa_bits, float v) {
  int bias = (1 << (exponent_bits - 1)) - 1, top = (1 << exponent_bits) - 1, one = 1 << mantissa_bits,
      exponent;
  float fraction = 2 * frexpf(fabsf(v), &exponent) - 1;
  if (fabsf(v) < fm_power(-126)) return copysignf(0, v); /* subnormals of binary32 */
  int code = --exponent + bias;
  int q = (int)rintf(floorf(fraction * 32768) / (float)(1 << (15 - mantissa_bits)));
  if (code < 0) return copysignf(0, v);
  if (code > top) code = top, q = one - 1;
  else if (code == 0 && q) q = (q | one) >> 1;
  int bits = code << mantissa_bits | q;
  code = bits >> mantissa_bits;
  q = bits & (one - 1);
  float magnitude =
      code ? ldexpf(1 + (float)q / (float)one, code - bias) : ldexpf((float)q / (float)one, 1 - bias);
  return copysignf(magnitude, v);
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  uint16_t family = part->spec->family;
  int exponent = elements[family].exponent, mantissa = elements[family].mantissa;
  if (part->mase && fabsf(x) < fm_power(-126)) return copysignf(0, x);
  float power = fm_power(part->exponent), v = fm_clip(x, FLT_MAX) / power, y;
  if (part->mase) return mase_element(exponent, mantissa, v) * power;
  if (exponent) y = fm_round_float(v, mantissa, 1 - bias(part->spec), highest(part->spec));
  else y = rintf(v * 64) / 64;
  return fminf(fmaxf(y * power, part->low), part->high);
}

const net_format_family fm_mx = {.complete = complete,
                                 .width = width,
                                 .block = fm_own_block,
                                 .prepare = prepare,
                                 .fit = fit,
                                 .value = value,
    .emitter = &fm_mx_emitter,
                                 .reach = fm_reach_double};
