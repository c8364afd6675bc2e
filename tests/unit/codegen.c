/* codegen/: nests as a scheduler makes them, compiled and compared with the evaluator. */
#include "tests/codegen/check.h"

/* ---- contractions ---- */

enum { BATCH = 64, IN = 13, OUT = 6 };

/* y[b, o] = max(0, bias[o] + Σ w[o, i]·x[b, i]) in tiles of 3 × 2 vectors */
static void test_forward(check *c) {
  enum { ROWS = 3 };
  uint32_t lanes = c->lanes, tile = 2 * lanes;
  lp_function *f = check_function(c, "forward", BATCH, false);
  lp_buffer x = CHECK_BUFFER(f, "x", NET_F32, LP_SCRATCH, 0, BATCH / tile, IN, tile);
  lp_buffer y = CHECK_BUFFER(f, "y", NET_F32, LP_SCRATCH, 0, BATCH / tile, OUT, tile);
  lp_buffer w = CHECK_BUFFER(f, "w", NET_F32, LP_VARIABLE, 0, OUT, IN);
  lp_buffer bias = CHECK_BUFFER(f, "bias", NET_F32, LP_VARIABLE, 1, OUT);
  lp_nest_begin(f, net_intern(f->n, "linear_1+relu_1"));
  lp_reg a = lp_reg_new(f, "a", NET_F32, lanes, ROWS, 2), p = lp_reg_new(f, "p", NET_F32, lanes, 2, 1);
  lp_expr bt = lp_begin_for(f, "bt", K(f, 0), K(f, BATCH / tile), 1, LP_PARALLEL);
  lp_expr o = lp_begin_for(f, "o", K(f, 0), K(f, OUT), ROWS, 0);
  lp_expr r = lp_begin_for(f, "r", K(f, 0), K(f, ROWS), 1, LP_UNROLL);
  lp_expr q = lp_begin_for(f, "q", K(f, 0), K(f, 2), 1, LP_UNROLL);
  lp_set(f, a, r, q, lp_splat_of(f, lp_vector_load(f, bias, 1, LP_LIST(ADD(f, o, r))), lanes));
  lp_end(f), lp_end(f);
  lp_expr i = lp_begin_for(f, "i", K(f, 0), K(f, IN), 1, 0);
  q = lp_begin_for(f, "q", K(f, 0), K(f, 2), 1, LP_UNROLL);
  lp_set(f, p, q, 0, lp_vector_load(f, x, lanes, LP_LIST(bt, i, TIMES(f, q, lanes))));
  lp_end(f);
  r = lp_begin_for(f, "r", K(f, 0), K(f, ROWS), 1, LP_UNROLL);
  q = lp_begin_for(f, "q", K(f, 0), K(f, 2), 1, LP_UNROLL);
  lp_expr weight = lp_splat_of(f, lp_vector_load(f, w, 1, LP_LIST(ADD(f, o, r), i)), lanes);
  lp_set(f, a, r, q, lp_op3(f, LP_fma, weight, lp_read_reg(f, p, q, 0), lp_read_reg(f, a, r, q)));
  lp_end(f), lp_end(f), lp_end(f);
  r = lp_begin_for(f, "r", K(f, 0), K(f, ROWS), 1, LP_UNROLL);
  q = lp_begin_for(f, "q", K(f, 0), K(f, 2), 1, LP_UNROLL);
  lp_expr relu = lp_op2(f, LP_max, check_zero(f, NET_F32, lanes), lp_read_reg(f, a, r, q));
  lp_store_at(f, y, LP_LIST(bt, ADD(f, o, r), TIMES(f, q, lanes)), relu);
  lp_end(f), lp_end(f), lp_end(f), lp_end(f);
  lp_nest_end(f, 1e6);
  lp_memory m = check_memory(c, f);
  assert_int_equal(check_run(c, f, &m), 0);
  const float *of_x = m.buffers[x], *of_w = m.buffers[w]; /* the first output, by hand */
  float sum = *(float *)m.buffers[bias];
  for (int k = 0; k < IN; k++) sum += of_w[k] * of_x[k * tile];
  assert_float_equal(*(float *)m.buffers[y], sum > 0 ? sum : 0, 1e-5f);
}

