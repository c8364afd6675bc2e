/* The training loop behind a step written by hand: see resume.c for what interrupts it. */
#include "hand_run.h"

#include "runtime/checkpoint.h"
#include "runtime/evaluate.h"
#include "runtime/random.h"
#include "support/file.h"
#include "support/json.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_learns(void **state) {
  (void)state;
  hand_run *run = hand_run_make(500, 200, 16, 20);
  assert_int_equal(hand_train(run, false), RT_DONE);
  rt_evaluation e;
  assert_true(rt_evaluate(&run->n, run->program, run->data, RT_TEST, NULL, 0, 1, run->variables, &e));
  assert_true(e.accuracy > 0.85 && e.loss < 0.4);
  assert_int_equal(e.samples, 100);
  assert_true(run->result.best_validation_loss < 0.4);
  assert_int_equal(run->n.diagnostics.list.count, 0);
  assert_int_equal(hand.misaligned, 0);
  assert_int_equal(hand.bad_padding, 0);
  hand_run_free(run);
}

static hand_run *train_with(uint64_t seed, uint32_t threads, uint32_t batch) {
  hand_run *run = hand_run_make(333, 50, batch, 3);
  run->spec.seed = seed;
  run->spec.threads = threads;
  assert_int_equal(hand_train(run, false), RT_DONE);
  assert_int_equal(hand.misaligned + hand.bad_padding, 0);
  return run;
}

static void test_same_bits(void **state) {
  (void)state;
  for (uint32_t batch = 31; batch <= 64; batch += 33) {
    hand_run *a = train_with(1, 1, batch), *again = train_with(1, 1, batch), *two = train_with(1, 2, batch),
             *three = train_with(1, 3, batch), *other = train_with(2, 1, batch);
    assert_true(hand_same(a, again));
    assert_true(hand_same(a, two));
    assert_true(hand_same(a, three));
    assert_false(hand_same_file(a, "last.safetensors", other, "last.safetensors"));
    hand_run_free(a);
    hand_run_free(again);
    hand_run_free(two);
    hand_run_free(three);
    hand_run_free(other);
  }
}

/* ---- batches ---- */

typedef struct {
  uint32_t smallest, biggest, last;
} counts;

static rt_outcome count_batches(uint32_t rows, uint32_t batch, counts *c, hand_run **kept) {
  hand_run *run = hand_run_make(rows, 0, batch, 1);
  run->variables = hand_variables(&run->n.arena, run->program, 1);
  run->result =
      rt_train(&run->n, run->program, run->data, &run->spec, run->folder, false, run->variables, NULL);
  *c = (counts){hand.smallest_count, hand.biggest_count, hand.last_count};
  if (kept) *kept = run;
  else hand_run_free(run);
  return run->result.outcome;
}

static void test_remainders(void **state) {
  (void)state;
  counts c;
  hand_run *run;
  assert_int_equal(count_batches(33, 8, &c, &run), RT_DONE);
  assert_true(c.smallest == 8 && c.biggest == 9 && c.last == 9);
  hand_run_free(run);
  assert_int_equal(count_batches(34, 8, &c, &run), RT_DONE);
  assert_true(c.biggest == 8 && c.last == 2);
  hand_run_free(run);
  assert_int_equal(count_batches(5, 8, &c, &run), RT_DONE);
  assert_true(c.smallest == 5 && c.biggest == 5);
  hand_run_free(run);
  assert_int_equal(count_batches(1, 8, &c, &run), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "batches of one sample"));
  hand_run_free(run);
  assert_int_equal(count_batches(6, 1, &c, &run), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "batches of one sample"));
  hand_run_free(run);
  assert_int_equal(count_batches(0, 8, &c, &run), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "no rows to train with"));
  hand_run_free(run);
}

static void keep(void *context, const rt_progress *p) { *(rt_progress *)context = *p; }

