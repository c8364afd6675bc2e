/* Strided intervals of integers, and linear facts: enough to prove accesses in range that are written as
 * people write them. An access at e within an extent is proved when e − extent < 0 follows from the intervals
 * alone, or from them and one fact F < 0: e − extent − F ≤ 0, where common terms cancel.
 *
 *   for i in 0 .. min(16, count − 16·t):  x[16·t + i]      the fact i − count + 16·t < 0 shows 16·t + i <
 * count */
#include "loops/range.h"

#include "loops/build.h"
#include "loops/compute.h"

/* ---- strided intervals ---- */

static int64_t gcd(int64_t a, int64_t b) {
  a = a < 0 ? -a : a;
  b = b < 0 ? -b : b;
  while (b) {
    int64_t r = a % b;
    a = b;
    b = r;
  }
  return a;
}

static lp_range whole(net_type type) {
  if (type == NET_BOOL) return (lp_range){0, 1, 1};
  if (lp_is_float(type) || net_type_bytes(type) == 8) return (lp_range){INT64_MIN / 4, INT64_MAX / 4, 1};
  int bits = 8 * (int)net_type_bytes(type) - lp_is_signed(type);
  return (lp_range){lp_is_signed(type) ? -((int64_t)1 << bits) : 0, ((int64_t)1 << bits) - 1, 1};
}

static lp_range single(int64_t value) { return (lp_range){value, value, 0}; }

/* The range if it fits the type, else all of it: the operation may have wrapped. */
static lp_range fit(net_type type, __int128 lo, __int128 hi, int64_t stride) {
  lp_range all = whole(type);
  if (lo < all.lo || hi > all.hi) return all;
  return (lp_range){(int64_t)lo, (int64_t)hi, lo == hi ? 0 : stride};
}

static lp_range below(lp_range r, int64_t most) {
  if (most < r.lo) return single(r.lo); /* empty: what it guards never runs */
  if (most >= r.hi) return r;
  int64_t stride = r.stride ? r.stride : 1;
  r.hi = r.lo + (most - r.lo) / stride * stride;
  return r.lo == r.hi ? single(r.lo) : r;
}

static lp_range above(lp_range r, int64_t least) {
  if (least > r.hi) return single(r.hi);
  if (least <= r.lo) return r;
  int64_t stride = r.stride ? r.stride : 1;
  r.lo += (least - r.lo + stride - 1) / stride * stride;
  if (r.lo > r.hi) r.lo = r.hi;
  return r.lo == r.hi ? single(r.lo) : r;
}

static lp_range join(lp_range a, lp_range b) {
  int64_t lo = a.lo < b.lo ? a.lo : b.lo, hi = a.hi > b.hi ? a.hi : b.hi;
  return (lp_range){lo, hi, gcd(gcd(a.stride, b.stride), a.lo - b.lo)};
}

static lp_range range_mul(net_type type, lp_range a, lp_range b) {
  __int128 p[4] = {(__int128)a.lo * b.lo, (__int128)a.lo * b.hi, (__int128)a.hi * b.lo,
                   (__int128)a.hi * b.hi};
  __int128 lo = p[0], hi = p[0];
  for (int i = 1; i < 4; i++) {
    if (p[i] < lo) lo = p[i];
    if (p[i] > hi) hi = p[i];
  }
  int64_t stride = 1;
  if (a.lo == a.hi && a.lo > -((int64_t)1 << 31) && a.lo < (int64_t)1 << 31 && b.stride < (int64_t)1 << 31)
    stride = a.lo < 0 ? -a.lo * b.stride : a.lo * b.stride;
  if (b.lo == b.hi && b.lo > -((int64_t)1 << 31) && b.lo < (int64_t)1 << 31 && a.stride < (int64_t)1 << 31)
    stride = b.lo < 0 ? -b.lo * a.stride : b.lo * a.stride;
  return fit(type, lo, hi, stride);
}

static int64_t ones_above(int64_t value) { /* 2^k − 1 ≥ value ≥ 0 */
  int64_t ones = 0;
  while (ones < value) ones = 2 * ones + 1;
  return ones;
}

static lp_range range_bits(net_type type, lp_expr_kind op, lp_range a, lp_range b) {
  if (a.lo < 0 || b.lo < 0) return whole(type);
  int64_t lesser = a.hi < b.hi ? a.hi : b.hi, greater = a.hi > b.hi ? a.hi : b.hi;
  return fit(type, 0, op == LP_and ? lesser : ones_above(greater), 1);
}

