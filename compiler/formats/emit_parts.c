/* What the elements of a part share: parts.c as statements. A value for each part is a temporary with a
 * dimension for each of the tensor's. */
#include "formats/emit.h"

#include <float.h>
#include <math.h>

void fm_e_cut(fm_emission *e) {
  const net_format_family *family = net_formats[e->spec->family].family;
  net_shape whole = {.rank = e->batched, .dim = {1}}, block = {0};
  for (uint32_t i = 0; i < e->shape.rank; i++) whole.dim[whole.rank++] = e->shape.dim[i];
  net_format_tensor x = {.shape = &whole, .batched = e->batched};
  family->block(e->spec, &x, &block);
  for (uint32_t i = 0; i < e->shape.rank; i++) {
    uint32_t dim = e->shape.dim[i], size = dim, from_end = e->shape.rank - i;
    if (from_end <= block.rank) size = block.dim[block.rank - from_end];
    e->size[i] = size < dim ? size : dim;
    e->parts[i] = (dim + e->size[i] - 1) / e->size[i];
  }
}

static lp_buffer temporary(const fm_emission *e, const char *name, net_type type) {
  net_shape shape = {.rank = e->shape.rank};
  for (uint32_t i = 0; i < shape.rank; i++) shape.dim[i] = e->parts[i];
  return lp_temporary(e->f, name, type, shape, e->batched);
}

/* The batch's index in front, if there is a batch. */
static uint32_t indices_of(const fm_emission *e, const lp_expr *at, lp_expr *indices) {
  if (e->batched) indices[0] = lp_batch(e->f);
  for (uint32_t i = 0; i < e->shape.rank; i++) indices[i + e->batched] = at[i];
  return e->shape.rank + e->batched;
}

static lp_expr load(const fm_emission *e, lp_buffer buffer, const lp_expr *at) {
  lp_expr indices[NET_MAX_RANK + 1];
  uint32_t count = indices_of(e, at, indices);
  return lp_load_at(e->f, buffer, count, indices);
}

static void store(const fm_emission *e, lp_buffer buffer, const lp_expr *at, lp_expr value) {
  lp_expr indices[NET_MAX_RANK + 1];
  uint32_t count = indices_of(e, at, indices);
  lp_assign_at(e->f, buffer, count, indices, value);
}

static lp_expr axis(const fm_emission *e, const char *name, uint32_t extent) {
  return extent == 1 ? fm_e_int(e, 0) : lp_axis_new(e->f, name, extent);
}

static void part_axes(const fm_emission *e, lp_expr *at) {
  for (uint32_t i = 0; i < e->shape.rank; i++) at[i] = axis(e, "p", e->parts[i]);
}

lp_expr fm_e_at_part(const fm_emission *e, lp_buffer buffer) {
  lp_function *f = e->f;
  lp_expr at[NET_MAX_RANK];
  for (uint32_t i = 0; i < e->shape.rank; i++) {
    lp_expr size = lp_constant(f, NET_U32, 0, e->size[i]);
    lp_expr part = lp_op2(f, LP_div, lp_convert(f, NET_U32, e->at[i]), size);
    at[i] = e->parts[i] == 1 ? fm_e_int(e, 0) : e->size[i] == 1 ? e->at[i] : lp_convert(f, NET_I32, part);
  }
  return load(e, buffer, at);
}

/* ---- regions: whole parts, and the smaller ones at the end of some dimensions, each in a statement ---- */

typedef struct {
  lp_expr part[NET_MAX_RANK], element[NET_MAX_RANK]; /* indices of a part, of an element in it */
  lp_expr over[NET_MAX_RANK];                        /* axes within a part */
  uint32_t count, elements;                          /* axes; elements of a part */
} region;

/* ends: bit i for the last, smaller part along dimension i. False: there are none. */
static bool find_region(const fm_emission *e, uint32_t ends, region *r) {
  *r = (region){.elements = 1};
  for (uint32_t i = 0; i < e->shape.rank; i++) {
    bool end = ends >> i & 1;
    uint32_t size = e->size[i], rest = e->shape.dim[i] % size, whole = e->shape.dim[i] / size;
    if (end ? !rest : !whole) return false;
    r->part[i] = end ? fm_e_int(e, whole) : axis(e, "p", whole);
    lp_expr inner = axis(e, "i", end ? rest : size);
    r->element[i] = fm_e_op(e, LP_add, fm_e_op(e, LP_mul, r->part[i], fm_e_int(e, size)), inner);
    r->elements *= end ? rest : size;
    if (lp_expr_at(e->f, inner)->kind == LP_axis) r->over[r->count++] = inner;
  }
  return true;
}

