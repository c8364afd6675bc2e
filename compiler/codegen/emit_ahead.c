/* Asking for what the next call will read, while this one computes: a hint without consequences, wherever it
 * points. */
#include "codegen/emit.h"

static LLVMValueRef behind(cg_emit *e, LLVMBuilderRef builder, LLVMValueRef at, LLVMValueRef bytes) {
  return LLVMBuildGEP2(builder, LLVMInt8TypeInContext(e->context), at, &bytes, 1, "");
}

/* Where the next call's first row lies, of a column. */
static LLVMValueRef next_rows(cg_emit *e, const lp_buffer_info *column, int64_t row_bytes) {
  LLVMTypeRef pointer = LLVMPointerTypeInContext(e->context, 0);
  LLVMValueRef slot = cg_offset(e, (int64_t)sizeof(void *) * column->slot); /* as in rt_step */
  LLVMValueRef at = behind(e, e->entry, cg_emit_field(e, CG_STEP_COLUMNS), slot);
  LLVMValueRef rows = LLVMBuildLoad2(e->entry, pointer, at, "");
  LLVMSetAlignment(rows, 8);
  LLVMValueRef ahead = cg_emit_field(e, CG_STEP_AHEAD);
  ahead = LLVMBuildZExtOrBitCast(e->entry, ahead, cg_offset_type(e), "");
  return behind(e, e->entry, rows, LLVMBuildMul(e->entry, ahead, cg_offset(e, row_bytes), ""));
}

void cg_emit_ahead(cg_emit *e, const lp_stmt_info *ahead) {
  enum { TO_READ = 0, INTO_FIRST_CACHE = 3, DATA = 1 };
  const lp_buffer_info *column = &e->f->buffers.at[ahead->which];
  if (!e->inlined) return; /* whose rows come next, the runtime does not say */
  int64_t bytes = (int64_t)net_type_bytes(column->type);
  int64_t row_bytes = bytes * (int64_t)net_shape_elements(&column->shape);
  cg_index place = {0};
  const lp_expr *indices = lp_list_at(e->f, ahead->first);
  cg_index_add(e, &place, indices[0], row_bytes);
  cg_index_add(e, &place, indices[1], bytes);
  LLVMValueRef at = next_rows(e, column, row_bytes);
  for (uint32_t i = 0; i < place.count; i++) at = behind(e, e->builder, at, cg_emit_term(e, &place.terms[i]));
  at = behind(e, e->builder, at, cg_offset(e, place.constant));
  LLVMTypeRef i32 = LLVMInt32TypeInContext(e->context), type = LLVMTypeOf(at);
  unsigned id = LLVMLookupIntrinsicID("llvm.prefetch", strlen("llvm.prefetch"));
  LLVMValueRef operands[] = {at, LLVMConstInt(i32, TO_READ, false),
                             LLVMConstInt(i32, INTO_FIRST_CACHE, false), LLVMConstInt(i32, DATA, false)};
  LLVMValueRef callee = LLVMGetIntrinsicDeclaration(e->module, id, &type, 1);
  LLVMBuildCall2(e->builder, LLVMIntrinsicGetType(e->context, id, &type, 1), callee, operands, 4, "");
}
