/* passes/: gradients of whole networks against finite differences, both in double. */
#include "tests/unit/passes_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { CLASSES = 3 };

/* ---- finite differences ---- */

typedef struct {
  uint32_t checked, unsure; /* elements; unsure: two step sizes disagree, as at a kink */
} tally;

/* The loss with one element of a parameter moved. */
static double loss_at(net_run *run, net_value_id parameter, uint64_t element, double by) {
  double *at = &run->values[parameter][element], kept = *at;
  *at = kept + by;
  assert_true(net_run_all(run));
  *at = kept;
  return run->values[run->graph->losses.at[0]][0];
}

/* The derivative by central differences, extrapolated (Richardson); how far the two step sizes are apart. */
static double slope(net_run *run, net_value_id parameter, uint64_t element, double *apart) {
  const double h = 1e-4;
  double wide = (loss_at(run, parameter, element, h) - loss_at(run, parameter, element, -h)) / (2 * h);
  double narrow = (loss_at(run, parameter, element, h / 2) - loss_at(run, parameter, element, -h / 2)) / h;
  *apart = fabs(wide - narrow);
  return (4 * narrow - wide) / 3;
}

static void check_parameter(net_run *run, net_value_id parameter, const double *gradient, tally *sum) {
  const net_value *value = &run->graph->values.at[parameter];
  for (uint64_t e = 0; e < net_shape_elements(&value->shape); e++) {
    double apart, numeric = slope(run, parameter, e, &apart), size = 1 + fabs(numeric);
    sum->checked++;
    if (apart > 1e-4 * size) sum->unsure++;
    else if (!(fabs(gradient[e] - numeric) <= 1e-7 * size + 0.1 * apart))
      fail_msg("'%s'[%u]: gradient %.12g, numerically %.12g (± %.3g)\nin:\n%s", net_text(run->n, value->name),
               (uint32_t)e, gradient[e], numeric, apart, support_printed(run->n, run->graph));
  }
}

/* Which values the loss is computed from. */
static bool *find_reached(netc *n, const net_graph *g) {
  bool *reached = NET_NEW_ARRAY(&n->arena, bool, g->values.count);
  reached[g->losses.at[0]] = true;
  for (net_value_id v = g->values.count; v-- > 0;) {
    net_node_id def = g->values.at[v].def;
    for (uint32_t i = 0; reached[v] && def != NET_NONE && i < g->nodes.at[def].input_count; i++)
      if (net_node_input(g, def, i) != NET_NONE) reached[net_node_input(g, def, i)] = true;
  }
  return reached;
}

/* All gradients of the training graph that the passes make of this one. */
static tally check_gradients(const net_graph *graph, const net_objective *objective, uint64_t seed,
                             uint32_t count) {
  netc *n = graph->n;
  net_pass_context context = {.n = n, .arena = &n->arena, .objective = objective};
  uint32_t have = P_SHAPED | P_TRAINING_MODE | P_LOSSES;
  net_graph *forward = support_with_losses(&context, graph);
  net_graph *training = support_pass(&context, NET_PASS_differentiate, forward, &have);
  const char *text = support_printed(n, training); /* whatever is made prints and parses back */
  assert_string_equal(support_printed(n, support_parse(n, text)), text);
  net_run run = net_run_begin(n, forward, &n->arena, count);
  net_run backward = net_run_begin(n, training, &n->arena, count);
  support_random random = {seed};
  run.exact = backward.exact = true;
  run.step = backward.step = 3;
  support_fill(&run, &random, CLASSES);
  for (net_value_id v = 0; v < forward->values.count;
       v++) /* ids of the forward graph hold in the training graph */
    if (run.values[v]) net_run_set_doubles(&backward, v, run.values[v]);
  assert_true(net_run_all(&backward));

  tally sum = {0};
  uint32_t output = 0, idle = 0;
  const bool *reached = find_reached(n, forward);
  for (net_value_id v = 0; v < forward->values.count; v++) {
    if (forward->values.at[v].kind != NET_VALUE_PARAMETER || forward->values.at[v].frozen) continue;
    if (reached[v]) check_parameter(&run, v, backward.values[training->outputs.at[output++]], &sum);
    else idle++;
  }
  assert_int_equal(output, training->outputs.count);
  assert_int_equal(n->diagnostics.warnings, idle); /* a parameter that nothing trains is warned of */
  assert_int_equal(n->diagnostics.list.count, idle);
  return sum;
}

