/* Fuzzing the reader of tables: all columns as numbers, one as labels, and a whole data block. */
#include "source.h"

static void load(const uint8_t *data, size_t size) {
  netc n;
  int fd;
  netc_init(&n, NULL);
  const char *inputs[] = {"a", "b", "a"}, *targets[] = {"labels"}, *weights[] = {"w"};
  rt_column_spec input = {.names = inputs, .name_count = 3, .shape = {1, {3}}};
  rt_column_spec weight = {.names = weights, .name_count = 1};
  rt_target_spec target = {.column = {.names = targets, .name_count = 1}, .classes = 3};
  rt_normalize_step step = {.kind = RT_STANDARD};
  rt_normalize_chain chain = {.steps = &step, .step_count = 1};
  rt_data_spec spec = {.name = "d",
                       .source = {.kind = "csv", .path = fuzz_file(&n, data, size, &fd)},
                       .fraction = {0.5, 0.25, 0.25},
                       .shuffle = size & 1,
                       .inputs = &input,
                       .input_count = 1,
                       .targets = &target,
                       .target_count = 1,
                       .weight = size & 2 ? &weight : NULL,
                       .normalize = &chain,
                       .normalize_count = 1};
  rt_data *loaded = rt_data_load(&n, &spec, 1 << RT_TRAIN | 1 << RT_TEST, NULL);
  fuzz_check(&n, loaded);
  rt_data_free(loaded);
  close(fd);
  netc_free(&n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_source("csv", NULL, RT_ROLE_INPUT, data, size);
  fuzz_source("csv", "labels", RT_ROLE_CLASS, data, size);
  load(data, size);
  return 0;
}
