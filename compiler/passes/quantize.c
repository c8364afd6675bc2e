/* Number formats for a network: quantisers around its nodes, as the rules of a quantize block ask.
 *
 * A node's inputs, weight and bias are quantised in front of it, each for itself; its accumulator and its
 * output behind it, and whoever reads the node reads what these make of it. batch_norm makes its weight and
 * bias when it runs, and takes their formats as attributes. A sum of products of integers that may leave
 * binary32 is kept whole
 * (`wide`, f64) until the first quantiser: its own, or else its readers' each; readers without one get it
 * rounded once to binary32. */
#include "passes/quantize.h"

#include "passes/passes.h"

#include <math.h>

typedef struct {
  netc *n;
  const net_graph *from;
  net_graph *to;
  const net_quantization *quantization;
  const net_rules *rules;
  const net_ranges *ranges; /* of the network */
  net_value_id
      *given; /* by value of the network: as its node gives it, where readers may round it themselves */
  net_value_id *seen; /* behind the node's own quantisers */
} maker;

/* ---- quantisers ---- */

/* One number, or with channels one for each of them. */
static net_value_id add_value(maker *m, net_value_kind kind, const char *name, uint32_t channels,
                              net_loc loc) {
  net_shape shape = {0};
  if (channels > 1) shape = (net_shape){1, {channels}};
  return net_graph_value(m->to, kind, net_graph_fresh_name(m->to, name), NET_F32, shape, false, loc);
}

static net_value_id add_constant(maker *m, const char *name, const net_calibrated *c, bool zeros,
                                 net_loc loc) {
  net_value_id v = add_value(m, NET_VALUE_CONSTANT, name, c->count, loc);
  float *data = NET_NEW_ARRAY(m->to->arena, float, c->count);
  for (uint32_t i = 0; i < c->count; i++) data[i] = zeros ? (float)c->zeros[i] : c->steps[i];
  m->to->values.at[v].data = data;
  return v;
}

/* A step that training changes follows the node's own parameters: frozen, or of a group, as they are. */
static net_value_id add_learned(maker *m, const char *name, net_format_id format, net_node_id node,
                                net_value_id x, const net_calibrated *c, net_loc loc) {
  const net_format_spec *spec = net_format_at(m->n, format);
  const net_value *of = &m->to->values.at[x];
  uint32_t channels = spec->per == NET_PER_CHANNEL && of->shape.rank ? of->shape.dim[0] : 1;
  double first = c ? c->steps[0] : net_quantize_first_step(m->n, format, of);
  net_value_id v = add_value(m, NET_VALUE_PARAMETER, name, channels, loc);
  net_value *step = &m->to->values.at[v];
  step->init = (net_init){NET_INIT_FILL, first};
  for (uint32_t i = 0; i < m->from->nodes.at[node].input_count; i++) {
    net_value_id input = net_node_input(m->from, node, i);
    if (input == NET_NONE || m->from->values.at[input].kind != NET_VALUE_PARAMETER) continue;
    step->frozen = m->from->values.at[input].frozen;
    step->group = m->from->values.at[input].group;
    break;
  }
  return v;
}

/* Adds the quantiser of one tensor of a node, x, `from` in the network; its result. c: what a profile decided
 * for it. NET_NONE: reported. */
