/* The values of what a search varies: lists, ranges, logarithmic ranges. */
#ifndef NETC_DSL_ELABORATE_VALUES_H
#define NETC_DSL_ELABORATE_VALUES_H

#include "dsl/elaborate_common.h"
#include "dsl/elaborate_search.h"

/* Fills values, list, numbers, formats, count of what else is known. Reports. */
bool net_take_values(net_elaborator *e, const net_expr *value, net_vary *vary);
/* The value at x as an expression. */
const net_expr *net_vary_value(netc *n, const net_vary *vary, double x);
/* The number at x, of numbers. */
double net_vary_number(const net_vary *vary, double x);
/* elaborate_search.c: a block, whatever network it is for. */
bool net_elaborate_search_block(net_elaborator *e, const net_decl *decl, net_search *search);

#endif
