/* Whole steps, compiled and fused for every instruction set that this machine has, against the interpreter:
 * losses, outputs, gradients, variables after the update. The interpreter runs the whole step by itself, so
 * that what may lie apart is what all roundings come to. */
#include "runtime/threads.h"
#include "tests/unit/jit_networks.h"
#include "tests/unit/jit_terms.h"

static const uint32_t batches[] = {1, 3, 17, 256, 1000};
enum { BATCHES = sizeof batches / sizeof *batches, MOST_FUNCTIONS = 8 };

/* In units of 2^-23 of the largest: a loss; variables, of 1; gradients, of their tensor's or of a tenth of
 * all (a bias in front of a batch_norm has the gradient 0). */
enum { LOSS_UNITS = 16, VARIABLE_UNITS = 64, GRADIENT_UNITS = 64 };

typedef struct {
  uint32_t functions, calls, nodes;
  bool *seen; /* by operator: in fused training steps */
} totals;

/* A network's functions for one target. */
typedef struct {
  totals *totals;
  netc n;
  cg_target target;
  const jit_network *network;
  jit_function *functions[MOST_FUNCTIONS];
  uint32_t count;
  cg_jit *jit;
} group;

static void open_group(group *g, totals *t, uint32_t target, const jit_network *network) {
  *g = (group){.totals = t, .network = network};
  jit_begin(&g->n, target, &g->target);
}

static jit_function *add(group *g, jit_mode mode, uint32_t batch, bool masked, bool unfused) {
  netc *n = &g->n;
  const char *name = net_arena_format(&n->arena, "%s_%u_%u", jit_mode_names[mode], batch, g->count);
  net_graph *graph = jit_network_graph(n, g->network, mode);
  assert_true(g->count < MOST_FUNCTIONS);
  for (net_node_id i = 0; i < graph->nodes.count; i++)
    if (mode != JIT_EVALUATE && !unfused) g->totals->seen[net_graph_at(graph, i)->op] = true;
  return g->functions[g->count++] =
             jit_function_new(n, &g->target, graph, name, mode == JIT_EVALUATE ? &graph->outputs : NULL,
                              batch, masked, unfused);
}

static void compile(group *g) {
  g->jit = jit_compile(&g->n, &g->target, g->functions, g->count);
  g->totals->functions += g->count;
}

static void close_group(group *g) {
  cg_jit_free(g->jit);
  jit_expect_silence(&g->n);
  netc_free(&g->n);
}

static const char *describe(group *g, const jit_memory *m) {
  const jit_function *f = m->function;
  return net_arena_format(&g->n.arena, "%s: %s for %s, count %u%s%s", g->network->name, f->name,
                          g->target.name, m->step.count, f->masked ? ", masked" : "",
                          f->unfused ? ", unfused" : "");
}

/* ---- memory ---- */

static void poison(const jit_memory *m, uint32_t slot, uint32_t row) {
  const net_value *value = net_graph_value_at(m->function->graph, m->function->column_ids[slot]);
  uint64_t width = net_shape_elements(&value->shape);
  float *column = (float *)(uintptr_t)m->step.columns[slot];
  for (uint64_t i = 0; i < width && value->type == NET_F32; i++) column[row * width + i] = NAN;
}

/* Rows that the batch does not have must not matter. */
static void poison_others(const jit_memory *m) {
  for (uint32_t row = 0; row < m->rows; row++) {
    bool used = false;
    for (uint32_t i = 0; i < m->step.count; i++) used |= m->step.index[i] == row;
    for (uint32_t slot = 0; slot < m->function->bindings.column_count && !used; slot++) poison(m, slot, row);
  }
}

/* Velocities begin at 0, so that they are the gradients behind the step. */
static jit_memory *memory_for(net_arena *arena, const jit_function *f, uint32_t count) {
  jit_memory *m = jit_memory_new(arena, f, count, JIT_USUAL, 31 * count + f->batch);
  jit_memory_zero(m, ".velocity");
  poison_others(m);
  return m;
}

static size_t variable_bytes(const jit_memory *m) { return m->function->variable_floats * sizeof(float); }

/* All that a call gave: results, variables, outputs; in the arena. */
typedef struct {
  char *bytes;
  size_t count;
} record;

static void keep(net_arena *arena, record *r, const void *bytes, size_t count) {
  char *at = net_arena_alloc(arena, r->count + count + 1, 8);
  if (r->count) memcpy(at, r->bytes, r->count);
  if (count) memcpy(at + r->count, bytes, count);
  *r = (record){at, r->count + count};
}

