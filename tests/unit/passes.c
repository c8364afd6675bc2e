/* passes/: the table, and each pass on tests/graph/tagger.graph against the text that it must give. */
#include "formats/formats.h"
#include "tests/unit/passes_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Comments do not count: the files say what they show. */
static const char *without_comments(netc *n, const char *text) {
  char *out = net_arena_alloc(&n->arena, strlen(text) + 1, 1), *to = out;
  while (*text) {
    size_t line = strcspn(text, "\n") + 1;
    if (*text != '#') memcpy(to, text, line), to += line;
    text += line;
  }
  return out;
}

/* The objective and optimiser of the texts: class weights, sample weights, two losses, clipping. */
typedef struct {
  netc n;
  net_target targets[2];
  float class_weights[2];
  net_loss_term terms[2];
  net_attribute smoothing;
  net_objective objective;
  net_optimizer optimizer;
  net_pass_context context;
} tagger;

static void begin(tagger *t) {
  netc *n = &t->n;
  support_init(n);
  t->targets[0] = (net_target){.name = net_intern(n, "mass"), .type = NET_F32, .shape = {1, {1}}};
  t->targets[1] = (net_target){.name = net_intern(n, "label"), .type = NET_U32};
  t->class_weights[0] = 0.5f;
  t->class_weights[1] = 2;
  t->smoothing = net_attribute_real(n, "label_smoothing", 0.125);
  t->terms[0] = (net_loss_term){.op = "cross_entropy",
                                .prediction = net_intern(n, "head"),
                                .target = 1,
                                .factor = 1,
                                .attributes = &t->smoothing,
                                .attribute_count = 1,
                                .class_weights = t->class_weights,
                                .class_count = 2};
  t->terms[1] =
      (net_loss_term){.op = "mse", .prediction = net_intern(n, "mass"), .target = 0, .factor = 0.25};
  t->objective = (net_objective){
      .terms = t->terms, .term_count = 2, .targets = t->targets, .target_count = 2, .sample_weights = true};
  t->optimizer = (net_optimizer){.op = "adam", .clip_norm = 1};
  t->context =
      (net_pass_context){.n = n, .arena = &n->arena, .objective = &t->objective, .optimizer = &t->optimizer};
}

static void assert_is_file(netc *n, const net_graph *graph, const char *name) {
  const char *is = support_printed(n, graph);
  assert_string_equal(is, without_comments(n, support_file(n, name)));
}

/* ---- texts ---- */

static void test_texts(void **state) {
  (void)state;
  tagger t;
  begin(&t);
  const char *text = support_file(&t.n, "tagger.graph");
  net_graph *graph = support_parse(&t.n, text);
  assert_true(net_graph_verify(&t.n, graph));
  assert_is_file(&t.n, graph, "tagger.graph");
  uint32_t have = P_SHAPED;
  for (net_pass_id pass = 0; pass <= NET_PASS_eliminate_dead; pass++) {
    const char *before = support_printed(&t.n, graph);
    net_graph *next = support_pass(&t.context, pass, graph, &have);
    assert_string_equal(support_printed(&t.n, graph), before); /* passes leave what they are given alone */
    if (pass < NET_PASS_training_mode)
      assert_is_file(&t.n, next, "tagger.graph"); /* no formats are asked for */
    else assert_is_file(&t.n, next, net_arena_format(&t.n.arena, "tagger.%s.graph", net_passes[pass].name));
    graph = next;
  }
  assert_int_equal(t.n.diagnostics.list.count, 0);
  netc_free(&t.n);
}

static void set(netc *n, net_quantize_rule *rule, net_tensor_role role, const char *format) {
  rule->tensors[role].given = true;
  assert_true(net_format_parse(n, format, strlen(format), NET_NOWHERE, &rule->tensors[role].format));
}

