/* Rows of data in and rows of output out: lanes of samples on one side, row-major features on the other, and
 * a transposition in registers between them. */
#include "kernels/schedule.h"

/* Class numbers and other single elements: one sample at a time. */
static void gather_single(kn_schedule_state *s, const lp_statement *statement, lp_buffer column,
                          lp_buffer index) {
  lp_function *f = s->f;
  lp_expr zero = lp_int(f, 0);
  lp_expr tile = lp_begin_for(f, "bt", zero, lp_int(f, f->padded / f->tile), 1, 0);
  lp_expr within = lp_begin_for(f, "l", zero, lp_int(f, f->tile), 1, 0);
  lp_expr sample = lp_addition(f, lp_product(f, tile, lp_int(f, f->tile)), within);
  lp_expr row = lp_vector_load(f, index, 1, 1, &sample);
  lp_expr value = lp_vector_load(f, column, 1, 2, (lp_expr[]){lp_convert(f, NET_I32, row), zero});
  lp_store_at(f, statement->buffer, 3, (lp_expr[]){tile, zero, within}, value);
  lp_end(f);
  lp_end(f);
}

/* Stores a feature's samples, in block[r], with what the statements behind the gathering make of them. */
static void finish_gather(kn_scope *scope, const kn_group *group, lp_reg block, lp_expr r, lp_expr feature) {
  kn_schedule_state *s = scope->s;
  lp_function *f = s->f;
  lp_expr zero = lp_int(f, 0), value = lp_read_reg(f, block, r, zero);
  scope->bound.count = 0;
  kn_scope_bind(scope, kn_statement(s, group->statements.at[0])->buffer, block, true, r, zero);
  for (uint32_t k = 0; k < group->statements.count; k++) {
    uint32_t index = group->statements.at[k];
    const lp_statement *statement = kn_statement(s, index);
    const kn_facts *facts = &s->facts[index];
    if (k) {
      scope->axis[facts->axes[0]] = feature;
      kn_scope_renew(scope);
      value = kn_value(scope, statement->value);
      lp_reg point = lp_reg_new(f, "y", lp_expr_at(f, value)->type, scope->lanes, 1, 1);
      lp_set(f, point, zero, zero, value);
      value = lp_read_reg(f, point, zero, zero);
      kn_scope_bind(scope, statement->buffer, point, true, zero, zero);
    }
    if (!s->local[statement->buffer])
      lp_store_at(f, statement->buffer, 3, (lp_expr[]){scope->tile, feature, scope->within}, value);
  }
  scope->bound.count = 0;
}

/* As many rows as features at a time: a vector's lanes, or fewer if rows are shorter. The last block of a row
 * overlaps the one before. */
static void gather_rows(kn_schedule_state *s, const kn_group *group, lp_buffer column, lp_buffer index,
                        uint32_t width) {
  lp_function *f = s->f;
  uint32_t lanes = s->machine->lanes;
  while (lanes > width) lanes /= 2;
  lp_expr zero = lp_int(f, 0);
  lp_reg block = lp_reg_new(f, "block", f->buffers.at[column].type, lanes, lanes, 1);
  kn_scope *scope = kn_scope_new(s, lanes, 0);
  kn_open_vectors(scope, LP_PARALLEL);
  lp_expr tile = scope->tile, within = scope->within;
  uint32_t blocks = width / lanes, rest = width % lanes;
  for (int part = 0; part < (rest ? 2 : 1); part++) {
    uint32_t skip = part ? lanes - rest : 0; /* features that the block before has stored */
    lp_expr feature =
        part ? lp_int(f, width - lanes)
             : lp_begin_for(f, "i", zero, lp_int(f, blocks * lanes), lanes, blocks == 1 ? LP_UNROLL : 0);
    lp_expr r = lp_begin_for(f, "r", zero, lp_int(f, lanes), 1, LP_UNROLL);
    lp_expr sample = lp_addition(f, lp_product(f, tile, lp_int(f, f->tile)), lp_addition(f, within, r));
    lp_expr row = lp_convert(f, NET_I32, lp_vector_load(f, index, 1, 1, &sample));
    lp_set(f, block, r, zero, lp_vector_load(f, column, lanes, 2, (lp_expr[]){row, feature}));
    lp_end(f);
    if (lanes > 1) lp_transpose(f, block);
    r = lp_begin_for(f, "r", lp_int(f, skip), lp_int(f, lanes), 1, LP_UNROLL);
    finish_gather(scope, group, block, r, lp_addition(f, feature, r));
    lp_end(f);
    if (!part) lp_end(f);
  }
  lp_end(f);
}

