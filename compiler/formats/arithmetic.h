/* Exact pieces of binary32 that the formats are written with. */
#ifndef NETC_FORMATS_ARITHMETIC_H
#define NETC_FORMATS_ARITHMETIC_H

#include <stdbool.h>
#include <stdint.h>

/* 2^exponent, exponent from −149 to 127 */
float fm_power(int exponent);

/* Of the base-2 logarithm of v > 0, finite. mase: of the logarithm rounded to binary32, which swallows the
 * difference of a few floats beside a power of two (or, half to even, beside √2 times one). */
int fm_floor_log2(float v, bool mase);
int fm_ceil_log2(float v, bool mase);
int fm_round_log2(float v, bool mase);

static inline int fm_clamp(int x, int low, int high) { return x < low ? low : x > high ? high : x; }
float fm_clip(float x, float limit); /* to [−limit, limit] */

/* x on the floats with `mantissa` bits after the point and exponents from `lowest` to `highest`; below
 * 2^lowest they are as far apart as there (subnormals). To nearest, ties to even, saturating. */
float fm_round_float(float x, int mantissa, int lowest, int highest);
/* (2 − 2^−mantissa) · 2^highest */
float fm_largest_float(int mantissa, int highest);

/* The rules of minifloat, minifloat_denorm and log for one element, exponents from lowest to highest. */
float fm_to_minifloat(float x, int mantissa, int lowest, int highest, bool mase);
float fm_to_denorm(float x, int mantissa, int lowest, int highest, bool mase);
float fm_to_log(float x, int lowest, int highest, bool mase);

#endif
