/* Every operator as C: the cases of the operators' tests, in several schedules. */
#include "tests/unit/c_support.h"
#include "tests/unit/ops_cases.h"

static bool is_update(const net_graph *g) {
  for (net_node_id node = 0; node < g->nodes.count; node++)
    if (net_node_op(g, node)->class == OP_UPDATE) return true;
  return false;
}

/* What no case of the operators' tests has. */
static const char *const more[] = {
    "input x: f32[b, 5, 3]\nconstant a: f32[5] = [0.5, 2, -1, 0.25, 3]\nconstant c: f32[5] = [1, 0, -2, "
    "0.125, 7]\n"
    "y: f32[b, 5, 3] = affine(x, a, c)\n",
};
enum { MORE = sizeof more / sizeof *more };

/* What gathers and outputs of tiles do not know. */
static bool is_wide(const net_graph *g, net_node_id node) {
  for (uint32_t i = 0; i < net_graph_at(g, node)->output_count; i++)
    if (net_graph_value_at(g, net_node_output(g, node, i))->type == NET_F64) return true;
  return false;
}

static void add_cases(c_bench *bench, const kn_options *options, bool *seen) {
  netc *n = &bench->n;
  for (uint32_t k = 0; k < ops_case_count + MORE; k++) {
    const char *lines = k < ops_case_count ? ops_cases[k] : more[k - ops_case_count];
    net_graph *g = ops_test_graph(n, lines);
    if (is_update(g) || strstr(lines, "training = true")) continue; /* C is of inference */
    net_node_id last = ops_test_node(g);
    net_value_ids outputs = {0};
    if (!options->single && is_wide(g, last)) continue;
    seen[net_graph_at(g, last)->op] = true;
    bool observes = !strcmp(net_node_op(g, last)->name, "batch_norm"); /* in training alone */
    for (uint32_t i = 0; i < (observes ? 1 : net_graph_at(g, last)->output_count); i++)
      net_vec_push(&n->arena, &outputs, net_node_output(g, last, i));
    c_add_graph(bench, g, &outputs, net_arena_format(&n->arena, "case_%u", k), options, k);
  }
}

/* Gradients and updates are of training alone; operators on codes come in networks (c_networks.c). */
static bool wanted(const net_op *op) {
  return op->class != OP_UPDATE && !strstr(op->name, "_gradient") && strncmp(op->name, "integer_", 8);
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
      if (!seen[o] && wanted(&net_ops[o])) fail_msg("%s was never printed: add a case", net_ops[o].name);
    c_end(&bench);
  }
}

/* ---- what is refused, and why ---- */

static const char small[] = "input x: f32[b, 5]\nparameter w: f32[20, 5] = 0\n"
                            "y: f32[b, 20] = linear(x, w) {features = 20, bias = false}\noutput y\n";

static lp_function *lowered(c_bench *bench, uint32_t batch, bool masked, uint32_t lanes, bool variables) {
  netc *n = &bench->n;
  net_graph *g = ops_test_graph(n, small);
  net_name x = net_intern(n, "x"), w = net_intern(n, "w");
  net_value_id y = net_graph_find_value(g, net_intern(n, "y")), weight = net_graph_find_value(g, w);
  kn_variable variable = {.name = w};
  kn_bindings bindings = {.columns = &x,
                          .column_count = 1,
                          .outputs = &y,
                          .output_count = 1,
                          .variables = &variable,
                          .variable_count = 1};
  if (!variables) {
    g->values.at[weight].kind = NET_VALUE_CONSTANT;
    g->values.at[weight].data = NET_NEW_ARRAY(&n->arena, float, 100);
  }
  lp_function *f = kn_lower(n, &n->arena, g, &bindings, net_intern(n, "small"), batch, masked);
  assert_true(f && kn_schedule(f, &(kn_machine){.lanes = lanes, .registers = 16}, &(kn_options){0}));
  return f;
}

static void expect_refusal(c_bench *bench, const lp_function *f, const char *name, bool fault,
                           const char *why) {
  netc *n = &bench->n;
  const char *text = NULL;
  size_t length;
  const cg_entry entry = {.name = name, .f = f};
  assert_false(cg_print_c(n, &n->arena, &(cg_library){.entries = &entry, .count = 1}, &text, &length));
  assert_null(text);
  assert_int_equal(n->diagnostics.faults, fault);
  assert_int_equal(n->diagnostics.errors, !fault);
  const char *message = n->diagnostics.list.at[n->diagnostics.list.count - 1].message;
  if (!strstr(message, why)) fail_msg("'%s' does not say '%s'", message, why);
  n->diagnostics.faults = n->diagnostics.errors = 0;
}

static void test_refusals(void **state) {
  (void)state;
  c_bench bench;
  c_begin(&bench);
  expect_refusal(&bench, lowered(&bench, 2, false, 1, false), "net", true, "not of exactly one sample");
  expect_refusal(&bench, lowered(&bench, 1, true, 1, false), "net", true, "not of exactly one sample");
  expect_refusal(&bench, lowered(&bench, 1, false, 8, false), "net", true, "vectors");
  expect_refusal(&bench, lowered(&bench, 1, false, 1, true), "net", true,
                 "'w' is nothing that C for one sample knows");
  lp_function *f = lowered(&bench, 1, false, 1, false);
  expect_refusal(&bench, f, "while", false, "no C function can be called 'while'; --name gives another name");
  expect_refusal(&bench, f, "round_f32", false, "no C function can be called 'round_f32'");
  c_end(&bench);
}

/* Rows without a function of one row: it is there, but not exported. */
static void test_rows(void **state) {
  (void)state;
  c_bench bench;
  c_begin(&bench);
  netc *n = &bench.n;
  const char *text;
  size_t length;
  const cg_entry entry = {
      .name = "rows", .f = lowered(&bench, 1, false, 1, false), .rows = true, .scratch = true};
  const cg_library library = {.entries = &entry,
                              .count = 1,
                              .description_name = "about",
                              .description = "a \"?\?/\n",
                              .description_bytes = 8};
  assert_true(cg_print_c(n, &n->arena, &library, &text, &length));
  assert_non_null(strstr(text, "\nvoid rows(size_t n, const float *x, float *y, void *scratch);\n"));
  assert_non_null(strstr(text, "\nstatic void rows_row(const float *x, float *y, void *scratch) {\n"));
  assert_non_null(strstr(text, "\nconst char about[] =\n  \"a \\\"\\077\\077/\\012\";\n"));
  c_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_operators), cmocka_unit_test(test_refusals),
                                     cmocka_unit_test(test_rows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
