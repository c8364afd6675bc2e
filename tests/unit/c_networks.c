/* Whole networks as C through the pipeline, built by gcc: near the interpreter, the bits of an object whose
 * loops are for one lane too, and nothing undefined but what the object exports. */
#include "tests/unit/object_support.h"

#include "support/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
  const char *network, *text; /* NULL: of the jets */
} networks[] = {
    {"jsc_tiny", NULL},
    {"jsc_toy", NULL},
    {"jsc_s", NULL},
    {"test_hhy", NULL},
    {"three_layer", NULL},
    {"mlp", "network mlp(x: f32[784]) { x -> linear(512) -> relu -> linear(512) -> relu -> linear(10) }"},
    {"smooth", "network smooth(x: f32[12]) { x -> linear(9) -> layer_norm -> tanh -> linear(7) -> sigmoid -> "
               "linear(6) -> "
               "gelu -> linear(5) -> silu -> softmax }"},
    {"branches",
     "network branches(x: f32[2, 6]) {\n  a = x -> linear(4) -> relu\n  b = x -> linear(4) -> leaky_relu\n"
     "  c = add(a, mul(a, b))\n  concat(c, b) -> flatten -> linear(3) -> log_softmax\n}"},
    {"row",
     "network row(double: f32[3]) { double -> for: linear(4) -> main: relu -> linux: linear(2) }"}, /* names
                                                                                                     */
    {"wide", "network wide(x: f32[2]) { x -> linear(5000) -> relu -> linear(3) }"}, /* a caller's scratch */
};
enum { NETWORKS = sizeof networks / sizeof *networks, ROWS = 13 };

static void begin(object_subject *s, uint32_t k) {
  object_begin(s, networks[k].text, networks[k].network, k + 1);
}

/* The C as an object made by the compiler, in place of LLVM's. */
static pl_object built(object_subject *s, const pl_object *c, const char *how) {
  static int count;
  const char *directory = object_directory(), *bytes;
  char source[200], path[200];
  pl_object object = *c;
  snprintf(source, sizeof source, "%s/net%d.c", directory, ++count);
  snprintf(path, sizeof path, "%s/net%d.o", directory, count);
  object_write(source, c->bytes, c->length);
  object_shell("cd %s && %s -fPIC -c net%d.c -o net%d.o", directory, how, count, count);
  object_shell("cd %s && test -z \"$(nm -u net%d.o)\" && nm -g --defined-only net%d.o | wc -l | grep -qx %u",
               directory, count, count, object.function_count);
  assert_true(net_file_read(&s->n, NET_NOWHERE, path, &bytes, &object.length));
  object.bytes = bytes;
  return object;
}

static void run(const object_loaded *l, const object_subject *s, const float *x, float *one, float *batch) {
  uint32_t in = object_width(s, false), out = object_width(s, true);
  for (uint32_t r = 0; r < ROWS; r++) object_call(l, x + r * in, one + r * out);
  object_call_batch(l, ROWS, x, batch);
}

static float *room(const object_subject *s) { return calloc(ROWS * object_width(s, true), sizeof(float)); }

static void check(object_subject *s, const char *network, const object_loaded *c,
                  const object_loaded *object) {
  size_t count = ROWS * object_width(s, true);
  float *x = object_rows(s, ROWS, 3), *expected = room(s), *one = room(s), *batch = room(s),
        *one_object = room(s), *batch_object = room(s);
  object_interpret(s, ROWS, x, expected);
  run(c, s, x, one, batch);
  run(object, s, x, one_object, batch_object);
  double largest = 0, worst = 0;
  for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)expected[i]));
  for (size_t i = 0; i < count; i++) {
    assert_true(isfinite(one[i]));
    worst = fmax(worst, fabs((double)one[i] - (double)expected[i]) / largest / 0x1p-23);
  }
  if (worst > 16) fail_msg("%s: C lies %g units from the interpreter", network, worst);
  if (memcmp(one, batch, count * sizeof *one)) fail_msg("%s: rows give other bits than one row", network);
  if (memcmp(one, one_object, count * sizeof *one))
    fail_msg("%s: C gives other bits than the object", network);
  free(expected), free(one), free(batch), free(one_object), free(batch_object);
}

