/* Spaces of parameters: their points, counted and drawn, and scales on which strategies may walk evenly. */
#include "search/internal.h"

#include <math.h>

static bool is_whole(const sr_parameter *p) { return p->kind != SR_REAL; }

double sr_scale_low(const sr_parameter *p) {
  double low = is_whole(p) ? p->low - 0.5 : p->low;
  return p->log ? log(low) : low;
}

double sr_scale_high(const sr_parameter *p) {
  double high = is_whole(p) ? p->high + 0.5 : p->high;
  return p->log ? log(high) : high;
}

double sr_scale(const sr_parameter *p, double x) { return p->log ? log(x) : x; }

double sr_unscale(const sr_parameter *p, double y) {
  double x = p->log ? exp(y) : y;
  if (is_whole(p)) x = rint(x) + 0.0; /* no −0: points are compared by their bits */
  return x < p->low ? p->low : x > p->high ? p->high : x;
}

double sr_draw(const sr_parameter *p, rt_random *random) {
  double low = sr_scale_low(p), high = sr_scale_high(p);
  return sr_unscale(p, low + rt_random_double(random) * (high - low));
}

static double values(const sr_parameter *p) {
  if (is_whole(p)) return p->high - p->low + 1;
  return p->high > p->low ? INFINITY : 1;
}

double sr_space_points(const sr_space *space) {
  double points = 1;
  for (uint32_t i = 0; i < space->count; i++) points *= values(&space->parameters[i]);
  return points;
}

bool sr_space_holds(const sr_space *space, const double *x) {
  for (uint32_t i = 0; i < space->count; i++) {
    const sr_parameter *p = &space->parameters[i];
    if (!(x[i] >= p->low && x[i] <= p->high) || (is_whole(p) && x[i] != rint(x[i]))) return false;
  }
  return true;
}

void sr_space_at(const sr_space *space, double index, double *x) {
  for (uint32_t i = space->count; i-- > 0;) {
    double count = values(&space->parameters[i]), rest = fmod(index, count);
    x[i] = space->parameters[i].low + rest;
    index = (index - rest) / count;
  }
}
