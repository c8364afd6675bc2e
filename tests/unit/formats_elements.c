/* formats/: formats whose elements stand alone, by properties: on the grid, nearest, monotone, idempotent,
 * what becomes of extremes; the IEEE ones against the integer arithmetic of their bits. */
#include "tests/unit/formats_support.h"

#include <float.h>

/* ---- logarithms: against the library's, in a wider type ---- */

static void test_logarithms(void **state) {
  (void)state;
  const int32_t centers[] = {1 << 23, 11863283, 1 << 24}; /* 1, √2, 2 as mantissas */
  uint32_t differ = 0;
  for (int e = -149; e <= 127; e++)
    for (int c = 0; c < 3; c++)
      for (int d = -100; d <= 100; d++) {
        float v = ldexpf((float)(centers[c] + d), e - 23);
        if (v == 0 || isinf(v)) continue;
        float rounded = (float)log2((double)v);
        int exponent;
        bool power = frexpf(v, &exponent) == 0.5f;
        assert_int_equal(fm_floor_log2(v, false), exponent - 1);
        assert_int_equal(fm_ceil_log2(v, false), exponent - power);
        assert_int_equal(fm_round_log2(v, false), (int)rint(log2((double)v)));
        assert_int_equal(fm_floor_log2(v, true), (int)floorf(rounded));
        assert_int_equal(fm_ceil_log2(v, true), (int)ceilf(rounded));
        assert_int_equal(fm_round_log2(v, true), (int)rintf(rounded));
        differ += fm_floor_log2(v, true) != fm_floor_log2(v, false);
        differ += fm_round_log2(v, true) != fm_round_log2(v, false);
      }
  assert_true(differ > 1000);
}

/* ---- grids, enumerated from the formats' definitions ---- */

typedef struct {
  float *at;
  uint32_t count;
} grid;

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void add(netc *n, grid *g, uint32_t *capacity, double value) {
  if (g->count == *capacity) g->at = net_vec_grow(&n->arena, g->at, g->count, capacity, 1, sizeof *g->at);
  g->at[g->count++] = (float)value;
}

static grid sorted(grid g) {
  uint32_t kept = 0;
  qsort(g.at, g.count, sizeof *g.at, by_value);
  for (uint32_t i = 0; i < g.count; i++)
    if (!kept || g.at[kept - 1] != g.at[i]) g.at[kept++] = g.at[i];
  g.count = kept;
  return g;
}

static grid integers(netc *n, double low, double high, int fraction) {
  grid g = {0};
  uint32_t capacity = 0;
  for (double q = low; q <= high; q++) add(n, &g, &capacity, ldexp(q, -fraction));
  return sorted(g);
}

static grid floats(netc *n, int e, int m, int bias, bool hidden) {
  grid g = {0};
  uint32_t capacity = 0;
  for (int code = 0; code < 1 << e; code++)
    for (int q = 0; q < 1 << m; q++) {
      double fraction = ldexp(q, -m), power = ldexp(1, code - bias), y;
      if (!hidden) y = power * fraction;
      else y = code ? power * (1 + fraction) : 2 * power * fraction;
      add(n, &g, &capacity, y);
      add(n, &g, &capacity, -y);
    }
  return sorted(g);
}

