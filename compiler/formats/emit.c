/* Emission of any format: what is the same for all of them. */
#include "formats/emit.h"

static const fm_emitter *emitter_of(const fm_emission *e) {
  return net_formats[e->spec->family].family->emitter;
}

void net_format_emit_begin(fm_emission *e) {
  e->mase = e->spec->mase;
  emitter_of(e)->share(e);
}

static lp_expr element(const fm_emission *e) {
  lp_expr indices[NET_MAX_RANK + 1];
  uint32_t count = 0;
  if (e->batched) indices[count++] = lp_batch(e->f);
  for (uint32_t i = 0; i < e->shape.rank; i++) indices[count++] = e->at[i];
  return lp_load_at(e->f, e->x, count, indices);
}

lp_expr fm_e_element(const fm_emission *e) { return lp_convert(e->f, NET_F32, element(e)); }

lp_expr net_format_emit_value(const fm_emission *e) {
  const fm_emitter *emitter = emitter_of(e);
  lp_expr x = element(e);
  bool wide = lp_expr_at(e->f, x)->type == NET_F64 && emitter->wide;
  if (!wide) x = lp_convert(e->f, NET_F32, x);
  if (!(net_formats[e->spec->family].flags & NET_FORMAT_IEEE)) x = fm_e_no_nan(e, x);
  return wide ? emitter->wide(e, x) : emitter->value(e, x);
}

lp_expr net_format_emit_outside(const fm_emission *e) {
  lp_expr x = fm_e_element(e);
  return fm_e_op(e, LP_or, fm_e_op(e, LP_lt, x, e->low), fm_e_op(e, LP_gt, x, e->high));
}

lp_expr net_format_emit_term(const fm_emission *e) {
  return emitter_of(e)->term(e, fm_e_no_nan(e, fm_e_element(e)));
}
