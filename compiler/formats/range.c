/* What quantisers make of intervals. Where results ascend with their own element the ends' results are the
 * ends of the results; else only magnitudes are known, unless every element is. */
#include "formats/formats.h"

#include <float.h>
#include <math.h>

static bool is_point(const float *low, const float *high, uint64_t count) {
  for (uint64_t i = 0; i < count; i++)
    if (!(low[i] == high[i])) return false;
  return true;
}

static void bound(const net_format_spec *spec, const net_format_tensor *x, const float *high, uint64_t count,
                  float *low, float *up) {
  double most = 0;
  for (uint64_t i = 0; i < count; i++)
    most = fmax(most, fmax(fabs((double)x->values[i]), fabs((double)high[i])));
  double reach = net_formats[spec->family].family->reach(spec, most);
  float to = reach < FLT_MAX ? nextafterf((float)reach, FLT_MAX) : FLT_MAX;
  for (uint64_t i = 0; i < count; i++) low[i] = -to, up[i] = to;
}

static void quantize(const net_format_spec *spec, const net_format_tensor *x, const float *values, float *out) {
  net_format_tensor tensor = *x;
  tensor.values = values;
  tensor.draws = NULL;
  net_format_quantize(spec, &tensor, out);
}

void net_format_range(const net_format_spec *spec, const net_format_tensor *x, const float *high, float *low,
                      float *up) {
  const net_format *row = &net_formats[spec->family];
  uint64_t count = net_shape_elements(x->shape);
  bool alone = row->flags & NET_FORMAT_PER_ELEMENT && !(spec->mase && !x->calibration);
  if (row->family->reach && !alone && (spec->stochastic || !is_point(x->values, high, count))) {
    bound(spec, x, high, count, low, up);
    return;
  }
  if (spec->overflow != NET_WRAP) {
    quantize(spec, x, x->values, low);
    quantize(spec, x, high, up);
    return;
  }
  net_format_spec saturating = *spec; /* is the same within its range; what wraps may come out anywhere */
  saturating.overflow = NET_SATURATE;
  for (uint64_t i = 0; i < count; i++) low[i] = -INFINITY, up[i] = INFINITY;
  quantize(&saturating, x, low, low);
  quantize(&saturating, x, up, up);
  for (uint64_t i = 0; i < count; i++) {
    bool within = x->values[i] >= low[i] && high[i] <= up[i];
    low[i] = within ? x->values[i] : -INFINITY;
    up[i] = within ? high[i] : INFINITY;
  }
  quantize(&saturating, x, low, low);
  quantize(&saturating, x, up, up);
}
