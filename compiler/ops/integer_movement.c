/* What moves numbers, or leaves them as they are, in integers. */
#include "ops/integer.h"

void copy_integers(net_integer_call *call) {
  ops_integers_in x = ops_integer_input(call, 0);
  ops_integers_out y = ops_integer_output(call);
  memcpy(y.unit, x.unit, x.each * sizeof *x.unit);
  memcpy(y.q, x.q, x.each * x.rows * sizeof *x.q);
}

void concat_integers(net_integer_call *call) {
  const net_graph *g = call->graph;
  ops_integers_out y = ops_integer_output(call);
  int64_t axis = net_node_int(g, call->node, "axis");
  if (axis < 0) axis += y.value->shape.rank;
  uint64_t inner = 1, begin = 0, all = y.value->shape.dim[axis];
  for (uint32_t k = (uint32_t)axis + 1; k < y.value->shape.rank; k++) inner *= y.value->shape.dim[k];
  for (uint32_t i = 0; i < g->nodes.at[call->node].input_count; i++) {
    ops_integers_in x = ops_integer_input(call, i);
    uint64_t extent = x.value->shape.dim[axis];
    for (uint64_t at = 0; at < x.each; at++) {
      uint64_t outer = at / (extent * inner), k = at / inner % extent;
      uint64_t to = (outer * all + begin + k) * inner + at % inner;
      y.unit[to] = x.unit[at];
      for (uint64_t row = 0; row < y.rows; row++)
        y.q[row * y.each + to] = x.q[(x.rows > 1 ? row * x.each : 0) + at];
    }
    begin += extent;
  }
}
