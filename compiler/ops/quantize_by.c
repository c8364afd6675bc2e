/* quantize_by: y = clamp(R(x / step), least, most) · step, with all three known only when the code runs: one
 * compilation serves every width, fraction and sign. Both integer families are this (a power of two divides
 * as its reciprocal multiplies; a zero point is taken off the bounds), but for the sign of zeros. NaN becomes
 * 0; what would pass binary32 is its largest number. x may be f64, an exact sum: it is rounded once. The
 * operands are one each, or one each for each channel, the first axis. */
#include "formats/emit.h"
#include "ops/code.h"
#include "ops/kernel.h"
#include "ops/range.h"

#include <float.h>

enum { X, STEP, LEAST, MOST };

/* ---- shape ---- */

static bool operand_fits(net_graph *graph, net_node_id node, uint32_t input) {
  static const char *const what[] = {[STEP] = "step", [LEAST] = "least", [MOST] = "most"};
  const net_value *x = ops_input(graph, node, X), *value = ops_input(graph, node, input);
  net_value_id id = net_node_input(graph, node, input);
  bool channels = value->shape.rank == 1 && x->shape.rank && value->shape.dim[0] == x->shape.dim[0];
  if (value->type != NET_F32 || value->batched || (value->shape.rank && !channels))
    return ops_refuse(graph, node, id, "needs for %s an f32 or one for each channel, but %s", what[input],
                      ops_describe(graph, id));
  return input == STEP || net_shape_same(&value->shape, &ops_input(graph, node, STEP)->shape) ||
         ops_refuse(graph, node, id, "needs a %s for each step, but %s", what[input],
                    ops_describe(graph, id));
}

bool quantize_by_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  net_rounding rounding;
  const net_value *x = ops_input(graph, node, X);
  net_value_id id = net_node_input(graph, node, X);
  if (x->type != NET_F32 && x->type != NET_F64)
    return ops_refuse(graph, node, id, "takes f32 or f64, but %s", ops_describe(graph, id));
  for (uint32_t i = STEP; i <= MOST; i++)
    if (!operand_fits(graph, node, i)) return false;
  if (!ops_rounding_of(graph, node, &rounding))
    return ops_refuse(graph, node, NET_NONE, "has no such rounding");
  return ops_result_like(graph, node, 0, X);
}

/* ---- interpret ---- */

static float value_of(net_rounding rounding, bool wide, double x, double step, double least, double most) {
  double by = step > (double)FLT_MIN ? step : (double)FLT_MIN; /* NaN too */
  double number = isnan(x) ? 0 : x;
  double q = fm_rounded(rounding, wide ? number / by : (double)((float)number / (float)by));
  q = q < least ? least : q;
  q = q > most ? most : q;
  float y = (float)q * (float)by;
  return y < -FLT_MAX ? -FLT_MAX : y > FLT_MAX ? FLT_MAX : y;
}

/* Of an operand for the element at a place among those of a sample. */
static uint64_t channel_of(const net_value *x, const net_value *operand, uint64_t at) {
  uint64_t each = ops_elements(x), channels = ops_elements(operand);
  return channels > 1 ? at % each / (each / channels) : 0;
}

void quantize_by_interpret(const net_interpretation *call) {
  const net_value *x = ops_in(call, X), *step = ops_in(call, STEP);
  net_rounding rounding = NET_ROUND_HALF_EVEN;
  ops_rounding_of(call->graph, call->node, &rounding);
  for (uint64_t i = 0; i < ops_total(call, x); i++) {
    uint64_t c = channel_of(x, step, i);
    call->outputs[0][i] =
        (double)value_of(rounding, x->type == NET_F64, call->inputs[X][i], call->inputs[STEP][c],
                         call->inputs[LEAST][c], call->inputs[MOST][c]);
  }
}

/* ---- kernel ---- */

void quantize_by_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_value *value = ops_input(graph, node, X);
  fm_emission e = {.f = f};
  net_rounding rounding = NET_ROUND_HALF_EVEN;
  ops_rounding_of(graph, node, &rounding);
  ops_place at = ops_axes(f, &value->shape, "ijklmn");
  ops_place channel = ops_leading_place(&at, ops_input(graph, node, STEP)->shape.rank);
  lp_expr operands[MOST + 1] = {fm_e_no_nan(&e, ops_load_in(f, graph, node, X, &at))};
  for (uint32_t i = STEP; i <= MOST; i++)
    operands[i] = ops_load(f, ops_in_buffer(f, graph, node, i), &channel);
  lp_expr step = lp_op2(f, LP_max, operands[STEP], lp_real(f, (double)FLT_MIN));
  lp_expr v = lp_op2(f, LP_div, operands[X], lp_convert(f, value->type, step));
  lp_expr q = fm_e_clamp(&e, fm_e_rounded(&e, rounding, v), lp_convert(f, value->type, operands[LEAST]),
                         lp_convert(f, value->type, operands[MOST]));
  lp_expr y = lp_op2(f, LP_mul, lp_convert(f, NET_F32, q), step);
  y = fm_e_clamp(&e, y, lp_real(f, -(double)FLT_MAX), lp_real(f, (double)FLT_MAX));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, y);
}

/* ---- range ---- */

/* It ascends with x. */
void quantize_by_range(const net_ranging *call) {
  const net_value *x = ops_ranged_in(call, X), *operand = ops_ranged_in(call, STEP);
  net_rounding rounding = NET_ROUND_HALF_EVEN;
  ops_rounding_of(call->graph, call->node, &rounding);
  for (uint64_t i = 0; i < ops_elements(x); i++) {
    uint64_t c = channel_of(x, operand, i);
    net_range step = call->inputs[STEP][c], least = call->inputs[LEAST][c], most = call->inputs[MOST][c];
    int exponent;
    if (step.lo != step.hi || !isfinite(step.lo) || !isfinite(least.lo) || !isfinite(most.hi)) continue;
    bool wide = x->type == NET_F64;
    net_range in = call->inputs[X][i];
    call->outputs[0][i] = ops_interval((double)value_of(rounding, wide, in.lo, step.lo, least.lo, most.lo),
                                       (double)value_of(rounding, wide, in.hi, step.lo, least.hi, most.hi));
    if (frexp(step.lo, &exponent) == 0.5) call->output_grids[0][i] = exponent - 1;
  }
}
