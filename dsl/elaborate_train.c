/* A train block → objective, optimiser, recipe. What is left out has the defaults below. */
#include "dsl/elaborate_train.h"

#include <regex.h>

/* ---- patterns of nodes ---- */

/* A layer's name is no node's, though it begins those of the nodes within. */
static void no_match(net_recipe_maker *m, net_name pattern, net_loc loc) {
  netc *n = m->e->n;
  const net_graph *g = m->network->graph;
  const char *text = net_text(n, pattern);
  size_t length = strlen(text);
  bool layer = false;
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    const char *path = net_text(n, net_graph_at(g, i)->name);
    layer |= !strncmp(path, text, length) && path[length] == '.';
  }
  net_error(n, loc, "no node of network '%s' matches '%s'%s", net_text(n, g->name), text,
            layer ? net_arena_format(&n->arena, ": the nodes within it are \"%s.*\"", text) : "");
}

/* Calls take for every parameter of the nodes that a pattern names: by exact path, or as an extended regular
 * expression that matches all of it. */
static bool for_pattern(net_recipe_maker *m, net_name pattern, net_loc loc,
                        void (*take)(net_value *value, uint32_t with), uint32_t with) {
  netc *n = m->e->n;
  net_graph *g = m->network->graph;
  regex_t regex;
  const char *anchored = net_arena_format(&n->arena, "^(%s)$", net_text(n, pattern));
  int wrong = regcomp(&regex, anchored, REG_EXTENDED | REG_NOSUB);
  if (wrong) {
    char reason[200];
    regerror(wrong, &regex, reason, sizeof reason);
    return net_error(n, loc, "'%s' is no pattern: %s", net_text(n, pattern), reason), false;
  }
  bool exact = net_graph_find(g, pattern) != NET_NONE, matched = false;
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    const net_node *node = net_graph_at(g, i);
    if (exact ? !net_name_same(node->name, pattern)
              : regexec(&regex, net_text(n, node->name), 0, NULL, 0) != 0)
      continue;
    matched = true;
    for (uint32_t k = 0; k < node->input_count; k++) {
      net_value_id input = net_node_input(g, i, k);
      if (input != NET_NONE && g->values.at[input].kind == NET_VALUE_PARAMETER)
        take(&g->values.at[input], with);
    }
  }
  regfree(&regex);
  if (!matched) no_match(m, pattern, loc);
  return matched;
}

static void set_frozen(net_value *value, uint32_t with) { value->frozen = with; }
static void set_group(net_value *value, uint32_t with) { value->group = with; }

static bool take_freeze(net_elaborator *e, const net_entry *entry, void *into) {
  net_constant list;
  if (!net_evaluate(e->n, &e->constants, entry->value, &list)) return false;
  uint32_t count = list.kind == NET_CONSTANT_LIST ? list.list.count : 1;
  const net_constant *at = list.kind == NET_CONSTANT_LIST ? list.list.at : &list;
  bool ok = true;
  for (uint32_t i = 0; i < count; i++) {
    if (at[i].kind != NET_CONSTANT_STRING) {
      net_error(e->n, at[i].loc, "freeze takes patterns of nodes, like [\"head.*\"]");
      ok = false;
    } else {
      ok &= for_pattern(into, at[i].string, at[i].loc, set_frozen, true);
    }
  }
  return ok;
}

static bool take_group_rate(net_elaborator *e, const net_entry *entry, void *into) {
  double *rate = into;
  if (!net_evaluate_real(e->n, &e->constants, entry->value, "the learning rate", rate)) return false;
  if (*rate > 0) return true;
  return net_error(e->n, entry->value->loc, "the learning rate must be above 0 (freeze holds nodes still)"),
         false;
}

