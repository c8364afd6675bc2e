/* Reverse mode: makes a training graph of a graph with losses.
 *
 * The nodes are walked backwards from the total loss; each asks its operator's row for the gradients of its
 * inputs that lead to a trained parameter, and those of several readers are added up. The total itself is a
 * weighted sum of losses, whose factors are numbers: they go to the losses' gradients as such. Then come the
 * updates (updates.c). Frozen parameters get neither gradient nor update.
 *
 * A training step writes no outputs, so the result has none; without an optimiser in the context the
 * gradients are its outputs, in the order of the parameters. */
#include "passes/training.h"

typedef struct {
  netc *n;
  net_graph *graph;
  net_arena *scratch;
  uint32_t values, nodes; /* of the forward graph */
  bool *trained;          /* by value: a trained parameter lies behind it */
  net_value_id *gradient; /* by value: NET_NONE if none yet */
  double *factor;         /* by value: of numbers that the total is a weighted sum of; 0: none */
} backward;

static void find_trained(backward *b) {
  for (net_value_id v = 0; v < b->values; v++) {
    const net_value *value = &b->graph->values.at[v];
    b->trained[v] = value->kind == NET_VALUE_PARAMETER && !value->frozen;
    if (value->kind != NET_VALUE_RESULT || !net_node_op(b->graph, value->def)->gradient) continue;
    const net_node *node = &b->graph->nodes.at[value->def];
    for (uint32_t i = 0; i < node->input_count; i++) {
      net_value_id input = net_node_input(b->graph, value->def, i);
      b->trained[v] |= input != NET_NONE && b->trained[input];
    }
  }
}

/* A gradient is f32 and of its value's shape. */
static bool fits(backward *b, net_value_id value, net_value_id gradient, const char *op) {
  const net_value *v = &b->graph->values.at[value], *g = &b->graph->values.at[gradient];
  if (g->type == NET_F32 && v->batched == g->batched && net_shape_same(&v->shape, &g->shape)) return true;
  net_fault(b->n, v->loc, "the gradient of %s for '%s' is %s%s, not %s%s", op, net_text(b->n, v->name),
            net_shape_text(b->scratch, &g->shape), g->batched ? " a sample" : "",
            net_shape_text(b->scratch, &v->shape), v->batched ? " a sample" : "");
  return false;
}

static bool accumulate(backward *b, net_value_id value, net_value_id gradient) {
  net_value_id before = b->gradient[value];
  b->gradient[value] = gradient;
  if (before == NET_NONE) return true;
  net_graph *g = b->graph;
  const char *base = net_arena_format(b->scratch, "%s.gradient", net_text(b->n, g->values.at[value].name));
  net_loc loc = g->values.at[value].loc;
  net_node_id sum = net_graph_node(g, "add", net_graph_fresh_name(g, base),
                                   (net_value_id[]){before, gradient}, 2, NULL, 0, loc);
  if (sum == NET_NONE) return false;
  b->gradient[value] = net_node_output(g, sum, 0);
  return true;
}

static bool ask_operator(backward *b, net_node_id id, double scale) {
  const net_node node = b->graph->nodes.at[id]; /* a copy: the graph grows */
  const net_op *op = net_node_op(b->graph, id);
  bool any = false, *wanted = NET_NEW_ARRAY(b->scratch, bool, node.input_count + 1);
  net_value_id *dx = NET_NEW_ARRAY(b->scratch, net_value_id, node.input_count + 1);
  net_value_id *dy = NET_NEW_ARRAY(b->scratch, net_value_id, node.output_count + 1);
  for (uint32_t i = 0; i < node.input_count; i++) {
    net_value_id input = net_node_input(b->graph, id, i);
    dx[i] = NET_NONE;
    any |= wanted[i] = input != NET_NONE && b->trained[input];
  }
  for (uint32_t i = 0; i < node.output_count; i++) dy[i] = b->gradient[node.first_output + i];
  if (!any || !op->gradient) return true;
  net_gradient ask = {.graph = b->graph, .node = id, .dy = dy, .dx = dx, .wanted = wanted, .scale = scale};
  if (!op->gradient(&ask)) return false;
  for (uint32_t i = 0; i < node.input_count; i++) {
    if (!wanted[i]) continue;
    net_value_id input = net_node_input(b->graph, id, i);
    if (dx[i] == NET_NONE) {
      net_fault(b->n, node.loc, "%s gives no gradient for '%s'", op->name,
                net_text(b->n, b->graph->values.at[input].name));
      return false;
    }
    if (!fits(b, input, dx[i], op->name) || !accumulate(b, input, dx[i])) return false;
  }
  return true;
}

