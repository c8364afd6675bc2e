#include "codegen/emit.h"

LLVMBasicBlockRef cg_block(cg_emit *e, const char *name) {
  return LLVMAppendBasicBlockInContext(e->context, e->function, name);
}

static void go_to(cg_emit *e, LLVMBasicBlockRef block) {
  LLVMBuildBr(e->builder, block);
  LLVMPositionBuilderAtEnd(e->builder, block);
}

static uint64_t lowest_bit(uint64_t x) { return x & -x; }

/* ---- loops ---- */

/* Body with the variable at constants: lo, lo + step, … */
static void unroll(cg_emit *e, const lp_stmt_info *loop, int64_t lo, int64_t hi) {
  cg_var *var = &e->vars[loop->which];
  for (int64_t i = lo; i < hi; i += loop->step) {
    *var = (cg_var){.unrolled = true, .constant = i};
    cg_emit_statements(e, loop->body);
  }
  *var = (cg_var){0};
}

/* Whether a loop is left inside after unrolling. */
static bool holds_loop(const lp_function *f, lp_stmt first) {
  for (lp_stmt s = first; s; s = f->stmts.at[s].next) {
    const lp_stmt_info *info = &f->stmts.at[s];
    if (info->kind == LP_FOR && !(info->flags & LP_UNROLL)) return true;
    if (holds_loop(f, info->body)) return true;
  }
  return false;
}

/* Factors up to 8 cost nothing: addresses of the machine have them. */
LLVMValueRef cg_emit_multiple(cg_emit *e, uint32_t which, int64_t coefficient) {
  cg_var *var = &e->vars[which];
  bool is_free = coefficient == 1 || coefficient == 2 || coefficient == 4 || coefficient == 8;
  if (!var->innermost || is_free) return NULL;
  for (uint32_t i = 0; i < var->multiples.count; i++)
    if (var->multiples.at[i].coefficient == coefficient) return var->multiples.at[i].value;
  LLVMBasicBlockRef here = LLVMGetInsertBlock(e->builder), before = LLVMGetIncomingBlock(var->value, 0);
  LLVMPositionBuilderBefore(e->builder, LLVMGetBasicBlockTerminator(before));
  LLVMValueRef lo = LLVMGetIncomingValue(var->value, 0);
  lo = LLVMBuildNSWMul(e->builder, lo, cg_offset(e, coefficient), "");
  LLVMPositionBuilderBefore(e->builder, var->value);
  LLVMValueRef phi = LLVMBuildPhi(e->builder, cg_offset_type(e), "");
  LLVMAddIncoming(phi, &lo, &before, 1);
  LLVMPositionBuilderAtEnd(e->builder, here);
  net_vec_push(e->arena, &var->multiples, (cg_multiple){coefficient, phi});
  return phi;
}

/* phi + amount, as the phi's next value */
static LLVMValueRef count_on(cg_emit *e, LLVMValueRef phi, int64_t amount, bool never_negative) {
  LLVMValueRef next = LLVMBuildNSWAdd(e->builder, phi, cg_offset(e, amount), "");
  LLVMBasicBlockRef latch = LLVMGetInsertBlock(e->builder);
  if (never_negative) LLVMSetNUW(next, true);
  LLVMAddIncoming(phi, &next, &latch, 1);
  return next;
}

/* A loop in rotated form: the test stands at its end. [lo, hi) are offsets; guard: it may be empty. A
 * constant hi is met exactly. */
static void loop_blocks(cg_emit *e, const lp_stmt_info *loop, LLVMValueRef lo, LLVMValueRef hi, bool guard,
                        cg_var var) {
  const char *name = net_text(e->n, e->f->vars.at[loop->which]);
  LLVMBasicBlockRef before = cg_block(e, "before"), body = cg_block(e, name), after = cg_block(e, "after");
  LLVMBasicBlockRef end = after;
  if (guard) {
    end = cg_block(e, "end");
    LLVMBuildCondBr(e->builder, LLVMBuildICmp(e->builder, LLVMIntSLT, lo, hi, ""), before, end);
    LLVMPositionBuilderAtEnd(e->builder, before);
  } else {
    go_to(e, before);
  }
  go_to(e, body);
  var.value = LLVMBuildPhi(e->builder, cg_offset_type(e), name);
  LLVMAddIncoming(var.value, &lo, &before, 1);
  var.innermost = !holds_loop(e->f, loop->body);
  var.depth = ++e->depth;
  cg_var *v = &e->vars[loop->which];
  *v = var;
  cg_emit_statements(e, loop->body);
  for (uint32_t i = 0; i < v->multiples.count; i++) {
    int64_t coefficient = v->multiples.at[i].coefficient;
    count_on(e, v->multiples.at[i].value, coefficient * loop->step, v->never_negative && coefficient > 0);
  }
  LLVMValueRef next = count_on(e, v->value, loop->step, v->never_negative);
  LLVMIntPredicate predicate = LLVMIsAConstantInt(hi) ? LLVMIntNE : LLVMIntSLT;
  LLVMBuildCondBr(e->builder, LLVMBuildICmp(e->builder, predicate, next, hi, ""), body, after);
  *v = (cg_var){0};
  e->depth--;
  LLVMPositionBuilderAtEnd(e->builder, after);
  if (guard) go_to(e, end);
}

static bool good_step(cg_emit *e, const lp_stmt_info *loop) {
  if (loop->step) return true;
  cg_fault(e, "a loop of '%s' has no step", net_text(e->n, e->f->name));
  return false;
}

static cg_var variable_from(const lp_stmt_info *loop, const cg_index *lo) {
  uint64_t divisor = lowest_bit(cg_index_divisor(lo) | loop->step);
  return (cg_var){.divisor = divisor, .never_negative = cg_index_grows(lo)};
}

