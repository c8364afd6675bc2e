/* One LLVM module on its way from loops to code: what compile.c and jit.c share. */
#ifndef NETC_CODEGEN_UNIT_H
#define NETC_CODEGEN_UNIT_H

#include "codegen/compile.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

typedef struct {
  netc *n;
  const cg_input *input;
  LLVMContextRef context;
  LLVMTargetMachineRef machine;
  LLVMModuleRef module;
  cg_times times;
} cg_unit;

/* unit.c. Everything below runs inside cg_guarded. */
LLVMTargetMachineRef cg_machine_new(netc *n, const cg_target *target); /* NULL: reported */
bool cg_unit_open(netc *n, const cg_input *input, cg_unit *unit); /* emitted, verified, optimised */
bool cg_unit_generate(cg_unit *unit, LLVMCodeGenFileType kind, LLVMMemoryBufferRef *code);
void cg_unit_close(cg_unit *unit);

/* optimise.c */
bool cg_optimise(netc *n, LLVMModuleRef module, LLVMTargetMachineRef machine);

#endif
