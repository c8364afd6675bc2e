/* integer_add: y = a · a_factor + b · b_factor + offset; integer_mul: y = (a − a_zero) · (b − b_zero); shapes
 * are broadcast. integer_relu: y = max(x, zero). */
#include "ops/code.h"

enum { A, B, A_FACTOR, B_FACTOR };

static bool broadcast(net_graph *graph, net_node_id node, net_shape *shape, bool *batched) {
  const net_value *a = ops_input(graph, node, A), *b = ops_input(graph, node, B);
  *batched = a->batched || b->batched;
  if (ops_broadcast(a->shape, b->shape, shape)) return true;
  return ops_refuse(graph, node, net_node_input(graph, node, B), "cannot broadcast shapes: %s and %s",
                    ops_describe(graph, net_node_input(graph, node, A)),
                    ops_describe(graph, net_node_input(graph, node, B)));
}

static int64_t constant(const net_graph *graph, net_node_id node, const char *key) {
  return net_node_int(graph, node, key);
}

/* ---- integer_add ---- */

bool integer_add_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  net_shape shape;
  bool batched;
  if (!ops_require_codes(graph, node, A, B) || !ops_require_sum(graph, node) ||
      !broadcast(graph, node, &shape, &batched))
    return false;
  net_type type = ops_sum_type(graph, node);
  return ops_require_spread(graph, node, A_FACTOR, type, shape) &&
         ops_require_spread(graph, node, B_FACTOR, type, shape) &&
         ops_result(graph, node, 0, type, shape, batched);
}

void integer_add_interpret(const net_interpretation *call) {
  const net_value *y = ops_out(call, 0);
  uint64_t each = ops_elements(y), offset = (uint64_t)constant(call->graph, call->node, "offset");
  for (uint64_t i = 0; i < ops_total(call, y); i++) {
    uint64_t sum = offset;
    for (uint32_t k = A; k <= B; k++)
      sum += (uint64_t)ops_code_at(call, k, i / each, i % each) *
             (uint64_t)ops_code_at(call, A_FACTOR + k, i / each, i % each);
    call->outputs[0][i] = ops_code_wrapped(y->type, sum);
  }
}

void integer_add_range(const net_ranging *call) {
  double offset = (double)constant(call->graph, call->node, "offset");
  for (uint64_t i = 0; i < ops_elements(ops_ranged_out(call, 0)); i++) {
    net_range sum = {offset, offset};
    for (uint32_t k = A; k <= B; k++)
      sum = ops_plus(sum, ops_times(ops_range_at(call, k, i), ops_range_at(call, A_FACTOR + k, i)));
    call->outputs[0][i] = ops_code_range(ops_ranged_out(call, 0)->type, sum);
  }
  ops_code_grid(call);
}

void integer_add_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  net_type type = ops_sum_type(graph, node);
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr sum = 0;
  for (uint32_t k = A; k <= B; k++) {
    const net_value *factor = ops_input(graph, node, A_FACTOR + k);
    bool one = ops_elements(factor) == 1;
    lp_expr by = one ? ops_whole(f, type, net_type_integer(type, factor->data, 0))
                     : ops_load_as(f, graph, node, A_FACTOR + k, type, &at);
    lp_expr term = lp_product(f, ops_load_as(f, graph, node, k, type, &at), by);
    sum = k == A ? term : lp_addition(f, sum, term);
  }
  sum = lp_addition(f, sum, ops_whole(f, type, constant(graph, node, "offset")));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, sum);
}

/* ---- integer_mul ---- */

bool integer_mul_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  net_shape shape;
  bool batched;
  return ops_require_codes(graph, node, A, B) && ops_require_sum(graph, node) &&
         broadcast(graph, node, &shape, &batched) &&
         ops_result(graph, node, 0, ops_sum_type(graph, node), shape, batched);
}

static int64_t zero_of(const net_graph *graph, net_node_id node, uint32_t input) {
  return constant(graph, node, input == A ? "a_zero" : "b_zero");
}

void integer_mul_interpret(const net_interpretation *call) {
  const net_value *y = ops_out(call, 0);
  uint64_t each = ops_elements(y);
  for (uint64_t i = 0; i < ops_total(call, y); i++) {
    uint64_t product = 1;
    for (uint32_t k = A; k <= B; k++)
      product *= (uint64_t)(ops_code_at(call, k, i / each, i % each) - zero_of(call->graph, call->node, k));
    call->outputs[0][i] = ops_code_wrapped(y->type, product);
  }
}

void integer_mul_range(const net_ranging *call) {
  double a = (double)zero_of(call->graph, call->node, A), b = (double)zero_of(call->graph, call->node, B);
  for (uint64_t i = 0; i < ops_elements(ops_ranged_out(call, 0)); i++) {
    net_range p = ops_minus(ops_range_at(call, A, i), (net_range){a, a});
    net_range q = ops_minus(ops_range_at(call, B, i), (net_range){b, b});
    call->outputs[0][i] = ops_code_range(ops_ranged_out(call, 0)->type, ops_times(p, q));
  }
  ops_code_grid(call);
}

void integer_mul_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  net_type type = ops_sum_type(graph, node);
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr factors[2];
  for (uint32_t k = A; k <= B; k++)
    factors[k] = lp_difference(f, ops_load_as(f, graph, node, k, type, &at),
                               ops_whole(f, type, zero_of(graph, node, k)));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, lp_product(f, factors[A], factors[B]));
}

/* ---- integer_relu ---- */

bool integer_relu_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  const net_value *x = ops_input(graph, node, 0);
  if (!ops_require_codes(graph, node, 0, 0)) return false;
  int64_t zero = constant(graph, node, "zero");
  net_range ends = ops_code_ends(x->type);
  if ((double)zero < ends.lo || (double)zero > ends.hi)
    return ops_refuse(graph, node, NET_NONE, "has a zero point %lld that %s does not hold", (long long)zero,
                      net_type_name(x->type));
  return ops_result(graph, node, 0, x->type, x->shape, x->batched);
}

void integer_relu_interpret(const net_interpretation *call) {
  double zero = (double)constant(call->graph, call->node, "zero");
  for (uint64_t i = 0; i < ops_total(call, ops_out(call, 0)); i++)
    call->outputs[0][i] = fmax(call->inputs[0][i], zero);
}

void integer_relu_range(const net_ranging *call) {
  double zero = (double)constant(call->graph, call->node, "zero");
  for (uint64_t i = 0; i < ops_elements(ops_ranged_out(call, 0)); i++)
    call->outputs[0][i] = (net_range){fmax(call->inputs[0][i].lo, zero), fmax(call->inputs[0][i].hi, zero)};
  ops_code_grid(call);
}

void integer_relu_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr x = ops_load_in(f, graph, node, 0, &at);
  lp_expr zero = ops_whole(f, ops_output(graph, node, 0)->type, constant(graph, node, "zero"));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, lp_op2(f, LP_max, x, zero));
}
