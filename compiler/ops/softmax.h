/* Kernels along the lines of a tensor, parallel to an axis. */
#ifndef NETC_OPS_SOFTMAX_H
#define NETC_OPS_SOFTMAX_H

#include "ops/kernel.h"

/* One line along the axis: the place of an element, of the line (axis dropped), the axis alone, and a shape
 * for what there is one of for each line. */
typedef struct {
  ops_place at, line, along;
  net_shape line_shape;
  bool batched;
} softmax_lines;

softmax_lines softmax_lines_of(lp_function *f, const net_graph *graph,
                               net_node_id node); /* by the attribute axis */
lp_buffer softmax_line_temporary(lp_function *f, const softmax_lines *l, const char *name, lp_expr value);

#endif
