/* Element-wise functions of one value: y = f(x), dx = dy · f'(x). */
#include "ops/kernel.h"
#include "ops/range.h"
#include <float.h>

/* One row is a whole operator. Most have a gradient operator NAME_gradient(dy, v) → dx, where v is y if the
 * derivative is easier from the result, else x. p is the row's attribute (approximate: is it "tanh"). */
typedef struct {
  const char *name, *attribute;
  bool of_result;
  double (*value)(double x, double p);
  double (*gradient)(double dy, double v, double p); /* NULL: linear, its gradient is one like it */
  lp_expr (*kernel)(lp_function *f, lp_expr x, double p);
  lp_expr (*gradient_kernel)(lp_function *f, lp_expr dy, lp_expr v, double p);
  double turns[2]; /* where it may stop falling and begin to rise, or the other way round, beside 0 */
} unary;

static lp_expr times(lp_function *f, double c, lp_expr a) { return lp_product(f, a, lp_real(f, c)); }
static lp_expr one_minus(lp_function *f, lp_expr a) { return lp_difference(f, lp_real(f, 1), a); }

/* ---- relu and leaky_relu: a NaN stays one ---- */

static double relu(double x, double p) { return (void)p, x < 0 ? 0 : x; }
static double relu_gradient(double dy, double y, double p) { return (void)p, y > 0 ? dy : 0; }

static lp_expr relu_kernel(lp_function *f, lp_expr x, double p) {
  (void)p;
  return lp_select(f, lp_op2(f, LP_lt, x, lp_real(f, 0)), lp_real(f, 0), x);
}

static lp_expr relu_gradient_kernel(lp_function *f, lp_expr dy, lp_expr y, double p) {
  (void)p;
  return lp_select(f, lp_op2(f, LP_gt, y, lp_real(f, 0)), dy, lp_real(f, 0));
}

static double leaky_relu(double x, double slope) { return x > 0 ? x : x * slope; }
static double leaky_relu_gradient(double dy, double x, double slope) { return x > 0 ? dy : dy * slope; }

static lp_expr leaky_relu_kernel(lp_function *f, lp_expr x, double slope) {
  return lp_select(f, lp_op2(f, LP_gt, x, lp_real(f, 0)), x, times(f, slope, x));
}

static lp_expr leaky_relu_gradient_kernel(lp_function *f, lp_expr dy, lp_expr x, double slope) {
  return lp_select(f, lp_op2(f, LP_gt, x, lp_real(f, 0)), dy, times(f, slope, dy));
}

/* ---- sigmoid, tanh, silu ---- */

static double sigmoid(double x, double p) { return (void)p, 1 / (1 + exp(-x)); }
static double sigmoid_gradient(double dy, double y, double p) { return (void)p, dy * y * (1 - y); }

static lp_expr sigmoid_kernel(lp_function *f, lp_expr x, double p) {
  (void)p;
  return lp_op1(f, LP_sigmoid, x);
}

static lp_expr sigmoid_gradient_kernel(lp_function *f, lp_expr dy, lp_expr y, double p) {
  (void)p;
  return lp_product(f, dy, lp_product(f, y, one_minus(f, y)));
}

static double tangent(double x, double p) { return (void)p, tanh(x); }
static double tangent_gradient(double dy, double y, double p) { return (void)p, dy * (1 - y) * (1 + y); }

static lp_expr tangent_kernel(lp_function *f, lp_expr x, double p) { return (void)p, lp_op1(f, LP_tanh, x); }

static lp_expr tangent_gradient_kernel(lp_function *f, lp_expr dy, lp_expr y, double p) {
  (void)p;
  return lp_product(f, dy, lp_product(f, one_minus(f, y), lp_addition(f, y, lp_real(f, 1)))); /* exact at 1 */
}

static double silu(double x, double p) { return (void)p, x / (1 + exp(-x)); }

static double silu_gradient(double dy, double x, double p) { /* 1 − σ(x) = σ(−x) */
  return dy * sigmoid(x, p) * (1 + x * sigmoid(-x, p));
}

static lp_expr silu_kernel(lp_function *f, lp_expr x, double p) {
  (void)p;
  return lp_product(f, x, lp_op1(f, LP_sigmoid, x));
}

static lp_expr silu_gradient_kernel(lp_function *f, lp_expr dy, lp_expr x, double p) {
  (void)p;
  lp_expr s = lp_op1(f, LP_sigmoid, x);
  lp_expr inner = lp_addition(f, lp_real(f, 1), lp_product(f, x, one_minus(f, s)));
  return lp_product(f, dy, lp_product(f, s, inner));
}

/* ---- gelu: x·Φ(x), or with ½(1 + tanh u) = σ(2u), u = √(2/π)(x + 0.044715 x³) in place of Φ ---- */

#define CUBE 0.044715
#define TWO_ROOT (2 * M_2_SQRTPI * M_SQRT1_2) /* 2·√(2/π) */

