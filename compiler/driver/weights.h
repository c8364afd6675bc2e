/* Weights by the values of a graph, for what looks at numbers without compiled code. */
#ifndef NETC_DRIVER_WEIGHTS_H
#define NETC_DRIVER_WEIGHTS_H

#include "driver/subject.h"
#include "passes/ranges.h"

/* By value: elements of parameters and statistics as the checkpoint has them (NULL: initial ones), and what
 * nodes make of these alone before it is quantised; in the arena of the run. NULL: reported. */
const float *const *dr_graph_weights(dr_subject *subject, const net_graph *graph,
                                     const rt_checkpoint *weights);

/* The same of the subject's network where they make it integer-only, so that it is computed on integers, as
 * an object does it; else *numbers is NULL. False: reported. */
bool dr_integer_weights(dr_subject *subject, const rt_checkpoint *weights, const float *const **numbers);

/* Ranges of a graph's values. weights NULL: by formats alone. NULL: reported. */
const net_ranges *dr_graph_ranges(dr_subject *subject, const net_graph *graph, const rt_checkpoint *weights);

/* Whether the accumulators' formats hold what the weights make of them; reports. */
bool dr_check_accumulators(dr_subject *subject, const rt_checkpoint *weights);
/* The same of the program that training runs and its variables, with warnings: they go on changing. */
bool dr_warn_of_accumulators(dr_subject *subject, const rt_program *program, const float *variables);

#endif
