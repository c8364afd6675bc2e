/* netc runs repeat: a run again, in a new directory, and whether the same came out of it. */
#include "driver/progress.h"
#include "driver/records.h"

#include "driver/recording.h"
#include "driver/runs.h"
#include "runtime/signals.h"

#include <stdlib.h>

/* The command line of the run, as its options have it: on the program that was recorded. */
static bool make_call(dr_call *call, const rc_run *run, dr_call *again) {
  netc *n = call->n;
  NET_VEC(char *) words = {0};
#define WORD(text) net_vec_push(&n->arena, &words, net_arena_copy(&n->arena, (text), strlen(text)))
  *again = (dr_call){
      .n = n, .out = call->out, .talk = call->talk, .color = call->color, .terminal = call->terminal};
  for (uint32_t v = 0; v < dr_verb_count; v++)
    if (!strcmp(dr_verbs[v].name, "train")) again->verb = &dr_verbs[v];
  WORD("train");
  WORD(run->program_name);
  WORD(run->network);
  for (const char *line = run->options; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
    size_t length = strcspn(line, "\n"), name = strcspn(line, " \n");
    WORD(net_arena_copy(&n->arena, line, name));
    if (name < length) WORD(net_arena_copy(&n->arena, line + name + 1, length - name - 1));
  }
  for (int k = 0; k < 2; k++) {
    static const dr_option_id passed[] = {DR_out, DR_threads};
    if (!dr_has(call, passed[k])) continue;
    WORD(net_arena_format(&n->arena, "--%s", dr_options[passed[k]].name));
    WORD(call->value[passed[k]]);
  }
#undef WORD
  return dr_parse(again, (int)words.count, words.at);
}

static bool open_subject(dr_call *again, const rc_run *run, dr_subject *subject) {
  size_t length = strlen(run->program_name);
  bool checkpoint = length > 12 && !strcmp(run->program_name + length - 12, ".safetensors");
  if (checkpoint) return dr_open(again, subject); /* its formats, too, are what the run began with */
  return dr_open_program(again, subject, run->program, run->program_name);
}

/* ---- what came of it ---- */

static void add(dr_table *t, const char *field, const json_t *then, const json_t *now, bool *same) {
  const json_t *values[] = {json_object_get(then, field), json_object_get(now, field)};
  bool equal = json_equal(values[0], values[1]);
  dr_table_word(t, field);
  for (int i = 0; i < 2; i++) {
    if (json_is_number(values[i])) dr_table_number(t, json_number_value(values[i]));
    else dr_table_word(t, json_string_value(values[i]));
  }
  dr_table_flag(t, equal);
  *same &= equal;
}

static bool compare(dr_call *call, const rc_run *then, const rc_run *now) {
  static const char *const fields[] = {"program_hash",   "data_hash",       "weights_hash",
                                       "epochs",         "best_epoch",      "train_loss",
                                       "train_accuracy", "validation_loss", "validation_accuracy"};
  netc *n = call->n;
  dr_column *columns = NET_NEW_ARRAY(&n->arena, dr_column, 5);
  columns[0] = (dr_column){"what", "what", DR_WORD};
  columns[1] = (dr_column){net_arena_format(&n->arena, "run %lld", (long long)then->id), "before", DR_ANY};
  columns[2] = (dr_column){net_arena_format(&n->arena, "run %lld", (long long)now->id), "now", DR_ANY};
  columns[3] = (dr_column){"same", "same", DR_FLAG};
  dr_table table = dr_table_new(n, "repeat", "Repeated", columns);
  json_t *a = rc_run_json(then, false), *b = rc_run_json(now, false);
  bool same = true;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) add(&table, fields[i], a, b, &same);
  dr_table_print(call->out, &table, dr_call_form(call));
  json_decref(a);
  json_decref(b);
  return same;
}

static const char *or_none(const char *text) { return text ? text : "none"; }

static void explain(dr_call *call, const rc_run *then, const rc_run *now) {
  if (strcmp(or_none(then->target), or_none(now->target)))
    net_note(call->n, NET_NOWHERE, "run %lld was trained for target %s, and this is %s", (long long)then->id,
             or_none(then->target), or_none(now->target));
  if (strcmp(or_none(then->version), or_none(now->version)))
    net_note(call->n, NET_NOWHERE, "run %lld was trained by netc %s, and this is %s", (long long)then->id,
             or_none(then->version), or_none(now->version));
}

/* ---- the run ---- */

static int train(dr_call *call, dr_subject *subject, const rc_run *then) {
  dr_call *again = subject->call;
  dr_training training = {.subject = subject};
  dr_progress progress;
  dr_recording recording;
  training.listener = dr_progress_begin(&progress, again);
  dr_recording_begin(&recording, &training, true);
  int code = dr_training_run(&training);
  dr_progress_end(&progress);
  dr_recording_end(&recording);
  if (training.result.outcome == RT_INTERRUPTED)
    fprintf(call->talk, "interrupted and saved in %s: there is nothing to compare\n", training.directory);
  if (code != DR_DONE) return code;
  dr_flush(call);
  if (compare(call, then, &recording.run)) return DR_DONE;
  net_error(call->n, NET_NOWHERE, "run %lld did not come out as it was recorded", (long long)then->id);
  explain(call, then, &recording.run);
  return DR_DOES_NOT_HOLD;
}

int dr_records_repeat(dr_call *call, rc_db *db, const char *const *words, uint32_t count) {
  netc *n = call->n;
  dr_records found = {0};
  dr_subject subject;
  dr_call again;
  dr_form form;
  if (!dr_table_form(call, &form)) return DR_WRONG_COMMAND;
  if (!dr_records_find(call, db, words, count, &found)) return DR_WRONG_INPUT;
  if (found.count != 1 || found.at[0].experiment)
    return dr_wrong(call, "'runs repeat' takes one run by its number");
  const rc_run *run = &found.at[0].run;
  if (run->status != RC_DONE)
    return net_error(n, NET_NOWHERE, "run %lld is not done (%s): there is nothing to compare with",
                     (long long)run->id, rc_status_names[dr_record_status(run)]),
           DR_WRONG_INPUT;
  if (!run->program || !run->program_name)
    return net_error(n, NET_NOWHERE, "run %lld has no program in the record", (long long)run->id),
           DR_WRONG_INPUT;
  if (!make_call(call, run, &again)) return DR_WRONG_INPUT;
  const char *network = run->network;
  if (!open_subject(&again, run, &subject) || !dr_elaborate(&subject) || !dr_can_begin(&again))
    return DR_WRONG_INPUT;
  if (!call->json) fprintf(call->talk, "run %lld of '%s' again\n", (long long)run->id, network);
  rt_signals signals;
  rt_signals_catch(&signals);
  int code = train(call, &subject, run);
  fflush(call->out);
  rt_signals_release(&signals);
  return code;
}
