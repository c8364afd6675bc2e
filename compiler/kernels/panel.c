/* Weight gradients in panels: lanes along features.
 *
 * What is summed is the batch. With a panel [sample][feature] of the one factor, transposed once for all rows
 * of the result, that is what a forward contraction is: a vector of features times one broadcast value of the
 * other factor, and no lanes to be reduced. A panel is as wide as a register tile and lies in the first
 * cache.
 *
 * Optimisers that take the gradient as it is update their variables here, a tile of rows behind the sums and
 * a row at a time between samples: roots and quotients take their time beside the products, and the gradient
 * is never written out. */
#include "kernels/schedule.h"

enum {
  PANEL_VECTORS = 2,
  PANEL_SAMPLES = 256, /* summed in a row: with two vectors of 16 lanes 32 KiB */
  LEAST_ROWS = 64,     /* for fewer, transposing costs more than reducing lanes at last */
  LEAST_LANES = 8,     /* with fewer, broadcasts take longer than the products */
};

typedef struct {
  kn_schedule_state *s;
  const kn_group *group;
  uint32_t row_axis, column_axis;
  lp_expr row_load, column_load;
  bool updates;
  uint32_t vectors, lanes; /* columns of a panel; a single vector may have fewer lanes than there are */
  lp_expr panel, column;   /* which one; its first column */
  lp_buffer features;      /* [panel][sample of the block][column] */
  lp_buffer gradient;    /* [panel][row][column]: of a tile until its updates; else of all, between blocks */
  uint32_t total, tiles; /* batch tiles; those of a block */
  lp_expr block;         /* which one: 0, or a variable from 1 on */
} panel_job;

bool kn_in_panels(const kn_schedule_state *s, uint32_t statement) {
  const lp_function *f = s->f;
  const kn_facts *facts = &s->facts[statement];
  if (facts->kind != KN_WEIGHT || facts->axis_count != 2) return false;
  if (!facts->full || facts->over_features) return false;
  if (kn_statement(s, statement)->value != facts->reduction) return false;
  return s->machine->lanes >= LEAST_LANES && kn_extent(f, facts->axes[0]) >= LEAST_ROWS &&
         kn_extent(f, facts->axes[1]) >= PANEL_VECTORS * s->machine->lanes;
}

bool kn_panels_update(const kn_schedule_state *s, uint32_t statement) {
  return kn_in_panels(s, statement) && s->f->padded <= PANEL_SAMPLES;
}

static lp_buffer own_scratch(lp_function *f, const char *name, uint32_t panels, uint32_t rows,
                             uint32_t width) {
  lp_buffer b = lp_buffer_new(f, net_intern(f->n, name), NET_F32, (net_shape){0}, false, LP_SCRATCH, 0);
  lp_buffer_info *info = &f->buffers.at[b];
  info->rank = 3, info->dim[0] = panels, info->dim[1] = rows, info->dim[2] = width;
  return b;
}

/* Opens the loop over the block's tiles; sets the scope's tile. */
static lp_expr open_tiles(const panel_job *j, kn_scope *scope) {
  lp_function *f = j->s->f;
  lp_expr begin = lp_product(f, j->block, lp_int(f, j->tiles)), count = lp_int(f, j->tiles);
  if (j->total % j->tiles) count = lp_op2(f, LP_min, count, lp_difference(f, lp_int(f, j->total), begin));
  lp_expr tile = lp_begin_for(f, "bt", lp_int(f, 0), count, 1, 0);
  scope->tile = lp_addition(f, begin, tile);
  return tile;
}

