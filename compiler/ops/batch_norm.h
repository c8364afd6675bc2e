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

/* Integers sum in the unit of x times the factor. Where that is no power of two, x_step · 2^−fraction, the
 * shift is rounded to a whole number of it: R(shift / from · ratio) · to, to binary32. to 0: it stays. */
typedef struct {
  double from, ratio, to;
} ops_shift_rounding;
ops_shift_rounding ops_batch_norm_rounding(const net_graph *graph, net_node_id node, uint32_t weight_format,
                                           uint32_t bias_format);
double ops_batch_norm_rounded(ops_shift_rounding rounding, double shift);

#endif
