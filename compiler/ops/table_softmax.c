/* softmax_table: softmax from entries 2^15 · exp(−d · x_step) by the distance d from the largest code,
 * emulated in numbers; integer_softmax: the same on codes (table.h). */
#include "ops/integer.h"
#include "ops/lower.h"
#include "ops/softmax.h"
#include "ops/table.h"

enum { X, TABLE };

static table_map map_of(const net_graph *graph, net_node_id node) {
  return (table_map){0, net_node_int(graph, node, "last"), (int)net_node_int(graph, node, "shift")};
}

/* What a quotient becomes. */
typedef struct {
  int fraction;
  net_rounding rounding;
  int64_t most;
} quotient_rule;

static quotient_rule rule_of(const net_graph *graph, net_node_id node, int fraction) {
  quotient_rule r = {.fraction = fraction, .most = net_node_int(graph, node, "most")};
  ops_rounding_of(graph, node, &r.rounding);
  return r;
}

static int fraction_of(const net_graph *graph, net_node_id node) {
  return -ilogb(net_node_real(graph, node, "y_step"));
}

static quotient_rule emulated_rule(const net_graph *graph, net_node_id node) {
  return rule_of(graph, node, fraction_of(graph, node));
}

/* ---- shapes ---- */

/* The largest along the axis has the first entry, so that sums are above 0. */
static bool holds_entries(net_graph *graph, net_node_id node) {
  net_value_id id = net_node_input(graph, node, TABLE);
  const net_value *table = net_graph_value_at(graph, id);
  for (uint64_t i = 0; i < ops_elements(table); i++) {
    double entry = table->data ? net_type_element(table->type, table->data, i) : -1;
    if (!(entry >= !i && entry <= 1 << TABLE_ONE && entry == floor(entry)))
      return ops_refuse(graph, node, id, "takes whole entries from 0 to 2^%d, the first of them not 0",
                        TABLE_ONE);
  }
  return true;
}

static bool fits(net_graph *graph, net_node_id node, net_type table, int fraction) {
  uint32_t axis;
  net_rounding rounding;
  if (!ops_axis(graph, node, X, net_node_int(graph, node, "axis"), &axis)) return false;
  if (ops_input(graph, node, X)->shape.dim[axis] > TABLE_MOST_EXTENT)
    return ops_refuse(graph, node, net_node_input(graph, node, X), "sums up to %d entries of a table",
                      (int)TABLE_MOST_EXTENT);
  if (!ops_rounding_of(graph, node, &rounding))
    return ops_refuse(graph, node, NET_NONE, "has no such rounding");
  if (fraction < 0 || fraction > TABLE_MOST_FRACTION || net_node_int(graph, node, "most") < 0)
    return ops_refuse(graph, node, NET_NONE, "cannot give multiples of 2^-%d up to %lld", fraction,
                      (long long)net_node_int(graph, node, "most"));
  return table_require(graph, node, table, map_of(graph, node)) && holds_entries(graph, node);
}

bool softmax_table_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_f32(graph, node) || !table_require_step(graph, node, "x_step") ||
      !table_require_step(graph, node, "y_step"))
    return false;
  if (!ops_unit_is_power(net_node_real(graph, node, "y_step")))
    return ops_refuse(graph, node, NET_NONE, "gives multiples of a power of two");
  return fits(graph, node, NET_F32, fraction_of(graph, node)) && ops_result_like(graph, node, 0, X);
}

bool integer_softmax_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  const net_value *x = ops_input(graph, node, X);
  net_shape shape = x->shape;
  bool batched = x->batched;
  net_type type;
  if (!ops_require_codes(graph, node, X, TABLE) || !ops_code_type(graph, node, "type", &type)) return false;
  if ((double)net_node_int(graph, node, "most") > ops_code_ends(type).hi)
    return ops_refuse(graph, node, NET_NONE, "gives up to %lld, which %s does not hold",
                      (long long)net_node_int(graph, node, "most"), net_type_name(type));
  return fits(graph, node, NET_U16, (int)net_node_int(graph, node, "fraction")) &&
         ops_result(graph, node, 0, type, shape, batched);
}

/* ---- gradient: that of softmax itself ---- */

bool softmax_table_gradient(net_gradient *g) {
  net_attribute axis = *net_node_attribute(g->graph, g->node, "axis");
  net_value_id y =
      net_gradient_call(g, "softmax", "y_float", OPS_VALUES(net_node_input(g->graph, g->node, X)), &axis, 1);
  if (y == NET_NONE) return false;
  g->dx[X] = net_gradient_call(g, "softmax_gradient", "x_gradient", OPS_VALUES(g->dy[0], y), &axis, 1);
  return g->dx[X] != NET_NONE;
}

/* ---- interpret: in double, where all of this is exact ---- */

static double rounded(net_rounding rounding, double e, double sum) {
  double q = floor(e / sum), rest = e - q * sum;
  if (rounding == NET_ROUND_HALF_UP) return q + (2 * rest >= sum);
  if (rounding == NET_ROUND_HALF_EVEN) return q + (2 * rest > sum || (2 * rest == sum && fmod(q, 2) != 0));
  return q;
}

