/* LLVM's ways of giving up, turned into faults of netc. Code is compiled on several threads at once, so what
 * goes wrong is noted first and reported by the thread that owns struct netc. */
#ifndef NETC_CODEGEN_FAULT_H
#define NETC_CODEGEN_FAULT_H

#include "support/netc.h"

#include <llvm-c/Error.h>
#include <llvm-c/Types.h>

/* The first thing that went wrong; empty: nothing. */
typedef struct {
  char text[1024];
} cg_trouble;

void cg_note(cg_trouble *trouble, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool cg_report(netc *n, const cg_trouble *trouble); /* false: there was trouble, and it is a fault now */

/* Runs work(request); when LLVM gives up meanwhile (llvm::report_fatal_error), notes its reason and returns
 * false. LLVM's own memory of that moment is lost. */
bool cg_guarded(cg_trouble *trouble, bool (*work)(void *request), void *request);

/* Whether there was no error; else notes it ("cannot WHAT: …") and frees it. */
bool cg_check(cg_trouble *trouble, const char *what, LLVMErrorRef error);

#endif
