/* The scheduler's own view of a function: facts about statements, groups of statements that share a nest, and
 * the scope in which a statement's expression is rewritten from axes to loops, lanes and registers. */
#ifndef NETC_KERNELS_SCHEDULE_H
#define NETC_KERNELS_SCHEDULE_H

#include "kernels/kernels.h"

/* ---- facts (facts.c) ---- */

typedef struct {
  lp_buffer buffer;
  uint32_t first, count; /* indices, in lp_function.lists */
} kn_access;

typedef enum {
  KN_GATHER,  /* rows of data → a batched value */
  KN_SCATTER, /* a batched value → rows of output */
  KN_FORWARD, /* contraction, one result for each sample: vector lanes are samples, weights are broadcast */
  KN_DOT,     /* the same of small integers and constant weights, four or two products at once */
  KN_WEIGHT,  /* contraction over the batch: lanes are reduced by a shuffle tree */
  KN_FEATURE, /* features outside, samples inside: statistics over the batch and what uses them */
  KN_SAMPLE,  /* samples outside, features inside */
  KN_FLAT,    /* nothing batched: updates, scalars */
} kn_kind;

/* A statement is of one of these forms by what it has on the left and what it reduces. */
typedef struct {
  uint32_t axes[LP_MAX_RANK], axis_count; /* feature axes on the left, in order */
  bool batched;                           /* the batch axis is on the left */
  bool over_batch;                        /* some reduction runs over the batch */
  bool over_features;                     /* some reduction runs over features */
  bool whole;                             /* the left side covers the whole buffer */
  bool full;                              /* … with an axis for every dimension */
  bool live;
  lp_expr reduction; /* the reduction, if it is the only one */
  kn_kind kind;      /* of the nest it would start */
  uint32_t
      tile[2]; /* contractions: axes to tile: forward [0]; weight gradient: of the first and second load */
  NET_VEC(kn_access) reads;
} kn_facts;

typedef struct {
  kn_kind kind;
  bool flexible;       /* only element-wise statements so far: may still become KN_FEATURE or KN_SAMPLE */
  bool update, finite; /* finite: leave the function here if the loss is not finite */
  uint32_t channel;    /* KN_FEATURE: which feature dimension of its batched values is outside */
  NET_VEC(uint32_t) statements;
} kn_group;

/* A batched value of small integers as words (words.c). */
typedef struct {
  lp_buffer buffer; /* [batch/T, elements/per, T] of i32 */
  uint32_t per;     /* elements in a word: 4 or 2; 0: there are no words */
  bool direct;      /* who gives the value writes words only; else a nest makes them of the plain value */
  bool made;        /* … and has */
} kn_words;

/* Which rows of the next call are asked for, and by which nest (ahead.c). */
typedef struct {
  lp_buffer column; /* LP_NONE: none */
  uint32_t group;
} kn_ahead;

typedef struct {
  lp_function *f;
  const kn_machine *machine;
  const kn_options *options;
  kn_facts *facts;    /* by statement */
  uint32_t *group_of; /* by statement; LP_NONE while unplaced */
  uint32_t *writer;   /* by buffer: last group that writes it; LP_NONE */
  uint32_t *reader;   /* by buffer: last group that reads it; 0 if none */
  uint32_t checked;   /* first group behind the test for a finite loss: updates may begin there */
  bool *written;      /* by buffer: some statement that is no update writes it */
  bool *local;        /* by buffer: seen only inside the group that writes it */
  NET_VEC(kn_group) groups;
  uint32_t statement_exprs; /* expressions that existed before any nest was made */
  lp_buffer *rows;     /* one sample, by buffer: the row of data or of output that it is itself, or LP_NONE */
  bool *natural;       /* one sample, by buffer: integers that are never negative, whatever their type */
  bool straight;       /* one sample: contractions become code without loops */
  size_t weight_bytes; /* one sample: that products read in a call */
  kn_words *words;     /* by buffer, up to word_count; NULL: one sample */
  uint32_t word_count;
  kn_ahead ahead;
} kn_schedule_state;

