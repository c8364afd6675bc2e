#include "tests/unit/object_support.h"

#include "passes/passes.h"
#include "support/file.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *const object_targets[] = {"x86_64",    "x86_64_v2",         "x86_64_v3",
                                      "x86_64_v4", OBJECT_MULTIVERSION, NULL};

void object_silence(object_subject *s) {
  if (!s->n.diagnostics.list.count) return;
  net_diagnostics_flush(&s->n, stderr, NET_DIAGNOSTICS_TEXT, false);
  fail();
}

static uint64_t mixed(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9, z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

/* In [−1, 1) */
static float drawn(uint64_t *state) { return (float)((double)(mixed(state) >> 40) / (1 << 23) - 1); }

static void draw_weights(object_subject *s, uint64_t seed) {
  s->weights = NET_NEW_ARRAY(&s->n.arena, const float *, s->graph->values.count + 1);
  for (net_value_id v = 0; v < s->graph->values.count; v++) {
    const net_value *value = net_graph_value_at(s->graph, v);
    if (value->kind != NET_VALUE_PARAMETER && value->kind != NET_VALUE_STATISTIC) continue;
    uint64_t count = net_shape_elements(&value->shape);
    bool variance = strstr(net_text(&s->n, value->name), "_var");
    double inputs = value->shape.rank == 2 ? value->shape.dim[1] : 1;
    float *data = NET_NEW_ARRAY(&s->n.arena, float, count + 1);
    for (uint64_t i = 0; i < count; i++)
      data[i] = variance ? 1.5f + drawn(&seed) : drawn(&seed) * (float)(1.7 / sqrt(inputs));
    s->weights[v] = data;
  }
}

/* NULL: the jets' */
static net_program *read_program(object_subject *s, const char *text, const char *more) {
  size_t length = text ? strlen(text) : 0;
  net_program *program = NULL;
  if (!text && !net_file_read(&s->n, NET_NOWHERE, NETC_TEST_SOURCE "/examples/jets/jets.net", &text, &length))
    object_silence(s);
  text = net_arena_format(&s->n.arena, "%.*s%s", (int)length, text, more);
  if (!net_program_from_text(&s->n, "test.net", text, strlen(text), &program)) object_silence(s);
  return program;
}

void object_begin(object_subject *s, const char *text, const char *network, uint64_t seed) {
  netc_init(&s->n, NULL);
  net_ops_install(&s->n);
  net_program *program = read_program(s, text, "");
  net_network elaborated;
  if (!net_elaborate_network(&s->n, &s->n.arena, program, network, &elaborated)) object_silence(s);
  s->graph = elaborated.graph;
  draw_weights(s, seed);
}

void object_begin_program(object_subject *s, const char *text, const char *network, const char *rules,
                          uint64_t seed) {
  netc_init(&s->n, NULL);
  net_ops_install(&s->n);
  const char *block = net_arena_format(&s->n.arena, "\nquantize test {\n%s\n}\n", rules);
  net_program *program = read_program(s, text, block);
  net_network elaborated;
  net_quantization q;
  if (!net_elaborate_network(&s->n, &s->n.arena, program, network, &elaborated) ||
      !net_elaborate_quantization(&s->n, &s->n.arena, program, "test", elaborated.graph, &q))
    object_silence(s);
  net_pass_context context = {.n = &s->n, .arena = &s->n.arena, .quantization = &q, .verify = true};
  uint32_t have = P_SHAPED;
  s->graph = net_pass_run(&context, NET_PASS_fold_batch_norm, elaborated.graph, &have);
  if (s->graph) s->graph = net_pass_run(&context, NET_PASS_quantize, s->graph, &have);
  if (!s->graph) object_silence(s);
  draw_weights(s, seed);
}

void object_begin_quantized(object_subject *s, const char *network, const char *rules, uint64_t seed) {
  object_begin_program(s, NULL, network, rules, seed);
}

void object_end(object_subject *s) {
  object_silence(s);
  netc_free(&s->n);
}

const pl_object *object_make_as(object_subject *s, const char *target, cg_form form) {
  pl_object_request request = {.network = s->graph, .weights = s->weights, .target = target, .form = form};
  request.codes = true;
  request.multiversion = !strcmp(target, OBJECT_MULTIVERSION);
  request.options = (pl_options){.print_after = PL_STAGES, .stop_after = PL_STAGES, .verify = true};
  const pl_object *object = pl_object_make(&s->n, &request);
  if (!object) object_silence(s);
  return object;
}

const pl_object *object_make(object_subject *s, const char *target) {
  return object_make_as(s, target, CG_FORM_OBJECT);
}

/* ---- files ---- */

static char directory[] = "/tmp/netc-object-XXXXXX";

static void remove_directory(void) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", directory);
  if (system(command)) perror(command);
}

