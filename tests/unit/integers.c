/* Integer-only graphs in integers: whole networks against the interpreter and compiled code. */
#include "interpret/integer.h"

#include "dsl/elaborate.h"
#include "ops/integer.h"
#include "passes/integer_only.h"
#include "pipeline/pipeline.h"
#include "runtime/evaluate.h"
#include "support/file.h"
#include "tests/unit/integer_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- networks ---- */

enum { SAMPLES = 2000 };

/* The jets' program with one more quantize block, `q`; its network with those formats. */
static net_graph *quantized(netc *n, const char *name, const char *block, const net_calibrated *calibrated,
                            uint32_t calibrated_count) {
  const char *text, *path = NETC_TEST_SOURCE "/examples/jets/jets.net";
  size_t length;
  net_program *program;
  net_network network;
  net_quantization q;
  assert_true(net_file_read(n, NET_NOWHERE, path, &text, &length));
  text = net_arena_format(&n->arena, "%.*s\nquantize q {\n%s\n}\n", (int)length, text, block);
  if (!net_program_from_text(n, "jets.net", text, strlen(text), &program) ||
      !net_elaborate_network(n, &n->arena, program, name, &network) ||
      !net_elaborate_quantization(n, &n->arena, program, "q", network.graph, &q))
    fail_msg("%s", support_message(n));
  q.calibrated = calibrated;
  q.calibrated_count = calibrated_count;
  uint32_t have = P_SHAPED;
  net_pass_context context = {.n = n, .arena = &n->arena, .quantization = &q, .verify = true};
  net_graph *g = net_pass_run(&context, NET_PASS_quantize, network.graph, &have);
  if (!g) fail_msg("%s", support_message(n));
  return g;
}

/* Every value that both have, bit for bit. */
static void expect_same(const net_integers *integers, const net_run *run) {
  const net_graph *g = run->graph;
  for (net_value_id v = 0; v < g->values.count; v++) {
    if (!integers->values[v]) continue;
    for (uint64_t i = 0; i < net_run_elements(run, v); i++)
      if (net_integers_value(integers, v, i) != run->values[v][i])
        fail_msg("%s[%llu] is %.17g in integers, %.17g interpreted\n%s", net_text(g->n, g->values.at[v].name),
                 (unsigned long long)i, net_integers_value(integers, v, i), run->values[v][i],
                 support_printed(g->n, g));
  }
}

/* The network compiled as it is deployed, fused. */
static void expect_compiled(netc *n, const net_graph *g, const net_run *run, const net_integers *integers) {
  pl_request request = {.network = g, .functions = PL_INFER, .batch = 256};
  request.options.print_after = request.options.stop_after = PL_STAGES;
  pl_compiled *compiled = pl_compile(n, &request);
  if (!compiled) fail_msg("%s", support_message(n));
  const rt_program *program = pl_program(compiled);
  float *variables = net_arena_alloc(&n->arena, (program->variable_floats + 16) * sizeof(float), 64),
        **outputs;
  for (uint32_t i = 0; i < program->variable_count; i++) {
    net_value_id v = support_find(g, program->variables[i].name);
    memcpy(variables + program->variables[i].offset, integer_floats(run, v),
           net_run_elements(run, v) * sizeof(float));
  }
  rt_column input = {.type = NET_F32, .width = 16, .data = integer_floats(run, support_find(g, "jet"))};
  rt_split rows = {.rows = run->count, .inputs = &input, .input_count = 1};
  assert_true(rt_predict(n, program, &rows, 1, variables, &outputs));
  for (uint32_t o = 0; o < g->outputs.count; o++)
    for (uint64_t i = 0; i < net_run_elements(run, g->outputs.at[o]); i++)
      if (outputs[o][i] != net_integers_value(integers, g->outputs.at[o], i))
        fail_msg("output %llu is %.9g in integers, %.9g compiled", (unsigned long long)i,
                 net_integers_value(integers, g->outputs.at[o], i), (double)outputs[o][i]);
  pl_free(compiled);
}

/* How much of a network is alive: not all of its outputs are the same. */
static bool is_alive(const net_run *run) {
  net_value_id y = run->graph->outputs.at[0];
  for (uint64_t i = 1; i < net_run_elements(run, y); i++)
    if (run->values[y][i] != run->values[y][0]) return true;
  return false;
}