/* |x| at an element: NaN counts as 0 */
static lp_expr magnitude(const fm_emission *e, const lp_expr *at) {
  fm_emission there = *e;
  memcpy(there.at, at, sizeof there.at);
  return lp_op1(e->f, LP_abs, fm_e_no_nan(e, fm_e_element(&there)));
}

lp_buffer fm_e_maxima(const fm_emission *e) {
  lp_buffer maxima = temporary(e, "maximum", NET_F32);
  for (uint32_t ends = 0; ends < 1u << e->shape.rank; ends++) {
    region r;
    if (!find_region(e, ends, &r)) continue;
    lp_expr most = lp_reduce_over(e->f, LP_MAXIMUM, r.count, r.over, magnitude(e, r.element));
    store(e, maxima, r.part, fm_e_op(e, LP_min, most, fm_e_real(e, (double)FLT_MAX)));
  }
  return maxima;
}

/* Smallest maximum that is not 0, or 1: of a sample; of the whole batch in MASE's way. */
static lp_expr smallest(const fm_emission *e, lp_buffer maxima) {
  lp_function *f = e->f;
  lp_expr at[NET_MAX_RANK], over[NET_MAX_RANK + 1], batch = e->batched ? lp_batch(f) : 0;
  uint32_t count = 0;
  bool all = e->batched && e->mase;
  part_axes(e, at);
  if (all) over[count++] = batch;
  for (uint32_t i = 0; i < e->shape.rank; i++)
    if (lp_expr_at(f, at[i])->kind == LP_axis) over[count++] = at[i];
  lp_expr maximum = load(e, maxima, at), infinity = fm_e_real(e, INFINITY);
  lp_expr there = lp_select(f, fm_e_op(e, LP_gt, maximum, fm_e_real(e, 0)), maximum, infinity);
  lp_expr least = count ? lp_reduce_over(f, LP_MINIMUM, count, over, there) : there;
  lp_buffer kept = lp_temporary(f, "smallest", NET_F32, (net_shape){0}, e->batched && !all);
  lp_expr value = lp_select(f, fm_e_op(e, LP_eq, least, infinity), fm_e_real(e, 1), least);
  uint32_t indices = e->batched && !all;
  lp_assign_at(f, kept, indices, &batch, value);
  return lp_load_at(f, kept, indices, &batch);
}

lp_buffer fm_e_scales(const fm_emission *e) {
  lp_expr at[NET_MAX_RANK];
  lp_buffer maxima = fm_e_maxima(e), scales = temporary(e, "scale", NET_F32);
  lp_expr borrowed = smallest(e, maxima);
  part_axes(e, at);
  lp_expr maximum = load(e, maxima, at), positive = fm_e_op(e, LP_gt, maximum, fm_e_real(e, 0));
  store(e, scales, at, lp_select(e->f, positive, maximum, borrowed));
  return scales;
}

lp_buffer fm_e_for_parts(const fm_emission *e, const char *name, net_type type, lp_buffer from,
                         lp_expr (*made)(const fm_emission *, lp_expr)) {
  lp_expr at[NET_MAX_RANK];
  lp_buffer kept = temporary(e, name, type);
  part_axes(e, at);
  store(e, kept, at, made(e, load(e, from, at)));
  return kept;
}

/* Parts of means are channels or samples: never smaller at an end. */
lp_buffer fm_e_means(const fm_emission *e, const char *name, lp_buffer thresholds) {
  lp_function *f = e->f;
  region r;
  lp_buffer kept = temporary(e, name, NET_F32);
  find_region(e, 0, &r);
  lp_expr size = magnitude(e, r.element), none = fm_e_real(e, 0),
          count = lp_constant(f, NET_F64, r.elements, 0);
  lp_expr term = fm_e_op(e, LP_min, size, fm_e_real(e, (double)FLT_MAX));
  if (thresholds != LP_NONE) {
    lp_expr counts = fm_e_op(e, LP_gt, size, load(e, thresholds, r.part));
    term = lp_select(f, counts, term, none);
    lp_expr one = lp_select(f, counts, fm_e_int(e, 1), fm_e_int(e, 0));
    count = lp_convert(f, NET_F64, lp_reduce_over(f, LP_SUM, r.count, r.over, one));
  }
  lp_expr sum = lp_reduce_over(f, LP_CHAIN, r.count, r.over, lp_convert(f, NET_F64, term));
  lp_expr mean = lp_convert(f, NET_F32, lp_op2(f, LP_div, sum, count));
  lp_expr any = lp_op2(f, LP_gt, count, lp_constant(f, NET_F64, 0, 0));
  store(e, kept, r.part, lp_select(f, any, mean, none));
  return kept;
}
