/* Switches operators that behave differently in training, which are those with an attribute `training`, and
 * gives those that draw random numbers (attribute `stream`) a stream each, counted in node order. */
#include "graph/operator.h"
#include "passes/passes.h"

/* What goes through an operator that training changes lies on no format's grid any more, nor does what merely
 * moves it on, up to the next quantiser. */
static void lose_format(net_graph *graph, net_node_id node, bool changed, bool *lost) {
  const net_node *at = &graph->nodes.at[node];
  net_value *y = &graph->values.at[at->first_output];
  if (at->owner.id || y->format == NET_FORMAT_FLOAT32) return;
  for (uint32_t i = 0; i < at->input_count && !changed; i++) {
    net_value_id v = net_node_input(graph, node, i);
    changed = v != NET_NONE && lost[v];
  }
  lost[at->first_output] = changed;
  if (changed) y->format = NET_FORMAT_FLOAT32;
}

net_graph *net_pass_training_mode(const net_pass_context *context, const net_graph *graph) {
  net_graph *result = net_graph_copy(context->arena, graph);
  bool *lost = NET_NEW_ARRAY(context->arena, bool, graph->values.count + 1);
  int64_t streams = 0;
  for (net_node_id i = 0; i < result->nodes.count; i++) {
    net_attribute *training = net_node_find_attribute(result, i, "training");
    net_attribute *stream = net_node_find_attribute(result, i, "stream");
    if (training) training->integer = true;
    if (stream) stream->integer = streams++;
    /* the results may be others in training */
    if ((training || stream) && !net_node_op(result, i)->shape(context->n, result, i)) return NULL;
    lose_format(result, i, training != NULL, lost);
  }
  return result;
}
