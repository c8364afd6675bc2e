/* A picture of a sweep: losses over what varies. */
#include "driver/sweep.h"

#include "pictures/chart.h"
#include "support/file.h"

#include <math.h>

/* The first column that varies, or none. */
static uint32_t first_varying(const net_sweep *sweep) {
  for (uint32_t c = 0; c < sweep->column_count; c++)
    if (sweep->columns[c].varies) return c;
  return NET_NONE;
}

/* Positions on the axis: the numbers, or the points' own where these are none. */
static bool place(const net_sweep *sweep, uint32_t column, double *x) {
  bool numbers = column != NET_NONE, above = true;
  double low = INFINITY, high = -INFINITY;
  for (uint32_t p = 0; p < sweep->point_count && numbers; p++) {
    double v = net_sweep_at(sweep, p, column)->number;
    numbers &= !isnan(v);
    above &= v > 0;
    low = fmin(low, v), high = fmax(high, v);
  }
  for (uint32_t p = 0; p < sweep->point_count; p++)
    x[p] = numbers ? net_sweep_at(sweep, p, column)->number : p + 1;
  return numbers && above && high >= 8 * low;
}

/* Whether a later column varies: then points have no single place on a line. */
static bool is_single(const net_sweep *sweep, uint32_t column) {
  for (uint32_t c = column == NET_NONE ? sweep->column_count : column + 1; c < sweep->column_count; c++)
    if (sweep->columns[c].varies) return false;
  return true;
}

static bool draw(dr_sweeps *s, const dr_sweep *sweep, const char *path) {
  netc *n = s->call->n;
  static const int shown[] = {DR_SWEEP_TRAIN_LOSS, DR_SWEEP_VALIDATION_LOSS, DR_SWEEP_TEST_LOSS};
  static const char *const names[] = {"training loss", "validation loss", "test loss"};
  const net_sweep *points = sweep->points;
  uint32_t column = first_varying(points), count = points->point_count,
           lines = s->call->value[DR_test] ? 3 : 2;
  double *x = NET_NEW_ARRAY(&n->arena, double, count);
  bool log = place(points, column, x);
  pic_series series[3];
  for (uint32_t i = 0; i < lines; i++) {
    double *y = NET_NEW_ARRAY(&n->arena, double, count), *spread = NET_NEW_ARRAY(&n->arena, double, count);
    for (uint32_t p = 0; p < count; p++) {
      dr_sweep_summary sum = dr_sweep_summarize(s, sweep, p);
      y[p] = sum.mean[shown[i]];
      spread[p] = sum.deviation[shown[i]];
    }
    series[i] = (pic_series){.name = names[i],
                             .x = x,
                             .y = y,
                             .spread = points->repeat > 1 ? spread : NULL,
                             .count = count,
                             .style = is_single(points, column) ? PIC_LINES : PIC_POINTS};
  }
  pic_chart chart = {.title = net_arena_format(&n->arena, "%s: %s", s->network, sweep->name),
                     .x = column == NET_NONE ? "point" : dr_sweep_column_name(n, points, column),
                     .y = "loss",
                     .log_x = log,
                     .series = series,
                     .series_count = lines};
  return pic_chart_write(n, &chart, net_path_ends_with(path, ".png") ? PIC_PNG : PIC_SVG, path);
}

bool dr_sweep_plot(dr_sweeps *s, const char *path) {
  netc *n = s->call->n;
  bool ok = true;
  for (uint32_t i = 0; i < s->sweep_count && ok; i++) {
    const char *to = path; /* F.svg; of several sweeps F-NAME.svg */
    if (s->sweep_count > 1)
      to = net_arena_format(&n->arena, "%.*s-%s%s", (int)strlen(path) - 4, path, s->sweeps[i].name,
                            path + strlen(path) - 4);
    ok = draw(s, &s->sweeps[i], to);
    if (ok && !s->json) fprintf(s->call->talk, "%s\n", to);
  }
  return ok;
}
