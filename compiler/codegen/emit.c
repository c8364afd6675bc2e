#include "codegen/emit.h"

/* A nest goes to the threads when it takes one core some 15 µs or more: waking them and waiting for the last
 * costs a few. */
#define PARALLEL_WORK 4e6

void cg_fault(cg_emit *e, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  cg_note(e->trouble, "cannot emit code: %s", net_arena_vformat(e->arena, format, arguments));
  va_end(arguments);
  e->failed = true;
}

/* ---- types and constants ---- */

static LLVMTypeRef scalar_type(cg_emit *e, net_type type, unsigned bool_bits) {
  if (type == NET_F32) return LLVMFloatTypeInContext(e->context);
  if (type == NET_F64) return LLVMDoubleTypeInContext(e->context);
  return LLVMIntTypeInContext(e->context, type == NET_BOOL ? bool_bits : 8 * (unsigned)net_type_bytes(type));
}

LLVMTypeRef cg_type(cg_emit *e, net_type type, uint32_t lanes) {
  LLVMTypeRef scalar = scalar_type(e, type, 1);
  return lanes == 1 ? scalar : LLVMVectorType(scalar, lanes);
}

LLVMTypeRef cg_memory_type(cg_emit *e, net_type type, uint32_t lanes) {
  LLVMTypeRef scalar = scalar_type(e, type, 8);
  return lanes == 1 ? scalar : LLVMVectorType(scalar, lanes);
}

LLVMValueRef cg_int(cg_emit *e, net_type type, int64_t value) {
  return LLVMConstInt(cg_type(e, type, 1), (unsigned long long)value, true);
}

LLVMTypeRef cg_offset_type(cg_emit *e) { return LLVMIntTypeInContext(e->context, e->target->pointer_bits); }

LLVMValueRef cg_offset(cg_emit *e, int64_t value) {
  return LLVMConstInt(cg_offset_type(e), (unsigned long long)value, true);
}

/* ---- functions ---- */

void cg_add_attribute(cg_emit *e, LLVMValueRef function, unsigned at, const char *name, uint64_t value) {
  unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
  LLVMAddAttributeAtIndex(function, at, LLVMCreateEnumAttribute(e->context, kind, value));
}

void cg_add_text_attribute(cg_emit *e, LLVMValueRef function, const char *name, const char *value) {
  LLVMAttributeRef attribute =
      LLVMCreateStringAttribute(e->context, name, (unsigned)strlen(name), value, (unsigned)strlen(value));
  LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
}

LLVMValueRef cg_begin_function(cg_emit *e, const char *name, LLVMTypeRef type) {
  LLVMValueRef function = LLVMAddFunction(e->module, name, type);
  cg_add_attribute(e, function, (unsigned)LLVMAttributeFunctionIndex, "nounwind", 0);
  cg_add_text_attribute(e, function, "no-builtins", ""); /* a loop that fills memory stays a loop */
  if (e->target->frame_pointer)                          /* lets the stack be aligned for what is spilled */
    cg_add_text_attribute(e, function, "frame-pointer", "all");
  cg_add_text_attribute(e, function, "target-cpu", e->target->cpu);
  cg_add_text_attribute(e, function, "target-features", e->target->features);
  if (e->target->lanes == 16) {
    cg_add_text_attribute(e, function, "prefer-vector-width", "512");
    cg_add_text_attribute(e, function, "min-legal-vector-width", "512");
  }
  e->function = function;
  LLVMPositionBuilderAtEnd(e->entry, cg_block(e, "entry"));
  LLVMPositionBuilderAtEnd(e->builder, cg_block(e, "start"));
  memset(e->fields, 0, sizeof e->fields);
  memset(e->bases, 0, e->f->buffers.count * sizeof *e->bases);
  memset(e->vars, 0, e->f->vars.count * sizeof *e->vars);
  memset(e->regs, 0, e->reg_first[e->f->regs.count] * sizeof *e->regs);
  e->depth = 0;
  e->epoch++;
  return function;
}

void cg_end_function(cg_emit *e) {
  LLVMBuildBr(e->entry, LLVMGetNextBasicBlock(LLVMGetEntryBasicBlock(e->function)));
}

