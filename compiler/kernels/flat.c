/* Nothing batched: optimiser updates, scalars, sums over parameters. Lanes run along the last axis. */
#include "kernels/schedule.h"

/* Whether every access depends on the last axis with stride 1, or not at all: then lanes may run along it. */
static bool contiguous(const kn_schedule_state *s, uint32_t index, uint32_t axis) {
  const lp_function *f = s->f;
  const kn_facts *facts = &s->facts[index];
  if (!facts->whole) return false;
  for (uint32_t r = 0; r < facts->reads.count; r++) {
    kn_access a = facts->reads.at[r];
    if (f->buffers.at[a.buffer].batched) return false;
    for (uint32_t i = 0; i < a.count; i++) {
      lp_expr at = lp_list_at(f, a.first)[i];
      if (lp_depends(f, at, axis) && (i + 1 < a.count || kn_axis_of(f, at) != axis)) return false;
    }
  }
  return true;
}

static bool same_shape_everywhere(const kn_schedule_state *s, const kn_group *group) {
  for (uint32_t k = 0; k < group->statements.count; k++) {
    const kn_facts *facts = &s->facts[group->statements.at[k]];
    const lp_statement *statement = kn_statement(s, group->statements.at[k]);
    const net_shape *shape = &s->f->buffers.at[statement->buffer].shape;
    for (uint32_t r = 0; r < facts->reads.count; r++) {
      kn_access a = facts->reads.at[r];
      const lp_buffer_info *buffer = &s->f->buffers.at[a.buffer];
      if (buffer->shape.rank == 0) continue; /* a scalar */
      if (!net_shape_same(&buffer->shape, shape) || !kn_at_point(s->f, &a, statement)) return false;
    }
  }
  return true;
}

static void emit_statements(kn_scope *scope, const kn_group *group, const lp_expr *vars) {
  kn_schedule_state *s = scope->s;
  for (uint32_t k = 0; k < group->statements.count; k++) {
    uint32_t index = group->statements.at[k];
    const lp_statement *statement = kn_statement(s, index);
    for (uint32_t i = 0; i < s->facts[index].axis_count; i++) scope->axis[s->facts[index].axes[i]] = vars[i];
    kn_scope_renew(scope);
    kn_assign(scope, statement, kn_value(scope, statement->value));
  }
}

/* Element-wise over whole values of one shape: one flat index. Buffers are padded to whole vectors, so the
 * last vector may run over: what lies there is never read for anything. */
static void emit_elementwise(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  const kn_facts *first = &s->facts[group->statements.at[0]];
  uint32_t lanes = s->machine->lanes, elements = 1;
  for (uint32_t i = 0; i < first->axis_count; i++) elements *= kn_extent(f, first->axes[i]);
  if (elements < lanes) lanes = elements;
  kn_scope *scope = kn_scope_new(s, lanes, LP_NONE);
  lp_expr vars[LP_MAX_RANK];
  for (uint32_t i = 0; i < first->axis_count; i++) vars[i] = lp_int(f, 0);
  uint32_t whole = elements / lanes * lanes, rest = elements - whole;
  for (int part = 0; part < 2; part++) {
    uint32_t size = part ? rest : whole;
    if (!size) continue;
    lp_expr start = part
                        ? lp_int(f, whole)
                        : lp_begin_for(f, "i", lp_int(f, 0), lp_int(f, whole), lanes, rest ? 0 : LP_PARALLEL);
    scope->lanes = part ? rest : lanes;
    vars[first->axis_count - 1] = start; /* flat: the other indices are 0 */
    for (uint32_t k = 0; k < group->statements.count; k++) {
      uint32_t index = group->statements.at[k];
      const lp_statement *statement = kn_statement(s, index);
      const kn_facts *facts = &s->facts[index];
      for (uint32_t i = 0; i < facts->axis_count; i++) scope->axis[facts->axes[i]] = vars[i];
      scope->vector_axis = facts->axes[facts->axis_count - 1];
      kn_scope_renew(scope);
      kn_assign(scope, statement, kn_value(scope, statement->value));
    }
    if (!part) lp_end(f);
  }
}

static lp_reg open_total(lp_function *f, const lp_expr_info *info, uint32_t lanes) {
  lp_reg total = lp_reg_new(f, "total", info->type, lanes, 1, 1);
  lp_set(f, total, lp_int(f, 0), lp_int(f, 0), kn_initial(f, info->combine, info->type, lanes));
  return total;
}

