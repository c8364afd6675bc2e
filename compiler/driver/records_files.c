/* netc runs export and delete. */
#include "driver/records.h"

#include "driver/runs.h"
#include "support/file.h"
#include "support/table.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- export ---- */

static json_t *with_log(rc_db *db, const rc_run *run) {
  rc_epoch *epochs;
  uint32_t count;
  if (!rc_run_read_epochs(db, run->id, &epochs, &count)) return NULL;
  json_t *object = rc_run_json(run, false), *log = json_array();
  for (uint32_t i = 0; i < count; i++) json_array_append_new(log, rc_epoch_json(&epochs[i]));
  json_object_set_new(object, "log", log);
  return object;
}

static bool write_lines(dr_call *call, rc_db *db, FILE *to, const rc_run *runs, uint32_t count) {
  (void)call;
  for (uint32_t i = 0; i < count; i++) {
    json_t *object = with_log(db, &runs[i]);
    if (!object) return false;
    net_json_print(to, object);
  }
  return true;
}

static bool write_list(dr_call *call, rc_db *db, FILE *to, const rc_run *runs, uint32_t count) {
  (void)call;
  fputc('[', to);
  for (uint32_t i = 0; i < count; i++) {
    json_t *object = with_log(db, &runs[i]);
    if (!object) return false;
    fputs(i ? ",\n" : "\n", to);
    json_dumpf(object, to, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(object);
  }
  fputs("\n]\n", to);
  return true;
}

static const char *cell(netc *n, const json_t *value) {
  if (json_is_string(value)) return json_string_value(value);
  if (json_is_integer(value))
    return net_arena_format(&n->arena, "%lld", (long long)json_integer_value(value));
  if (json_is_real(value)) {
    const char *text = net_arena_format(&n->arena, "%.15g", json_real_value(value));
    return strtod(text, NULL) == json_real_value(value)
               ? text
               : net_arena_format(&n->arena, "%.17g", json_real_value(value));
  }
  return json_is_boolean(value) ? json_is_true(value) ? "true" : "false" : NULL;
}

/* A column a field, then one a setting. */
static bool write_csv(dr_call *call, rc_db *db, FILE *to, const rc_run *runs, uint32_t count) {
  netc *n = call->n;
  NET_VEC(const char *) titles = {0};
  rc_run none = rc_run_empty();
  json_t *seen = json_object(), *empty = rc_run_json(&none, false), *value;
  json_t **objects = NET_NEW_ARRAY(&n->arena, json_t *, count + 1);
  const char *key;
  (void)db;
  json_object_foreach(empty, key, value) if (strcmp(key, "settings") && strcmp(key, "machine"))
      net_vec_push(&n->arena, &titles, net_arena_copy(&n->arena, key, strlen(key)));
  uint32_t fields = titles.count;
  for (uint32_t i = 0; i < count; i++) {
    rc_run run = runs[i];
    run.options = dr_record_options(n, &run);
    objects[i] = rc_run_json(&run, false);
    json_object_foreach(json_object_get(objects[i], "settings"), key, value) {
      if (json_object_get(seen, key)) continue;
      json_object_set_new(seen, key, json_true());
      net_vec_push(&n->arena, &titles, net_arena_copy(&n->arena, key, strlen(key)));
    }
  }
  char *alignment = net_arena_alloc(&n->arena, titles.count + 1, 1);
  memset(alignment, 'l', titles.count);
  net_table table = net_table_new(&n->arena, titles.count, titles.at, alignment);
  for (uint32_t i = 0; i < count; i++) {
    const json_t *settings = json_object_get(objects[i], "settings");
    for (uint32_t c = 0; c < titles.count; c++)
      net_table_add(&table, cell(n, json_object_get(c < fields ? objects[i] : settings, titles.at[c])));
    json_decref(objects[i]);
  }
  net_table_print(to, &table, NET_TABLE_CSV);
  json_decref(seen);
  json_decref(empty);
  return true;
}

static const struct {
  const char *ending;
  bool (*write)(dr_call *call, rc_db *db, FILE *to, const rc_run *runs, uint32_t count);
} forms[] = {{".csv", write_csv}, {".json", write_list}, {".jsonl", write_lines}};

int dr_records_export(dr_call *call, rc_db *db, const char *const *words, uint32_t count) {
  const char *path = words[0], *ending = strrchr(path, '.');
  uint32_t f = 0;
  rc_filter filter;
  rc_run *runs;
  dr_records found = {0};
  while (f < 3 && (!ending || strcmp(ending, forms[f].ending))) f++;
  if (f == 3)
    return dr_wrong(call, "'runs export' writes files that end in .csv, .json or .jsonl, not '%s'", path);
  if (!dr_records_filter(call, &filter)) return DR_WRONG_COMMAND;
  if (!dr_records_find(call, db, words + 1, count - 1, &found)) return DR_WRONG_INPUT;
  if (!(found.count ? dr_records_runs(call, db, &found, &runs, &count) : rc_runs(db, &filter, &runs, &count)))
    return DR_WRONG_INPUT;
  for (uint32_t i = 0; i < count; i++) runs[i].status = dr_record_status(&runs[i]);
  net_file_out out = net_file_begin(call->n, path);
  if (!out.stream) return DR_WRONG_INPUT;
  if (!forms[f].write(call, db, out.stream, runs, count)) return net_file_abandon(&out), DR_WRONG_INPUT;
  if (!net_file_commit(&out, false)) return DR_WRONG_INPUT;
  if (!call->json) fprintf(call->talk, "%u run%s written to %s\n", count, count == 1 ? "" : "s", path);
  return DR_DONE;
}

/* ---- delete ---- */

/* What a run has written, and nothing else. */
static bool delete_files(dr_call *call, const rc_run *run) {
  netc *n = call->n;
  static const char *const files[] = {"best.safetensors", "best.safetensors.next", "last.safetensors"};
  if (!run->directory || access(run->directory, F_OK)) return true;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    const char *path = net_arena_format(&n->arena, "%s/%s", run->directory, files[i]);
    if (unlink(path) && errno != ENOENT) return net_error_errno(n, NET_NOWHERE, "delete", path), false;
  }
  dr_drop_run(call, run->network, run->directory);
  if (!access(run->directory, F_OK))
    net_warning(n, NET_NOWHERE, "%s holds files that are not netc's, and stays", run->directory);
  return true;
}

