#include "dsl/printer.h"

enum {
  WIDEST_HEAD = 32,   /* longer ones are not aligned */
  WIDEST_BESIDE = 60, /* comments beside longer lines follow two spaces behind */
};

net_printer net_printer_new(netc *n) { return (net_printer){.n = n, .line = {.n = n}}; }

void net_print(net_printer *p, const char *text) {
  net_flat_put(&p->line, text);
  p->column += net_text_width(text, (uint32_t)strlen(text));
}

void net_print_flat(net_printer *p, const net_flat *flat) {
  for (uint32_t i = 0; i < flat->text.count; i++) net_vec_push(&p->n->arena, &p->line.text, flat->text.at[i]);
  p->column += net_text_width(flat->text.at, flat->text.count);
}

void net_print_pad(net_printer *p, uint32_t column) {
  while (p->column < column) net_print(p, " ");
}

void net_print_comment(net_printer *p, net_name comment) {
  uint32_t length = p->line.text.count;
  while (length && p->line.text.at[length - 1] == ' ') length--;
  const char *text = net_arena_copy(&p->n->arena, length ? p->line.text.at : "", length);
  net_line line = {text, net_text_width(text, length), comment};
  net_vec_push(&p->n->arena, &p->lines, line);
  p->line.text.count = 0;
  p->column = 0;
}

void net_print_line(net_printer *p) { net_print_comment(p, (net_name){0}); }

void net_print_above(net_printer *p, const net_trivia *trivia, uint32_t indent, bool first) {
  if (!trivia) return;
  for (uint32_t i = 0; i < trivia->above.count; i++) {
    if (trivia->above.at[i].blank && !first) net_print_line(p);
    first = false;
    net_print_pad(p, indent);
    net_print(p, net_text(p->n, trivia->above.at[i].text));
    net_print_line(p);
  }
  if (trivia->blank && !first) net_print_line(p);
}

bool net_print_fits(const net_printer *p, const net_flat *flat) {
  return !flat->broken && p->column + net_text_width(flat->text.at, flat->text.count) < NET_FORMAT_WIDTH;
}

/* ---- alignment ---- */

void net_rows_align(net_row *rows, uint32_t count, uint32_t indent) {
  for (uint32_t first = 0, end; first < count; first = end) {
    uint32_t widest = 0;
    for (end = first; end < count && rows[end].class && rows[end].class == rows[first].class; end++) {
      if (rows[end].head > WIDEST_HEAD) break;
      if (rows[end].head > widest) widest = rows[end].head;
    }
    bool fit = true;
    for (uint32_t i = first; i < end; i++) fit &= indent + widest + rows[i].rest < NET_FORMAT_WIDTH;
    for (uint32_t i = first; i < end && fit; i++) rows[i].gap = widest - rows[i].head;
    if (end == first) end++;
  }
}

static uint32_t indent_of(const net_line *line) { return (uint32_t)strspn(line->text, " "); }

/* Where the comments of a run of lines stand: neighbours, equally indented, without a blank line between. */
static uint32_t comment_column(const net_line *lines, uint32_t count) {
  uint32_t widest = 0;
  for (uint32_t i = 0; i < count; i++)
    if (lines[i].comment.id && lines[i].width <= WIDEST_BESIDE && lines[i].width > widest)
      widest = lines[i].width;
  return widest + 2;
}

const char *net_print_finish(net_printer *p) {
  net_flat out = {.n = p->n};
  for (uint32_t first = 0, end; first < p->lines.count; first = end) {
    const net_line *lines = &p->lines.at[first];
    for (end = first + 1; end < p->lines.count; end++)
      if (!p->lines.at[end].width || indent_of(&p->lines.at[end]) != indent_of(lines)) break;
    uint32_t column = comment_column(lines, end - first);
    for (uint32_t i = 0; i < end - first; i++) {
      net_flat_put(&out, lines[i].text);
      if (lines[i].comment.id) {
        uint32_t at = lines[i].width ? lines[i].width + 2 : 0;
        for (uint32_t k = lines[i].width; k < (at > column ? at : column); k++) net_flat_put(&out, " ");
        net_flat_name(&out, lines[i].comment);
      }
      net_flat_put(&out, "\n");
    }
  }
  return net_arena_copy(&p->n->arena, out.text.count ? out.text.at : "", out.text.count);
}
