#include "pictures/html.h"

static const char style[] =
    "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid #ccc}"
    "table{border-collapse:collapse;margin:1em 0}th,td{padding:.15em .8em;border-bottom:1px solid #ddd}"
    "th{text-align:left;border-bottom:2px solid #888}.r{text-align:right;font-variant-numeric:tabular-nums}"
    "pre{background:#f5f5f5;padding:.8em;overflow-x:auto;line-height:1.25}figure{margin:1em 0}"
    "figure svg{max-width:100%;height:auto}figcaption{color:#555}div.wide{overflow-x:auto}";

static void escape(FILE *to, const char *text) {
  for (; *text; text++) {
    switch (*text) {
    case '<': fputs("&lt;", to); break;
    case '>': fputs("&gt;", to); break;
    case '&': fputs("&amp;", to); break;
    case '"': fputs("&quot;", to); break;
    default: putc(*text, to);
    }
  }
}

static void element(FILE *to, const char *name, const char *text) {
  fprintf(to, "<%s>", name);
  escape(to, text);
  fprintf(to, "</%s>\n", name);
}

void pic_html_begin(FILE *to, const char *title) {
  fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n",
        to);
  element(to, "title", title);
  fprintf(to, "<style>%s</style>\n</head>\n<body>\n", style);
  element(to, "h1", title);
}

void pic_html_heading(FILE *to, const char *text) { element(to, "h2", text); }
void pic_html_paragraph(FILE *to, const char *text) { element(to, "p", text); }
void pic_html_text(FILE *to, const char *text) { element(to, "pre", text); }

static void cell(FILE *to, const char *name, char alignment, const char *text) {
  fprintf(to, "<%s%s>", name, alignment == 'r' ? " class=\"r\"" : "");
  if (text) escape(to, text);
  fprintf(to, "</%s>", name);
}

void pic_html_table(FILE *to, const net_table *table) {
  fputs("<div class=\"wide\"><table>\n<tr>", to);
  for (uint32_t c = 0; c < table->columns; c++) cell(to, "th", table->alignment[c], table->titles[c]);
  fputs("</tr>\n", to);
  for (uint32_t i = 0; i < table->cells.count; i++) {
    uint32_t c = i % table->columns;
    if (!c) fputs("<tr>", to);
    cell(to, "td", table->alignment[c], table->cells.at[i]);
    if (c + 1 == table->columns) fputs("</tr>\n", to);
  }
  fputs("</table></div>\n", to);
}

void pic_html_figure(FILE *to, const char *svg, const char *caption) {
  fprintf(to, "<figure>\n%s\n", svg);
  if (caption) element(to, "figcaption", caption);
  fputs("</figure>\n", to);
}

void pic_html_end(FILE *to) { fputs("</body>\n</html>\n", to); }
