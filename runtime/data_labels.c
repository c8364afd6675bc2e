#include "runtime/data_labels.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

void rt_labels_init(netc *n, const rt_data_spec *spec, uint32_t target, rt_labels *l) {
  *l = (rt_labels){
      .n = n, .spec = spec, .target = target, .classes = spec->classes, .class_count = spec->class_count};
  rt_texts_init(&l->texts, &n->arena);
}

void rt_labels_free(rt_labels *l) {
  for (uint32_t i = 0; i <= RT_SPLITS; i++) free(l->ids[i]);
}

bool rt_labels_add(rt_labels *l, uint32_t table, const rt_view *v, uint64_t rows) {
  const rt_dataset *d = &v->parts[0];
  uint32_t classes = l->spec->targets[l->target].classes;
  l->view[table] = v;
  l->texts.source = table;
  if (d->text) {
    l->ids[table] = rt_column_alloc(l->n, v->where, v->label, rows, 1);
    return l->ids[table] &&
           v->source->kind->functions->read_text(v->source, d, 0, rows, &l->texts, l->ids[table]);
  }
  if (!l->classes && !v->one_hot && d->elements &&
      d->element_count == classes) { /* numbers, with names beside */
    l->classes = d->elements;
    l->class_count = classes;
  }
  return true;
}

/* ---- texts ---- */

static const char *first_place(const rt_labels *l, uint32_t id) {
  return rt_view_place(l->view[l->texts.from.at[id]], l->texts.first.at[id], 0);
}

static net_loc place(const rt_labels *l, uint32_t id) { return l->view[l->texts.from.at[id]]->where; }

static const char *text_of(const rt_labels *l, uint32_t id) {
  return net_names_text(&l->texts.names, (net_name){id});
}

/* A whole number as a class, also written 3.0; UINT32_MAX: it is none. */
static uint32_t number_of(const char *text) {
  char *end;
  double x = strtod(text, &end);
  bool number = end != text && !*end && x >= 0 && x < UINT32_MAX && x == floor(x);
  return number ? (uint32_t)x : UINT32_MAX;
}

static bool is_number(const char *text) {
  char *end;
  strtod(text, &end);
  return end != text && !*end;
}

/* The spec's names say which class; texts that are all numbers may stand for themselves. */
static bool settle_named(rt_labels *l, uint32_t count, bool numbers) {
  for (uint32_t id = 1; id < count; id++) {
    const char *text = text_of(l, id);
    uint32_t k = 0;
    while (k < l->class_count && strcmp(l->classes[k], text)) k++;
    l->class_of[id] = k;
    if (k < l->class_count) continue;
    if (numbers) l->class_of[id] = number_of(text);
    else {
      const char *near = net_nearest(text, l->classes, l->class_count);
      if (near)
        net_error(l->n, place(l, id), "%s: class '%s' is not among the classes (did you mean '%s'?)",
                  first_place(l, id), rt_shown(l->n, text), near);
      else
        net_error(l->n, place(l, id), "%s: class '%s' is not among the %u classes: add it to `classes`",
                  first_place(l, id), rt_shown(l->n, text), l->class_count);
      return false;
    }
  }
  return true;
}

/* Names of their own, numbered by appearance. */
static bool settle_found(rt_labels *l, uint32_t count) {
  uint32_t classes = l->spec->targets[l->target].classes;
  l->classes = NET_NEW_ARRAY(&l->n->arena, const char *, count);
  l->class_count = count - 1;
  for (uint32_t id = 1; id < count; id++) {
    l->classes[id - 1] = text_of(l, id);
    l->class_of[id] = id - 1;
  }
  if (count - 1 <= classes) return true;
  net_error(l->n, place(l, classes + 1),
            "%s: '%s' is one class more than the network's %u, the first of which is '%s'",
            first_place(l, classes + 1), rt_shown(l->n, text_of(l, classes + 1)), classes,
            rt_shown(l->n, text_of(l, 1)));
  return false;
}

bool rt_labels_settle(rt_labels *l) {
  uint32_t count = l->texts.names.texts.count, classes = l->spec->targets[l->target].classes;
  bool numbers = true, named = l->spec->classes;
  if (l->texts.first.at[0] != UINT64_MAX)
    return net_error(l->n, place(l, 0), "%s: the label is empty: every row needs one", first_place(l, 0)),
           false;
  if (count == 1) return true;
  l->class_of = NET_NEW_ARRAY(&l->n->arena, uint32_t, count);
  for (uint32_t id = 1; id < count; id++) numbers &= is_number(text_of(l, id));
  if (named && !settle_named(l, count, numbers)) return false;
  if (!named && !numbers) return settle_found(l, count);
  for (uint32_t id = 1; id < count; id++) {
    if (!named) l->class_of[id] = number_of(text_of(l, id));
    if (l->class_of[id] < classes) continue;
    net_error(l->n, place(l, id), "%s: label %s is not one of the network's %u classes, 0 to %u",
              first_place(l, id), rt_shown(l->n, text_of(l, id)), classes, classes - 1);
    return false;
  }
  return true;
}

/* ---- numbers ---- */

static bool take_number(const rt_labels *l, const rt_view *v, uint64_t row, double x, uint32_t *to) {
  uint32_t classes = l->spec->targets[l->target].classes;
  if (x >= 0 && x < classes && x == floor(x)) return *to = (uint32_t)x, true;
  if (x == floor(x))
    net_error(l->n, v->where, "%s: label %.15g is not one of the network's %u classes, 0 to %u",
              rt_view_place(v, row, 0), x, classes, classes - 1);
  else net_error(l->n, v->where, "%s: label %g is not a class number", rt_view_place(v, row, 0), x);
  return false;
}

static bool take_one_hot(const rt_labels *l, const rt_view *v, uint64_t row, const double *x, uint32_t *to) {
  uint32_t ones = 0, zeros = 0;
  for (uint32_t i = 0; i < v->width; i++) {
    zeros += x[i] == 0;
    if (x[i] == 1) ones++, *to = i;
  }
  if (ones == 1 && zeros + 1 == v->width) return true;
  net_error(l->n, v->where, "%s: %s is not one-hot: it must have a single 1 among zeros", v->label,
            rt_source_place(v->source, row));
  return false;
}

static bool read_numbers(const rt_labels *l, const rt_view *v, uint64_t first, uint64_t rows, uint32_t *to) {
  uint64_t block = rt_view_block(v);
  if (block > rows) block = rows;
  double *x = malloc(block * v->width * sizeof *x);
  if (!x) return net_error(l->n, v->where, "%s: no memory", v->label), false;
  bool ok = true;
  for (uint64_t at = first, end = first + rows; ok && at < end; at += block) {
    if (block > end - at) block = end - at;
    ok = rt_view_read_f64(v, at, block, x);
    for (uint64_t i = 0; ok && i < block; i++)
      ok = v->one_hot ? take_one_hot(l, v, at + i, x + i * v->width, to++)
                      : take_number(l, v, at + i, x[i], to++);
  }
  free(x);
  return ok;
}

bool rt_labels_read(const rt_labels *l, uint32_t table, const rt_view *v, const rt_rows *rows, uint32_t *to) {
  const uint32_t *ids = l->ids[table];
  if (ids)
    for (uint64_t i = 0; i < rows->count; i++) to[i] = l->class_of[ids[rt_rows_at(rows, i)]];
  else if (!rows->order) return read_numbers(l, v, rows->first, rows->count, to);
  else
    for (uint64_t i = 0; i < rows->count; i++)
      if (!read_numbers(l, v, rt_rows_at(rows, i), 1, to + i)) return false;
  return true;
}