static double gelu(double x, double approximate) {
  if (approximate != 0) return x * sigmoid(TWO_ROOT * (x + CUBE * x * x * x), 0);
  return 0.5 * x * erfc(-x * M_SQRT1_2); /* erfc: no cancellation far to the left */
}

static double gelu_gradient(double dy, double x, double approximate) {
  if (approximate != 0) {
    double u2 = TWO_ROOT * (x + CUBE * x * x * x), slope = TWO_ROOT * (1 + 3 * CUBE * x * x);
    return dy * sigmoid(u2, 0) * (1 + x * sigmoid(-u2, 0) * slope);
  }
  double density = exp(-0.5 * x * x) * 0.5 * M_2_SQRTPI * M_SQRT1_2;
  return dy * (0.5 * erfc(-x * M_SQRT1_2) + x * density);
}

/* σ(2u), and if asked d(2u)/dx */
static lp_expr gelu_gate(lp_function *f, lp_expr x, lp_expr *slope) {
  lp_expr square = lp_product(f, x, x);
  lp_expr u2 = lp_product(f, x, lp_addition(f, lp_real(f, TWO_ROOT), times(f, TWO_ROOT * CUBE, square)));
  if (slope) *slope = lp_addition(f, lp_real(f, TWO_ROOT), times(f, TWO_ROOT * 3 * CUBE, square));
  return lp_op1(f, LP_sigmoid, u2);
}

static lp_expr gaussian_cdf(lp_function *f, lp_expr x) {
  return lp_addition(f, lp_real(f, 0.5), times(f, 0.5, lp_op1(f, LP_erf, times(f, M_SQRT1_2, x))));
}

static lp_expr gelu_kernel(lp_function *f, lp_expr x, double approximate) {
  return lp_product(f, x, approximate != 0 ? gelu_gate(f, x, NULL) : gaussian_cdf(f, x));
}

static lp_expr gelu_gradient_kernel(lp_function *f, lp_expr dy, lp_expr x, double approximate) {
  lp_expr derivative;
  if (approximate != 0) {
    lp_expr slope, s = gelu_gate(f, x, &slope);
    lp_expr inner = lp_product(f, x, lp_product(f, one_minus(f, s), slope));
    derivative = lp_product(f, s, lp_addition(f, lp_real(f, 1), inner));
  } else {
    lp_expr bell = lp_op1(f, LP_exp, times(f, -0.5, lp_product(f, x, x)));
    lp_expr density = times(f, 0.5 * M_2_SQRTPI * M_SQRT1_2, bell);
    derivative = lp_addition(f, gaussian_cdf(f, x), lp_product(f, x, density));
  }
  return lp_product(f, dy, derivative);
}

/* ---- linear ones ---- */

static double negate(double x, double p) { return (void)p, -x; }

static lp_expr negate_kernel(lp_function *f, lp_expr x, double p) { return (void)p, lp_op1(f, LP_neg, x); }

static double scale(double x, double factor) { return x * factor; }
static lp_expr scale_kernel(lp_function *f, lp_expr x, double factor) { return times(f, factor, x); }

#define WITH_GRADIENT(f) f, f##_gradient, f##_kernel, f##_gradient_kernel
#define LINEAR(f) f, NULL, f##_kernel, NULL
static const unary rows[] = {
    {"relu", NULL, true, WITH_GRADIENT(relu), {0}},
    {"leaky_relu", "slope", false, WITH_GRADIENT(leaky_relu), {0}},
    {"sigmoid", NULL, true, WITH_GRADIENT(sigmoid), {0}},
    {"tanh", NULL, true, WITH_GRADIENT(tangent), {0}},
    {"silu", NULL, false, WITH_GRADIENT(silu), {-1.2784645427610738, 0}},
    {"gelu", "approximate", false, WITH_GRADIENT(gelu), {-0.7517915246935645, -0.7524614220710163}},
    {"negate", NULL, false, LINEAR(negate), {0}},
    {"scale", "factor", false, LINEAR(scale), {0}},
};

/* The row of a node of operator NAME or NAME_gradient. */
static const unary *row_of(const net_graph *graph, net_node_id node) {
  const char *name = net_node_op(graph, node)->name;
  const unary *row = rows;
  for (;; row++) {
    size_t length = strlen(row->name);
    if (!strncmp(name, row->name, length) && (!name[length] || !strcmp(name + length, "_gradient")))
      return row;
  }
}

static double attribute_of(const net_graph *graph, net_node_id node, const unary *row) {
  if (!row->attribute) return 0;
  const net_attribute *attribute = net_node_attribute(graph, node, row->attribute);
  if (attribute->kind == NET_ATTRIBUTE_TEXT) return !strcmp(net_text(graph->n, attribute->text), "tanh");
  return attribute->real;
}

