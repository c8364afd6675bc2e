/* Sums of products with constant weights, one sample: lanes are outputs, weights lie in the order in which
 * they are read, inputs are broadcast from memory. A tile of outputs has so many accumulators that additions
 * do not wait for each other (some 4 cycles, 2 a cycle): several for each vector where there are few vectors.
 */
#include "kernels/schedule.h"

/* In all: accumulators that hide the latency, and products of a loop's body. */
enum { CHAINS = 8, MOST_VECTORS = 8, BODY = 16, MOST_NARROW = 4 };

static lp_expr under_conversions(const lp_function *f, lp_expr e) {
  while (lp_expr_at(f, e)->kind == LP_convert) e = lp_expr_at(f, e)->operand[0];
  return e;
}

static bool access_depends(const lp_function *f, lp_expr load, uint32_t axis) {
  const lp_expr_info *info = lp_expr_at(f, load);
  for (uint32_t i = 0; i < info->count; i++)
    if (lp_depends(f, lp_list_at(f, info->first)[i], axis)) return true;
  return false;
}

/* The weights depend on nothing but the lanes' axis and what is summed, and affinely. */
static bool good_weights(const kn_schedule_state *s, const kn_facts *facts, const kn_product *p) {
  const lp_function *f = s->f;
  const lp_expr_info *load = lp_expr_at(f, p->constant);
  int64_t stride;
  if (s->machine->lanes > 1 && f->buffers.at[load->which].storage != LP_CONSTANT) return false;
  for (uint32_t i = 0; i + 1 < facts->axis_count; i++)
    if (access_depends(f, p->constant, facts->axes[i])) return false;
  for (uint32_t i = 0; i < p->count; i++)
    if (!kn_single_stride(f, load->which, load->first, load->count, p->reduced[i], &stride)) return false;
  return kn_single_stride(f, load->which, load->first, load->count, p->axis, &stride);
}

/* Words (or terms) along the last axis that is summed. */
static uint32_t words_along(const lp_function *f, const kn_product *p) {
  return (kn_extent(f, p->reduced[p->count - 1]) + p->per - 1) / p->per;
}

static bool is_byte(net_type type) { return type == NET_I8 || type == NET_U8; }

/* Terms that a word may take, of x side by side in memory; words may run over the end of padded scratch. */
static uint32_t terms_of_word(const kn_schedule_state *s, const kn_facts *facts, const kn_product *p) {
  const lp_function *f = s->f;
  const lp_expr_info *w = lp_expr_at(f, p->constant), *x = lp_expr_at(f, p->load);
  uint32_t last = p->reduced[p->count - 1], per;
  kn_access access = {x->which, x->first, x->count};
  int64_t stride;
  if (s->machine->lanes == 1 || lp_expr_at(f, facts->reduction)->type != NET_I32) return 1;
  if (w->type == NET_I8 && is_byte(x->type) && s->machine->dot4) per = 4;
  else if ((w->type == NET_I8 || w->type == NET_I16) && (is_byte(x->type) || x->type == NET_I16)) per = 2;
  else return 1;
  if (!kn_single_stride(f, x->which, x->first, x->count, last, &stride) || stride != 1) return 1;
  if (kn_extent(f, last) % per == 0) return per;
  return !kn_in_row(s, x->which) && kn_single_from_start(f, &access, last) ? per : 1;
}

