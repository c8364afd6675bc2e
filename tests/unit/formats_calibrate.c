/* formats/calibrate.c: on values whose steps are known, and against brute force. */
#include "tests/unit/formats_support.h"

#include "formats/calibrate.h"
#include "runtime/random.h"

#include <float.h>

enum { COUNT = 4000 };

static netc n;
static int begin(void **state) {
  (void)state;
  formats_begin(&n);
  return 0;
}
static int end(void **state) {
  (void)state;
  netc_free(&n);
  return 0;
}

static net_step calibrate(const char *format, net_calibrator how, double percentile, const float *x,
                          uint64_t count) {
  const net_format_spec *spec = formats_read(&n, format);
  assert_true(net_format_calibrates(spec));
  return net_calibrate(&n, spec, how, percentile, x, count);
}

static double error_of(const net_format_spec *spec, net_step s, const float *x, uint32_t count) {
  float *q = NET_NEW_ARRAY(&n.arena, float, count);
  net_shape shape = {1, {count}};
  net_calibration c = {.scale = &s.step, .zero = &s.zero, .count = 1};
  net_format_quantize(spec, &(net_format_tensor){.shape = &shape, .values = x, .calibration = &c}, q);
  double sum = 0;
  for (uint32_t i = 0; i < count; i++) sum += ((double)q[i] - x[i]) * ((double)q[i] - x[i]);
  return sum;
}

/* kind 0: normal; 1: not negative; 2: normal with rare large ones; 3: uniform beside 0; 4: heavy tails */
static void draw(float *x, uint32_t count, int kind, uint64_t seed) {
  rt_random random;
  rt_random_start(&random, seed, RT_RANDOM_BENCH, 7);
  for (uint32_t i = 0; i < count; i++) {
    double v = rt_random_normal(&random), u = rt_random_double(&random);
    if (kind == 1) v = fmax(v, 0);
    if (kind == 2 && u < 0.002) v *= 30;
    if (kind == 3) v = u + 2;
    if (kind == 4) v *= exp(2 * rt_random_normal(&random));
    x[i] = (float)v;
  }
}

/* ---- min-max ---- */

static void test_minmax_known(void **state) {
  (void)state;
  const struct {
    const char *format;
    float low, high;
    int fraction;
  } cases[] = {
      {"integer(8, auto)", 0, 3.9f, 5},
      {"integer(8, auto)", 0, 3.99f, 4}, /* 127.68 steps round up */
      {"integer(8, auto)", -4, 1, 5},
      {"integer(8, auto)", -4.02f, 1, 4},
      {"integer(8, auto)", -4.015f, 1, 5},
      {"integer(8, auto, unsigned)", 0, 3.9f, 6},
      {"integer(8, auto, unsigned)", -100, 3.9f, 6},
      {"integer(8, auto, overflow = symmetric)", -4, 1, 4},
      {"integer(8, auto, rounding = floor)", 0, 3.99f, 5},
      {"integer(8, auto, rounding = floor)", -4.001f, 0, 4},
      {"integer(8, auto, rounding = zero)", -4.001f, 3.99f, 5},
      {"integer(16, auto)", 0, 1000, 5},
      {"integer(4, auto)", -1e-3f, 1e-3f, 12},
      {"integer(4, auto)", 0, 1e6f, -18},
      {"integer(8, auto)", 0, 1e-40f, 126},
      {"integer(8, auto)", 0, 0, 4},
      {"integer(5, auto)", 0, 0, 2},
      {"integer(8, auto, unsigned)", -3, 0, 4},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    float x[] = {cases[i].low, cases[i].high, 0};
    net_step s = calibrate(cases[i].format, NET_CALIBRATE_MINMAX, 0.999, x, 3);
    if (s.step != ldexpf(1, -cases[i].fraction))
      fail_msg("%s of [%g, %g]: step %g, not 2^%d", cases[i].format, (double)cases[i].low,
               (double)cases[i].high, (double)s.step, -cases[i].fraction);
    assert_int_equal(s.zero, 0);
  }
}

