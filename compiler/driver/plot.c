/* netc plot: pictures of runs and networks, as text, SVG, PNG, or a report in HTML. */
#include "driver/plot.h"

#include "driver/runs.h"

#include "pictures/draw.h"
#include "record/record.h"
#include "support/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { TEXT_COLUMNS = 72, TEXT_LINES = 16 };

static const struct {
  const char *name;
  bool of_run; /* it needs a run, and nothing but that */
  bool (*make)(dr_shown *shown, dr_figures *figures, int *code);
} kinds[] = {
    {"loss", true, dr_plot_loss},
    {"accuracy", true, dr_plot_accuracy},
    {"graph", false, dr_plot_graph},
    {"weights", false, dr_plot_weights},
    {"activations", false, dr_plot_activations},
    {"confusion", false, dr_plot_confusion},
    {"roc", false, dr_plot_roc},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- what is shown ---- */

static bool is_number(const char *text) {
  const char *at = text;
  while (isdigit((unsigned char)*at)) at++;
  return *text && !*at;
}

static bool is_directory(const char *path) {
  struct stat st;
  return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* The directory of a run in the record. NULL: reported. */
static const char *recorded(dr_call *call, const char *number) {
  netc *n = call->n;
  rc_db *db;
  rc_run run = {0};
  if (!rc_open(n, "runs", RC_READ, &db)) return NULL;
  bool read = rc_run_find(db, strtoll(number, NULL, 10), &run);
  rc_close(db);
  if (!read) return NULL;
  if (!run.id) return net_error(n, NET_NOWHERE, "runs/runs.db has no run %s", number), NULL;
  if (!run.directory) return net_error(n, NET_NOWHERE, "run %s keeps no files", number), NULL;
  return run.place ? net_path_join(n, run.place, run.directory) : run.directory;
}

/* A run, by its number or directory, is its best checkpoint. False: reported. */
static bool find_run(dr_call *call, const char **directory) {
  netc *n = call->n;
  const char *argument = call->arguments.at[0];
  *directory = NULL;
  if (is_number(argument)) {
    if (!(*directory = recorded(call, argument))) return false;
  } else if (is_directory(argument)) {
    *directory = argument;
  }
  if (*directory) call->arguments.at[0] = net_path_join(n, *directory, "best.safetensors");
  return true;
}

/* A checkpoint's run is where it lies; a program's, the network's latest one. */
static void find_directory(dr_shown *shown, const char *file) {
  dr_subject *subject = shown->subject;
  dr_call *call = subject->call;
  netc *n = call->n;
  const char *network = net_text(n, subject->experiment.network.graph->name);
  if (shown->directory) return;
  if (subject->checkpoint) shown->directory = net_path_directory(n, file);
  else if (dr_has(call, DR_out) || dr_has_run(call, network)) shown->directory = dr_find_run(call, network);
  if (shown->directory && !*shown->directory) shown->directory = ".";
}

/* ---- how it is shown ---- */

static void print_graph(FILE *to, const void *report) { dr_report_print_dot(to, report); }

static pic_drawing graph_drawing(const dr_figure *figure, const char *option) {
  return (pic_drawing){.tool = "dot",
                       .option = option,
                       .package = "graphviz",
                       .otherwise = "show --as dot prints what it would read",
                       .print = print_graph,
                       .context = figure->graph};
}

const char *dr_figure_svg(netc *n, const dr_figure *figure, const char *beside) {
  pic_drawing graph;
  switch (figure->kind) {
  case DR_CHART: return pic_chart_svg(n, &figure->chart, beside);
  case DR_MATRIX: return pic_matrix_svg(n, &figure->matrix, beside);
  case DR_GRAPH: break;
  }
  graph = graph_drawing(figure, "-Tsvg");
  return pic_draw_svg(n, &graph, beside);
}

static bool write(netc *n, const dr_figure *figure, pic_form form, const char *path) {
  pic_drawing graph;
  switch (figure->kind) {
  case DR_CHART: return pic_chart_write(n, &figure->chart, form, path);
  case DR_MATRIX: return pic_matrix_write(n, &figure->matrix, form, path);
  case DR_GRAPH: break;
  }
  graph = graph_drawing(figure, form == PIC_SVG ? "-Tsvg" : "-Tpng");
  return pic_draw(n, &graph, path);
}

static void print(dr_call *call, const dr_figure *figure) {
  switch (figure->kind) {
  case DR_CHART: pic_chart_print(call->n, call->out, &figure->chart, TEXT_COLUMNS, TEXT_LINES); break;
  case DR_MATRIX: pic_matrix_print(call->n, call->out, &figure->matrix); break;
  case DR_GRAPH: dr_report_print_dot(call->out, figure->graph); break;
  }
}

/* One picture goes into a file; of several, the one that --node names. */
static int show(dr_call *call, const dr_figures *figures, const char *path) {
  netc *n = call->n;
  if (!figures->count) return net_error(n, NET_NOWHERE, "there is nothing to show"), DR_WRONG_INPUT;
  if (!path) {
    for (uint32_t i = 0; i < figures->count; i++) {
      if (i) putc('\n', call->out);
      print(call, &figures->at[i]);
    }
    return DR_DONE;
  }
  const char *names = "";
  for (uint32_t i = 0; i < figures->count; i++)
    names = net_arena_format(&n->arena, "%s%s%s", names, i ? ", " : "", figures->at[i].name);
  if (figures->count > 1)
    return dr_wrong(call,
                    "%s can show one picture, and there are %u (%s): choose with --node, or write a .html",
                    path, figures->count, names);
  if (!write(n, &figures->at[0], net_path_ends_with(path, ".png") ? PIC_PNG : PIC_SVG, path))
    return DR_WRONG_INPUT;
  if (!call->json) fprintf(call->talk, "%s\n", path);
  return DR_DONE;
}

static uint32_t kind_of(const dr_call *call) {
  uint32_t kind = 0;
  while (dr_has(call, DR_what) && kind < KINDS && strcmp(kinds[kind].name, call->value[DR_what])) kind++;
  return kind;
}

int dr_plot(dr_call *call) {
  dr_subject subject;
  dr_shown shown = {.subject = &subject};
  dr_figures figures = {0};
  const char *path = call->value[DR_output], *file = call->arguments.at[0];
  int code;
  bool report = path && net_path_ends_with(path, ".html");
  uint32_t kind = kind_of(call);
  if (path && !report && !net_path_ends_with(path, ".svg") && !net_path_ends_with(path, ".png"))
    return dr_wrong(call, "pictures end in .svg or .png, and reports in .html: '%s' in none of them", path);
  if (report && dr_has(call, DR_what)) return dr_wrong(call, "a report shows everything: leave out --what");
  if (dr_has(call, DR_experiment)) {
    if (!is_number(file))
      return dr_wrong(call, "--experiment takes the number of a sweep or a search, not '%s'", file);
    if (!report) return dr_wrong(call, "a sweep or a search is shown as a report: -o F.html");
    return dr_plot_experiment(call, strtoll(file, NULL, 10), path);
  }
  if (!find_run(call, &shown.directory)) return DR_WRONG_INPUT;
  if (!report && kinds[kind].of_run &&
      shown.directory) { /* which has a log even before it has a checkpoint */
    subject = (dr_subject){.call = call};
    return kinds[kind].make(&shown, &figures, &code) ? show(call, &figures, path) : code;
  }
  if (!dr_open(call, &subject) || !dr_elaborate(&subject)) return DR_WRONG_INPUT;
  find_directory(&shown, file);
  if (report) return dr_plot_report(&shown, path);
  return kinds[kind].make(&shown, &figures, &code) ? show(call, &figures, path) : code;
}
