/* Range analysis: no value ever leaves its interval, and a linear's bounds are met. */
#include "passes/ranges.h"

#include "formats/formats.h"
#include "tests/unit/graph_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { SAMPLES = 24 };

/* ---- numbers ---- */

/* Everything known: variables by the support's rules, inputs in their ranges, a third of them at each end. */
static net_run filled(netc *n, const net_graph *g, support_random *random, uint32_t count) {
  net_run run = net_run_begin(n, g, &n->arena, count);
  support_fill(&run, random, 2);
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = net_graph_value_at(g, v);
    for (uint64_t i = 0; value->kind != NET_VALUE_RESULT && i < net_run_elements(&run, v); i++)
      run.values[v][i] = (float)run.values[v][i];
    if (value->kind != NET_VALUE_INPUT) continue;
    for (uint64_t i = 0; i < net_run_elements(&run, v); i++) {
      double u = (support_uniform(random) + 1) / 2, lo = value->range.lo, hi = value->range.hi;
      uint32_t end = support_below(random, 3);
      run.values[v][i] = end == 0 ? lo : end == 1 ? hi : fmin(fmax((float)(lo + u * (hi - lo)), lo), hi);
    }
  }
  return run;
}

/* Parameters and statistics of a run as range analysis takes them. */
static const float **weights_of(const net_run *run) {
  const net_graph *g = run->graph;
  const float **data = NET_NEW_ARRAY(run->arena, const float *, g->values.count + 1);
  for (net_value_id v = 0; v < g->values.count; v++) {
    net_value_kind kind = g->values.at[v].kind;
    if (kind != NET_VALUE_PARAMETER && kind != NET_VALUE_STATISTIC) continue;
    float *elements = NET_NEW_ARRAY(run->arena, float, net_run_elements(run, v));
    for (uint64_t i = 0; i < net_run_elements(run, v); i++) elements[i] = (float)run->values[v][i];
    data[v] = elements;
  }
  return data;
}

static void expect_within(const net_run *run, const net_ranges *r, const char *what) {
  const net_graph *g = run->graph;
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = net_graph_value_at(g, v);
    uint64_t each = net_shape_elements(&value->shape);
    for (uint64_t i = 0; i < net_run_elements(run, v); i++) {
      double x = run->values[v][i];
      net_range in = r->elements[v][i % each];
      if (!(x >= in.lo && x <= in.hi))
        fail_msg("%s: %s[%llu] = %.17g is outside [%.17g, %.17g]\n%s", what, net_text(g->n, value->name),
                 (unsigned long long)i, x, in.lo, in.hi, support_printed(g->n, g));
      int grid = r->grids[v][i % each];
      if (grid != NET_NO_GRID && ldexp(x, -grid) != rint(ldexp(x, -grid)))
        fail_msg("%s: %s[%llu] = %.17g is no multiple of 2^%d", what, net_text(g->n, value->name),
                 (unsigned long long)i, x, grid);
    }
  }
}

/* ---- random networks ---- */

static const char *const layers[] = {"linear features=3",
                                     "linear features=7",
                                     "linear features=4 bias=false",
                                     "batch_norm",
                                     "batch_norm affine=false",
                                     "batch_norm weight_format=integer(8,6) bias_format=integer(8,4)",
                                     "layer_norm",
                                     "layer_norm affine=false",
                                     "relu",
                                     "leaky_relu slope=0.1",
                                     "leaky_relu slope=-0.5",
                                     "sigmoid",
                                     "tanh",
                                     "gelu",
                                     "gelu approximate=tanh",
                                     "silu",
                                     "softmax",
                                     "log_softmax",
                                     "dropout p=0.5",
                                     "negate",
                                     "scale factor=-1.5",
                                     "sum axes=0 keep=true",
                                     "mean axes=0 keep=true",
                                     "max axes=0 keep=true",
                                     "flatten",
                                     "reshape shape=-1,1",
                                     "slice axis=0 begin=0 end=1",
                                     "pad_slice axis=0 begin=1 size=9"};
