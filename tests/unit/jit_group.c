#include "tests/unit/jit_group.h"

#include "tests/unit/jit_terms.h"

/* In units of 2^-23 of the largest: a loss; variables, of 1; gradients, of their tensor's or of a tenth of
 * all (a bias in front of a batch_norm has the gradient 0). */
enum { LOSS_UNITS = 16, VARIABLE_UNITS = 64, GRADIENT_UNITS = 64 };

jit_totals jit_totals_new(net_arena *arena) {
  return (jit_totals){.seen = NET_NEW_ARRAY(arena, bool, net_op_count)};
}

void jit_group_open(jit_group *g, jit_totals *t, uint32_t target, const jit_network *network) {
  *g = (jit_group){.totals = t, .network = network};
  jit_begin(&g->n, target, &g->target);
}

jit_function *jit_group_add(jit_group *g, jit_mode mode, uint32_t batch, bool masked, bool unfused) {
  netc *n = &g->n;
  const char *name = net_arena_format(&n->arena, "%s_%u_%u", jit_mode_names[mode], batch, g->count);
  net_graph *graph = jit_network_graph(n, g->network, mode);
  assert_true(g->count < JIT_MOST_FUNCTIONS);
  for (net_node_id i = 0; i < graph->nodes.count; i++)
    if (mode != JIT_EVALUATE && !unfused) g->totals->seen[net_graph_at(graph, i)->op] = true;
  return g->functions[g->count++] =
             jit_function_new(n, &g->target, graph, name, mode == JIT_EVALUATE ? &graph->outputs : NULL,
                              batch, masked, unfused);
}

jit_function *jit_group_add_single(jit_group *g, bool constant, bool unfused) {
  netc *n = &g->n;
  const char *name = net_arena_format(&n->arena, "single_%u", g->count);
  net_graph *graph = jit_network_graph(n, g->network, JIT_EVALUATE);
  assert_true(g->count < JIT_MOST_FUNCTIONS);
  if (constant) jit_make_constant(graph, g->count);
  return g->functions[g->count++] =
             jit_function_single(n, &g->target, graph, name, &graph->outputs, unfused);
}

void jit_group_compile(jit_group *g) {
  g->jit = jit_compile(&g->n, &g->target, g->functions, g->count);
  g->totals->functions += g->count;
}

void jit_group_close(jit_group *g) {
  cg_jit_free(g->jit);
  jit_expect_silence(&g->n);
  netc_free(&g->n);
}

