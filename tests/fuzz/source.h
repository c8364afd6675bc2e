/* Fuzzing the readers of data that are our own: bytes as a file, through all that a source can be asked.
 * Whatever they are, there is either data or one error. */
#ifndef NETC_FUZZ_SOURCE_H
#define NETC_FUZZ_SOURCE_H

#define _GNU_SOURCE /* memfd_create */
#include "runtime/source.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check(netc *n, bool ok) {
  if (n->diagnostics.errors != !ok || n->diagnostics.faults) abort();
}

/* A file in memory; its path in the arena. */
static inline const char *fuzz_file(netc *n, const uint8_t *data, size_t size, int *fd) {
  *fd = memfd_create("fuzz", 0);
  if (*fd < 0 || write(*fd, data, size) != (ssize_t)size) abort();
  return net_arena_format(&n->arena, "/proc/self/fd/%d", *fd);
}

/* Reads a dataset whole, and in two pieces with a stride, which must give the same. */
static inline bool fuzz_read(rt_source *s, const rt_dataset *d) {
  enum { MOST = 1 << 18 };
  const rt_source_functions *f = s->kind->functions;
  uint64_t width = net_shape_elements(&d->row), rows = d->rows, stride = width + 1;
  if (rows > MOST || width > MOST || rows * width > MOST) return true;
  bool ok;
  if (d->text) {
    uint32_t *ids = malloc(rows * sizeof *ids);
    rt_texts texts;
    rt_texts_init(&texts, &s->n->arena);
    ok = width != 1 || f->read_text(s, d, 0, rows, &texts, ids);
    free(ids);
    return ok;
  }
  float *whole = malloc(rows * width * sizeof *whole);
  double *pieces = malloc(rows * stride * sizeof *pieces);
  uint64_t half = rows / 2;
  ok = f->read(s, d, 0, rows, NET_F32, whole, width) && f->read(s, d, 0, half, NET_F64, pieces, stride) &&
       f->read(s, d, half, rows - half, NET_F64, pieces + half * stride, stride);
  for (uint64_t r = 0; r < rows && ok; r++)
    for (uint64_t i = 0; i < width; i++) {
      float a = whole[r * width + i], b = (float)pieces[r * stride + i];
      if (a != b && !(a != a && b != b)) abort();
    }
  free(whole);
  free(pieces);
  return ok;
}

/* A source of one dataset, whatever that is called. */
static inline void fuzz_source(const char *kind, const char *name, rt_role role, const uint8_t *data,
                               size_t size) {
  netc n;
  int fd;
  netc_init(&n, NULL);
  rt_source_spec spec = {.kind = kind, .path = fuzz_file(&n, data, size, &fd)};
  rt_source s = {.n = &n, .kind = rt_source_kind_find(kind), .spec = &spec};
  rt_ask ask = {.role = role, .name = name};
  rt_dataset d;
  const rt_source_functions *f = s.kind->functions;
  bool ok =
      f->open(&s) && f->find(&s, &ask, &d) && (!f->settle || f->settle(&s, &d.rows)) && fuzz_read(&s, &d);
  fuzz_check(&n, ok);
  f->close(&s);
  close(fd);
  netc_free(&n);
}

#endif
