/* Normalisation: fitted on the train split alone, step by step, and the same wherever it is applied. */
#include "data_support.h"

#include <math.h>

static void chain(fixture *f, int which, const char *column, int count, ...) {
  va_list kinds;
  va_start(kinds, count);
  f->chains[which].column = column;
  f->chains[which].step_count = (uint32_t)count;
  for (int i = 0; i < count; i++) f->chains[which].steps[i].kind = (rt_normalizer)va_arg(kinds, int);
  va_end(kinds);
  if (f->spec.normalize_count < (uint32_t)which + 1) f->spec.normalize_count = (uint32_t)which + 1;
}

static void set_rows(fixture *f, hsize_t rows, hsize_t width, const float *x) {
  int labels[64] = {0};
  unlink(path_of(f, "t.h5"));
  write_floats(f, "t.h5", "x", rows, width, x);
  write_labels(f, "t.h5", "y", rows, labels);
  set_source(f, "hdf5", "t.h5");
  f->inputs[0].shape.dim[0] = (uint32_t)width;
}

/* numpy 2.4: ((x − x.mean(0)) / x.std(0)), of binary32 data in float64 */
static void test_standard(void **state) {
  fixture *f = *state;
  const float x[] = {0.1f, 1000.5f, -3,   0.25f, 1001.25f, 7,   -1.5f, 999.75f,
                     2.5f, 3.75f,   1003, 0,     0.5f,     998, 11};
  const double expected[] = {-0.30313614777934317, 0.0,
                             -1.3052314094665607,  -0.21569302889581676,
                             0.454336899611537,    0.7028169127896865,
                             -1.2358627593381006,  -0.454336899611537,
                             -0.20080483222562473, 1.8246464319887512,
                             1.5144563320384568,   -0.7028169127896865,
                             -0.0699544959754905,  -1.5144563320384568,
                             1.5060362416921855};
  set_rows(f, 5, 3, x);
  chain(f, 0, NULL, 1, RT_STANDARD);
  must_load(f, TRAIN);
  for (int i = 0; i < 15; i++) assert_true(fabs((double)input(f, RT_TRAIN, 0)[i] - expected[i]) < 1e-6);
  assert_int_equal(f->data->normalization[0].step_count, 1);
  assert_int_equal(f->data->normalization[0].steps[0].kind, RT_STANDARD);
  assert_int_equal(f->data->normalization[0].width, 3);
}

/* A constant element: σ = 0 counts as 1, even where 0.1's sums are not exact; nearly none is not constant. */
static void test_standard_constant(void **state) {
  fixture *f = *state;
  float x[60 * 2];
  for (int i = 0; i < 60; i++) x[2 * i] = 0.1f, x[2 * i + 1] = i == 7 ? nextafterf(1e6f, 2e6f) : 1e6f;
  set_rows(f, 60, 2, x);
  chain(f, 0, NULL, 1, RT_STANDARD);
  must_load(f, TRAIN);
  assert_float_equal(f->data->normalization[0].steps[0].factor[0], 1, 0);
  for (int i = 0; i < 60; i++) assert_float_equal(input(f, RT_TRAIN, 0)[2 * i], 0, 0);
  double sigma = 0.0625 * sqrt(1.0 / 60 * 59 / 60);
  assert_true(fabs(f->data->normalization[0].steps[0].factor[1] * sigma - 1) < 1e-6);
}

/* A mean far from 0 and many rows: naive sums of squares would lose all digits. */
static void test_standard_stable(void **state) {
  fixture *f = *state;
  enum { ROWS = 50000 };
  float *x = malloc(ROWS * sizeof *x);
  int *y = calloc(ROWS, sizeof *y);
  long double mean = 0, square = 0;
  for (int i = 0; i < ROWS; i++) mean += x[i] = 1e7f + (float)(i * 7919 % 1000);
  mean /= ROWS;
  for (int i = 0; i < ROWS; i++) square += (x[i] - mean) * (x[i] - mean);
  write_floats(f, "t.h5", "x", ROWS, 0, x);
  write_labels(f, "t.h5", "y", ROWS, y);
  free(x), free(y);
  set_source(f, "hdf5", "t.h5");
  f->inputs[0].shape.dim[0] = 1;
  chain(f, 0, NULL, 1, RT_STANDARD);
  must_load(f, TRAIN);
  const rt_fitted_step *s = &f->data->normalization[0].steps[0];
  assert_true(s->factor[0] == (float)(1 / sqrtl(square / ROWS)));
  assert_true(s->offset[0] == (float)mean);
}

