#include "tests/unit/integer_support.h"

#include <math.h>

net_run integer_filled(netc *n, const net_graph *g, uint64_t seed, uint32_t count, double scale) {
  static const double ends[] = {0, 1e9, -1e9, INFINITY, -INFINITY, NAN, 127.99, -128};
  support_random random = {seed};
  net_run run = net_run_begin(n, g, &n->arena, count);
  support_fill(&run, &random, 2);
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = net_graph_value_at(g, v);
    if (value->kind == NET_VALUE_CONSTANT || value->kind == NET_VALUE_RESULT) continue;
    uint64_t each = net_shape_elements(&value->shape);
    for (uint64_t i = 0; i < net_run_elements(&run, v); i++) {
      double x = run.values[v][i];
      if (value->kind == NET_VALUE_INPUT) {
        x = 3 * (x + support_uniform(&random) + support_uniform(&random));
        if (i / each < 8) x = ends[i / each];
        else if (i / each < 64) x = ends[1 + support_below(&random, 2)]; /* corners */
      } else if (!strstr(net_text(n, value->name), "running_var")) {
        x *= scale;
      }
      run.values[v][i] = (float)x;
    }
  }
  return run;
}

float *integer_floats(const net_run *run, net_value_id v) {
  float *copy = net_arena_alloc(run->arena, net_run_elements(run, v) * sizeof(float) + 64, 64);
  for (uint64_t i = 0; i < net_run_elements(run, v); i++) copy[i] = (float)run->values[v][i];
  return copy;
}

net_integers integer_begin(const net_run *run) {
  const net_graph *g = run->graph;
  net_integers integers = net_integers_begin(g->n, g, run->arena, run->count);
  for (net_value_id v = 0; v < g->values.count; v++)
    if (g->values.at[v].kind != NET_VALUE_RESULT && g->values.at[v].kind != NET_VALUE_CONSTANT)
      net_integers_set(&integers, v, integer_floats(run, v));
  return integers;
}
