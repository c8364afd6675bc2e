#include "runtime/selection.h"

#include <math.h>

enum {
  TOP = 12,   /* bits of the first digit: sign, exponent, the first three of the mantissa */
  DIGIT = 10, /* of the other two */
  TOPS = 1 << TOP,
  DIGITS = 1 << DIGIT,
  LEAST_TOP = 0x008, /* of finite values: infinities and NaN have the digits below and above */
  MOST_TOP = 0xff7,
  RANKS = 4, /* in each channel: two quantiles, each between two values */
  BLOCK = 16,
  SINKS = 8, /* counts of a channel that nobody reads; they also keep channels off each other's cache sets */
  TOP_STRIDE = TOPS + SINKS,             /* counts of a channel in pass 0 */
  DIGIT_STRIDE = RANKS * DIGITS + SINKS, /* and after */
};

/* One value looked for: the rank-th of those whose digits so far are these. */
typedef struct {
  uint64_t rank;
  uint32_t prefix, place; /* place: which histogram has the next digit */
  bool zero;              /* it is 0: there is nothing more to look for */
} target;

typedef struct {
  target targets[RANKS];
  double weight[2]; /* of the upper one of two values, for either quantile */
  uint64_t count;
} channel;

struct rt_selection {
  rt_layout layout;
  double quantile;
  uint32_t pass, places; /* places: most different prefixes of a channel */
  uint64_t *counts;      /* of the pass: channels × TOP_STRIDE or DIGIT_STRIDE */
  uint64_t *digit_counts;
  size_t *offset;          /* per column: where its channel's counts begin in this pass */
  bool begun, has_zeros;   /* has_zeros: in the first rows; else it does not pay to count them */
  uint32_t *zeros;         /* per column: values that are 0 */
  uint32_t *prefix[RANKS]; /* per column: prefixes whose next digits are counted; at least BLOCK of them */
  channel *channels;
};

/* Unsigned numbers in the order of the floats. */
static inline uint32_t key_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits ^ ((uint32_t)((int32_t)bits >> 31) | 0x80000000u);
}

static double value_of(uint32_t key) {
  uint32_t bits = key ^ (key >> 31 ? 0x80000000u : 0xffffffffu);
  float x;
  memcpy(&x, &bits, sizeof x);
  return x + 0.0; /* no −0 */
}

static uint32_t channel_of(const rt_selection *s, uint32_t column) {
  return column / (s->layout.width / s->layout.channels);
}

rt_selection *rt_selection_make(net_arena *arena, rt_layout layout, double quantile) {
  rt_selection *s = NET_NEW(arena, rt_selection);
  *s = (rt_selection){.layout = layout, .quantile = quantile};
  s->counts = NET_NEW_ARRAY(arena, uint64_t, ((size_t)layout.channels + 1) * TOP_STRIDE);
  s->digit_counts = NET_NEW_ARRAY(arena, uint64_t, (size_t)layout.channels *DIGIT_STRIDE);
  s->channels = NET_NEW_ARRAY(arena, channel, layout.channels);
  s->offset = NET_NEW_ARRAY(arena, size_t, layout.width);
  s->zeros = NET_NEW_ARRAY(arena, uint32_t, layout.width);
  for (int r = 0; r < RANKS; r++) s->prefix[r] = NET_NEW_ARRAY(arena, uint32_t, layout.width + BLOCK);
  for (uint32_t c = 0; c < layout.width; c++) s->offset[c] = (size_t)channel_of(s, c) * TOP_STRIDE;
  return s;
}

/* ---- counting ---- */

static inline bool is_zero(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits == 0;
}

static void count_zeros(rt_selection *s, const float *row) {
  uint32_t c = 0;
  for (; c + BLOCK <= s->layout.width; c += BLOCK)
    for (uint32_t k = 0; k < BLOCK; k++) s->zeros[c + k] += is_zero(row[c + k]);
  for (; c < s->layout.width; c++) s->zeros[c] += is_zero(row[c]);
}

