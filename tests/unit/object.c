/* pipeline/object: objects of the shipped networks are nothing but their documented functions and constants,
 * link with nothing, and give what the interpreter gives. */
#include "tests/unit/object_support.h"

#include "formats/formats.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const networks[] = {"jsc_tiny", "jsc_tiny_117", "test_hhy",
                                       "jsc_s",    "three_layer",  "jsc_toy"};
enum { NETWORKS = sizeof networks / sizeof *networks };

static const char mlp[] =
    "network mlp(x: f32[784]) { x -> linear(512) -> relu -> linear(512) -> relu -> linear(10) }";

/* ---- emission discipline ---- */

/* Exactly the functions are exported, everything else is local, nothing is missing, nothing is writable. */
static void check_object(const pl_object *object, const char *target) {
  cg_elf elf;
  assert_true(cg_elf_open(&elf, object->bytes, object->length, SHT_SYMTAB));
  uint32_t exported = 0;
  for (uint32_t i = 1; i < elf.symbol_count; i++) {
    cg_elf_symbol symbol = cg_elf_symbol_at(&elf, i);
    if (symbol.section == SHN_UNDEF) fail_msg("%s: needs '%s'", target, symbol.name);
    if (symbol.bind == STB_LOCAL) continue;
    bool known = object->description_name && !strcmp(symbol.name, object->description_name);
    for (uint32_t k = 0; k < object->function_count; k++)
      known |= !strcmp(symbol.name, object->functions[k].name);
    if (!known) fail_msg("%s: exports '%s'", target, symbol.name);
    assert_int_equal(symbol.visibility, STV_DEFAULT);
    exported++;
  }
  assert_int_equal(exported, object->function_count + (object->description_name != NULL));
  bool stack_note = false;
  uint64_t flash = 0, writable = 0;
  for (uint32_t i = 1; i < elf.section_count; i++) {
    cg_elf_section s = cg_elf_section_at(&elf, i);
    if (!strcmp(s.name, ".note.GNU-stack")) {
      stack_note = true;
      assert_false(s.flags & SHF_EXECINSTR);
    }
    if (s.flags & SHF_ALLOC && s.flags & SHF_WRITE && s.size) {
      writable += s.size;
      if (strcmp(target, OBJECT_MULTIVERSION)) fail_msg("%s: '%s' is writable", target, s.name);
      assert_int_equal(s.type, SHT_NOBITS);
    } else if (s.flags & SHF_ALLOC) {
      flash += s.size;
    }
  }
  assert_true(stack_note);
  assert_int_equal(flash, object->flash);
  assert_int_equal(object->ram, writable);
  assert_int_equal(writable, strcmp(target, OBJECT_MULTIVERSION) ? 0 : sizeof(uint32_t));
  assert_true(object->code > 0);
}

static void test_discipline(void **state) {
  (void)state;
  for (uint32_t k = 0; k <= NETWORKS; k++)
    for (uint32_t t = 0; object_targets[t]; t++) {
      object_subject s;
      object_begin(&s, k == NETWORKS ? mlp : NULL, k == NETWORKS ? "mlp" : networks[k], k);
      const pl_object *object = object_make(&s, object_targets[t]);
      check_object(object, object_targets[t]);
      if (getenv("NETC_TEST_TALK"))
        printf("%-12s %-10s code %7llu data %7llu stack %6llu scratch %6llu tile %3u %.3f s\n",
               k == NETWORKS ? "mlp" : networks[k], object_targets[t], (unsigned long long)object->code,
               (unsigned long long)object->data, (unsigned long long)object->stack,
               (unsigned long long)object->scratch, object->functions[1].tile, object->seconds);
      object_end(&s);
    }
}

/* ---- results ---- */

/* Largest distance of `count` results, in units of 2^-23 of the largest magnitude of all. */
static double distance(uint32_t count, const float *expected, const float *actual, double largest) {
  double worst = 0;
  for (uint32_t i = 0; i < count; i++)
    worst = fmax(worst, isnan(actual[i]) ? HUGE_VAL : fabs((double)expected[i] - (double)actual[i]));
  return worst / largest / 0x1p-23;
}

/* Counts of rows around tiles: rows behind the last must stay as they were, results be the same in any batch.
 */
