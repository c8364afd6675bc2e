#include "runtime/source_array.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <zip.h>

enum { BLOCK_BYTES = 256 * 1024, LONGEST_TEXT = 4096 };

/* ---- types of elements ---- */

typedef uint16_t half; /* IEEE binary16 */

static inline double from_half(half h) {
  int exponent = h >> 10 & 31, fraction = h & 1023;
  double x = exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
             : exponent     ? ldexp(1024 + fraction, exponent - 25)
                            : ldexp(fraction, -24);
  return h >> 15 ? -x : x;
}
static inline double from_number(double x) { return x; }

/* name, kind as in npy, C type, how its value is had */
#define ELEMENTS(E)                                                                                          \
  E(b1, 'b', uint8_t, from_number)                                                                           \
  E(u1, 'u', uint8_t, from_number)                                                                           \
  E(u2, 'u', uint16_t, from_number)                                                                          \
  E(u4, 'u', uint32_t, from_number)                                                                          \
  E(u8, 'u', uint64_t, from_number)                                                                          \
  E(i1, 'i', int8_t, from_number)                                                                            \
  E(i2, 'i', int16_t, from_number)                                                                           \
  E(i4, 'i', int32_t, from_number)                                                                           \
  E(i8, 'i', int64_t, from_number)                                                                           \
  E(f2, 'f', half, from_half)                                                                                \
  E(f4, 'f', float, from_number)                                                                             \
  E(f8, 'f', double, from_number)

#define CONVERTERS(name, kind, type, value)                                                                  \
  static void name##_f32(const void *from, uint64_t count, void *to, uint64_t step) {                        \
    for (uint64_t i = 0; i < count; i++) ((float *)to)[i * step] = (float)value(((const type *)from)[i]);    \
  }                                                                                                          \
  static void name##_f64(const void *from, uint64_t count, void *to, uint64_t step) {                        \
    for (uint64_t i = 0; i < count; i++) ((double *)to)[i * step] = value(((const type *)from)[i]);          \
  }
ELEMENTS(CONVERTERS)

typedef struct rt_element {
  char kind;
  uint32_t size;
  void (*f32)(const void *from, uint64_t count, void *to, uint64_t step);
  void (*f64)(const void *from, uint64_t count, void *to, uint64_t step);
} rt_element;

static const rt_element elements[] = {
#define ROW(name, kind, type, value) {kind, sizeof(type), name##_f32, name##_f64},
    ELEMENTS(ROW)
#undef ROW
};