static bool any_zero(const float *values, uint64_t count) {
  for (uint64_t i = 0; i < count; i++)
    if (is_zero(values[i])) return true;
  return false;
}

static void count_tops(rt_selection *s, const float *rows, uint64_t count) {
  uint32_t width = s->layout.width;
  if (!s->begun) s->has_zeros = any_zero(rows, count * width), s->begun = true;
  for (uint64_t r = 0; r < count && s->has_zeros; r++) count_zeros(s, rows + r * width);
  if (s->layout.channels == 1) {
    for (uint64_t i = 0; i < count * width; i++) /* not twice running in the same place */
      s->counts[(i % 2) * TOP_STRIDE + (key_of(rows[i]) >> (32 - TOP))]++;
    return;
  }
  for (uint64_t r = 0; r < count; r++, rows += width)
    for (uint32_t c = 0; c < width; c++) s->counts[s->offset[c] + (key_of(rows[c]) >> (32 - TOP))]++;
}

/* Without branches: who can tell which values will match? Those that do not go to sinks, in turn, since it
 * takes long to count in the same place twice running. */
static inline void count_digit(rt_selection *s, uint32_t column, uint32_t key, uint32_t shift,
                               uint32_t turn) {
  uint32_t digit = key >> (shift - DIGIT) & (DIGITS - 1), at = RANKS * DIGITS + turn % SINKS;
  for (uint32_t p = 0; p < s->places; p++)
    at = key >> shift == s->prefix[p][column] ? p * DIGITS + digit : at;
  s->counts[s->offset[column] + at]++;
}

/* Few values have digits that are looked for, so that most blocks are passed over as a whole. */
static bool any_match(const rt_selection *s, const float *values, uint32_t column, uint32_t shift) {
  uint32_t keys[BLOCK], any = 0;
  for (int k = 0; k < BLOCK; k++) keys[k] = key_of(values[k]) >> shift;
  for (uint32_t p = 0; p < s->places; p++) {
    const uint32_t *prefix = s->prefix[p] + column;
    for (int k = 0; k < BLOCK; k++) any |= keys[k] == prefix[k];
  }
  return any;
}

/* A run of columns; step: 0 if all are of one channel. */
static void count_run(rt_selection *s, const float *values, uint64_t count, uint32_t shift, uint32_t step) {
  uint64_t i = 0;
  for (; i + BLOCK <= count; i += BLOCK) {
    uint32_t column = (uint32_t)i * step;
    if (any_match(s, values + i, column, shift))
      for (uint32_t k = 0; k < BLOCK; k++) count_digit(s, column + k * step, key_of(values[i + k]), shift, k);
  }
  for (; i < count; i++) count_digit(s, (uint32_t)i * step, key_of(values[i]), shift, 0);
}

static void count_digits(rt_selection *s, const float *rows, uint64_t count, uint32_t shift) {
  uint32_t width = s->layout.width;
  if (s->layout.channels == 1) count_run(s, rows, count * width, shift, 0);
  else
    for (uint64_t r = 0; r < count; r++) count_run(s, rows + r * width, width, shift, 1);
}

void rt_selection_add(rt_selection *s, const float *rows, uint64_t count) {
  if (!s->pass) count_tops(s, rows, count);
  else if (s->pass < RT_SELECTION_PASSES) count_digits(s, rows, count, 32 - TOP - (s->pass - 1) * DIGIT);
}

/* ---- between passes ---- */

static void rank_quantile(channel *c, int which, double p) {
  double h = p * (double)(c->count - 1), whole = floor(h);
  target *t = &c->targets[2 * which];
  t[0].rank = (uint64_t)whole;
  t[1].rank = t[0].rank + (t[0].rank + 1 < c->count);
  c->weight[which] = h - whole;
}

