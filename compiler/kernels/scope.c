/* Rewriting a statement's expression (form 1: axes) into values (form 2: loop variables, lanes,
 * registers). */
#include "kernels/schedule.h"

#include "loops/math.h"

#include <math.h>

kn_scope *kn_scope_new(kn_schedule_state *s, uint32_t lanes, uint32_t vector_axis) {
  net_arena *arena = s->f->arena;
  kn_scope *scope = NET_NEW(arena, kn_scope);
  *scope = (kn_scope){.s = s, .f = s->f, .lanes = lanes, .vector_axis = vector_axis, .stamp = 1};
  scope->axis = NET_NEW_ARRAY(arena, lp_expr, s->f->axes.count + 1);
  scope->memo = NET_NEW_ARRAY(arena, lp_expr, s->statement_exprs + 1);
  scope->memo_stamp = NET_NEW_ARRAY(arena, uint32_t, s->statement_exprs + 1);
  return scope;
}

void kn_scope_renew(kn_scope *scope) { scope->stamp++; }

void kn_scope_bind(kn_scope *scope, lp_buffer buffer, lp_reg reg, bool point, lp_expr row, lp_expr column) {
  net_vec_push(scope->f->arena, &scope->bound, (kn_binding){buffer, reg, point, row, column});
}

static const kn_binding *binding(const kn_scope *scope, lp_buffer buffer) {
  for (uint32_t i = scope->bound.count; i-- > 0;)
    if (scope->bound.at[i].buffer == buffer) return &scope->bound.at[i];
  return NULL;
}

/* The first sample of the vector: tile · T + within. */
static lp_expr batch_start(kn_scope *scope) {
  lp_function *f = scope->f;
  return lp_addition(f, lp_product(f, scope->tile, lp_int(f, f->tile)), scope->within);
}

lp_expr kn_index(kn_scope *scope, lp_expr e) {
  lp_function *f = scope->f;
  lp_expr_info info = *lp_expr_at(f, e);
  switch (info.kind) {
  case LP_const: return lp_constant(f, info.type, 0, info.integer);
  case LP_convert: return lp_convert(f, info.type, kn_index(scope, info.operand[0]));
  case LP_axis:
    if (f->axes.at[info.which].batch && scope->tile) return batch_start(scope);
    if (scope->axis[info.which]) return scope->axis[info.which];
    break;
  case LP_add:
  case LP_sub:
  case LP_mul:
  case LP_div:
  case LP_rem:
    return lp_op2(f, info.kind, kn_index(scope, info.operand[0]), kn_index(scope, info.operand[1]));
  }
  net_fault(f->n, NET_NOWHERE, "an index of '%s' is not affine in its axes", net_text(f->n, f->name));
  return lp_int(f, 0);
}

lp_expr kn_flat(kn_scope *scope, lp_buffer buffer, uint32_t first, uint32_t count) {
  lp_function *f = scope->f;
  net_shape shape = f->buffers.at[buffer].shape;
  uint32_t skip = f->buffers.at[buffer].batched;
  lp_expr flat = lp_int(f, 0);
  for (uint32_t i = 0; i < shape.rank && i + skip < count; i++)
    flat = lp_addition(f, lp_product(f, flat, lp_int(f, shape.dim[i])),
                       kn_index(scope, lp_list_at(f, first)[i + skip]));
  return flat;
}

/* The place of an element that lies in a row of data or output: its sample is the only one. */
static void place_in_row(kn_schedule_state *s, lp_buffer row, lp_expr flat, lp_expr *place) {
  lp_function *f = s->f;
  place[0] = lp_int(f, 0);
  place[1] = flat;
  if (f->buffers.at[row].storage != LP_COLUMN) return;
  lp_buffer index = 0;
  while (f->buffers.at[index].storage != LP_INDEX) index++;
  place[0] = lp_convert(f, NET_I32, lp_vector_load(f, index, 1, 1, &(lp_expr){lp_int(f, 0)}));
}

