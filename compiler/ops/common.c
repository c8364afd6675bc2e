#include "ops/common.h"
#include <math.h>

enum { MAX_ELEMENTS = INT32_MAX }; /* of one sample: loops count in 32 bits */

const net_value *ops_input(const net_graph *graph, net_node_id node, uint32_t index) {
  net_value_id id = net_node_input(graph, node, index);
  return id == NET_NONE ? NULL : &graph->values.at[id];
}

const net_value *ops_output(const net_graph *graph, net_node_id node, uint32_t index) {
  return &graph->values.at[net_node_output(graph, node, index)];
}

const char *ops_describe(const net_graph *graph, net_value_id value) {
  netc *n = graph->n;
  const net_value *v = net_graph_value_at(graph, value);
  return net_arena_format(&n->arena, "'%s' is %s%s", net_text(n, v->name), net_type_name(v->type),
                          net_shape_text(&n->arena, &v->shape));
}

bool ops_refuse(net_graph *graph, net_node_id node, net_value_id blamed, const char *format, ...) {
  netc *n = graph->n;
  const net_node *at = net_graph_at(graph, node);
  va_list arguments;
  va_start(arguments, format);
  const char *message = net_arena_vformat(&n->arena, format, arguments);
  va_end(arguments);
  net_error(n, at->loc, "%s '%s' %s", net_node_op(graph, node)->name, net_text(n, at->name), message);
  if (blamed != NET_NONE && net_graph_value_at(graph, blamed)->loc.end)
    net_note(n, net_graph_value_at(graph, blamed)->loc, "%s, defined here", ops_describe(graph, blamed));
  return false;
}

bool ops_result(net_graph *graph, net_node_id node, uint32_t output, net_type type, net_shape shape,
                bool batched) {
  double elements = 1;
  for (uint32_t i = 0; i < shape.rank; i++) elements *= shape.dim[i];
  if (elements > MAX_ELEMENTS)
    return ops_refuse(graph, node, NET_NONE, "gives %s, more than %d elements a sample",
                      net_shape_text(&graph->n->arena, &shape), (int)MAX_ELEMENTS);
  net_value *value = &graph->values.at[net_node_output(graph, node, output)];
  value->type = type;
  value->shape = shape;
  value->batched = batched;
  return true;
}

bool ops_result_like(net_graph *graph, net_node_id node, uint32_t output, uint32_t input) {
  const net_value *like = ops_input(graph, node, input);
  return ops_result(graph, node, output, NET_F32, like->shape, like->batched);
}

/* ---- requirements ---- */

bool ops_require_f32(net_graph *graph, net_node_id node) {
  return ops_require_f32_but(graph, node, NET_NONE);
}

bool ops_require_f32_but(net_graph *graph, net_node_id node, uint32_t input) {
  for (uint32_t i = 0; i < net_graph_at(graph, node)->input_count; i++) {
    net_value_id id = net_node_input(graph, node, i);
    if (i != input && id != NET_NONE && net_graph_value_at(graph, id)->type != NET_F32)
      return ops_refuse(graph, node, id, "takes f32, but %s", ops_describe(graph, id));
  }
  return true;
}

bool ops_require_one_type(net_graph *graph, net_node_id node) {
  net_type type = ops_input(graph, node, 0)->type;
  if (type == NET_F32 || type == NET_F64 || type == NET_U32) return ops_require_f32(graph, node);
  for (uint32_t i = 1; i < net_graph_at(graph, node)->input_count; i++) {
    net_value_id id = net_node_input(graph, node, i);
    if (net_graph_value_at(graph, id)->type != type)
      return ops_refuse(graph, node, id, "takes values of one type, but %s and %s",
                        ops_describe(graph, net_node_input(graph, node, 0)), ops_describe(graph, id));
  }
  return true;
}

bool ops_require_rank(net_graph *graph, net_node_id node, uint32_t input, uint32_t rank) {
  net_value_id id = net_node_input(graph, node, input);
  if (net_graph_value_at(graph, id)->shape.rank >= rank) return true;
  return ops_refuse(graph, node, id, "needs at least %u %s, but %s", rank, rank == 1 ? "axis" : "axes",
                    ops_describe(graph, id));
}

bool ops_require_batched(net_graph *graph, net_node_id node, uint32_t input) {
  net_value_id id = net_node_input(graph, node, input);
  if (net_graph_value_at(graph, id)->batched) return true;
  return ops_refuse(graph, node, id, "needs a value for each sample, but %s once for all of them",
                    ops_describe(graph, id));
}

bool ops_require_same(net_graph *graph, net_node_id node, uint32_t a, uint32_t b) {
  net_value_id x = net_node_input(graph, node, a), y = net_node_input(graph, node, b);
  const net_value *v = net_graph_value_at(graph, x), *w = net_graph_value_at(graph, y);
  if (net_shape_same(&v->shape, &w->shape) && v->batched == w->batched) return true;
  const char *once = v->batched == w->batched ? ""
                     : w->batched             ? " for each sample"
                                              : " once for all samples";
  return ops_refuse(graph, node, y, "needs equal shapes, but %s and %s%s", ops_describe(graph, x),
                    ops_describe(graph, y), once);
}

