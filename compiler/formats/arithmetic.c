#include "formats/arithmetic.h"

#include <float.h>
#include <math.h>
#include <string.h>

float fm_power(int exponent) { return ldexpf(1, exponent); }

float fm_clip(float x, float limit) { return x < -limit ? -limit : x > limit ? limit : x; }

/* ---- logarithms ---- */

/* v = mantissa · 2^(exponent − 23), mantissa from 2^23 to 2^24 − 1 */
static int split(float v, int32_t *mantissa) {
  int exponent;
  *mantissa = (int32_t)ldexpf(frexpf(v, &exponent), 24);
  return exponent - 1;
}

/* A logarithm is rounded to `at` if it is nearer than half the distance of floats there. That distance, in
 * units of 2^−23, going up or down: it halves below a power of two. */
static double distance(double at, bool up) {
  if (at == 0) return 0;
  int exponent;
  bool power = frexp(fabs(at), &exponent) == 0.5;
  return ldexp(1, exponent - 1 - (power && up == (at < 0)));
}

#define ROOT_2 (M_SQRT2 * 8388608) /* as a mantissa */

/* Beside at = 2^k one mantissa step up is 2^−23 / ln 2 of the logarithm, one down half of that. */
int fm_floor_log2(float v, bool mase) {
  int32_t mantissa;
  int exponent = split(v, &mantissa);
  return exponent + (mase && (1 << 24) - mantissa < M_LN2 * distance(exponent + 1, false));
}

int fm_ceil_log2(float v, bool mase) {
  int32_t mantissa;
  int exponent = split(v, &mantissa), above = mantissa - (1 << 23);
  return exponent + (above && !(mase && above < M_LN2 / 2 * distance(exponent, true)));
}

int fm_round_log2(float v, bool mase) {
  int32_t mantissa;
  int exponent = split(v, &mantissa);
  double above = mantissa - ROOT_2;
  if (mase && fabs(above) < M_SQRT2 * M_LN2 / 2 * distance(exponent + 0.5, above > 0))
    return exponent + (exponent & 1); /* a tie */
  return exponent + (above > 0);
}

/* ---- floats ---- */

float fm_largest_float(int mantissa, int highest) { return ldexpf(2 - ldexpf(1, -mantissa), highest); }

float fm_round_float(float x, int mantissa, int lowest, int highest) {
  float v = fminf(fabsf(x), FLT_MAX);
  if (v == 0) return x;
  float step = fm_power(fm_clamp(fm_floor_log2(v, false), lowest, highest) - mantissa);
  return copysignf(fminf(rintf(v / step) * step, fm_largest_float(mantissa, highest)), x);
}

#define TINY 1e-9f /* what MASE adds */
#define ZERO 1e-8f /* what it lets pass */

float fm_to_minifloat(float x, int mantissa, int lowest, int highest, bool mase) {
  if (!mase) return fm_round_float(x, mantissa, lowest + 1, highest); /* exponent code 0: subnormals */
  float v = fminf(fabsf(x), FLT_MAX), steps = fm_power(mantissa), fraction;
  if (v <= ZERO) return x;
  int exponent = fm_clamp(fm_floor_log2(v + TINY, true), lowest, highest);
  float power = fm_power(exponent), scaled = v / power * steps;
  if (exponent == lowest) fraction = fm_clip(rintf(scaled / 2), steps - 1) / steps * 2;
  else fraction = 1 + fmaxf(fminf(rintf(scaled - steps), steps - 1), 0) / steps; /* no carry */
  return copysignf(power * fraction, x);
}

float fm_to_denorm(float x, int mantissa, int lowest, int highest, bool mase) {
  float v = fminf(fabsf(x), FLT_MAX), steps = fm_power(mantissa);
  if (mase) {
    if (v <= ZERO) return x;
    float power = fm_power(fm_clamp(fm_ceil_log2(v + TINY, true), lowest, highest));
    return copysignf(power * (fminf(rintf(v / power * steps), steps - 1) / steps), x);
  }
  if (v == 0) return x;
  float step = fm_power(fm_clamp(fm_floor_log2(v, false) + 1, lowest, highest) - mantissa);
  float largest = fm_power(highest) * ((steps - 1) / steps);
  return copysignf(fminf(rintf(v / step) * step, largest), x);
}

float fm_to_log(float x, int lowest, int highest, bool mase) {
  float middle = (float)(0.1 * ldexp(1, lowest)), v = fminf(fabsf(x) + middle, FLT_MAX), sign = x + middle;
  float power = fm_power(v > 0 ? fm_clamp(fm_round_log2(v, mase), lowest, highest) : lowest);
  if (mase && sign == 0) return 0;
  return sign < 0 ? -power : power;
}
