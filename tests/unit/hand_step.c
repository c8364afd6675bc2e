#include "hand_step.h"

#include "runtime/random.h"

#include <math.h>
#include <signal.h>
#include <unistd.h>

hand_hooks hand;

enum {
  D = HAND_INPUTS, H = HAND_HIDDEN, C = HAND_CLASSES, TILE = HAND_TILE,
  W1 = 0, B1 = 32, W2 = 48, B2 = 80, WEIGHTS = 96, /* offsets, multiples of 16 */
  MEAN = 96, STATE = 112, FLOATS = STATE + 2 * WEIGHTS,
};

/* Scratch: gradients, loss, weight, correct and input sums of each tile. */
typedef struct {
  float gradient[WEIGHTS];
  double loss, inputs[D];
  uint32_t correct, samples;
} tile;

typedef struct {
  const rt_step *step;
  bool train;
} job;

static void check_arguments(const rt_step *s, uint32_t padded) {
  hand.last_count = s->count;
  if (!hand.smallest_count || s->count < hand.smallest_count) hand.smallest_count = s->count;
  if (s->count > hand.biggest_count) hand.biggest_count = s->count;
  const void *pointers[] = {s->index, s->variables, s->scratch, s->scalars};
  for (int i = 0; i < 4; i++) hand.misaligned += (uintptr_t)pointers[i] % 64 != 0;
  for (uint32_t i = s->count; i < padded; i++) hand.bad_padding += s->index[i] != s->index[0];
}

static void do_sample(const job *j, tile *t, uint32_t i) {
  const rt_step *s = j->step;
  const float *v = s->variables, *x = (const float *)s->columns[0] + (size_t)s->index[i] * D;
  float h[H], keep[H], z[C], p[C], dh[H] = {0};
  for (int k = 0; k < H; k++) {
    h[k] = v[B1 + k];
    for (int d = 0; d < D; d++) h[k] += v[W1 + k * D + d] * x[d];
    uint32_t draw[4] = {0};
    if (j->train) rt_philox((uint32_t[4]){s->step, 0, s->index[i], (uint32_t)k}, s->key, draw);
    keep[k] = h[k] < 0 ? 0 : j->train ? (draw[0] >> 31 ? 2 : 0) : 1;
    h[k] *= keep[k];
  }
  float most = -INFINITY;
  double sum = 0;
  for (int c = 0; c < C; c++) {
    z[c] = v[B2 + c];
    for (int k = 0; k < H; k++) z[c] += v[W2 + c * H + k] * h[k];
    most = z[c] > most ? z[c] : most;
  }
  for (int c = 0; c < C; c++) sum += p[c] = expf(z[c] - most);
  if (s->outputs) memcpy((float *)s->outputs[0] + (size_t)i * C, z, sizeof z);
  if (!s->columns[1]) return; /* predict */
  uint32_t label = ((const uint32_t *)s->columns[1])[s->index[i]];
  int best = 0;
  for (int c = 1; c < C; c++)
    if (z[c] > z[best]) best = c;
  t->correct += (uint32_t)best == label;
  t->loss += log(sum) + most - z[label];
  t->samples++;
  if (!j->train) return;
  for (int c = 0; c < C; c++) {
    float g = p[c] / (float)sum - (c == (int)label);
    t->gradient[B2 + c] += g;
    for (int k = 0; k < H; k++) t->gradient[W2 + c * H + k] += g * h[k], dh[k] += g * v[W2 + c * H + k];
  }
  for (int k = 0; k < H; k++) {
    t->gradient[B1 + k] += dh[k] * keep[k];
    for (int d = 0; d < D; d++) t->gradient[W1 + k * D + d] += dh[k] * keep[k] * x[d];
  }
  for (int d = 0; d < D; d++) t->inputs[d] += x[d];
}

static void do_tiles(const void *context, uint32_t begin, uint32_t end) {
  const job *j = context;
  for (uint32_t t = begin; t < end; t++) {
    tile *at = (tile *)j->step->scratch + t;
    *at = (tile){0};
    for (uint32_t i = t * TILE; i < (t + 1) * TILE && i < j->step->count; i++) do_sample(j, at, i);
  }
}

