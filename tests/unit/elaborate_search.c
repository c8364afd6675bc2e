/* dsl/elaborate_search.c, elaborate_points.c, elaborate_candidate.c: what a search block says, what varies in
 * a network, what a point stands for. What is said about wrong ones is in tests/lit/blocks.test. */
#include "dsl/elaborate_search.h"
#include "dsl/format.h"
#include "formats/formats.h"
#include "ops/ops.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static netc n;
static net_program *program;
static net_search search;
static net_network network;
static net_search_points points;

static int setup(void **state) {
  (void)state;
  netc_init(&n, NULL);
  net_ops_install(&n);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  netc_free(&n);
  return 0;
}

static void must(bool ok) {
  if (ok) return;
  net_diagnostics_flush(&n, stderr, NET_DIAGNOSTICS_TEXT, false);
  fail();
}

#define NETWORK                                                                                              \
  "const k = 4\n"                                                                                            \
  "layer dense(x, n) = x -> linear(n) -> batch_norm -> relu\n"                                               \
  "network net(x: f32[4], width = 8) { x -> dense(width) -> linear(6) -> head: dense(3) }\n"                 \
  "quantize q {\n"                                                                                           \
  "  calibration = minmax\n"                                                                                 \
  "  linear { input = integer(8, auto), weight = integer(7, 3), bias = integer(16, 8) }\n"                   \
  "  \"head.linear_1\" { weight = integer(5, auto, per = channel) }\n"                                       \
  "}\n"

static void load(const char *text) { must(net_program_from_text(&n, "t.net", text, strlen(text), &program)); }

static void elaborate(const char *block) {
  load(net_arena_format(&n.arena, NETWORK "search s {\n%s\n}\n", block));
  must(net_elaborate_search(&n, &n.arena, program, NULL, &search));
  must(net_elaborate_network(&n, &n.arena, program, NULL, &network));
  must(net_search_begin(&n, &n.arena, program, &search, network.graph, &points));
}

static void assert_names(const char *const *names, uint32_t count) {
  assert_int_equal(points.space.count, count);
  for (uint32_t i = 0; i < count; i++) {
    assert_string_equal(points.space.parameters[i].name, names[i]);
    assert_string_equal(points.parameters[i].name, names[i]);
  }
}

static void assert_range(uint32_t i, sr_kind kind, double low, double high, bool log) {
  const sr_parameter *p = &points.space.parameters[i];
  assert_int_equal(p->kind, kind);
  assert_true(p->low == low && p->high == high && p->log == log);
}

/* ---- the block ---- */

static void test_block(void **state) {
  (void)state;
  elaborate(
      "vary linear.weight.width in 2..8\nmaximize accuracy - 0.5\nminimize (bitops + 2 * weight_bytes) / k\n"
      "require accuracy_drop <= 1 %, latency < 100\nstrategy = halving, trials = 27, seed = 5, levels = 3\n"
      "population = 9, fine_tune = 2, base = q");
  assert_string_equal(search.strategy->name, "halving");
  assert_true(search.trials == 27 && search.seed == 5 && search.levels == 3 && search.population == 9);
  assert_true(search.fine_tune == 2 && search.varies_formats && !search.varies_settings);
  assert_string_equal(net_text(&n, search.base), "q");
  assert_int_equal(search.aim_count, 2);
  assert_string_equal(search.aims[1].text, "(bitops + 2 * weight_bytes) / k");
  bool needs[NET_BUDGETS] = {[NET_BUDGET_accuracy] = true,
                             [NET_BUDGET_bitops] = true,
                             [NET_BUDGET_weight_bytes] = true,
                             [NET_BUDGET_accuracy_drop] = true,
                             [NET_BUDGET_latency] = true};
  assert_memory_equal(search.needs, needs, sizeof needs);
  double q[NET_BUDGETS] = {0}, objectives[2];
  q[NET_BUDGET_accuracy] = 0.75, q[NET_BUDGET_bitops] = 1000, q[NET_BUDGET_weight_bytes] = 50;
  q[NET_BUDGET_accuracy_drop] = 0.01, q[NET_BUDGET_latency] = 99;
  net_search_objectives(&search, q, objectives);
  assert_true(objectives[0] == -0.25 && objectives[1] == 275);
  assert_true(net_search_violation(&search, q) == 0);
  q[NET_BUDGET_accuracy_drop] = 0.015;
  assert_true(fabs(net_search_violation(&search, q) - 0.5) < 1e-9);
  q[NET_BUDGET_latency] = 100; /* the bound itself does not hold */
  assert_true(net_search_violation(&search, q) > 0.5);
  q[NET_BUDGET_latency] = NAN;
  assert_true(isnan(net_search_violation(&search, q)));
  q[NET_BUDGET_bitops] = NAN;
  net_search_objectives(&search, q, objectives);
  assert_true(isnan(objectives[1]));
}

