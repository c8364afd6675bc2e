#include "runtime/checkpoint_file.h"

#include <math.h>
#include <stdlib.h>

static bool broken(netc *n, const rt_checkpoint *c, const char *what) {
  net_error(n, NET_NOWHERE, "cannot read %s: %s", c->path, what);
  return false;
}

const char *rt_checkpoint_path(const rt_checkpoint *c) { return c->path; }

const char *rt_checkpoint_metadata(const rt_checkpoint *c, const char *key) {
  for (uint32_t i = 0; i < c->file.metadata_count; i++)
    if (!strcmp(c->file.metadata[i].key, key)) return c->file.metadata[i].value;
  return NULL;
}

const char *rt_checkpoint_program(const rt_checkpoint *c) { return rt_checkpoint_metadata(c, "program"); }
bool rt_checkpoint_is_netc(const rt_checkpoint *c) { return c->netc; }
uint32_t rt_checkpoint_tensors(const rt_checkpoint *c) { return c->file.tensor_count; }

const char *rt_checkpoint_tensor(const rt_checkpoint *c, uint32_t index, net_tensor *view) {
  *view = c->file.tensors[index].tensor;
  return c->file.tensors[index].name;
}

const net_tensor *rt_checkpoint_find(const rt_checkpoint *c, const char *name) {
  for (uint32_t i = 0; i < c->file.tensor_count; i++)
    if (!strcmp(c->file.tensors[i].name, name)) return &c->file.tensors[i].tensor;
  return NULL;
}

bool rt_checkpoint_is_extra(const rt_checkpoint *c, uint32_t index) {
  const char *name = c->file.tensors[index].name;
  if (!c->netc) return false;
  for (uint32_t i = 0; i < c->state_count; i++)
    if (!strcmp(c->state[i], name)) return true;
  return rt_checkpoint_is_calibration(c, name) ||
         !strncmp(name, RT_NORMALIZATION, sizeof RT_NORMALIZATION - 1);
}

json_t *rt_checkpoint_json(netc *n, const rt_checkpoint *c, const char *key) {
  const char *text = rt_checkpoint_metadata(c, key);
  json_t *value = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
  if (!value)
    broken(n, c, net_arena_format(&n->arena, "its metadata '%s' is %s", key, text ? "broken" : "missing"));
  return value;
}

static bool read_names(netc *n, const rt_checkpoint *c, const char *key, const char ***names,
                       uint32_t *count) {
  json_t *list = rt_checkpoint_json(n, c, key), *item;
  size_t i;
  if (!list) return false;
  bool ok = json_is_array(list);
  *count = (uint32_t)json_array_size(list);
  *names = NET_NEW_ARRAY(&n->arena, const char *, *count);
  json_array_foreach(list, i, item) {
    if (!json_is_string(item)) ok = false;
    else (*names)[i] = net_arena_copy(&n->arena, json_string_value(item), json_string_length(item));
  }
  json_decref(list);
  return ok || broken(n, c, net_arena_format(&n->arena, "its metadata '%s' is no list of names", key));
}

const char **rt_checkpoint_classes(netc *n, const rt_checkpoint *c, uint32_t *count) {
  const char **names;
  *count = 0;
  if (!rt_checkpoint_metadata(c, "classes") || !read_names(n, c, "classes", &names, count)) return NULL;
  return *count ? names : NULL;
}

/* The list alone; the tensors are looked at when they are asked for. */
static bool read_calibrated(netc *n, rt_checkpoint *c) {
  if (!rt_checkpoint_metadata(c, "calibration")) return true;
  json_t *list = rt_checkpoint_json(n, c, "calibration"), *item;
  size_t i;
  if (!list) return false;
  bool ok = json_is_array(list);
  c->calibrated = NET_NEW_ARRAY(&n->arena, const char *, json_array_size(list));
  c->formats = NET_NEW_ARRAY(&n->arena, const char *, json_array_size(list));
  json_array_foreach(list, i, item) {
    const char *tensor, *format;
    if (json_unpack(item, "{s:s, s:s}", "tensor", &tensor, "format", &format)) {
      ok = false;
      continue;
    }
    c->calibrated[c->calibrated_count] = net_arena_copy(&n->arena, tensor, strlen(tensor));
    c->formats[c->calibrated_count++] = net_arena_copy(&n->arena, format, strlen(format));
  }
  json_decref(list);
  return ok || broken(n, c, "its metadata 'calibration' is broken");
}

