/* Objects for every processor that netc knows: they export what is documented, need nothing, and where a
 * cross compiler and an emulator are at hand give what the object of this machine gives: codes bit by bit,
 * floats nearly. */
#include "tests/unit/target_support.h"

#include <math.h>
#include <stdlib.h>

static const char *const networks[] = {"jsc_tiny", "jsc_tiny_117", "test_hhy",
                                       "jsc_s",    "three_layer",  "jsc_toy"};
enum { NETWORKS = sizeof networks / sizeof *networks };

static const char *const formats[] = {"default { input = integer(12, 7), weight = integer(8, 6), bias = "
                                      "integer(16, 8), output = integer(12, 7) }\n"
                                      "batch_norm { weight = integer(16, 8) }",
                                      "default { input = integer(8, 4), weight = integer(8, 6), bias = "
                                      "integer(16, 8), output = integer(8, 4) }\n"
                                      "batch_norm { weight = integer(16, 8) }"};
enum { FORMATS = sizeof formats / sizeof *formats };

/* Refused, with a message that holds the part. */
static void expect_refusal(object_subject *s, const char *target, const char *part) {
  pl_object_request request = {.network = s->graph, .weights = s->weights, .target = target, .codes = true};
  request.options = (pl_options){.print_after = PL_STAGES, .stop_after = PL_STAGES};
  if (pl_object_make(&s->n, &request)) fail_msg("%s: made", target);
  assert_int_equal(s->n.diagnostics.list.count, 1);
  const char *message = s->n.diagnostics.list.at[0].message;
  if (!strstr(message, part)) fail_msg("%s: '%s' does not say '%s'", target, message, part);
  s->n.diagnostics.list.count = s->n.diagnostics.errors = 0;
}

static void test_floats(void **state) {
  (void)state;
  for (uint32_t k = 0; k < NETWORKS; k++) {
    object_subject s;
    object_begin(&s, NULL, networks[k], k);
    for (uint32_t t = 0; t < target_name_count; t++) {
      cg_target target;
      assert_true(target_find(target_names[t], &target));
      if (target.can & CG_CAN_F32) target_check_object(object_make(&s, target_names[t]), target_names[t]);
      else expect_refusal(&s, target_names[t], "' computes with floats, and target '");
    }
    object_end(&s);
  }
}

static bool is_left_out(object_subject *s) {
  if (!s->n.diagnostics.list.count) return false;
  assert_int_equal(s->n.diagnostics.list.count, 1);
  assert_non_null(strstr(s->n.diagnostics.list.at[0].message, "left out '"));
  s->n.diagnostics.list.count = s->n.diagnostics.errors = 0;
  return true;
}

/* As object_make, but functions of floats may be left out, if the target has no floats at all or no long
 * ones. */
static const pl_object *make_integers(object_subject *s, const char *name) {
  cg_target target;
  pl_object_request request = {.network = s->graph, .weights = s->weights, .target = name, .codes = true};
  request.options = (pl_options){.print_after = PL_STAGES, .stop_after = PL_STAGES, .verify = true};
  const pl_object *object = pl_object_make(&s->n, &request);
  bool left_out = is_left_out(s);
  assert_non_null(object);
  assert_true(target_find(name, &target));
  if ((target.can & CG_CAN_ALL) == CG_CAN_ALL) assert_false(left_out);
  if (!(target.can & CG_CAN_F32)) assert_true(left_out);
  assert_int_equal(object->function_count, left_out ? 2 : 4);
  for (uint32_t i = 0; i < object->function_count; i++)
    assert_int_equal(object->functions[i].codes, left_out || i > 1);
  return object;
}

static void test_integers(void **state) {
  (void)state;
  for (uint32_t k = 0; k < NETWORKS; k++)
    for (uint32_t q = 0; q < FORMATS; q++) {
      object_subject s;
      object_begin_quantized(&s, networks[k], formats[q], k);
      for (uint32_t t = 0; t < target_name_count; t++)
        target_check_object(make_integers(&s, target_names[t]), target_names[t]);
      object_end(&s);
    }
}

