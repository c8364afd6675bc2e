/* log: a sign and a power of two. There is no zero. */
#include "formats/families.h"

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return fm_in_range(n, spec, "a width", spec->width, 2, 9, loc) &&
         fm_complete_bias(n, spec, spec->width - 1, loc);
}

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x, (void)parts;
  int top = (1 << (part->spec->width - 1)) - 1 - part->spec->bias;
  part->lowest = -part->spec->bias;
  part->highest = top < 127 ? top : 127;
  fm_set_limit(part, fm_power(part->highest));
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  return fm_to_log(x, part->lowest, part->highest, part->mase);
}

const net_format_family fm_log = {
    .complete = complete, .width = fm_width, .prepare = prepare, .value = value,
    .emitter = &fm_log_emitter};
