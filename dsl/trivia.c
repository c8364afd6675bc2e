/* Comments and line breaks find their items: declarations, parameters, statements, entries, arguments,
 * elements, stages. The tree is walked in the order of the text, next to the list of comments. A comment
 * behind an item on its last line belongs beside it, one on lines of its own above the next item; one in the
 * midst of an item goes above that, and one in front of a closing brace stays inside. None is lost. */
#include "dsl/reader.h"

#include "dsl/parser.h"

typedef struct {
  net_reader *r;
  uint32_t next; /* the first comment not given away */
} walk;

/* Items one after the other. */
typedef struct {
  net_trivia **last; /* of the item that just ended, or of the brace that just opened; NULL: none */
  uint32_t end;      /* where that was */
} items;

static const net_token *token_at(const walk *w, uint32_t begin) {
  uint32_t low = 0, high = w->r->tokens.count - 1;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (w->r->tokens.at[middle].loc.begin < begin)
      low = middle + 1;
    else
      high = middle;
  }
  return &w->r->tokens.at[low];
}

static net_trivia *trivia(walk *w, net_trivia **slot) {
  if (!*slot) *slot = NET_NEW(&w->r->n->arena, net_trivia);
  return *slot;
}

static const net_remark *remark_before(const walk *w, uint32_t end) {
  bool any = w->next < w->r->remarks.count && w->r->remarks.at[w->next].loc.begin < end;
  return any ? &w->r->remarks.at[w->next] : NULL;
}

static void put_above(walk *w, const net_remark *remark, net_trivia **slot) {
  net_comment comment = {remark->text, remark->blank};
  net_vec_push(&w->r->n->arena, &trivia(w, slot)->above, comment);
  w->next++;
}

/* Gives a comment to the item that ended on its line, if there is one. */
static bool put_beside(walk *w, items *s, const net_remark *remark) {
  if (!s->last || (*s->last && (*s->last)->beside.id)) return false;
  const net_source *source = w->r->source;
  if (memchr(source->text + (s->end - source->base), '\n', remark->loc.begin - s->end)) return false;
  trivia(w, s->last)->beside = remark->text;
  w->next++;
  return true;
}

static void enter(walk *w, items *s, net_loc loc, net_trivia **slot) {
  for (const net_remark *remark; (remark = remark_before(w, loc.begin));)
    if (!put_beside(w, s, remark)) put_above(w, remark, slot);
  if (token_at(w, loc.begin)->blank) trivia(w, slot)->blank = true;
}

static void leave(walk *w, items *s, net_loc loc, net_trivia **slot) {
  for (const net_remark *remark; (remark = remark_before(w, loc.end));) put_above(w, remark, slot);
  s->last = slot;
  s->end = loc.end;
}

/* inside: of the braces that end here; NULL: what is left goes to the item around */
static void finish(walk *w, items *s, uint32_t end, net_trivia **inside) {
  for (const net_remark *remark; (remark = remark_before(w, end));)
    if (!put_beside(w, s, remark)) {
      if (!inside) return;
      put_above(w, remark, inside);
    }
}

static bool opens_line(const walk *w, uint32_t begin) { return token_at(w, begin)->first; }

static void walk_expr(walk *w, net_expr *e);
static void walk_map(walk *w, net_map *map);

static void walk_args(walk *w, net_args *args, uint32_t end) {
  items s = {0};
  for (uint32_t i = 0; i < args->count; i++) {
    net_arg *a = &args->at[i];
    enter(w, &s, a->loc, &a->trivia);
    walk_expr(w, a->value);
    leave(w, &s, a->loc, &a->trivia);
  }
  finish(w, &s, end, NULL);
}

static void walk_elements(walk *w, net_exprs *exprs, uint32_t end) {
  items s = {0};
  for (uint32_t i = 0; i < exprs->count; i++) {
    net_expr *e = exprs->at[i];
    enter(w, &s, e->loc, &e->trivia);
    walk_expr(w, e);
    leave(w, &s, e->loc, &e->trivia);
  }
  finish(w, &s, end, NULL);
}

