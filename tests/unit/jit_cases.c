#include "tests/unit/jit_cases.h"

/* ---- values ---- */

static uint32_t pick(jit_maker *m, uint32_t count) { return (uint32_t)jit_random(&m->draws, 0, count); }
static bool rarely(jit_maker *m) { return pick(m, 8) == 0; }

/* A value by the name "PREFIX4x5": the one of that name if there is one. */
static net_value_id value(jit_maker *m, const char *prefix, net_value_kind kind, net_type type,
                          net_shape shape) {
  net_graph *g = m->graph;
  bool batched = kind == NET_VALUE_INPUT || kind == NET_VALUE_TARGET || kind == NET_VALUE_WEIGHT;
  const char *name = net_arena_format(g->arena, "%s%s", prefix, batched ? "" : "_");
  for (uint32_t i = 0; i < shape.rank; i++)
    name = net_arena_format(g->arena, "%s%s%u", name, i ? "x" : "", shape.dim[i]);
  net_value_id v = net_graph_find_value(g, net_intern(g->n, name));
  if (v != NET_NONE) return v;
  v = net_graph_value(g, kind, net_intern(g->n, name), type, shape, batched, NET_NOWHERE);
  g->values.at[v].column = v;
  return v;
}

static net_value_id named(jit_maker *m, const char *op, net_name name, net_value_id x, net_attribute *a,
                          uint32_t count) {
  net_node_id node = net_graph_node(m->graph, op, name, &x, 1, a, count, NET_NOWHERE);
  if (node == NET_NONE) fail_msg("%s is refused: %s", op, jit_message(m->graph->n));
  return net_node_output(m->graph, node, 0);
}

static uint32_t elements(net_shape shape) { return (uint32_t)net_shape_elements(&shape); }

/* Data of a shape. To gather rows takes much code, so that most are parts of one long row. */
static net_value_id data(jit_maker *m, const char *prefix, net_shape shape, bool batched) {
  net_graph *g = m->graph;
  netc *n = g->n;
  uint32_t size = elements(shape);
  if (!batched) return value(m, prefix, NET_VALUE_PARAMETER, NET_F32, shape);
  if (size > m->most) return value(m, prefix, NET_VALUE_INPUT, NET_F32, shape);
  net_value_id row = value(m, prefix, NET_VALUE_INPUT, NET_F32, (net_shape){1, {m->most}});
  const char *text = net_arena_format(g->arena, "%s.part%u", prefix, size);
  net_name part_name = net_intern(n, text);
  net_value_id part = net_graph_find_value(g, part_name);
  uint32_t begin = size * 37 % (m->most - size + 1);
  if (part == NET_NONE)
    part = named(m, "slice", part_name, row,
                 (net_attribute[]){net_attribute_int(n, "axis", 0), net_attribute_int(n, "begin", begin),
                                   net_attribute_int(n, "end", begin + size)},
                 3);
  if (shape.rank == 1) return part;
  for (uint32_t i = 0; i < shape.rank; i++)
    text = net_arena_format(g->arena, "%s%s%u", text, i ? "x" : ".as", shape.dim[i]);
  if (!shape.rank) text = net_arena_format(g->arena, "%s.scalar", text);
  net_name name = net_intern(n, text);
  net_value_id shaped = net_graph_find_value(g, name);
  if (shaped != NET_NONE) return shaped;
  return named(m, "reshape", name, part, (net_attribute[]){net_attribute_ints(n, "shape", shape)}, 1);
}
static net_value_id scalar(jit_maker *m, const char *name) {
  return value(m, name, NET_VALUE_SCALAR, NET_F32, (net_shape){0});
}

/* A variable that nothing else touches. */
static net_value_id own(jit_maker *m, const char *name, net_value_kind kind, net_shape shape) {
  return net_graph_value(m->graph, kind, net_graph_fresh_name(m->graph, name), NET_F32, shape, false,
                         NET_NOWHERE);
}

