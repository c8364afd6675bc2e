/* Formats whose elements share something, compiled: blocks of many shapes, channels, samples, steps by
 * calibration, draws. */
#include "tests/unit/formats_support.h"
#include "tests/unit/jit_quantizers.h"
#include "tests/unit/recorded.h"

#include <stdlib.h>

/* ---- numbers: what shared things depend on ---- */

enum { FILLS = 12 };

static float usual(uint64_t *state) { return (float)jit_random(state, -2.5, 2.5); }

static float number(uint32_t fill, uint64_t *state, uint64_t i, uint64_t count) {
  uint64_t bits = jit_bits(state);
  float sign = bits & 1 ? -1 : 1;
  switch (fill) {
  case 0: return usual(state);
  case 1: return 0 * sign;
  case 2: return bits >> 8 & 3 ? 0 * sign : usual(state); /* many zeros: blocks of them, mostly */
  case 3: return i * 7 / count % 2 ? 0 * sign : ldexpf(usual(state), -9); /* runs of zeros */
  case 4: return sign * ldexpf(1, (int)(bits >> 8 & 15) - 8);             /* powers of two */
  case 5:
    return sign *
           formats_bits((uint32_t)(119 + (bits >> 8 & 15)) * 0x800000 + (uint32_t)(bits >> 16 & 255) - 128);
  case 6: return bits >> 8 & 7 ? usual(state) : bits >> 16 & 1 ? NAN : sign * INFINITY;
  case 7: return formats_bits((uint32_t)(bits >> 32));
  case 8: return sign * ldexpf((float)(bits >> 8 & 0xFFFF), -149); /* denormals */
  case 9: return sign * ldexpf(usual(state), 120 + (int)(bits >> 8 & 7));
  case 10: return sign * 0.75f;
  default: return ldexpf(usual(state), (int)(bits >> 8 & 63) - 40);
  }
}

static void fill(void *context, uint32_t quantizer, uint32_t call, float *values, uint64_t count) {
  (void)context;
  uint64_t state = (uint64_t)quantizer << 32 | call;
  for (uint64_t i = 0; i < count; i++) values[i] = number(call % FILLS, &state, i, count);
}

/* ---- formats and shapes ---- */

#define MASE ", mase_compatible = true)"
static const char *const formats[] = {
    "block_fp(8, 8, block = 16)",
    "block_fp(8, 8, block = 16" MASE,
    "block_fp(5, 4, block = [2, 3])",
    "block_fp(5, 4, block = [2, 3]" MASE,
    "block_fp(24, 2, block = -1)",
    "block_fp(4, 8, -126, block = [-1, 4])",
    "block_fp(4, 8, 146, block = [4])",
    "block_fp(4, 8, 146, block = [1, 4]" MASE,
    "block_minifloat(8, 4, 4, block = 16)",
    "block_minifloat(8, 4, 4, block = 16" MASE,
    "block_minifloat(4, 2, 8, block = [3, -1])",
    "block_minifloat(4, 2, 8, block = [3, -1]" MASE,
    "block_minifloat(32, 8, 7, block = [2, 2, 2])",
    "block_log(8, 4, block = 16)",
    "block_log(8, 4, block = 16" MASE,
    "block_log(3, 8, block = [1, 5])",
    "block_log(9, 8, block = 3" MASE,
    "block_log(3, 8, block = [2, 3]" MASE, /* zeros show what their blocks borrow */
    "block_log(4, 4, block = 4" MASE,
    "mxint(8, block = 16)",
    "mxint(8, block = 16" MASE,
    "mxint(4, block = [2, 4], scale_bits = 3)",
    "mxint(4, block = [2, 4], scale_bits = 3" MASE,
    "mxint(16, block = [1, 1, 1])",
    "mxfp8_e4m3",
    "mxfp8_e4m3(block = 8" MASE,
    "mxfp8_e5m2(block = [3, 3])",
    "mxfp8_e5m2(block = [3, 3]" MASE,
    "mxfp6_e3m2(block = 5)",
    "mxfp6_e3m2(block = 5" MASE,
    "mxfp6_e2m3",
    "mxfp6_e2m3(mase_compatible = true)",
    "mxfp4(block = 16)",
    "mxfp4(block = 16" MASE,
    "mxint8(block = [-1, 7])",
    "mxint8(block = 4" MASE,
    "binary",
    "binary(bipolar = false)",
    "ternary",
    "ternary(scaled = true)",
    "nf4",
    "nf4(block = [2, 3])",
    "many",
    "plain",
    "scaled_integer(8" MASE,
    "scaled_integer(3, unsigned = true" MASE,
};
enum { FORMATS = sizeof formats / sizeof *formats };

