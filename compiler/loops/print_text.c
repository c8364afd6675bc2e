/* Text of names and expressions. Names that would be ambiguous get a number (i, i_2); what a statement uses
 * more than once is named t1, t2 … and told in where-lines after it, so that the text stays as short as the
 * IR. */
#include "loops/print_text.h"

#include "loops/build.h"

#include <math.h>
#include <stdlib.h>

const char *lp_print_unique(lp_printer *p, net_name name, const char *const *others, uint32_t count) {
  const char *text = net_text(p->f->n, name), *candidate = text;
  for (uint32_t i = 0, k = 2; i < count; i++)
    if (others[i] && !strcmp(others[i], candidate)) {
      candidate = net_arena_format(&p->arena, "%s_%u", text, k++);
      i = UINT32_MAX; /* from the start */
    }
  return candidate;
}

lp_printer lp_printer_new(FILE *to, const lp_function *f, bool form2) {
  lp_printer p = {.to = to, .f = f, .form2 = form2};
  net_arena_init(&p.arena, f->arena->guard);
  p.buffers = NET_NEW_ARRAY(&p.arena, const char *, f->buffers.count + 1);
  p.axes = NET_NEW_ARRAY(&p.arena, const char *, f->axes.count + 1);
  p.vars = NET_NEW_ARRAY(&p.arena, const char *, f->vars.count + 1);
  p.regs = NET_NEW_ARRAY(&p.arena, const char *, f->regs.count + 1);
  p.uses = NET_NEW_ARRAY(&p.arena, uint32_t, f->exprs.count);
  p.named = NET_NEW_ARRAY(&p.arena, uint32_t, f->exprs.count);
  for (uint32_t i = 0; i < f->buffers.count; i++)
    p.buffers[i] = lp_print_unique(&p, f->buffers.at[i].name, p.buffers, i);
  for (uint32_t i = 0; i < f->axes.count; i++) p.axes[i] = net_text(f->n, f->axes.at[i].name);
  for (uint32_t i = 0; i < f->vars.count; i++) p.vars[i] = net_text(f->n, f->vars.at[i]);
  for (uint32_t i = 0; i < f->regs.count; i++) p.regs[i] = net_text(f->n, f->regs.at[i].name);
  return p;
}

/* ---- expressions ---- */

enum { COMPARE = 1, ADD, MULTIPLY, PREFIX, PRIMARY };

static const char *const combines[] = {
    [LP_SUM] = "sum", [LP_MAXIMUM] = "max", [LP_MINIMUM] = "min", [LP_CHAIN] = "chain"};

static void print_number(lp_printer *p, const lp_expr_info *info) {
  char text[40];
  if (info->type == NET_BOOL)
    fputs(info->integer ? "true" : "false", p->to);
  else if (info->type == NET_U64)
    fprintf(p->to, "%llu", (unsigned long long)info->integer);
  else if (!lp_is_float(info->type))
    fprintf(p->to, "%lld", (long long)info->integer);
  else if (info->real == trunc(info->real) && fabs(info->real) < 1e9)
    fprintf(p->to, "%.0f", info->real);
  else {
    for (int digits = 1; digits <= 17; digits++) { /* as few as give the value again */
      snprintf(text, sizeof text, "%.*g", digits, info->real);
      double again = strtod(text, NULL);
      if (again == info->real || (info->type == NET_F32 && (float)again == (float)info->real)) break;
    }
    fputs(text, p->to);
  }
}

/* Integer sums and products with constants as people write addresses: 8*o + r − 1. */
static bool print_affine(lp_printer *p, const lp_expr_info *info) {
  if (lp_is_float(info->type) || (info->kind != LP_mul && info->kind != LP_add)) return false;
  const lp_expr_info *c = lp_expr_at(p->f, info->operand[1]);
  if (c->kind != LP_const || c->type != NET_I32) return false;
  if (info->kind == LP_mul) {
    fprintf(p->to, "%lld*", (long long)c->integer);
    lp_print_operand(p, info->operand[0], PREFIX);
  } else {
    lp_print_operand(p, info->operand[0], ADD);
    fprintf(p->to, c->integer < 0 ? " - %lld" : " + %lld",
            (long long)(c->integer < 0 ? -c->integer : c->integer));
  }
  return true;
}