static double aim(const char *text, double accuracy, double loss) {
  elaborate(net_arena_format(&n.arena, "vary linear.weight.width in 2..8\nminimize %s", text));
  double q[NET_BUDGETS] = {[NET_BUDGET_accuracy] = accuracy, [NET_BUDGET_loss] = loss};
  return net_aim_value(search.aims[0].value, q);
}

static void test_aims(void **state) {
  (void)state;
  assert_true(aim("loss", 0.5, 3) == 3);
  assert_true(aim("-loss", 0.5, 3) == -3);
  assert_true(aim("2 - loss - 1", 0.5, 3) == -2);
  assert_true(aim("2 - (loss - 1)", 0.5, 3) == 0);
  assert_true(aim("12 / loss / 2 * accuracy", 0.5, 3) == 1);
  assert_true(aim("1 / 3 * loss + 50 %", 0.5, 3) == 1.5); /* no division of integers */
  assert_true(aim("-(k * loss)", 0.5, 3) == -12);
  assert_true(isnan(aim("1 / (loss - 3)", 0.5, 3)));
}

static void test_standards(void **state) {
  (void)state;
  elaborate("vary linear.weight.width in 2..8\nminimize loss");
  assert_string_equal(search.strategy->name, "tpe");
  assert_true(search.trials == 100 && !search.seed && !search.base.id && !search.requirement_count);
  elaborate("vary net.width in [4, 8]\nminimize loss, minimize bitops");
  assert_string_equal(search.strategy->name, "nsga2");
  assert_true(search.varies_settings && !search.varies_formats);
}

/* ---- what varies ---- */

static void test_parameters(void **state) {
  (void)state;
  elaborate("vary linear.weight.width in 2..8\nvary all linear.input.width in [4, 8, 6]\n"
            "vary \"head.*\".weight.fraction in [6, 4, 2]\nvary net.width in [16, 8, 4]\n"
            "vary train.optimizer.learning_rate in log(1e-4..1e-2), train.epochs in 5..(k * 5)\n"
            "vary dense.bias.format in [integer(8, 4), float32]\nvary train.optimizer in [adam, sgd]\n"
            "minimize loss\nbase = q");
  static const char *const names[] = {"dense_1.linear_1.weight.width",
                                      "linear_1.weight.width",
                                      "head.linear_1.weight.width",
                                      "all linear.input.width",
                                      "head.linear_1.weight.fraction",
                                      "head.batch_norm_1.weight.fraction",
                                      "net.width",
                                      "train.optimizer.learning_rate",
                                      "train.epochs",
                                      "dense_1.linear_1.bias.format",
                                      "dense_1.batch_norm_1.bias.format",
                                      "head.linear_1.bias.format",
                                      "head.batch_norm_1.bias.format",
                                      "train.optimizer"};
  assert_names(names, 14);
  for (uint32_t i = 0; i < 3; i++) assert_range(i, SR_INTEGER, 2, 8, false);
  assert_range(3, SR_CHOICE, 0, 2, false);  /* no order */
  assert_range(4, SR_INTEGER, 0, 2, false); /* falling */
  assert_range(6, SR_INTEGER, 0, 2, false);
  assert_range(7, SR_REAL, 1e-4, 1e-2, true);
  assert_range(8, SR_INTEGER, 5, 20, false);
  assert_range(9, SR_CHOICE, 0, 1, false);
  assert_range(13, SR_CHOICE, 0, 1, false);
  assert_int_equal(points.parameters[3].node_count, 3);
  assert_string_equal(net_text(&n, points.parameters[3].nodes[2]), "head.linear_1");
  assert_int_equal(points.parameters[0].node_count, 1);
  assert_string_equal(net_search_value_text(&n, &points, 0, 5), "5");
  assert_string_equal(net_search_value_text(&n, &points, 3, 2), "6");
  assert_string_equal(net_search_value_text(&n, &points, 7, 0.001), "0.001");
  assert_string_equal(net_search_value_text(&n, &points, 7, 0.1 + 0.2), "0.30000000000000004");
  assert_string_equal(net_search_value_text(&n, &points, 9, 1), "float32");
}

