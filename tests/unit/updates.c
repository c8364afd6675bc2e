/* passes/: what a training step writes. Several steps of each optimiser, run by the interpreter in double,
 * against the formulas of PyTorch's documentation written out here. */
#include "tests/unit/passes_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { BATCH = 6, STEPS = 4, MOST = 16 };

/* ---- a training of two kinds at once ---- */

/* A parameter as the formulas have it. */
typedef struct {
  net_value_id id, gradient; /* gradient: in the graph without an optimiser */
  uint64_t elements;
  double *p, *m, *v; /* value; first and second moment, or velocity in m */
} reference;

typedef struct {
  netc n;
  net_graph *graph, *steps, *gradients; /* forward; with updates; gradients only */
  net_run run, oracle;
  reference parameters[MOST];
  uint32_t count, t; /* parameters that are trained; step from 1 */
  double rates[2];   /* by group, of this step */
} training;

static void begin(training *a, const net_optimizer *optimizer, void (*prepare)(net_graph *graph)) {
  netc *n = &a->n;
  a->graph = support_network(n, "net", (net_shape){1, {3}},
                             "batch_norm momentum=0.25; linear features=4; tanh; linear features=2");
  if (prepare) prepare(a->graph);
  net_pass_context context = {.n = n, .arena = &n->arena};
  context.objective = support_fit(n, "linear_2", (net_shape){1, {2}});
  uint32_t have = P_SHAPED | P_TRAINING_MODE | P_LOSSES;
  a->gradients =
      support_pass(&context, NET_PASS_differentiate, support_with_losses(&context, a->graph), &have);
  context.optimizer = optimizer;
  a->steps = support_train(&context, a->graph);
  a->run = net_run_begin(n, a->steps, &n->arena, BATCH);
  a->oracle = net_run_begin(n, a->gradients, &n->arena, BATCH);
  a->run.exact = a->oracle.exact = true;
  support_random random = {11};
  support_fill(&a->run, &random, 2);
  for (net_value_id v = 0; v < a->steps->values.count; v++) {
    const net_value *value = &a->steps->values.at[v];
    if (value->kind == NET_VALUE_STATE)
      memset(a->run.values[v], 0, net_run_elements(&a->run, v) * sizeof(double));
    if (value->kind != NET_VALUE_PARAMETER || value->frozen) continue;
    reference *r = &a->parameters[a->count];
    r->id = v;
    r->gradient = a->gradients->outputs.at[a->count++];
    r->elements = net_run_elements(&a->run, v);
    r->p = NET_NEW_ARRAY(&n->arena, double, r->elements);
    r->m = NET_NEW_ARRAY(&n->arena, double, r->elements);
    r->v = NET_NEW_ARRAY(&n->arena, double, r->elements);
    memcpy(r->p, a->run.values[v], r->elements * sizeof(double));
  }
  assert_int_equal(a->count, a->gradients->outputs.count);
}

/* The value of the same name in the graph of gradients gets the elements given. */
static void hand_over(training *a, net_value_id v, const double *elements) {
  net_value_id there = net_graph_find_value(a->gradients, a->steps->values.at[v].name);
  if (there != NET_NONE) net_run_set_doubles(&a->oracle, there, elements);
}

/* One step of both; afterwards the oracle has the gradients of the parameters before the step. */
static void step(training *a, double beta1, double beta2) {
  a->t++;
  a->rates[0] = 0.05 / a->t;
  a->rates[1] = 0.003 * a->t;
  a->run.step = a->t - 1;
  for (net_value_id v = 0; v < a->steps->values.count; v++) {
    const net_value *value = &a->steps->values.at[v];
    if (value->kind == NET_VALUE_SCALAR) {
      double given = a->rates[value->group];
      if (value->scalar == NET_SCALAR_CORRECTION1) given = 1 / (1 - pow(beta1, a->t));
      if (value->scalar == NET_SCALAR_CORRECTION2) given = 1 / sqrt(1 - pow(beta2, a->t));
      net_run_set_doubles(&a->run, v, &given);
    } else if (value->kind != NET_VALUE_RESULT) {
      hand_over(a, v, a->run.values[v]);
    }
  }
  for (uint32_t i = 0; i < a->count; i++) hand_over(a, a->parameters[i].id, a->parameters[i].p);
  assert_true(net_run_all(&a->oracle));
  assert_true(net_run_all(&a->run));
}

