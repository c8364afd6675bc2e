/* Small graphs around one node of every operator, for tests of gradients and of kernels. */
#ifndef NETC_TESTS_OPS_CASES_H
#define NETC_TESTS_OPS_CASES_H

#include "interpret/interpret.h"
#include "ops/ops.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Lines of a graph (its text form); the last node is the one tested. */
extern const char *const ops_cases[];
extern const uint32_t ops_case_count;

/* A context with operators, and a graph of such lines; the test fails if it cannot be read or verified. */
void ops_test_begin(netc *n);
net_graph *ops_test_graph(netc *n, const char *lines);
const char *ops_test_message(netc *n); /* the last diagnostic, or "" */

static inline net_node_id ops_test_node(const net_graph *graph) { return graph->nodes.count - 1; }

/* Asks the node's operator for its gradients: adds a value dy where it is no loss, and gives for each input
 * of the node its gradient, NET_NONE for those that have none (targets, weights, statistics). scale: of
 * losses. */
net_value_id *ops_test_gradient(net_graph *graph, net_node_id node, double scale, net_value_id *dy);

/* Random numbers, the same ones for the same seed: uniform in [lo, hi). */
double ops_test_random(uint64_t *state, double lo, double hi);
/* Gives every value that no node gives some elements, exact in binary32: for u32 class numbers, as many as
 * the last axis of the first value, positive ones for what must be (variances, weights, rates, squares), else
 * about 0. */
void ops_test_fill(net_run *run, uint64_t seed);

#endif
