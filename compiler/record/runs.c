/* Runs and their epochs. */
#include "record/database.h"

/* ---- writing ---- */

bool rc_insert_epochs(rc_db *db, int64_t run, const rc_epoch *epochs, uint32_t count) {
  if (!count) return true;
  sqlite3_stmt *s = rc_prepare_insert(db, "INSERT OR REPLACE", &rc_epoch_table, "run");
  if (!s) return false;
  bool ok = true;
  for (uint32_t i = 0; i < count && ok; i++) {
    rc_bind_id(s, rc_bind_row(s, &rc_epoch_table, &epochs[i]), run);
    if (!(ok = sqlite3_step(s) == SQLITE_DONE)) rc_fail(db, "write");
    sqlite3_reset(s);
  }
  sqlite3_finalize(s);
  return ok;
}

/* With an id: the row takes that one's place. */
static bool insert(rc_db *db, rc_run *run) {
  if (!rc_store_program(db, run->program_hash, run->program)) return false;
  sqlite3_stmt *s = rc_prepare_insert(db, "INSERT OR REPLACE", &rc_run_table, NULL);
  if (!s) return false;
  rc_bind_row(s, &rc_run_table, run);
  if (!rc_finish(db, s)) return false;
  run->id = sqlite3_last_insert_rowid(db->sql);
  return true;
}

/* Whoever had this directory before has it no longer: its files are gone. */
static bool take_directory(rc_db *db, const rc_run *run) {
  if (!run->directory) return true;
  sqlite3_stmt *s = rc_prepare(db, "UPDATE run SET directory = NULL WHERE directory = ?");
  if (!s) return false;
  rc_bind_text(s, 1, run->directory);
  return rc_finish(db, s);
}

/* The id of the run with this number, if it may begin anew. */
static bool take_number(rc_db *db, rc_run *run) {
  bool ok, done = false;
  run->id = 0;
  if (!run->experiment) return true;
  sqlite3_stmt *s = rc_prepare(db, "SELECT id, status = 'done' FROM run WHERE experiment = ? AND number = ?");
  if (!s) return false;
  rc_bind_id(s, 1, run->experiment);
  rc_bind_id(s, 2, run->number);
  if (rc_next(db, s, &ok)) run->id = sqlite3_column_int64(s, 0), done = sqlite3_column_int(s, 1);
  sqlite3_finalize(s);
  if (!ok || !done) return ok;
  return rc_refuse(db, "run %lld of experiment %lld is done already, and recorded in %s",
                   (long long)run->number, (long long)run->experiment, db->path);
}

static bool forget(rc_db *db, int64_t run, uint32_t epoch) {
  sqlite3_stmt *s = rc_prepare(db, "DELETE FROM epoch WHERE run = ? AND epoch > ?");
  if (!s) return false;
  rc_bind_id(s, 1, run);
  sqlite3_bind_int64(s, 2, epoch);
  return rc_finish(db, s);
}

bool rc_insert_run(rc_db *db, rc_run *run) {
  if (!run->place) run->place = db->place;
  run->directory = rc_canonical(db, run->directory);
  return take_number(db, run) && take_directory(db, run) && (!run->id || forget(db, run->id, 0)) &&
         insert(db, run);
}

bool rc_run_begin(rc_db *db, rc_run *run) {
  run->id = 0;
  run->status = RC_RUNNING;
  if (rc_is_off(db)) return true;
  run->started = rc_now(&db->n->arena);
  return rc_begin(db) && rc_insert_run(db, run) && rc_commit(db);
}

bool rc_run_whole(rc_db *db, rc_run *run, const rc_epoch *epochs, uint32_t count) {
  run->id = 0;
  if (rc_is_off(db)) return true;
  if (!run->started) run->started = rc_now(&db->n->arena);
  return rc_begin(db) && rc_insert_run(db, run) && rc_insert_epochs(db, run->id, epochs, count) &&
         rc_commit(db);
}

