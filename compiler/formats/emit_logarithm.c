/* Logarithms and powers of two, exact, from the bits: arithmetic.c as expressions. */
#include "formats/emit.h"

#include <math.h>

static lp_expr flag(const fm_emission *e, lp_expr condition) {
  return lp_select(e->f, condition, fm_e_int(e, 1), fm_e_int(e, 0));
}

lp_expr fm_e_power(const fm_emission *e, lp_expr exponent, int least) {
  lp_function *f = e->f;
  lp_expr bits = fm_e_op(e, LP_shl, fm_e_op(e, LP_add, exponent, fm_e_int(e, 127)), fm_e_int(e, 23));
  if (least < -126) {
    lp_expr small = fm_e_op(e, LP_shl, fm_e_int(e, 1), fm_e_op(e, LP_add, exponent, fm_e_int(e, 149)));
    bits = lp_select(f, fm_e_op(e, LP_lt, exponent, fm_e_int(e, -126)), small, bits);
  }
  return lp_bitcast(f, NET_F32, bits);
}

/* v = mantissa · 2^(exponent − 23), mantissa from 2^23 to 2^24 − 1; v > 0, finite */
static lp_expr split(const fm_emission *e, lp_expr v, lp_expr *mantissa) {
  lp_function *f = e->f;
  lp_expr small = fm_e_op(e, LP_lt, v, fm_e_real(e, 0x1p-126));
  lp_expr normal = lp_select(f, small, fm_e_op(e, LP_mul, v, fm_e_real(e, 0x1p24)), v);
  lp_expr bits = lp_bitcast(f, NET_I32, normal);
  lp_expr bias = lp_select(f, small, fm_e_int(e, 127 + 24), fm_e_int(e, 127));
  *mantissa = fm_e_op(e, LP_or, fm_e_op(e, LP_and, bits, fm_e_int(e, 0x7FFFFF)), fm_e_int(e, 0x800000));
  return fm_e_op(e, LP_sub, fm_e_op(e, LP_shr, bits, fm_e_int(e, 23)), bias);
}

/* factor · distance(at, up) of arithmetic.c: 2^⌊log2 |at|⌋, or half of that below a power of two; 0 at 0 */
static lp_expr distance(const fm_emission *e, double factor, lp_expr at, lp_expr up) {
  lp_function *f = e->f;
  lp_expr bits = lp_bitcast(f, NET_I32, lp_op1(f, LP_abs, at));
  lp_expr power = lp_bitcast(f, NET_F32, fm_e_op(e, LP_and, bits, fm_e_int(e, 0x7F800000)));
  lp_expr is_power = fm_e_op(e, LP_eq, fm_e_op(e, LP_and, bits, fm_e_int(e, 0x7FFFFF)), fm_e_int(e, 0));
  lp_expr towards_0 = fm_e_op(e, LP_eq, up, fm_e_op(e, LP_lt, at, fm_e_real(e, 0)));
  lp_expr halved = fm_e_op(e, LP_and, is_power, towards_0);
  return fm_e_op(e, LP_mul, power, lp_select(f, halved, fm_e_real(e, factor / 2), fm_e_real(e, factor)));
}

static lp_expr boolean(const fm_emission *e, bool value) { return lp_constant(e->f, NET_BOOL, 0, value); }
static lp_expr as_float(const fm_emission *e, lp_expr x) { return lp_convert(e->f, NET_F32, x); }

lp_expr fm_e_floor_log2(const fm_emission *e, lp_expr v, bool mase) {
  lp_expr mantissa, exponent = split(e, v, &mantissa);
  if (!mase) return exponent;
  lp_expr next = fm_e_op(e, LP_add, exponent, fm_e_int(e, 1));
  lp_expr below = as_float(e, fm_e_op(e, LP_sub, fm_e_int(e, 1 << 24), mantissa));
  lp_expr near = fm_e_op(e, LP_lt, below, distance(e, M_LN2, as_float(e, next), boolean(e, false)));
  return lp_select(e->f, near, next, exponent);
}

lp_expr fm_e_ceil_log2(const fm_emission *e, lp_expr v, bool mase) {
  lp_expr mantissa, exponent = split(e, v, &mantissa);
  lp_expr above = fm_e_op(e, LP_sub, mantissa, fm_e_int(e, 1 << 23));
  lp_expr up = fm_e_op(e, LP_gt, above, fm_e_int(e, 0));
  if (mase) {
    lp_expr reach = distance(e, M_LN2 / 2, as_float(e, exponent), boolean(e, true));
    up = fm_e_op(e, LP_and, up, fm_e_op(e, LP_ge, as_float(e, above), reach));
  }
  return fm_e_op(e, LP_add, exponent, flag(e, up));
}

/* √2 as a mantissa has a fraction that no rounding here comes near to. */
lp_expr fm_e_round_log2(const fm_emission *e, lp_expr v, bool mase) {
  const double root = M_SQRT2 * 8388608;
  lp_expr mantissa, exponent = split(e, v, &mantissa);
  lp_expr whole = as_float(e, fm_e_op(e, LP_sub, mantissa, fm_e_int(e, (int64_t)root)));
  lp_expr above = fm_e_op(e, LP_sub, whole, fm_e_real(e, root - floor(root)));
  lp_expr up = fm_e_op(e, LP_gt, above, fm_e_real(e, 0));
  lp_expr nearest = fm_e_op(e, LP_add, exponent, flag(e, up));
  if (!mase) return nearest;
  lp_expr middle = fm_e_op(e, LP_add, as_float(e, exponent), fm_e_real(e, 0.5));
  lp_expr reach = distance(e, M_SQRT2 * M_LN2 / 2, middle, up);
  lp_expr tie = fm_e_op(e, LP_lt, lp_op1(e->f, LP_abs, above), reach);
  lp_expr even = fm_e_op(e, LP_add, exponent, fm_e_op(e, LP_and, exponent, fm_e_int(e, 1)));
  return lp_select(e->f, tie, even, nearest);
}