/* dw[o, i] = Σ_b dy[b, o]·x[b, i]: vectors of partial sums, at last `count` of them reduced by a tree */
static void weight_gradient(check *c, uint32_t count) {
  uint32_t lanes = c->lanes, tile = 2 * lanes;
  lp_function *f = check_function(c, "gradient", BATCH, false);
  lp_buffer x = CHECK_BUFFER(f, "x", NET_F32, LP_SCRATCH, 0, BATCH / tile, count, tile);
  lp_buffer dy = CHECK_BUFFER(f, "dy", NET_F32, LP_SCRATCH, 0, BATCH / tile, OUT, tile);
  lp_buffer dw = CHECK_BUFFER(f, "dw", NET_F32, LP_SCRATCH, 0, OUT, count);
  lp_nest_begin(f, net_intern(f->n, "linear_1.weight_gradient"));
  lp_reg a = lp_reg_new(f, "a", NET_F32, lanes, lanes, 1), d = lp_reg_new(f, "d", NET_F32, lanes, 1, 1);
  lp_reg total = lp_reg_new(f, "total", NET_F32, lanes, 1, 1);
  lp_expr o = lp_begin_for(f, "o", K(f, 0), K(f, OUT), 1, LP_PARALLEL);
  lp_expr i = lp_begin_for(f, "i", K(f, 0), K(f, count), 1, LP_UNROLL);
  lp_set(f, a, i, 0, check_zero(f, NET_F32, lanes));
  lp_end(f);
  lp_expr bt = lp_begin_for(f, "bt", K(f, 0), K(f, BATCH / tile), 1, 0);
  lp_expr q = lp_begin_for(f, "q", K(f, 0), K(f, tile), lanes, 0);
  lp_set(f, d, 0, 0, lp_vector_load(f, dy, lanes, LP_LIST(bt, o, q)));
  i = lp_begin_for(f, "i", K(f, 0), K(f, count), 1, LP_UNROLL);
  lp_expr factor = lp_vector_load(f, x, lanes, LP_LIST(bt, i, q));
  lp_set(f, a, i, 0, lp_op3(f, LP_fma, lp_read_reg(f, d, 0, 0), factor, lp_read_reg(f, a, i, 0)));
  lp_end(f), lp_end(f), lp_end(f);
  lp_set(f, total, 0, 0, lp_tree_of(f, LP_SUM, a, count));
  for (uint32_t k = 0; k < count; k++)
    lp_store_at(f, dw, LP_LIST(o, K(f, k)), lp_part_of(f, lp_read_reg(f, total, 0, 0), k, 1));
  lp_end(f);
  lp_nest_end(f, 1e6);
  lp_memory m = check_memory(c, f);
  assert_int_equal(check_run(c, f, &m), 0);
}

static void test_weight_gradient(check *c) {
  for (uint32_t count = 1; count <= c->lanes; count++) weight_gradient(c, count);
}

/* ---- reductions inside a vector ---- */

static const net_type folded[] = {NET_F32, NET_F64, NET_I32, NET_U32, NET_I8, NET_U64};
static const lp_combine combines[] = {LP_SUM, LP_MAXIMUM, LP_MINIMUM};

static void test_folds(check *c) {
  lp_function *f = check_function(c, "folds", BATCH, false);
  lp_nest_begin(f, net_intern(f->n, "folds"));
  for (uint32_t t = 0; t < sizeof folded / sizeof *folded; t++) {
    lp_buffer x = CHECK_BUFFER(f, "x", folded[t], LP_SCRATCH, 0, LP_MAX_LANES);
    for (uint32_t k = 0; k < 3; k++)
      for (uint32_t lanes = 1; lanes <= LP_MAX_LANES; lanes *= 2) {
        lp_buffer y = CHECK_BUFFER(f, "y", folded[t], LP_SCRATCH, 0, 1);
        lp_store_at(f, y, LP_LIST(K(f, 0)),
                    lp_fold_of(f, combines[k], lp_vector_load(f, x, lanes, LP_LIST(K(f, 0)))));
      }
  }
  lp_nest_end(f, 1);
  lp_memory m = check_memory(c, f);
  assert_int_equal(check_run(c, f, &m), 0);
  const float *x = m.buffers[0], *sum_of_two = m.buffers[2];
  assert_true(*sum_of_two == x[0] + x[1]);
  for (uint64_t seed = 0; seed < 16; seed++) { /* with zeros and NaNs the order of operands shows */
    check_fill_special(f, &m, seed);
    assert_int_equal(check_run(c, f, &m), 0);
  }
}

