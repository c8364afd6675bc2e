/* The builder: registers, vectors, loops and nests (form 2). */
#include "loops/build.h"

/* ---- statements ---- */

enum { MOST_DEPTH = sizeof((lp_function *)0)->open / sizeof(lp_stmt) };

void lp_nest_begin(lp_function *f, net_name name) {
  if (f->depth) {
    lp_wrong(f, NET_F32, 1, "nest %s begins inside another", net_text(f->n, name));
    return;
  }
  net_vec_push(f->arena, &f->nests, (lp_nest){.name = name});
  f->depth = 1;
  f->open[0] = f->last[0] = 0;
}

void lp_nest_end(lp_function *f, double work) {
  if (f->depth != 1)
    lp_wrong(f, NET_F32, 1, f->depth ? "a nest ends with %u statements open" : "no nest to end",
             f->depth - 1);
  if (f->depth) f->nests.at[f->nests.count - 1].work = work;
  f->depth = 0;
}

/* Adds a statement behind the last one at this depth. */
static lp_stmt add(lp_function *f, lp_stmt_info info) {
  if (!f->depth) {
    lp_wrong(f, NET_F32, 1, "a statement outside of every nest");
    return 0;
  }
  lp_stmt s = net_vec_push(f->arena, &f->stmts, info);
  uint32_t level = f->depth - 1;
  if (f->last[level])
    f->stmts.at[f->last[level]].next = s;
  else if (level)
    f->stmts.at[f->open[level]].body = s;
  else
    f->nests.at[f->nests.count - 1].body = s;
  f->last[level] = s;
  return s;
}

static void open_body(lp_function *f, lp_stmt s) {
  if (!s) return;
  if (f->depth == MOST_DEPTH) {
    lp_wrong(f, NET_F32, 1, "more than %u statements inside each other", MOST_DEPTH - 1);
    return;
  }
  f->open[f->depth] = s;
  f->last[f->depth++] = 0;
}

static bool is_scalar(lp_function *f, lp_expr e, net_type type, const char *what) {
  if (!lp_known(f, e, what)) return false;
  const lp_expr_info *info = lp_expr_at(f, e);
  if (info->type == type && info->lanes == 1) return true;
  lp_wrong(f, NET_F32, 1, "%s must be a scalar %s, but is %s with %u lanes", what, net_type_name(type),
           net_type_name(info->type), info->lanes);
  return false;
}

lp_expr lp_begin_for(lp_function *f, const char *name, lp_expr lo, lp_expr hi, uint32_t step,
                     unsigned flags) {
  uint32_t var = net_vec_push(f->arena, &f->vars, net_intern(f->n, name));
  if (!is_scalar(f, lo, NET_I32, "a loop's bound")) lo = lp_int(f, 0);
  if (!is_scalar(f, hi, NET_I32, "a loop's bound")) hi = lp_int(f, 0);
  if (!step || step > INT32_MAX) {
    lp_wrong(f, NET_F32, 1, "a loop over %s with step %u", name, step);
    step = 1;
  }
  if ((flags & LP_PARALLEL) && f->depth > 1) {
    lp_wrong(f, NET_F32, 1, "the parallel loop over %s is not outermost", name);
    flags &= ~(unsigned)LP_PARALLEL;
  }
  open_body(
      f,
      add(f, (lp_stmt_info){
                 .kind = LP_FOR, .flags = (uint8_t)flags, .which = var, .lo = lo, .hi = hi, .step = step}));
  return lp_add_expr(f, (lp_expr_info){.kind = LP_var, .type = NET_I32, .lanes = 1, .which = var});
}

void lp_begin_if(lp_function *f, lp_expr condition) {
  if (!is_scalar(f, condition, NET_BOOL, "a condition")) condition = lp_constant(f, NET_BOOL, 0, 0);
  open_body(f, add(f, (lp_stmt_info){.kind = LP_IF, .value = condition}));
}

