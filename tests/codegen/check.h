/* Compiled nests against the evaluator, bit for bit, on every target that this machine runs. */
#ifndef NETC_TESTS_CODEGEN_CHECK_H
#define NETC_TESTS_CODEGEN_CHECK_H

#include "codegen/jit.h"
#include "loops/compute.h"
#include "loops/evaluate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct {
  netc n;
  cg_target target;
  uint32_t lanes; /* of the target */
} check;

/* Runs the test once for each target, with a netc of its own; faults and errors left over fail it. */
void check_targets(void (*test)(check *c));
/* The same without those that differ from another in their lanes only. */
void check_instruction_sets(void (*test)(check *c));

lp_function *check_function(check *c, const char *name, uint32_t batch, bool masked);
lp_buffer check_buffer(lp_function *f, const char *name, net_type type, lp_storage storage, uint32_t slot,
                       uint32_t rank, const uint32_t *dim);
#define CHECK_BUFFER(f, name, type, storage, slot, ...)                                                      \
  check_buffer((f), (name), (type), (storage), (slot), sizeof((uint32_t[]){__VA_ARGS__}) / 4,                \
               (uint32_t[]){__VA_ARGS__})

/* Memory of all buffers but columns, filled with noise (outputs and results stay zero). */
lp_memory check_memory(check *c, lp_function *f);
/* Scratch buffers filled with what is special about their types, and noise of every magnitude. */
void check_fill_special(const lp_function *f, lp_memory *memory, uint64_t seed);
lp_value check_special(net_type type, uint32_t element, uint64_t *state);
uint64_t check_draw(uint64_t *state); /* random bits */
/* Evaluates and runs compiled code on copies of the memory; all buffers must agree. The memory then holds the
 * outcome. Gives what the function gave. */
uint32_t check_run(check *c, const lp_function *f, lp_memory *memory);
/* The same with `with`'s parallel_for. */
uint32_t check_run_threads(check *c, const lp_function *f, lp_memory *memory, rt_step with);
rt_step check_step(check *c, const lp_function *f, const lp_memory *memory);
cg_jit *check_compile(check *c, const lp_function *const *functions, uint32_t count);

/* Short names for building */
#define K(f, value) lp_int((f), (value))
#define ADD(f, a, b) lp_addition((f), (a), (b))
#define TIMES(f, a, factor) lp_product((f), (a), lp_int((f), (factor)))
lp_expr check_zero(lp_function *f, net_type type, uint32_t lanes);

#endif
