#include "dsl/printer.h"

net_bind net_expr_bind(const net_expr *e) {
  switch (e->kind) {
  case NET_EXPR_CHAIN:
    return NET_BIND_CHAIN;
  case NET_EXPR_BINARY:
    return e->binary.op <= NET_SUBTRACT ? NET_BIND_SUM : NET_BIND_TERM;
  case NET_EXPR_RANGE:
    return NET_BIND_RANGE;
  case NET_EXPR_NEGATE:
    return NET_BIND_UNARY;
  default:
    return NET_BIND_PRIMARY;
  }
}

bool net_trivia_comments(const net_trivia *trivia) {
  return trivia && (trivia->above.count || trivia->beside.id);
}

bool net_chain_breaks(const net_expr *e) {
  if (!e || e->kind != NET_EXPR_CHAIN) return false;
  for (uint32_t i = 0; i < e->chain.stages.count; i++)
    if (e->chain.stages.at[i].breaks) return true;
  return false;
}

uint32_t net_text_width(const char *text, uint32_t length) {
  uint32_t width = 0;
  for (uint32_t i = 0; i < length; i++) width += (text[i] & 0xC0) != 0x80;
  return width;
}

static void put_char(net_flat *f, char c) { net_vec_push(&f->n->arena, &f->text, c); }

void net_flat_put(net_flat *f, const char *text) {
  while (*text) put_char(f, *text++);
}

void net_flat_name(net_flat *f, net_name name) { net_flat_put(f, net_text(f->n, name)); }

void net_flat_string(net_flat *f, net_name text) {
  put_char(f, '"');
  for (const char *c = net_text(f->n, text); *c; c++) {
    if (*c == '"' || *c == '\\') put_char(f, '\\');
    if (*c == '\n')
      net_flat_put(f, "\\n");
    else if (*c == '\t')
      net_flat_put(f, "\\t");
    else
      put_char(f, *c);
  }
  put_char(f, '"');
}

void net_flat_path(net_flat *f, const net_dotted *path) {
  for (uint32_t i = 0; i < path->parts.count; i++) {
    if (i) put_char(f, '.');
    net_flat_name(f, path->parts.at[i].name);
  }
}

static void put_number(net_flat *f, net_name text, net_unit unit) {
  net_flat_name(f, text);
  if (!unit) return;
  put_char(f, ' ');
  net_flat_put(f, net_unit_names[unit]);
}

static void put_trivia(net_flat *f, const net_trivia *trivia) { f->broken |= net_trivia_comments(trivia); }

void net_flat_arg(net_flat *f, const net_arg *arg) {
  put_trivia(f, arg->trivia);
  if (arg->name.name.id) net_flat_name(f, arg->name.name), net_flat_put(f, " = ");
  net_flat_expr(f, arg->value, NET_BIND_CHAIN);
}

static void put_args(net_flat *f, const net_args *args) {
  f->brackets++;
  put_char(f, '(');
  for (uint32_t i = 0; i < args->count; i++) {
    if (i) net_flat_put(f, ", ");
    net_flat_arg(f, &args->at[i]);
  }
  put_char(f, ')');
  f->brackets--;
}

static void put_exprs(net_flat *f, const net_exprs *exprs, const char *open, const char *close) {
  f->brackets++;
  net_flat_put(f, open);
  for (uint32_t i = 0; i < exprs->count; i++) {
    if (i) net_flat_put(f, ", ");
    net_flat_expr(f, exprs->at[i], NET_BIND_CHAIN);
  }
  net_flat_put(f, close);
  f->brackets--;
}

void net_flat_stage(net_flat *f, const net_stage *stage) {
  put_trivia(f, stage->trivia);
  if (stage->label.name.id) net_flat_name(f, stage->label.name), net_flat_put(f, ": ");
  net_flat_name(f, stage->name.name);
  if (stage->args.count) put_args(f, &stage->args);
}

static void put_chain(net_flat *f, const net_expr *e) {
  net_flat_expr(f, e->chain.head, NET_BIND_SUM);
  for (uint32_t i = 0; i < e->chain.stages.count; i++) {
    net_flat_put(f, " -> ");
    net_flat_stage(f, &e->chain.stages.at[i]);
  }
}

static void put_binary(net_flat *f, const net_expr *e) {
  net_bind bind = net_expr_bind(e);
  net_flat_expr(f, e->binary.left, bind);
  put_char(f, ' ');
  net_flat_put(f, net_binary_names[e->binary.op]);
  put_char(f, ' ');
  net_flat_expr(f, e->binary.right, bind + 1);
}