static void check_results(object_subject *s, const object_loaded *l, uint32_t tile) {
  const uint32_t counts[] = {0, 1, 2, tile - 1, tile, tile + 1, 2 * tile, 3 * tile - 1};
  enum { COUNTS = sizeof counts / sizeof *counts, CANARY = 16 };
  uint32_t rows = 3 * tile, in = object_width(s, false), out = object_width(s, true);
  float *x = object_rows(s, rows, 7), *expected = calloc(rows * out + CANARY, sizeof *expected);
  /* rows that end where memory ends, and begin where no vector does */
  float *near = malloc((rows * in + 1) * sizeof *near), *y = malloc((rows * out + CANARY + 1) * sizeof *y);
  object_interpret(s, rows, x, expected);
  double worst = 0, largest = 0;
  for (uint32_t i = 0; i < rows * out; i++) largest = fmax(largest, fabs((double)expected[i]));
  for (uint32_t k = 0; k < COUNTS; k++) {
    memcpy(near + 1, x, counts[k] * in * sizeof *x);
    for (uint32_t i = 0; i < rows * out + CANARY; i++) y[i + 1] = 12345;
    object_call_batch(l, counts[k], near + 1, y + 1);
    worst = fmax(worst, distance(counts[k] * out, expected, y + 1, largest));
    for (uint32_t i = counts[k] * out; i < rows * out + CANARY; i++) assert_true(y[i + 1] == 12345);
  }
  for (uint32_t r = 0; r < rows; r++) {
    memcpy(near + 1, x + r * in, in * sizeof *x);
    for (uint32_t i = 0; i < out + CANARY; i++) y[i + 1] = 12345;
    object_call(l, near + 1, y + 1);
    worst = fmax(worst, distance(out, expected + r * out, y + 1, largest));
    for (uint32_t i = out; i < out + CANARY; i++) assert_true(y[i + 1] == 12345);
  }
  if (worst > 8) fail_msg("results are %g ulps off", worst);
  free(expected), free(near), free(y);
}

static void test_results(void **state) {
  (void)state;
  for (uint32_t k = 0; k <= NETWORKS; k++)
    for (uint32_t t = 0; object_targets[t]; t++) {
      object_subject s;
      object_begin(&s, k == NETWORKS ? mlp : NULL, k == NETWORKS ? "mlp" : networks[k], k);
      const pl_object *object = object_make(&s, object_targets[t]);
      object_loaded loaded;
      if (object_load(object, object_targets[t], &loaded)) {
        check_results(&s, &loaded, object->functions[1].tile);
        object_unload(&loaded);
      }
      object_end(&s);
    }
}

/* ---- integers ---- */

/* Formats, and how many of a thousand results may differ from the emulation: none where all edges are
 * integers; else where a float lies near the middle between two codes. */
static const struct {
  const char *rules;
  uint32_t differ;
} formats[] = {
    {"linear { input = integer(8, 4), weight = integer(8, 4), bias = integer(8, 4) }", 5},
    {"default { input = integer(8, 4), weight = integer(8, 6), bias = integer(16, 8), output = integer(8, 4) "
     "}\n"
     "batch_norm { weight = integer(16, 8) }",
     0},
    {"default { input = integer(16, 9), weight = integer(16, 12), bias = integer(16, 9), output = "
     "integer(16, 9) }\n"
     "batch_norm { weight = integer(16, 10) }",
     0},
    {"default { input = integer(4, 1), weight = integer(4, 3), bias = integer(8, 4), output = integer(4, 1) "
     "}\n"
     "batch_norm { weight = integer(8, 4) }",
     0},
    {"linear { input = integer(8, 4, unsigned = true), weight = integer(8, 4), bias = integer(8, 4) }", 5},
};

/* Rows of ordinary and of extreme numbers. */
static float *rows_to_quantize(object_subject *s, uint32_t rows) {
  float *x = object_rows(s, rows, 11);
  static const float extreme[] = {0,        -0.0f,     1e30f,  -1e30f,   8,         -8,  7.96875f, 0.03125f,
                                  0.09375f, -0.03125f, 1e-40f, INFINITY, -INFINITY, NAN, 127.5f,   -128.5f};
  uint32_t width = object_width(s, false);
  for (uint32_t i = 0; i < rows / 4 * width; i++) x[i] = extreme[(i * 7 + i / 13) % 16];
  return x;
}

static void check_integers(object_subject *s, const object_loaded *l, const char *network, uint32_t differ) {
  enum { ROWS = 500 };
  uint32_t in = object_width(s, false), out = object_width(s, true);
  float *x = rows_to_quantize(s, ROWS), *expected = calloc(3 * ROWS * out, sizeof *expected);
  float *batch = expected + ROWS * out, *one = batch + ROWS * out;
  object_interpret(s, ROWS, x, expected);
  object_call_batch(l, ROWS, x, batch);
  for (uint32_t r = 0; r < ROWS; r++) object_call(l, x + r * in, one + r * out);
  /* the last layer of a mixed network may be one of floats */
  double largest = 0, bound;
  for (uint32_t i = 0; i < ROWS * out; i++) largest = fmax(largest, fabs((double)expected[i]));
  bound = differ ? 8 * 0x1p-23 * largest : 0;
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < ROWS * out; i++)
    wrong += !(fabs((double)batch[i] - (double)expected[i]) <= bound) +
             !(fabs((double)one[i] - (double)expected[i]) <= bound);
  if (1000 * wrong > differ * 2 * ROWS * out)
    fail_msg("%s: %u of %u results differ", network, wrong, 2 * ROWS * out);
  free(expected);
}

