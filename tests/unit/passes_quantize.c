/* The quantise pass: where quantisers go, what they are given, when sums are kept whole. */
#include "tests/unit/quantize_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* ---- where they go ---- */

static void test_every_tensor(void **state) {
  (void)state;
  quantise_test t;
  quantise_begin(&t);
  net_graph *g = support_network(&t.n, "n", (net_shape){1, {3}}, "linear features=2; relu");
  quantise_rule(&t, "linear", NET_TENSOR_INPUT, "integer(8, 4)");
  quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, "integer(6, 5)");
  quantise_rule(&t, "linear", NET_TENSOR_BIAS, "integer(8, 2)");
  quantise_rule(&t, "linear", NET_TENSOR_ACCUMULATOR, "integer(16, 9, overflow = wrap)");
  quantise_rule(&t, "linear", NET_TENSOR_OUTPUT, "minifloat(8, 4)");
  quantise_rule(&t, "relu", NET_TENSOR_OUTPUT, "float32"); /* asks for nothing */
  assert_string_equal(
      support_printed(&t.n, quantise_graph(&t, g)),
      "graph n\n"
      "  input x: f32[b, 3]\n"
      "  parameter linear_1.weight: f32[2, 3] = uniform(0.5773502691896258)\n"
      "  parameter linear_1.bias: f32[2] = uniform(0.5773502691896258)\n"
      "  linear_1.input_q: f32[b, 3] format integer(8, 4) = quantize(x, _, _) {format = \"integer(8, 4)\", "
      "training = false, stream = -1} for input of linear_1\n"
      "  linear_1.weight_q: f32[2, 3] format integer(6, 5) = quantize(linear_1.weight, _, _) {format = "
      "\"integer(6, 5)\", training = false, stream = -1} for weight of linear_1\n"
      "  linear_1.bias_q: f32[2] format integer(8, 2) = quantize(linear_1.bias, _, _) {format = "
      "\"integer(8, 2)\", training = false, stream = -1} for bias of linear_1\n"
      "  linear_1: f32[b, 2] = linear(linear_1.input_q, linear_1.weight_q, linear_1.bias_q) {features = 2, "
      "bias = true, wide = false}\n"
      "  linear_1.accumulator_q: f32[b, 2] format integer(16, 9, overflow = wrap) = quantize(linear_1, _, _) "
      "{format = \"integer(16, 9, overflow = wrap)\", training = false, stream = -1} for accumulator of "
      "linear_1\n"
      "  linear_1.output_q: f32[b, 2] format minifloat(8, 4, 7) = quantize(linear_1.accumulator_q, _, _) "
      "{format = \"minifloat(8, 4, 7)\", training = false, stream = -1} for output of linear_1\n"
      "  relu_1: f32[b, 2] format minifloat(8, 4, 7) = relu(linear_1.output_q)\n"
      "  output relu_1\n");
  netc_free(&t.n);
}

static void expect_format(quantise_test *t, const net_graph *g, const char *value, const char *format) {
  net_value_id v = net_graph_find_value(g, net_intern(&t->n, value));
  assert_int_not_equal(v, NET_NONE);
  assert_string_equal(net_format_text(&t->n, g->values.at[v].format), format);
}

/* unsigned = auto: behind a ReLU, and what only moves it, nothing is negative. */
static void test_signs(void **state) {
  (void)state;
  quantise_test t;
  quantise_begin(&t);
  net_graph *g = support_network(&t.n, "n", (net_shape){1, {3}},
                                 "linear features=2; relu; flatten; linear features=2; sigmoid");
  quantise_rule(&t, "default", NET_TENSOR_INPUT, "integer(8, 4, unsigned = auto)");
  quantise_rule(&t, "default", NET_TENSOR_OUTPUT, "integer(8, 4, unsigned = auto, overflow = symmetric)");
  quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, "integer(6, 5, unsigned = auto)");
  const net_graph *made = quantise_graph(&t, g);
  expect_format(&t, made, "linear_1.input_q", "integer(8, 4)");
  expect_format(&t, made, "linear_1.weight_q", "integer(6, 5)");
  expect_format(&t, made, "relu_1.input_q", "integer(8, 4)");
  expect_format(&t, made, "flatten_1.input_q", "integer(8, 4, unsigned = true)");
  expect_format(&t, made, "linear_2.input_q", "integer(8, 4, unsigned = true)");
  expect_format(&t, made, "sigmoid_1.input_q", "integer(8, 4)");
  expect_format(&t, made, "sigmoid_1.output_q", "integer(8, 4, overflow = symmetric)");
  netc_free(&t.n);
}