/* ---- results ---- */

static target_ports sizes_of(const pl_object *object, bool codes) {
  const pl_port *in = codes ? object->code_inputs : object->inputs,
                *out = codes ? object->code_outputs : object->outputs;
  target_ports sizes = {object, codes, in->elements * (uint32_t)net_type_bytes(in->type),
                      out->elements * (uint32_t)net_type_bytes(out->type), NULL};
  for (uint32_t i = 0; i < object->function_count; i++)
    if (object->functions[i].codes == codes && !object->functions[i].rows)
      sizes.name = object->functions[i].name;
  return sizes;
}

/* Codes as they may come: small, so that sums hold many of them, and at times the extremes. */
static void draw_codes(const pl_port *port, uint8_t *x) {
  uint64_t state = 5;
  uint32_t bytes = (uint32_t)net_type_bytes(port->type);
  for (uint32_t i = 0; i < TARGET_ROWS * port->elements; i++) {
    state = state * 6364136223846793005 + 1442695040888963407;
    int64_t code = (int64_t)(state >> 57) - (port->type == NET_U8 || port->type == NET_U16 ? 0 : 64);
    if (!(state >> 40 & 31)) code = bytes == 1 ? -128 : 2047;
    memcpy(x + i * bytes, &code, bytes); /* little-endian here and there */
  }
}

static void compare_floats(const char *target, const float *here, const float *there, uint32_t count) {
  double largest = 0, worst = 0;
  for (uint32_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)here[i]));
  for (uint32_t i = 0; i < count; i++)
    worst = fmax(worst, isnan(there[i]) ? HUGE_VAL : fabs((double)here[i] - (double)there[i]));
  if (worst > largest * 0x1p-20) fail_msg("%s: floats are %g of %g off", target, worst, largest);
}

static void compare_processor(object_subject *s, const pl_object *here, const char *processor,
                              uint32_t tool) {
  cg_target target;
  assert_true(target_find(processor, &target));
  for (int codes = 0; codes < 2; codes++) {
    if (codes ? !here->code_inputs : !(target.can & CG_CAN_F32)) continue;
    const pl_object *there = here->code_inputs ? make_integers(s, processor) : object_make(s, processor);
    target_ports mine = sizes_of(here, codes), its = sizes_of(there, codes);
    if (!its.name) continue; /* left out */
    uint8_t *x = codes ? malloc(TARGET_ROWS * mine.in) : (uint8_t *)object_rows(s, TARGET_ROWS, 3);
    uint8_t *y = malloc(2 * TARGET_ROWS * mine.out), *z = malloc(2 * TARGET_ROWS * mine.out);
    if (codes) draw_codes(here->code_inputs, x);
    target_run_here(&mine, x, y);
    target_run_there(&its, tool, x, z);
    if (!here->code_inputs)
      compare_floats(processor, (float *)y, (float *)z, 2 * TARGET_ROWS * mine.out / (uint32_t)sizeof(float));
    else if (memcmp(y, z, 2 * TARGET_ROWS * mine.out))
      fail_msg("%s: %s differ", processor, codes ? "codes" : "floats");
    if (codes) free(x);
    free(y), free(z);
  }
}

static void test_results(void **state) {
  (void)state;
  uint32_t ran = 0;
  for (uint32_t q = 0; q <= FORMATS; q++)
    for (uint32_t t = 0; t < target_name_count; t++) {
      cg_target target;
      object_subject s;
      assert_true(target_find(target_names[t], &target));
      uint32_t tool = target_tools(target.family);
      if (tool == TARGET_NO_TOOLS) continue;
      if (q < FORMATS) object_begin_quantized(&s, "test_hhy", formats[q], 11);
      else object_begin(&s, NULL, "test_hhy", 11);
      compare_processor(&s, object_make(&s, "x86_64"), target_names[t], tool);
      object_end(&s);
      ran++;
    }
  if (!ran) skip();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_floats), cmocka_unit_test(test_integers),
                                     cmocka_unit_test(test_results)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