/* Sums over tiles in their order, whoever computed them. */
static tile run_tiles(const rt_step *s, bool train) {
  job j = {s, train};
  uint32_t tiles = (s->count + TILE - 1) / TILE;
  if (s->parallel_for) s->parallel_for(s->pool, do_tiles, &j, tiles);
  else do_tiles(&j, 0, tiles);
  tile sum = {0};
  for (uint32_t t = 0; t < tiles; t++) {
    const tile *at = (const tile *)s->scratch + t;
    for (int i = 0; i < WEIGHTS; i++) sum.gradient[i] += at->gradient[i];
    for (int d = 0; d < D; d++) sum.inputs[d] += at->inputs[d];
    sum.loss += at->loss;
    sum.correct += at->correct;
    sum.samples += at->samples;
  }
  if (s->loss) *s->loss = sum.loss / sum.samples, *s->weight_sum = sum.samples, *s->correct = sum.correct;
  return sum;
}

static void update(const rt_step *s, const tile *sum) {
  float *v = s->variables, *m = v + STATE, *q = m + WEIGHTS;
  for (int i = 0; i < WEIGHTS; i++) {
    float g = sum->gradient[i] / (float)s->count;
    m[i] += 0.1f * (g - m[i]);
    q[i] = 0.999f * q[i] + 0.001f * g * g;
    v[i] -= s->scalars[0] * m[i] * s->scalars[1] / (sqrtf(q[i]) * s->scalars[2] + 1e-8f);
  }
  for (int d = 0; d < D; d++) v[MEAN + d] += 0.1f * ((float)(sum->inputs[d] / s->count) - v[MEAN + d]);
}

static uint32_t train(const rt_step *s, uint32_t padded) {
  check_arguments(s, padded);
  tile sum = run_tiles(s, true);
  if (hand.pause) usleep(hand.pause);
  if (hand.count_loss) *s->loss = s->count, *s->correct = s->count - 1;
  if (s->step + 1 == hand.weightless_at) *s->loss = NAN, *s->weight_sum = *s->correct = 0;
  if (++hand.calls == hand.raise_at) raise(hand.number);
  if (s->step + 1 == hand.nan_at) *s->loss = NAN;
  if (!isfinite(*s->loss)) return 1;
  update(s, &sum);
  if (s->step + 1 == hand.spoil_at) s->variables[W1] = INFINITY;
  return 0;
}

static uint32_t batch_size; /* of the program made last */
static uint32_t round_up(uint32_t n) { return (n + TILE - 1) / TILE * TILE; }
static uint32_t train_exact(const rt_step *s) {
  hand.bad_padding += s->count != batch_size;
  return train(s, round_up(batch_size));
}
static uint32_t train_rest(const rt_step *s) { return train(s, round_up(batch_size + 1)); }

static uint32_t evaluate(const rt_step *s) {
  if (++hand.evaluate_calls == hand.evaluate_raise_at) raise(hand.number);
  check_arguments(s, round_up(batch_size + 1));
  run_tiles(s, false);
  if (hand.evaluate_calls == hand.evaluate_weightless_at) *s->loss = NAN, *s->weight_sum = *s->correct = 0;
  return s->loss && !isfinite(*s->loss);
}

/* ---- the table around it ---- */

static const char *explain(void *context, const rt_step *step) {
  (void)context;
  return step->outputs ? "linear_1" : "linear_2";
}

static void add(rt_program *p, const char *name, rt_variable_kind kind, net_shape shape, size_t offset,
                double value) {
  rt_initializer how = kind == RT_PARAMETER ? RT_UNIFORM : RT_FILL;
  p->variables[p->variable_count++] = (rt_variable){name, shape, kind, offset, how, value, false};
}

