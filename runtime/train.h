/* The training loop: epochs over shuffled batches, validation, checkpoints, signals, resume. */
#ifndef NETC_RUNTIME_TRAIN_H
#define NETC_RUNTIME_TRAIN_H

#include "runtime/data.h"
#include "runtime/step.h"

typedef enum { RT_CONSTANT, RT_STEP_DECAY, RT_COSINE } rt_schedule_kind;

/* Learning rate in epoch e (from 0) of E, as PyTorch's StepLR and CosineAnnealingLR stepped once an epoch:
 *   step decay: rate · factor^⌊e / every⌋
 *   cosine:     minimum + (rate − minimum) · (1 + cos(π e / E)) / 2
 * warm-up: in the first `warmup` epochs (may be a fraction) the rate is multiplied by (s + 1) / S for step s
 * of the S steps of warm-up, S = ⌈warmup · steps an epoch⌉. */
typedef struct {
  rt_schedule_kind kind;
  double minimum, factor, warmup;
  uint32_t every;
} rt_schedule;

typedef struct {
  const char *name; /* row of the table runtime/metrics.def: accuracy, top_k, auc, rmse, confusion */
  uint32_t k;       /* of top_k */
} rt_metric;

/* The table's names, for checks and suggestions. */
uint32_t rt_metric_count(void);
const char *rt_metric_name(uint32_t i);
/* Whether it has something to look at in a network that tells classes apart, or gives values. */
bool rt_metric_fits(uint32_t i, bool classes, bool values);

/* Steps that calibration chose for a tensor whose number format leaves them open. */
typedef struct {
  const char *tensor, *format; /* "linear_1.weight"; the format's text */
  uint32_t count;              /* 1, or one for each channel */
  const float *steps, *zeros;  /* zeros: zero points; NULL: all 0 */
} rt_calibrated;

typedef struct {
  uint32_t epochs, batch_size, threads; /* batch_size = rt_program.train.batch; threads 0 counts as 1 */
  uint64_t seed;
  bool shuffle;
  double *rates; /* by group; group 0 is the optimiser's own */
  uint32_t rate_count;
  rt_schedule schedule;
  uint32_t patience; /* early stopping: epochs without a lower validation loss; 0: off */
  rt_metric *metrics; /* for `test`; training reports losses and accuracies alone */
  uint32_t metric_count;
  const char *program_text, *program_name; /* flattened .net text for checkpoints, UTF-8 */
  const char *settings;                    /* --set and options, a line each, stored beside it; or NULL */
  const char *quantize;                    /* the block that number formats come from; or NULL */
  const rt_calibrated *calibrated;         /* stored with it */
  uint32_t calibrated_count;
  double flush_seconds; /* least time between two writes of checkpoints; 0: a second, and at most a twentieth
                           of the time goes into writing them */
} rt_train_spec;

/* What the loop tells the driver, which prints it as a progress bar, a line or JSON. */
typedef struct {
  uint32_t epoch, epochs; /* epoch from 1 */
  uint64_t samples, samples_in_epoch; /* done in this epoch, of so many */
  double train_loss, train_accuracy, validation_loss, validation_accuracy; /* NaN: not there */
  double learning_rate;      /* of group 0 in the last step */
  double seconds;            /* spent in this epoch; when it is done validation counts too */
  double samples_per_second; /* in its training steps */
  bool epoch_done;
} rt_progress;

typedef struct {
  /* several times a second, and at each epoch's end */
  void (*report)(void *context, const rt_progress *progress);
  void *context;
} rt_listener;

typedef enum {
  RT_DONE,
  RT_FAILED,      /* reported */
  RT_NOT_FINITE,  /* reported, with step and layer; last.safetensors is the last good state */
  RT_INTERRUPTED, /* by SIGINT or SIGTERM, and saved: `resume` goes on */
} rt_outcome;

typedef struct {
  rt_outcome outcome;
  int signal; /* of RT_INTERRUPTED */
  uint32_t epochs, best_epoch; /* epochs done; 0: no best yet */
  double best_validation_loss, seconds; /* without a validation split, of the training loss */
  const char *checkpoint; /* path of best.safetensors; NULL: there is none yet */
} rt_train_result;

/* Initial values, by the variables' initialisers and the seed. A variable's draws depend on its name and the
 * seed alone, so that layers keep theirs when others come and go. */
void rt_initialize(const rt_program *program, uint64_t seed, float *variables);

/* Trains into directory (which exists): best.safetensors, last.safetensors, log.jsonl (a row an epoch).
 * variables: the initial ones, changed in place to the last ones. resume: go on from last.safetensors there,
 * to the very bits of a run that was never interrupted; seed, batch_size, shuffle and the data must be the
 * same (an error otherwise), target string and program should be (a warning). A run that is complete already
 * is RT_DONE at once. While it runs SIGINT and SIGTERM end it after the step under way; a second one
 * kills. */
rt_train_result rt_train(netc *n, const rt_program *program, const rt_data *data, const rt_train_spec *spec,
                         const char *directory, bool resume, float *variables, const rt_listener *listener);

/* How many of a class are found against how many of the others are taken for it, from (0, 0) to (1, 1), as
 * the least score that counts falls: a point for each score, or some hundreds where there are more. */
typedef struct {
  uint32_t count;
  const double *false_positive, *true_positive; /* rates */
} rt_roc;

/* One pass over a split: mean loss, accuracy, and every metric asked for. */
typedef struct {
  uint64_t samples;
  double loss, accuracy; /* accuracy: NaN for regression */
  double *auc;           /* per class, one against the rest, NaN when either is empty; NULL: not asked for */
  rt_roc *roc;           /* per class, with auc; of none: count 0 */
  uint64_t *confusion;   /* classes × classes, rows = truth; NULL: not asked for */
  double *top_k;         /* per metric of that name, in order */
  double rmse;             /* NaN: not asked for */
  uint32_t classes;
} rt_evaluation;

bool rt_evaluate(netc *n, const rt_program *program, const rt_data *data, rt_split_name split,
                 const rt_metric *metrics, uint32_t metric_count, uint32_t threads, const float *variables,
                 rt_evaluation *result);

/* Network outputs for rows of inputs: one array per network output, rows × width, in n->arena. */
bool rt_predict(netc *n, const rt_program *program, const rt_split *rows, uint32_t threads,
                const float *variables, float ***outputs);
/* The same in an arena of the caller's. */
bool rt_predict_into(netc *n, net_arena *arena, const rt_program *program, const rt_split *rows,
                     uint32_t threads, const float *variables, float ***outputs);

#endif
