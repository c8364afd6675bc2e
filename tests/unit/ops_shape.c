/* ops/: the table, what operators refuse and how they say it, parameters of users' calls, costs. */
#include "tests/unit/ops_cases.h"

#include "graph/cost.h"

#include <stdlib.h>

/* ---- the table ---- */

static void test_table(void **state) {
  (void)state;
  netc n;
  ops_test_begin(&n);
  for (uint32_t i = 0; i < net_op_count; i++) {
    const net_op *op = &net_ops[i];
    const net_op_field *fields;
    uint32_t parameters = 0, inputs = net_op_inputs(&n, op, &fields);
    for (uint32_t k = 0; k < inputs; k++)
      parameters +=
          !strcmp(fields[k].kind, "state") ||
          (op->user && (!strcmp(fields[k].kind, "parameter") || !strcmp(fields[k].kind, "statistic")));
    assert_ptr_equal(net_op_find(&n, op->name, NULL), op); /* no name twice */
    assert_true(inputs && net_op_outputs(&n, op, &fields));
    net_op_attributes(&n, op, &fields);
    assert_true(op->shape && op->interpret && op->kernel && op->ulps >= 0);
    assert_true(!parameters == !op->parameter);
    assert_true(!strcmp(op->kind, "call_module") || !strcmp(op->kind, "call_function") ||
                !strcmp(op->kind, "call_method") || !strcmp(op->kind, "get_attr"));
    if (op->user && op->class != OP_LOSS) assert_non_null(op->gradient);
  }
  assert_int_equal(n.diagnostics.faults, 0); /* all declarations can be read */
  netc_free(&n);
}

/* ---- refusals ---- */

#define OPTIMIZED "parameter p: f32[3] = 0\nparameter g: f32[3] = 0\nscalar r: f32 = rate(0)\n"
#define STATISTICS "statistic m: f32[3] = 0\nstatistic v: f32[3] = 1\n"
#define BATCH_NORM "y: f32[b, 3], mean: f32[3], inverse: f32[3], variance: f32[3] = batch_norm"
#define CROSS_ENTROPY "y: f32, weight_sum: f32, probability: f32[b, 3] = cross_entropy"
#define WEIGHT_BIAS "parameter w: f32[2, 3] = 0\nparameter c: f32[2] = 0\n"
#define X3 "input x: f32[b, 3]\n"
#define CLASS "target t: u32[b]\n"
#define VELOCITY "state v: f32[3] = 0\n"

