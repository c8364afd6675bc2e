#include "runtime/normalize.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* ---- statistics of the elements, over rows ---- */

typedef struct {
  double mean, sigma; /* of the population */
  double low, high;
} statistics;

/* Two passes, both about the first row, so that sums stay small and a constant element has σ = 0 exactly; the
 * second takes out what rounding left of the sum of deviations (Chan, Golub and LeVeque, Algorithms for
 * computing the sample variance, 1983). scratch: 2 × width. */
static void measure_moments(const float *rows, uint64_t count, uint32_t width, statistics *s,
                            double *scratch) {
  double *sum = scratch, *square = scratch + width;
  memset(scratch, 0, 2 * width * sizeof *scratch);
  for (uint64_t r = 0; r < count; r++)
    for (uint32_t i = 0; i < width; i++) sum[i] += (double)rows[r * width + i] - (double)rows[i];
  for (uint32_t i = 0; i < width; i++) {
    s[i].mean = sum[i] / (double)count; /* about the first row for now */
    sum[i] = 0;
  }
  for (uint64_t r = 0; r < count; r++)
    for (uint32_t i = 0; i < width; i++) {
      double d = (double)rows[r * width + i] - (double)rows[i] - s[i].mean;
      sum[i] += d;
      square[i] += d * d;
    }
  for (uint32_t i = 0; i < width; i++) {
    double variance = (square[i] - sum[i] * sum[i] / (double)count) / (double)count;
    s[i].sigma = variance > 0 ? sqrt(variance) : 0;
    s[i].mean += (double)rows[i];
  }
}

static void measure_range(const float *rows, uint64_t count, uint32_t width, statistics *s, double *scratch) {
  (void)scratch;
  for (uint32_t i = 0; i < width; i++) s[i].low = s[i].high = (double)rows[i];
  for (uint64_t r = 1; r < count; r++)
    for (uint32_t i = 0; i < width; i++) {
      double x = (double)rows[r * width + i];
      if (x < s[i].low) s[i].low = x;
      if (x > s[i].high) s[i].high = x;
    }
}

/* ---- the operands of each kind ---- */

static void fit_standard(const rt_normalize_step *step, const statistics *s, float *offset, float *factor) {
  (void)step;
  *offset = (float)s->mean;
  *factor = (float)(1 / s->sigma);
  if (s->sigma == 0 || !isfinite(*factor)) *factor = 1;
}

static void fit_minmax(const rt_normalize_step *step, const statistics *s, float *offset, float *factor) {
  (void)step;
  float low = (float)s->low, range = (float)s->high - low;
  *offset = low;
  *factor = 1 / range;
  if (range == 0 || !isfinite(*factor)) *factor = 0;
  while (range * *factor > 1) *factor = nextafterf(*factor, 0); /* rounding must not lead out of [0, 1] */
}

static void fit_scale(const rt_normalize_step *step, const statistics *s, float *offset, float *factor) {
  (void)s;
  *offset = 0;
  *factor = (float)step->a;
}

static void fit_log1p(const rt_normalize_step *step, const statistics *s, float *offset, float *factor) {
  (void)step;
  (void)s;
  *offset = 0;
  *factor = 1;
}

static void fit_clip(const rt_normalize_step *step, const statistics *s, float *offset, float *factor) {
  (void)s;
  *offset = (float)step->a;
  *factor = (float)step->b;
}

static void fit_power_of_two(const rt_normalize_step *step, const statistics *s, float *offset,
                             float *factor) {
  (void)step;
  double most = fmax(fabs(s->low), fabs(s->high));
  int exponent; /* most = fraction · 2^exponent, ½ ≤ fraction < 1 */
  double fraction = frexp(most, &exponent);
  exponent -= fraction == 0.5;
  if (exponent < FLT_MIN_EXP) exponent = FLT_MIN_EXP;
  *offset = 0;
  *factor = most > 0 ? ldexpf(1, -exponent) : 1;
}

/* ---- applying a step ---- */

/* Gives the index of the first number that a step is not defined for, or UINT64_MAX. */
static uint64_t apply_affine(const rt_fitted_step *s, uint32_t width, float *data, uint64_t rows) {
  for (uint64_t r = 0; r < rows; r++, data += width)
    for (uint32_t i = 0; i < width; i++) data[i] = (data[i] - s->offset[i]) * s->factor[i];
  return UINT64_MAX;
}

static uint64_t apply_clip(const rt_fitted_step *s, uint32_t width, float *data, uint64_t rows) {
  for (uint64_t r = 0; r < rows; r++, data += width)
    for (uint32_t i = 0; i < width; i++) {
      if (data[i] < s->offset[i]) data[i] = s->offset[i];
      if (data[i] > s->factor[i]) data[i] = s->factor[i];
    }
  return UINT64_MAX;
}

