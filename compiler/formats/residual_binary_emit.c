/* Emission of residual_binary: its levels, one behind the other. */
#include "formats/emit.h"

static void share(fm_emission *e) {
  double limit = (double)fm_residual_limit(e->spec->width, e->mase);
  e->low = fm_e_real(e, -limit);
  e->high = fm_e_real(e, limit);
}

static lp_expr value(const fm_emission *e, lp_expr x) {
  lp_expr zero = fm_e_real(e, 0), y = zero, code = zero;
  for (int32_t i = 0; i < e->spec->width; i++) {
    double size = (double)fm_residual_level(e->spec->width, i);
    lp_expr below = fm_e_op(e, LP_lt, x, zero);
    lp_expr level = lp_select(e->f, below, fm_e_real(e, -size), fm_e_real(e, size));
    if (e->mase) level = lp_select(e->f, fm_e_op(e, LP_eq, x, zero), zero, level);
    double part = (double)(1 << (e->spec->width - 1 - i));
    code = fm_e_op(e, LP_add, code, lp_select(e->f, below, fm_e_real(e, -part), fm_e_real(e, part)));
    y = fm_e_op(e, LP_add, y, level);
    x = fm_e_op(e, LP_sub, x, level);
  }
  return e->mase ? y : fm_e_op(e, LP_div, code, fm_e_real(e, (double)((1 << e->spec->width) - 1)));
}

const fm_emitter fm_residual_binary_emitter = {.share = share, .value = value};
