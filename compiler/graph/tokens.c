/* The tokens of a graph's text form. */
#include "graph/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

net_loc text_loc_of(const text_reader *r, const text_token *t) {
  return (net_loc){r->base + (uint32_t)(t->begin - r->text), r->base + (uint32_t)(t->end - r->text)};
}

bool text_expected(text_reader *r, const char *what) {
  const text_token *t = &r->token;
  net_loc loc = text_loc_of(r, t);
  if (t->kind == TEXT_END) net_error(r->n, loc, "expected %s, not the end of the text", what);
  else if (t->kind == TEXT_LINE) net_error(r->n, loc, "expected %s, not the end of the line", what);
  else net_error(r->n, loc, "expected %s, not '%.*s'", what, (int)(t->end - t->begin), t->begin);
  return false;
}

static int hex_digit(char c) {
  const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

/* A quoted name with \\, \" and \xHH in it; one that is not closed on its line is no token but a mark. */
static void quoted(text_reader *r, text_token *t) {
  char *out = net_arena_alloc(r->graph->arena, strcspn(r->at, "\n"), 1);
  size_t length = 0;
  const char *c = r->at + 1;
  for (; *c && *c != '"' && *c != '\n'; c++) {
    if (*c == '\\' && c[1] == 'x' && hex_digit(c[2]) >= 0 && hex_digit(c[3]) >= 0) {
      out[length++] = (char)(hex_digit(c[2]) * 16 + hex_digit(c[3]));
      c += 3;
    } else {
      c += *c == '\\' && (c[1] == '\\' || c[1] == '"');
      out[length++] = *c;
    }
  }
  bool closed = *c == '"';
  t->kind = closed ? TEXT_QUOTED : TEXT_MARK;
  t->name = net_intern_bytes(r->n, out, length);
  r->at = closed ? c + 1 : r->at + 1;
}

static text_token next_token(text_reader *r) {
  for (;; r->at++) {
    if (*r->at == '#') r->at += strcspn(r->at, "\n");
    if (*r->at != ' ' && *r->at != '\t' && *r->at != '\r' && (*r->at != '\n' || r->depth <= 0)) break;
  }
  text_token t = {.kind = TEXT_MARK, .begin = r->at};
  unsigned char c = (unsigned char)*r->at;
  if (!c) {
    t.kind = TEXT_END;
  } else if (c == '\n') {
    t.kind = TEXT_LINE, r->at++;
  } else if (isalpha(c) || c == '_') {
    while (isalnum((unsigned char)*r->at) || *r->at == '_' || *r->at == '.') r->at++;
    t.kind = TEXT_WORD;
    t.name = net_intern_bytes(r->n, t.begin, (size_t)(r->at - t.begin));
  } else if (c == '"') {
    quoted(r, &t);
  } else if (isdigit(c) || c == '-') {
    char *end;
    strtod(r->at, &end);
    if (end > r->at) t.kind = TEXT_NUMBER;
    r->at = end > r->at ? end : r->at + 1;
  } else {
    r->depth += (c == '[' || c == '(' || c == '{') - (c == ']' || c == ')' || c == '}');
    r->at++;
  }
  t.end = r->at;
  return t;
}

void text_advance(text_reader *r) { r->token = next_token(r); }

bool text_is_mark(const text_reader *r, char mark) {
  return r->token.kind == TEXT_MARK && *r->token.begin == mark;
}
bool text_is_word(const text_reader *r, const char *word) {
  return r->token.kind == TEXT_WORD && !strcmp(net_text(r->n, r->token.name), word);
}

bool text_take_mark(text_reader *r, char mark) {
  bool is = text_is_mark(r, mark);
  if (is) text_advance(r);
  return is;
}

bool text_take_word(text_reader *r, const char *word) {
  bool is = text_is_word(r, word);
  if (is) text_advance(r);
  return is;
}

bool text_need_mark(text_reader *r, char mark) {
  char what[] = {'\'', mark, '\'', 0};
  return text_take_mark(r, mark) || text_expected(r, what);
}

bool text_need_name(text_reader *r, net_name *name) {
  if (r->token.kind != TEXT_WORD && r->token.kind != TEXT_QUOTED) return text_expected(r, "a name");
  *name = r->token.name;
  text_advance(r);
  return true;
}

bool text_need_int(text_reader *r, int64_t lo, int64_t hi, int64_t *value) {
  char *end;
  errno = 0;
  if (r->token.kind != TEXT_NUMBER) return text_expected(r, "an integer");
  *value = strtoll(r->token.begin, &end, 10);
  if (end != r->token.end || errno) return text_expected(r, "an integer");
  if (*value < lo || *value > hi) {
    net_error(r->n, text_loc_of(r, &r->token), "%lld is out of range", (long long)*value);
    return false;
  }
  text_advance(r);
  return true;
}

bool text_need_count(text_reader *r, int64_t lo, uint32_t *count) {
  int64_t value;
  if (!text_need_int(r, lo, INT32_MAX, &value)) return false;
  *count = (uint32_t)value;
  return true;
}

bool text_need_real(text_reader *r, double *value) {
  if (text_is_word(r, "inf")) *value = INFINITY;
  else if (text_is_word(r, "nan")) *value = NAN;
  else if (r->token.kind == TEXT_NUMBER) *value = strtod(r->token.begin, NULL);
  else return text_expected(r, "a number");
  text_advance(r);
  return true;
}