/* clang-format off */
static const struct {
  const char *lines, *message;
} refused[] = {
    {"input x: f32[b]\n" WEIGHT_BIAS "y: f32[b, 2] = linear(x, w, c) {features = 2}\n",
     "linear 'y' needs at least 1 axis, but 'x' is f32[]"},
    {"input x: f32[b, 4]\n" WEIGHT_BIAS "y: f32[b, 2] = linear(x, w, c) {features = 2}\n",
     "linear 'y' needs a weight f32[2, 4], since 'x' is f32[4], but 'w' is f32[2, 3]"},
    {X3 "parameter w: f32[2, 3] = 0\nparameter c: f32[3] = 0\n"
     "y: f32[b, 2] = linear(x, w, c) {features = 2}\n",
     "linear 'y' needs f32[2] for its bias, but 'c' is f32[3]"},
    {X3 "parameter w: f32[2, 3] = 0\ny: f32[b, 2] = linear(x, w) {features = 0}\n",
     "linear 'y' needs at least 1 and at most 2147483647 features, not 0"},
    {CLASS "y: u32[b] = negate(t)\n", "negate 'y' takes f32, but 't' is u32[]"},
    {"input x: f32[b]\n" STATISTICS BATCH_NORM "(x, _, _, m, v) {affine = false}\n",
     "batch_norm 'y' needs at least 1 axis, but 'x' is f32[]"},
    {"parameter x: f32[3] = 0\n" STATISTICS BATCH_NORM "(x, _, _, m, v) {affine = false}\n",
     "batch_norm 'y' needs a value for each sample, but 'x' is f32[3] once for all of them"},
    {"input x: f32[b, 4]\n" STATISTICS BATCH_NORM "(x, _, _, m, v) {affine = false}\n",
     "batch_norm 'y' needs f32[4] for its running_mean, but 'm' is f32[3]"},
    {X3 "parameter w: f32[3] = 1\n" STATISTICS BATCH_NORM "(x, w, _, m, v)\n",
     "batch_norm 'y' needs both weight and bias, or neither"},
    {X3 STATISTICS BATCH_NORM "(x, _, _, m, v) {affine = false, epsilon = 0.0}\n",
     "batch_norm 'y' needs epsilon > 0, not 0"},
    {X3 STATISTICS BATCH_NORM "(x, _, _, m, v) {affine = false, momentum = 1.5}\n",
     "batch_norm 'y' needs momentum from 0 to 1, not 1.5"},
    {X3 STATISTICS BATCH_NORM
     "(x, _, _, m, v) {affine = false, weight_format = \"block_fp(8, 8, block = 16)\"}\n",
     "batch_norm 'y' needs a weight_format of single elements with steps of its own, not "
     "block_fp(8, 8, 127, block = 16)"},
    {X3 STATISTICS BATCH_NORM "(x, _, _, m, v) {affine = false, bias_format = \"scaled_integer(8)\"}\n",
     "batch_norm 'y' needs a bias_format of single elements with steps of its own, not scaled_integer(8)"},
    {X3 STATISTICS BATCH_NORM "(x, _, _, m, v) {affine = false, bias_format = \"integer(0)\"}\n",
     "integer needs a width from 1 to 32, not 0"},
    {X3 "parameter w: f32[2, 3] = 0\ny: f64[b, 2] = linear(x, w) {features = 2, bias = false, wide = true}\n"
     "z: f32[b, 2] = relu(y)\n",
     "relu 'z' takes f32, but 'y' is f64[2]"},
    {X3 "parameter w: f32[2, 3] = 0\ny: f64[b, 2] = linear(x, w) {features = 2, bias = false, wide = true}\n"
     "parameter k: f32[1, 2] = 0\nz: f64[b, 1] = linear(y, k) {features = 1, bias = false, wide = true}\n",
     "linear 'z' takes f32, but 'y' is f64[2]"},
    {X3 "y: f32[b, 3], mean: f32[b], inverse: f32[b] = layer_norm(x) {dims = 2}\n",
     "layer_norm 'y' cannot normalise over the last 2 axes: 'x' is f32[3]"},
    {X3 "parameter w: f32[2] = 1\nparameter c: f32[2] = 0\n"
     "y: f32[b, 3], mean: f32[b], inverse: f32[b] = layer_norm(x, w, c)\n",
     "layer_norm 'y' needs f32[3] for its weight, but 'w' is f32[2]"},
    {X3 "y: f32[b, 3] = gelu(x) {approximate = sigmoid}\n",
     "gelu 'y' needs approximate = none or tanh, not 'sigmoid'"},
    {X3 "y: f32[b, 3] = softmax(x) {axis = 1}\n",
     "softmax 'y' has no axis 1: 'x' is f32[3] (axes count from 0, the batch left out)"},
    {"input x: f32[b]\ny: f32[b] = softmax(x)\n",
     "softmax 'y' has no axis -1: 'x' is f32[] (axes count from 0, the batch left out)"},
    {X3 "y: f32[b, 3] = dropout(x) {p = 1.25}\n", "dropout 'y' needs p from 0 to 1, not 1.25"},
    {X3 "input a: f32[b, 2, 4]\ny: f32[b, 2, 3] = add(x, a)\n",
     "add 'y' cannot broadcast shapes: 'x' is f32[3] and 'a' is f32[2, 4] (axes must be equal "
     "or 1, from the last one on)"},
    {X3 "input a: f32[b, 4, 3]\ny: f32[b, 7, 3] = concat(x, a)\n",
     "concat 'y' along axis 0 needs all other axes equal, but 'x' is f32[3] and 'a' is f32[4, 3]"},
    {"input x: f32[b, 2, 3]\ninput a: f32[b, 4, 3]\ny: f32[b, 2, 6] = concat(x, a) {axis = 1}\n",
     "concat 'y' along axis 1 needs all other axes equal, but 'x' is f32[2, 3] and 'a' is f32[4, 3]"},
    {X3 "y: f32[b, 3] = concat(x) {axis = 1}\n",
     "concat 'y' has no axis 1: 'x' is f32[3] (axes count from 0, the batch left out)"},
    {X3 "constant o: f32[3] = [0, 0, 0]\ny: f32[b, 3] = normalize(x, o, o) {kind = robust}\n",
     "normalize 'y' has kind = robust; known are affine, clip and log1p"},
    {X3 "constant s: f32[2] = [1, 1]\ny: f32[b, 3] = quantize_by(x, s, s, s)\n",
     "quantize_by 'y' needs for step an f32 or one for each channel, but 's' is f32[2]"},
    {X3 "constant s: f32[3] = [1, 1, 1]\nconstant l: f32 = [0]\ny: f32[b, 3] = quantize_by(x, s, s, l)\n",
     "quantize_by 'y' needs a most for each step, but 'l' is f32[]"},
    {X3 "constant s: f32 = [1]\ny: f32[b, 3] = quantize_by(x, s, s, s) {rounding = up}\n",
     "quantize_by 'y' has no such rounding"},
    {X3 "y: f32[b, 2, 2] = reshape(x) {shape = [2, 2]}\n",
     "reshape 'y' cannot make [2, 2] of 3 elements: 'x' is f32[3]"},
    {X3 "y: f32[b, 2, 2] = reshape(x) {shape = [2, -1]}\n",
     "reshape 'y' cannot make [2, -1] of 3 elements: 'x' is f32[3]"},
    {X3 "y: f32[b, 2, 2] = reshape(x) {shape = [-1, -1]}\n",
     "reshape 'y' can work out one -1 only, but axes 0 and 1 have it"},
    {X3 "y: f32[b, 2, 2] = reshape(x) {shape = [3, 0]}\n",
     "reshape 'y' needs axes of at least 1 (or one -1), but axis 1 has 0"},
    {X3 "y: f32[b, 2, 2] = reshape(x) {shape = [-3, -1]}\n",
     "reshape 'y' needs axes of at least 1 (or one -1), but axis 0 has -3"},
    {X3 "y: f32[b, 2] = slice(x) {axis = 0, begin = 2, end = 4}\n",
     "slice 'y' cannot take entries 2 to 4 of axis 0: 'x' is f32[3]"},
    {X3 "y: f32[b, 2] = slice(x) {axis = 0, begin = 2, end = 2}\n",
     "slice 'y' cannot take entries 2 to 2 of axis 0: 'x' is f32[3]"},
    {X3 "y: f32[b, 4] = pad_slice(x) {axis = 0, begin = 2, size = 4}\n",
     "pad_slice 'y' cannot place axis 0 at entry 2 of 4: 'x' is f32[3]"},
    {X3 "y: f32[b] = sum(x) {axes = [1]}\n",
     "sum 'y' has no axis 1: 'x' is f32[3] (axes count from 0, the batch left out)"},
    {X3 "y: f32[b] = max(x) {axes = [0, -1]}\n", "max 'y' names axis 0 twice in axes"},
    {"input x: f32[b, 3, 3]\n" CLASS CROSS_ENTROPY "(x, t)\n",
     "cross_entropy 'y' needs one axis, of classes, but 'x' is f32[3, 3]"},
    {"parameter x: f32[3] = 0\n" CLASS CROSS_ENTROPY "(x, t)\n",
     "cross_entropy 'y' needs a value for each sample, but 'x' is f32[3] once for all of them"},
    {X3 "target t: f32[b]\n" CROSS_ENTROPY "(x, t)\n",
     "cross_entropy 'y' needs a class number for each sample, but 't' is f32[]"},
    {X3 "target t: u32[b, 3]\n" CROSS_ENTROPY "(x, t)\n",
     "cross_entropy 'y' needs a class number for each sample, but 't' is u32[3]"},
    {X3 CLASS "constant k: f32[2] = [1, 2]\n" CROSS_ENTROPY "(x, t, k)\n",
     "cross_entropy 'y' needs f32[3] for its class_weight, but 'k' is f32[2]"},
    {X3 CLASS CROSS_ENTROPY "(x, t) {label_smoothing = -0.1}\n",
     "cross_entropy 'y' needs label_smoothing from 0 to 1, not -0.1"},
    {X3 "target t: f32[b, 2]\ny: f32, weight_sum: f32 = mse(x, t)\n",
     "mse 'y' needs equal shapes, but 'x' is f32[3] and 't' is f32[2]"},
    {X3 CLASS "y: f32, weight_sum: f32 = mae(x, t)\n", "mae 'y' takes f32, but 't' is u32[]"},
    {X3 "target t: f32[b, 3]\ny: f32, weight_sum: f32 = huber(x, t) {delta = 0.0}\n",
     "huber 'y' needs delta > 0, not 0"},
    {X3 "y: f32[2] = reduce_to(x) {shape = [2], batched = false}\n",
     "reduce_to 'y' cannot sum to [2]: 'x' is f32[3]"},
    {X3 "y: f32[b, 2] = expand(x) {shape = [2], batched = true}\n",
     "expand 'y' cannot broadcast to [2]: 'x' is f32[3]"},
    {X3 "y: f32[3] = expand(x) {shape = [3], batched = false}\n",
     "expand 'y' cannot broadcast to [3] for all samples: 'x' is f32[3]"},
    {"parameter x: f32[3] = 0\ny: f32 = clip_factor(x) {max = 1.0}\n",
     "clip_factor 'y' needs f32[] for its total, but 'x' is f32[3]"},
    {"parameter x: f32 = 0\ny: f32 = clip_factor(x) {max = 0.0}\n", "clip_factor 'y' needs max > 0, not 0"},
    {X3 "y: f32 = sum_squares(x)\n",
     "sum_squares 'y' needs f32[3] for its x, but 'x' is f32[3] for each sample"},
    {"statistic m: f32[3] = 0\nparameter o: f32[2] = 0\ny: f32[3] = running_update(m, o)\n",
     "running_update 'y' needs f32[3] for its observed, but 'o' is f32[2]"},
    {OPTIMIZED "y: f32[3], new_velocity: f32 = sgd(p, g, r) {momentum = 0.5}\n",
     "sgd 'y' needs a velocity if, and only if, momentum > 0 (it is 0.5)"},
    {OPTIMIZED VELOCITY "y: f32[3], new_velocity: f32[3] = sgd(p, g, r, v)\n",
     "sgd 'y' needs a velocity if, and only if, momentum > 0 (it is 0)"},
    {OPTIMIZED VELOCITY
     "y: f32[3], new_velocity: f32[3] = sgd(p, g, r, v) {momentum = 0.5, dampening = 0.1, nesterov = true}\n",
     "sgd 'y' needs momentum > 0 and dampening = 0 for nesterov"},
    {OPTIMIZED "y: f32[3], new_velocity: f32 = sgd(p, g, r) {weight_decay = -1.0}\n",
     "sgd 'y' needs weight_decay >= 0, not -1"},
    {"parameter p: f32[3] = 0\nparameter g: f32[2] = 0\nscalar r: f32 = rate(0)\n"
     "y: f32[3], new_velocity: f32 = sgd(p, g, r)\n",
     "sgd 'y' needs f32[3] for its gradient, but 'g' is f32[2]"},
    {OPTIMIZED "state v: f32[2] = 0\ny: f32[3], new_velocity: f32[3] = sgd(p, g, r, v) {momentum = 0.5}\n",
     "sgd 'y' needs f32[3] for its velocity, but 'v' is f32[2]"},
    {OPTIMIZED "scalar c1: f32 = correction1(0.9)\nscalar c2: f32 = correction2(0.999)\n"
     "state m: f32[3] = 0\n" VELOCITY
     "y: f32[3], new_exp_avg: f32[3], new_exp_avg_sq: f32[3] = adam(p, g, r, c1, c2, m, v) {beta2 = 1.0}\n",
     "adam 'y' needs beta2 in [0, 1), not 1"},
    {OPTIMIZED "scalar c1: f32 = correction1(0.9)\nscalar c2: f32 = correction2(0.999)\n"
     "state m: f32[3] = 0\n" VELOCITY
     "y: f32[3], new_exp_avg: f32[3], new_exp_avg_sq: f32[3] = adam(p, g, r, c1, c2, m, v) "
     "{epsilon = -1.0}\n",
     "adam 'y' needs epsilon >= 0, not -1"},
    {"input x: f32[b, 60000, 1]\ninput a: f32[b, 1, 60000]\ny: f32[b, 2] = mul(x, a)\n",
     "mul 'y' gives [60000, 60000], more than 2147483647 elements a sample"},
};
/* clang-format on */

