/* Inside the data code: fitting normalisations, and applying them with checks. */
#ifndef NETC_RUNTIME_NORMALIZE_H
#define NETC_RUNTIME_NORMALIZE_H

#include "runtime/data_table.h"

/* Whether a spec's normalisation depends on the train split. */
bool rt_normalize_needs_fit(const rt_data_spec *spec);
/* Steps that make sense, and chains that name elements which some input has. */
bool rt_normalize_check(netc *n, const rt_data_spec *spec, const rt_view *inputs);
/* Fits the chains to an input's rows, each step to what the step before gives, and leaves them normalised.
 * rows tell where the data come from; without any (count 0) only chains that need no fit are set up. */
bool rt_normalize_fit(netc *n, const rt_data_spec *spec, const rt_view *input, const rt_rows *rows,
                      float *data, rt_fitted *fitted);
/* Applies with the checks of log1p and of finite results. */
bool rt_normalize_checked(const rt_fitted *fitted, const rt_view *input, const rt_rows *rows, float *data);

#endif
