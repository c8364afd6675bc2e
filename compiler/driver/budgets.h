/* What require blocks bound and searches aim at, of a network's graph. */
#ifndef NETC_DRIVER_BUDGETS_H
#define NETC_DRIVER_BUDGETS_H

#include "driver/weights.h"
#include "dsl/require.h"

/* Whether any quantity from there is wanted. needs: by net_budget */
bool dr_budgets_ask(const bool *needs, net_budget_source from);

/* What can be counted: of one sample. ranges may be NULL: then nothing is said of accumulators. */
void dr_budgets_count(dr_subject *subject, const net_graph *graph, const net_ranges *ranges,
                      double *quantities);
/* What is known of an object for a target, and the time of a call where this machine can run it. False:
 * reported. */
bool dr_budgets_object(dr_subject *subject, const net_graph *graph, const float *const *numbers,
                       rt_checkpoint *weights, const char *target, double *quantities);

/* Both, as far as anything is wanted that they give. */
bool dr_budgets_measure(dr_subject *subject, const net_graph *graph, rt_checkpoint *weights,
                        const bool *needs, double *quantities);

#endif
