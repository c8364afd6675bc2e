#include "driver/observe.h"

#include "driver/runs.h"
#include "graph/operator.h"
#include "runtime/profile.h"

bool dr_weights_in_hand(dr_subject *subject, bool latest, rt_checkpoint **weights) {
  dr_call *call = subject->call;
  const char *network = net_text(call->n, subject->experiment.network.graph->name);
  bool named = dr_has(call, DR_load) || subject->checkpoint || (latest && dr_has(call, DR_out));
  *weights = NULL;
  if (named || (latest && dr_has_run(call, network))) return (*weights = dr_find_weights(subject)) != NULL;
  net_warning(call->n, NET_NOWHERE, "'%s' has no weights yet: these are about the initial ones, of seed %llu",
              network, (unsigned long long)subject->experiment.recipe.train.seed);
  return true;
}

bool dr_observe_begin(dr_subject *subject, const net_graph *graph, rt_checkpoint *weights,
                      rt_split_name split, dr_observation *o) {
  netc *n = subject->call->n;
  const rt_fitted *fitted = NULL;
  uint32_t fitted_count;
  *o = (dr_observation){.subject = subject, .graph = graph, .weights = weights};
  net_arena_init(&o->arena, n->arena.guard);
  if (!subject->experiment.data)
    return net_error(n, NET_NOWHERE,
                     "the program has no data: looking at a network's values needs a data block"),
           false;
  if (!dr_threads(subject->call, &o->threads)) return false;
  if (weights && rt_checkpoint_is_netc(weights) &&
      !(fitted = rt_checkpoint_normalization(n, weights, &fitted_count)))
    return false;
  o->data = rt_data_load(n, subject->experiment.data, 1u << split, fitted);
  return o->data != NULL;
}

void dr_observe_end(dr_observation *o) {
  pl_free(o->compiled);
  rt_data_free(o->data);
  net_arena_free(&o->arena);
}

void dr_observe_forget(dr_observation *o) {
  pl_free(o->compiled);
  o->compiled = NULL;
}

bool dr_is_observable(const net_graph *graph, net_value_id value) {
  const net_value *v = net_graph_value_at(graph, value);
  return v->kind == NET_VALUE_RESULT && v->batched && v->type == NET_F32;
}

/* ---- values that all samples share ---- */

static const float *variable(const dr_observation *o, net_name name) {
  const rt_program *program = pl_program(o->compiled);
  for (uint32_t i = 0; i < program->variable_count; i++)
    if (!strcmp(program->variables[i].name, net_text(o->graph->n, name)))
      return o->variables + program->variables[i].offset;
  return NULL;
}

/* What nodes make of variables alone: the interpreter is quick enough for these. */
static bool run_constants(dr_observation *o) {
  const net_graph *g = o->graph;
  o->constants = net_run_begin(g->n, g, &o->arena, 1);
  for (net_value_id v = 0; v < g->values.count; v++) {
    const float *elements = variable(o, g->values.at[v].name);
    if (elements && g->values.at[v].kind != NET_VALUE_RESULT) net_run_set(&o->constants, v, elements);
  }
  for (net_node_id id = 0; id < g->nodes.count; id++) {
    bool shared = !net_graph_value_at(g, net_node_output(g, id, 0))->batched;
    for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++) {
      net_value_id input = net_node_input(g, id, i);
      shared = shared && (input == NET_NONE || o->constants.values[input]);
    }
    if (shared && !net_run_node(&o->constants, id)) return false;
  }
  return true;
}

const float *dr_observed_constant(dr_observation *o, net_value_id value) {
  const double *elements = o->constants.values[value];
  if (!elements || net_graph_value_at(o->graph, value)->type == NET_U32) return NULL;
  uint64_t count = net_run_elements(&o->constants, value);
  float *result = NET_NEW_ARRAY(&o->arena, float, count);
  for (uint64_t i = 0; i < count; i++) result[i] = (float)elements[i];
  return result;
}

const rt_column *dr_observed_input(const dr_observation *o, net_value_id value, const rt_split *rows) {
  const net_value *v = net_graph_value_at(o->graph, value);
  return v->kind == NET_VALUE_INPUT ? &rows->inputs[v->column] : NULL;
}

dr_escape dr_escape_find(const net_graph *graph, const rt_split *rows) {
  for (net_value_id v = 0; v < graph->values.count; v++) {
    const net_value *value = net_graph_value_at(graph, v);
    net_range in = value->range;
    if (value->kind != NET_VALUE_INPUT || in.lo > in.hi) continue;
    const rt_column *column = &rows->inputs[value->column];
    const float *numbers = column->data;
    for (uint64_t i = 0; i < (uint64_t)rows->rows * column->width; i++)
      if (!(numbers[i] >= in.lo && numbers[i] <= in.hi))
        return (dr_escape){v, i / column->width, i % column->width, numbers[i], in};
  }
  return (dr_escape){.input = NET_NONE};
}

/* ---- values of every sample ---- */

static bool load_variables(dr_observation *o) {
  const rt_program *program = pl_program(o->compiled);
  o->variables = net_arena_alloc(&o->arena, (program->variable_floats + 16) * sizeof(float), 64);
  rt_initialize(program, o->subject->experiment.recipe.train.seed, o->variables);
  return !o->weights || dr_load_weights(o->subject, o->weights, program, o->variables);
}

bool dr_observe_compile(dr_observation *o, const bool *wanted, uint32_t batch, const pl_options *options) {
  dr_call *call = o->subject->call;
  dr_observe_forget(o);
  net_graph *graph = net_graph_copy(&o->arena, o->graph);
  graph->outputs = (net_value_ids){0};
  for (net_value_id v = 0; v < graph->values.count; v++)
    if (wanted[v] && dr_is_observable(graph, v)) net_vec_push(&o->arena, &graph->outputs, v);
  bool none = !graph->outputs.count; /* there is always some function */
  bool elsewhere =
      call->verb->options >> DR_target & 1; /* --cpu is of objects, and data are looked at here */
  if (none) graph->outputs = o->graph->outputs;
  o->outputs = graph->outputs.at;
  pl_request request = {.network = graph,
                        .functions = PL_INFER,
                        .batch = batch,
                        .target = elsewhere ? NULL : call->value[DR_cpu],
                        .weights = o->frozen,
                        .options = {.print_after = PL_STAGES, .stop_after = PL_STAGES}};
  if (options) request.options = *options;
  o->compiled = pl_compile(call->n, &request);
  return o->compiled && load_variables(o) && run_constants(o);
}