/* The last batch, with its 5 samples, counts for so many. */
static void test_loss_is_weighted(void **state) {
  (void)state;
  hand_run *run = hand_run_make(37, 0, 8, 1);
  rt_progress last;
  rt_listener listener = {keep, &last};
  hand.count_loss = true;
  run->variables = hand_variables(&run->n.arena, run->program, 1);
  run->result =
      rt_train(&run->n, run->program, run->data, &run->spec, run->folder, false, run->variables, &listener);
  assert_int_equal(run->result.outcome, RT_DONE);
  assert_true(run->result.best_validation_loss == (4 * 8 * 8 + 5 * 5) / 37.0);
  assert_true(last.train_loss == (4 * 8 * 8 + 5 * 5) / 37.0);
  assert_true(last.train_accuracy == (4 * 7 + 4) / 37.0);
  hand_run_free(run);
}

/* A batch whose samples all have weight 0 has no mean loss, and is no reason to stop. */
static void test_weightless_batches(void **state) {
  (void)state;
  hand_run *run = hand_run_make(40, 27, 8, 1);
  rt_progress last;
  rt_listener listener = {keep, &last};
  hand.weightless_at = 3;
  hand.evaluate_weightless_at = 2;
  run->variables = hand_variables(&run->n.arena, run->program, 1);
  run->result =
      rt_train(&run->n, run->program, run->data, &run->spec, run->folder, false, run->variables, &listener);
  assert_int_equal(run->result.outcome, RT_DONE);
  assert_true(isfinite(last.train_loss) && isfinite(last.validation_loss));
  assert_int_equal(hand.calls, 5);
  hand_run_free(run);
}

/* A program that was compiled for something else is a fault of netc, not a crash. */
static void test_missing_functions(void **state) {
  (void)state;
  hand_run *run = hand_run_make(36, 10, 8, 1);
  run->variables = hand_variables(&run->n.arena, run->program, 1);
  rt_program whole = *run->program;
#define TRY(change, message)                                                                                 \
  *run->program = whole, change;                                                                             \
  run->result =                                                                                              \
      rt_train(&run->n, run->program, run->data, &run->spec, run->folder, false, run->variables, NULL);      \
  assert_int_equal(run->result.outcome, RT_FAILED);                                                          \
  assert_true(hand_said(run, NET_FAULT, message))
  TRY(run->program->train.call = NULL, "without its training step for 8 samples");
  TRY(run->program->train_rest.call = NULL, "without its step for the last batch of an epoch for 4 samples");
  TRY(run->program->train_rest.batch = 3, "without its step for the last batch of an epoch for 4 samples");
  TRY(run->program->evaluate.call = NULL, "without its function for evaluation");
  TRY(run->program->train.batch = 16, "for batches of 16 samples, not 8");
#undef TRY
  assert_int_equal(hand_files(run), 0);
  hand_run_free(run);
}

/* ---- losses that are not finite ---- */

static void test_not_finite(void **state) {
  (void)state;
  hand_run *run = hand_run_make(37, 20, 8, 3), *whole = hand_run_make(37, 20, 8, 3);
  assert_int_equal(hand_train(whole, false), RT_DONE);
  hand.nan_at = 8;
  assert_int_equal(hand_train(run, false), RT_NOT_FINITE);
  assert_true(hand_said(run, NET_ERROR,
                        "the loss is not finite in step 8 (epoch 2, batch 3 of 5): first in 'linear_2'"));
  assert_true(hand_said(run, NET_NOTE, "last.safetensors"));
  rt_position at;
  assert_true(
      rt_checkpoint_position(&run->n, rt_checkpoint_open(&run->n, hand_path(run, "last.safetensors")), &at));
  assert_int_equal(at.steps, 7);
  assert_int_equal(hand_train(run, true), RT_DONE); /* the seventh step was saved whole */
  assert_true(hand_same(run, whole));
  hand_run_free(run);
  hand_run_free(whole);
}

