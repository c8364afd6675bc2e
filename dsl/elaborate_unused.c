/* Names that nothing uses: inputs and parameters of networks and layers, and what their bodies bind. Mostly
 * slips, so these are warnings. */
#include "dsl/elaborate_common.h"

static bool mentions(const net_expr *expr, net_name name);

static bool any_mentions(const net_exprs *exprs, net_name name) {
  for (uint32_t i = 0; i < exprs->count; i++)
    if (mentions(exprs->at[i], name)) return true;
  return false;
}

static bool args_mention(const net_args *args, net_name name) {
  for (uint32_t i = 0; i < args->count; i++)
    if (mentions(args->at[i].value, name)) return true;
  return false;
}

static bool map_mentions(const net_map *map, net_name name) {
  for (uint32_t i = 0; i < map->entries.count; i++)
    if (map->entries.at[i].value && mentions(map->entries.at[i].value, name)) return true;
  return false;
}

static bool mentions(const net_expr *expr, net_name name) {
  switch (expr->kind) {
  case NET_EXPR_PATH: return net_name_same(expr->path.parts.at[0].name, name);
  case NET_EXPR_CALL: return args_mention(&expr->call.args, name);
  case NET_EXPR_LIST: return any_mentions(&expr->list, name);
  case NET_EXPR_TUPLE: return any_mentions(&expr->tuple, name);
  case NET_EXPR_NEGATE: return mentions(expr->negated, name);
  case NET_EXPR_BINARY: return mentions(expr->binary.left, name) || mentions(expr->binary.right, name);
  case NET_EXPR_RANGE: return mentions(expr->range.low, name) || mentions(expr->range.high, name);
  case NET_EXPR_MAP: return map_mentions(expr->map, name);
  case NET_EXPR_CHAIN:
    for (uint32_t i = 0; i < expr->chain.stages.count; i++)
      if (args_mention(&expr->chain.stages.at[i].args, name)) return true;
    return mentions(expr->chain.head, name);
  default: return false;
  }
}

/* From a statement on; what binds the name anew ends the search, but may itself read the old value. */
static bool body_mentions(const net_body *body, uint32_t first, net_name name) {
  for (uint32_t i = first; i < body->stmts.count; i++) {
    if (mentions(body->stmts.at[i].value, name)) return true;
    if (net_name_same(body->stmts.at[i].name.name, name)) return false;
  }
  return false;
}

/* Losses look at what a network binds; the last of a name is meant. */
static bool recipes_mention(const net_program *program, net_name name) {
  for (uint32_t i = 0; i < program->decls.count; i++)
    if (program->decls.at[i]->kind == NET_DECL_TRAIN && map_mentions(program->decls.at[i]->map, name))
      return true;
  return false;
}

static bool bound_again(const net_body *body, uint32_t first, net_name name) {
  for (uint32_t i = first; i < body->stmts.count; i++)
    if (net_name_same(body->stmts.at[i].name.name, name)) return true;
  return false;
}

static void warn(netc *n, net_ident name, const char *what) {
  for (uint32_t i = 0; i < n->diagnostics.list.count; i++) {
    const net_diagnostic *d = &n->diagnostics.list.at[i];
    if (d->severity == NET_WARNING && d->where.begin == name.loc.begin) return; /* said already */
  }
  net_warning(n, name.loc, "%s '%s' is not used", what, net_text(n, name.name));
}

static void check(netc *n, const net_program *program, const net_decl *decl) {
  bool network = decl->kind == NET_DECL_NETWORK;
  for (uint32_t i = 0; i < decl->params.count; i++) {
    const net_param *p = &decl->params.at[i];
    bool used = body_mentions(decl->body, 0, p->name.name);
    for (uint32_t k = i + 1; k < decl->params.count && !used; k++)
      used = any_mentions(&decl->params.at[k].shape, p->name.name) ||
             (decl->params.at[k].value && mentions(decl->params.at[k].value, p->name.name)) ||
             (decl->params.at[k].low && (mentions(decl->params.at[k].low, p->name.name) ||
                                         mentions(decl->params.at[k].high, p->name.name)));
    if (!used) warn(n, p->name, p->type.name.id ? "input" : "parameter");
  }
  for (uint32_t i = 0; i + 1 < decl->body->stmts.count; i++) {
    net_ident name = decl->body->stmts.at[i].name;
    if (!name.name.id || body_mentions(decl->body, i + 1, name.name)) continue;
    if (network && !bound_again(decl->body, i + 1, name.name) && recipes_mention(program, name.name))
      continue;
    warn(n, name, "the value of");
  }
}

void net_warn_unused(netc *n, const net_program *program) {
  for (uint32_t i = 0; i < program->decls.count; i++)
    if (program->decls.at[i]->body) check(n, program, program->decls.at[i]);
}
