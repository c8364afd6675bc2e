/* Tables as text, through libcsv: a header row with the columns' names, then rows of as many fields.
 * Separated by commas or, if the header has none, by semicolons or tabs; plain or gzip.
 *
 * The file is read once, when all wanted columns are known: numbers go into one matrix, labels into lists of
 * ids of their texts. */
#include "runtime/source.h"
#include "runtime/source_stream.h"

#include <csv.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { CSV_BLOCK = 64 * 1024 };

/* A wanted column; a field may be wanted several times. */
typedef struct {
  const char *label;
  net_loc where;
  uint32_t at;   /* numbers: column of the matrix */
  uint32_t next; /* 1 + index of the next one that wants the same field; 0: none */
  bool text;
  rt_texts texts;
  uint32_t *ids;
} wanted;

/* Row r begins in line r + 2 unless lines were blank or fields held line ends: so many more from a row on. */
typedef struct {
  uint64_t row, lines;
} jump;

typedef struct {
  rt_source *s;
  rt_stream stream;
  struct csv_parser parser;
  bool parsing, in_header, failed;
  char block[CSV_BLOCK];
  size_t have, at; /* of the block */
  NET_VEC(const char *) header;
  NET_VEC(wanted) wanted;
  uint32_t *takers; /* by field: 1 + index of the first that wants it; 0: none */
  uint32_t values;  /* width of the matrix */
  float *matrix;
  uint64_t rows, room;
  uint64_t line, row_line; /* where the parser is, and where the row began; from 1 */
  bool between_rows, after_return;
  uint32_t field;
  NET_VEC(jump) jumps;
} state;

/* ---- numbers ---- */

typedef enum { NUMBER, NOT_FINITE, NOT_A_NUMBER } parsed;

/* Decimal numbers, rounded once to double: exact products and quotients where both parts are exact (Clinger,
 * How to read floating point numbers accurately, 1990), else by strtod. */
static parsed parse_number(const char *text, size_t length, float *value) {
  static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char *p = text, *end = text + length;
  bool negative = *p == '-';
  p += *p == '-' || *p == '+';
  uint64_t mantissa = 0;
  int digits = 0, exponent = 0, written = 0;
  bool point = false;
  for (; p < end && (isdigit((unsigned char)*p) || (*p == '.' && !point)); p++) {
    if (*p == '.') point = true;
    else {
      digits++;
      if (mantissa < UINT64_MAX / 16) mantissa = mantissa * 10 + (unsigned)(*p - '0'), exponent -= point;
      else exponent += !point;
    }
  }
  if (!digits) {
    const char *word = text + (*text == '-' || *text == '+');
    bool special = !strcasecmp(word, "nan") || !strcasecmp(word, "inf") || !strcasecmp(word, "infinity");
    return special ? NOT_FINITE : NOT_A_NUMBER;
  }
  if (p < end && (*p == 'e' || *p == 'E')) {
    bool down = p + 1 < end && p[1] == '-';
    p += 1 + (p + 1 < end && (p[1] == '-' || p[1] == '+'));
    if (p == end) return NOT_A_NUMBER;
    for (; p < end && isdigit((unsigned char)*p); p++)
      if (written < 100000) written = written * 10 + (*p - '0');
    exponent += down ? -written : written;
  }
  if (p < end) return NOT_A_NUMBER;
  double x;
  if (mantissa <= UINT64_C(1) << 53 && exponent >= -22 && exponent <= 22)
    x = exponent < 0 ? (double)mantissa / tens[-exponent] : (double)mantissa * tens[exponent];
  else x = fabs(strtod(text, NULL));
  *value = (float)(negative ? -x : x);
  return isfinite(*value) ? NUMBER : NOT_FINITE;
}

/* ---- parsing ---- */

static void take_number(state *st, const wanted *w, const char *text, size_t length) {
  netc *n = st->s->n;
  parsed how = length ? parse_number(text, length, &st->matrix[st->rows * st->values + w->at]) : NOT_A_NUMBER;
  if (how == NUMBER) return;
  st->failed = true;
  if (!length)
    net_error(n, w->where, "%s: line %" PRIu64 ": the field is empty: every row needs a value", w->label,
              st->row_line);
  else if (how == NOT_FINITE)
    net_error(n, w->where, "%s: line %" PRIu64 ": %s is not finite in 32 bits", w->label, st->row_line,
              rt_shown(n, text));
  else
    net_error(n, w->where, "%s: line %" PRIu64 ": '%s' is not a number", w->label, st->row_line,
              rt_shown(n, text));
}

