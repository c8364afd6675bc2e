/* Runs loop IR plainly: the meaning of both forms, and the oracle of codegen.
 *
 * Form 2 gives the very bits that compiled code gives. Form 1 leaves the order of reductions open: the evaluator
 * sums in double and rounds once. */
#ifndef NETC_LOOPS_EVALUATE_H
#define NETC_LOOPS_EVALUATE_H

#include "loops/loops.h"

typedef struct {
  void **buffers; /* by buffer id; columns and outputs as row-major rows */
  uint32_t count; /* samples */
  uint32_t params[3]; /* step, key */
  bool fma;           /* whether LP_fma rounds once */
} lp_memory;

/* Buffers for everything but columns, in the arena, zeroed. Form 1: logical [batch, shape…] row-major. */
lp_memory lp_memory_new(net_arena *arena, const lp_function *f, bool form2);
bool lp_evaluate_statements(const lp_function *f, lp_memory *memory); /* form 1 */
uint32_t lp_evaluate_nests(const lp_function *f, lp_memory *memory);  /* form 2: 0, or 1 when left by LP_FINITE */

#endif
