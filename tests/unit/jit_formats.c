/* Formats of single elements, compiled: on bit patterns at random, and on edges. */
#include "tests/unit/jit_quantizers.h"

#include <stdlib.h>

enum { LENGTH = 4096, CALLS = 256 }; /* 2^20 floats for each format */

/* ---- numbers ---- */

static float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Beside powers of two and their middles, where logarithms that are rounded to binary32 are decided. */
static float beside_logarithm(uint64_t bits) {
  static const uint32_t mantissas[] = {0, 0x800000, 0x3504F3, 0x400000}; /* of 1, 2, √2, 1.5 */
  uint32_t offset = (uint32_t)(bits >> 8 & 255) - 128, exponent = (uint32_t)(bits >> 16 & 255) % 250 + 2;
  uint32_t code = (exponent << 23) + mantissas[bits >> 24 & 3] + offset;
  return float_of(code | (uint32_t)(bits & 1) << 31);
}

/* A quarter of the calls has any bits, half has floats about the size of a step, or beside logarithms, the
 * rest is edges: a step, half of one, a power of two, with what lies beside them. */
static void fill(void *context, uint32_t quantizer, uint32_t call, float *values, uint64_t count) {
  (void)context;
  uint64_t state = (uint64_t)quantizer << 32 | call;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t bits = jit_bits(&state);
    float sign = bits & 1 ? -1 : 1;
    if (call % 4 == 0) {
      values[i] = float_of((uint32_t)(bits >> 32));
    } else if (call % 8 == 5) {
      values[i] = beside_logarithm(bits);
    } else if (call % 4 < 3) {
      double size = exp2(jit_random(&state, -12, 12));
      values[i] = sign * (float)size;
    } else {
      int exponent = (int)(bits >> 8 & 63) - 32 - (bits >> 20 & 7 ? 0 : (int)(bits >> 24 & 255) - 100);
      float edge = ldexpf((float)(1 + (bits >> 40 & 1023)) / 2, exponent % 140);
      int beside = (int)(bits >> 52 & 3);
      values[i] = sign * (beside == 1   ? nextafterf(edge, 0)
                          : beside == 2 ? nextafterf(edge, INFINITY)
                                        : edge);
    }
  }
  static const float special[] = {0.0f,       -0.0f,      INFINITY,         -INFINITY,      NAN,
                                  0x1p-149f,  -0x1p-149f, 0x1p-126f,        -0x1p-126f,     0x1.fffffep-127f,
                                  0x1.fffffep127f,        -0x1.fffffep127f, 1,              -1,
                                  1e-8f,      -1e-8f,     0x1p127f};
  for (uint32_t i = 0; i < sizeof special / sizeof *special; i++) values[i * 37 % count] = special[i];
}

/* ---- formats ---- */

static const char *const formats[] = {
    "float32",
    "bfloat16",
    "float16",
    "integer(8, 4)",
    "integer(8, auto)",
    "integer(1, 0)",
    "integer(4, 6)",
    "integer(8, -3)",
    "integer(16, 8, unsigned = true)",
    "integer(24, 12)",
    "integer(32, 16)",
    "integer(32, 126)",
    "integer(8, -95)",
    "integer(5, 126)",
    "integer(32, 0, unsigned = true)",
    "integer(8, 4, rounding = half_up)",
    "integer(8, 4, rounding = floor)",
    "integer(8, 4, rounding = zero)",
    "integer(8, 4, overflow = symmetric)",
    "integer(32, 31, overflow = symmetric, rounding = half_up)",
    "integer(8, 4, overflow = wrap)",
    "integer(8, 4, unsigned = true, overflow = wrap)",
    "integer(8, 4, overflow = wrap, rounding = floor)",
    "integer(1, 0, overflow = wrap)",
    "integer(32, 16, overflow = wrap, rounding = zero)",
    "integer(32, 8, unsigned = true, overflow = wrap, rounding = half_up)",
    "integer(16, 120, overflow = wrap)",
    "ap_fixed(16, 6)",
    "scaled_integer(8)",
    "scaled_integer(32)",
    "scaled_integer(2, unsigned = true)",
    "minifloat(8, 4)",
    "minifloat(8, 4, mase_compatible = true)",
    "minifloat(8, 5)",
    "minifloat(4, 2)",
    "minifloat(2, 1)",
    "minifloat(2, 1, mase_compatible = true)",
    "minifloat(9, 8)",
    "minifloat(16, 8)",
    "minifloat(16, 8, mase_compatible = true)",
    "minifloat(32, 8)",
    "minifloat(32, 8, mase_compatible = true)",
    "minifloat(25, 1, 0)",
    "minifloat(8, 3, -126)",
    "minifloat(8, 3, -126, mase_compatible = true)",
    "minifloat(8, 4, 147)",
    "minifloat(8, 4, 147, mase_compatible = true)",
    "minifloat(4, 3, 149)",
    "minifloat_denorm(8, 4)",
    "minifloat_denorm(8, 4, mase_compatible = true)",
    "minifloat_denorm(3, 1)",
    "minifloat_denorm(32, 8, 126)",
    "minifloat_denorm(32, 8, 126, mase_compatible = true)",
    "minifloat_denorm(8, 3, -126)",
    "minifloat_denorm(8, 3, -126, mase_compatible = true)",
    "minifloat_denorm(8, 4, 146)",
    "minifloat_denorm(8, 4, 146, mase_compatible = true)",
    "log(8)",
    "log(8, mase_compatible = true)",
    "log(4)",
    "log(2)",
    "log(4, 0, mase_compatible = true)",
    "log(9, 149)",
    "log(9, 149, mase_compatible = true)",
    "log(9, -126)",
    "log(9)",
    "log(9, mase_compatible = true)",
    "residual_binary(1)",
    "residual_binary(2)",
    "residual_binary(2, mase_compatible = true)",
    "residual_binary(8)",
    "binary",
    "nf4(ste = clipped)",
    "plain",
    "many",
};
enum { FORMATS = sizeof formats / sizeof *formats, GROUP = 12 };

