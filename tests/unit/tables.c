/* Functions that are looked up: every code of an input against the formulas of ops/table.h, in emulation, in
 * integers, on codes and compiled; softmax on all vectors of small codes. */
#include "interpret/integer.h"
#include "ops/table.h"
#include "passes/integer_only.h"
#include "pipeline/pipeline.h"
#include "runtime/evaluate.h"
#include "tests/unit/freeze_support.h"
#include "tests/unit/ops_cases.h"

static const char *const targets[] = {"sse2", "avx2", "native", "scalar"};

/* ---- functions ---- */

static void functions(void **state) {
  (void)state;
  for (int i = 0; i <= 200000; i++) {
    double x = (i - 100000) / 2500.0;
    double e = x <= 0 ? table_exp(x) - exp(x) : 0, s = table_sigmoid(x) - 1 / (1 + exp(-x)),
           t = table_tanh(x) - tanh(x);
    if (fabs(e) > 4e-16 * exp(x) || fabs(s) > 4e-16 || fabs(t) > 4e-16)
      fail_msg("at %g: off by %g, %g, %g", x, e, s, t);
  }
  assert_true(table_exp(0) == 1 && table_sigmoid(0) == 0.5 && table_tanh(0) == 0);
  assert_true(table_exp(-800) == 0 && table_sigmoid(-800) == 0 && table_sigmoid(800) == 1 &&
              table_tanh(-800) == -1);
}

/* ---- running ---- */

static float *floats(const net_run *run, net_value_id v) {
  float *copy = net_arena_alloc(run->arena, net_run_elements(run, v) * sizeof(float) + 64, 64);
  for (uint64_t i = 0; i < net_run_elements(run, v); i++) copy[i] = (float)run->values[v][i];
  return copy;
}

static void expect(const net_run *run, const char *what, const float *y, const double *want) {
  net_value_id v = run->graph->outputs.at[0];
  for (uint64_t i = 0; i < net_run_elements(run, v); i++)
    if ((double)y[i] != want[i])
      fail_msg("%s: element %llu is %.9g, not %.9g\n%s", what, (unsigned long long)i, (double)y[i], want[i],
               support_printed(run->n, run->graph));
}

static void expect_compiled(const net_run *run, const char *target, bool unfused, const double *want) {
  const net_graph *g = run->graph;
  netc *n = g->n;
  pl_request request = {
      .network = g, .functions = PL_INFER, .batch = 64, .target = target, .unfused = unfused};
  request.options.print_after = request.options.stop_after = PL_STAGES;
  request.options.verify = true;
  pl_compiled *code = pl_compile(n, &request);
  if (!code) fail_msg("%s\n%s", support_message(n), support_printed(n, g));
  const net_shape *shape = &g->values.at[0].shape;
  rt_column column = {.type = NET_F32, .width = (uint32_t)net_shape_elements(shape), .data = floats(run, 0)};
  rt_split rows = {.rows = run->count, .inputs = &column, .input_count = 1};
  float **outputs, *variables = net_arena_alloc(&n->arena, 1024, 64);
  assert_true(rt_predict(n, pl_program(code), &rows, 1, variables, &outputs));
  pl_free(code);
  expect(run, target, outputs[0], want);
}

