/* Words: where dots read a batched value of 8 or 16 bits, it lies as [batch/T, elements/4, T] of i32, each
 * with four neighbouring elements of a sample (or two, as halves). Dots and gathers write them themselves; of
 * what anything else writes, a nest makes a copy. Everybody else may read words too: an element is a shift
 * away.
 *
 * Dots take unsigned bytes and signed halves: the others have their highest bit flipped, which adds 128 to
 * signed bytes and takes 32768 from unsigned halves; constants in front of the sums make up for it. */
#include "kernels/schedule.h"

kn_words *kn_words_at(const kn_schedule_state *s, lp_buffer buffer) {
  return s->words && buffer < s->word_count && s->words[buffer].per ? &s->words[buffer] : NULL;
}

/* Bits to flip in every word. */
static uint32_t flipped(net_type type, uint32_t per) {
  if (per == 4) return type == NET_I8 ? 0x80808080 : 0;
  return type == NET_U16 ? 0x80008000 : 0;
}

int32_t kn_word_offset(const kn_schedule_state *s, lp_buffer buffer) {
  uint32_t flip = flipped(s->f->buffers.at[buffer].type, s->words[buffer].per);
  return !flip ? 0 : s->words[buffer].per == 4 ? 128 : -32768;
}

static lp_expr splat(lp_function *f, uint32_t lanes, uint32_t bits) {
  return lp_splat_of(f, lp_int(f, (int32_t)bits), lanes);
}

lp_expr kn_word_flip(const kn_schedule_state *s, lp_buffer buffer, lp_expr word) {
  uint32_t flip = flipped(s->f->buffers.at[buffer].type, s->words[buffer].per);
  return lp_op2(s->f, LP_xor, word, splat(s->f, lp_expr_at(s->f, word)->lanes, flip));
}

/* An element's bits at its place in a word: number `at` of it. */
lp_expr kn_word_part(const kn_schedule_state *s, lp_buffer buffer, lp_expr element, uint32_t at) {
  lp_function *f = s->f;
  uint32_t per = s->words[buffer].per;
  lp_expr bits = lp_convert(f, NET_I32, lp_convert(f, per == 4 ? NET_U8 : NET_U16, element));
  return lp_op2(f, LP_shl, bits, splat(f, lp_expr_at(f, bits)->lanes, at * (32 / per)));
}

void kn_find_words(kn_schedule_state *s) {
  lp_function *f = s->f;
  kn_dot dot;
  s->word_count = f->buffers.count;
  s->words = NET_NEW_ARRAY(f->arena, kn_words, f->buffers.count + 1);
  for (uint32_t i = 0; i < f->statements.count; i++) {
    if (!s->facts[i].live || !kn_dot_of(s, i, &dot)) continue;
    s->facts[i].kind = KN_DOT;
    kn_words *w = &s->words[dot.x];
    if (!w->per || w->per > dot.per) w->per = dot.per;
  }
  for (lp_buffer b = 0; b < s->word_count; b++) {
    if (!s->words[b].per) continue;
    net_name name = net_intern_format(f->n, "%s.words", net_text(f->n, f->buffers.at[b].name));
    uint32_t elements = (uint32_t)net_shape_elements(&f->buffers.at[b].shape), per = s->words[b].per;
    net_shape shape = {1, {(elements + per - 1) / per}};
    s->words[b].buffer = lp_buffer_new(f, name, NET_I32, shape, true, LP_SCRATCH, 0);
    f->buffers.at[s->words[b].buffer].bits = f->buffers.at[b].bits * per;
  }
}

/* Whole values that one statement gives, in a nest that writes words. */
static bool writes_words(const kn_schedule_state *s, lp_buffer buffer) {
  uint32_t writers = 0, last = 0;
  for (uint32_t i = 0; i < s->f->statements.count; i++)
    if (s->facts[i].live && kn_statement(s, i)->buffer == buffer) writers++, last = i;
  if (writers != 1 || !s->facts[last].full || s->facts[last].axis_count != 1 || s->options->unfused)
    return false;
  const kn_group *g = &s->groups.at[s->group_of[last]];
  return g->kind == KN_DOT || (g->kind == KN_GATHER && kn_gathers_words(s, g, buffer));
}

void kn_choose_words(kn_schedule_state *s) {
  for (lp_buffer b = 0; b < s->word_count; b++)
    if (s->words[b].per) s->words[b].direct = writes_words(s, b);
}

/* Words of a value that lies element by element. */
void kn_emit_words(kn_schedule_state *s, lp_buffer buffer) {
  lp_function *f = s->f;
  kn_words *w = kn_words_at(s, buffer);
  if (!w || w->direct || w->made) return;
  w->made = true;
  uint32_t lanes = s->machine->lanes, elements = (uint32_t)net_shape_elements(&f->buffers.at[buffer].shape);
  uint32_t whole = elements / w->per, rest = elements % w->per;
  kn_scope *scope = kn_scope_new(s, lanes, 0);
  lp_nest_begin(f, f->buffers.at[w->buffer].name);
  kn_open_vectors(scope, LP_PARALLEL);
  for (int part = 0; part < 2; part++) {
    uint32_t count = part ? rest : w->per;
    if (part ? !rest : !whole) continue;
    lp_expr k = part ? lp_int(f, whole) : lp_begin_for(f, "k", lp_int(f, 0), lp_int(f, whole), 1, 0);
    lp_expr word = splat(f, lanes, 0);
    for (uint32_t i = 0; i < count; i++) {
      lp_expr flat = lp_addition(f, lp_product(f, k, lp_int(f, w->per)), lp_int(f, i));
      lp_expr element = lp_vector_load(f, buffer, lanes, 3, (lp_expr[]){scope->tile, flat, scope->within});
      word = lp_op2(f, LP_or, word, kn_word_part(s, buffer, element, i));
    }
    lp_store_at(f, w->buffer, 3, (lp_expr[]){scope->tile, k, scope->within}, kn_word_flip(s, buffer, word));
    if (!part) lp_end(f);
  }
  lp_end(f);
  lp_nest_end(f, 4 * (double)f->padded * elements);
}

lp_expr kn_load_batched(kn_schedule_state *s, lp_buffer buffer, lp_expr tile, lp_expr flat, lp_expr within,
                        uint32_t lanes) {
  lp_function *f = s->f;
  const kn_words *w = kn_words_at(s, buffer);
  if (!w || !w->direct) return lp_vector_load(f, buffer, lanes, 3, (lp_expr[]){tile, flat, within});
  lp_expr at = lp_convert(f, NET_U32, flat), per = lp_constant(f, NET_U32, 0, w->per);
  lp_expr k = lp_convert(f, NET_I32, lp_op2(f, LP_div, at, per));
  lp_expr place = lp_convert(f, NET_I32, lp_op2(f, LP_rem, at, per));
  lp_expr word = lp_vector_load(f, w->buffer, lanes, 3, (lp_expr[]){tile, k, within});
  lp_expr shift = lp_splat_of(f, lp_product(f, place, lp_int(f, 32 / w->per)), lanes);
  return lp_convert(f, f->buffers.at[buffer].type, lp_op2(f, LP_shr, kn_word_flip(s, buffer, word), shift));
}
