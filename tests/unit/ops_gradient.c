/* ops/: the gradient of every operator that has one against central differences of its interpreter. */
#include "tests/unit/ops_cases.h"

static const uint32_t batches[] = {1, 3, 17};

/* Σ dy · y, or scale · loss */
static double objective(net_run *run, net_node_id node, net_value_id dy, double scale) {
  if (!net_run_node(run, node)) fail_msg("%s", ops_test_message(run->n));
  net_value_id y = net_node_output(run->graph, node, 0);
  if (dy == NET_NONE) return scale * run->values[y][0];
  double sum = 0;
  for (uint64_t i = 0; i < net_run_elements(run, y); i++) sum += run->values[dy][i] * run->values[y][i];
  return sum;
}

/* Of the operators here only relu, max and the like have kinks, and random numbers stay away from them. */
static double difference(net_run *run, net_node_id node, net_value_id dy, double scale, double *x) {
  double at = *x, h = 1e-5;
  *x = at + h;
  double above = objective(run, node, dy, scale);
  *x = at - h;
  double below = objective(run, node, dy, scale);
  *x = at;
  return (above - below) / (2 * h);
}

static void check(const char *lines, uint32_t count) {
  netc n;
  ops_test_begin(&n);
  net_graph *graph = ops_test_graph(&n, lines);
  net_node_id node = ops_test_node(graph);
  double scale = 0.3;
  net_value_id dy;
  net_value_id *dx = ops_test_gradient(graph, node, scale, &dy);
  net_run run = net_run_begin(&n, graph, &n.arena, count);
  run.exact = true;
  run.step = 7;
  run.key[0] = 1234;
  ops_test_fill(&run, count);
  if (!net_run_all(&run)) fail_msg("%s: %s", lines, ops_test_message(&n));
  uint32_t checked = 0;
  for (uint32_t i = 0; i < net_graph_at(graph, node)->input_count; i++) {
    if (dx[i] == NET_NONE) continue;
    net_value_id x = net_node_input(graph, node, i);
    uint64_t elements = net_run_elements(&run, x), stride = elements / 60 + 1;
    for (uint64_t e = 0; e < elements; e += stride) {
      double expected = difference(&run, node, dy, scale, &run.values[x][e]), found = run.values[dx[i]][e];
      for (uint32_t k = 0; k < i; k++) /* the same value again: its gradients add up */
        if (net_node_input(graph, node, k) == x) found += run.values[dx[k]][e];
      for (uint32_t k = i + 1; k < net_graph_at(graph, node)->input_count; k++)
        if (net_node_input(graph, node, k) == x) found += run.values[dx[k]][e];
      if (!(fabs(found - expected) <= 2e-8 * (1 + fabs(expected))))
        fail_msg("%sbatch %u, input %u, element %llu: gradient %.12g, by differences %.12g", lines, count, i,
                 (unsigned long long)e, found, expected);
      checked++;
    }
  }
  assert_true(checked > 0);
  netc_free(&n);
}

static void test_gradients(void **state) {
  (void)state;
  for (uint32_t i = 0; i < ops_case_count; i++) {
    netc n;
    ops_test_begin(&n);
    net_graph *graph = ops_test_graph(&n, ops_cases[i]);
    const net_op *op = net_node_op(graph, ops_test_node(graph));
    bool inference =
        !strcmp(op->name, "batch_norm") && !net_node_bool(graph, ops_test_node(graph), "training");
    /* through: no derivative, see ops_quantize.c and tables.c */
    bool straight = !strcmp(op->name, "quantize") || strstr(op->name, "_table");
    bool has = op->gradient && !inference && !straight;
    netc_free(&n);
    for (uint32_t b = 0; has && b < sizeof batches / sizeof *batches; b++) check(ops_cases[i], batches[b]);
  }
}

/* Every operator is among the cases, but those on integers, which no network has: jit_codes.c has theirs. */
static void test_cases_are_complete(void **state) {
  (void)state;
  for (uint32_t i = 0; i < net_op_count; i++) {
    const char *name = net_ops[i].name;
    size_t length = strlen(name);
    bool found = length > 9 && !strcmp(name + length - 9, "_gradient"); /* made by their forward operators */
    found |= !strncmp(name, "integer_", 8);
    for (uint32_t k = 0; k < ops_case_count && !found; k++)
      found = strstr(ops_cases[k], net_ops[i].name) != NULL;
    if (!found) fail_msg("no case has %s", name);
  }
}

static void test_inference_has_no_gradient(void **state) {
  (void)state;
  netc n;
  ops_test_begin(&n);
  net_graph *graph =
      ops_test_graph(&n, "input x: f32[b, 2]\nstatistic m: f32[2] = 0\nstatistic v: f32[2] = 1\n"
                         "y: f32[b, 2], mean: f32[2], inverse: f32[2], variance: f32[2] = "
                         "batch_norm(x, _, _, m, v) {affine = false}\n");
  net_value_id dx[5], dy[4] = {net_node_output(graph, 0, 0), NET_NONE, NET_NONE, NET_NONE};
  bool wanted[5] = {true};
  assert_false(net_node_op(graph, 0)->gradient(&(net_gradient){graph, 0, dy, dx, wanted, 1}));
  assert_string_equal(ops_test_message(&n),
                      "batch_norm 'y' is asked for a gradient, but is not in training mode");
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases_are_complete),
                                     cmocka_unit_test(test_gradients),
                                     cmocka_unit_test(test_inference_has_no_gradient)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
