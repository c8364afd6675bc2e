/* Calls of layers, activations and quantisers. */
#include "tests/unit/jit_makers.h"

net_node_id jit_make_linear(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_shape shape = jit_shape_of(m, 1 + jit_pick(m, 3));
  shape.dim[shape.rank - 1] = m->width;
  for (uint32_t i = 0; i + 1 < shape.rank; i++)
    if (shape.dim[i] > 5) shape.dim[i] = 2;
  JIT_SET(int, "features", m->other);
  JIT_SET(bool, "bias", jit_pick(m, 2));
  JIT_SET(bool, "wide", jit_pick(m, 4) == 0);
  return jit_make_layer(m, op, jit_data(m, "x", shape, !jit_rarely(m)), &a);
}

net_node_id jit_make_batch_norm(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  JIT_SET(bool, "affine", jit_pick(m, 3));
  bool training = m->training || jit_pick(m, 2);
  JIT_SET(bool, "training", training);
  JIT_SET(real, "epsilon", jit_pick(m, 2) ? 1e-5 : 0.1);
  if (!training && jit_pick(m, 2)) { /* in training: jit_wide.c */
    JIT_SET(text, "weight_format", jit_pick(m, 2) ? "integer(8, 4)" : "minifloat(8, 4)");
    JIT_SET(text, "bias_format", jit_pick(m, 2) ? "integer(12, 6)" : "float32");
    JIT_SET(real, "x_step", jit_pick(m, 2) ? 0.37 : 0);
    JIT_SET(bool, "wide", jit_pick(m, 2));
  }
  return jit_make_layer(m, op, jit_data(m, "x", jit_shape_of(m, 1 + jit_pick(m, 3)), true), &a);
}

net_node_id jit_make_layer_norm(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_shape shape = jit_shape_of(m, 1 + jit_pick(m, 3));
  JIT_SET(int, "dims", 1 + jit_pick(m, shape.rank));
  JIT_SET(bool, "affine", jit_pick(m, 3));
  JIT_SET(real, "epsilon", jit_pick(m, 2) ? 1e-5 : 0.1);
  return jit_make_layer(m, op, jit_data(m, "x", shape, true), &a);
}

net_node_id jit_make_unary(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_value_id x = jit_data(m, "x", jit_some_shape(m), !jit_rarely(m));
  if (!strcmp(op->name, "leaky_relu"))
    JIT_SET(real, "slope", (const double[]){0.01, 0.3, -0.5}[jit_pick(m, 3)]);
  if (!strcmp(op->name, "gelu")) JIT_SET(text, "approximate", jit_pick(m, 2) ? "tanh" : "none");
  if (!strcmp(op->name, "scale")) JIT_SET(real, "factor", (const double[]){0.3, -7, 1}[jit_pick(m, 3)]);
  return jit_make_call(m, op, &x, 1, &a);
}

net_node_id jit_make_dropout(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_value_id x = jit_data(m, "x", jit_some_shape(m), !jit_rarely(m));
  JIT_SET(real, "p", (const double[]){0.5, 0.1, 0, 1}[jit_pick(m, 4)]);
  JIT_SET(bool, "training", m->training || jit_pick(m, 2));
  JIT_SET(int, "stream", jit_pick(m, 5));
  return jit_make_call(m, op, &x, 1, &a);
}

/* Operands: any numbers; for clip and log1p those that leave an element alone are among them. */
net_node_id jit_make_normalize(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_shape shape = jit_some_shape(m);
  net_value_id x = jit_data(m, "x", shape, !jit_rarely(m)), operands[2];
  const char *kind = (const char *const[]){"affine", "clip", "log1p"}[jit_pick(m, 3)];
  for (int i = 0; i < 2; i++) {
    float *elements_of = NET_NEW_ARRAY(m->graph->arena, float, jit_elements(shape));
    for (uint32_t k = 0; k < jit_elements(shape); k++)
      elements_of[k] = *kind == 'l' ? (float)jit_pick(m, 2) : (float)jit_random(&m->draws, -2, 2);
    const float *low = i && *kind == 'c' ? m->graph->values.at[operands[0]].data : NULL;
    for (uint32_t k = 0; low && k < jit_elements(shape); k++) elements_of[k] = fmaxf(elements_of[k], low[k]);
    net_name name = net_graph_fresh_name(m->graph, i ? "factor" : "offset");
    operands[i] = net_graph_value(m->graph, NET_VALUE_CONSTANT, name, NET_F32, shape, false, NET_NOWHERE);
    m->graph->values.at[operands[i]].data = elements_of;
  }
  JIT_SET(text, "kind", kind);
  return jit_make_call(m, op, (net_value_id[]){x, operands[0], operands[1]}, 3, &a);
}

