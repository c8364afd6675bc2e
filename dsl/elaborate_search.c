/* A search block → what varies, what is aimed at, what must hold. */
#include "dsl/elaborate_quantize.h"
#include "dsl/elaborate_require.h"
#include "dsl/elaborate_search.h"
#include "dsl/elaborate_values.h"
#include "dsl/format.h"

#include <math.h>

/* A block under construction. */
typedef struct {
  net_search *search;
  NET_VEC(net_vary) varies;
  NET_VEC(net_search_aim) aims;
  NET_VEC(net_requirement) requirements;
} maker;

/* ---- what varies ---- */

static const char *const fields[] = {
    [NET_VARY_WIDTH] = "width", [NET_VARY_FRACTION] = "fraction", [NET_VARY_FORMAT] = "format"};

static net_vary_field field_of(const netc *n, net_ident name) {
  net_vary_field field = NET_VARY_WIDTH;
  while (field < NET_VARY_FIELDS && strcmp(net_text(n, name.name), fields[field])) field++;
  return field;
}

static bool is_role(const netc *n, net_ident name) {
  for (net_tensor_role role = 0; role < NET_TENSORS; role++)
    if (!strcmp(net_text(n, name.name), net_tensor_role_names[role])) return true;
  return false;
}

static bool is_declared(const net_elaborator *e, net_ident name) {
  for (uint32_t i = 0; i < e->program->decls.count; i++)
    if (net_name_same(e->program->decls.at[i]->name.name, name.name)) return true;
  return false;
}

/* Whether the path speaks of formats: linear.weight.width. Settings are all other paths. */
static bool is_format(const net_elaborator *e, const net_entry *entry) {
  const net_idents *parts = &entry->path.parts;
  if (entry->pattern.name.id) return true;
  if (parts->count == 3) return field_of(e->n, parts->at[2]) < NET_VARY_FIELDS || is_role(e->n, parts->at[1]);
  return parts->count == 2 && is_role(e->n, parts->at[1]) && !is_declared(e, parts->at[0]);
}

static bool take_format_path(net_elaborator *e, const net_entry *entry, net_vary *v) {
  netc *n = e->n;
  const net_idents *parts = &entry->path.parts;
  bool quoted = entry->pattern.name.id;
  if (parts->count != (quoted ? 2u : 3u)) {
    net_error(n, entry->path.loc,
              "what varies is a part of a format: linear.weight.width, \"head.*\".weight.width");
    return false;
  }
  net_ident field = parts->at[parts->count - 1];
  v->field = field_of(n, field);
  if (quoted) {
    v->scope = NET_RULE_QUOTED;
    v->what = entry->pattern.name;
    if (!net_rule_compiles(n, &(net_quantize_rule){.what = v->what, .loc = entry->pattern.loc})) return false;
  } else {
    v->what = parts->at[0].name;
    if (!net_elaborate_rule_scope(e, parts->at[0], &v->scope)) return false;
  }
  if (!net_elaborate_tensor(e, parts->at[parts->count - 2], &v->tensor)) return false;
  if (v->field < NET_VARY_FIELDS) return true;
  net_error(
      n, field.loc, "'%s' of a format cannot vary%s", net_text(n, field.name),
      net_suggestion(n, net_text(n, field.name), fields + NET_VARY_WIDTH, NET_VARY_FIELDS - NET_VARY_WIDTH));
  return false;
}

/* A setting must be one, with the first of its values at least; check tries the others. */
static bool take_setting_path(net_elaborator *e, const net_entry *entry, net_vary *v) {
  v->field = NET_VARY_SETTING;
  v->path = entry->path;
  if (!entry->all) return true;
  net_error(e->n, entry->path.loc, "'all' ties the layers that formats vary in, and a setting is one anyway");
  return false;
}

