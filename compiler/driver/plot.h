/* Pictures of runs and networks: what netc plot shows. */
#ifndef NETC_DRIVER_PLOT_H
#define NETC_DRIVER_PLOT_H

#include "driver/report.h"
#include "driver/subject.h"

#include "pictures/chart.h"

typedef struct {
  enum { DR_CHART, DR_MATRIX, DR_GRAPH } kind;
  const char *name; /* "linear_1.weight"; what --node may choose where there are several */
  pic_chart chart;
  pic_matrix matrix;
  const dr_report *graph;
} dr_figure;

typedef NET_VEC(dr_figure) dr_figures;

/* What is shown: the subject's network, weights where there are any, and the run they come from. */
typedef struct {
  dr_subject *subject;
  rt_checkpoint *weights; /* NULL: not looked for */
  const char *directory;  /* of the run; NULL: there is none */
} dr_shown;

/* Each adds its pictures. False: reported, or stopped as asked; *code is what to end with. */
bool dr_plot_loss(dr_shown *shown, dr_figures *figures, int *code);
bool dr_plot_accuracy(dr_shown *shown, dr_figures *figures, int *code);
bool dr_plot_graph(dr_shown *shown, dr_figures *figures, int *code);
bool dr_plot_weights(dr_shown *shown, dr_figures *figures, int *code);
bool dr_plot_activations(dr_shown *shown, dr_figures *figures, int *code);
bool dr_plot_confusion(dr_shown *shown, dr_figures *figures, int *code);
bool dr_plot_roc(dr_shown *shown, dr_figures *figures, int *code);

/* A figure's SVG element; beside: where files may be made. NULL: reported. */
const char *dr_figure_svg(netc *n, const dr_figure *figure, const char *beside);
/* All of it in one file of HTML. */
int dr_plot_report(dr_shown *shown, const char *path);

/* A sweep or a search of the record in runs/, likewise. */
int dr_plot_experiment(dr_call *call, int64_t id, const char *path);

#endif