void lp_end(lp_function *f) {
  if (f->depth <= 1)
    lp_wrong(f, NET_F32, 1, "no loop or condition to end");
  else
    f->depth--;
}

static bool check_reg(lp_function *f, lp_reg reg, lp_expr i, lp_expr j) {
  if (reg >= f->regs.count) {
    lp_wrong(f, NET_F32, 1, "register %u does not exist", reg);
    return false;
  }
  return (!i || is_scalar(f, i, NET_I32, "a register's row")) &&
         (!j || is_scalar(f, j, NET_I32, "a register's column"));
}

void lp_set(lp_function *f, lp_reg reg, lp_expr i, lp_expr j, lp_expr value) {
  if (!check_reg(f, reg, i, j) || !lp_known(f, value, "setting a register")) return;
  const lp_reg_info *r = &f->regs.at[reg];
  const lp_expr_info *v = lp_expr_at(f, value);
  if (v->type != r->type || v->lanes != r->lanes)
    lp_wrong(f, NET_F32, 1, "register %s is %s with %u lanes, but is set to %s with %u",
             net_text(f->n, r->name), net_type_name(r->type), r->lanes, net_type_name(v->type), v->lanes);
  else
    add(f, (lp_stmt_info){.kind = LP_SET, .which = reg, .lo = i, .hi = j, .value = value});
}

/* The same as lp_check_indices, and as many as the physical rank, if that is known already. */
static bool check_physical(lp_function *f, const char *what, lp_buffer buffer, uint32_t count,
                           const lp_expr *indices) {
  if (!lp_check_indices(f, what, buffer, count, indices)) return false;
  const lp_buffer_info *b = &f->buffers.at[buffer];
  if (!b->rank || b->rank == count) return true;
  lp_wrong(f, NET_F32, 1, "%s %s, which has %u physical dimensions, with %u indices", what,
           net_text(f->n, b->name), b->rank, count);
  return false;
}

void lp_store_at(lp_function *f, lp_buffer buffer, uint32_t count, const lp_expr *indices, lp_expr value) {
  if (!check_physical(f, "storing to", buffer, count, indices) || !lp_known(f, value, "a store")) return;
  const lp_buffer_info *b = &f->buffers.at[buffer];
  const lp_expr_info *v = lp_expr_at(f, value);
  if (!lp_is_writable(b->storage))
    lp_wrong(f, NET_F32, 1, "storing to %s, which is only read", net_text(f->n, b->name));
  else if (v->type != b->type)
    lp_wrong(f, NET_F32, 1, "storing %s to %s, which is %s", net_type_name(v->type), net_text(f->n, b->name),
             net_type_name(b->type));
  else
    add(f, (lp_stmt_info){.kind = LP_STORE,
                          .which = buffer,
                          .value = value,
                          .first = lp_add_list(f, count, indices),
                          .count = count});
}

void lp_transpose(lp_function *f, lp_reg reg) {
  if (!check_reg(f, reg, 0, 0)) return;
  const lp_reg_info *r = &f->regs.at[reg];
  if (r->rows < r->lanes || !lp_is_halved(r->lanes))
    lp_wrong(f, NET_F32, 1, "transposing %s[%u] with %u lanes", net_text(f->n, r->name), r->rows, r->lanes);
  else
    add(f, (lp_stmt_info){.kind = LP_TRANSPOSE, .which = reg});
}

void lp_finite(lp_function *f, lp_expr value) {
  if (!lp_known(f, value, "a test for finiteness")) return;
  const lp_expr_info *v = lp_expr_at(f, value);
  bool parallel = f->depth > 1 && (f->stmts.at[f->open[1]].flags & LP_PARALLEL);
  if (v->lanes != 1 || !lp_is_float(v->type) || parallel)
    lp_wrong(f, NET_F32, 1, "a test for finiteness of %s with %u lanes%s", net_type_name(v->type), v->lanes,
             parallel ? " inside a parallel loop" : "");
  else
    add(f, (lp_stmt_info){.kind = LP_FINITE, .value = value});
}