static bool take_vary(net_elaborator *e, const net_entry *entry, maker *m) {
  netc *n = e->n;
  net_vary v = {.all = entry->all, .loc = net_loc_join(entry->loc, entry->path.loc)};
  v.text = net_dotted_text(n, &entry->path);
  if (entry->pattern.name.id)
    v.text = net_arena_format(&n->arena, "\"%s\".%s", net_text(n, entry->pattern.name), v.text);
  for (uint32_t i = 0; i < m->varies.count; i++)
    if (!strcmp(m->varies.at[i].text, v.text)) {
      net_error(n, entry->path.loc, "%s varies twice", v.text);
      net_note(n, m->varies.at[i].loc, "the first time is here");
      return false;
    }
  bool formats = is_format(e, entry);
  if (!(formats ? take_format_path : take_setting_path)(e, entry, &v)) return false;
  if (!net_take_values(e, entry->value, &v)) return false;
  net_program *changed;
  net_setting setting = {v.path, (net_expr *)net_vary_value(n, &v, v.values.low), v.loc};
  if (!formats && !net_setting_apply(n, e->program, &setting, NULL, &changed)) return false;
  m->search->varies_formats |= formats;
  m->search->varies_settings |= !formats;
  net_vec_push(e->arena, &m->varies, v);
  return true;
}

/* ---- what is aimed at ---- */

static const net_budget aims[] = {NET_BUDGET_accuracy, NET_BUDGET_loss,         NET_BUDGET_bitops,
                                  NET_BUDGET_flops,    NET_BUDGET_weight_bytes, NET_BUDGET_average_bits,
                                  NET_BUDGET_latency};
enum { AIMS = sizeof aims / sizeof *aims };

bool net_is_aim(net_budget quantity) {
  for (uint32_t i = 0; i < AIMS; i++)
    if (aims[i] == quantity) return true;
  return false;
}

static bool take_quantity(net_elaborator *e, const net_expr *expr, net_aim *aim) {
  netc *n = e->n;
  const char *names[AIMS], *name = net_dotted_text(n, &expr->path);
  for (uint32_t i = 0; i < AIMS; i++) {
    names[i] = net_budgets[aims[i]].name;
    if (strcmp(name, names[i])) continue;
    *aim = (net_aim){.kind = NET_AIM_QUANTITY, .quantity = aims[i]};
    return true;
  }
  net_name word = net_expr_word(expr);
  if (word.id && net_scope_find(&e->constants, word))
    return net_evaluate_real(n, &e->constants, expr, name, &aim->number);
  net_error(n, expr->loc, "there is no quantity to aim at '%s'%s", name,
            net_suggestion(n, name, names, AIMS));
  return false;
}

/* NULL: reported. */
static const net_aim *aim_of(net_elaborator *e, const net_expr *expr, bool *aims_at) {
  net_aim *aim = NET_NEW(e->arena, net_aim);
  switch (expr->kind) {
  case NET_EXPR_PATH:
    if (!take_quantity(e, expr, aim)) return NULL;
    *aims_at |= aim->kind == NET_AIM_QUANTITY;
    return aim;
  case NET_EXPR_INTEGER:
  case NET_EXPR_REAL:
    return net_evaluate_real(e->n, &e->constants, expr, "a number", &aim->number) ? aim : NULL;
  case NET_EXPR_NEGATE:
    aim->kind = NET_AIM_NEGATE;
    aim->left = aim_of(e, expr->negated, aims_at);
    return aim->left ? aim : NULL;
  case NET_EXPR_BINARY:
    aim->kind = NET_AIM_BINARY;
    aim->op = expr->binary.op;
    aim->left = aim_of(e, expr->binary.left, aims_at);
    aim->right = aim_of(e, expr->binary.right, aims_at);
    return aim->left && aim->right ? aim : NULL;
  default:
    net_error(e->n, expr->loc,
              "an aim is computed from quantities and numbers, like bitops + 0.2 * weight_bytes, not from %s",
              net_expr_kind_text(expr));
    return NULL;
  }
}

static bool take_aim(net_elaborator *e, const net_entry *entry, maker *m) {
  bool aims_at = false;
  const net_aim *value = aim_of(e, entry->value, &aims_at);
  if (!value) return false;
  if (!aims_at) {
    net_error(e->n, entry->value->loc, "this is the same for every candidate: aim at a quantity like bitops");
    return false;
  }
  net_search_aim aim = {.maximize = entry->kind == NET_ENTRY_MAXIMIZE,
                        .text = net_format_expr(e->n, entry->value),
                        .value = value,
                        .loc = entry->loc};
  net_vec_push(e->arena, &m->aims, aim);
  return true;
}

