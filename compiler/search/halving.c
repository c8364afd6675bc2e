/* Successive halving (Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter
 * optimization, 2016; one bracket of Li et al., Hyperband, 2018): many points with little effort, the best
 * third of them with three times as much, and so on to full effort. */
#include "search/internal.h"

#include <math.h>

enum { PART = 3 };

typedef struct {
  uint32_t levels, level; /* of the next batch */
  uint32_t first, count;  /* trials of the level before it */
} bracket;

bool sr_halving_begin(sr_search *s, net_loc where) {
  (void)where;
  bracket *b = NET_NEW(s->arena, bracket);
  uint32_t most = s->setup.levels ? s->setup.levels : UINT32_MAX;
  b->levels = 1;
  for (uint32_t left = s->expected; left >= PART && b->levels < most; b->levels++) {
    left /= PART;
    s->expected += left;
  }
  s->state = b;
  return true;
}

static uint32_t best_of(sr_search *s, const bracket *b, uint32_t *best) {
  sr_ranked *ranked = NET_NEW_ARRAY(s->arena, sr_ranked, b->count + 1);
  uint32_t good = 0, wanted = b->count >= PART ? b->count / PART : 1;
  for (uint32_t i = 0; i < b->count; i++)
    if (!s->trials.at[b->first + i].failed) ranked[good++].trial = b->first + i;
  sr_rank(s, s->arena, ranked, good);
  if (wanted > good) wanted = good;
  for (uint32_t i = 0; i < wanted; i++) best[i] = ranked[i].trial;
  return wanted;
}

void sr_halving_ask(sr_search *s) {
  bracket *b = s->state;
  if (b->level == b->levels) return;
  uint32_t first = s->trials.count;
  double effort = pow(PART, (double)b->level - b->levels + 1);
  if (!b->level) {
    sr_add_random(s, s->setup.trials);
    for (uint32_t i = first; i < s->trials.count; i++) s->trials.at[i].effort = effort;
  } else {
    uint32_t *best = NET_NEW_ARRAY(s->arena, uint32_t, b->count + 1), count = best_of(s, b, best);
    for (uint32_t i = 0; i < count; i++) {
      sr_trial *t = sr_add(s, s->trials.at[best[i]].x);
      t->effort = effort;
      t->from = best[i];
    }
  }
  b->level++;
  b->first = first;
  b->count = s->trials.count - first;
}
