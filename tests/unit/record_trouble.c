/* Records that are damaged, foreign, of another version; that cannot be written; disks that are full. */
#include "record_support.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <cmocka.h>

static const rc_filter any = {.kind = -1, .status = -1};

static rc_db *open_record(record_test *t, rc_mode mode) {
  rc_db *db;
  return rc_open(&t->n, record_path(t, "runs"), mode, &db) ? db : NULL;
}

/* A record with some runs in it. */
static record_test *filled(void) {
  record_test *t = record_make();
  rc_db *db = open_record(t, RC_STRICT);
  for (int k = 0; k < 300; k++) {
    rc_run run = record_run(k);
    assert_true(rc_run_whole(db, &run, (rc_epoch[]){{.epoch = 1}}, 1));
  }
  rc_close(db);
  return t;
}

static void sql(record_test *t, const char *statement) {
  sqlite3 *db;
  assert_int_equal(sqlite3_open(record_path(t, "runs/runs.db"), &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

/* Every way to open it says this. */
static void refuses(record_test *t, const char *part) {
  assert_null(open_record(t, RC_READ));
  assert_true(record_said(&t->n, NET_ERROR, part));
  assert_null(open_record(t, RC_STRICT));
  assert_true(record_said(&t->n, NET_ERROR, part));
  uint32_t errors = t->n.diagnostics.errors;
  assert_null(open_record(t, RC_LENIENT));
  assert_true(record_said(&t->n, NET_WARNING, part));
  assert_true(record_said(&t->n, NET_WARNING, "; this run is not recorded"));
  assert_int_equal(t->n.diagnostics.errors, errors);
}

static void overwrite(record_test *t, long offset, size_t length) {
  FILE *file = fopen(record_path(t, "runs/runs.db"), "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET), 0);
  for (size_t i = 0; i < length; i++) putc((int)(i * 37 + 11) & 255, file);
  fclose(file);
}

static void test_absent(void **state) {
  (void)state;
  record_test *t = record_make();
  assert_null(open_record(t, RC_READ));
  assert_true(record_said(&t->n, NET_ERROR, "nothing was recorded here yet"));
  assert_int_not_equal(access(record_path(t, "runs"), F_OK), 0); /* reading makes nothing */
  record_free(t);
}

static void test_no_database(void **state) {
  (void)state;
  record_test *t = filled();
  overwrite(t, 0, 200);
  refuses(t, "runs.db is damaged (file is not a database): move it away, and a new one is begun");
  record_free(t);
}

/* The header is fine, pages behind it are not: found when they are read, or written. */
static void test_damaged_pages(void **state) {
  (void)state;
  record_test *t = filled();
  struct stat st;
  rc_run *runs, run = record_run(0);
  uint32_t count;
  assert_int_equal(stat(record_path(t, "runs/runs.db"), &st), 0);
  overwrite(t, 4096, (size_t)st.st_size - 4096);
  rc_db *db = open_record(t, RC_STRICT);
  if (db) {
    assert_false(rc_runs(db, &any, &runs, &count));
    assert_true(record_said(&t->n, NET_ERROR, "is damaged"));
    assert_false(rc_run_begin(db, &run));
    assert_true(record_said(&t->n, NET_ERROR, "is damaged"));
  } else {
    assert_true(record_said(&t->n, NET_ERROR, "is damaged"));
  }
  rc_close(db);
  uint32_t errors = t->n.diagnostics.errors, warnings = t->n.diagnostics.warnings;
  db = open_record(t, RC_LENIENT);
  rc_run_begin(db, &run);
  rc_run_begin(db, &run); /* said once */
  assert_true(rc_run_end(db, &run, NULL, 0));
  assert_int_equal(t->n.diagnostics.errors, errors);
  assert_int_equal(t->n.diagnostics.warnings, warnings + 1);
  rc_close(db);
  record_free(t);
}

static void test_cut_short(void **state) {
  (void)state;
  record_test *t = filled();
  rc_run *runs;
  uint32_t count;
  assert_int_equal(truncate(record_path(t, "runs/runs.db"), 3 * 4096 + 100), 0);
  rc_db *db = open_record(t, RC_READ);
  if (db) assert_false(rc_runs(db, &any, &runs, &count));
  assert_true(record_said(&t->n, NET_ERROR, "is damaged"));
  rc_close(db);
  record_free(t);
}

static void test_versions(void **state) {
  (void)state;
  record_test *t = filled();
  sql(t, "PRAGMA user_version = 2");
  refuses(t, "runs.db has version 2 of the record, and this netc knows version 1: a newer netc has made it");
  sql(t, "PRAGMA user_version = 0");
  refuses(t, "runs.db has version 0 of the record");
  record_free(t);
}

static void test_foreign(void **state) {
  (void)state;
  record_test *t = record_make();
  assert_int_equal(mkdir(record_path(t, "runs"), 0777), 0);
  sql(t, "CREATE TABLE run (a)");
  refuses(t, "is a database, but no record of netc's");
  record_free(t);
}

/* An empty file is what a process leaves that was killed at the very beginning. */
static void test_empty(void **state) {
  (void)state;
  record_test *t = record_make();
  assert_int_equal(mkdir(record_path(t, "runs"), 0777), 0);
  close(open(record_path(t, "runs/runs.db"), O_CREAT | O_WRONLY, 0666));
  assert_null(open_record(t, RC_READ));
  assert_true(record_said(&t->n, NET_ERROR, "nothing was recorded yet"));
  rc_db *db = open_record(t, RC_STRICT);
  assert_non_null(db);
  rc_close(db);
  record_free(t);
}

/* Runs a check in a process of its own, as nobody if this one is root, who may write everywhere. */
static void as_nobody(record_test *t, bool (*check)(record_test *t)) {
  int status;
  pid_t pid = fork();
  if (!pid) {
    bool ok = (geteuid() || !setuid(65534)) && check(t);
    if (!ok) net_diagnostics_flush(&t->n, stderr, NET_DIAGNOSTICS_TEXT, false);
    _exit(ok ? 0 : 1);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
}

static bool reads_only(record_test *t) {
  rc_run *runs, run = record_run(0);
  uint32_t count, warnings = t->n.diagnostics.warnings;
  rc_db *db = open_record(t, RC_READ);
  if (!db || !rc_runs(db, &any, &runs, &count) || count != 300) return false;
  rc_close(db);
  db = open_record(t, RC_STRICT);
  if (db && rc_run_begin(db, &run)) return false;
  if (!record_said(&t->n, NET_ERROR, "can only be read")) return false;
  rc_close(db);
  db = open_record(t, RC_LENIENT);
  rc_run_begin(db, &run);
  return t->n.diagnostics.warnings == warnings + 1 &&
         record_said(&t->n, NET_WARNING, "this run is not recorded");
}

static void test_read_only_folder(void **state) {
  (void)state;
  record_test *t = filled();
  assert_int_equal(chmod(record_path(t, "runs/runs.db"), 0444), 0);
  assert_int_equal(chmod(record_path(t, "runs"), 0555), 0);
  as_nobody(t, reads_only);
  assert_int_equal(chmod(record_path(t, "runs"), 0755), 0);
  record_free(t);
}

static bool makes_nothing(record_test *t) {
  rc_db *db = open_record(t, RC_STRICT);
  bool is_there = !access(record_path(t, "runs"), F_OK);
  if (db || !record_said(&t->n, NET_ERROR, is_there ? "can only be read" : "Permission denied")) return false;
  db = open_record(t, RC_LENIENT);
  return !db && record_said(&t->n, NET_WARNING, "this run is not recorded");
}

static void test_read_only_place(void **state) {
  (void)state;
  record_test *t = record_make();
  assert_int_equal(chmod(t->folder, 0555), 0);
  as_nobody(t, makes_nothing);
  assert_int_equal(mkdir(record_path(t, "runs"), 0555), 0);
  as_nobody(t, makes_nothing);
  assert_int_equal(chmod(t->folder, 0755), 0);
  record_free(t);
}

/* Files that may not grow: what was written before is still there, and the record can be used once they may.
 */
static bool fills_up(record_test *t) {
  struct rlimit small = {256 << 10, RLIM_INFINITY};
  rc_db *db = open_record(t, RC_STRICT);
  rc_run run;
  uint32_t before = 300, count;
  rc_run *runs;
  signal(SIGXFSZ, SIG_IGN);
  if (!db || setrlimit(RLIMIT_FSIZE, &small)) return false;
  do run = record_run(1);
  while (before < 10000 && rc_run_whole(db, &run, NULL, 0) && ++before);
  if (before == 10000 || !record_said(&t->n, NET_ERROR, "cannot write")) return false;
  small.rlim_cur = RLIM_INFINITY;
  if (setrlimit(RLIMIT_FSIZE, &small) || !rc_runs(db, &any, &runs, &count) || count != before) return false;
  run = record_run(1);
  if (!rc_run_whole(db, &run, NULL, 0) || !rc_runs(db, &any, &runs, &count) || count != before + 1)
    return false;
  rc_close(db);
  return true;
}

static void test_disk_full(void **state) {
  (void)state;
  record_test *t = filled();
  int status;
  pid_t pid = fork();
  if (!pid) _exit(fills_up(t) ? 0 : 1);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  record_free(t);
}

/* Somebody who sits on the record. */
static void test_locked(void **state) {
  (void)state;
  record_test *t = filled();
  sqlite3 *other;
  rc_run run = record_run(0);
  rc_db *db = open_record(t, RC_LENIENT);
  assert_int_equal(sqlite3_open(record_path(t, "runs/runs.db"), &other), SQLITE_OK);
  assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  assert_false(rc_run_begin(db, &run));
  assert_true(record_said(&t->n, NET_WARNING, "another process has kept it locked"));
  rc_db *reader = open_record(t, RC_READ); /* readers do not mind */
  assert_non_null(reader);
  rc_close(reader);
  sqlite3_close(other);
  rc_close(db);
  record_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_absent),           cmocka_unit_test(test_no_database),
      cmocka_unit_test(test_damaged_pages),    cmocka_unit_test(test_cut_short),
      cmocka_unit_test(test_versions),         cmocka_unit_test(test_foreign),
      cmocka_unit_test(test_empty),            cmocka_unit_test(test_read_only_folder),
      cmocka_unit_test(test_read_only_place),  cmocka_unit_test(test_disk_full),
      cmocka_unit_test(test_locked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
