/* Emission of float32, bfloat16, float16: on the bits. */
#include "formats/emit.h"

#include <math.h>

static void share(fm_emission *e) {
  int mantissa, lowest, highest;
  fm_ieee_kind(e->spec->family, &mantissa, &lowest, &highest);
  double limit = (double)fm_largest_float(mantissa, highest);
  e->low = fm_e_real(e, -limit);
  e->high = fm_e_real(e, limit);
}

/* To nearest, ties to even, by adding half a step to the bits: the carry goes into the exponent, up to
 * infinity. */
static lp_expr cut(const fm_emission *e, lp_expr x, int mantissa) {
  lp_function *f = e->f;
  uint32_t bits = 23 - (uint32_t)mantissa;
  if (!bits) return x;
  lp_expr code = lp_bitcast(f, NET_U32, x), one = lp_constant(f, NET_U32, 0, 1);
  lp_expr odd = fm_e_op(e, LP_and, fm_e_op(e, LP_shr, code, lp_constant(f, NET_U32, 0, bits)), one);
  lp_expr half = fm_e_op(e, LP_add, odd, lp_constant(f, NET_U32, 0, (INT64_C(1) << (bits - 1)) - 1));
  lp_expr sum = fm_e_op(e, LP_add, code, half);
  return lp_bitcast(f, NET_F32,
                    fm_e_op(e, LP_and, sum, lp_constant(f, NET_U32, 0, 0xFFFFFFFF << bits & 0xFFFFFFFF)));
}

/* Subnormals of a format with fewer exponents than binary32: a multiple of its least value. */
static lp_expr subnormal(const fm_emission *e, lp_expr x, int step) {
  lp_expr scaled = fm_e_op(e, LP_mul, x, fm_e_real(e, ldexp(1, -step)));
  return fm_e_op(e, LP_mul, lp_op1(e->f, LP_round, scaled), fm_e_real(e, ldexp(1, step)));
}

static lp_expr value(const fm_emission *e, lp_expr x) {
  lp_function *f = e->f;
  int mantissa, lowest, highest;
  fm_ieee_kind(e->spec->family, &mantissa, &lowest, &highest);
  if (mantissa == 23) return x;
  lp_expr y = cut(e, x, mantissa), size = lp_op1(f, LP_abs, x);
  if (lowest > -126)
    y = lp_select(f, fm_e_op(e, LP_lt, size, fm_e_real(e, ldexp(1, lowest))),
                  subnormal(e, x, lowest - mantissa), y);
  if (highest < 127) {
    lp_expr over = fm_e_op(e, LP_ge, lp_op1(f, LP_abs, y), fm_e_real(e, ldexp(2, highest)));
    y = lp_select(f, over, fm_e_sign_of(e, fm_e_real(e, INFINITY), x), y);
  }
  return lp_select(f, fm_e_op(e, LP_eq, x, x), y, x);
}

/* To binary32 with the last bit set if anything was lost: what is rounded again to less than 22 bits is then
 * rounded as if once. */
static lp_expr to_odd(const fm_emission *e, lp_expr x) {
  lp_function *f = e->f;
  lp_expr near = lp_convert(f, NET_F32, x), back = lp_convert(f, NET_F64, near);
  lp_expr one = lp_constant(f, NET_U32, 0, 1), none = lp_constant(f, NET_U32, 0, 0);
  lp_expr away = fm_e_op(e, LP_gt, lp_op1(f, LP_abs, back), lp_op1(f, LP_abs, x));
  lp_expr bits = fm_e_op(e, LP_sub, lp_bitcast(f, NET_U32, near), lp_select(f, away, one, none));
  lp_expr lost = lp_select(f, fm_e_op(e, LP_ne, back, x), one, none);
  return lp_bitcast(f, NET_F32, fm_e_op(e, LP_or, bits, lost));
}

static lp_expr wide(const fm_emission *e, lp_expr x) {
  if (e->spec->family == NET_FORMAT_float32) return lp_convert(e->f, NET_F32, x);
  return value(e, to_odd(e, x));
}

const fm_emitter fm_ieee_emitter = {.share = share, .value = value, .wide = wide};
