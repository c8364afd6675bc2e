/* Emission of integer and scaled_integer: clamp(R(x · scale), least, most) · step. */
#include "formats/emit.h"

#include <float.h>
#include <math.h>

/* ---- integer ---- */

static lp_expr reciprocal(const fm_emission *e) { return fm_e_op(e, LP_div, fm_e_real(e, 1), fm_e_step(e)); }

static void set_steps(fm_emission *e) {
  double low, high;
  net_format_steps(e->spec, &low, &high);
  e->least = fm_e_real(e, (double)(float)low);
  e->most = fm_e_real(e, (double)(float)high);
}

static void share_integer(fm_emission *e) {
  int fraction = e->spec->fraction == NET_FORMAT_AUTO ? e->spec->width / 2 : e->spec->fraction;
  e->step = fm_e_real(e, ldexp(1, -fraction));
  e->scale = fm_e_real(e, ldexp(1, fraction));
  if (e->steps != LP_NONE) {
    e->step = fm_e_step(e);
    e->scale = fm_e_kept(e, "scale", reciprocal);
  }
  set_steps(e);
  e->low = fm_e_op(e, LP_mul, e->least, e->step);
  e->high = fm_e_op(e, LP_mul, e->most, e->step);
}

static lp_expr like(const fm_emission *e, lp_expr x, lp_expr v) {
  return lp_convert(e->f, lp_expr_at(e->f, x)->type, v);
}

static lp_expr saturated(const fm_emission *e, lp_expr q) {
  return fm_e_clamp(e, q, like(e, q, e->least), like(e, q, e->most));
}

/* q modulo 2^w, into the range: fmod as q − size · trunc(q / size), which is exact. */
static lp_expr wrapped(const fm_emission *e, lp_expr q) {
  double size = ldexp(1, e->spec->width), low = e->spec->is_unsigned ? 0 : -size / 2;
  lp_expr turns = lp_op1(e->f, LP_trunc, fm_e_op(e, LP_mul, q, fm_e_like(e, q, 1 / size)));
  lp_expr whole = fm_e_like(e, q, size), y = fm_e_op(e, LP_sub, q, fm_e_op(e, LP_mul, turns, whole));
  y = fm_e_sign_of(e, lp_op1(e->f, LP_abs, y), q);
  lp_expr below = fm_e_op(e, LP_lt, y, fm_e_like(e, q, low));
  lp_expr above = fm_e_op(e, LP_ge, y, fm_e_like(e, q, low + size));
  lp_expr down = lp_select(e->f, above, fm_e_op(e, LP_sub, y, whole), y);
  return lp_select(e->f, below, fm_e_op(e, LP_add, y, whole), down);
}

static lp_expr is_finite(const fm_emission *e, lp_expr x) {
  double most = lp_expr_at(e->f, x)->type == NET_F64 ? DBL_MAX : FLT_MAX;
  return fm_e_op(e, LP_le, lp_op1(e->f, LP_abs, x), fm_e_like(e, x, most));
}

/* Infinities saturate; where the product overflows, x is a multiple of 2^w steps. */
static lp_expr integer_value(const fm_emission *e, lp_expr x) {
  lp_expr q = fm_e_rounded(e, e->spec->rounding, fm_e_op(e, LP_mul, x, like(e, x, e->scale)));
  lp_expr y = saturated(e, q);
  if (e->spec->overflow == NET_WRAP) {
    lp_expr within = lp_select(e->f, is_finite(e, q), wrapped(e, q), fm_e_like(e, q, 0));
    y = lp_select(e->f, is_finite(e, x), within, y);
  }
  return fm_e_op(e, LP_mul, lp_convert(e->f, NET_F32, y), e->step);
}

