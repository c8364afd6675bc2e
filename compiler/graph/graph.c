#include "graph/operator.h"

net_graph *net_graph_new(netc *n, net_arena *arena, net_name name, net_loc loc) {
  net_graph *graph = NET_NEW(arena, net_graph);
  graph->n = n;
  graph->arena = arena;
  graph->name = name;
  graph->loc = loc;
  return graph;
}

#define COPY_VEC(to, from, vec)                                                                              \
  do {                                                                                                       \
    net_vec_reserve((to)->arena, &(to)->vec, (from)->vec.count);                                             \
    if ((from)->vec.count) memcpy((to)->vec.at, (from)->vec.at, (from)->vec.count * sizeof *(to)->vec.at);   \
    (to)->vec.count = (from)->vec.count;                                                                     \
  } while (0)

static const void *copy_data(net_arena *arena, const net_value *value) {
  if (!value->data) return NULL;
  size_t each = net_type_bytes(value->type), bytes = (size_t)net_shape_elements(&value->shape) * each;
  return memcpy(net_arena_alloc(arena, bytes, each), value->data, bytes);
}

net_graph *net_graph_copy(net_arena *arena, const net_graph *graph) {
  net_graph *copy = net_graph_new(graph->n, arena, graph->name, graph->loc);
  COPY_VEC(copy, graph, values);
  COPY_VEC(copy, graph, nodes);
  COPY_VEC(copy, graph, edges);
  COPY_VEC(copy, graph, attributes);
  COPY_VEC(copy, graph, layers);
  COPY_VEC(copy, graph, outputs);
  COPY_VEC(copy, graph, losses);
  COPY_VEC(copy, graph, observed);
  for (uint32_t v = 0; v < copy->values.count; v++)
    copy->values.at[v].data = copy_data(arena, &graph->values.at[v]);
  return copy;
}

net_value_id net_graph_value(net_graph *graph, net_value_kind kind, net_name name, net_type type,
                             net_shape shape, bool batched, net_loc loc) {
  net_value value = {.name = name,
                     .kind = kind,
                     .type = type,
                     .shape = shape,
                     .batched = batched,
                     .format = NET_FORMAT_FLOAT32,
                     .range = NET_RANGE_UNKNOWN,
                     .def = NET_NONE,
                     .loc = loc};
  return net_vec_push(graph->arena, &graph->values, value);
}

/* The inputs of a call against the declared ones: how many, and that those needed are there. */
static bool inputs_fit(net_graph *graph, const net_op *op, const net_value_id *inputs, uint32_t count,
                       uint32_t *padded, net_loc loc) {
  const net_op_field *fields;
  uint32_t declared = net_op_inputs(graph->n, op, &fields), needed = 0;
  bool variadic = declared && fields[declared - 1].variadic;
  for (uint32_t i = 0; i < declared; i++)
    if (!fields[i].optional) needed = i + 1;
  if (count < needed || (count > declared && !variadic)) {
    const char *range = variadic             ? "at least "
                        : declared != needed ? net_arena_format(graph->arena, "%u to ", needed)
                                             : "";
    net_error(graph->n, loc, "%s takes %s%u input%s (%s), not %u", op->name, range, declared,
              declared == 1 ? "" : "s", op->inputs, count);
    return false;
  }
  *padded = count < declared ? declared : count;
  for (uint32_t i = 0; i < *padded; i++) {
    const net_op_field *field = &fields[i < declared ? i : declared - 1];
    net_value_id v = i < count ? inputs[i] : NET_NONE;
    if (v == NET_NONE) {
      if (field->optional) continue;
      net_error(graph->n, loc, "input '%s' of %s is missing", field->name, op->name);
      return false;
    }
    if (v >= graph->values.count) {
      net_fault(graph->n, loc, "input '%s' of %s is no value of the graph", field->name, op->name);
      return false;
    }
    if (!net_op_accepts(field, graph->values.at[v].kind)) {
      net_error(graph->n, loc, "input '%s' of %s must be a %s, but '%s' is not", field->name, op->name,
                field->kind, net_text(graph->n, graph->values.at[v].name));
      return false;
    }
  }
  return true;
}

net_node_id net_graph_node(net_graph *graph, const char *op_name, net_name name, const net_value_id *inputs,
                           uint32_t input_count, const net_attribute *attributes, uint32_t attribute_count,
                           net_loc loc) {
  netc *n = graph->n;
  uint16_t row;
  const net_op *op = net_op_find(n, op_name, &row);
  if (!op) return net_error(n, loc, "there is no operator '%s'", op_name), NET_NONE;
  uint32_t padded, complete_count;
  const net_attribute *complete;
  if (!inputs_fit(graph, op, inputs, input_count, &padded, loc) ||
      !net_op_complete(n, graph->arena, op, attributes, attribute_count, loc, &complete, &complete_count))
    return NET_NONE;
  if (padded > UINT16_MAX) return net_error(n, loc, "%s has more than 65535 inputs", op_name), NET_NONE;

  const net_op_field *outputs;
  uint32_t output_count = net_op_outputs(n, op, &outputs);
  net_node_id id = graph->nodes.count;
  net_node node = {.name = name,
                   .op = row,
                   .input_count = (uint16_t)padded,
                   .output_count = (uint16_t)output_count,
                   .attribute_count = (uint16_t)complete_count,
                   .first_input = graph->edges.count,
                   .first_output = graph->values.count,
                   .first_attribute = graph->attributes.count,
                   .loc = loc,
                   .use = NET_NOWHERE};
  for (uint32_t i = 0; i < padded; i++)
    net_vec_push(graph->arena, &graph->edges, i < input_count ? inputs[i] : NET_NONE);
  for (uint32_t i = 0; i < complete_count; i++) net_vec_push(graph->arena, &graph->attributes, complete[i]);
  for (uint32_t i = 0; i < output_count; i++) {
    net_name output = i ? net_intern_format(n, "%s.%s", net_text(n, name), outputs[i].name) : name;
    net_value_id v = net_graph_value(graph, NET_VALUE_RESULT, output, NET_F32, (net_shape){0}, false, loc);
    graph->values.at[v].def = id;
  }
  net_vec_push(graph->arena, &graph->nodes, node);
  if (!op->shape(n, graph, id)) {
    graph->nodes.count = id;
    graph->values.count = node.first_output;
    graph->edges.count = node.first_input;
    graph->attributes.count = node.first_attribute;
    return NET_NONE;
  }
  return id;
}