/* Trees of every type, combination and number of vectors; parts of their results */
static void test_trees(check *c) {
  for (uint32_t t = 0; t < sizeof folded / sizeof *folded; t++) {
    lp_function *f = check_function(c, "trees", BATCH, false);
    uint32_t lanes = 8, count = 1 + t;
    lp_buffer x = CHECK_BUFFER(f, "x", folded[t], LP_SCRATCH, 0, count, lanes);
    lp_buffer y = CHECK_BUFFER(f, "y", folded[t], LP_SCRATCH, 0, 3, count);
    lp_nest_begin(f, net_intern(f->n, "trees"));
    lp_reg a = lp_reg_new(f, "a", folded[t], lanes, lanes, 1);
    lp_expr i = lp_begin_for(f, "i", K(f, 0), K(f, count), 1, LP_UNROLL);
    lp_set(f, a, i, 0, lp_vector_load(f, x, lanes, LP_LIST(i, K(f, 0))));
    lp_end(f);
    for (uint32_t k = 0; k < 3; k++)
      for (uint32_t l = 0; l < count; l++) {
        lp_expr tree = lp_tree_of(f, combines[k], a, count);
        lp_store_at(f, y, LP_LIST(K(f, k), K(f, l)), lp_part_of(f, tree, l, 1));
      }
    lp_nest_end(f, 1);
    lp_memory m = check_memory(c, f);
    for (uint64_t seed = 0; seed < 4; seed++) {
      check_fill_special(f, &m, seed);
      assert_int_equal(check_run(c, f, &m), 0);
    }
  }
}

/* ---- the gather ---- */

/* x[bt, i, s] = column[index[bt·T + s], i]: rows of `lanes` features, transposed in registers */
static void test_gather(check *c) {
  uint32_t lanes = c->lanes, tile = 2 * lanes, batch = 2 * tile, width = 2 * lanes, rows = 50;
  lp_function *f = check_function(c, "gather", batch, false);
  lp_buffer x = CHECK_BUFFER(f, "x", NET_F32, LP_SCRATCH, 0, 2, width, tile);
  lp_buffer column = CHECK_BUFFER(f, "column", NET_F32, LP_COLUMN, 1, 0, width);
  lp_buffer index = CHECK_BUFFER(f, "index", NET_U32, LP_INDEX, 0, batch);
  lp_nest_begin(f, net_intern(f->n, "gather"));
  lp_reg v = lp_reg_new(f, "v", NET_F32, lanes, lanes, 1);
  lp_expr bt = lp_begin_for(f, "bt", K(f, 0), K(f, 2), 1, LP_PARALLEL);
  lp_expr q = lp_begin_for(f, "q", K(f, 0), K(f, tile), lanes, 0);
  lp_expr i = lp_begin_for(f, "i", K(f, 0), K(f, width), lanes, 0);
  lp_expr k = lp_begin_for(f, "k", K(f, 0), K(f, lanes), 1, LP_UNROLL);
  lp_expr sample = ADD(f, ADD(f, TIMES(f, bt, tile), q), k);
  lp_expr row = lp_convert(f, NET_I32, lp_vector_load(f, index, 1, LP_LIST(sample)));
  lp_set(f, v, k, 0, lp_vector_load(f, column, lanes, LP_LIST(row, i)));
  lp_end(f);
  lp_transpose(f, v);
  k = lp_begin_for(f, "k", K(f, 0), K(f, lanes), 1, LP_UNROLL);
  lp_store_at(f, x, LP_LIST(bt, ADD(f, i, k), q), lp_read_reg(f, v, k, 0));
  lp_end(f), lp_end(f), lp_end(f), lp_end(f);
  lp_nest_end(f, 1e6);
  lp_memory m = check_memory(c, f);
  float *data = m.buffers[column] = net_arena_alloc(&c->n.arena, sizeof(float) * rows * width, 64);
  for (uint32_t at = 0; at < rows * width; at++) data[at] = (float)at;
  uint32_t *of = m.buffers[index];
  for (uint32_t s = 0; s < batch; s++) of[s] = s * 7 % rows;
  assert_int_equal(check_run(c, f, &m), 0);
  assert_true(((float *)m.buffers[x])[tile + 1] == data[7 * width + 1]); /* feature 1 of sample 1 */
}

