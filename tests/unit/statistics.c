/* runtime/statistics.c against numpy (tests/statistics/recorded.txt), and against its own promises. */
#include "tests/unit/statistics_support.h"

#include "runtime/random.h"

static netc n;
static int begin(void **state) {
  (void)state;
  netc_init(&n, NULL);
  return 0;
}
static int end(void **state) {
  (void)state;
  netc_free(&n);
  return 0;
}

static bool same_bits(double a, double b) { return !memcmp(&a, &b, sizeof a); }

static void assert_same(const rt_summary *a, const rt_summary *b, uint32_t bins) {
  const double *x = &a->min, *y = &b->min;
  assert_int_equal(a->count, b->count);
  assert_int_equal(a->not_finite, b->not_finite);
  for (const double *last = &a->histogram_high; x <= last; x++, y++) assert_true(same_bits(*x, *y));
  assert_true(!a->histogram == !b->histogram);
  if (a->histogram) assert_memory_equal(a->histogram, b->histogram, bins * sizeof *a->histogram);
}

/* The same bits, however the rows are cut. */
static rt_statistics *measure(const rt_statistics_spec *spec, const float *rows, uint64_t count) {
  static const uint64_t pieces[] = {1, 7, 256};
  rt_statistics *whole = measure_pieces(&n.arena, spec, rows, count, count ? count : 1);
  for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
    rt_statistics *cut = measure_pieces(&n.arena, spec, rows, count, pieces[p]);
    for (uint32_t c = 0; c < spec->layout.channels; c++) {
      rt_summary a = rt_statistics_get(whole, c), b = rt_statistics_get(cut, c);
      assert_same(&a, &b, spec->bins);
    }
  }
  return whole;
}

/* ---- recorded ---- */

typedef struct {
  const char *name;
  uint64_t rows;
  uint32_t width;
  float *values;
} recorded_set;

static recorded_set read_set(char *line) {
  recorded_set set = {.name = next_word(&line)};
  set.rows = strtoul(next_word(&line), NULL, 10);
  set.width = (uint32_t)strtoul(next_word(&line), NULL, 10);
  set.values = NET_NEW_ARRAY(&n.arena, float, set.rows *set.width);
  for (uint64_t i = 0; i < set.rows * set.width; i++) set.values[i] = read_bits(next_word(&line));
  assert_null(next_word(&line));
  return set;
}

/* scale: what an error of 1 is relative to */
static void assert_near(const char *set, const char *what, double got, double wanted, double scale) {
  if (isnan(wanted) ? isnan(got) : fabs(got - wanted) <= 1e-11 * scale) return;
  fail_msg("%s: %s is %.17g, numpy has %.17g", set, what, got, wanted);
}

static void check_channel(const recorded_set *set, char *line) {
  enum { BINS = 10 };
  uint32_t channels = (uint32_t)strtoul(next_word(&line), NULL, 10);
  uint32_t index = (uint32_t)strtoul(next_word(&line), NULL, 10);
  rt_statistics_spec spec = {.layout = {set->width, channels}, .quantile = 0.975, .sigma = 3, .bins = BINS};
  rt_summary r = rt_statistics_get(measure(&spec, set->values, set->rows), index);
  assert_int_equal(r.count, strtoul(next_word(&line), NULL, 10));
  assert_int_equal(r.not_finite, 0);
  double v[12];
  for (int i = 0; i < 12; i++) v[i] = strtod(next_word(&line), NULL);
  double largest = fmax(fabs(v[0]), fabs(v[1]));
  assert_near(set->name, "min", r.min, v[0], 0);
  assert_near(set->name, "max", r.max, v[1], 0);
  assert_near(set->name, "mean", r.mean, v[2], v[3]);
  assert_near(set->name, "abs_mean", r.abs_mean, v[3], v[3]);
  assert_near(set->name, "variance", r.variance, v[4], v[4]);
  assert_near(set->name, "unbiased", r.unbiased, v[5], v[5]);
  assert_near(set->name, "low quantile", r.quantile_low, v[6], fabs(v[6]));
  assert_near(set->name, "high quantile", r.quantile_high, v[7], fabs(v[7]));
  assert_near(set->name, "low sigma", r.sigma_low, v[8], fabs(v[3]) + sqrt(v[4]));
  assert_near(set->name, "high sigma", r.sigma_high, v[9], fabs(v[3]) + sqrt(v[4]));
  assert_near(set->name, "histogram's low", r.histogram_low, v[10], largest);
  assert_near(set->name, "histogram's high", r.histogram_high, v[11], largest);
  assert_string_equal(next_word(&line), "bins");
  for (int i = 0; i < BINS; i++) assert_int_equal(r.histogram[i], strtoul(next_word(&line), NULL, 10));
  assert_null(next_word(&line));
}

