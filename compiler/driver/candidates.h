/* Many quantizations of one network with one set of weights, measured without compiling each: what differs in
 * numbers alone (widths, fractions, signs, steps; of weights any format) shares code. The results are those
 * of `netc test --quantize`, to the bit. */
#ifndef NETC_DRIVER_CANDIDATES_H
#define NETC_DRIVER_CANDIDATES_H

#include "driver/calibrate.h"
#include "dsl/require.h"

typedef struct dr_candidates dr_candidates;

typedef struct {
  dr_subject *subject; /* elaborated, without formats; changed on the way */
  rt_checkpoint *weights;
  net_quantization
      *base; /* settings of all quantizations to come: calibration, folding; its rules do not count */
  rt_split_name split;
  bool drop; /* accuracy_drop is wanted: the network in floats is measured once */
} dr_candidates_request;

/* NULL: reported. */
dr_candidates *dr_candidates_begin(const dr_candidates_request *request);
void dr_candidates_end(dr_candidates *candidates); /* or NULL */

/* One of them: what is counted and what is measured, by net_budget; NaN: not asked for, or not there. */
typedef struct {
  double quantities[NET_BUDGETS];
  bool compiled; /* code was made for it alone */
} dr_candidate;

/* needs: quantities by net_budget that are wanted. False: reported (a sum that overflows its accumulator,
 * say). */
bool dr_candidates_measure(dr_candidates *candidates, net_quantization *quantization, const bool *needs,
                           dr_candidate *result);
/* What measuring would calibrate and compile on the way: before processes are forked that share it. */
bool dr_candidates_prepare(dr_candidates *candidates, net_quantization *quantization);

/* Programs compiled so far, and candidates that needed one of their own. */
uint32_t dr_candidates_programs(const dr_candidates *candidates);

#endif
