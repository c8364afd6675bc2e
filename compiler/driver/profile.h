/* Statistics of a network's tensors on data. */
#ifndef NETC_DRIVER_PROFILE_H
#define NETC_DRIVER_PROFILE_H

#include "driver/subject.h"

#include "runtime/statistics.h"

typedef struct {
  rt_split_name split;
  uint64_t samples;  /* the first so many of its rows; 0: all */
  uint32_t batch;    /* samples a call: has no influence on results */
  bool channels;     /* of each channel by itself: the tensor's first dimension */
  /* the name of a node or of one of its tensors, or an extended regular expression anchored at both ends;
   * NULL: all */
  const char *nodes;
  double quantile, sigma;
  uint32_t bins;
  bool magnitudes;
} dr_profile_request;
#define DR_PROFILE_DEFAULTS                                                                                  \
  ((dr_profile_request){.split = RT_TRAIN, .batch = 256, .quantile = 0.975, .sigma = 3})

/* A tensor as one of its nodes sees it: "input", "input_2", "output", or a parameter's name. */
typedef struct {
  net_node_id node;
  const char *tensor;
  net_value_id value;
  uint32_t channels;
  const rt_summary *summaries; /* one for each channel; those of a value are the same wherever it is seen */
} dr_profile_row;

typedef struct {
  const net_graph *graph;
  uint64_t samples;
  dr_profile_row *rows; /* in the order of the graph */
  uint32_t count;
} dr_profile_result;

/* Runs the subject's network, quantised if it is, with weights (NULL: initial ones). Everything lives in
 * n->arena. *code: what a verb may end with when it is false: reported, or stopped as asked. */
bool dr_profile_run(dr_subject *subject, rt_checkpoint *weights, const dr_profile_request *request,
                    dr_profile_result *result, int *code);
/* By value of a graph that has the same names: from the least to the largest seen; in the arena. They become
 * the ranges of the graph's values, but not of inputs whose ranges the program declares. */
const net_range *dr_profile_annotate(const dr_profile_result *result, net_graph *graph);

#endif