static bool look_for_netc(netc *n, rt_checkpoint *c) {
  const char *format = rt_checkpoint_metadata(c, "netc_format");
  if (!format) return true; /* some other program's safetensors file */
  c->netc = true;
  if (strcmp(format, net_arena_format(&n->arena, "%d", RT_CHECKPOINT_VERSION)))
    return broken(n, c,
                  net_arena_format(&n->arena, "its netc_format is %s, and this netc knows format %d only",
                                   format, RT_CHECKPOINT_VERSION));
  return read_names(n, c, "state", &c->state, &c->state_count) && read_calibrated(n, c);
}

rt_checkpoint *rt_checkpoint_open(netc *n, const char *path) {
  rt_checkpoint *c = NET_NEW(&n->arena, rt_checkpoint);
  c->path = path;
  return rt_safetensors_read(n, path, &c->file) && look_for_netc(n, c) ? c : NULL;
}

rt_checkpoint *rt_checkpoint_parse(netc *n, const char *path, const void *bytes, uint64_t length) {
  rt_checkpoint *c = NET_NEW(&n->arena, rt_checkpoint);
  c->path = path;
  return rt_safetensors_parse(n, path, bytes, length, &c->file) && look_for_netc(n, c) ? c : NULL;
}

/* ---- the run ---- */

bool rt_checkpoint_run(netc *n, const rt_checkpoint *c, rt_position *position, rt_run_shape *shape) {
  json_t *run = rt_checkpoint_json(n, c, "run"), *best;
  if (!run) return false;
  json_int_t epoch, step, steps, correct, best_epoch, batch_size, rows;
  int shuffle;
  *position = (rt_position){.best_loss = INFINITY};
  bool ok = !json_unpack(run, "{s:I, s:I, s:I, s:F, s:F, s:I, s:I, s:o, s:I, s:I, s:b}", "epoch", &epoch,
                         "step", &step, "steps", &steps, "loss", &position->loss, "weight", &position->weight,
                         "correct", &correct, "best_epoch", &best_epoch, "best_loss", &best, "batch_size",
                         &batch_size, "rows", &rows, "shuffle", &shuffle);
  if (ok) {
    json_int_t small[] = {epoch, step, steps, best_epoch, batch_size, rows};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
      ok = ok && small[i] >= 0 && small[i] <= UINT32_MAX;
    ok = ok && correct >= 0 && best_epoch <= epoch && (json_is_number(best) || !best_epoch);
  }
  if (ok) {
    position->epoch = (uint32_t)epoch;
    position->step = (uint32_t)step;
    position->steps = (uint32_t)steps;
    position->correct = (uint64_t)correct;
    position->best_epoch = (uint32_t)best_epoch;
    if (best_epoch) position->best_loss = json_number_value(best);
    *shape = (rt_run_shape){(uint32_t)batch_size, (uint32_t)rows, shuffle};
  }
  json_decref(run);
  return ok || broken(n, c, "its metadata 'run' is broken");
}

bool rt_checkpoint_position(netc *n, const rt_checkpoint *c, rt_position *position) {
  rt_run_shape shape;
  return rt_checkpoint_run(n, c, position, &shape);
}

/* ---- normalisation ---- */

static bool read_step(netc *n, const rt_checkpoint *c, json_t *name, const char *key, uint32_t width,
                      rt_fitted_step *step) {
  step->kind = RT_NORMALIZERS;
  for (uint32_t k = 0; k < RT_NORMALIZERS && json_is_string(name); k++)
    if (!strcmp(json_string_value(name), rt_normalizers[k].name)) step->kind = (rt_normalizer)k;
  const net_tensor *offset = rt_checkpoint_find(c, net_arena_format(&n->arena, "%s/offset", key));
  const net_tensor *factor = rt_checkpoint_find(c, net_arena_format(&n->arena, "%s/factor", key));
  net_shape shape = {.rank = 1, .dim = {width}};
  if (step->kind == RT_NORMALIZERS || !offset || !factor || offset->type != NET_F32 ||
      factor->type != NET_F32 || !net_shape_same(&offset->shape, &shape) ||
      !net_shape_same(&factor->shape, &shape))
    return false;
  step->offset = offset->data;
  step->factor = factor->data;
  return true;
}

