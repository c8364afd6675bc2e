#include "codegen/emit.h"

/* Which lane of which operand each lane of a shuffle takes: j of the first, lanes + j of the second. */
typedef struct {
  uint32_t count, from[LP_MAX_LANES];
} cg_lanes;

static LLVMValueRef shuffle(cg_emit *e, LLVMValueRef a, LLVMValueRef b, const cg_lanes *lanes) {
  LLVMValueRef mask[LP_MAX_LANES];
  for (uint32_t i = 0; i < lanes->count; i++) mask[i] = cg_int(e, NET_I32, lanes->from[i]);
  return LLVMBuildShuffleVector(e->builder, a, b, LLVMConstVector(mask, lanes->count), "");
}

/* `count` consecutive lanes from `first` on; one lane is a scalar. */
static LLVMValueRef part(cg_emit *e, LLVMValueRef vector, uint32_t first, uint32_t count) {
  if (count == 1) return LLVMBuildExtractElement(e->builder, vector, cg_int(e, NET_I32, first), "");
  cg_lanes lanes = {.count = count};
  for (uint32_t i = 0; i < count; i++) lanes.from[i] = first + i;
  return shuffle(e, vector, LLVMGetPoison(LLVMTypeOf(vector)), &lanes);
}

LLVMValueRef cg_emit_part(cg_emit *e, const lp_expr_info *x) {
  LLVMValueRef vector = cg_emit_expr(e, x->operand[0]);
  uint32_t lanes = lp_expr_at(e->f, x->operand[0])->lanes;
  return lanes == x->lanes ? vector : part(e, vector, (uint32_t)x->integer, x->lanes);
}

LLVMValueRef cg_emit_fold(cg_emit *e, const lp_expr_info *x) {
  LLVMValueRef v = cg_emit_expr(e, x->operand[0]);
  for (uint32_t half = lp_expr_at(e->f, x->operand[0])->lanes / 2; half; half /= 2)
    v = cg_emit_combine(e, x->combine, x->type, part(e, v, 0, half), part(e, v, half, half));
  return v;
}

/* One exchange of a butterfly between two vectors, on blocks of `block` lanes: of each pair of blocks, the
 * lower (upper: the upper) one of a, then that of b. */
static cg_lanes blocks_of_two(uint32_t lanes, uint32_t block, bool upper) {
  cg_lanes result = {.count = lanes};
  for (uint32_t l = 0; l < lanes; l++) {
    uint32_t pair = l & ~(2 * block - 1), within = l & (block - 1);
    result.from[l] = pair + (upper ? block : 0) + within + (l & block ? lanes : 0);
  }
  return result;
}

/* Reduces up to `lanes` vectors at once. A stage halves the number of vectors: in the result of combining i
 * with i + half, each pair of blocks holds partial results of vector i below and of i + half above. So every
 * vector is reduced exactly as a fold does it, and lane k ends as the result of vector k. Where there is no
 * second vector the first stands in. */
LLVMValueRef cg_emit_tree(cg_emit *e, const lp_expr_info *x) {
  uint32_t lanes = x->lanes, n = x->count;
  LLVMValueRef v[LP_MAX_LANES];
  for (uint32_t i = 0; i < n; i++) {
    LLVMValueRef at = cg_register_element(e, x->which, i, 0);
    v[i] = LLVMBuildLoad2(e->builder, cg_type(e, x->type, lanes), at, "");
  }
  for (uint32_t half = lanes / 2; half; half /= 2) {
    cg_lanes lower = blocks_of_two(lanes, half, false), upper = blocks_of_two(lanes, half, true);
    for (uint32_t i = 0; i < half && i < n; i++) {
      LLVMValueRef a = v[i], b = i + half < n ? v[i + half] : v[i];
      v[i] = cg_emit_combine(e, x->combine, x->type, shuffle(e, a, b, &lower), shuffle(e, a, b, &upper));
    }
    if (n > half) n = half;
  }
  return v[0];
}

/* Eklundh's method: stage by stage, swap the off-diagonal blocks of every 2·block × 2·block square. */
void cg_emit_transpose(cg_emit *e, lp_reg reg) {
  const lp_reg_info *info = &e->f->regs.at[reg];
  uint32_t lanes = info->lanes;
  LLVMTypeRef type = cg_type(e, info->type, lanes);
  LLVMValueRef v[LP_MAX_LANES];
  for (uint32_t i = 0; i < lanes; i++)
    v[i] = LLVMBuildLoad2(e->builder, type, cg_register_element(e, reg, i, 0), "");
  for (uint32_t block = lanes / 2; block; block /= 2) {
    cg_lanes lower = blocks_of_two(lanes, block, false), upper = blocks_of_two(lanes, block, true);
    for (uint32_t i = 0; i < lanes; i++)
      if (!(i & block)) {
        LLVMValueRef a = v[i], b = v[i + block];
        v[i] = shuffle(e, a, b, &lower);
        v[i + block] = shuffle(e, a, b, &upper);
      }
  }
  for (uint32_t i = 0; i < lanes; i++) LLVMBuildStore(e->builder, v[i], cg_register_element(e, reg, i, 0));
}
