/* Checkpoints: what is written comes back bit for bit, and what is broken gives one error. */
#include "hand_run.h"

#include "runtime/checkpoint.h"
#include "support/file.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- there and back ---- */

static uint32_t bits(float f) {
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  return u;
}

static void test_round_trip(void **state) {
  (void)state;
  hand_run *run = hand_run_make(20, 0, 8, 1);
  run->spec.seed = UINT64_MAX;
  run->spec.program_text = "# \"quoted\"\n\tnetwork n(x: f32[4]) { … }\n";
  float *variables = hand_variables(&run->n.arena, run->program, 1);
  uint32_t odd[] = {0x80000000, 0x00000001, 0x7F7FFFFF,
                    0x7F800000, 0xFFC12345, 0x3DCCCCCD}; /* −0, smallest, NaN … */
  memcpy(variables, odd, sizeof odd);
  rt_position at = {.epoch = 3,
                    .step = 2,
                    .steps = 4000000000u,
                    .loss = 0.1,
                    .weight = 1.0 / 3,
                    .correct = 12345,
                    .best_epoch = 2,
                    .best_loss = DBL_MIN};
  rt_snapshot s = {.program = run->program, .spec = &run->spec, .position = &at, .variables = variables,
                   .normalization = run->data->normalization, .input_count = 1, .rows = 20,
                   .classes = run->data->classes, .class_count = 3, .state = true};
  assert_true(rt_checkpoint_save(&run->n, hand_path(run, "a"), &s, false));
  rt_checkpoint *c = rt_checkpoint_open(&run->n, hand_path(run, "a"));
  assert_non_null(c);
  assert_true(rt_checkpoint_is_netc(c));
  assert_string_equal(rt_checkpoint_program(c), run->spec.program_text);
  assert_string_equal(rt_checkpoint_metadata(c, "seed"), "18446744073709551615");
  assert_string_equal(rt_checkpoint_metadata(c, "target"), "by-hand");
  assert_string_equal(rt_checkpoint_metadata(c, "settings"), "train.epochs = 3\n");
  assert_null(rt_checkpoint_metadata(c, "time"));
  rt_position back;
  assert_true(rt_checkpoint_position(&run->n, c, &back));
  assert_true(back.epoch == 3 && back.step == 2 && back.steps == 4000000000u && back.loss == 0.1 &&
              back.weight == 1.0 / 3 && back.correct == 12345 && back.best_epoch == 2 &&
              back.best_loss == DBL_MIN);
  uint32_t count, extra = 0;
  const char **classes = rt_checkpoint_classes(&run->n, c, &count);
  assert_int_equal(count, 3);
  assert_string_equal(classes[1], "grün");
  const rt_fitted *fitted = rt_checkpoint_normalization(&run->n, c, &count);
  assert_int_equal(count, 1);
  assert_true(fitted->width == HAND_INPUTS && fitted->step_count == 1 &&
              fitted->steps[0].kind == RT_STANDARD);
  for (int i = 0; i < HAND_INPUTS; i++) {
    assert_int_equal(bits(fitted->steps[0].offset[i]), bits(run->data->normalization->steps[0].offset[i]));
    assert_int_equal(bits(fitted->steps[0].factor[i]), bits(run->data->normalization->steps[0].factor[i]));
  }
  assert_int_equal(rt_checkpoint_tensors(c), run->program->variable_count + 2);
  for (uint32_t i = 0; i < run->program->variable_count; i++) {
    net_tensor t;
    assert_string_equal(rt_checkpoint_tensor(c, i, &t), run->program->variables[i].name);
    assert_memory_equal(t.data, variables + run->program->variables[i].offset, net_tensor_bytes(&t));
    extra += rt_checkpoint_is_extra(c, i);
  }
  assert_int_equal(extra, 8); /* Adam's */
  /* best has neither those … */
  s.state = false;
  assert_true(rt_checkpoint_save(&run->n, hand_path(run, "b"), &s, true));
  c = rt_checkpoint_open(&run->n, hand_path(run, "b"));
  assert_int_equal(rt_checkpoint_tensors(c), 5 + 2);
  /* … nor anything that differs from one time to the next */
  assert_true(rt_checkpoint_save(&run->n, hand_path(run, "c"), &s, false));
  assert_true(hand_same_file(run, "b", run, "c"));
  hand_run_free(run);
}

