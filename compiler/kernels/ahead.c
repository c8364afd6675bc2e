/* Rows of the next call, asked for while this one computes. Rows that are long are gathered many at a time,
 * and then memory gives them no faster than it can; but a contraction leaves it alone, as its weights stay in
 * some cache. So the largest contraction asks for them, a part with each tile of its results. */
#include "kernels/schedule.h"

enum { LINE = 64, LEAST_ROW_BYTES = 512, MOST_UNROLLED = 32 };

static uint64_t row_bytes(const lp_buffer_info *column) {
  return net_shape_elements(&column->shape) * net_type_bytes(column->type);
}

void kn_find_ahead(kn_schedule_state *s) {
  const lp_function *f = s->f;
  double most = 0;
  s->ahead = (kn_ahead){.column = LP_NONE};
  if (!s->options->ahead) return;
  for (lp_buffer b = 0; b < f->buffers.count; b++) {
    const lp_buffer_info *column = &f->buffers.at[b];
    if (column->storage != LP_COLUMN || row_bytes(column) < LEAST_ROW_BYTES) continue;
    if (s->ahead.column == LP_NONE || row_bytes(column) > row_bytes(&f->buffers.at[s->ahead.column]))
      s->ahead.column = b;
  }
  for (uint32_t g = 0; g < s->groups.count; g++) {
    const kn_group *group = &s->groups.at[g];
    uint32_t first = group->statements.at[0];
    if ((group->kind != KN_FORWARD && group->kind != KN_DOT) || s->facts[first].axis_count != 1 ||
        kn_points(s, first) <= most)
      continue;
    most = kn_points(s, first);
    s->ahead.group = g;
  }
  if (most == 0) s->ahead.column = LP_NONE;
}

void kn_emit_ahead(kn_schedule_state *s, const kn_group *group, lp_expr tile, lp_expr start, uint32_t rows) {
  lp_function *f = s->f;
  if (s->ahead.column == LP_NONE || group != &s->groups.at[s->ahead.group]) return;
  const lp_buffer_info *column = &f->buffers.at[s->ahead.column];
  uint32_t axis = s->facts[group->statements.at[0]].axes[0], extent = kn_extent(f, axis);
  uint64_t parts = (uint64_t)extent * (f->padded / f->tile); /* a result of a batch tile each */
  uint32_t part = (uint32_t)((f->batch * net_shape_elements(&column->shape) + parts - 1) / parts),
           step = LINE / (uint32_t)net_type_bytes(column->type), lines = (part * rows + step - 1) / step;
  lp_expr zero = lp_int(f, 0), result = lp_addition(f, lp_product(f, tile, lp_int(f, extent)), start);
  lp_expr l = lp_begin_for(f, "l", zero, lp_int(f, lines), 1, lines <= MOST_UNROLLED ? LP_UNROLL : 0);
  lp_expr at = lp_addition(f, lp_product(f, result, lp_int(f, part)), lp_product(f, l, lp_int(f, step)));
  lp_ahead(f, s->ahead.column, 2, (lp_expr[]){zero, at});
  lp_end(f);
}
