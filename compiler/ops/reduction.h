/* Axes of sum, mean and max: shared by their graph side and their kernels. */
#ifndef NETC_OPS_REDUCTION_H
#define NETC_OPS_REDUCTION_H

#include "ops/common.h"

/* Which axes of the input the node's attribute "axes" names (all if none); gives the elements of a group. */
uint32_t reduction_axes(const net_graph *graph, net_node_id node, uint32_t input, bool *reduced);
net_shape reduction_kept(net_shape shape, const bool *reduced); /* with 1 for the axes reduced */

#endif
