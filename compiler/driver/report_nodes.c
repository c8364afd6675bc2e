/* Rows and totals of a graph. */
#include "driver/report.h"

#include "graph/operator.h"

const char *const dr_kinds[DR_KINDS] = {"placeholder", "get_attr",    "call_function",
                                        "call_method", "call_module", "output"};

static uint64_t node_parameters(const net_graph *g, net_node_id id) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++) {
    net_value_id input = net_node_input(g, id, i);
    if (input != NET_NONE && g->values.at[input].kind == NET_VALUE_PARAMETER)
      count += net_shape_elements(&g->values.at[input].shape);
  }
  return count;
}

/* Whose result a value is: an input's or a node's name; NULL for parameters and the like. */
static const char *source_name(const dr_report *r, net_value_id id) {
  const net_value *value = net_graph_value_at(r->graph, id);
  if (value->kind == NET_VALUE_INPUT) return net_text(r->n, value->name);
  return value->kind == NET_VALUE_RESULT ? net_text(r->n, r->graph->nodes.at[value->def].name) : NULL;
}

static const char *listed(const dr_report *r, const net_value_id *values, uint32_t count) {
  const char *list = "";
  for (uint32_t i = 0; i < count; i++) {
    const char *name = values[i] == NET_NONE ? NULL : source_name(r, values[i]);
    if (name) list = net_arena_format(&r->n->arena, "%s%s%s", list, *list ? ", " : "", name);
  }
  return list;
}

/* As fx counts them: each node once, however often it takes the value. */
static uint32_t users(const dr_report *r, net_value_id first, uint32_t outputs) {
  const net_graph *g = r->graph;
  uint32_t count = 0;
  bool shown = false;
  for (net_node_id id = 0; id < g->nodes.count; id++) {
    bool takes = false;
    for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++)
      takes |= net_node_input(g, id, i) - first < outputs;
    count += takes;
  }
  for (uint32_t i = 0; i < g->outputs.count; i++) shown |= g->outputs.at[i] - first < outputs;
  return count + shown;
}

static dr_report_row node_row(const dr_report *r, net_node_id id) {
  const net_graph *g = r->graph;
  const net_node *node = net_graph_at(g, id);
  const net_op *op = net_node_op(g, id);
  double samples = net_node_samples(g, id, r->batch);
  bool contraction = op->class == OP_CONTRACTION;
  return (dr_report_row){.name = net_text(r->n, node->name),
                         .kind = op->kind,
                         .op = op->name,
                         .inputs = listed(r, &g->edges.at[node->first_input], node->input_count),
                         .users = users(r, node->first_output, node->output_count),
                         .value = net_graph_value_at(g, net_node_output(g, id, 0)),
                         .node = id,
                         .macs = contraction ? node->cost.computations * samples : 0,
                         .flops = node->cost.flops * samples,
                         .bitops = node->cost.bitops * samples,
                         .parameters = node_parameters(g, id),
                         .loc = node->loc};
}

static void make_rows(dr_report *r) {
  const net_graph *g = r->graph;
  r->rows = NET_NEW_ARRAY(&r->n->arena, dr_report_row, g->values.count + g->nodes.count + 1);
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = net_graph_value_at(g, v);
    if (value->kind == NET_VALUE_INPUT)
      r->rows[r->count++] = (dr_report_row){.name = net_text(r->n, value->name),
                                            .kind = "placeholder",
                                            .op = "input",
                                            .inputs = "",
                                            .users = users(r, v, 1),
                                            .value = value,
                                            .node = NET_NONE,
                                            .loc = value->loc};
  }
  for (net_node_id id = 0; id < g->nodes.count; id++) r->rows[r->count++] = node_row(r, id);
  r->rows[r->count++] = (dr_report_row){.name = "output",
                                        .kind = "output",
                                        .op = "output",
                                        .inputs = listed(r, g->outputs.at, g->outputs.count),
                                        .value = net_graph_value_at(g, g->outputs.at[0]),
                                        .node = NET_NONE};
}

static size_t activation_bytes(const dr_report *r, dr_subject *subject) {
  pl_request request = {.network = r->graph,
                        .functions = PL_INFER,
                        .batch = r->batch,
                        .target = subject->call->value[DR_target]};
  return pl_scratch_bytes(r->n, &request);
}

dr_report dr_report_make(dr_subject *subject, net_graph *graph, uint32_t batch) {
  dr_report r = {.n = subject->call->n, .graph = graph, .batch = batch};
  net_graph_cost(graph);
  r.total = net_graph_cost_total(graph, batch);
  r.activation_bytes = activation_bytes(&r, subject);
  make_rows(&r);
  return r;
}

const char *dr_report_shape(const dr_report *r, const net_value *value) {
  return net_arena_format(&r->n->arena, "f32%s", net_shape_text(&r->n->arena, &value->shape));
}
