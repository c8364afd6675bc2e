/* batch_norm: y = (x − mean) · inverse · weight + bias for each channel (axis 0), inverse = 1/√(variance +
 * ε). In training mean and variance are the batch's, over samples and later axes; else the running ones.
 *
 * With formats for weight or bias it is the multiplication and addition that hardware does: y = a·x + c with
 * a = weight/√(variance + ε) and c = bias − mean·a in double, each rounded to binary32 and then to its
 * format, the sum rounded once. wide: not rounded but f64, for operands on integer grids (linear.c). x_step:
 * of x, where that counts whole numbers of one which is no power of two; then integers have c as a whole
 * number of the sum's unit, and so has inference. Gradients go straight through all that. */
#include "formats/formats.h"
#include "ops/batch_norm.h"
#include "ops/integer.h"

#include <float.h>
#include <math.h>

enum { X, WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR };
enum { Y, MEAN, INVERSE, VARIANCE };

/* ---- formats ---- */

static bool read_format(const net_graph *graph, net_node_id node, const char *key, uint32_t *format) {
  const char *text = net_text(graph->n, net_node_attribute(graph, node, key)->text);
  *format = NET_FORMAT_FLOAT32;
  return !*text || net_format_parse(graph->n, text, strlen(text), net_graph_at(graph, node)->loc, format);
}

/* One that knows each element's value without the others or a profile; a fraction that a profile was to
 * choose is the standard one. */
static bool format_fits(net_graph *graph, net_node_id node, const char *key) {
  uint32_t id;
  if (!read_format(graph, node, key, &id)) return false;
  const net_format_spec *spec = net_format_at(graph->n, id);
  if (net_format_stands_alone(spec)) return true;
  return ops_refuse(graph, node, NET_NONE, "needs a %s of single elements with steps of its own, not %s", key,
                    net_format_text(graph->n, id));
}

bool ops_batch_norm_formatted(const net_graph *graph, net_node_id node, uint32_t *weight, uint32_t *bias) {
  return read_format(graph, node, "weight_format", weight) && read_format(graph, node, "bias_format", bias) &&
         (*weight != NET_FORMAT_FLOAT32 || *bias != NET_FORMAT_FLOAT32 || net_node_bool(graph, node, "wide"));
}

ops_affine ops_batch_norm_affine(double weight, double bias, double mean, double variance, double epsilon) {
  double a = weight / sqrt(variance + epsilon);
  return (ops_affine){(float)a, (float)(bias - mean * a)};
}

void batch_norm_made(const net_graph *graph, net_node_id node, const float *const *inputs,
                     net_tensor_role role, float *values) {
  const float *weight = inputs[WEIGHT], *bias = inputs[BIAS];
  double epsilon = net_node_real(graph, node, "epsilon");
  for (uint64_t i = 0; i < ops_elements(ops_input(graph, node, RUNNING_VAR)); i++) {
    ops_affine made = ops_batch_norm_affine(weight ? weight[i] : 1, bias ? bias[i] : 0,
                                            inputs[RUNNING_MEAN][i], inputs[RUNNING_VAR][i], epsilon);
    values[i] = role == NET_TENSOR_WEIGHT ? made.factor : made.shift;
  }
}

ops_shift_rounding ops_batch_norm_rounding(const net_graph *graph, net_node_id node, uint32_t weight_format,
                                           uint32_t bias_format) {
  net_shape scalar = {0};
  double step = net_node_real(graph, node, "x_step"), factor, shift;
  ops_format_units(net_format_at(graph->n, weight_format), &scalar, NULL, &factor);
  ops_format_units(net_format_at(graph->n, bias_format), &scalar, NULL, &shift);
  double unit = step * factor;
  if (net_node_bool(graph, node, "training") || !(shift > 0 && unit > 0) || ops_unit_is_power(unit))
    return (ops_shift_rounding){0};
  bool same = fabs(shift / unit - 1) <= 0x1p-23; /* ops_integer_in_unit */
  return (ops_shift_rounding){shift, same ? 1 : shift / unit, unit};
}

double ops_batch_norm_rounded(ops_shift_rounding r, double shift) {
  return r.to > 0 ? (double)(float)(rint(shift / r.from * r.ratio) * r.to) : shift;
}

static double quantized(const netc *n, uint32_t format, float value) {
  net_format_tensor one = {.shape = &(net_shape){0}, .values = &value};
  net_format_quantize(net_format_at(n, format), &one, &value);
  return value;
}

