/* What the parts of the quantise pass share, and what reports ask it. */
#ifndef NETC_PASSES_QUANTIZE_H
#define NETC_PASSES_QUANTIZE_H

#include "formats/formats.h"
#include "graph/operator.h"
#include "graph/quantization.h"
#include "passes/ranges.h"

/* "dense_1.linear_1.weight", "add_1.input_2": the base of what is named after a tensor. In the arena. */
const char *net_quantize_tensor_text(netc *n, net_name node, net_tensor_role role, uint32_t input);

/* What a profile decided for a tensor; NULL: nothing. */
const net_calibrated *net_quantize_calibrated(const net_quantization *quantization, net_name node,
                                              net_tensor_role role, uint32_t input);
/* The format that a tensor takes, given what a rule asks: fraction = auto becomes the profile's, if there is
 * one for the whole tensor. */
net_format_id net_quantize_resolved(netc *n, net_format_id asked, const net_calibrated *calibrated);

/* unsigned = auto: whether the value can be negative, whatever the network is given. Stays signed where
 * overflow is symmetric. */
net_format_id net_quantize_signed(netc *n, net_format_id asked, const net_ranges *ranges, net_value_id value);

/* What a format becomes for a tensor that a node makes itself when it runs: there are no steps of channels to
 * give then, nor one to learn. */
net_format_id net_quantize_made(netc *n, net_format_id asked);

/* Where a learned step begins if no profile says better: the format's own fraction, or 2·mean|x| / √hi (Esser
 * et al., 2020) with the mean that the value's initial elements have; a result is taken to be of unit
 * variance. */
double net_quantize_first_step(const netc *n, net_format_id format, const net_value *value);

/* The format and the steps of a bias that no rule speaks of: of a sum of scaled integers, or of their
 * products with ones, 32 bits with the steps of the products, one or one for each channel of the weight
 * (steps->count 0: they are not known yet). False: input or weight are no such integers, or have steps that
 * training changes or more than one in a sum. */
bool net_quantize_bias(const net_graph *graph, net_value_id input, net_value_id weight, net_format_id *format,
                       net_calibrated *steps);

/* The constant steps, and zero points, of the quantiser that a value comes from, through what passes its
 * format on. NULL: it comes from none, or that has no such steps. */
const net_calibrated *net_quantize_steps_of(const net_graph *graph, net_value_id value);

/* Adds the node that looks a node's results up (t->made), given all of t but units, steps and ends of codes;
 * y_steps: what a profile decided for the result. t->made is NET_NONE where steps are not known yet. False:
 * reported. */
bool net_quantize_table(netc *n, net_tabling *t, const net_calibrated *y_steps);

/* The grid that a tensor lies on: its format, and the steps of its channels where the format leaves them
 * open. */
typedef struct {
  net_format_id format;
  const net_calibrated *steps; /* NULL: none */
} quantize_grid;

/* Whether an exact sum of `count` products, and a bias if has_bias, leaves binary32: all are of integer
 * formats with steps that are powers of two, and the sum may reach 2^24 steps of its own grid. Channels of
 * the weight and the bias are those of the result. */
bool net_quantize_needs_wide(const netc *n, double count, quantize_grid x, quantize_grid weight,
                             quantize_grid bias, bool has_bias);
/* Likewise a sum or difference of the two. */
bool net_quantize_sum_needs_wide(const netc *n, quantize_grid a, quantize_grid b);

#endif
