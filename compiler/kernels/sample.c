/* Samples outside, features inside: whatever is computed for each sample on its own, and sums of it over the
 * batch. Small values that no other nest sees stay in registers. */
#include "kernels/schedule.h"

enum { MOST_UNROLLED = 16, MOST_IN_REGISTERS = 16 };

static bool over_batch(const kn_schedule_state *s, uint32_t statement) {
  return s->facts[statement].over_batch;
}

/* Runs of element-wise statements over the same extents share their loops, if none reads another's result
 * elsewhere than at its own point. */
static bool joins_run(const kn_schedule_state *s, const kn_group *group, uint32_t begin, uint32_t at) {
  uint32_t first = group->statements.at[begin], index = group->statements.at[at];
  const kn_facts *a = &s->facts[first], *b = &s->facts[index];
  if (!a->whole || !b->whole || a->over_features || b->over_features || a->over_batch || b->over_batch ||
      a->axis_count != b->axis_count)
    return false;
  for (uint32_t i = 0; i < a->axis_count; i++)
    if (kn_extent(s->f, a->axes[i]) != kn_extent(s->f, b->axes[i])) return false;
  for (uint32_t k = begin; k < at; k++)
    for (uint32_t r = 0; r < b->reads.count; r++)
      if (b->reads.at[r].buffer == kn_statement(s, group->statements.at[k])->buffer &&
          !kn_at_point(s->f, &b->reads.at[r], kn_statement(s, index)))
        return false;
  return true;
}

static void emit_run(kn_schedule_state *s, kn_scope *scope, const kn_group *group, uint32_t begin,
                     uint32_t end) {
  lp_function *f = s->f;
  const kn_facts *first = &s->facts[group->statements.at[begin]];
  lp_expr vars[LP_MAX_RANK];
  for (uint32_t i = 0; i < first->axis_count; i++) {
    uint32_t extent = kn_extent(f, first->axes[i]);
    vars[i] = lp_begin_for(f, net_text(f->n, f->axes.at[first->axes[i]].name), lp_int(f, 0),
                           lp_int(f, extent), 1, extent <= scope->unroll ? LP_UNROLL : 0);
  }
  for (uint32_t k = begin; k < end; k++) {
    uint32_t index = group->statements.at[k];
    const lp_statement *statement = kn_statement(s, index);
    for (uint32_t i = 0; i < first->axis_count; i++) scope->axis[s->facts[index].axes[i]] = vars[i];
    kn_scope_renew(scope);
    kn_assign(scope, statement, kn_value(scope, statement->value));
  }
  for (uint32_t i = 0; i < first->axis_count; i++) lp_end(f);
}

static lp_reg open_sum(kn_schedule_state *s, uint32_t index, const char *name) {
  lp_function *f = s->f;
  lp_expr_info info = *lp_expr_at(f, s->facts[index].reduction);
  lp_reg sum = lp_reg_new(f, name, info.type, s->machine->lanes, 1, 1);
  lp_set(f, sum, lp_int(f, 0), lp_int(f, 0), kn_initial(f, info.combine, info.type, s->machine->lanes));
  return sum;
}

/* Accumulators of the group's sums over the batch, by position. */
static lp_reg *open_sums(kn_schedule_state *s, const kn_group *group, const char *name) {
  lp_reg *sums = NET_NEW_ARRAY(s->f->arena, lp_reg, group->statements.count + 1);
  for (uint32_t k = 0; k < group->statements.count; k++)
    if (over_batch(s, group->statements.at[k])) sums[k] = open_sum(s, group->statements.at[k], name);
  return sums;
}

/* accumulator = combine(accumulator, body at this sample); vectors: how many of them come to it */
static void accumulate(kn_schedule_state *s, kn_scope *scope, uint32_t index, lp_reg accumulator,
                       uint32_t vectors) {
  lp_function *f = s->f;
  lp_expr_info info = *lp_expr_at(f, s->facts[index].reduction);
  lp_expr zero = lp_int(f, 0);
  uint32_t count = 1, axes[LP_MAX_RANK + 1], extents[LP_MAX_RANK + 1] = {vectors};
  bool starts[LP_MAX_RANK + 1];
  lp_reg sums[LP_MAX_RANK + 1] = {accumulator};
  for (uint32_t i = 0; i < info.count; i++) {
    uint32_t axis = kn_axis_of(f, lp_list_at(f, info.first)[i]);
    if (!f->axes.at[axis].batch) axes[count] = axis, extents[count++] = kn_extent(f, axis);
  }
  kn_cascade(count, extents, starts);
  for (uint32_t i = 1; i < count; i++) {
    sums[i] = starts[i] ? open_sum(s, index, "part") : sums[i - 1];
    scope->axis[axes[i]] =
        lp_begin_for(f, net_text(f->n, f->axes.at[axes[i]].name), zero, lp_int(f, extents[i]), 1,
                     extents[i] <= scope->unroll ? LP_UNROLL : 0);
  }
  kn_scope_renew(scope);
  lp_reg sum = sums[count - 1];
  lp_expr before = lp_read_reg(f, sum, zero, zero), valid = kn_valid(scope);
  lp_expr after = kn_accumulate(f, info.combine, before, kn_value(scope, info.operand[0]));
  lp_set(f, sum, zero, zero, valid ? lp_select(f, valid, after, before) : after);
  for (uint32_t i = count; i-- > 1;) {
    lp_end(f);
    if (starts[i]) kn_carry(f, info.combine, sums[i - 1], sums[i], zero, zero);
  }
}

