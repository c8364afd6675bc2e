/* A network run on data with chosen values in view: what profiles and calibration share. */
#ifndef NETC_DRIVER_OBSERVE_H
#define NETC_DRIVER_OBSERVE_H

#include "driver/subject.h"

#include "interpret/interpret.h"

typedef struct {
  dr_subject *subject;
  const net_graph *graph; /* whose values are looked at */
  net_arena arena;        /* what is gone when the observation ends */
  rt_checkpoint *weights; /* NULL: initial ones */
  rt_data *data;
  const float *const
      *frozen; /* weights by value: compiled as it is deployed (pl_request.weights); NULL: not */
  pl_compiled *compiled;
  net_value_id *outputs; /* value of each output of the compiled function */
  float *variables;
  net_run constants; /* values that all samples share */
  uint32_t threads;
} dr_observation;

/* Weights in hand: what verbs that need weights take, or, when there are none yet, the initial ones, which is
 * said. latest: the network's latest run counts. False: reported. */
bool dr_weights_in_hand(dr_subject *subject, bool latest, rt_checkpoint **weights);

/* Weights, and the rows of a split. end must follow, also after a false: reported. */
bool dr_observe_begin(dr_subject *subject, const net_graph *graph, rt_checkpoint *weights,
                      rt_split_name split, dr_observation *observation);
void dr_observe_end(dr_observation *observation);

/* Compiles a function that gives the wanted values (by id), those that a network computes for every sample;
 * false: reported, or stopped as the options (or NULL) ask. May be called again, for others. */
bool dr_observe_compile(dr_observation *observation, const bool *wanted, uint32_t batch,
                        const pl_options *options);

/* Drops the compiled function, and keeps what it found of values that all samples share. */
void dr_observe_forget(dr_observation *observation);

/* Whether the compiled function can give a value. */
bool dr_is_observable(const net_graph *graph, net_value_id value);
/* Elements of a value that all samples share; in the observation's arena. NULL: it is none. */
const float *dr_observed_constant(dr_observation *observation, net_value_id value);
/* Column of an input among the split's, or NULL. */
const rt_column *dr_observed_input(const dr_observation *observation, net_value_id value,
                                   const rt_split *rows);

/* A number that an input's declared range does not hold. */
typedef struct {
  net_value_id input; /* NET_NONE: there is none */
  uint64_t sample, element;
  double number;
  net_range range;
} dr_escape;
/* The first one among rows; NaN is in no range. */
dr_escape dr_escape_find(const net_graph *graph, const rt_split *rows);

#endif
