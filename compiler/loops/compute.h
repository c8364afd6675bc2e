/* Arithmetic of the operations on values: shared by folding and the evaluator, so that they agree. */
#ifndef NETC_LOOPS_COMPUTE_H
#define NETC_LOOPS_COMPUTE_H

#include "loops/loops.h"

/* An integer is kept as the value it has in its type, sign- or zero-extended (u64: its bits); a bool as 0
 * or 1. */
typedef union {
  float f32;
  double f64;
  int64_t integer;
} lp_value;

/* The integer wrapped into the type. */
int64_t lp_wrap(net_type type, int64_t value);
/* result[k] = op(a[k], b[k], c[k]) for lanes k; a, b, c as far as op has operands. type is that of the
 * operands (of the second for select). fused: whether fma rounds once. Shifts by the width or more give 0
 * (the compiled code promises nothing), as does division by zero. */
void lp_compute(lp_expr_kind op, net_type type, bool fused, uint32_t lanes, const lp_value *a,
                const lp_value *b, const lp_value *c, lp_value *result);
/* Floats outside an integer's range saturate, NaN gives 0: compiled code promises nothing there. */
lp_value lp_compute_convert(net_type to, net_type from, lp_value value);
/* Whether the conversion is one that compiled code promises. */
bool lp_converts(net_type to, net_type from, lp_value value);
lp_value lp_compute_bitcast(net_type to, net_type from, lp_value value);
lp_value lp_compute_combine(lp_combine combine, net_type type, lp_value a, lp_value b);
/* What combining starts from: 0, −infinity or the lowest, infinity or the highest. */
lp_value lp_combine_start(lp_combine combine, net_type type);
/* Between an element in memory and a value. */
lp_value lp_get(net_type type, const void *at);
void lp_put(net_type type, void *at, lp_value value);

#endif
