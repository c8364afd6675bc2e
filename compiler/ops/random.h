/* Uniform draws by Philox from (key, step, stream, sample, feature) alone: threads, lanes and the split into
 * batches do not matter, and a gradient draws again what its node drew. The node has an attribute
 * `stream`. */
#ifndef NETC_OPS_RANDOM_H
#define NETC_OPS_RANDOM_H

#include "ops/kernel.h"

/* Draws in [0, 1) for all elements of a value. */
void ops_draw(const net_interpretation *call, const net_value *value, float *draws);
/* The draw for the element at a place of a value of that shape, the same to the bit. */
lp_expr ops_drawn(lp_function *f, const net_graph *graph, net_node_id node, const net_value *value,
                  const ops_place *at);

#endif
