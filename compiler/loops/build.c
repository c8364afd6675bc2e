/* The builder: functions, leaves, loads, reductions, buffers and statements (form 1). */
#include "loops/build.h"

#include "loops/compute.h"

lp_function *lp_function_new(netc *n, net_arena *arena, net_name name, uint32_t batch, bool masked) {
  lp_function *f = NET_NEW(arena, lp_function);
  *f = (lp_function){.n = n, .arena = arena, .name = name, .batch = batch, .masked = masked, .padded = batch};
  f->tile = f->lanes = 1;
  net_vec_push(arena, &f->exprs, (lp_expr_info){0});
  net_vec_push(arena, &f->marks, 0);
  net_vec_push(arena, &f->stmts, (lp_stmt_info){0});
  net_vec_push(arena, &f->axes, (lp_axis_info){net_intern(n, "b"), batch, true});
  return f;
}

lp_expr lp_wrong(lp_function *f, net_type type, uint32_t lanes, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const char *message = net_arena_vformat(f->arena, format, arguments);
  va_end(arguments);
  net_fault(f->n, NET_NOWHERE, "loops of '%s': %s", net_text(f->n, f->name), message);
  return lp_splat_of(f, lp_constant(f, type, 0, 0), lanes);
}

bool lp_known(lp_function *f, lp_expr e, const char *what) {
  if (e && e < f->exprs.count) return true;
  net_fault(f->n, NET_NOWHERE, "loops of '%s': %s of an expression that does not exist (%u)",
            net_text(f->n, f->name), what, e);
  return false;
}

/* ---- expressions ---- */

static bool is_pure(const lp_function *f, const lp_expr_info *info) {
  if (info->kind == LP_load || info->kind == LP_read || info->kind == LP_tree || info->kind == LP_reduce)
    return false;
  for (uint32_t i = 0; i < 3; i++)
    if (info->operand[i] && !lp_expr_at(f, info->operand[i])->pure) return false;
  return true;
}

static uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
  return hash ^ hash >> 29;
}

static uint64_t hash_of(const lp_expr_info *info) {
  uint64_t real,
      hash = mix(info->kind, info->type | (uint64_t)info->lanes << 8 | (uint64_t)info->combine << 24);
  memcpy(&real, &info->real, sizeof real);
  hash = mix(hash, info->operand[0] | (uint64_t)info->operand[1] << 32);
  hash = mix(hash, info->operand[2] | (uint64_t)info->which << 32);
  return mix(mix(hash, real), (uint64_t)info->integer);
}

static bool same(const lp_expr_info *a, const lp_expr_info *b) {
  return a->kind == b->kind && a->type == b->type && a->lanes == b->lanes && a->combine == b->combine &&
         a->operand[0] == b->operand[0] && a->operand[1] == b->operand[1] && a->operand[2] == b->operand[2] &&
         a->which == b->which && a->integer == b->integer && !memcmp(&a->real, &b->real, sizeof a->real);
}

static void grow_table(lp_function *f) {
  uint32_t slots = f->pure_slots ? 2 * f->pure_slots : 256;
  lp_expr *table = NET_NEW_ARRAY(f->arena, lp_expr, slots);
  for (uint32_t i = 0; i < f->pure_slots; i++) {
    if (!f->pure[i]) continue;
    uint64_t at = hash_of(lp_expr_at(f, f->pure[i])) & (slots - 1);
    while (table[at]) at = (at + 1) & (slots - 1);
    table[at] = f->pure[i];
  }
  f->pure = table;
  f->pure_slots = slots;
}

static lp_expr append(lp_function *f, lp_expr_info info) {
  net_vec_push(f->arena, &f->marks, 0);
  return net_vec_push(f->arena, &f->exprs, info);
}

