/* One training, as netc train makes it: its own, and each run of a sweep. */
#ifndef NETC_DRIVER_TRAINING_H
#define NETC_DRIVER_TRAINING_H

#include "driver/subject.h"

typedef struct dr_training dr_training;
struct dr_training {
  dr_subject *subject;   /* elaborated */
  const char *directory; /* where the run goes; NULL: a new one, made once all is ready to begin */
  bool resume;           /* go on with what the directory holds */
  const rt_data *data;   /* of the subject's spec, read before; NULL: it is read */
  rt_listener listener;
  /* Called when the directory is there, before the first step; may be NULL. */
  void (*begun)(dr_training *training, const rt_program *program, const rt_data *data);
  void *context;          /* of begun */
  rt_train_result result; /* once begun */
};

/* Trains; gives the exit code, and reports what went wrong. directory is set if the run could begin. */
int dr_training_run(dr_training *training);
/* Options and settings that made this run other than its program says, a line each. */
const char *dr_settings_text(dr_call *call);

#endif
