#include "codegen/fault.h"

#include <llvm-c/Core.h>
#include <llvm-c/ErrorHandling.h>
#include <pthread.h>

/* LLVM's handler is one per process and gets nothing but the reason, so the way back has to lie beside it:
 * one per thread, set only while that thread is inside LLVM. */
static _Thread_local jmp_buf *way_back;
static _Thread_local char reason[1024];

static void on_fatal_error(const char *text) {
  if (!way_back) return; /* not ours: LLVM prints it and exits */
  snprintf(reason, sizeof reason, "%.*s", (int)strcspn(text, "\n"), text);
  longjmp(*way_back, 1);
}

static void install(void) { LLVMInstallFatalErrorHandler(on_fatal_error); }

bool cg_guarded(netc *n, bool (*work)(void *), void *request) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  jmp_buf here, *outer = way_back;
  if (setjmp(here)) {
    way_back = outer;
    net_fault(n, NET_NOWHERE, "LLVM gave up: %s", reason);
    return false;
  }
  way_back = &here;
  bool done = work(request);
  way_back = outer;
  return done;
}

static void on_diagnostic(LLVMDiagnosticInfoRef info, void *context) {
  if (LLVMGetDiagInfoSeverity(info) != LLVMDSError) return;
  char *text = LLVMGetDiagInfoDescription(info);
  net_fault(context, NET_NOWHERE, "LLVM: %s", text);
  LLVMDisposeMessage(text);
}

void cg_catch_diagnostics(netc *n, LLVMContextRef context) {
  LLVMContextSetDiagnosticHandler(context, on_diagnostic, n);
}

bool cg_check(netc *n, const char *what, LLVMErrorRef error) {
  if (!error) return true;
  char *text = LLVMGetErrorMessage(error); /* consumes the error */
  net_fault(n, NET_NOWHERE, "cannot %s: %s", what, text);
  LLVMDisposeErrorMessage(text);
  return false;
}
