#include "tests/unit/ops_evaluate.h"

#include "loops/evaluate.h"
#include "loops/print.h"

/* A function whose buffers are the values that a node touches, and the node's statements. */
static lp_function *lower(netc *n, const net_graph *graph, net_node_id node, uint32_t batch, bool masked) {
  const net_op *op = net_node_op(graph, node);
  lp_function *f = lp_function_new(n, &n->arena, net_intern(n, op->name), batch, masked);
  f->value_buffer = NET_NEW_ARRAY(&n->arena, lp_buffer, graph->values.count);
  f->node = node;
  f->update = op->class == OP_UPDATE;
  for (net_value_id v = 0; v < graph->values.count; v++) {
    const net_value *value = net_graph_value_at(graph, v);
    bool constant = value->kind == NET_VALUE_CONSTANT;
    f->value_buffer[v] = lp_buffer_new(f, value->name, value->type, value->shape, value->batched,
                                       constant ? LP_CONSTANT : LP_SCRATCH, 0);
    f->buffers.at[f->value_buffer[v]].data = value->data;
  }
  for (uint32_t i = 0; i < net_graph_at(graph, node)->output_count; i++) {
    net_value_id old = net_node_alias(graph, node, i);
    if (old != NET_NONE) f->value_buffer[net_node_output(graph, node, i)] = f->value_buffer[old];
  }
  op->kernel(f, graph, node);
  if (n->diagnostics.faults || !lp_verify_statements(f)) fail_msg("%s: %s", op->name, ops_test_message(n));
  return f;
}

static void set(const net_run *run, net_value_id v, void *buffer) {
  bool integers = net_graph_value_at(run->graph, v)->type == NET_U32;
  for (uint64_t i = 0; i < net_run_elements(run, v); i++) {
    if (integers)
      ((uint32_t *)buffer)[i] = (uint32_t)run->values[v][i];
    else
      ((float *)buffer)[i] = (float)run->values[v][i];
  }
}

/* What batch_norm leaves alone in inference. */
static bool is_written(const net_graph *graph, net_node_id node, uint32_t output) {
  return strcmp(net_node_op(graph, node)->name, "batch_norm") || output == 0 ||
         net_node_bool(graph, node, "training");
}

static void compare(const net_run *run, net_node_id node, uint32_t output, const void *buffer, double ulps,
                    double least, const char *where) {
  const net_op *op = net_node_op(run->graph, node);
  net_value_id v = net_node_output(run->graph, node, output);
  double largest = least, tolerance;
  for (uint64_t i = 0; i < net_run_elements(run, v); i++) largest = fmax(largest, fabs(run->values[v][i]));
  tolerance = fmax(ulps * 0x1p-23 * largest, 0x1p-126); /* below that numbers lose bits */
  for (uint64_t i = 0; i < net_run_elements(run, v); i++) {
    double expected = run->values[v][i];
    double found = net_type_element(net_graph_value_at(run->graph, v)->type, buffer, i);
    if (found == expected || (isnan(found) && isnan(expected))) continue;
    if (!(fabs(found - expected) <= tolerance))
      fail_msg("%s: %s, output %u, element %llu: kernel %.9g, interpreter %.9g (%g of %g ulps)", where,
               op->name, output, (unsigned long long)i, found, expected,
               fabs(found - expected) / (0x1p-23 * largest), ulps);
  }
}

void ops_test_kernel(net_run *run, net_node_id node, uint32_t batch, double ulps, double least,
                     const char *where) {
  netc *n = run->n;
  const net_node *at = net_graph_at(run->graph, node);
  lp_function *f = lower(n, run->graph, node, batch, batch != run->count);
  lp_memory memory = lp_memory_new(&n->arena, f, false);
  memory.count = run->count;
  memory.params[0] = run->step;
  memory.params[1] = run->key[0];
  memory.params[2] = run->key[1];
  for (uint32_t i = 0; i < at->input_count; i++) {
    net_value_id v = net_node_input(run->graph, node, i);
    if (v != NET_NONE) set(run, v, memory.buffers[f->value_buffer[v]]);
  }
  if (!lp_evaluate_statements(f, &memory)) fail_msg("%s: %s", where, ops_test_message(n));
  for (uint32_t i = 0; i < at->output_count; i++) {
    lp_buffer y = f->value_buffer[net_node_output(run->graph, node, i)];
    if (is_written(run->graph, node, i)) compare(run, node, i, memory.buffers[y], ulps, least, where);
  }
}