static bool all_finite(hand_run *run, const char *name) {
  rt_checkpoint *c = rt_checkpoint_open(&run->n, hand_path(run, name));
  for (uint32_t i = 0; c && i < rt_checkpoint_tensors(c); i++) {
    net_tensor t;
    rt_checkpoint_tensor(c, i, &t);
    for (uint64_t k = 0; k < net_shape_elements(&t.shape); k++)
      if (!isfinite(((float *)t.data)[k])) return false;
  }
  return c;
}

/* Weights that a step has spoilt are never saved, whether its epoch goes on or ends; the last good are. */
static void test_spoilt_weights(void **state) {
  (void)state;
  for (uint32_t step = 7; step <= 10; step++)
    for (uint32_t validation = 0; validation <= 20; validation += 20) {
      hand_run *run = hand_run_make(37, validation, 8, 3);
      hand.spoil_at = step;
      run->spec.flush_seconds = 1e-9; /* writes whenever it looks at the clock */
      assert_int_equal(hand_train(run, false), RT_NOT_FINITE);
      assert_true(all_finite(run, "last.safetensors") && all_finite(run, "best.safetensors"));
      rt_position at;
      assert_true(rt_checkpoint_position(
          &run->n, rt_checkpoint_open(&run->n, hand_path(run, "last.safetensors")), &at));
      assert_true(at.epoch == 1 && at.best_epoch == 1);
      assert_true(
          hand_said(run, NET_ERROR,
                    step == 10 ? "weights are not finite after epoch 2" : "loss is not finite in step"));
      hand_run_free(run);
    }
}

/* Data of the validation split can do it, too. */
static void test_validation_not_finite(void **state) {
  (void)state;
  hand_run *run = hand_run_make(37, 20, 8, 3);
  ((float *)run->data->split[RT_VALIDATION].inputs->data)[70] = INFINITY;
  assert_int_equal(hand_train(run, false), RT_NOT_FINITE);
  assert_true(
      hand_said(run, NET_ERROR, "the validation loss is not finite after epoch 1: first in 'linear_1'"));
  assert_false(hand_exists(run, "best.safetensors"));
  assert_null(run->result.checkpoint);
  hand_run_free(run);
}

/* ---- epochs ---- */

/* With a rate of 0 no epoch is better than the first, which stays the best; patience runs out two later. */
static void test_early_stopping(void **state) {
  (void)state;
  hand_run *run = hand_run_make(40, 20, 8, 9);
  double zero = 0;
  run->spec.rates = &zero;
  run->spec.schedule.kind = RT_CONSTANT;
  run->spec.patience = 2;
  assert_int_equal(hand_train(run, false), RT_DONE);
  assert_int_equal(run->result.epochs, 3);
  assert_int_equal(run->result.best_epoch, 1);
  assert_int_equal(hand_train(run, true), RT_DONE);
  assert_int_equal(run->result.epochs, 3);
  hand_run_free(run);
}

/* best is what last was after the best epoch, but for the optimiser's state. */
static void test_best(void **state) {
  (void)state;
  hand_run *run = hand_run_make(30, 20, 8, 30);
  double fast = 0.5;
  run->spec.rates = &fast; /* overfits: the best epoch is not the last */
  run->spec.schedule.kind = RT_CONSTANT;
  assert_int_equal(hand_train(run, false), RT_DONE);
  uint32_t best = run->result.best_epoch;
  assert_true(best > 0 && best < 30);
  assert_string_equal(run->result.checkpoint, hand_path(run, "best.safetensors"));
  hand_run *until = hand_run_make(30, 20, 8, best);
  until->spec.rates = &fast;
  until->spec.schedule.kind = RT_CONSTANT;
  assert_int_equal(hand_train(until, false), RT_DONE);
  float *a = hand_variables(&run->n.arena, run->program, 9),
        *b = hand_variables(&run->n.arena, run->program, 9);
  assert_true(rt_checkpoint_load(&run->n, rt_checkpoint_open(&run->n, hand_path(run, "best.safetensors")),
                                 run->program, RT_MATCH_NETC, a, NULL));
  assert_true(rt_checkpoint_load(&run->n, rt_checkpoint_open(&run->n, hand_path(until, "last.safetensors")),
                                 run->program, RT_MATCH_NETC, b, NULL));
  assert_memory_equal(a, b, run->program->variable_floats * sizeof(float));
  rt_evaluation e;
  assert_true(rt_evaluate(&run->n, run->program, run->data, RT_VALIDATION, NULL, 0, 1, a, &e));
  assert_true(e.loss == run->result.best_validation_loss);
  hand_run_free(until);
  hand_run_free(run);
}

