/* Selections that processors without conditional moves would make by branches, by arithmetic instead: masks
 * of all bits or none, from comparisons or the signs of differences (Warren, Hacker's Delight, 2-5, 2-12,
 * 2-19). Runs behind all passes, which would make selections of the masks again. Conditions of loops stay. */
#include "codegen/target.h"
#include "codegen/unit.h"

typedef struct {
  LLVMContextRef context;
  LLVMBuilderRef builder;
  uint32_t can;
} remover;

static LLVMValueRef binary(remover *r, LLVMOpcode op, LLVMValueRef a, LLVMValueRef b) {
  return LLVMBuildBinOp(r->builder, op, a, b, "");
}

/* A selection drops what the other operand may be; arithmetic would not. */
static LLVMValueRef settled(remover *r, LLVMValueRef v) {
  return LLVMIsConstant(v) ? v : LLVMBuildFreeze(r->builder, v, "");
}

static bool is_integer(LLVMTypeRef type) { return LLVMGetTypeKind(type) == LLVMIntegerTypeKind; }

/* ---- integers ---- */

/* a − b where nothing overflows, and whether that is negative: all bits or none */
typedef struct {
  LLVMValueRef a, b, difference, below;
} comparison;

static comparison compare(remover *r, LLVMValueRef a, LLVMValueRef b, bool sign) {
  unsigned bits = LLVMGetIntTypeWidth(LLVMTypeOf(a)), wide = bits <= 16 ? 32 : 2 * bits;
  LLVMTypeRef type = LLVMIntTypeInContext(r->context, wide);
  comparison c = {LLVMBuildIntCast2(r->builder, a, type, sign, ""),
                  LLVMBuildIntCast2(r->builder, b, type, sign, ""), NULL, NULL};
  c.difference = binary(r, LLVMSub, c.a, c.b);
  c.below = binary(r, LLVMAShr, c.difference, LLVMConstInt(type, wide - 1, false));
  return c;
}

static const struct {
  LLVMIntPredicate predicate;
  bool sign, swapped, negated, equality; /* equality: whether a ^ b is above 0 */
} comparisons[] = {
    {LLVMIntSLT, .sign = true},
    {LLVMIntSGT, .sign = true, .swapped = true},
    {LLVMIntSGE, .sign = true, .negated = true},
    {LLVMIntSLE, .sign = true, .swapped = true, .negated = true},
    {LLVMIntULT, .sign = false},
    {LLVMIntUGT, .swapped = true},
    {LLVMIntUGE, .negated = true},
    {LLVMIntULE, .swapped = true, .negated = true},
    {LLVMIntNE, .equality = true},
    {LLVMIntEQ, .equality = true, .negated = true},
};

/* A comparison as a bool that no branch makes. */
static LLVMValueRef compared(remover *r, LLVMValueRef test) {
  LLVMValueRef a = LLVMGetOperand(test, 0), b = LLVMGetOperand(test, 1);
  LLVMIntPredicate predicate = LLVMGetICmpPredicate(test);
  uint32_t i = 0;
  while (comparisons[i].predicate != predicate) i++;
  if (comparisons[i].equality) b = binary(r, LLVMXor, a, b), a = LLVMConstNull(LLVMTypeOf(a));
  LLVMValueRef below = comparisons[i].swapped ? compare(r, b, a, comparisons[i].sign).below
                                              : compare(r, a, b, comparisons[i].sign).below;
  if (comparisons[i].negated) below = LLVMBuildNot(r->builder, below, "");
  return LLVMBuildTrunc(r->builder, below, LLVMInt1TypeInContext(r->context), "");
}

static const struct {
  const char *name;
  bool sign, least;
} extremes[] = {{"llvm.smin", true, true},
                {"llvm.smax", true, false},
                {"llvm.umin", false, true},
                {"llvm.umax", false, false}};
enum { EXTREMES = sizeof extremes / sizeof *extremes };

/* The row of a minimum or maximum of scalars; EXTREMES: it is none. */
static uint32_t find_extreme(LLVMValueRef call) {
  size_t length;
  LLVMValueRef callee = LLVMGetCalledValue(call);
  unsigned id = LLVMIsAFunction(callee) ? LLVMGetIntrinsicID(callee) : 0;
  uint32_t i = 0;
  if (!id || !is_integer(LLVMTypeOf(call))) return EXTREMES;
  while (i < EXTREMES) {
    length = strlen(extremes[i].name);
    if (LLVMLookupIntrinsicID(extremes[i].name, length) == id) break;
    i++;
  }
  return i;
}

/* min = b + (a − b if that is negative), max = a − (a − b if that is negative) */
static LLVMValueRef extreme(remover *r, LLVMValueRef call, uint32_t row) {
  comparison c = compare(r, LLVMGetOperand(call, 0), LLVMGetOperand(call, 1), extremes[row].sign);
  LLVMValueRef part = binary(r, LLVMAnd, c.difference, c.below);
  LLVMValueRef result = extremes[row].least ? binary(r, LLVMAdd, c.b, part) : binary(r, LLVMSub, c.a, part);
  return LLVMBuildTrunc(r->builder, result, LLVMTypeOf(call), "");
}

/* ---- selections ---- */

