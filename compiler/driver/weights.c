#include "driver/weights.h"

#include "interpret/interpret.h"
#include "passes/integer_only.h"
#include "pipeline/tables.h"

/* Folded weights and the like. */
static bool run_shared(const net_graph *g, const float **numbers) {
  net_run run = net_run_begin(g->n, g, &g->n->arena, 1);
  for (net_value_id v = 0; v < g->values.count; v++)
    if (numbers[v]) net_run_set(&run, v, numbers[v]);
  for (net_node_id id = 0; id < g->nodes.count; id++) {
    const net_value *y = net_graph_value_at(g, net_node_output(g, id, 0));
    bool shared = !y->batched && !net_node_is_quantizer(g, id);
    for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++) {
      net_value_id x = net_node_input(g, id, i);
      shared = shared && (x == NET_NONE || (run.values[x] && !g->values.at[x].batched));
    }
    if (!shared) continue;
    if (!net_run_node(&run, id)) return false;
    uint64_t count = net_run_elements(&run, net_node_output(g, id, 0));
    float *elements = NET_NEW_ARRAY(&g->n->arena, float, count);
    for (uint64_t i = 0; i < count; i++) elements[i] = (float)run.values[net_node_output(g, id, 0)][i];
    numbers[net_node_output(g, id, 0)] = elements;
  }
  return true;
}

/* Variables of the program of a graph, by the graph's values. */
static const float *const *by_value(const net_graph *graph, const rt_program *program,
                                    const float *variables) {
  const float **numbers = NET_NEW_ARRAY(&graph->n->arena, const float *, graph->values.count + 1);
  for (uint32_t i = 0; i < program->variable_count; i++) {
    net_value_id v = net_graph_find_value(graph, net_intern(graph->n, program->variables[i].name));
    if (v != NET_NONE) numbers[v] = variables + program->variables[i].offset;
  }
  return run_shared(graph, numbers) ? numbers : NULL;
}

const float *const *dr_graph_weights(dr_subject *subject, const net_graph *graph,
                                     const rt_checkpoint *weights) {
  netc *n = subject->call->n;
  pl_request request = {.network = graph};
  pl_graphs graphs = {.n = n, .infer = graph};
  pl_tables tables = pl_make_tables(n, &n->arena, &request, &graphs, "");
  const rt_program *program = &tables.program;
  float *variables = dr_variables(subject->call, program);
  rt_initialize(program, subject->experiment.recipe.train.seed, variables);
  dr_set_steps(subject, program, variables);
  if (weights && !dr_load_weights(subject, weights, program, variables)) return NULL;
  return by_value(graph, program, variables);
}

bool dr_integer_weights(dr_subject *subject, const rt_checkpoint *weights, const float *const **numbers) {
  const net_graph *graph = subject->experiment.network.graph;
  net_integer_break first;
  *numbers = NULL;
  return !net_integer_only(graph->n, graph, &first) || (*numbers = dr_graph_weights(subject, graph, weights));
}

const net_ranges *dr_graph_ranges(dr_subject *subject, const net_graph *graph, const rt_checkpoint *weights) {
  netc *n = subject->call->n;
  const float *const *numbers = weights ? dr_graph_weights(subject, graph, weights) : NULL;
  return weights && !numbers ? NULL : net_ranges_find(n, &n->arena, graph, numbers);
}

static bool has_accumulators(const net_graph *graph) {
  for (net_node_id i = 0; i < graph->nodes.count; i++)
    if (net_node_is_quantizer(graph, i) && net_graph_at(graph, i)->role == NET_TENSOR_ACCUMULATOR)
      return true;
  return false;
}

bool dr_check_accumulators(dr_subject *subject, const rt_checkpoint *weights) {
  const net_graph *graph = subject->experiment.network.graph;
  if (!has_accumulators(graph)) return true;
  const net_ranges *ranges = dr_graph_ranges(subject, graph, weights);
  return ranges && net_ranges_check(ranges, NET_ERROR);
}

bool dr_warn_of_accumulators(dr_subject *subject, const rt_program *program, const float *variables) {
  netc *n = subject->call->n;
  const net_graph *graph = subject->experiment.network.graph;
  if (!has_accumulators(graph)) return true;
  const float *const *numbers = by_value(graph, program, variables);
  return !numbers || net_ranges_check(net_ranges_find(n, &n->arena, graph, numbers), NET_WARNING);
}
