/* Loading a data block: which rows go to which split, reading them, and normalising. */
#include "runtime/data_labels.h"
#include "runtime/normalize.h"
#include "runtime/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

const char *const rt_split_names[RT_SPLITS] = {"train", "validation", "test"};

/* Tables 0 … RT_SPLITS − 1 are the splits' own sources, MAIN the one that fractions split. */
enum { MAIN = RT_SPLITS, TABLES };

typedef struct {
  netc *n;
  const rt_data_spec *spec;
  rt_data *data;
  rt_table table[TABLES];
  bool open[TABLES];
  unsigned reads[RT_SPLITS]; /* rt_read_what bits: what of a split is wanted */
  rt_rows rows[RT_SPLITS];   /* of its table; their order is freed with it */
  uint32_t *order;           /* of MAIN, if it is shuffled */
  rt_labels *labels;         /* by target */
} loader;

static uint32_t table_of(const rt_data_spec *spec, uint32_t split) {
  return spec->split_source[split].kind ? split : MAIN;
}

static const rt_source_spec *source_of(const rt_data_spec *spec, uint32_t table) {
  return table == MAIN ? &spec->source : &spec->split_source[table];
}

unsigned rt_data_splits(const rt_data_spec *spec) {
  unsigned bits = 0;
  for (uint32_t i = 0; i < RT_SPLITS; i++)
    if (spec->split_source[i].kind || (spec->source.kind && spec->fraction[i] > 0)) bits |= 1u << i;
  return bits;
}

/* ---- checks of the spec ---- */

static bool check_spec(loader *l, unsigned wanted) {
  const rt_data_spec *spec = l->spec;
  double sum = 0;
  for (uint32_t i = 0; i < RT_SPLITS; i++) {
    if (spec->split_source[i].kind) continue;
    if (!(spec->fraction[i] >= 0 && spec->fraction[i] <= 1))
      return net_error(l->n, spec->where, "data %s: %g is no fraction of the rows for the %s split",
                       spec->name, spec->fraction[i], rt_split_names[i]),
             false;
    sum += spec->fraction[i];
  }
  if (sum > 1 + 1e-9)
    return net_error(l->n, spec->where, "data %s: the splits' fractions make %g, more than 1", spec->name,
                     sum),
           false;
  for (uint32_t i = 0; i < RT_SPLITS; i++)
    if (wanted & ~rt_data_splits(spec) & 1u << i)
      return net_error(l->n, spec->where,
                       "data %s has no %s split: give it a fraction of the rows or a source", spec->name,
                       rt_split_names[i]),
             false;
  return true;
}

/* ---- tables ---- */

static bool open_table(loader *l, uint32_t table, unsigned what) {
  l->open[table] = true; /* to be closed even if this fails */
  return rt_table_open(l->n, l->spec, source_of(l->spec, table), what, false, &l->table[table]);
}

static bool add_labels(loader *l, uint32_t table) {
  for (uint32_t t = 0; t < l->spec->target_count; t++)
    if (l->labels[t].spec && l->table[table].targets &&
        !rt_labels_add(&l->labels[t], table, &l->table[table].targets[t], l->table[table].rows))
      return false;
  return true;
}

/* Whether some labels are texts that the spec does not name: then all of them decide about their numbers. */
static bool labels_need_all(const loader *l) {
  bool text = false;
  for (uint32_t table = 0; table < TABLES; table++)
    for (uint32_t t = 0; t < l->spec->target_count && l->open[table] && l->table[table].targets; t++)
      text |= l->labels[t].spec && l->table[table].targets[t].parts[0].text;
  return text && !l->spec->classes;
}

/* Opens what is wanted, and for the names of classes whatever else has labels. Names are numbered in the
 * order of the splits, each in its stored order. */
