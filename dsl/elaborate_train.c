/* A train block → objective, optimiser, recipe. What is left out has the defaults below. */
#include "dsl/elaborate_common.h"

#include <regex.h>

typedef struct {
  net_elaborator *e;
  net_network *network;
  net_recipe *recipe;
  const net_expr *loss;
  const net_decl *data;
  NET_VEC(double) rates;
  NET_VEC(net_loss_term) terms;
  NET_VEC(bool) balanced;
  NET_VEC(net_target) targets;
  NET_VEC(bool) named; /* per target */
  NET_VEC(rt_metric) metrics;
} recipe_maker;

static recipe_maker *maker(void *into) { return into; }

/* ---- losses ---- */

/* cross_entropy calls its input logits: its targets are class numbers. */
static bool compares_classes(netc *n, const net_op *op) {
  const net_op_field *fields;
  return net_op_inputs(n, op, &fields) && !strcmp(fields[0].name, "logits");
}

static bool default_prediction(recipe_maker *m, net_loc loc, net_value_id *value) {
  net_graph *g = m->network->graph;
  if (g->outputs.count == 1) return *value = g->outputs.at[0], true;
  net_error(m->e->n, loc, "network '%s' has %u outputs: the loss must name the value it looks at, like "
            "cross_entropy(logits, \"labels\")", net_text(m->e->n, g->name), g->outputs.count);
  return false;
}

/* A name that the network's body binds, or the path of a node. */
static bool find_prediction(recipe_maker *m, const net_expr *expr, net_value_id *value) {
  netc *n = m->e->n;
  if (expr->kind != NET_EXPR_PATH)
    return net_error(n, expr->loc, "a value of the network is wanted here, not %s", net_expr_kind_text(expr)), false;
  const char *text = net_dotted_text(n, &expr->path);
  net_name name = net_intern(n, text);
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, m->network->bindings.count + m->network->graph->nodes.count + 1);
  uint32_t count = 0;
  for (uint32_t i = 0; i < m->network->bindings.count; i++) {
    if (net_name_same(m->network->bindings.at[i].name, name)) return *value = m->network->bindings.at[i].value, true;
    names[count++] = net_text(n, m->network->bindings.at[i].name);
  }
  net_node_id node = net_graph_find(m->network->graph, name);
  if (node != NET_NONE) return *value = net_node_output(m->network->graph, node, 0), true;
  for (uint32_t i = 0; i < m->network->graph->nodes.count; i++)
    names[count++] = net_text(n, m->network->graph->nodes.at[i].name);
  net_error(n, expr->loc, "network '%s' has no value '%s'%s", net_text(n, m->network->graph->name), text,
            net_suggestion(n, text, names, count));
  return false;
}

/* The column of targets called name, made if it is new. Id 0: the one that the data block names. */
static bool find_target(recipe_maker *m, net_name name, net_type type, net_shape shape, net_loc loc, uint32_t *index) {
  netc *n = m->e->n;
  for (uint32_t i = 0; i < m->targets.count; i++) {
    const net_target *t = &m->targets.at[i];
    if (m->named.at[i] != (name.id != 0) || (name.id && !net_name_same(t->name, name))) continue;
    if (t->type != type || !net_shape_same(&t->shape, &shape)) {
      net_error(n, loc, "two losses want target '%s' differently: class numbers or values, or of another shape",
                net_text(n, t->name));
      net_note(n, t->loc, "the other one is here");
      return false;
    }
    return *index = i, true;
  }
  net_vec_push(m->e->arena, &m->named, name.id != 0);
  if (!name.id) name = net_graph_fresh_name(m->network->graph, "target");
  *index = net_vec_push(m->e->arena, &m->targets, (net_target){name, type, shape, loc});
  return true;
}

