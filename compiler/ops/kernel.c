#include "ops/kernel.h"

ops_place ops_axes(lp_function *f, const net_shape *shape, const char *letters) {
  ops_place place = {.count = shape->rank};
  for (uint32_t i = 0; i < shape->rank; i++) {
    char name[2] = {letters[i]};
    place.at[i] = shape->dim[i] == 1 ? lp_int(f, 0) : lp_axis_new(f, name, shape->dim[i]);
  }
  return place;
}

ops_place ops_leading_place(const ops_place *place, uint32_t count) {
  ops_place out = *place;
  out.count = count;
  return out;
}

ops_place ops_trailing_place(const ops_place *place, uint32_t count) {
  ops_place out = {.count = count};
  for (uint32_t i = 0; i < count; i++) out.at[i] = place->at[place->count - count + i];
  return out;
}

ops_place ops_project_place(lp_function *f, const ops_place *place, const net_shape *part) {
  ops_place out = ops_trailing_place(place, part->rank);
  for (uint32_t i = 0; i < part->rank; i++)
    if (part->dim[i] == 1) out.at[i] = lp_int(f, 0);
  return out;
}

ops_place ops_place_with(const ops_place *place, uint32_t axis, lp_expr index) {
  ops_place out = *place;
  out.at[axis] = index;
  return out;
}

lp_expr ops_flat(lp_function *f, const ops_place *place, const net_shape *shape) {
  lp_expr flat = lp_int(f, 0);
  for (uint32_t i = 0; i < shape->rank; i++)
    flat = lp_addition(f, lp_product(f, flat, lp_int(f, shape->dim[i])), place->at[i]);
  return flat;
}

/* The batch axis goes in front of the indices of a batched buffer. */
static uint32_t indices_of(lp_function *f, lp_buffer buffer, const ops_place *place, lp_expr *out) {
  uint32_t count = 0;
  if (f->buffers.at[buffer].batched) out[count++] = lp_batch(f);
  for (uint32_t i = 0; i < place->count; i++) out[count++] = place->at[i];
  return count;
}

lp_expr ops_load(lp_function *f, lp_buffer buffer, const ops_place *place) {
  lp_expr indices[NET_MAX_RANK + 1];
  uint32_t count = indices_of(f, buffer, place, indices);
  return lp_load_at(f, buffer, count, indices);
}

void ops_store(lp_function *f, lp_buffer buffer, const ops_place *place, lp_expr value) {
  lp_expr indices[NET_MAX_RANK + 1];
  uint32_t count = indices_of(f, buffer, place, indices);
  lp_assign_at(f, buffer, count, indices, value);
}

lp_expr ops_load_in(lp_function *f, const net_graph *graph, net_node_id node, uint32_t input,
                    const ops_place *place) {
  ops_place at = ops_project_place(f, place, &ops_input(graph, node, input)->shape);
  return ops_load(f, ops_in_buffer(f, graph, node, input), &at);
}

lp_expr ops_load_scalar(lp_function *f, const net_graph *graph, net_node_id node, uint32_t input) {
  return ops_load_in(f, graph, node, input, &(ops_place){0});
}

lp_expr ops_reduce(lp_function *f, lp_combine combine, const ops_place *axes, bool batch, lp_expr body) {
  lp_expr over[NET_MAX_RANK + 1];
  uint32_t count = 0;
  if (batch) over[count++] = lp_batch(f);
  for (uint32_t i = 0; i < axes->count; i++)
    if (lp_expr_at(f, axes->at[i])->kind == LP_axis) over[count++] = axes->at[i];
  return count ? lp_reduce_over(f, combine, count, over, body) : body;
}

lp_expr ops_sum(lp_function *f, const ops_place *axes, bool batch, lp_expr body) {
  return ops_reduce(f, LP_SUM, axes, batch, body);
}

lp_expr ops_kept_quotient(lp_function *f, double a, lp_expr b) {
  lp_buffer buffer = lp_temporary(f, "quotient", NET_F32, ops_scalar(), false);
  lp_assign_at(f, buffer, 0, NULL, lp_quotient(f, lp_real(f, a), b));
  return lp_load_at(f, buffer, 0, NULL);
}
