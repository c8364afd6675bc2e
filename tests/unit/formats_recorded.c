/* formats/ against what MASE gives (tests/formats), bit for bit with mase_compatible = true. */
#include "tests/unit/formats_support.h"

#include "support/file.h"

#include <jansson.h>

/* ---- reading ---- */

static char *next_field(char **line) {
  char *begin = *line, *tab = begin + strcspn(begin, "\t\n");
  *line = *tab ? tab + 1 : tab;
  *tab = 0;
  return begin;
}

static uint32_t read_floats(netc *n, const char *text, float **values) {
  NET_VEC(float) list = {0};
  for (char *end; *text; text = end + (*end == ' ')) {
    uint32_t bits = (uint32_t)strtoul(text, &end, 16);
    assert_true(end == text + 8);
    net_vec_push(&n->arena, &list, formats_bits(bits));
  }
  *values = list.at;
  return list.count;
}

static long long integer(const json_t *object, const char *key) {
  json_t *value = json_object_get(object, key);
  assert_true(json_is_integer(value));
  return json_integer_value(value);
}

static const char *flag(const json_t *object, const char *key) {
  assert_true(json_is_boolean(json_object_get(object, key)));
  return json_is_true(json_object_get(object, key)) ? "true" : "false";
}

static const char *list_text(netc *n, const json_t *list) {
  const char *text = "[";
  for (size_t i = 0; i < json_array_size(list); i++)
    text = net_arena_format(&n->arena, "%s%s%lld", text, i ? ", " : "",
                            (long long)json_integer_value(json_array_get(list, i)));
  return net_arena_format(&n->arena, "%s]", text);
}

/* ", bias = 7", or nothing for null */
static const char *bias(netc *n, const json_t *p) {
  json_t *value = json_object_get(p, "exponent_bias");
  if (json_is_null(value)) return "";
  return net_arena_format(&n->arena, ", bias = %lld", integer(p, "exponent_bias"));
}

#define TEXT(...) net_arena_format(&n->arena, __VA_ARGS__)

/* A block of `size` along dimension 0 or the last one. */
static const char *along(netc *n, const json_t *p) {
  long long size = integer(p, "block_size");
  if (integer(p, "block_dim") == -1) return TEXT("%lld", size);
  assert_int_equal(integer(p, "block_dim"), 0);
  return TEXT("[%lld, 1]", size);
}

/* The row's format as it is written in a program; NULL: none. */
static const char *format_text(netc *n, const char *name, const json_t *p) {
  if (!strcmp(name, "integer"))
    return TEXT("integer(%lld, %lld, unsigned = %s", integer(p, "width"), integer(p, "frac_width"),
                json_is_true(json_object_get(p, "is_signed")) ? "false" : "true");
  if (!strcmp(name, "integer_floor"))
    return TEXT("integer(%lld, %lld, rounding = floor", integer(p, "width"), integer(p, "frac_width"));
  if (!strncmp(name, "integer_for_hw", 14))
    return TEXT("integer(%lld, %lld", integer(p, "width"), integer(p, "frac_width"));
  if (!strncmp(name, "minifloat", 9))
    return TEXT("%s(%lld, %lld%s", !strcmp(name, "minifloat_denorm") ? name : "minifloat",
                integer(p, "width"), integer(p, "exponent_width"), bias(n, p));
  if (!strcmp(name, "log")) return TEXT("log(%lld%s", integer(p, "width"), bias(n, p));
  if (!strcmp(name, "binary")) return TEXT("binary(%s, %s", flag(p, "bipolar"), flag(p, "stochastic"));
  if (!strcmp(name, "ternary")) return TEXT("ternary(%s", flag(p, "scaling_factor"));
  if (!strcmp(name, "block_fp"))
    return TEXT("block_fp(%lld, %lld%s, block = %s", integer(p, "width"), integer(p, "exponent_width"),
                bias(n, p), list_text(n, json_object_get(p, "block_size")));
  if (!strcmp(name, "block_minifloat"))
    return TEXT("block_minifloat(%lld, %lld, %lld, %s", integer(p, "width"), integer(p, "exponent_width"),
                integer(p, "exponent_bias_width"), list_text(n, json_object_get(p, "block_size")));
  if (!strcmp(name, "block_log"))
    return TEXT("block_log(%lld, %lld, %s", integer(p, "width"), integer(p, "exponent_bias_width"),
                list_text(n, json_object_get(p, "block_size")));
  if (!strncmp(name, "scale_integer", 13)) return TEXT("scaled_integer(%lld", integer(p, "width"));
  if (!strcmp(name, "mxint"))
    return TEXT("mxint(%lld, block = %s, scale_bits = %lld", integer(p, "element_bits"), along(n, p),
                integer(p, "scale_bits"));
  if (!strcmp(name, "mxfp")) {
    long long e = integer(p, "element_exp_bits"), m = integer(p, "element_frac_bits");
    if (e == 2 && m == 1) return TEXT("mxfp4(%s", along(n, p));
    return TEXT("mxfp%lld_e%lldm%lld(%s", 1 + e + m, e, m, along(n, p));
  }
  return NULL;
}

