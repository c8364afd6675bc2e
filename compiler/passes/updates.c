/* The end of a training step: statistics follow what was observed, gradients are clipped by their common
 * norm, and each trained parameter follows its gradient by the optimiser's operator. */
#include "passes/training.h"

typedef struct {
  netc *n;
  net_graph *graph;
  const net_optimizer *optimizer;
  const net_op *op;
  const net_attribute *attributes; /* complete */
  uint32_t attribute_count;
  net_value_id clip; /* factor for all gradients, or NET_NONE */
} updater;

static net_name name_with(net_graph *g, net_value_id value, const char *suffix) {
  const char *text = net_text(g->n, g->values.at[value].name);
  return net_graph_fresh_name(g, net_arena_format(g->arena, "%s.%s", text, suffix));
}

/* ---- statistics ---- */

/* Declared as "mean: observes running_mean", in nodes whose attribute `training` is set. */
static bool add_running_updates(net_graph *g, uint32_t nodes) {
  for (net_node_id i = 0; i < nodes; i++) {
    const net_op_field *outputs;
    uint32_t count = net_op_outputs(g->n, net_node_op(g, i), &outputs);
    for (uint32_t k = 0; k < count; k++) {
      if (strcmp(outputs[k].kind, "observes") || !net_node_bool(g, i, "training")) continue;
      net_value_id statistic = net_node_input(g, i, outputs[k].input), observed = net_node_output(g, i, k);
      if (statistic == NET_NONE || g->values.at[statistic].frozen) continue;
      net_attribute momentum = net_attribute_real(g->n, "momentum", net_node_real(g, i, "momentum"));
      if (net_graph_node(g, "running_update", name_with(g, statistic, "update"),
                         (net_value_id[]){statistic, observed}, 2, &momentum, 1,
                         g->nodes.at[i].loc) == NET_NONE)
        return false;
    }
  }
  return true;
}

/* ---- clipping ---- */

/* min(1, max / (norm of all gradients + 1e-6)), as PyTorch's clip_grad_norm_ */
static bool add_clipping(updater *u, const training_gradients *gradients) {
  net_graph *g = u->graph;
  net_value_id total = NET_NONE;
  if (u->optimizer->clip_norm <= 0) return true;
  for (uint32_t i = 0; i < gradients->count; i++) {
    net_value_id parameter = gradients->at[i].parameter;
    net_value_id squares = net_graph_call(g, "sum_squares", name_with(g, parameter, "gradient_squares"),
                                          &gradients->at[i].gradient, 1, NULL, 0);
    if (squares != NET_NONE && total != NET_NONE)
      squares = net_graph_call(g, "add", net_intern(u->n, "gradient_squares"),
                               (net_value_id[]){total, squares}, 2, NULL, 0);
    if (squares == NET_NONE) return false;
    total = squares;
  }
  net_attribute max = net_attribute_real(u->n, "max", u->optimizer->clip_norm);
  u->clip = net_graph_call(g, "clip_factor", net_intern(u->n, "clip_factor"), &total, 1, &max, 1);
  return u->clip != NET_NONE;
}

/* ---- parameters ---- */

static net_value_id find_scalar(const net_graph *g, net_scalar_kind kind, uint32_t group) {
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = &g->values.at[v];
    if (value->kind == NET_VALUE_SCALAR && value->scalar == kind && value->group == group) return v;
  }
  return NET_NONE;
}

/* One value for each thing that the runtime is to give, shared by all updates. */
static net_value_id scalar(updater *u, const char *field, uint32_t group) {
  static const struct {
    const char *field, *beta; /* beta: attribute that the correction is for */
  } known[] = {
      [NET_SCALAR_RATE] = {"rate", NULL},
      [NET_SCALAR_CORRECTION1] = {"correction1", "beta1"},
      [NET_SCALAR_CORRECTION2] = {"correction2", "beta2"},
  };
  net_graph *g = u->graph;
  uint32_t kind = 0;
  while (kind < sizeof known / sizeof *known && strcmp(known[kind].field, field)) kind++;
  if (kind == sizeof known / sizeof *known) {
    net_fault(u->n, u->optimizer->loc, "the runtime gives no '%s' to %s", field, u->op->name);
    return NET_NONE;
  }
  if (kind != NET_SCALAR_RATE) group = 0;
  net_value_id v = find_scalar(g, (net_scalar_kind)kind, group);
  if (v != NET_NONE) return v;
  const char *name = kind == NET_SCALAR_RATE ? "learning_rate" : field;
  if (group) name = net_arena_format(g->arena, "%s_%u", name, group);
  v = net_graph_value(g, NET_VALUE_SCALAR, net_graph_fresh_name(g, name), NET_F32, (net_shape){0}, false,
                      NET_NOWHERE);
  g->values.at[v].scalar = (net_scalar_kind)kind;
  g->values.at[v].group = group;
  for (uint32_t i = 0; i < u->attribute_count && known[kind].beta; i++)
    if (!strcmp(net_text(u->n, u->attributes[i].key), known[kind].beta))
      g->values.at[v].beta = u->attributes[i].real;
  return v;
}

