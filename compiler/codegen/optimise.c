#include "codegen/unit.h"

#include <llvm-c/Transforms/PassBuilder.h>

static const char passes[] = "function("
                             "mem2reg,"
                             "early-cse,"
                             "instcombine<no-verify-fixpoint>,"
                             "loop-mssa(licm))";

/* Functions of a library have their nests inlined, and their rt_step taken apart. */
static const char library_passes[] = "always-inline,globaldce,"
                                     "function("
                                     "sroa,"
                                     "early-cse<memssa>,"
                                     "instcombine<no-verify-fixpoint>,"
                                     "loop-mssa(licm),"
                                     "adce,simplifycfg),"
                                     "constmerge";

bool cg_optimise(cg_trouble *trouble, LLVMModuleRef module, LLVMTargetMachineRef machine, bool library) {
  LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
  const char *list = library ? library_passes : passes;
  bool done = cg_check(trouble, "optimise the code", LLVMRunPasses(module, list, machine, options));
  LLVMDisposePassBuilderOptions(options);
  return done;
}
