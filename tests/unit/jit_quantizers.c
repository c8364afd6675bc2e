#include "tests/unit/jit_quantizers.h"

#include "runtime/random.h"

#include <stdlib.h>

enum { STREAM = 5 };

uint64_t jit_bits(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static net_shape shape_of(const char *text) {
  net_shape shape = {0};
  for (char *end; *text; text = *end ? end + 1 : end)
    shape.dim[shape.rank++] = (uint32_t)strtoul(text, &end, 10);
  return shape;
}

static uint64_t elements_of(const jit_quantizers *q, uint32_t k) {
  net_shape shape = shape_of(q->list[k].shape);
  return net_shape_elements(&shape) * (q->list[k].batched ? q->samples : 1);
}

/* ---- graph ---- */

static net_value_id constant(net_graph *g, const char *name, uint32_t k, const float *data, uint32_t count) {
  net_shape shape = {.rank = count > 1, .dim = {count}};
  net_name text = net_intern_format(g->n, "%s%u", name, k);
  net_value_id v = net_graph_value(g, NET_VALUE_CONSTANT, text, NET_F32, shape, false, NET_NOWHERE);
  float *copy = NET_NEW_ARRAY(g->arena, float, count);
  memcpy(copy, data, count * sizeof *data);
  g->values.at[v].data = copy;
  return v;
}

static net_graph *make_graph(netc *n, const jit_quantizers *q) {
  net_graph *g = net_graph_new(n, &n->arena, net_intern(n, "quantizers"), NET_NOWHERE);
  for (uint32_t k = 0; k < q->count; k++) {
    const jit_quantizer *c = &q->list[k];
    net_value_kind kind = c->batched ? NET_VALUE_INPUT : NET_VALUE_PARAMETER;
    net_value_id in[3] = {net_graph_value(g, kind, net_intern_format(n, "x%u", k), NET_F32,
                                          shape_of(c->shape), c->batched, NET_NOWHERE),
                          NET_NONE, NET_NONE};
    g->values.at[in[0]].column = k;
    if (c->steps) in[1] = constant(g, "step", k, c->step, c->steps);
    if (c->steps && c->zero) in[2] = constant(g, "zero", k, c->zero, c->steps);
    net_attribute attributes[] = {net_attribute_text(n, "format", c->format),
                                  net_attribute_bool(n, "training", c->training),
                                  net_attribute_int(n, "stream", STREAM)};
    net_node_id node =
        net_graph_node(g, "quantize", net_intern_format(n, "y%u", k), in, 3, attributes, 3, NET_NOWHERE);
    if (node == NET_NONE) fail_msg("%s: %s", c->format, jit_message(n));
    if (c->batched) net_vec_push(&n->arena, &g->outputs, net_node_output(g, node, 0));
  }
  net_graph_verify(n, g);
  jit_expect_silence(n);
  return g;
}

/* ---- reference ---- */

static void reference(netc *n, const jit_quantizers *q, const jit_memory *m, uint32_t k, const float *values,
                      float *out) {
  const jit_quantizer *c = &q->list[k];
  uint32_t id;
  assert_true(net_format_parse(n, c->format, strlen(c->format), NET_NOWHERE, &id));
  net_shape own = shape_of(c->shape), shape = own;
  if (c->batched) {
    shape = (net_shape){.rank = own.rank + 1, .dim = {q->samples}};
    memcpy(shape.dim + 1, own.dim, own.rank * sizeof *own.dim);
  }
  int32_t zero[64];
  for (uint32_t i = 0; i < c->steps && c->zero; i++) zero[i] = (int32_t)c->zero[i];
  net_calibration calibration = {c->step, c->zero ? zero : NULL, c->steps};
  net_format_tensor x = {.shape = &shape, .batched = c->batched, .values = values};
  if (c->steps) x.calibration = &calibration;
  float *draws = NULL;
  uint64_t count = net_shape_elements(&own);
  if (c->training) {
    draws = malloc(net_shape_elements(&shape) * sizeof *draws);
    for (uint32_t s = 0; s < (c->batched ? q->samples : 1); s++)
      for (uint32_t i = 0; i < count; i++) {
        uint32_t words[4];
        rt_philox((uint32_t[4]){m->step.step, STREAM, s, i / 4}, m->step.key, words);
        draws[s * count + i] = (float)(words[i % 4] >> 8) * 0x1p-24f;
      }
    x.draws = draws;
  }
  net_format_quantize(net_format_at(n, id), &x, out);
  free(draws);
}

/* ---- calls ---- */

static void place(const jit_quantizers *q, jit_memory *m, uint32_t k, const float *values) {
  const jit_function *t = m->function;
  net_value_id id = net_graph_find_value(t->graph, net_intern_format(t->graph->n, "x%u", k));
  uint64_t count = elements_of(q, k);
  if (!q->list[k].batched) {
    for (uint32_t i = 0; i < t->bindings.variable_count; i++)
      if (t->variable_ids[i] == id)
        memcpy(m->step.variables + t->bindings.variables[i].offset, values, count * sizeof *values);
    return;
  }
  uint32_t slot = 0;
  while (t->column_ids[slot] != id) slot++;
  uint64_t width = count / q->samples;
  for (uint32_t s = 0; s < q->samples; s++)
    memcpy((float *)(uintptr_t)m->step.columns[slot] + m->step.index[s] * width, values + s * width,
           width * sizeof *values);
}

static void read_back(const jit_quantizers *q, const jit_memory *m, uint32_t k, uint32_t output, float *to) {
  const net_graph *g = m->function->graph;
  uint64_t count = elements_of(q, k);
  if (q->fused && q->list[k].batched) {
    memcpy(to, m->step.outputs[output], count * sizeof *to);
    return;
  }
  double *read = malloc(count * sizeof *read);
  net_value_id y = net_graph_find_value(g, net_intern_format(g->n, "y%u", k));
  assert_true(jit_read(m, y, read));
  for (uint64_t i = 0; i < count; i++) to[i] = (float)read[i];
  free(read);
}

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static void compare(const jit_quantizers *q, uint32_t target, uint32_t k, const float *x,
                    const float *expected, const float *actual) {
  for (uint64_t i = 0; i < elements_of(q, k); i++)
    if (bits_of(expected[i]) != bits_of(actual[i]) && !(isnan(expected[i]) && isnan(actual[i])))
      fail_msg("%s of %s[%s]%s for %s: element %llu, %a (%08x): %a (%08x), not %a (%08x)", q->list[k].format,
               q->list[k].batched ? "a batch of " : "", q->list[k].shape, q->fused ? ", fused" : "",
               jit_target_names[target], (unsigned long long)i, (double)x[i], bits_of(x[i]),
               (double)actual[i], bits_of(actual[i]), (double)expected[i], bits_of(expected[i]));
}

typedef struct {
  netc n;
  cg_target target;
  jit_function *function;
  cg_jit *jit;
} compiled;

static void compile(const jit_quantizers *q, uint32_t target, compiled *c) {
  jit_begin(&c->n, target, &c->target);
  if (q->prepare) q->prepare(&c->n);
  net_graph *g = make_graph(&c->n, q);
  const net_value_ids *outputs = q->fused ? &g->outputs : NULL;
  c->function = q->single ? jit_function_single(&c->n, &c->target, g, "quantizers", outputs, !q->fused)
                          : jit_function_new(&c->n, &c->target, g, "quantizers", outputs, q->batch,
                                             q->samples != q->batch, !q->fused);
  c->jit = jit_compile(&c->n, &c->target, &c->function, 1);
}

uint64_t jit_quantizers_run(const jit_quantizers *q) {
  compiled *targets[JIT_TARGETS] = {NULL};
  uint64_t compared = 0;
  for (uint32_t t = 0; t < JIT_TARGETS; t++) {
    if (!jit_runs_here(t)) continue;
    targets[t] = calloc(1, sizeof **targets);
    compile(q, t, targets[t]);
  }
  float **values = calloc(q->count, sizeof *values), **expected = calloc(q->count, sizeof *expected);
  for (uint32_t call = 0; call < q->calls; call++) {
    bool known = false;
    for (uint32_t t = 0; t < JIT_TARGETS; t++) {
      if (!targets[t]) continue;
      net_arena arena;
      net_arena_init(&arena, NULL);
      jit_memory *m = jit_memory_new(&arena, targets[t]->function, q->samples, JIT_USUAL, call);
      for (uint32_t k = 0, output = 0; k < q->count; k++, output += q->list[k - 1].batched) {
        (void)output;
        uint64_t count = elements_of(q, k);
        if (!known) {
          values[k] = malloc(count * sizeof **values);
          expected[k] = malloc(count * sizeof **expected);
          q->fill(q->context, k, call, values[k], count);
          reference(&targets[t]->n, q, m, k, values[k], expected[k]);
        }
        place(q, m, k, values[k]);
      }
      known = true;
      assert_int_equal(jit_call(m), 0);
      for (uint32_t k = 0, output = 0; k < q->count; k++) {
        if (q->fused && !q->list[k].batched) continue; /* leads to no output */
        uint64_t count = elements_of(q, k);
        float *actual = malloc(count * sizeof *actual);
        read_back(q, m, k, output, actual);
        compare(q, t, k, values[k], expected[k], actual);
        output += q->list[k].batched;
        compared += count;
        free(actual);
      }
      net_arena_free(&arena);
    }
    for (uint32_t k = 0; k < q->count; k++) free(values[k]), free(expected[k]);
  }
  free(values), free(expected);
  for (uint32_t t = 0; t < JIT_TARGETS; t++) {
    if (!targets[t]) continue;
    cg_jit_free(targets[t]->jit);
    jit_expect_silence(&targets[t]->n);
    netc_free(&targets[t]->n);
    free(targets[t]);
  }
  return compared;
}
