#include "interpret/integer_ops.h"

#include "graph/operator.h"

#include <math.h>

static uint64_t elements_of(const net_value *value) { return net_shape_elements(&value->shape); }

net_integers net_integers_begin(netc *n, const net_graph *graph, net_arena *arena, uint32_t count) {
  net_integers run = {.n = n, .graph = graph, .arena = arena, .count = count};
  run.floats = NET_NEW_ARRAY(arena, const float *, graph->values.count + 1);
  run.values = NET_NEW_ARRAY(arena, int64_t *, graph->values.count + 1);
  run.fractions = NET_NEW_ARRAY(arena, int *, graph->values.count + 1);
  for (net_value_id v = 0; v < graph->values.count; v++)
    if (graph->values.at[v].kind == NET_VALUE_CONSTANT) run.floats[v] = graph->values.at[v].data;
  return run;
}

void net_integers_set(net_integers *run, net_value_id value, const float *elements) {
  run->floats[value] = elements;
}

void net_integers_share(net_integers *run, const net_integers *from) {
  for (net_value_id v = 0; v < run->graph->values.count; v++) {
    if (net_graph_value_at(run->graph, v)->batched) continue;
    run->values[v] = from->values[v];
    run->fractions[v] = from->fractions[v];
  }
}

int64_t *net_integers_room(net_integers *run, net_value_id id, int **fractions) {
  const net_value *value = net_graph_value_at(run->graph, id);
  uint64_t count = elements_of(value);
  run->values[id] = NET_NEW_ARRAY(run->arena, int64_t, count *(value->batched ? run->count : 1));
  *fractions = run->fractions[id] = NET_NEW_ARRAY(run->arena, int, count);
  return run->values[id];
}

double net_integers_value(const net_integers *run, net_value_id id, uint64_t element) {
  uint64_t each = elements_of(net_graph_value_at(run->graph, id));
  return ldexp((double)run->values[id][element], -run->fractions[id][element % each]);
}

/* ---- rescaling ---- */

static net_wide shifted_right(net_rounding rounding, net_wide a, int s) {
  net_wide one = 1;
  if (s > 120) s = 120; /* nothing but the sign is left of any sum */
  switch (rounding) {
  case NET_ROUND_HALF_EVEN: return (a + (one << (s - 1)) - 1 + ((a >> s) & 1)) >> s;
  case NET_ROUND_HALF_UP: return (a + (one << (s - 1))) >> s;
  case NET_ROUND_ZERO: return (a + (a < 0 ? (one << s) - 1 : 0)) >> s;
  default: return a >> s;
  }
}

int64_t net_integer_rescale(const net_format_spec *spec, int format_fraction, net_wide a, int fraction) {
  net_wide one = 1, size = one << spec->width;
  net_wide low = spec->is_unsigned ? 0 : -(size >> 1), high = spec->is_unsigned ? size - 1 : (size >> 1) - 1;
  int s = fraction - format_fraction;
  if (s > 0) a = shifted_right(spec->rounding, a, s);
  if (spec->overflow == NET_WRAP) {
    if (s < 0)
      a = -s < spec->width ? (a % size) * (one << -s) : 0; /* no bit of what is shifted further stays */
    a = (a % size + size) % size;
    return (int64_t)(a > high ? a - size : a);
  }
  if (spec->overflow == NET_SYMMETRIC) low++;
  for (; s < 0 && a != 0 && a >= low && a <= high; s++) a *= 2; /* beyond the ends it stays beyond */
  return (int64_t)(a < low ? low : a > high ? high : a);
}

/* ---- quantisers ---- */

/* 2^−f is the format's step; of a channel, if calibration has one for each. */
static int fraction_of(const net_format_spec *spec, const net_calibration *calibration, uint64_t channel) {
  if (spec->fraction != NET_FORMAT_AUTO) return spec->fraction;
  return calibration ? -ilogbf(calibration->scale[calibration->count > 1 ? channel : 0]) : spec->width / 2;
}

