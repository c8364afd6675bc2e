/* Kernels of cross_entropy.c. */
#include "ops/kernel.h"

enum { LOGITS, TARGET, CLASS_WEIGHT, SAMPLE_WEIGHT };
enum { LOSS, WEIGHT_SUM, PROBABILITY };

/* One sample: places of a class and of the sample, its class number, whether a class is that one. */
typedef struct {
  lp_function *f;
  const net_graph *graph;
  net_node_id node;
  ops_place at, none;
  uint32_t classes;
  lp_expr target, hit;
} sample;

static sample sample_of(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_shape *shape = &ops_input(graph, node, LOGITS)->shape;
  sample s = {.f = f, .graph = graph, .node = node, .at = ops_axes(f, shape, "c"), .classes = shape->dim[0]};
  s.target = lp_convert(f, NET_I32, ops_load_in(f, graph, node, TARGET, &s.none));
  s.hit = lp_op2(f, LP_eq, s.at.at[0], s.target);
  return s;
}

static lp_expr over_classes(const sample *s, lp_expr body) { return ops_sum(s->f, &s->at, false, body); }

/* body at the sample's class */
static lp_expr at_target(const sample *s, lp_expr body) {
  return over_classes(s, lp_select(s->f, s->hit, body, lp_real(s->f, 0)));
}

/* Stores a value for each sample and gives it back, loaded. */
static lp_expr kept(const sample *s, const char *name, lp_expr value) {
  lp_buffer buffer = lp_temporary(s->f, name, NET_F32, ops_scalar(), true);
  ops_store(s->f, buffer, &s->none, value);
  return ops_load(s->f, buffer, &s->none);
}

static bool has(const sample *s, uint32_t input) {
  return net_node_input(s->graph, s->node, input) != NET_NONE;
}

static lp_expr class_weight(const sample *s) {
  return has(s, CLASS_WEIGHT) ? ops_load_in(s->f, s->graph, s->node, CLASS_WEIGHT, &s->at) : lp_real(s->f, 1);
}

static lp_expr sample_weight(const sample *s) {
  return has(s, SAMPLE_WEIGHT) ? ops_load_in(s->f, s->graph, s->node, SAMPLE_WEIGHT, &s->none)
                               : lp_real(s->f, 1);
}

void cross_entropy_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  sample s = sample_of(f, graph, node);
  double smoothing = net_node_real(graph, node, "label_smoothing");
  lp_expr x = ops_load_in(f, graph, node, LOGITS, &s.at);
  lp_expr maximum = kept(&s, "maximum", ops_reduce(f, LP_MAXIMUM, &s.at, false, x));
  lp_expr shifted = lp_difference(f, x, maximum);
  lp_buffer exponential = lp_temporary(f, "exponential", NET_F32, ops_vector(s.classes), true);
  ops_store(f, exponential, &s.at, lp_op1(f, LP_exp, shifted));
  lp_expr sum = kept(&s, "sum", over_classes(&s, ops_load(f, exponential, &s.at)));
  lp_expr inverse = kept(&s, "inverse", lp_quotient(f, lp_real(f, 1), sum));
  ops_store(f, ops_out_buffer(f, graph, node, PROBABILITY), &s.at,
            lp_product(f, ops_load(f, exponential, &s.at), inverse));

  lp_expr logarithm = kept(&s, "logarithm", lp_op1(f, LP_log, sum));
  lp_expr loss = lp_difference(f, logarithm, at_target(&s, shifted)), weight = sample_weight(&s);
  lp_expr weight_sum = lp_samples(f);
  if (has(&s, CLASS_WEIGHT)) {
    lp_expr target_weight = kept(&s, "target_weight", at_target(&s, class_weight(&s)));
    loss = lp_product(f, loss, target_weight);
    weight_sum = ops_sum(f, &s.none, true, lp_product(f, weight, target_weight));
  } else if (has(&s, SAMPLE_WEIGHT)) {
    weight_sum = ops_sum(f, &s.none, true, weight);
  }
  if (smoothing > 0) {
    lp_expr each = lp_product(f, class_weight(&s), lp_difference(f, logarithm, shifted));
    lp_expr smooth = lp_product(f, over_classes(&s, each), lp_real(f, smoothing / s.classes));
    loss = lp_addition(f, lp_product(f, loss, lp_real(f, 1 - smoothing)), smooth);
  }
  lp_expr term = kept(&s, "term", lp_product(f, loss, weight));
  lp_buffer weights = ops_out_buffer(f, graph, node, WEIGHT_SUM);
  ops_store(f, weights, &s.none, weight_sum);
  ops_store(f, ops_out_buffer(f, graph, node, LOSS), &s.none,
            lp_quotient(f, ops_sum(f, &s.none, true, term), ops_load(f, weights, &s.none)));
}

/* dlogits_c = factor · (p_c · gain − [c = t] · hit − floor_c) with factor = scale · s_n / weight_sum,
 * hit = (1 − ε) · w_t, gain = hit + ε/C · Σ w, floor_c = ε/C · w_c: without weights and smoothing p_c − [c =
 * t]. */
void cross_entropy_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  sample s = sample_of(f, graph, node);
  double smoothing = net_node_real(graph, node, "label_smoothing");
  double scale = net_node_real(graph, node, "scale");
  bool weighted = has(&s, CLASS_WEIGHT), sampled = has(&s, SAMPLE_WEIGHT);
  lp_expr factor = lp_quotient(f, lp_real(f, scale), lp_samples(f)), hit = lp_real(f, 1 - smoothing);
  if (weighted || sampled) factor = ops_kept_quotient(f, scale, ops_load_scalar(f, graph, node, 4));
  if (sampled) factor = kept(&s, "factor", lp_product(f, factor, sample_weight(&s)));
  lp_expr dx = ops_load_in(f, graph, node, 0, &s.at), share = lp_real(f, smoothing / s.classes);
  if (weighted) {
    hit = kept(&s, "hit", lp_product(f, at_target(&s, class_weight(&s)), hit));
    lp_expr gain = hit;
    if (smoothing > 0) {
      lp_expr all = lp_product(f, over_classes(&s, class_weight(&s)), share);
      gain = kept(&s, "gain", lp_addition(f, hit, all));
    }
    dx = lp_product(f, dx, gain);
  }
  dx = lp_difference(f, dx, lp_select(f, s.hit, hit, lp_real(f, 0)));
  if (smoothing > 0) dx = lp_difference(f, dx, lp_product(f, class_weight(&s), share));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &s.at, lp_product(f, dx, factor));
}

/* All classes must stay below the target's logit, those behind it may equal it; NaN does neither. */
void correct_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  sample s = sample_of(f, graph, node);
  lp_expr x = ops_load_in(f, graph, node, LOGITS, &s.at), one = lp_real(f, 1), zero = lp_real(f, 0);
  lp_expr best = kept(&s, "best", at_target(&s, x));
  lp_expr behind = lp_op2(f, LP_ge, s.at.at[0], s.target);
  lp_expr tie = lp_op2(f, LP_and, behind, lp_op2(f, LP_eq, x, best));
  lp_expr below = lp_op2(f, LP_or, lp_op2(f, LP_lt, x, best), tie);
  lp_expr count = kept(&s, "below", over_classes(&s, lp_select(f, below, one, zero)));
  lp_expr all = lp_op2(f, LP_eq, count, lp_real(f, s.classes));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &s.none,
            ops_sum(f, &s.none, true, lp_select(f, all, one, zero)));
}
