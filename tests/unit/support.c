/* support/: arena, names, sources, diagnostics, files. */
#include "support/file.h"
#include "support/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_names(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  net_name a = net_intern(&n, "linear"), b = net_intern_bytes(&n, "linear_1", 6);
  assert_true(net_name_same(a, b));
  for (int i = 0; i < 1000; i++) net_intern_format(&n, "x%d", i);
  assert_string_equal(net_text(&n, net_intern(&n, "x999")), "x999");
  assert_int_equal(net_intern(&n, "linear").id, a.id);
  assert_int_equal(net_intern(&n, "").id, 0);
  netc_free(&n);
}

static void test_positions(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  uint32_t a, b;
  assert_true(net_sources_add(&n.sources, "a.net", "one\ntwo", 7, &a));
  assert_true(net_sources_add(&n.sources, "b.net", "\xC3\xA9 x", 4, &b));
  uint32_t base = n.sources.files.at[a].base;
  net_position p = net_sources_find(&n.sources, (net_loc){base + 5, base + 6});
  assert_int_equal(p.line, 2);
  assert_int_equal(p.column, 2);
  p = net_sources_find(&n.sources, (net_loc){n.sources.files.at[b].base + 3, 0});
  assert_string_equal(p.source->path, "b.net");
  assert_int_equal(p.column, 3); /* a character of two bytes counts one */
  assert_null(net_sources_find(&n.sources, NET_NOWHERE).source);
  netc_free(&n);
}

static void test_nearest(void **state) {
  (void)state;
  const char *words[] = {"linear", "relu", "layer_norm"};
  assert_string_equal(net_nearest("lineer", words, 3), "linear");
  assert_string_equal(net_nearest("reul", words, 3), "relu");
  assert_null(net_nearest("convolution", words, 3));
}

static void test_json_text(void **state) {
  (void)state;
  json_t *plain = net_json_text("caf\xC3\xA9"), *broken = net_json_text("caf\xE9");
  assert_string_equal(json_string_value(plain), "caf\xC3\xA9");
  assert_string_equal(json_string_value(broken), "caf?");
  json_decref(plain);
  json_decref(broken);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_positions),
                                     cmocka_unit_test(test_nearest),
                                     cmocka_unit_test(test_json_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
