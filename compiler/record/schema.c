/* The tables of runs.db: made from columns.def, or found to be ours. */
#include "record/database.h"

static const rc_table *const tables[] = {&rc_experiment_table, &rc_run_table, &rc_epoch_table,
                                         &rc_trial_table};

enum { APPLICATION = 0x6E657463 }; /* "netc": this is a record of ours */

/* Seeds beyond 2^63 are texts, which must stay so: no type. */
static const char *sql_type(rc_column_kind kind) {
  if (kind == RC_SEED) return "";
  return kind == RC_REAL                                           ? "REAL"
         : kind == RC_TEXT || kind == RC_STATUS || kind == RC_KIND ? "TEXT"
                                                                   : "INTEGER";
}

static const char *definition(netc *n, const rc_table *table) {
  const char *text = net_arena_format(&n->arena, "CREATE TABLE %s (%s", table->name, table->head),
             *comma = "";
  for (const rc_column *c = table->columns; c->name; c++) {
    if (c->kind == RC_PROGRAM) continue;
    text =
        net_arena_format(&n->arena, "%s%s%s %s %s", text, comma, c->name, sql_type(c->kind), c->constraint);
    comma = ", ";
  }
  return net_arena_format(&n->arena, "%s%s);", text, table->tail);
}

static bool create(rc_db *db) {
  netc *n = db->n;
  if (!rc_do(db, "CREATE TABLE program (hash TEXT PRIMARY KEY, text TEXT NOT NULL)")) return false;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    if (!rc_do(db, definition(n, tables[i]))) return false;
  return rc_do(db, "CREATE INDEX run_directory ON run (directory)") &&
         rc_do(db, net_arena_format(&n->arena, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                                    APPLICATION, RC_VERSION));
}

static bool number(rc_db *db, const char *query, int64_t *value) {
  sqlite3_stmt *s = rc_prepare(db, query);
  bool ok = s != NULL;
  *value = 0;
  if (s && rc_next(db, s, &ok)) *value = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return ok;
}

bool rc_schema(rc_db *db) {
  int64_t version, application, found;
  if (!number(db, "PRAGMA user_version", &version) || !number(db, "PRAGMA application_id", &application) ||
      !number(db, "SELECT count(*) FROM sqlite_schema", &found))
    return false;
  if (!version && !application && !found)
    return db->mode == RC_READ ? rc_refuse(db, "%s is empty: nothing was recorded yet", db->path)
                               : create(db);
  if (application != APPLICATION)
    return rc_refuse(db, "%s is a database, but no record of netc's: move it away, and a new one is begun",
                     db->path);
  if (version == RC_VERSION) return true;
  return rc_refuse(db, "%s has version %lld of the record, and this netc knows version %d: %s", db->path,
                   (long long)version, RC_VERSION,
                   version > RC_VERSION ? "a newer netc has made it"
                                        : "move it away, and a new one is begun");
}
