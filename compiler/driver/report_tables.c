/* A report as tables. */
#include "driver/report.h"

#include "formats/formats.h"
#include "graph/operator.h"

static const net_tensor_role shown_formats[] = {NET_TENSOR_INPUT, NET_TENSOR_WEIGHT, NET_TENSOR_BIAS,
                                                NET_TENSOR_ACCUMULATOR, NET_TENSOR_OUTPUT};
enum { SHOWN_FORMATS = sizeof shown_formats / sizeof *shown_formats };

#define COLUMNS_OF_NODES                                                                                     \
  {"node", "name", DR_WORD}, {"kind", "kind", DR_WORD}, {"op", "op", DR_WORD}, { "shape", "shape", DR_WORD }
#define COLUMNS_OF_COSTS                                                                                     \
  {"parameters", "parameters", DR_COUNT}, {"MACs", "macs", DR_COUNT}, {"FLOPs", "flops", DR_COUNT},          \
      {"BitOPs", "bitops", DR_COUNT}, {"inputs", "inputs", DR_WORD}, {0}

dr_table dr_report_nodes(const dr_report *r) {
  static const dr_column columns[] = {COLUMNS_OF_NODES, COLUMNS_OF_COSTS};
  static const dr_column with_formats[] = {COLUMNS_OF_NODES,
                                           {"input", "input", DR_WORD},
                                           {"weight", "weight", DR_WORD},
                                           {"bias", "bias", DR_WORD},
                                           {"accumulator", "accumulator", DR_WORD},
                                           {"output", "output", DR_WORD},
                                           COLUMNS_OF_COSTS};
  dr_table t = dr_table_new(r->n, "nodes", "Nodes", r->formatted ? with_formats : columns);
  int formats = r->formatted ? SHOWN_FORMATS : 0;
  for (uint32_t i = 0; i < r->count; i++) {
    const dr_report_row *row = &r->rows[i];
    dr_table_word(&t, row->name);
    dr_table_word(&t, row->kind);
    dr_table_word(&t, row->op);
    dr_table_word(&t, dr_report_shape(r, row->value));
    for (int k = 0; k < formats; k++) dr_table_word(&t, dr_report_format(r, row, shown_formats[k]));
    dr_table_cost(&t, (double)row->parameters);
    dr_table_cost(&t, row->macs);
    dr_table_cost(&t, row->flops);
    dr_table_cost(&t, row->bitops);
    dr_table_word(&t, row->inputs);
  }
  dr_table_word(&t, "total");
  for (int i = 0; i < 3 + formats; i++) dr_table_empty(&t);
  dr_table_number(&t, (double)r->total.parameters);
  dr_table_number(&t, r->total.macs);
  dr_table_number(&t, r->total.flops);
  dr_table_number(&t, r->total.bitops);
  dr_table_empty(&t);
  return t;
}

dr_table dr_report_kinds(const dr_report *r) {
  static const dr_column columns[] = {{"kind", "kind", DR_WORD}, {"nodes", "nodes", DR_COUNT}, {0}};
  dr_table t = dr_table_new(r->n, "kinds", "Kinds of nodes", columns);
  for (int k = 0; k < DR_KINDS; k++) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->count; i++) count += !strcmp(r->rows[i].kind, dr_kinds[k]);
    dr_table_word(&t, dr_kinds[k]);
    dr_table_number(&t, count);
  }
  return t;
}

const char *dr_attribute_text(netc *n, const net_attribute *a) {
  const char *list = "";
  switch (a->kind) {
  case NET_ATTRIBUTE_INT: return net_arena_format(&n->arena, "%lld", (long long)a->integer);
  case NET_ATTRIBUTE_REAL: return net_arena_format(&n->arena, "%.9g", a->real);
  case NET_ATTRIBUTE_BOOL: return a->integer ? "true" : "false";
  case NET_ATTRIBUTE_TEXT: return net_text(n, a->text);
  case NET_ATTRIBUTE_INTS: break;
  }
  for (uint32_t i = 0; i < a->ints.rank; i++) /* UINT32_MAX is −1 */
    list = net_arena_format(&n->arena, "%s%s%d", list, i ? ", " : "", (int32_t)a->ints.dim[i]);
  return net_arena_format(&n->arena, "[%s]", list);
}

