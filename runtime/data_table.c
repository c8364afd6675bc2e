#include "runtime/data_table.h"

#include <inttypes.h>
#include <math.h>

/* ---- shapes ---- */

/* The same row-major array: equal but for dimensions of 1, or one of the two flat. */
static bool shapes_agree(const net_shape *a, const net_shape *b) {
  net_shape x[2] = {{0}, {0}};
  const net_shape *from[2] = {a, b};
  for (int k = 0; k < 2; k++)
    for (uint32_t i = 0; i < from[k]->rank; i++)
      if (from[k]->dim[i] != 1) x[k].dim[x[k].rank++] = from[k]->dim[i];
  if (x[0].rank <= 1 || x[1].rank <= 1) return net_shape_elements(a) == net_shape_elements(b);
  return net_shape_same(&x[0], &x[1]);
}

/* What a column's parts must have; classes: of a label column, else 0. */
static bool check_shape(rt_view *v, const net_shape *shape, uint32_t classes) {
  netc *n = v->source->n;
  const rt_dataset *first = &v->parts[0];
  uint64_t width = 0;
  bool text = false;
  for (uint32_t i = 0; i < v->part_count; i++)
    width += net_shape_elements(&v->parts[i].row), text |= v->parts[i].text;
  const char *has = v->part_count == 1 ? net_shape_text(&n->arena, &first->row)
                                       : net_arena_format(&n->arena, "[%" PRIu64 "]", width);
  if (v->role == RT_ROLE_CLASS) {
    v->one_hot = width > 1;
    if (width != 1 && (text || width != classes)) {
      net_error(n, v->where,
                "%s has rows of shape %s, but labels are one number or name a row, or one-hot rows [%u]",
                v->label, has, classes);
      return false;
    }
  } else if (text) {
    net_error(n, v->where, "%s holds text, where numbers are wanted", v->label);
    return false;
  } else if (v->part_count == 1 ? !shapes_agree(&first->row, shape) : width != net_shape_elements(shape)) {
    const char *wants = v->role == RT_ROLE_WEIGHT ? "a weight is one number"
                                                  : net_arena_format(&n->arena, "the network has %s here",
                                                                     net_shape_text(&n->arena, shape));
    net_error(n, v->where, "%s has rows of shape %s, but %s", v->label, has, wants);
    return false;
  }
  if (width > UINT32_MAX) return net_error(n, v->where, "%s has rows that are too wide", v->label), false;
  v->width = (uint32_t)width;
  return true;
}

/* ---- opening ---- */

/* Names of elements: the file's, or a part's own name for all of it. */
static void name_elements(rt_view *v) {
  v->elements = NET_NEW_ARRAY(&v->source->n->arena, const char *, v->width);
  for (uint32_t i = 0, at = 0; i < v->part_count; i++) {
    const rt_dataset *d = &v->parts[i];
    uint32_t width = (uint32_t)net_shape_elements(&d->row);
    for (uint32_t k = 0; k < width; k++)
      v->elements[at++] = d->elements && d->element_count == width ? d->elements[k] : d->name;
  }
}

static bool find_column(rt_table *t, const rt_column_spec *spec, const rt_column_spec *named, rt_role role,
                        uint32_t which, bool any_names, rt_view *v) {
  rt_source *s = &t->source;
  const rt_column_spec *names = named ? named : spec;
  any_names |= !s->kind->info.has_path || !names->name_count;
  *v = (rt_view){
      .source = s, .role = role, .where = names->where, .part_count = any_names ? 1 : names->name_count};
  v->parts = NET_NEW_ARRAY(&s->n->arena, rt_dataset, v->part_count);
  for (uint32_t i = 0; i < v->part_count; i++) {
    rt_ask ask = {.role = role == RT_ROLE_CLASS && v->part_count > 1 ? RT_ROLE_VALUES : role,
                  .which = which,
                  .name = any_names ? NULL : names->names[i],
                  .shape = spec->shape,
                  .where = names->where};
    if (!s->kind->functions->find(s, &ask, &v->parts[i])) return false;
  }
  v->label = v->parts[0].label;
  return true;
}

