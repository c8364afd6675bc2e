/* Checks a graph's invariants after it was built, read or changed. What it finds are faults of netc. */
#include "formats/formats.h"
#include "graph/operator.h"

#include <math.h>

typedef struct {
  netc *n;
  const net_graph *graph;
  uint32_t faults;
} checker;

static void bad(checker *c, net_loc where, net_name name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void bad(checker *c, net_loc where, net_name name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const char *message = net_arena_vformat(&c->n->arena, format, arguments);
  va_end(arguments);
  const char *graph = net_text(c->n, c->graph->name);
  net_fault(c->n, where, "graph '%s', '%s' %s", graph, net_text(c->n, name), message);
  c->faults++;
}

#define BAD_VALUE(c, value, ...) bad((c), (value)->loc, (value)->name, __VA_ARGS__)
#define BAD_NODE(c, node, ...) bad((c), (node)->loc, (node)->name, __VA_ARGS__)

/* ---- values ---- */

/* By value kind: what it may have. */
static const struct {
  bool batched, init, data, frozen, grouped;
} kinds[] = {
    [NET_VALUE_INPUT] = {.batched = true},
    [NET_VALUE_TARGET] = {.batched = true},
    [NET_VALUE_WEIGHT] = {.batched = true},
    [NET_VALUE_PARAMETER] = {.init = true, .frozen = true, .grouped = true},
    [NET_VALUE_STATISTIC] = {.init = true, .frozen = true},
    [NET_VALUE_STATE] = {.init = true},
    [NET_VALUE_SCALAR] = {.grouped = true},
    [NET_VALUE_CONSTANT] = {.data = true},
    [NET_VALUE_RESULT] = {0},
};

static void check_shape(checker *c, const net_value *value) {
  if (value->shape.rank > NET_MAX_RANK) {
    BAD_VALUE(c, value, "has %u axes", value->shape.rank);
    return;
  }
  uint64_t elements = 1;
  for (uint32_t i = 0; i < value->shape.rank; i++) {
    if (!value->shape.dim[i]) BAD_VALUE(c, value, "has an axis of no elements");
    if (elements <= INT32_MAX) elements *= value->shape.dim[i];
  }
  if (elements > INT32_MAX) BAD_VALUE(c, value, "has more than 2^31 elements");
}

static void check_value(checker *c, const net_value *value) {
  if (value->kind > NET_VALUE_RESULT) {
    BAD_VALUE(c, value, "is of no kind");
    return;
  }
  check_shape(c, value);
  bool made = value->kind == NET_VALUE_RESULT || value->kind == NET_VALUE_CONSTANT;
  bool codes = value->kind == NET_VALUE_INPUT && value->type != NET_U32 && value->type != NET_F64;
  if (value->type == NET_BOOL || value->type == NET_U64 || value->type >= NET_TYPE_COUNT)
    BAD_VALUE(c, value, "is of a type that values do not have");
  else if (value->type == NET_U32 && !made && value->kind != NET_VALUE_TARGET)
    BAD_VALUE(c, value, "is u32, but no target");
  else if (value->type != NET_F32 && value->type != NET_U32 && !made && !codes)
    BAD_VALUE(c, value, "is %s, but neither a node's result nor a constant", net_type_name(value->type));
  if (value->format >= net_formats_in_use(c->n)) BAD_VALUE(c, value, "has a number format that is none");
  if (isnan(value->range.lo) || isnan(value->range.hi)) BAD_VALUE(c, value, "has NaN for a bound");
  if (value->kind == NET_VALUE_RESULT) return; /* of which check_results knows more */
  if (value->def != NET_NONE) BAD_VALUE(c, value, "has a node that defines it");
  if (value->batched != kinds[value->kind].batched)
    BAD_VALUE(c, value, value->batched ? "is there for each sample" : "is not there for each sample");
  if ((value->kind == NET_VALUE_WEIGHT || value->kind == NET_VALUE_SCALAR) && value->shape.rank)
    BAD_VALUE(c, value, "is more than one number");
  if (value->frozen && !kinds[value->kind].frozen) BAD_VALUE(c, value, "cannot be frozen");
  if (value->group && !kinds[value->kind].grouped) BAD_VALUE(c, value, "cannot have a learning rate");
  if (!value->data != !kinds[value->kind].data) BAD_VALUE(c, value, value->data ? "has data" : "has no data");
  if (kinds[value->kind].init &&
      (!isfinite(value->init.value) || (value->init.kind != NET_INIT_FILL && value->init.value < 0)))
    BAD_VALUE(c, value, "has %g to start from", value->init.value);
  if (value->kind == NET_VALUE_SCALAR && value->scalar != NET_SCALAR_RATE &&
      !(value->beta >= 0 && value->beta < 1))
    BAD_VALUE(c, value, "corrects for a decay of %g", value->beta);
}

static void check_names(checker *c, net_arena *scratch) {
  const net_graph *g = c->graph;
  uint8_t *seen = NET_NEW_ARRAY(scratch, uint8_t, c->n->names.texts.count);
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = &g->values.at[v];
    if (!value->name.id) BAD_VALUE(c, value, "is a value without a name");
    else if (seen[value->name.id]) BAD_VALUE(c, value, "is the name of two values");
    seen[value->name.id] = 1;
  }
}

