/* Pieces that the emitters are written with. */
#include "formats/emit.h"

#include <float.h>

lp_expr fm_e_like(const fm_emission *e, lp_expr x, double value) {
  return lp_constant(e->f, lp_expr_at(e->f, x)->type, value, 0);
}

lp_expr fm_e_clamp(const fm_emission *e, lp_expr x, lp_expr low, lp_expr high) {
  return fm_e_op(e, LP_min, high, fm_e_op(e, LP_max, low, x));
}

lp_expr fm_e_no_nan(const fm_emission *e, lp_expr x) {
  return lp_select(e->f, fm_e_op(e, LP_eq, x, x), x, fm_e_like(e, x, 0));
}

lp_expr fm_e_rounded(const fm_emission *e, net_rounding rounding, lp_expr x) {
  static const lp_expr_kind simple[] = {
      [NET_ROUND_HALF_EVEN] = LP_round, [NET_ROUND_FLOOR] = LP_floor, [NET_ROUND_ZERO] = LP_trunc};
  if (rounding != NET_ROUND_HALF_UP) return lp_op1(e->f, simple[rounding], x);
  lp_expr whole = lp_op1(e->f, LP_floor, x), above = fm_e_op(e, LP_sub, x, whole);
  return lp_select(e->f, fm_e_op(e, LP_ge, above, fm_e_like(e, x, 0.5)),
                   fm_e_op(e, LP_add, whole, fm_e_like(e, x, 1)), whole);
}

lp_expr fm_e_sign_of(const fm_emission *e, lp_expr size, lp_expr x) {
  lp_function *f = e->f;
  net_type type = lp_expr_at(f, x)->type == NET_F64 ? NET_U64 : NET_U32;
  lp_expr mask = lp_constant(f, type, 0, type == NET_U64 ? INT64_MIN : INT64_C(0x80000000));
  lp_expr sign = fm_e_op(e, LP_and, lp_bitcast(f, type, x), mask);
  return lp_bitcast(f, lp_expr_at(f, x)->type, fm_e_op(e, LP_or, lp_bitcast(f, type, size), sign));
}

/* ---- steps by calibration or training ---- */

/* What lies in such a buffer for the element's channel. */
static lp_expr at_channel(const fm_emission *e, lp_buffer buffer) {
  return lp_load_at(e->f, buffer, e->f->buffers.at[buffer].shape.rank, e->at);
}

lp_expr fm_e_step(const fm_emission *e) {
  return fm_e_op(e, LP_max, at_channel(e, e->steps), fm_e_real(e, FLT_MIN)); /* NaN too becomes FLT_MIN */
}

lp_expr fm_e_zero(const fm_emission *e) {
  return e->zeros == LP_NONE ? fm_e_real(e, 0) : at_channel(e, e->zeros);
}

lp_expr fm_e_kept(const fm_emission *e, const char *name, lp_expr (*made)(const fm_emission *)) {
  lp_function *f = e->f;
  net_shape shape = f->buffers.at[e->steps].shape;
  lp_buffer kept = lp_temporary(f, name, NET_F32, shape, false);
  lp_expr channel = shape.rank && shape.dim[0] > 1 ? lp_axis_new(f, "c", shape.dim[0]) : lp_int(f, 0);
  fm_emission own = *e;
  own.at[0] = channel;
  lp_assign_at(f, kept, shape.rank, &channel, made(&own));
  return at_channel(e, kept);
}