/* The width on one axis, small extents on the others. */
static net_shape shape_of(jit_maker *m, uint32_t rank) {
  static const uint32_t small[] = {2, 3, 2, 1};
  net_shape shape = {.rank = rank};
  uint32_t at = rank ? pick(m, rank) : 0;
  for (uint32_t i = 0; i < rank; i++) shape.dim[i] = i == at ? m->width : small[pick(m, 4)];
  for (uint32_t i = 0; i < rank; i++)
    if (i != at && elements(shape) > m->most) shape.dim[i] = 1;
  return shape;
}

static net_shape some_shape(jit_maker *m) { return shape_of(m, pick(m, 12) ? 1 + pick(m, 3) : 0); }

static net_shape shape_at(const jit_maker *m, net_value_id v) {
  return net_graph_value_at(m->graph, v)->shape;
}

/* ---- attributes ---- */

typedef struct {
  net_attribute at[7];
  uint32_t count;
} attributes;

#define SET(kind, key, ...) a.at[a.count++] = net_attribute_##kind(m->graph->n, key, __VA_ARGS__)

static net_node_id call(jit_maker *m, const net_op *op, const net_value_id *in, uint32_t count,
                        const attributes *a) {
  net_graph *g = m->graph;
  net_node_id node =
      net_graph_node(g, op->name, net_graph_fresh_name(g, op->name), in, count, a->at, a->count, NET_NOWHERE);
  if (node == NET_NONE) fail_msg("%s is refused: %s", op->name, jit_message(g->n));
  return node;
}

static net_node_id layer(jit_maker *m, const net_op *op, net_value_id x, const attributes *a) {
  net_graph *g = m->graph;
  net_node_id node =
      net_graph_layer(g, op->name, net_graph_fresh_name(g, op->name), &x, 1, a->at, a->count, NET_NOWHERE);
  if (node == NET_NONE) fail_msg("%s is refused: %s", op->name, jit_message(g->n));
  return node;
}

/* ---- families ---- */

static net_node_id make_linear(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_shape shape = shape_of(m, 1 + pick(m, 3));
  shape.dim[shape.rank - 1] = m->width;
  for (uint32_t i = 0; i + 1 < shape.rank; i++)
    if (shape.dim[i] > 5) shape.dim[i] = 2;
  SET(int, "features", m->other);
  SET(bool, "bias", pick(m, 2));
  SET(bool, "wide", pick(m, 4) == 0);
  return layer(m, op, data(m, "x", shape, !rarely(m)), &a);
}

static net_node_id make_batch_norm(jit_maker *m, const net_op *op) {
  attributes a = {0};
  SET(bool, "affine", pick(m, 3));
  bool training = m->training || pick(m, 2);
  SET(bool, "training", training);
  SET(real, "epsilon", pick(m, 2) ? 1e-5 : 0.1);
  if (!training && pick(m, 2)) { /* in training: jit_wide.c */
    SET(text, "weight_format", pick(m, 2) ? "integer(8, 4)" : "minifloat(8, 4)");
    SET(text, "bias_format", pick(m, 2) ? "integer(12, 6)" : "float32");
    SET(real, "x_step", pick(m, 2) ? 0.37 : 0);
    SET(bool, "wide", pick(m, 2));
  }
  return layer(m, op, data(m, "x", shape_of(m, 1 + pick(m, 3)), true), &a);
}

static net_node_id make_layer_norm(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_shape shape = shape_of(m, 1 + pick(m, 3));
  SET(int, "dims", 1 + pick(m, shape.rank));
  SET(bool, "affine", pick(m, 3));
  SET(real, "epsilon", pick(m, 2) ? 1e-5 : 0.1);
  return layer(m, op, data(m, "x", shape, true), &a);
}

