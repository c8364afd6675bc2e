/* Networks on codes: lowered, interpreted and compiled, against integers of any width (interpret/integer.h).
 */
#include "interpret/integer.h"
#include "ops/integer.h"
#include "passes/integer_only.h"
#include "pipeline/pipeline.h"
#include "runtime/evaluate.h"
#include "tests/unit/freeze_support.h"
#include "tests/unit/integer_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const char *const targets[] = {"sse2", "avx2", "native", "scalar"};

/* ---- running ---- */

/* Outputs of the graph as compiled code has them. */
static float **compiled(const net_run *run, const char *target, uint32_t batch, bool unfused) {
  const net_graph *g = run->graph;
  netc *n = g->n;
  pl_request request = {
      .network = g, .functions = PL_INFER, .batch = batch, .target = target, .unfused = unfused};
  request.options.print_after = request.options.stop_after = PL_STAGES;
  request.options.verify = true;
  pl_compiled *code = pl_compile(n, &request);
  if (!code) fail_msg("%s\n%s", support_message(n), support_printed(n, g));
  rt_column *columns = NET_NEW_ARRAY(&n->arena, rt_column, g->values.count + 1);
  uint32_t count = 0;
  for (net_value_id v = 0; v < g->values.count; v++)
    if (g->values.at[v].kind == NET_VALUE_INPUT)
      columns[count++] = (rt_column){.type = NET_F32,
                                     .width = (uint32_t)net_shape_elements(&g->values.at[v].shape),
                                     .data = integer_floats(run, v)};
  rt_split rows = {.rows = run->count, .inputs = columns, .input_count = count};
  float **outputs, *variables = net_arena_alloc(&n->arena, 1024, 64);
  assert_int_equal(pl_program(code)->variable_count, 0);
  assert_true(rt_predict(n, pl_program(code), &rows, 1, variables, &outputs));
  pl_free(code);
  return outputs;
}

static void expect_compiled(const net_run *run, const char *target, uint32_t batch, bool unfused) {
  const net_graph *g = run->graph;
  float **outputs = compiled(run, target, batch, unfused);
  for (uint32_t o = 0; o < g->outputs.count; o++)
    for (uint64_t i = 0; i < net_run_elements(run, g->outputs.at[o]); i++)
      if ((double)outputs[o][i] != run->values[g->outputs.at[o]][i])
        fail_msg("%s%s: output %u[%llu] is %.9g, not %.9g\n%s", target, unfused ? ", unfused" : "", o,
                 (unsigned long long)i, (double)outputs[o][i], run->values[g->outputs.at[o]][i],
                 support_printed(g->n, g));
}

/* Results of type f32: what is not in integers. */
static uint32_t count_floats(const net_graph *g) {
  uint32_t count = 0;
  for (net_value_id v = 0; v < g->values.count; v++)
    count += g->values.at[v].kind == NET_VALUE_RESULT &&
             (g->values.at[v].type == NET_F32 || g->values.at[v].type == NET_F64);
  return count;
}

/* Lowers the run's network; every output is the same in emulation, in integers of any width, on codes. */
static net_run expect_lowered(const net_run *run, bool integer_only) {
  const net_graph *g = run->graph;
  netc *n = g->n;
  net_graph *frozen = freeze_run(run, NET_PASS_freeze, g);
  net_graph *lowered = freeze_run(run, NET_PASS_lower_integer, frozen);
  net_run codes = freeze_same(run, lowered), emulated = *run;
  if (!net_run_all(&codes) || !net_run_all(&emulated)) fail_msg("%s", support_message(n));
  net_integers integers = {0};
  if (integer_only) {
    integers = integer_begin(run);
    if (!net_integers_run(&integers)) fail_msg("%s", support_message(n));
    if (count_floats(lowered) > g->outputs.count)
      fail_msg("floats are left:\n%s", support_printed(n, lowered));
  }
  for (uint32_t o = 0; o < g->outputs.count; o++)
    for (uint64_t i = 0; i < net_run_elements(run, g->outputs.at[o]); i++) {
      double want = run->values[g->outputs.at[o]][i], is = codes.values[lowered->outputs.at[o]][i];
      if (integer_only) want = (double)(float)net_integers_value(&integers, g->outputs.at[o], i);
      if (is != want && !(isnan(is) && isnan(want)))
        fail_msg("output %u[%llu] is %.9g, not %.9g, of\n%s\nas\n%s", o, (unsigned long long)i, is, want,
                 support_printed(n, g), support_printed(n, lowered));
    }
  return codes;
}

