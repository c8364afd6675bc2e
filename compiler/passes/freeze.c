/* A network with its weights in hand: parameters and statistics become constants, and so does whatever is
 * made of constants alone, as the interpreter has it. Batch-norms without formats fold into the linear in
 * front of them, or become a factor and a shift for each channel; those with formats keep their exact rule.
 * Constants that nothing reads are left out. Weights behind quantisers with steps of their own
 * (scaled_integer) stay behind them, until lower_integer has seen them. */
#include "formats/formats.h"
#include "graph/operator.h"
#include "interpret/interpret.h"
#include "passes/integers.h"

enum { X }; /* of a normalisation: what it normalises */

typedef struct {
  netc *n;
  const net_graph *from;
  net_graph *to;
  net_run run;  /* of what is known */
  bool *read;   /* by value: by a node that stays, or listed */
  bool *affine; /* by node: becomes a factor and a shift */
  bool keep;    /* quantisers with steps of their own stay: lower_integer asks them for integers */
  net_value_id *map;
} freezer;

/* ---- what is known ---- */

static bool is_known(const freezer *f, net_value_id v) { return v == NET_NONE || f->run.values[v]; }

static bool knows_inputs(const freezer *f, net_node_id id, uint32_t first) {
  for (uint32_t i = first; i < f->from->nodes.at[id].input_count; i++)
    if (!is_known(f, net_node_input(f->from, id, i))) return false;
  return true;
}

static bool has_steps(const freezer *f, net_node_id id) {
  const net_op_field *outputs;
  const net_format_spec *spec =
      net_format_at(f->n, f->from->values.at[net_graph_at(f->from, id)->first_output].format);
  return net_op_outputs(f->n, net_node_op(f->from, id), &outputs) && !strcmp(outputs->kind, "rounds") &&
         net_format_is_open(spec) && !net_format_has_point(spec);
}

static bool can_run(const freezer *f, net_node_id id) {
  const net_node *node = net_graph_at(f->from, id);
  if (f->keep && has_steps(f, id)) return false;
  bool batched = false;
  for (uint32_t i = 0; i < node->output_count; i++)
    batched |= f->from->values.at[node->first_output + i].batched;
  return !batched && net_node_op(f->from, id)->class != OP_UPDATE && knows_inputs(f, id, 0);
}

/* Elements by the names that values had before batch-norms were folded. */
static void set_data(freezer *f, const net_graph *before, const float *const *data) {
  for (net_value_id v = 0; v < f->from->values.count; v++) {
    const net_value *value = net_graph_value_at(f->from, v);
    if (value->kind != NET_VALUE_PARAMETER && value->kind != NET_VALUE_STATISTIC) continue;
    net_value_id old = net_graph_find_value(before, value->name);
    if (data && old != NET_NONE && data[old]) net_run_set(&f->run, v, data[old]);
  }
}

/* ---- batch-norms ---- */

static bool has_made_format(const net_graph *g, net_node_id id) {
  return net_node_format(g, id, NET_TENSOR_WEIGHT) != NET_FORMAT_FLOAT32 ||
         net_node_format(g, id, NET_TENSOR_BIAS) != NET_FORMAT_FLOAT32;
}

static bool becomes_affine(const freezer *f, net_node_id id) {
  const net_node *node = net_graph_at(f->from, id);
  const net_attribute *training = net_node_find_attribute(f->from, id, "training");
  if (!net_node_op(f->from, id)->made || (training && training->integer) || has_made_format(f->from, id))
    return false;
  for (uint32_t i = 1; i < node->output_count; i++)
    if (f->read[node->first_output + i]) return false;
  return f->from->values.at[node->first_output].type == NET_F32 && knows_inputs(f, id, X + 1);
}

static const float *made(const freezer *f, net_node_id id, net_tensor_role role, net_shape *shape) {
  const net_node *node = net_graph_at(f->from, id);
  const float **inputs = NET_NEW_ARRAY(f->to->arena, const float *, node->input_count + 1);
  for (uint32_t i = X + 1; i < node->input_count; i++) {
    net_value_id v = net_node_input(f->from, id, i);
    if (v == NET_NONE) continue;
    uint64_t count = net_run_elements(&f->run, v);
    float *x = NET_NEW_ARRAY(f->to->arena, float, count);
    for (uint64_t k = 0; k < count; k++) x[k] = (float)f->run.values[v][k];
    inputs[i] = x;
    *shape = f->from->values.at[v].shape;
  }
  float *values = NET_NEW_ARRAY(f->to->arena, float, net_shape_elements(shape));
  net_node_op(f->from, id)->made(f->from, id, inputs, role, values);
  return values;
}

static net_value_id coefficients(const freezer *f, net_node_id id, net_tensor_role role, const char *suffix) {
  const net_node *node = net_graph_at(f->from, id);
  net_shape shape = {0};
  const float *values = made(f, id, role, &shape);
  const char *name = net_arena_format(&f->n->arena, "%s.%s", net_text(f->n, node->name), suffix);
  net_value_id v = net_graph_value(f->to, NET_VALUE_CONSTANT, net_graph_fresh_name(f->to, name), NET_F32,
                                   shape, false, node->loc);
  f->to->values.at[v].data = values;
  return v;
}