static net_value_id quantise_with(maker *m, net_value_id x, net_value_id from, net_node_id node,
                                  net_tensor_role role, uint32_t input, const net_format_choice *choice,
                                  const net_calibrated *c) {
  netc *n = m->n;
  net_graph *g = m->to;
  net_name owner = m->from->nodes.at[node].name;
  const char *tensor = net_quantize_tensor_text(n, owner, role, input);
  net_format_id asked = net_quantize_signed(n, choice->format, m->ranges, from);
  net_format_id format = net_quantize_resolved(n, asked, c);
  const net_format_spec *spec = net_format_at(n, format);
  bool open = net_format_is_open(spec), learned = open && spec->ste == NET_STE_LEARNED_STEP;
  net_value_id inputs[] = {x, NET_NONE, NET_NONE};
  if (learned)
    inputs[1] =
        add_learned(m, net_arena_format(&n->arena, "%s_step", tensor), format, node, x, c, choice->loc);
  else if (open && c)
    inputs[1] = add_constant(m, net_arena_format(&n->arena, "%s.step", tensor), c, false, choice->loc);
  if (inputs[1] != NET_NONE && c && c->zeros)
    inputs[2] = add_constant(m, net_arena_format(&n->arena, "%s.zero", tensor), c, true, choice->loc);
  net_attribute text = net_attribute_text(n, "format", net_format_text(n, format));
  net_name name = net_graph_fresh_name(g, net_arena_format(&n->arena, "%s_q", tensor));
  net_node_id id = net_graph_node(g, "quantize", name, inputs, 3, &text, 1, m->from->nodes.at[node].loc);
  if (id == NET_NONE) return NET_NONE;
  g->nodes.at[id].owner = owner;
  g->nodes.at[id].role = role;
  g->nodes.at[id].use = m->from->nodes.at[node].use;
  net_value_id y = net_node_output(g, id, 0);
  g->values.at[y].format = format;
  return y;
}

static net_value_id quantise(maker *m, net_value_id x, net_value_id from, net_node_id node,
                             net_tensor_role role, uint32_t input, const net_format_choice *choice) {
  return quantise_with(m, x, from, node, role, input, choice,
                       net_quantize_calibrated(m->quantization, m->from->nodes.at[node].name, role, input));
}

/* A bias without a rule, behind the node's other inputs, as it is or in the unit of their products. */
static net_value_id take_bias(maker *m, net_node_id node, net_value_id v, const net_value_id *inputs,
                              uint32_t before) {
  net_value_id of[NET_TENSORS] = {NET_NONE, NET_NONE, NET_NONE, NET_NONE, NET_NONE};
  net_format_choice choice = {.loc = m->from->nodes.at[node].loc};
  net_calibrated steps;
  for (uint32_t i = 0; i < before; i++) {
    net_tensor_role role = net_node_role(m->from, node, i);
    if (role != NET_TENSORS) of[role] = inputs[i];
  }
  net_value_id x = of[NET_TENSOR_INPUT], weight = of[NET_TENSOR_WEIGHT];
  if (net_node_op(m->from, node)->class != OP_CONTRACTION || x == NET_NONE || weight == NET_NONE ||
      !net_quantize_bias(m->to, x, weight, &choice.format, &steps))
    return m->seen[v];
  return quantise_with(m, m->given[v], v, node, NET_TENSOR_BIAS, 0, &choice, steps.count ? &steps : NULL);
}

static const net_format_choice *choice_of(const maker *m, net_node_id node, net_tensor_role role) {
  const net_quantize_rule *rule = net_rules_find(m->rules, node, role);
  if (!rule || rule->tensors[role].format == NET_FORMAT_FLOAT32) return NULL;
  return &rule->tensors[role];
}

/* ---- inputs ---- */

/* What is made when the node runs can only take formats of single elements with steps known by then. */
static bool made_format(maker *m, net_node_id node, net_tensor_role role, const net_format_choice *choice,
                        net_format_id *format) {
  netc *n = m->n;
  net_name owner = m->from->nodes.at[node].name;
  const net_calibrated *calibrated = net_quantize_calibrated(m->quantization, owner, role, 0);
  *format = net_quantize_resolved(n, net_quantize_made(n, choice->format), calibrated);
  const net_format_spec *spec = net_format_at(n, *format);
  if (!net_format_stands_alone(spec)) {
    const char *op = net_node_op(m->from, node)->name, *tensor = net_tensor_role_names[role];
    net_error(n, choice->loc,
              "%s makes its %s when it runs, which %s cannot follow: give %s a format of single elements "
              "with steps of its own, like %s { %s = integer(8, 4) }",
              op, tensor, net_formats[spec->family].name, op, op, tensor);
    net_note(n, m->from->nodes.at[node].loc, "for '%s'", net_text(n, owner));
    return false;
  }
  return true;
}

/* New inputs of a node, quantised where rules say so. made: per role, formats of what the node makes itself.
 */
