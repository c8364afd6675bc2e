/* Graph → statements: a buffer for every value, the statements of every node, gathers of the batch's rows in
 * front, results and outputs behind. */
#include "kernels/kernels.h"

#include "formats/formats.h"
#include "graph/operator.h"

typedef struct {
  netc *n;
  lp_function *f;
  const net_graph *graph;
  const kn_bindings *bindings;
  lp_buffer index; /* rows of the batch */
} lowering;

static uint32_t position(const net_name *names, uint32_t count, net_name name) {
  for (uint32_t i = 0; i < count; i++)
    if (net_name_same(names[i], name)) return i;
  return LP_NONE;
}

static const kn_variable *find_variable(const kn_bindings *b, net_name name) {
  for (uint32_t i = 0; i < b->variable_count; i++)
    if (net_name_same(b->variables[i].name, name)) return &b->variables[i];
  return NULL;
}

/* The axes of a whole value: [b, one per dimension]. */
static uint32_t whole(lp_function *f, const net_shape *shape, bool batched, lp_expr *indices) {
  uint32_t count = 0;
  if (batched) indices[count++] = lp_batch(f);
  for (uint32_t i = 0; i < shape->rank; i++) indices[count++] = lp_axis_new(f, "i", shape->dim[i]);
  return count;
}

/* value[b, i…] = column[index[b], flat(i…)] */
static bool gather(lowering *l, net_value_id id) {
  const net_value *v = net_graph_value_at(l->graph, id);
  lp_function *f = l->f;
  uint32_t slot = position(l->bindings->columns, l->bindings->column_count, v->name);
  if (slot == LP_NONE)
    return net_fault(l->n, v->loc, "no column is bound to '%s'", net_text(l->n, v->name)), false;
  net_shape width = {1, {(uint32_t)net_shape_elements(&v->shape)}};
  lp_buffer column = lp_buffer_new(f, net_intern_format(l->n, "column.%s", net_text(l->n, v->name)), v->type,
                                   width, true, LP_COLUMN, slot);
  lp_buffer value = lp_buffer_new(f, v->name, v->type, v->shape, true, LP_SCRATCH, 0);
  l->f->value_buffer[id] = value;
  lp_expr to[LP_MAX_RANK];
  uint32_t count = whole(f, &v->shape, true, to);
  lp_expr flat = lp_int(f, 0);
  for (uint32_t i = 0; i < v->shape.rank; i++)
    flat = lp_addition(f, lp_product(f, flat, lp_int(f, v->shape.dim[i])), to[i + 1]);
  lp_assign_at(f, value, count, to, lp_load_from(f, column, lp_load_from(f, l->index, lp_batch(f)), flat));
  return true;
}

/* A constant's elements in whole vectors: its buffer has physical elements beyond the logical ones. */
static const void *padded_copy(lp_function *f, const net_value *v) {
  size_t elements = (size_t)net_shape_elements(&v->shape), each = net_type_bytes(v->type);
  char *copy = net_arena_alloc(f->arena, (elements + KN_PAD) / KN_PAD * KN_PAD * each, 64);
  memcpy(copy, v->data, elements * each);
  return copy;
}

/* A buffer for a value that no node gives. */
static bool place_source(lowering *l, net_value_id id) {
  const net_value *v = net_graph_value_at(l->graph, id);
  lp_function *f = l->f;
  lp_buffer *buffer = &f->value_buffer[id];
  switch (v->kind) {
  case NET_VALUE_INPUT:
  case NET_VALUE_TARGET:
  case NET_VALUE_WEIGHT: return gather(l, id);
  case NET_VALUE_PARAMETER:
  case NET_VALUE_STATISTIC:
  case NET_VALUE_STATE: {
    const kn_variable *variable = find_variable(l->bindings, v->name);
    if (!variable)
      return net_fault(l->n, v->loc, "no variable is bound to '%s'", net_text(l->n, v->name)), false;
    *buffer = lp_buffer_new(f, v->name, v->type, v->shape, false, LP_VARIABLE,
                            (uint32_t)(variable - l->bindings->variables));
    f->buffers.at[*buffer].offset = variable->offset;
    return true;
  }
  case NET_VALUE_SCALAR: {
    uint32_t slot = position(l->bindings->scalars, l->bindings->scalar_count, v->name);
    if (slot == LP_NONE)
      return net_fault(l->n, v->loc, "no scalar is bound to '%s'", net_text(l->n, v->name)), false;
    *buffer = lp_buffer_new(f, v->name, v->type, v->shape, false, LP_SCALAR, slot);
    return true;
  }
  case NET_VALUE_CONSTANT:
    *buffer = lp_buffer_new(f, v->name, v->type, v->shape, false, LP_CONSTANT, 0);
    f->buffers.at[*buffer].data = padded_copy(f, v);
    return true;
  case NET_VALUE_RESULT: return true; /* with its node */
  }
  return false;
}