static bool class_weights(recipe_maker *m, const net_expr *expr, net_loss_term *term, bool *balanced) {
  netc *n = m->e->n;
  net_constant list;
  if (net_expr_is(n, expr, "balanced")) return *balanced = true;
  if (!net_evaluate(n, &m->e->constants, expr, &list)) return false;
  if (list.kind != NET_CONSTANT_LIST || list.list.count != term->class_count)
    return net_error(n, expr->loc, "class_weight is 'balanced' or a list of %u numbers, one a class", term->class_count), false;
  float *weights = NET_NEW_ARRAY(m->e->arena, float, term->class_count);
  for (uint32_t i = 0; i < term->class_count; i++) {
    const net_constant *c = &list.list.at[i];
    double w = c->kind == NET_CONSTANT_INTEGER ? (double)c->integer : c->kind == NET_CONSTANT_REAL ? c->real : -1;
    if (!(w >= 0)) return net_error(n, c->loc, "a class's weight is a number of at least 0"), false;
    weights[i] = (float)w;
  }
  term->class_weights = weights;
  return true;
}

static bool loss_argument(recipe_maker *m, const net_op *op, const net_arg *arg, net_loss_term *term, bool *balanced) {
  netc *n = m->e->n;
  const char *name = net_text(n, arg->name.name);
  if (!strcmp(name, "class_weight") && compares_classes(n, op)) return class_weights(m, arg->value, term, balanced);
  const net_op_field *fields;
  uint32_t count = net_op_attributes(n, op, &fields);
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, count + 2);
  for (uint32_t i = 0; i < count; i++) {
    names[i] = fields[i].name;
    if (strcmp(fields[i].name, name)) continue;
    double real;
    if (!net_evaluate_real(n, &m->e->constants, arg->value, name, &real)) return false;
    net_attribute *all = NET_NEW_ARRAY(&n->arena, net_attribute, term->attribute_count + 1);
    if (term->attribute_count) memcpy(all, term->attributes, term->attribute_count * sizeof *all);
    all[term->attribute_count++] = net_attribute_real(n, name, real);
    term->attributes = all;
    return true;
  }
  if (compares_classes(n, op)) names[count++] = "class_weight";
  net_error(n, arg->name.loc, "'%s' has no argument '%s'%s", op->name, name, net_suggestion(n, name, names, count));
  return false;
}

/* name(prediction, "target", …), or just name */
static bool loss_call(recipe_maker *m, const net_expr *expr, double factor) {
  netc *n = m->e->n;
  net_ident name;
  const net_args *args;
  if (!net_as_call(m->e, expr, "a loss", &name, &args)) return false;
  const net_op *op = net_op_find(n, net_text(n, name.name), NULL);
  if (!op || op->class != OP_LOSS) {
    const char **names = NET_NEW_ARRAY(&n->arena, const char *, n->op_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->op_count; i++)
      if (n->ops[i].class == OP_LOSS) names[count++] = n->ops[i].name;
    net_error(n, name.loc, "there is no loss '%s'%s", net_text(n, name.name),
              net_suggestion(n, net_text(n, name.name), names, count));
    return false;
  }
  net_loss_term term = {.op = op->name, .factor = factor, .loc = expr->loc};
  bool balanced = false, ok = true;
  net_value_id prediction = NET_NONE;
  net_name target = {0};
  net_loc target_loc = expr->loc;
  uint32_t position = 0;
  for (uint32_t i = 0; args && i < args->count; i++) {
    const net_arg *arg = &args->at[i];
    if (arg->name.name.id) continue;
    if (position == 0 && !(args->count == 1 && arg->value->kind == NET_EXPR_STRING)) {
      ok &= find_prediction(m, arg->value, &prediction);
    } else if (!target.id && arg->value->kind == NET_EXPR_STRING) {
      target = arg->value->string, target_loc = arg->loc;
    } else {
      net_error(n, arg->loc, "a loss takes a value of the network and the name of a target: %s(logits, \"labels\")", op->name);
      ok = false;
    }
    position++;
  }
  if (ok && prediction == NET_NONE) ok = default_prediction(m, expr->loc, &prediction);
  if (!ok) return false;
  const net_value *value = net_graph_value_at(m->network->graph, prediction);
  bool classes = compares_classes(n, op);
  term.prediction = value->name;
  if (classes && value->shape.rank != 1) {
    net_error(n, expr->loc, "%s wants one score a class, f32[classes]: the network gives f32%s", op->name,
              net_shape_text(&n->arena, &value->shape));
    return false;
  }
  if (classes) term.class_count = value->shape.dim[0];
  for (uint32_t i = 0; args && i < args->count; i++)
    if (args->at[i].name.name.id) ok &= loss_argument(m, op, &args->at[i], &term, &balanced);
  net_shape none = {0};
  if (!find_target(m, target, classes ? NET_U32 : NET_F32, classes ? none : value->shape, target_loc, &term.target))
    return false;
  net_vec_push(m->e->arena, &m->terms, term);
  net_vec_push(m->e->arena, &m->balanced, balanced);
  return ok;
}