/* step: what the codes in x count; unit: what those in y do. */
static void interpret(const net_interpretation *call, quotient_rule rule, double step, double unit) {
  const net_value *x = ops_in(call, X);
  table_map m = map_of(call->graph, call->node);
  ops_split s = ops_split_at(&x->shape, ops_node_axis(call->graph, call->node, X));
  double *e = NET_NEW_ARRAY(call->arena, double, s.extent);
  for (uint64_t line = 0; line < ops_rows(call, x) * s.outer * s.inner; line++) {
    uint64_t start = line / s.inner * s.extent * s.inner + line % s.inner;
    int64_t largest = INT64_MIN;
    double sum = 0;
    for (uint64_t k = 0; k < s.extent; k++) {
      int64_t code = table_code(call->inputs[X][start + k * s.inner], step);
      if (code > largest) largest = code;
    }
    for (uint64_t k = 0; k < s.extent; k++) {
      int64_t code = table_code(call->inputs[X][start + k * s.inner], step);
      sum += e[k] = call->inputs[TABLE][table_place(m, largest - code)];
    }
    for (uint64_t k = 0; k < s.extent; k++)
      call->outputs[0][start + k * s.inner] =
          unit * fmin(rounded(rule.rounding, ldexp(e[k], rule.fraction), sum), (double)rule.most);
  }
}

void softmax_table_interpret(const net_interpretation *call) {
  interpret(call, emulated_rule(call->graph, call->node), net_node_real(call->graph, call->node, "x_step"),
            net_node_real(call->graph, call->node, "y_step"));
}

void integer_softmax_interpret(const net_interpretation *call) {
  int fraction = (int)net_node_int(call->graph, call->node, "fraction");
  interpret(call, rule_of(call->graph, call->node, fraction), 1, 1);
}

/* ---- ranges ---- */

void softmax_table_range(const net_ranging *call) {
  quotient_rule r = emulated_rule(call->graph, call->node);
  double step = net_node_real(call->graph, call->node, "y_step");
  for (uint64_t i = 0; i < ops_elements(ops_ranged_out(call, 0)); i++) {
    call->outputs[0][i] = (net_range){0, fmin(1, (double)r.most * step)};
    call->output_grids[0][i] = -r.fraction;
    call->output_units[0][i] = step;
  }
}

void integer_softmax_range(const net_ranging *call) {
  double one = ldexp(1, (int)net_node_int(call->graph, call->node, "fraction"));
  double most = (double)net_node_int(call->graph, call->node, "most");
  for (uint64_t i = 0; i < ops_elements(ops_ranged_out(call, 0)); i++)
    call->outputs[0][i] = (net_range){0, fmin(one, most)};
  ops_code_grid(call);
}

/* ---- kernels: all in i32, where nothing wraps ---- */

/* R(e · 2^fraction / sum), 0 ≤ e ≤ sum < 2^30, sum > 0: one bit of the quotient after the other. */
static lp_expr quotient(lp_function *f, quotient_rule rule, lp_expr e, lp_expr sum) {
  lp_expr one = lp_int(f, 1), zero = lp_int(f, 0), q = zero, rest = e;
  for (int bit = 0; bit <= rule.fraction; bit++) {
    if (bit) rest = lp_op2(f, LP_shl, rest, one), q = lp_op2(f, LP_shl, q, one);
    lp_expr goes = lp_op2(f, LP_ge, rest, sum);
    rest = lp_difference(f, rest, lp_select(f, goes, sum, zero));
    q = lp_addition(f, q, lp_select(f, goes, one, zero));
  }
  if (rule.rounding == NET_ROUND_FLOOR || rule.rounding == NET_ROUND_ZERO) return q;
  lp_expr twice = lp_op2(f, LP_shl, rest, one), odd = lp_op2(f, LP_and, q, one);
  lp_expr up = rule.rounding == NET_ROUND_HALF_UP ? lp_op2(f, LP_ge, twice, sum)
                                                  : lp_op2(f, LP_gt, lp_addition(f, twice, odd), sum);
  return lp_addition(f, q, lp_select(f, up, one, zero));
}

/* The result's code at an element, from x's (i32) there. */
static lp_expr shares(lp_function *f, const net_graph *graph, net_node_id node, const softmax_lines *l,
                      quotient_rule rule, lp_expr x) {
  const net_value *value = ops_input(graph, node, X);
  lp_buffer largest = softmax_line_temporary(f, l, "maximum", ops_reduce(f, LP_MAXIMUM, &l->along, false, x));
  lp_expr distance = lp_difference(f, ops_load(f, largest, &l->line), x);
  lp_expr entry =
      lp_lookup_of(f, ops_in_buffer(f, graph, node, TABLE), table_place_of(f, map_of(graph, node), distance));
  lp_buffer entries = lp_temporary(f, "entry", NET_I32, value->shape, value->batched);
  ops_store(f, entries, &l->at, lp_convert(f, NET_I32, entry));
  lp_expr e = ops_load(f, entries, &l->at);
  lp_buffer sums = softmax_line_temporary(f, l, "sum", ops_sum(f, &l->along, false, e));
  lp_expr q = quotient(f, rule, e, ops_load(f, sums, &l->line));
  return lp_op2(f, LP_min, q, lp_int(f, rule.most));
}

