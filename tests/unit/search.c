/* Searches: spaces, trials in batches, strategies that look at no result, fronts and volumes. */
#include "search_support.h"

#include "runtime/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

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

static const sr_parameter small[] = {{"a", SR_INTEGER, 2, 5, false}, {"b", SR_CHOICE, 0, 2, false}};
static const sr_parameter mixed[] = {{"width", SR_INTEGER, 2, 8, false},
                                     {"size", SR_INTEGER, 1, 1024, true},
                                     {"format", SR_CHOICE, 0, 4, false},
                                     {"momentum", SR_REAL, 0.5, 1, false},
                                     {"rate", SR_REAL, 1e-6, 0.1, true}};

static sr_setup setup_of(const char *strategy, const sr_parameter *parameters, uint32_t count,
                         uint32_t trials) {
  sr_setup setup = {.strategy = sr_strategy_find(strategy), .space = {parameters, count}, .objectives = 2};
  assert_non_null(setup.strategy);
  setup.trials = trials;
  setup.seed = 7;
  return setup;
}

static bool widths(const double *x, uint32_t count, double *objectives, double *violation) {
  (void)violation;
  for (uint32_t i = 0; i < count; i++) {
    objectives[0] += x[i];
    objectives[1] += 1 / (1 + x[i] * (i + 1));
  }
  return true;
}

static void test_space(void **state) {
  (void)state;
  sr_space space = {small, 2};
  double x[2];
  assert_true(sr_space_points(&space) == 12);
  for (uint32_t i = 0; i < 12; i++) {
    sr_space_at(&space, i, x);
    assert_true(x[0] == 2 + i / 3 && x[1] == i % 3 && sr_space_holds(&space, x));
  }
  assert_false(sr_space_holds(&space, (double[]){6, 0}));
  assert_false(sr_space_holds(&space, (double[]){2.5, 0}));
  assert_false(sr_space_holds(&space, (double[]){2, NAN}));
  assert_true(sr_space_points(&(sr_space){mixed, 5}) == INFINITY);
  assert_true(sr_space_points(&(sr_space){mixed, 0}) == 1);
}

static void test_exhaustive(void **state) {
  (void)state;
  sr_setup setup = setup_of("exhaustive", small, 2, 12);
  setup.population = 5;
  sr_search *s = search_run(&n, &setup, widths, FORWARDS);
  assert_int_equal(sr_trial_count(s), 12);
  assert_int_equal(sr_trials_expected(s), 12);
  for (uint32_t i = 0; i < 12; i++) {
    double x[2];
    sr_space_at(&setup.space, i, x);
    assert_memory_equal(sr_trial_at(s, i)->x, x, sizeof x);
  }
  setup.trials = 11;
  assert_null(sr_begin(&n, &n.arena, &setup, NET_NOWHERE));
  assert_non_null(
      strstr(n.diagnostics.list.at[0].message, "there are 12 points to try, and trials allows 11"));
  setup = setup_of("exhaustive", mixed, 5, 1000000);
  assert_null(sr_begin(&n, &n.arena, &setup, NET_NOWHERE));
  assert_non_null(strstr(n.diagnostics.list.at[1].message, "every number from 0.5 to 1 as momentum"));
}

/* Each value of each parameter as often as it should come, within five deviations. */
static void test_random(void **state) {
  (void)state;
  sr_setup setup = setup_of("random", mixed, 5, 4000);
  sr_search *s = search_run(&n, &setup, widths, FORWARDS);
  assert_int_equal(sr_trial_count(s), 4000);
  uint32_t width[9] = {0}, choice[5] = {0}, size[2] = {0}, momentum[4] = {0}, rate[5] = {0};
  for (uint32_t i = 0; i < 4000; i++) {
    const double *x = sr_trial_at(s, i)->x;
    width[(int)x[0]]++;
    size[x[1] >= 32]++;
    choice[(int)x[2]]++;
    momentum[(int)((x[3] - 0.5) * 8)]++;
    rate[(int)(log10(x[4]) + 6)]++;
  }
  for (int i = 2; i <= 8; i++) assert_in_range(width[i], 461, 682);
  for (int i = 0; i < 5; i++) assert_in_range(choice[i], 673, 927);
  for (int i = 0; i < 4; i++) assert_in_range(momentum[i], 863, 1137);
  for (int i = 0; i < 5; i++) assert_in_range(rate[i], 673, 927);
  double half = 4000 * log(31.5 / 0.5) / log(1024.5 / 0.5);
  assert_true(fabs(size[0] - half) < 160);
}

/* A small space is walked without repetition, and to its end. */
static void test_distinct(void **state) {
  (void)state;
  for (uint32_t k = 0; k < sr_strategy_count; k++) {
    if (!strcmp(sr_strategies[k].name, "halving")) continue; /* asks again, with more effort */
    sr_setup setup = setup_of(sr_strategies[k].name, small, 2, 1000);
    setup.population = 5;
    sr_search *s = search_run(&n, &setup, widths, FORWARDS);
    assert_int_equal(sr_trial_count(s), 12);
    for (uint32_t i = 0; i < 12; i++)
      for (uint32_t j = 0; j < i; j++)
        assert_memory_not_equal(sr_trial_at(s, i)->x, sr_trial_at(s, j)->x, 2 * sizeof(double));
    setup.space.count = 0; /* nothing varies: one trial */
    s = search_run(&n, &setup, widths, FORWARDS);
    assert_int_equal(sr_trial_count(s), 1);
  }
}

static bool fails(const double *x, uint32_t count, double *objectives, double *violation) {
  widths(x, count, objectives, violation);
  if (x[0] == 7) objectives[1] = NAN;
  *violation = x[2] == 3 ? -1 : x[2] == 4 ? x[0] : 0;
  return x[0] != 8;
}