net_value_id net_graph_call(net_graph *graph, const char *op, net_name name, const net_value_id *inputs,
                            uint32_t input_count, const net_attribute *attributes, uint32_t attribute_count) {
  net_name fresh = net_graph_fresh_name(graph, name.id ? net_text(graph->n, name) : op);
  net_node_id node =
      net_graph_node(graph, op, fresh, inputs, input_count, attributes, attribute_count, NET_NOWHERE);
  return node == NET_NONE ? NET_NONE : graph->nodes.at[node].first_output;
}

net_value_id net_graph_clone_value(net_graph *to, const net_graph *from, net_value_id value) {
  net_value copy = from->values.at[value];
  copy.data = copy_data(to->arena, &copy);
  return net_vec_push(to->arena, &to->values, copy);
}

net_node_id net_graph_clone_node(net_graph *to, const net_graph *from, net_node_id node, net_value_id *map) {
  const net_node *old = &from->nodes.at[node];
  net_node_id id = to->nodes.count;
  net_node copy = *old;
  copy.first_input = to->edges.count;
  copy.first_output = to->values.count;
  copy.first_attribute = to->attributes.count;
  copy.first_layer = to->layers.count;
  for (uint32_t i = 0; i < old->input_count; i++) {
    net_value_id v = from->edges.at[old->first_input + i];
    net_vec_push(to->arena, &to->edges, v == NET_NONE ? NET_NONE : map[v]);
  }
  for (uint32_t i = 0; i < old->attribute_count; i++)
    net_vec_push(to->arena, &to->attributes, from->attributes.at[old->first_attribute + i]);
  for (uint32_t i = 0; i < old->layer_count; i++)
    net_vec_push(to->arena, &to->layers, from->layers.at[old->first_layer + i]);
  for (uint32_t i = 0; i < old->output_count; i++) {
    net_value_id v = map[old->first_output + i] = net_graph_clone_value(to, from, old->first_output + i);
    to->values.at[v].def = id;
  }
  return net_vec_push(to->arena, &to->nodes, copy);
}

void net_graph_set_layers(net_graph *graph, net_node_id node, const net_name *layers, uint32_t count) {
  graph->nodes.at[node].first_layer = graph->layers.count;
  graph->nodes.at[node].layer_count = (uint16_t)count;
  for (uint32_t i = 0; i < count; i++) net_vec_push(graph->arena, &graph->layers, layers[i]);
}

const net_op *net_node_op(const net_graph *graph, net_node_id node) {
  return &graph->n->ops[graph->nodes.at[node].op];
}

net_value_id net_node_input(const net_graph *graph, net_node_id node, uint32_t index) {
  const net_node *at = &graph->nodes.at[node];
  return index < at->input_count ? graph->edges.at[at->first_input + index] : NET_NONE;
}

net_value_id net_node_output(const net_graph *graph, net_node_id node, uint32_t index) {
  const net_node *at = &graph->nodes.at[node];
  return index < at->output_count ? at->first_output + index : NET_NONE;
}

net_value_id net_node_alias(const net_graph *graph, net_node_id node, uint32_t output) {
  const net_op_field *fields;
  uint32_t count = net_op_outputs(graph->n, net_node_op(graph, node), &fields);
  if (output >= count || strcmp(fields[output].kind, "alias")) return NET_NONE;
  return net_node_input(graph, node, fields[output].input);
}

net_node_id net_graph_find(const net_graph *graph, net_name name) {
  for (net_node_id i = 0; i < graph->nodes.count; i++)
    if (net_name_same(graph->nodes.at[i].name, name)) return i;
  return NET_NONE;
}

net_value_id net_graph_find_value(const net_graph *graph, net_name name) {
  for (net_value_id v = 0; v < graph->values.count; v++)
    if (net_name_same(graph->values.at[v].name, name)) return v;
  return NET_NONE;
}

/* Values' names include the nodes' (of first outputs). */
net_name net_graph_fresh_name(const net_graph *graph, const char *base) {
  net_name name = net_intern(graph->n, base);
  for (uint32_t k = 2; !name.id || net_graph_find_value(graph, name) != NET_NONE; k++)
    name = net_intern_format(graph->n, "%s.%u", base, k);
  return name;
}

uint64_t net_graph_parameters(const net_graph *graph) {
  uint64_t elements = 0;
  for (uint32_t v = 0; v < graph->values.count; v++)
    if (graph->values.at[v].kind == NET_VALUE_PARAMETER)
      elements += net_shape_elements(&graph->values.at[v].shape);
  return elements;
}