/* Whether it may go: nobody is at work on it. */
static bool is_free(dr_call *call, rc_db *db, const dr_record *r) {
  netc *n = call->n;
  rc_experiment e = r->of;
  if (!r->experiment && dr_is_busy(r->run.directory))
    return net_error(n, NET_NOWHERE, "run %lld is being trained", (long long)r->run.id), false;
  if (!r->experiment && r->run.experiment && !rc_experiment_find(db, r->run.experiment, &e)) return false;
  if (!e.id || e.status == RC_DONE || dr_has(call, DR_force)) return true;
  net_error(n, NET_NOWHERE, "%s %lld is not finished, and may be resumed: --force deletes %s nevertheless",
            rc_kind_names[e.kind], (long long)e.id, r->experiment ? "it" : "its runs");
  return false;
}

int dr_records_delete(dr_call *call, rc_db *db, const char *const *words, uint32_t count) {
  dr_records found = {0};
  if (!dr_records_find(call, db, words, count, &found)) return DR_WRONG_INPUT;
  for (uint32_t i = 0; i < found.count; i++)
    if (!is_free(call, db, &found.at[i])) return DR_WRONG_INPUT;
  for (uint32_t i = 0; i < found.count; i++) {
    const dr_record *r = &found.at[i];
    dr_records one = {.at = &found.at[i], .count = 1};
    rc_run *runs;
    uint32_t of;
    if (!dr_records_runs(call, db, &one, &runs, &of)) return DR_WRONG_INPUT;
    for (uint32_t k = 0; k < of; k++) {
      if (dr_is_busy(runs[k].directory))
        return net_error(call->n, NET_NOWHERE, "run %lld is being trained", (long long)runs[k].id),
               DR_WRONG_INPUT;
      if (!delete_files(call, &runs[k])) return DR_WRONG_INPUT;
    }
    if (!(r->experiment ? rc_experiment_delete(db, r->of.id) : rc_run_delete(db, r->run.id)))
      return DR_WRONG_INPUT;
  }
  return DR_DONE;
}