const char *jit_describe(jit_group *g, const jit_memory *m) {
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

jit_memory *jit_memory_for(net_arena *arena, const jit_function *f, uint32_t count) {
  jit_memory *m = jit_memory_new(arena, f, count, JIT_USUAL, 31 * count + f->batch);
  jit_memory_zero(m, ".velocity");
  poison_others(m);
  return m;
}

static size_t variable_bytes(const jit_memory *m) { return m->function->variable_floats * sizeof(float); }

static void keep(net_arena *arena, jit_record *r, const void *bytes, size_t count) {
  char *at = net_arena_alloc(arena, r->count + count + 1, 8);
  if (r->count) memcpy(at, r->bytes, r->count);
  if (count) memcpy(at + r->count, bytes, count);
  *r = (jit_record){at, r->count + count};
}

jit_record jit_record_of(net_arena *arena, const jit_memory *m) {
  const jit_function *f = m->function;
  jit_record r = {0};
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

/* What the interpreter gives, and what it gives when roundings fall otherwise: each element of sources and
 * results moved by up to a unit in its last place, at random (Monte Carlo arithmetic: Parker, Pierce and
 * Eggert, 2000). How far that moves what a step gives says how well the network determines it, so compiled
 * code may lie a few times as far away. The rounding of a mean moves all that is normalised by it alike: so
 * the results of forward operators also move together, by a unit of the terms that cancel in them. */
enum { MOVES = 3, MOVED = 8 };
typedef struct {
  const double *values, *moved[MOVES]; /* NULL: not moved */
} expectation;

static void move(net_run *run, net_value_id v, const double *terms, uint64_t *state) {
  double together = jit_random(state, -0x1p-23, 0x1p-23), *values = run->values[v];
  if (net_graph_value_at(run->graph, v)->type != NET_F32) return;
  for (uint64_t i = 0, count = net_run_elements(run, v); i < count; i++)
    values[i] += jit_random(state, -0x1p-23, 0x1p-23) * values[i] + (terms ? together * terms[i] : 0);
}

static net_run moved_run(const jit_memory *m, net_arena *arena, uint64_t seed) {
  net_run run = jit_run(m, arena);
  const net_graph *graph = run.graph;
  run.exact = true;
  for (net_value_id v = 0; v < graph->values.count; v++)
    if (net_graph_value_at(graph, v)->kind != NET_VALUE_RESULT) move(&run, v, NULL, &seed);
  for (net_node_id node = 0; node < graph->nodes.count; node++) {
    assert_true(net_run_node(&run, node));
    for (uint32_t i = net_graph_at(graph, node)->output_count; i-- > 0;) { /* the result before its mean */
      net_value_id v = net_node_output(graph, node, i);
      double *terms = NULL;
      if (net_node_op(graph, node)->user) {
        terms = NET_NEW_ARRAY(arena, double, net_run_elements(&run, v) + 1);
        jit_terms(&run, node, i, terms);
      }
      move(&run, v, terms, &seed);
    }
  }
  return run;
}

static void expect_near(const char *what, const char *name, expectation expect, const double *actual,
                        uint64_t count, double units, double least) {
  uint64_t at;
  net_arena arena;
  net_arena_init(&arena, NULL);
  double *terms = NET_NEW_ARRAY(&arena, double, count + 1), moved = 0;
  for (uint64_t i = 0; i < count; i++) terms[i] = least;
  for (uint32_t k = 0; k < MOVES && expect.moved[k]; k++)
    moved = fmax(moved, jit_distance(expect.values, expect.moved[k], count, terms, &at));
  double distance = jit_distance(expect.values, actual, count, terms, &at);
  units = fmax(units, MOVED * moved);
  if (distance > units)
    fail_msg("%s: %s[%llu]: expected %.9g, compiled %.9g: %.3g units of 2^-23 apart, %.3g allowed", what,
             name, (unsigned long long)at, expect.values[at], actual[at], distance, units);
  net_arena_free(&arena);
}

static bool is_gradient(const jit_group *g, const jit_function *f, uint32_t variable) {
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

static void expect_variables(jit_group *g, const char *what, const jit_memory *m,
                             const expectation *expected) {
  const jit_function *f = m->function;
  double largest = 0;
  net_arena arena;
  net_arena_init(&arena, NULL);
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t i = 0; i < f->bindings.variable_count; i++) {
      uint64_t count = net_shape_elements(&net_graph_value_at(f->graph, f->variable_ids[i])->shape);
      bool gradient = is_gradient(g, f, i);
      for (uint64_t k = 0; k < count && gradient; k++) largest = fmax(largest, fabs(expected[i].values[k]));
      if (pass)
        expect_near(what, net_text(&g->n, f->bindings.variables[i].name), expected[i],
                    variable_of(&arena, m, i), count, gradient ? GRADIENT_UNITS : VARIABLE_UNITS,
                    gradient ? largest / 10 : 1);
    }
  net_arena_free(&arena);
}

/* What is expected of a value, after the updates. */
static expectation expectation_of(const net_run *run, const net_run *moved, net_value_id v) {
  expectation expect = {.values = net_run_updated(run, v)};
  for (uint32_t k = 0; k < MOVES; k++) expect.moved[k] = net_run_updated(&moved[k], v);
  return expect;
}

static void expect_interpreted(jit_group *g, const jit_memory *m, net_arena *arena) {
  const jit_function *f = m->function;
  const net_graph *graph = f->graph;
  const char *what = jit_describe(g, m);
  net_run run = jit_run(m, arena), moved[MOVES];
  assert_true(net_run_all(&run));
  for (uint32_t k = 0; k < MOVES; k++) moved[k] = moved_run(m, arena, k);
  const net_value_id *losses = graph->losses.at;
  expect_near(what, "loss", expectation_of(&run, moved, losses[0]), &m->loss, 1, LOSS_UNITS, 0);
  expect_near(what, "weight sum", expectation_of(&run, moved, losses[1]), &m->weight_sum, 1, LOSS_UNITS, 0);
  if (graph->losses.count > 2) assert_int_equal(m->correct, run.values[losses[2]][0]);
  expectation *expected = NET_NEW_ARRAY(arena, expectation, f->bindings.variable_count + 1);
  for (uint32_t i = 0; i < f->bindings.variable_count; i++)
    expected[i] = expectation_of(&run, moved, f->variable_ids[i]);
  expect_variables(g, what, m, expected);
  for (uint32_t o = 0; o < f->bindings.output_count; o++) {
    net_value_id v = f->bindings.outputs[o];
    uint64_t count = net_run_elements(&run, v);
    double *actual = NET_NEW_ARRAY(arena, double, count + 1);
    for (uint64_t i = 0; i < count; i++) actual[i] = ((const float *)m->step.outputs[o])[i];
    expect_near(what, "output", expectation_of(&run, moved, v), actual, count, VARIABLE_UNITS, 1);
  }
}

/* ---- one step ---- */

/* Against the interpreter, and again: the same bits whatever lies in scratch. */
void jit_check_step(jit_group *g, const jit_function *f, uint32_t count) {
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_memory *m = jit_memory_for(&arena, f, count);
  assert_int_equal(jit_call(m), 0);
  expect_interpreted(g, m, &arena);
  jit_record first = jit_record_of(&arena, m);
  jit_memory_again(m, 77);
  assert_int_equal(jit_call(m), 0);
  jit_record second = jit_record_of(&arena, m);
  if (memcmp(first.bytes, second.bytes, first.count))
    fail_msg("%s: other bits when called again", jit_describe(g, m));
  net_arena_free(&arena);
  g->totals->calls += 2;
}

void jit_check_same(jit_group *g, const jit_function *exact, const jit_function *masked) {
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_memory *a = jit_memory_for(&arena, exact, exact->batch),
             *b = jit_memory_for(&arena, masked, exact->batch);
  assert_int_equal(jit_call(a), 0);
  assert_int_equal(jit_call(b), 0);
  expectation *expected = NET_NEW_ARRAY(&arena, expectation, exact->bindings.variable_count + 1);
  for (uint32_t i = 0; i < exact->bindings.variable_count; i++)
    expected[i].values = variable_of(&arena, a, i);
  expect_near(jit_describe(g, b), "loss", (expectation){.values = &a->loss}, &b->loss, 1, LOSS_UNITS, 0);
  assert_int_equal(a->correct, b->correct);
  expect_variables(g, jit_describe(g, b), b, expected);
  net_arena_free(&arena);
  g->totals->calls += 2;
}

/* A NaN in one row of one column: the step is left before anything is written. */
void jit_check_nan(jit_group *g, const jit_function *f, uint32_t count) {
  for (uint32_t slot = 0; slot < f->bindings.column_count; slot++) {
    const net_value *value = net_graph_value_at(f->graph, f->column_ids[slot]);
    if (value->type != NET_F32) continue;
    net_arena arena;
    net_arena_init(&arena, NULL);
    jit_memory *m = jit_memory_for(&arena, f, count);
    poison(m, slot, m->step.index[count / 2]);
    uint32_t left = jit_call(m);
    if (left != 1 || isfinite(m->loss))
      fail_msg("%s: gives %u and a loss of %g with NaN in %s", jit_describe(g, m), left, m->loss,
               net_text(&g->n, value->name));
    if (memcmp(m->step.variables, m->before, variable_bytes(m)))
      fail_msg("%s: variables were written though the loss is NaN", jit_describe(g, m));
    net_arena_free(&arena);
    g->totals->calls++;
  }
}

static void judge(void *context, const jit_memory *m, const net_run *run, net_node_id node, uint32_t output,
                  const double *expected, const double *actual) {
  jit_group *g = context;
  const net_op *op = net_node_op(run->graph, node);
  uint64_t at, count = net_run_elements(run, net_node_output(run->graph, node, output));
  double *terms = NET_NEW_ARRAY(run->arena, double, count + 1);
  jit_terms(run, node, output, terms);
  double distance = jit_distance(expected, actual, count, terms, &at);
  g->totals->nodes++;
  if (distance > op->ulps)
    fail_msg(
        "%s: %s (%s), output %u, element %llu: interpreter %.9g, compiled %.9g: %.3g units apart, %g stated",
        jit_describe(g, m), net_text(&g->n, net_graph_at(run->graph, node)->name), op->name, output,
        (unsigned long long)at, expected[at], actual[at], distance, op->ulps);
}

void jit_check_nodes(jit_group *g, const jit_function *f, uint32_t count, jit_fill fill) {
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_memory *m = fill == JIT_USUAL ? jit_memory_for(&arena, f, count)
                                    : jit_memory_new(&arena, f, count, fill, 31 * count + f->batch);
  assert_int_equal(jit_call(m), 0);
  jit_compare_nodes(m, &arena, judge, g);
  net_arena_free(&arena);
  g->totals->calls++;
}
