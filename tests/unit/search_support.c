#include "search_support.h"

#include "runtime/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void tell(sr_search *s, const sr_setup *setup, search_function function, uint32_t trial) {
  double objectives[8] = {0}, violation = 0;
  assert_true(sr_space_holds(&setup->space, sr_trial_at(s, trial)->x));
  if (function(sr_trial_at(s, trial)->x, setup->space.count, objectives, &violation))
    sr_tell(s, trial, objectives, violation);
  else sr_tell_failed(s, trial);
}

sr_search *search_run(netc *n, const sr_setup *setup, search_function function, search_order order) {
  sr_search *s = sr_begin(n, &n->arena, setup, NET_NOWHERE);
  assert_non_null(s);
  for (uint32_t first, count; sr_ask(s, &first, &count);) {
    uint32_t *index = NET_NEW_ARRAY(&n->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) index[i] = first + (order == BACKWARDS ? count - 1 - i : i);
    rt_random random;
    rt_random_start(&random, first, RT_RANDOM_BENCH, 0);
    if (order == SHUFFLED) rt_random_shuffle(&random, index, count);
    for (uint32_t i = 0; i < count; i++) tell(s, setup, function, index[i]);
  }
  return s;
}

void assert_same_search(const sr_search *a, const sr_search *b, const sr_setup *setup) {
  assert_int_equal(sr_trial_count(a), sr_trial_count(b));
  for (uint32_t i = 0; i < sr_trial_count(a); i++) {
    const sr_trial *p = sr_trial_at(a, i), *q = sr_trial_at(b, i);
    assert_memory_equal(p->x, q->x, setup->space.count * sizeof *p->x);
    assert_memory_equal(p->objectives, q->objectives, setup->objectives * sizeof *p->objectives);
    assert_true(p->effort == q->effort && p->from == q->from && p->violation == q->violation);
  }
}

const double *search_front(netc *n, const sr_search *search, uint32_t objectives, uint32_t *count) {
  uint32_t *trials = NET_NEW_ARRAY(&n->arena, uint32_t, sr_trial_count(search) + 1);
  *count = sr_front(search, trials);
  double *points = NET_NEW_ARRAY(&n->arena, double, *count *objectives + 1);
  for (uint32_t i = 0; i < *count; i++)
    memcpy(points + i * objectives, sr_trial_at(search, trials[i])->objectives, objectives * sizeof *points);
  return points;
}

/* ---- functions ---- */

bool search_branin(const double *x, uint32_t count, double *objectives, double *violation) {
  (void)count, (void)violation;
  double a = x[1] - 5.1 / (4 * M_PI * M_PI) * x[0] * x[0] + 5 / M_PI * x[0] - 6;
  objectives[0] = a * a + 10 * (1 - 1 / (8 * M_PI)) * cos(x[0]) + 10;
  return true;
}

bool search_hartmann(const double *x, uint32_t count, double *objectives, double *violation) {
  (void)count, (void)violation;
  static const double alpha[] = {1, 1.2, 3, 3.2};
  static const double a[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                                 {0.05, 10, 17, 0.1, 8, 14},
                                 {3, 3.5, 1.7, 10, 17, 8},
                                 {17, 8, 0.05, 10, 0.1, 14}};
  static const double p[4][6] = {{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
                                 {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
                                 {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
                                 {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}};
  objectives[0] = 0;
  for (int i = 0; i < 4; i++) {
    double sum = 0;
    for (int j = 0; j < 6; j++) sum += a[i][j] * (x[j] - p[i][j]) * (x[j] - p[i][j]);
    objectives[0] -= alpha[i] * exp(-sum);
  }
  return true;
}

static double zdt_g(const double *x, uint32_t count) {
  double sum = 0;
  for (uint32_t i = 1; i < count; i++) sum += x[i];
  return 1 + 9 * sum / (count - 1);
}

bool search_zdt1(const double *x, uint32_t count, double *objectives, double *violation) {
  (void)violation;
  double g = zdt_g(x, count);
  objectives[0] = x[0];
  objectives[1] = g * (1 - sqrt(x[0] / g));
  return true;
}

bool search_zdt2(const double *x, uint32_t count, double *objectives, double *violation) {
  (void)violation;
  double g = zdt_g(x, count);
  objectives[0] = x[0];
  objectives[1] = g * (1 - x[0] / g * (x[0] / g));
  return true;
}
