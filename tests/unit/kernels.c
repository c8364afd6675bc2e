/* kernels/: whole training steps, scheduled for 16, 8, 4 and 1 lanes, run by the loop IR's evaluator and
 * compared with the interpreter: loss, outputs, and every variable after the update. */
#include "interpret/interpret.h"
#include "kernels/kernels.h"
#include "loops/evaluate.h"
#include "loops/print.h"
#include "ops/ops.h"
#include "passes/passes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- networks ---- */

typedef struct {
  const char *name, *text; /* graph text; its last value is the prediction */
  const char *loss, *prediction;
  uint32_t classes; /* 0: values of the prediction's shape */
} network;

static const network networks[] = {
    {"linear",
     "graph g\n input x: f32[b, 16]\n"
     " parameter l.weight: f32[5, 16] = uniform(0.25)\n parameter l.bias: f32[5] = uniform(0.25)\n"
     " l: f32[b, 5] = linear(x, l.weight, l.bias) {features = 5, bias = true}\n output l\n",
     "cross_entropy", "l", 5},
    {"one output",
     "graph g\n input x: f32[b, 7]\n"
     " parameter l.weight: f32[1, 7] = uniform(0.3)\n parameter l.bias: f32[1] = uniform(0.3)\n"
     " l: f32[b, 1] = linear(x, l.weight, l.bias) {features = 1, bias = true}\n output l\n",
     "mse", "l", 0},
    {"rows",
     "graph g\n input x: f32[b, 3, 18]\n"
     " parameter l.weight: f32[17, 18] = uniform(0.25)\n parameter l.bias: f32[17] = uniform(0.25)\n"
     " l: f32[b, 3, 17] = linear(x, l.weight, l.bias) {features = 17, bias = true}\n"
     " r: f32[b, 3, 17] = relu(l)\n s: f32[b, 17] = sum(r) {axes = [0], keep = false}\n output s\n",
     "huber", "s", 0},
    {"two layers",
     "graph g\n input x: f32[b, 16]\n"
     " parameter a.weight: f32[33, 16] = uniform(0.25)\n parameter a.bias: f32[33] = uniform(0.25)\n"
     " parameter c.weight: f32[10, 33] = uniform(0.2)\n parameter c.bias: f32[10] = uniform(0.2)\n"
     " a: f32[b, 33] = linear(x, a.weight, a.bias) {features = 33, bias = true}\n"
     " r: f32[b, 33] = relu(a)\n"
     " c: f32[b, 10] = linear(r, c.weight, c.bias) {features = 10, bias = true}\n"
     " s: f32[b, 10] = silu(c)\n output s\n",
     "cross_entropy", "s", 10},
    {"batch_norm",
     "graph g\n input x: f32[b, 19]\n"
     " parameter n.weight: f32[19] = 1\n parameter n.bias: f32[19] = 0\n"
     " statistic n.running_mean: f32[19] = 0\n statistic n.running_var: f32[19] = 1\n"
     " parameter l.weight: f32[6, 19] = uniform(0.25)\n parameter l.bias: f32[6] = uniform(0.25)\n"
     " parameter m.weight: f32[6] = 1\n parameter m.bias: f32[6] = 0\n"
     " statistic m.running_mean: f32[6] = 0\n statistic m.running_var: f32[6] = 1\n"
     " n: f32[b, 19], mean: f32[19], inverse: f32[19], variance: f32[19] = batch_norm(x, n.weight, n.bias, "
     "n.running_mean, n.running_var) {affine = true, momentum = 0.1, epsilon = 1e-05, training = false}\n"
     " r: f32[b, 19] = relu(n)\n"
     " l: f32[b, 6] = linear(r, l.weight, l.bias) {features = 6, bias = true}\n"
     " m: f32[b, 6], mean: f32[6], inverse: f32[6], variance: f32[6] = batch_norm(l, m.weight, m.bias, "
     "m.running_mean, m.running_var) {affine = true, momentum = 0.1, epsilon = 1e-05, training = false}\n"
     " q: f32[b, 6] = relu(m)\n output q\n",
     "cross_entropy", "q", 6},
    {"channels",
     "graph g\n input x: f32[b, 5, 4]\n"
     " parameter n.weight: f32[5] = 1\n parameter n.bias: f32[5] = 0\n"
     " statistic n.running_mean: f32[5] = 0\n statistic n.running_var: f32[5] = 1\n"
     " n: f32[b, 5, 4], mean: f32[5], inverse: f32[5], variance: f32[5] = batch_norm(x, n.weight, n.bias, "
     "n.running_mean, n.running_var) {affine = true, momentum = 0.1, epsilon = 1e-05, training = false}\n"
     " t: f32[b, 5, 4] = tanh(n)\n f: f32[b, 20] = flatten(t)\n output f\n",
     "mae", "f", 0},
    {"layer_norm",
     "graph g\n input x: f32[b, 12]\n"
     " parameter n.weight: f32[12] = 1\n parameter n.bias: f32[12] = 0\n"
     " n: f32[b, 12], mean: f32[b], inverse: f32[b] = layer_norm(x, n.weight, n.bias) "
     "{dims = 1, affine = true, epsilon = 1e-05}\n"
     " g: f32[b, 12] = gelu(n) {approximate = none}\n"
     " p: f32[b, 12] = softmax(g) {axis = -1}\n s: f32[b, 12] = mul(p, x)\n output s\n",
     "bce_with_logits", "s", 0},
    {"panels", /* columns: whole panels, a single vector, part of one; rows: tiles of two sizes */
     "graph g\n input x: f32[b, 44]\n"
     " parameter l.weight: f32[66, 44] = uniform(0.15)\n parameter l.bias: f32[66] = uniform(0.15)\n"
     " parameter m.weight: f32[4, 66] = uniform(0.1)\n parameter m.bias: f32[4] = uniform(0.1)\n"
     " l: f32[b, 66] = linear(x, l.weight, l.bias) {features = 66, bias = true}\n"
     " r: f32[b, 66] = relu(l)\n"
     " m: f32[b, 4] = linear(r, m.weight, m.bias) {features = 4, bias = true}\n output m\n",
     "cross_entropy", "m", 4},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

/* ---- running ---- */

static uint64_t noise_state;
static double noise(void) { /* in [−1, 1) */
  noise_state = noise_state * 6364136223846793005u + 1442695040888963407u;
  return (double)(noise_state >> 11) * 0x1p-52 - 1;
}

static void expect_near(const char *what, double expected, double actual, double scale) {
  double tolerance = 3e-5 * (scale + fabs(expected)) + 1e-6;
  if (fabs(expected - actual) > tolerance || isnan(actual) != isnan(expected))
    fail_msg("%s: interpreter %.9g, loops %.9g", what, expected, actual);
}

static void flush(netc *n) { net_diagnostics_flush(n, stderr, NET_DIAGNOSTICS_TEXT, false); }

typedef enum { SGD, ADAM, EVALUATE } mode;

static net_graph *make_graph(netc *n, const network *net, mode m) {
  net_graph *g = net_graph_parse(n, &n->arena, net->name, net->text, strlen(net->text));
  flush(n);
  assert_non_null(g);
  net_shape shape = g->values.at[g->outputs.at[0]].shape;
  net_target target = {net_intern(n, "label"), net->classes ? NET_U32 : NET_F32,
                       net->classes ? (net_shape){0} : shape, NET_NOWHERE};
  net_loss_term term = {.op = net->loss, .prediction = net_intern(n, net->prediction), .factor = 1};
  net_objective objective = {.terms = &term, .term_count = 1, .targets = &target, .target_count = 1};
  net_optimizer optimizer = {.op = m == ADAM ? "adam" : "sgd"};
  net_attribute momentum = net_attribute_real(n, "momentum", 0.9);
  if (m == SGD) optimizer.attributes = &momentum, optimizer.attribute_count = 1, optimizer.clip_norm = 0.5;
  net_pass_context context = {
      .n = n, .arena = &n->arena, .objective = &objective, .optimizer = &optimizer, .verify = true};
  uint32_t have = P_SHAPED;
  const net_graph *t = g;
  for (net_pass_id p = 0; p < NET_PASS_COUNT && t; p++)
    if (m != EVALUATE || p == NET_PASS_losses || p == NET_PASS_eliminate_dead)
      t = net_pass_run(&context, p, t, &have);
  flush(n);
  assert_non_null(t);
  return (net_graph *)t;
}

/* Positions of a graph's values in tables made on the spot. */
typedef struct {
  kn_variable *variables;
  net_name *columns, *scalars;
  net_value_id *variable_ids, *column_ids, *scalar_ids;
  kn_bindings bindings;
  size_t floats;
} tables;

static tables make_tables(netc *n, const net_graph *g) {
  uint32_t count = g->values.count;
  tables t = {NET_NEW_ARRAY(&n->arena, kn_variable, count), NET_NEW_ARRAY(&n->arena, net_name, count),
              NET_NEW_ARRAY(&n->arena, net_name, count),    NET_NEW_ARRAY(&n->arena, net_value_id, count),
              NET_NEW_ARRAY(&n->arena, net_value_id, count), NET_NEW_ARRAY(&n->arena, net_value_id, count),
              {0},
              0};
  kn_bindings *b = &t.bindings;
  for (net_value_id v = 0; v < count; v++) {
    const net_value *value = &g->values.at[v];
    switch (value->kind) {
    case NET_VALUE_PARAMETER:
    case NET_VALUE_STATISTIC:
    case NET_VALUE_STATE:
      t.variable_ids[b->variable_count] = v;
      t.variables[b->variable_count++] = (kn_variable){value->name, t.floats};
      t.floats += (net_shape_elements(&value->shape) + 15) / 16 * 16;
      break;
    case NET_VALUE_INPUT:
    case NET_VALUE_TARGET:
    case NET_VALUE_WEIGHT:
      t.column_ids[b->column_count] = v;
      t.columns[b->column_count++] = value->name;
      break;
    case NET_VALUE_SCALAR:
      t.scalar_ids[b->scalar_count] = v;
      t.scalars[b->scalar_count++] = value->name;
      break;
    default: break;
    }
  }
  b->variables = t.variables, b->columns = t.columns, b->scalars = t.scalars;
  b->outputs = g->outputs.at, b->output_count = g->outputs.count;
  return t;
}

static void check(const network *net, uint32_t lanes, uint32_t batch, uint32_t count, bool unfused, mode m) {
  netc context, *n = &context;
  netc_init(n, NULL);
  net_ops_install(n);
  noise_state = 17;
  net_graph *g = make_graph(n, net, m);
  tables t = make_tables(n, g);
  lp_function *f = kn_lower(n, &n->arena, g, &t.bindings, net_intern(n, "step"), batch, count != batch);
  flush(n);
  assert_non_null(f);
  assert_true(lp_verify_statements(f));
  bool ok =
      kn_schedule(f, &(kn_machine){lanes, lanes >= 16 ? 32 : 16, true}, &(kn_options){.unfused = unfused});
  ok = ok && lp_verify_nests(f);
  flush(n);
  if (!ok) lp_print_nests(stderr, f);
  assert_true(ok);

  net_run run = net_run_begin(n, g, &n->arena, count);
  lp_memory memory = lp_memory_new(&n->arena, f, true);
  lp_memory_fill(f, &memory, 5);
  memory.count = count;
  for (uint32_t i = 0; i < t.bindings.variable_count; i++) {
    const net_value *value = &g->values.at[t.variable_ids[i]];
    uint32_t elements = (uint32_t)net_shape_elements(&value->shape);
    float *at = memory.variables + t.variables[i].offset;
    for (uint32_t k = 0; k < elements; k++)
      at[k] = (float)(value->kind == NET_VALUE_PARAMETER ? 0.4 * noise() : 0.5 + 0.3 * noise());
    net_run_set(&run, t.variable_ids[i], at);
  }
  for (uint32_t i = 0; i < t.bindings.scalar_count; i++) {
    memory.scalars[i] = (float)(0.05 + 0.01 * i);
    net_run_set(&run, t.scalar_ids[i], &memory.scalars[i]);
  }
  /* index: a permutation of rows; padded entries repeat row 0 */
  uint32_t *index = lp_memory_at(f, &memory, LP_INDEX, 0);
  for (uint32_t i = 0; i < f->padded; i++) index[i] = i < count ? (i * 7 + 3) % 1009 : 3;
  for (uint32_t i = 0; i < t.bindings.column_count; i++) {
    const net_value *value = &g->values.at[t.column_ids[i]];
    uint32_t width = (uint32_t)net_shape_elements(&value->shape), rows = 1009;
    uint32_t *column = net_arena_alloc(&n->arena, (size_t)rows * width * 4 + 64, 64);
    uint32_t *gathered = net_arena_alloc(&n->arena, (size_t)count * width * 4 + 4, 64);
    for (uint32_t k = 0; k < rows * width; k++) {
      float x = (float)(2 * noise());
      if (value->type == NET_U32) column[k] = (uint32_t)((noise() + 1) / 2 * net->classes);
      else memcpy(&column[k], &x, 4);
    }
    for (uint32_t k = 0; k < count; k++)
      memcpy(gathered + (size_t)k * width, column + (size_t)index[k] * width, width * 4);
    net_run_set(&run, t.column_ids[i], gathered);
    for (lp_buffer b = 0; b < f->buffers.count; b++)
      if (f->buffers.at[b].storage == LP_COLUMN && f->buffers.at[b].slot == i) memory.buffers[b] = column;
  }
  assert_true(net_run_all(&run));
  uint32_t left = lp_evaluate_nests(f, &memory);
  flush(n);
  assert_int_equal(left, 0);

  const char *what = net_arena_format(&n->arena, "%s, %u lanes, batch %u, count %u%s%s", net->name, lanes,
                                      batch, count, unfused ? ", unfused" : "",
                                      m == ADAM ? ", adam" : m == SGD ? ", sgd" : ", evaluate");
  double *loss = lp_memory_at(f, &memory, LP_RESULT, 0);
  expect_near(net_arena_format(&n->arena, "%s: loss", what), run.values[g->losses.at[0]][0], *loss, 0);
  if (net->classes) {
    uint32_t *correct = lp_memory_at(f, &memory, LP_RESULT, 2);
    assert_int_equal(*correct, (uint32_t)run.values[g->losses.at[2]][0]);
  }
  for (uint32_t o = 0; o < g->outputs.count; o++) {
    float *output = lp_memory_at(f, &memory, LP_OUTPUT, o);
    for (uint32_t k = 0; k < net_run_elements(&run, g->outputs.at[o]); k++)
      expect_near(net_arena_format(&n->arena, "%s: output %u", what, k), run.values[g->outputs.at[o]][k],
                  output[k], 1);
  }
  for (uint32_t i = 0; i < t.bindings.variable_count; i++) {
    const net_value *value = &g->values.at[t.variable_ids[i]];
    const double *expected = net_run_updated(&run, t.variable_ids[i]);
    for (uint32_t k = 0; k < net_shape_elements(&value->shape); k++)
      expect_near(net_arena_format(&n->arena, "%s: %s[%u]", what, net_text(n, value->name), k), expected[k],
                  memory.variables[t.variables[i].offset + k], 1);
  }
  netc_free(n);
}

static const uint32_t lane_counts[] = {16, 8, 4, 1};

static void test_exact(void **state) {
  (void)state;
  static const uint32_t batches[] = {64, 33};
  for (uint32_t i = 0; i < NETWORKS; i++)
    for (uint32_t l = 0; l < 4; l++)
      for (uint32_t b = 0; b < 2; b++)
        check(&networks[i], lane_counts[l], batches[b], batches[b], false, b ? SGD : ADAM);
}

static void test_masked(void **state) {
  (void)state;
  static const uint32_t counts[][2] = {{1, 1}, {3, 3}, {17, 17}, {64, 50}, {64, 2}};
  for (uint32_t i = 0; i < NETWORKS; i++)
    for (uint32_t l = 0; l < 4; l++)
      for (uint32_t c = 0; c < 5; c++) {
        bool norm = strstr(networks[i].text, "statistic") != NULL;
        if (norm && counts[c][1] == 1 && !(c % 2)) continue; /* batch_norm trains on more than one sample */
        check(&networks[i], lane_counts[l], counts[c][0] + (counts[c][0] == counts[c][1]), counts[c][1],
              false, c % 2 ? EVALUATE : ADAM);
      }
}

static void test_unfused(void **state) {
  (void)state;
  for (uint32_t i = 0; i < NETWORKS; i++)
    for (uint32_t l = 0; l < 4; l++) check(&networks[i], lane_counts[l], 33, 20, true, SGD);
}

/* More samples than a panel takes at a time: 256, and what is left. */
static void test_blocks(void **state) {
  (void)state;
  const network *panels = &networks[NETWORKS - 1];
  assert_string_equal(panels->name, "panels");
  for (uint32_t l = 0; l < 3; l++) {
    check(panels, lane_counts[l], 600, 600, false, ADAM);
    check(panels, lane_counts[l], 512, 290, l % 2, SGD);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_exact), cmocka_unit_test(test_masked),
                                     cmocka_unit_test(test_unfused), cmocka_unit_test(test_blocks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
