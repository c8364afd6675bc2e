/* Rows of data in, as words for dots: lanes run along the features of a row, through the element-wise
 * statements that make small integers of them; then neighbours are words, and as many rows as a row has words
 * (or as there are lanes) are transposed in registers. */
#include "kernels/schedule.h"

#include <math.h>

/* Lanes may run along the axis: loads of anything else stand still or have it as their last index; no axis
 * occurs by itself. */
static bool runs_along(const kn_schedule_state *s, const kn_group *group, lp_expr e, uint32_t axis) {
  const lp_function *f = s->f;
  const lp_expr_info *info = lp_expr_at(f, e);
  if (info->kind == LP_axis || info->kind == LP_reduce) return false;
  if (info->kind == LP_load) {
    bool own = false;
    for (uint32_t k = 0; k < group->statements.count; k++)
      own |= kn_statement(s, group->statements.at[k])->buffer == info->which;
    if (own) return true; /* at its point: that is how groups are made */
    if (f->buffers.at[info->which].batched) return false;
    for (uint32_t i = 0; i < info->count; i++) {
      lp_expr at = lp_list_at(f, info->first)[i];
      if (lp_depends(f, at, axis) && (i + 1 < info->count || kn_axis_of(f, at) != axis)) return false;
    }
    return true;
  }
  for (uint32_t i = 0; i < 3; i++)
    if (info->operand[i] && !runs_along(s, group, info->operand[i], axis)) return false;
  return true;
}

bool kn_gathers_words(const kn_schedule_state *s, const kn_group *group, lp_buffer buffer) {
  uint32_t last = group->statements.at[group->statements.count - 1];
  const lp_buffer_info *to = &s->f->buffers.at[buffer];
  if (kn_statement(s, last)->buffer != buffer || to->shape.rank != 1 ||
      to->shape.dim[0] < s->words[buffer].per)
    return false;
  for (uint32_t k = 0; k < group->statements.count; k++) {
    uint32_t index = group->statements.at[k];
    const kn_facts *facts = &s->facts[index];
    if (!facts->full || facts->axis_count != 1 ||
        s->f->buffers.at[kn_statement(s, index)->buffer].shape.rank != 1)
      return false;
    if (index != last && !s->local[kn_statement(s, index)->buffer]) return false;
    if (k && !runs_along(s, group, kn_statement(s, index)->value, facts->axes[0])) return false;
  }
  return true;
}

typedef struct {
  kn_schedule_state *s;
  const kn_group *group;
  lp_buffer column, index, to;
  const kn_words *words;
  lp_expr tile, within; /* of the rows at hand */
} job;

/* Ends of what an expression can be, by the constants that clamp it; NaN is nobody's business. */
typedef struct {
  double low, high;
} ends;

static ends ends_of(const lp_function *f, lp_expr e) {
  const lp_expr_info *info = lp_expr_at(f, e);
  net_type type = info->type;
  ends all = {-INFINITY, INFINITY}, a, b;
  switch (info->kind) {
  case LP_const: return (ends){info->real + (double)info->integer, info->real + (double)info->integer};
  case LP_round: a = ends_of(f, info->operand[0]); return (ends){rint(a.low), rint(a.high)};
  case LP_convert: /* of what fits */
    a = ends_of(f, info->operand[0]);
    return type == NET_F32 || type == NET_I32 ? (ends){trunc(a.low), trunc(a.high)} : all;
  case LP_select: /* either */
    a = ends_of(f, info->operand[1]), b = ends_of(f, info->operand[2]);
    return (ends){fmin(a.low, b.low), fmax(a.high, b.high)};
  case LP_min:
  case LP_max:
    a = ends_of(f, info->operand[0]), b = ends_of(f, info->operand[1]);
    return info->kind == LP_min ? (ends){fmin(a.low, b.low), fmin(a.high, b.high)}
                                : (ends){fmax(a.low, b.low), fmax(a.high, b.high)};
  default: return all;
  }
}

/* What becomes a byte without being changed: a conversion of an i32 within a byte's range; else 0. */
static lp_expr before_byte(const lp_function *f, lp_expr e, bool *sign) {
  const lp_expr_info *info = lp_expr_at(f, e);
  if (info->kind != LP_convert || (info->type != NET_I8 && info->type != NET_U8)) return 0;
  *sign = info->type == NET_I8;
  ends is = ends_of(f, info->operand[0]);
  bool fits = is.low >= (*sign ? INT8_MIN : 0) && is.high <= (*sign ? INT8_MAX : UINT8_MAX);
  return fits && lp_expr_at(f, info->operand[0])->type == NET_I32 ? info->operand[0] : 0;
}

