/* exp, log, log1p, tanh, sigmoid and erf in plain operations: no branches, no tables, full range.
 *
 * All are right for every input: infinities, NaN, zeros of either sign, denormal inputs and results. Where a
 * product must be exact its constant is short enough, so that an fma that rounds twice does little harm.
 * tests/loops/fit.py finds the coefficients. */
#include "loops/math.h"

#include "loops/build.h"

#include <math.h>

#define OP2(op, a, b) lp_op2(f, LP_##op, (a), (b))
#define FMA(a, b, c) lp_op3(f, LP_fma, (a), (b), (c))
#define REAL(value) lp_real(f, (value))
#define BITS(value) lp_constant(f, NET_U32, 0, (value))
#define AS_U32(a) lp_bitcast(f, NET_U32, (a))
#define AS_F32(a) lp_bitcast(f, NET_F32, (a))
#define NEG(a) lp_op1(f, LP_neg, (a))

static const double LOG2_E = 0x1.715476p0;
/* ln 2 in two parts; a product of the first, 2839/4096, with an integer up to 2^12 is exact. */
static const double LN2_HIGH = 0x1.62ep-1, LN2_LOW = 0x1.0bfbe8p-15;
/* Adding it rounds to an integer, which then stands in the lowest bits: 1.5·2^23. */
static const double ROUND = 0x1.8p23;

enum {
  SIGN = 0x80000000,
  EXPONENT = 0xFF800000,
  MANTISSA = 0x007FFFFF,
  ONE = 0x3F800000,
  ROOT_HALF = 0x3F3504F3
};

/* c[0] + c[1]·x + c[2]·x² + … */
static lp_expr polynomial(lp_function *f, lp_expr x, uint32_t count, const double *c) {
  lp_expr p = REAL(c[count - 1]);
  for (uint32_t i = count - 1; i--;) p = FMA(p, x, REAL(c[i]));
  return p;
}
#define POLYNOMIAL(x, ...)                                                                                   \
  polynomial(f, (x), sizeof((double[]){__VA_ARGS__}) / sizeof(double), (const double[]){__VA_ARGS__})

/* x = n·ln 2 + r with |r| ≤ ln 2 / 2. power: a float with n + bias in its lowest bits. */
typedef struct {
  lp_expr power, n, r;
} reduction;

static reduction reduce(lp_function *f, lp_expr x, int bias) {
  reduction d;
  d.power = FMA(x, REAL(LOG2_E), REAL(ROUND + bias));
  d.n = OP2(sub, d.power, REAL(ROUND + bias));
  d.r = FMA(d.n, REAL(-LN2_HIGH), x);
  d.r = FMA(d.n, REAL(-LN2_LOW), d.r);
  return d;
}

/* The lowest nine bits of power as sign and exponent: with a bias of 127 + k the bits of 2^(n + k). */
static lp_expr exponent_bits(lp_function *f, lp_expr power) { return OP2(shl, AS_U32(power), BITS(23)); }

/* e^r = 1 + r·(1 + r·P(r)); error 2^-28 */
static lp_expr exp_reduced(lp_function *f, lp_expr r) {
  lp_expr p = POLYNOMIAL(r, 0x1.fffffcp-2, 0x1.555492p-3, 0x1.5558aap-5, 0x1.12396ep-7, 0x1.6a5252p-10);
  return FMA(FMA(p, r, REAL(1)), r, REAL(1));
}

/* The sign of x on the size of a. */
static lp_expr with_sign(lp_function *f, lp_expr a, lp_expr x) {
  return AS_F32(OP2(or, OP2(and, AS_U32(a), BITS(~SIGN)), OP2(and, AS_U32(x), BITS(SIGN))));
}

/* 2^n·e^r, where 2^n is the product of two floats, of about n/2 each: one alone reaches neither the denormals
 * nor 2^128. Beyond the bounds of x the result is 0 or infinity anyway; max and min in this order keep a NaN.
 */
