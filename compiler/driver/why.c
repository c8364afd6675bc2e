/* netc show --why NODE: the rule and the line behind each format of a node, or of all nodes within a layer.
 */
#include "driver/report.h"

#include "formats/formats.h"
#include "graph/operator.h"
#include "graph/quantization.h"

typedef struct {
  dr_subject *subject;
  netc *n;
  const net_graph *plain, *formatted; /* the network before and after */
  net_rules *rules;                   /* NULL: there are none */
  dr_table table;
} explainer;

/* A tensor's format in the graph after; NULL: the node is in it no more. */
static const char *format_of(const explainer *x, net_node_id node, net_tensor_role role, uint32_t input) {
  net_node_id now = net_graph_find(x->formatted, x->plain->nodes.at[node].name);
  if (now == NET_NONE) return NULL;
  if (role != NET_TENSOR_INPUT) return net_format_text(x->n, net_node_format(x->formatted, now, role));
  return net_format_text(x->n, x->formatted->values.at[net_node_input(x->formatted, now, input)].format);
}

static const char *rule_text(const explainer *x, const net_quantize_rule *rule, net_tensor_role role) {
  return net_arena_format(&x->n->arena, "%s { %s = %s }", net_rule_text(x->n, rule),
                          net_tensor_role_names[role], net_format_text(x->n, rule->tensors[role].format));
}

/* Nothing is asked for, but there may be a format all the same: where it comes from. */
static const char *without_rule(const explainer *x, const char *format, const net_quantize_rule *passed,
                                net_tensor_role role) {
  if (passed)
    return net_arena_format(&x->n->arena, "%s cannot be: it is made when the node runs",
                            rule_text(x, passed, role));
  bool formatted = format && strcmp(format, "float32");
  if (x->rules && formatted && role == NET_TENSOR_BIAS)
    return "no rule speaks of it: it takes the unit of its input's and weight's products";
  if (!x->rules) return "there are no rules: name a quantize block with --quantize";
  return formatted ? "no rule speaks of it: it comes like this" : "no rule speaks of it";
}

static void explain(explainer *x, net_node_id node, net_tensor_role role, const char *tensor,
                    uint32_t input) {
  netc *n = x->n;
  const char *format = format_of(x, node, role, input);
  const net_quantize_rule *rule = x->rules ? net_rules_find(x->rules, node, role) : NULL;
  const net_quantize_rule *passed = x->rules && !rule ? net_rules_passed(x->rules, node, role) : NULL;
  const net_quantize_rule *shown = rule ? rule : passed;
  net_position at = shown ? net_sources_find(&n->sources, shown->tensors[role].loc) : (net_position){0};
  dr_table_word(&x->table, net_text(n, x->plain->nodes.at[node].name));
  dr_table_word(&x->table, tensor);
  dr_table_word(&x->table, format ? format : "(folded into another node)");
  dr_table_word(&x->table, rule ? rule_text(x, rule, role) : without_rule(x, format, passed, role));
  if (at.source)
    dr_table_word(&x->table, net_arena_format(&n->arena, "%s:%u:%u", at.source->path, at.line, at.column));
  else dr_table_empty(&x->table);
}

/* How many entries a table has, and which rule wanted it. */
static void explain_table(explainer *x, net_node_id node) {
  const net_quantize_rule *rule = x->rules ? net_rules_table(x->rules, node) : NULL;
  if (!rule) return;
  netc *n = x->n;
  net_position at = net_sources_find(&n->sources, rule->table.loc);
  net_node_id now = net_graph_find(x->formatted, x->plain->nodes.at[node].name);
  net_value_id table = now == NET_NONE ? NET_NONE : net_node_input(x->formatted, now, 1);
  const char *entries = "(computed: its formats' steps are not known yet)";
  if (!rule->table.entries) entries = "(computed)";
  else if (table != NET_NONE)
    entries = net_arena_format(&n->arena, "%u entries", x->formatted->values.at[table].shape.dim[0]);
  dr_table_word(&x->table, net_text(n, x->plain->nodes.at[node].name));
  dr_table_word(&x->table, "table");
  dr_table_word(&x->table, entries);
  dr_table_word(&x->table, net_arena_format(&n->arena, "%s { table = %u }", net_rule_text(n, rule),
                                            rule->table.entries));
  if (at.source)
    dr_table_word(&x->table, net_arena_format(&n->arena, "%s:%u:%u", at.source->path, at.line, at.column));
  else dr_table_empty(&x->table);
}

static void explain_node(explainer *x, net_node_id node) {
  const net_graph *g = x->plain;
  uint32_t data = 0;
  for (uint32_t i = 0; i < g->nodes.at[node].input_count; i++) {
    net_tensor_role role = net_node_role(g, node, i);
    if (net_node_input(g, node, i) == NET_NONE || role == NET_TENSORS) continue;
    const char *tensor = net_tensor_role_names[role];
    if (role == NET_TENSOR_INPUT && data++) tensor = net_arena_format(&x->n->arena, "%s_%u", tensor, data);
    explain(x, node, role, tensor, i);
  }
  if (net_node_has(g, node, NET_TENSOR_ACCUMULATOR))
    explain(x, node, NET_TENSOR_ACCUMULATOR, "accumulator", 0);
  explain(x, node, NET_TENSOR_OUTPUT, "output", 0);
  explain_table(x, node);
}

static int unknown(dr_call *call, const net_graph *g, const char *name) {
  netc *n = call->n;
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, g->nodes.count + 1);
  for (net_node_id i = 0; i < g->nodes.count; i++) names[i] = net_text(n, g->nodes.at[i].name);
  const char *near = net_nearest(name, names, g->nodes.count);
  return dr_wrong(call, "network '%s' has no node '%s'%s%s%s", net_text(n, g->name), name,
                  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int dr_why(dr_subject *subject) {
  static const dr_column columns[] = {{"node", "node", DR_WORD},     {"tensor", "tensor", DR_WORD},
                                      {"format", "format", DR_WORD}, {"rule", "rule", DR_WORD},
                                      {"place", "place", DR_WORD},   {0}};
  dr_call *call = subject->call;
  const char *name = call->value[DR_why];
  size_t length = strlen(name);
  dr_form form;
  explainer x = {.subject = subject,
                 .n = call->n,
                 .plain = subject->plain,
                 .formatted = subject->experiment.network.graph,
                 .table = dr_table_new(call->n, "why", "Formats", columns)};
  if (!dr_table_form(call, &form)) return DR_WRONG_COMMAND;
  if (subject->quantization && !net_rules_begin(x.n, x.plain, subject->quantization, &x.rules))
    return DR_WRONG_INPUT;
  for (net_node_id i = 0; i < x.plain->nodes.count; i++) {
    const char *node = net_text(x.n, x.plain->nodes.at[i].name);
    if (!strncmp(node, name, length) && (!node[length] || node[length] == '.')) explain_node(&x, i);
  }
  if (x.rules) net_rules_end(x.rules);
  if (!dr_table_rows(&x.table)) return unknown(call, x.plain, name);
  dr_table_print(call->out, &x.table, form);
  return DR_DONE;
}