/* PARAMETER.FIELD, of the parameter's shape and zero at first unless the operator says otherwise. */
static bool add_state(updater *u, const char *field, uint32_t index, net_value_id *inputs,
                      net_value_id parameter) {
  net_graph *g = u->graph;
  net_shape shape = g->values.at[parameter].shape;
  net_init init = {NET_INIT_FILL, 0};
  net_loc loc = g->values.at[parameter].loc;
  if (u->op->parameter && !u->op->parameter(u->n, g, inputs, u->attributes, u->attribute_count, index,
                                            u->optimizer->loc, &shape, &init))
    return false;
  if (shape.rank == NET_ABSENT) return true;
  net_name name = name_with(g, parameter, field);
  inputs[index] = net_graph_value(g, NET_VALUE_STATE, name, NET_F32, shape, false, loc);
  g->values.at[inputs[index]].init = init;
  return true;
}

static bool add_update(updater *u, const training_gradient *pair) {
  net_graph *g = u->graph;
  const net_op_field *fields;
  uint32_t count = net_op_inputs(u->n, u->op, &fields);
  net_value_id *inputs = NET_NEW_ARRAY(g->arena, net_value_id, count + 1);
  for (uint32_t i = 0; i < count; i++) {
    bool clip = !strcmp(fields[i].name, "clip");
    inputs[i] = NET_NONE;
    if (!strcmp(fields[i].kind, "parameter")) inputs[i] = pair->parameter;
    if (!strcmp(fields[i].kind, "data")) inputs[i] = clip ? u->clip : pair->gradient;
    if (strcmp(fields[i].kind, "scalar")) continue;
    inputs[i] = scalar(u, fields[i].name, g->values.at[pair->parameter].group);
    if (inputs[i] == NET_NONE) return false;
  }
  for (uint32_t i = 0; i < count; i++)
    if (!strcmp(fields[i].kind, "state") && !add_state(u, fields[i].name, i, inputs, pair->parameter))
      return false;
  net_loc loc = g->values.at[pair->parameter].loc;
  return net_graph_node(g, u->op->name, name_with(g, pair->parameter, "update"), inputs, count, u->attributes,
                        u->attribute_count, loc) != NET_NONE;
}

/* A row of class UPDATE that changes a parameter by its gradient. */
static bool is_optimizer(netc *n, const net_op *op) {
  const net_op_field *fields;
  uint32_t count = op && op->class == OP_UPDATE ? net_op_inputs(n, op, &fields) : 0;
  for (uint32_t i = 0; i < count; i++)
    if (!strcmp(fields[i].kind, "parameter")) return true;
  return false;
}

bool training_add_updates(const net_pass_context *context, net_graph *graph, uint32_t nodes,
                          const training_gradients *gradients) {
  const net_optimizer *optimizer = context->optimizer;
  updater u = {.n = context->n, .graph = graph, .optimizer = optimizer, .clip = NET_NONE};
  u.op = net_op_find(u.n, optimizer->op, NULL);
  if (!is_optimizer(u.n, u.op)) {
    net_error(u.n, optimizer->loc, "'%s' is no optimizer", optimizer->op);
    return false;
  }
  if (!net_op_complete(u.n, graph->arena, u.op, optimizer->attributes, optimizer->attribute_count,
                       optimizer->loc, &u.attributes, &u.attribute_count) ||
      !add_running_updates(graph, nodes) || !add_clipping(&u, gradients))
    return false;
  for (uint32_t i = 0; i < gradients->count; i++)
    if (!add_update(&u, &gradients->at[i])) return false;
  return true;
}
