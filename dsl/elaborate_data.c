/* A data block → rt_data_spec, for one network and the targets that its losses want. */
#include "dsl/elaborate_common.h"

#include "support/file.h"

#include <unistd.h>

typedef struct {
  net_elaborator *e;
  const net_decl *decl;
  rt_data_spec *spec;
  const net_expr *input, *target, *weight;
} data_maker;

static data_maker *maker(void *into) { return into; }

/* ---- names of columns ---- */

static bool take_names(net_elaborator *e, const net_expr *expr, const char *what, rt_column_spec *column) {
  netc *n = e->n;
  net_constant c;
  if (!net_evaluate(n, &e->constants, expr, &c)) return false;
  uint32_t count = c.kind == NET_CONSTANT_LIST ? c.list.count : 1;
  const net_constant *at = c.kind == NET_CONSTANT_LIST ? c.list.at : &c;
  column->names = NET_NEW_ARRAY(&n->arena, const char *, count + 1);
  column->name_count = count;
  column->where = expr->loc;
  if (!count) return net_error(n, expr->loc, "%s names nothing", what), false;
  for (uint32_t i = 0; i < count; i++) {
    if (at[i].kind != NET_CONSTANT_STRING)
      return net_error(n, at[i].loc, "%s is a name in quotes, or a list of names", what), false;
    column->names[i] = net_text(n, at[i].string);
  }
  return true;
}

/* ---- sources ---- */

typedef struct {
  data_maker *m;
  rt_source_spec *source;
  bool of_split; /* takes its own names of columns */
  rt_column_spec *columns[3];
} source_maker;

#define TAKE_COLUMN(name, index, what)                                                                       \
  static bool name(net_elaborator *e, const net_entry *entry, void *into) {                                  \
    source_maker *s = into;                                                                                  \
    s->columns[index] = NET_NEW(&e->n->arena, rt_column_spec);                                               \
    return take_names(e, entry->value, what, s->columns[index]);                                             \
  }
TAKE_COLUMN(take_source_input, 0, "input")
TAKE_COLUMN(take_source_target, 1, "target")
TAKE_COLUMN(take_source_weight, 2, "weight")

/* Relative to the file that the block stands in. A checkpoint's program stood in e->directory, as seen from
 * where netc ran then: mostly here, or a few folders above the checkpoint (runs/NETWORK/0001); or the data
 * have moved with the checkpoint. */
static const char *find_data(net_elaborator *e, const char *directory, const char *path) {
  enum { MOST_ABOVE = 3 };
  const char *beside = net_path_join(e->n, directory, path);
  if (!e->directory) return beside;
  const char *first = net_path_join(e->n, e->directory, path), *found = first;
  for (int above = 0; access(found, F_OK) && above < MOST_ABOVE; above++) {
    found = net_path_join(e->n, *directory ? directory : ".", first);
    directory = net_path_join(e->n, *directory ? directory : ".", "..");
  }
  if (!access(found, F_OK)) return found;
  return access(beside, F_OK) ? first : beside;
}

static bool take_path(net_elaborator *e, const net_entry *entry, void *into) {
  source_maker *s = into;
  net_name path;
  if (!net_evaluate_string(e->n, &e->constants, entry->value, "the path", &path)) return false;
  if (!*net_text(e->n, path)) return net_error(e->n, entry->value->loc, "the path is empty"), false;
  net_position at = net_sources_find(&e->n->sources, s->m->decl->loc);
  const char *directory = net_path_directory(e->n, at.source ? at.source->path : "");
  s->source->path = find_data(e, directory, net_text(e->n, path));
  return true;
}

#define TAKE_COUNT(name, what, least, most, target, type)                                                    \
  static bool name(net_elaborator *e, const net_entry *entry, void *into) {                                  \
    int64_t x;                                                                                               \
    if (!net_evaluate_integer(e->n, &e->constants, entry->value, what, least, most, &x)) return false;       \
    ((source_maker *)into)->source->target = (type)x;                                                        \
    return true;                                                                                             \
  }
TAKE_COUNT(take_samples, "the number of samples", 1, 1 << 28, samples, uint32_t)
TAKE_COUNT(take_class_count, "the number of classes", 2, 1 << 20, classes, uint32_t)
TAKE_COUNT(take_source_seed, "the seed", 0, INT64_MAX, seed, uint64_t)

