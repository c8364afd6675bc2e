/* What the files of batch_norm share. */
#ifndef NETC_OPS_BATCH_NORM_H
#define NETC_OPS_BATCH_NORM_H

#include "ops/common.h"

/* Whether the node computes a·x + c with formats, and which they are. */
bool ops_batch_norm_formatted(const net_graph *graph, net_node_id node, uint32_t *weight, uint32_t *bias);

/* The factor a = weight/√(variance + ε) and the shift c = bias − mean·a that such a node has for a channel:
 * in double, each rounded to binary32. */
typedef struct {
  float factor, shift;
} ops_affine;
ops_affine ops_batch_norm_affine(double weight, double bias, double mean, double variance, double epsilon);

#endif