/* The same network with formats. */
static void test_formats(void **state) {
  (void)state;
  tagger t;
  begin(&t);
  net_quantize_rule rules[] = {{.scope = NET_RULE_DEFAULT},
                               {.scope = NET_RULE_OPERATOR, .what = net_intern(&t.n, "linear")},
                               {.scope = NET_RULE_QUOTED, .what = net_intern(&t.n, "head|softmax.*")}};
  net_quantization quantization = {.rules = rules, .rule_count = 3};
  set(&t.n, &rules[0], NET_TENSOR_INPUT, "integer(8, 4)");
  set(&t.n, &rules[0], NET_TENSOR_WEIGHT, "integer(12, 8)");
  set(&t.n, &rules[1], NET_TENSOR_WEIGHT, "scaled_integer(4, per = channel, ste = learned_step)");
  set(&t.n, &rules[2], NET_TENSOR_OUTPUT, "bfloat16");
  t.context.quantization = &quantization;
  uint32_t have = P_SHAPED;
  net_graph *graph = support_parse(&t.n, support_file(&t.n, "tagger.graph"));
  assert_is_file(&t.n, support_pass(&t.context, NET_PASS_quantize, graph, &have), "tagger.quantize.graph");
  assert_int_equal(have, P_SHAPED | P_FORMATTED);
  netc_free(&t.n);
}

/* ---- the table ---- */

static void test_table(void **state) {
  (void)state;
  uint32_t have =
      P_SHAPED; /* in the table's order every pass has what it needs, and all is there at the end */
  for (net_pass_id pass = 0; pass < NET_PASS_COUNT; pass++) {
    assert_int_equal(net_passes[pass].needs & ~have, 0);
    have = (have & ~net_passes[pass].drops) | net_passes[pass].gives;
  }
  assert_int_equal(have, P_SHAPED | P_FORMATTED | P_TRAINING_MODE | P_LOSSES | P_TRAINING | P_FROZEN);
  assert_string_equal(net_passes[NET_PASS_differentiate].name, "differentiate");

  tagger t;
  begin(&t);
  net_graph *graph = support_parse(&t.n, support_file(&t.n, "tagger.graph"));
  have = P_SHAPED | P_LIVE;
  assert_null(net_pass_run(&t.context, NET_PASS_differentiate, graph, &have));
  assert_string_equal(support_message(&t.n), "the pass differentiate comes before what it needs");
  assert_int_equal(have, P_SHAPED | P_LIVE);
  assert_non_null(support_pass(&t.context, NET_PASS_losses, graph, &have));
  assert_int_equal(have, P_SHAPED | P_LOSSES); /* new nodes may be dead */
  have |= P_TRAINING_MODE;
  assert_null(net_pass_run(&t.context, NET_PASS_differentiate, graph, &have)); /* have is not true */
  assert_string_equal(support_message(&t.n), "a graph without a loss cannot be differentiated");

  net_graph *damaged = net_graph_copy(&t.n.arena, graph); /* the verifier looks at what a pass made */
  damaged->values.at[0].range.lo = damaged->values.at[0].range.hi = 0.0 / 0.0;
  t.context.verify = true;
  assert_null(net_pass_run(&t.context, NET_PASS_eliminate_dead, damaged, &have));
  assert_string_equal(support_message(&t.n), "after the pass eliminate_dead");
  netc_free(&t.n);
}

/* ---- training_mode ---- */

static void test_streams(void **state) {
  (void)state;
  tagger t;
  begin(&t);
  uint32_t have = P_SHAPED;
  net_graph *graph =
      support_network(&t.n, "drops", (net_shape){1, {3}}, "dropout; relu; dropout; batch_norm; dropout");
  graph = support_pass(&t.context, NET_PASS_training_mode, graph, &have);
  int64_t streams = 0;
  for (net_node_id i = 0; i < graph->nodes.count; i++)
    if (!strcmp(net_node_op(graph, i)->name, "dropout"))
      assert_int_equal(net_node_int(graph, i, "stream"), streams++); /* each its own, from 0 */
  assert_int_equal(streams, 3);
  netc_free(&t.n);
}

