/* Densities over a space as sums of kernels: one around each of some points, and a wide one. */
#ifndef NETC_SEARCH_PARZEN_H
#define NETC_SEARCH_PARZEN_H

#include "search/internal.h"

typedef struct sr_parzen sr_parzen;

/* points: trials, the oldest first. narrow: by how much the least deviation is less
 * than usual, 1: not at all. forget: of many, the older weigh less. */
sr_parzen *sr_parzen_new(net_arena *arena, const sr_search *search, const uint32_t *points, uint32_t count,
                         double narrow, bool forget);
void sr_parzen_draw(const sr_parzen *parzen, rt_random *random, double *x);
/* The logarithm of the density; of whole numbers and choices, of their masses. */
double sr_parzen_log(const sr_parzen *parzen, const double *x);

#endif
