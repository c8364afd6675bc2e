#include "codegen/unit.h"

#include "codegen/emit.h"
#include "codegen/fault.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Target.h>
#include <pthread.h>
#include <time.h>

static void initialise(void) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
}

LLVMTargetMachineRef cg_machine_new(netc *n, const cg_target *target) {
  static pthread_once_t once = PTHREAD_ONCE_INIT; /* targets are registered once per process */
  pthread_once(&once, initialise);
  LLVMTargetRef kind;
  char *text = NULL;
  if (LLVMGetTargetFromTriple(target->triple, &kind, &text)) {
    net_fault(n, NET_NOWHERE, "LLVM has no code generator for '%s': %s", target->triple, text);
    LLVMDisposeMessage(text);
    return NULL;
  }
  LLVMTargetMachineRef machine = LLVMCreateTargetMachine(kind, target->triple, target->cpu, target->features,
                                                         LLVMCodeGenLevelDefault, LLVMRelocPIC,
                                                         LLVMCodeModelSmall);
  if (!machine) net_fault(n, NET_NOWHERE, "LLVM has no machine for '%s'", target->triple);
  return machine;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool verify(netc *n, LLVMModuleRef module) {
  char *text = NULL;
  bool broken = LLVMVerifyModule(module, LLVMReturnStatusAction, &text);
  if (broken) net_fault(n, NET_NOWHERE, "emitted code is malformed: %s", text);
  LLVMDisposeMessage(text);
  return !broken;
}

bool cg_unit_open(netc *n, const cg_input *input, cg_unit *unit) {
  *unit = (cg_unit){.n = n, .input = input};
  unit->machine = cg_machine_new(n, input->target);
  if (!unit->machine) return false;
  unit->context = LLVMContextCreate();
  cg_catch_diagnostics(n, unit->context);
  unit->module = LLVMModuleCreateWithNameInContext("netc", unit->context);
  LLVMSetTarget(unit->module, input->target->triple);
  LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(unit->machine);
  LLVMSetModuleDataLayout(unit->module, layout);
  LLVMDisposeTargetData(layout);
  double start = now();
  for (uint32_t i = 0; i < input->count; i++)
    if (!cg_emit_function(n, input->target, unit->module, input->functions[i])) return false;
  if (!verify(n, unit->module)) return false;
  unit->times.emit = now() - start, start = now();
  if (!cg_optimise(n, unit->module, unit->machine)) return false;
  unit->times.optimise = now() - start;
  return true;
}

bool cg_unit_generate(cg_unit *unit, LLVMCodeGenFileType kind, LLVMMemoryBufferRef *code) {
  double start = now();
  uint32_t faults = unit->n->diagnostics.faults;
  char *text = NULL;
  *code = NULL;
  if (LLVMTargetMachineEmitToMemoryBuffer(unit->machine, unit->module, kind, &text, code)) {
    net_fault(unit->n, NET_NOWHERE, "cannot generate code: %s", text);
    LLVMDisposeMessage(text);
  }
  unit->times.generate = now() - start;
  if (unit->n->diagnostics.faults == faults) return true;
  if (*code) LLVMDisposeMemoryBuffer(*code);
  *code = NULL;
  return false;
}

void cg_unit_close(cg_unit *unit) {
  if (unit->module) LLVMDisposeModule(unit->module);
  if (unit->machine) LLVMDisposeTargetMachine(unit->machine);
  if (unit->context) LLVMContextDispose(unit->context);
  *unit = (cg_unit){0};
}
