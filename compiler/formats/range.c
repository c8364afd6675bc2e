/* What quantisers make of intervals. Where results ascend with their own element the ends' results are the
 * ends of the results; else only magnitudes are known, unless every element is. */
#include "formats/formats.h"

#include <float.h>
#include <math.h>

static bool is_point(const double *from, const double *to, uint64_t count) {
  for (uint64_t i = 0; i < count; i++)
    if (!(from[i] == to[i])) return false;
  return true;
}

static void bound(const net_format_spec *spec, const double *from, const double *to, uint64_t count,
                  float *low, float *high) {
  double most = 0;
  for (uint64_t i = 0; i < count; i++) most = fmax(most, fmax(fabs(from[i]), fabs(to[i])));
  double reach = net_formats[spec->family].family->reach(spec, most);
  float limit = reach < FLT_MAX ? nextafterf((float)reach, FLT_MAX) : FLT_MAX;
  if (net_format_grid_of(spec) == NET_GRID_ONES) limit = 1;
  for (uint64_t i = 0; i < count; i++) low[i] = -limit, high[i] = limit;
}

static void quantize(const net_format_spec *spec, const net_format_tensor *x, const double *values,
                     uint64_t count, float *out) {
  net_format_tensor tensor = *x;
  for (uint64_t i = 0; i < count; i++) out[i] = (float)values[i];
  tensor.values = out;
  tensor.wide = values;
  tensor.draws = NULL;
  net_format_quantize(spec, &tensor, out);
}

/* The next binary32 at or below */
static float below(double x) {
  float y = (float)x;
  return y > x ? nextafterf(y, -INFINITY) : y;
}

/* Wrapping is saturating within the range; what wraps may come out anywhere. */
static void wrapped(const net_format_spec *spec, const net_format_tensor *x, const double *from,
                    const double *to, uint64_t count, float *low, float *high) {
  net_format_spec saturating = *spec;
  net_format_tensor tensor = *x;
  saturating.overflow = NET_SATURATE;
  tensor.wide = NULL;
  for (int pass = 0; pass < 2; pass++) { /* first the bounds of all there is */
    for (uint64_t i = 0; i < count; i++) {
      bool within = pass && from[i] >= low[i] && to[i] <= high[i];
      low[i] = within ? below(from[i]) : -INFINITY;
      high[i] = within ? -below(-to[i]) : INFINITY;
    }
    tensor.values = low;
    net_format_quantize(&saturating, &tensor, low);
    tensor.values = high;
    net_format_quantize(&saturating, &tensor, high);
  }
}

void net_format_range(const net_format_spec *spec, const net_format_tensor *x, const double *from,
                      const double *to, float *low, float *high) {
  const net_format *row = &net_formats[spec->family];
  uint64_t count = net_shape_elements(x->shape);
  bool alone = row->flags & NET_FORMAT_PER_ELEMENT && !(spec->mase && !x->calibration);
  if (row->family->reach && !alone && (spec->stochastic || !is_point(from, to, count))) {
    bound(spec, from, to, count, low, high);
  } else if (spec->overflow == NET_WRAP) {
    wrapped(spec, x, from, to, count, low, high);
  } else {
    quantize(spec, x, from, count, low);
    quantize(spec, x, to, count, high);
  }
}
