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

/* Nanoseconds a call. Calls of less than a microsecond are timed several at once: each figure is then the
 * mean of such a block. */
typedef struct {
  double min, median, p99, max;
} dr_timing;

typedef void (*dr_timed)(void *context, uint32_t calls); /* makes so many calls */

/* Calls for about `seconds`; cold: caches are evicted before each. */
dr_timing dr_time(netc *n, dr_timed timed, void *context, double seconds, bool cold);
/* The same of a step. */
dr_timing dr_time_step(netc *n, rt_step_function call, dr_bench_data *data, double seconds, bool cold);

/* Of the object that a graph becomes for a target (NULL: native); weights NULL: initial ones. *string: the
 * target's; NULL: stopped as asked. False: reported. */
bool dr_bench_infer(dr_subject *subject, const net_graph *graph, const rt_checkpoint *weights,
                    const char *target, uint32_t batch, uint32_t threads, double seconds, dr_timing *timing,
                    const char **string);
/* The same of its functions of codes. */
bool dr_bench_codes(dr_subject *subject, const net_graph *graph, const rt_checkpoint *weights,
                    const char *target, uint32_t batch, uint32_t threads, double seconds, dr_timing *timing,
                    const char **string);

/* The next of a series of numbers in [−1, 1). */
float dr_random(uint64_t *state);

/* FMA peak of one core in GFLOP/s, measured by compiled code. 0: reported. */
double dr_peak(dr_call *call);

#endif
