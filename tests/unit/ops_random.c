/* ops/: calls made at random of every operator. Each is refused with one message, or gives results on which
 * interpreter and kernel agree. */
#include "tests/unit/ops_evaluate.h"

enum { ROUNDS = 1000 };

typedef struct {
  netc *n;
  net_graph *graph;
  uint64_t state;
} caller;

static uint32_t below(caller *c, uint32_t n) { return (uint32_t)ops_test_random(&c->state, 0, n); }

static net_shape shape(caller *c, uint32_t most) {
  net_shape s = {.rank = below(c, most + 1)};
  for (uint32_t i = 0; i < s.rank; i++) s.dim[i] = 1 + below(c, 3);
  return s;
}

static net_value_kind kind_of(caller *c, const char *kind) {
  if (!strcmp(kind, "parameter")) return NET_VALUE_PARAMETER;
  if (!strcmp(kind, "statistic")) return NET_VALUE_STATISTIC;
  if (!strcmp(kind, "state")) return NET_VALUE_STATE;
  if (!strcmp(kind, "scalar")) return NET_VALUE_SCALAR;
  if (!strcmp(kind, "target")) return NET_VALUE_TARGET;
  if (!strcmp(kind, "weight")) return NET_VALUE_WEIGHT;
  if (!strcmp(kind, "constant")) return NET_VALUE_CONSTANT;
  return below(c, 3) ? NET_VALUE_INPUT : NET_VALUE_PARAMETER;
}

/* Inputs of a make of their own, which the first input is seldom like. */
static bool is_apart(const net_op_field *field) {
  static const char *const names[] = {"weight",   "mean",       "inverse", "gradient", "clip",
                                      "observed", "weight_sum", "step",    "least",    "most"};
  for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(field->name, names[i])) return true;
  return false;
}

/* A value for a declared input: mostly in a shape made of the first's, so that calls are not all refused. */
static net_value_id value(caller *c, const net_op_field *field, net_value_id like, uint32_t index) {
  net_graph *g = c->graph;
  net_value_kind kind = kind_of(c, field->kind);
  net_shape s = shape(c, 3);
  bool batched = kind == NET_VALUE_INPUT || kind == NET_VALUE_TARGET || kind == NET_VALUE_WEIGHT;
  net_type type = kind == NET_VALUE_TARGET && below(c, 2) ? NET_U32 : NET_F32;
  if (like != NET_NONE) {
    const net_value *first = net_graph_value_at(g, like);
    uint32_t way = below(c, 5), rank = first->shape.rank;
    if (way <= 1) s = first->shape;
    if (way == 2 && rank) s = (net_shape){1, {first->shape.dim[0]}};
    if (way == 3 && rank) s = (net_shape){1, {first->shape.dim[rank - 1]}};
    if (way == 4 && rank) s = first->shape, s.rank--;
  }
  if (is_apart(field) && below(c, 4)) kind = NET_VALUE_PARAMETER, batched = false;
  if (kind == NET_VALUE_WEIGHT || kind == NET_VALUE_SCALAR || type == NET_U32 ||
      !strcmp(field->name, "weight_sum") || !strcmp(field->name, "clip"))
    s = (net_shape){0};
  net_name name = net_intern_format(c->n, "%s%u", field->name, index);
  net_value_id v = net_graph_value(g, kind, name, type, s, batched, NET_NOWHERE);
  g->values.at[v].column = index;
  if (kind == NET_VALUE_CONSTANT) {
    float *data = NET_NEW_ARRAY(g->arena, float, net_shape_elements(&s));
    for (uint64_t i = 0; i < net_shape_elements(&s); i++)
      data[i] = (float)ops_test_random(&c->state, 0.25, 2);
    g->values.at[v].data = data;
  }
  return v;
}

