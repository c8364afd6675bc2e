/* Quantisers compiled for every target against the reference, bit for bit. */
#ifndef NETC_TESTS_JIT_QUANTIZERS_H
#define NETC_TESTS_JIT_QUANTIZERS_H

#include "formats/formats.h"
#include "tests/unit/jit_support.h"

/* One quantiser on a tensor of its own. Values: all samples' of a batch. */
typedef struct {
  const char *format, *shape; /* "5x16": of a sample, if batched; "" */
  bool batched, training;     /* training: stochastic formats draw */
  uint32_t steps;             /* 0: none */
  const float *step, *zero;   /* zero NULL: none */
} jit_quantizer;

typedef struct {
  const jit_quantizer *list;
  uint32_t count;
  uint32_t batch, samples; /* fewer samples than the batch: a masked function */
  uint32_t calls;
  bool fused, single; /* single: as kn_options has it, of a batch of 1 */
  /* Numbers for the tensor of one quantiser in one call. */
  void (*fill)(void *context, uint32_t quantizer, uint32_t call, float *values, uint64_t count);
  void *context;
  void (*prepare)(netc *n); /* defines codebooks; or NULL */
} jit_quantizers;

/* Fails at the first difference; gives the number of elements compared. */
uint64_t jit_quantizers_run(const jit_quantizers *q);
/* SplitMix64 */
uint64_t jit_bits(uint64_t *state);

#endif