static bool take_inputs(maker *m, net_node_id node, net_value_id *inputs, net_format_id *made) {
  const net_node *old = &m->from->nodes.at[node];
  uint32_t data = 0;
  for (uint32_t i = 0; i < old->input_count; i++) {
    net_value_id v = net_node_input(m->from, node, i);
    net_tensor_role role = net_node_role(m->from, node, i);
    uint32_t input = role == NET_TENSOR_INPUT ? data++ : 0;
    inputs[i] = v == NET_NONE ? NET_NONE : m->seen[v];
    const net_format_choice *choice = v == NET_NONE || role == NET_TENSORS ? NULL : choice_of(m, node, role);
    bool left = v != NET_NONE && role == NET_TENSOR_BIAS && !net_rules_find(m->rules, node, role);
    if (left && (inputs[i] = take_bias(m, node, v, inputs, i)) == NET_NONE) return false;
    if (!choice) continue;
    if (net_node_made_format(m->from, node, role)) {
      if (!made_format(m, node, role, choice, &made[role])) return false;
      continue;
    }
    inputs[i] = quantise(m, m->given[v], v, node, role, input, choice);
    if (inputs[i] == NET_NONE) return false;
  }
  return true;
}

/* ---- formats that pass through ---- */

/* What only moves numbers, or leaves each as it is or makes it 0, gives them in the format they came in. */
static bool keeps(const net_graph *g, net_node_id node) {
  const net_op *op = net_node_op(g, node);
  const net_op_field *outputs;
  return op->class == OP_MOVEMENT || (net_op_outputs(g->n, op, &outputs) && !strcmp(outputs->kind, "keeps"));
}

static bool holds_zero(const net_format_spec *spec) {
  float zero = 0;
  net_shape one = {0};
  net_format_quantize(spec, &(net_format_tensor){.shape = &one, .values = &zero}, &zero);
  return zero == 0;
}

static void pass_format(maker *m, net_node_id node) {
  net_graph *g = m->to;
  net_format_id common = NET_NONE;
  if (!keeps(g, node)) return;
  for (uint32_t i = 0; i < g->nodes.at[node].input_count; i++) {
    net_value_id v = net_node_input(g, node, i);
    if (v == NET_NONE) continue;
    net_format_id format = g->values.at[v].format;
    if (common != NET_NONE && format != common) return;
    common = format;
  }
  if (common == NET_NONE || common == NET_FORMAT_FLOAT32) return;
  const net_format_spec *spec = net_format_at(m->n, common);
  bool alone = net_formats[spec->family].flags & NET_FORMAT_PER_ELEMENT ||
               net_format_grid_of(spec) == NET_GRID_ONES;
  bool moved = net_node_op(g, node)->class == OP_MOVEMENT; /* no 0 comes in */
  if (alone && spec->per == NET_PER_TENSOR && (moved || holds_zero(spec)))
    g->values.at[net_node_output(g, node, 0)].format = common;
}

/* ---- nodes ---- */

/* A product or sum of two, of integers, that may leave binary32. */
static bool is_wide_pair(const maker *m, net_node_id node) {
  const net_graph *g = m->to;
  quantize_grid grids[2];
  if (g->nodes.at[node].input_count != 2) return false;
  for (uint32_t i = 0; i < 2; i++) {
    net_value_id v = net_node_input(g, node, i);
    grids[i] = (quantize_grid){g->values.at[v].format, net_quantize_steps_of(g, v)};
  }
  if (net_node_op(g, node)->product)
    return net_quantize_needs_wide(m->n, 1, grids[0], grids[1], (quantize_grid){0}, false);
  return net_quantize_sum_needs_wide(m->n, grids[0], grids[1]);
}

/* A sum of products that may leave binary32: over the last axis of the weight, of a linear; of one product,
 * of what has a weight for each channel. */
