#include "dsl/printer.h"

/* Whether an item starts a line of its own whatever its neighbours do. */
static bool stands_apart(const net_trivia *trivia) {
  return trivia && (trivia->blank || trivia->above.count);
}

/* Ends a run of aligned lines. */
static void separate(net_printer *p, net_rows *rows, const net_trivia *trivia) {
  if (trivia && trivia->blank && rows->count) net_vec_push(&p->n->arena, rows, (net_row){0});
}

/* A row that is aligned if it fits on one line. */
static net_row flat_row(uint32_t item, int class, uint32_t indent, const net_flat *head,
                        const net_flat *whole) {
  uint32_t width = net_text_width(whole->text.at, whole->text.count);
  uint32_t front = net_text_width(head->text.at, head->text.count);
  bool fits = !whole->broken && indent + width < NET_FORMAT_WIDTH;
  return (net_row){.item = item, .count = 1, .class = fits ? class : 0, .head = front, .rest = width - front};
}

/* ---- maps ---- */

enum { ROW_SET = 1, ROW_BLOCK, ROW_DECL };

static int entry_class(const net_entry *e) {
  if (e->kind == NET_ENTRY_SET) return ROW_SET;
  return e->kind == NET_ENTRY_BLOCK || e->kind == NET_ENTRY_PATTERN ? ROW_BLOCK : 0;
}

static bool has_beside(const net_trivia *trivia) { return trivia && trivia->beside.id; }

/* The lines of an open map: entries that shared a line still do, if they fit. */
static net_rows entry_rows(net_printer *p, const net_map *map, uint32_t indent) {
  net_rows rows = {0};
  uint32_t used = 0;
  for (uint32_t i = 0; i < map->entries.count; i++) {
    const net_entry *e = &map->entries.at[i];
    net_entry bare = *e;
    bare.trivia = NULL;
    net_flat head = {.n = p->n}, whole = {.n = p->n};
    net_flat_entry_head(&head, e, false);
    net_flat_entry(&whole, &bare);
    net_row row = flat_row(i, entry_class(e), indent, &head, &whole);
    uint32_t width = row.head + row.rest;
    bool joins = i && map->open && !e->breaks && !whole.broken && !stands_apart(e->trivia) &&
                 !has_beside(map->entries.at[i - 1].trivia) && used + 2 + width < NET_FORMAT_WIDTH;
    if (joins) {
      rows.at[rows.count - 1].count++;
      rows.at[rows.count - 1].class = 0;
      used += 2 + width;
    } else {
      separate(p, &rows, e->trivia);
      net_vec_push(&p->n->arena, &rows, row);
      used = whole.broken ? NET_FORMAT_WIDTH : indent + width;
    }
  }
  net_rows_align(rows.at, rows.count, indent);
  return rows;
}

static void print_entry(net_printer *p, const net_entry *e, uint32_t gap, uint32_t indent) {
  net_flat head = {.n = p->n};
  net_flat_entry_head(&head, e, gap == 0);
  net_print_flat(p, &head);
  net_print_pad(p, p->column + gap);
  if (gap && e->kind == NET_ENTRY_SET) net_print(p, " =");
  if (!e->value) return;
  net_print(p, " ");
  net_print_value(p, e->value, indent);
}

static void print_row(net_printer *p, const net_map *map, const net_row *row, uint32_t indent) {
  const net_trivia *trivia = map->entries.at[row->item].trivia;
  net_print_above(p, trivia, indent, row->item == 0);
  net_print_pad(p, indent);
  for (uint32_t i = 0; i < row->count; i++) {
    if (i) net_print(p, ", ");
    print_entry(p, &map->entries.at[row->item + i], row->gap, indent);
  }
  trivia = map->entries.at[row->item + row->count - 1].trivia;
  net_print_comment(p, trivia ? trivia->beside : (net_name){0});
}

/* Comments in front of a closing brace. */
static void print_tail(net_printer *p, const net_trivia *inside, uint32_t indent, bool first) {
  if (inside) net_print_above(p, &(net_trivia){.above = inside->above}, indent, first);
}