/* "head.*" { learning_rate = 1e-3 } */
static bool take_pattern(net_elaborator *e, const net_entry *entry, void *into) {
  static const net_key keys[] = {{"learning_rate", take_group_rate, NULL}};
  net_recipe_maker *m = into;
  double rate = 0;
  if ((entry->kind != NET_ENTRY_PATTERN && entry->kind != NET_ENTRY_BLOCK) ||
      entry->value->kind != NET_EXPR_MAP)
    return net_error(e->n, entry->loc,
                     "a train block has settings, and patterns of nodes with a learning_rate"),
           false;
  if (!net_take_map(e, entry->value->map, keys, 1, "a pattern of a train block", NULL, &rate) || !(rate > 0))
    return false;
  net_name pattern = entry->pattern.name;
  net_loc loc = entry->kind == NET_ENTRY_PATTERN ? entry->pattern.loc : entry->path.loc;
  if (entry->kind == NET_ENTRY_BLOCK) pattern = net_intern(e->n, net_dotted_text(e->n, &entry->path));
  uint32_t group = net_vec_push(e->arena, &m->rates, rate);
  return for_pattern(m, pattern, loc, set_group, group);
}

/* ---- the rest ---- */

static bool take_data(net_elaborator *e, const net_entry *entry, void *into) {
  net_name name = net_expr_word(entry->value);
  if (!name.id) return net_error(e->n, entry->value->loc, "data is the name of a data block"), false;
  ((net_recipe_maker *)into)->data = net_choose(e, NET_DECL_DATA, net_text(e->n, name), entry->value->loc);
  return ((net_recipe_maker *)into)->data != NULL;
}

static bool take_loss(net_elaborator *e, const net_entry *entry, void *into) {
  (void)e;
  ((net_recipe_maker *)into)->loss = entry->value;
  return true;
}

static bool take_k(net_elaborator *e, const net_entry *entry, void *into) {
  int64_t k;
  if (!net_evaluate_integer(e->n, &e->constants, entry->value, "k", 1, 1 << 20, &k)) return false;
  ((rt_metric *)into)->k = (uint32_t)k;
  return true;
}

static bool take_metric(net_elaborator *e, const net_expr *expr, net_recipe_maker *m) {
  static const net_key keys[] = {{"k", take_k, NULL}};
  netc *n = e->n;
  net_ident name;
  const net_args *args;
  if (!net_as_call(e, expr, "a metric", &name, &args)) return false;
  const char *text = net_text(n, name.name);
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, rt_metric_count());
  for (uint32_t i = 0; i < rt_metric_count(); i++) {
    names[i] = rt_metric_name(i);
    if (strcmp(names[i], text)) continue;
    rt_metric metric = {names[i], 5};
    bool top = !strcmp(text, "top_k");
    if (args && args->count && !top) return net_error(n, expr->loc, "'%s' takes no arguments", text), false;
    if (!net_take_args(e, args, 0, keys, 1, 1, "'top_k'", &metric)) return false;
    net_vec_push(e->arena, &m->metrics, metric);
    net_vec_push(e->arena, &m->metric_locs, expr->loc);
    return true;
  }
  net_error(n, name.loc, "there is no metric '%s'%s", text,
            net_suggestion(n, text, names, rt_metric_count()));
  return false;
}

static bool take_metrics(net_elaborator *e, const net_entry *entry, void *into) {
  const net_expr *list = entry->value;
  bool ok = true;
  if (list->kind != NET_EXPR_LIST) return take_metric(e, list, into);
  for (uint32_t i = 0; i < list->list.count; i++) ok &= take_metric(e, list->list.at[i], into);
  return ok;
}

static bool take_shuffle(net_elaborator *e, const net_entry *entry, void *into) {
  return net_evaluate_boolean(e->n, &e->constants, entry->value, "shuffle",
                              &((net_recipe_maker *)into)->recipe->train.shuffle);
}

