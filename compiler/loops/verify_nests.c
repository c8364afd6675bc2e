/* The verifier of form 2. */
#include "loops/build.h"
#include "loops/print.h"
#include "loops/verify.h"

enum { MOST_DEPTH = 64 };

typedef struct {
  lp_verifier v;
  uint8_t *visited; /* by statement */
  uint8_t *open;    /* by variable: 1 while its loop is open, 2 once it is closed */
  uint8_t *varies;  /* by variable: whether it follows the parallel one */
  uint32_t *set_in; /* by register: the last region that sets it */
  uint32_t region, depth;
  bool parallel; /* inside a parallel loop */
  bool dead;     /* inside a loop that never runs: nothing there is out of range */
  bool has_finite, after_finite;
} checker;

/* ---- expressions ---- */

static bool check_reg_index(checker *c, lp_reg reg, lp_expr index, uint32_t extent, const char *what) {
  if (!index || c->dead || lp_within(&c->v.scope, index, 0, extent, false)) return true;
  lp_range r = lp_range_of(&c->v.scope, index);
  return lp_verify_fault(&c->v, "%s %s of register %s (from %lld to %lld) may leave its %u", what,
                         lp_verify_text(&c->v, index), net_text(c->v.f->n, c->v.f->regs.at[reg].name),
                         (long long)r.lo, (long long)r.hi, extent);
}

static bool check_reg(checker *c, lp_reg reg, lp_expr i, lp_expr j) {
  const lp_reg_info *r = &c->v.f->regs.at[reg];
  bool rows = check_reg_index(c, reg, i, r->rows, "row");
  return check_reg_index(c, reg, j, r->columns, "column") && rows;
}

static bool check_node(checker *c, const lp_expr_info *info) {
  const lp_function *f = c->v.f;
  const char *name;
  switch (info->kind) {
  case LP_axis:
  case LP_reduce:
    return lp_verify_fault(&c->v, "axes and reductions belong to statements");
  case LP_var:
    name = net_text(f->n, f->vars.at[info->which]);
    return c->open[info->which] == 1 || lp_verify_fault(&c->v, "variable %s is used outside its loop", name);
  case LP_load:
    return c->dead || lp_verify_access(&c->v, info->which, info->first, info->count, info->lanes, true);
  case LP_lookup:
    return c->dead || lp_verify_lookup(&c->v, info);
  case LP_read:
  case LP_tree:
    name = net_text(f->n, f->regs.at[info->which].name);
    if (c->set_in[info->which] != c->region)
      return lp_verify_fault(&c->v, "register %s is read, but never set%s", name,
                             c->parallel ? " inside the parallel loop" : " in this nest");
    return info->kind == LP_tree || check_reg(c, info->which, info->operand[0], info->operand[1]);
  default:
    return info->kind < LP_exp || info->kind > LP_operations ||
           lp_verify_fault(&c->v, "%s must have been expanded", lp_operation_text(info->kind));
  }
}

/* Everything under an expression, each once in a walk. */
static bool check(checker *c, lp_expr e) {
  if (!e || !lp_visit(c->v.f, e)) return true;
  const lp_expr_info *info = lp_expr_at(c->v.f, e);
  bool good = true;
  for (uint32_t i = 0; i < 3; i++) good = check(c, info->operand[i]) && good;
  for (uint32_t i = 0; info->kind == LP_load && i < info->count; i++)
    good = check(c, c->v.f->lists.at[info->first + i]) && good;
  return good && check_node(c, info);
}

static bool varies(const checker *c, lp_expr e) {
  if (!e || !lp_visit(c->v.f, e)) return false;
  const lp_expr_info *info = lp_expr_at(c->v.f, e);
  if (info->kind == LP_var && c->varies[info->which]) return true;
  for (uint32_t i = 0; info->kind == LP_load && i < info->count; i++)
    if (varies(c, c->v.f->lists.at[info->first + i])) return true;
  return varies(c, info->operand[0]) || varies(c, info->operand[1]) || varies(c, info->operand[2]);
}

static bool known(checker *c, lp_expr e) {
  return (e && e < c->v.f->exprs.count) ||
         lp_verify_fault(&c->v, "a statement with an expression that is none");
}

static bool is_scalar(checker *c, lp_expr e, net_type type, const char *what) {
  const lp_expr_info *info = lp_expr_at(c->v.f, e);
  return (info->type == type && info->lanes == 1) ||
         lp_verify_fault(&c->v, "%s %s is no %s scalar", what, lp_verify_text(&c->v, e), net_type_name(type));
}

/* ---- statements ---- */

