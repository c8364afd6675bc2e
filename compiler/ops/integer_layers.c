/* linear and batch_norm in integers. */
#include "ops/batch_norm.h"
#include "ops/integer.h"

/* ---- linear ---- */

static net_wide dot(net_integer_call *call, const int64_t *x, const double *xu, const int64_t *w,
                    const double *wu, uint64_t n, double unit) {
  net_wide sum = 0;
  for (uint64_t i = 0; i < n && !call->too_wide; i++)
    sum += ops_integer_in_unit((net_wide)x[i] * w[i], xu[i] * wu[i], unit, call);
  return sum;
}

/* The same where all products have one unit; of quantised numbers, which have 32 bits at most. */
static net_wide plain_dot(const int64_t *x, const int64_t *w, uint64_t n) {
  net_wide sum = 0;
  for (uint64_t i = 0; i < n; i++) sum += x[i] * w[i];
  return sum;
}

static bool is_quantised(const ops_integers_in *x) {
  bool small = true;
  for (uint64_t i = 0; i < x->each * x->rows; i++) small &= x->q[i] >= INT32_MIN && x->q[i] <= UINT32_MAX / 2;
  return small;
}

static bool is_one(const double *x, const double *w, uint64_t n) {
  for (uint64_t i = 1; i < n; i++)
    if (x[i] * w[i] != x[0] * w[0]) return false;
  return true;
}

void linear_integers(net_integer_call *call) {
  ops_integers_in x = ops_integer_input(call, 0), w = ops_integer_input(call, 1),
                  b = ops_integer_input(call, 2);
  ops_integers_out y = ops_integer_output(call);
  uint64_t in = w.value->shape.dim[1], out = w.value->shape.dim[0];
  bool small = is_quantised(&x) && is_quantised(&w);
  for (uint64_t k = 0; k < y.each; k++) {
    const double *xu = x.unit + k / out * in, *wu = w.unit + k % out * in;
    double bias = b.q ? b.unit[k % out] : 0, products = ops_unit_of_dot(xu, wu, in, false, 0);
    double u = y.unit[k] = ops_unit_of_dot(xu, wu, in, b.q, bias);
    bool plain = small && u > 0 && is_one(xu, wu, in);
    call->unlike |= u == 0;
    for (uint64_t row = 0; row < x.rows && u > 0; row++) {
      const int64_t *xq = x.q + row * x.each + k / out * in, *wq = w.q + k % out * in;
      net_wide sum = plain ? ops_integer_in_unit(plain_dot(xq, wq, in), products, u, call)
                           : dot(call, xq, xu, wq, wu, in, u);
      if (b.q) sum += ops_integer_in_unit(b.q[k % out], bias, u, call);
      y.q[row * y.each + k] = ops_integer_narrow(sum, call);
    }
  }
}

/* ---- batch_norm: factor and shift, each to its format ---- */

static void coefficients(const net_integer_call *call, uint32_t format, const float *const *inputs,
                         net_tensor_role role, uint32_t channels, int64_t *q, double *units) {
  net_shape shape = ops_vector(channels);
  float *numbers = NET_NEW_ARRAY(call->arena, float, channels);
  batch_norm_made(call->graph, call->node, inputs, role, numbers);
  ops_integer_quantize(call->arena, net_format_at(call->graph->n, format),
                       &(net_format_tensor){.shape = &shape, .values = numbers}, 1, q, units);
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
  double *au = NET_NEW_ARRAY(arena, double, channels), *cu = NET_NEW_ARRAY(arena, double, channels);
  ops_batch_norm_formatted(call->graph, call->node, &weight_format, &bias_format);
  coefficients(call, weight_format, inputs, NET_TENSOR_WEIGHT, channels, aq, au);
  coefficients(call, bias_format, inputs, NET_TENSOR_BIAS, channels, cq, cu);
  for (uint64_t i = 0; i < x.each; i++) {
    uint64_t k = i / inner;
    double product = x.unit[i] * au[k], u = y.unit[i] = ops_unit_of_dot(&x.unit[i], &au[k], 1, true, cu[k]);
    net_wide shift = ops_integer_in_unit(cq[k], cu[k], u, call);
    for (uint64_t row = 0; row < y.rows; row++) {
      net_wide scaled = ops_integer_in_unit((net_wide)x.q[row * y.each + i] * aq[k], product, u, call);
      y.q[row * y.each + i] = ops_integer_narrow(scaled + shift, call);
    }
  }
}
