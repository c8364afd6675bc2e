/* C in place of machine code: a library's loops as plain C99, for compilers that LLVM does not reach. */
#ifndef NETC_CODEGEN_C_H
#define NETC_CODEGEN_C_H

#include "codegen/object.h"

/* What loops for C are made for: one lane, products that round before they are added. */
cg_target cg_c_target(void);

/* The text of a C file that includes <stdint.h> and <stddef.h> and refers to nothing else; it exports what
 * the object exports. The loops are those of one sample and one lane (f->batch and f->lanes are 1, f is
 * exact), also of entries that take rows, which call them row by row. The text lies in the arena. False:
 * reported. */
bool cg_print_c(netc *n, net_arena *arena, const cg_library *library, const char **text, size_t *length);

#endif
