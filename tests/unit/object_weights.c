/* Weights of few bits in objects: results are the interpreter's in every bit, and objects are smaller. */
#include "tests/unit/object_support.h"

#include <stdio.h>

/* So many weights that they are packed where vectors read them; nothing is a multiple of anything. */
static const char wide[] =
    "netc 1\nnetwork wide(x: f32[129]) { x -> linear(263) -> relu -> linear(75) -> relu -> linear(5) }\n";
enum { WEIGHTS = 129 * 263 + 263 * 75 + 75 * 5, INPUTS = 129, OUTPUTS = 5, ROWS = 150 };

/* Of many weights beyond the ends: those are drawn from [−0.7, 0.7) and more. */
static const char *const weights[] = {"integer(1, 1)", "integer(2, 2)", "integer(3, 3)", "integer(4, 4)",
                                      "integer(5, 5)", "integer(6, 6)", "integer(7, 7)", "integer(8, 8)",
                                      "ternary",       "binary(bipolar)"};
enum { FORMATS = sizeof weights / sizeof *weights, EIGHT_BITS = 7 };

static void begin(object_subject *s, const char *input, const char *weight, uint64_t seed) {
  const char *rules = "default { input = %s, weight = %s, bias = integer(16, 8), output = integer(8, 4) }\n"
                      "relu { output = %s }";
  char text[400];
  snprintf(text, sizeof text, rules, input, weight, input);
  object_begin_program(s, wide, "wide", text, seed);
  for (net_value_id v = 0; v < s->graph->values.count; v++) {
    uint64_t count = s->weights[v] ? net_shape_elements(&net_graph_value_at(s->graph, v)->shape) : 0;
    for (uint64_t i = 0; i < count; i++) ((float *)s->weights[v])[i] *= 5;
  }
}

/* A quarter at the ends of what a code can be. */
static float *rows_of(object_subject *s) {
  float *x = object_rows(s, ROWS, 5);
  for (uint32_t i = 0; i < ROWS / 4 * INPUTS; i++) x[i] = (i / 3 + i / INPUTS) % 2 ? 100 : -100;
  return x;
}

static void check_object(const pl_object *object, const char *target, const char *weight, const float *x,
                         const float *expected) {
  float one[OUTPUTS], all[ROWS * OUTPUTS];
  object_loaded l;
  if (!object_load(object, target, &l)) return;
  object_call_batch(&l, ROWS, x, all);
  for (uint32_t r = 0; r < ROWS; r++) {
    object_call(&l, x + r * INPUTS, one);
    for (uint32_t o = 0; o < OUTPUTS; o++) {
      float e = expected[r * OUTPUTS + o];
      if (one[o] != e || all[r * OUTPUTS + o] != e)
        fail_msg("%s, %s: row %u gives %g, in a batch %g, not %g", target, weight, r, (double)one[o],
                 (double)all[r * OUTPUTS + o], (double)e);
    }
  }
  object_unload(&l);
}

static void test_results(void **state) {
  (void)state;
  static const char *const inputs[] = {"integer(8, 4)", "integer(8, 4, unsigned = true)", "integer(12, 6)"},
                           *const more[] = {"znver5", "alderlake", "scalar"};
  for (uint32_t w = 0; w < FORMATS; w++) {
    object_subject s;
    begin(&s, inputs[w % 3], weights[w], w);
    float *x = rows_of(&s), expected[ROWS * OUTPUTS];
    object_interpret(&s, ROWS, x, expected);
    bool differs = false;
    for (uint32_t i = 0; i < ROWS * OUTPUTS; i++) differs |= expected[i] != expected[0];
    assert_true(differs);
    for (uint32_t t = 0; object_targets[t]; t++)
      check_object(object_make(&s, object_targets[t]), object_targets[t], weights[w], x, expected);
    for (uint32_t t = 0; t < 3; t++)
      check_object(object_make(&s, more[t]), more[t], weights[w], x, expected);
    object_end(&s);
  }
}

static uint64_t flash(const char *weight, const char *target) {
  object_subject s;
  begin(&s, "integer(8, 4)", weight, 1);
  uint64_t bytes = object_make(&s, target)->flash;
  object_end(&s);
  return bytes;
}

/* Bits of a weight in an object are 1, 2, 4 or 8; a tenth more for ends that fill nothing, and for code. */
static void test_flash(void **state) {
  (void)state;
  static const char *const small[] = {"cortex_m4f", "cortex_m7", "cortex_m33"};
  static const uint32_t bits[FORMATS] = {1, 2, 4, 4, 8, 8, 8, 8, 2, 1};
  for (uint32_t t = 0; t < 3; t++) {
    uint64_t bytes = flash(weights[EIGHT_BITS], small[t]);
    for (uint32_t w = 0; w < FORMATS; w++) {
      uint64_t less = flash(weights[w], small[t]), saved = WEIGHTS * (8 - bits[w]) / 8;
      if (less + saved > bytes + WEIGHTS / 10)
        fail_msg("%s, %s: %llu bytes, %llu with 8 bits", small[t], weights[w], (unsigned long long)less,
                 (unsigned long long)bytes);
    }
  }
  /* only functions of one sample read what is packed */
  uint64_t bytes = flash("integer(8, 8)", "znver5"), less = flash("integer(4, 4)", "znver5");
  assert_true(less + WEIGHTS * 4 / 10 < bytes);
  assert_true(flash("ternary", "znver5") + WEIGHTS * 6 / 10 < bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_results), cmocka_unit_test(test_flash)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