static bool find_all(rt_table *t, const rt_data_spec *spec, unsigned what, bool any_names) {
  netc *n = t->source.n;
  const rt_source_spec *own = t->source.spec;
  if (what & RT_READ_INPUTS) t->inputs = NET_NEW_ARRAY(&n->arena, rt_view, spec->input_count);
  for (uint32_t i = 0; i < spec->input_count && t->inputs; i++)
    if (!find_column(t, &spec->inputs[i], own->inputs ? &own->inputs[i] : NULL, RT_ROLE_INPUT, i, any_names,
                     &t->inputs[i]))
      return false;
  if (!(what & RT_READ_TARGETS)) return true;
  t->targets = NET_NEW_ARRAY(&n->arena, rt_view, spec->target_count);
  for (uint32_t i = 0; i < spec->target_count; i++) {
    const rt_target_spec *target = &spec->targets[i];
    rt_role role = target->kind == RT_TARGET_CLASS ? RT_ROLE_CLASS : RT_ROLE_VALUES;
    if (target->kind != RT_TARGET_INPUT &&
        !find_column(t, &target->column, own->targets ? &own->targets[i] : NULL, role, i, any_names,
                     &t->targets[i]))
      return false;
  }
  if (!spec->weight) return true;
  t->weight = NET_NEW(&n->arena, rt_view);
  return find_column(t, spec->weight, own->weight, RT_ROLE_WEIGHT, 0, any_names, t->weight);
}

/* Every column has rows, and as many as the first one (of which *first is a part). */
static bool check_rows(rt_table *t, const rt_view *v, const rt_dataset **first) {
  netc *n = t->source.n;
  for (uint32_t i = 0; i < v->part_count; i++) {
    const rt_dataset *d = &v->parts[i];
    if (!*first) *first = d;
    if (d->rows == (*first)->rows) continue;
    net_error(n, d->where, "%s has %" PRIu64 " rows, but %s has %" PRIu64 ": they must agree", d->label,
              d->rows, (*first)->label, (*first)->rows);
    return false;
  }
  return true;
}

static bool settle(rt_table *t, const rt_data_spec *spec) {
  netc *n = t->source.n;
  const rt_source_functions *f = t->source.kind->functions;
  const rt_dataset *first = NULL;
  bool given = f->settle;
  if (given && !f->settle(&t->source, &t->rows)) return false;
  for (uint32_t i = 0; i < spec->input_count + spec->target_count + 1; i++) {
    uint32_t target = i - spec->input_count;
    bool is_input = i < spec->input_count, is_target = !is_input && target < spec->target_count;
    rt_view *v = is_input ? t->inputs : is_target ? t->targets : t->weight;
    if (v) v += is_input ? i : is_target ? target : 0;
    if (!v || !v->part_count) continue;
    for (uint32_t k = 0; k < v->part_count && given; k++) v->parts[k].rows = t->rows;
    const net_shape *shape = is_input    ? &spec->inputs[i].shape
                             : is_target ? &spec->targets[target].column.shape
                                         : &spec->weight->shape;
    if (!check_shape(v, shape, v->role == RT_ROLE_CLASS ? spec->targets[target].classes : 0)) return false;
    if (!check_rows(t, v, &first)) return false;
    name_elements(v);
  }
  if (first) t->rows = first->rows;
  const char *label = first ? first->label : t->source.kind->info.name;
  if (t->rows > UINT32_MAX)
    net_error(n, t->source.spec->where, "%s has %" PRIu64 " rows; at most %u are read", label, t->rows,
              UINT32_MAX);
  else if (first && !t->rows) net_error(n, t->source.spec->where, "%s has no rows", label);
  else return true;
  return false;
}

