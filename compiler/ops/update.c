/* What a step writes: running statistics of batch_norm; parameters, by sgd, adam, adamw as in PyTorch. */
#include "ops/common.h"
#include "ops/update.h"
#include <math.h>

/* ---- graph ---- */

/* running, observed → new = (1 − momentum) · running + momentum · observed */
bool running_update_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return ops_require_f32(graph, node) && ops_require_real(graph, node, "momentum", 0, 1, false) &&
         ops_require_unbatched(graph, node, 1, ops_input(graph, node, 0)->shape) &&
         ops_result_like(graph, node, 0, 0);
}

/* Everything has the parameter's shape but for scalars: those from the rate on that are no states. */
static bool inputs_fit(net_graph *graph, net_node_id node, uint32_t state, uint32_t states) {
  net_shape shape = ops_input(graph, node, UPDATE_PARAMETER)->shape;
  if (!ops_require_f32(graph, node) || !ops_require_unbatched(graph, node, UPDATE_GRADIENT, shape))
    return false;
  for (uint32_t i = UPDATE_RATE; i < net_graph_at(graph, node)->input_count; i++) {
    bool scalar = i < state || i >= state + states;
    if (!ops_require_unbatched(graph, node, i, scalar ? ops_scalar() : shape)) return false;
  }
  return ops_require_real(graph, node, "weight_decay", 0, INFINITY, false);
}

bool sgd_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!inputs_fit(graph, node, SGD_VELOCITY, 1) || !ops_require_real(graph, node, "momentum", 0, 1, false) ||
      !ops_require_real(graph, node, "dampening", 0, 1, false))
    return false;
  double momentum = net_node_real(graph, node, "momentum");
  bool velocity = ops_input(graph, node, SGD_VELOCITY) != NULL;
  if (net_node_bool(graph, node, "nesterov") &&
      !(momentum > 0 && net_node_real(graph, node, "dampening") == 0))
    return ops_refuse(graph, node, NET_NONE, "needs momentum > 0 and dampening = 0 for nesterov");
  if (velocity != (momentum > 0))
    return ops_refuse(graph, node, NET_NONE, "needs a velocity if, and only if, momentum > 0 (it is %g)",
                      momentum);
  return ops_result_like(graph, node, 0, UPDATE_PARAMETER) &&
         (!velocity || ops_result_like(graph, node, 1, SGD_VELOCITY));
}

bool adam_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  const char *const betas[] = {"beta1", "beta2"};
  for (int i = 0; i < 2; i++) {
    double beta = net_node_real(graph, node, betas[i]);
    if (!(beta >= 0 && beta < 1))
      return ops_refuse(graph, node, NET_NONE, "needs %s in [0, 1), not %g", betas[i], beta);
  }
  return inputs_fit(graph, node, ADAM_EXP_AVG, 2) &&
         ops_require_real(graph, node, "epsilon", 0, INFINITY, false) &&
         ops_result_like(graph, node, 0, UPDATE_PARAMETER) && ops_result_like(graph, node, 1, ADAM_EXP_AVG) &&
         ops_result_like(graph, node, 2, ADAM_EXP_AVG_SQ);
}

/* State starts at 0 in the parameter's shape; sgd has none without momentum (its first attribute). */
static bool state(const net_graph *graph, const net_value_id *inputs, bool absent, net_shape *shape,
                  net_init *init) {
  *shape = net_graph_value_at(graph, inputs[UPDATE_PARAMETER])->shape;
  if (absent) shape->rank = NET_ABSENT;
  *init = (net_init){NET_INIT_FILL, 0};
  return true;
}

bool sgd_parameter(netc *n, const net_graph *graph, const net_value_id *inputs,
                   const net_attribute *attributes, uint32_t attribute_count, uint32_t input, net_loc loc,
                   net_shape *shape, net_init *init) {
  (void)n, (void)attribute_count, (void)input, (void)loc;
  return state(graph, inputs, attributes[0].real == 0, shape, init);
}