/* Sums of losses, each with a factor: a + 0.3 * b, a - b / 2 */
static bool loss_sum(recipe_maker *m, const net_expr *expr, double factor) {
  netc *n = m->e->n;
  double number;
  if (expr->kind == NET_EXPR_NEGATE) return loss_sum(m, expr->negated, -factor);
  if (expr->kind != NET_EXPR_BINARY) return loss_call(m, expr, factor);
  const net_expr *left = expr->binary.left, *right = expr->binary.right;
  switch (expr->binary.op) {
  case NET_ADD: return loss_sum(m, left, factor) & loss_sum(m, right, factor);
  case NET_SUBTRACT: return loss_sum(m, left, factor) & loss_sum(m, right, -factor);
  case NET_MULTIPLY: {
    bool first = left->kind == NET_EXPR_INTEGER || left->kind == NET_EXPR_REAL || left->kind == NET_EXPR_NEGATE ||
                 (left->kind == NET_EXPR_PATH && left->path.parts.count == 1 &&
                  net_scope_find(&m->e->constants, left->path.parts.at[0].name));
    if (!net_evaluate_real(n, &m->e->constants, first ? left : right, "a loss's factor", &number)) return false;
    return loss_sum(m, first ? right : left, factor * number);
  }
  case NET_DIVIDE:
    if (!net_evaluate_real(n, &m->e->constants, right, "a loss's divisor", &number)) return false;
    if (number == 0) return net_error(n, right->loc, "division by zero"), false;
    return loss_sum(m, left, factor / number);
  }
  return false;
}

/* ---- optimiser ---- */

static bool is_optimizer(netc *n, const net_op *op) {
  const net_op_field *fields;
  uint32_t count = net_op_inputs(n, op, &fields);
  for (uint32_t i = 0; i < count; i++)
    if (op->class == OP_UPDATE && !strcmp(fields[i].name, "rate")) return true;
  return false;
}

