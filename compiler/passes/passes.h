/* Passes: graph → graph, one file each, listed in passes.def.
 *
 * A pass never edits the graph it is given: it returns a new one in the context's arena, or NULL after
 * reporting. What it needs to have been done before, what it gives and what it undoes are in its row, so that
 * pipelines can be checked without running them. */
#ifndef NETC_PASSES_PASSES_H
#define NETC_PASSES_PASSES_H

#include "graph/graph.h"

/* What is true of a graph. */
enum {
  P_SHAPED = 1 << 0,        /* every value has its type and shape: true of every graph that verifies */
  P_TRAINING_MODE = 1 << 1, /* batch_norm and dropout behave as in training */
  P_LOSSES = 1 << 2,        /* the losses of the objective are nodes */
  P_TRAINING = 1 << 3,      /* backward nodes and updates are there */
  P_LIVE = 1 << 4,          /* every node is needed by something */
};

/* A column of targets: becomes a value of kind TARGET. */
typedef struct net_target {
  net_name name;
  net_type type;   /* NET_U32: class numbers, rank 0; NET_F32: values */
  net_shape shape; /* of one sample */
  net_loc loc;
} net_target;

/* One term of the objective: factor · op(prediction, target). */
typedef struct net_loss_term {
  const char *op;      /* row of class LOSS */
  net_name prediction; /* a value of the graph */
  uint32_t target;     /* index in net_objective.targets */
  double factor;
  const net_attribute *attributes;
  uint32_t attribute_count;
  const float *class_weights; /* per class; NULL: none */
  uint32_t class_count;
  net_loc loc; /* where the term was written */
} net_loss_term;

/* What training minimises: the sum of the terms. The first term gives the weight sum, the first term whose
 * target is a class number the count of correct samples. */
typedef struct net_objective {
  const net_loss_term *terms;
  uint32_t term_count;
  const net_target *targets; /* by column: all of the data's, used or not */
  uint32_t target_count;
  bool sample_weights; /* the data has a weight for each sample */
  net_loc loc;
} net_objective;

/* How the parameters follow their gradients. Learning rates are not here: the runtime gives one for each
 * group (net_value.group) at each step. */
typedef struct net_optimizer {
  const char *op; /* row of class UPDATE with a parameter, a gradient and a rate */
  const net_attribute *attributes;
  uint32_t attribute_count;
  double clip_norm; /* bound on the norm of all gradients together; 0: none */
  net_loc loc;
} net_optimizer;

/* Everything a pass may ask for; what a pass does not use may be NULL. */
typedef struct net_pass_context {
  netc *n;
  net_arena *arena;                /* where the new graph goes */
  const net_objective *objective;  /* losses */
  const net_optimizer *optimizer;  /* differentiate */
  bool verify;                     /* net_pass_run verifies what the pass made */
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
