/* Integers in place of the numbers that emulate them: values that lie on the grids of integer formats become
 * their codes, and nodes between them operators on codes (net_op.lower). Where codes meet numbers stand
 * integer_quantize and integer_value; both are made when someone asks for them, so that regions are as large
 * as they can be. Parameters are constants by then (freeze). What range analysis has not found to be exact
 * stays as it is. */
#include "graph/operator.h"
#include "passes/integers.h"
#include "passes/ranges.h"

#include <math.h>

typedef struct {
  netc *n;
  const net_pass_context *context;
  const net_graph *from;
  net_graph *to;
  net_arena *scratch;
  const net_ranges *ranges;
  net_value_id *numbers; /* by value: in the new graph; NET_NONE: not made */
  net_code *codes;       /* by value */
  bool *pending;         /* by value: of a quantiser of numbers, which can be made as codes or as numbers */
  bool *read;            /* by value */
} lowerer;

static uint64_t elements_of(const net_value *value) { return net_shape_elements(&value->shape); }

static net_name fresh(const lowerer *l, net_value_id v, const char *suffix) {
  const char *name = net_text(l->n, net_graph_value_at(l->from, v)->name);
  return net_graph_fresh_name(l->to, net_arena_format(&l->n->arena, "%s.%s", name, suffix));
}

/* ---- numbers ---- */

static net_value_id numbers_of(lowerer *l, net_value_id v);

/* The node as it is, on numbers. The quantisers' owners may be gone: nobody asks for them any more. */
static bool keep(lowerer *l, net_node_id id) {
  const net_node *node = net_graph_at(l->from, id);
  for (uint32_t i = 0; i < node->input_count; i++) {
    net_value_id v = net_node_input(l->from, id, i);
    if (v != NET_NONE && numbers_of(l, v) == NET_NONE) return false;
  }
  bool taken = net_graph_find_value(l->to, node->name) != NET_NONE;
  net_node_id made = net_graph_clone_node(l->to, l->from, id, l->numbers);
  net_node *to = &l->to->nodes.at[made];
  to->owner = (net_name){0};
  to->role = NET_TENSOR_INPUT;
  if (taken && to->output_count == 1) {
    net_value *y = &l->to->values.at[to->first_output];
    y->name = (net_name){0};
    to->name = fresh(l, node->first_output, "numbers");
    l->to->values.at[to->first_output].name = to->name;
  }
  return true;
}

static net_value_id constant(const lowerer *l, net_name name, net_type type, net_shape shape,
                             const void *data) {
  net_value_id v = net_graph_value(l->to, NET_VALUE_CONSTANT, name, type, shape, false, NET_NOWHERE);
  l->to->values.at[v].data = data;
  return v;
}

/* How many bits codes have, zero points taken off; 0: who knows. Emulation of scaled integers may lie a step
 * off. */
static int64_t bits_of(const lowerer *l, net_value_id v) {
  double most = 0;
  int64_t bits = 1;
  for (uint64_t i = 0; i < elements_of(net_graph_value_at(l->from, v)); i++) {
    net_range x = l->ranges->elements[v][i];
    double steps = fmax(fabs(x.lo), fabs(x.hi)) / l->codes[v].units[i];
    most = fmax(most, steps * (1 + 0x1p-16) + 2);
  }
  while (bits < 63 && ldexp(1, (int)bits - 1) <= most) bits++;
  return bits < 63 ? bits : 0;
}

/* Numbers made of codes. */
static net_value_id value_of(const lowerer *l, net_value_id v) {
  const net_value *value = net_graph_value_at(l->from, v);
  const double *units = l->codes[v].units;
  uint64_t count = elements_of(value), same = 1;
  while (same < count && units[same] == units[0]) same++;
  net_shape shape = same < count ? value->shape : (net_shape){0};
  uint64_t made = same < count ? count : 1;
  float *unit = NET_NEW_ARRAY(l->to->arena, float, made);
  for (uint64_t i = 0; i < made; i++) unit[i] = (float)units[i];
  net_value_id inputs[] = {l->codes[v].value, constant(l, fresh(l, v, "unit"), NET_F32, shape, unit)};
  net_attribute attributes[] = {net_attribute_bool(l->n, "wide", value->type == NET_F64),
                                net_attribute_int(l->n, "zero", l->codes[v].zero),
                                net_attribute_int(l->n, "bits", bits_of(l, v))};
  net_name name = fresh(l, v, "value");
  net_node_id id = net_graph_node(l->to, "integer_value", name, inputs, 2, attributes, 3, value->loc);
  if (id == NET_NONE) return NET_NONE;
  net_value_id y = net_node_output(l->to, id, 0);
  l->to->values.at[y].format = value->format;
  return y;
}

/* An input, or a constant, whose name may be gone to its codes. */
static net_value_id source(const lowerer *l, net_value_id v) {
  net_name name = net_graph_value_at(l->from, v)->name;
  if (net_graph_find_value(l->to, name) != NET_NONE) name = net_graph_fresh_name(l->to, net_text(l->n, name));
  net_value_id made = net_graph_clone_value(l->to, l->from, v);
  l->to->values.at[made].name = name;
  return made;
}

