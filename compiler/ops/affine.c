/* affine: y = factor · x + shift for each channel (axis 0), rounded once: a batch-norm whose statistics are
 * known. */
#include "ops/kernel.h"
#include "ops/range.h"

enum { X, FACTOR, SHIFT };

bool affine_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_f32(graph, node) || !ops_require_rank(graph, node, X, 1)) return false;
  net_shape channels = ops_vector(ops_input(graph, node, X)->shape.dim[0]);
  return ops_require_unbatched(graph, node, FACTOR, channels) &&
         ops_require_unbatched(graph, node, SHIFT, channels) && ops_result_like(graph, node, 0, X);
}

void affine_cost(const net_graph *graph, net_node_id node, net_cost *cost) {
  net_cost_normalisation(graph, node, 2, (double)ops_elements(ops_input(graph, node, X)), cost);
}

void affine_interpret(const net_interpretation *call) {
  uint64_t each = ops_elements(ops_out(call, 0)), inner = each / ops_out(call, 0)->shape.dim[0];
  for (uint64_t i = 0; i < ops_total(call, ops_out(call, 0)); i++) {
    uint64_t c = i % each / inner;
    call->outputs[0][i] = call->inputs[FACTOR][c] * call->inputs[X][i] + call->inputs[SHIFT][c];
  }
}

void affine_range(const net_ranging *call) {
  uint64_t each = ops_elements(ops_ranged_out(call, 0)), inner = each / ops_ranged_out(call, 0)->shape.dim[0];
  for (uint64_t i = 0; i < each; i++) {
    net_range product = ops_times(call->inputs[FACTOR][i / inner], call->inputs[X][i]);
    net_range shift = call->inputs[SHIFT][i / inner];
    call->outputs[0][i] = ops_plus(product, shift);
    call->terms[0][i] = ops_most(product) + ops_most(shift);
  }
}

void affine_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "cijklm"),
            channel = ops_leading_place(&at, 1);
  lp_expr factor = ops_load_in(f, graph, node, FACTOR, &channel),
          shift = ops_load_in(f, graph, node, SHIFT, &channel);
  lp_expr x = ops_load_in(f, graph, node, X, &at);
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, lp_op3(f, LP_fma, factor, x, shift));
}
