#include "codegen/unit.h"

#include "codegen/emit.h"
#include "codegen/object.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <pthread.h>
#include <time.h>

/* Two passes of LLVM's code generator take a quarter of its time and change nothing that can be measured on
 * loops that come scheduled: loop strength reduction (the walker counts multiples of innermost variables) and
 * the second scheduling, after registers are assigned. They go off for the whole process or not at all. */
static const char *const options[] = {"netc", "-disable-lsr", "-disable-post-ra"};

static void initialise(void) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeX86AsmParser(); /* of what asks the processor for its level */
  LLVMParseCommandLineOptions(sizeof options / sizeof *options, options, "");
}

LLVMTargetMachineRef cg_machine_new(cg_trouble *trouble, const cg_target *target) {
  static pthread_once_t once = PTHREAD_ONCE_INIT; /* LLVM registers its targets once per process */
  pthread_once(&once, initialise);
  LLVMTargetRef kind;
  char *text = NULL;
  if (LLVMGetTargetFromTriple(target->triple, &kind, &text)) {
    cg_note(trouble, "LLVM has no code generator for '%s': %s", target->triple, text);
    LLVMDisposeMessage(text);
    return NULL;
  }
  LLVMTargetMachineRef machine =
      LLVMCreateTargetMachine(kind, target->triple, target->cpu, target->features, LLVMCodeGenLevelDefault,
                              LLVMRelocPIC, LLVMCodeModelSmall);
  if (!machine) cg_note(trouble, "LLVM has no machine for '%s'", target->triple);
  return machine;
}

double cg_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool open_module(cg_unit *unit) {
  unit->machine = cg_machine_new(&unit->trouble, unit->input.target);
  if (!unit->machine) return false;
  unit->context = LLVMContextCreate();
  if (unit->library) cg_catch_frames(unit);
  else cg_catch_diagnostics(&unit->trouble, unit->context);
  unit->module = LLVMModuleCreateWithNameInContext("netc", unit->context);
  LLVMSetTarget(unit->module, unit->input.target->triple);
  LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(unit->machine);
  LLVMSetModuleDataLayout(unit->module, layout);
  LLVMDisposeTargetData(layout);
  return true;
}

static bool verify(cg_unit *unit) {
  char *text = NULL;
  bool broken = LLVMVerifyModule(unit->module, LLVMReturnStatusAction, &text);
  if (broken) cg_note(&unit->trouble, "emitted code is malformed: %s", text);
  LLVMDisposeMessage(text);
  return !broken;
}

bool cg_unit_generate(cg_unit *unit) {
  char *text = NULL;
  LLVMCodeGenFileType kind = unit->product == CG_OBJECT ? LLVMObjectFile : LLVMAssemblyFile;
  if (LLVMTargetMachineEmitToMemoryBuffer(unit->machine, unit->module, kind, &text, &unit->code)) {
    cg_note(&unit->trouble, "cannot generate code: %s", text);
    LLVMDisposeMessage(text);
  }
  return !*unit->trouble.text;
}

static bool make(void *request) {
  cg_unit *unit = request;
  if (!open_module(unit)) return false;
  double start = cg_now(), emitted, optimised;
  if (unit->library && !cg_emit_library(unit, unit->library)) return false;
  for (uint32_t i = 0; i < unit->input.count; i++)
    if (!cg_emit_function(unit, unit->input.functions[i])) return false;
  if (!verify(unit)) return false;
  unit->times.emit = (emitted = cg_now()) - start;
  if (!cg_optimise(&unit->trouble, unit->module, unit->machine, unit->library)) return false;
  unit->times.optimise = (optimised = cg_now()) - emitted;
  if (unit->product == CG_IR) {
    unit->text = LLVMPrintModuleToString(unit->module);
    return true;
  }
  bool done = cg_unit_generate(unit);
  unit->times.generate = cg_now() - optimised;
  return done;
}

static bool close_module(void *request) {
  cg_unit *unit = request;
  if (unit->module) LLVMDisposeModule(unit->module);
  if (unit->machine) LLVMDisposeTargetMachine(unit->machine);
  if (unit->context) LLVMContextDispose(unit->context);
  unit->module = NULL, unit->machine = NULL, unit->context = NULL;
  return true;
}

bool cg_unit_make(cg_unit *unit) {
  bool done = cg_guarded(&unit->trouble, make, unit);
  cg_guarded(&unit->trouble, close_module, unit);
  if (!done && !*unit->trouble.text) cg_note(&unit->trouble, "code generation failed");
  if (done || !unit->code) return done;
  LLVMDisposeMemoryBuffer(unit->code);
  unit->code = NULL;
  return false;
}
