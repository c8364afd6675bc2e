/* Layers and networks as MASE ran them (tests/formats): a row as a quantised graph, its sources and
 * results. */
#ifndef NETC_TESTS_GOLDEN_H
#define NETC_TESTS_GOLDEN_H

#include "tests/unit/jit_support.h"

/* Elements of a value: of a source, or what MASE gives for a result. */
typedef struct {
  net_value_id value;
  const char *what;      /* "y", "gx": for messages */
  const float *elements; /* NULL: MASE failed here */
  uint64_t count;
  bool exact; /* bit for bit; else as far as summing in another order may take it */
  uint32_t layers; /* that do so, one behind the other */
} golden_tensor;

typedef struct {
  const char *name; /* "linear_integer 16" */
  net_graph *graph;
  uint32_t batch;
  NET_VEC(golden_tensor) given, wanted;
} golden_case;

/* The rows of a file, one case each. A row that cannot be read fails the test. */
typedef NET_VEC(golden_case) golden_cases;
void golden_read(netc *n, const char *path, golden_cases *cases);

#endif
