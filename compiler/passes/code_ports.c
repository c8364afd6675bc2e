/* Codes at the borders of an integer network: where one quantiser alone reads an input, behind its
 * normalisation or not, the input becomes the codes that the quantiser gives; an output made of codes becomes
 * those codes. A network with any other input stays as it is. Of what goes the format stays, as the port's.
 */
#include "formats/formats.h"
#include "graph/operator.h"
#include "passes/passes.h"

typedef struct {
  const net_graph *from;
  uint32_t *readers;   /* by value: nodes, and outputs */
  net_node_id *reader; /* by value: the last of them */
  bool *gone;          /* by node */
  net_value_id *codes; /* by input: what its quantiser gives */
} borders;

static net_op_border border(const net_graph *g, net_node_id node) {
  return node == NET_NONE ? OP_NO_BORDER : net_node_op(g, node)->border;
}

static void find_readers(borders *b) {
  const net_graph *g = b->from;
  for (net_value_id v = 0; v < g->values.count; v++) b->reader[v] = NET_NONE;
  for (net_node_id id = 0; id < g->nodes.count; id++)
    for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++) {
      net_value_id v = net_node_input(g, id, i);
      if (v != NET_NONE) b->readers[v]++, b->reader[v] = id;
    }
  for (uint32_t i = 0; i < g->outputs.count; i++) b->readers[g->outputs.at[i]]++;
}

/* From an input through its normalisation to the quantiser. False: something else reads it. */
static bool find_quantizer(borders *b, net_value_id input) {
  const net_graph *g = b->from;
  for (net_value_id v = input; b->readers[v] == 1 && b->reader[v] != NET_NONE;) {
    net_node_id id = b->reader[v];
    bool last = border(g, id) == OP_TO_CODES;
    if ((!last && border(g, id) != OP_TO_BORDER) || net_node_input(g, id, 0) != v) return false;
    b->gone[id] = true;
    v = net_node_output(g, id, 0);
    if (last) return b->codes[input] = v, true;
  }
  return false;
}

static net_format_id format_of(const net_graph *g, net_value_id codes) {
  net_node_id id = g->values.at[codes].def;
  const char *text = net_text(g->n, net_node_attribute(g, id, "format")->text);
  net_format_id format = NET_FORMAT_FLOAT32;
  net_format_parse(g->n, text, strlen(text), g->nodes.at[id].loc, &format);
  return format;
}

static net_graph *build(const net_pass_context *context, borders *b) {
  const net_graph *g = b->from;
  net_graph *to = net_graph_new(context->n, context->arena, g->name, g->loc);
  net_value_id *map = NET_NEW_ARRAY(context->arena, net_value_id, g->values.count + 1);
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = &g->values.at[v];
    if (value->kind != NET_VALUE_RESULT) map[v] = net_graph_clone_value(to, g, v);
    else if (!b->gone[value->def] && v == g->nodes.at[value->def].first_output)
      net_graph_clone_node(to, g, value->def, map);
    if (value->kind != NET_VALUE_INPUT) continue;
    net_value *port = &to->values.at[map[v]];
    port->type = g->values.at[b->codes[v]].type;
    port->range = g->values.at[b->codes[v]].range;
    port->format = format_of(g, b->codes[v]);
    map[b->codes[v]] = map[v];
  }
  for (uint32_t i = 0; i < g->outputs.count; i++) {
    net_value_id y = g->outputs.at[i];
    net_node_id id = g->values.at[y].def;
    net_value_id codes = border(g, id) == OP_FROM_CODES ? map[net_node_input(g, id, 0)] : map[y];
    if (codes != map[y]) to->values.at[codes].format = g->values.at[y].format;
    net_vec_push(to->arena, &to->outputs, codes);
  }
  return to;
}

net_graph *net_pass_code_ports(const net_pass_context *context, const net_graph *graph) {
  net_arena scratch;
  net_arena_init(&scratch, context->n->arena.guard);
  uint32_t values = graph->values.count + 1;
  borders b = {.from = graph,
               .readers = NET_NEW_ARRAY(&scratch, uint32_t, values),
               .reader = NET_NEW_ARRAY(&scratch, net_node_id, values),
               .gone = NET_NEW_ARRAY(&scratch, bool, graph->nodes.count + 1),
               .codes = NET_NEW_ARRAY(&scratch, net_value_id, values)};
  find_readers(&b);
  bool all = true;
  for (net_value_id v = 0; v < graph->values.count && all; v++)
    if (graph->values.at[v].kind == NET_VALUE_INPUT) all = find_quantizer(&b, v);
  net_graph *result = all ? build(context, &b) : net_graph_copy(context->arena, graph);
  net_arena_free(&scratch);
  return result;
}