static const net_key path_keys[] = {{"path", take_path, NULL},
                                    {"input", take_source_input, NULL},
                                    {"target", take_source_target, NULL},
                                    {"weight", take_source_weight, NULL}};
static const net_key made_keys[] = {
    {"samples", take_samples, NULL}, {"classes", take_class_count, NULL}, {"seed", take_source_seed, NULL}};

static bool make_source(data_maker *m, const net_expr *expr, bool of_split, rt_source_spec *source) {
  net_elaborator *e = m->e;
  netc *n = e->n;
  net_ident name;
  const net_args *args;
  if (!net_as_call(e, expr, "a source of data like hdf5(\"jets.h5\")", &name, &args)) return false;
  const char *text = net_text(n, name.name);
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, rt_source_count());
  const rt_source_info *info = NULL;
  for (uint32_t i = 0; i < rt_source_count(); i++) {
    names[i] = rt_source_at(i)->name;
    if (!strcmp(names[i], text)) info = rt_source_at(i);
  }
  if (!info) {
    net_error(n, name.loc, "there is no data source '%s'%s", text,
              net_suggestion(n, text, names, rt_source_count()));
    return false;
  }
  source->kind = info->name;
  source->where = expr->loc;
  source->samples = 10000;
  source_maker s = {.m = m, .source = source, .of_split = of_split};
  const char *what = net_arena_format(&n->arena, "source '%s'", text);
  const net_key *keys = info->has_path ? path_keys : made_keys;
  if (!net_take_args(e, args, 0, keys, info->has_path ? (of_split ? 4 : 1) : 3, 1, what, &s)) return false;
  if (info->has_path && !source->path)
    return net_error(n, expr->loc, "'%s' takes %s", text, info->takes), false;
  source->inputs = s.columns[0], source->targets = s.columns[1], source->weight = s.columns[2];
  return true;
}

static bool take_source(net_elaborator *e, const net_entry *entry, void *into) {
  (void)e;
  return make_source(maker(into), entry->value, false, &maker(into)->spec->source);
}

/* ---- splits ---- */

/* A fraction of the block's source, or a source of its own. */
static bool take_part(data_maker *m, const net_entry *entry, rt_split_name split) {
  net_elaborator *e = m->e;
  const net_expr *value = entry->value;
  bool number = value->kind == NET_EXPR_INTEGER || value->kind == NET_EXPR_REAL ||
                value->kind == NET_EXPR_BINARY ||
                (value->kind == NET_EXPR_PATH && net_scope_find(&e->constants, net_expr_word(value)));
  if (!number) return make_source(m, value, true, &m->spec->split_source[split]);
  double fraction;
  if (!net_evaluate_real(e->n, &e->constants, value, "a split's fraction", &fraction)) return false;
  if (!(fraction >= 0 && fraction <= 1))
    return net_error(e->n, value->loc, "a fraction lies between 0 and 1"), false;
  m->spec->fraction[split] = fraction;
  return true;
}

static bool take_train(net_elaborator *e, const net_entry *entry, void *into) {
  (void)e;
  return take_part(into, entry, RT_TRAIN);
}
static bool take_validation(net_elaborator *e, const net_entry *entry, void *into) {
  (void)e;
  return take_part(into, entry, RT_VALIDATION);
}
static bool take_test(net_elaborator *e, const net_entry *entry, void *into) {
  (void)e;
  return take_part(into, entry, RT_TEST);
}
static bool take_shuffle(net_elaborator *e, const net_entry *entry, void *into) {
  return net_evaluate_boolean(e->n, &e->constants, entry->value, "shuffle", &maker(into)->spec->shuffle);
}
static bool take_seed(net_elaborator *e, const net_entry *entry, void *into) {
  int64_t seed;
  if (!net_evaluate_integer(e->n, &e->constants, entry->value, "the seed", 0, INT64_MAX, &seed)) return false;
  maker(into)->spec->seed = (uint64_t)seed;
  return true;
}

