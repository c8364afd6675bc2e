/* Node by node: compiled code against the interpreter, each node fed the compiled code's own inputs.
 *
 * A node on grids of powers of two, and whatever rounds once (ulps 0: quantisers, relu, add, …), must be the
 * same bit for bit; the others may be off by their operator's ulps, in units of 2^-23 of the largest
 * magnitude in the result or of the terms that cancel in an element. Terms are those of the operator's range,
 * asked with intervals that are points. */
#include "driver/verify.h"

#include "graph/operator.h"
#include "runtime/evaluate.h"

#include <math.h>

/* What is the worst of one set of rows. */
typedef struct {
  dr_verification *v;
  const dr_rows *rows;
  uint32_t exact, inexact; /* nodes looked at */
  bool *counted;           /* by node */
  double worst, allowed;   /* of what holds, as a part of the allowed … */
  const char *worst_node;
  bool failed; /* the first that does not */
  const char *node;
  uint64_t sample, element;
  double expected, actual, ulps;
} comparison;

/* One batch: what was compiled gave, and a run of the interpreter that holds the same. */
typedef struct {
  comparison *c;
  net_arena arena;
  net_run run;
  uint32_t first, count;
  float *const *by_value; /* what compiled code gave; NULL: it does not */
} batch;

static uint64_t elements_of(const net_value *value) { return net_shape_elements(&value->shape); }

static bool is_exact(const dr_verification *v, net_node_id node, net_value_id y) {
  if (net_node_op(v->graph, node)->ulps == 0) return true;
  for (uint64_t i = 0, count = elements_of(net_graph_value_at(v->graph, y)); i < count; i++)
    if (v->ranges->grids[y][i] == NET_NO_GRID) return false;
  return true;
}

/* The terms of one sample's result, from the intervals [x, x] of its inputs. */
static const double *terms_of(batch *b, net_node_id node, uint32_t sample, uint32_t output) {
  const net_graph *g = b->run.graph;
  const net_node *at = net_graph_at(g, node);
  net_arena *arena = &b->arena;
  const net_range **inputs = NET_NEW_ARRAY(arena, const net_range *, at->input_count + 1);
  const int **grids = NET_NEW_ARRAY(arena, const int *, at->input_count + 1);
  net_range **outputs = NET_NEW_ARRAY(arena, net_range *, at->output_count + 1);
  int **output_grids = NET_NEW_ARRAY(arena, int *, at->output_count + 1);
  double **terms = NET_NEW_ARRAY(arena, double *, at->output_count + 1);
  const double **units = NET_NEW_ARRAY(arena, const double *, at->input_count + 1);
  double **output_units = NET_NEW_ARRAY(arena, double *, at->output_count + 1);
  for (uint32_t k = 0; k < at->input_count; k++) {
    net_value_id x = net_node_input(g, node, k);
    if (x == NET_NONE) continue;
    const net_value *value = net_graph_value_at(g, x);
    uint64_t count = elements_of(value);
    const double *from = b->run.values[x] + (value->batched ? sample * count : 0);
    net_range *points = NET_NEW_ARRAY(arena, net_range, count);
    int *no_grids = NET_NEW_ARRAY(arena, int, count);
    for (uint64_t i = 0; i < count; i++) points[i] = (net_range){from[i], from[i]}, no_grids[i] = NET_NO_GRID;
    inputs[k] = points, grids[k] = no_grids, units[k] = NET_NEW_ARRAY(arena, double, count);
  }
  for (uint32_t k = 0; k < at->output_count; k++) {
    uint64_t count = elements_of(net_graph_value_at(g, at->first_output + k));
    outputs[k] = NET_NEW_ARRAY(arena, net_range, count);
    output_grids[k] = NET_NEW_ARRAY(arena, int, count);
    terms[k] = NET_NEW_ARRAY(arena, double, count);
    output_units[k] = NET_NEW_ARRAY(arena, double, count);
  }
  net_ranging call = {g, node, arena, inputs, grids, units, outputs, output_grids, output_units, terms};
  if (net_node_op(g, node)->range) net_node_op(g, node)->range(&call);
  return terms[output];
}

