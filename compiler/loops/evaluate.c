/* The plain evaluator: expressions, then statements (form 1) and nests (form 2).
 *
 * An expression is evaluated once per statement executed, in all its lanes; what it gave is kept under its id
 * together with the number of that execution (epoch). */
#include "loops/evaluate.h"

#include "loops/build.h"
#include "loops/compute.h"

typedef struct {
  const lp_function *f;
  lp_memory *memory;
  lp_value *values;   /* all lanes of all expressions */
  uint32_t *slot;     /* by expression: its first lane in values */
  uint64_t *epoch_of; /* by expression: when its values were computed */
  uint64_t epoch, epochs;
  int64_t *axes, *vars;
  lp_value **regs;   /* by register: [rows][columns][lanes] */
  uint32_t *in_nest; /* by register: the last nest that sets it, counted from 1 */
  uint32_t nest;
  bool failed;
} machine;

static void fail(machine *m, const char *what, lp_buffer buffer) {
  if (!m->failed)
    net_fault(m->f->n, NET_NOWHERE, "evaluating loops of '%s': %s %s", net_text(m->f->n, m->f->name), what,
              buffer == LP_NONE ? "" : net_text(m->f->n, m->f->buffers.at[buffer].name));
  m->failed = true;
}

static machine machine_new(net_arena *arena, const lp_function *f, lp_memory *memory) {
  machine m = {.f = f, .memory = memory};
  size_t lanes = 0;
  m.slot = NET_NEW_ARRAY(arena, uint32_t, f->exprs.count);
  for (uint32_t e = 1; e < f->exprs.count; e++) {
    m.slot[e] = (uint32_t)lanes;
    lanes += f->exprs.at[e].lanes;
  }
  m.values = NET_NEW_ARRAY(arena, lp_value, lanes + 1);
  m.epoch_of = NET_NEW_ARRAY(arena, uint64_t, f->exprs.count);
  m.axes = NET_NEW_ARRAY(arena, int64_t, f->axes.count + 1);
  m.vars = NET_NEW_ARRAY(arena, int64_t, f->vars.count + 1);
  m.regs = NET_NEW_ARRAY(arena, lp_value *, f->regs.count + 1);
  m.in_nest = NET_NEW_ARRAY(arena, uint32_t, f->regs.count + 1);
  for (lp_reg r = 0; r < f->regs.count; r++) {
    const lp_reg_info *info = &f->regs.at[r];
    m.regs[r] = NET_NEW_ARRAY(arena, lp_value, (size_t)info->rows * info->columns * info->lanes);
  }
  return m;
}

/* ---- expressions ---- */

static const lp_value *evaluate(machine *m, lp_expr e);

static int64_t integer_of(machine *m, lp_expr e) { return evaluate(m, e)->integer; }

/* What nobody may rely on: NaN, or an odd pattern. */
static lp_value poison(net_type type) {
  lp_value v = {.integer = 0x7FF8DEAD7FC0DEAD};
  if (!lp_is_float(type)) v.integer = lp_wrap(type, v.integer);
  return v;
}

/* Address of an element with `lanes` elements from there in the buffer, or NULL. */
static char *address(machine *m, lp_buffer buffer, uint32_t first, uint32_t count, uint32_t lanes) {
  const lp_buffer_info *b = &m->f->buffers.at[buffer];
  uint32_t dim[LP_MAX_RANK], rank = 0;
  if (m->memory->form2 && b->rank)
    for (; rank < b->rank; rank++) dim[rank] = b->dim[rank];
  else {
    if (b->batched) dim[rank++] = b->storage == LP_INDEX ? m->f->padded : m->f->batch;
    for (uint32_t i = 0; i < b->shape.rank; i++) dim[rank++] = b->shape.dim[i];
  }
  if (rank != count && !(rank == 0 && count == 1)) return fail(m, "wrong number of indices of", buffer), NULL;
  size_t offset = 0;
  for (uint32_t i = 0; i < count; i++) {
    int64_t at = integer_of(m, m->f->lists.at[first + i]);
    uint32_t width = i + 1 == count ? lanes : 1;
    int64_t extent = rank ? dim[i] : 1;
    if (b->storage == LP_COLUMN && i == 0) extent = INT64_MAX; /* rows are not known here */
    if (at < 0 || at > extent - width) return fail(m, "index out of range in", buffer), NULL;
    offset = offset * (rank ? dim[i] : 1) + (size_t)at;
  }
  if (!m->memory->buffers[buffer]) return fail(m, "no memory for", buffer), NULL;
  return (char *)m->memory->buffers[buffer] + offset * net_type_bytes(b->type);
}

