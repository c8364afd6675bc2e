#include "runtime/train.h"

#include "runtime/random.h"
#include "runtime/run.h"
#include "runtime/signals.h"

#include <math.h>

static const double report_seconds = 0.2, shortest_pace = 0.01, longest_pace = 0.04;

/* ---- setting up ---- */

static bool check_function(rt_run *run, const rt_function *f, uint32_t least, const char *what) {
  if (f->call && f->batch >= least) return true;
  net_fault(run->n, NET_NOWHERE, "network '%s' was compiled without its %s for %u samples",
            run->program->network, what, least);
  return false;
}

static bool check_program(rt_run *run) {
  const rt_program *p = run->program;
  const rt_cut *cut = &run->cut;
  if (!cut->rows) return net_error(run->n, NET_NOWHERE, "there are no rows to train with"), false;
  if (p->has_batch_norm && rt_cut_count(cut, cut->calls - 1) == 1) {
    net_error(run->n, NET_NOWHERE,
              "batch_norm cannot be trained with batches of one sample: it needs their variance");
    return false;
  }
  if (cut->full && run->spec->batch_size != p->train.batch) {
    net_fault(run->n, NET_NOWHERE, "network '%s' was compiled for batches of %u samples, not %u", p->network,
              p->train.batch, run->spec->batch_size);
    return false;
  }
  return (!cut->full || check_function(run, &p->train, cut->batch, "training step")) &&
         (!cut->rest ||
          check_function(run, &p->train_rest, cut->rest, "step for the last batch of an epoch"));
}

static void make_step(rt_run *run) {
  const rt_program *p = run->program;
  const rt_function *rest = &p->train_rest, *full = &p->train;
  uint32_t padded = full->padded > rest->padded ? full->padded : rest->padded;
  size_t scratch = full->scratch_bytes > rest->scratch_bytes ? full->scratch_bytes : rest->scratch_bytes;
  run->index = net_arena_alloc(&run->arena, padded * sizeof *run->index, 64);
  run->step = (rt_step){
      .columns = rt_columns_bind(&run->arena, p, &run->data->split[RT_TRAIN], true),
      .variables = run->variables,
      .scratch = net_arena_alloc(&run->arena, scratch, 64),
      .scalars = run->scalars.values,
      .loss = &run->loss,
      .weight_sum = &run->weight,
      .correct = &run->correct,
  };
  rt_random_key(run->spec->seed, RT_RANDOM_DROPOUT, run->step.key);
  rt_threads_use(&run->pool, run->spec->threads, &run->step);
}

static bool set_up(rt_run *run, bool resume) {
  const rt_split *train = &run->data->split[RT_TRAIN], *validation = &run->data->split[RT_VALIDATION];
  run->cut = rt_cut_make(train->rows, run->spec->batch_size, run->program->has_batch_norm);
  if (!check_program(run)) return false;
  if (validation->rows && !rt_pass_make(run->n, &run->arena, run->program, &run->program->evaluate,
                                        validation, run->spec->threads, run->variables, &run->validation))
    return false;
  if (!rt_run_open(run, resume)) return false;
  run->orders =
      rt_orders_make(&run->arena, run->spec->seed, train->rows, run->spec->epochs, run->spec->shuffle);
  rt_scalars_start(&run->arena, run->program, run->spec, run->cut.calls, run->at.steps, &run->scalars);
  make_step(run);
  run->pace = 1;
  return true;
}

/* ---- telling ---- */

static rt_progress progress(const rt_run *run, double now) {
  uint64_t samples = rt_cut_samples(&run->cut, run->at.step);
  bool classes = run->program->logits != UINT32_MAX;
  return (rt_progress){
      .epoch = run->at.epoch + 1,
      .epochs = run->spec->epochs,
      .samples = samples,
      .samples_in_epoch = run->cut.rows,
      .train_loss = samples ? run->at.loss / run->at.weight : NAN,
      .train_accuracy = samples && classes ? (double)run->at.correct / (double)samples : NAN,
      .validation_loss = NAN,
      .validation_accuracy = NAN,
      .learning_rate = run->scalars.rate,
      .seconds = now - run->epoch_began,
      .samples_per_second = now > run->train_began ? (double)run->trained / (now - run->train_began) : NAN,
  };
}

