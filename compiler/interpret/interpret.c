#include "interpret/interpret.h"

#include "graph/operator.h"

#include <math.h>

static uint64_t elements_of(const net_value *value, uint32_t count) {
  return net_shape_elements(&value->shape) * (value->batched ? count : 1);
}

uint64_t net_run_elements(const net_run *run, net_value_id value) {
  return elements_of(&run->graph->values.at[value], run->count);
}

/* Running again uses the same memory. */
static double *room_for(net_run *run, net_value_id value) {
  uint64_t elements = net_run_elements(run, value);
  if (!run->values[value]) run->values[value] = NET_NEW_ARRAY(run->arena, double, elements);
  return run->values[value];
}

net_run net_run_begin(netc *n, const net_graph *graph, net_arena *arena, uint32_t count) {
  net_run run = {.n = n, .graph = graph, .arena = arena, .count = count};
  run.values = NET_NEW_ARRAY(arena, double *, graph->values.count + 1);
  for (net_value_id v = 0; v < graph->values.count; v++)
    if (graph->values.at[v].kind == NET_VALUE_CONSTANT) net_run_set(&run, v, graph->values.at[v].data);
  return run;
}

void net_run_set(net_run *run, net_value_id value, const void *elements) {
  double *to = room_for(run, value);
  net_type type = run->graph->values.at[value].type;
  for (uint64_t i = 0, count = net_run_elements(run, value); i < count; i++)
    to[i] = net_type_element(type, elements, i);
}

void net_run_set_doubles(net_run *run, net_value_id value, const double *elements) {
  double *to = room_for(run, value);
  memmove(to, elements, net_run_elements(run, value) * sizeof *to);
}

bool net_run_node(net_run *run, net_node_id node) {
  const net_graph *g = run->graph;
  const net_node *at = &g->nodes.at[node];
  const net_op *op = net_node_op(g, node);
  const double **inputs = NET_NEW_ARRAY(run->arena, const double *, at->input_count + 1);
  double **outputs = NET_NEW_ARRAY(run->arena, double *, at->output_count + 1);
  for (uint32_t i = 0; i < at->input_count; i++) {
    net_value_id v = net_node_input(g, node, i);
    if (v == NET_NONE) continue;
    inputs[i] = run->values[v];
    if (inputs[i]) continue;
    net_fault(run->n, at->loc, "the interpreter has no '%s' for '%s'", net_text(run->n, g->values.at[v].name),
              net_text(run->n, at->name));
    return false;
  }
  for (uint32_t i = 0; i < at->output_count; i++) {
    net_value_id v = net_node_output(g, node, i);
    outputs[i] = memset(room_for(run, v), 0, net_run_elements(run, v) * sizeof(double));
  }
  net_interpretation call = {.graph = g,
                             .node = node,
                             .count = run->count,
                             .inputs = inputs,
                             .outputs = outputs,
                             .step = run->step,
                             .key = {run->key[0], run->key[1]}};
  net_arena scratch;
  net_arena_init(&scratch, run->n->arena.guard);
  call.arena = &scratch;
  op->interpret(&call);
  net_arena_free(&scratch);
  for (uint32_t i = 0; i < at->output_count && !run->exact; i++)
    for (uint64_t k = 0, count = net_run_elements(run, at->first_output + i);
         k < count && g->values.at[at->first_output + i].type == NET_F32; k++)
      outputs[i][k] = (float)outputs[i][k];
  return true;
}

bool net_run_all(net_run *run) {
  for (net_node_id i = 0; i < run->graph->nodes.count; i++)
    if (!net_run_node(run, i)) return false;
  return true;
}

const double *net_run_updated(const net_run *run, net_value_id value) {
  const net_graph *g = run->graph;
  const double *updated = run->values[value];
  for (net_node_id i = 0; i < g->nodes.count; i++)
    for (uint32_t k = 0; k < g->nodes.at[i].output_count; k++)
      if (net_node_alias(g, i, k) == value) updated = run->values[net_node_output(g, i, k)];
  return updated;
}

net_node_id net_run_first_not_finite(const net_run *run) {
  const net_graph *g = run->graph;
  for (net_node_id i = 0; i < g->nodes.count; i++)
    for (uint32_t k = 0; k < g->nodes.at[i].output_count; k++) {
      net_value_id v = net_node_output(g, i, k);
      for (uint64_t e = 0, count = net_run_elements(run, v); run->values[v] && e < count; e++)
        if (!isfinite(run->values[v][e])) return i;
    }
  return NET_NONE;
}

bool net_interpret(netc *n, const net_graph *graph, net_arena *arena, uint32_t count, uint32_t step,
                   const uint32_t key[2], void **values) {
  net_arena scratch;
  net_arena_init(&scratch, n->arena.guard);
  net_run run = net_run_begin(n, graph, &scratch, count);
  run.step = step;
  run.key[0] = key[0];
  run.key[1] = key[1];
  for (net_value_id v = 0; v < graph->values.count; v++)
    if (graph->values.at[v].kind != NET_VALUE_RESULT && values[v]) net_run_set(&run, v, values[v]);
  bool ok = net_run_all(&run);
  for (net_value_id v = 0; v < graph->values.count && ok; v++) {
    if (graph->values.at[v].kind != NET_VALUE_RESULT) continue;
    net_type type = graph->values.at[v].type;
    uint64_t elements = net_run_elements(&run, v);
    values[v] = net_arena_alloc(arena, elements * net_type_bytes(type), 64);
    for (uint64_t i = 0; i < elements; i++) net_type_set(type, values[v], i, run.values[v][i]);
  }
  net_arena_free(&scratch);
  return ok;
}
