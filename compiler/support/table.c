#include "support/table.h"

net_table net_table_new(net_arena *arena, uint32_t columns, const char *const *titles,
                        const char *alignment) {
  return (net_table){.arena = arena, .columns = columns, .titles = titles, .alignment = alignment};
}

void net_table_add(net_table *table, const char *cell) {
  net_vec_push(table->arena, &table->cells, cell ? net_arena_copy(table->arena, cell, strlen(cell)) : "");
}

void net_table_format(net_table *table, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  net_vec_push(table->arena, &table->cells, net_arena_vformat(table->arena, format, arguments));
  va_end(arguments);
}

/* columns on a terminal that a UTF-8 text takes, if each character takes one */
static uint32_t width(const char *text) {
  uint32_t n = 0;
  for (; *text; text++) n += (*text & 0xC0) != 0x80;
  return n;
}

/* In Markdown a bar within a cell would end it, and so would a line's end anywhere. */
static const char *escaped(net_arena *arena, const char *text, net_table_form form) {
  const char *unsafe = form == NET_TABLE_MARKDOWN ? "|\r\n" : "\r\n";
  if (form == NET_TABLE_CSV || !strpbrk(text, unsafe)) return text;
  char *copy = net_arena_alloc(arena, 2 * strlen(text) + 1, 1), *at = copy;
  for (; *text; text++) {
    if (*text == '|' && form == NET_TABLE_MARKDOWN) *at++ = '\\';
    *at++ = *text == '\r' || *text == '\n' ? ' ' : *text;
  }
  return copy;
}

static void print_csv_cell(FILE *to, const char *text) {
  if (!strpbrk(text, ",\"\r\n")) {
    fputs(text, to);
    return;
  }
  putc('"', to);
  for (; *text; text++) {
    if (*text == '"') putc('"', to);
    putc(*text, to);
  }
  putc('"', to);
}

static const char *cell(const net_table *t, net_table_form form, uint32_t row, uint32_t column) {
  uint32_t at = row * t->columns + column;
  return at < t->cells.count ? escaped(t->arena, t->cells.at[at], form) : "";
}

static void print_padded(FILE *to, const char *text, uint32_t room, char alignment, bool last) {
  uint32_t gap = room > width(text) ? room - width(text) : 0;
  if (alignment == 'r') fprintf(to, "%*s%s", (int)gap, "", text);
  else fprintf(to, "%s%*s", text, last ? 0 : (int)gap, "");
}

static void print_row(FILE *to, const net_table *t, const uint32_t *room, net_table_form form, int64_t row) {
  for (uint32_t c = 0; c < t->columns; c++) {
    const char *text = row < 0 ? t->titles[c] : cell(t, form, (uint32_t)row, c);
    bool last = c + 1 == t->columns && form == NET_TABLE_TEXT;
    if (form == NET_TABLE_MARKDOWN) fputs(c ? " | " : "| ", to);
    else if (c) fputs(form == NET_TABLE_CSV ? "," : "  ", to);
    if (form == NET_TABLE_CSV) print_csv_cell(to, text);
    else print_padded(to, text, room[c], t->alignment[c], last);
  }
  fputs(form == NET_TABLE_MARKDOWN ? " |\n" : "\n", to);
}

void net_table_print(FILE *to, const net_table *t, net_table_form form) {
  uint32_t rows = t->cells.count / t->columns, *room = NET_NEW_ARRAY(t->arena, uint32_t, t->columns);
  for (uint32_t c = 0; c < t->columns; c++) {
    room[c] = width(t->titles[c]);
    for (uint32_t r = 0; r < rows; r++)
      if (width(cell(t, form, r, c)) > room[c]) room[c] = width(cell(t, form, r, c));
  }
  print_row(to, t, room, form, -1);
  if (form != NET_TABLE_CSV) {
    for (uint32_t c = 0; c < t->columns; c++) {
      bool right = t->alignment[c] == 'r' && form == NET_TABLE_MARKDOWN;
      if (form == NET_TABLE_MARKDOWN) fputs(c ? " | " : "| ", to);
      else if (c) fputs("  ", to);
      for (uint32_t i = 0; i + right < room[c]; i++) putc('-', to);
      if (right) putc(':', to);
    }
    fputs(form == NET_TABLE_MARKDOWN ? " |\n" : "\n", to);
  }
  for (uint32_t r = 0; r < rows; r++) print_row(to, t, room, form, r);
}

const char *net_thousands(net_arena *arena, double value) {
  const char *digits = net_arena_format(arena, "%.0f", value);
  size_t length = strlen(digits), sign = digits[0] == '-';
  char *text = net_arena_alloc(arena, length * 2 + 1, 1), *at = text;
  for (size_t i = 0; i < length; i++) {
    if (i > sign && (length - i) % 3 == 0) *at++ = ',';
    *at++ = digits[i];
  }
  return text;
}
