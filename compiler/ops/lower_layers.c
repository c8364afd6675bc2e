/* linear and batch_norm on codes. */
#include "ops/batch_norm.h"
#include "ops/integer.h"
#include "ops/lower.h"

#include <stdlib.h>

enum { X, WEIGHT, BIAS };
enum { MOST_WEIGHT_BITS = 25 }; /* more is no format's, but a float's accident */

static uint32_t last(const net_value *value) { return value->shape.dim[value->shape.rank - 1]; }

/* A whole number of other units; false: too large. */
static bool in_unit(int64_t q, double from, double to, int64_t *out) {
  net_integer_call call = {0};
  net_wide moved = ops_integer_in_unit(q, from, to, &call);
  *out = (int64_t)moved;
  return !call.too_wide && moved < (net_wide)1 << 61 && moved > -((net_wide)1 << 61);
}

/* ---- linear ---- */

typedef struct {
  uint64_t in, out, rows;
  const double *x;  /* units of the input's features */
  double finest;    /* of them */
  int64_t *weights; /* in units of their output … */
  double *units;    /* … which are these */
  int64_t *bias;    /* NULL: none */
  int shift;        /* of the sum of products, for a finer bias */
} linear;

/* The rows of x must agree on each feature's unit. */
static bool align_inputs(const net_lowering *l, linear *k) {
  k->x = l->inputs[X].units;
  k->finest = k->x[0];
  for (uint64_t i = 0; i < k->rows * k->in; i++) {
    if (k->x[i] != k->x[i % k->in]) return false;
    k->finest = fmin(k->finest, k->x[i]);
  }
  return true;
}

/* Weights as whole numbers of a unit for each output, products counting it times the input's finest: coarser
 * features have larger weights in their place. Where units are no powers of two, all must be the same. */
static bool code_weights(const net_lowering *l, linear *k) {
  int64_t *q;
  double *units, all = INFINITY;
  if (!lower_integers(l, WEIGHT, &q, &units)) return false;
  k->units = NET_NEW_ARRAY(l->arena, double, k->out);
  k->weights = q;
  for (uint64_t o = 0; o < k->out; o++) {
    double first = units[o * k->in] * k->x[0], least = units[o * k->in];
    bool one = true, powers = true;
    for (uint64_t i = 0; i < k->in; i++) {
      one &= units[o * k->in + i] * k->x[i] == first;
      powers = powers && ops_unit_is_power(units[o * k->in + i]) && ops_unit_is_power(k->x[i]);
      least = fmin(least, units[o * k->in + i]);
    }
    if (!one && !powers) return false;
    k->units[o] = powers ? least : first / k->finest;
    all = fmin(all, k->units[o]);
    for (uint64_t i = 0; i < k->in && powers; i++) {
      double by = units[o * k->in + i] * k->x[i] / (least * k->finest), moved = (double)q[o * k->in + i] * by;
      if (fabs(moved) >= ldexp(1, MOST_WEIGHT_BITS)) return false;
      q[o * k->in + i] = (int64_t)moved;
    }
  }
  return true;
}

/* A constant's rows may have finer units than their numbers ask for: each its own only where the codes get
 * smaller. */
static void coarsen(const net_lowering *l, linear *k) {
  int64_t *own = NET_NEW_ARRAY(l->arena, int64_t, k->out * k->in);
  double *units = NET_NEW_ARRAY(l->arena, double, k->out), most = 0, least = 0;
  for (uint64_t o = 0; o < k->out; o++) {
    uint64_t bits = 0;
    for (uint64_t i = 0; i < k->in; i++) bits |= (uint64_t)k->weights[o * k->in + i];
    int shift = bits ? __builtin_ctzll(bits) : 0;
    units[o] = ldexp(k->units[o], shift);
    for (uint64_t i = 0; i < k->in; i++) {
      own[o * k->in + i] = k->weights[o * k->in + i] / ((int64_t)1 << shift);
      most = fmax(most, (double)llabs(k->weights[o * k->in + i]));
      least = fmax(least, (double)llabs(own[o * k->in + i]));
    }
  }
  if (lower_bits(most) <= 8 || lower_type(-least, least) == lower_type(-most, most)) return;
  k->weights = own;
  k->units = units;
}

