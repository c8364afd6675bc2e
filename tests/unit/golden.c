/* Layers and networks against what MASE gives: interpreted, and compiled and fused for every instruction set
 * that this machine has. Results of integer layers, and of networks that end in one, agree bit for bit (−0
 * equals 0); others, and gradients, within 1e-6 of the sum of the magnitudes of their terms, which come in
 * MASE's order of summation (of networks: of their largest result, for each layer). Run with files of that
 * form as arguments it compares those instead. */
#include "tests/unit/golden.h"
#include "tests/unit/recorded.h"

static const double TOLERANCE = 1e-6;

typedef struct {
  uint32_t cases, values, exact, wrong;
  uint32_t unknown, excepted; /* tensors that MASE does not give; values of its that are not finite */
  double worst;               /* of those that may differ, in parts of their terms */
  bool ran[JIT_TARGETS];
} tally;

/* ---- comparing ---- */

/* Per element of a result the sum of the magnitudes of its terms: the node run on magnitudes. A quantiser's
 * are those of what it quantises. */
static const double *terms_of(net_run *run, net_value_id v) {
  const net_graph *g = run->graph;
  net_node_id node = net_graph_value_at(g, v)->def;
  const char *op = net_node_op(g, node)->name;
  if (!strcmp(op, "quantize")) return terms_of(run, net_node_input(g, node, 0));
  if (net_node_op(g, node)->class != OP_CONTRACTION && strcmp(op, "reduce_to")) return NULL;
  net_run magnitudes = net_run_begin(run->n, g, run->arena, run->count);
  for (uint32_t i = 0; i < net_graph_at(g, node)->input_count; i++) {
    net_value_id x = net_node_input(g, node, i);
    if (x == NET_NONE) continue;
    uint64_t count = net_run_elements(run, x);
    double *sizes = NET_NEW_ARRAY(run->arena, double, count + 1);
    for (uint64_t e = 0; e < count; e++) sizes[e] = fabs(run->values[x][e]);
    net_run_set_doubles(&magnitudes, x, sizes);
  }
  assert_true(net_run_node(&magnitudes, node));
  return magnitudes.values[v];
}

static void judge(tally *t, const golden_case *c, const golden_tensor *wanted, const char *by,
                  const double *expected, const double *terms, const double *found) {
  double largest = 0, worst = 0;
  uint64_t at = 0;
  for (uint64_t i = 0; i < wanted->count; i++)
    largest = fmax(largest, isfinite(expected[i]) ? fabs(expected[i]) : 0);
  for (uint64_t i = 0; i < wanted->count; i++) {
    t->values++;
    if (!isfinite(expected[i])) { /* MASE's scale overflowed */
      t->excepted++;
      if (isfinite(found[i])) continue;
    }
    double apart = fabs(found[i] - expected[i]), unit = wanted->exact ? 0 : terms ? terms[i] : largest;
    unit *= wanted->layers;
    t->exact += apart == 0;
    if (apart == 0) continue;
    double distance = isfinite(apart) && unit > 0 ? apart / unit : INFINITY;
    if (distance > worst) worst = distance, at = i;
  }
  t->worst = fmax(t->worst, worst <= TOLERANCE ? worst : 0);
  if (worst <= TOLERANCE) return;
  t->wrong++;
  printf("%s: %s by %s, element %llu: %.9g, not %.9g%s\n", c->name, wanted->what, by, (unsigned long long)at,
         found[at], expected[at], wanted->exact ? "" : " (as close as summation allows)");
}

/* Where MASE has no backward function the gradients go straight through all the same: gx = gy · w, gw = gyᵀ ·
 * x, gb the sum of gy, with the operands of the layer as they were rounded. */
