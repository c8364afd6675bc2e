/* Ranges of integer expressions: strided intervals, and linear facts about variables in scope. */
#ifndef NETC_LOOPS_RANGE_H
#define NETC_LOOPS_RANGE_H

#include "loops/loops.h"

/* lo, lo + stride, …, hi; a single value has stride 0 */
typedef struct {
  int64_t lo, hi, stride;
} lp_range;

enum { LP_MAX_TERMS = 12, LP_MAX_FACTS = 128 };

/* Σ factor·atom + constant, where an atom is an expression that is itself no sum. */
typedef struct {
  lp_expr atom[LP_MAX_TERMS];
  int64_t factor[LP_MAX_TERMS];
  uint32_t count;
  int64_t constant;
  bool known; /* false: too long, or it might wrap */
} lp_linear;

typedef struct {
  const lp_function *f;
  net_arena *arena;
  lp_range *vars;   /* by variable, while it is open */
  lp_range *ranges; /* by expression, valid if stamp is now */
  uint32_t *stamp, now;
  lp_expr *var_expr;             /* by variable: the expression that is it, or 0 */
  lp_expr samples;               /* the expression LP_count, or LP_NONE */
  lp_linear facts[LP_MAX_FACTS]; /* each is < 0 */
  uint32_t fact_count;
} lp_scope;

lp_scope lp_scope_new(net_arena *arena, const lp_function *f);
/* Forgets the ranges worked out so far: after a change of variables or facts. */
void lp_scope_change(lp_scope *scope);
/* Opens a loop's variable: its range, and facts when its bounds are no constants. False: the loop never runs.
 */
bool lp_scope_open(lp_scope *scope, uint32_t var, lp_expr lo, lp_expr hi, uint32_t step);
/* Takes the condition to be true. */
void lp_scope_assume(lp_scope *scope, lp_expr condition);

lp_range lp_range_of(lp_scope *scope, lp_expr e);
lp_linear lp_linear_of(lp_scope *scope, lp_expr e);
/* Whether 0 ≤ e and e + more < extent, provably; below_count: instead of extent, the number of samples. */
bool lp_within(lp_scope *scope, lp_expr e, uint32_t more, int64_t extent, bool below_count);

#endif
