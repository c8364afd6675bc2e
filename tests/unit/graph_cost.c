/* graph/: costs, against what the lab's tool counts for its networks, per node and in total, at batch 8. */
#include "formats/formats.h"
#include "graph/cost.h"
#include "tests/unit/graph_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* exactly: all these are whole numbers */
#define ASSERT_IS(a, b)                                                                                      \
  do {                                                                                                       \
    double is = (a), should = (double)(b);                                                                   \
    if (is != should) fail_msg("%s is %.17g, not %.17g", #a, is, should);                                    \
  } while (0)

enum { BATCH = 8, NODES = 16 };

static const struct {
  const char *name, *layers;
  uint64_t parameters;
  double flops, bitops, backward;
  double computations[NODES], node_bitops[NODES]; /* by node, in order */
} networks[] = {
    {"jsc_tiny_117",
     "batch_norm; relu; linear features=5; relu",
     117,
     1320,
     1205504,
     1960,
     {512, 128, 640, 40},
     {524288, 4096, 675840, 1280}},
    {"jsc_tiny",
     "batch_norm; relu; linear features=5; batch_norm; relu",
     127,
     1480,
     1369344,
     2120,
     {512, 128, 640, 160, 40},
     {524288, 4096, 675840, 163840, 1280}},
    {"jsc_toy",
     "batch_norm; relu; linear features=8; batch_norm; relu; linear features=8; batch_norm; relu; "
     "linear features=5; batch_norm; relu",
     327,
     3336,
     3181824,
     5192,
     {512, 128, 1024, 256, 64, 512, 256, 64, 320, 160, 40},
     {524288, 4096, 1081344, 262144, 2048, 540672, 262144, 2048, 337920, 163840, 1280}},
    {"jsc_s",
     "batch_norm; relu; linear features=64; batch_norm; relu; linear features=32; relu; linear features=32; "
     "relu; linear features=32; relu; linear features=5; batch_norm; relu",
     5615,
     46408,
     47437056,
     88648,
     {512, 128, 8192, 2048, 512, 16384, 256, 8192, 256, 8192, 256, 1280, 160, 40},
     {524288, 4096, 8650752, 2097152, 16384, 17301504, 8192, 8650752, 8192, 8650752, 8192, 1351680, 163840,
      1280}},
    {"test_hhy",
     "batch_norm; relu; linear features=32; batch_norm; relu; linear features=16; batch_norm; relu; "
     "linear features=8; batch_norm; relu; linear features=5; batch_norm; relu",
     1407,
     12616,
     12612864,
     22152,
     {512, 128, 4096, 1024, 256, 4096, 512, 128, 1024, 256, 64, 320, 160, 40},
     {524288, 4096, 4325376, 1048576, 8192, 4325376, 524288, 4096, 1081344, 262144, 2048, 337920, 163840,
      1280}},
    {"jsc_trt", /* with dropout, which costs nothing */
     "batch_norm; relu; linear features=32; batch_norm; relu; linear features=48; batch_norm; relu; dropout; "
     "linear features=16; batch_norm; relu; linear features=5; batch_norm; relu",
     3231,
     27848,
     28329216,
     51016,
     {512, 128, 4096, 1024, 256, 12288, 1536, 384, 0, 6144, 512, 128, 640, 160, 40},
     {524288, 4096, 4325376, 1048576, 8192, 12976128, 1572864, 12288, 0, 6488064, 524288, 4096, 675840,
      163840, 1280}},
};

static void test_networks(void **state) {
  (void)state;
  for (uint32_t i = 0; i < sizeof networks / sizeof *networks; i++) {
    netc n;
    support_init(&n);
    net_graph *g = support_network(&n, networks[i].name, (net_shape){1, {16}}, networks[i].layers);
    assert_true(net_graph_verify(&n, g));
    net_graph_cost(g);
    double macs = 0;
    for (net_node_id k = 0; k < g->nodes.count; k++) {
      const net_cost *cost = &g->nodes.at[k].cost;
      ASSERT_IS(cost->computations * BATCH, networks[i].computations[k]);
      ASSERT_IS(cost->bitops * BATCH, networks[i].node_bitops[k]);
      if (!strcmp(net_node_op(g, k)->name, "linear")) macs += networks[i].computations[k];
    }
    net_cost_total total = net_graph_cost_total(g, BATCH);
    assert_int_equal(total.parameters, networks[i].parameters);
    ASSERT_IS(total.weight_bytes, 4 * networks[i].parameters);
    ASSERT_IS(total.computations, networks[i].flops);
    ASSERT_IS(total.flops, networks[i].flops);
    ASSERT_IS(total.bitops, networks[i].bitops);
    ASSERT_IS(total.backward, networks[i].backward);
    ASSERT_IS(total.macs, macs);
    ASSERT_IS(total.true_flops, networks[i].flops + macs);
    net_cost_total one = net_graph_cost_total(g, 1);
    ASSERT_IS(one.flops * BATCH, total.flops);
    assert_int_equal(one.parameters, total.parameters);
    netc_free(&n);
  }
}

/* Single layers on other shapes: computations and backward for one sample. */
static void test_layers(void **state) {
  (void)state;
  static const struct {
    net_shape shape;
    const char *layer;
    double computations, backward, bitops;
  } layers[] = {
      {{2, {3, 16}}, "linear features=5", 240, 480, 240 * (1024 + 32)},
      {{1, {16}}, "linear features=5 bias=false", 80, 160, 80 * (1024 + 32)},
      {{3, {3, 8, 8}}, "batch_norm", 768, 768, 768 * 1024},
      {{1, {16}}, "layer_norm", 80, 80, 80 * 1024},
      {{2, {4, 4}}, "layer_norm dims=2", 80, 80, 80 * 1024},
      {{1, {16}}, "tanh", 16, 16, 512},
      {{2, {4, 5}}, "softmax", 20, 20, 640},
      {{2, {4, 5}}, "flatten", 0, 0, 0},
      {{2, {4, 5}}, "reshape shape=5,4", 0, 0, 0},
      {{2, {4, 5}}, "mean axes=0", 20, 20, 640},
  };
  for (uint32_t i = 0; i < sizeof layers / sizeof *layers; i++) {
    netc n;
    support_init(&n);
    net_graph *g = support_network(&n, "one", layers[i].shape, layers[i].layer);
    net_graph_cost(g);
    const net_cost *cost = &g->nodes.at[0].cost;
    if (cost->computations != layers[i].computations || cost->backward != layers[i].backward ||
        cost->bitops != layers[i].bitops)
      fail_msg("%s: %g, %g, %g", layers[i].layer, cost->computations, cost->backward, cost->bitops);
    netc_free(&n);
  }
}

/* Nodes that touch nothing batched count once for a batch; other formats than binary32 count no FLOPs. */
static void test_counting(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  net_graph *g = support_parse(&n, "graph g\n"
                                   "  input x: f32[b, 3]\n"
                                   "  parameter p: f32[3] = 0\n"
                                   "  parameter q: f32[3] = 0 frozen\n"
                                   "  s: f32[3] = add(p, q)\n"
                                   "  y: f32[b, 3] = add(x, s)\n"
                                   "  r: f32[b, 3] = relu(y)\n"
                                   "  t: f32[3] = reduce_to(r) {shape = [3], batched = false}\n");
  net_graph_cost(g);
  ASSERT_IS(net_node_samples(g, 0, 10), 1);
  ASSERT_IS(net_node_samples(g, 1, 10), 10);
  ASSERT_IS(net_node_samples(g, 3, 10), 10);
  net_cost_total total = net_graph_cost_total(g, 10);
  ASSERT_IS(total.computations, 3 + 30 + 30 + 30);
  ASSERT_IS(total.flops, total.computations);
  assert_int_equal(total.parameters, 6);
  net_format_id format;
  assert_true(net_format_parse(&n, "integer(8, 4)", 13, NET_NOWHERE, &format));
  g->values.at[support_find(g, "y")].format = format;
  net_graph_cost(g);
  ASSERT_IS(net_graph_cost_total(g, 10).flops, 3 + 30 + 30); /* relu's input is no float now */
  ASSERT_IS(net_graph_cost_total(g, 10).computations, total.computations);
  netc_free(&n);
}

/* Every row of the table declares what can be read, and says what it costs without a fault. */
static void test_rows(void **state) {
  (void)state;
  netc n;
  support_init(&n);
  for (uint32_t i = 0; i < n.op_count; i++) {
    const net_op_field *fields;
    assert_true(net_op_inputs(&n, &n.ops[i], &fields) > 0);
    assert_true(net_op_outputs(&n, &n.ops[i], &fields) > 0);
    net_op_attributes(&n, &n.ops[i], &fields);
    uint16_t row;
    assert_ptr_equal(net_op_find(&n, n.ops[i].name, &row), &n.ops[i]);
    assert_int_equal(row, i); /* no name twice */
  }
  assert_int_equal(n.diagnostics.list.count, 0);
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_networks),
      cmocka_unit_test(test_layers),
      cmocka_unit_test(test_counting),
      cmocka_unit_test(test_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
