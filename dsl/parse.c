#include "dsl/parse.h"

#include "dsl/parser.h"
#include "dsl/reader.h"

#include <ctype.h>
#include <strings.h>

enum { LARGEST = 16 << 20 }; /* bytes; programs are written by people */

/* ---- texts that are no programs ---- */

/* The length of the UTF-8 character at text, 0 if it is none: RFC 3629, section 4. */
static uint32_t utf8_length(const unsigned char *text, uint32_t left) {
  static const struct {
    unsigned char first, last, low, high; /* of the lead byte, and of the second byte */
    uint32_t length;
  } forms[] = {
      {0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
      {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
      {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
  };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    uint32_t length = forms[i].length;
    if (text[0] < forms[i].first || text[0] > forms[i].last) continue;
    if (length > left || (length > 1 && (text[1] < forms[i].low || text[1] > forms[i].high))) return 0;
    for (uint32_t k = 2; k < length; k++)
      if ((text[k] & 0xC0) != 0x80) return 0;
    return length;
  }
  return 0;
}

static bool check_characters(netc *n, const net_source *s) {
  const unsigned char *text = (const unsigned char *)s->text;
  if (s->length >= 2 && ((text[0] == 0xFF && text[1] == 0xFE) || (text[0] == 0xFE && text[1] == 0xFF)))
    return net_error(n, (net_loc){s->base, s->base + 1}, "this text is in UTF-16: save it as UTF-8"), false;
  for (uint32_t i = 0, length; i < s->length; i += length) {
    net_loc here = {s->base + i, s->base + i + 1};
    length = utf8_length(text + i, s->length - i);
    if (!text[i]) return net_error(n, here, "a NUL byte: this is no text, or a damaged one"), false;
    if (!length)
      return net_error(n, here, "byte 0x%02x is not UTF-8 here: save the text as UTF-8", text[i]), false;
  }
  return true;
}

/* Other programs call their files .net, too. */
static bool check_kin(netc *n, const net_source *s) {
  static const struct {
    const char *first, *whose, *what;
  } kin[] = {
      {"FANN_FLO_", "FANN", "a trained network"},
      {"FANN_FIX_", "FANN", "a trained fixed-point network"},
      {"*Vertices", "Pajek", "a graph"},
      {"*Network", "Pajek", "a graph"},
      {"*Arcs", "Pajek", "a graph"},
      {"*Edges", "Pajek", "a graph"},
  };
  uint32_t at = 0;
  while (at < s->length && (isspace((unsigned char)s->text[at]) || s->text[at] == '%')) /* Pajek's comments */
    if (s->text[at++] == '%')
      while (at < s->length && s->text[at] != '\n') at++;
  for (size_t i = 0; i < sizeof kin / sizeof *kin; i++) {
    size_t length = strlen(kin[i].first);
    if (length > s->length - at || strncasecmp(s->text + at, kin[i].first, length)) continue;
    net_loc where = {s->base + at, s->base + at + (uint32_t)length};
    net_error(n, where,
              "this is a .net file of %s (%s), and not a program of netc, which would begin like "
              "'network name(x: f32[16]) {'",
              kin[i].whose, kin[i].what);
    return false;
  }
  return true;
}

/* ---- parsing ---- */

static bool parse(net_reader *r) {
  const net_source *s = r->source;
  if (s->length > LARGEST) {
    net_error(r->n, (net_loc){s->base, s->base}, "this file has more than %d MiB: it cannot be a program",
              LARGEST >> 20);
    return false;
  }
  if (!check_characters(r->n, s) || !check_kin(r->n, s) || !net_reader_scan(r)) return false;
  return net_yyparse(r) == 0 && r->errors == 0;
}

net_file *net_parse(netc *n, uint32_t source) {
  net_file *file = NET_NEW(&n->arena, net_file);
  file->source = source;
  net_reader r = {.n = n, .source = &n->sources.files.at[source], .start = TOK_START_PROGRAM, .file = file};
  if (!parse(&r)) return NULL;
  net_reader_trivia(&r, file);
  return file;
}

bool net_parse_setting(netc *n, uint32_t source, net_dotted *path, net_expr **value) {
  net_reader r = {.n = n, .source = &n->sources.files.at[source], .start = TOK_START_SETTING};
  if (!parse(&r)) return false;
  *path = r.setting_path;
  *value = r.setting_value;
  return true;
}
