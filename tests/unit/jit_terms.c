#include "tests/unit/jit_terms.h"

#include "formats/formats.h"

/* A result and what it was made of. */
typedef struct {
  const net_run *run;
  const net_graph *graph;
  net_node_id node;
  uint32_t output, count; /* count: samples */
  uint64_t elements;      /* of the result */
} result;

static net_value_id input_id(const result *r, uint32_t i) {
  return i < net_graph_at(r->graph, r->node)->input_count ? net_node_input(r->graph, r->node, i) : NET_NONE;
}
static const double *in(const result *r, uint32_t i) {
  net_value_id v = input_id(r, i);
  return v == NET_NONE ? NULL : r->run->values[v];
}
static const double *out(const result *r, uint32_t i) {
  return r->run->values[net_node_output(r->graph, r->node, i)];
}
static uint64_t size_of(const result *r, uint32_t i) { return net_run_elements(r->run, input_id(r, i)); }
static const net_value *value_of(const result *r, uint32_t i) {
  return net_graph_value_at(r->graph, input_id(r, i));
}

/* Finite magnitudes alone: where a result is not finite there is nothing to measure. */
static double size(double x) { return isfinite(x) ? fabs(x) : 0; }

/* ---- sums of products: with all signs taken away nothing cancels ---- */

static void absolute(const result *r, double *terms) {
  const net_op *op = net_node_op(r->graph, r->node);
  const net_node *node = net_graph_at(r->graph, r->node);
  net_arena *arena = r->run->arena;
  const double **inputs = NET_NEW_ARRAY(arena, const double *, node->input_count + 1);
  double **outputs = NET_NEW_ARRAY(arena, double *, node->output_count + 1);
  for (uint32_t i = 0; i < node->input_count; i++) {
    if (input_id(r, i) == NET_NONE) continue;
    double *sizes = NET_NEW_ARRAY(arena, double, size_of(r, i) + 1);
    for (uint64_t k = 0; k < size_of(r, i); k++) sizes[k] = size(in(r, i)[k]);
    inputs[i] = sizes;
  }
  for (uint32_t i = 0; i < node->output_count; i++)
    outputs[i] =
        NET_NEW_ARRAY(arena, double, net_run_elements(r->run, net_node_output(r->graph, r->node, i)) + 1);
  op->interpret(&(net_interpretation){.arena = arena,
                                      .graph = r->graph,
                                      .node = r->node,
                                      .count = r->count,
                                      .inputs = inputs,
                                      .outputs = outputs,
                                      .step = r->run->step});
  memcpy(terms, outputs[r->output], r->elements * sizeof *terms);
}

/* new = old − rate · …, running averages */
static void largest_input(const result *r, double *terms) {
  double largest = 0;
  for (uint32_t i = 0; i < net_graph_at(r->graph, r->node)->input_count; i++)
    for (uint64_t k = 0; input_id(r, i) != NET_NONE && k < size_of(r, i); k++)
      largest = fmax(largest, size(in(r, i)[k]));
  for (uint64_t k = 0; k < r->elements; k++) terms[k] = largest;
}

/* ---- normalisation: (x − mean) · inverse · weight + bias ---- */

/* What is normalised together: a channel with the batch, or the trailing elements of one sample. */
typedef struct {
  uint64_t inner, groups, each, total;
  bool channels;
} groups;

static groups groups_of(const result *r, uint32_t x, bool channels) {
  net_shape shape = value_of(r, x)->shape;
  groups g = {.total = size_of(r, x), .channels = channels, .inner = 1};
  if (channels) {
    g.groups = shape.dim[0];
    g.inner = net_shape_elements(&shape) / g.groups;
  } else {
    for (uint32_t i = 0; i < (uint32_t)net_node_int(r->graph, r->node, "dims"); i++)
      g.inner *= shape.dim[shape.rank - 1 - i];
    g.groups = g.total / g.inner;
  }
  g.each = g.total / g.groups;
  return g;
}

static uint64_t group_at(const groups *g, uint64_t i) {
  return g->channels ? i / g->inner % g->groups : i / g->inner;
}
static double weight_at(const groups *g, const double *weight, uint64_t i) {
  return !weight ? 1 : size(weight[g->channels ? group_at(g, i) : i % g->inner]);
}

