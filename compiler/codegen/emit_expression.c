#include "codegen/emit.h"

/* What every row of the table below gets: the expression and its operands' values. */
typedef struct {
  const lp_expr_info *x;
  net_type type; /* of the first operand, of the second for select */
  LLVMValueRef v[3];
} cg_operation;
typedef LLVMValueRef (*cg_operation_emitter)(cg_emit *e, const cg_operation *o);

static bool is_float(net_type type) { return type == NET_F32 || type == NET_F64; }
static bool is_signed(net_type type) {
  return type == NET_I8 || type == NET_I16 || type == NET_I32 || type == NET_I64;
}

static LLVMTypeRef result_type(cg_emit *e, const cg_operation *o) {
  return cg_type(e, o->x->type, o->x->lanes);
}

LLVMValueRef cg_intrinsic(cg_emit *e, const char *name, LLVMValueRef *operands, uint32_t count) {
  LLVMTypeRef of = LLVMTypeOf(operands[0]);
  unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
  LLVMTypeRef type = LLVMIntrinsicGetType(e->context, id, &of, 1);
  LLVMValueRef callee = LLVMGetIntrinsicDeclaration(e->module, id, &of, 1);
  return LLVMBuildCall2(e->builder, type, callee, operands, count, "");
}

/* ---- arithmetic ---- */

#define BINARY(name, real, integer)                                                                          \
  static LLVMValueRef name(cg_emit *e, const cg_operation *o) {                                              \
    return LLVMBuildBinOp(e->builder, is_float(o->type) ? real : integer, o->v[0], o->v[1], "");             \
  }
BINARY(emit_add, LLVMFAdd, LLVMAdd)
BINARY(emit_sub, LLVMFSub, LLVMSub)
BINARY(emit_any_product, LLVMFMul, LLVMMul)
BINARY(emit_any_quotient, LLVMFDiv, LLVMUDiv)
BINARY(emit_any_rest, LLVMURem, LLVMURem) /* there is none of floats */
BINARY(emit_and, LLVMAnd, LLVMAnd)
BINARY(emit_or, LLVMOr, LLVMOr)
BINARY(emit_xor, LLVMXor, LLVMXor)

static bool is_long(net_type type) { return type == NET_I64 || type == NET_U64; }

static LLVMValueRef emit_mul(cg_emit *e, const cg_operation *o) {
  bool narrow = is_long(o->type) && cg_is_narrow(e, o->v[0]);
  return narrow ? cg_narrow_product(e, o->v[0], o->v[1]) : emit_any_product(e, o);
}

/* By constants. */
static LLVMValueRef emit_div(cg_emit *e, const cg_operation *o) {
  if (is_float(o->type) || !cg_is_narrow(e, o->v[0]) || !LLVMIsAConstantInt(o->v[1]))
    return emit_any_quotient(e, o);
  return cg_narrow_quotient(e, o->v[0], (uint32_t)LLVMConstIntGetZExtValue(o->v[1]));
}

static LLVMValueRef emit_rem(cg_emit *e, const cg_operation *o) {
  if (!cg_is_narrow(e, o->v[0]) || !LLVMIsAConstantInt(o->v[1])) return emit_any_rest(e, o);
  return LLVMBuildSub(e->builder, o->v[0], LLVMBuildMul(e->builder, emit_div(e, o), o->v[1], ""), "");
}

/* Too large an amount gives some value, but never poison. */
static LLVMValueRef emit_shift(cg_emit *e, const cg_operation *o) {
  LLVMOpcode opcode = o->x->kind == LP_shl ? LLVMShl : is_signed(o->type) ? LLVMAShr : LLVMLShr;
  if (is_long(o->type) && cg_is_narrow(e, o->v[0])) return cg_narrow_shift(e, opcode, o->v[0], o->v[1]);
  return LLVMBuildFreeze(e->builder, LLVMBuildBinOp(e->builder, opcode, o->v[0], o->v[1], ""), "");
}

