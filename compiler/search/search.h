/* What to try next: spaces of parameters, strategies that walk them, fronts of what was found. Numbers alone:
 * no programs, graphs or files.
 *
 *   sr_search *s = sr_begin(n, &n->arena, &setup, where);
 *   for (uint32_t first, count; sr_ask(s, &first, &count);)       a batch
 *     for (uint32_t i = first; i < first + count; i++)            in any order, any number at once
 *       sr_tell(s, i, objectives, violation) of sr_trial_at(s, i)->x
 *
 * What a batch asks for depends on the setup and on what was told of earlier batches, and on nothing else:
 * not on the order within a batch, on time, or on how many are computed at once. So a search goes on where it
 * was stopped by being asked all over again and told what is known already.
 *
 * No point of a space without reals is asked for twice (of halving: at the same level): when all are, the
 * search ends. */
#ifndef NETC_SEARCH_SEARCH_H
#define NETC_SEARCH_SEARCH_H

#include "support/netc.h"

/* ---- spaces (space.c) ---- */

typedef enum {
  SR_INTEGER, /* whole numbers from low to high, both possible */
  SR_REAL,    /* from low to high */
  SR_CHOICE,  /* 0 … high: things without an order. low is 0 */
} sr_kind;

typedef struct {
  const char *name; /* for messages */
  sr_kind kind;
  double low, high;
  bool log; /* even in the logarithm: low > 0 */
} sr_parameter;

typedef struct {
  const sr_parameter *parameters;
  uint32_t count;
} sr_space;

/* How many points there are; INFINITY with reals of more than one value. */
double sr_space_points(const sr_space *space);
/* Whether a point lies in the space. */
bool sr_space_holds(const sr_space *space, const double *x);
/* The points in order, the last parameter the fastest; index < sr_space_points. */
void sr_space_at(const sr_space *space, double index, double *x);

/* ---- searches (search.c) ---- */

enum { SR_NEW = UINT32_MAX };

typedef struct {
  const double *x; /* one for each parameter: whole numbers for SR_INTEGER and SR_CHOICE */
  double effort;   /* (0, 1]: the part of epochs, or samples, to spend; below 1 in halving alone */
  uint32_t
      from; /* halving: the trial of the same x with less effort, which it may go on from; SR_NEW: none */
  bool told, failed;
  const double *objectives; /* told: the lower the better; of failed ones INFINITY */
  double violation; /* told: by how much constraints do not hold, 0: they do; of failed ones INFINITY */
} sr_trial;

typedef struct sr_search sr_search;

/* A strategy: one row. */
typedef struct {
  const char *name, *text;
  /* What there is of it; false: it cannot walk this space, reported. NULL: nothing. */
  bool (*begin)(sr_search *search, net_loc where);
  /* Adds the next batch of trials (sr_add); adds none: there is nothing left. All before are told. */
  void (*ask)(sr_search *search);
  uint32_t population; /* the standard one; 0: it has none */
} sr_strategy;

extern const sr_strategy sr_strategies[];
extern const uint32_t sr_strategy_count;
/* The row of a name; NULL: there is none. */
const sr_strategy *sr_strategy_find(const char *name);

typedef struct {
  const sr_strategy *strategy;
  sr_space space;
  uint32_t objectives;  /* at least 1 */
  uint32_t trials;      /* at most so many; of halving: so many points on its lowest level */
  uint32_t population;  /* of nsga2: a generation; of tpe and random: a batch. 0: the strategy's standard */
  uint32_t levels;      /* of halving: at most so many; 0: as many as trials allow */
  const double *starts; /* points to be tried first, one behind another (exhaustive tries all anyway) */
  uint32_t start_count;
  uint64_t seed;
} sr_setup;

/* Everything lives in the arena. NULL: reported. What the setup points to must stay. */
sr_search *sr_begin(netc *n, net_arena *arena, const sr_setup *setup, net_loc where);
/* The next batch: trials first … first + count − 1. All of the batch before must have been told. False: the
 * end. */
bool sr_ask(sr_search *search, uint32_t *first, uint32_t *count);
/* A NaN among the objectives or as violation makes a failed trial. */
void sr_tell(sr_search *search, uint32_t trial, const double *objectives, double violation);
void sr_tell_failed(sr_search *search, uint32_t trial);
const sr_trial *sr_trial_at(const sr_search *search, uint32_t trial);
uint32_t sr_trial_count(const sr_search *search); /* asked for so far */
/* How many trials there will be at most: for progress. */
uint32_t sr_trials_expected(const sr_search *search);

/* ---- what was found (front.c, hypervolume.c) ---- */

/* Whether a dominates b: no worse in any objective, better in one; with constraints as Deb et al. (2002) have
 * it: what holds them is better than what does not, of two that do not the one with less violation. */
bool sr_dominates(uint32_t objectives, const sr_trial *a, const sr_trial *b);
/* The trials told, feasible, of full effort and dominated by none, ascending by the first objective, then the
 * next …; of those with equal objectives the earliest. into: room for sr_trial_count. Gives how many. */
uint32_t sr_front(const sr_search *search, uint32_t *into);
/* Volume dominated by points (objectives numbers each) and bounded by a reference; points beyond it count
 * nothing. */
double sr_hypervolume(net_arena *arena, uint32_t objectives, const double *points, uint32_t count,
                      const double *reference);

#endif
