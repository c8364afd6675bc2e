/* IDX files, as MNIST and its kin come: two zero bytes, a type, the rank, big-endian dimensions and elements;
 * plain or gzip. */
#include "runtime/source_array.h"

#include <inttypes.h>

static const struct {
  uint8_t code;
  char kind;
  uint8_t size;
} types[] = {{0x08, 'u', 1}, {0x09, 'i', 1}, {0x0B, 'i', 2}, {0x0C, 'i', 4}, {0x0D, 'f', 4}, {0x0E, 'f', 8}};

static bool read_header(rt_array *a) {
  rt_stream *s = &a->stream;
  unsigned char start[4], bytes[4];
  uint64_t dims[NET_MAX_RANK + 2];
  size_t got;
  bool known = false;
  if (!rt_stream_read_some(s, start, 4, &got)) return false;
  for (uint32_t i = 0; got == 4 && i < sizeof types / sizeof types[0]; i++)
    if (types[i].code == start[2]) known = rt_array_type(a, types[i].kind, types[i].size);
  if (!known || start[0] || start[1])
    return net_error(s->n, s->where, "%s is no IDX file: it does not begin as one", s->label), false;
  uint32_t rank = start[3] < NET_MAX_RANK + 2 ? start[3] : NET_MAX_RANK + 2;
  for (uint32_t i = 0; i < rank; i++) {
    if (!rt_stream_read(s, bytes, 4)) return false;
    dims[i] = (uint64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
  }
  a->swap = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
  return rt_array_shape(a, dims, rank);
}

static bool find(rt_source *s, const rt_ask *ask, rt_dataset *found) {
  const char *path = rt_source_file(s, ask);
  rt_array *a = rt_arrays_add(s);
  if (!path || !rt_stream_open_file(s->n, ask->where, path, &a->stream) || !read_header(a)) return false;
  rt_array_found(a, ask, path, found);
  return true;
}

const rt_source_functions rt_source_idx = {.open = rt_arrays_open,
                                           .find = find,
                                           .read = rt_array_read,
                                           .read_text = rt_array_read_text,
                                           .close = rt_arrays_close};
