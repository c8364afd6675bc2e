#include "tests/dsl/generate.h"

#include "dsl/parser.h"
#include "dsl/reader.h"

uint32_t pick(generator *g, uint32_t bound) { /* splitmix64 */
  uint64_t z = g->state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (uint32_t)((z ^ (z >> 31)) % bound);
}

static bool chance(generator *g, uint32_t of) { return pick(g, of) == 0; }

static const char *one_of(generator *g, const char *const *words, size_t count) {
  return words[pick(g, (uint32_t)count)];
}
#define ONE_OF(g, words) one_of(g, words, sizeof(words) / sizeof *(words))
#define PUSH(g, vec, ...) net_vec_push(&(g)->n->arena, vec, __VA_ARGS__)

/* ---- trees ---- */

static net_ident name(generator *g) {
  static const char *const words[] = {
      "x",
      "y",
      "jet",
      "width",
      "a1",
      "_",
      "relu",
      "learning_rate",
      "a_very_long_name_that_makes_lines_break",
      "import",
      "const",
      "format",
      "data",
      "quantize",
      "sweep",
      "search",
      "require",
      "train",
      "layer",
      "network",
      "netc",
      "vary",
      "minimize",
      "maximize",
      "all",
      "KiB",
      "MiB",
      "none",
      "true",
      "input",
      "In",
  };
  return (net_ident){.name = net_intern(g->n, ONE_OF(g, words))};
}

static net_name string(generator *g) {
  static const char *const words[] = {"",
                                      "jets.h5",
                                      "head.*",
                                      "a \"b\"",
                                      "\\d+\\.",
                                      "\n\t",
                                      "# no comment",
                                      "{",
                                      "\xC3\xA9\xE2\x86\x92",
                                      "a string that is longer than most strings are"};
  return net_intern(g->n, ONE_OF(g, words));
}

static net_dotted dotted(generator *g) {
  net_dotted d = {0};
  for (uint32_t count = 1 + (chance(g, 3) ? pick(g, 3) : 0); count > 0; count--) PUSH(g, &d.parts, name(g));
  return d;
}

static net_expr *expr(generator *g, uint32_t budget);
static net_map *map(generator *g, uint32_t budget);

static net_expr *map_expr(generator *g, uint32_t budget) {
  net_expr *e = net_expr_new(g->n, NET_EXPR_MAP, NET_NOWHERE);
  e->map = map(g, budget);
  return e;
}

static net_expr *value(generator *g, uint32_t budget) {
  return budget && chance(g, 5) ? map_expr(g, budget - 1) : expr(g, budget);
}

static net_args args(generator *g, uint32_t budget) {
  net_args a = {0};
  uint32_t count = pick(g, chance(g, 6) ? 9 : 3), named = pick(g, count + 1);
  for (uint32_t i = 0; i < count; i++) {
    net_arg one = {.value = value(g, budget)};
    if (i >= named) one.name = name(g);
    PUSH(g, &a, one);
  }
  return a;
}

static net_exprs exprs(generator *g, uint32_t least, uint32_t budget) {
  net_exprs list = {0};
  for (uint32_t count = least + pick(g, chance(g, 6) ? 20 : 3); count > 0; count--)
    PUSH(g, &list, expr(g, budget));
  return list;
}

static void number(generator *g, net_expr *e) {
  static const char *const reals[] = {"0.5", "1e-4", "2.50", "1e308", "3.0E+2"};
  net_unit unit = chance(g, 4) ? (net_unit)(1 + pick(g, 3)) : NET_UNIT_NONE;
  if (e->kind == NET_EXPR_INTEGER) {
    e->integer.unit = unit;
    e->integer.text = net_intern_format(g->n, "%u", pick(g, 3) ? pick(g, 40) : pick(g, 1000000));
  } else {
    e->real.unit = unit;
    e->real.text = net_intern(g->n, ONE_OF(g, reals));
  }
}

static net_stages stages(generator *g, uint32_t budget) {
  net_stages s = {0};
  for (uint32_t count = 1 + pick(g, 5); count > 0; count--) {
    net_stage stage = {.name = name(g), .breaks = chance(g, 4)};
    if (chance(g, 4)) stage.label = name(g);
    if (chance(g, 2)) stage.args = args(g, budget);
    PUSH(g, &s, stage);
  }
  return s;
}