static void test_networks(void **state) {
  (void)state;
  for (uint32_t k = 0; k < NETWORKS; k++) {
    object_subject s;
    begin(&s, k);
    const pl_object *c = object_make_as(&s, "x86_64_v4", CG_FORM_C); /* the target is nothing to C */
    assert_int_equal(strlen(c->bytes), c->length);
    const pl_object *again = object_make_as(&s, "x86_64", CG_FORM_C);
    assert_int_equal(again->length, c->length);
    assert_memory_equal(again->bytes, c->bytes, c->length);
    pl_object compiled = built(&s, c, "gcc -std=c99 -Wall -Wextra -pedantic -Wconversion -Werror -O2");
    object_loaded from_c, from_llvm;
    assert_true(object_load(&compiled, "scalar", &from_c));
    assert_true(object_load(object_make(&s, "scalar"), "scalar", &from_llvm));
    check(&s, networks[k].network, &from_c, &from_llvm);
    object_unload(&from_c), object_unload(&from_llvm);
    if (getenv("NETC_TEST_TALK"))
      printf("%-12s %8zu bytes of C, %7llu of scratch\n", networks[k].network, c->length,
             (unsigned long long)c->scratch);
    object_end(&s);
  }
}

/* ---- integers ---- */

/* All edges of integers: C, objects and the interpreter agree in every bit. The first is mixed. */
static const char *const rules[] = {
    "linear { input = integer(8, 4), weight = integer(8, 4), bias = integer(8, 4) }",
    "default { input = integer(8, 4), weight = integer(8, 6), bias = integer(16, 8), output = integer(8, 4) "
    "}\n"
    "batch_norm { weight = integer(16, 8) }",
    "default { input = integer(16, 9), weight = integer(16, 12), bias = integer(16, 9), output = integer(16, "
    "9) }\n"
    "batch_norm { weight = integer(16, 10) }",
    "default { input = integer(4, 1), weight = integer(4, 3), bias = integer(8, 4), output = integer(4, 1) "
    "}\n"
    "batch_norm { weight = integer(8, 4) }",
    "default { input = integer(5, 2, rounding = floor, overflow = wrap), weight = integer(3, 2), bias = "
    "integer(8, 4),\n"
    "output = integer(7, 3, unsigned = true, rounding = half_up) }\nbatch_norm { weight = integer(8, 4) }",
    "default { input = integer(8, 4), weight = integer(8, 6), bias = integer(16, 8), output = integer(8, 4) "
    "}\n"
    "batch_norm { weight = integer(16, 8) }\nlinear { weight = ternary }",
    "default { input = integer(8, 4), weight = integer(8, 6), bias = integer(16, 8), output = integer(8, 4) "
    "}\n"
    "batch_norm { weight = integer(16, 8) }\nlinear { weight = binary(bipolar) }",
};
enum { RULES = sizeof rules / sizeof *rules };
static const char *const jets[] = {"jsc_tiny", "test_hhy", "three_layer"};

static float *strange_rows(object_subject *s, uint32_t rows) {
  static const float strange[] = {0,        -0.0f,     1e30f,  -1e30f,   8,         -8,  7.96875f, 0.03125f,
                                  0.09375f, -0.03125f, 1e-40f, INFINITY, -INFINITY, NAN, 127.5f,   -128.5f};
  float *x = object_rows(s, rows, 11);
  for (uint32_t i = 0; i < rows / 4 * object_width(s, false); i++) x[i] = strange[(i * 7 + i / 13) % 16];
  return x;
}

