#include "graph/cost.h"

/* Every value is binary32 as long as there is one format. */
double net_value_width(const net_graph *graph, net_value_id value) {
  return 8.0 * (double)net_type_bytes(graph->values.at[value].type);
}

static double data_width(const net_graph *graph, net_node_id node) {
  return net_value_width(graph, net_node_input(graph, node, 0));
}

void net_cost_contraction(const net_graph *graph, net_node_id node, double macs, net_value_id weight,
                          net_value_id bias, net_cost *cost) {
  double p = data_width(graph, node), p_bias = bias == NET_NONE ? 0 : net_value_width(graph, bias);
  cost->computations = macs;
  cost->backward = 2 * macs;
  cost->bitops = macs * (p * net_value_width(graph, weight) + (p_bias > p ? p_bias : p));
}

void net_cost_elementwise(const net_graph *graph, net_node_id node, double elements, net_cost *cost) {
  cost->computations = cost->backward = elements;
  cost->bitops = elements * data_width(graph, node);
}

void net_cost_normalisation(const net_graph *graph, net_node_id node, double per_element, double elements,
                            net_cost *cost) {
  double p = data_width(graph, node);
  cost->computations = cost->backward = per_element * elements;
  cost->bitops = cost->computations * p * p;
}

/* Integer formats do no floating-point operations, and class numbers are no data. */
static bool is_float(const net_graph *graph, net_value_id value) {
  return value != NET_NONE && graph->values.at[value].type == NET_F32 &&
         graph->values.at[value].format == NET_FORMAT_FLOAT32;
}

void net_graph_cost(net_graph *graph) {
  for (net_node_id i = 0; i < graph->nodes.count; i++) {
    const net_op *op = net_node_op(graph, i);
    net_cost cost = {0};
    if (op->cost) op->cost(graph, i, &cost);
    cost.flops = is_float(graph, net_node_input(graph, i, 0)) ? cost.computations : 0;
    graph->nodes.at[i].cost = cost;
  }
}

double net_node_samples(const net_graph *graph, net_node_id node, uint32_t batch) {
  const net_node *at = &graph->nodes.at[node];
  bool batched = false;
  for (uint32_t i = 0; i < at->input_count; i++) {
    net_value_id v = graph->edges.at[at->first_input + i];
    batched |= v != NET_NONE && graph->values.at[v].batched;
  }
  for (uint32_t i = 0; i < at->output_count; i++) batched |= graph->values.at[at->first_output + i].batched;
  return batched ? batch : 1;
}

net_cost_total net_graph_cost_total(const net_graph *graph, uint32_t batch) {
  net_cost_total total = {.parameters = net_graph_parameters(graph)};
  for (net_node_id i = 0; i < graph->nodes.count; i++) {
    const net_cost *cost = &graph->nodes.at[i].cost;
    double samples = net_node_samples(graph, i, batch);
    bool contraction = net_node_op(graph, i)->class == OP_CONTRACTION;
    total.computations += samples * cost->computations;
    total.backward += samples * cost->backward;
    total.flops += samples * cost->flops;
    total.bitops += samples * cost->bitops;
    total.macs += contraction ? samples * cost->computations : 0;
  }
  total.true_flops = total.computations + total.macs;
  for (net_value_id v = 0; v < graph->values.count; v++) {
    const net_value *value = &graph->values.at[v];
    if (value->kind == NET_VALUE_PARAMETER)
      total.weight_bytes += net_value_width(graph, v) / 8 * (double)net_shape_elements(&value->shape);
  }
  return total;
}
