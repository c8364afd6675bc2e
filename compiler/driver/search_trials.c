/* Trials measured: quantisations a few to a process, trainings one to a process. What comes of a trial
 * depends on its point alone. */
#include "driver/search.h"

#include "driver/training.h"
#include "driver/workers.h"
#include "runtime/signals.h"
#include "support/file.h"

#include <math.h>
#include <time.h>

enum { CHUNK = 8 }; /* quantisations a process */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What is reported while it is measured is about the trial, not about the search. */
static void take_message(netc *n, const net_diagnostics *before, dr_outcome *outcome) {
  for (uint32_t i = before->list.count; i < n->diagnostics.list.count && !outcome->message[0]; i++)
    if (n->diagnostics.list.at[i].severity == NET_ERROR || n->diagnostics.list.at[i].severity == NET_FAULT)
      snprintf(outcome->message, sizeof outcome->message, "%s", n->diagnostics.list.at[i].message);
  if (!outcome->done && !outcome->message[0]) strcpy(outcome->message, "it failed without a message");
  net_diagnostics_forget(n, before);
}

bool dr_search_formats(dr_searching *s, const double *x, net_quantization *q) {
  if (s->search.varies_formats) return net_search_quantization(s->n, &s->n->arena, &s->points, x, q);
  *q = s->points.base;
  return true;
}

static net_chosen chosen_of(const dr_searching *s) {
  net_chosen chosen = {0};
  netc *n = s->n;
  const net_choice *choice = &s->subject.choice;
  chosen.blocks[NET_DECL_NETWORK] = s->subject.plain->name;
  if (choice->train) chosen.blocks[NET_DECL_TRAIN] = net_intern(n, choice->train);
  if (choice->data) chosen.blocks[NET_DECL_DATA] = net_intern(n, choice->data);
  return chosen;
}

const net_program *dr_search_changed(dr_searching *s, const double *x, const char *block) {
  netc *n = s->n;
  net_program *changed = (net_program *)s->subject.program;
  net_chosen chosen = chosen_of(s);
  if (s->search.varies_settings &&
      !net_search_program(n, s->subject.program, &chosen, &s->points, x, &changed))
    return NULL;
  if (!block || !s->search.varies_formats) return changed;
  const char *added = net_search_block_text(n, &s->points, x, block);
  if (!added) return NULL;
  const char *text = net_arena_format(&n->arena, "%s\n%s\n", net_program_text(n, changed), added);
  return net_program_from_text(n, s->call->arguments.at[0], text, strlen(text), &changed) ? changed : NULL;
}

/* As the search, or what is free. */
const char *dr_search_block_name(const dr_searching *s) {
  const char *name = net_text(s->n, s->search.name);
  while (net_program_find(s->subject.program, NET_DECL_QUANTIZE, net_intern(s->n, name)))
    name = net_arena_format(&s->n->arena, "%s_best", name);
  return name;
}

/* ---- quantisations ---- */

static void measure(dr_searching *s, const double *x, dr_outcome *outcome) {
  netc *n = s->n;
  net_quantization *q = NET_NEW(&n->arena, net_quantization);
  net_diagnostics before = n->diagnostics;
  dr_candidate found;
  double began = now();
  *outcome = (dr_outcome){.done = false};
  if (dr_search_formats(s, x, q) && dr_candidates_measure(s->candidates, q, s->needs, &found)) {
    outcome->done = true;
    outcome->alone = found.compiled;
    memcpy(outcome->quantities, found.quantities, sizeof outcome->quantities);
  }
  outcome->seconds = now() - began;
  take_message(n, &before, outcome);
}

/* ---- trainings ---- */

const char *dr_search_place(const dr_searching *s, uint32_t trial, bool tuned) {
  return net_arena_format(&s->n->arena, "%s/%s/%04u", s->directory, tuned ? "tuned" : "trials", trial + 1);
}

/* A call of its own, which says nothing and trains on one thread. */
static dr_call quiet_call(const dr_searching *s) {
  dr_call call = *s->call;
  FILE *nowhere = fopen("/dev/null", "w");
  call.out = call.talk = nowhere ? nowhere : stderr;
  call.json = true;
  call.value[DR_out] = call.value[DR_resume] = call.value[DR_output] = call.value[DR_quantize] = NULL;
  call.value[DR_threads] = "1";
  return call;
}

/* The subject of a trial's program. */
static bool elaborate(dr_searching *s, dr_call *call, const net_program *program, const char *quantize,
                      dr_subject *subject) {
  *subject = (dr_subject){.call = call, .program = program, .choice = s->subject.choice};
  subject->choice.quantize = quantize;
  return dr_elaborate(subject);
}