static lp_value *reg_at(machine *m, lp_reg reg, lp_expr i, lp_expr j) {
  const lp_reg_info *r = &m->f->regs.at[reg];
  int64_t row = i ? integer_of(m, i) : 0, column = j ? integer_of(m, j) : 0;
  if (row < 0 || row >= r->rows || column < 0 || column >= r->columns) {
    fail(m, "register out of range", LP_NONE);
    row = column = 0;
  }
  return m->regs[reg] + ((size_t)row * r->columns + (size_t)column) * r->lanes;
}

static lp_value fold(lp_combine combine, net_type type, uint32_t lanes, const lp_value *vector) {
  lp_value v[LP_MAX_LANES];
  memcpy(v, vector, lanes * sizeof *v);
  for (uint32_t w = lanes / 2; w; w /= 2)
    for (uint32_t k = 0; k < w; k++) v[k] = lp_compute_combine(combine, type, v[k], v[k + w]);
  return v[0];
}

static void words(net_type from, const lp_expr_info *info, const lp_value *v, lp_value *result) {
  uint32_t per = info->integer ? 4 : lp_per_word(from), bits = 32 / per;
  int64_t low = info->integer < 0 ? INT8_MIN : 0, high = info->integer < 0 ? INT8_MAX : UINT8_MAX;
  for (uint32_t k = 0; k < info->lanes; k++) {
    uint32_t word = 0;
    for (uint32_t i = 0; i < per; i++) {
      int64_t x = v[k * per + i].integer;
      if (info->integer) x = x < low ? low : x > high ? high : x;
      word |= (uint32_t)(x & ((1 << bits) - 1)) << i * bits;
    }
    result[k].integer = (int32_t)word;
  }
}

static uint32_t extent_of(const machine *m, uint32_t axis) {
  return m->f->axes.at[axis].batch ? m->memory->count : m->f->axes.at[axis].extent;
}

/* Sums of floats in double, rounded once; everything else in the order of the axes. */
static void reduce(machine *m, const lp_expr_info *info, lp_value *result) {
  const lp_expr *axes = lp_list_at(m->f, info->first);
  uint64_t outer = m->epoch;
  bool in_double = info->combine == LP_SUM && lp_is_float(info->type);
  double total = 0;
  lp_value all = lp_combine_start(info->combine, info->type);
  bool empty = false;
  for (uint32_t i = 0; i < info->count; i++) {
    m->axes[lp_expr_at(m->f, axes[i])->which] = 0;
    empty |= !extent_of(m, lp_expr_at(m->f, axes[i])->which);
  }
  while (!empty) {
    m->epoch = ++m->epochs;
    lp_value v = *evaluate(m, info->operand[0]);
    if (in_double)
      total += info->type == NET_F32 ? (double)v.f32 : v.f64;
    else
      all = lp_compute_combine(info->combine, info->type, all, v);
    uint32_t i = info->count;
    while (i--) {
      uint32_t axis = lp_expr_at(m->f, axes[i])->which;
      if (++m->axes[axis] < extent_of(m, axis)) break;
      m->axes[axis] = 0;
    }
    if (i == UINT32_MAX) break;
  }
  m->epoch = outer;
  if (in_double && info->type == NET_F32)
    all.f32 = (float)total;
  else if (in_double)
    all.f64 = total;
  *result = all;
}

static void load(machine *m, const lp_expr_info *info, lp_value *result) {
  const char *at = address(m, info->which, info->first, info->count, info->lanes);
  size_t size = net_type_bytes(info->type);
  for (uint32_t k = 0; k < info->lanes; k++)
    result[k] = at ? lp_get(info->type, at + k * size) : poison(info->type);
}

static void look_up(machine *m, const lp_expr_info *info, lp_value *result) {
  const lp_value *place = evaluate(m, info->operand[0]);
  const lp_buffer_info *b = &m->f->buffers.at[info->which];
  const char *data = m->memory->buffers[info->which];
  for (uint32_t k = 0; k < info->lanes; k++) {
    bool inside = place[k].integer >= 0 && place[k].integer < b->shape.dim[0];
    if (!inside) fail(m, "place out of range in", info->which);
    else if (!data) fail(m, "no memory for", info->which);
    result[k] = inside && data ? lp_get(b->type, data + (size_t)place[k].integer * net_type_bytes(b->type))
                               : poison(b->type);
  }
}

