/* Emission of formats whose blocks share a power of two: block_fp, mxint, the MX formats. */
#include "formats/emit.h"

#include <float.h>
#include <math.h>

/* Sets power, and inverse if binary32 has it, for exponents from least on. Blocks have both ready. */
static lp_expr power_of(const fm_emission *e, lp_expr exponent) { return fm_e_power(e, exponent, -149); }
static lp_expr inverse_of(const fm_emission *e, lp_expr exponent) {
  return fm_e_power(e, lp_op1(e->f, LP_neg, exponent), -127);
}

static void set_power(fm_emission *e, lp_buffer exponents, int least) {
  e->power = fm_e_at_part(e, fm_e_for_parts(e, "power", NET_F32, exponents, power_of));
  if (least >= -127)
    e->inverse = fm_e_at_part(e, fm_e_for_parts(e, "inverse", NET_F32, exponents, inverse_of));
}

static lp_expr over_power(const fm_emission *e, lp_expr x) {
  return e->inverse ? fm_e_op(e, LP_mul, x, e->inverse) : fm_e_op(e, LP_div, x, e->power);
}

static lp_expr clamp_between(const fm_emission *e, lp_expr exponent, int low, int high) {
  return fm_e_op(e, LP_min, fm_e_op(e, LP_max, exponent, fm_e_int(e, low)), fm_e_int(e, high));
}

/* ---- block_fp ---- */

static lp_expr fp_exponent(const fm_emission *e, lp_expr scale) {
  int top = (1 << e->spec->exponent) - 1 - e->spec->bias;
  return clamp_between(e, fm_e_ceil_log2(e, scale, e->mase), -e->spec->bias, top < 127 ? top : 127);
}

static void share_fp(fm_emission *e) {
  fm_e_cut(e);
  set_power(e, fm_e_for_parts(e, "exponent", NET_I32, fm_e_scales(e), fp_exponent), -e->spec->bias);
  e->high = fm_e_op(e, LP_mul, e->power, fm_e_real(e, 1 - ldexp(1, 1 - e->spec->width)));
  e->low = lp_op1(e->f, LP_neg, e->high);
}

static lp_expr fp_value(const fm_emission *e, lp_expr x) {
  lp_function *f = e->f;
  double steps = ldexp(1, e->spec->width - 1);
  lp_expr v = fm_e_op(e, LP_min, lp_op1(f, LP_abs, x), fm_e_real(e, (double)FLT_MAX));
  lp_expr moved = e->mase ? fm_e_op(e, LP_add, v, fm_e_real(e, (double)1e-9f)) : v;
  lp_expr q = lp_op1(f, LP_round, fm_e_op(e, LP_mul, over_power(e, moved), fm_e_real(e, steps)));
  q = fm_e_op(e, LP_min, q, fm_e_real(e, steps - 1));
  lp_expr y = fm_e_sign_of(e, fm_e_op(e, LP_mul, e->power, fm_e_op(e, LP_div, q, fm_e_real(e, steps))), x);
  return e->mase ? lp_select(f, fm_e_op(e, LP_le, v, fm_e_real(e, (double)1e-8f)), x, y) : y;
}

const fm_emitter fm_block_fp_emitter = {.share = share_fp, .value = fp_value};

/* ---- mxint ---- */

static lp_expr int_exponent(const fm_emission *e, lp_expr scale) { return fm_e_ceil_log2(e, scale, e->mase); }

static lp_expr clamp_scale(const fm_emission *e, lp_expr exponent) {
  int bias = (1 << (e->spec->scale_bits - 1)) - 1;
  return clamp_between(e, exponent, -bias, bias < 126 ? bias + 1 : 127);
}

static lp_expr int_scale(const fm_emission *e, lp_expr exponent) {
  return fm_e_power(e, clamp_scale(e, exponent), -127);
}

/* MASE divides by the scale before it is clamped. */
static lp_expr int_inverse(const fm_emission *e, lp_expr exponent) {
  return inverse_of(e, e->mase ? clamp_between(e, exponent, -126, 127) : clamp_scale(e, exponent));
}

static void share_int(fm_emission *e) {
  fm_e_cut(e);
  lp_buffer exponents = fm_e_for_parts(e, "exponent", NET_I32, fm_e_scales(e), int_exponent);
  double half = ldexp(1, e->spec->width - 1);
  e->scale = fm_e_at_part(e, fm_e_for_parts(e, "power", NET_F32, exponents, int_scale));
  e->inverse = fm_e_at_part(e, fm_e_for_parts(e, "inverse", NET_F32, exponents, int_inverse));
  e->low = lp_op1(e->f, LP_neg, e->scale);
  e->high = fm_e_op(e, LP_mul, e->scale, fm_e_real(e, (half - 1) / half));
}

static lp_expr int_value(const fm_emission *e, lp_expr x) {
  double half = ldexp(1, e->spec->width - 1);
  lp_expr steps = fm_e_real(e, half);
  lp_expr q = lp_op1(e->f, LP_round, fm_e_op(e, LP_mul, fm_e_op(e, LP_mul, x, e->inverse), steps));
  q = fm_e_clamp(e, q, fm_e_real(e, -half), fm_e_real(e, half - 1));
  return fm_e_op(e, LP_mul, fm_e_op(e, LP_div, q, steps), e->scale);
}

const fm_emitter fm_mxint_emitter = {.share = share_int, .value = int_value};

/* ---- MX ---- */

