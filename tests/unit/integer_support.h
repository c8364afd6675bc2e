/* Networks on integers, filled with numbers at random, and the oracle beside the interpreter. */
#ifndef NETC_TESTS_INTEGER_SUPPORT_H
#define NETC_TESTS_INTEGER_SUPPORT_H

#include "interpret/integer.h"
#include "tests/unit/graph_support.h"

/* Weights about as large as trained ones are, times the scale; inputs about N(0, 3), the first samples at the
 * ends and in corners. */
net_run integer_filled(netc *n, const net_graph *g, uint64_t seed, uint32_t count, double scale);

float *integer_floats(const net_run *run, net_value_id v); /* a value's elements, in the run's arena */

/* The oracle with the run's inputs, before it ran. */
net_integers integer_begin(const net_run *run);

#endif
