/* The graph before and after its quantisation, node by node and tensor by tensor. */
#include "driver/report_quantized.h"

#include "formats/formats.h"
#include "graph/operator.h"

/* ---- tensors ---- */

/* One tensor of a node of the network, before and after. */
typedef struct {
  net_node_id node; /* in the graph before */
  net_tensor_role role;
  const char *name;           /* "input", "input_2", "weight" */
  const char *before, *after; /* formats; after is NULL if the node is gone */
  bool own;                   /* by the node's own quantiser, not because it comes so */
} change;
typedef NET_VEC(change) changes;

static const char *format_of(const net_graph *g, net_node_id node, net_tensor_role role, uint32_t input) {
  net_format_id format = role == NET_TENSOR_INPUT ? g->values.at[net_node_input(g, node, input)].format
                                                  : net_node_format(g, node, role);
  return net_format_text(g->n, format);
}

/* A parameter's format is its node's, others may come so. */
static bool is_own(const net_graph *g, net_node_id node, net_tensor_role role, uint32_t input) {
  if (role == NET_TENSOR_INPUT) return net_node_input_quantizer(g, node, input) != NET_NONE;
  return role <= NET_TENSOR_BIAS || net_node_result_quantizer(g, node, role) != NET_NONE;
}

static void add_change(const dr_quantize_report *q, changes *list, net_node_id node, net_tensor_role role,
                       const char *name, uint32_t input) {
  const net_graph *a = q->before.graph, *b = q->after.graph;
  net_node_id other = net_graph_find(b, a->nodes.at[node].name);
  change c = {node, role, name, format_of(a, node, role, input), NULL, false};
  if (other != NET_NONE) {
    c.after = format_of(b, other, role, input);
    c.own = is_own(b, other, role, input) && strcmp(c.before, c.after);
  }
  net_vec_push(&q->n->arena, list, c);
}

static changes node_changes(const dr_quantize_report *q, net_node_id node) {
  const net_graph *g = q->before.graph;
  changes list = {0};
  uint32_t data = 0;
  for (uint32_t i = 0; i < g->nodes.at[node].input_count; i++) {
    net_tensor_role role = net_node_role(g, node, i);
    if (net_node_input(g, node, i) == NET_NONE || role == NET_TENSORS) continue;
    const char *name = net_tensor_role_names[role];
    if (role == NET_TENSOR_INPUT && data++) name = net_arena_format(&q->n->arena, "%s_%u", name, data);
    add_change(q, &list, node, role, name, i);
  }
  for (net_tensor_role role = NET_TENSOR_OUTPUT; role <= NET_TENSOR_ACCUMULATOR; role++)
    if (net_node_has(g, node, role)) add_change(q, &list, node, role, net_tensor_role_names[role], 0);
  return list;
}

/* ---- nodes ---- */

/* Has quantisers of its own now, or went into another node. */
static bool is_changed(const dr_quantize_report *q, const dr_report_row *row) {
  if (row->node == NET_NONE) return false;
  if (net_graph_find(q->after.graph, q->before.graph->nodes.at[row->node].name) == NET_NONE) return true;
  changes list = node_changes(q, row->node);
  bool own = false;
  for (uint32_t i = 0; i < list.count; i++) own |= list.at[i].own;
  return own;
}

/* "linear integer(8, 4)": the operator, as it is now, with the formats that are new, each once. */
static const char *quantized_type(const dr_quantize_report *q, const dr_report_row *row) {
  const net_graph *g = q->after.graph;
  net_node_id now =
      row->node == NET_NONE ? NET_NONE : net_graph_find(g, q->before.graph->nodes.at[row->node].name);
  const char *text = now == NET_NONE ? row->op : net_node_op(g, now)->name;
  changes list = {0};
  if (row->node != NET_NONE) list = node_changes(q, row->node);
  uint32_t said = 0;
  for (uint32_t i = 0; i < list.count; i++) {
    bool new = list.at[i].own;
    for (uint32_t k = 0; k < i; k++) new &= !list.at[k].own || strcmp(list.at[k].after, list.at[i].after);
    if (new) text = net_arena_format(&q->n->arena, "%s%s%s", text, said++ ? ", " : " ", list.at[i].after);
  }
  return text;
}

/* Inputs and the result are no operators; their kinds stand for them. */
static const char *op_of(const dr_report_row *row) { return row->node == NET_NONE ? row->kind : row->op; }

