/* The budgets of a require block. */
#include "driver/verify.h"

#include "driver/budgets.h"

#include "support/table.h"

#include <math.h>

/* The objective as the plain network has it: where batch-norms are folded it names other nodes. */
static bool elaborate_plain(dr_verification *v, net_experiment *e) {
  netc *n = v->n;
  net_choice choice = v->subject->choice;
  choice.quantize = NULL;
  return net_elaborate(n, &n->arena, v->subject->program, &choice, e) &&
         net_balance_classes(n, &n->arena, v->data, &e->recipe);
}

bool dr_verify_evaluate(dr_verification *v, const net_graph *graph, rt_evaluation *result) {
  dr_subject *subject = v->subject;
  netc *n = v->n;
  net_experiment own = subject->experiment, plain;
  const rt_train_spec *spec = &own.recipe.train;
  int code;
  if (graph == v->plain && v->formatted) {
    if (!elaborate_plain(v, &plain)) return false;
    subject->experiment = plain;
  }
  subject->experiment.network.graph = net_graph_copy(&n->arena, graph);
  const float *const *numbers;
  pl_compiled *compiled = NULL;
  if (dr_integer_weights(subject, v->weights, &numbers))
    compiled = dr_compile(subject, PL_EVALUATE, spec->batch_size, numbers, &code);
  subject->experiment = own;
  if (!compiled) return false;
  const rt_program *program = pl_program(compiled);
  float *variables = dr_variables(v->call, program);
  rt_initialize(program, spec->seed, variables);
  bool ok = dr_load_weights(subject, v->weights, program, variables) &&
            rt_evaluate(n, program, v->data, v->split, NULL, 0, v->threads, variables, result);
  pl_free(compiled);
  return ok;
}

/* All that can be bounded, once asked for. */
typedef struct {
  dr_verification *v;
  double values[NET_BUDGETS];
  bool counted, measured, compiled;
  const char *target; /* of objects; NULL: x86_64 */
} budgets;

static void count(budgets *b) {
  b->counted = true;
  dr_budgets_count(b->v->subject, b->v->graph, b->v->ranges, b->values);
}

static bool measure(budgets *b) {
  dr_verification *v = b->v;
  rt_evaluation with = {0}, without = {0};
  b->measured = true;
  b->values[NET_BUDGET_accuracy] = b->values[NET_BUDGET_accuracy_drop] = b->values[NET_BUDGET_loss] = NAN;
  if (!v->data)
    return net_error(v->n, NET_NOWHERE, "accuracy and loss need data: the program has none"), false;
  if (!dr_verify_evaluate(v, v->graph, &with)) return false;
  without = with;
  if (v->formatted && !dr_verify_evaluate(v, v->plain, &without)) return false;
  b->values[NET_BUDGET_loss] = with.loss;
  b->values[NET_BUDGET_accuracy] = with.accuracy;
  b->values[NET_BUDGET_accuracy_drop] = without.accuracy - with.accuracy;
  return true;
}

/* A number as it is written in a block. */
static const char *amount(netc *n, const net_budget_row *row, double x) {
  if (isnan(x)) return "not known";
  if (row->high == 1) return net_arena_format(&n->arena, "%.4g %%", 100 * x);
  return x == rint(x) ? net_thousands(&n->arena, x) : net_arena_format(&n->arena, "%.6g", x);
}

/* The object for the target of the block (x86_64 if it names none), and how long one row takes it here. */
static bool compile(budgets *b) {
  dr_verification *v = b->v;
  b->compiled = true;
  return dr_budgets_object(v->subject, v->graph, v->numbers, v->weights, b->target ? b->target : "x86_64",
                           b->values);
}

static bool check(budgets *b, const net_requirement *r) {
  dr_verification *v = b->v;
  const net_budget_row *row = &net_budgets[r->budget];
  if (row->from == NET_BUDGET_OBJECT && !b->compiled && !compile(b)) return false;
  if (row->from == NET_BUDGET_GRAPH && !b->counted) count(b);
  if (row->from == NET_BUDGET_DATA && !b->measured && !measure(b)) return false;
  double value = b->values[r->budget];
  bool holds = net_requirement_holds(r, value);
  json_t *fields =
      json_pack("{s:s, s:s, s:o, s:o}", "budget", row->name, "relation", net_relation_names[r->relation],
                "limit", net_json_number(r->limit), "value", net_json_number(value));
  dr_verify_say(v, "require", holds, fields, "%s is %s, %s %s %s", row->name, amount(v->n, row, value),
                holds ? "as wanted" : "but wanted", net_relation_names[r->relation],
                amount(v->n, row, r->limit));
  return true;
}

bool dr_verify_requirements(dr_verification *v, const net_requirements *r) {
  budgets b = {.v = v};
  if (r->integer) {
    json_t *fields = json_pack("{s:s, s:s, s:o}", "budget", "arithmetic", "limit", "integer", "reason",
                               v->integer_only ? json_null() : net_json_text(v->broken.reason));
    const char *node =
        v->broken.node == NET_NONE ? NULL : net_text(v->n, net_graph_at(v->graph, v->broken.node)->name);
    if (v->integer_only) dr_verify_say(v, "require", true, fields, "arithmetic is integer");
    else
      dr_verify_say(v, "require", false, fields, "arithmetic is not integer: %s%s%s%s", node ? "'" : "",
                    node ? node : "", node ? "' " : "", v->broken.reason);
  }
  if (r->target.id) b.target = net_text(v->n, r->target);
  for (uint32_t i = 0; i < r->count; i++)
    if (!check(&b, &r->rows[i])) return false;
  return true;
}
