/* One sample: lanes run along features, and a value is its elements one after the other, padded to whole
 * vectors in scratch. Inputs are read in the rows of data, outputs written in their rows, if nothing else
 * wants them in scratch: there nothing beyond a row may be touched, so that a row ends in pieces of 8, 4, 2
 * and 1 lanes.
 *
 * A group is a sum of products with constant weights (single_sum.c) or an element-wise statement, with the
 * element-wise statements behind it at the same points; or a reduction along elements that lie side by side
 * (single_fold.c); or anything else, in loops over its elements. */
#include "kernels/schedule.h"

#include "loops/range.h"

enum { MOST_STRAIGHT = 640, MOST_UNROLLED = 4 };

/* ---- rows ---- */

/* A value that an output alone reads is written in the output's row. */
static void find_output_rows(kn_schedule_state *s) {
  lp_function *f = s->f;
  uint32_t *readers = NET_NEW_ARRAY(f->arena, uint32_t, f->buffers.count + 1);
  for (uint32_t i = 0; i < f->statements.count; i++) {
    if (!s->facts[i].live) continue;
    for (uint32_t r = 0; r < s->facts[i].reads.count; r++) readers[s->facts[i].reads.at[r].buffer]++;
  }
  for (uint32_t i = 0; i < f->statements.count; i++) {
    if (!s->facts[i].live || s->facts[i].kind != KN_SCATTER) continue;
    lp_buffer value = s->facts[i].reads.at[0].buffer;
    if (readers[value] != 1 || f->buffers.at[value].storage != LP_SCRATCH || kn_in_row(s, value)) continue;
    s->rows[value] = kn_statement(s, i)->buffer;
    s->facts[i].live = false;
  }
}

/* What is written to them says so: a clamp from 0 on, or the elements of others. */
static void find_naturals(kn_schedule_state *s) {
  lp_function *f = s->f;
  lp_scope scope = lp_scope_new(f->arena, f);
  bool *seen = NET_NEW_ARRAY(f->arena, bool, f->buffers.count + 1);
  s->natural = NET_NEW_ARRAY(f->arena, bool, f->buffers.count + 1);
  for (uint32_t i = 0; i < f->statements.count; i++) {
    const lp_statement *statement = kn_statement(s, i);
    const lp_expr_info *value = lp_expr_at(f, statement->value);
    lp_buffer to = statement->buffer;
    if (value->type == NET_F32 || value->type == NET_F64 || value->type == NET_BOOL) continue;
    bool natural =
        value->kind == LP_load ? s->natural[value->which] : lp_range_of(&scope, statement->value).lo >= 0;
    s->natural[to] = natural && (s->natural[to] || !seen[to]);
    seen[to] = true;
  }
}

/* Rows of bytes and halves are copied: words of them may run over the end. */
static bool is_word(net_type type) { return net_type_bytes(type) >= 4; }

void kn_single_begin(kn_schedule_state *s) {
  lp_function *f = s->f;
  s->rows = NET_NEW_ARRAY(f->arena, lp_buffer, f->buffers.count + 1);
  for (lp_buffer b = 0; b < f->buffers.count; b++) {
    lp_storage storage = f->buffers.at[b].storage;
    s->rows[b] = storage == LP_COLUMN || storage == LP_OUTPUT ? b : LP_NONE;
  }
  for (uint32_t i = 0; i < f->statements.count && !s->options->unfused; i++) {
    if (!s->facts[i].live || s->facts[i].kind != KN_GATHER) continue;
    for (uint32_t r = 0; r < s->facts[i].reads.count; r++) {
      lp_buffer from = s->facts[i].reads.at[r].buffer;
      if (f->buffers.at[from].storage != LP_COLUMN || !is_word(f->buffers.at[from].type)) continue;
      s->rows[kn_statement(s, i)->buffer] = from;
      s->facts[i].live = false;
    }
  }
  if (!s->options->unfused) find_output_rows(s);
  find_naturals(s);
  double vectors = 0;
  size_t bytes = 0;
  for (uint32_t i = 0; i < f->statements.count; i++) {
    kn_product product;
    if (!s->facts[i].live || !kn_single_product(s, i, &product)) continue;
    vectors += kn_single_vectors(s, i, &product);
    bytes += kn_single_bytes(s, &product);
  }
  s->straight = s->machine->lanes > 1 && vectors <= MOST_STRAIGHT;
  s->weight_bytes = bytes;
}

