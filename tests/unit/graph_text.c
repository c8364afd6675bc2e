/* graph/: the text form. Printing, then reading, is the identity but for places. */
#include "formats/formats.h"
#include "support/file.h"
#include "tests/unit/tiny_ops.h"

#include <math.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const char *printed(netc *n, const net_graph *graph) {
  char *text = NULL;
  size_t length = 0;
  FILE *to = open_memstream(&text, &length);
  net_graph_print(to, graph);
  fclose(to);
  const char *copy = net_arena_copy(&n->arena, text, length);
  free(text);
  return copy;
}

static net_graph *parse(netc *n, const char *text) {
  net_graph *graph = net_graph_parse(n, &n->arena, "test.graph", text, strlen(text));
  if (!graph) fail_msg("%s\nin:\n%s", tiny_message(n), text);
  return graph;
}

static void test_canonical(void **state) {
  (void)state;
  netc n;
  tiny_init(&n);
  net_graph *graph = parse(&n, tiny_text);
  assert_true(net_graph_verify(&n, graph));
  assert_string_equal(printed(&n, graph), tiny_text);
  const net_value *running =
      net_graph_value_at(graph, net_graph_find_value(graph, net_intern(&n, "d.weight")));
  assert_int_equal(running->group, 1);
  assert_int_equal(running->init.kind, NET_INIT_UNIFORM);
  net_position p = net_sources_find(&n.sources, running->loc);
  assert_int_equal(p.line, 3);
  assert_int_equal(p.column, 13);
  netc_free(&n);
}

/* Names that could be taken for something else. */
static void test_names(void **state) {
  (void)state;
  netc n;
  tiny_init(&n);
  const char *text =
      "graph graph\n"
      "  input input: f32[b, 1]\n"
      "  input \"_\": f32[b, 1]\n"
      "  input \"\\x7f\\x0a\": f32[b, 1]\n"
      "  input \"1.5\": f32[b, 1]\n"
      "  input \"a \\\"b\\\" \\\\ c\": f32[b, 1]\n"
      "  output: f32[b, 5] = join(input, \"_\", \"\\x7f\\x0a\", \"1.5\", \"a \\\"b\\\" \\\\ c\") {axis = 0}\n"
      "  output output\n";
  net_graph *graph = parse(&n, text);
  assert_string_equal(printed(&n, graph), text);
  assert_string_equal(net_text(&n, graph->values.at[2].name), "\x7f\n");
  assert_string_equal(net_text(&n, graph->values.at[4].name), "a \"b\" \\ c");
  netc_free(&n);
}

/* What a person may write otherwise than the printer does. */
static void test_lenient(void **state) {
  (void)state;
  netc n;
  tiny_init(&n);
  const char *text = "\n# a comment\n\ngraph g # another\r\n"
                     "input x: f32[b,\n  2] # in brackets a line end is a space\n"
                     "   parameter p: f32[3,2]=0x1p-1\n"
                     "d: f32[b, 3] = dense(x, p) {features = 3,\n bias = true}\n"
                     "output d\n";
  assert_string_equal(printed(&n, parse(&n, text)),
                      "graph g\n"
                      "  input x: f32[b, 2]\n"
                      "  parameter p: f32[3, 2] = 0.5\n"
                      "  d: f32[b, 3] = dense(x, p, _) {features = 3, bias = true}\n"
                      "  output d\n");
  netc_free(&n);
}