static void test_refusals(void **state) {
  (void)state;
  for (uint32_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    netc n;
    ops_test_begin(&n);
    const char *text = net_arena_format(&n.arena, "graph test\n%s", refused[i].lines);
    if (net_graph_parse(&n, &n.arena, "test", text, strlen(text))) fail_msg("accepted: %s", refused[i].lines);
    assert_int_equal(n.diagnostics.errors, 1);
    assert_int_equal(n.diagnostics.faults, 0);
    assert_string_equal(n.diagnostics.list.at[0].message, refused[i].message);
    assert_true(n.diagnostics.list.at[0].where.end > 0);
    netc_free(&n);
  }
}

/* The error lies at the node, a note at what is to blame. */
static void test_places(void **state) {
  (void)state;
  netc n;
  ops_test_begin(&n);
  const char text[] = "graph test\n  input jet: f32[b, 16]\n  input mask: f32[b, 4, 3]\n"
                      "  both: f32[b, 16] = add(jet, mask)\n";
  assert_null(net_graph_parse(&n, &n.arena, "test", text, strlen(text)));
  assert_int_equal(n.diagnostics.list.count, 2);
  assert_int_equal(net_sources_find(&n.sources, n.diagnostics.list.at[0].where).line, 4);
  assert_int_equal(n.diagnostics.list.at[1].severity, NET_NOTE);
  assert_int_equal(net_sources_find(&n.sources, n.diagnostics.list.at[1].where).line, 3);
  assert_string_equal(n.diagnostics.list.at[1].message, "'mask' is f32[4, 3], defined here");
  netc_free(&n);
}