/* ---- indices ---- */

/* The factor of an axis in an index; false: it is not affine in it. */
static bool factor_of(const lp_function *f, lp_expr e, uint32_t axis, int64_t *factor) {
  const lp_expr_info *info = lp_expr_at(f, e);
  int64_t a = 0, b = 0;
  *factor = 0;
  if (!lp_depends(f, e, axis)) return true;
  if (info->kind == LP_axis) return *factor = 1, true;
  if (info->kind == LP_convert) return factor_of(f, info->operand[0], axis, factor);
  if (info->kind != LP_add && info->kind != LP_sub && info->kind != LP_mul) return false;
  if (!factor_of(f, info->operand[0], axis, &a) || !factor_of(f, info->operand[1], axis, &b)) return false;
  if (info->kind == LP_mul) {
    const lp_expr_info *by = lp_expr_at(f, info->operand[a ? 1 : 0]);
    *factor = (a ? a : b) * by->integer;
    return by->kind == LP_const;
  }
  *factor = info->kind == LP_add ? a + b : a - b;
  return true;
}

bool kn_single_stride(const lp_function *f, lp_buffer buffer, uint32_t first, uint32_t count, uint32_t axis,
                      int64_t *stride) {
  const lp_buffer_info *info = &f->buffers.at[buffer];
  uint32_t skip = info->batched;
  *stride = 0;
  for (uint32_t i = 0; i < count; i++) {
    int64_t factor;
    if (!factor_of(f, lp_list_at(f, first)[i], axis, &factor)) return false;
    if (i >= skip && i - skip < info->shape.rank) *stride = *stride * info->shape.dim[i - skip] + factor;
    else if (factor) return false;
  }
  return true;
}

bool kn_single_contiguous(const kn_schedule_state *s, uint32_t index, uint32_t axis, uint32_t except) {
  const kn_facts *facts = &s->facts[index];
  const lp_statement *statement = kn_statement(s, index);
  int64_t stride;
  if (!kn_single_stride(s->f, statement->buffer, statement->first, statement->count, axis, &stride))
    return false;
  if (stride != 1) return false;
  for (uint32_t r = 0; r < facts->reads.count; r++) {
    kn_access a = facts->reads.at[r];
    if (a.first == except) continue;
    if (!kn_single_stride(s->f, a.buffer, a.first, a.count, axis, &stride) || stride < 0 || stride > 1)
      return false;
  }
  return true;
}

static uint32_t last_axis(const kn_facts *facts) { return facts->axes[facts->axis_count - 1]; }

/* Every access is to a whole value of the statement's shape, or to a scalar: then there is one flat index. */
static bool is_flat(const kn_schedule_state *s, const kn_group *group) {
  for (uint32_t k = 0; k < group->statements.count; k++) {
    const kn_facts *facts = &s->facts[group->statements.at[k]];
    const lp_statement *statement = kn_statement(s, group->statements.at[k]);
    const net_shape *shape = &s->f->buffers.at[statement->buffer].shape;
    if (!facts->whole || facts->over_features || facts->over_batch) return false;
    for (uint32_t r = 0; r < facts->reads.count; r++) {
      kn_access a = facts->reads.at[r];
      const lp_buffer_info *buffer = &s->f->buffers.at[a.buffer];
      if (!buffer->shape.rank) continue;
      uint32_t skip = buffer->batched, own = statement->count - shape->rank;
      if (!net_shape_same(&buffer->shape, shape) ||
          memcmp(lp_list_at(s->f, a.first) + skip, lp_list_at(s->f, statement->first) + own,
                 shape->rank * sizeof(lp_expr)))
        return false;
    }
  }
  return true;
}

bool kn_single_from_start(const lp_function *f, const kn_access *a, uint32_t axis) {
  for (uint32_t i = f->buffers.at[a->buffer].batched; i < a->count; i++) {
    lp_expr at = lp_list_at(f, a->first)[i];
    const lp_expr_info *info = lp_expr_at(f, at);
    if (kn_axis_of(f, at) != axis && !(info->kind == LP_const && !info->integer)) return false;
  }
  return true;
}

