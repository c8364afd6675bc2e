/* softmax and log_softmax along an axis, shifted by the maximum so that no exponential overflows. */
#include "ops/common.h"
#include <math.h>

bool softmax_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  uint32_t axis;
  return ops_require_f32(graph, node) && ops_axis(graph, node, 0, net_node_int(graph, node, "axis"), &axis) &&
         ops_result_like(graph, node, 0, 0);
}

bool softmax_gradient_shape(netc *n, net_graph *graph, net_node_id node) {
  return softmax_shape(n, graph, node) && ops_require_same(graph, node, 0, 1);
}

/* Both gradients are easier from the result. */
static bool gradient(net_gradient *g, const char *op) {
  net_attribute axis = *net_node_attribute(g->graph, g->node, "axis");
  net_value_id y = net_node_output(g->graph, g->node, 0);
  g->dx[0] = net_gradient_call(g, op, "x_gradient", OPS_VALUES(g->dy[0], y), &axis, 1);
  return g->dx[0] != NET_NONE;
}

bool softmax_gradient(net_gradient *g) { return gradient(g, "softmax_gradient"); }
bool log_softmax_gradient(net_gradient *g) { return gradient(g, "log_softmax_gradient"); }

/* The lines of a tensor along the axis: element k of line l lies at start + k · step. */
typedef struct {
  uint64_t lines, extent, step;
} lines;

static lines lines_of(const net_interpretation *call) {
  const net_value *x = ops_in(call, 0);
  ops_split split = ops_split_at(&x->shape, ops_node_axis(call->graph, call->node, 0));
  return (lines){ops_rows(call, x) * split.outer * split.inner, split.extent, split.inner};
}

static uint64_t start_of(lines l, uint64_t line) { return line / l.step * l.extent * l.step + line % l.step; }

/* The maximum and Σ exp(x − maximum) of a line. */
static double shifted_sum(const double *x, lines l, double *maximum) {
  double sum = 0;
  *maximum = x[0];
  for (uint64_t k = 1; k < l.extent; k++)
    if (x[k * l.step] > *maximum) *maximum = x[k * l.step];
  for (uint64_t k = 0; k < l.extent; k++) sum += exp(x[k * l.step] - *maximum);
  return sum;
}

void softmax_interpret(const net_interpretation *call) {
  lines l = lines_of(call);
  for (uint64_t line = 0; line < l.lines; line++) {
    const double *x = call->inputs[0] + start_of(l, line);
    double *y = call->outputs[0] + start_of(l, line), maximum, sum = shifted_sum(x, l, &maximum);
    for (uint64_t k = 0; k < l.extent; k++) y[k * l.step] = exp(x[k * l.step] - maximum) / sum;
  }
}

void log_softmax_interpret(const net_interpretation *call) {
  lines l = lines_of(call);
  for (uint64_t line = 0; line < l.lines; line++) {
    const double *x = call->inputs[0] + start_of(l, line);
    double *y = call->outputs[0] + start_of(l, line), maximum, sum = shifted_sum(x, l, &maximum);
    for (uint64_t k = 0; k < l.extent; k++) y[k * l.step] = x[k * l.step] - maximum - log(sum);
  }
}

/* dx = y · (dy − Σ dy·y) */
void softmax_gradient_interpret(const net_interpretation *call) {
  lines l = lines_of(call);
  for (uint64_t line = 0; line < l.lines; line++) {
    const double *dy = call->inputs[0] + start_of(l, line), *y = call->inputs[1] + start_of(l, line);
    double *dx = call->outputs[0] + start_of(l, line), sum = 0;
    for (uint64_t k = 0; k < l.extent; k++) sum += dy[k * l.step] * y[k * l.step];
    for (uint64_t k = 0; k < l.extent; k++) dx[k * l.step] = y[k * l.step] * (dy[k * l.step] - sum);
  }
}

/* dx = dy − exp(y) · Σ dy */
void log_softmax_gradient_interpret(const net_interpretation *call) {
  lines l = lines_of(call);
  for (uint64_t line = 0; line < l.lines; line++) {
    const double *dy = call->inputs[0] + start_of(l, line), *y = call->inputs[1] + start_of(l, line);
    double *dx = call->outputs[0] + start_of(l, line), sum = 0;
    for (uint64_t k = 0; k < l.extent; k++) sum += dy[k * l.step];
    for (uint64_t k = 0; k < l.extent; k++) dx[k * l.step] = dy[k * l.step] - exp(y[k * l.step]) * sum;
  }
}