static void on_field(void *data, size_t length, void *context) {
  state *st = context;
  const char *text = data ? data : "";
  netc *n = st->s->n;
  uint32_t field = st->field++;
  if (st->failed) return;
  if (st->in_header) {
    net_vec_push(&n->arena, &st->header, net_arena_copy(&n->arena, text, length));
    return;
  }
  if (field >= st->header.count) {
    net_error(n, st->s->spec->where, "%s: line %" PRIu64 " has more fields than the header row, which has %u",
              st->s->spec->path, st->row_line, st->header.count);
    st->failed = true;
    return;
  }
  for (uint32_t i = st->takers[field]; i && !st->failed; i = st->wanted.at[i - 1].next) {
    wanted *w = &st->wanted.at[i - 1];
    if (w->text) w->ids[st->rows] = rt_texts_add(&w->texts, text, length, st->rows);
    else take_number(st, w, text, length);
  }
}

/* Room for one more row. */
static void make_room(state *st) {
  if (st->rows < st->room) return;
  uint64_t room = st->room ? st->room * 2 : 1024;
  float *matrix = st->values ? realloc(st->matrix, room * st->values * sizeof *matrix) : NULL;
  bool ok = matrix || !st->values;
  if (matrix) st->matrix = matrix;
  for (uint32_t i = 0; i < st->wanted.count && ok; i++) {
    wanted *w = &st->wanted.at[i];
    uint32_t *ids = w->text ? realloc(w->ids, room * sizeof *ids) : NULL;
    ok = ids || !w->text;
    if (ids) w->ids = ids;
  }
  st->room = room;
  if (ok) return;
  net_error(st->s->n, st->s->spec->where, "%s: no memory for %" PRIu64 " rows", st->s->spec->path, room);
  st->failed = true;
}

static void on_row(int end, void *context) {
  (void)end;
  state *st = context;
  netc *n = st->s->n;
  uint32_t fields = st->field;
  st->field = 0;
  st->between_rows = true;
  if (st->failed) return;
  if (st->in_header) {
    st->in_header = false;
    return;
  }
  if (fields < st->header.count) {
    net_error(n, st->s->spec->where, "%s: line %" PRIu64 " has %u field%s, but the header row has %u",
              st->s->spec->path, st->row_line, fields, fields == 1 ? "" : "s", st->header.count);
    st->failed = true;
    return;
  }
  uint64_t lines = st->row_line - (st->rows + 2);
  if (lines != (st->jumps.count ? st->jumps.at[st->jumps.count - 1].lines : 0))
    net_vec_push(&n->arena, &st->jumps, (jump){st->rows, lines});
  st->rows++;
  make_room(st);
}

static bool blank(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (!isspace((unsigned char)text[i])) return false;
  return true;
}

/* Where the line ends, at a line feed or a carriage return (both end rows for libcsv), or NULL. */
static const char *line_end(const char *text, size_t length) {
  const char *feed = memchr(text, '\n', length);
  const char *back = memchr(text, '\r', feed ? (size_t)(feed - text) : length);
  return back ? back : feed;
}

/* Parses to the end of a line or of the block; done: the file has ended. */
static bool parse_some(state *st, bool *done) {
  if (st->at == st->have) {
    if (!rt_stream_read_some(&st->stream, st->block, CSV_BLOCK, &st->have)) return false;
    st->at = 0;
  }
  *done = !st->have;
  const char *text = st->block + st->at, *end = line_end(text, st->have - st->at);
  size_t length = end ? (size_t)(end - text) + 1 : st->have - st->at;
  if (st->between_rows && !blank(text, length)) {
    st->between_rows = false;
    st->row_line = st->line;
  }
  bool ok = *done ? !csv_fini(&st->parser, on_field, on_row, st)
                  : csv_parse(&st->parser, text, length, on_field, on_row, st) == length;
  if (!ok && !st->failed)
    net_error(st->s->n, st->s->spec->where, "%s: line %" PRIu64 ": %s", st->s->spec->path, st->row_line,
              *done ? "a quoted field does not end"
              : csv_error(&st->parser) == CSV_EPARSE
                  ? "a quote stands within a field: double it, and quote the field"
                  : csv_strerror(csv_error(&st->parser)));
  st->at += length;
  st->line += end && !(st->after_return && *text == '\n'); /* which belongs to the line before */
  st->after_return = end && *end == '\r';
  return ok && !st->failed;
}

/* The separator: what the first line has most reason to be separated by. */
static char separator(const char *text, size_t length) {
  bool quoted = false, semicolon = false, tab = false;
  for (size_t i = 0; i < length && text[i] != '\n' && text[i] != '\r'; i++) {
    quoted ^= text[i] == '"';
    if (quoted) continue;
    if (text[i] == ',') return ',';
    semicolon |= text[i] == ';';
    tab |= text[i] == '\t';
  }
  return semicolon ? ';' : tab ? '\t' : ',';
}

