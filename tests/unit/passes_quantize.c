/* The quantise pass: where quantisers go, what they are given, when sums are kept whole; folding batch-norms.
 */
#include "tests/unit/passes_support.h"

#include "formats/formats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* ---- rules ---- */

enum { MOST = 16 };

typedef struct {
  netc n;
  net_quantize_rule rules[MOST];
  net_calibrated calibrated[MOST];
  net_quantization q;
} tester;

static void begin(tester *t) {
  *t = (tester){0};
  support_init(&t->n);
  t->q = (net_quantization){.name = net_intern(&t->n, "q"), .rules = t->rules, .calibrated = t->calibrated};
}

/* "weight = integer(8, 4)" for an operator, for a node in quotes, or for default */
static void rule(tester *t, const char *what, net_tensor_role role, const char *format) {
  net_quantize_rule *r = &t->rules[t->q.rule_count++];
  bool quoted = what[0] == '"';
  net_name name = quoted ? net_intern_bytes(&t->n, what + 1, strlen(what) - 2) : net_intern(&t->n, what);
  *r = (net_quantize_rule){.scope = quoted                     ? NET_RULE_QUOTED
                                    : !strcmp(what, "default") ? NET_RULE_DEFAULT
                                                               : NET_RULE_OPERATOR,
                           .what = name};
  r->tensors[role].given = true;
  if (!net_format_parse(&t->n, format, strlen(format), NET_NOWHERE, &r->tensors[role].format))
    fail_msg("%s", support_message(&t->n));
}

static void calibrated(tester *t, const char *node, net_tensor_role role, uint32_t input, uint32_t count,
                       const float *steps, const int32_t *zeros) {
  t->calibrated[t->q.calibrated_count++] =
      (net_calibrated){net_intern(&t->n, node), role, input, count, steps, zeros};
}

static net_graph *run(tester *t, net_pass_id pass, const net_graph *graph, const net_objective *objective) {
  uint32_t have = P_SHAPED;
  const char *before = support_printed(&t->n, graph);
  net_pass_context context = {
      .n = &t->n, .arena = &t->n.arena, .objective = objective, .quantization = &t->q, .verify = true};
  net_graph *result = net_pass_run(&context, pass, graph, &have);
  assert_string_equal(support_printed(&t->n, graph), before); /* the old one is untouched */
  if (result)
    assert_string_equal(support_printed(&t->n, support_parse(&t->n, support_printed(&t->n, result))),
                        support_printed(&t->n, result));
  return result;
}

static net_graph *quantised(tester *t, const net_graph *graph) {
  net_graph *result = run(t, NET_PASS_quantize, graph, NULL);
  if (!result) fail_msg("%s", support_message(&t->n));
  return result;
}

static net_node_id node_of(tester *t, const net_graph *g, const char *name) {
  net_node_id node = net_graph_find(g, net_intern(&t->n, name));
  if (node == NET_NONE) fail_msg("there is no node '%s' in\n%s", name, support_printed(&t->n, g));
  return node;
}

/* The name of the value that a node takes. */
static const char *taken(tester *t, const net_graph *g, const char *node, uint32_t input) {
  net_value_id v = net_node_input(g, node_of(t, g, node), input);
  return v == NET_NONE ? "_" : net_text(&t->n, g->values.at[v].name);
}

static const char *format_of(tester *t, const net_graph *g, const char *value) {
  return net_format_text(&t->n, g->values.at[support_find(g, value)].format);
}

/* ---- where they go ---- */

