/* Formats as parameters of the code, so that a search compiles once for all that differ in numbers alone.
 *
 * What is quantised of parameters alone becomes a parameter of its own, of the quantiser's name: whoever runs
 * the code quantises it, by whatever format. Quantisers of samples to steps (integer, scaled_integer) become
 * quantize_by with parameters NAME.step, NAME.least and NAME.most. Other formats stay in the code, and so
 * does what follows from formats by rule: sums kept whole, coefficients that batch_norm makes. What is left
 * says all that the code depends on: equal graphs, equal code. */
#include "passes/vary_formats.h"

#include "graph/operator.h"
#include "ops/code.h"
#include "passes/passes.h"

#include <float.h>
#include <math.h>

typedef struct {
  netc *n;
  const net_graph *from;
  net_graph *to;
  net_value_id *map;
} varier;

static net_format_id format_of(const net_graph *g, net_node_id id) {
  return net_graph_value_at(g, net_node_output(g, id, 0))->format;
}

bool net_varies_learned(const net_graph *g, net_node_id id) {
  net_value_id step = net_node_input(g, id, 1);
  return step != NET_NONE && net_graph_value_at(g, step)->kind != NET_VALUE_CONSTANT;
}

net_variation net_varies(const net_graph *g, net_node_id id) {
  if (!net_node_is_quantizer(g, id) || net_varies_learned(g, id)) return NET_VARIES_NOT;
  if (!net_graph_value_at(g, net_node_output(g, id, 0))->batched) return NET_VARIES_NUMBERS;
  const net_format_spec *spec = net_format_at(g->n, format_of(g, id));
  net_format_grid grid = net_format_grid_of(spec);
  bool steps = net_node_input(g, id, 1) != NET_NONE;
  if (grid == NET_GRID_POINT && spec->overflow != NET_WRAP) return NET_VARIES_STEPS;
  return grid == NET_GRID_STEPS && (steps || !spec->mase) ? NET_VARIES_STEPS : NET_VARIES_NOT;
}

static net_value_id add_parameter(varier *v, const char *name, net_shape shape, net_loc loc) {
  return net_graph_value(v->to, NET_VALUE_PARAMETER, net_intern(v->n, name), NET_F32, shape, false, loc);
}

static bool vary_steps(varier *v, net_node_id id) {
  static const char *const operands[] = {"step", "least", "most"};
  const net_graph *g = v->from;
  const net_node *node = net_graph_at(g, id);
  const char *name = net_text(v->n, node->name);
  net_value_id step = net_node_input(g, id, 1);
  net_shape shape = step == NET_NONE ? (net_shape){0} : net_graph_value_at(g, step)->shape;
  net_value_id inputs[4] = {v->map[net_node_input(g, id, 0)]};
  for (int i = 0; i < 3; i++)
    inputs[i + 1] =
        add_parameter(v, net_arena_format(v->to->arena, "%s.%s", name, operands[i]), shape, node->loc);
  const net_format_spec *spec = net_format_at(v->n, format_of(g, id));
  net_rounding rounding = net_format_has_point(spec) ? spec->rounding : NET_ROUND_HALF_EVEN;
  net_attribute how = net_attribute_text(v->n, "rounding", ops_rounding_name(rounding));
  net_node_id now = net_graph_node(v->to, "quantize_by", node->name, inputs, 4, &how, 1, node->loc);
  if (now == NET_NONE) return false;
  net_node *to = &v->to->nodes.at[now];
  to->owner = node->owner, to->role = node->role, to->use = node->use;
  v->map[node->first_output] = to->first_output;
  return true;
}

static bool take_node(varier *v, net_node_id id) {
  const net_graph *g = v->from;
  const net_node *node = net_graph_at(g, id);
  const net_value *y = net_graph_value_at(g, node->first_output);
  switch (net_varies(g, id)) {
  case NET_VARIES_NUMBERS:
    v->map[node->first_output] = add_parameter(v, net_text(v->n, y->name), y->shape, y->loc);
    return true;
  case NET_VARIES_STEPS: return vary_steps(v, id);
  case NET_VARIES_NOT: break;
  }
  net_node_id now = net_graph_clone_node(v->to, g, id, v->map);
  for (uint32_t i = 0; i < node->output_count && !net_node_is_quantizer(g, id); i++)
    v->to->values.at[net_node_output(v->to, now, i)].format = NET_FORMAT_FLOAT32;
  return true;
}