/* Bias codes in units of the sums, which a finer bias makes finer; the input's zero point taken off. */
static bool code_bias(const net_lowering *l, linear *k) {
  bool biased = lower_input(l, BIAS) != NULL;
  int64_t *q = NET_NEW_ARRAY(l->arena, int64_t, k->out);
  double *units = NET_NEW_ARRAY(l->arena, double, k->out);
  if (biased && !lower_integers(l, BIAS, &q, &units)) return false;
  for (uint64_t o = 0; o < k->out && biased; o++) {
    double product = k->units[o] * k->finest, bias = (double)q[o] * units[o], own;
    if (!ops_unit_is_power(product) || !ops_unit_is_power(units[o]) || !lower_unit(&bias, 1, &own) ||
        own == 0)
      continue;
    int shift = ilogb(product) - ilogb(own);
    if (shift > k->shift) k->shift = shift;
  }
  if (k->shift > 62) return false;
  bool any = biased;
  for (uint64_t o = 0; o < k->out; o++) {
    double product = k->units[o] * k->finest;
    double unit = ldexp(product, -k->shift);
    if (k->shift && !ops_unit_is_power(product)) return false; /* powers beside others */
    if (biased) {
      /* exact where the bias is a multiple of the unit, whatever its own */
      double moved = (double)q[o] * (units[o] / unit);
      bool powers = ops_unit_is_power(unit) && ops_unit_is_power(units[o]);
      if (powers && fabs(moved) < 0x1p61) q[o] = (int64_t)moved;
      else if (powers || !in_unit(q[o], units[o], unit, &q[o])) return false;
    }
    net_wide sum = 0;
    for (uint64_t i = 0; i < k->in; i++) sum += k->weights[o * k->in + i];
    q[o] -= (int64_t)(sum * l->inputs[X].zero * ((net_wide)1 << k->shift)); /* modulo 2^64 is enough */
    any |= q[o] != 0;
  }
  k->bias = any ? q : NULL;
  return true;
}

/* What sums can be: the terms' magnitudes. */
static void find_most(const net_lowering *l, const linear *k, double *most) {
  for (uint64_t row = 0; row < k->rows; row++)
    for (uint64_t o = 0; o < k->out; o++) {
      double sum = 0, bias = k->bias ? (double)k->bias[o] : 0, zeros = 0;
      for (uint64_t i = 0; i < k->in; i++) {
        sum += fabs((double)k->weights[o * k->in + i]) * lower_most(l, X, row * k->in + i);
        zeros += (double)k->weights[o * k->in + i] * l->inputs[X].zero;
      }
      most[row * k->out + o] = ldexp(sum, k->shift) + fabs(bias + ldexp(zeros, k->shift));
    }
}

bool linear_lower(net_lowering *l) {
  const net_value *x = lower_input(l, X), *y = lower_output(l);
  netc *n = l->graph->n;
  linear k = {.in = last(x), .out = last(y), .rows = ops_elements(x) / last(x)};
  if (!align_inputs(l, &k) || !code_weights(l, &k)) return true;
  coarsen(l, &k);
  if (!code_bias(l, &k)) return true;
  double *units = NET_NEW_ARRAY(l->arena, double, k.rows *k.out);
  double *most = NET_NEW_ARRAY(l->arena, double, k.rows *k.out), largest = 1;
  for (uint64_t i = 0; i < k.rows * k.out; i++) units[i] = ldexp(k.units[i % k.out] * k.finest, -k.shift);
  for (uint64_t i = 0; i < k.out * k.in; i++) largest = fmax(largest, (double)llabs(k.weights[i]));
  find_most(l, &k, most);
  int64_t bits = lower_sum_bits(l, units, most);
  if (!bits || largest >= ldexp(1, MOST_WEIGHT_BITS)) return true;
  bool least = true; /* −128 needs no more bits than −127 */
  for (uint64_t i = 0; i < k.out * k.in; i++) least &= k.weights[i] < 128;
  net_type type = least && largest <= 128 ? NET_I8 : lower_type(-largest, largest);
  uint32_t in = (uint32_t)k.in, out = (uint32_t)k.out;
  net_value_id inputs[] = {
      l->inputs[X].value,
      lower_constant(l, "weight_codes", type, (net_shape){2, {out, in}}, k.weights, false), NET_NONE};
  net_type sums = bits == 32 ? NET_I32 : NET_I64;
  if (k.bias) inputs[2] = lower_constant(l, "bias_codes", sums, ops_vector(out), k.bias, false);
  return lower_call(
      l, "integer_linear", inputs, k.bias ? 3 : 2,
      OPS_ATTRIBUTES(net_attribute_int(n, "bits", bits), net_attribute_int(n, "shift", k.shift)), units);
}

