/* Timing compiled functions on random data. */
#ifndef NETC_DRIVER_BENCH_H
#define NETC_DRIVER_BENCH_H

#include "driver/subject.h"

/* Arguments for calls of one function: random rows, a shuffled index, variables. */
typedef struct {
  rt_step step;
  uint32_t *order; /* rows, whole batches */
  uint32_t batches, padded, count;
  double loss, weight_sum;
  uint32_t correct;
} dr_bench_data;

/* False: reported. Memory lives in the arena. */
bool dr_bench_data_make(dr_call *call, const rt_program *program, const net_objective *objective,
                        const net_graph *graph, const rt_function *function, uint32_t batch, uint32_t threads,
                        dr_bench_data *data);

typedef struct {
  double min, median, p99, max; /* nanoseconds a call */
} dr_timing;

/* Calls for about `seconds`, timing each call; cold: caches are evicted before each. */
dr_timing dr_time(netc *n, rt_step_function call, dr_bench_data *data, double seconds, bool cold);

/* FMA peak of one core in GFLOP/s, measured by compiled code. 0: reported. */
double dr_peak(dr_call *call);

#endif