/* v ≤ least ? least : v ≥ most ? most : R(v) − v */
static lp_expr term_of(const fm_emission *e, net_rounding rounding, lp_expr v) {
  lp_expr rest = fm_e_op(e, LP_sub, fm_e_rounded(e, rounding, v), v);
  lp_expr up = lp_select(e->f, fm_e_op(e, LP_ge, v, e->most), e->most, rest);
  return lp_select(e->f, fm_e_op(e, LP_le, v, e->least), e->least, up);
}

static lp_expr integer_term(const fm_emission *e, lp_expr x) {
  return term_of(e, e->spec->rounding, fm_e_op(e, LP_mul, x, e->scale));
}

const fm_emitter fm_integer_emitter = {
    .share = share_integer, .value = integer_value, .wide = integer_value, .term = integer_term};

/* ---- scaled_integer: bounds have the zero point taken off, so that it need not be added to q ---- */

static lp_expr off_zero(const fm_emission *e, double steps) {
  lp_expr zero = lp_convert(e->f, NET_F64, fm_e_zero(e));
  lp_expr bound = fm_e_op(e, LP_sub, lp_constant(e->f, NET_F64, steps, 0), zero);
  return lp_convert(e->f, NET_F32, bound);
}

static lp_expr least_off_zero(const fm_emission *e) {
  double low, high;
  net_format_steps(e->spec, &low, &high);
  return off_zero(e, low);
}

static lp_expr most_off_zero(const fm_emission *e) {
  double low, high;
  net_format_steps(e->spec, &low, &high);
  return off_zero(e, high);
}

/* MASE's finds steps per unit in each row. */
static lp_expr row_scale(const fm_emission *e, lp_expr maximum) {
  lp_expr above = fm_e_op(e, LP_add, maximum, fm_e_real(e, (double)1e-9f));
  return fm_e_op(e, LP_div, fm_e_real(e, ldexp(1, e->spec->width - 1)), above);
}

static void share_rows(fm_emission *e) {
  fm_e_cut(e);
  e->scale = fm_e_at_part(e, fm_e_for_parts(e, "scale", NET_F32, fm_e_maxima(e), row_scale));
  e->low = fm_e_op(e, LP_div, e->least, e->scale);
  e->high = fm_e_op(e, LP_div, e->most, e->scale);
}

static void share_scaled(fm_emission *e) {
  set_steps(e);
  if (e->mase && e->steps == LP_NONE) {
    share_rows(e);
    return;
  }
  e->step = e->steps == LP_NONE ? fm_e_real(e, 1) : fm_e_step(e);
  if (e->zeros != LP_NONE) {
    e->least = fm_e_kept(e, "least", least_off_zero);
    e->most = fm_e_kept(e, "most", most_off_zero);
  }
  e->low = fm_e_op(e, LP_mul, e->step, e->least);
  e->high = fm_e_op(e, LP_mul, e->step, e->most);
}

/* Adding 0 leaves no −0: the reference adds a zero point. */
static lp_expr scaled_value(const fm_emission *e, lp_expr x) {
  lp_expr v =
      e->scale ? fm_e_op(e, LP_mul, x, like(e, x, e->scale)) : fm_e_op(e, LP_div, x, like(e, x, e->step));
  lp_expr q = fm_e_op(e, LP_add, lp_op1(e->f, LP_round, v), fm_e_like(e, x, 0));
  lp_expr steps = lp_convert(e->f, NET_F32, saturated(e, q));
  lp_expr y = e->scale ? fm_e_op(e, LP_div, steps, e->scale) : fm_e_op(e, LP_mul, e->step, steps);
  return fm_e_clamp(e, y, fm_e_real(e, -FLT_MAX), fm_e_real(e, FLT_MAX));
}

static lp_expr scaled_term(const fm_emission *e, lp_expr x) {
  return term_of(e, NET_ROUND_HALF_EVEN, fm_e_op(e, LP_div, x, e->step));
}

const fm_emitter fm_scaled_integer_emitter = {
    .share = share_scaled, .value = scaled_value, .wide = scaled_value, .term = scaled_term};
