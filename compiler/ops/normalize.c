/* normalize: one step of the data's normalisation, element by element, as the runtime applies it to rows
 * (runtime/data.h, rt_fitted_step); what is compiled into an object takes rows as the file has them.
 *   affine  y = (x − offset)·factor, both rounded to binary32
 *   clip    y = x within [offset, factor]
 *   log1p   y = ln(1 + x) where factor is 1, else x */
#include "ops/kernel.h"
#include "ops/range.h"

enum { X, OFFSET, FACTOR };
typedef enum { AFFINE, CLIP, LOG1P, KINDS } kind;
static const char *const names[KINDS] = {"affine", "clip", "log1p"};

static kind kind_of(const net_graph *graph, net_node_id node) {
  const char *text = net_text(graph->n, net_node_attribute(graph, node, "kind")->text);
  kind k = 0;
  while (k < KINDS && strcmp(names[k], text)) k++;
  return k;
}

bool normalize_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  if (!ops_require_f32(graph, node)) return false;
  net_shape shape = ops_input(graph, node, X)->shape;
  if (kind_of(graph, node) == KINDS)
    return ops_refuse(graph, node, NET_NONE, "has kind = %s; known are affine, clip and log1p",
                      net_text(graph->n, net_node_attribute(graph, node, "kind")->text));
  return ops_require_unbatched(graph, node, OFFSET, shape) &&
         ops_require_unbatched(graph, node, FACTOR, shape) && ops_result_like(graph, node, 0, X);
}

void normalize_interpret(const net_interpretation *call) {
  kind k = kind_of(call->graph, call->node);
  uint64_t each = ops_elements(ops_out(call, 0)), count = ops_total(call, ops_out(call, 0));
  for (uint64_t i = 0; i < count; i++) {
    double x = call->inputs[X][i], offset = call->inputs[OFFSET][i % each],
           factor = call->inputs[FACTOR][i % each];
    float moved = (float)x - (float)offset;
    double raised = x < offset ? offset : x, clipped = raised > factor ? factor : raised;
    call->outputs[0][i] = k == AFFINE ? (double)(moved * (float)factor)
                          : k == CLIP ? clipped
                                      : factor == 0 ? x : log1p(x);
  }
}

void normalize_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr x = ops_load_in(f, graph, node, X, &at), y = 0;
  lp_expr offset = ops_load_in(f, graph, node, OFFSET, &at),
          factor = ops_load_in(f, graph, node, FACTOR, &at);
  switch (kind_of(graph, node)) {
  case CLIP:
    y = lp_select(f, lp_op2(f, LP_lt, x, offset), offset, x);
    y = lp_select(f, lp_op2(f, LP_gt, y, factor), factor, y);
    break;
  case LOG1P:
    y = lp_select(f, lp_op2(f, LP_eq, factor, lp_real(f, 0)), x, lp_op1(f, LP_log1p, x));
    break;
  default: y = lp_product(f, lp_difference(f, x, offset), factor);
  }
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, y);
}

void normalize_range(const net_ranging *call) {
  kind k = kind_of(call->graph, call->node);
  uint64_t count = ops_elements(ops_ranged_out(call, 0));
  for (uint64_t i = 0; i < count; i++) {
    net_range x = call->inputs[X][i], offset = call->inputs[OFFSET][i], factor = call->inputs[FACTOR][i];
    net_range *y = &call->outputs[0][i];
    *y = OPS_ANYTHING;
    if (k == AFFINE) *y = ops_times(ops_minus(x, offset), factor);
    if (k == CLIP)
      *y = (net_range){fmin(fmax(x.lo, offset.lo), factor.hi), fmin(fmax(x.hi, offset.lo), factor.hi)};
  }
}
