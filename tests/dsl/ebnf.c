#include "tests/dsl/ebnf.h"

#include "dsl/parser.h"
#include "dsl/reader.h"
#include "tests/dsl/support.h"

#include <ctype.h>

/* ---- reading ---- */

typedef struct {
  ebnf *grammar;
  const char *at;
} source;

static int nonterminal(ebnf *grammar, const char *name) {
  for (uint32_t i = 0; name && i < grammar->names.count; i++)
    if (grammar->names.at[i] && !strcmp(grammar->names.at[i], name)) return ~(int)i;
  return ~(int)net_vec_push(&grammar->n->arena, &grammar->names, name);
}

int ebnf_find(const ebnf *grammar, const char *name) {
  for (uint32_t i = 0; i < grammar->names.count; i++)
    if (grammar->names.at[i] && !strcmp(grammar->names.at[i], name)) return ~(int)i;
  fail_msg("the grammar has no '%s'", name);
  return 0;
}

static void add_rule(ebnf *grammar, ebnf_rule rule) {
  net_vec_push(&grammar->n->arena, &grammar->rules, rule);
}

static void add_symbol(ebnf *grammar, ebnf_rule *rule, int symbol) {
  net_vec_push(&grammar->n->arena, &rule->right, symbol);
}

static char peek(source *s) {
  while (isspace((unsigned char)*s->at)) s->at++;
  return *s->at;
}

static int token_named(const char *text) {
  static const struct {
    const char *name;
    int kind;
  } capitals[] = {
      {"NAME", TOK_NAME}, {"INT", TOK_INT}, {"FLOAT", TOK_FLOAT}, {"STRING", TOK_STRING}, {"NL", TOK_NL}};
  for (size_t i = 0; i < sizeof capitals / sizeof *capitals; i++)
    if (!strcmp(capitals[i].name, text)) return capitals[i].kind;
  for (int kind = TOK_NAME; kind <= TOK_GT; kind++)
    if (!strcmp(net_token_text(kind), text)) return kind;
  fail_msg("there is no token '%s'", text);
  return 0;
}

static const char *word(source *s, const char *letters) {
  size_t length = strspn(s->at, letters);
  const char *text = net_arena_copy(&s->grammar->n->arena, s->at, length);
  s->at += length;
  return text;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

static bool starts_production(source *s) {
  const char *at = s->at + strspn(s->at, LETTERS);
  at += strspn(at, " ");
  return at > s->at && *at == '=';
}

static void read_alternatives(source *s, int left, bool repeats);

/* [x] becomes a nonterminal that may be empty, {x} one that may follow itself, (x) just one. */
static int read_group(source *s, char close) {
  int symbol = nonterminal(s->grammar, NULL);
  s->at++;
  if (close != ')') add_rule(s->grammar, (ebnf_rule){.left = symbol});
  read_alternatives(s, symbol, close == '}');
  assert_int_equal(peek(s), close);
  s->at++;
  return symbol;
}

static int read_symbol(source *s, char c) {
  if (c == '[') return read_group(s, ']');
  if (c == '{') return read_group(s, '}');
  if (c == '(') return read_group(s, ')');
  if (c == '"') {
    const char *end = strchr(++s->at, '"');
    const char *text = net_arena_copy(&s->grammar->n->arena, s->at, (size_t)(end - s->at));
    s->at = end + 1;
    return token_named(text);
  }
  const char *text = word(s, LETTERS);
  assert_true(text[0]);
  return isupper((unsigned char)text[0]) ? token_named(text) : nonterminal(s->grammar, text);
}

static void read_alternatives(source *s, int left, bool repeats) {
  for (;;) {
    ebnf_rule rule = {.left = left};
    if (repeats) add_symbol(s->grammar, &rule, left);
    for (char c; (c = peek(s)) && !strchr("|])}", c) && !starts_production(s);)
      add_symbol(s->grammar, &rule, read_symbol(s, c));
    add_rule(s->grammar, rule);
    if (peek(s) != '|') return;
    s->at++;
  }
}

/* The heights of the lowest trees, from the leaves up. */
static void measure(ebnf *grammar) {
  for (uint32_t i = 0; i < grammar->names.count; i++)
    net_vec_push(&grammar->n->arena, &grammar->heights, 1000);
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t i = 0; i < grammar->rules.count; i++) {
      const ebnf_rule *rule = &grammar->rules.at[i];
      uint32_t height = 0;
      for (uint32_t k = 0; k < rule->right.count; k++)
        if (rule->right.at[k] < 0 && grammar->heights.at[~rule->right.at[k]] > height)
          height = grammar->heights.at[~rule->right.at[k]];
      if (height + 1 >= grammar->heights.at[~rule->left]) continue;
      grammar->heights.at[~rule->left] = height + 1;
      changed = true;
    }
  }
}