/* Vectors of samples become rows of features; lanes without a column are 0. */
static void fill(const panel_job *j) {
  lp_function *f = j->s->f;
  uint32_t lanes = j->s->machine->lanes;
  lp_expr zero = lp_int(f, 0);
  lp_reg square = lp_reg_new(f, "square", NET_F32, lanes, lanes, 1);
  kn_scope *scope = kn_scope_new(j->s, lanes, 0);
  lp_expr tile = open_tiles(j, scope);
  scope->within = lp_begin_for(f, "q", zero, lp_int(f, f->tile), lanes, 0);
  lp_expr c = lp_begin_for(f, "c", zero, lp_int(f, j->vectors * lanes), lanes, 0);
  lp_expr r = lp_begin_for(f, "r", zero, lp_int(f, j->lanes), 1, LP_UNROLL);
  scope->axis[j->column_axis] = lp_addition(f, j->column, lp_addition(f, c, r));
  kn_scope_renew(scope);
  lp_set(f, square, r, zero, kn_value(scope, j->column_load));
  lp_end(f);
  for (uint32_t k = j->lanes; k < lanes; k++)
    lp_set(f, square, lp_int(f, k), zero, lp_splat_of(f, lp_real(f, 0), lanes));
  lp_transpose(f, square);
  r = lp_begin_for(f, "r", zero, lp_int(f, lanes), 1, LP_UNROLL);
  lp_expr sample = lp_addition(f, lp_product(f, tile, lp_int(f, f->tile)), lp_addition(f, scope->within, r));
  lp_store_at(f, j->features, 3, (lp_expr[]){j->panel, sample, c}, lp_read_reg(f, square, r, zero));
  for (int i = 0; i < 4; i++) lp_end(f);
}

/* The samples of a chunk of a tile that there are. */
static lp_expr samples_of(lp_function *f, lp_expr tile, lp_expr first, uint32_t chunk) {
  if (!f->masked && f->padded == f->batch) return lp_int(f, chunk);
  lp_expr before = lp_addition(f, lp_product(f, tile, lp_int(f, f->tile)), first);
  lp_expr count = lp_convert(f, NET_I32, lp_sample_count(f));
  return lp_op2(f, LP_min, lp_int(f, chunk), lp_difference(f, count, before));
}

/* Opens loops over accumulators [r][c]; gives the offset of c's first column. */
static lp_expr open_accumulators(const panel_job *j, uint32_t rows, lp_expr *r, lp_expr *c) {
  lp_function *f = j->s->f;
  *r = lp_begin_for(f, "r", lp_int(f, 0), lp_int(f, rows), 1, LP_UNROLL);
  *c = lp_begin_for(f, "c", lp_int(f, 0), lp_int(f, j->vectors), 1, LP_UNROLL);
  return lp_product(f, *c, lp_int(f, j->s->machine->lanes));
}

/* Sums of the products of samples, one sample at a time. */
static void add_samples(const panel_job *j, lp_reg a, lp_expr row, uint32_t rows, lp_expr tile, lp_expr first,
                        lp_expr count, kn_scope *one) {
  lp_function *f = j->s->f;
  uint32_t lanes = j->s->machine->lanes;
  lp_expr zero = lp_int(f, 0), r, c;
  lp_reg p = lp_reg_new(f, "p", NET_F32, lanes, j->vectors, 1), d = lp_reg_new(f, "d", NET_F32, lanes, 1, 1);
  lp_expr q = lp_begin_for(f, "q", zero, count, 1, 0);
  one->within = lp_addition(f, first, q);
  lp_expr sample = lp_addition(f, lp_product(f, tile, lp_int(f, f->tile)), one->within);
  lp_expr at = open_accumulators(j, 1, &r, &c);
  lp_set(f, p, c, zero, lp_vector_load(f, j->features, lanes, 3, (lp_expr[]){j->panel, sample, at}));
  lp_end(f);
  lp_end(f);
  r = lp_begin_for(f, "r", zero, lp_int(f, rows), 1, LP_UNROLL);
  one->axis[j->row_axis] = lp_addition(f, row, r);
  kn_scope_renew(one);
  lp_set(f, d, zero, zero, lp_splat_of(f, kn_value(one, j->row_load), lanes));
  c = lp_begin_for(f, "c", zero, lp_int(f, j->vectors), 1, LP_UNROLL);
  lp_set(
      f, a, r, c,
      lp_op3(f, LP_fma, lp_read_reg(f, d, zero, zero), lp_read_reg(f, p, c, zero), lp_read_reg(f, a, r, c)));
  for (int i = 0; i < 3; i++) lp_end(f);
}

