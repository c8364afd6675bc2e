/* block_fp: the elements of a block share an exponent; each has a sign and a magnitude. */
#include "formats/families.h"

#include <float.h>
#include <math.h>

static int mantissa(const net_format_spec *spec) { return spec->width - 1; }

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return fm_in_range(n, spec, "a width", spec->width, 2, 24, loc) &&
         fm_in_range(n, spec, "an exponent", spec->exponent, 1, 8, loc) &&
         fm_complete_bias(n, spec, spec->exponent, loc) &&
         fm_check_step(n, spec, -spec->bias - mantissa(spec), loc);
}

static void share(net_format_part *part, int exponent) {
  const net_format_spec *spec = part->spec;
  int top = (1 << spec->exponent) - 1 - spec->bias;
  part->exponent = fm_clamp(exponent, -spec->bias, top < 127 ? top : 127);
  fm_set_limit(part, ldexpf(1 - ldexpf(1, -mantissa(spec)), part->exponent));
}

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  share(part, fm_ceil_log2(fm_parts_scale(parts), part->mase));
}

static void fit(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  float maximum = fm_parts_scale(parts);
  share(part, fm_ceil_log2(maximum, false));
  if (part->high < maximum) share(part, part->exponent + 1);
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  float v = fminf(fabsf(x), FLT_MAX), steps = fm_power(mantissa(part->spec)),
        power = fm_power(part->exponent);
  if (part->mase && v <= 1e-8f) return x;
  float q = fminf(rintf((part->mase ? v + 1e-9f : v) / power * steps), steps - 1);
  return copysignf(power * (q / steps), x);
}

const net_format_family fm_block_fp = {.complete = complete,
                                       .width = fm_width,
                                       .block = fm_own_block,
                                       .prepare = prepare,
                                       .fit = fit,
                                       .value = value,
    .emitter = &fm_block_fp_emitter,
                                       .reach = fm_reach_double};
