/* Work spread over processes: each job in a child of its own, so many at once.
 *
 * A child sees what its parent had in memory (copied only where one of them writes), computes, and gives
 * bytes back. One that crashes or runs out of memory is one job's misfortune. A parent that is killed takes
 * its children along. The parent has no threads of its own, and has not used OpenMP, before the last fork.
 *
 * SIGINT and SIGTERM: no more jobs begin, and each child gets a SIGTERM, which it may catch
 * (runtime/signals.h) to give what it has. Children have process groups of their own, so that a terminal's ^C
 * is for the parent alone. What comes of a job depends on the job, not on how many run at once; the order in
 * which they end does. */
#ifndef NETC_DRIVER_WORKERS_H
#define NETC_DRIVER_WORKERS_H

#include "support/netc.h"

/* A child's end of the way back. */
typedef struct dr_channel dr_channel;
/* Something to be heard while the job runs: progress. */
void dr_channel_tell(dr_channel *channel, const void *bytes, size_t length);
/* What the job has come to: once, at its end. */
void dr_channel_give(dr_channel *channel, const void *bytes, size_t length);

enum { DR_NO_JOB = UINT32_MAX, DR_JOB_LATER = UINT32_MAX - 1 };

typedef struct {
  /* The number of the next job; DR_NO_JOB: there are no more; DR_JOB_LATER: not before one that runs has
   * ended. */
  uint32_t (*next)(void *context);
  /* In the child. It ends when this returns; what it does not give is lost. */
  void (*run)(void *context, uint32_t job, dr_channel *channel);
  /* In the parent; the bytes are gone afterwards. heard may be NULL. */
  void (*heard)(void *context, uint32_t job, const void *bytes, size_t length);
  /* bytes NULL: the child has given nothing, and why says how that came. */
  void (*ended)(void *context, uint32_t job, const void *bytes, size_t length, const char *why);
  void *context;
} dr_jobs;

typedef enum {
  DR_WORKERS_DONE,
  DR_WORKERS_INTERRUPTED, /* all children have ended; rt_signals_caught tells by what, if the caller catches
                             it too */
  DR_WORKERS_FAILED,      /* no process could be made, which was reported */
} dr_workers_outcome;

dr_workers_outcome dr_workers_run(netc *n, const dr_jobs *jobs, uint32_t at_once);

#endif