static void expect_agreement(netc *n, const net_graph *g, uint64_t seed, uint32_t count, double scale) {
  net_integer_break first;
  if (!net_integer_only(n, g, &first))
    fail_msg("%s %s", first.node == NET_NONE ? "" : net_text(n, net_graph_at(g, first.node)->name),
             first.reason);
  net_run run = integer_filled(n, g, seed, count, scale);
  net_integers integers = integer_begin(&run);
  if (!net_run_all(&run) || !net_integers_run(&integers)) fail_msg("%s", support_message(n));
  expect_same(&integers, &run);
  assert_true(is_alive(&run));
  expect_compiled(n, g, &run, &integers);
  assert_int_equal(n->diagnostics.errors + n->diagnostics.faults, 0);
}

static const char *const networks[] = {"jsc_tiny", "test_hhy", "three_layer", "jsc_s"};
enum { NETWORKS = sizeof networks / sizeof *networks };

static void agrees_on_the_jets(void **state) {
  (void)state;
  static const char *const blocks[] = {
      "default { input = integer(16, 8), weight = integer(8, 5), bias = integer(16, 8), output = integer(16, "
      "8) }",
      "default { input = integer(8, 4), weight = integer(4, 2), bias = integer(8, 4), output = integer(8, 3) "
      "}",
      "default { input = integer(8, 4, rounding = floor), weight = integer(6, 4, rounding = zero), "
      "bias = integer(6, 4), output = integer(10, 5, rounding = half_up, overflow = wrap) }",
      "default { input = ap_fixed(12, 6), weight = integer(8, 6, overflow = symmetric), bias = integer(12, "
      "9), "
      "accumulator = integer(20, 10), output = integer(8, 4) }",
      "default { input = integer(24, 14), weight = integer(16, 12), bias = integer(24, 20), output = "
      "integer(24, 12) }"};
  for (uint32_t i = 0; i < NETWORKS; i++)
    for (uint32_t k = 0; k < sizeof blocks / sizeof *blocks; k++) {
      netc n;
      support_init(&n);
      expect_agreement(&n, quantized(&n, networks[i], blocks[k], NULL, 0), i * 31 + k, SAMPLES,
                       k == 4 ? 0.3 : 1);
      netc_free(&n);
    }
}

/* Weights, and what is between layers, of -1, 0 and 1. */
static void agrees_on_ones(void **state) {
  (void)state;
#define BATCH_NORM                                                                                           \
  "batch_norm { input = integer(10, 6), weight = integer(8, 5), bias = integer(12, 8), output = integer(8, " \
  "4) }\n"
  static const char *const blocks[] = {
      BATCH_NORM "linear { input = integer(8, 4), weight = ternary, bias = integer(16, 8), output = "
                 "integer(8, 3) }\nrelu { output = integer(8, 4) }",
      BATCH_NORM "linear { input = integer(4, 1), weight = binary, bias = integer(8, 4), output = integer(8, "
                 "3) }\nrelu { output = integer(8, 4) }",
      BATCH_NORM
      "linear { input = integer(4, 2), weight = ternary, bias = integer(8, 4), output = integer(8, "
      "3) }\nrelu { input = binary, output = integer(4, 2) }",
      BATCH_NORM "linear { input = integer(3, 1), weight = binary, bias = ternary, output = integer(8, 3, "
                 "overflow = wrap) }\nrelu { input = binary(stochastic = true), output = integer(3, 1) }"};
  for (uint32_t i = 0; i < NETWORKS; i++)
    for (uint32_t k = 0; k < sizeof blocks / sizeof *blocks; k++) {
      netc n;
      support_init(&n);
      net_graph *g = quantized(&n, networks[i], blocks[k], NULL, 0);
      expect_agreement(&n, g, i * 37 + k, SAMPLES, 1);
      netc_free(&n);
    }
}

