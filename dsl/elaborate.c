#include "dsl/elaborate_common.h"

#include "support/file.h"

bool net_elaborator_begin(netc *n, net_arena *arena, const net_program *program, net_elaborator *e) {
  *e = (net_elaborator){.n = n, .arena = arena, .program = program};
  return net_scope_of_program(n, program, &e->constants);
}

const char *net_suggestion(netc *n, const char *word, const char *const *names, uint32_t count) {
  enum { MOST_LISTED = 12 };
  const char *near = net_nearest(word, names, count), *all = "";
  if (near) return net_arena_format(&n->arena, "; did you mean '%s'?", near);
  uint32_t listed = 0;
  for (uint32_t i = 0; i < count; i++)
    if (*names[i]) all = net_arena_format(&n->arena, "%s%s%s", all, listed++ ? ", " : "", names[i]);
  return listed && listed <= MOST_LISTED
             ? net_arena_format(&n->arena, "; there %s %s", listed == 1 ? "is" : "are", all)
             : "";
}

/* ---- tables of keys ---- */

static const net_key *find_key(net_elaborator *e, const net_key *keys, uint32_t count, const char *name,
                               const char *what, net_loc loc) {
  const char **names = NET_NEW_ARRAY(&e->n->arena, const char *, count + 1);
  for (uint32_t i = 0; i < count; i++) {
    if (!strcmp(keys[i].name, name)) return &keys[i];
    names[i] = keys[i].name;
  }
  net_error(e->n, loc, "%s has no '%s'%s", what, name, net_suggestion(e->n, name, names, count));
  return NULL;
}

static bool is_part(const net_entry *entry, net_name first) {
  return entry->kind == NET_ENTRY_SET && entry->path.parts.count == 2 &&
         net_name_same(entry->path.parts.at[0].name, first);
}

/* Settings from outside may name parts of what the block leaves to its default: optimizer.learning_rate =
 * 0.1. All parts of one key become one value. */
static bool take_parts(net_elaborator *e, const net_map *map, uint32_t first, const net_key *key,
                       void *into) {
  net_arena *arena = &e->n->arena;
  const net_entry *entry = &map->entries.at[first];
  net_name name = entry->path.parts.at[0].name;
  bool is_map = !key->base[0];
  net_expr *whole = net_expr_new(e->n, is_map ? NET_EXPR_MAP : NET_EXPR_CALL, entry->loc);
  if (is_map) whole->map = NET_NEW(arena, net_map);
  else net_vec_push(arena, &whole->call.callee.parts, (net_ident){net_intern(e->n, key->base), entry->loc});
  for (uint32_t i = 0; i < map->entries.count; i++) {
    net_entry part = map->entries.at[i];
    if (!is_part(&part, name)) continue;
    if (i < first) return true; /* taken with the first of them */
    net_ident last = part.path.parts.at[1];
    if (is_map) {
      part.path = (net_dotted){.loc = last.loc};
      net_vec_push(arena, &part.path.parts, last);
      net_vec_push(arena, &whole->map->entries, part);
    } else {
      net_vec_push(arena, &whole->call.args, (net_arg){.name = last, .value = part.value, .loc = part.loc});
    }
  }
  net_entry set = *entry;
  set.value = whole;
  return key->take(e, &set, into);
}

static const net_key *key_of_part(net_elaborator *e, const net_entry *entry, const net_key *keys,
                                  uint32_t count) {
  for (uint32_t i = 0; i < count && entry->path.parts.count == 2; i++)
    if (keys[i].base && !strcmp(keys[i].name, net_text(e->n, entry->path.parts.at[0].name))) return &keys[i];
  return NULL;
}

