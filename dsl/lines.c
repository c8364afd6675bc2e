/* Which line ends end something, and which brackets belong together: between the scanner and the parser.
 *
 * A line end ends a statement or entry only at the innermost `{` or outside brackets; not behind
 * `-> + - * / = , : in`, and not when the next token is `->`. A bracket is closed only by its own kind. A
 * line that starts a declaration closes all brackets, so that one slip does not swallow the file.
 *
 * After a syntax error the rest of the broken entry, statement or declaration is held back, brackets and all:
 * the parser, which waits behind its `error`, is given only the token it waits for. */
#include "dsl/reader.h"

#include "dsl/parser.h"

int net_yylex(NET_YYSTYPE *value, net_loc *loc, net_reader *r);

static const net_token *token_at(const net_reader *r, uint32_t index) {
  uint32_t last = r->tokens.count - 1; /* TOK_END repeats for ever */
  return &r->tokens.at[index < last ? index : last];
}

static net_bracket *innermost(net_reader *r) {
  return r->brackets.count ? &r->brackets.at[r->brackets.count - 1] : NULL;
}

static int closer_of(int opener) {
  return opener == TOK_LBRACE ? TOK_RBRACE : opener == TOK_LPAREN ? TOK_RPAREN : TOK_RBRACKET;
}

/* How many brackets are open, counting from the outside up to the innermost one within which the parser can
 * recover, among the first `count`. */
static uint32_t depth_of_refuge(const net_reader *r, uint32_t count) {
  while (count && r->brackets.at[count - 1].kind != TOK_LBRACE && !r->brackets.at[count - 1].header) count--;
  return count;
}

/* ---- declarations ---- */

bool net_reader_declares(const net_reader *r, uint32_t index) {
  const net_token *t = token_at(r, index), *second = token_at(r, index + 1), *third = token_at(r, index + 2);
  if (!t->first || second->first) return false;
  for (int kind = 0; kind < NET_DECL_KIND_COUNT; kind++) {
    if (strcmp(net_decl_rows[kind].keyword, net_token_text(t->kind))) continue;
    bool named = net_token_is_name(second->kind) && !third->first;
    switch (net_decl_rows[kind].form) {
    case NET_FORM_IMPORT: return second->kind == TOK_STRING;
    case NET_FORM_CONSTANT: return named && third->kind == TOK_EQUALS;
    case NET_FORM_BLOCK: return named && third->kind == TOK_LBRACE;
    case NET_FORM_DEFAULT: return second->kind == TOK_LBRACE || (named && third->kind == TOK_LBRACE);
    case NET_FORM_LAYER:
    case NET_FORM_NETWORK: return named && third->kind == TOK_LPAREN;
    }
  }
  return false;
}

/* Whether this line, met inside brackets, starts a declaration. No entry or statement looks like one but
 * `train { … }`: that is a declaration if it stands further left than the entries above. */
static bool breaks_out(net_reader *r, uint32_t index) {
  const net_token *t = token_at(r, index);
  if (!r->brackets.count || !net_reader_declares(r, index)) return false;
  if (token_at(r, index + 1)->kind != TOK_LBRACE || innermost(r)->kind != TOK_LBRACE) return true;
  for (uint32_t i = r->brackets.count; i-- > 0;)
    if (r->brackets.at[i].kind == TOK_LBRACE && r->brackets.at[i].content)
      return t->column < r->brackets.at[i].content;
  return false;
}

/* ---- brackets ---- */

static void report_unclosed(net_reader *r, const net_token *t) {
  const net_bracket *open = innermost(r);
  const char *closer = net_token_text(closer_of(open->kind)), *opener = net_token_text(open->kind);
  if (t->kind == TOK_END)
    net_reader_error(r, r->last.loc, "missing '%s' at the end of the %s", closer,
                     r->start == TOK_START_SETTING ? "setting" : "file");
  else net_reader_error(r, t->loc, "missing '%s' before this declaration", closer);
  if (r->stopped) return;
  net_note(r->n, open->loc, "the '%s' is opened here", opener);
  if (r->odd_closer.begin > open->loc.begin)
    net_note(r->n, r->odd_closer,
             "this '}' is not indented like the line of its '{': one may be missing above it");
}

