/* A sweep or a search as the record has it: a report. */
#include "driver/plot.h"
#include "driver/table_output.h"

#include "pictures/draw.h"
#include "pictures/html.h"
#include "record/record.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_CURVES = 24 };

typedef struct {
  netc *n;
  rc_db *db;
  rc_experiment experiment;
  rc_run *runs;
  json_t **settings; /* by run */
  uint32_t run_count;
  rc_trial *trials;
  json_t **parameters, **objectives; /* by trial */
  uint32_t trial_count;
  FILE *to;
  const char *path;
  bool drawn; /* gnuplot is there */
} report;

/* ---- what is in the record ---- */

static json_t **parsed(netc *n, uint32_t count) { return NET_NEW_ARRAY(&n->arena, json_t *, count + 1); }

static json_t *object_of(const char *text) {
  json_t *object = text ? json_loads(text, 0, NULL) : NULL;
  if (json_is_object(object)) return object;
  json_decref(object);
  return json_object();
}

static bool read(report *r, int64_t id) {
  rc_filter filter = {.kind = -1, .status = -1, .experiment = id};
  if (!rc_experiment_find(r->db, id, &r->experiment)) return false;
  if (!r->experiment.id)
    return net_error(r->n, NET_NOWHERE, "runs/runs.db has no sweep or search %lld", (long long)id), false;
  if (!rc_runs(r->db, &filter, &r->runs, &r->run_count) || !rc_trials(r->db, id, &r->trials, &r->trial_count))
    return false;
  r->settings = parsed(r->n, r->run_count);
  r->parameters = parsed(r->n, r->trial_count);
  r->objectives = parsed(r->n, r->trial_count);
  for (uint32_t i = 0; i < r->run_count; i++) r->settings[i] = object_of(r->runs[i].settings);
  for (uint32_t i = 0; i < r->trial_count; i++) {
    r->parameters[i] = object_of(r->trials[i].parameters);
    r->objectives[i] = object_of(r->trials[i].objectives);
  }
  return true;
}

static void forget(report *r) {
  for (uint32_t i = 0; r->settings && i < r->run_count; i++) json_decref(r->settings[i]);
  for (uint32_t i = 0; r->parameters && i < r->trial_count; i++)
    json_decref(r->parameters[i]), json_decref(r->objectives[i]);
}

typedef NET_VEC(const char *) names;

/* Keys whose values are not the same in all objects, of the one that has the most: failed trials have none. */
static names varying(netc *n, json_t *const *objects, uint32_t count) {
  names found = {0};
  const char *key;
  json_t *value;
  uint32_t largest = 0;
  if (!count) return found;
  for (uint32_t i = 1; i < count; i++)
    if (json_object_size(objects[i]) > json_object_size(objects[largest])) largest = i;
  json_object_foreach(objects[largest], key, value) {
    bool varies = false;
    for (uint32_t i = 0; i < count; i++) varies |= !json_equal(json_object_get(objects[i], key), value);
    if (varies) net_vec_push(&n->arena, &found, key);
  }
  return found;
}

static double number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

/* ---- what is shown ---- */

static void put(dr_table *t, const json_t *value) {
  if (json_is_string(value)) dr_table_word(t, json_string_value(value));
  else dr_table_number(t, json_is_number(value) ? json_number_value(value) : NAN);
}

static bool show(report *r, const pic_chart *chart) {
  const char *svg = NULL;
  if (r->drawn && !(svg = pic_chart_svg(r->n, chart, r->path))) return false;
  if (svg) return pic_html_figure(r->to, svg, NULL), true;
  char *text = NULL;
  size_t length;
  FILE *memory = open_memstream(&text, &length);
  if (!memory) return net_error_errno(r->n, NET_NOWHERE, "write", r->path), false;
  pic_chart_print(r->n, memory, chart, 72, 16);
  fclose(memory);
  pic_html_text(r->to, text);
  free(text);
  return true;
}

static void print_table(report *r, const dr_table *table) {
  net_table cells = dr_table_cells(table, DR_AS_TEXT);
  pic_html_table(r->to, &cells);
}

