/* Points at random. */
#include "search/internal.h"

void sr_random_ask(sr_search *s) {
  uint32_t batch = sr_room(s, s->setup.population);
  double *x = sr_point(s);
  for (uint32_t i = sr_add_starts(s, batch); i < batch; i++) {
    rt_random random;
    sr_random(s, s->trials.count, &random);
    if (!sr_draw_unseen(s, &random, x)) return;
    sr_add(s, x);
  }
}