bool kn_single_product(const kn_schedule_state *s, uint32_t index, kn_product *p) {
  const lp_function *f = s->f;
  const kn_facts *facts = &s->facts[index];
  *p = (kn_product){0};
  if (!facts->reduction || !facts->axis_count || !facts->whole || facts->over_batch) return false;
  const lp_expr_info *sum = lp_expr_at(f, facts->reduction), *body = lp_expr_at(f, sum->operand[0]);
  if (sum->combine != LP_SUM || body->kind != LP_mul) return false;
  p->axis = facts->axes[facts->axis_count - 1];
  p->weight = body->operand[0], p->x = body->operand[1];
  if (lp_depends(f, p->x, p->axis)) p->weight = body->operand[1], p->x = body->operand[0];
  if (lp_depends(f, p->x, p->axis) || !lp_depends(f, p->weight, p->axis)) return false;
  p->constant = under_conversions(f, p->weight), p->load = under_conversions(f, p->x);
  if (lp_expr_at(f, p->constant)->kind != LP_load || lp_expr_at(f, p->load)->kind != LP_load) return false;
  for (uint32_t i = 0; i < sum->count; i++)
    p->reduced[p->count++] = kn_axis_of(f, lp_list_at(f, sum->first)[i]);
  const lp_expr_info *value = lp_expr_at(f, kn_statement(s, index)->value);
  if (value->kind == LP_add && value->operand[0] == facts->reduction) p->start = value->operand[1];
  if (value->kind == LP_add && value->operand[1] == facts->reduction) p->start = value->operand[0];
  if (!good_weights(s, facts, p) ||
      !kn_single_contiguous(s, index, p->axis, lp_expr_at(f, p->constant)->first))
    return false;
  p->per = terms_of_word(s, facts, p);
  p->is_signed =
      p->per == 4 && lp_expr_at(f, p->load)->type == NET_I8 && !s->natural[lp_expr_at(f, p->load)->which];
  p->widens = p->per == 2 && lp_expr_at(f, p->load)->type != NET_I16;
  p->size = words_along(f, p);
  for (uint32_t i = 0; i + 1 < p->count; i++) p->size *= kn_extent(f, p->reduced[i]);
  return true;
}

double kn_single_vectors(const kn_schedule_state *s, uint32_t index, const kn_product *p) {
  uint32_t outputs = kn_extent(s->f, p->axis), lanes = s->machine->lanes;
  return kn_points(s, index) / outputs * ((outputs + lanes - 1) / lanes) / p->per;
}

size_t kn_single_bytes(const kn_schedule_state *s, const kn_product *p) {
  net_type type = lp_expr_at(s->f, p->constant)->type;
  return (size_t)p->size * kn_extent(s->f, p->axis) * (p->per > 1 ? 4 : net_type_bytes(type));
}

typedef struct {
  kn_schedule_state *s;
  lp_function *f;
  const kn_group *group;
  const kn_product *p;
  kn_scope *scope, *one; /* vectors of outputs; inputs */
  lp_buffer packed;      /* LP_NONE: weights as they are */
  lp_buffer offsets;     /* of signed bytes */
  lp_buffer halves;      /* x, widened */
  uint32_t outputs, size; /* size: vectors in memory for each of outputs */
  bool padded, starts,
      joined; /* starts: accumulators start from p->start; joined: which is among the offsets */
  /* of the tile */
  lp_expr first; /* its first vector */
  uint32_t vectors, chains;
  lp_reg sums, x, w; /* sums[vector][chain], x[field], w: a vector of weights as they are packed */
  lp_expr term;   /* words before the innermost axis */
} job;

static void set_axis(job *j, uint32_t axis, lp_expr value) {
  j->scope->axis[axis] = j->one->axis[axis] = value;
}

/* The first output of a vector. */
static lp_expr output_of(job *j, uint32_t v) {
  return lp_product(j->f, lp_addition(j->f, j->first, lp_int(j->f, v)), lp_int(j->f, j->scope->lanes));
}

/* A vector of weights, as they are in memory; term: of those that lie together. */
static lp_expr packed_at(job *j, lp_expr term, uint32_t v) {
  lp_function *f = j->f;
  lp_expr tile = lp_product(f, j->first, lp_int(f, j->size));
  lp_expr within = lp_addition(f, lp_product(f, term, lp_int(f, j->vectors)), lp_int(f, v));
  uint32_t lanes = j->scope->lanes * (f->buffers.at[j->packed].type == NET_I16 && j->p->per == 2 ? 2 : 1);
  lp_expr at = lp_product(f, lp_addition(f, tile, within), lp_int(f, lanes));
  return lp_vector_load(f, j->packed, lanes, 1, &at);
}

