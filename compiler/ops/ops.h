/* The table of operators (ops.def). */
#ifndef NETC_OPS_OPS_H
#define NETC_OPS_OPS_H

#include "graph/operator.h"

extern const net_op net_ops[];
extern const uint32_t net_op_count;

/* Makes the operators known: graph/ reaches them through the context alone. */
void net_ops_install(netc *n);

#endif
