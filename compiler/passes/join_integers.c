/* An integer_relu joins the integer_rescale in front of it, if nothing else reads that: the lower end rises
 * to the zero point. One behind it reads through the integer_relu: rounding ascends and keeps 0, so that
 * clamping afterwards is the same, but where it wraps. What cannot be negative gets a type without a sign,
 * where its readers take any. */
#include "graph/operator.h"
#include "passes/integers.h"
#include "passes/ranges.h"

#include <math.h>

typedef struct {
  const net_graph *from;
  net_graph *to;
  uint16_t relu, rescale; /* rows */
  uint32_t *readers;      /* by value */
  bool *moved;            /* by value: read by an operator that gives its own type on */
  const net_ranges *ranges;
  net_value_id *map;
} joiner;

static net_node_id def_of(const joiner *j, net_value_id v, uint16_t row) {
  net_node_id def = j->from->values.at[v].def;
  return def != NET_NONE && j->from->nodes.at[def].op == row ? def : NET_NONE;
}

static void count_list(joiner *j, const net_value_ids *list) {
  for (uint32_t i = 0; i < list->count; i++) j->readers[list->at[i]]++, j->moved[list->at[i]] = true;
}

static void count_readers(joiner *j) {
  const net_graph *g = j->from;
  for (net_node_id i = 0; i < g->nodes.count; i++)
    for (uint32_t k = 0; k < g->nodes.at[i].input_count; k++) {
      net_value_id v = net_node_input(g, i, k);
      if (v == NET_NONE) continue;
      j->readers[v]++;
      j->moved[v] |= net_node_op(g, i)->class == OP_MOVEMENT || g->nodes.at[i].op == j->relu;
    }
  count_list(j, &g->outputs);
  count_list(j, &g->losses);
  count_list(j, &g->observed);
}

/* Raises the lower end of a rescaling in the new graph. may_change: its type too. */
static bool raise(const joiner *j, net_node_id id, int64_t low, bool may_change) {
  net_graph *g = j->to;
  net_attribute *least = net_node_find_attribute(g, id, "low"),
                *type = net_node_find_attribute(g, id, "type");
  int64_t most = net_node_int(g, id, "high");
  if (low > least->integer) least->integer = low < most ? low : most;
  if (least->integer >= 0 && may_change)
    type->text = net_intern(g->n, most < 256 ? "u8" : most < 32768 ? "i16" : most < 65536 ? "u16" : "i32");
  return net_node_op(g, id)->shape(g->n, g, id);
}

enum { MOST_BITS = 61 };

/* Of a signed integer in that interval. */
static int64_t bits_of(net_range q) {
  int64_t bits = 1;
  while (bits < 64 && ldexp(1, (int)bits - 1) - 1 < fmax(q.hi, -q.lo - 1)) bits++;
  return bits;
}

static bool join_rescale(joiner *j, net_node_id id) {
  net_value_id x = net_node_input(j->from, id, 0), y = net_node_output(j->from, id, 0);
  net_node_id relu = def_of(j, x, j->relu);
  net_node_id made = net_graph_clone_node(j->to, j->from, id, j->map);
  if (relu == NET_NONE || net_node_int(j->from, id, "wrap")) return true;
  if (net_node_int(j->from, relu, "zero")) return true;
  net_value_id before = net_node_input(j->from, relu, 0);
  int64_t bits = bits_of(j->ranges->values[before]);
  if (bits > MOST_BITS) return true;
  net_node_find_attribute(j->to, made, "bits")->integer = bits;
  j->to->edges.at[j->to->nodes.at[made].first_input] = j->map[before];
  return raise(j, made, net_node_int(j->from, id, "zero"), !j->moved[y]);
}

/* True: it is part of the rescaling in front now. */
static bool join_relu(joiner *j, net_node_id id, bool *ok) {
  net_value_id x = net_node_input(j->from, id, 0), y = net_node_output(j->from, id, 0);
  if (def_of(j, x, j->rescale) == NET_NONE || j->readers[x] != 1) return false;
  j->map[y] = j->map[x];
  *ok = raise(j, j->to->values.at[j->map[x]].def, net_node_int(j->from, id, "zero"), !j->moved[y]);
  return true;
}

static void take_list(const joiner *j, const net_value_ids *from, net_value_ids *to) {
  for (uint32_t i = 0; i < from->count; i++) net_vec_push(j->to->arena, to, j->map[from->at[i]]);
}

net_graph *net_integers_join(const net_pass_context *context, const net_graph *graph) {
  net_arena scratch;
  net_arena_init(&scratch, context->n->arena.guard);
  joiner j = {.from = graph, .to = net_graph_new(context->n, context->arena, graph->name, graph->loc)};
  j.readers = NET_NEW_ARRAY(&scratch, uint32_t, graph->values.count + 1);
  j.moved = NET_NEW_ARRAY(&scratch, bool, graph->values.count + 1);
  j.map = NET_NEW_ARRAY(&scratch, net_value_id, graph->values.count + 1);
  net_op_find(context->n, "integer_relu", &j.relu);
  net_op_find(context->n, "integer_rescale", &j.rescale);
  j.ranges = net_ranges_find(context->n, &scratch, graph, NULL);
  count_readers(&j);
  bool ok = true;
  for (net_value_id v = 0; v < graph->values.count && ok; v++) {
    const net_value *value = net_graph_value_at(graph, v);
    if (value->kind != NET_VALUE_RESULT) {
      j.map[v] = net_graph_clone_value(j.to, graph, v);
    } else if (v == graph->nodes.at[value->def].first_output) {
      uint16_t row = graph->nodes.at[value->def].op;
      if (row == j.rescale) ok = join_rescale(&j, value->def);
      else if (row != j.relu || !join_relu(&j, value->def, &ok))
        net_graph_clone_node(j.to, graph, value->def, j.map);
    }
  }
  take_list(&j, &graph->outputs, &j.to->outputs);
  take_list(&j, &graph->losses, &j.to->losses);
  take_list(&j, &graph->observed, &j.to->observed);
  net_arena_free(&scratch);
  return ok ? j.to : NULL;
}
