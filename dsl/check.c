/* What is wrong with the names of a program whatever they stand for: defined, set or passed twice. */
#include "dsl/program.h"

typedef struct {
  netc *n;
  bool ok;
  bool sweep; /* in such a block: its `zip { … }` may come several times */
} checker;

static void twice(checker *c, net_ident second, net_ident first, const char *what) {
  net_error(c->n, second.loc, "%s '%s' twice", what, net_text(c->n, second.name));
  net_note(c->n, first.loc, "the first time is here");
  c->ok = false;
}

static void check_expr(checker *c, const net_expr *e);

static void check_args(checker *c, const net_args *args) {
  for (uint32_t i = 0; i < args->count; i++) {
    const net_arg *a = &args->at[i];
    check_expr(c, a->value);
    if (!a->name.name.id && i && args->at[i - 1].name.name.id) {
      net_error(c->n, a->loc, "arguments by position come before arguments by name");
      c->ok = false;
    }
    for (uint32_t k = 0; k < i && a->name.name.id; k++)
      if (net_name_same(args->at[k].name.name, a->name.name)) {
        twice(c, a->name, args->at[k].name, "this call is given");
        break;
      }
  }
}

static void check_exprs(checker *c, const net_exprs *exprs) {
  for (uint32_t i = 0; i < exprs->count; i++) check_expr(c, exprs->at[i]);
}

/* A setting and a block of settings of the same name, or two patterns of the same text. */
static bool clash(const net_entry *a, const net_entry *b) {
  if (a->kind != b->kind) return false;
  if (a->kind == NET_ENTRY_PATTERN) return net_name_same(a->pattern.name, b->pattern.name);
  return (a->kind == NET_ENTRY_SET || a->kind == NET_ENTRY_BLOCK) && net_dotted_same(&a->path, &b->path);
}

static void check_map(checker *c, const net_map *map) {
  for (uint32_t i = 0; i < map->entries.count; i++) {
    const net_entry *e = &map->entries.at[i];
    if (e->value) check_expr(c, e->value);
    for (uint32_t k = 0; k < i; k++) {
      const net_entry *other = &map->entries.at[k];
      if (!clash(e, other) || (c->sweep && e->kind == NET_ENTRY_BLOCK)) continue;
      bool pattern = e->kind == NET_ENTRY_PATTERN;
      net_error(c->n, pattern ? e->pattern.loc : e->path.loc, "'%s' is set twice",
                pattern ? net_text(c->n, e->pattern.name) : net_dotted_text(c->n, &e->path));
      net_note(c->n, pattern ? other->pattern.loc : other->path.loc, "the first time is here");
      c->ok = false;
      break;
    }
  }
}

static void check_expr(checker *c, const net_expr *e) {
  switch (e->kind) {
  case NET_EXPR_CALL:
    check_args(c, &e->call.args);
    break;
  case NET_EXPR_LIST:
    check_exprs(c, &e->list);
    break;
  case NET_EXPR_TUPLE:
    check_exprs(c, &e->tuple);
    break;
  case NET_EXPR_NEGATE:
    check_expr(c, e->negated);
    break;
  case NET_EXPR_BINARY:
    check_expr(c, e->binary.left), check_expr(c, e->binary.right);
    break;
  case NET_EXPR_RANGE:
    check_expr(c, e->range.low), check_expr(c, e->range.high);
    break;
  case NET_EXPR_CHAIN:
    check_expr(c, e->chain.head);
    for (uint32_t i = 0; i < e->chain.stages.count; i++) check_args(c, &e->chain.stages.at[i].args);
    break;
  case NET_EXPR_MAP:
    check_map(c, e->map);
    break;
  default:
    break;
  }
}

static void check_params(checker *c, const net_params *params) {
  for (uint32_t i = 0; i < params->count; i++) {
    check_exprs(c, &params->at[i].shape);
    if (params->at[i].value) check_expr(c, params->at[i].value);
    if (params->at[i].low) check_expr(c, params->at[i].low), check_expr(c, params->at[i].high);
    for (uint32_t k = 0; k < i; k++)
      if (net_name_same(params->at[k].name.name, params->at[i].name.name)) {
        twice(c, params->at[i].name, params->at[k].name, "this takes");
        break;
      }
  }
}

static void check_decl(checker *c, const net_decl *d) {
  if (d->value) check_expr(c, d->value);
  c->sweep = d->kind == NET_DECL_SWEEP;
  if (d->map) check_map(c, d->map);
  check_params(c, &d->params);
  for (uint32_t i = 0; d->kind == NET_DECL_LAYER && i < d->params.count; i++)
    if (d->params.at[i].low) {
      net_error(c->n, net_loc_join(d->params.at[i].low->loc, d->params.at[i].high->loc),
                "a layer takes what it is given: ranges are for the inputs of networks");
      c->ok = false;
    }
  for (uint32_t i = 0; d->body && i < d->body->stmts.count; i++) check_expr(c, d->body->stmts.at[i].value);
}

/* Words that mean the same everywhere. */
static bool is_reserved(const char *name) {
  return !strcmp(name, "none") || !strcmp(name, "true") || !strcmp(name, "false");
}

/* first: by id of a name, its declaration in a name space */
static void check_space(checker *c, const net_program *program, const char *space, const net_decl **first) {
  for (uint32_t i = 0; i < program->decls.count; i++) {
    const net_decl *d = program->decls.at[i];
    if (strcmp(net_decl_rows[d->kind].space, space)) continue;
    const net_decl **known = &first[d->name.name.id];
    if (*known) {
      net_error(c->n, d->name.name.id ? d->name.loc : d->keyword, "%s is defined twice",
                net_decl_text(c->n, d));
      net_note(c->n, (*known)->name.name.id ? (*known)->name.loc : (*known)->keyword, "%s is defined here",
               net_decl_text(c->n, *known));
      c->ok = false;
    } else
      *known = d;
  }
  for (uint32_t i = 0; i < program->decls.count; i++) first[program->decls.at[i]->name.name.id] = NULL;
}

bool net_program_check(netc *n, const net_program *program) {
  checker c = {.n = n, .ok = true};
  const net_decl **first = NET_NEW_ARRAY(&n->arena, const net_decl *, n->names.texts.count);
  for (int kind = 0; kind < NET_DECL_KIND_COUNT; kind++) {
    bool again = false; /* two kinds may share a name space */
    for (int before = 0; before < kind; before++)
      again |= !strcmp(net_decl_rows[before].space, net_decl_rows[kind].space);
    if (!again) check_space(&c, program, net_decl_rows[kind].space, first);
  }
  for (uint32_t i = 0; i < program->decls.count; i++) {
    const net_decl *d = program->decls.at[i];
    if (d->name.name.id && is_reserved(net_text(n, d->name.name))) {
      net_error(n, d->name.loc, "'%s' means the same everywhere and cannot be defined",
                net_text(n, d->name.name));
      c.ok = false;
    }
    check_decl(&c, d);
  }
  return c.ok;
}