/* Values at uneven distances, two of them nearly alike; more than are looked through at once. */
static void define_codebooks(netc *n) {
  const double few[] = {-1, -0.7, -0.5, -0.1, 0, 0.08, 0.16, 0x1.4cccccp-3, 0.5, 1, 3e30};
  double many[300];
  for (int i = 0; i < 300; i++) many[i] = (i - 140) * fabs(i - 140.0) / 700.0;
  net_format_argument absmax = {.name = "scale", .kind = NET_FORMAT_WORD, .word = "absmax"};
  assert_true(net_format_define(n, "nf4", few, 10, &absmax, 1, NET_NOWHERE));
  assert_true(net_format_define(n, "plain", few, 11, NULL, 0, NET_NOWHERE));
  assert_true(net_format_define(n, "many", many, 300, NULL, 0, NET_NOWHERE));
}

static void test_elements(void **state) {
  (void)state;
  uint64_t compared = 0;
  for (uint32_t first = 0; first < FORMATS; first += GROUP) {
    jit_quantizer list[GROUP];
    uint32_t count = FORMATS - first < GROUP ? FORMATS - first : GROUP;
    for (uint32_t k = 0; k < count; k++)
      list[k] = (jit_quantizer){.format = formats[first + k], .shape = "4096"};
    compared += jit_quantizers_run(&(jit_quantizers){.list = list,
                                                     .count = count,
                                                     .batch = 1,
                                                     .samples = 1,
                                                     .calls = CALLS,
                                                     .fill = fill,
                                                     .prepare = define_codebooks});
  }
  printf("%llu elements compared\n", (unsigned long long)compared);
}

/* In batches lanes are samples. */
static void test_batches(void **state) {
  (void)state;
  jit_quantizer list[FORMATS];
  for (uint32_t k = 0; k < FORMATS; k++)
    list[k] = (jit_quantizer){.format = formats[k], .shape = k % 3 ? "29" : "3x7", .batched = true};
  for (int fused = 0; fused < 2; fused++)
    jit_quantizers_run(&(jit_quantizers){.list = list,
                                         .count = FORMATS,
                                         .batch = 100,
                                         .samples = fused ? 100 : 83,
                                         .calls = 4,
                                         .fused = fused,
                                         .fill = fill,
                                         .prepare = define_codebooks});
}

/* One sample by itself: lanes are elements of its rows. */
static void test_single(void **state) {
  (void)state;
  jit_quantizer list[FORMATS];
  for (uint32_t k = 0; k < FORMATS; k++)
    list[k] = (jit_quantizer){.format = formats[k], .shape = k % 3 ? "29" : "3x7", .batched = true};
  for (int fused = 0; fused < 2; fused++)
    jit_quantizers_run(&(jit_quantizers){.list = list,
                                         .count = FORMATS,
                                         .batch = 1,
                                         .samples = 1,
                                         .calls = 40,
                                         .fused = fused,
                                         .single = true,
                                         .fill = fill,
                                         .prepare = define_codebooks});
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_elements), cmocka_unit_test(test_batches),
                                     cmocka_unit_test(test_single)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