static lp_expr expand_exp(lp_function *f, lp_expr x) {
  x = OP2(min, REAL(89.5), OP2(max, REAL(-104.5), x));
  reduction d = reduce(f, x, 2 * 127);
  lp_expr half = FMA(x, REAL(LOG2_E / 2), REAL(ROUND + 127));
  lp_expr first = exponent_bits(f, half), second = OP2(sub, exponent_bits(f, d.power), first);
  return OP2(mul, OP2(mul, exp_reduced(f, d.r), AS_F32(first)), AS_F32(second));
}

/* e^x for x ≤ 0: 2^(n + 64) is a normal float, and multiplying with 2^-64 rounds once. */
static lp_expr exp_negative(lp_function *f, lp_expr x) {
  reduction d = reduce(f, OP2(max, REAL(-104.5), x), 127 + 64);
  lp_expr scaled = OP2(mul, exp_reduced(f, d.r), AS_F32(exponent_bits(f, d.power)));
  return OP2(mul, scaled, REAL(0x1p-64));
}

/* sign·k·ln 2 + log(1 + m) with log(1 + m) = m − m²/2 + m³·P(m) on [√½ − 1, √2 − 1]; error of that 2^-27 */
static lp_expr log_sum(lp_function *f, double sign, lp_expr k, lp_expr m) {
  lp_expr p = POLYNOMIAL(m, -0.5, 0x1.555554p-2, -0x1.000226p-2, 0x1.99a01cp-3, -0x1.54728cp-3, 0x1.22d936p-3,
                         -0x1.0d8232p-3, 0x1.055e6p-3, -0x1.38c908p-4);
  lp_expr small = FMA(k, REAL(sign * LN2_LOW), OP2(mul, OP2(mul, m, m), p));
  return FMA(k, REAL(sign * LN2_HIGH), OP2(add, m, small));
}

/* The result where x lies above the pole, else −infinity at it and NaN below; infinity and NaN give
 * themselves. */
static lp_expr log_domain(lp_function *f, lp_expr x, double pole, lp_expr result) {
  result = lp_select(f, OP2(lt, x, REAL(INFINITY)), result, x);
  lp_expr outside = lp_select(f, OP2(eq, x, REAL(pole)), REAL(-INFINITY), REAL(NAN));
  return lp_select(f, OP2(gt, x, REAL(pole)), result, outside);
}

/* x = 2^k·(1 + m), √½ ≤ 1 + m < √2. A denormal is first multiplied with 2^23. */
static lp_expr expand_log(lp_function *f, lp_expr x) {
  lp_expr tiny = OP2(lt, x, REAL(0x1p-126));
  lp_expr bits = AS_U32(lp_select(f, tiny, OP2(mul, x, REAL(0x1p23)), x));
  bits = OP2(sub, bits, lp_select(f, tiny, BITS(ROOT_HALF + (23 << 23)), BITS(ROOT_HALF)));
  lp_expr k = lp_convert(f, NET_F32, OP2(shr, lp_bitcast(f, NET_I32, bits), lp_int(f, 23)));
  lp_expr m = AS_F32(OP2(add, OP2(and, bits, BITS(MANTISSA)), BITS(ROOT_HALF)));
  return log_domain(f, x, 0, log_sum(f, 1, k, OP2(sub, m, REAL(1))));
}

/* 1 + x = 2^k·(1 + m) with k from the rounded sum, but m = x·2^-k + (2^-k − 1) from x itself. Four times all
 * that, since 2^-k alone may be denormal. Signs are such that −0 gives −0. */
static lp_expr expand_log1p(lp_function *f, lp_expr x) {
  lp_expr k = OP2(and, OP2(sub, AS_U32(OP2(add, x, REAL(1))), BITS(ROOT_HALF)), BITS(EXPONENT));
  lp_expr scale = AS_F32(OP2(sub, BITS(ONE + (2 << 23)), k));
  lp_expr m = OP2(mul, FMA(x, scale, NEG(OP2(sub, REAL(4), scale))), REAL(0.25));
  lp_expr minus_k = OP2(shr, lp_bitcast(f, NET_I32, OP2(sub, BITS(0), k)), lp_int(f, 23));
  return log_domain(f, x, -1, log_sum(f, -1, lp_convert(f, NET_F32, minus_k), m));
}