bool net_take_map(net_elaborator *e, const net_map *map, const net_key *keys, uint32_t key_count,
                  const char *what, bool (*other)(net_elaborator *e, const net_entry *entry, void *into),
                  void *into) {
  bool ok = true;
  for (uint32_t i = 0; i < map->entries.count; i++) {
    const net_entry *entry = &map->entries.at[i];
    if (entry->kind == NET_ENTRY_SET) {
      const char *name = net_dotted_text(e->n, &entry->path);
      const net_key *key = key_of_part(e, entry, keys, key_count);
      if (key) {
        ok &= take_parts(e, map, i, key, into);
        continue;
      }
      key = find_key(e, keys, key_count, name, what, entry->path.loc);
      ok &= key && key->take(e, entry, into);
    } else if (other) {
      ok &= other(e, entry, into);
    } else {
      net_error(e->n, entry->loc, "%s has settings only: key = value", what);
      ok = false;
    }
  }
  return ok;
}

bool net_take_args(net_elaborator *e, const net_args *args, uint32_t skip, const net_key *keys,
                   uint32_t key_count, uint32_t positional, const char *what, void *into) {
  bool ok = true, *given = NET_NEW_ARRAY(&e->n->arena, bool, key_count + 1);
  for (uint32_t i = skip; args && i < args->count; i++) {
    const net_arg *arg = &args->at[i];
    const net_key *key;
    if (arg->name.name.id) {
      key = find_key(e, keys, key_count, net_text(e->n, arg->name.name), what, arg->name.loc);
    } else if (i - skip < positional) {
      key = &keys[i - skip];
    } else {
      key = NULL;
      if (positional)
        net_error(e->n, arg->loc, "%s takes %u argument%s by position", what, positional,
                  positional == 1 ? "" : "s");
      else net_error(e->n, arg->loc, "%s takes arguments by name: name = value", what);
    }
    net_entry entry = {.kind = NET_ENTRY_SET, .value = arg->value, .loc = arg->loc};
    if (key && given[key - keys]) {
      net_error(e->n, arg->loc, "%s is given '%s' twice", what, key->name);
      key = NULL;
    }
    if (key) given[key - keys] = true;
    ok &= key && key->take(e, &entry, into);
  }
  return ok;
}

bool net_as_call(net_elaborator *e, const net_expr *expr, const char *what, net_ident *name,
                 const net_args **args) {
  const net_dotted *path = expr->kind == NET_EXPR_PATH   ? &expr->path
                           : expr->kind == NET_EXPR_CALL ? &expr->call.callee
                                                         : NULL;
  if (!path || path->parts.count != 1) {
    net_error(e->n, expr->loc, "%s is wanted here, not %s", what, net_expr_kind_text(expr));
    return false;
  }
  *name = path->parts.at[0];
  *args = expr->kind == NET_EXPR_CALL ? &expr->call.args : NULL;
  return true;
}

const net_decl *net_choose(net_elaborator *e, net_decl_kind kind, const char *name, net_loc where) {
  netc *n = e->n;
  const net_decl *first = NULL;
  const char *keyword = net_decl_rows[kind].keyword;
  uint32_t count = net_program_count(e->program, kind, &first);
  if (!name && count == 1) return first;
  if (!count)
    return net_error(n, where, "the program has no %s%s", keyword, kind == NET_DECL_QUANTIZE ? " block" : ""),
           NULL;
  if (!name) {
    net_error(n, where, "the program has several %s blocks: name one of %s", keyword,
              net_program_names(n, e->program, kind));
    return NULL;
  }
  const net_decl *found = net_program_find(e->program, kind, net_intern(n, name));
  if (found) return found;
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, e->program->decls.count + 1);
  uint32_t known = 0;
  for (uint32_t i = 0; i < e->program->decls.count; i++)
    if (e->program->decls.at[i]->kind == kind && e->program->decls.at[i]->name.name.id)
      names[known++] = net_text(n, e->program->decls.at[i]->name.name);
  net_error(n, where, "there is no %s '%s'%s", keyword, name, net_suggestion(n, name, names, known));
  return NULL;
}

/* ---- entries ---- */

