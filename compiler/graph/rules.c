/* Which rule of a quantization decides a tensor, and rules that decide nothing. */
#include "graph/quantization.h"

#include "formats/formats.h"
#include "graph/operator.h"

#include <regex.h>

typedef struct {
  bool exact; /* a node has just this name: it is no pattern then */
  bool compiled;
  regex_t regex;
} pattern;

struct net_rules {
  netc *n;
  const net_graph *graph;
  const net_quantization *quantization;
  pattern *patterns; /* by rule; of quoted ones */
};

static bool compile(netc *n, const net_quantize_rule *rule, pattern *into) {
  const char *text = net_text(n, rule->what);
  int wrong = regcomp(&into->regex, net_arena_format(&n->arena, "^(%s)$", text), REG_EXTENDED | REG_NOSUB);
  if (!wrong) return into->compiled = true;
  char reason[200];
  regerror(wrong, &into->regex, reason, sizeof reason);
  net_error(n, rule->loc, "'%s' is no pattern: %s", text, reason);
  return false;
}

bool net_rule_compiles(netc *n, const net_quantize_rule *rule) {
  pattern p = {0};
  bool ok = compile(n, rule, &p);
  if (ok) regfree(&p.regex);
  return ok;
}

bool net_rules_begin(netc *n, const net_graph *graph, const net_quantization *quantization,
                     net_rules **rules) {
  bool ok = true;
  *rules = NET_NEW(&n->arena, net_rules);
  **rules = (net_rules){.n = n, .graph = graph, .quantization = quantization};
  (*rules)->patterns = NET_NEW_ARRAY(&n->arena, pattern, quantization->rule_count + 1);
  for (uint32_t i = 0; i < quantization->rule_count; i++) {
    const net_quantize_rule *rule = &quantization->rules[i];
    if (rule->scope != NET_RULE_QUOTED) continue;
    (*rules)->patterns[i].exact = net_graph_find(graph, rule->what) != NET_NONE;
    if (!(*rules)->patterns[i].exact) ok &= compile(n, rule, &(*rules)->patterns[i]);
  }
  if (!ok) net_rules_end(*rules);
  return ok;
}

void net_rules_end(net_rules *rules) {
  for (uint32_t i = 0; i < rules->quantization->rule_count; i++)
    if (rules->patterns[i].compiled) regfree(&rules->patterns[i].regex);
}

/* ---- tensors ---- */

/* Operators that can keep their exact sum have an accumulator. */
static bool accumulates(netc *n, const net_op *op) {
  const net_op_field *fields;
  uint32_t count = net_op_attributes(n, op, &fields);
  for (uint32_t i = 0; i < count; i++)
    if (!strcmp(fields[i].name, "wide")) return true;
  return op->class == OP_CONTRACTION;
}

bool net_op_has(netc *n, const net_op *op, net_tensor_role role) {
  const net_op_field *fields;
  uint32_t count = net_op_inputs(n, op, &fields);
  if (role == NET_TENSOR_OUTPUT) return true;
  if (role == NET_TENSOR_ACCUMULATOR) return accumulates(n, op);
  for (uint32_t i = 0; i < count; i++)
    if (net_op_input_role(&fields[i]) == role) return true;
  return false;
}

bool net_node_has(const net_graph *graph, net_node_id node, net_tensor_role role) {
  if (role == NET_TENSOR_OUTPUT || role == NET_TENSOR_ACCUMULATOR)
    return net_op_has(graph->n, net_node_op(graph, node), role);
  for (uint32_t i = 0; i < graph->nodes.at[node].input_count; i++)
    if (net_node_input(graph, node, i) != NET_NONE && net_node_role(graph, node, i) == role) return true;
  return false;
}

/* ---- matching ---- */

/* Rules are about what a sample goes through, not about what is made of parameters alone. */
static bool is_ruled(const net_graph *g, net_node_id node) {
  return !net_node_is_quantizer(g, node) && g->values.at[g->nodes.at[node].first_output].batched;
}

