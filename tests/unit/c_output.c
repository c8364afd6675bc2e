/* Every operator as C: the cases of the operators' tests, in several schedules. */
#include "tests/unit/c_support.h"
#include "tests/unit/ops_cases.h"

static bool is_update(const net_graph *g) {
  for (net_node_id node = 0; node < g->nodes.count; node++)
    if (net_node_op(g, node)->class == OP_UPDATE) return true;
  return false;
}

static void add_cases(c_bench *bench, const kn_options *options, bool *seen) {
  netc *n = &bench->n;
  for (uint32_t k = 0; k < ops_case_count; k++) {
    net_graph *g = ops_test_graph(n, ops_cases[k]);
    if (is_update(g) || strstr(ops_cases[k], "training = true")) continue; /* C is of inference */
    net_node_id last = ops_test_node(g);
    net_value_ids outputs = {0};
    seen[net_graph_at(g, last)->op] = true;
    for (uint32_t i = 0; i < net_graph_at(g, last)->output_count; i++)
      net_vec_push(&n->arena, &outputs, net_node_output(g, last, i));
    c_add_graph(bench, g, &outputs, net_arena_format(&n->arena, "case_%u", k), options, k);
  }
}

/* Class numbers are small. */
static void fill(void *context, net_type type, uint64_t draw, void *to) {
  (void)context;
  float x = (float)c_uniform(draw, -3, 3);
  uint32_t label = (uint32_t)(draw >> 40) % 5;
  if (type == NET_F32) memcpy(to, &x, sizeof x);
  else memcpy(to, &label, sizeof label);
}

static void test_operators(void **state) {
  (void)state;
  static const kn_options options[] = {{.single = true}, {.unfused = true}, {.unfused = false}};
  for (uint32_t i = 0; i < sizeof options / sizeof *options; i++) {
    c_bench bench;
    c_begin(&bench);
    bool *seen = NET_NEW_ARRAY(&bench.n.arena, bool, net_op_count);
    add_cases(&bench, &options[i], seen);
    c_check(&bench, 20, fill, NULL);
    printf("%u functions in %u builds\n", bench.entries.count, bench.builds);
    for (uint32_t o = 0; o < net_op_count; o++)
      if (!seen[o]) printf("not printed: %s\n", net_ops[o].name);
    c_end(&bench);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_operators)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
