/* dsl/elaborate*.c: what a program becomes: graphs, objectives, recipes, data specs. What is said about wrong
 * programs is in tests/lit/diagnostics*.test. */
#include "dsl/elaborate.h"
#include "ops/ops.h"

#include <math.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static netc n;
static net_experiment got;

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

static net_program *program(const char *text) {
  net_program *made;
  if (!net_program_from_text(&n, "dir/t.net", text, strlen(text), &made)) {
    net_diagnostics_flush(&n, stderr, NET_DIAGNOSTICS_TEXT, false);
    fail();
  }
  return made;
}

/* Elaborates what must be right, into `got`. */
static void elaborate_with(const char *text, net_choice choice) {
  if (net_elaborate(&n, &n.arena, program(text), &choice, &got)) return;
  net_diagnostics_flush(&n, stderr, NET_DIAGNOSTICS_TEXT, false);
  fail();
}

static void elaborate(const char *text) { elaborate_with(text, (net_choice){0}); }

#define NETWORK "network n(x: f32[4]) { x -> hidden: linear(6) -> relu -> linear(3) }\n"
#define DATA "data d { source = hdf5(\"x.h5\"), input = \"a\", target = \"t\" }\n"

static net_node_id node(const char *path) {
  net_node_id id = net_graph_find(got.network.graph, net_intern(&n, path));
  if (id == NET_NONE) fail_msg("no node '%s'", path);
  return id;
}

static const net_value *value(const char *name) {
  net_value_id id = net_graph_find_value(got.network.graph, net_intern(&n, name));
  if (id == NET_NONE) fail_msg("no value '%s'", name);
  return net_graph_value_at(got.network.graph, id);
}

/* ---- networks ---- */

static void test_graph(void **state) {
  (void)state;
  elaborate("layer dense(x, n, deep = 2) = x -> linear(n * deep) -> relu\n"
            "network n(x: f32[4], y: f32[2], width = 3) {\n"
            "  h = x -> dense(width) -> out: dense(width, deep = 1)\n"
            "  (h, h -> concat(y))\n"
            "}\n"
            "train { loss = mse(h, \"t\") }");
  const net_graph *g = got.network.graph;
  assert_true(net_graph_verify(&n, g));
  static const char *const paths[] = {"dense_1.linear_1", "dense_1.relu_1", "out.linear_1", "out.relu_1",
                                      "concat_1"};
  assert_int_equal(g->nodes.count, 5);
  for (uint32_t i = 0; i < 5; i++) assert_int_equal(node(paths[i]), i); /* in the order they are written */
  assert_int_equal(value("dense_1.linear_1.weight")->shape.dim[0], 6);
  assert_int_equal(value("out.linear_1.weight")->shape.dim[0], 3);
  assert_int_equal(value("out.linear_1.weight")->shape.dim[1], 6);
  assert_int_equal(g->outputs.count, 2);
  assert_int_equal(g->outputs.at[0], net_node_output(g, node("out.relu_1"), 0));
  assert_int_equal(net_graph_value_at(g, g->outputs.at[1])->shape.dim[0], 5);
  assert_int_equal(value("x")->column, 0);
  assert_int_equal(value("y")->column, 1);
}

/* A node of a layer remembers where it is defined and where the outermost layer is used. */
static void test_places(void **state) {
  (void)state;
  elaborate("layer inner(x) = x -> relu\nlayer outer(x) = x -> inner\nnetwork n(x: f32[4]) {\n  x -> outer "
            "-> linear(3) }");
  const net_node *relu = net_graph_at(got.network.graph, node("outer_1.inner_1.relu_1"));
  assert_int_equal(net_sources_find(&n.sources, relu->loc).line, 1);
  assert_int_equal(net_sources_find(&n.sources, relu->use).line, 4);
  const net_node *linear = net_graph_at(got.network.graph, node("linear_1"));
  assert_int_equal(net_sources_find(&n.sources, linear->loc).line, 4);
  assert_int_equal(linear->use.begin, 0);
}

