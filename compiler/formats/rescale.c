#include "formats/rescale.h"

#include <math.h>

enum { BITS = 31, MOST_BITS = 120 }; /* of a multiplier; of what is shifted */

net_multiplier net_multiplier_of(double ratio) {
  int exponent;
  double m = rint(ldexp(frexp(ratio, &exponent), BITS)); /* from 2^30 to 2^31 */
  if (m == 0x1p31) m = 0x1p30, exponent++;
  return (net_multiplier){(int32_t)m, BITS - exponent};
}

net_multipliers net_multipliers_of(double a, double b) {
  net_multiplier larger = net_multiplier_of(fmax(a, b));
  int32_t smaller = (int32_t)rint(ldexp(fmin(a, b), larger.shift)); /* at most the larger */
  net_multipliers both = {.m = {larger.m, smaller}, .shift = larger.shift};
  if (a < b) both.m[0] = smaller, both.m[1] = larger.m;
  return both;
}

net_wide net_shifted(net_rounding rounding, net_wide a, int shift) {
  const net_wide one = 1, most = one << MOST_BITS;
  if (shift <= 0) {
    for (; shift < 0 && a && a < most && a > -most; shift++) a *= 2;
    return a > most ? most : a < -most ? -most : a;
  }
  if (shift > MOST_BITS) shift = MOST_BITS; /* only the sign is left */
  switch (rounding) {
  case NET_ROUND_HALF_EVEN: return (a + (one << (shift - 1)) - 1 + ((a >> shift) & 1)) >> shift;
  case NET_ROUND_HALF_UP: return (a + (one << (shift - 1))) >> shift;
  case NET_ROUND_ZERO: return (a + (a < 0 ? (one << shift) - 1 : 0)) >> shift;
  default: return a >> shift;
  }
}

int64_t net_rescaled(int64_t a, net_multiplier ratio, int32_t zero, int64_t low, int64_t high) {
  net_wide q = net_shifted(NET_ROUND_HALF_EVEN, (net_wide)a * ratio.m, ratio.shift) + zero;
  return q < low ? low : q > high ? high : (int64_t)q;
}
