/* Inputs alone, out of a file that `predict` is given. */
#include "runtime/data_table.h"
#include "runtime/normalize.h"

/* Kinds whose columns are called alike: names of one serve another of the same group. */
static uint32_t group(const rt_source_kind *kind) {
  static const char *const groups[][2] = {{"hdf5", "npz"}, {"csv", "csv"}};
  for (uint32_t i = 0; kind && i < sizeof groups / sizeof groups[0]; i++)
    for (uint32_t k = 0; k < 2; k++)
      if (!strcmp(kind->info.name, groups[i][k])) return i + 1;
  return 0; /* names are those of files: they say nothing about another file */
}

static const rt_source_kind *kind_of_spec(const rt_data_spec *spec) {
  const char *name = spec->source.kind;
  for (uint32_t i = 0; i < RT_SPLITS && !name; i++) name = spec->split_source[i].kind;
  return name ? rt_source_kind_find(name) : NULL;
}

static const rt_source_kind *kind_of_file(netc *n, const char *path) {
  const rt_source_kind *kind = rt_source_kind_of_path(path);
  const char *endings = "";
  for (uint32_t i = 0; i < rt_source_count(); i++)
    if (rt_source_at(i)->endings)
      endings = net_arena_format(&n->arena, "%s%s%s", endings, *endings ? " " : "", rt_source_at(i)->endings);
  if (!kind) net_error(n, NET_NOWHERE, "cannot tell what %s is: its name ends in none of %s", path, endings);
  return kind;
}

/* The spec without what only training needs, and without places: the file is not named in the program. */
static rt_data_spec inputs_of(netc *n, const rt_data_spec *spec) {
  rt_data_spec only = {.name = spec->name, .input_count = spec->input_count};
  only.inputs = NET_NEW_ARRAY(&n->arena, rt_column_spec, spec->input_count);
  for (uint32_t i = 0; i < spec->input_count; i++) {
    only.inputs[i] = spec->inputs[i];
    only.inputs[i].where = NET_NOWHERE;
  }
  return only;
}

static bool read_all(netc *n, const rt_table *table, const rt_fitted *fitted, rt_split *split) {
  rt_rows rows = {0, table->rows, NULL};
  split->rows = (uint32_t)table->rows;
  for (uint32_t i = 0; i < split->input_count; i++) {
    const rt_view *v = &table->inputs[i];
    float *data = rt_column_alloc(n, v->where, v->label, rows.count, v->width);
    split->inputs[i] = (rt_column){v->parts[0].name, NET_F32, v->width, data, false};
    if (!data || !rt_view_read(v, &rows, data)) return false;
    if (fitted && !rt_normalize_checked(&fitted[i], v, &rows, data)) return false;
  }
  return true;
}

bool rt_data_load_inputs(netc *n, const char *path, const rt_data_spec *spec, const rt_fitted *fitted,
                         rt_split *rows) {
  *rows = (rt_split){0};
  const rt_source_kind *kind = kind_of_file(n, path);
  if (!kind) return false;
  bool any_names = !group(kind) || group(kind) != group(kind_of_spec(spec));
  if (any_names && spec->input_count > 1) {
    net_error(n, NET_NOWHERE,
              "%s: which of its data are the network's %u inputs cannot be told from a file of kind %s", path,
              spec->input_count, kind->info.name);
    return false;
  }
  rt_data_spec only = inputs_of(n, spec);
  rt_source_spec source = {.kind = kind->info.name, .path = path};
  rt_table table;
  rows->inputs = NET_NEW_ARRAY(&n->arena, rt_column, spec->input_count);
  rows->input_count = spec->input_count;
  bool ok = rt_table_open(n, &only, &source, RT_READ_INPUTS, any_names, &table) &&
            read_all(n, &table, fitted, rows);
  rt_table_close(&table);
  if (!ok) rt_split_free(rows);
  return ok;
}
