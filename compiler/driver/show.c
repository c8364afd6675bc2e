/* netc show: a network's graph with shapes and costs. */
#include "driver/subject.h"

#include "graph/cost.h"
#include "graph/operator.h"
#include "support/table.h"

#include <math.h>

typedef struct {
  dr_call *call;
  netc *n;
  const net_graph *graph;
  uint32_t batch;
  net_cost_total total;
  size_t activation_bytes;
} shown;

/* A row: an input, a node, or the network's result, as fx lists them. */
typedef struct {
  const char *name, *kind, *op;
  const net_value *value;
  double macs, flops, bitops;
  uint64_t parameters;
  net_loc loc;
} row;

static uint64_t node_parameters(const net_graph *g, net_node_id id) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++) {
    net_value_id input = net_node_input(g, id, i);
    if (input != NET_NONE && g->values.at[input].kind == NET_VALUE_PARAMETER)
      count += net_shape_elements(&g->values.at[input].shape);
  }
  return count;
}

static row node_row(const shown *s, net_node_id id) {
  const net_graph *g = s->graph;
  const net_node *node = net_graph_at(g, id);
  const net_op *op = net_node_op(g, id);
  double samples = net_node_samples(g, id, s->batch);
  bool contraction = op->class == OP_CONTRACTION;
  return (row){.name = net_text(s->n, node->name),
               .kind = op->kind,
               .op = op->name,
               .value = net_graph_value_at(g, net_node_output(g, id, 0)),
               .macs = contraction ? node->cost.computations * samples : 0,
               .flops = node->cost.flops * samples,
               .bitops = node->cost.bitops * samples,
               .parameters = node_parameters(g, id),
               .loc = node->loc};
}

static uint32_t make_rows(const shown *s, row **rows) {
  const net_graph *g = s->graph;
  uint32_t count = 0;
  *rows = NET_NEW_ARRAY(&s->n->arena, row, g->values.count + g->nodes.count + g->outputs.count + 1);
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = net_graph_value_at(g, v);
    if (value->kind == NET_VALUE_INPUT)
      (*rows)[count++] = (row){.name = net_text(s->n, value->name),
                               .kind = "placeholder",
                               .op = "input",
                               .value = value,
                               .loc = value->loc};
  }
  for (net_node_id id = 0; id < g->nodes.count; id++) (*rows)[count++] = node_row(s, id);
  (*rows)[count++] = (row){
      .name = "output", .kind = "output", .op = "output", .value = net_graph_value_at(g, g->outputs.at[0])};
  return count;
}

/* Peak memory of activations at this batch, as the planner lays them out. */
static size_t activation_bytes(const shown *s, dr_subject *subject) {
  pl_request request = {.network = s->graph,
                        .functions = PL_INFER,
                        .batch = s->batch,
                        .target = subject->call->value[DR_target]};
  return pl_scratch_bytes(s->n, &request);
}

static const char *const kinds[] = {"placeholder", "get_attr",    "call_function",
                                    "call_method", "call_module", "output"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static json_t *json_row(const shown *s, const row *r) {
  json_t *shape = json_array();
  for (uint32_t i = 0; i < r->value->shape.rank; i++)
    json_array_append_new(shape, json_integer(r->value->shape.dim[i]));
  net_position at = net_sources_find(&s->n->sources, r->loc);
  return json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "name", r->name, "kind",
                   r->kind, "op", r->op, "shape", shape, "format", "float32", "range_low",
                   net_json_number(NAN), "range_high", net_json_number(NAN), "macs", net_json_number(r->macs),
                   "flops", net_json_number(r->flops), "bitops", net_json_number(r->bitops), "parameters",
                   (json_int_t)r->parameters, "line", at.source ? json_integer(at.line) : json_null());
}