static void test_several_inputs(void **state) {
  (void)state;
  quantise_test t;
  quantise_begin(&t);
  net_graph *g = support_parse(&t.n, "graph n\n"
                                     "  input x: f32[b, 2]\n"
                                     "  input y: f32[b, 2]\n"
                                     "  constant half: f32 = [0.5]\n"
                                     "  a: f32[b, 2] = add(x, y)\n"
                                     "  m: f32[b, 2] = mul(a, half)\n"
                                     "  c: f32[b, 6] = concat(a, m, a) {axis = 0}\n"
                                     "  output c, a\n");
  quantise_rule(&t, "default", NET_TENSOR_INPUT, "integer(8, 4)");
  quantise_rule(&t, "concat", NET_TENSOR_INPUT, "integer(6, 4)");
  quantise_rule(&t, "add", NET_TENSOR_OUTPUT, "integer(7, 4)");
  quantise_rule(&t, "default", NET_TENSOR_WEIGHT, "integer(5, 4)"); /* nothing has one */
  g = quantise_graph(&t, g);
  assert_string_equal(quantise_taken(&t, g, "a", 0), "a.input_q");
  assert_string_equal(quantise_taken(&t, g, "a", 1), "a.input_2_q");
  assert_string_equal(quantise_taken(&t, g, "a.input_2_q", 0), "y");
  assert_string_equal(quantise_taken(&t, g, "m", 1), "m.input_2_q");
  assert_string_equal(quantise_taken(&t, g, "m.input_2_q", 0), "half");
  assert_string_equal(quantise_taken(&t, g, "m.input_q", 0), "a.output_q"); /* what others see of a */
  assert_string_equal(quantise_taken(&t, g, "c", 2), "c.input_3_q");
  assert_string_equal(quantise_format(&t, g, "c"), "integer(6, 4)");
  assert_int_equal(g->outputs.at[1], support_find(g, "a.output_q"));
  assert_int_equal(g->nodes.count, 3 + 2 + 2 + 3 + 1);
  netc_free(&t.n);
}

/* Losses, too, mean what a node's own quantisers make of it; training goes through them. */
static void test_losses(void **state) {
  (void)state;
  quantise_test t;
  quantise_begin(&t);
  net_graph *g =
      support_network(&t.n, "n", (net_shape){1, {3}}, "linear features=4; relu; linear features=3");
  quantise_rule(&t, "default", NET_TENSOR_INPUT, "integer(8, 4)");
  quantise_rule(&t, "default", NET_TENSOR_WEIGHT, "integer(8, 4, ste = clipped)");
  quantise_rule(&t, "\"linear_2\"", NET_TENSOR_OUTPUT, "integer(8, 4)");
  g = quantise_graph(&t, g);
  net_pass_context context = {
      .n = &t.n, .arena = &t.n.arena, .objective = support_classify(&t.n, "linear_2"), .verify = true};
  net_graph *losses = support_with_losses(&context, g);
  assert_string_equal(quantise_taken(&t, losses, "cross_entropy_1", 0), "linear_2.output_q");
  assert_int_equal(losses->observed.at[0], support_find(losses, "linear_2.output_q"));
  net_optimizer sgd = {.op = "sgd"};
  context.optimizer = &sgd;
  net_graph *training = support_train(&context, g);
  assert_int_equal(support_count(training, "quantize_gradient"), 2); /* of the clipped weights alone */
  assert_int_equal(support_count(training, "sgd"), 4);
  netc_free(&t.n);
}

