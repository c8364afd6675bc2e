/* For tests of graphs with the real operators: building networks, reading and printing graphs, random values.
 */
#ifndef NETC_TESTS_GRAPH_SUPPORT_H
#define NETC_TESTS_GRAPH_SUPPORT_H

#include "interpret/interpret.h"
#include "ops/ops.h"
#include "passes/passes.h"

void support_init(netc *n); /* with the operators */

/* The last diagnostic's message; "" if there is none. */
const char *support_message(const netc *n);
const char *support_printed(netc *n, const net_graph *graph);
/* The text of tests/graph/NAME; fails the test if it cannot be read. */
const char *support_file(netc *n, const char *name);
/* The graph of that text; fails the test if it is none. */
net_graph *support_parse(netc *n, const char *text);

/* Adds a layer named OP_k as a network's body would, to x; key = value attributes as in the text form:
 * "linear features=5", "relu". Gives its first output. */
net_value_id support_layer(net_graph *graph, net_value_id x, const char *call);
/* A chain of layers, separated by "; ", on an input `x` of that shape; the last is the output. */
net_graph *support_network(netc *n, const char *name, net_shape shape, const char *layers);

/* Random numbers: the same on every machine. */
typedef struct {
  uint64_t state;
} support_random;
double support_uniform(support_random *random); /* in [−1, 1), a multiple of 2^-23 */
uint32_t support_below(support_random *random, uint32_t limit);

/* Gives every value that is no result or constant something: inputs and parameters U(−1, 1), running
 * variances, sample weights and second moments positive, class numbers below `classes`, scalars 0.1. */
void support_fill(net_run *run, support_random *random, uint32_t classes);

net_value_id support_find(const net_graph *graph, const char *name); /* fails the test if there is none */
uint32_t support_count(const net_graph *graph, const char *op);      /* nodes of that operator */

#endif