static void print_json(const shown *s, const row *rows, uint32_t count) {
  json_t *nodes = json_array(), *by_kind = json_object();
  for (int k = 0; k < KINDS; k++) {
    json_int_t n = 0;
    for (uint32_t i = 0; i < count; i++) n += !strcmp(rows[i].kind, kinds[k]);
    json_object_set_new(by_kind, kinds[k], json_integer(n));
  }
  for (uint32_t i = 0; i < count; i++) json_array_append_new(nodes, json_row(s, &rows[i]));
  json_t *totals =
      json_pack("{s:o, s:o, s:o, s:I, s:o, s:I, s:o}", "macs", net_json_number(s->total.macs), "flops",
                net_json_number(s->total.flops), "bitops", net_json_number(s->total.bitops), "parameters",
                (json_int_t)s->total.parameters, "weight_bytes", net_json_number(s->total.weight_bytes),
                "activation_bytes", (json_int_t)s->activation_bytes, "true_flops",
                net_json_number(s->total.true_flops));
  net_json_print(s->call->out,
                 json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "network", net_text(s->n, s->graph->name),
                           "parameters", (json_int_t)s->total.parameters, "batch", (json_int_t)s->batch,
                           "nodes", nodes, "kinds", by_kind, "totals", totals));
}

static const char *shape_text(const shown *s, const net_value *value) {
  return net_arena_format(&s->n->arena, "f32%s", net_shape_text(&s->n->arena, &value->shape));
}

/* For programs to read. */
static const char *plain(net_arena *arena, double x) { return net_arena_format(arena, "%.0f", x); }

static void print_table(const shown *s, const row *rows, uint32_t count, net_table_form form) {
  static const char *const titles[] = {"node",       "kind", "op",    "shape",
                                       "parameters", "MACs", "FLOPs", "BitOPs"};
  netc *n = s->n;
  net_table t = net_table_new(&n->arena, 8, titles, "llllrrrr");
  const char *(*number)(net_arena *, double) = form == NET_TABLE_CSV ? plain : net_thousands;
  for (uint32_t i = 0; i < count; i++) {
    const row *r = &rows[i];
    net_table_add(&t, r->name);
    net_table_add(&t, r->kind);
    net_table_add(&t, r->op);
    net_table_add(&t, shape_text(s, r->value));
    net_table_add(&t, r->parameters ? number(&n->arena, (double)r->parameters) : NULL);
    net_table_add(&t, r->macs ? number(&n->arena, r->macs) : NULL);
    net_table_add(&t, r->flops ? number(&n->arena, r->flops) : NULL);
    net_table_add(&t, r->bitops ? number(&n->arena, r->bitops) : NULL);
  }
  net_table_add(&t, "total");
  for (int i = 0; i < 3; i++) net_table_add(&t, NULL);
  net_table_add(&t, number(&n->arena, (double)s->total.parameters));
  net_table_add(&t, number(&n->arena, s->total.macs));
  net_table_add(&t, number(&n->arena, s->total.flops));
  net_table_add(&t, number(&n->arena, s->total.bitops));
  net_table_print(s->call->out, &t, form);
}

/* Costs by line of the program, each with its text. */
static void print_lines(const shown *s) {
  static const char *const titles[] = {"line", "MACs", "FLOPs", "BitOPs", "source"};
  netc *n = s->n;
  net_table t = net_table_new(&n->arena, 5, titles, "lrrrl");
  bool *done = NET_NEW_ARRAY(&n->arena, bool, s->graph->nodes.count + 1);
  for (net_node_id id = 0; id < s->graph->nodes.count; id++) {
    net_position at = net_sources_find(&n->sources, s->graph->nodes.at[id].loc);
    double macs = 0, flops = 0, bitops = 0;
    if (done[id] || !at.source) continue;
    for (net_node_id other = id; other < s->graph->nodes.count; other++) {
      net_position there = net_sources_find(&n->sources, s->graph->nodes.at[other].loc);
      if (there.source != at.source || there.line != at.line) continue;
      done[other] = true;
      row r = node_row(s, other);
      macs += r.macs, flops += r.flops, bitops += r.bitops;
    }
    net_table_format(&t, "%s:%u", at.source->path, at.line);
    net_table_add(&t, net_thousands(&n->arena, macs));
    net_table_add(&t, net_thousands(&n->arena, flops));
    net_table_add(&t, net_thousands(&n->arena, bitops));
    uint32_t skip = 0;
    while (skip < at.line_length && at.line_text[skip] == ' ') skip++;
    net_table_format(&t, "%.*s", (int)(at.line_length - skip), at.line_text + skip);
  }
  net_table_print(s->call->out, &t, NET_TABLE_TEXT);
}