static net_format_id format_of(const net_quantization *q, const char *node, net_tensor_role role) {
  net_rules *rules;
  must(net_rules_begin(&n, network.graph, q, &rules));
  const net_quantize_rule *rule =
      net_rules_find(rules, net_graph_find(network.graph, net_intern(&n, node)), role);
  net_rules_end(rules);
  return rule ? rule->tensors[role].format : NET_FORMAT_FLOAT32;
}

static void assert_format(const net_quantization *q, const char *node, net_tensor_role role,
                          const char *text) {
  assert_string_equal(net_format_text(&n, format_of(q, node, role)), text);
}

/* Both ways of saying what a candidate is: rules, and a block that is read again. */
static void test_candidate(void **state) {
  (void)state;
  elaborate(
      "vary linear.weight.width in 2..8\nvary \"linear_1\".weight.width in [3]\nvary all linear.input.width "
      "in 4..8\n"
      "vary \"head.*\".weight.fraction in 0..2\nvary \"linear_1\".bias.format in [ternary, integer(4, 2)]\n"
      "vary \"linear_1\".output.fraction in 1..3\nminimize loss\nbase = q");
  static const char *const names[] = {"dense_1.linear_1.weight.width", "head.linear_1.weight.width",
                                      "linear_1.weight.width",         "all linear.input.width",
                                      "head.linear_1.weight.fraction", "head.batch_norm_1.weight.fraction",
                                      "linear_1.bias.format",          "linear_1.output.fraction"};
  assert_names(names, 8);
  const double x[] = {2, 6, 0, 5, 1, 2, 0, 3};
  net_quantization q[2];
  must(net_search_quantization(&n, &n.arena, &points, x, &q[0]));
  const char *text = net_search_block_text(&n, &points, x, "winner");
  load(net_arena_format(&n.arena, "%s%s", NETWORK, text));
  must(net_elaborate_network(&n, &n.arena, program, NULL, &network));
  must(net_elaborate_quantization(&n, &n.arena, program, "winner", network.graph, &q[1]));
  for (int i = 0; i < 2; i++) {
    assert_format(&q[i], "dense_1.linear_1", NET_TENSOR_WEIGHT, "integer(2, 3)"); /* the base's fraction */
    assert_format(&q[i], "linear_1", NET_TENSOR_WEIGHT, "integer(3, 3)");
    assert_format(&q[i], "head.linear_1", NET_TENSOR_WEIGHT, "integer(6, 1, per = channel)");
    assert_format(&q[i], "head.batch_norm_1", NET_TENSOR_WEIGHT, "integer(8, 2)"); /* no base */
    assert_format(&q[i], "dense_1.linear_1", NET_TENSOR_INPUT, "integer(5, auto)");
    assert_format(&q[i], "linear_1", NET_TENSOR_INPUT, "integer(5, auto)");
    assert_format(&q[i], "linear_1", NET_TENSOR_BIAS, "ternary");
    assert_format(&q[i], "head.linear_1", NET_TENSOR_BIAS, "integer(16, 8)"); /* the base's */
    assert_format(&q[i], "linear_1", NET_TENSOR_OUTPUT, "integer(8, 3)");
    assert_format(&q[i], "dense_1.linear_1", NET_TENSOR_OUTPUT, "float32");
    assert_format(&q[i], "dense_1.batch_norm_1", NET_TENSOR_WEIGHT, "float32");
    assert_int_equal(q[i].calibrator, NET_CALIBRATE_MINMAX);
  }
  const net_decl *again = net_program_find(program, NET_DECL_QUANTIZE, net_intern(&n, "winner"));
  net_file file = {0};
  net_vec_push(&n.arena, &file.decls, (net_decl *)again);
  assert_string_equal(net_format_file(&n, &file), text); /* as netc fmt would have it */
}

