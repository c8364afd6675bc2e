/* dsl/GRAMMAR.md says what dsl/parser.y does: the parser takes every sentence of the document, and of
 * sentences gone wrong just those that the document takes; and the document's sentences need every rule of
 * the parser. */
#include "tests/dsl/ebnf.h"
#include "tests/dsl/support.h"

#include "support/file.h"

#include <stdlib.h>

/* ---- the parser, telling which rules it reduces by ---- */

enum { MOST_RULES = 500 };
static bool reduced[MOST_RULES];

static int trace(FILE *to, const char *format, ...) {
  (void)to;
  if (strncmp(format, "Reducing stack by rule", 22)) return 0;
  va_list arguments;
  va_start(arguments, format);
  int rule = va_arg(arguments, int);
  va_end(arguments);
  assert_in_range(rule, 0, MOST_RULES - 1);
  reduced[rule] = true;
  return 0;
}

#define NET_YYDEBUG 1
#define YYFPRINTF trace
#include "dsl/parser.c"

/* ---- sentences as texts ---- */

static const char *token_text(generator *g, int kind) {
  static const char *const names[] = {"x", "relu", "n1"};
  if (kind == TOK_NAME) return names[pick(g, 3)];
  if (kind == TOK_INT) return "1";
  if (kind == TOK_FLOAT) return "0.5";
  if (kind == TOK_STRING) return "\"s\"";
  if (kind == TOK_NL) return "\n";
  return net_token_text(kind);
}

static const char *sentence_text(generator *g, const ebnf_sentence *sentence) {
  NET_VEC(char) text = {0};
  for (uint32_t i = 0; i < sentence->count; i++) {
    for (const char *c = token_text(g, sentence->at[i]); *c; c++) net_vec_push(&g->n->arena, &text, *c);
    net_vec_push(&g->n->arena, &text, sentence->at[i] == TOK_NL ? '\n' : ' ');
  }
  net_vec_push(&g->n->arena, &text, 0);
  return text.at;
}

static bool parses(netc *n, const char *text, bool setting) {
  uint32_t source, errors = n->diagnostics.errors;
  net_dotted path;
  net_expr *value;
  assert_true(net_sources_add(&n->sources, "t.net", text, strlen(text), &source));
  bool ok = setting ? net_parse_setting(n, source, &path, &value) : net_parse(n, source) != NULL;
  assert_true(ok == (n->diagnostics.errors == errors));
  return ok;
}

/* The tokens that the parser is given, line ends decided; false: that alone is an error. */
static bool tokens_of(netc *n, const char *text, bool setting, ebnf_sentence *out) {
  uint32_t source;
  assert_true(net_sources_add(&n->sources, "t.net", text, strlen(text), &source));
  net_reader r = {.n = n, .source = &n->sources.files.at[source]};
  r.start = setting ? TOK_START_SETTING : TOK_START_PROGRAM;
  assert_true(net_reader_scan(&r));
  NET_YYSTYPE value;
  net_loc loc;
  out->count = 0;
  for (int kind; (kind = net_yylex(&value, &loc, &r)) != TOK_END;)
    if (kind < TOK_START_PROGRAM || kind > TOK_START_SETTING) net_vec_push(&n->arena, out, kind);
  return r.errors == 0;
}

static void mutate(generator *g, ebnf_sentence *s) {
  for (uint32_t count = 1 + pick(g, 2); count > 0 && s->count; count--) {
    uint32_t at = pick(g, s->count), other = pick(g, s->count);
    int kind = (int)(TOK_NAME + pick(g, TOK_GT - TOK_NAME + 1)), kept = s->at[at];
    switch (pick(g, 4)) {
    case 0:
      memmove(s->at + at, s->at + at + 1, (--s->count - at) * sizeof *s->at);
      break;
    case 1:
      s->at[at] = s->at[other], s->at[other] = kept;
      break;
    case 2:
      s->at[at] = kind;
      break;
    default:
      net_vec_push(&g->n->arena, s, 0);
      memmove(s->at + at + 1, s->at + at, (s->count - 1 - at) * sizeof *s->at);
      s->at[at] = kind;
      break;
    }
  }
}

/* ---- tests ---- */