/* Integers as wide as the type's elements, as many; NULL: it has no such bits. */
static LLVMTypeRef bits_of(remover *r, LLVMTypeRef type) {
  switch (LLVMGetTypeKind(type)) {
  case LLVMIntegerTypeKind: return type;
  case LLVMFloatTypeKind: return LLVMInt32TypeInContext(r->context);
  case LLVMDoubleTypeKind: return LLVMInt64TypeInContext(r->context);
  case LLVMVectorTypeKind: {
    LLVMTypeRef element = bits_of(r, LLVMGetElementType(type));
    return element ? LLVMVectorType(element, LLVMGetVectorSize(type)) : NULL;
  }
  default: return NULL;
  }
}

static LLVMValueRef mask_of(remover *r, LLVMValueRef condition, LLVMTypeRef bits) {
  if (is_integer(bits)) return LLVMBuildSExt(r->builder, condition, bits, "");
  LLVMTypeRef i32 = LLVMInt32TypeInContext(r->context);
  LLVMValueRef one = LLVMBuildSExt(r->builder, condition, LLVMGetElementType(bits), "");
  LLVMValueRef first = LLVMBuildInsertElement(r->builder, LLVMGetPoison(bits), one, LLVMConstNull(i32), "");
  return LLVMBuildShuffleVector(r->builder, first, LLVMGetPoison(bits),
                                LLVMConstNull(LLVMVectorType(i32, LLVMGetVectorSize(bits))), "");
}

static LLVMValueRef chosen(remover *r, LLVMValueRef select, LLVMTypeRef bits) {
  LLVMValueRef mask = mask_of(r, LLVMGetOperand(select, 0), bits), v[2];
  for (unsigned i = 0; i < 2; i++)
    v[i] = LLVMBuildBitCast(r->builder, settled(r, LLVMGetOperand(select, i + 1)), bits, "");
  LLVMValueRef result;
  if (LLVMIsNull(v[1])) result = binary(r, LLVMAnd, v[0], mask);
  else if (LLVMIsNull(v[0])) result = binary(r, LLVMAnd, v[1], LLVMBuildNot(r->builder, mask, ""));
  else result = binary(r, LLVMXor, v[1], binary(r, LLVMAnd, binary(r, LLVMXor, v[0], v[1]), mask));
  return LLVMBuildBitCast(r->builder, result, LLVMTypeOf(select), "");
}

/* A comparison of floats of the same type, by one instruction, for this alone. */
static bool has_mask(LLVMValueRef select) {
  LLVMValueRef condition = LLVMGetOperand(select, 0);
  if (!LLVMIsAFCmpInst(condition) || LLVMGetNextUse(LLVMGetFirstUse(condition))) return false;
  LLVMRealPredicate predicate = LLVMGetFCmpPredicate(condition);
  return predicate != LLVMRealONE && predicate != LLVMRealUEQ &&
         LLVMTypeOf(LLVMGetOperand(condition, 0)) == LLVMTypeOf(select);
}

static bool branches(const remover *r, LLVMValueRef select) {
  LLVMTypeRef type = LLVMTypeOf(select);
  LLVMTypeKind kind = LLVMGetTypeKind(type);
  if (!is_integer(LLVMTypeOf(LLVMGetOperand(select, 0)))) return false; /* lane by lane */
  if (kind == LLVMIntegerTypeKind)
    return LLVMGetIntTypeWidth(type) > 1 && !(r->can & CG_CAN_CHOOSE);
  if (kind == LLVMVectorTypeKind || r->can & CG_CAN_CHOOSE_REALS) return kind == LLVMVectorTypeKind;
  return !(r->can & CG_CAN_MASK_REALS) || !has_mask(select);
}

/* ---- a function ---- */

/* Something other than a branch that uses v; NULL: nothing does. */
static LLVMValueRef find_user(LLVMValueRef v) {
  for (LLVMUseRef use = LLVMGetFirstUse(v); use; use = LLVMGetNextUse(use))
    if (!LLVMIsABranchInst(LLVMGetUser(use))) return LLVMGetUser(use);
  return NULL;
}

static LLVMValueRef replacement(remover *r, LLVMValueRef at) {
  LLVMTypeRef bits;
  uint32_t row;
  LLVMPositionBuilderBefore(r->builder, at);
  if (LLVMIsASelectInst(at) && branches(r, at) && (bits = bits_of(r, LLVMTypeOf(at))))
    return chosen(r, at, bits);
  if (LLVMIsAICmpInst(at) && !(r->can & CG_CAN_COMPARE) && is_integer(LLVMTypeOf(LLVMGetOperand(at, 0))) &&
      find_user(at))
    return compared(r, at);
  if (LLVMIsACallInst(at) && !(r->can & CG_CAN_EXTREMES) && (row = find_extreme(at)) < EXTREMES)
    return extreme(r, at, row);
  return NULL;
}

static void replace(LLVMValueRef old, LLVMValueRef by) {
  for (LLVMValueRef user; (user = find_user(old));)
    for (int i = 0; i < LLVMGetNumOperands(user); i++)
      if (LLVMGetOperand(user, (unsigned)i) == old) LLVMSetOperand(user, (unsigned)i, by);
  if (!LLVMGetFirstUse(old)) LLVMInstructionEraseFromParent(old);
}

void cg_remove_branches(LLVMModuleRef module, const cg_target *target) {
  LLVMContextRef context = LLVMGetModuleContext(module);
  remover r = {context, LLVMCreateBuilderInContext(context), target->can};
  for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
      for (LLVMValueRef at = LLVMGetFirstInstruction(b), next; at; at = next) {
        next = LLVMGetNextInstruction(at);
        LLVMValueRef by = replacement(&r, at);
        if (by) replace(at, by);
      }
  LLVMDisposeBuilder(r.builder);
}