/* Signs all the way; what moves them keeps their format, and relu makes 0 or 1 of them. */
static void agrees_on_signs(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *g = support_parse(
      &n, "graph signs\n"
          "  input jet: f32[b, 16]\n"
          "  parameter w: f32[12, 16] = 0\n"
          "  parameter c: f32[12] = 0\n"
          "  parameter v: f32[5, 28] = 0\n"
          "  parameter d: f32[5] = 0\n"
          "  a: f32[b, 16] format binary = quantize(jet, _, _) {format = \"binary\"}\n"
          "  wq: f32[12, 16] format binary = quantize(w, _, _) {format = \"binary\"}\n"
          "  cq: f32[12] format binary = quantize(c, _, _) {format = \"binary\"}\n"
          "  y: f32[b, 12] = linear(a, wq, cq) {features = 12}\n"
          "  yq: f32[b, 12] format binary = quantize(y, _, _) {format = \"binary\"}\n"
          "  r: f32[b, 12] = relu(yq)\n"
          "  rq: f32[b, 12] format integer(2, 0) = quantize(r, _, _) {format = \"integer(2, 0)\"}\n"
          "  p: f32[b, 16] = add(a, a)\n"
          "  pq: f32[b, 16] format integer(3, 0) = quantize(p, _, _) {format = \"integer(3, 0)\"}\n"
          "  k: f32[b, 28] = concat(rq, pq) {axis = 0}\n"
          "  kq: f32[b, 28] format integer(3, 0) = quantize(k, _, _) {format = \"integer(3, 0)\"}\n"
          "  vq: f32[5, 28] format ternary = quantize(v, _, _) {format = \"ternary\"}\n"
          "  dq: f32[5] format integer(8, 5) = quantize(d, _, _) {format = \"integer(8, 5)\"}\n"
          "  z: f32[b, 5] = linear(kq, vq, dq) {features = 5}\n"
          "  zq: f32[b, 5] format binary = quantize(z, _, _) {format = \"binary\"}\n"
          "  output zq, yq\n");
  expect_agreement(&n, g, 8, SAMPLES, 1);
  g = support_parse(&n, "graph s\n"
                        "  input x: f32[b, 2]\n"
                        "  q: f32[b, 2] format ternary = quantize(x, _, _) {format = \"ternary\"}\n"
                        "  output q\n");
  net_integer_break first = {0};
  assert_false(net_integer_only(&n, g, &first)); /* its threshold is a mean */
  assert_string_equal(first.reason, "makes ternary, which is for weights alone");
  netc_free(&n);
}

/* Fractions of their own for each feature and each output channel. */
static void agrees_with_fractions_per_channel(void **state) {
  (void)state;
  static const char *const layers[] = {"linear_1", "linear_2", "linear_3", "linear_4"};
  static const uint32_t features[] = {16, 64, 32, 32}, channels[] = {64, 32, 32, 5};
  netc n;
  support_init(&n);
  support_random random = {77};
  net_calibrated calibrated[12];
  uint32_t count = 0;
  for (uint32_t i = 0; i < 4; i++)
    for (net_tensor_role tensor = NET_TENSOR_INPUT; tensor <= NET_TENSOR_BIAS; tensor++) {
      uint32_t parts = tensor == NET_TENSOR_INPUT ? features[i] : channels[i];
      float *steps = NET_NEW_ARRAY(&n.arena, float, parts);
      for (uint32_t c = 0; c < parts; c++)
        steps[c] = ldexpf(1, -(tensor == NET_TENSOR_BIAS ? 5 : 3) - (int)support_below(&random, 4));
      calibrated[count++] = (net_calibrated){
          .node = net_intern(&n, layers[i]), .tensor = tensor, .count = parts, .steps = steps};
    }
  net_graph *g =
      quantized(&n, "three_layer",
                "default { input = integer(10, 6), output = integer(10, 5) }\n"
                "linear { input = integer(9, auto, per = channel), weight = integer(6, auto, per = channel), "
                "bias = integer(9, auto, per = channel) }",
                calibrated, count);
  assert_true(support_count(g, "quantize") >= 16);
  expect_agreement(&n, g, 5, SAMPLES, 1);
  netc_free(&n);
}

