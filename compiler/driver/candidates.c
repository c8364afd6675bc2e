#include "driver/candidates.h"

#include "driver/budgets.h"
#include "driver/weights.h"
#include "graph/cost.h"
#include "passes/integer_only.h"
#include "passes/vary_formats.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_PROGRAMS = 256 };

/* Code for all candidates whose graphs are the same once formats are parameters. */
typedef struct {
  const char *text; /* of that graph */
  pl_compiled *compiled;
  float *variables;
} program;

/* A tensor as a format has it. */
typedef struct {
  net_name name; /* of what is quantised */
  net_format_id format;
  const float *steps; /* NULL: the format's own */
  uint32_t step_count;
  const float *numbers;
} quantised;

struct dr_candidates {
  dr_subject *subject;
  netc *n;
  rt_checkpoint *weights;
  rt_split_name split;
  rt_data *data;
  rt_evaluation plain; /* in floats; NaN: not measured */
  const float *const *numbers; /* by value of the network in floats */
  dr_calibrator *calibrator;
  NET_VEC(program) programs;
  uint32_t compiled;
  NET_VEC(quantised) tensors;
};

/* ---- begin and end ---- */

static bool load_data(dr_candidates *c) {
  net_experiment *e = &c->subject->experiment;
  const rt_fitted *fitted = NULL;
  uint32_t fitted_count;
  if (!e->data)
    return net_error(c->n, NET_NOWHERE, "the program has no data: measuring accuracy needs a data block"),
           false;
  if (rt_checkpoint_is_netc(c->weights))
    fitted = rt_checkpoint_normalization(c->n, c->weights, &fitted_count);
  if (c->n->diagnostics.errors) return false;
  bool balanced = false; /* class weights come from the training rows */
  for (uint32_t t = 0; t < e->recipe.objective.term_count; t++) balanced |= e->recipe.balanced[t];
  c->data = rt_data_load(c->n, e->data, 1u << c->split | (balanced ? 1u << RT_TRAIN : 0), fitted);
  return c->data && net_balance_classes(c->n, &c->n->arena, c->data, &e->recipe);
}

static pl_compiled *compile(dr_candidates *c, const net_graph *graph, const float *const *numbers) {
  net_experiment *e = &c->subject->experiment;
  pl_request request = {.network = graph,
                        .objective = &e->recipe.objective,
                        .functions = PL_EVALUATE,
                        .batch = e->recipe.train.batch_size,
                        .target = c->subject->call->value[DR_cpu],
                        .weights = numbers,
                        .options = {.print_after = PL_STAGES, .stop_after = PL_STAGES}};
  c->compiled++;
  return pl_compile(c->n, &request);
}

static bool evaluate(dr_candidates *c, const pl_compiled *compiled, const float *variables,
                     rt_evaluation *result) {
  return rt_evaluate(c->n, pl_program(compiled), c->data, c->split, NULL, 0, 1, variables, result);
}

/* Compiled for this graph alone, as `netc test` does it. */
static bool evaluate_alone(dr_candidates *c, const net_graph *graph, const float *const *numbers,
                           rt_evaluation *result) {
  pl_compiled *compiled = compile(c, graph, numbers);
  if (!compiled) return false;
  float *variables = dr_variables(c->subject->call, pl_program(compiled));
  bool ok = dr_load_weights(c->subject, c->weights, pl_program(compiled), variables) &&
            evaluate(c, compiled, variables, result);
  pl_free(compiled);
  return ok;
}

dr_candidates *dr_candidates_begin(const dr_candidates_request *request) {
  dr_subject *subject = request->subject;
  netc *n = subject->call->n;
  dr_candidates *c = NET_NEW(&n->arena, dr_candidates);
  *c = (dr_candidates){.subject = subject, .n = n, .weights = request->weights, .split = request->split};
  c->plain.accuracy = NAN;
  bool ok = load_data(c) &&
            (!request->drop || evaluate_alone(c, subject->experiment.network.graph, NULL, &c->plain)) &&
            dr_set_formats(subject, request->base) &&
            (c->numbers = dr_graph_weights(subject, subject->folded, c->weights));
  if (ok) return c;
  dr_candidates_end(c);
  return NULL;
}