static uint64_t apply_log1p(const rt_fitted_step *s, uint32_t width, float *data, uint64_t rows) {
  uint64_t bad = UINT64_MAX;
  for (uint64_t r = 0; r < rows; r++)
    for (uint32_t i = 0; i < width; i++) {
      float *x = &data[r * width + i];
      if (s->factor[i] == 0) continue;
      if (*x <= -1 && bad == UINT64_MAX) bad = r * width + i;
      else *x = (float)log1p((double)*x);
    }
  return bad;
}

/* ---- the table ---- */

#define AFFINE .nothing = {0, 1}, .apply = apply_affine
static const struct {
  void (*measure)(const float *rows, uint64_t count, uint32_t width, statistics *s,
                  double *scratch); /* or NULL */
  void (*fit)(const rt_normalize_step *step, const statistics *s, float *offset, float *factor);
  uint64_t (*apply)(const rt_fitted_step *s, uint32_t width, float *data, uint64_t rows);
  float nothing[2]; /* operands that leave an element as it is */
} kinds[RT_NORMALIZERS] = {
    [RT_STANDARD] = {measure_moments, fit_standard, AFFINE},
    [RT_MINMAX] = {measure_range, fit_minmax, AFFINE},
    [RT_SCALE] = {NULL, fit_scale, AFFINE},
    [RT_LOG1P] = {NULL, fit_log1p, apply_log1p, {0, 0}},
    [RT_CLIP] = {NULL, fit_clip, apply_clip, {-INFINITY, INFINITY}},
    [RT_POWER_OF_TWO] = {measure_range, fit_power_of_two, AFFINE},
};

const rt_normalizer_info rt_normalizers[RT_NORMALIZERS] = {
    [RT_STANDARD] = {"standard", 0}, [RT_MINMAX] = {"minmax", 0}, [RT_SCALE] = {"scale", 1},
    [RT_LOG1P] = {"log1p", 0},       [RT_CLIP] = {"clip", 2},     [RT_POWER_OF_TWO] = {"power_of_two", 0},
};

/* ---- chains ---- */

static bool concerns(const rt_normalize_chain *chain, const rt_view *input, uint32_t part, uint32_t element) {
  const char *part_name = input->parts[part].name, *name = input->elements[element];
  return (part_name && !strcmp(chain->column, part_name)) || (name && !strcmp(chain->column, name));
}

/* The chain of each element, or UINT32_MAX: one that names it, else the one for the rest. */
static uint32_t *assign(netc *n, const rt_data_spec *spec, const rt_view *input) {
  uint32_t *chain = NET_NEW_ARRAY(&n->arena, uint32_t, input->width);
  for (uint32_t part = 0, at = 0; part < input->part_count; part++)
    for (uint64_t k = net_shape_elements(&input->parts[part].row); k; k--, at++) {
      chain[at] = UINT32_MAX;
      for (uint32_t c = spec->normalize_count; c--;)
        if (!spec->normalize[c].column) chain[at] = c;
      for (uint32_t c = spec->normalize_count; c--;)
        if (spec->normalize[c].column && concerns(&spec->normalize[c], input, part, at)) chain[at] = c;
    }
  return chain;
}

bool rt_normalize_needs_fit(const rt_data_spec *spec) {
  for (uint32_t c = 0; c < spec->normalize_count; c++)
    for (uint32_t i = 0; i < spec->normalize[c].step_count; i++)
      if (kinds[spec->normalize[c].steps[i].kind].measure) return true;
  return false;
}

static bool check_step(netc *n, const rt_normalize_step *s) {
  const char *name = rt_normalizers[s->kind].name;
  for (uint32_t i = 0; i < rt_normalizers[s->kind].arguments; i++)
    if (!isfinite((float)(i ? s->b : s->a)))
      return net_error(n, s->where, "%s: %g is not finite in 32 bits", name, i ? s->b : s->a), false;
  if (s->kind == RT_CLIP && s->a > s->b)
    return net_error(n, s->where, "clip(%g, %g): the lower limit is above the upper one", s->a, s->b), false;
  return true;
}

