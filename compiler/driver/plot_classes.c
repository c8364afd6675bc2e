/* What a network takes classes for: confusion and ROC curves. */
#include "driver/evaluation.h"
#include "driver/plot.h"

#include <math.h>

/* The names of classes outlive their data. */
static const char *const *names_of(netc *n, const rt_data *data, uint32_t classes) {
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, classes);
  for (uint32_t c = 0; c < classes; c++) {
    const char *name = dr_class_name(n, data, c);
    names[c] = net_arena_copy(&n->arena, name, strlen(name));
  }
  return names;
}

static bool evaluate(dr_shown *shown, const char *metric, rt_evaluation *result, const char *const **names,
                     const char **split, int *code) {
  dr_subject *subject = shown->subject;
  netc *n = subject->call->n;
  rt_split_name name = dr_split(subject->call, RT_TEST);
  rt_metric metrics[] = {{.name = metric}};
  rt_data *data = NULL;
  *code = DR_WRONG_INPUT;
  if (!dr_needs_data(subject, "a picture of classes")) return false;
  if (!shown->weights && !(shown->weights = dr_find_weights(subject))) return false;
  bool done = dr_evaluate(subject, shown->weights, name, metrics, 1, &data, result, code);
  if (done) *names = names_of(n, data, result->classes);
  *split = rt_split_names[name];
  rt_data_free(data);
  return done;
}

bool dr_plot_confusion(dr_shown *shown, dr_figures *figures, int *code) {
  netc *n = shown->subject->call->n;
  rt_evaluation result;
  const char *const *names;
  const char *split;
  if (!evaluate(shown, "confusion", &result, &names, &split, code)) return false;
  dr_figure figure = {.kind = DR_MATRIX,
                      .name = "confusion",
                      .matrix = {.title = net_arena_format(&n->arena, "%s split: accuracy %.2f %%", split,
                                                           100 * result.accuracy),
                                 .rows = "is",
                                 .columns = "said",
                                 .names = names,
                                 .counts = result.confusion,
                                 .size = result.classes}};
  net_vec_push(&n->arena, figures, figure);
  return true;
}

bool dr_plot_roc(dr_shown *shown, dr_figures *figures, int *code) {
  netc *n = shown->subject->call->n;
  rt_evaluation result;
  const char *const *names;
  const char *split;
  if (!evaluate(shown, "auc", &result, &names, &split, code)) return false;
  pic_series *series = NET_NEW_ARRAY(&n->arena, pic_series, result.classes);
  for (uint32_t c = 0; c < result.classes; c++)
    series[c] = (pic_series){.name = net_arena_format(&n->arena, "%s (%.4f)", names[c], result.auc[c]),
                             .x = result.roc[c].false_positive,
                             .y = result.roc[c].true_positive,
                             .count = result.roc[c].count};
  dr_figure figure = {
      .kind = DR_CHART,
      .name = "roc",
      .chart = {.title = net_arena_format(&n->arena, "%s split: each class against the rest (area)", split),
                .x = "false positives",
                .y = "true positives",
                .series = series,
                .series_count = result.classes}};
  net_vec_push(&n->arena, figures, figure);
  return true;
}