/* Formats of values, quantisers, layers of the user. */
static void test_quantised(void **state) {
  (void)state;
  netc n;
  tiny_init(&n);
  const char *text =
      "graph g\n"
      "  input x: f32[b, 2] format integer(8, 4) in [-8, 7.9375]\n"
      "  parameter d.weight: f32[3, 2] = 0\n"
      "  x_q: f32[b, 2] format block_fp(8, 8, 127, block = [-1, 16]) = join(x) {axis = 0} for input of d\n"
      "  d: f32[b, 3] = dense(x_q, d.weight, _) {features = 3, bias = true} within inner, \"out er\"\n"
      "  d.accumulator_q: f32[b, 3] format integer(16, 8, overflow = wrap) = join(d) {axis = 0} "
      "for accumulator of d\n"
      "  d.output_q: f32[b, 3] format minifloat(8, 4, 7) = join(d.accumulator_q) {axis = 0} "
      "for output of d within a\n"
      "  output d.output_q\n";
  net_graph *g = parse(&n, text);
  if (!net_graph_verify(&n, g)) fail_msg("%s", tiny_message(&n));
  assert_string_equal(printed(&n, g), text);
  assert_string_equal(printed(&n, net_graph_copy(&n.arena, g)), text);
  net_node_id d = net_graph_find(g, net_intern(&n, "d"));
  assert_int_equal(g->nodes.at[d].layer_count, 2);
  assert_string_equal(net_text(&n, net_node_layer(g, d, 1)), "out er");
  assert_int_equal(net_node_input_quantizer(g, d, 0), d - 1);
  assert_int_equal(net_node_input_quantizer(g, d, 1), NET_NONE);
  assert_int_equal(net_node_result_quantizer(g, d, NET_TENSOR_ACCUMULATOR), d + 1);
  assert_int_equal(net_node_result_quantizer(g, d, NET_TENSOR_OUTPUT), d + 2);
  assert_int_equal(net_graph_seen(g, net_node_output(g, d, 0)), net_node_output(g, d + 2, 0));
  assert_int_equal(net_graph_seen(g, 0), 0);
  assert_string_equal(net_format_text(&n, net_node_format(g, d, NET_TENSOR_INPUT)),
                      "block_fp(8, 8, 127, block = [-1, 16])");
  assert_int_equal(net_node_format(g, d, NET_TENSOR_WEIGHT), NET_FORMAT_FLOAT32);
  assert_string_equal(net_format_text(&n, net_node_format(g, d, NET_TENSOR_ACCUMULATOR)),
                      "integer(16, 8, overflow = wrap)");
  assert_string_equal(net_format_text(&n, net_node_format(g, d, NET_TENSOR_OUTPUT)), "minifloat(8, 4, 7)");
  net_graph *part = net_graph_new(&n, &n.arena, g->name, NET_NOWHERE); /* built anew of its parts */
  net_value_id *map = NET_NEW_ARRAY(&n.arena, net_value_id, g->values.count);
  for (net_value_id v = 0; v < g->values.count; v++)
    if (g->values.at[v].def == NET_NONE) map[v] = net_graph_clone_value(part, g, v);
  for (net_node_id i = 0; i < g->nodes.count; i++) net_graph_clone_node(part, g, i, map);
  net_vec_push(part->arena, &part->outputs, map[g->outputs.at[0]]);
  assert_string_equal(printed(&n, part), text);
  g->nodes.at[d + 2].role = NET_TENSOR_ACCUMULATOR; /* an accumulator's behind an accumulator's */
  assert_false(net_graph_verify(&n, g));
  netc_free(&n);
}

/* ---- generated graphs ---- */

static uint64_t seed;
static uint64_t draw(void) { /* xorshift64 */
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}
static uint32_t below(uint32_t limit) { return (uint32_t)(draw() >> 33) % limit; }

/* any double, special ones often */
static double any_real(void) {
  static const double special[] = {0, -0.0, 1, -1, 0.1, 1e-5, 1e300, 5e-324, INFINITY, -INFINITY};
  if (below(3)) return special[below(10)];
  uint64_t bits = draw();
  double value;
  memcpy(&value, &bits, sizeof value);
  return isnan(value) ? 0 : value;
}
static double any_finite(void) {
  double value = fabs(any_real());
  return isfinite(value) ? value : 1;
}
static float any_float(void) {
  uint32_t bits = (uint32_t)draw();
  float value;
  memcpy(&value, &bits, sizeof value);
  return isfinite(value) ? value : 0.1f;
}