/* The graph's output is what is wanted, in whatever way it is computed. k: which of the compiled ones. */
static void expect_everywhere(net_run *run, const double *want, uint32_t k) {
  const net_graph *g = run->graph;
  netc *n = g->n;
  net_integer_break first;
  if (!net_integer_only(n, g, &first)) fail_msg("%s\n%s", first.reason, support_printed(n, g));
  assert_true(net_run_all(run));
  expect(run, "emulated", floats(run, g->outputs.at[0]), want);
  net_integers integers = net_integers_begin(n, g, run->arena, run->count);
  net_integers_set(&integers, 0, floats(run, 0));
  if (!net_integers_run(&integers)) fail_msg("%s", support_message(n));
  for (uint64_t i = 0; i < net_run_elements(run, g->outputs.at[0]); i++)
    assert_true(net_integers_value(&integers, g->outputs.at[0], i) == want[i]);
  net_graph *lowered = freeze_run(run, NET_PASS_lower_integer, freeze_run(run, NET_PASS_freeze, g));
  net_run codes = freeze_same(run, lowered);
  assert_true(net_run_all(&codes));
  expect(&codes, "on codes", floats(&codes, lowered->outputs.at[0]), want);
  uint32_t left = 0;
  for (net_value_id v = 0; v < lowered->values.count; v++)
    left += lowered->values.at[v].kind == NET_VALUE_RESULT && lowered->values.at[v].type == NET_F32;
  if (left > 1) fail_msg("floats are left:\n%s", support_printed(n, lowered));
  expect_compiled(run, targets[k % 4], k % 3 == 0, want);
  expect_compiled(&codes, targets[k % 4], k % 3 == 1, want);
}

static net_graph *network(quantise_test *t, const char *op, net_shape shape, const char *x, const char *y,
                          uint32_t entries) {
  quantise_rule(t, op, NET_TENSOR_INPUT, x);
  quantise_rule(t, op, NET_TENSOR_OUTPUT, y);
  t->rules[1].table = (net_table_choice){entries, true, NET_NOWHERE};
  return quantise_graph(t, support_network(&t->n, "n", shape, op));
}

static net_run inputs(net_graph *g, const double *x, uint32_t count) {
  net_run run = net_run_begin(g->n, g, &g->n->arena, count);
  uint64_t all = count * net_shape_elements(&g->values.at[0].shape);
  float *values = NET_NEW_ARRAY(&g->n->arena, float, all);
  for (uint64_t i = 0; i < all; i++) values[i] = (float)x[i];
  net_run_set(&run, 0, values);
  return run;
}

static const net_format_spec *spec_of(netc *n, const char *text) {
  net_format_id id;
  assert_true(net_format_parse(n, text, strlen(text), NET_NOWHERE, &id));
  return net_format_at(n, id);
}

/* ---- sigmoid and tanh ---- */

static double in_format(const net_format_spec *spec, double x) {
  float value = (float)x;
  net_shape one = {0};
  net_format_quantize(spec, &(net_format_tensor){.shape = &one, .values = &value}, &value);
  return (double)value;
}

static double tangent(double x) { return tanh(x); }
static double logistic(double x) { return 1 / (1 + exp(-x)); }

static void expect_function(const char *op, const char *x_format, const char *y_format, uint32_t entries,
                            uint32_t k) {
  quantise_test t;
  quantise_begin(&t);
  net_graph *g = network(&t, op, (net_shape){1, {1}}, x_format, y_format, entries);
  const net_format_spec *xs = spec_of(&t.n, x_format), *ys = spec_of(&t.n, y_format);
  double (*f)(double) = strcmp(op, "tanh") ? logistic : tangent, low, high, unit = ldexp(1, -xs->fraction);
  net_format_steps(xs, &low, &high);
  int least = (int)low, most = (int)high, count = most - least + 1, shift = 0;
  double *x = NET_NEW_ARRAY(&t.n.arena, double, count + 4),
         *want = NET_NEW_ARRAY(&t.n.arena, double, count + 4);
  int first = least, last = most;
  while (first < most && in_format(ys, f((first + 1) * unit)) == in_format(ys, f(least * unit))) first++;
  while (last > first && in_format(ys, f((last - 1) * unit)) == in_format(ys, f(most * unit))) last--;
  while ((uint32_t)((last >> shift) - (first >> shift)) >= entries) shift++;
  for (int q = least; q <= most; q++) {
    int cut = q < first ? first : q > last ? last : q;
    double middle = ((cut >> shift) + 0.5) * ldexp(1, shift) - 0.5;
    x[q - least] = q * unit;
    want[q - least] = in_format(ys, f(middle * unit));
    if (first > least && cut >> shift == first >> shift) want[q - least] = in_format(ys, f(least * unit));
    if (last < most && cut >> shift == last >> shift) want[q - least] = in_format(ys, f(most * unit));
    if (shift == 0) assert_true(want[q - least] == in_format(ys, f(q * unit))); /* exact */
  }
  x[count] = 1e30, x[count + 1] = INFINITY, x[count + 2] = -INFINITY, x[count + 3] = NAN;
  want[count] = want[count + 1] = want[count - 1], want[count + 2] = want[0], want[count + 3] = want[-least];
  net_run run = inputs(g, x, (uint32_t)count + 4);
  expect_everywhere(&run, want, k);
  const net_value *table =
      &g->values.at[net_node_input(g, quantise_node(&t, g, net_arena_format(&t.n.arena, "%s_1", op)), 1)];
  assert_int_equal(table->shape.dim[0], (last >> shift) - (first >> shift) + 1);
  netc_free(&t.n);
}

