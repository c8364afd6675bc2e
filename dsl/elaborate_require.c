/* A require block → rows of bounds and what else it asks for. */
#include "dsl/elaborate_require.h"

#include <math.h>

const net_budget_row net_budgets[NET_BUDGETS] = {
#define BUDGET(name, from, low, high, text) {#name, NET_BUDGET_##from, low, high, text},
#include "dsl/budgets.def"
#undef BUDGET
};

/* A block under construction. */
typedef struct {
  net_requirements *requirements;
  NET_VEC(net_requirement) rows;
} maker;

bool net_elaborate_budget(net_elaborator *e, const net_entry *entry, net_requirement *row) {
  netc *n = e->n;
  const char *name = net_dotted_text(n, &entry->path), *names[NET_BUDGETS];
  *row = (net_requirement){.relation = entry->relation, .loc = entry->loc};
  for (row->budget = 0; row->budget < NET_BUDGETS; row->budget++) {
    names[row->budget] = net_budgets[row->budget].name;
    if (!strcmp(name, names[row->budget])) break;
  }
  if (row->budget == NET_BUDGETS) {
    net_error(n, entry->path.loc, "there is no budget '%s'%s", name,
              net_suggestion(n, name, names, NET_BUDGETS));
    return false;
  }
  const net_budget_row *budget = &net_budgets[row->budget];
  if (!net_evaluate_real(n, &e->constants, entry->value, net_arena_format(&n->arena, "the bound of %s", name),
                         &row->limit))
    return false;
  if (row->limit >= budget->low && row->limit <= budget->high) return true;
  if (budget->high == 1)
    net_error(n, entry->value->loc, "%s is a part of 1: did you mean %s %s %g %%?", name, name,
              net_relation_names[entry->relation], row->limit);
  else net_error(n, entry->value->loc, "%s cannot be below %g: there is nothing to bound", name, budget->low);
  return false;
}

static bool take_quantize(net_elaborator *e, const net_entry *entry, void *into) {
  net_name name = net_expr_word(entry->value);
  if (!name.id) return net_error(e->n, entry->value->loc, "quantize names a quantize block"), false;
  ((maker *)into)->requirements->quantize = name;
  return net_choose(e, NET_DECL_QUANTIZE, net_text(e->n, name), entry->value->loc) != NULL;
}

static bool take_target(net_elaborator *e, const net_entry *entry, void *into) {
  net_requirements *to = ((maker *)into)->requirements;
  to->target = net_expr_word(entry->value);
  to->target_loc = entry->loc;
  if (!to->target.id) net_error(e->n, entry->value->loc, "target names a processor, like x86_64_v3");
  return to->target.id;
}

static bool take_arithmetic(net_elaborator *e, const net_entry *entry, void *into) {
  net_requirements *to = ((maker *)into)->requirements;
  to->integer = net_expr_is(e->n, entry->value, "integer");
  to->integer_loc = entry->loc;
  if (!to->integer) net_error(e->n, entry->value->loc, "arithmetic is integer, or not said at all");
  return to->integer;
}

static const net_key keys[] = {
    {"quantize", take_quantize, NULL}, {"target", take_target, NULL}, {"arithmetic", take_arithmetic, NULL}};
enum { KEYS = sizeof keys / sizeof *keys };

static bool take_setting(net_elaborator *e, const net_entry *entry, maker *m) {
  netc *n = e->n;
  const char *name = net_dotted_text(n, &entry->path), *names[KEYS + NET_BUDGETS];
  for (uint32_t i = 0; i < KEYS; i++) {
    names[i] = keys[i].name;
    if (!strcmp(name, keys[i].name)) return keys[i].take(e, entry, m);
  }
  for (uint32_t i = 0; i < NET_BUDGETS; i++) {
    names[KEYS + i] = net_budgets[i].name;
    if (strcmp(name, net_budgets[i].name)) continue;
    net_error(n, entry->loc, "'%s' is bounded, not set: %s <= …", name, name);
    return false;
  }
  net_error(n, entry->path.loc, "there is no setting of require '%s'%s", name,
            net_suggestion(n, name, names, KEYS));
  return false;
}

bool net_elaborate_require(net_elaborator *e, const net_decl *decl, net_requirements *requirements) {
  maker m = {.requirements = requirements};
  bool ok = true;
  *requirements = (net_requirements){.name = decl->name.name, .loc = decl->loc};
  for (uint32_t i = 0; i < decl->map->entries.count; i++) {
    const net_entry *entry = &decl->map->entries.at[i];
    net_requirement row;
    if (entry->kind == NET_ENTRY_SET) {
      ok &= take_setting(e, entry, &m);
    } else if (entry->kind == NET_ENTRY_REQUIRE) {
      if (net_elaborate_budget(e, entry, &row)) net_vec_push(&e->n->arena, &m.rows, row);
      else ok = false;
    } else {
      net_error(e->n, entry->loc, "a require block has budgets: flash <= 32 KiB");
      ok = false;
    }
  }
  requirements->rows = m.rows.at;
  requirements->count = m.rows.count;
  return ok;
}

bool net_elaborate_requirements(netc *n, net_arena *arena, const net_program *program, const char *name,
                                net_requirements *requirements) {
  net_elaborator e;
  if (!net_elaborator_begin(n, arena, program, &e)) return false;
  const net_decl *decl = net_choose(&e, NET_DECL_REQUIRE, name, NET_NOWHERE);
  return decl && net_elaborate_require(&e, decl, requirements);
}

bool net_requirement_holds(const net_requirement *row, double value) {
  switch (row->relation) {
  case NET_LESS_EQUAL: return value <= row->limit;
  case NET_GREATER_EQUAL: return value >= row->limit;
  case NET_LESS: return value < row->limit;
  case NET_GREATER: return value > row->limit;
  }
  return false;
}
