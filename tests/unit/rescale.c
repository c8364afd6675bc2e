/* formats/rescale.c against exact rational arithmetic: ratios as quotients of 128-bit integers; quantisers on
 * sums (ops/integer.h) against the reference. */
#include "formats/rescale.h"

#include "ops/integer.h"
#include "runtime/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* R(a / 2^shift) by division: the quotient to minus infinity, and what is left. */
static net_wide divided(net_wide a, int shift) {
  net_wide whole = (net_wide)1 << shift, q = a / whole, rest = a % whole;
  if (rest < 0) q--, rest += whole;
  if (2 * rest > whole || (2 * rest == whole && q % 2 != 0)) q++;
  return q;
}

/* Exhaustive: all sums of 12 bits by all shifts, in which a tie is every other number. */
static void test_shifts(void **state) {
  (void)state;
  for (int shift = 1; shift <= 14; shift++)
    for (int a = -4096; a <= 4096; a++) {
      double exact = ldexp(a, -shift);
      assert_int_equal((int)net_shifted(NET_ROUND_HALF_EVEN, a, shift), (int)rint(exact));
      assert_int_equal((int)net_shifted(NET_ROUND_HALF_UP, a, shift), (int)floor(exact + 0.5));
      assert_int_equal((int)net_shifted(NET_ROUND_FLOOR, a, shift), (int)floor(exact));
      assert_int_equal((int)net_shifted(NET_ROUND_ZERO, a, shift), (int)trunc(exact));
      assert_int_equal((int)net_shifted(NET_ROUND_HALF_EVEN, a, shift), (int)divided(a, shift));
    }
  for (int shift = 0; shift >= -40; shift--)
    for (int a = -300; a <= 300; a++)
      assert_true(net_shifted(NET_ROUND_HALF_EVEN, a, shift) == a * ((net_wide)1 << -shift));
  const net_wide most = (net_wide)1 << 120;
  assert_true(net_shifted(NET_ROUND_HALF_EVEN, 3, -119) == most);
  assert_true(net_shifted(NET_ROUND_HALF_EVEN, -3, -500) == -most);
  assert_true(net_shifted(NET_ROUND_HALF_EVEN, 0, -500) == 0);
  assert_true(net_shifted(NET_ROUND_HALF_EVEN, most - 1, 500) == 1); /* shifts end at 120 bits */
  assert_true(net_shifted(NET_ROUND_FLOOR, -1, 500) == -1);
}

/* m is the nearest: |ratio · 2^shift − m| ≤ ½, ties even, all exact in double. */
static void check_multiplier(double ratio) {
  net_multiplier by = net_multiplier_of(ratio);
  double scaled = ldexp(ratio, by.shift), off = scaled - by.m;
  assert_true(by.m >= 0x40000000);
  assert_true(fabs(off) < 0.5 || (fabs(off) == 0.5 && by.m % 2 == 0) ||
              (by.m == 0x40000000 && off < 0 && off >= -0.25)); /* carried: half as far apart */
}

static void test_multipliers(void **state) {
  (void)state;
  const struct {
    double ratio;
    int32_t m;
    int shift;
  } cases[] = {{1, 0x40000000, 30},
               {0.5, 0x40000000, 31},
               {0x1p-60, 0x40000000, 90},
               {0x1p40, 0x40000000, -10},
               {0.75, 0x60000000, 31},
               {0x1.fffffffcp-1, 0x7fffffff, 31}, /* the largest */
               {0x1.fffffffdp-1, 0x7fffffff, 31}, /* a quarter above it */
               {0x1.fffffffep-1, 0x40000000, 30}, /* halfway to the next: it is even, carries */
               {0x1.ffffffffp-1, 0x40000000, 30},
               {0x1.00000002p0, 0x40000000, 30}, /* halfway: even below */
               {0x1.00000006p0, 0x40000002, 30}, /* halfway: even above */
               {0x1.0000000200001p0, 0x40000001, 30}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    net_multiplier by = net_multiplier_of(cases[i].ratio);
    assert_int_equal(by.m, cases[i].m);
    assert_int_equal(by.shift, cases[i].shift);
    check_multiplier(cases[i].ratio);
  }
  rt_random random;
  rt_random_start(&random, 5, RT_RANDOM_BENCH, 1);
  for (int i = 0; i < 200000; i++) {
    double s = (double)(float)exp(4 * rt_random_normal(&random)),
           t = (double)(float)exp(4 * rt_random_normal(&random));
    check_multiplier(s / t);
    check_multiplier(s * t);
  }
}

