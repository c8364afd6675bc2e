/* What the two halves of differentiate share: gradients (differentiate.c), then updates (updates.c). */
#ifndef NETC_PASSES_TRAINING_H
#define NETC_PASSES_TRAINING_H

#include "graph/operator.h"
#include "passes/passes.h"

/* A parameter that is trained, and the value of its gradient. */
typedef struct {
  net_value_id parameter, gradient;
} training_gradient;

typedef NET_VEC(training_gradient) training_gradients;

/* Adds what the statistics of the first `nodes` nodes follow, clipping, and the parameters' updates. */
bool training_add_updates(const net_pass_context *context, net_graph *graph, uint32_t nodes,
                          const training_gradients *gradients);

#endif