static void test_every_tensor(void **state) {
  (void)state;
  tester t;
  begin(&t);
  net_graph *g = support_network(&t.n, "n", (net_shape){1, {3}}, "linear features=2; relu");
  rule(&t, "linear", NET_TENSOR_INPUT, "integer(8, 4)");
  rule(&t, "linear", NET_TENSOR_WEIGHT, "integer(6, 5)");
  rule(&t, "linear", NET_TENSOR_BIAS, "integer(8, 2)");
  rule(&t, "linear", NET_TENSOR_ACCUMULATOR, "integer(16, 9, overflow = wrap)");
  rule(&t, "linear", NET_TENSOR_OUTPUT, "minifloat(8, 4)");
  rule(&t, "relu", NET_TENSOR_OUTPUT, "float32"); /* asks for nothing */
  assert_string_equal(
      support_printed(&t.n, quantised(&t, g)),
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

static void test_several_inputs(void **state) {
  (void)state;
  tester t;
  begin(&t);
  net_graph *g = support_parse(&t.n, "graph n\n"
                                     "  input x: f32[b, 2]\n"
                                     "  input y: f32[b, 2]\n"
                                     "  constant half: f32 = [0.5]\n"
                                     "  a: f32[b, 2] = add(x, y)\n"
                                     "  m: f32[b, 2] = mul(a, half)\n"
                                     "  c: f32[b, 6] = concat(a, m, a) {axis = 0}\n"
                                     "  output c, a\n");
  rule(&t, "default", NET_TENSOR_INPUT, "integer(8, 4)");
  rule(&t, "concat", NET_TENSOR_INPUT, "integer(6, 4)");
  rule(&t, "add", NET_TENSOR_OUTPUT, "integer(7, 4)");
  rule(&t, "default", NET_TENSOR_WEIGHT, "integer(5, 4)"); /* nothing has one */
  g = quantised(&t, g);
  assert_string_equal(taken(&t, g, "a", 0), "a.input_q");
  assert_string_equal(taken(&t, g, "a", 1), "a.input_2_q");
  assert_string_equal(taken(&t, g, "a.input_2_q", 0), "y");
  assert_string_equal(taken(&t, g, "m", 1), "m.input_2_q");
  assert_string_equal(taken(&t, g, "m.input_2_q", 0), "half");
  assert_string_equal(taken(&t, g, "m.input_q", 0), "a.output_q"); /* what others see of a */
  assert_string_equal(taken(&t, g, "c", 2), "c.input_3_q");
  assert_string_equal(format_of(&t, g, "c"), "integer(6, 4)");
  assert_int_equal(g->outputs.at[1], support_find(g, "a.output_q"));
  assert_int_equal(g->nodes.count, 3 + 2 + 2 + 3 + 1);
  netc_free(&t.n);
}

/* Losses, too, mean what a node's own quantisers make of it; training goes through them. */
static void test_losses(void **state) {
  (void)state;
  tester t;
  begin(&t);
  net_graph *g =
      support_network(&t.n, "n", (net_shape){1, {3}}, "linear features=4; relu; linear features=3");
  rule(&t, "default", NET_TENSOR_INPUT, "integer(8, 4)");
  rule(&t, "default", NET_TENSOR_WEIGHT, "integer(8, 4, ste = clipped)");
  rule(&t, "\"linear_2\"", NET_TENSOR_OUTPUT, "integer(8, 4)");
  g = quantised(&t, g);
  net_pass_context context = {
      .n = &t.n, .arena = &t.n.arena, .objective = support_classify(&t.n, "linear_2"), .verify = true};
  net_graph *losses = support_with_losses(&context, g);
  assert_string_equal(taken(&t, losses, "cross_entropy_1", 0), "linear_2.output_q");
  assert_int_equal(losses->observed.at[0], support_find(losses, "linear_2.output_q"));
  net_optimizer sgd = {.op = "sgd"};
  context.optimizer = &sgd;
  net_graph *training = support_train(&context, g);
  assert_int_equal(support_count(training, "quantize_gradient"), 2); /* of the clipped weights alone */
  assert_int_equal(support_count(training, "sgd"), 4);
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
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tester t;
    begin(&t);
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {cases[i].in}}, "linear features=2; relu");
    if (cases[i].x) rule(&t, "linear", NET_TENSOR_INPUT, cases[i].x);
    if (cases[i].weight) rule(&t, "linear", NET_TENSOR_WEIGHT, cases[i].weight);
    if (cases[i].bias) rule(&t, "linear", NET_TENSOR_BIAS, cases[i].bias);
    g = quantised(&t, g);
    const net_value *y = &g->values.at[support_find(g, "linear_1")];
    if ((y->type == NET_F64) != cases[i].wide || net_node_bool(g, y->def, "wide") != cases[i].wide)
      fail_msg("case %u: %s", i, net_type_name(y->type));
    assert_string_equal(taken(&t, g, "relu_1", 0), cases[i].wide ? "linear_1.accumulator_q" : "linear_1");
    netc_free(&t.n);
  }
}

