/* Biases that no rule speaks of, of sums of scaled integers. */
#include "tests/unit/quantize_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const float half[] = {0.5f}, tenth[] = {0.1f}, each[] = {0.25f, 0.3f, 1e-30f};

/* The bias's format, and its steps: NULL for none. */
static void expect_bias(quantise_test *t, const net_graph *g, const char *node, const char *format,
                        const float *steps, uint32_t count) {
  const char *bias = net_arena_format(&t->n.arena, "%s.bias_q", node);
  assert_string_equal(quantise_taken(t, g, node, 2), bias);
  assert_string_equal(quantise_format(t, g, bias), format);
  const net_node *q = net_graph_at(g, quantise_node(t, g, bias));
  assert_string_equal(net_text(&t->n, q->owner), node);
  assert_int_equal(q->role, NET_TENSOR_BIAS);
  net_value_id step = net_node_input(g, quantise_node(t, g, bias), 1);
  assert_int_equal(net_node_input(g, quantise_node(t, g, bias), 2), NET_NONE);
  assert_int_equal(step == NET_NONE, !steps);
  if (!steps) return;
  const net_value *value = net_graph_value_at(g, step);
  const float *data = value->data;
  assert_int_equal(value->kind, NET_VALUE_CONSTANT);
  assert_int_equal(net_shape_elements(&value->shape), count);
  for (uint32_t i = 0; i < count; i++) assert_true(data[i] == steps[i]);
}

static void expect_none(quantise_test *t, const net_graph *g, const char *node) {
  assert_string_equal(quantise_taken(t, g, node, 2), net_arena_format(&t->n.arena, "%s.bias", node));
}

static net_graph *begin(quantise_test *t, const char *layers, const char *input, const char *weight) {
  quantise_begin(t);
  quantise_rule(t, "linear", NET_TENSOR_INPUT, input);
  quantise_rule(t, "linear", NET_TENSOR_WEIGHT, weight);
  return support_network(&t->n, "n", (net_shape){1, {3}}, layers);
}

static void test_steps(void **state) {
  (void)state;
  quantise_test t;
  net_graph *g = begin(&t, "linear features=3; linear features=3", "scaled_integer(8, affine)",
                       "scaled_integer(8, channel, ste = clipped)");
  const net_graph *before = quantise_graph(&t, g); /* nothing is known yet */
  expect_bias(&t, before, "linear_1", "scaled_integer(32, per = channel, ste = clipped)", NULL, 0);
  const int32_t zero[] = {3};
  quantise_calibrated(&t, "linear_1", NET_TENSOR_INPUT, 0, 1, half, zero);
  quantise_calibrated(&t, "linear_1", NET_TENSOR_WEIGHT, 0, 3, each, NULL);
  const float products[] = {0.125f, (float)(0.5 * 0.3f), 0.5e-30f};
  expect_bias(&t, quantise_graph(&t, g), "linear_1", "scaled_integer(32, per = channel, ste = clipped)",
              products, 3);
  netc_free(&t.n);

  g = begin(&t, "linear features=3", "scaled_integer(8, power_of_two)",
            "scaled_integer(4, affine, power_of_two)");
  quantise_calibrated(&t, "linear_1", NET_TENSOR_INPUT, 0, 1, half, NULL);
  quantise_calibrated(&t, "linear_1", NET_TENSOR_WEIGHT, 0, 1, tenth, zero); /* of affine weights, too */
  const float product[] = {(float)(0.5 * (double)0.1f)};
  expect_bias(&t, quantise_graph(&t, g), "linear_1", "scaled_integer(32, rescale = power_of_two)", product,
              1);
  netc_free(&t.n);

  g = begin(&t, "linear features=3", "scaled_integer(8)", "scaled_integer(8)");
  const float tiny[] = {1e-20f}; /* the product is no normal binary32 */
  quantise_calibrated(&t, "linear_1", NET_TENSOR_INPUT, 0, 1, tiny, NULL);
  quantise_calibrated(&t, "linear_1", NET_TENSOR_WEIGHT, 0, 1, tiny, NULL);
  const float least[] = {0x1p-126f};
  expect_bias(&t, quantise_graph(&t, g), "linear_1", "scaled_integer(32)", least, 1);
  netc_free(&t.n);
}

/* The input's quantiser may stand further in front, behind what passes its format on. */
static void test_through(void **state) {
  (void)state;
  quantise_test t;
  quantise_begin(&t);
  net_graph *g =
      support_network(&t.n, "n", (net_shape){1, {3}},
                      "linear features=3; relu; flatten; linear features=3; sigmoid; linear features=3");
  quantise_rule(&t, "\"linear_1\"", NET_TENSOR_OUTPUT, "scaled_integer(8)");
  quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, "scaled_integer(8)");
  quantise_calibrated(&t, "linear_1", NET_TENSOR_OUTPUT, 0, 1, half, NULL);
  quantise_calibrated(&t, "linear_2", NET_TENSOR_WEIGHT, 0, 1, half, NULL);
  const net_graph *made = quantise_graph(&t, g);
  const float product[] = {0.25f};
  expect_bias(&t, made, "linear_2", "scaled_integer(32)", product, 1);
  expect_none(&t, made, "linear_1");
  expect_none(&t, made, "linear_3");
  netc_free(&t.n);
}

static void test_left(void **state) {
  (void)state;
  static const char *const pairs[][2] = {{"scaled_integer(8)", "integer(8, 4)"},
                                         {"integer(8, 4)", "scaled_integer(8)"},
                                         {"scaled_integer(8, channel)", "scaled_integer(8)"},
                                         {"scaled_integer(8, ste = learned_step)", "scaled_integer(8)"},
                                         {"scaled_integer(8)", "scaled_integer(8, ste = learned_step)"},
                                         {"scaled_integer(8, mase_compatible = true)", "scaled_integer(8)"},
                                         {"float32", "scaled_integer(8)"},
                                         {"scaled_integer(8)", "float32"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    quantise_test t;
    net_graph *g = begin(&t, "linear features=3", pairs[i][0], pairs[i][1]);
    bool channels = strstr(pairs[i][0], "channel") != NULL;
    quantise_calibrated(&t, "linear_1", NET_TENSOR_INPUT, 0, channels ? 3 : 1, channels ? each : half, NULL);
    quantise_calibrated(&t, "linear_1", NET_TENSOR_WEIGHT, 0, 1, half, NULL);
    expect_none(&t, quantise_graph(&t, g), "linear_1");
    netc_free(&t.n);
  }
}

/* A rule decides, and so does one that says to leave it. */
static void test_rules(void **state) {
  (void)state;
  quantise_test t;
  net_graph *g = begin(&t, "linear features=3", "scaled_integer(8)", "scaled_integer(8)");
  quantise_rule(&t, "default", NET_TENSOR_BIAS, "integer(16, 8)");
  assert_string_equal(quantise_format(&t, quantise_graph(&t, g), "linear_1.bias_q"), "integer(16, 8)");
  netc_free(&t.n);
  g = begin(&t, "linear features=3", "scaled_integer(8)", "scaled_integer(8)");
  quantise_rule(&t, "default", NET_TENSOR_BIAS, "float32");
  expect_none(&t, quantise_graph(&t, g), "linear_1");
  netc_free(&t.n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps), cmocka_unit_test(test_through),
                                     cmocka_unit_test(test_left), cmocka_unit_test(test_rules)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
