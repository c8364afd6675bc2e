/* Constants of an object in a file of their own, which a program loads and hands over. */
#ifndef NETC_PIPELINE_SEPARATE_H
#define NETC_PIPELINE_SEPARATE_H

#include "pipeline/object.h"

enum { PL_WEIGHTS_ALIGN = 64, PL_WEIGHTS_VERSION = 1 };

/* Takes the constants out of the functions of a library, and of those that are better: they read them behind
 * a pointer then. What the file holds goes to object->weights: a head of 64 bytes ("NETCWGHT", u32 version,
 * u32 zero, u64 bytes of the whole, u64 hash of what is behind the head, zeros), then arrays, each at a
 * multiple of 64; all of it little-endian. */
void pl_separate(netc *n, cg_library *library, pl_object *object);

#endif
