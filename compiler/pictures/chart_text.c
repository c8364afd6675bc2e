/* Charts on a terminal. A cell holds one mark; bars fill cells by eighths. */
#include "pictures/chart.h"

#include "support/table.h"

#include <math.h>

enum { LABEL = 10 }; /* columns left of the axis */

static const char *const marks[] = {"*", "+", "o", "x", "#", "@", "%", "&"};
enum { MARKS = sizeof marks / sizeof *marks };
static const char *const eighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

typedef struct {
  const pic_chart *chart;
  pic_frame frame;
  uint32_t columns, lines;
  const char **cells; /* from the top left */
} canvas;

static double scaled(double v, double low, double high, bool logarithmic) {
  return logarithmic ? (log(v) - log(low)) / (log(high) - log(low)) : (v - low) / (high - low);
}

/* Places count in cells from the lower left; NaN: it has none. */
static double column_of(const canvas *c, double x) {
  return scaled(x, c->frame.left, c->frame.right, c->chart->log_x) * (c->columns - 1);
}
static double line_of(const canvas *c, double y) {
  return scaled(y, c->frame.bottom, c->frame.top, c->chart->log_y) * (c->lines - 1);
}

static void put(canvas *c, double column, double line, const char *mark) {
  double x = round(column), y = round(line);
  if (!(x >= 0 && x < c->columns && y >= 0 && y < c->lines)) return;
  c->cells[(c->lines - 1 - (uint32_t)y) * c->columns + (uint32_t)x] = mark;
}

static void put_bar(canvas *c, double column, double height) {
  double x = round(column);
  if (!(x >= 0 && x < c->columns && height > 0)) return;
  int whole = (int)height, rest = (int)lround((height - whole) * 8);
  for (int line = 0; line < whole; line++) put(c, x, line, eighths[8]);
  if (rest) put(c, x, whole, eighths[rest]);
}

/* From a point to the next, column by column; stairs stay level. */
static void join(canvas *c, double x, double y, double to_x, double to_y, bool level, const char *mark) {
  double steps = ceil(fabs(to_x - x));
  for (double k = 1; k < steps; k++)
    put(c, x + (to_x - x) * k / steps, level ? y : y + (to_y - y) * k / steps, mark);
}

static void draw(canvas *c, const pic_series *series, const char *mark) {
  double before_x = NAN, before_y = NAN;
  for (uint32_t i = 0; i < series->count; i++) {
    double x = column_of(c, series->x[i]), y = line_of(c, series->y[i]);
    if (!isfinite(x) || !isfinite(y)) {
      before_x = NAN;
    } else if (series->style == PIC_BARS) {
      put_bar(c, x, y + (c->chart->log_y ? 1 : 0));
    } else {
      if (isfinite(before_x) && series->style != PIC_POINTS)
        join(c, before_x, before_y, x, y, series->style == PIC_STAIRS, mark);
      put(c, x, y, mark);
      before_x = x, before_y = y;
    }
  }
}

static void print_axes(FILE *to, const canvas *c) {
  const pic_frame *f = &c->frame;
  bool logarithmic = c->chart->log_y;
  double middle = logarithmic ? sqrt(f->bottom * f->top) : (f->bottom + f->top) / 2;
  for (uint32_t line = 0; line < c->lines; line++) {
    uint32_t end = c->columns;
    bool labelled = line == 0 || line + 1 == c->lines || line == (c->lines - 1) / 2;
    double at = line == 0 ? f->top : line + 1 == c->lines ? f->bottom : middle;
    if (labelled) fprintf(to, "%*.5g ┤", LABEL, at);
    else fprintf(to, "%*s │", LABEL, "");
    const char *const *row = &c->cells[line * c->columns];
    while (end && !row[end - 1]) end--;
    for (uint32_t i = 0; i < end; i++) fputs(row[i] ? row[i] : " ", to);
    putc('\n', to);
  }
  fprintf(to, "%*s └", LABEL, "");
  for (uint32_t i = 0; i < c->columns; i++) fputs("─", to);
  char left[32];
  int length = snprintf(left, sizeof left, "%.5g", f->left);
  fprintf(to, "\n%*s%s%*.5g\n", LABEL + 2, "", left, (int)c->columns - length, f->right);
}

void pic_chart_print(netc *n, FILE *to, const pic_chart *chart, uint32_t columns, uint32_t lines) {
  net_arena arena;
  canvas c = {.chart = chart, .columns = columns < 16 ? 16 : columns, .lines = lines < 3 ? 3 : lines};
  if (chart->title) fprintf(to, "%s\n", chart->title);
  if (!pic_chart_frame(chart, &c.frame)) {
    fprintf(to, "%*s (no points)\n", LABEL, "");
    return;
  }
  net_arena_init(&arena, n->arena.guard);
  c.cells = NET_NEW_ARRAY(&arena, const char *, c.columns *c.lines);
  for (uint32_t s = 0; s < chart->series_count; s++) draw(&c, &chart->series[s], marks[s % MARKS]);
  print_axes(to, &c);
  fprintf(to, "%*s", LABEL + 2, "");
  for (uint32_t s = 0; s < chart->series_count; s++)
    if (chart->series[s].name && chart->series[s].style != PIC_BARS)
      fprintf(to, "%s %s   ", marks[s % MARKS], chart->series[s].name);
  fprintf(to, "(%s%s%s)\n", chart->y ? chart->y : "", chart->y && chart->x ? " against " : "",
          chart->x ? chart->x : "");
  net_arena_free(&arena);
}

void pic_matrix_print(netc *n, FILE *to, const pic_matrix *matrix) {
  net_arena arena;
  net_arena_init(&arena, n->arena.guard);
  const char **titles = NET_NEW_ARRAY(&arena, const char *, matrix->size + 1);
  char *alignment = net_arena_alloc(&arena, matrix->size + 2, 1);
  titles[0] = net_arena_format(&arena, "%s \\ %s", matrix->rows, matrix->columns);
  alignment[0] = 'l';
  for (uint32_t i = 0; i < matrix->size; i++) titles[i + 1] = matrix->names[i], alignment[i + 1] = 'r';
  net_table table = net_table_new(&arena, matrix->size + 1, titles, alignment);
  for (uint32_t i = 0; i < matrix->size * matrix->size; i++) {
    if (i % matrix->size == 0) net_table_add(&table, matrix->names[i / matrix->size]);
    net_table_format(&table, "%llu", (unsigned long long)matrix->counts[i]);
  }
  if (matrix->title) fprintf(to, "%s\n", matrix->title);
  net_table_print(to, &table, NET_TABLE_TEXT);
  net_arena_free(&arena);
}
