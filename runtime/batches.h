/* A split as compiled functions read it: its columns, the order of its rows, and where it is cut into
 * batches. */
#ifndef NETC_RUNTIME_BATCHES_H
#define NETC_RUNTIME_BATCHES_H

#include "runtime/data.h"
#include "runtime/step.h"

/* ---- cuts ---- */

/* One pass over the rows: `full` calls of batch samples each, then one of `rest` samples (0: none). */
typedef struct {
  uint32_t rows, batch, full, rest, calls;
} rt_cut;

/* join: a rest of one sample goes into the batch before it, as batch-norm has no variance of one. */
rt_cut rt_cut_make(uint32_t rows, uint32_t batch, bool join);
static inline uint32_t rt_cut_count(const rt_cut *cut, uint32_t call) {
  return call < cut->full ? cut->batch : cut->rest;
}
/* Samples in the first so many calls. */
static inline uint64_t rt_cut_samples(const rt_cut *cut, uint32_t calls) {
  return calls <= cut->full ? (uint64_t)calls * cut->batch : cut->rows;
}

/* ---- columns ---- */

/* Pointers for rt_step.columns. targets: false leaves those of targets and weights NULL. A program that wants
 * weights where the data have none gets ones. Lives in the arena. */
const void **rt_columns_bind(net_arena *arena, const rt_program *program, const rt_split *split,
                             bool targets);

/* ---- the order of an epoch ---- */

/* Sample i of an epoch is row outer[inner[i]], or inner[i] where outer is NULL. */
typedef struct {
  const uint32_t *outer, *inner; /* 64-byte aligned */
} rt_order;

/* The orders of epochs 0 to epochs − 1: pure functions of (seed, epoch), the same on every machine; see
 * shuffle.c. shuffle: false gives 0, 1, 2, … always. */
typedef struct rt_orders rt_orders;
rt_orders *rt_orders_make(net_arena *arena, uint64_t seed, uint32_t rows, uint32_t epochs, bool shuffle);
rt_order rt_orders_get(rt_orders *orders, uint32_t epoch); /* until the next call */

/* Samples [first, first + count) of an epoch as rt_step.index: in place where that is possible, else put into
 * `buffer` of f->padded entries, those past count repeating the first. */
const uint32_t *rt_batch_index(const rt_order *order, uint32_t first, uint32_t count, const rt_function *f,
                               uint32_t *buffer);

#endif
