/* A compilation under way: what the pipelines of steps (pipeline.c) and of objects (object.c) share. */
#ifndef NETC_PIPELINE_COMPILATION_H
#define NETC_PIPELINE_COMPILATION_H

#include "kernels/kernels.h"
#include "pipeline/pipeline.h"

typedef struct {
  netc *n;
  net_arena *arena;
  const pl_options *options;
  net_pass_context context; /* of every pass */
  double times[PL_STAGES];
  bool stopped; /* as asked: what follows does nothing */
} pl_compilation;

pl_compilation pl_compilation_begin(netc *n, net_arena *arena, const pl_options *options);
double pl_now(void); /* seconds */

/* The network comes with its number formats: nothing is left to be done, but to show it. */
void pl_show_formats(pl_compilation *c, const net_graph *network);
/* Runs the pass of a stage; a graph of NULL, or a compilation that has stopped, is handed through. */
const net_graph *pl_run_pass(pl_compilation *c, pl_stage stage, net_pass_id pass, const net_graph *graph,
                             uint32_t *have);
/* lower and schedule. NULL: reported. */
lp_function *pl_make_loops(pl_compilation *c, const net_graph *graph, const kn_bindings *bindings,
                           const cg_target *target, const kn_options *how, const char *name, uint32_t batch,
                           bool masked);
void pl_note_times(pl_compilation *c, const cg_times *times);
void pl_print_times(const pl_compilation *c, double total);

#endif