/* ---- users' calls ---- */

static net_value_id input_of(netc *n, net_graph *graph, const char *name, net_shape shape) {
  return net_graph_value(graph, NET_VALUE_INPUT, net_intern(n, name), NET_F32, shape, true, NET_NOWHERE);
}

static void expect_variable(const net_graph *graph, net_node_id node, uint32_t input, net_value_kind kind,
                            const char *name, net_shape shape, net_init_kind init, double value) {
  net_value_id v = net_node_input(graph, node, input);
  if (!name) {
    assert_int_equal(v, NET_NONE);
    return;
  }
  const net_value *is = net_graph_value_at(graph, v);
  assert_string_equal(net_text(graph->n, is->name), name);
  assert_int_equal(is->kind, kind);
  assert_true(net_shape_same(&is->shape, &shape));
  assert_int_equal(is->init.kind, init);
  assert_true(is->init.value == value);
}

/* PyTorch's names, layouts and initial values. */
static void test_parameters(void **state) {
  (void)state;
  const net_value_kind parameter = NET_VALUE_PARAMETER, statistic = NET_VALUE_STATISTIC;
  const net_shape three = {1, {3}}, each = {2, {4, 25}}, five = {1, {5}};
  netc n;
  ops_test_begin(&n);
  net_graph *g = net_graph_new(&n, &n.arena, net_intern(&n, "g"), NET_NOWHERE);
  net_value_id x = input_of(&n, g, "x", (net_shape){3, {3, 4, 25}});
  net_attribute features = net_attribute_int(&n, "features", 5), dims = net_attribute_int(&n, "dims", 2);
  net_attribute no_bias = net_attribute_bool(&n, "bias", false);
  net_attribute plain = net_attribute_bool(&n, "affine", false);

  net_node_id a = net_graph_layer(g, "linear", net_intern(&n, "a"), &x, 1, &features, 1, NET_NOWHERE);
  expect_variable(g, a, 1, parameter, "a.weight", (net_shape){2, {5, 25}}, NET_INIT_UNIFORM, 0.2);
  expect_variable(g, a, 2, parameter, "a.bias", five, NET_INIT_UNIFORM, 0.2); /* 1/√25 */
  net_node_id c = net_graph_layer(g, "linear", net_intern(&n, "c"), &x, 1,
                                  (net_attribute[]){features, no_bias}, 2, NET_NOWHERE);
  expect_variable(g, c, 2, parameter, NULL, five, NET_INIT_UNIFORM, 0);

  net_node_id norm = net_graph_layer(g, "batch_norm", net_intern(&n, "b"), &x, 1, NULL, 0, NET_NOWHERE);
  expect_variable(g, norm, 1, parameter, "b.weight", three, NET_INIT_FILL, 1);
  expect_variable(g, norm, 2, parameter, "b.bias", three, NET_INIT_FILL, 0);
  expect_variable(g, norm, 3, statistic, "b.running_mean", three, NET_INIT_FILL, 0);
  expect_variable(g, norm, 4, statistic, "b.running_var", three, NET_INIT_FILL, 1);
  net_node_id bare = net_graph_layer(g, "batch_norm", net_intern(&n, "d"), &x, 1, &plain, 1, NET_NOWHERE);
  expect_variable(g, bare, 1, parameter, NULL, three, NET_INIT_FILL, 1);
  expect_variable(g, bare, 4, statistic, "d.running_var", three, NET_INIT_FILL, 1);

  net_node_id layer = net_graph_layer(g, "layer_norm", net_intern(&n, "e"), &x, 1, &dims, 1, NET_NOWHERE);
  expect_variable(g, layer, 1, parameter, "e.weight", each, NET_INIT_FILL, 1);
  expect_variable(g, layer, 2, parameter, "e.bias", each, NET_INIT_FILL, 0);
  net_node_id flat = net_graph_layer(g, "layer_norm", net_intern(&n, "f"), &x, 1, &plain, 1, NET_NOWHERE);
  expect_variable(g, flat, 1, parameter, NULL, three, NET_INIT_FILL, 1);
  assert_true(net_graph_verify(&n, g));
  assert_int_equal(n.diagnostics.errors, 0);

  const struct {
    const char *op;
    net_attribute attribute;
    net_shape shape;
    const char *message;
  } wrong[] = {
      {"linear", net_attribute_int(&n, "features", 5), {0}, "linear needs at least 1 axis, but 'y' is f32[]"},
      {"linear",
       net_attribute_int(&n, "features", -1),
       {1, {7}},
       "linear with -1 features needs a weight [-1, 7], which must have from 1 to 2147483647 elements"},
      {"linear",
       net_attribute_int(&n, "features", INT32_MAX),
       {1, {2}},
       "linear with 2147483647 features needs a weight [2147483647, 2], which must have from 1 to 2147483647 "
       "elements"},
      {"batch_norm", plain, {0}, "batch_norm needs at least 1 axis, but 'y' is f32[]"},
      {"layer_norm", dims, {1, {7}}, "layer_norm cannot normalise over the last 2 axes: 'y' is f32[7]"},
  };
  for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    net_value_id y = input_of(&n, g, "y", wrong[i].shape);
    assert_int_equal(
        net_graph_layer(g, wrong[i].op, net_intern(&n, "z"), &y, 1, &wrong[i].attribute, 1, NET_NOWHERE),
        NET_NONE);
    assert_string_equal(ops_test_message(&n), wrong[i].message);
  }
  assert_int_equal(n.diagnostics.faults, 0);
  netc_free(&n);
}