static void check_columns(checker *c) {
  const net_graph *g = c->graph;
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *a = &g->values.at[v];
    if (a->kind > NET_VALUE_WEIGHT) continue; /* sample weights: column 0 */
    for (net_value_id w = 0; w < v; w++) {
      const net_value *b = &g->values.at[w];
      if (a->kind == b->kind && a->column == b->column)
        BAD_VALUE(c, a, "is the same column as '%s'", net_text(c->n, b->name));
    }
  }
}

/* ---- nodes ---- */

/* Only then may the rest look inside the node. */
static bool check_places(checker *c, const net_node *node, uint64_t *edge, uint64_t *attribute,
                         uint64_t *output) {
  const net_graph *g = c->graph;
  bool ok = node->op < c->n->op_count && node->first_input == *edge && node->first_attribute == *attribute &&
            node->first_output >= *output &&
            (uint64_t)node->first_layer + node->layer_count <= g->layers.count;
  *edge += node->input_count;
  *attribute += node->attribute_count;
  *output = (uint64_t)node->first_output + node->output_count;
  ok = ok && *edge <= g->edges.count && *attribute <= g->attributes.count && *output <= g->values.count;
  if (!ok) BAD_NODE(c, node, "has operator, inputs, outputs or attributes out of place");
  return ok;
}

static void check_inputs(checker *c, net_node_id id) {
  const net_graph *g = c->graph;
  const net_node *node = &g->nodes.at[id];
  const net_op_field *fields;
  uint32_t declared = net_op_inputs(c->n, net_node_op(g, id), &fields);
  bool variadic = declared && fields[declared - 1].variadic;
  if (node->input_count < declared || (node->input_count > declared && !variadic)) {
    BAD_NODE(c, node, "has %u inputs, not %u", node->input_count, declared);
    return;
  }
  for (uint32_t i = 0; i < node->input_count; i++) {
    const net_op_field *field = &fields[i < declared ? i : declared - 1];
    net_value_id v = net_node_input(g, id, i);
    if (v == NET_NONE) {
      if (!field->optional) BAD_NODE(c, node, "lacks the input '%s'", field->name);
    } else if (v >= node->first_output) {
      BAD_NODE(c, node, "comes before its input '%s'", field->name);
    } else if (!net_op_accepts(field, g->values.at[v].kind)) {
      BAD_NODE(c, node, "has an input '%s' that is no %s", field->name, field->kind);
    }
  }
}

static void check_attributes(checker *c, net_node_id id) {
  const net_graph *g = c->graph;
  const net_node *node = &g->nodes.at[id];
  const net_op_field *fields;
  uint32_t declared = net_op_attributes(c->n, net_node_op(g, id), &fields);
  if (node->attribute_count != declared)
    BAD_NODE(c, node, "has %u attributes, not %u", node->attribute_count, declared);
  for (uint32_t i = 0; i < declared && i < node->attribute_count; i++) {
    const net_attribute *attribute = &g->attributes.at[node->first_attribute + i];
    if (strcmp(net_text(c->n, attribute->key), fields[i].name) ||
        attribute->kind != net_op_attribute_kind(&fields[i]))
      BAD_NODE(c, node, "has an attribute %u that is not '%s: %s'", i, fields[i].name, fields[i].kind);
  }
}