static const char *const formats[] = {"integer(8,4)",
                                      "integer(4,1)",
                                      "integer(6,7)",
                                      "integer(8,3,unsigned)",
                                      "integer(8,4,rounding=floor)",
                                      "integer(8,4,rounding=half_up)",
                                      "integer(5,3,rounding=zero)",
                                      "integer(6,3,overflow=wrap)",
                                      "integer(4,3,overflow=symmetric)",
                                      "ap_fixed(8,4)",
                                      "scaled_integer(8)",
                                      "minifloat(8,4)",
                                      "minifloat_denorm(8,4)",
                                      "log(5)",
                                      "block_fp(6,8,block=2)",
                                      "block_minifloat(8,3,4,block=2)",
                                      "block_log(5,4,block=2)",
                                      "binary",
                                      "binary(bipolar=false)",
                                      "ternary",
                                      "ternary(scaled=true)",
                                      "mxint(6,block=2)",
                                      "mxfp8_e4m3(block=2)",
                                      "mxfp4(block=2)",
                                      "mxint8(block=2)",
                                      "bfloat16",
                                      "float16",
                                      "minifloat(8,4,mase_compatible=true)",
                                      "scaled_integer(8,mase_compatible=true)",
                                      "log(5,mase_compatible=true)",
                                      "minifloat_denorm(8,4,mase_compatible=true)",
                                      "block_fp(6,8,block=2,mase_compatible=true)",
                                      "mxfp8_e5m2(block=2,mase_compatible=true)",
                                      "integer(8,4,mase_compatible=true)"};
#define COUNT(list) (uint32_t)(sizeof list / sizeof *list)

static net_value_id quantized(net_graph *g, net_value_id x, const char *format) {
  net_attribute attribute = net_attribute_text(g->n, "format", format);
  net_value_id inputs[] = {x, NET_NONE, NET_NONE};
  net_value_id y = net_graph_call(g, "quantize", net_intern(g->n, "q"), inputs, 3, &attribute, 1);
  if (y == NET_NONE) fail_msg("%s: %s", format, support_message(g->n));
  return y;
}

/* A layer whose weight, bias and input have formats. */
static net_value_id quantized_linear(net_graph *g, net_value_id x, support_random *random) {
  const char *own = formats[support_below(random, COUNT(formats))];
  net_value_id y = support_layer(g, x, "linear features=5");
  net_value_id w = net_node_input(g, g->values.at[y].def, 1), b = net_node_input(g, g->values.at[y].def, 2);
  net_value_id inputs[] = {quantized(g, x, formats[support_below(random, COUNT(formats))]),
                           quantized(g, w, own), quantized(g, b, "integer(8,4)")};
  net_attribute features = net_attribute_int(g->n, "features", 5);
  return net_graph_call(g, "linear", net_intern(g->n, "ql"), inputs, 3, &features, 1);
}

static net_graph *random_network(netc *n, support_random *random) {
  net_graph *g = net_graph_new(n, &n->arena, net_intern(n, "random"), NET_NOWHERE);
  net_shape shape = {1, {1 + support_below(random, 6)}};
  if (support_below(random, 4) == 0) shape = (net_shape){2, {2, 3}};
  net_value_id at[16];
  uint32_t count = 0;
  at[count++] = net_graph_value(g, NET_VALUE_INPUT, net_intern(n, "x"), NET_F32, shape, true, NET_NOWHERE);
  double scale = ldexp(1, (int)support_below(random, 9) - 4), a = support_uniform(random) * scale,
         b = support_uniform(random) * scale;
  g->values.at[at[0]].range = (net_range){(float)fmin(a, b), (float)fmax(a, b)};
  for (uint32_t k = 0; k < 9; k++) {
    net_value_id x = at[count - 1 - support_below(random, count < 3 ? count : 3)], y;
    const net_shape *own = &g->values.at[x].shape;
    uint32_t kind = support_below(random, 10);
    if (kind < 2) {
      static const char *const names[] = {"add", "sub", "mul"};
      net_value_id inputs[] = {x, x};
      for (uint32_t i = 0; i < count; i++)
        if (net_shape_same(&g->values.at[at[i]].shape, own) && support_below(random, 2)) inputs[1] = at[i];
      y = net_graph_call(g, names[support_below(random, 3)], (net_name){0}, inputs, 2, NULL, 0);
    } else if (kind == 2) {
      net_value_id inputs[] = {x, x};
      y = net_graph_call(g, "concat", (net_name){0}, inputs, 2, NULL, 0);
    } else if (kind < 5) {
      y = quantized(g, x, formats[support_below(random, COUNT(formats))]);
    } else if (kind == 5) {
      y = quantized_linear(g, x, random);
    } else {
      const char *layer = layers[support_below(random, COUNT(layers))];
      if (!strncmp(layer, "pad", 3) && own->dim[0] > 8) layer = "relu";
      y = support_layer(g, x, layer);
    }
    assert_int_not_equal(y, NET_NONE);
    at[count++] = y;
  }
  net_vec_push(g->arena, &g->outputs, at[count - 1]);
  return g;
}

