/* Passes: graph → graph, one file each, listed in passes.def.
 *
 * A pass never edits the graph it is given: it returns a new one in the context's arena, or NULL after
 * reporting. What it needs to have been done before, what it gives and what it undoes are in its row, so that
 * pipelines can be checked without running them. */
#ifndef NETC_PASSES_PASSES_H
#define NETC_PASSES_PASSES_H

#include "graph/objective.h"
#include "graph/quantization.h"

/* What is true of a graph. */
enum {
  P_SHAPED = 1 << 0,        /* every value has its type and shape: true of every graph that verifies */
  P_TRAINING_MODE = 1 << 1, /* batch_norm and dropout behave as in training */
  P_LOSSES = 1 << 2,        /* the losses of the objective are nodes */
  P_TRAINING = 1 << 3,      /* backward nodes and updates are there */
  P_LIVE = 1 << 4,          /* every node is needed by something */
  P_FORMATTED = 1 << 5,     /* tensors have their number formats */
  P_FROZEN = 1 << 6, /* parameters and what is made of them are constants, as far as their data is known */
};

/* Everything a pass may ask for; what a pass does not use may be NULL. */
typedef struct net_pass_context {
  netc *n;
  net_arena *arena;               /* where the new graph goes */
  const net_objective *objective; /* losses; fold_batch_norm: what losses look at stays; NULL: nothing does */
  const net_optimizer *optimizer; /* differentiate */
  const net_quantization *quantization; /* quantize */
  /* freeze: by value, elements of parameters and statistics; NULL, all or one: they stay */
  const float *const *data;
  const struct rt_fitted *normalization; /* normalize: one per input; NULL: there is none */
  bool verify;                    /* net_pass_run verifies what the pass made */
} net_pass_context;

typedef net_graph *(*net_pass_function)(const net_pass_context *context, const net_graph *graph);

typedef enum {
#define PASS(name, needs, gives, drops, function) NET_PASS_##name,
#include "passes/passes.def"
#undef PASS
  NET_PASS_COUNT
} net_pass_id;

typedef struct net_pass {
  const char *name;
  uint32_t needs, gives, drops; /* P_… */
  net_pass_function run;
} net_pass;

extern const net_pass net_passes[NET_PASS_COUNT];

#define PASS(name, needs, gives, drops, function)                                                            \
  net_graph *function(const net_pass_context *context, const net_graph *graph);
#include "passes/passes.def"
#undef PASS

/* Runs one pass. have: what is true of the graph, brought up to date. A need that is not met is a fault. */
net_graph *net_pass_run(const net_pass_context *context, net_pass_id pass, const net_graph *graph,
                        uint32_t *have);

#endif
