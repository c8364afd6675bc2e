/* Shared libraries of one object, made by the system's compiler driver. */
#ifndef NETC_CODEGEN_SHARED_H
#define NETC_CODEGEN_SHARED_H

#include "support/netc.h"

/* Links the object into a library of that path, by the program that CC names (else cc). The library appears
 * under its name only when it is whole. False: reported. */
bool cg_link_shared(netc *n, const char *path, const char *object, size_t length);

#endif
