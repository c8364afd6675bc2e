/* Exact sums: linear and batch_norm of operands on integer grids, beyond what binary32 holds, compiled for
 * every instruction set that this machine has, node by node and fused, against the interpreter: every bit. */
#include "formats/formats.h"
#include "tests/unit/jit_support.h"

#include <stdlib.h>

static const struct {
  uint32_t batch, count;
  bool masked;
} calls[] = {
    {1, 1, false}, {3, 3, false}, {17, 17, false}, {256, 256, false}, {1000, 1000, false},
    {3, 2, true},  {256, 100, true}, {1000, 999, true},
};
/* Formats of x, weight, bias and result; the bound of the sum in steps of its grid lies about 2^bits, for
 * `in` features. */
static const struct {
  const char *x, *weight, *bias, *result;
  uint32_t in, out, leading;
  int bits; /* 0: within binary32, not wide */
} linears[] = {
    {"integer(8, 4)", "integer(8, 4)", "integer(8, 4)", "integer(8, 4)", 33, 17, 0, 0},
    {"integer(12, 6)", "integer(12, 9)", "integer(16, 8)", "integer(16, 8)", 16, 5, 0, 26},
    {"integer(13, 6)", "integer(12, 9)", NULL, "float32", 5, 13, 0, 25},
    {"integer(16, 8, unsigned)", "integer(16, 12)", "integer(24, 20)", "integer(24, 10)", 64, 19, 0, 37},
    {"integer(18, 9)", "integer(17, 3)", "integer(20, 20)", "bfloat16", 100, 7, 0, 48},
    {"integer(16, 8)", "integer(18, 16)", NULL, "integer(16, 8, rounding = floor, overflow = wrap)", 31, 1, 3,
     37},
    {"integer(20, 10)", "integer(20, 12)", "integer(24, 8)", "minifloat(8, 4)", 3, 33, 2, 41},
    {"integer(24, 12)", "integer(24, 20)", "integer(16, 2)", "float16", 7, 8, 0, 51},
};
static const struct {
  const char *x, *weight, *bias, *result;
  uint32_t channels, later;
  bool wide, affine;
} norms[] = {
    {"integer(8, 4)", "integer(8, 4)", "integer(8, 4)", "integer(8, 4)", 17, 0, false, true},
    {"integer(8, 4)", "integer(6, 3)", "integer(10, 7)", "integer(8, 2, unsigned)", 5, 3, false, false},
    {"integer(16, 8)", "integer(12, 8)", "integer(16, 8)", "integer(16, 8)", 33, 0, true, true},
    {"integer(20, 12)", "integer(18, 12, rounding = half_up)", "integer(24, 16)", "float32", 3, 2, true,
     true},
    {"integer(8, 4)", "minifloat(8, 4)", "log(8)", "integer(8, 4)", 16, 0, false, true},
};
enum {
  CALLS = sizeof calls / sizeof *calls,
  LINEARS = sizeof linears / sizeof *linears,
  NORMS = sizeof norms / sizeof *norms
};

/* ---- graphs ---- */

typedef struct {
  net_graph *graph;
  net_value_ids outputs;
  net_node_id linears[LINEARS], norms[NORMS];
} subject;

#define TEXT(...) net_arena_format(&n->arena, __VA_ARGS__)

/* "integer(8, 4)": steps of 2^−4, from −128 to 127 of them */
static net_format_spec spec_of(netc *n, const char *text) {
  uint32_t id;
  if (!net_format_parse(n, text, strlen(text), NET_NOWHERE, &id)) fail_msg("%s: %s", text, jit_message(n));
  return *net_format_at(n, id);
}

static net_node_id node(net_graph *g, const char *op, const char *name, const net_value_id *in,
                        uint32_t count, const net_attribute *a, uint32_t attributes) {
  net_node_id id = net_graph_node(g, op, net_intern(g->n, name), in, count, a, attributes, NET_NOWHERE);
  if (id == NET_NONE) fail_msg("%s: %s", name, jit_message(g->n));
  return id;
}

static net_value_id quantized(net_graph *g, net_value_id x, const char *format) {
  netc *n = g->n;
  net_value_id in[] = {x, NET_NONE, NET_NONE};
  net_attribute a = net_attribute_text(n, "format", format);
  const char *name = TEXT("%s_q", net_text(n, net_graph_value_at(g, x)->name));
  return net_node_output(g, node(g, "quantize", name, in, 3, &a, 1), 0);
}

