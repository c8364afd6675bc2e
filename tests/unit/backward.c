/* passes/: what differentiate builds and refuses; gradients themselves are tested in differentiate.c. */
#include "tests/unit/passes_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* ---- what is pruned ---- */

static void freeze(net_graph *graph, const char *name) {
  graph->values.at[support_find(graph, name)].frozen = true;
}

/* mlp of three layers, the given parameters frozen ("a b c"), differentiated without an optimiser */
static net_graph *frozen_network(netc *n, const char *frozen) {
  net_graph *graph = support_network(n, "mlp", (net_shape){1, {4}},
                                     "linear features=5; relu; linear features=5; relu; linear features=3");
  char *rest, *names = net_arena_copy(&n->arena, frozen, strlen(frozen));
  for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) freeze(graph, name);
  net_objective *objective = support_classify(n, "linear_3");
  net_pass_context context = {.n = n, .arena = &n->arena, .objective = objective};
  uint32_t have = P_SHAPED | P_TRAINING_MODE | P_LOSSES;
  return support_pass(&context, NET_PASS_differentiate, support_with_losses(&context, graph), &have);
}

static void test_frozen(void **state) {
  (void)state;
  static const struct {
    const char *frozen;
    uint32_t outputs, weight_gradients, input_gradients, relu_gradients;
  } cases[] = {
      {"", 6, 3, 2, 2},
      {"linear_3.weight linear_3.bias", 4, 2, 2, 2}, /* its input still needs a gradient */
      {"linear_1.weight linear_1.bias", 4, 2, 1, 1}, /* nothing goes back beyond linear_2 */
      {"linear_1.weight", 5, 2, 2, 2},
      {"linear_1.weight linear_1.bias linear_2.weight linear_2.bias", 2, 1, 0, 0},
      {"linear_1.weight linear_1.bias linear_2.weight linear_2.bias linear_3.weight", 1, 0, 0, 0},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    support_init(&n);
    net_graph *graph = frozen_network(&n, cases[i].frozen);
    assert_int_equal(graph->outputs.count, cases[i].outputs);
    assert_int_equal(support_count(graph, "linear_weight_gradient"), cases[i].weight_gradients);
    assert_int_equal(support_count(graph, "linear_input_gradient"), cases[i].input_gradients);
    assert_int_equal(support_count(graph, "relu_gradient"), cases[i].relu_gradients);
    assert_int_equal(n.diagnostics.list.count, 0);
    netc_free(&n);
  }
}

static const char *failure_of(netc *n, const net_graph *graph) {
  net_pass_context context = {.n = n, .arena = &n->arena, .objective = support_classify(n, "y")};
  uint32_t have = P_SHAPED | P_TRAINING_MODE | P_LOSSES;
  net_graph *forward = support_with_losses(&context, graph);
  assert_null(net_pass_run(&context, NET_PASS_differentiate, forward, &have));
  return support_message(n);
}

static void test_nothing(void **state) {
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"  y: f32[b, 3] = relu(x)\n", "there is nothing to train: the network has no parameters"},
      {"  parameter p: f32[3] = 0 frozen\n  y: f32[b, 3] = add(x, p)\n",
       "there is nothing to train: every parameter is frozen"},
      {"  parameter p: f32[3] = 0 frozen\n  parameter q: f32[3] = 0\n  z: f32[b, 3] = add(x, q)\n"
       "  y: f32[b, 3] = add(x, p)\n",
       "there is nothing to train: no loss depends on a parameter that is not frozen"},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    support_init(&n);
    const char *text = net_arena_format(&n.arena, "graph g\n  input x: f32[b, 3]\n%s", cases[i].text);
    assert_string_equal(failure_of(&n, support_parse(&n, text)), cases[i].message);
    assert_int_equal(n.diagnostics.errors, 1);
    netc_free(&n);
  }
}

/* A total that is no weighted sum of losses is netc's own fault. */
static void test_total(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *graph = support_parse(&n, "graph g\n"
                                       "  input x: f32[b, 3]\n"
                                       "  parameter p: f32[3] = 0\n"
                                       "  y: f32[b, 3] = add(x, p)\n"
                                       "  target t: f32[b, 3]\n"
                                       "  l: f32, weight_sum: f32 = mse(y, t, _)\n"
                                       "  total: f32 = tanh(l)\n"
                                       "  losses total, l.weight_sum\n");
  net_pass_context context = {.n = &n, .arena = &n.arena};
  assert_null(net_pass_differentiate(&context, graph));
  assert_string_equal(support_message(&n),
                      "the total loss is no weighted sum of losses, but comes from tanh");
  assert_int_equal(n.diagnostics.faults, 1);
  netc_free(&n);
}