static bool read_input(netc *n, const rt_checkpoint *c, json_t *item, size_t input, rt_fitted *fitted) {
  json_t *width = json_object_get(item, "width"), *steps = json_object_get(item, "steps");
  json_int_t elements = json_integer_value(width);
  if (!json_is_integer(width) || elements < 1 || elements > UINT32_MAX || !json_is_array(steps)) return false;
  fitted->width = (uint32_t)elements;
  fitted->step_count = (uint32_t)json_array_size(steps);
  fitted->steps = NET_NEW_ARRAY(&n->arena, rt_fitted_step, fitted->step_count);
  for (uint32_t k = 0; k < fitted->step_count; k++)
    if (!read_step(n, c, json_array_get(steps, k),
                   net_arena_format(&n->arena, RT_NORMALIZATION "%zu/%u", input, k), fitted->width,
                   &fitted->steps[k]))
      return false;
  return true;
}

const rt_fitted *rt_checkpoint_normalization(netc *n, const rt_checkpoint *c, uint32_t *count) {
  *count = 0;
  json_t *list = c->netc ? rt_checkpoint_json(n, c, "normalization") : NULL, *item;
  if (!list) return NULL;
  bool ok = json_is_array(list);
  rt_fitted *fitted = NET_NEW_ARRAY(&n->arena, rt_fitted, json_array_size(list));
  size_t i;
  json_array_foreach(list, i, item) ok = ok && read_input(n, c, item, i, &fitted[i]);
  if (ok) *count = (uint32_t)json_array_size(list);
  json_decref(list);
  if (!ok) broken(n, c, "its normalisation is broken");
  return ok ? fitted : NULL;
}

/* ---- calibration ---- */

bool rt_checkpoint_is_calibration(const rt_checkpoint *c, const char *name) {
  const char *leaf = strrchr(name, '.');
  if (!leaf || (strcmp(leaf, ".step") && strcmp(leaf, ".zero"))) return false;
  for (uint32_t i = 0; i < c->calibrated_count; i++)
    if (strlen(c->calibrated[i]) == (size_t)(leaf - name) &&
        !strncmp(c->calibrated[i], name, (size_t)(leaf - name)))
      return true;
  return false;
}

/* One number, or a list of them. */
static bool is_list(const net_tensor *t) {
  return t->type == NET_F32 && t->shape.rank <= 1 && net_shape_elements(&t->shape);
}

static bool read_steps(netc *n, const rt_checkpoint *c, rt_calibrated *into) {
  const net_tensor *step = rt_checkpoint_find(c, net_arena_format(&n->arena, "%s.step", into->tensor));
  const net_tensor *zero = rt_checkpoint_find(c, net_arena_format(&n->arena, "%s.zero", into->tensor));
  if (!step || !is_list(step) || (zero && (!is_list(zero) || !net_shape_same(&zero->shape, &step->shape))))
    return false;
  into->count = (uint32_t)net_shape_elements(&step->shape);
  into->steps = step->data;
  into->zeros = zero ? zero->data : NULL;
  for (uint32_t k = 0; k < into->count; k++) {
    if (!(into->steps[k] > 0 && isfinite(into->steps[k]))) return false;
    if (zero && !(fabsf(into->zeros[k]) <= 0x1p31f && into->zeros[k] == rintf(into->zeros[k]))) return false;
  }
  return true;
}

bool rt_checkpoint_calibration(netc *n, const rt_checkpoint *c, const rt_calibrated **calibrated,
                               uint32_t *count) {
  rt_calibrated *list = NET_NEW_ARRAY(&n->arena, rt_calibrated, c->calibrated_count + 1);
  *calibrated = list;
  *count = c->calibrated_count;
  for (uint32_t i = 0; i < *count; i++) {
    list[i] = (rt_calibrated){.tensor = c->calibrated[i], .format = c->formats[i]};
    if (!read_steps(n, c, &list[i]))
      return broken(n, c, net_arena_format(&n->arena, "its calibration of '%s' is broken", list[i].tensor));
  }
  return true;
}
