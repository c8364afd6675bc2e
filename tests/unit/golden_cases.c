/* Rows of recorded layers and networks → graphs, quantised by the pass as a quantize block of the row's
 * formats would have it, and for layers their gradients. */
#include "tests/unit/golden.h"

#include "formats/formats.h"
#include "passes/passes.h"
#include "tests/unit/recorded.h"

typedef struct {
  netc *n;
  char **fields;
  uint32_t count;
  golden_case *to;
} reader;

#define TEXT(...) net_arena_format(&r->n->arena, __VA_ARGS__)

/* ---- tensors ---- */

static net_value_id find(const reader *r, const net_graph *g, const char *name) {
  net_value_id v = net_graph_find_value(g, net_intern(r->n, name));
  if (v == NET_NONE) fail_msg("%s: there is no '%s'", r->to->name, name);
  return v;
}

static net_value_id input(reader *r, net_graph *g, const char *name, uint32_t width) {
  net_value_id v = net_graph_value(g, NET_VALUE_INPUT, net_intern(r->n, name), NET_F32,
                                   (net_shape){1, {width}}, true, NET_NOWHERE);
  g->values.at[v].column = v; /* each its own */
  return v;
}

static uint64_t elements_of(const reader *r, net_value_id v) {
  const net_value *value = net_graph_value_at(r->to->graph, v);
  return net_shape_elements(&value->shape) * (value->batched ? r->to->batch : 1);
}

/* Elements of a value of the finished graph, from text of as many numbers. */
static golden_tensor tensor(reader *r, const char *what, net_value_id v, const char *text, bool exact) {
  golden_tensor t = {.value = v, .what = what, .exact = exact, .layers = 1, .count = elements_of(r, v)};
  float *values;
  if (!strncmp(text, "ERROR", 5) || !strcmp(text, "-")) return t;
  uint32_t count = recorded_floats(r->n, text, &values);
  if (count != t.count)
    fail_msg("%s: %u numbers for %s, which has %llu", r->to->name, count, what, (unsigned long long)t.count);
  t.elements = values;
  return t;
}

static void give(reader *r, const char *name, const char *text) {
  golden_tensor t = tensor(r, name, find(r, r->to->graph, name), text, true);
  assert_non_null(t.elements);
  net_vec_push(&r->n->arena, &r->to->given, t);
}

static void want(reader *r, const char *what, net_value_id v, const char *text, bool exact) {
  net_vec_push(&r->n->arena, &r->to->wanted, tensor(r, what, v, text, exact));
}

/* ---- formats ---- */

static net_format_choice choice(reader *r, const char *text) {
  net_format_choice c = {.given = true, .loc = NET_NOWHERE};
  text = TEXT("%s, mase_compatible = true)", text);
  if (!net_format_parse(r->n, text, strlen(text), NET_NOWHERE, &c.format))
    fail_msg("%s: %s: %s", r->to->name, text, jit_message(r->n));
  return c;
}

/* The name that a tensor's format has in rows of quantisers. */
static const char *format_name(const char *layer, const json_t *part) {
  if (!strcmp(layer, "logicnets")) return "integer";
  if (strcmp(layer, "binary_residual")) return layer;
  return json_object_get(part, "levels") ? "residual_sign" : "binary";
}

/* What a layer's configuration says of each tensor. MASE's binary quantises weights alone, logicnets what
 * comes in and goes out alone. */
static net_quantize_rule rule_of(reader *r, const char *op, const json_t *layer, bool is_signed,
                                 bool *integer) {
  static const struct {
    const char *name;
    net_tensor_role role;
  } tensors[] = {{"data_in", NET_TENSOR_INPUT},
                 {"weight", NET_TENSOR_WEIGHT},
                 {"bias", NET_TENSOR_BIAS},
                 {"data_out", NET_TENSOR_OUTPUT}};
  net_quantize_rule rule = {.scope = NET_RULE_OPERATOR, .what = net_intern(r->n, op), .loc = NET_NOWHERE};
  const char *name = json_string_value(json_object_get(layer, "name"));
  assert_non_null(name);
  bool logicnets = !strcmp(name, "logicnets"), binary = !strcmp(name, "binary");
  *integer = !strncmp(name, "integer", 7) || logicnets;
  for (uint32_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
    json_t *part = recorded_part(layer, tensors[i].name);
    bool weights = tensors[i].role == NET_TENSOR_WEIGHT || tensors[i].role == NET_TENSOR_BIAS;
    bool left_alone = logicnets ? weights : binary && tensors[i].role != NET_TENSOR_WEIGHT;
    if (part && !left_alone) {
      if (!json_object_get(part, "is_signed"))
        json_object_set_new(part, "is_signed", json_boolean(is_signed));
      const char *text = recorded_format(r->n, format_name(name, part), part);
      if (!text) fail_msg("%s: no format is known for %s", r->to->name, name);
      rule.tensors[tensors[i].role] = choice(r, text);
    }
    json_decref(part);
  }
  return rule;
}

