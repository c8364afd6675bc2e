/* Trials of searches. */
#include "record/database.h"

/* Rows that are there and not done make way for the new ones; none is done twice. */
static bool insert(rc_db *db, const rc_trial *trials, uint32_t count) {
  sqlite3_stmt *drop =
      rc_prepare(db, "DELETE FROM trial WHERE experiment = ? AND number = ? AND status <> 'done'");
  sqlite3_stmt *s = drop ? rc_prepare_insert(db, "INSERT", &rc_trial_table, NULL) : NULL;
  bool ok = s != NULL;
  for (uint32_t i = 0; i < count && ok; i++) {
    const rc_trial *t = &trials[i];
    rc_bind_id(drop, 1, t->experiment);
    rc_bind_id(drop, 2, t->number);
    rc_bind_row(s, &rc_trial_table, t);
    int code = sqlite3_step(drop);
    if (code == SQLITE_DONE) code = sqlite3_step(s);
    if (code == SQLITE_CONSTRAINT_PRIMARYKEY)
      ok = rc_refuse(db, "trial %lld of experiment %lld is done already, and recorded in %s",
                     (long long)t->number, (long long)t->experiment, db->path);
    else if (code != SQLITE_DONE) ok = rc_fail(db, "write");
    sqlite3_reset(drop);
    sqlite3_reset(s);
  }
  sqlite3_finalize(drop);
  sqlite3_finalize(s);
  return ok;
}

bool rc_trials_whole(rc_db *db, const rc_trial *trials, uint32_t count) {
  if (rc_is_off(db) || !count) return true;
  return rc_begin(db) && insert(db, trials, count) && rc_commit(db);
}

bool rc_trial_begin(rc_db *db, const rc_trial *trial) {
  rc_trial begun = *trial;
  begun.status = RC_RUNNING;
  return rc_trials_whole(db, &begun, 1);
}

bool rc_trial_end(rc_db *db, const rc_trial *trial) { return rc_trials_whole(db, trial, 1); }

bool rc_trials(rc_db *db, int64_t experiment, rc_trial **trials, uint32_t *count) {
  NET_VEC(rc_trial) rows = {0};
  bool ok = false;
  *trials = NULL, *count = 0;
  if (rc_is_off(db)) return true;
  sqlite3_stmt *s = rc_prepare(
      db, net_arena_format(&db->n->arena, "SELECT %s FROM trial WHERE experiment = ? ORDER BY number",
                           rc_select_list(db->n, &rc_trial_table, false)));
  if (!s) return false;
  rc_bind_id(s, 1, experiment);
  while (rc_next(db, s, &ok)) {
    uint32_t i = net_vec_push(&db->n->arena, &rows, (rc_trial){0});
    rc_read_row(db->n, s, &rc_trial_table, &rows.at[i]);
  }
  sqlite3_finalize(s);
  *trials = rows.at, *count = rows.count;
  return ok;
}
