/* What ranges decide before any code runs: comparisons, and whether a float fits an integer. */
#include "codegen/c_printer.h"

#include "loops/build.h"

#include <math.h>

static net_type type_of(const cc_printer *p, lp_expr e) { return lp_expr_at(p->f, e)->type; }
static bool is_wide(net_type type) { return net_type_bytes(type) == 8; }

/* −1, 0, 1: a lies below, on, above b wherever it is; 2: that depends. Compilers warn of what never changes.
 */
static int order(cc_printer *p, lp_expr a, lp_expr b) {
  net_type type = type_of(p, a);
  if (lp_is_float(type)) return 2;
  if (a == b) return 0;
  if (is_wide(type)) return 2; /* ranges stop short of them */
  lp_range x = lp_range_of(&p->scope, a), y = lp_range_of(&p->scope, b);
  return x.hi < y.lo ? -1 : x.lo > y.hi ? 1 : x.lo == x.hi && y.lo == y.hi && x.lo == y.lo ? 0 : 2;
}

static bool is_zero(const cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  return x->kind == LP_const && !x->integer;
}

/* What a comparison always gives, or −1. */
int cc_outcome(cc_printer *p, const lp_expr_info *x) {
  lp_expr a = x->operand[0], b = x->operand[1];
  net_type type = type_of(p, a);
  int known = order(p, a, b);
  bool natural = lp_is_integer(type) && !lp_is_signed(type), equal = x->kind == LP_eq || x->kind == LP_ne;
  if (known != 2 && equal) return (known == 0) == (x->kind == LP_eq);
  if (known != 2)
    return x->kind == LP_lt   ? known < 0
           : x->kind == LP_le ? known <= 0
           : x->kind == LP_gt ? known > 0
                              : known >= 0;
  if (equal || lp_is_float(type)) return -1;
  lp_range r = lp_range_of(&p->scope, a), s = lp_range_of(&p->scope, b);
  bool wide = is_wide(type);
  if (x->kind == LP_le || x->kind == LP_gt) /* a ≤ b */
    return (!wide && r.hi <= s.lo) || (natural && is_zero(p, a)) ? x->kind == LP_le : -1;
  return (!wide && r.lo >= s.hi) || (natural && is_zero(p, b)) ? x->kind == LP_ge : -1; /* a ≥ b */
}

/* x == x ? x : …: x is no NaN where it is chosen. */
static bool is_number_test(const cc_printer *p, const lp_expr_info *x) {
  const lp_expr_info *test = lp_expr_at(p->f, x->operand[0]);
  return test->kind == LP_eq && test->operand[0] == test->operand[1] && test->operand[0] == x->operand[1];
}

/* Bounds of a float that is no NaN, or false. min and max give their second operand for a NaN. */
bool cc_bounds(const cc_printer *p, lp_expr e, double *low, double *high) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  double a = -INFINITY, b = INFINITY, c = -INFINITY, d = INFINITY;
  switch (x->kind) {
  case LP_const: return *low = *high = x->real, !isnan(x->real);
  case LP_min:
  case LP_max:
    if (!cc_bounds(p, x->operand[1], &c, &d)) return false;
    if (!cc_bounds(p, x->operand[0], &a, &b)) a = -INFINITY, b = INFINITY;
    if (x->kind == LP_min) *low = fmin(a, c), *high = fmin(b, d);
    else *low = fmax(a, c), *high = fmax(b, d);
    return true;
  case LP_select:
    if (!cc_bounds(p, x->operand[2], &c, &d)) return false;
    if (!cc_bounds(p, x->operand[1], &a, &b)) {
      if (!is_number_test(p, x)) return false;
      a = -INFINITY, b = INFINITY;
    }
    return *low = fmin(a, c), *high = fmax(b, d), true;
  case LP_mul: /* by a constant: only its being a number is kept */
    if (!cc_bounds(p, x->operand[0], &a, &b) || !cc_bounds(p, x->operand[1], &c, &d)) return false;
    if (c != d || c == 0 || isinf(c)) return false;
    return *low = -INFINITY, *high = INFINITY, true;
  case LP_round:
  case LP_floor:
  case LP_trunc:
    if (!cc_bounds(p, x->operand[0], &a, &b)) return false;
    return *low = floor(a), *high = ceil(b), true;
  default: return false;
  }
}