/* What quantises a whole sum rounds it once; others get it rounded to binary32. */
static void test_readers_of_wide(void **state) {
  (void)state;
  tester t;
  begin(&t);
  net_graph *g = support_parse(&t.n, "graph n\n"
                                     "  input x: f32[b, 4]\n"
                                     "  parameter l.weight: f32[4, 4] = 0\n"
                                     "  l: f32[b, 4] = linear(x, l.weight, _) {features = 4, bias = false}\n"
                                     "  r: f32[b, 4] = relu(l)\n"
                                     "  t: f32[b, 4] = tanh(l)\n"
                                     "  parameter k.weight: f32[4, 4] = 0\n"
                                     "  k: f32[b, 4] = linear(t, k.weight, _) {features = 4, bias = false}\n"
                                     "  output l, r, k\n");
  rule(&t, "linear", NET_TENSOR_INPUT, "integer(16, 8)");
  rule(&t, "linear", NET_TENSOR_WEIGHT, "integer(16, 8)");
  rule(&t, "tanh", NET_TENSOR_INPUT, "integer(8, 4)");
  rule(&t, "\"k\"", NET_TENSOR_OUTPUT, "integer(12, 4)");
  g = quantised(&t, g);
  assert_int_equal(g->values.at[support_find(g, "l")].type, NET_F64);
  assert_string_equal(taken(&t, g, "t.input_q", 0), "l");
  assert_string_equal(taken(&t, g, "r", 0), "l.accumulator_q");
  assert_string_equal(format_of(&t, g, "l.accumulator_q"), "float32");
  assert_int_equal(g->outputs.at[0], support_find(g, "l.accumulator_q"));
  assert_string_equal(taken(&t, g, "k.output_q", 0), "k"); /* once: there is no accumulator_q between */
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
  tester t;
  begin(&t);
  net_graph *g =
      support_network(&t.n, "n", (net_shape){1, {4}}, "linear features=3; linear features=3; batch_norm");
  rule(&t, "\"linear_1\"", NET_TENSOR_INPUT, "integer(8, auto, rounding = floor)");
  rule(&t, "\"linear_1\"", NET_TENSOR_WEIGHT, "integer(6, auto, per = channel)");
  rule(&t, "\"linear_1\"", NET_TENSOR_BIAS, "integer(8, auto)"); /* not profiled: stays open */
  rule(&t, "\"linear_1\"", NET_TENSOR_OUTPUT, "scaled_integer(8, scheme = affine)");
  rule(&t, "\"linear_2\"", NET_TENSOR_INPUT, "integer(4, auto, unsigned, ste = learned_step)");
  rule(&t, "\"linear_2\"", NET_TENSOR_WEIGHT, "scaled_integer(4, per = channel, ste = learned_step)");
  rule(&t, "\"linear_2\"", NET_TENSOR_BIAS, "integer(8, 3, ste = learned_step)");
  rule(&t, "batch_norm", NET_TENSOR_WEIGHT, "integer(8, auto, per = channel, ste = learned_step)");
  rule(&t, "batch_norm", NET_TENSOR_BIAS, "integer(8, auto)");
  calibrated(&t, "linear_1", NET_TENSOR_INPUT, 0, 1, one, NULL);
  calibrated(&t, "linear_1", NET_TENSOR_INPUT, 1, 1, odd, NULL); /* of another input: not asked for */
  calibrated(&t, "linear_1", NET_TENSOR_WEIGHT, 0, 3, steps, NULL);
  calibrated(&t, "linear_1", NET_TENSOR_OUTPUT, 0, 1, odd, zeros);
  calibrated(&t, "linear_2", NET_TENSOR_INPUT, 0, 1, odd, NULL);
  calibrated(&t, "linear_2", NET_TENSOR_WEIGHT, 0, 3, odd_each, NULL);
  calibrated(&t, "batch_norm_1", NET_TENSOR_BIAS, 0, 1, one, NULL);
  net_graph *plain = g;
  plain->values.at[support_find(plain, "linear_2.weight")].group = 2;
  g = quantised(&t, g);
  assert_string_equal(format_of(&t, g, "linear_1.input_q"), "integer(8, 5, rounding = floor)");
  assert_string_equal(taken(&t, g, "linear_1.input_q", 1), "_"); /* a fraction says all */
  assert_string_equal(format_of(&t, g, "linear_1.weight_q"), "integer(6, auto, per = channel)");
  const net_value *weight = &g->values.at[support_find(g, "linear_1.weight.step")];
  assert_int_equal(weight->kind, NET_VALUE_CONSTANT);
  assert_true(net_shape_same(&weight->shape, &(net_shape){1, {3}}));
  assert_memory_equal(weight->data, steps, sizeof steps);
  assert_string_equal(taken(&t, g, "linear_1.weight_q", 1), "linear_1.weight.step");
  assert_string_equal(taken(&t, g, "linear_1.weight_q", 2), "_");
  assert_string_equal(format_of(&t, g, "linear_1.bias_q"), "integer(8, auto)");
  assert_string_equal(taken(&t, g, "linear_1.bias_q", 1), "_");
  assert_string_equal(taken(&t, g, "linear_1.output_q", 1), "linear_1.output.step");
  assert_true(g->values.at[support_find(g, "linear_1.output.zero")].data[0] == -7);
  const net_value *learned = &g->values.at[support_find(g, "linear_2.input_step")];
  assert_int_equal(learned->kind, NET_VALUE_PARAMETER);
  assert_true(learned->init.kind == NET_INIT_FILL && learned->init.value == (double)0.3f && !learned->frozen);
  assert_int_equal(learned->group, 2); /* as the node's weight has it */
  assert_string_equal(format_of(&t, g, "linear_2.input_q"),
                      "integer(4, auto, unsigned = true, ste = learned_step)");
  assert_true(
      net_shape_same(&g->values.at[support_find(g, "linear_2.weight_step")].shape, &(net_shape){1, {3}}));
  assert_true(g->values.at[support_find(g, "linear_2.bias_step")].init.value == 0.125); /* its own fraction */
  net_node_id norm = node_of(&t, g, "batch_norm_1");
  assert_string_equal(net_text(&t.n, net_node_attribute(g, norm, "weight_format")->text),
                      "integer(8, auto, ste = clipped)");
  assert_string_equal(net_text(&t.n, net_node_attribute(g, norm, "bias_format")->text), "integer(8, 5)");
  plain->values.at[support_find(plain, "linear_2.weight")].frozen = true;
  g = quantised(&t, plain);
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
    tester t;
    begin(&t);
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {512}}, "linear features=2");
    rule(&t, "linear", NET_TENSOR_INPUT, "integer(8, 4)");
    rule(&t, "linear", NET_TENSOR_WEIGHT, "integer(8, auto, per = channel)");
    rule(&t, "linear", NET_TENSOR_BIAS, "integer(8, 8)");
    calibrated(&t, "linear_1", NET_TENSOR_WEIGHT, 0, 2, cases[i].steps, NULL);
    g = quantised(&t, g);
    assert_int_equal(net_node_bool(g, node_of(&t, g, "linear_1"), "wide"), cases[i].wide);
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
    tester t;
    begin(&t);
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, "batch_norm");
    rule(&t, i ? "batch_norm" : "\"batch_norm_1\"", cases[i].role, cases[i].format);
    rule(&t, "default", cases[i].role, "integer(8, 4)");
    assert_null(run(&t, NET_PASS_quantize, g, NULL));
    assert_string_equal(t.n.diagnostics.list.at[0].message, cases[i].message);
    netc_free(&t.n);
  }
}