static bool open_tables(loader *l) {
  unsigned what[TABLES] = {0};
  bool used[TABLES] = {false};
  for (uint32_t i = 0; i < RT_SPLITS; i++) {
    what[table_of(l->spec, i)] |= l->reads[i];
    used[table_of(l->spec, i)] |= rt_data_splits(l->spec) >> i & 1;
  }
  for (uint32_t i = 0; i < TABLES; i++)
    if (what[i] && !open_table(l, i, what[i])) return false;
  if (labels_need_all(l))
    for (uint32_t i = 0; i < TABLES; i++) {
      if (!used[i] || what[i] & RT_READ_TARGETS) continue;
      if (l->open[i]) rt_table_close(&l->table[i]); /* for its inputs alone */
      if (!open_table(l, i, what[i] | RT_READ_TARGETS)) return false;
    }
  bool added[TABLES] = {false};
  for (uint32_t i = 0; i < RT_SPLITS; i++) {
    uint32_t table = table_of(l->spec, i);
    if (l->open[table] && !added[table] && !add_labels(l, table)) return false;
    added[table] = true;
  }
  for (uint32_t t = 0; t < l->spec->target_count; t++)
    if (l->labels[t].spec && !rt_labels_settle(&l->labels[t])) return false;
  return true;
}

/* ---- splits ---- */

static bool shuffle(loader *l) {
  uint32_t rows = (uint32_t)l->table[MAIN].rows;
  rt_random r;
  l->order = rt_column_alloc(l->n, l->spec->where, l->spec->name, rows, 1);
  if (!l->order) return false;
  for (uint32_t i = 0; i < rows; i++) l->order[i] = i;
  rt_random_start(&r, l->spec->seed, RT_RANDOM_SPLIT, 0);
  rt_random_shuffle(&r, l->order, rows);
  return true;
}

/* Boundaries are the running sums of fractions times the rows, rounded to the nearest: sums of decimal
 * fractions are off by a few ulps only, so 0.7 + 0.1 of 150,000 is 120,000. */
static bool split_rows(loader *l) {
  double sum = 0;
  uint64_t begin = 0, all = l->table[MAIN].rows;
  if (l->open[MAIN] && l->spec->shuffle && !shuffle(l)) return false;
  for (uint32_t i = 0; i < RT_SPLITS; i++) {
    rt_rows *rows = &l->rows[i];
    if (table_of(l->spec, i) == MAIN) {
      sum += l->spec->fraction[i];
      uint64_t end = (uint64_t)floor(sum * (double)all + 0.5);
      if (end > all) end = all;
      *rows = (rt_rows){begin, end - begin, l->order};
      begin = end;
    } else *rows = (rt_rows){0, l->table[i].rows, NULL};
    if (l->reads[i] && !rows->count)
      return net_error(l->n, l->spec->where,
                       "data %s: its %s split has no rows: %g of %" PRIu64 " are too few", l->spec->name,
                       rt_split_names[i], l->spec->fraction[i], all),
             false;
  }
  return true;
}

/* ---- reading a column into the splits ---- */

typedef struct {
  const rt_view *view;
  const rt_labels *labels; /* NULL: values */
  uint32_t table;
} reading;

static bool read_rows(const reading *what, const rt_rows *rows, void *to) {
  return what->labels ? rt_labels_read(what->labels, what->table, what->view, rows, to)
                      : rt_view_read(what->view, rows, to);
}

/* Reads into each of the splits that want it of one table. Shuffled rows of a source that is read fastest in
 * order are read whole and dealt out. */
static bool read_column(loader *l, const reading *what, unsigned splits, void *to[RT_SPLITS]) {
  const rt_view *v = what->view;
  uint64_t width = what->labels ? 1 : v->width, all = l->table[what->table].rows;
  bool deal = what->table == MAIN && l->order && !v->source->kind->functions->scattered;
  void *whole = deal ? rt_column_alloc(l->n, v->where, v->label, all, width) : NULL;
  bool ok = !deal || (whole && read_rows(what, &(rt_rows){0, all, NULL}, whole));
  for (uint32_t i = 0; i < RT_SPLITS && ok; i++) {
    if (!(splits & 1u << i)) continue;
    const rt_rows *rows = &l->rows[i];
    to[i] = rt_column_alloc(l->n, v->where, v->label, rows->count, width);
    ok = to[i] && (deal || read_rows(what, rows, to[i]));
    for (uint64_t r = 0; r < rows->count && ok && deal; r++)
      memcpy((uint32_t *)to[i] + r * width, (uint32_t *)whole + rt_rows_at(rows, r) * width, width * 4);
  }
  free(whole);
  return ok;
}

/* The splits whose rows come of a table and that want such columns. */
static unsigned splits_of(const loader *l, uint32_t table, unsigned what) {
  unsigned bits = 0;
  for (uint32_t i = 0; i < RT_SPLITS; i++)
    if (table_of(l->spec, i) == table && l->reads[i] & what) bits |= 1u << i;
  return bits;
}

