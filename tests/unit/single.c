/* One sample at a time: the networks of the other tests, and layers of all widths beside the ends of vectors,
 * against the interpreter. Nothing around a row of input matters or is written around a row of output. */
#include "tests/unit/jit_group.h"

#include "loops/evaluate.h"
#include "loops/print.h"

#include <stdlib.h>

static const uint32_t lane_counts[] = {16, 8, 4, 1};

/* ---- compiled ---- */

static void check_network(jit_totals *t, uint32_t target, const jit_network *network) {
  jit_group g;
  jit_group_open(&g, t, target, network);
  for (int k = 0; k < 4; k++) jit_group_add_single(&g, k % 2, k / 2);
  jit_group_compile(&g);
  for (uint32_t k = 0; k < 4; k++) {
    jit_check_step(&g, g.functions[k], 1);
    if (g.functions[k]->unfused)
      for (jit_fill fill = 0; fill < JIT_FILLS; fill++)
        if (fill == JIT_USUAL || fill == JIT_ZERO || fill == JIT_LARGE)
          jit_check_nodes(&g, g.functions[k], 1, fill);
  }
  jit_group_close(&g);
}

static void test_networks(void **state) {
  (void)state;
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_totals t = jit_totals_new(&arena);
  for (uint32_t target = 0; target < JIT_TARGETS; target++)
    for (uint32_t i = 0; i < jit_network_count && jit_runs_here(target); i++)
      check_network(&t, target, &jit_networks[i]);
  printf("%u functions compiled, %u calls, %u nodes\n", t.functions, t.calls, t.nodes);
  net_arena_free(&arena);
}

/* ---- evaluated ---- */

enum { GUARD = 64, ROWS = 3, ROW = 1 };

/* Memory of exactly so many bytes behind a guard: with the sanitizer, what is read beyond is found. */
static char *guarded(size_t bytes) {
  char *at = malloc(GUARD + bytes);
  assert_non_null(at);
  memset(at, 0xFF, GUARD + bytes);
  return at + GUARD;
}

static void check_guard(const char *what, const char *at) {
  for (int i = 1; i <= GUARD; i++)
    if ((uint8_t)at[-i] != 0xFF) fail_msg("%s: wrote %d bytes in front of its row", what, i);
  free((void *)(uintptr_t)(at - GUARD));
}

typedef struct {
  netc *n;
  const char *what;
  const net_graph *graph;
  net_value_id input, output;
  lp_function *f;
  net_run run;
} trial;

/* A graph in text, its parameters constants (or variables), for so many lanes. */
static trial trial_of(netc *n, const char *lines, uint32_t lanes, bool constant, bool unfused) {
  const char *text = net_arena_format(&n->arena, "graph g\n%s", lines);
  net_graph *g = net_graph_parse(n, &n->arena, "test", text, strlen(text));
  if (!g || !net_graph_verify(n, g)) jit_expect_silence(n);
  assert_non_null(g);
  if (constant) jit_make_constant(g, lanes);
  trial t = {.n = n, .graph = g, .input = 0, .output = g->outputs.at[0]};
  t.what = net_arena_format(&n->arena, "%s%u lanes%s%s", lines, lanes, constant ? ", constant" : "",
                            unfused ? ", unfused" : "");
  cg_target target = {.lanes = lanes, .registers = lanes >= 16 ? 32 : 16, .name = "the evaluator"};
  jit_function *function = jit_function_single(n, &target, g, "single", &g->outputs, unfused);
  jit_expect_silence(n);
  t.f = function->f;
  return t;
}

static void run_interpreter(trial *t, lp_memory *memory, const float *row) {
  uint64_t seed = 5, variable = 0;
  t->run = net_run_begin(t->n, t->graph, &t->n->arena, 1);
  for (net_value_id v = 0; v < t->graph->values.count; v++) {
    const net_value *value = net_graph_value_at(t->graph, v);
    if (value->kind == NET_VALUE_CONSTANT) net_run_set(&t->run, v, value->data);
    if (value->kind == NET_VALUE_INPUT) net_run_set(&t->run, v, row);
    if (value->kind != NET_VALUE_PARAMETER) continue;
    uint64_t elements = net_shape_elements(&value->shape);
    for (uint64_t i = 0; i < elements; i++) memory->variables[variable + i] = (float)jit_random(&seed, -1, 1);
    net_run_set(&t->run, v, &memory->variables[variable]);
    variable += (elements + 15) / 16 * 16;
  }
  assert_true(net_run_all(&t->run));
}