/* The file as any reader of the format sees it. */
static void test_layout(void **state) {
  (void)state;
  hand_run *run = hand_run_make(20, 10, 8, 1);
  assert_int_equal(hand_train(run, false), RT_DONE);
  const char *text;
  size_t length;
  assert_true(net_file_read(&run->n, NET_NOWHERE, hand_path(run, "best.safetensors"), &text, &length));
  uint64_t header;
  memcpy(&header, text, 8);
  assert_int_equal((header + 8) % 64, 0);
  assert_int_equal(length, 8 + header + 4 * (32 + 8 + 24 + 3 + 4 + 4 + 4));
  const char *start = "{\"__metadata__\":{\"netc_format\":\"1\",\"netc_version\":\"";
  assert_memory_equal(text + 8, start, strlen(start));
  assert_non_null(
      strstr(text + 8, "\"linear_1.weight\":{\"dtype\":\"F32\",\"shape\":[8,4],\"data_offsets\":[0,128]}"));
  hand_run_free(run);
}

static void test_bad_text(void **state) {
  (void)state;
  hand_run *run = hand_run_make(20, 10, 8, 1);
  run->spec.program_text = "# caf\xE9\n";
  assert_int_equal(hand_train(run, false), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "the text of 'program' is not UTF-8"));
  assert_false(hand_exists(run, "last.safetensors"));
  hand_run_free(run);
}

/* ---- garbage ---- */

static void test_garbage(void **state) {
  (void)state;
  static const struct {
    const char *header;
    size_t data;
    const char *message;
  } cases[] = {
      {"", 0, "its header at byte 0"},
      {"nonsense", 0, "not a safetensors file: its header at byte"},
      {"[]", 0, "its header is no object"},
      {"{\"a\":1}", 0, "tensor 'a' has no type"},
      {"{\"a\":{\"dtype\":7,\"shape\":[],\"data_offsets\":[0,4]}}", 4, "tensor 'a' has no type"},
      {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4,
       "has type F8_E4M3, which netc does not know"},
      {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "has no shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "impossible shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "impossible shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296],\"data_offsets\":[0,4]}}", 4, "impossible shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967295,4294967295,4294967295],\"data_offsets\":[0,4]}}", 4,
       "impossible shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
       "has 7 dimensions; netc reads up to 6"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "has no offsets"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4]}}", 4, "has no offsets"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "has no offsets"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "has no offsets"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[\"0\",4]}}", 4, "has no offsets"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4,
       "ends at byte 8 of 4: the file is truncated"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
       "has 4 bytes where its type and shape need 8"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8, "end at byte 4 of 8"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8,
       "tensor 'a' begins at byte 4 where the one before it ends at 0"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":["
       "2],\"data_offsets\":[4,12]}}",
       12, "tensor 'b' begins at byte 4 where the one before it ends at 8"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":["
       "1],\"data_offsets\":[4,8]}}",
       8, "duplicate object key"},
      {"{\"__metadata__\":[]}", 0, "its metadata is no object"},
      {"{\"__metadata__\":{\"a\":1}}", 0, "metadata 'a' is no string"},
      {"{\"__metadata__\":{\"netc_format\":\"2\"}}", 0,
       "its netc_format is 2, and this netc knows format 1 only"},
      {"{\"__metadata__\":{\"netc_format\":\"1\"}}", 0, "its metadata 'state' is missing"},
      {"{\"__metadata__\":{\"netc_format\":\"1\",\"state\":\"[1]\"}}", 0,
       "its metadata 'state' is no list of names"},
      {"{\"__metadata__\":{\"netc_format\":\"1\",\"state\":\"{\"}}", 0, "its metadata 'state' is broken"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    netc_init(&n, NULL);
    assert_null(hand_parse(&n, cases[i].header, cases[i].data));
    assert_int_equal(n.diagnostics.list.count, 1);
    const char *said = n.diagnostics.list.at[0].message;
    if (strncmp(said, "cannot read x.safetensors: ", 27) || !strstr(said, cases[i].message))
      fail_msg("'%s' said of %s", said, cases[i].header);
    netc_free(&n);
  }
}