/* ---- losses ---- */

static void test_loss_errors(void **state) {
  (void)state;
  static const float weights[] = {1, 2};
  static const struct {
    net_loss_term term;
    const char *prediction, *message;
  } wrong[] = {
      {{.op = "mse", .target = 2}, "mass", "the data has 2 targets, so none is number 3"},
      {{.op = "mse", .target = 0}, "mess", "the network has no value 'mess'; did you mean 'mass'?"},
      {{.op = "mse", .target = 0}, "elephant", "the network has no value 'elephant'"},
      {{.op = "relu", .target = 0}, "mass", "'relu' is no loss"},
      {{.op = "absolute", .target = 0}, "mass", "'absolute' is no loss"},
      {{.op = "mse", .target = 0, .class_weights = weights, .class_count = 2},
       "mass",
       "mse takes no class weights"},
  };
  for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    tagger t;
    begin(&t);
    uint32_t have = P_SHAPED, index;
    assert_true(net_sources_add(&t.n.sources, "t.net", "train { loss = mse }", 20, &index));
    net_loss_term term = wrong[i].term;
    term.prediction = net_intern(&t.n, wrong[i].prediction);
    term.factor = 1;
    term.loc = (net_loc){t.n.sources.files.at[index].base + 15, t.n.sources.files.at[index].base + 18};
    t.objective.terms = &term;
    t.objective.term_count = 1;
    net_graph *graph = support_parse(&t.n, support_file(&t.n, "tagger.graph"));
    assert_null(net_pass_run(&t.context, NET_PASS_losses, graph, &have));
    assert_string_equal(support_message(&t.n), wrong[i].message);
    assert_int_equal(t.n.diagnostics.errors, 1);
    assert_int_equal(t.n.diagnostics.list.at[0].where.begin, term.loc.begin); /* where the term was written */
    netc_free(&t.n);
  }
  tagger t;
  begin(&t);
  uint32_t have = P_SHAPED;
  t.objective.term_count = 0;
  net_graph *graph = support_parse(&t.n, support_file(&t.n, "tagger.graph"));
  assert_null(net_pass_run(&t.context, NET_PASS_losses, graph, &have));
  assert_string_equal(support_message(&t.n), "the objective has no loss");
  t.objective.term_count = 1;
  t.terms[0].class_count =
      1; /* two classes, one weight: the operator refuses it where the term was written */
  assert_null(net_pass_run(&t.context, NET_PASS_losses, graph, &have));
  assert_int_equal(t.n.diagnostics.faults, 0);
  netc_free(&t.n);
}

/* Losses of regression alone: nothing is counted as correct; a lone loss is the total. */
static void test_regression(void **state) {
  (void)state;
  tagger t;
  begin(&t);
  t.objective.terms = &t.terms[1];
  t.objective.term_count = 1;
  t.objective.sample_weights = false;
  t.terms[1].factor = 1;
  net_graph *graph = support_with_losses(&t.context, support_parse(&t.n, support_file(&t.n, "tagger.graph")));
  assert_int_equal(graph->losses.count, 2);
  assert_int_equal(graph->losses.at[0], support_find(graph, "mse_1"));
  assert_int_equal(graph->losses.at[1], support_find(graph, "mse_1.weight_sum"));
  assert_int_equal(
      support_count(graph, "scale") + support_count(graph, "add") + support_count(graph, "correct"), 0);
  assert_int_equal(net_graph_find_value(graph, net_intern(&t.n, "sample_weight")), NET_NONE);
  netc_free(&t.n);
}

/* Terms of one operator are counted; a target of two terms is one value; the weighted sum is right in
 * numbers. */
