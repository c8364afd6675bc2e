/* A small table of operators of their own for tests of what does not depend on the real ones. */
#ifndef NETC_TESTS_TINY_OPS_H
#define NETC_TESTS_TINY_OPS_H

#include "formats/formats.h"
#include "graph/operator.h"

static inline net_value *tiny_output(net_graph *graph, net_node_id node, uint32_t index) {
  return &graph->values.at[net_node_output(graph, node, index)];
}

/* the last axis becomes `features`; refuses a weight of another shape */
static inline bool tiny_dense_shape(netc *n, net_graph *graph, net_node_id node) {
  const net_value *x = net_graph_value_at(graph, net_node_input(graph, node, 0));
  const net_value *weight = net_graph_value_at(graph, net_node_input(graph, node, 1));
  net_value *y = tiny_output(graph, node, 0);
  uint32_t features = (uint32_t)net_node_int(graph, node, "features");
  if (x->shape.rank != 1 || weight->shape.rank != 2 || weight->shape.dim[0] != features ||
      weight->shape.dim[1] != x->shape.dim[0])
    return net_error(n, net_graph_at(graph, node)->loc, "shapes do not fit"), false;
  y->shape = (net_shape){1, {features}};
  y->batched = x->batched;
  return true;
}

static inline bool tiny_dense_parameter(netc *n, const net_graph *graph, const net_value_id *inputs,
                                        const net_attribute *attributes, uint32_t attribute_count,
                                        uint32_t input, net_loc loc, net_shape *shape, net_init *init) {
  (void)n, (void)attribute_count, (void)loc;
  uint32_t out = (uint32_t)attributes[0].integer, in = net_graph_value_at(graph, inputs[0])->shape.dim[0];
  *shape = input == 1 ? (net_shape){2, {out, in}} : (net_shape){1, {out}};
  if (input == 2 && !attributes[1].integer) shape->rank = NET_ABSENT;
  *init = (net_init){NET_INIT_UNIFORM, 0.5};
  return true;
}

/* y[o] = bias[o] + Σ weight[o, i] x[i] */
static inline void tiny_dense_interpret(const net_interpretation *call) {
  const net_value *weight = net_graph_value_at(call->graph, net_node_input(call->graph, call->node, 1));
  uint32_t out = weight->shape.dim[0], in = weight->shape.dim[1];
  for (uint32_t s = 0; s < call->count; s++)
    for (uint32_t o = 0; o < out; o++) {
      double sum = call->inputs[2] ? call->inputs[2][o] : 0;
      for (uint32_t i = 0; i < in; i++) sum += call->inputs[1][o * in + i] * call->inputs[0][s * in + i];
      call->outputs[0][s * out + o] = sum;
    }
}

static inline bool tiny_norm_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  const net_value *x = net_graph_value_at(graph, net_node_input(graph, node, 0));
  net_value *y = tiny_output(graph, node, 0), *mean = tiny_output(graph, node, 1);
  y->shape = mean->shape = x->shape;
  y->batched = x->batched;
  return true;
}

/* y = x − mean over the batch */
static inline void tiny_norm_interpret(const net_interpretation *call) {
  const net_value *x = net_graph_value_at(call->graph, net_node_input(call->graph, call->node, 0));
  uint64_t elements = net_shape_elements(&x->shape);
  for (uint64_t e = 0; e < elements; e++) {
    double sum = 0;
    for (uint32_t s = 0; s < call->count; s++) sum += call->inputs[0][s * elements + e];
    call->outputs[1][e] = sum / call->count;
    for (uint32_t s = 0; s < call->count; s++)
      call->outputs[0][s * elements + e] = call->inputs[0][s * elements + e] - sum / call->count;
  }
  call->outputs[2][0] = call->step + 10.0 * call->key[0] + 100.0 * call->key[1];
}

static inline bool tiny_join_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  uint32_t features = 0;
  for (uint32_t i = 0; i < net_graph_at(graph, node)->input_count; i++) {
    const net_value *x = net_graph_value_at(graph, net_node_input(graph, node, i));
    features += x->shape.rank ? x->shape.dim[0] : 1;
  }
  tiny_output(graph, node, 0)->shape = (net_shape){1, {features}};
  tiny_output(graph, node, 0)->batched = true;
  return true;
}

static inline bool tiny_step_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  for (uint32_t k = 0; k < 2; k++) {
    net_value_id of = net_node_alias(graph, node, k);
    if (of != NET_NONE) tiny_output(graph, node, k)->shape = net_graph_value_at(graph, of)->shape;
  }
  return true;
}