/* In training dropout leaves the grid. */
static void test_dropout(void **state) {
  (void)state;
  quantise_test t;
  quantise_begin(&t);
  net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, "relu; dropout; relu; flatten; relu");
  quantise_rule(&t, "\"relu_1\"", NET_TENSOR_INPUT, "integer(8, 4)");
  quantise_rule(&t, "\"relu_3\"", NET_TENSOR_INPUT, "integer(8, 4)");
  g = quantise_graph(&t, g);
  net_pass_context context = {.n = &t.n, .arena = &t.n.arena};
  uint32_t have = P_SHAPED;
  net_graph *training = support_pass(&context, NET_PASS_training_mode, g, &have);
  static const char *const nodes[] = {"relu_1", "dropout_1", "relu_2", "flatten_1", "relu_3"};
  static const bool loses[] = {false, true, true, true, false};
  for (int i = 0; i < 5; i++) {
    assert_string_equal(quantise_format(&t, g, nodes[i]), "integer(8, 4)");
    assert_string_equal(quantise_format(&t, training, nodes[i]), loses[i] ? "float32" : "integer(8, 4)");
  }
  netc_free(&t.n);
}

/* ---- sums that leave binary32 ---- */

static void test_wide(void **state) {
  (void)state;
  static const struct {
    uint32_t in;
    const char *x, *weight, *bias; /* NULL: no rule */
    bool wide;
  } cases[] = {
      {1024, "integer(8, 4)", "integer(8, 4)", "integer(8, 4)", true},
      {1023, "integer(8, 4)", "integer(8, 4)", "integer(8, 4)",
       false}, /* 1023·2^14 + 2^7·2^4 = 2^24 − 14336 */
      {1024, "integer(8, 4)", "integer(8, 4)", "integer(8, 8)", true},
      {1023, "integer(8, 4)", "integer(8, 4)", "integer(8, 8)", false},
      {1023, "integer(8, 4)", "integer(8, 4)", "integer(15, 8)", true}, /* 1023·2^14 + 2^14 = 2^24 */
      {1023, "integer(8, 4)", "integer(8, 4)", "integer(14, 8)", false},
      {511, "integer(8, 4)", "integer(8, 4)", "integer(8, 9)", false}, /* a finer bias: twice the steps */
      {512, "integer(8, 4)", "integer(8, 4)", "integer(8, 9)", true},
      {515, "integer(8, 4, unsigned)", "integer(8, 4)", "integer(2, 8)", true},
      {514, "integer(8, 4, unsigned)", "integer(8, 4)", "integer(2, 8)",
       false}, /* 514·255·128 + 2 = 2^24 − 254 */
      {4, "integer(16, 8)", "integer(16, 8)", "integer(16, 8)", true},
      {4, "integer(16, 8)", "integer(16, 8)", NULL, false}, /* not all are integers */
      {4, "integer(16, 8)", NULL, "integer(16, 8)", false},
      {4, NULL, "integer(16, 8)", "integer(16, 8)", false},
      {4, "integer(16, 8)", "minifloat(16, 5)", "integer(16, 8)", false},
      {4, "scaled_integer(16)", "integer(16, 8)", "integer(16, 8)", false},
      {4, "integer(16, 8, ste = learned_step)", "integer(16, 8)", "integer(16, 8)", false},
      {4, "integer(16, auto)", "integer(16, 8)", "integer(16, 8)", true}, /* as 8 */
      {512, "integer(16, 8)", "ternary", "integer(8, 8)", true},          /* 512·2^15 + 2^7 */
      {511, "integer(16, 8)", "binary", "integer(8, 8)", false},
      {512, "binary", "integer(16, 8)", "integer(8, 8)", true},
      {511, "binary", "integer(16, 8)", "ternary", false},
      {4, "integer(16, 8)", "ternary(scaled = true)", "integer(16, 8)", false},
      {4, "scaled_integer(16, power_of_two)", "scaled_integer(16, power_of_two)", NULL,
       false}, /* not yet known */
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    quantise_test t;
    quantise_begin(&t);
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {cases[i].in}}, "linear features=2; relu");
    if (cases[i].x) quantise_rule(&t, "linear", NET_TENSOR_INPUT, cases[i].x);
    if (cases[i].weight) quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, cases[i].weight);
    if (cases[i].bias) quantise_rule(&t, "linear", NET_TENSOR_BIAS, cases[i].bias);
    g = quantise_graph(&t, g);
    const net_value *y = &g->values.at[support_find(g, "linear_1")];
    if ((y->type == NET_F64) != cases[i].wide || net_node_bool(g, y->def, "wide") != cases[i].wide)
      fail_msg("case %u: %s", i, net_type_name(y->type));
    assert_string_equal(quantise_taken(&t, g, "relu_1", 0),
                        cases[i].wide ? "linear_1.accumulator_q" : "linear_1");
    netc_free(&t.n);
  }
}