static void normalized(const result *r, double *terms, bool channels) {
  groups g = groups_of(r, 0, channels);
  const double *x = in(r, 0), *weight = in(r, 1), *bias = in(r, 2), *mean = out(r, 1), *inverse = out(r, 2);
  bool running = channels && !net_node_bool(r->graph, r->node, "training");
  for (uint64_t i = 0; i < g.total && (r->output == 1 || r->output == 3); i++) /* the mean; the variance */
    terms[group_at(&g, i)] += size(x[i]) * (r->output == 3 ? size(x[i]) : 1) / (double)g.each;
  if (r->output) return;
  for (uint64_t i = 0; i < g.total; i++) {
    uint64_t at = group_at(&g, i);
    double m = running ? in(r, 3)[at] : mean[at];
    double scale =
        running ? 1 / sqrt(in(r, 4)[at] + net_node_real(r->graph, r->node, "epsilon")) : inverse[at];
    terms[i] =
        (size(x[i]) + size(m)) * size(scale) * weight_at(&g, weight, i) + (bias ? weight_at(&g, bias, i) : 0);
  }
}
static void batch_norm(const result *r, double *terms) { normalized(r, terms, true); }
static void layer_norm(const result *r, double *terms) { normalized(r, terms, false); }

/* dx = (dy·w − mean of dy·w − x̂ · mean of dy·w·x̂) · inverse; dweight = Σ dy·x̂; dbias = Σ dy. The weight of a
 * channel comes last in batch_norm, which makes no difference to magnitudes. Without weights layer_norm has
 * no sums. */
static void normalized_gradient(const result *r, double *terms, bool channels) {
  groups g = groups_of(r, 1, channels);
  const double *dy = in(r, 0), *x = in(r, 1), *weight = in(r, 2), *mean = in(r, 3), *inverse = in(r, 4);
  double *sum = NET_NEW_ARRAY(r->run->arena, double, g.groups),
         *slope = NET_NEW_ARRAY(r->run->arena, double, g.groups);
  for (int pass = 0; pass < 2; pass++)
    for (uint64_t i = 0; i < g.total; i++) {
      uint64_t at = group_at(&g, i), place = channels ? at : i % g.inner;
      double d = size(dy[i]), normal = (size(x[i]) + size(mean[at])) * size(inverse[at]),
             w = weight_at(&g, weight, i);
      if (!pass) sum[at] += d * w / (double)g.each, slope[at] += d * w * normal / (double)g.each;
      else if (r->output == 0) terms[i] = (d * w + sum[at] + normal * slope[at]) * size(inverse[at]);
      else if (channels || weight) terms[place] += r->output == 1 ? d * normal : d;
    }
}
static void batch_norm_gradient(const result *r, double *terms) { normalized_gradient(r, terms, true); }
static void layer_norm_gradient(const result *r, double *terms) { normalized_gradient(r, terms, false); }

/* ---- softmax: dy − Σ dy · share ---- */

static void softmax_gradients(const result *r, double *terms, bool logarithm) {
  const net_shape shape = value_of(r, 0)->shape;
  int64_t axis = net_node_int(r->graph, r->node, "axis");
  uint64_t inner = 1, extent;
  if (axis < 0) axis += shape.rank;
  for (uint32_t i = (uint32_t)axis + 1; i < shape.rank; i++) inner *= shape.dim[i];
  extent = shape.dim[axis];
  for (uint64_t i = 0; i < r->elements; i++) {
    uint64_t first = i / (inner * extent) * inner * extent + i % inner;
    double sum = 0, y = in(r, 1)[i];
    for (uint64_t k = 0; k < extent; k++) {
      uint64_t at = first + k * inner;
      sum += size(in(r, 0)[at]) * (logarithm ? 1 : size(in(r, 1)[at]));
    }
    terms[i] = logarithm ? size(in(r, 0)[i]) + size(exp(y)) * sum : size(y) * (size(in(r, 0)[i]) + sum);
  }
}
static void softmax_gradient(const result *r, double *terms) { softmax_gradients(r, terms, false); }
static void log_softmax_gradient(const result *r, double *terms) { softmax_gradients(r, terms, true); }

/* ---- losses ---- */

/* log Σ exp(x − largest) − (x − largest at the target), the sum being 1 at least; mean by weight */
static void cross_entropy(const result *r, double *terms) {
  if (!r->output) terms[0] = 1;
}

/* p·gain − hit − floor, times scale · s / weight sum */
static void cross_entropy_gradient(const result *r, double *terms) {
  uint64_t classes = size_of(r, 0) / r->count;
  double largest = 1, factor = net_node_real(r->graph, r->node, "scale") / in(r, 4)[0];
  for (uint64_t c = 0; in(r, 2) && c < classes; c++) largest = fmax(largest, in(r, 2)[c]);
  for (uint64_t i = 0; i < r->elements; i++)
    terms[i] = fabs(factor) * largest * (in(r, 3) ? in(r, 3)[i / classes] : 1);
}