lp_expr kn_load_flat(kn_schedule_state *s, lp_buffer buffer, lp_expr flat, uint32_t lanes) {
  lp_expr place[2];
  if (!kn_in_row(s, buffer)) return lp_vector_load(s->f, buffer, lanes, 1, &flat);
  place_in_row(s, s->rows[buffer], flat, place);
  return lp_vector_load(s->f, s->rows[buffer], lanes, 2, place);
}

void kn_store_flat(kn_schedule_state *s, lp_buffer buffer, lp_expr flat, lp_expr value) {
  lp_expr place[2];
  if (!kn_in_row(s, buffer)) {
    lp_store_at(s->f, buffer, 1, &flat, value);
    return;
  }
  place_in_row(s, s->rows[buffer], flat, place);
  lp_store_at(s->f, s->rows[buffer], 2, place, value);
}

/* Lanes run along the batch, or along a feature axis that must then be the last index with stride 1. */
static lp_expr load(kn_scope *scope, const lp_expr_info *info) {
  lp_function *f = scope->f;
  const lp_buffer_info *buffer = &f->buffers.at[info->which];
  const kn_binding *bound = binding(scope, info->which);
  if (bound)
    return lp_read_reg(f, bound->reg,
                       bound->point ? bound->row : kn_flat(scope, info->which, info->first, info->count),
                       bound->point ? bound->column : lp_int(f, 0));
  lp_expr flat = kn_flat(scope, info->which, info->first, info->count);
  if (buffer->batched && buffer->rank == 3)
    return kn_load_batched(scope->s, info->which, scope->tile, flat, scope->within, scope->lanes);
  bool along = false;
  if (scope->vector_axis != LP_NONE && scope->vector_axis != 0)
    for (uint32_t i = 0; i < info->count; i++)
      along |= lp_depends(f, lp_list_at(f, info->first)[i], scope->vector_axis);
  lp_expr value = kn_load_flat(scope->s, info->which, flat, along ? scope->lanes : 1);
  return along ? value : lp_splat_of(f, value, scope->lanes);
}

static bool integer_type(net_type type) { return type != NET_F32 && type != NET_F64 && type != NET_BOOL; }

lp_expr kn_initial(lp_function *f, lp_combine combine, net_type type, uint32_t lanes) {
  bool sum = combine == LP_SUM || combine == LP_CHAIN;
  double start = sum ? 0 : combine == LP_MAXIMUM ? -INFINITY : INFINITY;
  int64_t least = type == NET_I32 ? INT32_MIN : 0, most = type == NET_I32 ? INT32_MAX : (int64_t)UINT32_MAX;
  int64_t integer = sum ? 0 : combine == LP_MAXIMUM ? least : most;
  return lp_splat_of(f, lp_constant(f, type, start, integer_type(type) ? integer : 0), lanes);
}

lp_expr kn_accumulate(lp_function *f, lp_combine combine, lp_expr accumulator, lp_expr body) {
  lp_expr_info info = *lp_expr_at(f, body);
  if (combine == LP_SUM && info.kind == LP_mul && info.type == NET_F32)
    return lp_op3(f, LP_fma, info.operand[0], info.operand[1], accumulator);
  static const lp_expr_kind ops[] = {
      [LP_SUM] = LP_add, [LP_MAXIMUM] = LP_max, [LP_MINIMUM] = LP_min, [LP_CHAIN] = LP_add};
  return lp_op2(f, ops[combine], body, accumulator);
}

void kn_cascade(uint32_t count, const uint32_t *extents, bool *starts) {
  enum { LEAST = 8 }; /* less is not worth the addition that carries it */
  uint64_t chain = 1;
  for (uint32_t i = count; i-- > 0;) {
    if (i + 1 < count) starts[i + 1] = chain >= LEAST && chain * extents[i] > KN_CHAIN;
    chain = i + 1 < count && starts[i + 1] ? extents[i] : chain * extents[i];
  }
  if (count) starts[0] = false;
}

