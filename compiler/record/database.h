/* Inside the record: an open database, statements, transactions, rows as structs. */
#ifndef NETC_RECORD_DATABASE_H
#define NETC_RECORD_DATABASE_H

#include "record/columns.h"

#include <sqlite3.h>

struct rc_db {
  netc *n;
  sqlite3 *sql;
  rc_mode mode;
  bool off;          /* RC_LENIENT: something went wrong, and was said */
  const char *path;  /* of runs.db, as the user sees it */
  const char *place; /* canonical: the directory that the record's directory is in */
  const char *folder; /* the record's */
  int64_t held;      /* the experiment whose lock is held */
  int lock;          /* its file; −1: none */
};

/* Whether there is nothing to do: no database, or one that is given up. */
bool rc_is_off(const rc_db *db);
/* Says what SQLite complains about; rolls back a transaction. Gives false. */
bool rc_fail(rc_db *db, const char *doing);
/* The same with other words. */
bool rc_refuse(rc_db *db, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool rc_begin(rc_db *db); /* takes the right to write */
bool rc_commit(rc_db *db);
bool rc_do(rc_db *db, const char *statements);
/* NULL: reported */
sqlite3_stmt *rc_prepare(rc_db *db, const char *text);
/* Runs a statement that gives no rows, and is done with it. NULL: it could not be prepared. */
bool rc_finish(rc_db *db, sqlite3_stmt *statement);
/* Whether there is a next row; when there is none *ok tells whether that is all. */
bool rc_next(rc_db *db, sqlite3_stmt *statement, bool *ok);

void rc_bind_text(sqlite3_stmt *statement, int at, const char *text);
void rc_bind_id(sqlite3_stmt *statement, int at, int64_t id); /* 0: NULL */

/* "a, b, c" as a SELECT has it; texts: with those of programs. */
const char *rc_select_list(netc *n, const rc_table *table, bool programs);
/* "HOW INTO table (…) VALUES (…)", how: "INSERT", "INSERT OR REPLACE"; the fields in their order, then the
 * column `more`, if any */
sqlite3_stmt *rc_prepare_insert(rc_db *db, const char *how, const rc_table *table, const char *more);
/* Binds a struct's fields; gives the next free place. */
int rc_bind_row(sqlite3_stmt *statement, const rc_table *table, const void *row);
/* Fills a struct from columns that rc_select_list has listed. */
void rc_read_row(netc *n, sqlite3_stmt *statement, const rc_table *table, void *row);

/* Stores a program's text under its hash. */
bool rc_store_program(rc_db *db, const char *hash, const char *text);
/* A path as the record has it: canonical, and relative if it lies in `place`. */
const char *rc_canonical(rc_db *db, const char *path);

/* Makes the tables, or checks that they are ours. */
bool rc_schema(rc_db *db);

/* Writing, inside a transaction. */
bool rc_insert_run(rc_db *db, rc_run *run);
bool rc_insert_epochs(rc_db *db, int64_t run, const rc_epoch *epochs, uint32_t count);
/* One process at a time goes on with an experiment. False: reported. */
bool rc_hold(rc_db *db, int64_t id);
void rc_release(rc_db *db);

#endif