static void straight_through(const golden_case *c, const net_run *run, const char *what, double *to) {
  const net_graph *g = c->graph;
  net_node_id layer = net_graph_find(g, net_intern(g->n, "fc"));
  const double *x = run->values[net_node_input(g, layer, 0)], *w = run->values[net_node_input(g, layer, 1)];
  const double *gy = run->values[net_graph_find_value(g, net_intern(g->n, "gy"))];
  const net_shape *shape = &net_graph_value_at(g, net_node_input(g, layer, 1))->shape;
  uint32_t out = shape->dim[0], in = shape->dim[1];
  for (uint32_t s = 0; s < c->batch; s++)
    for (uint32_t o = 0; o < out; o++) {
      for (uint32_t i = 0; i < in && !strcmp(what, "gx"); i++)
        to[s * in + i] += gy[s * out + o] * w[o * in + i];
      for (uint32_t i = 0; i < in && !strcmp(what, "gw"); i++)
        to[o * in + i] += gy[s * out + o] * x[s * in + i];
      if (!strcmp(what, "gb")) to[o] += gy[s * out + o];
    }
}

/* With what MASE gives; else gradients with what it should, results with the interpreter's. */
static void compare(tally *t, const golden_case *c, net_run *run, const golden_tensor *wanted, const char *by,
                    const double *found) {
  double *expected = NET_NEW_ARRAY(run->arena, double, wanted->count + 1);
  for (uint64_t i = 0; i < wanted->count && wanted->elements; i++) expected[i] = (double)wanted->elements[i];
  if (!wanted->elements && wanted->what[0] == 'g') straight_through(c, run, wanted->what, expected);
  for (uint64_t i = 0; i < wanted->count && !wanted->elements && wanted->what[0] == 'y'; i++) {
    expected[i] = run->values[wanted->value][i]; /* MASE raises; here the layer works */
    assert_true(isfinite(expected[i]));
  }
  t->unknown += !wanted->elements;
  judge(t, c, wanted, by, expected, terms_of(run, wanted->value), found);
}

/* ---- running ---- */

static net_run interpret(tally *t, const golden_case *c, net_arena *arena) {
  net_run run = net_run_begin(c->graph->n, c->graph, arena, c->batch);
  for (uint32_t i = 0; i < c->given.count; i++)
    net_run_set(&run, c->given.at[i].value, c->given.at[i].elements);
  for (net_value_id v = 0; v < c->graph->values.count; v++) { /* statistics that nothing reads in training */
    if (c->graph->values.at[v].kind == NET_VALUE_RESULT || run.values[v]) continue;
    net_run_set_doubles(&run, v, NET_NEW_ARRAY(arena, double, net_run_elements(&run, v)));
  }
  if (!net_run_all(&run)) fail_msg("%s: %s", c->name, jit_message(run.n));
  for (uint32_t i = 0; i < c->wanted.count; i++)
    compare(t, c, &run, &c->wanted.at[i], "interpreter", run.values[c->wanted.at[i].value]);
  return run;
}

static void fill(const golden_case *c, const jit_function *f, jit_memory *m) {
  for (uint32_t i = 0; i < c->given.count; i++) {
    const golden_tensor *t = &c->given.at[i];
    const net_value *value = net_graph_value_at(c->graph, t->value);
    uint64_t width = net_shape_elements(&value->shape);
    for (uint32_t k = 0; k < f->bindings.column_count; k++) {
      if (f->column_ids[k] != t->value) continue;
      float *rows = (float *)m->step.columns[k];
      for (uint32_t s = 0; s < c->batch; s++)
        memcpy(rows + m->step.index[s] * width, t->elements + s * width, width * sizeof *rows);
    }
    for (uint32_t k = 0; k < f->bindings.variable_count; k++)
      if (f->variable_ids[k] == t->value)
        memcpy(m->before + f->bindings.variables[k].offset, t->elements, width * sizeof *t->elements);
  }
  jit_memory_again(m, 1);
}

/* Outputs are rows of samples; what there is once is in each. */
static void check_compiled(tally *t, const golden_case *c, net_run *run, const jit_function *f,
                           const char *target) {
  jit_memory *m = jit_memory_new(run->arena, f, c->batch, JIT_USUAL, 1);
  fill(c, f, m);
  assert_int_equal(jit_call(m), 0);
  for (uint32_t i = 0; i < c->wanted.count; i++) {
    const golden_tensor *wanted = &c->wanted.at[i];
    double *found = NET_NEW_ARRAY(run->arena, double, wanted->count + 1);
    for (uint64_t e = 0; e < wanted->count; e++) found[e] = ((const float *)m->step.outputs[i])[e];
    compare(t, c, run, wanted, target, found);
  }
}

