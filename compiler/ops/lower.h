/* What operators' rules for lower_integer are written with. */
#ifndef NETC_OPS_LOWER_H
#define NETC_OPS_LOWER_H

#include "ops/code.h"

static inline const net_value *lower_input(const net_lowering *l, uint32_t index) {
  return ops_input(l->from, l->node, index);
}
static inline const net_value *lower_output(const net_lowering *l) { return ops_output(l->from, l->node, 0); }

/* Elements of an input that is a constant; NULL: it is none. */
const double *lower_numbers(const net_lowering *l, uint32_t input);
/* The least fraction with which numbers are whole: of 0 it is INT32_MIN; false: they are not finite. */
bool lower_fraction(const double *numbers, uint64_t count, int *fraction);
/* The smallest type that holds both: without a sign in 8 bits, with one in 16, where there is a choice, as dot products
 * take them. */
net_type lower_type(double low, double high);
/* Bits of a signed integer that holds numbers of such intervals with these fractions. */
int lower_bits(const net_range *range, const int *fractions, uint64_t count);
/* 32 or 64, for the first result with these fractions; 0: too many. */
int64_t lower_sum_bits(const net_lowering *l, const int *fractions);

/* Adds a constant NODE.SUFFIX: of one element if all are the same and `spread` says that it may be. */
net_value_id lower_constant(const net_lowering *l, const char *suffix, net_type type, net_shape shape, const int64_t *q,
                            bool spread);
/* Adds a node named as the one that is lowered, where that is, and makes its result the codes. */
bool lower_call(net_lowering *l, const char *op, const net_value_id *inputs, uint32_t input_count,
                const net_attribute *attributes, uint32_t attribute_count, const int *fractions);

#endif
