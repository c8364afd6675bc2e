/* Networks with their weights in hand. */
#include "tests/unit/freeze_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { SAMPLES = 7 };

static net_run filled(netc *n, const net_graph *g, uint64_t seed) {
  support_random random = {seed};
  net_run run = net_run_begin(n, g, &n->arena, SAMPLES);
  support_fill(&run, &random, 3);
  return run;
}

/* The largest difference of the outputs, as a part of the largest output. */
static double difference(const net_run *a, const net_run *b) {
  double most = 0, largest = 0;
  for (uint32_t o = 0; o < a->graph->outputs.count; o++) {
    const double *x = a->values[a->graph->outputs.at[o]], *y = b->values[b->graph->outputs.at[o]];
    for (uint64_t i = 0; i < net_run_elements(a, a->graph->outputs.at[o]); i++) {
      most = fmax(most, fabs(x[i] - y[i]));
      largest = fmax(largest, fabs(x[i]));
    }
  }
  assert_true(largest > 0);
  return most / largest;
}

static void expect_variables(const net_graph *g, uint32_t want) {
  uint32_t count = 0;
  for (net_value_id v = 0; v < g->values.count; v++)
    count += g->values.at[v].kind == NET_VALUE_PARAMETER || g->values.at[v].kind == NET_VALUE_STATISTIC;
  assert_int_equal(count, want);
}

static void test_floats(void **state) {
  (void)state;
  static const struct {
    const char *layers;
    uint32_t affine; /* left, not folded */
  } cases[] = {
      {"linear features=5; batch_norm; relu; linear features=3; batch_norm epsilon=0.1", 0},
      {"batch_norm; linear features=5 bias=false; batch_norm affine=false; relu", 1},
      {"batch_norm affine=false; relu; batch_norm; tanh; linear features=2", 2},
      {"linear features=4; relu; linear features=4; dropout p=0.5; softmax", 0},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    support_init(&n);
    net_graph *g = support_network(&n, "n", (net_shape){1, {4}}, cases[i].layers);
    net_run run = filled(&n, g, i + 1);
    net_graph *frozen = freeze_run(&run, NET_PASS_freeze, g);
    expect_variables(frozen, 0);
    assert_int_equal(support_count(frozen, "batch_norm"), 0);
    assert_int_equal(support_count(frozen, "fold_weight") + support_count(frozen, "fold_bias"), 0);
    assert_int_equal(support_count(frozen, "affine"), cases[i].affine);
    net_run same = freeze_same(&run, frozen);
    assert_true(net_run_all(&run) && net_run_all(&same));
    assert_true(difference(&run, &same) < 1e-6);
    netc_free(&n);
  }
}

/* Folded numbers are made in double and rounded once; later axes share a channel. */
static void test_numbers(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *g = support_network(&n, "n", (net_shape){1, {3}}, "linear features=4; batch_norm epsilon=0.25");
  net_run run = filled(&n, g, 9);
  net_graph *frozen = freeze_run(&run, NET_PASS_freeze, g);
#define ELEMENTS(name) data[support_find(g, name)]
  const float *const *data = freeze_data(&run);
  const float *weight = frozen->values.at[net_node_input(frozen, 0, 1)].data;
  const float *bias = frozen->values.at[net_node_input(frozen, 0, 2)].data;
  for (uint32_t c = 0; c < 4; c++) {
    double a = (double)ELEMENTS("batch_norm_1.weight")[c] /
               sqrt((double)ELEMENTS("batch_norm_1.running_var")[c] + 0.25);
    for (uint32_t i = 0; i < 3; i++)
      assert_true(weight[c * 3 + i] == (float)((double)ELEMENTS("linear_1.weight")[c * 3 + i] * a));
    double away = (double)ELEMENTS("linear_1.bias")[c] - (double)ELEMENTS("batch_norm_1.running_mean")[c];
    assert_true(bias[c] == (float)(away * a + (double)ELEMENTS("batch_norm_1.bias")[c]));
  }
#undef ELEMENTS
  g = support_network(&n, "m", (net_shape){3, {2, 3, 4}}, "batch_norm; relu; linear features=5; batch_norm");
  run = filled(&n, g, 10);
  frozen = freeze_run(&run, NET_PASS_freeze, g);
  assert_int_equal(support_count(frozen, "affine"), 2); /* the linear's channels are not the batch-norm's */
  net_run same = freeze_same(&run, frozen);
  assert_true(net_run_all(&run) && net_run_all(&same));
  assert_true(difference(&run, &same) < 1e-6);
  netc_free(&n);
}

