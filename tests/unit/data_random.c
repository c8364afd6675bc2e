/* Random numbers: known answers, the same bits everywhere, unbiased and independent enough to train with. */
#include "runtime/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

/* Random123's own known answers (kat_vectors: philox4x32 10). */
static void test_philox(void **state) {
  (void)state;
  static const uint32_t known[3][10] = {{0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                        {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
                                         UINT32_MAX, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822,
                                         0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
  for (int i = 0; i < 3; i++) {
    uint32_t out[4];
    rt_philox(known[i], known[i] + 4, out);
    assert_memory_equal(out, known[i] + 6, sizeof out);
  }
}

/* A stream is Philox at counters (block, counter, counter, purpose), in order. */
static void test_stream(void **state) {
  (void)state;
  rt_random r;
  uint32_t out[4];
  rt_random_start(&r, 0x1122334455667788, RT_RANDOM_SPLIT, 0x99AABBCCDDEEFF00);
  for (uint32_t i = 0; i < 3 * RT_RANDOM_WORDS; i++) {
    if (i % 4 == 0)
      rt_philox((uint32_t[]){i / 4, 0xDDEEFF00, 0x99AABBCC, RT_RANDOM_SPLIT},
                (uint32_t[]){0x55667788, 0x11223344}, out);
    assert_int_equal(rt_random_u32(&r), out[i % 4]);
  }
  uint32_t a[2], b[2], c[2];
  rt_random_key(1, RT_RANDOM_DROPOUT, a);
  rt_random_key(2, RT_RANDOM_DROPOUT, b);
  rt_random_key(1, RT_RANDOM_BENCH, c);
  assert_memory_not_equal(a, b, sizeof a);
  assert_memory_not_equal(a, c, sizeof a);
}

/* The bits of draws must never change: they are what a seed means, on every machine. The uniform draws and
 * the shuffle were computed by a separate program from their definitions, the normal ones are our own. */
static void test_bits(void **state) {
  (void)state;
  static const uint32_t order[] = {11, 5, 7, 4, 10, 9, 6, 3, 2, 1, 0, 8};
  uint32_t index[12];
  rt_random r;
  for (uint32_t i = 0; i < 12; i++) index[i] = i;
  rt_random_start(&r, 42, RT_RANDOM_EPOCH, 7);
  rt_random_shuffle(&r, index, 12);
  assert_memory_equal(index, order, sizeof order);

  rt_random_start(&r, 42, RT_RANDOM_WEIGHTS, 0);
  assert_true(rt_random_double(&r) == 0x1.021cd824c03fp-3);
  assert_true(rt_random_double(&r) == 0x1.5067e8ff23e96p-2);
  assert_true(rt_random_float(&r) == 0x1.f858dp-4f);
  assert_true(rt_random_float(&r) == 0x1.6a4dbcp-2f);

  static const double normal[] = {-0x1.c9bb4cdd1248cp-1, 0x1.1994fb5e6815ap-3, 0x1.85fe249942386p-4};
  rt_random_start(&r, 42, RT_RANDOM_SYNTHETIC, 0);
  for (int i = 0; i < 3; i++) assert_true(rt_random_normal(&r) == normal[i]);
  uint64_t hash = 0; /* FNV's, over words */
  rt_random_start(&r, 42, RT_RANDOM_SYNTHETIC, 1);
  for (int i = 0; i < 100000; i++) {
    double x = rt_random_normal(&r);
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    hash = (hash ^ bits) * UINT64_C(1099511628211);
  }
  assert_int_equal(hash, UINT64_C(0xdba6f93177c68d99));
}

/* Box and Muller's formula in long double by libm, from the same words: ours is off by a few ulps at most. */
static void test_normal(void **state) {
  (void)state;
  rt_random r, words;
  rt_random_start(&r, 5, RT_RANDOM_SYNTHETIC, 0);
  rt_random_start(&words, 5, RT_RANDOM_SYNTHETIC, 0);
  double mean = 0, square = 0, fourth = 0;
  enum { PAIRS = 100000 };
  for (int i = 0; i < PAIRS; i++) {
    long double radius = sqrtl(-2 * logl(1 - (long double)rt_random_double(&words)));
    long double angle = 2 * acosl(-1) * (long double)rt_random_double(&words);
    double x = rt_random_normal(&r), y = rt_random_normal(&r);
    assert_true(fabsl((long double)x - radius * cosl(angle)) <= 2e-15L * (1 + radius));
    assert_true(fabsl((long double)y - radius * sinl(angle)) <= 2e-15L * (1 + radius));
    mean += x + y;
    square += x * x + y * y;
    fourth += x * x * x * x + y * y * y * y;
  }
  /* within 4 standard errors: √(1/n), √(2/n), √(96/n) */
  assert_true(fabs(mean / (2 * PAIRS)) < 4 * sqrt(1.0 / (2 * PAIRS)));
  assert_true(fabs(square / (2 * PAIRS) - 1) < 4 * sqrt(2.0 / (2 * PAIRS)));
  assert_true(fabs(fourth / (2 * PAIRS) - 3) < 4 * sqrt(96.0 / (2 * PAIRS)));
}

/* Lemire's bounded draws: with n = 3·2^30 a plain product or remainder would favour some values by half. */
static void test_below(void **state) {
  (void)state;
  rt_random r;
  rt_random_start(&r, 1, RT_RANDOM_EPOCH, 0);
  uint32_t counts[3] = {0}, n = 3u << 30, draws = 300000;
  for (uint32_t i = 0; i < draws; i++) {
    uint32_t x = rt_random_below(&r, n);
    assert_true(x < n);
    counts[x % 3]++;
  }
  for (int i = 0; i < 3; i++) assert_true(fabs(counts[i] - draws / 3.0) < 4 * sqrt(draws * 2 / 9.0));
  for (uint32_t i = 0; i < 100; i++) assert_int_equal(rt_random_below(&r, 1), 0);
}

static void test_shuffle(void **state) {
  (void)state;
  enum { N = 5, RUNS = 120000 };
  static uint32_t seen[N][N], first[N] = {0, 1, 2, 3, 4};
  uint32_t a[1000], b[1000];
  rt_random r;
  for (uint32_t run = 0; run < RUNS; run++) {
    uint32_t index[N];
    memcpy(index, first, sizeof first);
    rt_random_start(&r, 3, RT_RANDOM_EPOCH, run);
    rt_random_shuffle(&r, index, N);
    for (uint32_t i = 0; i < N; i++) seen[i][index[i]]++;
  }
  for (int i = 0; i < N; i++)
    for (int k = 0; k < N; k++) assert_true(fabs(seen[i][k] - RUNS / 5.0) < 5 * sqrt(RUNS * 4 / 25.0));
  for (uint32_t i = 0; i < 1000; i++) a[i] = b[i] = i;
  rt_random_start(&r, 3, RT_RANDOM_EPOCH, 1);
  rt_random_shuffle(&r, a, 1000);
  rt_random_start(&r, 3, RT_RANDOM_EPOCH, 1);
  rt_random_shuffle(&r, b, 1000);
  assert_memory_equal(a, b, sizeof a); /* the same seed, the same order */
  rt_random_shuffle(&r, b, 1000);
  assert_memory_not_equal(a, b, sizeof a);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < 1000; i++) sum += a[i];
  assert_int_equal(sum, 999 * 500);
  rt_random_shuffle(&r, a, 0);
  rt_random_shuffle(&r, a, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_philox), cmocka_unit_test(test_stream),
                                     cmocka_unit_test(test_bits),   cmocka_unit_test(test_normal),
                                     cmocka_unit_test(test_below),  cmocka_unit_test(test_shuffle)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