/* Scaled integers of 16 bits whose steps are powers of two, with zero points: sums pass 2^24 units. */
static void agrees_on_wide_powers_of_two(void **state) {
  (void)state;
  static const char *const layers[] = {"linear_1", "linear_2", "linear_3", "linear_4"};
  static const uint32_t channels[] = {64, 32, 32, 5};
  static const float x_step = 0x1p-11f, y_step = 0x1p-9f;
  static const int32_t zeros[] = {-300, 17, 4000, -2};
  netc n;
  support_init(&n);
  support_random random = {78};
  net_calibrated calibrated[12];
  uint32_t count = 0;
  for (uint32_t i = 0; i < 4; i++) {
    net_name name = net_intern(&n, layers[i]);
    float *steps = NET_NEW_ARRAY(&n.arena, float, channels[i]);
    for (uint32_t c = 0; c < channels[i]; c++) steps[c] = ldexpf(1, -14 - (int)support_below(&random, 3));
    calibrated[count++] = (net_calibrated){
        .node = name, .tensor = NET_TENSOR_INPUT, .count = 1, .steps = &x_step, .zeros = &zeros[i]};
    calibrated[count++] =
        (net_calibrated){.node = name, .tensor = NET_TENSOR_WEIGHT, .count = channels[i], .steps = steps};
    calibrated[count++] = (net_calibrated){
        .node = name, .tensor = NET_TENSOR_OUTPUT, .count = 1, .steps = &y_step, .zeros = &zeros[i]};
  }
  net_graph *g = quantized(
      &n, "three_layer",
      "linear { input = scaled_integer(16, affine, power_of_two), weight = scaled_integer(16, channel, "
      "power_of_two), output = scaled_integer(16, affine, power_of_two) }",
      calibrated, count);
  for (uint32_t i = 0; i < 4; i++)
    assert_int_equal(g->values.at[support_find(g, layers[i])].type, NET_F64);
  expect_agreement(&n, g, 6, SAMPLES, 1);
  netc_free(&n);
}

/* add, sub, mul, concat, reshape on grids of their own. */
static void agrees_on_other_operators(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *g = support_parse(
      &n,
      "graph other\n"
      "  input jet: f32[b, 16]\n"
      "  a: f32[b, 16] format integer(8, 5) = quantize(jet, _, _) {format = \"integer(8, 5)\"}\n"
      "  c: f32[b, 16] format integer(6, 2) = quantize(jet, _, _) {format = \"integer(6, 2)\"}\n"
      "  s: f32[b, 16] = add(a, c)\n"
      "  sq: f32[b, 16] format integer(7, 3, rounding = floor) = quantize(s, _, _) {format = \"integer(7, 3, "
      "rounding = floor)\"}\n"
      "  d: f32[b, 16] = sub(c, a)\n"
      "  dq: f32[b, 16] format integer(7, 3, rounding = floor) = quantize(d, _, _) {format = \"integer(7, 3, "
      "rounding = floor)\"}\n"
      "  p: f32[b, 16] = mul(sq, dq)\n"
      "  pq: f32[b, 16] format integer(9, 4) = quantize(p, _, _) {format = \"integer(9, 4)\"}\n"
      "  k: f32[b, 32] format integer(7, 3, rounding = floor) = concat(sq, dq) {axis = 0}\n"
      "  r: f32[b, 2, 16] format integer(7, 3, rounding = floor) = reshape(k) {shape = [2, 16]}\n"
      "  m: f32[b, 2, 16] = mul(r, pq)\n"
      "  mq: f32[b, 2, 16] format integer(12, 4, overflow = wrap) = quantize(m, _, _) {format = "
      "\"integer(12, 4, "
      "overflow = wrap)\"}\n"
      "  y: f32[b, 2, 16] format integer(12, 4, overflow = wrap) = relu(mq)\n"
      "  output y, k\n");
  expect_agreement(&n, g, 3, SAMPLES, 1);
  netc_free(&n);
}

/* ---- what is not integer-only ---- */

