/* Biases that no rule speaks of, where input and weight are scaled integers: 32 bits in the unit of the sum.
 */
#include "passes/quantize.h"

#include <float.h>
#include <math.h>

static bool is_scaled(const netc *n, net_format_id format) {
  const net_format_spec *spec = net_format_at(n, format);
  uint32_t flags = net_formats[spec->family].flags;
  return flags & NET_FORMAT_STEPS && !(flags & NET_FORMAT_POINT) && !spec->mase;
}

/* The quantiser that a value comes from, through what passes its input's format on. */
static net_node_id quantizer_of(const net_graph *g, net_value_id value) {
  net_format_id format = g->values.at[value].format;
  for (;;) {
    net_node_id def = g->values.at[value].def;
    if (def == NET_NONE || net_node_is_quantizer(g, def)) return def;
    value = net_node_input(g, def, 0);
    if (g->values.at[value].format != format) return NET_NONE;
  }
}

typedef struct {
  bool found;
  const float *steps; /* NULL: not known yet, 1 until then */
  uint64_t count;
} unit;

static unit unit_of(const net_graph *g, net_value_id value) {
  net_node_id node = quantizer_of(g, value);
  if (node == NET_NONE) return (unit){0};
  net_value_id step = net_node_input(g, node, 1);
  if (step == NET_NONE) return (unit){true, NULL, 1};
  const net_value *steps = net_graph_value_at(g, step);
  return (unit){steps->data != NULL, steps->data,
                net_shape_elements(&steps->shape)}; /* learned ones change */
}

static net_format_id format_of(netc *n, net_format_id input, net_format_id weight) {
  const net_format_spec *like = net_format_at(n, weight);
  net_format_spec spec = {.family = NET_FORMAT_scaled_integer, .width = 32};
  spec.per = like->per;
  if (net_format_at(n, input)->rescale == like->rescale) spec.rescale = like->rescale;
  spec.ste = like->ste;
  return net_format_intern(n, &spec);
}

bool net_quantize_bias(const net_graph *g, net_value_id input, net_value_id weight, net_format_id *format,
                       net_calibrated *steps) {
  netc *n = g->n;
  net_format_id of_weight = g->values.at[weight].format;
  if (!is_scaled(n, g->values.at[input].format) || !is_scaled(n, of_weight)) return false;
  unit x = unit_of(g, input), w = unit_of(g, weight);
  if (!x.found || !w.found || x.count != 1) return false;
  *format = format_of(n, g->values.at[input].format, of_weight);
  *steps = (net_calibrated){0};
  if (!x.steps && !w.steps) return true;
  float *products = NET_NEW_ARRAY(&n->arena, float, w.count);
  for (uint64_t c = 0; c < w.count; c++) {
    double product = (x.steps ? (double)x.steps[0] : 1) * (w.steps ? (double)w.steps[c] : 1);
    products[c] = (float)fmin(fmax(product, FLT_MIN), FLT_MAX);
  }
  steps->steps = products;
  steps->count = (uint32_t)w.count;
  return true;
}
