/* The table, and the formats of a run. */
#include "formats/list.h"

#define E NET_FORMAT_PER_ELEMENT
#define W NET_FORMAT_WEIGHTS_ONLY
#define I NET_FORMAT_IEEE
#define S NET_FORMAT_STEPS
#define P NET_FORMAT_POINT
#define FORMAT(name_, family_, flags_, arguments_)                                                           \
  {.name = #name_, .arguments = arguments_, .flags = flags_, .family = &fm_##family_},

const net_format net_formats[] = {
#include "formats/formats.def"
};
#undef FORMAT
#undef E
#undef W
#undef I
#undef S
#undef P

const uint32_t net_format_count = sizeof net_formats / sizeof *net_formats;

void net_formats_install(netc *n) {
  n->formats = net_formats;
  n->format_count = net_format_count;
  n->format_list = NET_NEW(&n->arena, net_format_list);
  net_format_intern(n, &(net_format_spec){.family = NET_FORMAT_float32}); /* id 0 */
}

net_format_grid net_format_grid_of(const net_format_spec *spec) {
  const net_format *row = &net_formats[spec->family];
  if (row->flags & NET_FORMAT_POINT) return NET_GRID_POINT;
  if (row->flags & NET_FORMAT_STEPS) return spec->mase ? NET_GRID_NONE : NET_GRID_STEPS;
  return row->family->ones && row->family->ones(spec) ? NET_GRID_ONES : NET_GRID_NONE;
}

bool net_format_stands_alone(const net_format_spec *spec) {
  uint32_t flags = net_formats[spec->family].flags;
  return flags & NET_FORMAT_PER_ELEMENT && (!(flags & NET_FORMAT_STEPS) || flags & NET_FORMAT_POINT);
}

bool net_format_is_open(const net_format_spec *spec) {
  if (!(net_formats[spec->family].flags & NET_FORMAT_STEPS)) return false;
  return !net_format_has_point(spec) || spec->fraction == NET_FORMAT_AUTO ||
         spec->ste == NET_STE_LEARNED_STEP;
}

static bool same(const net_format_spec *a, const net_format_spec *b) {
  return a->family == b->family && a->width == b->width && a->fraction == b->fraction &&
         a->exponent == b->exponent && a->bias == b->bias &&
         a->exponent_bias_width == b->exponent_bias_width && a->scale_bits == b->scale_bits &&
         net_shape_same(&a->block, &b->block) && a->is_unsigned == b->is_unsigned &&
         a->auto_sign == b->auto_sign && a->bipolar == b->bipolar && a->stochastic == b->stochastic &&
         a->scaled == b->scaled && a->mase == b->mase && a->rounding == b->rounding &&
         a->overflow == b->overflow && a->per == b->per && a->scheme == b->scheme &&
         a->rescale == b->rescale && a->ste == b->ste && a->codebook == b->codebook;
}

uint32_t net_format_intern(netc *n, const net_format_spec *spec) {
  net_format_list *list = n->format_list;
  for (uint32_t id = 0; id < list->specs.count; id++)
    if (same(&list->specs.at[id], spec)) return id;
  return net_vec_push(&n->arena, &list->specs, *spec);
}

const net_format_spec *net_format_at(const netc *n, uint32_t id) { return &n->format_list->specs.at[id]; }

uint32_t net_formats_in_use(const netc *n) { return n->format_list ? n->format_list->specs.count : 1; }

double net_format_width(const netc *n, uint32_t id) {
  const net_format_spec *spec = net_format_at(n, id);
  return net_formats[spec->family].family->width(spec);
}
