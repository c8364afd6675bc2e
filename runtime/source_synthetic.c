/* Data made from a seed: for classes, Gaussian clusters around random centres; for values, a fixed random
 * linear map of all inputs plus noise. Every number is a function of (seed, column, row), so that any rows
 * can be had on their own and are the same bits on every machine. */
#include "runtime/random.h"
#include "runtime/source.h"

#include <math.h>
#include <stdlib.h>

/* A class's centre has elements N(0, 1), samples differ from it by N(0, 1); values get N(0, noise²) more. */
static const double noise = 0.1;

typedef struct {
  rt_role role;
  uint32_t which;
  uint64_t width;
  double *table; /* inputs: centres, classes × width; values: the map, width × width of all inputs */
} column;

typedef struct {
  NET_VEC(column) columns; /* those found, by rt_dataset.own */
  uint64_t width;          /* of all inputs together */
} state;

/* What a stream is for; its counter also tells which input or target, and which row, class or element. */
typedef enum { ELEMENTS, CENTRES, LABELS, MAP, NOISE, WEIGHTS } draw;

static void start(const rt_source *s, draw what, uint32_t which, uint64_t row, rt_random *r) {
  rt_random_start(r, s->spec->seed, RT_RANDOM_SYNTHETIC, (uint64_t)what << 56 | (uint64_t)which << 40 | row);
}

static bool open_nothing(rt_source *s) {
  s->state = NET_NEW(&s->n->arena, state);
  if (!s->spec->samples)
    net_error(s->n, s->spec->where, "synthetic data need a number of samples: samples = 1000");
  return s->spec->samples;
}

static void close_nothing(rt_source *s) { (void)s; }

static bool find(rt_source *s, const rt_ask *ask, rt_dataset *found) {
  static const char *const labels[] = {[RT_ROLE_INPUT] = "synthetic input",
                                       [RT_ROLE_VALUES] = "synthetic values",
                                       [RT_ROLE_CLASS] = "synthetic classes",
                                       [RT_ROLE_WEIGHT] = "synthetic weights"};
  state *st = s->state;
  bool one = ask->role == RT_ROLE_CLASS || ask->role == RT_ROLE_WEIGHT; /* number a row */
  net_shape row = one ? (net_shape){0} : ask->shape;
  column c = {.role = ask->role, .which = ask->which, .width = net_shape_elements(&row)};
  if (ask->role == RT_ROLE_CLASS && !s->spec->classes) {
    net_error(s->n, s->spec->where, "synthetic data without classes have values only: say classes = 5");
    return false;
  }
  if (ask->role == RT_ROLE_INPUT) st->width += c.width;
  *found =
      (rt_dataset){.label = labels[ask->role], .where = ask->where, .rows = s->spec->samples, .row = row};
  found->own = (void *)(uintptr_t)net_vec_push(&s->n->arena, &st->columns, c);
  return true;
}

static double *make_table(const rt_source *s, draw what, uint32_t which, uint64_t rows, uint64_t width) {
  double *table = NET_NEW_ARRAY(&s->n->arena, double, rows *width);
  for (uint64_t row = 0; row < rows; row++) {
    rt_random r;
    start(s, what, which, row, &r);
    for (uint64_t i = 0; i < width; i++) table[row * width + i] = rt_random_normal(&r);
  }
  return table;
}

static bool settle(rt_source *s, uint64_t *rows) {
  state *st = s->state;
  for (uint32_t i = 0; i < st->columns.count; i++) {
    column *c = &st->columns.at[i];
    if (c->role == RT_ROLE_INPUT) c->table = make_table(s, CENTRES, c->which, s->spec->classes, c->width);
    if (c->role == RT_ROLE_VALUES) c->table = make_table(s, MAP, c->which, c->width, st->width);
  }
  *rows = s->spec->samples;
  return true;
}

static uint32_t class_of(const rt_source *s, uint64_t row) {
  rt_random r;
  start(s, LABELS, 0, row, &r);
  return rt_random_below(&r, s->spec->classes);
}

/* Elements of one input in one row, rounded to binary32 as the network sees them. */
static void make_elements(const rt_source *s, const column *c, uint64_t row, double *x) {
  rt_random r;
  start(s, ELEMENTS, c->which, row, &r);
  const double *centre = s->spec->classes ? c->table + class_of(s, row) * c->width : NULL;
  for (uint64_t i = 0; i < c->width; i++)
    x[i] = (double)(float)(rt_random_normal(&r) + (centre ? centre[i] : 0));
}

/* x: room for all inputs' elements */
static void make_values(const rt_source *s, const column *c, uint64_t row, double *x, double *y) {
  const state *st = s->state;
  double *next = x, scale = 1 / sqrt((double)st->width);
  rt_random r;
  for (uint32_t i = 0; i < st->columns.count; i++)
    if (st->columns.at[i].role == RT_ROLE_INPUT) {
      make_elements(s, &st->columns.at[i], row, next);
      next += st->columns.at[i].width;
    }
  start(s, NOISE, c->which, row, &r);
  for (uint64_t i = 0; i < c->width; i++) {
    y[i] = noise * rt_random_normal(&r);
    for (uint64_t k = 0; k < st->width; k++) y[i] += scale * c->table[i * st->width + k] * x[k];
  }
}

static bool read_numbers(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, net_type type,
                         void *to, uint64_t stride) {
  const state *st = s->state;
  const column *c = &st->columns.at[(uintptr_t)d->own];
  double *row = malloc((c->width + st->width) * sizeof *row);
  if (!row) return net_error(s->n, d->where, "%s: no memory", d->label), false;
  for (uint64_t i = 0; i < rows; i++) {
    rt_random r;
    if (c->role == RT_ROLE_INPUT) make_elements(s, c, first + i, row);
    else if (c->role == RT_ROLE_VALUES) make_values(s, c, first + i, row + c->width, row);
    else if (c->role == RT_ROLE_CLASS) row[0] = class_of(s, first + i);
    else start(s, WEIGHTS, 0, first + i, &r), row[0] = 0.5 + rt_random_double(&r);
    for (uint64_t k = 0; k < c->width; k++)
      if (type == NET_F32) ((float *)to)[i * stride + k] = (float)row[k];
      else ((double *)to)[i * stride + k] = row[k];
  }
  free(row);
  return true;
}

const rt_source_functions rt_source_synthetic = {.open = open_nothing,
                                                 .find = find,
                                                 .settle = settle,
                                                 .scattered = true,
                                                 .read = read_numbers,
                                                 .close = close_nothing};