void lp_ahead(lp_function *f, lp_buffer column, uint32_t count, const lp_expr *indices) {
  if (!check_physical(f, "asking for", column, count, indices)) return;
  if (f->buffers.at[column].storage != LP_COLUMN)
    lp_wrong(f, NET_F32, 1, "asking ahead for %s, which is no column",
             net_text(f->n, f->buffers.at[column].name));
  else
    add(f, (lp_stmt_info){
               .kind = LP_AHEAD, .which = column, .first = lp_add_list(f, count, indices), .count = count});
}

/* ---- expressions ---- */

static bool is_lanes(uint32_t lanes) { return lanes && lanes <= LP_MAX_LANES; }

lp_reg lp_reg_new(lp_function *f, const char *name, net_type type, uint32_t lanes, uint32_t rows,
                  uint32_t columns) {
  if (type >= NET_TYPE_COUNT || !is_lanes(lanes) || !rows || !columns ||
      (uint64_t)rows * columns > UINT16_MAX) {
    lp_wrong(f, NET_F32, 1, "register %s[%u][%u] with %u lanes", name, rows, columns, lanes);
    type = NET_F32;
    lanes = rows = columns = 1;
  }
  return net_vec_push(f->arena, &f->regs,
                      (lp_reg_info){net_intern(f->n, name), type, (uint16_t)lanes, rows, columns});
}

lp_expr lp_read_reg(lp_function *f, lp_reg reg, lp_expr i, lp_expr j) {
  if (!check_reg(f, reg, i, j)) {
    if (reg >= f->regs.count) return lp_real(f, 0);
    return lp_splat_of(f, lp_constant(f, f->regs.at[reg].type, 0, 0), f->regs.at[reg].lanes);
  }
  const lp_reg_info r = f->regs.at[reg];
  return lp_add_expr(
      f, (lp_expr_info){
             .kind = LP_read, .type = (uint8_t)r.type, .lanes = r.lanes, .which = reg, .operand = {i, j}});
}

lp_expr lp_splat_of(lp_function *f, lp_expr scalar, uint32_t lanes) {
  if (!lp_known(f, scalar, "a splat")) return lp_real(f, 0);
  const lp_expr_info info = *lp_expr_at(f, scalar);
  if (info.lanes != 1 || !is_lanes(lanes))
    return lp_wrong(f, info.type, is_lanes(lanes) ? lanes : 1, "a splat of %u lanes to %u", info.lanes,
                    lanes);
  if (lanes == 1) return scalar;
  return lp_add_expr(
      f, (lp_expr_info){.kind = LP_splat, .type = info.type, .lanes = (uint16_t)lanes, .operand = {scalar}});
}

lp_expr lp_lanes_of(lp_function *f, uint32_t lanes) {
  if (!is_lanes(lanes)) return lp_wrong(f, NET_I32, 1, "a vector of %u lanes", lanes);
  if (lanes == 1) return lp_int(f, 0);
  return lp_add_expr(f, (lp_expr_info){.kind = LP_lanes, .type = NET_I32, .lanes = (uint16_t)lanes});
}

lp_expr lp_vector_load(lp_function *f, lp_buffer buffer, uint32_t lanes, uint32_t count,
                       const lp_expr *indices) {
  net_type type = buffer < f->buffers.count ? f->buffers.at[buffer].type : NET_F32;
  if (!is_lanes(lanes)) return lp_wrong(f, type, 1, "loading %u lanes", lanes);
  if (!check_physical(f, "loading from", buffer, count, indices))
    return lp_splat_of(f, lp_constant(f, type, 0, 0), lanes);
  return lp_add_expr(f, (lp_expr_info){.kind = LP_load,
                                       .type = (uint8_t)type,
                                       .lanes = (uint16_t)lanes,
                                       .which = buffer,
                                       .first = lp_add_list(f, count, indices),
                                       .count = count});
}

