/* ternary: −1, 0 or 1, or these times the mean magnitude of what is not 0, by output channel. */
#include "formats/families.h"

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return (void)n, (void)spec, (void)loc, true;
}

static double width(const net_format_spec *spec) { return (void)spec, 2; }

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  part->threshold = 0.75f * fm_parts_mean(parts, -1);
  part->scale = part->spec->scaled ? fm_parts_mean(parts, part->threshold) : 1;
  fm_set_limit(part, part->scale);
}

static void fit(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  part->scale = part->spec->scaled ? fm_parts_maximum(parts) : 1;
  part->threshold = part->scale / 2;
  fm_set_limit(part, part->scale);
}

static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  return x > part->threshold ? part->scale : x < -part->threshold ? -part->scale : 0;
}

static bool ones(const net_format_spec *spec) { return !spec->scaled; }

static double reach(const net_format_spec *spec, double most) { return spec->scaled ? most : 1; }

const net_format_family fm_ternary = {.complete = complete,
                                      .width = width,
                                      .block = fm_channel_block,
                                      .prepare = prepare,
                                      .fit = fit,
                                      .value = value,
                                      .ones = ones,
                                      .emitter = &fm_ternary_emitter,
                                      .reach = reach};
