/* Whole steps, compiled and fused for every instruction set that this machine has, against the interpreter:
 * losses, outputs, gradients, variables after the update. The interpreter runs the whole step by itself, so
 * that what may lie apart is what all roundings come to. */
#include "runtime/threads.h"
#include "tests/unit/jit_group.h"

static const uint32_t batches[] = {1, 3, 17, 256, 1000};
enum { BATCHES = sizeof batches / sizeof *batches };

/* ---- all networks ---- */

static uint32_t batch_of(const jit_network *network, uint32_t turn) {
  uint32_t batch = batches[turn % BATCHES];
  return batch == 1 && network->norm ? 17 : batch;
}

/* Less than the batch; three samples at least, or normalisation leaves little but signs. */
static uint32_t fewer(uint32_t batch) { return batch > 3 ? batch * 2 / 3 : batch; }

static void check_network(jit_totals *t, uint32_t target, uint32_t index) {
  jit_group g;
  jit_group_open(&g, t, target, &jit_networks[index]);
  uint32_t b = batch_of(g.network, index + target), c = batch_of(g.network, index + 2 * target + 1);
  jit_function *exact = jit_group_add(&g, JIT_SGD, b, false, false),
               *masked = jit_group_add(&g, JIT_SGD, b, true, false);
  jit_function *other = jit_group_add(&g, JIT_NESTEROV + (index + target) % 3, c, index % 2, false);
  jit_function *evaluate = jit_group_add(&g, JIT_EVALUATE, c, target % 2, false);
  jit_function *nodes = jit_group_add(&g, JIT_SGD + (index + target) % JIT_OPTIMIZERS, b, target % 2, true);
  jit_group_compile(&g);
  jit_check_step(&g, exact, b);
  jit_check_step(&g, masked, fewer(b));
  jit_check_step(&g, other, other->masked ? fewer(c) : c);
  jit_check_step(&g, evaluate, evaluate->masked ? fewer(c) : c);
  jit_check_same(&g, exact, masked);
  jit_check_nan(&g, exact, b);
  jit_check_nan(&g, masked, fewer(b));
  jit_check_nodes(&g, nodes, nodes->masked ? fewer(b) : b, JIT_USUAL);
  jit_group_close(&g);
}

static bool is_wanted(const net_op *op) {
  size_t length = strlen(op->name);
  bool gradient = length > 9 && !strcmp(op->name + length - 9, "_gradient");
  if (!strcmp(op->name, "quantize_gradient"))
    return false; /* steps of a grid are no roundings: jit_formats */
  return gradient || op->user || op->class == OP_LOSS || op->class == OP_UPDATE;
}

static void test_networks(void **state) {
  (void)state;
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_totals t = jit_totals_new(&arena);
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

static void check_threads(jit_group *g, const jit_function *f, uint32_t count) {
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_memory *m = jit_memory_for(&arena, f, count);
  assert_int_equal(jit_call(m), 0);
  jit_record alone = jit_record_of(&arena, m);
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
    jit_record shared = jit_record_of(&arena, m);
    if (c.calls < 5 || c.iterations <= c.calls)
      fail_msg("%s: %u nests share %u iterations", jit_describe(g, m), c.calls, c.iterations);
    if (memcmp(alone.bytes, shared.bytes, alone.count))
      fail_msg("%s: other bits with %u threads", jit_describe(g, m), threads);
    g->totals->calls++;
  }
  net_arena_free(&arena);
}

static void test_threads(void **state) {
  (void)state;
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_totals t = jit_totals_new(&arena);
  for (uint32_t target = 0; target < JIT_TARGETS; target++) {
    jit_group g;
    if (!jit_runs_here(target)) continue;
    jit_group_open(&g, &t, target, jit_network_find("broad"));
    jit_function *exact = jit_group_add(&g, JIT_ADAM, 1000, false, false),
                 *masked = jit_group_add(&g, JIT_ADAM, 1000, true, false);
    jit_group_compile(&g);
    check_threads(&g, exact, 1000);
    check_threads(&g, masked, 777);
    jit_group_close(&g);
  }
  printf("%u functions, %u calls with threads\n", t.functions, t.calls);
  net_arena_free(&arena);
}

/* ---- long sums ---- */

/* Roundings of equal terms all go one way: sums over a large batch must not be one long row of additions. */
static void test_equal(void **state) {
  static const jit_network network = {.name = "equal",
                                      .text = "(x: f32[64]) { x -> linear(64) -> tanh -> out: linear(7) }",
                                      .losses = {"mse"},
                                      .predictions = {"out"}};
  (void)state;
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_totals t = jit_totals_new(&arena);
  for (uint32_t target = 0; target < JIT_TARGETS; target++) {
    jit_group g;
    if (!jit_runs_here(target)) continue;
    jit_group_open(&g, &t, target, &network);
    jit_function *exact = jit_group_add(&g, JIT_SGD, 4096, false, true);
    jit_group_compile(&g);
    jit_check_nodes(&g, exact, 4096, JIT_EQUAL);
    jit_group_close(&g);
  }
  net_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_networks), cmocka_unit_test(test_threads),
                                     cmocka_unit_test(test_equal)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
