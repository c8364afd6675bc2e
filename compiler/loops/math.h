/* exp, log, tanh, … as loop-IR expressions of plain operations, so that evaluator, LLVM and C give the same bits. */
#ifndef NETC_LOOPS_MATH_H
#define NETC_LOOPS_MATH_H

#include "loops/loops.h"

/* The expansion of op (LP_exp … LP_erf) applied to an f32 scalar or vector, form 1 or 2.
 * Errors in ulps over the whole range are stated and tested exhaustively in tests/unit/math.c. */
lp_expr lp_expand(lp_function *f, lp_expr_kind op, lp_expr a);

#endif
