/* Every operator, compiled node by node for every instruction set that this machine has, against the
 * interpreter: at odd shapes and batch sizes, with usual numbers and extreme ones. Each node is interpreted
 * on the compiled code's own values, so that errors do not add up; what may lie apart is what the operator's
 * row in ops.def states. */
#include "tests/unit/jit_cases.h"
#include "tests/unit/jit_terms.h"

#include <stdlib.h>

static const uint32_t widths[] = {1, 2, 3, 5, 7, 13, 16, 17, 31, 33, 64, 100};
static const struct {
  uint32_t batch, count;
  bool masked;
} calls[] = {
    {1, 1, false}, {3, 3, false}, {17, 17, false}, {256, 256, false}, {1000, 1000, false},
    {1, 1, true},  {3, 2, true},  {17, 17, true},  {256, 100, true},  {1000, 999, true},
};
enum {
  WIDTHS = sizeof widths / sizeof *widths,
  CALLS = sizeof calls / sizeof *calls,
  INSTANCES = 2,
  PARTS = 4
};

/* What was found of one operator. */
typedef struct {
  uint32_t seen[JIT_TARGETS][CALLS];
  double worst[JIT_FILLS];
  const char *where[JIT_FILLS];
} tally;

typedef struct {
  net_arena arena;
  tally *ops;
  bool ran[JIT_TARGETS];
  uint32_t target, call, nodes, functions, results;
  jit_fill fill;
} totals;

/* ---- judging ---- */

static void judge(void *context, const jit_memory *m, const net_run *run, net_node_id node, uint32_t output,
                  const double *expected, const double *actual) {
  totals *t = context;
  const net_op *op = net_node_op(run->graph, node);
  tally *of = &t->ops[net_graph_at(run->graph, node)->op];
  uint64_t at, count = net_run_elements(run, net_node_output(run->graph, node, output));
  double *terms = NET_NEW_ARRAY(run->arena, double, count + 1);
  t->results++;
  of->seen[t->target][t->call]++;
  if (!jit_defined(op->name, t->fill)) return;
  jit_terms(run, node, output, terms);
  double distance = jit_distance(expected, actual, count, terms, &at);
  if (distance <= of->worst[t->fill]) return;
  of->worst[t->fill] = distance;
  of->where[t->fill] = net_arena_format(
      &t->arena, "%s for %s, batch %u, count %u%s, output %u, element %llu: interpreter %.9g, compiled %.9g",
      net_text(run->n, net_graph_at(run->graph, node)->name), jit_target_names[t->target], m->function->batch,
      m->step.count, m->function->masked ? ", masked" : "", output, (unsigned long long)at, expected[at],
      actual[at]);
}

/* ---- graphs ---- */

/* A part of the operators. Of (width, target), (width, batch), (batch, target) every pair comes for every
 * operator. */
static net_graph *make_graph(netc *n, uint32_t target, uint32_t call, uint32_t part) {
  net_graph *g = net_graph_new(n, &n->arena, net_intern_format(n, "part_%u", part), NET_NOWHERE);
  for (uint32_t o = part; o < net_op_count; o += PARTS)
    for (uint32_t k = 0; k < INSTANCES && jit_has_case(net_ops[o].name); k++) {
      uint32_t turn = (target * CALLS + call) * INSTANCES + k;
      bool second = call >= CALLS / 2; /* masked: the widths that the exact one of that batch has not had */
      uint32_t width = (target * INSTANCES + k + 7 * (call % 5) + 6 * second + o) % WIDTHS;
      jit_maker m = {g,
                     !k,
                     widths[width],
                     widths[(turn * 5 + o) % WIDTHS],
                     calls[call].batch < 1000 ? 500 : 200,
                     (uint64_t)o << 32 | turn};
      jit_make(&m, &net_ops[o]);
    }
  return g;
}

/* Extreme numbers where they cost little; equal ones everywhere, for long sums. */
static bool wanted(uint32_t call, jit_fill fill) { return fill <= JIT_EQUAL || calls[call].batch <= 17; }

static void check_function(totals *t, const jit_function *f, uint64_t seed) {
  for (jit_fill fill = 0; fill < JIT_FILLS; fill++) {
    if (!wanted(t->call, fill)) continue;
    net_arena arena;
    net_arena_init(&arena, NULL);
    jit_memory *memory = jit_memory_new(&arena, f, calls[t->call].count, fill, seed + fill);
    t->fill = fill;
    assert_int_equal(jit_call(memory), 0);
    jit_compare_nodes(memory, &arena, judge, t);
    net_arena_free(&arena);
  }
}

static void check_call(totals *t) {
  netc n;
  cg_target target;
  jit_function *functions[PARTS];
  jit_begin(&n, t->target, &target);
  for (uint32_t p = 0; p < PARTS; p++) {
    net_graph *g = make_graph(&n, t->target, t->call, p);
    net_graph_verify(&n, g);
    jit_expect_silence(&n);
    functions[p] = jit_function_new(&n, &target, g, net_text(&n, g->name), NULL, calls[t->call].batch,
                                    calls[t->call].masked, true);
    t->nodes += g->nodes.count;
  }
  cg_jit *jit = jit_compile(&n, &target, functions, PARTS);
  for (uint32_t p = 0; p < PARTS; p++)
    check_function(t, functions[p], t->target * 1000 + t->call * 100 + p * 10);
  t->functions += PARTS;
  cg_jit_free(jit);
  jit_expect_silence(&n);
  netc_free(&n);
}

/* ---- results ---- */

static uint32_t report(const totals *t) {
  uint32_t bad = 0;
  printf("%-26s %6s %9s %9s   (in units of 2^-23 of the largest)\n", "operator", "stated", "usual",
         "extreme");
  for (uint32_t o = 0; o < net_op_count; o++) {
    double extreme = 0;
    for (jit_fill f = 1; f < JIT_FILLS; f++) extreme = fmax(extreme, t->ops[o].worst[f]);
    printf("%-26s %6.0f %9.3g %9.3g\n", net_ops[o].name, net_ops[o].ulps, t->ops[o].worst[0], extreme);
    for (jit_fill f = 0; f < JIT_FILLS; f++) {
      if (t->ops[o].worst[f] <= net_ops[o].ulps) continue;
      bad++;
      printf("  %s numbers, %.3g: %s\n", jit_fill_names[f], t->ops[o].worst[f], t->ops[o].where[f]);
    }
  }
  printf("%u nodes in %u functions compiled, %u results compared\n", t->nodes, t->functions, t->results);
  return bad;
}

static void test_operators(void **state) {
  (void)state;
  totals t = {0};
  net_arena_init(&t.arena, NULL);
  t.ops = NET_NEW_ARRAY(&t.arena, tally, net_op_count);
  for (t.target = 0; t.target < JIT_TARGETS; t.target++) {
    t.ran[t.target] = jit_runs_here(t.target);
    for (t.call = 0; t.call < CALLS && t.ran[t.target]; t.call++) check_call(&t);
  }
  uint32_t bad = report(&t);
  for (uint32_t o = 0; o < net_op_count; o++)
    for (uint32_t target = 0; target < JIT_TARGETS; target++)
      for (uint32_t c = 0; c < CALLS && t.ran[target]; c++)
        if (!t.ops[o].seen[target][c])
          fail_msg("%s was never compiled for %s, batch %u: add a case to tests/unit/jit_cases.c",
                   net_ops[o].name, jit_target_names[target], calls[c].batch);
  net_arena_free(&t.arena);
  if (bad) fail_msg("%u bounds are exceeded", bad);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_operators)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
