/* Text of both forms. */
#include "loops/print.h"

#include "loops/build.h"
#include "loops/print_text.h"

/* ---- functions ---- */

/* [b, 16], or in form 2 the physical [8][16][32] */
static void print_dimensions(lp_printer *p, const lp_buffer_info *b, const char *space) {
  uint32_t rank = p->form2 ? b->rank : b->shape.rank + b->batched;
  if (rank) fputs(space, p->to);
  for (uint32_t k = 0; k < rank; k++) {
    if (p->form2)
      fprintf(p->to, b->storage == LP_COLUMN && !k ? "[rows]" : "[%u]", b->dim[k]);
    else if (b->batched && !k)
      fputs("[b", p->to);
    else
      fprintf(p->to, "%s%u", k ? ", " : "[", b->shape.dim[k - b->batched]);
  }
  if (rank && !p->form2) putc(']', p->to);
}

static void print_header(lp_printer *p) {
  static const char *const storages[] = {"scratch", "variable", "column",   "index",
                                         "scalar",  "output",   "constant", "result"};
  const lp_function *f = p->f;
  fprintf(p->to, "function %s: batch %u, %s", net_text(f->n, f->name), f->batch,
          f->masked ? "masked" : "exact");
  if (p->form2) fprintf(p->to, ", padded %u, tiles of %u, %u lanes", f->padded, f->tile, f->lanes);
  putc('\n', p->to);
  for (uint32_t i = 0; i < f->buffers.count; i++) {
    const lp_buffer_info *b = &f->buffers.at[i];
    fprintf(p->to, "  %s", storages[b->storage]);
    if (b->storage != LP_SCRATCH && b->storage != LP_INDEX && b->storage != LP_CONSTANT)
      fprintf(p->to, " %u", b->slot);
    fprintf(p->to, " %s %s", p->buffers[i], net_type_name(b->type));
    print_dimensions(p, b, "");
    if (p->form2 && (b->storage == LP_SCRATCH || b->storage == LP_VARIABLE))
      fprintf(p->to, " at %zu", b->offset);
    putc('\n', p->to);
  }
}

/* ---- form 1 ---- */

/* axis b 256, o 32; reduce i 16 — of all statements of a node */
static void print_axes(lp_printer *p, const lp_statement *s, uint32_t count) {
  const lp_function *f = p->f;
  const char **taken = NET_NEW_ARRAY(&p->arena, const char *, f->axes.count);
  uint8_t *left = NET_NEW_ARRAY(&p->arena, uint8_t, f->axes.count);
  uint8_t *inside = NET_NEW_ARRAY(&p->arena, uint8_t, f->axes.count);
  for (uint32_t k = 0; k < count; k++) {
    for (uint32_t i = 0; i < s[k].count; i++) lp_mark_axes(f, f->lists.at[s[k].first + i], left);
    lp_mark_axes(f, s[k].value, inside);
  }
  bool any = false;
  for (int reduced = 0; reduced < 2; reduced++) {
    bool first = true;
    for (uint32_t a = 0; a < f->axes.count; a++) {
      if (taken[a] || !(reduced ? inside[a] & LP_REDUCED : left[a])) continue;
      p->axes[a] = lp_print_unique(p, f->axes.at[a].name, taken, f->axes.count);
      taken[a] = p->axes[a];
      fputs(!first ? ", " : !any ? (reduced ? "  reduce " : "  axis ") : "; reduce ", p->to);
      fprintf(p->to, "%s %u", p->axes[a], f->axes.at[a].extent);
      first = false;
      any = true;
    }
  }
  if (any) putc('\n', p->to);
}

static void print_statement(lp_printer *p, const lp_statement *s) {
  lp_print_uses(p, s->value);
  for (uint32_t i = 0; i < s->count; i++) lp_print_uses(p, p->f->lists.at[s->first + i]);
  lp_print_name_shared(p);
  fputs(s->update ? "  update " : "  ", p->to);
  lp_print_access(p, s->buffer, s->first, s->count, 1);
  fputs(" = ", p->to);
  lp_print_operand(p, s->value, 0);
  putc('\n', p->to);
  lp_print_where(p, 4);
}

