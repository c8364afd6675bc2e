/* Charts and matrices: said once, then drawn as SVG or PNG by gnuplot, or as text for a terminal. */
#ifndef NETC_PICTURES_CHART_H
#define NETC_PICTURES_CHART_H

#include "support/netc.h"

typedef enum {
  PIC_LINES,  /* points joined by lines, with a mark at each where there are few */
  PIC_POINTS, /* marks alone */
  PIC_STAIRS, /* a front: level until the next point */
  PIC_BARS,   /* columns from 0 on, as wide as x are apart */
} pic_style;

typedef struct {
  const char *name;     /* for the legend; NULL: none */
  const double *x, *y;  /* NaN: no point */
  const double *spread; /* error bars: y ∓ spread; NULL: none */
  uint32_t count;
  pic_style style;
} pic_series;

typedef struct {
  const char *title, *x, *y; /* of the chart and its axes */
  bool log_x, log_y;         /* numbers that are not above 0 have no place on such an axis */
  const pic_series *series;
  uint32_t series_count;
  const double *grid; /* thin vertical lines, as at the numbers that a format holds */
  uint32_t grid_count;
} pic_chart;

/* Counts in rows and columns of the same names, each cell with its number. */
typedef struct {
  const char *title, *rows, *columns;
  const char *const *names;
  const uint64_t *counts; /* size × size, row by row */
  uint32_t size;
} pic_matrix;

typedef enum { PIC_SVG, PIC_PNG } pic_form;

/* gnuplot draws them. False: reported, and the old file, if any, is as it was. */
bool pic_chart_write(netc *n, const pic_chart *chart, pic_form form, const char *path);
bool pic_matrix_write(netc *n, const pic_matrix *matrix, pic_form form, const char *path);
/* The same as the text of an SVG element, in the arena; beside: a path in whose directory files may be made.
 * NULL: reported. */
const char *pic_chart_svg(netc *n, const pic_chart *chart, const char *beside);
const char *pic_matrix_svg(netc *n, const pic_matrix *matrix, const char *beside);

/* So many columns and lines of text without the axes; marks tell series apart, and a legend says which is
 * which. */
void pic_chart_print(netc *n, FILE *to, const pic_chart *chart, uint32_t columns, uint32_t lines);

/* Counts as a table. */
void pic_matrix_print(netc *n, FILE *to, const pic_matrix *matrix);

/* The chart's ends over all points that have a place on its axes, a little apart where they are equal. False:
 * there is no such point. */
typedef struct {
  double left, right, bottom, top;
} pic_frame;
bool pic_chart_frame(const pic_chart *chart, pic_frame *frame);

#endif