static void operation(machine *m, const lp_expr_info *info, lp_value *result) {
  const lp_value *v[3] = {NULL};
  uint32_t count = lp_operand_count(info->kind);
  for (uint32_t i = 0; i < count; i++) v[i] = evaluate(m, info->operand[i]);
  net_type from = lp_expr_at(m->f, info->operand[info->kind == LP_select])->type;
  if (info->kind == LP_convert)
    for (uint32_t k = 0; k < info->lanes; k++) result[k] = lp_compute_convert(info->type, from, v[0][k]);
  else if (info->kind == LP_bitcast)
    for (uint32_t k = 0; k < info->lanes; k++) result[k] = lp_compute_bitcast(info->type, from, v[0][k]);
  else
    lp_compute(info->kind, from, m->memory->fma, info->lanes, v[0], v[1], v[2], result);
}

static void leaf(machine *m, const lp_expr_info *info, lp_value *result) {
  const lp_value *v;
  switch (info->kind) {
  case LP_const:
    if (info->type == NET_F32)
      result->f32 = (float)info->real;
    else if (info->type == NET_F64)
      result->f64 = info->real;
    else
      result->integer = info->integer;
    return;
  case LP_axis:
    result->integer = m->axes[info->which];
    return;
  case LP_var:
    result->integer = m->vars[info->which];
    return;
  case LP_count:
    result->integer = m->memory->count;
    return;
  case LP_param:
    result->integer = m->memory->params[info->which];
    return;
  case LP_load:
    load(m, info, result);
    return;
  case LP_reduce:
    reduce(m, info, result);
    return;
  case LP_read:
    v = reg_at(m, info->which, info->operand[0], info->operand[1]);
    memcpy(result, v, info->lanes * sizeof *v);
    return;
  case LP_splat:
    v = evaluate(m, info->operand[0]);
    for (uint32_t k = 0; k < info->lanes; k++) result[k] = *v;
    return;
  case LP_lanes:
    for (uint32_t k = 0; k < info->lanes; k++) result[k].integer = k;
    return;
  case LP_tree:
    for (uint32_t k = 0; k < info->lanes; k++) {
      v = m->regs[info->which] + (size_t)k * m->f->regs.at[info->which].columns * info->lanes;
      result[k] = k < info->count ? fold(info->combine, info->type, info->lanes, v) : poison(info->type);
    }
    return;
  case LP_fold:
    v = evaluate(m, info->operand[0]);
    *result = fold(info->combine, info->type, lp_expr_at(m->f, info->operand[0])->lanes, v);
    return;
  case LP_lookup:
    look_up(m, info, result);
    return;
  case LP_words:
    v = evaluate(m, info->operand[0]);
    words(lp_expr_at(m->f, info->operand[0])->type, info, v, result);
    return;
  case LP_part:
    v = evaluate(m, info->operand[0]);
    memcpy(result, v + info->integer, info->lanes * sizeof *v);
    return;
  }
}

static const lp_value *evaluate(machine *m, lp_expr e) {
  const lp_expr_info *info = lp_expr_at(m->f, e);
  lp_value *result = m->values + m->slot[e];
  if (m->epoch_of[e] == m->epoch) return result;
  if (info->kind < LP_operations)
    operation(m, info, result);
  else
    leaf(m, info, result);
  m->epoch_of[e] = m->epoch;
  return result;
}

static void store(machine *m, lp_buffer buffer, uint32_t first, uint32_t count, lp_expr value) {
  const lp_value *v = evaluate(m, value);
  const lp_expr_info *info = lp_expr_at(m->f, value);
  char *at = address(m, buffer, first, count, info->lanes);
  size_t size = net_type_bytes(info->type);
  for (uint32_t k = 0; at && k < info->lanes; k++) lp_put(info->type, at + k * size, v[k]);
}

/* ---- form 1 ---- */

/* Axes that occur on the left, each once. */
static uint32_t left_axes(const lp_function *f, const lp_statement *s, uint8_t *flags, uint32_t *axes) {
  uint32_t count = 0;
  memset(flags, 0, f->axes.count);
  for (uint32_t i = 0; i < s->count; i++) lp_mark_axes(f, f->lists.at[s->first + i], flags);
  for (uint32_t a = 0; a < f->axes.count; a++)
    if (flags[a]) axes[count++] = a;
  return count;
}

static void run_statement(machine *m, const lp_statement *s, const uint32_t *axes, uint32_t count) {
  if (m->failed) return;
  if (count) {
    uint32_t extent = extent_of(m, *axes);
    for (uint32_t i = 0; i < extent && !m->failed; i++) {
      m->axes[*axes] = i;
      run_statement(m, s, axes + 1, count - 1);
    }
    return;
  }
  m->epoch = ++m->epochs;
  store(m, s->buffer, s->first, s->count, s->value);
}

