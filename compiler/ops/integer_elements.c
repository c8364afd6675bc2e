/* relu, add, sub and mul in integers. */
#include "ops/integer.h"

void relu_integers(net_integer_call *call) {
  ops_integers_in x = ops_integer_input(call, 0);
  ops_integers_out y = ops_integer_output(call);
  memcpy(y.unit, x.unit, x.each * sizeof *x.unit);
  for (uint64_t i = 0; i < x.each * x.rows; i++) y.q[i] = x.q[i] < 0 ? 0 : x.q[i];
}

/* Where the element of a result lies in an ops_integers_in that is broadcast to it. */
static uint64_t place(const ops_integers_in *x, const ops_integers_out *y, uint64_t at) {
  uint64_t to = 0, stride = 1;
  for (uint32_t k = 1; k <= x->value->shape.rank; k++) {
    uint32_t full = y->value->shape.dim[y->value->shape.rank - k],
             own = x->value->shape.dim[x->value->shape.rank - k];
    if (own > 1) to += at % full * stride;
    stride *= own;
    at /= full;
  }
  return to;
}

static void sum(net_integer_call *call, int sign) {
  ops_integers_in a = ops_integer_input(call, 0), b = ops_integer_input(call, 1);
  ops_integers_out y = ops_integer_output(call);
  const double *steps =
      ops_reader_units(call->arena, call->graph, net_node_output(call->graph, call->node, 0));
  for (uint64_t i = 0; i < y.each; i++) {
    uint64_t at = place(&a, &y, i), bt = place(&b, &y, i);
    net_multipliers by = {.m = {0}};
    double u = y.unit[i] = ops_unit_of_sum(a.unit[at], b.unit[bt], steps[i], &by);
    call->unlike |= u == 0;
    bool multiplied = by.m[0] || by.m[1];
    for (uint64_t row = 0; row < y.rows && u > 0; row++) {
      net_wide p = a.q[(a.rows > 1 ? row * a.each : 0) + at], q = b.q[(b.rows > 1 ? row * b.each : 0) + bt];
      if (multiplied) p *= by.m[0], q *= by.m[1];
      else p = ops_integer_in_unit(p, a.unit[at], u, call), q = ops_integer_in_unit(q, b.unit[bt], u, call);
      y.q[row * y.each + i] = ops_integer_narrow(p + sign * q, call);
    }
  }
}

void add_integers(net_integer_call *call) { sum(call, 1); }
void sub_integers(net_integer_call *call) { sum(call, -1); }

void mul_integers(net_integer_call *call) {
  ops_integers_in a = ops_integer_input(call, 0), b = ops_integer_input(call, 1);
  ops_integers_out y = ops_integer_output(call);
  for (uint64_t i = 0; i < y.each; i++) {
    uint64_t at = place(&a, &y, i), bt = place(&b, &y, i);
    y.unit[i] = a.unit[at] * b.unit[bt];
    for (uint64_t row = 0; row < y.rows; row++) {
      net_wide p = a.q[(a.rows > 1 ? row * a.each : 0) + at], q = b.q[(b.rows > 1 ? row * b.each : 0) + bt];
      y.q[row * y.each + i] = ops_integer_narrow(p * q, call);
    }
  }
}
