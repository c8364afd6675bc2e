/* Learning rates by epoch and step, and the scalars that the compiled step is handed. */
#ifndef NETC_RUNTIME_SCHEDULE_H
#define NETC_RUNTIME_SCHEDULE_H

#include "runtime/step.h"
#include "runtime/train.h"

/* The rate of an epoch (from 0) of so many, without warm-up: see rt_schedule. */
double rt_schedule_rate(const rt_schedule *schedule, double rate, uint32_t epoch, uint32_t epochs);
/* Steps of warm-up. */
uint32_t rt_schedule_warmup(const rt_schedule *schedule, uint32_t steps_an_epoch);

/* rt_step.scalars, kept up to date from step to step. β^t is a running product: multiplication is the same on
 * every machine, which pow need not be. */
typedef struct {
  const rt_program *program;
  const rt_train_spec *spec;
  uint32_t warmup;         /* steps */
  double epoch_rate, rate; /* of group 0 in this epoch, in this step */
  double *epoch;           /* by scalar: rate of this epoch, or β^t */
  float *values;           /* what the step reads */
  bool any_corrections;
} rt_scalars;

/* The scalars before step `steps` (from 0) of the run, in the given epoch. */
void rt_scalars_start(net_arena *arena, const rt_program *program, const rt_train_spec *spec,
                      uint32_t steps_an_epoch, uint32_t steps, rt_scalars *scalars);
void rt_scalars_epoch(rt_scalars *scalars, uint32_t epoch); /* before an epoch's first step */
void rt_scalars_step(rt_scalars *scalars, uint32_t step);   /* before each step, in order */

#endif