static net_attribute attribute(caller *c, const net_op_field *field, const net_shape *like) {
  netc *n = c->n;
  static const double reals[] = {0, 0.1, 0.5, 1, -1, 2};
  static const char *const texts[] = {"none", "tanh", "other", "affine", "i8", "i16"};
  static const char *const roundings[] = {"half_even", "half_up", "floor", "zero"};
  static const char *const formats[] = {"float32", "integer(8, 4)", "block_fp(8, 8, block = 16)", "log(6)"};
  if (!strcmp(field->name, "features")) return net_attribute_int(n, "features", 1 + below(c, 3));
  if (!strcmp(field->kind, "int")) return net_attribute_int(n, field->name, (int)below(c, 6) - 2);
  if (!strcmp(field->kind, "real")) return net_attribute_real(n, field->name, reals[below(c, 6)]);
  if (!strcmp(field->kind, "bool")) return net_attribute_bool(n, field->name, below(c, 2));
  if (strstr(field->name, "format")) return net_attribute_text(n, field->name, formats[below(c, 4)]);
  if (!strcmp(field->name, "rounding")) return net_attribute_text(n, field->name, roundings[below(c, 4)]);
  if (!strcmp(field->kind, "text")) return net_attribute_text(n, field->name, texts[below(c, 6)]);
  net_shape ints = shape(c, 3);
  if (!strcmp(field->name, "axes"))
    for (uint32_t i = 0; i < ints.rank; i++) ints.dim[i] = (uint32_t)((int)below(c, 5) - 2);
  else if (below(c, 2))
    ints = (net_shape){1, {UINT32_MAX}};
  else if (below(c, 2))
    ints = *like;
  return net_attribute_ints(n, field->name, ints);
}

static net_node_id call(caller *c, const net_op *op) {
  const net_op_field *inputs, *attributes;
  uint32_t input_count = net_op_inputs(c->n, op, &inputs), count = net_op_attributes(c->n, op, &attributes);
  uint32_t more = inputs[input_count - 1].variadic ? below(c, 3) : 0;
  net_value_id in[16];
  net_attribute given[8];
  for (uint32_t i = 0; i < input_count + more; i++) {
    const net_op_field *field = &inputs[i < input_count ? i : input_count - 1];
    net_value_id first = i ? in[0] : NET_NONE;
    in[i] = field->optional && below(c, 2) ? NET_NONE : value(c, field, first, i);
    bool alike = i && !is_apart(field) && !strcmp(field->kind, "data") && !strcmp(inputs[0].kind, "data");
    if (alike && in[i] != NET_NONE && below(c, 2)) in[i] = in[0];
  }
  net_shape like = {0};
  if (in[0] != NET_NONE) like = net_graph_value_at(c->graph, in[0])->shape;
  for (uint32_t i = 0; i < count; i++) given[i] = attribute(c, &attributes[i], &like);
  return net_graph_node(c->graph, op->name, net_intern(c->n, "y"), in, input_count + more, given, count,
                        NET_NOWHERE);
}

/* Whether the call was accepted. */
static bool try(const net_op *op, uint64_t seed) {
  netc n;
  ops_test_begin(&n);
  caller c = {&n, net_graph_new(&n, &n.arena, net_intern(&n, "g"), NET_NOWHERE), seed};
  net_node_id node = call(&c, op);
  if (node == NET_NONE) {
    if (n.diagnostics.errors != 1 || n.diagnostics.faults)
      fail_msg("%s, seed %llu: %u errors, %u faults: %s", op->name, (unsigned long long)seed,
               n.diagnostics.errors, n.diagnostics.faults, ops_test_message(&n));
  } else {
    uint32_t count = 2 + below(&c, 4), batch = count + below(&c, 2);
    const char *where = net_arena_format(&n.arena, "seed %llu", (unsigned long long)seed);
    net_run run = net_run_begin(&n, c.graph, &n.arena, count);
    run.step = below(&c, 2);
    ops_test_fill(&run, seed);
    for (net_value_id v = 0; v < c.graph->values.count; v++) /* as it is without weights */
      if (!strncmp(net_text(&n, c.graph->values.at[v].name), "weight_sum", 10) && run.values[v])
        run.values[v][0] = count;
    if (!net_run_all(&run)) fail_msg("%s, %s: %s", op->name, where, ops_test_message(&n));
    ops_test_kernel(&run, node, batch, op->ulps + 4, 1, where); /* terms may cancel */
  }
  netc_free(&n);
  return node != NET_NONE;
}

static void test_random_calls(void **state) {
  (void)state;
  for (uint32_t i = 0; i < net_op_count; i++) {
    uint32_t accepted = 0;
    for (uint64_t round = 0; round < ROUNDS || (!accepted && round < 20 * ROUNDS); round++)
      accepted += try(&net_ops[i], i * 20 * ROUNDS + round); /* some rows are accepted seldom */
    bool codes = !strncmp(net_ops[i].name, "integer_", 8) && strcmp(net_ops[i].name, "integer_quantize");
    bool looked_up =
        strstr(net_ops[i].name, "_table") != NULL; /* places want a table of their number: jit_tables.c */
    if (!accepted && !codes && !looked_up)         /* integers are none of a network's inputs: jit_codes.c */
      fail_msg("%s was never accepted", net_ops[i].name);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_calls)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