bool lp_evaluate_statements(const lp_function *f, lp_memory *memory) {
  net_arena arena;
  net_arena_init(&arena, f->arena->guard);
  machine m = machine_new(&arena, f, memory);
  uint32_t *axes = NET_NEW_ARRAY(&arena, uint32_t, f->axes.count);
  uint8_t *flags = NET_NEW_ARRAY(&arena, uint8_t, f->axes.count);
  for (uint32_t i = 0; i < f->statements.count && !m.failed; i++) {
    const lp_statement *s = &f->statements.at[i];
    run_statement(&m, s, axes, left_axes(f, s, flags, axes));
  }
  net_arena_free(&arena);
  return !m.failed;
}

/* ---- form 2 ---- */

/* Forgets the registers that the statements set, at the beginning of a nest or a parallel iteration. */
static void forget(machine *m, lp_stmt s) {
  for (; s; s = m->f->stmts.at[s].next) {
    const lp_stmt_info *info = &m->f->stmts.at[s];
    if (info->kind == LP_FOR || info->kind == LP_IF) forget(m, info->body);
    if (info->kind != LP_SET || m->in_nest[info->which] == m->nest) continue;
    m->in_nest[info->which] = m->nest;
    const lp_reg_info *r = &m->f->regs.at[info->which];
    for (size_t k = 0; k < (size_t)r->rows * r->columns * r->lanes; k++)
      m->regs[info->which][k] = poison(r->type);
  }
}

static bool run(machine *m, lp_stmt s);

/* Forwards; iterations of a parallel loop backwards, so that a dependence between them shows. */
static bool run_for(machine *m, const lp_stmt_info *s) {
  int64_t lo = integer_of(m, s->lo), hi = integer_of(m, s->hi), step = s->step;
  if (!(s->flags & LP_PARALLEL)) {
    for (int64_t i = lo; i < hi; i += step) {
      m->vars[s->which] = i;
      if (!run(m, s->body)) return false;
    }
    return true;
  }
  for (int64_t i = lo + (hi - lo + step - 1) / step * step - step; i >= lo && lo < hi; i -= step) {
    m->nest++;
    forget(m, s->body);
    m->vars[s->which] = i;
    if (!run(m, s->body)) return false;
  }
  return true;
}

static void transpose(machine *m, lp_reg reg) {
  const lp_reg_info *r = &m->f->regs.at[reg];
  for (uint32_t i = 0; i < r->lanes; i++)
    for (uint32_t j = 0; j < i; j++) {
      lp_value *a = &m->regs[reg][(size_t)i * r->columns * r->lanes + j], swapped = *a;
      lp_value *b = &m->regs[reg][(size_t)j * r->columns * r->lanes + i];
      *a = *b;
      *b = swapped;
    }
}

static bool is_finite(net_type type, lp_value v) {
  return type == NET_F32 ? v.f32 - v.f32 == 0 : v.f64 - v.f64 == 0;
}

/* False: left by LP_FINITE or failed. */
static bool run(machine *m, lp_stmt first) {
  for (lp_stmt at = first; at && !m->failed; at = m->f->stmts.at[at].next) {
    const lp_stmt_info *s = &m->f->stmts.at[at];
    const lp_value *v;
    m->epoch = ++m->epochs;
    switch (s->kind) {
    case LP_FOR:
      if (!run_for(m, s)) return false;
      break;
    case LP_IF:
      if (integer_of(m, s->value) && !run(m, s->body)) return false;
      break;
    case LP_SET:
      v = evaluate(m, s->value);
      memcpy(reg_at(m, s->which, s->lo, s->hi), v, lp_expr_at(m->f, s->value)->lanes * sizeof *v);
      break;
    case LP_STORE:
      store(m, s->which, s->first, s->count, s->value);
      break;
    case LP_TRANSPOSE:
      transpose(m, s->which);
      break;
    case LP_AHEAD: break; /* nothing comes of it */
    case LP_FINITE:
      if (!is_finite(lp_expr_at(m->f, s->value)->type, *evaluate(m, s->value))) return false;
      break;
    }
  }
  return !m->failed;
}

uint32_t lp_evaluate_nests(const lp_function *f, lp_memory *memory) {
  net_arena arena;
  net_arena_init(&arena, f->arena->guard);
  machine m = machine_new(&arena, f, memory);
  bool through = true;
  for (uint32_t i = 0; i < f->nests.count && through; i++) {
    m.nest++;
    forget(&m, f->nests.at[i].body);
    through = run(&m, f->nests.at[i].body);
  }
  net_arena_free(&arena);
  return m.failed ? 2 : !through;
}
