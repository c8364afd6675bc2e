#include "driver/table_output.h"

#include "support/table.h"

#include <math.h>
#include <stdlib.h>

dr_form dr_call_form(const dr_call *call) {
  static const char *const names[] = {"text", "markdown", "csv", "json", "dot"};
  if (call->json) return DR_AS_JSON;
  dr_form form = DR_AS_TEXT;
  for (dr_form f = DR_AS_TEXT; f <= DR_AS_DOT; f++)
    if (dr_has(call, DR_as) && !strcmp(call->value[DR_as], names[f])) form = f;
  return form;
}

bool dr_table_form(dr_call *call, dr_form *form) {
  *form = dr_call_form(call);
  if (*form != DR_AS_DOT) return true;
  dr_wrong(call, "'%s' prints tables: --as dot is for 'show', which prints graphs", call->verb->name);
  return false;
}

dr_table dr_table_new(netc *n, const char *name, const char *title, const dr_column *columns) {
  dr_table t = {.n = n, .name = name, .title = title, .columns = columns};
  while (columns[t.column_count].title) t.column_count++;
  return t;
}

static void add(dr_table *t, const char *text, double number) {
  net_vec_push(&t->n->arena, &t->cells, (dr_cell){.text = text, .number = number});
}

void dr_table_word(dr_table *t, const char *text) {
  add(t, text ? net_arena_copy(&t->n->arena, text, strlen(text)) : NULL, NAN);
}

void dr_table_number(dr_table *t, double number) { add(t, NULL, isfinite(number) ? number : NAN); }
void dr_table_cost(dr_table *t, double number) {
  dr_table_number(t, number);
  t->cells.at[t->cells.count - 1].quiet = number == 0;
}
void dr_table_flag(dr_table *t, bool flag) { add(t, NULL, flag); }
void dr_table_cell(dr_table *t, dr_cell cell) { net_vec_push(&t->n->arena, &t->cells, cell); }
void dr_table_empty(dr_table *t) { add(t, NULL, NAN); }
void dr_table_hint(dr_table *t, const char *hint) {
  dr_table_empty(t);
  t->cells.at[t->cells.count - 1].hint = hint;
}
uint32_t dr_table_rows(const dr_table *t) { return t->cells.count / t->column_count; }

/* Exactly, and without a fraction where there is none. */
static const char *plain(net_arena *arena, double x) {
  if (x == rint(x) && fabs(x) < 1e15) return net_arena_format(arena, "%.0f", x);
  for (int digits = 6; digits < 17; digits += 3) { /* 6, 9, 12, 15 */
    const char *text = net_arena_format(arena, "%.*g", digits, x);
    if (strtod(text, NULL) == x) return text;
  }
  return net_arena_format(arena, "%.17g", x);
}

/* Columns of numbers stand to the right. */
static bool is_number(const dr_table *t, uint32_t column) {
  dr_cell_kind kind = t->columns[column].kind;
  if (kind != DR_ANY) return kind == DR_COUNT || kind == DR_REAL || kind == DR_SHARE || kind == DR_RATE;
  for (uint32_t i = column; i < t->cells.count; i += t->column_count)
    if (t->cells.at[i].text) return false;
  return true;
}

static const char *cell_text(const dr_table *t, const dr_cell *cell, dr_cell_kind kind, dr_form form) {
  net_arena *arena = &t->n->arena;
  double x = cell->number;
  bool people = form != DR_AS_CSV;
  if (cell->text) return cell->text;
  if (isnan(x) || cell->quiet) return people && cell->hint ? cell->hint : "";
  if (kind == DR_FLAG) return people ? x ? "yes" : "no" : x ? "true" : "false";
  if (!people) return plain(arena, x);
  if (kind == DR_SHARE) return net_arena_format(arena, "%.1f %%", 100 * x);
  if (kind == DR_RATE) return net_arena_format(arena, "%.2f %%", rint(1e4 * x) / 100 + 0.0); /* no −0 */
  bool count = kind == DR_COUNT || (kind == DR_ANY && x == rint(x) && fabs(x) < 1e15);
  return count ? net_thousands(arena, x) : net_arena_format(arena, "%.6g", x);
}

