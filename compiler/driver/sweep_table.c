/* Tables of sweeps: a row a point. */
#include "driver/sweep.h"
#include "driver/table_output.h"

#include <math.h>

/* ---- names ---- */

static const char *last_part(netc *n, const net_sweep_column *c) {
  return net_text(n, c->path.parts.at[c->path.parts.count - 1].name);
}

const char *dr_sweep_column_name(netc *n, const net_sweep *sweep, uint32_t column) {
  const char *name = last_part(n, &sweep->columns[column]);
  for (uint32_t c = 0; c < sweep->column_count; c++)
    if (c != column && !strcmp(last_part(n, &sweep->columns[c]), name)) return sweep->columns[column].text;
  return name;
}

/* What does not vary is said in the title. */
static bool is_shown(const net_sweep *sweep, uint32_t column) { return sweep->columns[column].varies; }

const char *dr_sweep_settings_text(const dr_sweeps *s, const dr_sweep_run *run) {
  netc *n = s->call->n;
  const net_sweep *sweep = s->sweeps[run->sweep].points;
  const char *text = "";
  for (uint32_t c = 0; c < sweep->column_count; c++)
    if (is_shown(sweep, c))
      text = net_arena_format(&n->arena, "%s%s%s = %s", text, *text ? ", " : "",
                              dr_sweep_column_name(n, sweep, c), net_sweep_at(sweep, run->point, c)->text);
  if (sweep->repeat > 1)
    text = net_arena_format(&n->arena, "%s%srepeat %u", text, *text ? ", " : "", run->repeat + 1);
  return *text ? text : "one run";
}

static const char *title_text(netc *n, const net_sweep *sweep, const char *name) {
  const char *text = "";
  for (uint32_t c = 0; c < sweep->column_count; c++)
    if (!is_shown(sweep, c))
      text = net_arena_format(&n->arena, "%s%s%s = %s", text, *text ? ", " : "",
                              dr_sweep_column_name(n, sweep, c), net_sweep_at(sweep, 0, c)->text);
  if (sweep->repeat > 1)
    text = net_arena_format(&n->arena, "%s%smeans and deviations of %u runs", text, *text ? ", " : "",
                            sweep->repeat);
  return *text ? net_arena_format(&n->arena, "%s (%s)", name, text) : name;
}

/* ---- numbers ---- */

static const double *number_of(const rc_run *row, int which, double *room) {
  switch (which) {
  case DR_SWEEP_TRAIN_LOSS: return &row->train_loss;
  case DR_SWEEP_VALIDATION_LOSS: return &row->validation_loss;
  case DR_SWEEP_ACCURACY:
    return isnan(row->validation_accuracy) ? &row->train_accuracy : &row->validation_accuracy;
  case DR_SWEEP_TEST_LOSS: return &row->test_loss;
  case DR_SWEEP_TEST_ACCURACY: return &row->test_accuracy;
  case DR_SWEEP_SECONDS: return &row->seconds;
  default: return *room = row->best_epoch, room;
  }
}

dr_sweep_summary dr_sweep_summarize(const dr_sweeps *s, const dr_sweep *sweep, uint32_t point) {
  dr_sweep_summary sum = {0};
  double room, squares[DR_SWEEP_NUMBERS] = {0};
  const dr_sweep_run *runs = &s->runs[sweep->first + point * sweep->points->repeat];
  for (uint32_t r = 0; r < sweep->points->repeat; r++) {
    if (runs[r].row.status == RC_DONE) sum.done++;
    else if (!sum.failed++) sum.message = runs[r].row.message;
    for (int k = 0; k < DR_SWEEP_NUMBERS && runs[r].row.status == RC_DONE; k++)
      sum.mean[k] += *number_of(&runs[r].row, k, &room);
  }
  for (int k = 0; k < DR_SWEEP_NUMBERS; k++) sum.mean[k] = sum.done ? sum.mean[k] / sum.done : NAN;
  for (uint32_t r = 0; r < sweep->points->repeat; r++)
    for (int k = 0; k < DR_SWEEP_NUMBERS && runs[r].row.status == RC_DONE; k++) {
      double d = *number_of(&runs[r].row, k, &room) - sum.mean[k];
      squares[k] += d * d;
    }
  for (int k = 0; k < DR_SWEEP_NUMBERS; k++)
    sum.deviation[k] = sum.done > 1 ? sqrt(squares[k] / (sum.done - 1)) : NAN;
  return sum;
}

/* ---- tables ---- */

typedef struct {
  dr_sweeps *s;
  dr_form form;
  bool repeats, tested, failed, accuracy;
  NET_VEC(dr_column) columns;
} maker;

static void column(maker *m, const char *title, const char *key, dr_cell_kind kind) {
  net_vec_push(&m->s->call->n->arena, &m->columns,
               (dr_column){m->form == DR_AS_CSV ? key : title, key, kind});
}

static void result_column(maker *m, const char *title, const char *key, dr_cell_kind kind) {
  column(m, title, key, kind);
  if (m->repeats) column(m, "deviation", net_arena_format(&m->s->call->n->arena, "%s_deviation", key), kind);
}