/* An input, or a word of them, for all outputs. */
static lp_expr input_at(job *j, lp_expr i) {
  lp_function *f = j->f;
  uint32_t lanes = j->scope->lanes;
  set_axis(j, j->p->reduced[j->p->count - 1], lp_product(f, i, lp_int(f, j->p->per)));
  kn_scope_renew(j->one);
  if (j->p->per == 1) return lp_splat_of(f, kn_value(j->one, j->p->x), lanes);
  lp_expr_info load = *lp_expr_at(f, j->p->load);
  lp_expr flat = kn_flat(j->one, load.which, load.first, load.count);
  lp_expr part = j->p->widens ? lp_vector_load(f, j->halves, j->p->per, 1, &flat)
                              : kn_load_flat(j->s, load.which, flat, j->p->per);
  return lp_splat_of(f, lp_words_of(f, part), lanes);
}

/* sum + w · x */
static lp_expr product_sum(const job *j, lp_expr w, lp_expr x, lp_expr sum) {
  lp_function *f = j->f;
  net_type type = lp_expr_at(f, w)->type;
  if (j->p->per > 1) return lp_op3(f, j->p->per == 4 ? LP_dot4 : LP_dot2, sum, x, w);
  if (type == NET_F32 || type == NET_F64) return lp_op3(f, LP_fma, w, x, sum);
  return lp_addition(f, sum, lp_product(f, w, x));
}

/* Weights that are a factor of their own, and not several. */
static lp_expr weights_at(job *j, lp_expr term, uint32_t v) {
  kn_scope *scope = j->scope;
  lp_expr packed = j->packed == LP_NONE ? 0 : packed_at(j, term, v);
  if (j->p->per > 1) return packed;
  scope->axis[j->p->axis] = output_of(j, v);
  kn_scope_renew(scope);
  if (packed) scope->memo[j->p->constant] = packed, scope->memo_stamp[j->p->constant] = scope->stamp;
  return kn_value(scope, j->p->weight);
}

/* sums[v][chain] += w[v, i] · x[i] for the vectors of the tile, and for `count` i whose weights lie together:
 * chain of the first, each takes the next. */
static void add_terms(job *j, lp_expr group, uint32_t count, uint32_t chain) {
  lp_function *f = j->f;
  uint32_t fields = j->p->fields;
  lp_expr zero = lp_int(f, 0), term = lp_addition(f, j->term, group);
  for (uint32_t k = 0; k < count; k++) {
    lp_expr field = lp_int(f, k), i = lp_addition(f, lp_product(f, group, lp_int(f, fields)), field);
    lp_set(f, j->x, field, zero, input_at(j, i));
    if (!j->p->is_signed) continue;
    /* of the vector: as a scalar the word would leave the vector registers */
    lp_expr flip = lp_splat_of(f, lp_int(f, (int32_t)0x80808080), j->scope->lanes);
    lp_set(f, j->x, field, zero, lp_op2(f, LP_xor, lp_read_reg(f, j->x, field, zero), flip));
  }
  for (uint32_t v = 0; v < j->vectors; v++) {
    if (fields > 1) lp_set(f, j->w, zero, zero, packed_at(j, term, v));
    for (uint32_t k = 0; k < count; k++) {
      lp_expr row = lp_int(f, v), at = lp_int(f, (chain + k) % j->chains);
      lp_expr w = fields > 1 ? kn_single_unpack(f, j->p, lp_read_reg(f, j->w, zero, zero), k)
                             : weights_at(j, term, v);
      lp_expr x = lp_read_reg(f, j->x, lp_int(f, k), zero);
      lp_set(f, j->sums, row, at, product_sum(j, w, x, lp_read_reg(f, j->sums, row, at)));
    }
  }
}