static net_value_id numbers_of(lowerer *l, net_value_id v) {
  if (l->numbers[v] != NET_NONE) return l->numbers[v];
  const net_value *value = net_graph_value_at(l->from, v);
  if (value->kind != NET_VALUE_RESULT) return l->numbers[v] = source(l, v);
  if (l->codes[v].value != NET_NONE) return l->numbers[v] = value_of(l, v);
  return keep(l, value->def) ? l->numbers[v] : NET_NONE; /* of a quantiser */
}

/* ---- codes ---- */

static const net_range **ranges_of(const lowerer *l, net_node_id id) {
  const net_node *node = net_graph_at(l->from, id);
  const net_range **ranges = NET_NEW_ARRAY(l->scratch, const net_range *, node->input_count + 1);
  for (uint32_t i = 0; i < node->input_count; i++) {
    net_value_id v = net_node_input(l->from, id, i);
    if (v != NET_NONE) ranges[i] = l->ranges->elements[v];
  }
  return ranges;
}

static bool rounds(const lowerer *l, net_node_id id) {
  const net_op_field *outputs;
  return net_op_outputs(l->n, net_node_op(l->from, id), &outputs) && !strcmp(outputs->kind, "rounds");
}

static bool is_data(const lowerer *l, net_node_id id, uint32_t input) {
  return net_node_role(l->from, id, input) == NET_TENSOR_INPUT;
}

/* Asks the operator. dry: only whether a quantiser of numbers has codes. */
static bool ask(lowerer *l, net_node_id id, bool dry, net_code *output) {
  const net_node *node = net_graph_at(l->from, id);
  net_code *inputs = NET_NEW_ARRAY(l->scratch, net_code, node->input_count + 1);
  net_value_id *numbers = NET_NEW_ARRAY(l->scratch, net_value_id, node->input_count + 1);
  for (uint32_t i = 0; i < node->input_count; i++) {
    net_value_id v = net_node_input(l->from, id, i);
    inputs[i] = (net_code){.value = NET_NONE};
    numbers[i] = NET_NONE;
    if (v == NET_NONE) continue;
    inputs[i] = l->codes[v];
    bool needed = !dry && l->codes[v].value == NET_NONE && rounds(l, id);
    if (needed && (numbers[i] = numbers_of(l, v)) == NET_NONE) return false;
  }
  net_lowering lowering = {.graph = dry ? NULL : l->to,
                           .from = l->from,
                           .node = id,
                           .arena = l->scratch,
                           .inputs = inputs,
                           .numbers = numbers,
                           .input_range = ranges_of(l, id),
                           .range = l->ranges->elements[node->first_output],
                           .output = {.value = NET_NONE}};
  if (!net_node_op(l->from, id)->lower(&lowering)) return false;
  *output = lowering.output;
  return true;
}

/* A constant's codes as data: one unit, as few bits as there can be. */
static bool code_constant(lowerer *l, net_value_id v) {
  enum { MOST_BITS = 25 };
  const net_value *value = net_graph_value_at(l->from, v);
  uint64_t count = elements_of(value);
  double unit = INFINITY, most = 0;
  if (value->type != NET_F32) return true;
  for (uint64_t i = 0; i < count; i++) {
    double x = net_type_element(NET_F32, value->data, i);
    if (!isfinite(x)) return true;
    most = fmax(most, fabs(x));
    unit = fmin(unit, l->ranges->units[v][i]);
  }
  if (!(unit > 0) || most / unit >= ldexp(1, MOST_BITS)) return true;
  net_type type = most / unit < 128 ? NET_I8 : most / unit < 32768 ? NET_I16 : NET_I32;
  double *units = NET_NEW_ARRAY(l->scratch, double, count);
  void *data = net_arena_alloc(l->to->arena, count * net_type_bytes(type), net_type_bytes(type));
  for (uint64_t i = 0; i < count; i++) {
    units[i] = unit;
    net_type_set(type, data, i, net_type_element(NET_F32, value->data, i) / unit);
  }
  l->codes[v] = (net_code){constant(l, fresh(l, v, "codes"), type, value->shape, data), units, 0, 0};
  return true;
}

/* Makes codes if they can be made; l->codes tells. False: reported. */
static bool code_of(lowerer *l, net_value_id v) {
  const net_value *value = net_graph_value_at(l->from, v);
  if (l->codes[v].value != NET_NONE) return true;
  if (value->kind == NET_VALUE_CONSTANT) return code_constant(l, v);
  return !l->pending[v] || ask(l, value->def, false, &l->codes[v]);
}

static bool can_be_coded(const lowerer *l, net_value_id v) {
  return l->codes[v].value != NET_NONE || l->pending[v] || l->from->values.at[v].kind == NET_VALUE_CONSTANT;
}

/* ---- nodes ---- */

