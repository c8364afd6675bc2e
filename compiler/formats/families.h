/* The families, for the table; what their files share. */
#ifndef NETC_FORMATS_FAMILIES_H
#define NETC_FORMATS_FAMILIES_H

#include "formats/arithmetic.h"
#include "formats/parts.h"

extern const net_format_family fm_ieee, fm_integer, fm_ap_fixed, fm_scaled_integer, fm_minifloat,
    fm_minifloat_denorm, fm_log, fm_block_fp, fm_block_minifloat, fm_block_log, fm_binary, fm_ternary,
    fm_mxint, fm_mx, fm_codebook, fm_residual_binary;

/* as loops: formats/emit.h */
extern const struct fm_emitter fm_ieee_emitter, fm_integer_emitter, fm_scaled_integer_emitter,
    fm_minifloat_emitter, fm_minifloat_denorm_emitter, fm_log_emitter, fm_block_fp_emitter,
    fm_block_minifloat_emitter, fm_block_log_emitter, fm_binary_emitter, fm_ternary_emitter, fm_mxint_emitter,
    fm_mx_emitter, fm_codebook_emitter, fm_residual_binary_emitter;

/* "NAME needs WHAT from LOW to HIGH, not VALUE" */
bool fm_in_range(netc *n, const net_format_spec *spec, const char *what, int32_t value, int32_t low,
                 int32_t high, net_loc loc);
/* Of floats: width, exponent bits, mantissa = width − exponent − 1 from `least` to 23. */
bool fm_check_float(netc *n, const net_format_spec *spec, int least, net_loc loc);
/* Smallest positive value 2^exponent must be a binary32. */
bool fm_check_step(netc *n, const net_format_spec *spec, int exponent, net_loc loc);
/* An exponent bias: 2^(bits − 1) − 1 if not given; lowest exponents are −bias. */
bool fm_complete_bias(netc *n, net_format_spec *spec, int bits, net_loc loc);

double fm_width(const net_format_spec *spec); /* spec->width */
void fm_own_block(const net_format_spec *spec, const net_format_tensor *x,
                  net_shape *block); /* spec->block */
/* Output channels: the tensor's first dimension (a sample, of a batch); a vector is one. */
void fm_channel_block(const net_format_spec *spec, const net_format_tensor *x, net_shape *block);
/* Bounds of results: scales are powers of two or maxima, and a MASE format may add 1e-9 first; blocks of
 * zeros borrow. */
double fm_reach_double(const net_format_spec *spec, double most);
/* The step and zero point that calibration or training gives the part at hand. */
float fm_step(const net_format_tensor *x, const fm_parts *parts);
int32_t fm_zero(const net_format_tensor *x, const fm_parts *parts);
/* Fractions of integers, so that every value and 2^f are normal binary32. */
enum { FM_LEAST_FRACTION = -95, FM_MOST_FRACTION = 126 };
double fm_rounded(net_rounding rounding, double x);
void fm_set_limit(net_format_part *part, float limit); /* range [−limit, limit] */
/* of residual_binary: magnitude of a level, and of all of them */
float fm_residual_level(int32_t width, int32_t level);
float fm_residual_limit(int32_t width, bool mase);

#endif
