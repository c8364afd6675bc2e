/* dsl/parser.y, lines.c, syntax.c: the tree, and what is said about texts that give none. */
#include "tests/dsl/support.h"

#include <stdlib.h>

static netc n;

static int setup(void **state) {
  (void)state;
  netc_init(&n, NULL);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  netc_free(&n);
  return 0;
}

static void assert_name(net_ident ident, const char *text) {
  assert_string_equal(net_text(&n, ident.name), text);
}

/* The one declaration of a text. */
static net_decl *decl(const char *text, net_decl_kind kind, const char *name) {
  net_file *file = parse_right(&n, text);
  assert_int_equal(file->decls.count, 1);
  assert_int_equal(file->decls.at[0]->kind, kind);
  assert_name(file->decls.at[0]->name, name);
  return file->decls.at[0];
}

static net_expr *expr(const char *text) {
  return decl(net_arena_format(&n.arena, "const c = %s", text), NET_DECL_CONST, "c")->value;
}

static net_map *map(const char *text) {
  return decl(net_arena_format(&n.arena, "search s { %s }", text), NET_DECL_SEARCH, "s")->map;
}

/* ---- declarations ---- */

static void test_declarations(void **state) {
  (void)state;
  assert_name(decl("import \"a/b.net\"", NET_DECL_IMPORT, "")->import, "a/b.net");
  assert_int_equal(decl("const n = 5\n", NET_DECL_CONST, "n")->value->integer.value, 5);
  assert_int_equal(decl("format f = nf(4)", NET_DECL_FORMAT, "f")->value->kind, NET_EXPR_CALL);
  static const net_decl_kind blocks[] = {NET_DECL_DATA,   NET_DECL_QUANTIZE, NET_DECL_SWEEP,
                                         NET_DECL_SEARCH, NET_DECL_REQUIRE,  NET_DECL_TRAIN};
  for (int i = 0; i < 6; i++) {
    const char *text = net_arena_format(&n.arena, "%s b {\n a = 1\n\n}\n", net_decl_rows[blocks[i]].keyword);
    assert_int_equal(decl(text, blocks[i], "b")->map->entries.count, 1);
  }
  assert_int_equal(decl("train { }", NET_DECL_TRAIN, "")->map->entries.count, 0);
  net_decl *d = decl("layer f(x, n = 3,) = x -> g(n)", NET_DECL_LAYER, "f");
  assert_int_equal(d->params.count, 2);
  assert_null(d->params.at[0].value);
  assert_int_equal(d->params.at[1].value->integer.value, 3);
  assert_true(d->body->equals && d->body->stmts.count == 1);
  d = decl("network net(a: f32[1, 2 * 3], b: i8[], width = 32) {\n y = a -> f\n\n y + b }", NET_DECL_NETWORK,
           "net");
  assert_int_equal(d->params.count, 3);
  assert_name(d->params.at[0].type, "f32");
  assert_int_equal(d->params.at[0].shape.count, 2);
  assert_int_equal(d->params.at[1].shape.count, 0);
  assert_true(!d->body->equals && d->body->stmts.count == 2);
  assert_name(d->body->stmts.at[0].name, "y");
  assert_int_equal(d->body->stmts.at[1].name.name.id, 0);
}

static void test_header(void **state) {
  (void)state;
  assert_int_equal(parse_right(&n, "\n# c\nnetc 1\n\nconst a = 1")->version, 1);
  assert_int_equal(parse_right(&n, "const netc = 1")->version, 0);
  assert_int_equal(parse_right(&n, "")->decls.count, 0);
  assert_int_equal(parse_right(&n, "\n # nothing \n\n")->decls.count, 0);
  assert_errors("netc 2\n", "t.net:1:6: error: this program is in version 2", NULL);
  assert_errors("netc\n", "expected an integer", NULL);
  assert_errors("const a = 1\nnetc 1\n", "2:1: error: unexpected 'netc', expected a declaration", NULL);
}

static void test_keywords_are_names(void **state) {
  (void)state;
  static const char *const keywords[] = {
      "import",  "const", "format", "data",     "quantize", "sweep", "search", "require", "train", "layer",
      "network", "netc",  "vary",   "minimize", "maximize", "all",   "KiB",    "MiB",     "none",  "auto"};
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
    const char *k = keywords[i];
    decl(net_arena_format(&n.arena, "data %s { %s = %s, %s.%s in %s(%s = %s) }", k, k, k, k, k, k, k, k),
         NET_DECL_DATA, k);
    decl(net_arena_format(&n.arena, "layer %s(%s, %s = 3) {\n %s = %s -> %s: %s(%s)\n %s\n}", k, k, k, k, k,
                          k, k, k, k),
         NET_DECL_LAYER, k);
    decl(net_arena_format(&n.arena, "train {\n %s = 1\n %s { a = 1 }\n %s <= 1\n vary %s in 1\n all in 2\n}",
                          k, k, k, k),
         NET_DECL_TRAIN, "");
  }
  assert_errors("const in = 3", "'in' is the one keyword that cannot be a name", NULL);
}

