/* Text of loop IR, for people, --print-after and tests. */
#ifndef NETC_LOOPS_PRINT_H
#define NETC_LOOPS_PRINT_H

#include "loops/loops.h"

void lp_print_statements(FILE *to, const lp_function *f); /* form 1 */
void lp_print_nests(FILE *to, const lp_function *f);      /* form 2 */
void lp_print_expr(FILE *to, const lp_function *f, lp_expr e);

/* Types, lanes, ranks, scopes, index ranges (by interval arithmetic over loop bounds); reports faults. */
bool lp_verify_statements(const lp_function *f);
bool lp_verify_nests(const lp_function *f);

#endif
