#include "codegen/emit.h"

/* Index arithmetic of loop IR does not overflow (the verifier bounds every index), so a sum of products of
 * i32 may be taken apart and put together anew as wide as pointers
 * are. Constants go last, where they are displacements; terms are ordered by the loop they change in, so that
 * what an outer loop adds stays outside inner ones. */

static void add_term(cg_emit *e, cg_index *index, cg_term term) {
  if (!term.coefficient) return;
  for (uint32_t i = 0; i < index->count; i++)
    if (index->terms[i].value == term.value) {
      index->terms[i].coefficient += term.coefficient;
      if (!index->terms[i].coefficient) index->terms[i] = index->terms[--index->count];
      return;
    }
  if (index->count == CG_MAX_TERMS) {
    cg_fault(e, "an index of '%s' has more than %d terms", net_text(e->n, e->f->name), CG_MAX_TERMS);
    return;
  }
  index->terms[index->count++] = term;
}

static void add_scaled(cg_emit *e, cg_index *to, const cg_index *from, int64_t scale) {
  to->constant += from->constant * scale;
  for (uint32_t i = 0; i < from->count; i++) {
    cg_term term = from->terms[i];
    term.coefficient *= scale;
    add_term(e, to, term);
  }
}

/* The innermost loop in which an expression may change; memory counts as constant: LICM knows better. */
static uint32_t depth_of(cg_emit *e, lp_expr expr) {
  const lp_expr_info *x = lp_expr_at(e->f, expr);
  switch (x->kind) {
  case LP_const:
  case LP_count:
  case LP_param:
  case LP_lanes: return 0;
  case LP_var: return e->vars[x->which].unrolled ? 0 : e->vars[x->which].depth;
  case LP_read:
  case LP_tree: return e->depth;
  default: break;
  }
  uint32_t depth = 0, count = x->kind == LP_load ? x->count : 3;
  for (uint32_t i = 0; i < count; i++) {
    lp_expr under = x->kind == LP_load ? lp_list_at(e->f, x->first)[i] : x->operand[i];
    uint32_t d = under ? depth_of(e, under) : 0;
    if (d > depth) depth = d;
  }
  return depth;
}

/* Anything that is no sum or product: a term of its own. */
static cg_index opaque(cg_emit *e, lp_expr expr) {
  const lp_expr_info *x = lp_expr_at(e->f, expr);
  LLVMValueRef value = cg_emit_expr(e, expr);
  bool is_signed = x->type == NET_I8 || x->type == NET_I16 || x->type == NET_I32 || x->type == NET_I64;
  if (LLVMGetTypeKind(LLVMTypeOf(value)) != LLVMIntegerTypeKind) {
    cg_fault(e, "an index of '%s' is no integer", net_text(e->n, e->f->name));
    return (cg_index){0};
  }
  value = LLVMBuildIntCast2(e->builder, value, cg_offset_type(e), is_signed, "");
  if (LLVMIsAConstantInt(value)) return (cg_index){.constant = LLVMConstIntGetSExtValue(value)};
  return (cg_index){.count = 1, .terms = {{value, 1, depth_of(e, expr), 1, !is_signed, LP_NONE}}};
}

static cg_index variable(cg_emit *e, uint32_t which) {
  const cg_var *var = &e->vars[which];
  if (var->unrolled) return (cg_index){.constant = var->constant};
  if (!var->value) {
    cg_fault(e, "a loop variable of '%s' is used outside its loop", net_text(e->n, e->f->name));
    return (cg_index){0};
  }
  return (cg_index){.count = 1,
                    .terms = {{var->value, 1, var->depth, var->divisor, var->never_negative, which}}};
}

static cg_index take_apart(cg_emit *e, lp_expr expr) {
  const lp_expr_info *x = lp_expr_at(e->f, expr);
  if (x->kind == LP_const && x->lanes == 1) return (cg_index){.constant = x->integer};
  if (x->kind == LP_var) return variable(e, x->which);
  bool sum_or_product = x->kind == LP_add || x->kind == LP_sub || x->kind == LP_mul;
  if (x->type != NET_I32 || !sum_or_product) return opaque(e, expr);
  cg_index a = take_apart(e, x->operand[0]), b = take_apart(e, x->operand[1]), sum = {0};
  if (x->kind == LP_mul) {
    if (a.count && b.count) return opaque(e, expr);
    add_scaled(e, &sum, a.count ? &a : &b, a.count ? b.constant : a.constant);
  } else {
    add_scaled(e, &sum, &a, 1);
    add_scaled(e, &sum, &b, x->kind == LP_add ? 1 : -1);
  }
  return sum;
}

static void sort_terms(cg_index *index) { /* by insertion: stable */
  for (uint32_t i = 1; i < index->count; i++) {
    cg_term term = index->terms[i];
    uint32_t at = i;
    for (; at && index->terms[at - 1].depth > term.depth; at--) index->terms[at] = index->terms[at - 1];
    index->terms[at] = term;
  }
}

void cg_index_add(cg_emit *e, cg_index *index, lp_expr expr, int64_t scale) {
  cg_index more = take_apart(e, expr);
  add_scaled(e, index, &more, scale);
  sort_terms(index);
}

bool cg_emit_constant(cg_emit *e, lp_expr expr, int64_t *value) {
  cg_index index = take_apart(e, expr);
  *value = index.constant;
  return !index.count;
}

static uint64_t lowest_bit(uint64_t x) { return x & -x; }

uint64_t cg_index_divisor(const cg_index *index) {
  uint64_t all = (uint64_t)index->constant | (uint64_t)1 << 32;
  for (uint32_t i = 0; i < index->count; i++)
    all |= lowest_bit((uint64_t)index->terms[i].coefficient) * index->terms[i].divisor;
  return lowest_bit(all);
}

bool cg_index_grows(const cg_index *index) {
  bool grows = index->constant >= 0;
  for (uint32_t i = 0; i < index->count; i++)
    grows &= index->terms[i].coefficient > 0 && index->terms[i].never_negative;
  return grows;
}

LLVMValueRef cg_emit_term(cg_emit *e, const cg_term *term) {
  if (term->coefficient == 1) return term->value;
  LLVMValueRef multiple = term->var == LP_NONE ? NULL : cg_emit_multiple(e, term->var, term->coefficient);
  if (multiple) return multiple;
  LLVMValueRef product = LLVMBuildNSWMul(e->builder, term->value, cg_offset(e, term->coefficient), "");
  if (term->never_negative && term->coefficient > 0 && LLVMIsAInstruction(product)) LLVMSetNUW(product, true);
  return product;
}

LLVMValueRef cg_emit_index(cg_emit *e, lp_expr expr, cg_index *index) {
  *index = (cg_index){0};
  cg_index_add(e, index, expr, 1);
  LLVMValueRef sum = cg_offset(e, 0);
  for (uint32_t i = 0; i < index->count; i++)
    sum = LLVMBuildNSWAdd(e->builder, sum, cg_emit_term(e, &index->terms[i]), "");
  return LLVMBuildNSWAdd(e->builder, sum, cg_offset(e, index->constant), "");
}
