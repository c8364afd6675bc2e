/* What a target has no instructions for: LLVM would call a library, and objects call nothing. It is looked
 * for in the loops before anything is emitted. */
#include "codegen/target.h"

#include "loops/loops.h"

typedef struct {
  netc *n;
  const cg_target *target;
  const lp_function *f;
  const char *nest;
  bool *seen; /* by expression */
  const char *found, *way_out;
} limits;

typedef enum { F32, F64, LONG, QUOTIENT } limit;

static const struct {
  uint32_t can;
  const char *what, *way_out;
} rows[] = {
    [F32] =
        {CG_CAN_F32, "computes with floats",
         "give every value an integer format, inputs and outputs too (a quantize block), or write C (-o F.c) "
         "for a compiler that brings a library for floats"},
    [F64] = {CG_CAN_F64, "computes with 64-bit floats",
             "give its values integer formats (a quantize block), or write C (-o F.c) for a compiler that "
             "brings a library for them"},
    [LONG] = {CG_CAN_LONG, "converts between floats and 64-bit integers",
              "take formats of at most 32 bits, or integer ones before and behind it"},
    [QUOTIENT] =
        {CG_CAN_LONG, "divides 64-bit integers",
         "take a narrower format, or write C (-o F.c) for a compiler that brings a library for that"},
};

static void need(limits *l, limit which) {
  if (l->found || l->target->can & rows[which].can) return;
  l->found = net_arena_format(&l->n->arena, "'%s' %s, and target '%s' has no instructions for that", l->nest,
                              rows[which].what, l->target->name);
  l->way_out = rows[which].way_out;
}

static bool is_float(net_type type) { return type == NET_F32 || type == NET_F64; }
static bool is_long(net_type type) { return type == NET_I64 || type == NET_U64; }

static void need_type(limits *l, net_type type) {
  if (is_float(type)) need(l, type == NET_F32 ? F32 : F64);
}

/* Moving floats, and their signs, is no arithmetic. */
static bool is_arithmetic(lp_expr_kind kind) {
  if (kind == LP_tree || kind == LP_fold) return true;
  return kind < LP_operations && kind != LP_select && kind != LP_bitcast && kind != LP_neg && kind != LP_abs;
}

static bool is_power_of_two(const lp_function *f, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(f, e);
  if (x->kind == LP_splat) x = lp_expr_at(f, x->operand[0]);
  return x->kind == LP_const && x->integer > 0 && !(x->integer & (x->integer - 1));
}

static void check_operation(limits *l, const lp_expr_info *x) {
  const lp_function *f = l->f;
  if (!is_arithmetic(x->kind)) return;
  need_type(l, x->type);
  if (x->kind >= LP_operations) return;
  net_type type = lp_expr_at(f, x->operand[0])->type;
  need_type(l, type);
  if (x->kind == LP_convert && ((is_float(type) && is_long(x->type)) || (is_long(type) && is_float(x->type))))
    need(l, LONG);
  if ((x->kind == LP_div || x->kind == LP_rem) && is_long(type) && !is_power_of_two(f, x->operand[1]))
    need(l, QUOTIENT);
}

static void check_expression(limits *l, lp_expr e);

static void check_list(limits *l, uint32_t first, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) check_expression(l, lp_list_at(l->f, first)[i]);
}

static void check_expression(limits *l, lp_expr e) {
  if (!e || l->seen[e] || l->found) return;
  const lp_expr_info *x = lp_expr_at(l->f, e);
  l->seen[e] = true;
  check_operation(l, x);
  for (int i = 0; i < 3; i++) check_expression(l, x->operand[i]);
  if (x->kind == LP_load) check_list(l, x->first, x->count);
}

static void check_statements(limits *l, lp_stmt first) {
  for (lp_stmt s = first; s && !l->found; s = l->f->stmts.at[s].next) {
    const lp_stmt_info *info = &l->f->stmts.at[s];
    check_expression(l, info->lo);
    check_expression(l, info->hi);
    check_expression(l, info->value);
    if (info->kind == LP_STORE) check_list(l, info->first, info->count);
    check_statements(l, info->body);
  }
}

const char *cg_target_limit(netc *n, const cg_target *target, const lp_function *f, const char **way_out) {
  if ((target->can & CG_CAN_ALL) == CG_CAN_ALL) return NULL;
  limits l = {.n = n, .target = target, .f = f, .seen = NET_NEW_ARRAY(&n->arena, bool, f->exprs.count + 1)};
  for (uint32_t i = 0; i < f->nests.count && !l.found; i++) {
    l.nest = net_text(n, f->nests.at[i].name);
    check_statements(&l, f->nests.at[i].body);
  }
  *way_out = l.way_out;
  return l.found;
}