/* A source and its quantiser: named after the format, which says how to fill it. */
static net_value_id operand(net_graph *g, const char *name, net_value_kind kind, net_shape shape,
                            const char *format) {
  netc *n = g->n;
  bool batched = kind == NET_VALUE_INPUT;
  net_value_id v = net_graph_value(g, kind, net_intern(n, TEXT("%s: %s", name, format)), NET_F32, shape,
                                   batched, NET_NOWHERE);
  g->values.at[v].column = v;
  return quantized(g, v, format);
}

static void add_linear(subject *s, uint32_t i) {
  net_graph *g = s->graph;
  netc *n = g->n;
  uint32_t in = linears[i].in, out = linears[i].out;
  net_shape shape = linears[i].leading ? (net_shape){2, {linears[i].leading, in}} : (net_shape){1, {in}};
  const char *name = TEXT("linear_%u", i);
  net_value_id inputs[] = {
      operand(g, TEXT("%s.x", name), NET_VALUE_INPUT, shape, linears[i].x),
      operand(g, TEXT("%s.weight", name), NET_VALUE_PARAMETER, (net_shape){2, {out, in}}, linears[i].weight),
      linears[i].bias
          ? operand(g, TEXT("%s.bias", name), NET_VALUE_PARAMETER, (net_shape){1, {out}}, linears[i].bias)
          : NET_NONE};
  net_attribute a[] = {net_attribute_int(n, "features", out), net_attribute_bool(n, "bias", linears[i].bias),
                       net_attribute_bool(n, "wide", linears[i].bits)};
  s->linears[i] = node(g, "linear", name, inputs, 3, a, 3);
  net_value_id y = net_node_output(g, s->linears[i], 0);
  assert_int_equal(net_graph_value_at(g, y)->type, linears[i].bits ? NET_F64 : NET_F32);
  net_vec_push(&n->arena, &s->outputs, quantized(g, y, linears[i].result));
}

static net_value_id variable(net_graph *g, const char *name, net_value_kind kind, uint32_t channels) {
  return net_graph_value(g, kind, net_intern(g->n, name), NET_F32, (net_shape){1, {channels}}, false,
                         NET_NOWHERE);
}

static void add_norm(subject *s, uint32_t i, bool training) {
  net_graph *g = s->graph;
  netc *n = g->n;
  uint32_t channels = norms[i].channels;
  net_shape shape = norms[i].later ? (net_shape){2, {channels, norms[i].later}} : (net_shape){1, {channels}};
  const char *name = TEXT("norm_%u", i);
  bool affine = norms[i].affine;
  net_value_id inputs[] = {
      operand(g, TEXT("%s.x", name), NET_VALUE_INPUT, shape, norms[i].x),
      affine ? variable(g, TEXT("%s.weight", name), NET_VALUE_PARAMETER, channels) : NET_NONE,
      affine ? variable(g, TEXT("%s.bias", name), NET_VALUE_PARAMETER, channels) : NET_NONE,
      variable(g, TEXT("%s.running_mean", name), NET_VALUE_STATISTIC, channels),
      variable(g, TEXT("%s.running_var", name), NET_VALUE_STATISTIC, channels)};
  net_attribute a[] = {net_attribute_text(n, "weight_format", norms[i].weight),
                       net_attribute_text(n, "bias_format", norms[i].bias),
                       net_attribute_bool(n, "wide", norms[i].wide), net_attribute_bool(n, "affine", affine),
                       net_attribute_bool(n, "training", training)};
  s->norms[i] = node(g, "batch_norm", name, inputs, 5, a, 5);
  net_vec_push(&n->arena, &s->outputs, quantized(g, net_node_output(g, s->norms[i], 0), norms[i].result));
}

static subject make(netc *n, bool training) {
  subject s = {.graph = net_graph_new(n, &n->arena, net_intern(n, "exact"), NET_NOWHERE)};
  for (uint32_t i = 0; i < LINEARS && !training; i++) add_linear(&s, i);
  for (uint32_t i = 0; i < NORMS; i++) add_norm(&s, i, training);
  if (!net_graph_verify(n, s.graph)) fail_msg("%s", jit_message(n));
  return s;
}

