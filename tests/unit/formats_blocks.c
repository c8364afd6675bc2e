/* formats/: formats whose elements share something: where blocks lie, zeros, batches, means, calibration, and
 * each block against a rule computed here. */
#include "tests/unit/formats_support.h"

#include <float.h>

enum { MOST = 6 * 9 * 11 };

static uint32_t seed = 11;

static uint32_t draw(uint32_t limit) { return ((seed = seed * 1664525u + 1013904223u) >> 8) % limit; }

/* Magnitudes from 2^−12 to 2^12 with many zeros. */
static void fill(float *x, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    x[i] = draw(4) ? ldexpf((float)draw(4096) + 1, (int)draw(24) - 24) : 0;
    if (draw(2)) x[i] = -x[i];
  }
}

/* ---- where blocks lie ---- */

/* Number of the block that element (i, j, k) of a tensor a × b × c lies in, for blocks of p × q × r. */
static uint32_t block_of(const uint32_t *dim, const uint32_t *size, uint32_t at) {
  uint32_t index[3] = {at / (dim[1] * dim[2]), at / dim[2] % dim[1], at % dim[2]}, number = 0;
  for (int k = 0; k < 3; k++) number = number * 100 + index[k] / size[k];
  return number;
}

static const struct {
  const char *written, *shape;
  bool batched;
  uint32_t dim[3], size[3]; /* with leading 1s */
} layouts[] = {
    {"16", "5x16", false, {1, 5, 16}, {1, 1, 16}},
    {"4", "5x10", false, {1, 5, 10}, {1, 1, 4}},   /* a tail of 2 */
    {"[4]", "5x10", false, {1, 5, 10}, {1, 5, 4}}, /* all rows */
    {"[4]", "5x10", true, {1, 5, 10}, {1, 1, 4}},
    {"[2, 4]", "5x10", false, {1, 5, 10}, {1, 2, 4}},
    {"[2, 4]", "5x10", true, {1, 5, 10}, {1, 1, 4}},
    {"[-1, 3]", "5x10", false, {1, 5, 10}, {1, 5, 3}},
    {"[9, 3]", "5x10", false, {1, 5, 10}, {1, 5, 3}}, /* too large */
    {"[2, -1]", "5x10", false, {1, 5, 10}, {1, 2, 10}},
    {"[-1]", "5x10", false, {1, 5, 10}, {1, 5, 10}},
    {"-1", "5x10", false, {1, 5, 10}, {1, 1, 10}},
    {"[7, 8, 2, 4]", "5x10", false, {1, 5, 10}, {1, 2, 4}}, /* dimensions too many */
    {"[2, 4]", "4x6x9", false, {4, 6, 9}, {4, 2, 4}},
    {"[2, 4]", "4x6x9", true, {4, 6, 9}, {1, 2, 4}},
    {"[3, 4, 5]", "4x6x9", false, {4, 6, 9}, {3, 4, 5}},
    {"[3, 4, 5]", "4x6x9", true, {4, 6, 9}, {1, 4, 5}},
    {"[4]", "4x6x9", true, {4, 6, 9}, {1, 6, 4}},
    {"4", "4x6x9", true, {4, 6, 9}, {1, 1, 4}},
    {"4", "9", false, {1, 1, 9}, {1, 1, 4}},
    {"[-1]", "9", true, {1, 1, 9}, {1, 1, 1}}, /* a batch of numbers */
};

/* A block_fp element depends on its block's largest magnitude alone: raise one element and see what changes.
 */
static void test_layouts(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  for (uint32_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
    const char *text = net_arena_format(&n.arena, "block_fp(4, 8, block = %s)", layouts[i].written);
    const net_format_spec *spec = formats_read(&n, text);
    const uint32_t *dim = layouts[i].dim;
    uint32_t count = dim[0] * dim[1] * dim[2];
    float x[MOST], y[MOST];
    for (uint32_t at = 0; at < count; at++) {
      for (uint32_t k = 0; k < count; k++) x[k] = 1.5f;
      x[at] = 1000;
      formats_many(spec, layouts[i].shape, layouts[i].batched, x, y);
      for (uint32_t k = 0; k < count; k++) {
        bool together = block_of(dim, layouts[i].size, k) == block_of(dim, layouts[i].size, at);
        float expected = k == at ? 7 * 128 : together ? 0 : 1.5f;
        if (y[k] != expected) fail_msg("%s on %s: %u with %u", text, layouts[i].shape, at, k);
      }
    }
  }
  netc_free(&n);
}