/* Variables take their new values, as the runtime's do in place. */
static void take_over(training *a) {
  for (net_value_id v = 0; v < a->steps->values.count; v++)
    if (a->steps->values.at[v].kind != NET_VALUE_RESULT)
      net_run_set_doubles(&a->run, v, net_run_updated(&a->run, v));
}

static void assert_near(double is, double should, const char *what) {
  if (!(fabs(is - should) <= 1e-12 * (1 + fabs(should))))
    fail_msg("%s is %.17g, not %.17g", what, is, should);
}

/* ---- formulas ---- */

typedef struct {
  const char *op;
  double momentum, dampening, decay, beta1, beta2, epsilon; /* NaN: left to the default */
  bool nesterov;
  double clip;
} recipe;

static double or_default(double value, double otherwise) { return isnan(value) ? otherwise : value; }

static void sgd(const recipe *r, reference *p, uint64_t e, double g, double rate, uint32_t t) {
  double momentum = or_default(r->momentum, 0), dampening = or_default(r->dampening, 0);
  g += or_default(r->decay, 0) * p->p[e];
  if (momentum != 0) {
    p->m[e] = t > 1 ? momentum * p->m[e] + (1 - dampening) * g : g;
    g = r->nesterov ? g + momentum * p->m[e] : p->m[e];
  }
  p->p[e] -= rate * g;
}

static void adam(const recipe *r, reference *p, uint64_t e, double g, double rate, uint32_t t) {
  double beta1 = or_default(r->beta1, 0.9), beta2 = or_default(r->beta2, 0.999);
  bool decoupled = !strcmp(r->op, "adamw");
  double decay = or_default(r->decay, decoupled ? 0.01 : 0);
  if (decoupled) p->p[e] -= rate * decay * p->p[e];
  else g += decay * p->p[e];
  p->m[e] = beta1 * p->m[e] + (1 - beta1) * g;
  p->v[e] = beta2 * p->v[e] + (1 - beta2) * g * g;
  double first = p->m[e] / (1 - pow(beta1, t)), second = p->v[e] / (1 - pow(beta2, t));
  p->p[e] -= rate * first / (sqrt(second) + or_default(r->epsilon, 1e-8));
}

static void apply(training *a, const recipe *r) {
  double total = 0, factor = 1;
  for (uint32_t i = 0; i < a->count; i++)
    for (uint64_t e = 0; e < a->parameters[i].elements; e++)
      total += pow(a->oracle.values[a->parameters[i].gradient][e], 2);
  if (r->clip > 0) factor = fmin(1, r->clip / (sqrt(total) + 1e-6));
  for (uint32_t i = 0; i < a->count; i++) {
    reference *p = &a->parameters[i];
    double rate = a->rates[a->steps->values.at[p->id].group];
    for (uint64_t e = 0; e < p->elements; e++) {
      double g = a->oracle.values[p->gradient][e] * factor;
      if (!strcmp(r->op, "sgd")) sgd(r, p, e, g, rate, a->t);
      else adam(r, p, e, g, rate, a->t);
    }
  }
}

static void compare(training *a, const recipe *r) {
  const char *state = !strcmp(r->op, "sgd") ? "velocity" : "exp_avg";
  for (uint32_t i = 0; i < a->count; i++) {
    const reference *p = &a->parameters[i];
    const char *name = net_text(&a->n, a->steps->values.at[p->id].name);
    net_name first = net_intern_format(&a->n, "%s.%s", name, state);
    net_name second = net_intern_format(&a->n, "%s.exp_avg_sq", name);
    net_value_id m = net_graph_find_value(a->steps, first), v = net_graph_find_value(a->steps, second);
    assert_int_equal(m == NET_NONE, !strcmp(r->op, "sgd") && !(r->momentum > 0));
    assert_int_equal(v == NET_NONE, !strcmp(r->op, "sgd"));
    for (uint64_t e = 0; e < p->elements; e++) {
      assert_near(net_run_updated(&a->run, p->id)[e], p->p[e], name);
      if (m != NET_NONE) assert_near(net_run_updated(&a->run, m)[e], p->m[e], net_text(&a->n, first));
      if (v != NET_NONE) assert_near(net_run_updated(&a->run, v)[e], p->v[e], net_text(&a->n, second));
    }
  }
}

