/* scaled_integer in integers: networks whose levels are computed again here, from steps, zero points and
 * codes alone, by divisions of 128-bit integers; and against the emulation, which may be off where a sum lies
 * beside a tie. */
#include "interpret/integer.h"

#include "formats/formats.h"
#include "passes/integer_only.h"
#include "passes/ranges.h"
#include "tests/unit/graph_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { SAMPLES = 4000, IN = 4, OUT = 3 };
typedef __int128 wide;

/* ---- arithmetic ---- */

/* a / b to nearest, ties to even; b > 0 */
static wide divided(wide a, wide b) {
  wide q = a / b, rest = a % b;
  if (rest < 0) q--, rest += b;
  return 2 * rest > b || (2 * rest == b && q % 2 != 0) ? q + 1 : q;
}

/* R(a · ratio) with ratio rounded to 31 bits. */
static wide scaled(wide a, double ratio) {
  int shift = 0;
  while (ratio < 0x1p30) ratio *= 2, shift++; /* exact */
  while (ratio >= 0x1p31) ratio /= 2, shift--;
  wide m = (wide)nearbyint(ratio); /* 2^31, if it carries, is the same ratio */
  return shift >= 0 ? divided(a * m, (wide)1 << shift) : a * m * ((wide)1 << -shift);
}

static long clamped(wide code, long low, long high) {
  return code < low ? low : code > high ? high : (long)code;
}

/* A quantiser's format and numbers. */
typedef struct {
  float step;
  int zero;
  long low, high;
} grid;

static long code_of(grid g, float x) {
  float v = rintf(x / g.step); /* NaN: 0 */
  return isnan(x) ? g.zero : v > 1e6f ? g.high : v < -1e6f ? g.low : clamped((wide)v + g.zero, g.low, g.high);
}
static long rescaled(grid g, wide sum, double unit) {
  return clamped(scaled(sum, unit / g.step) + g.zero, g.low, g.high);
}
static double value_of(grid g, long code) { return (double)(g.step * (float)(code - g.zero)); }

/* ---- a network in integers and in floats ---- */

typedef struct {
  netc n;
  net_graph *g;
  net_run run; /* the emulation */
  net_integers integers;
  uint64_t different, compared;
} network;

static const float *filled(network *t, const char *name, double size, uint64_t seed) {
  net_value_id v = support_find(t->g, name);
  support_random random = {seed};
  float *x = NET_NEW_ARRAY(&t->n.arena, float, net_run_elements(&t->run, v));
  for (uint64_t i = 0; i < net_run_elements(&t->run, v); i++) {
    static const float ends[] = {0, 1e9f, -1e9f, INFINITY, -INFINITY, NAN};
    x[i] = (float)(size * (support_uniform(&random) + support_uniform(&random)));
    if (t->g->values.at[v].kind == NET_VALUE_INPUT && i < 24) x[i] = ends[i % 6];
    t->run.values[v][i] = x[i];
  }
  net_integers_set(&t->integers, v, x);
  return x;
}

static void begin(network *t, const char *text) {
  support_init(&t->n);
  t->g = support_parse(&t->n, text);
  t->run = net_run_begin(&t->n, t->g, &t->n.arena, SAMPLES);
  support_random random = {1};
  support_fill(&t->run, &random, 2);
  t->integers = net_integers_begin(&t->n, t->g, &t->n.arena, SAMPLES);
  t->different = t->compared = 0;
}

static void run(network *t) {
  net_integer_break first;
  if (!net_integer_only(&t->n, t->g, &first)) fail_msg("not integer-only: %s", first.reason);
  if (!net_run_all(&t->run) || !net_integers_run(&t->integers)) fail_msg("%s", support_message(&t->n));
}

/* What is computed here; and the emulation has the same code or, beside a tie, the next. */
static void expect(network *t, const char *name, uint64_t element, grid g, long code) {
  net_value_id v = support_find(t->g, name);
  double got = net_integers_value(&t->integers, v, element), emulated = t->run.values[v][element];
  if (got != value_of(g, code))
    fail_msg("%s[%llu] is %.9g in integers, %.9g here", name, (unsigned long long)element, got,
             value_of(g, code));
  t->different += got != emulated;
  t->compared++;
  if (fabs(got - emulated) > 1.01 * (double)g.step)
    fail_msg("%s[%llu] is %.9g in integers, %.9g emulated", name, (unsigned long long)element, got, emulated);
}

