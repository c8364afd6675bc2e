/* What several families check and share. */
#include "formats/families.h"

#include <float.h>
#include <math.h>

bool fm_in_range(netc *n, const net_format_spec *spec, const char *what, int32_t value, int32_t low,
                 int32_t high, net_loc loc) {
  if (value >= low && value <= high) return true;
  if (value == NET_FORMAT_AUTO)
    net_error(n, loc, "%s cannot find %s by itself: only the fraction of an integer may be auto",
              net_formats[spec->family].name, what);
  else
    net_error(n, loc, "%s needs %s from %d to %d, not %d", net_formats[spec->family].name, what, low, high,
              value);
  return false;
}

bool fm_check_float(netc *n, const net_format_spec *spec, int least, net_loc loc) {
  const char *name = net_formats[spec->family].name;
  if (!fm_in_range(n, spec, "a width", spec->width, 2, 32, loc)) return false;
  if (!fm_in_range(n, spec, "an exponent", spec->exponent, 1, 8, loc)) return false;
  int mantissa = spec->width - spec->exponent - 1;
  if (mantissa >= least && mantissa <= 23) return true;
  net_error(n, loc,
            "%s of width %d with an exponent of %d bits leaves %d for the mantissa; it needs %d to 23 beside "
            "the sign",
            name, spec->width, spec->exponent, mantissa, least);
  return false;
}

bool fm_check_step(netc *n, const net_format_spec *spec, int exponent, net_loc loc) {
  if (exponent >= -149) return true;
  net_error(n, loc,
            "the smallest step of this %s is 2^%d, but values are computed in binary32, whose is 2^-149",
            net_formats[spec->family].name, exponent);
  return false;
}

bool fm_complete_bias(netc *n, net_format_spec *spec, int bits, net_loc loc) {
  if (spec->bias == NET_FORMAT_UNSET) spec->bias = bits > 0 ? (1 << (bits - 1)) - 1 : 0;
  return fm_in_range(n, spec, "a bias", spec->bias, -126, 149, loc);
}

double fm_width(const net_format_spec *spec) { return spec->width; }

void fm_own_block(const net_format_spec *spec, const net_format_tensor *x, net_shape *block) {
  (void)x;
  *block = spec->block;
}

void fm_channel_block(const net_format_spec *spec, const net_format_tensor *x, net_shape *block) {
  (void)spec;
  *block = (net_shape){.rank = x->shape->rank};
  for (uint32_t i = 0; i < block->rank; i++) block->dim[i] = UINT32_MAX;
  if (block->rank > 1) block->dim[0] = 1;
}

void net_format_steps(const net_format_spec *spec, double *low, double *high) {
  if (net_format_grid_of(spec) == NET_GRID_ONES) {
    *low = -1, *high = 1;
    return;
  }
  *low = spec->is_unsigned ? 0 : -ldexp(1, spec->width - 1);
  *high = ldexp(1, spec->is_unsigned ? spec->width : spec->width - 1) - 1;
  if (spec->overflow == NET_SYMMETRIC) ++*low;
}

static uint64_t channel_of(const net_format_tensor *x, const fm_parts *parts) {
  uint64_t channels, channel = fm_parts_channel(parts, &channels);
  return x->calibration->count > 1 ? channel : 0;
}

float fm_step(const net_format_tensor *x, const fm_parts *parts) {
  return fmaxf(x->calibration->scale[channel_of(x, parts)], FLT_MIN);
}

int32_t fm_zero(const net_format_tensor *x, const fm_parts *parts) {
  return x->calibration->zero ? x->calibration->zero[channel_of(x, parts)] : 0;
}

void fm_set_limit(net_format_part *part, float limit) { part->high = limit, part->low = -limit; }

double fm_reach_double(const net_format_spec *spec, double most) {
  return 2 * most + (spec->mase ? 1e-7 : 0);
}
