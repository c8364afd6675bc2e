/* LLVM reports what it cannot do by ending the process; this turns that into a fault of netc. */
#ifndef NETC_CODEGEN_FAULT_H
#define NETC_CODEGEN_FAULT_H

#include "support/netc.h"

#include <llvm-c/Error.h>
#include <llvm-c/Types.h>

/* Runs work(request); when LLVM gives up meanwhile (llvm::report_fatal_error), reports a fault with its
 * reason and returns false. LLVM's own memory of that moment is lost. */
bool cg_guarded(netc *n, bool (*work)(void *request), void *request);

/* Errors that LLVM reports to a context become faults; its warnings and remarks are dropped. */
void cg_catch_diagnostics(netc *n, LLVMContextRef context);

/* Whether there was no error; reports it as a fault ("cannot WHAT: …") and frees it. */
bool cg_check(netc *n, const char *what, LLVMErrorRef error);

#endif