static bool open_table(rt_source *s) {
  state *st = s->state = NET_NEW(&s->n->arena, state);
  st->s = s;
  st->in_header = st->between_rows = true;
  st->line = st->row_line = 1;
  if (!rt_stream_open_file(s->n, s->spec->where, s->spec->path, &st->stream)) return false;
  if (csv_init(&st->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL)) return false;
  st->parsing = true;
  if (!rt_stream_read_some(&st->stream, st->block, CSV_BLOCK, &st->have)) return false;
  if (st->have >= 3 && !memcmp(st->block, "\xEF\xBB\xBF", 3)) st->at = 3; /* byte order mark */
  csv_set_delim(&st->parser, (unsigned char)separator(st->block + st->at, st->have - st->at));
  for (bool done = false; st->in_header && !done;)
    if (!parse_some(st, &done)) return false;
  if (!st->header.count) net_error(s->n, s->spec->where, "%s has no header row: it is blank", s->spec->path);
  st->takers = NET_NEW_ARRAY(&s->n->arena, uint32_t, st->header.count);
  return st->header.count;
}

static void close_table(rt_source *s) {
  state *st = s->state;
  for (uint32_t i = 0; i < st->wanted.count; i++) free(st->wanted.at[i].ids);
  free(st->matrix);
  if (st->parsing) csv_free(&st->parser);
  rt_stream_close(&st->stream);
}

/* ---- finding and reading ---- */

static void want(state *st, const rt_ask *ask, uint32_t field, bool text) {
  netc *n = st->s->n;
  wanted w = {.label = net_arena_format(&n->arena, "%s: column '%s'", st->s->spec->path,
                                        rt_shown(n, st->header.at[field])),
              .where = ask->where,
              .next = st->takers[field],
              .text = text};
  if (text) rt_texts_init(&w.texts, &n->arena);
  else w.at = st->values++;
  st->takers[field] = net_vec_push(&n->arena, &st->wanted, w) + 1;
}

static bool find(rt_source *s, const rt_ask *ask, rt_dataset *found) {
  state *st = s->state;
  uint32_t count = st->header.count, field = count, matches = 0;
  *found = (rt_dataset){.name = ask->name, .label = s->spec->path, .where = ask->where};
  found->own = (void *)(uintptr_t)st->wanted.count;
  if (!ask->name) { /* all of them: side by side in the matrix */
    for (field = 0; field < count; field++) want(st, ask, field, false);
    found->row = (net_shape){.rank = 1, .dim = {count}};
    found->elements = st->header.at;
    found->element_count = count;
    return true;
  }
  for (uint32_t i = 0; i < count; i++)
    if (!strcmp(st->header.at[i], ask->name)) field = i, matches++;
  if (matches > 1) net_error(s->n, ask->where, "%s has %u columns '%s'", s->spec->path, matches, ask->name);
  if (!matches)
    rt_report_missing(s->n, ask->where, s->spec->path, "column", ask->name, st->header.at, NULL, count);
  if (matches != 1) return false;
  found->text = ask->role == RT_ROLE_CLASS;
  want(st, ask, field, found->text);
  found->label = st->wanted.at[st->wanted.count - 1].label;
  return true;
}

static bool settle(rt_source *s, uint64_t *rows) {
  state *st = s->state;
  make_room(st);
  for (bool done = false; !done && !st->failed;)
    if (!parse_some(st, &done)) return false;
  *rows = st->rows;
  return !st->failed;
}

static bool read_numbers(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, net_type type,
                         void *to, uint64_t stride) {
  const state *st = s->state;
  const float *from = st->matrix + first * st->values + st->wanted.at[(uintptr_t)d->own].at;
  uint64_t width = net_shape_elements(&d->row);
  for (uint64_t r = 0; r < rows; r++, from += st->values)
    for (uint64_t i = 0; i < width; i++)
      if (type == NET_F32) ((float *)to)[r * stride + i] = from[i];
      else ((double *)to)[r * stride + i] = (double)from[i];
  return true;
}

static bool read_texts(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, rt_texts *texts,
                       uint32_t *ids) {
  const state *st = s->state;
  const wanted *w = &st->wanted.at[(uintptr_t)d->own];
  for (uint64_t r = first; r < first + rows; r++) {
    const char *text = net_names_text(&w->texts.names, (net_name){w->ids[r]});
    *ids++ = rt_texts_add(texts, text, strlen(text), r);
  }
  return true;
}

static uint64_t line(const rt_source *s, uint64_t row) {
  const state *st = s->state;
  uint64_t lines = 0;
  for (uint32_t i = 0; i < st->jumps.count && st->jumps.at[i].row <= row; i++) lines = st->jumps.at[i].lines;
  return row + 2 + lines;
}

const rt_source_functions rt_source_csv = {.open = open_table,
                                           .find = find,
                                           .settle = settle,
                                           .read = read_numbers,
                                           .read_text = read_texts,
                                           .line = line,
                                           .scattered = true,
                                           .close = close_table};
