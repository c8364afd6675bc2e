/* dsl/format*.c, trivia.c: the canonical form; printing and parsing are each other's inverse. */
#include "tests/dsl/generate.h"
#include "tests/dsl/support.h"

#include <stdlib.h>

/* The text formatted; and formatting that changes nothing. */
static void assert_format(const char *text, const char *wanted) {
  netc n;
  netc_init(&n, NULL);
  net_file *file = parse_right(&n, text);
  const char *once = net_format_file(&n, file);
  if (strcmp(once, wanted)) fprintf(stderr, "wanted:\n%s\ngot:\n%s\n", wanted, once);
  assert_string_equal(once, wanted);
  net_file *again = parse_right(&n, once);
  assert_true(net_file_equal(file, again));
  assert_string_equal(net_format_file(&n, again), once);
  netc_free(&n);
}

static void test_declarations(void **state) {
  (void)state;
  assert_format("", "");
  assert_format("\n\n# only a comment\n\n\n", "# only a comment\n");
  assert_format(
      "netc   1\nimport   \"a\\\"b.net\"\nconst  a=1\nconst long_name=2 # two\n\nformat f=nf( 4 )",
      "netc 1\nimport \"a\\\"b.net\"\nconst a         = 1\nconst long_name = 2  # two\n\nformat f = nf(4)\n");
  assert_format("sweep a{x=[1]}\nsweep bcd {y = 2 ,}\ndata d{\na=1}\nsweep e {}",
                "sweep a   { x = [1] }\nsweep bcd { y = 2 }\n\ndata d {\n  a = 1\n}\n\nsweep e {}\n");
  assert_format("layer f(x,n=3,)=x->linear(n)->relu()\nnetwork g(a:f32[ 2,3 ],b:i8[]){a->f}",
                "layer f(x, n = 3) = x -> linear(n) -> relu\nnetwork g(a: f32[2, 3], b: i8[]) { a -> f }\n");
  assert_format("network g(a: f32[2]) { \n y=a\nlong=a->f\n\n y->g -> h: i(1,k=2)\n}",
                "network g(a: f32[2]) {\n  y    = a\n  long = a -> f\n\n  y -> g -> h: i(1, k = 2)\n}\n");
}

static void test_expressions(void **state) {
  (void)state;
  assert_format("const a=1+2*(3-4)/-5", "const a = 1 + 2 * (3 - 4) / -5\n");
  assert_format("const a=((1))..(-n)", "const a = (1)..(-n)\n");
  assert_format("const a=32KiB+1%", "const a = 32 KiB + 1 %\n");
  assert_format("const a=[\"a\\tb\\n\\\\\",]", "const a = [\"a\\tb\\n\\\\\"]\n");
  assert_format("const a = (x -> b)\n -> c", "const a = (x -> b)\n  -> c\n");
  assert_format("const a = ( # one\n 1,\n 2 # two\n # three\n )",
                "# three\nconst a = (\n  # one\n  1,\n  2  # two\n)\n");
}

static void test_maps(void **state) {
  (void)state;
  assert_format("train{a=1,bcd={x=1,y={z=2}}\ne{f=1},\"g\"{h=1}\n}",
                "train {\n  a = 1, bcd = { x = 1, y = { z = 2 } }\n  e { f = 1 }, \"g\" { h = 1 }\n}\n");
  assert_format(
      "quantize q {\ndefault{a=1}\n\"h.*\"{a=1}\n\nlinear{\na=1}\n}",
      "quantize q {\n  default { a = 1 }\n  \"h.*\"   { a = 1 }\n\n  linear {\n    a = 1\n  }\n}\n");
  assert_format(
      "search s {\nvary a.b in 2..8,all c in [1],\"d\".e in f\nminimize   g+0.2*x -(1/y)\n"
      "maximize (a)\nrequire i<=1%,j>2\nk=1}",
      "search s {\n  vary a.b in 2..8, all c in [1], \"d\".e in f\n  minimize g + 0.2 * x - (1 / y)\n"
      "  maximize (a)\n"
      "  require i <= 1 %, j > 2\n  k = 1\n}\n");
}

static void test_comments(void **state) {
  (void)state;
  assert_format("# top\n\n# of a\nconst a = 1 # beside\n# end\n",
                "# top\n\n# of a\nconst a = 1  # beside\n# end\n");
  assert_format("data d { # inside\n\n\n# above\n\na=1 # one\nbcd=22 # two\n# last\n} # behind\n# tail",
                "data d {  # inside\n  # above\n\n  a   = 1   # one\n  bcd = 22  # two\n  # last\n}  # "
                "behind\n# tail\n");
  assert_format("data d { # inside\n}", "data d {  # inside\n}\n");
  assert_format("const a = # hoisted\n 1 +\n # too\n 2", "# hoisted\n# too\nconst a = 1 + 2\n");
  assert_format(
      "layer f(x) {\n x # in\n # on\n -> a # one\n # two\n -> b(1, # three\n 2) # four\n}",
      "layer f(x) {\n  x  # in\n    # on\n    -> a  # one\n    # two\n    -> b(\n      1,  # three\n      2\n"
      "    )  # four\n}\n");
  assert_format("network f(a: f32[2], # the jet\n # wide\n width = 3) { a }",
                "network f(\n  a: f32[2],  # the jet\n  # wide\n  width = 3\n) { a }\n");
}

