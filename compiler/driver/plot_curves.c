/* Curves of a run, from its log.jsonl. */
#include "driver/plot.h"

#include "support/file.h"

#include <math.h>

typedef struct {
  NET_VEC(double) epoch, train, validation;
} curves;

static double number(const json_t *row, const char *key) {
  const json_t *value = json_object_get(row, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool take(netc *n, const char *path, const char *line, size_t length, uint32_t count, const char *what,
                 curves *c) {
  json_error_t error;
  json_t *row = json_loadb(line, length, 0, &error);
  double epoch = number(row, "epoch");
  if (!json_is_object(row) || isnan(epoch)) {
    net_error(n, NET_NOWHERE, "%s: line %u is no epoch%s%s", path, count, row ? "" : ": ",
              row ? "" : error.text);
    return json_decref(row), false;
  }
  net_vec_push(&n->arena, &c->epoch, epoch);
  net_vec_push(&n->arena, &c->train, number(row, net_arena_format(&n->arena, "train_%s", what)));
  net_vec_push(&n->arena, &c->validation, number(row, net_arena_format(&n->arena, "validation_%s", what)));
  json_decref(row);
  return true;
}

static bool read(netc *n, const char *directory, const char *what, curves *c) {
  const char *path = net_path_join(n, directory, "log.jsonl"), *text;
  size_t length;
  uint32_t count = 0;
  if (!net_file_read(n, NET_NOWHERE, path, &text, &length)) return false;
  for (size_t end; *text; text += end + (text[end] == '\n')) {
    end = strcspn(text, "\n");
    if (end && !take(n, path, text, end, ++count, what, c)) return false;
  }
  if (c->epoch.count) return true;
  return net_error(n, NET_NOWHERE, "%s: no epoch is done yet", path), false;
}

static bool plot(dr_shown *shown, const char *what, dr_figures *figures) {
  netc *n = shown->subject->call->n;
  curves c = {0};
  if (!shown->directory)
    return net_error(n, NET_NOWHERE, "there is no run whose %s could be shown", what), false;
  if (!read(n, shown->directory, what, &c)) return false;
  pic_series *series = NET_NEW_ARRAY(&n->arena, pic_series, 2);
  series[0] = (pic_series){.name = "training", .x = c.epoch.at, .y = c.train.at, .count = c.epoch.count};
  series[1] =
      (pic_series){.name = "validation", .x = c.epoch.at, .y = c.validation.at, .count = c.epoch.count};
  dr_figure figure = {.kind = DR_CHART,
                      .name = what,
                      .chart = {.title = net_arena_format(&n->arena, "%s of %s", what, shown->directory),
                                .x = "epoch",
                                .y = what,
                                .series = series,
                                .series_count = 2}};
  net_vec_push(&n->arena, figures, figure);
  return true;
}

bool dr_plot_loss(dr_shown *shown, dr_figures *figures, int *code) {
  *code = DR_WRONG_INPUT;
  return plot(shown, "loss", figures);
}

bool dr_plot_accuracy(dr_shown *shown, dr_figures *figures, int *code) {
  *code = DR_WRONG_INPUT;
  return plot(shown, "accuracy", figures);
}