/* The registers set by these statements, those in parallel loops left out. */
static void collect_sets(checker *c, lp_stmt at, uint32_t depth) {
  const lp_function *f = c->v.f;
  for (uint32_t steps = 0; at && at < f->stmts.count && steps < f->stmts.count && depth < MOST_DEPTH;
       at = f->stmts.at[at].next, steps++) {
    const lp_stmt_info *s = &f->stmts.at[at];
    if (s->kind == LP_SET && s->which < f->regs.count) c->set_in[s->which] = c->region;
    if (s->kind == LP_IF || (s->kind == LP_FOR && !(s->flags & LP_PARALLEL)))
      collect_sets(c, s->body, depth + 1);
  }
}

static void enter_region(checker *c, lp_stmt first) {
  c->region++;
  collect_sets(c, first, c->depth);
}

static bool check_set(checker *c, const lp_stmt_info *s) {
  const lp_function *f = c->v.f;
  if (s->which >= f->regs.count) return lp_verify_fault(&c->v, "sets a register that does not exist");
  const lp_reg_info *r = &f->regs.at[s->which];
  if (!known(c, s->value) || (s->lo && !known(c, s->lo)) || (s->hi && !known(c, s->hi))) return false;
  const lp_expr_info *value = lp_expr_at(f, s->value);
  if (value->type != r->type || value->lanes != r->lanes)
    return lp_verify_fault(&c->v, "register %s is %s with %u lanes, but is set to %s with %u",
                           net_text(f->n, r->name), net_type_name(r->type), r->lanes,
                           net_type_name(value->type), value->lanes);
  if ((s->lo && !is_scalar(c, s->lo, NET_I32, "row")) || (s->hi && !is_scalar(c, s->hi, NET_I32, "column")))
    return false;
  lp_walk(f);
  bool good = check(c, s->value);
  good = check(c, s->lo) && good;
  good = check(c, s->hi) && good;
  return check_reg(c, s->which, s->lo, s->hi) && good;
}

static bool check_store(checker *c, const lp_stmt_info *s) {
  const lp_function *f = c->v.f;
  if (s->which >= f->buffers.count || s->first > f->lists.count || s->count > f->lists.count - s->first)
    return lp_verify_fault(&c->v, "a store that points nowhere");
  const lp_buffer_info *b = &f->buffers.at[s->which];
  const char *name = net_text(f->n, b->name);
  if (!known(c, s->value)) return false;
  const lp_expr_info *value = lp_expr_at(f, s->value);
  if (value->type != b->type)
    return lp_verify_fault(&c->v, "%s is %s, but %s is stored", name, net_type_name(b->type),
                           net_type_name(value->type));
  if (!lp_is_writable(b->storage)) return lp_verify_fault(&c->v, "%s is only read", name);
  if (b->storage == LP_VARIABLE && c->has_finite && !c->after_finite)
    return lp_verify_fault(&c->v, "%s is changed before the loss is known to be finite", name);
  lp_walk(f);
  bool good = check(c, s->value), moves = false;
  for (uint32_t i = 0; i < s->count; i++) {
    lp_expr index = f->lists.at[s->first + i];
    if (!known(c, index)) return false;
    const lp_expr_info *info = lp_expr_at(f, index);
    if (info->lanes != 1 || (info->type != NET_I32 && info->type != NET_U32))
      return lp_verify_fault(&c->v, "index %s of %s is no integer", lp_verify_text(&c->v, index), name);
    good = check(c, index) && good;
  }
  lp_walk(f);
  for (uint32_t i = 0; i < s->count && !moves; i++) moves = varies(c, f->lists.at[s->first + i]);
  if (c->parallel && !moves)
    return lp_verify_fault(&c->v, "every iteration of the parallel loop stores to the same elements of %s",
                           name);
  if (good && !c->dead) good = lp_verify_access(&c->v, s->which, s->first, s->count, value->lanes, true);
  return good;
}

static bool check_body(checker *c, lp_stmt first);