/* ---- expressions ---- */

/* The tree as text with all parentheses. */
static const char *shape(const net_expr *e) {
  net_arena *a = &n.arena;
  switch (e->kind) {
  case NET_EXPR_NEGATE:
    return net_arena_format(a, "(-%s)", shape(e->negated));
  case NET_EXPR_BINARY:
    return net_arena_format(a, "(%s%s%s)", shape(e->binary.left), net_binary_names[e->binary.op],
                            shape(e->binary.right));
  case NET_EXPR_RANGE:
    return net_arena_format(a, "(%s..%s)", shape(e->range.low), shape(e->range.high));
  case NET_EXPR_TUPLE: {
    const char *text = "<";
    for (uint32_t i = 0; i < e->tuple.count; i++)
      text = net_arena_format(a, "%s %s", text, shape(e->tuple.at[i]));
    return net_arena_format(a, "%s >", text);
  }
  case NET_EXPR_CHAIN: {
    const char *text = shape(e->chain.head);
    for (uint32_t i = 0; i < e->chain.stages.count; i++) {
      const net_stage *s = &e->chain.stages.at[i];
      text = net_arena_format(a, "%s>%s%s%s/%u", text, net_text(&n, s->label.name),
                              s->label.name.id ? ":" : "", net_text(&n, s->name.name), s->args.count);
    }
    return net_arena_format(a, "(%s)", text);
  }
  default:
    return net_format_expr(&n, e);
  }
}