static void holds_on_random_networks(void **state) {
  (void)state;
  uint32_t finite = 0;
  for (uint32_t seed = 0; seed < 600; seed++) {
    netc n;
    support_random random = {seed};
    support_init(&n);
    net_graph *g = random_network(&n, &random);
    net_run run = filled(&n, g, &random, SAMPLES);
    const net_ranges *known = net_ranges_find(&n, &n.arena, g, weights_of(&run));
    const net_ranges *blind = net_ranges_find(&n, &n.arena, g, NULL);
    assert_true(net_run_all(&run));
    for (net_value_id v = 0; v < g->values.count; v++) /* values grow out of binary32: nothing is promised */
      for (uint64_t i = 0; i < net_run_elements(&run, v); i++)
        if (!isfinite(run.values[v][i])) goto next;
    expect_within(&run, known, net_arena_format(&n.arena, "seed %u", seed));
    expect_within(&run, blind, net_arena_format(&n.arena, "seed %u, weights unknown", seed));
    assert_int_equal(n.diagnostics.errors + n.diagnostics.faults, 0);
    finite++;
  next:
    netc_free(&n);
  }
  assert_true(finite > 550);
}

/* ---- how close ---- */

/* For each output and end: the input at the corner that the signs of its weights name. */
static void expect_met(netc *n, const net_graph *g, const char *linear, double slack) {
  support_random random = {5};
  net_run run = filled(n, g, &random, 1);
  const net_ranges *r = net_ranges_find(n, &n->arena, g, weights_of(&run));
  net_value_id y = support_find(g, linear);
  net_node_id node = g->values.at[y].def;
  net_value_id w = net_node_input(g, node, 1), b = net_node_input(g, node, 2), x = support_find(g, "x");
  assert_true(net_run_all(&run));
  uint32_t out = g->values.at[y].shape.dim[0], in = g->values.at[x].shape.dim[0];
  for (uint32_t o = 0; o < out; o++)
    for (int high = 0; high < 2; high++) {
      const double *weight = run.values[w];
      for (uint32_t i = 0; i < in; i++) {
        net_range of = g->values.at[x].range;
        run.values[x][i] = (weight[o * in + i] > 0) == (high != 0) ? of.hi : of.lo;
      }
      assert_true(net_run_all(&run));
      double terms = b == NET_NONE ? 0 : fabs(run.values[b][o]);
      for (uint32_t i = 0; i < in; i++) terms += fabs(weight[o * in + i] * run.values[x][i]);
      double bound = high ? r->elements[y][o].hi : r->elements[y][o].lo, met = run.values[y][o];
      if (!(fabs(bound - met) <= slack * terms))
        fail_msg("output %u: %.9g is as far as it goes, not %.9g", o, met, bound);
    }
}

static void meets_the_bounds_of_linear(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *g = support_network(&n, "floats", (net_shape){1, {9}}, "linear features=6");
  g->values.at[0].range = (net_range){-1.5, 0.75};
  expect_met(&n, g, "linear_1", 100 * 0x1p-23);
  /* on grids exactly; the input's range is that of its quantiser, reached at and beyond its ends */
  g = support_parse(&n,
                    "graph grids\n"
                    "  input x: f32[b, 9] in [-8, 7.9375]\n"
                    "  parameter w: f32[6, 9] = uniform(1)\n"
                    "  parameter c: f32[6] = uniform(1)\n"
                    "  xq: f32[b, 9] format integer(8, 4) = quantize(x, _, _) {format = \"integer(8, 4)\"}\n"
                    "  wq: f32[6, 9] format integer(6, 5) = quantize(w, _, _) {format = \"integer(6, 5)\"}\n"
                    "  cq: f32[6] format integer(8, 6) = quantize(c, _, _) {format = \"integer(8, 6)\"}\n"
                    "  y: f32[b, 6] = linear(xq, wq, cq) {features = 6}\n"
                    "  output y\n");
  expect_met(&n, g, "y", 0);
  netc_free(&n);
}

/* ---- accumulators ---- */

static const char sum_text[] = /* two inputs of 4 bits, weights of 3 bits */
    "graph sum\n"
    "  input x: f32[b, 2]\n"
    "  parameter w: f32[2, 2] = 0\n"
    "  xq: f32[b, 2] format integer(4, 2) = quantize(x, _, _) {format = \"integer(4, 2)\"}\n"
    "  wq: f32[2, 2] format integer(3, 1) = quantize(w, _, _) {format = \"integer(3, 1)\"}\n"
    "  y: f32[b, 2] = linear(xq, wq, _) {features = 2, bias = false}\n"
    "  y.accumulator_q: f32[b, 2] format %s = quantize(y, _, _) {format = \"%s\"} for accumulator of y\n"
    "  output y.accumulator_q\n";

