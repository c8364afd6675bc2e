/* A node as a user's call makes it: with the parameters and statistics that its operator takes. */
#include "graph/operator.h"

/* The value for an input that is not data; NET_NONE where the attributes switch it off. */
static bool add_variable(net_graph *graph, const net_op *op, net_name node, const net_op_field *field,
                         uint32_t index, net_value_id *inputs, const net_attribute *attributes,
                         uint32_t count, net_loc loc) {
  bool parameter = !strcmp(field->kind, "parameter"), statistic = !strcmp(field->kind, "statistic");
  net_shape shape = {0};
  net_init init = {NET_INIT_FILL, 0};
  if (!parameter && !statistic) return true; /* a loss's target: the node will say what is missing */
  if (!op->parameter) {
    net_fault(graph->n, loc, "operator %s does not say what its '%s' is like", op->name, field->name);
    return false;
  }
  if (!op->parameter(graph->n, graph, inputs, attributes, count, index, loc, &shape, &init)) return false;
  if (shape.rank == NET_ABSENT) return true;
  net_name name = net_intern_format(graph->n, "%s.%s", net_text(graph->n, node), field->name);
  inputs[index] = net_graph_value(graph, parameter ? NET_VALUE_PARAMETER : NET_VALUE_STATISTIC, name, NET_F32,
                                  shape, false, loc);
  graph->values.at[inputs[index]].init = init;
  return true;
}

/* The data inputs at the places declared for them, NET_NONE at all others. */
static bool place_data(net_graph *graph, const net_op *op, const net_value_id *data, uint32_t data_count,
                       net_loc loc, net_value_id *inputs, uint32_t *count) {
  const net_op_field *fields;
  uint32_t declared = net_op_inputs(graph->n, op, &fields), taken = 0;
  *count = 0;
  for (uint32_t i = 0; i < declared; i++) {
    bool is_data = !strcmp(fields[i].kind, "data");
    if (is_data && !fields[i].optional && taken == data_count) {
      net_error(graph->n, loc, "%s lacks its input '%s'", op->name, fields[i].name);
      return false;
    }
    do inputs[(*count)++] = is_data && taken < data_count ? data[taken++] : NET_NONE;
    while (fields[i].variadic && taken < data_count);
  }
  if (taken == data_count) return true;
  net_error(graph->n, loc, "%s takes %u input%s, not %u", op->name, taken, taken == 1 ? "" : "s", data_count);
  return false;
}

net_node_id net_graph_layer(net_graph *graph, const char *op_name, net_name name, const net_value_id *data,
                            uint32_t data_count, const net_attribute *attributes, uint32_t attribute_count,
                            net_loc loc) {
  netc *n = graph->n;
  const net_op *op = net_op_find(n, op_name, NULL);
  if (!op) return net_error(n, loc, "there is no operator '%s'", op_name), NET_NONE;
  const net_op_field *fields;
  const net_attribute *complete;
  uint32_t declared = net_op_inputs(n, op, &fields), values = graph->values.count, complete_count, count;
  net_value_id *inputs = NET_NEW_ARRAY(graph->arena, net_value_id, declared + data_count + 1);
  if (!net_op_complete(n, graph->arena, op, attributes, attribute_count, loc, &complete, &complete_count) ||
      !place_data(graph, op, data, data_count, loc, inputs, &count))
    return NET_NONE;
  bool ok = true;
  for (uint32_t i = 0; i < declared && ok; i++)
    ok = add_variable(graph, op, name, &fields[i], i, inputs, complete, complete_count, loc);
  net_node_id node = NET_NONE;
  if (ok) node = net_graph_node(graph, op_name, name, inputs, count, complete, complete_count, loc);
  if (node == NET_NONE) graph->values.count = values;
  return node;
}
