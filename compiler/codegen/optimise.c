#include "codegen/fault.h"
#include "codegen/unit.h"

#include <llvm-c/Transforms/PassBuilder.h>

static const char passes[] = "function("
                             "sroa,"
                             "early-cse<memssa>,"
                             "instcombine<no-verify-fixpoint>,"
                             "loop-mssa(licm))";

bool cg_optimise(netc *n, LLVMModuleRef module, LLVMTargetMachineRef machine) {
  LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
  bool done = cg_check(n, "optimise", LLVMRunPasses(module, passes, machine, options));
  LLVMDisposePassBuilderOptions(options);
  return done;
}
