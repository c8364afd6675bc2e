/* Integers, for the rules of operators on them (net_integer_call). */
#ifndef NETC_OPS_INTEGER_H
#define NETC_OPS_INTEGER_H

#include "formats/formats.h"
#include "ops/common.h"

typedef __int128 ops_wide;

/* An input or the result: its integers and fractions. */
typedef struct {
  const net_value *value; /* NULL: absent */
  const int64_t *q;
  const int *fraction; /* of each element of a sample */
  uint64_t each, rows;
} ops_integers_in;
typedef struct {
  const net_value *value;
  int64_t *q;
  int *fraction;
  uint64_t each, rows;
} ops_integers_out;

ops_integers_in ops_integer_input(const net_integer_call *call, uint32_t index);
ops_integers_out ops_integer_output(const net_integer_call *call);

/* q with a finer fraction; from 2^100 on it is beyond what is stored anyway, and sums of such would wrap. */
ops_wide ops_integer_aligned(ops_wide q, int from, int to, net_integer_call *call);
/* As it is stored; beyond 64 bits the call is too wide. */
int64_t ops_integer_narrow(ops_wide q, net_integer_call *call);

/* a · 2^−fraction on an integer format with that fraction. */
int64_t ops_integer_rescale(const net_format_spec *spec, int format_fraction, ops_wide a, int fraction);
/* Of the format, for each element of a sample: its own, or what calibration has for the channel. */
void ops_integer_fractions(const net_format_spec *spec, const net_format_tensor *x, int *fractions);
/* Numbers that are not integers yet, sample by sample. */
void ops_integer_quantize(net_arena *arena, const net_format_spec *spec, const net_format_tensor *x,
                          uint64_t samples, int64_t *values, int *fractions);

#endif
