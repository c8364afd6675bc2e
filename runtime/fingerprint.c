#include "runtime/fingerprint.h"

#include "runtime/hash.h"

enum { LANES = 8 };

/* Both halves of a product: bits that are pushed up come down again, lest those of two words cancel. */
static uint64_t mix(uint64_t h, uint64_t word) {
  unsigned __int128 product = (unsigned __int128)(h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t rt_fingerprint_bytes(uint64_t h, const void *bytes, size_t length) {
  const unsigned char *at = bytes;
  uint64_t lane[LANES], word[LANES];
  size_t left = length;
  for (uint64_t i = 0; i < LANES; i++) lane[i] = h + i;
  for (; left >= sizeof word; left -= sizeof word, at += sizeof word) {
    memcpy(word, at, sizeof word);
    for (int i = 0; i < LANES; i++) lane[i] = mix(lane[i], word[i]);
  }
  memset(word, 0, sizeof word);
  memcpy(word, at, left);
  for (int i = 0; i < LANES; i++) h = mix(mix(h, lane[i]), word[i]);
  return mix(h, length);
}

static uint64_t column(uint64_t h, const rt_column *c, uint32_t rows) {
  h = mix(mix(h, (uint64_t)c->type), c->width);
  return c->alias ? h : rt_fingerprint_bytes(h, c->data, (size_t)rows * c->width * net_type_bytes(c->type));
}

uint64_t rt_fingerprint_data(const rt_data *data) {
  uint64_t h = RT_HASH_START;
  for (int s = RT_TRAIN; s <= RT_VALIDATION; s++) {
    const rt_split *split = &data->split[s];
    h = mix(h, split->rows);
    for (uint32_t i = 0; i < split->input_count; i++) h = column(h, &split->inputs[i], split->rows);
    for (uint32_t i = 0; i < split->target_count; i++) h = column(h, &split->targets[i], split->rows);
    if (split->weight) h = rt_fingerprint_bytes(h, split->weight, split->rows * sizeof *split->weight);
  }
  return h;
}

uint64_t rt_fingerprint_weights(const rt_checkpoint *checkpoint) {
  uint64_t h = RT_HASH_START;
  for (uint32_t i = 0; i < rt_checkpoint_tensors(checkpoint); i++) {
    net_tensor t;
    const char *name = rt_checkpoint_tensor(checkpoint, i, &t);
    if (rt_checkpoint_is_extra(checkpoint, i)) continue;
    h = rt_fingerprint_bytes(h, name, strlen(name));
    for (uint32_t d = 0; d < t.shape.rank; d++) h = mix(h, t.shape.dim[d]);
    h = rt_fingerprint_bytes(h, t.data, net_tensor_bytes(&t));
  }
  return h;
}
