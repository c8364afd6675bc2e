#include "passes/ranges.h"

#include "graph/operator.h"

#include <float.h>
#include <math.h>

static const net_range anything = {-INFINITY, INFINITY};

static uint64_t elements_of(const net_value *value) { return net_shape_elements(&value->shape); }

/* ---- what nodes start from ---- */

/* The coarsest binary grid that a number lies on; 0 lies on all. */
static int grid_of(double x) {
  int exponent;
  if (!isfinite(x) || x == 0) return NET_NO_GRID;
  int64_t m = (int64_t)ldexp(frexp(x, &exponent), DBL_MANT_DIG);
  return exponent - DBL_MANT_DIG + __builtin_ctzll((unsigned long long)m);
}

/* Of a constant's elements; zeros are as the coarsest of the others. */
static void find_grids(const net_value *value, int *grids) {
  int coarsest = NET_NO_GRID;
  uint64_t count = elements_of(value);
  for (uint64_t i = 0; i < count; i++) {
    grids[i] = grid_of(net_type_element(value->type, value->data, i));
    if (grids[i] > coarsest) coarsest = grids[i];
  }
  for (uint64_t i = 0; i < count; i++)
    if (net_type_element(value->type, value->data, i) == 0) grids[i] = coarsest == NET_NO_GRID ? 0 : coarsest;
}

static void start(net_ranges *r, net_value_id id, const float *data) {
  const net_value *value = net_graph_value_at(r->graph, id);
  bool declared = value->kind == NET_VALUE_INPUT && value->range.lo <= value->range.hi;
  uint64_t count = elements_of(value);
  const void *known = value->kind == NET_VALUE_CONSTANT ? value->data : data;
  net_type type = value->kind == NET_VALUE_CONSTANT ? value->type : NET_F32;
  r->elements[id] = NET_NEW_ARRAY(r->arena, net_range, count);
  r->grids[id] = NET_NEW_ARRAY(r->arena, int, count);
  r->terms[id] = NET_NEW_ARRAY(r->arena, double, count);
  r->units[id] = NET_NEW_ARRAY(r->arena, double, count);
  for (uint64_t i = 0; i < count; i++) {
    r->elements[id][i] = declared ? value->range : anything;
    double x = known ? net_type_element(type, known, i) : NAN;
    if (!isnan(x)) r->elements[id][i] = (net_range){x, x};
    r->grids[id][i] = NET_NO_GRID;
  }
  if (value->kind != NET_VALUE_CONSTANT) return;
  find_grids(value, r->grids[id]);
  for (uint64_t i = 0; i < count; i++) r->units[id][i] = ldexp(1, r->grids[id][i]);
}

/* ---- what rounding adds ---- */

/* Whether an element is a multiple of 2^grid that its type holds as it is, however it is summed. */
static bool is_exact(net_range x, double terms, int grid, net_type type) {
  if (type != NET_F32 && type != NET_F64) return grid != NET_NO_GRID; /* integers */
  double most = fmax(fmax(fabs(x.lo), fabs(x.hi)), terms);
  return grid != NET_NO_GRID && most <= ldexp(1, grid + (type == NET_F64 ? DBL_MANT_DIG : FLT_MANT_DIG));
}

/* volatile: GCC 12 forgets to round two neighbours at once (-O2, x86_64). */
static double rounded(double x) {
  volatile float y = (float)x;
  return y;
}

/* Operators without ulps round once, to nearest, which never descends; the others may be off by ulps of the
 * largest magnitude in the result or of their terms. */