/* Scaled integers, too, if their steps are powers of two; a bias that no rule speaks of is not counted. */
static void test_wide_scaled(void **state) {
  (void)state;
  static const struct {
    uint32_t in;
    const char *weight, *bias;
    float x_step, weight_steps[2];
    int32_t zero;
    bool wide;
  } cases[] = {
      {4, "scaled_integer(7, per = channel)", NULL, 0.25f, {0.5f, 0.125f}, 0, false}, /* 4·65535·64 */
      {4, "scaled_integer(7, per = channel)", NULL, 0.25f, {0.5f, 0.125f}, -7, true}, /* 4·65542·64 */
      {5, "scaled_integer(7, per = channel)", NULL, 0.25f, {0.5f, 0.125f}, 0, true},
      {5, "scaled_integer(7, per = channel)", NULL, 0.3f, {0.5f, 0.125f}, 0, false},
      {5, "scaled_integer(7, per = channel)", NULL, 0.25f, {0.5f, 0.3f}, 0, false},
      {4, "integer(7, 3)", "integer(8, 5)", 0.25f, {0}, 0, false}, /* + 2^7 */
      {4, "integer(7, 3)", "integer(9, 5)", 0.25f, {0}, 0, true},  /* + 2^8 */
      {4, "integer(7, 3)", "integer(8, 6)", 0.25f, {0}, 0, true},  /* a finer bias */
      {256, "ternary", NULL, 0.25f, {0}, 0, false},
      {257, "ternary", NULL, 0.25f, {0}, 0, true},
      {257, "ternary", NULL, 0.3f, {0}, 0, false},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    quantise_test t;
    quantise_begin(&t);
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {cases[i].in}}, "linear features=2; relu");
    quantise_rule(&t, "linear", NET_TENSOR_INPUT, "scaled_integer(16, unsigned, affine, power_of_two)");
    quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, cases[i].weight);
    if (cases[i].bias) quantise_rule(&t, "linear", NET_TENSOR_BIAS, cases[i].bias);
    quantise_calibrated(&t, "linear_1", NET_TENSOR_INPUT, 0, 1, &cases[i].x_step, &cases[i].zero);
    if (cases[i].weight_steps[0] > 0)
      quantise_calibrated(&t, "linear_1", NET_TENSOR_WEIGHT, 0, 2, cases[i].weight_steps, NULL);
    g = quantise_graph(&t, g);
    const net_value *y = &g->values.at[support_find(g, "linear_1")];
    if (net_node_bool(g, y->def, "wide") != cases[i].wide)
      fail_msg("case %u: %s\n%s", i, net_type_name(y->type), support_printed(&t.n, g));
    netc_free(&t.n);
  }
}

/* batch_norm knows the step of what it scales, where integers count in its multiples. */
static void test_step_of_scaled(void **state) {
  (void)state;
  static const struct {
    const char *x, *weight;
    float step;
    bool known;
  } cases[] = {{"scaled_integer(8)", "integer(8, 4)", 0.3f, true},
               {"scaled_integer(8)", "integer(8, 4)", 0.25f, false},
               {"scaled_integer(8)", "integer(8, 4)", 0, false}, /* not calibrated yet */
               {"scaled_integer(8)", NULL, 0.3f, false},
               {"integer(8, auto)", "integer(8, 4)", 0.25f, false},
               {"scaled_integer(8, ste = learned_step)", "integer(8, 4)", 0.3f, false}};
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    quantise_test t;
    quantise_begin(&t);
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, "batch_norm; relu");
    quantise_rule(&t, "batch_norm", NET_TENSOR_INPUT, cases[i].x);
    if (cases[i].weight) quantise_rule(&t, "batch_norm", NET_TENSOR_WEIGHT, cases[i].weight);
    if (cases[i].step > 0)
      quantise_calibrated(&t, "batch_norm_1", NET_TENSOR_INPUT, 0, 1, &cases[i].step, NULL);
    g = quantise_graph(&t, g);
    double step = net_node_real(g, quantise_node(&t, g, "batch_norm_1"), "x_step");
    if (step != (cases[i].known ? (double)cases[i].step : 0)) fail_msg("case %u: %g", i, step);
    netc_free(&t.n);
  }
}

