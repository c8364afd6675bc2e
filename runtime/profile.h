/* Statistics of what a compiled function gives for the rows of a split. */
#ifndef NETC_RUNTIME_PROFILE_H
#define NETC_RUNTIME_PROFILE_H

#include "runtime/data.h"
#include "runtime/statistics.h"
#include "runtime/step.h"

/* statistics: one per output of the program; NULL: not wanted. The same bits for any batch and any number of
 * threads, as long as the outputs are. */
bool rt_profile(netc *n, const rt_program *program, const rt_split *rows, uint32_t threads,
                const float *variables, rt_statistics *const *statistics);

/* Copies of some rows' inputs, in the order of the index. Lives in the arena; has no targets. */
rt_split rt_split_take(net_arena *arena, const rt_split *from, const uint32_t *index, uint32_t count);

#endif
