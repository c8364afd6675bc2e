/* Emission of minifloat, minifloat_denorm, log and of those with a bias for each block. Bounds of exponents
 * are least and most, i32. */
#include "formats/emit.h"

#include <float.h>
#include <math.h>

#define TINY 1e-9f /* what MASE adds */
#define ZERO 1e-8f /* what it lets pass */

static int mantissa(const net_format_spec *spec) { return spec->width - spec->exponent - 1; }

static lp_expr size_of(const fm_emission *e, lp_expr x) {
  return fm_e_op(e, LP_min, lp_op1(e->f, LP_abs, x), fm_e_real(e, (double)FLT_MAX));
}

static lp_expr clamped(const fm_emission *e, lp_expr exponent) {
  return fm_e_op(e, LP_min, fm_e_op(e, LP_max, exponent, e->least), e->most);
}

/* v / 2^exponent, the exponent from `least` to 127 */
static lp_expr over_power(const fm_emission *e, lp_expr v, lp_expr exponent, int least) {
  if (least < -127) return fm_e_op(e, LP_div, v, fm_e_power(e, exponent, least));
  return fm_e_op(e, LP_mul, v, fm_e_power(e, lp_op1(e->f, LP_neg, exponent), -127));
}

lp_expr fm_e_round_float(const fm_emission *e, lp_expr x, int bits, lp_expr lowest, int least,
                         lp_expr largest) {
  lp_expr v = fm_e_op(e, LP_min, lp_op1(e->f, LP_abs, x), largest); /* largest lies on the grid */
  lp_expr exponent = fm_e_op(e, LP_max, fm_e_floor_log2(e, v, false), lowest);
  lp_expr step = fm_e_op(e, LP_sub, exponent, fm_e_int(e, bits));
  lp_expr q = lp_op1(e->f, LP_round, over_power(e, v, step, least - bits));
  return fm_e_sign_of(e, fm_e_op(e, LP_mul, q, fm_e_power(e, step, least - bits)), x);
}

/* ---- values; low: the least that `least` may be ---- */

static lp_expr minifloat(const fm_emission *e, lp_expr x, int low) {
  lp_function *f = e->f;
  int bits = mantissa(e->spec);
  if (!e->mase)
    return fm_e_round_float(e, x, bits, fm_e_op(e, LP_add, e->least, fm_e_int(e, 1)), low + 1, e->high);
  lp_expr v = size_of(e, x), zero = fm_e_real(e, 0), one = fm_e_real(e, 1), two = fm_e_real(e, 2);
  lp_expr steps = fm_e_real(e, ldexp(1, bits)), last = fm_e_real(e, ldexp(1, bits) - 1);
  lp_expr exponent = clamped(e, fm_e_floor_log2(e, fm_e_op(e, LP_add, v, fm_e_real(e, (double)TINY)), true));
  lp_expr scaled = fm_e_op(e, LP_mul, over_power(e, v, exponent, low), steps);
  lp_expr halves = lp_op1(f, LP_round, fm_e_op(e, LP_div, scaled, two));
  lp_expr subnormal = fm_e_op(e, LP_mul, fm_e_op(e, LP_div, fm_e_op(e, LP_min, halves, last), steps), two);
  lp_expr above = lp_op1(f, LP_round, fm_e_op(e, LP_sub, scaled, steps)); /* no carry */
  lp_expr part = fm_e_op(e, LP_div, fm_e_op(e, LP_max, fm_e_op(e, LP_min, above, last), zero), steps);
  lp_expr lowest = fm_e_op(e, LP_eq, exponent, e->least);
  lp_expr fraction = lp_select(f, lowest, subnormal, fm_e_op(e, LP_add, one, part));
  lp_expr y = fm_e_sign_of(e, fm_e_op(e, LP_mul, fm_e_power(e, exponent, low), fraction), x);
  return lp_select(f, fm_e_op(e, LP_le, v, fm_e_real(e, (double)ZERO)), x, y);
}

static lp_expr denorm(const fm_emission *e, lp_expr x, int low) {
  lp_function *f = e->f;
  int bits = mantissa(e->spec);
  lp_expr one = fm_e_int(e, 1);
  if (!e->mase) /* the step is that of the next higher exponent */
    return fm_e_round_float(e, x, bits - 1, fm_e_op(e, LP_sub, e->least, one), low - 1, e->high);
  lp_expr v = size_of(e, x), steps = fm_e_real(e, ldexp(1, bits)), last = fm_e_real(e, ldexp(1, bits) - 1);
  lp_expr exponent = clamped(e, fm_e_ceil_log2(e, fm_e_op(e, LP_add, v, fm_e_real(e, (double)TINY)), true));
  lp_expr q = lp_op1(f, LP_round, fm_e_op(e, LP_mul, over_power(e, v, exponent, low), steps));
  lp_expr fraction = fm_e_op(e, LP_div, fm_e_op(e, LP_min, q, last), steps);
  lp_expr y = fm_e_sign_of(e, fm_e_op(e, LP_mul, fm_e_power(e, exponent, low), fraction), x);
  return lp_select(f, fm_e_op(e, LP_le, v, fm_e_real(e, (double)ZERO)), x, y);
}

