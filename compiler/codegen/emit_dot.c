/* Sums of products of packed integers: dot4 (unsigned bytes times signed bytes) and dot2 (signed halves), by
 * the instructions that the target has. Every way is exact and wraps: never pmaddubsw, whose sums
 * saturate. */
#include "codegen/emit.h"

/* A piece of as many lanes as the instruction takes: a + Σ b·c. */
typedef struct {
  const char *intrinsic;
  uint32_t lanes;
  LLVMValueRef a, b, c;
} cg_dot;
typedef LLVMValueRef (*cg_dot_emitter)(cg_emit *e, const cg_dot *d);

static LLVMValueRef splat32(cg_emit *e, uint32_t lanes, uint32_t bits) {
  return cg_emit_splat(e, cg_int(e, NET_I32, (int32_t)bits), lanes);
}

static LLVMValueRef as(cg_emit *e, LLVMValueRef value, net_type type, uint32_t lanes) {
  return LLVMBuildBitCast(e->builder, value, cg_type(e, type, lanes), "");
}

static LLVMValueRef call(cg_emit *e, const char *name, LLVMTypeRef *overloads, uint32_t overload_count,
                         LLVMValueRef *operands, uint32_t count) {
  unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
  LLVMValueRef callee = LLVMGetIntrinsicDeclaration(e->module, id, overloads, overload_count);
  return LLVMBuildCall2(e->builder, LLVMIntrinsicGetType(e->context, id, overloads, overload_count), callee,
                        operands, count, "");
}

/* ---- x86 ---- */

static LLVMValueRef emit_vnni(cg_emit *e, const cg_dot *d) {
  return call(e, d->intrinsic, NULL, 0, (LLVMValueRef[]){d->a, d->b, d->c}, 3);
}

/* Σ of two products of 16-bit integers in each lane; −2^15 twice by itself gives 2^31, which wraps. */
static LLVMValueRef pairs(cg_emit *e, const cg_dot *d, LLVMValueRef b, LLVMValueRef c) {
  LLVMValueRef operands[2] = {as(e, b, NET_I16, 2 * d->lanes), as(e, c, NET_I16, 2 * d->lanes)};
  return call(e, d->intrinsic, NULL, 0, operands, 2);
}

static LLVMValueRef emit_pairs(cg_emit *e, const cg_dot *d) {
  return LLVMBuildAdd(e->builder, d->a, pairs(e, d, d->b, d->c), "");
}

/* Even bytes and odd ones, widened to 16 bits where they lie. */
static LLVMValueRef emit_widened_pairs(cg_emit *e, const cg_dot *d) {
  LLVMValueRef low = splat32(e, d->lanes, 0x00FF00FF), eight = splat32(e, d->lanes, 0x00080008);
  LLVMValueRef half[2], c16 = as(e, d->c, NET_I16, 2 * d->lanes),
                        eight16 = as(e, eight, NET_I16, 2 * d->lanes);
  for (int odd = 0; odd < 2; odd++) {
    LLVMValueRef b = d->b, c = c16;
    if (odd)
      b = as(e, LLVMBuildLShr(e->builder, as(e, b, NET_I16, 2 * d->lanes), eight16, ""), NET_I32, d->lanes);
    else b = LLVMBuildAnd(e->builder, b, low, "");
    if (!odd) c = LLVMBuildShl(e->builder, c, eight16, "");
    half[odd] = pairs(e, d, b, LLVMBuildAShr(e->builder, c, eight16, ""));
  }
  return LLVMBuildAdd(e->builder, LLVMBuildAdd(e->builder, d->a, half[0], ""), half[1], "");
}

/* ---- aarch64 ---- */

static LLVMValueRef neon(cg_emit *e, const cg_dot *d, LLVMValueRef a, LLVMValueRef b) {
  LLVMTypeRef types[2] = {cg_type(e, NET_I32, d->lanes), cg_type(e, NET_I8, 4 * d->lanes)};
  LLVMValueRef operands[3] = {a, as(e, b, NET_I8, 4 * d->lanes), as(e, d->c, NET_I8, 4 * d->lanes)};
  return call(e, d->intrinsic, types, 2, operands, 3);
}

