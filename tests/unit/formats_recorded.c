/* formats/ against what MASE gives (tests/formats), bit for bit with mase_compatible = true. Run with files
 * of that form as arguments it compares those, and says how many values differ in which way. */
#include "tests/unit/formats_support.h"
#include "tests/unit/recorded.h"

#include <stdio.h>

/* ---- comparing ---- */

/* What does not agree, and why. */
static const struct {
  const char *format, *reason;
  float input; /* 0: all of the row */
  bool skipped;
} exceptions[] = {
    {"mxint_hardware", "cuts, and its scale is far too small: see check_hardware; use mxint", 0, true},
    {"minifloat_ieee", "MASE is one unit in the last place off", 3.0000000055e38f, false},
};

typedef struct {
  uint32_t rows, values, excepted, skipped, close;
} tally;

static bool is_exception(const char *format, float input, bool row) {
  for (uint32_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
    if (!strncmp(exceptions[i].format, format, strlen(exceptions[i].format)) &&
        exceptions[i].skipped == row && (row || fabsf(input) == exceptions[i].input))
      return true;
  return false;
}

/* The means of these come in MASE's order of summation. */
static bool is_close(const char *format, float got, float expected) {
  bool mean = !strcmp(format, "binary") || !strcmp(format, "ternary");
  return mean && fabsf(got - expected) <= 2e-6f * fabsf(expected);
}

static void compare(const char *row, const char *format, const net_format_spec *spec,
                    const net_format_tensor *x, const float *expected, tally *t) {
  uint64_t count = net_shape_elements(x->shape);
  float *got = malloc(sizeof *got * (count + 1));
  net_format_quantize(spec, x, got);
  assert_true(net_format_on_grid(
      spec, &(net_format_tensor){.shape = x->shape, .batched = x->batched, .values = got}));
  for (uint64_t i = 0; i < count; i++) {
    float y = got[i];
    if (!strncmp(format, "integer_for_hw", 14)) { /* the code in two's complement */
      y = ldexpf(y, spec->fraction);
      if (y < 0) y += ldexpf(1, spec->width);
    }
    t->values++;
    if (y == expected[i]) continue;
    if (isnan(expected[i])) { /* MASE's exponent is 128: its scale overflows */
      assert_true(fabsf(x->values[i]) > 0x1p127f && isfinite(y));
      t->excepted++;
      continue;
    }
    if (is_exception(format, x->values[i], false)) t->excepted++;
    else if (is_close(format, y, expected[i])) t->close++;
    else
      fail_msg("case %s, %s: element %u, %a gives %a, not %a", row, format, (unsigned)i, (double)x->values[i],
               (double)y, (double)expected[i]);
  }
  free(got);
}

/* What mxint_hardware does: E = ⌊log2 blockmax⌋ less 2^(e−1) − w, mantissas cut towards −∞. Not a format of
 * netc: with an exponent of 8 bits and a width of 8 every value becomes ±2^−120 of the largest. */
static void check_hardware(const json_t *p, const net_shape *shape, const float *x, const float *expected) {
  uint32_t w = (uint32_t)recorded_integer(p, "width"), e = (uint32_t)recorded_integer(p, "exponent_width");
  const json_t *size = json_object_get(p, "parallelism");
  uint32_t rows = (uint32_t)json_integer_value(json_array_get(size, 0));
  uint32_t columns = (uint32_t)json_integer_value(json_array_get(size, 1));
  for (uint32_t at = 0; at < shape->dim[0] * shape->dim[1]; at++) {
    uint32_t row = at / shape->dim[1] / rows * rows, column = at % shape->dim[1] / columns * columns;
    float maximum = 0;
    for (uint32_t i = row; i < row + rows; i++)
      for (uint32_t k = column; k < column + columns; k++)
        maximum = fmaxf(maximum, fabsf(x[i * shape->dim[1] + k]));
    int E = fm_floor_log2(maximum, false) - ((1 << (e - 1)) - (int)w), half = 1 << (w - 1);
    double q = fmin(fmax(floor(ldexp(x[at], (int)w - 1 - E)), -half), half - 1);
    assert_true(expected[at] == (float)ldexp(q, E + 1 - (int)w));
  }
}

/* MASE's ternary raises on matrices. Here it is the rule on any shape. */
static void check_error(const char *format, const net_format_spec *spec, const net_shape *shape,
                        const float *x) {
  assert_string_equal(format, "ternary");
  assert_int_equal(shape->rank, 2);
  float got[256];
  uint32_t rows = shape->dim[0], columns = shape->dim[1], zeros = 0;
  assert_true(rows * columns <= 256 && !spec->scaled);
  net_format_quantize(spec, &(net_format_tensor){.shape = shape, .values = x}, got);
  for (uint32_t i = 0; i < rows; i++) {
    double mean = 0;
    for (uint32_t k = 0; k < columns; k++) mean += fabs((double)x[i * columns + k]) / columns;
    for (uint32_t k = 0; k < columns; k++) {
      double v = x[i * columns + k];
      float y = v > 0.75 * mean ? 1 : v < -0.75 * mean ? -1 : 0;
      assert_true(got[i * columns + k] == y);
      zeros += y == 0;
    }
  }
  assert_true(zeros && zeros < rows * columns);
}

typedef struct {
  const char *name;
  net_shape shape;
  float *values;
} input_set;

static void run(const char *file, tally *t) {
  netc n;
  formats_begin(&n);
  input_set sets[8];
  uint32_t set_count = 0;
  char *left = recorded_load(&n, file);
  for (char *rest; (rest = recorded_line(&left));) {
    const char *row = recorded_field(&rest), *name = recorded_field(&rest);
    if (row[0] == '@') {
      assert_true(set_count < 8);
      input_set *set = &sets[set_count++];
      *set = (input_set){.name = row + 1, .shape = {.rank = 1, .dim = {(uint32_t)strtoul(name, NULL, 10)}}};
      assert_int_equal(recorded_floats(&n, recorded_field(&rest), &set->values), set->shape.dim[0]);
      continue;
    }
    json_t *p = json_loads(recorded_field(&rest), 0, NULL);
    const char *place = recorded_field(&rest), *fourth = recorded_field(&rest),
               *results = recorded_field(&rest);
    input_set x = {.name = place};
    for (uint32_t i = 0; i < set_count; i++)
      if (!strcmp(sets[i].name, place)) x = sets[i];
    if (!set_count) x.shape = formats_shape(place), recorded_floats(&n, fourth, &x.values);
    assert_non_null(x.values);
    const char *text = recorded_format(&n, name, p);
    t->rows++;
    float *expected = NULL;
    bool raised = !strncmp(results, "ERROR", 5);
    const net_format_spec *spec = NULL;
    if (text) spec = formats_read(&n, net_arena_format(&n.arena, "%s, mase_compatible = true)", text));
    else if (!is_exception(name, 0, true)) fail_msg("case %s: %s is not known", row, name);
    if (!raised) recorded_floats(&n, results, &expected);
    t->skipped += !text || raised;
    if (!text && !strcmp(name, "mxint_hardware")) check_hardware(p, &x.shape, x.values, expected);
    if (raised) check_error(name, spec, &x.shape, x.values);
    if (text && !raised) {
      bool batched = json_is_true(json_object_get(p, "skip_first_dim"));
      net_format_tensor tensor = {.shape = &x.shape, .batched = batched, .values = x.values};
      uint64_t size = net_shape_elements(&x.shape), levels = recorded_floats(&n, results, &expected) / size;
      for (uint64_t i = size; i < levels * size; i++)
        expected[i % size] += expected[i]; /* of a residual sign */
      assert_int_equal(levels, strncmp(name, "residual_sign", 13) ? 1 : recorded_integer(p, "levels"));
      compare(row, name, spec, &tensor, expected, t);
    }
    json_decref(p);
  }
  netc_free(&n);
}

/* Every exception is counted, so that none creeps in. */
static void test_elementwise(void **state) {
  (void)state;
  tally t = {0};
  run("elementwise.tsv", &t);
  assert_true(t.rows == 45 && t.skipped == 0 && t.values == 37701);
  assert_true(t.excepted == 4 && t.close == 0); /* 2 of 1 ulp; 2 NaN */
}

static void test_block(void **state) {
  (void)state;
  tally t = {0};
  run("block.tsv", &t);
  assert_true(t.rows == 126 && t.skipped == 1 && t.values == 16308);
  assert_true(t.excepted == 0 && t.close == 97);
}

static void test_later(void **state) {
  (void)state;
  tally t = {0};
  run("later.tsv", &t);
  assert_true(t.rows == 22 && t.skipped == 3 && t.values == 3824);
  assert_true(t.excepted == 0 && t.close == 0);
}

/* A file given by its name. */
static void test_file(void **state) {
  tally t = {0};
  run(*state, &t);
  printf("%s: %u rows, %u left out; %u values, of which %u are exceptions and %u agree but for summation\n",
         (const char *)*state, t.rows, t.skipped, t.values, t.excepted, t.close);
}

int main(int count, char **arguments) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_elementwise), cmocka_unit_test(test_block),
                                     cmocka_unit_test(test_later)};
  return recorded_main(count, arguments, tests, sizeof tests / sizeof *tests, test_file);
}
