/* concat, reshape, flatten, slice and pad_slice: the same numbers at other places. */
#include "ops/common.h"

static ops_split split_of(const net_interpretation *call, const net_value *value) {
  return ops_split_at(&value->shape, ops_node_axis(call->graph, call->node, 0));
}

/* Copies blocks: for each row and each index before the axis, `extent` entries from entry `from` of the
 * source on to entry `to` of the target on. The axes after it lie together. */
static void copy(const net_interpretation *call, const net_value *source, const double *x, uint64_t from,
                 uint64_t to, uint64_t extent) {
  const net_value *target = ops_out(call, 0);
  ops_split s = split_of(call, source), t = split_of(call, target);
  for (uint64_t row = 0; row < ops_rows(call, target); row++)
    for (uint64_t outer = 0; outer < t.outer; outer++)
      memcpy(call->outputs[0] + ((row * t.outer + outer) * t.extent + to) * t.inner,
             x + (((source->batched ? row : 0) * s.outer + outer) * s.extent + from) * s.inner,
             extent * s.inner * sizeof *x);
}

/* ---- concat ---- */

bool concat_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  uint32_t axis, inputs = net_graph_at(graph, node)->input_count;
  if (!inputs) return ops_refuse(graph, node, NET_NONE, "needs at least 1 value");
  if (!ops_require_one_type(graph, node) ||
      !ops_axis(graph, node, 0, net_node_int(graph, node, "axis"), &axis))
    return false;
  net_shape first = ops_input(graph, node, 0)->shape;
  uint64_t extent = 0;
  bool batched = false;
  for (uint32_t i = 0; i < inputs; i++) {
    const net_value *x = ops_input(graph, node, i);
    net_shape same = x->shape;
    if (axis < same.rank) same.dim[axis] = first.dim[axis];
    if (!net_shape_same(&same, &first))
      return ops_refuse(graph, node, net_node_input(graph, node, i),
                        "along axis %u needs all other axes equal, but %s and %s", axis,
                        ops_describe(graph, net_node_input(graph, node, 0)),
                        ops_describe(graph, net_node_input(graph, node, i)));
    extent += x->shape.dim[axis];
    batched |= x->batched;
  }
  first.dim[axis] = extent > UINT32_MAX ? UINT32_MAX : (uint32_t)extent;
  return ops_result(graph, node, 0, ops_input(graph, node, 0)->type, first, batched);
}

bool concat_gradient(net_gradient *g) {
  netc *n = g->graph->n;
  uint32_t axis = ops_node_axis(g->graph, g->node, 0), inputs = net_graph_at(g->graph, g->node)->input_count;
  uint32_t begin = 0;
  for (uint32_t i = 0; i < inputs; i++) {
    uint32_t end = begin + ops_input(g->graph, g->node, i)->shape.dim[axis];
    if (g->wanted[i]) {
      net_value_id part = net_gradient_call(
          g, "slice", net_arena_format(&n->arena, "x%u_slice", i), OPS_VALUES(g->dy[0]),
          OPS_ATTRIBUTES(net_attribute_int(n, "axis", axis), net_attribute_int(n, "begin", begin),
                         net_attribute_int(n, "end", end)));
      if (part == NET_NONE ||
          !ops_gradient_reduced(g, i, part, net_arena_format(&n->arena, "x%u_gradient", i)))
        return false;
    }
    begin = end;
  }
  return true;
}

void concat_interpret(const net_interpretation *call) {
  uint32_t axis = ops_node_axis(call->graph, call->node, 0);
  uint64_t begin = 0;
  for (uint32_t i = 0; i < net_graph_at(call->graph, call->node)->input_count; i++) {
    const net_value *x = ops_in(call, i);
    copy(call, x, call->inputs[i], 0, begin, x->shape.dim[axis]);
    begin += x->shape.dim[axis];
  }
}

/* ---- reshape, flatten ---- */

bool reshape_shape(netc *n, net_graph *graph, net_node_id node) {
  net_shape shape = net_node_attribute(graph, node, "shape")->ints;
  const net_value *x = ops_input(graph, node, 0);
  net_value_id blamed = net_node_input(graph, node, 0);
  uint64_t elements = ops_elements(x);
  double known = 1;
  uint32_t open = NET_NONE;
  if (!ops_require_one_type(graph, node)) return false;
  for (uint32_t i = 0; i < shape.rank; i++) {
    if (shape.dim[i] == UINT32_MAX && open != NET_NONE)
      return ops_refuse(graph, node, NET_NONE, "can work out one -1 only, but axes %u and %u have it", open,
                        i);
    if (shape.dim[i] == UINT32_MAX)
      open = i;
    else if (shape.dim[i] < 1 || shape.dim[i] > INT32_MAX)
      return ops_refuse(graph, node, NET_NONE, "needs axes of at least 1 (or one -1), but axis %u has %d", i,
                        (int32_t)shape.dim[i]);
    else
      known *= shape.dim[i];
  }
  if (open != NET_NONE && known <= (double)elements && elements % (uint64_t)known == 0) {
    shape.dim[open] = (uint32_t)(elements / (uint64_t)known);
    known = (double)elements;
  }
  if (known != (double)elements || (open != NET_NONE && shape.dim[open] == UINT32_MAX)) {
    const char *text = "[";
    for (uint32_t i = 0; i < shape.rank; i++)
      text = net_arena_format(&n->arena, "%s%s%d", text, i ? ", " : "", (int32_t)shape.dim[i]);
    return ops_refuse(graph, node, blamed, "cannot make %s] of %llu elements: %s", text,
                      (unsigned long long)elements, ops_describe(graph, blamed));
  }
  return ops_result(graph, node, 0, x->type, shape, x->batched);
}

