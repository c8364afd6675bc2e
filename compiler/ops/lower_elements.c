/* relu, add, sub, mul, and what moves numbers, on codes. */
#include "ops/integer.h"
#include "ops/lower.h"

enum { A, B };

bool relu_lower(net_lowering *l) {
  net_code x = l->inputs[A];
  bool ok = lower_call(l, "integer_relu", &x.value, 1,
                       OPS_ATTRIBUTES(net_attribute_int(l->graph->n, "zero", x.zero)), x.units);
  l->output.zero = x.zero, l->output.most = x.most;
  return ok;
}

/* Where the element of a result lies in an input that is broadcast to it. */
static uint64_t place(const net_lowering *l, uint32_t input, uint64_t at) {
  return ops_project(&lower_output(l)->shape, &lower_input(l, input)->shape, at);
}

/* Each term times what brings it to the unit of the sum. */
static bool sum(net_lowering *l, int sign) {
  const net_value *y = lower_output(l);
  uint64_t count = ops_elements(y);
  double *units = NET_NEW_ARRAY(l->arena, double, count), *most = NET_NEW_ARRAY(l->arena, double, count);
  const double *steps = ops_reader_units(l->arena, l->from, net_node_output(l->from, l->node, 0));
  int64_t *factors[2], offset = 0;
  for (uint32_t k = A; k <= B; k++) factors[k] = NET_NEW_ARRAY(l->arena, int64_t, count);
  for (uint64_t i = 0; i < count; i++) {
    uint64_t at[2] = {place(l, A, i), place(l, B, i)};
    double own[2] = {l->inputs[A].units[at[A]], l->inputs[B].units[at[B]]};
    net_multipliers by = {.m = {0}};
    int64_t taken = 0;
    units[i] = ops_unit_of_sum(own[A], own[B], steps[i], &by);
    bool multiplied = by.m[A] || by.m[B];
    if (!(units[i] > 0)) return true;
    for (uint32_t k = A; k <= B; k++) {
      double factor = multiplied ? by.m[k] : own[k] / units[i];
      if (factor >= 0x1p61) return true;
      factors[k][i] = (k == B ? sign : 1) * (int64_t)factor;
      most[i] += factor * lower_most(l, k, at[k]);
      taken -= factors[k][i] * l->inputs[k].zero;
    }
    if (i && taken != offset) return true;
    offset = taken;
  }
  int64_t bits = lower_sum_bits(l, units, most);
  if (!bits) return true;
  net_type type = bits == 32 ? NET_I32 : NET_I64;
  net_value_id inputs[] = {l->inputs[A].value, l->inputs[B].value,
                           lower_constant(l, "a_factor", type, y->shape, factors[A], true),
                           lower_constant(l, "b_factor", type, y->shape, factors[B], true)};
  return lower_call(l, "integer_add", inputs, 4,
                    OPS_ATTRIBUTES(net_attribute_int(l->graph->n, "bits", bits),
                                   net_attribute_int(l->graph->n, "offset", offset)),
                    units);
}

bool add_lower(net_lowering *l) { return sum(l, 1); }
bool sub_lower(net_lowering *l) { return sum(l, -1); }

bool mul_lower(net_lowering *l) {
  netc *n = l->graph->n;
  uint64_t count = ops_elements(lower_output(l));
  double *units = NET_NEW_ARRAY(l->arena, double, count), *most = NET_NEW_ARRAY(l->arena, double, count);
  for (uint64_t i = 0; i < count; i++) {
    uint64_t a = place(l, A, i), b = place(l, B, i);
    units[i] = l->inputs[A].units[a] * l->inputs[B].units[b];
    most[i] = lower_most(l, A, a) * lower_most(l, B, b);
  }
  int64_t bits = lower_sum_bits(l, units, most);
  if (!bits) return true;
  return lower_call(l, "integer_mul", OPS_VALUES(l->inputs[A].value, l->inputs[B].value),
                    OPS_ATTRIBUTES(net_attribute_int(n, "bits", bits),
                                   net_attribute_int(n, "a_zero", l->inputs[A].zero),
                                   net_attribute_int(n, "b_zero", l->inputs[B].zero)),
                    units);
}

