/* Contractions of 8- and 16-bit integers with constant weights, by dots of four bytes or two halves at once.
 * Lanes are samples; a tile is results × vectors of samples; each weight that is broadcast is a word of four
 * (or two). Weights lie in the order in which they are read: [tile of results][word][result]. What
 * element-wise statements make of the sums is packed into words as well, if dots read it. */
#include "kernels/schedule.h"

static bool is_small(net_type type) {
  return type == NET_I8 || type == NET_U8 || type == NET_I16 || type == NET_U16;
}

/* Whether all weights fit a signed type of so many bits. */
static bool weights_fit(const lp_buffer_info *weights, uint32_t bits) {
  int64_t end = (int64_t)1 << (bits - 1);
  for (size_t i = 0; i < net_shape_elements(&weights->shape); i++) {
    int64_t w = net_type_integer(weights->type, weights->data, i);
    if (w < -end || w >= end) return false;
  }
  return true;
}

/* y[b, o] = … sum(i: w[o, i]·x[b, i]) … with one axis of results and all of x: whether the loads are of that
 * kind. */
static bool takes_loads(const lp_function *f, const kn_facts *facts, const lp_expr_info *sum, lp_expr weight,
                        lp_expr x, kn_dot *dot) {
  const lp_expr_info *w = lp_expr_at(f, weight), *v = lp_expr_at(f, x);
  if (w->kind != LP_load || v->kind != LP_load || w->count != 2 || v->count != 2) return false;
  const lp_buffer_info *weights = &f->buffers.at[w->which], *values = &f->buffers.at[v->which];
  if (weights->storage != LP_CONSTANT || !weights->data || weights->batched || !is_small(weights->type))
    return false;
  if (values->storage != LP_SCRATCH || !values->batched || !is_small(values->type) || values->shape.rank != 1)
    return false;
  dot->weights = w->which, dot->x = v->which;
  dot->output = facts->axes[0], dot->input = kn_axis_of(f, lp_list_at(f, sum->first)[0]);
  uint32_t first = kn_axis_of(f, lp_list_at(f, w->first)[0]),
           second = kn_axis_of(f, lp_list_at(f, w->first)[1]);
  dot->transposed = first == dot->input && second == dot->output;
  if (!dot->transposed && (first != dot->output || second != dot->input)) return false;
  const lp_expr *at = lp_list_at(f, v->first);
  return kn_axis_of(f, at[0]) == 0 && kn_axis_of(f, at[1]) == dot->input &&
         kn_extent(f, dot->input) == values->shape.dim[0];
}

/* The constants that the sum starts from, if the statement adds some to it. */
static lp_buffer start_of(const lp_function *f, lp_expr value, lp_expr sum, uint32_t output) {
  const lp_expr_info *v = lp_expr_at(f, value);
  if (v->kind != LP_add || (v->operand[0] != sum && v->operand[1] != sum)) return LP_NONE;
  lp_expr other = v->operand[v->operand[0] == sum];
  const lp_expr_info *load = lp_expr_at(f, kn_loaded(f, other));
  if (load->kind != LP_load || load->count != 1) return LP_NONE;
  const lp_buffer_info *b = &f->buffers.at[load->which];
  bool constant = b->storage == LP_CONSTANT && b->data && (b->type == NET_I32 || is_small(b->type));
  return constant && kn_axis_of(f, lp_list_at(f, load->first)[0]) == output ? load->which : LP_NONE;
}