bool flatten_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  const net_value *x = ops_input(graph, node, 0);
  return ops_require_one_type(graph, node) &&
         ops_result(graph, node, 0, x->type, ops_vector((uint32_t)ops_elements(x)), x->batched);
}

bool reshape_gradient(net_gradient *g) {
  net_shape shape = ops_input(g->graph, g->node, 0)->shape;
  g->dx[0] = net_gradient_call(g, "reshape", "x_gradient", OPS_VALUES(g->dy[0]),
                               OPS_ATTRIBUTES(net_attribute_ints(g->graph->n, "shape", shape)));
  return g->dx[0] != NET_NONE;
}

void reshape_interpret(const net_interpretation *call) {
  memcpy(call->outputs[0], call->inputs[0], ops_total(call, ops_in(call, 0)) * sizeof(double));
}

/* ---- slice: entries [begin, end) of an axis ---- */

bool slice_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  uint32_t axis;
  int64_t begin = net_node_int(graph, node, "begin"), end = net_node_int(graph, node, "end");
  if (!ops_require_f32(graph, node) || !ops_axis(graph, node, 0, net_node_int(graph, node, "axis"), &axis))
    return false;
  const net_value *x = ops_input(graph, node, 0);
  net_shape shape = x->shape;
  if (begin < 0 || end <= begin || end > shape.dim[axis]) {
    net_value_id blamed = net_node_input(graph, node, 0);
    return ops_refuse(graph, node, blamed, "cannot take entries %lld to %lld of axis %u: %s",
                      (long long)begin, (long long)end, axis, ops_describe(graph, blamed));
  }
  shape.dim[axis] = (uint32_t)(end - begin);
  return ops_result(graph, node, 0, NET_F32, shape, x->batched);
}

bool slice_gradient(net_gradient *g) {
  netc *n = g->graph->n;
  uint32_t axis = ops_node_axis(g->graph, g->node, 0);
  int64_t size = ops_input(g->graph, g->node, 0)->shape.dim[axis];
  int64_t begin = net_node_int(g->graph, g->node, "begin");
  g->dx[0] = net_gradient_call(g, "pad_slice", "x_gradient", OPS_VALUES(g->dy[0]),
                               OPS_ATTRIBUTES(net_attribute_int(n, "axis", axis),
                                              net_attribute_int(n, "begin", begin),
                                              net_attribute_int(n, "size", size)));
  return g->dx[0] != NET_NONE;
}

void slice_interpret(const net_interpretation *call) {
  uint32_t axis = ops_node_axis(call->graph, call->node, 0);
  uint64_t begin = (uint64_t)net_node_int(call->graph, call->node, "begin");
  copy(call, ops_in(call, 0), call->inputs[0], begin, 0, ops_out(call, 0)->shape.dim[axis]);
}

/* ---- pad_slice: zeros, but for entries from begin on ---- */

bool pad_slice_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  uint32_t axis;
  int64_t begin = net_node_int(graph, node, "begin"), size = net_node_int(graph, node, "size");
  if (!ops_require_f32(graph, node) || !ops_axis(graph, node, 0, net_node_int(graph, node, "axis"), &axis))
    return false;
  const net_value *x = ops_input(graph, node, 0);
  net_shape shape = x->shape;
  if (begin < 0 || size > INT32_MAX || begin > size || size - begin < shape.dim[axis]) {
    net_value_id blamed = net_node_input(graph, node, 0);
    return ops_refuse(graph, node, blamed, "cannot place axis %u at entry %lld of %lld: %s", axis,
                      (long long)begin, (long long)size, ops_describe(graph, blamed));
  }
  shape.dim[axis] = (uint32_t)size;
  return ops_result(graph, node, 0, NET_F32, shape, x->batched);
}

bool pad_slice_gradient(net_gradient *g) {
  netc *n = g->graph->n;
  uint32_t axis = ops_node_axis(g->graph, g->node, 0);
  int64_t extent = ops_input(g->graph, g->node, 0)->shape.dim[axis];
  int64_t begin = net_node_int(g->graph, g->node, "begin");
  g->dx[0] = net_gradient_call(g, "slice", "x_gradient", OPS_VALUES(g->dy[0]),
                               OPS_ATTRIBUTES(net_attribute_int(n, "axis", axis),
                                              net_attribute_int(n, "begin", begin),
                                              net_attribute_int(n, "end", begin + extent)));
  return g->dx[0] != NET_NONE;
}

void pad_slice_interpret(const net_interpretation *call) {
  uint32_t axis = ops_node_axis(call->graph, call->node, 0);
  uint64_t begin = (uint64_t)net_node_int(call->graph, call->node, "begin");
  memset(call->outputs[0], 0, ops_total(call, ops_out(call, 0)) * sizeof(double));
  copy(call, ops_in(call, 0), call->inputs[0], 0, begin, ops_in(call, 0)->shape.dim[axis]);
}
