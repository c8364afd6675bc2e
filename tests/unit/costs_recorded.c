/* Costs, per node and in total, float and with linear layers at integer(8, 4), against what MASE counts for
 * its networks and modules (tests/graph/costs.tsv; other files of the form may be named as arguments). */
#include "formats/formats.h"
#include "graph/cost.h"
#include "graph/quantization.h"
#include "support/file.h"
#include "tests/unit/passes_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { FIELDS = 16 };

static int file_count;
static char **files;

typedef struct {
  const char *at[FIELDS];
  uint32_t count, line;
} record;

/* exactly: all these are whole numbers */
static void same(const record *r, const char *what, double is, const char *should) {
  if (is != atof(should)) fail_msg("line %u (%s): %s is %.17g, not %s", r->line, r->at[1], what, is, should);
}

static net_shape shape_of(const char *text) { /* "8,16": the batch comes first and is left out */
  net_shape shape = {0};
  for (char *at = (char *)text + strcspn(text, ","); *at == ',';)
    shape.dim[shape.rank++] = (uint32_t)strtoul(at + 1, &at, 10);
  return shape;
}

/* The lab's rules: linear { input, weight, bias = integer(8, 4) }. */
static net_graph *quantised(netc *n, const net_graph *g, bool mase) {
  net_format_argument arguments[] = {{.kind = NET_FORMAT_INT, .integer = 8},
                                     {.kind = NET_FORMAT_INT, .integer = 4},
                                     {.name = "mase_compatible", .kind = NET_FORMAT_BOOL, .integer = mase}};
  net_quantize_rule rule = {.scope = NET_RULE_OPERATOR, .what = net_intern(n, "linear")};
  uint32_t format, have = P_SHAPED;
  assert_true(net_format_make(n, "integer", arguments, 3, NET_NOWHERE, &format));
  for (net_tensor_role role = NET_TENSOR_INPUT; role <= NET_TENSOR_BIAS; role++)
    rule.tensors[role] = (net_format_choice){.format = format, .given = true};
  net_quantization rules = {.rules = &rule, .rule_count = 1};
  net_pass_context context = {.n = n, .arena = &n->arena, .quantization = &rules, .verify = true};
  return support_pass(&context, NET_PASS_quantize, g, &have);
}

static double elements(const net_graph *g, net_value_id v, double batch) {
  return batch * (double)net_shape_elements(&net_graph_value_at(g, v)->shape);
}

/* Parameters as MASE counts them: a linear's weight alone, batch_norm's both. */
static double parameters(const net_graph *g, net_node_id node) {
  double sum = 0;
  for (uint32_t i = 0; i < g->nodes.at[node].input_count; i++) {
    net_value_id v = net_node_input(g, node, i);
    bool counts =
        v != NET_NONE && g->values.at[v].kind == NET_VALUE_PARAMETER &&
        !(net_node_role(g, node, i) == NET_TENSOR_BIAS && !strcmp(net_node_op(g, node)->name, "linear"));
    if (counts) sum += elements(g, v, 1);
  }
  return sum;
}

/* network: name, batch, layers, parameters, FLOPs float and quantised, BitOPs float and quantised, backward,
 * average bits of data and of weights (with the fraction, as MASE has it) */
static net_graph *check_network(netc *n, const record *r, net_graph **after) {
  uint32_t batch = (uint32_t)atoi(r->at[2]);
  assert_int_equal(r->count, 12);
  net_graph *g = support_network(n, "network", (net_shape){1, {16}}, r->at[3]);
  *after = quantised(n, g, false);
  net_graph *mase = quantised(n, g, true);
  net_graph_cost(g);
  net_graph_cost(*after);
  net_cost_total plain = net_graph_cost_total(g, batch), now = net_graph_cost_total(*after, batch);
  same(r, "parameters", (double)plain.parameters, r->at[4]);
  same(r, "parameters, quantised", (double)now.parameters, r->at[4]);
  same(r, "flops", plain.flops, r->at[5]);
  same(r, "flops, quantised", now.flops, r->at[6]);
  same(r, "bitops", plain.bitops, r->at[7]);
  same(r, "bitops, quantised", now.bitops, r->at[8]);
  same(r, "backward", plain.backward, r->at[9]);
  same(r, "backward, quantised", now.backward, r->at[9]);
  net_cost_total lab = net_graph_cost_total(mase, batch);
  same(r, "average activation bits, mase_compatible", lab.activation_bits, r->at[10]);
  same(r, "average weight bits, mase_compatible", lab.weight_bits, r->at[11]);
  same(r, "average activation bits", now.activation_bits, "8");
  same(r, "average weight bits", now.weight_bits, "8");
  same(r, "average bits, float", plain.activation_bits + plain.weight_bits, "64");
  return g;
}

