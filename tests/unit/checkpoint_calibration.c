/* What a quantised network was calibrated to, in checkpoints. */
#include "hand_run.h"

#include "runtime/checkpoint.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static const float one_step[] = {0.25f}, steps[] = {0.5f, 0x1p-40f, 3}, zeros[] = {-128, 0, 2147483648.0f};
static const rt_calibrated tensors[] = {{"linear_1.input", "integer(8, auto)", 1, one_step, NULL},
                                        {"linear_1.weight", "scaled_integer(8)", 3, steps, zeros}};
enum { TENSORS = sizeof tensors / sizeof *tensors };

static hand_run *calibrated_run(const char *block) {
  hand_run *run = hand_run_make(33, 20, 8, 3);
  run->spec.quantize = block;
  run->spec.calibrated = tensors;
  run->spec.calibrated_count = block ? TENSORS : 0;
  return run;
}

static void check(hand_run *run, const char *name) {
  const rt_calibrated *back;
  uint32_t count;
  rt_checkpoint *c = rt_checkpoint_open(&run->n, hand_path(run, name));
  assert_non_null(c);
  assert_string_equal(rt_checkpoint_metadata(c, "quantize"), "int8");
  assert_true(rt_checkpoint_calibration(&run->n, c, &back, &count));
  assert_int_equal(count, TENSORS);
  for (int i = 0; i < TENSORS; i++) {
    assert_string_equal(back[i].tensor, tensors[i].tensor);
    assert_string_equal(back[i].format, tensors[i].format);
    assert_int_equal(back[i].count, tensors[i].count);
    assert_memory_equal(back[i].steps, tensors[i].steps, back[i].count * sizeof(float));
    assert_true(!back[i].zeros == !tensors[i].zeros);
    if (back[i].zeros) assert_memory_equal(back[i].zeros, tensors[i].zeros, back[i].count * sizeof(float));
  }
  /* they are no weights */
  float *variables = hand_variables(&run->n.arena, run->program, 1);
  assert_true(rt_checkpoint_load(&run->n, c, run->program, RT_MATCH_NETC, variables, NULL));
}

static void test_round_trip(void **state) {
  (void)state;
  hand_run *run = calibrated_run("int8");
  assert_int_equal(hand_train(run, false), RT_DONE);
  check(run, "best.safetensors");
  check(run, "last.safetensors");
  assert_int_equal(run->n.diagnostics.list.count, 0);
  hand_run_free(run);
}

static void test_resume(void **state) {
  (void)state;
  hand_run *whole = calibrated_run("int8");
  assert_int_equal(hand_train(whole, false), RT_DONE);
  hand_run *run = calibrated_run("int8");
  hand.raise_at = 5;
  hand.number = SIGINT;
  assert_int_equal(hand_train(run, false), RT_INTERRUPTED);
  assert_int_equal(hand_train(run, true), RT_DONE);
  assert_true(hand_same(run, whole));
  hand_run_free(run);
  hand_run_free(whole);
}

/* Other formats would be another network. */
static void test_other_formats(void **state) {
  (void)state;
  static const char *const blocks[][2] = {{"int8", NULL}, {NULL, "int8"}, {"int8", "int4"}};
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
    hand_run *run = calibrated_run(blocks[i][0]);
    hand.raise_at = 5;
    hand.number = SIGINT;
    assert_int_equal(hand_train(run, false), RT_INTERRUPTED);
    run->spec.quantize = blocks[i][1];
    run->spec.calibrated_count = run->spec.quantize ? TENSORS : 0;
    assert_int_equal(hand_train(run, true), RT_FAILED);
    assert_true(hand_said(run, NET_ERROR, "it was trained with the number formats of"));
    hand_run_free(run);
  }
}

static void test_none(void **state) {
  (void)state;
  hand_run *run = calibrated_run(NULL);
  const rt_calibrated *back;
  uint32_t count;
  assert_int_equal(hand_train(run, false), RT_DONE);
  rt_checkpoint *c = rt_checkpoint_open(&run->n, hand_path(run, "best.safetensors"));
  assert_null(rt_checkpoint_metadata(c, "quantize"));
  assert_null(rt_checkpoint_metadata(c, "calibration"));
  assert_true(rt_checkpoint_calibration(&run->n, c, &back, &count));
  assert_int_equal(count, 0);
  hand_run_free(run);
}

#define ENTRY(tensor) "{\\\"tensor\\\":\\\"" tensor "\\\",\\\"format\\\":\\\"f\\\"}"

/* Its tensors are all zeros, which no step is. */
static void test_broken(void **state) {
  (void)state;
  static const struct {
    const char *list;
    bool opens;
  } cases[] = {
      {"7", false},
      {"{", false},
      {"[7]", false},
      {"[{\\\"tensor\\\":\\\"a\\\"}]", false},
      {"[{\\\"tensor\\\":\\\"a\\\",\\\"format\\\":8}]", false},
      {"[" ENTRY("a") "]", true}, /* a step of 0 */
      {"[" ENTRY("b") "]", true}, /* there is none */
      {"[" ENTRY("c") "]", true}, /* a matrix */
      {"[" ENTRY("d") "]", true}, /* integers */
      {"[" ENTRY("e") "]", true}, /* nothing in it */
      {"[" ENTRY("a") "," ENTRY("b") "]", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    netc_init(&n, NULL);
    const char *header =
        net_arena_format(&n.arena,
                         "{\"__metadata__\":{\"netc_format\":\"1\",\"state\":\"[]\",\"calibration\":\"%s\"},"
                         "\"a.step\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                         "\"c.step\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]},"
                         "\"d.step\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[16,24]},"
                         "\"e.step\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[24,24]}}",
                         cases[i].list);
    rt_checkpoint *c = hand_parse(&n, header, 24);
    const rt_calibrated *back;
    uint32_t count;
    assert_true(!c == !cases[i].opens);
    if (c) assert_false(rt_checkpoint_calibration(&n, c, &back, &count));
    assert_int_equal(n.diagnostics.errors, 1);
    netc_free(&n);
  }
}

int main(void) {
  signal(SIGINT, SIG_DFL); /* a job in the background has it ignored, and the loop leaves it so */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip), cmocka_unit_test(test_resume), cmocka_unit_test(test_other_formats),
      cmocka_unit_test(test_none),       cmocka_unit_test(test_broken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