/* A loss that counts twice counts with the sum of its factors. */
static void test_repeated_loss(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *graph = support_parse(&n, "graph g\n"
                                       "  input x: f32[b, 3]\n"
                                       "  parameter p: f32[3] = 0\n"
                                       "  y: f32[b, 3] = add(x, p)\n"
                                       "  target t: f32[b, 3]\n"
                                       "  l: f32, weight_sum: f32 = mse(y, t, _)\n"
                                       "  twice: f32 = scale(l) {factor = 2}\n"
                                       "  total: f32 = add(l, twice)\n"
                                       "  losses total, l.weight_sum\n");
  net_pass_context context = {.n = &n, .arena = &n.arena};
  net_graph *training = net_pass_differentiate(&context, graph);
  assert_non_null(training);
  net_node_id node = net_graph_find(training, net_intern(&n, "l.prediction_gradient"));
  assert_int_not_equal(node, NET_NONE);
  assert_true(net_node_real(training, node, "scale") == 3);
  netc_free(&n);
}

/* Statistics of a batch_norm that is not in training stay as they are. */
static void test_inference_norm(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *graph =
      support_network(&n, "net", (net_shape){1, {3}}, "batch_norm affine=false; linear features=3");
  net_optimizer optimizer = {.op = "sgd"};
  net_pass_context context = {
      .n = &n, .arena = &n.arena, .optimizer = &optimizer, .objective = support_classify(&n, "linear_1")};
  uint32_t have = P_SHAPED;
  net_graph *forward = support_pass(&context, NET_PASS_losses, graph, &have);
  have |= P_TRAINING_MODE;
  net_graph *training = support_pass(&context, NET_PASS_differentiate, forward, &have);
  assert_int_equal(support_count(training, "running_update"), 0);
  assert_int_equal(support_count(training, "sgd"), 2);
  netc_free(&n);
}

/* ---- rows that are wrong ---- */

static bool gives_none(net_gradient *gradient) { return (void)gradient, true; }

static bool gives_another_shape(net_gradient *gradient) {
  gradient->dx[0] = net_gradient_call(gradient, "flatten", "wrong", &gradient->dy[0], 1, NULL, 0);
  return gradient->dx[0] != NET_NONE;
}

static bool refuses(net_gradient *gradient) {
  net_error(gradient->graph->n, NET_NOWHERE, "no");
  return false;
}

static void test_wrong_rows(void **state) {
  (void)state;
  static const struct {
    bool (*gradient)(net_gradient *gradient);
    const char *message;
  } cases[] = {
      {gives_none, "tanh gives no gradient for 'linear_1'"},
      {gives_another_shape, "the gradient of tanh for 'linear_1' is [6] a sample, not [2, 3] a sample"},
      {refuses, "no"},
      {NULL, "there is nothing to train: no loss depends on a parameter that is not frozen"},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    support_init(&n);
    net_op *ops = NET_NEW_ARRAY(&n.arena, net_op, n.op_count);
    memcpy(ops, n.ops, n.op_count * sizeof *ops);
    uint16_t row;
    net_op_find(&n, "tanh", &row);
    ops[row].gradient = cases[i].gradient;
    n.ops = ops;
    net_graph *graph = support_network(&n, "net", (net_shape){2, {2, 3}}, "linear features=3; tanh");
    net_pass_context context = {.n = &n, .arena = &n.arena};
    context.objective = support_fit(&n, "tanh_1", (net_shape){2, {2, 3}});
    uint32_t have = P_SHAPED | P_TRAINING_MODE | P_LOSSES;
    assert_null(net_pass_run(&context, NET_PASS_differentiate, support_with_losses(&context, graph), &have));
    assert_string_equal(support_message(&n), cases[i].message);
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_frozen),         cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_total),          cmocka_unit_test(test_repeated_loss),
      cmocka_unit_test(test_inference_norm), cmocka_unit_test(test_wrong_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