/* ---- graph ---- */

static bool channels_fit(net_graph *graph, net_node_id node, uint32_t first, uint32_t last,
                         net_shape channels) {
  for (uint32_t i = first; i <= last; i++)
    if (!ops_require_unbatched(graph, node, i, channels)) return false;
  return true;
}

bool batch_norm_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_f32(graph, node) || !ops_require_rank(graph, node, X, 1) ||
      !ops_require_batched(graph, node, X) || !ops_require_real(graph, node, "epsilon", 0, INFINITY, true) ||
      !ops_require_real(graph, node, "momentum", 0, 1, false))
    return false;
  net_shape channels = ops_vector(ops_input(graph, node, X)->shape.dim[0]);
  if (!channels_fit(graph, node, WEIGHT, RUNNING_VAR, channels)) return false;
  if ((ops_input(graph, node, WEIGHT) == NULL) != (ops_input(graph, node, BIAS) == NULL))
    return ops_refuse(graph, node, NET_NONE, "needs both weight and bias, or neither");
  if (!format_fits(graph, node, "weight_format") || !format_fits(graph, node, "bias_format") ||
      !ops_require_real(graph, node, "x_step", 0, FLT_MAX, false))
    return false;
  net_type type = net_node_bool(graph, node, "wide") ? NET_F64 : NET_F32;
  return ops_result(graph, node, Y, type, ops_input(graph, node, X)->shape, true) &&
         ops_result(graph, node, MEAN, NET_F32, channels, false) &&
         ops_result(graph, node, INVERSE, NET_F32, channels, false) &&
         ops_result(graph, node, VARIANCE, NET_F32, channels, false);
}

bool batch_norm_parameter(netc *n, const net_graph *graph, const net_value_id *inputs,
                          const net_attribute *attributes, uint32_t attribute_count, uint32_t input,
                          net_loc loc, net_shape *shape, net_init *init) {
  (void)attribute_count;
  const net_value *x = net_graph_value_at(graph, inputs[X]);
  if (!x->shape.rank) {
    net_error(n, loc, "batch_norm needs at least 1 axis, but %s", ops_describe(graph, inputs[X]));
    return false;
  }
  *shape = ops_vector(x->shape.dim[0]);
  if ((input == WEIGHT || input == BIAS) && !attributes[0].integer) shape->rank = NET_ABSENT;
  *init = (net_init){NET_INIT_FILL, input == WEIGHT || input == RUNNING_VAR};
  return true;
}

bool batch_norm_gradient(net_gradient *g) {
  if (!net_node_bool(g->graph, g->node, "training")) {
    net_fault(g->graph->n, net_graph_at(g->graph, g->node)->loc,
              "batch_norm '%s' is asked for a gradient, but is not in training mode",
              net_text(g->graph->n, net_graph_at(g->graph, g->node)->name));
    return false;
  }
  net_value_id inputs[] = {
      g->dy[Y], net_node_input(g->graph, g->node, X), net_node_input(g->graph, g->node, WEIGHT),
      net_node_output(g->graph, g->node, MEAN), net_node_output(g->graph, g->node, INVERSE)};
  net_value_id dx = net_gradient_call(g, "batch_norm_gradient", "gradient", inputs, 5, OPS_NO_ATTRIBUTES);
  if (dx == NET_NONE) return false;
  if (g->wanted[X]) g->dx[X] = dx;
  if (inputs[2] == NET_NONE) return true;
  if (g->wanted[WEIGHT]) g->dx[WEIGHT] = dx + 1;
  if (g->wanted[BIAS]) g->dx[BIAS] = dx + 2;
  return true;
}

/* dy, x, weight?, mean, inverse → dx, dweight, dbias. Without a weight the sums are there, too, for dx. */
bool batch_norm_gradient_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_f32(graph, node) || !ops_require_rank(graph, node, 0, 1) ||
      !ops_require_batched(graph, node, 0) || !ops_require_same(graph, node, 0, 1))
    return false;
  net_shape channels = ops_vector(ops_input(graph, node, 0)->shape.dim[0]);
  return channels_fit(graph, node, 2, 4, channels) && ops_result_like(graph, node, 0, 0) &&
         ops_result(graph, node, 1, NET_F32, channels, false) &&
         ops_result(graph, node, 2, NET_F32, channels, false);
}

