/* netc compare: two graphs, node by node, field by field. */
#include "driver/calibrate.h"
#include "driver/report.h"
#include "driver/weights.h"

#include <math.h>
#include <unistd.h>

/* One side: FILE:NETWORK:R, of which the last two may be left out. */
typedef struct {
  dr_call call; /* as if that alone were the command line */
  dr_subject subject;
  dr_report report;
} side;

/* A path may have colons of its own: it is the longest that there is. */
static const char *end_of_path(netc *n, const char *word) {
  const char *end = NULL;
  for (const char *at = word + strlen(word); at > word; at--)
    if ((!*at || *at == ':') && !access(net_arena_copy(&n->arena, word, (size_t)(at - word)), F_OK)) {
      end = at;
      break;
    }
  return end ? end : word + strcspn(word, ":");
}

/* The graph with the ranges of its values; a checkpoint's weights and calibration count. */
static bool elaborate(dr_subject *subject) {
  net_graph **graph = &subject->experiment.network.graph;
  rt_checkpoint *weights = subject->checkpoint;
  if (weights ? !dr_elaborate(subject) || !dr_settle_formats(subject, weights)
              : !dr_elaborate_network(subject))
    return false;
  const net_ranges *ranges = dr_graph_ranges(subject, *graph, weights);
  if (ranges) *graph = net_ranges_annotate(&subject->call->n->arena, ranges);
  return ranges != NULL;
}

static bool open_side(dr_call *call, const char *word, uint32_t batch, side *s) {
  netc *n = call->n;
  net_arena *arena = &n->arena;
  const char *end = end_of_path(n, word), *network = *end ? end + 1 : end;
  size_t length = strcspn(network, ":");
  const char *block = network[length] ? network + length + 1 : NULL;
  if (end == word || (block && (!*block || strchr(block, ':'))))
    return dr_wrong(call, "'%s' is not FILE:NETWORK or FILE:NETWORK:QUANTIZE", word), false;
  s->call = *call;
  s->call.arguments = (__typeof__(call->arguments)){0};
  net_vec_push(arena, &s->call.arguments, (const char *)net_arena_copy(arena, word, (size_t)(end - word)));
  if (length) net_vec_push(arena, &s->call.arguments, (const char *)net_arena_copy(arena, network, length));
  s->call.value[DR_quantize] = block;
  bool ok = dr_open(&s->call, &s->subject) && elaborate(&s->subject);
  call->wrong |= s->call.wrong;
  if (ok) s->report = dr_report_make(&s->subject, s->subject.experiment.network.graph, batch);
  return ok;
}

static const dr_field *find_field(const dr_fields *fields, const char *name) {
  for (uint32_t i = 0; i < fields->count; i++)
    if (!strcmp(fields->at[i].name, name)) return &fields->at[i];
  return NULL;
}

static const dr_report_row *find_row(const dr_report *r, const char *name) {
  for (uint32_t i = 0; i < r->count; i++)
    if (!strcmp(r->rows[i].name, name)) return &r->rows[i];
  return NULL;
}

static bool is_same(const dr_cell *a, const dr_cell *b) {
  if (!a->text || !b->text) /* no number is nothing on both sides */
    return !a->text && !b->text && (a->number == b->number || (isnan(a->number) && isnan(b->number)));
  return !strcmp(a->text, b->text);
}

static void add_row(dr_table *t, const char *node, const char *field, const dr_field *a, const dr_field *b) {
  dr_table_word(t, node);
  dr_table_word(t, field);
  if (a) dr_table_cell(t, a->value);
  else dr_table_empty(t);
  if (b) dr_table_cell(t, b->value);
  else dr_table_empty(t);
}

static void add_fields(dr_table *t, const char *node, const dr_fields *a, const dr_fields *b) {
  for (uint32_t i = 0; i < a->count; i++) {
    const dr_field *other = find_field(b, a->at[i].name);
    if (!other || !is_same(&a->at[i].value, &other->value)) add_row(t, node, a->at[i].name, &a->at[i], other);
  }
  for (uint32_t i = 0; i < b->count; i++)
    if (!find_field(a, b->at[i].name)) add_row(t, node, b->at[i].name, NULL, &b->at[i]);
}

/* A node that one of the graphs lacks: its field "node" says what it is where it is. */
static void add_single(dr_table *t, const dr_report_row *row, bool before) {
  dr_field is = {.value = {.text = row->op}};
  add_row(t, row->name, "node", before ? &is : NULL, before ? NULL : &is);
}

static dr_table differences(const dr_report *a, const dr_report *b) {
  static const dr_column columns[] = {{"node", "node", DR_WORD},
                                      {"field", "field", DR_WORD},
                                      {"before", "before", DR_ANY},
                                      {"after", "after", DR_ANY},
                                      {0}};
  dr_table t = dr_table_new(a->n, "differences", "Differences", columns);
  for (uint32_t i = 0; i < a->count; i++) {
    const dr_report_row *row = &a->rows[i], *other = find_row(b, row->name);
    if (!other) {
      add_single(&t, row, true);
      continue;
    }
    dr_fields before = dr_report_fields(a, row), after = dr_report_fields(b, other);
    add_fields(&t, row->name, &before, &after);
  }
  for (uint32_t i = 0; i < b->count; i++)
    if (!find_row(a, b->rows[i].name)) add_single(&t, &b->rows[i], false);
  dr_fields before = dr_report_total_fields(a), after = dr_report_total_fields(b);
  add_fields(&t, "total", &before, &after);
  return t;
}

int dr_compare(dr_call *call) {
  side sides[2];
  dr_form form;
  uint64_t batch = 8;
  if (!dr_table_form(call, &form) || !dr_integer(call, DR_batch, 1, 1 << 24, &batch)) return DR_WRONG_COMMAND;
  if (call->arguments.count != 2)
    return dr_wrong(call, "'compare' needs two graphs: %s", call->verb->arguments);
  for (int i = 0; i < 2; i++)
    if (!open_side(call, call->arguments.at[i], (uint32_t)batch, &sides[i])) return DR_WRONG_INPUT;
  dr_table table = differences(&sides[0].report, &sides[1].report);
  if (form == DR_AS_TEXT && !dr_table_rows(&table)) fprintf(call->out, "no differences\n");
  else dr_table_print(call->out, &table, form);
  return DR_DONE;
}
