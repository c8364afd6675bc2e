/* Metrics against their definitions, worked out pair by pair; the "network" hands its inputs on as logits. */
#include "runtime/random.h"
#include "runtime/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static uint32_t width; /* of the logits at hand */

static uint32_t hand_on(const rt_step *s) {
  const float *x = s->columns[0];
  const uint32_t *y = s->columns[1];
  *s->loss = 0;
  *s->weight_sum = s->count;
  *s->correct = 0;
  for (uint32_t i = 0; i < s->count; i++) {
    const float *z = x + (size_t)s->index[i] * width;
    memcpy((float *)s->outputs[0] + (size_t)i * width, z, width * sizeof(float));
    uint32_t best = 0;
    for (uint32_t c = 1; c < width; c++)
      if (z[c] > z[best]) best = c;
    *s->correct += best == y[s->index[i]];
    *s->loss += (s->index[i] + 1) / (double)s->count;
  }
  return 0;
}

typedef struct {
  netc n;
  rt_program program;
  rt_data data;
  rt_column x, y;
  rt_column_ref columns[2];
  rt_output output;
} bench;

static bench *make(uint32_t rows, uint32_t logits, uint32_t batch) {
  bench *b = test_calloc(1, sizeof *b);
  netc_init(&b->n, NULL);
  width = logits;
  b->columns[0] = (rt_column_ref){RT_COLUMN_INPUT, 0};
  b->columns[1] = (rt_column_ref){RT_COLUMN_TARGET, 0};
  b->output = (rt_output){"logits", logits, {1, {logits}}};
  b->program = (rt_program){.network = "hand_on",
                            .columns = b->columns,
                            .column_count = 2,
                            .outputs = &b->output,
                            .output_count = 1,
                            .network_outputs = 1,
                            .values = UINT32_MAX,
                            .evaluate = {hand_on, batch, (batch + 15) / 16 * 16, false, 0}};
  b->x = (rt_column){.name = "x", .type = NET_F32, .width = logits};
  b->y = (rt_column){.name = "y", .type = NET_U32, .width = 1};
  b->x.data = net_arena_alloc(&b->n.arena, (size_t)rows * logits * 4 + 64, 64);
  b->y.data = net_arena_alloc(&b->n.arena, (size_t)rows * 4 + 64, 64);
  b->data.split[RT_TEST] =
      (rt_split){.rows = rows, .inputs = &b->x, .targets = &b->y, .input_count = 1, .target_count = 1};
  return b;
}

static void drop(bench *b) {
  netc_free(&b->n);
  test_free(b);
}

/* Random logits, with few distinct values for even counts of classes, some rows copies of others, labels that
 * the logits know something of. */
static void fill(bench *b, uint64_t seed) {
  rt_random r;
  rt_random_start(&r, seed, RT_RANDOM_BENCH, 0);
  float *x = b->x.data;
  uint32_t *y = b->y.data, rows = b->data.split[RT_TEST].rows;
  for (uint32_t i = 0; i < rows; i++) {
    y[i] = rt_random_below(&r, width);
    for (uint32_t c = 0; c < width; c++)
      x[i * width + c] =
          (width % 2 ? (float)rt_random_normal(&r) : (float)rt_random_below(&r, 9) * 0.5f) + (c == y[i]);
    if (i && rt_random_below(&r, 3) == 0)
      memcpy(x + i * width, x + rt_random_below(&r, i) * width, width * 4);
  }
}

static rt_metric everything[] = {{"accuracy", 0}, {"top_k", 1},     {"auc", 0},
                                 {"top_k", 2},    {"confusion", 0}, {"top_k", 5}};

static rt_evaluation evaluate(bench *b, rt_metric *metrics, uint32_t count) {
  rt_evaluation e;
  assert_true(rt_evaluate(&b->n, &b->program, &b->data, RT_TEST, metrics, count, 1, NULL, &e));
  return e;
}

/* ln(p / (1 − p)) of the softmax's probability of class c */
static float odds(const float *z, uint32_t c) {
  long double others = 0;
  for (uint32_t k = 0; k < width; k++)
    if (k != c) others += expl((long double)z[k] - z[c]);
  return (float)-logl(others);
}

static double brute_auc(bench *b, uint32_t c) {
  const float *x = b->x.data;
  const uint32_t *y = b->y.data, rows = b->data.split[RT_TEST].rows;
  double wins = 0, pairs = 0;
  for (uint32_t i = 0; i < rows; i++)
    for (uint32_t j = 0; j < rows; j++) {
      if (y[i] != c || y[j] == c) continue;
      float p = odds(x + i * width, c), q = odds(x + j * width, c);
      wins += p == q ? 0.5 : p > q;
      pairs++;
    }
  return wins / pairs;
}

