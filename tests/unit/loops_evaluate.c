/* loops/evaluate.h: both forms of a hand-built step agree, and what each statement and expression does. */
#include "tests/loops/example.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { ROWS = 100 };

/* The columns' rows, the same for both; the index walks over them in odd steps. */
static void set_inputs(netc *n, example *e, lp_memory *m, uint32_t count) {
  float *rows = NET_NEW_ARRAY(&n->arena, float, ROWS *EXAMPLE_IN);
  for (uint32_t i = 0; i < ROWS * EXAMPLE_IN; i++) rows[i] = (float)((int)(i * 37 % 201) - 100) / 64;
  m->buffers[e->column] = rows;
  m->count = count;
  uint32_t *index = m->buffers[e->index];
  for (uint32_t s = 0; s < e->f->padded; s++) index[s] = (s < count ? s : count - 1) * 37 % ROWS;
  *(float *)m->buffers[e->rate] = 0.25f;
}

static void assert_near(const float *a, const float *b, size_t count, double relative) {
  for (size_t i = 0; i < count; i++)
    if (!(fabs((double)a[i] - b[i]) <= relative * (1 + fabs((double)a[i]))))
      fail_msg("element %zu: %a and %a", i, (double)a[i], (double)b[i]);
}

static void compare_forms(uint32_t batch, uint32_t tile, uint32_t lanes, uint32_t count) {
  netc n;
  netc_init(&n, NULL);
  example e = example_new(&n, batch, tile, lanes, count != batch);
  example_statements(&e);
  example_nests(&e);
  assert_true(lp_verify_statements(e.f));
  assert_true(lp_verify_nests(e.f));
  lp_memory one = lp_memory_new(&n.arena, e.f, false), two = lp_memory_new(&n.arena, e.f, true);
  lp_memory_fill(e.f, &one, 3);
  set_inputs(&n, &e, &one, count);
  set_inputs(&n, &e, &two, count);
  lp_memory_lay_out(e.f, e.w, &one, &two);
  lp_memory_lay_out(e.f, e.bias, &one, &two);
  assert_true(lp_evaluate_statements(e.f, &one));
  assert_int_equal(lp_evaluate_nests(e.f, &two), 0);
  lp_memory back = lp_memory_new(&n.arena, e.f, false);
  lp_buffer compared[] = {e.x, e.y, e.dw, e.w, e.output};
  for (uint32_t i = 0; i < sizeof compared / sizeof *compared; i++) {
    lp_memory_take_back(e.f, compared[i], &two, &back);
    const lp_buffer_info *b = &e.f->buffers.at[compared[i]];
    assert_near(one.buffers[compared[i]], back.buffers[compared[i]],
                net_shape_elements(&b->shape) * (b->batched ? count : 1), compared[i] == e.x ? 0 : 1e-6);
  }
  assert_string_equal(example_faults(&n), "");
  netc_free(&n);
}

static void test_forms_agree(void **state) {
  (void)state;
  compare_forms(64, 32, 16, 64);
  compare_forms(64, 16, 8, 64);
  compare_forms(32, 8, 4, 32);
  compare_forms(16, 8, 1, 16);
  compare_forms(40, 16, 8, 40); /* the last tile is half empty */
  compare_forms(64, 32, 16, 37);
  compare_forms(64, 16, 8, 1);
}

/* What form 1 computes is right by itself: y and dw in double by hand. */
static void test_linear_by_hand(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  example e = example_new(&n, 5, 8, 8, false);
  example_statements(&e);
  lp_memory m = lp_memory_new(&n.arena, e.f, false);
  lp_memory_fill(e.f, &m, 9);
  set_inputs(&n, &e, &m, 5);
  float w[EXAMPLE_OUT * EXAMPLE_IN], *bias = m.buffers[e.bias], *y = m.buffers[e.y], *dw = m.buffers[e.dw];
  memcpy(w, m.buffers[e.w], sizeof w);
  assert_true(lp_evaluate_statements(e.f, &m));
  const float *rows = m.buffers[e.column];
  const uint32_t *index = m.buffers[e.index];
  double gradient[EXAMPLE_OUT * EXAMPLE_IN] = {0};
  for (uint32_t s = 0; s < 5; s++)
    for (uint32_t o = 0; o < EXAMPLE_OUT; o++) {
      double sum = bias[o];
      const float *x = rows + index[s] * EXAMPLE_IN;
      for (uint32_t i = 0; i < EXAMPLE_IN; i++) sum += (double)w[o * EXAMPLE_IN + i] * x[i];
      sum = sum < 0 ? 0 : sum;
      assert_true(fabs(sum - y[s * EXAMPLE_OUT + o]) < 1e-6);
      for (uint32_t i = 0; i < EXAMPLE_IN; i++) gradient[o * EXAMPLE_IN + i] += sum * x[i] / 5;
    }
  for (uint32_t i = 0; i < EXAMPLE_OUT * EXAMPLE_IN; i++) {
    assert_true(fabs(gradient[i] - dw[i]) < 1e-6);
    assert_true(fabs(w[i] - 0.25 * gradient[i] - ((float *)m.buffers[e.w])[i]) < 1e-6);
  }
  netc_free(&n);
}