/* ---- rescaling: every sum of 16 bits ---- */

enum { SUMS = 1 << 16 };

static void expect_rescaled(const net_format_spec *spec, int fraction, bool code) {
  static const char *const roundings[] = {"half_even", "half_up", "floor", "zero"};
  netc n;
  support_init(&n);
  double low, high;
  net_format_steps(spec, &low, &high);
  int wrap = spec->overflow != NET_WRAP ? 0 : spec->is_unsigned ? -spec->width : spec->width;
  const char *text = net_arena_format(&n.arena,
                                      "graph g\n  input x: f32[b]\n"
                                      "  q: i16[b] = integer_quantize(x, _, _) {format = \"integer(16, 0)\", "
                                      "type = i16, training = false, stream = "
                                      "-1}\n  constant s: i32 = [%d]\n"
                                      "  r: i32[b] = integer_rescale(q, s, _) {rounding = %s, x_zero = 0, "
                                      "zero = 0, wrap = %d, low = %.0f, high = %.0f, type = "
                                      "i32, bits = 16}\n"
                                      "  constant u: f32 = [1]\n  y: f32[b] = integer_value(r, u) {zero = 0, "
                                      "wide = false, bits = 0}\n  output y\n",
                                      fraction - spec->fraction, roundings[spec->rounding], wrap, low, high);
  net_graph *g = support_parse(&n, text);
  net_run run = net_run_begin(&n, g, &n.arena, SUMS);
  float *x = NET_NEW_ARRAY(&n.arena, float, SUMS);
  for (int a = 0; a < SUMS; a++) x[a] = (float)(a - SUMS / 2);
  net_run_set(&run, 0, x);
  assert_true(net_run_all(&run));
  const double *y = run.values[g->outputs.at[0]];
  for (int a = 0; a < SUMS; a++) {
    int64_t q = ops_integer_rescale(spec, ldexp(1, -spec->fraction), 0, a - SUMS / 2, ldexp(1, -fraction));
    if ((double)q != y[a]) fail_msg("%d is %g, not %lld:\n%s", a - SUMS / 2, y[a], (long long)q, text);
  }
  if (code) expect_compiled(&run, "native", 256, false);
  netc_free(&n);
}

static void rescales(void **state) {
  (void)state;
  uint32_t k = 0;
  for (int s = -6; s <= 35; s = s == 18 ? 34 : s + 1)
    for (net_rounding rounding = NET_ROUND_HALF_EVEN; rounding <= NET_ROUND_ZERO; rounding++)
      for (net_overflow overflow = NET_SATURATE; overflow <= NET_SYMMETRIC; overflow++)
        for (int is_unsigned = 0; is_unsigned < 2; is_unsigned++) {
          if (overflow == NET_SYMMETRIC && is_unsigned) continue;
          int width = 2 + (int)(k * 5 % 23);
          expect_rescaled(&(net_format_spec){.family = NET_FORMAT_integer,
                                             .width = width,
                                             .fraction = 3,
                                             .is_unsigned = is_unsigned,
                                             .rounding = rounding,
                                             .overflow = overflow},
                          3 + s, k++ % 5 == 0);
        }
}

/* ---- networks ---- */

static const char *random_format(netc *n, support_random *random, int least, int most, bool wraps) {
  static const char *const roundings[] = {"half_even", "half_up", "floor", "zero"};
  static const char *const overflows[] = {"saturate", "symmetric", "wrap"};
  int width = least + (int)support_below(random, (uint32_t)(most - least + 1));
  int fraction = (int)support_below(random, (uint32_t)width + 1) - (int)support_below(random, 2);
  return net_arena_format(&n->arena, "integer(%d, %d, rounding = %s, overflow = %s)", width, fraction,
                          roundings[support_below(random, 4)],
                          overflows[support_below(random, wraps ? 3 : 2)]);
}

