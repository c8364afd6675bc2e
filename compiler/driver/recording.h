/* A training in the record: what it was made of, its epochs, what came of it. */
#ifndef NETC_DRIVER_RECORDING_H
#define NETC_DRIVER_RECORDING_H

#include "driver/training.h"
#include "record/record.h"

/* Between the training and whoever listens to it. The record is opened when a second has passed, or at the
 * end: a run of milliseconds has no time for it before. Epochs are written about once a second, and at the
 * end. Trouble with it is a warning. Where nothing is to be recorded the run is only collected: `run` and
 * `epochs` are what a child gives to its parent, who records them with rc_run_whole. */
typedef struct {
  dr_training *training;
  bool record;
  rc_db *db;                           /* NULL: nothing is recorded */
  rc_run run;                          /* complete after dr_recording_end */
  NET_VEC(rc_epoch) epochs;            /* all of them; of a resumed run those before it too */
  uint32_t written;                    /* of epochs */
  bool heard, begun;                   /* of the training; in the record */
  uint32_t before;                     /* epochs done when it went on */
  uint32_t errors;                     /* reported before it */
  double flushed, flush_took, earlier; /* seconds: when, how long, of a resumed run's epochs before it */
  rt_listener listener;                /* behind this one */
  void (*on_begun)(dr_training *training, const rt_program *program, const rt_data *data);
  void *on_begun_context;
} dr_recording;

/* The record of the working directory: runs/runs.db. */
bool dr_record_open(netc *n, rc_mode mode, rc_db **db);

/* Takes the places of the training's listener and `begun`, and calls those that it found there. */
void dr_recording_begin(dr_recording *recording, dr_training *training, bool record);
/* After dr_training_run. */
void dr_recording_end(dr_recording *recording);

/* What is known of a run before its first step. */
rc_run dr_describe_run(dr_subject *subject, const rt_program *program, const rt_data *data, bool resumed);
/* JSON: what the program and the command line say about training, data and network, by path. */
const char *dr_describe_settings(dr_subject *subject);
/* 16 hex digits. */
const char *dr_program_hash(netc *n, const char *text);
/* Of a checkpoint's weights; NULL: it cannot be read, which was reported. */
const char *dr_weights_hash(netc *n, const char *path);
/* The command line as it can be pasted into a shell, but for --out and --resume. */
const char *dr_command_text(dr_call *call);
/* A word as a shell needs it. */
const char *dr_quoted(netc *n, const char *word);

#endif
