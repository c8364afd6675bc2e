/* linear and batch_norm in integers. */
#include "ops/batch_norm.h"
#include "ops/integer.h"

/* ---- linear ---- */

/* Of n products: the coarsest and the finest fraction. */
static void fractions_of(const int *x, const int *w, uint64_t n, int *coarsest, int *finest) {
  *coarsest = *finest = x[0] + w[0];
  for (uint64_t i = 1; i < n; i++) {
    int f = x[i] + w[i];
    if (f < *coarsest) *coarsest = f;
    if (f > *finest) *finest = f;
  }
}

static ops_wide dot(net_integer_call *call, const int64_t *x, const int *xf, const int64_t *w, const int *wf,
                    uint64_t n, int fraction) {
  ops_wide sum = 0;
  for (uint64_t i = 0; i < n && !call->too_wide; i++)
    sum += ops_integer_aligned((ops_wide)x[i] * w[i], xf[i] + wf[i], fraction, call);
  return sum;
}

/* The same where all products have one fraction; of quantised numbers, which have 32 bits at most. */
static ops_wide plain_dot(const int64_t *x, const int64_t *w, uint64_t n) {
  ops_wide sum = 0;
  for (uint64_t i = 0; i < n; i++) sum += x[i] * w[i];
  return sum;
}

static bool is_quantised(const ops_integers_in *x) {
  bool small = true;
  for (uint64_t i = 0; i < x->each * x->rows; i++) small &= x->q[i] >= INT32_MIN && x->q[i] <= UINT32_MAX / 2;
  return small;
}

void linear_integers(net_integer_call *call) {
  ops_integers_in x = ops_integer_input(call, 0), w = ops_integer_input(call, 1),
                  b = ops_integer_input(call, 2);
  ops_integers_out y = ops_integer_output(call);
  uint64_t in = w.value->shape.dim[1], out = w.value->shape.dim[0];
  bool small = is_quantised(&x) && is_quantised(&w);
  for (uint64_t k = 0; k < y.each; k++) {
    const int *xf = x.fraction + k / out * in, *wf = w.fraction + k % out * in;
    int coarsest, finest, bias = b.q ? b.fraction[k % out] : INT32_MIN;
    fractions_of(xf, wf, in, &coarsest, &finest);
    int f = y.fraction[k] = finest > bias ? finest : bias;
    for (uint64_t row = 0; row < x.rows; row++) {
      const int64_t *xq = x.q + row * x.each + k / out * in, *wq = w.q + k % out * in;
      ops_wide sum = small && coarsest == finest ? ops_integer_aligned(plain_dot(xq, wq, in), finest, f, call)
                                                 : dot(call, xq, xf, wq, wf, in, f);
      if (b.q) sum += ops_integer_aligned(b.q[k % out], bias, f, call);
      y.q[row * y.each + k] = ops_integer_narrow(sum, call);
    }
  }
}

/* ---- batch_norm: factor and shift, each to its format ---- */

static void coefficients(const net_integer_call *call, uint32_t format, const float *const *inputs,
                         net_tensor_role role, uint32_t channels, int64_t *q, int *fractions) {
  net_shape shape = ops_vector(channels);
  float *numbers = NET_NEW_ARRAY(call->arena, float, channels);
  batch_norm_made(call->graph, call->node, inputs, role, numbers);
  ops_integer_quantize(call->arena, net_format_at(call->graph->n, format),
                       &(net_format_tensor){.shape = &shape, .values = numbers}, 1, q, fractions);
}

void batch_norm_integers(net_integer_call *call) {
  enum { INPUTS = 5 };
  net_arena *arena = call->arena;
  ops_integers_in x = ops_integer_input(call, 0);
  ops_integers_out y = ops_integer_output(call);
  const float *inputs[INPUTS];
  for (uint32_t i = 0; i < INPUTS; i++) inputs[i] = call->inputs[i].floats;
  uint32_t channels = x.value->shape.dim[0], weight_format, bias_format;
  uint64_t inner = x.each / channels;
  int64_t *aq = NET_NEW_ARRAY(arena, int64_t, channels), *cq = NET_NEW_ARRAY(arena, int64_t, channels);
  int *af = NET_NEW_ARRAY(arena, int, channels), *cf = NET_NEW_ARRAY(arena, int, channels);
  ops_batch_norm_formatted(call->graph, call->node, &weight_format, &bias_format);
  coefficients(call, weight_format, inputs, NET_TENSOR_WEIGHT, channels, aq, af);
  coefficients(call, bias_format, inputs, NET_TENSOR_BIAS, channels, cq, cf);
  for (uint64_t i = 0; i < x.each; i++) {
    uint64_t k = i / inner;
    int product = x.fraction[i] + af[k];
    y.fraction[i] = product > cf[k] ? product : cf[k];
    for (uint64_t row = 0; row < x.rows; row++) {
      ops_wide scaled =
          ops_integer_aligned((ops_wide)x.q[row * x.each + i] * aq[k], product, y.fraction[i], call);
      y.q[row * x.each + i] =
          ops_integer_narrow(scaled + ops_integer_aligned(cq[k], cf[k], y.fraction[i], call), call);
    }
  }
}
