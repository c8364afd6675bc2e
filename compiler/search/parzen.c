/* A kernel is the product of one for each parameter: a normal distribution cut off at the ends, by whole
 * numbers collected between halves; of choices a point mass and a share for each of the others. Deviations
 * are the distance to the farther neighbour on the parameter's scale, within bounds (Bergstra et al.,
 * Algorithms for hyper-parameter optimization, 2011); of whole numbers at least half a step, so that no
 * kernel is a point. */
#include "search/parzen.h"

#include <math.h>
#include <stdlib.h>

enum {
  TABLE_VALUES = 64, /* of whole numbers: with no more their masses are tabled */
  UNDIMMED = 25,     /* the newest points, whose weights are full */
};

typedef struct {
  double centre, sigma;
} shape;

/* The kernels of a parameter; the wide one is the last. */
typedef struct {
  const sr_parameter *p;
  double low, high;
  double *centres, *sigmas;
  double *cut; /* the logarithm of what lies within the ends; of reals, times sigma */
  /* of few values: kernels of the same masses share a row, of their logarithms */
  bool tabled;
  uint32_t values, *rows;
  NET_VEC(double) table;
  NET_VEC(shape) made;
} axis;

struct sr_parzen {
  net_arena *arena;
  const sr_search *search;
  uint32_t count; /* of kernels */
  axis *axes;
  double *log_weights, *until; /* of weights: logarithms; added up, the kernel's own too */
  double *sums;                /* scratch */
};

/* ---- normal distributions ---- */

/* of the mass between a and b deviations from the centre */
static double log_mass(double a, double b) {
  bool right = a > 0;
  double from = right ? a : -b, to = right ? b : -a;
  return log(0.5 * (erfc(from * M_SQRT1_2) - erfc(to * M_SQRT1_2)) + 1e-300);
}

static double log_between(double from, double to, double centre, double sigma) {
  return log_mass((from - centre) / sigma, (to - centre) / sigma);
}

/* By rejection: the centre lies within the ends and sigma is at most their distance, so that a third is kept.
 */
static double draw_normal(double centre, double sigma, double low, double high, rt_random *random) {
  for (;;) {
    double y = centre + sigma * rt_random_normal(random);
    if (y >= low && y <= high) return y;
  }
}

/* The step around a whole number, on the scale. */
static double step_low(const axis *a, double x) { return sr_scale(a->p, x - 0.5); }
static double step_high(const axis *a, double x) { return sr_scale(a->p, x + 0.5); }

/* ---- kernels ---- */

typedef struct {
  double at;
  uint32_t point;
} placed;

static int by_place(const void *a, const void *b) {
  const placed *x = a, *y = b;
  return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : (x->point > y->point) - (x->point < y->point);
}

static void set_sigmas(net_arena *arena, axis *a, uint32_t points, double narrow) {
  placed *order = NET_NEW_ARRAY(arena, placed, points + 1);
  for (uint32_t i = 0; i < points; i++) order[i] = (placed){a->centres[i], i};
  qsort(order, points, sizeof *order, by_place);
  double range = a->high - a->low, least = range / fmin(100, points + 2) / narrow;
  for (uint32_t i = 0; i < points; i++) {
    double at = order[i].at, left = i ? at - order[i - 1].at : at - a->low;
    double right = i + 1 < points ? order[i + 1].at - at : a->high - at;
    if (points > 1 && !i) left = right; /* the ends are no neighbours */
    if (points > 1 && i + 1 == points) right = left;
    double sigma = fmax(left, right), bound = least;
    if (a->p->kind == SR_INTEGER) {
      double x = sr_unscale(a->p, at);
      bound = fmax(bound, 0.5 * (step_high(a, x) - step_low(a, x)));
    }
    a->sigmas[order[i].point] = fmin(fmax(sigma, bound), range);
  }
}

/* The row of a kernel's masses, a new one if there is none like it. */
static uint32_t row_of(net_arena *arena, axis *a, double centre, double sigma) {
  for (uint32_t i = 0; i < a->made.count; i++)
    if (a->made.at[i].centre == centre && a->made.at[i].sigma == sigma) return i;
  uint32_t row = net_vec_push(arena, &a->made, (shape){centre, sigma});
  double cut = log_between(a->low, a->high, centre, sigma);
  for (uint32_t k = 0; k < a->values; k++) {
    double x = a->p->low + k;
    net_vec_push(arena, &a->table, log_between(step_low(a, x), step_high(a, x), centre, sigma) - cut);
  }
  return row;
}

/* Rows of choices: by the choice, and an even one. */
static void fill_choices(net_arena *arena, axis *a, uint32_t points) {
  double share = 1.0 / (points + 1), all = 1 + a->values * share;
  for (uint32_t i = 0; i <= a->values; i++)
    for (uint32_t k = 0; k < a->values; k++)
      net_vec_push(arena, &a->table, i == a->values ? -log(a->values) : log((share + (i == k)) / all));
  for (uint32_t i = 0; i < points; i++) a->rows[i] = (uint32_t)(a->centres[i] - a->p->low);
  a->rows[points] = a->values;
}