bool ops_require_unbatched(net_graph *graph, net_node_id node, uint32_t input, net_shape shape) {
  net_value_id id = net_node_input(graph, node, input);
  if (id == NET_NONE) return true;
  const net_value *value = net_graph_value_at(graph, id);
  if (!value->batched && net_shape_same(&value->shape, &shape)) return true;
  const net_op_field *fields;
  net_op_inputs(graph->n, net_node_op(graph, node), &fields);
  return ops_refuse(graph, node, id, "needs %s%s for its %s, but %s%s", net_type_name(value->type),
                    net_shape_text(&graph->n->arena, &shape), fields[input].name, ops_describe(graph, id),
                    value->batched ? " for each sample" : "");
}

bool ops_require_real(net_graph *graph, net_node_id node, const char *key, double lo, double hi, bool open) {
  double value = net_node_real(graph, node, key);
  if (open ? value > lo && value < hi : value >= lo && value <= hi) return true;
  if (isinf(lo)) return ops_refuse(graph, node, NET_NONE, "needs a finite %s, not %g", key, value);
  if (isinf(hi))
    return ops_refuse(graph, node, NET_NONE, "needs %s %s %g, not %g", key, open ? ">" : ">=", lo, value);
  return ops_refuse(graph, node, NET_NONE, "needs %s from %g to %g, not %g", key, lo, hi, value);
}

bool ops_axis(net_graph *graph, net_node_id node, uint32_t input, int64_t axis, uint32_t *out) {
  net_value_id id = net_node_input(graph, node, input);
  int64_t rank = net_graph_value_at(graph, id)->shape.rank;
  if (axis >= -rank && axis < rank) {
    *out = (uint32_t)(axis < 0 ? axis + rank : axis);
    return true;
  }
  return ops_refuse(graph, node, id, "has no axis %lld: %s (axes count from 0, the batch left out)",
                    (long long)axis, ops_describe(graph, id));
}

uint32_t ops_node_axis(const net_graph *graph, net_node_id node, uint32_t input) {
  int64_t axis = net_node_int(graph, node, "axis");
  return (uint32_t)(axis < 0 ? axis + ops_input(graph, node, input)->shape.rank : axis);
}

/* ---- shapes ---- */

net_shape ops_leading(net_shape shape, uint32_t rank) {
  net_shape out = {.rank = rank};
  for (uint32_t i = 0; i < rank; i++) out.dim[i] = shape.dim[i];
  return out;
}

net_shape ops_trailing(net_shape shape, uint32_t rank) {
  net_shape out = {.rank = rank};
  for (uint32_t i = 0; i < rank; i++) out.dim[i] = shape.dim[shape.rank - rank + i];
  return out;
}

bool ops_broadcast(net_shape a, net_shape b, net_shape *out) {
  net_shape full = {.rank = a.rank > b.rank ? a.rank : b.rank};
  for (uint32_t i = 1; i <= full.rank; i++) { /* from the end */
    uint32_t x = i <= a.rank ? a.dim[a.rank - i] : 1, y = i <= b.rank ? b.dim[b.rank - i] : 1;
    if (x != y && x != 1 && y != 1) return false;
    full.dim[full.rank - i] = x == 1 ? y : x;
  }
  *out = full;
  return true;
}

bool ops_broadcasts_to(net_shape part, net_shape full) {
  net_shape out;
  return ops_broadcast(part, full, &out) && net_shape_same(&out, &full);
}

uint64_t ops_project(const net_shape *full, const net_shape *part, uint64_t index) {
  uint64_t at = 0, stride = 1;
  for (uint32_t i = 1; i <= part->rank; i++) { /* from the end */
    uint32_t extent = full->dim[full->rank - i], kept = part->dim[part->rank - i];
    if (kept != 1) at += index % extent * stride;
    stride *= kept;
    index /= extent;
  }
  return at;
}

ops_split ops_split_at(const net_shape *shape, uint32_t axis) {
  ops_split split = {1, shape->dim[axis], 1};
  for (uint32_t i = 0; i < axis; i++) split.outer *= shape->dim[i];
  for (uint32_t i = axis + 1; i < shape->rank; i++) split.inner *= shape->dim[i];
  return split;
}

/* ---- gradient ---- */

bool ops_gradient_reduced(net_gradient *g, uint32_t input, net_value_id dy, const char *suffix) {
  netc *n = g->graph->n;
  const net_value *to = ops_input(g->graph, g->node, input), *from = net_graph_value_at(g->graph, dy);
  if (net_shape_same(&to->shape, &from->shape) && to->batched == from->batched) {
    g->dx[input] = dy;
    return true;
  }
  g->dx[input] = net_gradient_call(g, "reduce_to", suffix, OPS_VALUES(dy),
                                   OPS_ATTRIBUTES(net_attribute_ints(n, "shape", to->shape),
                                                  net_attribute_bool(n, "batched", to->batched)));
  return g->dx[input] != NET_NONE;
}
