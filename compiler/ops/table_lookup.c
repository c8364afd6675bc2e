/* sigmoid_table, tanh_table: y = table[place of x / x_step], emulated in numbers; integer_table: the same on
 * codes. */
#include "ops/integer.h"
#include "ops/lower.h"
#include "ops/table.h"

enum { X, TABLE };

static table_map map_of(const net_graph *graph, net_node_id node) {
  return (table_map){net_node_int(graph, node, "low"), net_node_int(graph, node, "high"),
                     (int)net_node_int(graph, node, "shift")};
}

/* ---- emulated ---- */

bool table_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return ops_require_f32(graph, node) && table_require_step(graph, node, "x_step") &&
         table_require_step(graph, node, "y_step") &&
         table_require(graph, node, NET_F32, map_of(graph, node)) && ops_result_like(graph, node, 0, X);
}

/* That of the function itself, as quantisers let gradients through. */
bool table_gradient(net_gradient *g) {
  const char *name = net_node_op(g->graph, g->node)->name;
  const char *function = net_arena_copy(&g->graph->n->arena, name, strlen(name) - strlen("_table"));
  net_value_id y = net_gradient_call(g, function, "y_float", OPS_VALUES(net_node_input(g->graph, g->node, X)),
                                     OPS_NO_ATTRIBUTES);
  if (y == NET_NONE) return false;
  const char *op = net_arena_format(&g->graph->n->arena, "%s_gradient", function);
  g->dx[X] = net_gradient_call(g, op, "x_gradient", OPS_VALUES(g->dy[0], y), OPS_NO_ATTRIBUTES);
  return g->dx[X] != NET_NONE;
}

void table_interpret(const net_interpretation *call) {
  table_map m = map_of(call->graph, call->node);
  double step = net_node_real(call->graph, call->node, "x_step");
  for (uint64_t i = 0; i < ops_total(call, ops_out(call, 0)); i++)
    call->outputs[0][i] = call->inputs[TABLE][table_place(m, table_code(call->inputs[X][i], step))];
}

/* The hull of the entries that x can have. */
static net_range entries_between(const net_ranging *call, table_map m, double low, double high) {
  low = fmin(fmax(low, (double)m.low), (double)m.high),
  high = fmin(fmax(high, (double)m.low), (double)m.high);
  int64_t first = table_place(m, (int64_t)floor(low)), last = table_place(m, (int64_t)ceil(high));
  net_range all = call->inputs[TABLE][first];
  for (int64_t p = first + 1; p <= last; p++) all = ops_hull(all, call->inputs[TABLE][p]);
  return all;
}

static int exponent_of(double step) {
  int exponent;
  return frexp(step, &exponent) == 0.5 ? exponent - 1 : NET_NO_GRID;
}

/* Emulation of scaled integers may lie a step off. */
void table_range(const net_ranging *call) {
  table_map m = map_of(call->graph, call->node);
  double x_step = net_node_real(call->graph, call->node, "x_step");
  double y_step = net_node_real(call->graph, call->node, "y_step");
  for (uint64_t i = 0; i < ops_elements(ops_ranged_out(call, 0)); i++) {
    net_range x = call->inputs[X][i];
    call->outputs[0][i] = entries_between(call, m, x.lo / x_step - 0.5, x.hi / x_step + 0.5);
    call->output_grids[0][i] = exponent_of(y_step);
    call->output_units[0][i] = y_step;
  }
}

void table_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr x = table_code_of(f, ops_load_in(f, graph, node, X, &at), net_node_real(graph, node, "x_step"));
  lp_expr y =
      lp_lookup_of(f, ops_in_buffer(f, graph, node, TABLE), table_place_of(f, map_of(graph, node), x));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, y);
}

void table_integers(net_integer_call *call) {
  ops_integers_in x = ops_integer_input(call, X);
  ops_integers_out y = ops_integer_output(call);
  table_map m = map_of(call->graph, call->node);
  double step = net_node_real(call->graph, call->node, "y_step");
  for (uint64_t i = 0; i < y.each; i++) y.unit[i] = step;
  for (uint64_t i = 0; i < y.each * y.rows; i++) {
    int64_t q = x.q[i] < m.low ? m.low : x.q[i] > m.high ? m.high : x.q[i];
    uint64_t place = 0;
    for (int64_t k = m.low >> m.shift; k < q >> m.shift; k++) place++;
    y.q[i] = (int64_t)rint((double)call->inputs[TABLE].floats[place] / step);
  }
}

bool table_lower(net_lowering *l) {
  netc *n = l->graph->n;
  net_code x = l->inputs[X];
  table_map m = map_of(l->from, l->node);
  double step = net_node_real(l->from, l->node, "y_step"), least = 0, most = 0;
  const double *numbers = lower_numbers(l, TABLE);
  if (!numbers || !table_counts(l, net_node_real(l->from, l->node, "x_step"))) return true;
  uint32_t count = table_places(m);
  int64_t *q = NET_NEW_ARRAY(l->arena, int64_t, count);
  for (uint32_t p = 0; p < count; p++) {
    q[p] = (int64_t)rint(numbers[p] / step);
    least = fmin(least, (double)q[p]), most = fmax(most, (double)q[p]);
  }
  double *units = NET_NEW_ARRAY(l->arena, double, ops_elements(lower_output(l)));
  for (uint64_t i = 0; i < ops_elements(lower_output(l)); i++) units[i] = step;
  net_value_id table = lower_constant(l, "table", lower_type(least, most), ops_vector(count), q, false);
  l->output.most = fmax(-least, most);
  return lower_call(l, "integer_table", OPS_VALUES(x.value, table),
                    OPS_ATTRIBUTES(net_attribute_int(n, "zero", x.zero), net_attribute_int(n, "low", m.low),
                                   net_attribute_int(n, "high", m.high),
                                   net_attribute_int(n, "shift", m.shift)),
                    units);
}

/* ---- on codes ---- */

static int64_t zero_of(const net_graph *graph, net_node_id node) { return net_node_int(graph, node, "zero"); }

bool integer_table_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  const net_value *x = ops_input(graph, node, X);
  net_type type = ops_input(graph, node, TABLE)->type;
  net_shape shape = x->shape;
  bool batched = x->batched;
  if (!ops_require_codes(graph, node, X, TABLE)) return false;
  return table_require(graph, node, type, map_of(graph, node)) &&
         ops_result(graph, node, 0, type, shape, batched);
}

void integer_table_interpret(const net_interpretation *call) {
  table_map m = map_of(call->graph, call->node);
  int64_t zero = zero_of(call->graph, call->node);
  for (uint64_t i = 0; i < ops_total(call, ops_out(call, 0)); i++)
    call->outputs[0][i] = call->inputs[TABLE][table_place(m, (int64_t)call->inputs[X][i] - zero)];
}

void integer_table_range(const net_ranging *call) {
  table_map m = map_of(call->graph, call->node);
  double zero = (double)zero_of(call->graph, call->node);
  for (uint64_t i = 0; i < ops_elements(ops_ranged_out(call, 0)); i++)
    call->outputs[0][i] =
        entries_between(call, m, call->inputs[X][i].lo - zero, call->inputs[X][i].hi - zero);
  ops_code_grid(call);
}

void integer_table_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr x = ops_load_as(f, graph, node, X, NET_I32, &at);
  x = lp_difference(f, x, ops_whole(f, NET_I32, zero_of(graph, node)));
  lp_expr q =
      lp_lookup_of(f, ops_in_buffer(f, graph, node, TABLE), table_place_of(f, map_of(graph, node), x));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, q);
}