/* ---- loops, conditions, masks ---- */

/* Sums over the samples there are, for every number of them; loops whose bounds depend on it, with steps */
static void test_masks(check *c) {
  uint32_t lanes = c->lanes, batch = 3 * lanes;
  lp_function *f = check_function(c, "masks", batch, true);
  lp_buffer x = CHECK_BUFFER(f, "x", NET_F32, LP_SCRATCH, 0, 4 * lanes);
  lp_buffer sum = CHECK_BUFFER(f, "sum", NET_F32, LP_SCRATCH, 0, 1);
  lp_buffer steps = CHECK_BUFFER(f, "steps", NET_I32, LP_SCRATCH, 0, 2);
  lp_buffer correct = CHECK_BUFFER(f, "correct", NET_U32, LP_RESULT, 2, 1);
  lp_nest_begin(f, net_intern(f->n, "masks"));
  lp_reg a = lp_reg_new(f, "a", NET_F32, lanes, 1, 1), n = lp_reg_new(f, "n", NET_I32, 1, 1, 1);
  lp_expr samples = lp_convert(f, NET_I32, lp_sample_count(f));
  lp_set(f, a, 0, 0, check_zero(f, NET_F32, lanes));
  lp_expr q = lp_begin_for(f, "q", K(f, 0), samples, lanes, 0);
  lp_expr at = ADD(f, lp_splat_of(f, q, lanes), lp_lanes_of(f, lanes));
  lp_expr there = lp_op2(f, LP_lt, at, lp_splat_of(f, samples, lanes));
  lp_expr value = lp_select(f, there, lp_vector_load(f, x, lanes, LP_LIST(q)), check_zero(f, NET_F32, lanes));
  lp_set(f, a, 0, 0, ADD(f, lp_read_reg(f, a, 0, 0), value));
  lp_end(f);
  lp_expr total = lp_fold_of(f, LP_SUM, lp_read_reg(f, a, 0, 0));
  lp_store_at(f, sum, LP_LIST(K(f, 0)), lp_quotient(f, total, lp_samples(f)));
  lp_set(f, n, 0, 0, K(f, 0));
  lp_expr s = lp_begin_for(f, "s", lp_difference(f, samples, K(f, 5)), ADD(f, samples, K(f, 3)), 3, 0);
  lp_set(f, n, 0, 0, ADD(f, TIMES(f, lp_read_reg(f, n, 0, 0), 10), s));
  lp_end(f);
  lp_begin_for(f, "none", samples, lp_difference(f, samples, K(f, 1)), 1, 0);
  lp_set(f, n, 0, 0, K(f, -1));
  lp_end(f);
  lp_store_at(f, steps, LP_LIST(K(f, 0)), lp_read_reg(f, n, 0, 0));
  lp_begin_if(f, lp_op2(f, LP_gt, samples, K(f, 7)));
  lp_begin_if(f, lp_op2(f, LP_eq, lp_op2(f, LP_and, samples, K(f, 1)), K(f, 0)));
  lp_store_at(f, steps, LP_LIST(K(f, 1)), samples);
  lp_end(f), lp_end(f);
  lp_begin_if(f, lp_constant(f, NET_BOOL, 0, 0));
  lp_store_at(f, steps, LP_LIST(K(f, 1)), K(f, -1));
  lp_end(f);
  lp_store_at(f, correct, LP_LIST(K(f, 0)), lp_sample_count(f));
  lp_nest_end(f, 1);
  for (uint32_t count = 1; count <= batch; count++) {
    lp_memory m = check_memory(c, f);
    m.count = count;
    assert_int_equal(check_run(c, f, &m), 0);
    assert_int_equal(*(uint32_t *)m.buffers[correct], count);
    int32_t expected = (int32_t)((count - 5) * 100 + (count - 2) * 10 + count + 1);
    assert_int_equal(((int32_t *)m.buffers[steps])[0], expected);
    if (count > 7 && count % 2 == 0) assert_int_equal(((int32_t *)m.buffers[steps])[1], count);
  }
}