/* Steps are given to formats that take them. Gradients in training are not plain: those need no operator. */
net_node_id jit_make_quantize(jit_maker *m, const net_op *op) {
  static const struct {
    const char *format;
    bool steps;
  } formats[] = {
      {"integer(8, 4", false},
      {"integer(5, 2, rounding = floor, overflow = wrap", false},
      {"integer(4, 2, unsigned = true", true},
      {"integer(3, auto, rounding = half_up", true},
      {"scaled_integer(4", true},
      {"scaled_integer(3, mase_compatible = true", false},
      {"bfloat16(", false},
      {"float16(", false},
      {"minifloat(6, 3", false},
      {"minifloat_denorm(6, 3, mase_compatible = true", false},
      {"log(4", false},
      {"block_fp(6, 4, block = [2, 4]", false},
      {"block_minifloat(6, 3, 3, block = 5", false},
      {"block_log(4, 4, block = 4, mase_compatible = true", false},
      {"mxint(5, block = 8", false},
      {"mxfp8_e4m3(block = 8", false},
      {"mxint8(", false},
      {"binary(stochastic = true", false},
      {"ternary(scaled = true", false},
  };
  static const char *const gradients[] = {"plain", "clipped", "learned_step"};
  jit_attributes a = {0};
  net_shape shape = jit_some_shape(m);
  uint32_t row = jit_pick(m, sizeof formats / sizeof *formats),
           gradient = m->training ? 1 + jit_pick(m, 2) : jit_pick(m, 3);
  if (gradient == 2 && jit_pick(m, 4)) row = 2 + jit_pick(m, 3);
  bool steps = formats[row].steps && (gradient == 2 || strstr(formats[row].format, "auto") || row == 4);
  bool channels = steps && shape.rank && jit_pick(m, 2);
  net_value_id in[] = {jit_data(m, "x", shape, !jit_rarely(m)), NET_NONE};
  if (steps)
    in[1] = jit_data(m, "positive", channels ? (net_shape){1, {shape.dim[0]}} : (net_shape){0}, false);
  const char *text = formats[row].format, *comma = text[strlen(text) - 1] == '(' ? "" : ", ";
  JIT_SET(text, "format",
          net_arena_format(m->graph->arena, "%s%s%sste = %s)", text, comma, channels ? "per = channel, " : "",
                           gradients[gradient]));
  JIT_SET(bool, "training", m->training || jit_pick(m, 2));
  JIT_SET(int, "stream", jit_pick(m, 5));
  return jit_make_call(m, op, in, 2, &a);
}

/* Bounds are numbers of any kind, one above the other as often as not. */
net_node_id jit_make_quantize_by(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_shape shape = jit_some_shape(m), operand = {0};
  if (shape.rank && jit_pick(m, 2)) operand = (net_shape){1, {shape.dim[0]}};
  net_value_id in[] = {jit_data(m, "x", shape, !jit_rarely(m)), jit_data(m, "positive", operand, false),
                       jit_data(m, "least", operand, false), jit_data(m, "most", operand, false)};
  JIT_SET(text, "rounding", (const char *const[]){"half_even", "half_up", "floor", "zero"}[jit_pick(m, 4)]);
  return jit_make_call(m, op, in, 4, &a);
}

net_node_id jit_make_softmax(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_shape shape = jit_shape_of(m, 1 + jit_pick(m, 3));
  net_value_id x = jit_data(m, "x", shape, !jit_rarely(m));
  JIT_SET(int, "axis", (int)jit_pick(m, 2 * shape.rank) - (int)shape.rank);
  return jit_make_call(m, op, &x, 1, &a);
}

net_node_id jit_make_fold(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  bool weight = !strcmp(op->name, "fold_weight");
  net_shape shape = weight ? jit_shape_of(m, 1 + jit_pick(m, 3)) : (net_shape){1, {m->width}};
  net_shape channels = {1, {shape.dim[0]}};
  net_value_id none = NET_NONE, x = weight || jit_pick(m, 3) ? jit_data(m, "x", shape, false) : none;
  net_value_id scale = jit_pick(m, 3) ? jit_data(m, "scale", channels, false) : none;
  net_value_id variance = jit_own(m, "running_var", NET_VALUE_STATISTIC, channels);
  JIT_SET(real, "epsilon", jit_pick(m, 2) ? 1e-5 : 0.1);
  if (weight) return jit_make_call(m, op, (net_value_id[]){x, scale, variance}, 3, &a);
  net_value_id shift = jit_pick(m, 3) ? jit_data(m, "shift", channels, false) : none;
  net_value_id mean = jit_own(m, "running_mean", NET_VALUE_STATISTIC, channels);
  return jit_make_call(m, op, (net_value_id[]){x, scale, shift, mean, variance}, 5, &a);
}

/* A batch-norm that has become a factor and a shift. */
net_node_id jit_make_affine(jit_maker *m, const net_op *op) {
  net_shape shape = jit_shape_of(m, 1 + jit_pick(m, 3));
  net_value_id in[3] = {jit_data(m, "x", shape, !jit_rarely(m))};
  for (int i = 1; i < 3; i++) {
    in[i] = net_graph_value(m->graph, NET_VALUE_CONSTANT,
                            net_graph_fresh_name(m->graph, i > 1 ? "shift" : "factor"), NET_F32,
                            (net_shape){1, {shape.dim[0]}}, false, NET_NOWHERE);
    float *numbers = NET_NEW_ARRAY(m->graph->arena, float, shape.dim[0]);
    for (uint32_t c = 0; c < shape.dim[0]; c++) numbers[c] = (float)jit_random(&m->draws, -2, 2);
    m->graph->values.at[in[i]].data = numbers;
  }
  return jit_make_call(m, op, in, 3, &(jit_attributes){0});
}