static void set_fractions(const net_format_spec *spec, const net_format_tensor *x, int *fractions) {
  uint64_t count = net_shape_elements(x->shape), inner = x->shape->rank ? count / x->shape->dim[0] : 1;
  for (uint64_t i = 0; i < count; i++) fractions[i] = fraction_of(spec, x->calibration, i / inner);
}

/* Numbers that are not integers yet, sample by sample. */
void net_integers_quantize(net_integers *run, const net_format_spec *spec, const net_format_tensor *x,
                           uint64_t samples, int64_t *values, int *fractions) {
  uint64_t count = net_shape_elements(x->shape);
  float *rounded = NET_NEW_ARRAY(run->arena, float, count);
  set_fractions(spec, x, fractions);
  for (uint64_t sample = 0; sample < samples; sample++) {
    net_format_tensor one = *x;
    one.values = x->values + sample * count;
    net_format_quantize(spec, &one, rounded);
    for (uint64_t i = 0; i < count; i++)
      values[sample * count + i] = (int64_t)ldexp(rounded[i], fractions[i]); /* a whole number */
  }
}

static bool quantize(net_integers *run, net_node_id id) {
  const net_graph *g = run->graph;
  net_value_id x = net_node_input(g, id, 0), y = net_node_output(g, id, 0);
  net_value_id step = g->nodes.at[id].input_count > 1 ? net_node_input(g, id, 1) : NET_NONE;
  const net_value *value = net_graph_value_at(g, y);
  const net_format_spec *spec = net_format_at(run->n, value->format);
  net_calibration calibration = {0};
  if (step != NET_NONE)
    calibration =
        (net_calibration){run->floats[step], NULL, (uint32_t)elements_of(net_graph_value_at(g, step))};
  net_format_tensor tensor = {.shape = &value->shape, .values = run->floats[x]};
  if (step != NET_NONE) tensor.calibration = &calibration;
  int *fractions;
  int64_t *values = net_integers_room(run, y, &fractions);
  uint64_t samples = value->batched ? run->count : 1, each = elements_of(value);
  if (tensor.values) {
    net_integers_quantize(run, spec, &tensor, samples, values, fractions);
    return true;
  }
  set_fractions(spec, &tensor, fractions);
  for (uint64_t i = 0; i < samples * each; i++)
    values[i] =
        net_integer_rescale(spec, fractions[i % each], run->values[x][i], run->fractions[x][i % each]);
  return true;
}

/* ---- graphs ---- */

static bool run_node(net_integers *run, net_node_id id) {
  const net_node *node = net_graph_at(run->graph, id);
  const char *name = net_text(run->n, node->name), *op = net_node_op(run->graph, id)->name;
  const net_integer_rule *rule = net_integer_rule_of(op);
  bool quantizer = !strcmp(op, "quantize");
  if (run->floats[node->first_output] || run->values[node->first_output]) return true; /* given */
  for (uint32_t i = 0; i < node->input_count; i++) {
    net_value_id v = net_node_input(run->graph, id, i);
    if (v == NET_NONE || run->values[v] || run->floats[v]) continue;
    net_fault(run->n, node->loc, "there are no integers '%s' for '%s'",
              net_text(run->n, net_graph_value_at(run->graph, v)->name), name);
    return false;
  }
  if (quantizer) return quantize(run, id);
  if (!rule) return net_fault(run->n, node->loc, "%s has no rule in integers", op), false;
  net_integer_call call = {run, id, false};
  rule->run(&call);
  if (!call.too_wide) return true;
  net_error(run->n, node->loc, "%s '%s' sums to more than 63 bits: give its inputs fewer", op, name);
  return false;
}

bool net_integers_run(net_integers *run) {
  for (net_node_id i = 0; i < run->graph->nodes.count; i++)
    if (!run_node(run, i)) return false;
  return true;
}