uint32_t kn_tiles_of_part(const lp_function *f) {
  uint32_t tiles = f->padded / f->tile, vectors = f->tile / f->lanes, part = tiles;
  while (part > 1 && (tiles % part || part * vectors > KN_CHAIN)) part--;
  return part * vectors < KN_CHAIN / 8 ? tiles : part;
}

void kn_carry(lp_function *f, lp_combine combine, lp_reg total, lp_reg part, lp_expr i, lp_expr j) {
  lp_set(f, total, i, j, kn_accumulate(f, combine, lp_read_reg(f, total, i, j), lp_read_reg(f, part, i, j)));
}

/* Loops of a reduction over features: a long axis is two loops, if it divides. */
typedef struct {
  uint32_t count, extents[2 * LP_MAX_RANK];
  uint32_t axis[2 * LP_MAX_RANK]; /* LP_NONE: the outer loop of the axis that follows */
  bool starts[2 * LP_MAX_RANK];
} reduction;

static reduction reduction_of(const lp_function *f, const lp_expr_info *info) {
  reduction r = {0};
  for (uint32_t i = 0; i < info->count; i++) {
    uint32_t axis = kn_axis_of(f, lp_list_at(f, info->first)[i]), extent = kn_extent(f, axis), inner = extent;
    if (extent > KN_CHAIN && info->combine == LP_SUM)
      for (inner = KN_CHAIN; extent % inner;) inner--;
    if (inner < KN_CHAIN / 8) inner = extent;
    if (inner < extent) r.axis[r.count] = LP_NONE, r.extents[r.count++] = extent / inner;
    r.axis[r.count] = axis;
    r.extents[r.count++] = inner;
  }
  if (info->combine == LP_SUM) kn_cascade(r.count, r.extents, r.starts);
  return r;
}

/* A reduction over features: loops around accumulators. */
static lp_expr reduce(kn_scope *scope, const lp_expr_info *info) {
  lp_function *f = scope->f;
  lp_expr zero = lp_int(f, 0), outer = 0;
  reduction r = reduction_of(f, info);
  lp_reg sums[2 * LP_MAX_RANK + 1];
  for (uint32_t i = 0; i <= r.count; i++) { /* sums[i]: inside loop i − 1 */
    sums[i] = i ? sums[i - 1] : 0;
    if (!i || (i < r.count && r.starts[i])) {
      sums[i] = lp_reg_new(f, "sum", info->type, scope->lanes, 1, 1);
      lp_set(f, sums[i], zero, zero, kn_initial(f, info->combine, info->type, scope->lanes));
    }
    if (i == r.count) break;
    uint32_t extent = r.extents[i];
    const char *name = r.axis[i] == LP_NONE ? "block" : net_text(f->n, f->axes.at[r.axis[i]].name);
    lp_expr var = lp_begin_for(f, name, zero, lp_int(f, extent), 1, extent <= scope->unroll ? LP_UNROLL : 0);
    if (r.axis[i] != LP_NONE)
      scope->axis[r.axis[i]] = outer ? lp_addition(f, lp_product(f, outer, lp_int(f, extent)), var) : var;
    outer = r.axis[i] == LP_NONE ? var : 0;
  }
  kn_scope_renew(scope);
  lp_expr body = kn_value(scope, info->operand[0]);
  lp_reg sum = sums[r.count];
  lp_set(f, sum, zero, zero, kn_accumulate(f, info->combine, lp_read_reg(f, sum, zero, zero), body));
  for (uint32_t i = r.count; i-- > 0;) {
    lp_end(f);
    if (r.starts[i]) kn_carry(f, info->combine, sums[i - 1], sums[i], zero, zero);
  }
  kn_scope_renew(scope);
  return lp_read_reg(f, sums[0], zero, zero);
}