bool kn_single_padded(const kn_schedule_state *s, const kn_group *group) {
  bool flat = is_flat(s, group);
  for (uint32_t k = 0; k < group->statements.count; k++) {
    const kn_facts *facts = &s->facts[group->statements.at[k]];
    if (!facts->whole || !(flat || facts->axis_count == 1)) return false;
    kn_product product;
    uint32_t except = LP_NONE; /* weights have an order of their own */
    if (!k && kn_single_product(s, group->statements.at[k], &product))
      except = lp_expr_at(s->f, product.constant)->first;
    for (uint32_t r = 0; r < facts->reads.count; r++) {
      const kn_access *a = &facts->reads.at[r];
      bool moves = false;
      for (uint32_t i = 0; i < a->count && a->first != except; i++)
        for (uint32_t x = 0; x < facts->axis_count; x++)
          moves |= lp_depends(s->f, lp_list_at(s->f, a->first)[i], facts->axes[x]);
      if (moves && (kn_in_row(s, a->buffer) || !(flat || kn_single_from_start(s->f, a, last_axis(facts)))))
        return false;
    }
  }
  return true;
}

uint32_t kn_single_piece(uint32_t lanes, uint32_t left) {
  while (lanes > left) lanes /= 2;
  return lanes;
}

/* ---- groups ---- */

bool kn_single_takes(kn_schedule_state *s, const kn_group *group, uint32_t index) {
  uint32_t begin = group->statements.at[0];
  const kn_facts *facts = &s->facts[index], *first = &s->facts[begin];
  kn_product product;
  if (!facts->axis_count || !first->whole || group->kind == KN_GATHER || group->kind == KN_SCATTER)
    return false;
  if (group->update || kn_statement(s, index)->update || first->over_batch) return false;
  bool simple = !first->over_features && kn_single_contiguous(s, begin, last_axis(first), LP_NONE);
  if (!simple && !kn_single_product(s, begin, &product)) return false;
  return kn_single_contiguous(s, index, last_axis(facts), LP_NONE);
}

/* Stores the first `valid` lanes. */
static void store(kn_scope *scope, const lp_statement *statement, lp_expr value, uint32_t valid) {
  lp_function *f = scope->f;
  uint32_t lanes = lp_expr_at(f, value)->lanes, size;
  lp_expr flat = kn_flat(scope, statement->buffer, statement->first, statement->count);
  if (valid == lanes || !kn_in_row(scope->s, statement->buffer)) {
    kn_store_flat(scope->s, statement->buffer, flat, value);
    return;
  }
  for (uint32_t at = 0; at < valid; at += size) {
    size = kn_single_piece(lanes, valid - at);
    kn_store_flat(scope->s, statement->buffer, lp_addition(f, flat, lp_int(f, at)),
                  lp_part_of(f, value, at, size));
  }
}

void kn_single_finish(kn_scope *scope, const kn_group *group, lp_expr of, lp_expr reduced, uint32_t valid) {
  kn_schedule_state *s = scope->s;
  const kn_facts *first = &s->facts[group->statements.at[0]];
  lp_expr zero = lp_int(scope->f, 0);
  scope->bound.count = 0;
  for (uint32_t k = 0; k < group->statements.count; k++) {
    uint32_t index = group->statements.at[k];
    const lp_statement *statement = kn_statement(s, index);
    const kn_facts *facts = &s->facts[index];
    for (uint32_t i = 0; i < first->axis_count; i++)
      scope->axis[facts->axes[i]] = scope->axis[first->axes[i]];
    scope->vector_axis = facts->axis_count ? last_axis(facts) : LP_NONE;
    kn_scope_renew(scope);
    if (!k && of) scope->memo[of] = reduced, scope->memo_stamp[of] = scope->stamp;
    lp_expr value = kn_value(scope, statement->value);
    lp_reg point = lp_reg_new(scope->f, "y", lp_expr_at(scope->f, value)->type, scope->lanes, 1, 1);
    lp_set(scope->f, point, zero, zero, value);
    value = lp_read_reg(scope->f, point, zero, zero);
    if (!s->local[statement->buffer] || kn_in_row(s, statement->buffer))
      store(scope, statement, value, valid);
    kn_scope_bind(scope, statement->buffer, point, true, zero, zero);
  }
  scope->bound.count = 0;
}

/* ---- element by element ---- */

