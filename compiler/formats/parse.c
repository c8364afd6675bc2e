/* The text of a format (print.c), read back: integer(8, 4, rounding = floor),
 * block_fp(8, 8, block = [4, -1]). */
#include "formats/list.h"

#include <ctype.h>

typedef struct {
  netc *n;
  const char *text, *at, *end;
  net_loc loc; /* of the whole text */
} reader;

enum { MOST_DIGITS = 15 };

static bool refuse(const reader *r, const char *wanted) {
  if (r->at == r->end)
    net_error(r->n, r->loc, "format '%.*s' ends where %s should be", (int)(r->end - r->text), r->text,
              wanted);
  else
    net_error(r->n, r->loc, "format '%.*s' has '%c' where %s should be", (int)(r->end - r->text), r->text,
              isprint((unsigned char)*r->at) ? *r->at : '?', wanted);
  return false;
}

static bool sees(reader *r, char mark) {
  while (r->at < r->end && *r->at == ' ') r->at++;
  return r->at < r->end && *r->at == mark;
}

static bool takes(reader *r, char mark) { return sees(r, mark) && (r->at++, true); }

static bool starts_word(reader *r) {
  while (r->at < r->end && *r->at == ' ') r->at++;
  return r->at < r->end && (isalpha((unsigned char)*r->at) || *r->at == '_');
}

static const char *word(reader *r) {
  const char *begin = r->at;
  while (r->at < r->end && (isalnum((unsigned char)*r->at) || *r->at == '_')) r->at++;
  return net_text(r->n, net_intern_bytes(r->n, begin, (size_t)(r->at - begin)));
}

static bool whole_number(reader *r, int64_t *value) {
  bool negative = takes(r, '-');
  int digits = 0;
  for (*value = 0; r->at < r->end && isdigit((unsigned char)*r->at) && digits < MOST_DIGITS;
       r->at++, digits++)
    *value = *value * 10 + (*r->at - '0');
  if (negative) *value = -*value;
  return digits ? true : refuse(r, "a whole number");
}

static bool list(reader *r, net_shape *ints) {
  *ints = (net_shape){0};
  if (takes(r, ']')) return true;
  do {
    int64_t value;
    if (ints->rank == NET_MAX_RANK) {
      net_error(r->n, r->loc, "format '%.*s' has a list of more than %d numbers", (int)(r->end - r->text),
                r->text, NET_MAX_RANK);
      return false;
    }
    if (!whole_number(r, &value)) return false;
    if (value < -1 || value > INT32_MAX) value = 0; /* which no list takes */
    ints->dim[ints->rank++] = (uint32_t)value;
  } while (takes(r, ','));
  return takes(r, ']') ? true : refuse(r, "']'");
}

static bool argument(reader *r, net_format_argument *given) {
  *given = (net_format_argument){.loc = r->loc};
  const char *name = starts_word(r) ? word(r) : NULL;
  if (name && takes(r, '=')) given->name = name, name = starts_word(r) ? word(r) : NULL;
  if (name && net_format_word_takes_number(name) && takes(r, '(')) {
    int64_t number;
    if (!whole_number(r, &number)) return false;
    if (!takes(r, ')')) return refuse(r, "')'");
    name = net_arena_format(&r->n->arena, "%s(%lld)", name, (long long)number);
  }
  if (name) {
    given->integer = !strcmp(name, "true");
    given->kind = given->integer || !strcmp(name, "false") ? NET_FORMAT_BOOL : NET_FORMAT_WORD;
    given->word = name;
    return true;
  }
  given->kind = takes(r, '[') ? NET_FORMAT_INTS : NET_FORMAT_INT;
  return given->kind == NET_FORMAT_INTS ? list(r, &given->ints) : whole_number(r, &given->integer);
}

bool net_format_parse(netc *n, const char *text, size_t length, net_loc loc, uint32_t *id) {
  reader r = {.n = n, .text = text, .at = text, .end = text + length, .loc = loc};
  net_format_argument given[FM_MAX_ARGUMENTS];
  uint32_t count = 0;
  if (!starts_word(&r)) return refuse(&r, "a name");
  const char *name = word(&r);
  if (takes(&r, '(')) {
    do {
      if (count == FM_MAX_ARGUMENTS) {
        net_error(n, loc, "format '%.*s' has more than %d arguments", (int)length, text, FM_MAX_ARGUMENTS);
        return false;
      }
      if (!argument(&r, &given[count++])) return false;
    } while (takes(&r, ','));
    if (!takes(&r, ')')) return refuse(&r, "',' or ')'");
  }
  while (r.at < r.end && *r.at == ' ') r.at++;
  if (r.at < r.end) return refuse(&r, "the end");
  return net_format_make(n, name, given, count, loc, id);
}
