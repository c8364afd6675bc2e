/* Ranges of add, sub, mul and dropout. */
#include "ops/integer.h"
#include "ops/range.h"

static uint64_t place(const net_ranging *call, uint32_t input, uint64_t at) {
  return ops_project(&ops_ranged_out(call, 0)->shape, &ops_ranged_in(call, input)->shape, at);
}

/* A value with itself is not two that vary apart. */
static net_range with_itself(net_range x, const char *op) {
  if (!strcmp(op, "add")) return (net_range){2 * x.lo, 2 * x.hi};
  if (!strcmp(op, "sub")) return isinf(x.lo) || isinf(x.hi) ? OPS_ANYTHING : (net_range){0, 0};
  double least = x.lo > 0 ? x.lo : x.hi < 0 ? x.hi : 0, most = ops_most(x);
  return (net_range){least * least, most * most};
}

void binary_range(const net_ranging *call) {
  const char *op = net_node_op(call->graph, call->node)->name;
  bool product = !strcmp(op, "mul");
  bool same = net_node_input(call->graph, call->node, 0) == net_node_input(call->graph, call->node, 1);
  uint64_t count = ops_elements(ops_ranged_out(call, 0));
  const double *steps =
      ops_reader_units(call->arena, call->graph, net_node_output(call->graph, call->node, 0));
  for (uint64_t i = 0; i < count; i++) {
    uint64_t at = place(call, 0, i), bt = place(call, 1, i);
    double ua = call->units[0][at], ub = call->units[1][bt];
    net_multipliers by;
    call->output_units[0][i] = product ? ua * ub : ops_unit_of_sum(ua, ub, steps[i], &by);
    net_range a = call->inputs[0][at], b = call->inputs[1][bt], *y = &call->outputs[0][i];
    int ga = call->grids[0][at], gb = call->grids[1][bt];
    if (same) *y = with_itself(a, op);
    else *y = product ? ops_times(a, b) : !strcmp(op, "add") ? ops_plus(a, b) : ops_minus(a, b);
    call->output_grids[0][i] = product ? ops_grid_product(ga, gb) : ops_grid_sum(ga, gb);
  }
}

void dropout_range(const net_ranging *call) {
  double p = net_node_real(call->graph, call->node, "p"), scale = p < 1 ? 1 / (1 - p) : 0;
  bool training = net_node_bool(call->graph, call->node, "training");
  uint64_t count = ops_elements(ops_ranged_out(call, 0));
  for (uint64_t i = 0; i < count; i++) {
    net_range x = call->inputs[0][i], kept = ops_times(x, (net_range){scale, scale});
    call->outputs[0][i] = training ? ops_hull(kept, (net_range){0, 0}) : x;
    if (!training) call->output_grids[0][i] = call->grids[0][i], call->output_units[0][i] = call->units[0][i];
  }
}