void net_flat_expr(net_flat *f, const net_expr *e, net_bind least) {
  bool parentheses = e->parentheses || net_expr_bind(e) < least;
  put_trivia(f, e->trivia);
  if (parentheses) put_char(f, '('), f->brackets++;
  switch (e->kind) {
  case NET_EXPR_INTEGER:
    put_number(f, e->integer.text, e->integer.unit);
    break;
  case NET_EXPR_REAL:
    put_number(f, e->real.text, e->real.unit);
    break;
  case NET_EXPR_STRING:
    net_flat_string(f, e->string);
    break;
  case NET_EXPR_PATH:
    net_flat_path(f, &e->path);
    break;
  case NET_EXPR_CALL:
    net_flat_path(f, &e->call.callee), put_args(f, &e->call.args);
    break;
  case NET_EXPR_LIST:
    put_exprs(f, &e->list, "[", "]");
    break;
  case NET_EXPR_TUPLE:
    put_exprs(f, &e->tuple, "(", ")");
    break;
  case NET_EXPR_NEGATE:
    put_char(f, '-'), net_flat_expr(f, e->negated, NET_BIND_UNARY);
    break;
  case NET_EXPR_BINARY:
    put_binary(f, e);
    break;
  case NET_EXPR_RANGE:
    net_flat_expr(f, e->range.low, NET_BIND_UNARY);
    net_flat_put(f, "..");
    net_flat_expr(f, e->range.high, NET_BIND_UNARY);
    break;
  case NET_EXPR_CHAIN:
    put_chain(f, e);
    break;
  case NET_EXPR_MAP:
    net_flat_map(f, e->map);
    break;
  case NET_EXPR_KIND_COUNT:
    break;
  }
  if (parentheses) put_char(f, ')'), f->brackets--;
}

void net_flat_entry_head(net_flat *f, const net_entry *entry, bool sign) {
  const char *word = entry->kind == NET_ENTRY_MINIMIZE   ? "minimize"
                     : entry->kind == NET_ENTRY_MAXIMIZE ? "maximize"
                     : !entry->worded                    ? ""
                     : entry->kind == NET_ENTRY_VARY     ? "vary "
                                                         : "require ";
  net_flat_put(f, word);
  if (entry->all) net_flat_put(f, "all ");
  if (entry->pattern.name.id) net_flat_string(f, entry->pattern.name);
  if (entry->pattern.name.id && entry->path.parts.count) put_char(f, '.');
  net_flat_path(f, &entry->path);
  if (!sign) return;
  if (entry->kind == NET_ENTRY_SET) net_flat_put(f, " =");
  if (entry->kind == NET_ENTRY_VARY) net_flat_put(f, " in");
  if (entry->kind == NET_ENTRY_REQUIRE)
    put_char(f, ' '), net_flat_put(f, net_relation_names[entry->relation]);
}

void net_flat_entry(net_flat *f, const net_entry *entry) {
  put_trivia(f, entry->trivia);
  net_flat_entry_head(f, entry, true);
  if (!entry->value) return;
  if (!f->brackets && net_chain_breaks(entry->value) && !entry->value->parentheses) f->broken = true;
  put_char(f, ' ');
  net_flat_expr(f, entry->value, NET_BIND_CHAIN);
}

void net_flat_map(net_flat *f, const net_map *map) {
  put_trivia(f, map->inside);
  if (map->open && map->entries.count && !f->brackets) f->broken = true;
  net_flat_put(f, map->entries.count ? "{ " : "{");
  for (uint32_t i = 0; i < map->entries.count; i++) {
    if (i) net_flat_put(f, ", ");
    net_flat_entry(f, &map->entries.at[i]);
  }
  net_flat_put(f, map->entries.count ? " }" : "}");
}

void net_flat_param(net_flat *f, const net_param *param) {
  put_trivia(f, param->trivia);
  net_flat_name(f, param->name.name);
  if (param->type.name.id) {
    net_flat_put(f, ": ");
    net_flat_name(f, param->type.name);
    put_exprs(f, &param->shape, "[", "]");
  }
  if (param->low) {
    net_flat_put(f, " in [");
    f->brackets++;
    net_flat_expr(f, param->low, NET_BIND_CHAIN);
    net_flat_put(f, ", ");
    net_flat_expr(f, param->high, NET_BIND_CHAIN);
    f->brackets--;
    put_char(f, ']');
  }
  if (param->value) {
    net_flat_put(f, " = ");
    f->brackets++;
    net_flat_expr(f, param->value, NET_BIND_CHAIN);
    f->brackets--;
  }
}

const char *net_format_expr(netc *n, const net_expr *e) {
  net_flat f = {.n = n, .brackets = 1};
  net_flat_expr(&f, e, NET_BIND_CHAIN);
  put_char(&f, 0);
  return f.text.at;
}
