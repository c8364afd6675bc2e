/* Expressions that do not fit on the rest of a line, or must not: they have comments or kept line breaks. */
#include "dsl/printer.h"

enum { FURTHEST_ARROW = 20 }; /* from the indentation: to align the arrows of a chain with its first */

/* ---- what stands in brackets: arguments, elements, parameters ---- */

typedef struct {
  const char *open, *close;
  const net_args *args; /* one of these three */
  const net_exprs *exprs;
  const net_params *params;
} items;

static uint32_t item_count(const items *s) {
  return s->args ? s->args->count : s->exprs ? s->exprs->count : s->params->count;
}

static const net_trivia *item_trivia(const items *s, uint32_t i) {
  return s->args ? s->args->at[i].trivia : s->exprs ? s->exprs->at[i]->trivia : s->params->at[i].trivia;
}

static void flat_item(net_flat *f, const items *s, uint32_t i) {
  if (s->args)
    net_flat_arg(f, &s->args->at[i]);
  else if (s->exprs)
    net_flat_expr(f, s->exprs->at[i], NET_BIND_CHAIN);
  else
    net_flat_param(f, &s->params->at[i]);
}

static void print_name_equals(net_printer *p, net_name name) {
  net_print(p, net_text(p->n, name));
  net_print(p, " = ");
}

static void print_item(net_printer *p, const items *s, uint32_t i, uint32_t indent) {
  const net_expr *value = s->args    ? s->args->at[i].value
                          : s->exprs ? s->exprs->at[i]
                                     : s->params->at[i].value;
  if (s->args && s->args->at[i].name.name.id) print_name_equals(p, s->args->at[i].name.name);
  if (s->params && !value) {
    net_flat f = {.n = p->n, .brackets = 1};
    flat_item(&f, s, i);
    net_print_flat(p, &f);
    return;
  }
  if (s->params) print_name_equals(p, s->params->at[i].name.name);
  net_print_expr(p, value, NET_BIND_CHAIN, indent);
}

/* One item a line, with its comments. */
static void print_listed(net_printer *p, const items *s, uint32_t indent) {
  uint32_t count = item_count(s);
  net_print(p, s->open);
  net_print_line(p);
  for (uint32_t i = 0; i < count; i++) {
    const net_trivia *t = item_trivia(s, i);
    net_trivia above = t ? *t : (net_trivia){0};
    above.blank = false;
    net_print_above(p, &above, indent + 2, i == 0);
    net_print_pad(p, indent + 2);
    print_item(p, s, i, indent + 2);
    if (i + 1 < count) net_print(p, ",");
    net_print_comment(p, above.beside);
  }
  net_print_pad(p, indent);
  net_print(p, s->close);
}

/* As many items a line as fit, each line beginning behind the bracket; one a line if one is too wide for
 * that. */
static void print_items(net_printer *p, const items *s, uint32_t indent) {
  uint32_t count = item_count(s), begin = p->column + (uint32_t)strlen(s->open);
  net_flat *flat = NET_NEW_ARRAY(&p->n->arena, net_flat, count);
  for (uint32_t i = 0; i < count; i++) {
    flat[i] = (net_flat){.n = p->n, .brackets = 1};
    flat_item(&flat[i], s, i);
    if (flat[i].broken || begin + net_text_width(flat[i].text.at, flat[i].text.count) >= NET_FORMAT_WIDTH) {
      print_listed(p, s, indent);
      return;
    }
  }
  net_print(p, s->open);
  for (uint32_t i = 0; i < count; i++) {
    if (i && p->column + 1 + net_text_width(flat[i].text.at, flat[i].text.count) >= NET_FORMAT_WIDTH) {
      net_print_line(p);
      net_print_pad(p, begin);
    } else if (i)
      net_print(p, " ");
    net_print_flat(p, &flat[i]);
    if (i + 1 < count) net_print(p, ",");
  }
  net_print(p, s->close);
}

void net_print_params(net_printer *p, const net_params *params, uint32_t indent) {
  print_items(p, &(items){"(", ")", .params = params}, indent);
}

/* ---- chains ---- */

/* Its own comments are around it: only those within it keep it from standing on one line. */
static net_flat flat_stage(net_printer *p, const net_stage *stage, bool args) {
  net_flat f = {.n = p->n};
  net_stage bare = *stage;
  bare.trivia = NULL;
  if (!args) bare.args.count = 0;
  net_flat_put(&f, "-> ");
  net_flat_stage(&f, &bare);
  return f;
}

static void print_stage(net_printer *p, const net_stage *stage, uint32_t indent) {
  net_flat f = flat_stage(p, stage, true);
  if (!net_print_fits(p, &f) && stage->args.count) {
    f = flat_stage(p, stage, false);
    net_print_flat(p, &f);
    print_items(p, &(items){"(", ")", .args = &stage->args}, indent);
  } else
    net_print_flat(p, &f);
}

static bool stage_fits(net_printer *p, const net_stage *stage) {
  net_flat f = flat_stage(p, stage, true);
  return net_print_fits(p, &f);
}