/* Nothing overflows, and something would with a finer step. */
static void test_minmax_finest(void **state) {
  (void)state;
  static const char *const formats[] = {"integer(8, auto)", "integer(4, auto)", "integer(12, auto, unsigned)",
                                        "integer(6, auto, overflow = symmetric)"};
  float x[COUNT];
  for (int kind = 0; kind < 5; kind++)
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
      const net_format_spec *spec = formats_read(&n, formats[f]);
      draw(x, COUNT, spec->is_unsigned ? 1 : kind, (uint64_t)kind);
      net_step s = calibrate(formats[f], NET_CALIBRATE_MINMAX, 0.999, x, COUNT);
      double low, high;
      net_format_steps(spec, &low, &high);
      bool overflows = false;
      for (uint32_t i = 0; i < COUNT; i++) {
        double q = rint(x[i] / (double)s.step), finer = rint(2 * x[i] / (double)s.step);
        assert_true(q >= low && q <= high);
        overflows |= finer < low || finer > high;
      }
      assert_true(overflows);
    }
}

static void test_scaled(void **state) {
  (void)state;
  float x[] = {-0.5f, 1.5f, 0.25f};
  net_step s = calibrate("scaled_integer(8)", NET_CALIBRATE_MINMAX, 1, x, 3);
  assert_true(s.step == 1.5f / 127 && s.zero == 0);
  s = calibrate("scaled_integer(8, affine)", NET_CALIBRATE_MINMAX, 1, x, 3);
  assert_true(s.step == (float)(2.0 / 255) && s.zero == -64);
  s = calibrate("scaled_integer(8, affine, unsigned)", NET_CALIBRATE_MINMAX, 1, x, 3);
  assert_true(s.step == (float)(2.0 / 255) && s.zero == 64);
  s = calibrate("scaled_integer(8, unsigned)", NET_CALIBRATE_MINMAX, 1, x, 3);
  assert_true(s.step == (float)(1.5 / 255) && s.zero == 0);
}

/* ---- powers of two ---- */

static void test_powers_known(void **state) {
  (void)state;
  const struct {
    float low, high, symmetric, affine;
    int32_t zero;
  } cases[] = {{-1, 127, 1, 1, -127},           /* 1 as it is; affine 128/255, up to 1: R(−128 + 1) */
               {-0.5f, 127.5f, 2, 1, -128},     /* −127.5 is a tie */
               {-127, 1, 1, 1, -1},
               {0, 63.5f, 0.5f, 0.25f, -128},
               {0, 63.75f, 1, 0.25f, -128},
               {0, 63.8f, 1, 0.5f, -128},
               {-0x1p-140f, 0x1p-140f, FLT_MIN, FLT_MIN, -128},
               {-FLT_MAX, FLT_MAX, 0x1p122f, 0x1p122f, -64}, /* 256/255 of 2^121 */
               {0, 0, 1, 1, -128}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    float x[] = {cases[i].low, cases[i].high};
    net_step s = calibrate("scaled_integer(8, power_of_two)", NET_CALIBRATE_MINMAX, 1, x, 2);
    if (s.step != cases[i].symmetric || s.zero) fail_msg("case %zu: %a, %d", i, (double)s.step, s.zero);
    s = calibrate("scaled_integer(8, affine, power_of_two)", NET_CALIBRATE_MINMAX, 1, x, 2);
    if (s.step != cases[i].affine || s.zero != cases[i].zero)
      fail_msg("affine case %zu: %a, %d", i, (double)s.step, s.zero);
  }
}