static void test_precedence(void **state) {
  (void)state;
  static const struct {
    const char *text, *shape;
  } rows[] = {
      {"a + b * c - d / e", "((a+(b*c))-(d/e))"},
      {"a - b - c", "((a-b)-c)"},
      {"a / b * c", "((a/b)*c)"},
      {"-a * -b", "((-a)*(-b))"},
      {"--a", "(-(-a))"},
      {"-2..8 * 3", "(((-2)..8)*3)"},
      {"1..n + 2..3", "((1..n)+(2..3))"},
      {"-1..-n", "((-1)..(-n))"},
      {"x + y -> relu", "((x+y)>relu/0)"},
      {"x -> a -> l: b(1, k = 2) -> c()", "(x>a/0>l:b/2>c/0)"},
      {"(x -> a) -> b", "((x>a/0)>b/0)"},
      {"(x -> a) + y", "((x>a/0)+y)"},
      {"(a, b + c, (d))", "< a (b+c) (d) >"},
      {"((a))", "(a)"},
      {"f(1 + 2, x -> g)", "f(1 + 2, x -> g)"},
      {"a.b.c(d)", "a.b.c(d)"},
      {"[1, 2 %, \"x\",]", "[1, 2 %, \"x\"]"},
      {"[]", "[]"},
      {"a\n  -> b\n\n  # c\n  -> d", "(a>b/0>d/0)"},
      {"a +\n b", "(a+b)"},
      {"(a\n+\nb\n, c)", "< (a+b) c >"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_string_equal(shape(expr(rows[i].text)), rows[i].shape);
}

static void test_leaves(void **state) {
  (void)state;
  net_expr *e = expr("32 KiB");
  assert_true(e->kind == NET_EXPR_INTEGER && e->integer.value == 32 && e->integer.unit == NET_UNIT_KIB);
  e = expr("1.5e-3 %");
  assert_true(e->kind == NET_EXPR_REAL && e->real.value == 1.5e-3 && e->real.unit == NET_UNIT_PERCENT);
  assert_string_equal(net_text(&n, e->real.text), "1.5e-3");
  e = expr("\"a\\n\\\"\\\\\"");
  assert_true(e->kind == NET_EXPR_STRING);
  assert_string_equal(net_text(&n, e->string), "a\n\"\\");
  assert_true(net_expr_is(&n, expr("none"), "none"));
  assert_int_equal(net_expr_word(expr("a.b")).id, 0);
}

static void test_places(void **state) {
  (void)state;
  const char *text = "const c = (a + bb) * f(x) -> g(1) -> h";
  net_expr *e = decl(text, NET_DECL_CONST, "c")->value, *product = e->chain.head;
  uint32_t base = n.sources.files.at[0].base;
  assert_int_equal(e->loc.begin - base, 10);
  assert_int_equal(e->loc.end - base, strlen(text));
  assert_int_equal(product->loc.end - base, 25);
  assert_int_equal(product->binary.left->loc.begin - base, 10);
  assert_int_equal(product->binary.left->loc.end - base, 18);
  assert_int_equal(product->binary.op_loc.begin - base, 19);
  assert_int_equal(e->chain.stages.at[0].loc.begin - base, 29);
  assert_int_equal(e->chain.stages.at[0].loc.end - base, 33);
}

/* ---- maps ---- */

static void test_entries(void **state) {
  (void)state;
  net_map *m =
      map("a.b = { c = 1, d = [2] }, e { f = 1 }\n \"head.*\" { g = 1 }\n vary h.i in 2..8, all j in 1..2\n"
          "vary \"k\".l in [1]\n minimize o + 0.2 * (p - 3), maximize -q\n require r <= 1 %, s > 2\n t >= "
          "3\n u < -4,\n");
  static const struct {
    net_entry_kind kind;
    const char *path;
  } wanted[] = {{NET_ENTRY_SET, "a.b"},      {NET_ENTRY_BLOCK, "e"},    {NET_ENTRY_PATTERN, ""},
                {NET_ENTRY_VARY, "h.i"},     {NET_ENTRY_VARY, "j"},     {NET_ENTRY_VARY, "l"},
                {NET_ENTRY_MINIMIZE, ""},    {NET_ENTRY_MAXIMIZE, ""}, {NET_ENTRY_REQUIRE, "r"},
                {NET_ENTRY_REQUIRE, "s"},    {NET_ENTRY_REQUIRE, "t"},  {NET_ENTRY_REQUIRE, "u"}};
  assert_int_equal(m->entries.count, 12);
  for (uint32_t i = 0; i < 12; i++) {
    assert_int_equal(m->entries.at[i].kind, wanted[i].kind);
    assert_string_equal(net_dotted_text(&n, &m->entries.at[i].path), wanted[i].path);
    assert_non_null(m->entries.at[i].value);
  }
  assert_int_equal(m->entries.at[6].value->kind, NET_EXPR_BINARY);
  assert_int_equal(m->entries.at[7].value->kind, NET_EXPR_NEGATE);
  assert_name(m->entries.at[2].pattern, "head.*");
  assert_name(m->entries.at[5].pattern, "k");
  assert_true(m->entries.at[4].all && !m->entries.at[3].all);
  assert_int_equal(m->entries.at[0].value->map->entries.count, 2);
  static const net_relation relations[] = {NET_LESS_EQUAL, NET_GREATER, NET_GREATER_EQUAL, NET_LESS};
  for (int i = 0; i < 4; i++) assert_int_equal(m->entries.at[8 + i].relation, relations[i]);
  assert_true(m->entries.at[8].worded && !m->entries.at[9].worded);
  assert_true(m->entries.at[2].breaks && !m->entries.at[1].breaks);
}

/* ---- several errors a run ---- */

static void test_recovery(void **state) {
  (void)state;
  assert_int_equal(count_errors("data a { x = = 1\n y = 2 }\ndata b { z = ) }\nconst c = \nconst d = 1"), 3);
  assert_int_equal(count_errors("data a { x = f(1 2, 3), y = ], z = [1 2], w = 1 }"), 3);
  assert_int_equal(count_errors("network f(x) {\n a = x x\n b = f(1 1, g(2 2))\n c = [\n 1 2\n ]\n x\n}\n"),
                   3);
  /* a missing bracket costs one error, whatever stands behind it */
  assert_int_equal(count_errors("network f(x) {\n y = f(1, 2\n z = 3\n y\n}\nconst c = 3 3\n"), 2);
  assert_int_equal(count_errors("network f(x) {\n y = x -> f(1,\n"), 1);
  assert_int_equal(count_errors("network f(x) {\n x -> g\nnetwork h(x) { x }\nconst c = 3 3"), 2);
  assert_int_equal(count_errors("network f(x {\n x -> g\n}\nnetwork h(x) { x }\nconst c = 3 3"), 2);
  assert_int_equal(count_errors("network f(x: f32[3) {\n x y\n}\nconst c = 3 3"), 3);
  assert_int_equal(count_errors("network f(x y) {\n x -> relu + 3\n x\n}"), 2);
  assert_int_equal(count_errors("train {\n a = { x = 1\n b = 2\n}\nconst c = 3 3"), 2);
  assert_int_equal(count_errors("train {\n a = { x = f(1 }\n b = 2 2\n}\n"), 2);
  assert_int_equal(count_errors("train {\n a = 1\n}\n}\nconst c = 3 3"), 2);
  assert_int_equal(count_errors("trian {\n a = 1 1\n}\nnetwrk f(x) {\n x\n}\nconst c = 1"), 2);
  assert_int_equal(count_errors("= 3\ndata a { = 1, b = 2 2, = , = }\nnetwork f(= y) {\n = 1\n x x\n = }"),
                   9);
  assert_int_equal(count_errors("data {\n a = 1\n b = 2 2\n}\nconst c = 3 3"), 2);
  assert_int_equal(count_errors("const a = 1;\nconst b = 8abc\ntrain { x = 1; y = 2 }\n"), 3);
  assert_int_equal(count_errors("layer f(x) { }\nlayer g(x) { y = x }\nlayer h(x) { y = y y }"), 3);
}

static void test_declarations_end_everything(void **state) {
  (void)state;
  net_file *f = parse_right(&n, "sweep s {\ntrain { a = 1 }\ndata { b = 2 }\nrequire x <= 3\n}\ntrain { }");
  assert_int_equal(f->decls.count, 2);
  assert_int_equal(f->decls.at[0]->map->entries.count, 3);
  f = parse_right(&n, "search s {\n  a = 1\n  train { b = 1 }\n}");
  assert_int_equal(f->decls.at[0]->map->entries.at[1].kind, NET_ENTRY_BLOCK);
  assert_errors("search s {\n  a = 1\ntrain { b = 1 }\n", "3:1: error: missing '}' before this declaration",
                "1:10: note: the '{' is opened here", NULL);
  assert_errors("search s {\n  a = [1,\n  network n(x) { x }\n", "3:3: error: missing ']'",
                "2:7: note: the '['", NULL);
  assert_errors("train {\n  a = { b = 1\n  c = 2\n}\nconst d = 1", "5:1: error: missing '}'",
                "1:7: note: the '{'", "4:1: note: this '}' is not indented like the line of its '{'", NULL);
  assert_errors("train {\n  a = 1\n", "2:7: error: missing '}' at the end of the file", "1:7: note", NULL);
}

static void test_many_errors(void **state) {
  (void)state;
  char *text = net_arena_alloc(&n.arena, 100 * 16 + 1, 1);
  for (int i = 0; i < 100; i++) strcat(text, "const a = 1 1\n");
  assert_errors(text, "t.net:30:13: error: unexpected number 1", "30:13: note: too many errors in t.net",
                NULL);
  assert_int_equal(count_errors(text), 30);
  text[29 * 14] = 0; /* the last one may be of any kind */
  static const char *const last[] = {
      "train {\nnetwork n(x) { x }", "const a = ((", "network n(x {", "const a = 8abc", "train { a = (1 }",
      "train {\n a = (1 }",          "train {"};
  for (size_t i = 0; i < sizeof last / sizeof *last; i++)
    assert_int_equal(count_errors(net_arena_format(&n.arena, "%s%s", text, last[i])), 30);
}

/* ---- depth ---- */

static void nest(char *text, const char *before, const char *open, const char *inner, const char *close,
                 int depth) {
  char *at = text + sprintf(text, "%s", before);
  for (int i = 0; i < depth; i++) at += sprintf(at, "%s", open);
  at += sprintf(at, "%s", inner);
  for (int i = 0; i < depth; i++) at += sprintf(at, "%s", close);
}

static void test_depth(void **state) {
  (void)state;
  char *text = net_arena_alloc(&n.arena, 1 << 20, 1);
  nest(text, "const c = ", "(", "1", ")", 250);
  parse_right(&n, text);
  static const char *const forms[][3] = {{"(", "1", ")"},    {"[", "1", "]"},          {"f(", "1", ")"},
                                         {"(1, ", "1", ")"}, {"f({ a = ", "1", " })"}, {"x -> f(", "1", ")"}};
  for (int i = 0; i < 6; i++) {
    nest(text, "const c = ", forms[i][0], forms[i][1], forms[i][2], 10000);
    assert_errors(text, "brackets nest deeper than 256 levels", NULL);
    nest(text, "const c = ", forms[i][0], "", "", 10000); /* and not closed */
    assert_errors(text, "brackets nest deeper than 256 levels", NULL);
  }
  static const char *const rows[][2] = {{"-", ""}, {"1 + ", ""}, {"2 * ", ""}, {"1 - ", ""}};
  for (int i = 0; i < 4; i++) {
    nest(text, "const c = ", rows[i][0], "1", "", 200);
    parse_right(&n, text);
    nest(text, "const c = ", rows[i][0], "1", "", 300);
    assert_errors(text, "this nests deeper than 256 levels", NULL);
    nest(text, "const c = ", rows[i][0], "1", "", 20000);
    assert_errors(text, "this nests", NULL);
  }
  nest(text, "const c = x", " -> relu", "", "", 20000); /* a chain is long, not deep */
  parse_right(&n, text);
  nest(text, "train ", "{ a = ", "1", " }", 10000);
  assert_errors(text, "brackets nest deeper than 256 levels", NULL);
  nest(text, "", "}", "", "", 10000);
  assert_errors(text, "no '{' is open", NULL);
}

/* ---- texts that are no programs ---- */

static void assert_refused(const char *text, size_t length, const char *wanted) {
  assert_null(parse_bytes(&n, text, length));
  char *messages = diagnostics(&n);
  if (!strstr(messages, wanted)) fprintf(stderr, "'%s' is not in:\n%s", wanted, messages);
  assert_non_null(strstr(messages, wanted));
  assert_null(strstr(strstr(messages, "error:") + 1, "error:")); /* one is enough */
  free(messages);
}

static void test_refused(void **state) {
  (void)state;
  assert_refused("const a\0 = 1", 12, "t.net:1:8: error: a NUL byte");
  assert_refused("const a = 1\n# \xC3(", 15, "t.net:2:3: error: byte 0xc3 is not UTF-8");
  assert_refused("\xED\xA0\x80", 3, "byte 0xed is not UTF-8"); /* a surrogate */
  assert_refused("\xC0\x80", 2, "byte 0xc0 is not UTF-8");     /* a NUL in two bytes */
  assert_refused("\xF4\x90\x80\x80", 4, "byte 0xf4");          /* beyond U+10FFFF */
  assert_refused("a \xE2\x82", 4, "byte 0xe2");                /* cut off */
  assert_refused("\xFF\xFE"
                 "c\0o\0",
                 6, "UTF-16");
  assert_refused("FANN_FLO_2.1\nnum_layers=3\n", 26, "a .net file of FANN");
  assert_refused("FANN_FIX_2.0\n", 13, "fixed-point");
  assert_refused("*Vertices 3\n1 \"a\"\n", 18, "a .net file of Pajek");
  assert_refused("% a comment\r\n*network x\n", 23, "a .net file of Pajek");
  size_t length = (16 << 20) + 1;
  char *large = net_arena_alloc(&n.arena, length, 1);
  memset(large, '\n', length);
  assert_refused(large, length, "more than 16 MiB");
  parse_right(&n, "# \xC3\xA9 \xE2\x86\x92 \xF0\x9F\x98\x80\r\nconst a = \"\xC3\xA9\"\r\n");
  parse_right(&n, "\xEF\xBB\xBF"
                  "const a = 1");
}

/* ---- settings ---- */

static void test_setting(void **state) {
  (void)state;
  net_dotted path;
  net_expr *value;
  uint32_t source;
  assert_true(net_sources_add(&n.sources, "--set", "a.b = { c = 1, d = 2 }", 22, &source));
  assert_true(net_parse_setting(&n, source, &path, &value));
  assert_string_equal(net_dotted_text(&n, &path), "a.b");
  assert_int_equal(value->map->entries.count, 2);
  static const char *const wrong[][2] = {
      {"a", "--set:1:2: error: unexpected end of the setting, expected '='"},
      {"a=", "unexpected end of the setting, expected a value"},
      {"a=1\nb=2", "unexpected end of the line"},
      {"a=1,", "unexpected ','"},
      {"", "unexpected end of the setting, expected a name"},
      {"a=f(1", "missing ')' at the end of the setting"},
      {"a=8x", "'8x' is neither"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_true(net_sources_add(&n.sources, "--set", wrong[i][0], strlen(wrong[i][0]), &source));
    assert_false(net_parse_setting(&n, source, &path, &value));
    char *messages = diagnostics(&n);
    if (!strstr(messages, wrong[i][1])) fprintf(stderr, "%s", messages);
    assert_non_null(strstr(messages, wrong[i][1]));
    free(messages);
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(declarations), TEST(header),   TEST(keywords_are_names),
      TEST(precedence),   TEST(leaves),   TEST(places),
      TEST(entries),      TEST(recovery), TEST(many_errors),
      TEST(depth),        TEST(refused),  TEST(declarations_end_everything),
      TEST(setting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