static void check_integers(object_subject *s, const char *what, const object_loaded *c,
                           const object_loaded *object, bool exact) {
  enum { MANY = 3000 };
  uint32_t in = object_width(s, false), out = object_width(s, true);
  float *x = strange_rows(s, MANY), *expected = calloc(3 * MANY * out, sizeof *expected);
  float *one = expected + MANY * out, *other = one + MANY * out;
  if (exact) object_interpret(s, MANY, x, expected);
  for (uint32_t r = 0; r < MANY; r++) object_call(c, x + r * in, one + r * out);
  for (uint32_t r = 0; r < MANY; r++) object_call(object, x + r * in, other + r * out);
  for (uint32_t i = 0; i < MANY * out; i++) {
    bool same = one[i] == other[i] || (isnan(one[i]) && isnan(other[i]));
    if (!same)
      fail_msg("%s: result %u is %a by C, %a by the object", what, i, (double)one[i], (double)other[i]);
    if (exact && one[i] != expected[i])
      fail_msg("%s: result %u is %a by C, %a by the interpreter", what, i, (double)one[i],
               (double)expected[i]);
  }
  object_call_batch(c, MANY, x, other);
  for (uint32_t i = 0; i < MANY * out; i++)
    assert_true(one[i] == other[i] || (isnan(one[i]) && isnan(other[i])));
  free(expected);
}

static void test_integers(void **state) {
  (void)state;
  static const char *const how[] = {
      "gcc -std=c99 -Wall -Wextra -pedantic -Wconversion -Werror -O2",
      "gcc -std=c99 -O1 -fsanitize=undefined,float-cast-overflow -fsanitize-undefined-trap-on-error",
  };
  for (uint32_t k = 0; k < 3; k++)
    for (uint32_t q = 0; q < RULES; q++)
      for (uint32_t h = 0; h < 2; h++) {
        object_subject s;
        object_begin_quantized(&s, jets[k], rules[q], k);
        const pl_object *c = object_make_as(&s, "cortex_m4", CG_FORM_C); /* weights of few bits are packed */
        pl_object compiled = built(&s, c, how[h]);
        object_loaded from_c, from_llvm;
        assert_true(object_load(&compiled, "scalar", &from_c));
        assert_true(object_load(object_make(&s, "scalar"), "scalar", &from_llvm));
        check_integers(&s, net_arena_format(&s.n.arena, "%s, rules %u", jets[k], q), &from_c, &from_llvm,
                       q > 0);
        object_unload(&from_c), object_unload(&from_llvm);
        object_end(&s);
      }
}

/* Flash of a Cortex-M0+ and a Cortex-M4: what a microcontroller's compiler makes of the C. */
static void test_cortex_m(void **state) {
  (void)state;
  static const char *const cores[] = {"-mcpu=cortex-m0plus -mthumb -Os",
                                      "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -O2"};
  if (system("command -v arm-none-eabi-gcc > /dev/null")) {
    fprintf(stderr, "SKIPPED: no arm-none-eabi-gcc (Debian: gcc-arm-none-eabi)\n");
    skip();
  }
  for (uint32_t k = 0; k < 5 + 3; k++)
    for (uint32_t core = 0; core < 2; core++) {
      object_subject s;
      if (k < 5) begin(&s, k);
      else object_begin_quantized(&s, jets[k - 5], rules[1], k);
      const pl_object *c = object_make_as(&s, "x86_64", CG_FORM_C);
      char path[200];
      snprintf(path, sizeof path, "%s/net.c", object_directory());
      object_write(path, c->bytes, c->length);
      object_shell("cd %s && arm-none-eabi-gcc -std=c99 -Wall -Wextra -pedantic -Wconversion -Werror %s -c "
                   "net.c -o net.o",
                   object_directory(), cores[core]);
      /* arithmetic of floats that the core does not have is the compiler's own; nothing else may be missing
       */
      object_shell("cd %s && ! arm-none-eabi-nm -u net.o | grep -v ' __aeabi_'", object_directory());
      object_shell(
          "cd %s && arm-none-eabi-size net.o | awk 'NR == 2 && $2 + $3 == 0 { ok = 1 } END { exit !ok }'",
          object_directory());
      if (getenv("NETC_TEST_TALK")) {
        printf("%-12s%s %s:\n", k < 5 ? networks[k].network : jets[k - 5], k < 5 ? "" : " in 8 bits",
               cores[core]);
        fflush(stdout);
        object_shell("cd %s && arm-none-eabi-size net.o >&2", object_directory());
      }
      object_end(&s);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_networks), cmocka_unit_test(test_integers),
                                     cmocka_unit_test(test_cortex_m)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