/* A result is of the grid, and no value of the grid is nearer; the step between is found by bisection. */
static void check_nearest(netc *n, const char *text, grid g, bool ties_to_even) {
  const net_format_spec *spec = formats_read(n, text);
  float *x, previous = -INFINITY;
  uint32_t count = formats_samples(n, &x), ties = 0;
  for (uint32_t i = 0; i < count; i++) {
    float y = formats_one(spec, x[i]);
    uint32_t low = 0, high = g.count - 1;
    while (high - low > 1) {
      uint32_t middle = (low + high) / 2;
      if (g.at[middle] <= x[i]) low = middle;
      else high = middle;
    }
    double below = fabs((double)x[i] - g.at[low]), above = fabs((double)g.at[high] - x[i]);
    float nearest = below <= above ? g.at[low] : g.at[high];
    if (below == above && y == g.at[high]) nearest = y, ties++;
    if (y != nearest) fail_msg("%s: %a gives %a, not %a", text, (double)x[i], (double)y, (double)nearest);
    if (y < previous) fail_msg("%s is not monotone at %a", text, (double)x[i]);
    assert_true(formats_one(spec, y) == y);
    assert_true(formats_holds(spec, "", false, &y));
    previous = y;
  }
  for (uint32_t i = 0; i < g.count; i++) {
    assert_true(formats_one(spec, g.at[i]) == g.at[i]);
    if (!i) continue;
    double middle = ((double)g.at[i] + g.at[i - 1]) / 2;
    if (middle != (double)(float)middle) continue;
    float y = formats_one(spec, (float)middle),
          step = g.at[i] - g.at[i - 1]; /* even: a multiple of two steps */
    bool even = fmod(y, 2.0 * step) == 0;
    if (ties_to_even && !even) fail_msg("%s: %a is a tie, and %a odd", text, middle, (double)y);
    if (middle != (double)y) assert_false(formats_holds(spec, "", false, &(float){(float)middle}));
  }
  assert_true(formats_one(spec, INFINITY) == g.at[g.count - 1]);
  assert_true(formats_one(spec, -INFINITY) == g.at[0]);
  assert_true(formats_one(spec, NAN) == 0);
  assert_true(formats_one(spec, 0) == 0);
}

static void test_nearest(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  check_nearest(&n, "integer(8, 4)", integers(&n, -128, 127, 4), true);
  check_nearest(&n, "integer(1, 0)", integers(&n, -1, 0, 0), false);
  check_nearest(&n, "integer(4, -3)", integers(&n, -8, 7, -3), true);
  check_nearest(&n, "integer(5, 30)", integers(&n, -16, 15, 30), true);
  check_nearest(&n, "integer(12, -95)", integers(&n, -2048, 2047, -95), true);
  check_nearest(&n, "integer(12, 126)", integers(&n, -2048, 2047, 126), true);
  check_nearest(&n, "integer(8, 4, unsigned)", integers(&n, 0, 255, 4), true);
  check_nearest(&n, "integer(6, 2, symmetric)", integers(&n, -31, 31, 2), true);
  check_nearest(&n, "integer(6, 2, rounding = half_up)", integers(&n, -32, 31, 2), false);
  check_nearest(&n, "minifloat(8, 4)", floats(&n, 4, 3, 7, true), true);
  check_nearest(&n, "minifloat(8, 5)", floats(&n, 5, 2, 15, true), true);
  check_nearest(&n, "minifloat(4, 2, -3)", floats(&n, 2, 1, -3, true), true);
  check_nearest(&n, "minifloat(6, 1)", floats(&n, 1, 4, 0, true), true);
  check_nearest(&n, "minifloat(5, 4, 100)", floats(&n, 4, 0, 100, true), false);
  check_nearest(&n, "minifloat(9, 4, 144)", floats(&n, 4, 4, 144, true), true);
  check_nearest(&n, "minifloat_denorm(8, 4)", floats(&n, 4, 3, 7, false), true);
  check_nearest(&n, "minifloat_denorm(6, 3, 10)", floats(&n, 3, 2, 10, false), true);
  check_nearest(&n, "minifloat_denorm(5, 3)", floats(&n, 3, 1, 3, false), false);
  netc_free(&n);
}

/* Exponents stop at 127. */
static void test_wide(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  const net_format_spec *wide = formats_read(&n, "minifloat(19, 8, 127)");
  assert_true(formats_one(wide, FLT_MAX) == ldexpf(2 - 0x1p-10f, 127));
  assert_true(formats_one(wide, 0x1p-136f) == 0x1p-136f && formats_one(wide, 0x1p-138f) == 0);
  const net_format_spec *all = formats_read(&n, "minifloat(32, 8)"); /* all of binary32 */
  float *x;
  uint32_t count = formats_samples(&n, &x);
  for (uint32_t i = 0; i < count; i++) assert_true(formats_one(all, x[i]) == x[i]);
  wide = formats_read(&n, "log(9, 100)");
  assert_true(formats_one(wide, FLT_MAX) == 0x1p127f && formats_one(wide, 0) == 0x1p-100f);
  wide = formats_read(&n, "minifloat_denorm(12, 8)");
  assert_true(formats_one(wide, FLT_MAX) == ldexpf(0.875f, 127) && formats_one(wide, 0x1p126f) == 0x1p126f);
  wide = formats_read(&n, "minifloat_denorm(12, 8, mase_compatible = true)");
  assert_true(formats_one(wide, FLT_MAX) == ldexpf(0.875f, 127)); /* MASE: NaN */
  netc_free(&n);
}

