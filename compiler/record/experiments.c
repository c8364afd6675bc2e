/* Sweeps and searches. */
#include "record/database.h"

static bool insert(rc_db *db, rc_experiment *e) {
  if (!rc_store_program(db, e->program_hash, e->program)) return false;
  sqlite3_stmt *s = rc_prepare_insert(db, "INSERT OR REPLACE", &rc_experiment_table, NULL);
  if (!s) return false;
  rc_bind_row(s, &rc_experiment_table, e);
  if (!rc_finish(db, s)) return false;
  e->id = sqlite3_last_insert_rowid(db->sql);
  return true;
}

bool rc_experiment_begin(rc_db *db, rc_experiment *e) {
  e->id = 0;
  e->status = RC_RUNNING;
  if (rc_is_off(db)) return true;
  e->started = rc_now(&db->n->arena);
  e->finished = NULL;
  return rc_begin(db) && insert(db, e) && rc_commit(db) && rc_hold(db, e->id);
}

static bool read_one(rc_db *db, sqlite3_stmt *s, rc_experiment *found) {
  bool ok = s != NULL;
  *found = (rc_experiment){0};
  if (s && rc_next(db, s, &ok)) rc_read_row(db->n, s, &rc_experiment_table, found);
  sqlite3_finalize(s);
  return ok;
}

bool rc_experiment_resume(rc_db *db, const rc_experiment *like, rc_experiment *found) {
  *found = (rc_experiment){0};
  if (rc_is_off(db)) return true;
  sqlite3_stmt *s = rc_prepare(
      db,
      net_arena_format(&db->n->arena,
                       "SELECT %s FROM experiment WHERE kind = ? AND name IS ? AND network IS ? AND "
                       "program_hash IS ? AND settings IS ? AND status <> 'done' ORDER BY id DESC LIMIT 1",
                       rc_select_list(db->n, &rc_experiment_table, true)));
  if (!s) return false;
  const char *texts[] = {rc_kind_names[like->kind], like->name, like->network, like->program_hash,
                         like->settings};
  for (int i = 0; i < 5; i++) rc_bind_text(s, i + 1, texts[i]);
  if (!read_one(db, s, found)) return false;
  if (!found->id) return true;
  if (!rc_hold(db, found->id)) return false;
  s = rc_prepare(db,
                 "UPDATE experiment SET status = 'running', finished = NULL, message = NULL WHERE id = ?");
  if (!s) return false;
  rc_bind_id(s, 1, found->id);
  found->status = RC_RUNNING;
  return rc_finish(db, s);
}

bool rc_experiment_end(rc_db *db, int64_t id, rc_status status, const char *message) {
  if (rc_is_off(db)) return true;
  sqlite3_stmt *s =
      rc_prepare(db, "UPDATE experiment SET status = ?, finished = ?, message = ? WHERE id = ?");
  if (!s) return false;
  rc_bind_text(s, 1, rc_status_names[status]);
  rc_bind_text(s, 2, rc_now(&db->n->arena));
  rc_bind_text(s, 3, message);
  rc_bind_id(s, 4, id);
  if (!rc_finish(db, s)) return false;
  if (db->held == id) rc_release(db);
  return true;
}

bool rc_experiment_find(rc_db *db, int64_t id, rc_experiment *found) {
  *found = (rc_experiment){0};
  if (rc_is_off(db)) return true;
  sqlite3_stmt *s = rc_prepare(db, net_arena_format(&db->n->arena, "SELECT %s FROM experiment WHERE id = ?",
                                                    rc_select_list(db->n, &rc_experiment_table, true)));
  if (s) rc_bind_id(s, 1, id);
  return read_one(db, s, found);
}

/* Programs that nobody names any more go with the last who did. */
static bool sweep_up(rc_db *db) {
  return rc_do(
      db, "DELETE FROM program WHERE hash NOT IN (SELECT program_hash FROM run WHERE program_hash NOT NULL) "
          "AND hash NOT IN (SELECT program_hash FROM experiment WHERE program_hash NOT NULL)");
}

static bool delete(rc_db *db, const char *from, int64_t id) {
  if (rc_is_off(db)) return true;
  if (!rc_begin(db)) return false;
  sqlite3_stmt *s = rc_prepare(db, net_arena_format(&db->n->arena, "DELETE FROM %s WHERE id = ?", from));
  if (!s) return false;
  rc_bind_id(s, 1, id);
  return rc_finish(db, s) && sweep_up(db) && rc_commit(db);
}

bool rc_run_delete(rc_db *db, int64_t id) { return delete(db, "run", id); }
bool rc_experiment_delete(rc_db *db, int64_t id) { return delete(db, "experiment", id); }