static void open_bracket(net_reader *r, const net_token *t) {
  bool header =
      t->kind == TOK_LPAREN && !r->brackets.count && r->next > 2 && net_reader_declares(r, r->next - 3);
  net_bracket b = {.kind = t->kind, .loc = t->loc, .indent = t->indent, .header = header};
  net_vec_push(&r->n->arena, &r->brackets, b);
  if (r->brackets.count <= NET_AST_DEPTH) return;
  net_reader_error(r, t->loc, "brackets nest deeper than %d levels", NET_AST_DEPTH);
  r->stopped = true;
}

static bool same_line(const net_reader *r, net_loc a, net_loc b) {
  return !memchr(r->source->text + (a.begin - r->source->base), '\n', b.begin - a.begin);
}

/* `a = (1, 2}`, with the brace around open since another line: a slip for the bracket opened on this one. */
static bool is_slip(const net_reader *r, const net_token *t) {
  uint32_t inner = r->brackets.count, brace = depth_of_refuge(r, inner);
  if (r->skipping || t->kind != TOK_RBRACE || !brace || brace == inner) return false;
  return same_line(r, r->brackets.at[inner - 1].loc, t->loc) &&
         !same_line(r, r->brackets.at[brace - 1].loc, t->loc);
}

static void close_bracket(net_reader *r, net_token *t) {
  uint32_t depth = depth_of_refuge(r, r->brackets.count);
  if (is_slip(r, t)) {
    const net_bracket *open = innermost(r);
    t->kind = closer_of(open->kind);
    net_reader_error(r, t->loc, "unexpected '}', expected '%s'", net_token_text(t->kind));
    net_note(r->n, open->loc, "the '%s' is opened here", net_token_text(open->kind));
  }
  if (r->skipping && t->kind == TOK_RBRACE && depth && r->brackets.at[depth - 1].kind == TOK_LBRACE)
    r->brackets.count = depth; /* brackets left open by the error go with their braces */
  const net_bracket *open = innermost(r);
  r->unmatched = !open || closer_of(open->kind) != t->kind;
  if (r->unmatched) return; /* the parser will say so */
  if (t->kind == TOK_RBRACE && t->first && t->column != open->indent) r->odd_closer = t->loc;
  r->brackets.count--;
}

/* ---- line ends ---- */

static bool continues(int kind) {
  switch (kind) {
  case TOK_ARROW:
  case TOK_PLUS:
  case TOK_MINUS:
  case TOK_STAR:
  case TOK_SLASH:
  case TOK_EQUALS:
  case TOK_COMMA:
  case TOK_COLON:
  case TOK_IN: return true;
  default: return false;
  }
}

/* Whether something ends between the last token and this one. */
static bool ends_line(net_reader *r, const net_token *t) {
  const net_bracket *open = innermost(r);
  if (open && open->kind != TOK_LBRACE) return false;
  if (r->last.kind >= TOK_START_PROGRAM && r->last.kind <= TOK_START_SETTING) return false;
  if (r->last.kind == TOK_NL || r->last.kind == TOK_LBRACE) return false;
  if (t->kind == TOK_END) return r->start == TOK_START_PROGRAM;
  if (!open && net_reader_declares(r, r->next)) return true; /* `const classes =`, and nothing more */
  return (t->first || t->kind == TOK_NL) && t->kind != TOK_ARROW && !continues(r->last.kind);
}

/* Skipping, at the start of a line: brackets that an error left open do not reach to a line indented as far
 * as theirs or less. */
static void drop_brackets(net_reader *r, const net_token *t) {
  if (!t->first || t->kind == TOK_RPAREN || t->kind == TOK_RBRACKET || t->kind == TOK_RBRACE) return;
  while (r->brackets.count > r->skip_depth && innermost(r)->kind != TOK_LBRACE &&
         t->column <= innermost(r)->indent)
    r->brackets.count--;
}

/* ---- errors ---- */

