/* Data made from a seed: the same whatever is read of them, and such as a network can learn. */
#include "data_support.h"

#include <math.h>

/* The same whatever is read and however it is split; classes that can be told apart. */
static void test_synthetic(void **state) {
  fixture *f = *state;
  f->inputs[0].shape.dim[0] = 8;
  f->targets[0].column.shape = (net_shape){1, {3}}; /* of no matter for class numbers */
  f->spec.source = (rt_source_spec){.kind = "synthetic", .samples = 600, .classes = 3, .seed = 9};
  must_load(f, TRAIN);
  assert_int_equal(f->data->split[RT_TRAIN].rows, 600);
  static float x[600 * 8];
  static uint32_t y[600];
  memcpy(x, input(f, RT_TRAIN, 0), sizeof x);
  memcpy(y, classes(f, RT_TRAIN), sizeof y);
  f->spec.fraction[RT_TRAIN] = 0.5, f->spec.fraction[RT_TEST] = 0.5;
  must_load(f, TEST);
  assert_memory_equal(input(f, RT_TEST, 0), x + 300 * 8, sizeof x / 2);
  assert_memory_equal(classes(f, RT_TEST), y + 300, sizeof y / 2);

  double mean[3][8] = {{0}}, count[3] = {0}; /* the nearest class mean is right most of the time */
  for (int r = 0; r < 600; r++) {
    count[y[r]]++;
    for (int i = 0; i < 8; i++) mean[y[r]][i] += x[r * 8 + i];
  }
  int right = 0;
  for (int r = 0; r < 600; r++) {
    double best = INFINITY;
    uint32_t nearest = 0;
    for (uint32_t c = 0; c < 3; c++) {
      double d = 0;
      for (int i = 0; i < 8; i++) d += pow(x[r * 8 + i] - mean[c][i] / count[c], 2);
      if (d < best) best = d, nearest = c;
    }
    right += nearest == y[r];
  }
  assert_true(count[0] > 150 && count[1] > 150 && count[2] > 150);
  assert_true(right > 450 && right < 600);
  f->spec.source.seed = 10;
  must_load(f, TEST);
  assert_memory_not_equal(input(f, RT_TEST, 0), x + 300 * 8, sizeof x / 2);
}

/* Values are a linear map of the inputs but for noise of 0.1: what least squares leaves shows it. */
static void test_synthetic_values(void **state) {
  fixture *f = *state;
  f->targets[0] = (rt_target_spec){.kind = RT_TARGET_VALUES, .column = {.shape = {1, {1}}}};
  f->spec.source = (rt_source_spec){.kind = "synthetic", .samples = 2000, .seed = 9};
  must_load(f, TRAIN);
  const float *x = input(f, RT_TRAIN, 0), *y = f->data->split[RT_TRAIN].targets[0].data;
  assert_int_equal(f->data->split[RT_TRAIN].targets[0].type, NET_F32);
  double aa = 0, ab = 0, bb = 0, ay = 0, by = 0, left = 0;
  for (int r = 0; r < 2000; r++) {
    double a = x[2 * r], b = x[2 * r + 1];
    aa += a * a, ab += a * b, bb += b * b, ay += a * y[r], by += b * y[r];
  }
  double u = (ay * bb - by * ab) / (aa * bb - ab * ab), v = (by * aa - ay * ab) / (aa * bb - ab * ab);
  for (int r = 0; r < 2000; r++) left += pow(y[r] - u * x[2 * r] - v * x[2 * r + 1], 2);
  assert_true(fabs(u) + fabs(v) > 0.1);
  assert_true(fabs(sqrt(left / 2000) - 0.1) < 0.01);
}

int main(void) {
  const struct CMUnitTest tests[] = {DATA_TEST(test_synthetic), DATA_TEST(test_synthetic_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