static bool needs_wide(const maker *m, net_node_id old, net_node_id node, const net_format_id *made) {
  const net_graph *g = m->to;
  net_value_id values[NET_TENSORS] = {NET_NONE, NET_NONE, NET_NONE, NET_NONE, NET_NONE};
  net_format_id formats[NET_TENSORS] = {0};
  for (uint32_t i = 0; i < g->nodes.at[node].input_count; i++) {
    net_tensor_role role = net_node_role(g, node, i);
    net_value_id v = net_node_input(g, node, i);
    if (role == NET_TENSORS || v == NET_NONE || values[role] != NET_NONE) continue;
    values[role] = v;
    formats[role] = made[role] == NET_FORMAT_FLOAT32 ? g->values.at[v].format : made[role];
  }
  if (values[NET_TENSOR_INPUT] == NET_NONE) return false;
  if (values[NET_TENSOR_WEIGHT] == NET_NONE) return is_wide_pair(m, node);
  const net_shape *weight = &g->values.at[values[NET_TENSOR_WEIGHT]].shape;
  double count = weight->rank > 1 ? (double)net_shape_elements(weight) / weight->dim[0] : 1;
  bool bias = values[NET_TENSOR_BIAS] != NET_NONE;
  /* one that no rule speaks of, but products' unit, comes nowhere near the 32 bits that it has */
  if (bias && formats[NET_TENSOR_BIAS] != NET_FORMAT_FLOAT32) bias = choice_of(m, old, NET_TENSOR_BIAS);
  quantize_grid grids[NET_TENSORS] = {{0}};
  for (net_tensor_role role = NET_TENSOR_INPUT; role <= NET_TENSOR_BIAS; role++)
    if (values[role] != NET_NONE)
      grids[role] = (quantize_grid){formats[role], net_quantize_steps_of(g, values[role])};
  return net_quantize_needs_wide(m->n, count, grids[NET_TENSOR_INPUT], grids[NET_TENSOR_WEIGHT],
                                 grids[NET_TENSOR_BIAS], bias);
}

/* The step of a scaled integer, which is one and no power of two; else 0. */
static double odd_step_of(const net_graph *g, net_value_id x) {
  int exponent;
  const net_calibrated *c = net_quantize_steps_of(g, x);
  if (!c || c->count != 1 ||
      net_format_grid_of(net_format_at(g->n, g->values.at[x].format)) != NET_GRID_STEPS)
    return 0;
  return frexp((double)c->steps[0], &exponent) == 0.5 ? 0 : (double)c->steps[0];
}

/* The node with what the rules change in it. NET_NONE: reported. */
static net_node_id add_node(maker *m, net_node_id old, const net_value_id *inputs,
                            const net_format_id *made) {
  net_graph *g = m->to;
  const net_node *node = &m->from->nodes.at[old];
  net_node_id id = net_graph_clone_node(g, m->from, old, m->seen);
  for (uint32_t i = 0; i < node->input_count; i++) g->edges.at[g->nodes.at[id].first_input + i] = inputs[i];
  for (uint32_t i = 0; i < node->output_count; i++)
    m->given[node->first_output + i] = m->seen[node->first_output + i];
  for (net_tensor_role role = NET_TENSOR_WEIGHT; role <= NET_TENSOR_BIAS; role++)
    if (made[role] != NET_FORMAT_FLOAT32)
      net_node_made_format(g, id, role)->text = net_intern(m->n, net_format_text(m->n, made[role]));
  net_attribute *step = net_node_find_attribute(g, id, "x_step");
  if (step && made[NET_TENSOR_WEIGHT] != NET_FORMAT_FLOAT32) step->real = odd_step_of(g, inputs[0]);
  net_attribute *wide = net_node_find_attribute(g, id, "wide");
  if (wide && needs_wide(m, old, id, made)) wide->integer = true;
  if (!net_node_op(g, id)->shape(m->n, g, id)) return NET_NONE; /* the sum may be f64 now */
  pass_format(m, id);
  return id;
}

