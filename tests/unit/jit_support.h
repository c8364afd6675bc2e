/* Graphs compiled as the pipeline does it (kn_lower, kn_schedule, cg_jit_new), called on memory with canaries
 * at every end, and compared with the interpreter. */
#ifndef NETC_TESTS_JIT_SUPPORT_H
#define NETC_TESTS_JIT_SUPPORT_H

#include "codegen/jit.h"
#include "interpret/interpret.h"
#include "kernels/kernels.h"
#include "ops/ops.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

/* ---- targets ---- */

extern const char *const jit_target_names[]; /* one for each instruction set */
enum { JIT_TARGETS = 4 };
/* Whether this machine runs the target's code; says so if it does not. */
bool jit_runs_here(uint32_t target);
void jit_begin(netc *n, uint32_t target,
               cg_target *found); /* a context with operators, and the target in it */
void jit_expect_silence(netc *n); /* no errors, no faults; prints them if there are some */
const char *jit_message(netc *n); /* the last diagnostic, or "" */

/* ---- functions ---- */

typedef struct {
  const net_graph *graph;
  const char *name;
  uint32_t batch;
  bool masked, unfused;
  kn_bindings bindings; /* variables, columns and scalars in the order of the graph's values */
  net_value_id *variable_ids, *column_ids, *scalar_ids;
  net_value_id *alias; /* by value: the variable that it is written over, or NET_NONE */
  size_t variable_floats;
  lp_function *f;
  bool *written; /* by buffer: some nest stores it */
  rt_step_function call;
} jit_function;

/* Lowered, scheduled, verified twice. outputs: bound as such. The name becomes the entry point's. */
jit_function *jit_function_new(netc *n, const cg_target *target, const net_graph *graph, const char *name,
                               const net_value_ids *outputs, uint32_t batch, bool masked, bool unfused);
/* The same for one sample by itself (kn_options.single). */
jit_function *jit_function_single(netc *n, const cg_target *target, const net_graph *graph, const char *name,
                                  const net_value_ids *outputs, bool unfused);
/* Makes constants of parameters and statistics, with numbers from the seed. */
void jit_make_constant(net_graph *graph, uint64_t seed);
cg_jit *jit_compile(netc *n, const cg_target *target, jit_function *const *functions, uint32_t count);

/* ---- numbers ---- */

typedef enum {
  JIT_USUAL,    /* about −2.5 to 2.5 */
  JIT_EQUAL,    /* all the same: ties, and sums whose roundings all go one way */
  JIT_ZERO,     /* 0 and −0 */
  JIT_TINY,     /* denormals */
  JIT_LARGE,    /* up to 100: far beyond where exp and the like are flat */
  JIT_HUGE,     /* up to 3e38 */
  JIT_INFINITE, /* as usual, some infinite */
  JIT_NAN,      /* as usual, some NaN */
  JIT_FILLS
} jit_fill;
extern const char *const jit_fill_names[JIT_FILLS];
double jit_random(uint64_t *state, double lo, double hi);

/* ---- memory ---- */

/* Arguments of a call. Columns have more rows than the batch, the index picks them out of order; what lies
 * past count in it repeats a row of the batch, as the runtime has it. */
typedef struct {
  const jit_function *function;
  rt_step step;
  float *before; /* variables as they were filled */
  double loss, weight_sum;
  uint32_t correct, rows;
  char **ends; /* canaries */
  uint32_t end_count;
} jit_memory;

/* Numbers for variables, columns and scalars, made from the seed, garbage in scratch. Names decide what a
 * value may be: "positive…", variances and sample weights lie above 0, "labelN…" are class numbers below N.
 * The fill is for all others but parameters, which are as usual. */
jit_memory *jit_memory_new(net_arena *arena, const jit_function *function, uint32_t count, jit_fill fill,
                           uint64_t seed);
/* The same variables as they were at first, and other garbage in scratch. */
void jit_memory_again(jit_memory *memory, uint64_t garbage);
/* Zeros in the variables whose names end so. */
void jit_memory_zero(jit_memory *memory, const char *suffix);
uint32_t jit_call(jit_memory *memory); /* what the function gives; canaries are looked at */
/* Elements of a value as compiled code has them; false: it keeps them nowhere. Results written over a
 * variable are the variable's, the variable itself is as it was before. */
bool jit_read(const jit_memory *memory, net_value_id value, double *elements);

/* ---- comparing ---- */

/* How far two results lie apart, in units of 2^-23 of the largest (finite) magnitude expected, or of the
 * element's term if that is larger (terms NULL: none); infinity where one is infinite or NaN and the other is
 * not the same. */
double jit_distance(const double *expected, const double *actual, uint64_t count, const double *terms,
                    uint64_t *worst);
/* A run of the interpreter that holds the call's sources. */
net_run jit_run(const jit_memory *memory, net_arena *arena);

typedef void (*jit_judge)(void *context, const jit_memory *memory, const net_run *run, net_node_id node,
                          uint32_t output, const double *expected, const double *actual);
/* Interprets every node on the compiled code's own values, and hands each output to the judge. The function
 * must keep them all (unfused, every node live). */
void jit_compare_nodes(const jit_memory *memory, net_arena *arena, jit_judge judge, void *context);

#endif
