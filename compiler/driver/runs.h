/* Directories of runs: runs/NETWORK/0001, 0002, …; latest is a link. */
#ifndef NETC_DRIVER_RUNS_H
#define NETC_DRIVER_RUNS_H

#include "driver/driver.h"

/* A fresh directory: --out, which must be empty or not there, or the next number. NULL: reported. */
const char *dr_new_run(dr_call *call, const char *network);
/* The run that --out names, or the network's latest one. NULL: reported. */
const char *dr_find_run(dr_call *call, const char *network);

#endif
