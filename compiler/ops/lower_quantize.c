/* quantize on codes: of numbers by the format, of codes by rescaling. */
#include "ops/integer.h"
#include "ops/lower.h"
#include "ops/quantize.h"

#include <float.h>

enum { MOST_SUM_BITS = 61 };

/* Codes that the format gives. */
typedef struct {
  double *units;
  int32_t zero;
  double low, high;
} codes;

/* One zero point for all of the elements. */
static bool find_zero(const net_lowering *l, int32_t *zero) {
  const net_value *value = lower_input(l, QUANTIZE_ZERO);
  const double *zeros = lower_numbers(l, QUANTIZE_ZERO);
  *zero = zeros ? (int32_t)zeros[0] : 0;
  for (uint64_t i = 1; zeros && i < ops_elements(value); i++)
    if (zeros[i] != zeros[0]) return false;
  return !value || zeros;
}

/* False: it has none, or fixed points with steps that are no powers of two, or more bits than binary32
 * emulates. */
static bool find_codes(const net_lowering *l, const net_format_spec *spec, codes *c) {
  const net_value *y = lower_output(l), *step = lower_input(l, QUANTIZE_STEP);
  bool point = net_format_has_point(spec);
  if (net_format_grid_of(spec) == NET_GRID_NONE) return false;
  if (point && spec->width - !spec->is_unsigned > FLT_MANT_DIG) return false;
  if (!find_zero(l, &c->zero) || net_node_bool(l->from, l->node, "training")) return false;
  if (step && step->kind != NET_VALUE_CONSTANT) return false;
  net_calibration calibration = {step ? step->data : NULL, NULL, step ? (uint32_t)ops_elements(step) : 0};
  c->units = NET_NEW_ARRAY(l->arena, double, ops_elements(y));
  if (spec->width > 31) return false;
  ops_format_units(spec, &y->shape, step ? &calibration : NULL, c->units);
  for (uint64_t i = 0; i < ops_elements(y); i++)
    if (!(c->units[i] >= (double)FLT_MIN) || (point && (!ops_unit_is_power(c->units[i]) || c->zero)))
      return false;
  net_format_steps(spec, &c->low, &c->high);
  return true;
}

/* Whether every code is one of the format already. */
static bool is_held(const net_lowering *l, const codes *c) {
  net_code x = l->inputs[QUANTIZE_X];
  const net_range *range = l->input_range[QUANTIZE_X];
  net_range ends = ops_code_ends(l->graph->values.at[x.value].type);
  if (x.zero != c->zero) return false;
  for (uint64_t i = 0; i < ops_elements(lower_output(l)); i++) {
    if (x.units[i] != c->units[i]) return false;
    bool power = ops_unit_is_power(x.units[i]);
    double low = power ? range[i].lo / x.units[i] + x.zero : ends.lo;
    double high = power ? range[i].hi / x.units[i] + x.zero : ends.hi;
    if (low < c->low || high > c->high) return false;
  }
  return true;
}

/* By m · 2^−shift for each element; fixed points need no m. */
static bool rescale(net_lowering *l, const net_format_spec *spec, const codes *c) {
  enum { MULTIPLIER_BITS = 31 };
  netc *n = l->graph->n;
  const net_value *y = lower_output(l);
  uint64_t count = ops_elements(y);
  net_code x = l->inputs[QUANTIZE_X];
  int64_t *shift = NET_NEW_ARRAY(l->arena, int64_t, count), *m = NET_NEW_ARRAY(l->arena, int64_t, count);
  bool multiplied = false;
  double most = 0;
  for (uint64_t i = 0; i < count; i++) {
    double ratio = x.units[i] / c->units[i];
    net_multiplier by = {1, -ilogb(ratio)};
    if (!ops_unit_is_power(ratio)) by = net_multiplier_of(ratio), multiplied = true;
    m[i] = by.m, shift[i] = by.shift;
    most = fmax(most, lower_most(l, QUANTIZE_X, i));
  }
  int bits = lower_bits(most);
  if (bits + (multiplied ? MULTIPLIER_BITS : 0) > MOST_SUM_BITS + 2 * multiplied) return true;
  int64_t wrap = spec->overflow != NET_WRAP || !net_format_has_point(spec) ? 0
                 : spec->is_unsigned                                       ? -spec->width
                                                                           : spec->width;
  net_value_id inputs[] = {x.value, lower_constant(l, "shift", NET_I32, y->shape, shift, true), NET_NONE};
  if (multiplied) inputs[2] = lower_constant(l, "multiplier", NET_I32, y->shape, m, true);
  net_rounding rounding = net_format_has_point(spec) ? spec->rounding : NET_ROUND_HALF_EVEN;
  bool ok = lower_call(
      l, "integer_rescale", inputs, multiplied ? 3 : 2,
      OPS_ATTRIBUTES(net_attribute_text(n, "rounding", ops_rounding_name(rounding)),
                     net_attribute_int(n, "wrap", wrap), net_attribute_int(n, "x_zero", x.zero),
                     net_attribute_int(n, "zero", c->zero), net_attribute_int(n, "low", (int64_t)c->low),
                     net_attribute_int(n, "high", (int64_t)c->high),
                     net_attribute_text(n, "type", net_type_name(lower_type(c->low, c->high))),
                     net_attribute_int(n, "bits", bits)),
      c->units);
  l->output.zero = c->zero;
  return ok;
}