/* On a grid, and exact; or of scaled integers, whose emulation rounds where integers do not. */
static bool is_integer(const lowerer *l, net_value_id v) {
  bool exact = true, scaled = false, counted = true;
  for (uint64_t i = 0; i < elements_of(net_graph_value_at(l->from, v)); i++) {
    int exponent;
    double unit = l->ranges->units[v][i];
    exact &= l->ranges->grids[v][i] != NET_NO_GRID;
    counted &= unit > 0;
    scaled |= unit > 0 && frexp(unit, &exponent) != 0.5;
  }
  return exact || (counted && scaled);
}

static bool only_first_is_read(const lowerer *l, net_node_id id) {
  const net_node *node = net_graph_at(l->from, id);
  for (uint32_t i = 1; i < node->output_count; i++)
    if (l->read[node->first_output + i]) return false;
  return true;
}

/* Whether all data inputs have codes; some at least are no constants. */
static bool takes_codes(const lowerer *l, net_node_id id) {
  bool some = false;
  for (uint32_t i = 0; i < l->from->nodes.at[id].input_count; i++) {
    net_value_id v = net_node_input(l->from, id, i);
    if (v == NET_NONE || !is_data(l, id, i)) continue;
    if (!can_be_coded(l, v)) return false;
    some |= l->from->values.at[v].kind != NET_VALUE_CONSTANT;
  }
  return some;
}

static bool lower_quantizer(lowerer *l, net_node_id id) {
  net_value_id x = net_node_input(l->from, id, 0), y = net_node_output(l->from, id, 0);
  if (takes_codes(l, id)) {
    if (!code_of(l, x) || !ask(l, id, false, &l->codes[y])) return false;
  } else {
    net_code found;
    if (!ask(l, id, true, &found)) return false;
    l->pending[y] = found.units != NULL;
    if (l->pending[y]) return true;
  }
  return l->codes[y].value != NET_NONE || keep(l, id);
}

static bool lower_node(lowerer *l, net_node_id id) {
  net_value_id y = net_node_output(l->from, id, 0);
  const net_op *op = net_node_op(l->from, id);
  if (op->lower && rounds(l, id)) return lower_quantizer(l, id);
  bool all = op->lower && takes_codes(l, id) && is_integer(l, y) && only_first_is_read(l, id);
  for (uint32_t i = 0; i < l->from->nodes.at[id].input_count && all; i++) {
    net_value_id v = net_node_input(l->from, id, i);
    if (v == NET_NONE || !is_data(l, id, i)) continue;
    if (!code_of(l, v)) return false;
    all = l->codes[v].value != NET_NONE;
  }
  if (all && !ask(l, id, false, &l->codes[y])) return false;
  return l->codes[y].value != NET_NONE || keep(l, id);
}

/* ---- the graph ---- */

static void read_list(lowerer *l, const net_value_ids *list) {
  for (uint32_t i = 0; i < list->count; i++) l->read[list->at[i]] = true;
}

static bool take_list(lowerer *l, const net_value_ids *from, net_value_ids *to) {
  for (uint32_t i = 0; i < from->count; i++) {
    net_value_id v = numbers_of(l, from->at[i]);
    if (v == NET_NONE) return false;
    net_vec_push(l->to->arena, to, v);
  }
  return true;
}

static bool lower(lowerer *l) {
  const net_graph *g = l->from;
  for (net_value_id v = 0; v < g->values.count; v++) {
    net_value_kind kind = g->values.at[v].kind;
    l->numbers[v] = l->codes[v].value = NET_NONE;
    if (kind != NET_VALUE_RESULT && kind != NET_VALUE_CONSTANT) numbers_of(l, v);
  }
  for (uint32_t i = 0; i < g->edges.count; i++)
    if (g->edges.at[i] != NET_NONE) l->read[g->edges.at[i]] = true;
  read_list(l, &g->outputs);
  read_list(l, &g->losses);
  read_list(l, &g->observed);
  for (net_node_id i = 0; i < g->nodes.count; i++)
    if (!lower_node(l, i)) return false;
  return take_list(l, &g->outputs, &l->to->outputs) && take_list(l, &g->losses, &l->to->losses) &&
         take_list(l, &g->observed, &l->to->observed);
}

net_graph *net_pass_lower_integer(const net_pass_context *context, const net_graph *graph) {
  net_arena scratch;
  net_arena_init(&scratch, context->n->arena.guard);
  lowerer l = {.n = context->n, .context = context, .from = graph, .scratch = &scratch};
  l.to = net_graph_new(context->n, context->arena, graph->name, graph->loc);
  l.ranges = net_ranges_find(context->n, &scratch, graph, NULL);
  l.numbers = NET_NEW_ARRAY(&scratch, net_value_id, graph->values.count + 1);
  l.codes = NET_NEW_ARRAY(&scratch, net_code, graph->values.count + 1);
  l.pending = NET_NEW_ARRAY(&scratch, bool, graph->values.count + 1);
  l.read = NET_NEW_ARRAY(&scratch, bool, graph->values.count + 1);
  bool ok = lower(&l);
  net_arena_free(&scratch);
  if (!ok) return NULL;
  net_graph *joined = net_integers_join(context, l.to);
  joined = joined ? net_freeze_rest(context, net_pass_eliminate_dead(context, joined)) : NULL;
  return joined ? net_pass_eliminate_dead(context, joined) : NULL;
}
