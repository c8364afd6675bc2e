/* Values that calibration looks at, kept as far as there is room, and what was found from them: the steps of
 * a tensor depend on its own format alone. */
#include "driver/calibrator.h"

#include "driver/observe.h"
#include "graph/operator.h"
#include "runtime/batches.h"
#include "runtime/profile.h"

enum {
  BATCH = 256,
  MOST_FLOATS = 1 << 26
}; /* MOST_FLOATS: of values that are kept, or looked at at a time */

typedef struct {
  dr_open_tensor tensor;
  net_calibrated steps;
} found;

struct dr_calibrator {
  dr_subject *subject;
  netc *n;
  const net_graph *graph;
  net_calibrator how;
  double percentile;
  dr_observation observed;
  bool observing; /* values that all samples share are known */
  rt_split rows;
  const float **kept; /* by value: of all rows; NULL: not kept */
  uint64_t kept_floats;
  NET_VEC(found) found;
};

/* ---- values ---- */

/* What the node makes of its parameters and statistics. */
static const float *made_values(dr_calibrator *c, const dr_open_tensor *t, uint64_t *count) {
  const net_graph *g = c->graph;
  uint32_t inputs = net_graph_at(g, t->node)->input_count;
  const float **given = NET_NEW_ARRAY(&c->observed.arena, const float *, inputs);
  for (uint32_t i = 0; i < inputs; i++) {
    net_value_id v = net_node_input(g, t->node, i);
    if (v == NET_NONE || net_graph_value_at(g, v)->batched) continue;
    given[i] = dr_observed_constant(&c->observed, v);
    *count = net_shape_elements(&net_graph_value_at(g, v)->shape);
  }
  float *made = NET_NEW_ARRAY(&c->observed.arena, float, *count);
  net_node_op(g, t->node)->made(g, t->node, given, t->role, made);
  return made;
}

/* Percentiles and entropies are about what samples make of activations; of weights and biases every one
 * counts, as TensorRT has it. */
static net_calibrator calibrator_of(const dr_calibrator *c, const dr_open_tensor *t) {
  bool given = t->role == NET_TENSOR_WEIGHT || t->role == NET_TENSOR_BIAS;
  return given && c->how != NET_CALIBRATE_MSE ? NET_CALIBRATE_MINMAX : c->how;
}

/* rows × elements of the tensor. */
static net_step step_of(dr_calibrator *c, const dr_open_tensor *t, uint32_t channel, const float *values,
                        uint64_t rows, uint64_t elements, float *room) {
  uint64_t inner = elements / t->channels;
  if (t->channels > 1) {
    for (uint64_t r = 0; r < rows; r++)
      memcpy(room + r * inner, values + r * elements + channel * inner, inner * sizeof *room);
    values = room;
  }
  return net_calibrate(c->n, net_format_at(c->n, t->format), calibrator_of(c, t), c->percentile, values,
                       rows * inner);
}

static void calibrate(dr_calibrator *c, const dr_open_tensor *t, const float *values, uint64_t rows,
                      uint64_t elements) {
  net_arena arena;
  net_arena_init(&arena, c->n->arena.guard);
  float *room = NET_NEW_ARRAY(&arena, float, t->channels > 1 ? rows * elements / t->channels : 1);
  float *steps = NET_NEW_ARRAY(&c->n->arena, float, t->channels);
  int32_t *zeros = NET_NEW_ARRAY(&c->n->arena, int32_t, t->channels), any = 0;
  for (uint32_t k = 0; k < t->channels; k++) {
    net_step s = step_of(c, t, k, values, rows, elements, room);
    steps[k] = s.step;
    any |= zeros[k] = s.zero;
  }
  net_calibrated made = {.node = c->graph->nodes.at[t->node].name,
                         .tensor = t->role,
                         .input = t->input,
                         .count = t->channels,
                         .steps = steps,
                         .zeros = any ? zeros : NULL};
  net_vec_push(&c->n->arena, &c->found, (found){*t, made});
  net_arena_free(&arena);
}

static const net_calibrated *find(const dr_calibrator *c, const dr_open_tensor *t) {
  for (uint32_t i = 0; i < c->found.count; i++) {
    const dr_open_tensor *f = &c->found.at[i].tensor;
    if (f->node == t->node && f->role == t->role && f->input == t->input && f->format == t->format &&
        f->channels == t->channels)
      return &c->found.at[i].steps;
  }
  return NULL;
}

/* What all samples share, the network's inputs, and what is kept. */
static void calibrate_given(dr_calibrator *c, const dr_open_tensor *t) {
  uint64_t count = 0;
  if (t->value == NET_NONE) {
    const float *made = made_values(c, t, &count);
    calibrate(c, t, made, 1, count);
    return;
  }
  const float *values = dr_observed_constant(&c->observed, t->value);
  const rt_column *column = dr_observed_input(&c->observed, t->value, &c->rows);
  count = net_shape_elements(&net_graph_value_at(c->graph, t->value)->shape);
  if (values) calibrate(c, t, values, 1, count);
  else if (column) calibrate(c, t, column->data, c->rows.rows, column->width);
  else if (c->kept[t->value]) calibrate(c, t, c->kept[t->value], c->rows.rows, count);
}

/* ---- values of every sample ---- */

