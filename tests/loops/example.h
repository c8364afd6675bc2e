/* Functions built by hand, for the tests of loop IR. */
#ifndef NETC_TESTS_LOOPS_EXAMPLE_H
#define NETC_TESTS_LOOPS_EXAMPLE_H

#include "loops/evaluate.h"
#include "loops/print.h"

enum { EXAMPLE_IN = 8, EXAMPLE_OUT = 6 };

/* A linear layer with relu, its weight gradient and an update, on samples that come from rows of data by the
 * index and leave as rows: as statements (form 1) and as nests that say the same (form 2). */
typedef struct {
  lp_function *f;
  lp_buffer column, index, x, w, bias, y, dw, rate, output;
} example;

example example_new(netc *n, uint32_t batch, uint32_t tile, uint32_t lanes, bool masked);
void example_statements(example *e);
void example_nests(example *e);

char *example_text(netc *n, const lp_function *f, void (*print)(FILE *, const lp_function *));
char *example_expr(lp_function *f, lp_expr e); /* in the arena */
/* Faults reported since the last call; their messages, one a line. */
const char *example_faults(netc *n);

#endif