static void test_many_losses(void **state) {
  (void)state;
  tagger t;
  begin(&t);
  net_loss_term terms[] = {t.terms[1], t.terms[0], t.terms[1], t.terms[1], t.terms[0]};
  const double factors[] = {0.25, 1, -2, 3, 0.5};
  enum { TERMS = sizeof terms / sizeof *terms };
  for (uint32_t i = 0; i < TERMS; i++) terms[i].factor = factors[i];
  terms[2].op = "mae";
  terms[4].prediction = net_intern(&t.n, "body.linear_1"); /* three classes: not what is counted as correct */
  terms[4].class_weights = NULL;
  t.objective.terms = terms;
  t.objective.term_count = TERMS;
  net_graph *graph = support_with_losses(&t.context, support_parse(&t.n, support_file(&t.n, "tagger.graph")));
  support_random random = {1};
  net_run run = net_run_begin(&t.n, graph, &t.n.arena, 5);
  run.exact = true;
  support_fill(&run, &random, 2);
  assert_true(net_run_all(&run));
  static const char *const names[] = {"mse_1", "cross_entropy_1", "mae_1", "mse_2", "cross_entropy_2"};
  double sum = 0;
  for (uint32_t i = 0; i < TERMS; i++) sum += factors[i] * run.values[support_find(graph, names[i])][0];
  double difference = run.values[graph->losses.at[0]][0] - sum;
  assert_true(difference < 1e-14 && difference > -1e-14);
  assert_int_equal(graph->losses.at[1], support_find(graph, "mse_1.weight_sum"));
  uint32_t targets = 0, right = 0;
  for (net_value_id v = 0; v < graph->values.count; v++)
    targets += graph->values.at[v].kind == NET_VALUE_TARGET;
  assert_int_equal(targets, 2);
  assert_int_equal(graph->observed.count, TERMS);
  assert_int_equal(graph->observed.at[1], support_find(graph, "head"));
  const double *logits = run.values[support_find(graph, "head")],
               *label = run.values[support_find(graph, "label")];
  for (uint32_t s = 0; s < 5; s++) right += (logits[2 * s] < logits[2 * s + 1]) == (label[s] == 1);
  assert_true(run.values[graph->losses.at[2]][0] == right);
  netc_free(&t.n);
}

/* ---- eliminate_dead ---- */

static void test_dead(void **state) {
  (void)state;
  tagger t;
  begin(&t);
  uint32_t have = P_SHAPED;
  net_graph *graph = support_parse(&t.n, "graph g\n"
                                         "  input x: f32[b, 2]\n"
                                         "  a: f32[b, 2] = relu(x)\n"
                                         "  parameter p: f32[2] = 0\n" /* stays, though only c reads it */
                                         "  c: f32[b, 2] = add(a, p)\n"
                                         "  d: f32[b, 2] = tanh(a)\n"
                                         "  e: f32[b, 2] = tanh(c)\n"
                                         "  f: f32[b, 2] = sigmoid(d)\n"
                                         "  h: f32[b, 2] = tanh(x)\n"
                                         "  output d\n"
                                         "  observed h\n");
  net_graph *live = support_pass(&t.context, NET_PASS_eliminate_dead, graph, &have);
  assert_string_equal(support_printed(&t.n, live), "graph g\n"
                                                   "  input x: f32[b, 2]\n"
                                                   "  a: f32[b, 2] = relu(x)\n"
                                                   "  parameter p: f32[2] = 0\n"
                                                   "  d: f32[b, 2] = tanh(a)\n"
                                                   "  h: f32[b, 2] = tanh(x)\n"
                                                   "  output d\n"
                                                   "  observed h\n");
  net_graph *again = support_pass(&t.context, NET_PASS_eliminate_dead, live, &have);
  assert_string_equal(support_printed(&t.n, again), support_printed(&t.n, live));
  netc_free(&t.n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_texts),      cmocka_unit_test(test_formats),
      cmocka_unit_test(test_table),      cmocka_unit_test(test_loss_errors),
      cmocka_unit_test(test_regression), cmocka_unit_test(test_many_losses),
      cmocka_unit_test(test_dead),       cmocka_unit_test(test_streams),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
