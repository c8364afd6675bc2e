/* Functions by tables, in integers: sigmoid_table, tanh_table and softmax_table, which the quantise pass puts
 * in place of sigmoid, tanh and softmax where a rule says `table = N`, and what these become on codes.
 *
 * The input stands for x · unit, x a whole number (the code, its zero point taken off). Cut to [low, high],
 * it has the place
 *
 *   (clamp(x, low, high) >> shift) − (low >> shift)
 *
 * in a table of at most N entries, for which `shift` is the least that will do. Where it is 0, nothing is
 * lost.
 *
 * sigmoid and tanh: an entry is the result for the middle of all x with its place, ((x >> shift) + ½) ·
 * 2^shift − ½: the function in double, rounded to binary32, then by the output's format as any number is.
 * [low, high] is what of the input's codes is left when those at both ends are taken off that give the same
 * as the end; where some were, the entry at that end is theirs.
 *
 * softmax: x is the distance of a code from the largest along the axis, low is 0, and high where entries
 * become 0: entry p is round(2^15 · exp(−p · 2^shift · unit)), the half of a place left out, as it would
 * cancel. With e the element's entry, S the sum of all along the axis, and 2^−f the step of the output,
 *
 *   y = min(R(e · 2^f / S), largest code)
 *
 * with R the rounding of the output's format (half to even looks at the quotient and twice the rest). e is at
 * most 2^15, S at most 2^30, and the quotient is found by f + 1 steps of a long division in 32 bits.
 *
 * exp is netc's own in double, of additions, products and divisions alone, so that tables are the same on
 * every machine. */
#ifndef NETC_OPS_TABLE_H
#define NETC_OPS_TABLE_H

#include "ops/code.h"

enum {
  TABLE_ONE = 15,              /* softmax: the entry of 0 is 2^15 */
  TABLE_MOST_EXTENT = 1 << 15, /* … along the axis, so that sums have 30 bits */
  TABLE_MOST_FRACTION = 16,
};

/* How places follow from x. */
typedef struct {
  int64_t low, high;
  int shift;
} table_map;

static inline int64_t table_place(table_map m, int64_t x) {
  x = x < m.low ? m.low : x > m.high ? m.high : x;
  return (x >> m.shift) - (m.low >> m.shift);
}
static inline uint32_t table_places(table_map m) { return (uint32_t)table_place(m, m.high) + 1; }
/* The least shift with which there are at most so many places. */
table_map table_fitted(int64_t low, int64_t high, uint32_t most);
/* What x stands for all that have its place: the middle. */
double table_middle(table_map m, int64_t x);

double table_exp(double x); /* for x ≤ 0 */
double table_sigmoid(double x);
double table_tanh(double x);

/* The code in a number that is a multiple of step: emulated, and as a kernel (i32). */
int64_t table_code(double x, double step);
lp_expr table_code_of(lp_function *f, lp_expr x, double step);
/* The place of x (i32) in kernels. */
lp_expr table_place_of(lp_function *f, table_map m, lp_expr x);

/* The shape function's part: `table` is a constant of that type for a map with one place at least. */
bool table_require(net_graph *graph, net_node_id node, net_type type, table_map m);
bool table_require_step(net_graph *graph, net_node_id node, const char *key); /* positive, finite */
/* Whether all elements of x count that unit. Codes fit i32 by far then: they are those of an input's format.
 */
bool table_counts(const net_lowering *l, double unit);

#endif
