/* A report as JSON. */
#include "driver/report.h"

#include "formats/formats.h"

#include <math.h>

/* Names of what a row takes, as a list. */
static json_t *input_list(const char *inputs) {
  json_t *list = json_array();
  for (const char *at = inputs; *at; at += strcspn(at, ","), at += strspn(at, ", "))
    json_array_append_new(list, json_stringn(at, strcspn(at, ",")));
  return list;
}

static json_t *row_json(const dr_report *r, const dr_report_row *row) {
  json_t *shape = json_array();
  for (uint32_t i = 0; i < row->value->shape.rank; i++)
    json_array_append_new(shape, json_integer(row->value->shape.dim[i]));
  net_position at = net_sources_find(&r->n->sources, row->loc);
  json_t *json = json_pack(
      "{s:s, s:s, s:s, s:o, s:i, s:o, s:s, s:o, s:o, s:o, s:I, s:o}", "name", row->name, "kind", row->kind,
      "op", row->op, "inputs", input_list(row->inputs), "users", (int)row->users, "shape", shape, "format",
      net_format_text(r->n, row->value->format), "macs", net_json_number(row->macs), "flops",
      net_json_number(row->flops), "bitops", net_json_number(row->bitops), "parameters",
      (json_int_t)row->parameters, "line", at.source ? json_integer(at.line) : json_null());
  dr_report_range_json(r, row, json);
  for (net_tensor_role role = 0; role < NET_TENSORS && row->node != NET_NONE; role++) {
    const char *format = dr_report_format(r, row, role);
    json_object_set_new(json, net_tensor_role_names[role], format ? json_string(format) : json_null());
  }
  return json;
}

json_t *dr_report_json(const dr_report *r) {
  json_t *nodes = json_array(), *by_kind = json_object();
  dr_table layers = dr_report_layers(r);
  for (int k = 0; k < DR_KINDS; k++) {
    json_int_t n = 0;
    for (uint32_t i = 0; i < r->count; i++) n += !strcmp(r->rows[i].kind, dr_kinds[k]);
    json_object_set_new(by_kind, dr_kinds[k], json_integer(n));
  }
  for (uint32_t i = 0; i < r->count; i++) json_array_append_new(nodes, row_json(r, &r->rows[i]));
  json_t *totals = json_pack(
      "{s:o, s:o, s:o, s:I, s:o, s:I, s:o, s:o, s:o}", "macs", net_json_number(r->total.macs), "flops",
      net_json_number(r->total.flops), "bitops", net_json_number(r->total.bitops), "parameters",
      (json_int_t)r->total.parameters, "weight_bytes", net_json_number(r->total.weight_bytes),
      "activation_bytes", (json_int_t)r->activation_bytes, "true_flops", net_json_number(r->total.true_flops),
      "average_activation_bits", net_json_number(r->total.activation_bits), "average_weight_bits",
      net_json_number(r->total.weight_bits));
  return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "network", net_text(r->n, r->graph->name),
                   "parameters", (json_int_t)r->total.parameters, "batch", (json_int_t)r->batch, "nodes",
                   nodes, "kinds", by_kind, "layers", dr_table_json(&layers), "totals", totals);
}