static net_name any_name(netc *n, const char *prefix) {
  static const char *const tails[] = {"",   ".weight", " with spaces", "\"quoted\\\"",
                                      "-π", "_",       "\n\t\x01",     ".9"};
  return net_intern_format(n, "%s%u%s", prefix, (uint32_t)(draw() >> 40), tails[below(8)]);
}

/* some formats to choose from */
static void make_formats(netc *n) {
  static const char *const texts[] = {"integer(8, 4)", "integer(8, auto, per = channel)", "binary",
                                      "block_fp(8, 8, block = [1, -1, 3])", "log(5, mase_compatible = true)"};
  uint32_t id;
  for (uint32_t i = 0; i < sizeof texts / sizeof *texts; i++)
    assert_true(net_format_parse(n, texts[i], strlen(texts[i]), NET_NOWHERE, &id));
}

static net_value_id any_value(netc *n, net_graph *g, net_value_kind kind, net_shape shape, bool batched) {
  net_value_id v =
      net_graph_value(g, kind, any_name(n, below(5) ? "v" : "output"), NET_F32, shape, batched, NET_NOWHERE);
  net_value *value = &g->values.at[v];
  if (!below(3)) value->range = (net_range){-any_finite(), any_finite()};
  if (!below(3)) value->format = below(net_formats_in_use(n));
  return v;
}

static net_graph *generate(netc *n) {
  net_graph *g = net_graph_new(n, &n->arena, any_name(n, "g"), NET_NOWHERE);
  uint32_t features = 1 + below(4), inputs = 0;
  net_value_id x = any_value(n, g, NET_VALUE_INPUT, (net_shape){1, {features}}, true);
  g->values.at[x].column = below(2) * 1000;
  inputs++;
  for (uint32_t i = 0, count = 1 + below(12); i < count; i++) {
    uint32_t out = 1 + below(4);
    net_value_id bias = NET_NONE, weight;
    net_attribute features_is = net_attribute_int(n, "features", out);
    switch (below(4)) {
    case 0:
      weight = any_value(n, g, NET_VALUE_PARAMETER, (net_shape){2, {out, features}}, false);
      g->values.at[weight].init = (net_init){(net_init_kind)below(3), any_finite()};
      g->values.at[weight].frozen = below(2);
      g->values.at[weight].group = below(3);
      if (below(2)) bias = any_value(n, g, NET_VALUE_PARAMETER, (net_shape){1, {out}}, false);
      x = net_graph_call(g, "dense", any_name(n, "d"), (net_value_id[]){x, weight, bias}, 3, &features_is, 1);
      features = out;
      break;
    case 1: {
      net_value_id running = NET_NONE;
      if (below(2)) running = any_value(n, g, NET_VALUE_STATISTIC, (net_shape){1, {features}}, false);
      net_attribute attributes[] = {
          net_attribute_real(n, "momentum", any_real()), net_attribute_bool(n, "training", below(2)),
          net_attribute_text(n, "mode", net_text(n, any_name(n, "m"))),
          net_attribute_ints(n, "axes",
                             (net_shape){below(7), {0, 1, UINT32_MAX, 4, (uint32_t)-6, 2147483647}})};
      x = net_graph_call(g, "norm", any_name(n, "n"), (net_value_id[]){x, running}, 2, attributes, 4);
      break;
    }
    case 2: {
      net_value_id more = any_value(n, g, NET_VALUE_INPUT, (net_shape){1, {2}}, true);
      g->values.at[more].column = inputs++ + below(2) * 20;
      x = net_graph_call(g, "join", any_name(n, "j"), (net_value_id[]){x, more, x}, 1 + below(3), NULL, 0);
      features = g->values.at[x].shape.dim[0];
      break;
    }
    case 3: {
      net_value_id c = any_value(n, g, NET_VALUE_CONSTANT, (net_shape){1, {out}}, false);
      float *data = NET_NEW_ARRAY(&n->arena, float, out);
      for (uint32_t k = 0; k < out; k++) data[k] = any_float();
      g->values.at[c].data = data;
      net_value_id s = any_value(n, g, NET_VALUE_SCALAR, (net_shape){0}, false);
      g->values.at[s].scalar = (net_scalar_kind)below(3);
      if (g->values.at[s].scalar == NET_SCALAR_RATE) g->values.at[s].group = below(5);
      else g->values.at[s].beta = 0.999;
      break;
    }
    }
    if (x == NET_NONE) fail_msg("%s", tiny_message(n));
  }
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    net_name layers[3];
    uint32_t count = below(4);
    for (uint32_t k = 0; k < count; k++) layers[k] = any_name(n, "l");
    net_graph_set_layers(g, i, layers, count);
    if (below(3)) continue;
    g->nodes.at[i].owner = any_name(n, "o");
    g->nodes.at[i].role = (net_tensor_role)below(NET_TENSOR_OUTPUT);
  }
  net_vec_push(g->arena, &g->outputs, x);
  if (below(2)) net_vec_push(g->arena, &g->observed, x);
  return g;
}

