/* The collectors of MASE (tests/statistics/mase.txt). Where they are right netc gives the same. Decisions
 * where they are not:
 *   - variance_online over all elements of several pieces is no variance, and changes with the pieces
 * (4.02, 5.25 for 3.70): netc gives the population's, whatever the pieces;
 *   - variance_precise along a dimension, range_n_sigma with its default or along a dimension, and
 * range_min_max along a dimension raise: netc gives what they were asked for. The range is mean ∓
 * n·√(unbiased variance), as the one form that works has it. */
#include "tests/unit/statistics_support.h"

enum { SAMPLES = 3, ROWS = 4, COLUMNS = 3, ELEMENTS = ROWS * COLUMNS };

typedef struct {
  const char *collector, *what;
  bool by_rows, magnitudes;
  uint32_t width, channels;
  double quantile;
} line;

static double option(const char *options, const char *key, double otherwise) {
  const char *at = strstr(options, key);
  return at ? strtod(at + strlen(key), NULL) : otherwise;
}

static double field(const line *l, const rt_summary *r) {
  bool n_sigma = !strcmp(l->collector, "range_n_sigma"), quantile = !strcmp(l->collector, "range_quantile");
  double low = n_sigma ? r->sigma_low : quantile ? r->quantile_low : r->min;
  double high = n_sigma ? r->sigma_high : quantile ? r->quantile_high : r->max;
  if (!strcmp(l->what, "count")) return (double)r->count;
  if (!strcmp(l->what, "mean")) return r->mean;
  if (!strcmp(l->what, "abs_mean")) return r->abs_mean;
  if (!strcmp(l->what, "variance")) return strstr(l->collector, "online") ? r->variance : r->unbiased;
  if (!strcmp(l->what, "min")) return low;
  if (!strcmp(l->what, "max")) return high;
  assert_string_equal(l->what, "range");
  return high - low;
}

/* What a collector that raised was asked for, by the definitions, naively. */
static void check_raised(const line *l, const float *x, const rt_summary *r, uint32_t channel) {
  double count = 0, sum = 0, squares = 0, low = INFINITY, high = -INFINITY;
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t i = 0; i < SAMPLES * ELEMENTS; i++) {
      double v = x[i];
      if (l->channels > 1 && i % l->width != channel) continue;
      if (pass) squares += (v - sum / count) * (v - sum / count);
      else
        count++, sum += v, low = fmin(low, l->magnitudes ? fabs(v) : v),
                           high = fmax(high, l->magnitudes ? fabs(v) : v);
    }
  double unbiased = squares / (count - 1), reach = 3 * sqrt(unbiased);
  assert_true(r->count == count);
  if (!strcmp(l->collector, "variance_precise")) assert_true(fabs(r->unbiased - unbiased) < 1e-12 * unbiased);
  else if (!strcmp(l->collector, "range_min_max")) assert_true(r->min == low && r->max == high);
  else {
    assert_string_equal(l->collector, "range_n_sigma");
    assert_true(fabs(r->sigma_low - (sum / count - reach)) < 1e-12 * reach);
    assert_true(fabs(r->sigma_high - (sum / count + reach)) < 1e-12 * reach);
  }
}

static void check(netc *n, char *text, const float *x, uint32_t *right, uint32_t *wrong, uint32_t *raised) {
  line l = {.collector = next_word(&text)};
  l.by_rows = !strcmp(next_word(&text), "rows");
  const char *reduced = next_word(&text), *options = next_word(&text);
  l.what = next_word(&text);
  bool all = !strcmp(reduced, "all"), none = !strcmp(reduced, "none");
  l.width = none && !l.by_rows ? ELEMENTS : COLUMNS;
  l.channels = all ? 1 : l.width;
  l.magnitudes = strstr(options, "abs=true");
  l.quantile = option(options, "quantile=", 0.975);
  rt_statistics_spec spec = {.layout = {l.width, l.channels},
                             .quantile = l.quantile,
                             .sigma = option(options, "num_sigma=", 3),
                             .magnitudes = l.magnitudes};
  uint64_t rows = SAMPLES * ELEMENTS / l.width;
  rt_statistics *s = measure_pieces(&n->arena, &spec, x, rows, rows / SAMPLES);
  bool raises = !strcmp(l.what, "ERROR"), counts = !strcmp(l.what, "count");
  for (uint32_t c = 0; c < l.channels; c++) {
    rt_summary r = rt_statistics_get(s, c);
    if (raises) {
      check_raised(&l, x, &r, c);
      continue;
    }
    const char *word = counts && c ? NULL : next_word(&text);
    if (counts && c) break;
    double got = field(&l, &r), theirs = counts ? strtod(word, NULL) : read_bits(word);
    bool same = fabs(got - theirs) <= 1e-6 * (fabs(theirs) + 0.1);
    bool mistaken = all && !strcmp(l.collector, "variance_online") && !strcmp(l.what, "variance");
    if (same == mistaken)
      fail_msg("%s %s %s: netc has %g, MASE %g", l.collector, reduced, l.what, got, theirs);
    *(mistaken ? wrong : right) += 1;
  }
  *raised += raises;
}

static void test_mase(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  FILE *file = fopen(NETC_TEST_SOURCE "/tests/statistics/mase.txt", "r");
  assert_non_null(file);
  float x[SAMPLES * ELEMENTS];
  uint32_t samples = 0, right = 0, wrong = 0, raised = 0;
  char *text = NULL;
  size_t room = 0;
  while (getline(&text, &room, file) > 0) {
    char *at = net_arena_copy(&n.arena, text, strlen(text));
    if (*at == '#') continue;
    if (strncmp(at, "sample ", 7)) {
      check(&n, at, x, &right, &wrong, &raised);
      continue;
    }
    next_word(&at);
    for (int i = 0; i < ELEMENTS; i++) x[samples * ELEMENTS + i] = read_bits(next_word(&at));
    samples++;
  }
  free(text);
  fclose(file);
  assert_int_equal(samples, SAMPLES);
  assert_int_equal(wrong, 2);
  assert_int_equal(raised, 16);
  assert_int_equal(right, 385);
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_mase)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