bool kn_dot_of(const kn_schedule_state *s, uint32_t index, kn_dot *dot) {
  const lp_function *f = s->f;
  const kn_facts *facts = &s->facts[index];
  *dot = (kn_dot){0};
  if (s->machine->lanes == 1 || !facts->batched || facts->over_batch || !facts->reduction || !facts->full ||
      facts->axis_count != 1)
    return false;
  const lp_expr_info *sum = lp_expr_at(f, facts->reduction), *body = lp_expr_at(f, sum->operand[0]);
  if ((sum->combine != LP_SUM && sum->combine != LP_CHAIN) || sum->count != 1) return false;
  if (body->kind != LP_mul || body->type != NET_I32) return false;
  lp_expr a = kn_loaded(f, body->operand[0]), b = kn_loaded(f, body->operand[1]);
  if (!takes_loads(f, facts, sum, a, b, dot) && !takes_loads(f, facts, sum, b, a, dot)) return false;
  dot->start = start_of(f, kn_statement(s, index)->value, facts->reduction, dot->output);
  const lp_buffer_info *weights = &f->buffers.at[dot->weights];
  net_type type = f->buffers.at[dot->x].type;
  bool bytes = s->machine->dot4 && (type == NET_I8 || type == NET_U8) && weights_fit(weights, 8);
  dot->per = bytes ? 4 : 2;
  return bytes || weights_fit(weights, 16);
}

typedef struct {
  kn_schedule_state *s;
  lp_function *f;
  const kn_group *group;
  kn_scope *scope;
  kn_dot dot;
  uint32_t per, words, columns, rows; /* rows: of the tile at hand */
  kn_split split;
  lp_buffer weights, start; /* packed */
} job;

/* ---- constants ---- */

static int64_t weight_at(const job *j, uint32_t o, uint32_t i) {
  const lp_buffer_info *w = &j->f->buffers.at[j->dot.weights];
  uint32_t outputs = kn_extent(j->f, j->dot.output), inputs = kn_extent(j->f, j->dot.input);
  return i >= inputs ? 0
                     : net_type_integer(w->type, w->data,
                                        j->dot.transposed ? (size_t)i * outputs + o : (size_t)o * inputs + i);
}

static lp_buffer constant_new(job *j, const char *name, const int32_t *data, uint32_t count) {
  net_name unique =
      net_intern_format(j->f->n, "%s.%s", net_text(j->f->n, j->f->buffers.at[j->dot.weights].name), name);
  lp_buffer b = lp_buffer_new(j->f, unique, NET_I32, (net_shape){1, {count}}, false, LP_CONSTANT, 0);
  lp_buffer_info *info = &j->f->buffers.at[b];
  info->data = data, info->rank = 1, info->dim[0] = count;
  return b;
}

static void pack_weights(job *j) {
  uint32_t outputs = kn_extent(j->f, j->dot.output), bits = 32 / j->per, mask = j->per == 4 ? 0xFF : 0xFFFF;
  int32_t *data = NET_NEW_ARRAY(j->f->arena, int32_t, (size_t)outputs * j->words + 1), *to = data;
  for (uint32_t first = 0, rows; first < outputs; first += rows) {
    rows = j->split.size[first >= j->split.start[1] && j->split.n[1]];
    for (uint32_t k = 0; k < j->words; k++)
      for (uint32_t r = 0; r < rows; r++, to++) {
        uint32_t word = 0;
        for (uint32_t i = 0; i < j->per; i++)
          word |= ((uint32_t)weight_at(j, first + r, k * j->per + i) & mask) << i * bits;
        *to = (int32_t)word;
      }
  }
  j->weights = constant_new(j, "dots", data, outputs * j->words);
}

/* What the statement adds, and what makes up for flipped bits; wraps like the sums. */
static void pack_start(job *j) {
  uint32_t outputs = kn_extent(j->f, j->dot.output), inputs = kn_extent(j->f, j->dot.input);
  int32_t offset = kn_word_offset(j->s, j->dot.x),
          *data = NET_NEW_ARRAY(j->f->arena, int32_t, outputs + KN_PAD);
  for (uint32_t o = 0; o < outputs; o++) {
    int64_t start = 0;
    for (uint32_t i = 0; i < inputs; i++) start -= offset * weight_at(j, o, i);
    if (j->dot.start != LP_NONE) {
      const lp_buffer_info *b = &j->f->buffers.at[j->dot.start];
      start += net_type_integer(b->type, b->data, o);
    }
    data[o] = (int32_t)start;
  }
  j->start = constant_new(j, "start", data, (outputs + KN_PAD - 1) / KN_PAD * KN_PAD);
}

/* ---- the nest ---- */

