/* loops/math.h: errors of the expansions over the whole range of binary32, run by the evaluator.
 *
 * make check takes every 2003rd float; NETC_EXHAUSTIVE=1 all of them (an hour), NETC_EXHAUSTIVE=N
 * every Nth. */
#include "loops/build.h"
#include "loops/evaluate.h"
#include "loops/math.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* Errors in ulps of the correctly rounded result, found over all floats: where fma rounds once, and twice;
 * and how many operations the expansion costs. */
static const struct {
  lp_expr_kind op;
  double (*exact)(double);
  double once, twice;
  uint32_t operations;
} functions[] = {
    {LP_exp, exp, 0.902, 1.177, 18},         {LP_log, log, 0.923, 0.955, 29},
    {LP_log1p, log1p, 1.523, 1.530, 29},     {LP_tanh, tanh, 1.968, 1.991, 22},
    {LP_sigmoid, sigmoid, 1.647, 1.977, 20}, {LP_erf, erf, 1.702, 1.820, 30},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions, FLOATS = 1 << 14, LANES = 64 };

static uint32_t bits_of(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

static float float_of(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* y[i] = op(x[i]) for i < FLOATS, in vectors; both are buffers 0 and 1. */
static lp_function *make(netc *n, lp_expr_kind op) {
  lp_function *f = lp_function_new(n, &n->arena, net_intern(n, "math"), 1, false);
  for (int i = 0; i < 2; i++) {
    lp_buffer b = lp_buffer_new(f, net_intern(n, i ? "y" : "x"), NET_F32, (net_shape){1, {FLOATS}}, false,
                                LP_SCRATCH, 0);
    f->buffers.at[b].rank = 1;
    f->buffers.at[b].dim[0] = FLOATS;
  }
  lp_nest_begin(f, net_intern(n, "math"));
  lp_expr i = lp_begin_for(f, "i", lp_int(f, 0), lp_int(f, FLOATS), LANES, 0);
  lp_store_at(f, 1, 1, &i, lp_expand(f, op, lp_vector_load(f, 0, LANES, 1, &i)));
  lp_end(f);
  lp_nest_end(f, 0);
  return f;
}

/* Distance between two neighbouring floats at the size of y. */
static double ulp(float y) {
  int exponent;
  frexpf(y, &exponent);
  return ldexp(1, exponent < -125 ? -149 : exponent - 24);
}

/* The error of y in ulps; a wrong NaN, infinity or zero is a great one. */
static double error_of(float y, double exact) {
  float rounded = (float)exact;
  if (isnan(rounded) || isnan(y)) return isnan(rounded) && isnan(y) ? 0 : INFINITY;
  if (isinf(rounded) || isinf(y)) return rounded == y ? 0 : INFINITY;
  if (rounded == 0 && bits_of(rounded) != bits_of(y))
    return fabsf(y) > 0x1p-149f || exact == 0 ? INFINITY : 1;
  return fabs((double)y - exact) / ulp(rounded);
}

#ifdef __SANITIZE_ADDRESS__
enum { STRIDE = 20011 }; /* ten times slower */
#else
enum { STRIDE = 2003 };
#endif

static uint32_t stride(void) {
  const char *wanted = getenv("NETC_EXHAUSTIVE");
  return wanted && atoi(wanted) > 0 ? (uint32_t)atoi(wanted) : STRIDE;
}

static void check_all(uint32_t k, bool fma) {
  netc n;
  netc_init(&n, NULL);
  lp_function *f = make(&n, functions[k].op);
  lp_memory memory = lp_memory_new(&n.arena, f, true);
  memory.fma = fma;
  float *x = memory.buffers[0], *y = memory.buffers[1], worst_at = 0;
  double worst = 0;
  for (uint64_t next = 0, step = stride(); next <= UINT32_MAX;) {
    for (uint32_t i = 0; i < FLOATS; i++, next += step)
      x[i] = float_of(next <= UINT32_MAX ? (uint32_t)next : 0);
    assert_int_equal(lp_evaluate_nests(f, &memory), 0);
    for (uint32_t i = 0; i < FLOATS; i++) {
      double error = error_of(y[i], functions[k].exact(x[i]));
      if (!(error > worst)) continue;
      worst = error;
      worst_at = x[i];
    }
  }
  double bound = fma ? functions[k].once : functions[k].twice;
  print_message("%-8s fma %s: at most %.3f ulps, at %a (%g)\n", lp_operation_text(functions[k].op),
                fma ? "once " : "twice", worst, (double)worst_at, (double)worst_at);
  assert_true(worst <= bound);
  netc_free(&n);
}

static void test_errors_fused(void **state) {
  (void)state;
  for (uint32_t k = 0; k < FUNCTIONS; k++) check_all(k, true);
}

static void test_errors_rounded_twice(void **state) {
  (void)state;
  for (uint32_t k = 0; k < FUNCTIONS; k++) check_all(k, false);
}

/* Floats around which something changes: the ends of ranges, powers of two, zero, infinity. */
static void test_edges(void **state) {
  (void)state;
  static const float edges[] = {0,           0x1p-149f,   0x1p-126f,   0x1p-24f,    0.125f,     0.5f,
                                0.9f,        1,           2,           3.92f,       4,          9.01f,
                                10,          87.33655f,   88.02969f,   88.37627f,   88.722839f, 89.5f,
                                103.27893f,  103.97208f,  104.5f,      128,         0x1p23f,    0x1p31f,
                                0x1.7p126f,  0x1p127f,    0x1.6p127f,  0x1.7p127f,  3.4028e38f, INFINITY,
                                0.70710678f, 1.41421356f, 0.34657359f, 0.41421356f, 0.69314718f};
  netc n;
  netc_init(&n, NULL);
  for (uint32_t k = 0; k < FUNCTIONS; k++) {
    lp_function *f = make(&n, functions[k].op);
    lp_memory memory = lp_memory_new(&n.arena, f, true);
    float *x = memory.buffers[0], *y = memory.buffers[1];
    uint32_t count = 0;
    for (uint32_t e = 0; e < sizeof edges / sizeof *edges; e++)
      for (int step = -64; step <= 64; step++) {
        uint32_t near = bits_of(edges[e]) + (uint32_t)step;
        if ((int32_t)near < 0) continue;
        x[count++] = float_of(near);
        x[count++] = float_of(near | 0x80000000);
      }
    assert_true(count <= FLOATS);
    for (int fma = 0; fma < 2; fma++) {
      memory.fma = fma;
      assert_int_equal(lp_evaluate_nests(f, &memory), 0);
      for (uint32_t i = 0; i < count; i++) {
        double error = error_of(y[i], functions[k].exact(x[i]));
        if (!(error <= (fma ? functions[k].once : functions[k].twice)))
          fail_msg("%s(%a) = %a, error %g ulps", lp_operation_text(functions[k].op), (double)x[i],
                   (double)y[i], error);
      }
    }
  }
  netc_free(&n);
}

/* What is promised by name; NaN stands for any NaN. */
static void test_special_values(void **state) {
  (void)state;
  static const struct {
    lp_expr_kind op;
    float x, y;
  } cases[] = {
      {LP_exp, -INFINITY, 0},
      {LP_exp, INFINITY, INFINITY},
      {LP_exp, NAN, NAN},
      {LP_exp, 0, 1},
      {LP_exp, -0.0f, 1},
      {LP_exp, 89, INFINITY},
      {LP_exp, -104, 0},
      {LP_exp, -103, 0x1p-149f},
      {LP_exp, 3e38f, INFINITY},
      {LP_exp, -3e38f, 0},
      {LP_log, 0, -INFINITY},
      {LP_log, -0.0f, -INFINITY},
      {LP_log, -1, NAN},
      {LP_log, -0x1p-149f, NAN},
      {LP_log, INFINITY, INFINITY},
      {LP_log, -INFINITY, NAN},
      {LP_log, NAN, NAN},
      {LP_log, 1, 0},
      {LP_log1p, -1, -INFINITY},
      {LP_log1p, -1.5f, NAN},
      {LP_log1p, INFINITY, INFINITY},
      {LP_log1p, -INFINITY, NAN},
      {LP_log1p, 0, 0},
      {LP_log1p, -0.0f, -0.0f},
      {LP_log1p, NAN, NAN},
      {LP_log1p, 0x1p-149f, 0x1p-149f},
      {LP_tanh, 0, 0},
      {LP_tanh, -0.0f, -0.0f},
      {LP_tanh, INFINITY, 1},
      {LP_tanh, -INFINITY, -1},
      {LP_tanh, 50, 1},
      {LP_tanh, -3e38f, -1},
      {LP_tanh, NAN, NAN},
      {LP_tanh, -0x1p-149f, -0x1p-149f},
      {LP_sigmoid, INFINITY, 1},
      {LP_sigmoid, -INFINITY, 0},
      {LP_sigmoid, 0, 0.5f},
      {LP_sigmoid, -0.0f, 0.5f},
      {LP_sigmoid, NAN, NAN},
      {LP_sigmoid, -103, 0x1p-149f},
      {LP_sigmoid, -3e38f, 0},
      {LP_erf, 0, 0},
      {LP_erf, -0.0f, -0.0f},
      {LP_erf, INFINITY, 1},
      {LP_erf, -INFINITY, -1},
      {LP_erf, NAN, NAN},
      {LP_erf, 6, 1},
      {LP_erf, -3e38f, -1},
  };
  netc n;
  netc_init(&n, NULL);
  for (uint32_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    lp_function *f = make(&n, cases[c].op);
    lp_memory memory = lp_memory_new(&n.arena, f, true);
    float *x = memory.buffers[0], *y = memory.buffers[1];
    x[0] = cases[c].x;
    assert_int_equal(lp_evaluate_nests(f, &memory), 0);
    if (!(isnan(cases[c].y) ? isnan(y[0]) : bits_of(y[0]) == bits_of(cases[c].y)))
      fail_msg("%s(%a) = %a", lp_operation_text(cases[c].op), (double)x[0], (double)y[0]);
  }
  netc_free(&n);
}

/* The cost: operations, where constants, splats and bitcasts count nothing, nor a sign that goes into an fma.
 */
static void test_costs(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  for (uint32_t k = 0; k < FUNCTIONS; k++) {
    lp_function *f = make(&n, functions[k].op);
    uint32_t count = 0;
    for (lp_expr e = 1; e < f->exprs.count; e++) {
      const lp_expr_info *info = lp_expr_at(f, e);
      count += info->lanes == LANES && info->kind < LP_operations && info->kind != LP_bitcast &&
               info->kind != LP_neg;
      assert_true(info->kind < LP_exp || info->kind > LP_operations);
    }
    if (count != functions[k].operations)
      fail_msg("%s takes %u operations", lp_operation_text(functions[k].op), count);
  }
  netc_free(&n);
}

/* Scalars of form 1 give the bits that vectors give. */
static void test_scalars(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  for (uint32_t k = 0; k < FUNCTIONS; k++) {
    lp_function *vectors = make(&n, functions[k].op);
    lp_function *f = lp_function_new(&n, &n.arena, net_intern(&n, "scalar"), 1, false);
    for (int i = 0; i < 2; i++)
      lp_buffer_new(f, net_intern(&n, i ? "y" : "x"), NET_F32, (net_shape){1, {FLOATS}}, false, LP_SCRATCH,
                    0);
    lp_expr i = lp_axis_new(f, "i", FLOATS);
    lp_assign(f, 1, lp_expand(f, functions[k].op, lp_load_from(f, 0, i)), i);
    lp_memory a = lp_memory_new(&n.arena, f, false), b = lp_memory_new(&n.arena, vectors, true);
    for (uint32_t e = 0; e < FLOATS; e++)
      ((float *)a.buffers[0])[e] = ((float *)b.buffers[0])[e] = float_of(e * 262147u);
    assert_true(lp_evaluate_statements(f, &a));
    assert_int_equal(lp_evaluate_nests(vectors, &b), 0);
    for (uint32_t e = 0; e < FLOATS; e++) {
      float x = ((float *)a.buffers[1])[e], y = ((float *)b.buffers[1])[e];
      assert_true(bits_of(x) == bits_of(y) || (isnan(x) && isnan(y)));
    }
  }
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_special_values), cmocka_unit_test(test_costs),
      cmocka_unit_test(test_edges),          cmocka_unit_test(test_scalars),
      cmocka_unit_test(test_errors_fused),   cmocka_unit_test(test_errors_rounded_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