static lp_range range_shift(net_type type, lp_expr_kind op, lp_range a, lp_range b) {
  if (b.lo != b.hi || b.lo < 0 || b.lo > 62) return whole(type);
  if (op == LP_shl) return range_mul(type, a, single((int64_t)1 << b.lo));
  return fit(type, a.lo >> b.lo, a.hi >> b.lo, 1);
}

static lp_range range_divide(net_type type, lp_expr_kind op, lp_range a, lp_range b) {
  if (a.lo < 0 || b.lo != b.hi || b.lo < 1) return whole(type);
  if (op == LP_div) return fit(type, a.lo / b.lo, a.hi / b.lo, 1);
  return a.hi < b.lo ? a : fit(type, 0, b.lo - 1, 1);
}

static lp_range range_convert(net_type type, net_type from, lp_range a) {
  return lp_is_float(from) ? whole(type) : fit(type, a.lo, a.hi, a.stride);
}

static lp_range range_binary(const lp_expr_info *info, lp_range a, lp_range b) {
  net_type type = info->type;
  switch (info->kind) {
  case LP_add:
    return fit(type, (__int128)a.lo + b.lo, (__int128)a.hi + b.hi, gcd(a.stride, b.stride));
  case LP_sub:
    return fit(type, (__int128)a.lo - b.hi, (__int128)a.hi - b.lo, gcd(a.stride, b.stride));
  case LP_mul:
    return range_mul(type, a, b);
  case LP_div:
  case LP_rem:
    return range_divide(type, info->kind, a, b);
  case LP_min:
    return below(join(a, b), a.hi < b.hi ? a.hi : b.hi);
  case LP_max:
    return above(join(a, b), a.lo > b.lo ? a.lo : b.lo);
  case LP_and:
  case LP_or:
  case LP_xor:
    return range_bits(type, info->kind, a, b);
  case LP_shl:
  case LP_shr:
    return range_shift(type, info->kind, a, b);
  case LP_mulhi:
    return (lp_range){0, (int64_t)((uint64_t)a.hi * (uint64_t)b.hi >> 32), 1};
  default:
    return whole(type);
  }
}

static lp_range range_operation(lp_scope *s, const lp_expr_info *info) {
  net_type from = lp_expr_at(s->f, info->operand[0])->type;
  lp_range a = lp_range_of(s, info->operand[0]);
  if (info->kind == LP_convert) return range_convert(info->type, from, a);
  if (info->kind == LP_neg)
    return range_binary(&(lp_expr_info){.kind = LP_sub, .type = info->type}, single(0), a);
  if (info->kind == LP_select)
    return join(lp_range_of(s, info->operand[1]), lp_range_of(s, info->operand[2]));
  if (info->type == NET_BOOL || lp_operand_count(info->kind) != 2) return whole(info->type);
  return range_binary(info, a, lp_range_of(s, info->operand[1]));
}

static lp_range range_leaf(lp_scope *s, const lp_expr_info *info) {
  switch (info->kind) {
  case LP_const:
    return single(info->integer);
  case LP_axis:
    return below((lp_range){0, INT32_MAX, 1}, (int64_t)s->f->axes.at[info->which].extent - 1);
  case LP_count:
    return s->f->masked ? below((lp_range){1, UINT32_MAX, 1}, s->f->batch) : single(s->f->batch);
  case LP_var:
    return s->vars[info->which];
  case LP_splat:
  case LP_part:
  case LP_fold:
    return lp_range_of(s, info->operand[0]);
  case LP_lanes:
    return (lp_range){0, info->lanes - 1, 1};
  default:
    return whole(info->type);
  }
}

/* Narrows an atom by the facts: c·atom + rest < 0 gives atom ≤ (−1 − rest.lo) / c. */
static lp_range narrow(lp_scope *s, lp_expr e, lp_range r) {
  for (uint32_t i = 0; i < s->fact_count; i++) {
    const lp_linear *fact = &s->facts[i];
    __int128 rest = fact->constant;
    int64_t factor = 0;
    for (uint32_t k = 0; k < fact->count; k++) {
      if (fact->atom[k] == e) {
        factor = fact->factor[k];
        continue;
      }
      lp_range other = lp_range_of(s, fact->atom[k]);
      rest += (__int128)fact->factor[k] * (fact->factor[k] > 0 ? other.lo : other.hi);
    }
    __int128 most = -1 - rest;
    if (factor == 1 && most < INT64_MAX && most > INT64_MIN) r = below(r, (int64_t)most);
    if (factor == -1 && -most < INT64_MAX && -most > INT64_MIN) r = above(r, (int64_t)-most);
  }
  return r;
}