static void test_long_lines(void **state) {
  (void)state;
  assert_format(
      "const a = [100000001, 100000002, 100000003, 100000004, 100000005, 100000006, 100000007, 100000008, 9]",
      "const a = [100000001, 100000002, 100000003, 100000004, 100000005, 100000006, 100000007, 100000008,\n"
      "           9]\n");
  assert_format("layer f(x) {\n  y = x -> convolution(16, kernel = 3, padding = 1) -> batch_norm -> relu -> "
                "convolution(16, "
                "kernel = 3)\n  y\n}",
                "layer f(x) {\n  y = x -> convolution(16, kernel = 3, padding = 1) -> batch_norm -> relu\n"
                "        -> convolution(16, kernel = 3)\n  y\n}\n");
  assert_format("train { loss = cross_entropy(logits, \"labels\", class_weight = balanced) + 0.3 * mse(mass, "
                "\"mass\") + 0.1 * "
                "mae(mass) }",
                "train {\n  loss = cross_entropy(logits, \"labels\", class_weight = balanced) + 0.3 * "
                "mse(mass, \"mass\") +\n"
                "         0.1 * mae(mass)\n}\n");
  assert_format("data d { split = { train = 0.7123456789, validation = 0.1123456789, test = 0.2123456789, "
                "shuffle = false } }",
                "data d {\n  split = { train = 0.7123456789, validation = 0.1123456789, test = 0.2123456789, "
                "shuffle = false }\n"
                "}\n");
}

/* ---- generated programs ---- */

static void assert_same(uint64_t seed, const char *what, const char *text, const char *wanted) {
  if (!strcmp(text, wanted)) return;
  fprintf(stderr, "seed %llu: %s:\n%s\n---- and:\n%s\n", (unsigned long long)seed, what, wanted, text);
  fail();
}

static net_file *reparsed(netc *n, uint64_t seed, const net_file *file, const char *text) {
  net_file *again = parse_text(n, text);
  if (again && net_file_equal(file, again)) return again;
  char *messages = diagnostics(n);
  fprintf(stderr, "seed %llu: %s:\n%s\n%s\n", (unsigned long long)seed, again ? "another tree" : "errors",
          text, messages);
  free(messages);
  fail();
  return NULL;
}

/* A line end never stands for a blank at the end of a line, nor a tab; nothing is wider than need be. */
static void assert_neat(uint64_t seed, const char *text) {
  bool neat = !strstr(text, " \n") && !strchr(text, '\r') && !strstr(text, "\n\n\n") && text[0] != '\n';
  if (!neat) fprintf(stderr, "seed %llu: not neat:\n%s", (unsigned long long)seed, text);
  assert_true(neat);
}

static void test_generated(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 4000; seed++) {
    netc n;
    netc_init(&n, NULL);
    generator g = {&n, seed};
    const net_file *file = generate_file(&g);
    const char *text = net_format_file(&n, file);
    assert_neat(seed, text);
    net_file *again = reparsed(&n, seed, file, text);
    assert_same(seed, "formatting twice changes something", net_format_file(&n, again), text);
    netc_free(&n);
  }
}

/* However a program is laid out and commented, its tree is the same, and formatting keeps every comment. */
static void test_scattered(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 3000; seed++) {
    netc n;
    netc_init(&n, NULL);
    generator g = {&n, seed};
    const net_file *file = generate_file(&g);
    uint32_t comments;
    const char *text = scatter(&g, net_format_file(&n, file), &comments);
    net_file *laid_out = reparsed(&n, seed, file, text);
    const char *once = net_format_file(&n, laid_out);
    assert_neat(seed, once);
    for (uint32_t i = 1; i <= comments; i++) {
      const char *comment = net_arena_format(&n.arena, "# %u\n", i), *found = strstr(once, comment);
      if (!found || strstr(found + 1, comment))
        fprintf(stderr, "seed %llu: comment %u\n%s\n----\n%s\n", (unsigned long long)seed, i, text, once);
      assert_true(found && !strstr(found + 1, comment));
    }
    net_file *again = reparsed(&n, seed, file, once);
    assert_same(seed, "formatting twice changes something", net_format_file(&n, again), once);
    netc_free(&n);
  }
}

/* Whatever happens to a text, it gives a tree or errors with places in it, and nothing else. */
static void test_damaged(void **state) {
  (void)state;
  uint32_t wrong = 0;
  for (uint64_t seed = 1; seed <= 6000; seed++) {
    netc n;
    netc_init(&n, NULL);
    generator g = {&n, seed};
    const char *text = net_format_file(&n, generate_file(&g));
    size_t length;
    text = damage(&g, text, &length);
    net_file *file = parse_bytes(&n, text, length);
    assert_int_equal(n.diagnostics.faults, 0);
    assert_true(!file == (n.diagnostics.errors > 0));
    for (uint32_t i = 0; i < n.diagnostics.list.count; i++) {
      net_loc where = n.diagnostics.list.at[i].where;
      assert_true(where.begin > 0 && where.begin <= where.end && net_sources_find(&n.sources, where).source);
    }
    if (file) assert_non_null(reparsed(&n, seed, file, net_format_file(&n, file)));
    wrong += !file;
    netc_free(&n);
  }
  assert_in_range(wrong, 3000, 5900);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_declarations), cmocka_unit_test(test_expressions),
      cmocka_unit_test(test_maps),         cmocka_unit_test(test_comments),
      cmocka_unit_test(test_long_lines),   cmocka_unit_test(test_generated),
      cmocka_unit_test(test_scattered),    cmocka_unit_test(test_damaged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