static const char *const chains[] = {
    "linear features=5; relu; linear features=3",
    "batch_norm; relu; linear features=5; relu",
    "linear features=7; batch_norm; relu; linear features=6 bias=false; batch_norm; relu; linear features=5",
    "linear features=20; relu; linear features=17; relu; linear features=1",
    "batch_norm; linear features=33; dropout p=0.25; flatten; linear features=2",
};
enum { CHAINS = sizeof chains / sizeof *chains };

/* Rules of random formats for everything. */
static net_graph *random_network(quantise_test *t, support_random *random, const char *layers,
                                 bool by_operator) {
  static const char *const operators[] = {"linear", "batch_norm", "relu"};
  for (uint32_t k = 0; k < (by_operator ? 4 : 1); k++)
    for (net_tensor_role role = NET_TENSOR_INPUT; role <= NET_TENSOR_OUTPUT; role++) {
      bool parameter = role == NET_TENSOR_WEIGHT || role == NET_TENSOR_BIAS;
      if (k == 3 && parameter) continue;
      if (k && support_below(random, 3) == 0) continue;
      quantise_rule(t, k ? operators[k - 1] : "default", role,
                    random_format(&t->n, random, 2, support_below(random, 3) ? 8 : 16, !parameter));
    }
  uint32_t inputs = 1 + support_below(random, 20);
  return quantise_graph(t, support_network(&t->n, "n", (net_shape){1, {inputs}}, layers));
}

static void lowers_random_networks(void **state) {
  (void)state;
  for (uint32_t k = 0; k < 60; k++) {
    quantise_test t;
    quantise_begin(&t);
    support_random random = {k + 1000};
    net_graph *g = random_network(&t, &random, chains[k % CHAINS], k % 3 != 0);
    net_integer_break first;
    if (!net_integer_only(&t.n, g, &first)) fail_msg("%s\n%s", first.reason, support_printed(&t.n, g));
    net_run run = integer_filled(&t.n, g, k, 300, 1 + k % 4);
    net_run codes = expect_lowered(&run, true);
    expect_compiled(&codes, targets[k % 4], k % 2 ? 256 : 100, k % 7 == 0);
    assert_int_equal(t.n.diagnostics.errors + t.n.diagnostics.faults, 0);
    netc_free(&t.n);
  }
}

static void lowers_fractions_per_channel(void **state) {
  (void)state;
  for (uint32_t k = 0; k < 8; k++) {
    quantise_test t;
    quantise_begin(&t);
    support_random random = {k + 5};
    static const struct {
      const char *node;
      uint32_t features, channels;
    } layers[] = {{"linear_1", 6, 9}, {"linear_2", 9, 4}};
    for (uint32_t i = 0; i < 2; i++)
      for (net_tensor_role role = NET_TENSOR_INPUT; role <= NET_TENSOR_BIAS; role++) {
        uint32_t parts = role == NET_TENSOR_INPUT ? layers[i].features : layers[i].channels;
        float *steps = NET_NEW_ARRAY(&t.n.arena, float, parts);
        for (uint32_t c = 0; c < parts; c++)
          steps[c] = ldexpf(1, -(role == NET_TENSOR_BIAS ? 5 : 3) - (int)support_below(&random, 4));
        quantise_calibrated(&t, layers[i].node, role, 0, parts, steps, NULL);
      }
    quantise_rule(&t, "default", NET_TENSOR_OUTPUT, "integer(10, 5)");
    quantise_rule(&t, "default", NET_TENSOR_INPUT, "integer(10, 6)");
    quantise_rule(&t, "linear", NET_TENSOR_INPUT, "integer(9, auto, per = channel)");
    quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, "integer(6, auto, per = channel)");
    quantise_rule(&t, "linear", NET_TENSOR_BIAS, "integer(9, auto, per = channel)");
    net_graph *g =
        support_network(&t.n, "n", (net_shape){1, {6}}, "linear features=9; relu; linear features=4");
    g = quantise_graph(&t, g);
    net_run run = integer_filled(&t.n, g, k, 300, 1);
    net_run codes = expect_lowered(&run, true);
    expect_compiled(&codes, targets[k % 4], 64, k == 5);
    netc_free(&t.n);
  }
}