/* What quantises a whole sum rounds it once; others get it rounded to binary32. */
static void test_readers_of_wide(void **state) {
  (void)state;
  quantise_test t;
  quantise_begin(&t);
  net_graph *g = support_parse(&t.n, "graph n\n"
                                     "  input x: f32[b, 4]\n"
                                     "  parameter l.weight: f32[4, 4] = 0\n"
                                     "  l: f32[b, 4] = linear(x, l.weight, _) {features = 4, bias = false}\n"
                                     "  r: f32[b, 4] = relu(l)\n"
                                     "  t: f32[b, 4] = tanh(l)\n"
                                     "  parameter k.weight: f32[4, 4] = 0\n"
                                     "  k: f32[b, 4] = linear(t, k.weight, _) {features = 4, bias = false}\n"
                                     "  output l, r, k\n");
  quantise_rule(&t, "linear", NET_TENSOR_INPUT, "integer(16, 8)");
  quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, "integer(16, 8)");
  quantise_rule(&t, "tanh", NET_TENSOR_INPUT, "integer(8, 4)");
  quantise_rule(&t, "\"k\"", NET_TENSOR_OUTPUT, "integer(12, 4)");
  g = quantise_graph(&t, g);
  assert_int_equal(g->values.at[support_find(g, "l")].type, NET_F64);
  assert_string_equal(quantise_taken(&t, g, "t.input_q", 0), "l");
  assert_string_equal(quantise_taken(&t, g, "r", 0), "l.accumulator_q");
  assert_string_equal(quantise_format(&t, g, "l.accumulator_q"), "float32");
  assert_int_equal(g->outputs.at[0], support_find(g, "l.accumulator_q"));
  assert_string_equal(quantise_taken(&t, g, "k.output_q", 0),
                      "k"); /* once: there is no accumulator_q between */
  assert_int_equal(g->outputs.at[2], support_find(g, "k.output_q"));
  assert_int_equal(net_graph_find(g, net_intern(&t.n, "k.accumulator_q")), NET_NONE);
  netc_free(&t.n);
}

/* ---- what a profile leaves ---- */

