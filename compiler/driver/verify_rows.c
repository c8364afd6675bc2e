/* What a network is verified on: the rows of a split, random ones, extreme ones. */
#include "driver/verify.h"

#include "formats/formats.h"
#include "graph/operator.h"
#include "runtime/random.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { EXTREME_ROWS = 200, SLACK = 64 };

/* Whether a format makes numbers of moderate size of everything: with those of the size of FLT_MAX that
 * others let through, compiled sums overflow where the interpreter's do not yet, and nothing is promised. */
static bool is_moderate(const net_format_spec *spec) {
  const net_format *row = &net_formats[spec->family];
  const double from = -INFINITY, to = INFINITY;
  net_shape scalar = {0};
  float low, high;
  if (net_format_grid_of(spec) == NET_GRID_ONES) return !(row->flags & NET_FORMAT_WEIGHTS_ONLY);
  if (row->flags & NET_FORMAT_IEEE || !(row->flags & NET_FORMAT_PER_ELEMENT) || spec->mase) return false;
  net_format_range(spec, &(net_format_tensor){.shape = &scalar}, &from, &to, &low, &high);
  return low >= -0x1p40f && high <= 0x1p40f;
}

/* Whether nothing but such quantisers reads the input: then it may be infinite, or no number. */
static bool saturates(const net_graph *g, net_value_id input) {
  for (net_node_id i = 0; i < g->nodes.count; i++)
    for (uint32_t k = 0; k < g->nodes.at[i].input_count; k++) {
      if (net_node_input(g, i, k) != input) continue;
      const net_value *y = net_graph_value_at(g, g->nodes.at[i].first_output);
      if (!net_node_is_quantizer(g, i) || !is_moderate(net_format_at(g->n, y->format))) return false;
    }
  return true;
}

/* Numbers of all sizes; row by row of one size, so that sums are neither lost nor ruled by one term. */
static void fill_random(rt_random *r, float *row, uint32_t width, uint32_t index) {
  static const double sizes[] = {1, 1, 1, 0.1, 3, 10, 1e-3, 100};
  double size = sizes[index % (sizeof sizes / sizeof *sizes)];
  for (uint32_t i = 0; i < width; i++) row[i] = (float)(size * rt_random_normal(r));
}

/* Ends of ranges, zeros, the smallest and the largest; the first rows of one kind throughout, the rest mixed.
 */
static void fill_extreme(rt_random *r, float *row, uint32_t width, uint32_t index, bool all) {
  static const float ends[] = {0,     -0.0f, 1,    -1,    1e-40f,  -1e-40f,  FLT_MIN,  -FLT_MIN,  1000, -1000,
                               127.5, -128,  1e6f, -1e6f, FLT_MAX, -FLT_MAX, INFINITY, -INFINITY, NAN};
  enum { USUAL = 12, ENDS = sizeof ends / sizeof *ends };
  uint32_t count = all ? ENDS : USUAL, fixed = rt_random_below(r, count), other = rt_random_below(r, count);
  for (uint32_t i = 0; i < width; i++) {
    uint32_t kind = index < count    ? index
                    : index % 3 == 0 ? rt_random_below(r, count)
                    : i % 2          ? fixed
                                     : other;
    row[i] = ends[kind];
  }
}

/* As the program declares the input, and in no case NaN. */
static void keep_within(net_range in, float *row, uint32_t width) {
  for (uint32_t i = 0; i < width && in.lo <= in.hi; i++)
    row[i] = fminf(fmaxf(row[i], (float)in.lo), (float)in.hi);
}

static bool make(dr_verification *v, const char *name, uint32_t count, bool extreme, dr_rows *rows) {
  const net_graph *g = v->graph;
  uint32_t inputs = 0;
  for (net_value_id id = 0; id < g->values.count; id++) inputs += g->values.at[id].kind == NET_VALUE_INPUT;
  *rows = (dr_rows){name, {.rows = count, .input_count = inputs}};
  rows->rows.inputs = NET_NEW_ARRAY(&v->n->arena, rt_column, inputs + 1);
  rt_random r;
  rt_random_start(&r, v->subject->experiment.recipe.train.seed, RT_RANDOM_BENCH, extreme);
  for (net_value_id id = 0; id < g->values.count; id++) {
    const net_value *value = net_graph_value_at(g, id);
    if (value->kind != NET_VALUE_INPUT) continue;
    uint32_t width = (uint32_t)net_shape_elements(&value->shape);
    float *data = net_arena_alloc(&v->n->arena, (size_t)count * width * sizeof *data + SLACK, 64);
    bool all = saturates(g, id);
    for (uint32_t i = 0; i < count; i++) {
      if (extreme) fill_extreme(&r, data + (size_t)i * width, width, i, all);
      else fill_random(&r, data + (size_t)i * width, width, i);
      keep_within(value->range, data + (size_t)i * width, width);
    }
    rows->rows.inputs[value->column] =
        (rt_column){.name = net_text(v->n, value->name), .type = NET_F32, .width = width, .data = data};
  }
  return true;
}

static bool load(dr_verification *v, uint64_t samples) {
  netc *n = v->n;
  net_experiment *e = &v->subject->experiment;
  const rt_fitted *fitted = NULL;
  uint32_t fitted_count;
  bool balanced = false; /* class weights come from the training rows */
  for (uint32_t t = 0; t < e->recipe.objective.term_count; t++) balanced |= e->recipe.balanced[t];
  if (rt_checkpoint_is_netc(v->weights)) fitted = rt_checkpoint_normalization(n, v->weights, &fitted_count);
  if (n->diagnostics.errors) return false;
  v->data = rt_data_load(n, e->data, 1u << v->split | (balanced ? 1u << RT_TRAIN : 0), fitted);
  if (!v->data || !net_balance_classes(n, &n->arena, v->data, &e->recipe)) return false;
  rt_split *rows = &v->data->split[v->split];
  if (samples > rows->rows)
    net_warning(n, NET_NOWHERE, "the %s split has %u rows, fewer than %llu: all of them are looked at",
                rt_split_names[v->split], rows->rows, (unsigned long long)samples);
  else if (samples) rows->rows = (uint32_t)samples;
  v->sets[v->set_count++] = (dr_rows){rt_split_names[v->split], *rows};
  return true;
}

bool dr_verify_rows(dr_verification *v) {
  uint64_t samples = 0, random = DR_INTERPRETED_ROWS;
  if (!dr_integer(v->call, DR_samples, 1, UINT32_MAX, &samples) ||
      !dr_integer(v->call, DR_random, 1, 100000000, &random))
    return false;
  if (v->subject->experiment.data && !load(v, samples)) return false;
  return make(v, "random", (uint32_t)random, false, &v->sets[v->set_count++]) &&
         make(v, "extreme", EXTREME_ROWS, true, &v->sets[v->set_count++]);
}

void dr_verify_rows_free(dr_verification *v) { rt_data_free(v->data); }
