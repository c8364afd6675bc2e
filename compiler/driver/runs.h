/* Directories of runs: runs/NETWORK/0001, 0002, …; latest is a link. */
#ifndef NETC_DRIVER_RUNS_H
#define NETC_DRIVER_RUNS_H

#include "driver/driver.h"

/* Whether --out, if given, can become a run: it must be empty or not there. False: reported. */
bool dr_can_begin(dr_call *call);
/* A fresh directory: --out, or the next number. NULL: reported. */
const char *dr_new_run(dr_call *call, const char *network);
/* The next number in a directory; latest points at it. NULL: reported. */
const char *dr_new_run_in(netc *n, const char *base);
void dr_drop_run_in(netc *n, const char *base, const char *directory);
/* Takes back what dr_new_run made, of a run that could not begin. */
void dr_drop_run(dr_call *call, const char *network, const char *directory);
/* The run to go on with: it must hold a checkpoint. NULL: reported. */
const char *dr_resumed_run(dr_call *call, const char *network);
/* The run that --out names, or the network's latest one. NULL: reported. */
const char *dr_find_run(dr_call *call, const char *network);
/* Whether it has one in runs/. */
bool dr_has_run(dr_call *call, const char *network);

#endif