/* How closely a rule's subject fits a node, 0 the closest; NET_NONE: it does not. Rules of equal closeness
 * follow file order. */
static uint32_t closeness(const net_rules *rules, uint32_t index, net_node_id id) {
  enum { EXACT, PATTERN, LAYERS, OPERATOR = LAYERS + UINT16_MAX, DEFAULT };
  const net_graph *g = rules->graph;
  const net_node *node = &g->nodes.at[id];
  const net_quantize_rule *rule = &rules->quantization->rules[index];
  const pattern *p = &rules->patterns[index];
  switch (rule->scope) {
  case NET_RULE_QUOTED:
    if (p->exact) return net_name_same(node->name, rule->what) ? EXACT : NET_NONE;
    return regexec(&p->regex, net_text(rules->n, node->name), 0, NULL, 0) ? NET_NONE : PATTERN;
  case NET_RULE_LAYER:
    for (uint32_t i = 0; i < node->layer_count; i++)
      if (net_name_same(net_node_layer(g, id, i), rule->what)) return LAYERS + i;
    return NET_NONE;
  case NET_RULE_OPERATOR:
    return strcmp(net_node_op(g, id)->name, net_text(rules->n, rule->what)) ? NET_NONE : OPERATOR;
  case NET_RULE_DEFAULT: return DEFAULT;
  }
  return NET_NONE;
}

/* *passed: the closest that was passed over on the way to the one found. */
static const net_quantize_rule *find(const net_rules *rules, net_node_id node, net_tensor_role role,
                                     const net_quantize_rule **passed) {
  const net_quantize_rule *best = NULL, *best_passed = NULL;
  uint32_t least = NET_NONE, least_passed = NET_NONE;
  *passed = NULL;
  if (!is_ruled(rules->graph, node) || !net_node_has(rules->graph, node, role)) return NULL;
  bool made = net_node_made_format(rules->graph, node, role) != NULL;
  for (uint32_t i = 0; i < rules->quantization->rule_count; i++) {
    const net_quantize_rule *rule = &rules->quantization->rules[i];
    if (!rule->tensors[role].given) continue;
    uint32_t close = closeness(rules, i, node);
    bool meant = rule->scope == NET_RULE_OPERATOR || rules->patterns[i].exact; /* the node itself */
    const net_format_spec *spec = net_format_at(rules->n, rule->tensors[role].format);
    bool pass = made && !meant && !net_format_stands_alone(spec);
    if (pass && close < least_passed) least_passed = close, best_passed = rule;
    if (!pass && close < least) least = close, best = rule;
  }
  if (least_passed < least) *passed = best_passed;
  return best;
}

const net_quantize_rule *net_rules_find(const net_rules *rules, net_node_id node, net_tensor_role role) {
  const net_quantize_rule *passed;
  return find(rules, node, role, &passed);
}

const net_quantize_rule *net_rules_passed(const net_rules *rules, net_node_id node, net_tensor_role role) {
  const net_quantize_rule *passed;
  find(rules, node, role, &passed);
  return passed;
}

const net_quantize_rule *net_rules_table(const net_rules *rules, net_node_id node) {
  const net_quantize_rule *best = NULL;
  uint32_t least = NET_NONE;
  if (!is_ruled(rules->graph, node) || !net_node_op(rules->graph, node)->table) return NULL;
  for (uint32_t i = 0; i < rules->quantization->rule_count; i++) {
    uint32_t close = rules->quantization->rules[i].table.given ? closeness(rules, i, node) : NET_NONE;
    if (close < least) least = close, best = &rules->quantization->rules[i];
  }
  return best;
}

/* ---- rules that mean nothing ---- */

void net_rules_use(const net_rules *rules, net_rule_use *uses) {
  const net_graph *g = rules->graph;
  for (uint32_t i = 0; i < rules->quantization->rule_count; i++)
    for (net_node_id node = 0; node < g->nodes.count; node++) {
      if (!is_ruled(g, node) || closeness(rules, i, node) == NET_NONE) continue;
      uses[i].matched = true;
      uses[i].has_table |= net_node_op(g, node)->table != NULL;
      for (net_tensor_role role = 0; role < NET_TENSORS; role++)
        uses[i].has[role] |= net_node_has(g, node, role);
    }
}

