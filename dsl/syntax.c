/* What is wrong with a text, in the words of the people who write it. */
#include "dsl/reader.h"

#include "dsl/parser.h"

enum { TOKEN_COUNT = TOK_GT + 1 };

static const char *const texts[TOKEN_COUNT - TOK_START_PROGRAM] = {
#define TEXT(token, text) [TOK_##token - TOK_START_PROGRAM] = text
    TEXT(NAME, "a name"),
    TEXT(IMPORT, "import"),
    TEXT(CONST, "const"),
    TEXT(FORMAT, "format"),
    TEXT(DATA, "data"),
    TEXT(QUANTIZE, "quantize"),
    TEXT(SWEEP, "sweep"),
    TEXT(SEARCH, "search"),
    TEXT(REQUIRE, "require"),
    TEXT(TRAIN, "train"),
    TEXT(LAYER, "layer"),
    TEXT(NETWORK, "network"),
    TEXT(NETC, "netc"),
    TEXT(VARY, "vary"),
    TEXT(IN, "in"),
    TEXT(MINIMIZE, "minimize"),
    TEXT(MAXIMIZE, "maximize"),
    TEXT(ALL, "all"),
    TEXT(KIB, "KiB"),
    TEXT(MIB, "MiB"),
    TEXT(STRING, "a string"),
    TEXT(INT, "an integer"),
    TEXT(FLOAT, "a number"),
    TEXT(NL, "the end of the line"),
    TEXT(LBRACE, "{"),
    TEXT(RBRACE, "}"),
    TEXT(LPAREN, "("),
    TEXT(RPAREN, ")"),
    TEXT(LBRACKET, "["),
    TEXT(RBRACKET, "]"),
    TEXT(COMMA, ","),
    TEXT(ARROW, "->"),
    TEXT(PLUS, "+"),
    TEXT(MINUS, "-"),
    TEXT(STAR, "*"),
    TEXT(SLASH, "/"),
    TEXT(RANGE, ".."),
    TEXT(POINT, "."),
    TEXT(PERCENT, "%"),
    TEXT(EQUALS, "="),
    TEXT(COLON, ":"),
    TEXT(LE, "<="),
    TEXT(GE, ">="),
    TEXT(LT, "<"),
    TEXT(GT, ">"),
};

const char *net_token_text(int kind) {
  const char *text = kind >= TOK_START_PROGRAM && kind < TOKEN_COUNT ? texts[kind - TOK_START_PROGRAM] : NULL;
  return text ? text : "the end of the file";
}

bool net_token_is_name(int kind) { return kind >= TOK_NAME && kind <= TOK_MIB; }

void net_reader_error(net_reader *r, net_loc where, const char *format, ...) {
  if (r->quiet || r->stopped) return;
  va_list arguments;
  va_start(arguments, format);
  net_error(r->n, where, "%s", net_arena_vformat(&r->n->arena, format, arguments));
  va_end(arguments);
  r->last_error = where;
  if (++r->errors < NET_READER_ERRORS) return;
  net_note(r->n, where, "too many errors in %s: the rest of it is not read", r->source->path);
  r->stopped = true;
}

/* ---- what was found, and what could have been ---- */

typedef struct {
  net_reader *r;
  bool expected[TOKEN_COUNT];
  const net_token *here, *before; /* the token, and the one of the text before it */
  const net_bracket *open;        /* the innermost bracket around it; NULL: none */
} slip;

static const char *found_text(const slip *s) {
  net_arena *arena = &s->r->n->arena;
  const char *text = net_text(s->r->n, s->here->value.text);
  switch (s->here->kind) {
  case TOK_NAME:
    return net_arena_format(arena, "name '%s'", text);
  case TOK_STRING:
    return net_arena_format(arena, "string \"%s\"", text);
  case TOK_INT:
  case TOK_FLOAT:
    return net_arena_format(arena, "number %s", text);
  case TOK_NL:
    return "end of the line";
  case TOK_END:
    return s->r->start == TOK_START_SETTING ? "end of the setting" : "end of the file";
  default:
    return net_arena_format(arena, "'%s'", net_token_text(s->here->kind));
  }
}