double net_aim_value(const net_aim *aim, const double *quantities) {
  switch (aim->kind) {
  case NET_AIM_NUMBER: return aim->number;
  case NET_AIM_QUANTITY: return quantities[aim->quantity];
  case NET_AIM_NEGATE: return -net_aim_value(aim->left, quantities);
  case NET_AIM_BINARY: break;
  }
  double a = net_aim_value(aim->left, quantities), b = net_aim_value(aim->right, quantities);
  switch (aim->op) {
  case NET_ADD: return a + b;
  case NET_SUBTRACT: return a - b;
  case NET_MULTIPLY: return a * b;
  case NET_DIVIDE: return b == 0 ? NAN : a / b;
  }
  return NAN;
}

void net_search_objectives(const net_search *search, const double *quantities, double *objectives) {
  for (uint32_t i = 0; i < search->aim_count; i++) {
    double value = net_aim_value(search->aims[i].value, quantities);
    objectives[i] = search->aims[i].maximize ? -value : value;
  }
}

double net_search_violation(const net_search *search, const double *quantities) {
  double sum = 0;
  for (uint32_t i = 0; i < search->requirement_count; i++) {
    const net_requirement *row = &search->requirements[i];
    double value = quantities[row->budget], bound = fabs(row->limit) > 0 ? fabs(row->limit) : 1;
    if (isnan(value)) return NAN;
    if (!net_requirement_holds(row, value)) sum += fmax(fabs(value - row->limit) / bound, 1e-12);
  }
  return sum;
}

static void note_need(const net_aim *aim, bool *needs) {
  if (aim->kind == NET_AIM_QUANTITY) needs[aim->quantity] = true;
  if (aim->left) note_need(aim->left, needs);
  if (aim->right) note_need(aim->right, needs);
}

/* ---- settings ---- */

static bool take_strategy(net_elaborator *e, const net_entry *entry, void *into) {
  netc *n = e->n;
  net_name word = net_expr_word(entry->value);
  const char *text = word.id ? net_text(n, word) : net_format_expr(n, entry->value);
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, sr_strategy_count);
  for (uint32_t i = 0; i < sr_strategy_count; i++) names[i] = sr_strategies[i].name;
  const sr_strategy *found = word.id ? sr_strategy_find(text) : NULL;
  if (!found)
    net_error(n, entry->value->loc, "there is no strategy '%s'%s", text,
              net_suggestion(n, text, names, sr_strategy_count));
  return (((maker *)into)->search->strategy = found) != NULL;
}

static bool take_count(net_elaborator *e, const net_entry *entry, const char *what, int64_t least,
                       int64_t most, uint32_t *to) {
  int64_t value;
  if (!net_evaluate_integer(e->n, &e->constants, entry->value, what, least, most, &value)) return false;
  *to = (uint32_t)value;
  return true;
}

static bool take_trials(net_elaborator *e, const net_entry *entry, void *into) {
  return take_count(e, entry, "the number of trials", 1, 1000000, &((maker *)into)->search->trials);
}

static bool take_population(net_elaborator *e, const net_entry *entry, void *into) {
  return take_count(e, entry, "the population", 1, 100000, &((maker *)into)->search->population);
}

static bool take_levels(net_elaborator *e, const net_entry *entry, void *into) {
  return take_count(e, entry, "the number of levels", 1, 16, &((maker *)into)->search->levels);
}

static bool take_fine_tune(net_elaborator *e, const net_entry *entry, void *into) {
  return take_count(e, entry, "the number of epochs", 0, INT32_MAX, &((maker *)into)->search->fine_tune);
}

static bool take_seed(net_elaborator *e, const net_entry *entry, void *into) {
  int64_t seed;
  if (!net_evaluate_integer(e->n, &e->constants, entry->value, "the seed", 0, INT64_MAX, &seed)) return false;
  ((maker *)into)->search->seed = (uint64_t)seed;
  return true;
}