/* Starts a function whose first argument is the rt_step. */
static LLVMValueRef begin_step_function(cg_emit *e, const char *name, LLVMTypeRef type) {
  LLVMValueRef function = cg_begin_function(e, name, type);
  cg_add_attribute(e, function, 1, "noalias", 0);
  cg_add_attribute(e, function, 1, "nonnull", 0);
  cg_add_attribute(e, function, 1, "readonly", 0);
  cg_add_attribute(e, function, 1, "align", _Alignof(rt_step));
  cg_add_attribute(e, function, 1, "dereferenceable", sizeof(rt_step));
  e->step = LLVMGetParam(function, 0);
  LLVMSetValueName2(e->step, "step", 4);
  if (e->inlined) {
    LLVMSetLinkage(function, LLVMInternalLinkage);
    cg_add_attribute(e, function, (unsigned)LLVMAttributeFunctionIndex, "alwaysinline", 0);
  }
  return function;
}

/* ---- nests ---- */

typedef struct {
  LLVMValueRef function;
  LLVMTypeRef type;
  bool may_fail;                /* gives an i32: 1 when a value was not finite */
  const lp_stmt_info *parallel; /* its outermost loop, or NULL */
} cg_nest;

static bool holds_finite(const lp_function *f, lp_stmt first) {
  for (lp_stmt s = first; s; s = f->stmts.at[s].next)
    if (f->stmts.at[s].kind == LP_FINITE || holds_finite(f, f->stmts.at[s].body)) return true;
  return false;
}

/* void nest(const rt_step *, u32 begin, u32 end), as rt_work wants it, or u32 nest(const rt_step *, …). */
static cg_nest emit_nest(cg_emit *e, const lp_nest *nest) {
  LLVMTypeRef i32 = LLVMInt32TypeInContext(e->context);
  LLVMTypeRef arguments[3] = {LLVMPointerTypeInContext(e->context, 0), i32, i32};
  const lp_stmt_info *outer = &e->f->stmts.at[nest->body];
  cg_nest result = {.may_fail = holds_finite(e->f, nest->body)};
  if (nest->body && outer->kind == LP_FOR && outer->flags & LP_PARALLEL && !outer->next && !result.may_fail)
    result.parallel = outer;
  LLVMTypeRef status = result.may_fail ? i32 : LLVMVoidTypeInContext(e->context);
  result.type = LLVMFunctionType(status, arguments, 3, false);
  const char *of = net_text(e->n, e->f->name), *name = net_text(e->n, nest->name);
  name = net_arena_format(e->arena, "%s.%s", of, name);
  result.function = begin_step_function(e, name, result.type);
  LLVMSetLinkage(result.function, LLVMInternalLinkage);
  if (!e->inlined) cg_add_attribute(e, result.function, (unsigned)LLVMAttributeFunctionIndex, "noinline", 0);
  LLVMValueRef begin = LLVMGetParam(result.function, 1), end = LLVMGetParam(result.function, 2);
  LLVMSetValueName2(begin, "begin", 5);
  LLVMSetValueName2(end, "end", 3);
  if (result.parallel) cg_emit_iterations(e, result.parallel, begin, end);
  else cg_emit_statements(e, nest->body);
  if (result.may_fail) LLVMBuildRet(e->builder, cg_int(e, NET_U32, 0));
  else LLVMBuildRetVoid(e->builder);
  cg_end_function(e);
  cg_emit_alias_scopes(e, LLVMGetValueName2(result.function, &(size_t){0}));
  return result;
}

/* ---- the entry point ---- */

/* if (step->parallel_for) step->parallel_for(step->pool, nest, step, count); else nest(step, 0, count); */
static void call_parallel(cg_emit *e, const cg_nest *nest, LLVMValueRef count) {
  LLVMTypeRef pointer = LLVMPointerTypeInContext(e->context, 0), i32 = LLVMInt32TypeInContext(e->context);
  LLVMTypeRef arguments[4] = {pointer, pointer, pointer, i32};
  LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), arguments, 4, false);
  LLVMValueRef threads = cg_emit_field(e, CG_STEP_PARALLEL_FOR);
  LLVMBasicBlockRef many = cg_block(e, "threads"), one = cg_block(e, "one_thread");
  LLVMBasicBlockRef after = cg_block(e, "after");
  LLVMBuildCondBr(e->builder, LLVMBuildIsNull(e->builder, threads, ""), one, many);
  LLVMPositionBuilderAtEnd(e->builder, many);
  LLVMValueRef handed[4] = {cg_emit_field(e, CG_STEP_POOL), nest->function, e->step, count};
  LLVMBuildCall2(e->builder, type, threads, handed, 4, "");
  LLVMBuildBr(e->builder, after);
  LLVMPositionBuilderAtEnd(e->builder, one);
  LLVMValueRef whole[3] = {e->step, cg_int(e, NET_U32, 0), count};
  LLVMBuildCall2(e->builder, nest->type, nest->function, whole, 3, "");
  LLVMBuildBr(e->builder, after);
  LLVMPositionBuilderAtEnd(e->builder, after);
}

