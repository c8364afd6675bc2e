#include "runtime/checkpoint_file.h"

#include "config.h"
#include "runtime/hash.h"

#include <inttypes.h>
#include <stdlib.h>

/* A checkpoint while it is put together, in memory of its own that is gone when it is written. */
typedef struct {
  const rt_snapshot *from;
  net_arena *arena;
  NET_VEC(rt_named_tensor) tensors;
} writer;

static bool is_state(const rt_variable *v) { return v->kind == RT_STATE; }

static json_t *describe_run(const rt_snapshot *s) {
  const rt_position *p = s->position;
  return json_pack("{s:I, s:I, s:I, s:f, s:f, s:I, s:I, s:o, s:I, s:I, s:b}", "epoch", (json_int_t)p->epoch,
                   "step", (json_int_t)p->step, "steps", (json_int_t)p->steps, "loss", p->loss, "weight",
                   p->weight, "correct", (json_int_t)p->correct, "best_epoch", (json_int_t)p->best_epoch,
                   "best_loss", net_json_number(p->best_loss), "batch_size", (json_int_t)s->spec->batch_size,
                   "rows", (json_int_t)s->rows, "shuffle", (int)s->spec->shuffle);
}

static json_t *describe_normalization(const rt_snapshot *s) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < s->input_count; i++) {
    json_t *steps = json_array();
    for (uint32_t k = 0; k < s->normalization[i].step_count; k++)
      json_array_append_new(steps, json_string(rt_normalizers[s->normalization[i].steps[k].kind].name));
    json_array_append_new(
        list, json_pack("{s:I, s:o}", "width", (json_int_t)s->normalization[i].width, "steps", steps));
  }
  return list;
}

static json_t *describe_state(const rt_snapshot *s) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < s->program->variable_count && s->state; i++)
    if (is_state(&s->program->variables[i]))
      json_array_append_new(list, json_string(s->program->variables[i].name));
  return list;
}

/* Safetensors' metadata are strings, so a list or an object goes in as text. Takes the reference. */
static bool put_json(json_t *metadata, const char *key, json_t *value) {
  char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
  json_decref(value);
  bool ok = text && !json_object_set_new(metadata, key, json_string(text));
  free(text);
  return ok;
}

static json_t *describe_classes(const rt_snapshot *s) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < s->class_count && s->classes; i++)
    if (json_array_append_new(list, json_string(s->classes[i]))) return json_decref(list), NULL;
  return list;
}

static json_t *describe_calibration(const rt_snapshot *s) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < s->spec->calibrated_count; i++)
    json_array_append_new(list, json_pack("{s:s, s:s}", "tensor", s->spec->calibrated[i].tensor, "format",
                                          s->spec->calibrated[i].format));
  return list;
}

static json_t *describe(netc *n, const char *path, writer *w) {
  const rt_snapshot *s = w->from;
  const char *program = s->spec->program_text ? s->spec->program_text : "";
  const struct {
    const char *key, *text;
  } texts[] = {
      {"netc_format", net_arena_format(w->arena, "%d", RT_CHECKPOINT_VERSION)},
      {"netc_version", PACKAGE_VERSION},
      {"network", s->program->network},
      {"target", s->program->target},
      {"program", program},
      {"program_name", s->spec->program_name ? s->spec->program_name : ""},
      {"program_hash", net_arena_format(w->arena, "%016" PRIx64, rt_hash(program))},
      {"settings", s->spec->settings ? s->spec->settings : ""},
      {"seed", net_arena_format(w->arena, "%" PRIu64, s->spec->seed)},
      {"random", "philox4x32-10"},
  };
  json_t *metadata = json_object();
  const char *bad = NULL;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (json_object_set_new(metadata, texts[i].key, json_string(texts[i].text))) bad = texts[i].key;
  if (!put_json(metadata, "run", describe_run(s))) bad = "run";
  if (!put_json(metadata, "normalization", describe_normalization(s))) bad = "normalization";
  if (!put_json(metadata, "classes", describe_classes(s))) bad = "classes";
  if (!put_json(metadata, "state", describe_state(s))) bad = "state";
  if (s->spec->quantize) {
    if (json_object_set_new(metadata, "quantize", json_string(s->spec->quantize))) bad = "quantize";
    if (!put_json(metadata, "calibration", describe_calibration(s))) bad = "calibration";
  }
  if (!bad) return metadata;
  net_error(n, NET_NOWHERE, "cannot write %s: the text of '%s' is not UTF-8", path, bad);
  json_decref(metadata);
  return NULL;
}

static void add(writer *w, const char *name, const net_shape *shape, const void *data) {
  net_tensor t = {.type = NET_F32, .shape = *shape, .data = (void *)data, .owner = NET_OWNER_BORROWED};
  net_vec_push(w->arena, &w->tensors, (rt_named_tensor){name, t});
}

static void add_tensors(writer *w) {
  const rt_snapshot *s = w->from;
  for (uint32_t i = 0; i < s->program->variable_count; i++) {
    const rt_variable *v = &s->program->variables[i];
    if (s->state || !is_state(v)) add(w, v->name, &v->shape, s->variables + v->offset);
  }
  for (uint32_t i = 0; i < s->input_count; i++)
    for (uint32_t k = 0; k < s->normalization[i].step_count; k++) {
      const rt_fitted_step *step = &s->normalization[i].steps[k];
      net_shape shape = {.rank = 1, .dim = {s->normalization[i].width}};
      add(w, net_arena_format(w->arena, RT_NORMALIZATION "%u/%u/offset", i, k), &shape, step->offset);
      add(w, net_arena_format(w->arena, RT_NORMALIZATION "%u/%u/factor", i, k), &shape, step->factor);
    }
}

static void add_calibration(writer *w) {
  const rt_train_spec *spec = w->from->spec;
  for (uint32_t i = 0; i < spec->calibrated_count; i++) {
    const rt_calibrated *c = &spec->calibrated[i];
    net_shape shape = {.rank = c->count > 1, .dim = {c->count}};
    add(w, net_arena_format(w->arena, "%s.step", c->tensor), &shape, c->steps);
    if (c->zeros) add(w, net_arena_format(w->arena, "%s.zero", c->tensor), &shape, c->zeros);
  }
}

bool rt_checkpoint_save(netc *n, const char *path, const rt_snapshot *snapshot, bool sync) {
  net_arena arena;
  net_arena_init(&arena, n->arena.guard);
  writer w = {.from = snapshot, .arena = &arena};
  add_tensors(&w);
  if (snapshot->spec->quantize) add_calibration(&w);
  json_t *metadata = describe(n, path, &w);
  bool ok = metadata && rt_safetensors_write(n, path, metadata, w.tensors.at, w.tensors.count, sync);
  net_arena_free(&arena);
  return ok;
}
