#include "tests/loops/example.h"

#include <stdlib.h>

static lp_buffer buffer(example *e, const char *name, net_type type, net_shape shape, bool batched,
                        lp_storage storage, uint32_t slot, net_shape physical) {
  lp_buffer id = lp_buffer_new(e->f, net_intern(e->f->n, name), type, shape, batched, storage, slot);
  lp_buffer_info *b = &e->f->buffers.at[id];
  b->rank = physical.rank;
  memcpy(b->dim, physical.dim, physical.rank * sizeof *b->dim);
  return id;
}

example example_new(netc *n, uint32_t batch, uint32_t tile, uint32_t lanes, bool masked) {
  example e = {.f = lp_function_new(n, &n->arena, net_intern(n, "step"), batch, masked)};
  uint32_t tiles = (batch + tile - 1) / tile;
  e.f->padded = tiles * tile;
  e.f->tile = tile;
  e.f->lanes = lanes;
  net_shape in = {1, {EXAMPLE_IN}}, out = {1, {EXAMPLE_OUT}}, weight = {2, {EXAMPLE_OUT, EXAMPLE_IN}};
  net_shape flat = {1, {EXAMPLE_OUT * EXAMPLE_IN}}, scalar = {1, {1}};
  e.column = buffer(&e, "data", NET_F32, in, true, LP_COLUMN, 0, (net_shape){2, {0, EXAMPLE_IN}});
  e.index = buffer(&e, "index", NET_U32, (net_shape){0}, true, LP_INDEX, 0, (net_shape){1, {e.f->padded}});
  e.x = buffer(&e, "x", NET_F32, in, true, LP_SCRATCH, 0, (net_shape){3, {tiles, EXAMPLE_IN, tile}});
  e.w = buffer(&e, "w", NET_F32, weight, false, LP_VARIABLE, 0, flat);
  e.bias = buffer(&e, "bias", NET_F32, out, false, LP_VARIABLE, 1, out);
  e.y = buffer(&e, "y", NET_F32, out, true, LP_SCRATCH, 0, (net_shape){3, {tiles, EXAMPLE_OUT, tile}});
  e.dw = buffer(&e, "dw", NET_F32, weight, false, LP_SCRATCH, 0, flat);
  e.rate = buffer(&e, "rate", NET_F32, (net_shape){0}, false, LP_SCALAR, 0, scalar);
  e.output = buffer(&e, "output", NET_F32, out, true, LP_OUTPUT, 0, (net_shape){2, {batch, EXAMPLE_OUT}});
  return e;
}

static lp_expr relu(lp_function *f, lp_expr a) {
  return lp_select(f, lp_op2(f, LP_lt, a, lp_real(f, 0)), lp_real(f, 0), a);
}

/* ---- form 1 ---- */

void example_statements(example *e) {
  lp_function *f = e->f;
  lp_expr b = lp_batch(f), o = lp_axis_new(f, "o", EXAMPLE_OUT), i = lp_axis_new(f, "i", EXAMPLE_IN);
  lp_assign(f, e->x, lp_load_from(f, e->column, lp_load_from(f, e->index, b), i), b, i);
  f->node = 1;
  lp_expr sum = lp_sum_over(f, lp_product(f, lp_load_from(f, e->w, o, i), lp_load_from(f, e->x, b, i)), i);
  lp_assign(f, e->y, relu(f, lp_addition(f, lp_load_from(f, e->bias, o), sum)), b, o);
  lp_assign(f, e->output, lp_load_from(f, e->y, b, o), b, o);
  f->node = 2; /* as if y were its own gradient */
  lp_expr mean = lp_sum_over(f, lp_product(f, lp_load_from(f, e->y, b, o), lp_load_from(f, e->x, b, i)), b);
  lp_assign(f, e->dw, lp_quotient(f, mean, lp_samples(f)), o, i);
  f->node = 3;
  f->update = true;
  lp_expr change = lp_product(f, lp_load_at(f, e->rate, 0, NULL), lp_load_from(f, e->dw, o, i));
  lp_assign(f, e->w, lp_difference(f, lp_load_from(f, e->w, o, i), change), o, i);
}

/* ---- form 2 ---- */

static lp_expr loop(lp_function *f, const char *name, uint32_t count, unsigned flags) {
  return lp_begin_for(f, name, lp_int(f, 0), lp_int(f, count), 1, flags);
}

static lp_expr scaled(lp_function *f, uint32_t factor, lp_expr a, lp_expr b) {
  return lp_addition(f, lp_product(f, lp_int(f, factor), a), b);
}

static void ends(lp_function *f, uint32_t count) {
  while (count--) lp_end(f);
}