/* State of the optimisers: zeros in the parameter's shape, none for sgd without momentum. */
static void test_state(void **state) {
  (void)state;
  netc n;
  ops_test_begin(&n);
  net_graph *g = net_graph_new(&n, &n.arena, net_intern(&n, "g"), NET_NOWHERE);
  net_value_id inputs[8] = {net_graph_value(g, NET_VALUE_PARAMETER, net_intern(&n, "p"), NET_F32,
                                            (net_shape){2, {4, 3}}, false, NET_NOWHERE)};
  const struct {
    const char *op;
    uint32_t input;
    double momentum;
    bool absent;
  } cases[] = {
      {"sgd", 3, 0, true}, {"sgd", 3, 0.9, false}, {"adam", 5, 0.9, false}, {"adamw", 6, 0.9, false}};
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    net_shape shape;
    net_init init;
    const net_op *op = net_op_find(&n, cases[i].op, NULL);
    net_attribute first = net_attribute_real(&n, "momentum", cases[i].momentum);
    assert_true(op->parameter(&n, g, inputs, &first, 1, cases[i].input, NET_NOWHERE, &shape, &init));
    assert_int_equal(shape.rank == NET_ABSENT, cases[i].absent);
    if (!cases[i].absent) assert_true(net_shape_same(&shape, &(net_shape){2, {4, 3}}));
    assert_true(init.kind == NET_INIT_FILL && init.value == 0);
  }
  netc_free(&n);
}

