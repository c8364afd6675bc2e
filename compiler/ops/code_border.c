/* integer_quantize: numbers → codes, as the format's reference quantiser rounds; integer_value: codes →
 * numbers. */
#include "formats/emit.h"
#include "ops/code.h"
#include "ops/quantize.h"

#include <float.h>

enum { X, UNIT };

/* ---- integer_quantize: x, step, zero as quantize has them ---- */

bool integer_quantize_shape(netc *n, net_graph *graph, net_node_id node) {
  net_type type;
  if (!quantize_shape(n, graph, node) || !ops_code_type(graph, node, "type", &type)) return false;
  net_format_spec spec = ops_spec(graph, node);
  double low, high;
  if (net_format_grid_of(&spec) == NET_GRID_NONE)
    return ops_refuse(graph, node, NET_NONE, "has no codes of %s", net_format_spec_text(n, &spec));
  net_format_steps(&spec, &low, &high);
  net_range ends = ops_code_ends(type);
  if (low < ends.lo || high > ends.hi)
    return ops_refuse(graph, node, NET_NONE, "gives %.0f to %.0f, which %s does not hold", low, high,
                      net_type_name(type));
  const net_value *x = ops_input(graph, node, X);
  net_shape shape = x->shape;
  bool batched = x->batched;
  return ops_result(graph, node, 0, type, shape, batched);
}

/* Steps and zero points of an element's channel. */
typedef struct {
  double step, zero;
} channel_unit;

static channel_unit unit_of(const net_interpretation *call, const net_format_spec *spec, uint64_t at) {
  const double *steps = call->inputs[QUANTIZE_STEP], *zeros = call->inputs[QUANTIZE_ZERO];
  channel_unit u = {1, 0};
  if (net_format_has_point(spec))
    u.step = ldexp(1, -(spec->fraction == NET_FORMAT_AUTO ? spec->width / 2 : spec->fraction));
  if (!steps) return u;
  uint64_t count = ops_elements(ops_in(call, QUANTIZE_STEP)), inner = ops_elements(ops_in(call, X)) / count;
  uint64_t channel = count > 1 ? at / inner : 0;
  return (channel_unit){fmax(steps[channel], (double)FLT_MIN), zeros ? zeros[channel] : 0};
}

void integer_quantize_interpret(const net_interpretation *call) {
  net_format_spec spec = ops_spec(call->graph, call->node);
  uint64_t each = ops_elements(ops_out(call, 0));
  quantize_interpret(call);
  for (uint64_t i = 0; i < ops_total(call, ops_out(call, 0)); i++) {
    channel_unit u = unit_of(call, &spec, i % each);
    call->outputs[0][i] = rint((double)(float)call->outputs[0][i] / u.step) + u.zero;
  }
}

void integer_quantize_range(const net_ranging *call) {
  net_format_spec spec = ops_spec(call->graph, call->node);
  double low, high;
  net_format_steps(&spec, &low, &high);
  for (uint64_t i = 0; i < ops_elements(ops_ranged_out(call, 0)); i++)
    call->outputs[0][i] = (net_range){low, high};
  ops_code_grid(call);
}

static lp_buffer optional(const lp_function *f, const net_graph *graph, net_node_id node, uint32_t input) {
  return ops_input(graph, node, input) ? ops_in_buffer(f, graph, node, input) : LP_NONE;
}

/* As fm_e_clamp does, and NaN to 0, which lies within. Where 0 is the least of all, the maximum sees to that.
 */
static lp_expr clamped(const fm_emission *e, lp_expr v) {
  net_type type = lp_expr_at(e->f, v)->type;
  lp_expr least = lp_convert(e->f, type, e->least), most = lp_convert(e->f, type, e->most);
  const lp_expr_info *end = lp_expr_at(e->f, least);
  bool positive = end->kind == LP_const && end->real == 0;
  lp_expr above = positive ? lp_op2(e->f, LP_max, v, least) : lp_op2(e->f, LP_max, least, v);
  if (!positive) above = lp_select(e->f, fm_e_op(e, LP_eq, v, v), above, fm_e_like(e, v, 0));
  return fm_e_op(e, LP_min, most, above);
}

/* x / step clamped, then rounded: bounds are whole, so that rounding first is the same. Where it wraps, by
 * way of the rounded number. */
