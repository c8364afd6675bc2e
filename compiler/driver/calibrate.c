#include "driver/calibrate.h"

#include "driver/calibrator.h"
#include "driver/weights.h"
#include "graph/operator.h"
#include "passes/quantize.h"

#include <math.h>

/* ---- which tensors ---- */

static void consider(dr_calibration *c, const net_rules *rules, const net_ranges *ranges, net_node_id node,
                     net_tensor_role role, uint32_t input, net_value_id value) {
  const net_quantize_rule *rule = net_rules_find(rules, node, role);
  if (!rule) return;
  bool made = net_node_made_format(c->graph, node, role) != NULL;
  net_format_id format = rule->tensors[role].format;
  format = made ? net_quantize_made(c->n, format) : net_quantize_signed(c->n, format, ranges, value);
  const net_format_spec *spec = net_format_at(c->n, format);
  if (!net_format_calibrates(spec)) return;
  dr_open_tensor t = {.node = node, .role = role, .input = input, .value = value, .format = format};
  const net_shape *shape = &net_graph_value_at(c->graph, value)->shape;
  t.channels = spec->per == NET_PER_CHANNEL && shape->rank && !made ? shape->dim[0] : 1;
  if (made) t.value = NET_NONE;
  net_vec_push(&c->n->arena, &c->tensors, t);
}

static bool choose_tensors(dr_calibration *c) {
  const net_graph *g = c->graph;
  net_rules *rules;
  if (!net_rules_begin(c->n, g, c->quantization, &rules)) return false;
  const net_ranges *ranges = net_ranges_find(c->n, &c->n->arena, g, NULL);
  for (net_node_id id = 0; id < g->nodes.count; id++) {
    uint32_t data = 0;
    for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++) {
      net_value_id v = net_node_input(g, id, i);
      net_tensor_role role = net_node_role(g, id, i);
      uint32_t input = role == NET_TENSOR_INPUT ? data++ : 0;
      if (v != NET_NONE && role != NET_TENSORS) consider(c, rules, ranges, id, role, input, v);
    }
    consider(c, rules, ranges, id, NET_TENSOR_ACCUMULATOR, 0, net_node_output(g, id, 0));
    consider(c, rules, ranges, id, NET_TENSOR_OUTPUT, 0, net_node_output(g, id, 0));
  }
  net_rules_end(rules);
  return true;
}

static bool begin(dr_calibration *c, dr_subject *subject, net_quantization *quantization) {
  *c = (dr_calibration){.subject = subject, .n = subject->call->n, .quantization = quantization};
  c->graph = subject->folded;
  return choose_tensors(c);
}

/* ---- accumulators ---- */

/* Its fraction follows from what the sum can be, rather than from what was seen. */
static bool is_accumulator(const dr_calibration *c, const dr_open_tensor *t) {
  const net_format_spec *spec = net_format_at(c->n, t->format);
  return t->role == NET_TENSOR_ACCUMULATOR && net_format_has_point(spec) &&
         spec->fraction == NET_FORMAT_AUTO && spec->ste != NET_STE_LEARNED_STEP;
}

static float outward(double bound, float way) {
  float nearest = (float)bound;
  bool inside = way > 0 ? nearest < bound : nearest > bound;
  return inside ? nextafterf(nearest, way) : nearest;
}

/* The finest steps that hold the exact range of each channel, once rounded; where that is known. */
static void fit_accumulator(dr_calibration *c, const dr_open_tensor *t, const net_ranges *ranges,
                            bool *changed) {
  const net_graph *g = ranges->graph;
  net_node_id node = net_graph_find(g, c->graph->nodes.at[t->node].name);
  net_node_id quantizer = net_node_result_quantizer(g, node, NET_TENSOR_ACCUMULATOR);
  net_value_id sum = net_node_input(g, quantizer, 0);
  uint64_t inner = net_shape_elements(&net_graph_value_at(g, sum)->shape) / t->channels;
  float *steps = (float *)c->found[t - c->tensors.at].steps;
  for (uint32_t k = 0; k < t->channels; k++) {
    net_range all = ranges->elements[sum][k * inner];
    for (uint64_t i = 1; i < inner; i++) {
      net_range x = ranges->elements[sum][k * inner + i];
      all = (net_range){fmin(all.lo, x.lo), fmax(all.hi, x.hi)};
    }
    const float ends[] = {outward(all.lo, -INFINITY), outward(all.hi, INFINITY)};
    if (!isfinite(ends[0]) || !isfinite(ends[1])) continue;
    net_step s = net_calibrate(c->n, net_format_at(c->n, t->format), NET_CALIBRATE_MINMAX, 1, ends, 2);
    *changed |= s.step != steps[k];
    steps[k] = s.step;
  }
}