static const dr_column *columns_of(netc *n, const dr_column *first, uint32_t first_count, const names *keys,
                                   const dr_column *last, uint32_t last_count) {
  uint32_t count = 0;
  dr_column *columns = NET_NEW_ARRAY(&n->arena, dr_column, first_count + keys->count + last_count + 1);
  for (uint32_t i = 0; i < first_count; i++) columns[count++] = first[i];
  for (uint32_t i = 0; i < keys->count; i++) columns[count++] = (dr_column){keys->at[i], keys->at[i], DR_ANY};
  for (uint32_t i = 0; i < last_count; i++) columns[count++] = last[i];
  return columns;
}

/* ---- runs ---- */

static void print_runs(report *r, const names *keys) {
  static const dr_column first[] = {{"run", "run", DR_COUNT}},
                         last[] = {{"training loss", "train_loss", DR_REAL},
                                   {"validation loss", "validation_loss", DR_REAL},
                                   {"accuracy", "validation_accuracy", DR_RATE},
                                   {"test loss", "test_loss", DR_REAL},
                                   {"best epoch", "best_epoch", DR_COUNT},
                                   {"seconds", "seconds", DR_REAL},
                                   {"status", "status", DR_WORD}};
  dr_table t = dr_table_new(r->n, "runs", "Runs", columns_of(r->n, first, 1, keys, last, 7));
  for (uint32_t i = 0; i < r->run_count; i++) {
    const rc_run *run = &r->runs[i];
    dr_table_number(&t, (double)run->id);
    for (uint32_t k = 0; k < keys->count; k++) put(&t, json_object_get(r->settings[i], keys->at[k]));
    const double numbers[] = {run->train_loss, run->validation_loss, run->validation_accuracy,
                              run->test_loss,  run->best_epoch,      run->seconds};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) dr_table_number(&t, numbers[k]);
    dr_table_word(&t, run->message ? run->message : rc_status_names[run->status]);
  }
  print_table(r, &t);
}

/* Losses over the first setting that varies and is a number. */
static bool plot_losses(report *r, const names *keys) {
  uint32_t k = 0;
  for (; k < keys->count; k++)
    if (!isnan(number(r->settings[0], keys->at[k])) && strcmp(keys->at[k], "train.seed")) break;
  if (k == keys->count) return true;
  double *x = NET_NEW_ARRAY(&r->n->arena, double, r->run_count), low = INFINITY, high = -INFINITY;
  double *train = NET_NEW_ARRAY(&r->n->arena, double, r->run_count);
  double *validation = NET_NEW_ARRAY(&r->n->arena, double, r->run_count);
  for (uint32_t i = 0; i < r->run_count; i++) {
    x[i] = number(r->settings[i], keys->at[k]);
    low = fmin(low, x[i]), high = fmax(high, x[i]);
    train[i] = r->runs[i].train_loss, validation[i] = r->runs[i].validation_loss;
  }
  pic_series series[] = {
      {.name = "training", .x = x, .y = train, .count = r->run_count, .style = PIC_POINTS},
      {.name = "validation", .x = x, .y = validation, .count = r->run_count, .style = PIC_POINTS}};
  pic_chart chart = {.x = keys->at[k],
                     .y = "loss",
                     .log_x = low > 0 && high >= 8 * low,
                     .series = series,
                     .series_count = 2};
  return show(r, &chart);
}

