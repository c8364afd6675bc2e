/* Objects of several inputs and outputs, on rows that begin and end where memory does: nothing is read or
 * written beyond them, and no input is written. */
#include "tests/unit/object_support.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const char pair[] =
    "network pair(a: f32[3, 4], b: f32[7]) {\n"
    "  h = concat(a -> flatten, b) -> linear(37) -> relu\n"
    "  u = h -> linear(3) -> softmax\n"
    "  s = a -> sum(axes = [1])\n"
    "  (u, h, s, h -> linear(1))\n"
    "}\n";
enum { INPUTS = 2, OUTPUTS = 4, PORTS = INPUTS + OUTPUTS, MOST = 200 };

/* Pages between two that must not be touched; `bytes` at their very end, or at their very beginning. */
typedef struct {
  char *whole, *at;
  size_t length;
} fenced;

static fenced fenced_new(size_t bytes, bool end) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page - 1) / page * page + (bytes ? 0 : page);
  fenced f = {.length = room + 2 * page};
  f.whole = mmap(NULL, f.length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(f.whole != MAP_FAILED);
  assert_int_equal(mprotect(f.whole + page, room, PROT_READ | PROT_WRITE), 0);
  f.at = f.whole + page + (end ? room - bytes : 0);
  return f;
}

typedef struct {
  void (*one)(const float *, const float *, float *, float *, float *, float *);
  void (*batch)(size_t, const float *, const float *, float *, float *, float *, float *);
} functions;

static functions find(const object_loaded *l, const pl_object *object) {
  functions f;
  void *one = dlsym(l->handle, object->functions[0].name),
       *batch = dlsym(l->handle, object->functions[1].name);
  memcpy(&f.one, &one, sizeof one), memcpy(&f.batch, &batch, sizeof batch);
  return f;
}

/* What the interpreter gives, by output. */
static void interpret(object_subject *s, uint32_t rows, const float *const *x, float **y) {
  const net_graph *g = s->graph;
  net_run run = net_run_begin(&s->n, g, &s->n.arena, rows);
  for (net_value_id v = 0; v < g->values.count; v++) {
    if (g->values.at[v].kind == NET_VALUE_INPUT) net_run_set(&run, v, x[g->values.at[v].column]);
    else if (s->weights[v]) net_run_set(&run, v, s->weights[v]);
  }
  assert_true(net_run_all(&run));
  for (uint32_t i = 0; i < OUTPUTS; i++)
    for (uint64_t k = 0; k < net_run_elements(&run, g->outputs.at[i]); k++)
      y[i][k] = (float)run.values[g->outputs.at[i]][k];
}

static void compare(const pl_object *object, const float *const *expected, const fenced *ports,
                    uint32_t first, uint32_t rows) {
  for (uint32_t i = 0; i < OUTPUTS; i++) {
    uint32_t width = object->outputs[i].elements;
    for (uint32_t k = 0; k < rows * width; k++) {
      float wanted = expected[i][first * width + k], got = ((const float *)ports[INPUTS + i].at)[k];
      if (!(fabsf(wanted - got) <= 1e-5f)) fail_msg("output %u: %g, not %g", i, (double)got, (double)wanted);
    }
  }
}

static void call(const functions *f, const fenced *p, uint32_t rows) {
  const float *a = (const float *)p[0].at, *b = (const float *)p[1].at;
  float *y[OUTPUTS];
  for (uint32_t i = 0; i < OUTPUTS; i++) y[i] = (float *)p[INPUTS + i].at;
  if (rows) f->batch(rows, a, b, y[0], y[1], y[2], y[3]);
  else f->one(a, b, y[0], y[1], y[2], y[3]);
}

static void check_rows(const pl_object *object, const functions *f, const float *const *x,
                       const float *const *expected, uint32_t rows, bool end) {
  fenced ports[PORTS];
  uint32_t count = rows ? rows : 1;
  for (uint32_t i = 0; i < PORTS; i++) {
    uint32_t width = i < INPUTS ? object->inputs[i].elements : object->outputs[i - INPUTS].elements;
    ports[i] = fenced_new(count * width * sizeof(float), end);
    if (i < INPUTS) memcpy(ports[i].at, x[i], count * width * sizeof(float));
  }
  call(f, ports, rows);
  compare(object, expected, ports, 0, count);
  for (uint32_t i = 0; i < INPUTS; i++)
    assert_memory_equal(ports[i].at, x[i], count * object->inputs[i].elements * sizeof(float));
  for (uint32_t i = 0; i < PORTS; i++) munmap(ports[i].whole, ports[i].length);
}

static void test_ports(void **state) {
  (void)state;
  for (uint32_t t = 0; object_targets[t]; t++) {
    object_subject s;
    object_begin(&s, pair, "pair", 5);
    const pl_object *object = object_make(&s, object_targets[t]);
    static const uint32_t widths[PORTS] = {12, 7, 3, 37, 3, 1};
    assert_int_equal(object->input_count, INPUTS);
    assert_int_equal(object->output_count, OUTPUTS);
    float *buffers[PORTS];
    for (uint32_t i = 0; i < PORTS; i++) {
      assert_int_equal(i < INPUTS ? object->inputs[i].elements : object->outputs[i - INPUTS].elements,
                       widths[i]);
      buffers[i] = malloc(MOST * widths[i] * sizeof(float));
      for (uint32_t k = 0; k < MOST * widths[i]; k++)
        buffers[i][k] = (float)((k * 2654435761u >> 20) % 401) / 100 - 2;
    }
    interpret(&s, MOST, (const float *const *)buffers, buffers + INPUTS);
    object_loaded loaded;
    if (object_load(object, object_targets[t], &loaded)) {
      functions f = find(&loaded, object);
      static const uint32_t rows[] = {0, 1, 2, 7, 15, 16, 31, 32, 33, 63, 64, 65, 100, MOST};
      for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int end = 0; end < 2; end++)
          check_rows(object, &f, (const float *const *)buffers, (const float *const *)(buffers + INPUTS),
                     rows[i], end);
      object_unload(&loaded);
    }
    for (uint32_t i = 0; i < PORTS; i++) free(buffers[i]);
    object_end(&s);
  }
}

/* Rows give the same bits in whatever company. */
static void test_company(void **state) {
  (void)state;
  for (uint32_t t = 0; object_targets[t]; t++) {
    object_subject s;
    object_begin(&s, NULL, "test_hhy", 5);
    const pl_object *object = object_make(&s, object_targets[t]);
    object_loaded loaded;
    if (object_load(object, object_targets[t], &loaded)) {
      const float *x = object_rows(&s, MOST, 2);
      float whole[5 * MOST], part[5 * MOST];
      object_call_batch(&loaded, MOST, x, whole);
      for (uint32_t first = 0; first < MOST; first += 7)
        for (uint32_t rows = 1; first + rows <= MOST; rows += 13) {
          object_call_batch(&loaded, rows, x + 16 * first, part);
          assert_memory_equal(part, whole + 5 * first, rows * 5 * sizeof *part);
        }
      object_unload(&loaded);
    }
    object_end(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ports), cmocka_unit_test(test_company)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
