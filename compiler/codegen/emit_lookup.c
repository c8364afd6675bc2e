/* Lookups in tables of up to 256 bytes by permutations of whole registers, where the target has them: for 16
 * places a dozen instructions, and no load. */
#include "codegen/emit.h"

enum { PIECE = 64, MOST = 256, LEAST_LANES = 8 };

static LLVMValueRef call(cg_emit *e, const char *name, LLVMValueRef *operands, uint32_t count) {
  unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
  LLVMTypeRef type = LLVMIntrinsicGetType(e->context, id, NULL, 0);
  LLVMValueRef callee = LLVMGetIntrinsicDeclaration(e->module, id, NULL, 0);
  return LLVMBuildCall2(e->builder, type, callee, operands, count, "");
}

/* Entries 64·piece and so on; 0 behind the last. */
static LLVMValueRef entries(cg_emit *e, const lp_buffer_info *table, uint32_t piece) {
  LLVMValueRef bytes[PIECE];
  for (uint32_t i = 0; i < PIECE; i++) {
    uint32_t at = piece * PIECE + i;
    bytes[i] = cg_int(e, NET_U8, at < table->shape.dim[0] ? ((const uint8_t *)table->data)[at] : 0);
  }
  return LLVMConstVector(bytes, PIECE);
}

/* The first lanes of a vector, or a vector that begins with it: what lies behind is anything. */
static LLVMValueRef resized(cg_emit *e, LLVMValueRef vector, uint32_t from, uint32_t to) {
  LLVMValueRef lanes[PIECE];
  LLVMTypeRef i32 = LLVMInt32TypeInContext(e->context);
  if (from == to) return vector;
  for (uint32_t i = 0; i < to; i++) lanes[i] = i < from ? LLVMConstInt(i32, i, false) : LLVMGetPoison(i32);
  return LLVMBuildShuffleVector(e->builder, vector, LLVMGetPoison(LLVMTypeOf(vector)),
                                LLVMConstVector(lanes, to), "");
}

LLVMValueRef cg_emit_permuted(cg_emit *e, const lp_expr_info *lookup) {
  const lp_buffer_info *table = &e->f->buffers.at[lookup->which];
  uint32_t count = table->shape.dim[0], lanes = lookup->lanes, pieces = (count + PIECE - 1) / PIECE;
  bool bytes = table->type == NET_I8 || table->type == NET_U8;
  if (!bytes || count > MOST || lanes < LEAST_LANES || lanes > PIECE || !(e->target->has & CG_AVX512VBMI) ||
      e->target->lanes < 16)
    return NULL;
  LLVMValueRef places =
      LLVMBuildTrunc(e->builder, cg_emit_expr(e, lookup->operand[0]), cg_type(e, NET_U8, lanes), "");
  places = resized(e, places, lanes, PIECE);
  LLVMValueRef found[2] = {NULL};
  for (uint32_t half = 0; 2 * half < pieces; half++) {
    LLVMValueRef low = entries(e, table, 2 * half), high = entries(e, table, 2 * half + 1);
    if (2 * half + 1 < pieces)
      found[half] = call(e, "llvm.x86.avx512.vpermi2var.qi.512", (LLVMValueRef[]){low, places, high}, 3);
    else found[half] = call(e, "llvm.x86.avx512.permvar.qi.512", (LLVMValueRef[]){low, places}, 2);
  }
  if (pieces > 2) { /* bit 7 of a place says which half */
    LLVMValueRef zero = LLVMConstNull(cg_type(e, NET_U8, PIECE));
    LLVMValueRef upper = LLVMBuildICmp(e->builder, LLVMIntSLT, places, zero, "");
    found[0] = LLVMBuildSelect(e->builder, upper, found[1], found[0], "");
  }
  return resized(e, found[0], PIECE, lanes);
}