static void check_evaluated(const char *lines, uint32_t lanes, bool constant, bool unfused) {
  netc n;
  netc_init(&n, NULL);
  net_ops_install(&n);
  trial t = trial_of(&n, lines, lanes, constant, unfused);
  size_t scratch = t.f->scratch_bytes;
  if (!scratch) t.f->scratch_bytes = 64; /* variables lie at their offsets all the same */
  lp_memory memory = lp_memory_new(&n.arena, t.f, true);
  lp_memory_fill(t.f, &memory, 5);
  uint64_t width = net_shape_elements(&net_graph_value_at(t.graph, t.input)->shape), seed = lanes;
  uint64_t results = net_shape_elements(&net_graph_value_at(t.graph, t.output)->shape);
  char *column = guarded(ROWS * width * sizeof(float)), *output = guarded(results * sizeof(float));
  float *row = (float *)(void *)column + ROW * width; /* the others stay NaN */
  for (uint64_t i = 0; i < width; i++) row[i] = (float)jit_random(&seed, -1, 1);
  for (lp_buffer b = 0; b < t.f->buffers.count; b++) {
    if (t.f->buffers.at[b].storage == LP_COLUMN) memory.buffers[b] = column;
    if (t.f->buffers.at[b].storage == LP_OUTPUT) memory.buffers[b] = output;
    if (t.f->buffers.at[b].storage == LP_INDEX) *(uint32_t *)memory.buffers[b] = ROW;
  }
  run_interpreter(&t, &memory, row);
  if (lp_evaluate_nests(t.f, &memory)) jit_expect_silence(&n);
  double *found = NET_NEW_ARRAY(&n.arena, double, results);
  for (uint64_t i = 0; i < results; i++) found[i] = ((float *)(void *)output)[i];
  uint64_t at;
  double distance = jit_distance(t.run.values[t.output], found, results, NULL, &at);
  if (distance > 32)
    fail_msg("%s: element %llu: %.9g, interpreter %.9g", t.what, (unsigned long long)at, found[at],
             t.run.values[t.output][at]);
  check_guard(t.what, column);
  check_guard(t.what, output);
  netc_free(&n);
}

static void check_everywhere(const char *lines) {
  for (uint32_t l = 0; l < 4; l++)
    for (int k = 0; k < 4; k++) check_evaluated(lines, lane_counts[l], k % 2, k / 2);
}

/* A layer and an element-wise function behind it. */
static void check_linear(const char *leading, uint32_t in, uint32_t out) {
  char lines[512];
  snprintf(lines, sizeof lines,
           "input x: f32[b, %s%u]\nparameter w: f32[%u, %u] = 0\nparameter c: f32[%u] = 0\n"
           "y: f32[b, %s%u] = linear(x, w, c) {features = %u}\nz: f32[b, %s%u] = relu(y)\noutput z\n",
           leading, in, out, in, out, leading, out, out, leading, out);
  check_everywhere(lines);
}

static void test_widths(void **state) {
  (void)state;
  static const uint32_t outs[] = {1, 2, 3, 4, 5, 8, 13, 15, 16, 17, 24, 31, 33, 100, 129, 145};
  static const uint32_t ins[] = {1, 2, 3, 7, 16, 33};
  for (uint32_t o = 0; o < sizeof outs / sizeof *outs; o++)
    for (uint32_t i = 0; i < sizeof ins / sizeof *ins; i++) check_linear("", ins[i], outs[o]);
  check_linear("", 250, 300); /* loops over tiles, the last of which is shorter */
  check_linear("", 131, 513);
  check_linear("3, ", 5, 7);
  check_linear("2, 3, ", 17, 20);
  check_linear("3, ", 4, 32);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_widths), cmocka_unit_test(test_networks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
