/* relu, add, sub, mul, and what moves numbers, on codes. */
#include "ops/lower.h"

enum { A, B };

bool relu_lower(net_lowering *l) {
  return lower_call(l, "integer_relu", &l->inputs[A].value, 1, OPS_NO_ATTRIBUTES, l->inputs[A].fractions);
}

/* Fraction of what lies at an element of the result in an input that is broadcast to it. */
static int fraction_at(const net_lowering *l, uint32_t input, uint64_t at) {
  return l->inputs[input].fractions[ops_project(&lower_output(l)->shape, &lower_input(l, input)->shape, at)];
}

static bool sum(net_lowering *l, int sign) {
  const net_value *y = lower_output(l);
  uint64_t count = ops_elements(y);
  int *fractions = NET_NEW_ARRAY(l->arena, int, count);
  int64_t *factors[2];
  for (uint32_t k = A; k <= B; k++) factors[k] = NET_NEW_ARRAY(l->arena, int64_t, count);
  for (uint64_t i = 0; i < count; i++) {
    int a = fraction_at(l, A, i), b = fraction_at(l, B, i), f = fractions[i] = a > b ? a : b;
    if (f - a > 61 || f - b > 61) return true;
    factors[A][i] = INT64_C(1) << (f - a);
    factors[B][i] = sign * (INT64_C(1) << (f - b));
  }
  int64_t bits = lower_sum_bits(l, fractions);
  if (!bits) return true;
  net_type type = bits == 32 ? NET_I32 : NET_I64;
  net_value_id inputs[] = {l->inputs[A].value, l->inputs[B].value,
                           lower_constant(l, "a_factor", type, y->shape, factors[A], true),
                           lower_constant(l, "b_factor", type, y->shape, factors[B], true)};
  return lower_call(l, "integer_add", inputs, 4, OPS_ATTRIBUTES(net_attribute_int(l->graph->n, "bits", bits)),
                    fractions);
}

bool add_lower(net_lowering *l) { return sum(l, 1); }
bool sub_lower(net_lowering *l) { return sum(l, -1); }

bool mul_lower(net_lowering *l) {
  uint64_t count = ops_elements(lower_output(l));
  int *fractions = NET_NEW_ARRAY(l->arena, int, count);
  for (uint64_t i = 0; i < count; i++) fractions[i] = fraction_at(l, A, i) + fraction_at(l, B, i);
  int64_t bits = lower_sum_bits(l, fractions);
  if (!bits) return true;
  return lower_call(l, "integer_mul", OPS_VALUES(l->inputs[A].value, l->inputs[B].value),
                    OPS_ATTRIBUTES(net_attribute_int(l->graph->n, "bits", bits)), fractions);
}

/* ---- movement ---- */

static bool same_op(net_lowering *l, const net_value_id *inputs, uint32_t count, const int *fractions) {
  const net_node *node = net_graph_at(l->from, l->node);
  const net_attribute *attributes = node->attribute_count ? &l->from->attributes.at[node->first_attribute] : NULL;
  return lower_call(l, net_node_op(l->from, l->node)->name, inputs, count, attributes, node->attribute_count,
                    fractions);
}

/* reshape, flatten: the same order of elements */
bool reshape_lower(net_lowering *l) { return same_op(l, &l->inputs[A].value, 1, l->inputs[A].fractions); }

/* dropout, when nothing is dropped */
bool same_lower(net_lowering *l) {
  const net_attribute *training = net_node_find_attribute(l->from, l->node, "training");
  if (!training || !training->integer) l->output = l->inputs[A];
  return true;
}

/* Codes of one type for all. */
static net_value_id as_type(net_lowering *l, uint32_t input, net_type type) {
  net_value_id x = l->inputs[input].value;
  if (l->graph->values.at[x].type == type) return x;
  netc *n = l->graph->n;
  net_range ends = ops_code_ends(type);
  const char *suffix = net_arena_format(&n->arena, "x%u", input);
  net_value_id shift = lower_constant(l, net_arena_format(&n->arena, "%s_shift", suffix), NET_I32, ops_scalar(),
                                      (const int64_t[]){0}, true);
  const char *name = net_arena_format(&n->arena, "%s.%s", net_text(n, net_graph_at(l->from, l->node)->name), suffix);
  return net_graph_call(l->graph, "integer_rescale", net_intern(n, name), OPS_VALUES(x, shift),
                        OPS_ATTRIBUTES(net_attribute_text(n, "type", net_type_name(type)),
                                       net_attribute_int(n, "low", (int64_t)ends.lo),
                                       net_attribute_int(n, "high", (int64_t)ends.hi)));
}

bool concat_lower(net_lowering *l) {
  const net_value *y = lower_output(l);
  uint32_t count = net_graph_at(l->from, l->node)->input_count, axis = ops_node_axis(l->from, l->node, 0);
  int *fractions = NET_NEW_ARRAY(l->arena, int, ops_elements(y));
  net_value_id *inputs = NET_NEW_ARRAY(l->arena, net_value_id, count);
  ops_split to = ops_split_at(&y->shape, axis);
  uint64_t begin = 0;
  net_range ends = {0, 0};
  for (uint32_t i = 0; i < count; i++) {
    ops_split from = ops_split_at(&lower_input(l, i)->shape, axis);
    for (uint64_t k = 0; k < from.outer * from.extent * from.inner; k++) {
      uint64_t outer = k / (from.extent * from.inner), rest = k % (from.extent * from.inner);
      fractions[(outer * to.extent + begin) * to.inner + rest] = l->inputs[i].fractions[k];
    }
    begin += from.extent;
    ends = ops_hull(ends, ops_code_ends(l->graph->values.at[l->inputs[i].value].type));
  }
  net_type type = lower_type(ends.lo, ends.hi);
  for (uint32_t i = 0; i < count; i++)
    if ((inputs[i] = as_type(l, i, type)) == NET_NONE) return false;
  return same_op(l, inputs, count, fractions);
}
