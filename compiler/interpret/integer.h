/* Integer-only graphs in integers: a second oracle, which shares nothing with the first but the graph.
 *
 * Every value is an integer q and a unit u, one for each element of a sample, and stands for q · u: of a
 * fixed point 2^−f, of scaled_integer its step, zero points taken off. What comes in (inputs, weights,
 * batch_norm's coefficients) is rounded by the reference quantisers of formats/; all else is sums, products
 * and shifts of integers, as an object for a machine without floats has them (net_op.integers). Units are
 * numbers in double, where the products of two steps are exact.
 *
 * Where all units are powers of two:
 *
 *   sums are in the finest unit of their terms, and rescaling by 2^−s = u_sum / u_format is
 *   s > 0:  (a + 2^(s−1) − 1 + ((a >> s) & 1)) >> s   (half to even)
 *           (a + 2^(s−1)) >> s                        (half up)
 *           a >> s                                    (floor)
 *           (a + (a < 0 ? 2^s − 1 : 0)) >> s          (to zero)
 *   s ≤ 0:  a shift to the left; then saturation or wrapping, then narrowing.
 *
 * Where some are not:
 *
 * - linear: terms must have one unit u_x · u_w. The bias is a whole number of these: R(b · u_b / u), or b as
 * it is where u_b is u rounded to binary32, as in the bias that passes/quantize_bias.c adds
 * - batch_norm: factor and shift as in fixed point; the unit is u_x · 2^−fa, the shift R(c · 2^−fc / u)
 * - mul: u_a · u_b
 * - add, sub: a · m_a ± b · m_b in the unit s · 2^−n, s the step of the first quantiser that reads the sum;
 *   m_a · 2^−n and m_b · 2^−n are u_a / s and u_b / s (net_multipliers_of)
 * - sigmoid, tanh, softmax that are looked up: ops/table.h; one unit each
 * - relu, moves: as they are: every element keeps its unit, so that concat joins steps of all kinds
 * - quantisers: rescale by m · 2^−n = u / s (net_multiplier_of): s > 0 above with a · m and n, after which
 * zero points are added and codes saturate. Where u / s is a power of two, that is a shift.
 *
 * Formats of -1, 0 and 1 (ternary and binary that are not scaled) have the unit 1; a binary of a sum is its
 * sign.
 *
 * A value of the emulation is s · q rounded to binary32; with steps that are no powers of two its sums are
 * rounded, too, and may end on the other side of a tie. */
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
  double **units;       /* by value: of each element of a sample */
} net_integers;

/* Constants are in place. The graph is integer-only (passes/integer_only.h). */
net_integers net_integers_begin(netc *n, const net_graph *graph, net_arena *arena, uint32_t count);
/* An input's, parameter's or statistic's elements, or what nodes make of parameters alone; not copied. */
void net_integers_set(net_integers *run, net_value_id value, const float *elements);
/* What another run has found of values that all samples share; it must outlive this one. */
void net_integers_share(net_integers *run, const net_integers *from);
/* False: reported (a sum of more than 63 bits, an operator without a rule). */
bool net_integers_run(net_integers *run);
/* Element as a number: exact, but rounded to binary32 where it has a format, as the emulation has it. */
double net_integers_value(const net_integers *run, net_value_id value, uint64_t element);

#endif