static void round_outward(net_ranges *r, net_value_id id, double ulps) {
  const net_value *value = net_graph_value_at(r->graph, id);
  bool wide = value->type == NET_F64;
  double largest = 0;
  uint64_t count = elements_of(value);
  for (uint64_t i = 0; i < count; i++)
    largest = fmax(largest, fmax(fabs(r->elements[id][i].lo), fabs(r->elements[id][i].hi)));
  for (uint64_t i = 0; i < count; i++) {
    net_range *x = &r->elements[id][i];
    if (is_exact(*x, r->terms[id][i], r->grids[id][i], value->type)) continue;
    double slack = ulps > 0 ? ulps * (wide ? 0x1p-50 : 0x1p-23) * fmax(largest, r->terms[id][i]) : 0;
    if (slack > 0) x->lo -= slack + 0x1p-149, x->hi += slack + 0x1p-149; /* denormals lie 2^-149 apart */
    if (isnan(x->lo) || isnan(x->hi)) *x = anything;
    if (!wide) *x = (net_range){rounded(x->lo), rounded(x->hi)};
    r->grids[id][i] = NET_NO_GRID;
  }
}

/* ---- nodes ---- */

static void find_node(net_ranges *r, net_arena *scratch, net_node_id id, const float *const *data) {
  const net_node *node = net_graph_at(r->graph, id);
  const net_op *op = net_node_op(r->graph, id);
  const net_range **inputs = NET_NEW_ARRAY(scratch, const net_range *, node->input_count + 1);
  const int **grids = NET_NEW_ARRAY(scratch, const int *, node->input_count + 1);
  const double **units = NET_NEW_ARRAY(scratch, const double *, node->input_count + 1);
  for (uint32_t i = 0; i < node->input_count; i++) {
    net_value_id v = net_node_input(r->graph, id, i);
    if (v != NET_NONE) inputs[i] = r->elements[v], grids[i] = r->grids[v], units[i] = r->units[v];
  }
  net_value_id first = node->first_output;
  for (uint32_t i = 0; i < node->output_count; i++) start(r, first + i, data ? data[first + i] : NULL);
  if (!op->range || (data && data[first])) return;
  op->range(&(net_ranging){.graph = r->graph,
                           .node = id,
                           .arena = scratch,
                           .inputs = inputs,
                           .grids = grids,
                           .units = units,
                           .outputs = &r->elements[first],
                           .output_grids = &r->grids[first],
                           .output_units = &r->units[first],
                           .terms = &r->terms[first]});
  for (uint32_t i = 0; i < node->output_count; i++) round_outward(r, first + i, op->ulps);
}

static net_range hull(const net_range *elements, uint64_t count) {
  net_range all = elements[0];
  for (uint64_t i = 1; i < count; i++)
    all = (net_range){fmin(all.lo, elements[i].lo), fmax(all.hi, elements[i].hi)};
  return all;
}

net_ranges *net_ranges_find(netc *n, net_arena *arena, const net_graph *graph, const float *const *data) {
  net_ranges *r = NET_NEW(arena, net_ranges);
  uint32_t count = graph->values.count;
  *r = (net_ranges){.n = n, .arena = arena, .graph = graph};
  r->elements = NET_NEW_ARRAY(arena, net_range *, count + 1);
  r->grids = NET_NEW_ARRAY(arena, int *, count + 1);
  r->terms = NET_NEW_ARRAY(arena, double *, count + 1);
  r->units = NET_NEW_ARRAY(arena, double *, count + 1);
  r->values = NET_NEW_ARRAY(arena, net_range, count + 1);
  for (net_value_id v = 0; v < count; v++)
    if (graph->values.at[v].kind != NET_VALUE_RESULT) start(r, v, data ? data[v] : NULL);
  for (net_node_id i = 0; i < graph->nodes.count; i++) {
    net_arena scratch;
    net_arena_init(&scratch, n->arena.guard);
    find_node(r, &scratch, i, data);
    net_arena_free(&scratch);
  }
  for (net_value_id v = 0; v < count; v++)
    r->values[v] = hull(r->elements[v], elements_of(net_graph_value_at(graph, v)));
  return r;
}

net_graph *net_ranges_annotate(net_arena *arena, const net_ranges *ranges) {
  net_graph *graph = net_graph_copy(arena, ranges->graph);
  for (net_value_id v = 0; v < graph->values.count; v++) {
    net_range x = ranges->values[v];
    graph->values.at[v].range = isfinite(x.lo) && isfinite(x.hi) ? x : NET_RANGE_UNKNOWN;
  }
  return graph;
}