/* Words of a row from a feature on, through the statements. */
static lp_expr words_of(job *j, lp_expr sample, lp_expr feature, uint32_t words) {
  kn_schedule_state *s = j->s;
  lp_function *f = s->f;
  uint32_t lanes = words * j->words->per, count = j->group->statements.count;
  lp_expr zero = lp_int(f, 0), row = lp_convert(f, NET_I32, lp_vector_load(f, j->index, 1, 1, &sample)),
          value = 0;
  kn_scope *scope = kn_scope_new(s, lanes, LP_NONE);
  for (uint32_t k = 0; k < count; k++) {
    uint32_t index = j->group->statements.at[k];
    lp_expr e = kn_statement(s, index)->value;
    bool sign;
    scope->vector_axis = s->facts[index].axes[0];
    scope->axis[scope->vector_axis] = feature;
    kn_scope_renew(scope);
    lp_expr integer = k && k + 1 == count && j->words->per == 4 ? before_byte(f, e, &sign) : 0;
    if (integer) return lp_bytes_of(f, kn_value(scope, integer), sign);
    value = k ? kn_value(scope, e) : lp_vector_load(f, j->column, lanes, 2, (lp_expr[]){row, feature});
    lp_reg point = lp_reg_new(f, "y", lp_expr_at(f, value)->type, lanes, 1, 1);
    lp_set(f, point, zero, zero, value);
    value = lp_read_reg(f, point, zero, zero);
    kn_scope_bind(scope, kn_statement(s, index)->buffer, point, true, zero, zero);
  }
  return lp_words_of(f, lp_convert(f, j->words->per == 4 ? NET_U8 : NET_U16, value));
}

static lp_expr sample_at(job *j, lp_expr r) {
  lp_function *f = j->s->f;
  return lp_addition(f, lp_product(f, j->tile, lp_int(f, f->tile)), lp_addition(f, j->within, r));
}

/* Words k … k + lanes − 1 of as many rows. */
static void emit_block(job *j, lp_expr k, uint32_t lanes) {
  lp_function *f = j->s->f;
  lp_expr zero = lp_int(f, 0);
  lp_reg block = lp_reg_new(f, "block", NET_I32, lanes, lanes, 1);
  lp_expr r = lp_begin_for(f, "r", zero, lp_int(f, lanes), 1, LP_UNROLL);
  lp_expr feature = lp_product(f, k, lp_int(f, j->words->per));
  lp_set(f, block, r, zero, words_of(j, sample_at(j, r), feature, lanes));
  lp_end(f);
  if (lanes > 1) lp_transpose(f, block);
  r = lp_begin_for(f, "r", zero, lp_int(f, lanes), 1, LP_UNROLL);
  lp_store_at(f, j->words->buffer, 3, (lp_expr[]){j->tile, lp_addition(f, k, r), j->within},
              kn_word_flip(j->s, j->to, lp_read_reg(f, block, r, zero)));
  lp_end(f);
}

/* What is left of a row: the last whole word's worth, less what the words before hold. */
static void emit_rest(job *j, uint32_t width, uint32_t lanes) {
  lp_function *f = j->s->f;
  uint32_t per = j->words->per, gone = per - width % per;
  lp_expr r = lp_begin_for(f, "r", lp_int(f, 0), lp_int(f, lanes), 1, LP_UNROLL);
  lp_expr word = words_of(j, sample_at(j, r), lp_int(f, width - per), 1);
  word = lp_op2(f, LP_shr, lp_bitcast(f, NET_U32, word), lp_constant(f, NET_U32, 0, gone * (32 / per)));
  lp_store_at(f, j->words->buffer, 3,
              (lp_expr[]){j->tile, lp_int(f, width / per), lp_addition(f, j->within, r)},
              kn_word_flip(j->s, j->to, lp_bitcast(f, NET_I32, word)));
  lp_end(f);
}

void kn_emit_gather_words(kn_schedule_state *s, const kn_group *group, lp_buffer column, lp_buffer index) {
  lp_function *f = s->f;
  job j = {.s = s, .group = group, .column = column, .index = index};
  j.to = kn_statement(s, group->statements.at[group->statements.count - 1])->buffer;
  j.words = kn_words_at(s, j.to);
  uint32_t width = f->buffers.at[j.to].shape.dim[0], lanes = s->machine->lanes, whole = width / j.words->per;
  while (lanes > whole) lanes /= 2;
  kn_scope *rows = kn_scope_new(s, lanes, 0);
  kn_open_vectors(rows, LP_PARALLEL);
  j.tile = rows->tile, j.within = rows->within;
  uint32_t blocks = whole / lanes;
  lp_expr k =
      blocks == 1 ? lp_int(f, 0) : lp_begin_for(f, "k", lp_int(f, 0), lp_int(f, blocks * lanes), lanes, 0);
  emit_block(&j, k, lanes);
  if (blocks > 1) lp_end(f);
  if (whole % lanes) emit_block(&j, lp_int(f, whole - lanes), lanes); /* overlaps the one before */
  if (width % j.words->per) emit_rest(&j, width, lanes);
  lp_end(f);
}