static void quantize(reader *r, const net_graph *plain, const net_quantize_rule *rule) {
  netc *n = r->n;
  net_quantization quantization = {
      .name = net_intern(n, "golden"), .rules = rule, .rule_count = 1, .loc = NET_NOWHERE};
  net_pass_context context = {.n = n, .arena = &n->arena, .quantization = &quantization};
  r->to->graph = rule ? net_pass_quantize(&context, plain) : net_graph_copy(&n->arena, plain);
  if (!r->to->graph) fail_msg("%s: %s", r->to->name, jit_message(n));
}

/* ---- gradients ---- */

/* The gradients of all values that y depends on, given y's: by the operators' own rules, straight through
 * quantisers. */
static net_value_id *backward(reader *r, net_value_id y, net_value_id dy) {
  net_graph *g = r->to->graph;
  net_arena *arena = &r->n->arena;
  uint32_t values = g->values.count;
  net_value_id *gradient = NET_NEW_ARRAY(arena, net_value_id, values);
  for (net_value_id v = 0; v < values; v++) gradient[v] = NET_NONE;
  gradient[y] = dy;
  for (net_node_id i = g->nodes.count; i-- > 0;) {
    net_node node = *net_graph_at(g, i);
    if (gradient[node.first_output] == NET_NONE) continue;
    net_value_id dx[8] = {0};
    bool wanted[8] = {0};
    assert_true(node.input_count <= 8 && node.output_count == 1);
    for (uint32_t k = 0; k < node.input_count; k++)
      dx[k] = NET_NONE, wanted[k] = net_node_input(g, i, k) != NET_NONE;
    net_gradient ask = {g, i, &gradient[node.first_output], dx, wanted, 1};
    assert_true(net_node_op(g, i)->gradient(&ask));
    for (uint32_t k = 0; k < node.input_count; k++)
      if (wanted[k]) gradient[net_node_input(g, i, k)] = dx[k];
  }
  return gradient;
}

/* ---- kinds of rows ---- */

/* A linear layer, in → out; its result in the quantised graph. */
static net_value_id linear(reader *r, const char *sizes, const json_t *layer, bool *integer) {
  netc *n = r->n;
  uint32_t in, out;
  if (sscanf(sizes, "%u %u %u", &r->to->batch, &in, &out) != 3) fail_msg("%s: '%s'", r->to->name, sizes);
  net_graph *plain = net_graph_new(n, &n->arena, net_intern(n, "layer"), NET_NOWHERE);
  net_value_id x = input(r, plain, "x", in);
  net_attribute features = net_attribute_int(n, "features", out);
  net_node_id node = net_graph_layer(plain, "linear", net_intern(n, "fc"), &x, 1, &features, 1, NET_NOWHERE);
  assert_int_not_equal(node, NET_NONE);
  net_vec_push(&n->arena, &plain->outputs, net_node_output(plain, node, 0));
  net_quantize_rule rule = rule_of(r, "linear", layer, true, integer);
  quantize(r, plain, &rule);
  return r->to->graph->outputs.at[0];
}

/* case class config sizes x w b y gy gx gw gb */
static void read_linear(reader *r, const json_t *layer) {
  bool integer;
  net_value_id y = linear(r, r->fields[3], layer, &integer);
  net_graph *g = r->to->graph;
  net_value_id dy = input(r, g, "gy", net_graph_value_at(g, y)->shape.dim[0]), *gradient = backward(r, y, dy);
  give(r, "x", r->fields[4]);
  give(r, "fc.weight", r->fields[5]);
  give(r, "fc.bias", r->fields[6]);
  want(r, "y", y, r->fields[7], integer);
  if (!strcmp(r->fields[8], "-")) return; /* MASE raises before it comes to gradients */
  give(r, "gy", r->fields[8]);
  want(r, "gx", gradient[find(r, g, "x")], r->fields[9], false);
  want(r, "gw", gradient[find(r, g, "fc.weight")], r->fields[10], false);
  want(r, "gb", gradient[find(r, g, "fc.bias")], r->fields[11], false);
}