/* ---- each block's rule ---- */

static float by_block_fp(float x, float maximum) { /* (6, 4, 7) */
  int E;
  if (frexpf(maximum, &E) == 0.5f) E--;
  E = E < -7 ? -7 : E > 8 ? 8 : E;
  double q = fmin(rint(fabs((double)x) * ldexp(1, 5 - E)), 31);
  return copysignf((float)ldexp(q, E - 5), x);
}

static float by_block_minifloat(float x, float maximum) { /* (6, 3, 2) */
  int floor_log2, e;
  frexpf(maximum, &floor_log2);
  int bias = floor_log2 - 1 < 0 ? 0 : floor_log2 - 1 > 3 ? 3 : floor_log2 - 1;
  double largest = ldexp(1.75, 7 - bias), v = fabs((double)x);
  frexp(v, &e);
  e = e - 1 < 1 - bias ? 1 - bias : e - 1;
  return copysignf((float)fmin(ldexp(rint(ldexp(v, 2 - e)), e - 2), largest), x);
}

static float by_block_log(float x, float maximum) { /* (4, 3) */
  int bias = 7 - (int)ceil(log2((double)maximum));
  bias = bias < 0 ? 0 : bias > 7 ? 7 : bias;
  float offset = (float)(0.1 * ldexp(1, -bias)), v = fabsf(x) + offset;
  double k = fmin(fmax(rint(log2((double)v)), -bias), 7 - bias);
  return (x + offset < 0 ? -1 : 1) * (float)exp2(k);
}

static float by_mxint(float x, float maximum) { /* (5, scale_bits = 4) */
  int S = (int)ceil(log2((double)maximum));
  S = S < -7 ? -7 : S > 8 ? 8 : S;
  return (float)ldexp(fmin(fmax(rint(ldexp(x, 4 - S)), -16), 15), S - 4);
}

static float by_codebook(float x, float maximum) { /* −1, −0.4, 0, 0.3, 1 */
  const float values[] = {0, -0.4f, 0.3f, -1, 1};
  float v = x / maximum;
  uint32_t best = 0;
  for (uint32_t i = 1; i < 5; i++)
    if (fabs((double)v - values[i]) < fabs((double)v - values[best])) best = i;
  return values[best] * maximum;
}

static const struct {
  const char *text;
  float (*rule)(float x, float maximum);
  bool idempotent;
} rules[] = {
    {"block_fp(6, 4, 7, ", by_block_fp, false}, /* a block of 1.0 loses a step */
    {"block_minifloat(6, 3, 2, ", by_block_minifloat, false},
    {"block_log(4, 3, ", by_block_log, false},
    {"mxint(5, scale_bits = 4, ", by_mxint, false},
    {"nf(", by_codebook, true},
};

static void define(netc *n) {
  const double values[] = {-1, -0.4f, 0, 0.3f, 1};
  const net_format_argument scale = {.name = "scale", .kind = NET_FORMAT_WORD, .word = "absmax"};
  assert_true(net_format_define(n, "nf", values, 5, &scale, 1, NET_NOWHERE));
}

/* Largest magnitudes by block, those of 0 replaced as the rules have it. */
static float maximum_of(const float *x, uint32_t layout, uint32_t at) {
  const uint32_t *dim = layouts[layout].dim, *size = layouts[layout].size;
  uint32_t count = dim[0] * dim[1] * dim[2], each = count;
  if (layouts[layout].batched) each /= dim[0] > 1 ? dim[0] : dim[1] > 1 ? dim[1] : dim[2];
  float smallest = 0, own = 0;
  for (uint32_t k = at / each * each; k < (at / each + 1) * each; k++) {
    float maximum = 0;
    for (uint32_t j = 0; j < count; j++)
      if (block_of(dim, size, j) == block_of(dim, size, k)) maximum = fmaxf(maximum, fabsf(x[j]));
    if (maximum > 0 && (smallest == 0 || maximum < smallest)) smallest = maximum;
    if (block_of(dim, size, k) == block_of(dim, size, at)) own = maximum;
  }
  return own > 0 ? own : smallest > 0 ? smallest : 1;
}