static const uint8_t levels[LP_expr_kinds] = {
    [LP_lt] = COMPARE,   [LP_le] = COMPARE, [LP_gt] = COMPARE,   [LP_ge] = COMPARE,   [LP_eq] = COMPARE,
    [LP_ne] = COMPARE,   [LP_add] = ADD,    [LP_sub] = ADD,      [LP_mul] = MULTIPLY, [LP_div] = MULTIPLY,
    [LP_rem] = MULTIPLY, [LP_neg] = PREFIX, [LP_splat] = PREFIX,
};

static int level_of(const lp_expr_info *info) { return levels[info->kind] ? levels[info->kind] : PRIMARY; }

static void print_operation(lp_printer *p, const lp_expr_info *info, int level) {
  const char *text = lp_operation_text(info->kind);
  if (level < PREFIX) {
    if (print_affine(p, info)) return;
    lp_print_operand(p, info->operand[0], level + (level == COMPARE));
    fprintf(p->to, " %s ", text);
    lp_print_operand(p, info->operand[1], level + 1);
    return;
  }
  if (info->kind == LP_neg) {
    putc('-', p->to);
    lp_print_operand(p, info->operand[0], PRIMARY);
    return;
  }
  if (info->kind == LP_convert) text = net_type_name(info->type);
  fprintf(p->to, info->kind == LP_bitcast ? "%s_%s(" : "%s(", text, net_type_name(info->type));
  for (uint32_t i = 0; i < lp_operand_count(info->kind); i++) {
    if (i) fputs(", ", p->to);
    lp_print_operand(p, info->operand[i], 0);
  }
  putc(')', p->to);
}

void lp_print_access(lp_printer *p, lp_buffer buffer, uint32_t first, uint32_t count, uint32_t lanes) {
  fputs(p->buffers[buffer], p->to);
  for (uint32_t i = 0; i < count; i++) {
    fputs(p->form2 || !i ? "[" : ", ", p->to);
    lp_print_operand(p, p->f->lists.at[first + i], 0);
    if (lanes > 1 && i + 1 == count) fputs(" ..", p->to);
    if (p->form2 || i + 1 == count) putc(']', p->to);
  }
}

void lp_print_reg(lp_printer *p, lp_reg reg, lp_expr i, lp_expr j) {
  const lp_reg_info *r = &p->f->regs.at[reg];
  fputs(p->regs[reg], p->to);
  for (uint32_t k = 0; k < 2; k++) {
    if (k ? r->columns == 1 && !j : r->rows == 1 && r->columns == 1 && !i && !j) continue;
    lp_expr index = k ? j : i;
    putc('[', p->to);
    if (index)
      lp_print_operand(p, index, 0);
    else
      putc('0', p->to);
    putc(']', p->to);
  }
}

