/* What a search found, as people and programs read it. */
#include "driver/search.h"

#include "pictures/chart.h"

#include <math.h>

/* ---- JSON ---- */

static json_t *values_json(const dr_searching *s, const double *x) {
  json_t *object = json_object();
  for (uint32_t i = 0; i < s->points.space.count; i++)
    json_object_set_new(object, s->points.parameters[i].name,
                        net_json_text(net_search_value_text(s->n, &s->points, i, x[i])));
  return object;
}

static json_t *row_json(const dr_searching *s, uint32_t trial, const dr_outcome *outcome, bool tuned) {
  bool feasible = outcome->done && net_search_violation(&s->search, outcome->quantities) == 0;
  return json_pack("{s:I, s:b, s:o, s:o, s:b}", "trial", (json_int_t)trial + 1, "tuned", tuned, "parameters",
                   values_json(s, sr_trial_at(s->strategy, trial)->x), "quantities",
                   dr_search_quantities_json(outcome), "feasible", feasible);
}

void dr_search_print_trial(dr_searching *s, uint32_t trial) {
  const dr_outcome *outcome = &s->outcomes.at[trial];
  json_t *json = row_json(s, trial, outcome, false);
  json_object_set_new(json, "event", json_string("trial"));
  json_object_set_new(json, "effort", json_real(sr_trial_at(s->strategy, trial)->effort));
  json_object_set_new(json, "seconds", net_json_number(outcome->seconds));
  if (!outcome->done) json_object_set_new(json, "message", net_json_text(outcome->message));
  net_json_print(s->call->out, json);
}

static void print_json(dr_searching *s, const dr_search_row *rows, uint32_t count, const char *checkpoint,
                       double seconds) {
  json_t *front = json_array();
  for (uint32_t i = 0; i < count; i++)
    json_array_append_new(front, row_json(s, rows[i].trial, rows[i].outcome, rows[i].tuned));
  const char *block = dr_search_block_text(s, &rows[0]);
  net_json_print(s->call->out,
                 json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:I, s:b, s:s?, s:s, s:o}", "event", "end",
                           "search", net_text(s->n, s->search.name), "network",
                           net_text(s->n, s->subject.plain->name), "experiment", (json_int_t)s->experiment.id,
                           "trials", (json_int_t)s->outcomes.count, "resumed", (json_int_t)s->taken, "front",
                           front, "winner", (json_int_t)rows[0].trial + 1, "tuned", rows[0].tuned, "quantize",
                           block, "checkpoint", checkpoint, "seconds", net_json_number(seconds)));
}

/* ---- the table ---- */

/* How people read a quantity. */
static dr_cell_kind kind_of(net_budget quantity) {
  if (net_budgets[quantity].high == 1) return DR_RATE;
  if (quantity == NET_BUDGET_loss || quantity == NET_BUDGET_average_bits || quantity == NET_BUDGET_latency)
    return DR_REAL;
  return DR_COUNT;
}

/* Trial, what varies, what was measured. */
static dr_table table_of(dr_searching *s, const dr_search_row *rows, uint32_t count) {
  netc *n = s->n;
  uint32_t parameters = s->points.space.count, at = 0;
  dr_column *columns = NET_NEW_ARRAY(&n->arena, dr_column, parameters + NET_BUDGETS + 3);
  columns[at++] = (dr_column){"Trial", "trial", DR_COUNT};
  if (s->tuned_count) columns[at++] = (dr_column){"Tuned", "tuned", DR_FLAG};
  for (uint32_t i = 0; i < parameters; i++) {
    const char *name = s->points.parameters[i].name;
    columns[at++] = (dr_column){name, name, DR_WORD};
  }
  for (int q = 0; q < NET_BUDGETS; q++)
    if (s->needs[q])
      columns[at++] = (dr_column){net_budgets[q].name, net_budgets[q].name, kind_of((net_budget)q)};
  dr_table t = dr_table_new(n, "front", "Front", columns);
  for (uint32_t r = 0; r < count; r++) {
    const double *x = sr_trial_at(s->strategy, rows[r].trial)->x;
    dr_table_number(&t, rows[r].trial + 1);
    if (s->tuned_count) dr_table_flag(&t, rows[r].tuned);
    for (uint32_t i = 0; i < parameters; i++)
      dr_table_word(&t, net_search_value_text(n, &s->points, i, x[i]));
    for (int q = 0; q < NET_BUDGETS; q++)
      if (s->needs[q]) dr_table_number(&t, rows[r].outcome->quantities[q]);
  }
  return t;
}

