/* Whether a quantised graph is integer-only: every edge after the quantisers of its inputs has an integer
 * format and every operator is one of linear, batch_norm, relu, add, sub, mul and those that only move
 * numbers. Such graphs have the same bits everywhere (interpret/integer.h computes them in integers).
 *
 * A sum (linear, batch_norm, add, …) has no format itself: what reads it must be its quantiser. Formats of
 * more bits than binary32 has are not counted as integers: in emulation they round twice. */
#ifndef NETC_PASSES_INTEGER_ONLY_H
#define NETC_PASSES_INTEGER_ONLY_H

#include "graph/graph.h"

/* Where a graph stops being integer-only. */
typedef struct {
  net_node_id node;   /* NET_NONE: an output of the network */
  net_value_id value; /* the edge, or NET_NONE: it is the operator */
  const char *reason; /* "takes 'jet', which has no integer format: …" */
} net_integer_break;

bool net_integer_only(netc *n, const net_graph *graph, net_integer_break *first);

#endif