/* A number that is clamped to [low, high] and becomes a byte or a half of a word; packing clamps to the ends
 * of [least, most] by itself. */
typedef struct {
  lp_expr from;
  int64_t low, high, least, most;
  lp_expr_kind pack; /* of bytes: behind pack16 */
} narrow;

static const struct {
  uint32_t per;
  net_type type;
  lp_expr_kind pack;
  int64_t least, most; /* what packing clamps to */
} packings[] = {
    {4, NET_U8, LP_pack8u, 0, UINT8_MAX},          {4, NET_I8, LP_pack8s, INT8_MIN, INT8_MAX},
    {2, NET_U8, LP_pack16, INT16_MIN, INT16_MAX},  {2, NET_I8, LP_pack16, INT16_MIN, INT16_MAX},
    {2, NET_I16, LP_pack16, INT16_MIN, INT16_MAX},
};

static bool narrow_of(const lp_function *f, lp_expr e, uint32_t per, narrow *n) {
  const lp_expr_info *info = lp_expr_at(f, e);
  uint32_t p = 0, packing_count = sizeof packings / sizeof *packings;
  while (p < packing_count && (packings[p].per != per || packings[p].type != info->type)) p++;
  if (info->kind != LP_convert || p == packing_count) return false;
  net_type type = info->type;
  *n = (narrow){.from = info->operand[0],
                .least = packings[p].least,
                .most = packings[p].most,
                .pack = packings[p].pack};
  n->low = INT64_MIN, n->high = INT64_MAX;
  for (int i = 0; i < 2; i++) {
    info = lp_expr_at(f, n->from);
    const lp_expr_info *end = lp_expr_at(f, info->operand[1]);
    if ((info->kind != LP_min && info->kind != LP_max) || info->type != NET_I32 || end->kind != LP_const)
      return false;
    *(info->kind == LP_min ? &n->high : &n->low) = end->integer;
    n->from = info->operand[0];
  }
  int64_t bits = 8 * (int64_t)net_type_bytes(type), high = ((int64_t)1 << (bits - (type != NET_U8))) - 1;
  return (type == NET_U8 ? 0 : -high - 1) <= n->low && n->low <= n->high && n->high <= high;
}

/* … in all lanes, clamped where packing would not. */
static lp_expr narrow_value(kn_scope *scope, const narrow *n) {
  lp_function *f = scope->f;
  lp_expr v = kn_value(scope, n->from);
  if (n->low > n->least) v = lp_op2(f, LP_max, v, lp_splat_of(f, lp_int(f, n->low), scope->lanes));
  if (n->high < n->most) v = lp_op2(f, LP_min, v, lp_splat_of(f, lp_int(f, n->high), scope->lanes));
  return v;
}

static void store_word(job *j, const kn_words *w, lp_buffer of, lp_expr result, lp_expr word) {
  lp_function *f = j->f;
  lp_expr per = lp_constant(f, NET_U32, 0, w->per);
  lp_expr at = lp_convert(f, NET_I32, lp_op2(f, LP_div, lp_convert(f, NET_U32, result), per));
  lp_store_at(f, w->buffer, 3, (lp_expr[]){j->scope->tile, at, j->scope->within},
              kn_word_flip(j->s, of, word));
}

/* A statement's result as part of a word; parts: of the word so far. */
static void add_part(job *j, const kn_words *w, lp_buffer of, lp_expr value, lp_expr result, uint32_t row,
                     lp_reg parts) {
  lp_function *f = j->f;
  lp_expr zero = lp_int(f, 0), before = lp_read_reg(f, parts, zero, zero);
  lp_expr part = kn_word_part(j->s, of, value, row % w->per);
  lp_set(f, parts, zero, zero, row % w->per ? lp_op2(f, LP_or, before, part) : part);
  if (row + 1 == j->rows || (row + 1) % w->per == 0)
    store_word(j, w, of, result, lp_read_reg(f, parts, zero, zero));
}