static net_node_id make_unary(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_value_id x = data(m, "x", some_shape(m), !rarely(m));
  if (!strcmp(op->name, "leaky_relu")) SET(real, "slope", (const double[]){0.01, 0.3, -0.5}[pick(m, 3)]);
  if (!strcmp(op->name, "gelu")) SET(text, "approximate", pick(m, 2) ? "tanh" : "none");
  if (!strcmp(op->name, "scale")) SET(real, "factor", (const double[]){0.3, -7, 1}[pick(m, 3)]);
  return call(m, op, &x, 1, &a);
}

static net_node_id make_dropout(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_value_id x = data(m, "x", some_shape(m), !rarely(m));
  SET(real, "p", (const double[]){0.5, 0.1, 0, 1}[pick(m, 4)]);
  SET(bool, "training", m->training || pick(m, 2));
  SET(int, "stream", pick(m, 5));
  return call(m, op, &x, 1, &a);
}

/* Operands: any numbers; for clip and log1p those that leave an element alone are among them. */
static net_node_id make_normalize(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_shape shape = some_shape(m);
  net_value_id x = data(m, "x", shape, !rarely(m)), operands[2];
  const char *kind = (const char *const[]){"affine", "clip", "log1p"}[pick(m, 3)];
  for (int i = 0; i < 2; i++) {
    float *elements_of = NET_NEW_ARRAY(m->graph->arena, float, elements(shape));
    for (uint32_t k = 0; k < elements(shape); k++)
      elements_of[k] = *kind == 'l' ? (float)pick(m, 2) : (float)jit_random(&m->draws, -2, 2);
    const float *low = i && *kind == 'c' ? m->graph->values.at[operands[0]].data : NULL;
    for (uint32_t k = 0; low && k < elements(shape); k++) elements_of[k] = fmaxf(elements_of[k], low[k]);
    net_name name = net_graph_fresh_name(m->graph, i ? "factor" : "offset");
    operands[i] = net_graph_value(m->graph, NET_VALUE_CONSTANT, name, NET_F32, shape, false, NET_NOWHERE);
    m->graph->values.at[operands[i]].data = elements_of;
  }
  SET(text, "kind", kind);
  return call(m, op, (net_value_id[]){x, operands[0], operands[1]}, 3, &a);
}

/* Steps are given to formats that take them. Gradients in training are not plain: those need no operator. */
static net_node_id make_quantize(jit_maker *m, const net_op *op) {
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
  attributes a = {0};
  net_shape shape = some_shape(m);
  uint32_t row = pick(m, sizeof formats / sizeof *formats),
           gradient = m->training ? 1 + pick(m, 2) : pick(m, 3);
  if (gradient == 2 && pick(m, 4)) row = 2 + pick(m, 3);
  bool steps = formats[row].steps && (gradient == 2 || strstr(formats[row].format, "auto") || row == 4);
  bool channels = steps && shape.rank && pick(m, 2);
  net_value_id in[] = {data(m, "x", shape, !rarely(m)), NET_NONE};
  if (steps) in[1] = data(m, "positive", channels ? (net_shape){1, {shape.dim[0]}} : (net_shape){0}, false);
  const char *text = formats[row].format, *comma = text[strlen(text) - 1] == '(' ? "" : ", ";
  SET(text, "format", net_arena_format(m->graph->arena, "%s%s%sste = %s)", text, comma,
                                       channels ? "per = channel, " : "", gradients[gradient]));
  SET(bool, "training", m->training || pick(m, 2));
  SET(int, "stream", pick(m, 5));
  return call(m, op, in, 2, &a);
}

/* Bounds are numbers of any kind, one above the other as often as not. */
static net_node_id make_quantize_by(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_shape shape = some_shape(m), operand = {0};
  if (shape.rank && pick(m, 2)) operand = (net_shape){1, {shape.dim[0]}};
  net_value_id in[] = {data(m, "x", shape, !rarely(m)), data(m, "positive", operand, false),
                       data(m, "least", operand, false), data(m, "most", operand, false)};
  SET(text, "rounding", (const char *const[]){"half_even", "half_up", "floor", "zero"}[pick(m, 4)]);
  return call(m, op, in, 4, &a);
}

