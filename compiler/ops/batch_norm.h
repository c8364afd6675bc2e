/* What batch_norm.c and batch_norm_kernel.c share. */
#ifndef NETC_OPS_BATCH_NORM_H
#define NETC_OPS_BATCH_NORM_H

#include "ops/common.h"

/* Whether the node computes a·x + c with formats, and which they are. */
bool ops_batch_norm_formatted(const net_graph *graph, net_node_id node, uint32_t *weight, uint32_t *bias);

#endif
