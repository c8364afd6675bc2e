/* Statistics of a tensor whose values come in pieces, batch by batch: the same bits however they are cut.
 * They take up to three passes over the same rows:
 *
 *   do rt_statistics_add(s, …) for all rows, in order; while (rt_statistics_again(s));
 *
 * Values that are not finite are counted, and left out of everything else. Memory depends on the shape of a
 * row alone. */
#ifndef NETC_RUNTIME_STATISTICS_H
#define NETC_RUNTIME_STATISTICS_H

#include "runtime/moments.h"

typedef struct {
  rt_layout layout;
  double quantile; /* in (0.5, 1) */
  double sigma;
  uint32_t bins;   /* of the histogram; 0: none */
  bool magnitudes; /* of |x| */
} rt_statistics_spec;

enum { RT_STATISTICS_BINS = 65536 }; /* at most */

/* Of n finite values; NaN where there are too few of them. */
typedef struct {
  uint64_t count, not_finite;
  double min, max, mean, abs_mean;      /* abs_mean: Σ|x| / n */
  double variance, unbiased;            /* Σ(x − mean)² / n, / (n − 1) */
  double quantile_low, quantile_high;   /* Q(1 − q), Q(q): see selection.h */
  double sigma_low, sigma_high;         /* mean ∓ sigma · √unbiased */
  double histogram_low, histogram_high; /* min, max; of a constant, half a unit to either side */
  const uint64_t *histogram; /* counts in bins of equal width, each with its lower edge, the last with both */
} rt_summary;

typedef struct rt_statistics rt_statistics;

rt_statistics *rt_statistics_make(net_arena *arena, const rt_statistics_spec *spec);
void rt_statistics_add(rt_statistics *statistics, const float *rows, uint64_t count);
bool rt_statistics_again(rt_statistics *statistics); /* ends a pass; false: it was the last one */
/* After the last pass. */
rt_summary rt_statistics_get(const rt_statistics *statistics, uint32_t channel);

#endif