/* A file that is well-formed, but does not say what a checkpoint must. */
static void test_broken_metadata(void **state) {
  (void)state;
  static const char *const normalizations[] = {
      "{}",
      "[1]",
      "[{\\\"width\\\":2}]",
      "[{\\\"width\\\":0,\\\"steps\\\":[]}]",
      "[{\\\"width\\\":2,\\\"steps\\\":[\\\"square\\\"]}]",
      "[{\\\"width\\\":2,\\\"steps\\\":[7]}]",
      "[{\\\"width\\\":3,\\\"steps\\\":[\\\"standard\\\"]}]",              /* its tensors have two elements */
      "[{\\\"width\\\":2,\\\"steps\\\":[\\\"standard\\\",\\\"clip\\\"]}]", /* of its second there is none */
  };
  static const char *const runs[] = {
      "[]",
      "{}",
      "{\\\"epoch\\\":1,\\\"step\\\":0,\\\"steps\\\":5,\\\"loss\\\":0.5,\\\"weight\\\":1.0,\\\"correct\\\":-"
      "1,\\\"best_epoch\\\":0,"
      "\\\"best_loss\\\":null,\\\"batch_size\\\":8,\\\"rows\\\":9,\\\"shuffle\\\":true}",
      "{\\\"epoch\\\":1,\\\"step\\\":0,\\\"steps\\\":5,\\\"loss\\\":0.5,\\\"weight\\\":1.0,\\\"correct\\\":1,"
      "\\\"best_epoch\\\":2,"
      "\\\"best_loss\\\":1.0,\\\"batch_size\\\":8,\\\"rows\\\":9,\\\"shuffle\\\":true}",
      "{\\\"epoch\\\":1,\\\"step\\\":0,\\\"steps\\\":4294967296,\\\"loss\\\":0.5,\\\"weight\\\":1.0,"
      "\\\"correct\\\":1,"
      "\\\"best_epoch\\\":1,\\\"best_loss\\\":1.0,\\\"batch_size\\\":8,\\\"rows\\\":9,\\\"shuffle\\\":true}",
      "{\\\"epoch\\\":1,\\\"step\\\":0,\\\"steps\\\":5,\\\"loss\\\":0.5,\\\"weight\\\":1.0,\\\"correct\\\":1,"
      "\\\"best_epoch\\\":1,"
      "\\\"best_loss\\\":null,\\\"batch_size\\\":8,\\\"rows\\\":9,\\\"shuffle\\\":true}",
  };
  enum { NORMALIZATIONS = sizeof normalizations / sizeof *normalizations, RUNS = sizeof runs / sizeof *runs };
  for (size_t i = 0; i < NORMALIZATIONS + RUNS; i++) {
    netc n;
    netc_init(&n, NULL);
    const char *header = net_arena_format(
        &n.arena,
        "{\"__metadata__\":{\"netc_format\":\"1\",\"state\":\"[]\",\"classes\":\"7\",\"normalization\":\"%"
        "s\",\"run\":\"%s\"},"
        "\"normalization/0/0/offset\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        "\"normalization/0/0/factor\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
        i < NORMALIZATIONS ? normalizations[i] : "[]", i < NORMALIZATIONS ? "" : runs[i - NORMALIZATIONS]);
    rt_checkpoint *c = hand_parse(&n, header, 16);
    assert_non_null(c);
    uint32_t count;
    rt_position position;
    const rt_fitted *fitted = rt_checkpoint_normalization(&n, c, &count);
    assert_true(!fitted == (i < NORMALIZATIONS) && count == 0);
    assert_false(rt_checkpoint_position(&n, c, &position));
    assert_null(rt_checkpoint_classes(&n, c, &count));
    assert_int_equal(n.diagnostics.errors, i < NORMALIZATIONS ? 3 : 2);
    netc_free(&n);
  }
}

