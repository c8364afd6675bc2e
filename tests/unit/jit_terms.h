/* How exact a compiled result can be: numbers that cancel leave the rounding of what they were. */
#ifndef NETC_TESTS_JIT_TERMS_H
#define NETC_TESTS_JIT_TERMS_H

#include "tests/unit/jit_support.h"

/* For each element of a node's result the magnitude of the terms it is a sum of, or 0 where none cancel. The
 * run has just interpreted the node. */
void jit_terms(const net_run *run, net_node_id node, uint32_t output, double *terms);

/* Whether the operator's results are defined for such numbers, so that compiled code must give them. */
bool jit_defined(const char *op, jit_fill fill);

#endif
