/* Kernels of movement.c. */
#include "ops/kernel.h"

/* The place with `offset` added to its index of an axis. */
static ops_place shifted(lp_function *f, const ops_place *at, uint32_t axis, uint32_t offset) {
  return ops_place_with(at, axis, lp_addition(f, at->at[axis], lp_int(f, offset)));
}

/* One statement for each value: y[…, begin + i, …] = x[…, i, …]. */
void concat_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  uint32_t axis = ops_node_axis(graph, node, 0), begin = 0;
  for (uint32_t i = 0; i < net_graph_at(graph, node)->input_count; i++) {
    const net_shape *shape = &ops_input(graph, node, i)->shape;
    ops_place from = ops_axes(f, shape, "ijklmn"), to = shifted(f, &from, axis, begin);
    ops_store(f, ops_out_buffer(f, graph, node, 0), &to,
              ops_load(f, ops_in_buffer(f, graph, node, i), &from));
    begin += shape->dim[axis];
  }
}

void slice_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  ops_place to = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  ops_place from =
      shifted(f, &to, ops_node_axis(graph, node, 0), (uint32_t)net_node_int(graph, node, "begin"));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &to, ops_load(f, ops_in_buffer(f, graph, node, 0), &from));
}

/* Zeros before, the value, zeros behind: three statements on disjoint parts of the axis. */
void pad_slice_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  uint32_t axis = ops_node_axis(graph, node, 0), begin = (uint32_t)net_node_int(graph, node, "begin");
  lp_buffer x = ops_in_buffer(f, graph, node, 0), y = ops_out_buffer(f, graph, node, 0);
  net_shape shape = ops_input(graph, node, 0)->shape;
  uint32_t end = begin + shape.dim[axis], size = ops_output(graph, node, 0)->shape.dim[axis];
  ops_place from = ops_axes(f, &shape, "ijklmn"), to = shifted(f, &from, axis, begin);
  ops_store(f, y, &to, ops_load(f, x, &from));
  const uint32_t gaps[2][2] = {{0, begin}, {end, size}};
  for (int i = 0; i < 2; i++) {
    if (gaps[i][0] == gaps[i][1]) continue;
    shape.dim[axis] = gaps[i][1] - gaps[i][0];
    ops_place gap = ops_axes(f, &shape, "ijklmn");
    gap = shifted(f, &gap, axis, gaps[i][0]);
    ops_store(f, y, &gap, lp_real(f, 0));
  }
}

/* Row-major strides of a shape, its element count first. */
static uint32_t boundaries(const net_shape *shape, uint64_t *out) {
  uint32_t count = 0;
  uint64_t stride = net_shape_elements(shape);
  for (uint32_t i = 0; i < shape->rank; stride /= shape->dim[i++]) out[count++] = stride;
  out[count++] = 1;
  return count;
}

/* Index of each axis of a shape in terms of digits, digit d having stride strides[d + 1] and the extent
 * strides[d] / strides[d + 1]. */
static ops_place from_digits(lp_function *f, const net_shape *shape, const uint64_t *strides, uint32_t count,
                             const lp_expr *digits) {
  ops_place place = {.count = shape->rank};
  uint64_t above = net_shape_elements(shape);
  for (uint32_t i = 0; i < shape->rank; i++) {
    uint64_t stride = above / shape->dim[i];
    lp_expr index = lp_int(f, 0);
    for (uint32_t d = 0; d + 1 < count; d++)
      if (strides[d] <= above && strides[d + 1] >= stride)
        index =
            lp_addition(f, index, lp_product(f, digits[d], lp_int(f, (int64_t)(strides[d + 1] / stride))));
    place.at[i] = index;
    above = stride;
  }
  return place;
}

/* If the strides of both shapes, merged, divide each other in turn, the digits of that number system are axes
 * in which both places are affine: [4, 6] → [2, 12] has axes of 2, 2, 6. Otherwise ([2, 3] → [3, 2]) the
 * elements go through a row. */
void reshape_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_shape *from = &ops_input(graph, node, 0)->shape, *to = &ops_output(graph, node, 0)->shape;
  lp_buffer x = ops_in_buffer(f, graph, node, 0), y = ops_out_buffer(f, graph, node, 0);
  uint64_t a[NET_MAX_RANK + 1], b[NET_MAX_RANK + 1], merged[2 * NET_MAX_RANK + 2];
  uint32_t a_count = boundaries(from, a), b_count = boundaries(to, b), count = 0;
  bool divides = true;
  for (uint32_t i = 0, j = 0; i < a_count || j < b_count;) {
    uint64_t next = j == b_count || (i < a_count && a[i] >= b[j]) ? a[i++] : b[j++];
    if (count && merged[count - 1] == next) continue;
    if (count && merged[count - 1] % next) divides = false;
    merged[count++] = next;
  }
  if (!divides) {
    const net_value *value = ops_input(graph, node, 0);
    lp_buffer row =
        lp_temporary(f, "row", NET_F32, ops_vector((uint32_t)ops_elements(value)), value->batched);
    ops_place source = ops_axes(f, from, "ijklmn"), target = ops_axes(f, to, "ijklmn");
    ops_store(f, row, &(ops_place){1, {ops_flat(f, &source, from)}}, ops_load(f, x, &source));
    ops_store(f, y, &target, ops_load(f, row, &(ops_place){1, {ops_flat(f, &target, to)}}));
    return;
  }
  lp_expr digits[2 * NET_MAX_RANK + 2];
  for (uint32_t d = 0; d + 1 < count; d++) {
    char name[2] = {(char)('i' + d)};
    digits[d] = lp_axis_new(f, name, (uint32_t)(merged[d] / merged[d + 1]));
  }
  ops_place source = from_digits(f, from, merged, count, digits);
  ops_place target = from_digits(f, to, merged, count, digits);
  ops_store(f, y, &target, ops_load(f, x, &source));
}
