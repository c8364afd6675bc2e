/* Parts of a tensor: the blocks, channels or samples whose elements share something. */
#ifndef NETC_FORMATS_PARTS_H
#define NETC_FORMATS_PARTS_H

#include "formats/formats.h"

/* All parts in order; one is at hand. Those at the end of a dimension may hold less than the rest. */
typedef struct fm_parts {
  const net_format_tensor *x;
  bool mase;
  bool early; /* the values are going to be overwritten */
  uint32_t rank;
  uint64_t dim[NET_MAX_RANK],
      size[NET_MAX_RANK];       /* of the tensor, of a part; whole inner dimensions are merged */
  uint64_t count, each;         /* parts; elements in each, those beyond the end included */
  uint64_t start[NET_MAX_RANK]; /* of the part at hand */
  uint64_t sample,
      sample_parts; /* sample at hand, parts in a sample; without a batch the tensor is one sample */
  float smallest;   /* of the sample's block maxima, those of 0 left out; −1: not found yet */
} fm_parts;

void fm_parts_begin(fm_parts *parts, const net_format_spec *spec, const net_format_tensor *x, bool early);
void fm_parts_go(fm_parts *parts, uint64_t index);
/* Steps through the part's elements: for (uint64_t i = 0, at; fm_parts_next(parts, &i, &at);) values[at] … */
bool fm_parts_next(const fm_parts *parts, uint64_t *i, uint64_t *at);

/* Largest magnitude of the part at hand: infinities count as FLT_MAX, NaN as 0. */
float fm_parts_maximum(const fm_parts *parts);
/* The same, but never 0: a part of zeros borrows the smallest maximum of its sample's other parts, or takes 1
 * if they are zeros too. (MASE borrows from the whole batch.) */
float fm_parts_scale(fm_parts *parts);
/* Smallest and largest element, or 0. */
void fm_parts_range(const fm_parts *parts, float *lowest, float *highest);
/* Mean of the magnitudes over `least`, or 0: summed in double in index order, rounded once. */
float fm_parts_mean(const fm_parts *parts, float least);
/* Number of the channel that the part at hand lies in, and how many there are. */
uint64_t fm_parts_channel(const fm_parts *parts, uint64_t *channels);

#endif
