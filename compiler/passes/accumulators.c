/* Sums on grids: how many bits they need, and whether a rule's format holds them. */
#include "passes/ranges.h"

#include "formats/formats.h"
#include "graph/operator.h"

#include <math.h>

/* Width of the signed integer that holds from lo to hi. */
static int bits_for(double lo, double hi) {
  int bits = 1;
  while (lo < -ldexp(1, bits - 1) || hi > ldexp(1, bits - 1) - 1) bits++;
  return bits;
}

static bool is_known(net_range x) { return isfinite(x.lo) && isfinite(x.hi); }

/* How many units a sum in integers may lie from one of numbers that were rounded to binary32, multipliers to
 * 31 bits, biases to whole units. */
static double rounding_of(const net_ranges *r, net_value_id y, uint64_t i, double unit) {
  net_range x = r->elements[y][i];
  return 0x1p-22 * fmax(fmax(fabs(x.lo), fabs(x.hi)), r->terms[y][i]) / unit + 1;
}

bool net_accumulator_find(const net_ranges *r, net_node_id id, net_accumulator *accumulator) {
  const net_graph *graph = r->graph;
  net_value_id y = net_node_output(graph, id, 0);
  const net_value *value = net_graph_value_at(graph, y);
  /* what passes its input's format on sums nothing */
  if (net_node_is_quantizer(graph, id) || value->format != NET_FORMAT_FLOAT32 ||
      net_node_op(graph, id)->class == OP_MOVEMENT || !is_known(r->values[y]))
    return false;
  *accumulator = (net_accumulator){.node = id, .range = r->values[y]};
  for (uint64_t i = 0, count = net_shape_elements(&value->shape); i < count; i++) {
    int grid = r->grids[y][i];
    double unit = grid == NET_NO_GRID ? r->units[y][i] : ldexp(1, grid);
    if (!(unit > 0)) return false;
    net_range x = r->elements[y][i];
    double lo = x.lo / unit, hi = x.hi / unit;
    if (grid == NET_NO_GRID) {
      double slack = rounding_of(r, y, i, unit);
      lo = floor(lo - slack), hi = ceil(hi + slack);
    }
    int bits = bits_for(lo, hi);
    if (bits <= accumulator->bits) continue;
    accumulator->bits = bits;
    accumulator->unit = unit;
  }
  return true;
}

bool net_accumulator_fraction(const net_accumulator *accumulator, int *fraction) {
  int exponent;
  bool power = frexp(accumulator->unit, &exponent) == 0.5;
  *fraction = 1 - exponent;
  return power;
}

/* ---- rules ---- */

static double rounded(net_rounding rounding, double x) {
  switch (rounding) {
  case NET_ROUND_HALF_UP: return floor(x + 0.5);
  case NET_ROUND_FLOOR: return floor(x);
  case NET_ROUND_ZERO: return trunc(x);
  default: return rint(x);
  }
}

/* In steps. */
static net_range closed_range(const net_format_spec *spec) {
  double low = spec->is_unsigned ? 0 : -ldexp(1, spec->width - 1);
  double high = ldexp(1, spec->is_unsigned ? spec->width : spec->width - 1) - 1;
  if (spec->overflow == NET_SYMMETRIC) low++;
  return (net_range){low, high};
}

static void report(const net_ranges *r, net_severity severity, net_loc loc, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void report(const net_ranges *r, net_severity severity, net_loc loc, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const char *text = net_arena_vformat(r->arena, format, arguments);
  va_end(arguments);
  if (severity == NET_WARNING) net_warning(r->n, loc, "%s", text);
  else net_error(r->n, loc, "%s", text);
}

/* The quantiser of a sum: does it hold each channel, rounded to its steps? */
static bool check(const net_ranges *r, net_node_id id, net_severity severity) {
  netc *n = r->n;
  const net_node *node = net_graph_at(r->graph, id);
  net_value_id x = net_node_input(r->graph, id, 0), y = node->first_output;
  const net_value *value = net_graph_value_at(r->graph, y);
  const net_format_spec *spec = net_format_at(n, value->format);
  const char *format = net_format_text(n, value->format), *owner = net_text(n, node->owner);
  if (spec->overflow == NET_WRAP || !net_format_has_point(spec)) return true; /* calibrated: it saturates */
  int bits = 0, fraction = 0;
  net_range worst = {0, 0};
  for (uint64_t i = 0, count = net_shape_elements(&value->shape); i < count; i++) {
    net_range sum = r->elements[x][i];
    int grid = r->grids[y][i];
    if (grid == NET_NO_GRID || !is_known(sum)) continue; /* no integer is rounded to, or is summed */
    double lo = rounded(spec->rounding, ldexp(sum.lo, -grid)),
           hi = rounded(spec->rounding, ldexp(sum.hi, -grid));
    net_range holds = closed_range(spec);
    if (lo >= holds.lo && hi <= holds.hi) continue;
    int needed = spec->is_unsigned && lo >= 0 ? bits_for(0, hi) - 1 : bits_for(lo, hi);
    if (spec->overflow == NET_SYMMETRIC && lo == -ldexp(1, needed - 1)) needed++;
    if (needed <= bits) continue;
    bits = needed, fraction = -grid, worst = sum;
  }
  if (!bits) return true;
  if (spec->is_unsigned && worst.lo < 0) {
    report(r, severity, node->loc,
           "the accumulator of '%s' can be from %g to %g, but %s has no numbers below 0", owner, worst.lo,
           worst.hi, format);
    return false;
  }
  report(r, severity, node->loc,
         "the accumulator of '%s' can be from %g to %g, which takes %d bits with fraction %d, but %s has "
         "%d: give it more, or write overflow = wrap",
         owner, worst.lo, worst.hi, bits, fraction, format, spec->width);
  return false;
}

bool net_ranges_check(const net_ranges *r, net_severity severity) {
  bool ok = true;
  for (net_node_id i = 0; i < r->graph->nodes.count; i++)
    if (net_node_is_quantizer(r->graph, i) && net_graph_at(r->graph, i)->role == NET_TENSOR_ACCUMULATOR)
      ok &= check(r, i, severity);
  return ok;
}