static void test_calibrated(void **state) {
  (void)state;
  static const float steps[] = {0.25f, 0.0625f, 0.5f}, one[] = {0.03125f}, odd[] = {0.3f},
                     odd_each[] = {0.1f, 0.2f, 0.4f};
  static const int32_t zeros[] = {-7};
  quantise_test t;
  quantise_begin(&t);
  net_graph *g =
      support_network(&t.n, "n", (net_shape){1, {4}}, "linear features=3; linear features=3; batch_norm");
  quantise_rule(&t, "\"linear_1\"", NET_TENSOR_INPUT, "integer(8, auto, rounding = floor)");
  quantise_rule(&t, "\"linear_1\"", NET_TENSOR_WEIGHT, "integer(6, auto, per = channel)");
  quantise_rule(&t, "\"linear_1\"", NET_TENSOR_BIAS, "integer(8, auto)"); /* not profiled: stays open */
  quantise_rule(&t, "\"linear_1\"", NET_TENSOR_OUTPUT, "scaled_integer(8, scheme = affine)");
  quantise_rule(&t, "\"linear_2\"", NET_TENSOR_INPUT, "integer(4, auto, unsigned, ste = learned_step)");
  quantise_rule(&t, "\"linear_2\"", NET_TENSOR_WEIGHT,
                "scaled_integer(4, per = channel, ste = learned_step)");
  quantise_rule(&t, "\"linear_2\"", NET_TENSOR_BIAS, "integer(8, 3, ste = learned_step)");
  quantise_rule(&t, "batch_norm", NET_TENSOR_WEIGHT, "integer(8, auto, per = channel, ste = learned_step)");
  quantise_rule(&t, "batch_norm", NET_TENSOR_BIAS, "integer(8, auto)");
  quantise_calibrated(&t, "linear_1", NET_TENSOR_INPUT, 0, 1, one, NULL);
  quantise_calibrated(&t, "linear_1", NET_TENSOR_INPUT, 1, 1, odd,
                      NULL); /* of another input: not asked for */
  quantise_calibrated(&t, "linear_1", NET_TENSOR_WEIGHT, 0, 3, steps, NULL);
  quantise_calibrated(&t, "linear_1", NET_TENSOR_OUTPUT, 0, 1, odd, zeros);
  quantise_calibrated(&t, "linear_2", NET_TENSOR_INPUT, 0, 1, odd, NULL);
  quantise_calibrated(&t, "linear_2", NET_TENSOR_WEIGHT, 0, 3, odd_each, NULL);
  quantise_calibrated(&t, "batch_norm_1", NET_TENSOR_BIAS, 0, 1, one, NULL);
  net_graph *plain = g;
  plain->values.at[support_find(plain, "linear_2.weight")].group = 2;
  g = quantise_graph(&t, g);
  assert_string_equal(quantise_format(&t, g, "linear_1.input_q"), "integer(8, 5, rounding = floor)");
  assert_string_equal(quantise_taken(&t, g, "linear_1.input_q", 1), "_"); /* a fraction says all */
  assert_string_equal(quantise_format(&t, g, "linear_1.weight_q"), "integer(6, auto, per = channel)");
  const net_value *weight = &g->values.at[support_find(g, "linear_1.weight.step")];
  assert_int_equal(weight->kind, NET_VALUE_CONSTANT);
  assert_true(net_shape_same(&weight->shape, &(net_shape){1, {3}}));
  assert_memory_equal(weight->data, steps, sizeof steps);
  assert_string_equal(quantise_taken(&t, g, "linear_1.weight_q", 1), "linear_1.weight.step");
  assert_string_equal(quantise_taken(&t, g, "linear_1.weight_q", 2), "_");
  assert_string_equal(quantise_format(&t, g, "linear_1.bias_q"), "integer(8, auto)");
  assert_string_equal(quantise_taken(&t, g, "linear_1.bias_q", 1), "_");
  assert_string_equal(quantise_taken(&t, g, "linear_1.output_q", 1), "linear_1.output.step");
  net_value_id zero = support_find(g, "linear_1.output.zero");
  assert_memory_equal(g->values.at[zero].data, &(float){-7}, sizeof(float));
  const net_value *learned = &g->values.at[support_find(g, "linear_2.input_step")];
  assert_int_equal(learned->kind, NET_VALUE_PARAMETER);
  assert_true(learned->init.kind == NET_INIT_FILL && learned->init.value == (double)0.3f && !learned->frozen);
  assert_int_equal(learned->group, 2); /* as the node's weight has it */
  assert_string_equal(quantise_format(&t, g, "linear_2.input_q"),
                      "integer(4, auto, unsigned = true, ste = learned_step)");
  assert_true(
      net_shape_same(&g->values.at[support_find(g, "linear_2.weight_step")].shape, &(net_shape){1, {3}}));
  assert_true(g->values.at[support_find(g, "linear_2.bias_step")].init.value == 0.125); /* its own fraction */
  net_node_id norm = quantise_node(&t, g, "batch_norm_1");
  assert_string_equal(net_text(&t.n, net_node_attribute(g, norm, "weight_format")->text),
                      "integer(8, auto, ste = clipped)");
  assert_string_equal(net_text(&t.n, net_node_attribute(g, norm, "bias_format")->text), "integer(8, 5)");
  plain->values.at[support_find(plain, "linear_2.weight")].frozen = true;
  g = quantise_graph(&t, plain);
  assert_true(g->values.at[support_find(g, "linear_2.input_step")].frozen);
  netc_free(&t.n);
}