static LLVMValueRef emit_usdot(cg_emit *e, const cg_dot *d) { return neon(e, d, d->a, d->b); }

/* Signed bytes only: Σ b·c = Σ (b − 128)·c − Σ (−128)·c */
static LLVMValueRef emit_sdot(cg_emit *e, const cg_dot *d) {
  LLVMValueRef offset = splat32(e, d->lanes, 0x80808080);
  LLVMValueRef sum = neon(e, d, d->a, LLVMBuildXor(e->builder, d->b, offset, ""));
  return LLVMBuildSub(e->builder, sum, neon(e, d, splat32(e, d->lanes, 0), offset), "");
}

/* ---- anywhere ---- */

/* Field `at` of `bits` bits, widened to 32. */
static LLVMValueRef field(cg_emit *e, LLVMValueRef v, uint32_t lanes, uint32_t at, uint32_t bits, bool sign) {
  LLVMValueRef up = splat32(e, lanes, 32 - bits - at), down = splat32(e, lanes, 32 - bits);
  if (32 - bits - at) v = LLVMBuildShl(e->builder, v, up, "");
  return sign ? LLVMBuildAShr(e->builder, v, down, "") : LLVMBuildLShr(e->builder, v, down, "");
}

static LLVMValueRef plain(cg_emit *e, lp_expr_kind op, uint32_t lanes, LLVMValueRef a, LLVMValueRef b,
                          LLVMValueRef c) {
  uint32_t bits = op == LP_dot4 ? 8 : 16;
  for (uint32_t at = 0; at < 32; at += bits) {
    LLVMValueRef product = LLVMBuildMul(e->builder, field(e, b, lanes, at, bits, op == LP_dot2),
                                        field(e, c, lanes, at, bits, true), "");
    a = LLVMBuildAdd(e->builder, a, product, "");
  }
  return a;
}

/* ---- which ---- */

