/* SIGINT and SIGTERM while a network trains: the first is noted, to be looked at between steps; a second one
 * of either kind ends the process as if nobody had caught it. */
#ifndef NETC_RUNTIME_SIGNALS_H
#define NETC_RUNTIME_SIGNALS_H

#include <signal.h>
#include <stddef.h>

typedef struct {
  struct sigaction old[2];
  int before; /* caught already */
} rt_signals;

void rt_signals_catch(rt_signals *signals); /* may be nested: what the outer one caught stays caught */
void rt_signals_release(const rt_signals *signals); /* as it was before */
int rt_signals_caught(void);                        /* the signal, or 0 */

#endif