/* 1 or −1, as the sign says: R(2 · x) + 1, cut. Ternary compares with a mean, which codes have none of. */
static bool take_signs(net_lowering *l, const net_format_spec *spec, const codes *c) {
  netc *n = l->graph->n;
  net_code x = l->inputs[QUANTIZE_X];
  double most = 0;
  for (uint64_t i = 0; i < ops_elements(lower_output(l)); i++)
    most = fmax(most, lower_most(l, QUANTIZE_X, i));
  int bits = lower_bits(most);
  if (net_formats[spec->family].flags & NET_FORMAT_WEIGHTS_ONLY || bits > MOST_SUM_BITS) return true;
  net_value_id shift = lower_constant(l, "shift", NET_I32, ops_scalar(), (const int64_t[]){-1}, true);
  return lower_call(l, "integer_rescale", OPS_VALUES(x.value, shift),
                    OPS_ATTRIBUTES(net_attribute_int(n, "x_zero", x.zero), net_attribute_int(n, "zero", 1),
                                   net_attribute_int(n, "low", (int64_t)c->low),
                                   net_attribute_int(n, "high", (int64_t)c->high),
                                   net_attribute_text(n, "type", net_type_name(lower_type(c->low, c->high))),
                                   net_attribute_int(n, "bits", bits)),
                    c->units);
}

/* A quantiser that leaves exact sums as they are, to what binary32 holds. */
static bool is_exact_float(const net_lowering *l, const net_format_spec *spec) {
  if (spec->family != NET_FORMAT_float32) return false;
  double most = 0;
  for (uint64_t i = 0; i < ops_elements(lower_output(l)); i++)
    most = fmax(most, lower_most(l, QUANTIZE_X, i));
  return most <= ldexp(1, FLT_MANT_DIG);
}

bool quantize_lower(net_lowering *l) {
  net_format_spec spec = ops_spec(l->from, l->node);
  codes c;
  bool coded = l->inputs[QUANTIZE_X].value != NET_NONE;
  if (coded && is_exact_float(l, &spec)) {
    l->output = l->inputs[QUANTIZE_X];
    return true;
  }
  if (!find_codes(l, &spec, &c)) return true;
  if (!l->graph) {
    l->output = (net_code){NET_NONE, c.units, c.zero, 0};
    return true;
  }
  if (coded && net_format_grid_of(&spec) == NET_GRID_ONES) return take_signs(l, &spec, &c);
  if (coded && is_held(l, &c)) {
    l->output = (net_code){l->inputs[QUANTIZE_X].value, c.units, c.zero, 0};
    return true;
  }
  if (coded) return rescale(l, &spec, &c);
  net_attribute type = net_attribute_text(l->graph->n, "type", net_type_name(lower_type(c.low, c.high)));
  bool ok =
      lower_call(l, "integer_quantize",
                 OPS_VALUES(l->numbers[QUANTIZE_X], l->numbers[QUANTIZE_STEP], l->numbers[QUANTIZE_ZERO]),
                 OPS_ATTRIBUTES(*net_node_attribute(l->from, l->node, "format"), type), c.units);
  l->output.zero = c.zero;
  return ok;
}
