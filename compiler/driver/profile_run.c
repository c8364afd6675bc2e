#include "driver/observe.h"
#include "driver/profile.h"

#include "graph/operator.h"
#include "runtime/profile.h"

#include <math.h>
#include <regex.h>

typedef struct {
  dr_subject *subject;
  const dr_profile_request *request;
  dr_profile_result *result;
  dr_observation observed;
  rt_split rows;
  rt_statistics **statistics; /* by value */
  rt_summary **summaries;     /* by value */
} profile;

/* ---- which tensors ---- */

static const char *tensor_name(netc *n, const net_op *op, uint32_t input) {
  const net_op_field *fields;
  uint32_t count = net_op_inputs(n, op, &fields);
  const net_op_field *field = &fields[input < count ? input : count - 1]; /* the last one may be many */
  if (strcmp(field->kind, "data")) return field->name;
  return input ? net_arena_format(&n->arena, "input_%u", input + 1) : "input";
}

static void add_row(profile *p, net_node_id node, const char *tensor, net_value_id value) {
  const net_value *v = net_graph_value_at(p->result->graph, value);
  if (v->type != NET_F32) return; /* exact sums on their way to a quantiser */
  uint32_t channels = p->request->channels && v->shape.rank ? v->shape.dim[0] : 1;
  p->result->rows[p->result->count++] =
      (dr_profile_row){.node = node, .tensor = tensor, .value = value, .channels = channels};
}

static void add_node(profile *p, net_node_id id) {
  const net_graph *g = p->result->graph;
  const net_op *op = net_node_op(g, id);
  for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++) {
    net_value_id input = net_node_input(g, id, i);
    if (input != NET_NONE) add_row(p, id, tensor_name(g->n, op, i), input);
  }
  add_row(p, id, "output", net_node_output(g, id, 0));
}

static bool unknown_nodes(profile *p) {
  const net_graph *g = p->result->graph;
  netc *n = g->n;
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, g->nodes.count + 1);
  for (net_node_id id = 0; id < g->nodes.count; id++) names[id] = net_text(n, g->nodes.at[id].name);
  const char *near = net_nearest(p->request->nodes, names, g->nodes.count);
  dr_wrong(p->subject->call, "network '%s' has no node '%s'%s%s%s", net_text(n, g->name), p->request->nodes,
           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  return false;
}

/* By the name of its node, or its own. */
static bool is_named(const netc *n, const dr_profile_result *result, const dr_profile_row *row,
                     const char *name, const regex_t *regex) {
  const char *node = net_text(n, result->graph->nodes.at[row->node].name);
  const char *own = net_arena_format(&result->graph->n->arena, "%s.%s", node, row->tensor);
  return regex ? !regexec(regex, node, 0, NULL, 0) || !regexec(regex, own, 0, NULL, 0)
               : !strcmp(node, name) || !strcmp(own, name);
}

static uint32_t keep_named(profile *p, const char *name, const regex_t *regex) {
  dr_profile_result *result = p->result;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < result->count; i++)
    if (is_named(result->graph->n, result, &result->rows[i], name, regex))
      result->rows[kept++] = result->rows[i];
  return kept;
}

static bool choose_rows(profile *p) {
  const net_graph *g = p->result->graph;
  netc *n = g->n;
  const char *wanted = p->request->nodes;
  regex_t regex;
  p->result->rows = NET_NEW_ARRAY(&n->arena, dr_profile_row, g->edges.count + g->nodes.count + 1);
  for (net_node_id id = 0; id < g->nodes.count; id++) add_node(p, id);
  if (!wanted) return p->result->count || unknown_nodes(p);
  bool exact = false;
  for (uint32_t i = 0; i < p->result->count; i++)
    exact |= is_named(n, p->result, &p->result->rows[i], wanted, NULL);
  if (!exact && regcomp(&regex, net_arena_format(&n->arena, "^(%s)$", wanted), REG_EXTENDED | REG_NOSUB))
    return dr_wrong(p->subject->call, "'%s' is neither a node nor a pattern", wanted), false;
  p->result->count = keep_named(p, wanted, exact ? NULL : &regex);
  if (!exact) regfree(&regex);
  return p->result->count || unknown_nodes(p);
}

/* ---- measuring ---- */

static rt_statistics_spec spec_of(const profile *p, const dr_profile_row *row) {
  const net_value *v = net_graph_value_at(p->result->graph, row->value);
  return (rt_statistics_spec){.layout = {(uint32_t)net_shape_elements(&v->shape), row->channels},
                              .quantile = p->request->quantile,
                              .sigma = p->request->sigma,
                              .bins = p->request->bins,
                              .magnitudes = p->request->magnitudes};
}

static rt_summary *summarize(profile *p, const dr_profile_row *row, const rt_statistics *s) {
  net_arena *arena = &p->result->graph->n->arena;
  rt_summary *summaries = NET_NEW_ARRAY(arena, rt_summary, row->channels);
  for (uint32_t c = 0; c < row->channels; c++) {
    summaries[c] = rt_statistics_get(s, c);
    if (!summaries[c].histogram) continue;
    uint64_t *counts = NET_NEW_ARRAY(arena, uint64_t, p->request->bins);
    memcpy(counts, summaries[c].histogram, p->request->bins * sizeof *counts);
    summaries[c].histogram = counts;
  }
  return summaries;
}

/* Of rows that are all there at once. */
static rt_summary *measure(profile *p, const dr_profile_row *row, const float *values, uint64_t count) {
  net_arena arena;
  net_arena_init(&arena, p->result->graph->n->arena.guard);
  rt_statistics_spec spec = spec_of(p, row);
  rt_statistics *s = rt_statistics_make(&arena, &spec);
  do rt_statistics_add(s, values, count);
  while (rt_statistics_again(s));
  rt_summary *summaries = summarize(p, row, s);
  net_arena_free(&arena);
  return summaries;
}

