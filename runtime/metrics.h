/* Metrics over a split, fed batch by batch: the table of metrics.def at work. */
#ifndef NETC_RUNTIME_METRICS_H
#define NETC_RUNTIME_METRICS_H

#include "runtime/data.h"
#include "runtime/step.h"
#include "runtime/train.h"

typedef struct rt_tally rt_tally;

/* Results go into result, its arrays into n->arena; the rest lives in arena. NULL: reported. */
rt_tally *rt_tally_make(netc *n, net_arena *arena, const rt_program *program, const rt_split *split,
                        const rt_metric *metrics, uint32_t metric_count, rt_evaluation *result);
/* outputs: by rt_program.outputs, of rows [first, first + count) of the split. */
void rt_tally_add(rt_tally *tally, void *const *outputs, uint32_t first, uint32_t count);
void rt_tally_finish(rt_tally *tally);

#endif