static bool check_name(netc *n, const rt_data_spec *spec, const rt_normalize_chain *chain,
                       const rt_view *inputs) {
  NET_VEC(const char *) names = {0};
  for (uint32_t k = 0; k < spec->input_count; k++) {
    for (uint32_t p = 0; p < inputs[k].part_count; p++)
      if (inputs[k].parts[p].name) net_vec_push(&n->arena, &names, inputs[k].parts[p].name);
    for (uint32_t i = 0; i < inputs[k].width; i++)
      if (inputs[k].elements[i] && (!i || inputs[k].elements[i] != inputs[k].elements[i - 1]))
        net_vec_push(&n->arena, &names, inputs[k].elements[i]);
  }
  for (uint32_t i = 0; i < names.count; i++)
    if (!strcmp(names.at[i], chain->column)) return true;
  const char *near = net_nearest(chain->column, names.at, names.count);
  net_error(n, chain->where, "normalize: no input has a column '%s'%s%s%s", chain->column,
            near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
  return false;
}

bool rt_normalize_check(netc *n, const rt_data_spec *spec, const rt_view *inputs) {
  for (uint32_t c = 0; c < spec->normalize_count; c++) {
    const rt_normalize_chain *chain = &spec->normalize[c];
    for (uint32_t i = 0; i < chain->step_count; i++)
      if (!check_step(n, &chain->steps[i])) return false;
    if (chain->column && !check_name(n, spec, chain, inputs)) return false;
  }
  return true;
}

/* ---- fitting and applying ---- */

/* A step, with what it is not defined for and what is too large after it reported. */
static bool apply_checked(const rt_fitted *f, uint32_t step, const rt_view *v, const rt_rows *rows,
                          float *data) {
  uint64_t bad = kinds[f->steps[step].kind].apply(&f->steps[step], f->width, data, rows->count);
  const char *name = rt_normalizers[f->steps[step].kind].name;
  if (bad == UINT64_MAX)
    return rt_view_check_finite(v, rows, data, net_arena_format(&v->source->n->arena, " after %s", name));
  net_error(v->source->n, v->where, "%s: log1p of %g is not defined: numbers must be above -1",
            rt_view_place(v, rt_rows_at(rows, bad / f->width), bad % f->width), (double)data[bad]);
  return false;
}

bool rt_normalize_fit(netc *n, const rt_data_spec *spec, const rt_view *v, const rt_rows *rows, float *data,
                      rt_fitted *f) {
  const uint32_t *chain_of = assign(n, spec, v);
  uint32_t width = v->width, most = 0;
  for (uint32_t c = 0; c < spec->normalize_count; c++) most += spec->normalize[c].step_count;
  *f = (rt_fitted){.width = width, .steps = NET_NEW_ARRAY(&n->arena, rt_fitted_step, most)};
  statistics *s = calloc(width, sizeof *s);
  double *scratch = malloc(2 * width * sizeof *scratch);
  bool ok = s && scratch;
  if (!ok) net_error(n, v->where, "%s: no memory", v->label);
  for (uint32_t c = 0; c < spec->normalize_count; c++) {
    bool used = false;
    for (uint32_t i = 0; i < width; i++) used |= chain_of[i] == c;
    for (uint32_t k = 0; k < spec->normalize[c].step_count && used && ok; k++) {
      const rt_normalize_step *step = &spec->normalize[c].steps[k];
      rt_fitted_step *to = &f->steps[f->step_count++];
      *to = (rt_fitted_step){step->kind, NET_NEW_ARRAY(&n->arena, float, width),
                             NET_NEW_ARRAY(&n->arena, float, width)};
      if (kinds[step->kind].measure) kinds[step->kind].measure(data, rows->count, width, s, scratch);
      for (uint32_t i = 0; i < width; i++)
        if (chain_of[i] == c) kinds[step->kind].fit(step, &s[i], &to->offset[i], &to->factor[i]);
        else to->offset[i] = kinds[step->kind].nothing[0], to->factor[i] = kinds[step->kind].nothing[1];
      ok = apply_checked(f, f->step_count - 1, v, rows, data);
    }
  }
  free(s);
  free(scratch);
  return ok;
}

bool rt_normalize_checked(const rt_fitted *f, const rt_view *v, const rt_rows *rows, float *data) {
  for (uint32_t i = 0; i < f->step_count; i++)
    if (!apply_checked(f, i, v, rows, data)) return false;
  return true;
}

void rt_normalize(const rt_fitted *f, float *rows, uint64_t row_count) {
  enum { BLOCK = 16 * 1024 }; /* numbers that stay in the cache from step to step */
  uint64_t block = f->width < BLOCK ? BLOCK / f->width : 1;
  for (uint64_t at = 0; at < row_count; at += block) {
    uint64_t count = row_count - at < block ? row_count - at : block;
    for (uint32_t i = 0; i < f->step_count; i++)
      kinds[f->steps[i].kind].apply(&f->steps[i], f->width, rows + at * f->width, count);
  }
}
