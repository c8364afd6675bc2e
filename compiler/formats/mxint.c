/* mxint, as MASE has it: two's-complement fractions of a block's power of two. */
#include "formats/families.h"

#include <math.h>

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return fm_in_range(n, spec, "a width", spec->width, 2, 16, loc) &&
         fm_in_range(n, spec, "scale_bits", spec->scale_bits, 2, 8, loc);
}

static int clamp_scale(const net_format_spec *spec, int exponent) {
  int bias = (1 << (spec->scale_bits - 1)) - 1;
  return fm_clamp(exponent, -bias, bias + 1 < 127 ? bias + 1 : 127);
}

static void share(net_format_part *part, int exponent) {
  float half = fm_power(part->spec->width - 1);
  part->exponent = clamp_scale(part->spec, exponent);
  part->scale = fm_power(part->exponent);
  part->low = -part->scale;
  part->high = part->scale * ((half - 1) / half);
}

/* MASE divides by the scale before it is clamped, and multiplies by it afterwards. */
static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  int exponent = fm_ceil_log2(fm_parts_scale(parts), part->mase);
  share(part, exponent);
  if (part->mase) part->exponent = fm_clamp(exponent, -126, 127);
}

static void fit(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  float lowest, highest;
  fm_parts_range(parts, &lowest, &highest);
  share(part, fm_ceil_log2(fm_parts_scale(parts), false));
  if (highest > part->high) share(part, part->exponent + 1);
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  float half = fm_power(part->spec->width - 1), q = rintf(x / fm_power(part->exponent) * half);
  return (q < -half ? -half : q > half - 1 ? half - 1 : q) / half * part->scale;
}

const net_format_family fm_mxint = {.complete = complete,
                                    .width = fm_width,
                                    .block = fm_own_block,
                                    .prepare = prepare,
                                    .fit = fit,
                                    .value = value,
    .emitter = &fm_mxint_emitter,
                                    .reach = fm_reach_double};
