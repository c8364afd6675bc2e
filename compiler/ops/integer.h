/* Integers, for the rules of operators on them (net_integer_call), and the units that they count. */
#ifndef NETC_OPS_INTEGER_H
#define NETC_OPS_INTEGER_H

#include "formats/rescale.h"
#include "ops/common.h"

/* ---- units: how much 1 stands for; 0 where nothing is known ---- */

bool ops_unit_is_power(double unit); /* of two */
/* Of a sum of n products, and a bias: the finest if all are powers of two, else that of the products, which
 * must be one. 0: there is none. */
double ops_unit_of_dot(const double *x, const double *w, uint64_t n, bool biased, double bias);
/* Of a sum or difference that a quantiser with the given step reads: the finer if both are powers of two (by
 * is left as it is), else what `by` makes of the terms. */
double ops_unit_of_sum(double a, double b, double step, net_multipliers *by);
/* Steps of a format, for each element of a sample: its own, or what calibration has for the channel. */
void ops_format_units(const net_format_spec *spec, const net_shape *shape, const net_calibration *calibration,
                      double *units);
/* Steps of the first quantiser that reads a value, for each of its elements; 0: there is none, or they are
 * not known yet. */
const double *ops_reader_units(net_arena *arena, const net_graph *graph, net_value_id value);

/* ---- integers ---- */

/* An input or the result: its integers and units. */
typedef struct {
  const net_value *value; /* NULL: absent */
  const int64_t *q;
  const double *unit; /* of each element of a sample */
  uint64_t each, rows;
} ops_integers_in;
typedef struct {
  const net_value *value;
  int64_t *q;
  double *unit;
  uint64_t each, rows;
} ops_integers_out;

ops_integers_in ops_integer_input(const net_integer_call *call, uint32_t index);
ops_integers_out ops_integer_output(const net_integer_call *call);

/* q in another unit: shifted if both are powers of two, the new one no coarser (from 2^100 on it is beyond
 * what is stored anyway, and sums of such would wrap); as it is where they differ by the rounding of a step
 * alone; else rounded. */
net_wide ops_integer_in_unit(net_wide q, double from, double to, net_integer_call *call);
/* As it is stored; beyond 64 bits the call is too wide. */
int64_t ops_integer_narrow(net_wide q, net_integer_call *call);

/* a units on a format with the given step, its zero point taken off. */
int64_t ops_integer_rescale(const net_format_spec *spec, double step, int32_t zero, net_wide a, double unit);
/* Numbers that are not integers yet, sample by sample. */
void ops_integer_quantize(net_arena *arena, const net_format_spec *spec, const net_format_tensor *x,
                          uint64_t samples, int64_t *values, double *units);

#endif
