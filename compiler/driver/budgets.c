#include "driver/budgets.h"

#include "driver/bench.h"
#include "graph/cost.h"
#include "pipeline/object.h"

#include <math.h>

bool dr_budgets_ask(const bool *needs, net_budget_source from) {
  for (int i = 0; i < NET_BUDGETS; i++)
    if (needs[i] && net_budgets[i].from == from) return true;
  return false;
}

/* Costs alone are quick; activations are those of the loops that the graph becomes. */
static void count_costs(const net_graph *graph, double *quantities) {
  net_graph *g = net_graph_copy(&graph->n->arena, graph);
  net_graph_cost(g);
  net_cost_total total = net_graph_cost_total(g, 1);
  quantities[NET_BUDGET_parameters] = (double)total.parameters;
  quantities[NET_BUDGET_macs] = total.macs;
  quantities[NET_BUDGET_flops] = total.flops;
  quantities[NET_BUDGET_bitops] = total.bitops;
  quantities[NET_BUDGET_weight_bytes] = total.weight_bytes;
  quantities[NET_BUDGET_average_bits] =
      total.parameters ? 8 * total.weight_bytes / (double)total.parameters : 0;
}

static double activation_bytes(dr_subject *subject, const net_graph *graph) {
  pl_request request = {.network = graph, .functions = PL_INFER, .batch = 1};
  request.target = subject->call->value[DR_cpu];
  request.options.print_after = request.options.stop_after = PL_STAGES;
  return pl_activation_bytes(graph->n, &request);
}

/* NaN: no node sums integers. */
static double widest_sum(const net_graph *graph, const net_ranges *ranges) {
  double bits = NAN;
  for (net_node_id i = 0; i < graph->nodes.count; i++) {
    net_accumulator a;
    if (net_accumulator_find(ranges, i, &a)) bits = fmax(bits, a.bits);
  }
  return bits;
}

void dr_budgets_count(dr_subject *subject, const net_graph *graph, const net_ranges *ranges,
                      double *quantities) {
  count_costs(graph, quantities);
  quantities[NET_BUDGET_activation_bytes] = activation_bytes(subject, graph);
  quantities[NET_BUDGET_accumulator] = ranges ? widest_sum(graph, ranges) : (double)NAN;
}

bool dr_budgets_object(dr_subject *subject, const net_graph *graph, const float *const *numbers,
                       rt_checkpoint *weights, const char *target, double *quantities) {
  netc *n = subject->call->n;
  pl_object_request request = {.network = graph, .weights = numbers, .target = target, .prefix = "network"};
  request.options.print_after = request.options.stop_after = PL_STAGES;
  const pl_object *o = pl_object_make(n, &request);
  if (!o) return false;
  quantities[NET_BUDGET_flash] = (double)o->flash;
  quantities[NET_BUDGET_ram] = (double)o->ram;
  quantities[NET_BUDGET_stack] = (double)o->stack;
  quantities[NET_BUDGET_scratch] = (double)o->scratch;
  quantities[NET_BUDGET_latency] = NAN;
  cg_target found;
  dr_timing timing;
  const char *timed;
  if (!cg_target_find(n, NET_NOWHERE, target, &found)) return false;
  if (cg_target_lacks(n, &found)) return true; /* other machines' latency is not known here */
  if (!dr_bench_infer(subject, graph, weights, target, 1, 1, 0.2, &timing, &timed)) return false;
  quantities[NET_BUDGET_latency] = timing.median;
  return true;
}

bool dr_budgets_measure(dr_subject *subject, const net_graph *graph, rt_checkpoint *weights,
                        const bool *needs, double *quantities) {
  bool ranged = needs[NET_BUDGET_accumulator], object = dr_budgets_ask(needs, NET_BUDGET_OBJECT);
  const float *const *numbers = NULL;
  if (dr_budgets_ask(needs, NET_BUDGET_GRAPH)) count_costs(graph, quantities);
  if (needs[NET_BUDGET_activation_bytes])
    quantities[NET_BUDGET_activation_bytes] = activation_bytes(subject, graph);
  if ((ranged || object) && !(numbers = dr_graph_weights(subject, graph, weights))) return false;
  if (ranged)
    quantities[NET_BUDGET_accumulator] =
        widest_sum(graph, net_ranges_find(graph->n, &graph->n->arena, graph, numbers));
  const char *target = dr_has(subject->call, DR_target) || dr_has(subject->call, DR_cpu)
                           ? dr_target(subject->call)
                           : "native";
  return !object || (target && dr_budgets_object(subject, graph, numbers, weights, target, quantities));
}
