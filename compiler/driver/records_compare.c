/* netc runs compare: settings and results side by side, differences marked. */
#include "driver/records.h"

#include <math.h>

/* Fields of a run in the order in which they are compared, by their names in JSON; settings come behind the
 * seed. */
static const char *const first[] = {"network", "recipe", "data", "quantize", "seed"};
static const char *const then[] = {"program_hash",
                                   "data_hash",
                                   "target",
                                   "version",
                                   "status",
                                   "epochs",
                                   "best_epoch",
                                   "train_loss",
                                   "train_accuracy",
                                   "validation_loss",
                                   "validation_accuracy",
                                   "test_loss",
                                   "test_accuracy",
                                   "weights_hash",
                                   "seconds"};

typedef struct {
  dr_call *call;
  json_t **runs, **settings; /* as JSON */
  uint32_t count;
  dr_table table;
} comparison;

static bool is_rate(const char *field) {
  size_t length = strlen(field);
  return length > 9 && !strcmp(field + length - 9, "_accuracy");
}

static void add_cell(comparison *c, const char *field, const json_t *value) {
  netc *n = c->call->n;
  if (json_is_number(value) && is_rate(field) && dr_call_form(c->call) != DR_AS_CSV && !c->call->json)
    dr_table_word(&c->table, net_arena_format(&n->arena, "%.2f %%", 100 * json_number_value(value)));
  else if (json_is_number(value)) dr_table_number(&c->table, json_number_value(value));
  else if (json_is_string(value)) dr_table_word(&c->table, json_string_value(value));
  else if (json_is_boolean(value)) dr_table_word(&c->table, json_is_true(value) ? "true" : "false");
  else dr_table_empty(&c->table);
}

/* A row, unless no run has anything there. */
static void add_row(comparison *c, const char *field, json_t *const *of) {
  bool any = false, differs = false;
  const json_t *one = json_object_get(of[0], field);
  for (uint32_t i = 0; i < c->count; i++) {
    const json_t *value = json_object_get(of[i], field);
    any |= value && !json_is_null(value);
    differs |= !(value == one || json_equal(value, one));
  }
  if (!any) return;
  dr_table_word(&c->table, field);
  for (uint32_t i = 0; i < c->count; i++) add_cell(c, field, json_object_get(of[i], field));
  if (c->call->json || dr_call_form(c->call) == DR_AS_CSV) dr_table_flag(&c->table, differs);
  else dr_table_word(&c->table, differs ? "*" : NULL);
}

static void add_settings(comparison *c) {
  json_t *seen = json_object();
  for (uint32_t i = 0; i < c->count; i++) {
    const char *path;
    json_t *value;
    json_object_foreach(c->settings[i], path, value) {
      if (json_object_get(seen, path) || !strcmp(path, "train.seed")) continue;
      json_object_set_new(seen, path, json_true());
      add_row(c, path, c->settings);
    }
  }
  json_decref(seen);
}

static void make_table(comparison *c, const rc_run *runs) {
  netc *n = c->call->n;
  dr_column *columns = NET_NEW_ARRAY(&n->arena, dr_column, c->count + 3);
  bool programs = c->call->json || dr_call_form(c->call) == DR_AS_CSV;
  columns[0] = (dr_column){"what", "what", DR_WORD};
  for (uint32_t i = 0; i < c->count; i++) {
    const char *title = net_arena_format(&n->arena, "run %lld", (long long)runs[i].id);
    columns[i + 1] = (dr_column){title, title, DR_ANY};
  }
  columns[c->count + 1] = (dr_column){programs ? "differs" : " ", "differs", programs ? DR_FLAG : DR_WORD};
  c->table = dr_table_new(n, "comparison", "Comparison", columns);
}

int dr_records_compare(dr_call *call, rc_db *db, const char *const *words, uint32_t count) {
  dr_records found = {0};
  rc_run *runs;
  dr_form form;
  if (!dr_table_form(call, &form)) return DR_WRONG_COMMAND;
  if (!dr_records_find(call, db, words, count, &found) || !dr_records_runs(call, db, &found, &runs, &count))
    return DR_WRONG_INPUT;
  if (count < 2) return dr_wrong(call, "'runs compare' needs two runs or more");
  comparison c = {.call = call, .count = count};
  c.runs = NET_NEW_ARRAY(&call->n->arena, json_t *, count);
  c.settings = NET_NEW_ARRAY(&call->n->arena, json_t *, count);
  for (uint32_t i = 0; i < count; i++) {
    runs[i].status = dr_record_status(&runs[i]);
    c.runs[i] = rc_run_json(&runs[i], false);
    c.settings[i] = json_object_get(c.runs[i], "settings");
  }
  make_table(&c, runs);
  for (size_t i = 0; i < sizeof first / sizeof *first; i++) add_row(&c, first[i], c.runs);
  add_settings(&c);
  for (size_t i = 0; i < sizeof then / sizeof *then; i++) add_row(&c, then[i], c.runs);
  dr_table_print(call->out, &c.table, form);
  for (uint32_t i = 0; i < count; i++) json_decref(c.runs[i]);
  return DR_DONE;
}
