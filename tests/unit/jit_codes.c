/* Calls of the operators on codes, made by number: on codes of 8 bits made of the data, with constants that
 * keep what is computed within its type, as lower_integer does. */
#include "tests/unit/jit_cases.h"

static uint32_t pick(jit_maker *m, uint32_t count) { return (uint32_t)jit_random(&m->draws, 0, count); }

static net_value_id constant(jit_maker *m, const char *name, net_type type, net_shape shape, int64_t low,
                             int64_t high) {
  net_graph *g = m->graph;
  uint64_t count = net_shape_elements(&shape);
  void *data = net_arena_alloc(g->arena, count * net_type_bytes(type), 8);
  for (uint64_t i = 0; i < count; i++)
    net_type_set(type, data, i, (double)low + (double)pick(m, (uint32_t)(high - low + 1)));
  net_value_id v =
      net_graph_value(g, NET_VALUE_CONSTANT, net_graph_fresh_name(g, name), type, shape, false, NET_NOWHERE);
  g->values.at[v].data = data;
  return v;
}

#define ATTRIBUTES(...)                                                                                      \
  (const net_attribute[]){__VA_ARGS__},                                                                      \
      (uint32_t)(sizeof((const net_attribute[]){__VA_ARGS__}) / sizeof(net_attribute))
#define VALUES(...)                                                                                          \
  (const net_value_id[]){__VA_ARGS__},                                                                       \
      (uint32_t)(sizeof((const net_value_id[]){__VA_ARGS__}) / sizeof(net_value_id))

static net_node_id call(jit_maker *m, const char *op, const net_value_id *in, uint32_t count,
                        const net_attribute *attributes, uint32_t attribute_count) {
  net_graph *g = m->graph;
  net_node_id node =
      net_graph_node(g, op, net_graph_fresh_name(g, op), in, count, attributes, attribute_count, NET_NOWHERE);
  if (node == NET_NONE) fail_msg("%s is refused: %s", op, jit_message(g->n));
  return node;
}

static net_node_id quantize(jit_maker *m, net_value_id x) {
  static const struct {
    const char *format, *type;
  } formats[] = {{"integer(8, 3)", "i8"},
                 {"integer(7, 2, unsigned = true, rounding = floor)", "u8"},
                 {"integer(8, 5, rounding = half_up, overflow = wrap)", "i8"},
                 {"integer(6, 0, rounding = zero, overflow = symmetric)", "i8"}};
  uint32_t k = pick(m, 4);
  netc *n = m->graph->n;
  return call(m, "integer_quantize", &x, 1,
              ATTRIBUTES(net_attribute_text(n, "format", formats[k].format),
                         net_attribute_text(n, "type", formats[k].type)));
}

static net_node_id linear(jit_maker *m, net_value_id q, net_shape shape) {
  netc *n = m->graph->n;
  bool wide = pick(m, 3) == 0;
  net_shape weights = {2, {m->other, shape.dim[shape.rank - 1]}};
  net_value_id weight = constant(m, "weight", pick(m, 3) ? NET_I8 : NET_I16, weights, -128, 127);
  net_value_id bias = constant(m, "bias", wide ? NET_I64 : NET_I32, (net_shape){1, {m->other}}, -9999, 9999);
  return call(
      m, "integer_linear", VALUES(q, weight, pick(m, 2) ? bias : NET_NONE),
      ATTRIBUTES(net_attribute_int(n, "bits", wide ? 64 : 32), net_attribute_int(n, "shift", pick(m, 3))));
}

static net_node_id rescale(jit_maker *m, net_value_id q, net_shape shape) {
  static const char *const roundings[] = {"half_even", "half_up", "floor", "zero"};
  static const struct {
    const char *type;
    int low, high, wrap;
  } types[] = {
      {"i8", -128, 127, 0}, {"u8", 0, 255, 0}, {"i16", -300, 3000, 0}, {"i8", -16, 15, 5}, {"u8", 0, 7, -3}};
  netc *n = m->graph->n;
  uint32_t k = pick(m, 5);
  bool multiplied = pick(m, 3) == 0;
  net_shape one = {0};
  net_value_id shift =
      constant(m, "shift", NET_I32, pick(m, 2) ? one : shape, multiplied ? 25 : -3, multiplied ? 33 : 6);
  net_value_id by = constant(m, "multiplier", NET_I32, pick(m, 2) ? one : shape, 1 << 30, INT32_MAX);
  return call(
      m, "integer_rescale", VALUES(q, shift, multiplied ? by : NET_NONE),
      ATTRIBUTES(net_attribute_text(n, "rounding", roundings[pick(m, 4)]),
                 net_attribute_text(n, "type", types[k].type), net_attribute_int(n, "low", types[k].low),
                 net_attribute_int(n, "high", types[k].high), net_attribute_int(n, "wrap", types[k].wrap),
                 net_attribute_int(n, "zero", types[k].wrap ? 0 : (int)pick(m, 5) - 2),
                 net_attribute_int(n, "x_zero", types[k].wrap ? 0 : (int)pick(m, 5) - 2)));
}

net_node_id jit_make_codes(jit_maker *m, const char *op, net_value_id x) {
  netc *n = m->graph->n;
  net_shape shape = m->graph->values.at[x].shape, channels = {1, {shape.dim[0]}}, one = {0};
  if (!strcmp(op, "integer_quantize")) return quantize(m, x);
  net_value_id q = net_node_output(m->graph, quantize(m, x), 0);
  bool wide = pick(m, 3) == 0;
  net_type type = wide ? NET_I64 : NET_I32;
  net_attribute bits = net_attribute_int(n, "bits", wide ? 64 : 32);
  if (!strcmp(op, "integer_linear")) return linear(m, q, shape);
  if (!strcmp(op, "integer_rescale")) return rescale(m, q, shape);
  if (!strcmp(op, "integer_affine"))
    return call(m, op,
                VALUES(q, constant(m, "factor", type, channels, -99, 99),
                       constant(m, "shift", type, channels, -999, 999)),
                &bits, 1);
  if (!strcmp(op, "integer_relu"))
    return call(m, op, &q, 1, ATTRIBUTES(net_attribute_int(n, "zero", pick(m, 4))));
  if (!strcmp(op, "integer_value")) {
    net_value_id unit = constant(m, "unit", NET_F32, pick(m, 2) ? one : shape, 1, 9);
    return call(
        m, op, VALUES(q, unit),
        ATTRIBUTES(net_attribute_int(n, "zero", pick(m, 3)), net_attribute_bool(n, "wide", pick(m, 2))));
  }
  net_value_id other = pick(m, 2) ? q : constant(m, "b", NET_I16, pick(m, 2) ? one : shape, -500, 500);
  if (!strcmp(op, "integer_mul"))
    return call(m, op, VALUES(q, other),
                ATTRIBUTES(bits, net_attribute_int(n, "a_zero", pick(m, 5)),
                           net_attribute_int(n, "b_zero", pick(m, 2))));
  return call(m, op,
              VALUES(q, other, constant(m, "a_factor", type, pick(m, 2) ? one : shape, -99, 99),
                     constant(m, "b_factor", type, one, -999, 999)),
              ATTRIBUTES(bits, net_attribute_int(n, "offset", (int)pick(m, 99) - 50)));
}