static record record_of(net_arena *arena, const jit_memory *m) {
  const jit_function *f = m->function;
  record r = {0};
  keep(arena, &r, &m->loss, sizeof m->loss);
  keep(arena, &r, &m->weight_sum, sizeof m->weight_sum);
  keep(arena, &r, &m->correct, sizeof m->correct);
  keep(arena, &r, m->step.variables, variable_bytes(m));
  for (uint32_t i = 0; i < f->bindings.output_count; i++) {
    net_shape shape = net_graph_value_at(f->graph, f->bindings.outputs[i])->shape;
    keep(arena, &r, m->step.outputs[i], net_shape_elements(&shape) * m->step.count * sizeof(float));
  }
  return r;
}

/* ---- comparing ---- */

static void expect_near(const char *what, const char *name, const double *expected, const double *actual,
                        uint64_t count, double units, double least) {
  uint64_t at;
  net_arena arena;
  net_arena_init(&arena, NULL);
  double *terms = NET_NEW_ARRAY(&arena, double, count + 1);
  for (uint64_t i = 0; i < count; i++) terms[i] = least;
  double distance = jit_distance(expected, actual, count, terms, &at);
  if (distance > units)
    fail_msg("%s: %s[%llu]: expected %.9g, compiled %.9g: %.3g units of 2^-23 apart, %g allowed", what, name,
             (unsigned long long)at, expected[at], actual[at], distance, units);
  net_arena_free(&arena);
}

static bool is_gradient(const group *g, const jit_function *f, uint32_t variable) {
  return strstr(net_text(&g->n, f->bindings.variables[variable].name), ".velocity") != NULL;
}

static const double *variable_of(net_arena *arena, const jit_memory *m, uint32_t variable) {
  const jit_function *f = m->function;
  uint64_t count = net_shape_elements(&net_graph_value_at(f->graph, f->variable_ids[variable])->shape);
  double *elements = NET_NEW_ARRAY(arena, double, count + 1);
  for (uint64_t i = 0; i < count; i++)
    elements[i] = m->step.variables[f->bindings.variables[variable].offset + i];
  return elements;
}

static void expect_variables(group *g, const char *what, const jit_memory *m, const double *const *expected) {
  const jit_function *f = m->function;
  double largest = 0;
  net_arena arena;
  net_arena_init(&arena, NULL);
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t i = 0; i < f->bindings.variable_count; i++) {
      uint64_t count = net_shape_elements(&net_graph_value_at(f->graph, f->variable_ids[i])->shape);
      bool gradient = is_gradient(g, f, i);
      for (uint64_t k = 0; k < count && gradient; k++) largest = fmax(largest, fabs(expected[i][k]));
      if (pass)
        expect_near(what, net_text(&g->n, f->bindings.variables[i].name), expected[i],
                    variable_of(&arena, m, i), count, gradient ? GRADIENT_UNITS : VARIABLE_UNITS,
                    gradient ? largest / 10 : 1);
    }
  net_arena_free(&arena);
}

static void expect_interpreted(group *g, const jit_memory *m, net_arena *arena) {
  const jit_function *f = m->function;
  const net_graph *graph = f->graph;
  const char *what = describe(g, m);
  net_run run = jit_run(m, arena);
  assert_true(net_run_all(&run));
  expect_near(what, "loss", run.values[graph->losses.at[0]], &m->loss, 1, LOSS_UNITS, 0);
  expect_near(what, "weight sum", run.values[graph->losses.at[1]], &m->weight_sum, 1, LOSS_UNITS, 0);
  if (graph->losses.count > 2) assert_int_equal(m->correct, run.values[graph->losses.at[2]][0]);
  const double **expected = NET_NEW_ARRAY(arena, const double *, f->bindings.variable_count + 1);
  for (uint32_t i = 0; i < f->bindings.variable_count; i++)
    expected[i] = net_run_updated(&run, f->variable_ids[i]);
  expect_variables(g, what, m, expected);
  for (uint32_t o = 0; o < f->bindings.output_count; o++) {
    net_value_id v = f->bindings.outputs[o];
    uint64_t count = net_run_elements(&run, v);
    double *actual = NET_NEW_ARRAY(arena, double, count + 1);
    for (uint64_t i = 0; i < count; i++) actual[i] = ((const float *)m->step.outputs[o])[i];
    expect_near(what, "output", run.values[v], actual, count, VARIABLE_UNITS, 1);
  }
}