/* A reduction of everything to one value, lanes along the last axis. */
static void emit_total(kn_schedule_state *s, uint32_t index) {
  lp_function *f = s->f;
  const lp_statement *statement = kn_statement(s, index);
  lp_expr reduction = s->facts[index].reduction, zero = lp_int(f, 0);
  lp_expr_info info = *lp_expr_at(f, reduction);
  uint32_t last = kn_axis_of(f, lp_list_at(f, info.first)[info.count - 1]), extent = kn_extent(f, last);
  uint32_t lanes = s->machine->lanes;
  while (lanes > extent) lanes /= 2;
  kn_scope *scope = kn_scope_new(s, lanes, last);
  uint32_t count = info.count, axes[LP_MAX_RANK], extents[LP_MAX_RANK];
  bool starts[LP_MAX_RANK];
  for (uint32_t i = 0; i < count; i++) {
    axes[i] = kn_axis_of(f, lp_list_at(f, info.first)[i]);
    extents[i] = i + 1 < count ? kn_extent(f, axes[i]) : extent / lanes;
  }
  kn_cascade(count, extents, starts);
  lp_reg rest = open_total(f, &info, 1),
         sums[LP_MAX_RANK]; /* what is left of whole vectors, one by one; by loop */
  for (uint32_t i = 0; i < count; i++) {
    sums[i] = !i || starts[i] ? open_total(f, &info, lanes) : sums[i - 1];
    if (i + 1 < count) scope->axis[axes[i]] = lp_begin_for(f, "i", zero, lp_int(f, extents[i]), 1, 0);
  }
  for (int part = 0; part < (extent % lanes ? 2 : 1); part++) {
    lp_expr whole = lp_int(f, extent - extent % lanes);
    lp_reg sum = part ? rest : sums[count - 1];
    scope->lanes = part ? 1 : lanes;
    scope->axis[last] =
        lp_begin_for(f, "i", part ? whole : zero, part ? lp_int(f, extent) : whole, scope->lanes, 0);
    kn_scope_renew(scope);
    lp_expr body = kn_value(scope, info.operand[0]);
    lp_set(f, sum, zero, zero, kn_accumulate(f, info.combine, lp_read_reg(f, sum, zero, zero), body));
    lp_end(f);
  }
  for (uint32_t i = count; i-- > 0;) {
    if (i + 1 < count) lp_end(f);
    if (starts[i]) kn_carry(f, info.combine, sums[i - 1], sums[i], zero, zero);
  }
  lp_expr total = lp_read_reg(f, sums[0], zero, zero);
  if (lanes > 1) total = lp_fold_of(f, info.combine, total);
  total = kn_accumulate(f, info.combine, lp_read_reg(f, rest, zero, zero), total);
  kn_scope *after = kn_scope_new(s, 1, LP_NONE);
  after->memo[reduction] = total;
  after->memo_stamp[reduction] = after->stamp;
  kn_assign(after, statement, kn_value(after, statement->value));
}

/* Anything else: one element at a time. */
static void emit_scalar(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  const kn_facts *first = &s->facts[group->statements.at[0]];
  kn_scope *scope = kn_scope_new(s, 1, LP_NONE);
  lp_expr vars[LP_MAX_RANK];
  for (uint32_t i = 0; i < first->axis_count; i++)
    vars[i] = lp_begin_for(f, net_text(f->n, f->axes.at[first->axes[i]].name), lp_int(f, 0),
                           lp_int(f, kn_extent(f, first->axes[i])), 1, 0);
  emit_statements(scope, group, vars);
  for (uint32_t i = 0; i < first->axis_count; i++) lp_end(f);
}

void kn_emit_flat(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  uint32_t first = group->statements.at[0];
  const kn_facts *facts = &s->facts[first];
  double work = 0;
  lp_nest_begin(f, kn_group_name(s, group));
  for (uint32_t k = 0; k < group->statements.count; k++) work += kn_points(s, group->statements.at[k]) * 4;
  bool total = group->statements.count == 1 && !facts->axis_count && facts->reduction;
  if (total) {
    lp_expr_info info = *lp_expr_at(f, facts->reduction);
    total = info.combine != LP_CHAIN &&
            contiguous(s, first, kn_axis_of(f, lp_list_at(f, info.first)[info.count - 1]));
  }
  if (total) emit_total(s, first);
  else if (facts->axis_count && facts->whole && !facts->over_features && same_shape_everywhere(s, group))
    emit_elementwise(s, group);
  else emit_scalar(s, group);
  lp_nest_end(f, work);
}