void softmax_table_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_value *x = ops_input(graph, node, X);
  softmax_lines l = softmax_lines_of(f, graph, node);
  lp_buffer codes = lp_temporary(f, "code", NET_I32, x->shape, x->batched);
  ops_store(f, codes, &l.at,
            table_code_of(f, ops_load_in(f, graph, node, X, &l.at), net_node_real(graph, node, "x_step")));
  lp_expr q = shares(f, graph, node, &l, emulated_rule(graph, node), ops_load(f, codes, &l.at));
  lp_expr y = lp_product(f, lp_convert(f, NET_F32, q), lp_real(f, net_node_real(graph, node, "y_step")));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &l.at, y);
}

void integer_softmax_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  softmax_lines l = softmax_lines_of(f, graph, node);
  quotient_rule rule = rule_of(graph, node, (int)net_node_int(graph, node, "fraction"));
  lp_expr q = shares(f, graph, node, &l, rule, ops_load_as(f, graph, node, X, NET_I32, &l.at));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &l.at, lp_convert(f, ops_output(graph, node, 0)->type, q));
}

/* ---- in integers ---- */

static int64_t share(quotient_rule rule, int64_t e, int64_t sum) {
  int64_t q = (e << rule.fraction) / sum, rest = (e << rule.fraction) % sum;
  switch (rule.rounding) {
  case NET_ROUND_HALF_EVEN: q += 2 * rest + (q & 1) > sum; break;
  case NET_ROUND_HALF_UP: q += 2 * rest >= sum; break;
  case NET_ROUND_FLOOR:
  case NET_ROUND_ZERO: break;
  }
  return q < rule.most ? q : rule.most;
}

void softmax_table_integers(net_integer_call *call) {
  ops_integers_in x = ops_integer_input(call, X);
  ops_integers_out y = ops_integer_output(call);
  table_map m = map_of(call->graph, call->node);
  quotient_rule rule = emulated_rule(call->graph, call->node);
  ops_split s = ops_split_at(&x.value->shape, ops_node_axis(call->graph, call->node, X));
  int64_t *e = NET_NEW_ARRAY(call->arena, int64_t, s.extent);
  for (uint64_t i = 0; i < y.each; i++) y.unit[i] = net_node_real(call->graph, call->node, "y_step");
  for (uint64_t line = 0; line < x.rows * s.outer * s.inner; line++) {
    uint64_t start = line / s.inner * s.extent * s.inner + line % s.inner;
    int64_t largest = x.q[start], sum = 0;
    for (uint64_t k = 1; k < s.extent; k++)
      if (x.q[start + k * s.inner] > largest) largest = x.q[start + k * s.inner];
    for (uint64_t k = 0; k < s.extent; k++) {
      int64_t distance = largest - x.q[start + k * s.inner];
      if (distance > m.high) distance = m.high;
      sum += e[k] = (int64_t)call->inputs[TABLE].floats[distance >> m.shift];
    }
    for (uint64_t k = 0; k < s.extent; k++) y.q[start + k * s.inner] = share(rule, e[k], sum);
  }
}

bool softmax_table_lower(net_lowering *l) {
  netc *n = l->graph->n;
  net_code x = l->inputs[X];
  const double *numbers = lower_numbers(l, TABLE);
  if (!numbers || !table_counts(l, net_node_real(l->from, l->node, "x_step"))) return true;
  uint32_t count = table_places(map_of(l->from, l->node));
  int64_t *q = NET_NEW_ARRAY(l->arena, int64_t, count), most = net_node_int(l->from, l->node, "most");
  for (uint32_t p = 0; p < count; p++) q[p] = (int64_t)numbers[p];
  uint64_t elements = ops_elements(lower_output(l));
  double *units = NET_NEW_ARRAY(l->arena, double, elements);
  for (uint64_t i = 0; i < elements; i++) units[i] = net_node_real(l->from, l->node, "y_step");
  net_value_id table = lower_constant(l, "table", NET_U16, ops_vector(count), q, false);
  l->output.most = (double)most;
  return lower_call(
      l, "integer_softmax", OPS_VALUES(x.value, table),
      OPS_ATTRIBUTES(
          *net_node_attribute(l->from, l->node, "axis"), *net_node_attribute(l->from, l->node, "last"),
          *net_node_attribute(l->from, l->node, "shift"), *net_node_attribute(l->from, l->node, "rounding"),
          net_attribute_int(n, "fraction", fraction_of(l->from, l->node)), net_attribute_int(n, "most", most),
          net_attribute_text(n, "type", net_type_name(lower_type(0, (double)most)))),
      units);
}
