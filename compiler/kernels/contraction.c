/* Contractions: sums of products, in register tiles.
 *
 * Forward (and input gradients): lanes are samples; a tile of results × vectors of samples is accumulated
 * while weights are broadcast one by one. Element-wise statements on the results run on the accumulators.
 * Sums in f64 have as many lanes, in two registers each, so that what follows in f32 has whole vectors.
 *
 * Weight gradients: lanes are samples too, but the batch is what is summed, so each accumulator is a vector
 * of partial sums; as many of them as there are lanes are reduced to one vector by a shuffle tree. */
#include "kernels/schedule.h"

enum { MOST_UNROLLED_TILES = 1 };

uint32_t kn_forward_rows(const kn_machine *machine, uint32_t columns) {
  uint32_t most = (machine->registers - columns - 1) / columns;
  uint32_t wanted = machine->registers >= 32 ? 8 : 6;
  if (columns == 1 && machine->registers >= 32) wanted = 12;
  return wanted < most ? wanted : most;
}

/* Opens loops over the left side's feature axes but the tiled ones; sets the scope's axes. */
static uint32_t open_others(kn_scope *scope, const kn_facts *facts, uint32_t a, uint32_t b) {
  lp_function *f = scope->f;
  uint32_t opened = 0;
  for (uint32_t i = 0; i < facts->axis_count; i++) {
    uint32_t axis = facts->axes[i];
    if (axis == a || axis == b) continue;
    scope->axis[axis] = lp_begin_for(f, net_text(f->n, f->axes.at[axis].name), lp_int(f, 0),
                                     lp_int(f, kn_extent(f, axis)), 1, 0);
    opened++;
  }
  return opened;
}

/* Opens loops over a reduction's feature axes. */
static uint32_t open_reduced(kn_scope *scope, lp_expr reduction) {
  lp_function *f = scope->f;
  lp_expr_info info = *lp_expr_at(f, reduction);
  uint32_t opened = 0;
  for (uint32_t i = 0; i < info.count; i++) {
    uint32_t axis = kn_axis_of(f, lp_list_at(f, info.first)[i]);
    if (f->axes.at[axis].batch) continue;
    scope->axis[axis] = lp_begin_for(f, net_text(f->n, f->axes.at[axis].name), lp_int(f, 0),
                                     lp_int(f, kn_extent(f, axis)), 1, 0);
    opened++;
  }
  return opened;
}

static void close(lp_function *f, uint32_t opened) {
  while (opened--) lp_end(f);
}

/* Opens the loop over the tiles of one part of a split; gives the first index of the tile. */
static lp_expr open_tiles(lp_function *f, const char *name, const kn_split *split, int part, unsigned flags) {
  uint32_t n = split->n[part];
  lp_expr t = lp_begin_for(f, name, lp_int(f, 0), lp_int(f, n), 1,
                           flags | (n <= MOST_UNROLLED_TILES && !flags ? LP_UNROLL : 0));
  return lp_addition(f, lp_int(f, split->start[part]), lp_product(f, t, lp_int(f, split->size[part])));
}

void kn_finish(kn_scope *scope, const kn_group *group, lp_expr reduced) {
  kn_schedule_state *s = scope->s;
  const kn_facts *first = &s->facts[group->statements.at[0]];
  lp_expr zero = lp_int(scope->f, 0);
  scope->bound.count = 0;
  for (uint32_t k = 0; k < group->statements.count; k++) {
    uint32_t index = group->statements.at[k];
    const lp_statement *statement = kn_statement(s, index);
    for (uint32_t i = 0; i < first->axis_count; i++)
      scope->axis[s->facts[index].axes[i]] = scope->axis[first->axes[i]];
    if (scope->vector_axis) scope->vector_axis = s->facts[index].axes[first->axis_count - 1];
    kn_scope_renew(scope);
    if (!k) {
      scope->memo[first->reduction] = reduced;
      scope->memo_stamp[first->reduction] = scope->stamp;
    }
    lp_expr value = kn_value(scope, statement->value);
    lp_reg point = lp_reg_new(scope->f, "y", lp_expr_at(scope->f, value)->type, scope->lanes, 1, 1);
    lp_set(scope->f, point, zero, zero, value);
    if (!s->local[statement->buffer]) kn_assign(scope, statement, lp_read_reg(scope->f, point, zero, zero));
    kn_scope_bind(scope, statement->buffer, point, true, zero, zero);
  }
  scope->bound.count = 0;
}