/* ---- batch_norm with formats, its numbers known ---- */

static bool coefficients(const net_lowering *l, uint32_t format, net_tensor_role role, uint32_t channels,
                         int64_t *q, double *units) {
  enum { INPUTS = 5 };
  const net_format_spec *spec = net_format_at(l->from->n, format);
  const float *inputs[INPUTS] = {0};
  net_shape shape = ops_vector(channels);
  float *made = NET_NEW_ARRAY(l->arena, float, channels);
  for (uint32_t i = 1; i < INPUTS; i++) {
    const net_value *value = lower_input(l, i);
    if (value && value->kind != NET_VALUE_CONSTANT) return false;
    inputs[i] = value ? value->data : NULL;
  }
  if (!net_format_has_point(spec)) return false;
  batch_norm_made(l->from, l->node, inputs, role, made);
  ops_integer_quantize(l->arena, spec, &(net_format_tensor){.shape = &shape, .values = made}, 1, q, units);
  return true;
}

bool batch_norm_lower(net_lowering *l) {
  const net_value *x = lower_input(l, X);
  const double *from = l->inputs[X].units;
  uint32_t channels = x->shape.dim[0], weight_format, bias_format;
  uint64_t each = ops_elements(x), inner = each / channels;
  int64_t *factor = NET_NEW_ARRAY(l->arena, int64_t, channels),
          *shift = NET_NEW_ARRAY(l->arena, int64_t, channels);
  double *au = NET_NEW_ARRAY(l->arena, double, channels), *cu = NET_NEW_ARRAY(l->arena, double, channels);
  double *units = NET_NEW_ARRAY(l->arena, double, each), *most = NET_NEW_ARRAY(l->arena, double, each);
  if (net_node_bool(l->from, l->node, "training") ||
      !ops_batch_norm_formatted(l->from, l->node, &weight_format, &bias_format) ||
      !coefficients(l, weight_format, NET_TENSOR_WEIGHT, channels, factor, au) ||
      !coefficients(l, bias_format, NET_TENSOR_BIAS, channels, shift, cu))
    return true;
  for (uint32_t c = 0; c < channels; c++) {
    double u = ops_unit_of_dot(&from[c * inner], &au[c], 1, true, cu[c]);
    if (!in_unit(factor[c], from[c * inner] * au[c], u, &factor[c]) ||
        !in_unit(shift[c], cu[c], u, &shift[c]))
      return true;
    for (uint64_t i = c * inner; i < (c + 1) * inner; i++) {
      if (from[i] != from[c * inner]) return true;
      units[i] = u;
      most[i] = fabs((double)factor[c]) * lower_most(l, X, i) + fabs((double)shift[c]);
    }
    shift[c] -= factor[c] * l->inputs[X].zero;
  }
  int64_t bits = lower_sum_bits(l, units, most);
  if (!bits) return true;
  net_type type = bits == 32 ? NET_I32 : NET_I64;
  net_value_id inputs[] = {l->inputs[X].value,
                           lower_constant(l, "factor", type, ops_vector(channels), factor, false),
                           lower_constant(l, "shift", type, ops_vector(channels), shift, false)};
  return lower_call(l, "integer_affine", inputs, 3,
                    OPS_ATTRIBUTES(net_attribute_int(l->graph->n, "bits", bits)), units);
}