/* What differs by default: the carry, powers of two, small values. */
static void test_defaults(void **state) {
  (void)state;
  static const struct {
    const char *text;
    float x, y, mase;
  } cases[] = {
      {"minifloat(8, 4)", 1.97f, 2, 1.875f}, {"minifloat_denorm(8, 4)", 1, 1, 0.875f},
      {"minifloat(8, 4)", 1e-9f, 0, 1e-9f},  {"minifloat_denorm(8, 4)", -1e-8f, 0, -1e-8f},
      {"log(4)", -0.0125f, 0.125f, 0}, /* −0.1·2^−3: the sign of nothing */
      {"log(4)", -0.02f, -0.125f, -0.125f},  {"log(4)", 0, 0.125f, 0.125f},
  };
  netc n;
  formats_begin(&n);
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    net_format_spec spec = *formats_read(&n, cases[i].text);
    assert_true(formats_one(&spec, cases[i].x) == cases[i].y);
    spec.mase = true;
    assert_true(formats_one(&spec, cases[i].x) == cases[i].mase);
  }
  netc_free(&n);
}

/* ---- integers: roundings and overflows, in 64-bit arithmetic ---- */

static int64_t by_hand(const net_format_spec *spec, double scaled) {
  int64_t low = spec->is_unsigned ? 0 : -((int64_t)1 << (spec->width - 1)), size = (int64_t)1 << spec->width;
  int64_t high = low + size - 1, whole = (int64_t)floor(scaled), q = whole;
  double rest = scaled - floor(scaled);
  if (spec->rounding == NET_ROUND_HALF_EVEN) q += rest > 0.5 || (rest == 0.5 && whole % 2);
  if (spec->rounding == NET_ROUND_HALF_UP) q += rest >= 0.5;
  if (spec->rounding == NET_ROUND_ZERO) q += rest > 0 && scaled < 0;
  if (spec->overflow == NET_WRAP) return ((q - low) % size + size) % size + low;
  if (spec->overflow == NET_SYMMETRIC) low++;
  return q < low ? low : q > high ? high : q;
}

static void test_integers(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  float *x;
  uint32_t count = formats_samples(&n, &x);
  for (int k = 0; k < 4 * 3 * 2; k++)
    for (int width = 2; width <= 20; width += 6) {
      net_format_spec spec = *formats_read(&n, "integer(8, 3)");
      spec.width = width;
      spec.rounding = k % 4, spec.overflow = k / 4 % 3,
      spec.is_unsigned = k >= 12 && spec.overflow != NET_SYMMETRIC;
      for (uint32_t i = 0; i < count; i++) {
        if (fabsf(x[i]) > 0x1p40f) continue;
        float expected = ldexpf((float)by_hand(&spec, ldexp(x[i], 3)), -3), y = formats_one(&spec, x[i]);
        if (y != expected)
          fail_msg("%s: %a gives %a, not %a", net_format_spec_text(&n, &spec), (double)x[i], (double)y,
                   (double)expected);
        assert_true(formats_holds(&spec, "", false, &y));
      }
    }
  /* wrap beyond what binary32 scales: multiples of 2^w; infinities saturate */
  const net_format_spec *wrap = formats_read(&n, "ap_fixed(8, -40)");
  assert_true(formats_one(wrap, 0x1p120f) == 0 && formats_one(wrap, INFINITY) == ldexpf(127, -48));
  assert_true(formats_one(wrap, -INFINITY) == ldexpf(-128, -48));
  /* 32 bits: the upper bound rounds */
  assert_true(formats_one(formats_read(&n, "integer(32, 0)"), 1e20f) == 0x1p31f);
  assert_true(formats_one(formats_read(&n, "integer(32, 0)"), -1e20f) == -0x1p31f);
  assert_true(formats_one(formats_read(&n, "ap_fixed(32, 32)"), 0x1p31f) == -0x1p31f);
  assert_true(formats_one(formats_read(&n, "integer(8, 0, rounding = half_up)"), 0.49999997f) == 0);
  netc_free(&n);
}

/* ---- log: nearest exponent ---- */

