/* quantize on codes: of numbers by the format, of codes by rescaling. */
#include "ops/lower.h"
#include "ops/quantize.h"

#include <float.h>

/* 2^−fraction is the step at each element; false: it is not, or codes are more than binary32 emulates. */
static bool find_fractions(const net_lowering *l, const net_format_spec *spec, int *fractions) {
  const net_value *y = lower_output(l), *step = lower_input(l, QUANTIZE_STEP);
  if (!net_format_has_point(spec) || spec->width - !spec->is_unsigned > FLT_MANT_DIG) return false;
  if (lower_input(l, QUANTIZE_ZERO) || net_node_bool(l->from, l->node, "training")) return false;
  int standard = spec->fraction == NET_FORMAT_AUTO ? spec->width / 2 : spec->fraction;
  uint64_t count = ops_elements(y), steps = step ? ops_elements(step) : 1, inner = count / (steps > 1 ? steps : 1);
  const double *numbers = step ? lower_numbers(l, QUANTIZE_STEP) : NULL;
  if (step && !numbers) return false;
  for (uint64_t i = 0; i < count; i++) {
    int exponent = 1 - standard;
    double part = numbers ? frexp(numbers[steps > 1 ? i / inner : 0], &exponent) : 0.5;
    if (part != 0.5) return false;
    fractions[i] = 1 - exponent;
  }
  return true;
}

/* Whether every code is one of the format already. */
static bool is_held(const net_lowering *l, const int *fractions, double low, double high) {
  const net_range *x = l->input_range[QUANTIZE_X];
  for (uint64_t i = 0; i < ops_elements(lower_output(l)); i++) {
    if (l->inputs[QUANTIZE_X].fractions[i] != fractions[i]) return false;
    if (ldexp(x[i].lo, fractions[i]) < low || ldexp(x[i].hi, fractions[i]) > high) return false;
  }
  return true;
}

static bool rescale(net_lowering *l, const net_format_spec *spec, double low, double high, const int *fractions) {
  netc *n = l->graph->n;
  const net_value *y = lower_output(l);
  uint64_t count = ops_elements(y);
  const int *from = l->inputs[QUANTIZE_X].fractions;
  int64_t *shift = NET_NEW_ARRAY(l->arena, int64_t, count);
  for (uint64_t i = 0; i < count; i++) shift[i] = from[i] - fractions[i];
  int bits = lower_bits(l->input_range[QUANTIZE_X], from, count);
  int64_t wrap = spec->overflow != NET_WRAP ? 0 : spec->is_unsigned ? -spec->width : spec->width;
  if (bits > 61) return true;
  return lower_call(l, "integer_rescale",
                    OPS_VALUES(l->inputs[QUANTIZE_X].value, lower_constant(l, "shift", NET_I32, y->shape, shift, true)),
                    OPS_ATTRIBUTES(net_attribute_text(n, "rounding", ops_rounding_name(spec->rounding)),
                                   net_attribute_int(n, "wrap", wrap), net_attribute_int(n, "low", (int64_t)low),
                                   net_attribute_int(n, "high", (int64_t)high),
                                   net_attribute_text(n, "type", net_type_name(lower_type(low, high))),
                                   net_attribute_int(n, "bits", bits)),
                    fractions);
}

/* A quantiser that leaves exact sums as they are, to what binary32 holds. */
static bool is_exact_float(const net_lowering *l, const net_format_spec *spec) {
  const int *from = l->inputs[QUANTIZE_X].fractions;
  return spec->family == NET_FORMAT_float32 && from &&
         lower_bits(l->input_range[QUANTIZE_X], from, ops_elements(lower_output(l))) <= FLT_MANT_DIG;
}

bool quantize_lower(net_lowering *l) {
  net_format_spec spec = ops_spec(l->from, l->node);
  int *fractions = NET_NEW_ARRAY(l->arena, int, ops_elements(lower_output(l)));
  bool codes = l->inputs[QUANTIZE_X].value != NET_NONE;
  if (codes && is_exact_float(l, &spec)) {
    l->output = l->inputs[QUANTIZE_X];
    return true;
  }
  if (!find_fractions(l, &spec, fractions)) return true;
  double low, high;
  net_format_steps(&spec, &low, &high);
  if (!l->graph) {
    l->output = (net_code){NET_NONE, fractions};
    return true;
  }
  if (codes && is_held(l, fractions, low, high)) {
    l->output = (net_code){l->inputs[QUANTIZE_X].value, fractions};
    return true;
  }
  if (codes) return rescale(l, &spec, low, high, fractions);
  net_attribute type = net_attribute_text(l->graph->n, "type", net_type_name(lower_type(low, high)));
  return lower_call(l, "integer_quantize", OPS_VALUES(l->numbers[QUANTIZE_X], l->numbers[QUANTIZE_STEP]),
                    OPS_ATTRIBUTES(*net_node_attribute(l->from, l->node, "format"), type), fractions);
}
