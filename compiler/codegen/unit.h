/* One LLVM module on its way from loops to code: what compile.c and jit.c share. */
#ifndef NETC_CODEGEN_UNIT_H
#define NETC_CODEGEN_UNIT_H

#include "codegen/backend.h"
#include "codegen/compile.h"
#include "codegen/fault.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

typedef enum { CG_OBJECT, CG_ASSEMBLY, CG_IR } cg_product;

/* Bytes of stack of an object's function, return address included. */
typedef struct {
  uint64_t own, versions; /* versions: the most that one for a single target takes, where there are several */
} cg_frames;

typedef struct cg_unit {
  const netc *n; /* names only: units are made on threads of their own */
  cg_input input;
  cg_product product;
  const struct cg_library *library; /* an object for users, in place of the input's functions; NULL: none */
  cg_frames *frames;                /* by entry of the library */
  void (*warned)(struct cg_unit *unit, const char *text); /* is told what LLVM warns of; NULL: nobody is */
  LLVMContextRef context;
  LLVMTargetMachineRef machine;
  LLVMModuleRef module;
  LLVMMemoryBufferRef code; /* the object or assembly */
  char *text;               /* the IR, to be disposed of by LLVM */
  cg_times times;
  cg_trouble trouble;
} cg_unit;

/* unit.c */
/* Makes the product of a unit whose first three fields are set, and frees the rest. False: see trouble. */
bool cg_unit_make(cg_unit *unit);
void cg_unit_listen(cg_unit *unit);   /* notes errors that LLVM reports in its context */
bool cg_unit_generate(cg_unit *unit); /* code of its module; inside cg_guarded */
double cg_now(void);                  /* seconds */

/* branchless.c: no branch is left where one number or another is chosen, whatever the target has for that */
void cg_remove_branches(LLVMModuleRef module, const cg_target *target);

/* optimise.c */
bool cg_optimise(cg_trouble *trouble, LLVMModuleRef module, LLVMTargetMachineRef machine, bool library);

#endif
