/* Kernels of quantize.c: the formats' own emission at every element. */
#include "formats/emit.h"
#include "ops/quantize.h"
#include "ops/random.h"

static lp_buffer optional(const lp_function *f, const net_graph *graph, net_node_id node, uint32_t input) {
  return ops_input(graph, node, input) ? ops_in_buffer(f, graph, node, input) : LP_NONE;
}

/* x: position of the input that is rounded; step and zero follow it. */
static fm_emission emission_of(lp_function *f, const net_graph *graph, net_node_id node, uint32_t x,
                               const net_format_spec *spec, const ops_place *at) {
  const net_value *value = ops_input(graph, node, x);
  fm_emission e = {.f = f,
                   .spec = spec,
                   .x = ops_in_buffer(f, graph, node, x),
                   .shape = value->shape,
                   .batched = value->batched,
                   .steps = optional(f, graph, node, x + 1),
                   .zeros = optional(f, graph, node, x + 2)};
  memcpy(e.at, at->at, sizeof e.at);
  return e;
}

void quantize_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  net_format_spec spec = ops_spec(graph, node);
  const net_value *x = ops_input(graph, node, QUANTIZE_X);
  ops_place at = ops_axes(f, &x->shape, "ijklmn");
  fm_emission e = emission_of(f, graph, node, QUANTIZE_X, &spec, &at);
  if (spec.stochastic && net_node_bool(graph, node, "training")) e.draw = ops_drawn(f, graph, node, x, &at);
  net_format_emit_begin(&e);
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, net_format_emit_value(&e));
}

/* dstep[c] = gain · Σ dy · term */
static void step_gradient(lp_function *f, const net_graph *graph, net_node_id node, fm_emission *e,
                          const ops_place *at) {
  lp_buffer to = ops_out_buffer(f, graph, node, 1);
  uint32_t kept = f->buffers.at[to].shape.rank; /* channels are the first axis */
  ops_place channel = ops_leading_place(at, kept), others = ops_trailing_place(at, at->count - kept);
  lp_expr dy = ops_load_in(f, graph, node, QUANTIZE_GRADIENT_DY, at);
  lp_expr sum = ops_sum(f, &others, e->batched, lp_product(f, dy, net_format_emit_term(e)));
  ops_store(f, to, &channel, lp_product(f, sum, lp_real(f, ops_step_gain(graph, node))));
}

void quantize_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  net_format_spec spec = ops_spec(graph, node);
  ops_place at = ops_axes(f, &ops_input(graph, node, QUANTIZE_GRADIENT_X)->shape, "ijklmn");
  fm_emission e = emission_of(f, graph, node, QUANTIZE_GRADIENT_X, &spec, &at);
  net_format_emit_begin(&e);
  lp_expr dx = ops_load_in(f, graph, node, QUANTIZE_GRADIENT_DY, &at);
  if (spec.ste != NET_STE_PLAIN) dx = lp_select(f, net_format_emit_outside(&e), lp_real(f, 0), dx);
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, dx);
  if (ops_learns_step(graph, node)) {
    step_gradient(f, graph, node, &e, &at);
    return;
  }
  const net_value *none = ops_output(graph, node, 1);
  ops_place all = ops_axes(f, &none->shape, "c");
  ops_store(f, ops_out_buffer(f, graph, node, 1), &all, lp_real(f, 0));
}