/* Statistics of the train rows alone, applied to all; the train split need not be wanted. */
static void test_fitted_on_train(void **state) {
  fixture *f = *state;
  const float x[] = {1, 3, 1e6f, -1e6f};
  set_rows(f, 4, 1, x);
  f->spec.fraction[RT_TRAIN] = f->spec.fraction[RT_TEST] = 0.5;
  chain(f, 0, NULL, 1, RT_STANDARD);
  for (int i = 0; i < 2; i++) {
    must_load(f, i ? TEST : TRAIN | TEST);
    assert_floats(input(f, RT_TEST, 0), 999998, -1000002);
    assert_int_equal(f->data->split[RT_TRAIN].rows, i ? 0 : 2);
  }
}

static void test_minmax(void **state) {
  fixture *f = *state;
  const float x[] = {-2, 5, 0.1f, 6, 5, 0.7f, 0, 5, 0.3f, 100, 6, 0.7f};
  set_rows(f, 4, 3, x);
  f->spec.fraction[RT_TRAIN] = 0.75, f->spec.fraction[RT_TEST] = 0.25;
  chain(f, 0, NULL, 1, RT_MINMAX);
  must_load(f, TRAIN | TEST);
  const float *y = input(f, RT_TRAIN, 0);
  assert_floats(y, 0, 0, 0, 1, 0);
  assert_float_equal(y[6], 0.25, 0);
  assert_true(y[5] <= 1 && y[5] > 0.9999999f);
  assert_floats(input(f, RT_TEST, 0), 12.75, 0); /* beyond the train rows' range; constant there */
}

/* Whatever the range, rounding never leads out of [0, 1]. */
static void test_minmax_stays_within(void **state) {
  fixture *f = *state;
  float x[2 * 64];
  uint32_t seed = 1;
  for (int i = 0; i < 128; i++) {
    seed = seed * 1664525 + 1013904223;
    x[i] = ldexpf((float)seed, (int)(seed % 40) - 40 - i % 64);
  }
  set_rows(f, 2, 64, x);
  chain(f, 0, NULL, 1, RT_MINMAX);
  must_load(f, TRAIN);
  for (int i = 0; i < 128; i++) assert_true(input(f, RT_TRAIN, 0)[i] <= 1 && input(f, RT_TRAIN, 0)[i] >= 0);
  for (int i = 0; i < 64; i++)
    assert_true(input(f, RT_TRAIN, 0)[i] + input(f, RT_TRAIN, 0)[64 + i] > 0.9999998f);
}

static void test_power_of_two(void **state) {
  fixture *f = *state;
  const float x[] = {4, 0.3f, 0, -1.5f, 1e-30f, -3, 0.1f, 0, 2, 1e-38f};
  set_rows(f, 2, 5, x);
  chain(f, 0, NULL, 1, RT_POWER_OF_TWO);
  must_load(f, TRAIN);
  assert_floats(input(f, RT_TRAIN, 0), 1, 0.6f, 0, -0.75, ldexpf(1e-30f, 99), -0.75, 0.2f, 0, 1);
}

static void test_scale_clip_log1p(void **state) {
  fixture *f = *state;
  const float x[] = {-0.5f, 3, 100, 0, -0.25f, 1e-10f};
  set_rows(f, 3, 2, x);
  chain(f, 0, NULL, 2, RT_SCALE, RT_CLIP);
  f->steps[0].a = 0.5;
  f->steps[1].a = -0.2, f->steps[1].b = 1;
  must_load(f, TRAIN);
  assert_floats(input(f, RT_TRAIN, 0), -0.2f, 1, 1, 0, -0.125, 0.5e-10f);
  chain(f, 0, NULL, 1, RT_LOG1P);
  must_load(f, TRAIN);
  for (int i = 0; i < 6; i++) assert_float_equal(input(f, RT_TRAIN, 0)[i], (float)log1p((double)x[i]), 0);
}

/* Chains: each step is fitted to what the step before gives. Per column, with one for the rest. */
static void test_chains(void **state) {
  fixture *f = *state;
  write_text(f, "t.csv", "pt,eta,phi,y\n0,1,10,0\n1.718281828459045,3,20,1\n6.38905609893065,5,40,2\n");
  f->input_names[0] = "eta", f->input_names[1] = "pt", f->input_names[2] = "phi";
  f->inputs[0].name_count = 3;
  f->inputs[0].shape.dim[0] = 3;
  f->targets[0].column.names[0] = "y";
  set_source(f, "csv", "t.csv");
  chain(f, 0, "pt", 2, RT_LOG1P, RT_MINMAX);
  chain(f, 1, "eta", 1, RT_STANDARD);
  must_load(f, TRAIN); /* phi has no chain: it stays */
  const float *y = input(f, RT_TRAIN, 0), edge = (float)sqrt(1.5);
  for (int r = 0; r < 3; r++) {
    assert_float_equal(y[3 * r], (float)(r - 1) * edge, 1e-6);
    assert_float_equal(y[3 * r + 1], (float)r / 2, 1e-6);
  }
  assert_floats(y + 2, 10);
  chain(f, 2, NULL, 1, RT_SCALE);
  f->steps[4].a = 0.1;
  must_load(f, TRAIN);
  y = input(f, RT_TRAIN, 0);
  assert_floats(y + 2, 1);
  assert_float_equal(y[8], 4, 1e-6);
  assert_float_equal(y[4], 0.5, 1e-6);
}

