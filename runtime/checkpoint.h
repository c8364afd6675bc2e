/* Checkpoints: safetensors files that carry weights and all it takes to go on bit for bit. */
#ifndef NETC_RUNTIME_CHECKPOINT_H
#define NETC_RUNTIME_CHECKPOINT_H

#include "runtime/data.h"
#include "runtime/step.h"

enum { RT_CHECKPOINT_VERSION = 1 }; /* netc_format in the file's metadata; others are refused */

typedef struct rt_checkpoint rt_checkpoint; /* an opened file: tensors by name, metadata by key */

/* Any safetensors file. Reports and returns NULL when it is not one, or of an unknown netc_format. */
rt_checkpoint *rt_checkpoint_open(netc *n, const char *path);
bool rt_checkpoint_is_netc(const rt_checkpoint *checkpoint);
const char *rt_checkpoint_metadata(const rt_checkpoint *checkpoint, const char *key); /* NULL: not there */
const char *rt_checkpoint_program(const rt_checkpoint *checkpoint); /* flattened .net text, or NULL */
const rt_fitted *rt_checkpoint_normalization(netc *n, const rt_checkpoint *checkpoint, uint32_t *count);
uint32_t rt_checkpoint_tensors(const rt_checkpoint *checkpoint);
const char *rt_checkpoint_tensor(const rt_checkpoint *checkpoint, uint32_t index, net_tensor *view);

typedef enum { RT_MATCH_NETC, RT_MATCH_NAME, RT_MATCH_ORDER } rt_match;
/* Parameters and statistics into variables. name: equal names (a common prefix on either side is dropped);
 * order: same sequence of shapes. Leftovers on either side are errors. talk: the mapping, a line each, or NULL. */
bool rt_checkpoint_load(netc *n, const rt_checkpoint *checkpoint, const rt_program *program, rt_match match,
                        float *variables, FILE *talk);

#endif