static void test_two_multipliers(void **state) {
  (void)state;
  net_multipliers both = net_multipliers_of(0.75, 0x1p-10);
  assert_int_equal(both.m[0], 0x60000000);
  assert_int_equal(both.m[1], 1 << 21);
  assert_int_equal(both.shift, 31);
  both = net_multipliers_of(0x1p-33, 0.75);
  assert_int_equal(both.m[0], 0); /* a quarter of what can be told apart */
  assert_int_equal(both.m[1], 0x60000000);
  assert_int_equal(net_multipliers_of(0x1.8p-31, 0.75).m[0], 2); /* 1.5 is halfway: even */
  assert_int_equal(net_multipliers_of(0x1.4p-30, 0.75).m[0], 2); /* so is 2.5 */
  assert_int_equal(net_multipliers_of(0x1p-32, 0.75).m[0], 0);   /* and 0.5 */
  both = net_multipliers_of(0.3, 0.3);
  assert_int_equal(both.m[0], both.m[1]);
}

/* Small accumulators by ratios of all sorts, the whole range; then sums of 62 bits. */
static void check_rescaled(int64_t a, net_multiplier by, int32_t zero, int64_t low, int64_t high) {
  net_wide q = (net_wide)a * by.m;
  q = (by.shift > 0 ? divided(q, by.shift) : q * ((net_wide)1 << -by.shift)) + zero;
  int64_t wanted = q < low ? low : q > high ? high : (int64_t)q;
  assert_int_equal(net_rescaled(a, by, zero, low, high), wanted);
}

static void test_rescaled(void **state) {
  (void)state;
  const double ratios[] = {1,      0.5,     0.25,   0x1p-7, 0.75, 0x1.8p-3, 0x1.4p-4, 0.1,  1.0 / 3,
                           0.0123, 0x1p-12, 1.7e-4, 2,      3.5,  100,      0x1p-40,  1.5e6};
  for (size_t r = 0; r < sizeof ratios / sizeof *ratios; r++) {
    net_multiplier by = net_multiplier_of(ratios[r]);
    for (int64_t a = -5000; a <= 5000; a++) {
      check_rescaled(a, by, 0, -128, 127);
      check_rescaled(a, by, -7, -128, 127);
      check_rescaled(a, by, 131, 0, 255);
      check_rescaled(a, by, 0, INT32_MIN, INT32_MAX);
    }
  }
  assert_int_equal(net_rescaled(5, net_multiplier_of(0.5), 0, -128, 127), 2); /* ties to even */
  assert_int_equal(net_rescaled(7, net_multiplier_of(0.5), 0, -128, 127), 4);
  assert_int_equal(net_rescaled(-5, net_multiplier_of(0.5), 0, -128, 127), -2);
  assert_int_equal(net_rescaled(-7, net_multiplier_of(0.5), 1, -128, 127), -3); /* before the zero point */
  rt_random random;
  rt_random_start(&random, 6, RT_RANDOM_BENCH, 1);
  for (int i = 0; i < 200000; i++) {
    int bits = 2 + (int)rt_random_below(&random, 61);
    uint64_t word =
        (uint64_t)rt_random_below(&random, UINT32_MAX) << 32 | rt_random_below(&random, UINT32_MAX);
    int64_t a = (int64_t)(word >> (64 - bits)) - ((int64_t)1 << (bits - 1));
    double ratio = exp(3 * rt_random_normal(&random)) * ldexp(1, 8 - bits);
    check_rescaled(a, net_multiplier_of(ratio), (int)rt_random_below(&random, 256), -128, 127);
    check_rescaled(a, net_multiplier_of(ratio), 0, -32768, 32767);
  }
}

/* ---- rescaling: every sum of 16 bits, by every shift, as the reference quantiser rounds the same number
 * ---- */

enum { SUMS = 1 << 16 };

static void expect_rescaled(const net_format_spec *spec, int fraction) {
  static float x[SUMS], y[SUMS];
  net_shape shape = {1, {SUMS}};
  for (int a = 0; a < SUMS; a++) x[a] = ldexpf((float)(a - SUMS / 2), -fraction);
  net_format_quantize(spec, &(net_format_tensor){.shape = &shape, .values = x}, y);
  for (int a = 0; a < SUMS; a++) {
    int64_t q = ops_integer_rescale(spec, ldexp(1, -spec->fraction), 0, a - SUMS / 2, ldexp(1, -fraction));
    if ((double)q != ldexp(y[a], spec->fraction))
      fail_msg("%d with fraction %d is %lld, not %g, as %d bits with fraction %d, rounding %d, overflow %d",
               a - SUMS / 2, fraction, (long long)q, ldexp(y[a], spec->fraction), spec->width, spec->fraction,
               spec->rounding, spec->overflow);
  }
}

