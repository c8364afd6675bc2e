/* Calls of losses, of what is made of gradients, and of updates. */
#include "tests/unit/jit_makers.h"

net_node_id jit_make_classes(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  netc *n = m->graph->n;
  net_shape classes = {1, {m->width}};
  net_value_id in[] = {jit_data(m, "x", classes, true),
                       jit_value(m, net_text(n, net_intern_format(n, "label%u_", m->width)), NET_VALUE_TARGET,
                                 NET_U32, (net_shape){0}),
                       NET_NONE, NET_NONE};
  if (!strcmp(op->name, "correct")) return jit_make_call(m, op, in, 2, &a);
  if (jit_pick(m, 2)) {
    in[2] = jit_value(m, "class_weight", NET_VALUE_CONSTANT, NET_F32, classes);
    float *weights = NET_NEW_ARRAY(m->graph->arena, float, m->width);
    for (uint32_t i = 0; i < m->width; i++) weights[i] = (float)jit_random(&m->draws, 0.25, 3);
    if (!m->graph->values.at[in[2]].data) m->graph->values.at[in[2]].data = weights;
  }
  if (jit_pick(m, 2)) in[3] = jit_value(m, "sample_weight", NET_VALUE_WEIGHT, NET_F32, (net_shape){0});
  JIT_SET(real, "label_smoothing", jit_pick(m, 2) ? 0 : 0.2);
  return jit_make_call(m, op, in, 4, &a);
}

net_node_id jit_make_regression(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_shape shape = jit_some_shape(m);
  net_value_id in[] = {jit_data(m, "x", shape, true), jit_value(m, "t", NET_VALUE_TARGET, NET_F32, shape),
                       NET_NONE};
  if (jit_pick(m, 2)) in[2] = jit_value(m, "sample_weight", NET_VALUE_WEIGHT, NET_F32, (net_shape){0});
  if (!strcmp(op->name, "huber")) JIT_SET(real, "delta", jit_pick(m, 2) ? 1 : 0.3);
  return jit_make_call(m, op, in, 3, &a);
}

net_node_id jit_make_sum_squares(jit_maker *m, const net_op *op) {
  net_value_id x = jit_data(m, "x", jit_some_shape(m), false);
  return jit_make_call(m, op, &x, 1, &(jit_attributes){0});
}

net_node_id jit_make_clip_factor(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_value_id x = jit_data(m, "positive", (net_shape){0}, false);
  JIT_SET(real, "max", (const double[]){0.1, 1, 50}[jit_pick(m, 3)]);
  return jit_make_call(m, op, &x, 1, &a);
}

net_node_id jit_make_running_update(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_shape shape = {1, {m->width}};
  net_value_id in[] = {jit_own(m, "running", NET_VALUE_STATISTIC, shape), jit_data(m, "x", shape, false)};
  JIT_SET(real, "momentum", jit_pick(m, 2) ? 0.1 : 0.7);
  return jit_make_call(m, op, in, 2, &a);
}

net_node_id jit_make_update(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_shape shape = jit_some_shape(m);
  bool sgd = !strcmp(op->name, "sgd"), momentum = jit_pick(m, 3);
  net_value_id none = NET_NONE, clip = jit_pick(m, 2) ? jit_data(m, "positive", (net_shape){0}, false) : none;
  net_value_id parameter = jit_own(m, "parameter", NET_VALUE_PARAMETER, shape),
               gradient = jit_data(m, "x", shape, false);
  JIT_SET(real, "weight_decay", jit_pick(m, 2) ? 0 : 0.1);
  if (sgd) {
    JIT_SET(real, "momentum", momentum ? 0.9 : 0);
    JIT_SET(bool, "nesterov", momentum &&jit_pick(m, 2));
    if (momentum && !a.at[a.count - 1].integer) JIT_SET(real, "dampening", jit_pick(m, 2) ? 0 : 0.2);
    net_value_id velocity = momentum ? jit_own(m, "velocity", NET_VALUE_STATE, shape) : none;
    return jit_make_call(m, op, (net_value_id[]){parameter, gradient, jit_scalar(m, "rate"), velocity, clip},
                         5, &a);
  }
  JIT_SET(real, "beta1", jit_pick(m, 2) ? 0.9 : 0.5);
  net_value_id in[] = {parameter,
                       gradient,
                       jit_scalar(m, "rate"),
                       jit_scalar(m, "correction1"),
                       jit_scalar(m, "correction2"),
                       jit_own(m, "exp_avg", NET_VALUE_STATE, shape),
                       jit_own(m, "exp_avg_sq", NET_VALUE_STATE, shape),
                       clip};
  return jit_make_call(m, op, in, 8, &a);
}
