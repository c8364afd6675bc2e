/* Rows that a filter lets through. Its words become SQL only where they are names of columns; all else is
 * bound. */
#include "record/database.h"

#include <ctype.h>

static const char *const columns[] = {
#define COLUMN(table, name, kind, constraint) COLUMN_##table(#name, kind)
#define COLUMN_experiment(...)
#define COLUMN_run(name, kind) KIND_##kind(name)
#define COLUMN_epoch(...)
#define COLUMN_trial(...)
#define KIND_ID(name) name,
#define KIND_TEXT(name) name,
#define KIND_REAL(name) name,
#define KIND_COUNT(name) name,
#define KIND_SEED(name) name,
#define KIND_STATUS(name) name,
#define KIND_PROGRAM(name)
#include "record/columns.def"
};

uint32_t rc_columns(const char *const **names) {
  *names = columns;
  return sizeof columns / sizeof *columns;
}

/* "train.epochs": a setting. */
static bool is_path(const char *name) {
  if (!strchr(name, '.')) return false;
  for (const char *c = name; *c; c++)
    if (!isalnum((unsigned char)*c) && *c != '_' && *c != '.') return false;
  return true;
}

bool rc_has_column(const char *name) {
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
    if (!strcmp(columns[i], name)) return true;
  return is_path(name);
}

static bool is_comparison(const char *word) {
  static const char *const words[] = {"<", "<=", ">", ">=", "=", "!="};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!strcmp(words[i], word)) return true;
  return false;
}

typedef struct {
  netc *n;
  const char *where, *joint; /* of SQL */
  NET_VEC(rc_condition) bound;
} query;

static void add(query *q, const char *what, rc_condition condition) {
  q->where = net_arena_format(&q->n->arena, "%s%s%s", q->where, q->joint, what);
  q->joint = " AND ";
  if (condition.column) net_vec_push(&q->n->arena, &q->bound, condition);
}

static void add_text(query *q, const char *what, const char *text) {
  add(q, what, (rc_condition){.column = "", .text = text});
}

/* The name as SQL has it: settings are inside a column. */
static const char *expression(netc *n, const char *name) {
  if (!is_path(name)) return name;
  return net_arena_format(&n->arena, "json_extract(settings, '$.\"%s\"')", name);
}

static bool add_conditions(rc_db *db, query *q, const rc_filter *f) {
  for (uint32_t i = 0; i < f->condition_count; i++) {
    const rc_condition *c = &f->conditions[i];
    if (!rc_has_column(c->column)) return rc_refuse(db, "runs have no column '%s'", c->column);
    if (!is_comparison(c->comparison)) return rc_refuse(db, "'%s' is no comparison", c->comparison);
    add(q, net_arena_format(&db->n->arena, "%s %s ?", expression(db->n, c->column), c->comparison), *c);
  }
  return true;
}

static void bind(sqlite3_stmt *s, const query *q) {
  for (uint32_t i = 0; i < q->bound.count; i++) {
    const rc_condition *c = &q->bound.at[i];
    if (c->text) rc_bind_text(s, (int)i + 1, c->text);
    else sqlite3_bind_double(s, (int)i + 1, c->number);
  }
}

/* " ORDER BY …": what is not there comes last. */
static const char *order(rc_db *db, const rc_filter *f) {
  if (!f->sort) return f->experiment ? " ORDER BY number" : " ORDER BY id";
  bool down = *f->sort == '-';
  const char *name = f->sort + down;
  if (!rc_has_column(name)) return rc_refuse(db, "runs have no column '%s' to be sorted by", name), NULL;
  return net_arena_format(&db->n->arena, " ORDER BY %s %s NULLS LAST, id", expression(db->n, name),
                          down ? "DESC" : "ASC");
}

/* The newest ones, where the limit takes them by their age. */
static const char *limited(rc_db *db, const char *list, const char *from, const char *where,
                           const char *sorted, const rc_filter *f) {
  net_arena *arena = &db->n->arena;
  if (!f->limit) return net_arena_format(arena, "SELECT %s FROM %s%s%s", list, from, where, sorted);
  if (f->sort)
    return net_arena_format(arena, "SELECT %s FROM %s%s%s LIMIT %u", list, from, where, sorted, f->limit);
  return net_arena_format(arena, "SELECT %s FROM (SELECT * FROM %s%s ORDER BY id DESC LIMIT %u)%s", list,
                          from, where, f->limit, sorted);
}

static bool runs_query(rc_db *db, const rc_filter *f, query *q) {
  *q = (query){.n = db->n, .where = "", .joint = " WHERE "};
  if (f->network) add_text(q, "network = ?", f->network);
  if (f->kind == RC_KINDS) add(q, "experiment IS NULL", (rc_condition){0});
  else if (f->kind >= 0)
    add_text(q, "experiment IN (SELECT id FROM experiment WHERE kind = ?)", rc_kind_names[f->kind]);
  if (f->status >= 0) add_text(q, "status = ?", rc_status_names[f->status]);
  if (f->experiment)
    add(q, "experiment = ?", (rc_condition){.column = "", .number = (double)f->experiment});
  return add_conditions(db, q, f);
}

bool rc_runs(rc_db *db, const rc_filter *f, rc_run **runs, uint32_t *count) {
  NET_VEC(rc_run) rows = {0};
  query q;
  bool ok = false;
  *runs = NULL, *count = 0;
  if (rc_is_off(db)) return true;
  const char *sorted = order(db, f);
  if (!sorted || !runs_query(db, f, &q)) return false;
  const char *list = rc_select_list(db->n, &rc_run_table, false);
  sqlite3_stmt *s = rc_prepare(db, limited(db, list, "run", q.where, sorted, f));
  if (!s) return false;
  bind(s, &q);
  while (rc_next(db, s, &ok)) {
    uint32_t i = net_vec_push(&db->n->arena, &rows, rc_run_empty());
    rc_read_row(db->n, s, &rc_run_table, &rows.at[i]);
  }
  sqlite3_finalize(s);
  *runs = rows.at, *count = rows.count;
  return ok;
}

bool rc_experiments(rc_db *db, const rc_filter *f, rc_experiment **experiments, uint32_t *count) {
  NET_VEC(rc_experiment) rows = {0};
  query q = {.n = db ? db->n : NULL, .where = "", .joint = " WHERE "};
  bool ok = false;
  *experiments = NULL, *count = 0;
  if (rc_is_off(db)) return true;
  if (f->network) add_text(&q, "network = ?", f->network);
  if (f->kind >= 0 && f->kind < RC_KINDS) add_text(&q, "kind = ?", rc_kind_names[f->kind]);
  if (f->status >= 0) add_text(&q, "status = ?", rc_status_names[f->status]);
  if (f->experiment) add(&q, "id = ?", (rc_condition){.column = "", .number = (double)f->experiment});
  rc_filter by_age = {.limit = f->limit};
  const char *list = rc_select_list(db->n, &rc_experiment_table, false);
  sqlite3_stmt *s = rc_prepare(db, limited(db, list, "experiment", q.where, " ORDER BY id", &by_age));
  if (!s) return false;
  bind(s, &q);
  while (rc_next(db, s, &ok)) {
    uint32_t i = net_vec_push(&db->n->arena, &rows, (rc_experiment){0});
    rc_read_row(db->n, s, &rc_experiment_table, &rows.at[i]);
  }
  sqlite3_finalize(s);
  *experiments = rows.at, *count = rows.count;
  return ok;
}