/* What the group does with gradients [row][column + at ..]. */
static void finish(const panel_job *j, lp_expr row, lp_expr at, lp_expr gradients) {
  kn_scope *scope = kn_scope_new(j->s, j->lanes, j->column_axis);
  scope->axis[j->row_axis] = row;
  scope->axis[j->column_axis] = lp_addition(j->s->f, j->column, at);
  kn_finish(scope, j->group, lp_part_of(j->s->f, gradients, 0, j->lanes));
}

/* Row r of a tile that begins at row first and whose gradients are in scratch. */
static void update_row(const panel_job *j, lp_expr first, lp_expr r) {
  lp_function *f = j->s->f;
  uint32_t lanes = j->s->machine->lanes;
  lp_expr at = lp_begin_for(f, "c", lp_int(f, 0), lp_int(f, j->vectors * lanes), lanes, LP_UNROLL);
  lp_expr gradients = lp_vector_load(f, j->gradient, lanes, 3, (lp_expr[]){j->panel, r, at});
  finish(j, lp_addition(f, first, r), at, gradients);
  lp_end(f);
}

/* Rows of the tile before, those that are due behind chunk k of n. */
static void update_behind(const panel_job *j, lp_expr t, lp_expr row, uint32_t rows, lp_expr k, uint32_t n) {
  lp_function *f = j->s->f;
  uint32_t each = (rows + n - 1) / n;
  lp_begin_if(f, lp_op2(f, LP_lt, lp_int(f, 0), t));
  lp_expr begin = lp_product(f, k, lp_int(f, each)), end = lp_addition(f, begin, lp_int(f, each));
  if (each * n > rows) end = lp_op2(f, LP_min, end, lp_int(f, rows));
  lp_expr r = lp_begin_for(f, "r", begin, end, 1, 0);
  update_row(j, lp_difference(f, row, lp_int(f, rows)), r);
  lp_end(f);
  lp_end(f);
}

/* Tile t of a number of tiles of so many rows; it begins at row. */
static void row_tile(const panel_job *j, lp_expr t, lp_expr row, uint32_t rows) {
  lp_function *f = j->s->f;
  uint32_t lanes = j->s->machine->lanes, chunk = f->tile % (2 * lanes) ? lanes : 2 * lanes;
  uint32_t chunks = f->tile / chunk; /* of a batch tile */
  lp_expr zero = lp_int(f, 0), r, c;
  lp_reg a = lp_reg_new(f, "a", NET_F32, lanes, rows, j->vectors);
  kn_scope *one = kn_scope_new(j->s, 1, 0);
  lp_expr at = open_accumulators(j, rows, &r, &c);
  lp_set(f, a, r, c, lp_splat_of(f, lp_real(f, 0), lanes));
  lp_end(f);
  lp_end(f);
  lp_expr tile = open_tiles(j, one);
  lp_expr k = lp_begin_for(f, "part", zero, lp_int(f, chunks), 1, 0),
          first = lp_product(f, k, lp_int(f, chunk));
  add_samples(j, a, row, rows, tile, first, samples_of(f, one->tile, first, chunk), one);
  lp_expr done = lp_addition(f, lp_product(f, tile, lp_int(f, chunks)), k);
  if (j->updates) update_behind(j, t, row, rows, done, j->tiles * chunks);
  lp_end(f);
  lp_end(f);
  at = open_accumulators(j, rows, &r, &c);
  lp_expr sums = lp_read_reg(f, a, r, c), kept = j->updates ? r : lp_addition(f, row, r);
  if (j->block != zero) {
    /* blocks are sums by themselves: additions in one long row could all round one way */
    lp_expr before = lp_vector_load(f, j->gradient, lanes, 3, (lp_expr[]){j->panel, kept, at});
    lp_set(f, a, r, c, lp_addition(f, before, sums));
  }
  if (j->updates || j->total > j->tiles)
    lp_store_at(f, j->gradient, 3, (lp_expr[]){j->panel, kept, at}, sums);
  if (!j->updates) finish(j, lp_addition(f, row, r), at, sums);
  lp_end(f);
  lp_end(f);
}

