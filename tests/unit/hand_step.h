/* A training step written by hand, as compiled code would be: the multilayer perceptron 4-8-3 with ReLU,
 * dropout, cross-entropy and Adam, and a running mean of its inputs for a statistic. Works in tiles of 8
 * samples through the parallel-for, with unused lanes masked. For tests of the loop around it. */
#ifndef NETC_TESTS_HAND_STEP_H
#define NETC_TESTS_HAND_STEP_H

#include "runtime/data.h"
#include "runtime/step.h"
#include "runtime/train.h"

enum { HAND_INPUTS = 4, HAND_HIDDEN = 8, HAND_CLASSES = 3, HAND_TILE = 8 };

/* What the step does besides: one for all, as it is handed no context. */
typedef struct {
  uint32_t raise_at; /* raises `number` in this step of the process, counted from 1; 0: never */
  int number;
  uint32_t evaluate_raise_at; /* the same in calls of evaluate */
  uint32_t nan_at;   /* gives a loss that is not finite in this step of the run, counted from 1 */
  uint32_t spoil_at; /* leaves infinite weights behind */
  uint32_t pause;    /* microseconds a step takes more */
  bool count_loss;   /* gives the number of its samples for a loss, and all but one as correct */
  uint32_t weightless_at, evaluate_weightless_at; /* gives weight 0 and no loss in this step, this call */
  uint32_t calls, evaluate_calls, last_count, smallest_count, biggest_count;
  uint32_t misaligned, bad_padding;
} hand_hooks;
extern hand_hooks hand;

/* A program with that step, in the arena. batch: any; the masked functions take one sample more. */
rt_program *hand_program(net_arena *arena, uint32_t batch);
/* Three Gaussian blobs. */
rt_data *hand_data(net_arena *arena, uint32_t train, uint32_t validation, uint32_t test);
rt_train_spec hand_spec(uint32_t epochs, uint32_t batch);
float *hand_variables(net_arena *arena, const rt_program *program, uint64_t seed);

#endif
