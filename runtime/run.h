/* A training run from the inside: what train.c (the loop) and train_save.c (files, resuming) share. */
#ifndef NETC_RUNTIME_RUN_H
#define NETC_RUNTIME_RUN_H

#include "runtime/batches.h"
#include "runtime/checkpoint.h"
#include "runtime/evaluate.h"
#include "runtime/schedule.h"
#include "runtime/threads.h"
#include "runtime/train.h"

#include <time.h>

typedef struct {
  netc *n;
  const rt_program *program;
  const rt_data *data;
  const rt_train_spec *spec;
  const rt_listener *listener;
  net_arena arena; /* buffers of the run */

  float *variables; /* the caller's */
  rt_position at;
  rt_cut cut;
  rt_orders *orders;
  rt_scalars scalars;
  rt_pool pool;
  rt_step step;
  uint32_t *index;   /* room for a padded batch */
  double loss, weight; /* where the step puts its results */
  uint32_t correct;
  rt_pass validation; /* of no calls when there is no such split */

  /* time: the clock is read every `pace` steps, some hundred times a second */
  double began, epoch_began, reported, flushed, flush_took;
  double train_began;      /* when this process took up the epoch … */
  uint64_t trained;        /* … and samples since */
  uint32_t pace;

  /* files */
  const char *directory, *last_path, *best_path, *next_path, *log_path;
  int lock;                /* descriptor of the directory */
  FILE *log;
  long log_length;         /* at the last flush */
  float *best;             /* variables of the best epoch … */
  rt_position best_at;     /* … and where the run stood */
  bool best_pending;       /* not yet written */
  bool changed;            /* since the last flush */
} rt_run;

static inline double rt_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Locks the directory, and begins anew or reads where the run stood: variables, at, the log. */
bool rt_run_open(rt_run *run, bool resume);
void rt_run_close(rt_run *run);
void rt_run_log(rt_run *run, const rt_progress *row);
/* Keeps the variables as the best so far; rt_run_flush writes them. */
void rt_run_keep_best(rt_run *run);
/* Writes log, best and last, so that one can go on with whatever is on the disk when the process dies. */
bool rt_run_flush_when_due(rt_run *run, double now);
bool rt_run_finish(rt_run *run); /* the last time */
bool rt_run_is_good(const rt_run *run); /* are weights and statistics finite? */

#endif