/* ---- chains of layers ---- */

static void test_chains(void **state) {
  (void)state;
  static const struct {
    net_shape shape;
    const char *layers; /* ends in CLASSES logits */
  } chains[] = {
      {{1, {4}}, "linear features=3"},
      {{1, {4}}, "linear features=5 bias=false; relu; linear features=3"},
      {{1, {4}},
       "batch_norm; relu; linear features=5; batch_norm; relu; linear features=3; batch_norm; relu"},
      {{1, {4}}, "linear features=6; leaky_relu slope=0.2; linear features=5; sigmoid; linear features=3"},
      {{1, {4}}, "linear features=6; tanh; linear features=5; silu; linear features=3"},
      {{1, {4}}, "linear features=6; gelu; linear features=5; gelu approximate=tanh; linear features=3"},
      {{1, {4}}, "linear features=6; softmax; linear features=5; log_softmax; linear features=3"},
      {{1, {4}}, "linear features=6; dropout p=0.4; linear features=5; dropout; linear features=3"},
      {{1, {4}}, "linear features=6; layer_norm; relu; linear features=3; layer_norm affine=false"},
      {{1, {4}}, "linear features=6; batch_norm affine=false; linear features=3"},
      {{2, {3, 4}}, "linear features=5; tanh; batch_norm; layer_norm dims=2; flatten; linear features=3"},
      {{2, {3, 4}},
       "linear features=4; softmax axis=0; reshape shape=2,-1; linear features=2; flatten; "
       "linear features=3"},
      {{2, {3, 4}}, "linear features=5; mean axes=0; tanh; linear features=3"},
      {{2, {3, 4}}, "linear features=5; sum axes=1 keep=true; flatten; linear features=3"},
      {{2, {3, 4}}, "linear features=5; max axes=0; linear features=3"},
      {{2, {4, 3}}, "linear features=3; log_softmax axis=0; sum axes=0"},
  };
  for (uint32_t i = 0; i < sizeof chains / sizeof *chains; i++) {
    netc n;
    support_init(&n);
    net_graph *graph = support_network(&n, "chain", chains[i].shape, chains[i].layers);
    const char *last = net_text(&n, graph->values.at[graph->outputs.at[0]].name);
    tally sum = check_gradients(graph, support_classify(&n, last), i + 1, 5);
    assert_true(sum.checked > 0);
    if (sum.unsure * 20 > sum.checked)
      fail_msg("%s: %u of %u unsure", chains[i].layers, sum.unsure, sum.checked);
    netc_free(&n);
  }
}

/* ---- values that several nodes read ---- */

/* Written as text: the same weight in two layers, x + x, parameters that broadcast, a value used four times.
 */
static const char tied[] = "graph tied\n"
                           "  input x: f32[b, 3]\n"
                           "  parameter w: f32[3, 3] = uniform(0.5)\n"
                           "  parameter shift: f32[3] = 0\n"
                           "  parameter gate: f32[1] = 1\n"
                           "  a: f32[b, 3] = linear(x, w, shift) {features = 3, bias = true}\n"
                           "  t: f32[b, 3] = tanh(a)\n"
                           "  c: f32[b, 3] = linear(t, w, _) {features = 3, bias = false}\n"
                           "  d: f32[b, 3] = add(t, t)\n"
                           "  e: f32[b, 3] = mul(c, gate)\n"
                           "  f: f32[b, 3] = sub(e, d)\n"
                           "  g: f32[b, 3] = mul(f, f)\n"
                           "  h: f32[b, 3] = sub(shift, g)\n"
                           "  both: f32[3] = mul(shift, gate)\n"
                           "  i: f32[b, 3] = add(both, h)\n"
                           "  j: f32[b, 9] = concat(i, t, i) {axis = 0}\n"
                           "  k: f32[b, 3] = slice(j) {axis = 0, begin = 2, end = 5}\n"
                           "  l: f32[b, 3] = mul(k, i)\n";