/* Rules about more than the node leave it to the next, or alone. */
static void test_passed_over(void **state) {
  (void)state;
  for (int next = 0; next < 2; next++) {
    tester t;
    begin(&t);
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, "batch_norm; linear features=2");
    rule(&t, "\".*\"", NET_TENSOR_WEIGHT, "ternary");
    rule(&t, "\"batch.*\"", NET_TENSOR_WEIGHT, "block_fp(8, 8, block = 4)");
    if (next) rule(&t, "default", NET_TENSOR_WEIGHT, "integer(8, 4)");
    net_rules *rules;
    assert_true(net_rules_begin(&t.n, g, &t.q, &rules));
    assert_ptr_equal(net_rules_find(rules, 0, NET_TENSOR_WEIGHT), next ? &t.rules[2] : NULL);
    assert_ptr_equal(net_rules_passed(rules, 0, NET_TENSOR_WEIGHT), &t.rules[0]);
    assert_ptr_equal(net_rules_find(rules, 1, NET_TENSOR_WEIGHT), &t.rules[0]);
    assert_null(net_rules_passed(rules, 1, NET_TENSOR_WEIGHT));
    net_rules_end(rules);
    g = quantised(&t, g);
    assert_string_equal(
        net_format_text(&t.n, net_node_format(g, node_of(&t, g, "batch_norm_1"), NET_TENSOR_WEIGHT)),
        next ? "integer(8, 4)" : "float32");
    assert_string_equal(format_of(&t, g, "linear_1.weight_q"), "ternary");
    netc_free(&t.n);
  }
}

