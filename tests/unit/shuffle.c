/* The order of an epoch's samples, and where it is cut into batches. */
#include "runtime/batches.h"
#include "runtime/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

/* What is drawn side by side in vectors is what rt_philox gives block by block. */
static void test_vectors_of_philox(void **state) {
  (void)state;
  rt_random r;
  uint64_t seed = 0x123456789ABCDEF0, epoch = 0xFEDCBA9876543210;
  rt_random_start(&r, seed, RT_RANDOM_EPOCH, epoch);
  for (uint32_t block = 0; block < 100; block++) {
    uint32_t counter[4] = {block, (uint32_t)epoch, (uint32_t)(epoch >> 32), RT_RANDOM_EPOCH}, expected[4];
    rt_philox(counter, (uint32_t[2]){(uint32_t)seed, (uint32_t)(seed >> 32)}, expected);
    for (int i = 0; i < 4; i++) assert_int_equal(rt_random_u32(&r), expected[i]);
  }
}

static bool is_permutation(const uint32_t *order, uint32_t rows) {
  char *seen = calloc(rows, 1);
  bool ok = true;
  for (uint32_t i = 0; i < rows && ok; i++) ok = order[i] < rows && !seen[order[i]]++;
  free(seen);
  return ok;
}

/* The rows of an epoch, one by one. */
static uint32_t *get(net_arena *arena, rt_orders *orders, uint32_t rows, uint32_t epoch) {
  uint32_t *kept = NET_NEW_ARRAY(arena, uint32_t, rows);
  rt_order order = rt_orders_get(orders, epoch);
  assert_int_equal((uintptr_t)order.inner % 64, 0);
  for (uint32_t i = 0; i < rows; i++) kept[i] = order.outer ? order.outer[order.inner[i]] : order.inner[i];
  return kept;
}

static void test_orders(void **state) {
  (void)state;
  enum { ROWS = 1000, EPOCHS = 40 };
  net_arena arena;
  net_arena_init(&arena, NULL);
  rt_orders *orders = rt_orders_make(&arena, 3, ROWS, 40, true),
            *backwards = rt_orders_make(&arena, 3, ROWS, 40, true);
  rt_orders *other = rt_orders_make(&arena, 4, ROWS, 40, true);
  uint32_t *kept[EPOCHS];
  for (uint32_t e = 0; e < EPOCHS; e++) {
    kept[e] = get(&arena, orders, ROWS, e);
    assert_true(is_permutation(kept[e], ROWS));
    assert_memory_not_equal(kept[e], get(&arena, other, ROWS, e), ROWS * sizeof(uint32_t));
    for (uint32_t d = 0; d < e; d++) { /* independent orders agree in one place on average */
      uint32_t same = 0;
      for (uint32_t i = 0; i < ROWS; i++) same += kept[d][i] == kept[e][i];
      assert_true(same < 12);
    }
  }
  /* an epoch's order depends on nothing that was asked for before */
  for (uint32_t e = EPOCHS; e-- > 0;)
    assert_memory_equal(kept[e], get(&arena, backwards, ROWS, e), ROWS * sizeof(uint32_t));
  /* nor on how many are to come */
  rt_orders *few = rt_orders_make(&arena, 3, ROWS, 5, true);
  for (uint32_t e = 0; e < 5; e++)
    assert_memory_equal(kept[e], get(&arena, few, ROWS, e), ROWS * sizeof(uint32_t));
  rt_orders *stored = rt_orders_make(&arena, 3, ROWS, 40, false);
  for (uint32_t i = 0; i < ROWS; i++) assert_int_equal(get(&arena, stored, ROWS, 5)[i], i);
  net_arena_free(&arena);
}

static void test_large_orders(void **state) {
  (void)state;
  enum { ROWS = (1 << 20) + 5 };
  net_arena arena;
  net_arena_init(&arena, NULL);
  rt_orders *orders = rt_orders_make(&arena, 3, ROWS, 40, true);
  uint32_t *first = get(&arena, orders, ROWS, 9);
  assert_true(is_permutation(first, ROWS));
  assert_memory_not_equal(first, get(&arena, orders, ROWS, 17), ROWS * sizeof(uint32_t));
  assert_memory_equal(first, get(&arena, orders, ROWS, 9), ROWS * sizeof(uint32_t));
  net_arena_free(&arena);
}

/* Pairs of samples that share a batch in each of three epochs, among them such as have a left or a right
 * shuffle in common: as many as chance would have it. With 10 batches of 20 there are 1900 pairs an epoch;
 * each lasts through two more epochs with probability (19/199)², so about 17.3 do, with a standard deviation
 * near 4. */
