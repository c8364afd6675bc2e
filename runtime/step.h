/* The compiled step, as the runtime sees it: function pointers and tables, nothing of graphs or LLVM. */
#ifndef NETC_RUNTIME_STEP_H
#define NETC_RUNTIME_STEP_H

#include "support/netc.h"
#include "support/tensor.h"

/* One piece of parallel work: iterations [begin, end) of a kernel's outermost loop. */
typedef void (*rt_work)(const void *context, uint32_t begin, uint32_t end);

/* Arguments of one call. All buffers are owned by the runtime, 64-byte aligned; sizes come from rt_program.
 * Columns may be read for 64 bytes past their end; scratch holds garbage on entry.
 * Compiled code reads and writes this struct by field index: keep codegen/step_type.c in step with it. */
typedef struct rt_step {
  const void *const *columns; /* rows of data by rt_program.columns: f32 rows × width, u32 rows; a column of
                                 sample weights may be absent from the program altogether */
  const uint32_t *index;      /* rows of this batch, `padded` entries: those past count repeat a real row */
  float *variables;           /* parameters, statistics, optimiser state by rt_variable.offset */
  void *scratch;              /* rt_function.scratch_bytes */
  const float *scalars;       /* by rt_program.scalars, filled anew for each step */
  void *const *outputs;       /* by rt_program.outputs: count × width f32 rows each; NULL when training */
  double *loss;               /* out: mean loss over the batch (weighted if the program says so) */
  double *weight_sum;         /* out: what the mean was divided by, so that epochs can be weighted */
  uint32_t *correct;          /* out: samples whose largest logit is the target's class (0 for regression) */
  void (*parallel_for)(void *pool, rt_work work, const void *context, uint32_t count); /* NULL: one thread */
  void *pool;
  uint32_t count; /* samples in this batch: = batch of the exact function; 1 … batch of the masked one */
  uint32_t step;  /* counter of steps since the start of the run, from 0: Philox counter */
  uint32_t key[2]; /* Philox key: rt_random_key(seed, RT_RANDOM_DROPOUT) */
  uint32_t ahead;  /* objects' batches: rows from this call's first to the next one's; else unused */
} rt_step;

/* Gives 0, or 1 when the loss is not finite: then no variable has been written. */
typedef uint32_t (*rt_step_function)(const rt_step *step);

typedef struct {
  rt_step_function call; /* NULL: not compiled */
  uint32_t batch;        /* most samples a call */
  uint32_t padded;       /* entries of index: batch rounded up to whole vectors */
  bool exact;            /* only count = batch; else 1 … batch, what lies past count masked */
  size_t scratch_bytes;
} rt_function;

typedef enum { RT_PARAMETER, RT_STATISTIC, RT_STATE } rt_variable_kind;
typedef enum { RT_FILL, RT_UNIFORM, RT_NORMAL } rt_initializer; /* value; U(−value, value); N(0, value²) */

/* Anything the network keeps from step to step. State belongs to the optimiser
 * ("linear_1.weight.exp_avg"). */
typedef struct {
  const char *name; /* key in checkpoints: NODE.PARAMETER */
  net_shape shape;
  rt_variable_kind kind;
  size_t offset; /* in floats from the start of rt_step.variables; a multiple of 16 */
  rt_initializer initializer;
  double value;
  bool frozen; /* parameters: never updated */
} rt_variable;

typedef enum { RT_COLUMN_INPUT, RT_COLUMN_TARGET, RT_COLUMN_WEIGHT } rt_column_kind;
typedef struct {
  rt_column_kind kind;
  uint32_t which; /* index among the split's inputs or targets */
} rt_column_ref;

/* What the runtime computes in double before each step and hands over in binary32. t counts from 1. */
typedef enum {
  RT_SCALAR_RATE,        /* learning rate of a group, by schedule */
  RT_SCALAR_CORRECTION1, /* 1 / (1 − β^t) */
  RT_SCALAR_CORRECTION2, /* 1 / √(1 − β^t) */
} rt_scalar_kind;
typedef struct {
  rt_scalar_kind kind;
  uint32_t group; /* of RT_SCALAR_RATE: index into rt_train_spec.rates */
  double beta;    /* of the corrections */
} rt_scalar;

typedef struct {
  const char *name;
  uint32_t width; /* elements a sample */
  net_shape shape;
} rt_output;

/* A compiled network: everything the training loop, test and predict need. */
typedef struct rt_program {
  const char *network;
  const char *target; /* target string of the code: "x86_64-avx512f-…": bits hold for equal strings only */
  rt_variable *variables;
  uint32_t variable_count;
  size_t variable_floats; /* length of rt_step.variables */
  rt_column_ref *columns;
  uint32_t column_count;
  rt_scalar *scalars;
  uint32_t scalar_count;
  rt_output *outputs; /* first the network's outputs, then the values its losses and metrics look at */
  uint32_t output_count, network_outputs;
  uint32_t logits;            /* output that accuracy, auc, confusion look at; UINT32_MAX: none */
  uint32_t target_column;     /* the target that belongs to logits: index among the split's targets */
  uint32_t values;            /* output that rmse looks at; UINT32_MAX: none */
  uint32_t values_target;     /* the target that belongs to values */
  bool has_batch_norm;        /* a one-sample remainder joins the batch before it */
  /* Exact; masked, for the last batch of an epoch: train_rest.batch ≥ train.batch, and ≥ train.batch + 1 with
   * has_batch_norm. rt_cut (runtime/batches.h) says which of the two a split needs. */
  rt_function train, train_rest;
  rt_function evaluate;          /* masked; writes outputs; no updates. Columns of targets may be NULL in
                                    predict: compiled separately as `infer` */
  rt_function infer;             /* masked; outputs only */
  /* Says which node first gave a non-finite value, by running the batch in the interpreter; may be NULL, and
   * may give NULL. step is that of the call that failed: of train or train_rest when step->outputs is NULL,
   * else of evaluate. */
  const char *(*explain)(void *context, const rt_step *step);
  void *context;
} rt_program;

#endif
