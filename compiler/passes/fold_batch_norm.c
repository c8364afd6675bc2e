/* Folds a batch-norm into the linear in front of it: linear(x; w', b') with a = weight / √(running_var + ε),
 * w' = w·a, b' = (b − running_mean)·a + bias, made of the parameters when the network runs.
 *
 * The statistics are the running ones, in training too, where they then stay as they are (Krishnamoorthi,
 * Quantizing deep convolutional networks for efficient inference, 2018, section 3.2.2, with the statistics
 * frozen from the start): what is trained is what is deployed, and gradients reach w, b, weight and bias
 * through w' and b'. Training therefore begins from weights with statistics.
 *
 * The linear keeps its name, and rules of formats for it are about w' and b'; of the batch-norm's no one is
 * left. */
#include "graph/operator.h"
#include "passes/passes.h"

enum { X }; /* of what is folded: what it normalises */

typedef struct {
  netc *n;
  const net_pass_context *context;
  const net_graph *from;
  net_graph *to;
  net_arena *scratch;
  uint32_t *readers;    /* by value: nodes and outputs that read it */
  net_node_id *partner; /* by node: of a batch-norm, the linear that it goes into; NET_NONE */
  bool *moved;          /* by node: a linear that comes where its batch-norm stood */
  net_value_id *map;
} folder;

static void count_readers(folder *f) {
  const net_graph *g = f->from;
  for (uint32_t i = 0; i < g->edges.count; i++)
    if (g->edges.at[i] != NET_NONE) f->readers[g->edges.at[i]]++;
  for (uint32_t i = 0; i < g->outputs.count; i++) f->readers[g->outputs.at[i]]++;
  for (uint32_t i = 0; i < g->losses.count; i++) f->readers[g->losses.at[i]]++;
  for (uint32_t i = 0; i < g->observed.count; i++) f->readers[g->observed.at[i]]++;
}

/* A loss looks at what the linear itself gives. */
static bool is_named(const folder *f, net_value_id value) {
  const net_objective *o = f->context->objective;
  for (uint32_t i = 0; o && i < o->term_count; i++)
    if (net_name_same(o->terms[i].prediction, f->from->values.at[value].name)) return true;
  return false;
}

/* NET_NONE: none has that role. */
static uint32_t input_of(const net_graph *g, net_node_id node, net_tensor_role role) {
  for (uint32_t i = 0; i < g->nodes.at[node].input_count; i++)
    if (net_node_role(g, node, i) == role) return i;
  return NET_NONE;
}

static bool takes_bias(const net_graph *g, net_node_id node) {
  return net_node_op(g, node)->class == OP_CONTRACTION && input_of(g, node, NET_TENSOR_WEIGHT) != NET_NONE &&
         input_of(g, node, NET_TENSOR_BIAS) != NET_NONE;
}

/* Behind formats of weights or of exact sums a batch-norm stays where it is. */
static bool has_format(const net_graph *g, net_node_id node) {
  return net_node_format(g, node, NET_TENSOR_WEIGHT) != NET_FORMAT_FLOAT32 ||
         net_node_format(g, node, NET_TENSOR_BIAS) != NET_FORMAT_FLOAT32 ||
         g->values.at[g->nodes.at[node].first_output].type != NET_F32;
}

/* The linear whose channels, its last axis, are the batch-norm's first, and that nothing else reads. */
static net_node_id find_partner(const folder *f, net_node_id id) {
  const net_graph *g = f->from;
  const net_node *node = &g->nodes.at[id];
  if (!net_node_op(g, id)->fold) return NET_NONE;
  net_value_id x = net_node_input(g, id, X);
  net_node_id def = g->values.at[x].def;
  if (def == NET_NONE || !takes_bias(g, def) || has_format(g, id) || has_format(g, def)) return NET_NONE;
  if (g->values.at[x].shape.rank != 1 || f->readers[x] != 1 || is_named(f, x)) return NET_NONE;
  for (uint32_t i = 1; i < node->output_count; i++)
    if (f->readers[node->first_output + i]) return NET_NONE; /* its statistics are looked at */
  return def;
}

