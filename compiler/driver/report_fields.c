/* All that a graph knows of a node, field by field: what compare compares. */
#include "driver/report.h"

#include "formats/formats.h"
#include "graph/operator.h"

#include <math.h>

static const char *const classes[OP_CLASSES] = {[OP_ELEMENTWISE] = "elementwise",
                                                [OP_CONTRACTION] = "contraction",
                                                [OP_REDUCTION] = "reduction",
                                                [OP_MOVEMENT] = "movement",
                                                [OP_LOSS] = "loss",
                                                [OP_UPDATE] = "update"};

typedef struct {
  const dr_report *r;
  dr_fields fields;
} describer;

static void word(describer *d, const char *prefix, const char *name, const char *text) {
  net_arena *arena = &d->r->n->arena;
  if (text && *text)
    net_vec_push(arena, &d->fields,
                 (dr_field){net_arena_format(arena, "%s%s", prefix, name), {.text = text, .number = NAN}});
}

static void number(describer *d, const char *name, double value) {
  net_vec_push(&d->r->n->arena, &d->fields, (dr_field){name, {.number = value}});
}

static const char *place(const describer *d, net_loc loc) {
  net_position at = net_sources_find(&d->r->n->sources, loc);
  return at.source ? net_arena_format(&d->r->n->arena, "%s:%u:%u", at.source->path, at.line, at.column)
                   : NULL;
}

/* prefix: "weight.", or "" for what a node gives */
static void tensor(describer *d, const char *prefix, net_value_id id) {
  const net_value *v = net_graph_value_at(d->r->graph, id);
  net_arena *arena = &d->r->n->arena;
  word(d, prefix, "type", net_type_name(v->type));
  word(d, prefix, "shape", net_shape_text(arena, &v->shape));
  word(d, prefix, "batched", v->batched ? "true" : "false");
  word(d, prefix, "format", net_format_text(d->r->n, v->format));
  if (v->range.lo <= v->range.hi)
    word(d, prefix, "range", net_arena_format(arena, "[%.9g, %.9g]", v->range.lo, v->range.hi));
  v = net_graph_value_at(d->r->graph, net_graph_plain(d->r->graph, id)); /* in front of its quantiser */
  if (v->kind != NET_VALUE_PARAMETER && v->kind != NET_VALUE_STATISTIC) return;
  static const char *const inits[] = {
      [NET_INIT_FILL] = "", [NET_INIT_UNIFORM] = "uniform ", [NET_INIT_NORMAL] = "normal "};
  word(d, prefix, "initial", net_arena_format(arena, "%s%.9g", inits[v->init.kind], v->init.value));
  if (v->kind == NET_VALUE_STATISTIC) return;
  word(d, prefix, "frozen", v->frozen ? "true" : "false");
  word(d, prefix, "group", net_arena_format(arena, "%u", v->group));
}

/* Data inputs by their roles and numbers, "input", "input_2", as their quantisers are called; others by the
 * names that the operator gives them. */
static void inputs(describer *d, net_node_id id) {
  const net_graph *g = d->r->graph;
  const net_op_field *fields;
  uint32_t declared = net_op_inputs(d->r->n, net_node_op(g, id), &fields), data = 0;
  for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++) {
    net_value_id v = net_node_input(g, id, i);
    bool is_data = net_node_role(g, id, i) == NET_TENSOR_INPUT;
    const char *name = is_data ? "input" : fields[i < declared ? i : declared - 1].name;
    if (is_data && data++) name = net_arena_format(&d->r->n->arena, "input_%u", data);
    if (v != NET_NONE) tensor(d, net_arena_format(&d->r->n->arena, "%s.", name), v);
  }
}

static void outputs(describer *d, net_node_id id) {
  const net_graph *g = d->r->graph;
  const net_op_field *fields;
  net_op_outputs(d->r->n, net_node_op(g, id), &fields);
  tensor(d, "", net_node_output(g, id, 0));
  for (uint32_t i = 1; i < g->nodes.at[id].output_count; i++)
    tensor(d, net_arena_format(&d->r->n->arena, "%s.", fields[i].name), net_node_output(g, id, i));
  if (net_node_result_quantizer(g, id, NET_TENSOR_ACCUMULATOR) != NET_NONE)
    word(d, "accumulator.", "format",
         net_format_text(d->r->n, net_node_format(g, id, NET_TENSOR_ACCUMULATOR)));
  word(d, "output.", "format", net_format_text(d->r->n, net_node_format(g, id, NET_TENSOR_OUTPUT)));
}

static void node(describer *d, const dr_report_row *row) {
  const net_graph *g = d->r->graph;
  const net_node *at = net_graph_at(g, row->node);
  const char *within = "";
  inputs(d, row->node);
  outputs(d, row->node);
  for (uint32_t i = 0; i < at->attribute_count; i++) {
    const net_attribute *a = &g->attributes.at[at->first_attribute + i];
    const char *name = net_arena_format(&d->r->n->arena, "attributes.%s", net_text(d->r->n, a->key));
    if (a->kind == NET_ATTRIBUTE_INT) number(d, name, (double)a->integer);
    else if (a->kind == NET_ATTRIBUTE_REAL) number(d, name, a->real);
    else word(d, name, "", dr_attribute_text(d->r->n, a));
  }
  for (uint32_t i = 0; i < at->layer_count; i++)
    within = net_arena_format(&d->r->n->arena, "%s%s%s", within, i ? ", " : "",
                              net_text(d->r->n, net_node_layer(g, row->node, i)));
  word(d, "", "layers", within);
  if (net_node_is_quantizer(g, row->node)) {
    word(d, "", "owner", net_text(d->r->n, at->owner));
    word(d, "", "role", net_tensor_role_names[at->role]);
  }
  double samples = net_node_samples(g, row->node, d->r->batch);
  number(d, "computations", at->cost.computations * samples);
  number(d, "backward", at->cost.backward * samples);
  number(d, "macs", row->macs);
  number(d, "flops", row->flops);
  number(d, "bitops", row->bitops);
  number(d, "parameters", (double)row->parameters);
  word(d, "", "use", place(d, at->use));
}

dr_fields dr_report_fields(const dr_report *r, const dr_report_row *row) {
  describer d = {.r = r};
  word(&d, "", "kind", row->kind);
  word(&d, "", "op", row->op);
  if (row->node != NET_NONE) word(&d, "", "class", classes[net_node_op(r->graph, row->node)->class]);
  word(&d, "", "inputs", row->inputs);
  number(&d, "users", row->users);
  if (row->node != NET_NONE) node(&d, row);
  else tensor(&d, "", (net_value_id)(row->value - r->graph->values.at));
  word(&d, "", "place", place(&d, row->loc));
  return d.fields;
}

dr_fields dr_report_total_fields(const dr_report *r) {
  describer d = {.r = r};
  number(&d, "parameters", (double)r->total.parameters);
  number(&d, "computations", r->total.computations);
  number(&d, "backward", r->total.backward);
  number(&d, "macs", r->total.macs);
  number(&d, "flops", r->total.flops);
  number(&d, "true_flops", r->total.true_flops);
  number(&d, "bitops", r->total.bitops);
  number(&d, "weight_bytes", r->total.weight_bytes);
  number(&d, "activation_bytes", (double)r->activation_bytes);
  number(&d, "average_weight_bits", r->total.weight_bits);
  number(&d, "average_activation_bits", r->total.activation_bits);
  return d.fields;
}
