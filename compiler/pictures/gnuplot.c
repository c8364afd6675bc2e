/* Charts and matrices as programs for gnuplot, which is run as any other program is: what is missing, old or
 * broken there is a complaint here. The same chart gives the same bytes. */
#include "pictures/chart.h"
#include "pictures/draw.h"

#include <math.h>

enum { WIDTH = 720, HEIGHT = 440, FEW_POINTS = 40 };

/* ---- programs ---- */

/* In single quotes, where only a quote itself is special. */
static void print_text(FILE *to, const char *text) {
  putc('\'', to);
  for (; text && *text; text++) {
    if (*text == '\'') putc('\'', to);
    putc((unsigned char)*text < ' ' ? ' ' : *text, to);
  }
  putc('\'', to);
}

static void print_setting(FILE *to, const char *setting, const char *text) {
  if (!text) return;
  fprintf(to, "set %s ", setting);
  print_text(to, text);
  fputs(" noenhanced\n", to);
}

static void print_head(FILE *to, pic_form form, const char *title, const char *x, const char *y) {
  const char *font = "sans,11";
  fprintf(to, "set terminal %s size %d,%d noenhanced font '%s' background '#ffffff'\n",
          form == PIC_SVG ? "svg dynamic" : "pngcairo", WIDTH, HEIGHT, font);
  fputs("set encoding utf8\n", to);
  print_setting(to, "title", title);
  print_setting(to, "xlabel", x);
  print_setting(to, "ylabel", y);
}

static void print_number(FILE *to, double v) {
  if (isfinite(v)) fprintf(to, " %.17g", v);
  else fputs(" NaN", to);
}

static void print_data(FILE *to, const pic_chart *chart) {
  for (uint32_t s = 0; s < chart->series_count; s++) {
    const pic_series *series = &chart->series[s];
    fprintf(to, "$s%u << END\n", s);
    for (uint32_t i = 0; i < series->count; i++) {
      print_number(to, series->x[i]);
      print_number(to, series->y[i]);
      if (series->spread) print_number(to, series->spread[i]);
      putc('\n', to);
    }
    fputs("END\n", to);
  }
}

static const char *style_of(const pic_series *series) {
  switch (series->style) {
  case PIC_POINTS: return "points pt 7 ps 0.6";
  case PIC_STAIRS: return "steps lw 3";
  case PIC_BARS: return "boxes fs solid 0.5 noborder";
  case PIC_LINES: break;
  }
  return series->count <= FEW_POINTS ? "linespoints lw 2 pt 7 ps 0.6" : "lines lw 2";
}

/* Grid lines lie behind the data; where two of them would touch, every so many is left out. */
static void print_grid(FILE *to, const pic_chart *chart, pic_frame f) {
  enum { MOST = 256 };
  uint32_t inside = 0, seen = 0;
  for (uint32_t i = 0; i < chart->grid_count; i++)
    inside += chart->grid[i] >= f.left && chart->grid[i] <= f.right;
  uint32_t every = (inside + MOST - 1) / MOST;
  for (uint32_t i = 0; i < chart->grid_count; i++)
    if (chart->grid[i] >= f.left && chart->grid[i] <= f.right && seen++ % every == 0)
      fprintf(to, "set arrow from %.17g, graph 0 to %.17g, graph 1 nohead back lc rgb '#d0d0d0' lw 0.5\n",
              chart->grid[i], chart->grid[i]);
}

static void print_chart(FILE *to, const pic_chart *chart, pic_form form) {
  pic_frame frame;
  bool any = pic_chart_frame(chart, &frame);
  print_head(to, form, chart->title, chart->x, chart->y);
  if (!any) {
    fputs("set label 'no points' at graph 0.5, graph 0.5 center\nset xrange [0:1]\nset yrange [0:1]\n"
          "plot NaN notitle\n",
          to);
    return;
  }
  if (chart->log_x) fputs("set logscale x\n", to);
  if (chart->log_y) fputs("set logscale y\n", to);
  fputs("set key outside right top\nset grid ytics lc rgb '#e0e0e0'\nset border 3\nset tics nomirror\n", to);
  print_grid(to, chart, frame);
  print_data(to, chart);
  fputs("plot", to);
  for (uint32_t s = 0; s < chart->series_count; s++) {
    const pic_series *series = &chart->series[s];
    fprintf(to, "%s $s%u using 1:2 with %s lc %u ", s ? "," : "", s, style_of(series), s + 1);
    if (series->name) fputs("title ", to), print_text(to, series->name);
    else fputs("notitle", to);
    if (series->spread) fprintf(to, ", $s%u using 1:2:3 with yerrorbars lc %u pt 0 notitle", s, s + 1);
  }
  putc('\n', to);
}

static void print_matrix(FILE *to, const pic_matrix *m, pic_form form) {
  print_head(to, form, m->title, m->columns, m->rows);
  fputs("set palette defined (0 '#ffffff', 1 '#3b78b5')\nunset key\nset tics scale 0\nset size square\n", to);
  uint32_t last = m->size - 1;
  fprintf(to, "set xrange [-0.5:%u.5]\nset yrange [%u.5:-0.5]\nset cbrange [0:*]\n", last, last);
  for (int axis = 0; axis < 2; axis++) {
    fprintf(to, "set %ctics noenhanced (", "xy"[axis]);
    for (uint32_t i = 0; i < m->size; i++) {
      fputs(i ? ", " : "", to);
      print_text(to, m->names[i]);
      fprintf(to, " %u", i);
    }
    fputs(")\n", to);
  }
  fputs("$m << END\n", to);
  for (uint32_t i = 0; i < m->size * m->size; i++)
    fprintf(to, "%u %u %llu\n", i % m->size, i / m->size, (unsigned long long)m->counts[i]);
  fputs("END\nplot $m using 1:2:3 with image pixels, $m using 1:2:(sprintf('%d', $3)) with labels\n", to);
}

/* ---- drawing them ---- */

typedef struct {
  const pic_chart *chart; /* or */
  const pic_matrix *matrix;
  pic_form form;
} picture;

static void print(FILE *to, const void *context) {
  const picture *p = context;
  if (p->chart) print_chart(to, p->chart, p->form);
  else print_matrix(to, p->matrix, p->form);
}

static pic_drawing drawing_of(const picture *p) {
  return (pic_drawing){.tool = "gnuplot",
                       .package = "gnuplot-nox",
                       .otherwise = "without it there are plots as text",
                       .print = print,
                       .context = p};
}

bool pic_chart_write(netc *n, const pic_chart *chart, pic_form form, const char *path) {
  pic_drawing d = drawing_of(&(picture){.chart = chart, .form = form});
  return pic_draw(n, &d, path);
}

bool pic_matrix_write(netc *n, const pic_matrix *matrix, pic_form form, const char *path) {
  pic_drawing d = drawing_of(&(picture){.matrix = matrix, .form = form});
  return pic_draw(n, &d, path);
}

const char *pic_chart_svg(netc *n, const pic_chart *chart, const char *beside) {
  pic_drawing d = drawing_of(&(picture){.chart = chart, .form = PIC_SVG});
  return pic_draw_svg(n, &d, beside);
}

const char *pic_matrix_svg(netc *n, const pic_matrix *matrix, const char *beside) {
  pic_drawing d = drawing_of(&(picture){.matrix = matrix, .form = PIC_SVG});
  return pic_draw_svg(n, &d, beside);
}
