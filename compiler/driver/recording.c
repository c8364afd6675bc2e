#include "driver/recording.h"

#include "driver/runs.h"

#include "runtime/fingerprint.h"
#include "support/file.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

static const double shortest_pause = 1;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool dr_record_open(netc *n, rc_mode mode, rc_db **db) { return rc_open(n, "runs", mode, db); }

/* ---- its beginning ---- */

/* Epochs before this part of the run: those that are recorded, then what the log has behind them. */
static void catch_up(dr_recording *r) {
  netc *n = r->training->subject->call->n;
  const char *path = net_arena_format(&n->arena, "%s/log.jsonl", r->training->directory);
  rc_epoch *known, row;
  uint32_t count = 0, skip = 0, own = r->epochs.count;
  const rc_epoch *now = r->epochs.at;
  if (!rc_run_read_epochs(r->db, r->run.id, &known, &count)) count = 0;
  while (skip < count && skip < r->before && known[skip].epoch == skip + 1) skip++;
  r->epochs.at = NULL, r->epochs.count = r->epochs.capacity = 0;
  for (uint32_t i = 0; i < skip; i++) net_vec_push(&n->arena, &r->epochs, known[i]);
  r->written = skip;
  FILE *log = fopen(path, "r");
  char line[1024];
  while (log && r->epochs.count < r->before && fgets(line, sizeof line, log)) {
    if (skip && skip--) continue;
    json_t *object = json_loads(line, 0, NULL);
    rc_epoch_from_json(&n->arena, object, &row);
    json_decref(object);
    if (!row.epoch || row.epoch > r->before) break;
    net_vec_push(&n->arena, &r->epochs, row);
  }
  if (log) fclose(log);
  for (uint32_t i = 0; i < r->epochs.count; i++)
    if (isfinite(r->epochs.at[i].seconds)) r->earlier += r->epochs.at[i].seconds;
  for (uint32_t i = 0; i < own; i++) net_vec_push(&n->arena, &r->epochs, now[i]);
}

/* A resumed run keeps its number, and says what it was started with if it is not told again. */
static bool resume(dr_recording *r) {
  rc_run old;
  bool found = false;
  if (!rc_run_resume(r->db, &r->run, &found) || !found) return false;
  if (!rc_run_find(r->db, r->run.id, &old)) return false;
  if (old.options && strstr(old.options, "--load ") && !strstr(r->run.options, "--load "))
    r->run.options = old.options, r->run.command = old.command, r->run.program_name = old.program_name;
  return true;
}

static void begin(dr_recording *r) {
  r->begun = true;
  r->run.directory = r->training->directory;
  if (r->record) dr_record_open(r->training->subject->call->n, RC_LENIENT, &r->db);
  bool resumed = r->training->resume && resume(r);
  if (!resumed) rc_run_begin(r->db, &r->run);
  else rc_run_forget(r->db, r->run.id, r->before);
  if (r->training->resume) catch_up(r);
}

static void on_begun(dr_training *training, const rt_program *program, const rt_data *data) {
  dr_recording *r = training->context;
  r->run = dr_describe_run(training->subject, program, data, training->resume);
  training->context = r->on_begun_context;
  if (r->on_begun) r->on_begun(training, program, data);
}

/* ---- its epochs ---- */

/* Those that are not written yet. */
static const rc_epoch *pending(const dr_recording *r) {
  return r->written < r->epochs.count ? r->epochs.at + r->written : NULL;
}

static void flush(dr_recording *r, double begun) {
  if (!r->begun) begin(r);
  rc_run_epochs(r->db, r->run.id, pending(r), r->epochs.count - r->written);
  r->written = r->epochs.count;
  r->flushed = now();
  r->flush_took = r->flushed - begun;
}

static void report(void *context, const rt_progress *p) {
  dr_recording *r = context;
  netc *n = r->training->subject->call->n;
  double t = now();
  if (!r->heard) r->before = p->epoch - 1;
  r->heard = true;
  if (p->epoch_done)
    net_vec_push(&n->arena, &r->epochs,
                 (rc_epoch){p->epoch, p->train_loss, p->train_accuracy, p->validation_loss,
                            p->validation_accuracy, p->learning_rate, p->seconds, p->samples_per_second});
  if (t - r->flushed >= fmax(shortest_pause, 20 * r->flush_took)) flush(r, t);
  if (r->listener.report) r->listener.report(r->listener.context, p);
}

void dr_recording_begin(dr_recording *r, dr_training *training, bool record) {
  *r = (dr_recording){.training = training,
                      .record = record,
                      .run = rc_run_empty(),
                      .flushed = now(),
                      .errors = training->subject->call->n->diagnostics.errors,
                      .listener = training->listener,
                      .on_begun = training->begun,
                      .on_begun_context = training->context};
  training->listener = (rt_listener){report, r};
  training->begun = on_begun;
  training->context = r;
}

/* ---- its end ---- */

static const char *first_error(const dr_recording *r) {
  const net_diagnostics *d = &r->training->subject->call->n->diagnostics;
  uint32_t errors = 0;
  for (uint32_t i = 0; i < d->list.count; i++)
    if (d->list.at[i].severity == NET_ERROR && errors++ == r->errors) return d->list.at[i].message;
  return NULL;
}

static void take_results(dr_recording *r) {
  const rt_train_result *result = &r->training->result;
  rc_run *run = &r->run;
  run->status = result->outcome == RT_DONE          ? RC_DONE
                : result->outcome == RT_INTERRUPTED ? RC_INTERRUPTED
                                                    : RC_FAILED;
  run->message = run->status == RC_FAILED ? first_error(r) : NULL;
  run->seconds = r->earlier + result->seconds;
  run->epochs = result->epochs;
  run->best_epoch = result->best_epoch;
  for (uint32_t i = 0; i < r->epochs.count; i++) {
    const rc_epoch *e = &r->epochs.at[i];
    if (e->epoch != run->best_epoch) continue;
    run->train_loss = e->train_loss, run->train_accuracy = e->train_accuracy;
    run->validation_loss = e->validation_loss, run->validation_accuracy = e->validation_accuracy;
  }
}

void dr_recording_end(dr_recording *r) {
  dr_training *t = r->training;
  netc *n = t->subject->call->n;
  bool never = !t->directory || (t->result.outcome == RT_FAILED && !r->heard);
  if (!r->begun && (never || !r->run.options)) return; /* nothing has happened */
  if (!r->heard) r->before = t->result.epochs;
  if (!r->begun) begin(r);
  take_results(r);
  if (t->result.checkpoint) r->run.weights_hash = dr_weights_hash(n, t->result.checkpoint);
  rc_run_end(r->db, &r->run, pending(r), r->epochs.count - r->written);
  rc_close(r->db);
}