/* ---- single expressions of form 2 ---- */

/* y[0 ..] = what the expression gives; x is 0, 1, 2 … scaled. */
typedef struct {
  netc n;
  lp_function *f;
  lp_memory m;
  lp_expr zero;
} bench;

static void bench_begin(bench *b) {
  netc_init(&b->n, NULL);
  b->f = lp_function_new(&b->n, &b->n.arena, net_intern(&b->n, "bench"), 8, false);
  for (int i = 0; i < 2; i++) {
    lp_buffer_new(b->f, net_intern(&b->n, i ? "y" : "x"), NET_F32, (net_shape){1, {64}}, false, LP_SCRATCH,
                  0);
    b->f->buffers.at[i].rank = 1;
    b->f->buffers.at[i].dim[0] = 64;
  }
  b->zero = lp_int(b->f, 0);
  lp_nest_begin(b->f, net_intern(&b->n, "bench"));
}

static const float *bench_run(bench *b, uint32_t expected) {
  lp_nest_end(b->f, 0);
  assert_true(lp_verify_nests(b->f));
  b->m = lp_memory_new(&b->n.arena, b->f, true);
  for (int i = 0; i < 64; i++) ((float *)b->m.buffers[0])[i] = i % 7 == 6 ? -1e8f : (float)i * 1.7f;
  assert_int_equal(lp_evaluate_nests(b->f, &b->m), expected);
  return b->m.buffers[1];
}

/* The order of a fold, bit for bit: by halving. */
static float halved(const float *x, uint32_t lanes) {
  float v[64];
  memcpy(v, x, lanes * sizeof *v);
  for (uint32_t w = lanes / 2; w; w /= 2)
    for (uint32_t k = 0; k < w; k++) v[k] += v[k + w];
  return v[0];
}

static void test_fold_and_tree(void **state) {
  (void)state;
  for (uint32_t lanes = 2; lanes <= 16; lanes *= 2) {
    bench b;
    bench_begin(&b);
    lp_reg r = lp_reg_new(b.f, "r", NET_F32, lanes, lanes, 1);
    uint32_t count = lanes == 4 ? 3 : lanes; /* fewer registers than lanes, too */
    for (uint32_t k = 0; k < count; k++) {
      lp_expr at = lp_int(b.f, 2 * k);
      lp_set(b.f, r, lp_int(b.f, k), 0, lp_vector_load(b.f, 0, lanes, 1, &at));
    }
    lp_expr tree = lp_tree_of(b.f, LP_SUM, r, count);
    for (uint32_t k = 0; k < count; k++) {
      lp_expr at = lp_int(b.f, k), behind = lp_int(b.f, 32 + k);
      lp_store_at(b.f, 1, 1, &at, lp_part_of(b.f, tree, k, 1));
      lp_store_at(b.f, 1, 1, &behind, lp_fold_of(b.f, LP_SUM, lp_read_reg(b.f, r, at, 0)));
    }
    const float *y = bench_run(&b, 0);
    for (uint32_t k = 0; k < count; k++) {
      float expected = halved((float *)b.m.buffers[0] + 2 * k, lanes);
      assert_memory_equal(&y[k], &expected, sizeof expected);
      assert_memory_equal(&y[32 + k], &expected, sizeof expected);
    }
    netc_free(&b.n);
  }
}

static void test_vectors(void **state) {
  (void)state;
  bench b;
  bench_begin(&b);
  lp_expr x = lp_vector_load(b.f, 0, 8, 1, &b.zero), at[8];
  for (uint32_t i = 0; i < 8; i++) at[i] = lp_int(b.f, 8 * i);
  lp_store_at(b.f, 1, 1, &at[0], lp_convert(b.f, NET_F32, lp_lanes_of(b.f, 8)));
  lp_store_at(b.f, 1, 1, &at[1], lp_part_of(b.f, lp_part_of(b.f, x, 1, 6), 2, 3)); /* lanes 3 to 5 */
  lp_store_at(b.f, 1, 1, &at[2], lp_splat_of(b.f, lp_part_of(b.f, x, 2, 1), 8));
  lp_store_at(b.f, 1, 1, &at[3], lp_product(b.f, x, lp_real(b.f, 2)));
  lp_expr even = lp_op2(b.f, LP_eq, lp_op2(b.f, LP_and, lp_lanes_of(b.f, 8), lp_int(b.f, 1)), lp_int(b.f, 0));
  lp_store_at(b.f, 1, 1, &at[4], lp_select(b.f, even, x, lp_real(b.f, -1)));
  lp_store_at(b.f, 1, 1, &at[5], lp_fold_of(b.f, LP_MAXIMUM, x));
  lp_expr next = lp_int(b.f, 41);
  lp_store_at(b.f, 1, 1, &next, lp_fold_of(b.f, LP_MINIMUM, x));
  const float *y = bench_run(&b, 0), *from = b.m.buffers[0];
  for (uint32_t i = 0; i < 8; i++) {
    assert_true(y[i] == (float)i);
    if (i < 3) assert_true(y[8 + i] == from[3 + i]);
    if (i >= 3) assert_true(y[8 + i] == 0);
    assert_true(y[16 + i] == from[2]);
    assert_true(y[24 + i] == 2 * from[i]);
    assert_true(y[32 + i] == (i % 2 ? -1 : from[i]));
  }
  assert_true(y[40] == 7 * 1.7f);
  assert_true(y[41] == -1e8f);
  netc_free(&b.n);
}

