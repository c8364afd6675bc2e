/* Whether two trees say the same, places, comments and layout aside. */
#include "dsl/ast.h"

static bool same(net_ident a, net_ident b) { return net_name_same(a.name, b.name); }

bool net_dotted_same(const net_dotted *a, const net_dotted *b) {
  if (a->parts.count != b->parts.count) return false;
  for (uint32_t i = 0; i < a->parts.count; i++)
    if (!same(a->parts.at[i], b->parts.at[i])) return false;
  return true;
}

static bool args_equal(const net_args *a, const net_args *b) {
  if (a->count != b->count) return false;
  for (uint32_t i = 0; i < a->count; i++)
    if (!same(a->at[i].name, b->at[i].name) || !net_expr_equal(a->at[i].value, b->at[i].value)) return false;
  return true;
}

static bool exprs_equal(const net_exprs *a, const net_exprs *b) {
  if (a->count != b->count) return false;
  for (uint32_t i = 0; i < a->count; i++)
    if (!net_expr_equal(a->at[i], b->at[i])) return false;
  return true;
}

static bool stages_equal(const net_stages *a, const net_stages *b) {
  if (a->count != b->count) return false;
  for (uint32_t i = 0; i < a->count; i++) {
    const net_stage *s = &a->at[i], *t = &b->at[i];
    if (!same(s->label, t->label) || !same(s->name, t->name) || !args_equal(&s->args, &t->args)) return false;
  }
  return true;
}

bool net_expr_equal(const net_expr *a, const net_expr *b) {
  if (!a || !b) return a == b;
  if (a->kind != b->kind) return false;
  switch (a->kind) {
  case NET_EXPR_INTEGER:
    return a->integer.unit == b->integer.unit && net_name_same(a->integer.text, b->integer.text);
  case NET_EXPR_REAL:
    return a->real.unit == b->real.unit && net_name_same(a->real.text, b->real.text);
  case NET_EXPR_STRING:
    return net_name_same(a->string, b->string);
  case NET_EXPR_PATH:
    return net_dotted_same(&a->path, &b->path);
  case NET_EXPR_CALL:
    return net_dotted_same(&a->call.callee, &b->call.callee) && args_equal(&a->call.args, &b->call.args);
  case NET_EXPR_LIST:
    return exprs_equal(&a->list, &b->list);
  case NET_EXPR_TUPLE:
    return exprs_equal(&a->tuple, &b->tuple);
  case NET_EXPR_NEGATE:
    return net_expr_equal(a->negated, b->negated);
  case NET_EXPR_BINARY:
    return a->binary.op == b->binary.op && net_expr_equal(a->binary.left, b->binary.left) &&
           net_expr_equal(a->binary.right, b->binary.right);
  case NET_EXPR_RANGE:
    return net_expr_equal(a->range.low, b->range.low) && net_expr_equal(a->range.high, b->range.high);
  case NET_EXPR_CHAIN:
    return net_expr_equal(a->chain.head, b->chain.head) && stages_equal(&a->chain.stages, &b->chain.stages);
  case NET_EXPR_MAP:
    return net_map_equal(a->map, b->map);
  case NET_EXPR_KIND_COUNT:
    break;
  }
  return false;
}

static bool entry_equal(const net_entry *a, const net_entry *b) {
  return a->kind == b->kind && net_dotted_same(&a->path, &b->path) && same(a->pattern, b->pattern) &&
         a->all == b->all && (a->kind != NET_ENTRY_REQUIRE || a->relation == b->relation) &&
         net_expr_equal(a->value, b->value);
}

bool net_map_equal(const net_map *a, const net_map *b) {
  if (!a || !b) return a == b;
  if (a->entries.count != b->entries.count) return false;
  for (uint32_t i = 0; i < a->entries.count; i++)
    if (!entry_equal(&a->entries.at[i], &b->entries.at[i])) return false;
  return true;
}

static bool body_equal(const net_body *a, const net_body *b) {
  if (!a || !b) return a == b;
  if (a->stmts.count != b->stmts.count) return false;
  for (uint32_t i = 0; i < a->stmts.count; i++) {
    const net_stmt *s = &a->stmts.at[i], *t = &b->stmts.at[i];
    if (!same(s->name, t->name) || !net_expr_equal(s->value, t->value)) return false;
  }
  return true;
}

static bool params_equal(const net_params *a, const net_params *b) {
  if (a->count != b->count) return false;
  for (uint32_t i = 0; i < a->count; i++) {
    const net_param *p = &a->at[i], *q = &b->at[i];
    if (!same(p->name, q->name) || !same(p->type, q->type) || !exprs_equal(&p->shape, &q->shape) ||
        !net_expr_equal(p->value, q->value) || !net_expr_equal(p->low, q->low) ||
        !net_expr_equal(p->high, q->high))
      return false;
  }
  return true;
}

bool net_decl_equal(const net_decl *a, const net_decl *b) {
  return a->kind == b->kind && same(a->name, b->name) && same(a->import, b->import) &&
         net_expr_equal(a->value, b->value) && net_map_equal(a->map, b->map) &&
         params_equal(&a->params, &b->params) && body_equal(a->body, b->body);
}

bool net_file_equal(const net_file *a, const net_file *b) {
  if (a->version != b->version || a->decls.count != b->decls.count) return false;
  for (uint32_t i = 0; i < a->decls.count; i++)
    if (!net_decl_equal(a->decls.at[i], b->decls.at[i])) return false;
  return true;
}
