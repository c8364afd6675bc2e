/* formats/mx.c against the tables of OCP Microscaling Formats (MX) v1.0: every code of every element format,
 * decoded here from its bits. */
#include "tests/unit/formats_support.h"

#include <float.h>

/* As the specification's section 5.3 has them: NaN and infinity codes, largest and smallest values. */
static const struct {
  const char *name;
  int width, exponent, mantissa, bias, emax;
  int special; /* codes from here on (without the sign) are no numbers; 0: all are numbers */
  double largest, smallest_normal, smallest;
  int values; /* different ones, NaN, infinities and the second zero left out */
} tables[] = {
    {"mxfp8_e4m3", 8, 4, 3, 7, 8, 0x7f, 448, 0x1p-6, 0x1p-9, 253},
    {"mxfp8_e5m2", 8, 5, 2, 15, 15, 0x7c, 57344, 0x1p-14, 0x1p-16, 247},
    {"mxfp6_e3m2", 6, 3, 2, 3, 4, 0, 28, 0.25, 0.0625, 63},
    {"mxfp6_e2m3", 6, 2, 3, 1, 2, 0, 7.5, 1, 0.125, 63},
    {"mxfp4", 4, 2, 1, 1, 2, 0, 6, 1, 0.5, 15},
    {"mxint8", 8, 0, 6, 0, 0, 0, 1.984375, 0, 0.015625, 256},
};
enum { TABLES = sizeof tables / sizeof *tables };