/* ---- numbers ---- */

/* Over all of a format's range and somewhat beyond, half of them at its ends, so that sums come near their
 * bounds; or, in the middle, ties between two steps. */
static void fill(netc *n, const net_value *value, uint64_t *state, uint64_t count, float *to) {
  const char *format = strstr(net_text(n, value->name), ": ");
  if (!format) return; /* as jit_memory_new fills it */
  net_format_spec spec = spec_of(n, format + 2);
  double least, most, step = ldexp(1, -spec.fraction);
  net_format_steps(&spec, &least, &most);
  for (uint64_t i = 0; i < count; i++) {
    double q = floor(jit_random(state, least, most + 1)), kind = jit_random(state, 0, 8);
    if (kind < 3) q = most;
    else if (kind < 4) q = least;
    else if (kind < 5) q = floor(jit_random(state, least, most + 1) / 8) + 0.5;
    else if (kind < 5.5) q *= 1.5;
    to[i] = (float)(q * step);
  }
}

static void fill_all(const jit_function *f, jit_memory *m, uint64_t seed) {
  netc *n = f->graph->n;
  for (uint32_t k = 0; k < f->bindings.column_count; k++) {
    const net_value *value = net_graph_value_at(f->graph, f->column_ids[k]);
    fill(n, value, &seed, net_shape_elements(&value->shape) * m->rows, (float *)m->step.columns[k]);
  }
  for (uint32_t k = 0; k < f->bindings.variable_count; k++) {
    const net_value *value = net_graph_value_at(f->graph, f->variable_ids[k]);
    fill(n, value, &seed, net_shape_elements(&value->shape), m->before + f->bindings.variables[k].offset);
  }
  jit_memory_again(m, seed);
}

/* ---- comparing ---- */

typedef struct {
  const subject *subject;
  const char *target;
  bool training;
  double largest[LINEARS]; /* sums, in steps of their grids */
  uint64_t beyond[LINEARS], values,
      moved; /* sums that are no binary32; channels whose factors lie a step apart */
} totals;

static void expect_same(const totals *t, const jit_memory *m, const net_graph *g, net_value_id v,
                        const double *expected, const double *actual, uint64_t count) {
  for (uint64_t i = 0; i < count; i++)
    if (expected[i] != actual[i])
      fail_msg("%s for %s, batch %u%s, element %llu: interpreter %.17g, compiled %.17g",
               net_text(g->n, net_graph_value_at(g, v)->name), t->target, m->function->batch,
               m->function->masked ? ", masked" : "", (unsigned long long)i, expected[i], actual[i]);
}

static double quantize_one(const net_format_spec *spec, double x) {
  float value = (float)x;
  net_format_quantize(spec, &(net_format_tensor){.shape = &(net_shape){0}, .values = &value}, &value);
  return value;
}

/* In training a and c follow from statistics that may lie an ulp from the interpreter's; rounded to formats
 * they are the same all the same, or, very seldom, neighbours. So y must be a·x + c, exactly, with one a and
 * c for a channel that lie as close to the interpreter's as that. */
static void judge_training(totals *t, const jit_memory *m, const net_run *run, uint32_t i,
                           const double *actual) {
  const net_graph *g = run->graph;
  netc *n = g->n;
  net_node_id node_id = t->subject->norms[i];
  const double *x = run->values[net_node_input(g, node_id, 0)],
               *mean = run->values[net_node_output(g, node_id, 1)];
  const double *inverse = run->values[net_node_output(g, node_id, 2)];
  net_format_spec weight_format = spec_of(n, norms[i].weight), bias_format = spec_of(n, norms[i].bias);
  uint32_t channels = norms[i].channels, later = norms[i].later ? norms[i].later : 1;
  for (uint32_t c = 0; c < channels; c++) {
    double weight = norms[i].affine ? run->values[net_node_input(g, node_id, 1)][c] : 1;
    double bias = norms[i].affine ? run->values[net_node_input(g, node_id, 2)][c] : 0;
    double a = weight * inverse[c], shift = bias - mean[c] * a,
           slack = 1e-6 * (fabs(bias) + fabs(mean[c] * a));
    bool found = false;
    for (int k = 0; k < 9 && !found; k++) {
      double factor = quantize_one(&weight_format, a * (1 + (k / 3 - 1) * 1e-6));
      double added = quantize_one(&bias_format, shift + (k % 3 - 1) * slack);
      found = true;
      for (uint64_t e = 0; e < (uint64_t)m->step.count * later && found; e++) {
        uint64_t at = (e / later * channels + c) * later + e % later;
        double y = factor * x[at] + added;
        found = actual[at] == (norms[i].wide ? y : (double)(float)y);
      }
      t->moved += found && k != 0 && factor != quantize_one(&weight_format, a);
    }
    if (!found)
      fail_msg("norm_%u for %s, batch %u, channel %u: no a and c give the results", i, t->target,
               m->function->batch, c);
  }
}

