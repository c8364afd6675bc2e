/* Machine code in this process. */
#ifndef NETC_CODEGEN_JIT_H
#define NETC_CODEGEN_JIT_H

#include "codegen/compile.h"
#include "runtime/step.h"

typedef struct cg_jit cg_jit;

/* Compiles functions, each on a thread of its own, and loads them; the code is readable and executable, and
 * never writable after that. A target that this machine cannot run is an error. NULL: reported. times may be
 * NULL. */
cg_jit *cg_jit_new(netc *n, const cg_input *input, cg_times *times);
rt_step_function cg_jit_find(const cg_jit *jit, const char *name); /* NULL: no such function */
/* An object as `netc compile` makes it, loaded. NULL: reported. */
cg_jit *cg_jit_load(netc *n, const cg_target *target, const char *object, size_t length);
/* A function of such an object, to be called as what it is. NULL: reported. */
void (*cg_jit_symbol(cg_jit *jit, const char *name))(void);
void cg_jit_free(cg_jit *jit); /* none of its code may run any more */

#endif