/* The next above the step of any, and none better by its own measure. */
static void test_powers(void **state) {
  (void)state;
  static const char *const formats[][2] = {
      {"scaled_integer(8)", "scaled_integer(8, power_of_two)"},
      {"scaled_integer(4, affine)", "scaled_integer(4, affine, power_of_two)"},
      {"scaled_integer(5, unsigned)", "scaled_integer(5, unsigned, power_of_two)"}};
  float x[COUNT];
  bool clipped = false;
  for (int kind = 0; kind < 5; kind++)
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
      const net_format_spec *spec = formats_read(&n, formats[f][1]);
      draw(x, COUNT, kind, 9);
      for (net_calibrator how = NET_CALIBRATE_MINMAX; how <= NET_CALIBRATE_ENTROPY; how++) {
        net_step s = calibrate(formats[f][1], how, 0.99, x, COUNT);
        int exponent;
        assert_true(frexpf(s.step, &exponent) == 0.5f);
        if (how == NET_CALIBRATE_MSE) continue;
        net_step any = calibrate(formats[f][0], how, 0.99, x, COUNT);
        assert_true(s.step >= any.step && s.step < 2 * any.step);
      }
      net_step best = calibrate(formats[f][1], NET_CALIBRATE_MSE, 1, x, COUNT),
               widest = calibrate(formats[f][1], NET_CALIBRATE_MINMAX, 1, x, COUNT);
      clipped |= best.step < widest.step;
      for (int exponent = -30; exponent < 30 && !best.zero && spec->scheme == NET_SCALE_SYMMETRIC; exponent++)
        assert_true(error_of(spec, best, x, COUNT) <=
                    error_of(spec, (net_step){.step = ldexpf(1, exponent)}, x, COUNT) * (1 + 1e-9));
      assert_true(error_of(spec, best, x, COUNT) <= error_of(spec, widest, x, COUNT) * (1 + 1e-9));
    }
  assert_true(clipped);
}

/* ---- percentile ---- */

static int compare_floats(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double quantile(const float *x, uint32_t count, bool magnitudes, double p) {
  float sorted[COUNT];
  for (uint32_t i = 0; i < count; i++) sorted[i] = magnitudes ? fabsf(x[i]) : x[i];
  qsort(sorted, count, sizeof *sorted, compare_floats);
  double h = p * (count - 1);
  uint32_t at = (uint32_t)h;
  return sorted[at] + (sorted[at + 1 < count ? at + 1 : at] - (double)sorted[at]) * (h - at);
}

static void test_percentile(void **state) {
  (void)state;
  float x[COUNT];
  for (int kind = 0; kind < 5; kind++) {
    draw(x, COUNT, kind, 3);
    for (double p = 0.9; p < 1.001; p += 0.033) {
      double q = fmin(p, 1), reach = quantile(x, COUNT, true, q);
      double least = quantile(x, COUNT, false, 0), largest = quantile(x, COUNT, false, 1);
      double end = fmax(fmin(reach, largest), fmin(reach, -least)); /* what there is of it on either side */
      net_step s = calibrate("scaled_integer(8)", NET_CALIBRATE_PERCENTILE, q, x, COUNT);
      assert_true(fabs(s.step - end / 127) <= 1e-6 * s.step);
      double low = fmin(quantile(x, COUNT, false, 1 - q), 0), high = quantile(x, COUNT, false, q);
      s = calibrate("scaled_integer(8, affine)", NET_CALIBRATE_PERCENTILE, q, x, COUNT);
      assert_true(fabs(s.step - (high - low) / 255) <= 1e-6 * s.step);
      s = calibrate("integer(8, auto)", NET_CALIBRATE_PERCENTILE, q, x, COUNT);
      assert_true(end / s.step < 128 && end / s.step > 63);
    }
  }
  draw(x, COUNT, 2, 1); /* the rare large ones are left out */
  net_step all = calibrate("integer(8, auto)", NET_CALIBRATE_MINMAX, 0.99, x, COUNT);
  net_step most = calibrate("integer(8, auto)", NET_CALIBRATE_PERCENTILE, 0.99, x, COUNT);
  assert_true(all.step >= 8 * most.step);
}

/* ---- mean squared error ---- */

static void test_mse_fraction(void **state) {
  (void)state;
  static const char *const formats[] = {"integer(8, auto)",
                                        "integer(4, auto)",
                                        "integer(2, auto)",
                                        "integer(4, auto, unsigned)",
                                        "integer(6, auto, rounding = floor)",
                                        "integer(3, auto, overflow = wrap)",
                                        "integer(16, auto)"};
  float x[COUNT];
  bool clipped = false;
  for (int kind = 0; kind < 5; kind++)
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
      const net_format_spec *spec = formats_read(&n, formats[f]);
      draw(x, COUNT, kind, 11);
      net_step s = net_calibrate(&n, spec, NET_CALIBRATE_MSE, 1, x, COUNT);
      net_step widest = net_calibrate(&n, spec, NET_CALIBRATE_MINMAX, 1, x, COUNT);
      double got = error_of(spec, s, x, COUNT);
      for (int fraction = -30; fraction <= 60; fraction++)
        assert_true(got <= error_of(spec, (net_step){.step = ldexpf(1, -fraction)}, x, COUNT));
      clipped |= s.step < widest.step;
    }
  assert_true(clipped);
}

