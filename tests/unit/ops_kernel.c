/* ops/: every kernel (form 1 of the loop IR, run by the evaluator) against the interpreter, node by node,
 * both fed the same binary32 inputs; for the forward nodes of the cases and for the gradient nodes made of
 * them. */
#include "runtime/random.h"
#include "tests/unit/ops_evaluate.h"

/* The evaluator sums in double, so a kernel is closer to the interpreter than compiled code need be. */
static void check_node(net_run *run, net_node_id node, uint32_t batch, const char *where) {
  ops_test_kernel(run, node, batch, fmin(net_node_op(run->graph, node)->ulps, 4), 0, where);
}

static void check(const char *lines, uint32_t count, uint32_t batch) {
  netc n;
  ops_test_begin(&n);
  net_graph *graph = ops_test_graph(&n, lines);
  net_node_id node = ops_test_node(graph);
  const net_op *op = net_node_op(graph, node);
  bool inference = !strcmp(op->name, "batch_norm") && !net_node_bool(graph, node, "training");
  net_value_id dy;
  if (op->gradient && !inference) ops_test_gradient(graph, node, 0.7, &dy);
  net_run run = net_run_begin(&n, graph, &n.arena, count);
  run.step = 3;
  run.key[0] = 99;
  run.key[1] = 0xFFFFFFFF;
  ops_test_fill(&run, count + batch);
  if (!net_run_all(&run)) fail_msg("%s: %s", lines, ops_test_message(&n));
  for (node = 0; node < graph->nodes.count; node++) check_node(&run, node, batch, lines);
  netc_free(&n);
}

static void test_kernels(void **state) {
  (void)state;
  for (uint32_t i = 0; i < ops_case_count; i++) {
    check(ops_cases[i], 1, 1);
    check(ops_cases[i], 3, 3);
    check(ops_cases[i], 17, 17);
    check(ops_cases[i], 5, 8);
    check(ops_cases[i], 1, 3);
  }
}

/* The interpreter and kernel of one node on values given: infinities, NaN, ties, far from 0. */
static void check_values(const char *lines, uint32_t count, const double *x) {
  netc n;
  ops_test_begin(&n);
  net_graph *graph = ops_test_graph(&n, lines);
  net_run run = net_run_begin(&n, graph, &n.arena, count);
  ops_test_fill(&run, 1);
  net_run_set_doubles(&run, net_node_input(graph, 0, 0), x);
  if (!net_run_all(&run)) fail_msg("%s: %s", lines, ops_test_message(&n));
  check_node(&run, 0, count, lines);
  netc_free(&n);
}

static void test_extremes(void **state) {
  (void)state;
  static const double far[] = {-20,   -8.5, -1e30, -100, -1e-30, -0.0, 0,
                               1e-30, 3,    88,    100,  1e30,   NAN,  INFINITY};
  static const char *const element_wise[] = {"relu", "leaky_relu", "sigmoid", "tanh",
                                             "silu", "gelu",       "negate"};
  for (uint32_t i = 0; i < sizeof element_wise / sizeof *element_wise; i++) {
    char lines[100];
    snprintf(lines, sizeof lines, "input x: f32[b]\ny: f32[b] = %s(x)\n", element_wise[i]);
    /* 1 + erf x cancels on the left: gelu's error is one of ½x there, as PyTorch's in binary32 */
    uint32_t first = strcmp(element_wise[i], "gelu") ? 0 : 2;
    for (uint32_t k = first; k < sizeof far / sizeof *far; k++) check_values(lines, 1, &far[k]);
  }
  check_values("input x: f32[b]\ny: f32[b] = gelu(x)\n", 4, (double[]){-20, -8.5, -4, 8});
  check_values("input x: f32[b, 3]\ny: f32[b, 3] = softmax(x)\n", 2,
               (double[]){1e30, -1e30, 5, 100, 100, -100});
  check_values("input x: f32[b, 3]\ny: f32[b, 3] = log_softmax(x)\n", 2,
               (double[]){1e30, -1e30, 5, 100, 100, -100});
  check_values("input x: f32[b, 3]\ny: f32[b, 3] = softmax(x)\n", 1, (double[]){1, NAN, 2});
  check_values("input x: f32[b, 3]\ny: f32[b] = max(x)\n", 3, (double[]){1, NAN, 2, NAN, 1, 2, 2, 3, NAN});
  check_values("input x: f32[b, 3]\ny: f32[b] = max(x)\n", 1, (double[]){-INFINITY, -INFINITY, -INFINITY});
  check_values("input x: f32[b, 2]\ntarget t: f32[b, 2]\ny: f32, weight_sum: f32 = bce_with_logits(x, t)\n",
               2, (double[]){1e4, -1e4, 90, -90});
  /* a variance far below the square of the mean */
  check_values("input x: f32[b, 1]\nstatistic m: f32[1] = 0\nstatistic v: f32[1] = 1\n"
               "y: f32[b, 1], mean: f32[1], inverse: f32[1], variance: f32[1] = batch_norm(x, _, _, m, v) "
               "{affine = false, training = true}\n",
               4, (double[]){1000, 1000.5, 1001, 999.5});
}

