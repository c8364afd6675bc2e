#include "pictures/chart.h"

#include <math.h>

static bool has_place(const pic_chart *chart, double x, double y) {
  return isfinite(x) && isfinite(y) && !(chart->log_x && x <= 0) && !(chart->log_y && y <= 0);
}

static void widen(double *low, double *high, bool logarithmic) {
  if (*low < *high) return;
  double by = *low ? fabs(*low) / 2 : 1;
  *low = logarithmic ? *low / 2 : *low - by;
  *high = logarithmic ? *high * 2 : *high + by;
}

bool pic_chart_frame(const pic_chart *chart, pic_frame *frame) {
  pic_frame f = {INFINITY, -INFINITY, INFINITY, -INFINITY};
  for (uint32_t s = 0; s < chart->series_count; s++) {
    const pic_series *series = &chart->series[s];
    bool bars = series->style == PIC_BARS;
    for (uint32_t i = 0; i < series->count; i++) {
      if (!has_place(chart, series->x[i], series->y[i])) continue;
      double spread = series->spread && isfinite(series->spread[i]) ? series->spread[i] : 0;
      double low = series->y[i] - spread;
      f.left = fmin(f.left, series->x[i]);
      f.right = fmax(f.right, series->x[i]);
      f.bottom = fmin(f.bottom, chart->log_y && low <= 0 ? series->y[i] : low);
      f.top = fmax(f.top, series->y[i] + spread);
      if (bars && !chart->log_y) f.bottom = fmin(f.bottom, 0);
    }
  }
  if (!(f.left <= f.right)) return false;
  widen(&f.left, &f.right, chart->log_x);
  widen(&f.bottom, &f.top, chart->log_y);
  *frame = f;
  return true;
}