static void forward_tile(kn_scope *scope, const kn_group *group, lp_expr start, uint32_t rows,
                         uint32_t columns) {
  kn_schedule_state *s = scope->s;
  lp_function *f = s->f;
  const kn_facts *facts = &s->facts[group->statements.at[0]];
  uint32_t lanes = scope->lanes;
  lp_expr body = lp_expr_at(f, facts->reduction)->operand[0], zero = lp_int(f, 0);
  lp_expr weight = lp_expr_at(f, body)->operand[0], x = lp_expr_at(f, body)->operand[1];
  net_type type = lp_expr_at(f, body)->type;
  if (f->buffers.at[lp_expr_at(f, kn_loaded(f, weight))->which].batched) {
    lp_expr swap = weight;
    weight = x;
    x = swap;
  }
  lp_reg a = lp_reg_new(f, "a", type, lanes, rows, columns), p = lp_reg_new(f, "p", type, lanes, columns, 1);
  lp_reg w = lp_reg_new(f, "w", type, lanes, 1, 1);
  kn_emit_ahead(s, group, scope->tile, start, rows);
  lp_expr first = lp_begin_for(f, "q", zero, lp_int(f, f->tile), lanes * columns, 0);
  lp_expr r = lp_begin_for(f, "r", zero, lp_int(f, rows), 1, LP_UNROLL);
  lp_expr c = lp_begin_for(f, "c", zero, lp_int(f, columns), 1, LP_UNROLL);
  lp_set(f, a, r, c, lp_splat_of(f, lp_constant(f, type, 0, 0), lanes));
  close(f, 2);
  uint32_t opened = open_reduced(scope, facts->reduction);
  c = lp_begin_for(f, "c", zero, lp_int(f, columns), 1, LP_UNROLL);
  scope->within = lp_addition(f, first, lp_product(f, c, lp_int(f, lanes)));
  kn_scope_renew(scope);
  lp_set(f, p, c, zero, kn_value(scope, x));
  lp_end(f);
  r = lp_begin_for(f, "r", zero, lp_int(f, rows), 1, LP_UNROLL);
  scope->axis[facts->tile[0]] = lp_addition(f, start, r);
  kn_scope_renew(scope);
  lp_set(f, w, zero, zero, kn_value(scope, weight));
  c = lp_begin_for(f, "c", zero, lp_int(f, columns), 1, LP_UNROLL);
  lp_expr factor = lp_read_reg(f, w, zero, zero), other = lp_read_reg(f, p, c, zero),
          before = lp_read_reg(f, a, r, c);
  bool real = type == NET_F32 || type == NET_F64;
  lp_set(f, a, r, c, real ? lp_op3(f, LP_fma, factor, other, before)
                          : lp_addition(f, before, lp_product(f, factor, other)));
  close(f, 2 + opened);
  r = lp_begin_for(f, "r", zero, lp_int(f, rows), 1, LP_UNROLL);
  c = lp_begin_for(f, "c", zero, lp_int(f, columns), 1, LP_UNROLL);
  scope->axis[facts->tile[0]] = lp_addition(f, start, r);
  scope->within = lp_addition(f, first, lp_product(f, c, lp_int(f, lanes)));
  kn_finish(scope, group, lp_read_reg(f, a, r, c));
  close(f, 3);
}

void kn_emit_forward(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  uint32_t index = group->statements.at[0], lanes = s->machine->lanes;
  const kn_facts *facts = &s->facts[index];
  bool wide =
      net_type_bytes(lp_expr_at(f, facts->reduction)->type) == 8; /* a vector of them takes two registers */
  uint32_t columns = !wide && f->tile >= 2 * lanes && f->tile % (2 * lanes) == 0 ? 2 : 1;
  kn_split split =
      kn_split_evenly(kn_extent(f, facts->tile[0]), kn_forward_rows(s->machine, wide ? 2 : columns));
  kn_scope *scope = kn_scope_new(s, lanes, 0);
  lp_nest_begin(f, kn_group_name(s, group));
  uint32_t opened = open_others(scope, facts, facts->tile[0], LP_NONE);
  bool parallel = !opened && !split.n[1];
  for (int part = 0; part < 2; part++) {
    if (!split.n[part]) continue;
    lp_expr start = open_tiles(f, "ot", &split, part, parallel ? LP_PARALLEL : 0);
    scope->tile = lp_begin_for(f, "bt", lp_int(f, 0), lp_int(f, f->padded / f->tile), 1, 0);
    forward_tile(scope, group, start, split.size[part], columns);
    close(f, 2);
  }
  close(f, opened);
  lp_nest_end(f, 2 * kn_points(s, index) * f->padded);
}

