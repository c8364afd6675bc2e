/* add, sub, mul: y = f(a, b), shapes broadcast as numpy does, the batch left out. wide: of numbers on integer
 * grids, whose results have more steps than binary32 has; y is then f64 and exact, for a quantiser behind it
 * (linear.c). */
#include "ops/kernel.h"

enum { A, B };

static double add(double a, double b) { return a + b; }
static double sub(double a, double b) { return a - b; }
static double mul(double a, double b) { return a * b; }

static const struct {
  const char *name;
  double (*value)(double a, double b);
  lp_expr_kind operation;
} rows[] = {{"add", add, LP_add}, {"sub", sub, LP_sub}, {"mul", mul, LP_mul}};

static uint32_t row_of(const net_graph *graph, net_node_id node) {
  uint32_t row = 0;
  while (strcmp(rows[row].name, net_node_op(graph, node)->name)) row++;
  return row;
}

bool binary_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_f32(graph, node)) return false;
  const net_value *a = ops_input(graph, node, A), *b = ops_input(graph, node, B);
  net_shape shape;
  if (!ops_broadcast(a->shape, b->shape, &shape))
    return ops_refuse(graph, node, net_node_input(graph, node, B),
                      "cannot broadcast shapes: %s and %s (axes must be equal or 1, from the last one on)",
                      ops_describe(graph, net_node_input(graph, node, A)),
                      ops_describe(graph, net_node_input(graph, node, B)));
  net_type type = net_node_bool(graph, node, "wide") ? NET_F64 : NET_F32;
  return ops_result(graph, node, 0, type, shape, a->batched || b->batched);
}

bool add_gradient(net_gradient *g) {
  return (!g->wanted[A] || ops_gradient_reduced(g, A, g->dy[0], "a_gradient")) &&
         (!g->wanted[B] || ops_gradient_reduced(g, B, g->dy[0], "b_gradient"));
}

bool sub_gradient(net_gradient *g) {
  if (g->wanted[A] && !ops_gradient_reduced(g, A, g->dy[0], "a_gradient")) return false;
  if (!g->wanted[B]) return true;
  net_value_id negated = net_gradient_call(g, "negate", "b_negated", OPS_VALUES(g->dy[0]), OPS_NO_ATTRIBUTES);
  return negated != NET_NONE && ops_gradient_reduced(g, B, negated, "b_gradient");
}

bool mul_gradient(net_gradient *g) {
  static const char *const product_names[] = {"a_product", "b_product"};
  static const char *const names[] = {"a_gradient", "b_gradient"};
  for (uint32_t i = 0; i < 2; i++) {
    if (!g->wanted[i]) continue;
    net_value_id other = net_node_input(g->graph, g->node, 1 - i);
    net_value_id product =
        net_gradient_call(g, "mul", product_names[i], OPS_VALUES(g->dy[0], other), OPS_NO_ATTRIBUTES);
    if (product == NET_NONE || !ops_gradient_reduced(g, i, product, names[i])) return false;
  }
  return true;
}

/* Element `at` of a row of the output, from a value that is broadcast to it. */
static double element(const net_interpretation *call, uint32_t input, uint64_t row, uint64_t at) {
  const net_value *value = ops_in(call, input);
  uint64_t start = value->batched ? row * ops_elements(value) : 0;
  return call->inputs[input][start + ops_project(&ops_out(call, 0)->shape, &value->shape, at)];
}

void binary_interpret(const net_interpretation *call) {
  const net_value *y = ops_out(call, 0);
  uint32_t operation = row_of(call->graph, call->node);
  uint64_t count = ops_elements(y);
  for (uint64_t row = 0; row < ops_rows(call, y); row++)
    for (uint64_t i = 0; i < count; i++)
      call->outputs[0][row * count + i] =
          rows[operation].value(element(call, A, row, i), element(call, B, row, i));
}

void binary_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr a = ops_load_in(f, graph, node, A, &at), b = ops_load_in(f, graph, node, B, &at);
  if (net_node_bool(graph, node, "wide")) a = lp_convert(f, NET_F64, a), b = lp_convert(f, NET_F64, b);
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, lp_op2(f, rows[row_of(graph, node)].operation, a, b));
}
