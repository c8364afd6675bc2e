#include "tests/unit/jit_makers.h"

/* ---- families ---- */

/* One of two operands has some axes of extent 1, or fewer axes, or no batch. */
static net_node_id make_binary(jit_maker *m, const net_op *op) {
  net_shape whole = jit_some_shape(m), part = whole;
  uint32_t way = jit_pick(m, 5);
  if (way == 1 && part.rank) part.dim[jit_pick(m, part.rank)] = 1;
  if (way == 2 && part.rank) {
    uint32_t fewer = 1 + jit_pick(m, part.rank);
    for (uint32_t i = fewer; i < part.rank; i++) part.dim[i - fewer] = part.dim[i];
    part.rank -= fewer;
  }
  if (way == 3)
    for (uint32_t i = 0; i < part.rank; i++) part.dim[i] = 1;
  bool first = !jit_rarely(m), second = jit_pick(m, 3);
  net_value_id in[] = {jit_data(m, "x", whole, first), jit_data(m, "a", part, second)};
  if (way == 4) in[1] = in[0];
  if (jit_pick(m, 2)) in[1] ^= in[0], in[0] ^= in[1], in[1] ^= in[0];
  return jit_make_call(m, op, in, 2, &(jit_attributes){0});
}

static net_node_id make_concat(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_value_id in[3];
  net_shape shape = jit_shape_of(m, 1 + jit_pick(m, 3));
  uint32_t axis = jit_pick(m, shape.rank), count = 1 + jit_pick(m, 3);
  for (uint32_t i = 0; i < count; i++) {
    in[i] = jit_data(m, "x", shape, !i || jit_pick(m, 3));
    shape.dim[axis] = 1 + jit_pick(m, 4);
  }
  JIT_SET(int, "axis", axis);
  return jit_make_call(m, op, in, count, &a);
}

static net_node_id make_reshape(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_shape shape = jit_some_shape(m), to = {2, {jit_elements(shape), 1}};
  for (uint32_t d = 2; d <= 5; d++) /* other axes, of other extents where they divide */
    if (to.dim[0] % d == 0 && jit_pick(m, 2)) to.dim[0] /= d, to.dim[to.rank - 1] *= d;
  if (jit_pick(m, 2)) to.rank = 3, to.dim[2] = to.dim[1], to.dim[1] = 1;
  if (jit_pick(m, 2)) to.dim[0] = UINT32_MAX;
  net_value_id x = jit_data(m, "x", shape, !jit_rarely(m));
  if (!strcmp(op->name, "reshape")) JIT_SET(ints, "shape", to);
  return jit_make_call(m, op, &x, 1, &a);
}

static net_node_id make_slice(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_shape shape = jit_shape_of(m, 1 + jit_pick(m, 3));
  uint32_t axis = jit_pick(m, shape.rank), begin = jit_pick(m, shape.dim[axis]);
  net_value_id x = jit_data(m, "x", shape, !jit_rarely(m));
  JIT_SET(int, "axis", axis);
  JIT_SET(int, "begin", begin);
  if (!strcmp(op->name, "slice")) JIT_SET(int, "end", begin + 1 + jit_pick(m, shape.dim[axis] - begin));
  else JIT_SET(int, "size", begin + shape.dim[axis] + jit_pick(m, 3));
  return jit_make_call(m, op, &x, 1, &a);
}

static net_node_id make_reduction(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  net_shape shape = jit_some_shape(m), axes = {0};
  for (uint32_t i = 0; i < shape.rank; i++)
    if (jit_pick(m, 2)) axes.dim[axes.rank++] = i;
  net_value_id x = jit_data(m, "x", shape, !jit_rarely(m));
  JIT_SET(ints, "axes", axes);
  JIT_SET(bool, "keep", jit_pick(m, 2));
  return jit_make_call(m, op, &x, 1, &a);
}