static LLVMValueRef emit_mulhi(cg_emit *e, const cg_operation *o) {
  LLVMTypeRef wide = cg_type(e, NET_U64, o->x->lanes);
  if (cg_is_narrow(e, o->v[0])) return cg_narrow_upper(e, o->v[0], o->v[1]);
  LLVMValueRef a = LLVMBuildZExt(e->builder, o->v[0], wide, "");
  LLVMValueRef b = LLVMBuildZExt(e->builder, o->v[1], wide, "");
  LLVMValueRef half = cg_emit_splat(e, cg_int(e, NET_U64, 32), o->x->lanes);
  LLVMValueRef upper = LLVMBuildLShr(e->builder, LLVMBuildNUWMul(e->builder, a, b, ""), half, "");
  return LLVMBuildTrunc(e->builder, upper, result_type(e, o), "");
}

static LLVMValueRef emit_fma(cg_emit *e, const cg_operation *o) {
  LLVMValueRef operands[3] = {o->v[0], o->v[1], o->v[2]};
  if (e->target->has_fma) return cg_intrinsic(e, "llvm.fma", operands, 3);
  return LLVMBuildFAdd(e->builder, LLVMBuildFMul(e->builder, o->v[0], o->v[1], ""), o->v[2], "");
}

static LLVMValueRef emit_neg(cg_emit *e, const cg_operation *o) {
  return is_float(o->type) ? LLVMBuildFNeg(e->builder, o->v[0], "") : LLVMBuildNeg(e->builder, o->v[0], "");
}

static LLVMValueRef emit_abs(cg_emit *e, const cg_operation *o) {
  LLVMValueRef operands[2] = {o->v[0], cg_int(e, NET_BOOL, 0)}; /* the least integer stays itself */
  if (is_float(o->type)) return cg_intrinsic(e, "llvm.fabs", operands, 1);
  return cg_intrinsic(e, "llvm.abs", operands, 2);
}

static LLVMValueRef emit_sqrt(cg_emit *e, const cg_operation *o) {
  LLVMValueRef operand = o->v[0];
  return cg_intrinsic(e, "llvm.sqrt", &operand, 1);
}

static LLVMValueRef real_like(cg_emit *e, const cg_operation *o, double value) {
  return cg_emit_splat(e, LLVMConstReal(cg_type(e, o->type, 1), value), o->x->lanes);
}

/* Where there is no instruction: adding 2^23 (2^52) leaves no bits behind the point. */
static LLVMValueRef nearest(cg_emit *e, const cg_operation *o, LLVMValueRef x) {
  LLVMValueRef large = real_like(e, o, o->type == NET_F32 ? 0x1p23 : 0x1p52),
               size = cg_intrinsic(e, "llvm.fabs", &x, 1);
  LLVMValueRef sum = LLVMBuildFAdd(e->builder, size, large, "");
  LLVMValueRef operands[2] = {LLVMBuildFSub(e->builder, sum, large, ""), x};
  LLVMValueRef whole = LLVMBuildFCmp(e->builder, LLVMRealOLT, size, large, "");
  return LLVMBuildSelect(e->builder, whole, cg_intrinsic(e, "llvm.copysign", operands, 2), x, "");
}

static LLVMValueRef below(cg_emit *e, const cg_operation *o, LLVMValueRef x) {
  LLVMValueRef near = nearest(e, o, x), one = real_like(e, o, 1);
  LLVMValueRef above = LLVMBuildFCmp(e->builder, LLVMRealOGT, near, x, "");
  return LLVMBuildSelect(e->builder, above, LLVMBuildFSub(e->builder, near, one, ""), near, "");
}

static LLVMValueRef emit_whole(cg_emit *e, const cg_operation *o) {
  lp_expr_kind kind = o->x->kind;
  LLVMValueRef x = o->v[0];
  if (e->target->has_round)
    return cg_intrinsic(e,
                        kind == LP_round   ? "llvm.roundeven"
                        : kind == LP_floor ? "llvm.floor"
                                           : "llvm.trunc",
                        &x, 1);
  if (kind == LP_round) return nearest(e, o, x);
  if (kind == LP_floor) return below(e, o, x);
  LLVMValueRef operands[2] = {below(e, o, cg_intrinsic(e, "llvm.fabs", &x, 1)), x};
  return cg_intrinsic(e, "llvm.copysign", operands, 2);
}

