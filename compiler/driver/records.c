/* netc runs */
#include "driver/records.h"

#include "driver/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static const struct {
  const char *name, *takes;
  uint32_t least; /* words behind it */
  rc_mode mode;
  int (*run)(dr_call *call, rc_db *db, const char *const *words, uint32_t count);
} actions[] = {
    {"list", "", 0, RC_READ, dr_records_list},
    {"show", "RUN…", 1, RC_READ, dr_records_show},
    {"compare", "RUN RUN…", 1, RC_READ, dr_records_compare},
    {"export", "FILE [RUN…]", 1, RC_READ, dr_records_export},
    {"delete", "RUN…", 1, RC_STRICT, dr_records_delete},
    {"repeat", "RUN", 1, RC_READ, dr_records_repeat},
};
enum { ACTIONS = sizeof actions / sizeof *actions };

int dr_runs(dr_call *call) {
  const char *word = call->arguments.count ? call->arguments.at[0] : "list", *names[ACTIONS];
  uint32_t a = 0, words = call->arguments.count ? call->arguments.count - 1 : 0;
  for (; a < ACTIONS && strcmp(actions[a].name, word); a++) names[a] = actions[a].name;
  if (a == ACTIONS) {
    const char *near = net_nearest(word, names, ACTIONS);
    return dr_wrong(call, "'runs' does list, show, compare, export, delete and repeat, not '%s'%s%s%s", word,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  }
  if (words < actions[a].least) return dr_wrong(call, "'runs %s' needs %s", word, actions[a].takes);
  if (!*actions[a].takes && words)
    return dr_wrong(call, "'runs list' takes options only, not '%s'", call->arguments.at[1]);
  rc_db *db;
  bool read = actions[a].mode == RC_READ || access("runs/runs.db", F_OK); /* what is not there is not made */
  if (!dr_record_open(call->n, read ? RC_READ : actions[a].mode, &db)) return DR_WRONG_INPUT;
  int code = actions[a].run(call, db, words ? call->arguments.at + 1 : NULL, words);
  rc_close(db);
  return code;
}

/* ---- words ---- */

static bool number(const char *word, int64_t *id) {
  char *end;
  errno = 0;
  *id = strtoll(word, &end, 10);
  return *word >= '0' && *word <= '9' && !*end && !errno && *id > 0;
}

static bool find_experiment(dr_call *call, rc_db *db, rc_kind kind, int64_t id, dr_record *found) {
  found->experiment = true;
  if (!rc_experiment_find(db, id, &found->of)) return false;
  if (!found->of.id)
    return net_error(call->n, NET_NOWHERE, "runs/runs.db has no %s %lld", rc_kind_names[kind], (long long)id),
           false;
  if (found->of.kind == kind) return true;
  net_error(call->n, NET_NOWHERE, "%lld is a %s: write %s %lld", (long long)id, rc_kind_names[found->of.kind],
            rc_kind_names[found->of.kind], (long long)id);
  return false;
}

bool dr_records_find(dr_call *call, rc_db *db, const char *const *words, uint32_t count, dr_records *found) {
  netc *n = call->n;
  for (uint32_t i = 0; i < count; i++) {
    dr_record r = {0};
    int64_t id;
    int kind = -1;
    for (int k = 0; k < RC_KINDS; k++)
      if (!strcmp(words[i], rc_kind_names[k])) kind = k;
    const char *word = kind < 0 ? words[i] : i + 1 < count ? words[++i] : "";
    if (!number(word, &id))
      return dr_wrong(call, "runs are named by their numbers (7, sweep 3, search 4): '%s' is none",
                      *word ? word : words[i]),
             false;
    if (kind >= 0) {
      if (!find_experiment(call, db, (rc_kind)kind, id, &r)) return false;
    } else if (!rc_run_find(db, id, &r.run)) {
      return false;
    } else if (!r.run.id) {
      return net_error(n, NET_NOWHERE, "runs/runs.db has no run %lld", (long long)id), false;
    }
    net_vec_push(&n->arena, found, r);
  }
  return true;
}

bool dr_records_runs(dr_call *call, rc_db *db, const dr_records *records, rc_run **runs, uint32_t *count) {
  NET_VEC(rc_run) all = {0};
  for (uint32_t i = 0; i < records->count; i++) {
    rc_run *some = &records->at[i].run;
    uint32_t more = 1;
    rc_filter of = {.kind = -1, .status = -1, .experiment = records->at[i].of.id};
    if (records->at[i].experiment && !rc_runs(db, &of, &some, &more)) return false;
    for (uint32_t k = 0; k < more; k++) net_vec_push(&call->n->arena, &all, some[k]);
  }
  *runs = all.at, *count = all.count;
  return true;
}

/* ---- what is shown of a run ---- */

bool dr_is_busy(const char *directory) {
  int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd < 0) return false;
  bool busy = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
  close(fd);
  return busy;
}