/* The first largest logit must be the target's. */
static void test_correct(void **state) {
  (void)state;
  const char *lines = "input x: f32[b, 3]\ntarget t: u32[b]\ny: f32 = correct(x, t)\n";
  const double x[] = {1, 2, 3, 3, 1, 3, 3, 1, 3, 2, 2, 2, NAN, 1, 0, 0, 1, NAN, 5, 6, 6};
  const double t[] = {2, 0, 2, 1,
                      0, 1, 1}; /* right, right, second of a tie, second, NaN, beaten by NaN, right */
  netc n;
  ops_test_begin(&n);
  net_graph *graph = ops_test_graph(&n, lines);
  net_run run = net_run_begin(&n, graph, &n.arena, 7);
  net_run_set_doubles(&run, 0, x);
  net_run_set_doubles(&run, 1, t);
  assert_true(net_run_all(&run));
  assert_true(run.values[2][0] == 3);
  check_node(&run, 0, 7, lines);
  check_node(&run, 0, 16, lines);
  netc_free(&n);
}

/* The first step of sgd takes the gradient undamped as velocity, later ones do not. */
static void test_first_step(void **state) {
  (void)state;
  const char *lines = "parameter p: f32[2] = 0\nparameter g: f32[2] = 0\nscalar r: f32 = rate(0)\n"
                      "state v: f32[2] = 0\ny: f32[2], new_velocity: f32[2] = "
                      "sgd(p, g, r, v) {momentum = 0.5, dampening = 0.25}\n";
  netc n;
  ops_test_begin(&n);
  net_graph *graph = ops_test_graph(&n, lines);
  for (uint32_t step = 0; step < 2; step++) {
    net_run run = net_run_begin(&n, graph, &n.arena, 1);
    run.step = step;
    net_run_set_doubles(&run, 0, (double[]){1, 2});
    net_run_set_doubles(&run, 1, (double[]){4, -8});
    net_run_set_doubles(&run, 2, (double[]){0.5});
    net_run_set_doubles(&run, 3, (double[]){2, 0});
    assert_true(net_run_all(&run));
    assert_true(run.values[5][0] == (step ? 4 : 5) && run.values[5][1] == (step ? -6 : -8));
    assert_true(run.values[4][0] == (step ? -1 : -1.5) && run.values[4][1] == (step ? 5 : 6));
    check_node(&run, 0, 1, lines);
  }
  netc_free(&n);
}

/* Whether dropout with p = 0.25 keeps each of count × 6 features, by the interpreter. */
static const double *masks(netc *n, uint32_t count, uint32_t stream, uint32_t step, uint32_t key) {
  net_graph *graph = ops_test_graph(
      n, net_arena_format(&n->arena,
                          "input x: f32[b, 2, 3]\ny: f32[b, 2, 3] = dropout(x) {p = 0.25, stream = %u, "
                          "training = true}\n",
                          stream));
  net_run run = net_run_begin(n, graph, &n->arena, count);
  double *ones = NET_NEW_ARRAY(&n->arena, double, count * 6);
  for (uint32_t i = 0; i < count * 6; i++) ones[i] = 0.75;
  run.step = step;
  run.key[0] = run.key[1] = key;
  net_run_set_doubles(&run, 0, ones);
  assert_true(net_run_all(&run));
  return run.values[1];
}

/* What is kept depends on (key, step, stream, sample, feature) and nothing else, as the formula says. */
static void test_dropout(void **state) {
  (void)state;
  netc n;
  ops_test_begin(&n);
  const double *many = masks(&n, 1000, 3, 5, 7), *few = masks(&n, 10, 3, 5, 7);
  assert_memory_equal(many, few, 60 * sizeof *few);
  uint32_t kept = 0, words[4];
  for (uint32_t i = 0; i < 6000; i++) {
    rt_philox((uint32_t[]){5, 3, i / 6, i % 6 / 4}, (uint32_t[]){7, 7}, words);
    assert_true(many[i] == ((words[i % 6 % 4] >> 8) * 0x1p-24f >= 0.25f)); /* 0.75 / (1 − p) = 1 */
    kept += many[i] == 1;
  }
  assert_true(kept > 4500 - 5 * 34 && kept < 4500 + 5 * 34); /* σ = √(6000 · ¾ · ¼) */
  assert_memory_not_equal(many, masks(&n, 1000, 4, 5, 7), 6000 * sizeof *many);
  assert_memory_not_equal(many, masks(&n, 1000, 3, 6, 7), 6000 * sizeof *many);
  assert_memory_not_equal(many, masks(&n, 1000, 3, 5, 8), 6000 * sizeof *many);
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_kernels), cmocka_unit_test(test_extremes),
                                     cmocka_unit_test(test_correct), cmocka_unit_test(test_first_step),
                                     cmocka_unit_test(test_dropout)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