static void test_numbers(void **state) {
  (void)state;
  elaborate("network n(x: f32[3]) { 2 * x / 4 - 1 }\ntrain { loss = mse }");
  const net_graph *g = got.network.graph;
  assert_int_equal(g->nodes.count, 3);
  const float wanted[] = {2, 0.25f, 1};
  static const char *const nodes[] = {"mul_1", "mul_2", "sub_1"};
  for (int i = 0; i < 3; i++) {
    const net_value *c = net_graph_value_at(g, net_node_input(g, node(nodes[i]), i ? 1 : 0));
    assert_int_equal(c->kind, NET_VALUE_CONSTANT);
    assert_int_equal(c->shape.rank, 0);
    assert_true(*(const float *)c->data == wanted[i]);
  }
}

static void test_rebinding(void **state) {
  (void)state;
  elaborate("network n(x: f32[3]) {\n h = x -> linear(2)\n h = h -> linear(4)\n k = 5\n h -> linear(k) }\n"
            "train { loss = mse(h, \"t\") }");
  assert_int_equal(value("linear_3.weight")->shape.dim[0], 5);
  assert_int_equal(value("linear_3.weight")->shape.dim[1], 4);
  assert_int_equal(got.recipe.objective.targets[0].shape.dim[0], 4); /* the loss sees the last h */
}

/* ---- losses ---- */

static void test_default_loss(void **state) {
  (void)state;
  elaborate(NETWORK);
  const net_objective *o = &got.recipe.objective;
  assert_int_equal(o->term_count, 1);
  assert_string_equal(o->terms[0].op, "cross_entropy");
  assert_int_equal(o->terms[0].class_count, 3);
  assert_true(o->terms[0].factor == 1);
  assert_null(o->terms[0].class_weights);
  assert_int_equal(o->target_count, 1);
  assert_int_equal(o->targets[0].type, NET_U32);
  assert_int_equal(o->targets[0].shape.rank, 0);
  assert_false(got.recipe.named[0] || got.recipe.balanced[0]);
  assert_null(got.data);
  assert_string_equal(got.recipe.optimizer.op, "adam");
  assert_true(got.recipe.train.rates[0] == 1e-3);
}

static void test_factors(void **state) {
  (void)state;
  elaborate("const share = 0.25\n" NETWORK "train { loss = (1 - share) * cross_entropy(linear_1, \"t\", "
                                           "label_smoothing = 0.1, class_weight = [1, 2, 0.5]) -\n"
            "  (mse(hidden, \"v\") + 2 * mae(hidden, \"v\") * 3) / 4 + -huber(relu_1, \"w\", delta = 2) }");
  const net_objective *o = &got.recipe.objective;
  static const double factors[] = {0.75, -0.25, -1.5, -1};
  static const char *const ops[] = {"cross_entropy", "mse", "mae", "huber"};
  static const uint32_t targets[] = {0, 1, 1, 2};
  assert_int_equal(o->term_count, 4);
  assert_int_equal(o->target_count, 3);
  for (int i = 0; i < 4; i++) {
    assert_string_equal(o->terms[i].op, ops[i]);
    assert_true(o->terms[i].factor == factors[i]);
    assert_int_equal(o->terms[i].target, targets[i]);
  }
  assert_true(o->terms[0].class_weights[0] == 1 && o->terms[0].class_weights[1] == 2 &&
              o->terms[0].class_weights[2] == 0.5f);
  assert_int_equal(o->terms[0].attribute_count, 1);
  assert_true(o->terms[0].attributes[0].real == 0.1);
  assert_string_equal(net_text(&n, o->targets[1].name), "v");
  assert_int_equal(o->targets[1].type, NET_F32);
  assert_int_equal(o->targets[1].shape.dim[0], 6);
  assert_true(got.recipe.named[0] && got.recipe.named[1] && got.recipe.named[2]);
  assert_string_equal(net_text(&n, o->terms[3].prediction),
                      net_text(&n, net_graph_value_at(got.network.graph,
                                                      net_node_output(got.network.graph, node("relu_1"), 0))
                                       ->name));
}

/* samples / (classes · samples of the class), of the training rows alone */
static void test_balanced(void **state) {
  (void)state;
  elaborate(NETWORK "train { loss = cross_entropy(linear_1, \"t\", class_weight = balanced) }");
  assert_true(got.recipe.balanced[0]);
  uint32_t labels[] = {0, 0, 0, 1, 2, 2, 0, 0};
  rt_column target = {.type = NET_U32, .width = 1, .data = labels};
  rt_data data = {.split[RT_TRAIN] = {.rows = 6, .targets = &target, .target_count = 1}};
  assert_true(net_balance_classes(&n, &n.arena, &data, &got.recipe));
  const float *w = got.recipe.objective.terms[0].class_weights;
  assert_true(w[0] == (float)(6.0 / 9) && w[1] == 2 && w[2] == 1);
  data.split[RT_TRAIN].rows = 3; /* one class alone */
  assert_false(net_balance_classes(&n, &n.arena, &data, &got.recipe));
}

