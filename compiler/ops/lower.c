#include "ops/lower.h"

#include "ops/integer.h"
#include "ops/quantize.h"

enum { MOST_BITS = 61 }; /* of sums: half a unit more, or a shift's rounding, must fit 64 */

/* ---- what is known ---- */

static const double *elements(const net_lowering *l, const net_value *value) {
  if (!value || value->kind != NET_VALUE_CONSTANT) return NULL;
  uint64_t count = ops_elements(value);
  double *numbers = NET_NEW_ARRAY(l->arena, double, count);
  for (uint64_t i = 0; i < count; i++) numbers[i] = net_type_element(value->type, value->data, i);
  return numbers;
}

const double *lower_numbers(const net_lowering *l, uint32_t input) {
  return elements(l, lower_input(l, input));
}

bool lower_unit(const double *numbers, uint64_t count, double *unit) {
  *unit = 0;
  for (uint64_t i = 0; i < count; i++) {
    if (!isfinite(numbers[i])) return false;
    if (numbers[i] == 0) continue;
    int exponent;
    int64_t m = (int64_t)ldexp(frexp(numbers[i], &exponent), 53); /* number = m · 2^(exponent − 53) */
    double own = ldexp(1, exponent - 53 + __builtin_ctzll((unsigned long long)m));
    if (*unit == 0 || own < *unit) *unit = own;
  }
  return true;
}

static bool rounds(const net_graph *g, net_node_id node) {
  const net_op_field *outputs;
  return net_op_outputs(g->n, net_node_op(g, node), &outputs) && !strcmp(outputs->kind, "rounds");
}

/* By the quantiser that makes the value of a constant. */
static bool quantized(const net_lowering *l, const net_value *value, int64_t **q, double **units) {
  if (value->def == NET_NONE || !rounds(l->from, value->def)) return false;
  const net_graph *g = l->from;
  const net_value *x = ops_input(g, value->def, QUANTIZE_X), *step = ops_input(g, value->def, QUANTIZE_STEP);
  const double *zero = elements(l, ops_input(g, value->def, QUANTIZE_ZERO));
  const net_format_spec *spec = net_format_at(g->n, value->format);
  if (x->kind != NET_VALUE_CONSTANT || x->type != NET_F32 || !step || step->kind != NET_VALUE_CONSTANT)
    return false;
  int32_t *points = NET_NEW_ARRAY(l->arena, int32_t, ops_elements(step));
  for (uint64_t i = 0; zero && i < ops_elements(step); i++) points[i] = (int32_t)zero[i];
  net_calibration calibration = {step->data, zero ? points : NULL, (uint32_t)ops_elements(step)};
  net_format_tensor tensor = {.shape = &x->shape, .values = x->data, .calibration = &calibration};
  *q = NET_NEW_ARRAY(l->arena, int64_t, ops_elements(value));
  *units = NET_NEW_ARRAY(l->arena, double, ops_elements(value));
  ops_integer_quantize(l->arena, spec, &tensor, 1, *q, *units);
  for (uint64_t i = 0; i < ops_elements(value); i++)
    if (!((*units)[i] > 0)) return false;
  return true;
}

bool lower_integers(const net_lowering *l, uint32_t input, int64_t **q, double **units) {
  const net_value *value = lower_input(l, input);
  const double *numbers = lower_numbers(l, input);
  if (!numbers) return quantized(l, value, q, units);
  uint64_t count = ops_elements(value);
  double unit;
  if (!lower_unit(numbers, count, &unit)) return false;
  if (unit == 0) unit = 1;
  *q = NET_NEW_ARRAY(l->arena, int64_t, count);
  *units = NET_NEW_ARRAY(l->arena, double, count);
  for (uint64_t i = 0; i < count; i++) {
    if (fabs(numbers[i] / unit) >= 0x1p62) return false;
    (*q)[i] = (int64_t)(numbers[i] / unit);
    (*units)[i] = unit;
  }
  return true;
}

double lower_most(const net_lowering *l, uint32_t input, uint64_t at) {
  net_code x = l->inputs[input];
  net_range ends = ops_code_ends(l->graph->values.at[x.value].type), range = l->input_range[input][at];
  double most = fmax(ends.hi - x.zero, x.zero - ends.lo);
  if (x.most > 0) most = fmin(most, x.most);
  return ops_unit_is_power(x.units[at]) ? fmin(most, ops_most(range) / x.units[at]) : most;
}

net_type lower_type(double low, double high) {
  static const net_type types[] = {NET_U8, NET_I8, NET_I16, NET_U16, NET_I32};
  for (uint32_t i = 0; i < sizeof types / sizeof *types; i++) {
    net_range ends = ops_code_ends(types[i]);
    if (low >= ends.lo && high <= ends.hi) return types[i];
  }
  return NET_I64;
}

int lower_bits(double most) {
  int bits = 1;
  while (bits < 1024 && ldexp(1, bits - 1) - 1 < most) bits++;
  return bits;
}

int64_t lower_sum_bits(net_lowering *l, const double *units, const double *most) {
  double all = 0;
  for (uint64_t i = 0; i < ops_elements(lower_output(l)); i++) {
    double own = most ? most[i] : INFINITY;
    if (ops_unit_is_power(units[i])) own = fmin(own, ops_most(l->range[i]) / units[i]);
    all = fmax(all, own);
  }
  int bits = lower_bits(all);
  l->output.most = all;
  return bits <= 32 ? 32 : bits <= MOST_BITS ? 64 : 0;
}

/* ---- what is made ---- */

net_value_id lower_constant(const net_lowering *l, const char *suffix, net_type type, net_shape shape,
                            const int64_t *q, bool spread) {
  const net_node *node = net_graph_at(l->from, l->node);
  netc *n = l->graph->n;
  uint64_t count = net_shape_elements(&shape), same = 1;
  while (same < count && q[same] == q[0]) same++;
  if (spread && same >= count) count = 1, shape = ops_scalar();
  const char *name = net_arena_format(&n->arena, "%s.%s", net_text(n, node->name), suffix);
  size_t bytes = net_type_bytes(type);
  void *data = net_arena_alloc(l->graph->arena, count * bytes, bytes);
  for (uint64_t i = 0; i < count; i++) net_type_set_integer(type, data, i, q[i]);
  net_value_id v = net_graph_value(l->graph, NET_VALUE_CONSTANT, net_graph_fresh_name(l->graph, name), type,
                                   shape, false, node->loc);
  l->graph->values.at[v].data = data;
  return v;
}

bool lower_call(net_lowering *l, const char *op, const net_value_id *inputs, uint32_t input_count,
                const net_attribute *attributes, uint32_t attribute_count, const double *units) {
  const net_node *node = net_graph_at(l->from, l->node);
  net_name name = net_graph_fresh_name(l->graph, net_text(l->graph->n, node->name));
  net_node_id id =
      net_graph_node(l->graph, op, name, inputs, input_count, attributes, attribute_count, node->loc);
  if (id == NET_NONE) return false;
  net_name *layers = NET_NEW_ARRAY(l->arena, net_name, node->layer_count + 1);
  for (uint32_t i = 0; i < node->layer_count; i++) layers[i] = net_node_layer(l->from, l->node, i);
  net_graph_set_layers(l->graph, id, layers, node->layer_count);
  l->graph->nodes.at[id].use = node->use;
  l->output = (net_code){net_node_output(l->graph, id, 0), units, 0, l->output.most};
  return true;
}