static void judge(void *context, const jit_memory *m, const net_run *run, net_node_id node_id,
                  uint32_t output, const double *expected, const double *actual) {
  totals *t = context;
  const net_graph *g = run->graph;
  net_value_id v = net_node_output(g, node_id, output);
  uint64_t count = net_run_elements(run, v);
  t->values += count;
  for (uint32_t i = 0; i < NORMS && t->training; i++) {
    if (t->subject->norms[i] != node_id) continue;
    if (!output) judge_training(t, m, run, i, actual);
    return; /* statistics: jit_ops.c */
  }
  expect_same(t, m, g, v, expected, actual, count);
  for (uint32_t i = 0; i < LINEARS && !t->training; i++) {
    if (t->subject->linears[i] != node_id) continue;
    net_format_spec x = spec_of(g->n, linears[i].x), w = spec_of(g->n, linears[i].weight);
    int grid = x.fraction + w.fraction;
    if (linears[i].bias && spec_of(g->n, linears[i].bias).fraction > grid)
      grid = spec_of(g->n, linears[i].bias).fraction;
    for (uint64_t e = 0; e < count; e++) {
      t->largest[i] = fmax(t->largest[i], ldexp(fabs(actual[e]), grid));
      t->beyond[i] += actual[e] != (double)(float)actual[e];
    }
  }
}

/* Node by node, and fused: what comes out is the same. */
static void check_call(totals *t, uint32_t target, uint32_t call) {
  netc n;
  cg_target found;
  net_arena arena;
  jit_begin(&n, target, &found);
  subject s = make(&n, t->training);
  jit_function *functions[2];
  for (int unfused = 0; unfused < 2; unfused++)
    functions[unfused] = jit_function_new(&n, &found, s.graph, unfused ? "apart" : "fused", &s.outputs,
                                          calls[call].batch, calls[call].masked, unfused);
  cg_jit *jit = jit_compile(&n, &found, functions, 2);
  net_arena_init(&arena, NULL);
  jit_memory *memories[2];
  for (int unfused = 0; unfused < 2; unfused++) {
    memories[unfused] = jit_memory_new(&arena, functions[unfused], calls[call].count, JIT_USUAL, 7 + call);
    fill_all(functions[unfused], memories[unfused], 100 * target + call);
    assert_int_equal(jit_call(memories[unfused]), 0);
  }
  t->subject = &s;
  jit_compare_nodes(memories[1], &arena, judge, t);
  for (uint32_t i = 0; i < s.outputs.count; i++) {
    uint64_t count =
        net_shape_elements(&net_graph_value_at(s.graph, s.outputs.at[i])->shape) * calls[call].count;
    const float *apart = memories[1]->step.outputs[i], *fused = memories[0]->step.outputs[i];
    for (uint64_t e = 0; e < count && !t->training; e++) /* statistics are summed otherwise when fused */
      if (apart[e] != fused[e])
        fail_msg("%s for %s, batch %u, element %llu: %.9g fused, %.9g alone",
                 net_text(&n, net_graph_value_at(s.graph, s.outputs.at[i])->name), t->target,
                 calls[call].batch, (unsigned long long)e, (double)fused[e], (double)apart[e]);
  }
  net_arena_free(&arena);
  cg_jit_free(jit);
  jit_expect_silence(&n);
  netc_free(&n);
}

