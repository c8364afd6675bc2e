/* Runs of the hand-written step in folders of their own, and how to compare what they leave behind. */
#ifndef NETC_TESTS_HAND_RUN_H
#define NETC_TESTS_HAND_RUN_H

#include "hand_step.h"

#include "runtime/checkpoint.h"

#include <stdio.h>

typedef struct {
  netc n;
  char folder[64];
  rt_program *program;
  rt_data *data;
  rt_train_spec spec;
  float *variables;
  rt_train_result result;
} hand_run;

/* A folder under TMPDIR or /tmp, a program, data and a spec to be changed before hand_train. */
hand_run *hand_run_make(uint32_t rows, uint32_t validation, uint32_t batch, uint32_t epochs);
void hand_run_free(hand_run *run); /* and the folder */
/* Trains from the spec's seed, or goes on; hooks that raise or spoil are off again afterwards. */
rt_outcome hand_train(hand_run *run, bool resume);

const char *hand_path(hand_run *run, const char *name);
bool hand_exists(hand_run *run, const char *name);
bool hand_copy(hand_run *run, const char *from, const char *to);
uint32_t hand_files(hand_run *run); /* how many the folder holds */
/* Do two runs have the same bytes in best and last, the same log but for its times, the same variables? */
bool hand_same(hand_run *a, hand_run *b);
bool hand_same_file(hand_run *a, const char *a_name, hand_run *b, const char *b_name);
/* Did the run say something with this in it? */
bool hand_said(const hand_run *run, net_severity severity, const char *part);

/* A safetensors file of this header and so many zero bytes of data, in n->arena and writable. */
rt_checkpoint *hand_parse(netc *n, const char *header, size_t data);

#endif
