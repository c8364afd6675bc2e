/* NumPy's .npy files, format versions 1 to 3 (numpy.lib.format), plain or gzip. */
#include "runtime/source_array.h"

#include <ctype.h>
#include <stdlib.h>

enum { LONGEST_HEADER = 64 * 1024 };

/* ---- the header: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } ---- */

typedef struct {
  const char *at;
  char descr[64];
  bool structured, fortran, has_descr, has_order, has_shape;
  uint64_t dims[NET_MAX_RANK + 2]; /* one more than is read, to tell that there are too many */
  uint32_t rank;
} header;

static void skip_space(header *h) {
  while (isspace((unsigned char)*h->at)) h->at++;
}

static bool accept(header *h, const char *token) {
  skip_space(h);
  size_t length = strlen(token);
  if (strncmp(h->at, token, length)) return false;
  h->at += length;
  return true;
}

/* A Python string without escapes. */
static bool accept_string(header *h, char *to, size_t room) {
  skip_space(h);
  char quote = *h->at;
  if (quote != '\'' && quote != '"') return false;
  size_t length = strcspn(++h->at, quote == '"' ? "\"" : "'");
  if (!h->at[length] || length >= room) return false;
  memcpy(to, h->at, length);
  to[length] = 0;
  h->at += length + 1;
  return true;
}

static bool accept_shape(header *h) {
  if (!accept(h, "(")) return false;
  for (h->rank = 0; !accept(h, ")");) {
    skip_space(h);
    if (!isdigit((unsigned char)*h->at)) return false;
    uint64_t dim = 0;
    for (; isdigit((unsigned char)*h->at); h->at++)
      if (__builtin_mul_overflow(dim, 10u, &dim) ||
          __builtin_add_overflow(dim, (unsigned)(*h->at - '0'), &dim))
        return false;
    accept(h, "L"); /* long integers of Python 2 */
    if (h->rank < NET_MAX_RANK + 2) h->dims[h->rank++] = dim;
    if (!accept(h, ",")) return accept(h, ")");
  }
  return true;
}

static bool accept_entry(header *h) {
  char key[32];
  if (!accept_string(h, key, sizeof key) || !accept(h, ":")) return false;
  if (!strcmp(key, "descr")) {
    h->has_descr = h->structured = accept(h, "[");
    return h->structured || (h->has_descr = accept_string(h, h->descr, sizeof h->descr));
  }
  if (!strcmp(key, "fortran_order")) {
    h->fortran = accept(h, "True");
    return h->has_order = h->fortran || accept(h, "False");
  }
  return !strcmp(key, "shape") && (h->has_shape = accept_shape(h));
}

static bool parse_header(header *h) {
  if (!accept(h, "{")) return false;
  while (!accept(h, "}")) {
    if (!accept_entry(h)) return false;
    if (h->structured) return true; /* refused whatever follows */
    if (!accept(h, ",")) {
      if (!accept(h, "}")) return false;
      break;
    }
  }
  skip_space(h);
  return !*h->at && h->has_descr && h->has_order && h->has_shape;
}

/* ---- types: byte order, kind, size ---- */

static bool set_type(rt_array *a, const header *h) {
  rt_stream *s = &a->stream;
  const char *d = h->descr, *reason = "only numbers, truth values and strings are read";
  char order = *d && strchr("<>|=", *d) ? *d++ : '=', kind = *d ? *d++ : 0;
  char *end;
  unsigned long size = isdigit((unsigned char)*d) ? strtoul(d, &end, 10) : 0;
  if (h->structured) reason = "records of named fields are not read: save each field as an array of its own";
  else if (kind == 'O')
    reason = "Python objects are never unpickled: save it as numbers or strings (numpy.asarray(x, dtype=…))";
  else if (size && size < UINT32_MAX && !*end && rt_array_type(a, kind, kind == 'U' ? size * 4 : size)) {
    a->swap = order == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '>' : '<');
    return true;
  }
  net_error(s->n, s->where, "%s holds elements of type %s: %s", s->label, h->structured ? "record" : h->descr,
            reason);
  return false;
}

bool rt_npy_header(rt_array *a) {
  rt_stream *s = &a->stream;
  unsigned char start[12];
  size_t got;
  if (!rt_stream_read_some(s, start, 8, &got)) return false;
  if (got < 8 || memcmp(start, "\x93NUMPY", 6))
    return net_error(s->n, s->where, "%s is no .npy file: it does not begin as one", s->label), false;
  if (start[6] < 1 || start[6] > 3)
    return net_error(s->n, s->where, "%s is a .npy file of version %u; versions 1 to 3 are read", s->label,
                     start[6]),
           false;
  size_t width = start[6] == 1 ? 2 : 4, length = 0;
  if (!rt_stream_read(s, start, width)) return false;
  for (size_t i = width; i--;) length = length << 8 | start[i];
  if (length > LONGEST_HEADER)
    return net_error(s->n, s->where, "%s is damaged: its header is %zu bytes long", s->label, length), false;
  char *text = net_arena_alloc(&s->n->arena, length + 1, 1);
  if (!rt_stream_read(s, text, length)) return false;
  header h = {.at = text};
  if (!parse_header(&h)) {
    net_error(s->n, s->where, "%s is damaged: its header is not one of numpy's", s->label);
    return false;
  }
  if (!set_type(a, &h)) return false;
  a->fortran = h.fortran && h.rank > 1;
  return rt_array_shape(a, h.dims, h.rank);
}

static bool find(rt_source *s, const rt_ask *ask, rt_dataset *found) {
  const char *path = rt_source_file(s, ask);
  rt_array *a = rt_arrays_add(s);
  if (!path || !rt_stream_open_file(s->n, ask->where, path, &a->stream) || !rt_npy_header(a)) return false;
  rt_array_found(a, ask, path, found);
  return true;
}

const rt_source_functions rt_source_npy = {.open = rt_arrays_open,
                                           .find = find,
                                           .read = rt_array_read,
                                           .read_text = rt_array_read_text,
                                           .close = rt_arrays_close};
