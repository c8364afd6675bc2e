/* Fuzzing the reader of .npy files. */
#include "source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_source("npy", NULL, RT_ROLE_INPUT, data, size);
  return 0;
}
