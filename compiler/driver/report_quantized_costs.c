/* Costs before and after, and the report of a quantisation as a whole. */
#include "driver/report_quantized.h"

#include <math.h>

static double ratio(double before, double after) { return before ? after / before : NAN; }

dr_table dr_quantize_costs(const dr_quantize_report *q) {
  static const dr_column columns[] = {{"Quantity", "quantity", DR_WORD},
                                      {"Before", "before", DR_ANY},
                                      {"After", "after", DR_ANY},
                                      {"After / before", "ratio", DR_SHARE},
                                      {0}};
  dr_table t = dr_table_new(q->n, "costs", "Costs", columns);
  const net_cost_total *a = &q->before.total, *b = &q->after.total;
  const struct {
    const char *name;
    double before, after;
  } rows[] = {
      {"parameters", (double)a->parameters, (double)b->parameters},
      {"macs", a->macs, b->macs},
      {"flops", a->flops, b->flops},
      {"bitops", a->bitops, b->bitops},
      {"true_flops", a->true_flops, b->true_flops},
      {"weight_bytes", a->weight_bytes, b->weight_bytes},
      {"activation_bytes", (double)q->before.activation_bytes, (double)q->after.activation_bytes},
      {"average_weight_bits", a->weight_bits, b->weight_bits},
      {"average_activation_bits", a->activation_bits, b->activation_bits},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    dr_table_word(&t, rows[i].name);
    dr_table_number(&t, rows[i].before);
    dr_table_number(&t, rows[i].after);
    dr_table_number(&t, ratio(rows[i].before, rows[i].after));
  }
  return t;
}

void dr_quantize_tables(const dr_quantize_report *q, dr_table tables[DR_QUANTIZE_TABLES]) {
  tables[0] = dr_quantize_summary(q);
  tables[1] = dr_quantize_nodes(q);
  tables[2] = dr_quantize_tensors(q);
  tables[3] = dr_quantize_costs(q);
}

json_t *dr_quantize_json(const dr_quantize_report *q) {
  dr_table tables[DR_QUANTIZE_TABLES];
  json_t *object = json_pack("{s:s, s:s, s:I}", "network", net_text(q->n, q->before.graph->name), "quantize",
                             net_text(q->n, q->quantization->name), "batch", (json_int_t)q->before.batch);
  dr_quantize_tables(q, tables);
  for (int i = 0; i < DR_QUANTIZE_TABLES; i++)
    json_object_set_new(object, tables[i].name, dr_table_json(&tables[i]));
  return object;
}

void dr_quantize_print(FILE *to, const dr_quantize_report *q, dr_form form) {
  dr_table tables[DR_QUANTIZE_TABLES];
  dr_quantize_tables(q, tables);
  fprintf(to, "%snetwork %s, quantize %s, batch %u\n\n", form == DR_AS_MARKDOWN ? "# " : "",
          net_text(q->n, q->before.graph->name), net_text(q->n, q->quantization->name), q->before.batch);
  dr_tables_print(to, tables, DR_QUANTIZE_TABLES, form);
}
