/* Tree-structured Parzen estimators (Bergstra et al., Algorithms for hyper-parameter optimization, 2011),
 * over all parameters at once: of points drawn where the good trials are, the one where the others are
 * rarest. What is asked for and not told yet counts as not good, so that a batch spreads. */
#include "search/parzen.h"

#include <math.h>
#include <stdlib.h>

enum {
  FIRST = 10,      /* trials at random before there is something to learn from */
  CANDIDATES = 24, /* points drawn for each trial */
  NARROW = 3,      /* every other trial looks so much closer to the good ones */
  MOST_GOOD = 25,  /* with one objective */
};

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* The best tenth of the trials told, and the others; both in the order they were made. */
static uint32_t split(const sr_search *s, net_arena *arena, uint32_t told, uint32_t *order) {
  sr_ranked *ranked = NET_NEW_ARRAY(arena, sr_ranked, told + 1);
  for (uint32_t i = 0; i < told; i++) ranked[i].trial = i;
  sr_rank(s, arena, ranked, told);
  for (uint32_t i = 0; i < told; i++) order[i] = ranked[i].trial;
  uint32_t good = (told + 9) / 10;
  if (s->setup.objectives == 1 && good > MOST_GOOD) good = MOST_GOOD;
  qsort(order, good, sizeof *order, ascending);
  qsort(order + good, told - good, sizeof *order, ascending);
  return good;
}

/* False: every point is asked for already. */
static bool propose(sr_search *s, const sr_parzen *good, const sr_parzen *others, double *x) {
  rt_random random;
  double best = -INFINITY, *candidate = sr_point(s);
  sr_random(s, s->trials.count, &random);
  for (int i = 0; i < CANDIDATES; i++) {
    sr_parzen_draw(good, &random, candidate);
    if (sr_seen(s, candidate)) continue;
    double gain = sr_parzen_log(good, candidate) - sr_parzen_log(others, candidate);
    if (gain > best) best = gain, memcpy(x, candidate, s->setup.space.count * sizeof *x);
  }
  return best > -INFINITY || sr_draw_unseen(s, &random, x);
}

void sr_tpe_ask(sr_search *s) {
  uint32_t told = s->trials.count;
  if (told < FIRST || s->started < s->setup.start_count) {
    uint32_t batch = sr_room(s, told < FIRST ? FIRST - told : s->setup.population);
    sr_add_random(s, batch);
    return;
  }
  net_arena scratch; /* densities are as large as the history */
  net_arena_init(&scratch, s->arena->guard);
  uint32_t batch = sr_room(s, s->setup.population);
  uint32_t *order = NET_NEW_ARRAY(&scratch, uint32_t, told + batch + 1),
           good = split(s, &scratch, told, order);
  double *x = sr_point(s);
  for (uint32_t i = 0; i < batch; i++) {
    const sr_parzen *best = sr_parzen_new(&scratch, s, order, good, s->trials.count % 2 ? 1 : NARROW, false);
    const sr_parzen *others = sr_parzen_new(&scratch, s, order + good, told + i - good, 1, true);
    if (!propose(s, best, others, x)) break;
    order[told + i] = s->trials.count;
    sr_add(s, x);
  }
  net_arena_free(&scratch);
}
