/* A trained network evaluated on a split: what test prints and pictures show. */
#ifndef NETC_DRIVER_EVALUATION_H
#define NETC_DRIVER_EVALUATION_H

#include "driver/subject.h"

/* What --split names, or the usual one. */
rt_split_name dr_split(const dr_call *call, rt_split_name usual);
/* False: the program has none, which was said; what: needs it. */
bool dr_needs_data(dr_subject *subject, const char *what);
/* Settles the subject's formats, loads its data and evaluates its network with the weights. *data, which the
 * caller frees, may be there after a false too: reported, or stopped as asked, and *code is what to end with.
 */
bool dr_evaluate(dr_subject *subject, rt_checkpoint *weights, rt_split_name split, const rt_metric *metrics,
                 uint32_t metric_count, rt_data **data, rt_evaluation *result, int *code);
/* Its name in the data, or its number. */
const char *dr_class_name(netc *n, const rt_data *data, uint32_t c);

#endif
