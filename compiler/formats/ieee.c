/* float32, bfloat16, float16: to nearest, ties to even, with infinities and NaN. */
#include "formats/emit.h"

#include <float.h>
#include <math.h>

static const struct {
  int width, mantissa, lowest, highest; /* exponents of normal values */
} kinds[] = {
    [NET_FORMAT_float32] = {32, 23, -126, 127},
    [NET_FORMAT_bfloat16] = {16, 7, -126, 127},
    [NET_FORMAT_float16] = {16, 10, -14, 15},
};

void fm_ieee_kind(uint16_t family, int *mantissa, int *lowest, int *highest) {
  *mantissa = kinds[family].mantissa;
  *lowest = kinds[family].lowest;
  *highest = kinds[family].highest;
}

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return (void)n, (void)spec, (void)loc, true;
}

static double width(const net_format_spec *spec) { return kinds[spec->family].width; }

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x, (void)parts;
  uint16_t family = part->spec->family;
  fm_set_limit(part, fm_largest_float(kinds[family].mantissa, kinds[family].highest));
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  uint16_t family = part->spec->family;
  int mantissa = kinds[family].mantissa, lowest = kinds[family].lowest, highest = kinds[family].highest;
  if (!isfinite(x)) return x;
  float y = fm_round_float(x, mantissa, lowest, highest);
  float overflow = ldexpf(2 - ldexpf(1, -mantissa - 1), highest); /* halfway to the next: ties to infinity */
  return fabsf(x) >= overflow ? copysignf(INFINITY, x) : y;
}

static float wide(const net_format_part *part, double x) {
  uint16_t family = part->spec->family;
  int mantissa = kinds[family].mantissa, exponent;
  if (!isfinite(x) || x == 0) return (float)x;
  frexp(x, &exponent);
  int step = (exponent - 1 < kinds[family].lowest ? kinds[family].lowest : exponent - 1) - mantissa;
  double y = ldexp(rint(ldexp(fabs(x), -step)), step), most = ldexp(2, kinds[family].highest);
  return (float)copysign(y < most ? y : INFINITY, x);
}

const net_format_family fm_ieee = {.complete = complete,
                                   .width = width,
                                   .prepare = prepare,
                                   .value = value,
                                   .wide = wide,
                                   .emitter = &fm_ieee_emitter};