static bool check_for(checker *c, const lp_stmt_info *s) {
  const lp_function *f = c->v.f;
  bool parallel = s->flags & LP_PARALLEL, dead = c->dead;
  if (s->which >= f->vars.count) return lp_verify_fault(&c->v, "a loop over a variable that does not exist");
  const char *name = net_text(f->n, f->vars.at[s->which]);
  if (!known(c, s->lo) || !known(c, s->hi)) return false;
  if (c->open[s->which]) return lp_verify_fault(&c->v, "variable %s has two loops", name);
  if (!s->step || s->step > INT32_MAX)
    return lp_verify_fault(&c->v, "the loop over %s has step %u", name, s->step);
  if (!is_scalar(c, s->lo, NET_I32, "bound") || !is_scalar(c, s->hi, NET_I32, "bound")) return false;
  if (parallel && c->depth > 1)
    return lp_verify_fault(&c->v, "the parallel loop over %s is not outermost", name);
  lp_walk(f);
  bool good = check(c, s->lo);
  if (!check(c, s->hi) || !good) return false;
  if (lp_range_of(&c->v.scope, s->hi).hi + s->step > (int64_t)INT32_MAX + 1)
    return lp_verify_fault(&c->v, "the loop over %s may pass 2^31", name);
  lp_walk(f);
  c->varies[s->which] = parallel || varies(c, s->lo) || varies(c, s->hi);
  uint32_t facts = c->v.scope.fact_count;
  c->dead = !lp_scope_open(&c->v.scope, s->which, s->lo, s->hi, s->step) || dead;
  c->open[s->which] = 1;
  c->parallel |= parallel;
  if (parallel) enter_region(c, s->body);
  good = check_body(c, s->body);
  c->open[s->which] = 2;
  c->dead = dead;
  if (parallel) c->parallel = false;
  c->v.scope.fact_count = facts;
  lp_scope_change(&c->v.scope);
  return good;
}

static bool check_if(checker *c, const lp_stmt_info *s) {
  if (!known(c, s->value) || !is_scalar(c, s->value, NET_BOOL, "condition")) return false;
  lp_walk(c->v.f);
  if (!check(c, s->value)) return false;
  uint32_t facts = c->v.scope.fact_count;
  lp_scope_assume(&c->v.scope, s->value);
  bool dead = c->dead;
  const lp_expr_info *condition = lp_expr_at(c->v.f, s->value);
  c->dead |= condition->kind == LP_const && !condition->integer;
  bool good = check_body(c, s->body);
  c->dead = dead;
  c->v.scope.fact_count = facts;
  lp_scope_change(&c->v.scope);
  return good;
}

static bool check_finite(checker *c, const lp_stmt_info *s) {
  if (!known(c, s->value)) return false;
  const lp_expr_info *value = lp_expr_at(c->v.f, s->value);
  if (value->lanes != 1 || !lp_is_float(value->type))
    return lp_verify_fault(&c->v, "%s is no scalar float to be finite", lp_verify_text(&c->v, s->value));
  if (c->parallel) return lp_verify_fault(&c->v, "a parallel loop cannot leave the function");
  c->after_finite = true;
  lp_walk(c->v.f);
  return check(c, s->value);
}

static bool check_transpose(checker *c, const lp_stmt_info *s) {
  if (s->which >= c->v.f->regs.count)
    return lp_verify_fault(&c->v, "transposes a register that does not exist");
  const lp_reg_info *r = &c->v.f->regs.at[s->which];
  const char *name = net_text(c->v.f->n, r->name);
  if (c->set_in[s->which] != c->region)
    return lp_verify_fault(&c->v, "register %s is transposed, but never set", name);
  return (r->rows >= r->lanes && lp_is_halved(r->lanes)) ||
         lp_verify_fault(&c->v, "register %s with %u rows of %u lanes is not to be transposed", name, r->rows,
                         r->lanes);
}

/* Where it points is nobody's business: nothing is read. */
static bool check_ahead(checker *c, const lp_stmt_info *s) {
  const lp_function *f = c->v.f;
  bool good = s->which < f->buffers.count && f->buffers.at[s->which].storage == LP_COLUMN;
  if (!good || s->first > f->lists.count || s->count > f->lists.count - s->first)
    return lp_verify_fault(&c->v, "asks ahead for what is no column");
  lp_walk(f);
  for (uint32_t i = 0; i < s->count; i++) {
    lp_expr index = f->lists.at[s->first + i];
    if (!known(c, index)) return false;
    const lp_expr_info *info = lp_expr_at(f, index);
    if (info->lanes != 1 || info->type != NET_I32)
      return lp_verify_fault(&c->v, "index %s of %s is no integer", lp_verify_text(&c->v, index),
                             net_text(f->n, f->buffers.at[s->which].name));
    good = check(c, index) && good;
  }
  return good;
}

/* Fields that a kind of statement has no use for are 0, so that walks need not ask for the kind. */
static bool is_tidy(const lp_stmt_info *s) {
  bool value = s->kind != LP_FOR && s->kind != LP_TRANSPOSE && s->kind != LP_AHEAD;
  bool bounds = s->kind == LP_FOR || s->kind == LP_SET, body = s->kind == LP_FOR || s->kind == LP_IF;
  return (value || !s->value) && (bounds || !(s->lo | s->hi)) && (body || !s->body) &&
         (s->kind == LP_STORE || s->kind == LP_AHEAD || !s->count);
}