static void test_rules(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  define(&n);
  for (uint32_t r = 0; r < sizeof rules / sizeof *rules; r++)
    for (uint32_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
      const char *text = net_arena_format(&n.arena, "%sblock = %s)", rules[r].text, layouts[i].written);
      const net_format_spec *spec = formats_read(&n, text);
      const uint32_t *dim = layouts[i].dim;
      uint32_t count = dim[0] * dim[1] * dim[2];
      float x[MOST], y[MOST], again[MOST];
      for (int times = 0; times < 6; times++) {
        fill(x, count);
        for (uint32_t at = 0; at < count; at++) /* some blocks are zeros */
          if (times < 3 && block_of(dim, layouts[i].size, at) % 3 == 0) x[at] = times == 2 ? -0.f : 0;
        if (times == 5) memset(x, 0, sizeof x);
        formats_many(spec, layouts[i].shape, layouts[i].batched, x, y);
        for (uint32_t at = 0; at < count; at++) {
          float expected = rules[r].rule(x[at], maximum_of(x, i, at));
          if (y[at] != expected)
            fail_msg("%s on %s: %a gives %a, not %a", text, layouts[i].shape, (double)x[at], (double)y[at],
                     (double)expected);
        }
        if (!formats_holds(spec, layouts[i].shape, layouts[i].batched, y))
          fail_msg("%s leaves its grid", text);
        formats_many(spec, layouts[i].shape, layouts[i].batched, x, x); /* in place */
        assert_memory_equal(x, y, sizeof *x * count);
        formats_many(spec, layouts[i].shape, layouts[i].batched, y, again);
        if (rules[r].idempotent) assert_memory_equal(y, again, sizeof *y * count);
      }
    }
  netc_free(&n);
}

/* A batch gives what its samples give by themselves, whatever else is in it. */
static void test_batches(void **state) {
  (void)state;
  static const char *const texts[] = {"block_fp(6, 4, 7, [2, 4])",
                                      "block_minifloat(6, 3, 2, [4])",
                                      "block_log(4, 3, [2, 4])",
                                      "mxint(5, 4)",
                                      "mxfp6_e3m2(4)",
                                      "nf([3, 4])",
                                      "nf",
                                      "binary(false)",
                                      "block_fp(6, 4, 7, [-1, -1, -1])"};
  netc n;
  formats_begin(&n);
  define(&n);
  for (uint32_t t = 0; t < sizeof texts / sizeof *texts; t++) {
    const net_format_spec *spec = formats_read(&n, texts[t]);
    float x[4 * 6 * 9], y[4 * 6 * 9], one[6 * 9];
    fill(x, 4 * 6 * 9);
    memset(x + 54, 0, sizeof *x * 54); /* a sample of zeros */
    memset(x + 108, 0, sizeof *x * 9 * 2);
    formats_many(spec, "4x6x9", true, x, y);
    for (int sample = 0; sample < 4; sample++) {
      formats_many(spec, "1x6x9", true, x + 54 * sample, one);
      assert_memory_equal(one, y + 54 * sample, sizeof one);
    }
    assert_true(formats_holds(spec, "4x6x9", true, y));
  }
  netc_free(&n);
}