static void call_nest(cg_emit *e, const cg_nest *nest, double work, LLVMBasicBlockRef not_finite) {
  LLVMValueRef count = cg_int(e, NET_U32, 1);
  if (nest->parallel) count = cg_emit_iteration_count(e, nest->parallel);
  if (nest->parallel && work >= PARALLEL_WORK && !e->inlined) {
    call_parallel(e, nest, count);
    return;
  }
  LLVMValueRef whole[3] = {e->step, cg_int(e, NET_U32, 0), count};
  LLVMValueRef status = LLVMBuildCall2(e->builder, nest->type, nest->function, whole, 3, "");
  if (!nest->may_fail) return;
  LLVMBasicBlockRef after = cg_block(e, "finite");
  LLVMBuildCondBr(e->builder, LLVMBuildIsNull(e->builder, status, ""), after, not_finite);
  LLVMPositionBuilderAtEnd(e->builder, after);
}

/* u32 NAME(const rt_step *): the nests in order. */
static LLVMValueRef emit_entry(cg_emit *e, const cg_nest *nests) {
  LLVMTypeRef pointer = LLVMPointerTypeInContext(e->context, 0);
  LLVMTypeRef type = LLVMFunctionType(LLVMInt32TypeInContext(e->context), &pointer, 1, false);
  LLVMValueRef entry = begin_step_function(e, net_text(e->n, e->f->name), type);
  LLVMBasicBlockRef not_finite = cg_block(e, "not_finite");
  for (uint32_t i = 0; i < e->f->nests.count; i++)
    call_nest(e, &nests[i], e->f->nests.at[i].work, not_finite);
  LLVMBuildRet(e->builder, cg_int(e, NET_U32, 0));
  LLVMPositionBuilderAtEnd(e->builder, not_finite);
  LLVMBuildRet(e->builder, cg_int(e, NET_U32, 1));
  cg_end_function(e);
  return entry;
}

void cg_emit_begin(cg_emit *e, const lp_function *f) {
  e->f = f;
  e->bases = NET_NEW_ARRAY(e->arena, LLVMValueRef, f->buffers.count + 1);
  e->constants = NET_NEW_ARRAY(e->arena, LLVMValueRef, f->buffers.count + 1);
  e->vars = NET_NEW_ARRAY(e->arena, cg_var, f->vars.count + 1);
  e->values = NET_NEW_ARRAY(e->arena, LLVMValueRef, f->exprs.count + 1);
  e->stamps = NET_NEW_ARRAY(e->arena, uint32_t, f->exprs.count + 1);
  e->reg_first = NET_NEW_ARRAY(e->arena, uint32_t, f->regs.count + 1);
  for (uint32_t r = 0; r < f->regs.count; r++)
    e->reg_first[r + 1] = e->reg_first[r] + f->regs.at[r].rows * f->regs.at[r].columns;
  e->regs = NET_NEW_ARRAY(e->arena, LLVMValueRef, e->reg_first[f->regs.count] + 1);
  e->builder = LLVMCreateBuilderInContext(e->context);
  e->entry = LLVMCreateBuilderInContext(e->context);
}

LLVMValueRef cg_emit_nests(cg_emit *e) {
  cg_nest *nests = NET_NEW_ARRAY(e->arena, cg_nest, e->f->nests.count + 1);
  for (uint32_t i = 0; i < e->f->nests.count && !e->failed; i++) nests[i] = emit_nest(e, &e->f->nests.at[i]);
  return e->failed ? NULL : emit_entry(e, nests);
}

void cg_emit_end(cg_emit *e) {
  LLVMDisposeBuilder(e->builder);
  LLVMDisposeBuilder(e->entry);
}

bool cg_emit_function(cg_unit *unit, const lp_function *f) {
  net_arena arena;
  jmp_buf no_memory; /* this may be a thread of its own: it must not leave for where main would go */
  net_arena_init(&arena, &no_memory);
  cg_emit e = {.n = unit->n,
               .target = unit->input.target,
               .arena = &arena,
               .context = unit->context,
               .module = unit->module,
               .trouble = &unit->trouble};
  if (setjmp(no_memory)) {
    cg_note(&unit->trouble, "no memory to emit '%s'", net_text(unit->n, f->name));
  } else {
    cg_emit_begin(&e, f);
    cg_emit_nests(&e);
    cg_emit_end(&e);
  }
  net_arena_free(&arena);
  return !*unit->trouble.text;
}