lp_range lp_range_of(lp_scope *s, lp_expr e) {
  const lp_expr_info *info = lp_expr_at(s->f, e);
  if (lp_is_float(info->type)) return whole(info->type);
  if (s->stamp[e] == s->now) return s->ranges[e];
  lp_range r = info->kind < LP_operations ? range_operation(s, info) : range_leaf(s, info);
  s->ranges[e] = r; /* first without facts: they may lead back here */
  s->stamp[e] = s->now;
  if (info->pure && s->fact_count) s->ranges[e] = r = narrow(s, e, r);
  return r;
}

/* ---- linear forms ---- */

static void add_term(lp_linear *l, lp_expr atom, int64_t factor) {
  for (uint32_t i = 0; i < l->count; i++)
    if (l->atom[i] == atom) {
      l->factor[i] += factor;
      if (l->factor[i]) return;
      l->count--;
      l->atom[i] = l->atom[l->count];
      l->factor[i] = l->factor[l->count];
      return;
    }
  if (l->count == LP_MAX_TERMS)
    l->known = false;
  else if (factor) {
    l->atom[l->count] = atom;
    l->factor[l->count++] = factor;
  }
}

static bool is_whole(net_type type, lp_range r) {
  lp_range all = whole(type);
  return r.lo == all.lo && r.hi == all.hi;
}

/* l += factor · e. A sum that may wrap is an atom. */
static void collect(lp_scope *s, lp_linear *l, lp_expr e, int64_t factor) {
  const lp_expr_info *info = lp_expr_at(s->f, e);
  if (factor > INT32_MAX || factor < -INT32_MAX) l->known = false;
  if (!l->known) return;
  bool exact = info->kind < LP_operations && !is_whole(info->type, lp_range_of(s, e));
  const lp_expr_info *c = info->kind == LP_mul ? lp_constant_at(s->f, info->operand[1]) : NULL;
  if (info->kind == LP_const)
    l->constant += factor * info->integer;
  else if (exact && (info->kind == LP_add || info->kind == LP_sub)) {
    collect(s, l, info->operand[0], factor);
    collect(s, l, info->operand[1], info->kind == LP_add ? factor : -factor);
  } else if (exact && c && c->integer <= INT32_MAX && c->integer >= -INT32_MAX)
    collect(s, l, info->operand[0], factor * c->integer);
  else if (exact && info->kind == LP_convert && !lp_is_float(lp_expr_at(s->f, info->operand[0])->type))
    collect(s, l, info->operand[0], factor);
  else
    add_term(l, e, factor);
}

lp_linear lp_linear_of(lp_scope *s, lp_expr e) {
  lp_linear l = {.known = true};
  collect(s, &l, e, 1);
  return l;
}

/* a − b + constant */
static lp_linear difference(const lp_linear *a, const lp_linear *b, int64_t constant) {
  lp_linear l = *a;
  l.known = a->known && b->known;
  l.constant += constant - b->constant;
  for (uint32_t i = 0; i < b->count; i++) add_term(&l, b->atom[i], -b->factor[i]);
  return l;
}

static bool at_most(lp_scope *s, const lp_linear *l, int64_t most) {
  __int128 hi = l->constant;
  for (uint32_t i = 0; i < l->count; i++) {
    lp_range r = l->atom[i] == LP_NONE ? (lp_range){1, s->f->batch, 1} : lp_range_of(s, l->atom[i]);
    hi += (__int128)l->factor[i] * (l->factor[i] > 0 ? r.hi : r.lo);
  }
  return l->known && hi <= most;
}

static bool is_negative(lp_scope *s, const lp_linear *l) {
  if (at_most(s, l, -1)) return true;
  for (uint32_t i = 0; i < s->fact_count; i++) {
    lp_linear rest = difference(l, &s->facts[i], 0);
    if (at_most(s, &rest, 0)) return true;
  }
  return false;
}

bool lp_within(lp_scope *s, lp_expr e, uint32_t more, int64_t extent, bool below_count) {
  lp_linear index = lp_linear_of(s, e), end = {.known = true}, zero = {.known = true};
  if (!below_count || !s->f->masked)
    end.constant = below_count ? s->f->batch : extent;
  else
    add_term(&end, s->samples, 1);
  lp_range r = lp_range_of(s, e);
  lp_linear over = difference(&index, &end, more), under = difference(&zero, &index, -1);
  bool fits = (!below_count || !s->f->masked) && r.hi + (int64_t)more < end.constant;
  return (r.lo >= 0 || is_negative(s, &under)) && (fits || is_negative(s, &over));
}

/* ---- scopes ---- */