/* What a rule has looked up. *done: it is. False: reported. */
static bool take_table(maker *m, net_node_id old, const net_value_id *inputs, bool *done) {
  const net_quantize_rule *rule = net_rules_table(m->rules, old);
  const net_node *node = &m->from->nodes.at[old];
  *done = false;
  if (!rule || !rule->table.entries) return true;
  const net_format_choice *output = choice_of(m, old, NET_TENSOR_OUTPUT);
  const net_calibrated *steps = net_quantize_calibrated(m->quantization, node->name, NET_TENSOR_OUTPUT, 0);
  net_tabling t = {.graph = m->to,
                   .from = m->from,
                   .node = old,
                   .loc = rule->table.loc,
                   .arena = &m->n->arena,
                   .x = inputs[0],
                   .y_format = NET_FORMAT_FLOAT32,
                   .entries = rule->table.entries};
  if (output)
    t.y_format = net_quantize_resolved(
        m->n, net_quantize_signed(m->n, output->format, m->ranges, node->first_output), steps);
  if (!net_quantize_table(m->n, &t, steps)) return false;
  *done = t.made != NET_NONE;
  if (*done) m->given[node->first_output] = m->seen[node->first_output] = net_node_output(m->to, t.made, 0);
  return true;
}

/* The accumulator's and the output's quantisers. */
static bool take_results(maker *m, net_node_id old) {
  net_value_id first = m->from->nodes.at[old].first_output;
  const net_format_choice *accumulator = choice_of(m, old, NET_TENSOR_ACCUMULATOR);
  const net_format_choice *output = choice_of(m, old, NET_TENSOR_OUTPUT);
  const net_format_choice rounded = {.format = NET_FORMAT_FLOAT32, .loc = m->from->nodes.at[old].loc};
  bool wide = m->to->values.at[m->given[first]].type == NET_F64;
  const struct {
    net_tensor_role role;
    const net_format_choice *choice;
  } steps[] = {{NET_TENSOR_ACCUMULATOR, accumulator       ? accumulator
                                        : wide && !output ? &rounded
                                                          : NULL},
               {NET_TENSOR_OUTPUT, output}};
  for (int i = 0; i < 2; i++) {
    if (!steps[i].choice) continue;
    m->seen[first] = quantise(m, m->seen[first], first, old, steps[i].role, 0, steps[i].choice);
    if (m->seen[first] == NET_NONE) return false;
    if (steps[i].choice != &rounded) m->given[first] = m->seen[first];
  }
  return true;
}

static bool take_node(maker *m, net_node_id old) {
  net_format_id made[NET_TENSORS] = {0}; /* float32 */
  net_value_id *inputs = NET_NEW_ARRAY(&m->n->arena, net_value_id, m->from->nodes.at[old].input_count + 1);
  bool done;
  return take_inputs(m, old, inputs, made) && take_table(m, old, inputs, &done) &&
         (done || add_node(m, old, inputs, made) != NET_NONE) && take_results(m, old);
}

static void take_list(maker *m, const net_value_ids *from, net_value_ids *to) {
  for (uint32_t i = 0; i < from->count; i++) net_vec_push(m->to->arena, to, m->seen[from->at[i]]);
}

static bool take_all(maker *m) {
  bool ok = true;
  for (net_value_id v = 0; v < m->from->values.count; v++) {
    const net_value *value = &m->from->values.at[v];
    if (value->kind != NET_VALUE_RESULT) m->given[v] = m->seen[v] = net_graph_clone_value(m->to, m->from, v);
    else if (v == m->from->nodes.at[value->def].first_output) ok = ok && take_node(m, value->def);
  }
  if (!ok) return false;
  take_list(m, &m->from->outputs, &m->to->outputs);
  take_list(m, &m->from->losses, &m->to->losses);
  take_list(m, &m->from->observed, &m->to->observed);
  return true;
}

net_graph *net_pass_quantize(const net_pass_context *context, const net_graph *graph) {
  net_rules *rules;
  maker m = {.n = context->n,
             .from = graph,
             .to = net_graph_new(context->n, context->arena, graph->name, graph->loc),
             .quantization = context->quantization};
  if (!context->quantization) return net_graph_copy(context->arena, graph);
  if (!net_rules_begin(context->n, graph, context->quantization, &rules)) return NULL;
  m.rules = rules;
  m.ranges = net_ranges_find(context->n, context->arena, graph, NULL);
  m.given = NET_NEW_ARRAY(context->arena, net_value_id, graph->values.count + 1);
  m.seen = NET_NEW_ARRAY(context->arena, net_value_id, graph->values.count + 1);
  bool ok = take_all(&m);
  net_rules_end(rules);
  return ok ? m.to : NULL;
}