/* ---- weight gradients ---- */

typedef struct {
  uint32_t rows, columns; /* accumulators */
  uint32_t per_tree;      /* rows whose accumulators share a tree */
} weight_tile;

static weight_tile weight_tile_of(const kn_machine *machine) {
  if (machine->lanes >= 16) return (weight_tile){4, 4, 4};
  if (machine->lanes >= 8) return (weight_tile){2, 4, 2};
  if (machine->lanes >= 4) return (weight_tile){3, 3, 1};
  return (weight_tile){3, 3, 1};
}

typedef struct {
  kn_schedule_state *s;
  kn_scope *scope;
  uint32_t statement, row_axis, column_axis;
  lp_expr row_load, column_load; /* of the body */
  bool contiguous;               /* the column axis is the last index on the left */
} weight_job;

/* Stores the results of rows r0 … of a tile: lanes r · columns + c of z. */
static void store_weights(weight_job *job, lp_expr z, lp_expr row, lp_expr column, uint32_t rows,
                          uint32_t columns) {
  kn_schedule_state *s = job->s;
  const lp_statement *statement = kn_statement(s, job->statement);
  lp_expr reduction = s->facts[job->statement].reduction;
  uint32_t step = job->contiguous ? columns : 1;
  kn_scope *out = kn_scope_new(s, step, job->column_axis);
  memcpy(out->axis, job->scope->axis, s->f->axes.count * sizeof *out->axis);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < columns; c += step) {
      out->axis[job->row_axis] = lp_addition(s->f, row, lp_int(s->f, r));
      out->axis[job->column_axis] = lp_addition(s->f, column, lp_int(s->f, c));
      kn_scope_renew(out);
      out->memo[reduction] = lp_part_of(s->f, z, r * columns + c, step);
      out->memo_stamp[reduction] = out->stamp;
      kn_assign(out, statement, kn_value(out, statement->value));
    }
}

/* Accumulators of a tree, at zero. */
static lp_reg open_accumulators(lp_function *f, uint32_t lanes, uint32_t count) {
  lp_expr zero = lp_int(f, 0);
  lp_reg a = lp_reg_new(f, "a", NET_F32, lanes, count, 1);
  lp_expr k = lp_begin_for(f, "k", zero, lp_int(f, count), 1, LP_UNROLL);
  lp_set(f, a, k, zero, lp_splat_of(f, lp_real(f, 0), lanes));
  lp_end(f);
  return a;
}