static void tell(rt_run *run, const rt_progress *what, double now) {
  run->reported = now;
  if (run->listener && run->listener->report) run->listener->report(run->listener->context, what);
}

/* A loss that is not finite: where, and in which layer. */
static void explain(rt_run *run, const rt_step *step, const char *loss) {
  const rt_program *p = run->program;
  const char *node = p->explain ? p->explain(p->context, step) : NULL;
  net_error(run->n, NET_NOWHERE, "%s is not finite in step %u (epoch %u, batch %u of %u)%s%s%s", loss,
            run->at.steps + 1, run->at.epoch + 1, run->at.step + 1, run->cut.calls,
            node ? ": first in '" : "", node ? node : "", node ? "'" : "");
}

static void point_to_last(rt_run *run) {
  net_note(run->n, NET_NOWHERE,
           "the last good weights are in %s; a lower learning rate or gradient clipping may help",
           run->last_path);
}

/* ---- the loop ---- */

/* Steps up to number `end` of the epoch, or until a signal. This is what runs millions of times. */
static bool run_steps(rt_run *run, const rt_order *order, uint32_t end) {
  const rt_cut *cut = &run->cut;
  rt_position *at = &run->at;
  while (at->step < end && !rt_signals_caught()) {
    const rt_function *f = at->step < cut->full ? &run->program->train : &run->program->train_rest;
    run->step.count = rt_cut_count(cut, at->step);
    run->step.index = rt_batch_index(order, at->step * cut->batch, run->step.count, f, run->index);
    run->step.step = at->steps;
    rt_scalars_step(&run->scalars, at->steps);
    /* A batch whose samples all have weight 0 has no loss: it changes nothing. */
    if (!f->call(&run->step)) at->loss += run->loss * run->weight;
    else if (run->weight != 0) return false;
    at->weight += run->weight;
    at->correct += run->correct;
    at->step++;
    at->steps++;
  }
  return true;
}

/* After some steps: the clock, and what is due by it. */
static bool tick(rt_run *run, double before, uint32_t steps) {
  double now = rt_now(), took = now - before;
  run->changed = true;
  if (took < shortest_pace && steps == run->pace && run->pace < UINT32_MAX / 2) run->pace *= 2;
  else if (took > longest_pace && run->pace > 1) run->pace /= 2;
  if (now - run->reported >= report_seconds) {
    rt_progress p = progress(run, now);
    tell(run, &p, now);
  }
  return rt_run_flush_when_due(run, now);
}

/* Training steps of the epoch under way. */
static rt_outcome train_epoch(rt_run *run) {
  run->train_began = rt_now();
  run->trained = 0;
  rt_order order = rt_orders_get(run->orders, run->at.epoch);
  rt_scalars_epoch(&run->scalars, run->at.epoch);
  while (run->at.step < run->cut.calls) {
    if (rt_signals_caught()) return RT_INTERRUPTED;
    double before = rt_now();
    uint32_t first = run->at.step, left = run->cut.calls - first;
    if (!run_steps(run, &order, first + (left < run->pace ? left : run->pace))) {
      explain(run, &run->step, "the loss");
      return RT_NOT_FINITE;
    }
    run->trained += rt_cut_samples(&run->cut, run->at.step) - rt_cut_samples(&run->cut, first);
    if (!tick(run, before, run->at.step - first)) return RT_FAILED;
  }
  return RT_DONE;
}

