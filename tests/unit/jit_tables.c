/* Calls of functions that are looked up, made by number: entries are any numbers, since nothing rests on them
 * but that softmax's first is 2^15. */
#include "tests/unit/jit_cases.h"

static uint32_t pick(jit_maker *m, uint32_t count) { return (uint32_t)jit_random(&m->draws, 0, count); }

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

/* Whole numbers in [low, high] times unit. first: the first of them. */
static net_value_id table(jit_maker *m, net_type type, uint32_t entries, int64_t low, int64_t high,
                          double unit, bool softmax) {
  net_graph *g = m->graph;
  void *data = net_arena_alloc(g->arena, entries * net_type_bytes(type), 8);
  for (uint32_t i = 0; i < entries; i++)
    net_type_set(type, data, i, unit * ((double)low + (double)pick(m, (uint32_t)(high - low + 1))));
  if (softmax) net_type_set(type, data, 0, 32768);
  net_value_id v = net_graph_value(g, NET_VALUE_CONSTANT, net_graph_fresh_name(g, "table"), type,
                                   (net_shape){1, {entries}}, false, NET_NOWHERE);
  g->values.at[v].data = data;
  return v;
}

static net_value_id codes_of(jit_maker *m, net_value_id x) {
  netc *n = m->graph->n;
  bool natural = pick(m, 2);
  const char *format = natural ? "integer(8, 3, unsigned = true)" : "integer(8, 5)";
  net_attribute attributes[] = {net_attribute_text(n, "format", format),
                                net_attribute_text(n, "type", natural ? "u8" : "i8")};
  return net_node_output(m->graph, call(m, "integer_quantize", &x, 1, attributes, 2), 0);
}

/* sigmoid_table, tanh_table, integer_table */
static net_node_id looked_up(jit_maker *m, const char *op, net_value_id x, bool coded) {
  static const net_type types[] = {NET_I8, NET_U8, NET_I16, NET_U16};
  netc *n = m->graph->n;
  int64_t low = -(int64_t)pick(m, 130), high = low + pick(m, 256), shift = pick(m, 4);
  uint32_t entries = (uint32_t)((high >> shift) - (low >> shift)) + 1;
  net_type type = coded ? types[pick(m, 4)] : NET_F32;
  bool natural = type == NET_U8 || type == NET_U16;
  net_value_id in =
      table(m, type, entries, natural ? 0 : -128, natural ? 255 : 127, coded ? 1 : 0.0078125, false);
  net_attribute attributes[5] = {net_attribute_int(n, "low", low), net_attribute_int(n, "high", high),
                                 net_attribute_int(n, "shift", shift)};
  uint32_t count = 3;
  if (coded) attributes[count++] = net_attribute_int(n, "zero", (int)pick(m, 9) - 4);
  if (!coded) attributes[count++] = net_attribute_real(n, "x_step", ldexp(1, -(int)pick(m, 6)));
  if (!coded) attributes[count++] = net_attribute_real(n, "y_step", 0.0078125);
  return call(m, op, VALUES(x, in), attributes, count);
}

/* softmax_table, integer_softmax */
static net_node_id shared_out(jit_maker *m, const char *op, net_value_id x, bool coded) {
  static const char *const roundings[] = {"half_even", "half_up", "floor", "zero"};
  netc *n = m->graph->n;
  int fraction = (int)pick(m, 17);
  int64_t last = pick(m, 256), shift = pick(m, 4), one = (int64_t)1 << fraction,
          most = pick(m, 2) ? one : one / 2;
  uint32_t entries = (uint32_t)(last >> shift) + 1;
  net_value_id in = table(m, coded ? NET_U16 : NET_F32, entries, 0, pick(m, 2) ? 32768 : 9, 1, true);
  net_attribute attributes[8] = {
      net_attribute_int(n, "axis", pick(m, m->graph->values.at[x].shape.rank)),
      net_attribute_int(n, "last", last),
      net_attribute_int(n, "shift", shift),
      net_attribute_int(n, "most", most),
      net_attribute_text(n, "rounding", roundings[pick(m, 4)]),
  };
  uint32_t count = 5;
  if (coded) attributes[count++] = net_attribute_int(n, "fraction", fraction);
  if (coded)
    attributes[count++] = net_attribute_text(n, "type", most < 256 ? "u8" : most < 65536 ? "u16" : "i32");
  if (!coded) attributes[count++] = net_attribute_real(n, "x_step", ldexp(1, -(int)pick(m, 6)));
  if (!coded) attributes[count++] = net_attribute_real(n, "y_step", ldexp(1, -fraction));
  return call(m, op, VALUES(x, in), attributes, count);
}

net_node_id jit_make_table(jit_maker *m, const char *op, net_value_id x) {
  bool coded = !strncmp(op, "integer_", 8);
  if (coded) x = codes_of(m, x);
  return strstr(op, "softmax") ? shared_out(m, op, x, coded) : looked_up(m, op, x, coded);
}
