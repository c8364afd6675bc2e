/* Tables themselves: their functions, their places, and how the quantise pass gets nodes with them. */
#include "ops/table.h"

#include "formats/formats.h"

/* ---- functions ---- */

/* 2^n · Σ r^k / k!, |r| ≤ ½ ln 2 */
double table_exp(double x) {
  enum { TERMS = 16, LEAST = -740 };
  const double high = 0x1.62e42fefa38p-1, low = 0x1.ef35793c7673p-45; /* ln 2: 44 bits, and the rest */
  if (x < LEAST) return 0;
  double n = rint(x * 1.4426950408889634), r = x - n * high - n * low, sum = 1;
  for (int k = TERMS; k > 0; k--) sum = 1 + sum * r / k;
  return ldexp(sum, (int)n);
}

double table_sigmoid(double x) {
  double e = table_exp(-fabs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

double table_tanh(double x) {
  double e = table_exp(-2 * fabs(x)), y = (1 - e) / (1 + e);
  return x < 0 ? -y : y;
}

static const struct {
  const char *name;
  double (*value)(double x);
} functions[] = {{"sigmoid", table_sigmoid}, {"tanh", table_tanh}};

/* ---- places ---- */

table_map table_fitted(int64_t low, int64_t high, uint32_t most) {
  table_map m = {low, high, 0};
  while (table_places(m) > most) m.shift++;
  return m;
}

double table_middle(table_map m, int64_t x) { return ldexp((double)(x >> m.shift) + 0.5, m.shift) - 0.5; }

enum { FAR = 1 << 28 }; /* what lies further out, and NaN, which no quantiser gives, count as that */

int64_t table_code(double x, double step) { return (int64_t)rint(fmin(fmax(x / step, -FAR), FAR)); }

/* By the reciprocal where that is exact. */
lp_expr table_code_of(lp_function *f, lp_expr x, double step) {
  int exponent;
  bool power = frexp(step, &exponent) == 0.5;
  lp_expr steps = power ? lp_product(f, x, lp_real(f, 1 / step)) : lp_quotient(f, x, lp_real(f, step));
  steps = lp_op2(f, LP_min, lp_op2(f, LP_max, steps, lp_real(f, -FAR)), lp_real(f, FAR));
  return lp_convert(f, NET_I32, lp_op1(f, LP_round, steps));
}

lp_expr table_place_of(lp_function *f, table_map m, lp_expr x) {
  x = lp_op2(f, LP_min, lp_op2(f, LP_max, x, lp_int(f, m.low)), lp_int(f, m.high));
  if (m.shift) x = lp_op2(f, LP_shr, x, lp_int(f, m.shift));
  return lp_difference(f, x, lp_int(f, m.low >> m.shift));
}

/* ---- shapes ---- */

bool table_require(net_graph *graph, net_node_id node, net_type type, table_map m) {
  const net_value *table = ops_input(graph, node, 1);
  if (m.shift < 0 || m.shift > 16 || m.low > m.high || m.low < -65536 || m.high > 65536)
    return ops_refuse(graph, node, NET_NONE, "has no such places: %lld to %lld, shifted by %d",
                      (long long)m.low, (long long)m.high, m.shift);
  if (table->type == type && !table->batched && table->shape.rank == 1 &&
      table->shape.dim[0] == table_places(m))
    return true;
  return ops_refuse(graph, node, net_node_input(graph, node, 1), "needs a table of %u entries in %s, but %s",
                    table_places(m), net_type_name(type),
                    ops_describe(graph, net_node_input(graph, node, 1)));
}

bool table_require_step(net_graph *graph, net_node_id node, const char *key) {
  double step = net_node_real(graph, node, key);
  if (step >= 0x1p-126 && step < 0x1p127) return true;
  return ops_refuse(graph, node, NET_NONE, "has a step of %g as its %s", step, key);
}

bool table_counts(const net_lowering *l, double unit) {
  net_code x = l->inputs[0];
  for (uint64_t i = 0; i < ops_elements(ops_input(l->from, l->node, 0)); i++)
    if (x.units[i] != unit) return false;
  return x.zero >= -65536 && x.zero <= 65536;
}

/* ---- nodes for the quantise pass ---- */

static net_node_id add_node(net_tabling *t, const float *entries, uint32_t count, net_format_id format,
                            const net_attribute *attributes, uint32_t attribute_count) {
  net_graph *g = t->graph;
  netc *n = g->n;
  const net_node *node = net_graph_at(t->from, t->node);
  const char *name = net_text(n, node->name);
  net_value_id inputs[] = {
      t->x, net_graph_value(g, NET_VALUE_CONSTANT,
                            net_graph_fresh_name(g, net_arena_format(&n->arena, "%s.table", name)), NET_F32,
                            ops_vector(count), false, t->loc)};
  g->values.at[inputs[1]].data = entries;
  g->values.at[inputs[1]].format = format;
  const char *op = net_arena_format(&n->arena, "%s_table", net_node_op(t->from, t->node)->name);
  return net_graph_node(g, op, node->name, inputs, 2, attributes, attribute_count, node->loc);
}

net_node_id function_table(net_tabling *t) {
  netc *n = t->graph->n;
  const char *name = net_node_op(t->from, t->node)->name;
  uint32_t row = 0, count = (uint32_t)(t->high - t->low + 1);
  while (strcmp(functions[row].name, name)) row++;
  float *all = NET_NEW_ARRAY(t->arena, float, count);
  net_shape shape = ops_vector(count);
  net_format_tensor tensor = {.shape = &shape, .values = all, .calibration = t->y_steps};
  for (uint32_t i = 0; i < count; i++) all[i] = (float)functions[row].value((double)(t->low + i) * t->x_unit);
  const net_format_spec *spec = net_format_at(n, t->y_format);
  net_format_quantize(spec, &tensor, all);
  int64_t low = t->low, high = t->high;
  while (low < high && all[low + 1 - t->low] == all[0]) low++;
  while (high > low && all[high - 1 - t->low] == all[count - 1]) high--;
  table_map m = table_fitted(low, high, t->entries);
  shape = ops_vector(table_places(m));
  float *entries = NET_NEW_ARRAY(t->graph->arena, float, shape.dim[0]);
  for (int64_t p = 0; p < shape.dim[0]; p++) {
    int64_t first = (p + (low >> m.shift)) * ((int64_t)1 << m.shift);
    entries[p] = (float)functions[row].value(table_middle(m, first) * t->x_unit);
  }
  tensor.values = entries;
  net_format_quantize(spec, &tensor, entries);
  if (low > t->low) entries[0] = all[0];
  if (high < t->high) entries[shape.dim[0] - 1] = all[count - 1];
  return add_node(t, entries, shape.dim[0], t->y_format,
                  OPS_ATTRIBUTES(net_attribute_real(n, "x_step", t->x_unit),
                                 net_attribute_real(n, "y_step", t->y_unit), net_attribute_int(n, "low", low),
                                 net_attribute_int(n, "high", high), net_attribute_int(n, "shift", m.shift)));
}

static double share_of(double distance, double unit) {
  return rint(ldexp(table_exp(-distance * unit), TABLE_ONE));
}

net_node_id softmax_table(net_tabling *t) {
  netc *n = t->graph->n;
  int exponent;
  bool power = frexp(t->y_unit, &exponent) == 0.5;
  const char *name = net_text(n, net_graph_at(t->from, t->node)->name);
  const net_format_spec *spec = net_format_at(n, t->y_format);
  double low, high;
  net_format_steps(spec, &low, &high);
  if (!power || 1 - exponent < 0 || 1 - exponent > TABLE_MOST_FRACTION || t->y_zero) {
    net_error(n, t->loc,
              "softmax '%s' with a table gives multiples of 2^-f, f from 0 to %d: give it an output like "
              "integer(8, 8, unsigned = true)",
              name, TABLE_MOST_FRACTION);
    return NET_NONE;
  }
  int64_t last = 0, most = t->high - t->low;
  while (last < most && share_of((double)last, t->x_unit) > 0) last++;
  table_map m = table_fitted(0, last, t->entries);
  uint32_t count = table_places(m);
  float *entries = NET_NEW_ARRAY(t->graph->arena, float, count);
  for (uint32_t p = 0; p < count; p++) entries[p] = (float)share_of(ldexp(p, m.shift), t->x_unit);
  net_format_spec whole = {.family = NET_FORMAT_integer, .width = TABLE_ONE + 1, .is_unsigned = true};
  net_rounding rounding = net_format_has_point(spec) ? spec->rounding : NET_ROUND_HALF_EVEN;
  return add_node(t, entries, count, net_format_intern(n, &whole),
                  OPS_ATTRIBUTES(*net_node_attribute(t->from, t->node, "axis"),
                                 net_attribute_real(n, "x_step", t->x_unit),
                                 net_attribute_real(n, "y_step", t->y_unit),
                                 net_attribute_int(n, "last", last), net_attribute_int(n, "shift", m.shift),
                                 net_attribute_text(n, "rounding", ops_rounding_name(rounding)),
                                 net_attribute_int(n, "most", (int64_t)high)));
}