/* add, sub, mul, concat, reshape on grids of their own. */
static void lowers_other_operators(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *g = support_parse(
      &n,
      "graph other\n"
      "  input jet: f32[b, 16]\n"
      "  constant half: f32[16] = [0.5, 1, 0, 2, -3, 0.25, 1, 1, 1, 1, 1, 1, 1, 1, 1, 7]\n"
      "  a: f32[b, 16] format integer(8, 5) = quantize(jet, _, _) {format = \"integer(8, 5)\"}\n"
      "  c: f32[b, 16] format integer(6, 2) = quantize(jet, _, _) {format = \"integer(6, 2)\"}\n"
      "  s: f32[b, 16] = add(a, c)\n"
      "  sq: f32[b, 16] format integer(7, 3, rounding = floor) = quantize(s, _, _) "
      "{format = \"integer(7, 3, rounding = floor)\"}\n"
      "  d: f32[b, 16] = sub(c, a)\n"
      "  dq: f32[b, 16] format integer(7, 3, rounding = floor) = quantize(d, _, _) "
      "{format = \"integer(7, 3, rounding = floor)\"}\n"
      "  p: f32[b, 16] = mul(sq, dq)\n"
      "  pq: f32[b, 16] format integer(9, 4) = quantize(p, _, _) {format = \"integer(9, 4)\"}\n"
      "  k: f32[b, 32] format integer(7, 3, rounding = floor) = concat(sq, dq) {axis = 0}\n"
      "  r: f32[b, 2, 16] format integer(7, 3, rounding = floor) = reshape(k) {shape = [2, 16]}\n"
      "  m: f32[b, 2, 16] = mul(r, pq)\n"
      "  mq: f32[b, 2, 16] format integer(12, 4, overflow = wrap) = quantize(m, _, _) "
      "{format = \"integer(12, 4, overflow = wrap)\"}\n"
      "  y: f32[b, 2, 16] format integer(12, 4, overflow = wrap) = relu(mq)\n"
      "  h: f32[b, 16] = mul(pq, half)\n"
      "  hq: f32[b, 16] format integer(6, 1) = quantize(h, _, _) {format = \"integer(6, 1)\"}\n"
      "  hr: f32[b, 16] format integer(6, 1) = relu(hq)\n"
      "  z: f32[b, 48] = concat(hr, k) {axis = 0}\n"
      "  zq: f32[b, 48] format integer(5, 2) = quantize(z, _, _) {format = \"integer(5, 2)\"}\n"
      "  output y, k, zq\n");
  net_run run = integer_filled(&n, g, 3, 300, 1);
  net_run codes = expect_lowered(&run, false);
  assert_int_equal(count_floats(codes.graph), 3);
  for (uint32_t i = 0; i < 4; i++) {
    expect_compiled(&codes, targets[i], 128, false);
    expect_compiled(&codes, targets[i], 128, true);
  }
  netc_free(&n);
}

/* Weights of two or three values are codes, too, where they lie on a grid. */
static void lowers_weights_of_few_values(void **state) {
  (void)state;
  static const struct {
    const char *weight;
    bool codes;
  } cases[] = {{"binary", true},
               {"binary(bipolar = false)", false},
               {"ternary", true},
               {"ternary(scaled = true)", false},
               {"minifloat_denorm(6, 3)", true}};
  for (uint32_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    quantise_test t;
    quantise_begin(&t);
    quantise_rule(&t, "linear", NET_TENSOR_INPUT, "integer(8, 4)");
    quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, cases[k].weight);
    quantise_rule(&t, "linear", NET_TENSOR_BIAS, "integer(12, 6)");
    quantise_rule(&t, "linear", NET_TENSOR_OUTPUT, "integer(8, 3)");
    net_graph *g =
        support_network(&t.n, "n", (net_shape){1, {11}}, "linear features=9; relu; linear features=4");
    g = quantise_graph(&t, g);
    net_run run = integer_filled(&t.n, g, k, 100, 1);
    net_run codes = expect_lowered(&run, false);
    if (support_count(codes.graph, "integer_linear") != (cases[k].codes ? 2 : 0))
      fail_msg("%s:\n%s", cases[k].weight, support_printed(&t.n, codes.graph));
    if (cases[k].codes) expect_compiled(&codes, "native", 64, false);
    netc_free(&t.n);
  }
}