/* node: op, computations, backward, parameters, elements in and out, BitOPs float and quantised */
static void check_node(const record *r, const net_graph *g, const net_graph *after, net_node_id node,
                       double batch) {
  const net_op *op = net_node_op(g, node);
  assert_int_equal(r->count, 9);
  if (strncmp(r->at[1], op->name, strlen(op->name)))
    fail_msg("line %u: %s is no %s", r->line, op->name, r->at[1]);
  net_node_id other = net_graph_find(after, g->nodes.at[node].name);
  assert_int_not_equal(other, NET_NONE);
  const net_cost *cost = &g->nodes.at[node].cost, *now = &after->nodes.at[other].cost;
  same(r, "computations", cost->computations * batch, r->at[2]);
  same(r, "computations, quantised", now->computations * batch, r->at[2]);
  same(r, "backward", cost->backward * batch, r->at[3]);
  same(r, "parameters", parameters(g, node), r->at[4]);
  same(r, "elements in", elements(g, net_node_input(g, node, 0), batch), r->at[5]);
  same(r, "elements out", elements(g, net_node_output(g, node, 0), batch), r->at[6]);
  same(r, "flops", cost->flops * batch, r->at[2]);
  same(r, "flops, quantised", now->flops * batch, strcmp(op->name, "linear") ? r->at[2] : "0");
  same(r, "bitops", cost->bitops * batch, r->at[7]);
  same(r, "bitops, quantised", now->bitops * batch, r->at[8]);
}

/* module: layer, shape in, shape out, then computations, backward, parameters, elements in and out; or what
 * MASE says in place of them. Operators that netc has not yet are passed over, and only those. */
static bool check_module(netc *n, const record *r) {
  char *op = net_arena_copy(&n->arena, r->at[1], strcspn(r->at[1], " "));
  if (!net_op_find(n, op, NULL)) return false;
  double batch = atof(r->at[2]);
  net_graph *g = support_network(n, "module", shape_of(r->at[2]), r->at[1]);
  net_shape out = shape_of(r->at[3]);
  assert_true(net_shape_same(&net_graph_value_at(g, g->outputs.at[0])->shape, &out));
  if (r->count < 9) return true; /* MASE counts nothing here; netc does, see graph_cost.c */
  net_graph_cost(g);
  same(r, "computations", g->nodes.at[0].cost.computations * batch, r->at[4]);
  same(r, "backward", g->nodes.at[0].cost.backward * batch, r->at[5]);
  if (strcmp(op, "layer_norm"))
    same(r, "parameters", parameters(g, 0), r->at[6]); /* it forgets layer_norm's */
  same(r, "elements in", elements(g, net_node_input(g, 0, 0), batch), r->at[7]);
  same(r, "elements out", elements(g, g->outputs.at[0], batch), r->at[8]);
  return true;
}

static record read_record(netc *n, const char *text, uint32_t line) {
  record r = {.line = line};
  for (const char *at = text; r.count < FIELDS; at += strcspn(at, "\t") + 1) {
    r.at[r.count++] = net_arena_copy(&n->arena, at, strcspn(at, "\t"));
    if (!at[strcspn(at, "\t")]) break;
  }
  return r;
}

typedef struct {
  uint32_t networks, nodes, modules;
  const char *missing; /* operators that are not built yet */
} tally;

static tally check_file(netc *n, const char *text) {
  tally t = {.missing = ""};
  net_graph *g = NULL, *after = NULL;
  double batch = 0;
  net_node_id node = 0;
  uint32_t line = 0;
  for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
    record r = read_record(n, net_arena_copy(&n->arena, at, strcspn(at, "\n")), ++line);
    if (!strcmp(r.at[0], "network")) {
      if (g) assert_int_equal(node, g->nodes.count); /* all of the one before were there */
      g = check_network(n, &r, &after), batch = atof(r.at[2]), node = 0, t.networks++;
    } else if (!strcmp(r.at[0], "node")) {
      assert_true(g && node < g->nodes.count);
      check_node(&r, g, after, node++, batch), t.nodes++;
    } else if (!strcmp(r.at[0], "module")) {
      if (check_module(n, &r)) t.modules++;
      else t.missing = net_arena_format(&n->arena, "%s %s", t.missing, r.at[1]);
    } else {
      fail_msg("line %u: what is '%s'?", line, r.at[0]);
    }
  }
  if (g) assert_int_equal(node, g->nodes.count);
  return t;
}

static void test_recorded(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  tally t = check_file(&n, support_file(&n, "costs.tsv"));
  assert_int_equal(t.networks, 9);
  assert_int_equal(t.nodes, 113);
  assert_int_equal(t.modules, 9);
  assert_string_equal(t.missing, " relu6 avg_pool max_pool max_pool adaptive_avg_pool conv conv embedding");
  netc_free(&n);
}

static void test_named(void **state) {
  (void)state;
  for (int i = 0; i < file_count; i++) {
    netc n;
    const char *text;
    size_t length;
    support_init(&n);
    if (!net_file_read(&n, NET_NOWHERE, files[i], &text, &length)) fail_msg("%s", support_message(&n));
    check_file(&n, text);
    netc_free(&n);
  }
}

int main(int count, char **words) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded), cmocka_unit_test(test_named)};
  file_count = count - 1;
  files = words + 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