/* A tenth of the least power: rounded from double, or from binary32 to its subnormals, it is the same. */
static lp_expr power_of_two(const fm_emission *e, lp_expr x, int low) {
  lp_function *f = e->f;
  lp_expr middle = fm_e_op(e, LP_mul, fm_e_real(e, (double)0.1f), fm_e_power(e, e->least, low));
  lp_expr sign = fm_e_op(e, LP_add, x, middle), zero = fm_e_real(e, 0);
  lp_expr v =
      fm_e_op(e, LP_min, fm_e_op(e, LP_add, lp_op1(f, LP_abs, x), middle), fm_e_real(e, (double)FLT_MAX));
  lp_expr power = fm_e_power(e, clamped(e, fm_e_round_log2(e, v, e->mase)), low);
  lp_expr y = lp_select(f, fm_e_op(e, LP_lt, sign, zero), lp_op1(f, LP_neg, power), power);
  return e->mase ? lp_select(f, fm_e_op(e, LP_eq, sign, zero), zero, y) : y;
}

/* ---- exponents of the format ---- */

static void set_limit(fm_emission *e, lp_expr limit) {
  e->high = limit;
  e->low = lp_op1(e->f, LP_neg, limit);
}

/* Codes from 0 to top have exponents from −bias on. */
static void set_exponents(fm_emission *e, int top) {
  e->least = fm_e_int(e, -e->spec->bias);
  e->most = fm_e_int(e, fm_clamp(top - e->spec->bias, -149, 127));
}

static lp_expr most_power(const fm_emission *e, int least) { return fm_e_power(e, e->most, least); }

static void share_minifloat(fm_emission *e) {
  set_exponents(e, (1 << e->spec->exponent) - 1);
  double most = 2 - ldexp(1, -mantissa(e->spec));
  set_limit(e, fm_e_op(e, LP_mul, fm_e_real(e, most), most_power(e, -149)));
}

static void share_denorm(fm_emission *e) {
  set_exponents(e, (1 << e->spec->exponent) - 1);
  double most = 1 - ldexp(1, -mantissa(e->spec));
  set_limit(e, fm_e_op(e, LP_mul, fm_e_real(e, most), most_power(e, -149)));
}

static void share_log(fm_emission *e) {
  set_exponents(e, (1 << (e->spec->width - 1)) - 1);
  set_limit(e, most_power(e, -149));
}

static lp_expr minifloat_value(const fm_emission *e, lp_expr x) { return minifloat(e, x, -e->spec->bias); }
static lp_expr denorm_value(const fm_emission *e, lp_expr x) { return denorm(e, x, -e->spec->bias); }
static lp_expr log_value(const fm_emission *e, lp_expr x) { return power_of_two(e, x, -e->spec->bias); }

const fm_emitter fm_minifloat_emitter = {.share = share_minifloat, .value = minifloat_value};
const fm_emitter fm_minifloat_denorm_emitter = {.share = share_denorm, .value = denorm_value};
const fm_emitter fm_log_emitter = {.share = share_log, .value = log_value};

/* ---- the bias by block ---- */

static int most_bias(const fm_emission *e, int limit) {
  int most = (1 << e->spec->exponent_bias_width) - 1;
  return most < limit ? most : limit;
}

static lp_expr bias_between(const fm_emission *e, lp_expr bias, int most) {
  return fm_e_op(e, LP_min, fm_e_op(e, LP_max, bias, fm_e_int(e, 0)), fm_e_int(e, most));
}

static void share_bias(fm_emission *e, lp_expr (*made)(const fm_emission *, lp_expr), int top) {
  fm_e_cut(e);
  lp_expr bias = fm_e_at_part(e, fm_e_for_parts(e, "bias", NET_I32, fm_e_scales(e), made));
  lp_expr most = fm_e_op(e, LP_sub, fm_e_int(e, top), bias);
  e->least = lp_op1(e->f, LP_neg, bias);
  e->most = fm_e_op(e, LP_min, fm_e_op(e, LP_max, most, fm_e_int(e, -149)), fm_e_int(e, 127));
}

static lp_expr minifloat_bias(const fm_emission *e, lp_expr scale) {
  return bias_between(e, fm_e_floor_log2(e, scale, e->mase), most_bias(e, 127));
}

static void share_block_minifloat(fm_emission *e) {
  share_bias(e, minifloat_bias, (1 << e->spec->exponent) - 1);
  double most = 2 - ldexp(1, -mantissa(e->spec));
  set_limit(e, fm_e_op(e, LP_mul, fm_e_real(e, most), most_power(e, -127)));
}

static lp_expr block_minifloat_value(const fm_emission *e, lp_expr x) {
  return minifloat(e, x, -most_bias(e, 127));
}

static lp_expr log_bias(const fm_emission *e, lp_expr scale) {
  lp_expr top = fm_e_int(e, (1 << (e->spec->width - 1)) - 1);
  return bias_between(e, fm_e_op(e, LP_sub, top, fm_e_ceil_log2(e, scale, e->mase)), most_bias(e, 149));
}

static void share_block_log(fm_emission *e) {
  share_bias(e, log_bias, (1 << (e->spec->width - 1)) - 1);
  set_limit(e, most_power(e, -149));
}

static lp_expr block_log_value(const fm_emission *e, lp_expr x) {
  return power_of_two(e, x, -most_bias(e, 149));
}

const fm_emitter fm_block_minifloat_emitter = {.share = share_block_minifloat,
                                               .value = block_minifloat_value};
const fm_emitter fm_block_log_emitter = {.share = share_block_log, .value = block_log_value};