void kn_find_facts(kn_schedule_state *s);
/* Sets live: whatever leads to a variable, a result or an output; unfused, everything. */
void kn_find_live(kn_schedule_state *s);
uint32_t kn_axis_of(const lp_function *f, lp_expr e); /* the axis if e is one, else LP_NONE */
lp_expr kn_loaded(const lp_function *f, lp_expr e);   /* what a conversion converts, else e itself */
/* Whether an access has the very indices of the statement's left side. */
bool kn_at_point(const lp_function *f, const kn_access *access, const lp_statement *statement);

/* ---- groups (group.c) ---- */

void kn_group_statements(kn_schedule_state *s);
/* "linear_1+relu_1": the nodes that a group computes; else the buffer that it writes */
net_name kn_group_name(const kn_schedule_state *s, const kn_group *group);

/* Whether a weight gradient is computed in panels (panel.c), and whether updates may use it there and then.
 */
bool kn_in_panels(const kn_schedule_state *s, uint32_t statement);
bool kn_panels_update(const kn_schedule_state *s, uint32_t statement);

/* ---- dots of small integers (dot.c), and the words they read (words.c) ---- */

typedef struct {
  lp_buffer weights, x, start; /* start: constants that are added to the sum, or LP_NONE */
  uint32_t output, input;      /* axes */
  bool transposed;             /* weights are [input, output] */
  uint32_t per;                /* products at once: at most */
} kn_dot;
/* Whether a statement is such a contraction. */
bool kn_dot_of(const kn_schedule_state *s, uint32_t statement, kn_dot *dot);

void kn_find_words(kn_schedule_state *s);   /* which statements are dots, which values they want as words */
void kn_choose_words(kn_schedule_state *s); /* who writes them; behind groups */
kn_words *kn_words_at(const kn_schedule_state *s, lp_buffer buffer); /* NULL: none */
void kn_emit_words(kn_schedule_state *s, lp_buffer buffer);          /* a nest that makes them, if one must */
/* Element number `at` of words, in place; the bits that are flipped in what words hold; what that adds. */
lp_expr kn_word_part(const kn_schedule_state *s, lp_buffer buffer, lp_expr element, uint32_t at);
lp_expr kn_word_flip(const kn_schedule_state *s, lp_buffer buffer, lp_expr word);
int32_t kn_word_offset(const kn_schedule_state *s, lp_buffer buffer);
/* Samples of a batched value, from words if it lies so. */
lp_expr kn_load_batched(kn_schedule_state *s, lp_buffer buffer, lp_expr tile, lp_expr flat, lp_expr within,
                        uint32_t lanes);
/* Whether a group of gathered rows and element-wise statements on them can write the buffer as words. */
bool kn_gathers_words(const kn_schedule_state *s, const kn_group *group, lp_buffer buffer);
void kn_emit_gather_words(kn_schedule_state *s, const kn_group *group, lp_buffer column, lp_buffer index);

/* ---- rows of the next call (ahead.c) ---- */

void kn_find_ahead(kn_schedule_state *s); /* behind groups */
/* A nest's part with results start … start + rows − 1 of a batch tile, if it is the one that asks. */
void kn_emit_ahead(kn_schedule_state *s, const kn_group *group, lp_expr tile, lp_expr start, uint32_t rows);

/* ---- layouts and places (layout.c) ---- */

void kn_choose_layouts(kn_schedule_state *s);
void kn_place_buffers(kn_schedule_state *s); /* scratch offsets by life times; needs groups and locals */

/* ---- rewriting expressions (scope.c) ---- */

typedef struct {
  lp_buffer buffer;
  lp_reg reg;
  bool point; /* reg[row][column], whatever the indices; else reg[flat feature index][0] */
  lp_expr row, column;
} kn_binding;

typedef struct {
  kn_schedule_state *s;
  lp_function *f;
  uint32_t lanes;       /* of the values made */
  uint32_t vector_axis; /* axis along the lanes: 0 the batch, a feature axis, or LP_NONE */
  lp_expr *axis;        /* by axis: its i32 value (of the vector axis: in lane 0); 0: unbound */
  lp_expr tile, within; /* batch position: which tile, offset in it */
  uint32_t unroll;      /* inner loops up to this extent are unrolled */
  lp_expr *memo;        /* by form-1 expression: what it became, if memo_stamp is current */
  uint32_t *memo_stamp, stamp;
  NET_VEC(kn_binding) bound;
} kn_scope;