void lp_print_statements(FILE *to, const lp_function *f) {
  lp_printer p = lp_printer_new(to, f, false);
  print_header(&p);
  for (uint32_t i = 0, end; i < f->statements.count; i = end) {
    const lp_statement *s = &f->statements.at[i];
    for (end = i; end < f->statements.count && f->statements.at[end].node == s->node;) end++;
    if (s->node == LP_NONE) /* what comes in and goes out */
      fprintf(to, "kernel %s\n", net_text(f->n, f->buffers.at[s->buffer].name));
    else if (f->node_name)
      fprintf(to, "kernel %s\n", net_text(f->n, f->node_name[s->node]));
    else
      fprintf(to, "kernel %u\n", s->node);
    print_axes(&p, s, end - i);
    for (uint32_t k = i; k < end; k++) print_statement(&p, &f->statements.at[k]);
  }
  net_arena_free(&p.arena);
}

/* ---- form 2 ---- */

typedef struct {
  lp_printer *p;
  bool *regs, *buffers; /* seen in this nest */
  NET_VEC(lp_reg) reg_order;
  NET_VEC(lp_buffer) buffer_order;
  uint32_t open[64], depth; /* variables of the enclosing loops */
} nest_printer;

static void see_reg(nest_printer *n, lp_reg reg) {
  if (n->regs[reg]) return;
  n->regs[reg] = true;
  net_vec_push(&n->p->arena, &n->reg_order, reg);
}

static void see_buffer(nest_printer *n, lp_buffer buffer) {
  if (n->buffers[buffer]) return;
  n->buffers[buffer] = true;
  net_vec_push(&n->p->arena, &n->buffer_order, buffer);
}

static void see_expr(nest_printer *n, lp_expr e) {
  const lp_function *f = n->p->f;
  if (!e || !lp_visit(f, e)) return;
  const lp_expr_info *info = lp_expr_at(f, e);
  if (info->kind == LP_read || info->kind == LP_tree) see_reg(n, info->which);
  if (info->kind == LP_load || info->kind == LP_lookup) see_buffer(n, info->which);
  for (uint32_t i = 0; info->kind == LP_load && i < info->count; i++)
    see_expr(n, f->lists.at[info->first + i]);
  for (uint32_t i = 0; i < 3; i++) see_expr(n, info->operand[i]);
}

static void see(nest_printer *n, lp_stmt first) {
  for (lp_stmt at = first; at; at = n->p->f->stmts.at[at].next) {
    const lp_stmt_info *s = &n->p->f->stmts.at[at];
    see_expr(n, s->value);
    see_expr(n, s->lo);
    see_expr(n, s->hi);
    for (uint32_t i = 0; i < s->count; i++) see_expr(n, n->p->f->lists.at[s->first + i]);
    if (s->kind == LP_SET || s->kind == LP_TRANSPOSE) see_reg(n, s->which);
    if (s->kind == LP_STORE || s->kind == LP_AHEAD) see_buffer(n, s->which);
    if (s->kind == LP_FOR || s->kind == LP_IF) see(n, s->body);
  }
}

/* layout x [8][16][32], …
 * registers v16 a[8][2], f32 s; vectors are of f32 unless a type stands behind their lanes */
static void print_used(nest_printer *n) {
  lp_printer *p = n->p;
  const char **taken = NET_NEW_ARRAY(&p->arena, const char *, p->f->regs.count + 1);
  for (uint32_t i = 0; i < n->buffer_order.count; i++) {
    const lp_buffer_info *b = &p->f->buffers.at[n->buffer_order.at[i]];
    fprintf(p->to, "%s%s", i ? ", " : "  layout ", p->buffers[n->buffer_order.at[i]]);
    print_dimensions(p, b, " ");
  }
  if (n->buffer_order.count) putc('\n', p->to);
  for (uint32_t i = 0; i < n->reg_order.count; i++) {
    lp_reg reg = n->reg_order.at[i];
    const lp_reg_info *r = &p->f->regs.at[reg];
    p->regs[reg] = taken[reg] = lp_print_unique(p, r->name, taken, p->f->regs.count);
    fputs(i ? ", " : "  registers ", p->to);
    if (r->lanes > 1) fprintf(p->to, "v%u ", r->lanes);
    if (r->lanes == 1 || r->type != NET_F32) fprintf(p->to, "%s ", net_type_name(r->type));
    fputs(p->regs[reg], p->to);
    if (r->rows > 1 || r->columns > 1) fprintf(p->to, "[%u]", r->rows);
    if (r->columns > 1) fprintf(p->to, "[%u]", r->columns);
  }
  if (n->reg_order.count) putc('\n', p->to);
}

