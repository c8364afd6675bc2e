/* Sweeps: runs to be made, made, and shown. */
#ifndef NETC_DRIVER_SWEEP_H
#define NETC_DRIVER_SWEEP_H

#include "driver/subject.h"
#include "driver/workers.h"
#include "dsl/elaborate_sweep.h"
#include "record/record.h"

typedef struct {
  uint32_t sweep, point, repeat;
  const char *directory; /* NULL: none yet */
  bool resume;           /* go on with what is there */
  bool over;             /* done or failed: nothing is left to do */
  double progress;       /* of 1, while it runs */
  rc_run row;            /* results; the texts of finished ones that nobody asks for are gone */
} dr_sweep_run;

typedef struct {
  const net_sweep *points;
  const char *name;
  rc_db *db; /* each holds the experiment of its own */
  rc_experiment experiment;
  uint32_t first, count; /* of the runs */
} dr_sweep;

typedef struct {
  dr_call *call;
  dr_subject base;              /* without what sweeps set */
  const char *network, *folder; /* where the runs go */
  const char *record;           /* the directory of the record */
  dr_sweep *sweeps;
  uint32_t sweep_count;
  dr_sweep_run *runs;
  uint32_t run_count;
  uint64_t seed;       /* of the recipe */
  const rt_data *data; /* read before, and what it is */
  const char *data_text;
  uint32_t next, over; /* of the runs: to look at next; how many are over */
  bool json;
  uint32_t printed; /* in JSON */
  bool broken;      /* the record cannot be written */
  double began;
} dr_sweeps;

/* sweep_run.c: in the child. Gives {"run": …, "epochs": […], "warnings": […]}. */
void dr_sweep_child(void *context, uint32_t job, dr_channel *channel);
/* The subject with a run's settings, their texts added to its call's; seeded: with its seed, too. */
bool dr_sweep_apply(const dr_sweeps *s, const dr_sweep_run *run, dr_subject *subject, bool seeded);
/* What a data block asks for: equal texts, equal data. */
const char *dr_data_text(netc *n, const rt_data_spec *spec);

/* sweep_record.c. False: reported. */
bool dr_sweep_open(dr_sweeps *s, bool resume);
bool dr_sweep_begin_run(dr_sweeps *s, uint32_t job);
/* What a child gave; NULL: nothing, and why. */
bool dr_sweep_end_run(dr_sweeps *s, uint32_t job, const json_t *result, const char *why);
void dr_sweep_close(dr_sweeps *s, rc_status status);

/* sweep_table.c */
void dr_sweep_print(dr_sweeps *s);
/* The run as a line of JSON. */
void dr_sweep_print_run(const dr_sweeps *s, uint32_t job);
/* "batch_size = 64, epochs = 50": what varies, for people. */
const char *dr_sweep_settings_text(const dr_sweeps *s, const dr_sweep_run *run);
/* The name of a column for people: the last part of its path, if that is enough. */
const char *dr_sweep_column_name(netc *n, const net_sweep *sweep, uint32_t column);

/* A point's runs: how many are done, means and standard deviations (NAN where there are none, or is one
 * alone). */
enum {
  DR_SWEEP_TRAIN_LOSS,
  DR_SWEEP_VALIDATION_LOSS,
  DR_SWEEP_ACCURACY,
  DR_SWEEP_TEST_LOSS,
  DR_SWEEP_TEST_ACCURACY,
  DR_SWEEP_SECONDS,
  DR_SWEEP_BEST_EPOCH,
  DR_SWEEP_NUMBERS
};

typedef struct {
  uint32_t done, failed;
  double mean[DR_SWEEP_NUMBERS], deviation[DR_SWEEP_NUMBERS];
  const char *message; /* of the first that failed */
} dr_sweep_summary;
dr_sweep_summary dr_sweep_summarize(const dr_sweeps *s, const dr_sweep *sweep, uint32_t point);

/* sweep_plot.c: --plot. False: reported. */
bool dr_sweep_plot(dr_sweeps *s, const char *path);

#endif
