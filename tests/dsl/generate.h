/* Random programs: trees that the language can say, and layouts and damages of their texts. */
#ifndef NETC_TESTS_DSL_GENERATE_H
#define NETC_TESTS_DSL_GENERATE_H

#include "dsl/ast.h"

typedef struct {
  netc *n;
  uint64_t state; /* the seed, at first */
} generator;

/* from 0 to bound - 1 */
uint32_t pick(generator *g, uint32_t bound);

/* A tree that a right text could give, with layout flags set at random and without comments or places. */
net_file *generate_file(generator *g);

/* The same program with other line ends, blank lines and comments (`# 1`, `# 2`, … up to *comments), wherever
 * they mean nothing. In the arena. */
const char *scatter(generator *g, const char *text, uint32_t *comments);

/* The text with a few bytes or tokens lost, doubled, swapped or made up. In the arena. */
const char *damage(generator *g, const char *text, size_t *length);

#endif
