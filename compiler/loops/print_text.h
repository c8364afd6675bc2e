/* How print_text.c and print.c share the text of names and expressions. */
#ifndef NETC_LOOPS_PRINT_TEXT_H
#define NETC_LOOPS_PRINT_TEXT_H

#include "loops/print.h"

typedef struct {
  FILE *to;
  const lp_function *f;
  net_arena arena;
  bool form2;
  const char **buffers, **axes, **vars, **regs; /* names by id */
  uint32_t *uses,
      *named; /* by expression, in the statement being printed: number of users; number of its t */
  NET_VEC(lp_expr) touched; /* expressions of that statement */
} lp_printer;

lp_printer lp_printer_new(FILE *to, const lp_function *f, bool form2);
/* name, name_2, …: the first that none of the others (NULL: none) has. */
const char *lp_print_unique(lp_printer *p, net_name name, const char *const *others, uint32_t count);
/* An expression; in parentheses if it binds less tightly than `above` (0: never). */
void lp_print_operand(lp_printer *p, lp_expr e, int above);
/* x[b, i], or in form 2 x[bt][i][16*q ..], where .. stands for the rest of a vector */
void lp_print_access(lp_printer *p, lp_buffer buffer, uint32_t first, uint32_t count, uint32_t lanes);
void lp_print_reg(lp_printer *p, lp_reg reg, lp_expr i, lp_expr j);
/* Around the printing of a statement: first all expressions it prints, then the where-lines. */
void lp_print_uses(lp_printer *p, lp_expr e);
void lp_print_name_shared(lp_printer *p);
void lp_print_where(lp_printer *p, uint32_t indent);

#endif