/* new = parameter − rate · gradient */
static inline void tiny_step_interpret(const net_interpretation *call) {
  const net_value *p = net_graph_value_at(call->graph, net_node_input(call->graph, call->node, 0));
  for (uint64_t e = 0; e < net_shape_elements(&p->shape); e++)
    call->outputs[0][e] = call->inputs[0][e] - call->inputs[2][0] * call->inputs[1][e];
}

static inline bool tiny_loss_shape(netc *n, net_graph *graph, net_node_id node) {
  return (void)n, (void)graph, (void)node, true;
}

/* Σ over samples of x[target] */
static inline void tiny_loss_interpret(const net_interpretation *call) {
  const net_value *x = net_graph_value_at(call->graph, net_node_input(call->graph, call->node, 0));
  call->outputs[0][0] = 0;
  for (uint32_t s = 0; s < call->count; s++)
    call->outputs[0][0] += call->inputs[0][s * x->shape.dim[0] + (uint32_t)call->inputs[1][s]];
  call->outputs[1][0] = call->count;
}

static const net_op tiny_ops[] = {
    {.name = "dense",
     .class = OP_CONTRACTION,
     .inputs = "x, weight: parameter, bias: parameter?",
     .outputs = "y",
     .attributes = "features: int, bias: bool = true",
     .shape = tiny_dense_shape,
     .parameter = tiny_dense_parameter,
     .interpret = tiny_dense_interpret},
    {.name = "norm",
     .class = OP_REDUCTION,
     .inputs = "x, running: statistic?",
     .outputs = "y, mean: observes running, spread",
     .attributes = "momentum: real = 0.1, training: bool = false, mode: text = plain, axes: ints = [0, -1]",
     .shape = tiny_norm_shape,
     .interpret = tiny_norm_interpret},
    {.name = "join",
     .class = OP_MOVEMENT,
     .inputs = "xs...",
     .outputs = "y",
     .attributes = "axis: int = 0",
     .shape = tiny_join_shape},
    {.name = "step",
     .class = OP_UPDATE,
     .inputs = "parameter: parameter, gradient, rate: scalar, velocity: state?",
     .outputs = "new: alias parameter, new_velocity: alias velocity",
     .attributes = "",
     .shape = tiny_step_shape,
     .interpret = tiny_step_interpret},
    {.name = "loss",
     .class = OP_LOSS,
     .inputs = "x, target: target, class_weight: constant?, sample_weight: weight?",
     .outputs = "loss, weight_sum",
     .attributes = "",
     .shape = tiny_loss_shape,
     .interpret = tiny_loss_interpret},
};

static inline void tiny_init(netc *n) {
  netc_init(n, NULL);
  net_formats_install(n);
  n->ops = tiny_ops;
  n->op_count = sizeof tiny_ops / sizeof *tiny_ops;
}

/* The last diagnostic's message, for comparing; "" if there is none. */
static inline const char *tiny_message(const netc *n) {
  uint32_t count = n->diagnostics.list.count;
  return count ? n->diagnostics.list.at[count - 1].message : "";
}

/* Every kind of value, optional inputs there and not, several outputs. */
static const char tiny_text[] =
    "graph tiny\n"
    "  input x: f32[b, 3]\n"
    "  parameter d.weight: f32[2, 3] = uniform(0.5) group 1\n"
    "  parameter d.bias: f32[2] = 0.25 frozen\n"
    "  d: f32[b, 2] = dense(x, d.weight, d.bias) {features = 2, bias = true}\n"
    "  statistic n.running: f32[2] = 0\n"
    "  n: f32[b, 2], mean: f32[2], spread: f32 = norm(d, n.running) {momentum = 0.1, training = true, "
    "mode = plain, axes = [0, -1]}\n"
    "  m: f32[b, 2], mean: f32[2], spread: f32 = norm(n, _) {momentum = 0.1, training = false, mode = plain, "
    "axes = []}\n"
    "  j: f32[b, 7] = join(x, n, m) {axis = 0}\n"
    "  target labels: u32[b]\n"
    "  weight w: f32[b]\n"
    "  constant c: f32[7] = [1, 0.5, -2, 0.1, 4, 5, 6]\n"
    "  l: f32, weight_sum: f32 = loss(j, labels, c, w)\n"
    "  scalar rate: f32 = rate(1)\n"
    "  state d.weight.velocity: f32[2, 3] = normal(0.125)\n"
    "  constant g: f32[2, 3] = [1, 2, 3, 4, 5, 6]\n"
    "  u: f32[2, 3], new_velocity: f32[2, 3] = step(d.weight, g, rate, d.weight.velocity)\n"
    "  output j, n\n"
    "  losses l, l.weight_sum\n"
    "  observed j\n";

#endif