/* Any kind anywhere: where it binds too loosely, the printer puts it in parentheses. */
static net_expr *expr(generator *g, uint32_t budget) {
  static const net_expr_kind leaves[] = {NET_EXPR_INTEGER, NET_EXPR_REAL, NET_EXPR_STRING, NET_EXPR_PATH};
  net_expr_kind kind = budget ? (net_expr_kind)pick(g, NET_EXPR_MAP) : leaves[pick(g, 4)];
  net_expr *e = net_expr_new(g->n, kind, NET_NOWHERE);
  e->parentheses = chance(g, 12);
  if (budget) budget--;
  switch (kind) {
  case NET_EXPR_INTEGER:
  case NET_EXPR_REAL:
    number(g, e);
    break;
  case NET_EXPR_STRING:
    e->string = string(g);
    break;
  case NET_EXPR_PATH:
    e->path = dotted(g);
    break;
  case NET_EXPR_CALL:
    e->call.callee = dotted(g), e->call.args = args(g, budget);
    break;
  case NET_EXPR_LIST:
    e->list = exprs(g, 0, budget);
    break;
  case NET_EXPR_TUPLE:
    e->tuple = exprs(g, 2, budget);
    break;
  case NET_EXPR_NEGATE:
    e->negated = expr(g, budget);
    break;
  case NET_EXPR_BINARY:
    e->binary.op = (net_binary)pick(g, 4);
    e->binary.left = expr(g, budget), e->binary.right = expr(g, budget);
    break;
  case NET_EXPR_RANGE:
    e->range.low = expr(g, budget), e->range.high = expr(g, budget);
    break;
  case NET_EXPR_CHAIN:
    e->chain.head = expr(g, budget), e->chain.stages = stages(g, budget);
    break;
  default:
    break;
  }
  return e;
}

static net_entry entry(generator *g, uint32_t budget) {
  net_entry e = {.kind = (net_entry_kind)pick(g, NET_ENTRY_KIND_COUNT), .breaks = chance(g, 2)};
  if (chance(g, 2)) e.kind = NET_ENTRY_SET;
  bool aim = e.kind == NET_ENTRY_MINIMIZE || e.kind == NET_ENTRY_MAXIMIZE;
  if (e.kind != NET_ENTRY_PATTERN && !aim) e.path = dotted(g);
  bool quoted = e.kind == NET_ENTRY_PATTERN || (e.kind == NET_ENTRY_VARY && chance(g, 4));
  while (quoted && !e.pattern.name.id) e.pattern.name = string(g);
  e.all = e.kind == NET_ENTRY_VARY && !quoted && chance(g, 3);
  e.worded = (e.kind == NET_ENTRY_VARY || e.kind == NET_ENTRY_REQUIRE) && chance(g, 2);
  e.relation = (net_relation)pick(g, 4);
  if (e.kind == NET_ENTRY_BLOCK || e.kind == NET_ENTRY_PATTERN)
    e.value = map_expr(g, budget);
  else if (e.kind == NET_ENTRY_REQUIRE || aim)
    e.value = expr(g, budget);
  else
    e.value = value(g, budget);
  return e;
}

static net_map *map(generator *g, uint32_t budget) {
  net_map *m = NET_NEW(&g->n->arena, net_map);
  m->open = chance(g, 2);
  if (budget) budget--;
  for (uint32_t count = pick(g, 5); count > 0; count--) PUSH(g, &m->entries, entry(g, budget));
  return m;
}

static net_body *body(generator *g, bool equals) {
  net_body *b = NET_NEW(&g->n->arena, net_body);
  b->equals = equals;
  b->open = chance(g, 2);
  for (uint32_t count = equals ? 0 : pick(g, 4); count > 0; count--) {
    net_stmt stmt = {.value = expr(g, 3)};
    if (!chance(g, 4)) stmt.name = name(g);
    PUSH(g, &b->stmts, stmt);
  }
  PUSH(g, &b->stmts, (net_stmt){.value = expr(g, 3)});
  return b;
}

static net_params params(generator *g) {
  net_params p = {0};
  for (uint32_t count = pick(g, 4); count > 0; count--) {
    net_param one = {.name = name(g)};
    if (chance(g, 2))
      one.type = name(g), one.shape = exprs(g, 0, 1);
    else if (chance(g, 2))
      one.value = expr(g, 2);
    if (one.type.name.id && chance(g, 2)) one.low = expr(g, 2), one.high = expr(g, 2);
    PUSH(g, &p, one);
  }
  return p;
}

static net_decl *decl(generator *g) {
  net_decl *d = NET_NEW(&g->n->arena, net_decl);
  d->kind = (net_decl_kind)pick(g, NET_DECL_KIND_COUNT);
  net_decl_form form = net_decl_rows[d->kind].form;
  if (form != NET_FORM_IMPORT && (form != NET_FORM_DEFAULT || chance(g, 2))) d->name = name(g);
  switch (form) {
  case NET_FORM_IMPORT:
    d->import.name = string(g);
    break;
  case NET_FORM_CONSTANT:
    d->value = expr(g, 4);
    break;
  case NET_FORM_BLOCK:
  case NET_FORM_DEFAULT:
    d->map = map(g, 4);
    break;
  case NET_FORM_LAYER:
  case NET_FORM_NETWORK:
    d->params = params(g);
    d->body = body(g, form == NET_FORM_LAYER && chance(g, 2));
    break;
  }
  return d;
}

