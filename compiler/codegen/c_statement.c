#include "codegen/c_printer.h"

static void body(cc_printer *p, lp_stmt first) {
  p->indent += 2;
  cc_statements(p, first);
  p->indent -= 2;
}

/* ---- loops ---- */

/* Statements that a body becomes when its unrolled loops are expanded; UINT32_MAX: very many, or some bound
 * is no constant. */
static uint64_t expanded(const cc_printer *p, lp_stmt first) {
  uint64_t count = 0;
  for (lp_stmt at = first; at && count < UINT32_MAX; at = p->f->stmts.at[at].next) {
    const lp_stmt_info *s = &p->f->stmts.at[at];
    uint64_t times = 1;
    if (s->kind == LP_FOR && s->flags & LP_UNROLL) {
      const lp_expr_info *lo = lp_expr_at(p->f, s->lo), *hi = lp_expr_at(p->f, s->hi);
      if (lo->kind != LP_const || hi->kind != LP_const) return UINT32_MAX;
      int64_t length = hi->integer - lo->integer;
      times = length > 0 ? ((uint64_t)length + s->step - 1) / s->step : 0;
    }
    count += times * (s->body ? expanded(p, s->body) : 1);
  }
  return count;
}

static void open_variable(cc_printer *p, const lp_stmt_info *loop, cc_var var) {
  p->vars[loop->which] = var;
  lp_scope_open(&p->scope, loop->which, loop->lo, loop->hi, loop->step);
  if (var.constant) p->scope.vars[loop->which] = (lp_range){var.value, var.value, 0};
  lp_scope_change(&p->scope);
}

static void close_variable(cc_printer *p, const lp_stmt_info *loop, uint32_t facts) {
  p->vars[loop->which] = (cc_var){0};
  p->scope.fact_count = facts;
  lp_scope_change(&p->scope);
}

static void print_loop(cc_printer *p, const lp_stmt_info *loop) {
  int64_t unused;
  uint32_t facts = p->scope.fact_count;
  const char *lo = cc_integer(p, loop->lo), *hi = cc_integer(p, loop->hi);
  if (!cc_constant(p, loop->hi, &unused)) { /* worked out once */
    uint32_t name = ++p->temporaries;
    cc_line(p, "const int32_t t%u = %s;", name, hi);
    hi = net_arena_format(p->arena, "t%u", name);
  }
  const char *name = cc_identifier(p, net_text(p->n, p->f->vars.at[loop->which]));
  const char *step = loop->step == 1 ? net_arena_format(p->arena, "%s++", name)
                                     : net_arena_format(p->arena, "%s += %u", name, loop->step);
  open_variable(p, loop, (cc_var){.open = true, .name = name});
  cc_line(p, "for (int32_t %s = %s; %s < %s; %s) {", name, lo, name, hi, step);
  body(p, loop->body);
  cc_line(p, "}");
  cc_release(p, name);
  close_variable(p, loop, facts);
}

/* Loops that run once are their bodies; unrolled ones are expanded while they stay short. */
static void loop(cc_printer *p, const lp_stmt_info *s) {
  int64_t lo, hi;
  bool constant = cc_constant(p, s->lo, &lo);
  constant = cc_constant(p, s->hi, &hi) && constant;
  bool once = constant && lo + s->step >= hi; /* or never */
  uint64_t times = constant && hi > lo ? ((uint64_t)(hi - lo) + s->step - 1) / s->step : 0;
  if (!once && (!constant || !(s->flags & LP_UNROLL) || times * expanded(p, s->body) > CC_EXPANDED)) {
    print_loop(p, s);
    return;
  }
  uint32_t facts = p->scope.fact_count;
  for (int64_t i = lo; i < hi; i += s->step) {
    open_variable(p, s, (cc_var){.open = true, .constant = true, .value = i});
    cc_statements(p, s->body);
    close_variable(p, s, facts);
  }
}

/* ---- the rest ---- */

static void begin(cc_printer *p, const lp_stmt_info *s) {
  cc_begin_statement(p);
  cc_count_uses(p, s->value);
  if (s->kind != LP_FOR) cc_count_uses(p, s->lo), cc_count_uses(p, s->hi);
  for (uint32_t i = 0; i < s->count; i++) cc_count_uses(p, p->f->lists.at[s->first + i]);
  p->whole = s->value;
}

static void set(cc_printer *p, const lp_stmt_info *s) {
  begin(p, s);
  const char *value = cc_operand(p, s->value, 0);
  cc_line(p, "%s = %s;", cc_register(p, s->which, s->lo, s->hi), value);
}

static void store(cc_printer *p, const lp_stmt_info *s) {
  begin(p, s);
  const char *value = cc_operand(p, s->value, 0);
  if (lp_expr_at(p->f, s->value)->type == NET_BOOL)
    value = net_arena_format(p->arena, "(uint8_t)(%s)", value);
  cc_line(p, "%s = %s;", cc_place(p, s->which, s->first, s->count), value);
}

static void condition(cc_printer *p, const lp_stmt_info *s) {
  begin(p, s);
  uint32_t facts = p->scope.fact_count;
  cc_line(p, "if (%s) {", cc_operand(p, s->value, 0));
  lp_scope_assume(&p->scope, s->value);
  body(p, s->body);
  p->scope.fact_count = facts;
  cc_line(p, "}");
}

static void transpose(cc_printer *p, const lp_stmt_info *s) { /* of one lane */
  if (p->f->regs.at[s->which].lanes != 1) cc_fault(p, "a transposition of vectors");
}

static void test_finite(cc_printer *p, const lp_stmt_info *s) {
  (void)s;
  cc_fault(p, "a test for finiteness, which training has");
}

static void ahead(cc_printer *p, const lp_stmt_info *s) { /* C has no word for it */
  (void)p, (void)s;
}

void cc_statements(cc_printer *p, lp_stmt first) {
  static void (*const print[])(cc_printer *, const lp_stmt_info *) = {
      [LP_FOR] = loop,
      [LP_SET] = set,
      [LP_STORE] = store,
      [LP_IF] = condition,
      [LP_TRANSPOSE] = transpose,
      [LP_FINITE] = test_finite,
      [LP_AHEAD] = ahead,
  };
  for (lp_stmt at = first; at && !p->failed; at = p->f->stmts.at[at].next) {
    cc_begin_statement(p);
    print[p->f->stmts.at[at].kind](p, &p->f->stmts.at[at]);
  }
}