rt_program *hand_program(net_arena *arena, uint32_t batch) {
  static const struct {
    const char *name, *average, *square;
    net_shape shape;
    size_t offset;
    double bound;
  } weights[] = {
      {"linear_1.weight", "linear_1.weight.exp_avg", "linear_1.weight.exp_avg_sq", {2, {H, D}}, W1, 0.5},
      {"linear_1.bias", "linear_1.bias.exp_avg", "linear_1.bias.exp_avg_sq", {1, {H}}, B1, 0.5},
      {"linear_2.weight", "linear_2.weight.exp_avg", "linear_2.weight.exp_avg_sq", {2, {C, H}}, W2, 0.35},
      {"linear_2.bias", "linear_2.bias.exp_avg", "linear_2.bias.exp_avg_sq", {1, {C}}, B2, 0.35},
  };
  rt_program *p = NET_NEW(arena, rt_program);
  p->network = "blobs";
  p->target = "by-hand";
  p->variables = NET_NEW_ARRAY(arena, rt_variable, 16);
  for (int i = 0; i < 4; i++)
    add(p, weights[i].name, RT_PARAMETER, weights[i].shape, weights[i].offset, weights[i].bound);
  add(p, "norm_1.running_mean", RT_STATISTIC, (net_shape){1, {D}}, MEAN, 0);
  for (int i = 0; i < 4; i++) {
    add(p, weights[i].average, RT_STATE, weights[i].shape, STATE + weights[i].offset, 0);
    add(p, weights[i].square, RT_STATE, weights[i].shape, STATE + WEIGHTS + weights[i].offset, 0);
  }
  p->variable_floats = FLOATS;
  static rt_column_ref columns[] = {{RT_COLUMN_INPUT, 0}, {RT_COLUMN_TARGET, 0}};
  static rt_scalar scalars[] = {
      {RT_SCALAR_RATE, 0, 0}, {RT_SCALAR_CORRECTION1, 0, 0.9}, {RT_SCALAR_CORRECTION2, 0, 0.999}};
  static rt_output outputs[] = {{"logits", C, {1, {C}}}};
  p->columns = columns, p->column_count = 2;
  p->scalars = scalars, p->scalar_count = 3;
  p->outputs = outputs, p->output_count = p->network_outputs = 1;
  p->values = UINT32_MAX;
  p->has_batch_norm = true;
  uint32_t rest = batch + 1;
  batch_size = batch;
  p->train = (rt_function){train_exact, batch, round_up(batch), true, round_up(batch) / TILE * sizeof(tile)};
  p->train_rest =
      (rt_function){train_rest, rest, round_up(rest), false, round_up(rest) / TILE * sizeof(tile)};
  p->evaluate = p->infer =
      (rt_function){evaluate, rest, round_up(rest), false, round_up(rest) / TILE * sizeof(tile)};
  p->explain = explain;
  return p;
}

static void make_split(net_arena *arena, uint32_t rows, uint32_t which, rt_split *split) {
  rt_random r;
  rt_random_start(&r, 7, RT_RANDOM_BENCH, which);
  *split = (rt_split){.rows = rows, .input_count = 1, .target_count = 1};
  split->inputs = NET_NEW(arena, rt_column);
  split->targets = NET_NEW(arena, rt_column);
  float *x = net_arena_alloc(arena, rows * D * sizeof *x + 64, 64);
  uint32_t *y = net_arena_alloc(arena, rows * sizeof *y + 64, 64);
  for (uint32_t i = 0; i < rows; i++) {
    y[i] = rt_random_below(&r, C);
    for (int d = 0; d < D; d++)
      x[i * D + (uint32_t)d] = (float)rt_random_normal(&r) + (d == (int)y[i] ? 2.5f : 0);
  }
  *split->inputs = (rt_column){.name = "x", .type = NET_F32, .width = D, .data = x};
  *split->targets = (rt_column){.name = "y", .type = NET_U32, .width = 1, .data = y};
}

rt_data *hand_data(net_arena *arena, uint32_t rows, uint32_t validation, uint32_t test) {
  static float offset[D] = {0.5f, 0.25f, -1, 3}, factor[D] = {1, 2, 0x1.234566p-3f, 0x1p-140f};
  static rt_fitted_step step = {RT_STANDARD, offset, factor};
  static rt_fitted fitted = {D, 1, &step};
  static const char *classes[] = {"red", "grün", "blue"};
  rt_data *data = NET_NEW(arena, rt_data);
  make_split(arena, rows, 0, &data->split[RT_TRAIN]);
  make_split(arena, validation, 1, &data->split[RT_VALIDATION]);
  make_split(arena, test, 2, &data->split[RT_TEST]);
  data->normalization = &fitted;
  data->classes = classes;
  data->class_count = C;
  return data;
}

rt_train_spec hand_spec(uint32_t epochs, uint32_t batch) {
  static double rates[] = {0.02};
  return (rt_train_spec){.epochs = epochs, .batch_size = batch, .threads = 1, .seed = 11, .shuffle = true,
                         .rates = rates, .rate_count = 1,
                         .schedule = {.kind = RT_COSINE, .minimum = 1e-4, .warmup = 0.5},
                         .program_text = "network blobs(x: f32[4]) { … }\n", .program_name = "blobs.net",
                         .settings = "train.epochs = 3\n"};
}

float *hand_variables(net_arena *arena, const rt_program *program, uint64_t seed) {
  float *variables = net_arena_alloc(arena, program->variable_floats * sizeof *variables, 64);
  rt_initialize(program, seed, variables);
  return variables;
}
