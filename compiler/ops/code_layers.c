/* integer_linear: y[…, o] = (Σ_i weight[o, i] · x[…, i]) · 2^shift + bias[o], on the last axis.
 * integer_affine: y = factor · x + shift for each channel, the first axis.
 * Both modulo 2^bits: what is asked is that the last sum fits. */
#include "ops/code.h"

enum { X, WEIGHT, BIAS };
enum { FACTOR = 1, SHIFT };

static uint32_t last(const net_value *value) { return value->shape.dim[value->shape.rank - 1]; }

/* ---- integer_linear ---- */

bool integer_linear_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_codes(graph, node, X, BIAS) || !ops_require_rank(graph, node, X, 1) ||
      !ops_require_rank(graph, node, WEIGHT, 2) || !ops_require_sum(graph, node))
    return false;
  const net_value *x = ops_input(graph, node, X), *weight = ops_input(graph, node, WEIGHT);
  int64_t shift = net_node_int(graph, node, "shift");
  if (shift < 0 || shift > 62)
    return ops_refuse(graph, node, NET_NONE, "cannot shift by %lld", (long long)shift);
  uint32_t out = weight->shape.dim[0];
  net_shape shape = x->shape;
  shape.dim[shape.rank - 1] = out;
  bool batched = x->batched;
  return ops_require_unbatched(graph, node, WEIGHT, (net_shape){2, {out, last(x)}}) &&
         ops_require_unbatched(graph, node, BIAS, ops_vector(out)) &&
         ops_result(graph, node, 0, ops_sum_type(graph, node), shape, batched);
}

void integer_linear_interpret(const net_interpretation *call) {
  const double *x = call->inputs[X], *weight = call->inputs[WEIGHT], *bias = call->inputs[BIAS];
  uint64_t in = last(ops_in(call, X)), out = last(ops_out(call, 0)),
           rows = ops_total(call, ops_in(call, X)) / in;
  int64_t shift = net_node_int(call->graph, call->node, "shift");
  for (uint64_t row = 0; row < rows; row++)
    for (uint64_t o = 0; o < out; o++) {
      uint64_t sum = 0;
      for (uint64_t i = 0; i < in; i++)
        sum += (uint64_t)(int64_t)weight[o * in + i] * (uint64_t)(int64_t)x[row * in + i];
      sum = (sum << shift) + (bias ? (uint64_t)(int64_t)bias[o] : 0);
      call->outputs[0][row * out + o] = ops_code_wrapped(ops_out(call, 0)->type, sum);
    }
}

void integer_linear_range(const net_ranging *call) {
  uint64_t in = last(ops_ranged_in(call, X)), out = last(ops_ranged_out(call, 0));
  uint64_t rows = ops_elements(ops_ranged_in(call, X)) / in;
  double scale = ldexp(1, (int)net_node_int(call->graph, call->node, "shift"));
  for (uint64_t row = 0; row < rows; row++)
    for (uint64_t o = 0; o < out; o++) {
      net_range sum = {0, 0};
      for (uint64_t i = 0; i < in; i++)
        sum = ops_plus(sum, ops_times(call->inputs[WEIGHT][o * in + i], call->inputs[X][row * in + i]));
      sum = ops_times(sum, (net_range){scale, scale});
      if (ops_ranged_in(call, BIAS)) sum = ops_plus(sum, call->inputs[BIAS][o]);
      call->outputs[0][row * out + o] = ops_code_range(ops_ranged_out(call, 0)->type, sum);
    }
  ops_code_grid(call);
}

void integer_linear_cost(const net_graph *graph, net_node_id node, net_cost *cost) {
  double in = last(ops_input(graph, node, X)), out = (double)ops_elements(ops_output(graph, node, 0));
  net_cost_contraction(graph, node, in * out, net_node_input(graph, node, WEIGHT),
                       net_node_input(graph, node, BIAS), cost);
}

void integer_linear_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_shape *in = &ops_input(graph, node, X)->shape, *out = &ops_output(graph, node, 0)->shape;
  net_type type = ops_sum_type(graph, node);
  uint32_t axis = in->rank - 1;
  ops_place to = ops_axes(f, out, "ojklmn"), inner = ops_axes(f, &(net_shape){1, {in->dim[axis]}}, "i");
  ops_place from = ops_place_with(&to, axis, inner.at[0]);
  ops_place weight = {2, {to.at[axis], inner.at[0]}}, bias = {1, {to.at[axis]}};
  lp_expr w = lp_convert(f, type, ops_load(f, ops_in_buffer(f, graph, node, WEIGHT), &weight));
  lp_expr x = lp_convert(f, type, ops_load(f, ops_in_buffer(f, graph, node, X), &from));
  lp_expr y = ops_sum(f, &inner, false, lp_product(f, w, x));
  int64_t shift = net_node_int(graph, node, "shift");
  if (shift) y = lp_op2(f, LP_shl, y, ops_whole(f, type, shift));
  if (ops_input(graph, node, BIAS))
    y = lp_addition(f, y, lp_convert(f, type, ops_load(f, ops_in_buffer(f, graph, node, BIAS), &bias)));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &to, y);
}

/* ---- integer_affine ---- */

bool integer_affine_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_codes(graph, node, X, SHIFT) || !ops_require_rank(graph, node, X, 1) ||
      !ops_require_sum(graph, node))
    return false;
  const net_value *x = ops_input(graph, node, X);
  net_shape channels = ops_vector(x->shape.dim[0]), shape = x->shape;
  bool batched = x->batched;
  return ops_require_unbatched(graph, node, FACTOR, channels) &&
         ops_require_unbatched(graph, node, SHIFT, channels) &&
         ops_result(graph, node, 0, ops_sum_type(graph, node), shape, batched);
}

void integer_affine_interpret(const net_interpretation *call) {
  const net_value *y = ops_out(call, 0);
  uint64_t each = ops_elements(y), inner = each / y->shape.dim[0];
  for (uint64_t i = 0; i < ops_total(call, y); i++) {
    uint64_t c = i % each / inner;
    uint64_t product = (uint64_t)(int64_t)call->inputs[FACTOR][c] * (uint64_t)(int64_t)call->inputs[X][i];
    call->outputs[0][i] = ops_code_wrapped(y->type, product + (uint64_t)(int64_t)call->inputs[SHIFT][c]);
  }
}

void integer_affine_range(const net_ranging *call) {
  const net_value *y = ops_ranged_out(call, 0);
  uint64_t each = ops_elements(y), inner = each / y->shape.dim[0];
  for (uint64_t i = 0; i < each; i++) {
    net_range product = ops_times(call->inputs[FACTOR][i / inner], call->inputs[X][i]);
    call->outputs[0][i] = ops_code_range(y->type, ops_plus(product, call->inputs[SHIFT][i / inner]));
  }
  ops_code_grid(call);
}

void integer_affine_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  net_type type = ops_sum_type(graph, node);
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "cijklm"),
            channel = ops_leading_place(&at, 1);
  lp_expr factor = ops_load_as(f, graph, node, FACTOR, type, &channel);
  lp_expr shift = ops_load_as(f, graph, node, SHIFT, type, &channel);
  lp_expr x = ops_load_as(f, graph, node, X, type, &at);
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, lp_addition(f, lp_product(f, factor, x), shift));
}
