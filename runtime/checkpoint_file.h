/* An opened checkpoint, as the files that read it see it. */
#ifndef NETC_RUNTIME_CHECKPOINT_FILE_H
#define NETC_RUNTIME_CHECKPOINT_FILE_H

#include "runtime/checkpoint.h"
#include "runtime/safetensors.h"

#define RT_NORMALIZATION "normalization/" /* names of such tensors begin so */

struct rt_checkpoint {
  const char *path;
  rt_safetensors file;
  bool netc;
  const char **state; /* names of the optimiser's tensors */
  uint32_t state_count;
  const char **calibrated; /* names of calibrated tensors … */
  const char **formats;    /* … and their formats */
  uint32_t calibrated_count;
};

/* Is it a step or a zero point that calibration found? */
bool rt_checkpoint_is_calibration(const rt_checkpoint *checkpoint, const char *name);

/* The tensor of a name, or NULL. */
const net_tensor *rt_checkpoint_find(const rt_checkpoint *checkpoint, const char *name);
/* A metadata value that is JSON: reports and gives NULL when it is not there or not what it should be. */
json_t *rt_checkpoint_json(netc *n, const rt_checkpoint *checkpoint, const char *key);
/* What a run must share with the one that it goes on with. */
typedef struct {
  uint32_t batch_size, rows;
  bool shuffle;
} rt_run_shape;
bool rt_checkpoint_run(netc *n, const rt_checkpoint *checkpoint, rt_position *position, rt_run_shape *shape);

#endif