dr_table dr_quantize_summary(const dr_quantize_report *q) {
  static const dr_column columns[] = {{"Original type", "original_type", DR_WORD},
                                      {"OP", "op", DR_WORD},
                                      {"Total", "total", DR_COUNT},
                                      {"Changed", "changed", DR_COUNT},
                                      {"Unchanged", "unchanged", DR_COUNT},
                                      {0}};
  dr_table t = dr_table_new(q->n, "summary", "Summary", columns);
  const dr_report *r = &q->before;
  bool *is = NET_NEW_ARRAY(&q->n->arena, bool, r->count);
  for (uint32_t i = 0; i < r->count; i++) is[i] = is_changed(q, &r->rows[i]);
  for (uint32_t i = 0; i < r->count; i++) {
    bool seen = false;
    uint32_t total = 0, changed = 0;
    for (uint32_t k = 0; k < r->count; k++) {
      if (strcmp(r->rows[k].op, r->rows[i].op)) continue;
      seen |= k < i;
      total++;
      changed += is[k];
    }
    if (seen) continue;
    dr_table_word(&t, r->rows[i].op);
    dr_table_word(&t, op_of(&r->rows[i]));
    dr_table_number(&t, total);
    dr_table_number(&t, changed);
    dr_table_number(&t, total - changed);
  }
  return t;
}

static void add_node(dr_table *t, const char *old, const char *new, const dr_report_row *row,
                     const char *before, const char *after, bool changed) {
  dr_table_word(t, old);
  dr_table_word(t, new);
  dr_table_word(t, row->kind);
  dr_table_word(t, op_of(row));
  dr_table_word(t, before);
  dr_table_word(t, after);
  dr_table_flag(t, changed);
}

/* Nodes of the network, then those that are new; quantisers are told of as formats of their owners. */
dr_table dr_quantize_nodes(const dr_quantize_report *q) {
  static const dr_column columns[] = {{"Original name", "original_name", DR_WORD},
                                      {"New name", "new_name", DR_WORD},
                                      {"Kind", "kind", DR_WORD},
                                      {"OP", "op", DR_WORD},
                                      {"Original type", "original_type", DR_WORD},
                                      {"Quantised type", "quantized_type", DR_WORD},
                                      {"Changed", "changed", DR_FLAG},
                                      {0}};
  dr_table t = dr_table_new(q->n, "nodes", "Nodes", columns);
  const net_graph *a = q->before.graph, *b = q->after.graph;
  for (uint32_t i = 0; i < q->before.count; i++) {
    const dr_report_row *row = &q->before.rows[i];
    bool gone = row->node != NET_NONE && net_graph_find(b, a->nodes.at[row->node].name) == NET_NONE;
    add_node(&t, row->name, gone ? NULL : row->name, row, row->op, gone ? NULL : quantized_type(q, row),
             is_changed(q, row));
  }
  for (uint32_t i = 0; i < q->after.count; i++) {
    const dr_report_row *row = &q->after.rows[i];
    if (row->node == NET_NONE || net_node_is_quantizer(b, row->node)) continue;
    if (net_graph_find(a, b->nodes.at[row->node].name) == NET_NONE)
      add_node(&t, NULL, row->name, row, NULL, row->op, true);
  }
  return t;
}

dr_table dr_quantize_tensors(const dr_quantize_report *q) {
  static const dr_column columns[] = {{"Node", "node", DR_WORD},
                                      {"Tensor", "tensor", DR_WORD},
                                      {"Before", "before", DR_WORD},
                                      {"After", "after", DR_WORD},
                                      {"Rule", "rule", DR_WORD},
                                      {"Line", "line", DR_WORD},
                                      {0}};
  dr_table t = dr_table_new(q->n, "tensors", "Formats of tensors", columns);
  const net_graph *g = q->before.graph;
  for (net_node_id node = 0; node < g->nodes.count; node++) {
    changes list = node_changes(q, node);
    for (uint32_t i = 0; i < list.count; i++) {
      const change *c = &list.at[i];
      const net_quantize_rule *rule = net_rules_find(q->rules, node, c->role);
      net_position at = {0};
      if (rule) at = net_sources_find(&q->n->sources, rule->tensors[c->role].loc);
      if (c->role == NET_TENSOR_ACCUMULATOR && !rule) continue;
      dr_table_word(&t, net_text(q->n, g->nodes.at[node].name));
      dr_table_word(&t, c->name);
      dr_table_word(&t, c->before);
      if (c->after) dr_table_word(&t, c->after);
      else dr_table_hint(&t, "folded");
      if (rule) dr_table_word(&t, net_rule_text(q->n, rule));
      else dr_table_hint(&t, !c->after || !strcmp(c->before, c->after) ? "none" : "as it comes");
      dr_table_word(&t, at.source ? net_arena_format(&q->n->arena, "%s:%u", at.source->path, at.line) : NULL);
    }
  }
  return t;
}