static void rank_channel(const rt_selection *s, channel *c, const uint64_t *tops) {
  for (uint32_t d = LEAST_TOP; d <= MOST_TOP; d++) c->count += tops[d];
  if (!c->count) return;
  rank_quantile(c, 0, 1 - s->quantile);
  rank_quantile(c, 1, s->quantile);
}

/* Goes on to the digit in which the target's rank lies. */
static void descend(target *t, const uint64_t *counts, uint32_t first, uint32_t bits) {
  uint32_t digit = first;
  while (t->rank >= counts[digit]) t->rank -= counts[digit++];
  t->prefix = t->prefix << bits | digit;
}

/* Zeros are many behind a relu, and take long to count digit by digit: where all that have a target's first
 * digit are 0, it is. */
static void find_zeros(const rt_selection *s, uint32_t which, channel *c) {
  uint32_t inner = s->layout.width / s->layout.channels, first = key_of(0) >> (32 - TOP);
  uint64_t zeros = 0;
  for (uint32_t i = 0; i < inner; i++) zeros += s->zeros[which * inner + i];
  for (int r = 0; r < RANKS; r++)
    c->targets[r].zero =
        c->targets[r].prefix == first && zeros == s->counts[(size_t)which * TOP_STRIDE + first];
}

/* Equal prefixes of a channel share a histogram. */
static uint32_t place_targets(channel *c) {
  uint32_t places = 0;
  for (int r = 0; r < RANKS; r++) {
    int same = 0;
    if (c->targets[r].zero) continue;
    while (c->targets[same].prefix != c->targets[r].prefix) same++;
    c->targets[r].place = same < r ? c->targets[same].place : places++;
  }
  return places;
}

void rt_selection_end_pass(rt_selection *s) {
  uint32_t channels = s->layout.channels, places = 0;
  for (uint32_t i = 0; i < TOPS && !s->pass && channels == 1; i++) s->counts[i] += s->counts[TOP_STRIDE + i];
  for (uint32_t i = 0; i < channels; i++) {
    channel *c = &s->channels[i];
    if (!s->pass) rank_channel(s, c, s->counts + (size_t)i * TOP_STRIDE);
    for (int r = 0; r < RANKS && c->count; r++) {
      target *t = &c->targets[r];
      if (!s->pass) descend(t, s->counts + (size_t)i * TOP_STRIDE, LEAST_TOP, TOP);
      else if (!t->zero) descend(t, s->counts + (size_t)i * DIGIT_STRIDE + t->place * DIGITS, 0, DIGIT);
    }
    if (!s->pass && c->count) find_zeros(s, i, c);
    uint32_t mine = place_targets(c);
    places = mine > places ? mine : places;
  }
  s->pass++;
  s->places = places;
  s->counts = s->digit_counts;
  memset(s->counts, 0, (size_t)channels * DIGIT_STRIDE * sizeof *s->counts);
  for (uint32_t column = 0; column < s->layout.width + BLOCK; column++) {
    bool inside = column < s->layout.width;
    uint32_t which = channels > 1 && inside ? channel_of(s, column) : 0;
    const channel *c = &s->channels[which];
    if (inside) s->offset[column] = (size_t)which * DIGIT_STRIDE;
    for (int p = 0; p < RANKS; p++) s->prefix[p][column] = UINT32_MAX; /* never a prefix: NaN has it */
    for (int r = 0; r < RANKS && c->count; r++)
      if (!c->targets[r].zero) s->prefix[c->targets[r].place][column] = c->targets[r].prefix;
  }
}

static double value_at(const target *t) { return t->zero ? 0 : value_of(t->prefix); }

void rt_selection_get(const rt_selection *s, uint32_t which, double *low, double *high) {
  const channel *c = &s->channels[which];
  double q[2] = {NAN, NAN};
  for (int i = 0; i < 2 && c->count; i++) {
    double a = value_at(&c->targets[2 * i]), b = value_at(&c->targets[2 * i + 1]), t = c->weight[i];
    q[i] = t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
  }
  *low = q[0];
  *high = q[1];
}
