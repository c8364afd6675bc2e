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

/* Terms along the last axis, and the words that they make. */
static uint32_t last_extent(const lp_function *f, const kn_product *p) {
  return p->count ? kn_extent(f, p->reduced[p->count - 1]) : 1;
}

/* Elements from an output's first weight to the first one of each word, in the order of the axes. */
static int64_t *words_of(const lp_function *f, const kn_product *p, const position *at) {
  int64_t *words = NET_NEW_ARRAY(f->arena, int64_t, p->size + 1);
  uint32_t last = p->count - 1, each = (last_extent(f, p) + p->per - 1) / p->per;
  for (uint32_t w = 0; w < p->size; w++) {
    uint32_t rest = w / each;
    words[w] = w % each * p->per * at->term[last];
    for (uint32_t i = last; i-- > 0; rest /= kn_extent(f, p->reduced[i]))
      words[w] += rest % kn_extent(f, p->reduced[i]) * at->term[i];
  }
  return words;
}

static int64_t element(const lp_buffer_info *b, int64_t at) {
  return b->type == NET_I8 ? ((const int8_t *)b->data)[at] : ((const int16_t *)b->data)[at];
}

/* The terms of a word, the first lowest, so many bits of each; beyond the last axis there are zeros. */
static uint32_t word(const lp_buffer_info *from, int64_t at, int64_t step, const kn_product *p,
                     uint32_t valid) {
  uint32_t wide = 32 / p->per, bits = p->fields > 1 ? p->bits : wide, result = 0;
  for (uint32_t k = 0; k < p->per && k < valid; k++) {
    int64_t weight = element(from, at + k * step);
    if (p->ones) weight = weight < 0;
    result |= ((uint32_t)weight & (uint32_t)((UINT64_C(1) << bits) - 1)) << k * wide;
  }
  return result;
}

/* What makes up an output's weights in memory. */
typedef struct {
  const lp_buffer_info *from;
  const kn_product *p;
  const position *at;
  const int64_t *words;
  uint32_t last, each; /* terms, words along the last axis */
} layout;

/* The words from `first` on that lie in one, a field each, as far as the last axis goes. */
static uint32_t packed(const layout *l, int64_t output, uint32_t first) {
  uint32_t result = 0, bits = l->p->bits;
  uint32_t left = l->each - first % l->each, count = l->p->fields < left ? l->p->fields : left;
  for (uint32_t k = 0; k < count; k++)
    result |= word(l->from, output + l->words[first + k], l->at->term[l->p->count - 1], l->p,
                   l->last - (first % l->each + k) * l->p->per)
              << k * bits;
  return result;
}

static lp_buffer constant_new(lp_function *f, const lp_buffer_info *like, const char *what, net_type type,
                              size_t elements, void *data) {
  net_name name = net_intern_format(f->n, "%s.%s", net_text(f->n, like->name), what);
  lp_buffer b = lp_buffer_new(f, name, type, (net_shape){1, {(uint32_t)elements}}, false, LP_CONSTANT, 0);
  lp_buffer_info *info = &f->buffers.at[b];
  info->data = data, info->rank = 1, info->dim[0] = (uint32_t)elements;
  return b;
}

lp_buffer kn_single_pack(kn_schedule_state *s, const kn_product *p, const kn_split *split, uint32_t lanes) {
  lp_function *f = s->f;
  const lp_buffer_info from = f->buffers.at[lp_expr_at(f, p->constant)->which];
  net_type type = p->per > 1 ? NET_I32 : from.type;
  bool halves = p->fields > 1 && p->per == 2; /* are unpacked as such */
  if (p->fields > 1 && p->per == 1) type = type == NET_I8 ? NET_U8 : NET_U16;
  uint32_t outputs = kn_extent(f, p->axis), vectors = (outputs + lanes - 1) / lanes, last = last_extent(f, p);
  uint32_t each = (last + p->per - 1) / p->per, groups = (each + p->fields - 1) / p->fields;
  size_t bytes = net_type_bytes(type), elements = (size_t)vectors * lanes * (p->size / each) * groups;
  position at = position_of(f, p);
  const layout l = {&from, p, &at, words_of(f, p, &at), last, each};
  char *data = net_arena_alloc(f->arena, elements * bytes, 64), *to = data;
  memset(data, 0, elements * bytes);
  for (uint32_t first = 0, count; first < vectors; first += count) {
    count = split->size[first >= split->start[1] && split->n[1]];
    for (uint32_t g = 0; g < p->size / each * groups; g++)
      for (uint32_t o = first * lanes; o < (first + count) * lanes; o++, to += bytes) {
        uint32_t w = g / groups * each + g % groups * p->fields;
        int64_t output = at.constant + o * at.lane;
        if (o >= outputs) continue;
        if (p->per == 1 && p->fields == 1) {
          memcpy(to, (const char *)from.data + (output + l.words[w]) * (int64_t)bytes, bytes);
          continue;
        }
        uint32_t value = packed(&l, output, w);
        memcpy(to, &value, bytes);
      }
  }
  return constant_new(f, &from, "packed", halves ? NET_I16 : type, halves ? 2 * elements : elements, data);
}

lp_buffer kn_single_offsets(kn_schedule_state *s, const kn_product *p, bool start) {
  lp_function *f = s->f;
  const lp_buffer_info from = f->buffers.at[lp_expr_at(f, p->constant)->which];
  uint32_t outputs = kn_extent(f, p->axis), padded = (outputs + KN_PAD - 1) / KN_PAD * KN_PAD;
  uint32_t last = last_extent(f, p), each = (last + p->per - 1) / p->per;
  position at = position_of(f, p);
  const int64_t *words = words_of(f, p, &at);
  int32_t *data = net_arena_alloc(f->arena, padded * sizeof *data, 64);
  memset(data, 0, padded * sizeof *data);
  const int32_t *starts = start ? f->buffers.at[lp_expr_at(f, p->start)->which].data : NULL;
  for (uint32_t o = 0; o < outputs; o++) {
    int64_t sum = 0;
    for (uint32_t w = 0; w < p->size; w++)
      for (uint32_t k = 0; k < p->per && w % each * p->per + k < last; k++)
        sum += element(&from, at.constant + o * at.lane + words[w] + k * at.term[p->count - 1]);
    data[o] = (int32_t)(uint32_t)(uint64_t)((starts ? starts[o] : 0) - 128 * sum);
  }
  return constant_new(f, &from, "offsets", NET_I32, padded, data);
}
