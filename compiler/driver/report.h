/* A graph as people read it: a row for each input, node and result, as fx lists them, and the totals. */
#ifndef NETC_DRIVER_REPORT_H
#define NETC_DRIVER_REPORT_H

#include "driver/subject.h"

#include "graph/cost.h"

typedef struct {
  const char *name, *kind, *op; /* kind: see dr_kinds */
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
  dr_report_row *rows;
  uint32_t count;
  net_cost_total total;
  size_t activation_bytes; /* peak at this batch, as the planner lays them out */
} dr_report;

enum { DR_KINDS = 6 };
extern const char *const dr_kinds[DR_KINDS]; /* what fx calls nodes */

/* Costs the graph, which is the subject's or one made from it. */
dr_report dr_report_make(dr_subject *subject, net_graph *graph, uint32_t batch);
/* "f32[16]" */
const char *dr_report_shape(const dr_report *report, const net_value *value);

json_t *dr_report_json(const dr_report *report); /* network, nodes, kinds, totals */
/* Costs by line of the program, each with its text. */
void dr_report_print_lines(FILE *to, const dr_report *report);
void dr_report_print_dot(FILE *to, const dr_report *report);

#endif