bool net_elaborate_network(netc *n, net_arena *arena, const net_program *program, const char *name,
                           net_network *network) {
  net_elaborator e;
  if (!net_elaborator_begin(n, arena, program, &e)) return false;
  const net_decl *decl = net_choose(&e, NET_DECL_NETWORK, name, NET_NOWHERE);
  if (!decl || !net_elaborate_body(&e, decl, network)) return false;
  net_warn_unused(n, program);
  return true;
}

/* The recipe: by name, the one without a name, or the only one. NULL in *decl: there is none, all is default.
 */
static bool choose_train(net_elaborator *e, const char *name, const net_decl **decl) {
  const net_decl *first;
  *decl = net_program_find(e->program, NET_DECL_TRAIN, (net_name){0});
  if (!name && (*decl || !net_program_count(e->program, NET_DECL_TRAIN, &first))) return true;
  *decl = net_choose(e, NET_DECL_TRAIN, name, NET_NOWHERE);
  return *decl != NULL;
}

static bool elaborate(net_elaborator *e, const net_decl *network, const net_decl *train,
                      const char *data_name, net_experiment *experiment) {
  const net_decl *data = NULL;
  *experiment = (net_experiment){0};
  if (!net_elaborate_body(e, network, &experiment->network)) return false;
  if (!net_elaborate_train(e, train, &experiment->network, &experiment->recipe, &data)) return false;
  if (data_name && !(data = net_choose(e, NET_DECL_DATA, data_name, NET_NOWHERE))) return false;
  if (!data) return true;
  return net_elaborate_data(e, data, &experiment->network, &experiment->recipe, &experiment->data);
}

bool net_choice_check(netc *n, const net_program *program, const net_choice *choice) {
  net_elaborator e = {.n = n, .program = program};
  bool ok = true;
  if (choice->network) ok &= net_choose(&e, NET_DECL_NETWORK, choice->network, NET_NOWHERE) != NULL;
  if (choice->train) ok &= net_choose(&e, NET_DECL_TRAIN, choice->train, NET_NOWHERE) != NULL;
  if (choice->data) ok &= net_choose(&e, NET_DECL_DATA, choice->data, NET_NOWHERE) != NULL;
  if (choice->quantize) ok &= net_choose(&e, NET_DECL_QUANTIZE, choice->quantize, NET_NOWHERE) != NULL;
  return ok;
}

bool net_elaborate(netc *n, net_arena *arena, const net_program *program, const net_choice *choice,
                   net_experiment *experiment) {
  net_elaborator e;
  const net_decl *train;
  if (!net_elaborator_begin(n, arena, program, &e)) return false;
  e.directory = choice->directory;
  const net_decl *network = net_choose(&e, NET_DECL_NETWORK, choice->network, NET_NOWHERE);
  if (!network || !choose_train(&e, choice->train, &train)) return false;
  if (!elaborate(&e, network, train, choice->data, experiment)) return false;
  net_warn_unused(n, program);
  return true;
}

bool net_balance_classes(netc *n, net_arena *arena, const rt_data *data, net_recipe *recipe) {
  net_objective *objective = &recipe->objective;
  for (uint32_t t = 0; t < objective->term_count; t++) {
    if (!recipe->balanced[t]) continue;
    net_loss_term *term = (net_loss_term *)&objective->terms[t];
    const rt_split *train = &data->split[RT_TRAIN];
    const uint32_t *labels = train->targets[term->target].data;
    uint64_t *counts = NET_NEW_ARRAY(arena, uint64_t, term->class_count);
    float *weights = NET_NEW_ARRAY(arena, float, term->class_count);
    for (uint32_t i = 0; i < train->rows; i++) counts[labels[i]]++;
    for (uint32_t c = 0; c < term->class_count; c++) {
      if (!counts[c])
        return net_error(n, term->loc, "class_weight = balanced: no training sample is of class %u", c),
               false;
      weights[c] = (float)((double)train->rows / ((double)term->class_count * (double)counts[c]));
    }
    term->class_weights = weights;
  }
  return true;
}
