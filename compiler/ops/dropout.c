/* dropout: y = x / (1 − p) with probability 1 − p, else 0; in inference y = x. What is kept is drawn from
 * (key, step, stream, sample, feature) alone: the gradient draws the same again, threads do not matter. */
#include "ops/kernel.h"
#include "runtime/random.h"

bool dropout_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return ops_require_f32(graph, node) && ops_require_real(graph, node, "p", 0, 1, false) &&
         ops_result_like(graph, node, 0, 0);
}

bool dropout_gradient(net_gradient *g) {
  if (!net_node_bool(g->graph, g->node, "training")) {
    g->dx[0] = g->dy[0];
    return true;
  }
  net_attribute p = *net_node_attribute(g->graph, g->node, "p");
  net_attribute stream = *net_node_attribute(g->graph, g->node, "stream");
  g->dx[0] =
      net_gradient_call(g, "dropout_gradient", "x_gradient", OPS_VALUES(g->dy[0]), OPS_ATTRIBUTES(p, stream));
  return g->dx[0] != NET_NONE;
}

static double kept_scale(const net_graph *graph, net_node_id node) {
  double p = net_node_real(graph, node, "p");
  return p < 1 ? 1 / (1 - p) : 0;
}

static void drop(const net_interpretation *call) {
  const net_value *x = ops_in(call, 0);
  float p = (float)net_node_real(call->graph, call->node, "p");
  uint32_t stream = (uint32_t)net_node_int(call->graph, call->node, "stream"), words[4] = {0};
  uint64_t count = ops_elements(x);
  double scale = kept_scale(call->graph, call->node);
  for (uint32_t sample = 0; sample < ops_rows(call, x); sample++)
    for (uint32_t i = 0; i < count; i++) {
      if (i % 4 == 0) rt_philox((uint32_t[4]){call->step, stream, sample, i / 4}, call->key, words);
      bool keep = (float)(words[i % 4] >> 8) * 0x1p-24f >= p;
      call->outputs[0][sample * count + i] = keep ? call->inputs[0][sample * count + i] * scale : 0;
    }
}

void dropout_interpret(const net_interpretation *call) {
  if (net_node_bool(call->graph, call->node, "training"))
    drop(call);
  else
    memcpy(call->outputs[0], call->inputs[0], ops_total(call, ops_in(call, 0)) * sizeof(double));
}

void dropout_gradient_interpret(const net_interpretation *call) { drop(call); }

/* ---- kernel ---- */

static lp_expr word(lp_function *f, uint32_t value) { return lp_constant(f, NET_U32, 0, value); }

/* Philox4x32-10: after this counter[] holds the four random words. */
static void philox(lp_function *f, lp_expr counter[4], lp_expr key0, lp_expr key1) {
  for (int round = 0; round < 10; round++) {
    lp_expr a = word(f, 0xD2511F53), b = word(f, 0xCD9E8D57);
    lp_expr high0 = lp_op2(f, LP_mulhi, a, counter[0]), low0 = lp_op2(f, LP_mul, a, counter[0]);
    lp_expr high1 = lp_op2(f, LP_mulhi, b, counter[2]), low1 = lp_op2(f, LP_mul, b, counter[2]);
    counter[0] = lp_op2(f, LP_xor, lp_op2(f, LP_xor, high1, counter[1]), key0);
    counter[2] = lp_op2(f, LP_xor, lp_op2(f, LP_xor, high0, counter[3]), key1);
    counter[1] = low1;
    counter[3] = low0;
    key0 = lp_op2(f, LP_add, key0, word(f, 0x9E3779B9));
    key1 = lp_op2(f, LP_add, key1, word(f, 0xBB67AE85));
  }
}

/* Four features share a block of random words. The block depends on the feature only through feature >> 2, so
 * a schedule that unrolls features by four makes each block once. */
static lp_expr is_kept(lp_function *f, const net_graph *graph, net_node_id node, const ops_place *at) {
  const net_value *x = ops_input(graph, node, 0);
  lp_expr feature = lp_convert(f, NET_U32, ops_flat(f, at, &x->shape));
  lp_expr sample = x->batched ? lp_convert(f, NET_U32, lp_batch(f)) : word(f, 0);
  lp_expr counter[4] = {lp_parameter(f, 0), word(f, (uint32_t)net_node_int(graph, node, "stream")), sample,
                        lp_op2(f, LP_shr, feature, word(f, 2))};
  philox(f, counter, lp_parameter(f, 1), lp_parameter(f, 2));
  lp_expr which = lp_op2(f, LP_and, feature, word(f, 3)), drawn = counter[3];
  for (uint32_t i = 3; i-- > 0;) drawn = lp_select(f, lp_op2(f, LP_eq, which, word(f, i)), counter[i], drawn);
  lp_expr bits = lp_convert(f, NET_I32, lp_op2(f, LP_shr, drawn, word(f, 8)));
  lp_expr uniform = lp_product(f, lp_convert(f, NET_F32, bits), lp_real(f, 0x1p-24));
  return lp_op2(f, LP_ge, uniform, lp_real(f, net_node_real(graph, node, "p")));
}

static void drop_kernel(lp_function *f, const net_graph *graph, net_node_id node, bool training) {
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr y = ops_load_in(f, graph, node, 0, &at);
  if (training)
    y = lp_select(f, is_kept(f, graph, node, &at), lp_product(f, y, lp_real(f, kept_scale(graph, node))),
                  lp_real(f, 0));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, y);
}

void dropout_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  drop_kernel(f, graph, node, net_node_bool(graph, node, "training"));
}

void dropout_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  drop_kernel(f, graph, node, true);
}