/* Rows by the index, a square of lanes × lanes at a time, which is transposed where features are enough. */
static void gather(example *e, uint32_t tiles) {
  lp_function *f = e->f;
  uint32_t lanes = f->lanes, size = lanes < EXAMPLE_IN ? lanes : EXAMPLE_IN;
  lp_nest_begin(f, net_intern(f->n, "gather"));
  lp_reg r = lp_reg_new(f, "r", NET_F32, size, size, 1);
  lp_expr bt = loop(f, "bt", tiles, LP_PARALLEL);
  lp_expr s = lp_begin_for(f, "s", lp_int(f, 0), lp_int(f, f->tile), size, 0);
  lp_expr i = lp_begin_for(f, "i", lp_int(f, 0), lp_int(f, EXAMPLE_IN), size, 0);
  lp_expr k = loop(f, "k", size, LP_UNROLL), at = lp_addition(f, scaled(f, f->tile, bt, s), k);
  lp_expr row = lp_convert(f, NET_I32, lp_vector_load(f, e->index, 1, 1, &at));
  lp_set(f, r, k, 0, lp_vector_load(f, e->column, size, LP_LIST(row, i)));
  lp_end(f);
  lp_transpose(f, r);
  k = loop(f, "k", size, LP_UNROLL);
  lp_store_at(f, e->x, LP_LIST(bt, lp_addition(f, i, k), s), lp_read_reg(f, r, k, 0));
  ends(f, 4);
  lp_nest_end(f, 0);
}

static void linear(example *e, uint32_t tiles, uint32_t rows, uint32_t columns) {
  lp_function *f = e->f;
  uint32_t lanes = f->lanes;
  lp_nest_begin(f, net_intern(f->n, "linear"));
  lp_reg a = lp_reg_new(f, "a", NET_F32, lanes, rows, columns),
         p = lp_reg_new(f, "p", NET_F32, lanes, 1, columns);
  lp_expr bt = loop(f, "bt", tiles, LP_PARALLEL), ot = loop(f, "ot", EXAMPLE_OUT / rows, 0);
  lp_expr qt = loop(f, "qt", f->tile / lanes / columns, 0);
  lp_expr r = loop(f, "r", rows, LP_UNROLL), q = loop(f, "q", columns, LP_UNROLL), o = scaled(f, rows, ot, r);
  lp_set(f, a, r, q, lp_splat_of(f, lp_vector_load(f, e->bias, 1, 1, &o), lanes));
  ends(f, 2);
  lp_expr i = loop(f, "i", EXAMPLE_IN, 0);
  q = loop(f, "q", columns, LP_UNROLL);
  lp_expr within = lp_product(f, lp_int(f, lanes), scaled(f, columns, qt, q));
  lp_set(f, p, 0, q, lp_vector_load(f, e->x, lanes, LP_LIST(bt, i, within)));
  lp_end(f);
  r = loop(f, "r", rows, LP_UNROLL), q = loop(f, "q", columns, LP_UNROLL), o = scaled(f, rows, ot, r);
  lp_expr at = scaled(f, EXAMPLE_IN, o, i);
  lp_set(f, a, r, q,
         lp_op3(f, LP_fma, lp_vector_load(f, e->w, 1, 1, &at), lp_read_reg(f, p, 0, q),
                lp_read_reg(f, a, r, q)));
  ends(f, 3);
  r = loop(f, "r", rows, LP_UNROLL), q = loop(f, "q", columns, LP_UNROLL), o = scaled(f, rows, ot, r);
  within = lp_product(f, lp_int(f, lanes), scaled(f, columns, qt, q));
  lp_store_at(f, e->y, LP_LIST(bt, o, within), relu(f, lp_read_reg(f, a, r, q)));
  ends(f, 5);
  lp_nest_end(f, 2.0 * f->padded * EXAMPLE_IN * EXAMPLE_OUT);
}

/* Rows that exist, one by one. */
static void output(example *e, uint32_t tiles) {
  lp_function *f = e->f;
  lp_nest_begin(f, net_intern(f->n, "output"));
  lp_expr bt = loop(f, "bt", tiles, 0), base = lp_product(f, bt, lp_int(f, f->tile));
  lp_expr left = lp_difference(f, lp_convert(f, NET_I32, lp_sample_count(f)), base);
  lp_expr s = lp_begin_for(f, "s", lp_int(f, 0), lp_op2(f, LP_min, lp_int(f, f->tile), left), 1, 0);
  lp_expr o = loop(f, "o", EXAMPLE_OUT, 0);
  lp_expr y = lp_vector_load(f, e->y, 1, LP_LIST(bt, o, s));
  lp_store_at(f, e->output, LP_LIST(lp_addition(f, base, s), o), y);
  ends(f, 3);
  lp_nest_end(f, 0);
}

/* Vectors of products over the samples, lanes of them at a time reduced by a tree; samples past the count
 * give 0. */
