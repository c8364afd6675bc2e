/* Random numbers: Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3; SC 2011).
 *
 * A stream is a pure function of (seed, purpose, counter), so nothing needs to be saved to go on with a run,
 * and draws for different purposes never meet. All draws are the same bits on every machine: integers, IEEE
 * basic operations and square roots, polynomials of our own; no libm. */
#ifndef NETC_RUNTIME_RANDOM_H
#define NETC_RUNTIME_RANDOM_H

#include <stdint.h>

/* What a stream is for. The numbers are part of what a seed means: never change one. */
typedef enum {
  RT_RANDOM_WEIGHTS = 1,   /* counter: hash of the variable's name */
  RT_RANDOM_EPOCH = 2,     /* counter: epoch whose samples are shuffled */
  RT_RANDOM_SPLIT = 3,     /* rows before they are split */
  RT_RANDOM_SYNTHETIC = 4, /* counter: which column, which row (source_synthetic.c) */
  RT_RANDOM_DROPOUT = 5,   /* rt_random_key only: compiled code makes its own counters */
  RT_RANDOM_BENCH = 6,     /* random data for timings and checks */
  RT_RANDOM_SWEEP = 7,     /* counter: hash of the setting that is drawn */
  RT_RANDOM_SEARCH = 8,    /* counter: trial whose parameters are drawn */
} rt_purpose;

enum { RT_RANDOM_WORDS = 64 }; /* drawn at a time */

typedef struct {
  uint32_t key[2], counter[4];
  uint32_t words[RT_RANDOM_WORDS], next; /* words[next …] are still unused */
  double spare;                          /* second half of a pair of normal draws */
  uint32_t has_spare;
} rt_random;

/* A stream holds 2^34 words. */
void rt_random_start(rt_random *r, uint64_t seed, rt_purpose purpose, uint64_t counter);
void rt_random_refill(rt_random *r);

static inline uint32_t rt_random_u32(rt_random *r) {
  if (r->next == RT_RANDOM_WORDS) rt_random_refill(r);
  return r->words[r->next++];
}

double rt_random_double(rt_random *r);              /* uniform in [0, 1), 53 bits of two words */
float rt_random_float(rt_random *r);                /* uniform in [0, 1), 24 bits of a word */
double rt_random_normal(rt_random *r);              /* N(0, 1), Box and Muller's pairs */
uint32_t rt_random_below(rt_random *r, uint32_t n); /* uniform in [0, n), unbiased; n > 0 */
void rt_random_shuffle(rt_random *r, uint32_t *index, uint32_t count); /* Fisher and Yates, from the end */

/* One block, for code that makes its own counters (dropout in compiled code and in the interpreter). */
void rt_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
/* A key of its own for such code, so that its counters cannot meet those of the streams above. */
void rt_random_key(uint64_t seed, rt_purpose purpose, uint32_t key[2]);

#endif