/* A stored normalisation is applied as it is, by load, by load_inputs, and by rt_normalize: the same bits. */
static void test_stored(void **state) {
  fixture *f = *state;
  const float x[] = {1, -0.5f, 3, 2, 8, 0.25f, 2, 2};
  set_rows(f, 4, 2, x);
  chain(f, 0, NULL, 2, RT_LOG1P, RT_STANDARD);
  f->spec.fraction[RT_TRAIN] = f->spec.fraction[RT_TEST] = 0.5;
  rt_data *first = rt_data_load(&f->n, &f->spec, TRAIN | TEST, NULL), *again;
  assert_non_null(first);
  f->spec.fraction[RT_TRAIN] = 0;
  f->spec.fraction[RT_TEST] = 1;
  again = rt_data_load(&f->n, &f->spec, TEST, first->normalization);
  assert_non_null(again);
  const float *train = first->split[RT_TRAIN].inputs[0].data, *all = again->split[RT_TEST].inputs[0].data;
  assert_memory_equal(all, train, 16);
  assert_memory_equal(all + 4, first->split[RT_TEST].inputs[0].data, 16);
  float raw[8];
  memcpy(raw, x, sizeof x);
  rt_normalize(first->normalization, raw, 4);
  assert_memory_equal(all, raw, sizeof raw);
  rt_split rows;
  assert_true(rt_data_load_inputs(&f->n, path_of(f, "t.h5"), &f->spec, first->normalization, &rows));
  assert_int_equal(rows.rows, 4);
  assert_memory_equal(rows.inputs[0].data, raw, sizeof raw);
  rt_split_free(&rows);
  first->normalization->width = 3;
  assert_null(rt_data_load(&f->n, &f->spec, TEST, first->normalization));
  assert_string_equal(message(f),
                      "data d: the stored normalisation is for 3 elements a sample, but the data have 2");
  rt_data_free(first);
  rt_data_free(again);
}

static void test_refused(void **state) {
  fixture *f = *state;
  const float x[] = {1, 2, 0, 3e38f, 5, 4, 8, -1};
  set_rows(f, 4, 2, x);
  f->spec.fraction[RT_TRAIN] = f->spec.fraction[RT_TEST] = 0.5;
  chain(f, 0, NULL, 1, RT_LOG1P);
  refuses(f, TRAIN | TEST,
          "t.h5: dataset 'x': row 3, element 1: log1p of -1 is not defined: numbers must be above -1");
  f->spec.shuffle = true; /* rows are named as they are stored */
  refuses(f, TRAIN | TEST,
          "t.h5: dataset 'x': row 3, element 1: log1p of -1 is not defined: numbers must be above -1");
  f->spec.shuffle = false;
  chain(f, 0, NULL, 2, RT_SCALE, RT_STANDARD);
  f->steps[0].a = 10;
  refuses(f, TRAIN, "t.h5: dataset 'x': row 1, element 1 is infinity after scale");
  f->chains[0].step_count = 1;
  refuses(f, TRAIN, "t.h5: dataset 'x': row 1, element 1 is infinity after scale");
  f->steps[0].a = 1e39;
  refuses(f, TRAIN, "scale: 1e+39 is not finite in 32 bits");
  chain(f, 0, NULL, 1, RT_CLIP);
  f->steps[0].a = 1, f->steps[0].b = -1;
  refuses(f, TRAIN, "clip(1, -1): the lower limit is above the upper one");
  f->steps[0].b = 1;
  f->chains[0].column = "features";
  refuses(f, TRAIN, "normalize: no input has a column 'features'");
  f->chains[0].column = "X";
  refuses(f, TRAIN, "normalize: no input has a column 'X' (did you mean 'x'?)");
}

int main(void) {
  const struct CMUnitTest tests[] = {DATA_TEST(test_standard),        DATA_TEST(test_standard_constant),
                                     DATA_TEST(test_standard_stable), DATA_TEST(test_fitted_on_train),
                                     DATA_TEST(test_minmax),          DATA_TEST(test_minmax_stays_within),
                                     DATA_TEST(test_power_of_two),    DATA_TEST(test_scale_clip_log1p),
                                     DATA_TEST(test_chains),          DATA_TEST(test_stored),
                                     DATA_TEST(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
