/* What operators' rules for lower_integer are written with. */
#ifndef NETC_OPS_LOWER_H
#define NETC_OPS_LOWER_H

#include "ops/code.h"

static inline const net_value *lower_input(const net_lowering *l, uint32_t index) {
  return ops_input(l->from, l->node, index);
}
static inline const net_value *lower_output(const net_lowering *l) { return ops_output(l->from, l->node, 0); }

/* ---- what is known ---- */

/* Elements of an input that is a constant; NULL: it is none. */
const double *lower_numbers(const net_lowering *l, uint32_t input);
/* An input that is a constant, or one behind a quantiser: its integers, zero points taken off, and their
 * units. False: it is neither, or lies on no grid. */
bool lower_integers(const net_lowering *l, uint32_t input, int64_t **q, double **units);
/* The largest unit, a power of two, of which numbers are whole multiples; 0: all are 0. False: not all are
 * finite. */
bool lower_unit(const double *numbers, uint64_t count, double *unit);
/* How large an input's element, zero point taken off, can be. */
double lower_most(const net_lowering *l, uint32_t input, uint64_t at);

/* The smallest type that holds both: without a sign in 8 bits, with one in 16, where there is a choice, as
 * dot products take them. */
net_type lower_type(double low, double high);
int lower_bits(double most); /* of a signed integer that holds ±most */
/* 32 or 64, for the first result in such units; 0: too many. most: how large each element can be, of
 * integers; it is what counts where units are no powers of two. Notes it for the result. */
int64_t lower_sum_bits(net_lowering *l, const double *units, const double *most);

/* ---- what is made ---- */

/* Adds a constant NODE.SUFFIX: of one element if all are the same and `spread` says that it may be. */
net_value_id lower_constant(const net_lowering *l, const char *suffix, net_type type, net_shape shape,
                            const int64_t *q, bool spread);
/* Adds a node named as the one that is lowered, where that is, and makes its result the codes, with zero
 * point 0. */
bool lower_call(net_lowering *l, const char *op, const net_value_id *inputs, uint32_t input_count,
                const net_attribute *attributes, uint32_t attribute_count, const double *units);

#endif