/* The tokens that could stand here, grouped; those that always could are left out when others tell more. */
static const char *expected_text(const slip *s) {
  const bool *e = s->expected;
  const char *list[TOKEN_COUNT];
  uint32_t count = 0;
  bool expression = e[TOK_INT] && e[TOK_LPAREN], name = e[TOK_NAME] && !expression,
       entry = name && e[TOK_STRING];
  bool closer = e[TOK_RPAREN] || e[TOK_RBRACKET], after = e[TOK_PLUS]; /* behind a whole expression */
  if (expression)
    list[count++] = e[TOK_LBRACE] ? "a value" : "an expression";
  else if (entry)
    list[count++] = "a setting";
  else if (name)
    list[count++] = "a name";
  else if (e[TOK_IMPORT])
    list[count++] = "a declaration";
  else if (e[TOK_STRING])
    list[count++] = "a string";
  else if (e[TOK_INT])
    list[count++] = "an integer";
  if (e[TOK_LBRACE] && !expression) list[count++] = "'{'";
  if (e[TOK_LPAREN] && !expression && !after) list[count++] = "'('";
  if (e[TOK_LBRACKET] && !expression && !after) list[count++] = "'['";
  if (e[TOK_EQUALS]) list[count++] = "'='";
  if (e[TOK_COLON] && !e[TOK_ARROW]) list[count++] = "':'";
  if (e[TOK_IN] && !e[TOK_EQUALS]) list[count++] = "'in'";
  if (e[TOK_LE] && !e[TOK_EQUALS]) list[count++] = "a comparison";
  if (e[TOK_POINT] && !after && !e[TOK_EQUALS]) list[count++] = "'.'";
  if (e[TOK_ARROW] && !closer) list[count++] = after ? "an operator" : "'->'";
  if (e[TOK_COMMA]) list[count++] = "','";
  if (e[TOK_RPAREN]) list[count++] = "')'";
  if (e[TOK_RBRACKET]) list[count++] = "']'";
  if (e[TOK_NL]) list[count++] = "the end of the line";
  if (e[TOK_RBRACE] && !e[TOK_NL]) list[count++] = "'}'";
  if (e[TOK_END] && !e[TOK_NL] && !e[TOK_IMPORT]) list[count++] = "the end";
  char *text = net_arena_format(&s->r->n->arena, "%s", "");
  for (uint32_t i = 0; i < count; i++)
    text = net_arena_format(&s->r->n->arena, "%s%s%s", text,
                            i == 0           ? ""
                            : i + 1 == count ? " or "
                                             : ", ",
                            list[i]);
  return text;
}

/* ---- what may have been meant ---- */

/* The text of the expression that ends before the token, if it is short. */
static const char *expression_before(const slip *s) {
  const net_reader *r = s->r;
  const net_token *first = s->before;
  for (uint32_t depth = 0; first > r->tokens.at; first--) {
    int kind = first->kind, before = first[-1].kind;
    bool closes = kind == TOK_RPAREN || kind == TOK_RBRACKET,
         opens = kind == TOK_LPAREN || kind == TOK_LBRACKET;
    if (opens && !depth) break;
    depth = depth + closes - opens;
    if (depth) continue;
    if (before == TOK_EQUALS || before == TOK_COMMA || before == TOK_LBRACE || before == TOK_LPAREN ||
        before == TOK_LBRACKET || before == TOK_IN)
      break;
    if (first->first && kind != TOK_ARROW && before != TOK_ARROW) break;
  }
  uint32_t length = s->before->loc.end - first->loc.begin;
  const char *text = r->source->text + (first->loc.begin - r->source->base);
  if (length > 40 || memchr(text, '\n', length)) return "\u2026";
  return net_arena_copy(&r->n->arena, text, length);
}

static const char *sum_of_stage(const slip *s) {
  int kind = s->here->kind;
  bool sign = kind == TOK_PLUS || kind == TOK_MINUS || kind == TOK_STAR || kind == TOK_SLASH;
  if (!sign || !s->expected[TOK_ARROW] || s->expected[TOK_PLUS]) return NULL;
  return net_arena_format(&s->r->n->arena, "the right side of '->' is a stage; write '(%s) %s \u2026'",
                          expression_before(s), net_token_text(kind));
}

static const char *misspelt_declaration(const slip *s) {
  if (!s->expected[TOK_IMPORT] || s->expected[TOK_NAME]) return NULL;
  if (s->here->kind == TOK_RBRACE) return "no '{' is open";
  if (s->here->kind == TOK_NETC) return "'netc 1' can only be the first line";
  const char *keywords[NET_DECL_KIND_COUNT];
  for (int i = 0; i < NET_DECL_KIND_COUNT; i++) keywords[i] = net_decl_rows[i].keyword;
  const char *near = NULL;
  if (net_token_is_name(s->here->kind))
    near = net_nearest(net_text(s->r->n, s->here->value.text), keywords, NET_DECL_KIND_COUNT);
  if (near) return net_arena_format(&s->r->n->arena, "did you mean '%s'?", near);
  char *text = net_arena_format(&s->r->n->arena, "it begins with %s", keywords[0]);
  for (int i = 1; i < NET_DECL_KIND_COUNT; i++)
    text = net_arena_format(&s->r->n->arena, "%s%s%s", text, i + 1 < NET_DECL_KIND_COUNT ? ", " : " or ",
                            keywords[i]);
  return text;
}

