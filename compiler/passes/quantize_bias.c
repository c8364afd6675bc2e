/* Biases that no rule speaks of, where inputs are scaled integers, and weights too, or ones: 32 bits in the
 * unit of the sum. */
#include "passes/quantize.h"

#include <float.h>
#include <math.h>

static net_format_grid grid_of(const netc *n, net_format_id format) {
  return net_format_grid_of(net_format_at(n, format));
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

const net_calibrated *net_quantize_steps_of(const net_graph *g, net_value_id value) {
  net_node_id node = quantizer_of(g, value);
  unit known = unit_of(g, value);
  if (!known.found || !known.steps) return NULL;
  net_calibrated *c = NET_NEW(&g->n->arena, net_calibrated);
  net_value_id zero = net_node_input(g, node, 2);
  *c = (net_calibrated){.steps = known.steps, .count = (uint32_t)known.count};
  if (zero == NET_NONE) return c;
  int32_t *zeros = NET_NEW_ARRAY(&g->n->arena, int32_t, known.count);
  const float *points = net_graph_value_at(g, zero)->data;
  for (uint64_t i = 0; i < known.count; i++) zeros[i] = (int32_t)points[i];
  c->zeros = zeros;
  return c;
}

static net_format_id format_of(netc *n, net_format_id input, net_format_id weight) {
  const net_format_spec *like = net_format_at(n, weight);
  net_format_spec spec = {.family = NET_FORMAT_scaled_integer, .width = 32};
  spec.per = like->per;
  spec.rescale = net_format_at(n, input)->rescale;
  if (grid_of(n, weight) == NET_GRID_STEPS && like->rescale != spec.rescale) spec.rescale = 0;
  spec.ste = like->ste;
  return net_format_intern(n, &spec);
}

bool net_quantize_bias(const net_graph *g, net_value_id input, net_value_id weight, net_format_id *format,
                       net_calibrated *steps) {
  netc *n = g->n;
  net_format_id of_weight = g->values.at[weight].format;
  net_format_grid of = grid_of(n, of_weight);
  if (grid_of(n, g->values.at[input].format) != NET_GRID_STEPS ||
      (of != NET_GRID_STEPS && of != NET_GRID_ONES))
    return false;
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
