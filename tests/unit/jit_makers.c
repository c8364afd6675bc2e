#include "tests/unit/jit_makers.h"

/* ---- values ---- */

uint32_t jit_pick(jit_maker *m, uint32_t count) { return (uint32_t)jit_random(&m->draws, 0, count); }
bool jit_rarely(jit_maker *m) { return jit_pick(m, 8) == 0; }

/* A value by the name "PREFIX4x5": the one of that name if there is one. */
net_value_id jit_value(jit_maker *m, const char *prefix, net_value_kind kind, net_type type,
                       net_shape shape) {
  net_graph *g = m->graph;
  bool batched = kind == NET_VALUE_INPUT || kind == NET_VALUE_TARGET || kind == NET_VALUE_WEIGHT;
  const char *name = net_arena_format(g->arena, "%s%s", prefix, batched ? "" : "_");
  for (uint32_t i = 0; i < shape.rank; i++)
    name = net_arena_format(g->arena, "%s%s%u", name, i ? "x" : "", shape.dim[i]);
  net_value_id v = net_graph_find_value(g, net_intern(g->n, name));
  if (v != NET_NONE) return v;
  v = net_graph_value(g, kind, net_intern(g->n, name), type, shape, batched, NET_NOWHERE);
  g->values.at[v].column = v;
  return v;
}

net_value_id jit_named(jit_maker *m, const char *op, net_name name, net_value_id x, net_attribute *a,
                       uint32_t count) {
  net_node_id node = net_graph_node(m->graph, op, name, &x, 1, a, count, NET_NOWHERE);
  if (node == NET_NONE) fail_msg("%s is refused: %s", op, jit_message(m->graph->n));
  return net_node_output(m->graph, node, 0);
}

uint32_t jit_elements(net_shape shape) { return (uint32_t)net_shape_elements(&shape); }

/* Data of a shape. To gather rows takes much code, so that most are parts of one long row. */
net_value_id jit_data(jit_maker *m, const char *prefix, net_shape shape, bool batched) {
  net_graph *g = m->graph;
  netc *n = g->n;
  uint32_t size = jit_elements(shape);
  if (!batched) return jit_value(m, prefix, NET_VALUE_PARAMETER, NET_F32, shape);
  if (size > m->most) return jit_value(m, prefix, NET_VALUE_INPUT, NET_F32, shape);
  net_value_id row = jit_value(m, prefix, NET_VALUE_INPUT, NET_F32, (net_shape){1, {m->most}});
  const char *text = net_arena_format(g->arena, "%s.part%u", prefix, size);
  net_name part_name = net_intern(n, text);
  net_value_id part = net_graph_find_value(g, part_name);
  uint32_t begin = size * 37 % (m->most - size + 1);
  if (part == NET_NONE)
    part = jit_named(m, "slice", part_name, row,
                     (net_attribute[]){net_attribute_int(n, "axis", 0), net_attribute_int(n, "begin", begin),
                                       net_attribute_int(n, "end", begin + size)},
                     3);
  if (shape.rank == 1) return part;
  for (uint32_t i = 0; i < shape.rank; i++)
    text = net_arena_format(g->arena, "%s%s%u", text, i ? "x" : ".as", shape.dim[i]);
  if (!shape.rank) text = net_arena_format(g->arena, "%s.scalar", text);
  net_name name = net_intern(n, text);
  net_value_id shaped = net_graph_find_value(g, name);
  if (shaped != NET_NONE) return shaped;
  return jit_named(m, "reshape", name, part, (net_attribute[]){net_attribute_ints(n, "shape", shape)}, 1);
}

net_value_id jit_scalar(jit_maker *m, const char *name) {
  return jit_value(m, name, NET_VALUE_SCALAR, NET_F32, (net_shape){0});
}

/* A variable that nothing else touches. */
net_value_id jit_own(jit_maker *m, const char *name, net_value_kind kind, net_shape shape) {
  return net_graph_value(m->graph, kind, net_graph_fresh_name(m->graph, name), NET_F32, shape, false,
                         NET_NOWHERE);
}

/* The width on one axis, small extents on the others. */
net_shape jit_shape_of(jit_maker *m, uint32_t rank) {
  static const uint32_t small[] = {2, 3, 2, 1};
  net_shape shape = {.rank = rank};
  uint32_t at = rank ? jit_pick(m, rank) : 0;
  for (uint32_t i = 0; i < rank; i++) shape.dim[i] = i == at ? m->width : small[jit_pick(m, 4)];
  for (uint32_t i = 0; i < rank; i++)
    if (i != at && jit_elements(shape) > m->most) shape.dim[i] = 1;
  return shape;
}

net_shape jit_some_shape(jit_maker *m) { return jit_shape_of(m, jit_pick(m, 12) ? 1 + jit_pick(m, 3) : 0); }

net_shape jit_shape_at(const jit_maker *m, net_value_id v) { return net_graph_value_at(m->graph, v)->shape; }

/* ---- calls ---- */

net_node_id jit_make_call(jit_maker *m, const net_op *op, const net_value_id *in, uint32_t count,
                          const jit_attributes *a) {
  net_graph *g = m->graph;
  net_node_id node =
      net_graph_node(g, op->name, net_graph_fresh_name(g, op->name), in, count, a->at, a->count, NET_NOWHERE);
  if (node == NET_NONE) fail_msg("%s is refused: %s", op->name, jit_message(g->n));
  return node;
}

net_node_id jit_make_layer(jit_maker *m, const net_op *op, net_value_id x, const jit_attributes *a) {
  net_graph *g = m->graph;
  net_node_id node =
      net_graph_layer(g, op->name, net_graph_fresh_name(g, op->name), &x, 1, a->at, a->count, NET_NOWHERE);
  if (node == NET_NONE) fail_msg("%s is refused: %s", op->name, jit_message(g->n));
  return node;
}