/* The total is a weighted sum of losses (losses.c): hands its factor down. */
static bool spread_factor(backward *b, net_node_id id) {
  const net_node *node = &b->graph->nodes.at[id];
  const net_op *op = net_node_op(b->graph, id);
  const net_attribute *own = net_node_find_attribute(b->graph, id, "factor");
  double factor = b->factor[node->first_output] * (own ? own->real : 1);
  if (!op->weighted_sum) {
    net_fault(b->n, node->loc, "the total loss is no weighted sum of losses, but comes from %s", op->name);
    return false;
  }
  for (uint32_t i = 0; i < node->input_count; i++) b->factor[net_node_input(b->graph, id, i)] += factor;
  return true;
}

static bool visit(backward *b, net_node_id id) {
  const net_node *node = &b->graph->nodes.at[id];
  double factor = b->factor[node->first_output];
  bool asked = false;
  if (factor != 0)
    return net_node_op(b->graph, id)->class == OP_LOSS ? ask_operator(b, id, factor) : spread_factor(b, id);
  for (uint32_t i = 0; i < node->output_count; i++) asked |= b->gradient[node->first_output + i] != NET_NONE;
  return !asked || ask_operator(b, id, 1);
}

/* The trained parameters that a loss depends on. */
static bool collect(backward *b, net_loc loc, training_gradients *gradients) {
  uint32_t parameters = 0, frozen = 0;
  for (net_value_id v = 0; v < b->values; v++) {
    const net_value *value = &b->graph->values.at[v];
    const char *name = net_text(b->n, value->name);
    if (value->kind != NET_VALUE_PARAMETER) continue;
    parameters++;
    frozen += value->frozen;
    training_gradient pair = {v, b->gradient[v]};
    if (pair.gradient != NET_NONE) net_vec_push(b->scratch, gradients, pair);
    else if (!value->frozen)
      net_warning(b->n, value->loc, "'%s' is not trained: no loss depends on it", name);
  }
  if (gradients->count) return true;
  net_error(b->n, loc, "there is nothing to train: %s",
            !parameters            ? "the network has no parameters"
            : frozen == parameters ? "every parameter is frozen"
                                   : "no loss depends on a parameter that is not frozen");
  return false;
}

static bool differentiate(backward *b, const net_pass_context *context) {
  net_graph *g = b->graph;
  training_gradients gradients = {0};
  b->trained = NET_NEW_ARRAY(b->scratch, bool, b->values + 1);
  b->gradient = NET_NEW_ARRAY(b->scratch, net_value_id, b->values + 1);
  b->factor = NET_NEW_ARRAY(b->scratch, double, b->values + 1);
  for (net_value_id v = 0; v < b->values; v++) b->gradient[v] = NET_NONE;
  find_trained(b);
  b->factor[g->losses.at[0]] = 1;
  for (net_node_id i = b->nodes; i-- > 0;)
    if (!visit(b, i)) return false;
  if (!collect(b, context->optimizer ? context->optimizer->loc : g->loc, &gradients)) return false;
  g->outputs.count = g->observed.count = 0;
  if (context->optimizer) return training_add_updates(context, g, b->nodes, &gradients);
  for (uint32_t i = 0; i < gradients.count; i++)
    net_vec_push(g->arena, &g->outputs, gradients.at[i].gradient);
  return true;
}

net_graph *net_pass_differentiate(const net_pass_context *context, const net_graph *graph) {
  if (!graph->losses.count) {
    net_fault(context->n, graph->loc, "a graph without a loss cannot be differentiated");
    return NULL;
  }
  net_arena scratch;
  net_arena_init(&scratch, context->n->arena.guard);
  backward b = {.n = context->n,
                .graph = net_graph_copy(context->arena, graph),
                .scratch = &scratch,
                .values = graph->values.count,
                .nodes = graph->nodes.count};
  bool ok = differentiate(&b, context);
  net_arena_free(&scratch);
  return ok ? b.graph : NULL;
}