/* What the sums of a vector start from, or 0. */
static lp_expr start_of(job *j, uint32_t v) {
  lp_function *f = j->f;
  lp_expr value = 0, at = output_of(j, v);
  if (j->starts && (!j->joined || j->offsets == LP_NONE)) {
    j->scope->axis[j->p->axis] = at;
    j->scope->vector_axis = j->p->axis;
    kn_scope_renew(j->scope);
    value = kn_value(j->scope, j->p->start);
  }
  if (j->offsets == LP_NONE) return value;
  lp_expr offsets = lp_vector_load(f, j->offsets, j->scope->lanes, 1, &at);
  return value ? lp_addition(f, value, offsets) : offsets;
}

static void open_sums(job *j) {
  lp_function *f = j->f;
  net_type type = lp_expr_at(f, j->p->weight)->type;
  uint32_t lanes = j->scope->lanes;
  j->sums = lp_reg_new(f, "a", type, lanes, j->vectors, j->chains);
  j->x = lp_reg_new(f, "x", type, lanes, j->p->fields, 1);
  if (j->p->fields > 1) {
    const lp_expr_info *packed = lp_expr_at(f, packed_at(j, lp_int(f, 0), 0));
    j->w = lp_reg_new(f, "w", packed->type, packed->lanes, 1, 1);
  }
  for (uint32_t v = 0; v < j->vectors; v++)
    for (uint32_t c = 0; c < j->chains; c++) {
      lp_expr start = c || j->p->shift ? 0 : start_of(j, v);
      lp_set(f, j->sums, lp_int(f, v), lp_int(f, c),
             start ? start : lp_splat_of(f, lp_constant(f, type, 0, 0), lanes));
    }
}

/* The innermost axis: steps of a loop, unrolled if the function is straight, and what is left. */
static void sum_axis(job *j) {
  lp_function *f = j->f;
  uint32_t words = words_along(f, j->p), fields = j->p->fields, extent = words / fields,
           least = (j->chains + fields - 1) / fields, step = least < extent ? least : extent;
  if (extent && !j->s->straight && j->scope->lanes > 1) {
    uint32_t body = BODY / j->vectors / fields, one = step, most = body > one ? body / one * one : one;
    step = most > extent ? extent / one * one : most;
    for (uint32_t even = step; even >= most / 2; even -= one) /* without a rest, if that is possible */
      if (even && extent % even == 0) {
        step = even;
        break;
      }
  }
  uint32_t whole = extent ? extent / step * step : 0;
  if (whole) {
    unsigned flags = j->s->straight ? LP_UNROLL : 0;
    lp_expr start = lp_begin_for(f, "i", lp_int(f, 0), lp_int(f, whole), step, flags);
    for (uint32_t k = 0; k < step; k++)
      add_terms(j, lp_addition(f, start, lp_int(f, k)), fields, k * fields % j->chains);
    lp_end(f);
  }
  for (uint32_t k = whole; k < extent; k++)
    add_terms(j, lp_int(f, k), fields, (k - whole) * fields % j->chains);
  if (words % fields) add_terms(j, lp_int(f, extent), words % fields, 0);
}

/* Places in memory along the last axis. */
static uint32_t places_along(const lp_function *f, const kn_product *p) {
  return (words_along(f, p) + p->fields - 1) / p->fields;
}

static void sum_terms(job *j) {
  lp_function *f = j->f;
  uint32_t opened = 0;
  j->term = lp_int(f, 0);
  for (uint32_t i = 0; i + 1 < j->p->count; i++, opened++) {
    uint32_t axis = j->p->reduced[i];
    lp_expr extent = lp_int(f, kn_extent(f, axis)),
            var = lp_begin_for(f, net_text(f->n, f->axes.at[axis].name), lp_int(f, 0), extent, 1,
                               j->s->straight ? LP_UNROLL : 0);
    set_axis(j, axis, var);
    j->term = lp_addition(f, lp_product(f, j->term, extent), var);
  }
  j->term = lp_product(f, j->term, lp_int(f, places_along(f, j->p)));
  sum_axis(j);
  while (opened--) lp_end(f);
}