static bool make_affine(freezer *f, net_node_id id) {
  const net_node *node = net_graph_at(f->from, id);
  net_value_id inputs[] = {f->map[net_node_input(f->from, id, X)],
                           coefficients(f, id, NET_TENSOR_WEIGHT, "factor"),
                           coefficients(f, id, NET_TENSOR_BIAS, "shift")};
  net_node_id made = net_graph_node(f->to, "affine", node->name, inputs, 3, NULL, 0, node->loc);
  if (made == NET_NONE) return false;
  net_node *to = &f->to->nodes.at[made];
  to->use = node->use;
  net_name *layers = NET_NEW_ARRAY(f->to->arena, net_name, node->layer_count + 1);
  for (uint32_t i = 0; i < node->layer_count; i++) layers[i] = net_node_layer(f->from, id, i);
  net_graph_set_layers(f->to, made, layers, node->layer_count);
  f->map[node->first_output] = to->first_output;
  f->to->values.at[to->first_output].range = f->from->values.at[node->first_output].range;
  return true;
}

/* ---- building ---- */

static net_value_id add_constant(const freezer *f, net_value_id id) {
  net_value value = *net_graph_value_at(f->from, id);
  uint64_t count = net_shape_elements(&value.shape);
  size_t bytes = net_type_bytes(value.type);
  void *data = net_arena_alloc(f->to->arena, count * bytes, bytes);
  for (uint64_t i = 0; i < count; i++) net_type_set(value.type, data, i, f->run.values[id][i]);
  net_value_id v =
      net_graph_value(f->to, NET_VALUE_CONSTANT, value.name, value.type, value.shape, false, value.loc);
  f->to->values.at[v].data = data;
  f->to->values.at[v].format = value.format;
  f->to->values.at[v].range = value.range;
  return v;
}

static void read_list(freezer *f, const net_value_ids *list) {
  for (uint32_t i = 0; i < list->count; i++) f->read[list->at[i]] = true;
}

/* What nodes that stay read. What an affine one takes of a normalisation is in its coefficients. */
static void find_read(freezer *f) {
  const net_graph *g = f->from;
  memset(f->read, 0, g->values.count * sizeof *f->read);
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    if (is_known(f, g->nodes.at[i].first_output)) continue;
    for (uint32_t k = 0; k < g->nodes.at[i].input_count; k++)
      if (net_node_input(g, i, k) != NET_NONE && !(f->affine[i] && k > X))
        f->read[net_node_input(g, i, k)] = true;
  }
  read_list(f, &g->outputs);
  read_list(f, &g->losses);
  read_list(f, &g->observed);
}

/* Runs what can be run; finds which normalisations become affine, and what is read then. */
static bool find_known(freezer *f) {
  const net_graph *g = f->from;
  for (net_node_id i = 0; i < g->nodes.count; i++)
    if (can_run(f, i) && !net_run_node(&f->run, i)) return false;
  find_read(f);
  for (net_node_id i = 0; i < g->nodes.count; i++)
    f->affine[i] = !is_known(f, g->nodes.at[i].first_output) && becomes_affine(f, i);
  find_read(f);
  return true;
}

static bool build(freezer *f) {
  const net_graph *g = f->from;
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = net_graph_value_at(g, v);
    f->map[v] = NET_NONE;
    if (f->run.values[v]) {
      if (f->read[v]) f->map[v] = add_constant(f, v);
    } else if (value->kind != NET_VALUE_RESULT) {
      f->map[v] = net_graph_clone_value(f->to, g, v);
    } else if (v == g->nodes.at[value->def].first_output) {
      if (!f->affine[value->def]) net_graph_clone_node(f->to, g, value->def, f->map);
      else if (!make_affine(f, value->def)) return false;
      v += g->nodes.at[value->def].output_count - 1u;
    }
  }
  return true;
}

static void take_list(const freezer *f, const net_value_ids *from, net_value_ids *to) {
  for (uint32_t i = 0; i < from->count; i++) net_vec_push(f->to->arena, to, f->map[from->at[i]]);
}

static net_graph *freeze(const net_pass_context *context, const net_graph *graph, bool keep) {
  net_arena scratch;
  net_arena_init(&scratch, context->n->arena.guard);
  net_quantization folding = {.fold_batch_norm = context->data != NULL};
  net_pass_context inner = *context;
  inner.arena = &scratch;
  inner.quantization = &folding;
  freezer f = {.n = context->n, .keep = keep, .from = net_pass_fold_batch_norm(&inner, graph)};
  bool ok = f.from != NULL;
  if (ok) {
    f.to = net_graph_new(context->n, context->arena, graph->name, graph->loc);
    f.run = net_run_begin(context->n, f.from, &scratch, 1);
    f.read = NET_NEW_ARRAY(&scratch, bool, f.from->values.count + 1);
    f.affine = NET_NEW_ARRAY(&scratch, bool, f.from->nodes.count + 1);
    f.map = NET_NEW_ARRAY(&scratch, net_value_id, f.from->values.count + 1);
    set_data(&f, graph, context->data);
    ok = find_known(&f) && build(&f);
  }
  if (ok) {
    take_list(&f, &f.from->outputs, &f.to->outputs);
    take_list(&f, &f.from->losses, &f.to->losses);
    take_list(&f, &f.from->observed, &f.to->observed);
  }
  net_arena_free(&scratch);
  return ok ? f.to : NULL;
}

net_graph *net_pass_freeze(const net_pass_context *context, const net_graph *graph) {
  return freeze(context, graph, true);
}

net_graph *net_freeze_rest(const net_pass_context *context, const net_graph *graph) {
  net_pass_context rest = *context;
  rest.data = NULL;
  return freeze(&rest, graph, false);
}