lp_expr lp_tree_of(lp_function *f, lp_combine combine, lp_reg reg, uint32_t count) {
  if (!check_reg(f, reg, 0, 0)) return lp_real(f, 0);
  const lp_reg_info r = f->regs.at[reg];
  if (combine > LP_MINIMUM || r.type == NET_BOOL || !count || count > r.rows || count > r.lanes ||
      !lp_is_halved(r.lanes))
    return lp_wrong(f, r.type, r.lanes, "a tree of %u of the rows of %s[%u] with %u lanes", count,
                    net_text(f->n, r.name), r.rows, r.lanes);
  return lp_add_expr(f, (lp_expr_info){.kind = LP_tree,
                                       .type = (uint8_t)r.type,
                                       .lanes = r.lanes,
                                       .combine = (uint8_t)combine,
                                       .which = reg,
                                       .count = count});
}

lp_expr lp_fold_of(lp_function *f, lp_combine combine, lp_expr vector) {
  if (!lp_known(f, vector, "a fold")) return lp_real(f, 0);
  const lp_expr_info info = *lp_expr_at(f, vector);
  if (combine > LP_MINIMUM || info.type == NET_BOOL || !lp_is_halved(info.lanes))
    return lp_wrong(f, info.type, 1, "fold %u of %s with %u lanes", (unsigned)combine,
                    net_type_name(info.type), info.lanes);
  if (info.lanes == 1) return vector;
  return lp_add_expr(
      f,
      (lp_expr_info){
          .kind = LP_fold, .type = info.type, .lanes = 1, .combine = (uint8_t)combine, .operand = {vector}});
}

lp_expr lp_part_of(lp_function *f, lp_expr vector, uint32_t first, uint32_t lanes) {
  if (!lp_known(f, vector, "a part")) return lp_real(f, 0);
  const lp_expr_info info = *lp_expr_at(f, vector);
  if (!is_lanes(lanes) || first >= info.lanes || lanes > info.lanes - first)
    return lp_wrong(f, info.type, is_lanes(lanes) ? lanes : 1, "lanes %u to %u of %u", first,
                    first + lanes - 1, info.lanes);
  if (lanes == info.lanes) return vector;
  if (info.kind == LP_splat) return lp_splat_of(f, info.operand[0], lanes);
  if (info.kind == LP_lanes) return lp_op2(f, LP_add, lp_lanes_of(f, lanes), lp_int(f, first));
  if (info.kind == LP_part) {
    first += (uint32_t)info.integer;
    vector = info.operand[0];
  }
  return lp_add_expr(f, (lp_expr_info){.kind = LP_part,
                                       .type = info.type,
                                       .lanes = (uint16_t)lanes,
                                       .operand = {vector},
                                       .integer = first});
}

lp_expr lp_words_of(lp_function *f, lp_expr vector) {
  if (!lp_known(f, vector, "words")) return lp_int(f, 0);
  const lp_expr_info info = *lp_expr_at(f, vector);
  uint32_t per = lp_per_word(info.type);
  if (!per || info.lanes % per)
    return lp_wrong(f, NET_I32, 1, "words of %s with %u lanes", net_type_name(info.type), info.lanes);
  return lp_add_expr(f, (lp_expr_info){.kind = LP_words,
                                       .type = NET_I32,
                                       .lanes = (uint16_t)(info.lanes / per),
                                       .operand = {vector}});
}

lp_expr lp_bytes_of(lp_function *f, lp_expr vector, bool sign) {
  if (!lp_known(f, vector, "bytes")) return lp_int(f, 0);
  const lp_expr_info info = *lp_expr_at(f, vector);
  if (info.type != NET_I32 || info.lanes % 4)
    return lp_wrong(f, NET_I32, 1, "bytes of %s with %u lanes", net_type_name(info.type), info.lanes);
  return lp_add_expr(f, (lp_expr_info){.kind = LP_words,
                                       .type = NET_I32,
                                       .lanes = (uint16_t)(info.lanes / 4),
                                       .operand = {vector},
                                       .integer = sign ? -1 : 1});
}
