/* What a `require` block asks for: plain rows, read by `netc verify`. */
#ifndef NETC_DSL_REQUIRE_H
#define NETC_DSL_REQUIRE_H

#include "dsl/program.h"

typedef enum {
#define BUDGET(name, from, low, high, text) NET_BUDGET_##name,
#include "dsl/budgets.def"
#undef BUDGET
  NET_BUDGETS
} net_budget;

typedef enum { NET_BUDGET_GRAPH, NET_BUDGET_DATA, NET_BUDGET_OBJECT } net_budget_source;

typedef struct {
  const char *name;
  net_budget_source from;
  double low, high; /* between these a bound makes sense */
  const char *text;
} net_budget_row;
extern const net_budget_row net_budgets[NET_BUDGETS];

typedef struct {
  net_budget budget;
  net_relation relation;
  double limit;
  net_loc loc;
} net_requirement;

typedef struct {
  net_name name;
  net_name quantize, target; /* id 0: not given */
  bool integer;              /* arithmetic = integer */
  net_loc target_loc, integer_loc;
  const net_requirement *rows;
  uint32_t count;
  net_loc loc;
} net_requirements;

/* The block of that name; NULL: the only one. Reports. */
bool net_elaborate_requirements(netc *n, net_arena *arena, const net_program *program, const char *name,
                                net_requirements *requirements);
bool net_requirement_holds(const net_requirement *row, double value); /* NaN never does */

#endif