static net_value_id mapped(const folder *f, net_node_id node, uint32_t input) {
  net_value_id v = net_node_input(f->from, node, input);
  return v == NET_NONE ? NET_NONE : f->map[v];
}

static bool fold(folder *f, net_node_id norm) {
  net_node_id contraction = f->partner[norm];
  uint32_t count = f->from->nodes.at[norm].input_count;
  net_value_id *given = NET_NEW_ARRAY(f->scratch, net_value_id, count);
  for (uint32_t i = 0; i < count; i++) given[i] = i == X ? NET_NONE : mapped(f, norm, i);
  uint32_t weight = input_of(f->from, contraction, NET_TENSOR_WEIGHT);
  uint32_t bias = input_of(f->from, contraction, NET_TENSOR_BIAS);
  net_folding folding = {.graph = f->to,
                         .from = f->from,
                         .node = norm,
                         .contraction = contraction,
                         .inputs = given,
                         .weight = mapped(f, contraction, weight),
                         .bias = mapped(f, contraction, bias)};
  if (!net_node_op(f->from, norm)->fold(&folding)) return false;
  net_node_id id = net_graph_clone_node(f->to, f->from, contraction, f->map);
  net_value_id *inputs = &f->to->edges.at[f->to->nodes.at[id].first_input];
  inputs[weight] = folding.weight, inputs[bias] = folding.bias;
  net_node_find_attribute(f->to, id, "bias")->integer = true;
  f->map[f->from->nodes.at[norm].first_output] = net_node_output(f->to, id, 0);
  return net_node_op(f->to, id)->shape(f->n, f->to, id);
}

static void take_list(const folder *f, const net_value_ids *from, net_value_ids *to) {
  for (uint32_t i = 0; i < from->count; i++) net_vec_push(f->to->arena, to, f->map[from->at[i]]);
}

net_graph *net_pass_fold_batch_norm(const net_pass_context *context, const net_graph *graph) {
  if (!context->quantization || !context->quantization->fold_batch_norm)
    return net_graph_copy(context->arena, graph);
  net_arena scratch;
  net_arena_init(&scratch, context->n->arena.guard);
  folder f = {.n = context->n, .context = context, .from = graph, .scratch = &scratch};
  f.to = net_graph_new(context->n, context->arena, graph->name, graph->loc);
  f.readers = NET_NEW_ARRAY(&scratch, uint32_t, graph->values.count + 1);
  f.partner = NET_NEW_ARRAY(&scratch, net_node_id, graph->nodes.count + 1);
  f.moved = NET_NEW_ARRAY(&scratch, bool, graph->nodes.count + 1);
  f.map = NET_NEW_ARRAY(&scratch, net_value_id, graph->values.count + 1);
  count_readers(&f);
  for (net_node_id i = 0; i < graph->nodes.count; i++) {
    f.partner[i] = find_partner(&f, i);
    if (f.partner[i] != NET_NONE) f.moved[f.partner[i]] = true;
  }
  bool ok = true;
  for (net_value_id v = 0; v < graph->values.count && ok; v++) {
    const net_value *value = &graph->values.at[v];
    if (value->kind != NET_VALUE_RESULT) f.map[v] = net_graph_clone_value(f.to, graph, v);
    else if (v != graph->nodes.at[value->def].first_output || f.moved[value->def]) continue;
    else if (f.partner[value->def] != NET_NONE) ok = fold(&f, value->def);
    else net_graph_clone_node(f.to, graph, value->def, f.map);
  }
  take_list(&f, &graph->outputs, &f.to->outputs);
  take_list(&f, &graph->losses, &f.to->losses);
  take_list(&f, &graph->observed, &f.to->observed);
  net_arena_free(&scratch);
  return ok ? f.to : NULL;
}
