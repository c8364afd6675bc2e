#include "pipeline/tables.h"

enum { VARIABLE_FLOATS = 16 }; /* variables begin at multiples of a cache line */

static const char *name_text(const net_graph *graph, net_name name) {
  return net_arena_copy(graph->arena, net_text(graph->n, name), strlen(net_text(graph->n, name)));
}

static bool find_kind(net_value_kind kind, rt_variable_kind *found) {
  switch (kind) {
  case NET_VALUE_PARAMETER: return *found = RT_PARAMETER, true;
  case NET_VALUE_STATISTIC: return *found = RT_STATISTIC, true;
  case NET_VALUE_STATE: return *found = RT_STATE, true;
  default: return false;
  }
}

static const rt_initializer initializers[] = {
    [NET_INIT_FILL] = RT_FILL, [NET_INIT_UNIFORM] = RT_UNIFORM, [NET_INIT_NORMAL] = RT_NORMAL};
static const rt_scalar_kind scalar_kinds[] = {[NET_SCALAR_RATE] = RT_SCALAR_RATE,
                                              [NET_SCALAR_CORRECTION1] = RT_SCALAR_CORRECTION1,
                                              [NET_SCALAR_CORRECTION2] = RT_SCALAR_CORRECTION2};

/* Parameters first, then statistics, then the optimiser's state, each in the order of the graph. */
static void make_variables(pl_tables *t, const net_graph *graph) {
  rt_program *p = &t->program;
  p->variables = NET_NEW_ARRAY(t->arena, rt_variable, graph->values.count + 1);
  t->variables = NET_NEW_ARRAY(t->arena, kn_variable, graph->values.count + 1);
  for (rt_variable_kind wanted = RT_PARAMETER; wanted <= RT_STATE; wanted++)
    for (net_value_id v = 0; v < graph->values.count; v++) {
      const net_value *value = net_graph_value_at(graph, v);
      rt_variable_kind kind;
      if (!find_kind(value->kind, &kind) || kind != wanted) continue;
      t->variables[p->variable_count] = (kn_variable){value->name, p->variable_floats};
      p->variables[p->variable_count++] = (rt_variable){.name = name_text(graph, value->name),
                                                        .shape = value->shape,
                                                        .kind = kind,
                                                        .offset = p->variable_floats,
                                                        .initializer = initializers[value->init.kind],
                                                        .value = value->init.value,
                                                        .frozen = value->frozen};
      size_t floats = (size_t)net_shape_elements(&value->shape);
      p->variable_floats += (floats + VARIABLE_FLOATS - 1) / VARIABLE_FLOATS * VARIABLE_FLOATS;
    }
}

static void make_columns(pl_tables *t, const net_graph *graph) {
  static const struct {
    net_value_kind value;
    rt_column_kind column;
  } kinds[] = {{NET_VALUE_INPUT, RT_COLUMN_INPUT},
               {NET_VALUE_TARGET, RT_COLUMN_TARGET},
               {NET_VALUE_WEIGHT, RT_COLUMN_WEIGHT}};
  rt_program *p = &t->program;
  p->columns = NET_NEW_ARRAY(t->arena, rt_column_ref, graph->values.count + 1);
  t->columns = NET_NEW_ARRAY(t->arena, net_name, graph->values.count + 1);
  for (int k = 0; k < 3; k++)
    for (net_value_id v = 0; v < graph->values.count; v++) {
      const net_value *value = net_graph_value_at(graph, v);
      if (value->kind != kinds[k].value) continue;
      t->columns[p->column_count] = value->name;
      p->columns[p->column_count++] = (rt_column_ref){kinds[k].column, value->column};
    }
}

static void make_scalars(pl_tables *t, const net_graph *graph) {
  rt_program *p = &t->program;
  p->scalars = NET_NEW_ARRAY(t->arena, rt_scalar, graph->values.count + 1);
  t->scalars = NET_NEW_ARRAY(t->arena, net_name, graph->values.count + 1);
  for (net_value_id v = 0; v < graph->values.count; v++) {
    const net_value *value = net_graph_value_at(graph, v);
    if (value->kind != NET_VALUE_SCALAR) continue;
    t->scalars[p->scalar_count] = value->name;
    p->scalars[p->scalar_count++] = (rt_scalar){scalar_kinds[value->scalar], value->group, value->beta};
  }
}