static void test_log(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  float *x, previous = -INFINITY;
  uint32_t count = formats_samples(&n, &x);
  const net_format_spec *spec = formats_read(&n, "log(5)"); /* b = 7: 2^−7 to 2^8 */
  float offset = (float)(0.1 * 0x1p-7);
  for (uint32_t i = 0; i < count; i++) {
    float y = formats_one(spec, x[i]), v = fabsf(x[i]) + offset;
    double exponent = fmin(fmax(rint(log2((double)v)), -7), 8);
    assert_true(fabsf(y) == ldexpf(1, (int)exponent));
    assert_true((y < 0) == (x[i] < -offset) && y >= previous);
    assert_true(formats_one(spec, y) == y && formats_holds(spec, "", false, &y));
    previous = y;
  }
  assert_true(formats_one(spec, INFINITY) == 256 && formats_one(spec, -INFINITY) == -256);
  assert_true(formats_one(spec, NAN) == 0x1p-7f);
  assert_false(formats_holds(spec, "", false, &(float){0}));
  assert_false(formats_holds(spec, "", false, &(float){3}));
  netc_free(&n);
}

/* ---- residual_binary: the nearest of evenly spaced values ---- */

static void test_residual(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  float *x;
  uint32_t count = formats_samples(&n, &x);
  for (int width = 1; width <= 8; width++) {
    const net_format_spec *spec = formats_read(&n, net_arena_format(&n.arena, "residual_binary(%d)", width));
    double steps = ldexp(1, width) - 1, step = 2 / steps;
    for (uint32_t i = 0; i < count; i++) {
      double y = formats_one(spec, x[i]), v = fmin(fmax((double)x[i], -1), 1);
      double place = (y + 1) / step; /* 0, 1, … 2^w − 1 */
      assert_true(fabs(place - rint(place)) < 1e-5 && rint(place) >= 0 && rint(place) <= steps);
      assert_true(fabs(y - v) <= step / 2 + 1e-6);
      assert_true(formats_one(spec, (float)y) == (float)y &&
                  formats_holds(spec, "", false, &(float){(float)y}));
    }
    assert_true(formats_one(spec, INFINITY) == 1 && formats_one(spec, -INFINITY) == -1);
    assert_true(formats_one(spec, 0) > 0 && formats_one(spec, NAN) == formats_one(spec, 0));
    assert_false(formats_holds(spec, "", false, &(float){0}));
  }
  const net_format_spec *two = formats_read(&n, "residual_binary(2)");
  assert_true(fabsf(formats_one(two, 0.5f) - 1.0f / 3) < 1e-7f && formats_one(two, 0.7f) == 1);
  assert_true(formats_one(formats_read(&n, "residual_binary(2, mase_compatible = true)"), 0) == 0);
  netc_free(&n);
}

/* ---- float16 and bfloat16: on the bits ---- */

/* The `mantissa`-bit float of `bias`, as binary32, by shifting bits: no float arithmetic. */
static uint32_t narrow(uint32_t bits, int mantissa, int bias) {
  uint32_t sign = bits & 0x80000000u, rest = bits & 0x7fffffffu;
  if (rest >= 0x7f800000u) return bits;
  int drop = 23 - mantissa, exponent = (int)(rest >> 23),
      least = 127 - bias + 1; /* code of the lowest exponent */
  uint64_t value = exponent ? (rest & 0x7fffff) | 0x800000 : rest & 0x7fffff;
  if (!exponent) exponent = 1;
  int more = exponent < least ? least - exponent : 0;
  if (drop + more > 40) return sign;
  uint64_t step = 1ull << (drop + more), kept = value / step, left = value % step;
  kept += left > step / 2 || (left == step / 2 && kept % 2);
  value = kept * step; /* at exponent − 23 */
  if (!value) return sign;
  while (value >= 1u << 24) value >>= 1, exponent++;
  while (value < 1u << 23 && exponent > 1) value <<= 1, exponent--;
  if (exponent > 127 + bias) return sign | 0x7f800000u;
  if (value < 1u << 23) return sign | (uint32_t)value;
  return sign | (uint32_t)exponent << 23 | ((uint32_t)value & 0x7fffff);
}