/* ---- one step ---- */

/* Against the interpreter, and again: the same bits whatever lies in scratch. */
static void check_step(group *g, const jit_function *f, uint32_t count) {
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_memory *m = memory_for(&arena, f, count);
  assert_int_equal(jit_call(m), 0);
  expect_interpreted(g, m, &arena);
  record first = record_of(&arena, m);
  jit_memory_again(m, 77);
  assert_int_equal(jit_call(m), 0);
  record second = record_of(&arena, m);
  if (memcmp(first.bytes, second.bytes, first.count))
    fail_msg("%s: other bits when called again", describe(g, m));
  net_arena_free(&arena);
  g->totals->calls += 2;
}

static void check_same(group *g, const jit_function *exact, const jit_function *masked) {
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_memory *a = memory_for(&arena, exact, exact->batch), *b = memory_for(&arena, masked, exact->batch);
  assert_int_equal(jit_call(a), 0);
  assert_int_equal(jit_call(b), 0);
  const double **expected = NET_NEW_ARRAY(&arena, const double *, exact->bindings.variable_count + 1);
  for (uint32_t i = 0; i < exact->bindings.variable_count; i++) expected[i] = variable_of(&arena, a, i);
  expect_near(describe(g, b), "loss", &a->loss, &b->loss, 1, LOSS_UNITS, 0);
  assert_int_equal(a->correct, b->correct);
  expect_variables(g, describe(g, b), b, expected);
  net_arena_free(&arena);
  g->totals->calls += 2;
}

/* A NaN in one row of one column: the step is left before anything is written. */
static void check_nan(group *g, const jit_function *f, uint32_t count) {
  for (uint32_t slot = 0; slot < f->bindings.column_count; slot++) {
    const net_value *value = net_graph_value_at(f->graph, f->column_ids[slot]);
    if (value->type != NET_F32) continue;
    net_arena arena;
    net_arena_init(&arena, NULL);
    jit_memory *m = memory_for(&arena, f, count);
    poison(m, slot, m->step.index[count / 2]);
    uint32_t left = jit_call(m);
    if (left != 1 || isfinite(m->loss))
      fail_msg("%s: gives %u and a loss of %g with NaN in %s", describe(g, m), left, m->loss,
               net_text(&g->n, value->name));
    if (memcmp(m->step.variables, m->before, variable_bytes(m)))
      fail_msg("%s: variables were written though the loss is NaN", describe(g, m));
    net_arena_free(&arena);
    g->totals->calls++;
  }
}

static void judge(void *context, const jit_memory *m, const net_run *run, net_node_id node, uint32_t output,
                  const double *expected, const double *actual) {
  group *g = context;
  const net_op *op = net_node_op(run->graph, node);
  uint64_t at, count = net_run_elements(run, net_node_output(run->graph, node, output));
  double *terms = NET_NEW_ARRAY(run->arena, double, count + 1);
  jit_terms(run, node, output, terms);
  double distance = jit_distance(expected, actual, count, terms, &at);
  g->totals->nodes++;
  if (distance > op->ulps)
    fail_msg(
        "%s: %s (%s), output %u, element %llu: interpreter %.9g, compiled %.9g: %.3g units apart, %g stated",
        describe(g, m), net_text(&g->n, net_graph_at(run->graph, node)->name), op->name, output,
        (unsigned long long)at, expected[at], actual[at], distance, op->ulps);
}

static void check_nodes(group *g, const jit_function *f, uint32_t count) {
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_memory *m = memory_for(&arena, f, count);
  assert_int_equal(jit_call(m), 0);
  jit_compare_nodes(m, &arena, judge, g);
  net_arena_free(&arena);
  g->totals->calls++;
}

/* ---- all networks ---- */

static uint32_t batch_of(const jit_network *network, uint32_t turn) {
  uint32_t batch = batches[turn % BATCHES];
  return batch == 1 && network->norm ? 17 : batch;
}

/* Less than the batch; three samples at least, or normalisation leaves little but signs. */
static uint32_t fewer(uint32_t batch) { return batch > 3 ? batch * 2 / 3 : batch; }

