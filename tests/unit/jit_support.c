#include "tests/unit/jit_support.h"

#include "loops/evaluate.h"
#include "loops/print.h"

/* ---- targets ---- */

const char *const jit_target_names[] = {"avx512", "avx2", "sse2", "scalar"};

const char *jit_message(netc *n) {
  net_diagnostics *d = &n->diagnostics;
  return d->list.count ? d->list.at[d->list.count - 1].message : "";
}

void jit_begin(netc *n, uint32_t target, cg_target *found) {
  netc_init(n, NULL);
  net_ops_install(n);
  assert_true(cg_target_find(n, NET_NOWHERE, jit_target_names[target], found));
}

bool jit_runs_here(uint32_t target) {
  netc n;
  cg_target found;
  jit_begin(&n, target, &found);
  bool runs = cg_target_runs_here(&n, NET_NOWHERE, &found);
  if (!runs) fprintf(stderr, "SKIPPED %s: %s\n", jit_target_names[target], jit_message(&n));
  netc_free(&n);
  return runs;
}

void jit_expect_silence(netc *n) {
  if (!n->diagnostics.errors && !n->diagnostics.faults) return;
  net_diagnostics_flush(n, stderr, NET_DIAGNOSTICS_TEXT, false);
  fail_msg("%u errors, %u faults", n->diagnostics.errors, n->diagnostics.faults);
}

/* ---- functions ---- */

static void bind(netc *n, jit_function *t) {
  const net_graph *g = t->graph;
  kn_bindings *b = &t->bindings;
  uint32_t count = g->values.count + 1;
  kn_variable *variables = NET_NEW_ARRAY(&n->arena, kn_variable, count);
  net_name *columns = NET_NEW_ARRAY(&n->arena, net_name, count),
           *scalars = NET_NEW_ARRAY(&n->arena, net_name, count);
  t->variable_ids = NET_NEW_ARRAY(&n->arena, net_value_id, count);
  t->column_ids = NET_NEW_ARRAY(&n->arena, net_value_id, count);
  t->scalar_ids = NET_NEW_ARRAY(&n->arena, net_value_id, count);
  t->alias = NET_NEW_ARRAY(&n->arena, net_value_id, count);
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = net_graph_value_at(g, v);
    t->alias[v] = NET_NONE;
    switch (value->kind) {
    case NET_VALUE_PARAMETER:
    case NET_VALUE_STATISTIC:
    case NET_VALUE_STATE:
      t->variable_ids[b->variable_count] = v;
      variables[b->variable_count++] = (kn_variable){value->name, t->variable_floats};
      t->variable_floats += ((size_t)net_shape_elements(&value->shape) + 15) / 16 * 16;
      break;
    case NET_VALUE_INPUT:
    case NET_VALUE_TARGET:
    case NET_VALUE_WEIGHT:
      t->column_ids[b->column_count] = v;
      columns[b->column_count++] = value->name;
      break;
    case NET_VALUE_SCALAR:
      t->scalar_ids[b->scalar_count] = v;
      scalars[b->scalar_count++] = value->name;
      break;
    case NET_VALUE_CONSTANT: break;
    case NET_VALUE_RESULT:
      t->alias[v] = net_node_alias(g, value->def, v - net_graph_at(g, value->def)->first_output);
      break;
    }
  }
  b->variables = variables, b->columns = columns, b->scalars = scalars;
}

static jit_function *make(netc *n, const cg_target *target, const net_value_ids *outputs, kn_options options,
                          jit_function from) {
  jit_function *t = NET_NEW(&n->arena, jit_function);
  *t = from;
  t->unfused = options.unfused;
  bind(n, t);
  if (outputs) t->bindings.outputs = outputs->at, t->bindings.output_count = outputs->count;
  kn_machine machine = {target->lanes, target->registers, target->has_dot4};
  t->f = kn_lower(n, &n->arena, t->graph, &t->bindings, net_intern(n, t->name), t->batch, t->masked);
  if (!t->f || !lp_verify_statements(t->f) || !kn_schedule(t->f, &machine, &options) ||
      !lp_verify_nests(t->f))
    fail_msg("%s for %s: %s", t->name, target->name, jit_message(n));
  t->written = NET_NEW_ARRAY(&n->arena, bool, t->f->buffers.count + 1);
  for (lp_stmt s = 1; s < t->f->stmts.count; s++)
    if (t->f->stmts.at[s].kind == LP_STORE) t->written[t->f->stmts.at[s].which] = true;
  return t;
}

jit_function *jit_function_new(netc *n, const cg_target *target, const net_graph *graph, const char *name,
                               const net_value_ids *outputs, uint32_t batch, bool masked, bool unfused) {
  return make(n, target, outputs, (kn_options){.unfused = unfused},
              (jit_function){.graph = graph, .name = name, .batch = batch, .masked = masked});
}