static bool take_optimizer(net_elaborator *e, const net_entry *entry, void *into) {
  recipe_maker *m = maker(into);
  netc *n = e->n;
  net_ident name;
  const net_args *args;
  if (!net_as_call(e, entry->value, "an optimizer", &name, &args)) return false;
  const net_op *op = net_op_find(n, net_text(n, name.name), NULL);
  if (!op || !is_optimizer(n, op)) {
    const char **names = NET_NEW_ARRAY(&n->arena, const char *, n->op_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->op_count; i++)
      if (is_optimizer(n, &n->ops[i])) names[count++] = n->ops[i].name;
    net_error(n, name.loc, "there is no optimizer '%s'%s", net_text(n, name.name),
              net_suggestion(n, net_text(n, name.name), names, count));
    return false;
  }
  const net_op_field *fields;
  uint32_t count = net_op_attributes(n, op, &fields), given = 0;
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, count + 1);
  for (uint32_t k = 0; k < count; k++) names[k] = fields[k].name;
  names[count] = "learning_rate";
  net_attribute *attributes = NET_NEW_ARRAY(e->arena, net_attribute, count + 1);
  bool ok = true;
  for (uint32_t i = 0; args && i < args->count; i++) {
    const net_arg *arg = &args->at[i];
    const char *key = arg->name.name.id ? net_text(n, arg->name.name) : "learning_rate";
    double real;
    bool boolean;
    if (!arg->name.name.id && i) {
      net_error(n, arg->loc, "only the learning rate may stand without a name");
      ok = false;
    } else if (!strcmp(key, "learning_rate")) {
      ok &= net_evaluate_real(n, &e->constants, arg->value, "the learning rate", &real);
      if (ok && !(real > 0)) net_error(n, arg->loc, "the learning rate must be above 0"), ok = false;
      if (ok) m->rates.at[0] = real;
    } else {
      uint32_t k = 0;
      while (k < count && strcmp(fields[k].name, key)) k++;
      if (k == count) {
        net_error(n, arg->name.loc, "'%s' has no argument '%s'%s", op->name, key, net_suggestion(n, key, names, count + 1));
        ok = false;
      } else if (net_op_attribute_kind(&fields[k]) == NET_ATTRIBUTE_BOOL) {
        ok &= net_evaluate_boolean(n, &e->constants, arg->value, key, &boolean);
        if (ok) attributes[given++] = net_attribute_bool(n, key, boolean);
      } else {
        ok &= net_evaluate_real(n, &e->constants, arg->value, key, &real);
        if (ok && !(real >= 0)) net_error(n, arg->loc, "'%s' must be at least 0", key), ok = false;
        if (ok) attributes[given++] = net_attribute_real(n, key, real);
      }
    }
  }
  net_optimizer *optimizer = &m->recipe->optimizer;
  optimizer->op = op->name, optimizer->attributes = attributes, optimizer->attribute_count = given;
  optimizer->loc = entry->loc;
  return ok;
}

/* ---- schedule ---- */

#define TAKE_REAL(name, what, condition, must, target)                                                        \
  static bool name(net_elaborator *e, const net_entry *entry, void *into) {                                   \
    recipe_maker *m = maker(into);                                                                            \
    double x;                                                                                                 \
    if (!net_evaluate_real(e->n, &e->constants, entry->value, what, &x)) return false;                        \
    if (!(condition)) return net_error(e->n, entry->value->loc, "%s must be %s", what, must), false;          \
    m->target = x;                                                                                            \
    return true;                                                                                              \
  }
#define TAKE_INTEGER(name, what, least, most, target, type)                                                   \
  static bool name(net_elaborator *e, const net_entry *entry, void *into) {                                   \
    int64_t x;                                                                                                \
    if (!net_evaluate_integer(e->n, &e->constants, entry->value, what, least, most, &x)) return false;        \
    maker(into)->target = (type)x;                                                                            \
    return true;                                                                                              \
  }

TAKE_REAL(take_minimum, "the lowest learning rate", x >= 0, "at least 0", recipe->train.schedule.minimum)
TAKE_REAL(take_factor, "the factor of the learning rate", x > 0 && x <= 1, "above 0 and at most 1", recipe->train.schedule.factor)
TAKE_REAL(take_warmup, "the epochs of warm-up", x >= 0, "at least 0", recipe->train.schedule.warmup)
TAKE_INTEGER(take_every, "the epochs of a step", 1, 1000000000, recipe->train.schedule.every, uint32_t)

static const net_key constant_keys[] = {{"warmup", take_warmup, NULL}};
static const net_key step_keys[] = {{"every", take_every, NULL}, {"factor", take_factor, NULL}, {"warmup", take_warmup, NULL}};
static const net_key cosine_keys[] = {{"minimum", take_minimum, NULL}, {"warmup", take_warmup, NULL}};

static const struct {
  const char *name;
  rt_schedule_kind kind;
  const net_key *keys;
  uint32_t key_count;
} schedules[] = {{"constant", RT_CONSTANT, constant_keys, 1},
                 {"step", RT_STEP_DECAY, step_keys, 3},
                 {"cosine", RT_COSINE, cosine_keys, 2}};