/* max(p, 0) − p·t + log(1 + e^−|p|), mean over the features and by weight over the samples */
static void bce(const result *r, double *terms) {
  uint64_t features = size_of(r, 0) / r->count;
  double sum = 0, weights = 0;
  for (uint64_t i = 0; i < size_of(r, 0); i++) {
    double p = size(in(r, 0)[i]), t = size(in(r, 1)[i]), s = in(r, 2) ? in(r, 2)[i / features] : 1;
    sum += s * (p + p * t + 1);
    weights += s;
  }
  if (!r->output) terms[0] = sum / weights;
}

/* x·Φ(x) with Φ = ½ + ½·erf: what cancels on the far left is of x/2; of dy/2 in its gradient */
static void gelu(const result *r, double *terms) {
  for (uint64_t i = 0; i < r->elements; i++) terms[i] = size(in(r, 0)[i]) / 2;
}

/* ---- the gradient of a learned step: Σ dy · term ---- */

static void step_gradient(const result *r, double *terms) {
  uint32_t id;
  double low, high;
  const char *text = net_text(r->graph->n, net_node_attribute(r->graph, r->node, "format")->text);
  if (!r->output || !in(r, 2)) return;
  assert_true(net_format_parse(r->graph->n, text, strlen(text), NET_NOWHERE, &id));
  net_format_steps(net_format_at(r->graph->n, id), &low, &high);
  uint64_t inner = size_of(r, 1) / (value_of(r, 1)->batched ? r->count : 1) / r->elements;
  for (uint64_t i = 0; i < size_of(r, 1); i++) {
    double v = in(r, 1)[i] / in(r, 2)[i / inner % r->elements];
    double term = v <= low ? low : v >= high ? high : 1; /* roundings are less than a step */
    terms[i / inner % r->elements] += size(in(r, 0)[i]) * fabs(term) / sqrt((double)inner * fmax(high, 1));
  }
}

/* ---- tables ---- */

static const struct {
  const char *op;
  void (*terms)(const result *r, double *terms);
} rows[] = {
    {"linear", absolute},
    {"linear_input_gradient", absolute},
    {"linear_weight_gradient", absolute},
    {"sum", absolute},
    {"mean", absolute},
    {"reduce_to", absolute},
    {"running_update", largest_input},
    {"sgd", largest_input},
    {"adam", largest_input},
    {"adamw", largest_input},
    {"batch_norm", batch_norm},
    {"batch_norm_gradient", batch_norm_gradient},
    {"layer_norm", layer_norm},
    {"layer_norm_gradient", layer_norm_gradient},
    {"softmax_gradient", softmax_gradient},
    {"log_softmax_gradient", log_softmax_gradient},
    {"gelu", gelu},
    {"gelu_gradient", gelu},
    {"cross_entropy", cross_entropy},
    {"cross_entropy_gradient", cross_entropy_gradient},
    {"bce_with_logits", bce},
    {"quantize_gradient", step_gradient},
};

void jit_terms(const net_run *run, net_node_id node, uint32_t output, double *terms) {
  result r = {run,    run->graph, node,
              output, run->count, net_run_elements(run, net_node_output(run->graph, node, output))};
  memset(terms, 0, r.elements * sizeof *terms);
  for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!strcmp(rows[i].op, net_node_op(run->graph, node)->name)) rows[i].terms(&r, terms);
}

/* What overflows on the way to a result that does not, or meets an infinity with a zero. */
static const struct {
  const char *op;
  uint32_t fills;
} undefined[] = {
#define HUGE (1u << JIT_HUGE)
    {"linear", HUGE},
    {"linear_input_gradient", HUGE},
    {"linear_weight_gradient", HUGE | 1u << JIT_INFINITE}, /* lanes beyond the batch are multiplied with 0 */
    {"batch_norm", HUGE},
    {"batch_norm_gradient", HUGE},
    {"layer_norm", HUGE},
    {"layer_norm_gradient", HUGE},
    {"gelu_gradient", HUGE}, /* the square of x */
    {"quantize_gradient", HUGE},
    {"sum", HUGE},
    {"mean", HUGE},
    {"reduce_to", HUGE},
    {"cross_entropy", HUGE},
    {"mse", HUGE},
    {"mse_gradient", HUGE},
    {"mae", HUGE},
    {"huber", HUGE},
    {"bce_with_logits", HUGE},
};

bool jit_defined(const char *op, jit_fill fill) {
  for (uint32_t i = 0; i < sizeof undefined / sizeof *undefined; i++)
    if (!strcmp(undefined[i].op, op) && undefined[i].fills >> fill & 1) return false;
  return true;
}
