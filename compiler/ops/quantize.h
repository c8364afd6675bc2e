/* What the files of quantize and quantize_gradient share. */
#ifndef NETC_OPS_QUANTIZE_H
#define NETC_OPS_QUANTIZE_H

#include "formats/formats.h"
#include "ops/common.h"

enum { QUANTIZE_X, QUANTIZE_STEP, QUANTIZE_ZERO };
enum { QUANTIZE_GRADIENT_DY, QUANTIZE_GRADIENT_X, QUANTIZE_GRADIENT_STEP, QUANTIZE_GRADIENT_ZERO };

/* The node's format; reports what is wrong with its text. */
bool ops_format(const net_graph *graph, net_node_id node, net_format_id *id);
net_format_spec ops_spec(const net_graph *graph, net_node_id node); /* shapes have been checked */
/* Of quantize_gradient: whether it gives the gradient of a step, and what its sum is multiplied by: 1 over
 * the root of the elements of a sample that share the step times the highest number of steps. */
bool ops_learns_step(const net_graph *graph, net_node_id node);
double ops_step_gain(const net_graph *graph, net_node_id node);

#endif