/* What an accumulator holds is in the ranges of those behind it: so again, until nothing changes. */
static bool fit_accumulators(dr_calibration *c, const rt_checkpoint *weights) {
  bool changed = false;
  uint32_t rounds = 0;
  for (uint32_t i = 0; i < c->tensors.count; i++) rounds += is_accumulator(c, &c->tensors.at[i]);
  const float *const *numbers = NULL; /* rounds differ in formats alone */
  do {
    if (!rounds) return true;
    const net_graph *g = dr_quantized(c->subject, c->graph, c->quantization);
    if (!g || (!numbers && !(numbers = dr_graph_weights(c->subject, g, weights)))) return false;
    const net_ranges *ranges = net_ranges_find(c->n, &c->n->arena, g, numbers);
    changed = false;
    for (uint32_t i = 0; i < c->tensors.count; i++)
      if (is_accumulator(c, &c->tensors.at[i])) fit_accumulator(c, &c->tensors.at[i], ranges, &changed);
  } while (changed && --rounds);
  return true;
}

/* ---- all of it ---- */

/* What is known of all tensors, for the quantise pass. */
static bool run(dr_calibration *c, dr_calibrator *calibrator, rt_checkpoint *weights) {
  if (!dr_calibrator_find(calibrator, c)) return false;
  c->quantization->calibrated = c->found;
  c->quantization->calibrated_count = c->tensors.count;
  return fit_accumulators(c, weights);
}

bool dr_needs_calibration(dr_subject *subject) {
  dr_calibration c;
  return subject->quantization && begin(&c, subject, subject->quantization) && c.tensors.count;
}

bool dr_calibrate(dr_subject *subject, net_quantization *quantization, rt_checkpoint *weights) {
  dr_calibration c;
  dr_call *call = subject->call;
  if (!begin(&c, subject, quantization)) return false;
  if (!c.tensors.count) return true;
  dr_calibrator *calibrator = dr_calibrator_begin(subject, quantization, weights);
  bool ok = calibrator && run(&c, calibrator, weights);
  if (ok && !call->json)
    fprintf(call->talk, "calibrated %u tensors on %u samples of the train split\n", c.tensors.count,
            dr_calibrator_samples(calibrator));
  dr_calibrator_end(calibrator);
  return ok;
}

/* ---- stored ---- */

static const char *text_of(dr_calibration *c, const dr_open_tensor *t) {
  return net_quantize_tensor_text(c->n, c->graph->nodes.at[t->node].name, t->role, t->input);
}

/* Steps of a file, which may be damaged. */
static bool check_stored(dr_calibration *c, const dr_open_tensor *t, const rt_calibrated *s,
                         const char *path) {
  const char *problem = NULL;
  if (s->count != t->channels)
    problem = net_arena_format(&c->n->arena, "%u steps for %u channel%s", s->count, t->channels,
                               t->channels == 1 ? "" : "s");
  for (uint32_t k = 0; k < s->count && !problem; k++)
    problem = net_calibration_problem(c->n, net_format_at(c->n, t->format), s->steps[k],
                                      s->zeros ? s->zeros[k] : 0);
  if (problem)
    net_error(
        c->n, NET_NOWHERE,
        "cannot read %s: its calibration of '%s' is broken: %s in %s; with --quantize none it is not read",
        path, s->tensor, problem, s->format);
  return !problem;
}

