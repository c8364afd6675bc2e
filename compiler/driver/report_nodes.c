/* Rows and totals of a graph. */
#include "driver/report.h"

#include "formats/formats.h"
#include "graph/operator.h"
#include "graph/quantization.h"

const char *const dr_kinds[DR_KINDS] = {"placeholder", "get_attr",    "call_function",
                                        "call_method", "call_module", "output"};

static uint64_t elements_of_parameter(const net_graph *g, net_value_id id) {
  const net_value *value = id == NET_NONE ? NULL : net_graph_value_at(g, id);
  return value && value->kind == NET_VALUE_PARAMETER ? net_shape_elements(&value->shape) : 0;
}

/* What training changes in a quantiser: a learned step. */
static uint64_t step_parameters(const net_graph *g, net_node_id quantizer) {
  uint64_t count = 0;
  for (uint32_t i = 1; quantizer != NET_NONE && i < g->nodes.at[quantizer].input_count; i++)
    count += elements_of_parameter(g, net_node_input(g, quantizer, i));
  return count;
}

/* Quantisers count with the node whose tensors they quantise. */
static uint64_t node_parameters(const net_graph *g, net_node_id id) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++) {
    net_value_id input = net_node_input(g, id, i);
    net_node_id quantizer = net_node_input_quantizer(g, id, i);
    if (quantizer != NET_NONE) input = net_node_input(g, quantizer, 0);
    count += elements_of_parameter(g, input) + step_parameters(g, quantizer);
  }
  return count + step_parameters(g, net_node_result_quantizer(g, id, NET_TENSOR_ACCUMULATOR)) +
         step_parameters(g, net_node_result_quantizer(g, id, NET_TENSOR_OUTPUT));
}

/* Whose result a value is, quantisers aside: an input's or a node's name; NULL for parameters and the like.
 */
const char *dr_report_source(const dr_report *r, net_value_id id) {
  const net_value *value = net_graph_value_at(r->graph, net_graph_plain(r->graph, id));
  if (value->kind == NET_VALUE_INPUT) return net_text(r->n, value->name);
  return value->kind == NET_VALUE_RESULT ? net_text(r->n, r->graph->nodes.at[value->def].name) : NULL;
}

static const char *listed(const dr_report *r, const net_value_id *values, uint32_t count) {
  const char *list = "";
  for (uint32_t i = 0; i < count; i++) {
    const char *name = values[i] == NET_NONE ? NULL : dr_report_source(r, values[i]);
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
    if (net_node_is_quantizer(g, id)) continue;
    for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++)
      takes |= net_graph_plain(g, net_node_input(g, id, i)) - first < outputs;
    count += takes;
  }
  for (uint32_t i = 0; i < g->outputs.count; i++)
    shown |= net_graph_plain(g, g->outputs.at[i]) - first < outputs;
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
                         .value = net_graph_value_at(g, net_graph_seen(g, net_node_output(g, id, 0))),
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
  for (net_node_id id = 0; id < g->nodes.count; id++)
    if (!net_node_is_quantizer(g, id)) r->rows[r->count++] = node_row(r, id);
  r->rows[r->count++] = (dr_report_row){.name = "output",
                                        .kind = "output",
                                        .op = "output",
                                        .inputs = listed(r, g->outputs.at, g->outputs.count),
                                        .value = net_graph_value_at(g, g->outputs.at[0]),
                                        .node = NET_NONE};
}

static double activation_bytes(const dr_report *r, dr_subject *subject) {
  pl_request request = {.network = r->graph,
                        .functions = PL_INFER,
                        .batch = r->batch,
                        .target = subject->call->value[DR_cpu]};
  return pl_activation_bytes(r->n, &request);
}

dr_report dr_report_make(dr_subject *subject, net_graph *graph, uint32_t batch) {
  dr_report r = {.n = subject->call->n, .graph = graph, .batch = batch};
  net_graph_cost(graph);
  r.total = net_graph_cost_total(graph, batch);
  r.activation_bytes = activation_bytes(&r, subject);
  make_rows(&r);
  for (net_value_id v = 0; v < graph->values.count; v++)
    r.formatted |= graph->values.at[v].format != NET_FORMAT_FLOAT32;
  for (net_node_id id = 0; id < graph->nodes.count; id++) r.formatted |= net_node_is_quantizer(graph, id);
  return r;
}

/* Of several inputs with several formats all are said. */
const char *dr_report_format(const dr_report *r, const dr_report_row *row, net_tensor_role role) {
  const net_graph *g = r->graph;
  const char *list = "", *last = NULL;
  if (row->node == NET_NONE || !net_node_has(g, row->node, role)) return NULL;
  bool accumulator = role == NET_TENSOR_ACCUMULATOR;
  if (accumulator && net_node_result_quantizer(g, row->node, role) == NET_NONE) return NULL;
  if (role != NET_TENSOR_INPUT) return net_format_text(r->n, net_node_format(g, row->node, role));
  for (uint32_t i = 0; i < g->nodes.at[row->node].input_count; i++) {
    net_value_id v = net_node_input(g, row->node, i);
    if (v == NET_NONE || net_node_role(g, row->node, i) != role) continue;
    const char *text = net_format_text(r->n, g->values.at[v].format);
    if (last && !strcmp(text, last)) continue;
    list = net_arena_format(&r->n->arena, "%s%s%s", list, last ? ", " : "", text);
    last = text;
  }
  return list;
}

const char *dr_report_shape(const dr_report *r, const net_value *value) {
  return net_arena_format(&r->n->arena, "f32%s", net_shape_text(&r->n->arena, &value->shape));
}