/* Empty tensors, one element, none of the dimensions. */
static void test_small(void **state) {
  (void)state;
  static const char *const texts[] = {"integer(8, 4)",
                                      "minifloat(8, 4)",
                                      "log(5)",
                                      "block_fp(8, 8, block = 16)",
                                      "binary(false)",
                                      "ternary(true)",
                                      "mxfp4",
                                      "block_log(8, 4, [4, 4])",
                                      "mxint(8, 16)",
                                      "nf",
                                      "float16",
                                      "block_minifloat(8, 4, 4, 4)",
                                      "scaled_integer(8, mase_compatible = true)"};
  static const char *const empty[] = {"0", "0x4", "4x0", "2x0x3"};
  netc n;
  formats_begin(&n);
  define(&n);
  for (uint32_t t = 0; t < sizeof texts / sizeof *texts; t++) {
    const net_format_spec *spec = formats_read(&n, texts[t]);
    float x = 42;
    for (uint32_t k = 0; k < 4; k++)
      for (int batched = 0; batched < 2; batched++) {
        formats_many(spec, empty[k], batched, &x, &x);
        assert_true(x == 42); /* not touched */
        assert_true(formats_holds(spec, empty[k], batched, &x));
      }
    float a = 0.75f, b, c;
    formats_many(spec, "", false, &a, &b);
    formats_many(spec, "1x1", true, &a, &c);
    assert_true(b == c && b > 0 && formats_holds(spec, "", false, &b));
  }
  netc_free(&n);
}

/* ---- means ---- */

static void test_means(void **state) {
  (void)state;
  const float x[8] = {1, -2,   3,     -4,
                      0, 0.5f, -0.5f, 3}; /* two channels: means 2.5 and 1, thresholds 1.875 and 0.75 */
  static const struct {
    const char *text;
    float y[8];
  } cases[] = {
      {"binary", {1, -1, 1, -1, 1, 1, -1, 1}},
      {"binary(false)", {2.5f, 0, 2.5f, 0, 0, 1, 0, 1}},
      {"ternary", {0, -1, 1, -1, 0, 0, 0, 1}},
      {"ternary(scaled)", {0, -3, 3, -3, 0, 0, 0, 3}},
  };
  netc n;
  formats_begin(&n);
  float y[8];
  for (uint32_t i = 0; i < 4; i++) {
    const net_format_spec *spec = formats_read(&n, cases[i].text);
    formats_many(spec, "2x4", false, x, y);
    for (int k = 0; k < 8; k++) assert_true(y[k] == cases[i].y[k]);
    assert_true(formats_holds(spec, "2x4", false, y));
    formats_many(spec, "2x2x2", true, x, y); /* samples */
    for (int k = 0; k < 8; k++) assert_true(y[k] == cases[i].y[k]);
    y[1] = 0.25f;
    assert_false(formats_holds(spec, "2x4", false, y));
  }
  /* a vector is one channel; extremes */
  formats_many(formats_read(&n, "binary(false)"), "8", false, x, y);
  assert_true(y[0] == 1.75f && y[1] == 0);
  float extremes[] = {NAN, INFINITY, -INFINITY, 0};
  formats_many(formats_read(&n, "ternary(scaled)"), "4", false, extremes, y);
  assert_true(y[0] == 0 && y[1] == FLT_MAX && y[2] == -FLT_MAX && y[3] == 0);
  float zeros[4] = {0};
  formats_many(formats_read(&n, "ternary(scaled)"), "4", false, zeros, y);
  for (int k = 0; k < 4; k++) assert_true(y[k] == 0);
  /* summed in double, in order, rounded once */
  float many[1001], sum = 0;
  double exact = 0;
  for (int k = 0; k < 1001; k++) many[k] = 0.1f + (float)k / 7, exact += (double)many[k], sum += many[k];
  float means[1001];
  formats_many(formats_read(&n, "binary(false)"), "1001", false, many, means);
  assert_true(means[0] == (float)(exact / 1001) && means[0] != sum / 1001);
  netc_free(&n);
}

static void test_stochastic(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  const float x[] = {-2, -0.5f, -0.5f, 0, 0, 0.5f, 0.5f, 2},
              draws[] = {0, 0.24f, 0.26f, 0.49f, 0.51f, 0.74f, 0.76f, 0.99f};
  const float expected[] = {-1, 1, -1, 1, -1, 1, -1, 1}, without[] = {-1, -1, -1, 1, 1, 1, 1, 1};
  float y[8];
  net_shape shape = {.rank = 1, .dim = {8}};
  net_format_tensor tensor = {.shape = &shape, .values = x, .draws = draws};
  net_format_quantize(formats_read(&n, "binary(stochastic)"), &tensor, y);
  for (int k = 0; k < 8; k++) assert_true(y[k] == expected[k]);
  net_format_quantize(formats_read(&n, "binary(false, stochastic)"), &tensor, y);
  for (int k = 1; k < 8; k++) assert_true(y[k] == (expected[k] > 0 ? 0.75f : 0));
  tensor.draws = NULL;
  net_format_quantize(formats_read(&n, "binary(stochastic)"), &tensor, y);
  for (int k = 0; k < 8; k++) assert_true(y[k] == without[k]);
  netc_free(&n);
}

