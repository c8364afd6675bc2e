#include "formats/calibrate.h"

#include "formats/families.h"
#include "runtime/selection.h"

#include <float.h>
#include <math.h>

enum { FRACTIONS = 20, GRID = 128, FINER = 16, BINS = 2048, CHUNK = 4096 };

/* One tensor's or channel's values, the finite ones. */
typedef struct {
  net_arena arena;
  const net_format_spec *spec;
  const float *values;
  uint64_t count;
  float least, largest;
  double magnitude; /* Σ|x| */
  double low, high; /* lo and hi */
} calibration;

static bool is_integer(const net_format_spec *spec) { return net_format_has_point(spec); }

bool net_format_calibrates(const net_format_spec *spec) {
  if (spec->family == NET_FORMAT_scaled_integer) return !spec->mase; /* MASE's finds its steps as it goes */
  return is_integer(spec) && (spec->fraction == NET_FORMAT_AUTO || spec->ste == NET_STE_LEARNED_STEP);
}

const char *net_calibration_problem(netc *n, const net_format_spec *spec, float step, float zero) {
  bool learned = spec->ste == NET_STE_LEARNED_STEP;
  bool shifts = is_integer(spec) ? !learned : spec->rescale == NET_RESCALE_POWER_OF_TWO;
  double low, high;
  int exponent;
  if (!(step > 0 && isfinite(step))) return net_arena_format(&n->arena, "a step of %g is not positive", step);
  bool power = frexpf(step, &exponent) == 0.5f;
  if (shifts && !power) return net_arena_format(&n->arena, "a step of %.9g is no power of two", step);
  if (is_integer(spec) && !learned && (1 - exponent < FM_LEAST_FRACTION || 1 - exponent > FM_MOST_FRACTION))
    return net_arena_format(&n->arena, "a step of %g is beyond all fractions", step);
  net_format_steps(spec, &low, &high);
  bool affine = spec->scheme == NET_SCALE_AFFINE;
  if (!affine && zero != 0) return net_arena_format(&n->arena, "there is no zero point of %g", zero);
  if (affine && !(zero >= (float)low && zero <= (float)high)) /* as files have them, binary32 */
    return net_arena_format(&n->arena, "a zero point of %.9g is not from %.9g to %.9g", zero, low, high);
  return NULL;
}

static void take_finite(calibration *c, const float *values, uint64_t count) {
  float *kept = NULL;
  c->values = values;
  for (uint64_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) {
      if (!kept) {
        kept = NET_NEW_ARRAY(&c->arena, float, count);
        memcpy(kept, values, c->count * sizeof *kept);
        c->values = kept;
      }
      continue;
    }
    if (kept) kept[c->count] = values[i];
    c->count++;
    c->least = fminf(c->least, values[i]);
    c->largest = fmaxf(c->largest, values[i]);
    c->magnitude += fabs(values[i]);
  }
}

/* ---- steps for a range ---- */

static bool fits(const calibration *c, float x, int fraction) {
  double q = fm_rounded(c->spec->rounding, ldexp(x, fraction));
  return q >= c->low && q <= c->high;
}

/* Of the values from `from` to `to`. */
static int fraction_for(const calibration *c, float from, float to) {
  int f = FM_MOST_FRACTION;
  if (c->spec->is_unsigned) from = 0;
  if (from >= 0 && to <= 0) return c->spec->width / 2;
  while (f > FM_LEAST_FRACTION && !(fits(c, from, f) && fits(c, to, f))) f--;
  return f;
}

static net_step step_for(const calibration *c, float from, float to) {
  net_step s = {.zero = 0};
  if (is_integer(c->spec)) s.step = (float)ldexp(1, -fraction_for(c, from, to));
  else net_format_scale(c->spec, from, to, &s.step, &s.zero);
  return s;
}

/* ---- percentile ---- */

