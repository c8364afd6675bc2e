/* The record of a netc that was built without SQLite: there is none. */
#include "record/record.h"

bool rc_available(void) { return false; }

bool rc_open(netc *n, const char *directory, rc_mode mode, rc_db **db) {
  *db = NULL;
  if (mode != RC_LENIENT)
    net_error(n, NET_NOWHERE,
              "this netc was built without SQLite, which %s/runs.db needs: install libsqlite3-dev and build "
              "it again",
              directory);
  return false;
}

void rc_close(rc_db *db) { (void)db; }

bool rc_has_column(const char *name) { return (void)name, false; }
uint32_t rc_columns(const char *const **names) { return *names = NULL, 0; }

/* With the only db there is here, NULL. */
#define NOTHING(function, ...) \
  bool function(rc_db *db, __VA_ARGS__) { return !db; }
#define NONE(function, type, key) \
  bool function(rc_db *db, key, type **rows, uint32_t *count) { return *rows = NULL, *count = 0, !db; }

#pragma GCC diagnostic ignored "-Wunused-parameter"
bool rc_experiment_begin(rc_db *db, rc_experiment *e) { return e->id = 0, e->status = RC_RUNNING, !db; }
bool rc_experiment_resume(rc_db *db, const rc_experiment *like, rc_experiment *found) {
  return *found = (rc_experiment){0}, !db;
}
NOTHING(rc_experiment_end, int64_t id, rc_status status, const char *message)
bool rc_experiment_find(rc_db *db, int64_t id, rc_experiment *found) {
  return *found = (rc_experiment){0}, !db;
}
bool rc_run_begin(rc_db *db, rc_run *run) { return run->id = 0, run->status = RC_RUNNING, !db; }
bool rc_run_resume(rc_db *db, rc_run *run, bool *found) { return *found = false, !db; }
NOTHING(rc_run_epochs, int64_t run, const rc_epoch *epochs, uint32_t count)
NOTHING(rc_run_forget, int64_t run, uint32_t epoch)
NOTHING(rc_run_end, const rc_run *run, const rc_epoch *epochs, uint32_t count)
bool rc_run_whole(rc_db *db, rc_run *run, const rc_epoch *epochs, uint32_t count) { return run->id = 0, !db; }
bool rc_run_find(rc_db *db, int64_t id, rc_run *found) { return *found = rc_run_empty(), !db; }
NONE(rc_run_read_epochs, rc_epoch, int64_t run)
NOTHING(rc_trial_begin, const rc_trial *trial)
NOTHING(rc_trial_end, const rc_trial *trial)
NOTHING(rc_trials_whole, const rc_trial *trials, uint32_t count)
NONE(rc_runs, rc_run, const rc_filter *filter)
NONE(rc_experiments, rc_experiment, const rc_filter *filter)
NONE(rc_trials, rc_trial, int64_t experiment)
NOTHING(rc_run_delete, int64_t id)
NOTHING(rc_experiment_delete, int64_t id)