static void rescales_as_the_quantisers(void **state) {
  (void)state;
  for (int s = -4; s <= 19; s++)
    for (net_rounding rounding = NET_ROUND_HALF_EVEN; rounding <= NET_ROUND_ZERO; rounding++)
      for (net_overflow overflow = NET_SATURATE; overflow <= NET_SYMMETRIC; overflow++)
        for (int is_unsigned = 0; is_unsigned < 2; is_unsigned++) {
          if (overflow == NET_SYMMETRIC && is_unsigned) continue;
          for (int width = 4; width <= 16; width += 6)
            expect_rescaled(&(net_format_spec){.family = NET_FORMAT_integer,
                                               .width = width,
                                               .fraction = 3,
                                               .is_unsigned = is_unsigned,
                                               .rounding = rounding,
                                               .overflow = overflow},
                            3 + s);
        }
}

/* Beyond 16 bits: ends, and sums whose last bits decide. */
static void rescales_wide_sums(void **state) {
  (void)state;
  static const struct {
    int width, fraction, from;
    net_rounding rounding;
    net_overflow overflow;
    long long a, want;
  } cases[] = {
      {16, 0, 40, NET_ROUND_HALF_EVEN, NET_SATURATE, 1LL << 39, 0},
      {16, 0, 40, NET_ROUND_HALF_EVEN, NET_SATURATE, (1LL << 39) + 1, 1},
      {16, 0, 40, NET_ROUND_HALF_EVEN, NET_SATURATE, 3LL << 39, 2},
      {16, 0, 40, NET_ROUND_HALF_EVEN, NET_SATURATE, -(3LL << 39), -2},
      {16, 0, 40, NET_ROUND_HALF_EVEN, NET_SATURATE, -(1LL << 39), 0},
      {16, 0, 40, NET_ROUND_HALF_UP, NET_SATURATE, -(1LL << 39), 0},
      {16, 0, 40, NET_ROUND_FLOOR, NET_SATURATE, -1, -1},
      {16, 0, 40, NET_ROUND_ZERO, NET_SATURATE, -1, 0},
      {16, 0, 200, NET_ROUND_FLOOR, NET_SATURATE, -1, -1},
      {16, 0, 200, NET_ROUND_HALF_EVEN, NET_SATURATE, INT64_MAX, 0},
      {8, 0, 0, NET_ROUND_HALF_EVEN, NET_SATURATE, INT64_MAX, 127},
      {8, 0, 0, NET_ROUND_HALF_EVEN, NET_SATURATE, INT64_MIN, -128},
      {8, 0, 0, NET_ROUND_HALF_EVEN, NET_SYMMETRIC, INT64_MIN, -127},
      {8, 0, 0, NET_ROUND_HALF_EVEN, NET_WRAP, (1LL << 40) + 130, -126},
      {8, 0, 0, NET_ROUND_HALF_EVEN, NET_WRAP, -(1LL << 40) - 130, 126},
      {8, 100, 0, NET_ROUND_HALF_EVEN, NET_SATURATE, 1, 127},
      {8, 100, 0, NET_ROUND_HALF_EVEN, NET_SATURATE, -1, -128},
      {8, 100, 0, NET_ROUND_HALF_EVEN, NET_SATURATE, 0, 0},
      {8, 5, 0, NET_ROUND_HALF_EVEN, NET_WRAP, 7, -32},
      {32, 0, 0, NET_ROUND_HALF_EVEN, NET_WRAP, 1LL << 31, -(1LL << 31)},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    net_format_spec spec = {.family = NET_FORMAT_integer,
                            .width = cases[i].width,
                            .rounding = cases[i].rounding,
                            .overflow = cases[i].overflow};
    double step = ldexp(1, -cases[i].fraction), unit = ldexp(1, -cases[i].from);
    int64_t q = ops_integer_rescale(&spec, step, 0, cases[i].a, unit);
    if (q != cases[i].want) fail_msg("case %zu gives %lld, not %lld", i, (long long)q, cases[i].want);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shifts), cmocka_unit_test(test_multipliers),
                                     cmocka_unit_test(test_two_multipliers), cmocka_unit_test(test_rescaled),
                                     cmocka_unit_test(rescales_as_the_quantisers),
                                     cmocka_unit_test(rescales_wide_sums)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