static void end(network *t, double most_different) {
  assert_true((double)t->different <= most_different * (double)t->compared);
  assert_int_equal(t->n.diagnostics.errors + t->n.diagnostics.faults, 0);
  netc_free(&t->n);
}

/* ---- linear, relu, and a linear behind them ---- */

static const grid x_grid = {0.0371f, 11, -128, 127}, y_grid = {0.0913f, 250, 0, 255},
                  z_grid = {0.31f, 0, -8, 7};
static const float w_steps[OUT] = {0.0125f, 0.003f, 0.0771f}, v_step = 0.0217f;
static const int w_zeros[OUT] = {5, -3, 0};

static void test_linear(void **state) {
  (void)state;
  network t;
  begin(&t, "graph n\n"
            "  input x: f32[b, 4]\n"
            "  parameter w: f32[3, 4] = 0\n"
            "  parameter c: f32[3] = 0\n"
            "  parameter v: f32[2, 3] = 0\n"
            "  parameter d: f32[2] = 0\n"
            "  constant xs: f32 = [0.0371]\n"
            "  constant xz: f32 = [11]\n"
            "  constant ws: f32[3] = [0.0125, 0.003, 0.0771]\n"
            "  constant wz: f32[3] = [5, -3, 0]\n"
            "  constant cs: f32[3] = [0.00046375, 0.0001113, 0.00286041]\n"
            "  constant ys: f32 = [0.0913]\n"
            "  constant yz: f32 = [250]\n"
            "  constant vs: f32 = [0.0217]\n"
            "  constant zs: f32 = [0.31]\n"
            "  xq: f32[b, 4] format scaled_integer(8, affine) = quantize(x, xs, xz) {format = "
            "\"scaled_integer(8, affine)\"}\n"
            "  wq: f32[3, 4] format scaled_integer(8, affine, channel) = quantize(w, ws, wz) {format = "
            "\"scaled_integer(8, "
            "affine, channel)\"}\n"
            "  cq: f32[3] format scaled_integer(32, channel) = quantize(c, cs, _) {format = "
            "\"scaled_integer(32, channel)\"}\n"
            "  y: f32[b, 3] = linear(xq, wq, cq) {features = 3}\n"
            "  yq: f32[b, 3] format scaled_integer(8, unsigned, affine) = quantize(y, ys, yz) {format = "
            "\"scaled_integer(8, "
            "unsigned, affine)\"}\n"
            "  r: f32[b, 3] format scaled_integer(8, unsigned, affine) = relu(yq)\n"
            "  vq: f32[2, 3] format scaled_integer(8) = quantize(v, vs, _) {format = \"scaled_integer(8)\"}\n"
            "  dq: f32[2] format integer(12, 7) = quantize(d, _, _) {format = \"integer(12, 7)\"}\n"
            "  z: f32[b, 2] = linear(r, vq, dq) {features = 2}\n"
            "  zq: f32[b, 2] format scaled_integer(4) = quantize(z, zs, _) {format = \"scaled_integer(4)\"}\n"
            "  output zq, yq\n");
  const float *x = filled(&t, "x", 2, 3), *w = filled(&t, "w", 0.3, 4), *c = filled(&t, "c", 2, 5),
              *v = filled(&t, "v", 1, 6), *d = filled(&t, "d", 2, 7);
  const float c_steps[OUT] = {0.00046375f, 0.0001113f, 0.00286041f};
  run(&t);
  for (uint32_t s = 0; s < SAMPLES; s++) {
    long yc[OUT];
    for (uint32_t o = 0; o < OUT; o++) {
      grid wg = {w_steps[o], w_zeros[o], -128, 127};
      wide sum = (wide)rintf(c[o] / c_steps[o]);
      for (uint32_t i = 0; i < IN; i++)
        sum += (wide)(code_of(x_grid, x[s * IN + i]) - x_grid.zero) * (code_of(wg, w[o * IN + i]) - wg.zero);
      yc[o] = rescaled(y_grid, sum, (double)x_grid.step * (double)w_steps[o]);
      expect(&t, "yq", s * OUT + o, y_grid, yc[o]);
    }
    for (uint32_t o = 0; o < 2; o++) {
      grid vg = {v_step, 0, -128, 127};
      double unit = (double)y_grid.step * (double)v_step;
      double q = fmin(fmax(rint((double)d[o] * 128), -2048), 2047);
      wide sum = (wide)rint(q * (1.0 / 128 / unit)); /* the bias has another unit: rounded to this one */
      for (uint32_t i = 0; i < OUT; i++) {
        long level = yc[i] - y_grid.zero;
        sum += (wide)(level < 0 ? 0 : level) * code_of(vg, v[o * OUT + i]);
      }
      net_value_id z = support_find(t.g, "zq");
      double got = net_integers_value(&t.integers, z, s * 2 + o);
      assert_true(got == value_of(z_grid, rescaled(z_grid, sum, unit)));
    }
  }
  end(&t, 0.002);
}