void integer_quantize_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  net_format_spec spec = ops_spec(graph, node);
  const net_value *x = ops_input(graph, node, X);
  net_type type = ops_output(graph, node, 0)->type;
  ops_place at = ops_axes(f, &x->shape, "ijklmn");
  fm_emission e = {.f = f,
                   .spec = &spec,
                   .x = ops_in_buffer(f, graph, node, X),
                   .shape = x->shape,
                   .batched = x->batched,
                   .steps = optional(f, graph, node, QUANTIZE_STEP),
                   .zeros = optional(f, graph, node, QUANTIZE_ZERO)};
  memcpy(e.at, at.at, sizeof e.at);
  net_format_emit_begin(&e);
  lp_expr q;
  if (net_format_grid_of(&spec) == NET_GRID_ONES) {
    q = net_format_emit_value(&e);
  } else if (spec.overflow == NET_WRAP && net_format_has_point(&spec)) {
    q = lp_product(f, net_format_emit_value(&e), e.scale);
  } else {
    lp_expr v = ops_load_in(f, graph, node, X, &at);
    v = e.scale ? lp_product(f, v, lp_convert(f, x->type, e.scale))
                : lp_quotient(f, v, lp_convert(f, x->type, e.step));
    q = fm_e_rounded(&e, net_format_has_point(&spec) ? spec.rounding : NET_ROUND_HALF_EVEN, clamped(&e, v));
  }
  q = lp_convert(f, NET_I32, q);
  if (e.zeros != LP_NONE) q = lp_addition(f, q, lp_convert(f, NET_I32, fm_e_zero(&e)));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, lp_convert(f, type, q));
}

/* ---- integer_value: y = (x − zero) · unit, rounded once; wide: in f64. bits: how many x − zero has; 0: who
 * knows ---- */

bool integer_value_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  const net_value *x = ops_input(graph, node, X);
  net_shape shape = x->shape;
  bool batched = x->batched;
  return ops_require_codes(graph, node, X, X) && ops_require_spread(graph, node, UNIT, NET_F32, shape) &&
         ops_result(graph, node, 0, net_node_bool(graph, node, "wide") ? NET_F64 : NET_F32, shape, batched);
}

void integer_value_interpret(const net_interpretation *call) {
  int64_t zero = net_node_int(call->graph, call->node, "zero");
  const net_value *unit = ops_in(call, UNIT);
  uint64_t each = ops_elements(ops_out(call, 0));
  for (uint64_t i = 0; i < ops_total(call, ops_out(call, 0)); i++) {
    uint64_t at = ops_project(&ops_out(call, 0)->shape, &unit->shape, i % each);
    call->outputs[0][i] = (double)((int64_t)call->inputs[X][i] - zero) * call->inputs[UNIT][at];
  }
}

static int exponent_of(double step) {
  int exponent;
  return frexp(step, &exponent) == 0.5 ? exponent - 1 : NET_NO_GRID;
}

void integer_value_range(const net_ranging *call) {
  double zero = (double)net_node_int(call->graph, call->node, "zero");
  for (uint64_t i = 0; i < ops_elements(ops_ranged_out(call, 0)); i++) {
    net_range unit = ops_range_at(call, UNIT, i), q = ops_minus(call->inputs[X][i], (net_range){zero, zero});
    call->outputs[0][i] = ops_times(q, unit);
    call->output_grids[0][i] = unit.lo == unit.hi ? exponent_of(unit.lo) : NET_NO_GRID;
  }
}

/* In f32, whole numbers of up to 24 bits are exact, and larger ones are rounded once where units are powers
 * of two. */
static bool rounds_once(const net_graph *graph, net_node_id node) {
  const net_value *unit = ops_input(graph, node, UNIT), *x = ops_input(graph, node, X);
  int64_t bits = net_node_int(graph, node, "bits");
  if (!bits) bits = (int64_t)(8 * net_type_bytes(x->type)) + 1;
  bool powers = unit->kind == NET_VALUE_CONSTANT;
  for (uint64_t i = 0; i < ops_elements(unit) && powers; i++)
    powers = exponent_of(net_type_element(unit->type, unit->data, i)) != NET_NO_GRID;
  return powers || bits <= FLT_MANT_DIG + 1;
}

void integer_value_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_value *y = ops_output(graph, node, 0), *x = ops_input(graph, node, X),
                  *unit = ops_input(graph, node, UNIT);
  int64_t zero = net_node_int(graph, node, "zero");
  net_type whole = x->type == NET_I64 ? NET_I64 : NET_I32,
           type = rounds_once(graph, node) ? y->type : NET_F64;
  ops_place at = ops_axes(f, &y->shape, "ijklmn");
  lp_expr q = ops_load_as(f, graph, node, X, whole, &at);
  if (zero) q = lp_difference(f, q, ops_whole(f, whole, zero));
  bool one = unit->kind == NET_VALUE_CONSTANT && ops_elements(unit) == 1;
  lp_expr by = one ? lp_constant(f, type, net_type_element(unit->type, unit->data, 0), 0)
                   : ops_load_as(f, graph, node, UNIT, type, &at);
  lp_expr product = lp_product(f, lp_convert(f, type, q), by);
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, lp_convert(f, y->type, product));
}