void net_print_map(net_printer *p, const net_map *map, uint32_t indent) {
  net_flat f = {.n = p->n};
  net_flat_map(&f, map);
  if (net_print_fits(p, &f)) {
    net_print_flat(p, &f);
    return;
  }
  net_print(p, "{");
  net_print_comment(p, map->inside ? map->inside->beside : (net_name){0});
  net_rows rows = entry_rows(p, map, indent + 2);
  for (uint32_t i = 0; i < rows.count; i++)
    if (rows.at[i].count) print_row(p, map, &rows.at[i], indent + 2);
  print_tail(p, map->inside, indent + 2, map->entries.count == 0);
  net_print_pad(p, indent);
  net_print(p, "}");
}

/* ---- bodies ---- */

static void flat_stmt(net_flat *f, const net_stmt *stmt) {
  if (net_chain_breaks(stmt->value) && !stmt->value->parentheses) f->broken = true;
  if (stmt->name.name.id) net_flat_name(f, stmt->name.name), net_flat_put(f, " = ");
  net_flat_expr(f, stmt->value, NET_BIND_CHAIN);
}

static net_rows stmt_rows(net_printer *p, const net_body *body, uint32_t indent) {
  net_rows rows = {0};
  for (uint32_t i = 0; i < body->stmts.count; i++) {
    const net_stmt *stmt = &body->stmts.at[i];
    net_flat head = {.n = p->n}, whole = {.n = p->n};
    net_flat_name(&head, stmt->name.name);
    flat_stmt(&whole, stmt);
    separate(p, &rows, stmt->trivia);
    net_row row = flat_row(i, stmt->name.name.id ? ROW_SET : 0, indent, &head, &whole);
    net_vec_push(&p->n->arena, &rows, row);
  }
  net_rows_align(rows.at, rows.count, indent);
  return rows;
}

static void print_stmt(net_printer *p, const net_stmt *stmt, const net_row *row, uint32_t indent) {
  net_print_above(p, stmt->trivia, indent, row->item == 0);
  net_print_pad(p, indent);
  if (stmt->name.name.id) {
    net_print(p, net_text(p->n, stmt->name.name));
    net_print_pad(p, p->column + row->gap);
    net_print(p, " = ");
  }
  net_print_value(p, stmt->value, indent);
  net_print_comment(p, stmt->trivia ? stmt->trivia->beside : (net_name){0});
}

static void flat_body(net_flat *f, const net_body *body) {
  const net_stmt *stmt = &body->stmts.at[0];
  f->broken |= (body->open && !body->equals) || body->stmts.count > 1 || net_trivia_comments(body->inside) ||
               net_trivia_comments(stmt->trivia);
  net_flat_put(f, body->equals ? "= " : "{ ");
  flat_stmt(f, stmt);
  if (!body->equals) net_flat_put(f, " }");
}

static void print_body(net_printer *p, const net_body *body) {
  net_flat f = {.n = p->n};
  flat_body(&f, body);
  if (net_print_fits(p, &f)) {
    net_print_flat(p, &f);
    return;
  }
  if (body->equals) {
    net_print(p, "= ");
    net_print_value(p, body->stmts.at[0].value, 0);
    return;
  }
  net_print(p, "{");
  net_print_comment(p, body->inside ? body->inside->beside : (net_name){0});
  net_rows rows = stmt_rows(p, body, 2);
  for (uint32_t i = 0; i < rows.count; i++)
    if (rows.at[i].count) print_stmt(p, &body->stmts.at[rows.at[i].item], &rows.at[i], 2);
  print_tail(p, body->inside, 2, false);
  net_print(p, "}");
}

/* ---- declarations ---- */

static void flat_decl_head(net_flat *f, const net_decl *d) {
  net_flat_put(f, net_decl_rows[d->kind].keyword);
  if (d->name.name.id) net_flat_put(f, " "), net_flat_name(f, d->name.name);
}

