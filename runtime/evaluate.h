/* One pass of a compiled function over a split, batch by batch, with nothing updated. */
#ifndef NETC_RUNTIME_EVALUATE_H
#define NETC_RUNTIME_EVALUATE_H

#include "runtime/batches.h"
#include "runtime/threads.h"
#include "runtime/train.h"

typedef struct {
  rt_step step;
  const rt_function *function;
  rt_cut cut;
  rt_pool pool;
  uint32_t *index, call;  /* call: the next one */
  uint32_t first, count;  /* rows of the batch last done */
  uint32_t batch_correct; /* what the function gave for it */
  double batch_loss, batch_weight;
  double loss, weight; /* sums over the pass so far: loss · weight, weight */
  uint64_t correct;
} rt_pass;

/* function: program->evaluate, or program->infer, which sees no targets. Buffers come from the arena. */
bool rt_pass_make(netc *n, net_arena *arena, const rt_program *program, const rt_function *function,
                  const rt_split *split, uint32_t threads, const float *variables, rt_pass *pass);
void rt_pass_rewind(rt_pass *pass);
bool rt_pass_next(rt_pass *pass); /* does a batch; false: there is none left */

#endif