/* name lo..hi step s; the name differs from those of the loops around */
static void print_loop(nest_printer *n, const lp_stmt_info *s) {
  lp_printer *p = n->p;
  const char *around[64];
  for (uint32_t i = 0; i < n->depth; i++) around[i] = p->vars[n->open[i]];
  p->vars[s->which] = lp_print_unique(p, p->f->vars.at[s->which], around, n->depth);
  fprintf(p->to, "%s ", p->vars[s->which]);
  lp_print_operand(p, s->lo, 1);
  fputs("..", p->to);
  lp_print_operand(p, s->hi, 1);
  if (s->step != 1) fprintf(p->to, " step %u", s->step);
  if (n->depth < 64) n->open[n->depth++] = s->which;
}

static void print_body(nest_printer *n, lp_stmt first, uint32_t indent);

/* Unrolled loops right inside each other share a line: unroll r 0..8, q 0..2 */
static void print_for(nest_printer *n, const lp_stmt_info *s, uint32_t indent) {
  const lp_function *f = n->p->f;
  uint32_t depth = n->depth;
  fputs(s->flags & LP_PARALLEL ? "parallel " : s->flags & LP_UNROLL ? "unroll " : "for ", n->p->to);
  print_loop(n, s);
  while (s->flags == LP_UNROLL && s->body) {
    const lp_stmt_info *inner = &f->stmts.at[s->body];
    if (inner->kind != LP_FOR || inner->flags != LP_UNROLL || inner->next) break;
    fputs(", ", n->p->to);
    print_loop(n, s = inner);
  }
  putc('\n', n->p->to);
  print_body(n, s->body, indent + 2);
  n->depth = depth;
}

static void print_simple(nest_printer *n, const lp_stmt_info *s, uint32_t indent) {
  lp_printer *p = n->p;
  lp_expr whole[3] = {s->value, s->lo, s->hi};
  for (uint32_t i = 0; i < 3; i++)
    if (whole[i]) lp_print_uses(p, whole[i]);
  for (uint32_t i = 0; i < s->count; i++) lp_print_uses(p, p->f->lists.at[s->first + i]);
  lp_print_name_shared(p);
  if (s->kind == LP_AHEAD) fputs("ahead ", p->to);
  if (s->kind == LP_SET)
    lp_print_reg(p, s->which, s->lo, s->hi);
  else if (s->kind == LP_STORE)
    lp_print_access(p, s->which, s->first, s->count, lp_expr_at(p->f, s->value)->lanes);
  else if (s->kind == LP_AHEAD)
    lp_print_access(p, s->which, s->first, s->count, 1);
  else
    fputs(s->kind == LP_IF ? "if " : "finite ", p->to);
  if (s->kind == LP_SET || s->kind == LP_STORE) fputs(" = ", p->to);
  if (s->value) lp_print_operand(p, s->value, 0);
  putc('\n', p->to);
  lp_print_where(p, indent + 2);
}

static void print_body(nest_printer *n, lp_stmt first, uint32_t indent) {
  for (lp_stmt at = first; at; at = n->p->f->stmts.at[at].next) {
    const lp_stmt_info *s = &n->p->f->stmts.at[at];
    fprintf(n->p->to, "%*s", (int)indent, "");
    if (s->kind == LP_FOR)
      print_for(n, s, indent);
    else if (s->kind == LP_TRANSPOSE)
      fprintf(n->p->to, "transpose %s\n", n->p->regs[s->which]);
    else
      print_simple(n, s, indent);
    if (s->kind == LP_IF) print_body(n, s->body, indent + 2);
  }
}

void lp_print_nests(FILE *to, const lp_function *f) {
  lp_printer p = lp_printer_new(to, f, true);
  print_header(&p);
  for (uint32_t i = 0; i < f->nests.count; i++) {
    nest_printer n = {.p = &p};
    n.regs = NET_NEW_ARRAY(&p.arena, bool, f->regs.count + 1);
    n.buffers = NET_NEW_ARRAY(&p.arena, bool, f->buffers.count + 1);
    fprintf(to, "loops %s\n", net_text(f->n, f->nests.at[i].name));
    lp_walk(f);
    see(&n, f->nests.at[i].body);
    print_used(&n);
    print_body(&n, f->nests.at[i].body, 2);
  }
  net_arena_free(&p.arena);
}

void lp_print_expr(FILE *to, const lp_function *f, lp_expr e) {
  lp_printer p = lp_printer_new(to, f, f->nests.count != 0);
  lp_print_operand(&p, e, 0);
  net_arena_free(&p.arena);
}