bool adam_parameter(netc *n, const net_graph *graph, const net_value_id *inputs,
                    const net_attribute *attributes, uint32_t attribute_count, uint32_t input, net_loc loc,
                    net_shape *shape, net_init *init) {
  (void)n, (void)attributes, (void)attribute_count, (void)input, (void)loc;
  return state(graph, inputs, false, shape, init);
}

/* ---- interpret ---- */

void running_update_interpret(const net_interpretation *call) {
  double momentum = net_node_real(call->graph, call->node, "momentum");
  for (uint64_t i = 0; i < ops_elements(ops_in(call, 0)); i++)
    call->outputs[0][i] = (1 - momentum) * call->inputs[0][i] + momentum * call->inputs[1][i];
}

static double clip(const net_interpretation *call, uint32_t input) {
  return call->inputs[input] ? call->inputs[input][0] : 1;
}

/* v' = momentum · v + (1 − dampening) · g, in the first step of a run v' = g; p' = p − rate · v', with
 * nesterov p' = p − rate · (g + momentum · v'). Weight decay adds its share of p to g. */
void sgd_interpret(const net_interpretation *call) {
  const net_graph *graph = call->graph;
  const double *p = call->inputs[UPDATE_PARAMETER], *v = call->inputs[SGD_VELOCITY];
  double rate = call->inputs[UPDATE_RATE][0], momentum = net_node_real(graph, call->node, "momentum");
  double damped = call->step ? 1 - net_node_real(graph, call->node, "dampening") : 1;
  double decay = net_node_real(graph, call->node, "weight_decay");
  bool nesterov = net_node_bool(graph, call->node, "nesterov");
  for (uint64_t i = 0; i < ops_elements(ops_in(call, UPDATE_PARAMETER)); i++) {
    double g = call->inputs[UPDATE_GRADIENT][i] * clip(call, SGD_CLIP) + decay * p[i], step = g;
    if (v) {
      double velocity = call->outputs[1][i] = momentum * v[i] + damped * g;
      step = nesterov ? g + momentum * velocity : velocity;
    }
    call->outputs[0][i] = p[i] - rate * step;
  }
  if (!v) call->outputs[1][0] = 0;
}

/* m' = β1·m + (1 − β1)·g, v' = β2·v + (1 − β2)·g²; p' = p − rate·correction1 · m' / (√v' · correction2 + ε).
 * Weight decay: adam adds decay·p to g, adamw takes rate·decay·p off p. */
static void adam(const net_interpretation *call, bool decoupled) {
  const net_graph *graph = call->graph;
  const double *p = call->inputs[UPDATE_PARAMETER], rate = call->inputs[UPDATE_RATE][0];
  double beta1 = net_node_real(graph, call->node, "beta1"), beta2 = net_node_real(graph, call->node, "beta2");
  double epsilon = net_node_real(graph, call->node, "epsilon");
  double decay = net_node_real(graph, call->node, "weight_decay");
  double step = rate * call->inputs[ADAM_CORRECTION1][0], root = call->inputs[ADAM_CORRECTION2][0];
  for (uint64_t i = 0; i < ops_elements(ops_in(call, UPDATE_PARAMETER)); i++) {
    double g = call->inputs[UPDATE_GRADIENT][i] * clip(call, ADAM_CLIP) + (decoupled ? 0 : decay * p[i]);
    double m = beta1 * call->inputs[ADAM_EXP_AVG][i] + (1 - beta1) * g;
    double v = beta2 * call->inputs[ADAM_EXP_AVG_SQ][i] + (1 - beta2) * g * g;
    double from = decoupled ? p[i] * (1 - rate * decay) : p[i];
    call->outputs[0][i] = from - step * m / (sqrt(v) * root + epsilon);
    call->outputs[1][i] = m;
    call->outputs[2][i] = v;
  }
}

void adam_interpret(const net_interpretation *call) { adam(call, false); }
void adamw_interpret(const net_interpretation *call) { adam(call, true); }
