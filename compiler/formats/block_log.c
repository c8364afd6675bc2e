/* block_log: powers of two whose exponent bias is shared by a block. */
#include "formats/families.h"

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return fm_in_range(n, spec, "a width", spec->width, 2, 9, loc) &&
         fm_in_range(n, spec, "a bias_width", spec->exponent_bias_width, 1, 8, loc);
}

static int top(const net_format_spec *spec) { return (1 << (spec->width - 1)) - 1; }

static void share(net_format_part *part, int bias) {
  bias = fm_clamp(bias, 0, (1 << part->spec->exponent_bias_width) - 1);
  if (bias > 149) bias = 149; /* 2^−149 is the least of binary32 */
  part->lowest = -bias;
  part->highest = fm_clamp(top(part->spec) - bias, -149, 127);
  fm_set_limit(part, fm_power(part->highest));
}

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  share(part, top(part->spec) - fm_ceil_log2(fm_parts_scale(parts), part->mase));
}

static void fit(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  share(part, top(part->spec) - fm_floor_log2(fm_parts_scale(parts), false));
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  return fm_to_log(x, part->lowest, part->highest, part->mase);
}

/* The least power is at most that of a block of zeros, whose maximum counts as 1. */
static double reach(const net_format_spec *spec, double most) {
  double twice = fm_reach_double(spec, most);
  return twice > 1 ? twice : 1;
}

const net_format_family fm_block_log = {.complete = complete,
                                        .width = fm_width,
                                        .block = fm_own_block,
                                        .prepare = prepare,
                                        .fit = fit,
                                        .value = value,
    .emitter = &fm_block_log_emitter,
                                        .reach = reach};