/* ---- folding ---- */

/* All values of one graph by those of the same name in another. */
static void fill_as(net_run *to, const net_run *from) {
  for (net_value_id v = 0; v < to->graph->values.count; v++) {
    const net_value *value = &to->graph->values.at[v];
    if (value->kind != NET_VALUE_RESULT)
      net_run_set_doubles(to, v, from->values[net_graph_find_value(from->graph, value->name)]);
  }
}

static void test_fold(void **state) {
  (void)state;
  static const char *const networks[] = {
      "linear features=5; batch_norm; relu; linear features=3; batch_norm epsilon=0.1",
      "batch_norm; linear features=5 bias=false; batch_norm affine=false; relu",
      "linear features=5 bias=false; batch_norm",
  };
  for (uint32_t i = 0; i < sizeof networks / sizeof *networks; i++) {
    tester t;
    begin(&t);
    t.q.fold_batch_norm = true;
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, networks[i]);
    net_graph *folded = run(&t, NET_PASS_fold_batch_norm, g, NULL);
    assert_non_null(folded);
    assert_int_equal(support_count(folded, "batch_norm"), i == 1);
    assert_int_equal(net_graph_parameters(folded), net_graph_parameters(g));
    assert_string_equal(taken(&t, folded, "linear_1", 1), "linear_1.folded_weight");
    assert_string_equal(taken(&t, folded, "linear_1", 2), "linear_1.folded_bias");
    support_random random = {i + 1};
    net_run plain = net_run_begin(&t.n, g, &t.n.arena, 6), other = net_run_begin(&t.n, folded, &t.n.arena, 6);
    support_fill(&plain, &random, 3);
    fill_as(&other, &plain);
    assert_true(net_run_all(&plain) && net_run_all(&other));
    const double *y = plain.values[g->outputs.at[0]], *z = other.values[folded->outputs.at[0]];
    for (uint64_t k = 0; k < net_run_elements(&plain, g->outputs.at[0]); k++)
      if (fabs(y[k] - z[k]) > 2e-6 * (1 + fabs(y[k]))) fail_msg("network %u, %g is %g", i, y[k], z[k]);
    netc_free(&t.n);
  }
}