static bool read_inputs(loader *l, uint32_t table) {
  unsigned splits = splits_of(l, table, RT_READ_INPUTS);
  for (uint32_t k = 0; k < l->spec->input_count && splits; k++) {
    reading what = {.view = &l->table[table].inputs[k], .table = table};
    void *to[RT_SPLITS] = {NULL};
    bool ok = read_column(l, &what, splits, to);
    for (uint32_t i = 0; i < RT_SPLITS; i++)
      if (splits & 1u << i)
        l->data->split[i].inputs[k] =
            (rt_column){what.view->parts[0].name, NET_F32, what.view->width, to[i], false};
    if (!ok) return false;
  }
  return true;
}

static bool read_targets(loader *l, uint32_t table) {
  unsigned splits = splits_of(l, table, RT_READ_TARGETS);
  for (uint32_t k = 0; k < l->spec->target_count && splits; k++) {
    if (l->spec->targets[k].kind == RT_TARGET_INPUT) continue;
    reading what = {.view = &l->table[table].targets[k],
                    .labels = l->labels[k].spec ? &l->labels[k] : NULL,
                    .table = table};
    uint32_t width = what.labels ? 1 : what.view->width;
    void *to[RT_SPLITS] = {NULL};
    bool ok = read_column(l, &what, splits, to);
    for (uint32_t i = 0; i < RT_SPLITS; i++)
      if (splits & 1u << i)
        l->data->split[i].targets[k] =
            (rt_column){what.view->parts[0].name, what.labels ? NET_U32 : NET_F32, width, to[i], false};
    if (!ok) return false;
  }
  return true;
}

static bool check_weights(loader *l, const rt_view *v, uint32_t split) {
  const float *w = l->data->split[split].weight;
  double sum = 0;
  for (uint64_t i = 0; i < l->rows[split].count; sum += (double)w[i++])
    if (w[i] < 0)
      return net_error(l->n, v->where, "%s: weight %g is negative",
                       rt_view_place(v, rt_rows_at(&l->rows[split], i), 0), (double)w[i]),
             false;
  if (sum > 0) return true;
  net_error(l->n, v->where, "%s: all weights of the %s split are 0", v->label, rt_split_names[split]);
  return false;
}

static bool read_weights(loader *l, uint32_t table) {
  unsigned splits = splits_of(l, table, RT_READ_TARGETS);
  if (!l->spec->weight || !splits) return true;
  reading what = {.view = l->table[table].weight, .table = table};
  void *to[RT_SPLITS] = {NULL};
  bool ok = read_column(l, &what, splits, to);
  for (uint32_t i = 0; i < RT_SPLITS; i++)
    if (splits & 1u << i) l->data->split[i].weight = to[i];
  for (uint32_t i = 0; i < RT_SPLITS && ok; i++)
    if (splits & 1u << i) ok = check_weights(l, what.view, i);
  return ok;
}

static bool read_splits(loader *l) {
  for (uint32_t i = 0; i < RT_SPLITS; i++) {
    rt_split *s = &l->data->split[i];
    if (!l->reads[i]) continue;
    s->rows = (uint32_t)l->rows[i].count;
    s->input_count = l->spec->input_count;
    s->inputs = NET_NEW_ARRAY(&l->n->arena, rt_column, s->input_count);
    s->target_count = l->reads[i] & RT_READ_TARGETS ? l->spec->target_count : 0;
    s->targets = NET_NEW_ARRAY(&l->n->arena, rt_column, s->target_count);
  }
  for (uint32_t table = 0; table < TABLES; table++)
    if (!read_inputs(l, table) || !read_targets(l, table) || !read_weights(l, table)) return false;
  return true;
}

/* ---- normalisation ---- */

static rt_view *input_view(const loader *l, uint32_t split, uint32_t k) {
  return &l->table[table_of(l->spec, split)].inputs[k];
}

