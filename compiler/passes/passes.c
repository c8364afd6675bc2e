#include "passes/passes.h"

const net_pass net_passes[NET_PASS_COUNT] = {
#define PASS(name, needs, gives, drops, function) {#name, needs, gives, drops, function},
#include "passes/passes.def"
#undef PASS
};

net_graph *net_pass_run(const net_pass_context *context, net_pass_id pass, const net_graph *graph,
                        uint32_t *have) {
  const net_pass *row = &net_passes[pass];
  if ((row->needs & *have) != row->needs) {
    net_fault(context->n, graph->loc, "the pass %s comes before what it needs", row->name);
    return NULL;
  }
  net_graph *result = row->run(context, graph);
  if (!result) return NULL;
  if (context->verify && !net_graph_verify(context->n, result)) {
    net_note(context->n, NET_NOWHERE, "after the pass %s", row->name);
    return NULL;
  }
  *have = (*have & ~row->drops) | row->gives;
  return result;
}
