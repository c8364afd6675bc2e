#include "interpret/integer.h"

#include "graph/operator.h"

#include <math.h>

static uint64_t elements_of(const net_value *value) { return net_shape_elements(&value->shape); }

net_integers net_integers_begin(netc *n, const net_graph *graph, net_arena *arena, uint32_t count) {
  net_integers run = {.n = n, .graph = graph, .arena = arena, .count = count};
  run.floats = NET_NEW_ARRAY(arena, const float *, graph->values.count + 1);
  run.values = NET_NEW_ARRAY(arena, int64_t *, graph->values.count + 1);
  run.units = NET_NEW_ARRAY(arena, double *, graph->values.count + 1);
  for (net_value_id v = 0; v < graph->values.count; v++)
    if (graph->values.at[v].kind == NET_VALUE_CONSTANT) run.floats[v] = graph->values.at[v].data;
  return run;
}

void net_integers_set(net_integers *run, net_value_id value, const float *elements) {
  run->floats[value] = elements;
}

void net_integers_share(net_integers *run, const net_integers *from) {
  for (net_value_id v = 0; v < run->graph->values.count; v++) {
    if (net_graph_value_at(run->graph, v)->batched) continue;
    run->values[v] = from->values[v];
    run->units[v] = from->units[v];
  }
}

double net_integers_value(const net_integers *run, net_value_id id, uint64_t element) {
  const net_value *value = net_graph_value_at(run->graph, id);
  double x = (double)run->values[id][element] * run->units[id][element % elements_of(value)];
  return value->format == NET_FORMAT_FLOAT32 ? x : (double)(float)x;
}

/* Makes room for the node's first result, and has its operator fill it. */
static bool run_operator(net_integers *run, net_node_id id) {
  const net_graph *g = run->graph;
  const net_node *node = net_graph_at(g, id);
  const net_op *op = net_node_op(g, id);
  net_value_id y = node->first_output;
  const net_value *value = net_graph_value_at(g, y);
  uint64_t each = elements_of(value);
  net_integer_tensor *inputs = NET_NEW_ARRAY(run->arena, net_integer_tensor, node->input_count + 1);
  for (uint32_t i = 0; i < node->input_count; i++) {
    net_value_id v = net_node_input(g, id, i);
    if (v != NET_NONE) inputs[i] = (net_integer_tensor){run->values[v], run->units[v], run->floats[v]};
  }
  net_integer_call call = {
      .graph = g, .node = id, .count = run->count, .arena = run->arena, .inputs = inputs};
  call.q = run->values[y] = NET_NEW_ARRAY(run->arena, int64_t, each *(value->batched ? run->count : 1));
  call.units = run->units[y] = NET_NEW_ARRAY(run->arena, double, each);
  op->integers(&call);
  if (call.unlike)
    return net_fault(run->n, node->loc, "%s '%s' sums numbers of unlike steps", op->name,
                     net_text(run->n, node->name)),
           false;
  if (!call.too_wide) return true;
  net_error(run->n, node->loc, "%s '%s' sums to more than 63 bits: give its inputs fewer", op->name,
            net_text(run->n, node->name));
  return false;
}

static bool run_node(net_integers *run, net_node_id id) {
  const net_node *node = net_graph_at(run->graph, id);
  const net_op *op = net_node_op(run->graph, id);
  if (run->floats[node->first_output] || run->values[node->first_output]) return true; /* given */
  for (uint32_t i = 0; i < node->input_count; i++) {
    net_value_id v = net_node_input(run->graph, id, i);
    if (v == NET_NONE || run->values[v] || run->floats[v]) continue;
    net_fault(run->n, node->loc, "there are no integers '%s' for '%s'",
              net_text(run->n, net_graph_value_at(run->graph, v)->name), net_text(run->n, node->name));
    return false;
  }
  if (!op->integers) return net_fault(run->n, node->loc, "%s has no rule in integers", op->name), false;
  return run_operator(run, id);
}

bool net_integers_run(net_integers *run) {
  for (net_node_id i = 0; i < run->graph->nodes.count; i++)
    if (!run_node(run, i)) return false;
  return true;
}