static bool train(dr_subject *subject, const char *directory, rt_train_result *result) {
  netc *n = subject->call->n;
  dr_training training = {.subject = subject, .directory = directory};
  if (!net_make_directories(n, directory)) return false;
  int code = dr_training_run(&training);
  *result = training.result;
  return code == DR_DONE &&
         (result->checkpoint || (net_error(n, NET_NOWHERE, "it has no best epoch"), false));
}

/* A trial's network by the weights that it was trained to, which its formats are looked at. */
static bool measure_trained(dr_searching *s, dr_call *call, const net_program *program, const double *x,
                            const char *path, dr_outcome *outcome) {
  netc *n = s->n;
  dr_subject subject;
  dr_candidate found;
  net_quantization *q = NET_NEW(&n->arena, net_quantization);
  rt_checkpoint *weights = rt_checkpoint_open(n, path);
  if (!weights || !elaborate(s, call, program, NULL, &subject) || !dr_search_formats(s, x, q)) return false;
  dr_candidates *c =
      dr_candidates_begin(&(dr_candidates_request){.subject = &subject,
                                                   .weights = weights,
                                                   .base = q,
                                                   .split = RT_VALIDATION,
                                                   .drop = s->needs[NET_BUDGET_accuracy_drop]});
  bool ok = c && dr_candidates_measure(c, q, s->needs, &found);
  dr_candidates_end(c);
  if (ok) memcpy(outcome->quantities, found.quantities, sizeof outcome->quantities);
  return ok;
}

static bool train_trial(dr_searching *s, uint32_t trial, const sr_trial *t, dr_outcome *outcome) {
  dr_call call = quiet_call(s);
  dr_subject subject;
  rt_train_result result;
  const net_program *program = dr_search_changed(s, t->x, NULL);
  if (!program || !elaborate(s, &call, program, NULL, &subject)) return false;
  rt_train_spec *spec = &subject.experiment.recipe.train;
  spec->epochs = (uint32_t)fmax(1, rint(t->effort * spec->epochs));
  return train(&subject, dr_search_place(s, trial, false), &result) &&
         measure_trained(s, &call, program, t->x, result.checkpoint, outcome);
}

/* From the weights that all trials share, with the trial's formats. */
static bool tune_trial(dr_searching *s, uint32_t trial, const sr_trial *t, dr_outcome *outcome) {
  dr_call call = quiet_call(s);
  dr_subject subject;
  rt_train_result result;
  const char *block = dr_search_block_name(s);
  const net_program *program = dr_search_changed(s, t->x, block);
  call.value[DR_quantize] = block;
  call.value[DR_load] = rt_checkpoint_path(s->weights);
  if (!program || !elaborate(s, &call, program, block, &subject)) return false;
  subject.experiment.recipe.train.epochs = s->search.fine_tune;
  return train(&subject, dr_search_place(s, trial, true), &result) &&
         measure_trained(s, &call, program, t->x, result.checkpoint, outcome);
}

static void run_training(dr_searching *s, uint32_t trial, const sr_trial *t, bool tune, dr_outcome *outcome) {
  net_diagnostics before = s->n->diagnostics;
  double began = now();
  *outcome = (dr_outcome){.done = false};
  outcome->done = (tune ? tune_trial : train_trial)(s, trial, t, outcome);
  outcome->seconds = now() - began;
  take_message(s->n, &before, outcome);
}

/* ---- processes ---- */

typedef struct {
  dr_searching *s;
  const uint32_t *trials; /* to be measured */
  dr_outcome **outcomes;  /* of these */
  uint32_t count, chunk, begun;
  bool tune, ok;
} batch;

/* The trial of that place as the record numbers it. */
static uint32_t number_of(const batch *b, uint32_t trial) {
  const dr_searching *s = b->s;
  if (!b->tune) return trial + 1;
  uint32_t i = 0;
  while (s->tuned[i] != trial) i++;
  return sr_trial_count(s->strategy) + i + 1;
}

static uint32_t next_job(void *context) {
  batch *b = context;
  return b->begun * b->chunk < b->count && b->ok ? b->begun++ : DR_NO_JOB;
}

static void run_job(void *context, uint32_t job, dr_channel *channel) {
  batch *b = context;
  dr_searching *s = b->s;
  dr_outcome outcomes[CHUNK];
  uint32_t first = job * b->chunk, count = 0;
  for (; count < b->chunk && first + count < b->count; count++) {
    uint32_t trial = b->trials[first + count];
    const sr_trial *t = sr_trial_at(s->strategy, trial);
    if (s->trains || b->tune) run_training(s, trial, t, b->tune, &outcomes[count]);
    else measure(s, t->x, &outcomes[count]);
  }
  dr_channel_give(channel, outcomes, count * sizeof *outcomes);
}