bool rt_table_open(netc *n, const rt_data_spec *spec, const rt_source_spec *source, unsigned what,
                   bool any_names, rt_table *table) {
  *table = (rt_table){.source = {.n = n, .spec = source, .kind = rt_source_kind_find(source->kind)}};
  rt_source *s = &table->source;
  if (!s->kind)
    return net_fault(n, source->where, "no kind of data source is called %s", source->kind), false;
  return s->kind->functions->open(s) && find_all(table, spec, what, any_names) && settle(table, spec);
}

void rt_table_close(rt_table *table) {
  if (table->source.kind) table->source.kind->functions->close(&table->source);
  table->source.kind = NULL;
}

/* ---- reading ---- */

const char *rt_view_place(const rt_view *v, uint64_t row, uint64_t element) {
  netc *n = v->source->n;
  uint32_t part = 0;
  for (uint64_t width; element >= (width = net_shape_elements(&v->parts[part].row)); part++) element -= width;
  const char *where = rt_source_place(v->source, row);
  if (net_shape_elements(&v->parts[part].row) == 1)
    return net_arena_format(&n->arena, "%s: %s", v->parts[part].label, where);
  return net_arena_format(&n->arena, "%s: %s, element %" PRIu64, v->parts[part].label, where, element);
}

/* The index of the first number that is not finite, or count. In blocks, whose tests become vectors. */
static uint64_t first_not_finite(const float *data, uint64_t count) {
  enum { BLOCK = 64 };
  const uint32_t exponent = 0x7F800000; /* all ones in infinities and NaN */
  uint64_t at = 0;
  for (uint32_t bad = 0; at + BLOCK <= count; at += BLOCK) {
    for (uint32_t i = 0; i < BLOCK; i++) {
      uint32_t bits;
      memcpy(&bits, data + at + i, sizeof bits);
      bad |= (bits & exponent) == exponent;
    }
    if (bad) break;
  }
  while (at < count && isfinite(data[at])) at++;
  return at;
}

bool rt_view_check_finite(const rt_view *v, const rt_rows *rows, const float *data, const char *problem) {
  uint64_t count = rows->count * v->width, at = first_not_finite(data, count);
  if (at == count) return true;
  const char *what = isnan(data[at]) ? "NaN" : data[at] < 0 ? "-infinity" : "infinity";
  net_error(v->source->n, v->where, "%s is %s%s",
            rt_view_place(v, rt_rows_at(rows, at / v->width), at % v->width), what, problem);
  return false;
}

static bool read_parts(const rt_view *v, uint64_t first, uint64_t rows, net_type type, char *to) {
  for (uint32_t i = 0; i < v->part_count; i++) {
    if (!v->source->kind->functions->read(v->source, &v->parts[i], first, rows, type, to, v->width))
      return false;
    to += net_shape_elements(&v->parts[i].row) * net_type_bytes(type);
  }
  return true;
}

bool rt_view_read(const rt_view *v, const rt_rows *rows, float *to) {
  if (!rows->order) {
    if (!read_parts(v, rows->first, rows->count, NET_F32, (char *)to)) return false;
  } else {
    for (uint64_t i = 0; i < rows->count; i++)
      if (!read_parts(v, rt_rows_at(rows, i), 1, NET_F32, (char *)(to + i * v->width))) return false;
  }
  return rt_view_check_finite(v, rows, to, ": every number must be finite");
}

bool rt_view_read_f64(const rt_view *v, uint64_t first, uint64_t rows, double *to) {
  return read_parts(v, first, rows, NET_F64, (char *)to);
}

uint64_t rt_view_block(const rt_view *v) {
  enum { LEAST = 1 << 16, MOST = 1 << 22 }; /* elements */
  uint64_t rows = v->parts[0].granule, least = LEAST / v->width + 1, most = MOST / v->width + 1;
  return rows < least ? least : rows > most ? most : rows;
}
