/* Rescaling of integers: what stands for a · unit, as a whole number of other units.
 *
 * A multiplier is m · 2^−shift with m a 31-bit integer, 2^30 ≤ m < 2^31: the ratio of two units, rounded to
 * nearest, ties to even. A power of two is exact as one, and rescaling by it the same as by a shift. */
#ifndef NETC_FORMATS_RESCALE_H
#define NETC_FORMATS_RESCALE_H

#include "formats/formats.h"

typedef __int128 net_wide;

typedef struct {
  int32_t m;
  int shift;
} net_multiplier;

/* Of a ratio that is positive and finite. */
net_multiplier net_multiplier_of(double ratio);

/* Two ratios as m · 2^−shift with one shift: the larger as net_multiplier_of has it, the other rounded to
 * nearest, ties to even, which may make it small or 0. */
typedef struct {
  int32_t m[2];
  int shift;
} net_multipliers;
net_multipliers net_multipliers_of(double a, double b);

/* a · 2^−shift as a whole number, |a| < 2^120:
 *
 *   shift > 0:  (a + 2^(shift−1) − 1 + ((a >> shift) & 1)) >> shift   (half even)
 *               (a + 2^(shift−1)) >> shift                            (half up)
 *               a >> shift                                            (floor)
 *               (a + (a < 0 ? 2^shift − 1 : 0)) >> shift              (zero)
 *   shift ≤ 0:  a · 2^−shift, but ±2^120 where it is beyond that */
net_wide net_shifted(net_rounding rounding, net_wide a, int shift);

/* a · ratio with its zero point as a code from low to high: clamp(R(a · m · 2^−shift) + zero). */
int64_t net_rescaled(int64_t a, net_multiplier ratio, int32_t zero, int64_t low, int64_t high);

#endif