/* They are recorded at once: a killed search loses what was under way. */
static void job_ended(void *context, uint32_t job, const void *bytes, size_t length, const char *why) {
  batch *b = context;
  rc_trial rows[CHUNK];
  uint32_t first = job * b->chunk, count = 0;
  if (!bytes && rt_signals_caught()) return;
  for (; count < b->chunk && first + count < b->count; count++) {
    dr_outcome *outcome = b->outcomes[first + count];
    *outcome = (dr_outcome){.done = false};
    if (bytes && (count + 1) * sizeof *outcome <= length)
      memcpy(outcome, (const dr_outcome *)bytes + count, sizeof *outcome);
    else snprintf(outcome->message, sizeof outcome->message, "%s", why ? why : "it gave nothing");
    uint32_t trial = b->trials[first + count];
    rows[count] = dr_search_row_of(b->s, number_of(b, trial), sr_trial_at(b->s->strategy, trial)->x, outcome);
  }
  b->ok &= rc_trials_whole(b->s->db, rows, count);
}

/* Measures those of a list of trials that the record does not know. */
static bool measure_all(dr_searching *s, const uint32_t *trials, dr_outcome *outcomes, uint32_t count,
                        bool tune) {
  netc *n = s->n;
  uint32_t *open = NET_NEW_ARRAY(&n->arena, uint32_t, count + 1);
  dr_outcome **to = NET_NEW_ARRAY(&n->arena, dr_outcome *, count + 1);
  batch b = {.s = s, .trials = open, .outcomes = to, .tune = tune, .ok = true};
  bool trains = s->trains || tune;
  b.chunk = trains ? 1 : CHUNK;
  for (uint32_t i = 0; i < count; i++) {
    const double *x = sr_trial_at(s->strategy, trials[i])->x;
    if (dr_search_recall(s, number_of(&b, trials[i]), x, &outcomes[i])) {
      s->taken++;
      continue;
    }
    open[b.count] = trials[i], to[b.count++] = &outcomes[i];
    net_quantization *q = NET_NEW(&n->arena, net_quantization);
    net_diagnostics before = n->diagnostics;
    if (!trains && dr_search_formats(s, x, q)) dr_candidates_prepare(s->candidates, q);
    net_diagnostics_forget(n, &before); /* it is the trial's misfortune, which its process will meet again */
  }
  if (!b.count) return true;
  dr_jobs jobs = {.next = next_job, .run = run_job, .ended = job_ended, .context = &b};
  dr_workers_outcome came = dr_workers_run(n, &jobs, s->at_once);
  if (came == DR_WORKERS_INTERRUPTED) s->signal = rt_signals_caught();
  return came == DR_WORKERS_DONE && b.ok;
}

static void tell(dr_searching *s, uint32_t trial, const dr_outcome *outcome) {
  double *objectives = NET_NEW_ARRAY(&s->n->arena, double, s->search.aim_count);
  if (!outcome->done) {
    sr_tell_failed(s->strategy, trial);
    return;
  }
  net_search_objectives(&s->search, outcome->quantities, objectives);
  sr_tell(s->strategy, trial, objectives, net_search_violation(&s->search, outcome->quantities));
}

bool dr_search_batch(dr_searching *s, uint32_t first, uint32_t count) {
  netc *n = s->n;
  uint32_t *trials = NET_NEW_ARRAY(&n->arena, uint32_t, count);
  for (uint32_t i = 0; i < count; i++) {
    trials[i] = first + i;
    net_vec_push(&n->arena, &s->outcomes, (dr_outcome){.done = false});
  }
  if (!measure_all(s, trials, s->outcomes.at + first, count, false)) return false;
  for (uint32_t i = first; i < first + count; i++) {
    tell(s, i, &s->outcomes.at[i]);
    if (s->call->json) dr_search_print_trial(s, i);
  }
  return true;
}

bool dr_search_tune(dr_searching *s) {
  netc *n = s->n;
  uint32_t *front = NET_NEW_ARRAY(&n->arena, uint32_t, sr_trial_count(s->strategy) + 1);
  s->tuned_count = sr_front(s->strategy, front);
  s->tuned = front;
  s->tuned_outcomes = NET_NEW_ARRAY(&n->arena, dr_outcome, s->tuned_count + 1);
  return measure_all(s, front, s->tuned_outcomes, s->tuned_count, true);
}
