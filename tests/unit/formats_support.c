#include "tests/unit/formats_support.h"

#include <ctype.h>

void formats_begin(netc *n) {
  netc_init(n, NULL);
  net_formats_install(n);
}

static void skip_space(const char **at) {
  while (**at == ' ' || **at == ',') ++*at;
}

static const char *take_word(netc *n, const char **at) {
  const char *begin = *at;
  while (isalnum((unsigned char)**at) || **at == '_') ++*at;
  return net_text(n, net_intern_bytes(n, begin, (size_t)(*at - begin)));
}

static net_format_argument take_value(netc *n, const char **at) {
  net_format_argument value = {.kind = NET_FORMAT_INT};
  char *end;
  if (**at == '[') {
    value.kind = NET_FORMAT_INTS;
    for (++*at, skip_space(at); **at != ']'; skip_space(at)) {
      assert_true(value.ints.rank < NET_MAX_RANK);
      value.ints.dim[value.ints.rank++] = (uint32_t)strtol(*at, &end, 10);
      assert_true(end != *at);
      *at = end;
    }
    ++*at;
    return value;
  }
  value.integer = strtoll(*at, &end, 10);
  if (end != *at) return *at = end, value;
  value.word = take_word(n, at);
  if (**at == '(' && net_format_word_takes_number(value.word)) /* multiplier(31) */
    value.word = net_arena_format(&n->arena, "%s(%ld)", value.word, strtol(*at + 1, &end, 10)), *at = end + 1;
  bool yes = !strcmp(value.word, "true");
  value.kind = yes || !strcmp(value.word, "false") ? NET_FORMAT_BOOL : NET_FORMAT_WORD;
  value.integer = yes;
  return value;
}

bool formats_try(netc *n, const char *text, uint32_t *id) {
  net_format_argument arguments[16];
  uint32_t count = 0;
  const char *at = text, *name = take_word(n, &at);
  if (*at == '(') {
    for (++at, skip_space(&at); *at != ')'; skip_space(&at)) {
      const char *begin = at, *key = take_word(n, &at);
      assert_true(*begin && count < 16);
      while (*at == ' ') at++;
      if (*key && *at == '=') at++, skip_space(&at);
      else at = begin, key = NULL;
      arguments[count] = take_value(n, &at);
      arguments[count++].name = key;
    }
  }
  return net_format_make(n, name, arguments, count, NET_NOWHERE, id);
}

const net_format_spec *formats_read(netc *n, const char *text) {
  uint32_t id = UINT32_MAX;
  if (!formats_try(n, text, &id)) fail_msg("%s: %s", text, n->diagnostics.list.at[0].message);
  net_format_spec *copy = NET_NEW(&n->arena, net_format_spec); /* the list may move */
  *copy = *net_format_at(n, id);
  return copy;
}

net_shape formats_shape(const char *text) {
  net_shape shape = {0};
  for (char *end; *text; text = *end ? end + 1 : end)
    shape.dim[shape.rank++] = (uint32_t)strtoul(text, &end, 10);
  return shape;
}

float formats_one(const net_format_spec *spec, float x) {
  net_shape shape = {0};
  net_format_quantize(spec, &(net_format_tensor){.shape = &shape, .values = &x}, &x);
  return x;
}

void formats_many(const net_format_spec *spec, const char *text, bool batched, const float *x, float *y) {
  net_shape shape = formats_shape(text);
  net_format_quantize(spec, &(net_format_tensor){.shape = &shape, .batched = batched, .values = x}, y);
}

bool formats_holds(const net_format_spec *spec, const char *text, bool batched, const float *y) {
  net_shape shape = formats_shape(text);
  return net_format_on_grid(spec, &(net_format_tensor){.shape = &shape, .batched = batched, .values = y});
}

float formats_bits(uint32_t bits) {
  float x;
  return memcpy(&x, &bits, sizeof x), x;
}

uint32_t formats_to_bits(float x) {
  uint32_t bits;
  return memcpy(&bits, &x, sizeof bits), bits;
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

uint32_t formats_samples(netc *n, float **samples) {
  NET_VEC(float) list = {0};
  for (int e = -149; e <= 127; e++)
    for (int k = 0; k < 16; k++) {
      float x = ldexpf(1 + (float)k / 16, e);
      net_vec_push(&n->arena, &list, x);
      net_vec_push(&n->arena, &list, nextafterf(x, 0));
      net_vec_push(&n->arena, &list, nextafterf(x, INFINITY));
    }
  for (int k = 0; k < 1500; k++) net_vec_push(&n->arena, &list, (float)k / 32);
  uint32_t seed = 1;
  for (int k = 0; k < 3000; k++) {
    seed = seed * 1664525u + 1013904223u;
    float x = formats_bits(seed & 0x7fffffff);
    if (isfinite(x)) net_vec_push(&n->arena, &list, x);
  }
  net_vec_push(&n->arena, &list, 3.4028235e38f);
  uint32_t half = list.count;
  for (uint32_t i = 0; i < half; i++) net_vec_push(&n->arena, &list, -list.at[i]);
  qsort(list.at, list.count, sizeof *list.at, by_value);
  *samples = list.at;
  return list.count;
}
