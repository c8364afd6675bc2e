/* What operators without a rule of their own cost (FORMATS section 4): as many computations as elements. */
#include "ops/common.h"

static void elements(const net_graph *graph, net_node_id node, const net_value *value, net_cost *cost) {
  net_cost_elementwise(graph, node, (double)ops_elements(value), cost);
}

void cost_output_elements(const net_graph *graph, net_node_id node, net_cost *cost) {
  elements(graph, node, ops_output(graph, node, 0), cost);
}

void cost_input_elements(const net_graph *graph, net_node_id node, net_cost *cost) {
  elements(graph, node, ops_input(graph, node, 0), cost);
}
