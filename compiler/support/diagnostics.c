#include "support/netc.h"

#include "support/json.h"

#include <errno.h>

void net_diagnostics_init(net_diagnostics *diagnostics, net_arena *arena) {
  *diagnostics = (net_diagnostics){.arena = arena};
}

static void report(netc *n, net_severity severity, net_loc where, const char *format, va_list arguments) {
  net_diagnostics *d = &n->diagnostics;
  net_diagnostic one = {severity, where, net_arena_vformat(d->arena, format, arguments)};
  net_vec_push(d->arena, &d->list, one);
  d->errors += severity == NET_ERROR;
  d->faults += severity == NET_FAULT;
  d->warnings += severity == NET_WARNING;
}

#define NET_REPORT(name, severity)                                                                           \
  void name(netc *n, net_loc where, const char *format, ...) {                                               \
    va_list arguments;                                                                                       \
    va_start(arguments, format);                                                                             \
    report(n, severity, where, format, arguments);                                                           \
    va_end(arguments);                                                                                       \
  }
NET_REPORT(net_error, NET_ERROR)
NET_REPORT(net_fault, NET_FAULT)
NET_REPORT(net_warning, NET_WARNING)
NET_REPORT(net_note, NET_NOTE)

void net_diagnostics_forget(struct netc *n, const net_diagnostics *before) {
  n->diagnostics.list.count = before->list.count;
  n->diagnostics.errors = before->errors;
  n->diagnostics.faults = before->faults;
  n->diagnostics.warnings = before->warnings;
}

void net_error_errno(netc *n, net_loc where, const char *verb, const char *path) {
  net_error(n, where, "cannot %s %s: %s", verb, path, strerror(errno));
}

static const struct {
  const char *name, *color;
} severities[] = {
    [NET_ERROR] = {"error", "\033[1;31m"},
    [NET_FAULT] = {"fault of netc", "\033[1;31m"},
    [NET_WARNING] = {"warning", "\033[1;35m"},
    [NET_NOTE] = {"note", "\033[1;36m"},
};

/* The line with a caret under its first character and tildes under the rest that lies on the line. */
static void print_line(FILE *to, net_position p, net_loc where, const char *on, const char *off) {
  fprintf(to, "%5u | %.*s\n      | ", p.line, (int)p.line_length, p.line_text);
  uint32_t begin = where.begin - p.source->base - (uint32_t)(p.line_text - p.source->text);
  uint32_t end = begin + (where.end > where.begin ? where.end - where.begin : 1);
  if (end > p.line_length) end = p.line_length;
  for (uint32_t i = 0; i < begin && i < p.line_length; i++)
    if ((p.line_text[i] & 0xC0) != 0x80) putc(p.line_text[i] == '\t' ? '\t' : ' ', to);
  fprintf(to, "%s^", on);
  for (uint32_t i = begin + 1; i < end; i++)
    if ((p.line_text[i] & 0xC0) != 0x80) putc('~', to);
  fprintf(to, "%s\n", off);
}

static void print_text(netc *n, FILE *to, const net_diagnostic *d, bool color) {
  net_position p = net_sources_find(&n->sources, d->where);
  const char *on = color ? severities[d->severity].color : "", *off = color ? "\033[0m" : "";
  if (p.source) fprintf(to, "%s:%u:%u: ", p.source->path, p.line, p.column);
  else fprintf(to, "netc: ");
  fprintf(to, "%s%s:%s %s\n", on, severities[d->severity].name, off, d->message);
  if (p.source) print_line(to, p, d->where, on, off);
}

static void print_json(netc *n, FILE *to, const net_diagnostic *d) {
  net_position p = net_sources_find(&n->sources, d->where);
  net_json_print(to, json_pack("{s:s, s:o, s:o, s:o, s:o}", "severity", severities[d->severity].name, "file",
                               net_json_text(p.source ? p.source->path : NULL), "line",
                               p.source ? json_integer(p.line) : json_null(), "column",
                               p.source ? json_integer(p.column) : json_null(), "message",
                               net_json_text(d->message)));
}

void net_diagnostics_flush(netc *n, FILE *to, net_diagnostics_form form, bool color) {
  net_diagnostics *d = &n->diagnostics;
  for (; d->printed < d->list.count; d->printed++) {
    if (form == NET_DIAGNOSTICS_JSON) print_json(n, to, &d->list.at[d->printed]);
    else print_text(n, to, &d->list.at[d->printed], color);
  }
  fflush(to);
}

/* Optimal string alignment: insertions, deletions, replacements, and swaps of neighbours cost 1. */
static unsigned distance(const char *a, const char *b) {
  enum { LONGEST = 64 };
  size_t m = strlen(a), n = strlen(b);
  if (m > LONGEST || n > LONGEST) return LONGEST;
  unsigned row[LONGEST + 1][LONGEST + 1];
  for (size_t i = 0; i <= m; i++) row[i][0] = (unsigned)i;
  for (size_t j = 0; j <= n; j++) row[0][j] = (unsigned)j;
  for (size_t i = 1; i <= m; i++)
    for (size_t j = 1; j <= n; j++) {
      unsigned best = row[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (row[i - 1][j] + 1 < best) best = row[i - 1][j] + 1;
      if (row[i][j - 1] + 1 < best) best = row[i][j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && row[i - 2][j - 2] + 1 < best)
        best = row[i - 2][j - 2] + 1;
      row[i][j] = best;
    }
  return row[m][n];
}

const char *net_nearest(const char *word, const char *const *candidates, uint32_t count) {
  const char *best = NULL;
  unsigned limit = (unsigned)strlen(word) / 3 + (strlen(word) < 3), least = limit + 1;
  for (uint32_t i = 0; i < count; i++) {
    unsigned d = distance(word, candidates[i]);
    if (d < least) least = d, best = candidates[i];
  }
  return best;
}
