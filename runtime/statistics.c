#include "runtime/statistics.h"

#include "runtime/selection.h"

#include <math.h>

enum {
  CHUNK = 4096, /* values whose magnitudes are taken at a time */
  TURNS = 4,
};

/* The histogram of one channel. */
typedef struct {
  double low, high, scale; /* scale: bins a unit */
  uint64_t *counts;        /* TURNS times: of the bins, and one more */
  bool quick; /* all values are finite, and products tell bins: the one more belongs to the last bin */
} histogram;

struct rt_statistics {
  rt_statistics_spec spec;
  uint32_t pass;
  rt_moments *moments;
  rt_selection *selection;
  histogram *histograms;
  float *magnitudes; /* room for rows of them */
  uint64_t magnitude_rows;
};

rt_statistics *rt_statistics_make(net_arena *arena, const rt_statistics_spec *spec) {
  rt_statistics *s = NET_NEW(arena, rt_statistics);
  *s = (rt_statistics){.spec = *spec,
                       .moments = rt_moments_make(arena, spec->layout),
                       .selection = rt_selection_make(arena, spec->layout, spec->quantile)};
  if (spec->bins) {
    s->histograms = NET_NEW_ARRAY(arena, histogram, spec->layout.channels);
    for (uint32_t c = 0; c < spec->layout.channels; c++)
      s->histograms[c].counts = NET_NEW_ARRAY(arena, uint64_t, TURNS *(spec->bins + 1));
  }
  if (spec->magnitudes) {
    s->magnitude_rows = spec->layout.width < CHUNK ? CHUNK / spec->layout.width : 1;
    s->magnitudes = NET_NEW_ARRAY(arena, float, s->magnitude_rows * spec->layout.width);
  }
  return s;
}

/* ---- histograms ---- */

static double edge_of(const histogram *h, uint32_t bins, uint32_t bin) {
  return h->low + (h->high - h->low) / bins * bin;
}

/* Where a product was rounded across an edge, the edge decides. */
static uint32_t exact_bin(const histogram *h, uint32_t bins, double x) {
  double t = (x - h->low) * h->scale;
  if (!(t >= 0 && t < bins + 1)) return bins; /* not finite */
  uint32_t bin = t < bins ? (uint32_t)t : bins - 1;
  if (bin && x < edge_of(h, bins, bin)) return bin - 1;
  return bin + 1 < bins && x >= edge_of(h, bins, bin + 1) ? bin + 1 : bin;
}

static inline uint32_t quick_bin(const histogram *h, double x) {
  return (uint32_t)(int32_t)((x - h->low) * h->scale);
}

/* Whether quick_bin gives every finite float its bin, the largest maybe one more. Both are steps upwards, so
 * it is enough that they agree on the floats at both sides of every edge. */
static bool is_quick(const histogram *h, uint32_t bins) {
  for (uint32_t bin = 1; bin < bins; bin++) {
    double edge = edge_of(h, bins, bin);
    float above = (float)edge;
    if (above < edge) above = nextafterf(above, INFINITY);
    float below = nextafterf(above, -INFINITY);
    if (quick_bin(h, above) != exact_bin(h, bins, above)) return false;
    if (below >= h->low && quick_bin(h, below) != exact_bin(h, bins, below)) return false;
  }
  return true;
}

static void place_bins(rt_statistics *s) {
  for (uint32_t c = 0; c < s->spec.layout.channels; c++) {
    rt_moment m = rt_moments_get(s->moments, c);
    histogram *h = &s->histograms[c];
    if (!m.count) continue;
    double margin = m.max > m.min ? 0 : 0.5;
    h->low = m.min - margin;
    h->high = m.max + margin;
    for (double more = 0; !h->quick && more < 0x1p-30; more = more == 0 ? 0x1p-50 : 16 * more) {
      h->scale =
          s->spec.bins / (h->high - h->low) * (1 + more); /* products at edges must not fall below them */
      h->quick = !m.not_finite && is_quick(h, s->spec.bins);
    }
  }
}