/* The chains of each vector in one, by halves; sums of larger weights become what they are. */
static void join_chains(job *j) {
  lp_function *f = j->f;
  for (uint32_t count = j->chains, half; count > 1; count = half) {
    half = (count + 1) / 2;
    for (uint32_t v = 0; v < j->vectors; v++)
      for (uint32_t c = 0; c + half < count; c++) {
        lp_expr row = lp_int(f, v), a = lp_int(f, c), b = lp_int(f, c + half);
        lp_set(f, j->sums, row, a,
               lp_addition(f, lp_read_reg(f, j->sums, row, a), lp_read_reg(f, j->sums, row, b)));
      }
  }
  for (uint32_t v = 0; v < j->vectors && j->p->shift; v++) {
    lp_expr row = lp_int(f, v), zero = lp_int(f, 0), start = start_of(j, v);
    lp_expr sum = lp_op2(f, LP_shr, lp_read_reg(f, j->sums, row, zero), lp_int(f, j->p->shift));
    lp_set(f, j->sums, row, zero, start ? lp_addition(f, sum, start) : sum);
  }
}

/* What becomes of a vector's sums; a vector that runs over the end and must not be is taken in pieces. */
static void finish(job *j, uint32_t v, uint32_t valid) {
  lp_function *f = j->f;
  kn_scope *scope = j->scope;
  uint32_t index = j->group->statements.at[0], lanes = scope->lanes, size;
  lp_expr of = j->starts ? kn_statement(j->s, index)->value : j->s->facts[index].reduction,
          zero = lp_int(f, 0);
  lp_expr sum = lp_read_reg(f, j->sums, lp_int(f, v), zero), output = output_of(j, v);
  if (valid == lanes || j->padded) {
    scope->axis[j->p->axis] = output;
    kn_single_finish(scope, j->group, of, sum, valid);
    return;
  }
  for (uint32_t at = 0; at < valid; at += size) {
    size = kn_single_piece(lanes, valid - at);
    scope->lanes = size;
    scope->axis[j->p->axis] = lp_addition(f, output, lp_int(f, at));
    kn_single_finish(scope, j->group, of, lp_part_of(f, sum, at, size), size);
  }
  scope->lanes = lanes;
}

static void emit_tile(job *j, lp_expr first, uint32_t vectors, bool last) {
  uint32_t extent = words_along(j->f, j->p), lanes = j->scope->lanes;
  j->first = first, j->vectors = vectors;
  j->chains = lanes > 1 ? (CHAINS + vectors - 1) / vectors : 1;
  if (j->chains > extent) j->chains = extent;
  open_sums(j);
  sum_terms(j);
  join_chains(j);
  uint32_t rest = j->outputs % lanes;
  for (uint32_t v = 0; v < vectors; v++) finish(j, v, last && rest && v + 1 == vectors ? rest : lanes);
}

/* Equal tiles in a loop; one by one where the function is straight, and that which runs over the end. */
static void emit_tiles(job *j, const kn_split *split) {
  lp_function *f = j->f;
  bool ragged = j->outputs % j->scope->lanes;
  for (int part = 0; part < 2; part++) {
    uint32_t n = split->n[part], size = split->size[part], looped = j->s->straight ? 0 : n;
    bool last = part || !split->n[1];
    if (ragged && last && looped) looped--;
    if (looped) {
      lp_expr t = lp_begin_for(f, "t", lp_int(f, 0), lp_int(f, looped), 1, 0);
      emit_tile(j, lp_addition(f, lp_product(f, t, lp_int(f, size)), lp_int(f, split->start[part])), size,
                false);
      lp_end(f);
    }
    for (uint32_t t = looped; t < n; t++)
      emit_tile(j, lp_int(f, split->start[part] + t * size), size, last && t + 1 == n);
  }
}