/* The document's grammar: the first fenced block behind its heading. */
static void read_document(netc *n, ebnf *grammar) {
  const char *text;
  size_t length;
  assert_true(net_file_read(n, NET_NOWHERE, NETC_TEST_SOURCE "/dsl/GRAMMAR.md", &text, &length));
  const char *begin = strstr(text, "\n## Grammar\n");
  assert_non_null(begin);
  begin = strstr(begin, "```\n");
  assert_non_null(begin);
  const char *end = strstr(begin + 4, "```");
  assert_non_null(end);
  ebnf_read(n, net_arena_copy(&n->arena, begin + 4, (size_t)(end - begin - 4)), grammar);
}

static void check(uint64_t seed, const char *text, bool wanted, bool got) {
  if (wanted == got) return;
  fprintf(stderr, "seed %llu: the document %s this, the parser %s it:\n%s\n", (unsigned long long)seed,
          wanted ? "takes" : "refuses", got ? "takes" : "refuses", text);
  fail();
}

static uint32_t verdicts[2]; /* on sentences gone wrong */

static void run(uint64_t seed, const char *start, bool setting) {
  netc n;
  netc_init(&n, NULL);
  generator g = {&n, seed};
  ebnf grammar;
  read_document(&n, &grammar);
  int symbol = ebnf_find(&grammar, start);
  for (int i = 0; i < 20; i++) {
    ebnf_sentence sentence = {0}, seen = {0};
    ebnf_make(&grammar, &g, symbol, 8 + pick(&g, 24), &sentence);
    const char *text = sentence_text(&g, &sentence);
    check(seed, text, true, parses(&n, text, setting));
    if (sentence.count > 300) continue;
    mutate(&g, &sentence);
    text = sentence_text(&g, &sentence);
    bool taken = tokens_of(&n, text, setting, &seen) && ebnf_accepts(&grammar, symbol, &seen);
    check(seed, text, taken, parses(&n, text, setting));
    verdicts[taken]++;
  }
  netc_free(&n);
}

static void test_document(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 150; seed++) run(seed, "program", false);
  for (uint64_t seed = 1; seed <= 30; seed++) run(seed, "setting", true);
  assert_true(verdicts[false] > 1000 && verdicts[true] > 200);
}

static uint32_t count_missing(void) {
  uint32_t missing = 0;
  for (int rule = 1; rule < YYNRULES; rule++) missing += !reduced[rule]; /* rule 0 is bison's own */
  return missing;
}

/* Rules that only errors need. */
static const char *const broken[] = {"netc x\n",
                                     "const = 1",
                                     "layer f(1) = x",
                                     "network n(x) { * 2\n x }",
                                     "network n(x) { x = }",
                                     "train { = , a = 1 }",
                                     "train { = }"};

static void test_rules(void **state) {
  (void)state;
  net_yydebug = 1;
  memset(reduced, 0, sizeof reduced);
  for (uint64_t seed = 1; seed <= 60; seed++) {
    netc n;
    netc_init(&n, NULL);
    generator g = {&n, seed};
    ebnf grammar;
    read_document(&n, &grammar);
    for (int i = 0; i < 20; i++) {
      bool setting = i == 0;
      ebnf_sentence sentence = {0};
      ebnf_make(&grammar, &g, ebnf_find(&grammar, setting ? "setting" : "program"), 8 + pick(&g, 24),
                &sentence);
      assert_true(parses(&n, sentence_text(&g, &sentence), setting));
    }
    netc_free(&n);
  }
  const uint32_t wrong = sizeof broken / sizeof *broken;
  for (int rule = 1; rule < YYNRULES && count_missing() != wrong; rule++)
    if (!reduced[rule]) fprintf(stderr, "rule %d, of %s, is not used\n", rule, yysymbol_name(yyr1[rule + 1]));
  assert_int_equal(count_missing(), wrong);
  for (uint32_t i = 0; i < wrong; i++) {
    netc n;
    netc_init(&n, NULL);
    assert_false(parses(&n, broken[i], false));
    netc_free(&n);
  }
  assert_int_equal(count_missing(), 0);
  net_yydebug = 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_document), cmocka_unit_test(test_rules)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
