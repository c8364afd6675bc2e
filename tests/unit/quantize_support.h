/* For tests of number formats in networks: rules and profiles said by hand, the passes run and checked. */
#ifndef NETC_TESTS_QUANTIZE_SUPPORT_H
#define NETC_TESTS_QUANTIZE_SUPPORT_H

#include "formats/formats.h"
#include "graph/quantization.h"
#include "tests/unit/passes_support.h"

enum { QUANTISE_MOST = 16 };

typedef struct {
  netc n;
  net_quantize_rule rules[QUANTISE_MOST];
  net_calibrated calibrated[QUANTISE_MOST];
  net_quantization q;
} quantise_test;

void quantise_begin(quantise_test *t);
/* "weight = integer(8, 4)" for an operator, for nodes ("\"linear_1\"", in quotes), or for default */
void quantise_rule(quantise_test *t, const char *what, net_tensor_role role, const char *format);
void quantise_calibrated(quantise_test *t, const char *node, net_tensor_role role, uint32_t input,
                         uint32_t count, const float *steps, const int32_t *zeros);

/* Runs a pass, verified; the graph it is given must stay as it is, the new one must read back. NULL:
 * reported. */
net_graph *quantise_run(quantise_test *t, net_pass_id pass, const net_graph *graph,
                        const net_objective *objective);
/* The quantise pass; fails the test where it fails. */
net_graph *quantise_graph(quantise_test *t, const net_graph *graph);

net_node_id quantise_node(quantise_test *t, const net_graph *g,
                          const char *name); /* fails if there is none */
/* The name of the value that a node takes, "_" for none; the format of a value. */
const char *quantise_taken(quantise_test *t, const net_graph *g, const char *node, uint32_t input);
const char *quantise_format(quantise_test *t, const net_graph *g, const char *value);

#endif