/* What else is read of it stays; rules are about what is left. */
static void test_no_fold(void **state) {
  (void)state;
  tester t;
  begin(&t);
  net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, "linear features=5; batch_norm; relu");
  net_graph *kept = run(&t, NET_PASS_fold_batch_norm, g, NULL); /* not asked for */
  assert_int_equal(support_count(kept, "batch_norm"), 1);
  t.q.fold_batch_norm = true;
  kept = run(&t, NET_PASS_fold_batch_norm, g, support_classify(&t.n, "linear_1"));
  assert_int_equal(support_count(kept, "batch_norm"), 1); /* a loss looks at it */
  kept = run(&t, NET_PASS_fold_batch_norm, g, support_classify(&t.n, "batch_norm_1"));
  assert_int_equal(support_count(kept, "batch_norm"), 0);
  rule(&t, "default", NET_TENSOR_OUTPUT, "integer(8, 4)");
  rule(&t, "default", NET_TENSOR_WEIGHT, "integer(6, 4)");
  kept = quantised(&t, kept);
  assert_string_equal(taken(&t, kept, "linear_1", 1), "linear_1.weight_q");
  assert_string_equal(taken(&t, kept, "linear_1.weight_q", 0), "linear_1.folded_weight");
  assert_string_equal(taken(&t, kept, "relu_1", 0), "linear_1.output_q");
  assert_int_equal(support_count(kept, "quantize"), 3); /* none for what is made of parameters */
  net_vec_push(g->arena, &g->outputs, support_find(g, "linear_1"));
  kept = run(&t, NET_PASS_fold_batch_norm, g, NULL);
  assert_int_equal(support_count(kept, "batch_norm"), 1);
  g = support_network(&t.n, "m", (net_shape){2, {3, 4}},
                      "linear features=3; batch_norm"); /* other channels */
  assert_int_equal(support_count(run(&t, NET_PASS_fold_batch_norm, g, NULL), "batch_norm"), 1);
  netc_free(&t.n);
}

/* Training folded weights reaches every parameter and leaves the statistics. */
static void test_train_folded(void **state) {
  (void)state;
  tester t;
  begin(&t);
  t.q.fold_batch_norm = true;
  rule(&t, "linear", NET_TENSOR_WEIGHT, "integer(8, 4)");
  net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, "linear features=3; batch_norm");
  net_optimizer sgd = {.op = "sgd"};
  net_pass_context context = {.n = &t.n,
                              .arena = &t.n.arena,
                              .objective = support_classify(&t.n, "linear_1"),
                              .optimizer = &sgd,
                              .verify = true};
  g = quantised(&t, run(&t, NET_PASS_fold_batch_norm, g, NULL));
  g = support_train(&context, g);
  assert_int_equal(support_count(g, "sgd"), 4);
  assert_int_equal(support_count(g, "running_update"), 0);
  netc_free(&t.n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_tensor),    cmocka_unit_test(test_several_inputs),
      cmocka_unit_test(test_losses),          cmocka_unit_test(test_wide),
      cmocka_unit_test(test_readers_of_wide), cmocka_unit_test(test_calibrated),
      cmocka_unit_test(test_wide_channels),   cmocka_unit_test(test_refused),
      cmocka_unit_test(test_passed_over),     cmocka_unit_test(test_fold),
      cmocka_unit_test(test_no_fold),         cmocka_unit_test(test_train_folded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
