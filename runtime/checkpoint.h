/* Checkpoints: safetensors files that carry weights and all it takes to go on bit for bit.
 *
 * Tensors are named as variables are (NODE.PARAMETER, NODE.PARAMETER.exp_avg); the normalisation of input i,
 * step k is normalization/i/k/offset and …/factor (no node has a slash in its name). Metadata, all strings:
 *   netc_format, netc_version   RT_CHECKPOINT_VERSION; version of netc
 *   network, target             its name; target string of the code that made the numbers
 *   program, program_name       .net text with imports flattened; the file's name
 *   program_hash                FNV-1a, 64 bits, of program: tells versions apart, protects from nobody
 *   settings                    --set and options, a line each
 *   seed, random                decimal; "philox4x32-10", whose whole state is the seed and the steps done
 *   run                         JSON object: rt_position, batch_size, rows, shuffle
 *   normalization               JSON list, per input {"width", "steps": ["standard", …]}
 *   classes, state              JSON lists of strings: names of classes; tensors that belong to the optimiser
 *   quantize, calibration       of quantised networks: the block's name; JSON list, per tensor that was
 *                               calibrated {"tensor", "format"}, whose steps and zero points are TENSOR.step,
 *                               TENSOR.zero
 * There are no times in it: equal runs make equal files. */
#ifndef NETC_RUNTIME_CHECKPOINT_H
#define NETC_RUNTIME_CHECKPOINT_H

#include "runtime/data.h"
#include "runtime/step.h"
#include "runtime/train.h"

enum { RT_CHECKPOINT_VERSION = 1 }; /* netc_format in the file's metadata; others are refused */

/* Where a run stands: with the variables, all that going on needs. */
typedef struct {
  uint32_t epoch;      /* epochs done, validated and logged */
  uint32_t step;       /* steps done of the epoch under way; maybe all, when validation is still to come */
  uint32_t steps;      /* since the start of the run */
  double loss, weight; /* sums over the epoch's steps: loss · weight, weight */
  uint64_t correct;
  uint32_t best_epoch; /* 0: none yet */
  double best_loss;    /* infinite: none yet */
} rt_position;

/* An opened file: tensors by name, metadata by key; in n->arena. */
typedef struct rt_checkpoint rt_checkpoint;

/* Any safetensors file. Reports and returns NULL when it is not one, or of an unknown netc_format. */
rt_checkpoint *rt_checkpoint_open(netc *n, const char *path);
/* The same of a file's bytes, which must outlive it; path is for messages. */
rt_checkpoint *rt_checkpoint_parse(netc *n, const char *path, const void *bytes, uint64_t length);
const char *rt_checkpoint_path(const rt_checkpoint *checkpoint); /* for messages */
bool rt_checkpoint_is_netc(const rt_checkpoint *checkpoint);
const char *rt_checkpoint_metadata(const rt_checkpoint *checkpoint, const char *key); /* NULL: not there */
const char *rt_checkpoint_program(const rt_checkpoint *checkpoint); /* flattened .net text, or NULL */
/* One per input, as rt_data_load takes it. NULL: not a netc checkpoint's, or reported as broken. */
const rt_fitted *rt_checkpoint_normalization(netc *n, const rt_checkpoint *checkpoint, uint32_t *count);
/* What a quantised network was calibrated to. False: broken, reported. *count may be 0. */
bool rt_checkpoint_calibration(netc *n, const rt_checkpoint *checkpoint, const rt_calibrated **calibrated,
                               uint32_t *count);
/* NULL: there are none */
const char **rt_checkpoint_classes(netc *n, const rt_checkpoint *checkpoint, uint32_t *count);
bool rt_checkpoint_position(netc *n, const rt_checkpoint *checkpoint, rt_position *position); /* reports */
uint32_t rt_checkpoint_tensors(const rt_checkpoint *checkpoint);
/* Name and bytes, in the order of the file. F16 and BF16 are shown widened to F32, which is exact. */
const char *rt_checkpoint_tensor(const rt_checkpoint *checkpoint, uint32_t index, net_tensor *view);
/* Is it the optimiser's, of a normalisation or a calibration: neither parameter nor statistic? */
bool rt_checkpoint_is_extra(const rt_checkpoint *checkpoint, uint32_t index);

/* NODE.TENSOR_step: a step that a quantiser learns. It may lack on either side of a load: it then stays as it
 * is, or is not used. */
bool rt_is_learned_step(const char *variable);

typedef enum { RT_MATCH_NETC, RT_MATCH_NAME, RT_MATCH_ORDER } rt_match;
/* Parameters and statistics into variables; optimiser state and normalisation are passed over.
 *   netc:  a netc checkpoint of the same network: equal names
 *   name:  equal names; a prefix that all names of a side share may be dropped
 *   order: the same sequence of shapes, modules in the file's order or in natural order of their names
 *          (0, 2, 10), within a module weight, bias, running_mean, running_var
 * F64 is rounded to F32. Leftovers on either side are errors, but for learned steps and for PyTorch's
 * num_batches_tracked. Nothing is written unless all fits. talk: the mapping, a line each, or NULL. */
bool rt_checkpoint_load(netc *n, const rt_checkpoint *checkpoint, const rt_program *program, rt_match match,
                        float *variables, FILE *talk);

/* What to write: weights and statistics, with `state` the optimiser's too. */
typedef struct {
  const rt_program *program;
  const rt_train_spec *spec;
  const rt_position *position;
  const float *variables;
  const rt_fitted *normalization; /* one per input */
  uint32_t input_count, rows;     /* rows of the train split */
  const char **classes;
  uint32_t class_count;
  bool state;
} rt_snapshot;

/* Whole or not at all; sync: on the disk before it takes the old one's place. */
bool rt_checkpoint_save(netc *n, const char *path, const rt_snapshot *snapshot, bool sync);

#endif
