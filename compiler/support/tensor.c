#include "support/tensor.h"

#include <stdlib.h>

static const struct {
  const char *name;
  size_t bytes;
} types[NET_TYPE_COUNT] = {
    [NET_F32] = {"f32", 4}, [NET_F64] = {"f64", 8}, [NET_I8] = {"i8", 1},   [NET_U8] = {"u8", 1},
    [NET_I16] = {"i16", 2}, [NET_U16] = {"u16", 2}, [NET_I32] = {"i32", 4}, [NET_U32] = {"u32", 4},
    [NET_I64] = {"i64", 8}, [NET_U64] = {"u64", 8}, [NET_BOOL] = {"bool", 1},
};

size_t net_type_bytes(net_type type) { return types[type].bytes; }
const char *net_type_name(net_type type) { return types[type].name; }

int64_t net_type_integer(net_type type, const void *data, uint64_t index) {
  switch (type) {
  case NET_I8: return ((const int8_t *)data)[index];
  case NET_BOOL:
  case NET_U8: return ((const uint8_t *)data)[index];
  case NET_I16: return ((const int16_t *)data)[index];
  case NET_U16: return ((const uint16_t *)data)[index];
  case NET_I32: return ((const int32_t *)data)[index];
  case NET_U32: return ((const uint32_t *)data)[index];
  default: return ((const int64_t *)data)[index];
  }
}

double net_type_element(net_type type, const void *data, uint64_t index) {
  if (type == NET_F32) return (double)((const float *)data)[index];
  if (type == NET_F64) return ((const double *)data)[index];
  return (double)net_type_integer(type, data, index);
}

void net_type_set_integer(net_type type, void *data, uint64_t index, int64_t value) {
  switch (type) {
  case NET_I8: ((int8_t *)data)[index] = (int8_t)value; break;
  case NET_BOOL:
  case NET_U8: ((uint8_t *)data)[index] = (uint8_t)value; break;
  case NET_I16: ((int16_t *)data)[index] = (int16_t)value; break;
  case NET_U16: ((uint16_t *)data)[index] = (uint16_t)value; break;
  case NET_I32: ((int32_t *)data)[index] = (int32_t)value; break;
  case NET_U32: ((uint32_t *)data)[index] = (uint32_t)value; break;
  default: ((int64_t *)data)[index] = value; break;
  }
}

void net_type_set(net_type type, void *data, uint64_t index, double value) {
  if (type == NET_F32) ((float *)data)[index] = (float)value;
  else if (type == NET_F64) ((double *)data)[index] = value;
  else net_type_set_integer(type, data, index, (int64_t)value);
}

uint64_t net_shape_elements(const net_shape *shape) {
  uint64_t n = 1;
  for (uint32_t i = 0; i < shape->rank; i++) n *= shape->dim[i];
  return n;
}

bool net_shape_same(const net_shape *a, const net_shape *b) {
  return a->rank == b->rank && !memcmp(a->dim, b->dim, a->rank * sizeof a->dim[0]);
}

const char *net_shape_text(net_arena *arena, const net_shape *shape) {
  char *text = net_arena_copy(arena, "[", 1);
  for (uint32_t i = 0; i < shape->rank; i++)
    text = net_arena_format(arena, "%s%s%u", text, i ? ", " : "", shape->dim[i]);
  return net_arena_format(arena, "%s]", text);
}

size_t net_tensor_bytes(const net_tensor *tensor) {
  return (size_t)net_shape_elements(&tensor->shape) * net_type_bytes(tensor->type);
}

net_tensor net_tensor_alloc(net_type type, const net_shape *shape) {
  net_tensor t = {.type = type, .shape = *shape, .owner = NET_OWNER_MALLOC};
  size_t bytes = (net_tensor_bytes(&t) + 63) / 64 * 64;
  t.data = aligned_alloc(64, bytes ? bytes : 64);
  if (t.data) memset(t.data, 0, bytes);
  return t;
}

net_tensor net_tensor_arena(net_arena *arena, net_type type, const net_shape *shape) {
  net_tensor t = {.type = type, .shape = *shape, .owner = NET_OWNER_ARENA};
  t.data = net_arena_alloc(arena, net_tensor_bytes(&t), 64);
  return t;
}

void net_tensor_free(net_tensor *tensor) {
  if (tensor->owner == NET_OWNER_MALLOC) free(tensor->data);
  tensor->data = NULL;
}
