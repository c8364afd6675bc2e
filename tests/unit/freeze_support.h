/* For tests of networks with their weights in hand. */
#ifndef NETC_TESTS_FREEZE_SUPPORT_H
#define NETC_TESTS_FREEZE_SUPPORT_H

#include "tests/unit/quantize_support.h"

/* Elements of a run's parameters and statistics by value, as freeze takes them. */
const float *const *freeze_data(const net_run *run);
/* Runs a pass on the graph of a run with those; verified, and what it gives reads back. The test fails where
 * the pass does. */
net_graph *freeze_run(const net_run *run, net_pass_id pass, const net_graph *graph);
/* A run of another graph with the elements of values of the same name: its inputs, above all. */
net_run freeze_same(const net_run *run, const net_graph *graph);

#endif