/* 1 or -1 of numbers, of sums, and of the codes of others. */
static void lowers_signs(void **state) {
  (void)state;
  static const char *const inputs[] = {"binary", "binary(stochastic = true)", "integer(3, 0)"};
  static const char *const outputs[] = {"integer(12, 4)", "binary", "binary"};
  for (uint32_t k = 0; k < 3; k++) {
    quantise_test t;
    quantise_begin(&t);
    quantise_rule(&t, "linear", NET_TENSOR_INPUT, inputs[k]);
    quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, k == 1 ? "ternary" : "binary");
    quantise_rule(&t, "linear", NET_TENSOR_BIAS, k == 1 ? "binary" : "integer(8, 4)");
    quantise_rule(&t, "linear", NET_TENSOR_OUTPUT, outputs[k]);
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {13}},
                                   "linear features=21; linear features=18; relu; linear features=5");
    g = quantise_graph(&t, g);
    net_run run = integer_filled(&t.n, g, 70 + k, 200, 1);
    net_run codes = expect_lowered(&run, false);
    if (support_count(codes.graph, "integer_linear") != 3 || count_floats(codes.graph) > 2)
      fail_msg("%u:\n%s", k, support_printed(&t.n, codes.graph));
    for (uint32_t i = 0; i < 4; i++) {
      expect_compiled(&codes, targets[i], 128, false);
      expect_compiled(&codes, targets[i], 128, true);
    }
    netc_free(&t.n);
  }
}

/* Regions in a mixed network; a sum that no quantiser reads is rounded once. */
static void lowers_mixed_networks(void **state) {
  (void)state;
  static const char *const inputs[] = {"integer(8, 4)", "integer(16, 8)", "integer(12, 6, rounding = floor)"};
  for (uint32_t k = 0; k < 6; k++) {
    quantise_test t;
    quantise_begin(&t);
    quantise_rule(&t, "linear", NET_TENSOR_INPUT, inputs[k % 3]);
    quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, inputs[(k + 1) % 3]);
    if (k < 3) quantise_rule(&t, "linear", NET_TENSOR_BIAS, "integer(16, 12)");
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {8}},
                                   "linear features=9; tanh; linear features=7; relu; linear features=4");
    g = quantise_graph(&t, g);
    net_run run = integer_filled(&t.n, g, k, 100, 1);
    net_run codes = expect_lowered(&run, false);
    assert_int_equal(support_count(codes.graph, "integer_linear"), k < 3 ? 3 : 0);
    assert_int_equal(support_count(codes.graph, "tanh"), 1);
    netc_free(&t.n);
  }
}

/* ---- scaled integers: steps that are no powers of two, zero points, against the integers of the oracle ----
 */

static void random_steps(quantise_test *t, support_random *random, const char *node, net_tensor_role role,
                         uint32_t count, double about, bool zeros) {
  float *steps = NET_NEW_ARRAY(&t->n.arena, float, count);
  int32_t *points = NET_NEW_ARRAY(&t->n.arena, int32_t, count);
  for (uint32_t i = 0; i < count; i++) steps[i] = (float)(about * (1.5 + support_uniform(random)));
  for (uint32_t i = 0; i < count; i++) points[i] = (int32_t)support_below(random, 60) - 30;
  if (support_below(random, 4) == 0)
    for (uint32_t i = 0; i < count; i++) steps[i] = exp2f(rintf(log2f(steps[i])));
  quantise_calibrated(t, node, role, 0, count, steps, zeros ? points : NULL);
}