static void fail(batch *b, net_node_id node, uint64_t sample, uint64_t element, double expected,
                 double actual, double ulps) {
  comparison *c = b->c;
  if (c->failed) return;
  c->failed = true;
  c->node = net_text(c->v->n, net_graph_at(c->v->graph, node)->name);
  c->sample = b->first + sample, c->element = element;
  c->expected = expected, c->actual = actual, c->ulps = ulps;
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void judge(batch *b, net_node_id node, uint32_t output, const double *expected, const float *actual) {
  comparison *c = b->c;
  net_value_id y = net_node_output(c->v->graph, node, output);
  uint64_t each = elements_of(net_graph_value_at(c->v->graph, y));
  bool exact = is_exact(c->v, node, y);
  double ulps = net_node_op(c->v->graph, node)->ulps, largest = 0;
  for (uint64_t i = 0; i < b->count * each; i++)
    if (isfinite(expected[i])) largest = fmax(largest, fabs(expected[i]));
  for (uint64_t i = 0; i < b->count * each; i++) {
    if (same(expected[i], actual[i])) continue;
    double apart = fabs(expected[i] - actual[i]), unit = fmax(0x1p-23 * largest, 0x1p-149);
    if (exact || !isfinite(apart)) {
      fail(b, node, i / each, i % each, expected[i], actual[i], INFINITY);
      continue;
    }
    if (apart > ulps * unit) {
      double terms = terms_of(b, node, (uint32_t)(i / each), output)[i % each];
      unit = fmax(unit, 0x1p-23 * terms);
      if (!(apart <= ulps * unit)) fail(b, node, i / each, i % each, expected[i], actual[i], apart / unit);
    }
    if (apart / unit > c->worst * ulps)
      c->worst = apart / unit / ulps, c->allowed = ulps,
      c->worst_node = net_text(c->v->n, net_graph_at(c->v->graph, node)->name);
  }
  if (c->counted[node]) return;
  c->counted[node] = true;
  if (exact) c->exact++;
  else c->inexact++;
}

/* Interprets a node and holds its results against what was compiled, which the next nodes then see. */
static bool compare_node(batch *b, net_node_id node) {
  const net_graph *g = b->run.graph;
  const net_node *at = net_graph_at(g, node);
  bool known = true;
  for (uint32_t k = 0; k < at->output_count; k++) known = known && b->run.values[at->first_output + k];
  if (known) return true; /* the same for all samples */
  if (!net_run_node(&b->run, node)) return false;
  for (uint32_t k = 0; k < at->output_count; k++) {
    net_value_id y = at->first_output + k;
    const float *actual = b->by_value[y];
    if (!actual) continue;
    judge(b, node, k, b->run.values[y], actual);
    for (uint64_t i = 0; i < net_run_elements(&b->run, y); i++) b->run.values[y][i] = actual[i];
  }
  return true;
}

static void begin_batch(batch *b, const dr_observation *o) {
  const net_graph *g = o->graph;
  net_arena_init(&b->arena, g->n->arena.guard);
  b->run = net_run_begin(g->n, g, &b->arena, b->count);
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = net_graph_value_at(g, v);
    if (o->constants.values[v]) b->run.values[v] = o->constants.values[v];
    if (value->kind != NET_VALUE_INPUT) continue;
    const float *column = b->c->rows->rows.inputs[value->column].data;
    net_run_set(&b->run, v, column + (size_t)b->first * elements_of(value));
  }
}

static void say(comparison *c) {
  const char *set = c->rows->name;
  json_t *fields = json_pack(
      "{s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "inputs", set, "samples", (json_int_t)c->rows->rows.rows,
      "exact_nodes", (json_int_t)c->exact, "float_nodes", (json_int_t)c->inexact, "worst_node",
      net_json_text(c->worst_node), "worst_ulps", net_json_number(c->worst_node ? c->worst * c->allowed : 0),
      "allowed_ulps", net_json_number(c->worst_node ? c->allowed : NAN));
  if (c->failed) {
    json_t *at = json_pack("{s:s, s:I, s:I, s:o, s:o}", "node", c->node, "sample", (json_int_t)c->sample,
                           "element", (json_int_t)c->element, "expected", net_json_number(c->expected),
                           "actual", net_json_number(c->actual));
    json_object_update_missing(fields, at);
    json_decref(at);
    dr_verify_say(c->v, "nodes", false, fields,
                  "'%s' gives %.9g in sample %llu, element %llu of the %s inputs, and %.9g interpreted",
                  c->node, c->actual, (unsigned long long)c->sample, (unsigned long long)c->element, set,
                  c->expected);
    return;
  }
  const char *worst = c->worst_node ? net_arena_format(&c->v->n->arena, " (at most %.2g of %g in '%s')",
                                                       c->worst * c->allowed, c->allowed, c->worst_node)
                                    : "";
  const char *floats = "";
  if (c->inexact) floats = net_arena_format(&c->v->n->arena, ", %u within their ulps%s", c->inexact, worst);
  dr_verify_say(c->v, "nodes", true, fields, "%u %s inputs: %u node%s bit for bit%s", c->rows->rows.rows, set,
                c->exact, c->exact == 1 ? "" : "s", floats);
}

bool dr_verify_nodes(dr_verification *v, const dr_rows *rows) {
  dr_observation *o = &v->seen;
  const rt_program *program = pl_program(o->compiled);
  comparison c = {
      .v = v, .rows = rows, .counted = NET_NEW_ARRAY(&v->n->arena, bool, v->graph->nodes.count + 1)};
  net_arena arena;
  net_arena_init(&arena, v->n->arena.guard);
  float **by_value = NET_NEW_ARRAY(&arena, float *, v->graph->values.count + 1);
  rt_pass pass;
  bool ok =
      rt_pass_make(v->n, &arena, program, &program->infer, &rows->rows, v->threads, o->variables, &pass);
  while (ok && rt_pass_next(&pass)) {
    for (uint32_t i = 0; i < program->network_outputs; i++) by_value[o->outputs[i]] = pass.step.outputs[i];
    batch b = {.c = &c, .first = pass.first, .count = pass.count, .by_value = by_value};
    begin_batch(&b, o);
    for (net_node_id node = 0; node < v->graph->nodes.count && ok; node++) ok = compare_node(&b, node);
    net_arena_free(&b.arena);
  }
  if (ok) say(&c);
  net_arena_free(&arena);
  return ok;
}
