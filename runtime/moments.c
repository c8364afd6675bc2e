#include "runtime/moments.h"

#include <math.h>

enum {
  LANES = 16,  /* slots that are summed side by side */
  BLOCK = 1024 /* about so many values of a slot make a block */
};

/* The values of one slot, or of several merged. */
typedef struct {
  double count, mean, squares, abs, not_finite;
} total;

/* A run of columns whose values go to up to LANES slots, in turn. */
typedef struct {
  uint32_t column, extent, slot, lanes;
} strip;

struct rt_moments {
  rt_layout layout;
  strip *strips;
  uint32_t strip_count, slot_count;
  uint32_t *channel;   /* of each slot */
  uint32_t block_rows; /* rows a block */
  uint64_t row;        /* the next one */
  total *totals;
  /* per slot, of the block under way: sums of v − shift, of its square, of |v| */
  double *shift, *sum, *square, *abs, *missing;
  float *low, *high;
};

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Wide channels have LANES slots each; else every column is a slot. */
static void make_strips(rt_moments *m, net_arena *arena) {
  uint32_t width = m->layout.width, inner = width / m->layout.channels, at = 0;
  bool wide = inner > LANES;
  uint32_t extent = wide ? inner : LANES;
  m->strip_count = (width + extent - 1) / extent;
  m->strips = NET_NEW_ARRAY(arena, strip, m->strip_count);
  m->channel = NET_NEW_ARRAY(arena, uint32_t, (size_t)m->strip_count *LANES);
  for (uint32_t i = 0; i < m->strip_count; i++, at += extent) {
    uint32_t columns = smaller(extent, width - at), lanes = smaller(LANES, columns);
    m->strips[i] = (strip){at, columns, m->slot_count, lanes};
    for (uint32_t k = 0; k < lanes; k++) m->channel[m->slot_count++] = (at + (wide ? 0 : k)) / inner;
  }
  m->block_rows = wide ? BLOCK / smaller(BLOCK, (inner + LANES - 1) / LANES) : BLOCK;
}

rt_moments *rt_moments_make(net_arena *arena, rt_layout layout) {
  rt_moments *m = NET_NEW(arena, rt_moments);
  m->layout = layout;
  make_strips(m, arena);
  uint32_t slots = m->slot_count;
  m->totals = NET_NEW_ARRAY(arena, total, slots);
  double *room = NET_NEW_ARRAY(arena, double, 5 * (size_t)slots);
  m->shift = room, m->sum = room + slots, m->square = m->sum + slots;
  m->abs = m->square + slots, m->missing = m->abs + slots;
  m->low = NET_NEW_ARRAY(arena, float, 2 * (size_t)slots);
  m->high = m->low + slots;
  for (uint32_t i = 0; i < slots; i++) m->low[i] = INFINITY, m->high[i] = -INFINITY;
  return m;
}

/* ---- summing ---- */

/* Sums of LANES slots, in registers. */
typedef struct {
  double shift[LANES], sum[LANES], square[LANES], abs[LANES];
  float low[LANES], high[LANES];
} lanes;

static void load(const rt_moments *m, const strip *s, lanes *l) {
  memset(l, 0, sizeof *l);
  memcpy(l->shift, m->shift + s->slot, s->lanes * sizeof(double));
  memcpy(l->sum, m->sum + s->slot, s->lanes * sizeof(double));
  memcpy(l->square, m->square + s->slot, s->lanes * sizeof(double));
  memcpy(l->abs, m->abs + s->slot, s->lanes * sizeof(double));
  memcpy(l->low, m->low + s->slot, s->lanes * sizeof(float));
  memcpy(l->high, m->high + s->slot, s->lanes * sizeof(float));
}

static void store(rt_moments *m, const strip *s, const lanes *l) {
  memcpy(m->sum + s->slot, l->sum, s->lanes * sizeof(double));
  memcpy(m->square + s->slot, l->square, s->lanes * sizeof(double));
  memcpy(m->abs + s->slot, l->abs, s->lanes * sizeof(double));
  memcpy(m->low + s->slot, l->low, s->lanes * sizeof(float));
  memcpy(m->high + s->slot, l->high, s->lanes * sizeof(float));
}

static inline void add_value(lanes *l, uint32_t k, float x) {
  double v = x, d = v - l->shift[k];
  l->sum[k] += d;
  l->square[k] += d * d;
  l->abs[k] += fabs(v);
  l->low[k] = x < l->low[k] ? x : l->low[k];
  l->high[k] = x > l->high[k] ? x : l->high[k];
}

static void add_rows(const rt_moments *m, const strip *s, const float *restrict rows, uint64_t count,
                     lanes *restrict l) {
  for (uint64_t r = 0; r < count; r++) {
    const float *row = rows + r * m->layout.width + s->column;
    uint32_t j = 0;
    for (; j + LANES <= s->extent; j += LANES)
      for (uint32_t k = 0; k < LANES; k++) add_value(l, k, row[j + k]);
    for (uint32_t k = 0; j + k < s->extent; k++) add_value(l, k, row[j + k]);
  }
}