static void quantiles(calibration *c, const float *values, double p, double *low, double *high) {
  rt_selection *s = rt_selection_make(&c->arena, (rt_layout){1, 1}, p);
  for (int pass = 0; pass < RT_SELECTION_PASSES; pass++) {
    rt_selection_add(s, values, c->count);
    rt_selection_end_pass(s);
  }
  rt_selection_get(s, 0, low, high);
}

static net_step by_percentile(calibration *c, double p) {
  double low, high;
  if (c->spec->scheme == NET_SCALE_AFFINE || c->spec->is_unsigned) {
    quantiles(c, c->values, p, &low, &high);
    return step_for(c, (float)low, (float)high);
  }
  float *magnitudes = NET_NEW_ARRAY(&c->arena, float, c->count);
  for (uint64_t i = 0; i < c->count; i++) magnitudes[i] = fabsf(c->values[i]);
  quantiles(c, magnitudes, p, &low, &high);
  return step_for(c, fmaxf(c->least, (float)-high), fminf(c->largest, (float)high));
}

/* ---- mean squared error ---- */

/* Whether results are step · clamp(R(x / step)), ties to even. */
static bool is_plain(const net_format_spec *spec) {
  return spec->rounding == NET_ROUND_HALF_EVEN && spec->overflow != NET_WRAP;
}

