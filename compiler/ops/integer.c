#include "ops/integer.h"

#include <math.h>

ops_integers_in ops_integer_input(const net_integer_call *call, uint32_t index) {
  const net_value *value = ops_input(call->graph, call->node, index);
  if (!value) return (ops_integers_in){0};
  const net_integer_tensor *x = &call->inputs[index];
  return (ops_integers_in){value, x->q, x->fractions, ops_elements(value), value->batched ? call->count : 1};
}

ops_integers_out ops_integer_output(const net_integer_call *call) {
  const net_value *value = ops_output(call->graph, call->node, 0);
  return (ops_integers_out){value, call->q, call->fractions, ops_elements(value),
                            value->batched ? call->count : 1};
}

ops_wide ops_integer_aligned(ops_wide q, int from, int to, net_integer_call *call) {
  int shift = to - from;
  ops_wide most = shift > 100 ? 0 : ((ops_wide)1 << 100) >> shift;
  if (q > most || q < -most) call->too_wide = true;
  return q && !call->too_wide ? q * ((ops_wide)1 << shift) : 0;
}

int64_t ops_integer_narrow(ops_wide q, net_integer_call *call) {
  if (q > INT64_MAX || q < INT64_MIN) call->too_wide = true;
  return call->too_wide ? 0 : (int64_t)q;
}

/* ---- rescaling ---- */

static ops_wide shifted_right(net_rounding rounding, ops_wide a, int s) {
  ops_wide one = 1;
  if (s > 120) s = 120; /* nothing but the sign is left of any sum */
  switch (rounding) {
  case NET_ROUND_HALF_EVEN: return (a + (one << (s - 1)) - 1 + ((a >> s) & 1)) >> s;
  case NET_ROUND_HALF_UP: return (a + (one << (s - 1))) >> s;
  case NET_ROUND_ZERO: return (a + (a < 0 ? (one << s) - 1 : 0)) >> s;
  default: return a >> s;
  }
}

int64_t ops_integer_rescale(const net_format_spec *spec, int format_fraction, ops_wide a, int fraction) {
  ops_wide one = 1, size = one << spec->width;
  ops_wide low = spec->is_unsigned ? 0 : -(size >> 1), high = spec->is_unsigned ? size - 1 : (size >> 1) - 1;
  int s = fraction - format_fraction;
  if (s > 0) a = shifted_right(spec->rounding, a, s);
  if (spec->overflow == NET_WRAP) {
    if (s < 0)
      a = -s < spec->width ? (a % size) * (one << -s) : 0; /* no bit of what is shifted further stays */
    a = (a % size + size) % size;
    return (int64_t)(a > high ? a - size : a);
  }
  if (spec->overflow == NET_SYMMETRIC) low++;
  for (; s < 0 && a != 0 && a >= low && a <= high; s++) a *= 2; /* beyond the ends it stays beyond */
  return (int64_t)(a < low ? low : a > high ? high : a);
}

/* ---- quantising ---- */

/* 2^−f is the format's step; of a channel, if calibration has one for each. */
static int fraction_of(const net_format_spec *spec, const net_calibration *calibration, uint64_t channel) {
  if (spec->fraction != NET_FORMAT_AUTO) return spec->fraction;
  return calibration ? -ilogbf(calibration->scale[calibration->count > 1 ? channel : 0]) : spec->width / 2;
}

void ops_integer_fractions(const net_format_spec *spec, const net_format_tensor *x, int *fractions) {
  uint64_t count = net_shape_elements(x->shape), inner = x->shape->rank ? count / x->shape->dim[0] : 1;
  for (uint64_t i = 0; i < count; i++) fractions[i] = fraction_of(spec, x->calibration, i / inner);
}

void ops_integer_quantize(net_arena *arena, const net_format_spec *spec, const net_format_tensor *x,
                          uint64_t samples, int64_t *values, int *fractions) {
  uint64_t count = net_shape_elements(x->shape);
  float *rounded = NET_NEW_ARRAY(arena, float, count);
  ops_integer_fractions(spec, x, fractions);
  for (uint64_t sample = 0; sample < samples; sample++) {
    net_format_tensor one = *x;
    one.values = x->values + sample * count;
    net_format_quantize(spec, &one, rounded);
    for (uint64_t i = 0; i < count; i++)
      values[sample * count + i] = (int64_t)ldexp(rounded[i], fractions[i]); /* a whole number */
  }
}
