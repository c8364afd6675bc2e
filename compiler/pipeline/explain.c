#include "pipeline/explain.h"

#include "interpret/interpret.h"

/* The rows of the batch, gathered from a column. */
static void set_column(net_run *run, net_value_id id, const rt_step *step, uint32_t slot) {
  const net_value *value = net_graph_value_at(run->graph, id);
  size_t width = (size_t)net_shape_elements(&value->shape); /* f32 and u32 alike have four bytes */
  uint32_t *rows = NET_NEW_ARRAY(run->arena, uint32_t, run->count * width + 1);
  const uint32_t *column = step->columns[slot];
  for (uint32_t i = 0; i < run->count; i++)
    memcpy(rows + i * width, column + (size_t)step->index[i] * width, width * sizeof *rows);
  net_run_set(run, id, rows);
}

static uint32_t column_slot(const rt_program *p, rt_column_kind kind, uint32_t which) {
  for (uint32_t i = 0; i < p->column_count; i++)
    if (p->columns[i].kind == kind && p->columns[i].which == which) return i;
  return 0;
}

const char *pl_explain(void *context, const rt_step *step) {
  const pl_graphs *graphs = context;
  const rt_program *p = graphs->program;
  const net_graph *graph = step->outputs ? graphs->evaluate : graphs->train;
  if (!graph) return NULL;
  net_run run = net_run_begin(graphs->n, graph, &graphs->n->arena, step->count);
  run.step = step->step, run.key[0] = step->key[0], run.key[1] = step->key[1];
  uint32_t scalar = 0;
  for (net_value_id v = 0; v < graph->values.count; v++) {
    const net_value *value = net_graph_value_at(graph, v);
    switch (value->kind) {
    case NET_VALUE_INPUT: set_column(&run, v, step, column_slot(p, RT_COLUMN_INPUT, value->column)); break;
    case NET_VALUE_TARGET: set_column(&run, v, step, column_slot(p, RT_COLUMN_TARGET, value->column)); break;
    case NET_VALUE_WEIGHT: set_column(&run, v, step, column_slot(p, RT_COLUMN_WEIGHT, value->column)); break;
    case NET_VALUE_SCALAR: net_run_set(&run, v, &step->scalars[scalar++]); break;
    case NET_VALUE_PARAMETER:
    case NET_VALUE_STATISTIC:
    case NET_VALUE_STATE:
      for (uint32_t i = 0; i < p->variable_count; i++)
        if (!strcmp(p->variables[i].name, net_text(graphs->n, value->name)))
          net_run_set(&run, v, step->variables + p->variables[i].offset);
      break;
    default: break;
    }
  }
  net_run_all(&run);
  net_node_id node = net_run_first_not_finite(&run);
  if (node == NET_NONE) return NULL;
  const net_node *at = net_graph_at(graph, node);
  return net_text(graphs->n, net_node_is_quantizer(graph, node) ? at->owner : at->name);
}