/* Neighbours count in places of their own, since it takes long to count in the same place twice running. */
static void count_run(const histogram *h, uint32_t bins, const float *values, uint32_t count) {
  histogram own = *h;
  uint64_t *counts[TURNS];
  uint32_t i = 0;
  for (uint32_t k = 0; k < TURNS; k++) counts[k] = h->counts + k * (bins + 1);
  for (; i + TURNS <= count; i += TURNS)
    for (uint32_t k = 0; k < TURNS; k++) counts[k][quick_bin(&own, values[i + k])]++;
  for (; i < count; i++) h->counts[quick_bin(h, values[i])]++;
}

static void count_bins(rt_statistics *s, const float *rows, uint64_t count) {
  rt_layout layout = s->spec.layout;
  uint32_t inner = layout.width / layout.channels, bins = s->spec.bins;
  for (uint64_t r = 0; r < count; r++)
    for (uint32_t c = 0; c < layout.channels; c++, rows += inner) {
      const histogram *h = &s->histograms[c];
      if (h->quick && inner >= TURNS) count_run(h, bins, rows, inner);
      else
        for (uint32_t j = 0; j < inner; j++)
          h->counts[h->quick ? quick_bin(h, rows[j]) : exact_bin(h, bins, rows[j])]++;
    }
}

static void sum_turns(rt_statistics *s) {
  uint32_t bins = s->spec.bins;
  for (uint32_t c = 0; c < s->spec.layout.channels; c++)
    for (uint32_t i = 0; i < bins; i++)
      for (uint32_t k = 1; k < TURNS; k++) {
        uint64_t *more = &s->histograms[c].counts[k * (bins + 1) + i];
        s->histograms[c].counts[i] += *more, *more = 0;
      }
  for (uint32_t c = 0; c < s->spec.layout.channels; c++)
    for (uint32_t k = 0; k < TURNS && s->histograms[c].quick; k++)
      s->histograms[c].counts[bins - 1] += s->histograms[c].counts[k * (bins + 1) + bins];
}

/* ---- all of it ---- */

static void add(rt_statistics *s, const float *rows, uint64_t count) {
  if (!s->pass) rt_moments_add(s->moments, rows, count);
  if (s->pass == 1 && s->spec.bins) count_bins(s, rows, count);
  rt_selection_add(s->selection, rows, count);
}

void rt_statistics_add(rt_statistics *s, const float *rows, uint64_t count) {
  if (!s->spec.magnitudes) {
    add(s, rows, count);
    return;
  }
  uint64_t width = s->spec.layout.width;
  for (uint64_t take; count; count -= take, rows += take * width) {
    take = count < s->magnitude_rows ? count : s->magnitude_rows;
    for (uint64_t i = 0; i < take * width; i++) s->magnitudes[i] = fabsf(rows[i]);
    add(s, s->magnitudes, take);
  }
}

bool rt_statistics_again(rt_statistics *s) {
  if (!s->pass && s->spec.bins) place_bins(s);
  if (s->pass == 1 && s->spec.bins) sum_turns(s);
  rt_selection_end_pass(s->selection);
  return ++s->pass < RT_SELECTION_PASSES;
}

rt_summary rt_statistics_get(const rt_statistics *s, uint32_t channel) {
  rt_moment m = rt_moments_get(s->moments, channel);
  double n = m.count ? (double)m.count : NAN;
  rt_summary r = {.count = m.count,
                  .not_finite = m.not_finite,
                  .min = m.count ? m.min : NAN,
                  .max = m.count ? m.max : NAN,
                  .mean = m.count ? m.mean : NAN,
                  .abs_mean = m.count ? m.abs : NAN,
                  .variance = m.squares / n,
                  .unbiased = m.count > 1 ? m.squares / (n - 1) : NAN,
                  .histogram_low = NAN,
                  .histogram_high = NAN};
  double reach = s->spec.sigma * sqrt(r.unbiased);
  r.sigma_low = r.mean - reach, r.sigma_high = r.mean + reach;
  rt_selection_get(s->selection, channel, &r.quantile_low, &r.quantile_high);
  if (s->spec.bins && m.count) {
    const histogram *h = &s->histograms[channel];
    r.histogram_low = h->low, r.histogram_high = h->high, r.histogram = h->counts;
  }
  return r;
}