static const char *const shapes[] = {"",      "1",     "7",     "16",      "37",     "64",
                                     "1x1",   "5x16",  "4x9",   "9x33",    "1x20",   "20x1",
                                     "2x3x4", "3x5x7", "4x1x9", "2x3x2x5", "1x2x17", "2x2x2x2x3"};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void define_codebooks(netc *n) {
  const double few[] = {-1, -0.7, -0.5, -0.1, 0, 0.08, 0.16, 0.5, 1};
  double many[100];
  for (int i = 0; i < 100; i++) many[i] = (i - 40) * fabs(i - 40.0) / 70.0;
  net_format_argument scale[] = {{.name = "scale", .kind = NET_FORMAT_WORD, .word = "absmax"},
                                 {.name = "block", .kind = NET_FORMAT_INT, .integer = 8}};
  assert_true(net_format_define(n, "nf4", few, 9, scale, 1, NET_NOWHERE));
  assert_true(net_format_define(n, "plain", few, 9, NULL, 0, NET_NOWHERE));
  assert_true(net_format_define(n, "many", many, 100, scale, 2, NET_NOWHERE));
}

/* Every format with shapes that change from run to run, in batches and without. */
static void try(uint32_t turn, bool batched, uint32_t batch, uint32_t samples, bool fused, bool single) {
  jit_quantizer list[FORMATS];
  for (uint32_t k = 0; k < FORMATS; k++) {
    uint32_t at = (turn * 5 + k * 7) % SHAPES;
    while (batched && strlen(shapes[at]) > 8) at = (at + 1) % SHAPES; /* the batch is a dimension too */
    list[k] = (jit_quantizer){.format = formats[k], .shape = shapes[at], .batched = batched};
  }
  jit_quantizers_run(&(jit_quantizers){.list = list,
                                       .count = FORMATS,
                                       .batch = batch,
                                       .samples = samples,
                                       .calls = FILLS,
                                       .fused = fused,
                                       .single = single,
                                       .fill = fill,
                                       .prepare = define_codebooks});
}

static void test_tensors(void **state) {
  (void)state;
  for (uint32_t turn = 0; turn < 6; turn++) try(turn, false, 1, 1, false, false);
}

static void test_batches(void **state) {
  (void)state;
  for (uint32_t turn = 0; turn < 4; turn++) try(turn, true, turn % 2 ? 40 : 33, 33, turn / 2, false);
}

/* ---- what MASE was given ---- */

typedef struct {
  net_arena arena;
  NET_VEC(jit_quantizer) list;
  NET_VEC(float *) values;
} recorded;

static const char *shape_text(netc *n, const net_shape *shape, uint32_t first) {
  const char *text = "";
  for (uint32_t i = first; i < shape->rank; i++)
    text = net_arena_format(&n->arena, "%s%s%u", text, i > first ? "x" : "", shape->dim[i]);
  return text;
}

static void read_file(netc *n, recorded *all, const char *file, uint32_t batch) {
  char *left = recorded_load(n, file);
  float *set[8];
  const char *set_names[8];
  uint32_t set_sizes[8], sets = 0;
  for (char *rest; (rest = recorded_line(&left));) {
    const char *row = recorded_field(&rest), *name = recorded_field(&rest);
    if (row[0] == '@') {
      set_names[sets] = row + 1;
      set_sizes[sets] = recorded_floats(n, recorded_field(&rest), &set[sets]);
      sets++;
      continue;
    }
    json_t *p = json_loads(recorded_field(&rest), 0, NULL);
    const char *place = recorded_field(&rest), *numbers = recorded_field(&rest),
               *text = recorded_format(n, name, p);
    bool batched = json_is_true(json_object_get(p, "skip_first_dim"));
    json_decref(p);
    if (!text) continue;
    float *values = NULL;
    net_shape shape = {.rank = 1};
    for (uint32_t i = 0; i < sets; i++)
      if (!strcmp(set_names[i], place)) values = set[i], shape.dim[0] = set_sizes[i];
    if (!values) shape = formats_shape(place), recorded_floats(n, numbers, &values);
    if (batched != (batch > 0) || (batched && shape.dim[0] != batch)) continue;
    jit_quantizer q = {.format = net_arena_format(&n->arena, "%s" MASE, text),
                       .shape = shape_text(n, &shape, batched),
                       .batched = batched};
    net_vec_push(&n->arena, &all->list, q);
    net_vec_push(&n->arena, &all->values, values);
  }
}

static void fill_recorded(void *context, uint32_t quantizer, uint32_t call, float *values, uint64_t count) {
  (void)call;
  const recorded *all = context;
  memcpy(values, all->values.at[quantizer], count * sizeof *values);
}

/* Batches come in several sizes. */
static void test_recorded(void **state) {
  (void)state;
  uint32_t rows = 0;
  for (uint32_t batch = 0; batch < 33; batch++) {
    netc n;
    formats_begin(&n);
    recorded all = {.list = {0}};
    read_file(&n, &all, "elementwise.tsv", batch);
    read_file(&n, &all, "block.tsv", batch);
    read_file(&n, &all, "later.tsv", batch);
    rows += all.list.count;
    if (all.list.count)
      jit_quantizers_run(&(jit_quantizers){.list = all.list.at,
                                           .count = all.list.count,
                                           .batch = batch ? batch : 1,
                                           .samples = batch ? batch : 1,
                                           .calls = 1,
                                           .fill = fill_recorded,
                                           .context = &all});
    netc_free(&n);
  }
  printf("%u recorded cases compiled\n", rows);
  assert_true(rows > 180);
}