static bool same_real(double a, double b) { return !memcmp(&a, &b, sizeof a); }

/* All but places. */
static void assert_same(const net_graph *a, const net_graph *b) {
  assert_int_equal(a->name.id, b->name.id);
  assert_int_equal(a->values.count, b->values.count);
  assert_int_equal(a->nodes.count, b->nodes.count);
  assert_int_equal(a->edges.count, b->edges.count);
  assert_int_equal(a->attributes.count, b->attributes.count);
  for (uint32_t i = 0; i < a->values.count; i++) {
    const net_value *v = &a->values.at[i], *w = &b->values.at[i];
    assert_int_equal(v->name.id, w->name.id);
    assert_int_equal(v->kind, w->kind);
    assert_int_equal(v->type, w->type);
    assert_true(net_shape_same(&v->shape, &w->shape));
    assert_int_equal(v->batched, w->batched);
    assert_int_equal(v->format, w->format);
    assert_true(same_real(v->range.lo, w->range.lo) && same_real(v->range.hi, w->range.hi));
    assert_int_equal(v->def, w->def);
    assert_int_equal(v->init.kind, w->init.kind);
    assert_true(same_real(v->init.value, w->init.value));
    assert_int_equal(v->frozen, w->frozen);
    assert_int_equal(v->group, w->group);
    assert_int_equal(v->scalar, w->scalar);
    assert_true(same_real(v->beta, w->beta));
    assert_int_equal(v->column, w->column);
    assert_int_equal(!v->data, !w->data);
    if (v->data) assert_memory_equal(v->data, w->data, net_shape_elements(&v->shape) * sizeof *v->data);
  }
  for (uint32_t i = 0; i < a->nodes.count; i++) {
    net_node v = a->nodes.at[i], w = b->nodes.at[i];
    assert_int_equal(v.name.id, w.name.id);
    assert_int_equal(v.op, w.op);
    assert_int_equal(v.input_count, w.input_count);
    assert_int_equal(v.first_input, w.first_input);
    assert_int_equal(v.first_output, w.first_output);
    assert_int_equal(v.first_attribute, w.first_attribute);
    assert_int_equal(v.owner.id, w.owner.id);
    assert_int_equal(v.role, w.role);
    assert_int_equal(v.layer_count, w.layer_count);
    for (uint32_t k = 0; k < v.layer_count; k++)
      assert_int_equal(net_node_layer(a, i, k).id, net_node_layer(b, i, k).id);
  }
  assert_memory_equal(a->edges.at, b->edges.at, a->edges.count * sizeof *a->edges.at);
  for (uint32_t i = 0; i < a->attributes.count; i++) {
    assert_true(net_attribute_same(&a->attributes.at[i], &b->attributes.at[i]));
    assert_true(same_real(a->attributes.at[i].real, b->attributes.at[i].real));
  }
  assert_int_equal(a->outputs.at[0], b->outputs.at[0]);
  assert_int_equal(a->observed.count, b->observed.count);
}

