/* Intervals, for the range functions of operators. */
#ifndef NETC_OPS_RANGE_H
#define NETC_OPS_RANGE_H

#include "formats/formats.h"
#include "ops/common.h"

#include <math.h>

#define OPS_ANYTHING ((net_range){-INFINITY, INFINITY})

static inline net_range ops_interval(double lo, double hi) {
  return isnan(lo) || isnan(hi) ? OPS_ANYTHING : (net_range){lo, hi};
}
static inline net_range ops_hull(net_range a, net_range b) {
  return (net_range){fmin(a.lo, b.lo), fmax(a.hi, b.hi)};
}
static inline double ops_most(net_range a) { return fmax(fabs(a.lo), fabs(a.hi)); }
static inline net_range ops_plus(net_range a, net_range b) { return ops_interval(a.lo + b.lo, a.hi + b.hi); }
static inline net_range ops_minus(net_range a, net_range b) { return ops_interval(a.lo - b.hi, a.hi - b.lo); }
net_range ops_times(net_range a, net_range b); /* 0 times what is not known is 0: it is finite */

/* Grids: of sums and of products. */
static inline int ops_grid_sum(int a, int b) { return a < b ? a : b; } /* NET_NO_GRID is the lowest */
static inline int ops_grid_product(int a, int b) {
  return a == NET_NO_GRID || b == NET_NO_GRID ? NET_NO_GRID : a + b;
}

/* Of a format's values, without calibration. */
int ops_format_grid(const net_format_spec *spec);

static inline const net_value *ops_ranged_in(const net_ranging *call, uint32_t index) {
  return ops_input(call->graph, call->node, index);
}
static inline const net_value *ops_ranged_out(const net_ranging *call, uint32_t index) {
  return ops_output(call->graph, call->node, index);
}

/* Runs the operator's interpreter on numbers made of each input's intervals: for operators that ascend with
 * all of their inputs. The result is in the call's arena. */
typedef enum { OPS_LOW, OPS_HIGH, OPS_MOST, OPS_GRID, OPS_UNIT } ops_bound;
double *ops_interpret_bounds(const net_ranging *call, ops_bound bound);

#endif