/* Buffers of a node's results: an alias output is the input's own buffer. */
static void place_results(lowering *l, net_node_id id) {
  for (uint32_t i = 0; i < net_graph_at(l->graph, id)->output_count; i++) {
    net_value_id value = net_node_output(l->graph, id, i), alias = net_node_alias(l->graph, id, i);
    const net_value *v = net_graph_value_at(l->graph, value);
    l->f->value_buffer[value] =
        alias != NET_NONE ? l->f->value_buffer[alias]
                          : lp_buffer_new(l->f, v->name, v->type, v->shape, v->batched, LP_SCRATCH, 0);
    if (v->format != NET_FORMAT_FLOAT32)
      l->f->buffers.at[l->f->value_buffer[value]].bits = net_format_width(l->n, v->format);
  }
}

/* *loss, *weight_sum, *correct */
static void store_results(lowering *l) {
  static const struct {
    const char *name;
    net_type type;
  } results[] = {{"loss", NET_F64}, {"weight_sum", NET_F64}, {"correct", NET_U32}};
  lp_function *f = l->f;
  for (uint32_t i = 0; i < l->graph->losses.count && i < 3; i++) {
    net_value_id value = l->graph->losses.at[i];
    if (value == NET_NONE) continue;
    lp_buffer from = f->value_buffer[value];
    lp_buffer to = lp_buffer_new(f, net_intern_format(l->n, "result.%s", results[i].name), results[i].type,
                                 (net_shape){0}, false, LP_RESULT, i);
    lp_assign_at(f, to, 0, NULL, lp_convert(f, results[i].type, lp_load_at(f, from, 0, NULL)));
  }
}

static void store_output(lowering *l, uint32_t slot) {
  net_value_id id = l->bindings->outputs[slot];
  const net_value *v = net_graph_value_at(l->graph, id);
  lp_function *f = l->f;
  net_shape width = {1, {(uint32_t)net_shape_elements(&v->shape)}};
  lp_buffer to = lp_buffer_new(f, net_intern_format(l->n, "output.%s", net_text(l->n, v->name)), v->type,
                               width, true, LP_OUTPUT, slot);
  lp_expr from[LP_MAX_RANK], flat = lp_int(f, 0);
  uint32_t count = whole(f, &v->shape, v->batched, from);
  for (uint32_t i = 0; i < v->shape.rank; i++)
    flat = lp_addition(f, lp_product(f, flat, lp_int(f, v->shape.dim[i])), from[i + v->batched]);
  lp_assign(f, to, lp_load_at(f, f->value_buffer[id], count, from), lp_batch(f), flat);
}

lp_function *kn_lower(netc *n, net_arena *arena, const net_graph *graph, const kn_bindings *bindings,
                      net_name name, uint32_t batch, bool masked) {
  lp_function *f = lp_function_new(n, arena, name, batch, masked);
  lowering l = {n, f, graph, bindings, 0};
  f->value_buffer = NET_NEW_ARRAY(arena, lp_buffer, graph->values.count + 1);
  for (uint32_t v = 0; v < graph->values.count; v++) f->value_buffer[v] = LP_NONE;
  l.index = lp_buffer_new(f, net_intern(n, "index"), NET_U32, (net_shape){0}, true, LP_INDEX, 0);
  net_name *names = NET_NEW_ARRAY(arena, net_name, graph->nodes.count + 1);
  for (net_node_id id = 0; id < graph->nodes.count; id++) names[id] = graph->nodes.at[id].name;
  f->node_name = names;
  f->node = NET_NONE;
  for (uint32_t v = 0; v < graph->values.count; v++)
    if (!place_source(&l, v)) return NULL;
  for (net_node_id id = 0; id < graph->nodes.count; id++) {
    const net_op *op = net_node_op(graph, id);
    if (!op->kernel)
      return net_fault(n, graph->nodes.at[id].loc, "operator '%s' has no kernel", op->name), NULL;
    place_results(&l, id);
    f->node = id;
    f->update = op->class == OP_UPDATE;
    op->kernel(f, graph, id);
  }
  f->node = NET_NONE;
  f->update = false;
  store_results(&l);
  for (uint32_t i = 0; i < bindings->output_count; i++) store_output(&l, i);
  return n->diagnostics.faults ? NULL : f;
}
