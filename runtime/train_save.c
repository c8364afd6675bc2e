/* The files of a run: log.jsonl, last.safetensors, best.safetensors.
 *
 * last tells which epoch was the best, and best must be of that epoch whenever the process dies. So a new
 * best is first written as best.safetensors.next, then last takes its place, then next is renamed to best.
 * Whoever resumes finds one of:
 *   best is what last says: all is well; a next that is there was too early, and goes
 *   next is what last says: the process died before the last renaming, which is done now
 * The log has at least the rows that last knows of, since it is written first; rows past those are cut
 * off. */
#include "runtime/run.h"

#include "config.h"
#include "runtime/checkpoint_file.h"
#include "support/file.h"
#include "support/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio_ext.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- writing ---- */

static rt_snapshot snapshot(const rt_run *run, const rt_position *position, const float *variables,
                            bool state) {
  uint32_t inputs = run->data->split[RT_TRAIN].input_count;
  return (rt_snapshot){.program = run->program,
                       .spec = run->spec,
                       .position = position,
                       .variables = variables,
                       .normalization = run->data->normalization,
                       .input_count = run->data->normalization ? inputs : 0,
                       .rows = run->cut.rows,
                       .classes = run->data->classes,
                       .class_count = run->data->class_count,
                       .state = state};
}

void rt_run_keep_best(rt_run *run) {
  memcpy(run->best, run->variables, run->program->variable_floats * sizeof *run->best);
  run->best_at = run->at;
  run->best_pending = true;
}

void rt_run_log(rt_run *run, const rt_progress *row) {
  net_json_print(run->log,
                 json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "event", "epoch", "epoch",
                           (json_int_t)row->epoch, "train_loss", net_json_number(row->train_loss),
                           "train_accuracy", net_json_number(row->train_accuracy), "validation_loss",
                           net_json_number(row->validation_loss), "validation_accuracy",
                           net_json_number(row->validation_accuracy), "learning_rate",
                           net_json_number(row->learning_rate), "seconds", net_json_number(row->seconds),
                           "samples_per_second", net_json_number(row->samples_per_second)));
}

static bool flush_log(rt_run *run, bool sync) {
  if (!ferror(run->log) && !fflush(run->log) && (!sync || !fsync(fileno(run->log)))) {
    run->log_length = ftell(run->log);
    return true;
  }
  net_error_errno(run->n, NET_NOWHERE, "write", run->log_path);
  __fpurge(run->log);
  (void)!ftruncate(fileno(run->log), run->log_length); /* half a row would help nobody */
  return false;
}

static bool rename_file(netc *n, const char *from, const char *to) {
  if (!rename(from, to)) return true;
  net_error_errno(n, NET_NOWHERE, "write", to);
  return false;
}

static bool flush(rt_run *run, bool sync) {
  double began = rt_now();
  rt_snapshot last = snapshot(run, &run->at, run->variables, true);
  if (!flush_log(run, sync)) return false;
  if (run->best_pending) {
    rt_snapshot best = snapshot(run, &run->best_at, run->best, false);
    if (!rt_checkpoint_save(run->n, run->next_path, &best, sync)) return false;
  }
  if (!rt_checkpoint_save(run->n, run->last_path, &last, sync)) return unlink(run->next_path), false;
  if (run->best_pending) {
    if (sync) fsync(run->lock); /* names, too, reach the disk in this order */
    if (!rename_file(run->n, run->next_path, run->best_path)) return false;
  }
  if (sync) fsync(run->lock);
  run->best_pending = run->changed = false;
  run->flushed = rt_now();
  run->flush_took = run->flushed - began;
  return true;
}

bool rt_run_is_good(const rt_run *run) {
  for (uint32_t i = 0; i < run->program->variable_count; i++) {
    const rt_variable *v = &run->program->variables[i];
    for (uint64_t k = 0; v->kind != RT_STATE && k < net_shape_elements(&v->shape); k++)
      if (!isfinite(run->variables[v->offset + k])) return false;
  }
  return true;
}

/* Weights that the last step has spoilt are not written: the next one's loss will say what is wrong. */
bool rt_run_flush_when_due(rt_run *run, double now) {
  double pause = run->spec->flush_seconds > 0 ? run->spec->flush_seconds : fmax(1, 20 * run->flush_took);
  return now - run->flushed < pause || !rt_run_is_good(run) || flush(run, true);
}

/* When the weights are spoilt, the last good ones are the best, if these are newer than those on the disk. */
bool rt_run_finish(rt_run *run) {
  if (!run->changed) return true;
  if (!rt_run_is_good(run)) {
    if (!run->best_pending) return true;
    memcpy(run->variables, run->best, run->program->variable_floats * sizeof *run->variables);
    run->at = run->best_at;
  }
  return flush(run, true);
}

/* ---- opening ---- */

/* Two processes in one directory would spoil each other's files. Without locks in the file system, so be
 * it. */