static void make_axis(net_arena *arena, const sr_search *s, uint32_t parameter, const uint32_t *points,
                      uint32_t count, double narrow, axis *a) {
  const sr_parameter *p = &s->setup.space.parameters[parameter];
  double values = p->high - p->low + 1;
  *a = (axis){.p = p, .low = sr_scale_low(p), .high = sr_scale_high(p)};
  if (!(a->high > a->low)) return;
  a->centres = NET_NEW_ARRAY(arena, double, count + 1);
  a->sigmas = NET_NEW_ARRAY(arena, double, count + 1);
  for (uint32_t i = 0; i < count; i++) a->centres[i] = sr_scale(p, s->trials.at[points[i]].x[parameter]);
  a->tabled = p->kind == SR_CHOICE || (p->kind == SR_INTEGER && values <= TABLE_VALUES);
  if (a->tabled) a->values = (uint32_t)values, a->rows = NET_NEW_ARRAY(arena, uint32_t, count + 1);
  if (p->kind == SR_CHOICE) return fill_choices(arena, a, count);
  set_sigmas(arena, a, count, narrow);
  a->centres[count] = (a->low + a->high) / 2;
  a->sigmas[count] = a->high - a->low;
  if (!a->tabled) a->cut = NET_NEW_ARRAY(arena, double, count + 1);
  for (uint32_t i = 0; i <= count; i++)
    if (a->tabled) a->rows[i] = row_of(arena, a, a->centres[i], a->sigmas[i]);
    else {
      a->cut[i] = log_between(a->low, a->high, a->centres[i], a->sigmas[i]);
      if (p->kind == SR_REAL) a->cut[i] += log(a->sigmas[i]);
    }
}

/* The older of many weigh less, down to one part of them all. */
static void set_weights(sr_parzen *z, bool forget) {
  uint32_t points = z->count - 1, dimmed = forget && points > UNDIMMED ? points - UNDIMMED : 0;
  double all = 0, first = 1.0 / (points + !points);
  for (uint32_t i = 0; i < z->count; i++) {
    double weight = i >= dimmed ? 1 : dimmed > 1 ? first + (1 - first) * i / (dimmed - 1) : first;
    z->log_weights[i] = log(weight);
    z->until[i] = all += weight;
  }
  for (uint32_t i = 0; i < z->count; i++) z->log_weights[i] -= log(all);
}

sr_parzen *sr_parzen_new(net_arena *arena, const sr_search *s, const uint32_t *points, uint32_t count,
                         double narrow, bool forget) {
  sr_parzen *z = NET_NEW(arena, sr_parzen);
  *z = (sr_parzen){.arena = arena, .search = s, .count = count + 1};
  z->axes = NET_NEW_ARRAY(arena, axis, s->setup.space.count + 1);
  z->log_weights = NET_NEW_ARRAY(arena, double, z->count);
  z->until = NET_NEW_ARRAY(arena, double, z->count);
  z->sums = NET_NEW_ARRAY(arena, double, z->count);
  set_weights(z, forget);
  for (uint32_t i = 0; i < s->setup.space.count; i++)
    make_axis(arena, s, i, points, count, narrow, &z->axes[i]);
  return z;
}

/* ---- draws and densities ---- */

static double draw_axis(const axis *a, uint32_t kernel, rt_random *random) {
  if (!(a->high > a->low)) return a->p->low;
  if (!a->tabled)
    return sr_unscale(a->p, draw_normal(a->centres[kernel], a->sigmas[kernel], a->low, a->high, random));
  const double *row = a->table.at + (size_t)a->rows[kernel] * a->values;
  double left = rt_random_double(random);
  uint32_t k = 0;
  while (k + 1 < a->values && (left -= exp(row[k])) >= 0) k++;
  return a->p->low + k;
}

void sr_parzen_draw(const sr_parzen *z, rt_random *random, double *x) {
  double at = rt_random_double(random) * z->until[z->count - 1];
  uint32_t kernel = 0;
  while (kernel + 1 < z->count && z->until[kernel] <= at) kernel++;
  for (uint32_t i = 0; i < z->search->setup.space.count; i++) x[i] = draw_axis(&z->axes[i], kernel, random);
}

/* Adds an axis' part to the logarithms of all kernels at a value. */
static void add_axis(const axis *a, double x, uint32_t count, double *sums) {
  double y = sr_scale(a->p, x);
  if (a->tabled) {
    const double *column = a->table.at + (uint32_t)(x - a->p->low);
    for (uint32_t i = 0; i < count; i++) sums[i] += column[(size_t)a->rows[i] * a->values];
  } else if (a->p->kind == SR_INTEGER) {
    double from = step_low(a, x), to = step_high(a, x);
    for (uint32_t i = 0; i < count; i++)
      sums[i] += log_between(from, to, a->centres[i], a->sigmas[i]) - a->cut[i];
  } else {
    for (uint32_t i = 0; i < count; i++) {
      double d = (y - a->centres[i]) / a->sigmas[i];
      sums[i] -= 0.5 * d * d + a->cut[i];
    }
  }
}

double sr_parzen_log(const sr_parzen *z, const double *x) {
  memcpy(z->sums, z->log_weights, z->count * sizeof *z->sums);
  for (uint32_t i = 0; i < z->search->setup.space.count; i++)
    if (z->axes[i].high > z->axes[i].low) add_axis(&z->axes[i], x[i], z->count, z->sums);
  double most = -INFINITY, sum = 0;
  for (uint32_t i = 0; i < z->count; i++) most = fmax(most, z->sums[i]);
  for (uint32_t i = 0; i < z->count; i++) sum += exp(z->sums[i] - most);
  return most + log(sum);
}
