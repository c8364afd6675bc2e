#include "passes/integer_only.h"

#include "formats/formats.h"
#include "graph/operator.h"
#include "passes/ranges.h"

#include <float.h>
#include <math.h>

typedef struct {
  netc *n;
  const net_graph *graph;
  net_integer_break *first;
  const net_ranges *ranges;
} checker;

static bool broken(checker *c, net_node_id node, net_value_id value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static bool broken(checker *c, net_node_id node, net_value_id value, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  *c->first = (net_integer_break){node, value, net_arena_vformat(&c->n->arena, format, arguments)};
  va_end(arguments);
  return false;
}

static const char *name_of(const checker *c, net_value_id value) {
  return net_text(c->n, net_graph_value_at(c->graph, value)->name);
}

/* ---- formats ---- */

/* NULL: it is one that integers can follow. */
static const char *no_integer(netc *n, net_format_id id) {
  const net_format_spec *spec = net_format_at(n, id);
  net_format_grid grid = net_format_grid_of(spec);
  if (grid == NET_GRID_NONE) return "is no integer format";
  if (grid == NET_GRID_POINT && spec->width - !spec->is_unsigned > FLT_MANT_DIG)
    return "has more bits than binary32, which it is emulated in";
  return NULL;
}

/* Steps of fixed points that calibration found are powers of two by construction; learned ones need not be.
 */
static bool check_steps(checker *c, net_node_id id, bool scaled) {
  const net_node *node = net_graph_at(c->graph, id);
  for (uint32_t i = 1; i < node->input_count; i++) {
    net_value_id v = net_node_input(c->graph, id, i);
    if (v == NET_NONE) continue;
    const net_value *value = net_graph_value_at(c->graph, v);
    int exponent;
    if (scaled && !value->data) return broken(c, id, v, "has steps that training changes");
    for (uint64_t k = 0, count = net_shape_elements(&value->shape); !scaled && i == 1 && k < count; k++)
      if (!value->data || frexp(net_type_element(value->type, value->data, k), &exponent) != 0.5)
        return broken(c, id, v, "has steps that are no powers of two");
    if (i > 1 && !scaled) return broken(c, id, v, "has zero points");
  }
  return true;
}

static bool rounds(const checker *c, net_node_id id) {
  const net_op_field *outputs;
  return net_op_outputs(c->n, net_node_op(c->graph, id), &outputs) && !strcmp(outputs->kind, "rounds");
}

static bool check_quantizer(checker *c, net_node_id id) {
  const net_node *node = net_graph_at(c->graph, id);
  net_value_id x = net_node_input(c->graph, id, 0);
  net_format_id format = net_graph_value_at(c->graph, node->first_output)->format;
  const net_format_spec *spec = net_format_at(c->n, format);
  net_format_grid grid = net_format_grid_of(spec);
  const char *reason = no_integer(c->n, format);
  if (reason) return broken(c, id, x, "makes %s, which %s", net_format_text(c->n, format), reason);
  bool weights = net_formats[spec->family].flags & NET_FORMAT_WEIGHTS_ONLY;
  if (weights && net_graph_value_at(c->graph, x)->batched)
    return broken(c, id, x, "makes %s, which is for weights alone", net_format_text(c->n, format));
  if (spec->stochastic && net_node_bool(c->graph, id, "training"))
    return broken(c, id, x, "draws at random in training");
  return check_steps(c, id, grid == NET_GRID_STEPS);
}

/* ---- operators ---- */

static bool is_integer(const checker *c, net_value_id value) {
  return !no_integer(c->n, net_graph_value_at(c->graph, value)->format);
}

/* What the node makes itself when it runs. */
static bool check_made(checker *c, net_node_id id, net_tensor_role role) {
  const net_attribute *made = net_node_made_format(c->graph, id, role);
  if (!made) return true;
  const char *text = net_text(c->n, made->text);
  net_format_id format;
  if (!net_format_parse(c->n, text, strlen(text), net_graph_at(c->graph, id)->loc, &format)) return false;
  const char *reason = no_integer(c->n, format);
  return !reason || broken(c, id, NET_NONE, "has for its %s %s, which %s", net_tensor_role_names[role], text,
                           reason);
}

/* Made of parameters alone, before anything runs. */
static bool is_shared(const net_graph *g, net_node_id id) {
  const net_node *node = net_graph_at(g, id);
  bool batched = false;
  for (uint32_t i = 0; i < node->input_count; i++)
    batched |=
        net_node_input(g, id, i) != NET_NONE && net_graph_value_at(g, net_node_input(g, id, i))->batched;
  for (uint32_t i = 0; i < node->output_count; i++) batched |= g->values.at[node->first_output + i].batched;
  return !batched;
}

/* Integers count one unit in a sum. */
static bool check_units(checker *c, net_node_id id) {
  net_value_id y = net_graph_at(c->graph, id)->first_output;
  for (uint64_t i = 0, count = net_shape_elements(&net_graph_value_at(c->graph, y)->shape); i < count; i++)
    if (!(c->ranges->units[y][i] > 0))
      return broken(c, id, NET_NONE,
                    "sums numbers of unlike steps: give its inputs one step each, or powers of two");
  return true;
}

static bool check_operator(checker *c, net_node_id id) {
  const net_node *node = net_graph_at(c->graph, id);
  const net_op *op = net_node_op(c->graph, id);
  bool makes = net_node_made_format(c->graph, id, NET_TENSOR_WEIGHT);
  const net_attribute *training = net_node_find_attribute(c->graph, id, "training");
  if (is_shared(c->graph, id)) return true;
  if (!op->integers && op->table)
    return broken(c, id, NET_NONE, "%s is no operator on integers: look it up, by a rule with table = 256",
                  op->name);
  if (!op->integers) return broken(c, id, NET_NONE, "%s is no operator on integers", op->name);
  if (training && training->integer) return broken(c, id, NET_NONE, "%s is in training", op->name);
  for (uint32_t i = 0; i < node->input_count; i++) {
    net_value_id v = net_node_input(c->graph, id, i);
    if (v == NET_NONE || (makes && i) || is_integer(c, v)) continue;
    const net_value *value = net_graph_value_at(c->graph, v);
    bool variable = value->kind != NET_VALUE_INPUT && value->kind != NET_VALUE_RESULT;
    return broken(c, id, v, "takes '%s', which has no integer format%s", name_of(c, v),
                  variable ? "" : ": give it one as input here, or as output where it comes from");
  }
  return check_made(c, id, NET_TENSOR_WEIGHT) && check_made(c, id, NET_TENSOR_BIAS) && check_units(c, id);
}

static bool check(checker *c) {
  const net_graph *graph = c->graph;
  for (net_node_id i = 0; i < graph->nodes.count; i++)
    if (!(rounds(c, i) ? check_quantizer(c, i) : check_operator(c, i))) return false;
  for (uint32_t i = 0; i < graph->outputs.count; i++) {
    net_value_id v = graph->outputs.at[i];
    if (!is_integer(c, v))
      return broken(c, NET_NONE, v, "'%s' is an output without an integer format: give it one as output",
                    name_of(c, v));
  }
  return true;
}

bool net_integer_only(netc *n, const net_graph *graph, net_integer_break *first) {
  net_arena arena;
  net_arena_init(&arena, n->arena.guard);
  checker c = {n, graph, first, net_ranges_find(n, &arena, graph, NULL)};
  bool only = check(&c);
  net_arena_free(&arena);
  return only;
}