/* ---- what the driver hears ---- */

typedef struct {
  uint32_t epochs, others;
  rt_progress last;
  bool bad;
} heard;

static void listen(void *context, const rt_progress *p) {
  heard *h = context;
  h->bad |= p->samples > p->samples_in_epoch || p->epoch < h->last.epoch || p->samples_in_epoch != 160;
  if (p->epoch_done) {
    h->bad |= p->samples != 160 || p->epoch != ++h->epochs || !isfinite(p->validation_loss) ||
              p->validation_accuracy > 1 || !(p->samples_per_second > 0) || !(p->seconds > 0) ||
              p->train_accuracy > 1;
  } else {
    h->others++;
    h->bad |= !isnan(p->validation_loss) || !isfinite(p->train_loss);
  }
  h->last = *p;
}

static void test_progress(void **state) {
  (void)state;
  hand_run *run = hand_run_make(160, 20, 8, 2);
  heard h = {0};
  rt_listener listener = {listen, &h};
  run->variables = hand_variables(&run->n.arena, run->program, 1);
  hand.pause = 20000; /* 40 steps of 20 ms: several reports */
  run->result =
      rt_train(&run->n, run->program, run->data, &run->spec, run->folder, false, run->variables, &listener);
  hand.pause = 0;
  assert_int_equal(run->result.outcome, RT_DONE);
  assert_false(h.bad);
  assert_int_equal(h.epochs, 2);
  assert_in_range(h.others, 2, 10);
  assert_true(h.last.learning_rate > 0 && h.last.learning_rate < 0.02);
  assert_true(run->result.seconds > 0.75);
  hand_run_free(run);
}

/* A row of the log has the fields that scripts rely on; what is not there is null. */
static void test_log_row(void **state) {
  (void)state;
  static const char *const fields[] = {"event",          "epoch",           "train_loss",
                                       "train_accuracy", "validation_loss", "validation_accuracy",
                                       "learning_rate",  "seconds",         "samples_per_second"};
  hand_run *run = hand_run_make(40, 0, 8, 1);
  run->program->logits = UINT32_MAX;
  run->variables = hand_variables(&run->n.arena, run->program, 1);
  run->result =
      rt_train(&run->n, run->program, run->data, &run->spec, run->folder, false, run->variables, NULL);
  assert_int_equal(run->result.outcome, RT_DONE);
  assert_int_equal(run->result.best_epoch, 1);
  const char *text;
  size_t length;
  assert_true(net_file_read(&run->n, NET_NOWHERE, hand_path(run, "log.jsonl"), &text, &length));
  json_t *row = json_loads(text, 0, NULL);
  assert_non_null(row);
  size_t i = 0;
  const char *key;
  json_t *value;
  json_object_foreach(row, key, value) assert_string_equal(key, fields[i++]);
  assert_int_equal(i, 9);
  assert_true(json_is_null(json_object_get(row, "train_accuracy")));
  assert_true(json_is_null(json_object_get(row, "validation_loss")));
  assert_true(json_real_value(json_object_get(row, "train_loss")) == run->result.best_validation_loss);
  json_decref(row);
  hand_run_free(run);
}

/* ---- initial weights ---- */

