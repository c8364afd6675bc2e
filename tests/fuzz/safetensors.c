/* Fuzzing the reader of checkpoints: any bytes give a checkpoint or one error, and all that can be asked of a
 * checkpoint can be asked of whatever was accepted. */
#include "runtime/checkpoint.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(netc *n, const rt_checkpoint *c) {
  uint32_t count;
  rt_position position;
  net_tensor t;
  rt_variable variables[4];
  rt_program program = {.network = "fuzzed", .variables = variables};
  for (uint32_t i = 0; i < rt_checkpoint_tensors(c); i++) {
    const char *name = rt_checkpoint_tensor(c, i, &t);
    volatile unsigned char sum = 0;
    for (size_t k = 0; k < net_tensor_bytes(&t); k++) sum ^= ((const unsigned char *)t.data)[k];
    rt_checkpoint_is_extra(c, i);
    if (i >= 4) continue;
    variables[program.variable_count++] =
        (rt_variable){.name = name, .shape = t.shape, .offset = program.variable_floats};
    program.variable_floats += net_shape_elements(&t.shape);
  }
  const rt_calibrated *calibrated;
  rt_checkpoint_position(n, c, &position);
  rt_checkpoint_calibration(n, c, &calibrated, &count);
  rt_checkpoint_classes(n, c, &count);
  rt_checkpoint_normalization(n, c, &count);
  float *values = NET_NEW_ARRAY(&n->arena, float, program.variable_floats);
  for (rt_match m = RT_MATCH_NETC; m <= RT_MATCH_ORDER; m++)
    rt_checkpoint_load(n, c, &program, m, values, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  netc n;
  netc_init(&n, NULL);
  uint8_t *bytes = malloc(size ? size : 1); /* of the very size, so that the sanitizer sees the end */
  if (size) memcpy(bytes, data, size);
  rt_checkpoint *c = rt_checkpoint_parse(&n, "fuzzed", bytes, size);
  if (!c && n.diagnostics.list.count != 1) abort();
  if (c) use(&n, c);
  free(bytes);
  netc_free(&n);
  return 0;
}