bool rt_array_type(rt_array *a, char kind, uint64_t size) {
  a->kind = kind;
  a->size = size;
  a->element = NULL;
  for (uint32_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
    if (elements[i].kind == kind && elements[i].size == size) a->element = &elements[i];
  return a->element || (kind == 'S' && size) || (kind == 'U' && size && size % 4 == 0);
}

bool rt_array_shape(rt_array *a, const uint64_t *dims, uint32_t rank) {
  rt_stream *s = &a->stream;
  if (!rank) return net_error(s->n, s->where, "%s holds a single value: it has no rows", s->label), false;
  if (rank > NET_MAX_RANK + 1)
    return net_error(s->n, s->where, "%s has %u dimensions; at most %d are read", s->label, rank,
                     NET_MAX_RANK + 1),
           false;
  uint64_t bytes = a->size;
  bool overflow = false, zero = false;
  a->rows = dims[0];
  a->width = 1;
  a->row = (net_shape){.rank = rank - 1};
  for (uint32_t i = 0; i < rank; i++) zero |= !dims[i];
  for (uint32_t i = 0; i < rank && !zero; i++) {
    overflow |= __builtin_mul_overflow(bytes, dims[i], &bytes) || (i && dims[i] > UINT32_MAX);
    if (!i) continue;
    a->width *= dims[i];
    a->row.dim[i - 1] = (uint32_t)dims[i];
  }
  if (zero) return net_error(s->n, s->where, "%s is empty: one of its dimensions is 0", s->label), false;
  if (!overflow) overflow = __builtin_add_overflow(bytes, s->at, &bytes);
  if (overflow || bytes > s->most) {
    net_error(s->n, s->where,
              "%s is cut short: its header promises %" PRIu64 " rows, more than the file can hold", s->label,
              a->rows);
    return false;
  }
  a->begin = s->at;
  return true;
}

void rt_array_found(const rt_array *a, const rt_ask *ask, const char *label, rt_dataset *found) {
  *found = (rt_dataset){.name = ask->name,
                        .label = label,
                        .where = ask->where,
                        .rows = a->rows,
                        .row = a->row,
                        .text = !a->element,
                        .own = (void *)a};
}

/* ---- reading ---- */

static void swap_bytes(void *data, uint64_t count, uint64_t size) {
  if (size == 2)
    for (uint16_t *x = data; count--; x++) *x = __builtin_bswap16(*x);
  else if (size == 4)
    for (uint32_t *x = data; count--; x++) *x = __builtin_bswap32(*x);
  else if (size == 8)
    for (uint64_t *x = data; count--; x++) *x = __builtin_bswap64(*x);
}

/* count elements from where the stream stands, to every step-th place */
static bool read_run(rt_array *a, void *buffer, uint64_t count, net_type type, char *to, uint64_t step) {
  if (a->element->kind == 'f' && a->element->size == 4 && type == NET_F32 && step == 1) {
    if (!rt_stream_read(&a->stream, to, count * 4)) return false;
    if (a->swap) swap_bytes(to, count, 4);
    return true;
  }
  for (uint64_t block = BLOCK_BYTES / a->size; count; count -= block) {
    if (block > count) block = count;
    if (!rt_stream_read(&a->stream, buffer, block * a->size)) return false;
    if (a->swap) swap_bytes(buffer, block, a->size);
    (type == NET_F32 ? a->element->f32 : a->element->f64)(buffer, block, to, step);
    to += block * step * net_type_bytes(type);
  }
  return true;
}

/* A row's elements as Fortran stores them, first index fastest, are those runs of `rows` in the file: gives
 * the place in the row-major row of the f-th of them. */
static uint64_t row_major(const net_shape *row, uint64_t f) {
  uint64_t index[NET_MAX_RANK], at = 0;
  for (uint32_t i = 0; i < row->rank; i++) index[i] = f % row->dim[i], f /= row->dim[i];
  for (uint32_t i = 0; i < row->rank; i++) at = at * row->dim[i] + index[i];
  return at;
}

static bool read_all(rt_array *a, void *buffer, uint64_t first, uint64_t rows, net_type type, char *to,
                     uint64_t stride) {
  uint64_t out = net_type_bytes(type);
  if (a->fortran) {
    for (uint64_t f = 0; f < a->width; f++)
      if (!rt_stream_seek(&a->stream, a->begin + (f * a->rows + first) * a->size) ||
          !read_run(a, buffer, rows, type, to + row_major(&a->row, f) * out, stride))
        return false;
  } else {
    if (!rt_stream_seek(&a->stream, a->begin + first * a->width * a->size)) return false;
    if (stride == a->width) return read_run(a, buffer, rows * a->width, type, to, 1);
    if (a->width == 1) return read_run(a, buffer, rows, type, to, stride);
    for (uint64_t r = 0; r < rows; r++)
      if (!read_run(a, buffer, a->width, type, to + r * stride * out, 1)) return false;
  }
  return true;
}

bool rt_array_read(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, net_type type, void *to,
                   uint64_t stride) {
  (void)s;
  rt_array *a = d->own;
  void *buffer = malloc(BLOCK_BYTES);
  if (!buffer) return net_error(a->stream.n, d->where, "%s: no memory", d->label), false;
  bool ok = read_all(a, buffer, first, rows, type, to, stride);
  free(buffer);
  return ok && (first + rows < a->rows || rt_stream_expect_end(&a->stream));
}

/* One code point of UTF-32 as UTF-8: gives its length. */
static size_t utf8(uint32_t c, char *to) {
  if (c < 0x80) return to[0] = (char)c, 1;
  if (c < 0x800) return to[0] = (char)(0xC0 | c >> 6), to[1] = (char)(0x80 | (c & 63)), 2;
  if (c > 0x10FFFF) c = 0xFFFD;
  size_t n = c < 0x10000 ? 3 : 4;
  to[0] = (char)(n == 3 ? 0xE0 | c >> 12 : 0xF0 | c >> 18);
  for (size_t i = 1; i < n; i++) to[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 63));
  return n;
}

bool rt_array_read_text(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, rt_texts *texts,
                        uint32_t *ids) {
  (void)s;
  rt_array *a = d->own;
  char text[LONGEST_TEXT], plain[LONGEST_TEXT];
  if (a->size > sizeof text)
    return net_error(a->stream.n, d->where, "%s: texts of %" PRIu64 " bytes are no labels", d->label,
                     a->size),
           false;
  if (!rt_stream_seek(&a->stream, a->begin + first * a->size)) return false;
  for (uint64_t r = 0; r < rows; r++) {
    if (!rt_stream_read(&a->stream, text, a->size)) return false;
    size_t length = 0;
    for (uint64_t i = 0; a->kind == 'S' ? i < a->size && text[i] : i + 4 <= a->size;
         i += a->kind == 'S' ? 1 : 4) {
      uint32_t c = (unsigned char)text[i];
      if (a->kind == 'U') memcpy(&c, text + i, 4);
      if (a->kind == 'U' && a->swap) c = __builtin_bswap32(c);
      if (!c) break;
      if (a->kind == 'S') plain[length++] = text[i];
      else length += utf8(c, plain + length);
    }
    ids[r] = rt_texts_add(texts, plain, length, first + r);
  }
  return first + rows < a->rows || rt_stream_expect_end(&a->stream);
}

/* ---- several of them open ---- */

bool rt_arrays_open(rt_source *s) {
  s->state = NET_NEW(&s->n->arena, rt_arrays);
  return true;
}

rt_array *rt_arrays_add(rt_source *s) {
  rt_arrays *arrays = s->state;
  rt_array *a = NET_NEW(&s->n->arena, rt_array);
  net_vec_push(&s->n->arena, &arrays->open, a);
  return a;
}

void rt_arrays_close(rt_source *s) {
  rt_arrays *arrays = s->state;
  for (uint32_t i = 0; arrays && i < arrays->open.count; i++) rt_stream_close(&arrays->open.at[i]->stream);
  if (arrays && arrays->archive) zip_discard(arrays->archive);
}
