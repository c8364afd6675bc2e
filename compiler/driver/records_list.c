/* netc runs list: which runs, and how they are filtered. */
#include "driver/records.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- --where "validation_loss < 0.8 and network = test_hhy" ---- */

static const char *space(const char *at) { return at + strspn(at, " \t"); }

/* A name, a comparison, a number or a word. Gives what is behind it; NULL: it is none. */
static const char *condition(netc *n, const char *at, rc_condition *c) {
  static const char *const comparisons[] = {"<=", ">=", "!=", "==", "<", ">", "="};
  size_t length = 0;
  at = space(at);
  while (isalnum((unsigned char)at[length]) || at[length] == '_' || at[length] == '.') length++;
  if (!length) return NULL;
  *c = (rc_condition){.column = net_arena_copy(&n->arena, at, length)};
  at = space(at + length);
  for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons && !c->comparison; i++)
    if (!strncmp(at, comparisons[i], strlen(comparisons[i]))) c->comparison = comparisons[i];
  if (!c->comparison) return NULL;
  at = space(at + strlen(c->comparison));
  if (!strcmp(c->comparison, "==")) c->comparison = "=";
  char quote = *at == '"' || *at == '\'' ? *at++ : 0;
  length = quote ? strcspn(at, quote == '"' ? "\"" : "'") : strcspn(at, " \t");
  if ((quote && at[length] != quote) || (!quote && !length)) return NULL;
  const char *value = net_arena_copy(&n->arena, at, length);
  char *end;
  c->number = strtod(value, &end);
  if (quote || *end) c->text = value;
  if (c->text && strcmp(c->comparison, "=") && strcmp(c->comparison, "!=")) return NULL;
  return space(at + length + (quote != 0));
}

static bool where(dr_call *call, rc_filter *filter) {
  netc *n = call->n;
  const char *text = call->value[DR_where], *at = text;
  NET_VEC(rc_condition) conditions = {0};
  for (; at; at += 4) {
    rc_condition c;
    at = condition(n, at, &c);
    if (!at || (*at && strncmp(at, "and ", 4)))
      return dr_wrong(
                 call,
                 "--where takes conditions like \"validation_loss < 0.8 and network = test_hhy\", not '%s'",
                 text),
             false;
    if (!rc_has_column(c.column)) {
      const char *const *names;
      uint32_t count = rc_columns(&names);
      const char *near = net_nearest(c.column, names, count);
      return dr_wrong(call,
                      "runs have no column '%s'%s%s%s (settings are named by their paths, as train.epochs)",
                      c.column, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : ""),
             false;
    }
    net_vec_push(&n->arena, &conditions, c);
    if (!*at) break;
  }
  filter->conditions = conditions.at;
  filter->condition_count = conditions.count;
  return true;
}

static int word_of(const char *word, const char *const *words, int count) {
  for (int i = 0; i < count; i++)
    if (word && !strcmp(word, words[i])) return i;
  return -1;
}

bool dr_records_filter(dr_call *call, rc_filter *f) {
  uint64_t limit = 0;
  *f = (rc_filter){.network = call->value[DR_network], .sort = call->value[DR_sort]};
  f->kind = word_of(call->value[DR_kind], rc_kind_names, RC_KINDS);
  if (dr_has(call, DR_kind) && f->kind < 0) f->kind = RC_KINDS; /* run: on its own */
  f->status = word_of(call->value[DR_status], rc_status_names, RC_STATUSES);
  if (!dr_integer(call, DR_limit, 1, 1000000000, &limit)) return false;
  f->limit = (uint32_t)limit;
  if (f->sort && !rc_has_column(f->sort + (*f->sort == '-')))
    return dr_wrong(call, "--sort takes a column of runs, or -COLUMN for the greatest first, not '%s'",
                    f->sort),
           false;
  return !dr_has(call, DR_where) || where(call, f);
}

static void print_json(dr_call *call, const rc_run *runs, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    rc_run run = runs[i];
    run.status = dr_record_status(&run);
    net_json_print(call->out, rc_run_json(&run, false));
  }
}

static bool experiments_table(dr_call *call, rc_db *db, const rc_filter *f, dr_table *t) {
  static const dr_column columns[] = {{"kind", "kind", DR_WORD},         {"number", "number", DR_COUNT},
                                      {"name", "name", DR_WORD},         {"network", "network", DR_WORD},
                                      {"status", "status", DR_WORD},     {"runs", "runs", DR_COUNT},
                                      {"trials", "trials", DR_COUNT},    {"started", "started", DR_WORD},
                                      {"finished", "finished", DR_WORD}, {0}};
  rc_experiment *e;
  uint32_t count, runs, trials;
  rc_run *run;
  rc_trial *trial;
  *t = dr_table_new(call->n, "experiments", "Sweeps and searches", columns);
  if (!rc_experiments(db, f, &e, &count)) return false;
  for (uint32_t i = 0; i < count; i++) {
    rc_filter of = {.kind = -1, .status = -1, .experiment = e[i].id};
    if (!rc_runs(db, &of, &run, &runs) || !rc_trials(db, e[i].id, &trial, &trials)) return false;
    dr_table_word(t, rc_kind_names[e[i].kind]);
    dr_table_number(t, (double)e[i].id);
    dr_table_word(t, e[i].name);
    dr_table_word(t, e[i].network);
    dr_table_word(t, rc_status_names[e[i].status]);
    dr_table_number(t, runs);
    dr_table_number(t, trials);
    dr_table_word(t, e[i].started);
    dr_table_word(t, e[i].finished);
  }
  return true;
}

int dr_records_list(dr_call *call, rc_db *db, const char *const *words, uint32_t count) {
  (void)words;
  rc_filter filter;
  rc_run *runs;
  dr_form form;
  if (!dr_table_form(call, &form) || !dr_records_filter(call, &filter)) return DR_WRONG_COMMAND;
  dr_table tables[2] = {{.name = "runs"}, {.name = "experiments"}};
  const dr_table *chosen = dr_has(call, DR_table) ? dr_table_chosen(call, tables, 2) : &tables[0];
  if (!chosen) return DR_WRONG_COMMAND;
  if (chosen == &tables[1]) {
    if (!experiments_table(call, db, &filter, &tables[1])) return DR_WRONG_INPUT;
    dr_table_print(call->out, &tables[1], form);
    return DR_DONE;
  }
  if (!rc_runs(db, &filter, &runs, &count)) return DR_WRONG_INPUT;
  if (form == DR_AS_JSON) return print_json(call, runs, count), DR_DONE;
  dr_records_table(call, db, runs, count, &tables[0]);
  dr_table_print(call->out, &tables[0], form);
  return DR_DONE;
}