/* ---- add, sub, mul, concat, batch_norm ---- */

static const grid a_grid = {0.0431f, -20, -128, 127}, b_grid = {0.0077f, 0, -128, 127},
                  f_grid = {0.0625f, 0, -128, 127}, o_grid = {0.05f, 3, -128, 127};

#define HEAD                                                                                                 \
  "graph n\n"                                                                                                \
  "  input x: f32[b, 4]\n"                                                                                   \
  "  constant as: f32 = [0.0431]\n"                                                                          \
  "  constant az: f32 = [-20]\n"                                                                             \
  "  constant bs: f32 = [0.0077]\n"                                                                          \
  "  constant os: f32 = [0.05]\n"                                                                            \
  "  constant oz: f32 = [3]\n"                                                                               \
  "  a: f32[b, 4] format scaled_integer(8, affine) = quantize(x, as, az) {format = \"scaled_integer(8, "     \
  "affine)\"}\n"                                                                                             \
  "  c: f32[b, 4] format scaled_integer(8) = quantize(x, bs, _) {format = \"scaled_integer(8)\"}\n"          \
  "  f: f32[b, 4] format integer(8, 4) = quantize(x, _, _) {format = \"integer(8, 4)\"}\n"
#define OUT_Q(of, n)                                                                                         \
  "  q: f32[b, " n "] format scaled_integer(8, affine) = quantize(" of                                       \
  ", os, oz) {format = \"scaled_integer(8, affine)\"}\n"                                                     \
  "  output q\n"

/* m_a and m_b at one shift, from the larger ratio. */
static long added(long a, double ua, long b, double ub, int sign) {
  double ra = ua / o_grid.step, rb = ub / o_grid.step, large = fmax(ra, rb);
  int shift = 0;
  while (ldexp(large, shift) < 0x1p30) shift++;
  while (ldexp(large, shift) >= 0x1p31) shift--;
  wide sum = (wide)a * (wide)rint(ldexp(ra, shift)) + sign * (wide)b * (wide)rint(ldexp(rb, shift));
  return clamped(divided(sum, (wide)1 << shift) + o_grid.zero, o_grid.low, o_grid.high);
}

static void test_sums(void **state) {
  (void)state;
  static const struct {
    const char *expression;
    const grid *a, *b;
    int sign;
  } cases[] = {{"add(a, c)", &a_grid, &b_grid, 1},  {"sub(a, c)", &a_grid, &b_grid, -1},
               {"sub(c, a)", &b_grid, &a_grid, -1}, {"add(a, a)", &a_grid, &a_grid, 1},
               {"add(f, c)", &f_grid, &b_grid, 1},  {"sub(a, f)", &a_grid, &f_grid, -1}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    network t;
    char text[2048];
    snprintf(text, sizeof text, HEAD "  s: f32[b, 4] = %s\n" OUT_Q("s", "4"), cases[k].expression);
    begin(&t, text);
    const float *x = filled(&t, "x", 3, 11 + k);
    run(&t);
    grid a = *cases[k].a, b = *cases[k].b;
    for (uint32_t i = 0; i < SAMPLES * IN; i++)
      expect(&t, "q", i, o_grid,
             added(code_of(a, x[i]) - a.zero, a.step, code_of(b, x[i]) - b.zero, b.step, cases[k].sign));
    end(&t, 0.01);
  }
}

static void test_products(void **state) {
  (void)state;
  network t;
  begin(&t, HEAD "  s: f32[b, 4] = mul(a, c)\n" OUT_Q("s", "4"));
  const float *x = filled(&t, "x", 1, 21);
  run(&t);
  for (uint32_t i = 0; i < SAMPLES * IN; i++)
    expect(&t, "q", i, o_grid,
           rescaled(o_grid, (wide)(code_of(a_grid, x[i]) - a_grid.zero) * code_of(b_grid, x[i]),
                    (double)a_grid.step * (double)b_grid.step));
  end(&t, 0.002);
}

