/* linear and batch_norm on codes. */
#include "ops/batch_norm.h"
#include "ops/integer.h"
#include "ops/lower.h"

enum { X, WEIGHT, BIAS };
enum { MOST_WEIGHT_BITS = 25 }; /* more is no format's, but a float's accident */

static uint32_t last(const net_value *value) { return value->shape.dim[value->shape.rank - 1]; }

/* ---- linear ---- */

typedef struct {
  uint64_t in, out, rows;
  int finest;      /* of x */
  const int *ahead; /* by input feature: what the weights are shifted left by, to make up for coarser ones */
  int *fractions;  /* of the weights: by output */
  int64_t *weights;
  net_type type;
  int shift; /* of the sum, for finer biases */
} linear;

/* The rows of x must agree on each feature's fraction. */
static bool align_inputs(const net_lowering *l, linear *k) {
  const int *x = l->inputs[X].fractions;
  int *ahead = NET_NEW_ARRAY(l->arena, int, k->in);
  k->finest = x[0];
  for (uint64_t i = 0; i < k->rows * k->in; i++) {
    if (x[i] != x[i % k->in]) return false;
    if (x[i] > k->finest) k->finest = x[i];
  }
  for (uint64_t i = 0; i < k->in; i++) ahead[i] = k->finest - x[i];
  k->ahead = ahead;
  return true;
}

static double most_of(const linear *k, const double *weights, const int *fractions) {
  double most = 0;
  for (uint64_t i = 0; i < k->out * k->in; i++)
    most = fmax(most, fabs(ldexp(weights[i], fractions[i / k->in] + k->ahead[i % k->in])));
  return most;
}

/* One fraction for all outputs, unless their own make the codes smaller. */
static bool code_weights(const net_lowering *l, linear *k) {
  const net_value *value = lower_input(l, WEIGHT);
  const net_format_spec *spec = net_format_at(l->from->n, value->format);
  const double *w = lower_numbers(l, WEIGHT);
  int *common = NET_NEW_ARRAY(l->arena, int, k->out), *own = NET_NEW_ARRAY(l->arena, int, k->out), all;
  if (!w || !lower_fraction(w, k->out * k->in, &all)) return false;
  bool fixed = net_format_has_point(spec) && spec->fraction != NET_FORMAT_AUTO && spec->fraction >= all;
  if (fixed) all = spec->fraction;
  if (all == INT32_MIN) all = 0;
  for (uint64_t o = 0; o < k->out; o++) {
    lower_fraction(w + o * k->in, k->in, &own[o]);
    if (fixed || own[o] == INT32_MIN) own[o] = all;
    common[o] = all;
  }
  double most = most_of(k, w, common), least = most_of(k, w, own);
  k->fractions = lower_type(-most, most) <= lower_type(-least, least) ? common : own;
  if (k->fractions == own) most = least;
  if (most >= ldexp(1, MOST_WEIGHT_BITS)) return false;
  k->type = lower_type(-fmax(most, 1), most);
  k->weights = NET_NEW_ARRAY(l->arena, int64_t, k->out * k->in);
  for (uint64_t i = 0; i < k->out * k->in; i++)
    k->weights[i] = (int64_t)ldexp(w[i], k->fractions[i / k->in] + k->ahead[i % k->in]);
  return true;
}

/* Bias codes of the sum's fractions, which may have to be finer than the products'. */
static bool code_bias(const net_lowering *l, linear *k, int64_t **q) {
  *q = NULL;
  if (!lower_input(l, BIAS)) return true;
  const double *b = lower_numbers(l, BIAS);
  if (!b) return false;
  *q = NET_NEW_ARRAY(l->arena, int64_t, k->out);
  for (uint64_t o = 0; o < k->out; o++) {
    int own;
    if (!lower_fraction(&b[o], 1, &own)) return false;
    if (own != INT32_MIN && own - k->finest - k->fractions[o] > k->shift) k->shift = own - k->finest - k->fractions[o];
  }
  if (k->shift > 62) return false;
  for (uint64_t o = 0; o < k->out; o++) {
    double code = ldexp(b[o], k->finest + k->fractions[o] + k->shift);
    if (fabs(code) >= 0x1p62) return false;
    (*q)[o] = (int64_t)code;
  }
  return true;
}