static void test_statements(void **state) {
  (void)state;
  bench b;
  bench_begin(&b);
  lp_reg r = lp_reg_new(b.f, "r", NET_F32, 4, 4, 1);
  lp_expr k = lp_begin_for(b.f, "k", b.zero, lp_int(b.f, 4), 1, LP_UNROLL),
          at = lp_product(b.f, k, lp_int(b.f, 4));
  lp_set(b.f, r, k, 0, lp_vector_load(b.f, 0, 4, 1, &at));
  lp_end(b.f);
  lp_transpose(b.f, r);
  k = lp_begin_for(b.f, "k", b.zero, lp_int(b.f, 4), 1, LP_UNROLL), at = lp_product(b.f, k, lp_int(b.f, 4));
  lp_begin_if(b.f, lp_op2(b.f, LP_ne, k, lp_int(b.f, 2)));
  lp_store_at(b.f, 1, 1, &at, lp_read_reg(b.f, r, k, 0));
  lp_end(b.f);
  lp_end(b.f);
  k = lp_begin_for(b.f, "k", lp_int(b.f, 17), lp_int(b.f, 30), 5, 0); /* 17, 22, 27 */
  lp_store_at(b.f, 1, 1, &k, lp_convert(b.f, NET_F32, k));
  lp_end(b.f);
  const float *y = bench_run(&b, 0), *from = b.m.buffers[0];
  for (uint32_t i = 0; i < 4; i++)
    for (uint32_t j = 0; j < 4; j++) assert_true(y[4 * i + j] == (i == 2 ? 0 : from[4 * j + i]));
  for (uint32_t i = 16; i < 64; i++) assert_true(y[i] == (i == 17 || i == 22 || i == 27 ? (float)i : 0));
  netc_free(&b.n);
}

static void test_finite(void **state) {
  (void)state;
  for (int wrong = 0; wrong < 3; wrong++) {
    static const float values[] = {1, INFINITY, NAN};
    bench b;
    bench_begin(&b);
    lp_expr three = lp_int(b.f, 3);
    lp_expr loss = lp_product(b.f, lp_vector_load(b.f, 0, 1, 1, &three), lp_real(b.f, values[wrong]));
    lp_finite(b.f, loss);
    lp_store_at(b.f, 1, 1, &b.zero, lp_real(b.f, 5));
    assert_true(*bench_run(&b, wrong != 0) == (wrong ? 0 : 5)); /* nothing after it has happened */
    netc_free(&b.n);
  }
}

/* An fma rounds once or twice, as memory says; a sum of float products never does. */
static void test_fma(void **state) {
  (void)state;
  bench b;
  bench_begin(&b);
  lp_expr at = lp_int(b.f, 1), x = lp_vector_load(b.f, 0, 1, 1, &at); /* 1.7f */
  lp_store_at(b.f, 1, 1, &b.zero, lp_op3(b.f, LP_fma, x, x, lp_real(b.f, -2.89)));
  lp_store_at(b.f, 1, 1, &at, lp_addition(b.f, lp_product(b.f, x, x), lp_real(b.f, -2.89)));
  const float *y = bench_run(&b, 0);
  float once = fmaf(1.7f, 1.7f, -2.89f), twice = (float)(1.7f * 1.7f) + -2.89f;
  assert_true(once != twice);
  assert_true(y[0] == once && y[1] == twice);
  b.m.fma = false;
  assert_int_equal(lp_evaluate_nests(b.f, &b.m), 0);
  assert_true(y[0] == twice && y[1] == twice);
  netc_free(&b.n);
}

/* Faults of what is evaluated are reported, not run into. */
static void test_out_of_range(void **state) {
  (void)state;
  bench b;
  bench_begin(&b);
  lp_expr k = lp_begin_for(b.f, "k", b.zero, lp_int(b.f, 100), 1, 0);
  lp_store_at(b.f, 1, 1, &k, lp_real(b.f, 1));
  lp_end(b.f);
  lp_nest_end(b.f, 0);
  assert_false(lp_verify_nests(b.f));
  b.m = lp_memory_new(&b.n.arena, b.f, true);
  assert_int_equal(lp_evaluate_nests(b.f, &b.m), 2);
  assert_non_null(strstr(example_faults(&b.n), "index out of range in y"));
  netc_free(&b.n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_forms_agree),   cmocka_unit_test(test_linear_by_hand),
      cmocka_unit_test(test_fold_and_tree), cmocka_unit_test(test_vectors),
      cmocka_unit_test(test_statements),    cmocka_unit_test(test_finite),
      cmocka_unit_test(test_fma),           cmocka_unit_test(test_out_of_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
