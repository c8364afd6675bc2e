/* For tests of passes: a context, and the whole training pipeline. */
#ifndef NETC_TESTS_PASSES_SUPPORT_H
#define NETC_TESTS_PASSES_SUPPORT_H

#include "tests/unit/graph_support.h"

/* Runs a pass with the verifier on; fails the test where the pass fails. */
net_graph *support_pass(const net_pass_context *context, net_pass_id pass, const net_graph *graph,
                        uint32_t *have);
/* training_mode, losses, differentiate, eliminate_dead */
net_graph *support_train(const net_pass_context *context, const net_graph *graph);
/* training_mode, losses */
net_graph *support_with_losses(const net_pass_context *context, const net_graph *graph);

/* An objective of one cross_entropy on a value, target 0 being class numbers named "label"; in n's arena. */
net_objective *support_classify(netc *n, const char *prediction);
/* An objective of one mse on a value of that shape, target 0 being named "wanted". */
net_objective *support_fit(netc *n, const char *prediction, net_shape shape);

#endif