static jit_function *function_of(netc *n, const cg_target *target, const golden_case *c, uint32_t number) {
  net_value_ids outputs = {0};
  for (uint32_t i = 0; i < c->wanted.count; i++) net_vec_push(&n->arena, &outputs, c->wanted.at[i].value);
  return jit_function_new(n, target, c->graph, net_arena_format(&n->arena, "case_%u", number), &outputs,
                          c->batch, false, false);
}

static void check_file(tally *t, const char *path) {
  for (uint32_t target = 0; target < JIT_TARGETS; target++) {
    netc n;
    cg_target found;
    golden_cases cases = {0};
    net_arena arena;
    jit_begin(&n, target, &found);
    golden_read(&n, path, &cases);
    jit_expect_silence(&n);
    bool first = !target;
    t->ran[target] = jit_runs_here(target);
    if (!t->ran[target] && !first) {
      netc_free(&n);
      continue;
    }
    jit_function **functions = NET_NEW_ARRAY(&n.arena, jit_function *, cases.count + 1);
    for (uint32_t i = 0; i < cases.count; i++) functions[i] = function_of(&n, &found, &cases.at[i], i);
    cg_jit *jit = t->ran[target] ? jit_compile(&n, &found, functions, cases.count) : NULL;
    for (uint32_t i = 0; i < cases.count; i++) {
      tally again = {0};
      net_arena_init(&arena, NULL);
      net_run run = interpret(first ? t : &again, &cases.at[i], &arena);
      if (jit) check_compiled(t, &cases.at[i], &run, functions[i], jit_target_names[target]);
      t->cases += first;
      net_arena_free(&arena);
    }
    if (jit) cg_jit_free(jit);
    jit_expect_silence(&n);
    netc_free(&n);
  }
}

static void say(const char *path, const tally *t) {
  printf("%s: %u cases, %u values, %u equal, the rest within %.2g of their terms; %u tensors that MASE does "
         "not give, "
         "%u values of its that are not finite; %u tensors wrong\n",
         path, t->cases, t->values, t->exact, t->worst, t->unknown, t->excepted, t->wrong);
}

/* ---- tests ---- */

static tally checked(const char *file, uint32_t cases) {
  tally t = {0};
  check_file(&t, file);
  say(file, &t);
  assert_int_equal(t.cases, cases);
  assert_int_equal(t.wrong, 0);
  return t;
}

/* How many of its results there are, the interpreter's and each target's. */
static uint32_t runs(const tally *t) {
  uint32_t count = 1;
  for (uint32_t i = 0; i < JIT_TARGETS; i++) count += t->ran[i];
  return count;
}

/* MASE's block_minifloat has no backward function: the gradients are the same straight-through ones. */
static void test_linear(void **state) {
  (void)state;
  tally t = checked("linear.tsv", 24);
  assert_int_equal(t.unknown, 2 * 3 * runs(&t));
  assert_int_equal(t.excepted, 0);
}

static void test_relu(void **state) {
  (void)state;
  tally t = checked("relu.tsv", 5);
  assert_int_equal(t.exact, 5 * 837 * runs(&t));
}

static void test_models(void **state) {
  (void)state;
  checked("models.tsv", 20);
}

static void test_research(void **state) {
  (void)state;
  tally t = checked("research.tsv", 4);
  assert_true(t.exact >= 2 * 2 * 64 * runs(&t) && !t.unknown); /* LogicNets */
}

static void test_file(void **state) {
  tally t = {0};
  check_file(&t, *state);
  say(*state, &t);
  assert_int_equal(t.wrong, 0);
}

int main(int count, char **arguments) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_linear), cmocka_unit_test(test_relu),
                                     cmocka_unit_test(test_models), cmocka_unit_test(test_research)};
  return recorded_main(count, arguments, tests, sizeof tests / sizeof *tests, test_file);
}