static rt_outcome validate(rt_run *run, rt_progress *row) {
  rt_pass *pass = &run->validation;
  if (!rt_run_is_good(run)) {
    net_error(run->n, NET_NOWHERE, "the weights are not finite after epoch %u", run->at.epoch + 1);
    return RT_NOT_FINITE;
  }
  if (!pass->cut.calls) return RT_DONE;
  rt_pass_rewind(pass);
  for (;;) {
    if (rt_signals_caught()) return RT_INTERRUPTED;
    if (!rt_pass_next(pass)) break;
    if (isfinite(pass->loss)) continue;
    const char *node =
        run->program->explain ? run->program->explain(run->program->context, &pass->step) : NULL;
    net_error(run->n, NET_NOWHERE, "the validation loss is not finite after epoch %u%s%s%s",
              run->at.epoch + 1, node ? ": first in '" : "", node ? node : "", node ? "'" : "");
    return RT_NOT_FINITE;
  }
  row->validation_loss = pass->loss / pass->weight;
  if (run->program->logits != UINT32_MAX)
    row->validation_accuracy = (double)pass->correct / (double)pass->cut.rows;
  return RT_DONE;
}

/* Moves on behind an epoch that is trained and validated. */
static void finish_epoch(rt_run *run, rt_progress *row) {
  double now = rt_now(), loss = run->validation.cut.calls ? row->validation_loss : row->train_loss;
  row->seconds = now - run->epoch_began;
  row->epoch_done = true;
  rt_position *at = &run->at;
  at->epoch++;
  at->step = 0;
  at->loss = at->weight = 0;
  at->correct = 0;
  if (loss < at->best_loss) {
    at->best_loss = loss;
    at->best_epoch = at->epoch;
    rt_run_keep_best(run);
  }
  rt_run_log(run, row);
  run->changed = true;
  tell(run, row, now);
  run->epoch_began = now;
}

static bool is_over(const rt_run *run) {
  return run->at.epoch >= run->spec->epochs ||
         (run->spec->patience && run->at.epoch - run->at.best_epoch >= run->spec->patience);
}

static rt_outcome run_epochs(rt_run *run) {
  while (!is_over(run)) {
    rt_outcome outcome = train_epoch(run);
    if (outcome != RT_DONE) return outcome;
    rt_progress row = progress(run, rt_now());
    if ((outcome = validate(run, &row)) != RT_DONE) return outcome;
    finish_epoch(run, &row);
    if (!rt_run_flush_when_due(run, rt_now())) return RT_FAILED;
  }
  return RT_DONE;
}

static rt_outcome train_and_save(rt_run *run) {
  run->began = run->epoch_began = run->reported = run->flushed = rt_now();
  rt_outcome outcome = run_epochs(run);
  if (outcome == RT_NOT_FINITE) point_to_last(run);
  return outcome == RT_FAILED || rt_run_finish(run) ? outcome : RT_FAILED;
}

rt_train_result rt_train(netc *n, const rt_program *program, const rt_data *data, const rt_train_spec *spec,
                         const char *directory, bool resume, float *variables, const rt_listener *listener) {
  rt_run run = {.n = n, .program = program, .data = data, .spec = spec, .listener = listener};
  rt_signals signals;
  rt_train_result result = {.outcome = RT_FAILED, .best_validation_loss = NAN};
  net_arena_init(&run.arena, n->arena.guard);
  run.directory = directory;
  run.variables = variables;
  run.lock = -1;
  rt_signals_catch(&signals);
  if (set_up(&run, resume)) result.outcome = train_and_save(&run);
  if (result.outcome == RT_INTERRUPTED) result.signal = rt_signals_caught();
  rt_signals_release(&signals);
  if (run.began) result.seconds = rt_now() - run.began;
  result.epochs = run.at.epoch;
  result.best_epoch = run.at.best_epoch;
  if (run.at.best_epoch) {
    result.best_validation_loss = run.at.best_loss;
    result.checkpoint = run.best_pending ? NULL : run.best_path;
  }
  rt_run_close(&run);
  net_arena_free(&run.arena);
  return result;
}
