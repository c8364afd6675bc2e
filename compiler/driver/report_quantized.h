/* What quantising a network has changed. */
#ifndef NETC_DRIVER_REPORT_QUANTIZED_H
#define NETC_DRIVER_REPORT_QUANTIZED_H

#include "driver/report.h"

#include "graph/quantization.h"

typedef struct {
  netc *n;
  dr_report before, after;
  const net_quantization *quantization;
  net_rules *rules; /* of the quantization, read for the graph before */
} dr_quantize_report;

/* Tables: one row for each operator kind; for each node; for each tensor, with the rule behind its format;
 * for each quantity that costs. */
dr_table dr_quantize_summary(const dr_quantize_report *report);
dr_table dr_quantize_nodes(const dr_quantize_report *report);
dr_table dr_quantize_tensors(const dr_quantize_report *report);
dr_table dr_quantize_costs(const dr_quantize_report *report);

enum { DR_QUANTIZE_TABLES = 4 };
/* All of them, in that order. */
void dr_quantize_tables(const dr_quantize_report *report, dr_table tables[DR_QUANTIZE_TABLES]);
json_t *dr_quantize_json(const dr_quantize_report *report);
/* All of them in one text, with headings. */
void dr_quantize_print(FILE *to, const dr_quantize_report *report, dr_form form);

#endif
