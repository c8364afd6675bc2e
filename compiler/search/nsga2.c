/* NSGA-II (Deb et al., A fast and elitist multiobjective genetic algorithm, 2002): a population; parents by
 * tournament, simulated binary crossover and polynomial mutation make as many children; the best of both are
 * the next population. Choices cross evenly and mutate to any other. */
#include "search/internal.h"

#include <math.h>

static const double crossover = 0.9, spread = 10, mutation_spread = 10;
enum { TRIES = 8 }; /* to make a child that was not there before */

typedef struct {
  NET_VEC(sr_ranked) parents; /* the best first */
  uint32_t told;              /* trials looked at */
} population;

bool sr_nsga2_begin(sr_search *s, net_loc where) {
  (void)where;
  s->state = NET_NEW(s->arena, population);
  return true;
}

/* The best of the parents and their children; of the front all. */
static void select_parents(sr_search *s, population *p) {
  for (; p->told < s->trials.count; p->told++) {
    sr_ranked child = {.trial = p->told};
    net_vec_push(s->arena, &p->parents, child);
  }
  sr_rank(s, s->arena, p->parents.at, p->parents.count);
  uint32_t count = 0;
  while (count < p->parents.count && (count < s->setup.population || !p->parents.at[count].rank)) count++;
  p->parents.count = count;
}

/* Of two at random the better one. */
static const double *tournament(const sr_search *s, const population *p, rt_random *random) {
  uint32_t a = rt_random_below(random, p->parents.count), b = rt_random_below(random, p->parents.count);
  const sr_ranked *x = &p->parents.at[a], *y = &p->parents.at[b];
  bool first = x->rank != y->rank           ? x->rank < y->rank
               : x->crowding != y->crowding ? x->crowding > y->crowding
                                            : a <= b;
  return s->trials.at[first ? x->trial : y->trial].x;
}

/* Deb and Agrawal, Simulated binary crossover for continuous search space, 1995; within ends as in Deb's
 * later code: one of the two children. */
static double cross(double a, double b, double low, double high, rt_random *random) {
  double near = fmin(a, b), far = fmax(a, b), gap = far - near, u = rt_random_double(random);
  bool lower = rt_random_u32(random) & 1;
  if (gap < 1e-14) return a;
  double reach = 1 + 2 * (lower ? near - low : high - far) / gap;
  double alpha = 2 - pow(reach, -(spread + 1)), beta;
  beta = u <= 1 / alpha ? pow(u * alpha, 1 / (spread + 1)) : pow(1 / (2 - u * alpha), 1 / (spread + 1));
  double y = 0.5 * (near + far + (lower ? -beta : beta) * gap);
  return fmin(fmax(y, low), high);
}

/* Deb's polynomial mutation. */
static double mutate(double y, double low, double high, rt_random *random) {
  double u = rt_random_double(random), range = high - low, power = mutation_spread + 1, delta;
  if (u < 0.5) delta = pow(2 * u + (1 - 2 * u) * pow(1 - (y - low) / range, power), 1 / power) - 1;
  else delta = 1 - pow(2 * (1 - u) + 2 * (u - 0.5) * pow(1 - (high - y) / range, power), 1 / power);
  return fmin(fmax(y + delta * range, low), high);
}

/* A whole number moves by one at least. */
static double mutated(const sr_parameter *p, double x, rt_random *random) {
  if (p->high == p->low) return x;
  if (p->kind == SR_CHOICE) {
    double other = rt_random_below(random, (uint32_t)(p->high - p->low));
    return p->low + other + (p->low + other >= x);
  }
  double y = sr_unscale(p, mutate(sr_scale(p, x), sr_scale_low(p), sr_scale_high(p), random));
  if (p->kind != SR_INTEGER || y != x) return y;
  return x == p->low ? x + 1 : x == p->high || rt_random_u32(random) & 1 ? x - 1 : x + 1;
}

static double crossed(const sr_parameter *p, double a, double b, rt_random *random) {
  if (p->kind == SR_CHOICE || rt_random_u32(random) & 1) return rt_random_u32(random) & 1 ? a : b;
  return sr_unscale(p, cross(sr_scale(p, a), sr_scale(p, b), sr_scale_low(p), sr_scale_high(p), random));
}

static void make_child(const sr_search *s, const population *p, rt_random *random, double *x) {
  const sr_space *space = &s->setup.space;
  const double *a = tournament(s, p, random), *b = tournament(s, p, random);
  bool crosses = rt_random_double(random) < crossover;
  for (uint32_t i = 0; i < space->count; i++) {
    const sr_parameter *q = &space->parameters[i];
    x[i] = crosses ? crossed(q, a[i], b[i], random) : a[i];
    if (rt_random_double(random) * space->count < 1) x[i] = mutated(q, x[i], random);
  }
}

void sr_nsga2_ask(sr_search *s) {
  population *p = s->state;
  uint32_t batch = sr_room(s, s->setup.population);
  if (!s->trials.count || s->started < s->setup.start_count) return sr_add_random(s, batch);
  select_parents(s, p);
  double *x = sr_point(s);
  for (uint32_t i = 0; i < batch; i++) {
    rt_random random;
    sr_random(s, s->trials.count, &random);
    bool new = false;
    for (int tries = 0; tries < TRIES && !new; tries++) {
      make_child(s, p, &random, x);
      new = !sr_seen(s, x);
    }
    if (!new && !sr_draw_unseen(s, &random, x)) return;
    sr_add(s, x);
  }
}
