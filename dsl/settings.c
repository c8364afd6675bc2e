#include "dsl/settings.h"

#include "dsl/parse.h"

bool net_setting_parse(netc *n, const char *text, net_setting *out) {
  uint32_t source;
  size_t length = strlen(text);
  const char *copy = net_arena_copy(&n->arena, text, length);
  if (!net_sources_add(&n->sources, "--set", copy, length, &source))
    return net_error(n, NET_NOWHERE, "the texts of this program have more than 4 GiB in all"), false;
  if (!net_parse_setting(n, source, &out->path, &out->value)) return false;
  out->loc = net_loc_join(out->path.loc, out->value->loc);
  return true;
}

/* The way down: how much of the path is gone already. */
typedef struct {
  netc *n;
  const net_setting *setting;
  uint32_t at; /* parts of the path used so far */
} descent;

static uint32_t left(const descent *d) { return d->setting->path.parts.count - d->at; }
static net_ident part(const descent *d) { return d->setting->path.parts.at[d->at]; }
static const char *part_text(const descent *d) { return net_text(d->n, part(d).name); }

/* "train.optimizer": what is used of it */
static const char *used_text(const descent *d) {
  net_dotted used = d->setting->path;
  used.parts.count = d->at;
  return net_dotted_text(d->n, &used);
}

static net_expr *set_in_expr(descent *d, const net_expr *e);

static net_expr *measured(descent *d, net_expr *e) {
  if (!e || net_expr_measure(e)) return e;
  net_error(d->n, d->setting->loc, "this would nest deeper than %d levels", NET_AST_DEPTH);
  return NULL;
}

/* The path with which an entry begins the rest of the way, in parts; 0: it does not. */
static uint32_t match(const descent *d, const net_entry *entry) {
  uint32_t count = entry->path.parts.count;
  if ((entry->kind != NET_ENTRY_SET && entry->kind != NET_ENTRY_BLOCK) || count > left(d)) return 0;
  for (uint32_t i = 0; i < count; i++)
    if (!net_name_same(entry->path.parts.at[i].name, d->setting->path.parts.at[d->at + i].name)) return 0;
  return count;
}

static net_map *copy_map(netc *n, const net_map *map) {
  net_map *copy = NET_NEW(&n->arena, net_map);
  *copy = *map;
  copy->entries = (net_entries){0};
  for (uint32_t i = 0; i < map->entries.count; i++)
    net_vec_push(&n->arena, &copy->entries, map->entries.at[i]);
  return copy;
}

/* Sets the rest of the path within a map: in the entry that goes furthest along it, else as a new one. */
static net_map *set_in_map(descent *d, const net_map *map) {
  net_map *copy = copy_map(d->n, map);
  net_entry *best = NULL;
  uint32_t longest = 0;
  for (uint32_t i = 0; i < copy->entries.count; i++) {
    uint32_t length = match(d, &copy->entries.at[i]);
    if (length > longest) longest = length, best = &copy->entries.at[i];
  }
  if (!best) {
    net_entry entry = {
        .kind = NET_ENTRY_SET, .value = d->setting->value, .loc = d->setting->loc, .breaks = true};
    entry.path.loc = d->setting->path.loc;
    for (; left(d); d->at++) net_vec_push(&d->n->arena, &entry.path.parts, part(d));
    net_vec_push(&d->n->arena, &copy->entries, entry);
    return copy;
  }
  d->at += longest;
  if (best->kind == NET_ENTRY_BLOCK && !left(d) && d->setting->value->kind != NET_EXPR_MAP) {
    net_error(d->n, d->setting->loc, "'%s' is a block of settings: set one of them, or all with { … }",
              used_text(d));
    net_note(d->n, best->loc, "it is here");
    return NULL;
  }
  best->value = left(d) ? set_in_expr(d, best->value) : d->setting->value;
  return best->value ? copy : NULL;
}

