#include "tests/unit/freeze_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

const float *const *freeze_data(const net_run *run) {
  const net_graph *g = run->graph;
  const float **data = NET_NEW_ARRAY(run->arena, const float *, g->values.count + 1);
  for (net_value_id v = 0; v < g->values.count; v++) {
    net_value_kind kind = g->values.at[v].kind;
    if (kind != NET_VALUE_PARAMETER && kind != NET_VALUE_STATISTIC) continue;
    uint64_t count = net_run_elements(run, v);
    float *x = NET_NEW_ARRAY(run->arena, float, count);
    for (uint64_t i = 0; i < count; i++) x[i] = (float)run->values[v][i];
    data[v] = x;
  }
  return data;
}

net_graph *freeze_run(const net_run *run, net_pass_id pass, const net_graph *graph) {
  netc *n = graph->n;
  uint32_t have = P_SHAPED | P_FROZEN;
  const char *before = support_printed(n, graph);
  net_pass_context context = {.n = n, .arena = &n->arena, .data = freeze_data(run), .verify = true};
  net_graph *result = net_pass_run(&context, pass, graph, &have);
  if (!result) fail_msg("%s\n%s", support_message(n), before);
  assert_string_equal(support_printed(n, graph), before); /* the old one is untouched */
  const char *text = support_printed(n, result);
  assert_string_equal(support_printed(n, support_parse(n, text)), text);
  return result;
}

net_run freeze_same(const net_run *run, const net_graph *graph) {
  net_run same = net_run_begin(graph->n, graph, run->arena, run->count);
  for (net_value_id v = 0; v < graph->values.count; v++) {
    const net_value *value = net_graph_value_at(graph, v);
    net_value_id old = net_graph_find_value(run->graph, value->name);
    if (value->kind != NET_VALUE_RESULT && value->kind != NET_VALUE_CONSTANT && old != NET_NONE)
      net_run_set_doubles(&same, v, run->values[old]);
  }
  return same;
}