static json_t *cell_json(const dr_cell *cell, dr_cell_kind kind) {
  double x = cell->number;
  if (cell->text) return net_json_text(cell->text);
  if (isnan(x)) return json_null();
  if (kind == DR_FLAG) return json_boolean(x != 0);
  if ((kind == DR_COUNT || kind == DR_ANY) && x == rint(x) && fabs(x) <= 0x1p53)
    return json_integer((json_int_t)x);
  return net_json_number(x);
}

static json_t *row_json(const dr_table *t, uint32_t row) {
  json_t *object = json_object();
  for (uint32_t c = 0; c < t->column_count; c++)
    json_object_set_new(object, t->columns[c].key,
                        cell_json(&t->cells.at[row * t->column_count + c], t->columns[c].kind));
  return object;
}

json_t *dr_table_json(const dr_table *t) {
  json_t *list = json_array();
  for (uint32_t r = 0; r < dr_table_rows(t); r++) json_array_append_new(list, row_json(t, r));
  return list;
}

net_table dr_table_cells(const dr_table *t, dr_form form) {
  net_arena *arena = &t->n->arena;
  const char **titles = NET_NEW_ARRAY(arena, const char *, t->column_count);
  char *alignment = net_arena_alloc(arena, t->column_count + 1, 1);
  for (uint32_t c = 0; c < t->column_count; c++) {
    titles[c] = t->columns[c].title;
    alignment[c] = is_number(t, c) ? 'r' : 'l';
  }
  net_table text = net_table_new(arena, t->column_count, titles, alignment);
  for (uint32_t i = 0; i < t->cells.count; i++)
    net_table_add(&text, cell_text(t, &t->cells.at[i], t->columns[i % t->column_count].kind, form));
  return text;
}

void dr_table_print(FILE *to, const dr_table *t, dr_form form) {
  if (form == DR_AS_JSON) {
    for (uint32_t r = 0; r < dr_table_rows(t); r++) net_json_print(to, row_json(t, r));
    return;
  }
  net_table text = dr_table_cells(t, form);
  net_table_print(to, &text,
                  form == DR_AS_CSV        ? NET_TABLE_CSV
                  : form == DR_AS_MARKDOWN ? NET_TABLE_MARKDOWN
                                           : NET_TABLE_TEXT);
}

void dr_tables_print(FILE *to, const dr_table *tables, uint32_t count, dr_form form) {
  if (form == DR_AS_CSV || form == DR_AS_JSON) count = 1;
  for (uint32_t i = 0; i < count; i++) {
    if (i) putc('\n', to);
    if (form == DR_AS_MARKDOWN) fprintf(to, "## %s\n\n", tables[i].title);
    if (form == DR_AS_TEXT) fprintf(to, "%s\n\n", tables[i].title);
    dr_table_print(to, &tables[i], form);
  }
}

const dr_table *dr_table_chosen(dr_call *call, const dr_table *tables, uint32_t count) {
  const char *name = call->value[DR_table], *names[16], *list = "";
  if (!name) return NULL;
  for (uint32_t i = 0; i < count; i++) {
    if (!strcmp(tables[i].name, name)) {
      if (dr_call_form(call) != DR_AS_DOT) return &tables[i];
      return dr_wrong(call, "--as dot draws the graph: it is no form of a table"), NULL;
    }
    names[i] = tables[i].name;
    list = net_arena_format(&call->n->arena, "%s%s%s", list, i ? ", " : "", names[i]);
  }
  const char *near = net_nearest(name, names, count);
  dr_wrong(call, "'%s' has no table '%s'%s%s%s (it has %s)", call->verb->name, name,
           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", list);
  return NULL;
}