static const char *settings_text(report *r, uint32_t run, const names *keys) {
  const char *text = net_arena_format(&r->n->arena, "run %lld", (long long)r->runs[run].id);
  for (uint32_t k = 0; k < keys->count; k++) {
    char *value = json_dumps(json_object_get(r->settings[run], keys->at[k]),
                             JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
    const char *dot = strrchr(keys->at[k], '.');
    text = net_arena_format(&r->n->arena, "%s, %s %s", text, dot ? dot + 1 : keys->at[k], value ? value : "");
    free(value);
  }
  return text;
}

/* Validation losses, or training losses where there is no such split, over epochs. */
static bool plot_curves(report *r, const names *keys) {
  netc *n = r->n;
  uint32_t shown = r->run_count < MOST_CURVES ? r->run_count : MOST_CURVES;
  pic_series *series = NET_NEW_ARRAY(&n->arena, pic_series, shown + 1);
  for (uint32_t i = 0; i < shown; i++) {
    rc_epoch *epochs;
    uint32_t count;
    if (!rc_run_read_epochs(r->db, r->runs[i].id, &epochs, &count)) return false;
    double *x = NET_NEW_ARRAY(&n->arena, double, count + 1), *y = NET_NEW_ARRAY(&n->arena, double, count + 1);
    for (uint32_t k = 0; k < count; k++) {
      x[k] = epochs[k].epoch;
      y[k] = isnan(epochs[k].validation_loss) ? epochs[k].train_loss : epochs[k].validation_loss;
    }
    series[i] = (pic_series){.name = settings_text(r, i, keys), .x = x, .y = y, .count = count};
  }
  pic_chart chart = {.x = "epoch", .y = "validation loss", .series = series, .series_count = shown};
  if (shown < r->run_count) chart.title = net_arena_format(&n->arena, "the first %u runs", shown);
  return show(r, &chart);
}

static bool print_all_runs(report *r) {
  names keys = varying(r->n, r->settings, r->run_count);
  pic_html_heading(r->to, "Runs");
  print_runs(r, &keys);
  return plot_losses(r, &keys) && plot_curves(r, &keys);
}

/* ---- trials ---- */

static bool is_quality(const char *name) { return !strcmp(name, "accuracy"); }

static bool has(const names *all, const char *name) {
  bool found = false;
  for (uint32_t i = 0; i < all->count; i++) found |= !strcmp(all->at[i], name);
  return found;
}

/* The quality that trials are judged by, and the first cost that tells them apart; false: there are no two
 * such quantities. */
static bool find_axes(const names *quantities, const char **cost, const char **quality) {
  static const char *const costs[] = {"bitops", "weight_bytes",     "average_bits", "latency",   "flash",
                                      "ram",    "activation_bytes", "flops",        "parameters"};
  *cost = NULL;
  *quality = has(quantities, "accuracy") ? "accuracy" : has(quantities, "loss") ? "loss" : NULL;
  for (size_t i = 0; i < sizeof costs / sizeof *costs && !*cost; i++)
    if (has(quantities, costs[i])) *cost = costs[i];
  return *cost && *quality;
}

typedef struct {
  double x, y;
  uint32_t trial;
} point;

static int by_cost(const void *a, const void *b) {
  const point *p = a, *q = b;
  if (p->x != q->x) return p->x < q->x ? -1 : 1;
  return p->y < q->y ? -1 : p->y > q->y ? 1 : p->trial < q->trial ? -1 : 1;
}

/* What no cheaper trial equals, of those that hold the requirements; y is smaller where it is better. */
static uint32_t front_of(const report *r, const char *cost, const char *quality, point *points) {
  uint32_t count = 0, kept = 0;
  for (uint32_t i = 0; i < r->trial_count; i++) {
    double x = number(r->objectives[i], cost), y = number(r->objectives[i], quality);
    if (r->trials[i].status != RC_DONE || !r->trials[i].feasible || isnan(x) || isnan(y)) continue;
    points[count++] = (point){x, is_quality(quality) ? -y : y, i};
  }
  qsort(points, count, sizeof *points, by_cost);
  for (uint32_t i = 0; i < count; i++)
    if (!kept || points[i].y < points[kept - 1].y) points[kept++] = points[i];
  return kept;
}

static void print_front(report *r, const names *quantities, const point *front, uint32_t count) {
  static const dr_column first[] = {{"trial", "trial", DR_COUNT}};
  names parameters = {0};
  const char *key;
  json_t *value;
  if (!count) return;
  json_object_foreach(r->parameters[front[0].trial], key, value) net_vec_push(&r->n->arena, &parameters, key);
  uint32_t last_count = parameters.count;
  dr_column *last = NET_NEW_ARRAY(&r->n->arena, dr_column, last_count + 1);
  for (uint32_t i = 0; i < last_count; i++) last[i] = (dr_column){parameters.at[i], parameters.at[i], DR_ANY};
  dr_table t = dr_table_new(r->n, "front", "Front", columns_of(r->n, first, 1, quantities, last, last_count));
  for (uint32_t i = 0; i < count; i++) {
    uint32_t trial = front[i].trial;
    dr_table_number(&t, (double)r->trials[trial].number);
    for (uint32_t k = 0; k < quantities->count; k++)
      put(&t, json_object_get(r->objectives[trial], quantities->at[k]));
    for (uint32_t k = 0; k < parameters.count; k++)
      put(&t, json_object_get(r->parameters[trial], parameters.at[k]));
  }
  print_table(r, &t);
}

static bool print_trials(report *r) {
  netc *n = r->n;
  const char *cost, *quality;
  uint32_t failed = 0;
  for (uint32_t i = 0; i < r->trial_count; i++) failed += r->trials[i].status == RC_FAILED;
  pic_html_heading(r->to, "Trials");
  pic_html_paragraph(r->to,
                     net_arena_format(&n->arena, "%u trials, %u of them failed", r->trial_count, failed));
  names quantities = varying(n, r->objectives, r->trial_count);
  if (!find_axes(&quantities, &cost, &quality)) return true;
  point *front = NET_NEW_ARRAY(&n->arena, point, r->trial_count + 1);
  double *x = NET_NEW_ARRAY(&n->arena, double, 2 * (r->trial_count + 1));
  double *y = NET_NEW_ARRAY(&n->arena, double, 2 * (r->trial_count + 1));
  double *front_x = x + r->trial_count + 1, *front_y = y + r->trial_count + 1;
  uint32_t count = front_of(r, cost, quality, front);
  for (uint32_t i = 0; i < r->trial_count; i++) {
    bool done = r->trials[i].status == RC_DONE;
    x[i] = done ? number(r->objectives[i], cost) : NAN;
    y[i] = number(r->objectives[i], quality);
  }
  for (uint32_t i = 0; i < count; i++)
    front_x[i] = front[i].x, front_y[i] = is_quality(quality) ? -front[i].y : front[i].y;
  pic_series series[] = {{.name = "trials", .x = x, .y = y, .count = r->trial_count, .style = PIC_POINTS},
                         {.name = "front", .x = front_x, .y = front_y, .count = count, .style = PIC_STAIRS}};
  pic_chart chart = {.x = cost, .y = quality, .series = series, .series_count = 2};
  if (!show(r, &chart)) return false;
  pic_html_heading(r->to, net_arena_format(&n->arena, "Front of %s and %s", quality, cost));
  print_front(r, &quantities, front, count);
  return true;
}

/* ---- the page ---- */

static bool print(report *r) {
  netc *n = r->n;
  const rc_experiment *e = &r->experiment;
  pic_html_begin(r->to,
                 net_arena_format(&n->arena, "%s %lld: %s of %s", rc_kind_names[e->kind], (long long)e->id,
                                  e->name ? e->name : "", e->network ? e->network : ""));
  pic_html_paragraph(r->to,
                     net_arena_format(&n->arena, "%s, begun %s, by netc %s", rc_status_names[e->status],
                                      e->started ? e->started : "", e->version ? e->version : ""));
  if (e->command) pic_html_text(r->to, e->command);
  if (r->trial_count && !print_trials(r)) return false;
  if (r->run_count && !print_all_runs(r)) return false;
  if (e->program) {
    pic_html_heading(r->to, "Program");
    pic_html_text(r->to, e->program);
  }
  pic_html_end(r->to);
  return true;
}

int dr_plot_experiment(dr_call *call, int64_t id, const char *path) {
  netc *n = call->n;
  report r = {.n = n, .path = path, .drawn = pic_can_run("gnuplot")};
  if (!rc_open(n, "runs", RC_READ, &r.db)) return DR_WRONG_INPUT;
  net_file_out out = {0};
  bool done = read(&r, id) && (out = net_file_begin(n, path)).stream != NULL;
  r.to = out.stream;
  done = done && print(&r);
  forget(&r);
  rc_close(r.db);
  if (done) done = net_file_commit(&out, false);
  else net_file_abandon(&out);
  if (done && !call->json) fprintf(call->talk, "%s\n", path);
  return done ? DR_DONE : DR_WRONG_INPUT;
}
