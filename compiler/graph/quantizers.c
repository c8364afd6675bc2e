/* Quantisers around a node: which tensors it has, and in what formats they come and go. */
#include "formats/formats.h"
#include "graph/operator.h"

const char *const net_tensor_role_names[NET_TENSORS] = {
    [NET_TENSOR_INPUT] = "input",   [NET_TENSOR_WEIGHT] = "weight",           [NET_TENSOR_BIAS] = "bias",
    [NET_TENSOR_OUTPUT] = "output", [NET_TENSOR_ACCUMULATOR] = "accumulator",
};

net_tensor_role net_op_input_role(const net_op_field *input) {
  if (!strcmp(input->kind, "data")) return NET_TENSOR_INPUT;
  for (net_tensor_role role = NET_TENSOR_WEIGHT; role <= NET_TENSOR_BIAS; role++)
    if (!strcmp(input->kind, "parameter") && !strcmp(input->name, net_tensor_role_names[role])) return role;
  return NET_TENSORS;
}

net_tensor_role net_node_role(const net_graph *graph, net_node_id node, uint32_t input) {
  const net_op_field *fields;
  uint32_t declared = net_op_inputs(graph->n, net_node_op(graph, node), &fields);
  return declared ? net_op_input_role(&fields[input < declared ? input : declared - 1]) : NET_TENSORS;
}

static bool is_owned(const net_graph *graph, net_node_id quantizer, net_name owner) {
  return owner.id && net_name_same(graph->nodes.at[quantizer].owner, owner);
}

net_node_id net_node_input_quantizer(const net_graph *graph, net_node_id node, uint32_t input) {
  net_value_id v = net_node_input(graph, node, input);
  net_node_id def = v == NET_NONE ? NET_NONE : graph->values.at[v].def;
  if (def == NET_NONE || !is_owned(graph, def, graph->nodes.at[node].name)) return NET_NONE;
  return graph->nodes.at[def].role <= NET_TENSOR_BIAS ? def : NET_NONE;
}

/* They follow their owner; what reads them comes later. */
net_node_id net_node_result_quantizer(const net_graph *graph, net_node_id node, net_tensor_role role) {
  net_name owner = graph->nodes.at[node].name;
  for (net_node_id i = node + 1; i < graph->nodes.count && is_owned(graph, i, owner); i++)
    if (graph->nodes.at[i].role == role) return i;
  return NET_NONE;
}

net_value_id net_graph_seen(const net_graph *graph, net_value_id value) {
  net_node_id def = value == NET_NONE ? NET_NONE : graph->values.at[value].def;
  if (def == NET_NONE || graph->nodes.at[def].first_output != value) return value;
  net_node_id last = net_node_result_quantizer(graph, def, NET_TENSOR_OUTPUT);
  if (last == NET_NONE) last = net_node_result_quantizer(graph, def, NET_TENSOR_ACCUMULATOR);
  return last == NET_NONE ? value : net_node_output(graph, last, 0);
}

net_value_id net_graph_plain(const net_graph *graph, net_value_id value) {
  while (value != NET_NONE && graph->values.at[value].def != NET_NONE &&
         net_node_is_quantizer(graph, graph->values.at[value].def))
    value = net_node_input(graph, graph->values.at[value].def, 0);
  return value;
}

net_attribute *net_node_made_format(const net_graph *graph, net_node_id node, net_tensor_role role) {
  char key[32];
  snprintf(key, sizeof key, "%s_format", net_tensor_role_names[role]);
  return net_node_find_attribute(graph, node, key);
}

static bool made_format(const net_graph *graph, net_node_id node, net_tensor_role role,
                        net_format_id *format) {
  const net_attribute *made = net_node_made_format(graph, node, role);
  const char *text = made ? net_text(graph->n, made->text) : "";
  return *text && net_format_parse(graph->n, text, strlen(text), graph->nodes.at[node].loc, format);
}

net_format_id net_node_format(const net_graph *graph, net_node_id node, net_tensor_role role) {
  if (role == NET_TENSOR_OUTPUT)
    return graph->values.at[net_graph_seen(graph, net_node_output(graph, node, 0))].format;
  if (role == NET_TENSOR_ACCUMULATOR) {
    net_node_id q = net_node_result_quantizer(graph, node, role);
    return q == NET_NONE ? NET_FORMAT_FLOAT32 : graph->values.at[net_node_output(graph, q, 0)].format;
  }
  net_format_id made;
  if (made_format(graph, node, role, &made)) return made;
  for (uint32_t i = 0; i < graph->nodes.at[node].input_count; i++) {
    net_value_id v = net_node_input(graph, node, i);
    if (v != NET_NONE && net_node_role(graph, node, i) == role) return graph->values.at[v].format;
  }
  return NET_FORMAT_FLOAT32;
}