static void test_batches_mix(void **state) {
  (void)state;
  enum { ROWS = 200, BATCH = 20, SEEDS = 400 };
  static const uint32_t triples[][3] = {{0, 1, 2}, {0, 8, 16}, {9, 10, 17}, {1, 9, 10}, {8, 1, 30}};
  for (size_t t = 0; t < sizeof triples / sizeof *triples; t++) {
    double total = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
      net_arena arena;
      net_arena_init(&arena, NULL);
      rt_orders *orders = rt_orders_make(&arena, seed, ROWS, 40, true);
      uint32_t batch[3][ROWS];
      for (int k = 0; k < 3; k++) {
        const uint32_t *order = get(&arena, orders, ROWS, triples[t][k]);
        for (uint32_t i = 0; i < ROWS; i++) batch[k][order[i]] = i / BATCH;
      }
      for (uint32_t a = 0; a < ROWS; a++)
        for (uint32_t b = 0; b < a; b++)
          total += batch[0][a] == batch[0][b] && batch[1][a] == batch[1][b] && batch[2][a] == batch[2][b];
      net_arena_free(&arena);
    }
    double expected = 1900.0 * (19.0 / 199) * (19.0 / 199);
    assert_true(fabs(total / SEEDS - expected) < 5 * sqrt(expected / SEEDS));
  }
}

/* The first sample of a composed order is any sample, equally often: χ² with 15 degrees of freedom. */
static void test_uniform(void **state) {
  (void)state;
  enum { ROWS = 16, SEEDS = 8000 };
  uint32_t count[ROWS] = {0};
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    net_arena arena;
    net_arena_init(&arena, NULL);
    count[get(&arena, rt_orders_make(&arena, seed, ROWS, 40, true), ROWS, 11)[0]]++;
    net_arena_free(&arena);
  }
  double chi = 0, expected = (double)SEEDS / ROWS;
  for (int i = 0; i < ROWS; i++) chi += (count[i] - expected) * (count[i] - expected) / expected;
  assert_true(chi > 3 && chi < 45);
}

static void test_cuts(void **state) {
  (void)state;
  rt_cut cut = rt_cut_make(100, 32, false);
  assert_int_equal(cut.calls, 4);
  assert_int_equal(rt_cut_count(&cut, 3), 4);
  assert_int_equal(rt_cut_samples(&cut, 3), 96);
  assert_int_equal(rt_cut_samples(&cut, 4), 100);
  cut = rt_cut_make(97, 32, true); /* the one sample joins */
  assert_int_equal(cut.calls, 3);
  assert_int_equal(cut.full, 2);
  assert_int_equal(rt_cut_count(&cut, 2), 33);
  assert_int_equal(rt_cut_samples(&cut, 3), 97);
  cut = rt_cut_make(97, 32, false);
  assert_int_equal(rt_cut_count(&cut, 3), 1);
  cut = rt_cut_make(96, 32, true);
  assert_int_equal(cut.calls, 3);
  assert_int_equal(cut.rest, 0);
  cut = rt_cut_make(1, 32, true); /* nothing to join */
  assert_int_equal(cut.calls, 1);
  assert_int_equal(rt_cut_count(&cut, 0), 1);
  cut = rt_cut_make(5, 1, true);
  assert_int_equal(cut.calls, 5);
}

static void test_index(void **state) {
  (void)state;
  _Alignas(64) uint32_t rows[64], outer[64], buffer[64];
  for (uint32_t i = 0; i < 64; i++) rows[i] = 63 - i, outer[i] = 100 + i;
  rt_order order = {.inner = rows};
  rt_function f = {.batch = 16, .padded = 16};
  assert_ptr_equal(rt_batch_index(&order, 16, 16, &f, buffer), rows + 16);
  f.batch = f.padded = 8;
  assert_ptr_equal(rt_batch_index(&order, 8, 8, &f, buffer), buffer); /* not aligned */
  f = (rt_function){.batch = 10, .padded = 16};
  const uint32_t *index = rt_batch_index(&order, 16, 3, &f, buffer);
  for (uint32_t i = 0; i < 16; i++) assert_int_equal(index[i], i < 3 ? 47 - i : 47);
  order.outer = outer;
  index = rt_batch_index(&order, 16, 3, &f, buffer);
  for (uint32_t i = 0; i < 16; i++) assert_int_equal(index[i], i < 3 ? 147 - i : 147);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors_of_philox),
                                     cmocka_unit_test(test_orders),
                                     cmocka_unit_test(test_large_orders),
                                     cmocka_unit_test(test_batches_mix),
                                     cmocka_unit_test(test_uniform),
                                     cmocka_unit_test(test_cuts),
                                     cmocka_unit_test(test_index)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