/* ---- movement ---- */

static bool same_op(net_lowering *l, const net_value_id *inputs, uint32_t count, const double *units) {
  const net_node *node = net_graph_at(l->from, l->node);
  const net_attribute *attributes =
      node->attribute_count ? &l->from->attributes.at[node->first_attribute] : NULL;
  return lower_call(l, net_node_op(l->from, l->node)->name, inputs, count, attributes, node->attribute_count,
                    units);
}

/* reshape, flatten: the same order of elements */
bool reshape_lower(net_lowering *l) {
  net_code x = l->inputs[A];
  bool ok = same_op(l, &x.value, 1, x.units);
  l->output.zero = x.zero, l->output.most = x.most;
  return ok;
}

/* dropout, when nothing is dropped */
bool same_lower(net_lowering *l) {
  const net_attribute *training = net_node_find_attribute(l->from, l->node, "training");
  if (!training || !training->integer) l->output = l->inputs[A];
  return true;
}

/* Codes of one type for all, with one zero point. */
static net_value_id as_type(net_lowering *l, uint32_t input, net_type type, int32_t zero) {
  net_code x = l->inputs[input];
  if (l->graph->values.at[x.value].type == type && x.zero == zero) return x.value;
  netc *n = l->graph->n;
  net_range ends = ops_code_ends(type);
  const char *suffix = net_arena_format(&n->arena, "x%u", input);
  net_value_id shift = lower_constant(l, net_arena_format(&n->arena, "%s_shift", suffix), NET_I32,
                                      ops_scalar(), (const int64_t[]){0}, true);
  const char *name =
      net_arena_format(&n->arena, "%s.%s", net_text(n, net_graph_at(l->from, l->node)->name), suffix);
  return net_graph_call(l->graph, "integer_rescale", net_intern(n, name), OPS_VALUES(x.value, shift),
                        OPS_ATTRIBUTES(net_attribute_text(n, "type", net_type_name(type)),
                                       net_attribute_int(n, "x_zero", x.zero),
                                       net_attribute_int(n, "zero", zero),
                                       net_attribute_int(n, "low", (int64_t)ends.lo),
                                       net_attribute_int(n, "high", (int64_t)ends.hi)));
}

bool concat_lower(net_lowering *l) {
  const net_value *y = lower_output(l);
  uint32_t count = net_graph_at(l->from, l->node)->input_count, axis = ops_node_axis(l->from, l->node, 0);
  double *units = NET_NEW_ARRAY(l->arena, double, ops_elements(y));
  net_value_id *inputs = NET_NEW_ARRAY(l->arena, net_value_id, count);
  ops_split to = ops_split_at(&y->shape, axis);
  uint64_t begin = 0;
  int32_t zero = l->inputs[0].zero;
  net_range ends = {0, 0};
  for (uint32_t i = 0; i < count; i++) {
    ops_split from = ops_split_at(&lower_input(l, i)->shape, axis);
    for (uint64_t k = 0; k < from.outer * from.extent * from.inner; k++) {
      uint64_t outer = k / (from.extent * from.inner), rest = k % (from.extent * from.inner);
      units[(outer * to.extent + begin) * to.inner + rest] = l->inputs[i].units[k];
    }
    begin += from.extent;
    double moved = (double)zero - l->inputs[i].zero;
    net_range own = ops_code_ends(l->graph->values.at[l->inputs[i].value].type);
    ends = ops_hull(ends, (net_range){own.lo + moved, own.hi + moved});
  }
  net_type type = lower_type(ends.lo, ends.hi);
  if (type == NET_I64 && (ends.lo < -0x1p53 || ends.hi > 0x1p53)) return true;
  for (uint32_t i = 0; i < count; i++)
    if ((inputs[i] = as_type(l, i, type, zero)) == NET_NONE) return false;
  bool ok = same_op(l, inputs, count, units);
  l->output.zero = zero;
  return ok;
}