kn_scope *kn_scope_new(kn_schedule_state *s, uint32_t lanes, uint32_t vector_axis);
/* Forgets what expressions became: after anything they may depend on has changed. */
void kn_scope_renew(kn_scope *scope);
void kn_scope_bind(kn_scope *scope, lp_buffer buffer, lp_reg reg, bool point, lp_expr row, lp_expr column);
/* A form-1 expression as a form-2 value with the scope's lanes; emits loops for reductions over features. */
lp_expr kn_value(kn_scope *scope, lp_expr e);
/* An index: a scalar i32. */
lp_expr kn_index(kn_scope *scope, lp_expr e);
/* Row-major feature index of an access (the batch index left out). */
lp_expr kn_flat(kn_scope *scope, lp_buffer buffer, uint32_t first, uint32_t count);
/* `lanes` elements of a value, or the place of one, by its flat index (one sample or nothing batched). */
lp_expr kn_load_flat(kn_schedule_state *s, lp_buffer buffer, lp_expr flat, uint32_t lanes);
void kn_store_flat(kn_schedule_state *s, lp_buffer buffer, lp_expr flat, lp_expr value);
/* Stores value where the statement's left side says (or into the register the buffer is bound to). */
void kn_assign(kn_scope *scope, const lp_statement *statement, lp_expr value);
/* Which lanes are samples of the batch; 0 when all are. */
lp_expr kn_valid(kn_scope *scope);
/* Opens one loop over all vectors of the batch; sets tile and within. */
void kn_open_vectors(kn_scope *scope, unsigned flags);
/* combine(accumulator, body), by fma where body is a product */
lp_expr kn_accumulate(lp_function *f, lp_combine combine, lp_expr accumulator, lp_expr body);
lp_expr kn_initial(lp_function *f, lp_combine combine, net_type type, uint32_t lanes);
/* Sums of many terms are cascades: roundings of n additions into one accumulator can all go one way (equal
 * terms of a loss), n/2 units in the last place. Given the loops around an addition, outermost first:
 * starts[i] where loop i and those inside it, of some KN_CHAIN additions at most, get an accumulator of their
 * own that is then carried on. */
enum { KN_CHAIN = 64 };
void kn_cascade(uint32_t count, const uint32_t *extents, bool *starts);
/* The batch's part of that: tiles that are summed by themselves, all of them or fewer. */
uint32_t kn_tiles_of_part(const lp_function *f);
/* total[i][j] = combine(total[i][j], part[i][j]) */
void kn_carry(lp_function *f, lp_combine combine, lp_reg total, lp_reg part, lp_expr i, lp_expr j);

/* Results of a forward tile, so that accumulators, the samples' vectors and a weight fit the registers. */
uint32_t kn_forward_rows(const kn_machine *machine, uint32_t columns);
/* What a group does with a vector of its contraction's results: the statement's own expression, then the
 * epilogue. */
void kn_finish(kn_scope *scope, const kn_group *group, lp_expr reduced);

/* Splits an extent into equal tiles of at most most: n[0] tiles of size[0], then n[1] tiles of size[0] − 1.
 */
typedef struct {
  uint32_t size[2], n[2], start[2];
} kn_split;
kn_split kn_split_evenly(uint32_t extent, uint32_t most);

/* ---- one sample (single*.c) ---- */

void kn_single_begin(
    kn_schedule_state *s); /* finds which values are rows of data or output themselves; behind facts */
bool kn_single_takes(kn_schedule_state *s, const kn_group *group, uint32_t statement);
void kn_single_emit(kn_schedule_state *s, const kn_group *group);

/* How a flat index moves with an axis: it is affine in it, with that factor. */
bool kn_single_stride(const lp_function *f, lp_buffer buffer, uint32_t first, uint32_t count, uint32_t axis,
                      int64_t *stride);
/* Whether lanes may run along an axis: each read but that at `except` (an index list) stands still or moves
 * by one. */
bool kn_single_contiguous(const kn_schedule_state *s, uint32_t statement, uint32_t axis, uint32_t except);
/* Whether an access moves with the axis alone, from the buffer's first element on. */
bool kn_single_from_start(const lp_function *f, const kn_access *access, uint32_t axis);
/* Whether whole vectors along the axis may run over its end: all that moves begins at 0 and is padded. */
bool kn_single_padded(const kn_schedule_state *s, const kn_group *group);
/* What a group does at a vector of points from the scope's axes on, `valid` of them real; reduced: a vector
 * that stands for the first statement's expression `of`, or 0. */
