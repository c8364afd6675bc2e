#include "runtime/safetensors.h"

#include "support/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "tensors are read and written as they lie in memory");

enum { LENGTH_BYTES = 8, MOST_HEADER = 100 * 1000 * 1000 }; /* the limit of the reference implementation */

static float widen_bf16(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Every binary16 is a binary32: subnormals become normal, infinities and NaN keep their bits. */
static float widen_f16(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3FF;
  if (!exponent) return (sign ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
  uint32_t bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static const struct {
  const char *name;
  uint32_t bytes;
  net_type type;             /* as netc shows it */
  float (*widen)(uint16_t); /* to that type; NULL: as it is */
} dtypes[] = {
    {"F32", 4, NET_F32, NULL},        {"F64", 8, NET_F64, NULL}, {"F16", 2, NET_F32, widen_f16},
    {"BF16", 2, NET_F32, widen_bf16}, {"I8", 1, NET_I8, NULL},   {"U8", 1, NET_U8, NULL},
    {"I16", 2, NET_I16, NULL},        {"U16", 2, NET_U16, NULL}, {"I32", 4, NET_I32, NULL},
    {"U32", 4, NET_U32, NULL},        {"I64", 8, NET_I64, NULL}, {"U64", 8, NET_U64, NULL},
    {"BOOL", 1, NET_BOOL, NULL},
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

/* One tensor while its file is being checked. */
typedef struct {
  const char *name;
  uint32_t dtype;
  net_shape shape;
  uint64_t begin, end; /* among the tensors' bytes */
} entry;

typedef struct {
  netc *n;
  const char *path;
  const unsigned char *data;
  uint64_t data_bytes;
} reader;

static bool refuse(const reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(const reader *r, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const char *why = net_arena_vformat(&r->n->arena, format, arguments);
  va_end(arguments);
  net_error(r->n, NET_NOWHERE, "cannot read %s: %s", r->path, why);
  return false;
}

static bool read_whole(json_t *value, uint64_t *number) {
  if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
  *number = (uint64_t)json_integer_value(value);
  return true;
}

static bool read_shape(const reader *r, entry *e, json_t *shape, uint64_t *bytes) {
  if (!json_is_array(shape)) return refuse(r, "tensor '%s' has no shape", e->name);
  if (json_array_size(shape) > NET_MAX_RANK)
    return refuse(r, "tensor '%s' has %zu dimensions; netc reads up to %d", e->name, json_array_size(shape),
                  NET_MAX_RANK);
  *bytes = dtypes[e->dtype].bytes;
  for (size_t i = 0; i < json_array_size(shape); i++) {
    uint64_t extent;
    if (!read_whole(json_array_get(shape, i), &extent) || extent > UINT32_MAX ||
        __builtin_mul_overflow(*bytes, extent, bytes))
      return refuse(r, "tensor '%s' has an impossible shape", e->name);
    e->shape.dim[e->shape.rank++] = (uint32_t)extent;
  }
  return true;
}

static bool read_entry(const reader *r, const char *name, json_t *value, entry *e) {
  *e = (entry){.name = net_arena_copy(&r->n->arena, name, strlen(name)), .dtype = DTYPES};
  const char *dtype = json_string_value(json_object_get(value, "dtype"));
  if (!dtype) return refuse(r, "tensor '%s' has no type", name);
  for (uint32_t i = 0; i < DTYPES; i++)
    if (!strcmp(dtype, dtypes[i].name)) e->dtype = i;
  if (e->dtype == DTYPES) return refuse(r, "tensor '%s' has type %s, which netc does not know", name, dtype);
  uint64_t bytes = 0;
  if (!read_shape(r, e, json_object_get(value, "shape"), &bytes)) return false;
  json_t *offsets = json_object_get(value, "data_offsets");
  if (json_array_size(offsets) != 2 || !read_whole(json_array_get(offsets, 0), &e->begin) ||
      !read_whole(json_array_get(offsets, 1), &e->end) || e->begin > e->end)
    return refuse(r, "tensor '%s' has no offsets", name);
  if (e->end > r->data_bytes)
    return refuse(r, "tensor '%s' ends at byte %" PRIu64 " of %" PRIu64 ": the file is truncated", name,
                  e->end, r->data_bytes);
  if (e->end - e->begin != bytes)
    return refuse(r, "tensor '%s' has %" PRIu64 " bytes where its type and shape need %" PRIu64, name,
                  e->end - e->begin, bytes);
  return true;
}

static int by_offset(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  if (x->end != y->end) return x->end < y->end ? -1 : 1; /* empty tensors come first */
  return strcmp(x->name, y->name);
}

static bool check_offsets(const reader *r, entry *entries, uint32_t count) {
  uint64_t at = 0;
  if (count) qsort(entries, count, sizeof *entries, by_offset);
  for (uint32_t i = 0; i < count; at = entries[i++].end)
    if (entries[i].begin != at)
      return refuse(r, "tensor '%s' begins at byte %" PRIu64 " where the one before it ends at %" PRIu64,
                    entries[i].name, entries[i].begin, at);
  if (at != r->data_bytes)
    return refuse(r, "its tensors end at byte %" PRIu64 " of %" PRIu64, at, r->data_bytes);
  return true;
}

static net_tensor view(const reader *r, const entry *e) {
  net_tensor t = {.type = dtypes[e->dtype].type, .shape = e->shape, .owner = NET_OWNER_BORROWED};
  const unsigned char *bytes = r->data + e->begin;
  float (*widen)(uint16_t) = dtypes[e->dtype].widen;
  if (!widen && (uintptr_t)bytes % dtypes[e->dtype].bytes == 0) return t.data = (void *)bytes, t;
  t = net_tensor_arena(&r->n->arena, t.type, &t.shape);
  if (!widen) return memcpy(t.data, bytes, e->end - e->begin), t;
  for (uint64_t i = 0; i < (e->end - e->begin) / 2; i++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * i, sizeof half);
    ((float *)t.data)[i] = widen(half);
  }
  return t;
}

static bool read_metadata(const reader *r, json_t *object, rt_safetensors *file) {
  const char *key;
  json_t *value;
  if (!json_is_object(object)) return refuse(r, "its metadata is no object");
  file->metadata = NET_NEW_ARRAY(&r->n->arena, rt_metadata, json_object_size(object));
  json_object_foreach(object, key, value) {
    if (!json_is_string(value)) return refuse(r, "metadata '%s' is no string", key);
    file->metadata[file->metadata_count++] = (rt_metadata){
        net_arena_copy(&r->n->arena, key, strlen(key)),
        net_arena_copy(&r->n->arena, json_string_value(value), json_string_length(value))};
  }
  return true;
}

static bool read_header(const reader *r, json_t *header, rt_safetensors *file) {
  const char *name;
  json_t *value;
  if (!json_is_object(header)) return refuse(r, "not a safetensors file: its header is no object");
  entry *entries = NET_NEW_ARRAY(&r->n->arena, entry, json_object_size(header));
  json_object_foreach(header, name, value) {
    bool ok = strcmp(name, "__metadata__") ? read_entry(r, name, value, &entries[file->tensor_count++])
                                           : read_metadata(r, value, file);
    if (!ok) return false;
  }
  if (!check_offsets(r, entries, file->tensor_count)) return false;
  file->tensors = NET_NEW_ARRAY(&r->n->arena, rt_named_tensor, file->tensor_count);
  for (uint32_t i = 0; i < file->tensor_count; i++)
    file->tensors[i] = (rt_named_tensor){entries[i].name, view(r, &entries[i])};
  return true;
}

static bool check_length(const reader *r, uint64_t header, uint64_t length) {
  if (header > MOST_HEADER || header > length - LENGTH_BYTES)
    return refuse(r,
                  "not a safetensors file, or truncated: its header would have %" PRIu64
                  " bytes, the file has %" PRIu64,
                  header, length);
  return true;
}

bool rt_safetensors_parse(netc *n, const char *path, const void *bytes, uint64_t length,
                          rt_safetensors *file) {
  reader r = {.n = n, .path = path};
  uint64_t size;
  *file = (rt_safetensors){0};
  if (length < LENGTH_BYTES)
    return refuse(&r, "not a safetensors file: it has only %" PRIu64 " bytes", length);
  memcpy(&size, bytes, sizeof size);
  if (!check_length(&r, size, length)) return false;
  const char *text = (const char *)bytes + LENGTH_BYTES;
  r.data = (const unsigned char *)text + size;
  r.data_bytes = length - LENGTH_BYTES - size;
  json_error_t error;
  json_t *header = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
  if (!header)
    return refuse(&r, "not a safetensors file: its header at byte %d: %s", error.position, error.text);
  bool ok = read_header(&r, header, file);
  json_decref(header);
  return ok;
}

/* The length of the header is looked at first, so that some other, huge file is refused unread. */
static bool read_file(const reader *r, FILE *in, const unsigned char **bytes, uint64_t *length) {
  struct stat st;
  if (fstat(fileno(in), &st)) return net_error_errno(r->n, NET_NOWHERE, "read", r->path), false;
  if (!S_ISREG(st.st_mode)) return refuse(r, "it is no regular file");
  *length = (uint64_t)st.st_size;
  uint64_t header;
  if (*length < LENGTH_BYTES)
    return refuse(r, "not a safetensors file: it has only %" PRIu64 " bytes", *length);
  if (fread(&header, sizeof header, 1, in) != 1)
    return net_error_errno(r->n, NET_NOWHERE, "read", r->path), false;
  if (!check_length(r, header, *length)) return false;
  unsigned char *all = net_arena_alloc(&r->n->arena, *length, 64);
  memcpy(all, &header, sizeof header);
  errno = 0;
  if (fread(all + LENGTH_BYTES, 1, *length - LENGTH_BYTES, in) != *length - LENGTH_BYTES)
    return refuse(r, "%s", errno ? strerror(errno) : "it shrank while it was read");
  *bytes = all;
  return true;
}

bool rt_safetensors_read(netc *n, const char *path, rt_safetensors *file) {
  reader r = {.n = n, .path = path};
  FILE *in = fopen(path, "rb");
  if (!in) return net_error_errno(n, NET_NOWHERE, "open", path), false;
  const unsigned char *bytes = NULL;
  uint64_t length = 0;
  bool ok = read_file(&r, in, &bytes, &length);
  fclose(in);
  return ok && rt_safetensors_parse(n, path, bytes, length, file);
}

/* ---- writing ---- */

static json_t *describe(const net_tensor *tensor, uint64_t begin) {
  json_t *shape = json_array();
  for (uint32_t i = 0; i < tensor->shape.rank; i++)
    json_array_append_new(shape, json_integer(tensor->shape.dim[i]));
  return json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets", (json_int_t)begin,
                   (json_int_t)(begin + net_tensor_bytes(tensor)));
}

bool rt_safetensors_write(netc *n, const char *path, json_t *metadata, const rt_named_tensor *tensors,
                          uint32_t count, bool sync) {
  json_t *header = json_pack("{s:o}", "__metadata__", metadata);
  uint64_t at = 0;
  bool ok = header != NULL;
  for (uint32_t i = 0; i < count && ok; at += net_tensor_bytes(&tensors[i++].tensor))
    ok = !json_object_set_new(header, tensors[i].name, describe(&tensors[i].tensor, at));
  char *text = ok ? json_dumps(header, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
  json_decref(header);
  if (!text) return net_error(n, NET_NOWHERE, "cannot write %s: its header cannot be made", path), false;
  size_t length = strlen(text), padded = (length + LENGTH_BYTES + 63) / 64 * 64 - LENGTH_BYTES;
  uint64_t size = padded; /* spaces behind the header bring the tensors to a multiple of 64 */
  net_file_out out = net_file_begin(n, path);
  if (out.stream) {
    fwrite(&size, sizeof size, 1, out.stream);
    fprintf(out.stream, "%-*s", (int)padded, text);
    for (uint32_t i = 0; i < count; i++)
      fwrite(tensors[i].tensor.data, 1, net_tensor_bytes(&tensors[i].tensor), out.stream);
  }
  free(text);
  return net_file_commit(&out, sync);
}