static void check_network(totals *t, uint32_t target, uint32_t index) {
  group g;
  open_group(&g, t, target, &jit_networks[index]);
  uint32_t b = batch_of(g.network, index + target), c = batch_of(g.network, index + 2 * target + 1);
  jit_function *exact = add(&g, JIT_SGD, b, false, false), *masked = add(&g, JIT_SGD, b, true, false);
  jit_function *other = add(&g, JIT_NESTEROV + (index + target) % 3, c, index % 2, false);
  jit_function *evaluate = add(&g, JIT_EVALUATE, c, target % 2, false);
  jit_function *nodes = add(&g, JIT_SGD + (index + target) % JIT_OPTIMIZERS, b, target % 2, true);
  compile(&g);
  check_step(&g, exact, b);
  check_step(&g, masked, fewer(b));
  check_step(&g, other, other->masked ? fewer(c) : c);
  check_step(&g, evaluate, evaluate->masked ? fewer(c) : c);
  check_same(&g, exact, masked);
  check_nan(&g, exact, b);
  check_nan(&g, masked, fewer(b));
  check_nodes(&g, nodes, nodes->masked ? fewer(b) : b);
  close_group(&g);
}

static bool is_wanted(const net_op *op) {
  size_t length = strlen(op->name);
  bool gradient = length > 9 && !strcmp(op->name + length - 9, "_gradient");
  return gradient || op->user || op->class == OP_LOSS || op->class == OP_UPDATE;
}

static void test_networks(void **state) {
  (void)state;
  totals t = {0};
  net_arena arena;
  net_arena_init(&arena, NULL);
  t.seen = NET_NEW_ARRAY(&arena, bool, net_op_count);
  for (uint32_t target = 0; target < JIT_TARGETS; target++) {
    bool runs = jit_runs_here(target);
    for (uint32_t i = 0; i < jit_network_count && runs; i++) check_network(&t, target, i);
  }
  for (uint32_t o = 0; o < net_op_count && t.functions; o++)
    if (is_wanted(&net_ops[o]) && !t.seen[o])
      fail_msg("no network trains with %s: add one to tests/unit/jit_networks.c", net_ops[o].name);
  printf("%u networks, %u functions compiled, %u calls, %u results of nodes compared\n", jit_network_count,
         t.functions, t.calls, t.nodes);
  net_arena_free(&arena);
}

/* ---- threads ---- */

/* Passes work on, and counts; or does it backwards, one iteration at a time. */
typedef struct {
  rt_pool pool;
  void (*real)(void *pool, rt_work work, const void *context, uint32_t count);
  uint32_t calls, iterations;
} counting;

static void count_work(void *pool, rt_work work, const void *context, uint32_t count) {
  counting *c = pool;
  c->calls++;
  c->iterations += count;
  c->real(&c->pool, work, context, count);
}

static void work_backwards(void *pool, rt_work work, const void *context, uint32_t count) {
  (void)pool;
  while (count--) work(context, count, count + 1);
}

static void check_threads(group *g, const jit_function *f, uint32_t count) {
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_memory *m = memory_for(&arena, f, count);
  assert_int_equal(jit_call(m), 0);
  record alone = record_of(&arena, m);
  for (uint32_t threads = 1; threads <= 3; threads++) {
    counting c = {.real = work_backwards};
    if (threads > 1) {
      rt_threads_use(&c.pool, threads, &m->step);
      c.real = m->step.parallel_for;
    }
    m->step.parallel_for = count_work;
    m->step.pool = &c;
    jit_memory_again(m, threads);
    assert_int_equal(jit_call(m), 0);
    record shared = record_of(&arena, m);
    if (c.calls < 5 || c.iterations <= c.calls)
      fail_msg("%s: %u nests share %u iterations", describe(g, m), c.calls, c.iterations);
    if (memcmp(alone.bytes, shared.bytes, alone.count))
      fail_msg("%s: other bits with %u threads", describe(g, m), threads);
    g->totals->calls++;
  }
  net_arena_free(&arena);
}

static void test_threads(void **state) {
  (void)state;
  totals t = {0};
  net_arena arena;
  net_arena_init(&arena, NULL);
  t.seen = NET_NEW_ARRAY(&arena, bool, net_op_count);
  for (uint32_t target = 0; target < JIT_TARGETS; target++) {
    group g;
    if (!jit_runs_here(target)) continue;
    open_group(&g, &t, target, jit_network_find("broad"));
    jit_function *exact = add(&g, JIT_ADAM, 1000, false, false),
                 *masked = add(&g, JIT_ADAM, 1000, true, false);
    compile(&g);
    check_threads(&g, exact, 1000);
    check_threads(&g, masked, 777);
    close_group(&g);
  }
  printf("%u functions, %u calls with threads\n", t.functions, t.calls);
  net_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_networks), cmocka_unit_test(test_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