static void test_shared(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *graph = support_parse(&n, tied);
  assert_true(net_graph_verify(&n, graph));
  tally sum = check_gradients(graph, support_classify(&n, "l"), 7, 4);
  assert_int_equal(sum.checked, 13);
  assert_int_equal(sum.unsure, 0);
  sum = check_gradients(graph, support_fit(&n, "j", (net_shape){1, {9}}), 8, 1);
  assert_int_equal(sum.checked, 13);
  assert_int_equal(sum.unsure, 0);
  netc_free(&n);
}

/* ---- objectives ---- */

/* Two heads with a loss of each kind, factors, class weights, smoothing, sample weights. */
static void test_objectives(void **state) {
  (void)state;
  static const float class_weights[] = {0.5f, 2, 1.25f};
  for (uint32_t i = 0; i < 16; i++) {
    netc n;
    support_init(&n);
    net_graph *graph = support_network(&n, "heads", (net_shape){1, {4}}, "linear features=5; tanh");
    net_value_id body = graph->outputs.at[0], head = support_layer(graph, body, "linear features=3");
    graph->outputs.at[0] = head;
    net_vec_push(graph->arena, &graph->outputs, support_layer(graph, body, "linear features=2"));
    static const char *const others[] = {"mse", "mae", "huber", "bce_with_logits"};
    net_target targets[] = {{.name = net_intern(&n, "label"), .type = NET_U32},
                            {.name = net_intern(&n, "value"), .type = NET_F32, .shape = {1, {2}}}};
    net_attribute smoothing = net_attribute_real(&n, "label_smoothing", 0.25);
    net_attribute delta = net_attribute_real(&n, "delta", 0.375);
    net_loss_term terms[] = {
        {.op = "cross_entropy", .prediction = graph->values.at[head].name, .factor = 0.5},
        {.op = others[i % 4], .prediction = net_intern(&n, "linear_3"), .target = 1, .factor = 3}};
    if (i & 4) {
      terms[0].class_weights = class_weights, terms[0].class_count = 3;
      terms[0].attributes = &smoothing, terms[0].attribute_count = 1;
    }
    if (i % 4 == 2) terms[1].attributes = &delta, terms[1].attribute_count = 1;
    net_objective objective = {
        .terms = terms, .term_count = 2, .targets = targets, .target_count = 2, .sample_weights = i & 8};
    tally sum = check_gradients(graph, &objective, 100 + i, 6);
    assert_int_equal(sum.checked, 25 + 18 + 12);
    assert_true(sum.unsure <= 2);
    netc_free(&n);
  }
}

/* ---- random networks ---- */

typedef struct {
  net_graph *graph;
  support_random random;
  net_value_id pool[40]; /* of values for each sample */
  uint32_t count;
} grower;

static uint32_t below(grower *g, uint32_t limit) { return support_below(&g->random, limit); }
static const net_shape *shape_of(grower *g, net_value_id v) { return &g->graph->values.at[v].shape; }

/* A binary operation on two values whose shapes fit, or with a parameter that broadcasts. */
static net_value_id grow_binary(grower *g, net_value_id a) {
  static const char *const ops[] = {"add", "sub", "mul"};
  net_value_id b = g->pool[below(g, g->count)];
  net_graph *graph = g->graph;
  const net_shape *s = shape_of(g, a);
  if (!net_shape_same(s, shape_of(g, b))) {
    net_shape part = {below(g, s->rank + 1), {0}};
    for (uint32_t i = 0; i < part.rank; i++) part.dim[i] = below(g, 2) ? 1 : s->dim[s->rank - part.rank + i];
    net_name name = net_graph_fresh_name(graph, "gate");
    b = net_graph_value(graph, NET_VALUE_PARAMETER, name, NET_F32, part, false, NET_NOWHERE);
  }
  net_value_id inputs[] = {a, b};
  if (below(g, 2)) inputs[0] = b, inputs[1] = a;
  return net_graph_call(graph, ops[below(g, 3)], (net_name){0}, inputs, 2, NULL, 0);
}

