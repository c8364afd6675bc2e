/* Calibration: steps and zero points from the values that a tensor takes.
 *
 * With lo and hi the lowest and highest integer of the format (hi = 2^(w−1) − 1, unsigned 2^w − 1), a
 * calibrator first finds which values matter.
 *
 * minmax: all, from the least to the largest.
 *
 * percentile: those up to the p-quantile of |x|; of x, if the format is unsigned; affine: between the
 * (1 − p)- and the p-quantile of x. Quantiles are those of runtime/selection.h.
 *
 * mse: the step itself is searched for the least Σ (Q(x) − x)² over the values, Q the format's quantiser. Of
 * integers the fractions from that of minmax upwards; a finer grid holds the coarser one, so that no smaller
 * fraction can be better. Of scaled_integer the range of minmax times t in (0, 1]: first the multiples of
 * 1/128, then twice a sixteenth of the distance around the best.
 *
 * entropy: up to the threshold T that loses least information: S. Migacz, 8-bit inference with TensorRT, GTC
 * 2017. Of a histogram of |x| in 2048 bins, for every i ≥ L = hi + 1: P are the first i bins, what lies
 * beyond them added to the last; Q the same bins, without that, merged into L groups, each spread evenly over
 * those of its bins that are not empty. T is the end of the i bins with the least Kullback-Leibler divergence
 * Σ P·ln(P/Q). Zeros, which every step represents, do not count. With 2048 levels or more there is nothing to
 * search: minmax.
 *
 * Then it takes the finest step for which they fit.
 *
 * integer with fraction = auto: 2^−f with the largest f for which no value that matters overflows, once
 * rounded; of an unsigned format only positive values count.
 *
 * scaled_integer: net_format_scale of their range, 0 included. rescale = power_of_two: the next power of two
 * above that step, so that nothing overflows which did not before; mse searches among such steps.
 *
 * ste = learned_step: 2·mean|x| / √hi, as S. K. Esser et al., Learned step size quantization, ICLR 2020,
 * begin; of an integer with a given fraction 2^−fraction; affine: as calibrated.
 *
 * Values that are not finite are passed over. When all are 0, or there are none, a format's standard is left:
 * the fraction w/2, the step 1. */
#ifndef NETC_FORMATS_CALIBRATE_H
#define NETC_FORMATS_CALIBRATE_H

#include "formats/formats.h"

typedef enum {
  NET_CALIBRATE_MINMAX,
  NET_CALIBRATE_PERCENTILE,
  NET_CALIBRATE_MSE,
  NET_CALIBRATE_ENTROPY
} net_calibrator;

typedef struct {
  float step;
  int32_t zero;
} net_step;

/* Whether calibration decides something of a format: an `auto` fraction, the step of scaled_integer, the step
 * that training begins with. */
bool net_format_calibrates(const net_format_spec *spec);
/* Why a step and a zero point that a file has for a format are none that calibration gives ("is no power of
 * two, …"), in n->arena; NULL: they may be. */
const char *net_calibration_problem(netc *n, const net_format_spec *spec, float step, float zero);
/* For the values of one tensor, or of one channel. percentile: p, in [0.5, 1]. */
net_step net_calibrate(netc *n, const net_format_spec *spec, net_calibrator calibrator, double percentile,
                       const float *values, uint64_t count);

#endif
