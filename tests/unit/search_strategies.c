/* Strategies that learn: what they find, how they hold constraints, how they go on, what halving spends. */
#include "search_support.h"

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

static sr_setup setup_of(const char *strategy, const sr_parameter *parameters, uint32_t count,
                         uint32_t objectives, uint32_t trials) {
  sr_setup setup = {.strategy = sr_strategy_find(strategy), .space = {parameters, count}};
  assert_non_null(setup.strategy);
  setup.objectives = objectives;
  setup.trials = trials;
  setup.seed = 3;
  return setup;
}

/* Two layers: widths of weights and inputs. Errors fall with them, products of them are what is paid. */
static bool two_layers(const double *x, uint32_t count, double *objectives, double *violation) {
  (void)count;
  objectives[0] = 16 * x[0] * x[1] + 5 * x[2] * x[3];
  objectives[1] = exp2(-x[0]) + 0.7 * exp2(-x[1]) + 0.3 * exp2(-x[2]) + 0.5 * exp2(-x[3]);
  *violation = objectives[1] > 0.5 ? objectives[1] - 0.5 : 0;
  return true;
}

static const sr_parameter layers[] = {{"a", SR_INTEGER, 2, 8, false},
                                      {"b", SR_INTEGER, 2, 8, false},
                                      {"c", SR_INTEGER, 2, 8, false},
                                      {"d", SR_INTEGER, 2, 8, false}};

/* Of 2401 points, 1500 are enough to find what all of them give. */
static void test_whole_front(void **state) {
  (void)state;
  sr_setup all = setup_of("exhaustive", layers, 4, 2, 2401), some = setup_of("nsga2", layers, 4, 2, 1500);
  uint32_t whole, count;
  const double *expected = search_front(&n, search_run(&n, &all, two_layers, FORWARDS), 2, &whole);
  assert_true(whole > 20);
  for (uint32_t i = 0; i < whole; i++) assert_true(expected[2 * i + 1] <= 0.5);
  for (some.seed = 0; some.seed < 4; some.seed++) {
    const double *front = search_front(&n, search_run(&n, &some, two_layers, FORWARDS), 2, &count);
    assert_int_equal(count, whole);
    assert_memory_equal(front, expected, 2 * whole * sizeof *front);
  }
}

/* Numbers, logarithms, choices: the best lies at 5, 64, choice 2, rate 1e-3, where only choices 1 and 2 are
 * allowed. */
static bool kinds(const double *x, uint32_t count, double *objectives, double *violation) {
  (void)count;
  double rate = log10(x[3]) + 3, size = log2(x[1]) - 6;
  objectives[0] = (x[0] - 5) * (x[0] - 5) + size * size + rate * rate + 2 * fabs(x[2] - 2);
  *violation = x[2] == 1 || x[2] == 2 ? 0 : 1;
  return x[2] != 3;
}

static const sr_parameter of_kinds[] = {{"width", SR_INTEGER, 2, 12, false},
                                        {"size", SR_INTEGER, 1, 1024, true},
                                        {"format", SR_CHOICE, 0, 4, false},
                                        {"rate", SR_REAL, 1e-6, 1, true},
                                        {"fixed", SR_REAL, 2, 2, false}};

static void test_kinds(void **state) {
  (void)state;
  double best[3] = {0};
  static const char *const strategies[] = {"random", "tpe", "nsga2"};
  for (uint32_t k = 0; k < 3; k++)
    for (uint64_t seed = 0; seed < 10; seed++) {
      sr_setup setup = setup_of(strategies[k], of_kinds, 5, 1, 300);
      setup.seed = seed;
      const sr_search *s = search_run(&n, &setup, kinds, FORWARDS);
      uint32_t count, allowed = 0;
      best[k] += *search_front(&n, s, 1, &count);
      for (uint32_t i = 150; i < 300; i++) allowed += sr_trial_at(s, i)->violation == 0;
      assert_true(!k || allowed > 100); /* of 150; 60 at random */
    }
  assert_true(best[1] < best[0] / 8);
  assert_true(best[2] < best[0] / 2);
}

/* Two objectives, by the mean of ten seeds: closer to the front than at random. */
static void test_fronts(void **state) {
  (void)state;
  sr_parameter reals[10];
  double missing[3] = {0};
  static const char *const strategies[] = {"random", "tpe", "nsga2"};
  for (uint32_t i = 0; i < 10; i++) reals[i] = (sr_parameter){"x", SR_REAL, 0, 1, false};
  for (uint32_t k = 0; k < 3; k++)
    for (uint32_t seed = 0; seed < 10; seed++) {
      sr_setup setup = setup_of(strategies[k], reals, 10, 2, 300);
      setup.seed = seed;
      uint32_t count;
      const double *front = search_front(&n, search_run(&n, &setup, search_zdt1, FORWARDS), 2, &count);
      double most = 1.1 * 11 - 1.0 / 3;
      missing[k] += (most - sr_hypervolume(&n.arena, 2, front, count, (double[]){1.1, 11})) / 10;
    }
  assert_true(missing[1] < missing[0] * 0.8);
  assert_true(missing[2] < missing[0] / 2);
}

static bool never(const double *x, uint32_t count, double *objectives, double *violation) {
  (void)count, (void)violation;
  objectives[0] = x[0];
  return false;
}

static bool forbidden(const double *x, uint32_t count, double *objectives, double *violation) {
  objectives[0] = x[0];
  *violation = 1 + (count > 3 ? fabs(log10(x[3]) + 3) : x[1]);
  return true;
}