static lp_expr mx_exponent(const fm_emission *e, lp_expr scale) {
  fm_mx_element element = fm_mx_element_of(e->spec);
  lp_expr exponent =
      fm_e_op(e, LP_min, fm_e_floor_log2(e, scale, element.mase), fm_e_int(e, 127)); /* MASE's: 128 */
  return clamp_between(e, fm_e_op(e, LP_sub, exponent, fm_e_int(e, element.highest)), -127, 127);
}

static void share_mx(fm_emission *e) {
  fm_mx_element element = fm_mx_element_of(e->spec);
  fm_e_cut(e);
  e->mase = e->spec->mase; /* of all samples, whatever the elements */
  set_power(e, fm_e_for_parts(e, "exponent", NET_I32, fm_e_scales(e), mx_exponent), -127);
  e->mase = element.mase;
  e->high = fm_e_op(e, LP_mul, e->power, fm_e_real(e, (double)element.high));
  lp_expr low = fm_e_op(e, LP_mul, e->power, fm_e_real(e, (double)element.low)); /* −2 · 2^127 is none */
  lp_expr infinite = fm_e_op(e, LP_eq, low, fm_e_real(e, -INFINITY));
  e->low = lp_select(e->f, infinite, lp_op1(e->f, LP_neg, e->high), low);
}

/* MASE's rounding, on the bits: see mase_element of mx.c. v is no infinity. */
static lp_expr mase_element(const fm_emission *e, const fm_mx_element *element, lp_expr v) {
  lp_function *f = e->f;
  int cut = 15 - element->mantissa, one = 1 << element->mantissa, top = (1 << element->exponent) - 1;
  lp_expr zero = fm_e_int(e, 0), size = lp_op1(f, LP_abs, v), bits = lp_bitcast(f, NET_I32, size);
  lp_expr code =
      fm_e_op(e, LP_add, fm_e_op(e, LP_shr, bits, fm_e_int(e, 23)), fm_e_int(e, element->bias - 127));
  lp_expr fraction = fm_e_op(e, LP_shr, fm_e_op(e, LP_and, bits, fm_e_int(e, 0x7FFFFF)), fm_e_int(e, 8));
  lp_expr odd = fm_e_op(e, LP_and, fm_e_op(e, LP_shr, fraction, fm_e_int(e, cut)), fm_e_int(e, 1));
  lp_expr half = fm_e_op(e, LP_add, odd, fm_e_int(e, (1 << (cut - 1)) - 1));
  lp_expr q = fm_e_op(e, LP_shr, fm_e_op(e, LP_add, fraction, half), fm_e_int(e, cut));
  lp_expr shifted = fm_e_op(e, LP_shr, fm_e_op(e, LP_or, q, fm_e_int(e, one)), fm_e_int(e, 1));
  lp_expr subnormal = fm_e_op(e, LP_and, fm_e_op(e, LP_eq, code, zero), fm_e_op(e, LP_ne, q, zero));
  lp_expr over = fm_e_op(e, LP_gt, code, fm_e_int(e, top));
  q = lp_select(f, over, fm_e_int(e, one - 1), lp_select(f, subnormal, shifted, q));
  code = lp_select(f, over, fm_e_int(e, top), code);
  lp_expr joined = fm_e_op(e, LP_or, fm_e_op(e, LP_shl, code, fm_e_int(e, element->mantissa)), q);
  lp_expr normal = fm_e_op(e, LP_add, fm_e_op(e, LP_shl, joined, fm_e_int(e, 23 - element->mantissa)),
                           fm_e_int(e, (127 - element->bias) * (1 << 23)));
  lp_expr small = fm_e_op(e, LP_mul, lp_convert(f, NET_F32, joined),
                          fm_e_real(e, ldexp(1, 1 - element->bias - element->mantissa)));
  lp_expr y =
      lp_select(f, fm_e_op(e, LP_lt, joined, fm_e_int(e, one)), small, lp_bitcast(f, NET_F32, normal));
  lp_expr none =
      fm_e_op(e, LP_or, fm_e_op(e, LP_lt, code, zero), fm_e_op(e, LP_lt, size, fm_e_real(e, 0x1p-126)));
  return fm_e_sign_of(e, lp_select(f, none, fm_e_real(e, 0), y), v);
}

static lp_expr mx_value(const fm_emission *e, lp_expr x) {
  lp_function *f = e->f;
  fm_mx_element element = fm_mx_element_of(e->spec);
  lp_expr most = fm_e_real(e, (double)FLT_MAX), least = fm_e_real(e, (double)-FLT_MAX);
  lp_expr v = over_power(e, fm_e_clamp(e, x, least, most));
  if (element.mase) {
    lp_expr y = fm_e_op(e, LP_mul, mase_element(e, &element, v), e->power);
    lp_expr none = fm_e_op(e, LP_lt, lp_op1(f, LP_abs, x), fm_e_real(e, 0x1p-126));
    return lp_select(f, none, fm_e_sign_of(e, fm_e_real(e, 0), x), y);
  }
  int lowest = 1 - element.bias;
  lp_expr y = element.exponent
                  ? fm_e_round_float(e, v, element.mantissa, fm_e_int(e, lowest), lowest,
                                     fm_e_real(e, (double)element.high))
                  : fm_e_op(e, LP_div, lp_op1(f, LP_round, fm_e_op(e, LP_mul, v, fm_e_real(e, 64))),
                            fm_e_real(e, 64));
  return fm_e_clamp(e, fm_e_op(e, LP_mul, y, e->power), e->low, e->high);
}

const fm_emitter fm_mx_emitter = {.share = share_mx, .value = mx_value};