/* Along an axis of the first statement: whole vectors, then what is left of them. */
static void emit_vectors(kn_scope *scope, const kn_group *group, uint32_t axis, uint32_t extent,
                         bool unroll) {
  lp_function *f = scope->f;
  uint32_t lanes = scope->lanes, whole = extent / lanes * lanes, size;
  bool padded = kn_single_padded(scope->s, group);
  if (whole) {
    unroll &= whole <= MOST_UNROLLED * lanes && lanes > 1;
    scope->axis[axis] = lp_begin_for(f, "i", lp_int(f, 0), lp_int(f, whole), lanes, unroll ? LP_UNROLL : 0);
    kn_single_finish(scope, group, 0, 0, lanes);
    lp_end(f);
  }
  for (uint32_t at = whole; at < extent; at += size) {
    uint32_t left = extent - at;
    size = kn_single_piece(lanes, left);
    if (padded && size < left) size *= 2;
    scope->lanes = size;
    scope->axis[axis] = lp_int(f, at);
    kn_single_finish(scope, group, 0, 0, size < left ? size : left);
  }
  scope->lanes = lanes;
}

static void emit_elements(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  uint32_t begin = group->statements.at[0], elements = 1, opened = 0;
  const kn_facts *first = &s->facts[begin];
  bool flat = is_flat(s, group);
  bool vectors = first->axis_count && (flat || kn_single_contiguous(s, begin, last_axis(first), LP_NONE));
  kn_scope *scope = kn_scope_new(s, vectors ? s->machine->lanes : 1, LP_NONE);
  scope->axis[0] = lp_int(f, 0);
  scope->unroll = s->straight ? MOST_UNROLLED : 0;
  for (uint32_t i = 0; i < first->axis_count; i++) {
    uint32_t axis = first->axes[i], extent = kn_extent(f, axis);
    bool last = i + 1 == first->axis_count;
    elements *= extent;
    scope->axis[axis] = lp_int(f, 0);
    if (flat || (vectors && last)) continue;
    scope->axis[axis] =
        lp_begin_for(f, net_text(f->n, f->axes.at[axis].name), lp_int(f, 0), lp_int(f, extent), 1, 0);
    opened++;
  }
  if (vectors)
    emit_vectors(scope, group, last_axis(first), flat ? elements : kn_extent(f, last_axis(first)),
                 !first->over_features);
  else kn_single_finish(scope, group, 0, 0, 1);
  while (opened--) lp_end(f);
}

/* A row of data into scratch, or a value into a row of output. */
static void emit_copy(kn_schedule_state *s, uint32_t index) {
  lp_function *f = s->f;
  const kn_facts *facts = &s->facts[index];
  lp_buffer to = kn_statement(s, index)->buffer, from = facts->reads.at[0].buffer;
  for (uint32_t r = 0; r < facts->reads.count; r++)
    if (f->buffers.at[facts->reads.at[r].buffer].storage == LP_COLUMN) from = facts->reads.at[r].buffer;
  uint32_t elements = (uint32_t)net_shape_elements(&f->buffers.at[to].shape), lanes = s->machine->lanes, size;
  uint32_t whole = elements / lanes * lanes;
  if (whole) {
    lp_expr at = lp_begin_for(f, "i", lp_int(f, 0), lp_int(f, whole), lanes, 0);
    kn_store_flat(s, to, at, kn_load_flat(s, from, at, lanes));
    lp_end(f);
  }
  for (uint32_t at = whole; at < elements; at += size) {
    size = kn_single_piece(lanes, elements - at);
    kn_store_flat(s, to, lp_int(f, at), kn_load_flat(s, from, lp_int(f, at), size));
  }
}

void kn_single_emit(kn_schedule_state *s, const kn_group *group) {
  uint32_t index = group->statements.at[0];
  const kn_facts *facts = &s->facts[index];
  double work = 0;
  kn_product product;
  for (uint32_t k = 0; k < group->statements.count; k++) work += 2 * kn_points(s, group->statements.at[k]);
  lp_nest_begin(s->f, kn_group_name(s, group));
  if (facts->kind == KN_GATHER || facts->kind == KN_SCATTER) emit_copy(s, index);
  else if (kn_single_product(s, index, &product)) kn_single_emit_product(s, group, &product);
  else if (kn_single_folds(s, index)) kn_single_emit_fold(s, group);
  else emit_elements(s, group);
  lp_nest_end(s->f, work);
}