static void test_generated(void **state) {
  (void)state;
  for (uint32_t i = 1; i <= 500; i++) {
    netc n;
    tiny_init(&n);
    seed = i * 0x9E3779B97F4A7C15u;
    make_formats(&n);
    net_graph *graph = generate(&n);
    if (graph->edges.count == 0) graph->edges.at = NET_NEW(&n.arena, net_value_id);
    if (!net_graph_verify(&n, graph)) fail_msg("seed %u: %s", i, tiny_message(&n));
    const char *text = printed(&n, graph);
    net_graph *again = parse(&n, text);
    if (again->edges.count == 0) again->edges.at = NET_NEW(&n.arena, net_value_id);
    assert_same(graph, again);
    assert_string_equal(printed(&n, again), text);
    netc_free(&n);
  }
}

/* ---- errors ---- */

static void test_errors(void **state) {
  (void)state;
  static const struct {
    uint32_t line, column;
    const char *text,
        *message; /* the text follows "graph g\n  input x: f32[b, 3]\n" when it begins with a space */
  } wrong[] = {
      {1, 1, "", "expected 'graph', not the end of the text"},
      {1, 1, "netc 1\n", "expected 'graph', not 'netc'"},
      {1, 6, "graph\n", "expected a name, not the end of the line"},
      {1, 9, "graph g x\n", "expected the end of the line, not 'x'"},
      {3, 11, " y: f32 = relu(x)\n", "expected an operator, not 'relu'"},
      {3, 4, " y z\n", "expected ':' after a node's name, not 'z'"},
      {3, 8, " input x: f32\n", "'x' is defined twice"},
      {3, 8, " input \"\": f32\n", "a name cannot be empty"},
      {3, 11, " input y: f16[b]\n", "expected a type such as f32[b, 16], not 'f16'"},
      {3, 15, " input y: f32[0]\n", "0 is out of range"},
      {3, 15, " input y: f32[]\n", "expected an integer, not ']'"},
      {3, 15, " input y: f32[1.5]\n", "expected an integer, not '1.5'"},
      {3, 15, " input y: f32[99999999999999999999]\n", "expected an integer, not '99999999999999999999'"},
      {3, 11, " input y: f32[1, 1, 1, 1, 1, 1, 1]\n", "more than 6 axes"},
      {3, 11, " input y: f32[65536, 65536]\n", "more than 2^31 elements"},
      {4, 1, " input y: f32[b\n", "expected ']', not the end of the text"},
      {3, 21, " parameter p: f32[2]\n", "expected '=', not the end of the line"},
      {3, 24, " parameter p: f32[2] = big\n", "expected a number, not 'big'"},
      {3, 18, " scalar s: f32 = momentum(1)\n",
       "expected rate(GROUP), correction1(BETA) or correction2(BETA), not 'momentum'"},
      {3, 23, " constant c: f32[3] = [1, 2]\n", "2 elements for a constant of 3"},
      {3, 22, " j: f32[b, 3] = join(y) {axis = 0}\n", "there is no value 'y' yet"},
      {3, 26, " j: f32[b, 3] = join(x) {axes = 0}\n", "expected an attribute of join, not 'axes'"},
      {3, 33, " j: f32[b, 3] = join(x) {axis = 0.5}\n", "expected an integer, not '0.5'"},
      {3, 2, " j: f32[b, 4] = join(x) {axis = 0}\n", "'j' is f32[3] for each sample"},
      {3, 2, " j: f32[b, 3], k: f32 = join(x) {axis = 0}\n", "join gives 1 outputs (y), not 2"},
      {3, 2, " n: f32[b, 3] = norm(x, _)\n",
       "norm gives 3 outputs (y, mean: observes running, spread), not 1"},
      {3, 16, " n: f32[b, 3], middle: f32[3], spread: f32 = norm(x, _)\n", "this output of norm is 'mean'"},
      {3, 2, " d: f32[b, 2] = dense(x, _) {features = 2}\n", "input 'weight' of dense is missing"},
      {3, 9, " output y\n", "there is no value 'y' yet"},
      {3, 9, " output _\n", "'_' is no value"},
      {3, 24, " input y: f32[b] format\n", "expected a number format, not the end of the line"},
      {3, 25, " input y: f32[b] format integr(8)\n", "there is no format 'integr'; did you mean 'integer'?"},
      {4, 1, " input y: f32[b] format integer(8, [4\n", "expected ')', not the end of the text"},
      {3, 40, " j: f32[b, 3] = join(x) {axis = 0} for y of x\n",
       "expected input, weight, bias, output or accumulator, not 'y'"},
      {3, 45, " j: f32[b, 3] = join(x) {axis = 0} for bias x\n", "expected 'of', not 'x'"},
      {3, 46, " j: f32[b, 3] = join(x) {axis = 0} within a, \n", "expected a name, not the end of the line"},
      {3, 11, " output x x\n", "expected the end of the line, not 'x'"},
      {3, 11, " \"output\" x\n", "expected ':' after a node's name, not 'x'"},
      {3, 8, " input \"y: f32\n", "expected a name, not '\"'"},
      {3, 2, " ]\n", "expected a name, not ']'"},
      {3, 8, " input \\: f32\n", "expected a name, not '\\'"},
  };
  for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    netc n;
    tiny_init(&n);
    const char *text = wrong[i].text;
    if (text[0] == ' ') text = net_arena_format(&n.arena, "graph g\n  input x: f32[b, 3]\n%s", text);
    net_graph *graph = net_graph_parse(&n, &n.arena, "test.graph", text, strlen(text));
    if (graph) fail_msg("read without an error: %s", text);
    if (strcmp(tiny_message(&n), wrong[i].message)) fail_msg("%s says: %s", wrong[i].text, tiny_message(&n));
    assert_int_equal(n.diagnostics.errors, 1);
    net_position p = net_sources_find(&n.sources, n.diagnostics.list.at[0].where);
    if (p.line != wrong[i].line || p.column != wrong[i].column)
      fail_msg("%s is reported at %u:%u", wrong[i].text, p.line, p.column);
    netc_free(&n);
  }
  netc n;
  tiny_init(&n);
  assert_null(net_graph_parse(&n, &n.arena, "test.graph", "graph g\n\0  output x\n", 19));
  assert_string_equal(tiny_message(&n), "unexpected NUL byte");
  netc_free(&n);
}