static void result_columns(maker *m) {
  result_column(m, "training loss", "train_loss", DR_REAL);
  result_column(m, "validation loss", "validation_loss", DR_REAL);
  if (m->accuracy) result_column(m, "accuracy", "validation_accuracy", DR_RATE);
  if (m->tested) result_column(m, "test loss", "test_loss", DR_REAL);
  if (m->tested && m->accuracy) result_column(m, "test accuracy", "test_accuracy", DR_RATE);
  column(m, "best epoch", "best_epoch", DR_REAL);
  column(m, "seconds", "seconds", DR_REAL);
  if (m->failed || m->form == DR_AS_CSV) column(m, "failed", "failed", DR_COUNT);
  if (m->failed || m->form == DR_AS_CSV) column(m, "message", "message", DR_WORD);
  net_vec_push(&m->s->call->n->arena, &m->columns, (dr_column){0});
}

static void result(maker *m, dr_table *t, const dr_sweep_summary *sum, int which) {
  dr_table_number(t, sum->mean[which]);
  if (m->repeats) dr_table_number(t, sum->deviation[which]);
}

static void results(maker *m, dr_table *t, const dr_sweep_summary *sum) {
  result(m, t, sum, DR_SWEEP_TRAIN_LOSS);
  result(m, t, sum, DR_SWEEP_VALIDATION_LOSS);
  if (m->accuracy) result(m, t, sum, DR_SWEEP_ACCURACY);
  if (m->tested) result(m, t, sum, DR_SWEEP_TEST_LOSS);
  if (m->tested && m->accuracy) result(m, t, sum, DR_SWEEP_TEST_ACCURACY);
  dr_table_number(t, sum->mean[DR_SWEEP_BEST_EPOCH]);
  double seconds = sum->mean[DR_SWEEP_SECONDS];
  dr_table_number(t, m->form == DR_AS_CSV ? seconds : round(100 * seconds) / 100);
  if (m->failed || m->form == DR_AS_CSV) {
    dr_table_cost(t, sum->failed);
    if (m->form == DR_AS_CSV) t->cells.at[t->cells.count - 1].quiet = false;
    dr_table_word(t, sum->message);
  }
}

/* What these sweeps' tables have to show. */
static void look(maker *m, uint32_t first, uint32_t count) {
  for (uint32_t i = first; i < first + count; i++) {
    const dr_sweep *sweep = &m->s->sweeps[i];
    m->repeats |= sweep->points->repeat > 1;
    for (uint32_t k = sweep->first; k < sweep->first + sweep->count; k++) {
      const rc_run *row = &m->s->runs[k].row;
      m->failed |= row->status == RC_FAILED;
      m->accuracy |= !isnan(row->train_accuracy);
    }
  }
  m->tested = dr_has(m->s->call, DR_test);
}

static dr_table make_table(dr_sweeps *s, uint32_t i, dr_form form) {
  netc *n = s->call->n;
  dr_sweep *sweep = &s->sweeps[i];
  const net_sweep *points = sweep->points;
  maker m = {.s = s, .form = form};
  look(&m, i, 1);
  for (uint32_t c = 0; c < points->column_count; c++) {
    bool number = true;
    for (uint32_t p = 0; p < points->point_count; p++) number &= !isnan(net_sweep_at(points, p, c)->number);
    if (is_shown(points, c))
      column(&m, dr_sweep_column_name(n, points, c), points->columns[c].text, number ? DR_REAL : DR_WORD);
  }
  result_columns(&m);
  dr_table t = dr_table_new(n, sweep->name, title_text(n, points, sweep->name), m.columns.at);
  for (uint32_t p = 0; p < points->point_count; p++) {
    dr_sweep_summary sum = dr_sweep_summarize(s, sweep, p);
    for (uint32_t c = 0; c < points->column_count; c++)
      if (is_shown(points, c)) dr_table_word(&t, net_sweep_at(points, p, c)->text);
    results(&m, &t, &sum);
  }
  return t;
}

/* One table of all sweeps, for programs: a column for each setting of any. */
static dr_table make_csv(dr_sweeps *s) {
  netc *n = s->call->n;
  maker m = {.s = s, .form = DR_AS_CSV};
  NET_VEC(const char *) paths = {0};
  look(&m, 0, s->sweep_count);
  column(&m, "sweep", "sweep", DR_WORD);
  for (uint32_t i = 0; i < s->sweep_count; i++)
    for (uint32_t c = 0; c < s->sweeps[i].points->column_count; c++) {
      const char *path = s->sweeps[i].points->columns[c].text;
      bool known = false;
      for (uint32_t k = 0; k < paths.count; k++) known |= !strcmp(paths.at[k], path);
      if (known) continue;
      net_vec_push(&n->arena, &paths, path);
      column(&m, path, path, DR_WORD);
    }
  result_columns(&m);
  dr_table t = dr_table_new(n, "sweep", "sweep", m.columns.at);
  for (uint32_t i = 0; i < s->sweep_count; i++)
    for (uint32_t p = 0; p < s->sweeps[i].points->point_count; p++) {
      const net_sweep *points = s->sweeps[i].points;
      dr_sweep_summary sum = dr_sweep_summarize(s, &s->sweeps[i], p);
      dr_table_word(&t, s->sweeps[i].name);
      for (uint32_t k = 0; k < paths.count; k++) {
        const char *text = NULL;
        for (uint32_t c = 0; c < points->column_count; c++)
          if (!strcmp(points->columns[c].text, paths.at[k])) text = net_sweep_at(points, p, c)->text;
        dr_table_word(&t, text);
      }
      results(&m, &t, &sum);
    }
  return t;
}

