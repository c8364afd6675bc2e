/* From scheduled loops to machine code; with jit.h, the way in for the rest of the compiler. No LLVM here. */
#ifndef NETC_CODEGEN_COMPILE_H
#define NETC_CODEGEN_COMPILE_H

#include "codegen/target.h"
#include "loops/loops.h"

/* Functions (form 2) that become one object: an entry point each, by lp_function.name. */
typedef struct {
  const cg_target *target;
  const lp_function *const *functions;
  uint32_t count;
} cg_input;

/* Seconds spent, for --time-passes; the JIT's are summed over functions, which it compiles side by side. */
typedef struct {
  double emit, optimise, generate, link;
} cg_times;

/* A relocatable ELF object; its bytes lie in the arena. times may be NULL. False: reported. */
bool cg_object(netc *n, net_arena *arena, const cg_input *input, const char **bytes, size_t *length,
               cg_times *times);
bool cg_print_ir(netc *n, const cg_input *input, FILE *to);  /* LLVM's IR as it goes to the code generator */
bool cg_print_asm(netc *n, const cg_input *input, FILE *to); /* assembly */

#endif