static void lowers_scaled_integers(void **state) {
  (void)state;
  for (uint32_t k = 0; k < 40; k++) {
    quantise_test t;
    quantise_begin(&t);
    support_random random = {k + 300};
    bool affine = k % 2, channels = k % 3 == 0;
    int width = k % 5 == 4 ? 5 : 8;
    const char *format =
        net_arena_format(&t.n.arena, "scaled_integer(%d%s)", width, affine ? ", affine" : "");
    const char *weight =
        net_arena_format(&t.n.arena, "scaled_integer(%d%s)", width, channels ? ", per = channel" : "");
    quantise_rule(&t, "default", NET_TENSOR_INPUT, format);
    quantise_rule(&t, "default", NET_TENSOR_OUTPUT, format);
    quantise_rule(&t, "default", NET_TENSOR_WEIGHT, weight);
    double step = width == 8 ? 0.03 : 0.2;
    random_steps(&t, &random, "linear_1", NET_TENSOR_INPUT, 1, step, affine);
    random_steps(&t, &random, "linear_1", NET_TENSOR_OUTPUT, 1, step, affine);
    random_steps(&t, &random, "relu_1", NET_TENSOR_INPUT, 1, step, affine);
    random_steps(&t, &random, "relu_1", NET_TENSOR_OUTPUT, 1, step, affine);
    random_steps(&t, &random, "linear_2", NET_TENSOR_INPUT, 1, step, affine);
    random_steps(&t, &random, "linear_2", NET_TENSOR_OUTPUT, 1, step, affine);
    random_steps(&t, &random, "linear_1", NET_TENSOR_WEIGHT, channels ? 9 : 1, step / 4, false);
    random_steps(&t, &random, "linear_2", NET_TENSOR_WEIGHT, channels ? 4 : 1, step / 4, false);
    net_graph *g =
        support_network(&t.n, "n", (net_shape){1, {12}}, "linear features=9; relu; linear features=4");
    g = quantise_graph(&t, g);
    net_integer_break first;
    if (!net_integer_only(&t.n, g, &first)) fail_msg("%s\n%s", first.reason, support_printed(&t.n, g));
    net_run run = integer_filled(&t.n, g, k, 300, 1);
    net_run codes = expect_lowered(&run, true);
    expect_compiled(&codes, targets[k % 4], k % 2 ? 256 : 100, k % 7 == 0);
    assert_int_equal(t.n.diagnostics.errors + t.n.diagnostics.faults, 0);
    netc_free(&t.n);
  }
}

/* Sums and products of other steps, and zero points that differ. */
static void lowers_sums_of_scaled_integers(void **state) {
  (void)state;
  netc n;
  support_init(&n);
#define SCALED "scaled_integer(8, scheme = affine)"
#define STEPPED(name, from, step, zero)                                                                      \
  "  " name ": f32[b, 16] format " SCALED " = quantize(" from ", " step ", " zero ") {format = \"" SCALED    \
  "\"}\n"
  net_graph *g = support_parse(
      &n,
      "graph scaled\n"
      "  input jet: f32[b, 16]\n"
      "  constant s1: f32 = [0.0373]\n  constant s2: f32 = [0.0611]\n  constant s3: f32 = [0.103]\n"
      "  constant z1: f32 = [-7]\n  constant z2: f32 = [20]\n  constant z3: f32 = [3]\n" STEPPED("a", "jet",
                                                                                                 "s1", "z1")
          STEPPED("c", "jet", "s2", "z2") "  s: f32[b, 16] = add(a, c)\n" STEPPED(
              "sq", "s", "s3",
              "z3") " \n"
                    "  d: f32[b, 16] = sub(a, c)\n" STEPPED(
                        "dq", "d", "s2",
                        "z2") "  p: f32[b, 16] = mul(a, c)\n" STEPPED("pq", "p", "s3",
                                                                      "z3") "  r: f32[b, 16] format " SCALED
                                                                            " = relu(pq)\n" STEPPED(
                                                                                "rq", "r", "s1",
                                                                                "z1") "  y: f32[b, 32] "
                                                                                      "format " SCALED
                                                                                      " = concat(sq, pq) "
                                                                                      "{axis = 0}\n"
                                                                                      "  output sq, dq, rq, "
                                                                                      "y\n");
  for (net_node_id i = 0; i < g->nodes.count; i++) /* sums take the step of the quantiser that reads them */
    if (!strcmp(net_node_op(g, i)->name, "quantize")) {
      g->nodes.at[i].owner = g->nodes.at[i].name;
      g->nodes.at[i].role = NET_TENSOR_INPUT;
    }
  net_run run = integer_filled(&n, g, 4, 300, 1);
  net_run codes = expect_lowered(&run, true);
  for (uint32_t i = 0; i < 4; i++) expect_compiled(&codes, targets[i], 128, i == 1);
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rescales),
      cmocka_unit_test(lowers_random_networks),
      cmocka_unit_test(lowers_fractions_per_channel),
      cmocka_unit_test(lowers_other_operators),
      cmocka_unit_test(lowers_weights_of_few_values), cmocka_unit_test(lowers_signs),
      cmocka_unit_test(lowers_mixed_networks),
      cmocka_unit_test(lowers_scaled_integers),
      cmocka_unit_test(lowers_sums_of_scaled_integers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
