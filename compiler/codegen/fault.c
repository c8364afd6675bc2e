#include "codegen/fault.h"

#include <llvm-c/Core.h>
#include <llvm-c/ErrorHandling.h>
#include <pthread.h>

void cg_note(cg_trouble *trouble, const char *format, ...) {
  if (*trouble->text) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(trouble->text, sizeof trouble->text, format, arguments);
  va_end(arguments);
  trouble->text[strcspn(trouble->text, "\n")] = 0;
}

bool cg_report(netc *n, const cg_trouble *trouble) {
  if (!*trouble->text) return true;
  net_fault(n, NET_NOWHERE, "%s", trouble->text);
  return false;
}

/* LLVM's handler is one per process and gets nothing but the reason, so the way back has to lie beside it:
 * one per thread, set only while that thread is inside LLVM. */
typedef struct {
  jmp_buf here;
  cg_trouble *trouble;
} way_back;
static _Thread_local way_back *current;

static void on_fatal_error(const char *reason) {
  if (!current) return; /* not ours: LLVM prints it and exits */
  cg_note(current->trouble, "LLVM gave up: %s", reason);
  longjmp(current->here, 1);
}

static void install(void) { LLVMInstallFatalErrorHandler(on_fatal_error); }

bool cg_guarded(cg_trouble *trouble, bool (*work)(void *), void *request) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  way_back back = {.trouble = trouble}, *outer = current;
  bool done = false;
  current = &back;
  if (!setjmp(back.here)) done = work(request);
  current = outer;
  return done;
}

bool cg_check(cg_trouble *trouble, const char *what, LLVMErrorRef error) {
  if (!error) return true;
  char *text = LLVMGetErrorMessage(error); /* consumes the error */
  cg_note(trouble, "cannot %s: %s", what, text);
  LLVMDisposeErrorMessage(text);
  return false;
}