static void test_initialize(void **state) {
  (void)state;
  enum { COUNT = 20000 };
  rt_variable v[] = {{"a.weight", {2, {100, 200}}, RT_PARAMETER, 0, RT_UNIFORM, 0.25, false},
                     {"b.weight", {1, {COUNT}}, RT_PARAMETER, COUNT, RT_NORMAL, 2, false},
                     {"c.running_var", {1, {16}}, RT_STATISTIC, 2 * COUNT, RT_FILL, 1, false}};
  rt_program p = {.variables = v, .variable_count = 3, .variable_floats = 2 * COUNT + 16};
  static float x[2 * COUNT + 16], y[2 * COUNT + 16];
  rt_initialize(&p, 5, x);
  double sum = 0, square = 0, most = 0;
  for (int i = 0; i < COUNT; i++) sum += x[i], most = fmax(most, fabs(x[i]));
  assert_true(fabs(sum / COUNT) < 5 * 0.25 / sqrt(3.0 * COUNT) && most <= 0.25 && most > 0.2499);
  for (int i = COUNT; i < 2 * COUNT; i++) square += (double)x[i] * x[i];
  assert_true(fabs(square / COUNT - 4) < 5 * 4 * sqrt(2.0 / COUNT));
  for (int i = 2 * COUNT; i < 2 * COUNT + 16; i++) assert_true(x[i] == 1);
  /* without the first variable the second still gets the same */
  p.variables = v + 1;
  p.variable_count = 2;
  rt_initialize(&p, 5, y);
  assert_memory_equal(x + COUNT, y + COUNT, COUNT * sizeof(float));
  rt_initialize(&p, 6, y);
  assert_memory_not_equal(x + COUNT, y + COUNT, COUNT * sizeof(float));
}

/* ---- passes ---- */

/* Predictions do not depend on batches or threads, and are the logits that evaluation sees. */
static void test_predict(void **state) {
  (void)state;
  hand_run *run = hand_run_make(40, 37, 8, 1);
  float *variables = hand_variables(&run->n.arena, run->program, 3), **a, **b;
  rt_split rows = run->data->split[RT_VALIDATION];
  rows.targets = NULL, rows.target_count = 0;
  assert_true(rt_predict(&run->n, run->program, &rows, 1, variables, &a));
  assert_true(rt_predict(&run->n, hand_program(&run->n.arena, 18), &rows, 2, variables, &b));
  assert_memory_equal(a[0], b[0], 37 * HAND_CLASSES * sizeof(float));
  rt_pass pass;
  assert_true(rt_pass_make(&run->n, &run->n.arena, run->program, &run->program->evaluate,
                           &run->data->split[RT_VALIDATION], 1, variables, &pass));
  uint32_t seen = 0;
  while (rt_pass_next(&pass)) {
    assert_int_equal(pass.first, seen);
    assert_memory_equal(pass.step.outputs[0], a[0] + seen * HAND_CLASSES,
                        pass.count * HAND_CLASSES * sizeof(float));
    seen += pass.count;
  }
  assert_int_equal(seen, 37);
  run->program->infer.call = NULL;
  assert_false(rt_predict(&run->n, run->program, &rows, 1, variables, &a));
  assert_true(hand_said(run, NET_FAULT, "without its function for prediction"));
  hand_run_free(run);
}

int main(void) {
  signal(SIGINT, SIG_DFL); /* a job in the background has it ignored, and the loop leaves it so */
  signal(SIGTERM, SIG_DFL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_learns),         cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_remainders),     cmocka_unit_test(test_loss_is_weighted),
      cmocka_unit_test(test_weightless_batches),
      cmocka_unit_test(test_missing_functions),
      cmocka_unit_test(test_not_finite),     cmocka_unit_test(test_spoilt_weights),
      cmocka_unit_test(test_validation_not_finite), cmocka_unit_test(test_early_stopping),
      cmocka_unit_test(test_best),           cmocka_unit_test(test_progress),
      cmocka_unit_test(test_log_row),        cmocka_unit_test(test_initialize),
      cmocka_unit_test(test_predict),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
