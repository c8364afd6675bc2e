/* Weights from a file into a network: PyTorch's by name and by order, netc's own. */
#include "hand_run.h"

#include "runtime/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

typedef struct {
  netc n;
  rt_program program;
  rt_variable variables[16];
  float *values;
  char *talk;
  size_t talk_length;
} target;

static void add(target *t, const char *name, net_shape shape) {
  rt_program *p = &t->program;
  p->variables[p->variable_count++] =
      (rt_variable){name, shape, RT_PARAMETER, p->variable_floats, RT_FILL, 0, false};
  p->variable_floats += 64;
}

/* The network of torch_weights.py, with the given names of its modules. */
static target *make_target(const char *first, const char *norm, const char *second, const char *third) {
  target *t = calloc(1, sizeof *t);
  netc_init(&t->n, NULL);
  t->program = (rt_program){.network = "t", .variables = t->variables};
  const char *modules[] = {first, norm, second, third};
  const uint32_t shapes[][2] = {{8, 4}, {8, 0}, {8, 8}, {3, 8}};
  for (int i = 0; i < 4; i++) {
    net_shape bias = {1, {shapes[i][0]}}, weight = {i == 1 ? 1 : 2, {shapes[i][0], shapes[i][1]}};
    add(t, net_arena_format(&t->n.arena, "%s.weight", modules[i]), weight);
    add(t, net_arena_format(&t->n.arena, "%s.bias", modules[i]), bias);
    if (i != 1) continue;
    add(t, net_arena_format(&t->n.arena, "%s.running_mean", norm), bias);
    add(t, net_arena_format(&t->n.arena, "%s.running_var", norm), bias);
  }
  t->variables[4].kind = RT_STATISTIC;
  t->values = net_arena_alloc(&t->n.arena, t->program.variable_floats * 4, 64);
  return t;
}

static void drop(target *t) {
  netc_free(&t->n);
  free(t->talk);
  free(t);
}

static bool load(target *t, const char *path, rt_match match) {
  rt_checkpoint *c = rt_checkpoint_open(&t->n, path);
  assert_non_null(c);
  free(t->talk);
  FILE *talk = open_memstream(&t->talk, &t->talk_length);
  bool ok = rt_checkpoint_load(&t->n, c, &t->program, match, t->values, talk);
  fclose(talk);
  return ok;
}

static bool said(target *t, const char *part) {
  for (uint32_t i = 0; i < t->n.diagnostics.list.count; i++)
    if (strstr(t->n.diagnostics.list.at[i].message, part)) return true;
  return false;
}

static const char torch_file[] = NETC_TEST_SOURCE "/tests/unit/torch_weights.safetensors";

/* As torch_weights.py made them: tensor k of its state_dict, which also counts num_batches_tracked, the
 * sixth. */
static void check_values(const target *t) {
  for (uint32_t v = 0; v < t->program.variable_count; v++) {
    uint32_t k = v < 6 ? v : v + 1;
    for (uint64_t i = 0; i < net_shape_elements(&t->variables[v].shape); i++)
      assert_true(t->values[t->variables[v].offset + i] == (float)((int)((i * 7 + k * 3) % 13) - 6) / 4);
  }
}

static void test_order(void **state) {
  (void)state;
  target *t = make_target("linear_1", "batch_norm_1", "linear_2", "head.linear_1");
  assert_true(load(t, torch_file, RT_MATCH_ORDER));
  check_values(t);
  assert_int_equal(t->n.diagnostics.list.count, 0);
  assert_non_null(strstr(t->talk, "1.num_batches_tracked is not used"));
  assert_non_null(strstr(t->talk, "\nlinear_2.weight <- 4.weight [8, 8]\n"));
  assert_non_null(strstr(t->talk, "\nhead.linear_1.bias <- 10.bias [3]\n"));
  drop(t);
}

static void test_names(void **state) {
  (void)state;
  target *t = make_target("0", "1", "4", "10");
  assert_true(load(t, torch_file, RT_MATCH_NAME));
  check_values(t);
  drop(t);
  t = make_target("body.0", "body.1", "body.4", "body.10"); /* what all of them begin with goes */
  assert_true(load(t, torch_file, RT_MATCH_NAME));
  check_values(t);
  drop(t);
  t = make_target("linear_1", "1", "4", "10");
  assert_false(load(t, torch_file, RT_MATCH_NAME));
  assert_true(
      said(t, "torch_weights.safetensors has nothing for linear_1.weight, linear_1.bias of network 't'"));
  assert_true(said(t, "network 't' has no place for 0.bias, 0.weight of "));
  assert_true(said(t, "--match order would load them"));
  assert_false(load(t, torch_file, RT_MATCH_NETC));
  assert_true(said(t, "is not a checkpoint of netc: say --match name or --match order"));
  for (uint64_t i = 0; i < t->program.variable_floats; i++)
    assert_true(t->values[i] == 0); /* nothing was touched */
  drop(t);
}