static void check_ieee(netc *n, const char *text, int mantissa, int bias) {
  const net_format_spec *spec = formats_read(n, text);
  float *x;
  uint32_t count = formats_samples(n, &x);
  for (uint32_t i = 0; i < count; i++)
    assert_int_equal(formats_to_bits(formats_one(spec, x[i])), narrow(formats_to_bits(x[i]), mantissa, bias));
  for (uint32_t code = 0; code < 1 << 16; code++) { /* every value, and all around the middle to the next */
    uint32_t bits = code << 16;
    if (bias == 15) { /* float16 by its bits */
      int e = code >> 10 & 31;
      float y = e ? ldexpf((float)(1024 + (code & 1023)), e - 25) : ldexpf((float)(code & 1023), -24);
      if (e == 31) y = code & 1023 ? NAN : INFINITY;
      bits = formats_to_bits(code >> 15 ? -y : y);
    }
    float y = formats_bits(bits);
    if (isnan(y)) {
      assert_true(isnan(formats_one(spec, y)));
      continue;
    }
    assert_int_equal(formats_to_bits(formats_one(spec, y)), bits);
    assert_true(formats_holds(spec, "", false, &y));
    if (isinf(y)) continue;
    for (uint32_t k = 0; k < 6; k++) {
      uint32_t half = 1u << (22 - mantissa), near = bits + half * (k / 3) + k % 3 - 1;
      if (!isfinite(formats_bits(near))) continue;
      assert_int_equal(formats_to_bits(formats_one(spec, formats_bits(near))), narrow(near, mantissa, bias));
    }
  }
  assert_true(formats_one(spec, INFINITY) == INFINITY && formats_one(spec, -INFINITY) == -INFINITY);
}

static void test_ieee(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  check_ieee(&n, "float16", 10, 15);
  check_ieee(&n, "bfloat16", 7, 127);
  assert_true(formats_one(formats_read(&n, "float16"), 65519.996f) == 65504);
  assert_true(formats_one(formats_read(&n, "float16"), 65520) == INFINITY);
  float *x;
  uint32_t count = formats_samples(&n, &x);
  for (uint32_t i = 0; i < count; i++)
    assert_int_equal(formats_to_bits(formats_one(net_format_at(&n, 0), x[i])), formats_to_bits(x[i]));
  netc_free(&n);
}

/* ---- gradients ---- */

static void test_gradients(void **state) {
  (void)state;
  static const struct {
    const char *text;
    float low, high;
  } cases[] = {
      {"integer(8, 4", -8, 7.9375f},
      {"integer(8, 4, unsigned", 0, 15.9375f},
      {"integer(8, 4, symmetric", -7.9375f, 7.9375f},
      {"ap_fixed(8, 4", -8, 7.9375f},
      {"minifloat(8, 4", -480, 480},
      {"minifloat_denorm(8, 4", -224, 224},
      {"log(5", -256, 256},
      {"float16", -65504, 65504},
      {"binary(true", -1, 1},
      {"residual_binary(3", -1, 1},
      {"ternary(false", -1, 1},
  };
  netc n;
  formats_begin(&n);
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    float low = cases[i].low, high = cases[i].high;
    float x[] = {low, nextafterf(low, -INFINITY), high, nextafterf(high, INFINITY), 0.5f, NAN};
    float dy[] = {1, 2, 3, 4, 5, 6}, dx[6];
    const bool inside[] = {true, false, true, false, true, true};
    net_shape shape = {.rank = 1, .dim = {6}};
    net_format_tensor tensor = {.shape = &shape, .values = x};
    const char *open = strchr(cases[i].text, '(') ? ", " : "(";
    const char *const ways[] = {"plain", "clipped", "learned_step"};
    for (int way = 0; way < 3; way++) {
      const char *text = net_arena_format(&n.arena, "%s%sste = %s)", cases[i].text, open, ways[way]);
      net_format_gradient(formats_read(&n, text), &tensor, dy, dx);
      for (int k = 0; k < 6; k++) assert_true(dx[k] == (way == 0 || inside[k] ? dy[k] : 0));
    }
  }
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_logarithms), cmocka_unit_test(test_nearest),
                                     cmocka_unit_test(test_wide),       cmocka_unit_test(test_defaults),
                                     cmocka_unit_test(test_integers),   cmocka_unit_test(test_log),
                                     cmocka_unit_test(test_residual),   cmocka_unit_test(test_ieee),
                                     cmocka_unit_test(test_gradients)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