NET_TAKE_INTEGER(take_epochs, "the number of epochs", 1, 1000000000, recipe->train.epochs, uint32_t)
NET_TAKE_INTEGER(take_batch_size, "the batch size", 1, 1 << 24, recipe->train.batch_size, uint32_t)
NET_TAKE_INTEGER(take_seed, "the seed", 0, INT64_MAX, recipe->train.seed, uint64_t)
NET_TAKE_INTEGER(take_patience, "the epochs of patience", 0, 1000000000, recipe->train.patience, uint32_t)
NET_TAKE_REAL(take_clip_norm, "the bound on the gradient's norm", x > 0, "above 0",
              recipe->optimizer.clip_norm)

static const net_key train_keys[] = {{"data", take_data, NULL},
                                     {"loss", take_loss, NULL},
                                     {"metrics", take_metrics, NULL},
                                     {"optimizer", net_take_optimizer, "adam"},
                                     {"schedule", net_take_schedule, "constant"},
                                     {"epochs", take_epochs, NULL},
                                     {"batch_size", take_batch_size, NULL},
                                     {"shuffle", take_shuffle, NULL},
                                     {"freeze", take_freeze, NULL},
                                     {"seed", take_seed, NULL},
                                     {"patience", take_patience, NULL},
                                     {"clip_norm", take_clip_norm, NULL}};
enum { TRAIN_KEYS = sizeof train_keys / sizeof *train_keys };

static const rt_train_spec default_train = {.epochs = 10,
                                            .batch_size = 256,
                                            .shuffle = true,
                                            .schedule = {.kind = RT_CONSTANT, .factor = 0.1, .every = 10}};

static void default_loss(net_recipe_maker *m, net_expr *expr) {
  netc *n = m->e->n;
  net_loc loc = m->recipe->decl ? m->recipe->decl->loc : m->network->graph->loc;
  *expr = (net_expr){.kind = NET_EXPR_PATH, .loc = loc};
  net_ident name = {net_intern(n, "cross_entropy"), loc};
  net_vec_push(&n->arena, &expr->path.parts, name);
}

/* Whether the losses' targets give the metrics something to look at. */
static bool check_metrics(const net_recipe_maker *m) {
  bool classes = false, values = false, ok = true;
  for (uint32_t t = 0; t < m->targets.count; t++) {
    classes |= m->targets.at[t].type == NET_U32;
    values |= m->targets.at[t].type == NET_F32;
  }
  for (uint32_t i = 0; i < m->metrics.count; i++)
    for (uint32_t k = 0; k < rt_metric_count(); k++) {
      if (strcmp(rt_metric_name(k), m->metrics.at[i].name) || rt_metric_fits(k, classes, values)) continue;
      net_error(m->e->n, m->metric_locs.at[i], "metric '%s' needs a target of %s, and no loss has one",
                rt_metric_name(k), values ? "classes" : "values");
      ok = false;
    }
  return ok;
}

bool net_elaborate_train(net_elaborator *e, const net_decl *decl, net_network *network, net_recipe *recipe,
                         const net_decl **data) {
  net_recipe_maker m = {.e = e, .network = network, .recipe = recipe};
  *recipe = (net_recipe){.decl = decl, .train = default_train, .optimizer = {.op = "adam"}};
  net_vec_push(e->arena, &m.rates, 1e-3);
  bool ok = !decl || net_take_map(e, decl->map, train_keys, TRAIN_KEYS, "a train block", take_pattern, &m);
  net_expr loss;
  if (!m.loss) default_loss(&m, &loss), m.loss = &loss;
  if (!m.data && net_program_count(e->program, NET_DECL_DATA, &m.data) != 1) m.data = NULL;
  *data = m.data;
  ok &= net_take_losses(&m, m.loss, 1) && check_metrics(&m);
  recipe->objective.terms = m.terms.at, recipe->objective.term_count = m.terms.count;
  recipe->objective.targets = m.targets.at, recipe->objective.target_count = m.targets.count;
  recipe->objective.loc = m.loss->loc;
  recipe->named = m.named.at, recipe->balanced = m.balanced.at;
  recipe->train.rates = m.rates.at, recipe->train.rate_count = m.rates.count;
  recipe->train.metrics = m.metrics.at, recipe->train.metric_count = m.metrics.count;
  return ok;
}