/* reduce_to: some axes to 1 or away, the batch too; expand: back. */
static net_node_id make_reduce_to(jit_maker *m, const net_op *op) {
  jit_attributes a = {0};
  bool expand = !strcmp(op->name, "expand"), batched = !jit_rarely(m), kept = batched && jit_pick(m, 2);
  net_shape whole = jit_some_shape(m), part = {0};
  for (uint32_t i = jit_pick(m, whole.rank + 1); i < whole.rank; i++)
    part.dim[part.rank++] = jit_pick(m, 2) ? whole.dim[i] : 1;
  net_value_id x = jit_data(m, "x", expand ? part : whole, expand ? kept : batched);
  JIT_SET(ints, "shape", expand ? whole : part);
  JIT_SET(bool, "batched", expand ? batched : kept);
  return jit_make_call(m, op, &x, 1, &a);
}

static net_node_id make_codes(jit_maker *m, const net_op *op) {
  net_shape shape = jit_shape_of(m, 1 + jit_pick(m, 3));
  if (strstr(op->name, "linear"))
    for (uint32_t i = 0; i < shape.rank; i++)
      shape.dim[i] = i + 1 == shape.rank ? m->width : 1 + jit_pick(m, 2);
  return jit_make_codes(m, op->name, jit_data(m, "x", shape, true));
}

static net_node_id make_table(jit_maker *m, const net_op *op) {
  return jit_make_table(m, op->name, jit_data(m, "x", jit_shape_of(m, 1 + jit_pick(m, 3)), true));
}

/* A row for each operator that is no gradient of another. */
static const struct {
  const char *op;
  net_node_id (*make)(jit_maker *m, const net_op *op);
} cases[] = {
    {"linear", jit_make_linear},
    {"batch_norm", jit_make_batch_norm},
    {"layer_norm", jit_make_layer_norm},
    {"relu", jit_make_unary},
    {"leaky_relu", jit_make_unary},
    {"sigmoid", jit_make_unary},
    {"tanh", jit_make_unary},
    {"gelu", jit_make_unary},
    {"silu", jit_make_unary},
    {"softmax", jit_make_softmax},
    {"log_softmax", jit_make_softmax},
    {"dropout", jit_make_dropout},
    {"quantize", jit_make_quantize},
    {"quantize_by", jit_make_quantize_by},
    {"normalize", jit_make_normalize},
    {"affine", jit_make_affine},
    {"integer_quantize", make_codes},
    {"integer_linear", make_codes},
    {"integer_affine", make_codes},
    {"integer_rescale", make_codes},
    {"integer_add", make_codes},
    {"integer_mul", make_codes},
    {"integer_relu", make_codes},
    {"integer_value", make_codes},
    {"sigmoid_table", make_table},
    {"tanh_table", make_table},
    {"softmax_table", make_table},
    {"integer_table", make_table},
    {"integer_softmax", make_table},
    {"fold_weight", jit_make_fold},
    {"fold_bias", jit_make_fold},
    {"add", make_binary},
    {"sub", make_binary},
    {"mul", make_binary},
    {"concat", make_concat},
    {"reshape", make_reshape},
    {"flatten", make_reshape},
    {"sum", make_reduction},
    {"mean", make_reduction},
    {"max", make_reduction},
    {"cross_entropy", jit_make_classes},
    {"mse", jit_make_regression},
    {"mae", jit_make_regression},
    {"huber", jit_make_regression},
    {"bce_with_logits", jit_make_regression},
    {"correct", jit_make_classes},
    {"reduce_to", make_reduce_to},
    {"expand", make_reduce_to},
    {"slice", make_slice},
    {"pad_slice", make_slice},
    {"negate", jit_make_unary},
    {"scale", jit_make_unary},
    {"sum_squares", jit_make_sum_squares},
    {"clip_factor", jit_make_clip_factor},
    {"running_update", jit_make_running_update},
    {"sgd", jit_make_update},
    {"adam", jit_make_update},
    {"adamw", jit_make_update},
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
  if (op->class != OP_LOSS) dy[0] = jit_data(m, "dy", jit_shape_at(m, y), net_graph_value_at(g, y)->batched);
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
