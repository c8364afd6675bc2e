/* Which trials are better than others. */
#define _GNU_SOURCE /* qsort_r */
#include "search/internal.h"

#include <math.h>
#include <stdlib.h>

bool sr_dominates(uint32_t objectives, const sr_trial *a, const sr_trial *b) {
  if (a->violation != b->violation) return a->violation < b->violation;
  if (a->violation > 0) return false;
  bool better = false;
  for (uint32_t i = 0; i < objectives; i++) {
    if (a->objectives[i] > b->objectives[i]) return false;
    better |= a->objectives[i] < b->objectives[i];
  }
  return better;
}

/* ---- order ---- */

typedef struct {
  const sr_search *search;
  uint32_t objective;
} order;

static int compare(double a, double b) { return (a > b) - (a < b); }

static int by_number(uint32_t a, uint32_t b) { return (a > b) - (a < b); }

static int by_objectives(const sr_search *s, uint32_t a, uint32_t b) {
  const sr_trial *x = &s->trials.at[a], *y = &s->trials.at[b];
  int way = compare(x->violation, y->violation);
  for (uint32_t i = 0; i < s->setup.objectives && !way; i++)
    way = compare(x->objectives[i], y->objectives[i]);
  return way ? way : by_number(a, b);
}

static int compare_trials(const void *a, const void *b, void *search) {
  return by_objectives(search, *(const uint32_t *)a, *(const uint32_t *)b);
}

static int compare_ranked(const void *a, const void *b, void *search) {
  return by_objectives(search, ((const sr_ranked *)a)->trial, ((const sr_ranked *)b)->trial);
}

static int compare_objective(const void *a, const void *b, void *context) {
  const order *o = context;
  const sr_ranked *x = a, *y = b;
  int way = compare(o->search->trials.at[x->trial].objectives[o->objective],
                    o->search->trials.at[y->trial].objectives[o->objective]);
  return way ? way : by_number(x->trial, y->trial);
}

static int compare_crowded(const void *a, const void *b) {
  const sr_ranked *x = a, *y = b;
  int way = (x->rank > y->rank) - (x->rank < y->rank);
  if (!way) way = compare(y->crowding, x->crowding);
  return way ? way : by_number(x->trial, y->trial);
}

/* ---- the front ---- */

static bool is_candidate(const sr_trial *t) {
  return t->told && !t->failed && t->violation == 0 && t->effort == 1;
}

static bool is_same(uint32_t objectives, const sr_trial *a, const sr_trial *b) {
  for (uint32_t i = 0; i < objectives; i++)
    if (a->objectives[i] != b->objectives[i]) return false;
  return true;
}

/* In ascending order none is dominated by one behind it. */
uint32_t sr_front(const sr_search *s, uint32_t *into) {
  uint32_t candidates = 0, count = 0, objectives = s->setup.objectives;
  for (uint32_t i = 0; i < s->trials.count; i++)
    if (is_candidate(&s->trials.at[i])) into[candidates++] = i;
  qsort_r(into, candidates, sizeof *into, compare_trials, (void *)s);
  for (uint32_t i = 0; i < candidates; i++) {
    const sr_trial *t = &s->trials.at[into[i]];
    bool best = true;
    for (uint32_t k = count; k-- > 0 && best;) {
      const sr_trial *other = &s->trials.at[into[k]];
      best = !sr_dominates(objectives, other, t) && !is_same(objectives, other, t);
    }
    if (best) into[count++] = into[i];
  }
  return count;
}

/* ---- ranks ---- */

/* Crowding distance (Deb et al., A fast and elitist multiobjective genetic algorithm: NSGA-II, 2002) of
 * trials of one rank: the sum over the objectives of the gaps to the neighbours, as parts of the range. */
static void crowd(const sr_search *s, sr_ranked *ranked, uint32_t count) {
  for (uint32_t m = 0; m < s->setup.objectives; m++) {
    order o = {s, m};
    qsort_r(ranked, count, sizeof *ranked, compare_objective, &o);
#define VALUE(i) s->trials.at[ranked[i].trial].objectives[m]
    double range = VALUE(count - 1) - VALUE(0);
    ranked[0].crowding = ranked[count - 1].crowding = INFINITY;
    for (uint32_t i = 1; i + 1 < count && range > 0 && isfinite(range); i++)
      ranked[i].crowding += (VALUE(i + 1) - VALUE(i - 1)) / range;
#undef VALUE
  }
}

/* Ranks by sequential search in ascending order (Zhang et al., An efficient approach to nondominated sorting,
 * 2015): a trial's is the first in which none dominates it. */
void sr_rank(const sr_search *s, net_arena *arena, sr_ranked *ranked, uint32_t count) {
  NET_VEC(uint32_t) last = {0}; /* by rank: the place of its last trial so far */
  uint32_t *before = NET_NEW_ARRAY(arena, uint32_t, count + 1); /* by place: the one before it of its rank */
  qsort_r(ranked, count, sizeof *ranked, compare_ranked, (void *)s);
  for (uint32_t i = 0; i < count; i++) {
    const sr_trial *t = &s->trials.at[ranked[i].trial];
    uint32_t rank = 0;
    for (; rank < last.count; rank++) {
      uint32_t k = last.at[rank];
      while (k != UINT32_MAX && !sr_dominates(s->setup.objectives, &s->trials.at[ranked[k].trial], t))
        k = before[k];
      if (k == UINT32_MAX) break;
    }
    if (rank == last.count) net_vec_push(arena, &last, UINT32_MAX);
    before[i] = last.at[rank];
    last.at[rank] = i;
    ranked[i].rank = rank;
    ranked[i].crowding = 0;
  }
  qsort(ranked, count, sizeof *ranked, compare_crowded);
  for (uint32_t first = 0, end; first < count; first = end) {
    for (end = first + 1; end < count && ranked[end].rank == ranked[first].rank; end++) {
    }
    crowd(s, ranked + first, end - first);
  }
  qsort(ranked, count, sizeof *ranked, compare_crowded);
}
