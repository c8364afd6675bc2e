/* netc runs show: a run's log and command; a sweep's runs, a search's trials. */
#include "driver/progress.h"
#include "driver/records.h"

#include "driver/recording.h"

#include <math.h>

static void line(dr_call *call, const char *title, const char *text) {
  if (text) fprintf(call->out, "%-12s %s\n", title, text);
}

static void print_results(dr_call *call, const rc_run *r) {
  netc *n = call->n;
  if (!r->best_epoch) return;
  const char *text = net_arena_format(&n->arena, "epoch %u: loss %.4f", r->best_epoch,
                                      isnan(r->validation_loss) ? r->train_loss : r->validation_loss);
  double accuracy = isnan(r->validation_loss) ? r->train_accuracy : r->validation_accuracy;
  if (!isnan(accuracy)) text = net_arena_format(&n->arena, "%s (%.2f %%)", text, 100 * accuracy);
  line(call, "best", text);
  if (isnan(r->test_loss)) return;
  text = net_arena_format(&n->arena, "loss %.4f", r->test_loss);
  if (!isnan(r->test_accuracy))
    text = net_arena_format(&n->arena, "%s (%.2f %%)", text, 100 * r->test_accuracy);
  line(call, "test", text);
}

/* As train printed it. */
static void print_log(dr_call *call, const rc_run *r, const rc_epoch *epochs, uint32_t count) {
  json_t *settings = r->settings ? json_loads(r->settings, 0, NULL) : NULL;
  uint32_t planned = (uint32_t)json_integer_value(json_object_get(settings, "train.epochs"));
  json_decref(settings);
  for (uint32_t i = 0; i < count; i++) {
    const rc_epoch *e = &epochs[i];
    dr_print_epoch(call->out, &(rt_progress){.epoch = e->epoch,
                                             .epochs = planned > count ? planned : count,
                                             .train_loss = e->train_loss,
                                             .train_accuracy = e->train_accuracy,
                                             .validation_loss = e->validation_loss,
                                             .validation_accuracy = e->validation_accuracy,
                                             .samples_per_second = e->samples_per_second});
  }
}

static void print_run(dr_call *call, rc_db *db, const rc_run *r, const rc_epoch *epochs, uint32_t count) {
  netc *n = call->n;
  line(call, "run", net_arena_format(&n->arena, "%lld", (long long)r->id));
  line(call, "of", dr_record_place(n, db, r));
  line(call, "network", r->network);
  line(call, "recipe", r->recipe);
  line(call, "data", r->data);
  line(call, "quantize", r->quantize);
  line(call, "status", rc_status_names[dr_record_status(r)]);
  line(call, "message", r->message);
  line(call, "directory", r->directory);
  line(call, "started", r->started);
  if (!isnan(r->seconds)) line(call, "seconds", net_arena_format(&n->arena, "%.3f", r->seconds));
  print_results(call, r);
  line(call, "program", net_arena_format(&n->arena, "%s %s", r->program_hash, r->program_name));
  line(call, "data hash", r->data_hash);
  line(call, "weights hash", r->weights_hash);
  line(call, "target", r->target);
  line(call, "netc", r->version);
  putc('\n', call->out);
  print_log(call, r, epochs, count);
  if (count) putc('\n', call->out);
  if (r->place) fprintf(call->out, "cd %s\n", dr_quoted(n, r->place));
  fprintf(call->out, "%s\n", r->command);
}

static bool show_run(dr_call *call, rc_db *db, const rc_run *r) {
  rc_epoch *epochs;
  uint32_t count;
  if (!rc_run_read_epochs(db, r->id, &epochs, &count)) return false;
  if (!call->json) return print_run(call, db, r, epochs, count), true;
  rc_run run = *r;
  run.status = dr_record_status(r);
  json_t *object = rc_run_json(&run, true), *list = json_array();
  for (uint32_t i = 0; i < count; i++) json_array_append_new(list, rc_epoch_json(&epochs[i]));
  json_object_set_new(object, "log", list);
  net_json_print(call->out, object);
  return true;
}

static void trials_table(dr_call *call, const rc_trial *trials, uint32_t count, dr_table *t) {
  static const dr_column columns[] = {{"trial", "trial", DR_COUNT},
                                      {"status", "status", DR_WORD},
                                      {"feasible", "feasible", DR_FLAG},
                                      {"run", "run", DR_COUNT},
                                      {"parameters", "parameters", DR_WORD},
                                      {"objectives", "objectives", DR_WORD},
                                      {0}};
  *t = dr_table_new(call->n, "trials", "Trials", columns);
  for (uint32_t i = 0; i < count; i++) {
    dr_table_number(t, (double)trials[i].number);
    dr_table_word(t, rc_status_names[trials[i].status]);
    dr_table_flag(t, trials[i].feasible);
    if (trials[i].run) dr_table_number(t, (double)trials[i].run);
    else dr_table_empty(t);
    dr_table_word(t, trials[i].parameters);
    dr_table_word(t, trials[i].objectives);
  }
}

static void print_experiment(dr_call *call, const rc_experiment *e) {
  netc *n = call->n;
  line(call, rc_kind_names[e->kind], net_arena_format(&n->arena, "%lld", (long long)e->id));
  line(call, "name", e->name);
  line(call, "network", e->network);
  line(call, "status", rc_status_names[e->status]);
  line(call, "message", e->message);
  line(call, "started", e->started);
  line(call, "finished", e->finished);
  line(call, "program", e->program_hash);
  line(call, "netc", e->version);
  putc('\n', call->out);
}

static bool show_experiment(dr_call *call, rc_db *db, const rc_experiment *e, dr_form form) {
  rc_run *runs;
  rc_trial *trials;
  uint32_t run_count, trial_count;
  dr_table table;
  rc_filter of = {.kind = -1, .status = -1, .experiment = e->id};
  if (!rc_runs(db, &of, &runs, &run_count) || !rc_trials(db, e->id, &trials, &trial_count)) return false;
  if (call->json) {
    net_json_print(call->out, rc_experiment_json(e, true));
    for (uint32_t i = 0; i < run_count; i++) net_json_print(call->out, rc_run_json(&runs[i], false));
    for (uint32_t i = 0; i < trial_count; i++) net_json_print(call->out, rc_trial_json(&trials[i]));
    return true;
  }
  if (form == DR_AS_TEXT) print_experiment(call, e);
  if (run_count || !trial_count) {
    dr_records_table(call, db, runs, run_count, &table);
    dr_table_print(call->out, &table, form);
  }
  if (trial_count) {
    if (run_count) putc('\n', call->out);
    trials_table(call, trials, trial_count, &table);
    dr_table_print(call->out, &table, form);
  }
  if (form == DR_AS_TEXT && e->directory) fprintf(call->out, "\ncd %s\n", dr_quoted(call->n, e->directory));
  if (form == DR_AS_TEXT && e->command) fprintf(call->out, "%s%s\n", e->directory ? "" : "\n", e->command);
  return true;
}

int dr_records_show(dr_call *call, rc_db *db, const char *const *words, uint32_t count) {
  dr_records found = {0};
  dr_form form;
  if (!dr_table_form(call, &form)) return DR_WRONG_COMMAND;
  if (!dr_records_find(call, db, words, count, &found)) return DR_WRONG_INPUT;
  for (uint32_t i = 0; i < found.count; i++) {
    const dr_record *r = &found.at[i];
    if (i && !call->json) putc('\n', call->out);
    if (!(r->experiment ? show_experiment(call, db, &r->of, form) : show_run(call, db, &r->run)))
      return DR_WRONG_INPUT;
  }
  return DR_DONE;
}