void ebnf_read(netc *n, const char *text, ebnf *grammar) {
  *grammar = (ebnf){.n = n};
  source s = {grammar, text};
  while (peek(&s)) {
    assert_true(starts_production(&s));
    int left = nonterminal(grammar, word(&s, LETTERS));
    assert_int_equal(peek(&s), '=');
    s.at++;
    read_alternatives(&s, left, false);
  }
  measure(grammar);
  for (uint32_t i = 0; i < grammar->names.count; i++)
    if (grammar->heights.at[i] >= 1000) fail_msg("'%s' is never defined", grammar->names.at[i]);
}

/* ---- making sentences ---- */

static uint32_t rule_height(const ebnf *grammar, const ebnf_rule *rule) {
  uint32_t height = 0;
  for (uint32_t k = 0; k < rule->right.count; k++)
    if (rule->right.at[k] < 0 && grammar->heights.at[~rule->right.at[k]] > height)
      height = grammar->heights.at[~rule->right.at[k]];
  return height + 1;
}

void ebnf_make(const ebnf *grammar, generator *g, int symbol, uint32_t budget, ebnf_sentence *out) {
  if (symbol >= 0) {
    net_vec_push(&g->n->arena, out, symbol);
    return;
  }
  const ebnf_rule *chosen = NULL;
  uint32_t seen = 0;
  for (uint32_t i = 0; i < grammar->rules.count; i++) {
    const ebnf_rule *rule = &grammar->rules.at[i];
    uint32_t height = rule_height(grammar, rule);
    if (rule->left != symbol || (height > budget && height > grammar->heights.at[~symbol])) continue;
    if (pick(g, ++seen) == 0) chosen = rule;
  }
  for (uint32_t k = 0; k < chosen->right.count; k++)
    ebnf_make(grammar, g, chosen->right.at[k], budget ? budget - 1 : 0, out);
}

/* ---- recognising ---- */

typedef struct {
  uint32_t rule, dot, origin;
} item;

typedef NET_VEC(item) items;

static void add_item(const ebnf *grammar, items *set, item one) {
  for (uint32_t i = 0; i < set->count; i++)
    if (!memcmp(&set->at[i], &one, sizeof one)) return;
  net_vec_push(&grammar->n->arena, set, one);
}

static int next_symbol(const ebnf *grammar, const item *i, int none) {
  const ebnf_rule *rule = &grammar->rules.at[i->rule];
  return i->dot < rule->right.count ? rule->right.at[i->dot] : none;
}

/* Completes and predicts until nothing is new; a completed empty rule needs its own set looked at again. */
static void close_set(const ebnf *grammar, items *sets, uint32_t at) {
  enum { NONE = 1 << 20 };
  for (bool changed = true; changed;) {
    uint32_t before = sets[at].count;
    for (uint32_t i = 0; i < sets[at].count; i++) {
      item one = sets[at].at[i];
      int symbol = next_symbol(grammar, &one, NONE);
      for (uint32_t k = 0; symbol < 0 && k < grammar->rules.count; k++)
        if (grammar->rules.at[k].left == symbol) add_item(grammar, &sets[at], (item){k, 0, at});
      for (uint32_t k = 0; symbol == NONE && k < sets[one.origin].count; k++) {
        item waiting = sets[one.origin].at[k];
        if (next_symbol(grammar, &waiting, NONE) != grammar->rules.at[one.rule].left) continue;
        waiting.dot++;
        add_item(grammar, &sets[at], waiting);
      }
    }
    changed = sets[at].count > before;
  }
}

bool ebnf_accepts(const ebnf *grammar, int symbol, const ebnf_sentence *sentence) {
  items *sets = NET_NEW_ARRAY(&grammar->n->arena, items, sentence->count + 1);
  for (uint32_t k = 0; k < grammar->rules.count; k++)
    if (grammar->rules.at[k].left == symbol) add_item(grammar, &sets[0], (item){k, 0, 0});
  for (uint32_t at = 0; at <= sentence->count; at++) {
    close_set(grammar, sets, at);
    for (uint32_t i = 0; at < sentence->count && i < sets[at].count; i++) {
      item one = sets[at].at[i];
      if (next_symbol(grammar, &one, -1) != sentence->at[at]) continue;
      one.dot++;
      add_item(grammar, &sets[at + 1], one);
    }
  }
  for (uint32_t i = 0; i < sets[sentence->count].count; i++) {
    const item *one = &sets[sentence->count].at[i];
    const ebnf_rule *rule = &grammar->rules.at[one->rule];
    if (rule->left == symbol && one->origin == 0 && one->dot == rule->right.count) return true;
  }
  return false;
}