static void test_mse_scale(void **state) {
  (void)state;
  static const char *const formats[] = {"scaled_integer(4)", "scaled_integer(8)", "scaled_integer(3, affine)",
                                        "scaled_integer(5, unsigned)", "scaled_integer(2)"};
  float x[1000];
  for (int kind = 0; kind < 5; kind++)
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
      const net_format_spec *spec = formats_read(&n, formats[f]);
      draw(x, 1000, kind, 5);
      net_step s = net_calibrate(&n, spec, NET_CALIBRATE_MSE, 1, x, 1000);
      double got = error_of(spec, s, x, 1000), least = INFINITY;
      float low = 0, high = 0;
      for (int i = 0; i < 1000; i++) low = fminf(low, x[i]), high = fmaxf(high, x[i]);
      for (int i = 1; i <= 3000; i++) {
        net_step tried;
        net_format_scale(spec, low * (float)i / 3000, high * (float)i / 3000, &tried.step, &tried.zero);
        least = fmin(least, error_of(spec, tried, x, 1000));
      }
      if (got > 1.02 * least)
        fail_msg("%s, kind %d: error %g, brute force has %g", formats[f], kind, got, least);
    }
}

/* ---- entropy ---- */

/* P and Q as arrays, as the paper has them. */
static double naive_divergence(const double *bins, int count, int i, int levels) {
  double p[2048] = {0}, q[2048] = {0}, p_sum = 0, q_sum = 0, sum = 0;
  for (int b = 0; b < count; b++) p[b < i ? b : i - 1] += bins[b];
  for (int level = 0; level < levels; level++) {
    int from = i * level / levels, to = i * (level + 1) / levels, filled = 0;
    double together = 0;
    for (int b = from; b < to; b++) together += bins[b], filled += bins[b] > 0;
    for (int b = from; b < to; b++) q[b] = bins[b] > 0 ? together / filled : 0;
  }
  for (int b = 0; b < i; b++) p_sum += p[b], q_sum += q[b];
  for (int b = 0; b < i; b++)
    if (p[b] > 0) sum += q[b] > 0 ? p[b] / p_sum * log(p[b] / p_sum / (q[b] / q_sum)) : INFINITY;
  return sum;
}

static void test_entropy(void **state) {
  (void)state;
  static const struct {
    const char *format;
    int levels;
  } formats[] = {{"scaled_integer(8)", 128}, {"scaled_integer(4)", 8}, {"scaled_integer(7, unsigned)", 128}};
  float x[COUNT];
  for (int kind = 0; kind < 5; kind++)
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
      const net_format_spec *spec = formats_read(&n, formats[f].format);
      draw(x, COUNT, kind, 2);
      double bins[2048] = {0}, top = 0, least = INFINITY, end = 1;
      for (int i = 0; i < COUNT; i++) top = fmax(top, spec->is_unsigned ? x[i] : fabs(x[i]));
      for (int i = 0; i < COUNT; i++) {
        double size = spec->is_unsigned ? x[i] : fabs(x[i]);
        if (size > 0) bins[(int)fmin(size / top * 2048, 2047)]++;
      }
      for (int i = formats[f].levels; i <= 2048; i++) {
        double d = naive_divergence(bins, 2048, i, formats[f].levels);
        if (d < least - 1e-13) least = d, end = i / 2048.0;
      }
      net_step s = net_calibrate(&n, spec, NET_CALIBRATE_ENTROPY, 1, x, COUNT);
      double high = spec->is_unsigned ? ldexp(1, spec->width) - 1 : ldexp(1, spec->width - 1) - 1;
      if (fabs(s.step * high - top * end) > 1e-5 * top)
        fail_msg("%s, kind %d: up to %g, naively %g", formats[f].format, kind, s.step * high, top * end);
      if (kind == 2) assert_true(end < 0.5); /* rare large ones tell least */
    }
  net_step all = calibrate("integer(16, auto)", NET_CALIBRATE_MINMAX, 1, x, COUNT);
  assert_true(calibrate("integer(16, auto)", NET_CALIBRATE_ENTROPY, 1, x, COUNT).step == all.step);
}