/* ---- recipes ---- */

static void test_recipe(void **state) {
  (void)state;
  elaborate(NETWORK
            "train {\n"
            "  optimizer = sgd(learning_rate = 0.5, momentum = 0.9, nesterov = true, weight_decay = 1e-4)\n"
            "  schedule = step(every = 3, factor = 0.5, warmup = 2)\n"
            "  metrics = [accuracy, top_k(2), top_k, auc]\n"
            "  epochs = 7, batch_size = 32, shuffle = false, seed = 11, patience = 4, clip_norm = 2.5 }");
  const net_optimizer *o = &got.recipe.optimizer;
  const rt_train_spec *t = &got.recipe.train;
  assert_string_equal(o->op, "sgd");
  assert_int_equal(o->attribute_count, 3);
  assert_string_equal(net_text(&n, o->attributes[0].key), "momentum");
  assert_true(o->attributes[0].real == 0.9 && o->attributes[1].integer == 1 && o->attributes[2].real == 1e-4);
  assert_true(o->clip_norm == 2.5);
  assert_int_equal(t->rate_count, 1);
  assert_true(t->rates[0] == 0.5);
  assert_int_equal(t->schedule.kind, RT_STEP_DECAY);
  assert_int_equal(t->schedule.every, 3);
  assert_true(t->schedule.factor == 0.5 && t->schedule.warmup == 2);
  assert_int_equal(t->metric_count, 4);
  assert_string_equal(t->metrics[1].name, "top_k");
  assert_int_equal(t->metrics[1].k, 2);
  assert_int_equal(t->metrics[2].k, 5);
  assert_int_equal(t->epochs, 7);
  assert_int_equal(t->batch_size, 32);
  assert_int_equal(t->seed, 11);
  assert_int_equal(t->patience, 4);
  assert_false(t->shuffle);
}

/* Settings from outside reach parts of what a block leaves to its default. */
static void test_parts(void **state) {
  (void)state;
  elaborate(NETWORK "train { optimizer.learning_rate = 0.25, optimizer.beta1 = 0.5, schedule.warmup = 3 }");
  assert_string_equal(got.recipe.optimizer.op, "adam");
  assert_int_equal(got.recipe.optimizer.attribute_count, 1);
  assert_true(got.recipe.optimizer.attributes[0].real == 0.5);
  assert_true(got.recipe.train.rates[0] == 0.25);
  assert_int_equal(got.recipe.train.schedule.kind, RT_CONSTANT);
  assert_true(got.recipe.train.schedule.warmup == 3);
}

/* Exact paths first; else an extended regular expression that matches all of a path. */
static void test_patterns(void **state) {
  (void)state;
  elaborate("layer dense(x, n) = x -> linear(n) -> batch_norm\n"
            "network n(x: f32[4]) { x -> dense(3) -> dense(3) -> head: dense(3) }\n"
            "train {\n  freeze = [\"dense_1.linear_1\", \".*_2.batch.*\"]\n"
            "  \"head.*\" { learning_rate = 0.5 }\n  \"dense_2.linear_1|dense_1.batch_norm_1\" { "
            "learning_rate = 0.125 } }");
  static const struct {
    const char *name;
    bool frozen;
    double rate;
  } wanted[] = {{"dense_1.linear_1.weight", true, 1e-3},       {"dense_1.linear_1.bias", true, 1e-3},
                {"dense_1.batch_norm_1.weight", false, 0.125}, {"dense_2.linear_1.bias", false, 0.125},
                {"dense_2.batch_norm_1.bias", true, 1e-3},     {"head.linear_1.weight", false, 0.5},
                {"head.batch_norm_1.weight", false, 0.5}};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    const net_value *v = value(wanted[i].name);
    assert_int_equal(v->frozen, wanted[i].frozen);
    assert_true(got.recipe.train.rates[v->group] == wanted[i].rate);
  }
}