void kn_emit_gather(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  uint32_t index_of = group->statements.at[0];
  const lp_statement *statement = kn_statement(s, index_of);
  lp_buffer column = LP_NONE, index = LP_NONE;
  for (uint32_t r = 0; r < s->facts[index_of].reads.count; r++) {
    lp_buffer b = s->facts[index_of].reads.at[r].buffer;
    if (f->buffers.at[b].storage == LP_COLUMN) column = b;
    else index = b;
  }
  uint32_t width = (uint32_t)net_shape_elements(&f->buffers.at[statement->buffer].shape);
  lp_nest_begin(f, kn_group_name(s, group));
  const kn_words *words =
      kn_words_at(s, kn_statement(s, group->statements.at[group->statements.count - 1])->buffer);
  if (words && words->direct) kn_emit_gather_words(s, group, column, index);
  else if (width == 1) gather_single(s, statement, column, index);
  else gather_rows(s, group, column, index, width);
  lp_nest_end(f, (double)f->padded * width);
}

/* A row of outputs for each real sample. */
void kn_emit_scatter(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  uint32_t index_of = group->statements.at[0], lanes = s->machine->lanes;
  const lp_statement *statement = kn_statement(s, index_of);
  kn_access from = s->facts[index_of].reads.at[0];
  bool batched = f->buffers.at[from.buffer].batched;
  uint32_t width = (uint32_t)net_shape_elements(&f->buffers.at[from.buffer].shape);
  lp_expr zero = lp_int(f, 0), count = lp_convert(f, NET_I32, lp_sample_count(f));
  net_type type = f->buffers.at[from.buffer].type;
  bool all = !f->masked && f->padded == f->batch; /* every lane is a sample */
  while (lanes > 1 && lanes / 2 >= width) lanes /= 2;
  lp_nest_begin(f, kn_group_name(s, group));
  lp_reg block = lp_reg_new(f, "block", type, lanes, lanes, 1);
  kn_scope *scope = kn_scope_new(s, lanes, 0);
  kn_open_vectors(scope, LP_PARALLEL);
  lp_expr tile = scope->tile, within = scope->within;
  uint32_t blocks = width / lanes, rest = width % lanes;
  for (int part = 0; part < 2; part++) {
    uint32_t valid = part ? rest : lanes;
    if (part ? !rest : !blocks) continue;
    lp_expr feature = part ? lp_int(f, blocks * lanes)
                           : lp_begin_for(f, "i", zero, lp_int(f, blocks * lanes), lanes, 0);
    lp_expr r = lp_begin_for(f, "r", zero, lp_int(f, valid), 1, LP_UNROLL);
    lp_expr at = lp_addition(f, feature, r);
    lp_expr value = batched ? kn_load_batched(s, from.buffer, tile, at, within, lanes)
                            : lp_splat_of(f, lp_vector_load(f, from.buffer, 1, 1, &at), lanes);
    lp_set(f, block, r, zero, value);
    lp_end(f);
    for (uint32_t k = valid; k < lanes; k++)
      lp_set(f, block, lp_int(f, k), zero, lp_splat_of(f, lp_constant(f, type, 0, 0), lanes));
    if (lanes > 1) lp_transpose(f, block);
    r = lp_begin_for(f, "r", zero, lp_int(f, lanes), 1, LP_UNROLL);
    lp_expr sample = lp_addition(f, lp_product(f, tile, lp_int(f, f->tile)), lp_addition(f, within, r));
    if (!all) lp_begin_if(f, lp_op2(f, LP_lt, sample, count));
    lp_store_at(f, statement->buffer, 2, (lp_expr[]){sample, feature},
                lp_part_of(f, lp_read_reg(f, block, r, zero), 0, valid));
    if (!all) lp_end(f);
    lp_end(f);
    if (!part) lp_end(f);
  }
  lp_end(f);
  lp_nest_end(f, (double)f->padded * width);
}