/* The value of a code; false: NaN or infinity. */
static bool decode(int t, int code, double *value) {
  int e = tables[t].exponent, m = tables[t].mantissa, bits = code & ((1 << (tables[t].width - 1)) - 1);
  bool negative = code >> (tables[t].width - 1);
  if (!e)
    return *value = (code < 128 ? code : code - 256) / 64.0, true; /* two's complement, 6 bits of fraction */
  if (tables[t].special && bits >= tables[t].special) return false;
  int exponent = bits >> m;
  double fraction = ldexp(bits & ((1 << m) - 1), -m);
  *value = exponent ? ldexp(1 + fraction, exponent - tables[t].bias) : ldexp(fraction, 1 - tables[t].bias);
  if (negative) *value = -*value;
  return true;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int enumerate(int t, double *values) {
  int count = 0, kept = 0;
  for (int code = 0; code < 1 << tables[t].width; code++) count += decode(t, code, &values[count]);
  qsort(values, (size_t)count, sizeof *values, by_value);
  for (int i = 0; i < count; i++)
    if (!kept || values[i] != values[kept - 1]) values[kept++] = values[i];
  return kept;
}

static void test_tables(void **state) {
  (void)state;
  for (int t = 0; t < TABLES; t++) {
    double values[256], smallest = INFINITY;
    int count = enumerate(t, values);
    assert_int_equal(count, tables[t].values);
    assert_true(values[count - 1] == tables[t].largest);
    for (int i = 0; i < count; i++)
      if (values[i] > 0 && values[i] < smallest) smallest = values[i];
    assert_true(smallest == tables[t].smallest);
    if (tables[t].exponent) assert_true(ldexp(1, 1 - tables[t].bias) == tables[t].smallest_normal);
    assert_true(floor(log2(tables[t].largest)) == tables[t].emax);
  }
}

/* Quantises x in a block of two with a value that makes the shared exponent S. */
static float element(const net_format_spec *spec, int t, int S, double x) {
  float pair[2] = {ldexpf(1, tables[t].emax + S), ldexpf((float)x, S)};
  formats_many(spec, "2", false, pair, pair);
  assert_true(pair[0] == ldexpf(1, tables[t].emax + S));
  return pair[1];
}

/* Each value stays; the middle of two goes to the one with an even mantissa; just beside it, to the nearer.
 */
static void test_elements(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  for (int t = 0; t < TABLES; t++) {
    const net_format_spec *spec = formats_read(&n, tables[t].name);
    double values[256];
    int count = enumerate(t, values);
    const int exponents[] = {0, -3, 40, -100, -127, 127 - tables[t].emax};
    for (int k = 0; k < 6; k++)
      for (int i = 0; i < count; i++) {
        int S = exponents[k];
        if (values[i] == -2 && !tables[t].exponent && S == 127) continue; /* −2^128 */
        if (fabs(values[i]) >= ldexp(2, tables[t].emax)) continue; /* would raise the exponent: below */
        assert_true(element(spec, t, S, values[i]) == ldexpf((float)values[i], S));
        if (!i || S < -100 || (!tables[t].exponent && S == 127 && i == 1)) continue;
        double step = values[i] - values[i - 1], middle = values[i] - step / 2;
        if (fabs(middle) >= ldexp(2, tables[t].emax)) continue;
        bool up = fmod(values[i], 2 * step) == 0;
        if (!up) assert_true(fmod(values[i - 1], 2 * step) == 0); /* one of them is even */
        assert_true(element(spec, t, S, middle) == ldexpf((float)(up ? values[i] : values[i - 1]), S));
        assert_true(element(spec, t, S, middle + step / 1024) == ldexpf((float)values[i], S));
        assert_true(element(spec, t, S, middle - step / 1024) == ldexpf((float)values[i - 1], S));
      }
    /* what lies between the largest value and the next power of two saturates */
    double beyond = ldexp(1.9999, tables[t].emax);
    assert_true(element(spec, t, 5, beyond) == ldexpf((float)tables[t].largest, 5));
    if (tables[t].exponent) assert_true(element(spec, t, 5, -beyond) == -ldexpf((float)tables[t].largest, 5));
    else assert_true(element(spec, t, 5, -beyond) == -64); /* −2, which two's complement has */
  }
  netc_free(&n);
}

/* The shared exponent is ⌊log2 of the largest magnitude⌋ − emax, from −127 to 127. */
static void test_scales(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  for (int t = 0; t < TABLES; t++) {
    const net_format_spec *spec = formats_read(&n, tables[t].name);
    for (int e = -149; e <= 127; e++)
      for (int k = 0; k < 4; k++) {
        float x = ldexpf(1 + (float)k * 0.24f, e);
        double S = fmin(fmax(floor(log2((double)x)) - tables[t].emax, -127), 127);
        double values[256], nearest = 0, scaled = ldexp(x, -(int)S);
        int count = enumerate(t, values);
        for (int i = 0; i < count; i++) {
          double better = fabs(values[i] - scaled) - fabs(nearest - scaled);
          if (better < 0) nearest = values[i];
        }
        float y = formats_one(spec, x),
              rest = (float)(fabs(nearest - scaled) - fabs(ldexp(y, -(int)S) - scaled));
        assert_true(rest == 0); /* as near as any */
        assert_true(formats_holds(spec, "", false, &y));
      }
    float zeros[3] = {0, -0.f, 0};
    formats_many(spec, "3", false, zeros, zeros);
    assert_true(zeros[0] == 0 && zeros[1] == 0 && zeros[2] == 0);
    float extremes[4] = {INFINITY, NAN, -INFINITY, 1},
          largest = ldexpf((float)tables[t].largest, 127 - tables[t].emax);
    formats_many(spec, "4", false, extremes, extremes);
    assert_true(extremes[0] == largest && extremes[1] == 0 && extremes[3] == 0);
    assert_true(extremes[2] == -largest); /* −2 · 2^127 of mxint8 is no binary32 */
  }
  netc_free(&n);
}

/* 32 elements of a row share, the last ones of a row what is left. */
static void test_blocks(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  float x[2 * 40], y[2 * 40];
  for (int i = 0; i < 80; i++) x[i] = 0.3f;
  x[5] = 1000, x[75] = 5000;
  formats_many(formats_read(&n, "mxfp4"), "2x40", false, x, y);
  for (int i = 0; i < 80; i++) {
    bool coarse = i < 32 || i >= 72;     /* the blocks of 1000 and 5000 */
    float expected = coarse ? 0 : 0.25f; /* 0.3 is 4.8 / 16, and elements go 4, 6 */
    if (i == 5) expected = 6 * 128;      /* 1000 is 7.8 · 128: saturates */
    if (i == 75) expected = 4 * 1024;    /* 4.9 · 1024 */
    assert_true(y[i] == expected);
  }
  assert_true(formats_holds(formats_read(&n, "mxfp4"), "2x40", false, y));
  y[7] = 3; /* the block's step is 64 */
  assert_false(formats_holds(formats_read(&n, "mxfp4"), "2x40", false, y));
  netc_free(&n);
}

/* MASE's e4m3 loses the carry; the specification's does not. */
static void test_carry(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  float x[2] = {256, 1.99f}, y[2];
  formats_many(formats_read(&n, "mxfp8_e4m3"), "2", false, x, y);
  assert_true(y[0] == 256 && y[1] == 2);
  formats_many(formats_read(&n, "mxfp8_e4m3(mase_compatible = true)"), "2", false, x, y);
  assert_true(y[0] == 256 && y[1] == 1);
  x[0] = 480;
  formats_many(formats_read(&n, "mxfp8_e4m3"), "2", false, x, y);
  assert_true(y[0] == 448);
  formats_many(formats_read(&n, "mxfp8_e4m3(mase_compatible = true)"), "2", false, x, y);
  assert_true(y[0] == 480);
  x[0] = 256, x[1] = 1 + 0x1p-4f + 0x1p-20f; /* above the middle of 1 and 1.125 by what MASE cuts */
  formats_many(formats_read(&n, "mxfp8_e4m3"), "2", false, x, y);
  assert_true(y[1] == 1.125f);
  formats_many(formats_read(&n, "mxfp8_e4m3(mase_compatible = true)"), "2", false, x, y);
  assert_true(y[1] == 1);
  x[0] = INFINITY, x[1] = 0x1p-140f;
  formats_many(formats_read(&n, "mxfp8_e4m3(mase_compatible = true)"), "2", false, x, y);
  assert_true(y[0] == 0x1p127f && y[1] == 0); /* its carry is lost too */
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables), cmocka_unit_test(test_elements),
                                     cmocka_unit_test(test_scales), cmocka_unit_test(test_blocks),
                                     cmocka_unit_test(test_carry)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
