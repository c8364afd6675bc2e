/* codebook: a user's values, times the largest magnitude of a block if asked. */
#include "formats/families.h"

#include <float.h>
#include <math.h>

static bool complete(netc *n, net_format_spec *spec, net_loc loc) {
  if (!spec->codebook) {
    net_error(n, loc, "a codebook needs a name: write 'format NAME = codebook([…])' and use NAME here");
    return false;
  }
  if (!spec->block.rank) spec->block = spec->codebook->block;
  if (!spec->codebook->absmax) spec->block = (net_shape){0}; /* without a scale a block shares nothing */
  return true;
}

static double width(const net_format_spec *spec) {
  double bits = 1;
  while (ldexp(1, (int)bits) < spec->codebook->count) bits++;
  return bits;
}

static void share(net_format_part *part, float scale) {
  const net_codebook *codebook = part->spec->codebook;
  part->scale = scale;
  part->low = codebook->values[0] * scale;
  part->high = codebook->values[codebook->count - 1] * scale;
}

static void prepare(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  (void)x;
  share(part, part->spec->codebook->absmax ? fm_parts_scale(parts) : 1);
}

/* The nearest of the values; halfway, the one nearer to 0. */
static float value(const net_format_part *part, float x, float draw) {
  (void)draw;
  const net_codebook *codebook = part->spec->codebook;
  const float *values = codebook->values;
  float v = x / part->scale;
  uint32_t low = 0, high = codebook->count - 1; /* v lies between them, or outside of all */
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    if (v < values[middle]) high = middle;
    else low = middle;
  }
  double below = (double)v - values[low], above = (double)values[high] - v;
  bool up = above < below || (above == below && fabsf(values[high]) < fabsf(values[low]));
  return fm_clip(values[up ? high : low] * part->scale, FLT_MAX);
}

static bool holds(const net_format_part *part, const fm_parts *parts) {
  for (uint64_t i = 0, at; fm_parts_next(parts, &i, &at);)
    if (value(part, parts->x->values[at], NAN) != parts->x->values[at]) return false;
  return true;
}

/* The scale is not written anywhere: one of the values times it is the largest magnitude. */
static void fit(const net_format_tensor *x, fm_parts *parts, net_format_part *part) {
  const net_codebook *codebook = part->spec->codebook;
  float maximum = fm_parts_maximum(parts);
  prepare(x, parts, part);
  if (!codebook->absmax || holds(part, parts)) return;
  for (uint32_t k = 0; k < codebook->count; k++) {
    if (codebook->values[k] == 0) continue;
    float scale = maximum / fabsf(codebook->values[k]);
    for (int i = 0; i < 3; i++) scale = nextafterf(scale, 0);
    for (int i = 0; i < 7; i++, scale = nextafterf(scale, INFINITY)) {
      share(part, scale);
      if (scale > 0 && isfinite(scale) && holds(part, parts)) return;
    }
  }
}

/* A block of zeros has the scale of another, or 1. */
static double reach(const net_format_spec *spec, double most) {
  const net_codebook *codebook = spec->codebook;
  double largest = fmax(fabs(codebook->values[0]), fabs(codebook->values[codebook->count - 1]));
  return codebook->absmax ? largest * fmax(most, 1) : largest;
}

const net_format_family fm_codebook = {.complete = complete,
                                       .width = width,
                                       .block = fm_own_block,
                                       .prepare = prepare,
                                       .fit = fit,
                                       .value = value,
    .emitter = &fm_codebook_emitter,
                                       .reach = reach};