/* concat joins steps of all kinds, and each element is rescaled by its own; what has the step already stays.
 */
static void test_concat(void **state) {
  (void)state;
  network t;
  begin(&t, HEAD "  k: f32[b, 12] = concat(a, c, f) {axis = 0}\n"
                 "  o: f32[b, 12] format scaled_integer(8, affine) = quantize(k, os, oz) {format = "
                 "\"scaled_integer(8, affine)\"}\n"
                 "  r: f32[b, 3, 4] format scaled_integer(8, affine) = reshape(o) {shape = [3, 4]}\n"
                 "  q: f32[b, 3, 4] format scaled_integer(8, affine) = quantize(r, os, oz) {format = "
                 "\"scaled_integer(8, affine)\"}\n"
                 "  output q\n");
  const float *x = filled(&t, "x", 3, 31);
  run(&t);
  const grid *grids[] = {&a_grid, &b_grid, &f_grid};
  for (uint32_t s = 0; s < SAMPLES; s++)
    for (uint32_t i = 0; i < 12; i++) {
      grid g = *grids[i / 4];
      expect(&t, "q", s * 12 + i, o_grid, rescaled(o_grid, code_of(g, x[s * IN + i % 4]) - g.zero, g.step));
    }
  end(&t, 0.1); /* 0.0625 / 0.05: ties but for the last bit, which floats lose */
}

/* Factor and shift in fixed point: the shift is rounded to the unit s_x · 2^−6, in the emulation too. */
static void test_batch_norm(void **state) {
  (void)state;
  network t;
  begin(&t, HEAD "  parameter gamma: f32[4] = 1\n"
                 "  parameter beta: f32[4] = 0\n"
                 "  statistic centre: f32[4] = 0\n"
                 "  statistic var: f32[4] = 1\n"
                 "  s: f32[b, 4], mean: f32[4], inverse: f32[4], variance: f32[4] = batch_norm(a, gamma, "
                 "beta, centre, var) {weight_format "
                 "= \"integer(8, 6)\", bias_format = \"integer(12, 9)\", x_step = 0.04309999942779541}\n" //
        OUT_Q("s", "4"));
  const float *x = filled(&t, "x", 2, 41), *gamma = filled(&t, "gamma", 0.8, 42),
              *beta = filled(&t, "beta", 1, 43), *mean = filled(&t, "centre", 1, 44);
  net_value_id variance = support_find(t.g, "var");
  const float var[] = {0.3f, 1.7f, 4, 0.9f};
  for (int i = 0; i < 4; i++) t.run.values[variance][i] = var[i];
  net_integers_set(&t.integers, variance, var);
  run(&t);
  for (uint32_t k = 0; k < SAMPLES * IN; k++) {
    uint32_t i = k % IN;
    double factor = gamma[i] / sqrt((double)var[i] + 1e-5), shift = beta[i] - mean[i] * factor,
           unit = (double)a_grid.step / 64;
    double a = fmin(fmax(rint((double)((float)factor * 64)), -128), 127),
           c = fmin(fmax(rint((double)((float)shift * 512)), -2048), 2047);
    wide sum = (wide)(code_of(a_grid, x[k]) - a_grid.zero) * (wide)a + (wide)rint(c * (1.0 / 512 / unit));
    expect(&t, "q", k, o_grid, rescaled(o_grid, sum, unit));
  }
  end(&t, 0); /* 0.0017 with the shift as it is */
}

/* ---- powers of two: the emulation has the same bits ---- */