static const char *misspelt_entry(const slip *s) {
  static const char *const words[] = {"vary", "minimize", "maximize", "require", "all"};
  if (!s->expected[TOK_EQUALS] || s->before->kind != TOK_NAME) return NULL;
  if (!net_token_is_name(s->here->kind) && s->here->kind != TOK_STRING) return NULL;
  const char *near =
      net_nearest(net_text(s->r->n, s->before->value.text), words, sizeof words / sizeof *words);
  return near ? net_arena_format(&s->r->n->arena, "did you mean '%s' in place of '%s'?", near,
                                 net_text(s->r->n, s->before->value.text))
              : NULL;
}

/* `network n(x = f32[16])` */
static const char *input_as_parameter(const slip *s) {
  if (s->here->kind != TOK_LBRACKET || !net_token_is_name(s->before->kind) || !s->open) return NULL;
  if (s->before - s->r->tokens.at < 3 || s->before[-1].kind != TOK_EQUALS || s->open->kind != TOK_LPAREN)
    return NULL;
  if (s->r->brackets.count > 2) return NULL;
  return net_arena_format(&s->r->n->arena, "an input is written '%s: %s[\u2026]'",
                          net_text(s->r->n, s->before[-2].value.text),
                          net_text(s->r->n, s->before->value.text));
}

/* The token in front of what is open around the token before this one, brackets that are closed aside. */
static const net_token *before_open(const slip *s) {
  uint32_t depth = 0;
  for (const net_token *t = s->before; t > s->r->tokens.at; t--) {
    bool closes = t->kind == TOK_RPAREN || t->kind == TOK_RBRACKET;
    bool opens = t->kind == TOK_LPAREN || t->kind == TOK_LBRACKET;
    if (opens && !depth) return t - 1;
    depth = depth + closes - opens;
  }
  return NULL;
}

/* `network n(x: f32[16] in [-4])`, `in -4..4`, `width = 32 in [1, 64]` */
static const char *range_of_input(const slip *s) {
  static const char *const form = "a range is written 'x: f32[16] in [-4, 4]'";
  int kind = s->here->kind;
  if (s->before->kind == TOK_END) return NULL; /* the first token */
  if (s->before->kind == TOK_IN) return s->expected[TOK_LBRACKET] && !s->expected[TOK_INT] ? form : NULL;
  if (kind == TOK_IN && s->open && s->open->header && !s->expected[TOK_NAME]) {
    const net_token *t = s->before;
    while (t > s->r->tokens.at && t->kind != TOK_EQUALS && t->kind != TOK_COLON && t->kind != TOK_COMMA) t--;
    return t->kind == TOK_EQUALS ? "a parameter is what stands behind '=': only inputs have ranges" : form;
  }
  const net_token *in = before_open(s);
  if ((kind == TOK_RBRACKET && s->expected[TOK_COMMA]) || (kind == TOK_COMMA && s->expected[TOK_RBRACKET]))
    return in && in->kind == TOK_IN ? form : NULL;
  return NULL;
}

/* `layer f(x) = {` */
static const char *body_behind_equals(const slip *s) {
  bool here = s->here->kind == TOK_LBRACE && s->before->kind == TOK_EQUALS && s->before > s->r->tokens.at;
  return here && !s->open && s->before[-1].kind == TOK_RPAREN ? "leave out the '=' in front of it" : NULL;
}

static const char *line_broken(const slip *s) {
  bool early = s->before->kind >= TOK_LE || s->before->kind == TOK_RANGE;
  return s->here->kind == TOK_NL && early ? "what follows must stand on the same line" : NULL;
}

static const char *continued_line(const slip *s) {
  if (s->before->kind == TOK_END || !s->before->first || s->before == s->r->tokens.at) return NULL;
  if (s->before[-1].kind != TOK_EQUALS || s->here->kind != TOK_EQUALS) return NULL;
  return "the line above ends with '=' and so goes on here";
}

static const char *wrong_closer(const slip *s) {
  bool closer = s->here->kind == TOK_RPAREN || s->here->kind == TOK_RBRACKET || s->here->kind == TOK_RBRACE;
  if (!closer || !s->r->unmatched || s->open) return NULL;
  return net_arena_format(&s->r->n->arena, "no '%s' is open",
                          s->here->kind == TOK_RPAREN     ? "("
                          : s->here->kind == TOK_RBRACKET ? "["
                                                          : "{");
}

