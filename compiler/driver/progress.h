/* What is said while a network trains: a bar on a terminal, a line an epoch elsewhere, JSON on request. */
#ifndef NETC_DRIVER_PROGRESS_H
#define NETC_DRIVER_PROGRESS_H

#include "driver/driver.h"
#include "runtime/train.h"

typedef struct {
  dr_call *call;
  double started; /* seconds of the monotonic clock; 0: not yet */
  bool bar;       /* a bar is on the screen */
} dr_progress;

/* The line of an epoch. */
void dr_print_epoch(FILE *to, const rt_progress *progress);
rt_listener dr_progress_begin(dr_progress *progress, dr_call *call);
void dr_progress_end(dr_progress *progress);

#endif
