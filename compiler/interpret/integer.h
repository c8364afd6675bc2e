/* Integer-only graphs in integers: a second oracle, which shares nothing with the first but the graph.
 *
 * Every value is an integer q and a fraction f, one for each element of a sample, and stands for q · 2^−f.
 * What comes in (inputs, weights, batch_norm's coefficients) is rounded by the reference quantisers of
 * formats/; all else is sums, products and shifts of integers, as an object for a machine without floats has
 * them (net_op.integers):
 *
 *   rescaling by s = f_sum − f_format > 0:  (a + 2^(s−1) − 1 + ((a >> s) & 1)) >> s   (half to even)
 *                                           (a + 2^(s−1)) >> s                        (half up)
 *                                           a >> s                                    (floor)
 *                                           (a + (a < 0 ? 2^s − 1 : 0)) >> s          (to zero)
 *   by s ≤ 0: a shift to the left; then saturation or wrapping, then narrowing. */
#ifndef NETC_INTERPRET_INTEGER_H
#define NETC_INTERPRET_INTEGER_H

#include "graph/graph.h"

typedef struct net_integers {
  netc *n;
  const net_graph *graph;
  net_arena *arena;
  uint32_t count;       /* samples */
  const float **floats; /* by value: what is not quantised yet: inputs, parameters */
  int64_t **values;     /* by value: elements as net_run.values has them; NULL: not there */
  int **fractions;      /* by value: of each element of a sample */
} net_integers;

/* Constants are in place. The graph is integer-only (passes/integer_only.h). */
net_integers net_integers_begin(netc *n, const net_graph *graph, net_arena *arena, uint32_t count);
/* An input's, parameter's or statistic's elements, or what nodes make of parameters alone; not copied. */
void net_integers_set(net_integers *run, net_value_id value, const float *elements);
/* What another run has found of values that all samples share; it must outlive this one. */
void net_integers_share(net_integers *run, const net_integers *from);
/* False: reported (a sum of more than 63 bits, an operator without a rule). */
bool net_integers_run(net_integers *run);
/* Element as a number; exact. */
double net_integers_value(const net_integers *run, net_value_id value, uint64_t element);

#endif