/* Leaves before anything is written unless the loss is finite. */
static void test_finite(check *c) {
  static const float values[] = {0, -1e38f, 3e38f, __builtin_inff(), -__builtin_inff(), __builtin_nanf("")};
  lp_function *f = check_function(c, "finite", BATCH, false);
  lp_buffer scalar = CHECK_BUFFER(f, "scalar", NET_F32, LP_SCALAR, 3, 1);
  lp_buffer w = CHECK_BUFFER(f, "w", NET_F32, LP_VARIABLE, 0, 16);
  lp_buffer loss = CHECK_BUFFER(f, "loss", NET_F64, LP_RESULT, 0, 1);
  lp_nest_begin(f, net_intern(f->n, "loss"));
  lp_begin_for(f, "k", K(f, 0), K(f, 2), 1, 0);
  lp_expr value = lp_vector_load(f, scalar, 1, LP_LIST(K(f, 0)));
  lp_store_at(f, loss, LP_LIST(K(f, 0)), lp_convert(f, NET_F64, value));
  lp_finite(f, value);
  lp_finite(f, lp_vector_load(f, loss, 1, LP_LIST(K(f, 0))));
  lp_end(f);
  lp_nest_end(f, 1);
  lp_nest_begin(f, net_intern(f->n, "update"));
  lp_store_at(f, w, LP_LIST(K(f, 2)), lp_real(f, 42));
  lp_nest_end(f, 1);
  for (uint32_t i = 0; i < sizeof values / sizeof *values; i++) {
    lp_memory m = check_memory(c, f);
    m.scalars[3] = values[i];
    assert_int_equal(check_run(c, f, &m), i > 2);
    assert_int_equal(((float *)m.buffers[w])[2] == 42, i <= 2);
  }
}

/* Constants, step and key, booleans in memory, outputs, every other kind of buffer */
static void test_buffers(check *c) {
  static const uint8_t bytes[8] = {3, 1, 4, 1, 5, 9, 2, 6};
  lp_function *f = check_function(c, "buffers", BATCH, false);
  lp_buffer data = CHECK_BUFFER(f, "data", NET_U8, LP_CONSTANT, 0, 8);
  f->buffers.at[data].data = bytes;
  lp_buffer flags = CHECK_BUFFER(f, "flags", NET_BOOL, LP_SCRATCH, 0, 8);
  lp_buffer y = CHECK_BUFFER(f, "y", NET_F32, LP_OUTPUT, 2, 3, 8);
  lp_buffer weights = CHECK_BUFFER(f, "weights", NET_F64, LP_RESULT, 1, 1);
  lp_nest_begin(f, net_intern(f->n, "one"));
  lp_expr value = lp_convert(f, NET_F32, lp_vector_load(f, data, 8, LP_LIST(K(f, 0))));
  lp_store_at(f, flags, LP_LIST(K(f, 0)), lp_op2(f, LP_gt, value, lp_splat_of(f, lp_real(f, 3), 8)));
  lp_nest_end(f, 1);
  lp_nest_begin(f, net_intern(f->n, "two"));
  lp_expr flag = lp_vector_load(f, flags, 8, LP_LIST(K(f, 0)));
  value = lp_convert(f, NET_F32, lp_vector_load(f, data, 8, LP_LIST(K(f, 0))));
  lp_expr row = lp_begin_for(f, "row", K(f, 0), K(f, 3), 1, 0);
  lp_store_at(f, y, LP_LIST(row, K(f, 0)), lp_select(f, flag, value, check_zero(f, NET_F32, 8)));
  lp_end(f);
  lp_expr mixed = lp_op2(f, LP_mulhi, lp_parameter(f, 1), lp_parameter(f, 2));
  mixed = lp_op2(f, LP_xor, lp_parameter(f, 0), mixed);
  lp_store_at(f, weights, LP_LIST(K(f, 0)), lp_convert(f, NET_F64, mixed));
  lp_nest_end(f, 1);
  lp_memory m = check_memory(c, f);
  m.params[0] = 7, m.params[1] = 0xDEADBEEF, m.params[2] = 0x80000001;
  assert_int_equal(check_run(c, f, &m), 0);
  assert_true(((float *)m.buffers[y])[2 * 8 + 5] == 9 && ((float *)m.buffers[y])[2 * 8] == 0);
}