lp_expr lp_add_expr(lp_function *f, lp_expr_info info) {
  info.pure = is_pure(f, &info);
  if (!info.pure) return append(f, info);
  if (2 * f->pure_count >= f->pure_slots) grow_table(f);
  uint64_t at = hash_of(&info) & (f->pure_slots - 1);
  for (; f->pure[at]; at = (at + 1) & (f->pure_slots - 1))
    if (same(lp_expr_at(f, f->pure[at]), &info)) return f->pure[at];
  f->pure_count++;
  return f->pure[at] = append(f, info);
}

uint32_t lp_add_list(lp_function *f, uint32_t count, const lp_expr *items) {
  uint32_t first = f->lists.count;
  net_vec_reserve(f->arena, &f->lists, count); /* items may lie in the old lists: they stay readable */
  for (uint32_t i = 0; i < count; i++) f->lists.at[f->lists.count++] = items[i];
  return first;
}

void lp_walk(const lp_function *f) { f->marks.at[0]++; }

bool lp_visit(const lp_function *f, lp_expr e) {
  if (f->marks.at[e] == f->marks.at[0]) return false;
  f->marks.at[e] = f->marks.at[0];
  return true;
}

const lp_expr_info *lp_constant_at(const lp_function *f, lp_expr e) {
  const lp_expr_info *info = lp_expr_at(f, e);
  if (info->kind == LP_splat) info = lp_expr_at(f, info->operand[0]);
  return info->kind == LP_const ? info : NULL;
}

lp_expr lp_constant(lp_function *f, net_type type, double real, int64_t integer) {
  if (type >= NET_TYPE_COUNT) return lp_wrong(f, NET_F32, 1, "a constant of no type");
  lp_expr_info info = {.kind = LP_const, .type = (uint8_t)type, .lanes = 1};
  if (type == NET_F32)
    info.real = (float)real;
  else if (type == NET_F64)
    info.real = real;
  else
    info.integer = lp_wrap(type, integer);
  return lp_add_expr(f, info);
}

lp_expr lp_real(lp_function *f, double value) { return lp_constant(f, NET_F32, value, 0); }
lp_expr lp_int(lp_function *f, int64_t value) { return lp_constant(f, NET_I32, 0, value); }

lp_expr lp_sample_count(lp_function *f) {
  if (!f->masked) return lp_constant(f, NET_U32, 0, f->batch);
  return lp_add_expr(f, (lp_expr_info){.kind = LP_count, .type = NET_U32, .lanes = 1});
}

lp_expr lp_samples(lp_function *f) { return lp_convert(f, NET_F32, lp_sample_count(f)); }

lp_expr lp_parameter(lp_function *f, uint32_t which) {
  if (which > 2) return lp_wrong(f, NET_U32, 1, "no parameter %u", which);
  return lp_add_expr(f, (lp_expr_info){.kind = LP_param, .type = NET_U32, .lanes = 1, .which = which});
}

static lp_expr axis(lp_function *f, uint32_t which) {
  return lp_add_expr(f, (lp_expr_info){.kind = LP_axis, .type = NET_I32, .lanes = 1, .which = which});
}

lp_expr lp_batch(lp_function *f) { return axis(f, 0); }

lp_expr lp_axis_new(lp_function *f, const char *name, uint32_t extent) {
  if (!extent || extent > INT32_MAX) return lp_wrong(f, NET_I32, 1, "axis %s of extent %u", name, extent);
  return axis(f, net_vec_push(f->arena, &f->axes, (lp_axis_info){net_intern(f->n, name), extent, false}));
}

bool lp_check_indices(lp_function *f, const char *what, lp_buffer buffer, uint32_t count,
                      const lp_expr *indices) {
  if (buffer >= f->buffers.count) {
    lp_wrong(f, NET_F32, 1, "%s buffer %u, which does not exist", what, buffer);
    return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    if (!lp_known(f, indices[i], "an index")) return false;
    const lp_expr_info *info = lp_expr_at(f, indices[i]);
    if (info->lanes == 1 && (info->type == NET_I32 || info->type == NET_U32)) continue;
    lp_wrong(f, NET_F32, 1, "%s %s: index %u is %s with %u lanes, but i32 or u32 scalars are wanted", what,
             net_text(f->n, f->buffers.at[buffer].name), i, net_type_name(info->type), info->lanes);
    return false;
  }
  return true;
}