/* With e = exp(−2·|x|): (1 − e) / (1 + e). Both are s·2^n + (2^n ∓ 1) with e^r = 1 + s, s = r + r²·P(r), and
 * rounded once. */
static lp_expr expand_tanh(lp_function *f, lp_expr x) {
  lp_expr y = OP2(max, REAL(-20), OP2(mul, lp_op1(f, LP_abs, x), REAL(-2)));
  reduction d = reduce(f, y, 127);
  lp_expr p = POLYNOMIAL(d.r, 0x1.fffffep-2, 0x1.5554b4p-3, 0x1.5556f6p-5, 0x1.122538p-7, 0x1.6b97a2p-10);
  lp_expr s = FMA(OP2(mul, p, d.r), d.r, d.r), scale = AS_F32(exponent_bits(f, d.power));
  lp_expr above = FMA(s, scale, OP2(sub, scale, REAL(1))), below = FMA(s, scale, OP2(add, scale, REAL(1)));
  return with_sign(f, OP2(div, above, below), x);
}

/* With e = exp(−|x|) and g = e / (1 + e): 1 − g, or e·(1 − g) for negative x, where errors of g count little.
 */
static lp_expr expand_sigmoid(lp_function *f, lp_expr x) {
  lp_expr e = exp_negative(f, NEG(lp_op1(f, LP_abs, x)));
  lp_expr g = OP2(div, e, OP2(add, e, REAL(1)));
  lp_expr base = lp_select(f, OP2(lt, x, REAL(0)), e, REAL(1));
  return FMA(NEG(base), g, base);
}

/* Below 0.9: x + x·P(x²), error 2^-26. Above: 1 − e^−G(|x|), where G is −log(erfc), with an error of 2^-25 of
 * the result; a short e^r does for that. */
static lp_expr expand_erf(lp_function *f, lp_expr x) {
  lp_expr a = lp_op1(f, LP_abs, x);
  lp_expr p = POLYNOMIAL(OP2(mul, x, x), 0x1.06eba6p-3, -0x1.8126ecp-2, 0x1.ce1b86p-4, -0x1.b69b96p-6,
                         0x1.479c9ep-8, -0x1.3ba9cep-11);
  lp_expr y = OP2(min, REAL(4), a);
  y = POLYNOMIAL(y, -0x1.ddb7dcp-10, -0x1.1ed25ep+0, -0x1.4d085ap-1, -0x1.760e76p-4, 0x1.007312p-6,
                 -0x1.4aa92p-10);
  reduction d = reduce(f, y, 127);
  lp_expr e = POLYNOMIAL(d.r, 1, 1, 0x1.fffdfcp-2, 0x1.5557acp-3, 0x1.572a16p-5, 0x1.1063ccp-7);
  lp_expr outer = FMA(NEG(e), AS_F32(exponent_bits(f, d.power)), REAL(1));
  return lp_select(f, OP2(lt, a, REAL(0.9)), FMA(x, p, x), with_sign(f, outer, x));
}

lp_expr lp_expand(lp_function *f, lp_expr_kind op, lp_expr a) {
  static lp_expr (*const expansions[])(lp_function *, lp_expr) = {
      [LP_exp - LP_exp] = expand_exp,         [LP_log - LP_exp] = expand_log,
      [LP_log1p - LP_exp] = expand_log1p,     [LP_tanh - LP_exp] = expand_tanh,
      [LP_sigmoid - LP_exp] = expand_sigmoid, [LP_erf - LP_exp] = expand_erf,
  };
  bool fits = op >= LP_exp && op < LP_operations && a && a < f->exprs.count;
  if (!fits || lp_expr_at(f, a)->type != NET_F32) return lp_wrong(f, NET_F32, 1, "nothing to expand");
  return expansions[op - LP_exp](f, a);
}
