#include "codegen/unit.h"

#include <llvm-c/Transforms/PassBuilder.h>

static const char passes[] = "function("
                             "mem2reg,"
                             "early-cse,"
                             "instcombine<no-verify-fixpoint>,"
                             "loop-mssa(licm))";

bool cg_optimise(cg_trouble *trouble, LLVMModuleRef module, LLVMTargetMachineRef machine) {
  LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
  bool done = cg_check(trouble, "optimise the code", LLVMRunPasses(module, passes, machine, options));
  LLVMDisposePassBuilderOptions(options);
  return done;
}