/* The same with as many indices as form 1 wants. */
static bool check_logical(lp_function *f, const char *what, lp_buffer buffer, uint32_t count,
                          const lp_expr *indices) {
  if (!lp_check_indices(f, what, buffer, count, indices)) return false;
  const lp_buffer_info *b = &f->buffers.at[buffer];
  if (count == b->shape.rank + b->batched) return true;
  lp_wrong(f, NET_F32, 1, "%s %s takes %u indices, but %u are given", what, net_text(f->n, b->name),
           b->shape.rank + b->batched, count);
  return false;
}

lp_expr lp_load_at(lp_function *f, lp_buffer buffer, uint32_t count, const lp_expr *indices) {
  if (!check_logical(f, "loading from", buffer, count, indices))
    return lp_constant(f, buffer < f->buffers.count ? f->buffers.at[buffer].type : NET_F32, 0, 0);
  return lp_add_expr(f, (lp_expr_info){.kind = LP_load,
                                       .type = (uint8_t)f->buffers.at[buffer].type,
                                       .lanes = 1,
                                       .which = buffer,
                                       .first = lp_add_list(f, count, indices),
                                       .count = count});
}

lp_expr lp_lookup_of(lp_function *f, lp_buffer table, lp_expr place) {
  const lp_buffer_info *b = table < f->buffers.count ? &f->buffers.at[table] : NULL;
  if (!b || b->storage != LP_CONSTANT || b->batched || b->shape.rank != 1)
    return lp_wrong(f, b ? b->type : NET_F32, 1, "looking up in what is no constant vector");
  if (!lp_known(f, place, "a lookup")) return lp_constant(f, b->type, 0, 0);
  const lp_expr_info info = *lp_expr_at(f, place);
  if (info.type != NET_I32)
    return lp_wrong(f, b->type, info.lanes, "looking up at places of type %s", net_type_name(info.type));
  return lp_add_expr(f, (lp_expr_info){.kind = LP_lookup,
                                       .type = (uint8_t)b->type,
                                       .lanes = info.lanes,
                                       .operand = {place},
                                       .which = table});
}

lp_expr lp_reduce_over(lp_function *f, lp_combine combine, uint32_t count, const lp_expr *axes,
                       lp_expr body) {
  if (!lp_known(f, body, "a reduction")) return lp_real(f, 0);
  const lp_expr_info info = *lp_expr_at(f, body);
  if (combine > LP_CHAIN || info.lanes != 1 || info.type == NET_BOOL)
    return lp_wrong(f, info.type, info.lanes, "reduction %u of %s with %u lanes", (unsigned)combine,
                    net_type_name(info.type), info.lanes);
  for (uint32_t i = 0; i < count; i++) {
    if (!lp_known(f, axes[i], "a reduction")) return lp_constant(f, info.type, 0, 0);
    if (lp_expr_at(f, axes[i])->kind != LP_axis)
      return lp_wrong(f, info.type, 1, "a reduction over something that is no axis");
    for (uint32_t k = 0; k < i; k++)
      if (axes[k] == axes[i])
        return lp_wrong(f, info.type, 1, "a reduction over axis %s twice",
                        net_text(f->n, f->axes.at[lp_expr_at(f, axes[i])->which].name));
  }
  if (!count) return body;
  return lp_add_expr(f, (lp_expr_info){.kind = LP_reduce,
                                       .type = info.type,
                                       .lanes = 1,
                                       .combine = (uint8_t)combine,
                                       .operand = {body},
                                       .first = lp_add_list(f, count, axes),
                                       .count = count});
}