static bool take_split(net_elaborator *e, const net_entry *entry, void *into) {
  static const net_key keys[] = {{"train", take_train, NULL},
                                 {"validation", take_validation, NULL},
                                 {"test", take_test, NULL},
                                 {"shuffle", take_shuffle, NULL},
                                 {"seed", take_seed, NULL}};
  rt_data_spec *spec = maker(into)->spec;
  if (entry->value->kind != NET_EXPR_MAP)
    return net_error(e->n, entry->value->loc,
                     "a split is written { train = 0.8, validation = 0.1, test = 0.1 }"),
           false;
  for (int s = 0; s < RT_SPLITS; s++) spec->fraction[s] = 0;
  if (!net_take_map(e, entry->value->map, keys, 5, "a split", NULL, into)) return false;
  double sum = 0;
  for (int s = 0; s < RT_SPLITS; s++) sum += spec->fraction[s];
  if (sum > 1 + 1e-9)
    return net_error(e->n, entry->value->loc, "the fractions of a split add up to %g: more than 1", sum),
           false;
  return true;
}

static bool take_normalize(net_elaborator *e, const net_entry *entry, void *into) {
  return net_take_normalize(e, entry->value, maker(into)->spec);
}

/* ---- the rest ---- */

static bool take_classes(net_elaborator *e, const net_entry *entry, void *into) {
  rt_column_spec names = {0};
  if (!take_names(e, entry->value, "classes", &names)) return false;
  maker(into)->spec->classes = names.names;
  maker(into)->spec->class_count = names.name_count;
  return true;
}

static bool take_input(net_elaborator *e, const net_entry *entry, void *into) {
  (void)e;
  maker(into)->input = entry->value;
  return true;
}
static bool take_target(net_elaborator *e, const net_entry *entry, void *into) {
  (void)e;
  maker(into)->target = entry->value;
  return true;
}
static bool take_weight(net_elaborator *e, const net_entry *entry, void *into) {
  (void)e;
  maker(into)->weight = entry->value;
  return true;
}

static const net_key data_keys[] = {{"source", take_source, NULL},      {"input", take_input, NULL},
                                    {"target", take_target, NULL},      {"classes", take_classes, NULL},
                                    {"weight", take_weight, NULL},      {"split", take_split, ""},
                                    {"normalize", take_normalize, NULL}};
enum { DATA_KEYS = sizeof data_keys / sizeof *data_keys };

/* The network's inputs, in order: a name or list of names for one, a list of such for several. */
static bool make_inputs(data_maker *m, const net_graph *graph) {
  netc *n = m->e->n;
  rt_data_spec *spec = m->spec;
  for (uint32_t v = 0; v < graph->values.count; v++)
    spec->input_count += graph->values.at[v].kind == NET_VALUE_INPUT;
  spec->inputs = NET_NEW_ARRAY(&n->arena, rt_column_spec, spec->input_count + 1);
  const net_expr *list = m->input && m->input->kind == NET_EXPR_LIST ? m->input : NULL;
  if (spec->input_count > 1 && m->input && (!list || list->list.count != spec->input_count)) {
    net_error(n, m->input->loc, "network '%s' has %u inputs: input = [\"one\", \"other\"] names each",
              net_text(n, graph->name), spec->input_count);
    return false;
  }
  uint32_t k = 0;
  for (uint32_t v = 0; v < graph->values.count; v++) {
    const net_value *value = &graph->values.at[v];
    if (value->kind != NET_VALUE_INPUT) continue;
    rt_column_spec *column = &spec->inputs[k];
    column->where = spec->where;
    const net_expr *names = m->input && spec->input_count > 1 ? list->list.at[k] : m->input;
    if (names && !take_names(m->e, names, "input", column)) return false;
    column->shape = value->shape;
    k++;
  }
  return true;
}