/* kept: where its lines were broken matters */
static void print_chain(net_printer *p, const net_expr *e, uint32_t indent, bool kept) {
  const net_expr *head = e->chain.head;
  const net_stages *stages = &e->chain.stages;
  net_name beside = head->trivia ? head->trivia->beside : (net_name){0};
  uint32_t before = p->lines.count, arrow = indent + 2;
  net_print_expr(p, head, NET_BIND_SUM, indent);
  const net_trivia *above = stages->at[0].trivia;
  bool first = (kept && stages->at[0].breaks) || beside.id || (above && above->above.count) ||
               !stage_fits(p, &stages->at[0]);
  if (!first && p->lines.count == before)
    arrow = p->column + 1 - indent <= FURTHEST_ARROW ? p->column + 1 : indent + 4;
  for (uint32_t i = 0; i < stages->count; i++) {
    const net_stage *stage = &stages->at[i];
    above = stage->trivia;
    bool breaks = i == 0 ? first
                         : (kept && stage->breaks) || beside.id || (above && above->above.count) ||
                               !stage_fits(p, stage);
    if (breaks) {
      net_print_comment(p, beside);
      if (above) net_print_above(p, &(net_trivia){.above = above->above}, arrow, true);
      net_print_pad(p, arrow);
    } else
      net_print(p, " ");
    print_stage(p, stage, breaks ? arrow : indent);
    beside = above ? above->beside : (net_name){0};
  }
}

/* ---- the rest ---- */

/* `a + b - c`: one operand after the other, further ones beneath the first where a line is full. A line may
 * end behind an operator, not in front of one. */
static void print_binary(net_printer *p, const net_expr *e, uint32_t indent, uint32_t begin) {
  net_bind bind = net_expr_bind(e);
  const net_expr *left = e->binary.left;
  if (left->kind == NET_EXPR_BINARY && !left->parentheses && net_expr_bind(left) == bind)
    print_binary(p, left, indent, begin);
  else
    net_print_expr(p, left, bind, indent);
  net_flat f = {.n = p->n};
  net_flat_expr(&f, e->binary.right, bind + 1);
  net_print(p, " ");
  net_print(p, net_binary_names[e->binary.op]);
  bool fits = net_print_fits(p, &f);
  if (!fits) {
    net_print_line(p);
    net_print_pad(p, begin);
  } else
    net_print(p, " ");
  net_print_expr(p, e->binary.right, bind + 1, fits ? indent : begin);
}

static void print_broken(net_printer *p, const net_expr *e, uint32_t indent) {
  net_flat f = {.n = p->n};
  switch (e->kind) {
  case NET_EXPR_CALL:
    net_flat_path(&f, &e->call.callee);
    net_print_flat(p, &f);
    print_items(p, &(items){"(", ")", .args = &e->call.args}, indent);
    break;
  case NET_EXPR_LIST:
    print_items(p, &(items){"[", "]", .exprs = &e->list}, indent);
    break;
  case NET_EXPR_TUPLE:
    print_items(p, &(items){"(", ")", .exprs = &e->tuple}, indent);
    break;
  case NET_EXPR_NEGATE:
    net_print(p, "-");
    net_print_expr(p, e->negated, NET_BIND_UNARY, indent);
    break;
  case NET_EXPR_BINARY:
    print_binary(p, e, indent, p->column);
    break;
  case NET_EXPR_RANGE:
    net_print_expr(p, e->range.low, NET_BIND_UNARY, indent);
    net_print(p, "..");
    net_print_expr(p, e->range.high, NET_BIND_UNARY, indent);
    break;
  case NET_EXPR_CHAIN:
    print_chain(p, e, indent, false);
    break;
  case NET_EXPR_MAP:
    net_print_map(p, e->map, indent);
    break;
  default: /* too wide, and in one piece */
    net_flat_expr(&f, e, NET_BIND_CHAIN);
    net_print_flat(p, &f);
    break;
  }
}

void net_print_expr(net_printer *p, const net_expr *e, net_bind least, uint32_t indent) {
  net_expr bare = *e; /* its own comments are around it: only those inside count */
  bare.trivia = NULL;
  net_flat f = {.n = p->n, .brackets = 1};
  net_flat_expr(&f, &bare, least);
  if (net_print_fits(p, &f)) {
    net_print_flat(p, &f);
    return;
  }
  bool parentheses = e->parentheses || net_expr_bind(e) < least;
  bare.parentheses = false;
  if (parentheses) net_print(p, "(");
  print_broken(p, &bare, indent);
  if (parentheses) net_print(p, ")");
}

void net_print_value(net_printer *p, const net_expr *e, uint32_t indent) {
  if (e->kind == NET_EXPR_MAP)
    net_print_map(p, e->map, indent);
  else if (net_chain_breaks(e) && !e->parentheses)
    print_chain(p, e, indent, true);
  else
    net_print_expr(p, e, NET_BIND_CHAIN, indent);
}
