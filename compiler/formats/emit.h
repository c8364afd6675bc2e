/* Quantisers as the loop IR has them (form 1): the bits of the reference, for every input.
 *
 * An emission is about one element of a tensor, at indices that are axes. A family's emitter first adds the
 * statements that find what parts share (maxima of blocks, means of channels) and makes it expressions at the
 * element's part, then makes the result an expression of the element and of these. Parameters are operands
 * everywhere: constants now, but a value loaded at run time serves as well. */
#ifndef NETC_FORMATS_EMIT_H
#define NETC_FORMATS_EMIT_H

#include "formats/families.h"
#include "loops/loops.h"

typedef struct fm_emission {
  lp_function *f;
  const net_format_spec *spec;
  lp_buffer x; /* f32, or f64: an exact sum that is to be rounded once */
  net_shape shape; /* of x, without the batch */
  bool batched;
  lp_expr at[NET_MAX_RANK]; /* the element; a constant 0 along dimensions of 1 */
  lp_buffer steps, zeros;   /* by calibration or training: a scalar, or one for each channel; LP_NONE: none */
  lp_expr draw;             /* of stochastic formats: uniform in [0, 1); 0: the likelier value */
  bool mase;
  uint32_t size[NET_MAX_RANK], parts[NET_MAX_RANK]; /* elements of a part, parts, along each dimension */
  /* What the element's part shares, as net_format_part has it. least, most: bounds in steps or of exponents;
   * power: 2^exponent; inverse: 1/power, 0 where binary32 may not have it. The emitter sets those that its
   * family needs, and low and high always. */
  lp_expr step, scale, least, most, power, inverse, threshold, low, high;
} fm_emission;

/* f, spec, x, shape, batched, at, steps, zeros and draw are given. */
void net_format_emit_begin(fm_emission *e);
lp_expr net_format_emit_value(const fm_emission *e);   /* f32: the element, quantised */
lp_expr net_format_emit_outside(const fm_emission *e); /* bool: it lies outside the closed range */
lp_expr net_format_emit_term(const fm_emission *e);    /* f32: see net_format_terms */

typedef struct fm_emitter {
  void (*share)(fm_emission *e);
  lp_expr (*value)(const fm_emission *e, lp_expr x); /* x is no NaN, unless the format keeps it */
  lp_expr (*wide)(const fm_emission *e, lp_expr x);  /* of an f64; NULL: by way of f32 */
  lp_expr (*term)(const fm_emission *e, lp_expr x);
} fm_emitter;

/* ---- emit_arithmetic.c: pieces as in arithmetic.h; integers are i32, floats f32 ---- */

static inline lp_expr fm_e_real(const fm_emission *e, double value) { return lp_real(e->f, value); }
static inline lp_expr fm_e_int(const fm_emission *e, int64_t value) { return lp_int(e->f, value); }
static inline lp_expr fm_e_op(const fm_emission *e, lp_expr_kind op, lp_expr a, lp_expr b) {
  return lp_op2(e->f, op, a, b);
}
/* x < low ? low : x > high ? high : x, the bits of x where it lies between: a −0 stays one */
lp_expr fm_e_clamp(const fm_emission *e, lp_expr x, lp_expr low, lp_expr high);
lp_expr fm_e_no_nan(const fm_emission *e, lp_expr x); /* NaN becomes 0 */
lp_expr fm_e_like(const fm_emission *e, lp_expr x, double value); /* a constant of x's type */
lp_expr fm_e_rounded(const fm_emission *e, net_rounding rounding, lp_expr x); /* f32 or f64 */
/* fm_round_float, largest being a value: lowest is no less than `least` */
lp_expr fm_e_round_float(const fm_emission *e, lp_expr x, int bits, lp_expr lowest, int least,
                         lp_expr largest);
lp_expr fm_e_sign_of(const fm_emission *e, lp_expr size, lp_expr x); /* copysign, of a size without a sign */
lp_expr fm_e_element(const fm_emission *e); /* as f32 */
/* Step and zero point (as f32) at the element's channel. */
lp_expr fm_e_step(const fm_emission *e);
lp_expr fm_e_zero(const fm_emission *e);
/* Something made of them, computed once for each step there is. */
lp_expr fm_e_kept(const fm_emission *e, const char *name, lp_expr (*made)(const fm_emission *));

/* ---- emit_logarithm.c: v > 0 and finite; 0 counts as less than everything else ---- */

lp_expr fm_e_floor_log2(const fm_emission *e, lp_expr v, bool mase);
lp_expr fm_e_ceil_log2(const fm_emission *e, lp_expr v, bool mase);
lp_expr fm_e_round_log2(const fm_emission *e, lp_expr v, bool mase);
/* 2^exponent for exponents from `least` ≥ −149 to 127 */
lp_expr fm_e_power(const fm_emission *e, lp_expr exponent, int least);

/* ---- emit_parts.c ---- */

void fm_e_cut(fm_emission *e); /* sets size and parts */
/* A value for each part: its maximum; the same but never 0; something made of another such value; means of
 * magnitudes, above a threshold if there is one. As fm_parts_… of parts.h. */
lp_buffer fm_e_maxima(const fm_emission *e);
lp_buffer fm_e_scales(const fm_emission *e);
lp_buffer fm_e_for_parts(const fm_emission *e, const char *name, net_type type, lp_buffer from,
                         lp_expr (*made)(const fm_emission *, lp_expr));
lp_buffer fm_e_means(const fm_emission *e, const char *name, lp_buffer thresholds);
lp_expr fm_e_at_part(const fm_emission *e, lp_buffer buffer); /* of the element's part */

/* ---- what files of reference and emission share ---- */

void fm_ieee_kind(uint16_t family, int *mantissa, int *lowest, int *highest);

/* Elements of the MX formats: highest exponent, range. mase: by MASE's arithmetic */
typedef struct {
  int exponent, mantissa, bias, highest;
  bool mase;
  float low, high;
} fm_mx_element;
fm_mx_element fm_mx_element_of(const net_format_spec *spec);

#endif
