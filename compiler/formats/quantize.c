/* Quantisers, gradients and grids of all families: walks over the parts of a tensor. */
#include "formats/parts.h"

#include <math.h>

static net_format_part prepared(const net_format_spec *spec, const net_format_tensor *x, fm_parts *parts,
                                uint64_t index) {
  net_format_part part = {.spec = spec, .mase = spec->mase};
  fm_parts_go(parts, index);
  net_formats[spec->family].family->prepare(x, parts, &part);
  return part;
}

void net_format_quantize(const net_format_spec *spec, const net_format_tensor *x, float *out) {
  const net_format *row = &net_formats[spec->family];
  fm_parts parts;
  fm_parts_begin(&parts, spec, x, out == x->values && row->family->block);
  for (uint64_t k = 0; k < parts.count; k++) {
    net_format_part part = prepared(spec, x, &parts, k);
    for (uint64_t i = 0, at; fm_parts_next(&parts, &i, &at);) {
      float v = x->values[at];
      if (isnan(v) && !(row->flags & NET_FORMAT_IEEE)) v = 0;
      if (x->wide && row->family->wide)
        out[at] = row->family->wide(&part, isnan(x->values[at]) ? (double)v : x->wide[at]);
      else out[at] = row->family->value(&part, v, x->draws ? x->draws[at] : NAN);
    }
  }
}

void net_format_gradient(const net_format_spec *spec, const net_format_tensor *x, const float *dy,
                         float *dx) {
  fm_parts parts;
  fm_parts_begin(&parts, spec, x, dx == x->values && net_formats[spec->family].family->block);
  for (uint64_t k = 0; k < parts.count; k++) {
    net_format_part part = prepared(spec, x, &parts, k);
    for (uint64_t i = 0, at; fm_parts_next(&parts, &i, &at);) {
      float v = x->values[at];
      bool outside = spec->ste != NET_STE_PLAIN && (v < part.low || v > part.high);
      dx[at] = outside ? 0 : dy[at];
    }
  }
}

void net_format_terms(const net_format_spec *spec, const net_format_tensor *x, float *terms) {
  fm_parts parts;
  fm_parts_begin(&parts, spec, x, false);
  for (uint64_t k = 0; k < parts.count; k++) {
    net_format_part part = prepared(spec, x, &parts, k);
    for (uint64_t i = 0, at; fm_parts_next(&parts, &i, &at);) {
      float v = x->values[at];
      terms[at] = net_formats[spec->family].family->term(&part, isnan(v) ? 0 : v);
    }
  }
}

static bool same(float a, float b) { return a == b || (isnan(a) && isnan(b)); }

bool net_format_on_grid(const net_format_spec *spec, const net_format_tensor *y) {
  const net_format_family *family = net_formats[spec->family].family;
  fm_parts parts;
  fm_parts_begin(&parts, spec, y, false);
  for (uint64_t k = 0; k < parts.count; k++) {
    net_format_part part = {.spec = spec};
    fm_parts_go(&parts, k);
    (family->fit ? family->fit : family->prepare)(y, &parts, &part);
    for (uint64_t i = 0, at; fm_parts_next(&parts, &i, &at);) {
      float v = y->values[at];
      if (spec->mase && fabsf(v) <= 1e-8f) continue; /* may have been let pass */
      if (!same(family->value(&part, v, NAN), v)) return false;
    }
  }
  return true;
}