static double trapezoids(const rt_roc *roc) {
  double sum = 0;
  for (uint32_t i = 1; i < roc->count; i++)
    sum += (roc->false_positive[i] - roc->false_positive[i - 1]) *
           (roc->true_positive[i] + roc->true_positive[i - 1]) / 2;
  return sum;
}

/* The area below the curve is the auc, but for the points left out. */
static void check_curve(const rt_roc *roc, double auc, double within) {
  assert_true(roc->count >= 2 && roc->count <= 515);
  assert_true(roc->false_positive[0] == 0 && roc->true_positive[0] == 0);
  assert_true(roc->false_positive[roc->count - 1] == 1 && roc->true_positive[roc->count - 1] == 1);
  for (uint32_t i = 1; i < roc->count; i++)
    assert_true(roc->false_positive[i] >= roc->false_positive[i - 1] &&
                roc->true_positive[i] >= roc->true_positive[i - 1]);
  if (fabs(trapezoids(roc) - auc) > within) fail_msg("area %.17g, not %.17g", trapezoids(roc), auc);
}

static void test_long_curves_are_thinned(void **state) {
  (void)state;
  bench *b = make(20000, 2, 256);
  fill(b, 100000);
  rt_evaluation e = evaluate(b, everything, 6);
  for (uint32_t c = 0; c < 2; c++) check_curve(&e.roc[c], e.auc[c], 1e-4);
  drop(b);
}

static void test_against_definitions(void **state) {
  (void)state;
  for (uint32_t classes = 2; classes <= 7; classes++) {
    bench *b = make(400, classes, 33);
    fill(b, classes);
    const float *x = b->x.data;
    const uint32_t *y = b->y.data;
    rt_evaluation e = evaluate(b, everything, 6);
    assert_int_equal(e.classes, classes);
    assert_true(fabs(e.loss - 200.5) < 1e-9); /* the mean of 1 … 400 however it was cut */
    uint32_t top[3] = {0};
    uint64_t *confusion = test_calloc(classes * classes, sizeof *confusion);
    for (uint32_t i = 0; i < 400; i++) {
      uint32_t order[8], k = 0; /* classes by score, then by number */
      for (uint32_t c = 0; c < classes; c++) order[c] = c;
      for (uint32_t a = 0; a < classes; a++)
        for (uint32_t c = a + 1; c < classes; c++) {
          float p = x[i * classes + order[a]], q = x[i * classes + order[c]];
          if (q > p || (q == p && order[c] < order[a])) {
            uint32_t t = order[a];
            order[a] = order[c];
            order[c] = t;
          }
        }
      while (order[k] != y[i]) k++;
      top[0] += k < 1, top[1] += k < 2, top[2] += k < 5;
      confusion[y[i] * classes + order[0]]++;
    }
    for (int t = 0; t < 3; t++) assert_true(e.top_k[t] == top[t] / 400.0);
    assert_true(e.accuracy == top[0] / 400.0);
    assert_memory_equal(e.confusion, confusion, classes * classes * sizeof *confusion);
    for (uint32_t c = 0; c < classes; c++) {
      double brute = brute_auc(b, c);
      if (fabs(e.auc[c] - brute) > 1e-14) fail_msg("auc of %u is %.17g, not %.17g", c, e.auc[c], brute);
      check_curve(&e.roc[c], brute, 2e-3);
    }
    test_free(confusion);
    drop(b);
  }
}

/* Probabilities that are all 1 to within rounding still have an order; those that agree exactly are ties. */
static void test_sure_networks(void **state) {
  (void)state;
  bench *b = make(4, 2, 16);
  const float x[] = {1000, 0, 900, 0, 800, 0, 800, 0};
  const uint32_t y[] = {0, 1, 0, 1};
  memcpy(b->x.data, x, sizeof x);
  memcpy(b->y.data, y, sizeof y);
  rt_evaluation e = evaluate(b, everything, 6); /* pairs: 1000 > 900, 1000 > 800, 800 < 900, 800 = 800 */
  assert_true(e.auc[0] == 2.5 / 4 && e.auc[1] == 2.5 / 4);
  ((uint32_t *)b->y.data)[0] = 1;
  ((uint32_t *)b->y.data)[2] = 1;
  e = evaluate(b, everything, 6); /* nobody is of class 0 */
  assert_true(isnan(e.auc[0]) && isnan(e.auc[1]) && e.roc[0].count == 0 && e.roc[1].count == 0);
  assert_true(e.accuracy == 0 && e.confusion[2] == 4);
  ((float *)b->x.data)[3] = NAN;
  ((uint32_t *)b->y.data)[0] = 0;
  e = evaluate(b, everything, 6);
  assert_true(isnan(e.auc[0]));
  assert_true(e.top_k[0] == 0.25);
  drop(b);
}

