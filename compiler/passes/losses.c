/* Adds the objective: targets, sample weights, a node for each loss, their weighted sum, the weight sum, the
 * count of correct samples. Fills losses and observed. */
#include "graph/operator.h"
#include "passes/passes.h"

typedef struct {
  const net_pass_context *context;
  net_graph *graph;
  net_value_id *targets; /* by column; NET_NONE: not needed yet */
  net_value_id sample_weight;
} builder;

static net_value_id target_of(builder *b, uint32_t column) {
  const net_target *target = &b->context->objective->targets[column];
  if (b->targets[column] == NET_NONE) {
    net_name name = net_graph_fresh_name(b->graph, net_text(b->graph->n, target->name));
    b->targets[column] =
        net_graph_value(b->graph, NET_VALUE_TARGET, name, target->type, target->shape, true, target->loc);
    b->graph->values.at[b->targets[column]].column = column;
  }
  return b->targets[column];
}

static net_value_id sample_weight(builder *b) {
  if (b->sample_weight == NET_NONE && b->context->objective->sample_weights)
    b->sample_weight =
        net_graph_value(b->graph, NET_VALUE_WEIGHT, net_graph_fresh_name(b->graph, "sample_weight"), NET_F32,
                        (net_shape){0}, true, b->context->objective->loc);
  return b->sample_weight;
}

static net_value_id class_weight(builder *b, const net_loss_term *term, const char *node) {
  net_graph *g = b->graph;
  if (!term->class_weights) return NET_NONE;
  const char *base = net_arena_format(g->arena, "%s.class_weight", node);
  net_value_id v = net_graph_value(g, NET_VALUE_CONSTANT, net_graph_fresh_name(g, base), NET_F32,
                                   (net_shape){1, {term->class_count}}, false, term->loc);
  float *data = NET_NEW_ARRAY(g->arena, float, term->class_count);
  memcpy(data, term->class_weights, term->class_count * sizeof *data);
  g->values.at[v].data = data;
  return v;
}

/* What others see of the value that a term names: behind the node's own quantisers. */
static net_value_id prediction_of(builder *b, const net_loss_term *term) {
  net_graph *g = b->graph;
  net_value_id v = net_graph_find_value(g, term->prediction);
  if (v != NET_NONE) return net_graph_seen(g, v);
  const char **names = NET_NEW_ARRAY(g->arena, const char *, g->values.count + 1);
  for (net_value_id i = 0; i < g->values.count; i++) names[i] = net_text(g->n, g->values.at[i].name);
  const char *near = net_nearest(net_text(g->n, term->prediction), names, g->values.count);
  net_error(g->n, term->loc, "the network has no value '%s'%s%s%s", net_text(g->n, term->prediction),
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  return NET_NONE;
}

/* OP_k, k counted from 1 among the losses of that operator, as the nodes of a network are named. */
static const char *name_of(builder *b, uint32_t index) {
  const net_loss_term *terms = b->context->objective->terms;
  uint32_t k = 1;
  for (uint32_t i = 0; i < index; i++) k += !strcmp(terms[i].op, terms[index].op);
  const char *base = net_arena_format(b->graph->arena, "%s_%u", terms[index].op, k);
  return net_text(b->graph->n, net_graph_fresh_name(b->graph, base));
}

/* The loss node of a term: each declared input by its kind. */
static net_node_id add_loss(builder *b, uint32_t index, net_value_id prediction) {
  netc *n = b->graph->n;
  const net_loss_term *term = &b->context->objective->terms[index];
  const net_op *op = net_op_find(n, term->op, NULL);
  if (!op || op->class != OP_LOSS) return net_error(n, term->loc, "'%s' is no loss", term->op), NET_NONE;
  const char *name = name_of(b, index);
  const net_op_field *fields;
  uint32_t count = net_op_inputs(n, op, &fields);
  bool weighted = false;
  net_value_id *inputs = NET_NEW_ARRAY(b->graph->arena, net_value_id, count + 1);
  for (uint32_t i = 0; i < count; i++) {
    const char *kind = fields[i].kind;
    inputs[i] = prediction;
    if (!strcmp(kind, "target")) inputs[i] = target_of(b, term->target);
    if (!strcmp(kind, "weight")) inputs[i] = sample_weight(b);
    if (!strcmp(kind, "constant")) inputs[i] = class_weight(b, term, name), weighted = true;
  }
  if (term->class_weights && !weighted)
    return net_error(n, term->loc, "%s takes no class weights", term->op), NET_NONE;
  return net_graph_node(b->graph, term->op, net_intern(n, name), inputs, count, term->attributes,
                        term->attribute_count, term->loc);
}

/* total + factor · loss */
static net_value_id add_to_total(net_graph *g, net_value_id total, net_value_id loss, double factor) {
  netc *n = g->n;
  if (factor != 1) {
    net_attribute by = net_attribute_real(n, "factor", factor);
    const char *name = net_arena_format(g->arena, "%s.scaled", net_text(n, g->values.at[loss].name));
    loss = net_graph_call(g, "scale", net_intern(n, name), &loss, 1, &by, 1);
    if (loss == NET_NONE) return NET_NONE;
  }
  if (total == NET_NONE) return loss;
  return net_graph_call(g, "add", net_intern(n, "loss"), (net_value_id[]){total, loss}, 2, NULL, 0);
}

net_graph *net_pass_losses(const net_pass_context *context, const net_graph *graph) {
  const net_objective *objective = context->objective;
  netc *n = context->n;
  net_graph *g = net_graph_copy(context->arena, graph);
  builder b = {.context = context, .graph = g, .sample_weight = NET_NONE};
  if (!objective->term_count) return net_error(n, objective->loc, "the objective has no loss"), NULL;
  b.targets = NET_NEW_ARRAY(context->arena, net_value_id, objective->target_count + 1);
  for (uint32_t i = 0; i < objective->target_count; i++) b.targets[i] = NET_NONE;

  net_value_id total = NET_NONE, weight_sum = NET_NONE, logits = NET_NONE, classes = NET_NONE;
  g->losses.count = g->observed.count = 0;
  for (uint32_t i = 0; i < objective->term_count; i++) {
    const net_loss_term *term = &objective->terms[i];
    if (term->target >= objective->target_count) {
      net_error(n, term->loc, "the data has %u targets, so none is number %u", objective->target_count,
                term->target + 1);
      return NULL;
    }
    net_value_id prediction = prediction_of(&b, term);
    net_node_id node = prediction == NET_NONE ? NET_NONE : add_loss(&b, i, prediction);
    if (node == NET_NONE) return NULL;
    if (!i) weight_sum = net_node_output(g, node, 1);
    total = add_to_total(g, total, net_node_output(g, node, 0), term->factor);
    if (total == NET_NONE) return NULL;
    if (logits == NET_NONE && objective->targets[term->target].type == NET_U32)
      logits = prediction, classes = b.targets[term->target];
    net_vec_push(g->arena, &g->observed, prediction);
  }
  net_vec_push(g->arena, &g->losses, total);
  net_vec_push(g->arena, &g->losses, weight_sum);
  if (logits == NET_NONE) return g;
  net_value_id correct =
      net_graph_call(g, "correct", net_intern(n, "correct"), (net_value_id[]){logits, classes}, 2, NULL, 0);
  if (correct == NET_NONE) return NULL;
  net_vec_push(g->arena, &g->losses, correct);
  return g;
}