static void test_integers(void **state) {
  (void)state;
  for (uint32_t k = 0; k < NETWORKS; k += 2) /* every other one */
    for (uint32_t q = 0; q < sizeof formats / sizeof *formats; q++)
      for (uint32_t t = 0; object_targets[t]; t++) {
        object_subject s;
        object_begin_quantized(&s, networks[k], formats[q].rules, k);
        const pl_object *object = object_make(&s, object_targets[t]);
        check_object(object, object_targets[t]);
        object_loaded loaded;
        if (object_load(object, object_targets[t], &loaded)) {
          check_integers(&s, &loaded, networks[k], formats[q].differ);
          object_unload(&loaded);
        }
        object_end(&s);
      }
}

/* ---- codes ---- */

/* Functions on codes give the codes of what the others give; out of the range of none is any of them. */
static void check_codes(object_subject *s, const pl_object *object, const object_loaded *l) {
  enum { ROWS = 300 };
  const pl_port *in = &object->code_inputs[0], *out = &object->code_outputs[0];
  void (*one)(const void *, void *), (*batch)(size_t, const void *, void *);
  void *symbols[2] = {dlsym(l->handle, object->functions[2].name),
                      dlsym(l->handle, object->functions[3].name)};
  assert_non_null(symbols[0]);
  assert_non_null(symbols[1]);
  memcpy(&one, &symbols[0], sizeof one), memcpy(&batch, &symbols[1], sizeof batch);
  assert_true(in->type == NET_I8 || in->type == NET_U8);
  assert_true(out->type == NET_I8 || out->type == NET_U8);
  double in_unit = 0x1p-4, out_unit = 0x1p-4;
  uint8_t *q = malloc(ROWS * in->elements), *y = malloc(ROWS * out->elements), *alone = malloc(out->elements);
  float *x = malloc(ROWS * in->elements * sizeof *x), *z = malloc(ROWS * out->elements * sizeof *z);
  for (uint32_t i = 0; i < ROWS * in->elements; i++) {
    q[i] = (uint8_t)(i * 2654435761u >> 24);
    x[i] = (float)((in->type == NET_U8 ? (double)q[i] : (double)(int8_t)q[i]) * in_unit);
  }
  object_call_batch(l, ROWS, x, z);
  batch(ROWS, q, y);
  for (uint32_t r = 0; r < ROWS; r++) {
    one(q + r * in->elements, alone);
    assert_memory_equal(alone, y + r * out->elements, out->elements);
  }
  for (uint32_t i = 0; i < ROWS * out->elements; i++) {
    double value = (out->type == NET_U8 ? (double)y[i] : (double)(int8_t)y[i]) * out_unit;
    if (value != (double)z[i]) fail_msg("code %d stands for %g, not %g", y[i], value, (double)z[i]);
  }
  free(q), free(y), free(alone), free(x), free(z);
  (void)s;
}

static void test_codes(void **state) {
  (void)state;
  for (uint32_t k = 0; k < NETWORKS; k += 2)
    for (uint32_t t = 0; object_targets[t]; t++) {
      object_subject s;
      object_begin_quantized(&s, networks[k], formats[1].rules, k);
      const pl_object *object = object_make(&s, object_targets[t]);
      assert_int_equal(object->function_count, 4);
      assert_true(object->functions[2].codes && object->functions[3].codes);
      assert_string_equal(object->functions[2].name, net_arena_format(&s.n.arena, "%s_q", networks[k]));
      assert_string_equal(net_format_text(&s.n, object->code_inputs[0].format), "integer(8, 4)");
      object_loaded loaded;
      if (object_load(object, object_targets[t], &loaded)) {
        check_codes(&s, object, &loaded);
        object_unload(&loaded);
      }
      object_end(&s);
    }
}

/* Where something else than one quantiser reads the input there are none. */
static void test_no_codes(void **state) {
  (void)state;
  object_subject s;
  object_begin(&s, NULL, "three_layer", 1);
  assert_int_equal(object_make(&s, "x86_64")->function_count, 2);
  object_end(&s);
  object_begin_quantized(&s, "test_hhy", formats[0].rules, 1); /* a batch-norm of floats comes first */
  const pl_object *object = object_make(&s, "x86_64");
  assert_int_equal(object->function_count, 2);
  assert_null(object->code_inputs);
  object_end(&s);
}

/* The smallest of the jets' networks in eight bits is small. */
static void test_size(void **state) {
  (void)state;
  object_subject s;
  object_begin_quantized(&s, "jsc_tiny", formats[0].rules, 1);
  const pl_object *object = object_make(&s, "x86_64");
  assert_true(object->flash < 4096);
  assert_int_equal(object->flash, object->code + object->data);
  object_end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_discipline), cmocka_unit_test(test_results),
                                     cmocka_unit_test(test_integers), cmocka_unit_test(test_size),
                                     cmocka_unit_test(test_codes),    cmocka_unit_test(test_no_codes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