jit_function *jit_function_single(netc *n, const cg_target *target, const net_graph *graph, const char *name,
                                  const net_value_ids *outputs, bool unfused) {
  return make(n, target, outputs, (kn_options){.unfused = unfused, .single = true},
              (jit_function){.graph = graph, .name = name, .batch = 1});
}

cg_jit *jit_compile(netc *n, const cg_target *target, jit_function *const *functions, uint32_t count) {
  const lp_function **list = NET_NEW_ARRAY(&n->arena, const lp_function *, count + 1);
  for (uint32_t i = 0; i < count; i++) list[i] = functions[i]->f;
  cg_jit *jit = cg_jit_new(n, &(cg_input){target, list, count}, NULL);
  jit_expect_silence(n);
  assert_non_null(jit);
  for (uint32_t i = 0; i < count; i++) {
    functions[i]->call = cg_jit_find(jit, functions[i]->name);
    assert_non_null(functions[i]->call);
  }
  return jit;
}

/* ---- numbers ---- */

const char *const jit_fill_names[JIT_FILLS] = {"usual", "equal", "zero",     "tiny",
                                               "large", "huge",  "infinite", "nan"};

/* SplitMix64 */
static uint64_t draw(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

double jit_random(uint64_t *state, double lo, double hi) {
  return lo + (hi - lo) * (double)(draw(state) >> 11) * 0x1p-53;
}

static double number(jit_fill fill, uint64_t *state) {
  double usual = jit_random(state, -2.5, 2.5), sign = usual < 0 ? -1 : 1;
  bool some = draw(state) % 13 == 0;
  switch (fill) {
  case JIT_EQUAL: return 0.7;
  case JIT_ZERO: return 0 * sign;
  case JIT_TINY: return sign * jit_random(state, 0x1p-149, 0x1p-126);
  case JIT_LARGE: return sign * jit_random(state, 0, 100);
  case JIT_HUGE: return sign * exp2(jit_random(state, 20, 127));
  case JIT_INFINITE: return some ? sign * INFINITY : usual;
  case JIT_NAN: return some ? NAN : usual;
  default: return usual;
  }
}

/* Elements of a value, f32 or u32: parameters that a network initialises by that. */
static void fill(netc *n, const net_value *value, jit_fill fill, uint64_t *state, uint64_t count, void *to) {
  const char *name = net_text(n, value->name);
  unsigned classes = 1;
  bool positive = !strncmp(name, "positive", 8) || strstr(name, "running_var") ||
                  strstr(name, "exp_avg_sq") || value->kind == NET_VALUE_WEIGHT ||
                  value->kind == NET_VALUE_SCALAR;
  if (value->type == NET_U32) assert_int_equal(sscanf(name, "label%u", &classes), 1);
  if (value->kind == NET_VALUE_PARAMETER) fill = JIT_USUAL;
  bool initialized = value->kind == NET_VALUE_PARAMETER && value->init.value != 0;
  double about = initialized && value->init.kind == NET_INIT_FILL ? value->init.value : 0;
  double away = about != 0 ? 0.3 * about : value->init.value;
  for (uint64_t i = 0; i < count; i++) {
    double x = initialized ? jit_random(state, about - away, about + away)
               : positive  ? jit_random(state, 0.25, 1.75)
                           : number(fill, state);
    if (value->type == NET_U32) ((uint32_t *)to)[i] = (uint32_t)(draw(state) % classes);
    else ((float *)to)[i] = (float)x;
  }
}

void jit_make_constant(net_graph *graph, uint64_t seed) {
  for (net_value_id v = 0; v < graph->values.count; v++) {
    net_value *value = &graph->values.at[v];
    if (value->kind != NET_VALUE_PARAMETER && value->kind != NET_VALUE_STATISTIC) continue;
    uint64_t elements = net_shape_elements(&value->shape);
    void *data = net_arena_alloc(graph->arena, elements * sizeof(float) + 4, 64);
    fill(graph->n, value, JIT_USUAL, &seed, elements, data);
    value->kind = NET_VALUE_CONSTANT, value->data = data;
  }
}

/* ---- memory ---- */

enum { CANARY = 64, CANARY_BYTE = 0xFF };

/* Bytes with a canary behind them. Columns have theirs too: what is read past the end must not matter. */
static void *guarded(net_arena *arena, jit_memory *m, size_t bytes) {
  char *at = net_arena_alloc(arena, bytes + CANARY, 64);
  memset(at + bytes, CANARY_BYTE, CANARY);
  m->ends[m->end_count++] = at + bytes;
  return at;
}

static void spoil_scratch(jit_memory *m, uint64_t garbage) {
  uint32_t *words = m->step.scratch;
  for (size_t i = 0; i < m->function->f->scratch_bytes / 4; i++) {
    uint64_t x = draw(&garbage); /* floats of all sizes, infinities, NaN */
    words[i] = x % 16 == 0 ? 0x7FC00000u : (uint32_t)(x >> 32);
  }
}

static bool is_prime(uint32_t p) {
  for (uint32_t d = 2; d * d <= p; d++)
    if (p % d == 0) return false;
  return true;
}

static void fill_rows(net_arena *arena, jit_memory *m, jit_fill with, uint64_t *state) {
  const jit_function *t = m->function;
  netc *n = t->graph->n;
  void **columns = NET_NEW_ARRAY(arena, void *, t->bindings.column_count + 1);
  for (m->rows = m->step.count + 7; !is_prime(m->rows);) m->rows++;
  for (uint32_t i = 0; i < t->bindings.column_count; i++) {
    const net_value *value = net_graph_value_at(t->graph, t->column_ids[i]);
    uint64_t elements = net_shape_elements(&value->shape) * m->rows;
    columns[i] = guarded(arena, m, elements * 4);
    fill(n, value, with, state, elements, columns[i]);
  }
  uint32_t *index = guarded(arena, m, t->f->padded * sizeof *index);
  for (uint32_t i = 0; i < t->f->padded; i++)
    index[i] = ((i < m->step.count ? i : i % m->step.count) * 5 + 3) % m->rows;
  m->step.columns = (const void *const *)columns;
  m->step.index = index;
}

jit_memory *jit_memory_new(net_arena *arena, const jit_function *t, uint32_t count, jit_fill with,
                           uint64_t seed) {
  netc *n = t->graph->n;
  jit_memory *m = NET_NEW(arena, jit_memory);
  assert_true(t->masked ? count <= t->batch : count == t->batch);
  m->function = t;
  m->ends = NET_NEW_ARRAY(arena, char *, t->bindings.column_count + t->bindings.output_count + 8);
  m->step = (rt_step){.count = count, .step = 3, .key = {99, 0xFFFFFFFF}};
  m->step.loss = &m->loss, m->step.weight_sum = &m->weight_sum, m->step.correct = &m->correct;
  fill_rows(arena, m, with, &seed);
  float *scalars = guarded(arena, m, (t->bindings.scalar_count + 1) * sizeof *scalars);
  for (uint32_t i = 0; i < t->bindings.scalar_count; i++)
    fill(n, net_graph_value_at(t->graph, t->scalar_ids[i]), with, &seed, 1, &scalars[i]);
  m->step.scalars = scalars;
  m->before = net_arena_alloc(arena, t->variable_floats * sizeof(float) + 4, 64);
  for (uint32_t i = 0; i < t->bindings.variable_count; i++) {
    const net_value *value = net_graph_value_at(t->graph, t->variable_ids[i]);
    fill(n, value, with, &seed, net_shape_elements(&value->shape),
         m->before + t->bindings.variables[i].offset);
  }
  m->step.variables = guarded(arena, m, t->variable_floats * sizeof(float));
  m->step.scratch = guarded(arena, m, t->f->scratch_bytes);
  void **outputs = NET_NEW_ARRAY(arena, void *, t->bindings.output_count + 1);
  for (uint32_t i = 0; i < t->bindings.output_count; i++)
    outputs[i] =
        guarded(arena, m,
                net_shape_elements(&net_graph_value_at(t->graph, t->bindings.outputs[i])->shape) * count * 4);
  m->step.outputs = outputs;
  jit_memory_again(m, seed);
  return m;
}

void jit_memory_zero(jit_memory *m, const char *suffix) {
  const jit_function *t = m->function;
  for (uint32_t i = 0; i < t->bindings.variable_count; i++) {
    const net_value *value = net_graph_value_at(t->graph, t->variable_ids[i]);
    const char *name = net_text(t->graph->n, value->name);
    size_t length = strlen(name), end = strlen(suffix);
    if (length >= end && !strcmp(name + length - end, suffix))
      memset(m->before + t->bindings.variables[i].offset, 0,
             net_shape_elements(&value->shape) * sizeof(float));
  }
  jit_memory_again(m, 1);
}

void jit_memory_again(jit_memory *m, uint64_t garbage) {
  memcpy(m->step.variables, m->before, m->function->variable_floats * sizeof(float));
  spoil_scratch(m, garbage);
  m->loss = m->weight_sum = -1;
  m->correct = UINT32_MAX;
}

uint32_t jit_call(jit_memory *m) {
  uint32_t left = m->function->call(&m->step);
  for (uint32_t i = 0; i < m->end_count; i++)
    for (uint32_t k = 0; k < CANARY; k++)
      if ((uint8_t)m->ends[i][k] != CANARY_BYTE)
        fail_msg("%s wrote %u bytes behind a buffer's end (buffer %u)", m->function->name, k, i);
  return left;
}

bool jit_read(const jit_memory *m, net_value_id id, double *to) {
  const jit_function *t = m->function;
  const lp_function *f = t->f;
  const net_value *value = net_graph_value_at(t->graph, id);
  lp_buffer b = f->value_buffer[id];
  const lp_buffer_info *info = &f->buffers.at[b];
  uint64_t elements = net_shape_elements(&value->shape);
  const void *from = NULL;
  if (value->kind == NET_VALUE_CONSTANT) from = value->data;
  else if (info->storage == LP_SCALAR) from = m->step.scalars + info->slot;
  else if (info->storage == LP_VARIABLE)
    from = (t->alias[id] != NET_NONE ? m->step.variables : m->before) + info->offset;
  else if (value->kind == NET_VALUE_RESULT && !t->written[b]) return false;
  else if (value->kind == NET_VALUE_RESULT) from = (const char *)m->step.scratch + info->offset;
  for (uint32_t s = 0; s < (value->batched ? m->step.count : 1); s++)
    for (uint64_t e = 0; e < elements; e++) {
      uint64_t at = value->batched ? lp_physical(f, b, s, e) : e;
      const void *source = from;
      if (!from) { /* a column */
        uint32_t slot = 0;
        while (t->column_ids[slot] != id) slot++;
        source = m->step.columns[slot];
        at = m->step.index[s] * elements + e;
      }
      to[s * elements + e] = net_type_element(value->type, source, at);
    }
  return true;
}

/* ---- comparing ---- */

double jit_distance(const double *expected, const double *actual, uint64_t count, const double *terms,
                    uint64_t *worst) {
  double largest = 0, distance = 0;
  *worst = 0;
  for (uint64_t i = 0; i < count; i++)
    if (isfinite(expected[i])) largest = fmax(largest, fabs(expected[i]));
  for (uint64_t i = 0; i < count; i++) {
    if (expected[i] == actual[i] || (isnan(expected[i]) && isnan(actual[i]))) continue;
    double unit = 0x1p-23 * fmax(largest, terms ? terms[i] : 0);
    double apart = fabs(expected[i] - actual[i]) / fmax(unit, 0x1p-149); /* denormals lie 2^-149 apart */
    if (!isfinite(apart)) apart = INFINITY;
    if (apart > distance) distance = apart, *worst = i;
  }
  return distance;
}

net_run jit_run(const jit_memory *m, net_arena *arena) {
  const net_graph *g = m->function->graph;
  net_run run = net_run_begin(g->n, g, arena, m->step.count);
  run.step = m->step.step;
  run.key[0] = m->step.key[0], run.key[1] = m->step.key[1];
  for (net_value_id v = 0; v < g->values.count; v++) {
    if (net_graph_value_at(g, v)->kind == NET_VALUE_RESULT) continue;
    double *elements = NET_NEW_ARRAY(arena, double, net_run_elements(&run, v));
    assert_true(jit_read(m, v, elements));
    net_run_set_doubles(&run, v, elements);
  }
  return run;
}

/* Outputs that stand for nothing: an update's without the variable, what batch_norm observes in training
 * alone. */
static bool is_empty(const net_graph *g, net_node_id node, uint32_t output) {
  const net_op *op = net_node_op(g, node);
  if (op->class == OP_UPDATE) return net_node_alias(g, node, output) == NET_NONE;
  return !strcmp(op->name, "batch_norm") && output && !net_node_bool(g, node, "training");
}

void jit_compare_nodes(const jit_memory *m, net_arena *arena, jit_judge judge, void *context) {
  const net_graph *g = m->function->graph;
  net_run run = jit_run(m, arena);
  for (net_node_id node = 0; node < g->nodes.count; node++) {
    if (!net_run_node(&run, node)) fail_msg("%s: %s", m->function->name, jit_message(g->n));
    for (uint32_t i = 0; i < net_graph_at(g, node)->output_count; i++) {
      net_value_id v = net_node_output(g, node, i);
      double *actual = NET_NEW_ARRAY(arena, double, net_run_elements(&run, v) + 1);
      if (is_empty(g, node, i)) continue;
      if (!jit_read(m, v, actual))
        fail_msg("%s is not computed", net_text(g->n, net_graph_value_at(g, v)->name));
      judge(context, m, &run, node, i, run.values[v], actual);
      memcpy(run.values[v], actual, net_run_elements(&run, v) * sizeof *actual); /* for what follows */
    }
  }
}