static void flat_decl(net_flat *f, const net_decl *d) {
  flat_decl_head(f, d);
  if (d->import.loc.end || d->kind == NET_DECL_IMPORT)
    net_flat_put(f, " "), net_flat_string(f, d->import.name);
  if (d->value) {
    if (net_chain_breaks(d->value) && !d->value->parentheses) f->broken = true;
    net_flat_put(f, " = "), net_flat_expr(f, d->value, NET_BIND_CHAIN);
  }
  if (d->map) net_flat_put(f, " "), net_flat_map(f, d->map);
  if (!d->body) return;
  net_flat_put(f, "(");
  for (uint32_t i = 0; i < d->params.count; i++) {
    if (i) net_flat_put(f, ", ");
    net_flat_param(f, &d->params.at[i]);
  }
  net_flat_put(f, ") ");
  flat_body(f, d->body);
}

static void print_decl(net_printer *p, const net_decl *d, uint32_t gap) {
  net_flat head = {.n = p->n};
  flat_decl_head(&head, d);
  net_print_flat(p, &head);
  net_print_pad(p, p->column + gap);
  if (d->kind == NET_DECL_IMPORT) {
    net_flat path = {.n = p->n};
    net_flat_string(&path, d->import.name);
    net_print(p, " ");
    net_print_flat(p, &path);
  }
  if (d->value) {
    net_print(p, " = ");
    net_print_value(p, d->value, 0);
  }
  if (d->map) {
    net_print(p, " ");
    net_print_map(p, d->map, 0);
  }
  if (d->body) {
    net_print_params(p, &d->params, 0);
    net_print(p, " ");
    print_body(p, d->body);
  }
}

/* Declarations of one line each, of a kind, with nothing between them, stand together; others have a blank
 * line around them. */
static net_rows decl_rows(net_printer *p, const net_file *file) {
  net_rows rows = {0};
  for (uint32_t i = 0; i < file->decls.count; i++) {
    const net_decl *d = file->decls.at[i];
    net_flat head = {.n = p->n}, whole = {.n = p->n};
    flat_decl_head(&head, d);
    flat_decl(&whole, d);
    separate(p, &rows, d->trivia);
    int class = d->value || d->map ? ROW_DECL + (int)d->kind : 0;
    net_row row = flat_row(i, class, 0, &head, &whole);
    net_vec_push(&p->n->arena, &rows, row);
  }
  net_rows_align(rows.at, rows.count, 0);
  return rows;
}

static void print_decls(net_printer *p, const net_file *file) {
  net_rows rows = decl_rows(p, file);
  bool large = false; /* the one before takes several lines */
  for (uint32_t i = 0; i < rows.count; i++) {
    if (!rows.at[i].count) continue;
    const net_decl *d = file->decls.at[rows.at[i].item];
    net_printer apart = net_printer_new(p->n);
    print_decl(&apart, d, rows.at[i].gap);
    net_print_comment(&apart, d->trivia ? d->trivia->beside : (net_name){0});
    bool first = p->lines.count == 0, blank = !first && (large || apart.lines.count > 1);
    large = apart.lines.count > 1;
    net_trivia above = d->trivia ? *d->trivia : (net_trivia){0};
    if (blank && !above.above.count)
      above.blank = true;
    else if (blank && !above.above.at[0].blank)
      net_print_line(p);
    net_print_above(p, &above, 0, first);
    for (uint32_t k = 0; k < apart.lines.count; k++) net_vec_push(&p->n->arena, &p->lines, apart.lines.at[k]);
  }
}

const char *net_format_file(netc *n, const net_file *file) {
  net_printer p = net_printer_new(n);
  if (file->version) {
    net_print_above(&p, file->header, 0, true);
    net_print(&p, net_arena_format(&n->arena, "netc %lld", (long long)file->version));
    net_print_comment(&p, file->header ? file->header->beside : (net_name){0});
  }
  print_decls(&p, file);
  print_tail(&p, file->tail, 0, p.lines.count == 0);
  return net_print_finish(&p);
}