static LLVMValueRef emit_dot(cg_emit *e, const cg_operation *o) {
  return cg_emit_dot(e, o->x->kind, o->x->lanes, o->v);
}

static LLVMValueRef emit_pack(cg_emit *e, const cg_operation *o) { return cg_emit_pack(e, o->x); }

/* ---- comparisons ---- */

/* Ordered, but ≠ is true on NaN. */
static const struct {
  LLVMRealPredicate real;
  LLVMIntPredicate with_sign, without;
} predicates[] = {
    [LP_lt] = {LLVMRealOLT, LLVMIntSLT, LLVMIntULT}, [LP_le] = {LLVMRealOLE, LLVMIntSLE, LLVMIntULE},
    [LP_gt] = {LLVMRealOGT, LLVMIntSGT, LLVMIntUGT}, [LP_ge] = {LLVMRealOGE, LLVMIntSGE, LLVMIntUGE},
    [LP_eq] = {LLVMRealOEQ, LLVMIntEQ, LLVMIntEQ},   [LP_ne] = {LLVMRealUNE, LLVMIntNE, LLVMIntNE},
};

static LLVMValueRef compare(cg_emit *e, lp_expr_kind kind, net_type type, LLVMValueRef a, LLVMValueRef b) {
  if (is_float(type)) return LLVMBuildFCmp(e->builder, predicates[kind].real, a, b, "");
  LLVMIntPredicate predicate = is_signed(type) ? predicates[kind].with_sign : predicates[kind].without;
  return LLVMBuildICmp(e->builder, predicate, a, b, "");
}

static LLVMValueRef emit_comparison(cg_emit *e, const cg_operation *o) {
  return compare(e, o->x->kind, o->type, o->v[0], o->v[1]);
}

static LLVMValueRef emit_select(cg_emit *e, const cg_operation *o) {
  return LLVMBuildSelect(e->builder, o->v[0], o->v[1], o->v[2], "");
}

static LLVMValueRef extreme(cg_emit *e, bool least, net_type type, LLVMValueRef a, LLVMValueRef b) {
  return LLVMBuildSelect(e->builder, compare(e, least ? LP_lt : LP_gt, type, a, b), a, b, "");
}

static LLVMValueRef emit_min_max(cg_emit *e, const cg_operation *o) {
  return extreme(e, o->x->kind == LP_min, o->type, o->v[0], o->v[1]);
}

LLVMValueRef cg_emit_combine(cg_emit *e, lp_combine combine, net_type type, LLVMValueRef a, LLVMValueRef b) {
  if (combine != LP_SUM) return extreme(e, combine == LP_MINIMUM, type, a, b);
  return LLVMBuildBinOp(e->builder, is_float(type) ? LLVMFAdd : LLVMAdd, a, b, "");
}

/* ---- conversions ---- */

static LLVMValueRef emit_convert(cg_emit *e, const cg_operation *o) {
  net_type from = o->type, to = o->x->type;
  const lp_expr_info *rounded = lp_expr_at(e->f, o->x->operand[0]);
  if (from == NET_F32 && to == NET_I32 && rounded->kind == LP_round) {
    LLVMValueRef whole = cg_emit_rounded(e, cg_emit_expr(e, rounded->operand[0]), o->x->lanes);
    if (whole) return whole;
  }
  LLVMValueRef v = o->v[0];
  LLVMTypeRef type = result_type(e, o);
  if (is_float(from) && is_float(to)) return LLVMBuildFPCast(e->builder, v, type, "");
  if (is_float(from)) { /* what does not fit gives some value, but never poison */
    v = is_signed(to) ? LLVMBuildFPToSI(e->builder, v, type, "") : LLVMBuildFPToUI(e->builder, v, type, "");
    return LLVMBuildFreeze(e->builder, v, "");
  }
  if (is_float(to) && is_signed(from)) return LLVMBuildSIToFP(e->builder, v, type, "");
  if (is_float(to)) return LLVMBuildUIToFP(e->builder, v, type, "");
  return LLVMBuildIntCast2(e->builder, v, type, is_signed(from), "");
}

