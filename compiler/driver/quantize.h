/* Inside netc quantize. */
#ifndef NETC_DRIVER_QUANTIZE_H
#define NETC_DRIVER_QUANTIZE_H

#include "driver/report_quantized.h"

/* Whether --out can be written: it is not there yet, or empty. Reports. */
bool dr_quantize_can_write(dr_call *call);
/* Writes the graph, the tables, and the weights as their formats hold them into the directory, whole or not
 * at all. False: reported. */
bool dr_quantize_write(dr_subject *subject, const dr_quantize_report *report, const rt_checkpoint *weights,
                       const char *directory);

/* The variables of a network with number formats: each weight and bias moved onto its grid. Gives whether
 * doing so again would leave them as they are. */
bool dr_quantize_variables(netc *n, const net_graph *graph, const rt_program *program, float *variables);

#endif
