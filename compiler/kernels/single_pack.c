/* Constant weights in the order in which a sum of products reads them. */
#include "kernels/schedule.h"

/* A row-major index into the weights as a sum: `of` of an axis for each step along it. */
typedef struct {
  int64_t constant, lane, term[LP_MAX_RANK];
} position;

/* The value of an index where all axes are 0. */
static int64_t at_zero(const lp_function *f, lp_expr e) {
  const lp_expr_info *info = lp_expr_at(f, e);
  int64_t a, b;
  switch (info->kind) {
  case LP_const: return info->integer;
  case LP_convert: return at_zero(f, info->operand[0]);
  case LP_add:
  case LP_sub:
  case LP_mul:
    a = at_zero(f, info->operand[0]), b = at_zero(f, info->operand[1]);
    return info->kind == LP_add ? a + b : info->kind == LP_sub ? a - b : a * b;
  default: return 0;
  }
}

static position position_of(const lp_function *f, const kn_product *p) {
  const lp_expr_info *load = lp_expr_at(f, p->constant);
  const net_shape *shape = &f->buffers.at[load->which].shape;
  position at = {0};
  for (uint32_t i = 0; i < load->count; i++)
    at.constant = at.constant * shape->dim[i] + at_zero(f, lp_list_at(f, load->first)[i]);
  kn_single_stride(f, load->which, load->first, load->count, p->axis, &at.lane);
  for (uint32_t i = 0; i < p->count; i++)
    kn_single_stride(f, load->which, load->first, load->count, p->reduced[i], &at.term[i]);
  return at;
}

/* Elements from the start for each term, in the order of the axes. */
static int64_t *terms_of(const lp_function *f, const kn_product *p, const position *at) {
  int64_t *terms = NET_NEW_ARRAY(f->arena, int64_t, p->size + 1);
  for (uint32_t t = 0; t < p->size; t++) {
    uint32_t rest = t;
    for (uint32_t i = p->count; i-- > 0; rest /= kn_extent(f, p->reduced[i]))
      terms[t] += rest % kn_extent(f, p->reduced[i]) * at->term[i];
  }
  return terms;
}

lp_buffer kn_single_pack(kn_schedule_state *s, const kn_product *p, const kn_split *split, uint32_t lanes) {
  lp_function *f = s->f;
  const lp_buffer_info from = f->buffers.at[lp_expr_at(f, p->constant)->which];
  uint32_t outputs = kn_extent(f, p->axis), vectors = (outputs + lanes - 1) / lanes;
  size_t bytes = net_type_bytes(from.type), elements = (size_t)vectors * lanes * p->size;
  position at = position_of(f, p);
  const int64_t *terms = terms_of(f, p, &at);
  char *data = net_arena_alloc(f->arena, elements * bytes, 64), *to = data;
  memset(data, 0, elements * bytes);
  for (uint32_t first = 0, count; first < vectors; first += count) {
    count = split->size[first >= split->start[1] && split->n[1]];
    for (uint32_t t = 0; t < p->size; t++)
      for (uint32_t o = first * lanes; o < (first + count) * lanes; o++, to += bytes)
        if (o < outputs) memcpy(to, (const char *)from.data + (at.constant + o * at.lane + terms[t]) * (int64_t)bytes, bytes);
  }
  net_name name = net_intern_format(f->n, "%s.packed", net_text(f->n, from.name));
  lp_buffer packed = lp_buffer_new(f, name, from.type, (net_shape){1, {(uint32_t)elements}}, false, LP_CONSTANT, 0);
  lp_buffer_info *info = &f->buffers.at[packed];
  info->data = data, info->rank = 1, info->dim[0] = (uint32_t)elements, info->bits = from.bits;
  return packed;
}