static bool measure_results(profile *p) {
  dr_observation *o = &p->observed;
  const rt_program *program = pl_program(o->compiled);
  rt_statistics **by_output = NET_NEW_ARRAY(&o->arena, rt_statistics *, program->network_outputs + 1);
  for (uint32_t i = 0; i < p->result->count; i++) {
    const dr_profile_row *row = &p->result->rows[i];
    rt_statistics_spec spec = spec_of(p, row);
    if (dr_is_observable(p->result->graph, row->value) && !p->statistics[row->value])
      p->statistics[row->value] = rt_statistics_make(&o->arena, &spec);
  }
  for (uint32_t i = 0; i < program->network_outputs; i++) by_output[i] = p->statistics[o->outputs[i]];
  return rt_profile(p->result->graph->n, program, &p->rows, o->threads, o->variables, by_output);
}

static void measure_rest(profile *p, dr_profile_row *row) {
  rt_summary **known = &p->summaries[row->value];
  const rt_column *input = dr_observed_input(&p->observed, row->value, &p->rows);
  const float *constant = dr_observed_constant(&p->observed, row->value);
  if (!*known && p->statistics[row->value]) *known = summarize(p, row, p->statistics[row->value]);
  if (!*known && input) *known = measure(p, row, input->data, p->rows.rows);
  if (!*known && constant) *known = measure(p, row, constant, 1);
  row->summaries = *known;
}

/* ---- all of it ---- */

static void take_rows(profile *p) {
  netc *n = p->result->graph->n;
  const rt_split *split = &p->observed.data->split[p->request->split];
  uint64_t samples = p->request->samples;
  p->rows = *split;
  if (samples > split->rows)
    net_warning(n, NET_NOWHERE, "the %s split has %u rows, fewer than %llu: all of them are looked at",
                rt_split_names[p->request->split], split->rows, (unsigned long long)samples);
  else if (samples) p->rows.rows = (uint32_t)samples;
  p->result->samples = p->rows.rows;
}

/* Declared ranges are believed: analysis starts from them, whatever is seen. */
static void warn_of_escape(const profile *p) {
  const net_graph *g = p->result->graph;
  dr_escape e = dr_escape_find(g, &p->rows);
  if (e.input == NET_NONE) return;
  const net_value *value = net_graph_value_at(g, e.input);
  net_warning(g->n, value->loc,
              "'%s' is %.9g in sample %llu of the %s split, but is declared to be from %.9g to %.9g: the "
              "declaration is what counts, so widen it or look at the data",
              net_text(g->n, value->name), e.number, (unsigned long long)e.sample,
              rt_split_names[p->request->split], e.range.lo, e.range.hi);
}

static bool run(profile *p, rt_checkpoint *weights, int *code) {
  dr_subject *subject = p->subject;
  const net_graph *g = p->result->graph;
  pl_options options;
  *code = DR_WRONG_INPUT;
  if (!dr_compile_options(subject->call, &options) || !choose_rows(p) ||
      !dr_observe_begin(subject, g, weights, p->request->split, &p->observed))
    return false;
  take_rows(p);
  warn_of_escape(p);
  bool *wanted = NET_NEW_ARRAY(&p->observed.arena, bool, g->values.count + 1);
  for (uint32_t i = 0; i < p->result->count; i++) wanted[p->result->rows[i].value] = true;
  if (!dr_observe_compile(&p->observed, wanted, p->request->batch, &options)) {
    if (!g->n->diagnostics.errors) *code = DR_DONE;
    return false;
  }
  if (!measure_results(p)) return false;
  for (uint32_t i = 0; i < p->result->count; i++) measure_rest(p, &p->result->rows[i]);
  return true;
}

bool dr_profile_run(dr_subject *subject, rt_checkpoint *weights, const dr_profile_request *request,
                    dr_profile_result *result, int *code) {
  netc *n = subject->call->n;
  const net_graph *g = subject->experiment.network.graph;
  *result = (dr_profile_result){.graph = g};
  profile p = {.subject = subject, .request = request, .result = result};
  net_arena_init(&p.observed.arena, n->arena.guard);
  p.statistics = NET_NEW_ARRAY(&n->arena, rt_statistics *, g->values.count + 1);
  p.summaries = NET_NEW_ARRAY(&n->arena, rt_summary *, g->values.count + 1);
  bool ok = run(&p, weights, code);
  dr_observe_end(&p.observed);
  return ok;
}

const net_range *dr_profile_annotate(const dr_profile_result *result, net_graph *graph) {
  net_range *all = NET_NEW_ARRAY(&graph->n->arena, net_range, graph->values.count + 1);
  for (net_value_id v = 0; v < graph->values.count; v++) all[v] = NET_RANGE_UNKNOWN;
  for (uint32_t i = 0; i < result->count; i++) {
    const dr_profile_row *row = &result->rows[i];
    net_value_id value = net_graph_find_value(graph, net_graph_value_at(result->graph, row->value)->name);
    net_range seen = {INFINITY, -INFINITY};
    for (uint32_t c = 0; c < row->channels && row->summaries; c++) {
      seen.lo = fmin(seen.lo, row->summaries[c].min);
      seen.hi = fmax(seen.hi, row->summaries[c].max);
    }
    if (value != NET_NONE && seen.lo <= seen.hi) all[value] = seen;
  }
  for (net_value_id v = 0; v < graph->values.count; v++) {
    net_value *value = &graph->values.at[v];
    bool declared = value->kind == NET_VALUE_INPUT && value->range.lo <= value->range.hi;
    if (all[v].lo <= all[v].hi && !declared) value->range = all[v];
  }
  return all;
}