/* Sets an argument of a call, or one of its own parts; a word becomes a call. */
static net_expr *set_in_call(descent *d, const net_expr *e) {
  net_expr *copy = net_expr_new(d->n, NET_EXPR_CALL, e->loc);
  copy->call.callee = e->kind == NET_EXPR_CALL ? e->call.callee : e->path;
  const net_args *args = e->kind == NET_EXPR_CALL ? &e->call.args : &copy->call.args;
  for (uint32_t i = 0; i < args->count; i++) net_vec_push(&d->n->arena, &copy->call.args, args->at[i]);
  net_ident name = part(d);
  for (uint32_t i = 0; i < copy->call.args.count; i++) {
    net_arg *a = &copy->call.args.at[i];
    if (!net_name_same(a->name.name, name.name)) continue;
    d->at++;
    a->value = left(d) ? set_in_expr(d, a->value) : d->setting->value;
    return a->value ? measured(d, copy) : NULL;
  }
  if (left(d) > 1) {
    net_error(d->n, name.loc, "'%s' has no argument '%s' to set something in", used_text(d), part_text(d));
    net_note(d->n, e->loc, "it is here");
    return NULL;
  }
  net_arg added = {.name = name, .value = d->setting->value, .loc = d->setting->loc};
  net_vec_push(&d->n->arena, &copy->call.args, added);
  return measured(d, copy);
}

static net_expr *set_in_expr(descent *d, const net_expr *e) {
  if (e->kind == NET_EXPR_CALL || (e->kind == NET_EXPR_PATH && e->path.parts.count == 1))
    return set_in_call(d, e);
  if (e->kind == NET_EXPR_MAP) {
    net_expr *copy = net_expr_new(d->n, NET_EXPR_MAP, e->loc);
    copy->map = set_in_map(d, e->map);
    return copy->map ? measured(d, copy) : NULL;
  }
  net_error(d->n, part(d).loc, "'%s' is %s and has no '%s': set it as a whole", used_text(d),
            net_expr_kind_text(e), part_text(d));
  net_note(d->n, e->loc, "it is here");
  return NULL;
}