/* ---- means: one magnitude after the other ---- */

/* 2^54 + 2^30 lies halfway between two floats, and a 1 is lost beside it in double, but many of them at once
 * are not. */
static void fill_rows(void *context, uint32_t quantizer, uint32_t call, float *values, uint64_t count) {
  (void)context, (void)quantizer, (void)call;
  for (uint64_t i = 0; i < count; i++) values[i] = i % 128 == 0 ? 0x1p54f : i % 128 == 1 ? 0x1p30f : 1;
}

static void test_order(void **state) {
  (void)state;
  static const jit_quantizer list[] = {
      {.format = "binary(bipolar = false)", .shape = "128"},
      {.format = "binary(bipolar = false)", .shape = "3x128"},
      {.format = "binary(bipolar = false)", .shape = "2x2x64"},
      {.format = "binary(bipolar = false)", .shape = "128", .batched = true},
      {.format = "binary(bipolar = false)", .shape = "2x64", .batched = true},
      {.format = "ternary", .shape = "128"},
      {.format = "ternary(scaled = true)", .shape = "3x128"},
  };
  for (int fused = 0; fused < 2; fused++)
    jit_quantizers_run(&(jit_quantizers){
        .list = list, .count = 7, .batch = 20, .samples = 20, .calls = 1, .fused = fused, .fill = fill_rows});
}

/* ---- steps, draws ---- */

static const float steps[] = {0.25f, 0.011f, 3, 1e-30f, 0x1p-4f, 1e20f, 0, -1, 0.07f};
static const float zeros[] = {0, 3, -7, 100, -128, 1, 2, -3, 2147483520.0f};

static const jit_quantizer calibrated[] = {
    {.format = "integer(8, auto)", .shape = "9x5", .steps = 1, .step = steps + 4},
    {.format = "integer(8, auto, per = channel)", .shape = "9x5", .steps = 9, .step = steps},
    {.format = "integer(8, auto, per = channel)", .shape = "9x5", .batched = true, .steps = 9, .step = steps},
    {.format = "integer(8, auto, per = channel, rounding = floor, overflow = wrap)",
     .shape = "9",
     .steps = 9,
     .step = steps},
    {.format = "integer(4, 2, ste = learned_step)",
     .shape = "40",
     .batched = true,
     .steps = 1,
     .step = steps + 8},
    {.format = "integer(4, 2, ste = learned_step, per = channel, unsigned = true)",
     .shape = "9x2x3",
     .steps = 9,
     .step = steps},
    {.format = "scaled_integer(8)", .shape = "7x6", .steps = 1, .step = steps + 1},
    {.format = "scaled_integer(8)", .shape = "7x6", .batched = true, .steps = 1, .step = steps + 3},
    {.format = "scaled_integer(8, scheme = affine)",
     .shape = "7x6",
     .batched = true,
     .steps = 1,
     .step = steps + 1,
     .zero = zeros + 2},
    {.format = "scaled_integer(8, per = channel, scheme = affine)",
     .shape = "9x4",
     .batched = true,
     .steps = 9,
     .step = steps,
     .zero = zeros},
    {.format = "scaled_integer(8, per = channel, scheme = affine, unsigned = true)",
     .shape = "9x4",
     .steps = 9,
     .step = steps,
     .zero = zeros},
    {.format = "scaled_integer(32, per = channel, scheme = affine)",
     .shape = "9",
     .steps = 9,
     .step = steps,
     .zero = zeros},
    {.format = "scaled_integer(8, per = channel)", .shape = "1x4", .steps = 1, .step = steps + 1},
    {.format = "scaled_integer(8" MASE, .shape = "7x6", .batched = true, .steps = 1, .step = steps + 1},
    {.format = "binary(stochastic = true)", .shape = "13", .batched = true, .training = true},
    {.format = "binary(stochastic = true)", .shape = "13", .batched = true},
    {.format = "binary(bipolar = false, stochastic = true)",
     .shape = "3x7",
     .batched = true,
     .training = true},
    {.format = "binary(bipolar = false, stochastic = true)", .shape = "3x7", .training = true},
    {.format = "binary(stochastic = true)", .shape = "", .batched = true, .training = true},
};

static void test_steps(void **state) {
  (void)state;
  for (int fused = 0; fused < 2; fused++)
    jit_quantizers_run(&(jit_quantizers){.list = calibrated,
                                         .count = sizeof calibrated / sizeof *calibrated,
                                         .batch = 50,
                                         .samples = fused ? 50 : 31,
                                         .calls = FILLS,
                                         .fused = fused,
                                         .fill = fill});
}

/* One sample by itself: lanes are elements of its rows. */
static void test_single(void **state) {
  (void)state;
  for (uint32_t turn = 0; turn < 6; turn++) try(turn, true, 1, 1, turn % 2, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tensors), cmocka_unit_test(test_batches),
                                     cmocka_unit_test(test_single), cmocka_unit_test(test_recorded),
                                     cmocka_unit_test(test_order), cmocka_unit_test(test_steps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
