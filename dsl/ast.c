#include "dsl/ast.h"

const char *const net_unit_names[] = {"", "%", "KiB", "MiB"};
const char *const net_binary_names[] = {"+", "-", "*", "/"};
const char *const net_relation_names[] = {"<=", ">=", "<", ">"};

#define NET_DECL_ROW(kind, keyword, form, space) [NET_DECL_##kind] = {keyword, NET_FORM_##form, space},
const net_decl_row net_decl_rows[NET_DECL_KIND_COUNT] = {NET_DECL_KINDS(NET_DECL_ROW)};

net_expr *net_expr_new(netc *n, net_expr_kind kind, net_loc loc) {
  net_expr *e = NET_NEW(&n->arena, net_expr);
  e->kind = kind;
  e->loc = loc;
  e->depth = 1;
  return e;
}

static uint32_t deeper(uint32_t depth, const net_expr *child) {
  return child && child->depth > depth ? child->depth : depth;
}

static uint32_t deepest_arg(uint32_t depth, const net_args *args) {
  for (uint32_t i = 0; i < args->count; i++) depth = deeper(depth, args->at[i].value);
  return depth;
}

bool net_expr_measure(net_expr *e) {
  uint32_t depth = 0;
  switch (e->kind) {
  case NET_EXPR_CALL:
    depth = deepest_arg(depth, &e->call.args);
    break;
  case NET_EXPR_LIST:
    for (uint32_t i = 0; i < e->list.count; i++) depth = deeper(depth, e->list.at[i]);
    break;
  case NET_EXPR_TUPLE:
    for (uint32_t i = 0; i < e->tuple.count; i++) depth = deeper(depth, e->tuple.at[i]);
    break;
  case NET_EXPR_NEGATE:
    depth = deeper(depth, e->negated);
    break;
  case NET_EXPR_BINARY:
    depth = deeper(deeper(depth, e->binary.left), e->binary.right);
    break;
  case NET_EXPR_RANGE:
    depth = deeper(deeper(depth, e->range.low), e->range.high);
    break;
  case NET_EXPR_CHAIN:
    depth = deeper(depth, e->chain.head);
    for (uint32_t i = 0; i < e->chain.stages.count; i++)
      depth = deepest_arg(depth, &e->chain.stages.at[i].args);
    break;
  case NET_EXPR_MAP:
    for (uint32_t i = 0; i < e->map->entries.count; i++) depth = deeper(depth, e->map->entries.at[i].value);
    break;
  default:
    break;
  }
  e->depth = (uint16_t)(depth + 1);
  return e->depth <= NET_AST_DEPTH;
}

net_name net_expr_word(const net_expr *e) {
  bool word = e && e->kind == NET_EXPR_PATH && e->path.parts.count == 1;
  return word ? e->path.parts.at[0].name : (net_name){0};
}

bool net_expr_is(const netc *n, const net_expr *e, const char *word) {
  net_name name = net_expr_word(e);
  return name.id && !strcmp(net_text(n, name), word);
}

const char *net_expr_kind_text(const net_expr *e) {
  static const char *const texts[] = {
      [NET_EXPR_INTEGER] = "an integer",   [NET_EXPR_REAL] = "a number",
      [NET_EXPR_STRING] = "a string",      [NET_EXPR_PATH] = "a name",
      [NET_EXPR_CALL] = "a call",          [NET_EXPR_LIST] = "a list",
      [NET_EXPR_TUPLE] = "a tuple",        [NET_EXPR_NEGATE] = "a negation",
      [NET_EXPR_BINARY] = "a calculation", [NET_EXPR_RANGE] = "a range",
      [NET_EXPR_CHAIN] = "a chain",        [NET_EXPR_MAP] = "a map",
  };
  return texts[e->kind];
}

const char *net_dotted_text(netc *n, const net_dotted *path) {
  size_t length = 0;
  for (uint32_t i = 0; i < path->parts.count; i++) length += strlen(net_text(n, path->parts.at[i].name)) + 1;
  char *text = net_arena_alloc(&n->arena, length + 1, 1), *at = text;
  for (uint32_t i = 0; i < path->parts.count; i++) {
    const char *part = net_text(n, path->parts.at[i].name);
    if (i) *at++ = '.';
    at = memcpy(at, part, strlen(part)), at += strlen(part);
  }
  return text;
}

const char *net_decl_text(netc *n, const net_decl *d) {
  const char *keyword = net_decl_rows[d->kind].keyword;
  if (d->kind == NET_DECL_IMPORT)
    return net_arena_format(&n->arena, "%s \"%s\"", keyword, net_text(n, d->import.name));
  if (!d->name.name.id) return net_arena_format(&n->arena, "the default %s", keyword);
  return net_arena_format(&n->arena, "%s '%s'", keyword, net_text(n, d->name.name));
}
