/* Kernels of update.c. A result lies where the variable it replaces lies, so each is written after the last
 * read of the old value, and read back where the new one is meant. */
#include "ops/kernel.h"
#include "ops/update.h"

typedef struct {
  lp_function *f;
  const net_graph *graph;
  net_node_id node;
  ops_place at;
} update;

static update update_of(lp_function *f, const net_graph *graph, net_node_id node) {
  return (update){f, graph, node, ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn")};
}

static lp_expr in(const update *u, uint32_t input) {
  return ops_load_in(u->f, u->graph, u->node, input, &u->at);
}
static double real(const update *u, const char *key) { return net_node_real(u->graph, u->node, key); }
static lp_expr times(const update *u, double c, lp_expr e) { return lp_product(u->f, e, lp_real(u->f, c)); }

static lp_expr replaced(const update *u, uint32_t output, lp_expr value) {
  lp_buffer buffer = ops_out_buffer(u->f, u->graph, u->node, output);
  ops_store(u->f, buffer, &u->at, value);
  return ops_load(u->f, buffer, &u->at);
}

void running_update_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  update u = update_of(f, graph, node);
  double momentum = real(&u, "momentum");
  replaced(&u, 0, lp_addition(f, times(&u, 1 - momentum, in(&u, 0)), times(&u, momentum, in(&u, 1))));
}

/* The gradient, clipped, with `decay` of the parameter added. */
static lp_expr gradient_of(const update *u, uint32_t clip, double decay) {
  lp_expr g = in(u, UPDATE_GRADIENT);
  if (net_node_input(u->graph, u->node, clip) != NET_NONE)
    g = lp_product(u->f, g, ops_load_scalar(u->f, u->graph, u->node, clip));
  return decay != 0 ? lp_addition(u->f, g, times(u, decay, in(u, UPDATE_PARAMETER))) : g;
}

void sgd_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  update u = update_of(f, graph, node);
  double momentum = real(&u, "momentum"), dampening = real(&u, "dampening");
  lp_expr g = gradient_of(&u, SGD_CLIP, real(&u, "weight_decay")), step = g;
  if (net_node_input(graph, node, SGD_VELOCITY) != NET_NONE) {
    lp_expr damped = times(&u, 1 - dampening, g);
    lp_expr first = lp_op2(f, LP_eq, lp_parameter(f, 0), lp_constant(f, NET_U32, 0, 0));
    if (dampening != 0) damped = lp_select(f, first, g, damped);
    step = replaced(&u, 1, lp_addition(f, times(&u, momentum, in(&u, SGD_VELOCITY)), damped));
    if (net_node_bool(graph, node, "nesterov")) step = lp_addition(f, g, times(&u, momentum, step));
  }
  lp_expr rate = ops_load_scalar(f, graph, node, UPDATE_RATE);
  replaced(&u, 0, lp_difference(f, in(&u, UPDATE_PARAMETER), lp_product(f, rate, step)));
}

static void adam(lp_function *f, const net_graph *graph, net_node_id node, bool decoupled) {
  update u = update_of(f, graph, node);
  double beta1 = real(&u, "beta1"), beta2 = real(&u, "beta2"), decay = real(&u, "weight_decay");
  lp_expr g = gradient_of(&u, ADAM_CLIP, decoupled ? 0 : decay);
  lp_expr m = lp_addition(f, times(&u, beta1, in(&u, ADAM_EXP_AVG)), times(&u, 1 - beta1, g));
  lp_expr v =
      lp_addition(f, times(&u, beta2, in(&u, ADAM_EXP_AVG_SQ)), times(&u, 1 - beta2, lp_product(f, g, g)));
  m = replaced(&u, 1, m);
  v = replaced(&u, 2, v);
  lp_expr rate = ops_load_scalar(f, graph, node, UPDATE_RATE), p = in(&u, UPDATE_PARAMETER);
  lp_expr step = lp_product(f, rate, ops_load_scalar(f, graph, node, ADAM_CORRECTION1));
  lp_expr root = lp_product(f, lp_op1(f, LP_sqrt, v), ops_load_scalar(f, graph, node, ADAM_CORRECTION2));
  lp_expr denominator = lp_addition(f, root, lp_real(f, real(&u, "epsilon")));
  if (decoupled && decay != 0) p = lp_product(f, p, lp_difference(f, lp_real(f, 1), times(&u, decay, rate)));
  replaced(&u, 0, lp_difference(f, p, lp_quotient(f, lp_product(f, step, m), denominator)));
}

void adam_kernel(lp_function *f, const net_graph *graph, net_node_id node) { adam(f, graph, node, false); }
void adamw_kernel(lp_function *f, const net_graph *graph, net_node_id node) { adam(f, graph, node, true); }