static const char *(*const guesses[])(const slip *) = {
    sum_of_stage,       misspelt_declaration, misspelt_entry, input_as_parameter,
    range_of_input, body_behind_equals, line_broken,          continued_line, wrong_closer,
};

/* Rows apply where the token is found, the one before it is of the given kind (0: any), the second is
 * expected, and the third is not. */
static const struct {
  int here, before, expected, unexpected;
  const char *hint;
} hints[] = {
    {TOK_COLON, TOK_STRING, TOK_LBRACE, 0, "keys are names without quotes: key = value"},
    {TOK_EQUALS, TOK_STRING, TOK_LBRACE, 0, "keys are names without quotes: key = value"},
    {TOK_EQUALS, TOK_STRING, TOK_NL, 0, "names stand without quotes"},
    {TOK_COLON, TOK_NAME, TOK_RPAREN, 0, "an argument is written 'name = value'"},
    {TOK_COLON, 0, TOK_EQUALS, 0, "a setting is written 'key = value'"},
    {TOK_EQUALS, TOK_NAME, TOK_COLON, 0, "a label is written 'name: stage'"},
    {TOK_EQUALS, TOK_RPAREN, TOK_LBRACE, 0, "the body of a network stands in braces"},
    {TOK_EQUALS, 0, TOK_LBRACE, TOK_INT, "leave out the '='"},
    {TOK_LBRACE, 0, TOK_INT, TOK_RBRACE, "a map can only be the value of a setting or an argument"},
    {TOK_STRING, 0, TOK_NAME, TOK_INT, "names stand without quotes"},
    {TOK_MINUS, 0, TOK_LBRACE, TOK_PLUS, "names consist of letters, digits and '_'"},
    {TOK_MINUS, 0, TOK_LPAREN, TOK_ARROW, "names consist of letters, digits and '_'"},
    {TOK_IN, 0, TOK_NAME, 0, "'in' is the one keyword that cannot be a name"},
    {TOK_ARROW, 0, TOK_INT, 0, "'->' needs a value on its left"},
    {TOK_LPAREN, 0, TOK_LBRACE, 0, "only layers and networks take parameters"},
    {TOK_RPAREN, 0, TOK_LBRACKET, TOK_INT, "a type has a shape: f32[16], or f32[] for a single number"},
    {TOK_COMMA, 0, TOK_LBRACKET, TOK_INT, "a type has a shape: f32[16], or f32[] for a single number"},
    {TOK_LBRACKET, TOK_COLON, TOK_NAME, TOK_INT, "a type is written 'f32[16]'"},
};

static const char *hint_text(const slip *s) {
  for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
    const char *hint = guesses[i](s);
    if (hint) return hint;
  }
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
    if (hints[i].here != s->here->kind || !s->expected[hints[i].expected]) continue;
    if (hints[i].before && hints[i].before != s->before->kind) continue;
    if (!hints[i].unexpected || !s->expected[hints[i].unexpected]) return hints[i].hint;
  }
  return NULL;
}

void net_reader_unexpected(net_reader *r, net_loc where, const int *expected, int count) {
  static const net_token none = {.kind = TOK_END};
  if (r->stopped) return; /* at an end that is not the text's */
  slip s = {.r = r, .here = &r->last, .before = &none};
  for (int i = 0; i < count; i++) s.expected[expected[i]] = true;
  uint32_t from_text =
      r->next && r->tokens.at[r->next - 1].loc.begin == where.begin && r->last.kind != TOK_NL;
  if (r->next > from_text) s.before = &r->tokens.at[r->next - from_text - 1];
  int kind = r->last.kind;
  uint32_t around = r->brackets.count - (kind == TOK_LBRACE || kind == TOK_LPAREN || kind == TOK_LBRACKET);
  if (around && around <= r->brackets.count) s.open = &r->brackets.at[around - 1];
  if (!r->quiet && !r->last.problem) { /* one error about a token is enough */
    const char *hint = hint_text(&s), *wanted = expected_text(&s);
    net_reader_error(r, where, "unexpected %s%s%s%s%s", found_text(&s), wanted[0] ? ", expected " : "",
                     wanted, hint ? ": " : "", hint ? hint : "");
    bool elsewhere = s.open && s.open->kind != TOK_LBRACE && (r->last.first || r->unmatched);
    if (elsewhere && !r->stopped)
      net_note(r->n, s.open->loc, "the '%s' is opened here", net_token_text(s.open->kind));
  }
  net_reader_skip(r);
}