enum { SCHEDULES = sizeof schedules / sizeof *schedules };

static bool take_schedule(net_elaborator *e, const net_entry *entry, void *into) {
  netc *n = e->n;
  net_ident name;
  const net_args *args;
  if (!net_as_call(e, entry->value, "a schedule", &name, &args)) return false;
  const char *text = net_text(n, name.name), *names[SCHEDULES];
  for (uint32_t i = 0; i < SCHEDULES; i++) {
    names[i] = schedules[i].name;
    if (strcmp(schedules[i].name, text)) continue;
    maker(into)->recipe->train.schedule.kind = schedules[i].kind;
    return net_take_args(e, args, 0, schedules[i].keys, schedules[i].key_count, schedules[i].key_count - 1,
                         net_arena_format(&n->arena, "schedule '%s'", text), into);
  }
  net_error(n, name.loc, "there is no schedule '%s'%s", text, net_suggestion(n, text, names, SCHEDULES));
  net_note(n, NET_NOWHERE, "there are constant, step and cosine");
  return false;
}

/* ---- patterns of nodes ---- */

/* Calls take for every parameter of the nodes that a pattern names: by exact path, or as an extended regular
 * expression that matches all of it. */
static bool for_pattern(recipe_maker *m, net_name pattern, net_loc loc, void (*take)(net_value *value, uint32_t with),
                        uint32_t with) {
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
    if (exact ? !net_name_same(node->name, pattern) : regexec(&regex, net_text(n, node->name), 0, NULL, 0) != 0) continue;
    matched = true;
    for (uint32_t k = 0; k < node->input_count; k++) {
      net_value_id input = net_node_input(g, i, k);
      if (input != NET_NONE && g->values.at[input].kind == NET_VALUE_PARAMETER) take(&g->values.at[input], with);
    }
  }
  regfree(&regex);
  if (!matched)
    net_error(n, loc, "no node of network '%s' matches '%s'", net_text(n, g->name), net_text(n, pattern));
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
      ok &= for_pattern(maker(into), at[i].string, at[i].loc, set_frozen, true);
    }
  }
  return ok;
}

static bool take_group_rate(net_elaborator *e, const net_entry *entry, void *into) {
  double *rate = into;
  if (!net_evaluate_real(e->n, &e->constants, entry->value, "the learning rate", rate)) return false;
  if (*rate > 0) return true;
  return net_error(e->n, entry->value->loc, "the learning rate must be above 0 (freeze holds nodes still)"), false;
}

/* "head.*" { learning_rate = 1e-3 } */
static bool take_pattern(net_elaborator *e, const net_entry *entry, void *into) {
  static const net_key keys[] = {{"learning_rate", take_group_rate, NULL}};
  recipe_maker *m = maker(into);
  double rate = 0;
  if ((entry->kind != NET_ENTRY_PATTERN && entry->kind != NET_ENTRY_BLOCK) || entry->value->kind != NET_EXPR_MAP)
    return net_error(e->n, entry->loc, "a train block has settings, and patterns of nodes with a learning_rate"), false;
  if (!net_take_map(e, entry->value->map, keys, 1, "a pattern of a train block", NULL, &rate) || !(rate > 0)) return false;
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
  maker(into)->data = net_choose(e, NET_DECL_DATA, net_text(e->n, name), entry->value->loc);
  return maker(into)->data != NULL;
}

static bool take_loss(net_elaborator *e, const net_entry *entry, void *into) {
  (void)e;
  maker(into)->loss = entry->value;
  return true;
}

static bool take_k(net_elaborator *e, const net_entry *entry, void *into) {
  int64_t k;
  if (!net_evaluate_integer(e->n, &e->constants, entry->value, "k", 1, 1 << 20, &k)) return false;
  ((rt_metric *)into)->k = (uint32_t)k;
  return true;
}

static bool take_metric(net_elaborator *e, const net_expr *expr, recipe_maker *m) {
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
    return true;
  }
  net_error(n, name.loc, "there is no metric '%s'%s", text, net_suggestion(n, text, names, rt_metric_count()));
  return false;
}