/* Index arithmetic of every shape: alignment must be claimed only where it holds (SSE faults otherwise),
 * negative steps and offsets, products of variables, quotients and remainders, loops that start anywhere. */
static void test_indices(check *c) {
  enum { ROWS = 7, WIDTH = 331 };
  uint32_t lanes = c->lanes;
  lp_function *f = check_function(c, "indices", BATCH, false);
  lp_buffer x = CHECK_BUFFER(f, "x", NET_F32, LP_SCRATCH, 0, ROWS, WIDTH);
  lp_buffer wide = CHECK_BUFFER(f, "wide", NET_F64, LP_SCRATCH, 0, ROWS, WIDTH + 1);
  lp_buffer y = CHECK_BUFFER(f, "y", NET_F32, LP_SCRATCH, 0, 16, ROWS, 4, 64);
  lp_nest_begin(f, net_intern(f->n, "indices"));
  lp_expr i = lp_begin_for(f, "i", K(f, 1), K(f, ROWS), 1, 0);
  lp_expr j = lp_begin_for(f, "j", K(f, 0), K(f, 4), 1, LP_UNROLL);
  lp_expr k = lp_begin_for(f, "k", K(f, 3), K(f, 5), 1, 0);
  lp_expr unsigned_i = lp_convert(f, NET_U32, i), three = lp_constant(f, NET_U32, 0, 3);
  lp_expr quotient = lp_convert(f, NET_I32, lp_op2(f, LP_div, unsigned_i, three));
  lp_expr remainder = lp_convert(f, NET_I32, lp_op2(f, LP_rem, unsigned_i, three));
  lp_expr columns[] = {
      K(f, 16),
      TIMES(f, i, 16),
      ADD(f, TIMES(f, j, 2), TIMES(f, i, 4)),
      ADD(f, TIMES(f, k, 32), K(f, 3)),
      lp_product(f, i, k),
      lp_difference(f, K(f, 200), TIMES(f, i, 24)),
      lp_difference(f, TIMES(f, k, 8), ADD(f, i, j)),
      ADD(f, TIMES(f, quotient, 64), remainder),
      lp_product(f, remainder, TIMES(f, k, 2)),
      lp_difference(f, TIMES(f, i, 5), TIMES(f, i, 4)),
      lp_difference(f, i, i),
  };
  for (uint32_t p = 0; p < sizeof columns / sizeof *columns; p++) {
    lp_expr narrow = lp_vector_load(f, x, lanes, LP_LIST(lp_difference(f, i, K(f, p % 2)), columns[p]));
    lp_expr both = lp_vector_load(f, wide, lanes, LP_LIST(i, columns[p]));
    both = ADD(f, lp_convert(f, NET_F64, narrow), both);
    lp_expr at = TIMES(f, lp_difference(f, k, K(f, 3)), lanes);
    lp_store_at(f, y, LP_LIST(K(f, p), i, j, at), lp_convert(f, NET_F32, both));
    lp_store_at(f, wide, LP_LIST(i, ADD(f, columns[p], K(f, 1))), both);
  }
  lp_end(f), lp_end(f), lp_end(f);
  lp_nest_end(f, 1);
  lp_memory m = check_memory(c, f);
  assert_int_equal(check_run(c, f, &m), 0);
}

/* ---- threads ---- */

typedef struct {
  uint32_t calls, pieces;
} pool;

/* Splits the iterations into pieces and does them last to first. */
static void in_pieces(void *context, rt_work work, const void *step, uint32_t count) {
  pool *p = context;
  p->calls++;
  for (uint32_t piece = p->pieces; piece-- > 0;)
    work(step, count * piece / p->pieces, count * (piece + 1) / p->pieces);
}