/* found: for this tensor and its format. False: damaged, reported. */
static bool take_stored(dr_calibration *c, const dr_open_tensor *t, const rt_calibrated *stored,
                        uint32_t count, const char *path, net_calibrated *into, bool *found) {
  const char *name = text_of(c, t), *format = net_format_text(c->n, t->format);
  for (uint32_t i = 0; i < count; i++) {
    const rt_calibrated *s = &stored[i];
    if (strcmp(s->tensor, name) || strcmp(s->format, format)) continue;
    if (!check_stored(c, t, s, path)) return false;
    *found = true;
    *into = (net_calibrated){.node = c->graph->nodes.at[t->node].name,
                             .tensor = t->role,
                             .input = t->input,
                             .count = s->count,
                             .steps = s->steps};
    if (!s->zeros) return true;
    int32_t *zeros = NET_NEW_ARRAY(&c->n->arena, int32_t, s->count);
    for (uint32_t k = 0; k < s->count; k++) zeros[k] = (int32_t)fminf(s->zeros[k], 0x1.fffffep30f);
    into->zeros = zeros;
    return true;
  }
  return true;
}

/* Whether the checkpoint was calibrated for all that is open now. */
static bool recall(dr_calibration *c, const rt_checkpoint *weights, bool *all) {
  const rt_calibrated *stored;
  uint32_t count;
  *all = false;
  if (!rt_checkpoint_calibration(c->n, weights, &stored, &count)) return false;
  c->found = NET_NEW_ARRAY(&c->n->arena, net_calibrated, c->tensors.count);
  for (uint32_t i = 0; i < c->tensors.count; i++) {
    bool found = false;
    if (!take_stored(c, &c->tensors.at[i], stored, count, rt_checkpoint_path(weights), &c->found[i], &found))
      return false;
    if (!found) return true;
  }
  c->quantization->calibrated = c->found;
  c->quantization->calibrated_count = c->tensors.count;
  return *all = true;
}

/* For checkpoints to come. */
static void remember(dr_calibration *c) {
  rt_train_spec *spec = &c->subject->experiment.recipe.train;
  rt_calibrated *list = NET_NEW_ARRAY(&c->n->arena, rt_calibrated, c->tensors.count + 1);
  for (uint32_t i = 0; i < c->tensors.count; i++) {
    const net_calibrated *from = &c->quantization->calibrated[i];
    float *zeros = from->zeros ? NET_NEW_ARRAY(&c->n->arena, float, from->count) : NULL;
    for (uint32_t k = 0; zeros && k < from->count; k++) zeros[k] = (float)from->zeros[k];
    list[i] = (rt_calibrated){.tensor = text_of(c, &c->tensors.at[i]),
                              .format = net_format_text(c->n, c->tensors.at[i].format),
                              .count = from->count,
                              .steps = from->steps,
                              .zeros = zeros};
  }
  spec->quantize = net_text(c->n, c->quantization->name);
  spec->calibrated = list;
  spec->calibrated_count = c->tensors.count;
}

/* Quantises anew with what is known now. */
static bool settle(dr_calibration *c) {
  dr_subject *subject = c->subject;
  remember(c);
  if (!c->tensors.count) return true;
  subject->experiment.network.graph = dr_quantized(subject, subject->folded, subject->quantization);
  return subject->experiment.network.graph != NULL;
}

bool dr_calibrate_again(dr_subject *subject, net_quantization *quantization, rt_checkpoint *weights,
                        dr_calibrator **calibrator) {
  dr_calibration c;
  bool all = false;
  if (!begin(&c, subject, quantization)) return false;
  if (!c.tensors.count) return true;
  if (!recall(&c, weights, &all)) return false;
  if (all) return true;
  if (!*calibrator && !(*calibrator = dr_calibrator_begin(subject, quantization, weights))) return false;
  return run(&c, *calibrator, weights);
}

bool dr_settle_formats(dr_subject *subject, rt_checkpoint *weights) {
  dr_calibration c;
  bool all = false;
  if (!subject->quantization) return true;
  if (!begin(&c, subject, subject->quantization)) return false;
  if (c.tensors.count && weights && !recall(&c, weights, &all)) return false;
  if (c.tensors.count && !all && !dr_calibrate(subject, subject->quantization, weights)) return false;
  return settle(&c);
}