/* The same where some values are not finite: these are left out. */
static void add_finite(rt_moments *m, const strip *s, const float *rows, uint64_t count, lanes *l) {
  for (uint64_t r = 0; r < count; r++) {
    const float *row = rows + r * m->layout.width + s->column;
    for (uint32_t j = 0; j < s->extent; j++)
      if (isfinite(row[j])) add_value(l, j % LANES, row[j]);
      else m->missing[s->slot + j % LANES]++;
  }
}

/* Doubles hold any sum of finite floats and of their squares. */
static bool all_finite(const lanes *l) {
  double sum = 0;
  for (uint32_t k = 0; k < LANES; k++) sum += l->square[k] * 0;
  return sum == 0;
}

/* ---- blocks ---- */

static void merge(total *into, double count, double mean, double squares) {
  if (count == 0) return;
  double sum = into->count + count, delta = mean - into->mean;
  into->mean += delta * (count / sum);
  into->squares += squares + delta * delta * (into->count * (count / sum));
  into->count = sum;
}

/* Values that a slot gets of one row. */
static double values_a_row(const strip *s, uint32_t lane) { return (s->extent - lane + LANES - 1) / LANES; }

static void end_block(rt_moments *m, uint64_t rows) {
  for (uint32_t i = 0; i < m->strip_count; i++)
    for (uint32_t k = 0; k < m->strips[i].lanes; k++) {
      uint32_t slot = m->strips[i].slot + k;
      total *t = &m->totals[slot];
      double count = values_a_row(&m->strips[i], k) * (double)rows - m->missing[slot], sum = m->sum[slot];
      if (count > 0)
        merge(t, count, m->shift[slot] + sum / count, fmax(m->square[slot] - sum * (sum / count), 0));
      t->abs += m->abs[slot];
      t->not_finite += m->missing[slot];
      m->shift[slot] = t->mean;
      m->sum[slot] = m->square[slot] = m->abs[slot] = m->missing[slot] = 0;
    }
}

/* The first values are better to sum around than 0. */
static void begin(rt_moments *m, const float *row) {
  for (uint32_t i = 0; i < m->strip_count; i++)
    for (uint32_t k = 0; k < m->strips[i].lanes; k++) {
      float x = row[m->strips[i].column + k];
      m->shift[m->strips[i].slot + k] = isfinite(x) ? x : 0;
    }
}

void rt_moments_add(rt_moments *m, const float *rows, uint64_t count) {
  if (!m->row && count) begin(m, rows);
  while (count) {
    uint64_t done = m->row % m->block_rows, take = m->block_rows - done;
    if (take > count) take = count;
    for (uint32_t i = 0; i < m->strip_count; i++) {
      lanes l;
      load(m, &m->strips[i], &l);
      add_rows(m, &m->strips[i], rows, take, &l);
      if (!all_finite(&l)) {
        load(m, &m->strips[i], &l);
        add_finite(m, &m->strips[i], rows, take, &l);
      }
      store(m, &m->strips[i], &l);
    }
    m->row += take;
    if (done + take == m->block_rows) end_block(m, m->block_rows);
    rows += take * m->layout.width;
    count -= take;
  }
}

/* Slots in their order; of each what is done, then the block under way. */
rt_moment rt_moments_get(const rt_moments *m, uint32_t channel) {
  total sum = {0};
  rt_moment result = {.min = INFINITY, .max = -INFINITY};
  double rows = (double)(m->row % m->block_rows);
  for (uint32_t i = 0; i < m->strip_count; i++)
    for (uint32_t k = 0; k < m->strips[i].lanes; k++) {
      uint32_t slot = m->strips[i].slot + k;
      if (m->channel[slot] != channel) continue;
      const total *t = &m->totals[slot];
      double count = values_a_row(&m->strips[i], k) * rows - m->missing[slot], s = m->sum[slot];
      merge(&sum, t->count, t->mean, t->squares);
      if (count > 0)
        merge(&sum, count, m->shift[slot] + s / count, fmax(m->square[slot] - s * (s / count), 0));
      sum.abs += t->abs + m->abs[slot];
      sum.not_finite += t->not_finite + m->missing[slot];
      result.min = fmin(result.min, m->low[slot]);
      result.max = fmax(result.max, m->high[slot]);
    }
  result.count = (uint64_t)sum.count;
  result.not_finite = (uint64_t)sum.not_finite;
  result.mean = sum.mean;
  result.abs = sum.abs / sum.count;
  result.squares = sum.squares;
  result.min += 0.0; /* no −0 */
  result.max += 0.0;
  return result;
}