static void tells_what_is_not(void **state) {
  (void)state;
  static const struct {
    const char *network, *block, *node, *reason;
  } cases[] = {
      {"jsc_tiny", "linear { input = integer(8, 4), weight = integer(8, 4), bias = integer(8, 4) }",
       "batch_norm_1",
       "takes 'jet', which has no integer format: give it one as input here, or as output where it comes "
       "from"},
      {"three_layer", "default { input = integer(8, 4), weight = integer(8, 4), bias = integer(8, 4) }", NULL,
       "'linear_4' is an output without an integer format: give it one as output"},
      {"jsc_tiny", "default { input = integer(8, 4), weight = integer(8, 4), output = integer(8, 4) }",
       "batch_norm_1", "has for its bias float32, which is no integer format"},
      {"jsc_tiny",
       "default { input = integer(8, 4), weight = integer(8, 4), bias = integer(8, 4), output = integer(8, "
       "4) }\n"
       "linear { weight = ternary(scaled = true) }",
       "dense_1.linear_1.weight_q", "makes ternary(scaled = true), which is no integer format"},
      {"jsc_tiny",
       "default { input = integer(8, 4), weight = integer(8, 4), bias = integer(8, 4), output = integer(8, "
       "4) }\n"
       "linear { weight = binary(bipolar = false) }",
       "dense_1.linear_1.weight_q", "makes binary(bipolar = false), which is no integer format"},
      {"jsc_tiny",
       "default { input = integer(8, 4), weight = integer(8, 4), bias = integer(8, 4), output = integer(8, "
       "4) }\n"
       "linear { output = integer(26, 4) }",
       "dense_1.linear_1.output_q",
       "makes integer(26, 4), which has more bits than binary32, which it is emulated in"},
      {"jsc_tiny",
       "default { input = integer(8, 4), weight = integer(8, 4), bias = integer(8, 4), output = integer(8, "
       "4) }\n"
       "linear { input = scaled_integer(8, mase_compatible = true) }",
       "dense_1.linear_1.input_q",
       "makes scaled_integer(8, mase_compatible = true), which is no integer format"},
      {"jsc_tiny",
       "default { input = integer(8, 4), weight = integer(8, 4), bias = integer(8, 4), output = integer(8, "
       "4) }\n"
       "linear { input = scaled_integer(8, ste = learned_step) }",
       "dense_1.linear_1.input_q", "has steps that training changes"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    net_integer_break first = {0};
    support_init(&n);
    net_graph *g = quantized(&n, cases[i].network, cases[i].block, NULL, 0);
    if (net_integer_only(&n, g, &first)) fail_msg("case %zu is integer-only\n%s", i, support_printed(&n, g));
    const char *node = first.node == NET_NONE ? NULL : net_text(&n, net_graph_at(g, first.node)->name);
    if ((node && cases[i].node ? strcmp(node, cases[i].node) : node != cases[i].node) ||
        strcmp(first.reason, cases[i].reason))
      fail_msg("case %zu: %s %s", i, node ? node : "", first.reason);
    netc_free(&n);
  }
}

static void tells_operators_without_integers(void **state) {
  (void)state;
  netc n;
  net_integer_break first = {0};
  support_init(&n);
  net_graph *g = support_parse(
      &n, "graph s\n"
          "  input x: f32[b, 2]\n"
          "  q: f32[b, 2] format integer(8, 4) = quantize(x, _, _) {format = \"integer(8, 4)\"}\n"
          "  y: f32[b, 2] = sigmoid(q)\n"
          "  output y\n");
  assert_false(net_integer_only(&n, g, &first));
  assert_string_equal(first.reason,
                      "sigmoid is no operator on integers: look it up, by a rule with table = 256");
  g = support_parse(
      &n, "graph s\n"
          "  input x: f32[b, 2]\n"
          "  constant step: f32 = [0.3]\n"
          "  q: f32[b, 2] format integer(8, auto) = quantize(x, step, _) {format = \"integer(8, auto)\"}\n"
          "  output q\n");
  assert_false(net_integer_only(&n, g, &first));
  assert_string_equal(first.reason, "has steps that are no powers of two");
  netc_free(&n);
}

/* Sums of more than 63 bits are refused, not wrapped. */
static void refuses_sums_beyond_its_integers(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *g = support_parse(
      &n, "graph s\n"
          "  input x: f32[b, 1]\n"
          "  a: f32[b, 1] format integer(8, 0) = quantize(x, _, _) {format = \"integer(8, 0)\"}\n"
          "  c: f32[b, 1] format integer(8, 70) = quantize(x, _, _) {format = \"integer(8, 70)\"}\n"
          "  s: f32[b, 1] = add(a, c)\n"
          "  y: f32[b, 1] format integer(8, 0) = quantize(s, _, _) {format = \"integer(8, 0)\"}\n"
          "  output y\n");
  net_integers run = net_integers_begin(&n, g, &n.arena, 1);
  net_integers_set(&run, 0, (float[]){3});
  assert_false(net_integers_run(&run));
  assert_string_equal(support_message(&n), "add 's' sums to more than 63 bits: give its inputs fewer");
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agrees_on_the_jets),
      cmocka_unit_test(agrees_on_ones),
      cmocka_unit_test(agrees_on_signs),
      cmocka_unit_test(agrees_with_fractions_per_channel),
      cmocka_unit_test(agrees_on_wide_powers_of_two),
      cmocka_unit_test(agrees_on_other_operators),
      cmocka_unit_test(tells_what_is_not),
      cmocka_unit_test(tells_operators_without_integers),
      cmocka_unit_test(refuses_sums_beyond_its_integers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
