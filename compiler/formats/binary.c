/* binary: 1 or −1; or 0 or the mean magnitude of the output channel. */
#include "formats/families.h"

#include <float.h>
#include <math.h>

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  return (void)n, (void)spec, (void)loc, true;
}

static double width(const net_format_spec *spec) { return (void)spec, 1; }

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  part->scale = part->spec->bipolar ? 1 : fm_parts_mean(parts, -1);
  part->low = part->spec->bipolar ? -1 : 0;
  part->high = part->scale;
}

static void fit(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  prepare(x, parts, part);
  if (!part->spec->bipolar) part->scale = fm_parts_maximum(parts);
}

static float value(const net_format_part *part, float x, float draw) {
  const net_format_spec *spec = part->spec;
  bool one = spec->bipolar ? x >= 0 : x > 0;
  if (spec->stochastic && !isnan(draw)) one = draw < fminf(fmaxf((x + 1) / 2, 0), 1);
  return one ? part->scale : spec->bipolar ? -1 : 0;
}

static bool ones(const net_format_spec *spec) { return spec->bipolar; }

static double reach(const net_format_spec *spec, double most) { return spec->bipolar ? 1 : most; }

const net_format_family fm_binary = {.complete = complete,
                                     .width = width,
                                     .block = fm_channel_block,
                                     .prepare = prepare,
                                     .fit = fit,
                                     .value = value,
                                     .ones = ones,
                                     .emitter = &fm_binary_emitter,
                                     .reach = reach};
