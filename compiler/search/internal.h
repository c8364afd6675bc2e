/* What the files of this folder share. */
#ifndef NETC_SEARCH_INTERNAL_H
#define NETC_SEARCH_INTERNAL_H

#include "runtime/random.h"
#include "search/search.h"

struct sr_search {
  netc *n;
  net_arena *arena;
  sr_setup setup;
  double points; /* of the space */
  NET_VEC(sr_trial) trials;
  uint32_t told;                      /* so many are, for certain */
  uint32_t started;                   /* starts used */
  uint32_t expected;                  /* trials in all, at most */
  uint32_t *slots, slot_count, known; /* trials by their points: open addressing, 0 = free, else trial + 1 */
  void *state;                        /* of the strategy */
};

/* The stream that decides about a trial. */
void sr_random(const sr_search *search, uint32_t trial, rt_random *random);

/* ---- space.c ---- */

/* Parameters as strategies walk them: from sr_scale_low to sr_scale_high, evenly. */
double sr_scale_low(const sr_parameter *p); /* whole numbers reach half a step beyond their ends */
double sr_scale_high(const sr_parameter *p);
double sr_scale(const sr_parameter *p, double x);
double sr_unscale(const sr_parameter *p, double y); /* rounded and kept within the ends */
double sr_draw(const sr_parameter *p, rt_random *random);

/* ---- search.c ---- */

double *sr_point(sr_search *search); /* room for a point */
/* Adds a trial to the batch. */
sr_trial *sr_add(sr_search *search, const double *x);
/* Whether a trial has this point already. */
bool sr_seen(const sr_search *search, const double *x);
/* A point drawn evenly from those not asked for; false: there is none. */
bool sr_draw_unseen(sr_search *search, rt_random *random, double *x);
/* How many more trials a batch of this size may have. */
uint32_t sr_room(const sr_search *search, uint32_t batch);
/* Adds the starts that were not asked for yet, up to a batch; gives how many. */
uint32_t sr_add_starts(sr_search *search, uint32_t batch);

/* ---- random.c ---- */

/* Adds starts, and behind them points at random, up to a batch; fewer where there are no more. */
void sr_add_random(sr_search *search, uint32_t batch);

/* ---- front.c ---- */

/* Rank of each of the trials, 0: dominated by none of them; and how lonely it is among those of its rank. */
typedef struct {
  uint32_t trial, rank;
  double crowding;
} sr_ranked;
/* Orders trials (the arena is for scratch): by rank, then by crowding distance, the loneliest first, then by
 * number. */
void sr_rank(const sr_search *search, net_arena *arena, sr_ranked *ranked, uint32_t count);

/* ---- strategies ---- */

#define STRATEGY(name, begin, ask, population, text)                                                         \
  bool begin(sr_search *search, net_loc where);                                                              \
  void ask(sr_search *search);
#include "search/strategies.def"
#undef STRATEGY

#endif
