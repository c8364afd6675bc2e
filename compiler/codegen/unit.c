#include "codegen/unit.h"

#include "codegen/emit.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Target.h>
#include <time.h>

double cg_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Errors that LLVM reports are noted, remarks dropped. */
static void on_diagnostic(LLVMDiagnosticInfoRef info, void *context) {
  cg_unit *unit = context;
  LLVMDiagnosticSeverity severity = LLVMGetDiagInfoSeverity(info);
  if (severity != LLVMDSError && (severity != LLVMDSWarning || !unit->warned)) return;
  char *text = LLVMGetDiagInfoDescription(info);
  if (severity == LLVMDSError) cg_note(&unit->trouble, "LLVM: %s", text);
  else unit->warned(unit, text);
  LLVMDisposeMessage(text);
}

void cg_unit_listen(cg_unit *unit) { LLVMContextSetDiagnosticHandler(unit->context, on_diagnostic, unit); }

static bool open_module(cg_unit *unit) {
  unit->machine = cg_machine_new(&unit->trouble, unit->input.target);
  if (!unit->machine) return false;
  unit->context = LLVMContextCreate();
  cg_unit_listen(unit);
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
  if (unit->library) cg_remove_branches(unit->module, unit->input.target);
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
