/* What the tests of statistics share. */
#ifndef NETC_TESTS_STATISTICS_SUPPORT_H
#define NETC_TESTS_STATISTICS_SUPPORT_H

#include "runtime/statistics.h"
#include "support/file.h"
#include "support/netc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* Statistics of rows that come in pieces of so many. */
static inline rt_statistics *measure_pieces(net_arena *arena, const rt_statistics_spec *spec,
                                            const float *rows, uint64_t count, uint64_t piece) {
  rt_statistics *s = rt_statistics_make(arena, spec);
  do {
    for (uint64_t r = 0; r < count; r += piece)
      rt_statistics_add(s, rows + r * spec->layout.width, piece < count - r ? piece : count - r);
  } while (rt_statistics_again(s));
  return s;
}

/* The next word of a line, or NULL at its end. */
static inline char *next_word(char **at) {
  *at += strspn(*at, " ");
  char *word = *at;
  *at += strcspn(*at, " \n");
  if (*at > word && **at == ' ') *(*at)++ = 0;
  else if (*at > word && **at == '\n') **at = 0;
  return *word && *word != '\n' ? word : NULL;
}

static inline float read_bits(const char *word) {
  uint32_t bits = (uint32_t)strtoul(word, NULL, 16);
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

#endif
