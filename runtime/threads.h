/* The parallel-for behind rt_step: OpenMP's threads, each taking contiguous shares of the iterations. Which
 * thread computes what has no influence on the numbers: compiled code keeps partial sums by iteration. */
#ifndef NETC_RUNTIME_THREADS_H
#define NETC_RUNTIME_THREADS_H

#include "runtime/step.h"

typedef struct {
  uint32_t threads;
} rt_pool;

/* Puts the pool into a step's arguments; one thread (or 0) needs none. */
void rt_threads_use(rt_pool *pool, uint32_t threads, rt_step *step);

#endif