static void print_leaf(lp_printer *p, const lp_expr_info *info) {
  static const char *const params[] = {"step", "key0", "key1"};
  switch (info->kind) {
  case LP_const:
    print_number(p, info);
    break;
  case LP_axis:
    fputs(p->axes[info->which], p->to);
    break;
  case LP_var:
    fputs(p->vars[info->which], p->to);
    break;
  case LP_count:
    fputs("count", p->to);
    break;
  case LP_param:
    fputs(params[info->which], p->to);
    break;
  case LP_lanes:
    fputs("lanes", p->to);
    break;
  case LP_load:
    lp_print_access(p, info->which, info->first, info->count, info->lanes);
    break;
  case LP_read:
    lp_print_reg(p, info->which, info->operand[0], info->operand[1]);
    break;
  case LP_splat:
    fputs("splat ", p->to);
    lp_print_operand(p, info->operand[0], PRIMARY);
    break;
  case LP_reduce:
    fprintf(p->to, "%s(", combines[info->combine]);
    for (uint32_t i = 0; i < info->count; i++) {
      if (i) fputs(", ", p->to);
      lp_print_operand(p, p->f->lists.at[info->first + i], 0);
    }
    fputs(": ", p->to);
    lp_print_operand(p, info->operand[0], 0);
    putc(')', p->to);
    break;
  case LP_tree:
    fprintf(p->to, "tree_%s(%s, %u)", combines[info->combine], p->regs[info->which], info->count);
    break;
  case LP_fold:
    fprintf(p->to, "fold_%s(", combines[info->combine]);
    lp_print_operand(p, info->operand[0], 0);
    putc(')', p->to);
    break;
  case LP_words:
    fputs(!info->integer ? "words(" : info->integer < 0 ? "bytes_i8(" : "bytes_u8(", p->to);
    lp_print_operand(p, info->operand[0], 0);
    putc(')', p->to);
    break;
  case LP_lookup:
    fprintf(p->to, "%s(", p->buffers[info->which]);
    lp_print_operand(p, info->operand[0], 0);
    putc(')', p->to);
    break;
  case LP_part:
    lp_print_operand(p, info->operand[0], PRIMARY);
    fprintf(p->to, info->lanes == 1 ? "{%u}" : "{%u..%u}", (unsigned)info->integer,
            (unsigned)info->integer + info->lanes);
    break;
  }
}

void lp_print_operand(lp_printer *p, lp_expr e, int above) {
  const lp_expr_info *info = lp_expr_at(p->f, e);
  if (p->named[e]) {
    fprintf(p->to, "t%u", p->named[e]);
    return;
  }
  int level = level_of(info);
  if (level < above) putc('(', p->to);
  if (info->kind < LP_operations)
    print_operation(p, info, level);
  else
    print_leaf(p, info);
  if (level < above) putc(')', p->to);
}

/* ---- what is used more than once ---- */

void lp_print_uses(lp_printer *p, lp_expr e) {
  const lp_expr_info *info = lp_expr_at(p->f, e);
  if (p->uses[e]++) return;
  net_vec_push(&p->arena, &p->touched, e);
  for (uint32_t i = 0; i < 3; i++)
    if (info->operand[i]) lp_print_uses(p, info->operand[i]);
  if (info->kind == LP_load)
    for (uint32_t i = 0; i < info->count; i++) lp_print_uses(p, p->f->lists.at[info->first + i]);
}

/* Short things are repeated: leaves, accesses, addresses. */
static bool deserves_name(const lp_printer *p, lp_expr e) {
  const lp_expr_info *info = lp_expr_at(p->f, e);
  bool address = info->pure && info->type == NET_I32 && info->lanes == 1;
  bool large = info->kind < LP_operations || info->kind == LP_reduce || info->kind == LP_tree ||
               info->kind == LP_fold || info->kind == LP_lookup;
  return p->uses[e] > 1 && large && !address;
}

static int by_id(const void *a, const void *b) {
  const lp_expr *x = a, *y = b;
  return *x < *y ? -1 : *x > *y;
}

/* Operands have smaller ids than their users, so that what is named earlier is told earlier. */
void lp_print_name_shared(lp_printer *p) {
  uint32_t names = 0;
  if (p->touched.count) qsort(p->touched.at, p->touched.count, sizeof *p->touched.at, by_id);
  for (uint32_t i = 0; i < p->touched.count; i++)
    if (deserves_name(p, p->touched.at[i])) p->named[p->touched.at[i]] = ++names;
}

void lp_print_where(lp_printer *p, uint32_t indent) {
  for (uint32_t i = 0; i < p->touched.count; i++) {
    lp_expr e = p->touched.at[i];
    uint32_t name = p->named[e];
    if (!name) continue;
    fprintf(p->to, "%*swhere t%u = ", (int)indent, "", name);
    p->named[e] = 0;
    lp_print_operand(p, e, 0);
    p->named[e] = name;
    putc('\n', p->to);
  }
  for (uint32_t i = 0; i < p->touched.count; i++) p->named[p->touched.at[i]] = p->uses[p->touched.at[i]] = 0;
  p->touched.count = 0;
}