void dr_candidates_end(dr_candidates *c) {
  if (!c) return;
  for (uint32_t i = 0; i < c->programs.count; i++) pl_free(c->programs.at[i].compiled);
  dr_calibrator_end(c->calibrator);
  rt_data_free(c->data);
}

uint32_t dr_candidates_programs(const dr_candidates *c) { return c->compiled; }

/* ---- code ---- */

static const net_graph *run_pass(dr_candidates *c, net_pass_id pass, const net_graph *graph) {
  uint32_t have = P_SHAPED;
  net_pass_context context = {.n = c->n,
                              .arena = &c->n->arena,
                              .verify = dr_has(c->subject->call, DR_verify_passes)};
  return graph ? net_pass_run(&context, pass, graph, &have) : NULL;
}

static const char *text_of(dr_candidates *c, const net_graph *graph) {
  char *text;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  if (!to) return NULL;
  net_graph_print(to, graph);
  fclose(to);
  const char *copy = net_arena_copy(&c->n->arena, text, size);
  free(text);
  return copy;
}

static program *find_program(dr_candidates *c, const net_graph *graph) {
  const net_graph *varied = run_pass(c, NET_PASS_vary_formats, graph);
  varied = run_pass(c, NET_PASS_eliminate_dead, varied);
  const char *text = varied ? text_of(c, varied) : NULL;
  if (!text) return NULL;
  for (uint32_t i = 0; i < c->programs.count; i++)
    if (!strcmp(c->programs.at[i].text, text)) return &c->programs.at[i];
  if (c->programs.count == MOST_PROGRAMS) { /* formats that are in the code, in great variety */
    for (uint32_t i = 0; i < c->programs.count; i++) pl_free(c->programs.at[i].compiled);
    c->programs.count = 0;
  }
  program made = {.text = text, .compiled = compile(c, varied, NULL)};
  if (!made.compiled) return NULL;
  made.variables = dr_variables(c->subject->call, pl_program(made.compiled));
  net_vec_push(&c->n->arena, &c->programs, made);
  return &c->programs.at[c->programs.count - 1];
}

/* ---- variables ---- */

static float *variable(const program *p, const char *name) {
  const rt_program *table = pl_program(p->compiled);
  for (uint32_t i = 0; i < table->variable_count; i++)
    if (!strcmp(table->variables[i].name, name)) return p->variables + table->variables[i].offset;
  return NULL;
}

static const float *numbers_of(const dr_candidates *c, net_name name) {
  net_value_id v = net_graph_find_value(c->subject->folded, name);
  return v == NET_NONE ? NULL : c->numbers[v];
}

/* Quantised once for each format and step. NULL: who knows of what. */
static const float *quantised_numbers(dr_candidates *c, const net_graph *g, net_node_id id) {
  const net_value *x = net_graph_value_at(g, net_node_input(g, id, 0));
  net_format_id format = net_graph_value_at(g, net_node_output(g, id, 0))->format;
  net_calibration steps;
  net_varied_steps(g, id, &steps);
  for (uint32_t i = 0; i < c->tensors.count; i++) {
    const quantised *q = &c->tensors.at[i];
    if (!net_name_same(q->name, x->name) || q->format != format || steps.zero || !q->steps != !steps.scale)
      continue;
    if (!steps.scale || (q->step_count == steps.count &&
                         !memcmp(q->steps, steps.scale, steps.count * sizeof *q->steps)))
      return q->numbers;
  }
  const float *from = numbers_of(c, x->name);
  if (!from) return NULL;
  float *numbers = NET_NEW_ARRAY(&c->n->arena, float, net_shape_elements(&x->shape) + 1);
  net_varied_numbers(g, id, from, numbers);
  quantised q = {x->name, format, steps.scale, steps.count, numbers};
  if (!steps.zero) net_vec_push(&c->n->arena, &c->tensors, q);
  return numbers;
}

static bool set_steps(const program *p, const net_graph *g, net_node_id id) {
  netc *n = g->n;
  float *to[3];
  static const char *const names[] = {"step", "least", "most"};
  for (int i = 0; i < 3; i++) {
    const char *name = net_text(n, net_graph_at(g, id)->name);
    if (!(to[i] = variable(p, net_arena_format(&n->arena, "%s.%s", name, names[i])))) return false;
  }
  net_varied_bounds(g, id, to[0], to[1], to[2]);
  return true;
}

