#include "ops/integer.h"

#include "ops/quantize.h"

#include <math.h>

/* ---- units ---- */

bool ops_unit_is_power(double unit) {
  int exponent;
  return unit > 0 && frexp(unit, &exponent) == 0.5;
}

double ops_unit_of_dot(const double *x, const double *w, uint64_t n, bool biased, double bias) {
  double first = x[0] * w[0], finest = first;
  if (biased && !(bias > 0)) return 0;
  bool one = true, powers = !biased || ops_unit_is_power(bias);
  for (uint64_t i = 0; i < n && (one || powers); i++) {
    double unit = x[i] * w[i];
    one &= unit == first;
    powers = powers && ops_unit_is_power(unit);
    finest = fmin(finest, unit);
  }
  if (powers) return biased ? fmin(finest, bias) : finest;
  return one ? first : 0;
}

double ops_unit_of_sum(double a, double b, double step, net_multipliers *by) {
  if (ops_unit_is_power(a) && ops_unit_is_power(b)) return fmin(a, b);
  if (!(a > 0 && b > 0 && step > 0)) return 0;
  *by = net_multipliers_of(a / step, b / step);
  return ldexp(step, -by->shift);
}

static double unit_of(const net_format_spec *spec, const net_calibration *calibration, uint64_t channel) {
  if (net_format_has_point(spec) && spec->fraction != NET_FORMAT_AUTO) return ldexp(1, -spec->fraction);
  if (calibration) return calibration->scale[calibration->count > 1 ? channel : 0];
  return net_format_has_point(spec) ? ldexp(1, -(spec->width / 2)) : 1;
}

void ops_format_units(const net_format_spec *spec, const net_shape *shape, const net_calibration *calibration,
                      double *units) {
  bool steps = net_format_grid_of(spec) != NET_GRID_NONE;
  uint64_t count = net_shape_elements(shape), inner = shape->rank ? count / shape->dim[0] : 1;
  for (uint64_t i = 0; i < count; i++) units[i] = steps ? unit_of(spec, calibration, i / inner) : 0;
}

/* The first quantiser that reads a value, in the order of nodes. */
static net_node_id reader_of(const net_graph *graph, net_value_id value) {
  for (net_node_id i = 0; i < graph->nodes.count; i++) {
    const net_op_field *outputs;
    if (!graph->nodes.at[i].input_count || net_node_input(graph, i, 0) != value) continue;
    if (net_op_outputs(graph->n, net_node_op(graph, i), &outputs) && !strcmp(outputs->kind, "rounds"))
      return i;
  }
  return NET_NONE;
}

const double *ops_reader_units(net_arena *arena, const net_graph *graph, net_value_id value) {
  const net_shape *shape = &net_graph_value_at(graph, value)->shape;
  double *units = NET_NEW_ARRAY(arena, double, net_shape_elements(shape));
  net_node_id reader = reader_of(graph, value);
  if (reader == NET_NONE) return units;
  const net_value *step = ops_input(graph, reader, QUANTIZE_STEP);
  net_calibration calibration = {0};
  if (step && !step->data) return units;
  if (step) {
    float *steps = NET_NEW_ARRAY(arena, float, ops_elements(step));
    for (uint64_t i = 0; i < ops_elements(step); i++)
      steps[i] = (float)net_type_element(step->type, step->data, i);
    calibration = (net_calibration){steps, NULL, (uint32_t)ops_elements(step)};
  }
  const net_format_spec *spec = net_format_at(graph->n, ops_output(graph, reader, 0)->format);
  ops_format_units(spec, shape, step ? &calibration : NULL, units);
  return units;
}

/* ---- integers ---- */

ops_integers_in ops_integer_input(const net_integer_call *call, uint32_t index) {
  const net_value *value = ops_input(call->graph, call->node, index);
  if (!value) return (ops_integers_in){0};
  const net_integer_tensor *x = &call->inputs[index];
  return (ops_integers_in){value, x->q, x->units, ops_elements(value), value->batched ? call->count : 1};
}

ops_integers_out ops_integer_output(const net_integer_call *call) {
  const net_value *value = ops_output(call->graph, call->node, 0);
  return (ops_integers_out){value, call->q, call->units, ops_elements(value),
                            value->batched ? call->count : 1};
}