static LLVMValueRef emit_bitcast(cg_emit *e, const cg_operation *o) {
  return LLVMBuildBitCast(e->builder, o->v[0], result_type(e, o), "");
}

/* ---- tables ---- */

static const struct {
  uint32_t operands;
  cg_operation_emitter emit;
} operations[LP_operations] = {
    [LP_add] = {2, emit_add},         [LP_sub] = {2, emit_sub},       [LP_mul] = {2, emit_mul},
    [LP_div] = {2, emit_div},         [LP_rem] = {2, emit_rem},       [LP_min] = {2, emit_min_max},
    [LP_max] = {2, emit_min_max},     [LP_fma] = {3, emit_fma},       [LP_neg] = {1, emit_neg},
    [LP_abs] = {1, emit_abs},         [LP_sqrt] = {1, emit_sqrt},     [LP_and] = {2, emit_and},
    [LP_or] = {2, emit_or},           [LP_xor] = {2, emit_xor},       [LP_shl] = {2, emit_shift},
    [LP_shr] = {2, emit_shift},       [LP_mulhi] = {2, emit_mulhi},   [LP_lt] = {2, emit_comparison},
    [LP_le] = {2, emit_comparison},   [LP_gt] = {2, emit_comparison}, [LP_ge] = {2, emit_comparison},
    [LP_eq] = {2, emit_comparison},   [LP_ne] = {2, emit_comparison}, [LP_select] = {3, emit_select},
    [LP_round] = {1, emit_whole},     [LP_floor] = {1, emit_whole},   [LP_trunc] = {1, emit_whole},
    [LP_dot4] = {3, emit_dot},        [LP_dot2] = {3, emit_dot},      [LP_convert] = {1, emit_convert},
    [LP_bitcast] = {1, emit_bitcast}, [LP_pack16] = {2, emit_pack},   [LP_pack8u] = {2, emit_pack},
    [LP_pack8s] = {2, emit_pack},
};

static const char *const operation_names[LP_operations] = {
#define LP_OPERATION(name, operands, text) #name,
#include "loops/expressions.def"
#undef LP_OPERATION
};

LLVMValueRef cg_emit_splat(cg_emit *e, LLVMValueRef scalar, uint32_t lanes) {
  if (lanes == 1) return scalar;
  if (LLVMIsConstant(scalar)) {
    LLVMValueRef copies[LP_MAX_LANES];
    for (uint32_t i = 0; i < lanes; i++) copies[i] = scalar;
    return LLVMConstVector(copies, lanes);
  }
  LLVMTypeRef i32 = LLVMInt32TypeInContext(e->context);
  LLVMValueRef none = LLVMGetPoison(LLVMVectorType(LLVMTypeOf(scalar), lanes)), zero = LLVMConstNull(i32);
  LLVMValueRef first = LLVMBuildInsertElement(e->builder, none, scalar, zero, "");
  return LLVMBuildShuffleVector(e->builder, first, none, LLVMConstNull(LLVMVectorType(i32, lanes)), "");
}

static LLVMValueRef emit_operation(cg_emit *e, const lp_expr_info *x) {
  if (!operations[x->kind].emit) {
    cg_fault(e, "'%s' of '%s' was not expanded", operation_names[x->kind], net_text(e->n, e->f->name));
    return LLVMConstNull(cg_type(e, x->type, x->lanes));
  }
  cg_operation o = {.x = x, .type = lp_expr_at(e->f, x->operand[x->kind == LP_select])->type};
  for (uint32_t i = 0; i < operations[x->kind].operands; i++) o.v[i] = cg_emit_expr(e, x->operand[i]);
  return operations[x->kind].emit(e, &o);
}