static net_graph *sum_of(netc *n, const char *format) {
  return support_parse(n, net_arena_format(&n->arena, sum_text, format, format));
}

static net_ranges *ranges_of(netc *n, net_graph *g, const float *w) {
  const float **data = NET_NEW_ARRAY(&n->arena, const float *, g->values.count + 1);
  if (w) data[support_find(g, "w")] = w;
  return net_ranges_find(n, &n->arena, g, data);
}

static void counts_bits(void **state) {
  (void)state;
  netc n;
  net_accumulator a;
  support_init(&n);
  net_graph *g = sum_of(&n, "integer(16, 3)");
  net_node_id y = g->values.at[support_find(g, "y")].def;
  /* by the formats: x in [−8, 7]/4, w in [−4, 3]/2: 2 · [−28, 32]/8 */
  net_ranges *r = ranges_of(&n, g, NULL);
  assert_true(net_accumulator_find(r, y, &a));
  assert_true(a.range.lo == -7 && a.range.hi == 8);
  int fraction;
  assert_true(net_accumulator_fraction(&a, &fraction));
  assert_int_equal(fraction, 3);
  assert_true(a.unit == 0.125);
  assert_int_equal(a.bits, 8); /* −56 … 64 */
  /* with the weights 1, 1.5 and −2, 0: [−40, 35]/8 and [−28, 32]/8 */
  r = ranges_of(&n, g, (float[]){1, 1.5f, -2, 0.2f});
  assert_true(net_accumulator_find(r, y, &a));
  assert_true(a.range.lo == -5 && a.range.hi == 4.375);
  assert_int_equal(a.bits, 7);
  assert_false(net_accumulator_find(r, y + 1, &a)); /* the quantiser sums nothing */
  assert_false(net_accumulator_find(r, 0, &a));
  netc_free(&n);
}