static void follow(const recipe *r, void (*prepare)(net_graph *graph)) {
  training a = {.t = 0};
  netc *n = &a.n;
  support_init(n);
  bool is_sgd = !strcmp(r->op, "sgd");
  const struct {
    const char *key;
    double value;
  } settings[] = {{"momentum", r->momentum}, {"dampening", r->dampening}, {"weight_decay", r->decay},
                  {"beta1", r->beta1},       {"beta2", r->beta2},         {"epsilon", r->epsilon}};
  net_attribute attributes[8];
  uint32_t count = 0;
  for (uint32_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (!isnan(settings[i].value))
      attributes[count++] = net_attribute_real(n, settings[i].key, settings[i].value);
  if (is_sgd) attributes[count++] = net_attribute_bool(n, "nesterov", r->nesterov);
  net_optimizer optimizer = {
      .op = r->op, .attributes = attributes, .attribute_count = count, .clip_norm = r->clip};
  begin(&a, &optimizer, prepare);
  for (uint32_t i = 0; i < STEPS; i++) {
    step(&a, or_default(r->beta1, 0.9), or_default(r->beta2, 0.999));
    apply(&a, r);
    compare(&a, r);
    take_over(&a);
  }
  netc_free(n);
}

#define LEFT .momentum = NAN, .dampening = NAN, .decay = NAN, .beta1 = NAN, .beta2 = NAN, .epsilon = NAN

static const recipe recipes[] = {
    {.op = "sgd", LEFT},
    {"sgd", NAN, NAN, 0.125, NAN, NAN, NAN, false, 0},
    {"sgd", 0.9, NAN, NAN, NAN, NAN, NAN, false, 0},
    {"sgd", 0.9, 0.25, 0.125, NAN, NAN, NAN, false, 0},
    {"sgd", 0.9, NAN, 0.125, NAN, NAN, NAN, true, 0},
    {.op = "adam", LEFT},
    {"adam", NAN, NAN, 0.125, 0.75, 0.875, 1e-3, false, 0},
    {.op = "adamw", LEFT},
    {"adamw", NAN, NAN, 0.125, 0.75, 0.875, 1e-3, false, 0},
};

static void in_groups(net_graph *graph) {
  graph->values.at[support_find(graph, "linear_1.weight")].group = 1;
  graph->values.at[support_find(graph, "batch_norm_1.bias")].group = 1;
}

static void in_part(net_graph *graph) {
  graph->values.at[support_find(graph, "linear_1.bias")].frozen = true;
  graph->values.at[support_find(graph, "batch_norm_1.weight")].frozen = true;
}

static void test_optimizers(void **state) {
  (void)state;
  for (uint32_t i = 0; i < sizeof recipes / sizeof *recipes; i++) follow(&recipes[i], NULL);
}

static void test_clipping(void **state) {
  (void)state;
  static const double norms[] = {0.01, 1, 1000}; /* always, sometimes, never less than the norm */
  for (uint32_t i = 0; i < sizeof recipes / sizeof *recipes; i++)
    for (uint32_t k = 0; k < 3; k++) {
      recipe r = recipes[i];
      r.clip = norms[k];
      follow(&r, k ? NULL : in_part); /* frozen parameters have no share in the norm */
    }
}

static void test_groups(void **state) {
  (void)state;
  for (uint32_t i = 0; i < sizeof recipes / sizeof *recipes; i++) follow(&recipes[i], in_groups);
}

static void test_frozen(void **state) {
  (void)state;
  for (uint32_t i = 0; i < sizeof recipes / sizeof *recipes; i++) follow(&recipes[i], in_part);
}

/* ---- structure ---- */

static uint32_t count_kind(const net_graph *graph, net_value_kind kind) {
  uint32_t count = 0;
  for (net_value_id v = 0; v < graph->values.count; v++) count += graph->values.at[v].kind == kind;
  return count;
}

static void test_structure(void **state) {
  (void)state;
  training a = {.t = 0};
  support_init(&a.n);
  net_optimizer optimizer = {.op = "adam"};
  begin(&a, &optimizer, in_groups);
  assert_int_equal(support_count(a.steps, "adam"), 6);
  assert_int_equal(support_count(a.steps, "sum_squares") + support_count(a.steps, "clip_factor"), 0);
  assert_int_equal(count_kind(a.steps, NET_VALUE_SCALAR), 4); /* two rates, two corrections: shared */
  assert_int_equal(count_kind(a.steps, NET_VALUE_STATE), 12);
  const net_value *rate = net_graph_value_at(a.steps, support_find(a.steps, "learning_rate_1"));
  assert_int_equal(rate->scalar, NET_SCALAR_RATE);
  assert_int_equal(rate->group, 1);
  assert_int_equal(net_graph_value_at(a.steps, support_find(a.steps, "learning_rate"))->group, 0);
  const net_value *correction = net_graph_value_at(a.steps, support_find(a.steps, "correction2"));
  assert_int_equal(correction->scalar, NET_SCALAR_CORRECTION2);
  assert_true(correction->beta == 0.999);
  const net_value *moment = net_graph_value_at(a.steps, support_find(a.steps, "linear_1.weight.exp_avg"));
  assert_int_equal(moment->shape.rank, 2);
  assert_true(moment->init.kind == NET_INIT_FILL && moment->init.value == 0);
  assert_int_equal(a.steps->outputs.count, 0);
  assert_int_equal(a.steps->losses.count, 2);
  netc_free(&a.n);
}

/* ---- running statistics ---- */

static void freeze_mean(net_graph *graph) {
  graph->values.at[support_find(graph, "batch_norm_1.running_mean")].frozen = true;
}

static void test_running(void **state) {
  (void)state;
  for (uint32_t frozen = 0; frozen < 2; frozen++) {
    training a = {.t = 0};
    support_init(&a.n);
    net_optimizer optimizer = {.op = "sgd"};
    begin(&a, &optimizer, frozen ? freeze_mean : NULL);
    const double *x = a.run.values[support_find(a.steps, "x")];
    net_value_id mean_id = support_find(a.steps, "batch_norm_1.running_mean");
    net_value_id var_id = support_find(a.steps, "batch_norm_1.running_var");
    double mean[3], var[3];
    memcpy(mean, a.run.values[mean_id], sizeof mean);
    memcpy(var, a.run.values[var_id], sizeof var);
    for (uint32_t i = 0; i < 3; i++) {
      step(&a, 0, 0);
      for (uint32_t c = 0; c < 3; c++) {
        double sum = 0, squares = 0;
        for (uint32_t s = 0; s < BATCH; s++) sum += x[s * 3 + c];
        for (uint32_t s = 0; s < BATCH; s++) squares += pow(x[s * 3 + c] - sum / BATCH, 2);
        if (!frozen) mean[c] = 0.75 * mean[c] + 0.25 * sum / BATCH;
        var[c] = 0.75 * var[c] + 0.25 * squares / (BATCH - 1);
        assert_near(net_run_updated(&a.run, mean_id)[c], mean[c], "running_mean");
        assert_near(net_run_updated(&a.run, var_id)[c], var[c], "running_var");
      }
      take_over(&a);
    }
    assert_int_equal(support_count(a.steps, "running_update"), 2 - frozen);
    netc_free(&a.n);
  }
}

/* ---- errors ---- */

static void test_errors(void **state) {
  (void)state;
  static const struct {
    const char *op, *key, *message;
  } wrong[] = {
      {"sdg", NULL, "'sdg' is no optimizer"},
      {"relu", NULL, "'relu' is no optimizer"},
      {"running_update", NULL, "'running_update' is no optimizer"},
      {"adam", "beta3", "adam has no attribute 'beta3'; did you mean 'beta1'?"},
  };
  for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    netc n;
    support_init(&n);
    net_attribute attribute = net_attribute_real(&n, wrong[i].key ? wrong[i].key : "", 1);
    net_optimizer optimizer = {
        .op = wrong[i].op, .attributes = &attribute, .attribute_count = wrong[i].key != NULL};
    net_pass_context context = {
        .n = &n, .arena = &n.arena, .optimizer = &optimizer, .objective = support_classify(&n, "linear_1")};
    net_graph *graph = support_network(&n, "net", (net_shape){1, {3}}, "linear features=2");
    uint32_t have = P_SHAPED | P_TRAINING_MODE | P_LOSSES;
    assert_null(net_pass_run(&context, NET_PASS_differentiate, support_with_losses(&context, graph), &have));
    assert_string_equal(support_message(&n), wrong[i].message);
    assert_int_equal(n.diagnostics.errors, 1);
    assert_int_equal(n.diagnostics.faults, 0);
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_optimizers), cmocka_unit_test(test_clipping),  cmocka_unit_test(test_groups),
      cmocka_unit_test(test_frozen),     cmocka_unit_test(test_structure), cmocka_unit_test(test_running),
      cmocka_unit_test(test_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
