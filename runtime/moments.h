/* Counts, extremes, means and variances of values that come in pieces: the same bits however they are cut.
 *
 * Values go to slots in an order that only the tensor's shape decides, each slot sums a block of them in
 * double around a value in their midst, and blocks and slots are merged by Chan, Golub, LeVeque, Updating
 * formulae and a pairwise algorithm for computing sample variances, 1979. */
#ifndef NETC_RUNTIME_MOMENTS_H
#define NETC_RUNTIME_MOMENTS_H

#include "support/arena.h"

#include <stdbool.h>

/* Rows of `width` elements, which are `channels` runs of equally many: 1 is the tensor as a whole. */
typedef struct {
  uint32_t width, channels;
} rt_layout;

typedef struct rt_moments rt_moments;

/* Of the finite values. */
typedef struct {
  uint64_t count, not_finite;
  double min, max;  /* +∞ and −∞ when there are none */
  double mean, abs; /* abs: mean of magnitudes */
  double squares;   /* sum of squared deviations from the mean */
} rt_moment;

rt_moments *rt_moments_make(net_arena *arena, rt_layout layout);
void rt_moments_add(rt_moments *moments, const float *rows, uint64_t count);
rt_moment rt_moments_get(const rt_moments *moments, uint32_t channel);

#endif
