#include "graph/cost.h"

#include "formats/formats.h"

#include <math.h>

double net_value_width(const net_graph *graph, net_value_id value) {
  const net_value *v = &graph->values.at[value];
  if (v->type == NET_U32) return 32;
  return net_format_width(graph->n, v->format); /* an exact sum counts as the binary32 that it becomes */
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

/* Only float32, float16 and bfloat16 do floating-point operations; class numbers are no data. */
static bool is_float(const net_graph *graph, net_value_id value) {
  if (value == NET_NONE || graph->values.at[value].type == NET_U32) return false;
  const net_format_spec *spec = net_format_at(graph->n, graph->values.at[value].format);
  return net_formats[spec->family].flags & NET_FORMAT_IEEE;
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

/* What is stored of a value that is the same for all samples: what nodes read it as. */
typedef struct {
  double *width; /* by value; 0: not stored */
  const net_graph *graph;
} storage;

/* Parameters that a value is made of are not stored themselves. */
static void replace(storage *s, net_value_id value) {
  net_node_id def = s->graph->values.at[value].def;
  if (def == NET_NONE || s->graph->values.at[value].batched) return;
  for (uint32_t i = 0; i < s->graph->nodes.at[def].input_count; i++) {
    net_value_id v = net_node_input(s->graph, def, i);
    if (v == NET_NONE) continue;
    s->width[v] = 0;
    replace(s, v);
  }
}

/* Weights and biases as the nodes that take them read them, other parameters as they are. */
static double weight_bytes(const net_graph *graph) {
  net_arena scratch;
  net_arena_init(&scratch, graph->n->arena.guard);
  storage s = {NET_NEW_ARRAY(&scratch, double, graph->values.count + 1), graph};
  double bits = 0;
  for (net_value_id v = 0; v < graph->values.count; v++)
    s.width[v] = graph->values.at[v].kind == NET_VALUE_PARAMETER ? net_value_width(graph, v) : 0;
  for (net_node_id i = 0; i < graph->nodes.count; i++) {
    if (net_node_is_quantizer(graph, i)) continue;
    for (uint32_t k = 0; k < graph->nodes.at[i].input_count; k++) {
      net_value_id plain = net_graph_plain(graph, net_node_input(graph, i, k));
      net_tensor_role role = net_node_role(graph, i, k);
      if (plain == NET_NONE || (role != NET_TENSOR_WEIGHT && role != NET_TENSOR_BIAS)) continue;
      s.width[plain] = net_format_width(graph->n, net_node_format(graph, i, role));
      replace(&s, plain);
    }
  }
  for (net_value_id v = 0; v < graph->values.count; v++)
    bits += s.width[v] * (double)net_shape_elements(&graph->values.at[v].shape);
  net_arena_free(&scratch);
  return bits / 8;
}

static void average_bits(const net_graph *graph, net_cost_total *total) {
  double bits[2] = {0, 0}, elements[2] = {0, 0};
  for (net_node_id i = 0; i < graph->nodes.count; i++) {
    if (net_node_op(graph, i)->class != OP_CONTRACTION) continue;
    for (uint32_t k = 0; k < graph->nodes.at[i].input_count; k++) {
      net_value_id v = net_node_input(graph, i, k);
      net_tensor_role role = net_node_role(graph, i, k);
      if (v == NET_NONE || role > NET_TENSOR_WEIGHT) continue;
      const net_format_spec *spec = net_format_at(graph->n, graph->values.at[v].format);
      double width = net_value_width(graph, v),
             count = (double)net_shape_elements(&graph->values.at[v].shape);
      if (spec->mase && net_format_has_point(spec) && spec->fraction != NET_FORMAT_AUTO)
        width += spec->fraction;
      bits[role] += width * count;
      elements[role] += count;
    }
  }
  total->activation_bits = elements[0] ? bits[0] / elements[0] : NAN;
  total->weight_bits = elements[1] ? bits[1] / elements[1] : NAN;
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
  total.weight_bytes = weight_bytes(graph);
  average_bits(graph, &total);
  return total;
}
