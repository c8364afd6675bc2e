/* Operators in integers. */
#ifndef NETC_INTERPRET_INTEGER_OPS_H
#define NETC_INTERPRET_INTEGER_OPS_H

#include "interpret/integer.h"

typedef struct {
  net_integers *run;
  net_node_id node;
  bool too_wide; /* out: some result has more than 63 bits */
} net_integer_call;

typedef struct {
  const char *op;
  void (*run)(net_integer_call *call);
} net_integer_rule;

const net_integer_rule *net_integer_rule_of(const char *op); /* NULL: none */

/* Makes room for a node's result, fractions included, and gives where they go. */
int64_t *net_integers_room(net_integers *run, net_value_id value, int **fractions);
void net_integers_quantize(net_integers *run, const net_format_spec *spec, const net_format_tensor *x,
                           uint64_t samples, int64_t *values, int *fractions);

#endif
