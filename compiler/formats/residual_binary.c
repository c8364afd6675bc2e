/* residual_binary: the sign, then the sign of what is left, and so on, each level with half the magnitude of
 * the one before (Ghasemzadeh et al., ReBNet, 2018, with magnitudes that are not trained). */
#include "formats/families.h"

#include <math.h>

/* MASE's arithmetic gives more levels no grid: what is left of a sum that was rounded is not what was left
 * before. */
static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return fm_in_range(n, spec, "a width", spec->width, 1, spec->mase ? 2 : 8, loc);
}

float fm_residual_level(int32_t width, int32_t level) {
  return (float)(ldexp(1, width - 1 - level) / (ldexp(1, width) - 1));
}

float fm_residual_limit(int32_t width, bool mase) {
  float sum = 0;
  for (int32_t i = 0; i < width; i++) sum += fm_residual_level(width, i);
  return mase ? sum : 1;
}

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x, (void)parts;
  fm_set_limit(part, fm_residual_limit(part->spec->width, part->mase));
}

/* The result is an odd number of (2^w − 1)-ths, rounded once; MASE adds the levels up, and its sign of 0 is
 * 0. */
static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  int32_t width = part->spec->width, code = 0;
  float y = 0;
  for (int32_t i = 0; i < width; i++) {
    float level = fm_residual_level(width, i);
    if (x < 0) level = -level;
    if (x == 0 && part->mase) level = 0;
    code += (level < 0 ? -1 : 1) * (1 << (width - 1 - i));
    y += level;
    x -= level;
  }
  return part->mase ? y : (float)code / (float)((1 << width) - 1);
}

const net_format_family fm_residual_binary = {.complete = complete,
                                              .width = fm_width,
                                              .prepare = prepare,
                                              .value = value,
                                              .emitter = &fm_residual_binary_emitter};