/* The pattern with its first word as some node's path begins: "head.*" for "haed.*". NULL: no word is
 * near. */
static const char *nearest_pattern(netc *n, const char *text, const net_graph *g) {
  size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  const char **begins = NET_NEW_ARRAY(&n->arena, const char *, g->nodes.count + 1);
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    const char *name = net_text(n, g->nodes.at[i].name);
    begins[i] = net_arena_copy(&n->arena, name, strcspn(name, "."));
  }
  const char *begin = net_arena_copy(&n->arena, text, word);
  const char *near = word ? net_nearest(begin, begins, g->nodes.count) : NULL;
  return near && strcmp(near, begin) ? net_arena_format(&n->arena, "%s%s", near, text + word) : NULL;
}

/* "; did you mean …" for a pattern that matches no node: an input, the name of a layer, a misspelt node. */
static const char *hint(netc *n, const net_quantize_rule *rule, const net_graph *g) {
  const char *text = net_text(n, rule->what);
  size_t length = strlen(text);
  net_value_id v = net_graph_find_value(g, rule->what);
  if (v != NET_NONE && g->values.at[v].kind == NET_VALUE_INPUT)
    return net_arena_format(&n->arena, ": '%s' is an input; the nodes that read it have an `input`", text);
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, g->nodes.count + 1);
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    names[i] = net_text(n, g->nodes.at[i].name);
    if (!strncmp(names[i], text, length) && names[i][length] == '.')
      return net_arena_format(&n->arena, ": the nodes within it are \"%s.*\"", text);
  }
  const char *near = net_nearest(text, names, g->nodes.count);
  if (!near) near = nearest_pattern(n, text, g);
  return near ? net_arena_format(&n->arena, "; did you mean '%s'?", near) : "";
}

const char *net_rule_text(netc *n, const net_quantize_rule *rule) {
  const char *text = net_text(n, rule->what);
  if (rule->scope == NET_RULE_DEFAULT) return "default";
  return rule->scope == NET_RULE_QUOTED ? net_arena_format(&n->arena, "\"%s\"", text) : text;
}

bool net_rules_report(netc *n, const net_quantization *quantization, const net_rule_use *uses,
                      uint32_t scopes, const char *where, const net_graph *graph) {
  static const char *const what[] = {[NET_RULE_QUOTED] = "matches",
                                     [NET_RULE_LAYER] = "comes from the layer",
                                     [NET_RULE_OPERATOR] = "is of the operator"};
  bool ok = true;
  for (uint32_t i = 0; i < quantization->rule_count; i++) {
    const net_quantize_rule *rule = &quantization->rules[i];
    if (rule->scope == NET_RULE_DEFAULT || !(scopes >> rule->scope & 1)) continue;
    const char *text = net_text(n, rule->what);
    if (!uses[i].matched) {
      net_error(n, rule->loc, "no node of %s %s '%s'%s", where, what[rule->scope], text,
                graph ? hint(n, rule, graph) : "");
      ok = false;
      continue;
    }
    if (rule->table.given && !uses[i].has_table) {
      net_error(n, rule->table.loc, "no node of %s that %s '%s' is looked up in tables; %s are", where,
                what[rule->scope], text, net_table_operators(n));
      ok = false;
    }
    for (net_tensor_role role = 0; role < NET_TENSORS; role++) {
      if (!rule->tensors[role].given || uses[i].has[role]) continue;
      net_error(n, rule->tensors[role].loc, "no node of %s that %s '%s' has %s %s", where, what[rule->scope],
                text, role == NET_TENSOR_INPUT || role >= NET_TENSOR_OUTPUT ? "an" : "a",
                net_tensor_role_names[role]);
      ok = false;
    }
  }
  return ok;
}