static bool set_param(descent *d, net_decl *decl) {
  NET_VEC(const char *) known = {0};
  net_params params = {0};
  net_param *found = NULL;
  for (uint32_t i = 0; i < decl->params.count; i++) net_vec_push(&d->n->arena, &params, decl->params.at[i]);
  for (uint32_t i = 0; i < params.count; i++) {
    if (net_name_same(params.at[i].name.name, part(d).name)) found = &params.at[i];
    if (params.at[i].value) net_vec_push(&d->n->arena, &known, net_text(d->n, params.at[i].name.name));
  }
  const char *what = net_decl_text(d->n, decl), *near = net_nearest(part_text(d), known.at, known.count);
  if (!found) {
    net_error(d->n, part(d).loc, "%s has no parameter '%s'%s%s%s", what, part_text(d),
              near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
    net_note(d->n, decl->name.loc, "it is here");
    return false;
  }
  if (!found->value) {
    net_error(d->n, part(d).loc, "'%s' is an input of %s: only parameters, such as 'width = 32', can be set",
              part_text(d), what);
    net_note(d->n, found->loc, "it is here");
    return false;
  }
  d->at++;
  found->value = left(d) ? set_in_expr(d, found->value) : d->setting->value;
  decl->params = params;
  return found->value;
}

/* ---- which declaration is meant ---- */

/* A program without `train` trains by the defaults; a setting makes a block of it. */
static const net_decl *empty_block(descent *d, net_decl_kind kind) {
  net_decl *decl = NET_NEW(&d->n->arena, net_decl);
  decl->kind = kind;
  decl->keyword = decl->loc = part(d).loc;
  decl->map = NET_NEW(&d->n->arena, net_map);
  decl->map->loc = decl->loc;
  decl->map->open = true;
  return decl;
}

/* The one its kind alone stands for. */
static const net_decl *of_kind(descent *d, const net_program *program, net_decl_kind kind,
                               const net_chosen *chosen) {
  const char *keyword = net_decl_rows[kind].keyword;
  const net_decl *first;
  uint32_t count = net_program_count(program, kind, &first);
  net_name name = chosen ? chosen->blocks[kind] : (net_name){0};
  if (name.id) {
    const net_decl *named = net_program_find(program, kind, name);
    if (!named) net_error(d->n, part(d).loc, "there is no %s '%s'", keyword, net_text(d->n, name));
    return named;
  }
  if (count == 1) return first;
  if (!count && net_decl_rows[kind].form == NET_FORM_DEFAULT) return empty_block(d, kind);
  for (uint32_t i = 0; i < program->decls.count; i++)
    if (program->decls.at[i]->kind == kind && !program->decls.at[i]->name.name.id)
      return program->decls.at[i];
  if (!count)
    net_error(d->n, part(d).loc, "this program has no %s", keyword);
  else
    net_error(d->n, part(d).loc, "there are %u of '%s' (%s): write %s.NAME", count, keyword,
              net_program_names(d->n, program, kind), keyword);
  return NULL;
}

static const net_decl *unknown_first(descent *d, const net_program *program) {
  NET_VEC(const char *) known = {0};
  for (int kind = NET_DECL_IMPORT + 1; kind < NET_DECL_KIND_COUNT; kind++)
    net_vec_push(&d->n->arena, &known, net_decl_rows[kind].keyword);
  for (uint32_t i = 0; i < program->decls.count; i++)
    net_vec_push(&d->n->arena, &known, net_text(d->n, program->decls.at[i]->name.name));
  const char *near = net_nearest(part_text(d), known.at, known.count);
  if (near)
    net_error(d->n, part(d).loc, "there is no '%s' in this program: did you mean '%s'?", part_text(d), near);
  else
    net_error(d->n, part(d).loc,
              "there is no '%s' in this program: a setting begins with a kind of block "
              "(train.epochs), or with the name of a block, network or constant",
              part_text(d));
  return NULL;
}

static const net_decl *find_decl(descent *d, const net_program *program, const net_chosen *chosen) {
  for (int kind = NET_DECL_IMPORT + 1; kind < NET_DECL_KIND_COUNT; kind++) {
    if (strcmp(net_decl_rows[kind].keyword, part_text(d))) continue;
    const net_decl *named = NULL;
    if (left(d) > 1)
      named = net_program_find(program, (net_decl_kind)kind, d->setting->path.parts.at[d->at + 1].name);
    const net_decl *found = named ? named : of_kind(d, program, (net_decl_kind)kind, chosen);
    d->at += named ? 2 : 1;
    return found;
  }
  const net_decl *found = NULL;
  for (uint32_t i = 0; i < program->decls.count; i++) {
    const net_decl *other = program->decls.at[i];
    if (!net_name_same(other->name.name, part(d).name)) continue;
    if (found) {
      net_error(d->n, part(d).loc, "'%s' is both a %s and a %s: write %s.%s or %s.%s", part_text(d),
                net_decl_rows[found->kind].keyword, net_decl_rows[other->kind].keyword,
                net_decl_rows[found->kind].keyword, part_text(d), net_decl_rows[other->kind].keyword,
                part_text(d));
      return NULL;
    }
    found = other;
  }
  if (!found) return unknown_first(d, program);
  d->at++;
  return found;
}

static bool set_in_decl(descent *d, net_decl *decl) {
  if (!left(d) && !decl->value) {
    net_error(d->n, d->setting->loc, "%s cannot be set as a whole: name a key in it",
              net_decl_text(d->n, decl));
    net_note(d->n, decl->keyword, "it is here");
    return false;
  }
  if (decl->value) return (decl->value = left(d) ? set_in_expr(d, decl->value) : d->setting->value);
  if (decl->map) return (decl->map = set_in_map(d, decl->map));
  return set_param(d, decl);
}

bool net_setting_apply(netc *n, const net_program *program, const net_setting *setting,
                       const net_chosen *chosen, net_program **out) {
  descent d = {n, setting, 0};
  const net_decl *old = find_decl(&d, program, chosen);
  if (!old) return false;
  net_decl *decl = NET_NEW(&n->arena, net_decl);
  *decl = *old;
  if (!set_in_decl(&d, decl)) return false;
  net_program *copy = NET_NEW(&n->arena, net_program);
  copy->file = program->file;
  bool found = false;
  for (uint32_t i = 0; i < program->decls.count; i++) {
    found |= program->decls.at[i] == old;
    net_vec_push(&n->arena, &copy->decls, program->decls.at[i] == old ? decl : program->decls.at[i]);
  }
  if (!found) net_vec_push(&n->arena, &copy->decls, decl);
  *out = copy;
  return true;
}