static lp_expr value(kn_scope *scope, lp_expr e) {
  lp_function *f = scope->f;
  lp_expr_info info = *lp_expr_at(f, e);
  switch (info.kind) {
  case LP_const: return lp_splat_of(f, lp_constant(f, info.type, info.real, info.integer), scope->lanes);
  case LP_count:
  case LP_param: return lp_splat_of(f, e, scope->lanes);
  case LP_axis: {
    lp_expr start = lp_splat_of(f, kn_index(scope, e), scope->lanes);
    bool along = info.which == scope->vector_axis && scope->lanes > 1;
    return along ? lp_addition(f, start, lp_lanes_of(f, scope->lanes)) : start;
  }
  case LP_load: return load(scope, &info);
  case LP_reduce: return reduce(scope, &info);
  case LP_lookup: return lp_lookup_of(f, info.which, kn_value(scope, info.operand[0]));
  case LP_convert: return lp_convert(f, info.type, kn_value(scope, info.operand[0]));
  case LP_bitcast: return lp_bitcast(f, info.type, kn_value(scope, info.operand[0]));
  default: break;
  }
  lp_expr a = kn_value(scope, info.operand[0]);
  if (info.kind >= LP_exp && info.kind < LP_operations) return lp_expand(f, info.kind, a);
  if (!info.operand[1]) return lp_op1(f, info.kind, a);
  lp_expr b = kn_value(scope, info.operand[1]);
  if (!info.operand[2]) return lp_op2(f, info.kind, a, b);
  return lp_op3(f, info.kind, a, b, kn_value(scope, info.operand[2]));
}

lp_expr kn_value(kn_scope *scope, lp_expr e) {
  if (scope->memo_stamp[e] == scope->stamp) return scope->memo[e];
  lp_expr result = value(scope, e);
  scope->memo[e] = result;
  scope->memo_stamp[e] = scope->stamp;
  return result;
}

void kn_assign(kn_scope *scope, const lp_statement *statement, lp_expr value) {
  lp_function *f = scope->f;
  const kn_binding *bound = binding(scope, statement->buffer);
  lp_expr flat =
      bound && bound->point ? 0 : kn_flat(scope, statement->buffer, statement->first, statement->count);
  if (bound)
    lp_set(f, bound->reg, bound->point ? bound->row : flat, bound->point ? bound->column : lp_int(f, 0),
           value);
  else if (f->buffers.at[statement->buffer].batched && f->buffers.at[statement->buffer].rank == 3)
    lp_store_at(f, statement->buffer, 3, (lp_expr[]){scope->tile, flat, scope->within}, value);
  else kn_store_flat(scope->s, statement->buffer, flat, value);
}

lp_expr kn_valid(kn_scope *scope) {
  lp_function *f = scope->f;
  if (!f->masked && f->padded == f->batch) return 0; /* every lane is a sample */
  lp_expr sample = lp_splat_of(f, batch_start(scope), scope->lanes);
  if (scope->lanes > 1) sample = lp_addition(f, sample, lp_lanes_of(f, scope->lanes));
  lp_expr count = lp_convert(f, NET_I32, lp_sample_count(f));
  return lp_op2(f, LP_lt, sample, lp_splat_of(f, count, scope->lanes));
}

void kn_open_vectors(kn_scope *scope, unsigned flags) {
  lp_function *f = scope->f;
  uint32_t per_tile = f->tile / scope->lanes;
  lp_expr v = lp_begin_for(f, "v", lp_int(f, 0), lp_int(f, f->padded / scope->lanes), 1, flags);
  lp_expr at = lp_convert(f, NET_U32, v), divisor = lp_constant(f, NET_U32, 0, per_tile);
  scope->tile = lp_convert(f, NET_I32, lp_op2(f, LP_div, at, divisor));
  lp_expr within = lp_convert(f, NET_I32, lp_op2(f, LP_rem, at, divisor));
  scope->within = lp_product(f, within, lp_int(f, scope->lanes));
}

kn_split kn_split_evenly(uint32_t extent, uint32_t most) {
  kn_split split = {0};
  uint32_t tiles = (extent + most - 1) / most;
  split.size[0] = (extent + tiles - 1) / tiles;
  split.size[1] = split.size[0] - 1;
  split.n[0] = extent - split.size[1] * tiles;
  split.n[1] = tiles - split.n[0];
  if (!split.size[1]) split.n[1] = 0;
  split.start[1] = split.n[0] * split.size[0];
  return split;
}