/* ---- leaves and the rest ---- */

static LLVMValueRef emit_const(cg_emit *e, const lp_expr_info *x) {
  LLVMTypeRef type = cg_type(e, x->type, 1);
  LLVMValueRef one = is_float(x->type) ? LLVMConstReal(type, x->real) : cg_int(e, x->type, x->integer);
  return cg_emit_splat(e, one, x->lanes);
}

static LLVMValueRef emit_count(cg_emit *e, const lp_expr_info *x) {
  LLVMValueRef count = e->f->masked ? cg_emit_field(e, CG_STEP_COUNT) : cg_int(e, NET_U32, e->f->batch);
  return cg_emit_splat(e, count, x->lanes);
}

static LLVMValueRef emit_param(cg_emit *e, const lp_expr_info *x) {
  static const cg_step_field fields[] = {CG_STEP_STEP, CG_STEP_KEY0, CG_STEP_KEY1};
  return cg_emit_splat(e, cg_emit_field(e, fields[x->which]), x->lanes);
}

static LLVMValueRef emit_var(cg_emit *e, const lp_expr_info *x) {
  const cg_var *var = &e->vars[x->which];
  if (var->unrolled) return cg_int(e, x->type, var->constant);
  if (var->value) return LLVMBuildIntCast2(e->builder, var->value, cg_type(e, x->type, 1), true, "");
  cg_fault(e, "a loop variable of '%s' is used outside its loop", net_text(e->n, e->f->name));
  return LLVMConstNull(cg_type(e, x->type, 1));
}

static LLVMValueRef emit_read(cg_emit *e, const lp_expr_info *x) {
  LLVMValueRef at = cg_emit_register(e, x->which, x->operand[0], x->operand[1]);
  return LLVMBuildLoad2(e->builder, cg_type(e, x->type, x->lanes), at, "");
}

static LLVMValueRef emit_splat(cg_emit *e, const lp_expr_info *x) {
  return cg_emit_splat(e, cg_emit_expr(e, x->operand[0]), x->lanes);
}

static LLVMValueRef emit_lanes(cg_emit *e, const lp_expr_info *x) {
  LLVMValueRef numbers[LP_MAX_LANES];
  for (uint32_t i = 0; i < x->lanes; i++) numbers[i] = cg_int(e, x->type, i);
  return x->lanes == 1 ? numbers[0] : LLVMConstVector(numbers, x->lanes);
}

static LLVMValueRef (*const leaves[])(cg_emit *, const lp_expr_info *) = {
    [LP_const] = emit_const,  [LP_load] = cg_emit_load, [LP_count] = emit_count,  [LP_param] = emit_param,
    [LP_var] = emit_var,      [LP_read] = emit_read,    [LP_splat] = emit_splat,  [LP_lanes] = emit_lanes,
    [LP_tree] = cg_emit_tree, [LP_fold] = cg_emit_fold, [LP_part] = cg_emit_part, [LP_words] = cg_emit_words,
    [LP_lookup] = cg_emit_lookup,
};

LLVMValueRef cg_emit_expr(cg_emit *e, lp_expr expr) {
  if (e->stamps[expr] == e->epoch) return e->values[expr];
  const lp_expr_info *x = lp_expr_at(e->f, expr);
  LLVMValueRef value;
  if (x->lanes > LP_MAX_LANES || x->kind >= sizeof leaves / sizeof leaves[0] ||
      (x->kind > LP_operations && !leaves[x->kind])) {
    cg_fault(e, "'%s' holds an expression of kind %u, none of form 2", net_text(e->n, e->f->name), x->kind);
    value = LLVMConstNull(cg_type(e, x->type, 1));
  } else {
    value = x->kind < LP_operations ? emit_operation(e, x) : leaves[x->kind](e, x);
  }
  e->stamps[expr] = e->epoch;
  return e->values[expr] = value;
}