static void test_choice(void **state) {
  (void)state;
  const char *text = NETWORK "network m(x: f32[4]) { x -> linear(2) }\n" DATA
                             "data e { source = csv(\"e.csv\"), input = [\"a\", \"b\"], target = \"u\" }\n"
                             "train { data = d, epochs = 3 }\ntrain fine { data = d, epochs = 4 }";
  elaborate_with(text, (net_choice){.network = "m"});
  assert_string_equal(net_text(&n, got.network.graph->name), "m");
  assert_int_equal(got.recipe.train.epochs, 3); /* the recipe without a name is the default */
  assert_string_equal(got.data->name, "d");
  elaborate_with(text, (net_choice){.network = "n", .train = "fine", .data = "e"});
  assert_int_equal(got.recipe.train.epochs, 4);
  assert_string_equal(got.data->name, "e");
  assert_string_equal(got.data->source.path, "dir/e.csv"); /* relative to the file of the block */
  elaborate_with(text, (net_choice){.network = "n", .data = "e", .directory = "else/where"});
  assert_string_equal(got.data->source.path, "else/where/e.csv");
  uint32_t errors = n.diagnostics.errors;
  net_program *p = program(text);
  assert_true(net_choice_check(&n, p, &(net_choice){.network = "n", .train = "fine", .data = "e"}));
  assert_true(net_choice_check(&n, p, &(net_choice){0}));
  assert_false(net_choice_check(&n, p, &(net_choice){.network = "o"}));
  assert_false(net_choice_check(&n, p, &(net_choice){.train = "coarse", .data = "f"}));
  assert_int_equal(n.diagnostics.errors, errors + 3);
}

/* ---- data ---- */

static void test_data(void **state) {
  (void)state;
  elaborate(NETWORK
            "data d {\n  source = hdf5(\"/abs/x.h5\")\n  input = \"features\"\n  target = \"labels\"\n"
            "  classes = [\"a\", \"b\", \"c\"]\n  weight = \"w\"\n"
            "  split = { train = 0.5, validation = 0.25, test = hdf5(\"y.h5\", input = \"f2\", target = "
            "\"l2\"), shuffle = true, seed = 9 }\n"
            "  normalize = { pt = log1p -> standard, default = clip(-3, 3) -> scale(0.5) } }");
  const rt_data_spec *d = got.data;
  assert_string_equal(d->source.kind, "hdf5");
  assert_string_equal(d->source.path, "/abs/x.h5");
  assert_string_equal(d->split_source[RT_TEST].path, "dir/y.h5");
  assert_string_equal(d->split_source[RT_TEST].inputs[0].names[0], "f2");
  assert_string_equal(d->split_source[RT_TEST].targets[0].names[0], "l2");
  assert_null(d->split_source[RT_TRAIN].kind);
  assert_true(d->fraction[RT_TRAIN] == 0.5 && d->fraction[RT_VALIDATION] == 0.25 &&
              d->fraction[RT_TEST] == 0);
  assert_true(d->shuffle);
  assert_int_equal(d->seed, 9);
  assert_int_equal(d->input_count, 1);
  assert_string_equal(d->inputs[0].names[0], "features");
  assert_int_equal(d->inputs[0].shape.dim[0], 4);
  assert_int_equal(d->target_count, 1);
  assert_int_equal(d->targets[0].kind, RT_TARGET_CLASS);
  assert_int_equal(d->targets[0].classes, 3);
  assert_string_equal(d->targets[0].column.names[0], "labels");
  assert_string_equal(d->weight->names[0], "w");
  assert_true(got.recipe.objective.sample_weights);
  assert_int_equal(d->class_count, 3);
  assert_int_equal(d->normalize_count, 2);
  assert_string_equal(d->normalize[0].column, "pt");
  assert_int_equal(d->normalize[0].step_count, 2);
  assert_int_equal(d->normalize[0].steps[0].kind, RT_LOG1P);
  assert_int_equal(d->normalize[0].steps[1].kind, RT_STANDARD);
  assert_null(d->normalize[1].column);
  assert_int_equal(d->normalize[1].steps[0].kind, RT_CLIP);
  assert_true(d->normalize[1].steps[0].a == -3 && d->normalize[1].steps[0].b == 3 &&
              d->normalize[1].steps[1].a == 0.5);
}