bool rc_run_resume(rc_db *db, rc_run *run, bool *found) {
  *found = false;
  if (rc_is_off(db)) return true;
  run->directory = rc_canonical(db, run->directory);
  sqlite3_stmt *s = rc_prepare(
      db, "UPDATE run SET status = 'running', message = NULL WHERE directory = ? RETURNING id, started, "
          "experiment, number");
  if (!s) return false;
  bool ok, more;
  rc_bind_text(s, 1, run->directory);
  if ((*found = rc_next(db, s, &ok))) {
    const char *started = (const char *)sqlite3_column_text(s, 1);
    run->id = sqlite3_column_int64(s, 0);
    run->started = net_arena_copy(&db->n->arena, started, strlen(started));
    run->experiment = sqlite3_column_int64(s, 2);
    run->number = sqlite3_column_int64(s, 3);
    do more = rc_next(db, s, &ok);
    while (more);
  }
  sqlite3_finalize(s);
  return ok;
}

bool rc_run_epochs(rc_db *db, int64_t run, const rc_epoch *epochs, uint32_t count) {
  if (rc_is_off(db) || !count) return true;
  return rc_begin(db) && rc_insert_epochs(db, run, epochs, count) && rc_commit(db);
}

bool rc_run_forget(rc_db *db, int64_t run, uint32_t epoch) { return rc_is_off(db) || forget(db, run, epoch); }

static const char *assignments(netc *n) {
  const char *text = "", *comma = "";
  for (const rc_column *c = rc_run_table.columns; c->name; c++) {
    if (c->kind == RC_PROGRAM) continue;
    text = net_arena_format(&n->arena, "%s%s%s = ?", text, comma, c->name);
    comma = ", ";
  }
  return text;
}

static bool update(rc_db *db, const rc_run *run) {
  if (!rc_store_program(db, run->program_hash, run->program)) return false;
  sqlite3_stmt *s =
      rc_prepare(db, net_arena_format(&db->n->arena, "UPDATE run SET %s WHERE id = ?", assignments(db->n)));
  if (!s) return false;
  rc_bind_id(s, rc_bind_row(s, &rc_run_table, run), run->id);
  if (!rc_finish(db, s)) return false;
  return sqlite3_changes(db->sql) == 1 ||
         rc_refuse(db, "run %lld was deleted from %s meanwhile", (long long)run->id, db->path);
}

bool rc_run_end(rc_db *db, const rc_run *run, const rc_epoch *epochs, uint32_t count) {
  if (rc_is_off(db)) return true;
  rc_run kept = *run;
  kept.directory = rc_canonical(db, run->directory);
  return rc_begin(db) && update(db, &kept) && rc_insert_epochs(db, run->id, epochs, count) && rc_commit(db);
}

/* ---- reading ---- */

bool rc_run_find(rc_db *db, int64_t id, rc_run *found) {
  bool ok = false;
  *found = rc_run_empty();
  if (rc_is_off(db)) return true;
  sqlite3_stmt *s = rc_prepare(db, net_arena_format(&db->n->arena, "SELECT %s FROM run WHERE id = ?",
                                                    rc_select_list(db->n, &rc_run_table, true)));
  if (!s) return false;
  rc_bind_id(s, 1, id);
  if (rc_next(db, s, &ok)) rc_read_row(db->n, s, &rc_run_table, found);
  sqlite3_finalize(s);
  return ok;
}

bool rc_run_read_epochs(rc_db *db, int64_t run, rc_epoch **epochs, uint32_t *count) {
  NET_VEC(rc_epoch) rows = {0};
  bool ok = false;
  *epochs = NULL, *count = 0;
  if (rc_is_off(db)) return true;
  sqlite3_stmt *s =
      rc_prepare(db, net_arena_format(&db->n->arena, "SELECT %s FROM epoch WHERE run = ? ORDER BY epoch",
                                      rc_select_list(db->n, &rc_epoch_table, false)));
  if (!s) return false;
  rc_bind_id(s, 1, run);
  while (rc_next(db, s, &ok)) {
    uint32_t i = net_vec_push(&db->n->arena, &rows, (rc_epoch){0});
    rc_read_row(db->n, s, &rc_epoch_table, &rows.at[i]);
  }
  sqlite3_finalize(s);
  *epochs = rows.at, *count = rows.count;
  return ok;
}