static void weight_one(weight_job *job, lp_expr row, lp_expr column, uint32_t rows, uint32_t columns,
                       uint32_t per_tree) {
  kn_schedule_state *s = job->s;
  lp_function *f = s->f;
  kn_scope *scope = job->scope;
  uint32_t lanes = scope->lanes, trees = (rows + per_tree - 1) / per_tree;
  lp_expr zero = lp_int(f, 0);
  uint32_t tiles = kn_tiles_of_part(f),
           parts = f->padded / f->tile / tiles; /* of the batch, where it is large */
  lp_reg totals[4], acc[4], d = lp_reg_new(f, "d", NET_F32, lanes, rows, 1);
  lp_reg e = lp_reg_new(f, "e", NET_F32, lanes, columns, 1);
  uint32_t heights[4];
  for (uint32_t t = 0; t < trees; t++) {
    heights[t] = rows - t * per_tree < per_tree ? rows - t * per_tree : per_tree;
    acc[t] = totals[t] = open_accumulators(f, lanes, heights[t] * columns);
  }
  lp_expr part = parts > 1 ? lp_begin_for(f, "part", zero, lp_int(f, parts), 1, 0) : zero;
  for (uint32_t t = 0; t < trees && parts > 1; t++)
    acc[t] = open_accumulators(f, lanes, heights[t] * columns);
  lp_expr tile = lp_begin_for(f, "bt", zero, lp_int(f, tiles), 1, 0);
  scope->tile = lp_addition(f, lp_product(f, part, lp_int(f, tiles)), tile);
  scope->within = lp_begin_for(f, "q", zero, lp_int(f, f->tile), lanes, f->tile / lanes <= 4 ? LP_UNROLL : 0);
  uint32_t opened = open_reduced(scope, s->facts[job->statement].reduction);
  lp_expr r = lp_begin_for(f, "r", zero, lp_int(f, rows), 1, LP_UNROLL);
  scope->axis[job->row_axis] = lp_addition(f, row, r);
  kn_scope_renew(scope);
  lp_expr load = kn_value(scope, job->row_load), valid = kn_valid(scope);
  lp_set(f, d, r, zero, valid ? lp_select(f, valid, load, lp_splat_of(f, lp_real(f, 0), lanes)) : load);
  lp_end(f);
  lp_expr c = lp_begin_for(f, "c", zero, lp_int(f, columns), 1, LP_UNROLL);
  scope->axis[job->column_axis] = lp_addition(f, column, c);
  kn_scope_renew(scope);
  lp_set(f, e, c, zero, kn_value(scope, job->column_load));
  lp_end(f);
  for (uint32_t t = 0; t < trees; t++) {
    r = lp_begin_for(f, "r", zero, lp_int(f, heights[t]), 1, LP_UNROLL);
    c = lp_begin_for(f, "c", zero, lp_int(f, columns), 1, LP_UNROLL);
    lp_expr k = lp_addition(f, lp_product(f, r, lp_int(f, columns)), c);
    lp_expr dr = lp_read_reg(f, d, lp_addition(f, lp_int(f, t * per_tree), r), zero);
    lp_set(f, acc[t], k, zero,
           lp_op3(f, LP_fma, dr, lp_read_reg(f, e, c, zero), lp_read_reg(f, acc[t], k, zero)));
    close(f, 2);
  }
  close(f, opened + 2);
  for (uint32_t t = 0; t < trees && parts > 1; t++) {
    lp_expr k = lp_begin_for(f, "k", zero, lp_int(f, heights[t] * columns), 1, LP_UNROLL);
    kn_carry(f, LP_SUM, totals[t], acc[t], k, zero);
    lp_end(f);
  }
  if (parts > 1) lp_end(f);
  for (uint32_t t = 0; t < trees; t++) {
    uint32_t height = heights[t];
    lp_expr row_t = lp_addition(f, row, lp_int(f, t * per_tree));
    if (lanes > 1) {
      store_weights(job, lp_tree_of(f, LP_SUM, totals[t], height * columns), row_t, column, height, columns);
      continue;
    }
    for (uint32_t k = 0; k < height * columns; k++) /* one lane: each accumulator is a result */
      store_weights(job, lp_read_reg(f, totals[t], lp_int(f, k), zero),
                    lp_addition(f, row_t, lp_int(f, k / columns)),
                    lp_addition(f, column, lp_int(f, k % columns)), 1, 1);
  }
}

void kn_emit_weight(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  uint32_t index = group->statements.at[0];
  const kn_facts *facts = &s->facts[index];
  if (kn_in_panels(s, index)) return kn_emit_panels(s, group);
  lp_expr body = lp_expr_at(f, facts->reduction)->operand[0];
  weight_job job = {s, kn_scope_new(s, s->machine->lanes, 0), index, facts->tile[0], facts->tile[1],
                    lp_expr_at(f, body)->operand[0], lp_expr_at(f, body)->operand[1], false};
  uint32_t last = facts->axes[facts->axis_count - 1];
  if (job.row_axis == last) {
    job.row_axis = facts->tile[1], job.column_axis = facts->tile[0];
    lp_expr swap = job.row_load;
    job.row_load = job.column_load, job.column_load = swap;
  }
  job.contiguous = job.column_axis == last && facts->whole;
  weight_tile tile = weight_tile_of(s->machine);
  kn_split rows = kn_split_evenly(kn_extent(f, job.row_axis), tile.rows);
  kn_split columns = kn_split_evenly(kn_extent(f, job.column_axis), tile.columns);
  lp_nest_begin(f, kn_group_name(s, group));
  uint32_t opened = open_others(job.scope, facts, job.row_axis, job.column_axis);
  bool parallel = !opened && !rows.n[1];
  for (int i = 0; i < 2; i++) {
    if (!rows.n[i]) continue;
    lp_expr row = open_tiles(f, "ot", &rows, i, parallel ? LP_PARALLEL : 0);
    for (int k = 0; k < 2; k++) {
      if (!columns.n[k]) continue;
      lp_expr column = open_tiles(f, "it", &columns, k, 0);
      weight_one(&job, row, column, rows.size[i], columns.size[k], tile.per_tree);
      lp_end(f);
    }
    lp_end(f);
  }
  close(f, opened);
  lp_nest_end(f, 2 * kn_points(s, index) * f->padded);
}
