/* Rows as JSON objects: for exports, and from children to their parents. */
#include "record/columns.h"

#include <math.h>
#include <stdlib.h>

/* Texts that are JSON themselves stay so. */
static json_t *text_json(const rc_column *c, const char *text) {
  static const char *const inner[] = {"settings", "parameters", "objectives", "machine"};
  for (size_t i = 0; text && i < sizeof inner / sizeof *inner; i++) {
    if (strcmp(inner[i], c->name)) continue;
    json_t *value = json_loads(text, JSON_ALLOW_NUL, NULL);
    if (value) return value;
  }
  return net_json_text(text);
}

static json_t *seed_json(uint64_t seed) {
  char text[24];
  if (seed <= INT64_MAX) return json_integer((json_int_t)seed);
  snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
  return json_string(text);
}

static json_t *field_json(const rc_column *c, const void *row) {
  int64_t id;
  switch (c->kind) {
  case RC_ID: return (id = RC_FIELD_OF(int64_t, row, c)) ? json_integer(id) : json_null();
  case RC_TEXT:
  case RC_PROGRAM: return text_json(c, RC_FIELD_OF(const char *, row, c));
  case RC_REAL: return net_json_number(RC_FIELD_OF(double, row, c));
  case RC_COUNT: return json_integer(RC_FIELD_OF(uint32_t, row, c));
  case RC_SEED: return seed_json(RC_FIELD_OF(uint64_t, row, c));
  case RC_STATUS: return json_string(rc_status_names[RC_FIELD_OF(rc_status, row, c)]);
  case RC_KIND: return json_string(rc_kind_names[RC_FIELD_OF(rc_kind, row, c)]);
  case RC_FLAG: return json_boolean(RC_FIELD_OF(bool, row, c));
  }
  return json_null();
}

static json_t *row_json(const rc_table *table, const void *row, bool programs) {
  json_t *object = json_object();
  for (const rc_column *c = table->columns; c->name; c++)
    if (programs || c->kind != RC_PROGRAM) json_object_set_new(object, c->name, field_json(c, row));
  return object;
}

json_t *rc_run_json(const rc_run *run, bool programs) { return row_json(&rc_run_table, run, programs); }
json_t *rc_epoch_json(const rc_epoch *epoch) { return row_json(&rc_epoch_table, epoch, false); }
json_t *rc_trial_json(const rc_trial *trial) { return row_json(&rc_trial_table, trial, false); }
json_t *rc_experiment_json(const rc_experiment *experiment, bool programs) {
  return row_json(&rc_experiment_table, experiment, programs);
}

/* ---- back ---- */

static const char *text_from(net_arena *arena, const json_t *value) {
  const char *text = json_string_value(value);
  if (text) return net_arena_copy(arena, text, json_string_length(value));
  if (!json_is_object(value) && !json_is_array(value)) return NULL;
  char *dump = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17));
  const char *copy = dump ? net_arena_copy(arena, dump, strlen(dump)) : NULL;
  free(dump);
  return copy;
}

static int word_from(const json_t *value, const char *const *words, int count) {
  const char *text = json_string_value(value);
  for (int i = 0; text && i < count; i++)
    if (!strcmp(text, words[i])) return i;
  return 0;
}

static void field_from(net_arena *arena, const rc_column *c, const json_t *value, void *row) {
  const char *text = json_string_value(value);
  switch (c->kind) {
  case RC_ID: RC_FIELD(int64_t, row, c) = json_integer_value(value); break;
  case RC_TEXT:
  case RC_PROGRAM: RC_FIELD(const char *, row, c) = text_from(arena, value); break;
  case RC_REAL: RC_FIELD(double, row, c) = json_is_number(value) ? json_number_value(value) : NAN; break;
  case RC_COUNT: RC_FIELD(uint32_t, row, c) = (uint32_t)json_integer_value(value); break;
  case RC_SEED:
    RC_FIELD(uint64_t, row, c) = text ? strtoull(text, NULL, 10) : (uint64_t)json_integer_value(value);
    break;
  case RC_STATUS:
    RC_FIELD(rc_status, row, c) = (rc_status)word_from(value, rc_status_names, RC_STATUSES);
    break;
  case RC_KIND: RC_FIELD(rc_kind, row, c) = (rc_kind)word_from(value, rc_kind_names, RC_KINDS); break;
  case RC_FLAG: RC_FIELD(bool, row, c) = json_is_true(value); break;
  }
}

static void row_from(net_arena *arena, const rc_table *table, const json_t *object, void *row) {
  for (const rc_column *c = table->columns; c->name; c++)
    field_from(arena, c, json_object_get(object, c->name), row);
}

void rc_run_from_json(net_arena *arena, const json_t *object, rc_run *run) {
  *run = rc_run_empty();
  row_from(arena, &rc_run_table, object, run);
}

void rc_epoch_from_json(net_arena *arena, const json_t *object, rc_epoch *epoch) {
  row_from(arena, &rc_epoch_table, object, epoch);
}