/* Factors that are trained are as they start here: 1, and levels halving. */
static void check_factors(reader *r, const char *gamma, const char *means) {
  float *values;
  if (!strcmp(gamma, "-")) return;
  if (recorded_floats(r->n, gamma, &values) != 1 || values[0] != 1)
    fail_msg("%s: gamma is not 1", r->to->name);
  uint32_t count = recorded_floats(r->n, means, &values);
  for (uint32_t i = 0; i < count; i++)
    if (fabs(values[i] * (exp2(count) - 1) - exp2(count - 1 - i)) > 1e-6)
      fail_msg("%s: level %u is %g", r->to->name, i, values[i]);
}

/* class config sizes x w b gamma means y(math) y(lut) */
static void read_research(reader *r, const json_t *layer) {
  bool integer;
  check_factors(r, r->fields[6], r->fields[7]);
  net_value_id y = linear(r, r->fields[2], layer, &integer);
  give(r, "x", r->fields[3]);
  give(r, "fc.weight", r->fields[4]);
  give(r, "fc.bias", r->fields[5]);
  want(r, "y", y, r->fields[8], integer);
  if (strcmp(r->fields[9], "-")) want(r, "y by truth tables", y, r->fields[9], integer);
}

/* case class config n x y */
static void read_relu(reader *r, const json_t *layer) {
  netc *n = r->n;
  bool integer;
  net_graph *plain = net_graph_new(n, &n->arena, net_intern(n, "layer"), NET_NOWHERE);
  net_value_id x = input(r, plain, "x", (uint32_t)strtoul(r->fields[3], NULL, 10));
  net_node_id node = net_graph_node(plain, "relu", net_intern(n, "relu"), &x, 1, NULL, 0, NET_NOWHERE);
  assert_int_not_equal(node, NET_NONE);
  net_vec_push(&n->arena, &plain->outputs, net_node_output(plain, node, 0));
  net_quantize_rule rule = rule_of(r, "relu", layer, false, &integer);
  quantize(r, plain, &rule);
  r->to->batch = 1;
  give(r, "x", r->fields[4]);
  want(r, "y", r->to->graph->outputs.at[0], r->fields[5], true);
}

/* ---- networks ---- */

/* "seq_blocks.2.weight:5x16:bf000000 …;…": of a network's first row, kept for the others. */
typedef struct {
  const char *model, *parameters;
} known_model;

typedef struct {
  uint32_t index, out;
  bool norm;
} module;

static bool has_negative(const reader *r, const char *text) {
  float *values;
  bool any = false;
  for (uint32_t i = recorded_floats(r->n, text, &values); i-- > 0;) any |= values[i] < 0;
  return any;
}

/* Layers that have parameters, by their numbers; those between, and one behind the last unless results are
 * negative, are ReLUs. */
static uint32_t modules_of(const reader *r, const char *parameters, module *modules) {
  uint32_t count = 0;
  for (const char *at = parameters; *at; at += strcspn(at, ";"), at += *at == ';') {
    uint32_t index, out;
    char key[32];
    if (sscanf(at, "seq_blocks.%u.%31[a-z_]:%u", &index, key, &out) != 3)
      fail_msg("%s: '%.40s'", r->to->name, at);
    if (!count || modules[count - 1].index != index) modules[count++] = (module){index, out, false};
    if (!strcmp(key, "running_mean")) modules[count - 1].norm = true;
    assert_true(count < 32);
  }
  return count;
}

static net_value_id add_module(reader *r, net_graph *g, const module *m, net_value_id x, bool training) {
  net_attribute attribute =
      m->norm ? net_attribute_bool(r->n, "training", training) : net_attribute_int(r->n, "features", m->out);
  net_name name = net_intern(r->n, TEXT("seq_blocks.%u", m->index));
  net_node_id node =
      net_graph_layer(g, m->norm ? "batch_norm" : "linear", name, &x, 1, &attribute, 1, NET_NOWHERE);
  assert_int_not_equal(node, NET_NONE);
  return net_node_output(g, node, 0);
}

