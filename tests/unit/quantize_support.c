#include "tests/unit/quantize_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

void quantise_begin(quantise_test *t) {
  *t = (quantise_test){0};
  support_init(&t->n);
  t->q = (net_quantization){.name = net_intern(&t->n, "q"), .rules = t->rules, .calibrated = t->calibrated};
}

void quantise_rule(quantise_test *t, const char *what, net_tensor_role role, const char *format) {
  net_quantize_rule *r = &t->rules[t->q.rule_count++];
  bool quoted = what[0] == '"';
  net_name name = quoted ? net_intern_bytes(&t->n, what + 1, strlen(what) - 2) : net_intern(&t->n, what);
  *r = (net_quantize_rule){.scope = quoted                     ? NET_RULE_QUOTED
                                    : !strcmp(what, "default") ? NET_RULE_DEFAULT
                                                               : NET_RULE_OPERATOR,
                           .what = name};
  r->tensors[role].given = true;
  if (!net_format_parse(&t->n, format, strlen(format), NET_NOWHERE, &r->tensors[role].format))
    fail_msg("%s", support_message(&t->n));
}

void quantise_calibrated(quantise_test *t, const char *node, net_tensor_role role, uint32_t input,
                         uint32_t count, const float *steps, const int32_t *zeros) {
  t->calibrated[t->q.calibrated_count++] =
      (net_calibrated){net_intern(&t->n, node), role, input, count, steps, zeros};
}

net_graph *quantise_run(quantise_test *t, net_pass_id pass, const net_graph *graph,
                        const net_objective *objective) {
  uint32_t have = P_SHAPED;
  const char *before = support_printed(&t->n, graph);
  net_pass_context context = {
      .n = &t->n, .arena = &t->n.arena, .objective = objective, .quantization = &t->q, .verify = true};
  net_graph *result = net_pass_run(&context, pass, graph, &have);
  assert_string_equal(support_printed(&t->n, graph), before); /* the old one is untouched */
  if (result)
    assert_string_equal(support_printed(&t->n, support_parse(&t->n, support_printed(&t->n, result))),
                        support_printed(&t->n, result));
  return result;
}

net_graph *quantise_graph(quantise_test *t, const net_graph *graph) {
  net_graph *result = quantise_run(t, NET_PASS_quantize, graph, NULL);
  if (!result) fail_msg("%s", support_message(&t->n));
  return result;
}

net_node_id quantise_node(quantise_test *t, const net_graph *g, const char *name) {
  net_node_id node = net_graph_find(g, net_intern(&t->n, name));
  if (node == NET_NONE) fail_msg("there is no node '%s' in\n%s", name, support_printed(&t->n, g));
  return node;
}

/* The name of the value that a node takes. */
const char *quantise_taken(quantise_test *t, const net_graph *g, const char *node, uint32_t input) {
  net_value_id v = net_node_input(g, quantise_node(t, g, node), input);
  return v == NET_NONE ? "_" : net_text(&t->n, g->values.at[v].name);
}

const char *quantise_format(quantise_test *t, const net_graph *g, const char *value) {
  return net_format_text(&t->n, g->values.at[support_find(g, value)].format);
}
