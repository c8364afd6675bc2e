/* Every point, in order. */
#include "search/internal.h"

#include <math.h>

bool sr_exhaustive_begin(sr_search *s, net_loc where) {
  const sr_space *space = &s->setup.space;
  for (uint32_t i = 0; i < space->count; i++) {
    const sr_parameter *p = &space->parameters[i];
    if (p->kind != SR_REAL || p->low == p->high) continue;
    net_error(
        s->n, where,
        "an exhaustive search cannot try every number from %g to %g as %s: give it a list, or choose another "
        "strategy",
        p->low, p->high, p->name);
    return false;
  }
  if (s->points <= s->setup.trials) return true;
  net_error(s->n, where,
            "there are %.0f points to try, and trials allows %u: vary less, or choose another strategy",
            s->points, s->setup.trials);
  return false;
}

void sr_exhaustive_ask(sr_search *s) {
  uint32_t batch = sr_room(s, s->setup.population);
  double *x = sr_point(s);
  for (uint32_t i = 0; i < batch && s->trials.count < s->points; i++) {
    sr_space_at(&s->setup.space, s->trials.count, x);
    sr_add(s, x);
  }
}
