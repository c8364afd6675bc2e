/* minifloat (as IEEE, without infinities and NaN) and minifloat_denorm (no hidden bit). */
#include "formats/families.h"

#include <math.h>

static int mantissa(const net_format_spec *spec) { return spec->width - spec->exponent - 1; }

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return fm_check_float(n, spec, 0, loc) && fm_complete_bias(n, spec, spec->exponent, loc) &&
         fm_check_step(n, spec, 1 - spec->bias - mantissa(spec), loc);
}

static bool complete_denorm(netc *n, net_format_spec *spec, net_loc loc) {
  return fm_check_float(n, spec, 1, loc) && fm_complete_bias(n, spec, spec->exponent, loc) &&
         fm_check_step(n, spec, -spec->bias - mantissa(spec), loc);
}

static void set_exponents(net_format_part *part) {
  const net_format_spec *spec = part->spec;
  int top = (1 << spec->exponent) - 1 - spec->bias;
  part->lowest = -spec->bias;
  part->highest = top < 127 ? top : 127;
}

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x, (void)parts;
  set_exponents(part);
  fm_set_limit(part, fm_largest_float(mantissa(part->spec), part->highest));
}

static void prepare_denorm(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x, (void)parts;
  set_exponents(part);
  fm_set_limit(part, ldexpf(1 - ldexpf(1, -mantissa(part->spec)), part->highest));
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  return fm_to_minifloat(x, mantissa(part->spec), part->lowest, part->highest, part->mase);
}

static float value_denorm(const net_format_part *part, float x, float draw) {
  (void)draw;
  return fm_to_denorm(x, mantissa(part->spec), part->lowest, part->highest, part->mase);
}

const net_format_family fm_minifloat = {
    .complete = complete, .width = fm_width, .prepare = prepare, .value = value,
    .emitter = &fm_minifloat_emitter, .reach = fm_reach_double};
const net_format_family fm_minifloat_denorm = {
    .complete = complete_denorm,
    .width = fm_width,
    .prepare = prepare_denorm,
    .value = value_denorm,
    .emitter = &fm_minifloat_denorm_emitter,
    .reach = fm_reach_double};
