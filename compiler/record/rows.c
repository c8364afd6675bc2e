/* Rows as structs, by the tables of columns. */
#include "record/database.h"

#include <math.h>
#include <stdlib.h>

void rc_bind_text(sqlite3_stmt *s, int at, const char *text) {
  if (text) sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
  else sqlite3_bind_null(s, at);
}

void rc_bind_id(sqlite3_stmt *s, int at, int64_t id) {
  if (id) sqlite3_bind_int64(s, at, id);
  else sqlite3_bind_null(s, at);
}

/* Beyond SQLite's integers as text, so that nobody reads a negative number. */
static void bind_seed(sqlite3_stmt *s, int at, uint64_t seed) {
  char text[24];
  if (seed <= INT64_MAX) {
    sqlite3_bind_int64(s, at, (int64_t)seed);
    return;
  }
  snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
  rc_bind_text(s, at, text);
}

static void bind(sqlite3_stmt *s, int at, const rc_column *c, const void *row) {
  switch (c->kind) {
  case RC_ID: rc_bind_id(s, at, RC_FIELD_OF(int64_t, row, c)); break;
  case RC_TEXT: rc_bind_text(s, at, RC_FIELD_OF(const char *, row, c)); break;
  case RC_REAL: sqlite3_bind_double(s, at, RC_FIELD_OF(double, row, c)); break; /* NaN becomes NULL */
  case RC_COUNT: sqlite3_bind_int64(s, at, RC_FIELD_OF(uint32_t, row, c)); break;
  case RC_SEED: bind_seed(s, at, RC_FIELD_OF(uint64_t, row, c)); break;
  case RC_STATUS: rc_bind_text(s, at, rc_status_names[RC_FIELD_OF(rc_status, row, c)]); break;
  case RC_KIND: rc_bind_text(s, at, rc_kind_names[RC_FIELD_OF(rc_kind, row, c)]); break;
  case RC_FLAG: sqlite3_bind_int(s, at, RC_FIELD_OF(bool, row, c)); break;
  case RC_PROGRAM: break;
  }
}

int rc_bind_row(sqlite3_stmt *s, const rc_table *table, const void *row) {
  int at = 1;
  for (const rc_column *c = table->columns; c->name; c++)
    if (c->kind != RC_PROGRAM) bind(s, at++, c, row);
  return at;
}

static const char *text_at(netc *n, sqlite3_stmt *s, int at) {
  const char *text = (const char *)sqlite3_column_text(s, at);
  return text ? net_arena_copy(&n->arena, text, (size_t)sqlite3_column_bytes(s, at)) : NULL;
}

static int word_at(sqlite3_stmt *s, int at, const char *const *words, int count) {
  const char *text = (const char *)sqlite3_column_text(s, at);
  for (int i = 0; text && i < count; i++)
    if (!strcmp(text, words[i])) return i;
  return 0;
}

static void read_column(netc *n, sqlite3_stmt *s, int at, const rc_column *c, void *row) {
  bool none = sqlite3_column_type(s, at) == SQLITE_NULL;
  switch (c->kind) {
  case RC_ID: RC_FIELD(int64_t, row, c) = sqlite3_column_int64(s, at); break;
  case RC_PROGRAM:
  case RC_TEXT: RC_FIELD(const char *, row, c) = text_at(n, s, at); break;
  case RC_REAL: RC_FIELD(double, row, c) = none ? NAN : sqlite3_column_double(s, at); break;
  case RC_COUNT: RC_FIELD(uint32_t, row, c) = (uint32_t)sqlite3_column_int64(s, at); break;
  case RC_SEED:
    RC_FIELD(uint64_t, row, c) = none ? 0 : strtoull((const char *)sqlite3_column_text(s, at), NULL, 10);
    break;
  case RC_STATUS:
    RC_FIELD(rc_status, row, c) = (rc_status)word_at(s, at, rc_status_names, RC_STATUSES);
    break;
  case RC_KIND: RC_FIELD(rc_kind, row, c) = (rc_kind)word_at(s, at, rc_kind_names, RC_KINDS); break;
  case RC_FLAG: RC_FIELD(bool, row, c) = sqlite3_column_int(s, at) != 0; break;
  }
}

void rc_read_row(netc *n, sqlite3_stmt *s, const rc_table *table, void *row) {
  int at = 0;
  for (const rc_column *c = table->columns; c->name; c++) read_column(n, s, at++, c, row);
}

const char *rc_select_list(netc *n, const rc_table *table, bool programs) {
  const char *text = "", *comma = "";
  for (const rc_column *c = table->columns; c->name; c++) {
    const char *what = c->kind != RC_PROGRAM ? c->name
                       : programs            ? "(SELECT text FROM program WHERE hash = program_hash)"
                                             : "NULL";
    text = net_arena_format(&n->arena, "%s%s%s", text, comma, what);
    comma = ", ";
  }
  return text;
}

sqlite3_stmt *rc_prepare_insert(rc_db *db, const char *how, const rc_table *table, const char *more) {
  netc *n = db->n;
  const char *names = "", *places = "", *comma = "";
  for (const rc_column *c = table->columns; c->name; c++) {
    if (c->kind == RC_PROGRAM) continue;
    names = net_arena_format(&n->arena, "%s%s%s", names, comma, c->name);
    places = net_arena_format(&n->arena, "%s%s?", places, comma);
    comma = ", ";
  }
  if (more) {
    names = net_arena_format(&n->arena, "%s, %s", names, more);
    places = net_arena_format(&n->arena, "%s, ?", places);
  }
  return rc_prepare(
      db, net_arena_format(&n->arena, "%s INTO %s (%s) VALUES (%s)", how, table->name, names, places));
}

bool rc_store_program(rc_db *db, const char *hash, const char *text) {
  if (!hash || !text) return true;
  sqlite3_stmt *s = rc_prepare(db, "INSERT OR IGNORE INTO program (hash, text) VALUES (?, ?)");
  if (!s) return false;
  rc_bind_text(s, 1, hash);
  rc_bind_text(s, 2, text);
  return rc_finish(db, s);
}