net_file *generate_file(generator *g) {
  net_file *f = NET_NEW(&g->n->arena, net_file);
  f->version = chance(g, 4);
  for (uint32_t count = pick(g, 6); count > 0; count--) PUSH(g, &f->decls, decl(g));
  return f;
}

/* ---- layouts ---- */

typedef struct {
  generator *g;
  NET_VEC(char) text;
  uint32_t comments;
} writer;

static void write(writer *w, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) PUSH(w->g, &w->text, text[i]);
}

static void line_end(writer *w) {
  if (chance(w->g, 3)) {
    char comment[24];
    write(w, comment, (size_t)sprintf(comment, " # %u", ++w->comments));
  }
  if (chance(w->g, 8)) write(w, "\r", 1);
  write(w, "\n", 1);
}

const char *scatter(generator *g, const char *text, uint32_t *comments) {
  netc *n = g->n;
  uint32_t source;
  net_sources_add(&n->sources, "scattered", text, strlen(text), &source);
  net_reader r = {.n = n, .source = &n->sources.files.at[source], .start = TOK_START_PROGRAM};
  net_reader_scan(&r);
  writer w = {.g = g};
  NET_VEC(int) open = {0};
  for (uint32_t i = 0; i < r.tokens.count; i++) {
    const net_token *t = &r.tokens.at[i];
    int before = i ? r.tokens.at[i - 1].kind : TOK_COMMA,
        top = open.count ? open.at[open.count - 1] : TOK_LBRACE;
    bool free = top != TOK_LBRACE || before == TOK_LBRACE || before == TOK_COMMA || before == TOK_ARROW ||
                before == TOK_EQUALS || before == TOK_PLUS || before == TOK_MINUS || before == TOK_STAR ||
                before == TOK_SLASH || before == TOK_COLON || before == TOK_IN || t->kind == TOK_ARROW;
    if (t->first || (free && t->kind != TOK_END && chance(g, 12)))
      for (uint32_t lines = 1 + (chance(g, 3) ? pick(g, 4) : 0); lines > 0 && (i || chance(g, 2)); lines--)
        line_end(&w);
    bool fresh =
        w.text.count && w.text.at[w.text.count - 1] == '\n'; /* then as deep as its brackets: `train {` */
    for (uint32_t blanks = fresh ? open.count : 1 + pick(g, 3); blanks > 0; blanks--) write(&w, " ", 1);
    write(&w, r.source->text + (t->loc.begin - r.source->base), t->loc.end - t->loc.begin);
    if (t->kind == TOK_LBRACE || t->kind == TOK_LPAREN || t->kind == TOK_LBRACKET) PUSH(g, &open, t->kind);
    if (t->kind == TOK_RBRACE || t->kind == TOK_RPAREN || t->kind == TOK_RBRACKET) open.count--;
  }
  if (chance(g, 2)) line_end(&w);
  PUSH(g, &w.text, 0);
  *comments = w.comments;
  return w.text.at;
}

/* ---- damages ---- */

const char *damage(generator *g, const char *text, size_t *length) {
  static const char *const bits[] = {"{",       "}",           "(",          ")",
                                     "[",       "]",           "\n",         "\n\n",
                                     "->",      "..",          ".",          ",",
                                     ":",       "=",           "<=",         "network",
                                     "train {", "\ntrain {\n", "\ndata x {", "layer f(",
                                     " in ",    "\"",          "#",          "8abc",
                                     "1.",      "%",           "KiB",        "-",
                                     "\\",      "\r\n",        ";",          "\xE2\x86\x92",
                                     "\xC3",    "\x01",        "1e999",      "99999999999999999999",
                                     "'",       "vary ",       "x",          " "};
  size_t size = strlen(text);
  writer w = {.g = g};
  write(&w, text, size);
  for (uint32_t count = 1 + pick(g, 6); count > 0; count--) {
    uint32_t at = pick(g, w.text.count + 1), end = at + pick(g, 1 + pick(g, 30));
    if (end > w.text.count) end = w.text.count;
    const char *bit = ONE_OF(g, bits);
    writer next = {.g = g};
    write(&next, w.text.at, at);
    uint32_t way = pick(g, 4); /* lost, doubled, made up, in place of something */
    if (way == 1) write(&next, w.text.at + at, end - at), end = at;
    if (way >= 2) write(&next, bit, strlen(bit));
    if (way == 2) end = at;
    write(&next, w.text.at + end, w.text.count - end);
    w.text.at = next.text.at, w.text.count = next.text.count, w.text.capacity = next.text.capacity;
  }
  *length = w.text.count;
  PUSH(g, &w.text, 0);
  return w.text.at;
}