static void walk_chain(walk *w, net_expr *e) {
  items s = {&e->chain.head->trivia, e->chain.head->loc.end};
  walk_expr(w, e->chain.head);
  for (uint32_t i = 0; i < e->chain.stages.count; i++) {
    net_stage *stage = &e->chain.stages.at[i];
    stage->breaks = token_at(w, stage->loc.begin)[-1].first; /* its arrow */
    enter(w, &s, stage->loc, &stage->trivia);
    walk_args(w, &stage->args, stage->loc.end);
    leave(w, &s, stage->loc, &stage->trivia);
  }
}

static void walk_expr(walk *w, net_expr *e) {
  switch (e->kind) {
  case NET_EXPR_CALL:
    walk_args(w, &e->call.args, e->loc.end);
    break;
  case NET_EXPR_LIST:
    walk_elements(w, &e->list, e->loc.end);
    break;
  case NET_EXPR_TUPLE:
    walk_elements(w, &e->tuple, e->loc.end);
    break;
  case NET_EXPR_NEGATE:
    walk_expr(w, e->negated);
    break;
  case NET_EXPR_BINARY:
    walk_expr(w, e->binary.left), walk_expr(w, e->binary.right);
    break;
  case NET_EXPR_RANGE:
    walk_expr(w, e->range.low), walk_expr(w, e->range.high);
    break;
  case NET_EXPR_CHAIN:
    walk_chain(w, e);
    break;
  case NET_EXPR_MAP:
    walk_map(w, e->map);
    break;
  default:
    break;
  }
}

static void walk_map(walk *w, net_map *map) {
  items s = {&map->inside, map->loc.begin + 1};
  for (uint32_t i = 0; i < map->entries.count; i++) {
    net_entry *entry = &map->entries.at[i];
    entry->breaks = opens_line(w, entry->loc.begin);
    map->open |= entry->breaks;
    enter(w, &s, entry->loc, &entry->trivia);
    if (entry->value) walk_expr(w, entry->value);
    leave(w, &s, entry->loc, &entry->trivia);
  }
  finish(w, &s, map->loc.end, &map->inside);
}

static void walk_body(walk *w, net_body *body) {
  if (body->equals) {
    walk_expr(w, body->stmts.at[0].value);
    return;
  }
  items s = {&body->inside, body->loc.begin + 1};
  body->open = opens_line(w, body->loc.begin + 1);
  for (uint32_t i = 0; i < body->stmts.count; i++) {
    net_stmt *stmt = &body->stmts.at[i];
    enter(w, &s, stmt->loc, &stmt->trivia);
    walk_expr(w, stmt->value);
    leave(w, &s, stmt->loc, &stmt->trivia);
  }
  finish(w, &s, body->loc.end, &body->inside);
}

static void walk_params(walk *w, net_params *params, uint32_t end) {
  items s = {0};
  for (uint32_t i = 0; i < params->count; i++) {
    net_param *p = &params->at[i];
    enter(w, &s, p->loc, &p->trivia);
    if (p->value) walk_expr(w, p->value);
    leave(w, &s, p->loc, &p->trivia);
  }
  finish(w, &s, end, NULL);
}

void net_reader_trivia(net_reader *r, net_file *file) {
  walk w = {.r = r};
  items s = {0};
  const net_token *first = &r->tokens.at[0];
  if (file->version) {
    net_loc loc = net_loc_join(first[0].loc, first[1].loc);
    enter(&w, &s, loc, &file->header);
    leave(&w, &s, loc, &file->header);
  }
  for (uint32_t i = 0; i < file->decls.count; i++) {
    net_decl *d = file->decls.at[i];
    enter(&w, &s, d->loc, &d->trivia);
    if (d->value) walk_expr(&w, d->value);
    if (d->map) walk_map(&w, d->map);
    if (d->body) walk_params(&w, &d->params, d->body->loc.begin), walk_body(&w, d->body);
    leave(&w, &s, d->loc, &d->trivia);
  }
  finish(&w, &s, UINT32_MAX, &file->tail);
}
