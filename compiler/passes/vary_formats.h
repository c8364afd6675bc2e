/* What the parameters that vary_formats makes of quantisers are to be. */
#ifndef NETC_PASSES_VARY_FORMATS_H
#define NETC_PASSES_VARY_FORMATS_H

#include "formats/formats.h"
#include "graph/graph.h"

typedef enum {
  NET_VARIES_NOT,     /* no quantiser, or one that stays in the code */
  NET_VARIES_NUMBERS, /* what it gives is a parameter of its name */
  NET_VARIES_STEPS,   /* its step and bounds are: NAME.step, NAME.least, NAME.most */
} net_variation;

/* Of a node of the graph that the pass is given, whose formats are settled. */
net_variation net_varies(const net_graph *graph, net_node_id node);
/* A quantiser whose step training changes: it stays in the code. */
bool net_varies_learned(const net_graph *graph, net_node_id node);

/* NET_VARIES_NUMBERS: numbers, what comes in, as the reference quantiser rounds it. */
void net_varied_numbers(const net_graph *graph, net_node_id node, const float *numbers, float *to);
/* NET_VARIES_STEPS: one each for each step there is. */
void net_varied_bounds(const net_graph *graph, net_node_id node, float *step, float *least, float *most);
/* Its constant steps (scale NULL: the format's own) and zero points; gives how many. */
uint32_t net_varied_steps(const net_graph *graph, net_node_id node, net_calibration *calibration);

#endif