static void emit_for(cg_emit *e, const lp_stmt_info *loop) {
  if (!good_step(e, loop)) return;
  cg_index lo_index, hi_index;
  LLVMValueRef lo = cg_emit_index(e, loop->lo, &lo_index), hi = cg_emit_index(e, loop->hi, &hi_index);
  bool constant = !lo_index.count && !hi_index.count;
  bool once = constant && lo_index.constant + loop->step >= hi_index.constant; /* or never */
  if (once || (constant && loop->flags & LP_UNROLL)) unroll(e, loop, lo_index.constant, hi_index.constant);
  else if (loop->flags & LP_UNROLL)
    cg_fault(e, "'%s' unrolls a loop of unknown length", net_text(e->n, e->f->name));
  else {
    int64_t length = hi_index.constant - lo_index.constant, step = loop->step;
    if (constant) hi = cg_offset(e, lo_index.constant + (length + step - 1) / step * step);
    loop_blocks(e, loop, lo, hi, !constant, variable_from(loop, &lo_index));
  }
}

/* ⌈(hi − lo) / step⌉, not below 0 */
LLVMValueRef cg_emit_iteration_count(cg_emit *e, const lp_stmt_info *loop) {
  LLVMTypeRef i32 = LLVMInt32TypeInContext(e->context);
  if (!good_step(e, loop)) return LLVMConstNull(i32);
  cg_index unused;
  LLVMValueRef lo = cg_emit_index(e, loop->lo, &unused), hi = cg_emit_index(e, loop->hi, &unused);
  LLVMValueRef length = LLVMBuildNSWSub(e->builder, hi, lo, ""), none = cg_offset(e, 0);
  LLVMValueRef empty = LLVMBuildICmp(e->builder, LLVMIntSLT, length, none, "");
  length = LLVMBuildSelect(e->builder, empty, none, length, "");
  length = LLVMBuildNSWAdd(e->builder, length, cg_offset(e, (int64_t)loop->step - 1), "");
  return LLVMBuildTruncOrBitCast(e->builder, LLVMBuildUDiv(e->builder, length, cg_offset(e, loop->step), ""),
                                 i32, "");
}

void cg_emit_iterations(cg_emit *e, const lp_stmt_info *loop, LLVMValueRef begin, LLVMValueRef end) {
  if (!good_step(e, loop)) return;
  cg_index lo_index;
  LLVMValueRef lo = cg_emit_index(e, loop->lo, &lo_index), step = cg_offset(e, loop->step);
  LLVMValueRef bound[2] = {begin, end};
  for (int i = 0; i < 2; i++) {
    LLVMValueRef wide = LLVMBuildZExtOrBitCast(e->builder, bound[i], cg_offset_type(e), "");
    bound[i] = LLVMBuildNSWAdd(e->builder, lo, LLVMBuildNSWMul(e->builder, wide, step, ""), "");
  }
  loop_blocks(e, loop, bound[0], bound[1], true, variable_from(loop, &lo_index));
}

/* ---- the rest ---- */

static void emit_set(cg_emit *e, const lp_stmt_info *set) {
  LLVMValueRef value = cg_emit_expr(e, set->value);
  LLVMBuildStore(e->builder, value, cg_emit_register(e, set->which, set->lo, set->hi));
}

static void emit_if(cg_emit *e, const lp_stmt_info *test) {
  LLVMValueRef condition = cg_emit_expr(e, test->value);
  if (LLVMIsAConstantInt(condition)) {
    if (LLVMConstIntGetZExtValue(condition)) cg_emit_statements(e, test->body);
    return;
  }
  LLVMBasicBlockRef then = cg_block(e, "then"), after = cg_block(e, "endif");
  LLVMBuildCondBr(e->builder, condition, then, after);
  LLVMPositionBuilderAtEnd(e->builder, then);
  cg_emit_statements(e, test->body);
  go_to(e, after);
}

static void emit_transpose(cg_emit *e, const lp_stmt_info *s) { cg_emit_transpose(e, s->which); }

/* |x| < ∞ is false for NaN too. */
static void emit_finite(cg_emit *e, const lp_stmt_info *s) {
  LLVMValueRef value = cg_emit_expr(e, s->value);
  LLVMValueRef size = cg_intrinsic(e, "llvm.fabs", &value, 1);
  LLVMValueRef infinity = LLVMConstReal(LLVMTypeOf(value), __builtin_inf());
  LLVMBasicBlockRef leave = cg_block(e, "not_finite"), after = cg_block(e, "finite");
  LLVMBuildCondBr(e->builder, LLVMBuildFCmp(e->builder, LLVMRealOLT, size, infinity, ""), after, leave);
  LLVMPositionBuilderAtEnd(e->builder, leave);
  LLVMBuildRet(e->builder, cg_int(e, NET_U32, 1));
  LLVMPositionBuilderAtEnd(e->builder, after);
}

static void (*const emitters[])(cg_emit *, const lp_stmt_info *) = {
    [LP_FOR] = emit_for,
    [LP_SET] = emit_set,
    [LP_STORE] = cg_emit_store,
    [LP_IF] = emit_if,
    [LP_TRANSPOSE] = emit_transpose,
    [LP_FINITE] = emit_finite,
    [LP_AHEAD] = cg_emit_ahead,
};

void cg_emit_statements(cg_emit *e, lp_stmt first) {
  for (lp_stmt s = first; s && !e->failed; s = e->f->stmts.at[s].next) {
    e->epoch++;
    emitters[e->f->stmts.at[s].kind](e, &e->f->stmts.at[s]);
  }
}
