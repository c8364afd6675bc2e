/* What the parts of elaborate that read a train block share. */
#ifndef NETC_DSL_ELABORATE_TRAIN_H
#define NETC_DSL_ELABORATE_TRAIN_H

#include "dsl/elaborate_common.h"

/* A recipe under construction: what keys are taken into. */
typedef struct {
  net_elaborator *e;
  net_network *network;
  net_recipe *recipe;
  const net_expr *loss;
  const net_decl *data;
  NET_VEC(double) rates;
  NET_VEC(net_loss_term) terms;
  NET_VEC(bool) balanced;
  NET_VEC(net_target) targets;
  NET_VEC(bool) named; /* per target */
  NET_VEC(rt_metric) metrics;
  NET_VEC(net_loc) metric_locs;
} net_recipe_maker;

/* elaborate_loss.c: sums of losses, each with a factor: a + 0.3 * b, a - b / 2 */
bool net_take_losses(net_recipe_maker *m, const net_expr *expr, double factor);
/* elaborate_optimizer.c */
bool net_take_optimizer(net_elaborator *e, const net_entry *entry, void *into);
bool net_take_schedule(net_elaborator *e, const net_entry *entry, void *into);

/* Functions that take a number into a member of the recipe's maker. */
#define NET_TAKE_REAL(name, what, condition, must, target)                                                   \
  static bool name(net_elaborator *e, const net_entry *entry, void *into) {                                  \
    net_recipe_maker *m = into;                                                                              \
    double x;                                                                                                \
    if (!net_evaluate_real(e->n, &e->constants, entry->value, what, &x)) return false;                       \
    if (!(condition)) return net_error(e->n, entry->value->loc, "%s must be %s", what, must), false;         \
    m->target = x;                                                                                           \
    return true;                                                                                             \
  }
#define NET_TAKE_INTEGER(name, what, least, most, target, type)                                              \
  static bool name(net_elaborator *e, const net_entry *entry, void *into) {                                  \
    net_recipe_maker *m = into;                                                                              \
    int64_t x;                                                                                               \
    if (!net_evaluate_integer(e->n, &e->constants, entry->value, what, least, most, &x)) return false;       \
    m->target = (type)x;                                                                                     \
    return true;                                                                                             \
  }

#endif
