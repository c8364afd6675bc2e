/* Arithmetic for processors without products of 64 bits (Cortex-M0+): LLVM would call a library for these
 * products, for shifts of 64 bits by amounts that are not constant, and for division by constants, which it
 * makes products of. All is put together from products of 32 bits, exactly as LLVM's own instructions give
 * it. Vectors are not met there. */
#include "codegen/emit.h"

bool cg_is_narrow(const cg_emit *e, LLVMValueRef value) {
  return !(e->target->can & CG_CAN_WIDE) && LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMIntegerTypeKind;
}

static LLVMValueRef int32(cg_emit *e, uint32_t value) {
  return LLVMConstInt(LLVMInt32TypeInContext(e->context), value, false);
}

static LLVMValueRef binary(cg_emit *e, LLVMOpcode op, LLVMValueRef a, LLVMValueRef b) {
  return LLVMBuildBinOp(e->builder, op, a, b, "");
}

typedef struct {
  LLVMValueRef low, high; /* i32 */
} halves;

static halves split(cg_emit *e, LLVMValueRef v) {
  LLVMTypeRef i32 = LLVMInt32TypeInContext(e->context);
  LLVMValueRef upper = binary(e, LLVMLShr, v, cg_int(e, NET_I64, 32));
  return (halves){LLVMBuildTrunc(e->builder, v, i32, ""), LLVMBuildTrunc(e->builder, upper, i32, "")};
}

static LLVMValueRef join(cg_emit *e, halves h) {
  LLVMTypeRef i64 = LLVMInt64TypeInContext(e->context);
  LLVMValueRef high = LLVMBuildZExt(e->builder, h.high, i64, ""),
               low = LLVMBuildZExt(e->builder, h.low, i64, "");
  return binary(e, LLVMOr, binary(e, LLVMShl, high, cg_int(e, NET_I64, 32)), low);
}

/* a = a1·2^16 + a0, b likewise: their products, with what each carries into the next. */
LLVMValueRef cg_narrow_upper(cg_emit *e, LLVMValueRef a, LLVMValueRef b) {
  LLVMValueRef mask = int32(e, 0xFFFF), half = int32(e, 16);
  LLVMValueRef a0 = binary(e, LLVMAnd, a, mask), a1 = binary(e, LLVMLShr, a, half);
  LLVMValueRef b0 = binary(e, LLVMAnd, b, mask), b1 = binary(e, LLVMLShr, b, half);
  LLVMValueRef carry = binary(e, LLVMLShr, binary(e, LLVMMul, a0, b0), half);
  LLVMValueRef middle = binary(e, LLVMAdd, binary(e, LLVMMul, a1, b0), carry);
  LLVMValueRef other = binary(e, LLVMAdd, binary(e, LLVMMul, a0, b1), binary(e, LLVMAnd, middle, mask));
  LLVMValueRef upper = binary(e, LLVMAdd, binary(e, LLVMMul, a1, b1), binary(e, LLVMLShr, middle, half));
  return binary(e, LLVMAdd, upper, binary(e, LLVMLShr, other, half));
}

LLVMValueRef cg_narrow_product(cg_emit *e, LLVMValueRef a, LLVMValueRef b) {
  halves x = split(e, a), y = split(e, b),
         product = {binary(e, LLVMMul, x.low, y.low), cg_narrow_upper(e, x.low, y.low)};
  product.high = binary(e, LLVMAdd, product.high, binary(e, LLVMMul, x.high, y.low));
  product.high = binary(e, LLVMAdd, product.high, binary(e, LLVMMul, x.low, y.high));
  return join(e, product);
}

/* whole ? a : b, by masks: 0 or all bits */
static LLVMValueRef choose(cg_emit *e, LLVMValueRef whole, LLVMValueRef a, LLVMValueRef b) {
  return binary(e, LLVMXor, b, binary(e, LLVMAnd, binary(e, LLVMXor, a, b), whole));
}

/* By `amount` mod 32 in both halves, then by a whole half if it is 32 or more. */
LLVMValueRef cg_narrow_shift(cg_emit *e, LLVMOpcode shift, LLVMValueRef a, LLVMValueRef amount) {
  if (LLVMIsAConstantInt(amount)) return LLVMBuildFreeze(e->builder, binary(e, shift, a, amount), "");
  LLVMValueRef one = int32(e, 1), most = int32(e, 31), n = split(e, amount).low;
  LLVMValueRef little = binary(e, LLVMAnd, n, most), rest = binary(e, LLVMXor, little, most);
  LLVMValueRef whole = binary(e, LLVMAnd, binary(e, LLVMLShr, n, int32(e, 5)), one);
  whole = binary(e, LLVMSub, int32(e, 0), whole);
  halves v = split(e, a), r;
  if (shift == LLVMShl) {
    LLVMValueRef carried = binary(e, LLVMLShr, binary(e, LLVMLShr, v.low, one), rest);
    r.low = binary(e, LLVMShl, v.low, little);
    r.high = choose(e, whole, r.low, binary(e, LLVMOr, binary(e, LLVMShl, v.high, little), carried));
    r.low = choose(e, whole, int32(e, 0), r.low);
    return join(e, r);
  }
  LLVMValueRef carried = binary(e, LLVMShl, binary(e, LLVMShl, v.high, one), rest);
  LLVMValueRef sign = shift == LLVMAShr ? binary(e, LLVMAShr, v.high, most) : int32(e, 0);
  r.high = binary(e, shift, v.high, little);
  r.low = choose(e, whole, r.high, binary(e, LLVMOr, binary(e, LLVMLShr, v.low, little), carried));
  r.high = choose(e, whole, sign, r.high);
  return join(e, r);
}

/* Granlund and Montgomery, Division by Invariant Integers using Multiplication, 1994: with l = ⌈log2 d⌉ and
 * m = ⌊2^32·(2^l − d)/d⌋ + 1, ⌊a/d⌋ = (t + ⌊(a − t)/2⌋) / 2^(l−1) where t is the upper half of m·a. */
LLVMValueRef cg_narrow_quotient(cg_emit *e, LLVMValueRef a, uint32_t d) {
  uint32_t l = 0;
  while (l < 32 && (uint64_t)1 << l < d) l++;
  if ((uint64_t)1 << l == d) return binary(e, LLVMLShr, a, int32(e, l));
  uint64_t m = ((((uint64_t)1 << l) - d) << 32) / d + 1;
  LLVMValueRef t = cg_narrow_upper(e, a, int32(e, (uint32_t)m));
  LLVMValueRef half = binary(e, LLVMLShr, binary(e, LLVMSub, a, t), int32(e, 1));
  return binary(e, LLVMLShr, binary(e, LLVMAdd, t, half), int32(e, l - 1));
}