static bool make_targets(data_maker *m, const net_recipe *recipe, const net_graph *graph) {
  netc *n = m->e->n;
  rt_data_spec *spec = m->spec;
  const net_objective *objective = &recipe->objective;
  spec->target_count = objective->target_count;
  spec->targets = NET_NEW_ARRAY(&n->arena, rt_target_spec, spec->target_count + 1);
  for (uint32_t t = 0; t < objective->target_count; t++) {
    const net_target *wanted = &objective->targets[t];
    rt_target_spec *target = &spec->targets[t];
    target->column.where = wanted->loc;
    target->column.shape = wanted->shape;
    target->kind = wanted->type == NET_U32 ? RT_TARGET_CLASS : RT_TARGET_VALUES;
    if (recipe->named[t]) {
      target->column.names = NET_NEW_ARRAY(&n->arena, const char *, 1);
      target->column.names[0] = net_text(n, wanted->name);
      target->column.name_count = 1;
    } else if (m->target && net_expr_is(n, m->target, "input")) {
      target->kind = RT_TARGET_INPUT;
      target->column.where = m->target->loc;
      const net_shape *shape = &spec->inputs[0].shape;
      if (wanted->type != NET_F32 || net_shape_elements(shape) != net_shape_elements(&wanted->shape)) {
        net_error(n, m->target->loc, "target = input: the loss compares f32%s with the input, f32%s",
                  net_shape_text(&n->arena, &wanted->shape), net_shape_text(&n->arena, shape));
        return false;
      }
    } else if (m->target && !take_names(m->e, m->target, "target", &target->column)) {
      return false;
    }
    for (uint32_t k = 0; k < objective->term_count; k++)
      if (objective->terms[k].target == t && target->kind == RT_TARGET_CLASS)
        target->classes = objective->terms[k].class_count;
    if (target->kind == RT_TARGET_CLASS && spec->classes && spec->class_count != target->classes) {
      net_error(n, spec->where, "data '%s' names %u classes, but network '%s' tells %u apart", spec->name,
                spec->class_count, net_text(n, graph->name), target->classes);
      return false;
    }
    bool made = spec->source.kind && !strcmp(spec->source.kind, "synthetic");
    if (!target->column.name_count && target->kind != RT_TARGET_INPUT && !made && m->target == NULL &&
        strcmp(spec->source.kind ? spec->source.kind : "", "npy")) {
      net_error(n, spec->where, "data '%s' needs a target: target = \"labels\"", spec->name);
      return false;
    }
    if (made && target->kind == RT_TARGET_CLASS && !spec->source.classes)
      spec->source.classes = target->classes;
  }
  return true;
}

static bool has_source(const rt_data_spec *spec) {
  bool sources = spec->source.kind != NULL;
  for (int s = 0; s < RT_SPLITS; s++) sources |= spec->split_source[s].kind != NULL;
  return sources;
}

static bool take_block(data_maker *m) {
  netc *n = m->e->n;
  *m->spec = (rt_data_spec){
      .name = net_text(n, m->decl->name.name), .where = m->decl->name.loc, .fraction = {0.8, 0.1, 0.1}};
  if (!net_take_map(m->e, m->decl->map, data_keys, DATA_KEYS, "a data block", NULL, m)) return false;
  if (has_source(m->spec)) return true;
  return net_error(n, m->decl->name.loc, "data '%s' needs a source: source = hdf5(\"…\")", m->spec->name),
         false;
}

/* Names of a column; of several, each of a list of lists. */
static bool check_names(data_maker *m, const net_expr *expr, const char *what) {
  netc *n = m->e->n;
  rt_column_spec column;
  if (!expr || net_expr_is(n, expr, "none") || net_expr_is(n, expr, "input")) return true;
  bool ok = true;
  if (expr->kind == NET_EXPR_LIST && expr->list.count && expr->list.at[0]->kind == NET_EXPR_LIST) {
    for (uint32_t i = 0; i < expr->list.count; i++) ok &= take_names(m->e, expr->list.at[i], what, &column);
    return ok;
  }
  return take_names(m->e, expr, what, &column);
}

bool net_check_data(net_elaborator *e, const net_decl *decl) {
  rt_data_spec spec;
  data_maker m = {.e = e, .decl = decl, .spec = &spec};
  if (!take_block(&m)) return false;
  bool ok = check_names(&m, m.input, "input");
  ok &= check_names(&m, m.target, "target");
  return check_names(&m, m.weight, "weight") && ok;
}

bool net_elaborate_data(net_elaborator *e, const net_decl *decl, const net_network *network,
                        const net_recipe *recipe, rt_data_spec **data) {
  netc *n = e->n;
  rt_data_spec *spec = NET_NEW(&n->arena, rt_data_spec);
  data_maker m = {.e = e, .decl = decl, .spec = spec};
  if (!take_block(&m)) return false;
  if (!make_inputs(&m, network->graph) || !make_targets(&m, recipe, network->graph)) return false;
  if (m.weight && !net_expr_is(n, m.weight, "none")) {
    spec->weight = NET_NEW(&n->arena, rt_column_spec);
    if (!take_names(e, m.weight, "weight", spec->weight)) return false;
    ((net_recipe *)recipe)->objective.sample_weights = true;
  }
  *data = spec;
  return true;
}
