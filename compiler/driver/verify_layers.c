/* How far each layer with number formats is from the network in float, on the same inputs. */
#include "driver/verify.h"

#include "runtime/evaluate.h"
#include "support/table.h"

#include <math.h>

/* A node of the network, before and after. */
typedef struct {
  net_node_id node;     /* of the plain graph */
  uint32_t from, to;    /* outputs of the two compiled functions */
  uint64_t each;        /* elements of a sample */
  bool classes;         /* an output whose largest element is a class */
  double signal, noise; /* sums of squares */
  double largest;       /* difference */
  uint64_t samples, agreeing;
} layer;

static uint32_t output_of(const dr_observation *o, net_value_id value) {
  const rt_program *program = pl_program(o->compiled);
  for (uint32_t i = 0; i < program->network_outputs; i++)
    if (o->outputs[i] == value) return i;
  return UINT32_MAX;
}

/* What readers see of a node: behind its own quantisers; where a sum is kept whole, what its first reader
 * makes of it. */
static net_value_id seen_of(const net_graph *g, net_node_id node) {
  net_value_id y = net_graph_seen(g, net_node_output(g, node, 0));
  if (dr_is_observable(g, y)) return y;
  for (net_node_id i = 0; i < g->nodes.count; i++)
    if (net_node_is_quantizer(g, i) && net_node_input(g, i, 0) == y) return g->nodes.at[i].first_output;
  return NET_NONE;
}

static bool is_output(const net_graph *g, net_value_id value) {
  for (uint32_t i = 0; i < g->outputs.count; i++)
    if (g->outputs.at[i] == value) return true;
  return false;
}

/* The node of the graph with formats that does what the plain one's does; NET_NONE: another does that. A
 * batch-norm that is folded has its result where the linear in front of it stood, which then has no
 * counterpart. */
static net_node_id counterpart(const dr_verification *v, net_node_id id) {
  const net_graph *plain = v->plain;
  net_node_id node = net_graph_find(v->graph, plain->nodes.at[id].name);
  net_value_id y = plain->nodes.at[id].first_output;
  if (node == NET_NONE) {
    net_node_id before = plain->values.at[net_node_input(plain, id, 0)].def;
    return before == NET_NONE ? NET_NONE : net_graph_find(v->graph, plain->nodes.at[before].name);
  }
  for (net_node_id i = 0; i < plain->nodes.count; i++)
    if (net_node_input(plain, i, 0) == y && net_graph_find(v->graph, plain->nodes.at[i].name) == NET_NONE)
      return NET_NONE;
  return node;
}

static uint32_t find_layers(dr_verification *v, const dr_observation *floats, layer *list) {
  uint32_t count = 0;
  for (net_node_id i = 0; i < v->plain->nodes.count; i++) {
    net_value_id from = net_node_output(v->plain, i, 0);
    net_node_id node = counterpart(v, i);
    net_value_id to = node == NET_NONE ? NET_NONE : seen_of(v->graph, node);
    if (to == NET_NONE || !dr_is_observable(v->plain, from)) continue;
    const net_value *value = net_graph_value_at(v->plain, from);
    layer l = {.node = i, .from = output_of(floats, from), .to = output_of(&v->seen, to)};
    l.each = net_shape_elements(&value->shape);
    l.classes = is_output(v->plain, from) && value->shape.rank == 1 && l.each > 1;
    if (l.from != UINT32_MAX && l.to != UINT32_MAX) list[count++] = l;
  }
  return count;
}

uint64_t dr_largest(const float *x, uint64_t count) {
  uint64_t largest = 0;
  for (uint64_t i = 1; i < count; i++)
    if (x[i] > x[largest]) largest = i;
  return largest;
}

static void measure(layer *l, const float *x, const float *y, uint32_t samples) {
  for (uint64_t i = 0; i < samples * l->each; i++) {
    double apart = (double)x[i] - y[i];
    l->signal += (double)x[i] * x[i];
    l->noise += apart * apart;
    l->largest = fmax(l->largest, fabs(apart));
  }
  for (uint32_t s = 0; s < samples && l->classes; s++)
    l->agreeing += dr_largest(x + s * l->each, l->each) == dr_largest(y + s * l->each, l->each);
  l->samples += samples;
}

static double decibels(const layer *l) { return l->noise > 0 ? 10 * log10(l->signal / l->noise) : INFINITY; }

static void say(dr_verification *v, const layer *list, uint32_t count, const char *set, uint32_t rows) {
  static const char *const titles[] = {"layer", "signal to noise", "largest error", "same class"};
  netc *n = v->n;
  net_table t = net_table_new(&n->arena, 4, titles, "lrrr");
  for (uint32_t i = 0; i < count; i++) {
    const layer *l = &list[i];
    const char *name = net_text(n, v->plain->nodes.at[l->node].name);
    double agreement = l->classes ? (double)l->agreeing / (double)l->samples : NAN;
    net_table_add(&t, name);
    if (l->noise > 0) net_table_format(&t, "%.1f dB", decibels(l));
    else net_table_add(&t, "exact");
    net_table_format(&t, "%.3g", l->largest);
    if (l->classes) net_table_format(&t, "%.2f %%", 100 * agreement);
    else net_table_add(&t, NULL);
    if (!v->call->json) continue;
    json_t *fields =
        json_pack("{s:s, s:s, s:I, s:o, s:o, s:o}", "node", name, "inputs", set, "samples",
                  (json_int_t)l->samples, "signal_to_noise_db", net_json_number(decibels(l)), "largest_error",
                  net_json_number(l->largest), "class_agreement", net_json_number(agreement));
    dr_verify_say(v, "distance", true, fields, "%s", "");
  }
  if (v->call->json) return;
  fprintf(v->call->out, "\nfrom float, on %u %s inputs:\n\n", rows, set);
  net_table_print(v->call->out, &t, NET_TABLE_TEXT);
  fprintf(v->call->out, "\n");
}

bool dr_verify_layers(dr_verification *v) {
  netc *n = v->n;
  const dr_rows *rows = &v->sets[0];
  dr_observation floats = {.subject = v->subject, .graph = v->plain, .weights = v->weights};
  net_arena_init(&floats.arena, n->arena.guard);
  bool *wanted = NET_NEW_ARRAY(&floats.arena, bool, v->plain->values.count + 1);
  for (net_value_id i = 0; i < v->plain->values.count; i++) wanted[i] = true;
  bool ok = dr_observe_compile(&floats, wanted, v->batch, NULL);
  if (ok) {
    layer *list = NET_NEW_ARRAY(&floats.arena, layer, v->plain->nodes.count + 1);
    uint32_t count = find_layers(v, &floats, list);
    const rt_program *from = pl_program(floats.compiled), *to = pl_program(v->seen.compiled);
    rt_pass a, b;
    ok = rt_pass_make(n, &floats.arena, from, &from->infer, &rows->rows, v->threads, floats.variables, &a) &&
         rt_pass_make(n, &floats.arena, to, &to->infer, &rows->rows, v->threads, v->seen.variables, &b);
    while (ok && rt_pass_next(&a) && rt_pass_next(&b))
      for (uint32_t i = 0; i < count; i++)
        measure(&list[i], a.step.outputs[list[i].from], b.step.outputs[list[i].to], a.count);
    if (ok) say(v, list, count, rows->name, rows->rows.rows);
  }
  dr_observe_end(&floats);
  return ok;
}
