/* A graph as people read it: a row for each input, node and result, as fx lists them, and the totals. */
#ifndef NETC_DRIVER_REPORT_H
#define NETC_DRIVER_REPORT_H

#include "driver/subject.h"
#include "driver/table_output.h"

#include "graph/cost.h"
#include "passes/ranges.h"

typedef struct {
  const char *name, *kind, *op; /* kind: see dr_kinds */
  const char *inputs;           /* names of what it takes, parameters left out */
  uint32_t users;               /* nodes that take what it gives, and the network's outputs */
  const net_value *value;       /* what it gives: an input, a node's first output, the network's result */
  net_node_id node;             /* or NET_NONE */
  double macs, flops, bitops;   /* of a batch */
  uint64_t parameters;
  net_loc loc;
} dr_report_row;

typedef struct {
  netc *n;
  const net_graph *graph;
  uint32_t batch;
  bool formatted; /* some tensor has a number format of its own */
  dr_report_row *rows;
  uint32_t count;
  net_cost_total total;
  const net_ranges *ranges; /* of the graph's values; NULL: not looked for */
  const net_range *seen;    /* by value: what a profile saw; NULL: there was none */
  double activation_bytes;  /* most at once at this batch, at their formats */
} dr_report;

enum { DR_KINDS = 6 };
extern const char *const dr_kinds[DR_KINDS]; /* what fx calls nodes */

/* Costs the graph, which is the subject's or one made from it. */
dr_report dr_report_make(dr_subject *subject, net_graph *graph, uint32_t batch);
/* The format of a row's tensor, "integer(8, 4)"; NULL: the node has no such tensor, or says nothing of its
 * accumulator. */
const char *dr_report_format(const dr_report *report, const dr_report_row *row, net_tensor_role role);
/* The name of what gives a value, an input or a node, quantisers aside; NULL: a parameter and the like. */
const char *dr_report_source(const dr_report *report, net_value_id value);
/* "f32[16]" */
const char *dr_report_shape(const dr_report *report, const net_value *value);

/* Tables: rows and the total; how many there are of each kind; fx's modules with their attributes and
 * parameters; costs by line of the program, each with its text. */
dr_table dr_report_nodes(const dr_report *report);
dr_table dr_report_kinds(const dr_report *report);
dr_table dr_report_layers(const dr_report *report);
dr_table dr_report_lines(const dr_report *report);
const char *dr_attribute_text(netc *n, const net_attribute *attribute); /* "[4, -1]" */
/* All that is known of a row, by field: "shape", "weight.format", "attributes.bias", "macs", "place". */
typedef struct {
  const char *name;
  dr_cell value;
} dr_field;
typedef NET_VEC(dr_field) dr_fields;
dr_fields dr_report_fields(const dr_report *report, const dr_report_row *row);
dr_fields dr_report_total_fields(const dr_report *report);
/* report_ranges.c: what nodes can give, and the bits of their sums; the same as fields of a row's JSON. */
dr_table dr_report_ranges(const dr_report *report);
void dr_report_range_json(const dr_report *report, const dr_report_row *row, json_t *json);
json_t *dr_report_json(const dr_report *report); /* network, nodes, kinds, layers, totals */
/* why.c: show --why NODE; gives the exit code. */
int dr_why(dr_subject *subject);
void dr_report_print_dot(FILE *to, const dr_report *report);

#endif