/* "features = 5, bias = true": what people may say */
static const char *attributes_text(const dr_report *r, net_node_id node) {
  const char *text = "";
  for (uint32_t i = 0; i < r->graph->nodes.at[node].attribute_count; i++) {
    const net_attribute *a = &r->graph->attributes.at[r->graph->nodes.at[node].first_attribute + i];
    const char *key = net_text(r->n, a->key);
    if (!net_op_is_internal(key))
      text = net_arena_format(&r->n->arena, "%s%s%s = %s", text, *text ? ", " : "", key,
                              dr_attribute_text(r->n, a));
  }
  return text;
}

/* "weight integer(8, 4)[5, 16], bias f32[5]": what a layer keeps */
static const char *tensors_text(const dr_report *r, net_node_id node) {
  const net_op_field *fields;
  net_op_inputs(r->n, net_node_op(r->graph, node), &fields);
  const char *text = "";
  for (uint32_t i = 0; i < r->graph->nodes.at[node].input_count; i++) {
    net_value_id v = net_node_input(r->graph, node, i);
    bool table = !strcmp(fields[i].kind, "constant");
    if (v == NET_NONE ||
        (strcmp(fields[i].kind, "parameter") && strcmp(fields[i].kind, "statistic") && !table))
      continue;
    net_tensor_role role = net_node_role(r->graph, node, i);
    net_format_id format = role != NET_TENSORS ? net_node_format(r->graph, node, role)
                           : table             ? r->graph->values.at[v].format
                                               : NET_FORMAT_FLOAT32;
    const char *type = format == NET_FORMAT_FLOAT32 ? "f32" : net_format_text(r->n, format);
    text = net_arena_format(&r->n->arena, "%s%s%s %s%s", text, *text ? ", " : "", fields[i].name, type,
                            net_shape_text(&r->n->arena, &r->graph->values.at[v].shape));
  }
  return text;
}

dr_table dr_report_layers(const dr_report *r) {
  static const dr_column columns[] = {{"layer", "name", DR_WORD},
                                      {"type", "type", DR_WORD},
                                      {"attributes", "attributes", DR_WORD},
                                      {"tensors", "tensors", DR_WORD},
                                      {0}};
  dr_table t = dr_table_new(r->n, "layers", "Layers", columns);
  for (uint32_t i = 0; i < r->count; i++) {
    const dr_report_row *row = &r->rows[i];
    if (strcmp(row->kind, "call_module")) continue;
    dr_table_word(&t, row->name);
    dr_table_word(&t, row->op);
    dr_table_word(&t, attributes_text(r, row->node));
    dr_table_word(&t, tensors_text(r, row->node));
  }
  return t;
}

dr_table dr_report_lines(const dr_report *r) {
  static const dr_column columns[] = {{"line", "line", DR_WORD},     {"MACs", "macs", DR_COUNT},
                                      {"FLOPs", "flops", DR_COUNT},  {"BitOPs", "bitops", DR_COUNT},
                                      {"source", "source", DR_WORD}, {0}};
  netc *n = r->n;
  dr_table t = dr_table_new(n, "lines", "Costs by line", columns);
  net_position *places = NET_NEW_ARRAY(&n->arena, net_position, r->count);
  for (uint32_t i = 0; i < r->count; i++) places[i] = net_sources_find(&n->sources, r->rows[i].loc);
  for (uint32_t i = 0; i < r->count; i++) {
    net_position at = places[i];
    double macs = 0, flops = 0, bitops = 0;
    if (r->rows[i].node == NET_NONE || !at.source) continue;
    for (uint32_t other = i; other < r->count; other++) {
      const dr_report_row *row = &r->rows[other];
      if (row->node == NET_NONE || places[other].source != at.source || places[other].line != at.line)
        continue;
      places[other].source = NULL; /* it is counted */
      macs += row->macs, flops += row->flops, bitops += row->bitops;
    }
    dr_table_word(&t, net_arena_format(&n->arena, "%s:%u", at.source->path, at.line));
    dr_table_number(&t, macs);
    dr_table_number(&t, flops);
    dr_table_number(&t, bitops);
    uint32_t skip = 0;
    while (skip < at.line_length && at.line_text[skip] == ' ') skip++;
    dr_table_word(&t, net_arena_copy(&n->arena, at.line_text + skip, at.line_length - skip));
  }
  return t;
}