/* ---- calibration ---- */

static void test_calibrated(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  const float x[6] = {0.3f, -0.3f, 100, 0.3f, -0.3f, 100}, scale[3] = {0.25f, 0.03125f, 2};
  const int32_t zero[3] = {3, -5, 0};
  float y[6];
  net_shape matrix = {.rank = 2, .dim = {2, 3}}, batch = {.rank = 2, .dim = {2, 3}};
  net_calibration two = {.scale = scale, .count = 2}, three = {.scale = scale, .count = 3},
                  one = {.scale = scale, .count = 1};
  const net_format_spec *spec = formats_read(&n, "integer(4, auto, per = channel)");
  net_format_quantize(spec, &(net_format_tensor){.shape = &matrix, .values = x, .calibration = &two}, y);
  const float rows[] = {0.25f, -0.25f, 1.75f, 7 * 0.03125f, -8 * 0.03125f, 7 * 0.03125f};
  for (int k = 0; k < 6; k++) assert_true(y[k] == rows[k]);
  net_format_quantize(
      spec, &(net_format_tensor){.shape = &batch, .batched = true, .values = x, .calibration = &three}, y);
  const float columns[] = {0.25f, -8 * 0.03125f, 14, 0.25f, -8 * 0.03125f, 14};
  for (int k = 0; k < 6; k++) assert_true(y[k] == columns[k]);
  net_format_tensor grid = {.shape = &batch, .batched = true, .values = y, .calibration = &three};
  assert_true(net_format_on_grid(spec, &grid));
  y[2] = 1;
  assert_false(net_format_on_grid(spec, &grid));
  spec = formats_read(&n, "integer(4, auto)");
  net_format_quantize(spec, &(net_format_tensor){.shape = &batch, .values = x, .calibration = &one}, y);
  assert_true(y[4] == -0.25f && y[5] == 1.75f);
  /* scaled_integer by hand: q = clamp(R(x/s) + z, −8, 7) */
  three.zero = zero;
  spec = formats_read(&n, "scaled_integer(4, channel, affine)");
  net_format_quantize(
      spec, &(net_format_tensor){.shape = &batch, .batched = true, .values = x, .calibration = &three}, y);
  const float scaled[] = {0.25f, -3 * 0.03125f, 14,
                          0.25f, -3 * 0.03125f, 14}; /* −0.3/s = −10, − 5 → −8, + 5 */
  for (int k = 0; k < 6; k++) assert_true(y[k] == scaled[k]);
  assert_true(net_format_on_grid(spec, &grid));
  netc_free(&n);
}

static void test_scale(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  static const struct {
    const char *text;
    float low, high, scale;
    int32_t zero;
  } cases[] = {
      {"scaled_integer(8)", -1, 2, 2.f / 127, 0},
      {"scaled_integer(8)", -4, 2, 4.f / 127, 0},
      {"scaled_integer(8, unsigned)", 0, 2, 2.f / 255, 0},
      {"scaled_integer(8, affine)", -1, 2, 3.f / 255, -43}, /* −128 + 85 */
      {"scaled_integer(8, affine, unsigned)", -1, 2, 3.f / 255, 85},
      {"scaled_integer(8, affine, unsigned)", 1, 2, 2.f / 255, 0}, /* 0 is always a value */
      {"scaled_integer(8, affine)", -2, -1, 2.f / 255, 127},
      {"scaled_integer(8)", 0, 0, 1, 0},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    float scale;
    int32_t zero;
    const net_format_spec *spec = formats_read(&n, cases[i].text);
    net_format_scale(spec, cases[i].low, cases[i].high, &scale, &zero);
    assert_true(scale == cases[i].scale);
    assert_int_equal(zero, cases[i].zero);
    net_calibration calibration = {.scale = &scale, .zero = &zero, .count = 1};
    float x[3] = {cases[i].low, 0, cases[i].high}, y[3];
    net_shape shape = {.rank = 1, .dim = {3}};
    net_format_tensor tensor = {.shape = &shape, .values = x, .calibration = &calibration};
    net_format_quantize(spec, &tensor, y);
    assert_true(y[1] == 0); /* zero stays, the ends are half a step away at most */
    for (int k = 0; k < 3; k++) assert_true(fabsf(y[k] - x[k]) <= scale * 0.5001f);
  }
  netc_free(&n);
}