/* ---- the rest ---- */

static void test_learned(void **state) {
  (void)state;
  float x[] = {-1, 2, 3, -2};
  assert_true(calibrate("scaled_integer(4, ste = learned_step)", NET_CALIBRATE_MINMAX, 1, x, 4).step ==
              (float)(2 * 2 / sqrt(7)));
  assert_true(calibrate("integer(4, auto, unsigned, ste = learned_step)", NET_CALIBRATE_MSE, 1, x, 4).step ==
              (float)(2 * 2 / sqrt(15)));
  assert_true(calibrate("integer(4, 3, ste = learned_step)", NET_CALIBRATE_MINMAX, 1, x, 4).step == 0.125f);
  float nothing[] = {0, 0};
  assert_true(calibrate("scaled_integer(4, ste = learned_step)", NET_CALIBRATE_MINMAX, 1, nothing, 2).step ==
              1);
}

static void test_which(void **state) {
  (void)state;
  static const char *const none[] = {"integer(8, 4)", "float16", "minifloat(8, 4)",
                                     "ternary",       "mxint8",  "scaled_integer(8, mase_compatible = true)"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    assert_false(net_format_calibrates(formats_read(&n, none[i])));
}

/* What is not finite does not count; with nothing left, or only zeros, a format keeps its standard. */
static void test_odd_values(void **state) {
  (void)state;
  float x[] = {NAN, 1, -INFINITY, -2, INFINITY, 0.5f}, finite[] = {1, -2, 0.5f}, zeros[] = {0, 0, NAN};
  static const char *const formats[] = {"integer(8, auto)", "scaled_integer(8)", "scaled_integer(8, affine)",
                                        "scaled_integer(4, ste = learned_step)"};
  for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
    for (net_calibrator how = NET_CALIBRATE_MINMAX; how <= NET_CALIBRATE_ENTROPY; how++) {
      net_step a = calibrate(formats[f], how, 0.99, x, 6), b = calibrate(formats[f], how, 0.99, finite, 3);
      assert_true(a.step == b.step && a.zero == b.zero && a.step > 0);
      net_step c = calibrate(formats[f], how, 0.99, zeros, 3), d = calibrate(formats[f], how, 0.99, x, 1);
      assert_true(c.step == (f ? 1 : 0.0625f) && d.step == c.step);
      float huge[] = {3e38f, -3e38f}, tiny[] = {1e-45f, -1e-45f};
      net_step e = calibrate(formats[f], how, 0.99, huge, 2), g = calibrate(formats[f], how, 0.99, tiny, 2);
      assert_true(isfinite(e.step) && e.step > 0 && isnormal(g.step));
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_minmax_known, begin, end),
      cmocka_unit_test_setup_teardown(test_minmax_finest, begin, end),
      cmocka_unit_test_setup_teardown(test_scaled, begin, end),
      cmocka_unit_test_setup_teardown(test_powers_known, begin, end),
      cmocka_unit_test_setup_teardown(test_powers, begin, end),
      cmocka_unit_test_setup_teardown(test_percentile, begin, end),
      cmocka_unit_test_setup_teardown(test_mse_fraction, begin, end),
      cmocka_unit_test_setup_teardown(test_mse_scale, begin, end),
      cmocka_unit_test_setup_teardown(test_entropy, begin, end),
      cmocka_unit_test_setup_teardown(test_learned, begin, end),
      cmocka_unit_test_setup_teardown(test_which, begin, end),
      cmocka_unit_test_setup_teardown(test_odd_values, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