static bool normalize(loader *l, const rt_fitted *stored) {
  rt_data *data = l->data;
  uint32_t some = 0; /* a split that is read */
  while (!l->reads[some]) some++;
  if (!stored && !rt_normalize_check(l->n, l->spec, input_view(l, some, 0))) return false;
  data->normalization = NET_NEW_ARRAY(&l->n->arena, rt_fitted, l->spec->input_count);
  for (uint32_t k = 0; k < l->spec->input_count; k++) {
    rt_fitted *f = &data->normalization[k];
    uint32_t fit_on = l->reads[RT_TRAIN] ? RT_TRAIN : some; /* without the train split nothing needs a fit */
    if (stored) *f = stored[k];
    else if (!rt_normalize_fit(l->n, l->spec, input_view(l, fit_on, k), &l->rows[fit_on],
                               data->split[fit_on].inputs[k].data, f))
      return false;
    if (f->width != data->split[some].inputs[k].width)
      return net_error(l->n, l->spec->where,
                       "data %s: the stored normalisation is for %u elements a sample, but the data have %u",
                       l->spec->name, f->width, data->split[some].inputs[k].width),
             false;
    for (uint32_t i = 0; i < RT_SPLITS; i++)
      if (l->reads[i] && (stored || i != fit_on) &&
          !rt_normalize_checked(f, input_view(l, i, k), &l->rows[i], data->split[i].inputs[k].data))
        return false;
  }
  return true;
}

/* ---- the whole ---- */

static void finish(loader *l, unsigned wanted) {
  rt_data *data = l->data;
  if (!(wanted & 1u << RT_TRAIN)) rt_split_free(&data->split[RT_TRAIN]);
  for (uint32_t i = 0; i < RT_SPLITS; i++)
    for (uint32_t k = 0; k < data->split[i].target_count; k++)
      if (l->spec->targets[k].kind == RT_TARGET_INPUT) {
        data->split[i].targets[k] = data->split[i].inputs[0];
        data->split[i].targets[k].alias = true;
      }
  data->classes = l->spec->classes;
  data->class_count = l->spec->class_count;
  for (uint32_t t = l->spec->target_count; t--;)
    if (l->labels[t].spec && l->labels[t].classes) {
      data->classes = l->labels[t].classes;
      data->class_count = l->labels[t].class_count;
    } else if (l->labels[t].spec && !data->classes) data->class_count = l->spec->targets[t].classes;
}

static bool load(loader *l, unsigned wanted, const rt_fitted *stored) {
  if (!check_spec(l, wanted)) return false;
  for (uint32_t i = 0; i < RT_SPLITS; i++)
    if (wanted & 1u << i) l->reads[i] = RT_READ_INPUTS | RT_READ_TARGETS;
  if (!stored && rt_normalize_needs_fit(l->spec) && !l->reads[RT_TRAIN]) {
    if (!check_spec(l, 1u << RT_TRAIN)) return false;
    l->reads[RT_TRAIN] = RT_READ_INPUTS;
  }
  for (uint32_t t = 0; t < l->spec->target_count; t++)
    if (l->spec->targets[t].kind == RT_TARGET_CLASS) rt_labels_init(l->n, l->spec, t, &l->labels[t]);
  if (!open_tables(l) || !split_rows(l) || !read_splits(l) || !normalize(l, stored)) return false;
  finish(l, wanted);
  return true;
}

rt_data *rt_data_load(netc *n, const rt_data_spec *spec, unsigned wanted, const rt_fitted *fitted) {
  loader l = {.n = n, .spec = spec, .data = NET_NEW(&n->arena, rt_data)};
  l.data->spec = spec;
  l.labels = NET_NEW_ARRAY(&n->arena, rt_labels, spec->target_count);
  if (!wanted) return net_fault(n, spec->where, "no split of data %s is wanted", spec->name), NULL;
  bool ok = load(&l, wanted, fitted);
  for (uint32_t i = TABLES; i--;)
    if (l.open[i]) rt_table_close(&l.table[i]);
  for (uint32_t t = 0; t < spec->target_count; t++) rt_labels_free(&l.labels[t]);
  free(l.order);
  if (ok) return l.data;
  rt_data_free(l.data);
  return NULL;
}

void rt_split_free(rt_split *split) {
  for (uint32_t i = 0; i < split->input_count; i++) free(split->inputs[i].data);
  for (uint32_t i = 0; i < split->target_count; i++)
    if (!split->targets[i].alias) free(split->targets[i].data);
  free(split->weight);
  *split = (rt_split){0};
}

void rt_data_free(rt_data *data) {
  for (uint32_t i = 0; data && i < RT_SPLITS; i++) rt_split_free(&data->split[i]);
}