/* model "w,f" or float, train or eval, batch, parameters, x, y. The lab quantises the linear layers. */
static void read_model(reader *r, known_model *known, uint32_t *known_count) {
  netc *n = r->n;
  const char *parameters = r->fields[4];
  if (parameters[0] == '=') {
    parameters = NULL;
    for (uint32_t i = 0; i < *known_count; i++)
      if (!strcmp(known[i].model, r->fields[0])) parameters = known[i].parameters;
    if (!parameters) fail_msg("%s: '%s' was not there", r->to->name, r->fields[4]);
  } else {
    assert_true(*known_count < 16);
    known[(*known_count)++] = (known_model){r->fields[0], parameters};
  }
  module modules[32];
  uint32_t count = modules_of(r, parameters, modules), numbers = (uint32_t)(strlen(r->fields[5]) + 1) / 9;
  r->to->batch = (uint32_t)strtoul(r->fields[3], NULL, 10);
  net_graph *plain = net_graph_new(n, &n->arena, net_intern(n, "network"), NET_NOWHERE);
  net_value_id x = input(r, plain, "x", numbers / r->to->batch);
  for (uint32_t k = 0, at = 0; k <= count; k++) {
    uint32_t behind = has_negative(r, r->fields[6]) ? at : at + 1;
    for (uint32_t next = k < count ? modules[k].index : behind; at < next; at++) {
      net_node_id relu = net_graph_node(plain, "relu", net_intern(n, TEXT("seq_blocks.%u", at)), &x, 1, NULL,
                                        0, NET_NOWHERE);
      assert_int_not_equal(relu, NET_NONE);
      x = net_node_output(plain, relu, 0);
    }
    if (k < count) x = add_module(r, plain, &modules[k], x, !strcmp(r->fields[2], "train")), at++;
  }
  net_vec_push(&n->arena, &plain->outputs, x);
  bool quantized = strcmp(r->fields[1], "float");
  net_quantize_rule rule = {.scope = NET_RULE_OPERATOR, .what = net_intern(n, "linear"), .loc = NET_NOWHERE};
  for (net_tensor_role role = NET_TENSOR_INPUT; role <= NET_TENSOR_BIAS && quantized; role++)
    rule.tensors[role] = choice(r, TEXT("integer(%s", r->fields[1]));
  quantize(r, plain, quantized ? &rule : NULL);
  give(r, "x", r->fields[5]);
  for (char *left = net_arena_copy(&n->arena, parameters, strlen(parameters)); *left;) {
    char *one = left;
    left += strcspn(left, ";");
    if (*left) *left++ = 0;
    char *name = one, *numbers_at = strrchr(one, ':') + 1;
    *strchr(name, ':') = 0;
    give(r, name, numbers_at);
  }
  want(r, "y", r->to->graph->outputs.at[0], r->fields[6], quantized && !modules[count - 1].norm);
  r->to->wanted.at[0].layers = count;
}

/* ---- files ---- */

enum { MOST_FIELDS = 12 };

void golden_read(netc *n, const char *path, golden_cases *cases) {
  known_model known[16];
  uint32_t known_count = 0;
  char *text = recorded_load(n, path);
  for (char *line; (line = recorded_line(&text));) {
    char *fields[MOST_FIELDS + 1];
    uint32_t count = 0;
    golden_case fresh = {0};
    for (; *line && count < MOST_FIELDS + 1; count++) fields[count] = recorded_field(&line);
    reader reader_at = {n, fields, count, &fresh}, *r = &reader_at;
    uint32_t class = count == 10 ? 0 : 1;
    if (count == 7) {
      fresh.name = TEXT("%s %s %s", fields[0], fields[1], fields[2]);
      read_model(r, known, &known_count);
    } else if (count == 12 || count == 10 || count == 6) {
      fresh.name = TEXT("%s %s", fields[class], class ? fields[0] : fields[2]);
      json_t *layer = json_loads(fields[class + 1], 0, NULL);
      if (!layer) fail_msg("%s: '%s' is no JSON", fresh.name, fields[class + 1]);
      (count == 12 ? read_linear : count == 10 ? read_research : read_relu)(r, layer);
      json_decref(layer);
    } else {
      fail_msg("%s: a line of %u fields is neither a layer nor a network", path, count);
    }
    if (!net_graph_verify(n, fresh.graph)) fail_msg("%s: %s", fresh.name, jit_message(n));
    net_vec_push(&n->arena, cases, fresh);
  }
}
