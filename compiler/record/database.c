/* Opening runs.db; what is said when something goes wrong; transactions. */
#include "record/database.h"

#include "support/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 30000, SHORT_PATIENCE = 5000 }; /* milliseconds for others to finish writing */

bool rc_available(void) { return true; }

bool rc_is_off(const rc_db *db) { return !db || db->off; }

/* ---- what goes wrong ---- */

static bool give_up(rc_db *db, const char *message) {
  if (db->sql && !sqlite3_get_autocommit(db->sql)) sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
  if (db->mode != RC_LENIENT) return net_error(db->n, NET_NOWHERE, "%s", message), false;
  if (!db->off) net_warning(db->n, NET_NOWHERE, "%s; this run is not recorded", message);
  db->off = true;
  return false;
}

bool rc_refuse(rc_db *db, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const char *message = net_arena_vformat(&db->n->arena, format, arguments);
  va_end(arguments);
  return give_up(db, message);
}

static bool can_write(netc *n, const char *path) {
  const char *folder = net_path_directory(n, path);
  return !access(*folder ? folder : ".", W_OK);
}

bool rc_fail(rc_db *db, const char *doing) {
  int code = db->sql ? sqlite3_extended_errcode(db->sql) : SQLITE_NOMEM;
  const char *path = db->path, *words = db->sql ? sqlite3_errmsg(db->sql) : "out of memory";
  int system = db->sql ? sqlite3_system_errno(db->sql) : 0;
  if (code == SQLITE_CANTOPEN && db->mode != RC_READ && !can_write(db->n, path)) code = SQLITE_READONLY;
  switch (code & 0xFF) {
  case SQLITE_NOTADB:
  case SQLITE_CORRUPT:
    return rc_refuse(db, "%s is damaged (%s): move it away, and a new one is begun", path, words);
  case SQLITE_BUSY:
    return rc_refuse(db, "cannot %s %s: another process has kept it locked for long", doing, path);
  case SQLITE_READONLY: return rc_refuse(db, "cannot write %s: it, or its directory, can only be read", path);
  case SQLITE_FULL: return rc_refuse(db, "cannot write %s: there is no space left", path);
  case SQLITE_CANTOPEN:
  case SQLITE_IOERR:
  case SQLITE_PERM:
    return rc_refuse(db, "cannot %s %s: %s", doing, path, system ? strerror(system) : words);
  default: return rc_refuse(db, "cannot %s %s: %s", doing, path, words);
  }
}

/* ---- statements ---- */

bool rc_do(rc_db *db, const char *statements) {
  return sqlite3_exec(db->sql, statements, NULL, NULL, NULL) == SQLITE_OK ||
         rc_fail(db, db->mode == RC_READ ? "read" : "write");
}

bool rc_begin(rc_db *db) { return rc_do(db, "BEGIN IMMEDIATE"); }
bool rc_commit(rc_db *db) { return rc_do(db, "COMMIT"); }

sqlite3_stmt *rc_prepare(rc_db *db, const char *text) {
  sqlite3_stmt *s = NULL;
  if (sqlite3_prepare_v2(db->sql, text, -1, &s, NULL) == SQLITE_OK) return s;
  return rc_fail(db, "read"), NULL;
}

bool rc_finish(rc_db *db, sqlite3_stmt *s) {
  bool ok = s && sqlite3_step(s) == SQLITE_DONE;
  if (s && !ok) rc_fail(db, "write");
  sqlite3_finalize(s);
  return ok;
}

bool rc_next(rc_db *db, sqlite3_stmt *s, bool *ok) {
  int code = sqlite3_step(s);
  *ok = code == SQLITE_ROW || code == SQLITE_DONE || rc_fail(db, "read");
  return code == SQLITE_ROW;
}

/* ---- paths ---- */

static const char *real_path(netc *n, const char *path) {
  char *real = realpath(path, NULL);
  const char *copy = real ? net_arena_copy(&n->arena, real, strlen(real)) : NULL;
  free(real);
  return copy;
}

const char *rc_canonical(rc_db *db, const char *path) {
  const char *real = path ? real_path(db->n, path) : NULL;
  if (!real) return path;
  size_t length = strlen(db->place);
  if (length == 1) return real; /* "/" */
  return !strncmp(real, db->place, length) && real[length] == '/' ? real + length + 1 : real;
}