/* All rows of a panel's columns. */
static void emit_panel(panel_job *j, const kn_split *split) {
  lp_function *f = j->s->f;
  fill(j);
  for (int i = 0; i < 2; i++) {
    uint32_t n = split->n[i], rows = split->size[i], start = split->start[i];
    if (!n) continue;
    lp_expr t = lp_begin_for(f, "ot", lp_int(f, 0), lp_int(f, n), 1, 0);
    row_tile(j, t, lp_addition(f, lp_int(f, start), lp_product(f, t, lp_int(f, rows))), rows);
    lp_end(f);
    if (!j->updates) continue;
    lp_expr r = lp_begin_for(f, "r", lp_int(f, 0), lp_int(f, rows), 1, 0);
    update_row(j, lp_int(f, start + (n - 1) * rows), r);
    lp_end(f);
  }
}

/* A nest for as many panels of one width as there are from a column on; gives the column behind. */
static uint32_t emit_panels(panel_job *j, uint32_t column, uint32_t vectors, uint32_t lanes) {
  lp_function *f = j->s->f;
  uint32_t width = vectors * j->s->machine->lanes, extent = kn_extent(f, j->column_axis);
  uint32_t panels = lanes < j->s->machine->lanes ? lanes > 0 : (extent - column) / width;
  if (!panels) return column;
  uint32_t most = kn_forward_rows(j->s->machine, vectors), blocks = (j->total + j->tiles - 1) / j->tiles;
  kn_split split = kn_split_evenly(kn_extent(f, j->row_axis), most);
  j->vectors = vectors, j->lanes = lanes;
  j->features = own_scratch(f, "features", panels, j->tiles * f->tile, width);
  if (j->updates || blocks > 1)
    j->gradient = own_scratch(f, "gradient", panels, j->updates ? most : kn_extent(f, j->row_axis), width);
  lp_nest_begin(f, kn_group_name(j->s, j->group));
  j->panel = lp_begin_for(f, "panel", lp_int(f, 0), lp_int(f, panels), 1, LP_PARALLEL);
  j->column = lp_addition(f, lp_int(f, column), lp_product(f, j->panel, lp_int(f, width)));
  j->block = lp_int(f, 0);
  emit_panel(j, &split);
  if (blocks > 1) {
    j->block = lp_begin_for(f, "block", lp_int(f, 1), lp_int(f, blocks), 1, 0);
    emit_panel(j, &split);
    lp_end(f);
  }
  lp_end(f);
  lp_nest_end(f, 2. * kn_extent(f, j->row_axis) * panels * width * f->padded);
  return column + panels * width;
}

void kn_emit_panels(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  const kn_facts *facts = &s->facts[group->statements.at[0]];
  uint32_t lanes = s->machine->lanes, most = PANEL_SAMPLES / f->tile;
  bool swapped = facts->tile[0] != facts->axes[0];
  const lp_expr *factors = lp_expr_at(f, lp_expr_at(f, facts->reduction)->operand[0])->operand;
  panel_job j = {.s = s,
                 .group = group,
                 .row_axis = facts->axes[0],
                 .column_axis = facts->axes[1],
                 .row_load = factors[swapped],
                 .column_load = factors[!swapped],
                 .updates = group->statements.count > 1,
                 .total = f->padded / f->tile};
  j.tiles = j.total < most ? j.total : most;
  for (uint32_t k = 0; k < group->statements.count; k++) { /* what only registers hold has no layout */
    lp_buffer to = kn_statement(s, group->statements.at[k])->buffer;
    if (s->local[to]) f->buffers.at[to].rank = 0;
  }
  uint32_t column = emit_panels(&j, 0, PANEL_VECTORS, lanes);
  column = emit_panels(&j, column, 1, lanes);
  emit_panels(&j, column, 1, kn_extent(f, j.column_axis) - column);
}