void net_reader_skip(net_reader *r) {
  const net_token *t = &r->last;
  uint32_t count = r->brackets.count;
  bool opener = t->kind == TOK_LBRACE || t->kind == TOK_LPAREN || t->kind == TOK_LBRACKET;
  r->skipping = true;
  r->skip_depth = depth_of_refuge(r, opener ? count - 1 : count);
  bool header = r->skip_depth && r->brackets.at[r->skip_depth - 1].header;
  if (t->kind == TOK_LBRACE && header) { /* `network n(x: f32[16] {` */
    r->brackets.count = 0;
    r->insert = TOK_RPAREN;
    r->next--;
  } else if (t->kind == TOK_RBRACE && r->unmatched && r->skip_depth && !header) { /* `{ f(a }` */
    r->brackets.count = r->skip_depth - 1;
    r->skip_depth = depth_of_refuge(r, r->brackets.count);
  } else drop_brackets(r, t);
}

void net_reader_resume(net_reader *r) { r->skipping = false; }

/* Whether the parser, waiting behind its `error`, may want this token. */
static bool may_resume(net_reader *r, const net_token *t) {
  if (t->kind == TOK_END) return true;
  if (t->kind == TOK_RBRACE || t->kind == TOK_RPAREN) return r->brackets.count < r->skip_depth;
  if (r->brackets.count != r->skip_depth) return false;
  if (r->skip_depth)
    return (t->kind == TOK_NL || t->kind == TOK_COMMA) && !r->brackets.at[r->skip_depth - 1].header;
  const net_token *next = token_at(r, r->next); /* a new declaration, perhaps misspelt */
  return t->kind == TOK_NL && (next->kind == TOK_END || net_reader_declares(r, r->next) ||
                               (next->first && next->column == 1 && net_token_is_name(next->kind)));
}

/* ---- the tokens as the parser sees them ---- */

/* The next token: one of the text, a line end, or a bracket closed on the text's behalf. */
static net_token advance(net_reader *r) {
  const net_token *t = token_at(r, r->next);
  net_loc behind = {r->last.loc.end, r->last.loc.end};
  if (r->last.kind == 0) {
    bool header = r->start == TOK_START_PROGRAM && t->kind == TOK_NETC;
    return (net_token){.kind = header ? TOK_START_HEADER : r->start, .loc = {t->loc.begin, t->loc.begin}};
  }
  if (r->insert) {
    net_token inserted = {.kind = r->insert, .loc = behind};
    r->insert = 0;
    return inserted;
  }
  if (r->closing) {
    net_token closer = {.kind = r->brackets.count ? closer_of(innermost(r)->kind) : TOK_NL, .loc = behind};
    if (r->brackets.count) r->brackets.count--;
    else r->closing = false;
    return closer;
  }
  r->quiet = false;
  if (r->skipping) drop_brackets(r, t);
  if (breaks_out(r, r->next) || (t->kind == TOK_END && r->brackets.count)) {
    if (!r->skipping) report_unclosed(r, t);
    r->closing = r->quiet = true; /* all brackets, then the line */
    return advance(r);
  }
  if (ends_line(r, t)) return (net_token){.kind = TOK_NL, .loc = behind};
  r->next += t->kind != TOK_END;
  return *t;
}

int net_yylex(NET_YYSTYPE *value, net_loc *loc, net_reader *r) {
  net_token t = {0};
  while (!r->stopped) {
    t = advance(r);
    if (t.problem) net_reader_error(r, t.loc, "%s", t.problem);
    if (r->stopped || t.kind == TOK_UNREADABLE) continue;
    if (t.kind == TOK_NL && t.problem && !ends_line(r, &t)) continue; /* `;` at the end of a line */
    net_bracket *open = innermost(r);
    if (open && t.first && !open->content) open->content = t.column;
    r->unmatched = false;
    if (!r->quiet && t.loc.end > t.loc.begin) {
      if (t.kind == TOK_LBRACE || t.kind == TOK_LPAREN || t.kind == TOK_LBRACKET) open_bracket(r, &t);
      if (t.kind == TOK_RBRACE || t.kind == TOK_RPAREN || t.kind == TOK_RBRACKET) close_bracket(r, &t);
    }
    r->last = t;
    if (!r->stopped && (!r->skipping || may_resume(r, &t))) break;
  }
  if (r->stopped) t = (net_token){.kind = TOK_END, .loc = r->last.loc};
  value->token = t.value;
  *loc = t.loc;
  return t.kind;
}