/* ---- comparing ---- */

/* What does not agree, and why. */
static const struct {
  const char *format, *reason;
  float input; /* 0: all of the row */
  bool skipped;
} exceptions[] = {
    {"residual_sign", "a sum of several signs is a layer's affair, not a format", 0, true},
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
  uint32_t w = (uint32_t)integer(p, "width"), e = (uint32_t)integer(p, "exponent_width");
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

static char *load(netc *n, const char *name) {
  const char *path = net_arena_format(&n->arena, "%s/tests/formats/%s", NETC_TEST_SOURCE, name);
  const char *text;
  size_t length;
  assert_true(net_file_read(n, NET_NOWHERE, path, &text, &length));
  return net_arena_copy(&n->arena, text, length); /* to cut up */
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
  for (char *line = load(&n, file); *line;) {
    char *end = line + strcspn(line, "\n"), *rest = line;
    line = *end ? end + 1 : end;
    *end = 0;
    const char *row = next_field(&rest), *name = next_field(&rest);
    if (row[0] == '@') {
      assert_true(set_count < 8);
      input_set *set = &sets[set_count++];
      *set = (input_set){.name = row + 1, .shape = {.rank = 1, .dim = {(uint32_t)strtoul(name, NULL, 10)}}};
      assert_int_equal(read_floats(&n, next_field(&rest), &set->values), set->shape.dim[0]);
      continue;
    }
    json_t *p = json_loads(next_field(&rest), 0, NULL);
    const char *place = next_field(&rest), *fourth = next_field(&rest), *results = next_field(&rest);
    input_set x = {.name = place};
    for (uint32_t i = 0; i < set_count; i++)
      if (!strcmp(sets[i].name, place)) x = sets[i];
    if (!set_count) x.shape = formats_shape(place), read_floats(&n, fourth, &x.values);
    assert_non_null(x.values);
    const char *text = format_text(&n, name, p);
    t->rows++;
    float *expected = NULL;
    bool raised = !strncmp(results, "ERROR", 5);
    const net_format_spec *spec = NULL;
    if (text) spec = formats_read(&n, net_arena_format(&n.arena, "%s, mase_compatible = true)", text));
    else if (!is_exception(name, 0, true)) fail_msg("case %s: %s is not known", row, name);
    if (!raised) read_floats(&n, results, &expected);
    t->skipped += !text || raised;
    if (!text && !strcmp(name, "mxint_hardware")) check_hardware(p, &x.shape, x.values, expected);
    if (raised) check_error(name, spec, &x.shape, x.values);
    if (text && !raised) {
      bool batched = json_is_true(json_object_get(p, "skip_first_dim"));
      net_format_tensor tensor = {.shape = &x.shape, .batched = batched, .values = x.values};
      assert_int_equal(read_floats(&n, results, &expected), net_shape_elements(&x.shape));
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
  assert_true(t.rows == 45 && t.skipped == 1 && t.values == 36864);
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_elementwise), cmocka_unit_test(test_block),
                                     cmocka_unit_test(test_later)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
