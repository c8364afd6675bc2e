/* What the tests of formats share. */
#ifndef NETC_TESTS_FORMATS_SUPPORT_H
#define NETC_TESTS_FORMATS_SUPPORT_H

#include "formats/families.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

void formats_begin(netc *n);
/* A format as written in a program, "integer(8, fraction = auto)"; fails the test if it is refused. */
const net_format_spec *formats_read(netc *n, const char *text);
/* Whether it is made; the id, and after a refusal the message in the diagnostics. */
bool formats_try(netc *n, const char *text, uint32_t *id);
/* "5x16" or "" */
net_shape formats_shape(const char *text);
/* One element by itself. */
float formats_one(const net_format_spec *spec, float x);
void formats_many(const net_format_spec *spec, const char *shape, bool batched, const float *x, float *y);
bool formats_holds(const net_format_spec *spec, const char *shape, bool batched, const float *y);
float formats_bits(uint32_t bits);
uint32_t formats_to_bits(float x);
/* Floats that matter to formats: zeros, powers of two and their neighbours, middles of steps, extremes and a
 * few thousand others, ascending. In the arena. */
uint32_t formats_samples(netc *n, float **samples);

#endif
