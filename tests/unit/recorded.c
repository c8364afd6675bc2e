#include "tests/unit/recorded.h"

#include "support/file.h"
#include "tests/unit/formats_support.h"

/* ---- reading ---- */

char *recorded_field(char **line) {
  char *begin = *line, *tab = begin + strcspn(begin, "\t\n");
  *line = *tab ? tab + 1 : tab;
  *tab = 0;
  return begin;
}

uint32_t recorded_floats(netc *n, const char *text, float **values) {
  NET_VEC(float) list = {0};
  for (char *end; *text; text = end + (*end == ' ')) {
    uint32_t bits = (uint32_t)strtoul(text, &end, 16);
    assert_true(end == text + 8);
    net_vec_push(&n->arena, &list, formats_bits(bits));
  }
  *values = list.at;
  return list.count;
}

long long recorded_integer(const json_t *object, const char *key) {
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
  return net_arena_format(&n->arena, ", bias = %lld", recorded_integer(p, "exponent_bias"));
}

#define TEXT(...) net_arena_format(&n->arena, __VA_ARGS__)

/* A block of `size` along dimension 0 or the last one. */
static const char *along(netc *n, const json_t *p) {
  long long size = recorded_integer(p, "block_size");
  if (recorded_integer(p, "block_dim") == -1) return TEXT("%lld", size);
  assert_int_equal(recorded_integer(p, "block_dim"), 0);
  return TEXT("[%lld, 1]", size);
}

/* The row's format as it is written in a program; NULL: none. */
const char *recorded_format(netc *n, const char *name, const json_t *p) {
  if (!strcmp(name, "integer"))
    return TEXT("integer(%lld, %lld, unsigned = %s", recorded_integer(p, "width"),
                recorded_integer(p, "frac_width"),
                json_is_true(json_object_get(p, "is_signed")) ? "false" : "true");
  if (!strcmp(name, "integer_floor"))
    return TEXT("integer(%lld, %lld, rounding = floor", recorded_integer(p, "width"),
                recorded_integer(p, "frac_width"));
  if (!strncmp(name, "integer_for_hw", 14))
    return TEXT("integer(%lld, %lld", recorded_integer(p, "width"), recorded_integer(p, "frac_width"));
  if (!strncmp(name, "minifloat", 9))
    return TEXT("%s(%lld, %lld%s", !strcmp(name, "minifloat_denorm") ? name : "minifloat",
                recorded_integer(p, "width"), recorded_integer(p, "exponent_width"), bias(n, p));
  if (!strcmp(name, "log")) return TEXT("log(%lld%s", recorded_integer(p, "width"), bias(n, p));
  if (!strncmp(name, "residual_sign", 13)) return TEXT("residual_binary(%lld", recorded_integer(p, "levels"));
  if (!strcmp(name, "binary")) return TEXT("binary(%s, %s", flag(p, "bipolar"), flag(p, "stochastic"));
  if (!strcmp(name, "ternary")) return TEXT("ternary(%s", flag(p, "scaling_factor"));
  if (!strcmp(name, "block_fp"))
    return TEXT("block_fp(%lld, %lld%s, block = %s", recorded_integer(p, "width"),
                recorded_integer(p, "exponent_width"), bias(n, p),
                list_text(n, json_object_get(p, "block_size")));
  if (!strcmp(name, "block_minifloat"))
    return TEXT("block_minifloat(%lld, %lld, %lld, %s", recorded_integer(p, "width"),
                recorded_integer(p, "exponent_width"), recorded_integer(p, "exponent_bias_width"),
                list_text(n, json_object_get(p, "block_size")));
  if (!strcmp(name, "block_log"))
    return TEXT("block_log(%lld, %lld, %s", recorded_integer(p, "width"),
                recorded_integer(p, "exponent_bias_width"), list_text(n, json_object_get(p, "block_size")));
  if (!strncmp(name, "scale_integer", 13)) return TEXT("scaled_integer(%lld", recorded_integer(p, "width"));
  if (!strcmp(name, "mxint"))
    return TEXT("mxint(%lld, block = %s, scale_bits = %lld", recorded_integer(p, "element_bits"), along(n, p),
                recorded_integer(p, "scale_bits"));
  if (!strcmp(name, "mxfp")) {
    long long e = recorded_integer(p, "element_exp_bits"), m = recorded_integer(p, "element_frac_bits");
    if (e == 2 && m == 1) return TEXT("mxfp4(%s", along(n, p));
    return TEXT("mxfp%lld_e%lldm%lld(%s", 1 + e + m, e, m, along(n, p));
  }
  return NULL;
}

/* ---- files and lines ---- */

char *recorded_load(netc *n, const char *path) {
  const char *text;
  size_t length;
  if (!strchr(path, '/')) path = TEXT("%s/tests/formats/%s", NETC_TEST_SOURCE, path);
  if (!net_file_read(n, NET_NOWHERE, path, &text, &length)) fail_msg("cannot read %s", path);
  return net_arena_copy(&n->arena, text, length);
}

char *recorded_line(char **text) {
  while (**text) {
    char *line = *text, *end = line + strcspn(line, "\n");
    *text = *end ? end + 1 : end;
    *end = 0;
    if (*line && strncmp(line, "# ", 2)) return line;
  }
  return NULL;
}

json_t *recorded_part(const json_t *layer, const char *tensor) {
  json_t *part = json_object();
  const char *key;
  json_t *value;
  size_t length = strlen(tensor);
  json_object_foreach((json_t *)layer, key, value)
    if (!strncmp(key, tensor, length) && key[length] == '_') json_object_set(part, key + length + 1, value);
  if (json_object_size(part)) return part;
  json_decref(part);
  return NULL;
}

/* ---- running ---- */

int recorded_main(int count, char **arguments, const struct CMUnitTest *tests, size_t test_count,
                  CMUnitTestFunction of_file) {
  if (count < 2) return _cmocka_run_group_tests("tests", tests, test_count, NULL, NULL);
  int failed = 0;
  for (int i = 1; i < count; i++) {
    const struct CMUnitTest file[] = {
        {.name = arguments[i], .test_func = of_file, .initial_state = arguments[i]}};
    failed += cmocka_run_group_tests(file, NULL, NULL);
  }
  return failed;
}
