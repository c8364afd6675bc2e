/* dsl/lexer.l and lines.c: characters to tokens, line ends, brackets. */
#include "tests/dsl/support.h"

#include "dsl/parser.h"
#include "dsl/reader.h"

#include <stdlib.h>

int net_yylex(NET_YYSTYPE *value, net_loc *loc, net_reader *r);

static net_reader open_reader(netc *n, const char *text) {
  uint32_t source;
  assert_true(net_sources_add(&n->sources, "t.net", text, strlen(text), &source));
  net_reader r = {.n = n, .source = &n->sources.files.at[source], .start = TOK_START_PROGRAM};
  assert_true(net_reader_scan(&r));
  return r;
}

/* The tokens of a text, as the scanner gives them: "NAME INT NAME", say. */
static void assert_tokens(const char *text, const char *wanted) {
  netc n;
  netc_init(&n, NULL);
  net_reader r = open_reader(&n, text);
  char *all = net_arena_format(&n.arena, "%s", "");
  for (uint32_t i = 0; i + 1 < r.tokens.count; i++) {
    assert_null(r.tokens.at[i].problem);
    all = net_arena_format(&n.arena, "%s%s%s", all, i ? " " : "", net_token_text(r.tokens.at[i].kind));
  }
  assert_int_equal(r.tokens.at[r.tokens.count - 1].kind, TOK_END);
  assert_string_equal(all, wanted);
  netc_free(&n);
}

/* The tokens as the parser sees them, line ends as ';'. */
static void assert_lines(const char *text, const char *wanted) {
  netc n;
  netc_init(&n, NULL);
  net_reader r = open_reader(&n, text);
  char *all = net_arena_format(&n.arena, "%s", "");
  NET_YYSTYPE value;
  net_loc loc;
  for (int kind; (kind = net_yylex(&value, &loc, &r)) != TOK_END;) {
    if (kind == TOK_START_PROGRAM) continue;
    const char *one = kind == TOK_NL ? ";" : net_token_text(kind);
    if (net_token_is_name(kind) || kind == TOK_INT) one = net_text(&n, value.token.text);
    all = net_arena_format(&n.arena, "%s%s%s", all, *all ? " " : "", one);
  }
  assert_string_equal(all, wanted);
  assert_int_equal(n.diagnostics.errors, 0);
  netc_free(&n);
}

static void test_tokens(void **state) {
  (void)state;
  assert_tokens("", "");
  assert_tokens("a _b c1 in input", "a name a name a name in a name");
  assert_tokens("network data x", "network data a name");
  assert_tokens("a->b - > -", "a name -> a name - > -");
  assert_tokens("<= < >= > = : , . .. + * / % ( ) [ ] { }", "<= < >= > = : , . .. + * / % ( ) [ ] { }");
  assert_tokens("a.b..c", "a name . a name .. a name");
  assert_tokens("\"a\\\"b\\\\\" \"\"", "a string a string");
  assert_tokens("a # b \" ' 8abc\nc", "a name a name");
  assert_tokens("\xEF\xBB\xBF"
                "a\r\nb\t\r\n",
                "a name a name");
}

static void test_numbers(void **state) {
  (void)state;
  assert_tokens("2..8", "an integer .. an integer");
  assert_tokens("1e-6..0.1", "a number .. a number");
  assert_tokens("2 .. 8", "an integer .. an integer");
  assert_tokens("0.5 1e3 2E+4 1.5e-3 007", "a number a number a number a number an integer");
  assert_tokens("32KiB 32 KiB 1.5MiB 1e3KiB 1% 1 %",
                "an integer KiB an integer KiB a number MiB a number KiB an integer % an integer %");
  netc n;
  netc_init(&n, NULL);
  net_reader r = open_reader(&n, "9223372036854775807 0.1 1e308 4.9e-324 0.0e9 1e-4");
  assert_int_equal(r.tokens.at[0].value.integer, INT64_MAX);
  assert_true(r.tokens.at[1].value.real == 0.1 && r.tokens.at[2].value.real == 1e308);
  assert_true(r.tokens.at[3].value.real == 4.9e-324 && r.tokens.at[4].value.real == 0);
  assert_string_equal(net_text(&n, r.tokens.at[5].value.text), "1e-4");
  for (int i = 0; i < 6; i++) assert_null(r.tokens.at[i].problem);
  netc_free(&n);
}