/* Every text that a valid one becomes by losing its end, or one byte, or by another byte, is read or refused.
 */
static void test_mangled(void **state) {
  (void)state;
  static const char bytes[] = "\"\\[](){}:=,_#\n\0 -.0bx";
  size_t length = strlen(tiny_text);
  seed = 12345;
  for (uint32_t i = 0; i < 3000; i++) {
    netc n;
    tiny_init(&n);
    char *text = net_arena_copy(&n.arena, tiny_text, length);
    size_t at = below((uint32_t)length), end = length;
    if (i % 3 == 0) end = at;
    if (i % 3 == 1) memmove(text + at, text + at + 1, --end - at);
    if (i % 3 == 2) text[at] = bytes[below(sizeof bytes - 1)];
    char *exact = malloc(end ? end : 1); /* nothing behind it, so that ASan sees what reads on */
    memcpy(exact, text, end);
    net_graph *graph = net_graph_parse(&n, &n.arena, "test.graph", exact, end);
    free(exact);
    assert_true(graph || n.diagnostics.errors == 1);
    if (graph) net_graph_verify(&n, graph);
    if (graph) parse(&n, printed(&n, graph));
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_canonical), cmocka_unit_test(test_names),  cmocka_unit_test(test_lenient),
      cmocka_unit_test(test_quantised),
      cmocka_unit_test(test_generated), cmocka_unit_test(test_errors), cmocka_unit_test(test_mangled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