const char *object_directory(void) {
  static bool made;
  if (made) return directory;
  assert_non_null(mkdtemp(directory));
  atexit(remove_directory);
  made = true;
  return directory;
}

void object_write(const char *path, const void *bytes, size_t length) {
  FILE *to = fopen(path, "wb");
  assert_non_null(to);
  assert_int_equal(fwrite(bytes, 1, length, to), length);
  assert_int_equal(fclose(to), 0);
}

void object_shell(const char *format, ...) {
  char command[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(command, sizeof command, format, arguments);
  va_end(arguments);
  if (system(command)) fail_msg("failed: %s", command);
}

/* ---- calling ---- */

bool object_load(const pl_object *object, const char *target, object_loaded *l) {
  netc n;
  cg_target found;
  netc_init(&n, NULL);
  if (!strcmp(target, OBJECT_MULTIVERSION)) target = "x86_64_v2";
  bool runs = cg_target_find(&n, NET_NOWHERE, target, &found) && cg_target_runs_here(&n, NET_NOWHERE, &found);
  netc_free(&n);
  if (!runs) return false;
  static int count;
  char path[128];
  snprintf(path, sizeof path, "%s/%d.o", object_directory(), ++count);
  object_write(path, object->bytes, object->length);
  object_shell("cd %s && gcc -shared -nostdlib -Wl,-z,text -o %d.so %d.o", object_directory(), count, count);
  snprintf(path, sizeof path, "%s/%d.so", object_directory(), count);
  *l = (object_loaded){.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
  if (!l->handle) fail_msg("%s", dlerror());
  l->scratch = malloc(object->scratch + 1);
  void *one = dlsym(l->handle, object->functions[0].name),
       *batch = dlsym(l->handle, object->functions[1].name);
  assert_non_null(one);
  assert_non_null(batch);
  if (object->functions[0].scratch) memcpy(&l->one_scratch, &one, sizeof one);
  else memcpy(&l->one, &one, sizeof one);
  if (object->functions[1].scratch) memcpy(&l->batch_scratch, &batch, sizeof batch);
  else memcpy(&l->batch, &batch, sizeof batch);
  return true;
}

void object_unload(object_loaded *l) {
  dlclose(l->handle);
  free(l->scratch);
}

void object_call(const object_loaded *l, const float *x, float *y) {
  if (l->one) l->one(x, y);
  else l->one_scratch(x, y, l->scratch);
}

void object_call_batch(const object_loaded *l, size_t n, const float *x, float *y) {
  if (l->batch) l->batch(n, x, y);
  else l->batch_scratch(n, x, y, l->scratch);
}

/* ---- the interpreter ---- */

static net_value_id input_of(const net_graph *graph) {
  net_value_id v = 0;
  while (graph->values.at[v].kind != NET_VALUE_INPUT) v++;
  return v;
}

uint32_t object_width(const object_subject *s, bool output) {
  net_value_id v = output ? s->graph->outputs.at[0] : input_of(s->graph);
  return (uint32_t)net_shape_elements(&net_graph_value_at(s->graph, v)->shape);
}

float *object_rows(object_subject *s, uint32_t rows, uint64_t seed) {
  size_t count = (size_t)rows * object_width(s, false);
  float *x = NET_NEW_ARRAY(&s->n.arena, float, count + 1);
  for (size_t i = 0; i < count; i++) x[i] = 3 * drawn(&seed);
  return x;
}

void object_interpret(object_subject *s, uint32_t rows, const float *x, float *y) {
  net_run run = net_run_begin(&s->n, s->graph, &s->n.arena, rows);
  net_run_set(&run, input_of(s->graph), x);
  for (net_value_id v = 0; v < s->graph->values.count; v++)
    if (s->weights[v]) net_run_set(&run, v, s->weights[v]);
  assert_true(net_run_all(&run));
  net_value_id output = s->graph->outputs.at[0];
  for (uint64_t i = 0; i < net_run_elements(&run, output); i++) y[i] = (float)run.values[output][i];
}
