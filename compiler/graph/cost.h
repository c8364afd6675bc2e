/* Costs (FORMATS section 4): per node at batch 1, and totals of a graph at a batch size. */
#ifndef NETC_GRAPH_COST_H
#define NETC_GRAPH_COST_H

#include "graph/operator.h"

/* Width in bits of a value's elements, by its number format. */
double net_value_width(const net_graph *graph, net_value_id value);

/* For the rows of operators, p = width of the data input (input 0):
 *   contraction     computations = macs, backward twice that; bitops = macs · (p · p_weight + max(p_bias, p))
 *   elementwise     computations = backward = elements; bitops = elements · p
 *   normalisation   computations = backward = per_element · elements; bitops = computations · p² */
void net_cost_contraction(const net_graph *graph, net_node_id node, double macs, net_value_id weight,
                          net_value_id bias, net_cost *cost); /* bias: NET_NONE if none */
void net_cost_elementwise(const net_graph *graph, net_node_id node, double elements, net_cost *cost);
void net_cost_normalisation(const net_graph *graph, net_node_id node, double per_element, double elements,
                            net_cost *cost);

/* Sets the cost of every node. */
void net_graph_cost(net_graph *graph);

typedef struct net_cost_total {
  double computations, backward, flops, bitops; /* of a batch */
  double macs;                                  /* computations of contractions */
  double true_flops;                            /* 2 · macs + all other computations */
  uint64_t parameters;                          /* elements of parameters */
  double weight_bytes;                          /* parameters at their formats' widths */
  /* Average bits of an element of what contractions take, by elements of a sample; NAN: there are none. With
   * mase_compatible an integer's fraction bits count once more, as MASE has it. */
  double activation_bits, weight_bits;
} net_cost_total;

/* How often a node's cost counts in a batch: batch, or 1 for a node that touches nothing batched. */
double net_node_samples(const net_graph *graph, net_node_id node, uint32_t batch);
/* Needs net_graph_cost before. */
net_cost_total net_graph_cost_total(const net_graph *graph, uint32_t batch);

#endif