/* ---- costs ---- */

/* A chain of layers on 16 features: "b" batch_norm, "r" relu, a number linear. */
static void expect_cost(const char *const *layers, double parameters, double flops, double bitops) {
  netc n;
  ops_test_begin(&n);
  net_graph *g = net_graph_new(&n, &n.arena, net_intern(&n, "g"), NET_NOWHERE);
  net_value_id at = input_of(&n, g, "x", (net_shape){1, {16}});
  for (uint32_t i = 0; layers[i]; i++) {
    net_attribute features = net_attribute_int(&n, "features", strtol(layers[i], NULL, 10));
    bool linear = features.integer > 0;
    const char *op = linear ? "linear" : *layers[i] == 'b' ? "batch_norm" : "relu";
    net_name name = net_intern_format(&n, "%s_%u", op, i);
    net_node_id node = net_graph_layer(g, op, name, &at, 1, &features, linear, NET_NOWHERE);
    assert_int_not_equal(node, NET_NONE);
    at = net_node_output(g, node, 0);
  }
  net_graph_cost(g);
  net_cost_total total = net_graph_cost_total(g, 8);
  assert_true((double)total.parameters == parameters && total.flops == flops && total.bitops == bitops);
  netc_free(&n);
}

/* What MASE says of these networks at batch 8. */
static void test_costs(void **state) {
  (void)state;
  expect_cost((const char *[]){"b", "r", "5", "r", NULL}, 117, 1320, 1205504);
  expect_cost((const char *[]){"b", "r", "5", "b", "r", NULL}, 127, 1480, 1369344);
  expect_cost((const char *[]){"b", "r", "32", "b", "r", "16", "b", "r", "8", "b", "r", "5", "b", "r", NULL},
              1407, 12616, 12612864);
}

