/* Integers clamped and put side by side: pack16, pack8u, pack8s. On x86 four vectors become one of bytes by
 * three packing instructions and a shuffle of bytes; elsewhere by comparisons, shifts and ors. */
#include "codegen/emit.h"

static LLVMValueRef splat32(cg_emit *e, uint32_t lanes, int32_t value) {
  return cg_emit_splat(e, cg_int(e, NET_I32, value), lanes);
}

/* ---- anywhere ---- */

static LLVMValueRef clamped(cg_emit *e, LLVMValueRef v, uint32_t lanes, int32_t low, int32_t high) {
  LLVMValueRef most[2] = {v, splat32(e, lanes, high)};
  LLVMValueRef least[2] = {cg_intrinsic(e, "llvm.smin", most, 2), splat32(e, lanes, low)};
  return cg_intrinsic(e, "llvm.smax", least, 2);
}

/* The lowest `bits` of v, from bit `at` on. */
static LLVMValueRef placed(cg_emit *e, LLVMValueRef v, uint32_t lanes, uint32_t bits, uint32_t at) {
  if (bits + at < 32) v = LLVMBuildAnd(e->builder, v, splat32(e, lanes, (1 << bits) - 1), "");
  return at ? LLVMBuildShl(e->builder, v, splat32(e, lanes, (int32_t)at), "") : v;
}

static LLVMValueRef plain16(cg_emit *e, uint32_t lanes, LLVMValueRef a, LLVMValueRef b) {
  LLVMValueRef low = placed(e, clamped(e, a, lanes, INT16_MIN, INT16_MAX), lanes, 16, 0);
  LLVMValueRef high = placed(e, clamped(e, b, lanes, INT16_MIN, INT16_MAX), lanes, 16, 16);
  return LLVMBuildOr(e->builder, low, high, "");
}

static LLVMValueRef plain8(cg_emit *e, uint32_t lanes, const LLVMValueRef *halves, bool sign) {
  LLVMValueRef word = NULL, sixteen = splat32(e, lanes, 16);
  for (uint32_t k = 0; k < 4; k++) {
    LLVMValueRef v = halves[k / 2];
    if (k % 2 == 0) v = LLVMBuildShl(e->builder, v, sixteen, "");
    v = LLVMBuildAShr(e->builder, v, sixteen, "");
    v = clamped(e, v, lanes, sign ? INT8_MIN : 0, sign ? INT8_MAX : UINT8_MAX);
    v = placed(e, v, lanes, 8, 8 * k);
    word = word ? LLVMBuildOr(e->builder, word, v, "") : v;
  }
  return word;
}

/* ---- x86: within each 128 bits, packing takes a's elements, then b's ---- */

static const struct {
  uint32_t needs, lanes; /* of i32 */
  const char *to16, *to8u, *to8s;
} instructions[] = {
    {CG_AVX512BW, 16, "llvm.x86.avx512.packssdw.512", "llvm.x86.avx512.packuswb.512",
     "llvm.x86.avx512.packsswb.512"},
    {CG_AVX2, 8, "llvm.x86.avx2.packssdw", "llvm.x86.avx2.packuswb", "llvm.x86.avx2.packsswb"},
    {CG_SSE42, 4, "llvm.x86.sse2.packssdw.128", "llvm.x86.sse2.packuswb.128", "llvm.x86.sse2.packsswb.128"},
};

static const char *instruction_for(const cg_target *target, lp_expr_kind op, uint32_t lanes) {
  if (strncmp(target->triple, "x86_64", 6)) return NULL;
  for (uint32_t i = 0; i < sizeof instructions / sizeof *instructions; i++)
    if (instructions[i].lanes == lanes && (target->has & instructions[i].needs) == instructions[i].needs)
      return op == LP_pack16   ? instructions[i].to16
             : op == LP_pack8u ? instructions[i].to8u
                               : instructions[i].to8s;
  return NULL;
}

static LLVMValueRef call(cg_emit *e, const char *name, LLVMValueRef a, LLVMValueRef b) {
  unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
  LLVMValueRef operands[2] = {a, b}, callee = LLVMGetIntrinsicDeclaration(e->module, id, NULL, 0);
  return LLVMBuildCall2(e->builder, LLVMIntrinsicGetType(e->context, id, NULL, 0), callee, operands, 2, "");
}

/* In each 128 bits element i·rows + r comes from r·columns + i. */
static LLVMValueRef turned(cg_emit *e, LLVMValueRef v, uint32_t elements, uint32_t rows, uint32_t columns) {
  LLVMValueRef mask[4 * LP_MAX_LANES];
  for (uint32_t k = 0; k < elements; k++) {
    uint32_t start = k - k % (rows * columns), within = k % (rows * columns);
    mask[k] = cg_int(e, NET_I32, start + within % rows * columns + within / rows);
  }
  return LLVMBuildShuffleVector(e->builder, v, LLVMGetPoison(LLVMTypeOf(v)), LLVMConstVector(mask, elements),
                                "");
}

static LLVMValueRef as_words(cg_emit *e, LLVMValueRef v, uint32_t lanes) {
  return LLVMBuildBitCast(e->builder, v, cg_type(e, NET_I32, lanes), "");
}

