/* A network's functions for one target, compiled and called: against the interpreter, against each other,
 * again, with NaN, node by node. */
#ifndef NETC_TESTS_JIT_GROUP_H
#define NETC_TESTS_JIT_GROUP_H

#include "tests/unit/jit_networks.h"

enum { JIT_MOST_FUNCTIONS = 8 };

typedef struct {
  uint32_t functions, calls, nodes;
  bool *seen; /* by operator: in fused training steps */
} jit_totals;

typedef struct {
  jit_totals *totals;
  netc n;
  cg_target target;
  const jit_network *network;
  jit_function *functions[JIT_MOST_FUNCTIONS];
  uint32_t count;
  cg_jit *jit;
} jit_group;

jit_totals jit_totals_new(net_arena *arena);
void jit_group_open(jit_group *group, jit_totals *totals, uint32_t target, const jit_network *network);
jit_function *jit_group_add(jit_group *group, jit_mode mode, uint32_t batch, bool masked, bool unfused);
/* Evaluation of one sample by itself; constant: with parameters and statistics compiled in. */
jit_function *jit_group_add_single(jit_group *group, bool constant, bool unfused);
void jit_group_compile(jit_group *group);
void jit_group_close(jit_group *group);
const char *jit_describe(jit_group *group, const jit_memory *memory); /* for messages */

/* Velocities begin at 0, so that they are the gradients behind the step; rows that the batch does not have
 * are NaN. */
jit_memory *jit_memory_for(net_arena *arena, const jit_function *function, uint32_t count);
/* All that a call gave: results, variables, outputs. */
typedef struct {
  char *bytes;
  size_t count;
} jit_record;
jit_record jit_record_of(net_arena *arena, const jit_memory *memory);

/* Each fails the test, saying where, unless …
 * the step gives what the interpreter gives, and the same bits whatever lies in scratch; */
void jit_check_step(jit_group *group, const jit_function *function, uint32_t count);
/* the masked function gives on a full batch what the exact one gives; */
void jit_check_same(jit_group *group, const jit_function *exact, const jit_function *masked);
/* a NaN in a row of any column makes the step give 1 and leave all variables alone; */
void jit_check_nan(jit_group *group, const jit_function *function, uint32_t count);
/* each node of an unfused function lies as near the interpreter's as its operator states. */
void jit_check_nodes(jit_group *group, const jit_function *function, uint32_t count, jit_fill fill);

#endif
