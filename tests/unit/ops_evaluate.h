/* A node's kernel (form 1 of the loop IR, run by the evaluator) against its interpreter. */
#ifndef NETC_TESTS_OPS_EVALUATE_H
#define NETC_TESTS_OPS_EVALUATE_H

#include "tests/unit/ops_cases.h"

/* Both are fed what the run holds, rounded to binary32; results may differ by ulps of the largest element, or
 * of `least` if that is larger. Where the run has fewer samples than batch, the function is one for any
 * number of them. The test fails naming `where` unless they agree. */
void ops_test_kernel(net_run *run, net_node_id node, uint32_t batch, double ulps, double least,
                     const char *where);

#endif