static bool depends(const lp_function *f, lp_expr e, uint32_t which) {
  if (!e || !lp_visit(f, e)) return false;
  const lp_expr_info *info = lp_expr_at(f, e);
  if (info->kind == LP_axis) return info->which == which;
  if (info->kind == LP_load || info->kind == LP_reduce)
    for (uint32_t i = 0; i < info->count; i++) {
      lp_expr item = f->lists.at[info->first + i];
      if (info->kind == LP_load && depends(f, item, which)) return true;
      if (info->kind == LP_reduce && lp_expr_at(f, item)->which == which) return false;
    }
  return depends(f, info->operand[0], which) || depends(f, info->operand[1], which) ||
         depends(f, info->operand[2], which);
}

static void mark_axes(const lp_function *f, lp_expr e, uint8_t *flags) {
  if (!e || !lp_visit(f, e)) return;
  const lp_expr_info *info = lp_expr_at(f, e);
  if (info->kind == LP_axis) flags[info->which] |= LP_OCCURS;
  for (uint32_t i = 0; (info->kind == LP_load || info->kind == LP_reduce) && i < info->count; i++) {
    lp_expr item = f->lists.at[info->first + i];
    if (info->kind == LP_load)
      mark_axes(f, item, flags);
    else
      flags[lp_expr_at(f, item)->which] |= LP_REDUCED;
  }
  for (uint32_t i = 0; i < 3; i++) mark_axes(f, info->operand[i], flags);
}

void lp_mark_axes(const lp_function *f, lp_expr e, uint8_t *flags) {
  lp_walk(f);
  mark_axes(f, e, flags);
}

bool lp_depends(const lp_function *f, lp_expr e, uint32_t axis_id) {
  lp_walk(f);
  return depends(f, e, axis_id);
}

/* ---- buffers and statements ---- */

lp_buffer lp_buffer_new(lp_function *f, net_name name, net_type type, net_shape shape, bool batched,
                        lp_storage storage, uint32_t slot) {
  lp_buffer_info info = {.name = name, .type = type, .shape = shape, .batched = batched, .storage = storage};
  info.slot = slot;
  info.bits = 8 * (double)net_type_bytes(type < NET_TYPE_COUNT ? type : NET_F32);
  if (type >= NET_TYPE_COUNT || shape.rank > NET_MAX_RANK || storage > LP_RESULT) {
    lp_wrong(f, NET_F32, 1, "buffer %s has no such type, rank or storage", net_text(f->n, name));
    info.type = NET_F32;
    info.shape.rank = 0;
    info.storage = LP_SCRATCH;
  }
  return net_vec_push(f->arena, &f->buffers, info);
}

lp_buffer lp_temporary(lp_function *f, const char *name, net_type type, net_shape shape, bool batched) {
  net_name unique = net_intern(f->n, name);
  for (uint32_t i = 0, k = 2; i < f->buffers.count; i++)
    if (net_name_same(f->buffers.at[i].name, unique)) {
      unique = net_intern_format(f->n, "%s_%u", name, k++);
      i = UINT32_MAX; /* from the start */
    }
  return lp_buffer_new(f, unique, type, shape, batched, LP_SCRATCH, 0);
}

void lp_assign_at(lp_function *f, lp_buffer buffer, uint32_t count, const lp_expr *indices, lp_expr value) {
  if (!check_logical(f, "assigning to", buffer, count, indices) || !lp_known(f, value, "an assignment"))
    return;
  const lp_buffer_info *b = &f->buffers.at[buffer];
  const lp_expr_info *info = lp_expr_at(f, value);
  if (!lp_is_writable(b->storage))
    lp_wrong(f, NET_F32, 1, "assigning to %s, which is only read", net_text(f->n, b->name));
  else if (info->type != b->type || info->lanes != 1)
    lp_wrong(f, NET_F32, 1, "assigning %s with %u lanes to %s, which is %s", net_type_name(info->type),
             info->lanes, net_text(f->n, b->name), net_type_name(b->type));
  else
    net_vec_push(f->arena, &f->statements,
                 (lp_statement){.buffer = buffer,
                                .first = lp_add_list(f, count, indices),
                                .count = count,
                                .value = value,
                                .node = f->node,
                                .update = f->update});
}
