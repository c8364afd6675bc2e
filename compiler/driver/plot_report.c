/* Everything about a run or a network in one file of HTML. */
#include "driver/plot.h"

#include "pictures/draw.h"
#include "pictures/html.h"

#include <stdlib.h>
#include <unistd.h>

static const struct {
  const char *title;
  bool (*make)(dr_shown *shown, dr_figures *figures, int *code);
  bool of_run, of_weights, of_classes; /* what it needs */
} sections[] = {
    {"Loss", dr_plot_loss, true, false, false},
    {"Accuracy", dr_plot_accuracy, true, false, true},
    {"Graph", dr_plot_graph, false, false, false},
    {"Confusion", dr_plot_confusion, false, true, true},
    {"ROC", dr_plot_roc, false, true, true},
    {"Weights", dr_plot_weights, false, true, false},
    {"Activations", dr_plot_activations, false, true, false},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

/* As text, where what draws it is missing. */
static bool print_plain(netc *n, FILE *to, const dr_figure *figure) {
  char *text = NULL;
  size_t length;
  FILE *memory = open_memstream(&text, &length);
  if (!memory) return net_error_errno(n, NET_NOWHERE, "write", "a picture"), false;
  if (figure->kind == DR_CHART) pic_chart_print(n, memory, &figure->chart, 72, 16);
  else if (figure->kind == DR_MATRIX) pic_matrix_print(n, memory, &figure->matrix);
  else dr_report_print_dot(memory, figure->graph);
  bool done = !fclose(memory);
  if (done) pic_html_text(to, text);
  else net_error_errno(n, NET_NOWHERE, "write", "a picture");
  free(text);
  return done;
}

typedef struct {
  bool gnuplot, graphviz; /* are there */
} tools;

static bool print_figures(netc *n, FILE *to, const dr_figures *figures, const tools *have, const char *path) {
  for (uint32_t i = 0; i < figures->count; i++) {
    const dr_figure *figure = &figures->at[i];
    bool drawn = figure->kind == DR_GRAPH ? have->graphviz : have->gnuplot;
    const char *svg = drawn ? dr_figure_svg(n, figure, path) : NULL;
    if (drawn && !svg) return false;
    if (svg) pic_html_figure(to, svg, NULL);
    else if (!print_plain(n, to, figure)) return false;
  }
  return true;
}

static void print_costs(dr_shown *shown, FILE *to) {
  netc *n = shown->subject->call->n;
  dr_report report = dr_report_make(shown->subject, shown->subject->experiment.network.graph, 1);
  dr_table nodes = dr_report_nodes(&report);
  net_table table = dr_table_cells(&nodes, DR_AS_TEXT);
  pic_html_paragraph(to, net_arena_format(&n->arena, "%s FLOPs and %s BitOPs a sample, %s bytes of weights",
                                          net_thousands(&n->arena, report.total.flops),
                                          net_thousands(&n->arena, report.total.bitops),
                                          net_thousands(&n->arena, report.total.weight_bytes)));
  pic_html_table(to, &table);
}

static bool has_classes(const dr_subject *subject) {
  const net_objective *o = &subject->experiment.recipe.objective;
  for (uint32_t i = 0; i < o->term_count; i++)
    if (o->targets[o->terms[i].target].type == NET_U32) return true;
  return false;
}

static bool print(dr_shown *shown, FILE *to, const char *path, int *code) {
  dr_subject *subject = shown->subject;
  netc *n = subject->call->n;
  tools have = {pic_can_run("gnuplot"), pic_can_run("dot")};
  pic_html_begin(
      to, net_arena_format(&n->arena, "%s%s%s", net_text(n, subject->experiment.network.graph->name),
                           shown->directory ? ", run " : "", shown->directory ? shown->directory : ""));
  for (uint32_t i = 0; i < SECTIONS; i++) {
    dr_figures figures = {0};
    if ((sections[i].of_run && !shown->directory) || (sections[i].of_weights && !shown->weights) ||
        (sections[i].of_classes && !has_classes(subject)))
      continue;
    if (!sections[i].make(shown, &figures, code)) return false;
    *code = DR_WRONG_INPUT;
    if (!figures.count) continue;
    pic_html_heading(to, sections[i].title);
    if (sections[i].make == dr_plot_graph) print_costs(shown, to);
    if (!print_figures(n, to, &figures, &have, path)) return false;
  }
  pic_html_heading(to, "Program");
  pic_html_text(to, net_program_text(n, subject->program));
  pic_html_end(to);
  return true;
}

int dr_plot_report(dr_shown *shown, const char *path) {
  dr_subject *subject = shown->subject;
  netc *n = subject->call->n;
  int code = DR_WRONG_INPUT;
  bool weights = shown->directory || subject->checkpoint || dr_has(subject->call, DR_load);
  if (weights && !(shown->weights = dr_find_weights(subject))) return DR_WRONG_INPUT;
  net_file_out out = net_file_begin(n, path);
  if (!out.stream) return DR_WRONG_INPUT;
  if (!print(shown, out.stream, path, &code)) return net_file_abandon(&out), code;
  if (!net_file_commit(&out, false)) return DR_WRONG_INPUT;
  if (!subject->call->json) fprintf(subject->call->talk, "%s\n", path);
  return DR_DONE;
}