static bool set_numbers(dr_candidates *c, const program *p, const net_graph *g, net_node_id id) {
  const net_value *y = net_graph_value_at(g, net_node_output(g, id, 0));
  const float *numbers = quantised_numbers(c, g, id);
  float *to = variable(p, net_text(c->n, y->name));
  if (numbers && to) memcpy(to, numbers, net_shape_elements(&y->shape) * sizeof *to);
  return numbers && to;
}

static bool set_variables(dr_candidates *c, const program *p, const net_graph *g) {
  const rt_program *table = pl_program(p->compiled);
  for (uint32_t i = 0; i < table->variable_count; i++) {
    const rt_variable *v = &table->variables[i];
    const float *numbers = numbers_of(c, net_intern(c->n, v->name));
    if (numbers) memcpy(p->variables + v->offset, numbers, net_shape_elements(&v->shape) * sizeof(float));
  }
  for (net_node_id id = 0; id < g->nodes.count; id++) {
    net_variation varies = net_varies(g, id);
    bool ok = varies == NET_VARIES_NOT ||
              (varies == NET_VARIES_STEPS ? set_steps(p, g, id) : set_numbers(c, p, g, id));
    if (!ok)
      return net_fault(c->n, NET_NOWHERE, "'%s' varies, but nothing can be put in its place",
                       net_text(c->n, net_graph_at(g, id)->name)),
             false;
  }
  return true;
}

/* ---- candidates ---- */

/* Whether code for many would compute something else than code for this one: steps that training changes;
 * steps that are no powers of two, where integers round as the emulation need not. */
static bool stands_alone(dr_candidates *c, const net_graph *g) {
  bool odd = false;
  int exponent;
  for (net_node_id id = 0; id < g->nodes.count; id++) {
    if (!net_node_is_quantizer(g, id)) continue;
    if (net_varies_learned(g, id)) return true;
    net_calibration steps;
    net_varied_steps(g, id, &steps);
    for (uint32_t i = 0; steps.scale && i < steps.count; i++)
      odd |= frexpf(steps.scale[i], &exponent) != 0.5f;
  }
  net_integer_break first;
  return odd && net_integer_only(c->n, g, &first);
}

/* The graph with the quantization's formats, which nothing is left open of. */
static net_graph *settle(dr_candidates *c, net_quantization *q) {
  dr_subject *subject = c->subject;
  subject->quantization = q;
  if (!dr_calibrate_again(subject, q, c->weights, &c->calibrator)) return NULL;
  return subject->experiment.network.graph = dr_quantized(subject, subject->folded, q);
}

bool dr_candidates_prepare(dr_candidates *c, net_quantization *q) {
  net_graph *g = settle(c, q);
  return g && (stands_alone(c, g) || find_program(c, g));
}

static bool evaluate_candidate(dr_candidates *c, const net_graph *g, dr_candidate *result,
                               rt_evaluation *found) {
  const float *const *numbers;
  if (!dr_check_accumulators(c->subject, c->weights)) return false;
  if (stands_alone(c, g)) {
    result->compiled = true;
    return dr_integer_weights(c->subject, c->weights, &numbers) && evaluate_alone(c, g, numbers, found);
  }
  program *p = find_program(c, g);
  return p && set_variables(c, p, g) && evaluate(c, p->compiled, p->variables, found);
}

bool dr_candidates_measure(dr_candidates *c, net_quantization *q, const bool *needs, dr_candidate *result) {
  net_graph *g = settle(c, q);
  rt_evaluation found;
  *result = (dr_candidate){.compiled = false};
  for (int i = 0; i < NET_BUDGETS; i++) result->quantities[i] = NAN;
  if (!g) return false;
  if (dr_budgets_ask(needs, NET_BUDGET_DATA)) {
    if (!evaluate_candidate(c, g, result, &found)) return false;
    result->quantities[NET_BUDGET_accuracy] = found.accuracy;
    result->quantities[NET_BUDGET_accuracy_drop] = c->plain.accuracy - found.accuracy;
    result->quantities[NET_BUDGET_loss] = found.loss;
  }
  return dr_budgets_measure(c->subject, g, c->weights, needs, result->quantities);
}