static void print_dot(const shown *s, const row *rows, uint32_t count) {
  const net_graph *g = s->graph;
  FILE *to = s->call->out;
  fprintf(to, "digraph \"%s\" {\n  rankdir = TB\n  node [shape = box, fontname = \"sans-serif\"]\n",
          net_text(s->n, g->name));
  for (uint32_t i = 0; i < count; i++)
    fprintf(to, "  \"%s\" [label = \"%s\\n%s%s%s\"]\n", rows[i].name, rows[i].name,
            shape_text(s, rows[i].value), rows[i].flops ? "\\n" : "",
            rows[i].flops
                ? net_arena_format(&s->n->arena, "%s FLOPs", net_thousands(&s->n->arena, rows[i].flops))
                : "");
  for (net_node_id id = 0; id < g->nodes.count; id++)
    for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++) {
      net_value_id input = net_node_input(g, id, i);
      if (input == NET_NONE) continue;
      const net_value *value = net_graph_value_at(g, input);
      const char *from = value->kind == NET_VALUE_INPUT    ? net_text(s->n, value->name)
                         : value->kind == NET_VALUE_RESULT ? net_text(s->n, g->nodes.at[value->def].name)
                                                           : NULL;
      if (from) fprintf(to, "  \"%s\" -> \"%s\"\n", from, net_text(s->n, g->nodes.at[id].name));
    }
  for (uint32_t i = 0; i < g->outputs.count; i++) {
    const net_value *value = net_graph_value_at(g, g->outputs.at[i]);
    fprintf(to, "  \"%s\" -> \"output\"\n",
            net_text(s->n, value->kind == NET_VALUE_RESULT ? g->nodes.at[value->def].name : value->name));
  }
  fprintf(to, "}\n");
}

int dr_show(dr_call *call) {
  dr_subject subject;
  uint64_t batch = 8;
  if (dr_has(call, DR_quantize) || dr_has(call, DR_why)) return dr_not_built(call, "quantising a network");
  if (!dr_integer(call, DR_batch, 1, 1 << 24, &batch)) return DR_WRONG_COMMAND;
  if (!dr_open(call, &subject)) return DR_WRONG_INPUT;
  net_network *network = &subject.experiment.network;
  if (!dr_elaborate_network(&subject)) return DR_WRONG_INPUT;
  net_graph_cost(network->graph);
  shown s = {.call = call, .n = call->n, .graph = network->graph, .batch = (uint32_t)batch};
  s.total = net_graph_cost_total(s.graph, s.batch);
  s.activation_bytes = activation_bytes(&s, &subject);
  pl_options options;
  if (!dr_compile_options(call, &options)) return DR_WRONG_COMMAND;
  if (options.print_after != PL_STAGES || options.stop_after != PL_STAGES || options.print_ir ||
      options.print_asm || options.time_passes) { /* what becomes of the network's training step */
    if (!dr_elaborate(&subject)) return DR_WRONG_INPUT;
    int code;
    pl_free(dr_compile(&subject, PL_TRAIN, subject.experiment.recipe.train.batch_size, &code));
    return code;
  }
  row *rows;
  uint32_t count = make_rows(&s, &rows);
  const char *as = call->value[DR_as] ? call->value[DR_as] : "text";
  if (call->json) {
    print_json(&s, rows, count);
  } else if (!strcmp(as, "dot")) {
    print_dot(&s, rows, count);
  } else if (strcmp(as, "text")) {
    print_table(&s, rows, count, strcmp(as, "csv") ? NET_TABLE_MARKDOWN : NET_TABLE_CSV);
  } else {
    fprintf(call->out, "network %s, batch %u\n\n", net_text(call->n, s.graph->name), s.batch);
    print_table(&s, rows, count, NET_TABLE_TEXT);
    fprintf(call->out, "\n%s bytes of weights, %s bytes of activations at once\n\n",
            net_thousands(&call->n->arena, s.total.weight_bytes),
            net_thousands(&call->n->arena, (double)s.activation_bytes));
    print_lines(&s);
  }
  return DR_DONE;
}