/* Halfway between two values: the one nearer to 0, of −v and v the lower. Order and scale of what is written.
 */
static void test_codebooks(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  const double values[] = {3, -1, 1, -3, 0.25, 8};
  assert_true(net_format_define(&n, "c", values, 6, NULL, 0, NET_NOWHERE));
  const float x[] = {-4, -2, 0, -0.375f, 0.625f, 2, 5.5f, 5.6f, 1e30f, -INFINITY, NAN, 0.26f};
  const float expected[] = {-3, -1, 0.25f, 0.25f, 0.25f, 1, 3, 8, 8, -3, 0.25f, 0.25f};
  float y[12];
  formats_many(formats_read(&n, "c"), "12", false, x, y);
  for (int k = 0; k < 12; k++) assert_true(y[k] == expected[k]);
  assert_true(formats_holds(formats_read(&n, "c"), "12", false, y));
  assert_true(net_format_define(&n, "d", (double[]){1, -1}, 2, NULL, 0, NET_NOWHERE));
  assert_true(formats_one(formats_read(&n, "d"), 0) == -1);
  /* times the largest magnitude of all: here 8, though 8 · 8 is a value then */
  const net_format_argument scale = {.name = "scale", .kind = NET_FORMAT_WORD, .word = "absmax"};
  assert_true(net_format_define(&n, "e", values, 6, &scale, 1, NET_NOWHERE));
  const float z[] = {8, -4, 2.1f, 0};
  const float scaled[] = {8, -8, 2, 2}; /* 1, −0.5, 0.26, 0 of 8: −0.5 is nearer to −1 than to 0.25 */
  formats_many(formats_read(&n, "e"), "4", false, z, y);
  for (int k = 0; k < 4; k++) assert_true(y[k] == scaled[k]);
  assert_true(formats_holds(formats_read(&n, "e"), "4", false, y));
  netc_free(&n);
}

/* Clipped gradients see the block's own range. */
static void test_gradients(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  define(&n);
  const float x[4] = {4, 1, 0.25f, 0.2f}, dy[4] = {1, 2, 3, 4};
  static const struct {
    const char *text;
    float dx[4];
  } cases[] = {
      {"block_fp(4, 8, 127, 2", {0, 2, 0, 4}}, /* up to 7/8 of 4 and of 0.25 */
      {"mxint(4, 2", {0, 2, 0, 4}},
      {"nf(2", {1, 2, 3, 4}},
      {"mxfp4(4", {1, 2, 3, 4}},
      {"block_log(3, 2, 2", {1, 2, 3, 4}},
      {"binary(false", {0, 2, 3, 4}}, /* mean 1.3625 */
  };
  net_shape shape = {.rank = 1, .dim = {4}};
  net_format_tensor tensor = {.shape = &shape, .values = x};
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    float dx[4];
    net_format_gradient(formats_read(&n, net_arena_format(&n.arena, "%s, ste = clipped)", cases[i].text)),
                        &tensor, dy, dx);
    for (int k = 0; k < 4; k++) assert_true(dx[k] == cases[i].dx[k]);
    net_format_gradient(formats_read(&n, net_arena_format(&n.arena, "%s)", cases[i].text)), &tensor, dy, dx);
    assert_memory_equal(dx, dy, sizeof dx);
  }
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_layouts),    cmocka_unit_test(test_rules),
                                     cmocka_unit_test(test_batches),    cmocka_unit_test(test_small),
                                     cmocka_unit_test(test_means),      cmocka_unit_test(test_stochastic),
                                     cmocka_unit_test(test_calibrated), cmocka_unit_test(test_scale),
                                     cmocka_unit_test(test_codebooks),  cmocka_unit_test(test_gradients)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
