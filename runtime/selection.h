/* Exact order statistics of values that come in pieces, in bounded memory: radix selection on the bits of
 * floats, digit by digit, in three passes over the same values in any order. */
#ifndef NETC_RUNTIME_SELECTION_H
#define NETC_RUNTIME_SELECTION_H

#include "runtime/moments.h"

typedef struct rt_selection rt_selection;

enum { RT_SELECTION_PASSES = 3 };

/* In each channel, [Q(1 − q), Q(q)]. */
rt_selection *rt_selection_make(net_arena *arena, rt_layout layout, double quantile);
void rt_selection_add(rt_selection *selection, const float *rows, uint64_t count);
void rt_selection_end_pass(rt_selection *selection);
/* After the last pass. Of the finite values, v(0) ≤ v(1) ≤ …: Q(p) is v(h) at h = p · (count − 1), between
 * whole h by linear interpolation (numpy's default). NaN where there are none. */
void rt_selection_get(const rt_selection *selection, uint32_t channel, double *low, double *high);

#endif