/* The same trials however results come in, from any number of workers; others with another seed. */
static void test_deterministic(void **state) {
  (void)state;
  for (uint32_t k = 0; k < sr_strategy_count; k++) {
    if (!strcmp(sr_strategies[k].name, "exhaustive")) continue;
    sr_setup setup = setup_of(sr_strategies[k].name, mixed, 5, 150);
    sr_search *a = search_run(&n, &setup, fails, FORWARDS);
    assert_same_search(a, search_run(&n, &setup, fails, BACKWARDS), &setup);
    assert_same_search(a, search_run(&n, &setup, fails, SHUFFLED), &setup);
    setup.seed = 8;
    sr_search *b = search_run(&n, &setup, fails, FORWARDS);
    assert_memory_not_equal(sr_trial_at(a, 0)->x, sr_trial_at(b, 0)->x, 5 * sizeof(double));
    for (uint32_t i = 0; i < sr_trial_count(a); i++) {
      const sr_trial *t = sr_trial_at(a, i);
      assert_int_equal(t->failed, t->x[0] >= 7);
      assert_true(t->violation == (t->failed ? INFINITY : t->x[2] == 4 ? t->x[0] : 0));
    }
  }
}

static void test_starts(void **state) {
  (void)state;
  const double starts[] = {3, 1, 5, 0, 3, 1, 2, 2};
  for (uint32_t k = 0; k < sr_strategy_count; k++) {
    if (!strcmp(sr_strategies[k].name, "exhaustive")) continue;
    sr_setup setup = setup_of(sr_strategies[k].name, small, 2, 9);
    setup.starts = starts, setup.start_count = 4;
    sr_search *s = search_run(&n, &setup, widths, FORWARDS);
    assert_memory_equal(sr_trial_at(s, 0)->x, starts, 2 * sizeof(double));
    assert_memory_equal(sr_trial_at(s, 1)->x, starts + 2, 2 * sizeof(double));
    assert_memory_equal(sr_trial_at(s, 2)->x, starts + 6, 2 * sizeof(double)); /* one was there twice */
    setup.start_count = 4, setup.starts = (double[]){3, 1, 5, 0, 3, 1, 2, 3};
    assert_null(sr_begin(&n, &n.arena, &setup, NET_NOWHERE));
  }
}

/* ---- fronts ---- */

static bool listed(const double *x, uint32_t count, double *objectives, double *violation) {
  static const double table[12][3] = {{1, 9, 0}, {2, 7, 0}, {2, 7, 0},   {3, 7, 0}, {4, 1, 5}, {4, 4, 0},
                                      {5, 4, 0}, {6, 3, 0}, {0, 0, 0.5}, {6, 2, 0}, {9, 2, 0}, {8, 1, 0}};
  (void)count;
  const double *row = table[(int)((x[0] - 2) * 3 + x[1])];
  objectives[0] = row[0], objectives[1] = row[1], *violation = row[2];
  return true;
}

static void test_front(void **state) {
  (void)state;
  sr_setup setup = setup_of("exhaustive", small, 2, 12);
  sr_search *s = search_run(&n, &setup, listed, FORWARDS);
  uint32_t front[12], count = sr_front(s, front);
  static const uint32_t expected[] = {0, 1, 5, 9, 11};
  assert_int_equal(count, 5);
  assert_memory_equal(front, expected, sizeof expected);
  const sr_trial *t[12];
  for (uint32_t i = 0; i < 12; i++) t[i] = sr_trial_at(s, i);
  assert_true(sr_dominates(2, t[1], t[3]) && !sr_dominates(2, t[3], t[1]));
  assert_false(sr_dominates(2, t[1], t[2])); /* equal */
  assert_false(sr_dominates(2, t[0], t[1]));
  assert_true(sr_dominates(2, t[10], t[8])); /* what holds the constraints is better */
  assert_true(sr_dominates(2, t[8], t[4]));  /* less violation is better */
}

/* In any dimension: the same as counting cells of a grid; order and repetition change nothing. */
static void test_hypervolume(void **state) {
  (void)state;
  rt_random random;
  rt_random_start(&random, 3, RT_RANDOM_BENCH, 0);
  const double reference[] = {6, 6, 6, 6};
  for (uint32_t m = 1; m <= 4; m++)
    for (int round = 0; round < 20; round++) {
      double points[12 * 4];
      uint32_t count = rt_random_below(&random, 13), cells = 1, covered = 0;
      for (uint32_t i = 0; i < count * m; i++) points[i] = rt_random_below(&random, 8);
      for (uint32_t k = 0; k < m; k++) cells *= 6;
      for (uint32_t cell = 0; cell < cells; cell++) {
        bool dominated = false;
        for (uint32_t i = 0; i < count && !dominated; i++) {
          dominated = true;
          for (uint32_t k = 0, rest = cell; k < m; k++, rest /= 6) dominated &= points[i * m + k] <= rest % 6;
        }
        covered += dominated;
      }
      assert_true(sr_hypervolume(&n.arena, m, points, count, reference) == covered);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_space, begin, end),
      cmocka_unit_test_setup_teardown(test_exhaustive, begin, end),
      cmocka_unit_test_setup_teardown(test_random, begin, end),
      cmocka_unit_test_setup_teardown(test_distinct, begin, end),
      cmocka_unit_test_setup_teardown(test_deterministic, begin, end),
      cmocka_unit_test_setup_teardown(test_starts, begin, end),
      cmocka_unit_test_setup_teardown(test_front, begin, end),
      cmocka_unit_test_setup_teardown(test_hypervolume, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
