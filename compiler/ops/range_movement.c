/* Ranges of what only moves numbers: of the ends, and of the grids. What pads is 0, on every grid. */
#include "ops/range.h"

void movement_range(const net_ranging *call) {
  uint64_t count = ops_elements(ops_ranged_out(call, 0));
  const double *lo = ops_interpret_bounds(call, OPS_LOW), *hi = ops_interpret_bounds(call, OPS_HIGH);
  const double *grid = ops_interpret_bounds(call, OPS_GRID), *unit = ops_interpret_bounds(call, OPS_UNIT);
  for (uint64_t i = 0; i < count; i++) {
    call->outputs[0][i] = ops_interval(lo[i], hi[i]);
    call->output_grids[0][i] = (int)grid[i];
    call->output_units[0][i] = unit[i];
  }
}
