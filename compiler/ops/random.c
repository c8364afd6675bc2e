#include "ops/random.h"
#include "runtime/random.h"

static uint32_t stream_of(const net_graph *graph, net_node_id node) {
  return (uint32_t)net_node_int(graph, node, "stream");
}

void ops_draw(const net_interpretation *call, const net_value *value, float *draws) {
  uint32_t stream = stream_of(call->graph, call->node), words[4] = {0};
  uint64_t count = ops_elements(value);
  for (uint32_t sample = 0; sample < ops_rows(call, value); sample++)
    for (uint32_t i = 0; i < count; i++) {
      if (i % 4 == 0) rt_philox((uint32_t[4]){call->step, stream, sample, i / 4}, call->key, words);
      draws[sample * count + i] = (float)(words[i % 4] >> 8) * 0x1p-24f;
    }
}

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
lp_expr ops_drawn(lp_function *f, const net_graph *graph, net_node_id node, const net_value *value,
                  const ops_place *at) {
  lp_expr feature = lp_convert(f, NET_U32, ops_flat(f, at, &value->shape));
  lp_expr sample = value->batched ? lp_convert(f, NET_U32, lp_batch(f)) : word(f, 0);
  lp_expr counter[4] = {lp_parameter(f, 0), word(f, stream_of(graph, node)), sample,
                        lp_op2(f, LP_shr, feature, word(f, 2))};
  philox(f, counter, lp_parameter(f, 1), lp_parameter(f, 2));
  lp_expr which = lp_op2(f, LP_and, feature, word(f, 3)), drawn = counter[3];
  for (uint32_t i = 3; i-- > 0;) drawn = lp_select(f, lp_op2(f, LP_eq, which, word(f, i)), counter[i], drawn);
  lp_expr bits = lp_convert(f, NET_I32, lp_op2(f, LP_shr, drawn, word(f, 8)));
  return lp_product(f, lp_convert(f, NET_F32, bits), lp_real(f, 0x1p-24));
}
