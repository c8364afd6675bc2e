/* Fingerprints: equal for equal bytes, and different for whatever differs. */
#include "hand_run.h"

#include "runtime/fingerprint.h"
#include "runtime/hash.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { BYTES = 300 };

static int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Every length, every bit, and every pair of signs of floats a lane apart: no two of them alike. */
static void test_bytes(void **state) {
  (void)state;
  enum { FLOATS = BYTES / 4, ALL = BYTES + 1 + 8 * BYTES + FLOATS * (FLOATS - 1) / 2 };
  static uint64_t seen[ALL];
  unsigned char bytes[BYTES] = {0};
  uint32_t n = 0;
  for (size_t length = 0; length <= BYTES; length++)
    seen[n++] = rt_fingerprint_bytes(RT_HASH_START, bytes, length); /* zeros too count */
  for (int bit = 0; bit < 8 * BYTES; bit++) {
    bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    seen[n++] = rt_fingerprint_bytes(RT_HASH_START, bytes, BYTES);
    bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
  }
  for (int i = 0; i < FLOATS; i++)
    for (int k = i + 1; k < FLOATS; k++) {
      bytes[4 * i + 3] ^= 0x80, bytes[4 * k + 3] ^= 0x80;
      seen[n++] = rt_fingerprint_bytes(RT_HASH_START, bytes, BYTES);
      bytes[4 * i + 3] ^= 0x80, bytes[4 * k + 3] ^= 0x80;
    }
  assert_int_equal(n, ALL);
  assert_true(rt_fingerprint_bytes(RT_HASH_START, bytes, BYTES) == seen[BYTES]);
  qsort(seen, n, sizeof *seen, by_value);
  for (uint32_t i = 1; i < n; i++) assert_true(seen[i] != seen[i - 1]);
}

static void test_aligned_or_not(void **state) {
  (void)state;
  unsigned char bytes[BYTES + 8], moved[BYTES + 8];
  for (int i = 0; i < BYTES; i++) bytes[i] = moved[i + 3] = (unsigned char)(i * 7);
  assert_true(rt_fingerprint_bytes(1, bytes, BYTES) == rt_fingerprint_bytes(1, moved + 3, BYTES));
  assert_true(rt_fingerprint_bytes(1, bytes, BYTES) != rt_fingerprint_bytes(2, bytes, BYTES));
}

static void test_data(void **state) {
  (void)state;
  hand_run *a = hand_run_make(33, 20, 8, 1), *b = hand_run_make(33, 20, 8, 1);
  uint64_t h = rt_fingerprint_data(a->data);
  assert_true(h == rt_fingerprint_data(b->data));
  float *x = b->data->split[RT_VALIDATION].inputs[0].data, kept = *x;
  *x += 1;
  assert_true(h != rt_fingerprint_data(b->data));
  *x = kept;
  assert_true(h == rt_fingerprint_data(b->data));
  b->data->split[RT_TRAIN].rows--;
  assert_true(h != rt_fingerprint_data(b->data));
  b->data->split[RT_TRAIN].rows++;
  uint32_t *y = b->data->split[RT_TRAIN].targets[0].data;
  y[3] ^= 1;
  assert_true(h != rt_fingerprint_data(b->data));
  hand_run_free(a);
  hand_run_free(b);
}

static uint64_t weights_of(hand_run *run, const char *name) {
  const rt_checkpoint *c = rt_checkpoint_open(&run->n, hand_path(run, name));
  assert_non_null(c);
  return rt_fingerprint_weights(c);
}

/* Weights alone: two runs that are equal but for what their files say else. */
static void test_weights(void **state) {
  (void)state;
  hand_run *a = hand_run_make(33, 20, 8, 3), *b = hand_run_make(33, 20, 8, 3),
           *c = hand_run_make(33, 20, 8, 3);
  b->spec.settings = "--epochs 3\n";
  c->spec.seed++;
  assert_int_equal(hand_train(a, false), RT_DONE);
  assert_int_equal(hand_train(b, false), RT_DONE);
  assert_int_equal(hand_train(c, false), RT_DONE);
  assert_false(hand_same_file(a, "last.safetensors", b, "last.safetensors"));
  assert_true(weights_of(a, "last.safetensors") == weights_of(b, "last.safetensors"));
  assert_true(weights_of(a, "last.safetensors") != weights_of(c, "last.safetensors"));
  if (a->result.best_epoch == 3) /* last has the optimiser's state besides */
    assert_true(weights_of(a, "last.safetensors") == weights_of(a, "best.safetensors"));
  hand_run_free(a);
  hand_run_free(b);
  hand_run_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes),
      cmocka_unit_test(test_aligned_or_not),
      cmocka_unit_test(test_data),
      cmocka_unit_test(test_weights),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
