/* The whole compiler: from an elaborated network to functions that the runtime calls. */
#ifndef NETC_PIPELINE_PIPELINE_H
#define NETC_PIPELINE_PIPELINE_H

#include "codegen/compile.h"
#include "graph/graph.h"
#include "passes/passes.h"
#include "runtime/step.h"

/* Every stage by name, in order: passes over graphs, then what becomes of them. */
typedef enum {
#define STAGE(name, text) PL_##name,
#include "pipeline/stages.def"
#undef STAGE
  PL_STAGES
} pl_stage;

extern const char *const pl_stage_names[PL_STAGES], *const pl_stage_texts[PL_STAGES];
pl_stage pl_stage_find(const char *name); /* PL_STAGES: no such stage */

/* What a user may look at on the way. */
typedef struct {
  FILE *to;             /* NULL: nothing */
  pl_stage print_after; /* PL_STAGES: none */
  pl_stage stop_after;  /* PL_STAGES: none */
  bool print_ir, print_asm;
  bool time_passes;
  bool verify; /* after every pass */
} pl_options;

/* Entry points of a compiled network. */
enum { PL_TRAIN = 1, PL_TRAIN_REST = 2, PL_EVALUATE = 4, PL_INFER = 8 };

typedef struct {
  const net_graph *network;       /* as elaborated, in inference mode */
  const net_objective *objective; /* NULL: PL_INFER alone */
  const net_optimizer *optimizer; /* NULL: no training */
  unsigned functions;
  uint32_t batch;
  const char *target; /* name for cg_target_find; NULL: native */
  /* By value of the network: parameters and statistics that stay as they are. What the network gives is then
   * computed as an object does it: on integers where formats are integers. NULL: they are variables. */
  const float *const *weights;
  bool kernels;       /* each nest of the first function also as a function of its own: pl_kernels */
  bool unfused;       /* every value in memory, every statement a nest of its own (tests) */
  pl_options options;
} pl_request;

typedef struct pl_compiled pl_compiled;

/* NULL: reported, or stopped as asked (no diagnostic then). */
pl_compiled *pl_compile(netc *n, const pl_request *request);
const rt_program *pl_program(const pl_compiled *compiled);

/* One nest as a function of its own; meaningful after a call of the whole function with the same step. */
typedef struct {
  const char *name;
  rt_step_function call;
  double work; /* rough operations */
} pl_kernel;
const pl_kernel *pl_kernels(const pl_compiled *compiled, uint32_t *count);

/* Bytes of a batch's values that the first function of the request holds at once, each at the width of its
 * number format and without padding; 0: reported. */
double pl_activation_bytes(netc *n, const pl_request *request);
double pl_seconds(const pl_compiled *compiled); /* spent in pl_compile */
void pl_free(pl_compiled *compiled);

#endif
