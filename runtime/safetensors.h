/* The safetensors format: eight bytes of header length, a JSON header, then the tensors' bytes without gaps.
 * https://github.com/huggingface/safetensors, "Format". Numbers are little-endian. */
#ifndef NETC_RUNTIME_SAFETENSORS_H
#define NETC_RUNTIME_SAFETENSORS_H

#include "support/json.h"
#include "support/netc.h"
#include "support/tensor.h"

typedef struct {
  const char *name;
  net_tensor tensor;
} rt_named_tensor;

typedef struct {
  const char *key, *value;
} rt_metadata;

typedef struct {
  rt_named_tensor *tensors; /* in the order of their bytes */
  rt_metadata *metadata;
  uint32_t tensor_count, metadata_count;
} rt_safetensors;

/* Everything is checked: lengths, types, shapes, offsets, overlaps and gaps. False: reported, one error. F16
 * and BF16 come widened to F32. Texts and bytes that need another alignment are copied into n->arena; all
 * else stays where it is. */
bool rt_safetensors_parse(netc *n, const char *path, const void *bytes, uint64_t length,
                          rt_safetensors *file);
/* Reads into n->arena and parses. */
bool rt_safetensors_read(netc *n, const char *path, rt_safetensors *file);

/* Writes f32 tensors. metadata: an object of strings; takes the reference. */
bool rt_safetensors_write(netc *n, const char *path, json_t *metadata, const rt_named_tensor *tensors,
                          uint32_t count, bool sync);

#endif
