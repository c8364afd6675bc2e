#include "ops/lower.h"

enum { MOST_BITS = 61 }; /* of sums: half a unit more, or a shift's rounding, must fit 64 */

const double *lower_numbers(const net_lowering *l, uint32_t input) {
  const net_value *value = lower_input(l, input);
  if (!value || value->kind != NET_VALUE_CONSTANT) return NULL;
  uint64_t count = ops_elements(value);
  double *numbers = NET_NEW_ARRAY(l->arena, double, count);
  for (uint64_t i = 0; i < count; i++) numbers[i] = net_type_element(value->type, value->data, i);
  return numbers;
}

bool lower_fraction(const double *numbers, uint64_t count, int *fraction) {
  *fraction = INT32_MIN;
  for (uint64_t i = 0; i < count; i++) {
    if (!isfinite(numbers[i])) return false;
    if (numbers[i] == 0) continue;
    int exponent;
    int64_t m = (int64_t)ldexp(frexp(numbers[i], &exponent), 53); /* number = m · 2^(exponent − 53) */
    int own = 53 - exponent - __builtin_ctzll((unsigned long long)m);
    if (own > *fraction) *fraction = own;
  }
  return true;
}

net_type lower_type(double low, double high) {
  static const net_type types[] = {NET_U8, NET_I8, NET_I16, NET_U16, NET_I32};
  for (uint32_t i = 0; i < sizeof types / sizeof *types; i++) {
    net_range ends = ops_code_ends(types[i]);
    if (low >= ends.lo && high <= ends.hi) return types[i];
  }
  return NET_I64;
}

int lower_bits(const net_range *range, const int *fractions, uint64_t count) {
  double most = 0;
  for (uint64_t i = 0; i < count; i++) {
    most = fmax(most, ldexp(range[i].hi, fractions[i]));
    most = fmax(most, -ldexp(range[i].lo, fractions[i]) - 1);
  }
  int bits = 1;
  while (bits < 1024 && ldexp(1, bits - 1) - 1 < most) bits++;
  return bits;
}

int64_t lower_sum_bits(const net_lowering *l, const int *fractions) {
  int bits = lower_bits(l->range, fractions, ops_elements(lower_output(l)));
  return bits <= 32 ? 32 : bits <= MOST_BITS ? 64 : 0;
}

net_value_id lower_constant(const net_lowering *l, const char *suffix, net_type type, net_shape shape, const int64_t *q,
                            bool spread) {
  const net_node *node = net_graph_at(l->from, l->node);
  netc *n = l->graph->n;
  uint64_t count = net_shape_elements(&shape), same = 1;
  while (same < count && q[same] == q[0]) same++;
  if (spread && same >= count) count = 1, shape = ops_scalar();
  const char *name = net_arena_format(&n->arena, "%s.%s", net_text(n, node->name), suffix);
  size_t bytes = net_type_bytes(type);
  void *data = net_arena_alloc(l->graph->arena, count * bytes, bytes);
  for (uint64_t i = 0; i < count; i++) net_type_set_integer(type, data, i, q[i]);
  net_value_id v = net_graph_value(l->graph, NET_VALUE_CONSTANT, net_graph_fresh_name(l->graph, name), type, shape,
                                   false, node->loc);
  l->graph->values.at[v].data = data;
  return v;
}

bool lower_call(net_lowering *l, const char *op, const net_value_id *inputs, uint32_t input_count,
                const net_attribute *attributes, uint32_t attribute_count, const int *fractions) {
  const net_node *node = net_graph_at(l->from, l->node);
  net_name name = net_graph_fresh_name(l->graph, net_text(l->graph->n, node->name));
  net_node_id id =
      net_graph_node(l->graph, op, name, inputs, input_count, attributes, attribute_count, node->loc);
  if (id == NET_NONE) return false;
  net_name *layers = NET_NEW_ARRAY(l->arena, net_name, node->layer_count + 1);
  for (uint32_t i = 0; i < node->layer_count; i++) layers[i] = net_node_layer(l->from, l->node, i);
  net_graph_set_layers(l->graph, id, layers, node->layer_count);
  l->graph->nodes.at[id].use = node->use;
  l->output = (net_code){net_node_output(l->graph, id, 0), fractions};
  return true;
}