static void check_outputs(checker *c, net_node_id id) {
  const net_graph *g = c->graph;
  const net_node *node = &g->nodes.at[id];
  const net_op_field *fields;
  uint32_t declared = net_op_outputs(c->n, net_node_op(g, id), &fields);
  if (node->output_count != declared) {
    BAD_NODE(c, node, "has %u outputs, not %u", node->output_count, declared);
    return;
  }
  for (uint32_t i = 0; i < declared; i++) {
    const net_value *value = &g->values.at[node->first_output + i];
    net_name name = node->name;
    if (i) name = net_intern_format(c->n, "%s.%s", net_text(c->n, node->name), fields[i].name);
    if (value->kind != NET_VALUE_RESULT || value->def != id)
      BAD_NODE(c, node, "does not define its output '%s'", fields[i].name);
    if (!net_name_same(value->name, name))
      BAD_NODE(c, node, "has its output '%s' named '%s'", fields[i].name, net_text(c->n, value->name));
  }
}

/* What quantises a result stands where net_node_result_quantizer looks for it. */
static void check_quantizer(checker *c, net_node_id id) {
  const net_node *node = &c->graph->nodes.at[id], *before = id ? node - 1 : NULL;
  if (!node->owner.id) return;
  if (node->role >= NET_TENSORS) {
    BAD_NODE(c, node, "quantises no tensor that there is");
    return;
  }
  if (node->role < NET_TENSOR_OUTPUT) return;
  bool behind = before && (net_name_same(before->name, node->owner) ||
                           (net_name_same(before->owner, node->owner) && node->role == NET_TENSOR_OUTPUT &&
                            before->role == NET_TENSOR_ACCUMULATOR));
  if (!behind)
    BAD_NODE(c, node, "quantises the %s of '%s', but does not stand behind it",
             net_tensor_role_names[node->role], net_text(c->n, node->owner));
}

/* Results belong to nodes, and no node's operator disagrees with what they are. */
static void check_results(checker *c, net_arena *scratch) {
  const net_graph *g = c->graph;
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = &g->values.at[v];
    if (value->kind != NET_VALUE_RESULT) continue;
    const net_node *node = value->def < g->nodes.count ? &g->nodes.at[value->def] : NULL;
    if (!node || v < node->first_output || v - node->first_output >= node->output_count)
      BAD_VALUE(c, value, "is a result of no node");
  }
  if (c->faults) return;
  net_graph *fresh = net_graph_copy(scratch, g);
  for (net_value_id v = 0; v < g->values.count; v++) { /* as the shape functions find them */
    net_value *value = &fresh->values.at[v];
    if (value->kind == NET_VALUE_RESULT) value->type = NET_F32, value->shape.rank = 0, value->batched = false;
  }
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    const net_node *node = &g->nodes.at[i];
    if (!net_node_op(g, i)->shape(c->n, fresh, i)) {
      BAD_NODE(c, node, "has inputs whose shapes do not fit");
      return;
    }
    for (uint32_t k = 0; k < node->output_count; k++) {
      const net_value *is = &g->values.at[node->first_output + k];
      const net_value *should = &fresh->values.at[node->first_output + k];
      if (is->type == should->type && is->batched == should->batched &&
          net_shape_same(&is->shape, &should->shape))
        continue;
      BAD_VALUE(c, is, "is %s%s%s, but the operator gives %s%s%s", net_type_name(is->type),
                is->batched ? "[b]" : "", net_shape_text(scratch, &is->shape), net_type_name(should->type),
                should->batched ? "[b]" : "", net_shape_text(scratch, &should->shape));
    }
  }
}