/* ---- JSON ---- */

static json_t *settings_json(const net_sweep *sweep, uint32_t point) {
  json_t *object = json_object();
  for (uint32_t c = 0; c < sweep->column_count; c++) {
    const net_sweep_value *v = net_sweep_at(sweep, point, c);
    bool whole = v->number == rint(v->number) && fabs(v->number) < 0x1p53;
    json_object_set_new(object, sweep->columns[c].text,
                        isnan(v->number) ? net_json_text(v->text)
                        : whole          ? json_integer((json_int_t)v->number)
                                         : net_json_number(v->number));
  }
  return object;
}

void dr_sweep_print_run(const dr_sweeps *s, uint32_t job) {
  const dr_sweep_run *run = &s->runs[job];
  const dr_sweep *sweep = &s->sweeps[run->sweep];
  const rc_run *row = &run->row;
  json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:o, s:I, s:I, s:s}", "event", "run", "sweep", sweep->name,
                        "network", s->network, "number", (json_int_t)(job - sweep->first + 1), "settings",
                        settings_json(sweep->points, run->point), "repeat", (json_int_t)run->repeat + 1,
                        "seed", (json_int_t)row->seed, "status", rc_status_names[row->status]);
  json_object_set_new(o, "train_loss", net_json_number(row->train_loss));
  json_object_set_new(o, "train_accuracy", net_json_number(row->train_accuracy));
  json_object_set_new(o, "validation_loss", net_json_number(row->validation_loss));
  json_object_set_new(o, "validation_accuracy", net_json_number(row->validation_accuracy));
  if (dr_has(s->call, DR_test)) {
    json_object_set_new(o, "test_loss", net_json_number(row->test_loss));
    json_object_set_new(o, "test_accuracy", net_json_number(row->test_accuracy));
  }
  json_object_set_new(o, "epochs", json_integer(row->epochs));
  json_object_set_new(o, "best_epoch", json_integer(row->best_epoch));
  json_object_set_new(o, "weights_hash", net_json_text(row->weights_hash));
  json_object_set_new(o, "seconds", net_json_number(row->seconds));
  json_object_set_new(o, "message", net_json_text(row->message));
  json_object_set_new(o, "directory", net_json_text(row->directory));
  net_json_print(s->call->out, o);
}

/* Means of repeated points, behind all runs. */
static void print_points(dr_sweeps *s) {
  static const char *const keys[DR_SWEEP_NUMBERS] = {"train_loss", "validation_loss", "validation_accuracy",
                                                     "test_loss",  "test_accuracy",   "seconds",
                                                     "best_epoch"};
  for (uint32_t i = 0; i < s->sweep_count; i++)
    for (uint32_t p = 0; s->sweeps[i].points->repeat > 1 && p < s->sweeps[i].points->point_count; p++) {
      dr_sweep_summary sum = dr_sweep_summarize(s, &s->sweeps[i], p);
      json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:I, s:I}", "event", "point", "sweep", s->sweeps[i].name,
                            "network", s->network, "settings", settings_json(s->sweeps[i].points, p), "done",
                            (json_int_t)sum.done, "failed", (json_int_t)sum.failed);
      for (int k = 0; k < DR_SWEEP_NUMBERS; k++) {
        if ((k == DR_SWEEP_TEST_LOSS || k == DR_SWEEP_TEST_ACCURACY) && !dr_has(s->call, DR_test)) continue;
        json_object_set_new(o, keys[k], net_json_number(sum.mean[k]));
        json_object_set_new(o, net_arena_format(&s->call->n->arena, "%s_deviation", keys[k]),
                            net_json_number(sum.deviation[k]));
      }
      net_json_print(s->call->out, o);
    }
}

void dr_sweep_print(dr_sweeps *s) {
  dr_form form = dr_call_form(s->call);
  if (form == DR_AS_JSON) {
    print_points(s);
    return;
  }
  if (form == DR_AS_CSV) {
    dr_table t = make_csv(s);
    dr_table_print(s->call->out, &t, form);
    return;
  }
  dr_table *tables = NET_NEW_ARRAY(&s->call->n->arena, dr_table, s->sweep_count);
  for (uint32_t i = 0; i < s->sweep_count; i++) tables[i] = make_table(s, i, form);
  dr_tables_print(s->call->out, tables, s->sweep_count, form);
}