LLVMValueRef cg_emit_pack(cg_emit *e, const lp_expr_info *x) {
  uint32_t lanes = x->lanes;
  const char *bytes = instruction_for(e->target, x->kind, lanes),
             *halves = instruction_for(e->target, LP_pack16, lanes);
  const lp_expr_info *low = lp_expr_at(e->f, x->operand[0]), *high = lp_expr_at(e->f, x->operand[1]);
  if (x->kind != LP_pack16 && bytes && low->kind == LP_pack16 && high->kind == LP_pack16) { /* four at once */
    LLVMValueRef a = call(e, halves, cg_emit_expr(e, low->operand[0]), cg_emit_expr(e, low->operand[1]));
    LLVMValueRef b = call(e, halves, cg_emit_expr(e, high->operand[0]), cg_emit_expr(e, high->operand[1]));
    return as_words(e, turned(e, call(e, bytes, a, b), 4 * lanes, 4, 4), lanes);
  }
  LLVMValueRef v[2] = {cg_emit_expr(e, x->operand[0]), cg_emit_expr(e, x->operand[1])};
  if (x->kind != LP_pack16) return plain8(e, lanes, v, x->kind == LP_pack8s);
  if (!halves) return plain16(e, lanes, v[0], v[1]);
  return as_words(e, turned(e, call(e, halves, v[0], v[1]), 2 * lanes, 2, 4), lanes);
}

/* ---- neighbours as words: little-endian targets only ---- */

static LLVMValueRef part(cg_emit *e, LLVMValueRef v, uint32_t first, uint32_t lanes) {
  LLVMValueRef mask[LP_MAX_LANES];
  for (uint32_t i = 0; i < lanes; i++) mask[i] = cg_int(e, NET_I32, first + i);
  return LLVMBuildShuffleVector(e->builder, v, LLVMGetPoison(LLVMTypeOf(v)), LLVMConstVector(mask, lanes),
                                "");
}

/* Four quarters packed give whole words, in each 128 bits one of each quarter: back into order. */
static LLVMValueRef packed_quarters(cg_emit *e, LLVMValueRef v, uint32_t lanes, const char *halves,
                                    const char *bytes) {
  LLVMValueRef a = call(e, halves, part(e, v, 0, lanes), part(e, v, lanes, lanes));
  LLVMValueRef b = call(e, halves, part(e, v, 2 * lanes, lanes), part(e, v, 3 * lanes, lanes));
  return turned(e, as_words(e, call(e, bytes, a, b), lanes), lanes, lanes / 4, 4);
}

LLVMValueRef cg_emit_words(cg_emit *e, const lp_expr_info *x) {
  LLVMValueRef v = cg_emit_expr(e, x->operand[0]);
  uint32_t lanes = x->lanes;
  if (!x->integer) return as_words(e, v, lanes);
  bool sign = x->integer < 0;
  const char *halves = instruction_for(e->target, LP_pack16, lanes);
  const char *bytes = instruction_for(e->target, sign ? LP_pack8s : LP_pack8u, lanes);
  if (halves) return packed_quarters(e, v, lanes, halves, bytes);
  v = clamped(e, v, 4 * lanes, sign ? INT8_MIN : 0, sign ? INT8_MAX : UINT8_MAX);
  return as_words(e, LLVMBuildTrunc(e->builder, v, cg_type(e, NET_U8, 4 * lanes), ""), lanes);
}

/* ---- rounding to integers ---- */

/* Pieces of as many lanes as the instruction takes, one after the other. AVX-512 is told how to round; the
 * others go by the mode, which is to nearest as for all arithmetic. */
LLVMValueRef cg_emit_rounded(cg_emit *e, LLVMValueRef v, uint32_t lanes) {
  static const struct {
    uint32_t needs, lanes;
    const char *name;
  } roundings[] = {{CG_AVX512F, 16, "llvm.x86.avx512.mask.cvtps2dq.512"},
                   {CG_AVX, 8, "llvm.x86.avx.cvt.ps2dq.256"},
                   {0, 4, "llvm.x86.sse2.cvtps2dq"}};
  uint32_t at = 0;
  if (strncmp(e->target->triple, "x86_64", 6) || lanes < 4 || lanes & (lanes - 1)) return NULL;
  while ((e->target->has & roundings[at].needs) != roundings[at].needs || lanes % roundings[at].lanes) at++;
  uint32_t size = roundings[at].lanes, have = size;
  unsigned id = LLVMLookupIntrinsicID(roundings[at].name, strlen(roundings[at].name));
  LLVMValueRef callee = LLVMGetIntrinsicDeclaration(e->module, id, NULL, 0), pieces[LP_MAX_LANES / 4];
  LLVMTypeRef type = LLVMIntrinsicGetType(e->context, id, NULL, 0);
  for (uint32_t i = 0; i < lanes / size; i++) {
    LLVMValueRef piece = lanes == size ? v : part(e, v, i * size, size);
    LLVMValueRef operands[4] = {piece, splat32(e, size, 0),
                                LLVMConstAllOnes(LLVMInt16TypeInContext(e->context)), cg_int(e, NET_I32, 8)};
    bool masked = size == 16; /* … and with a rounding: 8 is to nearest, without exceptions */
    pieces[i] = LLVMBuildCall2(e->builder, type, callee, operands, masked ? 4 : 1, "");
  }
  for (; have < lanes; have *= 2) /* joined two by two */
    for (uint32_t i = 0; i < lanes / have / 2; i++) {
      LLVMValueRef mask[LP_MAX_LANES];
      for (uint32_t k = 0; k < 2 * have; k++) mask[k] = cg_int(e, NET_I32, k);
      pieces[i] = LLVMBuildShuffleVector(e->builder, pieces[2 * i], pieces[2 * i + 1],
                                         LLVMConstVector(mask, 2 * have), "");
    }
  return pieces[0];
}