static void test_odd_but_right(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  assert_non_null(hand_parse(&n, "{}", 0));
  assert_non_null(hand_parse(&n, "{\"__metadata__\":{}}    ", 0));
  rt_checkpoint *c = hand_parse(&n,
                           "{\"b\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[1,9]},"
                           "\"e\":{\"dtype\":\"F32\",\"shape\":[0,4294967295],\"data_offsets\":[9,9]},"
                           "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                           9);
  assert_non_null(c);
  assert_false(rt_checkpoint_is_netc(c));
  net_tensor t;
  assert_string_equal(rt_checkpoint_tensor(c, 0, &t), "a");
  assert_string_equal(rt_checkpoint_tensor(c, 1, &t), "b");
  assert_int_equal((uintptr_t)t.data % 8, 0); /* brought into line */
  assert_string_equal(rt_checkpoint_tensor(c, 2, &t), "e");
  assert_int_equal(n.diagnostics.list.count, 0);
  netc_free(&n);
}

/* Whatever part of a checkpoint is missing or wrong: an error, or another valid file, and nothing worse. */
static void test_damage(void **state) {
  (void)state;
  hand_run *run = hand_run_make(20, 10, 8, 1);
  assert_int_equal(hand_train(run, false), RT_DONE);
  const char *text;
  size_t length;
  assert_true(net_file_read(&run->n, NET_NOWHERE, hand_path(run, "last.safetensors"), &text, &length));
  for (size_t i = 0; i < length; i++) {
    netc n;
    netc_init(&n, NULL);
    char *bytes = malloc(length), *part = malloc(i ? i : 1); /* of their very size, for the sanitizer */
    memcpy(bytes, text, length);
    memcpy(part, text, i);
    assert_null(rt_checkpoint_parse(&n, "cut", part, i));
    assert_int_equal(n.diagnostics.list.count, 1);
    bytes[i] = (char)(bytes[i] ^ (1 << i % 8));
    rt_checkpoint *c = rt_checkpoint_parse(&n, "bent", bytes, length);
    if (c) {
      uint32_t count;
      rt_position at;
      rt_checkpoint_position(&n, c, &at);
      rt_checkpoint_normalization(&n, c, &count);
      rt_checkpoint_classes(&n, c, &count);
      rt_checkpoint_load(&n, c, run->program, RT_MATCH_NETC, run->variables, NULL);
    }
    free(part);
    free(bytes);
    netc_free(&n);
  }
  hand_run_free(run);
}

static void test_files(void **state) {
  (void)state;
  hand_run *run = hand_run_make(20, 10, 8, 1);
  assert_null(rt_checkpoint_open(&run->n, hand_path(run, "nowhere")));
  assert_true(hand_said(run, NET_ERROR, "cannot open"));
  assert_null(rt_checkpoint_open(&run->n, run->folder));
  assert_true(hand_said(run, NET_ERROR, "it is no regular file"));
  assert_true(net_file_write(&run->n, hand_path(run, "empty"), "", 0, false));
  assert_null(rt_checkpoint_open(&run->n, hand_path(run, "empty")));
  assert_true(hand_said(run, NET_ERROR, "it has only 0 bytes"));
  assert_true(net_file_write(&run->n, hand_path(run, "text"), "network jets(x: f32[4]) {", 25, false));
  assert_null(rt_checkpoint_open(&run->n, hand_path(run, "text")));
  assert_true(hand_said(run, NET_ERROR, "not a safetensors file, or truncated"));
  assert_int_equal(run->n.diagnostics.list.count, 4);
  hand_run_free(run);
}

static void test_half_precision(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  const char header[] = "{\"h\":{\"dtype\":\"F16\",\"shape\":[8],\"data_offsets\":[0,16]},"
                        "\"k\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[16,20]}}";
  const uint16_t halves[] = {0x3C00, 0xC000, 0x0001, 0x83FF, 0x7BFF, 0x7C00, 0xFE01, 0x8000, 0x3F80, 0xFF80};
  const uint32_t expected[] = {0x3F800000, 0xC0000000, 0x33800000, 0xB87FC000, 0x477FE000,
                               0x7F800000, 0xFFC02000, 0x80000000, 0x3F800000, 0xFF800000};
  char *bytes = net_arena_alloc(&n.arena, 8 + sizeof header - 1 + sizeof halves, 1);
  uint64_t size = sizeof header - 1;
  memcpy(bytes, &size, 8);
  memcpy(bytes + 8, header, size);
  memcpy(bytes + 8 + size, halves, sizeof halves);
  rt_checkpoint *c = rt_checkpoint_parse(&n, "halves", bytes, 8 + size + sizeof halves);
  assert_non_null(c);
  for (uint32_t i = 0; i < 10; i++) {
    net_tensor t;
    rt_checkpoint_tensor(c, i / 8, &t);
    assert_int_equal(t.type, NET_F32);
    assert_int_equal(bits(((float *)t.data)[i % 8]), expected[i]);
  }
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_layout), cmocka_unit_test(test_bad_text),
      cmocka_unit_test(test_garbage),       cmocka_unit_test(test_broken_metadata),
      cmocka_unit_test(test_odd_but_right), cmocka_unit_test(test_damage), cmocka_unit_test(test_files),
      cmocka_unit_test(test_half_precision),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