rc_status dr_record_status(const rc_run *run) {
  if (run->status != RC_RUNNING || !run->directory || dr_is_busy(run->directory)) return run->status;
  return RC_INTERRUPTED;
}

const char *dr_record_place(netc *n, rc_db *db, const rc_run *run) {
  rc_experiment e;
  if (!run->experiment || !rc_experiment_find(db, run->experiment, &e) || !e.id) return NULL;
  return net_arena_format(&n->arena, "%s %lld.%lld", rc_kind_names[e.kind], (long long)e.id,
                          (long long)run->number);
}

const char *dr_record_options(netc *n, const rc_run *run) {
  if (!run->options || !*run->options) return NULL;
  char *text = net_arena_copy(&n->arena, run->options, strlen(run->options));
  for (char *c = text; *c; c++)
    if (*c == '\n') *c = c[1] ? ' ' : 0;
  return text;
}

const char *dr_setting_text(netc *n, const json_t *settings, const char *path) {
  const json_t *value = json_object_get(settings, path);
  if (!value) return NULL;
  if (json_is_string(value)) {
    const char *text = json_string_value(value);
    return net_arena_copy(&n->arena, text, strlen(text));
  }
  if (json_is_boolean(value)) return json_is_true(value) ? "true" : "false";
  if (json_is_integer(value))
    return net_arena_format(&n->arena, "%lld", (long long)json_integer_value(value));
  if (json_is_real(value)) return net_arena_format(&n->arena, "%.15g", json_real_value(value));
  return NULL;
}

void dr_records_table(dr_call *call, rc_db *db, const rc_run *runs, uint32_t count, dr_table *t) {
  static const dr_column columns[] = {{"run", "run", DR_COUNT},
                                      {"of", "of", DR_WORD},
                                      {"network", "network", DR_WORD},
                                      {"options", "options", DR_WORD},
                                      {"status", "status", DR_WORD},
                                      {"epochs", "epochs", DR_COUNT},
                                      {"best", "best_epoch", DR_COUNT},
                                      {"training loss", "train_loss", DR_REAL},
                                      {"validation loss", "validation_loss", DR_REAL},
                                      {"accuracy", "validation_accuracy", DR_RATE},
                                      {"test loss", "test_loss", DR_REAL},
                                      {"seconds", "seconds", DR_REAL},
                                      {"started", "started", DR_WORD},
                                      {0}};
  *t = dr_table_new(call->n, "runs", "Runs", columns);
  for (uint32_t i = 0; i < count; i++) {
    const rc_run *r = &runs[i];
    dr_table_number(t, (double)r->id);
    dr_table_word(t, dr_record_place(call->n, db, r));
    dr_table_word(t, r->network);
    dr_table_word(t, dr_record_options(call->n, r));
    dr_table_word(t, rc_status_names[dr_record_status(r)]);
    dr_table_number(t, r->epochs);
    if (r->best_epoch) dr_table_number(t, r->best_epoch);
    else dr_table_empty(t);
    dr_table_number(t, r->train_loss);
    dr_table_number(t, r->validation_loss);
    dr_table_number(t, r->validation_accuracy);
    dr_table_number(t, r->test_loss);
    dr_table_number(t, r->seconds);
    dr_table_word(t, r->started);
  }
}
