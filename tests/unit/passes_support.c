#include "tests/unit/passes_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

net_graph *support_pass(const net_pass_context *context, net_pass_id pass, const net_graph *graph,
                        uint32_t *have) {
  net_pass_context verifying = *context;
  verifying.verify = true;
  net_graph *result = net_pass_run(&verifying, pass, graph, have);
  if (!result)
    fail_msg("%s: %s\nin:\n%s", net_passes[pass].name, support_message(context->n),
             support_printed(context->n, graph));
  return result;
}

net_graph *support_with_losses(const net_pass_context *context, const net_graph *graph) {
  uint32_t have = P_SHAPED;
  net_graph *training = support_pass(context, NET_PASS_training_mode, graph, &have);
  return support_pass(context, NET_PASS_losses, training, &have);
}

net_graph *support_train(const net_pass_context *context, const net_graph *graph) {
  uint32_t have = P_SHAPED | P_TRAINING_MODE | P_LOSSES;
  net_graph *trained =
      support_pass(context, NET_PASS_differentiate, support_with_losses(context, graph), &have);
  return support_pass(context, NET_PASS_eliminate_dead, trained, &have);
}

static net_objective *objective_of(netc *n, const char *op, const char *prediction, net_target target) {
  net_objective *objective = NET_NEW(&n->arena, net_objective);
  net_loss_term *term = NET_NEW(&n->arena, net_loss_term);
  net_target *targets = NET_NEW(&n->arena, net_target);
  *targets = target;
  *term = (net_loss_term){.op = op, .prediction = net_intern(n, prediction), .factor = 1};
  *objective = (net_objective){.terms = term, .term_count = 1, .targets = targets, .target_count = 1};
  return objective;
}

net_objective *support_classify(netc *n, const char *prediction) {
  return objective_of(n, "cross_entropy", prediction,
                      (net_target){.name = net_intern(n, "label"), .type = NET_U32});
}

net_objective *support_fit(netc *n, const char *prediction, net_shape shape) {
  return objective_of(n, "mse", prediction,
                      (net_target){.name = net_intern(n, "wanted"), .type = NET_F32, .shape = shape});
}