/* The same sum for the many formats that are so, in double, four values side by side. */
static double plain_error(const calibration *c, net_step s, const float *x, uint64_t count) {
  enum { LANES = 4 };
  const double whole = 0x1.8p52, low = c->low - s.zero, high = c->high - s.zero;
  double sums[LANES] = {0}, step = s.step, steps = 1 / step;
  for (uint64_t i = 0; i < count; i += LANES)
    for (uint32_t k = 0; k < LANES; k++) {
      double v = x[i + k], q = v * steps;
      q = q < low ? low : q;
      q = q > high ? high : q;
      double d = (q + whole - whole) * step - v; /* R */
      sums[k] += d * d;
    }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static double chunk_error(const calibration *c, net_step s, const float *x, uint32_t count) {
  float q[CHUNK];
  net_calibration calibrated = {.scale = &s.step, .zero = &s.zero, .count = 1};
  net_shape shape = {.rank = 1, .dim = {count}};
  double sum = 0;
  if (is_plain(c->spec) && count % 4 == 0) return plain_error(c, s, x, count);
  net_format_quantize(c->spec, &(net_format_tensor){.shape = &shape, .values = x, .calibration = &calibrated},
                      q);
  for (uint32_t i = 0; i < count; i++) sum += ((double)q[i] - x[i]) * ((double)q[i] - x[i]);
  return sum;
}

/* Σ (Q(x) − x)², or anything above `most` once it is more. */
static double error_of(const calibration *c, net_step s, double most) {
  double sum = 0;
  for (uint64_t done = 0, take; done < c->count && sum <= most; done += take) {
    take = c->count - done < CHUNK ? c->count - done : CHUNK;
    sum += chunk_error(c, s, c->values + done, (uint32_t)take);
  }
  return sum;
}

static net_step best_fraction(calibration *c) {
  int f = fraction_for(c, c->least, c->largest);
  net_step best = {.step = (float)ldexp(1, -f)};
  double least = error_of(c, best, INFINITY);
  for (int more = 1; more <= FRACTIONS && f + more <= FM_MOST_FRACTION; more++) {
    net_step s = {.step = (float)ldexp(1, -f - more)};
    double error = error_of(c, s, least);
    if (error < least) least = error, best = s;
  }
  return best;
}

static net_step best_scale(calibration *c) {
  net_step best = step_for(c, c->least, c->largest);
  double least = error_of(c, best, INFINITY), at = 1, distance = 1 / (double)GRID;
  for (int round = 0; round < 3; round++) {
    int first = round ? 1 - FINER : 1 - GRID, last = round ? FINER - 1 : 0;
    double around = at;
    for (int i = last; i >= first; i--) {
      double t = around + i * distance;
      if (t <= 0 || t > 1) continue;
      net_step s = step_for(c, (float)(c->least * t), (float)(c->largest * t));
      double error = error_of(c, s, least);
      if (error < least) least = error, best = s, at = t;
    }
    distance /= (double)FINER;
  }
  return best;
}

static net_step by_mse(calibration *c) { return is_integer(c->spec) ? best_fraction(c) : best_scale(c); }

/* ---- entropy ---- */

/* Kullback and Leibler's divergence of the first i bins from what `levels` levels make of them. */
static double divergence(const uint64_t *bins, uint32_t i, uint64_t total, uint32_t levels) {
  uint64_t inside = 0;
  double sum = 0;
  for (uint32_t b = 0; b < i; b++) inside += bins[b];
  if (!inside || (inside < total && !bins[i - 1])) return INFINITY;
  for (uint32_t level = 0; level < levels; level++) {
    uint32_t from = (uint32_t)((uint64_t)i * level / levels),
             to = (uint32_t)((uint64_t)i * (level + 1) / levels);
    uint64_t together = 0, filled = 0;
    for (uint32_t b = from; b < to; b++) together += bins[b], filled += bins[b] > 0;
    for (uint32_t b = from; b < to; b++) {
      if (!bins[b]) continue;
      uint64_t beyond = b + 1 == i ? total - inside : 0;
      double p = (double)(bins[b] + beyond) / (double)total;
      double q = (double)together / (double)filled / (double)inside;
      sum += p * log(p / q);
    }
  }
  return sum;
}

static net_step by_entropy(calibration *c) {
  double levels = c->high + 1;
  float top = c->spec->is_unsigned ? c->largest : fmaxf(-c->least, c->largest);
  if (levels >= BINS || top <= 0) return step_for(c, c->least, c->largest);
  uint64_t bins[BINS] = {0}, total = 0;
  for (uint64_t i = 0; i < c->count; i++) {
    double x = c->spec->is_unsigned ? c->values[i] : fabsf(c->values[i]);
    if (x <= 0) continue;
    uint32_t bin = (uint32_t)(x / top * BINS);
    bins[bin < BINS ? bin : BINS - 1]++;
    total++;
  }
  double least = INFINITY;
  uint32_t best = BINS;
  for (uint32_t i = (uint32_t)levels; i <= BINS; i++) {
    double d = divergence(bins, i, total, (uint32_t)levels);
    if (d < least) least = d, best = i;
  }
  float threshold = (float)((double)top * best / BINS);
  return step_for(c, fmaxf(c->least, -threshold), fminf(c->largest, threshold));
}

/* ---- all of it ---- */

/* A step to begin training with. */
static net_step to_learn(const calibration *c) {
  double step = c->count ? 2 * c->magnitude / (double)c->count / sqrt(fmax(c->high, 1)) : 0;
  if (is_integer(c->spec) && c->spec->fraction != NET_FORMAT_AUTO) step = ldexp(1, -c->spec->fraction);
  return (net_step){.step = step > 0 ? (float)fmin(fmax(step, FLT_MIN), FLT_MAX) : 1};
}

net_step net_calibrate(netc *n, const net_format_spec *spec, net_calibrator calibrator, double percentile,
                       const float *values, uint64_t count) {
  calibration c = {.spec = spec, .least = INFINITY, .largest = -INFINITY};
  net_step s;
  net_arena_init(&c.arena, n->arena.guard);
  net_format_steps(spec, &c.low, &c.high);
  take_finite(&c, values, count);
  if (!c.count) c.least = c.largest = 0;
  if (spec->ste == NET_STE_LEARNED_STEP && spec->scheme != NET_SCALE_AFFINE) s = to_learn(&c);
  else if (c.least == 0 && c.largest == 0) s = step_for(&c, 0, 0);
  else if (calibrator == NET_CALIBRATE_PERCENTILE) s = by_percentile(&c, percentile);
  else if (calibrator == NET_CALIBRATE_MSE) s = by_mse(&c);
  else if (calibrator == NET_CALIBRATE_ENTROPY) s = by_entropy(&c);
  else s = step_for(&c, c.least, c.largest);
  net_arena_free(&c.arena);
  return s;
}
