/* Runs loop IR plainly: the meaning of both forms, and the oracle of codegen.
 *
 * Form 2 gives the very bits that compiled code gives (of a NaN only that it is one). Form 1 leaves the order
 * of reductions open: the evaluator sums in double and rounds once. Values nobody may rely on (registers not
 * yet set, lanes of a tree beyond its count) are NaN or a strange integer here. */
#ifndef NETC_LOOPS_EVALUATE_H
#define NETC_LOOPS_EVALUATE_H

#include "loops/loops.h"

/* In form 2, buffers point where a compiled step expects them (struct rt_step): scalars[slot] in both forms,
 * and once lp_function.scratch_bytes is set (the planner's work, or lp_place_apart) into scratch and
 * variables at their offsets, so that overlapping lifetimes are tested too. Otherwise each has memory of its
 * own. */
typedef struct {
  void **buffers;     /* by buffer id; columns and outputs as row-major rows */
  uint32_t count;     /* samples */
  uint32_t params[3]; /* step, key */
  bool fma;           /* whether LP_fma rounds once */
  bool form2;
  void *scratch;
  float *variables, *scalars;
  size_t variable_floats;
  uint32_t scalar_count;
} lp_memory;

/* ---- memory ---- */

/* Buffers for everything but columns, in the arena, zeroed, 64-byte aligned; constants are copied in; the
 * index is 0, 1, 2 …, the count is the batch, fma is true. Form 1: logical [batch, shape…] row-major. */
lp_memory lp_memory_new(net_arena *arena, const lp_function *f, bool form2);
/* The same contents in new memory; columns are shared. */
lp_memory lp_memory_copy(net_arena *arena, const lp_function *f, const lp_memory *from);
/* Deterministic noise into all buffers that a step reads or keeps (scratch, variables, scalars): floats
 * uniform in [−1, 1), integers over their whole type. */
void lp_memory_fill(const lp_function *f, lp_memory *memory, uint64_t seed);
/* The first buffer of that storage and slot: memory.buffers[it], or NULL. */
void *lp_memory_at(const lp_function *f, const lp_memory *memory, lp_storage storage, uint32_t slot);
/* Copies a buffer between logical and physical layout; samples beyond the batch repeat the last one. */
void lp_memory_lay_out(const lp_function *f, lp_buffer buffer, const lp_memory *logical, lp_memory *physical);
void lp_memory_take_back(const lp_function *f, lp_buffer buffer, const lp_memory *physical,
                         lp_memory *logical);
/* Position of an element (row-major in the logical shape) in the physical buffer. */
size_t lp_physical(const lp_function *f, lp_buffer buffer, uint32_t sample, size_t element);
/* Whether a buffer has the same bits in both (any two NaNs are the same); first: where it differs first. */
bool lp_memory_same(const lp_function *f, lp_buffer buffer, const lp_memory *a, const lp_memory *b,
                    size_t *first);
size_t lp_buffer_elements(const lp_function *f, lp_buffer buffer, bool form2); /* columns: 0 */
/* Gives every scratch buffer and variable of form 2 a place of its own (tests; the planner does better). */
void lp_place_apart(lp_function *f);

/* ---- running ---- */

bool lp_evaluate_statements(const lp_function *f, lp_memory *memory); /* form 1; false: a fault, reported */
/* Form 2: 0, or 1 when left by LP_FINITE; 2: a fault, reported. Iterations of a parallel loop run last to
 * first. */
uint32_t lp_evaluate_nests(const lp_function *f, lp_memory *memory);

#endif