static void test_batches_do_not_matter(void **state) {
  (void)state;
  bench *b = make(257, 4, 257);
  fill(b, 9);
  rt_evaluation whole = evaluate(b, everything, 6);
  for (uint32_t batch = 1; batch < 40; batch += 6) {
    b->program.evaluate.batch = batch;
    b->program.evaluate.padded = (batch + 15) / 16 * 16;
    rt_evaluation e = evaluate(b, everything, 6);
    assert_memory_equal(e.auc, whole.auc, 4 * sizeof(double));
    assert_memory_equal(e.confusion, whole.confusion, 16 * sizeof(uint64_t));
    assert_memory_equal(e.top_k, whole.top_k, 3 * sizeof(double));
    assert_true(e.accuracy == whole.accuracy);
  }
  drop(b);
}

/* One logit z: the classes are z ≤ 0 and z > 0; targets are class numbers or the values 0 and 1. */
static void test_single_logit(void **state) {
  (void)state;
  bench *b = make(5, 1, 16);
  const float z[] = {-1, 2, 0.5f, -3, 0}, values[] = {0, 1, 0, 1, 0};
  const uint32_t y[] = {0, 1, 0, 1, 0};
  memcpy(b->x.data, z, sizeof z);
  memcpy(b->y.data, y, sizeof y);
  for (int kind = 0; kind < 2; kind++) {
    rt_evaluation e = evaluate(b, everything, 6);
    assert_int_equal(e.classes, 2);
    assert_true(e.auc[1] == 0.5 && e.auc[0] == 0.5); /* 2 above all three, −3 below */
    assert_true(e.confusion[0] == 2 && e.confusion[1] == 1 && e.confusion[2] == 1 && e.confusion[3] == 1);
    assert_true(e.top_k[0] == 0.6 && e.top_k[1] == 1);
    b->y.type = NET_F32;
    memcpy(b->y.data, values, sizeof values);
  }
  drop(b);
}

static void test_rmse(void **state) {
  (void)state;
  bench *b = make(3, 2, 2);
  const float x[] = {1, 2, 3, 4, 5, 6}, y[] = {1, 2, 4, 4, 5, 8};
  memcpy(b->x.data, x, sizeof x);
  b->y = (rt_column){.name = "y", .type = NET_F32, .width = 2, .data = net_arena_alloc(&b->n.arena, 128, 64)};
  memcpy(b->y.data, y, sizeof y);
  b->program.values = 0;
  b->program.logits = UINT32_MAX;
  rt_evaluation e = evaluate(b, (rt_metric[]){{"rmse", 0}}, 1);
  assert_true(e.rmse == sqrt(5.0 / 6));
  assert_true(isnan(e.accuracy) && !e.auc && !e.confusion);
  assert_false(rt_evaluate(&b->n, &b->program, &b->data, RT_TEST, everything, 6, 1, NULL, &e));
  assert_string_equal(b->n.diagnostics.list.at[0].message,
                      "metric 'top_k' needs classes, and network 'hand_on' has none");
  drop(b);
}

static void test_unknown(void **state) {
  (void)state;
  bench *b = make(3, 2, 2);
  rt_evaluation e;
  assert_false(
      rt_evaluate(&b->n, &b->program, &b->data, RT_TEST, (rt_metric[]){{"acuracy", 0}}, 1, 1, NULL, &e));
  assert_string_equal(b->n.diagnostics.list.at[0].message,
                      "there is no metric 'acuracy': did you mean 'accuracy'?");
  assert_false(
      rt_evaluate(&b->n, &b->program, &b->data, RT_TEST, (rt_metric[]){{"rmse", 0}}, 1, 1, NULL, &e));
  assert_string_equal(b->n.diagnostics.list.at[1].message,
                      "metric 'rmse' needs a target of values, and network 'hand_on' has none");
  assert_int_equal(rt_metric_count(), 5);
  assert_string_equal(rt_metric_name(2), "auc");
  drop(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_definitions),
                                     cmocka_unit_test(test_long_curves_are_thinned),
                                     cmocka_unit_test(test_sure_networks),
                                     cmocka_unit_test(test_batches_do_not_matter),
                                     cmocka_unit_test(test_single_logit),
                                     cmocka_unit_test(test_rmse),
                                     cmocka_unit_test(test_unknown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