static void add_output(pl_tables *t, const net_graph *graph, net_value_id id) {
  const net_value *value =
      net_graph_value_at(graph, net_graph_plain(graph, id)); /* called as the network does */
  t->program.outputs[t->program.output_count++] = (rt_output){
      name_text(graph, value->name), (uint32_t)net_shape_elements(&value->shape), value->shape};
}

/* The network's outputs, then what losses look at unless it is an output already. */
static uint32_t output_of(const net_graph *graph, uint32_t observed) {
  net_value_id id = graph->observed.at[observed];
  for (uint32_t i = 0; i < graph->outputs.count; i++)
    if (graph->outputs.at[i] == id) return i;
  uint32_t at = graph->outputs.count;
  for (uint32_t i = 0; i < observed; i++) {
    if (graph->observed.at[i] == id) return output_of(graph, i);
    at += output_of(graph, i) == at;
  }
  return at;
}

static void make_outputs(pl_tables *t, const net_graph *network, const net_graph *evaluate,
                         const net_objective *objective) {
  rt_program *p = &t->program;
  uint32_t observed = evaluate ? evaluate->observed.count : 0;
  p->outputs = NET_NEW_ARRAY(t->arena, rt_output, network->outputs.count + observed + 1);
  for (uint32_t i = 0; i < network->outputs.count; i++) add_output(t, network, network->outputs.at[i]);
  p->network_outputs = p->output_count;
  p->logits = p->values = UINT32_MAX;
  for (uint32_t i = 0; i < observed; i++) {
    uint32_t at = output_of(evaluate, i);
    if (at == p->output_count) add_output(t, evaluate, evaluate->observed.at[i]);
    const net_loss_term *term = &objective->terms[i];
    bool classes = objective->targets[term->target].type == NET_U32;
    if (classes && p->logits == UINT32_MAX) p->logits = at, p->target_column = term->target;
    if (!classes && p->values == UINT32_MAX) p->values = at, p->values_target = term->target;
  }
}

static bool normalizes(const net_graph *graph) {
  for (net_value_id v = 0; v < graph->values.count; v++)
    if (graph->values.at[v].kind == NET_VALUE_STATISTIC) return true;
  return false;
}

pl_tables pl_make_tables(netc *n, net_arena *arena, const pl_request *request, const pl_graphs *graphs,
                         const char *target) {
  pl_tables t = {.arena = arena};
  const net_graph *fullest = graphs->train      ? graphs->train
                             : graphs->evaluate ? graphs->evaluate
                                                : graphs->infer;
  t.program.network = net_text(n, request->network->name);
  t.program.target = target;
  /* an untrained network's statistics and frozen parts may be in the network alone */
  make_variables(&t, graphs->train ? graphs->train : request->network);
  make_columns(&t, fullest);
  make_scalars(&t, fullest);
  make_outputs(&t, request->network, graphs->evaluate, request->objective);
  t.program.has_batch_norm = normalizes(request->network);
  return t;
}

kn_bindings pl_bindings(const pl_tables *t, const net_graph *graph, unsigned function) {
  const rt_program *p = &t->program;
  kn_bindings b = {.variables = t->variables,
                   .variable_count = p->variable_count,
                   .columns = t->columns,
                   .column_count = p->column_count,
                   .scalars = t->scalars,
                   .scalar_count = p->scalar_count};
  if (function & (PL_TRAIN | PL_TRAIN_REST)) return b;
  net_value_id *outputs = NET_NEW_ARRAY(t->arena, net_value_id, p->output_count + 1);
  for (uint32_t i = 0; i < graph->outputs.count; i++) outputs[b.output_count++] = graph->outputs.at[i];
  if (function == PL_EVALUATE)
    for (uint32_t i = 0; i < graph->observed.count; i++)
      if (output_of(graph, i) == b.output_count) outputs[b.output_count++] = graph->observed.at[i];
  b.outputs = outputs;
  return b;
}