static bool take_metrics(net_elaborator *e, const net_entry *entry, void *into) {
  const net_expr *list = entry->value;
  bool ok = true;
  if (list->kind != NET_EXPR_LIST) return take_metric(e, list, maker(into));
  for (uint32_t i = 0; i < list->list.count; i++) ok &= take_metric(e, list->list.at[i], maker(into));
  return ok;
}

static bool take_shuffle(net_elaborator *e, const net_entry *entry, void *into) {
  return net_evaluate_boolean(e->n, &e->constants, entry->value, "shuffle", &maker(into)->recipe->train.shuffle);
}

TAKE_INTEGER(take_epochs, "the number of epochs", 1, 1000000000, recipe->train.epochs, uint32_t)
TAKE_INTEGER(take_batch_size, "the batch size", 1, 1 << 24, recipe->train.batch_size, uint32_t)
TAKE_INTEGER(take_seed, "the seed", 0, INT64_MAX, recipe->train.seed, uint64_t)
TAKE_INTEGER(take_patience, "the epochs of patience", 0, 1000000000, recipe->train.patience, uint32_t)
TAKE_REAL(take_clip_norm, "the bound on the gradient's norm", x > 0, "above 0", recipe->optimizer.clip_norm)

static const net_key train_keys[] = {
    {"data", take_data, NULL},         {"loss", take_loss, NULL},   {"metrics", take_metrics, NULL},       {"optimizer", take_optimizer, "adam"},
    {"schedule", take_schedule, "constant"}, {"epochs", take_epochs, NULL}, {"batch_size", take_batch_size, NULL}, {"shuffle", take_shuffle, NULL},
    {"freeze", take_freeze, NULL},     {"seed", take_seed, NULL},   {"patience", take_patience, NULL},     {"clip_norm", take_clip_norm, NULL}};
enum { TRAIN_KEYS = sizeof train_keys / sizeof *train_keys };

static const rt_train_spec default_train = {.epochs = 10,
                                            .batch_size = 256,
                                            .shuffle = true,
                                            .schedule = {.kind = RT_CONSTANT, .factor = 0.1, .every = 10}};

static void default_loss(recipe_maker *m, net_expr *expr) {
  netc *n = m->e->n;
  net_loc loc = m->recipe->decl ? m->recipe->decl->loc : m->network->graph->loc;
  *expr = (net_expr){.kind = NET_EXPR_PATH, .loc = loc};
  net_ident name = {net_intern(n, "cross_entropy"), loc};
  net_vec_push(&n->arena, &expr->path.parts, name);
}

bool net_elaborate_train(net_elaborator *e, const net_decl *decl, net_network *network, net_recipe *recipe,
                         const net_decl **data) {
  recipe_maker m = {.e = e, .network = network, .recipe = recipe};
  *recipe = (net_recipe){.decl = decl, .train = default_train, .optimizer = {.op = "adam"}};
  net_vec_push(e->arena, &m.rates, 1e-3);
  bool ok = !decl || net_take_map(e, decl->map, train_keys, TRAIN_KEYS, "a train block", take_pattern, &m);
  net_expr loss;
  if (!m.loss) default_loss(&m, &loss), m.loss = &loss;
  if (!m.data && net_program_count(e->program, NET_DECL_DATA, &m.data) != 1) m.data = NULL;
  *data = m.data;
  ok &= loss_sum(&m, m.loss, 1);
  recipe->objective.terms = m.terms.at, recipe->objective.term_count = m.terms.count;
  recipe->objective.targets = m.targets.at, recipe->objective.target_count = m.targets.count;
  recipe->objective.loc = m.loss->loc;
  recipe->named = m.named.at, recipe->balanced = m.balanced.at;
  recipe->train.rates = m.rates.at, recipe->train.rate_count = m.rates.count;
  recipe->train.metrics = m.metrics.at, recipe->train.metric_count = m.metrics.count;
  return ok;
}
