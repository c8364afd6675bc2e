/* A network's graph, and histograms of its tensors over the grids of their number formats. */
#include "driver/calibrate.h"
#include "driver/evaluation.h"
#include "driver/observe.h"
#include "driver/plot.h"
#include "driver/profile.h"

#include "formats/formats.h"

#include <math.h>

enum { BINS = 64, MOST_GRID = 256, PROBES = 16384 };

bool dr_plot_graph(dr_shown *shown, dr_figures *figures, int *code) {
  dr_subject *subject = shown->subject;
  netc *n = subject->call->n;
  uint64_t batch = 1;
  *code = DR_WRONG_INPUT;
  if (!dr_integer(subject->call, DR_batch, 1, 1 << 24, &batch)) return *code = DR_WRONG_COMMAND, false;
  if (dr_needs_calibration(subject)) {
    if (!shown->weights && !(shown->weights = dr_find_weights(subject))) return false;
    if (!dr_settle_formats(subject, shown->weights)) return false;
  }
  dr_report *report = NET_NEW(&n->arena, dr_report);
  *report = dr_report_make(subject, subject->experiment.network.graph, (uint32_t)batch);
  net_vec_push(&n->arena, figures, (dr_figure){.kind = DR_GRAPH, .name = "graph", .graph = report});
  return true;
}

/* The numbers that a format holds in the histogram, found by its quantiser; too many of them: none. */
static void find_grid(netc *n, const net_value *value, const rt_summary *s, pic_chart *chart) {
  const net_format_spec *spec = value->format ? net_format_at(n, value->format) : NULL;
  if (!spec || spec->family == NET_FORMAT_float32 || !net_format_stands_alone(spec)) return;
  double *grid = NET_NEW_ARRAY(&n->arena, double, MOST_GRID);
  uint32_t count = 0;
  for (uint32_t i = 0; i <= PROBES; i++) {
    float x = (float)(s->histogram_low + (s->histogram_high - s->histogram_low) * i / PROBES), y;
    net_format_tensor one = {.values = &x, .shape = &(net_shape){0}};
    net_format_quantize(spec, &one, &y);
    if (count && grid[count - 1] == (double)y) continue;
    if (count == MOST_GRID) return;
    grid[count++] = (double)y;
  }
  chart->grid = grid;
  chart->grid_count = count;
}

static void add(netc *n, const dr_profile_result *p, const dr_profile_row *row, dr_figures *figures) {
  const rt_summary *s = &row->summaries[0];
  const net_value *value = net_graph_value_at(p->graph, row->value);
  double *x = NET_NEW_ARRAY(&n->arena, double, BINS), *y = NET_NEW_ARRAY(&n->arena, double, BINS);
  double width = (s->histogram_high - s->histogram_low) / BINS;
  for (uint32_t i = 0; i < BINS && s->histogram; i++)
    x[i] = s->histogram_low + width * (i + 0.5), y[i] = (double)s->histogram[i];
  pic_series *series = NET_NEW(&n->arena, pic_series);
  *series = (pic_series){.x = x, .y = y, .count = s->histogram ? BINS : 0, .style = PIC_BARS};
  const char *name =
      net_arena_format(&n->arena, "%s.%s", net_text(n, p->graph->nodes.at[row->node].name), row->tensor);
  dr_figure figure = {.kind = DR_CHART, .name = name};
  figure.chart = (pic_chart){
      .title = value->format ? net_arena_format(&n->arena, "%s: %s", name, net_format_text(n, value->format))
                             : name,
      .x = "value",
      .y = "count",
      .series = series,
      .series_count = 1};
  if (s->histogram) find_grid(n, value, s, &figure.chart);
  net_vec_push(&n->arena, figures, figure);
}

static bool is_shared(const net_graph *g, net_value_id v) { return !net_graph_value_at(g, v)->batched; }

static bool plot(dr_shown *shown, bool weights, dr_figures *figures, int *code) {
  dr_subject *subject = shown->subject;
  dr_call *call = subject->call;
  dr_profile_request request = DR_PROFILE_DEFAULTS;
  dr_profile_result p;
  request.bins = BINS;
  request.split = dr_split(call, request.split);
  request.nodes = call->value[DR_node];
  *code = DR_WRONG_INPUT;
  if (!dr_integer(call, DR_samples, 1, UINT32_MAX, &request.samples)) return *code = DR_WRONG_COMMAND, false;
  if (!shown->weights && !dr_weights_in_hand(subject, true, &shown->weights)) return false;
  if (!dr_settle_formats(subject, shown->weights) ||
      !dr_profile_run(subject, shown->weights, &request, &p, code))
    return false;
  for (uint32_t i = 0; i < p.count; i++)
    if (p.rows[i].summaries && is_shared(p.graph, p.rows[i].value) == weights)
      add(call->n, &p, &p.rows[i], figures);
  return true;
}

bool dr_plot_weights(dr_shown *shown, dr_figures *figures, int *code) {
  return plot(shown, true, figures, code);
}
bool dr_plot_activations(dr_shown *shown, dr_figures *figures, int *code) {
  return plot(shown, false, figures, code);
}