static bool take_base(net_elaborator *e, const net_entry *entry, void *into) {
  net_name name = net_expr_word(entry->value);
  if (!name.id) return net_error(e->n, entry->value->loc, "base names a quantize block"), false;
  ((maker *)into)->search->base = name;
  return net_choose(e, NET_DECL_QUANTIZE, net_text(e->n, name), entry->value->loc) != NULL;
}

static const net_key keys[] = {{"strategy", take_strategy, NULL},
                               {"trials", take_trials, NULL},
                               {"seed", take_seed, NULL},
                               {"fine_tune", take_fine_tune, NULL},
                               {"population", take_population, NULL},
                               {"levels", take_levels, NULL},
                               {"base", take_base, NULL}};
enum { KEYS = sizeof keys / sizeof *keys };

static bool take_setting(net_elaborator *e, const net_entry *entry, maker *m) {
  netc *n = e->n;
  const char *name = net_dotted_text(n, &entry->path), *names[KEYS];
  for (uint32_t i = 0; i < KEYS; i++) {
    names[i] = keys[i].name;
    if (!strcmp(name, keys[i].name)) return keys[i].take(e, entry, m);
  }
  net_error(n, entry->path.loc, "there is no setting of search '%s'%s", name,
            net_suggestion(n, name, names, KEYS));
  return false;
}

/* ---- the block ---- */

static bool take_entry(net_elaborator *e, const net_entry *entry, maker *m) {
  net_requirement row;
  switch (entry->kind) {
  case NET_ENTRY_SET: return take_setting(e, entry, m);
  case NET_ENTRY_VARY: return take_vary(e, entry, m);
  case NET_ENTRY_MINIMIZE:
  case NET_ENTRY_MAXIMIZE: return take_aim(e, entry, m);
  case NET_ENTRY_REQUIRE:
    if (!net_elaborate_budget(e, entry, &row)) return false;
    net_vec_push(e->arena, &m->requirements, row);
    return true;
  default: return net_error(e->n, entry->loc, "a search varies, aims and requires"), false;
  }
}

/* What the parts make together. */
static bool is_whole(net_elaborator *e, const net_decl *decl, const maker *m) {
  netc *n = e->n;
  const char *name = net_text(n, decl->name.name);
  const net_search *s = m->search;
  bool ok = true;
  if (!m->varies.count)
    net_error(n, decl->name.loc,
              "search '%s' varies nothing: add a line like vary linear.weight.width in 2..8", name),
        ok = false;
  if (!m->aims.count)
    net_error(n, decl->name.loc, "search '%s' aims at nothing: add a line like minimize bitops", name),
        ok = false;
  if (!s->varies_formats && ok && s->fine_tune) {
    net_error(n, decl->name.loc, "search '%s' varies no formats: there is nothing to fine-tune for", name);
    ok = false;
  }
  return ok;
}

bool net_elaborate_search_block(net_elaborator *e, const net_decl *decl, net_search *search) {
  maker m = {.search = search};
  bool ok = true;
  *search = (net_search){.name = decl->name.name, .trials = 100, .loc = decl->name.loc};
  for (uint32_t i = 0; i < decl->map->entries.count; i++) ok &= take_entry(e, &decl->map->entries.at[i], &m);
  if (!ok || !is_whole(e, decl, &m)) return false;
  search->varies = m.varies.at, search->vary_count = m.varies.count;
  search->aims = m.aims.at, search->aim_count = m.aims.count;
  search->requirements = m.requirements.at, search->requirement_count = m.requirements.count;
  for (uint32_t i = 0; i < m.aims.count; i++) note_need(m.aims.at[i].value, search->needs);
  for (uint32_t i = 0; i < m.requirements.count; i++) search->needs[m.requirements.at[i].budget] = true;
  if (!search->strategy) search->strategy = sr_strategy_find(m.aims.count > 1 ? "nsga2" : "tpe");
  return true;
}

bool net_elaborate_search(netc *n, net_arena *arena, const net_program *program, const char *name,
                          net_search *search) {
  net_elaborator e;
  if (!net_elaborator_begin(n, arena, program, &e) || !net_elaborate_codebooks(&e)) return false;
  const net_decl *decl = net_choose(&e, NET_DECL_SEARCH, name, NET_NOWHERE);
  return decl && net_elaborate_search_block(&e, decl, search);
}