static bool check_body(checker *c, lp_stmt first) {
  static bool (*const checks[])(checker *, const lp_stmt_info *) = {
      [LP_FOR] = check_for,
      [LP_SET] = check_set,
      [LP_STORE] = check_store,
      [LP_IF] = check_if,
      [LP_TRANSPOSE] = check_transpose,
      [LP_FINITE] = check_finite,
      [LP_AHEAD] = check_ahead,
  };
  const lp_function *f = c->v.f;
  bool good = true;
  if (c->depth == MOST_DEPTH) return lp_verify_fault(&c->v, "statements lie too deep in each other");
  c->depth++;
  for (lp_stmt at = first; at; at = f->stmts.at[at].next) {
    if (at >= f->stmts.count || c->visited[at] || f->stmts.at[at].kind > LP_AHEAD) {
      good = lp_verify_fault(&c->v, "statement %u does not exist or occurs twice", at);
      break;
    }
    c->visited[at] = 1;
    if (!is_tidy(&f->stmts.at[at])) {
      good = lp_verify_fault(&c->v, "statement %u has what its kind does not need", at);
      continue;
    }
    lp_scope_change(&c->v.scope); /* registers and memory may have changed */
    bool parallel = f->stmts.at[at].kind == LP_FOR && (f->stmts.at[at].flags & LP_PARALLEL);
    good = checks[f->stmts.at[at].kind](c, &f->stmts.at[at]) && good;
    if (parallel && c->depth == 1) enter_region(c, first); /* back outside */
  }
  c->depth--;
  return good;
}

/* ---- functions ---- */

static void check_places(checker *c) {
  const lp_function *f = c->v.f;
  for (lp_buffer i = 0; i < f->buffers.count; i++) {
    const lp_buffer_info *b = &f->buffers.at[i];
    const char *name = net_text(f->n, b->name);
    uint64_t bytes = net_type_bytes(b->type);
    for (uint32_t k = 0; k < b->rank; k++) {
      if (!b->dim[k] && !(b->storage == LP_COLUMN && !k))
        lp_verify_fault(&c->v, "%s has an empty dimension", name);
      bytes *= b->dim[k];
    }
    if (b->storage == LP_SCRATCH && f->scratch_bytes && b->rank &&
        (b->offset % 64 || b->offset > f->scratch_bytes || bytes > f->scratch_bytes - b->offset))
      lp_verify_fault(&c->v, "%s at %zu is not aligned or lies outside the %zu bytes of scratch", name,
                      b->offset, f->scratch_bytes);
    if (b->storage == LP_CONSTANT && !b->data) lp_verify_fault(&c->v, "constant %s has no data", name);
  }
  for (lp_reg r = 0; r < f->regs.count; r++) {
    const lp_reg_info *info = &f->regs.at[r];
    if (info->type >= NET_TYPE_COUNT || !info->rows || !info->columns || !info->lanes ||
        info->lanes > LP_MAX_LANES)
      lp_verify_fault(&c->v, "register %s has no such type or size", net_text(f->n, info->name));
  }
}

bool lp_verify_nests(const lp_function *f) {
  checker c = {.v = {.f = f}};
  net_arena_init(&c.v.arena, f->arena->guard);
  if (lp_verify_structure(&c.v)) check_places(&c);
  if (!c.v.faults) {
    c.v.scope = lp_scope_new(&c.v.arena, f);
    c.visited = NET_NEW_ARRAY(&c.v.arena, uint8_t, f->stmts.count + 1);
    c.open = NET_NEW_ARRAY(&c.v.arena, uint8_t, f->vars.count + 1);
    c.varies = NET_NEW_ARRAY(&c.v.arena, uint8_t, f->vars.count + 1);
    c.set_in = NET_NEW_ARRAY(&c.v.arena, uint32_t, f->regs.count + 1);
    for (lp_stmt s = 1; s < f->stmts.count; s++) c.has_finite |= f->stmts.at[s].kind == LP_FINITE;
    for (uint32_t i = 0; i < f->nests.count; i++) {
      c.v.in = f->nests.at[i].name;
      enter_region(&c, f->nests.at[i].body);
      check_body(&c, f->nests.at[i].body);
    }
  }
  net_arena_free(&c.v.arena);
  return !c.v.faults;
}