/* Whether a sum starts from constants, one for each output. */
static bool starts_constant(const lp_function *f, const kn_product *p) {
  const lp_expr_info *load = lp_expr_at(f, p->start);
  if (load->kind != LP_load || load->type != NET_I32 || f->buffers.at[load->which].storage != LP_CONSTANT)
    return false;
  return load->count == 1 && kn_axis_of(f, lp_list_at(f, load->first)[0]) == p->axis;
}

/* Bytes as halves, once for all outputs. */
static lp_buffer widen(kn_schedule_state *s, lp_buffer x) {
  lp_function *f = s->f;
  const lp_buffer_info info = f->buffers.at[x];
  uint32_t elements = (uint32_t)net_shape_elements(&info.shape), lanes = s->machine->lanes;
  uint32_t padded = (elements + KN_PAD - 1) / KN_PAD * KN_PAD;
  net_name name = net_intern_format(f->n, "%s.halves", net_text(f->n, info.name));
  lp_buffer halves = lp_buffer_new(f, name, NET_I16, info.shape, info.batched, LP_SCRATCH, 0);
  f->buffers.at[halves].rank = 1, f->buffers.at[halves].dim[0] = padded;
  lp_expr at = lp_begin_for(f, "h", lp_int(f, 0), lp_int(f, padded), lanes, s->straight ? LP_UNROLL : 0);
  lp_store_at(f, halves, 1, &at, lp_convert(f, NET_I16, kn_load_flat(s, x, at, lanes)));
  lp_end(f);
  return halves;
}

void kn_single_emit_product(kn_schedule_state *s, const kn_group *group, const kn_product *product) {
  lp_function *f = s->f;
  kn_product chosen = *product, *p = &chosen;
  const kn_facts *facts = &s->facts[group->statements.at[0]];
  uint32_t lanes = s->machine->lanes, outputs = kn_extent(f, p->axis),
           vectors = (outputs + lanes - 1) / lanes;
  bool wide = lp_expr_at(f, p->weight)->type == NET_F64; /* takes two registers */
  uint32_t most = wide ? MOST_VECTORS / 2 : MOST_VECTORS;
  if (lanes == 1) /* little code */
    for (most = MOST_NARROW; outputs % most;) most--;
  kn_single_choose_fields(s, p, most);
  kn_split split = kn_split_evenly(vectors, most);
  job j = {.s = s, .f = f, .group = group, .p = p, .outputs = outputs, .padded = kn_single_padded(s, group)};
  j.scope = kn_scope_new(s, lanes, p->axis), j.one = kn_scope_new(s, 1, LP_NONE);
  j.packed = lanes > 1 || p->fields > 1 ? kn_single_pack(s, p, &split, lanes) : LP_NONE;
  j.size = p->size / words_along(f, p) * places_along(f, p);
  j.starts = p->start && (j.padded || outputs % lanes == 0);
  j.joined = j.starts && starts_constant(f, p);
  j.offsets = p->is_signed ? kn_single_offsets(s, p, j.joined) : LP_NONE;
  j.halves = p->widens ? widen(s, lp_expr_at(f, p->load)->which) : LP_NONE;
  set_axis(&j, 0, lp_int(f, 0));
  uint32_t opened = 0;
  for (uint32_t i = 0; i + 1 < facts->axis_count; i++, opened++) {
    uint32_t axis = facts->axes[i];
    set_axis(&j, axis,
             lp_begin_for(f, net_text(f->n, f->axes.at[axis].name), lp_int(f, 0),
                          lp_int(f, kn_extent(f, axis)), 1, 0));
  }
  emit_tiles(&j, &split);
  while (opened--) lp_end(f);
}