static net_node_id make_softmax(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_shape shape = shape_of(m, 1 + pick(m, 3));
  net_value_id x = data(m, "x", shape, !rarely(m));
  SET(int, "axis", (int)pick(m, 2 * shape.rank) - (int)shape.rank);
  return call(m, op, &x, 1, &a);
}

/* One of two operands has some axes of extent 1, or fewer axes, or no batch. */
static net_node_id make_binary(jit_maker *m, const net_op *op) {
  net_shape whole = some_shape(m), part = whole;
  uint32_t way = pick(m, 5);
  if (way == 1 && part.rank) part.dim[pick(m, part.rank)] = 1;
  if (way == 2 && part.rank) {
    uint32_t fewer = 1 + pick(m, part.rank);
    for (uint32_t i = fewer; i < part.rank; i++) part.dim[i - fewer] = part.dim[i];
    part.rank -= fewer;
  }
  if (way == 3)
    for (uint32_t i = 0; i < part.rank; i++) part.dim[i] = 1;
  bool first = !rarely(m), second = pick(m, 3);
  net_value_id in[] = {data(m, "x", whole, first), data(m, "a", part, second)};
  if (way == 4) in[1] = in[0];
  if (pick(m, 2)) in[1] ^= in[0], in[0] ^= in[1], in[1] ^= in[0];
  return call(m, op, in, 2, &(attributes){0});
}

static net_node_id make_concat(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_value_id in[3];
  net_shape shape = shape_of(m, 1 + pick(m, 3));
  uint32_t axis = pick(m, shape.rank), count = 1 + pick(m, 3);
  for (uint32_t i = 0; i < count; i++) {
    in[i] = data(m, "x", shape, !i || pick(m, 3));
    shape.dim[axis] = 1 + pick(m, 4);
  }
  SET(int, "axis", axis);
  return call(m, op, in, count, &a);
}

static net_node_id make_reshape(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_shape shape = some_shape(m), to = {2, {elements(shape), 1}};
  for (uint32_t d = 2; d <= 5; d++) /* other axes, of other extents where they divide */
    if (to.dim[0] % d == 0 && pick(m, 2)) to.dim[0] /= d, to.dim[to.rank - 1] *= d;
  if (pick(m, 2)) to.rank = 3, to.dim[2] = to.dim[1], to.dim[1] = 1;
  if (pick(m, 2)) to.dim[0] = UINT32_MAX;
  net_value_id x = data(m, "x", shape, !rarely(m));
  if (!strcmp(op->name, "reshape")) SET(ints, "shape", to);
  return call(m, op, &x, 1, &a);
}

static net_node_id make_slice(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_shape shape = shape_of(m, 1 + pick(m, 3));
  uint32_t axis = pick(m, shape.rank), begin = pick(m, shape.dim[axis]);
  net_value_id x = data(m, "x", shape, !rarely(m));
  SET(int, "axis", axis);
  SET(int, "begin", begin);
  if (!strcmp(op->name, "slice")) SET(int, "end", begin + 1 + pick(m, shape.dim[axis] - begin));
  else SET(int, "size", begin + shape.dim[axis] + pick(m, 3));
  return call(m, op, &x, 1, &a);
}

static net_node_id make_reduction(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_shape shape = some_shape(m), axes = {0};
  for (uint32_t i = 0; i < shape.rank; i++)
    if (pick(m, 2)) axes.dim[axes.rank++] = i;
  net_value_id x = data(m, "x", shape, !rarely(m));
  SET(ints, "axes", axes);
  SET(bool, "keep", pick(m, 2));
  return call(m, op, &x, 1, &a);
}

