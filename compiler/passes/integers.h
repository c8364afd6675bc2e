/* What the parts of lower_integer share. */
#ifndef NETC_PASSES_INTEGERS_H
#define NETC_PASSES_INTEGERS_H

#include "passes/passes.h"

/* A copy of the graph in which rescaling clamps where an integer_relu did, before or behind it. */
net_graph *net_integers_join(const net_pass_context *context, const net_graph *graph);

/* Evaluates what freeze has left: quantisers of constants. */
net_graph *net_freeze_rest(const net_pass_context *context, const net_graph *graph);

#endif
