/* Folding batch-norms into linears, and what networks cost at their formats. */
#include "graph/cost.h"
#include "tests/unit/quantize_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

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
    quantise_test t;
    quantise_begin(&t);
    t.q.fold_batch_norm = true;
    net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, networks[i]);
    net_graph *folded = quantise_run(&t, NET_PASS_fold_batch_norm, g, NULL);
    assert_non_null(folded);
    assert_int_equal(support_count(folded, "batch_norm"), i == 1);
    assert_int_equal(net_graph_parameters(folded), net_graph_parameters(g));
    assert_string_equal(quantise_taken(&t, folded, "linear_1", 1), "linear_1.folded_weight");
    assert_string_equal(quantise_taken(&t, folded, "linear_1", 2), "linear_1.folded_bias");
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
  quantise_test t;
  quantise_begin(&t);
  net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, "linear features=5; batch_norm; relu");
  net_graph *kept = quantise_run(&t, NET_PASS_fold_batch_norm, g, NULL); /* not asked for */
  assert_int_equal(support_count(kept, "batch_norm"), 1);
  t.q.fold_batch_norm = true;
  kept = quantise_run(&t, NET_PASS_fold_batch_norm, g, support_classify(&t.n, "linear_1"));
  assert_int_equal(support_count(kept, "batch_norm"), 1); /* a loss looks at it */
  kept = quantise_run(&t, NET_PASS_fold_batch_norm, g, support_classify(&t.n, "batch_norm_1"));
  assert_int_equal(support_count(kept, "batch_norm"), 0);
  quantise_rule(&t, "default", NET_TENSOR_OUTPUT, "integer(8, 4)");
  quantise_rule(&t, "default", NET_TENSOR_WEIGHT, "integer(6, 4)");
  kept = quantise_graph(&t, kept);
  assert_string_equal(quantise_taken(&t, kept, "linear_1", 1), "linear_1.weight_q");
  assert_string_equal(quantise_taken(&t, kept, "linear_1.weight_q", 0), "linear_1.folded_weight");
  assert_string_equal(quantise_taken(&t, kept, "relu_1", 0), "linear_1.output_q");
  assert_int_equal(support_count(kept, "quantize"), 3); /* none for what is made of parameters */
  net_vec_push(g->arena, &g->outputs, support_find(g, "linear_1"));
  kept = quantise_run(&t, NET_PASS_fold_batch_norm, g, NULL);
  assert_int_equal(support_count(kept, "batch_norm"), 1);
  g = support_network(&t.n, "m", (net_shape){2, {3, 4}},
                      "linear features=3; batch_norm"); /* other channels */
  assert_int_equal(support_count(quantise_run(&t, NET_PASS_fold_batch_norm, g, NULL), "batch_norm"), 1);
  netc_free(&t.n);
}

/* Training folded weights reaches every parameter and leaves the statistics. */
static void test_train_folded(void **state) {
  (void)state;
  quantise_test t;
  quantise_begin(&t);
  t.q.fold_batch_norm = true;
  quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, "integer(8, 4)");
  net_graph *g = support_network(&t.n, "n", (net_shape){1, {4}}, "linear features=3; batch_norm");
  net_optimizer sgd = {.op = "sgd"};
  net_pass_context context = {.n = &t.n,
                              .arena = &t.n.arena,
                              .objective = support_classify(&t.n, "linear_1"),
                              .optimizer = &sgd,
                              .verify = true};
  g = quantise_graph(&t, quantise_run(&t, NET_PASS_fold_batch_norm, g, NULL));
  g = support_train(&context, g);
  assert_int_equal(support_count(g, "sgd"), 4);
  assert_int_equal(support_count(g, "running_update"), 0);
  netc_free(&t.n);
}

/* ---- costs ---- */

/* Weights at the formats that nodes read them in, those that folding makes in place of what they are made of.
 */
static void test_costs(void **state) {
  (void)state;
  quantise_test t;
  quantise_begin(&t);
  net_graph *g =
      support_network(&t.n, "n", (net_shape){1, {3}}, "linear features=2; batch_norm; linear features=5");
  quantise_rule(&t, "linear", NET_TENSOR_WEIGHT, "integer(4, 2)");
  quantise_rule(&t, "\"linear_1\"", NET_TENSOR_INPUT, "integer(8, 4, mase_compatible = true)");
  quantise_rule(&t, "default", NET_TENSOR_BIAS, "integer(16, 8)");
  quantise_rule(&t, "batch_norm", NET_TENSOR_WEIGHT, "integer(10, 5)");
  net_graph *q = quantise_graph(&t, g);
  net_graph_cost(q);
  net_cost_total total = net_graph_cost_total(q, 8);
  assert_true(total.weight_bytes * 8 == 6 * 4 + 2 * 16 + 2 * 10 + 2 * 16 + 10 * 4 + 5 * 16);
  assert_int_equal(total.parameters, 8 + 4 + 15);
  assert_true(total.weight_bits == 4);
  assert_true(total.activation_bits == (3 * (8 + 4) + 2 * 32) / 5.0); /* MASE adds the fraction */
  assert_true(total.macs == 8 * (6 + 10));
  assert_true(total.flops == 8 * (4 * 2 + 10)); /* linear_1 takes integers */
  assert_true(total.bitops == 8 * (6 * (8 * 4 + 16) + 8 * 32 * 32 + 10 * (32 * 4 + 32)));
  t.q.fold_batch_norm = true;
  q = quantise_graph(&t, quantise_run(&t, NET_PASS_fold_batch_norm, g, NULL));
  net_graph_cost(q);
  total = net_graph_cost_total(q, 8);
  assert_true(total.weight_bytes * 8 == 6 * 4 + 2 * 16 + 10 * 4 + 5 * 16);
  assert_int_equal(total.parameters, 8 + 4 + 15);
  assert_true(total.flops == 8 * 10);                              /* folding costs nothing */
  quantise_rule(&t, "\"linear_2\"", NET_TENSOR_INPUT, "bfloat16"); /* which is a float */
  q = quantise_graph(&t, g);
  net_graph_cost(q);
  total = net_graph_cost_total(q, 8);
  assert_true(total.flops == 8 * (4 * 2 + 10));
  assert_true(total.bitops == 8 * (6 * (8 * 4 + 16) + 8 * 32 * 32 + 10 * (16 * 4 + 16)));
  netc_free(&t.n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fold),
      cmocka_unit_test(test_no_fold),
      cmocka_unit_test(test_train_folded),
      cmocka_unit_test(test_costs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
