#include "runtime/random.h"

#include <Random123/philox.h>
#include <math.h>
#include <string.h>

void rt_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  philox4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
  philox4x32_key_t k = {{key[0], key[1]}};
  c = philox4x32_R(10, c, k);
  memcpy(out, c.v, sizeof c.v);
}

/* Counter words: block within the stream, the stream's counter (low, high), purpose. */
void rt_random_start(rt_random *r, uint64_t seed, rt_purpose purpose, uint64_t counter) {
  r->key[0] = (uint32_t)seed;
  r->key[1] = (uint32_t)(seed >> 32);
  r->counter[0] = 0;
  r->counter[1] = (uint32_t)counter;
  r->counter[2] = (uint32_t)(counter >> 32);
  r->counter[3] = (uint32_t)purpose;
  r->next = RT_RANDOM_WORDS;
  r->has_spare = 0;
}

/* Ten rounds of rt_philox on all blocks side by side: lanes that the compiler puts into vectors, as shuffling
 * large data before each epoch is a matter of drawing fast. */
void rt_random_refill(rt_random *r) {
  enum { BLOCKS = RT_RANDOM_WORDS / 4 };
  uint32_t a[BLOCKS], b[BLOCKS], c[BLOCKS], d[BLOCKS], key[2] = {r->key[0], r->key[1]};
  for (uint32_t i = 0; i < BLOCKS; i++) {
    a[i] = r->counter[0]++;
    b[i] = r->counter[1];
    c[i] = r->counter[2];
    d[i] = r->counter[3];
  }
  for (int round = 0; round < 10; round++) {
#pragma omp simd
    for (uint32_t i = 0; i < BLOCKS; i++) {
      uint64_t p = (uint64_t)a[i] * PHILOX_M4x32_0, q = (uint64_t)c[i] * PHILOX_M4x32_1;
      a[i] = (uint32_t)(q >> 32) ^ b[i] ^ key[0];
      b[i] = (uint32_t)q;
      c[i] = (uint32_t)(p >> 32) ^ d[i] ^ key[1];
      d[i] = (uint32_t)p;
    }
    key[0] += PHILOX_W32_0;
    key[1] += PHILOX_W32_1;
  }
  for (uint32_t i = 0; i < BLOCKS; i++) memcpy(r->words + 4 * i, (uint32_t[4]){a[i], b[i], c[i], d[i]}, 16);
  r->next = 0;
}

void rt_random_key(uint64_t seed, rt_purpose purpose, uint32_t key[2]) {
  uint32_t counter[4] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, (uint32_t)purpose}, out[4];
  rt_philox(counter, (uint32_t[2]){(uint32_t)seed, (uint32_t)(seed >> 32)}, out);
  key[0] = out[0];
  key[1] = out[1];
}

double rt_random_double(rt_random *r) {
  uint64_t high = rt_random_u32(r), low = rt_random_u32(r);
  return (double)((high << 32 | low) >> 11) * 0x1p-53;
}

float rt_random_float(rt_random *r) { return (float)(rt_random_u32(r) >> 8) * 0x1p-24f; }

/* Lemire, Fast random integer generation in an interval, 2019. */
static inline uint32_t below(rt_random *r, uint32_t n) {
  uint64_t product = (uint64_t)rt_random_u32(r) * n;
  if ((uint32_t)product < n)
    for (uint32_t least = -n % n; (uint32_t)product < least;) product = (uint64_t)rt_random_u32(r) * n;
  return (uint32_t)(product >> 32);
}

uint32_t rt_random_below(rt_random *r, uint32_t n) { return below(r, n); }

void rt_random_shuffle(rt_random *r, uint32_t *index, uint32_t count) {
  for (uint32_t left = count; left > 1; left--) {
    uint32_t at = below(r, left), moved = index[at];
    index[at] = index[left - 1];
    index[left - 1] = moved;
  }
}

/* ln x for 0 < x ≤ 1, normal: x = 2^e·m with m in [√½, √2), ln m = 2 artanh s with s = (m − 1)/(m + 1), a
 * series in s² ≤ 0.0295 whose first term left out is below 2^-57. Not rounded correctly, but the same on
 * every machine; so are sine and cosine below (the build forbids contracting a·b + c). */
static double logarithm(double x) {
  int exponent;
  double m = frexp(x, &exponent);
  if (m < 0.70710678118654752) m *= 2, exponent--;
  double s = (m - 1) / (m + 1), z = s * s, sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * z + 1.0 / k;
  return 2 * s * sum + exponent * 0.69314718055994531;
}

/* cos and sin of 2π·turn for 0 ≤ turn < 1: Taylor's series within an eighth of a turn of a quarter. */
static void cosine_sine(double turn, double *cosine, double *sine) {
  static const double c[] = {1,
                             -1.0 / 2,
                             1.0 / 24,
                             -1.0 / 720,
                             1.0 / 40320,
                             -1.0 / 3628800,
                             1.0 / 479001600,
                             -1.0 / 87178291200,
                             1.0 / 20922789888000};
  static const double s[] = {1,
                             -1.0 / 6,
                             1.0 / 120,
                             -1.0 / 5040,
                             1.0 / 362880,
                             -1.0 / 39916800,
                             1.0 / 6227020800,
                             -1.0 / 1307674368000,
                             1.0 / 355687428096000};
  int quarter = (int)(turn * 4 + 0.5);
  double a = (turn * 4 - quarter) * 1.57079632679489662, z = a * a, x = 0, y = 0;
  for (int k = 8; k >= 0; k--) x = x * z + c[k], y = y * z + s[k];
  y *= a;
  const double turned[4][2] = {{x, y}, {-y, x}, {-x, -y}, {y, -x}};
  *cosine = turned[quarter & 3][0];
  *sine = turned[quarter & 3][1];
}

double rt_random_normal(rt_random *r) {
  if (r->has_spare) return r->has_spare = 0, r->spare;
  double radius = sqrt(-2 * logarithm(1 - rt_random_double(r))), cosine, sine; /* 1 − u lies in (0, 1] */
  cosine_sine(rt_random_double(r), &cosine, &sine);
  r->spare = radius * sine;
  r->has_spare = 1;
  return radius * cosine;
}