/* Without a base: nothing but what varies; a node without a rule stays as it is. */
static void test_no_base(void **state) {
  (void)state;
  elaborate("vary linear.weight.width in 2..8\nminimize loss");
  net_quantization q;
  const double x[] = {2, 3, 4};
  must(net_search_quantization(&n, &n.arena, &points, x, &q));
  assert_int_equal(q.rule_count, 3);
  assert_format(&q, "dense_1.linear_1", NET_TENSOR_WEIGHT, "integer(2, auto)");
  assert_format(&q, "head.linear_1", NET_TENSOR_WEIGHT, "integer(4, auto)");
  assert_format(&q, "head.linear_1", NET_TENSOR_INPUT, "float32");
  assert_string_equal(net_search_block_text(&n, &points, x, "w"),
                      "quantize w {\n"
                      "  \"dense_1.linear_1\" { weight = integer(2, auto) }\n"
                      "  \"linear_1\"         { weight = integer(3, auto) }\n"
                      "  \"head.linear_1\"    { weight = integer(4, auto) }\n"
                      "}\n");
}

static void test_settings(void **state) {
  (void)state;
  elaborate("vary net.width in [16, 8]\nvary train.optimizer.learning_rate in log(1e-4..1e-2)\n"
            "vary train.epochs in 1..9\nvary linear.weight.width in 2..3\nvary train.optimizer.weight_decay "
            "in -1.0..1.0\n"
            "minimize loss");
  net_program *changed;
  const double x[] = {1, 0.0025, 7, 2, 2, 2, -0.5};
  must(net_search_program(&n, program, NULL, &points, x, &changed));
  const char *text = net_program_text(&n, changed);
  assert_non_null(strstr(text, "width = 8)"));
  assert_non_null(strstr(text, "optimizer.learning_rate = 0.0025"));
  assert_non_null(strstr(text, "optimizer.weight_decay  = -0.5"));
  assert_non_null(strstr(text, "epochs"));
  load(text);
}

static void test_no_change(void **state) {
  (void)state;
  elaborate("vary linear.weight.width in 2..8\nminimize loss");
  net_program *changed;
  must(net_search_program(&n, program, NULL, &points, (double[]){2, 2, 2}, &changed));
  assert_ptr_equal(changed, program);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_block, setup, teardown),
      cmocka_unit_test_setup_teardown(test_aims, setup, teardown),
      cmocka_unit_test_setup_teardown(test_standards, setup, teardown),
      cmocka_unit_test_setup_teardown(test_parameters, setup, teardown),
      cmocka_unit_test_setup_teardown(test_candidate, setup, teardown),
      cmocka_unit_test_setup_teardown(test_no_base, setup, teardown),
      cmocka_unit_test_setup_teardown(test_settings, setup, teardown),
      cmocka_unit_test_setup_teardown(test_no_change, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