static void refuses_narrow_accumulators(void **state) {
  (void)state;
  static const float own[] = {1, 1.5f, -2, 0.2f}, large[] = {2, 2, 0, 0}, half[] = {0.5f, 0.5f, 0.5f, 0.5f};
  static const struct {
    const char *format;
    const float *w;
    const char *refused; /* part of the message; NULL: it holds */
  } cases[] = {{"integer(8, 3)", NULL, NULL},
               {"integer(7, 3)", NULL,
                "the accumulator of 'y' can be from -7 to 8, which takes 8 bits with fraction 3, but "
                "integer(7, 3) has 7: give it more, or write overflow = wrap"},
               {"integer(7, 3)", own, NULL},
               {"integer(7, 3, overflow = wrap)", NULL, NULL},
               {"integer(6, 2)", NULL, "takes 7 bits with fraction 2"}, /* −28 … 32 */
               {"integer(6, 1)", NULL, NULL},
               {"integer(5, 1)", large, NULL}, /* w is 1.5: [−6, 5.25] */
               {"integer(4, 1)", NULL, "takes 6 bits with fraction 1"},
               {"integer(4, 2)", half, NULL}, /* [−2, 1.75] */
               {"integer(4, 2, overflow = symmetric)", half, "takes 5 bits with fraction 2"},
               {"integer(8, 3, unsigned = true)", NULL,
                "can be from -7 to 8, but integer(8, 3, unsigned = true) has no numbers below 0"},
               {"float32", NULL, NULL},
               {"minifloat(8, 4)", NULL, NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    support_init(&n);
    net_ranges *r = ranges_of(&n, sum_of(&n, cases[i].format), cases[i].w);
    bool ok = net_ranges_check(r, NET_ERROR);
    if (ok != !cases[i].refused || (!ok && !strstr(support_message(&n), cases[i].refused)))
      fail_msg("%s: %s", cases[i].format, ok ? "holds" : support_message(&n));
    netc_free(&n);
  }
}

/* What floats sum to nothing bounds, and no integer overflows. */
static void lets_sums_of_floats_be(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *g =
      support_parse(&n, "graph sum\n"
                        "  input x: f32[b, 2]\n"
                        "  parameter w: f32[2, 2] = 0\n"
                        "  y: f32[b, 2] = linear(x, w, _) {features = 2, bias = false}\n"
                        "  q: f32[b, 2] format integer(8, 4) = quantize(y, _, _) {format = \"integer(8, "
                        "4)\"} for accumulator of y\n"
                        "  output q\n");
  net_ranges *r = ranges_of(&n, g, NULL);
  assert_true(net_ranges_check(r, NET_ERROR));
  assert_true(r->values[support_find(g, "q")].lo == -8 && r->values[support_find(g, "q")].hi == 7.9375);
  netc_free(&n);
}

/* Without weights it is by formats alone, and a warning. */
static void warns_of_narrow_accumulators(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  assert_false(net_ranges_check(ranges_of(&n, sum_of(&n, "integer(7, 3)"), NULL), NET_WARNING));
  assert_int_equal(n.diagnostics.errors, 0);
  assert_int_equal(n.diagnostics.warnings, 1);
  netc_free(&n);
}

/* ---- single rules ---- */

static net_range range_of(netc *n, const char *layers_text, net_range in) {
  net_graph *g = support_network(n, "one", (net_shape){1, {4}}, layers_text);
  g->values.at[0].range = in;
  return net_ranges_find(n, &n->arena, g, NULL)->values[g->outputs.at[0]];
}

static void expect_range(netc *n, const char *what, net_range in, double lo, double hi) {
  net_range out = range_of(n, what, in);
  double slack = 1e-5 * fmax(1, fmax(isfinite(lo) ? fabs(lo) : 0, isfinite(hi) ? fabs(hi) : 0));
  bool ok = (out.lo == lo || fabs(out.lo - lo) < slack) && (out.hi == hi || fabs(out.hi - hi) < slack);
  if (!ok)
    fail_msg("%s of [%g, %g] is [%.9g, %.9g], not [%g, %g]", what, in.lo, in.hi, out.lo, out.hi, lo, hi);
}

static void knows_each_operator(void **state) {
  (void)state;
  netc n;
  net_range unknown = NET_RANGE_UNKNOWN, wide = {-3, 2};
  support_init(&n);
  expect_range(&n, "relu", unknown, 0, INFINITY);
  expect_range(&n, "relu", wide, 0, 2);
  expect_range(&n, "sigmoid", unknown, 0, 1);
  expect_range(&n, "tanh", unknown, -1, 1);
  expect_range(&n, "softmax", unknown, 0, 1);
  expect_range(&n, "softmax", (net_range){0, 0}, 0.25, 0.25);
  expect_range(&n, "softmax", (net_range){0, 1}, 1 / (1 + 3 * M_E), M_E / (M_E + 3));
  expect_range(&n, "log_softmax", (net_range){0, 1}, -log(1 + 3 * M_E), -log(1 + 3 / M_E));
  expect_range(&n, "silu", wide, -0.27846454, 2 / (1 + exp(-2)));
  expect_range(&n, "gelu", wide, -0.16997120, 1.95449974);
  expect_range(&n, "silu", (net_range){-1, -0.5}, -0.26894142, -0.5 / (1 + exp(0.5)));
  expect_range(&n, "leaky_relu slope=-0.5", wide, 0, 2);
  expect_range(&n, "negate", wide, -2, 3);
  expect_range(&n, "scale factor=-2", wide, -4, 6);
  expect_range(&n, "sum", wide, -12, 8);
  expect_range(&n, "mean", wide, -3, 2);
  expect_range(&n, "max", wide, -3, 2);
  expect_range(&n, "dropout", wide, -3, 2);
  expect_range(&n, "concat", wide, -3, 2);
  expect_range(&n, "layer_norm affine=false", (net_range){-1e-4, 1e-4}, -sqrt(3), sqrt(3));
  netc_free(&n);
}

/* Results that are known are annotated, read back, and leave the graph as it was. */
static void annotates(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *g = support_network(&n, "one", (net_shape){1, {4}}, "relu; sigmoid");
  const char *before = support_printed(&n, g);
  net_graph *a = net_ranges_annotate(&n.arena, net_ranges_find(&n, &n.arena, g, NULL));
  assert_string_equal(support_printed(&n, g), before);
  assert_true(a->values.at[support_find(a, "relu_1")].range.lo >
              a->values.at[support_find(a, "relu_1")].range.hi);
  assert_true(a->values.at[support_find(a, "sigmoid_1")].range.hi >= 1);
  assert_true(net_graph_verify(&n, a));
  const char *text = support_printed(&n, a);
  assert_string_equal(support_printed(&n, support_parse(&n, text)), text);
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holds_on_random_networks),
      cmocka_unit_test(meets_the_bounds_of_linear),
      cmocka_unit_test(counts_bits),
      cmocka_unit_test(refuses_narrow_accumulators),
      cmocka_unit_test(lets_sums_of_floats_be),
      cmocka_unit_test(warns_of_narrow_accumulators),
      cmocka_unit_test(knows_each_operator),
      cmocka_unit_test(annotates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
