/* exp, log, tanh, … as loop-IR expressions of plain operations, so that evaluator, LLVM and C give the same
 * bits. */
#ifndef NETC_LOOPS_MATH_H
#define NETC_LOOPS_MATH_H

#include "loops/loops.h"

/* The expansion of op (LP_exp … LP_erf) applied to an f32 scalar or vector, form 1 or 2.
 * Errors in ulps over all floats, where fma rounds once and twice, and operations (a division in two of
 * them); see tests/unit/math.c:
 *           exp    log    log1p  tanh   sigmoid  erf
 *   once    0.902  0.923  1.523  1.968  1.647    1.702
 *   twice   1.177  0.955  1.530  1.991  1.977    1.820
 *   cost    18     29     29     22     20       30  */
lp_expr lp_expand(lp_function *f, lp_expr_kind op, lp_expr a);

#endif