static void looks_up(void **state) {
  (void)state;
  static const char *const x[] = {"integer(4, 1)",
                                  "integer(4, 2, unsigned = true)",
                                  "integer(8, 4)",
                                  "integer(8, 6)",
                                  "integer(8, 3, overflow = symmetric)",
                                  "integer(8, 5, unsigned = true)",
                                  "integer(12, 8)",
                                  "integer(16, 11)"};
  static const char *const y[] = {"integer(8, 7)", "integer(8, 8, unsigned = true)",
                                  "integer(4, 3, rounding = floor)", "integer(12, 11, rounding = half_up)",
                                  "integer(2, 0)"};
  static const uint32_t entries[] = {16, 64, 256, 1024, 2};
  uint32_t k = 0;
  for (uint32_t i = 0; i < sizeof x / sizeof *x; i++)
    for (uint32_t j = 0; j < sizeof y / sizeof *y; j++)
      for (uint32_t e = 0; e < 5; e++, k++)
        if (i < 6 || (j + e) % 3 == 0) /* of the long ones a few */
          expect_function(k % 2 ? "tanh" : "sigmoid", x[i], y[j], entries[e], k);
}

/* ---- softmax ---- */

static int64_t rounded_share(const net_format_spec *spec, int64_t e, int64_t sum) {
  int64_t q = (e << spec->fraction) / sum, rest = (e << spec->fraction) % sum;
  double low, high;
  net_format_steps(spec, &low, &high);
  if (spec->rounding == NET_ROUND_HALF_UP) q += 2 * rest >= sum;
  if (spec->rounding == NET_ROUND_HALF_EVEN) q += 2 * rest > sum || (2 * rest == sum && q % 2);
  return q < (int64_t)high ? q : (int64_t)high;
}

static void expect_softmax(const char *x_format, const char *y_format, uint32_t entries, uint32_t classes,
                           uint32_t k) {
  quantise_test t;
  quantise_begin(&t);
  net_graph *g = network(&t, "softmax", (net_shape){1, {classes}}, x_format, y_format, entries);
  const net_format_spec *xs = spec_of(&t.n, x_format), *ys = spec_of(&t.n, y_format);
  double low, high, unit = ldexp(1, -xs->fraction);
  net_format_steps(xs, &low, &high);
  uint32_t codes = (uint32_t)(high - low) + 1, rows = 1;
  for (uint32_t c = 0; c < classes; c++) rows *= codes;
  if (classes > 4 || rows > 5000) rows = 2000;
  double *x = NET_NEW_ARRAY(&t.n.arena, double, rows *classes),
         *want = NET_NEW_ARRAY(&t.n.arena, double, rows *classes);
  int64_t last = 0;
  while (last < codes - 1 && rint(32768 * exp((double)-last * unit)) > 0) last++;
  int shift = 0;
  while ((uint32_t)(last >> shift) >= entries) shift++;
  support_random random = {k};
  for (uint32_t row = 0, rest; row < rows; row++) {
    int64_t q[64], e[64], largest = INT64_MIN, sum = 0;
    rest = row;
    for (uint32_t c = 0; c < classes; c++, rest /= codes) {
      q[c] = (int64_t)low + (rows == 2000 ? support_below(&random, codes) : rest % codes);
      if (q[c] > largest) largest = q[c];
      x[row * classes + c] = (double)q[c] * unit;
    }
    for (uint32_t c = 0; c < classes; c++) {
      int64_t d = largest - q[c] < last ? largest - q[c] : last;
      sum += e[c] = (int64_t)rint(32768 * exp(-(double)(d >> shift << shift) * unit));
    }
    for (uint32_t c = 0; c < classes; c++)
      want[row * classes + c] = ldexp((double)rounded_share(ys, e[c], sum), -ys->fraction);
  }
  net_run run = inputs(g, x, rows);
  expect_everywhere(&run, want, k);
  netc_free(&t.n);
}

