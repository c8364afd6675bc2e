/* Calls of every operator, made by number: a row for each family. */
#ifndef NETC_TESTS_JIT_CASES_H
#define NETC_TESTS_JIT_CASES_H

#include "tests/unit/jit_support.h"

/* What the next call is made of. The draws choose ranks, attributes, what is optional and what is unbatched.
 */
typedef struct {
  net_graph *graph;
  bool training; /* calls whose gradient is defined in training alone are in training */
  uint32_t width,
      other; /* extents in question: of the axis that lanes or tiles run along; of the results of linear */
  uint32_t most; /* elements of a sample, at most (or as many as the width alone) */
  uint64_t draws;
} jit_maker;

/* Whether the operator is called by itself; gradients of others come with them. */
bool jit_has_case(const char *op);
/* Adds a call of the operator on values of the graph's own, and what gives its gradients, if there are any.
 */
void jit_make(jit_maker *maker, const net_op *op);

/* Of an operator on codes, made of data with at least one axis (jit_codes.c). */
net_node_id jit_make_codes(jit_maker *maker, const char *op, net_value_id x);

/* Of a function that is looked up, of data or of their codes (jit_tables.c). */
net_node_id jit_make_table(jit_maker *maker, const char *op, net_value_id x);

#endif
