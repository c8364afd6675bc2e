/* Points at random. */
#include "search/internal.h"

void sr_add_random(sr_search *s, uint32_t batch) {
  double *x = sr_point(s);
  for (uint32_t i = sr_add_starts(s, batch); i < batch; i++) {
    rt_random random;
    sr_random(s, s->trials.count, &random);
    if (!sr_draw_unseen(s, &random, x)) return;
    sr_add(s, x);
  }
}

void sr_random_ask(sr_search *s) { sr_add_random(s, sr_room(s, s->setup.population)); }