/* Whether indices are constants once loops are unrolled: they depend on no longer axis. */
static bool unrolls(const lp_function *f, uint32_t first, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t axis = 1; axis < f->axes.count; axis++)
      if (kn_extent(f, axis) > MOST_UNROLLED && lp_depends(f, lp_list_at(f, first)[i], axis)) return false;
  return true;
}

static bool unrolls_everywhere(const kn_schedule_state *s, const kn_group *group, lp_buffer buffer) {
  for (uint32_t k = 0; k < group->statements.count; k++) {
    const lp_statement *statement = kn_statement(s, group->statements.at[k]);
    const kn_facts *facts = &s->facts[group->statements.at[k]];
    if (statement->buffer == buffer && !unrolls(s->f, statement->first, statement->count)) return false;
    for (uint32_t r = 0; r < facts->reads.count; r++)
      if (facts->reads.at[r].buffer == buffer &&
          !unrolls(s->f, facts->reads.at[r].first, facts->reads.at[r].count))
        return false;
  }
  return true;
}

/* Values of few elements that only this nest sees live in registers; their loops are unrolled. */
static void bind_locals(kn_schedule_state *s, kn_scope *scope, const kn_group *group) {
  for (uint32_t k = 0; k < group->statements.count; k++) {
    lp_buffer buffer = kn_statement(s, group->statements.at[k])->buffer;
    const lp_buffer_info *info = &s->f->buffers.at[buffer];
    uint32_t elements = (uint32_t)net_shape_elements(&info->shape);
    if (!s->local[buffer] || !info->batched || elements > MOST_IN_REGISTERS) continue;
    if (!unrolls_everywhere(s, group, buffer)) continue;
    lp_reg reg = lp_reg_new(s->f, net_text(s->f->n, info->name), info->type, scope->lanes, elements, 1);
    kn_scope_bind(scope, buffer, reg, false, 0, 0);
  }
}

void kn_emit_sample(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  uint32_t lanes = s->machine->lanes, count = group->statements.count;
  lp_expr zero = lp_int(f, 0);
  kn_scope *scope = kn_scope_new(s, lanes, 0);
  scope->unroll = MOST_UNROLLED;
  double work = 0;
  bool sequential = false;
  lp_nest_begin(f, kn_group_name(s, group));
  bind_locals(s, scope, group);
  for (uint32_t k = 0; k < count; k++) {
    work += kn_points(s, group->statements.at[k]) * f->padded * 4;
    sequential |= over_batch(s, group->statements.at[k]);
  }
  uint32_t tiles = kn_tiles_of_part(f), parts = sequential ? f->padded / f->tile / tiles : 1;
  lp_reg *totals = open_sums(s, group, "total"), *sums = totals;
  if (parts > 1) {
    lp_expr part = lp_begin_for(f, "part", zero, lp_int(f, parts), 1, 0);
    sums = open_sums(s, group, "sum");
    lp_expr tile = lp_begin_for(f, "bt", zero, lp_int(f, tiles), 1, 0);
    scope->tile = lp_addition(f, lp_product(f, part, lp_int(f, tiles)), tile);
    scope->within = lp_begin_for(f, "q", zero, lp_int(f, f->tile), lanes, 0);
  } else {
    kn_open_vectors(scope, sequential ? 0 : LP_PARALLEL);
  }
  for (uint32_t begin = 0, end; begin < count; begin = end) {
    uint32_t index = group->statements.at[begin];
    end = begin + 1;
    if (over_batch(s, index)) {
      accumulate(s, scope, index, sums[begin], f->padded / lanes / parts);
      continue;
    }
    while (end < count && joins_run(s, group, begin, end)) end++;
    emit_run(s, scope, group, begin, end);
  }
  lp_end(f);
  if (parts > 1) {
    lp_end(f);
    for (uint32_t k = 0; k < count; k++)
      if (over_batch(s, group->statements.at[k]))
        kn_carry(f, lp_expr_at(f, s->facts[group->statements.at[k]].reduction)->combine, totals[k], sums[k],
                 zero, zero);
    lp_end(f);
  }
  /* sums over the batch: one lane at last, then what the statement makes of it */
  kn_scope *after = kn_scope_new(s, 1, LP_NONE);
  for (uint32_t k = 0; k < count; k++) {
    uint32_t index = group->statements.at[k];
    if (!over_batch(s, index)) continue;
    const lp_statement *statement = kn_statement(s, index);
    lp_expr reduction = s->facts[index].reduction;
    kn_scope_renew(after);
    after->memo[reduction] =
        lp_fold_of(f, lp_expr_at(f, reduction)->combine, lp_read_reg(f, totals[k], zero, zero));
    after->memo_stamp[reduction] = after->stamp;
    kn_assign(after, statement, kn_value(after, statement->value));
  }
  lp_nest_end(f, work);
}