static net_value_id grow_concat(grower *g, net_value_id a) {
  net_value_id b = g->pool[below(g, g->count)];
  uint32_t axis = below(g, shape_of(g, a)->rank);
  net_shape x = *shape_of(g, a), y = *shape_of(g, b);
  bool fit = x.rank == y.rank;
  for (uint32_t i = 0; i < x.rank && fit; i++) fit = i == axis || x.dim[i] == y.dim[i];
  net_attribute at = net_attribute_int(g->graph->n, "axis", axis);
  return net_graph_call(g->graph, "concat", (net_name){0}, (net_value_id[]){a, fit ? b : a, a}, 3, &at, 1);
}

static void grow(grower *g) {
  static const char *const layers[] = {
      "linear features=3",
      "linear features=2",
      "linear features=4 bias=false",
      "batch_norm",
      "layer_norm",
      "relu",
      "leaky_relu",
      "sigmoid",
      "tanh",
      "silu",
      "gelu",
      "gelu approximate=tanh",
      "softmax",
      "log_softmax axis=0",
      "dropout p=0.3",
      "flatten",
      "sum axes=0 keep=true",
      "mean axes=-1 keep=true",
      "max axes=0 keep=true",
      "batch_norm affine=false",
  };
  enum { LAYERS = sizeof layers / sizeof *layers };
  net_value_id from = g->pool[below(g, g->count)], made;
  uint32_t which = below(g, LAYERS + 8);
  if (which < LAYERS) made = support_layer(g->graph, from, layers[which]);
  else made = which < LAYERS + 5 ? grow_binary(g, from) : grow_concat(g, from);
  if (made == NET_NONE) fail_msg("%s", support_message(g->graph->n));
  if (net_shape_elements(shape_of(g, made)) <= 40) g->pool[g->count++] = made;
}

static void test_random(void **state) {
  (void)state;
  tally all = {0};
  for (uint64_t seed = 1; seed <= 60; seed++) {
    netc n;
    support_init(&n);
    grower g = {.random = {seed}};
    net_shape shape = {1 + below(&g, 2), {2 + below(&g, 2), 2 + below(&g, 2)}};
    g.graph = support_network(&n, "random", shape, "linear features=3; tanh");
    g.pool[g.count++] = g.graph->outputs.at[0];
    for (uint32_t i = 0, steps = 4 + below(&g, 10); i < steps; i++) grow(&g);
    net_value_id last = g.pool[g.count - 1];
    last = support_layer(g.graph, support_layer(g.graph, last, "flatten"), "linear features=3");
    const char *name = net_text(&n, g.graph->values.at[last].name);
    tally sum = check_gradients(g.graph, support_classify(&n, name), seed, 1 + below(&g, 6));
    all.checked += sum.checked;
    all.unsure += sum.unsure;
    netc_free(&n);
  }
  assert_true(all.checked > 1500);
  if (all.unsure * 50 > all.checked) fail_msg("%u of %u unsure", all.unsure, all.checked);
}

/* ---- frozen parameters ---- */

static void test_frozen(void **state) {
  (void)state;
  static const char *const frozen[] = {"linear_1.weight", "linear_2.weight", "linear_2.bias",
                                       "batch_norm_1.bias"};
  for (uint32_t set = 1; set < 16; set++) {
    netc n;
    support_init(&n);
    net_graph *graph = support_network(&n, "net", (net_shape){1, {3}},
                                       "linear features=4; batch_norm; tanh; linear features=3");
    uint32_t elements = 12 + 4 + 4 + 4 + 12 + 3;
    for (uint32_t i = 0; i < 4; i++) {
      net_value *value = &graph->values.at[support_find(graph, frozen[i])];
      if (set >> i & 1) value->frozen = true, elements -= (uint32_t)net_shape_elements(&value->shape);
    }
    tally sum = check_gradients(graph, support_classify(&n, "linear_2"), set, 5);
    assert_int_equal(sum.checked, elements);
    assert_int_equal(sum.unsure, 0);
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_chains), cmocka_unit_test(test_shared), cmocka_unit_test(test_objectives),
      cmocka_unit_test(test_random), cmocka_unit_test(test_frozen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