lp_scope lp_scope_new(net_arena *arena, const lp_function *f) {
  lp_scope s = {.f = f, .arena = arena, .now = 1, .samples = LP_NONE};
  s.vars = NET_NEW_ARRAY(arena, lp_range, f->vars.count + 1);
  s.ranges = NET_NEW_ARRAY(arena, lp_range, f->exprs.count);
  s.stamp = NET_NEW_ARRAY(arena, uint32_t, f->exprs.count);
  s.var_expr = NET_NEW_ARRAY(arena, lp_expr, f->vars.count + 1);
  for (lp_expr e = 1; e < f->exprs.count; e++) {
    if (f->exprs.at[e].kind == LP_count) s.samples = e;
    if (f->exprs.at[e].kind == LP_var) s.var_expr[f->exprs.at[e].which] = e;
  }
  return s;
}

void lp_scope_change(lp_scope *s) { s->now++; }

static bool is_stable(const lp_function *f, const lp_linear *l) {
  for (uint32_t i = 0; i < l->count; i++)
    if (l->atom[i] != LP_NONE && !lp_expr_at(f, l->atom[i])->pure) return false;
  return l->known;
}

static void add_fact(lp_scope *s, const lp_linear *negative) {
  if (negative->count && s->fact_count < LP_MAX_FACTS && is_stable(s->f, negative))
    s->facts[s->fact_count++] = *negative;
}

/* a − b + constant < 0; of a maximum on the left and a minimum on the right both operands */
static void assume_below(lp_scope *s, lp_expr a, lp_expr b, int64_t constant) {
  const lp_expr_info *left = lp_expr_at(s->f, a), *right = lp_expr_at(s->f, b);
  if (lp_is_float(left->type)) return;
  if (left->kind == LP_max)
    for (int i = 0; i < 2; i++) assume_below(s, left->operand[i], b, constant);
  if (right->kind == LP_min)
    for (int i = 0; i < 2; i++) assume_below(s, a, right->operand[i], constant);
  lp_linear l = lp_linear_of(s, a), r = lp_linear_of(s, b);
  l = difference(&l, &r, constant);
  add_fact(s, &l);
}

bool lp_scope_open(lp_scope *s, uint32_t var, lp_expr lo, lp_expr hi, uint32_t step) {
  lp_range first = lp_range_of(s, lo), end = lp_range_of(s, hi);
  lp_range r = first;
  r.hi = end.hi - 1 > first.lo ? end.hi - 1 : first.lo;
  r.stride = gcd(first.stride, step);
  s->vars[var] = below((lp_range){r.lo, INT32_MAX, r.stride}, r.hi);
  lp_scope_change(s);
  lp_expr e = s->var_expr[var];
  if (e && end.lo != end.hi) assume_below(s, e, hi, 0);
  if (e && first.lo != first.hi) assume_below(s, lo, e, -1);
  lp_scope_change(s);
  return first.lo < end.hi;
}

/* u32(e) ≤ most shows more than its range: e is not negative. */
static void assume_unsigned(lp_scope *s, lp_expr e, lp_range limit) {
  const lp_expr_info *info = lp_expr_at(s->f, e);
  if (info->kind != LP_convert || info->type != NET_U32 || limit.hi > INT32_MAX) return;
  lp_expr inner = info->operand[0];
  if (lp_expr_at(s->f, inner)->type != NET_I32) return;
  lp_linear l = lp_linear_of(s, inner), zero = {.known = true};
  lp_linear low = difference(&zero, &l, -1), high = difference(&l, &zero, -limit.hi - 1);
  add_fact(s, &low);
  add_fact(s, &high);
}

void lp_scope_assume(lp_scope *s, lp_expr condition) {
  const lp_expr_info *info = lp_expr_at(s->f, condition);
  lp_expr a = info->operand[0], b = info->operand[1];
  if (info->kind == LP_and && info->type == NET_BOOL) {
    lp_scope_assume(s, a);
    lp_scope_assume(s, b);
  }
  if (info->kind == LP_lt || info->kind == LP_le) {
    lp_range limit = lp_range_of(s, b);
    limit.hi -= info->kind == LP_lt;
    assume_unsigned(s, a, limit);
  }
  if (info->kind == LP_lt || info->kind == LP_eq) assume_below(s, a, b, info->kind == LP_lt ? 0 : -1);
  if (info->kind == LP_le) assume_below(s, a, b, -1);
  if (info->kind == LP_gt || info->kind == LP_eq) assume_below(s, b, a, info->kind == LP_gt ? 0 : -1);
  if (info->kind == LP_ge) assume_below(s, b, a, -1);
  lp_scope_change(s);
}