static void shares_out(void **state) {
  (void)state;
  static const char *const y[] = {
      "integer(8, 8, unsigned = true)",      "integer(8, 7)",
      "integer(16, 15, rounding = half_up)", "integer(4, 4, unsigned = true, rounding = floor)",
      "integer(3, 0, rounding = zero)",      "integer(16, 16, unsigned = true)"};
  static const char *const x[] = {"integer(4, 1)", "integer(4, 3, unsigned = true)", "integer(8, 3)",
                                  "integer(12, 9)"};
  static const uint32_t entries[] = {16, 256, 4}, classes[] = {1, 2, 3, 5, 16, 33};
  uint32_t k = 0;
  for (uint32_t i = 0; i < sizeof x / sizeof *x; i++)
    for (uint32_t j = 0; j < sizeof y / sizeof *y; j++, k++)
      for (uint32_t c = 0; c < 6; c++)
        if ((i + j + c) % 2 == 0) expect_softmax(x[i], y[j], entries[(k + c) % 3], classes[c], k + c);
}

/* ---- scaled integers: one odd step, a zero point ---- */

static void scaled(void **state) {
  (void)state;
  quantise_test t;
  quantise_begin(&t);
  const float x_step = 0.07f, y_step = 1 / 255.f;
  const int32_t x_zero = -100, y_zero = -128;
  quantise_calibrated(&t, "sigmoid_1", NET_TENSOR_INPUT, 0, 1, &x_step, &x_zero);
  quantise_calibrated(&t, "sigmoid_1", NET_TENSOR_OUTPUT, 0, 1, &y_step, &y_zero);
  net_graph *g = network(&t, "sigmoid", (net_shape){1, {1}}, "scaled_integer(8, affine)",
                         "scaled_integer(8, affine)", 256);
  double x[256], want[256];
  net_shape one = {0};
  for (int q = -128; q < 128; q++) {
    float y = (float)logistic((double)(q - x_zero) * (double)x_step);
    net_calibration steps = {&y_step, &y_zero, 1};
    net_format_quantize(spec_of(&t.n, "scaled_integer(8, scheme = affine)"),
                        &(net_format_tensor){.shape = &one, .values = &y, .calibration = &steps}, &y);
    x[q + 128] = (double)(q - x_zero) * (double)x_step, want[q + 128] = (double)y;
  }
  net_run run = inputs(g, x, 256);
  expect_everywhere(&run, want, 0);
  netc_free(&t.n);
}

/* ---- where steps are not known yet ---- */

static void waits_for_steps(void **state) {
  (void)state;
  quantise_test t;
  quantise_begin(&t);
  net_graph *g = network(&t, "tanh", (net_shape){1, {3}}, "scaled_integer(8)", "integer(8, 7)", 64);
  assert_int_equal(support_count(g, "tanh"), 1);
  assert_int_equal(support_count(g, "tanh_table"), 0);
  netc_free(&t.n);
}

/* ---- gradients: those of the functions themselves ---- */