static void test_recorded(void **state) {
  (void)state;
  FILE *file = fopen(NETC_TEST_SOURCE "/tests/statistics/recorded.txt", "r");
  assert_non_null(file);
  char *line = NULL;
  size_t room = 0;
  uint32_t sets = 0, channels = 0;
  recorded_set set = {0};
  while (getline(&line, &room, file) > 0) {
    char *at = net_arena_copy(&n.arena, line, strlen(line)), *word = next_word(&at);
    if (!strcmp(word, "set")) set = read_set(at), sets++;
    else check_channel(&set, at), channels++;
  }
  free(line);
  fclose(file);
  assert_int_equal(sets, 14);
  assert_true(channels > 100);
}

/* ---- against brute force ---- */

static int compare_floats(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double sorted_quantile(const float *sorted, uint64_t count, double p) {
  double h = p * (double)(count - 1), whole = floor(h);
  double a = sorted[(uint64_t)whole], b = sorted[(uint64_t)whole + (whole + 1 < (double)count)];
  return a + (b - a) * (h - whole);
}

/* Any bits at all, finite or not: quantiles are those of the sorted finite values. */
static void test_any_bits(void **state) {
  (void)state;
  enum { ROWS = 700, WIDTH = 6 };
  rt_random random;
  for (uint32_t round = 0; round < 40; round++) {
    float x[ROWS * WIDTH], kept[ROWS * WIDTH];
    uint64_t count = 0;
    rt_random_start(&random, round, RT_RANDOM_BENCH, 0);
    for (int i = 0; i < ROWS * WIDTH; i++) {
      uint32_t bits = rt_random_u32(&random);
      if (round % 5 == 1) bits &= 0xfff00fff;    /* few first digits: many share a bucket */
      if (round % 5 == 2) bits = bits % 5 << 20; /* ties */
      if (round % 5 == 3) bits |= 0x7f000000;    /* many that are not finite */
      if (round % 5 == 4) {                      /* zeros, some with numbers next to nothing beside them */
        static const uint32_t most[] = {0, 1000, 0x3fffffff};
        bits = bits % 3 == 1 && round < 20 ? 0 : bits & most[bits % 3];
      }
      memcpy(&x[i], &bits, sizeof bits);
      if (isfinite(x[i])) kept[count++] = x[i];
    }
    double q = 0.5 + 0.4999 * rt_random_double(&random);
    rt_statistics_spec spec = {.layout = {WIDTH, 1}, .quantile = q, .sigma = 1, .bins = 1 + round};
    rt_summary r = rt_statistics_get(measure(&spec, x, ROWS), 0);
    qsort(kept, count, sizeof *kept, compare_floats);
    assert_int_equal(r.count, count);
    assert_int_equal(r.not_finite, ROWS * WIDTH - count);
    assert_true(r.min == kept[0] && r.max == kept[count - 1]);
    double low = sorted_quantile(kept, count, 1 - q), high = sorted_quantile(kept, count, q);
    assert_true(fabs(r.quantile_low - low) <= 1e-12 * fabs(low));
    assert_true(fabs(r.quantile_high - high) <= 1e-12 * fabs(high));
    uint64_t sum = 0;
    for (uint32_t b = 0; b < spec.bins; b++) sum += r.histogram[b];
    assert_int_equal(sum, count);
  }
}

/* Values on the edges of bins belong to the bin that begins there; the largest to the last one. */
static void test_edges(void **state) {
  (void)state;
  for (uint32_t bins = 1; bins <= 100; bins++)
    for (int offset = -3; offset <= 3; offset++) {
      float x[400], width = 0.375f;
      uint32_t count = 0;
      for (uint32_t k = 0; k <= bins; k++)
        for (int side = -1; side <= 1; side++) {
          float edge = (float)offset + width * (float)k;
          float v = side ? nextafterf(edge, side * INFINITY) : edge;
          if (v >= (float)offset && v <= (float)offset + width * (float)bins) x[count++] = v;
        }
      rt_statistics_spec spec = {.layout = {1, 1}, .quantile = 0.9, .sigma = 1, .bins = bins};
      rt_summary r = rt_statistics_get(measure(&spec, x, count), 0);
      for (uint32_t k = 0; k < bins; k++) /* its edge, the one above that, the one below the next */
        assert_int_equal(r.histogram[k], 3 + (k + 1 == bins));
    }
}

/* What is not finite is counted, and nothing else of it is seen. */
static void test_not_finite(void **state) {
  (void)state;
  enum { ROWS = 3000 };
  for (uint32_t width = 1; width <= 40; width += 13) {
    float *x = NET_NEW_ARRAY(&n.arena, float, ROWS *width),
          *finite = NET_NEW_ARRAY(&n.arena, float, ROWS *width);
    rt_random random;
    rt_random_start(&random, width, RT_RANDOM_BENCH, 0);
    uint32_t bad = 0, good = 0;
    for (uint32_t i = 0; i < ROWS * width; i++) {
      uint32_t what = rt_random_below(&random, 50);
      x[i] = what == 0   ? NAN
             : what == 1 ? INFINITY
             : what == 2 ? -INFINITY
                         : (float)rt_random_normal(&random);
      if (i / width < 2) x[i] = NAN; /* the first block begins with them */
      if (isfinite(x[i])) finite[good++] = x[i];
      else bad++;
    }
    rt_statistics_spec spec = {.layout = {width, 1}, .quantile = 0.9, .sigma = 2, .bins = 16};
    rt_statistics_spec flat = spec;
    flat.layout.width = 1;
    rt_summary r = rt_statistics_get(measure(&spec, x, ROWS), 0);
    rt_summary wanted = rt_statistics_get(measure(&flat, finite, good), 0);
    assert_int_equal(r.not_finite, bad);
    assert_int_equal(r.count, good);
    assert_true(r.min == wanted.min && r.max == wanted.max);
    assert_true(fabs(r.mean - wanted.mean) < 1e-12 && fabs(r.variance - wanted.variance) < 1e-12);
    assert_true(fabs(r.abs_mean - wanted.abs_mean) < 1e-12);
    assert_true(r.quantile_low == wanted.quantile_low && r.quantile_high == wanted.quantile_high);
    assert_memory_equal(r.histogram, wanted.histogram, spec.bins * sizeof *r.histogram);
  }
}

static void test_nothing(void **state) {
  (void)state;
  float nothing[] = {NAN, INFINITY};
  rt_statistics_spec spec = {.layout = {2, 2}, .quantile = 0.9, .sigma = 3, .bins = 4};
  for (uint64_t rows = 0; rows <= 1; rows++) {
    rt_summary r = rt_statistics_get(measure(&spec, nothing, rows), 0);
    assert_int_equal(r.count, 0);
    assert_int_equal(r.not_finite, rows);
    const double *x = &r.min;
    for (const double *last = &r.histogram_high; x <= last; x++) assert_true(isnan(*x));
    assert_null(r.histogram);
  }
}

static void test_magnitudes(void **state) {
  (void)state;
  enum { ROWS = 900, WIDTH = 7 };
  float x[ROWS * WIDTH], size[ROWS * WIDTH];
  rt_random random;
  rt_random_start(&random, 5, RT_RANDOM_BENCH, 0);
  for (int i = 0; i < ROWS * WIDTH; i++) {
    x[i] = (float)rt_random_normal(&random);
    size[i] = fabsf(x[i]);
  }
  rt_statistics_spec spec = {.layout = {WIDTH, WIDTH}, .quantile = 0.9, .sigma = 3, .bins = 8}, of = spec;
  of.magnitudes = true;
  rt_statistics *a = measure(&spec, size, ROWS), *b = measure(&of, x, ROWS);
  for (uint32_t c = 0; c < WIDTH; c++) {
    rt_summary left = rt_statistics_get(a, c), right = rt_statistics_get(b, c);
    assert_same(&left, &right, spec.bins);
  }
}

/* A channel is what it would be by itself, the tensor what its elements are in one row. */
static void test_channels(void **state) {
  (void)state;
  enum { ROWS = 2100, CHANNELS = 5 };
  for (uint32_t inner = 1; inner <= 37; inner += 12) {
    uint32_t width = CHANNELS * inner;
    float *x = NET_NEW_ARRAY(&n.arena, float, ROWS *width),
          *own = NET_NEW_ARRAY(&n.arena, float, ROWS *inner);
    rt_random random;
    rt_random_start(&random, inner, RT_RANDOM_BENCH, 0);
    for (uint32_t i = 0; i < ROWS * width; i++) x[i] = (float)(rt_random_normal(&random) * (1 + i % width));
    rt_statistics_spec spec = {.layout = {width, CHANNELS}, .quantile = 0.99, .sigma = 3, .bins = 5};
    rt_statistics_spec one = spec;
    one.layout = (rt_layout){inner, 1};
    rt_statistics *all = measure(&spec, x, ROWS);
    for (uint32_t c = 0; c < CHANNELS; c++) {
      for (uint32_t r = 0; r < ROWS; r++)
        memcpy(own + r * inner, x + r * width + c * inner, inner * sizeof *x);
      rt_summary a = rt_statistics_get(all, c), b = rt_statistics_get(measure(&one, own, ROWS), 0);
      assert_same(&a, &b, spec.bins);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_recorded, begin, end),
      cmocka_unit_test_setup_teardown(test_any_bits, begin, end),
      cmocka_unit_test_setup_teardown(test_edges, begin, end),
      cmocka_unit_test_setup_teardown(test_not_finite, begin, end),
      cmocka_unit_test_setup_teardown(test_nothing, begin, end),
      cmocka_unit_test_setup_teardown(test_magnitudes, begin, end),
      cmocka_unit_test_setup_teardown(test_channels, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