/* The same of the last statement's, where a whole word is packed at once. */
static void add_narrow(job *j, const kn_words *w, lp_buffer of, const narrow *n, lp_expr result, uint32_t row,
                       lp_reg parts) {
  lp_function *f = j->f;
  lp_expr half[2], zero = lp_int(f, 0);
  lp_set(f, parts, lp_int(f, row % w->per), zero, narrow_value(j->scope, n));
  if ((row + 1) % w->per) return;
  for (uint32_t i = 0; i < w->per / 2; i++)
    half[i] = lp_op2(f, LP_pack16, lp_read_reg(f, parts, lp_int(f, 2 * i), zero),
                     lp_read_reg(f, parts, lp_int(f, 2 * i + 1), zero));
  store_word(j, w, of, result, w->per == 2 ? half[0] : lp_op2(f, n->pack, half[0], half[1]));
}

/* One vector of results through the group's statements. */
static void finish(job *j, lp_expr reduced, uint32_t row, lp_expr result, const lp_reg *parts) {
  lp_function *f = j->f;
  kn_schedule_state *s = j->s;
  kn_scope *scope = j->scope;
  lp_expr zero = lp_int(f, 0);
  scope->bound.count = 0;
  for (uint32_t k = 0; k < j->group->statements.count; k++) {
    uint32_t index = j->group->statements.at[k];
    const lp_statement *statement = kn_statement(s, index);
    const kn_words *w = kn_words_at(s, statement->buffer);
    lp_expr known = j->dot.start != LP_NONE ? statement->value : s->facts[index].reduction;
    bool last = k + 1 == j->group->statements.count;
    narrow n;
    scope->axis[s->facts[index].axes[0]] = result;
    kn_scope_renew(scope);
    if (!k) scope->memo[known] = reduced, scope->memo_stamp[known] = scope->stamp;
    bool whole = w && w->direct && row / w->per < j->rows / w->per;
    if (last && whole && narrow_of(f, statement->value, w->per, &n)) {
      add_narrow(j, w, statement->buffer, &n, result, row, parts[k]);
      break;
    }
    lp_expr value = kn_value(scope, statement->value);
    lp_reg point = lp_reg_new(f, "y", lp_expr_at(f, value)->type, scope->lanes, 1, 1);
    lp_set(f, point, zero, zero, value);
    value = lp_read_reg(f, point, zero, zero);
    if (w && w->direct) add_part(j, w, statement->buffer, value, result, row, parts[k]);
    else if (!s->local[statement->buffer]) kn_assign(scope, statement, value);
    kn_scope_bind(scope, statement->buffer, point, true, zero, zero);
  }
  scope->bound.count = 0;
}

