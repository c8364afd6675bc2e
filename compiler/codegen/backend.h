/* LLVM's code generators, each started when a target first needs it. */
#ifndef NETC_CODEGEN_BACKEND_H
#define NETC_CODEGEN_BACKEND_H

#include "codegen/fault.h"
#include "codegen/target.h"

#include <llvm-c/TargetMachine.h>

bool cg_backend_exists(const char *name); /* in this machine's LLVM */
LLVMTargetMachineRef cg_machine_new(cg_trouble *trouble, const cg_target *target); /* NULL: noted */

#endif