/* ---- opening ---- */

/* A path in a URI. */
static const char *escape(netc *n, const char *path) {
  while (path[0] == '/' && path[1] == '/') path++; /* "//" would begin the name of a host */
  char *out = net_arena_alloc(&n->arena, 3 * strlen(path) + 1, 1), *at = out;
  for (; *path; path++)
    if (strchr("%?#", *path)) at += sprintf(at, "%%%02X", (unsigned char)*path);
    else *at++ = *path;
  *at = 0;
  return out;
}

/* A folder that cannot be written has no room for what readers of a WAL share. Without a WAL none is needed.
 */
static bool is_still(netc *n, const char *path) {
  struct stat st;
  return stat(net_arena_format(&n->arena, "%s-wal", path), &st) || !st.st_size;
}

static bool open_file(rc_db *db) {
  netc *n = db->n;
  bool still = db->mode == RC_READ && !can_write(n, db->path) && is_still(n, db->path);
  const char *uri =
      net_arena_format(&n->arena, "file:%s%s", escape(n, db->path), still ? "?immutable=1" : "");
  int flags = db->mode == RC_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (sqlite3_open_v2(uri, &db->sql, flags | SQLITE_OPEN_URI, NULL) != SQLITE_OK) return rc_fail(db, "open");
  sqlite3_extended_result_codes(db->sql, 1);
  sqlite3_busy_timeout(db->sql, db->mode == RC_LENIENT ? SHORT_PATIENCE : PATIENCE);
  return true;
}

/* Two processes that begin a record at once: SQLite does not wait where it could wait forever. */
static bool use_wal(rc_db *db) {
  int code = SQLITE_BUSY;
  for (int waited = 0; waited < SHORT_PATIENCE; waited += 10) {
    code = sqlite3_exec(db->sql, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    if ((code & 0xFF) != SQLITE_BUSY) break;
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  }
  return code == SQLITE_OK || rc_fail(db, "write");
}

static bool set_up(rc_db *db) {
  if (!rc_do(db, "PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON")) return false;
  if (db->mode == RC_READ) return rc_schema(db);
  return use_wal(db) && rc_do(db, "PRAGMA synchronous = NORMAL") && rc_begin(db) && rc_schema(db) &&
         rc_commit(db);
}

/* mkdir -p, whose trouble is a warning where that of the record is. */
static bool make_folder(rc_db *db, const char *directory) {
  struct stat st;
  if (!stat(directory, &st) && S_ISDIR(st.st_mode)) return true;
  net_diagnostics before = db->n->diagnostics;
  if (net_make_directories(db->n, directory)) return true;
  int saved = errno;
  net_diagnostics_forget(db->n, &before);
  return rc_refuse(db, "cannot make directory %s: %s", directory, strerror(saved));
}

static bool exists(rc_db *db) {
  if (!access(db->path, F_OK)) return true;
  if (errno != ENOENT && errno != ENOTDIR)
    return rc_refuse(db, "cannot open %s: %s", db->path, strerror(errno));
  return rc_refuse(db, "there is no %s: nothing was recorded here yet", db->path);
}

bool rc_open(netc *n, const char *directory, rc_mode mode, rc_db **out) {
  rc_db *db = NET_NEW(&n->arena, rc_db);
  *out = NULL;
  *db = (rc_db){.n = n, .mode = mode, .lock = -1};
  db->folder = net_arena_copy(&n->arena, directory, strlen(directory));
  db->path = net_path_join(n, db->folder, "runs.db");
  if (!(mode == RC_READ ? exists(db) : make_folder(db, directory))) return false;
  const char *place = real_path(n, directory);
  db->place = place ? net_path_directory(n, place) : "";
  if (!*db->place) db->place = "/";
  if (open_file(db) && set_up(db)) return *out = db, true;
  sqlite3_close(db->sql);
  return false;
}

void rc_close(rc_db *db) {
  if (!db) return;
  rc_release(db);
  sqlite3_close(db->sql);
  db->sql = NULL;
  db->off = true;
}