/* reduce_to: some axes to 1 or away, the batch too; expand: back. */
static net_node_id make_reduce_to(jit_maker *m, const net_op *op) {
  attributes a = {0};
  bool expand = !strcmp(op->name, "expand"), batched = !rarely(m), kept = batched && pick(m, 2);
  net_shape whole = some_shape(m), part = {0};
  for (uint32_t i = pick(m, whole.rank + 1); i < whole.rank; i++)
    part.dim[part.rank++] = pick(m, 2) ? whole.dim[i] : 1;
  net_value_id x = data(m, "x", expand ? part : whole, expand ? kept : batched);
  SET(ints, "shape", expand ? whole : part);
  SET(bool, "batched", expand ? batched : kept);
  return call(m, op, &x, 1, &a);
}

static net_node_id make_classes(jit_maker *m, const net_op *op) {
  attributes a = {0};
  netc *n = m->graph->n;
  net_shape classes = {1, {m->width}};
  net_value_id in[] = {data(m, "x", classes, true),
                       value(m, net_text(n, net_intern_format(n, "label%u_", m->width)), NET_VALUE_TARGET,
                             NET_U32, (net_shape){0}),
                       NET_NONE, NET_NONE};
  if (!strcmp(op->name, "correct")) return call(m, op, in, 2, &a);
  if (pick(m, 2)) {
    in[2] = value(m, "class_weight", NET_VALUE_CONSTANT, NET_F32, classes);
    float *weights = NET_NEW_ARRAY(m->graph->arena, float, m->width);
    for (uint32_t i = 0; i < m->width; i++) weights[i] = (float)jit_random(&m->draws, 0.25, 3);
    if (!m->graph->values.at[in[2]].data) m->graph->values.at[in[2]].data = weights;
  }
  if (pick(m, 2)) in[3] = value(m, "sample_weight", NET_VALUE_WEIGHT, NET_F32, (net_shape){0});
  SET(real, "label_smoothing", pick(m, 2) ? 0 : 0.2);
  return call(m, op, in, 4, &a);
}

static net_node_id make_regression(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_shape shape = some_shape(m);
  net_value_id in[] = {data(m, "x", shape, true), value(m, "t", NET_VALUE_TARGET, NET_F32, shape), NET_NONE};
  if (pick(m, 2)) in[2] = value(m, "sample_weight", NET_VALUE_WEIGHT, NET_F32, (net_shape){0});
  if (!strcmp(op->name, "huber")) SET(real, "delta", pick(m, 2) ? 1 : 0.3);
  return call(m, op, in, 3, &a);
}

static net_node_id make_sum_squares(jit_maker *m, const net_op *op) {
  net_value_id x = data(m, "x", some_shape(m), false);
  return call(m, op, &x, 1, &(attributes){0});
}

static net_node_id make_clip_factor(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_value_id x = data(m, "positive", (net_shape){0}, false);
  SET(real, "max", (const double[]){0.1, 1, 50}[pick(m, 3)]);
  return call(m, op, &x, 1, &a);
}

static net_node_id make_fold(jit_maker *m, const net_op *op) {
  attributes a = {0};
  bool weight = !strcmp(op->name, "fold_weight");
  net_shape shape = weight ? shape_of(m, 1 + pick(m, 3)) : (net_shape){1, {m->width}};
  net_shape channels = {1, {shape.dim[0]}};
  net_value_id none = NET_NONE, x = weight || pick(m, 3) ? data(m, "x", shape, false) : none;
  net_value_id scale = pick(m, 3) ? data(m, "scale", channels, false) : none;
  net_value_id variance = own(m, "running_var", NET_VALUE_STATISTIC, channels);
  SET(real, "epsilon", pick(m, 2) ? 1e-5 : 0.1);
  if (weight) return call(m, op, (net_value_id[]){x, scale, variance}, 3, &a);
  net_value_id shift = pick(m, 3) ? data(m, "shift", channels, false) : none;
  net_value_id mean = own(m, "running_mean", NET_VALUE_STATISTIC, channels);
  return call(m, op, (net_value_id[]){x, scale, shift, mean, variance}, 5, &a);
}