static bool attribute_fits(net_graph *graph, net_node_id node, const unary *row) {
  if (!row->attribute) return true;
  const net_attribute *attribute = net_node_attribute(graph, node, row->attribute);
  if (attribute->kind != NET_ATTRIBUTE_TEXT)
    return ops_require_real(graph, node, row->attribute, -INFINITY, INFINITY, true);
  const char *text = net_text(graph->n, attribute->text);
  if (!strcmp(text, "tanh") || !strcmp(text, "none")) return true;
  return ops_refuse(graph, node, NET_NONE, "needs %s = none or tanh, not '%s'", row->attribute, text);
}

bool unary_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  return ops_require_f32(graph, node) && attribute_fits(graph, node, row_of(graph, node)) &&
         ops_result_like(graph, node, 0, 0);
}

bool unary_gradient_shape(netc *n, net_graph *graph, net_node_id node) {
  return unary_shape(n, graph, node) && ops_require_same(graph, node, 0, 1);
}

bool unary_gradient(net_gradient *g) {
  const unary *row = row_of(g->graph, g->node);
  const net_node *node = net_graph_at(g->graph, g->node);
  net_value_id x = net_node_input(g->graph, g->node, 0), y = net_node_output(g->graph, g->node, 0);
  net_attribute attribute = {0};
  if (row->attribute) attribute = g->graph->attributes.at[node->first_attribute];
  const char *op = net_arena_format(&g->graph->n->arena, "%s_gradient", row->name);
  g->dx[0] = net_gradient_call(g, op, "x_gradient", OPS_VALUES(g->dy[0], row->of_result ? y : x), &attribute,
                               row->attribute != NULL);
  return g->dx[0] != NET_NONE;
}

bool negate_gradient(net_gradient *g) {
  g->dx[0] = net_gradient_call(g, "negate", "x_gradient", OPS_VALUES(g->dy[0]), OPS_NO_ATTRIBUTES);
  return g->dx[0] != NET_NONE;
}

bool scale_gradient(net_gradient *g) {
  netc *n = g->graph->n;
  double factor = net_node_real(g->graph, g->node, "factor");
  g->dx[0] = net_gradient_call(g, "scale", "x_gradient", OPS_VALUES(g->dy[0]),
                               OPS_ATTRIBUTES(net_attribute_real(n, "factor", factor)));
  return g->dx[0] != NET_NONE;
}

void unary_interpret(const net_interpretation *call) {
  const unary *row = row_of(call->graph, call->node);
  double p = attribute_of(call->graph, call->node, row);
  uint64_t total = ops_total(call, ops_out(call, 0));
  for (uint64_t i = 0; i < total; i++) call->outputs[0][i] = row->value(call->inputs[0][i], p);
}

void unary_gradient_interpret(const net_interpretation *call) {
  const unary *row = row_of(call->graph, call->node);
  double p = attribute_of(call->graph, call->node, row);
  uint64_t total = ops_total(call, ops_out(call, 0));
  for (uint64_t i = 0; i < total; i++)
    call->outputs[0][i] = row->gradient(call->inputs[0][i], call->inputs[1][i], p);
}

/* At infinity: as far out as there are numbers where the formula is 0 · ∞. */
static double limit(const unary *row, double x, double p) {
  double y = row->value(x, p);
  return isnan(y) ? row->value(copysign(FLT_MAX, x), p) : y;
}

/* The ends are among the values at the ends and where the function turns. */
void unary_range(const net_ranging *call) {
  const unary *row = row_of(call->graph, call->node);
  double p = attribute_of(call->graph, call->node, row), turns[] = {0, row->turns[0], row->turns[1]};
  bool exact = net_node_op(call->graph, call->node)->ulps == 0; /* relu, negate: the grid stays */
  uint64_t count = ops_elements(ops_ranged_out(call, 0));
  for (uint64_t i = 0; i < count; i++) {
    net_range x = call->inputs[0][i];
    double a = limit(row, x.lo, p), b = limit(row, x.hi, p);
    net_range y = {fmin(a, b), fmax(a, b)};
    for (uint32_t k = 0; k < 3; k++) {
      double at = turns[k] > x.lo && turns[k] < x.hi ? row->value(turns[k], p) : a;
      y = ops_hull(y, (net_range){at, at});
    }
    call->outputs[0][i] = y;
    if (!strcmp(row->name, "gelu")) call->terms[0][i] = ops_most(x) / 2; /* x·(½ + ½·erf) */
    if (exact) call->output_grids[0][i] = call->grids[0][i], call->output_units[0][i] = call->units[0][i];
  }
}

void unary_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const unary *row = row_of(graph, node);
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr x = ops_load_in(f, graph, node, 0, &at);
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, row->kernel(f, x, attribute_of(graph, node, row)));
}

void unary_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const unary *row = row_of(graph, node);
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr dy = ops_load_in(f, graph, node, 0, &at), v = ops_load_in(f, graph, node, 1, &at);
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at,
            row->gradient_kernel(f, dy, v, attribute_of(graph, node, row)));
}