static void check(bool training) {
  totals t = {.training = training};
  for (uint32_t target = 0; target < JIT_TARGETS; target++) {
    t.target = jit_target_names[target];
    for (uint32_t call = 0; call < CALLS && jit_runs_here(target); call++) check_call(&t, target, call);
  }
  printf("%llu values, %llu channels moved a step\n", (unsigned long long)t.values,
         (unsigned long long)t.moved);
  for (uint32_t i = 0; i < LINEARS && !training && t.values; i++) {
    printf("linear_%u: sums up to 2^%.1f steps, %llu beyond binary32\n", i, log2(t.largest[i]),
           (unsigned long long)t.beyond[i]);
    assert_true(linears[i].bits ? t.largest[i] > ldexp(1, linears[i].bits - 3) && t.beyond[i]
                                : t.largest[i] < 0x1p24 && !t.beyond[i]);
    assert_true(t.largest[i] <= 0x1p53);
  }
}

static void test_exact(void **state) {
  (void)state;
  check(false);
}

static void test_training(void **state) {
  (void)state;
  check(true);
}

/* ---- gradients ---- */

/* The gradient of an f64 sum is f32, and that of what it is rounded to. */
static void test_gradient(void **state) {
  (void)state;
  netc n;
  cg_target found;
  jit_begin(&n, 3, &found);
  net_arena arena;
  net_arena_init(&arena, NULL);
  const double *results[2][3];
  uint64_t counts[3];
  for (int wide = 0; wide < 2; wide++) {
    net_graph *g = net_graph_new(&n, &arena, net_intern(&n, "g"), NET_NOWHERE);
    net_value_id in[] = {operand(g, "x", NET_VALUE_INPUT, (net_shape){2, {2, 7}}, "integer(16, 8)"),
                         operand(g, "w", NET_VALUE_PARAMETER, (net_shape){2, {5, 7}}, "integer(16, 8)"),
                         operand(g, "b", NET_VALUE_PARAMETER, (net_shape){1, {5}}, "integer(16, 8)")};
    net_attribute a[] = {net_attribute_int(&n, "features", 5), net_attribute_bool(&n, "wide", wide)};
    net_node_id linear = node(g, "linear", "fc", in, 3, a, 2);
    net_value_id y = quantized(g, net_node_output(g, linear, 0), "integer(16, 4)");
    net_value_id dy = net_graph_value(g, NET_VALUE_INPUT, net_intern(&n, "dy"), NET_F32,
                                      (net_shape){2, {2, 5}}, true, NET_NOWHERE);
    g->values.at[dy].column = 9;
    net_value_id dx[3] = {NET_NONE, NET_NONE, NET_NONE}, through[3] = {NET_NONE, NET_NONE, NET_NONE};
    bool wanted[] = {true, true, true}, first[] = {true, false, false};
    net_gradient ask = {g, net_graph_value_at(g, y)->def, &dy, through, first, 1};
    assert_true(net_node_op(g, ask.node)->gradient(&ask));
    ask = (net_gradient){g, linear, through, dx, wanted, 1};
    assert_true(net_node_op(g, linear)->gradient(&ask));
    assert_true(net_graph_verify(&n, g));
    net_run run = net_run_begin(&n, g, &arena, 3);
    uint64_t draws = 11;
    for (net_value_id v = 0; v < g->values.count; v++) {
      if (net_graph_value_at(g, v)->kind == NET_VALUE_RESULT) continue;
      uint64_t count = net_run_elements(&run, v);
      double *elements = NET_NEW_ARRAY(&arena, double, count);
      for (uint64_t i = 0; i < count; i++) elements[i] = (float)jit_random(&draws, -40, 40);
      net_run_set_doubles(&run, v, elements);
    }
    assert_true(net_run_all(&run));
    for (int i = 0; i < 3; i++) {
      assert_int_equal(net_graph_value_at(g, dx[i])->type, NET_F32);
      results[wide][i] = run.values[dx[i]];
      counts[i] = net_run_elements(&run, dx[i]);
    }
  }
  for (int i = 0; i < 3; i++) assert_memory_equal(results[0][i], results[1][i], counts[i] * sizeof(double));
  jit_expect_silence(&n);
  net_arena_free(&arena);
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_exact), cmocka_unit_test(test_training),
                                     cmocka_unit_test(test_gradient)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