/* Of every class of costs one node, at batch 1. */
static void test_node_costs(void **state) {
  (void)state;
  static const struct {
    const char *lines;
    double computations, backward, bitops;
  } cases[] = {
      {"input x: f32[b, 2, 3]\nparameter w: f32[5, 3] = 0\n"
       "y: f32[b, 2, 5] = linear(x, w) {features = 5, bias = false}\n",
       30, 60, 30 * (32 * 32 + 32)},
      {"input x: f32[b, 2, 3]\n"
       "y: f32[b, 2, 3], mean: f32[b, 2], inverse: f32[b, 2] = layer_norm(x) {affine = false}\n",
       30, 30, 30 * 1024},
      {"input x: f32[b, 3]\ninput a: f32[b, 2, 1]\ny: f32[b, 2, 3] = mul(x, a)\n", 6, 6, 6 * 32},
      {"input x: f32[b, 7]\ny: f32[b] = mean(x)\n", 7, 7, 7 * 32},
      {"input x: f32[b, 7]\ny: f32[b, 7] = softmax(x)\n", 7, 7, 7 * 32},
      {"input x: f32[b, 7]\ny: f32[b, 7] = dropout(x)\n", 0, 0, 0},
      {"input x: f32[b, 6]\ny: f32[b, 2, 3] = reshape(x) {shape = [2, 3]}\n", 0, 0, 0},
      {"input x: f32[b, 6]\ny: f32[b, 12] = concat(x, x)\n", 0, 0, 0},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    ops_test_begin(&n);
    net_graph *g = ops_test_graph(&n, cases[i].lines);
    net_graph_cost(g);
    const net_cost *cost = &net_graph_at(g, 0)->cost;
    if (cost->computations != cases[i].computations || cost->backward != cases[i].backward ||
        cost->bitops != cases[i].bitops)
      fail_msg("%scosts %g, %g, %g bit operations", cases[i].lines, cost->computations, cost->backward,
               cost->bitops);
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table),      cmocka_unit_test(test_refusals), cmocka_unit_test(test_places),
      cmocka_unit_test(test_parameters), cmocka_unit_test(test_state),    cmocka_unit_test(test_costs),
      cmocka_unit_test(test_node_costs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