static void gradients(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"constant t: f32[6] = [0, 0.125, 0.25, 0.625, 0.875, 1]\ny: f32[b, 4] = sigmoid_table(x, t) "
       "{x_step = 0.25, y_step = 0.125, low = -6, high = 5, shift = 1}\n",
       "y: f32[b, 4] = sigmoid(x)\n"},
      {"constant t: f32[5] = [-1, -0.75, 0, 0.75, 1]\ny: f32[b, 4] = tanh_table(x, t) "
       "{x_step = 0.5, y_step = 0.25, low = -2, high = 2}\n",
       "y: f32[b, 4] = tanh(x)\n"},
      {"constant t: f32[3] = [32768, 7, 1]\ny: f32[b, 4] = softmax_table(x, t) "
       "{axis = 0, x_step = 0.125, y_step = 0.0625, last = 2, most = 16}\n",
       "y: f32[b, 4] = softmax(x)\n"}};
  for (uint32_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    double found[2][12];
    for (int k = 0; k < 2; k++) {
      netc n;
      ops_test_begin(&n);
      net_graph *g = ops_test_graph(&n, net_arena_format(&n.arena, "input x: f32[b, 4]\n%s", pairs[i][k]));
      net_value_id dy, *dx = ops_test_gradient(g, ops_test_node(g), 1, &dy);
      net_run run = net_run_begin(&n, g, &n.arena, 3);
      double values[2][12];
      for (int e = 0; e < 12; e++) values[0][e] = (e - 5) * 0.375, values[1][e] = 1 + e % 5;
      net_run_set_doubles(&run, 0, values[0]);
      net_run_set_doubles(&run, dy, values[1]);
      assert_true(net_run_all(&run));
      memcpy(found[k], run.values[dx[0]], sizeof found[k]);
      netc_free(&n);
    }
    assert_memory_equal(found[0], found[1], sizeof found[0]);
  }
}

/* ---- what shapes refuse ---- */

static void refuses(void **state) {
  (void)state;
  static const struct {
    const char *lines, *message;
  } cases[] = {
      {"constant t: f32[3] = [0, 1, 2]\ny: f32[b, 4] = tanh_table(x, t) {x_step = 1, y_step = 1, low = 0, "
       "high = 3}\n",
       "tanh_table 'y' needs a table of 4 entries in f32, but 't' is f32[3]"},
      {"constant t: f32[3] = [0, 1, 2]\ny: f32[b, 4] = tanh_table(x, t) {x_step = 0, y_step = 1, low = 0, "
       "high = 2}\n",
       "tanh_table 'y' has a step of 0 as its x_step"},
      {"constant t: f32[3] = [0, 1, 2]\ny: f32[b, 4] = tanh_table(x, t) {x_step = 1, y_step = 1, low = 2, "
       "high = 0}\n",
       "tanh_table 'y' has no such places: 2 to 0, shifted by 0"},
      {"constant t: f32[3] = [32768, 1, 2]\ny: f32[b, 4] = softmax_table(x, t) "
       "{x_step = 1, y_step = 0.3, last = 2, most = 3}\n",
       "softmax_table 'y' gives multiples of a power of two"},
      {"constant t: f32[3] = [32768, 1, 2]\ny: f32[b, 4] = softmax_table(x, t) "
       "{x_step = 1, y_step = 0.00000762939453125, last = 2, most = 3}\n",
       "softmax_table 'y' cannot give multiples of 2^-17 up to 3"},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    ops_test_begin(&n);
    const char *text = net_arena_format(&n.arena, "graph g\ninput x: f32[b, 4]\n%s", cases[i].lines);
    assert_null(net_graph_parse(&n, &n.arena, "test", text, strlen(text)));
    assert_string_equal(n.diagnostics.list.at[0].message, cases[i].message);
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions), cmocka_unit_test(looks_up),        cmocka_unit_test(shares_out),
      cmocka_unit_test(scaled),    cmocka_unit_test(waits_for_steps), cmocka_unit_test(gradients),
      cmocka_unit_test(refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
