/* The oracle: runs a graph on a batch, node by node, in double.
 *
 * Each node gets inputs that are representable in binary32, computes in double, and its results are rounded
 * once to binary32 (DESIGN: numerics); those of type f64 are neither. Every value of the graph is kept, so
 * that compiled code can be compared node by node, each node fed the compiled code's own inputs, and so that
 * the first node that gave a non-finite value can be named. Updates give new values and leave those they
 * replace alone. */
#ifndef NETC_INTERPRET_INTERPRET_H
#define NETC_INTERPRET_INTERPRET_H

#include "graph/graph.h"

typedef struct net_run {
  netc *n;
  const net_graph *graph;
  net_arena *arena;
  uint32_t count;        /* samples in the batch */
  uint32_t step, key[2]; /* of random draws: set before running */
  bool exact;            /* do not round results: for tests by finite differences. Off by default */
  double **values;       /* by value id: elements in order (batched: count × elements); NULL: not there */
} net_run;

/* A run with constants in place and everything else absent. All its memory comes from the arena. */
net_run net_run_begin(netc *n, const net_graph *graph, net_arena *arena, uint32_t count);

/* Gives a value its elements, of its type. They are copied, over those that
 * were there before. */
void net_run_set(net_run *run, net_value_id value, const void *elements);
void net_run_set_doubles(net_run *run, net_value_id value, const double *elements);
uint64_t net_run_elements(const net_run *run, net_value_id value); /* batch included */

/* Runs one node, whose inputs must be there, or all of them in order. A missing input is a fault. */
bool net_run_node(net_run *run, net_node_id node);
bool net_run_all(net_run *run);

/* The value as it is after the updates: what the last update written over it gave, else the value itself. */
const double *net_run_updated(const net_run *run, net_value_id value);

/* The first node, in order, with a result that is not finite; NET_NONE if there is none. */
net_node_id net_run_first_not_finite(const net_run *run);

/* All in one: values[v] holds the elements of each value that is not a result (NULL: absent, as for
 * constants), and is set, in the arena, to the elements of each result; of the values' types. */
bool net_interpret(netc *n, const net_graph *graph, net_arena *arena, uint32_t count, uint32_t step,
                   const uint32_t key[2], void **values);

#endif
