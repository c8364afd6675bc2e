/* A sweep block → points: what each run sets.
 *
 *   train.batch_size = [64, 128]         these, one after the other; 1..5 is the list of these integers
 *   train.epochs = 50                    the same in every run
 *   train.optimizer.learning_rate = log(1e-6..0.1), sample = 20
 *                                        20 draws, even in the logarithm; 0.1..0.5: even; where both ends are
 *                                        integers, of integers
 *   zip { a = [1, 2], b = [3, 4] }       together: 1 with 3, 2 with 4
 *   repeat = 3, seed = 0                 each three times, with train.seed 0, 1, 2
 *
 * All that does not belong together (what is drawn does, and so do the lists of a zip) is crossed with all
 * else, the setting written last changing fastest. */
#ifndef NETC_DSL_ELABORATE_SWEEP_H
#define NETC_DSL_ELABORATE_SWEEP_H

#include "dsl/elaborate_common.h"
#include "dsl/settings.h"

enum { NET_SWEEP_RUNS = 100000 }; /* a sweep of more is refused */

typedef struct {
  net_expr *value;
  const char *text; /* as --set takes it */
  double number;    /* NAN: it is none */
  bool fresh;       /* written so (not between the ends of a range), and in no point before */
} net_sweep_value;

typedef struct {
  net_dotted path;
  const char *text;           /* train.batch_size */
  net_loc loc;                /* of the entry */
  bool varies;                /* there is more than one value */
  const net_expr *low, *high; /* ends, of what is drawn; else NULL */
} net_sweep_column;

typedef struct {
  const net_decl *decl;
  net_name name;
  net_loc loc;               /* of the name */
  net_sweep_column *columns; /* in the order written */
  uint32_t column_count;
  net_sweep_value *values; /* points × columns */
  uint32_t point_count;
  uint32_t repeat;
  bool seeded; /* the block has a seed, which is train.seed too, of the first of the repeats */
  uint64_t seed;
} net_sweep;

bool net_elaborate_sweep(net_elaborator *e, const net_decl *decl, net_sweep *sweep);
/* The sweep blocks of these names (count 0: all, in order). NULL: reported. */
net_sweep *net_elaborate_sweeps(netc *n, net_arena *arena, const net_program *program,
                                const char *const *names, uint32_t *count);

static inline const net_sweep_value *net_sweep_at(const net_sweep *sweep, uint32_t point, uint32_t column) {
  return &sweep->values[(size_t)point * sweep->column_count + column];
}
/* One of a point's settings. */
net_setting net_sweep_setting(const net_sweep *sweep, uint32_t point, uint32_t column);
/* The recipe's seed as a setting. */
net_setting net_sweep_seed(netc *n, const net_sweep *sweep, uint64_t seed);

#endif