void kn_single_finish(kn_scope *scope, const kn_group *group, lp_expr of, lp_expr reduced, uint32_t valid);
/* The largest power of two that is neither above lanes nor above left. */
uint32_t kn_single_piece(uint32_t lanes, uint32_t left);

/* Sums of products with constant weights (single_sum.c, single_pack.c, single_bits.c). Integers of 8 or 16
 * bits go in words of several terms, which dots add up. */
typedef struct {
  lp_expr weight, x;                    /* factors, with their conversions */
  lp_expr constant, load;               /* under them: the load of the weights, and that of x */
  uint32_t axis;                        /* lanes */
  uint32_t reduced[LP_MAX_RANK], count; /* axes that are summed */
  uint32_t per;                         /* terms of a word along the last of them; 1: no words */
  uint32_t size;                        /* how many words that are */
  bool is_signed;                       /* 8-bit x: 128 is added to it, and taken from the sum */
  bool widens;                          /* x goes to halves first */
  lp_expr start;                        /* what is added to the sum, or 0 */
  uint32_t fields, bits; /* words (or terms) in one of memory, bits of a weight; 1: as they are */
  bool ones;             /* bits stand for −1 where they are set, else for 1 */
  uint32_t shift;        /* sums are larger by so many bits */
} kn_product;
bool kn_single_product(const kn_schedule_state *s, uint32_t statement, kn_product *product);
void kn_single_emit_product(kn_schedule_state *s, const kn_group *group, const kn_product *product);
double kn_single_vectors(const kn_schedule_state *s, uint32_t statement, const kn_product *product);
/* Bytes of weights as they are read if nothing is packed. */
size_t kn_single_bytes(const kn_schedule_state *s, const kn_product *product);
/* Sets what weights are packed as; vectors: of a tile. */
void kn_single_choose_fields(const kn_schedule_state *s, kn_product *product, uint32_t vectors);
/* Weights of a field in what is packed. */
lp_expr kn_single_unpack(lp_function *f, const kn_product *product, lp_expr packed, uint32_t field);
/* Weights in the order in which they are read: [tiles of `split`][word][vectors of the tile][lanes], words of
 * as many fields along the last axis that is summed. */
lp_buffer kn_single_pack(kn_schedule_state *s, const kn_product *product, const kn_split *split,
                         uint32_t lanes);
/* What the 128 in x add to the sum of each output, taken away; start: and the constants it starts from. */
lp_buffer kn_single_offsets(kn_schedule_state *s, const kn_product *product, bool start);

/* Reductions along elements that lie side by side (single_fold.c). */
bool kn_single_folds(const kn_schedule_state *s, uint32_t statement);
void kn_single_emit_fold(kn_schedule_state *s, const kn_group *group);

/* ---- nests, one file per kind ---- */

void kn_emit_gather(kn_schedule_state *s, const kn_group *group);
void kn_emit_scatter(kn_schedule_state *s, const kn_group *group);
void kn_emit_forward(kn_schedule_state *s, const kn_group *group);
void kn_emit_dot(kn_schedule_state *s, const kn_group *group);
void kn_emit_weight(kn_schedule_state *s, const kn_group *group);
void kn_emit_panels(kn_schedule_state *s, const kn_group *group);
void kn_emit_feature(kn_schedule_state *s, const kn_group *group);
void kn_emit_sample(kn_schedule_state *s, const kn_group *group);
void kn_emit_flat(kn_schedule_state *s, const kn_group *group);

static inline const lp_statement *kn_statement(const kn_schedule_state *s, uint32_t index) {
  return &s->f->statements.at[index];
}
/* One sample: whether a value lies in a row of data or output, beyond which nothing may be touched. */
static inline bool kn_in_row(const kn_schedule_state *s, lp_buffer buffer) {
  return s->rows && s->rows[buffer] != LP_NONE;
}
static inline uint32_t kn_extent(const lp_function *f, uint32_t axis) { return f->axes.at[axis].extent; }
/* Number of points of a statement's feature axes, and of its reductions' feature axes. */
double kn_points(const kn_schedule_state *s, uint32_t statement);

#endif
