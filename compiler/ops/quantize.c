/* quantize: y is x rounded to a number format; quantize_gradient: what reaches x (ste = clipped or
 * learned_step; a plain straight-through gradient needs no operator) and a learned step (LSQ: Esser et al.,
 * Learned Step Size Quantization, 2020). A step or zero point is one for the tensor or one for each channel,
 * the first axis. x may be f64, an exact sum: it is rounded once. */
#include "ops/quantize.h"
#include "ops/random.h"

#include <math.h>

bool ops_format(const net_graph *graph, net_node_id node, net_format_id *id) {
  const char *text = net_text(graph->n, net_node_attribute(graph, node, "format")->text);
  return net_format_parse(graph->n, text, strlen(text), net_graph_at(graph, node)->loc, id);
}

net_format_spec ops_spec(const net_graph *graph, net_node_id node) {
  net_format_id id = NET_FORMAT_FLOAT32;
  ops_format(graph, node, &id);
  return *net_format_at(graph->n, id);
}

/* ---- shapes ---- */

static bool step_fits(net_graph *graph, net_node_id node, const net_format_spec *spec, uint32_t x,
                      uint32_t input) {
  const net_value *value = ops_input(graph, node, input), *of = ops_input(graph, node, x);
  const char *what = input == x + 1 ? "step" : "zero point";
  if (!value) return true;
  net_value_id id = net_node_input(graph, node, input);
  if (!net_format_is_open(spec))
    return ops_refuse(graph, node, id, "takes no %s: %s has steps of its own", what,
                      net_format_spec_text(graph->n, spec));
  if (value->type != NET_F32 || value->batched || value->shape.rank > 1)
    return ops_refuse(graph, node, id, "needs a %s f32 or one for each channel, but %s", what,
                      ops_describe(graph, id));
  if (value->shape.rank == 0) return true;
  if (spec->per != NET_PER_CHANNEL)
    return ops_refuse(graph, node, id, "has a %s for each channel, but its format has no per = channel",
                      what);
  if (of->shape.rank && of->shape.dim[0] == value->shape.dim[0]) return true;
  return ops_refuse(graph, node, id, "needs as many of the %s as there are channels, since %s, but %s", what,
                    ops_describe(graph, net_node_input(graph, node, x)), ops_describe(graph, id));
}

static bool zero_fits(net_graph *graph, net_node_id node, uint32_t x) {
  const net_value *step = ops_input(graph, node, x + 1), *zero = ops_input(graph, node, x + 2);
  if (!zero) return true;
  if (!step) return ops_refuse(graph, node, NET_NONE, "has a zero point, but no step");
  if (!net_shape_same(&step->shape, &zero->shape))
    return ops_refuse(graph, node, net_node_input(graph, node, x + 2),
                      "needs a zero point for each step, but %s",
                      ops_describe(graph, net_node_input(graph, node, x + 2)));
  for (uint64_t i = 0; zero->kind == NET_VALUE_CONSTANT && i < ops_elements(zero); i++) {
    double point = net_type_element(zero->type, zero->data, i);
    if (!(fabs(point) < 0x1p31 && point == rint(point)))
      return ops_refuse(graph, node, NET_NONE,
                        "needs whole numbers of less than 2^31 as zero points, not %.9g", point);
  }
  return true;
}

/* x: position of the input that is rounded; step and zero follow it. */
static bool fits(net_graph *graph, net_node_id node, uint32_t x, net_format_id *format) {
  const net_value *value = ops_input(graph, node, x);
  net_value_id id = net_node_input(graph, node, x);
  if (!ops_format(graph, node, format)) return false;
  net_format_spec spec = *net_format_at(graph->n, *format);
  if (value->type != NET_F32 && value->type != NET_F64)
    return ops_refuse(graph, node, id, "takes f32 or f64, but %s", ops_describe(graph, id));
  if (value->shape.rank + value->batched > NET_MAX_RANK)
    return ops_refuse(graph, node, id, "takes at most %d axes, the batch included, but %s", NET_MAX_RANK,
                      ops_describe(graph, id));
  return step_fits(graph, node, &spec, x, x + 1) && step_fits(graph, node, &spec, x, x + 2) &&
         zero_fits(graph, node, x);
}

bool quantize_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  net_format_id format;
  if (!fits(graph, node, QUANTIZE_X, &format) || !ops_result_like(graph, node, 0, QUANTIZE_X)) return false;
  graph->values.at[net_node_output(graph, node, 0)].format = format;
  return true;
}

bool quantize_gradient_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  net_format_id format;
  if (!fits(graph, node, QUANTIZE_GRADIENT_X, &format) ||
      !ops_require_same(graph, node, 0, QUANTIZE_GRADIENT_X))
    return false;
  net_value_id dy = net_node_input(graph, node, 0);
  if (net_graph_value_at(graph, dy)->type != NET_F32)
    return ops_refuse(graph, node, dy, "takes f32, but %s", ops_describe(graph, dy));
  const net_value *step = ops_input(graph, node, QUANTIZE_GRADIENT_STEP);
  return ops_result_like(graph, node, 0, 0) &&
         ops_result(graph, node, 1, NET_F32, step ? step->shape : ops_scalar(), false);
}

/* ---- gradient ---- */

