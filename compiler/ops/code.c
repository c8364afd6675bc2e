#include "ops/code.h"

net_range ops_code_ends(net_type type) {
  int bits = 8 * (int)net_type_bytes(type);
  bool is_signed = type == NET_I8 || type == NET_I16 || type == NET_I32 || type == NET_I64;
  if (is_signed) return (net_range){-ldexp(1, bits - 1), ldexp(1, bits - 1) - 1};
  return (net_range){0, ldexp(1, bits) - 1};
}

/* ---- shapes ---- */

bool ops_require_codes(net_graph *graph, net_node_id node, uint32_t first, uint32_t last) {
  for (uint32_t i = first; i <= last; i++) {
    const net_value *value = ops_input(graph, node, i);
    if (value && !ops_is_code(value->type))
      return ops_refuse(graph, node, net_node_input(graph, node, i), "takes integers, but %s",
                        ops_describe(graph, net_node_input(graph, node, i)));
  }
  return true;
}

bool ops_require_spread(net_graph *graph, net_node_id node, uint32_t input, net_type type, net_shape full) {
  const net_value *value = ops_input(graph, node, input);
  if (!value || (value->type == type && !value->batched && ops_broadcasts_to(value->shape, full)))
    return true;
  return ops_refuse(graph, node, net_node_input(graph, node, input), "needs %s that fits %s, but %s",
                    net_type_name(type), net_shape_text(&graph->n->arena, &full),
                    ops_describe(graph, net_node_input(graph, node, input)));
}

bool ops_code_type(net_graph *graph, net_node_id node, const char *key, net_type *type) {
  const char *text = net_text(graph->n, net_node_attribute(graph, node, key)->text);
  for (*type = 0; *type < NET_TYPE_COUNT; ++*type)
    if (ops_is_code(*type) && !strcmp(net_type_name(*type), text)) return true;
  return ops_refuse(graph, node, NET_NONE, "needs an integer type as its %s, not '%s'", key, text);
}

net_type ops_sum_type(const net_graph *graph, net_node_id node) {
  return net_node_int(graph, node, "bits") > 32 ? NET_I64 : NET_I32;
}

bool ops_require_sum(net_graph *graph, net_node_id node) {
  int64_t bits = net_node_int(graph, node, "bits");
  if (bits == 32 || bits == 64) return true;
  return ops_refuse(graph, node, NET_NONE, "sums in 32 or 64 bits, not %lld", (long long)bits);
}

/* ---- interpret ---- */

int64_t ops_code_at(const net_interpretation *call, uint32_t input, uint64_t row, uint64_t at) {
  const net_value *value = ops_in(call, input);
  uint64_t start = value->batched ? row * ops_elements(value) : 0;
  return (int64_t)call->inputs[input][start + ops_project(&ops_out(call, 0)->shape, &value->shape, at)];
}

double ops_code_wrapped(net_type type, uint64_t q) {
  return type == NET_I32 ? (double)(int32_t)(uint32_t)q : (double)(int64_t)q;
}

/* ---- ranges ---- */

net_range ops_code_range(net_type type, net_range q) {
  net_range ends = ops_code_ends(type);
  return q.lo >= ends.lo && q.hi <= ends.hi ? q : ends;
}

net_range ops_range_at(const net_ranging *call, uint32_t input, uint64_t at) {
  return call
      ->inputs[input][ops_project(&ops_ranged_out(call, 0)->shape, &ops_ranged_in(call, input)->shape, at)];
}

void ops_code_grid(const net_ranging *call) {
  for (uint64_t i = 0; i < ops_elements(ops_ranged_out(call, 0)); i++) call->output_grids[0][i] = 0;
}

/* ---- kernels ---- */

lp_expr ops_load_as(lp_function *f, const net_graph *graph, net_node_id node, uint32_t input, net_type type,
                    const ops_place *at) {
  return lp_convert(f, type, ops_load_in(f, graph, node, input, at));
}
