/* netc verify --sensitivity: one layer quantised at a time, the others in float: which of them costs how
 * much. */
#include "driver/verify.h"

#include "driver/table_output.h"
#include "graph/quantization.h"
#include "runtime/evaluate.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
  const char *layer; /* NULL: none, all */
  rt_evaluation result;
  double signal, noise; /* of the network's outputs */
} row;

/* The rules of one node, found among all. */
static bool rules_of(dr_verification *v, const net_rules *rules, net_node_id node, net_quantize_rule *own) {
  bool any = false;
  *own = (net_quantize_rule){.scope = NET_RULE_QUOTED, .what = v->plain->nodes.at[node].name};
  for (net_tensor_role role = 0; role < NET_TENSORS; role++) {
    const net_quantize_rule *rule =
        net_node_has(v->plain, node, role) ? net_rules_find(rules, node, role) : NULL;
    if (!rule) continue;
    own->tensors[role] = rule->tensors[role];
    own->loc = rule->loc;
    any = true;
  }
  const net_quantize_rule *table = net_rules_table(rules, node);
  if (table && own->tensors[NET_TENSOR_INPUT].given && own->tensors[NET_TENSOR_OUTPUT].given)
    own->table = table->table;
  return any;
}

/* Squares of the plain network's outputs, and of what the other's differ by. */
static bool compare_outputs(dr_verification *v, const net_graph *graph, row *r) {
  const net_graph *graphs[] = {v->plain, graph};
  dr_observation o[2];
  rt_pass pass[2];
  bool ok = true;
  for (int k = 0; k < 2; k++) {
    o[k] = (dr_observation){.subject = v->subject, .graph = graphs[k], .weights = v->weights};
    net_arena_init(&o[k].arena, v->n->arena.guard);
    bool *wanted = NET_NEW_ARRAY(&o[k].arena, bool, graphs[k]->values.count + 1);
    for (uint32_t i = 0; i < graphs[k]->outputs.count; i++) wanted[graphs[k]->outputs.at[i]] = true;
    ok = ok && dr_observe_compile(&o[k], wanted, v->batch, NULL);
    const rt_program *program = ok ? pl_program(o[k].compiled) : NULL;
    ok = ok && rt_pass_make(v->n, &o[k].arena, program, &program->infer, &v->sets[0].rows, v->threads,
                            o[k].variables, &pass[k]);
  }
  while (ok && rt_pass_next(&pass[0]) && rt_pass_next(&pass[1]))
    for (uint32_t i = 0; i < graph->outputs.count; i++) {
      uint32_t at[2] = {0, 0};
      for (int k = 0; k < 2; k++)
        while (o[k].outputs[at[k]] != graphs[k]->outputs.at[i]) at[k]++;
      const float *x = pass[0].step.outputs[at[0]], *y = pass[1].step.outputs[at[1]];
      uint64_t count =
          pass[0].count * net_shape_elements(&v->plain->values.at[v->plain->outputs.at[i]].shape);
      for (uint64_t e = 0; e < count; e++) {
        r->signal += (double)x[e] * x[e];
        r->noise += ((double)x[e] - y[e]) * ((double)x[e] - y[e]);
      }
    }
  for (int k = 0; k < 2; k++) dr_observe_end(&o[k]);
  return ok;
}

static bool measure(dr_verification *v, const net_graph *graph, row *r) {
  r->result = (rt_evaluation){.loss = NAN, .accuracy = NAN};
  return (!v->data || dr_verify_evaluate(v, graph, &r->result)) && compare_outputs(v, graph, r);
}

static bool measure_layers(dr_verification *v, row *rows, uint32_t *count) {
  const net_quantization *all = v->subject->quantization;
  net_rules *rules;
  if (!net_rules_begin(v->n, v->plain, all, &rules)) return false;
  bool ok = true;
  for (net_node_id node = 0; node < v->plain->nodes.count && ok; node++) {
    net_quantize_rule own;
    bool folded = net_graph_find(v->graph, v->plain->nodes.at[node].name) == NET_NONE;
    if (folded || !rules_of(v, rules, node, &own)) continue;
    net_quantization one = *all;
    one.rules = &own, one.rule_count = 1;
    row *r = &rows[(*count)++];
    *r = (row){.layer = net_text(v->n, v->plain->nodes.at[node].name)};
    const net_graph *graph = dr_quantized(v->subject, v->subject->folded, &one);
    ok = graph && measure(v, graph, r);
  }
  net_rules_end(rules);
  return ok;
}

static double decibels(const row *r) { return r->noise > 0 ? 10 * log10(r->signal / r->noise) : INFINITY; }

/* What costs the most first: by loss, or where there is none by noise. */
static int by_cost(const void *a, const void *b) {
  const row *x = a, *y = b;
  if (x->result.loss != y->result.loss && !isnan(x->result.loss))
    return x->result.loss < y->result.loss ? 1 : -1;
  if (x->noise != y->noise) return x->noise < y->noise ? 1 : -1;
  return 0;
}

static void add(dr_table *t, const row *r, const row *none) {
  bool plain = r == none;
  dr_table_word(t, r->layer);
  dr_table_number(t, r->result.accuracy);
  dr_table_number(t, plain ? NAN : none->result.accuracy - r->result.accuracy);
  dr_table_number(t, r->result.loss);
  dr_table_number(t, plain ? NAN : r->result.loss - none->result.loss);
  if (plain || r->noise > 0) dr_table_number(t, plain ? NAN : decibels(r));
  else dr_table_hint(t, "exact");
}

bool dr_sensitivity(dr_verification *v) {
  static const dr_column columns[] = {{"layer", "layer", DR_WORD},
                                      {"accuracy", "accuracy", DR_RATE},
                                      {"drop", "accuracy_drop", DR_RATE},
                                      {"loss", "loss", DR_REAL},
                                      {"rise", "loss_rise", DR_REAL},
                                      {"signal to noise in dB", "signal_to_noise_db", DR_REAL},
                                      {NULL, NULL, DR_WORD}};
  row *rows = NET_NEW_ARRAY(&v->n->arena, row, v->plain->nodes.count + 1), none = {.layer = "(none)"},
      all = {.layer = "(all)"};
  uint32_t count = 0;
  if (!measure(v, v->plain, &none) || !measure(v, v->graph, &all) || !measure_layers(v, rows, &count))
    return false;
  qsort(rows, count, sizeof *rows, by_cost);
  dr_table t = dr_table_new(v->n, "sensitivity", "Sensitivity", columns);
  add(&t, &none, &none);
  for (uint32_t i = 0; i < count; i++) add(&t, &rows[i], &none);
  add(&t, &all, &none);
  dr_table_print(v->call->out, &t, dr_call_form(v->call));
  return true;
}
