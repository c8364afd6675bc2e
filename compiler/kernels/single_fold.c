/* Reductions of one sample along elements that lie side by side: vectors of partial results, folded at the
 * end. */
#include "kernels/schedule.h"

enum { LEAST = 4 };

static uint32_t inner_axis(const kn_schedule_state *s, uint32_t index) {
  const lp_expr_info *info = lp_expr_at(s->f, s->facts[index].reduction);
  return kn_axis_of(s->f, lp_list_at(s->f, info->first)[info->count - 1]);
}

bool kn_single_folds(const kn_schedule_state *s, uint32_t index) {
  const lp_function *f = s->f;
  const kn_facts *facts = &s->facts[index];
  if (!facts->reduction || facts->over_batch || lp_expr_at(f, facts->reduction)->combine == LP_CHAIN)
    return false;
  uint32_t axis = inner_axis(s, index),
           last = facts->axis_count ? facts->axes[facts->axis_count - 1] : LP_NONE;
  if (s->machine->lanes < LEAST || kn_extent(f, axis) < LEAST) return false;
  for (uint32_t r = 0; r < facts->reads.count; r++) {
    kn_access a = facts->reads.at[r];
    int64_t stride;
    if (!kn_single_stride(f, a.buffer, a.first, a.count, axis, &stride) || stride < 0 || stride > 1)
      return false;
  }
  return last == LP_NONE || kn_extent(f, last) < LEAST || !kn_single_contiguous(s, index, last, LP_NONE);
}

static lp_reg open_total(lp_function *f, const lp_expr_info *info, const char *name, uint32_t lanes) {
  lp_reg total = lp_reg_new(f, name, info->type, lanes, 1, 1);
  lp_set(f, total, lp_int(f, 0), lp_int(f, 0), kn_initial(f, info->combine, info->type, lanes));
  return total;
}

typedef struct {
  kn_scope *scope;
  lp_expr_info info; /* of the reduction */
  uint32_t axis;     /* along which lanes run */
} folding;

/* total = combine(total, body at lanes from `at` on) */
static void accumulate(const folding *g, lp_reg total, lp_expr at, uint32_t lanes) {
  lp_function *f = g->scope->f;
  lp_expr zero = lp_int(f, 0);
  g->scope->lanes = lanes;
  g->scope->axis[g->axis] = at;
  g->scope->vector_axis = g->axis;
  kn_scope_renew(g->scope);
  lp_expr body = kn_value(g->scope, g->info.operand[0]);
  lp_set(f, total, zero, zero, kn_accumulate(f, g->info.combine, lp_read_reg(f, total, zero, zero), body));
}

/* Whole vectors; a long row in blocks whose results are carried on. */
static void accumulate_vectors(const folding *g, lp_reg total, uint32_t lanes, uint32_t vectors) {
  lp_function *f = g->scope->f;
  uint32_t inner = vectors;
  if (vectors > KN_CHAIN && g->info.combine == LP_SUM)
    for (inner = KN_CHAIN; vectors % inner;) inner--;
  if (inner < KN_CHAIN / 8) inner = vectors;
  lp_expr zero = lp_int(f, 0), block = zero;
  lp_reg sum = total;
  if (inner < vectors) {
    block = lp_begin_for(f, "block", zero, lp_int(f, vectors * lanes), inner * lanes, 0);
    sum = open_total(f, &g->info, "part", lanes);
  }
  lp_expr i = lp_begin_for(f, "i", zero, lp_int(f, inner * lanes), lanes, inner <= 4 ? LP_UNROLL : 0);
  accumulate(g, sum, lp_addition(f, block, i), lanes);
  lp_end(f);
  if (inner == vectors) return;
  kn_carry(f, g->info.combine, total, sum, zero, zero);
  lp_end(f);
}

/* One result: lanes are folded, and what whole vectors leave over is folded in. */
static lp_expr fold(const folding *g) {
  lp_function *f = g->scope->f;
  enum { MOST_PIECES = 8 };
  uint32_t extent = kn_extent(f, g->axis), lanes = kn_single_piece(g->scope->s->machine->lanes, extent);
  uint32_t sizes[MOST_PIECES], count = 0, opened = 0, whole = extent / lanes * lanes;
  lp_reg totals[MOST_PIECES];
  lp_expr zero = lp_int(f, 0);
  sizes[count++] = lanes;
  for (uint32_t at = whole; at < extent; at += sizes[count++])
    sizes[count] = kn_single_piece(lanes, extent - at);
  for (uint32_t k = 0; k < count; k++) totals[k] = open_total(f, &g->info, "total", sizes[k]);
  for (uint32_t i = 0; i + 1 < g->info.count; i++, opened++) {
    uint32_t axis = kn_axis_of(f, lp_list_at(f, g->info.first)[i]);
    g->scope->axis[axis] =
        lp_begin_for(f, net_text(f->n, f->axes.at[axis].name), zero, lp_int(f, kn_extent(f, axis)), 1, 0);
  }
  accumulate_vectors(g, totals[0], lanes, extent / lanes);
  for (uint32_t k = 1, at = whole; k < count; at += sizes[k++])
    accumulate(g, totals[k], lp_int(f, at), sizes[k]);
  while (opened--) lp_end(f);
  lp_expr result = lp_fold_of(f, g->info.combine, lp_read_reg(f, totals[0], zero, zero));
  for (uint32_t k = 1; k < count; k++)
    result = kn_accumulate(f, g->info.combine, result,
                           lp_fold_of(f, g->info.combine, lp_read_reg(f, totals[k], zero, zero)));
  g->scope->lanes = 1;
  g->scope->vector_axis = LP_NONE;
  return result;
}

void kn_single_emit_fold(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  uint32_t index = group->statements.at[0];
  const kn_facts *facts = &s->facts[index];
  folding g = {kn_scope_new(s, 1, LP_NONE), *lp_expr_at(f, facts->reduction), inner_axis(s, index)};
  g.scope->axis[0] = lp_int(f, 0);
  for (uint32_t i = 0; i < facts->axis_count; i++) {
    uint32_t axis = facts->axes[i];
    g.scope->axis[axis] = lp_begin_for(f, net_text(f->n, f->axes.at[axis].name), lp_int(f, 0),
                                       lp_int(f, kn_extent(f, axis)), 1, 0);
  }
  lp_expr result = fold(&g);
  kn_single_finish(g.scope, group, facts->reduction, result, 1);
  for (uint32_t i = 0; i < facts->axis_count; i++) lp_end(f);
}