/* Steps of channels: a sum is held against the grid of each channel. */
static void test_wide_channels(void **state) {
  (void)state;
  static const float even[] = {0x1p-4f, 0x1p-4f}, fine[] = {0x1p-4f, 0x1p-9f}, coarse[] = {0x1p-4f, 1};
  static const struct {
    const float *steps;
    bool wide; /* of 512 products of 2^14 steps and a bias of 2^7, whose steps are 2^-8 */
  } cases[] = {{even, false}, {fine, false}, {coarse, true}};
  for (uint32_t i = 0; i < 3; i++) {
    quantise_test t;
    quantise_begin(&t);
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {512}}, "linear features=2");
    quantise_rule(&t, "linear", NET_TENSOR_INPUT, "integer(8, 4)");
    quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, "integer(8, auto, per = channel)");
    quantise_rule(&t, "linear", NET_TENSOR_BIAS, "integer(8, 8)");
    quantise_calibrated(&t, "linear_1", NET_TENSOR_WEIGHT, 0, 2, cases[i].steps, NULL);
    g = quantise_graph(&t, g);
    assert_int_equal(net_node_bool(g, quantise_node(&t, g, "linear_1"), "wide"), cases[i].wide);
    netc_free(&t.n);
  }
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    net_tensor_role role;
    const char *format, *message;
  } cases[] = {
      {NET_TENSOR_WEIGHT, "block_fp(8, 8, block = 16)",
       "batch_norm makes its weight when it runs, which block_fp cannot follow: give batch_norm a format of "
       "single "
       "elements with steps of its own, like batch_norm { weight = integer(8, 4) }"},
      {NET_TENSOR_BIAS, "scaled_integer(8)",
       "batch_norm makes its bias when it runs, which scaled_integer cannot follow: give batch_norm a format "
       "of single "
       "elements with steps of its own, like batch_norm { bias = integer(8, 4) }"},
  };
  for (uint32_t i = 0; i < 2; i++) {
    quantise_test t;
    quantise_begin(&t);
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, "batch_norm");
    quantise_rule(&t, i ? "batch_norm" : "\"batch_norm_1\"", cases[i].role, cases[i].format);
    quantise_rule(&t, "default", cases[i].role, "integer(8, 4)");
    assert_null(quantise_run(&t, NET_PASS_quantize, g, NULL));
    assert_string_equal(t.n.diagnostics.list.at[0].message, cases[i].message);
    netc_free(&t.n);
  }
}

/* Rules about more than the node leave it to the next, or alone. */
static void test_passed_over(void **state) {
  (void)state;
  for (int next = 0; next < 2; next++) {
    quantise_test t;
    quantise_begin(&t);
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, "batch_norm; linear features=2");
    quantise_rule(&t, "\".*\"", NET_TENSOR_WEIGHT, "ternary");
    quantise_rule(&t, "\"batch.*\"", NET_TENSOR_WEIGHT, "block_fp(8, 8, block = 4)");
    if (next) quantise_rule(&t, "default", NET_TENSOR_WEIGHT, "integer(8, 4)");
    net_rules *rules;
    assert_true(net_rules_begin(&t.n, g, &t.q, &rules));
    assert_ptr_equal(net_rules_find(rules, 0, NET_TENSOR_WEIGHT), next ? &t.rules[2] : NULL);
    assert_ptr_equal(net_rules_passed(rules, 0, NET_TENSOR_WEIGHT), &t.rules[0]);
    assert_ptr_equal(net_rules_find(rules, 1, NET_TENSOR_WEIGHT), &t.rules[0]);
    assert_null(net_rules_passed(rules, 1, NET_TENSOR_WEIGHT));
    net_rules_end(rules);
    g = quantise_graph(&t, g);
    assert_string_equal(
        net_format_text(&t.n, net_node_format(g, quantise_node(&t, g, "batch_norm_1"), NET_TENSOR_WEIGHT)),
        next ? "integer(8, 4)" : "float32");
    assert_string_equal(quantise_format(&t, g, "linear_1.weight_q"), "ternary");
    netc_free(&t.n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_tensor),   cmocka_unit_test(test_signs),
      cmocka_unit_test(test_several_inputs), cmocka_unit_test(test_losses),
      cmocka_unit_test(test_wide),           cmocka_unit_test(test_wide_scaled),
      cmocka_unit_test(test_step_of_scaled), cmocka_unit_test(test_readers_of_wide),
      cmocka_unit_test(test_calibrated),     cmocka_unit_test(test_wide_channels),
      cmocka_unit_test(test_refused),        cmocka_unit_test(test_passed_over),
      cmocka_unit_test(test_dropout),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