void batch_norm_cost(const net_graph *graph, net_node_id node, net_cost *cost) {
  net_cost_normalisation(graph, node, 4, (double)ops_elements(ops_input(graph, node, 0)), cost);
}

/* ---- interpret ---- */

/* The elements of a channel: count = samples × elements a sample has of it. */
typedef struct {
  uint64_t channels, count, inner, stride;
} channels;

static channels channels_of(const net_interpretation *call, const net_value *x) {
  uint64_t c = x->shape.dim[0], elements = ops_elements(x), inner = elements / c;
  return (channels){c, ops_rows(call, x) * inner, inner, elements};
}

static uint64_t place(channels c, uint64_t channel, uint64_t k) {
  return k / c.inner * c.stride + channel * c.inner + k % c.inner;
}

void batch_norm_interpret(const net_interpretation *call) {
  channels c = channels_of(call, ops_in(call, X));
  const double *x = call->inputs[X], *weight = call->inputs[WEIGHT], *bias = call->inputs[BIAS];
  bool training = net_node_bool(call->graph, call->node, "training");
  double epsilon = net_node_real(call->graph, call->node, "epsilon"), count = (double)c.count;
  uint32_t weight_format, bias_format;
  bool formatted = ops_batch_norm_formatted(call->graph, call->node, &weight_format, &bias_format);
  for (uint64_t ch = 0; ch < c.channels; ch++) {
    double mean = 0, squares = 0, variance;
    if (training) {
      for (uint64_t k = 0; k < c.count; k++) mean += x[place(c, ch, k)];
      mean /= count;
      for (uint64_t k = 0; k < c.count; k++) squares += pow(x[place(c, ch, k)] - mean, 2);
      variance = squares / count;
    } else {
      mean = call->inputs[RUNNING_MEAN][ch];
      variance = call->inputs[RUNNING_VAR][ch];
    }
    double inverse = 1 / sqrt(variance + epsilon);
    if (formatted) { /* of the statistics as they are kept */
      ops_affine exact = ops_batch_norm_affine(weight ? weight[ch] : 1, bias ? bias[ch] : 0, (float)mean,
                                               (float)variance, epsilon);
      double shift = ops_batch_norm_rounded(
          ops_batch_norm_rounding(call->graph, call->node, weight_format, bias_format),
          quantized(call->graph->n, bias_format, exact.shift));
      double factor = quantized(call->graph->n, weight_format, exact.factor);
      for (uint64_t k = 0; k < c.count; k++)
        call->outputs[Y][place(c, ch, k)] = factor * x[place(c, ch, k)] + shift;
    }
    for (uint64_t k = 0; k < c.count && !formatted; k++) {
      uint64_t at = place(c, ch, k);
      double normal = (x[at] - mean) * inverse;
      call->outputs[Y][at] = weight ? normal * weight[ch] + bias[ch] : normal;
    }
    call->outputs[MEAN][ch] = training ? mean : 0;
    call->outputs[INVERSE][ch] = training ? inverse : 0;
    call->outputs[VARIANCE][ch] = training ? squares / (count > 1 ? count - 1 : 1) : 0;
  }
}

/* With x̂ = (x − mean)·inverse over N elements: dweight = Σ dy·x̂, dbias = Σ dy,
 * dx = weight·inverse·(dy − dbias/N − x̂·dweight/N). */
void batch_norm_gradient_interpret(const net_interpretation *call) {
  channels c = channels_of(call, ops_in(call, 1));
  const double *dy = call->inputs[0], *x = call->inputs[1], *weight = call->inputs[2];
  double count = (double)c.count;
  for (uint64_t ch = 0; ch < c.channels; ch++) {
    double mean = call->inputs[3][ch], inverse = call->inputs[4][ch], dweight = 0, dbias = 0;
    for (uint64_t k = 0; k < c.count; k++) {
      uint64_t at = place(c, ch, k);
      dbias += dy[at];
      dweight += dy[at] * (x[at] - mean) * inverse;
    }
    for (uint64_t k = 0; k < c.count; k++) {
      uint64_t at = place(c, ch, k);
      double normal = (x[at] - mean) * inverse, factor = weight ? weight[ch] * inverse : inverse;
      call->outputs[0][at] = factor * (dy[at] - dbias / count - normal * dweight / count);
    }
    call->outputs[1][ch] = dweight;
    call->outputs[2][ch] = dbias;
  }
}
