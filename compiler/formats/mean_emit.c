/* Emission of binary and ternary. */
#include "formats/emit.h"

/* ---- binary ---- */

static void share_binary(fm_emission *e) {
  e->low = fm_e_real(e, e->spec->bipolar ? -1 : 0);
  e->high = fm_e_real(e, 1);
  if (e->spec->bipolar) return;
  fm_e_cut(e);
  e->high = fm_e_at_part(e, fm_e_means(e, "mean", LP_NONE));
}

static lp_expr binary_value(const fm_emission *e, lp_expr x) {
  lp_expr zero = fm_e_real(e, 0), one = fm_e_op(e, e->spec->bipolar ? LP_ge : LP_gt, x, zero);
  if (e->draw) {
    lp_expr chance = fm_e_op(e, LP_mul, fm_e_op(e, LP_add, x, fm_e_real(e, 1)), fm_e_real(e, 0.5));
    one = fm_e_op(e, LP_lt, e->draw, fm_e_clamp(e, chance, zero, fm_e_real(e, 1)));
  }
  return lp_select(e->f, one, e->high, e->low);
}

const fm_emitter fm_binary_emitter = {.share = share_binary, .value = binary_value};

/* ---- ternary ---- */

static lp_expr three_quarters(const fm_emission *e, lp_expr mean) {
  return fm_e_op(e, LP_mul, fm_e_real(e, 0.75), mean);
}

static void share_ternary(fm_emission *e) {
  fm_e_cut(e);
  lp_buffer means = fm_e_means(e, "mean", LP_NONE);
  lp_buffer thresholds = fm_e_for_parts(e, "threshold", NET_F32, means, three_quarters);
  e->threshold = fm_e_at_part(e, thresholds);
  e->high = fm_e_real(e, 1);
  if (e->spec->scaled) e->high = fm_e_at_part(e, fm_e_means(e, "scale", thresholds));
  e->low = lp_op1(e->f, LP_neg, e->high);
}

static lp_expr ternary_value(const fm_emission *e, lp_expr x) {
  lp_expr below = fm_e_op(e, LP_lt, x, lp_op1(e->f, LP_neg, e->threshold));
  lp_expr above = fm_e_op(e, LP_gt, x, e->threshold);
  return lp_select(e->f, above, e->high, lp_select(e->f, below, e->low, fm_e_real(e, 0)));
}

const fm_emitter fm_ternary_emitter = {.share = share_ternary, .value = ternary_value};