bool linear_lower(net_lowering *l) {
  const net_value *x = lower_input(l, X), *y = lower_output(l);
  netc *n = l->graph->n;
  linear k = {.in = last(x), .out = last(y), .rows = ops_elements(x) / last(x)};
  int64_t *bias;
  if (!align_inputs(l, &k) || !code_weights(l, &k) || !code_bias(l, &k, &bias)) return true;
  int *fractions = NET_NEW_ARRAY(l->arena, int, k.rows * k.out);
  for (uint64_t i = 0; i < k.rows * k.out; i++) fractions[i] = k.finest + k.fractions[i % k.out] + k.shift;
  int64_t bits = lower_sum_bits(l, fractions);
  if (!bits) return true;
  uint32_t in = (uint32_t)k.in, out = (uint32_t)k.out;
  net_value_id inputs[] = {l->inputs[X].value,
                           lower_constant(l, "weight_codes", k.type, (net_shape){2, {out, in}}, k.weights, false), NET_NONE};
  net_type sums = bits == 32 ? NET_I32 : NET_I64;
  if (bias) inputs[2] = lower_constant(l, "bias_codes", sums, ops_vector(out), bias, false);
  return lower_call(l, "integer_linear", inputs, bias ? 3 : 2,
                    OPS_ATTRIBUTES(net_attribute_int(n, "bits", bits), net_attribute_int(n, "shift", k.shift)), fractions);
}

/* ---- batch_norm with formats, its numbers known ---- */

static bool coefficients(const net_lowering *l, uint32_t format, net_tensor_role role, uint32_t channels, int64_t *q,
                         int *fractions) {
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
  double *units = NET_NEW_ARRAY(l->arena, double, channels);
  ops_integer_quantize(l->arena, spec, &(net_format_tensor){.shape = &shape, .values = made}, 1, q, units);
  for (uint32_t c = 0; c < channels; c++) fractions[c] = -ilogb(units[c]);
  return true;
}

bool batch_norm_lower(net_lowering *l) {
  const net_value *x = lower_input(l, X);
  const int *from = l->inputs[X].fractions;
  uint32_t channels = x->shape.dim[0], weight_format, bias_format;
  uint64_t each = ops_elements(x), inner = each / channels;
  int64_t *factor = NET_NEW_ARRAY(l->arena, int64_t, channels), *shift = NET_NEW_ARRAY(l->arena, int64_t, channels);
  int *af = NET_NEW_ARRAY(l->arena, int, channels), *cf = NET_NEW_ARRAY(l->arena, int, channels);
  int *fractions = NET_NEW_ARRAY(l->arena, int, each);
  if (net_node_bool(l->from, l->node, "training") ||
      !ops_batch_norm_formatted(l->from, l->node, &weight_format, &bias_format) ||
      !coefficients(l, weight_format, NET_TENSOR_WEIGHT, channels, factor, af) ||
      !coefficients(l, bias_format, NET_TENSOR_BIAS, channels, shift, cf))
    return true;
  for (uint64_t i = 0; i < each; i++) {
    uint64_t c = i / inner;
    int product = from[c * inner] + af[c];
    if (from[i] != from[c * inner]) return true;
    fractions[i] = product > cf[c] ? product : cf[c];
  }
  for (uint32_t c = 0; c < channels; c++) {
    int ahead = fractions[c * inner] - from[c * inner] - af[c], up = fractions[c * inner] - cf[c];
    double a = ldexp((double)factor[c], ahead), b = ldexp((double)shift[c], up);
    if (fabs(a) >= 0x1p62 || fabs(b) >= 0x1p62) return true;
    factor[c] = (int64_t)a, shift[c] = (int64_t)b;
  }
  int64_t bits = lower_sum_bits(l, fractions);
  if (!bits) return true;
  net_type type = bits == 32 ? NET_I32 : NET_I64;
  net_value_id inputs[] = {l->inputs[X].value, lower_constant(l, "factor", type, ops_vector(channels), factor, false),
                           lower_constant(l, "shift", type, ops_vector(channels), shift, false)};
  return lower_call(l, "integer_affine", inputs, 3, OPS_ATTRIBUTES(net_attribute_int(l->graph->n, "bits", bits)),
                    fractions);
}
