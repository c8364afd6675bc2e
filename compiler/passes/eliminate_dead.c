/* Drops the nodes that no output, loss, observed value or update needs, and the constants that none of those
 * that stay reads. All other values that are no results stay: they are the network's, whether this graph
 * reads them or not. */
#include "graph/operator.h"
#include "passes/passes.h"

/* read: by value */
static void need(const net_graph *graph, net_value_id value, bool *needed, bool *read) {
  if (value == NET_NONE) return;
  net_node_id def = graph->values.at[value].def;
  read[value] = true;
  if (def != NET_NONE) needed[def] = true;
}

static void need_list(const net_graph *graph, const net_value_ids *list, bool *needed, bool *read) {
  for (uint32_t i = 0; i < list->count; i++) need(graph, list->at[i], needed, read);
}

static void map_list(net_graph *to, const net_value_ids *from, const net_value_id *map, net_value_ids *list) {
  for (uint32_t i = 0; i < from->count; i++) net_vec_push(to->arena, list, map[from->at[i]]);
}

net_graph *net_pass_eliminate_dead(const net_pass_context *context, const net_graph *graph) {
  net_arena scratch;
  net_arena_init(&scratch, context->n->arena.guard);
  bool *needed = NET_NEW_ARRAY(&scratch, bool, graph->nodes.count + 1),
       *read = NET_NEW_ARRAY(&scratch, bool, graph->values.count + 1);
  net_value_id *map = NET_NEW_ARRAY(&scratch, net_value_id, graph->values.count + 1);
  need_list(graph, &graph->outputs, needed, read);
  need_list(graph, &graph->losses, needed, read);
  need_list(graph, &graph->observed, needed, read);
  for (net_node_id i = graph->nodes.count; i-- > 0;) {
    const net_node *node = &graph->nodes.at[i];
    needed[i] |= net_node_op(graph, i)->class == OP_UPDATE;
    for (uint32_t k = 0; k < node->input_count && needed[i]; k++)
      need(graph, net_node_input(graph, i, k), needed, read);
  }

  net_graph *result = net_graph_new(context->n, context->arena, graph->name, graph->loc);
  for (net_value_id v = 0; v < graph->values.count; v++) map[v] = NET_NONE;
  for (net_value_id v = 0; v < graph->values.count; v++) {
    const net_value *value = &graph->values.at[v];
    if (value->kind == NET_VALUE_CONSTANT && !read[v]) continue;
    if (value->kind != NET_VALUE_RESULT) map[v] = net_graph_clone_value(result, graph, v);
    else if (needed[value->def] && v == graph->nodes.at[value->def].first_output)
      net_graph_clone_node(result, graph, value->def, map); /* with all its outputs */
  }
  map_list(result, &graph->outputs, map, &result->outputs);
  map_list(result, &graph->losses, map, &result->losses);
  map_list(result, &graph->observed, map, &result->observed);
  net_arena_free(&scratch);
  return result;
}