static void weight_gradient(example *e, uint32_t tiles) {
  lp_function *f = e->f;
  uint32_t lanes = f->lanes;
  lp_nest_begin(f, net_intern(f->n, "weight_gradient"));
  uint32_t block = lanes < 2 ? 1 : 2; /* divides both extents; block² accumulators in rows of a tree */
  lp_reg a = lp_reg_new(f, "a", NET_F32, lanes, block * block, 1),
         t = lp_reg_new(f, "t", NET_F32, lanes, 1, 1);
  bool tree = lanes >= block * block;
  lp_expr ot = loop(f, "ot", EXAMPLE_OUT / block, LP_PARALLEL), it = loop(f, "it", EXAMPLE_IN / block, 0);
  lp_expr k = loop(f, "k", block * block, LP_UNROLL);
  lp_set(f, a, k, 0, lp_splat_of(f, lp_real(f, 0), lanes));
  lp_end(f);
  lp_expr bt = loop(f, "bt", tiles, 0), q = lp_begin_for(f, "q", lp_int(f, 0), lp_int(f, f->tile), lanes, 0);
  lp_expr r = loop(f, "r", block, LP_UNROLL), c = loop(f, "c", block, LP_UNROLL);
  lp_expr o = scaled(f, block, ot, r), i = scaled(f, block, it, c), reg = scaled(f, block, r, c);
  lp_expr dy = lp_vector_load(f, e->y, lanes, LP_LIST(bt, o, q));
  lp_expr x = lp_vector_load(f, e->x, lanes, LP_LIST(bt, i, q));
  lp_expr sample = lp_addition(f, lp_lanes_of(f, lanes), scaled(f, f->tile, bt, q));
  lp_expr valid = lp_op2(f, LP_lt, sample, lp_convert(f, NET_I32, lp_sample_count(f)));
  lp_expr sum = lp_op3(f, LP_fma, dy, x, lp_read_reg(f, a, reg, 0));
  lp_set(f, a, reg, 0, lp_select(f, valid, sum, lp_read_reg(f, a, reg, 0)));
  ends(f, 4);
  lp_expr scale = lp_quotient(f, lp_real(f, 1), lp_samples(f));
  if (tree) lp_set(f, t, 0, 0, lp_tree_of(f, LP_SUM, a, block * block));
  for (uint32_t m = 0; m < block * block; m++) {
    lp_expr at =
        lp_addition(f, lp_product(f, scaled(f, block, ot, lp_int(f, m / block)), lp_int(f, EXAMPLE_IN)),
                    scaled(f, block, it, lp_int(f, m % block)));
    lp_expr whole = tree ? lp_part_of(f, lp_read_reg(f, t, 0, 0), m, 1)
                         : lp_fold_of(f, LP_SUM, lp_read_reg(f, a, lp_int(f, m), 0));
    lp_store_at(f, e->dw, 1, &at, lp_product(f, whole, scale));
  }
  ends(f, 2);
  lp_nest_end(f, 0);
}

static void update(example *e) {
  lp_function *f = e->f;
  lp_nest_begin(f, net_intern(f->n, "update"));
  lp_expr zero = lp_int(f, 0);
  lp_finite(f, lp_vector_load(f, e->dw, 1, 1, &zero));
  lp_expr i = lp_begin_for(f, "i", zero, lp_int(f, EXAMPLE_OUT * EXAMPLE_IN), f->lanes, LP_PARALLEL);
  lp_expr change =
      lp_product(f, lp_vector_load(f, e->rate, 1, 1, &zero), lp_vector_load(f, e->dw, f->lanes, 1, &i));
  lp_store_at(f, e->w, 1, &i, lp_difference(f, lp_vector_load(f, e->w, f->lanes, 1, &i), change));
  lp_end(f);
  lp_nest_end(f, 0);
}

void example_nests(example *e) {
  uint32_t tiles = e->f->padded / e->f->tile;
  gather(e, tiles);
  linear(e, tiles, 3, e->f->tile / e->f->lanes % 2 ? 1 : 2);
  output(e, tiles);
  weight_gradient(e, tiles);
  update(e);
  lp_place_apart(e->f);
}

/* ---- text ---- */

char *example_text(netc *n, const lp_function *f, void (*print)(FILE *, const lp_function *)) {
  char *text = NULL;
  size_t length = 0;
  FILE *to = open_memstream(&text, &length);
  print(to, f);
  fclose(to);
  char *copy = net_arena_copy(&n->arena, text, length);
  free(text);
  return copy;
}

char *example_expr(lp_function *f, lp_expr e) {
  char *text = NULL;
  size_t length = 0;
  FILE *to = open_memstream(&text, &length);
  lp_print_expr(to, f, e);
  fclose(to);
  char *copy = net_arena_copy(f->arena, text, length);
  free(text);
  return copy;
}

const char *example_faults(netc *n) {
  char *all = net_arena_copy(&n->arena, "", 0);
  net_diagnostics *d = &n->diagnostics;
  for (; d->printed < d->list.count; d->printed++)
    if (d->list.at[d->printed].severity == NET_FAULT)
      all = net_arena_format(&n->arena, "%s%s\n", all, d->list.at[d->printed].message);
  return all;
}