static net_wide shifted_left(net_wide q, int shift, net_integer_call *call) {
  net_wide most = shift > 100 ? 0 : ((net_wide)1 << 100) >> shift;
  if (q > most || q < -most) call->too_wide = true;
  return q && !call->too_wide ? q * ((net_wide)1 << shift) : 0;
}

net_wide ops_integer_in_unit(net_wide q, double from, double to, net_integer_call *call) {
  if (ops_unit_is_power(from) && ops_unit_is_power(to)) return shifted_left(q, ilogb(from) - ilogb(to), call);
  double ratio = from / to, moved = rint((double)q * ratio);
  if (fabs(ratio - 1) <= 0x1p-23) return q;
  if (!(fabs(moved) < 0x1p100)) return call->too_wide = true, 0;
  return (net_wide)moved;
}

int64_t ops_integer_narrow(net_wide q, net_integer_call *call) {
  if (q > INT64_MAX || q < INT64_MIN) call->too_wide = true;
  return call->too_wide ? 0 : (int64_t)q;
}

/* ---- rescaling ---- */

/* A format of ones looks at signs alone. */
static int64_t one_of(const net_format_spec *spec, net_wide a) {
  net_shape scalar = {0};
  float sign = a > 0 ? 1 : a < 0 ? -1 : 0;
  net_format_quantize(spec, &(net_format_tensor){.shape = &scalar, .values = &sign}, &sign);
  return (int64_t)sign;
}

int64_t ops_integer_rescale(const net_format_spec *spec, double step, int32_t zero, net_wide a, double unit) {
  if (net_format_grid_of(spec) == NET_GRID_ONES) return one_of(spec, a);
  net_wide one = 1, size = one << spec->width;
  net_wide low = spec->is_unsigned ? 0 : -(size >> 1), high = spec->is_unsigned ? size - 1 : (size >> 1) - 1;
  double ratio = unit / step;
  int s = -ilogb(ratio);
  if (!ops_unit_is_power(ratio)) {
    net_multiplier by = net_multiplier_of(ratio);
    a *= by.m;
    s = by.shift;
  }
  if (s > 0) a = net_shifted(spec->rounding, a, s);
  if (spec->overflow == NET_WRAP) {
    if (s < 0)
      a = -s < spec->width ? (a % size) * (one << -s) : 0; /* no bit of what is shifted further stays */
    a = (a % size + size) % size;
    return (int64_t)(a > high ? a - size : a);
  }
  if (spec->overflow == NET_SYMMETRIC) low++;
  low -= zero, high -= zero;
  for (; s < 0 && a != 0 && a >= low && a <= high; s++) a *= 2; /* beyond the ends it stays beyond */
  return (int64_t)(a < low ? low : a > high ? high : a);
}

/* ---- quantising ---- */

/* A result of the format as steps: a whole number, but where the step's product was rounded to binary32. */
static int64_t steps_of(const net_format_spec *spec, float value, double unit, int32_t zero) {
  double low, high;
  net_format_steps(spec, &low, &high);
  return (int64_t)fmin(fmax(rint(value / unit), low - zero), high - zero);
}

void ops_integer_quantize(net_arena *arena, const net_format_spec *spec, const net_format_tensor *x,
                          uint64_t samples, int64_t *values, double *units) {
  uint64_t count = net_shape_elements(x->shape), inner = x->shape->rank ? count / x->shape->dim[0] : 1;
  float *rounded = NET_NEW_ARRAY(arena, float, count);
  const net_calibration *c = x->calibration;
  ops_format_units(spec, x->shape, c, units);
  for (uint64_t sample = 0; sample < samples; sample++) {
    net_format_tensor one = *x;
    one.values = x->values + sample * count;
    net_format_quantize(spec, &one, rounded);
    for (uint64_t i = 0; i < count; i++) {
      int32_t zero = c && c->zero ? c->zero[c->count > 1 ? i / inner : 0] : 0;
      values[sample * count + i] = steps_of(spec, rounded[i], units[i], zero);
    }
  }
}