static void take_list(varier *v, const net_value_ids *from, net_value_ids *to) {
  for (uint32_t i = 0; i < from->count; i++)
    net_vec_push(v->to->arena, to, from->at[i] == NET_NONE ? NET_NONE : v->map[from->at[i]]);
}

net_graph *net_pass_vary_formats(const net_pass_context *context, const net_graph *graph) {
  varier v = {.n = context->n,
              .from = graph,
              .to = net_graph_new(context->n, context->arena, graph->name, graph->loc),
              .map = NET_NEW_ARRAY(context->arena, net_value_id, graph->values.count + 1)};
  for (net_value_id x = 0; x < graph->values.count; x++) {
    const net_value *value = net_graph_value_at(graph, x);
    if (value->kind != NET_VALUE_RESULT) v.map[x] = net_graph_clone_value(v.to, graph, x);
    else if (x == net_graph_at(graph, value->def)->first_output && !take_node(&v, value->def)) return NULL;
  }
  take_list(&v, &graph->outputs, &v.to->outputs);
  take_list(&v, &graph->losses, &v.to->losses);
  take_list(&v, &graph->observed, &v.to->observed);
  return v.to;
}

/* ---- what the parameters are ---- */

void net_varied_numbers(const net_graph *g, net_node_id id, const float *numbers, float *to) {
  const net_format_spec *spec = net_format_at(g->n, format_of(g, id));
  const net_value *x = net_graph_value_at(g, net_node_input(g, id, 0));
  uint32_t count;
  net_calibration calibration;
  net_format_tensor tensor = {.shape = &x->shape, .values = numbers};
  count = net_varied_steps(g, id, &calibration);
  if (count && net_node_input(g, id, 1) != NET_NONE) tensor.calibration = &calibration;
  net_format_quantize(spec, &tensor, to);
}

uint32_t net_varied_steps(const net_graph *g, net_node_id id, net_calibration *calibration) {
  net_value_id step = net_node_input(g, id, 1), zero = net_node_input(g, id, 2);
  *calibration = (net_calibration){.count = 1};
  if (step == NET_NONE) return 1;
  const net_value *steps = net_graph_value_at(g, step);
  calibration->count = (uint32_t)net_shape_elements(&steps->shape);
  calibration->scale = steps->data;
  if (zero == NET_NONE) return calibration->count;
  int32_t *zeros = NET_NEW_ARRAY(g->arena, int32_t, calibration->count);
  for (uint32_t i = 0; i < calibration->count; i++)
    zeros[i] = (int32_t)((const float *)net_graph_value_at(g, zero)->data)[i];
  calibration->zero = zeros;
  return calibration->count;
}

void net_varied_bounds(const net_graph *g, net_node_id id, float *step, float *least, float *most) {
  const net_format_spec *spec = net_format_at(g->n, format_of(g, id));
  net_calibration calibration;
  double low, high;
  uint32_t count = net_varied_steps(g, id, &calibration);
  net_format_steps(spec, &low, &high);
  int fraction = spec->fraction == NET_FORMAT_AUTO ? spec->width / 2 : spec->fraction;
  bool own = net_format_has_point(spec) && spec->fraction != NET_FORMAT_AUTO;
  for (uint32_t c = 0; c < count; c++) {
    double zero = calibration.zero ? calibration.zero[c] : 0;
    step[c] = net_format_has_point(spec) ? (float)ldexp(1, -fraction) : 1;
    if (calibration.scale && !own) step[c] = fmaxf(calibration.scale[c], FLT_MIN);
    least[c] = (float)(low - zero), most[c] = (float)(high - zero);
  }
}