/* The best first; a target takes what its triple starts with and all whose features it has. */
static const struct {
  lp_expr_kind op;
  const char *triple;
  uint32_t needs, lanes;
  const char *intrinsic;
  cg_dot_emitter emit;
} ways[] = {
    {LP_dot4, "x86_64", CG_AVX512VNNI, 16, "llvm.x86.avx512.vpdpbusd.512", emit_vnni},
    {LP_dot4, "x86_64", CG_AVX512VNNI | CG_AVX512VL, 8, "llvm.x86.avx512.vpdpbusd.256", emit_vnni},
    {LP_dot4, "x86_64", CG_AVX512VNNI | CG_AVX512VL, 4, "llvm.x86.avx512.vpdpbusd.128", emit_vnni},
    {LP_dot4, "x86_64", CG_AVXVNNI, 8, "llvm.x86.avx512.vpdpbusd.256", emit_vnni},
    {LP_dot4, "x86_64", CG_AVXVNNI, 4, "llvm.x86.avx512.vpdpbusd.128", emit_vnni},
    {LP_dot4, "x86_64", CG_AVX512BW, 16, "llvm.x86.avx512.pmaddw.d.512", emit_widened_pairs},
    {LP_dot4, "x86_64", CG_AVX2, 8, "llvm.x86.avx2.pmadd.wd", emit_widened_pairs},
    {LP_dot4, "x86_64", 0, 4, "llvm.x86.sse2.pmadd.wd", emit_widened_pairs},
    {LP_dot4, "aarch64", CG_I8MM, 4, "llvm.aarch64.neon.usdot", emit_usdot},
    {LP_dot4, "aarch64", CG_DOTPROD, 4, "llvm.aarch64.neon.sdot", emit_sdot},
    {LP_dot2, "x86_64", CG_AVX512VNNI, 16, "llvm.x86.avx512.vpdpwssd.512", emit_vnni},
    {LP_dot2, "x86_64", CG_AVX512VNNI | CG_AVX512VL, 8, "llvm.x86.avx512.vpdpwssd.256", emit_vnni},
    {LP_dot2, "x86_64", CG_AVX512VNNI | CG_AVX512VL, 4, "llvm.x86.avx512.vpdpwssd.128", emit_vnni},
    {LP_dot2, "x86_64", CG_AVXVNNI, 8, "llvm.x86.avx512.vpdpwssd.256", emit_vnni},
    {LP_dot2, "x86_64", CG_AVXVNNI, 4, "llvm.x86.avx512.vpdpwssd.128", emit_vnni},
    {LP_dot2, "x86_64", CG_AVX512BW, 16, "llvm.x86.avx512.pmaddw.d.512", emit_pairs},
    {LP_dot2, "x86_64", CG_AVX2, 8, "llvm.x86.avx2.pmadd.wd", emit_pairs},
    {LP_dot2, "x86_64", 0, 4, "llvm.x86.sse2.pmadd.wd", emit_pairs},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

static uint32_t find_way(const cg_target *target, lp_expr_kind op, uint32_t most_lanes) {
  for (uint32_t w = 0; w < WAYS; w++)
    if (ways[w].op == op && ways[w].lanes <= most_lanes && (target->has & ways[w].needs) == ways[w].needs &&
        !strncmp(target->triple, ways[w].triple, strlen(ways[w].triple)))
      return w;
  return WAYS;
}

/* Lanes `first` … of a, then those of b up to `lanes` altogether. */
static LLVMValueRef choose(cg_emit *e, LLVMValueRef a, LLVMValueRef b, const uint32_t *from, uint32_t lanes) {
  LLVMValueRef mask[LP_MAX_LANES];
  for (uint32_t i = 0; i < lanes; i++) mask[i] = cg_int(e, NET_I32, from[i]);
  if (lanes == 1) return LLVMBuildExtractElement(e->builder, a, mask[0], "");
  return LLVMBuildShuffleVector(e->builder, a, b ? b : LLVMGetPoison(LLVMTypeOf(a)),
                                LLVMConstVector(mask, lanes), "");
}

static LLVMValueRef part(cg_emit *e, LLVMValueRef v, uint32_t first, uint32_t lanes, uint32_t of) {
  uint32_t from[LP_MAX_LANES];
  for (uint32_t i = 0; i < lanes; i++) from[i] = first + i;
  return lanes == of ? v : choose(e, v, NULL, from, lanes);
}

/* whole with `piece` in its lanes from `first` on */
static LLVMValueRef put(cg_emit *e, LLVMValueRef whole, LLVMValueRef piece, uint32_t first, uint32_t lanes,
                        uint32_t of) {
  uint32_t from[LP_MAX_LANES];
  if (lanes == of) return piece;
  if (lanes == 1) return LLVMBuildInsertElement(e->builder, whole, piece, cg_int(e, NET_I32, first), "");
  for (uint32_t i = 0; i < of; i++) from[i] = i < lanes ? i : 0;
  LLVMValueRef wide = choose(e, piece, NULL, from, of);
  for (uint32_t i = 0; i < of; i++) from[i] = i >= first && i < first + lanes ? of + i - first : i;
  return choose(e, whole, wide, from, of);
}

LLVMValueRef cg_emit_dot(cg_emit *e, lp_expr_kind op, uint32_t lanes, const LLVMValueRef *v) {
  LLVMValueRef whole = v[0];
  for (uint32_t first = 0, size; first < lanes; first += size) {
    uint32_t w = find_way(e->target, op, lanes - first);
    size = w < WAYS ? ways[w].lanes : lanes - first;
    cg_dot d = {.lanes = size,
                .a = part(e, v[0], first, size, lanes),
                .b = part(e, v[1], first, size, lanes),
                .c = part(e, v[2], first, size, lanes)};
    if (w < WAYS) d.intrinsic = ways[w].intrinsic;
    LLVMValueRef piece = w < WAYS ? ways[w].emit(e, &d) : plain(e, op, size, d.a, d.b, d.c);
    whole = put(e, whole, piece, first, size, lanes);
  }
  return whole;
}