static net_node_id make_running_update(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_shape shape = {1, {m->width}};
  net_value_id in[] = {own(m, "running", NET_VALUE_STATISTIC, shape), data(m, "x", shape, false)};
  SET(real, "momentum", pick(m, 2) ? 0.1 : 0.7);
  return call(m, op, in, 2, &a);
}

static net_node_id make_update(jit_maker *m, const net_op *op) {
  attributes a = {0};
  net_shape shape = some_shape(m);
  bool sgd = !strcmp(op->name, "sgd"), momentum = pick(m, 3);
  net_value_id none = NET_NONE, clip = pick(m, 2) ? data(m, "positive", (net_shape){0}, false) : none;
  net_value_id parameter = own(m, "parameter", NET_VALUE_PARAMETER, shape),
               gradient = data(m, "x", shape, false);
  SET(real, "weight_decay", pick(m, 2) ? 0 : 0.1);
  if (sgd) {
    SET(real, "momentum", momentum ? 0.9 : 0);
    SET(bool, "nesterov", momentum &&pick(m, 2));
    if (momentum && !a.at[a.count - 1].integer) SET(real, "dampening", pick(m, 2) ? 0 : 0.2);
    net_value_id velocity = momentum ? own(m, "velocity", NET_VALUE_STATE, shape) : none;
    return call(m, op, (net_value_id[]){parameter, gradient, scalar(m, "rate"), velocity, clip}, 5, &a);
  }
  SET(real, "beta1", pick(m, 2) ? 0.9 : 0.5);
  net_value_id in[] = {parameter,
                       gradient,
                       scalar(m, "rate"),
                       scalar(m, "correction1"),
                       scalar(m, "correction2"),
                       own(m, "exp_avg", NET_VALUE_STATE, shape),
                       own(m, "exp_avg_sq", NET_VALUE_STATE, shape),
                       clip};
  return call(m, op, in, 8, &a);
}

static net_node_id make_codes(jit_maker *m, const net_op *op) {
  net_shape shape = shape_of(m, 1 + pick(m, 3));
  if (strstr(op->name, "linear"))
    for (uint32_t i = 0; i < shape.rank; i++) shape.dim[i] = i + 1 == shape.rank ? m->width : 1 + pick(m, 2);
  return jit_make_codes(m, op->name, data(m, "x", shape, true));
}

/* A batch-norm that has become a factor and a shift. */
static net_node_id make_affine(jit_maker *m, const net_op *op) {
  net_shape shape = shape_of(m, 1 + pick(m, 3));
  net_value_id in[3] = {data(m, "x", shape, !rarely(m))};
  for (int i = 1; i < 3; i++) {
    in[i] = net_graph_value(m->graph, NET_VALUE_CONSTANT, net_graph_fresh_name(m->graph, i > 1 ? "shift" : "factor"),
                            NET_F32, (net_shape){1, {shape.dim[0]}}, false, NET_NOWHERE);
    float *numbers = NET_NEW_ARRAY(m->graph->arena, float, shape.dim[0]);
    for (uint32_t c = 0; c < shape.dim[0]; c++) numbers[c] = (float)jit_random(&m->draws, -2, 2);
    m->graph->values.at[in[i]].data = numbers;
  }
  return call(m, op, in, 3, &(attributes){0});
}