/* Tensors to go, as many values as may be kept at a time; their floats. */
static uint64_t choose_values(const dr_calibrator *c, const dr_calibration *of, bool *wanted) {
  uint64_t floats = 0;
  memset(wanted, 0, c->graph->values.count * sizeof *wanted);
  for (uint32_t i = 0; i < of->tensors.count; i++) {
    const dr_open_tensor *t = &of->tensors.at[i];
    if (t->value == NET_NONE || wanted[t->value] || !dr_is_observable(c->graph, t->value) || find(c, t) ||
        c->kept[t->value])
      continue;
    uint64_t more = c->rows.rows * net_shape_elements(&net_graph_value_at(c->graph, t->value)->shape);
    if (floats && floats + more > MOST_FLOATS) continue;
    wanted[t->value] = true;
    floats += more;
  }
  return floats;
}

/* Of the values wanted; they are kept where there is room for all of them. */
static bool calibrate_results(dr_calibrator *c, const dr_calibration *of, uint64_t floats) {
  dr_observation *o = &c->observed;
  net_arena arena;
  net_arena_init(&arena, c->n->arena.guard);
  const rt_program *program = pl_program(o->compiled);
  bool keep = c->kept_floats + floats <= MOST_FLOATS;
  float **outputs;
  bool ok =
      rt_predict_into(c->n, keep ? &o->arena : &arena, program, &c->rows, o->threads, o->variables, &outputs);
  for (uint32_t i = 0; i < program->network_outputs && ok; i++) {
    for (uint32_t k = 0; k < of->tensors.count; k++) {
      const dr_open_tensor *t = &of->tensors.at[k];
      if (t->value == o->outputs[i] && !find(c, t))
        calibrate(c, t, outputs[i], c->rows.rows, program->outputs[i].width);
    }
    if (keep) c->kept[o->outputs[i]] = outputs[i];
  }
  if (keep) c->kept_floats += floats;
  net_arena_free(&arena);
  return ok;
}

/* ---- all of it ---- */

static void take_rows(dr_calibrator *c, uint64_t samples) {
  const rt_split *split = &c->observed.data->split[RT_TRAIN];
  uint32_t count = split->rows;
  if (samples && samples < count) count = (uint32_t)samples;
  rt_orders *orders =
      rt_orders_make(&c->observed.arena, c->subject->experiment.recipe.train.seed, split->rows, 1, true);
  c->rows = rt_split_take(&c->observed.arena, split, rt_orders_get(orders, 0).inner, count);
}

dr_calibrator *dr_calibrator_begin(dr_subject *subject, const net_quantization *quantization,
                                   rt_checkpoint *weights) {
  netc *n = subject->call->n;
  dr_calibrator *c = NET_NEW(&n->arena, dr_calibrator);
  *c = (dr_calibrator){.subject = subject, .n = n, .graph = subject->folded};
  c->how = quantization->calibrator;
  c->percentile = quantization->percentile;
  if (!dr_observe_begin(subject, c->graph, weights, RT_TRAIN, &c->observed)) {
    dr_observe_end(&c->observed);
    return NULL;
  }
  c->kept = NET_NEW_ARRAY(&c->observed.arena, const float *, c->graph->values.count + 1);
  take_rows(c, quantization->samples);
  return c;
}

void dr_calibrator_end(dr_calibrator *c) {
  if (c) dr_observe_end(&c->observed);
}

uint32_t dr_calibrator_samples(const dr_calibrator *c) { return c->rows.rows; }

static bool find_all(dr_calibrator *c, const dr_calibration *of) {
  bool *wanted = NET_NEW_ARRAY(&c->observed.arena, bool, c->graph->values.count + 1);
  uint64_t floats = choose_values(c, of, wanted);
  if (!c->observing || floats) c->observing = dr_observe_compile(&c->observed, wanted, BATCH, NULL);
  if (!c->observing) return false;
  for (uint32_t i = 0; i < of->tensors.count; i++)
    if (!find(c, &of->tensors.at[i])) calibrate_given(c, &of->tensors.at[i]);
  for (; floats; floats = choose_values(c, of, wanted)) {
    if (!c->observed.compiled && !dr_observe_compile(&c->observed, wanted, BATCH, NULL)) return false;
    if (!calibrate_results(c, of, floats)) return false;
    dr_observe_forget(&c->observed);
  }
  return true;
}

bool dr_calibrator_find(dr_calibrator *c, dr_calibration *of) {
  bool all = true;
  for (uint32_t i = 0; i < of->tensors.count && all; i++) all = find(c, &of->tensors.at[i]) != NULL;
  if (!all && !find_all(c, of)) return false;
  of->found = NET_NEW_ARRAY(&c->n->arena, net_calibrated, of->tensors.count);
  for (uint32_t i = 0; i < of->tensors.count; i++) {
    const net_calibrated *steps = find(c, &of->tensors.at[i]);
    if (!steps)
      return net_fault(c->n, NET_NOWHERE, "'%s' has a tensor that cannot be calibrated",
                       net_text(c->n, c->graph->nodes.at[of->tensors.at[i].node].name)),
             false;
    of->found[i] = *steps;
    float *own = NET_NEW_ARRAY(&c->n->arena, float, steps->count);
    memcpy(own, steps->steps, steps->count * sizeof *own);
    of->found[i].steps = own;
  }
  return true;
}