/* Nothing works, or nothing is allowed: an empty front, and the least violation is what is looked for. */
static void test_hopeless(void **state) {
  (void)state;
  double off[8] = {0}; /* by strategy, in the second half: 1.5 at random */
  for (uint32_t k = 0; k < sr_strategy_count; k++) {
    sr_setup setup = setup_of(sr_strategies[k].name, of_kinds, 5, 1, 200);
    if (!strcmp(sr_strategies[k].name, "exhaustive")) setup.space = (sr_space){layers, 2};
    uint32_t front[400];
    assert_int_equal(sr_front(search_run(&n, &setup, never, FORWARDS), front), 0);
    const sr_search *s = search_run(&n, &setup, forbidden, FORWARDS);
    assert_int_equal(sr_front(s, front), 0);
    for (uint32_t i = 100; i < 200 && i < sr_trial_count(s); i++)
      off[k] += (sr_trial_at(s, i)->violation - 1) / 100;
  }
  assert_true(fabs(off[sr_strategy_find("random") - sr_strategies] - 1.5) < 0.4);
  assert_true(off[sr_strategy_find("tpe") - sr_strategies] < 0.75);
  assert_true(off[sr_strategy_find("nsga2") - sr_strategies] < 0.75);
}

/* Stopped after any batch and asked all over again, told what was known: the same trials. Half a batch known
 * is nothing special: what is told is a matter of the trial alone. */
static void test_replay(void **state) {
  (void)state;
  for (uint32_t k = 0; k < sr_strategy_count; k++) {
    sr_setup setup = setup_of(sr_strategies[k].name, layers, 4, 2, 120);
    if (!strcmp(sr_strategies[k].name, "exhaustive")) setup.space.count = 2;
    const sr_search *whole = search_run(&n, &setup, two_layers, FORWARDS);
    sr_search *s = sr_begin(&n, &n.arena, &setup, NET_NOWHERE);
    uint32_t seen = 0;
    for (uint32_t first, count; sr_ask(s, &first, &count); seen += count)
      for (uint32_t i = first; i < first + count; i++) {
        const sr_trial *known = sr_trial_at(whole, i);
        assert_memory_equal(sr_trial_at(s, i)->x, known->x, setup.space.count * sizeof(double));
        sr_tell(s, i, known->objectives, known->violation);
      }
    assert_int_equal(seen, sr_trial_count(whole));
    assert_true(seen <= sr_trials_expected(whole));
  }
}

static void test_untold(void **state) {
  (void)state;
  sr_setup setup = setup_of("tpe", layers, 4, 2, 120);
  sr_search *s = sr_begin(&n, &n.arena, &setup, NET_NOWHERE);
  uint32_t first, count;
  assert_true(sr_ask(s, &first, &count));
  assert_int_equal(first, 0);
  assert_int_equal(count, 10);
  for (uint32_t i = 0; i < 9; i++) sr_tell(s, i, (double[]){i, -(double)i}, 0);
  assert_false(sr_ask(s, &first, &count));
  assert_int_equal(n.diagnostics.faults, 1);
}

static bool quiet(const double *x, uint32_t count, double *objectives, double *violation) {
  (void)count, (void)violation;
  objectives[0] = fabs(x[0] - 6) + fabs(x[1] - 2);
  return x[0] != 2;
}

static void test_halving(void **state) {
  (void)state;
  sr_setup setup = setup_of("halving", layers, 4, 1, 100);
  const sr_search *s = search_run(&n, &setup, quiet, FORWARDS);
  static const struct {
    uint32_t count;
    double parts;
  } levels[] = {{100, 81}, {33, 27}, {11, 9}, {3, 3}, {1, 1}};
  assert_int_equal(sr_trial_count(s), 148);
  assert_int_equal(sr_trials_expected(s), 148);
  for (uint32_t level = 0, first = 0; level < 5; first += levels[level++].count) {
    double worst = 0, best = INFINITY; /* of those that went on; of those that did not */
    bool on[148] = {false};
    for (uint32_t i = 0; i < levels[level].count; i++) {
      const sr_trial *t = sr_trial_at(s, first + i);
      assert_true(fabs(t->effort * levels[level].parts - 1) < 1e-12);
      assert_int_equal(t->from == SR_NEW, level == 0);
      if (level) assert_memory_equal(t->x, sr_trial_at(s, t->from)->x, 4 * sizeof(double));
    }
    for (uint32_t i = 0; level < 4 && i < levels[level + 1].count; i++) {
      uint32_t from = sr_trial_at(s, first + levels[level].count + i)->from;
      assert_in_range(from, first, first + levels[level].count - 1);
      assert_false(on[from] || sr_trial_at(s, from)->failed);
      on[from] = true;
    }
    for (uint32_t i = first; level < 4 && i < first + levels[level].count; i++) {
      double value = sr_trial_at(s, i)->objectives[0];
      if (on[i]) worst = fmax(worst, value);
      else best = fmin(best, value);
    }
    assert_true(worst <= best);
  }
  uint32_t front[148]; /* of full effort alone */
  assert_int_equal(sr_front(s, front), 1);
  assert_int_equal(front[0], 147);
  setup.levels = 2;
  s = search_run(&n, &setup, quiet, FORWARDS);
  assert_int_equal(sr_trial_count(s), 133);
  assert_true(fabs(sr_trial_at(s, 0)->effort * 3 - 1) < 1e-12 && sr_trial_at(s, 132)->effort == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_whole_front, begin, end),
      cmocka_unit_test_setup_teardown(test_kinds, begin, end),
      cmocka_unit_test_setup_teardown(test_fronts, begin, end),
      cmocka_unit_test_setup_teardown(test_hopeless, begin, end),
      cmocka_unit_test_setup_teardown(test_replay, begin, end),
      cmocka_unit_test_setup_teardown(test_untold, begin, end),
      cmocka_unit_test_setup_teardown(test_halving, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