/* A row for each operator that is no gradient of another. */
static const struct {
  const char *op;
  net_node_id (*make)(jit_maker *m, const net_op *op);
} cases[] = {
    {"linear", make_linear},
    {"batch_norm", make_batch_norm},
    {"layer_norm", make_layer_norm},
    {"relu", make_unary},
    {"leaky_relu", make_unary},
    {"sigmoid", make_unary},
    {"tanh", make_unary},
    {"gelu", make_unary},
    {"silu", make_unary},
    {"softmax", make_softmax},
    {"log_softmax", make_softmax},
    {"dropout", make_dropout},
    {"quantize", make_quantize},
    {"quantize_by", make_quantize_by},
    {"normalize", make_normalize},
    {"affine", make_affine},
    {"integer_quantize", make_codes},
    {"integer_linear", make_codes},
    {"integer_affine", make_codes},
    {"integer_rescale", make_codes},
    {"integer_add", make_codes},
    {"integer_mul", make_codes},
    {"integer_relu", make_codes},
    {"integer_value", make_codes},
    {"fold_weight", make_fold},
    {"fold_bias", make_fold},
    {"add", make_binary},
    {"sub", make_binary},
    {"mul", make_binary},
    {"concat", make_concat},
    {"reshape", make_reshape},
    {"flatten", make_reshape},
    {"sum", make_reduction},
    {"mean", make_reduction},
    {"max", make_reduction},
    {"cross_entropy", make_classes},
    {"mse", make_regression},
    {"mae", make_regression},
    {"huber", make_regression},
    {"bce_with_logits", make_regression},
    {"correct", make_classes},
    {"reduce_to", make_reduce_to},
    {"expand", make_reduce_to},
    {"slice", make_slice},
    {"pad_slice", make_slice},
    {"negate", make_unary},
    {"scale", make_unary},
    {"sum_squares", make_sum_squares},
    {"clip_factor", make_clip_factor},
    {"running_update", make_running_update},
    {"sgd", make_update},
    {"adam", make_update},
    {"adamw", make_update},
};
enum { CASES = sizeof cases / sizeof *cases };

static uint32_t find(const char *op) {
  uint32_t i = 0;
  while (i < CASES && strcmp(cases[i].op, op)) i++;
  return i;
}

bool jit_has_case(const char *op) { return find(op) < CASES; }

/* ---- gradients ---- */

static void make_gradient(jit_maker *m, const net_op *op, net_node_id node) {
  net_graph *g = m->graph;
  const net_op_field *fields;
  uint32_t inputs = net_graph_at(g, node)->input_count, outputs = net_graph_at(g, node)->output_count;
  uint32_t declared = net_op_inputs(g->n, op, &fields);
  net_value_id *dx = NET_NEW_ARRAY(g->arena, net_value_id, inputs),
               *dy = NET_NEW_ARRAY(g->arena, net_value_id, outputs);
  bool *wanted = NET_NEW_ARRAY(g->arena, bool, inputs);
  for (uint32_t i = 0; i < outputs; i++) dy[i] = NET_NONE;
  for (uint32_t i = 0; i < inputs; i++) {
    net_value_id x = net_node_input(g, node, i);
    const char *kind = fields[i < declared ? i : declared - 1].kind;
    dx[i] = NET_NONE;
    wanted[i] = x != NET_NONE && (!strcmp(kind, "data") || !strcmp(kind, "parameter"));
  }
  net_value_id y = net_node_output(g, node, 0);
  if (op->class != OP_LOSS) dy[0] = data(m, "dy", shape_at(m, y), net_graph_value_at(g, y)->batched);
  net_gradient gradient = {g, node, dy, dx, wanted, op->class == OP_LOSS ? 0.7 : 1};
  if (!op->gradient(&gradient)) fail_msg("%s: no gradient: %s", op->name, jit_message(g->n));
}

void jit_make(jit_maker *m, const net_op *op) {
  net_node_id node = cases[find(op->name)].make(m, op);
  const net_node *at = net_graph_at(m->graph, node);
  bool inference = false; /* whose statistics are no function of x */
  for (uint32_t i = 0; i < at->attribute_count; i++) {
    const net_attribute *a = &m->graph->attributes.at[at->first_attribute + i];
    inference |= !strcmp(net_text(m->graph->n, a->key), "training") && !a->integer;
  }
  if (op->gradient && !inference) make_gradient(m, op, node);
}