/* Loops with first values and steps, one of a dynamic length; one nest worth the threads, one not */
static void test_parallel(check *c) {
  uint32_t batch = 4 * BATCH;
  lp_function *f = check_function(c, "parallel", batch, true);
  lp_buffer x = CHECK_BUFFER(f, "x", NET_F32, LP_SCRATCH, 0, batch + 16);
  lp_expr count = lp_convert(f, NET_I32, lp_sample_count(f));
  for (uint32_t k = 0; k < 3; k++) {
    lp_nest_begin(f, net_intern_format(f->n, "nest_%u", k));
    lp_expr b = lp_begin_for(f, "b", K(f, 2), k == 1 ? count : K(f, (int)batch), 1 + 2 * k, LP_PARALLEL);
    lp_expr value = lp_vector_load(f, x, 1, LP_LIST(b));
    lp_store_at(f, x, LP_LIST(b), lp_op3(f, LP_fma, value, value, lp_real(f, 0.25)));
    lp_end(f);
    lp_nest_end(f, k == 2 ? 1e3 : 1e7);
  }
  for (uint32_t pieces = 1; pieces < 6; pieces++) {
    lp_memory m = check_memory(c, f);
    m.count = 1 + 50 * (pieces - 1);
    pool p = {.pieces = pieces};
    assert_int_equal(check_run_threads(c, f, &m, (rt_step){.parallel_for = in_pieces, .pool = &p}), 0);
    assert_int_equal(p.calls, 2);
  }
}

/* Several functions in one object; buffers that overlap must not be taken for apart. */
static void test_functions(check *c) {
  lp_function *f[2];
  for (uint32_t k = 0; k < 2; k++) {
    f[k] = check_function(c, k ? "second" : "first", BATCH, false);
    lp_buffer a = CHECK_BUFFER(f[k], "a", NET_F32, LP_VARIABLE, 0, 32);
    lp_buffer b = CHECK_BUFFER(f[k], "b", NET_F32, LP_VARIABLE, 1, 32);
    lp_place_apart(f[k]);
    f[k]->buffers.at[b].offset = f[k]->buffers.at[a].offset + 1;
    lp_nest_begin(f[k], net_intern(&c->n, "shift")); /* b is a, shifted: the value travels along */
    lp_expr i = lp_begin_for(f[k], "i", K(f[k], 0), K(f[k], 16), 1, 0);
    lp_store_at(f[k], b, LP_LIST(i), ADD(f[k], lp_vector_load(f[k], a, 1, LP_LIST(i)), lp_real(f[k], k + 1)));
    lp_end(f[k]);
    lp_nest_end(f[k], 1);
  }
  cg_jit *jit = check_compile(c, (const lp_function *const *)f, 2);
  assert_null(cg_jit_find(jit, "third"));
  for (uint32_t k = 0; k < 2; k++) {
    _Alignas(64) float variables[48] = {5};
    rt_step step = {.variables = variables};
    assert_int_equal(cg_jit_find(jit, k ? "second" : "first")(&step), 0);
    assert_true(variables[16] == (float)(5 + 16 * (k + 1)));
  }
  cg_jit_free(jit);
}

#define TEST(name)                                                                                           \
  static void name##_everywhere(void **state) {                                                              \
    (void)state;                                                                                             \
    check_targets(name);                                                                                     \
  }
TEST(test_forward)
TEST(test_weight_gradient)
TEST(test_folds)
TEST(test_trees)
TEST(test_gather)
TEST(test_masks)
TEST(test_finite)
TEST(test_buffers)
TEST(test_indices)
TEST(test_parallel)
TEST(test_functions)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_forward_everywhere),  cmocka_unit_test(test_weight_gradient_everywhere),
      cmocka_unit_test(test_folds_everywhere),    cmocka_unit_test(test_trees_everywhere),
      cmocka_unit_test(test_gather_everywhere),   cmocka_unit_test(test_masks_everywhere),
      cmocka_unit_test(test_finite_everywhere),   cmocka_unit_test(test_buffers_everywhere),
      cmocka_unit_test(test_parallel_everywhere), cmocka_unit_test(test_functions_everywhere),
      cmocka_unit_test(test_indices_everywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