static void print_text(dr_searching *s, const dr_search_row *rows, uint32_t count, const char *checkpoint,
                       double seconds, dr_form form) {
  FILE *to = s->call->out;
  dr_table table = table_of(s, rows, count);
  const char *heading = form == DR_AS_MARKDOWN ? "# " : "", *fence = form == DR_AS_MARKDOWN ? "```\n" : "";
  fprintf(to, "%ssearch %s, network %s: %u trials, %u on the front\n\n", heading,
          net_text(s->n, s->search.name), net_text(s->n, s->subject.plain->name), s->outcomes.count, count);
  dr_table_print(to, &table, form);
  const char *block = dr_search_block_text(s, &rows[0]);
  fprintf(to, "\nThe winner, trial %u%s, is first by %s %s:\n\n", rows[0].trial + 1,
          rows[0].tuned ? ", tuned" : "", s->search.aims[0].maximize ? "maximize" : "minimize",
          s->search.aims[0].text);
  if (block) fprintf(to, "%s%s%s\n", fence, block, fence);
  for (uint32_t i = 0; !block && i < s->points.space.count; i++)
    fprintf(to, "%s = %s\n", s->points.parameters[i].name,
            net_search_value_text(s->n, &s->points, i, sr_trial_at(s->strategy, rows[0].trial)->x[i]));
  fprintf(to, "%s\n", checkpoint);
  fprintf(s->call->talk, "%u trials in %.1f s, experiment %lld", s->outcomes.count, seconds,
          (long long)s->experiment.id);
  if (s->taken) fprintf(s->call->talk, "; %u of them were known", s->taken);
  if (s->candidates) fprintf(s->call->talk, "; %u compilations", dr_candidates_programs(s->candidates));
  fprintf(s->call->talk, "\n");
}

/* ---- the picture ---- */

/* The first aim along, the second upwards; of one aim: by trial. */
static bool plot(dr_searching *s, const dr_search_row *rows, uint32_t count, const char *path) {
  netc *n = s->n;
  const net_search *search = &s->search;
  bool two = search->aim_count > 1;
  const net_search_aim *x = &search->aims[0], *y = &search->aims[two];
  uint32_t trials = s->outcomes.count;
  double *points = NET_NEW_ARRAY(&n->arena, double, 2 * trials + 1),
         *front = NET_NEW_ARRAY(&n->arena, double, 2 * count + 1);
  for (uint32_t i = 0; i < trials; i++) {
    const dr_outcome *o = &s->outcomes.at[i];
    points[i] = !two ? i + 1 : o->done ? net_aim_value(x->value, o->quantities) : (double)NAN;
    points[trials + i] = o->done ? net_aim_value(y->value, o->quantities) : (double)NAN;
  }
  for (uint32_t i = 0; i < count; i++) {
    front[i] = two ? net_aim_value(x->value, rows[i].outcome->quantities) : rows[i].trial + 1;
    front[count + i] = net_aim_value(y->value, rows[i].outcome->quantities);
  }
  pic_series series[] = {
      {.name = "trials", .x = points, .y = points + trials, .count = trials, .style = PIC_POINTS},
      {.name = "front",
       .x = front,
       .y = front + count,
       .count = count,
       .style = two ? PIC_STAIRS : PIC_POINTS}};
  pic_chart chart = {.title = net_arena_format(&n->arena, "%s of %s", net_text(n, search->name),
                                               net_text(n, s->subject.plain->name)),
                     .x = two ? x->text : "trial",
                     .y = y->text,
                     .series = series,
                     .series_count = 2};
  size_t length = strlen(path);
  bool png = length > 4 && !strcmp(path + length - 4, ".png");
  return pic_chart_write(n, &chart, png ? PIC_PNG : PIC_SVG, path);
}

bool dr_search_report(dr_searching *s, const dr_search_row *rows, uint32_t count, const char *checkpoint,
                      double seconds) {
  dr_call *call = s->call;
  dr_form form = dr_call_form(call);
  if (call->json) print_json(s, rows, count, checkpoint, seconds);
  else if (form == DR_AS_TEXT || form == DR_AS_MARKDOWN)
    print_text(s, rows, count, checkpoint, seconds, form);
  else {
    dr_table table = table_of(s, rows, count);
    dr_table_print(call->out, &table, form);
  }
  return !dr_has(call, DR_plot) || plot(s, rows, count, call->value[DR_plot]);
}