static bool lock(rt_run *run) {
  run->lock = open(run->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (run->lock < 0) return net_error_errno(run->n, NET_NOWHERE, "open", run->directory), false;
  if (!flock(run->lock, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK) return true;
  net_error(run->n, NET_NOWHERE, "another process is training in %s", run->directory);
  return false;
}

/* Opens the log with so many rows left in it. */
static bool open_log(rt_run *run, uint32_t rows) {
  run->log = fopen(run->log_path, rows ? "r+b" : "wb");
  if (!run->log && rows && errno == ENOENT) run->log = fopen(run->log_path, "wb");
  if (!run->log) return net_error_errno(run->n, NET_NOWHERE, "write", run->log_path), false;
  uint32_t found = 0;
  long end = 0;
  for (int c; found < rows && (c = getc(run->log)) != EOF;)
    if (c == '\n') found++, end = ftell(run->log);
  if (found < rows)
    net_warning(run->n, NET_NOWHERE, "%s has rows of %u epochs only, and %u are done", run->log_path, found,
                rows);
  run->log_length = end;
  if (!fseek(run->log, end, SEEK_SET) && !ftruncate(fileno(run->log), end)) return true;
  return net_error_errno(run->n, NET_NOWHERE, "write", run->log_path), false;
}

static bool agree(rt_run *run, const char *what, uint64_t then, uint64_t now) {
  if (then == now) return true;
  net_error(run->n, NET_NOWHERE, "cannot resume %s: it was trained with %s = %llu, which is %llu now",
            run->directory, what, (unsigned long long)then, (unsigned long long)now);
  return false;
}

static bool check_text(rt_run *run, const rt_checkpoint *c, const char *key, const char *now, bool *same) {
  const char *then = rt_checkpoint_metadata(c, key);
  *same = then && !strcmp(then, now);
  if (!then)
    net_error(run->n, NET_NOWHERE, "cannot resume %s: %s has no '%s'", run->directory, run->last_path, key);
  return then;
}

/* What must, and what should, be as it was. */
static bool check_circumstances(rt_run *run, const rt_checkpoint *c, const rt_run_shape *shape) {
  netc *n = run->n;
  const rt_train_spec *spec = run->spec;
  const char *program = spec->program_text ? spec->program_text : "";
  bool network, target, version, text, seed;
  if (!check_text(run, c, "network", run->program->network, &network) ||
      !check_text(run, c, "target", run->program->target, &target) ||
      !check_text(run, c, "netc_version", PACKAGE_VERSION, &version) ||
      !check_text(run, c, "program", program, &text) ||
      !check_text(run, c, "seed", net_arena_format(&n->arena, "%llu", (unsigned long long)spec->seed), &seed))
    return false;
  if (!network || !seed) {
    net_error(n, NET_NOWHERE, "cannot resume %s: it was trained with %s %s", run->directory,
              network ? "seed =" : "network", rt_checkpoint_metadata(c, network ? "seed" : "network"));
    return false;
  }
  if (!agree(run, "batch_size", shape->batch_size, spec->batch_size) ||
      !agree(run, "rows of training data", shape->rows, run->cut.rows) ||
      !agree(run, "shuffle", shape->shuffle, spec->shuffle))
    return false;
  const char *then = rt_checkpoint_metadata(c, "quantize"), *now = spec->quantize;
  if (!then != !now || (then && strcmp(then, now))) {
    net_error(n, NET_NOWHERE,
              "cannot resume %s: it was trained with the number formats of '%s', and now with those of '%s'",
              run->directory, then ? then : "none", now ? now : "none");
    return false;
  }
  if (!target)
    net_warning(n, NET_NOWHERE,
                "%s was trained for target %s, and this is %s: results may differ in the last bits",
                run->directory, rt_checkpoint_metadata(c, "target"), run->program->target);
  if (!version)
    net_warning(n, NET_NOWHERE,
                "%s was trained by netc %s, and this is %s: results may differ in the last bits",
                run->directory, rt_checkpoint_metadata(c, "netc_version"), PACKAGE_VERSION);
  if (!text)
    net_warning(n, NET_NOWHERE, "the program of %s has changed since: the run goes on with the new one",
                run->directory);
  return true;
}

/* Every variable, and nothing else: the optimiser's state is part of where a run stands. */
static bool read_variables(rt_run *run, const rt_checkpoint *c) {
  netc *n = run->n;
  uint32_t extra = 0;
  for (uint32_t i = 0; i < run->program->variable_count; i++) {
    const rt_variable *v = &run->program->variables[i];
    const net_tensor *t = rt_checkpoint_find(c, v->name);
    if (!t || t->type != NET_F32 || !net_shape_same(&t->shape, &v->shape)) {
      net_error(n, NET_NOWHERE,
                "cannot resume %s: the network or its optimizer has changed, '%s' is %s in %s",
                run->directory, v->name, t ? net_shape_text(&n->arena, &t->shape) : "not", run->last_path);
      return false;
    }
  }
  for (uint32_t i = 0; i < c->file.tensor_count; i++)
    extra += strncmp(c->file.tensors[i].name, RT_NORMALIZATION, sizeof RT_NORMALIZATION - 1) != 0 &&
             !rt_checkpoint_is_calibration(c, c->file.tensors[i].name);
  if (extra != run->program->variable_count) {
    net_error(n, NET_NOWHERE,
              "cannot resume %s: the network or its optimizer has changed, %s has %u tensors more",
              run->directory, run->last_path, extra - run->program->variable_count);
    return false;
  }
  for (uint32_t i = 0; i < run->program->variable_count; i++) {
    const rt_variable *v = &run->program->variables[i];
    const net_tensor *t = rt_checkpoint_find(c, v->name);
    memcpy(run->variables + v->offset, t->data, net_tensor_bytes(t));
  }
  return true;
}

/* Is this the best epoch that last speaks of? Quiet when there is no such file. */
static bool is_best(rt_run *run, const char *path) {
  rt_position position;
  if (access(path, F_OK)) return false;
  const rt_checkpoint *c = rt_checkpoint_open(run->n, path);
  const char *seed = c ? rt_checkpoint_metadata(c, "seed") : NULL;
  return seed && rt_checkpoint_position(run->n, c, &position) && position.best_epoch == run->at.best_epoch &&
         position.epoch == position.best_epoch && position.best_loss == run->at.best_loss &&
         !strcmp(seed, net_arena_format(&run->n->arena, "%llu", (unsigned long long)run->spec->seed));
}

static bool restore_best(rt_run *run) {
  if (run->at.best_epoch && !is_best(run, run->best_path)) {
    if (is_best(run, run->next_path)) return rename_file(run->n, run->next_path, run->best_path);
    net_error(run->n, NET_NOWHERE, "cannot resume %s: %s is not of epoch %u, the best one by %s",
              run->directory, run->best_path, run->at.best_epoch, run->last_path);
    return false;
  }
  unlink(run->next_path);
  return true;
}

/* Temporary files (support/file.h) of a process that was killed while it wrote. */
static void tidy(const rt_run *run) {
  static const char *const stems[] = {"last.safetensors.", "best.safetensors.next."};
  DIR *directory = opendir(run->directory);
  for (struct dirent *e; directory && (e = readdir(directory));)
    for (size_t i = 0; i < sizeof stems / sizeof *stems; i++)
      if (!strncmp(e->d_name, stems[i], strlen(stems[i])) && strlen(e->d_name) == strlen(stems[i]) + 6)
        unlinkat(run->lock, e->d_name, 0);
  if (directory) closedir(directory);
}

/* Other data would show in what their normalisation was fitted to. */
static bool check_normalization(rt_run *run, const rt_checkpoint *c) {
  uint32_t count;
  const rt_fitted *then = rt_checkpoint_normalization(run->n, c, &count), *now = run->data->normalization;
  bool same = now || !count;
  if (!then) return false;
  for (uint32_t i = 0; i < count && same; i++) {
    same = then[i].width == now[i].width && then[i].step_count == now[i].step_count;
    for (uint32_t k = 0; k < then[i].step_count && same; k++)
      same = then[i].steps[k].kind == now[i].steps[k].kind &&
             !memcmp(then[i].steps[k].offset, now[i].steps[k].offset, now[i].width * sizeof(float)) &&
             !memcmp(then[i].steps[k].factor, now[i].steps[k].factor, now[i].width * sizeof(float));
  }
  if (!same)
    net_error(run->n, NET_NOWHERE, "cannot resume %s: the training data or their normalisation have changed",
              run->directory);
  return same;
}

static bool resume_run(rt_run *run) {
  rt_run_shape shape;
  const rt_checkpoint *c = rt_checkpoint_open(run->n, run->last_path);
  if (!c) return false;
  if (!c->netc) {
    net_error(run->n, NET_NOWHERE, "cannot resume %s: %s is not a checkpoint of netc", run->directory,
              run->last_path);
    return false;
  }
  if (!rt_checkpoint_run(run->n, c, &run->at, &shape) || !check_circumstances(run, c, &shape)) return false;
  if (run->at.step > run->cut.calls) {
    net_error(run->n, NET_NOWHERE, "cannot resume %s: %s is at step %u of %u", run->directory, run->last_path,
              run->at.step, run->cut.calls);
    return false;
  }
  tidy(run);
  return check_normalization(run, c) && read_variables(run, c) && restore_best(run) &&
         open_log(run, run->at.epoch);
}

bool rt_run_open(rt_run *run, bool resume) {
  run->last_path = net_path_join(run->n, run->directory, "last.safetensors");
  run->best_path = net_path_join(run->n, run->directory, "best.safetensors");
  run->next_path = net_path_join(run->n, run->directory, "best.safetensors.next");
  run->log_path = net_path_join(run->n, run->directory, "log.jsonl");
  run->best = net_arena_alloc(&run->arena, run->program->variable_floats * sizeof *run->best, 64);
  if (!lock(run)) return false;
  if (resume) return resume_run(run);
  if (!access(run->last_path, F_OK)) {
    net_error(run->n, NET_NOWHERE, "%s holds a run already: resume it, or train into another directory",
              run->directory);
    return false;
  }
  run->at = (rt_position){.best_loss = INFINITY};
  return open_log(run, 0) && flush(run, false); /* finds out now whether it can be written */
}

void rt_run_close(rt_run *run) {
  if (run->log) fclose(run->log);
  if (run->lock >= 0) close(run->lock);
}
