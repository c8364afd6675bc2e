/* Puts the data's normalisation in front of the network's inputs, step by step as the runtime applies it, so
 * that the graph takes rows as the file has them. An input keeps its name; what its nodes give takes its
 * place. A range that was declared or profiled is that of the normalised value. */
#include "graph/operator.h"
#include "passes/passes.h"
#include "runtime/data.h"

static const char *const kinds[RT_NORMALIZERS] = {
    [RT_STANDARD] = "affine", [RT_MINMAX] = "affine", [RT_SCALE] = "affine",
    [RT_POWER_OF_TWO] = "affine", [RT_CLIP] = "clip", [RT_LOG1P] = "log1p"};

static net_value_id constant(net_graph *g, const char *node, const char *what, net_shape shape,
                             const float *data, net_loc loc) {
  net_name name = net_graph_fresh_name(g, net_arena_format(g->arena, "%s.%s", node, what));
  net_value_id id = net_graph_value(g, NET_VALUE_CONSTANT, name, NET_F32, shape, false, loc);
  size_t bytes = (size_t)net_shape_elements(&shape) * sizeof *data;
  float *copy = net_arena_alloc(g->arena, bytes, _Alignof(float));
  memcpy(copy, data, bytes);
  g->values.at[id].data = copy;
  return id;
}

/* What the network sees of an input. NET_NONE: reported. */
static net_value_id steps_behind(net_graph *g, net_value_id input, const rt_fitted *fitted) {
  net_value value = g->values.at[input];
  const char *name = net_text(g->n, value.name);
  net_value_id x = input;
  for (uint32_t i = 0; i < fitted->step_count && x != NET_NONE; i++) {
    const rt_fitted_step *step = &fitted->steps[i];
    const char *node = net_arena_format(g->arena, "%s.normalize_%u", name, i + 1);
    net_value_id inputs[3] = {x, constant(g, node, "offset", value.shape, step->offset, value.loc),
                              constant(g, node, "factor", value.shape, step->factor, value.loc)};
    net_attribute kind = net_attribute_text(g->n, "kind", kinds[step->kind]);
    x = net_graph_call(g, "normalize", net_intern(g->n, node), inputs, 3, &kind, 1);
  }
  if (x != NET_NONE && x != input) {
    g->values.at[x].range = value.range;
    g->values.at[input].range = NET_RANGE_UNKNOWN;
  }
  return x;
}

static void take_list(net_graph *to, const net_value_id *map, const net_value_ids *from,
                      net_value_ids *list) {
  for (uint32_t i = 0; i < from->count; i++)
    net_vec_push(to->arena, list, from->at[i] == NET_NONE ? NET_NONE : map[from->at[i]]);
}

net_graph *net_pass_normalize(const net_pass_context *context, const net_graph *graph) {
  netc *n = context->n;
  if (!context->normalization) return net_graph_copy(context->arena, graph);
  net_graph *to = net_graph_new(n, context->arena, graph->name, graph->loc);
  net_value_id *map = NET_NEW_ARRAY(context->arena, net_value_id, graph->values.count + 1);
  for (net_value_id v = 0; v < graph->values.count; v++)
    if (graph->values.at[v].kind != NET_VALUE_RESULT) map[v] = net_graph_clone_value(to, graph, v);
  for (net_value_id v = 0; v < graph->values.count; v++) {
    const net_value *value = net_graph_value_at(graph, v);
    if (value->kind != NET_VALUE_INPUT) continue;
    const rt_fitted *fitted = &context->normalization[value->column];
    if (fitted->step_count && fitted->width != net_shape_elements(&value->shape)) {
      net_error(
          n, value->loc, "input '%s' has %llu elements, but the weights came with a normalisation of %u",
          net_text(n, value->name), (unsigned long long)net_shape_elements(&value->shape), fitted->width);
      return NULL;
    }
    map[v] = steps_behind(to, map[v], fitted);
    if (map[v] == NET_NONE) return NULL;
  }
  for (net_node_id id = 0; id < graph->nodes.count; id++) net_graph_clone_node(to, graph, id, map);
  take_list(to, map, &graph->outputs, &to->outputs);
  take_list(to, map, &graph->losses, &to->losses);
  take_list(to, map, &graph->observed, &to->observed);
  return to;
}
