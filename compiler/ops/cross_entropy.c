/* cross_entropy of logits with a class number for each sample, and how many samples are classified correctly.
 *
 * With class weights w (1 if absent), sample weights s (1), smoothing ε and C classes, as PyTorch has it:
 *   loss = Σ_n s_n · ((1 − ε) · w_t · −log p_t + ε/C · Σ_c w_c · −log p_c) / weight_sum
 *   weight_sum = Σ_n s_n · w_t,  t the class of sample n,  p = softmax(logits) */
#include "ops/common.h"
#include <math.h>

enum { LOGITS, TARGET, CLASS_WEIGHT, SAMPLE_WEIGHT };
enum { LOSS, WEIGHT_SUM, PROBABILITY };

/* ---- graph ---- */

/* The inputs that all operators here share: [C] for each sample, and a class number. */
static bool classes_fit(net_graph *graph, net_node_id node) {
  if (!ops_require_f32_but(graph, node, TARGET) || !ops_require_batched(graph, node, LOGITS)) return false;
  net_value_id logits = net_node_input(graph, node, LOGITS), target = net_node_input(graph, node, TARGET);
  const net_value *t = net_graph_value_at(graph, target);
  if (net_graph_value_at(graph, logits)->shape.rank != 1)
    return ops_refuse(graph, node, logits, "needs one axis, of classes, but %s", ops_describe(graph, logits));
  if (t->type != NET_U32 || t->shape.rank || !t->batched)
    return ops_refuse(graph, node, target, "needs a class number for each sample, but %s",
                      ops_describe(graph, target));
  return true;
}

static bool weights_fit(net_graph *graph, net_node_id node) {
  if (!ops_require_unbatched(graph, node, CLASS_WEIGHT, ops_input(graph, node, LOGITS)->shape) ||
      !ops_require_real(graph, node, "label_smoothing", 0, 1, false))
    return false;
  const net_value *weight = ops_input(graph, node, SAMPLE_WEIGHT);
  net_value_id id = net_node_input(graph, node, SAMPLE_WEIGHT);
  if (!weight || (weight->batched && !weight->shape.rank)) return true;
  return ops_refuse(graph, node, id, "needs one weight for each sample, but %s", ops_describe(graph, id));
}

bool cross_entropy_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return classes_fit(graph, node) && weights_fit(graph, node) &&
         ops_result(graph, node, LOSS, NET_F32, ops_scalar(), false) &&
         ops_result(graph, node, WEIGHT_SUM, NET_F32, ops_scalar(), false) &&
         ops_result_like(graph, node, PROBABILITY, LOGITS);
}

bool cross_entropy_gradient(net_gradient *g) {
  netc *n = g->graph->n;
  net_value_id inputs[] = {
      net_node_output(g->graph, g->node, PROBABILITY), net_node_input(g->graph, g->node, TARGET),
      net_node_input(g->graph, g->node, CLASS_WEIGHT), net_node_input(g->graph, g->node, SAMPLE_WEIGHT),
      net_node_output(g->graph, g->node, WEIGHT_SUM)};
  net_attribute smoothing = *net_node_attribute(g->graph, g->node, "label_smoothing");
  g->dx[LOGITS] = net_gradient_call(g, "cross_entropy_gradient", "logits_gradient", inputs, 5,
                                    OPS_ATTRIBUTES(smoothing, net_attribute_real(n, "scale", g->scale)));
  return g->dx[LOGITS] != NET_NONE;
}

/* probability, target, class_weight?, sample_weight?, weight_sum → dlogits */
bool cross_entropy_gradient_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return classes_fit(graph, node) && weights_fit(graph, node) &&
         ops_require_unbatched(graph, node, 4, ops_scalar()) && ops_result_like(graph, node, 0, LOGITS);
}

/* logits, target → count */
bool correct_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return classes_fit(graph, node) && ops_result(graph, node, 0, NET_F32, ops_scalar(), false);
}

/* ---- interpret ---- */

/* What both directions know of a sample. */
typedef struct {
  uint64_t classes, target;
  double weight, target_weight; /* s_n; w_t, NaN for a class that does not exist */
  const double *class_weights;
} sample;

static double class_weight(const sample *s, uint64_t c) { return s->class_weights ? s->class_weights[c] : 1; }

static sample sample_at(const net_interpretation *call, uint64_t row) {
  const double *weights = call->inputs[SAMPLE_WEIGHT];
  sample s = {ops_elements(ops_in(call, LOGITS)), (uint64_t)call->inputs[TARGET][row],
              weights ? weights[row] : 1, NAN, call->inputs[CLASS_WEIGHT]};
  if (s.target < s.classes)
    s.target_weight = class_weight(&s, s.target);
  else
    s.target = 0;
  return s;
}

void cross_entropy_interpret(const net_interpretation *call) {
  double smoothing = net_node_real(call->graph, call->node, "label_smoothing"), total = 0, weight_sum = 0;
  for (uint64_t row = 0; row < call->count; row++) {
    sample s = sample_at(call, row);
    const double *x = call->inputs[LOGITS] + row * s.classes;
    double *p = call->outputs[PROBABILITY] + row * s.classes, maximum = x[0], sum = 0, smooth = 0;
    for (uint64_t c = 1; c < s.classes; c++) maximum = x[c] > maximum ? x[c] : maximum;
    for (uint64_t c = 0; c < s.classes; c++) sum += exp(x[c] - maximum);
    for (uint64_t c = 0; c < s.classes; c++) {
      p[c] = exp(x[c] - maximum) / sum;
      smooth += class_weight(&s, c) * (log(sum) - (x[c] - maximum));
    }
    double hit = s.target_weight * (log(sum) - (x[s.target] - maximum));
    if (smoothing > 0) hit = (1 - smoothing) * hit + smoothing / (double)s.classes * smooth;
    total += s.weight * hit;
    weight_sum += s.weight * s.target_weight;
  }
  call->outputs[LOSS][0] = total / weight_sum;
  call->outputs[WEIGHT_SUM][0] = weight_sum;
}

/* dlogits_c = scale · s_n / weight_sum · ((1 − ε) · w_t · (p_c − [c = t]) + ε/C · (p_c · Σ w − w_c)) */
void cross_entropy_gradient_interpret(const net_interpretation *call) {
  double smoothing = net_node_real(call->graph, call->node, "label_smoothing");
  double scale = net_node_real(call->graph, call->node, "scale") / call->inputs[4][0];
  for (uint64_t row = 0; row < call->count; row++) {
    sample s = sample_at(call, row);
    const double *p = call->inputs[0] + row * s.classes;
    double all = 0, share = smoothing / (double)s.classes;
    for (uint64_t c = 0; c < s.classes; c++) all += class_weight(&s, c);
    for (uint64_t c = 0; c < s.classes; c++) {
      double hit = (1 - smoothing) * s.target_weight * (p[c] - (c == s.target));
      double smooth = share * (p[c] * all - class_weight(&s, c));
      call->outputs[0][row * s.classes + c] = scale * s.weight * (hit + smooth);
    }
  }
}

void correct_interpret(const net_interpretation *call) {
  uint64_t classes = ops_elements(ops_in(call, LOGITS)), count = 0;
  for (uint64_t row = 0; row < call->count; row++) {
    const double *x = call->inputs[LOGITS] + row * classes;
    uint64_t target = (uint64_t)call->inputs[TARGET][row];
    bool first = target < classes;
    for (uint64_t c = 0; first && c < classes; c++)
      first = x[c] < x[target] || (c >= target && x[c] == x[target]);
    count += first;
  }
  call->outputs[0][0] = (double)count;
}
