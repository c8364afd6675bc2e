/* The tables by which the runtime and all functions of a network agree: where variables lie, which columns,
 * scalars and outputs there are. */
#ifndef NETC_PIPELINE_TABLES_H
#define NETC_PIPELINE_TABLES_H

#include "kernels/kernels.h"
#include "pipeline/pipeline.h"

typedef struct {
  netc *n;
  const net_graph *train, *evaluate, *infer; /* NULL: not asked for */
  const rt_program *program;
} pl_graphs;

typedef struct {
  net_arena *arena;
  rt_program program; /* all but the functions */
  kn_variable *variables;
  net_name *columns, *scalars;
} pl_tables;

pl_tables pl_make_tables(netc *n, net_arena *arena, const pl_request *request, const pl_graphs *graphs,
                         const char *target);
/* The tables as the loops of one graph see them. */
kn_bindings pl_bindings(const pl_tables *tables, const net_graph *graph, unsigned function);

#endif