static void test_powers(void **state) {
  (void)state;
  network t;
  begin(&t,
        "graph n\n"
        "  input x: f32[b, 4]\n"
        "  parameter w: f32[3, 4] = 0\n"
        "  parameter c: f32[3] = 0\n"
        "  constant xs: f32 = [0.0625]\n"
        "  constant xz: f32 = [-9]\n"
        "  constant ws: f32[3] = [0.0078125, 0.015625, 0.00390625]\n"
        "  constant cs: f32[3] = [0.00048828125, 0.0009765625, 0.000244140625]\n"
        "  constant ys: f32 = [0.125]\n"
        "  xq: f32[b, 4] format scaled_integer(8, affine, power_of_two) = quantize(x, xs, xz) {format = "
        "\"scaled_integer(8, affine, power_of_two)\"}\n"
        "  wq: f32[3, 4] format scaled_integer(8, channel, power_of_two) = quantize(w, ws, _) {format = "
        "\"scaled_integer(8, channel, power_of_two)\"}\n"
        "  cq: f32[3] format scaled_integer(32, channel) = quantize(c, cs, _) {format = \"scaled_integer(32, "
        "channel)\"}\n"
        "  y: f32[b, 3] = linear(xq, wq, cq) {features = 3}\n"
        "  yq: f32[b, 3] format scaled_integer(8, power_of_two) = quantize(y, ys, _) {format = "
        "\"scaled_integer(8, "
        "power_of_two)\"}\n"
        "  s: f32[b, 3] = add(yq, yq)\n"
        "  sq: f32[b, 3] format scaled_integer(6) = quantize(s, xs, _) {format = \"scaled_integer(6)\"}\n"
        "  output sq, yq\n");
  filled(&t, "x", 4, 51), filled(&t, "w", 0.7, 52), filled(&t, "c", 2, 53);
  run(&t);
  for (int k = 0; k < 2; k++) {
    net_value_id v = t.g->outputs.at[k];
    for (uint64_t i = 0; i < net_run_elements(&t.run, v); i++)
      assert_true(net_integers_value(&t.integers, v, i) == t.run.values[v][i]);
  }
  end(&t, 0);
}

/* ---- what integers cannot sum; how many bits they need ---- */

static void test_unlike(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_integer_break first = {0};
  const char *text = "graph n\n"
                     "  input x: f32[b, 2]\n"
                     "  parameter w: f32[1, 2] = 0\n"
                     "  constant xs: f32[2] = [%s]\n"
                     "  xq: f32[b, 2] format scaled_integer(8, channel) = quantize(x, xs, _) {format = "
                     "\"scaled_integer(8, channel)\"}\n"
                     "  wq: f32[1, 2] format integer(8, 4) = quantize(w, _, _) {format = \"integer(8, 4)\"}\n"
                     "  y: f32[b, 1] = linear(xq, wq) {features = 1, bias = false}\n"
                     "  yq: f32[b, 1] format integer(8, 4) = quantize(y, _, _) {format = \"integer(8, 4)\"}\n"
                     "  output yq\n";
  assert_false(net_integer_only(&n, support_parse(&n, net_arena_format(&n.arena, text, "0.3, 0.2")), &first));
  assert_string_equal(first.reason,
                      "sums numbers of unlike steps: give its inputs one step each, or powers of two");
  assert_true(net_integer_only(&n, support_parse(&n, net_arena_format(&n.arena, text, "0.3, 0.3")), &first));
  assert_true(
      net_integer_only(&n, support_parse(&n, net_arena_format(&n.arena, text, "0.5, 0.125")), &first));
  netc_free(&n);
}

static void expect_bits(const char *expression, double unit, int bits) {
  netc n;
  char text[2048];
  support_init(&n);
  snprintf(text, sizeof text, HEAD "  s: f32[b, 4] = %s\n" OUT_Q("s", "4"), expression);
  net_graph *g = support_parse(&n, text);
  net_accumulator sum;
  assert_true(net_accumulator_find(net_ranges_find(&n, &n.arena, g, NULL),
                                   g->values.at[support_find(g, "s")].def, &sum));
  if (sum.unit != unit || sum.bits != bits) fail_msg("%s: %d bits of %.17g", expression, sum.bits, sum.unit);
  int fraction;
  assert_false(net_accumulator_fraction(&sum, &fraction));
  netc_free(&n);
}

static void test_bits(void **state) {
  (void)state;
  double a = 0.0431f, b = 0.0077f, o = 0.05f;
  expect_bits("mul(a, c)", a * b, 16);         /* [−108, 147] · [−128, 127]: −18816 … 18669 */
  expect_bits("add(a, c)", ldexp(o, -31), 40); /* (147 · 0.862 + 127 · 0.154) · 2^31 = 146 · 2^31 */
  expect_bits("add(c, c)", ldexp(o, -33), 40); /* 256 · 1.23 · 2^30 */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_linear), cmocka_unit_test(test_sums),       cmocka_unit_test(test_products),
      cmocka_unit_test(test_concat), cmocka_unit_test(test_batch_norm), cmocka_unit_test(test_powers),
      cmocka_unit_test(test_unlike), cmocka_unit_test(test_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
