/* Standard test functions: no worse than what Optuna found (tests/search), by the median of 20 seeds. */
#include "search_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { SEEDS = 20, MOST = 30 };

static const struct {
  const char *name;
  search_function function;
  uint32_t parameters, objectives;
  double low[2], high[2]; /* the last one for all that follow */
} functions[] = {{"branin", search_branin, 2, 1, {-5, 0}, {10, 15}},
                 {"hartmann", search_hartmann, 6, 1, {0, 0}, {1, 1}},
                 {"zdt1", search_zdt1, 30, 2, {0, 0}, {1, 1}},
                 {"zdt2", search_zdt2, 30, 2, {0, 0}, {1, 1}}};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The best value, or the volume that the front dominates, negated: the lower the better. */
static double found(netc *n, const sr_search *s, uint32_t objectives) {
  uint32_t count;
  const double *front = search_front(n, s, objectives, &count);
  assert_true(count >= 1);
  return objectives == 1 ? *front : -sr_hypervolume(&n->arena, 2, front, count, (double[]){1.1, 11});
}

static double result(const char *strategy, uint32_t function, uint32_t trials, uint64_t seed) {
  netc n;
  sr_parameter parameters[MOST];
  netc_init(&n, NULL);
  sr_setup setup = {.strategy = sr_strategy_find(strategy),
                    .space = {parameters, functions[function].parameters}};
  for (uint32_t i = 0; i < setup.space.count; i++)
    parameters[i] =
        (sr_parameter){"x", SR_REAL, functions[function].low[i > 0], functions[function].high[i > 0], false};
  setup.objectives = functions[function].objectives;
  setup.trials = trials;
  setup.seed = seed;
  const sr_search *s = search_run(&n, &setup, functions[function].function, FORWARDS);
  assert_int_equal(sr_trial_count(s), trials);
  double best = found(&n, s, setup.objectives);
  netc_free(&n);
  return best;
}

/* A line is: strategy, function, trials, quartiles. */
static void test_recorded(void **state) {
  (void)state;
  char line[200], strategy[40], name[40];
  uint32_t lines = 0;
  FILE *file = fopen(NETC_TEST_SOURCE "/tests/search/recorded.txt", "r");
  assert_non_null(file);
  while (fgets(line, sizeof line, file)) {
    uint32_t trials, function = 0;
    double low, median, high, ours[SEEDS];
    if (*line == '#') continue;
    assert_int_equal(sscanf(line, "%39s %39s %u %lf %lf %lf", strategy, name, &trials, &low, &median, &high),
                     6);
    while (function < FUNCTIONS && strcmp(functions[function].name, name)) function++;
    assert_true(function < FUNCTIONS);
    strategy[strcspn(strategy, "_")] = 0; /* tpe_univariate: another form of it */
    for (uint32_t i = 0; i < SEEDS; i++) ours[i] = result(strategy, function, trials, i);
    qsort(ours, SEEDS, sizeof *ours, ascending);
    double sign = functions[function].objectives == 1 ? 1 : -1, mine = sign * (ours[9] + ours[10]) / 2;
    printf("%-10s %-10s %4u trials: %.6g, Optuna's %.6g\n", strategy, name, trials, mine, median);
    if (strcmp(strategy, "random") && sign * (mine - median) > 0)
      fail_msg("%s is worse on %s: %.9g, and %.9g was recorded", strategy, name, mine, median);
    lines++;
  }
  fclose(file);
  assert_int_equal(lines, 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