static void test_problems(void **state) {
  (void)state;
  static const struct {
    const char *text, *problem;
    int kind;
  } rows[] = {
      {"8abc", "'8abc' is neither a number nor a name", TOK_INT},
      {"1_000", "'1_000' is neither a number nor a name", TOK_INT},
      {"0x10", "'0x10' is neither", TOK_INT},
      {"1.5x", "'1.5x' is neither", TOK_INT},
      {"32KiBs", "'32KiBs' is neither", TOK_INT},
      {"1e", "'1e' is neither", TOK_INT},
      {"1eKiB", "'1eKiB' is neither", TOK_INT},
      {"1.", "digits on both sides of its point: '1.0'", TOK_FLOAT},
      {".5", "digits on both sides of its point: '0.5'", TOK_FLOAT},
      {"1.2.3", "'1.2.3' is not a number", TOK_FLOAT},
      {"9223372036854775808", "too large", TOK_INT},
      {"1e309", "1e309 is too large", TOK_FLOAT},
      {"1e-400", "1e-400 is too small", TOK_FLOAT},
      {"\"abc", "not closed before the end of its line", TOK_STRING},
      {"\"abc\\", "not closed", TOK_STRING},
      {"\"a\\d\"", "strings have no '\\d'", TOK_STRING},
      {"\"a\x01\"", "control character in this string: 0x01", TOK_STRING},
      {"'abc'", "double quotes: \"abc\"", TOK_STRING},
      {"gr\xC3\xB6\xC3\x9F"
       "e",
       "names consist of", TOK_NAME},
      {"\xE2\x86\x92", "write '->'", TOK_ARROW},
      {"\xC3\x97", "write '*'", TOK_STAR},
      {"\xE2\x80\x9C", "write '\"'", TOK_UNREADABLE},
      {"\xC2\xA0", "write a plain space", TOK_UNREADABLE},
      {"==", "there is no '=='", TOK_EQUALS},
      {"=>", "there is no '=>'", TOK_ARROW},
      {"// x", "comments begin with '#'", TOK_UNREADABLE},
      {"/* x\n y */", "comments begin with '#'", TOK_UNREADABLE},
      {"$", "unexpected character '$'", TOK_UNREADABLE},
      {"\x07", "control character 0x07", TOK_UNREADABLE},
      {"\r", "control character 0x0d", TOK_UNREADABLE},
      {"\xF0\x9F\x98\x80", "unexpected character '\xF0\x9F\x98\x80'", TOK_UNREADABLE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    netc n;
    netc_init(&n, NULL);
    net_reader r = open_reader(&n, rows[i].text);
    if (r.tokens.count != 2 || !r.tokens.at[0].problem || !strstr(r.tokens.at[0].problem, rows[i].problem))
      fprintf(stderr, "%s: %u tokens, %s\n", rows[i].text, r.tokens.count, r.tokens.at[0].problem);
    assert_int_equal(r.tokens.count, 2);
    assert_non_null(r.tokens.at[0].problem);
    assert_non_null(strstr(r.tokens.at[0].problem, rows[i].problem));
    assert_int_equal(r.tokens.at[0].kind, rows[i].kind);
    netc_free(&n);
  }
}

static void test_places(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  net_reader r = open_reader(&n, "ab  2..8\n\n# c\n  \"x\" 4KiB");
  static const struct {
    uint32_t begin, end, column, indent;
    bool first, blank;
  } wanted[] = {{0, 2, 1, 1, true, false},   {4, 5, 5, 1, false, false},  {5, 7, 6, 1, false, false},
                {7, 8, 8, 1, false, false},  {16, 19, 3, 3, true, false}, {20, 21, 7, 3, false, false},
                {21, 24, 8, 3, false, false}};
  assert_int_equal(r.tokens.count, 8);
  for (uint32_t i = 0; i < 7; i++) {
    const net_token *t = &r.tokens.at[i];
    assert_int_equal(t->loc.begin - r.source->base, wanted[i].begin);
    assert_int_equal(t->loc.end - r.source->base, wanted[i].end);
    assert_int_equal(t->column, wanted[i].column);
    assert_int_equal(t->indent, wanted[i].indent);
    assert_true(t->first == wanted[i].first && t->blank == wanted[i].blank);
  }
  assert_int_equal(r.remarks.count, 1);
  assert_true(r.remarks.at[0].blank);
  assert_string_equal(net_text(&n, r.remarks.at[0].text), "# c");
  netc_free(&n);
}

static void test_line_ends(void **state) {
  (void)state;
  assert_lines("\n\n  a\n\n\nb", "a ; b ;");
  assert_lines("a # c\n# d\nb\n", "a ; b ;");
  assert_lines("a\n -> b\n\n # c\n -> c\nd", "a -> b -> c ; d ;");
  assert_lines("a ->\n b +\n c -\n d *\n e /\n f =\n g ,\n h :\n i in\n\n j\n",
               "a -> b + c - d * e / f = g , h : i in j ;");
  assert_lines("a\n+ b", "a ; + b ;");
  assert_lines("a ..\nb <=\nc .\nd", "a .. ; b <= ; c . ; d ;");
  assert_lines("f(\na\n\nb)\n[a\nb]\nc", "f ( a b ) ; [ a b ] ; c ;");
  assert_lines("{\n\na\nb\n}\nc", "{ a ; b ; } ; c ;");
  assert_lines("({\na\n(b\nc)\n}\nd)\ne", "( { a ; ( b c ) ; } d ) ; e ;");
  assert_lines("a\r\nb ->\r\nc\r\n", "a ; b -> c ;");
}

/* ---- without memory ---- */

/* Counted down by each allocation of the arena; the one that finds 0 fails. Linked with --wrap. */
static int callocs_left = -1;

void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);

void *__wrap_calloc(size_t count, size_t bytes) {
  if (callocs_left == 0) return NULL;
  if (callocs_left > 0) callocs_left--;
  return __real_calloc(count, bytes);
}

/* The arena jumps to its guard when it cannot give any more: from within the scanner, too, and nothing leaks.
 */
static void test_no_memory(void **state) {
  (void)state;
  volatile int jumps = 0, done = 0;
  for (volatile int k = 0; !done; k++) {
    netc n;
    jmp_buf guard;
    netc_init(&n, &guard);
    size_t length = 1 << 16;
    char *text = net_arena_alloc(&n.arena, length + 1, 1);
    memset(text, '(', length);
    uint32_t source;
    assert_true(net_sources_add(&n.sources, "t.net", text, length, &source));
    net_reader r = {.n = &n, .source = &n.sources.files.at[source], .start = TOK_START_PROGRAM};
    callocs_left = k;
    if (setjmp(guard)) jumps++;
    else done = net_reader_scan(&r);
    callocs_left = -1;
    netc_free(&n);
  }
  assert_true(jumps >= 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tokens), cmocka_unit_test(test_numbers),   cmocka_unit_test(test_problems),
      cmocka_unit_test(test_places), cmocka_unit_test(test_line_ends), cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
