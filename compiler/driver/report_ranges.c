/* What the nodes of a report can give, and how many bits their sums need. */
#include "driver/report.h"

#include <math.h>

/* Behind the node's own quantisers. */
static net_range given(const dr_report *r, const dr_report_row *row) {
  net_value_id v = row->node == NET_NONE
                       ? net_graph_find_value(r->graph, row->value->name)
                       : net_graph_seen(r->graph, net_node_output(r->graph, row->node, 0));
  return r->ranges->values[v];
}

/* What a profile saw. */
static net_range seen(const dr_report *r, const dr_report_row *row) {
  net_value_id v = r->seen ? net_graph_find_value(r->graph, row->value->name) : NET_NONE;
  return v != NET_NONE && r->seen[v].lo <= r->seen[v].hi ? r->seen[v] : (net_range){NAN, NAN};
}

static bool sums_of(const dr_report *r, const dr_report_row *row, net_accumulator *a) {
  return r->ranges && row->node != NET_NONE && strcmp(row->kind, "output") &&
         net_accumulator_find(r->ranges, row->node, a);
}

static bool has_fraction(const net_accumulator *a) {
  int fraction;
  return net_accumulator_fraction(a, &fraction);
}

enum { FRACTION = 5, SEEN = 8 };
static const dr_column all_columns[] = {
    {"node", "name", DR_WORD},           {"low", "range_low", DR_REAL},
    {"high", "range_high", DR_REAL},     {"sum low", "sum_low", DR_REAL},
    {"sum high", "sum_high", DR_REAL},   {"fraction", "sum_fraction", DR_COUNT},
    {"unit", "sum_unit", DR_REAL},       {"bits", "sum_bits", DR_COUNT},
    {"least seen", "seen_low", DR_REAL}, {"largest seen", "seen_high", DR_REAL}};
enum { COLUMNS = sizeof all_columns / sizeof *all_columns };

dr_table dr_report_ranges(const dr_report *r) {
  bool any = false, units = false; /* units that are no powers of two, which fractions stand for */
  net_accumulator a;
  for (uint32_t i = 0; i < r->count; i++) {
    any |= !isnan(seen(r, &r->rows[i]).lo);
    units |= sums_of(r, &r->rows[i], &a) && !has_fraction(&a);
  }
  dr_column *shown = NET_NEW_ARRAY(&r->n->arena, dr_column, COLUMNS + 1);
  for (uint32_t i = 0, count = 0; i < (any ? COLUMNS : SEEN); i++)
    if (units || i != FRACTION + 1) shown[count++] = all_columns[i];
  dr_table t = dr_table_new(r->n, "ranges", "Ranges", shown);
  for (uint32_t i = 0; i < r->count && r->ranges; i++) {
    const dr_report_row *row = &r->rows[i];
    int fraction = 0;
    if (!strcmp(row->kind, "output")) continue;
    bool sums = sums_of(r, row, &a), power = sums && net_accumulator_fraction(&a, &fraction);
    net_range range = given(r, row);
    dr_table_word(&t, row->name);
    dr_table_number(&t, range.lo);
    dr_table_number(&t, range.hi);
    dr_table_number(&t, sums ? a.range.lo : NAN);
    dr_table_number(&t, sums ? a.range.hi : NAN);
    dr_table_number(&t, power ? fraction : NAN);
    if (units) dr_table_number(&t, sums && !power ? a.unit : NAN);
    dr_table_number(&t, sums ? a.bits : NAN);
    if (any) dr_table_number(&t, seen(r, row).lo), dr_table_number(&t, seen(r, row).hi);
  }
  return t;
}

void dr_report_range_json(const dr_report *r, const dr_report_row *row, json_t *json) {
  net_range range = r->ranges ? given(r, row) : (net_range){NAN, NAN};
  net_accumulator a;
  bool sums = r->ranges && row->node != NET_NONE && net_accumulator_find(r->ranges, row->node, &a);
  json_object_set_new(json, "range_low", net_json_number(range.lo));
  json_object_set_new(json, "range_high", net_json_number(range.hi));
  json_object_set_new(json, "sum_low", net_json_number(sums ? a.range.lo : NAN));
  json_object_set_new(json, "sum_high", net_json_number(sums ? a.range.hi : NAN));
  json_object_set_new(json, "sum_unit", net_json_number(sums ? a.unit : NAN));
  json_object_set_new(json, "sum_bits", sums ? json_integer(a.bits) : json_null());
  json_object_set_new(json, "seen_low", net_json_number(seen(r, row).lo));
  json_object_set_new(json, "seen_high", net_json_number(seen(r, row).hi));
}