/* Updates come last: each variable is written once, by a node that nothing but updates and lists follow. */
static void check_updates(checker *c, net_arena *scratch) {
  const net_graph *g = c->graph;
  net_node_id *writer = NET_NEW_ARRAY(scratch, net_node_id, g->values.count + 1);
  for (net_value_id v = 0; v < g->values.count; v++) writer[v] = NET_NONE;
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    const net_node *node = &g->nodes.at[i];
    bool update = net_node_op(g, i)->class == OP_UPDATE;
    for (uint32_t k = 0; k < node->input_count; k++) {
      net_value_id v = net_node_input(g, i, k);
      if (v == NET_NONE) continue;
      if (writer[v] != NET_NONE)
        BAD_NODE(c, node, "reads '%s', which an update has written", net_text(c->n, g->values.at[v].name));
      net_node_id def = g->values.at[v].def;
      if (def != NET_NONE && net_node_op(g, def)->class == OP_UPDATE)
        BAD_NODE(c, node, "reads the result of an update");
    }
    const net_op_field *outputs;
    net_op_outputs(c->n, net_node_op(g, i), &outputs);
    for (uint32_t k = 0; k < node->output_count; k++) {
      net_value_id v = net_node_alias(g, i, k);
      if (update && strcmp(outputs[k].kind, "alias"))
        BAD_NODE(c, node, "is an update with a result '%s' that replaces nothing", outputs[k].name);
      if (v == NET_NONE) continue; /* also of an optional input that is absent */
      const net_value *value = &g->values.at[v];
      const net_value *by = &g->values.at[node->first_output + k];
      const char *name = net_text(c->n, value->name);
      if (!update) BAD_NODE(c, node, "writes over '%s', but is no update", name);
      if (!kinds[value->kind].init) BAD_NODE(c, node, "updates '%s', which is no variable", name);
      if (value->frozen) BAD_NODE(c, node, "updates '%s', which is frozen", name);
      if (!net_shape_same(&by->shape, &value->shape) || by->batched)
        BAD_NODE(c, node, "gives '%s' another shape", name);
      writer[v] = i;
    }
  }
}

static void check_lists(checker *c) {
  const net_graph *g = c->graph;
  const struct {
    const char *what;
    const net_value_ids *ids;
  } lists[] = {{"output", &g->outputs}, {"loss", &g->losses}, {"observed value", &g->observed}};
  for (uint32_t k = 0; k < sizeof lists / sizeof *lists; k++)
    for (uint32_t i = 0; i < lists[k].ids->count; i++) {
      net_value_id v = lists[k].ids->at[i];
      const net_value *value = v < g->values.count ? &g->values.at[v] : NULL;
      if (!value) bad(c, g->loc, g->name, "has for %s %u no value", lists[k].what, i);
      else if (value->type == NET_F64 || (k && value->type != NET_F32))
        BAD_VALUE(c, value, "is %s, but listed as %s", net_type_name(value->type), lists[k].what);
      else if (lists[k].ids == &g->losses && (value->batched || value->shape.rank))
        BAD_VALUE(c, value, "is more than one number, but listed as loss");
    }
  if (g->losses.count == 1 || g->losses.count > 3)
    bad(c, g->loc, g->name, "has %u losses, not the loss, weight sum and correct count", g->losses.count);
}

bool net_graph_verify(netc *n, const net_graph *graph) {
  checker c = {.n = n, .graph = graph};
  net_arena scratch;
  net_arena_init(&scratch, n->arena.guard);
  uint64_t edge = 0, attribute = 0, output = 0;
  bool sound = true;
  for (net_value_id v = 0; v < graph->values.count; v++) check_value(&c, &graph->values.at[v]);
  check_names(&c, &scratch);
  check_columns(&c);
  for (net_node_id i = 0; i < graph->nodes.count && sound; i++)
    sound = check_places(&c, &graph->nodes.at[i], &edge, &attribute, &output);
  for (net_node_id i = 0; i < graph->nodes.count && sound; i++) {
    check_inputs(&c, i);
    check_attributes(&c, i);
    check_outputs(&c, i);
    check_quantizer(&c, i);
  }
  if (sound) check_lists(&c);
  if (sound && !c.faults) check_results(&c, &scratch); /* runs operators: only on what they can rely on */
  if (sound && !c.faults) check_updates(&c, &scratch);
  net_arena_free(&scratch);
  return !c.faults;
}
