/* A search as a sequence of trials, whatever the strategy. */
#include "search/internal.h"

#include <math.h>

const sr_strategy sr_strategies[] = {
#define STRATEGY(name, begin, ask, population, text) {#name, text, begin, ask, population},
#include "search/strategies.def"
#undef STRATEGY
};
const uint32_t sr_strategy_count = sizeof sr_strategies / sizeof *sr_strategies;

const sr_strategy *sr_strategy_find(const char *name) {
  for (uint32_t i = 0; i < sr_strategy_count; i++)
    if (!strcmp(sr_strategies[i].name, name)) return &sr_strategies[i];
  return NULL;
}

/* ---- points that were asked for ---- */

static size_t point_bytes(const sr_search *s) { return s->setup.space.count * sizeof(double); }

/* The slot of a point, or the free one where it would be. (FNV-1a over its bits.) */
static uint32_t slot(const sr_search *s, const double *x) {
  uint64_t hash = 0xcbf29ce484222325;
  const unsigned char *bytes = (const unsigned char *)x;
  for (size_t i = 0; i < point_bytes(s); i++) hash = (hash ^ bytes[i]) * 0x100000001b3;
  uint32_t at = (uint32_t)(hash ^ hash >> 32) & (s->slot_count - 1);
  while (s->slots[at] && memcmp(s->trials.at[s->slots[at] - 1].x, x, point_bytes(s)))
    at = (at + 1) & (s->slot_count - 1);
  return at;
}

bool sr_seen(const sr_search *s, const double *x) { return s->slots[slot(s, x)]; }

/* At most half of the slots are taken. */
static void grow(sr_search *s) {
  if (2 * (s->known + 1) <= s->slot_count) return;
  const uint32_t *old = s->slots;
  uint32_t count = s->slot_count;
  s->slot_count = count ? 2 * count : 64;
  s->slots = NET_NEW_ARRAY(s->arena, uint32_t, s->slot_count);
  for (uint32_t i = 0; i < count; i++)
    if (old[i]) s->slots[slot(s, s->trials.at[old[i] - 1].x)] = old[i];
}

double *sr_point(sr_search *s) { return NET_NEW_ARRAY(s->arena, double, s->setup.space.count + 1); }

sr_trial *sr_add(sr_search *s, const double *x) {
  double *copy = sr_point(s);
  memcpy(copy, x, point_bytes(s));
  uint32_t at = net_vec_push(s->arena, &s->trials, (sr_trial){.x = copy, .effort = 1, .from = SR_NEW});
  grow(s);
  uint32_t place = slot(s, copy);
  if (!s->slots[place]) s->slots[place] = at + 1, s->known++;
  return &s->trials.at[at];
}

/* Draws it, and where nearly all points are known, walks on from a random one to the next that is not. */
bool sr_draw_unseen(sr_search *s, rt_random *random, double *x) {
  const sr_space *space = &s->setup.space;
  if (s->known >= s->points) return false;
  for (int tries = 0; tries < 64; tries++) {
    for (uint32_t i = 0; i < space->count; i++) x[i] = sr_draw(&space->parameters[i], random);
    if (!sr_seen(s, x)) return true;
  }
  if (s->points == INFINITY) return true;
  double index = floor(rt_random_double(random) * s->points);
  for (;; index = index + 1 < s->points ? index + 1 : 0) {
    sr_space_at(space, index, x);
    if (!sr_seen(s, x)) return true;
  }
}

void sr_random(const sr_search *s, uint32_t trial, rt_random *random) {
  rt_random_start(random, s->setup.seed, RT_RANDOM_SEARCH, trial);
}

/* ---- batches ---- */

uint32_t sr_room(const sr_search *s, uint32_t batch) {
  uint32_t left = s->setup.trials > s->trials.count ? s->setup.trials - s->trials.count : 0;
  return batch < left ? batch : left;
}

uint32_t sr_add_starts(sr_search *s, uint32_t batch) {
  uint32_t added = 0;
  for (; s->started < s->setup.start_count && added < batch; s->started++) {
    const double *x = s->setup.starts + (size_t)s->started * s->setup.space.count;
    if (!sr_seen(s, x)) sr_add(s, x), added++;
  }
  return added;
}

bool sr_any_begin(sr_search *s, net_loc where) {
  (void)s, (void)where;
  return true;
}

sr_search *sr_begin(netc *n, net_arena *arena, const sr_setup *setup, net_loc where) {
  sr_search *s = NET_NEW(arena, sr_search);
  s->n = n;
  s->arena = arena;
  s->setup = *setup;
  if (!setup->population) s->setup.population = setup->strategy->population;
  s->points = sr_space_points(&setup->space);
  s->expected = s->points < setup->trials ? (uint32_t)s->points : setup->trials;
  for (uint32_t i = 0; i < setup->start_count; i++)
    if (!sr_space_holds(&setup->space, setup->starts + (size_t)i * setup->space.count))
      return net_fault(n, where, "a search starts at a point that is none of its space"), NULL;
  grow(s);
  return setup->strategy->begin(s, where) ? s : NULL;
}

bool sr_ask(sr_search *s, uint32_t *first, uint32_t *count) {
  *first = s->trials.count;
  *count = 0;
  for (; s->told < s->trials.count; s->told++)
    if (!s->trials.at[s->told].told)
      return net_fault(s->n, NET_NOWHERE, "trial %u has no result yet", s->told), false;
  s->setup.strategy->ask(s);
  *count = s->trials.count - *first;
  return *count;
}

void sr_tell(sr_search *s, uint32_t trial, const double *objectives, double violation) {
  sr_trial *t = &s->trials.at[trial];
  double *copy = NET_NEW_ARRAY(s->arena, double, s->setup.objectives);
  bool failed = isnan(violation);
  for (uint32_t i = 0; i < s->setup.objectives; i++) failed |= isnan(objectives[i]);
  for (uint32_t i = 0; i < s->setup.objectives; i++) copy[i] = failed ? INFINITY : objectives[i];
  t->objectives = copy;
  t->violation = failed ? INFINITY : violation > 0 ? violation : 0;
  t->failed = failed;
  t->told = true;
}

void sr_tell_failed(sr_search *s, uint32_t trial) {
  double *objectives = NET_NEW_ARRAY(s->arena, double, s->setup.objectives);
  sr_tell(s, trial, objectives, NAN);
}

const sr_trial *sr_trial_at(const sr_search *s, uint32_t trial) { return &s->trials.at[trial]; }
uint32_t sr_trial_count(const sr_search *s) { return s->trials.count; }
uint32_t sr_trials_expected(const sr_search *s) { return s->expected; }