static void test_misfits(void **state) {
  (void)state;
  target *t = make_target("0", "1", "4", "10");
  t->variables[6].shape = (net_shape){2, {8, 9}};
  assert_false(load(t, torch_file, RT_MATCH_NAME));
  assert_true(said(t, "'4.weight' of " NETC_TEST_SOURCE
                      "/tests/unit/torch_weights.safetensors is [8, 8], but '4.weight' of "
                      "network 't' is [8, 9]"));
  assert_false(load(t, torch_file, RT_MATCH_ORDER));
  assert_int_equal(t->n.diagnostics.errors, 2);
  t->variables[6].shape = (net_shape){2, {8, 8}};
  t->program.variable_count -= 2;
  assert_false(load(t, torch_file, RT_MATCH_ORDER));
  assert_true(said(t, "has no place for 10.weight, 10.bias of"));
  t->program.variable_count += 2;
  add(t, "20.weight", (net_shape){1, {1}});
  assert_false(load(t, torch_file, RT_MATCH_ORDER));
  assert_true(said(t, "has nothing for 20.weight of network 't'"));
  rt_checkpoint *c = hand_parse(&t->n, "{\"w\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
  t->program.variable_count = 1;
  t->variables[0].shape = (net_shape){1, {1}};
  assert_false(rt_checkpoint_load(&t->n, c, &t->program, RT_MATCH_ORDER, t->values, NULL));
  assert_true(said(t, "'w' of x.safetensors has type i32: weights are floats"));
  drop(t);
}

/* Prefixes on both sides, and the file's own order where that is the network's. */
static void test_prefixes_and_file_order(void **state) {
  (void)state;
  target *t = make_target("a", "b", "c", "d");
  t->program.variable_count = 2;
  t->variables[0].name = "net.z.weight", t->variables[0].shape = (net_shape){1, {1}};
  t->variables[1].name = "net.a.weight", t->variables[1].shape = (net_shape){1, {1}};
  const char *header = "{\"model.z.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                       "\"model.a.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";
  rt_checkpoint *c = hand_parse(&t->n, header, 8);
  net_tensor v;
  for (uint32_t i = 0; i < 2; i++) rt_checkpoint_tensor(c, i, &v), *(float *)v.data = (float)(i + 1);
  for (rt_match m = RT_MATCH_NAME; m <= RT_MATCH_ORDER; m++) {
    t->values[t->variables[0].offset] = t->values[t->variables[1].offset] = 0;
    assert_true(rt_checkpoint_load(&t->n, c, &t->program, m, t->values, NULL));
    assert_true(t->values[t->variables[0].offset] == 1 && t->values[t->variables[1].offset] == 2);
  }
  drop(t);
}

/* A checkpoint of netc's own takes the same roads; what belongs to the optimiser stays behind. */
static void test_own_weights(void **state) {
  (void)state;
  hand_run *run = hand_run_make(20, 10, 8, 1);
  assert_int_equal(hand_train(run, false), RT_DONE);
  rt_checkpoint *c = rt_checkpoint_open(&run->n, hand_path(run, "last.safetensors"));
  for (rt_match m = RT_MATCH_NETC; m <= RT_MATCH_ORDER; m++) {
    float *fresh = hand_variables(&run->n.arena, run->program, 77);
    assert_true(rt_checkpoint_load(&run->n, c, run->program, m, fresh, NULL));
    for (uint32_t i = 0; i < run->program->variable_count; i++) {
      const rt_variable *v = &run->program->variables[i];
      size_t bytes = net_shape_elements(&v->shape) * sizeof(float);
      bool same = !memcmp(fresh + v->offset, run->variables + v->offset, bytes);
      assert_int_equal(same, v->kind != RT_STATE);
    }
  }
  run->program->variables[0].name = "linear_9.weight";
  assert_false(rt_checkpoint_load(&run->n, c, run->program, RT_MATCH_NETC, run->variables, NULL));
  assert_true(hand_said(run, NET_ERROR, "has nothing for linear_9.weight of network 'blobs'"));
  hand_run_free(run);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order), cmocka_unit_test(test_names), cmocka_unit_test(test_misfits),
      cmocka_unit_test(test_prefixes_and_file_order), cmocka_unit_test(test_own_weights),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