bool quantize_gradient(net_gradient *g) {
  net_format_spec spec = ops_spec(g->graph, g->node);
  if (spec.ste == NET_STE_PLAIN) {
    g->dx[QUANTIZE_X] = g->dy[0];
    return true;
  }
  net_value_id step = net_node_input(g->graph, g->node, QUANTIZE_STEP);
  net_value_id zero = net_node_input(g->graph, g->node, QUANTIZE_ZERO);
  net_value_id x = net_node_input(g->graph, g->node, QUANTIZE_X);
  net_attribute format = *net_node_attribute(g->graph, g->node, "format");
  net_value_id dx = net_gradient_call(g, "quantize_gradient", "x_gradient",
                                      OPS_VALUES(g->dy[0], x, step, zero), OPS_ATTRIBUTES(format));
  if (dx == NET_NONE) return false;
  if (g->wanted[QUANTIZE_X]) g->dx[QUANTIZE_X] = dx;
  bool learned = spec.ste == NET_STE_LEARNED_STEP && step != NET_NONE && g->wanted[QUANTIZE_STEP];
  if (learned) g->dx[QUANTIZE_STEP] = dx + 1;
  return true;
}

bool ops_learns_step(const net_graph *graph, net_node_id node) {
  net_format_spec spec = ops_spec(graph, node);
  return spec.ste == NET_STE_LEARNED_STEP && ops_input(graph, node, QUANTIZE_GRADIENT_STEP);
}

double ops_step_gain(const net_graph *graph, net_node_id node) {
  net_format_spec spec = ops_spec(graph, node);
  const net_value *step = ops_input(graph, node, QUANTIZE_GRADIENT_STEP);
  double low, high, elements = (double)ops_elements(ops_input(graph, node, QUANTIZE_GRADIENT_X));
  net_format_steps(&spec, &low, &high);
  return 1 / sqrt(elements / (double)ops_elements(step) * fmax(high, 1));
}

/* ---- interpret ---- */

/* An input as the formats' reference takes it. */
typedef struct {
  net_format_spec spec;
  net_shape shape;
  net_calibration calibration;
  net_format_tensor tensor;
  float *values;
  uint64_t count;
} operand;

static void read_steps(const net_interpretation *call, uint32_t step, operand *to) {
  uint64_t count = ops_elements(ops_in(call, step));
  float *steps = NET_NEW_ARRAY(call->arena, float, count + 1);
  int32_t *zeros = NET_NEW_ARRAY(call->arena, int32_t, count + 1);
  for (uint64_t i = 0; i < count; i++) {
    steps[i] = (float)call->inputs[step][i];
    if (call->inputs[step + 1]) zeros[i] = (int32_t)call->inputs[step + 1][i];
  }
  to->calibration = (net_calibration){steps, call->inputs[step + 1] ? zeros : NULL, (uint32_t)count};
  to->tensor.calibration = &to->calibration;
}

static void read_operand(const net_interpretation *call, uint32_t x, operand *to) {
  const net_value *value = ops_in(call, x);
  *to = (operand){.spec = ops_spec(call->graph, call->node), .count = ops_total(call, value)};
  if (value->batched) to->shape = (net_shape){.rank = 1, .dim = {call->count}};
  for (uint32_t i = 0; i < value->shape.rank; i++) to->shape.dim[to->shape.rank++] = value->shape.dim[i];
  to->values = NET_NEW_ARRAY(call->arena, float, to->count + 1);
  for (uint64_t i = 0; i < to->count; i++) to->values[i] = (float)call->inputs[x][i];
  to->tensor = (net_format_tensor){.shape = &to->shape, .batched = value->batched, .values = to->values};
  if (value->type == NET_F64) to->tensor.wide = call->inputs[x];
  if (call->inputs[x + 1]) read_steps(call, x + 1, to);
}

void quantize_interpret(const net_interpretation *call) {
  operand x;
  read_operand(call, QUANTIZE_X, &x);
  if (x.spec.stochastic && net_node_bool(call->graph, call->node, "training")) {
    float *draws = NET_NEW_ARRAY(call->arena, float, x.count + 1);
    ops_draw(call, ops_in(call, QUANTIZE_X), draws);
    x.tensor.draws = draws;
  }
  float *y = NET_NEW_ARRAY(call->arena, float, x.count + 1);
  net_format_quantize(&x.spec, &x.tensor, y);
  for (uint64_t i = 0; i < x.count; i++) call->outputs[0][i] = (double)y[i];
}

void quantize_gradient_interpret(const net_interpretation *call) {
  operand x;
  read_operand(call, QUANTIZE_GRADIENT_X, &x);
  float *values = NET_NEW_ARRAY(call->arena, float, x.count + 1),
        *ones = NET_NEW_ARRAY(call->arena, float, x.count + 1);
  for (uint64_t i = 0; i < x.count; i++) ones[i] = 1;
  net_format_gradient(&x.spec, &x.tensor, ones, values);
  for (uint64_t i = 0; i < x.count; i++) call->outputs[0][i] = values[i] != 0 ? call->inputs[0][i] : 0;
  if (!ops_learns_step(call->graph, call->node)) return;
  uint64_t channels = ops_elements(ops_in(call, QUANTIZE_GRADIENT_STEP));
  uint64_t inner = ops_elements(ops_in(call, QUANTIZE_GRADIENT_X)) / channels;
  net_format_terms(&x.spec, &x.tensor, values);
  for (uint64_t i = 0; i < x.count; i++)
    call->outputs[1][i / inner % channels] += call->inputs[0][i] * (double)values[i];
  for (uint64_t c = 0; c < channels; c++)
    call->outputs[1][c] *= ops_step_gain(call->graph, call->node);
}
