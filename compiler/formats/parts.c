#include "formats/parts.h"

#include <float.h>
#include <math.h>

void fm_parts_begin(fm_parts *parts, const net_format_spec *spec, const net_format_tensor *x, bool early) {
  const net_shape *shape = x->shape;
  const net_format_family *family = net_formats[spec->family].family;
  net_shape block = {0};
  *parts = (fm_parts){.x = x, .mase = spec->mase, .early = early, .count = 1, .each = 1, .smallest = -1};
  if (family->block) family->block(spec, x, &block);
  bool shared = family->block != NULL; /* else the batch does not matter */
  for (uint32_t i = 0; i < shape->rank; i++) {
    uint64_t dim = shape->dim[i], size = dim;
    if (i + block.rank >= shape->rank) size = block.dim[i + block.rank - shape->rank];
    if (size > dim) size = dim;
    if (i == 0 && x->batched && shared) size = 1;
    bool whole = size == dim && parts->rank && dim; /* goes with the dimension before */
    if (!whole) parts->dim[parts->rank] = parts->size[parts->rank] = 1, parts->rank++;
    parts->dim[parts->rank - 1] *= dim;
    parts->size[parts->rank - 1] *= size;
  }
  for (uint32_t i = 0; i < parts->rank; i++) {
    uint64_t size = parts->size[i];
    parts->count *= size ? (parts->dim[i] + size - 1) / size : 0;
    parts->each *= size;
  }
  bool samples = x->batched && shared && !spec->mase && parts->count;
  parts->sample_parts = samples ? parts->count / shape->dim[0] : parts->count;
}

static void place(fm_parts *parts, uint64_t index) {
  for (uint32_t i = parts->rank; i-- > 0;) {
    uint64_t count = (parts->dim[i] + parts->size[i] - 1) / parts->size[i];
    parts->start[i] = index % count * parts->size[i];
    index /= count;
  }
}

static void find_smallest(fm_parts *parts) {
  fm_parts walk = *parts;
  parts->smallest = 0;
  for (uint64_t k = 0; k < parts->sample_parts; k++) {
    place(&walk, parts->sample * parts->sample_parts + k);
    float maximum = fm_parts_maximum(&walk);
    if (maximum > 0 && (parts->smallest == 0 || maximum < parts->smallest)) parts->smallest = maximum;
  }
  if (parts->smallest == 0) parts->smallest = 1;
}

void fm_parts_go(fm_parts *parts, uint64_t index) {
  uint64_t sample = index / parts->sample_parts;
  if (sample != parts->sample) parts->sample = sample, parts->smallest = -1;
  if (parts->early && parts->smallest < 0) find_smallest(parts);
  place(parts, index);
}

bool fm_parts_next(const fm_parts *parts, uint64_t *i, uint64_t *at) {
  for (; *i < parts->each; ++*i) {
    uint64_t rest = *i, stride = 1;
    bool inside = true;
    *at = 0;
    for (uint32_t k = parts->rank; k-- > 0 && inside; stride *= parts->dim[k]) {
      uint64_t index = parts->start[k] + (k ? rest % parts->size[k] : rest);
      inside = index < parts->dim[k];
      *at += index * stride;
      rest /= k ? parts->size[k] : 1;
    }
    if (inside) return ++*i, true;
  }
  return false;
}

float fm_parts_maximum(const fm_parts *parts) {
  float maximum = 0;
  for (uint64_t i = 0, at; fm_parts_next(parts, &i, &at);) {
    float v = fabsf(parts->x->values[at]);
    if (v > maximum) maximum = v;
  }
  return fminf(maximum, FLT_MAX);
}

float fm_parts_scale(fm_parts *parts) {
  float maximum = fm_parts_maximum(parts);
  if (maximum > 0) return maximum;
  if (parts->smallest < 0) find_smallest(parts);
  return parts->smallest;
}

void fm_parts_range(const fm_parts *parts, float *lowest, float *highest) {
  *lowest = *highest = 0;
  for (uint64_t i = 0, at; fm_parts_next(parts, &i, &at);) {
    float v = parts->x->values[at];
    if (v < *lowest) *lowest = v;
    if (v > *highest) *highest = v;
  }
}

float fm_parts_mean(const fm_parts *parts, float least) {
  double sum = 0;
  uint64_t count = 0;
  for (uint64_t i = 0, at; fm_parts_next(parts, &i, &at);) {
    float v = fabsf(parts->x->values[at]);
    if (isnan(v)) v = 0;
    if (v > least) sum += fminf(v, FLT_MAX), count++;
  }
  return count ? (float)(sum / (double)count) : 0;
}

uint64_t fm_parts_channel(const fm_parts *parts, uint64_t *channels) {
  const net_shape *shape = parts->x->shape;
  uint32_t axis = parts->x->batched;
  uint64_t inner = 1, stride = 1, at = 0;
  *channels = axis < shape->rank ? shape->dim[axis] : 1;
  for (uint32_t i = axis + 1; i < shape->rank; i++) inner *= shape->dim[i];
  for (uint32_t k = parts->rank; k-- > 0; stride *= parts->dim[k]) at += parts->start[k] * stride;
  return *channels ? at / inner % *channels : 0;
}
