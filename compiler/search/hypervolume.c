/* The volume that points dominate (While, Bradstreet and Barone, A fast way of calculating exact
 * hypervolumes, 2012). */
#include "search/search.h"

#include <stdlib.h>

static int compare_first(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Of two objectives: steps, from the lowest first objective on. */
static double staircase(double *points, uint32_t count, const double *reference) {
  double volume = 0, low = reference[1];
  qsort(points, count, 2 * sizeof *points, compare_first);
  for (uint32_t i = 0; i < count; i++) {
    const double *p = points + 2 * i;
    if (p[0] >= reference[0] || p[1] >= low) continue;
    volume += (reference[0] - p[0]) * (low - p[1]);
    low = p[1];
  }
  return volume;
}

/* Of more: a point's own volume, without what the points behind it dominate of it. */
static double volume(net_arena *arena, uint32_t m, double *points, uint32_t count, const double *reference) {
  if (m == 2) return staircase(points, count, reference);
  double sum = 0;
  double *within = NET_NEW_ARRAY(arena, double, (size_t)count *m + 1);
  for (uint32_t i = 0; i < count; i++) {
    const double *p = points + (size_t)i * m;
    double own = 1;
    for (uint32_t k = 0; k < m; k++) own *= p[k] < reference[k] ? reference[k] - p[k] : 0;
    if (own == 0) continue;
    uint32_t others = 0;
    bool covered = false;
    for (uint32_t j = i + 1; j < count; j++) {
      const double *q = points + (size_t)j * m;
      double *both = within + (size_t)others * m;
      bool inside = true, all = true;
      for (uint32_t k = 0; k < m; k++) {
        both[k] = p[k] > q[k] ? p[k] : q[k];
        inside &= both[k] < reference[k];
        all &= both[k] == p[k];
      }
      covered |= inside && all;
      others += inside;
    }
    if (!covered) sum += own - volume(arena, m, within, others, reference);
  }
  return sum;
}

double sr_hypervolume(net_arena *arena, uint32_t objectives, const double *points, uint32_t count,
                      const double *reference) {
  double *copy = NET_NEW_ARRAY(arena, double, (size_t)count *objectives + 1);
  memcpy(copy, points, sizeof *points * count * objectives);
  return volume(arena, objectives, copy, count, reference);
}