/* Results start … start + rows − 1, whose weights begin at `at`, of a batch tile. */
static void emit_tile(job *j, lp_expr start, lp_expr at, uint32_t rows) {
  lp_function *f = j->f;
  uint32_t lanes = j->scope->lanes, columns = j->columns, count = j->group->statements.count;
  lp_expr zero = lp_int(f, 0), height = lp_int(f, rows);
  lp_expr_kind op = j->per == 4 ? LP_dot4 : LP_dot2;
  lp_reg a = lp_reg_new(f, "a", NET_I32, lanes, rows, columns),
         x = lp_reg_new(f, "x", NET_I32, lanes, columns, 1);
  lp_reg w = lp_reg_new(f, "w", NET_I32, lanes, 1, 1), *parts = NET_NEW_ARRAY(f->arena, lp_reg, count + 1);
  for (uint32_t k = 0; k < count; k++) parts[k] = lp_reg_new(f, "part", NET_I32, lanes, 4, 1);
  j->rows = rows;
  kn_emit_ahead(j->s, j->group, j->scope->tile, start, rows);
  lp_expr first = lp_begin_for(f, "q", zero, lp_int(f, f->tile), lanes * columns, 0);
  lp_expr r = lp_begin_for(f, "r", zero, height, 1, LP_UNROLL);
  lp_set(f, w, zero, zero,
         lp_splat_of(f, lp_vector_load(f, j->start, 1, 1, (lp_expr[]){lp_addition(f, start, r)}), lanes));
  lp_expr c = lp_begin_for(f, "c", zero, lp_int(f, columns), 1, LP_UNROLL);
  lp_set(f, a, r, c, lp_read_reg(f, w, zero, zero));
  lp_end(f), lp_end(f);
  lp_expr k = lp_begin_for(f, "k", zero, lp_int(f, j->words), 1, 0);
  c = lp_begin_for(f, "c", zero, lp_int(f, columns), 1, LP_UNROLL);
  lp_expr within = lp_addition(f, first, lp_product(f, c, lp_int(f, lanes)));
  lp_set(f, x, c, zero,
         lp_vector_load(f, j->s->words[j->dot.x].buffer, lanes, 3, (lp_expr[]){j->scope->tile, k, within}));
  lp_end(f);
  r = lp_begin_for(f, "r", zero, height, 1, LP_UNROLL);
  lp_expr place = lp_addition(f, lp_addition(f, at, lp_product(f, k, height)), r);
  lp_set(f, w, zero, zero, lp_splat_of(f, lp_vector_load(f, j->weights, 1, 1, &place), lanes));
  c = lp_begin_for(f, "c", zero, lp_int(f, columns), 1, LP_UNROLL);
  lp_set(f, a, r, c,
         lp_op3(f, op, lp_read_reg(f, a, r, c), lp_read_reg(f, x, c, zero), lp_read_reg(f, w, zero, zero)));
  lp_end(f), lp_end(f), lp_end(f);
  c = lp_begin_for(f, "c", zero, lp_int(f, columns), 1, LP_UNROLL);
  j->scope->within = lp_addition(f, first, lp_product(f, c, lp_int(f, lanes)));
  for (uint32_t row = 0; row < rows; row++)
    finish(j, lp_read_reg(f, a, lp_int(f, row), c), row, lp_addition(f, start, lp_int(f, row)), parts);
  lp_end(f), lp_end(f);
}

/* Tiles start at whole words where results are packed. */
static kn_split split_of(const job *j) {
  uint32_t extent = kn_extent(j->f, j->dot.output), most = j->s->machine->registers >= 32 ? 8 : 4;
  bool packed = false;
  for (uint32_t k = 0; k < j->group->statements.count; k++) {
    const kn_words *w = kn_words_at(j->s, kn_statement(j->s, j->group->statements.at[k])->buffer);
    packed |= w && w->direct;
  }
  if (!packed) return kn_split_evenly(extent, most);
  return (kn_split){.size = {most, extent % most},
                    .n = {extent / most, extent % most > 0},
                    .start = {0, extent / most * most}};
}

void kn_emit_dot(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  uint32_t lanes = s->machine->lanes, index = group->statements.at[0];
  job j = {.s = s, .f = f, .group = group, .scope = kn_scope_new(s, lanes, 0)};
  kn_dot_of(s, index, &j.dot);
  kn_emit_words(s, j.dot.x);
  j.per = s->words[j.dot.x].per;
  j.words = (kn_extent(f, j.dot.input) + j.per - 1) / j.per;
  j.columns = f->tile % (2 * lanes) ? 1 : 2;
  j.split = split_of(&j);
  pack_weights(&j);
  pack_start(&j);
  lp_nest_begin(f, kn_group_name(s, group));
  j.scope->tile = lp_begin_for(f, "bt", lp_int(f, 0), lp_int(f, f->padded / f->tile), 1, LP_PARALLEL);
  for (int part = 0; part < 2; part++) {
    uint32_t n = j.split.n[part], rows = j.split.size[part], first = part ? j.split.start[1] : 0;
    if (!n) continue;
    lp_expr t = n == 1 ? lp_int(f, 0) : lp_begin_for(f, "ot", lp_int(f, 0), lp_int(f, n), 1, 0);
    lp_expr at = lp_addition(f, lp_int(f, first * j.words), lp_product(f, t, lp_int(f, rows * j.words)));
    emit_tile(&j, lp_addition(f, lp_int(f, first), lp_product(f, t, lp_int(f, rows))), at, rows);
    if (n > 1) lp_end(f);
  }
  lp_end(f);
  lp_nest_end(f, 2 * kn_points(s, index) * f->padded / j.per);
}
