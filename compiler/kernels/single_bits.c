/* Constant weights of few bits, several where one byte or half of a word was: fields.
 *
 * An element (a byte; a half where dots take halves) holds the weights of as many terms, or words of terms,
 * one after the other, the first lowest; each is brought to the top of its element and what is below is
 * cleared. Nothing moves between elements, so that the words of a vector are unpacked at once. */
#include "kernels/schedule.h"

/* As many fields at most: each needs an input of its own in a register. */
enum { MOST_FIELDS = 8, FEW_REGISTERS = 16 };

/* Where vectors read less in no more time (README.md): weights of the function that the first cache does not
 * hold, or not the second where vectors are shorter; and bytes of a layer that are worth the code. Where
 * flash counts, on one lane: bytes of code for a product in a loop. */
enum { FIRST_CACHE = 48 << 10, SECOND_CACHE = 1 << 20, LEAST_BYTES = 2 << 10, CODE_BYTES = 28 };

/* The range of all weights, and whether each is 1 or −1. */
typedef struct {
  int64_t least, most;
  bool ones;
} extent;

static extent extent_of(const lp_buffer_info *b) {
  extent x = {INT64_MAX, INT64_MIN, true};
  for (size_t i = 0; i < net_shape_elements(&b->shape); i++) {
    int64_t w = net_type_integer(b->type, b->data, i);
    if (w < x.least) x.least = w;
    if (w > x.most) x.most = w;
    x.ones &= w == 1 || w == -1;
  }
  return x;
}

/* Bits of an element, among which 1, 2, 4 or 8 are taken for each weight. */
static uint32_t element_bits(const kn_product *p, net_type weights) {
  return p->per > 1 ? 32 / p->per : 8 * (uint32_t)net_type_bytes(weights);
}

/* Few processors shift bytes: there a weight stays on top of its byte, with zeros below. Sums are larger by
 * that, and must fit nevertheless. */
static uint32_t sum_shift(const kn_product *p, uint32_t bits, bool ones) {
  return p->per != 4 ? 0 : ones ? 6 : 8 - bits;
}

static bool sums_fit(const kn_product *p, const extent *x, uint32_t shift) {
  int64_t largest = -x->least > x->most ? -x->least : x->most, terms = (int64_t)p->size * p->per;
  return terms * UINT8_MAX * largest < INT64_C(1) << (31 - shift);
}

static bool worth_it(const kn_schedule_state *s, const kn_product *p) {
  uint32_t lanes = s->machine->lanes;
  if (lanes == 1) return s->options->compact;
  size_t cache = lanes >= 16 ? FIRST_CACHE : SECOND_CACHE;
  return lanes >= 8 && s->weight_bytes > cache && kn_single_bytes(s, p) >= LEAST_BYTES;
}

/* Weights, and on one lane the body of the loop over them: a product for each output of a tile and each
 * field. */
static size_t bytes_taken(const kn_schedule_state *s, const kn_product *p, uint32_t fields,
                          uint32_t vectors) {
  size_t code = s->machine->lanes > 1 ? 0 : (size_t)fields * vectors * CODE_BYTES;
  return kn_single_bytes(s, p) / fields + code;
}

void kn_single_choose_fields(const kn_schedule_state *s, kn_product *p, uint32_t vectors) {
  const lp_buffer_info *weights = &s->f->buffers.at[lp_expr_at(s->f, p->constant)->which];
  p->fields = 1;
  if (weights->storage != LP_CONSTANT || !weights->data) return;
  if (weights->type != NET_I8 && weights->type != NET_I16) return;
  if (!worth_it(s, p)) return;
  extent x = extent_of(weights);
  bool few = s->machine->lanes > 1 && s->machine->registers <= FEW_REGISTERS;
  uint32_t element = element_bits(p, weights->type), most = few ? MOST_FIELDS / 2 : MOST_FIELDS;
  x.ones &= kn_extent(s->f, p->reduced[p->count - 1]) % p->per == 0; /* what fills a word up is 0 */
  size_t least = bytes_taken(s, p, 1, vectors);
  for (uint32_t bits = 1; bits < element; bits *= 2) {
    int64_t end = INT64_C(1) << (bits - 1);
    bool ones = bits == 1 && x.ones, fits = ones || (x.least >= -end && x.most < end);
    uint32_t fields = element / bits, shift = sum_shift(p, bits, ones);
    if (!fits || fields > most || (p->per == 4 && !sums_fit(p, &x, shift))) continue;
    if (bytes_taken(s, p, fields, vectors) >= least) continue;
    least = bytes_taken(s, p, fields, vectors);
    p->fields = fields, p->bits = bits, p->ones = ones, p->shift = shift;
  }
}

/* … with the same byte four times. */
static lp_expr with(lp_function *f, lp_expr_kind op, lp_expr a, uint32_t byte) {
  return lp_op2(f, op, a, lp_int(f, (int32_t)(byte * 0x01010101u)));
}

/* A sign of 1 bit as −1 or 1: all bits of it, and the lowest. */
static lp_expr sign_of(lp_function *f, const kn_product *p, lp_expr field, net_type type) {
  return p->ones ? lp_op2(f, LP_or, field, lp_constant(f, type, 0, 1)) : field;
}

lp_expr kn_single_unpack(lp_function *f, const kn_product *p, lp_expr packed, uint32_t field) {
  bool bytes = p->per == 4;
  if (p->per == 1) packed = lp_convert(f, NET_I32, packed);
  net_type type = lp_expr_at(f, packed)->type;
  uint32_t element = bytes ? 8 : 8 * (uint32_t)net_type_bytes(type), up = element - p->bits * (field + 1);
  if (up) packed = lp_op2(f, LP_shl, packed, lp_constant(f, type, 0, up));
  if (!bytes) {
    packed = lp_op2(f, LP_shr, packed, lp_constant(f, type, 0, element - p->bits));
    packed = sign_of(f, p, packed, type);
    return p->per == 2 ? lp_words_of(f, packed) : lp_convert(f, lp_expr_at(f, p->weight)->type, packed);
  }
  packed = with(f, LP_and, packed, 0xFFu << (8 - p->bits) & 0xFF);
  return p->ones ? with(f, LP_or, packed, 1u << p->shift) : packed;
}
