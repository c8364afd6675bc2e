/* Ranges: what every value of a graph can be, and how many bits its sums need.
 *
 * Each element of a sample has an interval of its own, so that a linear's bounds are those of its channels
 * and the actual weights. They start from the ranges of the graph's inputs (net_value.range) and go through
 * the operators' range functions; quantisers cut them to what their formats hold. They are sound for the
 * interpreter and for compiled code: what an operator may be off by (ulps) is added, but not where all lies
 * on a grid of powers of two and is exact. NaN is in no interval: where one can come from (∞ − ∞), the
 * interval is not finite. */
#ifndef NETC_PASSES_RANGES_H
#define NETC_PASSES_RANGES_H

#include "graph/graph.h"

typedef struct net_ranges {
  netc *n;
  net_arena *arena;
  const net_graph *graph;
  net_range **elements; /* by value: of each element of a sample; [−∞, ∞] where nothing is known */
  int **grids;          /* by value: elements are multiples of 2^grid, or NET_NO_GRID */
  double **terms;       /* by value: bounds on the terms that may cancel */
  double **units; /* by value: in integers (interpret/integer.h) elements are whole numbers of them; 0: who
                     knows */
  net_range *values;    /* by value: over all of its elements */
} net_ranges;

/* data: by value, elements in hand: of parameters, statistics, what nodes make of these alone. NULL, all or
 * one: only formats bound them. */
net_ranges *net_ranges_find(netc *n, net_arena *arena, const net_graph *graph, const float *const *data);

/* A copy of the graph with the ranges that are finite as net_value.range. */
net_graph *net_ranges_annotate(net_arena *arena, const net_ranges *ranges);

/* A sum on a grid, as an integer. */
typedef struct net_accumulator {
  net_node_id node;
  net_range range; /* over all channels */
  double unit;     /* of the channel that needs the most bits: the finest of its terms, a step's product, … */
  int bits;        /* of a signed integer that counts it */
} net_accumulator;

/* Where the unit is a power of two: 2^−fraction. */
bool net_accumulator_fraction(const net_accumulator *accumulator, int *fraction);

/* False: the node sums nothing, or not on a grid, or without known bounds. */
bool net_accumulator_find(const net_ranges *ranges, net_node_id node, net_accumulator *accumulator);

/* Where a rule gives a node's accumulator a format that cannot hold the final range, and does not say that it
 * wraps: reported with the layer, the range and the width needed, as an error or as a warning. */
bool net_ranges_check(const net_ranges *ranges, net_severity severity);

#endif
