/* block_minifloat: minifloats whose exponent bias is shared by a block. */
#include "formats/families.h"

static int mantissa(const net_format_spec *spec) { return spec->width - spec->exponent - 1; }

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return fm_check_float(n, spec, 0, loc) &&
         fm_in_range(n, spec, "a bias_width", spec->exponent_bias_width, 1, 8, loc);
}

static void share(net_format_part *part, int bias) {
  const net_format_spec *spec = part->spec;
  bias = fm_clamp(bias, 0, (1 << spec->exponent_bias_width) - 1);
  if (bias > 127) bias = 127; /* the highest exponent of binary32, so that prepare never asks for more */
  int top = (1 << spec->exponent) - 1 - bias;
  part->lowest = -bias;
  part->highest = top < 127 ? top : 127;
  fm_set_limit(part, fm_largest_float(mantissa(spec), part->highest));
}

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  share(part, fm_floor_log2(fm_parts_scale(parts), part->mase));
}

static void fit(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  float maximum = fm_parts_scale(parts);
  share(part, (1 << part->spec->exponent) - 1 - fm_floor_log2(maximum, false));
  if (part->high < maximum) share(part, -part->lowest - 1);
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  return fm_to_minifloat(x, mantissa(part->spec), part->lowest, part->highest, part->mase);
}

const net_format_family fm_block_minifloat = {.complete = complete,
                                              .width = fm_width,
                                              .block = fm_own_block,
                                              .prepare = prepare,
                                              .fit = fit,
                                              .value = value,
    .emitter = &fm_block_minifloat_emitter,
                                              .reach = fm_reach_double};