static void test_several_columns(void **state) {
  (void)state;
  elaborate(
      "data d { source = csv(\"t.csv\"), input = [[\"a\", \"b\"], \"c\"], target = \"t\", weight = none }\n"
      "network n(x: f32[2], y: f32[1]) { x -> concat(y) -> linear(2) }\n"
      "train { loss = cross_entropy + mse(linear_1, \"other\") }");
  const rt_data_spec *d = got.data;
  assert_int_equal(d->input_count, 2);
  assert_int_equal(d->inputs[0].name_count, 2);
  assert_string_equal(d->inputs[0].names[1], "b");
  assert_string_equal(d->inputs[1].names[0], "c");
  assert_int_equal(d->target_count, 2);
  assert_string_equal(d->targets[0].column.names[0], "t"); /* the loss names none: the block's */
  assert_string_equal(d->targets[1].column.names[0], "other");
  assert_int_equal(d->targets[1].kind, RT_TARGET_VALUES);
  assert_null(d->weight);
  assert_false(got.recipe.objective.sample_weights);
  assert_true(fabs(d->fraction[RT_TRAIN] - 0.8) < 1e-12 && d->normalize_count == 0);
}

static void test_autoencoder(void **state) {
  (void)state;
  elaborate("data d { source = synthetic(samples = 50, seed = 4), target = input }\n"
            "network n(x: f32[4]) { x -> linear(4) }\ntrain { loss = mse }");
  assert_int_equal(got.data->targets[0].kind, RT_TARGET_INPUT);
  assert_int_equal(got.data->source.samples, 50);
  assert_int_equal(got.data->source.seed, 4);
}

/* Made data have as many classes as the network tells apart, unless they say. */
static void test_synthetic(void **state) {
  (void)state;
  elaborate(NETWORK "data d { source = synthetic(samples = 50) }");
  assert_int_equal(got.data->source.classes, 3);
  elaborate(NETWORK "data d { source = synthetic(classes = 2) }");
  assert_int_equal(got.data->source.classes, 2);
  assert_int_equal(got.data->source.samples, 10000);
}

/* ---- checks ---- */

static uint32_t warnings(const char *text) {
  uint32_t before = n.diagnostics.warnings;
  assert_true(net_check_program(&n, program(text)));
  return n.diagnostics.warnings - before;
}

static void test_unused(void **state) {
  (void)state;
  assert_int_equal(warnings(NETWORK), 0);
  assert_int_equal(warnings("network n(x: f32[4]) {\n a = x -> relu\n x -> linear(2) }"), 1);
  assert_int_equal(warnings("network n(x: f32[4]) {\n a = x -> relu\n a = a -> tanh\n a -> linear(2) }"), 0);
  assert_int_equal(warnings("network n(x: f32[4]) {\n a = x -> relu\n a = x -> tanh\n a -> linear(2) }"), 1);
  assert_int_equal(warnings("network n(x: f32[4]) {\n a = x -> linear(2)\n x -> linear(2) }\n"
                            "train { loss = cross_entropy(a, \"t\") }"),
                   0);
  assert_int_equal(
      warnings("layer l(x, k = 3) { x -> relu }\nnetwork n(x: f32[4], w = 2, v = w) { x -> l -> linear(v) }"),
      1);
  assert_int_equal(warnings("network n(k = 4, x: f32[k]) { x -> linear(2) }"), 0);
}

/* The same program gives the same graph, and stays as it was. */
static void test_again(void **state) {
  (void)state;
  net_program *p = program("layer dense(x, n) = x -> linear(n) -> relu\n" NETWORK
                           "network m(x: f32[4]) { x -> dense(3) -> dense(2) }");
  char *text[2];
  size_t length[2];
  for (int i = 0; i < 2; i++) {
    net_network network;
    assert_true(net_elaborate_network(&n, &n.arena, p, "m", &network));
    FILE *to = open_memstream(&text[i], &length[i]);
    net_graph_print(to, network.graph);
    fclose(to);
  }
  assert_string_equal(text[0], text[1]);
  free(text[0]), free(text[1]);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_graph),        TEST(test_places),          TEST(test_numbers),     TEST(test_rebinding),
      TEST(test_default_loss), TEST(test_factors),         TEST(test_balanced),    TEST(test_recipe),
      TEST(test_parts),        TEST(test_patterns),        TEST(test_choice),      TEST(test_data),
      TEST(test_synthetic),    TEST(test_several_columns), TEST(test_autoencoder), TEST(test_unused),
      TEST(test_again)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
