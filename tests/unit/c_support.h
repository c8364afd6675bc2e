/* C printed from loops, built by gcc and run, against the evaluator: every bit must be the same. */
#ifndef NETC_TESTS_C_SUPPORT_H
#define NETC_TESTS_C_SUPPORT_H

#include "codegen/c.h"
#include "kernels/kernels.h"
#include "ops/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

/* Functions of one sample that become one C file, each under its own name. */
typedef struct {
  netc n;
  NET_VEC(cg_entry) entries;
  const char *directory; /* for what is built */
  uint32_t builds;
} c_bench;

void c_begin(c_bench *bench);
void c_end(c_bench *bench); /* no errors, no faults may be left */
void c_expect_silence(netc *n);

/* What the graph computes, scheduled for one lane; constants stand for parameters, statistics and scalars,
 * random ones by the seed. outputs NULL: the graph's. */
const lp_function *c_add_graph(c_bench *bench, net_graph *graph, const net_value_ids *outputs,
                               const char *name, const kn_options *options, uint64_t seed);
void c_add(c_bench *bench, const lp_function *f, const char *name);

/* Numbers for one element of an input. NULL: floats about −2.5 to 2.5, integers of all sizes. */
typedef void c_fill(void *context, net_type type, uint64_t draw, void *to);

/* Prints the C, looks at what it includes and calls, builds it in several ways, runs it on so many rows. */
void c_check(c_bench *bench, uint32_t rows, c_fill *fill, void *context);
uint64_t c_draw(uint64_t *state);
double c_uniform(uint64_t draw, double low, double high);

#endif