/* What else is read stays whole. */
static void test_not_folded(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *g = support_network(&n, "n", (net_shape){1, {3}}, "linear features=4; batch_norm; relu");
  net_vec_push(g->arena, &g->outputs, support_find(g, "linear_1"));
  net_run run = filled(&n, g, 3);
  net_graph *frozen = freeze_run(&run, NET_PASS_freeze, g);
  assert_int_equal(support_count(frozen, "affine"), 1);
  net_run same = freeze_same(&run, frozen);
  assert_true(net_run_all(&run) && net_run_all(&same));
  assert_true(difference(&run, &same) < 1e-6);
  net_vec_push(g->arena, &g->outputs, support_find(g, "batch_norm_1.mean")); /* and what affine has none of */
  run = filled(&n, g, 3);
  frozen = freeze_run(&run, NET_PASS_freeze, g);
  assert_int_equal(support_count(frozen, "batch_norm"), 1);
  netc_free(&n);
}

/* Formats keep their rules: weights are rounded once and for all, a batch-norm with formats stays. */
static void test_formats(void **state) {
  (void)state;
  for (uint32_t made = 0; made < 2; made++) {
    quantise_test t;
    quantise_begin(&t);
    quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, made ? "ternary(scaled = true)" : "integer(8, 6)");
    quantise_rule(&t, "linear", NET_TENSOR_BIAS, "integer(16, 8)");
    quantise_rule(&t, "default", NET_TENSOR_INPUT, "integer(8, 4)");
    if (made) quantise_rule(&t, "batch_norm", NET_TENSOR_WEIGHT, "integer(8, 5)");
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}},
                                   "linear features=5; batch_norm; relu; linear features=3; batch_norm");
    g = quantise_graph(&t, g);
    net_run run = filled(&t.n, g, 17);
    net_graph *frozen = freeze_run(&run, NET_PASS_freeze, g);
    expect_variables(frozen, 0);
    assert_int_equal(support_count(frozen, "quantize"), support_count(g, "quantize") - 4);
    assert_int_equal(support_count(frozen, "batch_norm"), made ? 2 : 0);
    assert_int_equal(support_count(frozen, "affine"), made ? 0 : 2);
    assert_string_equal(quantise_taken(&t, frozen, "linear_1", 1), "linear_1.weight_q");
    if (!made) assert_string_equal(quantise_format(&t, frozen, "linear_1.weight_q"), "integer(8, 6)");
    net_run same = freeze_same(&run, frozen);
    assert_true(net_run_all(&run) && net_run_all(&same));
    net_value_id q = net_node_input(frozen, quantise_node(&t, frozen, "linear_2"), 2);
    const float *bias = frozen->values.at[q].data;
    for (uint32_t i = 0; i < 3; i++)
      assert_true(bias[i] == run.values[support_find(g, "linear_2.bias_q")][i]);
    if (made) assert_true(difference(&run, &same) == 0);
    netc_free(&t.n);
  }
}

/* Without elements variables stay what they are. */
static void test_without_data(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *g = support_network(&n, "n", (net_shape){1, {4}}, "linear features=5; relu; batch_norm");
  uint32_t have = P_SHAPED;
  net_pass_context context = {.n = &n, .arena = &n.arena, .verify = true};
  net_graph *frozen = net_pass_run(&context, NET_PASS_freeze, g, &have);
  assert_non_null(frozen);
  assert_string_equal(support_printed(&n, frozen), support_printed(&n, g));
  netc_free(&n);
}

/* Typed constants print and read back, whole. */
static void test_constants(void **state) {
  (void)state;
  static const char *const text = "graph g\n"
                                  "  constant a: i8[3] = [-128, 127, 0]\n"
                                  "  constant b: u8[2] = [0, 255]\n"
                                  "  constant c: i16[2] = [-32768, 32767]\n"
                                  "  constant d: u16 = [65535]\n"
                                  "  constant e: i32[2] = [-2147483648, 2147483647]\n"
                                  "  constant f: i64[2] = [-9223372036854775808, 9223372036854775807]\n"
                                  "  constant g: f64 = [0.1]\n";
  netc n;
  support_init(&n);
  net_graph *g = support_parse(&n, text), *copy = net_graph_copy(&n.arena, g);
  assert_true(net_graph_verify(&n, copy));
  assert_string_equal(support_printed(&n, copy), text);
  assert_int_equal(net_type_integer(NET_I64, copy->values.at[5].data, 1), INT64_MAX);
  static const char *const wrong[] = {"i8 = [128]", "u8 = [-1]", "i16 = [0.5]", "i32[2] = [1]",
                                      "u16 = [1, 2]"};
  for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const char *line = net_arena_format(&n.arena, "graph g\n  constant a: %s\n", wrong[i]);
    assert_null(net_graph_parse(&n, &n.arena, "wrong", line, strlen(line)));
  }
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_floats),  cmocka_unit_test(test_numbers),      cmocka_unit_test(test_not_folded),
      cmocka_unit_test(test_formats), cmocka_unit_test(test_without_data), cmocka_unit_test(test_constants),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
