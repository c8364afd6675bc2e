/* Emission of codebooks: a value for each step between thresholds. Where a result changes from one value to
 * the next is found from the reference, by bisection over the floats between them. */
#include "formats/emit.h"

#include <float.h>
#include <string.h>

enum { MOST_SELECTED = 32, PAD = 16 }; /* more values are looked through one by one, in a loop */

static void share(fm_emission *e) {
  const net_codebook *codebook = e->spec->codebook;
  e->scale = fm_e_real(e, 1);
  if (codebook->absmax) {
    fm_e_cut(e);
    e->scale = fm_e_at_part(e, fm_e_scales(e));
  }
  e->low = fm_e_op(e, LP_mul, fm_e_real(e, (double)codebook->values[0]), e->scale);
  e->high = fm_e_op(e, LP_mul, fm_e_real(e, (double)codebook->values[codebook->count - 1]), e->scale);
}

/* Floats as integers in the same order. */
static int64_t rank_of(float x) {
  int32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits < 0 ? -(int64_t)(bits & INT32_MAX) : bits;
}

static float of_rank(int64_t rank) {
  uint32_t bits = rank < 0 ? (uint32_t)-rank | 0x80000000u : (uint32_t)rank;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* The least float that becomes at least values[k + 1]. */
static float threshold(const net_format_spec *spec, uint32_t k) {
  const float *values = spec->codebook->values;
  net_format_part part = {.spec = spec, .scale = 1};
  int64_t low = rank_of(values[k]), high = rank_of(values[k + 1]);
  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    bool up = fm_codebook.value(&part, of_rank(middle), 0) >= values[k + 1];
    if (up) high = middle;
    else low = middle;
  }
  return of_rank(high);
}

static lp_expr selected(const fm_emission *e, lp_expr v) {
  const net_codebook *codebook = e->spec->codebook;
  lp_expr y = fm_e_real(e, (double)codebook->values[0]);
  for (uint32_t k = 0; k + 1 < codebook->count; k++) {
    lp_expr reached = fm_e_op(e, LP_ge, v, fm_e_real(e, (double)threshold(e->spec, k)));
    y = lp_select(e->f, reached, fm_e_real(e, (double)codebook->values[k + 1]), y);
  }
  return y;
}

static lp_buffer table(const fm_emission *e, const char *name, const float *data, uint32_t count) {
  lp_buffer buffer = lp_buffer_new(e->f, net_intern(e->f->n, name), NET_F32, (net_shape){1, {count}}, false,
                                   LP_CONSTANT, 0);
  e->f->buffers.at[buffer].data = data;
  return buffer;
}

/* The largest value whose threshold v reaches. */
static lp_expr looked_up(const fm_emission *e, lp_expr v) {
  lp_function *f = e->f;
  const net_codebook *codebook = e->spec->codebook;
  uint32_t count = codebook->count - 1, padded = (count + PAD) / PAD * PAD;
  float *thresholds = net_arena_alloc(f->arena, padded * sizeof(float), 64);
  float *values = net_arena_alloc(f->arena, padded * sizeof(float), 64);
  memset(thresholds, 0, padded * sizeof(float));
  memset(values, 0, padded * sizeof(float));
  for (uint32_t k = 0; k < count; k++)
    thresholds[k] = threshold(e->spec, k), values[k] = codebook->values[k + 1];
  lp_expr k = lp_axis_new(f, "k", count), first = fm_e_real(e, (double)codebook->values[0]);
  lp_expr reached = fm_e_op(e, LP_ge, v, lp_load_from(f, table(e, "thresholds", thresholds, count), k));
  lp_expr value = lp_select(f, reached, lp_load_from(f, table(e, "values", values, count), k), first);
  return lp_reduce_over(f, LP_MAXIMUM, 1, &k, value);
}

static lp_expr value(const fm_emission *e, lp_expr x) {
  lp_expr v = fm_e_op(e, LP_div, x, e->scale);
  lp_expr y = e->spec->codebook->count <= MOST_SELECTED ? selected(e, v) : looked_up(e, v);
  return fm_e_clamp(e, fm_e_op(e, LP_mul, y, e->scale), fm_e_real(e, (double)-FLT_MAX),
                    fm_e_real(e, (double)FLT_MAX));
}

const fm_emitter fm_codebook_emitter = {.share = share, .value = value};
